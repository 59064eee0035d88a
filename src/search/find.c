/* search/find.c - places where the first two bytes and the last are right, then the rest of each:
 * in text, hardly any but those that are meant. */
#include "search/find.h"

#include <string.h>

enum { BLOCK = 16, BLOCKS = 4, BIG_ENDIAN_HERE = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ };

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

/* At one of those places from `at` on that are hits: bytes of ones. */
static bool is_at_hit(const unsigned char *at, block hits, slice part)
{
	uint64_t halves[2];

	memcpy(halves, &hits, sizeof halves);
	for (size_t half = 0; half < 2; half++, at += sizeof *halves) {
		for (uint64_t left = halves[half]; left != 0;) {
			unsigned shift = (unsigned)__builtin_ctzll(left) / 8 * 8;
			unsigned i = BIG_ENDIAN_HERE ? 7 - shift / 8 : shift / 8;

			if (memcmp(at + i, part.ptr, part.len) == 0)
				return true;
			left &= ~((uint64_t)0xFF << shift);
		}
	}
	return false;
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
	block first, second, last, hits[BLOCKS];
	size_t left;

	if (part.len < 2)
		return part.len == 0 || slice_find_byte(text, part.ptr[0]) < text.len;
	if (part.len > text.len)
		return false;
	memset(&first, part.ptr[0], sizeof first);
	memset(&second, part.ptr[1], sizeof second);
	memset(&last, part.ptr[part.len - 1], sizeof last);
	for (left = text.len - part.len + 1; left >= BLOCKS * BLOCK; left -= BLOCKS * BLOCK) {
		block all = { 0 };

		for (size_t i = 0; i < BLOCKS; i++) {
			const unsigned char *here = at + i * BLOCK;

			hits[i] = (block)(load(here) == first) & (block)(load(here + 1) == second) &
			    (block)(load(here + part.len - 1) == last);
			all |= hits[i];
		}
		for (size_t i = 0; any(all) && i < BLOCKS; i++) {
			if (is_at_hit(at + i * BLOCK, hits[i], part))
				return true;
		}
		at += BLOCKS * BLOCK;
	}
	return is_at(at, left, part);
}
