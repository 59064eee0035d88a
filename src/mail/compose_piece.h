/* mail/compose_piece.h - pieces of a message, for who writes one (compose.c, api/send_write.c).
 * What they write was judged. Each appends to *out; false: there is no room. */
#ifndef MAIL_COMPOSE_PIECE_H
#define MAIL_COMPOSE_PIECE_H

#include <stdbool.h>

#include "base/buffer.h"

/* A field of one word, as it is; of a text, encoded where it must be. */
bool piece_line(struct buffer *out, const char *name, slice value);
bool piece_text(struct buffer *out, const char *name, slice text);
/* <unique@hostname> */
bool piece_message_id(struct buffer *out, slice unique, slice hostname);
/* Content-Transfer-Encoding, and the blank line behind the fields. */
bool piece_encoding(struct buffer *out, const char *name);

/* Text as it is, but that lines end with CRLF. */
bool piece_lines(struct buffer *out, slice text);
bool piece_base64(struct buffer *out, slice bytes);
/* A delimiter; end: "", or "--" behind the last part. */
bool piece_boundary(struct buffer *out, slice boundary, const char *end);

#endif
