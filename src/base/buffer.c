/* base/buffer.c - a bounded byte queue. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"

struct buffer buffer_init(struct heap *heap, size_t size_max)
{
	return (struct buffer){ .heap = heap, .size_max = size_max };
}

void buffer_free(struct buffer *b)
{
	heap_free(b->heap, b->ptr);
	*b = buffer_init(b->heap, b->size_max);
}

/* Make room for n bytes behind end, which the maximum allows. */
static void make_room(struct buffer *b, size_t n)
{
	size_t len = b->end - b->start, capacity = b->capacity;

	if (capacity - b->end >= n)
		return;
	if (b->start > 0 && b->ptr != NULL) {
		memmove(b->ptr, b->ptr + b->start, len);
		b->start = 0;
		b->end = len;
		if (capacity - len >= n)
			return;
	}
	if (capacity == 0)
		capacity = BUFFER_FIRST;
	while (capacity - len < n)
		capacity *= 2;
	if (capacity > b->size_max)
		capacity = b->size_max;
	check(capacity - len >= n);
	b->ptr = heap_resize(b->heap, b->ptr, capacity);
	b->capacity = capacity;
}

bool buffer_append(struct buffer *b, slice s)
{
	if (s.len > buffer_room(b))
		return false;
	if (s.len > 0) {
		make_room(b, s.len);
		memcpy(b->ptr + b->end, s.ptr, s.len);
		b->end += s.len;
	}
	return true;
}

void buffer_add(struct buffer *b, slice s)
{
	bool fits = buffer_append(b, s);

	check(fits);
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
	size_t room = b->capacity - b->end;
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	/* Mostly it fits into what is there. */
	n = vsnprintf(room > 0 ? (char *)b->ptr + b->end : NULL, room, format, args);
	check(n >= 0);
	/* vsnprintf wants a byte for its NUL, which is not part of the text. */
	check((size_t)n < buffer_room(b));
	if ((size_t)n >= room) {
		make_room(b, (size_t)n + 1);
		vsnprintf((char *)b->ptr + b->end, (size_t)n + 1, format, again);
	}
	b->end += (size_t)n;
	va_end(again);
	va_end(args);
}

void buffer_expect(struct buffer *b, size_t n)
{
	size_t room = buffer_room(b);

	if (n > 0)
		make_room(b, n < room ? n : room);
}

unsigned char *buffer_reserve(struct buffer *b, size_t n)
{
	check(n <= buffer_room(b));
	make_room(b, n);
	/* Nothing may be reserved in a buffer without memory. */
	return b->ptr != NULL ? b->ptr + b->end : NULL;
}

void buffer_filled(struct buffer *b, size_t n)
{
	check(n <= b->capacity - b->end);
	b->end += n;
}

void buffer_consume(struct buffer *b, size_t n)
{
	check(n <= b->end - b->start);
	b->start += n;
	if (b->start == b->end)
		buffer_free(b);
}

void buffer_truncate(struct buffer *b, size_t len)
{
	check(len <= b->end - b->start);
	b->end = b->start + len;
}
