/* journey/event_read.h - one line of a journey, as journey/event.h wrote it, read. Pure.
 *
 * What stands in its texts came from strangers, and a line may be cut short: a line that is
 * not of that form is none. */
#ifndef JOURNEY_EVENT_READ_H
#define JOURNEY_EVENT_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

struct event_field {
	slice name;
	bool is_number;
	int64_t number;
	slice text;                     /* any bytes; NULs, too */
};

struct event_view {
	slice line;                     /* without its end */
	size_t n;
	const struct event_field *fields;
};

/* Names and plain texts are borrowed from `line`, the rest is of the arena. False: it is no
 * event, or the arena is full. */
bool event_read(slice line, struct arena *arena, struct event_view *ret_event)
    __attribute__((warn_unused_result));

/* NULL: there is none of that name. */
const struct event_field *event_find(const struct event_view *event, const char *name);
slice event_text_of(const struct event_view *event, const char *name);         /* or empty */
int64_t event_number_of(const struct event_view *event, const char *name);     /* or 0 */
bool event_is(const struct event_view *event, const char *kind);

#endif
