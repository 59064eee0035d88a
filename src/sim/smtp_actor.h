/* sim/smtp_actor.h - a simulated sender: connects, sends a few messages, goes,
 * comes back; sometimes vanishes in the middle, or right after the dot; tries
 * again what was not acknowledged. */
#ifndef SIM_SMTP_ACTOR_H
#define SIM_SMTP_ACTOR_H

#include "sim/checker.h"

/* Whom a sender may write to: an address, and the accounts it leads to (0: it
 * does not exist and must be refused). One that moves leads to others now and
 * then, or to nobody; a message to it has no other recipient. */
struct smtp_actor_recipient {
	slice address;
	uint64_t accounts;
	uint64_t remote;                /* those of them that are elsewhere */
	bool moves;
};

struct smtp_actor_plan {
	struct checker *checker;
	struct os_address server;
	const struct smtp_actor_recipient *recipients;
	size_t n_recipients;
	slice home;                     /* a domain with a mailbox of user0 */
	unsigned messages;              /* to get acknowledged, or give up */
	unsigned pace;                  /* rests are so many times longer; 1 or more */
	uint64_t seed;                  /* of the run */
	unsigned number;                /* of this sender */
};

struct smtp_actor;

/* Lives on os_heap(os). The plan is copied. */
struct smtp_actor *smtp_actor_create(struct os *os, const struct smtp_actor_plan *plan);
/* So many messages more. */
void smtp_actor_more(struct smtp_actor *actor, unsigned messages);
bool smtp_actor_finished(const struct smtp_actor *actor);
/* From now on: no vanishing, no long rests, until all is through. */
void smtp_actor_behave(struct smtp_actor *actor);

#endif
