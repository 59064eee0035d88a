/* log/log_test.c - the log against torn writes, rot, and old bytes.
 *
 * A disk here is an array of bytes. Reading it gives a trace: a word for each
 * record ("r3") and each damaged range ("x"), ended by ".". */
#include "log/log.h"

#include <stdio.h>

#include "base/bytes.h"
#include "log/format.h"
#include "unit.h"

enum { SIZE = 64 * 1024, TRACE = 4096, RECORDS_MAX = 1024 };

struct disk {
	struct heap *heap;
	struct log_head head;
	struct log_writer writer;
	unsigned char *bytes;
	size_t size;
	uint32_t record_at[RECORDS_MAX];        /* by sequence */
	uint32_t record_end[RECORDS_MAX];
};

static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void disk_init(struct disk *d, uint32_t size, uint64_t generation)
{
	memset(d, 0, sizeof *d);
	d->heap = heap_create(SIZE_MAX);
	d->head = (struct log_head){ LOG_JOURNAL, 3, generation, 0, 1, size };
	d->bytes = heap_alloc(d->heap, size);
	d->size = size;
	log_head_write(&d->head, d->bytes);
	log_writer_init(&d->writer, d->heap, &d->head);
}

static void disk_finish(struct disk *d)
{
	log_writer_finish(&d->writer);
	heap_drop(d->heap);
}

/* The payload is a function of sequence and length, so that readers can check it. */
static void payload_fill(uint32_t sequence, unsigned char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (unsigned char)(sequence * 31 + i * 7 + 1);
}

static bool append(struct disk *d, size_t len)
{
	unsigned char *payload = heap_alloc(d->heap, len + 1);
	slice parts[2];
	uint32_t sequence, offset, expected = d->writer.sequence;
	bool ok;

	payload_fill(expected, payload, len);
	parts[0] = slice_of(payload, len / 3);
	parts[1] = slice_of(payload + len / 3, len - len / 3);
	ok = log_append(&d->writer, 7, parts, 2, &sequence, &offset);
	heap_free(d->heap, payload);
	if (ok) {
		assert_int_equal(sequence, expected);
		assert_true(sequence < RECORDS_MAX);
		d->record_at[sequence] = offset;
		d->record_end[sequence] = offset + FORMAT_HEADER + (uint32_t)len;
	}
	return ok;
}

static uint32_t flush(struct disk *d, bool close)
{
	uint32_t offset;
	slice out = log_take(&d->writer, close, &offset);

	assert_true(offset + out.len <= d->size);
	if (out.len > 0)
		memcpy(d->bytes + offset, out.ptr, out.len);
	log_taken_done(&d->writer);
	if (close)
		assert_int_equal(d->writer.taken_to % LOG_BLOCK, 0);
	return offset;
}

static void sync_disk(struct disk *d)
{
	flush(d, true);
	log_synced(&d->writer, d->writer.taken_to);
}

/* Read in windows of at most `step` bytes more than needed. */
static void trace(const unsigned char *bytes, size_t size, const struct log_head *head,
    uint32_t step, char ret_trace[TRACE])
{
	struct log_reader r;
	struct log_record record;
	uint32_t at = 0, len = 0, from = 0, to = 0, need = 0, last = 0;
	size_t n = 0, turns = 0;
	slice window = guarded_copy(slice_of(bytes, 0));

	log_reader_init(&r, head, head->size);
	for (;;) {
		bool final = at + len == size;
		enum log_read result = log_next(&r, window, at, final, &record, &from, &to, &need);

		assert_true(n + 16 < TRACE && turns++ < 4 * SIZE);
		if (result == LOG_RECORD) {
			unsigned char *want = malloc(record.payload.len + 1);

			payload_fill(record.sequence, want, record.payload.len);
			assert_slice(record.payload, slice_of(want, record.payload.len));
			free(want);
			assert_true(record.sequence > last && record.type == 7);
			last = record.sequence;
			n += (size_t)sprintf(ret_trace + n, "r%u ", record.sequence);
		} else if (result == LOG_ROT) {
			assert_true(from < to && to <= size);
			n += (size_t)sprintf(ret_trace + n, "x ");
		} else if (result == LOG_MORE) {
			assert_true(need > 0 && r.offset + (size_t)need <= head->size);
			assert_true(r.offset < at || r.offset + (size_t)need > at + (size_t)len);
			at = r.offset < size ? r.offset : (uint32_t)size;
			len = need + step < size - at ? need + step : (uint32_t)(size - at);
			guarded_free(window);
			window = guarded_copy(slice_of(bytes + at, len));
		} else {
			break;
		}
	}
	guarded_free(window);
	strcpy(ret_trace + n, ".");
}

static void assert_trace(struct disk *d, const char *want)
{
	char have[TRACE];

	trace(d->bytes, d->size, &d->head, SIZE, have);
	assert_string_equal(have, want);
}

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

/* batches x records by seed, syncs lagging behind by up to two batches. */
static void fill_random(struct disk *d, uint64_t seed, size_t batches)
{
	uint32_t ends[3] = { LOG_BLOCK, LOG_BLOCK, LOG_BLOCK };

	for (size_t b = 0; b < batches; b++) {
		size_t n = random_next(&seed) % 6;

		for (size_t i = 0; i < n; i++) {
			bool large = random_next(&seed) % 8 == 0;

			if (!append(d, random_next(&seed) % (large ? 9000 : 700)))
				return;
			if (random_next(&seed) % 4 == 0)
				flush(d, false);
		}
		flush(d, true);
		ends[0] = ends[1];
		ends[1] = ends[2];
		ends[2] = d->writer.taken_to;
		log_synced(&d->writer, ends[random_next(&seed) % 3]);
	}
}

static void all_records(const struct disk *d, uint32_t sequence_end, char ret[TRACE])
{
	size_t n = 0;

	for (uint32_t i = 1; i < sequence_end; i++)
		n += (size_t)sprintf(ret + n, "r%u ", i);
	strcpy(ret + n, ".");
}

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

UNIT_TESTS(
    cmocka_unit_test(test_head), cmocka_unit_test(test_empty), cmocka_unit_test(test_sizes),
    cmocka_unit_test(test_fill_to_the_end), cmocka_unit_test(test_record_max),
    cmocka_unit_test(test_room_is_exact), cmocka_unit_test(test_appends_while_taken),
    cmocka_unit_test(test_synced_batch_closes), cmocka_unit_test(test_failed),
    cmocka_unit_test(test_windows), cmocka_unit_test(test_every_split),
    cmocka_unit_test(test_truncated), cmocka_unit_test(test_torn_tail),
    cmocka_unit_test(test_mark_without_records), cmocka_unit_test(test_every_flip),
    cmocka_unit_test(test_rot), cmocka_unit_test(test_known_synced),
    cmocka_unit_test(test_known_synced_clean),
    cmocka_unit_test(test_resume), cmocka_unit_test(test_random_rot),
    cmocka_unit_test(test_recycled), cmocka_unit_test(test_misplaced),
    cmocka_unit_test(test_hostile_sequence), cmocka_unit_test(test_hostile_salvage))
