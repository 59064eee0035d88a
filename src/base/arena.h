/* base/arena.h - memory that lives and dies together.
 *
 * Few lifetimes, each with one arena: role > connection > message > scratch.
 * Point only toward longer lives. Freeing is one call; error paths free
 * nothing. An arena is plain data and starts without memory, so that an idle
 * connection costs only what it used. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/heap.h"
#include "base/slice.h"

struct arena_chunk;

struct arena {
	struct heap *heap;
	struct arena_chunk *chunks;     /* newest first */
	size_t left;                    /* bytes free in the newest chunk */
	size_t used;                    /* bytes handed out */
	size_t size_max;
};

/* An arena that takes chunks from `heap` and hands out at most size_max bytes. */
struct arena arena_init(struct heap *heap, size_t size_max);

/* Give everything back; the arena is empty and usable again. */
void arena_reset(struct arena *arena);

/* Zeroed, aligned for any type. arena_take treats running over size_max as our
 * bug (the caller bounded its input); arena_try returns NULL instead. count *
 * size is checked here and nowhere else. */
void *arena_take(struct arena *arena, size_t count, size_t size);
void *arena_try(struct arena *arena, size_t count, size_t size);

#define arena_new(arena, type, count) \
	((type *)arena_take((arena), (count), sizeof(type)))

slice slice_copy(struct arena *arena, slice s);
slice slice_lower(struct arena *arena, slice s);   /* copy with A-Z lowered */
const char *slice_cstr(struct arena *arena, slice s); /* copy with a NUL; s holds none */
slice arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
