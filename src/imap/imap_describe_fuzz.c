/* imap/imap_describe_fuzz.c - any bytes as a message: what FETCH says of it. The first octet says
 * how much room there is.
 *
 * For: imap/write.c imap/envelope.c imap/structure.c
 *
 * Holds: with room enough, both are of the grammar; with less, they are its beginning. */
#include "fuzz.h"

#include "imap/describe.h"
#include "imap/grammar_test.h"

static void look(const struct mime *m, bool extended, size_t room, struct heap *heap)
{
	struct buffer all = buffer_init(heap, SIZE_MAX / 2), less = buffer_init(heap, room);
	struct imap_writer whole = { .out = &all }, part = { .out = &less };
	slice text;

	imap_put_structure(&whole, m, extended, heap);
	imap_put_structure(&part, m, extended, heap);
	text = buffer_bytes(&all);
	check(!whole.full && slice_starts(text, buffer_bytes(&less)));
	check(part.full == (text.len > room));
	check(take_body(&text, extended) && text.len == 0);
	buffer_free(&all);
	buffer_free(&less);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heap *heap = heap_create(512 << 20);
	struct arena arena = arena_init(heap, MIME_ARENA_MAX);
	struct buffer out = buffer_init(heap, SIZE_MAX / 2);
	struct imap_writer w = { .out = &out };
	struct mime m;
	slice text;

	if (size > 0) {
		m = mime_parse(slice_of(data + 1, size - 1), &arena);
		look(&m, false, 4 * (size_t)data[0], heap);
		look(&m, true, 4 * (size_t)data[0], heap);
		imap_put_envelope(&w, m.parts[0].header, heap);
		text = buffer_bytes(&out);
		check(!w.full && take_envelope(&text) && text.len == 0);
	}
	heap_drop(heap);
	return 0;
}
