/* role/store_imap_digest_test.c - what a store remembers of messages that were read. See
 * store_imap_world_test.h. */
#include "account/slot.h"
#include "role/store_imap_world_test.h"

static struct buffer answer(struct client *c, const char *command)
{
	struct buffer b = buffer_init(world.heap, SIZE_MAX / 2);

	buffer_add(&b, say(c, command, "OK"));
	return b;
}

static void same_answer(struct client *c, const char *command, const struct buffer *want)
{
	struct buffer got = answer(c, command);

	if (!slice_equal(buffer_bytes(&got), buffer_bytes(want)))
		fail_msg("%s: %.*s, not %.*s", command, slice_arg(buffer_bytes(&got)),
		    slice_arg(buffer_bytes(want)));
	buffer_free(&got);
}

static void open_inbox(struct client *c, unsigned exists)
{
	imap_open(c, 7);
	imap_select(c, "INBOX", exists);
}

static void look_digest(void *context, const struct sim_disk_file *file)
{
	*(size_t *)context += slice_ends(slice_from(file->path), slice_lit(".digest"));
}

static size_t count_digests(void)
{
	size_t n = 0;

	sim_disk_each(world.host, look_digest, &n);
	return n;
}

static void unlink_file(void (*path_of)(uint64_t account, uint32_t number,
    char ret_path[ACCOUNT_PATH_MAX]))
{
	char path[ACCOUNT_PATH_MAX];

	path_of(7, 1, path);
	assert_int_equal(os_unlink(store_os(), OS_ROOT, path), 0);
}

/* What was read once is answered without the messages, in this life and the next, for any
 * session and for copies; and what is remembered may go. */
static void headers_are_remembered(void **state)
{
	static const char asked[] = "FETCH 1:* (UID ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER])";
	static const size_t sizes[] = { 100, 5000, 300 * 1000, 3 * 1000 * 1000, 200 };
	struct buffer first, found;
	struct client a, b;

	world_begin(1);
	for (uint32_t i = 0; i < 5; i++)
		deliver_all(i, 1, 7, sizes[i]);
	open_inbox(&a, 5);
	assert_int_equal(count_digests(), 0);
	first = answer(&a, asked);
	assert_int_equal(count_digests(), 1);
	found = answer(&a, "SEARCH SUBJECT \"message 3\"");
	assert_true(has(buffer_bytes(&found), "SEARCH 4\r\n"));
	say(&a, "CREATE Copies", "OK");
	say(&a, "COPY 1:* Copies", "OK");
	unlink_file(account_pack_path);
	same_answer(&a, asked, &first);
	open_inbox(&b, 5);
	same_answer(&b, asked, &first);
	imap_logout(&b);
	imap_logout(&a);
	kill_store();
	open_inbox(&a, 5);
	same_answer(&a, asked, &first);
	same_answer(&a, "SEARCH SUBJECT \"message 3\"", &found);
	imap_select(&a, "Copies", 5);
	expect(&a, "SEARCH SUBJECT \"message 2\"", "SEARCH 3\r\n");
	/* More than is remembered. */
	say(&a, "FETCH 1 BODY.PEEK[]", "NO [CORRUPTION]");
	imap_logout(&a);
	unlink_file(account_digest_path);
	kill_store();
	open_inbox(&a, 5);
	say(&a, asked, "NO [CORRUPTION]");
	imap_logout(&a);
	buffer_free(&first);
	buffer_free(&found);
	world_end();
}

/* Of who goes nothing stays, whatever was at work. */
static void nothing_is_remembered_of_the_removed(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct client a, b;

		world_begin(seed);
		deliver_all(0, 5, 7, 2000);
		open_inbox(&a, 5);
		open_inbox(&b, 5);
		if (seed % 4 == 0)
			say(&a, "FETCH 1:* ENVELOPE", "OK");
		stream_write(a.stream, slice_lit("T7 FETCH 1:* ENVELOPE\r\n"));
		stream_write(b.stream, slice_lit("T7 SEARCH SUBJECT 1\r\n"));
		run_ms(seed % 3);
		remove_account(7);
		for (unsigned i = 0; i < WAIT_MS && !(a.closed && b.closed); i++)
			run_ms(1);
		assert_true(a.closed && b.closed);
		client_close(&a);
		client_close(&b);
		run_ms(5000);
		assert_int_equal(count_digests(), 0);
		world_end();
	}
}

UNIT_TESTS(cmocka_unit_test(headers_are_remembered), cmocka_unit_test(nothing_is_remembered_of_the_removed))
