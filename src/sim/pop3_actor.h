/* sim/pop3_actor.h - a simulated reader of one account: logs in, lists, reads
 * what is new (and sometimes what is old), deletes, leaves by QUIT or vanishes. */
#ifndef SIM_POP3_ACTOR_H
#define SIM_POP3_ACTOR_H

#include "sim/checker.h"

struct pop3_actor_plan {
	struct checker *checker;
	struct os_address server;
	unsigned account;
	slice login, secret;
	unsigned pace;                  /* rests are so many times longer; 1 or more */
	uint64_t seed;
};

struct pop3_actor;

/* Lives on os_heap(os). The plan is copied, what its slices point to is not. */
struct pop3_actor *pop3_actor_create(struct os *os, const struct pop3_actor_plan *plan);
/* From now on: read everything each time, no vanishing, no deleting. */
void pop3_actor_behave(struct pop3_actor *actor);
/* No new session while it is paused. */
void pop3_actor_pause(struct pop3_actor *actor, bool paused);
/* How many sessions went from login to +OK to QUIT. */
unsigned pop3_actor_sessions(const struct pop3_actor *actor);

#endif
