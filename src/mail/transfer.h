/* mail/transfer.h - writes a part's content in an encoding of 7 bits, line by line as
 * it comes (RFC 2045 s6.7, s6.8).
 *
 * The line end before a boundary belongs to the boundary (RFC 2046 s5.1.1), so each
 * one is held back until what follows is known. Quoted-printable here leaves no line
 * that begins with "--", with a dot or with "From ": what stands behind a soft line
 * break is no boundary by chance, and needs no care of those on the way. */
#ifndef MAIL_TRANSFER_H
#define MAIL_TRANSFER_H

#include "base/buffer.h"

enum { TRANSFER_GROUP = 57 };           /* octets in a base 64 line of 76 */

enum transfer_kind { TRANSFER_QUOTED_PRINTABLE, TRANSFER_BASE64 };

struct transfer_writer {                /* zeroed, and its kind set, at the beginning */
	enum transfer_kind kind;
	bool newline;                   /* it is held back */
	unsigned char blank;            /* likewise, 0: none: a line may not end with one */
	size_t column;
	unsigned char group[TRANSFER_GROUP];
	size_t n;
};

/* The most that one call with text of that length appends. */
size_t transfer_room(size_t len);

/* A piece of a line. last: its line end, or the end of all, comes next. */
void transfer_text(struct transfer_writer *w, slice text, bool last, struct buffer *out);
void transfer_newline(struct transfer_writer *w, struct buffer *out);

/* delimiter: a boundary comes next, which the last line end belongs to. Then *out
 * ends with a line end, unless nothing was written at all. */
void transfer_end(struct transfer_writer *w, bool delimiter, struct buffer *out);

#endif
