/* role/web_mail.h - a message as it came from its store, with what is known of it beside
 * its text (api/mail.h). */
#ifndef ROLE_WEB_MAIL_H
#define ROLE_WEB_MAIL_H

#include "api/mail.h"
#include "role/web_impl.h"

enum { WEB_MAIL_ARENA_MAX = API_MAIL_ARENA_MAX + API_SUMMARY_ARENA_MAX + 1024 * 1024 };

struct web_mail {
	struct api_mail mail;
	struct api_facts facts;
	struct arena *arena;            /* which all of it is of */
};

/* Borrows raw; the rest is of the arena, WEB_MAIL_ARENA_MAX. */
void web_mail_read(struct web *web, const struct web_entry *entry, slice raw,
    struct arena *arena, struct web_mail *ret);
/* The same in two steps: what the index knows of it, its mailbox borrowed, and the rest, which
 * may be done on the pool, with converters that nobody else uses meanwhile. */
struct api_facts web_mail_facts(const struct web *web, const struct web_entry *entry,
    struct arena *arena);
void web_mail_open(const struct api_facts *facts, slice raw, struct charsets *charsets,
    struct arena *arena, struct web_mail *ret);
struct api_tags web_entry_tags(const struct web_entry *entry, struct arena *arena);

#endif
