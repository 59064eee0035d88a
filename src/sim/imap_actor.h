/* sim/imap_actor.h - one device of an account that speaks IMAP: logs in, brings what it
 * remembers of its mailboxes up to date, changes something, leaves or vanishes. */
#ifndef SIM_IMAP_ACTOR_H
#define SIM_IMAP_ACTOR_H

#include "sim/imap_book.h"

struct imap_actor_plan {
	struct sim *sim;
	struct checker *checker;
	struct imap_book *book;         /* of the account, for all its devices */
	struct os_address server;
	unsigned account, device;       /* below IMAP_DEVICES */
	slice login, secret;
	unsigned pace;                  /* rests are so many times longer; 1 or more */
	uint64_t seed;
};

struct imap_actor;

/* Lives on os_heap(os). The plan is copied, what its slices point to is not. */
struct imap_actor *imap_actor_create(struct os *os, const struct imap_actor_plan *plan);
/* From now on: both mailboxes each time, no changes, no vanishing. */
void imap_actor_behave(struct imap_actor *actor);
/* No new session while it is paused. */
void imap_actor_pause(struct imap_actor *actor, bool paused);
/* How many sessions went from login to LOGOUT's OK. */
unsigned imap_actor_sessions(const struct imap_actor *actor);
/* Nothing happens any more: both must remember the same. */
void imap_actor_compare(const struct imap_actor *a, const struct imap_actor *b);

#endif
