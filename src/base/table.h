/* base/table.h - a hash table from byte keys to pointers.
 *
 * Open addressing; grows as it fills. Keys are borrowed: they must live (in
 * the value, say) as long as the entry. The seed is per table and random, so
 * that nobody outside can choose colliding keys. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdint.h>

#include "base/heap.h"
#include "base/slice.h"

struct table_entry {
	slice key;
	void *value;                    /* NULL: empty */
};

struct table {
	struct heap *heap;
	struct table_entry *entries;
	size_t count;
	size_t capacity;                /* 0 or a power of two */
	uint64_t seed;
};

struct table table_init(struct heap *heap, uint64_t seed);
void table_free(struct table *t);               /* values are the caller's */

void *table_get(const struct table *t, slice key);     /* NULL when absent */
/* Set or replace; returns the value that stood there, or NULL. value is not NULL. */
void *table_put(struct table *t, slice key, void *value);
void *table_remove(struct table *t, slice key);        /* what was removed, or NULL */

/* Walk: *at starts at 0; NULL at the end. No put or remove meanwhile. */
void *table_next(const struct table *t, size_t *at);

/* An integer as a key: it must live as long as the entry, like any key. */
#define table_key(number) slice_of(&(number), sizeof(number))

#endif
