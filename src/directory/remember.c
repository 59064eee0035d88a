/* directory/remember.c - a table of fixed size, sets of WAYS places; the place
 * that ends first makes room. */
#include "directory/remember.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"

enum { WAYS = 4, SETS = REMEMBER_ENTRIES / WAYS };

static_assert((SETS & (SETS - 1)) == 0, "a mask finds the set");

struct entry {
	struct remember_tag tag;
	uint64_t account;               /* 0: empty */
	uint64_t until_ms;
};

struct remember {
	struct heap *heap;
	unsigned char key[REMEMBER_KEY_LEN];
	struct entry entries[SETS][WAYS];
};

struct remember *remember_create(struct heap *heap, const unsigned char key[REMEMBER_KEY_LEN])
{
	struct remember *remember = heap_new(heap, struct remember);

	remember->heap = heap;
	memcpy(remember->key, key, REMEMBER_KEY_LEN);
	return remember;
}

void remember_destroy(struct remember *remember)
{
	struct heap *heap;

	if (remember == NULL)
		return;
	heap = remember->heap;
	sodium_memzero(remember, sizeof(*remember));
	heap_free(heap, remember);
}

struct remember_tag remember_tag(const struct remember *remember, uint64_t account,
    slice password, const uint8_t ip[16])
{
	struct remember_tag tag;
	crypto_generichash_state state;

	/* Fixed lengths first: no two credentials have the same bytes. */
	crypto_generichash_init(&state, remember->key, REMEMBER_KEY_LEN, sizeof(tag.bytes));
	crypto_generichash_update(&state, (const unsigned char *)&account, sizeof(account));
	crypto_generichash_update(&state, ip, 16);
	crypto_generichash_update(&state, password.ptr, password.len);
	crypto_generichash_final(&state, tag.bytes, sizeof(tag.bytes));
	sodium_memzero(&state, sizeof(state));
	return tag;
}

static size_t set_of(const struct remember_tag *tag)
{
	return (tag->bytes[0] | (size_t)tag->bytes[1] << 8) & (SETS - 1);
}

bool remember_has(const struct remember *remember, const struct remember_tag *tag,
    uint64_t account, uint64_t now_ms)
{
	const struct entry *set = remember->entries[set_of(tag)];
	bool found = false;

	check(account != 0);
	for (size_t i = 0; i < WAYS; i++)
		found |= set[i].account == account && set[i].until_ms > now_ms &&
		    sodium_memcmp(&set[i].tag, tag, sizeof(*tag)) == 0;
	return found;
}

void remember_add(struct remember *remember, const struct remember_tag *tag,
    uint64_t account, uint64_t now_ms)
{
	struct entry *set = remember->entries[set_of(tag)], *entry = &set[0];

	check(account != 0);
	for (size_t i = 0; i < WAYS; i++) {
		if (memcmp(&set[i].tag, tag, sizeof(*tag)) == 0) {
			entry = &set[i];
			break;
		}
		if (set[i].until_ms < entry->until_ms)
			entry = &set[i];
	}
	*entry = (struct entry){ *tag, account, now_ms + REMEMBER_MS };
}

void remember_forget(struct remember *remember, uint64_t account)
{
	for (size_t set = 0; set < SETS; set++) {
		for (size_t i = 0; i < WAYS; i++) {
			if (remember->entries[set][i].account == account)
				sodium_memzero(&remember->entries[set][i], sizeof(struct entry));
		}
	}
}
