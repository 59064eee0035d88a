/* log/log_replay_fuzz.c - any bytes as a segment.
 *
 * The first bytes choose how windows grow; the rest lies behind a head, with
 * checksums of marks and records put right where they stand in a row, so that
 * the fuzzer gets past them. See log_segment_fuzz.c for what a writer made.
 *
 * For: log/log_reader.c log/format.c
 *
 * Holds: two ways of cutting windows tell the same, a reader comes to its end in a
 * bounded number of steps, records and rot lie within the segment, a head that is
 * read has a size that may be. */
#include "fuzz.h"

#include "log/format.h"
#include "log/log.h"

enum { DISK_SIZE = 64 * 1024, STEPS_MAX = 4 * DISK_SIZE };

static uint64_t replay(const unsigned char *bytes, uint32_t size, const struct log_head *head,
    uint32_t step)
{
	struct log_reader r;
	struct log_record record;
	uint32_t at = 0, n = 0, from = 0, to = 0, need = 0, steps = 0;
	uint64_t sum = 0;

	log_reader_init(&r, head, head->size);
	for (;;) {
		enum log_read result = log_next(&r, slice_of(bytes + at, n), at, at + n == size,
		    &record, &from, &to, &need);

		check(steps++ < STEPS_MAX);
		if (result == LOG_RECORD) {
			check(record.next > record.offset && record.next < size + FORMAT_ALIGN);
			sum = checksum64(record.payload, sum + record.offset + record.sequence);
		} else if (result == LOG_ROT) {
			check(from < to && to <= size);
			sum = sum * 31 + from * 7 + to;
		} else if (result == LOG_MORE) {
			check(need > 0);
			at = r.offset < size ? r.offset : size;
			n = need + step < size - at ? need + step : size - at;
		} else {
			check(r.offset <= head->size);
			return sum;
		}
	}
}

/* Make what looks like a header a valid one; follows lengths. */
static void put_right(unsigned char *bytes, uint32_t size, uint64_t generation)
{
	uint32_t at = LOG_BLOCK;

	while (at + FORMAT_MARK <= size) {
		uint32_t length = bytes[at] | (uint32_t)bytes[at + 1] << 8;
		uint32_t sequence = bytes[at + 4], type = bytes[at + 12];
		slice payload;

		if (type == 0 && at % LOG_BLOCK != 0) {
			at = format_round_up(at + 1, LOG_BLOCK);
			continue;
		}
		if (type == 0)
			length = FORMAT_MARK_PAYLOAD;
		if (length > size - at - FORMAT_HEADER)
			length = size - at - FORMAT_HEADER;
		payload = slice_of(bytes + at + FORMAT_HEADER, length);
		if (bytes[at + 5] % 8 != 0)     /* one in eight stays damaged */
			format_header_write(generation, at, type, sequence, &payload, 1,
			    bytes + at);
		at += format_size(length);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static unsigned char bytes[DISK_SIZE];
	const struct log_head head = { LOG_JOURNAL, 1, 0x1122334455667788, 0, 1, DISK_SIZE };
	struct log_head have;
	uint32_t size, step;

	if (len < 3)
		return 0;
	if (log_head_read(slice_of(data, len), &have) == LOG_HEAD_OK)
		check(have.size <= LOG_SEGMENT_MAX);
	step = data[0] * 64u;
	size = LOG_BLOCK;
	memset(bytes, 0, sizeof bytes);
	/* Short inputs reach several blocks: each 64 bytes begin another one when
	 * the second byte says so. */
	for (size_t i = 2; i < len && size < DISK_SIZE; i++) {
		bytes[size++] = data[i];
		if ((i & 63) == 63 && (data[1] >> (i / 64 & 7) & 1) != 0)
			size = format_round_up(size, LOG_BLOCK);
	}
	put_right(bytes, size, head.generation);
	check(replay(bytes, size, &head, step) == replay(bytes, size, &head, DISK_SIZE));
	return 0;
}
