/* base/rates.h - who did how much lately: token buckets in a table of fixed size.
 *
 * A rate lets `n` things happen at once, and the same again in every period: the
 * bucket fills up evenly. A bucket that is full says nothing and takes no place.
 * When the table is full, the bucket that would be full again first makes room:
 * whoever stands at a limit stays known, however many others pass by.
 *
 * Time is an argument. Memory is fixed: RATES_ENTRIES buckets of 16 bytes. */
#ifndef BASE_RATES_H
#define BASE_RATES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/slice.h"

struct rates;

struct rate {
	unsigned n;                     /* 0: no limit */
	unsigned period_s;
};

/* secret: 16 random bytes, so that nobody can aim at a place of the table. */
struct rates *rates_create(struct heap *heap, const unsigned char secret[16]);

/* The bucket of `who` (at most RATES_WHO_MAX bytes) for things of that kind. Two
 * that collide share it: once in 2^64. */
uint64_t rates_key(const struct rates *rates, unsigned char kind, slice who);

/* May one more happen now? */
bool rates_allow(const struct rates *rates, uint64_t key, struct rate rate, uint64_t now_ms);
/* One happened, allowed or not; no more debt gathers than a whole period's. */
void rates_count(struct rates *rates, uint64_t key, struct rate rate, uint64_t now_ms);
/* Both at once: counts it if it is allowed. */
bool rates_take(struct rates *rates, uint64_t key, struct rate rate, uint64_t now_ms);

#endif
