/* directory/throttle_test.c - guessing and remembering, by a clock of numbers. */
#include "directory/throttle.h"

#include <stdio.h>

#include "base/limits.h"
#include "directory/remember.h"
#include "unit.h"

static const unsigned char key[32] = { 1, 2, 3 };

#define V4(a, b, c, d) { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d }
static const uint8_t peer[16] = V4(192, 0, 2, 1), neighbour[16] = V4(192, 0, 2, 2);
static const uint8_t v6_a[16] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, [15] = 1 };
static const uint8_t v6_same[16] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9 };
static const uint8_t v6_other[16] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 2, [15] = 1 };

static void doubles_the_wait(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct throttle *t = throttle_create(heap, key, 3);
	slice alice = slice_lit("alice@alice.example");
	uint64_t now = 5000, wait = 1000;

	for (unsigned i = 0; i < 2; i++) {
		throttle_failed(t, peer, alice, now);
		assert_int_equal(throttle_peer_wait_ms(t, peer, now), 0);
		assert_int_equal(throttle_name_wait_ms(t, alice, 0, now), 0);
	}
	for (unsigned i = 0; i < 40; i++) {
		throttle_failed(t, peer, alice, now);
		assert_int_equal(throttle_peer_wait_ms(t, peer, now), wait);
		assert_int_equal(throttle_name_wait_ms(t, alice, 0, now), wait);
		assert_int_equal(throttle_peer_wait_ms(t, peer, now + wait - 1), 1);
		now += wait;
		assert_int_equal(throttle_peer_wait_ms(t, peer, now), 0);
		assert_int_equal(throttle_name_wait_ms(t, alice, 0, now), 0);
		wait = wait * 2 < THROTTLE_WAIT_MAX_MS ? wait * 2 : THROTTLE_WAIT_MAX_MS;
	}
	assert_int_equal(throttle_peer_wait_ms(t, neighbour, now - 1), 0);
	assert_int_equal(throttle_name_wait_ms(t, slice_lit("bob@alice.example"), 0, now - 1), 0);
	heap_drop(heap);
}

static void starts_anew_after_the_window(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct throttle *t = throttle_create(heap, key, 2);
	slice name = slice_lit("a");
	uint64_t now = 1;

	for (unsigned i = 0; i < 20; i++, now += THROTTLE_WINDOW_MS + 1) {
		throttle_failed(t, peer, name, now);
		assert_int_equal(throttle_peer_wait_ms(t, peer, now), 0);
	}
	now -= 2;
	throttle_failed(t, peer, name, now);
	assert_true(throttle_peer_wait_ms(t, peer, now) > 0);
	heap_drop(heap);
}

static void knows_peers(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct throttle *t = throttle_create(heap, key, 1);

	throttle_failed(t, v6_a, slice_lit("a"), 1);
	assert_true(throttle_peer_wait_ms(t, v6_same, 1) > 0);
	assert_int_equal(throttle_peer_wait_ms(t, v6_other, 1), 0);
	throttle_failed(t, NULL, slice_lit("b"), 1);
	assert_true(throttle_name_wait_ms(t, slice_lit("b"), 0, 1) > 0);
	heap_drop(heap);
}

static void success_clears_the_name_only(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct throttle *t = throttle_create(heap, key, 1);

	throttle_failed(t, peer, slice_lit("a"), 1);
	throttle_succeeded(t, slice_lit("a"));
	throttle_succeeded(t, slice_lit("never seen"));
	assert_int_equal(throttle_name_wait_ms(t, slice_lit("a"), 0, 1), 0);
	assert_true(throttle_peer_wait_ms(t, peer, 1) > 0);
	heap_drop(heap);
}

/* Many guesses at once are no more than the same one after the other. */
static void counts_what_is_under_way(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct throttle *t = throttle_create(heap, key, 3);
	slice name = slice_lit("a");

	assert_int_equal(throttle_name_wait_ms(t, name, 2, 1), 0);
	assert_true(throttle_name_wait_ms(t, name, 3, 1) > 0);
	throttle_failed(t, peer, name, 1);
	assert_int_equal(throttle_name_wait_ms(t, name, 1, 1), 0);
	assert_true(throttle_name_wait_ms(t, name, 2, 1) > 0);
	for (unsigned i = 0; i < 3; i++)
		throttle_failed(t, peer, name, 1);
	assert_int_equal(throttle_name_wait_ms(t, name, 0, 2001), 0);
	assert_true(throttle_name_wait_ms(t, name, 1, 2001) > 0);
	heap_drop(heap);
}

