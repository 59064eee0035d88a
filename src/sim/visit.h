/* sim/visit.h - what simulated clients do alike: rest, connect, talk over one
 * stream while something moves, leave, rest again.
 *
 *   RESTING -> DIALLING -> TALKING -> RESTING ...
 *
 * (1) A stream is destroyed from `leave`, a deferred call, never inside one of
 *     its own handlers. */
#ifndef SIM_VISIT_H
#define SIM_VISIT_H

#include "os/stream.h"
#include "os/dial.h"

enum { VISIT_NEVER = -1 };

/* How a client of one kind behaves; `owner` is its own struct. */
struct visit_manner {
	/* Milliseconds until the next visit, or VISIT_NEVER. */
	int64_t (*rest_ms)(void *owner);
	/* There is a stream, whose owner it is, too. */
	void (*begin)(void *owner);
	/* It is over, or never was; the stream is still there, if there was one. */
	void (*end)(void *owner);
	const struct stream_handler *stream;    /* its `closed` calls visit_leave() */
	size_t in_max, out_max;
};

struct visit {
	struct os *os;
	const struct visit_manner *manner;
	void *owner;
	struct os_address server;
	struct stream *stream;          /* NULL: not talking */
	struct dial dial;
	struct os_timer timer;          /* rest, or patience */
	struct os_defer leave;
};

void visit_init(struct visit *v, struct os *os, const struct os_address *server,
    const struct visit_manner *manner, void *owner);
/* Begin so much later. */
void visit_in(struct visit *v, uint64_t ms);
/* Ask the manner again how long to rest; only while visit_rests(). */
void visit_rest(struct visit *v);
bool visit_rests(const struct visit *v);
/* Something came: the patience begins anew. */
void visit_moves(struct visit *v);
/* Soon; until then visit_leaves(). */
void visit_leave(struct visit *v);
bool visit_leaves(const struct visit *v);

#endif
