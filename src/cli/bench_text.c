/* cli/bench_text.c - words of letters as frequent as in English, the first of them
 * more often than the last, in lines of 76 characters. */
#include "cli/bench_text.h"

#include "base/check.h"

enum {
	WORDS = 1200,
	WORD_MIN = 2,
	WORD_MAX = 10,
	LINE = 76,                      /* characters, without CRLF */
	LINE_ALL = LINE + 2,
	PLACES = 1024,                  /* ends of bodies: a line each */
};

static const char letters[] =
    "eeeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrrddddllllccc"
    "uuummmwwffggyyppbbvk";

/* Knuth's MMIX constants: the same words on each machine. */
static unsigned next(uint64_t *state, unsigned below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((*state >> 33) % below);
}

static void make_word(uint64_t *state, char ret_word[WORD_MAX + 2])
{
	unsigned n = WORD_MIN + next(state, WORD_MAX - WORD_MIN + 1);

	for (unsigned i = 0; i < n; i++)
		ret_word[i] = letters[next(state, sizeof letters - 1)];
	ret_word[n] = ' ';
	ret_word[n + 1] = 0;
}

/* A cube is steep enough: some words are everywhere, most are rare. */
static unsigned choose(uint64_t *state)
{
	enum { ONE = 1024 };
	uint64_t x = next(state, ONE);

	return (unsigned)(x * x * x * WORDS / ((uint64_t)ONE * ONE * ONE));
}

slice bench_text_make(struct arena *arena, size_t size_max)
{
	size_t lines = size_max / LINE_ALL + 1 + PLACES;
	char *text = arena_take(arena, lines * LINE_ALL, 1);
	char words[WORDS][WORD_MAX + 2];
	uint64_t state = 1;
	const char *from = "";

	for (unsigned i = 0; i < WORDS; i++)
		make_word(&state, words[i]);
	for (size_t i = 0; i < lines * LINE_ALL; i++) {
		size_t column = i % LINE_ALL;

		if (*from == 0)
			from = words[choose(&state)];
		text[i] = column < LINE ? *from++ : column == LINE ? '\r' : '\n';
	}
	return slice_of(text, lines * LINE_ALL);
}

slice bench_text_body(slice text, unsigned long number, size_t size)
{
	size_t end = text.len - number % PLACES * LINE_ALL;

	check(size <= end);
	return slice_of(text.ptr + (end - size), size);
}
