/* tests/fuzz_lines.h - mutates dialogues: what is inserted, dropped, repeated,
 * swapped and damaged is a line. In front of the lines stand `head` bytes of
 * choices. */
#ifndef TESTS_FUZZ_LINES_H
#define TESTS_FUZZ_LINES_H

#include "fuzz.h"

/* Lines to insert, whole dialogues among them; they bring their line ends. */
struct fuzz_lines {
	size_t head;
	const char *const *texts;
	size_t n;
};

/* How a line may end, and what only looks like the end of a body. */
static const char *const fuzz_ends[] = {
	"\r\n", "\n", "\r", "", "\r\r\n", "\n\r", "\r\n.\r\n", "\n.\n", "\n.\r\n", "\r\n.\n",
	"\r.\r", "\r\n..\r\n", "\r\n.", "\r\n.\r", " \r\n", "\0\r\n",
};

static inline slice fuzz_line(const uint8_t *data, size_t len, size_t at)
{
	slice rest = slice_of(data + at, len - at);
	size_t n = slice_find_byte(rest, '\n');

	return slice_head(rest, n < rest.len ? n + 1 : n);
}

/* Where a line begins: any, or the end. */
static inline size_t fuzz_line_start(const uint8_t *data, size_t len, size_t head,
    struct fuzz_chance *c)
{
	size_t lines = 0, want, at = head;

	for (size_t i = head; i < len; i++)
		lines += data[i] == '\n';
	want = fuzz_below(c, lines + 1);
	while (want-- > 0)
		at += fuzz_line(data, len, at).len;
	return at;
}

static inline size_t fuzz_line_end_change(uint8_t *data, size_t len, size_t size, size_t at,
    size_t n, struct fuzz_chance *c)
{
	const char *end = fuzz_ends[fuzz_below(c, sizeof fuzz_ends / sizeof fuzz_ends[0])];
	size_t keep = n;

	while (keep > 0 && (data[at + keep - 1] == '\n' || data[at + keep - 1] == '\r'))
		keep--;
	return fuzz_splice(data, len, size, at + keep, n - keep, slice_from(end));
}

static inline size_t fuzz_lines_mutate(const struct fuzz_lines *lines, uint8_t *data, size_t len,
    size_t size, unsigned seed)
{
	struct fuzz_chance c = { seed };
	size_t at, n, to;
	slice text = slice_from(lines->texts[fuzz_below(&c, lines->n)]), line;

	if (len < lines->head || fuzz_below(&c, 10) == 0)
		return LLVMFuzzerMutate(data, len, size);
	at = fuzz_line_start(data, len, lines->head, &c);
	n = fuzz_line(data, len, at).len;
	switch (fuzz_below(&c, 8)) {
	case 0:
	case 1:
		return fuzz_splice(data, len, size, at, 0, text);
	case 2:
		return fuzz_splice(data, len, size, at, n, text);
	case 3:
		return fuzz_splice(data, len, size, at, n, (slice){ 0 });
	case 4:                         /* repeat it, somewhere */
	case 5:                         /* move it: repeat, then drop */
		line = fuzz_copy(slice_of(data + at, n));
		if (fuzz_below(&c, 2) == 0)
			len = fuzz_splice(data, len, size, at, n, (slice){ 0 });
		to = fuzz_line_start(data, len, lines->head, &c);
		len = fuzz_splice(data, len, size, to, 0, line);
		fuzz_free(line);
		return len;
	case 6:
		return fuzz_line_end_change(data, len, size, at, n, &c);
	default:
		return fuzz_damage(data, len, size, at, n);
	}
}

/* The first lines of one, the last of the other. */
static inline size_t fuzz_lines_cross(const struct fuzz_lines *lines, const uint8_t *a,
    size_t a_len, const uint8_t *b, size_t b_len, uint8_t *out, size_t size, unsigned seed)
{
	struct fuzz_chance c = { seed };
	size_t n, from;

	if (a_len < lines->head || b_len < lines->head)
		return 0;
	n = fuzz_line_start(a, a_len, lines->head, &c);
	from = fuzz_line_start(b, b_len, lines->head, &c);
	if (n > size)
		n = size;
	memcpy(out, a, n);
	return fuzz_splice(out, n, size, n, 0, slice_of(b + from,
	    b_len - from < size - n ? b_len - from : size - n));
}

/* A target's two mutators, from its `struct fuzz_lines`. */
#define FUZZ_LINES_MUTATORS(lines)                                             \
	size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t size, \
	    unsigned seed)                                                     \
	{                                                                      \
		return fuzz_lines_mutate(&(lines), data, len, size, seed);     \
	}                                                                      \
	size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_len,       \
	    const uint8_t *b, size_t b_len, uint8_t *out, size_t size,         \
	    unsigned seed)                                                     \
	{                                                                      \
		return fuzz_lines_cross(&(lines), a, a_len, b, b_len, out,     \
		    size, seed);                                               \
	}

#endif
