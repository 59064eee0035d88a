/* role/store_quota_test.c - what goes beyond a quota is refused by IMAP, what was taken is delivered,
 * and the directory hears who is full. See store_world_test.h, store_imap_world_test.h. */
#include "role/store_imap_world_test.h"

enum { ALICE = 7, BOB = 8 };

static const slice twenty = slice_lit("eighteen octets...\r\n");

/* ---- the directory ---- */

static void limit(uint64_t account, uint64_t bytes)
{
	struct ipc_channel *peer = to_store(world.directory);
	struct buffer *out = ipc_begin(peer, IPC_QUOTAS);

	put_u32(out, 1);
	put_u64(out, account);
	put_u64(out, bytes);
	ipc_end(peer, -1);
	run_ms(10);
}

static void that_is_all(void)
{
	put_u32(ipc_begin(to_store(world.directory), IPC_QUOTAS), 0);
	ipc_end(to_store(world.directory), -1);
	run_ms(10);
}

static bool is_full(uint64_t account)
{
	run_ms(10);
	return world.full >> account & 1;
}

static void expect_held(uint64_t account, const char *want)
{
	struct ipc_channel *peer = to_store(world.directory);
	struct buffer *out;

	buffer_truncate(&world.answer, 0);
	out = ipc_begin(peer, IPC_HELD);
	put_u64(out, ++world.asked);
	put_u64(out, account);
	ipc_end(peer, -1);
	for (unsigned i = 0; i < WAIT_MS && buffer_bytes(&world.answer).len == 0; i++)
		run_ms(1);
	if (!has(buffer_bytes(&world.answer), want))
		fail_msg("no %s in %.*s", want, slice_arg(buffer_bytes(&world.answer)));
}

static void begin(const char *extra, uint64_t bytes)
{
	world_begin_as(1, extra);
	if (bytes > 0)
		limit(ALICE, bytes);
	that_is_all();
}

static void expunge(const char *set)
{
	struct client c;
	char command[64];

	imap_open(&c, ALICE);
	say(&c, "SELECT INBOX", "OK");
	snprintf(command, sizeof command, "STORE %s +FLAGS (\\Deleted)", set);
	say(&c, command, "OK");
	say(&c, "EXPUNGE", "OK");
	imap_logout(&c);
}

/* ---- */

#define OVER "NO [OVERQUOTA] the account has no room for it"

static void nothing_comes_beyond(void **state)
{
	struct client c;

	begin("", 100 * 1024);
	imap_open(&c, ALICE);
	expect(&c, "GETQUOTAROOT INBOX", "* QUOTA \"\" (STORAGE 0 100)\r\n");
	append(&c, "INBOX", "", 60 * 1024, "T7 OK [APPENDUID");
	expect(&c, "GETQUOTA \"\"", "(STORAGE 61 100)");
	append(&c, "INBOX", "", 60 * 1024, "T7 " OVER);
	/* It is not even sent. */
	say(&c, "APPEND INBOX {61440}", OVER);
	/* Several, together. */
	client_say(&c, "T7 APPEND INBOX {30000}\r\n", "+ ");
	client_until(&c, "\r\n");
	for (unsigned i = 0; i < 30000 / 20; i++)
		stream_write(c.stream, twenty);
	client_say(&c, " {30000}\r\n", "T7 " OVER);
	client_until(&c, "\r\n");
	expect(&c, "STATUS INBOX (MESSAGES)", "(MESSAGES 1)");
	imap_select(&c, "INBOX", 1);
	say(&c, "CREATE Other", "OK");
	say(&c, "COPY 1 Other", OVER);
	/* What adds nothing goes on: to move, to mark, to expunge. */
	say(&c, "MOVE 1 Other", "OK");
	imap_select(&c, "Other", 1);
	say(&c, "STORE 1 +FLAGS (\\Deleted)", "OK");
	expect(&c, "STATUS Other (DELETED DELETED-STORAGE SIZE)", "(DELETED 1 SIZE 614");
	expect(&c, "STATUS Other (DELETED-STORAGE)", "(DELETED-STORAGE 614");
	say(&c, "EXPUNGE", "OK");
	expect(&c, "GETQUOTA \"\"", "(STORAGE 0 100)");
	append(&c, "INBOX", "", 60 * 1024, "T7 OK [APPENDUID");
	imap_logout(&c);
	/* Another one has no limit. */
	imap_open(&c, BOB);
	say(&c, "GETQUOTA \"\"", "NO [NONEXISTENT]");
	append(&c, "INBOX", "", 200 * 1024, "T7 OK [APPENDUID");
	imap_logout(&c);
	assert_int_equal(world.n_full, 0);
	world_end();
}

/* To the last byte, and not one more. */
static void exactly(void **state)
{
	struct client c;

	begin("", 5000);
	imap_open(&c, ALICE);
	say(&c, "APPEND INBOX {5001}", OVER);
	client_say(&c, "T7 APPEND INBOX {5000}\r\n", "+ ");
	for (unsigned i = 0; i < 5000 / 20; i++)
		stream_write(c.stream, twenty);
	client_say(&c, "\r\n", "T7 OK [APPENDUID");
	client_until(&c, "\r\n");
	assert_true(is_full(ALICE));
	say(&c, "APPEND INBOX {1}", OVER);
	imap_logout(&c);
	world_end();
}

