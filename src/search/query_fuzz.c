/* search/query_fuzz.c - any bytes as a query, and asked of any bytes.
 *
 * For: search/query.c search/fold.c search/when.c
 *
 * Holds: terms keep to their limits; what is folded is its own folding; of a query that is
 * one term, without a space, and the same turned round exactly one matches. */
#include "fuzz.h"

#include "base/limits.h"
#include "search/fold.h"
#include "search/query.h"

static slice folded(slice text, bool words, struct arena *arena)
{
	struct buffer out = buffer_init(arena->heap, 2 * text.len + 8);
	slice copy;

	check(words ? fold_words(text, &out) : fold_text(text, &out));
	copy = slice_copy(arena, buffer_bytes(&out));
	buffer_free(&out);
	return copy;
}

static bool asked(const struct search_query *query, slice text, struct arena *arena)
{
	slice plain = folded(text, false, arena);
	const struct search_message m = { .from = plain, .subject = plain, .n_tags = 1,
	    .tags = &plain, .size = text.len, .received_us = 1795361400000000 };

	return search_matches(query, &m) &&
	    search_matches_words(query, folded(text, true, arena));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slice text = slice_of(data, size), query_text = slice_cut(&text, '\n'), once;
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 16 * 1024 * 1024);
	const struct when_zone cet = { .rule.usual = 3600 };
	struct search_query query, round;

	once = folded(text, false, &arena);
	check(slice_equal(folded(once, false, &arena), once));
	once = folded(text, true, &arena);
	check(slice_equal(folded(once, true, &arena), once));
	if (search_parse(query_text, &cet, &arena, &query)) {
		check(query.n <= SEARCH_TERMS_MAX);
		bool yes = asked(&query, text, &arena);
		slice turned = arena_printf(&arena, "-%.*s", slice_arg(query_text));

		if (query.n == 1 && !query.terms[0].is_not &&
		    slice_find_byte(query_text, ' ') == query_text.len &&
		    slice_find_byte(query_text, 0) == query_text.len &&
		    search_parse(turned, &cet, &arena, &round))
			check(round.n != 1 || asked(&round, text, &arena) == !yes);
	}
	heap_drop(heap);
	return 0;
}
