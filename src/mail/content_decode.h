/* mail/content_decode.h - a part's content, its transfer encoding undone (RFC 2045 s6),
 * also where it is broken. */
#ifndef MAIL_CONTENT_DECODE_H
#define MAIL_CONTENT_DECODE_H

#include "mail/content_type.h"

/* Decode text into at most `size` bytes at `out`. Returns how many there are in all, which
 * is never more than text has; out may be NULL with size 0, to count. *ret_bad: it was not
 * quite what it should be.
 *
 * base64: what is no digit is passed over (s6.8); padding ends a group, and what follows is
 * read on. quoted-printable: blanks before a line end go; a "=" that begins nothing stays.
 * Other encodings: the text as it is. */
size_t content_decode(enum content_encoding encoding, slice text, unsigned char *out,
    size_t size, bool *ret_bad);

/* The Q encoding of a word in a header (RFC 2047 s4.2), likewise. */
size_t content_decode_q(slice text, unsigned char *out, size_t size);

/* 0 to 15, or 16. */
unsigned hex_value(unsigned char c);

#endif
