/* log/log_disk_test.h - a disk for tests of the log: an array of bytes. Reading it gives a
 * trace: a word for each record ("r3") and each damaged range ("x"), ended by ".". */
#ifndef LOG_LOG_DISK_TEST_H
#define LOG_LOG_DISK_TEST_H

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

static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline void disk_init(struct disk *d, uint32_t size, uint64_t generation)
{
	memset(d, 0, sizeof *d);
	d->heap = heap_create(SIZE_MAX);
	d->head = (struct log_head){ LOG_JOURNAL, 3, generation, 0, 1, size };
	d->bytes = heap_alloc(d->heap, size);
	d->size = size;
	log_head_write(&d->head, d->bytes);
	log_writer_init(&d->writer, d->heap, &d->head);
}

static inline void disk_finish(struct disk *d)
{
	log_writer_finish(&d->writer);
	heap_drop(d->heap);
}

/* The payload is a function of sequence and length, so that readers can check it. */
static inline void payload_fill(uint32_t sequence, unsigned char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (unsigned char)(sequence * 31 + i * 7 + 1);
}

static inline bool append(struct disk *d, size_t len)
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

static inline uint32_t flush(struct disk *d, bool close)
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

static inline void sync_disk(struct disk *d)
{
	flush(d, true);
	log_synced(&d->writer, d->writer.taken_to);
}

/* Read in windows of at most `step` bytes more than needed. */
static inline void trace(const unsigned char *bytes, size_t size, const struct log_head *head,
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

static inline void assert_trace(struct disk *d, const char *want)
{
	char have[TRACE];

	trace(d->bytes, d->size, &d->head, SIZE, have);
	assert_string_equal(have, want);
}

/* batches x records by seed, syncs lagging behind by up to two batches. */
static inline void fill_random(struct disk *d, uint64_t seed, size_t batches)
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

static inline void all_records(const struct disk *d, uint32_t sequence_end, char ret[TRACE])
{
	size_t n = 0;

	for (uint32_t i = 1; i < sequence_end; i++)
		n += (size_t)sprintf(ret + n, "r%u ", i);
	strcpy(ret + n, ".");
}

#endif
