/* journal/repair.h - damaged files of the journal, replaced by what can be read of
 * them.
 *
 * What is not done goes into a new file of parked records: each keeps its message id,
 * so that nothing is delivered twice. Then the damaged file is copied aside and goes.
 * After a crash in between both are there, which is as a delivery that is handed over
 * again. Blocking; OS_ROOT is the folder `journal`; no router may run. */
#ifndef JOURNAL_REPAIR_H
#define JOURNAL_REPAIR_H

#include "base/limits.h"
#include "journal/delivery.h"
#include "journal/verify.h"

struct journal_repair {
	/* Given: */
	const struct journal_verify *found;     /* what is damaged; not newer, not failed */
	int aside;                      /* the folder, a descriptor (log/aside.h) */
	/* Whom is a record for? Up to `max` targets, from the arena or borrowed from the
	 * record. False: nobody knows. */
	bool (*targets)(void *context, const struct journal_commit *commit,
	    struct arena *arena, struct delivery_target *ret_targets, size_t *ret_n);
	void *context;

	/* Done: */
	uint64_t records;               /* messages kept for delivery */
	uint64_t unreadable;
	uint64_t files;                 /* set aside */
	char path[FINDING_PATH];        /* what could not be; empty: the new file */
};

enum { JOURNAL_REPAIR_TARGETS = JOURNAL_RECIPIENTS_MAX * RECIPIENT_TARGETS_MAX };

/* 0 or -errno; what was done so far stands, and it can be run again. */
int journal_repair(struct journal_repair *r);

#endif
