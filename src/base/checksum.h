/* base/checksum.h - XXH3, 64 bits: for records at rest and for hash tables.
 * Finds damage, not malice: what must not be forged carries a MAC instead. */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include <stdint.h>

#include "base/slice.h"

uint64_t checksum64(slice bytes, uint64_t seed);

/* Of the concatenation of n slices. */
uint64_t checksum64_of(const slice *parts, size_t n, uint64_t seed);

/* The same of bytes that come one after the other. The state aligns itself in
 * its place: never copy or move one that has begun. */
struct checksum_stream {
	unsigned char room[704];
};

void checksum_begin(struct checksum_stream *c, uint64_t seed);
void checksum_add(struct checksum_stream *c, slice bytes);
uint64_t checksum_end(struct checksum_stream *c);

#endif
