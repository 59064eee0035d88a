/* cli/repair.h - the parts of `posthouse repair`. */
#ifndef CLI_REPAIR_H
#define CLI_REPAIR_H

#include "cli/inspect.h"
#include "directory/seal.h"

struct repair {
	struct inspect in;
	bool dry_run;
	int aside;                      /* DATA/aside/TIME; -1: nothing was set aside yet */
	char aside_name[64];
	struct seal_key key;
	bool has_key;
	int new_directory;              /* the folder of the one being made */
	uint64_t repaired, left;        /* parts that are sound now; that are not */
};

/* The folder for what is taken away, made at its first use. -1 after a line. */
int repair_aside(struct repair *r);
/* "repaired: ..." or, in a dry run, "would repair: ...". */
void repair_say(struct repair *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "not repaired: ..."; counts what is left. */
void repair_fault(struct repair *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void repair_directory(struct repair *r);        /* repair_directory.c */
void repair_journal(struct repair *r);          /* repair_journal.c */
void repair_queue(struct repair *r);            /* repair_queue.c; inspect_marks() before */
/* What repair_account.c did to one account. */
void repair_account(struct inspect *in, uint64_t id);

#endif