/* What is on its way counts: of two at once that have room for one, one comes. */
static void two_at_once(void **state)
{
	struct client c[2];
	slice text;
	unsigned ok = 0;

	begin("", 100 * 1024);
	text = body_text(1, 60 * 1024);
	for (unsigned i = 0; i < 2; i++) {
		char line[64];

		imap_open(&c[i], ALICE);
		snprintf(line, sizeof line, "T7 APPEND INBOX {%zu}\r\n", text.len);
		client_say(&c[i], line, "+ ");
		client_until(&c[i], "\r\n");
	}
	for (unsigned i = 0; i < 2; i++) {
		stream_write(c[i].stream, text);
		stream_write(c[i].stream, slice_lit("\r\n"));
	}
	for (unsigned i = 0; i < 2; i++) {
		client_until(&c[i], "T7 ");
		ok += slice_starts(client_rest(&c[i]), slice_lit("OK"));
		client_until(&c[i], "\r\n");
	}
	assert_int_equal(ok, 1);
	expect(&c[0], "STATUS INBOX (MESSAGES)", "(MESSAGES 1)");
	imap_logout(&c[0]);
	imap_logout(&c[1]);
	world_end();
}

/* ---- deliveries ---- */

static void what_was_taken_is_delivered(void **state)
{
	begin("", 10 * 1024);
	deliver_all(0, 1, ALICE, 9000);
	assert_false(is_full(ALICE));
	deliver_all(1, 1, ALICE, 9000);
	assert_true(is_full(ALICE));
	deliver_all(2, 3, ALICE, 9000);
	deliver_all(5, 1, BOB, 50000);
	assert_true(is_full(ALICE));
	assert_int_equal(world.n_full, 1);
	expect_held(ALICE, "\"messages\":5");
	expunge("1:3");
	assert_true(is_full(ALICE));
	expunge("1");
	assert_false(is_full(ALICE));
	assert_int_equal(world.n_full, 2);
	world_end();
}

static void limits_change(void **state)
{
	begin("", 10 * 1024);
	deliver_all(0, 2, ALICE, 9000);
	assert_true(is_full(ALICE));
	limit(ALICE, 100 * 1024);
	assert_false(is_full(ALICE));
	limit(ALICE, 5 * 1024);
	assert_true(is_full(ALICE));
	limit(ALICE, UINT64_MAX);
	assert_false(is_full(ALICE));
	limit(ALICE, 5 * 1024);
	limit(ALICE, 0);
	assert_false(is_full(ALICE));
	/* Nothing of it was read yet: then it is by the first question. */
	kill_store();
	limit(ALICE, 5 * 1024);
	that_is_all();
	assert_false(is_full(ALICE));
	expect_held(ALICE, "\"messages\":2");
	assert_true(is_full(ALICE));
	/* Or by the sweep. */
	world.full = 0;
	kill_store();
	limit(ALICE, 5 * 1024);
	that_is_all();
	run_ms(STORE_SWEEP_FIRST_MS - 60 * 1000);
	assert_false(is_full(ALICE));
	run_ms(61 * 1000);
	assert_true(is_full(ALICE));
	world_end();
}

static void what_is_configured(void **state)
{
	struct client c;

	begin("mailbox.quota = 10K\n", 0);
	deliver_all(0, 2, ALICE, 9000);
	deliver_all(2, 1, BOB, 9000);
	assert_true(is_full(ALICE));
	assert_false(is_full(BOB));
	limit(ALICE, 20 * 1024);
	assert_false(is_full(ALICE));
	limit(BOB, UINT64_MAX);
	imap_open(&c, BOB);
	say(&c, "GETQUOTA \"\"", "NO [NONEXISTENT]");
	append(&c, "INBOX", "", 20 * 1024, "T7 OK [APPENDUID");
	imap_logout(&c);
	assert_false(is_full(BOB));
	limit(BOB, 0);
	assert_true(is_full(BOB));
	world_end();
}

/* Before the directory told all, nobody has a limit; a new one hears who is full. */
static void directory_and_store_come_again(void **state)
{
	begin("mailbox.quota = 10K\n", 0);
	deliver_all(0, 2, ALICE, 9000);
	assert_true(is_full(ALICE));
	world.full = 0;
	sim_kill(sim_host_process(world.host, "directory"));
	for (unsigned i = 0; i < 100; i++)
		run_ms(10);
	wait_for_store();
	assert_false(is_full(ALICE));
	limit(BOB, 5000);
	assert_false(is_full(ALICE));
	that_is_all();
	assert_true(is_full(ALICE));
	/* What this one says of ALICE is another limit. */
	sim_kill(sim_host_process(world.host, "directory"));
	for (unsigned i = 0; i < 100; i++)
		run_ms(10);
	wait_for_store();
	world.full = 0;
	limit(ALICE, 50 * 1024);
	that_is_all();
	assert_false(is_full(ALICE));
	limit(ALICE, 0);
	assert_true(is_full(ALICE));
	/* A new store knows it once the account is read, for a message say. */
	world.full = 0;
	kill_store();
	that_is_all();
	assert_false(is_full(ALICE));
	deliver_all(2, 1, ALICE, 100);
	assert_true(is_full(ALICE));
	remove_account(ALICE);
	run_ms(1000);
	assert_false(is_full(ALICE));
	world_end();
}

UNIT_TESTS(cmocka_unit_test(nothing_comes_beyond), cmocka_unit_test(exactly),
    cmocka_unit_test(two_at_once), cmocka_unit_test(what_was_taken_is_delivered),
    cmocka_unit_test(limits_change), cmocka_unit_test(what_is_configured),
    cmocka_unit_test(directory_and_store_come_again))
