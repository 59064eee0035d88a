/* api/mail.h - a message taken apart once, for all that the API shows of it. Pure.
 *
 *   struct arena arena = arena_init(heap, API_MAIL_ARENA_MAX);
 *   struct api_mail mail = api_mail_read(raw, charsets, &arena);
 *   ... api/summary.h, api/message.h, api/posthouse.h ...
 *   arena_reset(&arena);
 *
 * It never fails: what is malformed is read as mail/mime.h reads it. `raw` is the message as
 * it is stored, its trace fields with it, and of any length; or only its beginning, when
 * that is enough for who asks: then there is what stands in it, a part that is cut counts
 * with what is left of it, and sizes are those of what is there, but for api_facts.size. */
#ifndef API_MAIL_H
#define API_MAIL_H

#include "mail/mime_view.h"

struct api_mail {
	struct mime mime;               /* mime.message is raw */
	const uint8_t *uses;            /* mime_uses() */
	slice label;                    /* mime_charset() */
	struct charsets *charsets;
	struct heap *heap;              /* of the arena: for what is needed in between */
	const struct header_field *fields;      /* of the header, the first ones */
	size_t n_fields;
	slice more;                     /* of the header, behind those */
};

/* raw and charsets are borrowed for as long as the result; the arena must have
 * API_MAIL_ARENA_MAX. */
struct api_mail api_mail_read(slice raw, struct charsets *charsets, struct arena *arena);

/* What is known of a message beside its text. All borrowed. */
struct api_facts {
	slice id;                       /* as the API names it; letters, digits, "." */
	slice mailbox;                  /* name of the mailbox; may be empty */
	slice login;                    /* SMTP AUTH, or Basic of /send; may be empty */
	slice sender;                   /* reverse-path without brackets; may be empty */
	const slice *recipients;        /* forward-paths without brackets */
	size_t n_recipients;
	int64_t received_us;            /* wall clock, since 1970 */
	uint64_t size;                  /* of all of the message as it is stored */
	bool read;
	bool utf8;                      /* MAIL had SMTPUTF8 */
	uint32_t departures;            /* mail/departure.h */
};

struct api_address {
	slice name, address;            /* UTF-8, one line each; one may be empty */
};

struct api_addresses {
	size_t n;
	struct api_address *list;
};

/* Of a message's header API_HEADER_MAX bytes are looked at.
 *
 * The mailboxes of all fields of that name ("to", no case), API_SAME_FIELDS_MAX at most, groups
 * opened; what can't be read stands as a name. From `arena`, at most text_max bytes of text:
 * what is more is left out. Names are cut to API_NAME_MAX, and there are
 * MAILBOX_LIST_MAX at most. */
struct api_addresses api_mail_addresses(const struct api_mail *mail, const char *field,
    size_t text_max, struct arena *arena);

/* The first of From; a From that can't be read at all is a name, whole. */
struct api_address api_mail_from(const struct api_mail *mail, struct arena *arena);

/* Can an address of that field hold the character c, which is ASCII? Other bytes may become
 * anything. */
bool api_mail_may_have(const struct api_mail *mail, const char *field, unsigned char c);

/* Bcc with the recipients of the envelope behind it that are in none of To, Cc and Bcc. */
struct api_addresses api_mail_bcc(const struct api_mail *mail, const struct api_facts *facts,
    size_t text_max, struct arena *arena);

/* The value of the first field of that name, as it stands; ptr NULL: there is none. */
slice api_mail_value(const struct api_mail *mail, const char *field);
/* Its text, decoded, at most text_max bytes; empty: none. */
slice api_mail_field(const struct api_mail *mail, const char *field, size_t text_max,
    struct arena *arena);
/* The same for Message-ID and Return-Path: without brackets. */
slice api_mail_id(const struct api_mail *mail, const char *field, struct arena *arena);

/* How Mailpit numbers parts: "0" the root, then ordinals: "2", "1.2.2". Returns its
 * length. A part inside of an attached message has none: 0. */
size_t api_mail_part_id(const struct api_mail *mail, size_t part,
    char ret_text[MIME_SECTION_MAX]);

#endif
