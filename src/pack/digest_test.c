/* pack/digest_test.c - what is remembered is what was said, or nothing. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "os/os_faulty.h"
#include "os/os_sim.h"
#include "pack/digest.h"

enum { N = 60, PACKS = 2, OWNER = 42, VERSION = 3 };

static struct world {
	struct sim *sim;
	struct os *os;
	struct heap *heap;
	struct pack_want wants[N];
	struct digests index;
	struct digest_reader reader;
} world;

static void name_of(uint32_t number, char ret_name[32])
{
	snprintf(ret_name, 32, "%03u.digest", number);
}

static int open_digest(void *context, uint32_t number, int flags)
{
	char name[32];

	name_of(number, name);
	return os_open(world.os, OS_ROOT, name, flags);
}

static slice record_of(unsigned i, unsigned version)
{
	static unsigned char text[DIGEST_RECORD_MAX];
	size_t len = i % 7 == 0 ? i / 7 * 4000 : 10 + i * 13;

	for (size_t k = 0; k < len; k++)
		text[k] = (unsigned char)(k * (i + 1) + version);
	return slice_of(text, len);
}

/* As another life finds it. */
static void live_on(uint32_t version)
{
	heap_drop(world.heap);
	world.heap = heap_create(SIZE_MAX);
	digests_init(&world.index, world.heap, OWNER, version);
	digest_reader_init(&world.reader, world.os, world.heap);
}

static int set_up(void **state)
{
	static const uint8_t ip[4] = { 127, 1, 0, 1 };

	world.sim = sim_create(1);
	world.os = sim_process_create(sim_host_create(world.sim, "a", ip, 1 << 26), "test");
	for (unsigned i = 0; i < N; i++)
		world.wants[i] = (struct pack_want){ 1 + i / (N / PACKS), 1000 * (i % (N / PACKS)), 900 + i };
	world.heap = NULL;
	live_on(VERSION);
	return 0;
}

static int tear_down(void **state)
{
	heap_drop(world.heap);
	sim_destroy(world.sim);
	return 0;
}

static void begin(void)
{
	digest_reader_begin(&world.reader, &world.index, open_digest, NULL);
}

/* One batch: remembers what is not. Returns how much was. */
static unsigned batch(const struct pack_want *wants, unsigned from, unsigned n, unsigned version)
{
	unsigned known = 0;
	slice got;

	begin();
	for (unsigned i = 0; i < n; i++) {
		if (digest_reader_look(&world.reader, wants, n, i, &got)) {
			assert_true(slice_equal(got, record_of(from + i, version)));
			known++;
		} else {
			digest_reader_keep(&world.reader, &wants[i], record_of(from + i, version));
		}
	}
	digest_reader_end(&world.reader);
	return known;
}

static unsigned all(void)
{
	return batch(world.wants, 0, N, 0);
}

static void what_is_kept_is_found(void **state)
{
	assert_int_equal(batch(world.wants + 5, 5, 40, 0), 0);
	assert_int_equal(batch(world.wants + 5, 5, 40, 0), 40);
	assert_int_equal(all(), 40);
	assert_int_equal(all(), N);
	live_on(VERSION);
	assert_int_equal(all(), N);
	/* Few of them, and in any order. */
	for (unsigned i = 0; i + 20 < N; i += 7) {
		struct pack_want few[] = { world.wants[i + 9], world.wants[i], world.wants[i + 19] };
		slice got;

		begin();
		assert_true(digest_reader_look(&world.reader, few, 3, 0, &got));
		assert_true(slice_equal(got, record_of(i + 9, 0)));
		assert_true(digest_reader_look(&world.reader, few, 3, 1, &got));
		assert_true(slice_equal(got, record_of(i, 0)));
		assert_true(digest_reader_look(&world.reader, few, 3, 2, &got));
		assert_true(slice_equal(got, record_of(i + 19, 0)));
		digest_reader_end(&world.reader);
	}
}

/* An entry of another length is another one. */
static void others_are_not_known(void **state)
{
	struct pack_want want = world.wants[3];

	all();
	want.stored++;
	assert_int_equal(batch(&want, 3, 1, 0), 0);
	world.index.owner++;
	live_on(VERSION + 1);
	assert_int_equal(all(), 0);
	live_on(VERSION + 1);
	assert_int_equal(all(), N);
}

static void the_later_one_counts(void **state)
{
	slice got;

	all();
	for (unsigned i = 0; i < N; i += 3) {
		begin();
		assert_true(digest_reader_look(&world.reader, world.wants, N, i, &got));
		digest_reader_keep(&world.reader, &world.wants[i], record_of(i, 5));
		digest_reader_end(&world.reader);
	}
	for (int life = 0; life < 2; life++) {
		begin();
		for (unsigned i = 0; i < N; i++) {
			assert_true(digest_reader_look(&world.reader, world.wants, N, i, &got));
			assert_true(slice_equal(got, record_of(i, i % 3 == 0 ? 5 : 0)));
		}
		digest_reader_end(&world.reader);
		live_on(VERSION);
	}
}

