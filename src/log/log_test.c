/* log/log_test.c - what is appended is read again, through windows of any size. */
#include "log/log_disk_test.h"

/* ---- head ---- */

static void test_head(void **state)
{
	const struct log_head head = { LOG_ACCOUNT, 7, UINT64_MAX - 5, 99, 12, 1 << 20 };
	struct log_head have;
	unsigned char block[LOG_BLOCK], copy[LOG_BLOCK];

	log_head_write(&head, block);
	for (size_t len = 0; len < LOG_BLOCK; len++)
		assert_int_equal(log_head_read(slice_of(block, len), &have), LOG_HEAD_DAMAGED);
	assert_int_equal(log_head_read(slice_of(block, LOG_BLOCK), &have), LOG_HEAD_OK);
	assert_memory_equal(&have, &head, sizeof head);
	/* One bad sector: the other copy tells. Both: nothing is believed. */
	for (size_t sector = 0; sector < LOG_BLOCK; sector += 512) {
		memcpy(copy, block, sizeof copy);
		memset(copy + sector, 0xa5, 512);
		assert_int_equal(log_head_read(slice_of(copy, LOG_BLOCK), &have), LOG_HEAD_OK);
		assert_int_equal(have.generation, head.generation);
	}
	for (size_t i = 0; i < 64; i++) {
		memcpy(copy, block, sizeof copy);
		copy[i] ^= 1;
		copy[LOG_BLOCK / 2 + 63 - i] ^= 4;
		assert_int_equal(log_head_read(slice_of(copy, LOG_BLOCK), &have),
		    LOG_HEAD_DAMAGED);
	}
	memset(copy, 0, sizeof copy);
	assert_int_equal(log_head_read(slice_of(copy, LOG_BLOCK), &have), LOG_HEAD_DAMAGED);
}

/* ---- the plain way ---- */

static void test_empty(void **state)
{
	struct disk d;

	disk_init(&d, SIZE, 0x1234);
	assert_trace(&d, ".");
	assert_int_equal(log_writer_room(&d.writer), SIZE - LOG_BLOCK - FORMAT_MARK - FORMAT_HEADER);
	sync_disk(&d);
	assert_trace(&d, ".");
	disk_finish(&d);
}

/* Sizes around the places where something begins or ends. */
static void test_sizes(void **state)
{
	const size_t lens[] = { 0, 1, 7, 8, 9, 4096 - 64, 4096 - 65, 4096 - 63, 4096 - 88, 4031,
	                        4096, 8192 - 64, 12000 };

	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		for (int close = 0; close < 2; close++) {
			struct disk d;

			disk_init(&d, SIZE, 77);
			assert_true(append(&d, lens[i]));
			flush(&d, close);
			assert_true(append(&d, lens[i]));
			flush(&d, true);
			assert_true(append(&d, 3));
			flush(&d, true);
			assert_trace(&d, "r1 r2 r3 .");
			disk_finish(&d);
		}
	}
}

static void test_fill_to_the_end(void **state)
{
	for (size_t len = 0; len < 9000; len += 41) {
		struct disk d;
		char have[TRACE], want[TRACE];
		size_t n = 0;
		uint32_t i = 1;

		disk_init(&d, 32 * 1024, 77);
		for (; append(&d, len); i++) {
			n += (size_t)sprintf(want + n, "r%u ", i);
			if (i % 3 == 0)
				sync_disk(&d);
			if (i >= 600)
				break;
		}
		strcpy(want + n, ".");
		flush(&d, true);
		trace(d.bytes, d.size, &d.head, 100, have);
		assert_string_equal(have, want);
		disk_finish(&d);
	}
}

static void test_record_max(void **state)
{
	struct disk d;

	disk_init(&d, 4 << 20, 5);
	assert_int_equal(log_writer_room(&d.writer), LOG_RECORD_MAX);
	assert_false(append(&d, LOG_RECORD_MAX + 1));
	assert_true(append(&d, LOG_RECORD_MAX));
	sync_disk(&d);
	assert_true(append(&d, LOG_RECORD_MAX));
	assert_true(append(&d, 10));
	sync_disk(&d);
	assert_trace(&d, "r1 r2 r3 .");
	disk_finish(&d);
}

/* What room says fits, fits exactly. */
static void test_room_is_exact(void **state)
{
	for (size_t first = 0; first < 5000; first += 333) {
		struct disk d;
		uint32_t room;

		disk_init(&d, 16 * 1024, 5);
		assert_true(append(&d, first));
		sync_disk(&d);
		room = log_writer_room(&d.writer);
		assert_false(append(&d, room + 1));
		assert_true(append(&d, room));
		assert_int_equal(log_writer_room(&d.writer), 0);
		sync_disk(&d);
		assert_trace(&d, "r1 r2 .");
		disk_finish(&d);
	}
}

