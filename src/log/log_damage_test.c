/* log/log_damage_test.c - the log against torn writes, rot, and old bytes. */
#include "log/log_disk_test.h"

/* ---- the end of the file and torn tails ---- */

static void test_truncated(void **state)
{
	struct disk d;

	disk_init(&d, SIZE, 0xfeed);
	assert_true(append(&d, 10));
	assert_true(append(&d, 5000));
	sync_disk(&d);
	assert_true(append(&d, 50));
	assert_true(append(&d, 60));
	sync_disk(&d);
	for (size_t size = 0; size <= d.writer.taken_to; size++) {
		uint32_t n = 1;
		char want[TRACE], have[TRACE];

		while (n <= 4 && d.record_end[n] <= size)
			n++;
		all_records(&d, n, want);
		trace(d.bytes, size, &d.head, 2000 + size % 3000, have);
		assert_string_equal(have, want);
	}
	disk_finish(&d);
}

/* Whole records before the first one that is not intact on the torn disk. */
static uint32_t intact_prefix(const struct disk *d, const unsigned char *torn)
{
	uint32_t n = 1;

	while (n < d->writer.sequence) {
		uint32_t at = d->record_at[n], end = d->record_end[n];

		if (memcmp(torn + at, d->bytes + at, end - at) != 0)
			break;
		n++;
	}
	return n;
}

/* Power fails while a batch is written: any of its 512-byte sectors may be
 * there, the others hold what the file's earlier use left. What was synced is
 * read, nothing is called rot, and nothing is made up. */
static void test_torn_tail(void **state)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		uint64_t chance = seed;
		struct disk old, d;
		unsigned char *torn;
		char want[TRACE], have[TRACE];
		uint32_t synced, n;

		disk_init(&old, SIZE, seed << 32 | 1);
		fill_random(&old, seed / 2, 20);
		flush(&old, true);
		disk_init(&d, SIZE, seed << 32 | 2);
		fill_random(&d, seed, 3);
		sync_disk(&d);
		synced = d.writer.taken_to;
		n = d.writer.sequence;
		/* Two batches on their way at once, neither synced. */
		for (int i = 0; i < 2; i++) {
			for (uint64_t k = random_next(&chance) % 4 + 1; k > 0; k--)
				append(&d, random_next(&chance) % 2500);
			flush(&d, true);
		}
		torn = malloc(SIZE);
		memcpy(torn, old.bytes, SIZE);
		memcpy(torn, d.bytes, synced);
		for (uint32_t at = synced; at < d.writer.taken_to; at += 512) {
			if (random_next(&chance) % 3 != 0)
				memcpy(torn + at, d.bytes + at, 512);
		}
		if (intact_prefix(&d, torn) < n)
			fail_msg("the test itself tore what was synced");
		trace(torn, SIZE, &d.head, 4096, have);
		assert_null(strchr(have, 'x'));
		all_records(&d, n, want);
		assert_memory_equal(have, want, strlen(want) - 1);
		assert_true(strlen(have) <= TRACE && strstr(have, ".") != NULL);
		/* At most the intact prefix. */
		all_records(&d, intact_prefix(&d, torn), want);
		assert_true(strlen(have) <= strlen(want));
		free(torn);
		disk_finish(&old);
		disk_finish(&d);
	}
}

/* The mark is there, its records are not; and the other way round. */
static void test_mark_without_records(void **state)
{
	struct disk d;
	unsigned char *kept = malloc(SIZE);

	disk_init(&d, SIZE, 9);
	assert_true(append(&d, 100));
	sync_disk(&d);
	assert_true(append(&d, 600));
	flush(&d, true);
	memcpy(kept, d.bytes, SIZE);
	memset(d.bytes + 2 * LOG_BLOCK + FORMAT_MARK, 0, LOG_BLOCK - FORMAT_MARK);
	assert_trace(&d, "r1 .");
	memcpy(d.bytes, kept, SIZE);
	memset(d.bytes + 2 * LOG_BLOCK, 0, FORMAT_MARK);
	assert_trace(&d, "r1 .");
	/* Another unsynced batch behind a hole: it was not acknowledged either. */
	memcpy(d.bytes, kept, SIZE);
	assert_true(append(&d, 50));
	flush(&d, true);
	memset(d.bytes + 2 * LOG_BLOCK, 0, LOG_BLOCK);
	assert_trace(&d, "r1 .");
	disk_finish(&d);
	free(kept);
}

