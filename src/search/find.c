/* search/find.c - places whose first and last byte are right, then the rest of each. */
#include "search/find.h"

#include <string.h>

enum { BLOCK = 16, BLOCKS = 4 };

typedef unsigned char block __attribute__((vector_size(BLOCK)));

static block load(const unsigned char *at)
{
	block b;

	memcpy(&b, at, sizeof b);
	return b;
}

static bool any(block b)
{
	uint64_t halves[2];

	memcpy(halves, &b, sizeof halves);
	return (halves[0] | halves[1]) != 0;
}

/* At one of n places from `at` on. */
static bool is_at(const unsigned char *at, size_t n, slice part)
{
	unsigned char first = part.ptr[0], last = part.ptr[part.len - 1];

	for (size_t i = 0; i < n; i++) {
		if (at[i] == first && at[i + part.len - 1] == last &&
		    memcmp(at + i, part.ptr, part.len) == 0)
			return true;
	}
	return false;
}

bool find_part(slice text, slice part)
{
	const unsigned char *at = text.ptr;
	block first, last, hits[BLOCKS];
	size_t left;

	if (part.len < 2)
		return part.len == 0 || slice_find_byte(text, part.ptr[0]) < text.len;
	if (part.len > text.len)
		return false;
	memset(&first, part.ptr[0], sizeof first);
	memset(&last, part.ptr[part.len - 1], sizeof last);
	for (left = text.len - part.len + 1; left >= BLOCKS * BLOCK; left -= BLOCKS * BLOCK) {
		block all = { 0 };

		for (size_t i = 0; i < BLOCKS; i++) {
			hits[i] = (block)(load(at + i * BLOCK) == first) &
			    (block)(load(at + i * BLOCK + part.len - 1) == last);
			all |= hits[i];
		}
		for (size_t i = 0; any(all) && i < BLOCKS; i++) {
			if (any(hits[i]) && is_at(at + i * BLOCK, BLOCK, part))
				return true;
		}
		at += BLOCKS * BLOCK;
	}
	return is_at(at, left, part);
}
