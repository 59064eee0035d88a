/* sim/rude_actor.h - a simulated client that means no good, or is broken: it
 * connects and says nothing, trickles, floods without a line's end, or sends
 * and never reads. It never finishes a message, so it owes the checker nothing;
 * the server must live with it and be rid of it. */
#ifndef SIM_RUDE_ACTOR_H
#define SIM_RUDE_ACTOR_H

#include "os/os_sim.h"

struct rude_actor_plan {
	struct os_address server;
	uint64_t seed;
	unsigned number;
};

struct rude_actor;

/* Lives on os_heap(os). The plan is copied. */
struct rude_actor *rude_actor_create(struct os *os, const struct rude_actor_plan *plan);
/* It goes away, without a word, and stays away. */
void rude_actor_stop(struct rude_actor *actor);

#endif