/* ---- rot ---- */

static void three_batches(struct disk *d)
{
	disk_init(d, SIZE, 0xabcdef);
	for (int i = 0; i < 3; i++) {
		assert_true(append(d, 40));
		assert_true(append(d, 100));
		assert_true(append(d, 1));
		sync_disk(d);
	}
}

/* Every byte of three synced batches, flipped: never a wrong record, and what is
 * lost is only what the byte belongs to. */
static void test_every_flip(void **state)
{
	struct disk d;

	three_batches(&d);
	for (uint32_t at = LOG_BLOCK; at < 4 * LOG_BLOCK; at++) {
		char want[TRACE], have[TRACE];
		size_t n = 0;
		bool last = at >= 3 * LOG_BLOCK;

		d.bytes[at] ^= 0x10;
		for (uint32_t i = 1; i <= 9; i++) {
			bool hit = at >= d.record_at[i] && at < d.record_end[i];

			/* No later mark vouches for the last batch: a torn tail. */
			if (hit && last)
				break;
			n += hit ? (size_t)sprintf(want + n, "x ") :
			    (size_t)sprintf(want + n, "r%u ", i);
		}
		strcpy(want + n, ".");
		/* A lost mark: its records were synced when a later mark says so. */
		if (at % LOG_BLOCK < FORMAT_MARK)
			strcpy(want, at < 2 * LOG_BLOCK ? "x r1 r2 r3 r4 r5 r6 r7 r8 r9 ." :
			    last ? "r1 r2 r3 r4 r5 r6 ." : "r1 r2 r3 x r4 r5 r6 r7 r8 r9 .");
		trace(d.bytes, d.size, &d.head, 4000 + at % 500, have);
		assert_string_equal(have, want);
		d.bytes[at] ^= 0x10;
	}
	disk_finish(&d);
}

static void test_rot(void **state)
{
	const struct {
		const char *name;
		uint32_t from, to;
		const char *want;
	} cases[] = {
		{ "first batch", LOG_BLOCK, 2 * LOG_BLOCK, "x r4 r5 r6 r7 r8 r9 ." },
		{ "second batch", 2 * LOG_BLOCK, 3 * LOG_BLOCK, "r1 r2 r3 x r7 r8 r9 ." },
		{ "first two", LOG_BLOCK, 3 * LOG_BLOCK, "x r7 r8 r9 ." },
		{ "last batch: a torn tail", 3 * LOG_BLOCK, 4 * LOG_BLOCK, "r1 r2 r3 r4 r5 r6 ." },
		{ "last two: a torn tail", 2 * LOG_BLOCK, 4 * LOG_BLOCK, "r1 r2 r3 ." },
		{ "all", LOG_BLOCK, SIZE, "." },
		{ "padding", 2 * LOG_BLOCK - 100, 2 * LOG_BLOCK,
		  "r1 r2 r3 r4 r5 r6 r7 r8 r9 ." },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (int fill = 0; fill < 2; fill++) {
			struct disk d;

			print_message("# %s\n", cases[i].name);
			three_batches(&d);
			memset(d.bytes + cases[i].from, fill ? 0xff : 0,
			    cases[i].to - cases[i].from);
			assert_trace(&d, cases[i].want);
			disk_finish(&d);
		}
	}
}

