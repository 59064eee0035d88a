/* tests/fuzz_steps.h - mutates programs: inputs that are a list of steps of the
 * same length, behind `head` bytes of choices. Steps are inserted, dropped,
 * repeated, moved and damaged as a whole. */
#ifndef TESTS_FUZZ_STEPS_H
#define TESTS_FUZZ_STEPS_H

#include "fuzz.h"

static inline size_t fuzz_step_start(size_t len, size_t head, size_t step,
    struct fuzz_chance *c)
{
	return head + step * fuzz_below(c, (len - head) / step + 1);
}

static inline size_t fuzz_steps_mutate(size_t head, size_t step, uint8_t *data, size_t len,
    size_t size, unsigned seed)
{
	struct fuzz_chance c = { seed };
	uint8_t fresh[64];
	size_t at, n, count;

	check(step <= sizeof fresh);
	if (len < head + step || fuzz_below(&c, 10) == 0)
		return LLVMFuzzerMutate(data, len, size);
	at = fuzz_step_start(len, head, step, &c);
	n = len - at < step ? len - at : step;
	for (size_t i = 0; i < step; i++)
		fresh[i] = (uint8_t)fuzz_next(&c);
	switch (fuzz_below(&c, 6)) {
	case 0:
		return fuzz_splice(data, len, size, at, 0, slice_of(fresh, step));
	case 1:
		return fuzz_splice(data, len, size, at, n, (slice){ 0 });
	case 2:
	case 3:                         /* some of them once more, elsewhere */
		memcpy(fresh, data + at, n);
		for (count = 1 + fuzz_below(&c, 4); count > 0 && n == step; count--) {
			at = fuzz_step_start(len, head, step, &c);
			len = fuzz_splice(data, len, size, at, 0, slice_of(fresh, step));
		}
		return len;
	case 4:
		memcpy(fresh, data + at, n);
		len = fuzz_splice(data, len, size, at, n, (slice){ 0 });
		at = fuzz_step_start(len, head, step, &c);
		return fuzz_splice(data, len, size, at, 0, slice_of(fresh, n));
	default:
		if (n > 0)
			LLVMFuzzerMutate(data + at, n, n);
		return len;
	}
}

static inline size_t fuzz_steps_cross(size_t head, size_t step, const uint8_t *a, size_t a_len,
    const uint8_t *b, size_t b_len, uint8_t *out, size_t size, unsigned seed)
{
	struct fuzz_chance c = { seed };
	size_t n, from;

	if (a_len < head || b_len < head)
		return 0;
	n = fuzz_step_start(a_len, head, step, &c);
	from = fuzz_step_start(b_len, head, step, &c);
	if (n > size)
		n = size;
	memcpy(out, a, n);
	return fuzz_splice(out, n, size, n, 0, slice_of(b + from,
	    b_len - from < size - n ? b_len - from : size - n));
}

#define FUZZ_STEPS_MUTATORS(head, step)                                        \
	size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t size, \
	    unsigned seed)                                                     \
	{                                                                      \
		return fuzz_steps_mutate(head, step, data, len, size, seed);   \
	}                                                                      \
	size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_len,       \
	    const uint8_t *b, size_t b_len, uint8_t *out, size_t size,         \
	    unsigned seed)                                                     \
	{                                                                      \
		return fuzz_steps_cross(head, step, a, a_len, b, b_len, out,   \
		    size, seed);                                               \
	}

#endif
