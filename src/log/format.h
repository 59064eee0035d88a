/* log/format.h - the bytes of records and marks. For src/log only.
 *
 *   u32 length of the payload    u32 sequence    u32 tag    u32 type    u64 checksum
 *
 * The tag folds generation and offset: it cheaply tells what can't be a record
 * here. The checksum decides: XXH3 over generation, offset, sequence, type,
 * length and payload. Records start on multiples of 8.
 *
 * A mark is a record of type 0 at the start of a batch; its sequence is that of
 * the record before it; its payload is
 *
 *   u64 generation    u32 synced_to    u32 zero */
#ifndef LOG_FORMAT_H
#define LOG_FORMAT_H

#include "log/log.h"

enum {
	FORMAT_HEADER = 24,
	FORMAT_ALIGN = 8,
	FORMAT_MARK_PAYLOAD = 16,
	FORMAT_MARK = FORMAT_HEADER + FORMAT_MARK_PAYLOAD,
	FORMAT_TYPE_MARK = 0,
	FORMAT_TYPE_MAX = 255,
	FORMAT_PARTS_MAX = 16,
};

struct format_header {
	uint32_t length;
	uint32_t sequence;
	uint32_t type;
	uint64_t checksum;
};

static inline uint32_t format_round_up(uint32_t n, uint32_t unit)
{
	return (n + unit - 1) / unit * unit;
}

/* Bytes of a record or mark with its padding. */
static inline uint32_t format_size(uint32_t length)
{
	return format_round_up(FORMAT_HEADER + length, FORMAT_ALIGN);
}

/* FORMAT_HEADER bytes into `at` for a payload in parts. */
void format_header_write(uint64_t generation, uint32_t offset, uint32_t type,
    uint32_t sequence, const slice *parts, size_t n, unsigned char *at);

/* FORMAT_MARK bytes into `at`. */
void format_mark_write(uint64_t generation, uint32_t offset, uint32_t sequence,
    uint32_t synced_to, unsigned char *at);

/* False: no record or mark of this generation stands at this offset. True says
 * only that the header may be one: format_verify decides. */
bool format_header_read(const unsigned char *at, uint64_t generation, uint32_t offset,
    struct format_header *ret);

bool format_verify(const struct format_header *header, uint64_t generation, uint32_t offset,
    slice payload);

#endif
