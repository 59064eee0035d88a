/* journey/journey_fuzz.c - lines of journeys, searched for a message, told in words and as
 * a dialogue.
 *
 * For: journey/event_read.c journey/event_words.c journey/search.c journey/dialogue.c
 *
 * Holds: what is read has its line's bounds; words are printable; what is found is in order
 * of time, each from a folder that was read; the search ends. */
#include "fuzz.h"

#include "journey/dialogue.h"
#include "journey/event_words.h"
#include "journey/search.h"

enum { ROUNDS_MAX = 4 * TRACE_HOPS_MAX + 4 * JOURNEY_FOLDERS_MAX };

static void look_at(const struct event_view *event)
{
	slice rest = event_text_of(event, "dialogue"), id;
	char words[JOURNEY_WORDS_MAX];
	struct dialogue_line line;
	size_t n = 0;

	check(event->n > 0 && event->n <= JOURNEY_FIELDS_MAX);
	for (size_t i = 0; i < event->n; i++)
		check(event->fields[i].text.len <= event->line.len);
	event_words(event, words);
	for (const char *at = words; *at != '\0'; at++)
		check(*at >= ' ' && *at < 0x7f);
	while (dialogue_next(&rest, &line))
		check(++n <= JOURNEY_LINE_MAX && line.ms >= -1);
	if (event_next_id(event, &id))
		check(id.len > 0);
}

/* The first line says the id; a line that begins with ">" begins the next folder. */
static void search(struct heap *heap, slice in)
{
	slice id = slice_cut(&in, '\n');
	struct journey_search *s = journey_search_open(heap, id, 2);
	const struct journey_found *found;
	size_t folder, n, rounds = 0;

	while (journey_search_next(s, &folder)) {
		slice rest = in;
		size_t at = 0;

		check(++rounds <= ROUNDS_MAX && folder < 2);
		while (rest.len > 0) {
			slice line = slice_cut(&rest, '\n');

			at += slice_starts(line, slice_lit(">"));
			if (at == folder)
				journey_search_line(s, line);
		}
	}
	found = journey_search_found(s, &n);
	for (size_t i = 0; i < n; i++) {
		check(i == 0 || found[i - 1].wall_us <= found[i].wall_us);
		check(found[i].folder < 2);
		look_at(&found[i].event);
	}
	journey_search_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 1 << 20);
	slice in = fuzz_copy(slice_of(data, len));
	struct event_view event;

	if (event_read(in, &arena, &event))
		look_at(&event);
	search(heap, in);
	arena_reset(&arena);
	fuzz_free(in);
	heap_drop(heap);
	return 0;
}
