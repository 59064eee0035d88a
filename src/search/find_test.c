/* search/find_test.c - the same as memmem() finds. */
#include "search/find.h"

#include "unit.h"

/* Of two letters, so that much fits nearly; the same each time. */
static void fill(unsigned char *to, size_t n, uint32_t *seed)
{
	for (size_t i = 0; i < n; i++) {
		*seed = *seed * 1664525 + 1013904223;
		to[i] = "aab"[(*seed >> 16) % 3];
	}
}

static void same(void **state)
{
	unsigned char bytes[300];
	uint32_t seed = 1;
	size_t n_found = 0;

	for (size_t len = 0; len <= sizeof bytes; len++) {
		slice text;

		fill(bytes, len, &seed);
		text = guarded_copy(slice_of(bytes, len));
		for (size_t n = 0; n < 20; n++) {
			unsigned char part[20];
			bool want;

			fill(part, n, &seed);
			want = n == 0 || slice_find(text, slice_of(part, n)) < len;
			assert_int_equal(find_part(text, slice_of(part, n)), want);
			n_found += want;
		}
		guarded_free(text);
	}
	assert_in_range(n_found, 1000, 5000);
}

/* As find_part() in small letters; what only looks like a letter's other case is none. */
static void any_case(void **state)
{
	static const unsigned char letters[] = "aAbB@`[{1\x11";
	unsigned char bytes[200], small[200], part[8];
	uint32_t seed = 1;
	size_t n_found = 0;

	for (unsigned round = 0; round < 4000; round++) {
		size_t len = round % sizeof bytes, n = round % 7 + 1;
		slice text;
		bool want;

		for (size_t i = 0; i < sizeof bytes; i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = letters[(seed >> 16) % 4 + (round % 3 == 0 ? 2 * ((seed >> 24) % 4) : 0)];
			small[i] = ascii_lower(bytes[i]);
		}
		memcpy(part, small + (seed >> 16) % 100, n);
		text = guarded_copy(slice_of(bytes, len));
		want = slice_find(slice_of(small, len), slice_of(part, n)) < len;
		assert_int_equal(find_part_any_case(text, slice_of(part, n)), want);
		n_found += want;
		guarded_free(text);
	}
	assert_in_range(n_found, 1000, 3900);
}

/* At each place of a text that has it once. */
static void places(void **state)
{
	unsigned char bytes[200];

	for (size_t len = 2; len < 70; len += 7) {
		unsigned char part[70];

		memset(part, 'x', len);
		part[0] = 'y';
		for (size_t at = 0; at + len <= sizeof bytes; at++) {
			memset(bytes, 'x', sizeof bytes);
			assert_false(find_part(slice_of(bytes, sizeof bytes), slice_of(part, len)));
			bytes[at] = 'y';
			assert_true(find_part(slice_of(bytes, sizeof bytes), slice_of(part, len)));
		}
	}
}

UNIT_TESTS(cmocka_unit_test(same), cmocka_unit_test(any_case), cmocka_unit_test(places))
