/* base/checksum.c - XXH3 from libxxhash. */
#include "base/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t checksum64(slice bytes, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes.ptr, bytes.len, seed);
}

uint64_t checksum64_of(const slice *parts, size_t n, uint64_t seed)
{
	XXH3_state_t state;

	XXH3_INITSTATE(&state);
	XXH3_64bits_reset_withSeed(&state, seed);
	for (size_t i = 0; i < n; i++)
		XXH3_64bits_update(&state, parts[i].ptr, parts[i].len);
	return XXH3_64bits_digest(&state);
}
