/* journal/tracker_test.c - records done in any order, against a plain array. */
#include "journal/tracker.h"

#include "unit.h"

enum { N = 3000 };

static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	return z ^ z >> 29;
}

static void test_in_order(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	size_t before = heap_used(heap);
	struct tracker t;

	tracker_init(&t, heap);
	assert_true(tracker_all_done(&t));
	for (uint32_t s = 1; s <= N; s++) {
		tracker_seen(&t, s);
		assert_false(tracker_all_done(&t));
		assert_false(tracker_is_done(&t, s));
		tracker_done(&t, s);
		assert_true(tracker_all_done(&t));
	}
	assert_int_equal(t.done_to, N);
	/* Nothing is kept for what is done in order. */
	assert_int_equal(heap_used(heap), before);
	heap_drop(heap);
}

/* Any order, some lost, written and learned again at any time. */
static void test_any_order(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer out = buffer_init(heap, 1 << 20);
		static bool done[N + 1];
		struct tracker t, again;
		struct done_fact fact;
		uint32_t seen = 0, left = 0;
		uint64_t chance = seed;

		memset(done, 0, sizeof done);
		tracker_init(&t, heap);
		while (seen < N || left > 0) {
			uint32_t s = 1 + (uint32_t)(random_next(&chance) % (seen + 1));

			if (seen < N && random_next(&chance) % 2 == 0) {
				uint32_t lost = random_next(&chance) % 16 == 0 && seen + 3 < N;

				for (uint32_t i = 1; i <= lost; i++)
					done[seen + i] = true;
				seen += 1 + lost;
				left++;
				tracker_seen(&t, seen);
			} else if (s <= seen && !done[s]) {
				done[s] = true;
				left--;
				tracker_done(&t, s);
				tracker_done(&t, s);
			}
			assert_int_equal(tracker_all_done(&t), left == 0);
		}
		assert_int_equal(t.done_to, seen);
		tracker_finish(&t);

		tracker_init(&t, heap);
		memset(done, 0, sizeof done);
		for (uint32_t s = 1; s <= N; s++)
			tracker_seen(&t, s);
		for (uint32_t i = 0; i < N; i++) {
			uint32_t s = 1 + (uint32_t)(random_next(&chance) % N);

			done[s] = true;
			tracker_done(&t, s);
		}
		tracker_write(&t, 99, &out);
		assert_true(done_fact_read(DONE_RECORDS, buffer_bytes(&out), &fact));
		assert_int_equal(fact.generation, 99);
		tracker_init(&again, heap);
		tracker_learn(&again, &fact, N);
		for (uint32_t s = 1; s <= N; s++) {
			assert_int_equal(tracker_is_done(&t, s), done[s]);
			assert_int_equal(tracker_is_done(&again, s), done[s]);
		}
		/* What is known may be read before the records are. */
		for (uint32_t s = 1; s <= N; s++) {
			tracker_seen(&again, s);
			if (!tracker_is_done(&again, s))
				tracker_done(&again, s);
		}
		assert_true(tracker_all_done(&again));
		heap_drop(heap);
	}
}

static void test_facts_only_grow(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer old = buffer_init(heap, 1000), new = buffer_init(heap, 1000);
	struct done_fact fact;
	struct tracker t;

	tracker_init(&t, heap);
	for (uint32_t s = 1; s <= 10; s++)
		tracker_seen(&t, s);
	tracker_done(&t, 3);
	tracker_write(&t, 1, &old);
	tracker_done(&t, 1);
	tracker_done(&t, 2);
	tracker_done(&t, 7);
	tracker_write(&t, 1, &new);
	tracker_finish(&t);
	assert_true(done_fact_read(DONE_RECORDS, buffer_bytes(&new), &fact));
	tracker_learn(&t, &fact, 10);
	assert_true(done_fact_read(DONE_RECORDS, buffer_bytes(&old), &fact));
	tracker_learn(&t, &fact, 10);
	assert_int_equal(t.done_to, 3);
	assert_true(tracker_is_done(&t, 7));
	assert_false(tracker_is_done(&t, 6));
	heap_drop(heap);
}

static void test_facts_not_believed(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, 1000);
	struct done_fact fact;
	struct tracker t;
	slice all;

	put_u64(&out, 5);
	put_u32(&out, 1000);
	put_u32(&out, 2);
	put_u32(&out, UINT32_MAX);
	put_u32(&out, 0);
	all = buffer_bytes(&out);
	assert_true(done_fact_read(DONE_RECORDS, all, &fact));
	tracker_init(&t, heap);
	tracker_learn(&t, &fact, 999);
	assert_int_equal(t.done_to, 0);
	assert_null(t.words);
	for (size_t len = 0; len < all.len; len++) {
		assert_false(done_fact_read(DONE_RECORDS, slice_head(all, len), &fact));
		assert_int_equal(done_fact_read(DONE_CUT, slice_head(all, len), &fact), len == 12);
	}
	assert_false(done_fact_read(3, all, &fact));
	assert_true(done_fact_read(DONE_CUT, slice_head(all, 12), &fact));
	assert_int_equal(fact.offset, 1000);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_in_order), cmocka_unit_test(test_any_order),
    cmocka_unit_test(test_facts_only_grow), cmocka_unit_test(test_facts_not_believed))
