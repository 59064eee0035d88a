/* mail/seven_bit.h - a message of 8 bits, made one of 7 for a host that does not offer
 * 8BITMIME (RFC 6152 s3), as MIME allows it (RFC 2045 to 2047).
 *
 *   create -> scan... -> judge --CONVERTIBLE--> convert... -> convert_end
 *
 * The message is given twice, in pieces of any size, the same octets both times. No
 * more of it is held than a line. What is done, and to nothing else:
 *
 *   text, and message/global...: octets of 8 bits      quoted-printable
 *   other parts with octets of 8 bits                  base 64
 *   8bit or binary with long lines or NUL              the same (binary: base 64)
 *   8bit or binary without any of that, and what
 *   contains parts: multipart, message/rfc822          says 7bit; looked into
 *   no Content-Type, octets of 8 bits                  text/plain; charset=unknown-8bit
 *                                                      (RFC 1428 s3), quoted-printable
 *   before the first boundary, behind the last         8 bits become "?": readers of
 *                                                      MIME don't show it
 *
 * What can't be converted: fields with octets of 8 bits, signed parts, other kinds of message,
 * which may not be encoded (RFC 2046 s5.2), what says that it is encoded and is not, and what
 * programs would read differently. A line ends with CRLF; a bare CR or LF becomes one,
 * as the SMTP client has it. */
#ifndef MAIL_SEVEN_BIT_H
#define MAIL_SEVEN_BIT_H

#include "base/buffer.h"
#include "base/limits.h"

enum seven_bit_result {
	SEVEN_BIT_NOTHING,              /* it has no octet of 8 bits */
	SEVEN_BIT_CONVERTIBLE,
	SEVEN_BIT_CANNOT,
};

struct seven_bit;

/* Some 20 KB. destroy() allows NULL. */
struct seven_bit *seven_bit_create(struct heap *heap);
void seven_bit_destroy(struct seven_bit *s);

void seven_bit_scan(struct seven_bit *s, slice part);

/* That was all of it. CANNOT: why, in one line of ASCII with the RFC's clause,
 * constant. Then it may be converted, once. */
enum seven_bit_result seven_bit_judge(struct seven_bit *s, const char **ret_why)
    __attribute__((warn_unused_result));

/* Returns how much of part was taken: not all, when *out has less room than
 * SEVEN_BIT_ROOM. */
size_t seven_bit_convert(struct seven_bit *s, slice part, struct buffer *out)
    __attribute__((warn_unused_result));

/* That was all of it. *out has room for SEVEN_BIT_ROOM. False: it is not the message
 * that was scanned; what was written is ASCII, but nobody's message. */
bool seven_bit_convert_end(struct seven_bit *s, struct buffer *out)
    __attribute__((warn_unused_result));

#endif