/* Whoever was told that all is synced knows rot from a torn tail without a mark. */
static void test_known_synced(void **state)
{
	struct log_reader r;
	struct log_record record;
	uint32_t from, to, need;
	struct disk d;

	three_batches(&d);
	memset(d.bytes + 2 * LOG_BLOCK, 0x55, LOG_BLOCK);
	log_reader_init(&r, &d.head, 3 * LOG_BLOCK);
	r.synced_to = r.limit;
	for (uint32_t i = 1; i <= 3; i++) {
		assert_int_equal(log_next(&r, slice_of(d.bytes, 3 * LOG_BLOCK), 0, true, &record,
		    &from, &to, &need), LOG_RECORD);
	}
	assert_int_equal(log_next(&r, slice_of(d.bytes, 3 * LOG_BLOCK), 0, true, &record, &from,
	    &to, &need), LOG_ROT);
	assert_int_equal(from, d.record_end[3] + 7);
	assert_int_equal(to, 3 * LOG_BLOCK);
	assert_int_equal(log_next(&r, slice_of(d.bytes, 3 * LOG_BLOCK), 0, true, &record, &from,
	    &to, &need), LOG_END);
	/* More is announced: reading goes on there. */
	r.limit = r.synced_to = 4 * LOG_BLOCK;
	assert_int_equal(log_next(&r, slice_of(d.bytes, SIZE), 0, true, &record, &from, &to,
	    &need), LOG_RECORD);
	assert_int_equal(record.sequence, 7);
	disk_finish(&d);
}

/* With that knowledge too, the zeros that end a batch are no damage. */
static void test_known_synced_clean(void **state)
{
	for (size_t len = 0; len < 64; len++) {
		struct log_reader r;
		struct log_record record;
		uint32_t from, to, need;
		struct disk d;

		disk_init(&d, SIZE, 6);
		log_reader_init(&r, &d.head, LOG_BLOCK);
		for (uint32_t i = 1; i < 8; i++) {
			slice window;

			assert_true(append(&d, len * i));
			sync_disk(&d);
			r.limit = r.synced_to = d.writer.synced_to;
			window = guarded_copy(slice_of(d.bytes, r.limit));
			assert_int_equal(log_next(&r, window, 0, true, &record, &from, &to,
			    &need), LOG_RECORD);
			assert_int_equal(record.sequence, i);
			assert_int_equal(log_next(&r, window, 0, true, &record, &from, &to,
			    &need), LOG_END);
			guarded_free(window);
		}
		disk_finish(&d);
	}
}

static void test_resume(void **state)
{
	struct log_reader r;
	struct log_record record;
	uint32_t from, to, need;
	struct disk d;

	three_batches(&d);
	for (uint32_t first = 1; first <= 9; first++) {
		uint32_t n = first;

		log_reader_init(&r, &d.head, SIZE);
		log_reader_resume(&r, d.record_at[first], first - 1);
		while (log_next(&r, slice_of(d.bytes, SIZE), 0, true, &record, &from, &to,
		    &need) == LOG_RECORD)
			assert_int_equal(record.sequence, n++);
		assert_int_equal(n, 10);
	}
	disk_finish(&d);
}

/* Random damage to a synced segment: every record that was not hit is read,
 * unless nothing vouches for the place; none is read wrongly (trace checks). */
static void test_random_rot(void **state)
{
	for (uint64_t seed = 1; seed <= 400; seed++) {
		uint64_t chance = seed * 77;
		struct disk d;
		char have[TRACE], word[16];
		uint32_t from, to, vouched;

		disk_init(&d, 4 * SIZE, seed);
		fill_random(&d, seed, 6);
		sync_disk(&d);
		vouched = d.writer.synced_to;
		assert_true(append(&d, 5));
		flush(&d, true);
		from = LOG_BLOCK + (uint32_t)(random_next(&chance) % (vouched - LOG_BLOCK));
		to = from + 1 + (uint32_t)(random_next(&chance) % 6000);
		if (to > vouched)
			to = vouched;
		for (uint32_t at = from; at < to; at++)
			d.bytes[at] = (unsigned char)random_next(&chance);
		trace(d.bytes, d.size, &d.head, (uint32_t)(3000 + seed), have);
		for (uint32_t i = 1; i < d.writer.sequence; i++) {
			sprintf(word, "r%u ", i);
			if (d.record_end[i] <= from || d.record_at[i] >= to)
				assert_non_null(strstr(have, word));
		}
		disk_finish(&d);
	}
}

