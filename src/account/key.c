/* account/key.c - a sorted array of keys. */
#include "account/key.h"

#include <string.h>

enum { KEYS_FIRST = 8 };

struct key_set key_set_init(struct heap *heap)
{
	return (struct key_set){ .heap = heap };
}

void key_set_free(struct key_set *set)
{
	heap_free(set->heap, set->keys);
	*set = key_set_init(set->heap);
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare(struct account_key a, struct account_key b)
{
	int order = compare_u64(a.generation, b.generation);

	if (order == 0)
		order = compare_u64(a.sequence, b.sequence);
	if (order == 0)
		order = compare_u64(a.producer, b.producer);
	if (order == 0)
		order = compare_u64(a.recipient, b.recipient);
	return order;
}

/* Where key is, or where it would go. */
static size_t place(const struct key_set *set, struct account_key key, bool *ret_found)
{
	size_t low = 0, high = set->n;

	*ret_found = false;
	/* The usual case: it is new and the largest. */
	if (set->n > 0 && compare(set->keys[set->n - 1], key) < 0)
		return set->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(set->keys[middle], key);

		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool key_set_has(const struct key_set *set, struct account_key key)
{
	bool found;

	place(set, key, &found);
	return found;
}

void key_set_add(struct key_set *set, struct account_key key)
{
	bool found;
	size_t at = place(set, key, &found);

	if (found)
		return;
	if (set->n == set->capacity) {
		set->capacity = set->capacity == 0 ? KEYS_FIRST : set->capacity * 2;
		set->keys = heap_resize(set->heap, set->keys, set->capacity * sizeof *set->keys);
	}
	memmove(set->keys + at + 1, set->keys + at, (set->n - at) * sizeof *set->keys);
	set->keys[at] = key;
	set->n++;
}

void key_set_remove(struct key_set *set, struct account_key key)
{
	bool found;
	size_t at = place(set, key, &found);

	if (!found)
		return;
	set->n--;
	memmove(set->keys + at, set->keys + at + 1, (set->n - at) * sizeof *set->keys);
}

bool generation_among(uint64_t generation, const uint64_t *live, size_t n)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (live[middle] == generation)
			return true;
		if (live[middle] < generation)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static void filter(struct key_set *set, const uint64_t *live, size_t n, bool keep)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->n; i++) {
		if (generation_among(set->keys[i].generation, live, n) == keep)
			set->keys[kept++] = set->keys[i];
	}
	set->n = kept;
	if (kept == 0)
		key_set_free(set);
}

void key_set_retire(struct key_set *set, uint64_t generation)
{
	filter(set, &generation, 1, false);
}

void key_set_keep(struct key_set *set, const uint64_t *live, size_t n)
{
	filter(set, live, n, true);
}
