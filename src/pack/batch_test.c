/* pack/batch_test.c - messages that are read many at a time are what they are one by one. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <zstd.h>

#include "base/limits.h"
#include "os/os_sim.h"
#include "pack/batch.h"

enum { N = 40, OWNER = 42 };

static struct world {
	struct sim *sim;
	struct os *os;
	struct heap *heap;
	struct pack_want wants[N];
	unsigned opened;
} world;

static size_t size_of(unsigned i)
{
	static const size_t sizes[] = { 0, 10, 3000, 8000, 200 * 1000, 8000, 2 * 1000 * 1000 };

	return sizes[i % 7];
}

static slice text_of(unsigned i, struct buffer *b)
{
	size_t from = buffer_bytes(b).len;
	uint64_t x = i + 1;

	buffer_printf(b, "Subject: %u\r\n\r\n", i);
	while (buffer_bytes(b).len - from < size_of(i)) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		buffer_printf(b, "%016llx%s", (unsigned long long)x, x % 5 == 0 ? "\r\n" : "");
	}
	return buffer_bytes(b);
}

static int open_pack(void *context, uint32_t number)
{
	char name[32];

	world.opened++;
	snprintf(name, sizeof name, "%u.pack", number);
	return os_open(world.os, OS_ROOT, name, OS_READ);
}

/* Two packs, in which entry i has a prefix or none. */
static void write_packs(void)
{
	uint64_t end = 0;
	int fd = -1;

	for (unsigned i = 0; i < N; i++) {
		struct pack_place place = { OWNER, 1 + i / (N / 2), 0 };
		struct buffer text = buffer_init(world.heap, SIZE_MAX / 2);
		struct buffer frames = buffer_init(world.heap, SIZE_MAX / 2);
		struct buffer entry = buffer_init(world.heap, SIZE_MAX / 2);
		slice rest = text_of(i, &text), prefix = i % 3 == 0 ? slice_lit("A: b\r\n") : (slice){ 0 };
		struct pack_body body = { .size = rest.len };
		char name[32];

		if (i % (N / 2) == 0) {
			snprintf(name, sizeof name, "%u.pack", place.number);
			fd = os_open(world.os, OS_ROOT, name, OS_READ | OS_WRITE | OS_CREATE);
			end = 0;
		}
		while (rest.len > 0) {
			size_t n = rest.len < BODY_FRAME_RAW ? rest.len : BODY_FRAME_RAW;
			unsigned char *at = buffer_reserve(&frames, ZSTD_compressBound(n));

			buffer_filled(&frames, ZSTD_compress(at, ZSTD_compressBound(n), rest.ptr, n, 1));
			rest = slice_drop(rest, n);
		}
		body.stored = buffer_bytes(&frames).len;
		body.checksum = checksum64(buffer_bytes(&frames), 0);
		place.offset = (uint32_t)end;
		pack_entry_write(&entry, place, prefix, body);
		buffer_add(&entry, buffer_bytes(&frames));
		assert_int_equal(os_pwrite(world.os, fd, buffer_bytes(&entry), end), 0);
		world.wants[i] = (struct pack_want){ place.number, place.offset,
		    (uint32_t)buffer_bytes(&entry).len };
		end += buffer_bytes(&entry).len;
	}
}

static int set_up(void **state)
{
	static const uint8_t address[4] = { 127, 0, 0, 1 };

	world = (struct world){ .sim = sim_create(1), .heap = heap_create(SIZE_MAX) };
	world.os = sim_process_create(sim_host_create(world.sim, "host", address, 1 << 28), "test");
	write_packs();
	return 0;
}

static int tear_down(void **state)
{
	sim_destroy(world.sim);
	heap_drop(world.heap);
	return 0;
}

