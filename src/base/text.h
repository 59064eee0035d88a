/* base/text.h - small encodings of numbers and bytes as text. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdint.h>

#include "base/slice.h"

/* Base 32 with the digits 0-9a-z less i, l, o, u (Crockford's), lower case,
 * without leading zeros: short, and safe to read over the telephone. Writes
 * at most 13 characters and a NUL; returns the length. */
size_t text_from_u64(uint64_t value, char ret_text[14]);
bool text_to_u64(slice text, uint64_t *ret_value);    /* either case */

/* Edit distance of two short words, at most `limit` (then `limit` is returned);
 * for "did you mean". Words over 64 bytes count as far apart. */
size_t text_distance(slice a, slice b, size_t limit);

/* Of n names the nearest to word within two edits, or NULL. */
const char *text_nearest(slice word, const char *const *names, size_t n);

/* Copy of s for logs and error lines: printable ASCII as it is, everything
 * else as \xNN, cut at size - 1 with "...". Returns ret_text. */
char *text_printable(slice s, char *ret_text, size_t size);

#endif
