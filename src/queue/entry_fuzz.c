/* queue/entry_fuzz.c - any bytes as a record of the queue's log.
 *
 * For: queue/entry.c
 *
 * Holds: an entry that is taken is written back as the same bytes, keeps every bound of
 * limits.h, points into its input, and names a place; a number likewise. */
#include "fuzz.h"

#include "base/limits.h"
#include "queue/entry.h"

static bool within(slice part, slice whole)
{
	return part.len == 0 ||
	    (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_entry(slice in, const struct queue_entry *e)
{
	check(e->number != 0 && e->place.owner == QUEUE_PACKS && e->place.number != 0);
	check(e->sender.len <= SEALED_ADDRESS_MAX && within(e->sender, in));
	check(e->n_recipients > 0 && e->n_recipients <= QUEUE_RECIPIENTS_MAX);
	for (size_t i = 0; i < e->n_recipients; i++) {
		const struct queue_recipient *to = &e->recipients[i];

		check(to->state == QUEUE_WAITING || to->state == QUEUE_FAILED);
		check(to->address.len > 0 && to->address.len <= SEALED_ADDRESS_MAX);
		check(to->reply.len <= QUEUE_REPLY_MAX);
		check(within(to->address, in) && within(to->reply, in));
	}
}

static void fuzz_entry(slice in, struct arena *arena, struct buffer *out)
{
	struct queue_entry entry;

	if (!queue_entry_read(in, arena, &entry))
		return;
	check_entry(in, &entry);
	/* Whoever looks for the last word on an entry reads its number alone. */
	check(in.len > 9 && load_u64(in.ptr + 1) == entry.number);
	queue_entry_write(&entry, out);
	check(slice_equal(buffer_bytes(out), in));
}

static void fuzz_number(slice in, struct buffer *out)
{
	uint64_t number;

	if (!queue_number_read(in, &number))
		return;
	queue_number_write(number, out);
	check(slice_equal(buffer_bytes(out), in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	slice in = fuzz_copy(slice_of(data, len));
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 1 << 20);
	struct buffer out = buffer_init(heap, SIZE_MAX / 2);

	fuzz_entry(in, &arena, &out);
	buffer_free(&out);
	fuzz_number(in, &out);
	heap_drop(heap);
	fuzz_free(in);
	return 0;
}
