/* api/tags.h - tags of messages: sets of short names in their order (letters have no
 * case), as first written. Pure. */
#ifndef API_TAGS_H
#define API_TAGS_H

#include "api/mail.h"
#include "base/limits.h"

/* names: at most API_TAGS_MAX, of the arena that they were added with; sorted. */
struct api_tags {
	size_t n;
	slice *names;
};

/* A name as it may be kept: letters and digits of ASCII, "." "_" "@" "-" and single blanks
 * inside; all else became blanks. Empty, with false: nothing is left, or it is over
 * API_TAG_MAX bytes. ret_text: borrowed from `room`. */
bool api_tag_clean(slice text, unsigned char room[API_TAG_MAX], slice *ret_text)
    __attribute__((warn_unused_result));

/* Add one, cleaned; nothing happens when it is no name, is there already, or
 * API_TAGS_MAX are there. */
void api_tags_add(struct api_tags *tags, slice text, struct arena *arena);
/* The same for each text between commas. */
void api_tags_add_list(struct api_tags *tags, slice text, struct arena *arena);

/* What a message brings with it: of X-Tags; and behind "+" in the local parts of From, To,
 * Cc and Bcc ("a+x+y@d": x, y), hidden recipients too. */
struct api_tags api_tags_received(const struct api_mail *mail, const struct api_facts *facts,
    struct arena *arena);

bool api_tags_has(const struct api_tags *tags, slice name);     /* no case */

#endif
