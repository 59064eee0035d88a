/* cli/trace_follow.h - journeys as they happen: each event once, in order of time, under
 * the message that it belongs to.
 *
 *   lines -> events, when they are old enough to be in order -> messages -> shown
 *
 * (1) What another host took of a message belongs to that message: known when ours says
 *     "delivered, queued as ID there". Until then a message that may be one is held, for
 *     TRACE_HOLD_US at most.
 * (2) Another host's words lead only to a message in another folder, of the same sender,
 *     that belongs to none yet. */
#ifndef CLI_TRACE_FOLLOW_H
#define CLI_TRACE_FOLLOW_H

#include "cli/trace.h"
#include "os/os.h"

struct trace_shown {
	const char *id;                 /* of the message whose journey it is */
	const json_t *event;
	json_int_t begin_us;            /* of the journey */
	bool first, other;              /* of its journey; of another one than before */
};

struct trace_follow_options {
	const char *id;                 /* only this message, or NULL */
	const char *to;                 /* only those for this address, or NULL */
	bool all;                       /* also what other folders than the first took itself */
	json_int_t since_us;            /* what was before is known, and not shown */
	size_t back;                    /* bytes of each file that are known so */
	void (*show)(void *owner, const struct trace_shown *shown);
	void *owner;
};

struct trace_follow;

/* Of the folders of `trace`, which must live as long. */
struct trace_follow *trace_follow_open(struct os *os, const struct trace *trace,
    const struct trace_follow_options *options);
/* Events of that message that were shown otherwise: each is left out. */
void trace_follow_known(struct trace_follow *f, const json_t *events);
/* Show what is new; does not wait. True: there is more to do at once. */
bool trace_follow_turn(struct trace_follow *f);
/* Has the first journey that was shown come to an end, or to a wait? */
bool trace_follow_rests(const struct trace_follow *f);
/* The next event is of `other` journey. */
void trace_follow_interrupt(struct trace_follow *f);
void trace_follow_close(struct trace_follow *f);       /* NULL is allowed */

#endif
