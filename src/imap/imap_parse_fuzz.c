/* imap/imap_parse_fuzz.c - any bytes as what follows FETCH, SEARCH and a flag list.
 *
 * For: imap/parse.c imap/fetch.c imap/search.c
 *
 * Holds: what is not taken is told with a place in the text and a word; what was asked for is
 * read again as it is told; keys lie in those that they are in, and each answer is a yes or no. */
#include "fuzz.h"

#include "imap/fetch.h"
#include "imap/search.h"

static void check_error(const struct imap_parse *p, slice in)
{
	check(p->wanted[0] != '\0');
	check(imap_parse_position(p) <= in.len + 1);
}

static void check_fetch(slice in, struct arena *arena, struct heap *heap)
{
	struct imap_parse p = imap_parse_begin(in, arena);
	struct buffer out = buffer_init(heap, 1 << 20);
	struct imap_writer w = { .out = &out };
	struct imap_fetch fetch, again;

	if (!imap_take_fetch(&p, &fetch) || !imap_take_end(&p)) {
		check_error(&p, in);
		buffer_free(&out);
		return;
	}
	check(fetch.n > 0 && fetch.n <= IMAP_FETCH_ITEMS_MAX);
	for (size_t i = 0; i < fetch.n; i++) {
		struct imap_fetch_item *item = &fetch.items[i];

		imap_put(&w, i > 0 ? slice_lit(" ") : slice_lit("("));
		/* What answers a partial says where it begins, not how long it is. */
		item->partial = false;
		imap_put_item(&w, item);
	}
	imap_put(&w, slice_lit(")"));
	p = imap_parse_begin(buffer_bytes(&out), arena);
	check(imap_take_fetch(&p, &again) && imap_take_end(&p) && again.n <= fetch.n);
	buffer_free(&out);
}

static bool match(void *context, const struct imap_key *key)
{
	return (key->number + (uint64_t)key->days + key->mask) % 2 == 0;
}

static void check_search(slice in, struct arena *arena, struct heap *heap)
{
	struct imap_parse p = imap_parse_begin(in, arena);
	static struct imap_key_state states[IMAP_SEARCH_KEYS_MAX];
	struct imap_search s;

	if (!imap_take_search(&p, &s) || !imap_take_end(&p)) {
		check_error(&p, in);
		return;
	}
	check(s.n > 1 && s.keys[0].kind == IMAP_KEY_AND && s.keys[0].end == s.n);
	for (uint32_t i = 0; i < s.n; i++) {
		const struct imap_key *key = &s.keys[i];
		size_t n = 0;

		for (uint32_t at = i + 1; at < key->end; at = s.keys[at].end) {
			check(s.keys[at].end > at && s.keys[at].end <= key->end);
			n++;
		}
		check(key->kind == IMAP_KEY_AND ? n >= 1 : key->kind == IMAP_KEY_OR ? n == 2 :
		    key->kind == IMAP_KEY_NOT ? n == 1 : n == 0);
		check(key->children == n && (i == 0 || key->parent < i));
	}
	imap_search_begin(&s, states);
	check(imap_search_go(&s, IMAP_COST_ALL, match, NULL, states) != IMAP_UNKNOWN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heap *heap = heap_create(256 << 20);
	struct arena arena = arena_init(heap, IMAP_PARSE_ARENA_MAX);
	struct imap_parse p;
	struct imap_flags flags;
	slice in = slice_of(data, size), name;

	if (size <= IMAP_COMMAND_MAX) {
		check_fetch(in, &arena, heap);
		arena_reset(&arena);
		check_search(in, &arena, heap);
		arena_reset(&arena);
		p = imap_parse_begin(in, &arena);
		if (!imap_take_flags(&p, true, &flags))
			check_error(&p, in);
		p = imap_parse_begin(in, &arena);
		if (!imap_take_mailbox(&p, false, &name) || !imap_take_end(&p))
			check_error(&p, in);
	}
	heap_drop(heap);
	return 0;
}
