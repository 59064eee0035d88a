/* role/web_gist.h - what the index keeps of a message: its summary, packed, and its words.
 *
 * Made on the pool by a few gatherers, each with memory and converters of its own. What they
 * made is handed over in the order in which the messages were read. */
#ifndef ROLE_WEB_GIST_H
#define ROLE_WEB_GIST_H

#include "role/web_impl.h"

/* All of it is the gatherer's. */
struct web_gist {
	struct api_summary summary;
	struct buffer head, words;
	bool fits;                      /* false: it can't be packed, so the rest is not there */
};

void web_gist_init(struct web *web);

/* A message that was read for the index; web_gathered() follows in a later turn. */
void web_gather(struct web *web, struct web_fetch *fetch);

/* web_watch.c: list it, unless it went meanwhile. Calls web_fed(). */
void web_gathered(struct web *web, struct web_fetch *fetch, const struct web_gist *gist);

#endif
