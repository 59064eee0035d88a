/* base/rates_test.c - buckets by a clock of numbers; floods of others. */
#include "base/rates.h"

#include "base/limits.h"
#include "unit.h"

static const unsigned char secret[16] = { 1, 2, 3 };
static const struct rate ten_a_minute = { 10, 60 };

static struct rates *create(struct heap **ret_heap)
{
	*ret_heap = heap_create(SIZE_MAX);
	return rates_create(*ret_heap, secret);
}

static uint64_t key_of(const struct rates *r, unsigned i)
{
	return rates_key(r, 'a', slice_of(&i, sizeof i));
}

static unsigned take_all(struct rates *r, uint64_t key, struct rate rate, uint64_t now_ms)
{
	unsigned n = 0;

	while (n < 1000 * 1000 && rates_take(r, key, rate, now_ms))
		n++;
	return n;
}

static void test_rates(void **state)
{
	static const struct { struct rate rate; uint64_t wait_ms; unsigned first, then; } cases[] = {
		{ { 10, 60 }, 0, 10, 0 }, { { 10, 60 }, 5999, 10, 0 }, { { 10, 60 }, 6000, 10, 1 },
		{ { 10, 60 }, 59999, 10, 9 }, { { 10, 60 }, 60000, 10, 10 },
		{ { 10, 60 }, 3600 * 1000, 10, 10 },
		{ { 1, 60 }, 59999, 1, 0 }, { { 1, 60 }, 60000, 1, 1 },
		{ { 7, 3600 }, 3600 * 1000 / 7 + 1, 7, 1 },
		{ { 100000, 3600 }, 1000, 100000, 27 },
		{ { 0, 60 }, 0, 1000 * 1000, 1000 * 1000 },     /* no limit */
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct heap *heap;
		struct rates *r = create(&heap);
		uint64_t key = key_of(r, 1);

		assert_int_equal(take_all(r, key, cases[i].rate, 5000), cases[i].first);
		assert_int_equal(take_all(r, key, cases[i].rate, 5000 + cases[i].wait_ms),
		    cases[i].then);
		heap_drop(heap);
	}
}

static void test_apart(void **state)
{
	struct heap *heap;
	struct rates *r = create(&heap);
	slice who = slice_lit("somebody");

	take_all(r, rates_key(r, 'a', who), ten_a_minute, 1);
	assert_int_equal(take_all(r, rates_key(r, 'b', who), ten_a_minute, 1), 10);
	assert_int_equal(take_all(r, rates_key(r, 'a', slice_head(who, 7)), ten_a_minute, 1), 10);
	assert_int_equal(take_all(r, rates_key(r, 'a', (slice){ 0 }), ten_a_minute, 1), 10);
	assert_false(rates_allow(r, rates_key(r, 'a', who), ten_a_minute, 1));
	heap_drop(heap);
}

/* What happened without leave is not waited for longer than a period; another
 * limit holds at once. */
static void test_count(void **state)
{
	struct heap *heap;
	struct rates *r = create(&heap);
	uint64_t key = key_of(r, 1);

	for (unsigned i = 0; i < 1000; i++)
		rates_count(r, key, ten_a_minute, 1);
	assert_int_equal(take_all(r, key, ten_a_minute, 60001), 10);
	assert_true(rates_allow(r, key, (struct rate){ 0 }, 60001));
	assert_int_equal(take_all(r, key, (struct rate){ 20, 60 }, 60001 + 30000), 10);
	heap_drop(heap);
}

/* A million others, each with one thing done: who is at the limit stays known,
 * and each of the others gets in. */
static void test_flood(void **state)
{
	enum { FLOOD = 1000 * 1000, KNOWN = 64 };
	struct heap *heap;
	struct rates *r = create(&heap);
	size_t used = heap_used(heap);
	uint64_t now = 1000;

	for (unsigned i = 0; i < KNOWN; i++)
		assert_int_equal(take_all(r, key_of(r, i), ten_a_minute, now), 10);
	for (unsigned i = 0; i < FLOOD; i++)
		assert_true(rates_take(r, key_of(r, KNOWN + i), ten_a_minute, now + i / 200));
	for (unsigned i = 0; i < KNOWN; i++)
		assert_false(rates_allow(r, key_of(r, i), ten_a_minute, now + 5999));
	assert_int_equal(heap_used(heap), used);
	heap_drop(heap);
}

/* More of them at their limit than the table holds: it keeps as many as it can. */
static void test_many_at_the_limit(void **state)
{
	struct heap *heap;
	struct rates *r = create(&heap);
	unsigned known = 0;

	for (unsigned i = 0; i < 4 * RATES_ENTRIES; i++)
		assert_true(take_all(r, key_of(r, i), ten_a_minute, 1) == 10);
	for (unsigned i = 0; i < 4 * RATES_ENTRIES; i++)
		known += !rates_allow(r, key_of(r, i), ten_a_minute, 1);
	assert_true(known > RATES_ENTRIES * 9 / 10 && known <= RATES_ENTRIES);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_rates), cmocka_unit_test(test_apart),
    cmocka_unit_test(test_count), cmocka_unit_test(test_flood),
    cmocka_unit_test(test_many_at_the_limit))
