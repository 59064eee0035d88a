/* sim/next_host.h - a simulated host that is no Posthouse and takes mail: a scripted
 * SMTP server, which may be in a bad mood.
 *
 * Some mailboxes are what they are in any mood: "nobody..." and "g..." are not there
 * (550), "busy..." never has the time (450). */
#ifndef SIM_NEXT_HOST_H
#define SIM_NEXT_HOST_H

#include "sim/checker.h"

enum next_mood {
	MOOD_GOOD,
	MOOD_BUSY,              /* 4xx now and then */
	MOOD_REFUSING,          /* 5xx */
	MOOD_MUTE,              /* no reply, for ever */
	MOOD_VANISHING,         /* gone before a reply, also when it took the message */
	MOOD_SLOW,              /* replies after up to a minute */
	MOOD_AWAY,              /* connections are dropped at once */
	MOODS
};

struct next_host;

/* Lives on os_heap(os); listens on the address until the world ends. */
struct next_host *next_host_create(struct os *os, struct checker *checker,
    const struct os_address *address, uint64_t seed, unsigned number);
void next_host_set_mood(struct next_host *host, enum next_mood mood);

#endif
