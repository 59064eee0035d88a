/* mail/header_text.h - what a header field says, as UTF-8 to be shown: unfolded, encoded
 * words of any character set decoded (RFC 2047), octets of 8 bits that just stand there
 * too (RFC 6532, or what programs took for granted). */
#ifndef MAIL_HEADER_TEXT_H
#define MAIL_HEADER_TEXT_H

#include "base/arena.h"
#include "mail/charset.h"

/* label: the character set of octets that just stand there and are no UTF-8, which may be
 * that of the message's text (mime_charset()); empty: a guess.
 *
 * Append the text of a value, ends trimmed; as much as fits, of its first HEADER_TEXT_MAX
 * bytes. Words are decoded wherever they stand, and with blanks in them, as broken programs
 * write them; words side by side in one character set may cut a character in two. What
 * mail/shown.h says of control characters and of those that turn text is done, so that what is
 * shown is one line and stays in its place. */
void header_text_decode(struct charsets *charsets, slice label, slice value,
    struct buffer *out);

/* The same into an arena, at most text_max bytes. */
slice header_text(struct charsets *charsets, slice label, slice value, size_t text_max,
    struct arena *arena);

#endif
