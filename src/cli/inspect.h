/* cli/inspect.h - what verify and repair share: the data folder, read as it lies
 * there, and findings as lines.
 *
 *   directory  a copy of directory.db: which accounts there are
 *   journal    what is on its way
 *   queue      what waits for other hosts
 *   accounts   each folder of account/, and each row that has none
 *
 * Beside a server files change while they are read. So what looks damaged is read
 * again, a moment later, and counts only if it looks the same each time. */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include <signal.h>
#include <stdio.h>

#include "account/survey.h"
#include "cli/data.h"
#include "journal/verify.h"
#include "queue/verify.h"

/* A finder that remembers. */
struct sieve {
	struct finder finder;
	struct inspect *inspect;
	struct finding *list;
	size_t n, capacity, dropped;    /* dropped: above INSPECT_HELD_MAX */
};

struct inspect_account {
	uint64_t id;
	const char *address;
};

struct inspect {
	const struct cli_args *args;
	struct os *os;
	struct arena arena, names;      /* of the setting; of the accounts */
	struct setting setting;
	struct data_folder data;
	int account, journal, directory, queue; /* folders; -1: not there */
	int scratch;                    /* while a copy of directory.db is read; or -1 */
	char scratch_path[256];
	sigset_t signals;               /* as they were before it was made */
	bool holding;
	bool json, quiet;               /* quiet: findings are not printed */
	bool beside;                    /* a server runs */
	bool alone;                     /* we have the lock: none can start */
	bool directory_sound;

	struct inspect_account *accounts;       /* with a row; by id */
	size_t n_accounts, accounts_capacity;
	const struct inspect_account *only;     /* the one that was asked for, or NULL */
	struct heap *marks_heap;
	struct journal_verify marks;    /* what may still be handed over */

	uint64_t findings, notes, read_accounts, messages, queued, files, bytes;
	uint64_t shown_ms;              /* the last line of progress */
	bool showing;
	const char *last_path;
};

/* Open the data folder that the options name. False after a line. */
bool inspect_open(struct inspect *in, const struct cli_args *args);
void inspect_close(struct inspect *in);

/* A folder for a copy of directory.db, which holds password hashes: it goes as soon
 * as it was read, and what would end us (Ctrl-C) waits so long. Its owner is who we
 * are now. False after a line. */
bool inspect_scratch_open(struct inspect *in);
void inspect_scratch_drop(struct inspect *in);

/* The word behind the command: an address, or "all". Reads the directory first;
 * false after a line: there is no such account. */
bool inspect_choose(struct inspect *in);
const char *inspect_address(const struct inspect *in, uint64_t id);     /* NULL: no row */

/* OS_ROOT becomes this folder. */
void inspect_root(struct inspect *in, int folder);
/* Print a finding and count it. */
void inspect_tell(struct inspect *in, const struct finding *finding);

void sieve_init(struct sieve *sieve, struct inspect *in, const char *folder);
void sieve_free(struct sieve *sieve);

/* Each part, with its findings printed. */
void inspect_folder(struct inspect *in);        /* rights of keys and of the folder */
bool inspect_directory(struct inspect *in);     /* false after a line: it was not read */
/* The accounts of the database in this folder, with what is wrong there. */
void inspect_list(struct inspect *in, int folder, struct finder *finder);
void inspect_journal(struct inspect *in);
void inspect_queue(struct inspect *in);
void inspect_accounts(struct inspect *in);

/* One round over one account into a sieve. The survey's memory is the caller's heap. */
void inspect_survey(struct inspect *in, uint64_t id, struct heap *heap, struct sieve *sieve,
    struct account_survey *ret_survey);
/* Likewise, over the queue; inspect_marks() comes before. */
void inspect_waiting(struct inspect *in, struct heap *heap, struct sieve *sieve,
    struct queue_verify *ret_verify);
/* Read again what may be handed over. */
void inspect_marks(struct inspect *in);
/* Call visit for each folder of an account; also those without a row. */
void inspect_folders(struct inspect *in, void (*visit)(struct inspect *in, uint64_t id));

void inspect_progress_end(struct inspect *in);

#endif