static void test_appends_while_taken(void **state)
{
	struct disk d;
	uint32_t offset, again;
	slice out;

	disk_init(&d, SIZE, 5);
	assert_true(append(&d, 100));
	out = log_take(&d.writer, true, &offset);
	assert_true(append(&d, 5000));
	memcpy(d.bytes + offset, out.ptr, out.len);
	log_taken_done(&d.writer);
	log_synced(&d.writer, d.writer.taken_to);
	out = log_take(&d.writer, true, &again);
	assert_int_equal(again, 2 * LOG_BLOCK);
	/* The mark was filled in when taken: it knows of the sync. */
	assert_int_equal(load_u32(out.ptr + FORMAT_HEADER + 8), again);
	memcpy(d.bytes + again, out.ptr, out.len);
	log_taken_done(&d.writer);
	assert_trace(&d, "r1 r2 .");
	disk_finish(&d);
}

/* A batch that is on disk is not rewritten: the next one starts on a block. */
static void test_synced_batch_closes(void **state)
{
	struct disk d;

	disk_init(&d, SIZE, 5);
	assert_true(append(&d, 100));
	flush(&d, false);
	assert_true(append(&d, 100));
	assert_int_equal(d.record_at[2], d.record_at[1] + 128);
	flush(&d, false);
	log_synced(&d.writer, d.writer.taken_to);
	assert_true(append(&d, 100));
	assert_int_equal(d.record_at[3], 2 * LOG_BLOCK + FORMAT_MARK);
	flush(&d, true);
	assert_trace(&d, "r1 r2 r3 .");
	disk_finish(&d);
}

static void test_failed(void **state)
{
	struct disk d;

	disk_init(&d, SIZE, 5);
	assert_true(append(&d, 100));
	sync_disk(&d);
	assert_true(append(&d, 100));
	log_failed(&d.writer);
	assert_false(append(&d, 1));
	assert_int_equal(log_writer_room(&d.writer), 0);
	flush(&d, false);
	log_synced(&d.writer, d.writer.taken_to);
	assert_int_equal(d.writer.synced_to, 2 * LOG_BLOCK);
	assert_trace(&d, "r1 .");
	disk_finish(&d);
}

/* ---- windows ---- */

static void test_windows(void **state)
{
	const uint32_t steps[] = { 0, 24, 511, 5000, SIZE };

	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct disk d;
		char want[TRACE], have[TRACE];

		disk_init(&d, SIZE, seed * 0x9e3779b97f4a7c15);
		fill_random(&d, seed, 8);
		flush(&d, true);
		all_records(&d, d.writer.sequence, want);
		for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
			trace(d.bytes, d.size, &d.head, steps[i], have);
			assert_string_equal(have, want);
		}
		/* The same with damage in the middle: windows change nothing. */
		memset(d.bytes + 9000, 0xee, 700);
		trace(d.bytes, d.size, &d.head, SIZE, want);
		for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
			trace(d.bytes, d.size, &d.head, steps[i], have);
			assert_string_equal(have, want);
		}
		disk_finish(&d);
	}
}

/* A window that is cut at every byte: a record, or MORE, never END or ROT. */
static void test_every_split(void **state)
{
	struct disk d;

	disk_init(&d, SIZE, 0xfeed);
	assert_true(append(&d, 10));
	assert_true(append(&d, 300));
	sync_disk(&d);
	assert_true(append(&d, 50));
	sync_disk(&d);
	for (size_t cut = 0; cut <= 3 * LOG_BLOCK; cut++) {
		slice window = guarded_copy(slice_of(d.bytes, cut));
		struct log_reader r;
		struct log_record record;
		uint32_t from, to, need, n = 0;
		enum log_read result;

		log_reader_init(&r, &d.head, SIZE);
		while ((result = log_next(&r, window, 0, false, &record, &from, &to, &need)) ==
		    LOG_RECORD)
			assert_true(d.record_end[++n] <= cut);
		assert_int_equal(result, LOG_MORE);
		assert_true(n == 3 || d.record_end[n + 1] > cut);
		guarded_free(window);
	}
	disk_finish(&d);
}

UNIT_TESTS(cmocka_unit_test(test_head), cmocka_unit_test(test_empty),
    cmocka_unit_test(test_sizes), cmocka_unit_test(test_fill_to_the_end),
    cmocka_unit_test(test_record_max), cmocka_unit_test(test_room_is_exact),
    cmocka_unit_test(test_appends_while_taken), cmocka_unit_test(test_synced_batch_closes),
    cmocka_unit_test(test_failed), cmocka_unit_test(test_windows),
    cmocka_unit_test(test_every_split))