static void expect(struct pack_batch *b, size_t n, unsigned i, bool head)
{
	struct buffer want = buffer_init(world.heap, SIZE_MAX / 2);
	slice text;

	if (i % 3 == 0)
		buffer_add(&want, slice_lit("A: b\r\n"));
	text_of(i, &want);
	assert_int_equal(pack_batch_read(b, world.wants, n, i, head, &text), PACK_OK);
	if (head)
		assert_true(slice_starts(buffer_bytes(&want), text) &&
		    slice_find(text, slice_lit("\r\n\r\n")) < text.len);
	else
		assert_true(slice_equal(text, buffer_bytes(&want)));
	buffer_free(&want);
}

static void as_they_were(void **state)
{
	struct pack_batch b;

	for (int head = 0; head < 2; head++) {
		world.opened = 0;
		pack_batch_init(&b, world.os, world.heap, OWNER, open_pack, NULL);
		for (unsigned i = 0; i < N; i++)
			expect(&b, N, i, head);
		assert_int_equal(world.opened, 2);
		/* In any order, and alone. */
		for (unsigned i = N; i > 2; i -= 3)
			expect(&b, i, i - 1, head);
		pack_batch_close(&b);
	}
}

static void wrong_lengths_are_no_damage(void **state)
{
	struct pack_want wants[2] = { world.wants[2], world.wants[5] };
	struct buffer want = buffer_init(world.heap, SIZE_MAX / 2);
	struct pack_batch b;
	slice text;

	text_of(5, &want);
	pack_batch_init(&b, world.os, world.heap, OWNER, open_pack, NULL);
	for (int i = 0; i < 4; i++) {
		static const uint32_t stored[] = { 0, 70, 1 << 30, 100 * 1000 };

		wants[1].stored = stored[i];
		assert_int_equal(pack_batch_read(&b, wants, 2, 1, false, &text), PACK_OK);
		assert_true(slice_equal(text, buffer_bytes(&want)));
	}
	pack_batch_close(&b);
}

/* Any bit that turns is found, before the first byte is given out. */
static void damage_is_found(void **state)
{
	int fd = os_open(world.os, OS_ROOT, "1.pack", OS_READ | OS_WRITE);
	const struct pack_want *w = &world.wants[2];
	struct pack_batch b;
	unsigned char byte;
	slice text;

	for (uint32_t at = 0; at < w->stored; at += 97) {
		assert_int_equal(os_pread(world.os, fd, &byte, 1, w->offset + at), 1);
		byte ^= 16;
		assert_int_equal(os_pwrite(world.os, fd, slice_of(&byte, 1), w->offset + at), 0);
		pack_batch_init(&b, world.os, world.heap, OWNER, open_pack, NULL);
		assert_int_equal(pack_batch_read(&b, world.wants, N, 2, at % 2 == 0, &text),
		    PACK_DAMAGED);
		assert_int_equal(text.len, 0);
		expect(&b, N, 5, false);
		pack_batch_close(&b);
		byte ^= 16;
		assert_int_equal(os_pwrite(world.os, fd, slice_of(&byte, 1), w->offset + at), 0);
	}
	os_close(world.os, fd);
}

static void what_is_not_there(void **state)
{
	struct pack_want wants[] = { { 7, 0, 1000 }, { 1, 1 << 30, 1000 }, world.wants[1] };
	struct pack_batch b;
	slice text;

	pack_batch_init(&b, world.os, world.heap, OWNER, open_pack, NULL);
	assert_int_equal(pack_batch_read(&b, wants, 3, 0, false, &text), PACK_DAMAGED);
	assert_int_equal(pack_batch_read(&b, wants, 3, 1, false, &text), PACK_DAMAGED);
	assert_int_equal(pack_batch_read(&b, wants, 3, 2, false, &text), PACK_OK);
	/* Another's entry. */
	b.owner = OWNER + 1;
	assert_int_equal(pack_batch_read(&b, wants, 3, 2, false, &text), PACK_DAMAGED);
	pack_batch_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(as_they_were, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_lengths_are_no_damage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damage_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_there, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