/* Whatever bit turns, what is found is right; and soon all is there again. */
static void damage_is_no_harm(void **state)
{
	int64_t size = INT64_MAX;
	char name[32];

	name_of(1, name);
	for (int64_t at = 0; at < size; at += at < 400 ? 1 : 91) {
		unsigned char byte;
		int fd;

		batch(world.wants, 0, 10, 0);
		batch(world.wants + 10, 10, 20, 0);
		fd = open_digest(NULL, 1, OS_READ | OS_WRITE);
		size = os_size(world.os, fd);
		assert_in_range(size, 10000, 100000);
		assert_int_equal(os_pread(world.os, fd, &byte, 1, (uint64_t)at), 1);
		byte ^= 4;
		assert_int_equal(os_pwrite(world.os, fd, slice_of(&byte, 1), (uint64_t)at), 0);
		os_close(world.os, fd);
		live_on(VERSION);
		assert_in_range(batch(world.wants, 0, 30, 0), 0, 29);
		assert_int_equal(batch(world.wants, 0, 30, 0), 30);
		live_on(VERSION);
		assert_int_equal(batch(world.wants, 0, 30, 0), 30);
		assert_int_equal(os_unlink(world.os, OS_ROOT, name), 0);
		live_on(VERSION);
	}
}

/* A power cut, or somebody who deletes it. */
static void torn_or_gone(void **state)
{
	char name[32];

	name_of(1, name);
	for (uint64_t len = 0; len < 30000; len += 1777) {
		struct buffer copy = buffer_init(world.heap, SIZE_MAX / 2);
		int fd;

		all();
		fd = open_digest(NULL, 1, OS_READ);
		assert_true(os_pread(world.os, fd, buffer_reserve(&copy, len + 1), len, 0) >= 0);
		buffer_filled(&copy, len);
		os_close(world.os, fd);
		assert_int_equal(os_unlink(world.os, OS_ROOT, name), 0);
		fd = open_digest(NULL, 1, OS_READ | OS_WRITE | OS_CREATE);
		assert_int_equal(os_pwrite(world.os, fd, buffer_bytes(&copy), 0), 0);
		os_close(world.os, fd);
		live_on(VERSION);
		assert_in_range(all(), N / PACKS, N);
		assert_int_equal(all(), N);
		/* And while it is in use. */
		assert_int_equal(os_unlink(world.os, OS_ROOT, name), 0);
		all();
		live_on(VERSION);
		all();
		assert_int_equal(all(), N);
	}
}

static void each_disk_call_may_fail(void **state)
{
	struct os_faulty faulty;

	os_faulty_wrap(&faulty, world.os);
	for (unsigned n = 1;; n++) {
		os_faulty_arm(&faulty, FAULT_ANY, n, -EIO);
		live_on(VERSION);
		batch(world.wants + 20, 20, 20, 0);
		all();
		all();
		if (!os_faulty_fired(&faulty))
			break;
		os_faulty_arm(&faulty, FAULT_ANY, 0, -EIO);
		live_on(VERSION);
		all();
		assert_int_equal(all(), N);
		for (uint32_t number = 1; number <= PACKS && n % 2 == 0; number++) {
			char name[32];

			name_of(number, name);
			(void)os_unlink(world.os, OS_ROOT, name);
		}
	}
	os_faulty_unwrap(&faulty);
}

/* What is too long is not remembered; a block that is full makes room. */
static void too_much(void **state)
{
	unsigned char *text = heap_alloc(world.heap, DIGEST_RECORD_MAX + 1);
	struct pack_want want = { 1, 0, 900 };
	slice got;

	begin();
	assert_false(digest_reader_look(&world.reader, &want, 1, 0, &got));
	digest_reader_keep(&world.reader, &want, slice_of(text, DIGEST_RECORD_MAX + 1));
	for (uint32_t i = 0; i < 300; i++) {
		want.offset = 1000 + i;
		digest_reader_keep(&world.reader, &want, slice_of(text, DIGEST_RECORD_MAX));
	}
	digest_reader_end(&world.reader);
	assert_in_range(world.index.packs[0].n, 3, 4);
	assert_int_equal(world.index.packs[0].blocks[0].first, 1000);
	for (uint32_t i = 0; i < 300; i += 50) {
		want.offset = 1000 + i;
		begin();
		assert_true(digest_reader_look(&world.reader, &want, 1, 0, &got));
		assert_int_equal(got.len, DIGEST_RECORD_MAX);
		digest_reader_end(&world.reader);
	}
	/* Nor does the file grow without end. */
	for (uint32_t i = 0; i < 2 * DIGEST_FILE_MAX / DIGEST_RECORD_MAX; i++) {
		want.offset = i;
		begin();
		(void)digest_reader_look(&world.reader, &want, 1, 0, &got);
		digest_reader_keep(&world.reader, &want, slice_of(text, DIGEST_RECORD_MAX));
		digest_reader_end(&world.reader);
		if (world.index.packs[0].end > DIGEST_FILE_MAX - DIGEST_BLOCK_MAX)
			world.index.packs[0].end = DIGEST_FILE_MAX - DIGEST_RECORD_MAX / 2;
	}
	assert_in_range(world.index.packs[0].end, 0, DIGEST_FILE_MAX);
}

UNIT_TESTS(
    cmocka_unit_test_setup_teardown(what_is_kept_is_found, set_up, tear_down),
    cmocka_unit_test_setup_teardown(others_are_not_known, set_up, tear_down),
    cmocka_unit_test_setup_teardown(the_later_one_counts, set_up, tear_down),
    cmocka_unit_test_setup_teardown(damage_is_no_harm, set_up, tear_down),
    cmocka_unit_test_setup_teardown(torn_or_gone, set_up, tear_down),
    cmocka_unit_test_setup_teardown(each_disk_call_may_fail, set_up, tear_down),
    cmocka_unit_test_setup_teardown(too_much, set_up, tear_down))
