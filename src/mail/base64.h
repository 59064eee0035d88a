/* mail/base64.h - base 64 (RFC 4648 section 4), strict: whole groups, padding
 * where it belongs, unused bits zero, no blanks. MIME's lenient reading is
 * another matter (mail/content_decode.h). */
#ifndef MAIL_BASE64_H
#define MAIL_BASE64_H

#include "base/buffer.h"

enum base64_result {
	BASE64_OK,
	BASE64_BAD,             /* not base 64 */
	BASE64_LONG,            /* more than `size` bytes would come out */
};

/* Characters that n bytes become. n is at most SIZE_MAX / 2. */
size_t base64_length(size_t n);

/* One more than the value of each digit, 0 for what is none. */
extern const unsigned char base64_values[256];

/* The six bits that c stands for, or 64 for none. */
static inline unsigned base64_digit(unsigned char c)
{
	return base64_values[c] > 0 ? base64_values[c] - 1u : 64;
}

/* Append the encoding; the caller made sure of base64_length() bytes of room. */
void base64_encode(slice bytes, struct buffer *out);

/* Decode into `size` bytes at ret_bytes. On failure *ret_len is untouched and
 * what stands at ret_bytes means nothing (wipe it if it may be a secret). */
enum base64_result base64_decode(slice text, unsigned char *ret_bytes, size_t size,
    size_t *ret_len) __attribute__((warn_unused_result));

#endif