static void stays_bounded(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct throttle *t = throttle_create(heap, key, 1);
	size_t used = heap_used(heap), slowed = 0;
	char name[32];

	for (unsigned i = 0; i < 4 * THROTTLE_ENTRIES; i++) {
		uint8_t ip[16] = V4(10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i);

		snprintf(name, sizeof(name), "user%u", i);
		throttle_failed(t, ip, slice_from(name), i);
		assert_true(throttle_peer_wait_ms(t, ip, i) > 0);
	}
	for (unsigned i = 0; i < 4 * THROTTLE_ENTRIES; i++) {
		snprintf(name, sizeof(name), "user%u", i);
		slowed += throttle_name_wait_ms(t, slice_from(name), 0, 0) > 0;
	}
	assert_true(slowed > THROTTLE_ENTRIES / 4 && slowed <= THROTTLE_ENTRIES);
	assert_int_equal(heap_used(heap), used);
	heap_drop(heap);
}

/* However many fail once, who must wait does. */
static void keeps_who_waits(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct throttle *t = throttle_create(heap, key, 2);

	for (unsigned i = 0; i < 20; i++)
		throttle_failed(t, peer, slice_lit("a"), 1);
	for (unsigned i = 0; i < 1000 * 1000; i++) {
		uint8_t ip[16] = V4(10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i);

		throttle_failed(t, ip, slice_of(&i, sizeof(i)), 2 + i / 1000);
	}
	assert_true(throttle_peer_wait_ms(t, peer, 1002) > 0);
	assert_true(throttle_name_wait_ms(t, slice_lit("a"), 0, 1002) > 0);
	heap_drop(heap);
}

static void remembers_for_minutes(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct remember *r = remember_create(heap, key);
	struct remember_tag right = remember_tag(r, 7, slice_lit("secret"), peer);
	struct remember_tag others[] = {
		remember_tag(r, 8, slice_lit("secret"), peer),
		remember_tag(r, 7, slice_lit("secreT"), peer),
		remember_tag(r, 7, slice_lit("secret"), neighbour),
		remember_tag(r, 7, slice_lit(""), peer),
	};

	assert_false(remember_has(r, &right, 7, 1));
	remember_add(r, &right, 7, 1);
	remember_add(r, &right, 7, 1);
	assert_true(remember_has(r, &right, 7, REMEMBER_MS));
	assert_false(remember_has(r, &right, 8, 1));
	assert_false(remember_has(r, &right, 7, REMEMBER_MS + 1));
	for (size_t i = 0; i < 4; i++)
		assert_false(remember_has(r, &others[i], 7, 1));
	remember_add(r, &others[0], 8, 1);
	remember_forget(r, 7);
	assert_false(remember_has(r, &right, 7, 1));
	assert_true(remember_has(r, &others[0], 8, 1));
	heap_drop(heap);
}

static void remembering_is_bounded(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct remember *r = remember_create(heap, key);
	size_t used = heap_used(heap);

	for (uint64_t i = 1; i < 3 * REMEMBER_ENTRIES; i++) {
		struct remember_tag tag = remember_tag(r, i, slice_lit("secret"), peer);

		remember_add(r, &tag, i, i);
		assert_true(remember_has(r, &tag, i, i));
	}
	assert_int_equal(heap_used(heap), used);
	remember_destroy(r);
	assert_int_equal(heap_used(heap), 0);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(doubles_the_wait), cmocka_unit_test(starts_anew_after_the_window),
    cmocka_unit_test(knows_peers), cmocka_unit_test(success_clears_the_name_only),
    cmocka_unit_test(counts_what_is_under_way), cmocka_unit_test(stays_bounded), cmocka_unit_test(keeps_who_waits),
    cmocka_unit_test(remembers_for_minutes), cmocka_unit_test(remembering_is_bounded))
