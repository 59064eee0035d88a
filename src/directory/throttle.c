/* directory/throttle.c - counts of failed logins, in a table of fixed size.
 *
 * Keys are 64-bit keyed hashes; each belongs to one set of WAYS places. Two keys
 * that collide share their count: once in 2^64. */
#include "directory/throttle.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "os/os.h"

enum { WAYS = 4, SETS = THROTTLE_ENTRIES / WAYS, WAIT_FIRST_MS = 1000 };

static_assert((SETS & (SETS - 1)) == 0, "a mask finds the set");
static_assert(crypto_shorthash_KEYBYTES == 16, "SipHash's key");

struct entry {
	uint64_t key;                   /* 0: empty */
	uint64_t failed_ms;             /* the last time */
	uint64_t until_ms;
	unsigned failures;
};

struct throttle {
	struct heap *heap;
	unsigned char key[16];
	unsigned failures_max;
	struct entry entries[SETS][WAYS];
};

struct throttle *throttle_create(struct heap *heap, const unsigned char key[16],
    unsigned failures_max)
{
	struct throttle *throttle = heap_new(heap, struct throttle);

	throttle->heap = heap;
	memcpy(throttle->key, key, sizeof(throttle->key));
	throttle_set_max(throttle, failures_max);
	return throttle;
}

void throttle_destroy(struct throttle *throttle)
{
	if (throttle)
		heap_free(throttle->heap, throttle);
}

void throttle_set_max(struct throttle *throttle, unsigned failures_max)
{
	throttle->failures_max = failures_max > 0 ? failures_max : 1;
}

static uint64_t hash(const struct throttle *throttle, unsigned char kind, slice bytes)
{
	unsigned char text[1 + SEALED_ADDRESS_MAX];
	uint64_t key;

	check(bytes.len < sizeof(text));
	text[0] = kind;
	memcpy(text + 1, bytes.ptr, bytes.len);
	crypto_shorthash((unsigned char *)&key, text, bytes.len + 1, throttle->key);
	return key ? key : 1;
}

static uint64_t peer_key(const struct throttle *throttle, const uint8_t ip[16])
{
	return hash(throttle, 'p', os_ip_peer(ip));
}

/* A name is bounded by its hash, however long it is. */
static uint64_t name_key(const struct throttle *throttle, slice name)
{
	return hash(throttle, 'n', slice_head(name,
	    name.len < SEALED_ADDRESS_MAX ? name.len : SEALED_ADDRESS_MAX));
}

static struct entry *find(struct throttle *throttle, uint64_t key)
{
	struct entry *set = throttle->entries[key & (SETS - 1)];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
	}
	return NULL;
}

static uint64_t wait_left(const struct entry *entry, uint64_t now_ms)
{
	return entry && entry->until_ms > now_ms ? entry->until_ms - now_ms : 0;
}

static bool goes_first(const struct entry *a, const struct entry *b, uint64_t now_ms)
{
	uint64_t wait_a = wait_left(a, now_ms), wait_b = wait_left(b, now_ms);

	return wait_a != wait_b ? wait_a < wait_b : a->failed_ms < b->failed_ms;
}

static struct entry *find_or_make(struct throttle *throttle, uint64_t key, uint64_t now_ms)
{
	struct entry *set = throttle->entries[key & (SETS - 1)], *entry = find(throttle, key);

	if (entry)
		return entry;
	entry = &set[0];
	for (size_t i = 1; i < WAYS; i++) {
		if (goes_first(&set[i], entry, now_ms))
			entry = &set[i];
	}
	*entry = (struct entry){ .key = key };
	return entry;
}

static uint64_t wait_for(unsigned failures, unsigned failures_max)
{
	unsigned over = failures - failures_max;
	uint64_t wait = over < 32 ? (uint64_t)WAIT_FIRST_MS << over : THROTTLE_WAIT_MAX_MS;

	return wait < THROTTLE_WAIT_MAX_MS ? wait : THROTTLE_WAIT_MAX_MS;
}

static void count_failure(struct throttle *throttle, uint64_t key, uint64_t now_ms)
{
	struct entry *entry = find_or_make(throttle, key, now_ms);

	if (now_ms - entry->failed_ms > THROTTLE_WINDOW_MS)
		entry->failures = 0;
	entry->failed_ms = now_ms;
	if (entry->failures < UINT32_MAX)
		entry->failures++;
	if (entry->failures >= throttle->failures_max)
		entry->until_ms = now_ms + wait_for(entry->failures, throttle->failures_max);
}

uint64_t throttle_peer_wait_ms(struct throttle *throttle, const uint8_t ip[16], uint64_t now_ms)
{
	return wait_left(find(throttle, peer_key(throttle, ip)), now_ms);
}

uint64_t throttle_name_wait_ms(struct throttle *throttle, slice name, unsigned pending,
    uint64_t now_ms)
{
	struct entry *entry = find(throttle, name_key(throttle, name));
	uint64_t left = wait_left(entry, now_ms);
	unsigned failures = 0;

	if (entry && now_ms - entry->failed_ms <= THROTTLE_WINDOW_MS)
		failures = entry->failures;
	/* Slowed already: one try at a time. */
	if (failures >= throttle->failures_max)
		failures = throttle->failures_max - 1;
	if (left == 0 && pending > 0 && pending >= throttle->failures_max - failures)
		return WAIT_FIRST_MS;
	return left;
}

void throttle_failed(struct throttle *throttle, const uint8_t ip[16], slice name,
    uint64_t now_ms)
{
	if (ip != NULL)
		count_failure(throttle, peer_key(throttle, ip), now_ms);
	count_failure(throttle, name_key(throttle, name), now_ms);
}

void throttle_succeeded(struct throttle *throttle, slice name)
{
	struct entry *entry = find(throttle, name_key(throttle, name));

	if (entry)
		*entry = (struct entry){ 0 };
}
