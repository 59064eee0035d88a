/* base/table.c - open addressing, linear probes, backward-shift removal. */
#include "base/table.h"

#include "base/check.h"
#include "base/checksum.h"
#include "base/limits.h"

struct table table_init(struct heap *heap, uint64_t seed)
{
	return (struct table){ .heap = heap, .seed = seed };
}

void table_free(struct table *t)
{
	heap_free(t->heap, t->entries);
	*t = table_init(t->heap, t->seed);
}

static size_t home(const struct table *t, slice key)
{
	return checksum64(key, t->seed) & (t->capacity - 1);
}

/* Where key stands, or the empty place where it would. */
static struct table_entry *place(const struct table *t, slice key)
{
	size_t at = home(t, key);

	while (t->entries[at].value != NULL && !slice_equal(t->entries[at].key, key))
		at = (at + 1) & (t->capacity - 1);
	return &t->entries[at];
}

static void grow(struct table *t)
{
	struct table old = *t;

	t->capacity = old.capacity ? old.capacity * 2 : TABLE_FIRST;
	t->entries = heap_alloc(t->heap, t->capacity * sizeof *t->entries);
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.entries[i].value != NULL)
			*place(t, old.entries[i].key) = old.entries[i];
	}
	heap_free(t->heap, old.entries);
}

void *table_get(const struct table *t, slice key)
{
	return t->capacity ? place(t, key)->value : NULL;
}

void *table_put(struct table *t, slice key, void *value)
{
	struct table_entry *entry;
	void *before;

	check(value != NULL);
	if (t->count + t->count / 3 >= t->capacity)
		grow(t);
	entry = place(t, key);
	before = entry->value;
	*entry = (struct table_entry){ key, value };
	t->count += before == NULL;
	return before;
}

void *table_remove(struct table *t, slice key)
{
	size_t mask = t->capacity - 1, hole, at;
	struct table_entry *entry;
	void *value;

	if (t->capacity == 0)
		return NULL;
	entry = place(t, key);
	value = entry->value;
	if (value == NULL)
		return NULL;
	hole = (size_t)(entry - t->entries);
	for (at = (hole + 1) & mask; t->entries[at].value != NULL; at = (at + 1) & mask) {
		/* Move back what could not stand at its home because of the hole. */
		if (((at - home(t, t->entries[at].key)) & mask) >= ((at - hole) & mask)) {
			t->entries[hole] = t->entries[at];
			hole = at;
		}
	}
	t->entries[hole] = (struct table_entry){ 0 };
	t->count--;
	return value;
}

void *table_next(const struct table *t, size_t *at)
{
	while (*at < t->capacity) {
		void *value = t->entries[(*at)++].value;

		if (value != NULL)
			return value;
	}
	return NULL;
}
