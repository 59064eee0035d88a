/* queue/repair.h - the queue made sound again, from what verify found.
 *
 *   1  copies of its logs, and of each message that is damaged or that no entry names, are
 *      set aside
 *   2  bodies that are whole, but not what stands before them in their pack, are copied
 *      into a new pack, synced: without the trace
 *   3  a new chain of logs says what waits
 *   4  the old logs go
 *
 * Each step is on disk before the next begins, and only the last batch of the third
 * changes what the queue is: after a crash anywhere it can be run again.
 *
 * Entries keep their names, and wait as they did. A message that can't be read can't be
 * sent: its recipients go, failed, into an entry of another name, so that no report of an
 * earlier life counts for them (role/relay_report.c), and the relay tells the sender when
 * it starts. That name follows from the first one: a second repair gives the same.
 *
 * Blocking; OS_ROOT is the folder `queue`; nobody else may have it open. */
#ifndef QUEUE_REPAIR_H
#define QUEUE_REPAIR_H

#include "queue/verify.h"

struct queue_repair {
	/* Given: */
	struct queue_verify *verify;    /* not newer, not failed */
	int aside;                      /* the folder, a descriptor (log/aside.h) */

	/* Done: */
	uint64_t kept;                  /* entries that wait as they did; of them ... */
	uint64_t bare;                  /* ... without their trace */
	uint64_t returned;              /* whose message can't be read; of them ... */
	uint64_t silent;                /* ... with nobody to tell: <> sent them */
	const char *step;               /* what failed, in words */
};

/* 0 or -errno; then the queue is as it was, or sound already. */
int queue_repair(struct queue_repair *r);

#endif
