/* imap/write.h - strings as IMAP's responses have them (RFC 9051 s4.3, s9; RFC 3501 s4.3).
 *
 * What is printable ASCII and short is quoted, everything else is a literal, which both
 * revisions take with octets of 8 bits in it. */
#ifndef IMAP_WRITE_H
#define IMAP_WRITE_H

#include "base/buffer.h"

/* Appends to `out`; once something does not fit, nothing more is appended. */
struct imap_writer {
	struct buffer *out;
	bool full;
};

void imap_put(struct imap_writer *w, slice text);               /* as it is */
void imap_put_number(struct imap_writer *w, uint64_t number);
/* string. It is one line: CR and LF, which only fold a header field, are left out. A NUL,
 * which no string may have, becomes "?". */
void imap_put_string(struct imap_writer *w, slice text);
/* nstring: NIL when ptr is NULL. */
void imap_put_nstring(struct imap_writer *w, slice text);

#endif
