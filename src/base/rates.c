/* base/rates.c - buckets as one number each: when it will be full again.
 *
 * That time may lie at most one period ahead; each thing that happens moves it
 * by period / n. Keys are 64-bit keyed hashes; each belongs to one set of WAYS
 * places, which is two lines of cache. */
#include "base/rates.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"

enum { WAYS = 8, SETS = RATES_ENTRIES / WAYS };

static_assert((SETS & (SETS - 1)) == 0, "a mask finds the set");
static_assert(crypto_shorthash_KEYBYTES == 16, "SipHash's key");

struct bucket {
	uint64_t key;                   /* 0: empty */
	uint64_t full_us;               /* when it will be full again */
};

struct rates {
	unsigned char secret[16];
	struct bucket buckets[SETS][WAYS];
};

struct rates *rates_create(struct heap *heap, const unsigned char secret[16])
{
	struct rates *rates = heap_new(heap, struct rates);

	memcpy(rates->secret, secret, sizeof rates->secret);
	return rates;
}

uint64_t rates_key(const struct rates *rates, unsigned char kind, slice who)
{
	unsigned char text[1 + RATES_WHO_MAX];
	uint64_t key;

	check(who.len <= RATES_WHO_MAX);
	text[0] = kind;
	if (who.len > 0)
		memcpy(text + 1, who.ptr, who.len);
	crypto_shorthash((unsigned char *)&key, text, 1 + who.len, rates->secret);
	return key ? key : 1;
}

static uint64_t period_us(struct rate rate)
{
	check(rate.period_s > 0);
	return (uint64_t)rate.period_s * 1000 * 1000;
}

/* When the bucket would be full again if one more happened now. */
static uint64_t after_one(uint64_t full_us, struct rate rate, uint64_t now_us)
{
	uint64_t period = period_us(rate), step = period / rate.n;

	return (full_us > now_us ? full_us : now_us) + (step > 0 ? step : 1);
}

static struct bucket *find(struct bucket set[WAYS], uint64_t key)
{
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
	}
	return NULL;
}

static struct bucket *find_or_make(struct bucket set[WAYS], uint64_t key)
{
	struct bucket *bucket = find(set, key);

	if (bucket != NULL)
		return bucket;
	bucket = &set[0];
	for (size_t i = 1; i < WAYS; i++) {
		if (set[i].full_us < bucket->full_us)
			bucket = &set[i];
	}
	*bucket = (struct bucket){ .key = key };
	return bucket;
}

static bool allow(uint64_t full_us, struct rate rate, uint64_t now_us)
{
	return after_one(full_us, rate, now_us) <= now_us + period_us(rate);
}

bool rates_allow(const struct rates *rates, uint64_t key, struct rate rate, uint64_t now_ms)
{
	struct bucket *set = (struct bucket *)rates->buckets[key & (SETS - 1)];
	const struct bucket *bucket = find(set, key);

	return rate.n == 0 || bucket == NULL || allow(bucket->full_us, rate, now_ms * 1000);
}

void rates_count(struct rates *rates, uint64_t key, struct rate rate, uint64_t now_ms)
{
	struct bucket *bucket;
	uint64_t now_us = now_ms * 1000, full_us, latest_us;

	if (rate.n == 0)
		return;
	bucket = find_or_make(rates->buckets[key & (SETS - 1)], key);
	full_us = after_one(bucket->full_us, rate, now_us);
	latest_us = now_us + period_us(rate);
	bucket->full_us = full_us < latest_us ? full_us : latest_us;
}

bool rates_take(struct rates *rates, uint64_t key, struct rate rate, uint64_t now_ms)
{
	if (!rates_allow(rates, key, rate, now_ms))
		return false;
	rates_count(rates, key, rate, now_ms);
	return true;
}
