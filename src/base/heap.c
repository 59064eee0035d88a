/* base/heap.c - blocks of one role in a doubly linked list. */
#include "base/heap.h"

#include <malloc.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/limits.h"

struct block {
	alignas(max_align_t) struct block *next;
	struct block *prev;
	size_t size;                    /* of the user's part */
};

struct hook {
	struct hook *next;
	void (*fn)(void *);
	void *arg;
};

struct heap {
	struct block blocks;            /* list head */
	struct hook *hooks;
	size_t used;
	size_t size_max;
};

struct heap *heap_create(size_t size_max)
{
	struct heap *heap = calloc(1, sizeof *heap);

	check(heap != NULL);
	heap->blocks.next = &heap->blocks;
	heap->blocks.prev = &heap->blocks;
	heap->size_max = size_max;
	return heap;
}

void heap_drop(struct heap *heap)
{
	if (heap == NULL)
		return;
	while (heap->hooks != NULL) {
		struct hook *hook = heap->hooks;

		heap->hooks = hook->next;
		hook->fn(hook->arg);
		free(hook);
	}
	for (struct block *b = heap->blocks.next, *next; b != &heap->blocks; b = next) {
		next = b->next;
		free(b);
	}
	free(heap);
}

void heap_on_drop(struct heap *heap, void (*fn)(void *), void *arg)
{
	struct hook *hook = calloc(1, sizeof *hook);

	check(hook != NULL);
	*hook = (struct hook){ heap->hooks, fn, arg };
	heap->hooks = hook;
}

void heap_cancel_on_drop(struct heap *heap, void (*fn)(void *), void *arg)
{
	for (struct hook **at = &heap->hooks; *at != NULL; at = &(*at)->next) {
		struct hook *hook = *at;

		if (hook->fn == fn && hook->arg == arg) {
			*at = hook->next;
			free(hook);
			return;
		}
	}
}

static void link_block(struct heap *heap, struct block *b)
{
	b->next = heap->blocks.next;
	b->prev = &heap->blocks;
	b->next->prev = b;
	heap->blocks.next = b;
	heap->used += b->size + sizeof *b;
}

static void unlink_block(struct heap *heap, struct block *b)
{
	b->next->prev = b->prev;
	b->prev->next = b->next;
	heap->used -= b->size + sizeof *b;
}

static bool fits(const struct heap *heap, size_t size)
{
	return size <= SIZE_MAX - sizeof(struct block) - heap->used &&
	    heap->used + size + sizeof(struct block) <= heap->size_max;
}

static void *add_block(struct heap *heap, struct block *b, size_t size)
{
	if (b == NULL)
		return NULL;
	b->size = size;
	link_block(heap, b);
	return b + 1;
}

/* calloc() spares large blocks their zeroing, where the kernel gave zeros. Small ones it takes
 * from an arena and under its lock, where malloc() has a thread's own at hand (glibc). */
static void *zeroed(size_t size)
{
	void *block;

	if (size > HEAP_SMALL)
		return calloc(1, size);
	block = malloc(size);
	return block != NULL ? memset(block, 0, size) : NULL;
}

void *heap_try(struct heap *heap, size_t size)
{
	return add_block(heap, fits(heap, size) ? zeroed(sizeof(struct block) + size) : NULL, size);
}

void heap_give_back(void)
{
	malloc_trim(0);
}

void heap_use_huge_pages(void *block)
{
	const struct block *b = (struct block *)block - 1;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = (uintptr_t)b / page * page;
	uintptr_t to = ((uintptr_t)block + b->size + page - 1) / page * page;

	/* All of what malloc() mapped for it, or it could not be moved as a whole any more. Where
	 * this fails pages are small. */
	(void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}

static _Noreturn void out_of_memory(size_t size)
{
	fprintf(stderr, "posthouse: out of memory (%zu bytes wanted)\n", size);
	abort();
}

void *heap_alloc(struct heap *heap, size_t size)
{
	void *block = heap_try(heap, size);

	if (block == NULL)
		out_of_memory(size);
	return block;
}

void *heap_resize(struct heap *heap, void *block, size_t size)
{
	struct block *b, *moved;

	if (block == NULL) {
		block = add_block(heap, fits(heap, size) ? malloc(sizeof *b + size) : NULL, size);
		if (block == NULL)
			out_of_memory(size);
		return block;
	}
	b = (struct block *)block - 1;
	if (size > b->size && !fits(heap, size - b->size))
		out_of_memory(size);
	unlink_block(heap, b);
	moved = realloc(b, sizeof *b + size);
	if (moved == NULL)
		out_of_memory(size);
	moved->size = size;
	link_block(heap, moved);
	return moved + 1;
}

void heap_free(struct heap *heap, void *block)
{
	if (block == NULL)
		return;
	unlink_block(heap, (struct block *)block - 1);
	free((struct block *)block - 1);
}

size_t heap_used(const struct heap *heap)
{
	return heap->used;
}
