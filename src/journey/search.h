/* journey/search.h - the journey of one message, found among the lines that roles wrote
 * down (journey/event.h): what names it, its session, what it was on the host that sent it to
 * us, and what it became on others, as far as their words lead to one that took it from this
 * sender, after that. Pure.
 *
 *   struct journey_search *s = journey_search_open(heap, id, n_folders);
 *   while (journey_search_next(s, &folder))
 *           for each line of that folder's journeys, in any order:
 *                   journey_search_line(s, line);
 *   ... s->found[0 .. n-1], in order of time ...
 *   journey_search_close(s);
 *
 * The same folder may be wanted again. Memory is bounded: what is too much is left out. */
#ifndef JOURNEY_SEARCH_H
#define JOURNEY_SEARCH_H

#include "base/limits.h"
#include "journey/event_read.h"

enum { JOURNEY_FOLDERS_MAX = 8 };       /* of hosts; the first is our own */

struct journey_found {
	size_t folder;
	int64_t wall_us;
	struct event_view event;
	size_t number;                  /* in order of reading */
};

struct journey_search;

struct journey_search *journey_search_open(struct heap *heap, slice id, size_t n_folders);
/* Which folder is to be read now, all of it; false: all is known. */
bool journey_search_next(struct journey_search *s, size_t *ret_folder);
/* One line without its end. Only what matters is looked at closely. */
void journey_search_line(struct journey_search *s, slice line);
/* After next() said false: in order of time; they live as long as the search. */
const struct journey_found *journey_search_found(const struct journey_search *s, size_t *ret_n);
/* The session in which it came brought another message afterwards: the end of it is not this
 * one's. */
bool journey_search_followed(const struct journey_search *s);
void journey_search_close(struct journey_search *s);   /* NULL is allowed */

/* What the next host calls it, of a "sent" that says "queued as ID". */
bool event_next_id(const struct event_view *event, slice *ret_id);

#endif
