/* journal/tracker.c - a bit for each record above the done ones.
 *
 * (1) base <= done_to; bits below done_to - base are no longer looked at.
 * (2) done_to may pass `seen`: what was learned from the done log before the
 *     segment is read again. */
#include "journal/tracker.h"

#include <string.h>

#include "base/check.h"

enum { WORD = 64, WORDS_FIRST = 16 };

void tracker_init(struct tracker *t, struct heap *heap)
{
	*t = (struct tracker){ .heap = heap };
}

void tracker_finish(struct tracker *t)
{
	heap_free(t->heap, t->words);
	tracker_init(t, t->heap);
}

bool tracker_is_done(const struct tracker *t, uint32_t sequence)
{
	uint32_t i = sequence - t->base;

	if (sequence <= t->done_to)
		return true;
	return i / WORD < t->n_words && (t->words[i / WORD] >> i % WORD & 1) != 0;
}

bool tracker_all_done(const struct tracker *t)
{
	return t->done_to >= t->seen;
}

/* Forget whole words below done_to. */
static void move_base(struct tracker *t)
{
	uint32_t words = (t->done_to - t->base) / WORD;

	if (words == 0 || (words < t->n_words && words < WORDS_FIRST))
		return;
	if (words >= t->n_words) {
		heap_free(t->heap, t->words);
		t->words = NULL;
		t->n_words = 0;
	} else {
		memmove(t->words, t->words + words, (t->n_words - words) * sizeof *t->words);
		memset(t->words + t->n_words - words, 0, words * sizeof *t->words);
	}
	t->base += words * WORD;
}

static void make_room(struct tracker *t, uint32_t sequence)
{
	uint32_t word = (sequence - t->base) / WORD, n = t->n_words;

	if (word < n)
		return;
	n = n == 0 ? WORDS_FIRST : n;
	while (n <= word)
		n *= 2;
	t->words = heap_resize(t->heap, t->words, n * sizeof *t->words);
	memset(t->words + t->n_words, 0, (n - t->n_words) * sizeof *t->words);
	t->n_words = n;
}

static void advance(struct tracker *t)
{
	while (t->done_to < UINT32_MAX && tracker_is_done(t, t->done_to + 1))
		t->done_to++;
	move_base(t);
}

void tracker_done(struct tracker *t, uint32_t sequence)
{
	uint32_t i;

	check(sequence > 0);
	if (sequence <= t->done_to)
		return;
	if (sequence == t->done_to + 1) {
		t->done_to++;
		advance(t);
		return;
	}
	make_room(t, sequence);
	i = sequence - t->base;
	t->words[i / WORD] |= (uint64_t)1 << i % WORD;
}

void tracker_seen(struct tracker *t, uint32_t sequence)
{
	check(sequence > t->seen);
	for (uint32_t lost = t->seen + 1; lost < sequence; lost++)
		tracker_done(t, lost);
	t->seen = sequence;
}

/* ---- the done log ---- */

void tracker_write(const struct tracker *t, uint64_t generation, struct buffer *out)
{
	uint64_t end = (uint64_t)t->base + (uint64_t)t->n_words * WORD;
	uint32_t n = 0;

	for (uint64_t s = (uint64_t)t->done_to + 1; s < end && n < DONE_ABOVE_MAX; s++)
		n += tracker_is_done(t, (uint32_t)s);
	put_u64(out, generation);
	put_u32(out, t->done_to);
	put_u32(out, n);
	for (uint64_t s = (uint64_t)t->done_to + 1; n > 0; s++) {
		if (tracker_is_done(t, (uint32_t)s)) {
			put_u32(out, (uint32_t)s);
			n--;
		}
	}
}

bool done_fact_read(uint8_t type, slice payload, struct done_fact *ret_fact)
{
	struct bytes in = bytes_init(payload);
	struct done_fact fact = { .type = type, .generation = get_u64(&in) };
	uint32_t n;

	switch (type) {
	case DONE_RECORDS:
		fact.done_to = get_u32(&in);
		n = get_u32(&in);
		if (n > DONE_ABOVE_MAX)
			return false;
		fact.above = get_raw(&in, 4 * (size_t)n);
		break;
	case DONE_CUT:
		fact.offset = get_u32(&in);
		break;
	default:
		return false;
	}
	if (!bytes_end(&in))
		return false;
	*ret_fact = fact;
	return true;
}

void tracker_learn(struct tracker *t, const struct done_fact *fact, uint32_t sequence_max)
{
	struct bytes above = bytes_init(fact->above);

	check(fact->type == DONE_RECORDS);
	if (fact->done_to > t->done_to && fact->done_to <= sequence_max) {
		t->done_to = fact->done_to;
		advance(t);
	}
	while (above.rest.len > 0) {
		uint32_t sequence = get_u32(&above);

		if (sequence > 0 && sequence <= sequence_max)
			tracker_done(t, sequence);
	}
}
