/* role/web_journey.h - what roles wrote down of a message (journey/search.h), read on the
 * pool, of one message after the other. */
#ifndef ROLE_WEB_JOURNEY_H
#define ROLE_WEB_JOURNEY_H

#include "journey/search.h"
#include "role/web_impl.h"

struct web_journey {
	struct list link;               /* web->journeys; the first one is being read */
	struct web *web;
	struct heap *heap;              /* of its own: the pool's while it is read */
	struct journey_search *search;
	struct os_work work;
	void (*done)(struct web_journey *journey);
	void *owner;
};

void web_journey_init(struct web *web);
/* Whose journeys they are, ours first: of each folder. Returns how many there are. */
size_t web_journey_hosts(const struct web *web, slice ret_hosts[JOURNEY_FOLDERS_MAX]);
/* `done` comes later, once; after it the journey is the caller's, to be freed. NULL: too many
 * ask. */
struct web_journey *web_journey_read(struct web *web, const struct web_entry *entry,
    void (*done)(struct web_journey *journey), void *owner);
void web_journey_free(struct web_journey *journey);    /* NULL is allowed */

#endif
