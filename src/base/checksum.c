/* base/checksum.c - XXH3 from libxxhash. */
#include "base/checksum.h"

#include <assert.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { STATE_ALIGN = 64 };              /* what XXH3's vector code loads from */

static_assert(sizeof(XXH3_state_t) + STATE_ALIGN <= sizeof(struct checksum_stream),
    "the header's room fits a state wherever it starts");

uint64_t checksum64(slice bytes, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes.ptr, bytes.len, seed);
}

static XXH3_state_t *state_of(struct checksum_stream *c)
{
	uintptr_t at = ((uintptr_t)c->room + STATE_ALIGN - 1) & ~(uintptr_t)(STATE_ALIGN - 1);

	return (XXH3_state_t *)at;
}

void checksum_begin(struct checksum_stream *c, uint64_t seed)
{
	XXH3_INITSTATE(state_of(c));
	XXH3_64bits_reset_withSeed(state_of(c), seed);
}

void checksum_add(struct checksum_stream *c, slice bytes)
{
	XXH3_64bits_update(state_of(c), bytes.ptr, bytes.len);
}

uint64_t checksum_end(struct checksum_stream *c)
{
	return XXH3_64bits_digest(state_of(c));
}

uint64_t checksum64_of(const slice *parts, size_t n, uint64_t seed)
{
	struct checksum_stream stream;

	checksum_begin(&stream, seed);
	for (size_t i = 0; i < n; i++)
		checksum_add(&stream, parts[i]);
	return checksum_end(&stream);
}
