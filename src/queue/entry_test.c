/* queue/entry_test.c - what is written is read; anything cut short is not. */
#include "unit.h"

#include "base/limits.h"
#include "queue/entry.h"

static struct queue_recipient recipients[] = {
	{ 3, QUEUE_WAITING, slice_lit("a@x.example"), slice_lit("450 4.2.0 later") },
	{ 4, QUEUE_FAILED, slice_lit("b@x.example"), slice_lit("550 5.1.1 nobody") },
	{ 9, QUEUE_WAITING, slice_lit("c@x.example"), slice_lit("") },
};

static const struct queue_entry sample = {
	.number = 77, .id = { 1, 2, 3 }, .received_us = 1000, .next_us = 2000, .tries = 5,
	.reports = 1, .flags = QUEUE_HELD, .needs = 2, .sender = slice_lit("s@y.example"),
	.place = { QUEUE_PACKS, 12, 4096 }, .body = { 100, 50, 99 }, .n_recipients = 3,
	.recipients = recipients,
};

static void an_entry_is_read_as_written(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, SIZE_MAX);
	struct buffer out = buffer_init(heap, SIZE_MAX / 2);
	struct queue_entry e;
	slice whole;

	(void)state;
	queue_entry_write(&sample, &out);
	whole = buffer_bytes(&out);
	assert_true(queue_entry_read(whole, &arena, &e));
	assert_int_equal(e.number, 77);
	assert_true(message_id_equal(e.id, sample.id));
	assert_int_equal(e.received_us, 1000);
	assert_int_equal(e.next_us, 2000);
	assert_int_equal(e.tries, 5);
	assert_int_equal(e.reports, 1);
	assert_int_equal(e.flags, QUEUE_HELD);
	assert_int_equal(e.needs, 2);
	assert_slice(e.sender, sample.sender);
	assert_memory_equal(&e.place, &sample.place, sizeof e.place);
	assert_memory_equal(&e.body, &sample.body, sizeof e.body);
	assert_int_equal(e.n_recipients, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(e.recipients[i].index, recipients[i].index);
		assert_int_equal(e.recipients[i].state, recipients[i].state);
		assert_slice(e.recipients[i].address, recipients[i].address);
		assert_slice(e.recipients[i].reply, recipients[i].reply);
	}
	for (size_t n = 0; n < whole.len; n++)
		assert_false(queue_entry_read(slice_head(whole, n), &arena, &e));
	buffer_add(&out, slice_lit("x"));
	assert_false(queue_entry_read(buffer_bytes(&out), &arena, &e));
	heap_drop(heap);
}

static void a_number_is_read_as_written(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, 64);
	uint64_t number;

	(void)state;
	queue_number_write(0x123456789abcdef0u, &out);
	assert_true(queue_number_read(buffer_bytes(&out), &number));
	assert_true(number == 0x123456789abcdef0u);
	assert_false(queue_number_read(slice_head(buffer_bytes(&out), 7), &number));
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(an_entry_is_read_as_written),
    cmocka_unit_test(a_number_is_read_as_written))
