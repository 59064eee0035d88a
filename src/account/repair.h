/* account/repair.h - an account made sound again, from what a survey found.
 *
 *   1  copies of its logs, and of each damaged message, are set aside
 *   2  messages without a record are copied into new packs, synced
 *   3  a new base and a segment behind it say what is there: account_rebase()
 *   4  the old logs go
 *
 * Each step is on disk before the next begins, and only the third changes what the
 * account is: after a crash anywhere the same survey leads to the same end.
 *
 * Messages that can be read keep their UIDs, and the account its UIDVALIDITY;
 * those brought back get new UIDs at the end. Messages that can't be read vanish
 * from the mailbox. Blocking; OS_ROOT is the folder `account`; nobody else may
 * have the account open. */
#ifndef ACCOUNT_REPAIR_H
#define ACCOUNT_REPAIR_H

#include "account/files.h"
#include "account/survey.h"

struct account_repair {
	/* Given: */
	struct account_survey *survey;  /* not newer, not failed; its state is used up */
	int aside;                      /* the folder, a descriptor (log/aside.h) */
	struct account_birth birth;     /* fresh generations; uidvalidity if it has none */

	/* Done: */
	uint64_t brought_back;          /* messages */
	uint64_t dropped;
	const char *step;               /* what failed, in words */
};

/* 0 or -errno; then the account is as it was, or sound already. */
int account_repair(struct account_repair *r);

#endif
