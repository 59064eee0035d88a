/* base/heap.h - the memory of one role: every block known, all dropped at once.
 *
 * A role allocates from its heap only. That makes "kill this role" one call in
 * the simulator (heap_drop, no destructors run), and "how much does this role
 * hold" one number everywhere. Blocks are aligned for any type.
 *
 * Not thread-safe: pool work gets its memory before it starts. Running out of
 * memory ends the process (nothing acknowledged is in memory only), except in
 * heap_try, for sizes that come from outside. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>

struct heap;

/* A heap that may hold at most size_max bytes; SIZE_MAX for no limit. */
struct heap *heap_create(size_t size_max);

/* Free every block and the heap itself, after calling the on-drop hooks in
 * reverse order. NULL is allowed. */
void heap_drop(struct heap *heap);

/* Call fn(arg) at heap_drop: for handles of libraries that own memory outside
 * the heap (SQLite, OpenSSL). Cancel with the same pair. */
void heap_on_drop(struct heap *heap, void (*fn)(void *), void *arg);
void heap_cancel_on_drop(struct heap *heap, void (*fn)(void *), void *arg);

void *heap_alloc(struct heap *heap, size_t size);   /* zeroed, never NULL */
void *heap_try(struct heap *heap, size_t size);     /* zeroed, NULL at the limit */
/* A larger or smaller block, or with NULL a first one; the new part is not zeroed. */
void *heap_resize(struct heap *heap, void *block, size_t size);
/* Give the system back what malloc() keeps of memory that nobody uses: after much work. */
void heap_give_back(void);
/* A block of some MB is about to be filled, all of it: in huge pages, where the kernel has
 * them for who asks. A virtual machine's host then gives 2 MB at a time, not 4 KB. */
void heap_use_huge_pages(void *block);
void heap_free(struct heap *heap, void *block);     /* NULL is allowed */

/* Bytes now held, with bookkeeping. */
size_t heap_used(const struct heap *heap);

#define heap_new(heap, type) ((type *)heap_alloc((heap), sizeof(type)))

#endif
