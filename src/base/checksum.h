/* base/checksum.h - XXH3, 64 bits: for records at rest and for hash tables.
 * Finds damage, not malice: what must not be forged carries a MAC instead. */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include <stdint.h>

#include "base/slice.h"

uint64_t checksum64(slice bytes, uint64_t seed);

/* Of the concatenation of n slices. */
uint64_t checksum64_of(const slice *parts, size_t n, uint64_t seed);

#endif
