/* mail/mime.h - the parts of a message (RFC 2045, RFC 2046), of broken ones too.
 *
 *   struct mime m = mime_parse(message, arena);
 *   for (size_t i = 0; i < m.n; i++) ... m.parts[i] ...
 *
 * A flat array in the order of the text, each part before what is in it. It never fails:
 * what is wrong is noted with the part it is wrong in, and read as most programs read it:
 *
 * - A delimiter is the whole line, but for blanks behind it (RFC 2046 s5.1.1 lets it
 *   have more; nobody writes that, and boundaries are often beginnings of one another). The
 *   innermost multipart that a line fits to has it; those inside of it end there.
 * - A multipart without a boundary has no parts. One that says it is encoded is not.
 * - message/rfc822 and message/global are opened, unless they are encoded.
 * - A line in a header that is no field is passed over when the next line is one;
 *   otherwise the body begins there, without a blank line.
 * - Lines end with LF, perhaps with a CR before it.
 *
 * One pass over the text, another over each part's content, to count what it decodes to. */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "base/arena.h"
#include "mail/charset.h"
#include "mail/content_type.h"
#include "mail/header.h"

enum mime_defect {
	MIME_NO_END = 1u << 0,          /* a multipart without its last boundary */
	MIME_NO_BOUNDARY = 1u << 1,     /* a multipart that does not say its boundary */
	MIME_NO_PARTS = 1u << 2,        /* a multipart in which no boundary stands */
	MIME_TOO_DEEP = 1u << 3,        /* not opened: MIME_DEPTH_MAX */
	MIME_TOO_MANY = 1u << 4,        /* of the root: MIME_PARTS_MAX, what follows is not split */
	MIME_ENCODED = 1u << 5,         /* a multipart or message in base64 or quoted-printable */
	MIME_BAD_TYPE = 1u << 6,        /* Content-Type is none: text/plain (RFC 2045 s5.2) */
	MIME_BAD_ENCODING = 1u << 7,    /* an unknown Content-Transfer-Encoding: as it stands */
	MIME_TWICE = 1u << 8,           /* a field of MIME is there again: the first counts */
	MIME_NO_COLON = 1u << 9,        /* a line in the header that is no field */
	MIME_NO_BLANK_LINE = 1u << 10,  /* between header and body */
	MIME_BAD_BASE64 = 1u << 11,
	MIME_BAD_QUOTED = 1u << 12,     /* bad quoted-printable */
	MIME_8BIT_HEADER = 1u << 13,    /* 8 bits in the header that are no UTF-8 */
	MIME_UTF8_HEADER = 1u << 14,    /* UTF-8 in the header (RFC 6532) */
	MIME_8BIT_BODY = 1u << 15,      /* 8 bits, and the encoding says 7 */
	MIME_NUL = 1u << 16,
	MIME_BARE_LF = 1u << 17,
	MIME_BARE_CR = 1u << 18,
	MIME_LONG_LINE = 1u << 19,      /* over 998 (RFC 5322 s2.1.1) */
	MIME_LONG_BOUNDARY = 1u << 20,  /* over 70 (RFC 2046 s5.1.1) */
};

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART,                 /* the parts in it follow */
	MIME_MESSAGE,                   /* the message in it follows, its only part */
};

enum { MIME_NONE = 0xFFFFFFFF };

/* Slices are borrowed from the message; an offset is a pointer's distance from its start. */
struct mime_part {
	uint32_t parent;                /* MIME_NONE: the root */
	uint32_t end;                   /* what is in it: the parts up to this one, without it */
	uint32_t ordinal;               /* among those of its parent, from 1 */
	uint16_t depth;                 /* 0: the root */
	enum mime_kind kind;

	slice header;                   /* with its blank line */
	slice body;                     /* as it stands; without the line end that belongs to
	                                 * the boundary behind it */
	size_t header_lines, lines;     /* line ends in each */
	size_t decoded;                 /* octets of the body, its encoding undone */

	/* type and subtype as written; without a field, or with a bad one, what stands for
	 * it: text/plain, or message/rfc822 in a digest. boundary: borrowed or of the arena. */
	struct content_type type;
	enum content_encoding encoding;
	/* Values of fields, folded as they are; ptr NULL: there is none. parameters: of
	 * Content-Type, what stands behind the subtype. */
	slice parameters, encoding_field, disposition, id, description, md5, language, location;

	uint32_t defects;               /* bits of enum mime_defect */
};

struct mime {
	slice message;
	struct mime_part *parts;        /* at least the root */
	size_t n;
};

/* The arena must have MIME_ARENA_MAX. The message must stay as long as it. */
struct mime mime_parse(slice message, struct arena *arena);

/* The header of a message, as mime_parse() would have it, without all the rest. What may
 * follow the first blank line does not matter. */
slice mime_header(slice message);

/* The next field of a part's header; lines that are none are passed over. *rest begins as
 * the header. */
bool mime_field_next(slice *rest, struct header_field *ret);

/* The value of the first field of that name, or ptr NULL. */
slice mime_field(const struct mime_part *part, const char *name);

/* Is it the header of a message: the root's, or that of what a message/rfc822 holds? */
bool mime_is_message(const struct mime *m, size_t i);

/* The part that IMAP calls by that number (RFC 9051 s6.4.5): "2.1.3", or "" for the root.
 * A message/rfc822 itself, not what is in it. -1: there is none. */
long mime_find(const struct mime *m, slice section);

/* The number of a part, by which mime_find() gives it or, for a multipart in a message,
 * the message. Returns its length. */
enum { MIME_SECTION_MAX = 200 };
size_t mime_section(const struct mime *m, size_t i, char ret_text[MIME_SECTION_MAX]);

/* "attachment", "inline" or what else it says; empty: nothing. */
slice mime_disposition(const struct mime_part *part);

/* The name of the file, from Content-Disposition or Content-Type, as UTF-8 from the arena,
 * at most FILENAME_BYTES_MAX and no more of the arena than it has: safe to save under and to
 * show. Slashes, backslashes and control characters become "_", marks that turn the direction
 * of text go (mail/shown.h). Empty: none. */
slice mime_filename(const struct mime_part *part, struct charsets *charsets,
    struct arena *arena);

/* Content-ID without its brackets; borrowed. */
slice mime_id(const struct mime_part *part);

/* Append the body, its encoding undone. False: *out has no room for part->decoded. */
bool mime_decode(const struct mime_part *part, struct buffer *out)
    __attribute__((warn_unused_result));

/* Append the body as UTF-8, as much as fits. Returns faults of mail/charset.h. */
unsigned mime_decode_text(const struct mime_part *part, struct charsets *charsets,
    struct buffer *out);

#endif
