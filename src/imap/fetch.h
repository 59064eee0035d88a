/* imap/fetch.h - what FETCH asks for (RFC 9051 s6.4.5, s9 fetch-att; RFC 3501 s9;
 * RFC 3516 BINARY, RFC 7162 MODSEQ, RFC 8474 OBJECTID, RFC 8514 SAVEDATE, RFC 8970 PREVIEW). */
#ifndef IMAP_FETCH_H
#define IMAP_FETCH_H

#include "base/limits.h"
#include "imap/parse.h"
#include "imap/write.h"

enum imap_fetch_kind {
	IMAP_FETCH_BODY,                /* without a section */
	IMAP_FETCH_BODYSTRUCTURE,
	IMAP_FETCH_EMAILID,
	IMAP_FETCH_ENVELOPE,
	IMAP_FETCH_FLAGS,
	IMAP_FETCH_INTERNALDATE,
	IMAP_FETCH_MODSEQ,
	IMAP_FETCH_PREVIEW,
	IMAP_FETCH_RFC822,              /* BODY[], of RFC 3501 */
	IMAP_FETCH_RFC822_HEADER,       /* BODY.PEEK[HEADER] */
	IMAP_FETCH_RFC822_SIZE,
	IMAP_FETCH_RFC822_TEXT,         /* BODY[TEXT] */
	IMAP_FETCH_SAVEDATE,
	IMAP_FETCH_THREADID,
	IMAP_FETCH_UID,
	IMAP_FETCH_SECTION,             /* BODY[...] */
	IMAP_FETCH_BINARY,              /* BINARY[...] */
	IMAP_FETCH_BINARY_SIZE,
};

enum imap_section_kind {
	IMAP_SECTION_ALL,               /* of the part, or of the message */
	IMAP_SECTION_HEADER,
	IMAP_SECTION_FIELDS,            /* HEADER.FIELDS (...) */
	IMAP_SECTION_FIELDS_NOT,
	IMAP_SECTION_TEXT,
	IMAP_SECTION_MIME,
};

struct imap_section {
	slice part;                     /* "1.2"; empty: the message; for mime_find() */
	enum imap_section_kind kind;
	slice *fields;                  /* names */
	size_t n;
};

struct imap_fetch_item {
	enum imap_fetch_kind kind;
	bool peek;                      /* it does not set \Seen */
	bool lazy;                      /* PREVIEW (LAZY) */
	struct imap_section section;
	bool partial;                   /* <offset.length> */
	uint32_t offset, length;
};

struct imap_fetch {
	struct imap_fetch_item items[IMAP_FETCH_ITEMS_MAX];
	size_t n;
	size_t names;                   /* of fields, of all items together */
	bool changed_since, vanished;   /* RFC 7162 */
	uint64_t modseq;
};

/* What follows the set of numbers and a space: a macro, an item or items in parentheses, then
 * perhaps modifiers in parentheses. An item that is asked for twice is told once. */
bool imap_take_fetch(struct imap_parse *p, struct imap_fetch *ret);

/* What answers an item, before the space and its value: "BODY[HEADER.FIELDS (DATE)]<0>". */
void imap_put_item(struct imap_writer *w, const struct imap_fetch_item *item);

#endif