/* ---- old bytes ---- */

/* A recycled file: the same records of another generation follow, at the same
 * offsets and sequences. */
static void test_recycled(void **state)
{
	for (uint32_t keep = 0; keep < 3; keep++) {
		struct disk old, d;
		char want[TRACE];

		three_batches(&old);
		disk_init(&d, SIZE, 0xabcdef + 1);
		memcpy(d.bytes + LOG_BLOCK, old.bytes + LOG_BLOCK, SIZE - LOG_BLOCK);
		for (uint32_t i = 0; i < keep; i++) {
			assert_true(append(&d, 40));
			sync_disk(&d);
		}
		all_records(&d, keep + 1, want);
		assert_trace(&d, want);
		disk_finish(&old);
		disk_finish(&d);
	}
}

/* Records moved to another place do not count, even of this generation. */
static void test_misplaced(void **state)
{
	struct disk d;

	three_batches(&d);
	memcpy(d.bytes + 4 * LOG_BLOCK, d.bytes + 3 * LOG_BLOCK, LOG_BLOCK);
	assert_trace(&d, "r1 r2 r3 r4 r5 r6 r7 r8 r9 .");
	memcpy(d.bytes + 2 * LOG_BLOCK, d.bytes + LOG_BLOCK, LOG_BLOCK);
	assert_trace(&d, "r1 r2 r3 x r7 r8 r9 .");
	disk_finish(&d);
}

/* A writer that lies about sequences is not believed. */
static void test_hostile_sequence(void **state)
{
	const uint32_t sequences[] = { 0, UINT32_MAX, LOG_BLOCK };

	for (size_t i = 0; i < 3; i++) {
		struct disk d;
		unsigned char *at;
		slice payload = slice_lit("1234567");

		disk_init(&d, SIZE, 3);
		at = d.bytes + LOG_BLOCK;
		format_mark_write(3, LOG_BLOCK, 0, LOG_BLOCK, at);
		format_header_write(3, LOG_BLOCK + FORMAT_MARK, 7, sequences[i], &payload, 1,
		    at + FORMAT_MARK);
		memcpy(at + FORMAT_MARK + FORMAT_HEADER, payload.ptr, payload.len);
		assert_trace(&d, ".");
		disk_finish(&d);
	}
}

/* Overlapping headers that each claim a megabyte: checksums stay bounded. */
static void test_hostile_salvage(void **state)
{
	const uint32_t size = 8 << 20;
	struct log_reader r;
	struct log_record record;
	uint32_t from, to, need;
	struct disk d;

	disk_init(&d, size, 3);
	for (uint32_t at = LOG_BLOCK; at + LOG_RECORD_MAX + 24 < size; at += 24) {
		store_u32(d.bytes + at, LOG_RECORD_MAX);
		store_u32(d.bytes + at + 4, 9);
		store_u32(d.bytes + at + 8, 3 ^ at);
		store_u32(d.bytes + at + 12, 1);
	}
	log_reader_init(&r, &d.head, size);
	assert_int_equal(log_next(&r, slice_of(d.bytes, size), 0, true, &record, &from, &to, &need),
	    LOG_END);
	assert_true(r.salvage_left < LOG_RECORD_MAX + 24);
	disk_finish(&d);
}

UNIT_TESTS(cmocka_unit_test(test_truncated), cmocka_unit_test(test_torn_tail),
    cmocka_unit_test(test_mark_without_records), cmocka_unit_test(test_every_flip),
    cmocka_unit_test(test_rot), cmocka_unit_test(test_known_synced),
    cmocka_unit_test(test_known_synced_clean), cmocka_unit_test(test_resume),
    cmocka_unit_test(test_random_rot), cmocka_unit_test(test_recycled),
    cmocka_unit_test(test_misplaced), cmocka_unit_test(test_hostile_sequence),
    cmocka_unit_test(test_hostile_salvage))
