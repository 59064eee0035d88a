/* journal/record_test.c - ids, COMMIT records and deliveries there and back,
 * cut and changed at every byte. */
#include "journal/record.h"

#include "base/limits.h"
#include "journal/delivery.h"
#include "unit.h"

struct fixture {
	struct heap *heap;
	struct arena arena;
	struct buffer out;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	f->heap = heap_create(SIZE_MAX);
	f->arena = arena_init(f->heap, 1 << 20);
	f->out = buffer_init(f->heap, 1 << 21);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	heap_drop(f->heap);
	free(f);
	return 0;
}

/* ---- message ids ---- */

static void test_id_text(void **state)
{
	const struct {
		struct message_id id;
		const char *text;
	} cases[] = {
		{ { 0, 0, 0 }, "0.0.0" },
		{ { 3, 79, 0x123456789abcdef0 }, "3.14d2pf2dbsqqg.2f" },
		{ { UINT16_MAX, UINT32_MAX, UINT64_MAX }, "1zzz.fzzzzzzzzzzzz.3zzzzzz" },
		{ { 1, 1, 1 }, "1.1.1" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[MESSAGE_ID_TEXT];
		struct message_id have;
		size_t len = message_id_print(cases[i].id, text);

		assert_string_equal(text, cases[i].text);
		assert_int_equal(len, strlen(text));
		assert_true(message_id_parse(slice_from(text), &have));
		assert_true(message_id_equal(have, cases[i].id));
	}
}

static void test_id_bad_text(void **state)
{
	const char *const cases[] = {
		"", ".", "..", "...", "1", "1.2", "1.2.", ".1.2", "1..2", "1.2.3.", "1.2.3.4",
		"1.2.3 ", " 1.2.3", "1.2.u", "2000.1.1", "1.1.4000000", "1.g0000000000000.1",
		"1.zzzzzzzzzzzzz.1", "1.2.-3", "00000000000000000000.1.1.1.1.1.11",
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct message_id have = { 9, 9, 9 };

		if (message_id_parse(slice_from(cases[i]), &have))
			fail_msg("\"%s\" was taken", cases[i]);
		assert_int_equal(have.sequence, 9);
	}
	assert_false(message_id_equal((struct message_id){ 1, 2, 3 },
	    (struct message_id){ 1, 2, 4 }));
	assert_false(message_id_equal((struct message_id){ 1, 2, 3 },
	    (struct message_id){ 1, 3, 3 }));
	assert_false(message_id_equal((struct message_id){ 1, 2, 3 },
	    (struct message_id){ 2, 2, 3 }));
}

/* ---- COMMIT ---- */

static slice sealed[] = {
	{ (const unsigned char *)"first seal", 10 }, { (const unsigned char *)"", 0 },
	{ (const unsigned char *)"third", 5 },
};

static struct journal_commit commit_sample(bool spooled)
{
	return (struct journal_commit){
		.transaction = 0xfeedbeef12345678,
		.received_us = 1700000000000000,
		.sender = slice_lit("alice@alice.example"),
		.trace = slice_lit("Received: from x\r\n"),
		.flags = JOURNAL_SMTPUTF8 | JOURNAL_SUBMISSION,
		.n_recipients = 3,
		.sealed = sealed,
		.body = { 1000, spooled ? 700000 : 6, 77, spooled ? 42 : 0,
		          spooled ? (slice){ 0 } : slice_lit("frames") },
	};
}

static void test_commit(void **state)
{
	struct fixture *f = *state;

	for (int spooled = 0; spooled < 2; spooled++) {
		struct journal_commit want = commit_sample(spooled), have;
		slice raw;

		buffer_truncate(&f->out, 0);
		journal_commit_write(&want, &f->out);
		raw = guarded_copy(buffer_bytes(&f->out));
		assert_true(journal_commit_read(raw, &f->arena, &have));
		assert_int_equal(have.transaction, want.transaction);
		assert_int_equal(have.received_us, want.received_us);
		assert_int_equal(have.flags, want.flags);
		assert_slice(have.sender, want.sender);
		assert_slice(have.trace, want.trace);
		assert_int_equal(have.n_recipients, 3);
		for (size_t i = 0; i < 3; i++)
			assert_slice(have.sealed[i], sealed[i]);
		assert_int_equal(have.body.size, want.body.size);
		assert_int_equal(have.body.stored, want.body.stored);
		assert_int_equal(have.body.checksum, want.body.checksum);
		assert_int_equal(have.body.spool, want.body.spool);
		assert_slice(have.body.frames, want.body.frames);
		guarded_free(raw);
	}
}

static void test_commit_cut(void **state)
{
	struct fixture *f = *state;

	for (int spooled = 0; spooled < 2; spooled++) {
		struct journal_commit want = commit_sample(spooled), have;
		slice all;

		buffer_truncate(&f->out, 0);
		journal_commit_write(&want, &f->out);
		all = buffer_bytes(&f->out);
		for (size_t len = 0; len < all.len; len++) {
			slice raw = guarded_copy(slice_head(all, len));

			assert_false(journal_commit_read(raw, &f->arena, &have));
			guarded_free(raw);
		}
	}
}

/* Longer than it says, too many, of another version. */
static void test_commit_bad(void **state)
{
	struct fixture *f = *state;
	struct journal_commit want = commit_sample(false), have;
	unsigned char *raw;
	size_t len, n_at = 1 + 8 + 8 + 2 + 4 + 19 + 4 + 18;

	journal_commit_write(&want, &f->out);
	len = buffer_bytes(&f->out).len;
	raw = buffer_reserve(&f->out, 1) - len;
	raw[len] = 0;
	assert_true(journal_commit_read(slice_of(raw, len), &f->arena, &have));
	assert_false(journal_commit_read(slice_of(raw, len + 1), &f->arena, &have));
	raw[0]++;
	assert_false(journal_commit_read(slice_of(raw, len), &f->arena, &have));
	raw[0]--;
	assert_int_equal(raw[n_at], 3);
	raw[n_at] = 0;
	assert_false(journal_commit_read(slice_of(raw, len), &f->arena, &have));
	raw[n_at + 1] = 0xff;
	assert_false(journal_commit_read(slice_of(raw, len), &f->arena, &have));
	/* A sender over the bound, though its bytes are there. */
	raw[n_at] = 3;
	raw[n_at + 1] = 0;
	raw[19 + 2] = 1;
	assert_false(journal_commit_read(slice_of(raw, len), &f->arena, &have));
}

/* An arena that is too small is a refusal, not the end of the process. */
static void test_commit_no_memory(void **state)
{
	struct fixture *f = *state;
	struct journal_commit want = commit_sample(false), have;
	struct arena small = arena_init(f->heap, sizeof(slice));

	journal_commit_write(&want, &f->out);
	assert_false(journal_commit_read(buffer_bytes(&f->out), &small, &have));
}

/* ---- deliveries ---- */

static struct delivery_target targets[] = {
	{ 0, 11, { (const unsigned char *)"bob@alice.example", 17 } },
	{ 65535, UINT64_MAX, { (const unsigned char *)"", 0 } },
};

static struct delivery delivery_sample(bool inlined)
{
	return (struct delivery){
		.id = { 4, 9, 0x1122334455667788 },
		.received_us = -5,
		.sender = slice_lit(""),
		.trace = slice_lit("Received: from y\r\n"),
		.n_targets = 2,
		.targets = targets,
		.body = { 10, inlined ? 6 : 90000, 123, inlined ? 0 : 55,
		          inlined ? slice_lit("frames") : (slice){ 0 } },
		.body_offset = 4096,
	};
}

static void test_delivery(void **state)
{
	struct fixture *f = *state;

	for (int inlined = 0; inlined < 2; inlined++) {
		struct delivery want = delivery_sample(inlined), have;
		struct bytes in;
		slice raw;

		buffer_truncate(&f->out, 0);
		delivery_write(&want, &f->out);
		raw = guarded_copy(buffer_bytes(&f->out));
		in = bytes_init(raw);
		assert_true(delivery_read(&in, &f->arena, &have));
		assert_true(bytes_end(&in));
		assert_true(message_id_equal(have.id, want.id));
		assert_int_equal(have.received_us, -5);
		assert_slice(have.sender, want.sender);
		assert_slice(have.trace, want.trace);
		assert_int_equal(have.n_targets, 2);
		for (size_t i = 0; i < 2; i++) {
			assert_int_equal(have.targets[i].recipient, targets[i].recipient);
			assert_int_equal(have.targets[i].account, targets[i].account);
			assert_slice(have.targets[i].delivered_to, targets[i].delivered_to);
		}
		assert_int_equal(have.body.stored, want.body.stored);
		assert_int_equal(have.body.size, want.body.size);
		assert_int_equal(have.body.checksum, want.body.checksum);
		assert_int_equal(have.body.spool, want.body.spool);
		assert_int_equal(have.body_offset, want.body_offset);
		assert_slice(have.body.frames, want.body.frames);
		for (size_t len = 0; len < raw.len; len++) {
			slice cut = guarded_copy(slice_head(raw, len));

			in = bytes_init(cut);
			assert_false(delivery_read(&in, &f->arena, &have));
			guarded_free(cut);
		}
		guarded_free(raw);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT_TESTS(TEST(test_id_text), TEST(test_id_bad_text), TEST(test_commit), TEST(test_commit_cut),
    TEST(test_commit_bad), TEST(test_commit_no_memory), TEST(test_delivery))
