/* tests/fuzz.h - what each *_fuzz.c starts with: libFuzzer's names, chance that
 * is drawn from the input, pieces of it, copies with nothing behind them. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/checksum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len,
    uint8_t *out, size_t size, unsigned seed);

struct fuzz_chance {
	uint64_t state;
};

/* splitmix64 */
static inline uint64_t fuzz_next(struct fuzz_chance *c)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* 0 to n - 1; n is not 0. */
static inline size_t fuzz_below(struct fuzz_chance *c, size_t n)
{
	return (size_t)(fuzz_next(c) % n);
}

/* How much of `left` bytes comes next, 1 to left: often a single byte, sometimes
 * all. */
static inline size_t fuzz_piece(struct fuzz_chance *c, size_t left)
{
	static const size_t most[8] = { 1, 1, 1, 4, 16, 16, 200, SIZE_MAX };
	size_t max = most[fuzz_next(c) >> 8 & 7];
	size_t n = max == SIZE_MAX ? left : 1 + fuzz_below(c, max);

	return n < left ? n : left;
}

/* A block of exactly its length: one byte too far is outside of it. */
static inline slice fuzz_copy(slice s)
{
	unsigned char *copy = malloc(s.len);

	check(copy != NULL || s.len == 0);
	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	return slice_of(copy, s.len);
}

static inline void fuzz_free(slice s)
{
	free((void *)(uintptr_t)s.ptr);
}

/* For mutators: put `with` in the place of n bytes at `at`. Nothing happens when
 * it would not fit. Returns the new length. */
static inline size_t fuzz_splice(uint8_t *data, size_t len, size_t size, size_t at, size_t n,
    slice with)
{
	if (with.len > size || len - n > size - with.len)
		return len;
	memmove(data + at + with.len, data + at + n, len - at - n);
	if (with.len > 0)
		memcpy(data + at, with.ptr, with.len);
	return len - n + with.len;
}

/* Let libFuzzer change n bytes at `at`, which may become 64 longer. */
static inline size_t fuzz_damage(uint8_t *data, size_t len, size_t size, size_t at, size_t n)
{
	size_t room = size - (len - n) < n + 64 ? size - (len - n) : n + 64;
	uint8_t *part = malloc(room + 1);

	check(part != NULL);
	memcpy(part, data + at, n);
	len = fuzz_splice(data, len, size, at, n, slice_of(part, LLVMFuzzerMutate(part, n, room)));
	free(part);
	return len;
}

#endif
