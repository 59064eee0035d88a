/* mail/charset.h - text of any character set, made UTF-8. Never fails.
 *
 * Labels are those of mail and of the web; each stands for one of a list of converters, so
 * that no label from outside reaches iconv. As the web does it, ISO-8859-1 is read as
 * windows-1252, and GB2312, Shift_JIS and KS C 5601 as what programs write under those
 * names. Without a label, with one that is not known, or one that says ASCII of what is
 * not: UTF-8 if it is well-formed, ISO-2022-JP if it has that one's escapes, windows-1252
 * otherwise. What cannot be by chance that long well-formed UTF-8 is UTF-8 whatever the
 * label says. */
#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include "base/buffer.h"

struct charsets;                /* the converters of one role, for one thread at a time */

/* Dies with its heap. Each converter is opened when it is first wanted. */
struct charsets *charsets_create(struct heap *heap);

/* Open all of them: iconv reads files for that, which a confined role can't. */
void charsets_load(struct charsets *c);

/* Is the label one of ours? */
bool charset_known(slice label);

enum charset_fault {
	CHARSET_UNKNOWN = 1,            /* the label was none of ours, or is wrong: guessed */
	CHARSET_BAD = 2,                /* bytes that mean nothing became U+FFFD */
	CHARSET_CUT = 4,                /* *out is full, at a whole character */
};

/* How many bytes of a text can matter where there is room for so many of UTF-8: eight for
 * one, which only idle escapes could need more than. SIZE_MAX: all. */
size_t charset_enough(size_t room);

/* Append text as UTF-8, a byte order mark taken off: as much as fits, of the first
 * charset_enough() bytes. Returns the faults. */
unsigned charset_decode(struct charsets *c, slice label, slice text, struct buffer *out);

#endif
