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

/* What makes a capital letter a small one, if it is looked for: with that bit the two are the
 * same, and nothing else is. */
static inline unsigned char case_bit(unsigned char c, bool any_case)
{
	return any_case && c >= 'a' && c <= 'z' ? 0x20 : 0;
}

static inline bool is_part(const unsigned char *at, slice part, bool any_case)
{
	if (!any_case)
		return memcmp(at, part.ptr, part.len) == 0;
	for (size_t i = 0; i < part.len; i++) {
		if ((at[i] | case_bit(part.ptr[i], true)) != part.ptr[i])
			return false;
	}
	return true;
}

/* At one of those places from `at` on that are hits: bytes of ones. */
static inline bool is_at_hit(const unsigned char *at, block hits, slice part, bool any_case)
{
	uint64_t halves[2];

	memcpy(halves, &hits, sizeof halves);
	for (size_t half = 0; half < 2; half++, at += sizeof *halves) {
		for (uint64_t left = halves[half]; left != 0;) {
			unsigned shift = (unsigned)__builtin_ctzll(left) / 8 * 8;
			unsigned i = BIG_ENDIAN_HERE ? 7 - shift / 8 : shift / 8;

			if (is_part(at + i, part, any_case))
				return true;
			left &= ~((uint64_t)0xFF << shift);
		}
	}
	return false;
}

/* At one of n places from `at` on. */
static inline bool is_at(const unsigned char *at, size_t n, slice part, bool any_case)
{
	unsigned char first = part.ptr[0], bit = case_bit(first, any_case);

	for (size_t i = 0; i < n; i++) {
		if ((at[i] | bit) == first && is_part(at + i, part, any_case))
			return true;
	}
	return false;
}

/* A block of c, and one of its bit. */
static inline void fill(unsigned char c, bool any_case, block *ret, block *ret_bits)
{
	memset(ret, c, sizeof *ret);
	memset(ret_bits, case_bit(c, any_case), sizeof *ret_bits);
}

static inline __attribute__((always_inline)) bool find(slice text, slice part, bool any_case)
{
	const unsigned char *at = text.ptr;
	block first, second, last, first_bits, second_bits, last_bits, hits[BLOCKS];
	size_t left;

	if (part.len == 0)
		return true;
	if (part.len > text.len)
		return false;
	if (part.len == 1 && case_bit(part.ptr[0], any_case) == 0)
		return slice_find_byte(text, part.ptr[0]) < text.len;
	if (part.len == 1)
		return is_at(at, text.len, part, any_case);
	fill(part.ptr[0], any_case, &first, &first_bits);
	fill(part.ptr[1], any_case, &second, &second_bits);
	fill(part.ptr[part.len - 1], any_case, &last, &last_bits);
	for (left = text.len - part.len + 1; left >= BLOCKS * BLOCK; left -= BLOCKS * BLOCK) {
		block all = { 0 };

		for (size_t i = 0; i < BLOCKS; i++) {
			const unsigned char *here = at + i * BLOCK;

			hits[i] = (block)((load(here) | first_bits) == first) &
			    (block)((load(here + 1) | second_bits) == second) &
			    (block)((load(here + part.len - 1) | last_bits) == last);
			all |= hits[i];
		}
		for (size_t i = 0; any(all) && i < BLOCKS; i++) {
			if (is_at_hit(at + i * BLOCK, hits[i], part, any_case))
				return true;
		}
		at += BLOCKS * BLOCK;
	}
	return is_at(at, left, part, any_case);
}

bool find_part(slice text, slice part)
{
	return find(text, part, false);
}

bool find_part_any_case(slice text, slice part)
{
	return find(text, part, true);
}
