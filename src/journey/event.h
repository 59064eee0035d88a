/* journey/event.h - what happened to which message: one line of JSON an event, each
 * role in a file of its own; `posthouse trace` merges them.
 *
 *   {"t":1795704231123456,"role":"edge.0","e":"accepted","s":"4k2","x":"9q","id":"1.2x.1",...}
 *
 * t is the wall clock in microseconds. s names a session, x a transaction, id a
 * message, once it has one. Nothing secret and nothing of a body goes in. */
#ifndef JOURNEY_EVENT_H
#define JOURNEY_EVENT_H

#include "base/limits.h"
#include "journal/message_id.h"
#include "os/os.h"

struct event {
	struct os *os;                  /* NULL: nobody wants events */
	size_t n;
	char text[JOURNEY_LINE_MAX];
};

/* Begin one; false, and all that follows does nothing, when nobody wants events. */
bool event_begin(struct event *e, struct os *os, const char *kind);
void event_text(struct event *e, const char *name, slice text);        /* cut when too long */
void event_number(struct event *e, const char *name, uint64_t value);
void event_name(struct event *e, const char *name, uint64_t value);    /* base 32: s, x, q */
void event_id(struct event *e, struct message_id id);
void event_ip(struct event *e, const char *name, const uint8_t ip[16]);
void event_end(struct event *e);

#endif
