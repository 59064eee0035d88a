/* mail/quoted_printable.h - text that is mostly ASCII, in short lines of nothing
 * else (RFC 2045 s6.7). */
#ifndef MAIL_QUOTED_PRINTABLE_H
#define MAIL_QUOTED_PRINTABLE_H

#include "base/buffer.h"

enum { QUOTED_PRINTABLE_LINE = 76 };    /* RFC 2045 s6.7 (5) */

/* Append the encoding of text. Its lines end with LF or CRLF and come out with
 * CRLF; a last line without an end stays so. A bare CR is no line end and comes
 * through. False when there is no room: a part was written. */
bool quoted_printable_write(slice text, struct buffer *out)
    __attribute__((warn_unused_result));

#endif
