/* journal/record_fuzz.c - any bytes as a COMMIT record, a delivery, a parked
 * delivery, a fact of the done log; any text as a message id.
 *
 * For: journal/record.c journal/delivery.c journal/parked.c journal/message_id.c
 *
 * Holds: what is taken is written back as the same bytes, keeps every bound of
 * limits.h, and points into its input; an id that is read prints as one that reads
 * the same. */
#include "fuzz.h"

#include "base/limits.h"
#include "journal/delivery.h"
#include "journal/parked.h"
#include "journal/record.h"
#include "journal/tracker.h"

static bool within(slice part, slice whole)
{
	return part.len == 0 ||
	    (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_commit(slice in, const struct journal_commit *c)
{
	check(c->sender.len <= SEALED_ADDRESS_MAX && within(c->sender, in));
	check(c->trace.len <= JOURNAL_TRACE_MAX && within(c->trace, in));
	check(c->n_recipients > 0 && c->n_recipients <= JOURNAL_RECIPIENTS_MAX);
	for (size_t i = 0; i < c->n_recipients; i++)
		check(c->sealed[i].len <= SEALED_MAX && within(c->sealed[i], in));
	check(within(c->body.frames, in));
	check(c->body.frames.len == (c->body.spool == 0 ? c->body.stored : 0));
}

static void check_delivery(slice in, const struct delivery *d)
{
	check(d->sender.len <= SEALED_ADDRESS_MAX && within(d->sender, in));
	check(d->trace.len <= JOURNAL_TRACE_MAX && within(d->trace, in));
	check(d->n_targets > 0 && d->n_targets <= DELIVERY_TARGETS_MAX);
	for (size_t i = 0; i < d->n_targets; i++) {
		check(d->targets[i].delivered_to.len <= SEALED_ADDRESS_MAX);
		check(within(d->targets[i].delivered_to, in));
	}
	check(within(d->body.frames, in));
}

static void fuzz_commit(slice in, struct arena *arena, struct buffer *out)
{
	struct journal_commit commit;

	if (!journal_commit_read(in, arena, &commit))
		return;
	check_commit(in, &commit);
	journal_commit_write(&commit, out);
	check(slice_equal(buffer_bytes(out), in));
}

static void fuzz_delivery(slice in, struct arena *arena, struct buffer *out)
{
	struct bytes at = bytes_init(in);
	struct delivery delivery;

	if (!delivery_read(&at, arena, &delivery))
		return;
	check_delivery(in, &delivery);
	check(delivery.body.frames.len <= DELIVERY_INLINE_MAX);
	delivery_write(&delivery, out);
	check(slice_equal(buffer_bytes(out), slice_head(in, in.len - at.rest.len)));
}

static void fuzz_parked(slice in, struct arena *arena, struct buffer *out)
{
	struct delivery delivery;
	slice frames;

	if (!parked_read(in, arena, &delivery))
		return;
	check_delivery(in, &delivery);
	frames = delivery.body.frames;
	delivery.body.frames = (slice){ 0 };
	parked_write(&delivery, out);
	buffer_add(out, frames);
	check(slice_equal(buffer_bytes(out), in));
}

static void fuzz_id(slice in)
{
	struct message_id id, again;
	char text[MESSAGE_ID_TEXT];
	size_t n;

	if (!message_id_parse(in, &id))
		return;
	n = message_id_print(id, text);
	check(n == strlen(text) && n <= 27);
	check(message_id_parse(slice_of(text, n), &again) && message_id_equal(id, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const readers[])(slice in, struct arena *arena, struct buffer *out) = {
		fuzz_commit, fuzz_delivery, fuzz_parked,
	};
	struct done_fact fact;
	slice in = fuzz_copy(slice_of(data, len));

	for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct arena arena = arena_init(heap, 1 << 20);
		struct buffer out = buffer_init(heap, SIZE_MAX / 2);

		readers[i](in, &arena, &out);
		heap_drop(heap);
	}
	fuzz_id(in);
	for (uint8_t type = 0; type < 4; type++) {
		if (done_fact_read(type, in, &fact))
			check(fact.above.len <= 4 * DONE_ABOVE_MAX && within(fact.above, in));
	}
	fuzz_free(in);
	return 0;
}
