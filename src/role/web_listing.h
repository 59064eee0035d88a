/* role/web_listing.h - a list of messages as an answer.
 *
 * A page is written at once. Of a longer one, with limit=0 of any length, some messages are
 * written a turn, and one list at a time: others wait, and are refused (503) when too many
 * do or clients have not taken what was written (HTTP_ANSWERS_MAX). */
#ifndef ROLE_WEB_LISTING_H
#define ROLE_WEB_LISTING_H

#include "role/web_walk.h"

void web_listing_init(struct web *web);
/* What a walk found, whose owner is the request; takes what it kept. */
void web_listing(struct web_walk *walk);

#endif
