/* base/buffer.h - bytes that grow, up to a maximum it is born with.
 *
 * Bytes are appended at the end and consumed from the front. An empty buffer
 * holds no memory. Slices from buffer_bytes() die at the next append. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdint.h>

#include "base/heap.h"
#include "base/slice.h"

struct buffer {
	struct heap *heap;
	unsigned char *ptr;
	size_t start;                   /* consumed */
	size_t end;                     /* filled */
	size_t capacity;
	size_t size_max;                /* of end - start */
};

struct buffer buffer_init(struct heap *heap, size_t size_max);
void buffer_free(struct buffer *b);             /* empty and usable again */

/* Borrowed until the next change. */
static inline slice buffer_bytes(const struct buffer *b)
{
	if (b->ptr == NULL)
		return (slice){ 0 };
	return slice_of(b->ptr + b->start, b->end - b->start);
}

/* How much more it may take. */
static inline size_t buffer_room(const struct buffer *b)
{
	return b->size_max - (b->end - b->start);
}

/* Append all of it, or nothing and return false when it would pass size_max. */
bool buffer_append(struct buffer *b, slice s) __attribute__((warn_unused_result));
/* The same for callers that made sure of the room: anything else is our bug. */
void buffer_add(struct buffer *b, slice s);
void buffer_printf(struct buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* So much is about to come, step by step, if it fits: take the memory at once. */
void buffer_expect(struct buffer *b, size_t n);

/* n writable bytes at the end, for a read; then say how many were filled. */
unsigned char *buffer_reserve(struct buffer *b, size_t n);
void buffer_filled(struct buffer *b, size_t n);

void buffer_consume(struct buffer *b, size_t n); /* frees memory when it empties */
void buffer_truncate(struct buffer *b, size_t len); /* keep the first len bytes */

#endif
