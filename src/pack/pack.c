/* pack/pack.c - an entry's header, as bytes.
 *
 *   u32 magic  u16 version  u16 zero  u32 prefix length  u32 zero  u64 stored
 *   u64 size   u64 body's checksum    16 zeros           u64 checksum */
#include "pack/pack.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/limits.h"
#include "pack/format.h"

enum { CHECKSUM_AT = 56 };

/* Of where the entry is, its header up to the checksum, and its prefix. */
static uint64_t entry_checksum(struct pack_place place, slice header, slice prefix)
{
	unsigned char where[16];
	slice parts[3] = { slice_of(where, sizeof where), header, prefix };

	store_u64(where, place.owner);
	store_u32(where + 8, place.number);
	store_u32(where + 12, place.offset);
	return checksum64_of(parts, 3, 0);
}

uint64_t pack_entry_len(slice prefix, struct pack_body body)
{
	return PACK_ENTRY + prefix.len + body.stored;
}

void pack_entry_write(struct buffer *out, struct pack_place place, slice prefix,
    struct pack_body body)
{
	unsigned char header[PACK_ENTRY] = { 0 };

	check(prefix.len <= PACK_PREFIX_MAX);
	store_u32(header, PACK_MAGIC);
	header[4] = PACK_VERSION;
	store_u32(header + 8, (uint32_t)prefix.len);
	store_u64(header + 16, body.stored);
	store_u64(header + 24, body.size);
	store_u64(header + 32, body.checksum);
	store_u64(header + CHECKSUM_AT,
	    entry_checksum(place, slice_of(header, CHECKSUM_AT), prefix));
	buffer_add(out, slice_of(header, sizeof header));
	buffer_add(out, prefix);
}

enum pack_result pack_entry_begin(slice header, uint32_t *ret_prefix_len)
{
	uint32_t len = load_u32(header.ptr + 8);

	check(header.len == PACK_ENTRY);
	if (load_u32(header.ptr) != PACK_MAGIC || len > PACK_PREFIX_MAX)
		return PACK_DAMAGED;
	*ret_prefix_len = len;
	return PACK_OK;
}

enum pack_result pack_entry_read(struct pack_place place, slice header, slice prefix,
    struct pack_body *ret_body)
{
	uint64_t want = load_u64(header.ptr + CHECKSUM_AT);

	if (entry_checksum(place, slice_head(header, CHECKSUM_AT), prefix) != want)
		return PACK_DAMAGED;
	/* Judged last: a bit that flipped in the version is damage. */
	if (header.ptr[4] != PACK_VERSION || header.ptr[5] != 0)
		return PACK_NEWER;
	*ret_body = (struct pack_body){
		.stored = load_u64(header.ptr + 16),
		.size = load_u64(header.ptr + 24),
		.checksum = load_u64(header.ptr + 32),
	};
	return PACK_OK;
}

enum pack_result pack_entry_parse(slice bytes, struct pack_place place, slice *ret_prefix,
    struct pack_body *ret_body)
{
	enum pack_result result;
	uint32_t prefix_len;
	slice header;

	if (bytes.len < PACK_ENTRY)
		return PACK_DAMAGED;
	header = slice_head(bytes, PACK_ENTRY);
	bytes = slice_drop(bytes, PACK_ENTRY);
	result = pack_entry_begin(header, &prefix_len);
	if (result != PACK_OK)
		return result;
	if (prefix_len > bytes.len)
		return PACK_DAMAGED;
	*ret_prefix = slice_head(bytes, prefix_len);
	result = pack_entry_read(place, header, *ret_prefix, ret_body);
	if (result == PACK_OK && ret_body->stored > bytes.len - prefix_len)
		return PACK_DAMAGED;
	return result;
}
