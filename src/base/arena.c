/* base/arena.c - bump allocation in chunks that double. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"

struct arena_chunk {
	alignas(max_align_t) struct arena_chunk *older;
	size_t size;
	unsigned char bytes[];
};

struct arena arena_init(struct heap *heap, size_t size_max)
{
	return (struct arena){ .heap = heap, .size_max = size_max };
}

void arena_reset(struct arena *arena)
{
	for (struct arena_chunk *c = arena->chunks, *older; c != NULL; c = older) {
		older = c->older;
		heap_free(arena->heap, c);
	}
	arena->chunks = NULL;
	arena->left = 0;
	arena->used = 0;
}

static bool grow(struct arena *arena, size_t need)
{
	size_t size = arena->chunks ? arena->chunks->size * 2 : ARENA_CHUNK_FIRST;
	struct arena_chunk *c;

	if (size > ARENA_CHUNK_MAX)
		size = ARENA_CHUNK_MAX;
	if (size < need)
		size = need;
	c = heap_try(arena->heap, sizeof *c + size);
	if (c == NULL)
		return false;
	c->older = arena->chunks;
	c->size = size;
	arena->chunks = c;
	arena->left = size;
	return true;
}

void *arena_try(struct arena *arena, size_t count, size_t size)
{
	const size_t align = alignof(max_align_t);
	size_t need;
	unsigned char *at;

	if (size != 0 && count > (SIZE_MAX - align) / size)
		return NULL;
	need = (count * size + align - 1) / align * align;
	if (need > arena->size_max - arena->used)
		return NULL;
	if (need > arena->left && !grow(arena, need))
		return NULL;
	if (need == 0)
		return arena->chunks || grow(arena, align) ? arena->chunks->bytes : NULL;
	at = arena->chunks->bytes + (arena->chunks->size - arena->left);
	arena->left -= need;
	arena->used += need;
	return at;
}

void *arena_take(struct arena *arena, size_t count, size_t size)
{
	void *at = arena_try(arena, count, size);

	check(at != NULL);
	return at;
}

slice slice_copy(struct arena *arena, slice s)
{
	unsigned char *copy = arena_take(arena, s.len, 1);

	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	return slice_of(copy, s.len);
}

slice slice_lower(struct arena *arena, slice s)
{
	unsigned char *copy = arena_take(arena, s.len, 1);

	for (size_t i = 0; i < s.len; i++)
		copy[i] = ascii_lower(s.ptr[i]);
	return slice_of(copy, s.len);
}

const char *slice_cstr(struct arena *arena, slice s)
{
	char *copy = arena_take(arena, s.len + 1, 1);

	check(slice_find_byte(s, 0) == s.len);
	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	return copy;
}

slice arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args, again;
	char *text;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	check(n >= 0);
	text = arena_take(arena, (size_t)n + 1, 1);
	vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	va_end(args);
	return slice_of(text, (size_t)n);
}
