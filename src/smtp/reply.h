/* smtp/reply.h - an SMTP reply: code, enhanced code, words (RFC 5321 s4.2,
 * RFC 2034, RFC 3463). */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "base/buffer.h"

struct smtp_reply {
	unsigned code;                  /* 200..599 */
	const char *enhanced;           /* "5.7.1", or NULL for none */
	slice text;                     /* printable; LF separates lines of a long reply */
};

/* Append it with CRLFs; words over SMTP_REPLY_LINE_MAX are cut, anything that is
 * not printable UTF-8 becomes '?'. */
void smtp_reply_write(const struct smtp_reply *reply, struct buffer *out);

enum smtp_reply_parse { SMTP_REPLY_DONE, SMTP_REPLY_MORE, SMTP_REPLY_BAD };

/* For our client: take one whole reply (all its lines) off *in. Lines after the
 * first must carry the same code. lines' text is joined with LF into *text,
 * cut at its maximum; enhanced code, if any, is left in the text. */
enum smtp_reply_parse smtp_reply_take(slice *in, unsigned *ret_code, struct buffer *text);

#endif
