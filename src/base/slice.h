/* base/slice.h - a string is a pointer and a length, borrowed, never owned.
 *
 * NUL-terminated text exists only at the border to libc. A slice lives as
 * long as what it points into; headers that hand one out say how long. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"

typedef struct slice {
	const unsigned char *ptr;
	size_t len;
} slice;

#define slice_lit(text) ((slice){ (const unsigned char *)(text), sizeof(text) - 1 })
/* For printf's "%.*s". Only for text that was already judged printable. */
#define slice_arg(s) (int)(s).len, (const char *)(s).ptr

slice slice_from(const char *text);       /* text may be NULL: an empty slice */
static inline slice slice_of(const void *ptr, size_t len)
{
	return (slice){ (const unsigned char *)ptr, len };
}

/* The first n bytes, and all but the first n. n must not exceed s.len. Here, and not in
 * slice.c, since parsers call them for each few bytes. */
static inline slice slice_head(slice s, size_t n)
{
	check(n <= s.len);
	return slice_of(s.ptr, n);
}

static inline slice slice_drop(slice s, size_t n)
{
	check(n <= s.len);
	return n ? slice_of(s.ptr + n, s.len - n) : s;
}

slice slice_sub(slice s, size_t from, size_t n);

bool slice_equal(slice a, slice b);
bool slice_equal_ascii(slice a, slice b); /* A-Z and a-z are the same */
bool slice_starts(slice s, slice prefix);
bool slice_starts_ascii(slice s, slice prefix);
bool slice_ends(slice s, slice suffix);
bool slice_is_ascii(slice s);            /* no byte over 127; also when empty */
int slice_compare(slice a, slice b);      /* order of bytes, shorter first */

/* Position of the first c or of needle; s.len when there is none. */
static inline size_t slice_find_byte(slice s, unsigned char c)
{
	const unsigned char *at = s.len ? (const unsigned char *)memchr(s.ptr, c, s.len) : NULL;

	return at ? (size_t)(at - s.ptr) : s.len;
}
size_t slice_find_last_byte(slice s, unsigned char c);
size_t slice_find(slice s, slice needle);

slice slice_trim(slice s);                /* without SP and HTAB at both ends */

/* Cut *rest at the first c: returns what stood before it, *rest is what comes
 * after. Without c returns all and leaves *rest empty. */
slice slice_cut(slice *rest, unsigned char c);

/* Decimal digits only, no sign, no blank; false when empty, other or > max. */
bool slice_to_u64(slice s, uint64_t max, uint64_t *ret_value);

static inline unsigned char ascii_lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

#endif
