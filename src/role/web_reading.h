/* role/web_reading.h - a message taken apart for somebody who asked for it.
 *
 * A short one at once; a longer one on the pool, one at a time, for what it costs is its
 * length, and its sender's choice. */
#ifndef ROLE_WEB_READING_H
#define ROLE_WEB_READING_H

#include "role/web_mail.h"

struct web_reading {
	struct web_mail mail;
	slice raw;
	struct api_tags tags;
	struct buffer made;             /* what make() appended; empty when that failed */
	void *owner;
	/* Its own: */
	struct list link;               /* web->readings */
	struct os_work work;
	struct web *web;
	struct heap *heap;
	struct arena arena;
	struct buffer bytes;            /* raw's */
	bool (*make)(const struct web_reading *r, struct buffer *out);
	void (*done)(struct web_reading *r);
};

void web_reading_init(struct web *web);
/* Takes *raw over. make, or NULL: a long part of what follows, done likewise; it may touch
 * nothing but *r and *out. Then done, once, now or later; *r is gone when it returns. */
void web_read(struct web *web, const struct web_entry *entry, struct buffer *raw,
    bool (*make)(const struct web_reading *r, struct buffer *out),
    void (*done)(struct web_reading *r), void *owner);

#endif
