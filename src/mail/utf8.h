/* mail/utf8.h - well-formed UTF-8 (RFC 3629), and nothing else. */
#ifndef MAIL_UTF8_H
#define MAIL_UTF8_H

#include "base/slice.h"

/* Length, 1 to 4, of the character that s begins with; 0 when it begins with
 * none (empty, cut, overlong, a surrogate, above U+10FFFF). */
size_t utf8_length(slice s);

/* How many bytes at the beginning are whole characters. */
size_t utf8_run(slice s);
bool utf8_valid(slice s);

#endif
