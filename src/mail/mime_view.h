/* mail/mime_view.h - what of a message is its text, its HTML, what is attached, and a
 * snippet of it, as mail programs see it. */
#ifndef MAIL_MIME_VIEW_H
#define MAIL_MIME_VIEW_H

#include "mail/mime.h"

/* What a part is used as, bits. Multiparts, and what is inside of an attached message, have
 * none. A text that also has a name is TEXT and INLINE. */
enum mime_use {
	MIME_USE_TEXT = 1,              /* text/plain that is shown: all of them, but the first
	                                 * only of each multipart/alternative; and a multipart
	                                 * in which no parts are to be found */
	MIME_USE_HTML = 2,              /* the first text/html that is shown */
	MIME_USE_ATTACHMENT = 4,        /* it says so (RFC 2183), or it is octets, or all there is */
	MIME_USE_INLINE = 8,            /* has a name or a Content-ID, and is no attachment */
	MIME_USE_OTHER = 16,            /* none of these: a calendar without a name */
};

/* One byte a part, of the arena, which must have m->n bytes. */
const uint8_t *mime_uses(const struct mime *m, struct charsets *charsets, struct arena *arena);

/* The character set that the first part of text with one says, of the arena, at most
 * PARAMETER_MAX bytes: what octets of 8 bits in the header may be in. Empty: none. */
slice mime_charset(const struct mime *m, struct arena *arena);

/* Append the text as UTF-8, as much as fits: parts joined by "\n--\n", with control characters
 * and all as they stand; that of the HTML (mail/html_text.h) when there is none, of its first
 * HTML_SOURCE_MAX bytes. */
void mime_text(const struct mime *m, const uint8_t *uses, struct charsets *charsets,
    struct buffer *out);

/* Append the HTML, likewise. False: there is none. */
bool mime_html(const struct mime *m, const uint8_t *uses, struct charsets *charsets,
    struct buffer *out);

/* Append the beginning of the HTML's text, or of the text, in one line, at most
 * SNIPPET_MAX bytes of whole characters, and "..." when there is more. */
void mime_snippet(const struct mime *m, const uint8_t *uses, struct charsets *charsets,
    struct buffer *out);

#endif
