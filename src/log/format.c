/* log/format.c - the bytes of heads, records and marks. */
#include "log/format.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/checksum.h"

static_assert((int)FORMAT_HEADER == (int)LOG_RECORD_MIN, "an empty record is a header");

/* ---- head ----
 *
 * 0 magic 8 | 8 u32 version | 12 u32 kind | 16 u32 producer | 20 u32 number
 * 24 u64 generation | 32 u64 owner | 40 u32 size | 44 zeros | 56 u64 checksum
 *
 * Magic, version and checksum stay where they are in every later version. */

enum { HEAD_LEN = 64, HEAD_CHECKSUM = 56, HEAD_COPY = LOG_BLOCK / 2 };

static const unsigned char head_magic[8] = { 'p', 'o', 's', 't', 'l', 'o', 'g', '\n' };

void log_head_write(const struct log_head *head, unsigned char *ret_block)
{
	unsigned char *at = ret_block;

	check(head->size % LOG_BLOCK == 0 && head->size <= LOG_SEGMENT_MAX);
	memset(at, 0, LOG_BLOCK);
	memcpy(at, head_magic, sizeof head_magic);
	store_u32(at + 8, LOG_VERSION);
	store_u32(at + 12, head->kind);
	store_u32(at + 16, head->producer);
	store_u32(at + 20, head->number);
	store_u64(at + 24, head->generation);
	store_u64(at + 32, head->owner);
	store_u32(at + 40, head->size);
	store_u64(at + HEAD_CHECKSUM, checksum64(slice_of(at, HEAD_CHECKSUM), 0));
	memcpy(at + HEAD_COPY, at, HEAD_LEN);
}

static enum log_head_result read_copy(const unsigned char *at, struct log_head *ret_head)
{
	struct log_head head;

	if (memcmp(at, head_magic, sizeof head_magic) != 0 ||
	    load_u64(at + HEAD_CHECKSUM) != checksum64(slice_of(at, HEAD_CHECKSUM), 0))
		return LOG_HEAD_DAMAGED;
	if (load_u32(at + 8) > LOG_VERSION)
		return LOG_HEAD_NEWER;
	head = (struct log_head){
		.kind = load_u32(at + 12),
		.producer = (uint16_t)load_u32(at + 16),
		.number = load_u32(at + 20),
		.generation = load_u64(at + 24),
		.owner = load_u64(at + 32),
		.size = load_u32(at + 40),
	};
	/* Sealed by a checksum, but perhaps not by us. */
	if (head.kind < LOG_JOURNAL || head.kind > LOG_PARKED || head.size % LOG_BLOCK != 0 ||
	    head.size > LOG_SEGMENT_MAX || load_u32(at + 16) > UINT16_MAX)
		return LOG_HEAD_DAMAGED;
	*ret_head = head;
	return LOG_HEAD_OK;
}

/* Where a torn write left two different copies, the first one counts: nobody
 * was told of a head before it was synced. */
enum log_head_result log_head_read(slice block, struct log_head *ret_head)
{
	enum log_head_result result;

	if (block.len < LOG_BLOCK)
		return LOG_HEAD_DAMAGED;
	result = read_copy(block.ptr, ret_head);
	if (result == LOG_HEAD_DAMAGED)
		result = read_copy(block.ptr + HEAD_COPY, ret_head);
	return result;
}

bool log_says_synced(slice block, uint32_t offset)
{
	slice payload = slice_sub(block, FORMAT_HEADER, FORMAT_MARK_PAYLOAD);
	struct format_header header;
	uint64_t generation;

	if (block.len < FORMAT_MARK)
		return false;
	generation = load_u64(payload.ptr);
	return format_header_read(block.ptr, generation, offset, &header) &&
	    header.type == FORMAT_TYPE_MARK && load_u32(payload.ptr + 8) > LOG_BLOCK &&
	    format_verify(&header, generation, offset, payload);
}

/* ---- records ---- */

static uint32_t tag_of(uint64_t generation, uint32_t offset)
{
	return (uint32_t)(generation ^ generation >> 32) ^ offset;
}

static void prefix_write(uint64_t generation, uint32_t offset, uint32_t sequence,
    uint32_t type, uint32_t length, unsigned char ret_prefix[FORMAT_HEADER])
{
	store_u64(ret_prefix, generation);
	store_u32(ret_prefix + 8, offset);
	store_u32(ret_prefix + 12, sequence);
	store_u32(ret_prefix + 16, type);
	store_u32(ret_prefix + 20, length);
}

void format_header_write(uint64_t generation, uint32_t offset, uint32_t type,
    uint32_t sequence, const slice *parts, size_t n, unsigned char *at)
{
	unsigned char prefix[FORMAT_HEADER];
	slice covered[FORMAT_PARTS_MAX + 1];
	size_t length = 0;

	check(n <= FORMAT_PARTS_MAX && offset % FORMAT_ALIGN == 0);
	for (size_t i = 0; i < n; i++) {
		check(parts[i].len <= LOG_RECORD_MAX - length);
		length += parts[i].len;
		covered[i + 1] = parts[i];
	}
	prefix_write(generation, offset, sequence, type, (uint32_t)length, prefix);
	covered[0] = slice_of(prefix, sizeof prefix);
	store_u32(at, (uint32_t)length);
	store_u32(at + 4, sequence);
	store_u32(at + 8, tag_of(generation, offset));
	store_u32(at + 12, type);
	store_u64(at + 16, checksum64_of(covered, n + 1, 0));
}

void format_mark_write(uint64_t generation, uint32_t offset, uint32_t sequence,
    uint32_t synced_to, unsigned char *at)
{
	unsigned char *payload = at + FORMAT_HEADER;
	slice part = slice_of(payload, FORMAT_MARK_PAYLOAD);

	store_u64(payload, generation);
	store_u32(payload + 8, synced_to);
	store_u32(payload + 12, 0);
	format_header_write(generation, offset, FORMAT_TYPE_MARK, sequence, &part, 1, at);
}

bool format_header_read(const unsigned char *at, uint64_t generation, uint32_t offset,
    struct format_header *ret)
{
	struct format_header header;

	/* Almost all places are none: the tag alone says so. */
	if (load_u32(at + 8) != tag_of(generation, offset))
		return false;
	header = (struct format_header){
		.length = load_u32(at),
		.sequence = load_u32(at + 4),
		.type = load_u32(at + 12),
		.checksum = load_u64(at + 16),
	};
	if (header.length > LOG_RECORD_MAX || header.type > FORMAT_TYPE_MAX)
		return false;
	if (header.type == FORMAT_TYPE_MARK &&
	    (header.length != FORMAT_MARK_PAYLOAD || offset % LOG_BLOCK != 0))
		return false;
	*ret = header;
	return true;
}

bool format_verify(const struct format_header *header, uint64_t generation, uint32_t offset,
    slice payload)
{
	unsigned char prefix[FORMAT_HEADER];
	slice covered[2] = { slice_of(prefix, sizeof prefix), payload };

	check(payload.len == header->length);
	prefix_write(generation, offset, header->sequence, header->type, header->length, prefix);
	return checksum64_of(covered, 2, 0) == header->checksum;
}
