/* role/store_undelete_test.c - what was expunged is listed and brought back, or goes for good. */
#include "os/os_faulty.h"
#include "role/store_imap_world_test.h"

enum { ALICE = 7 };

/* ---- the administrator ---- */

static void ask(const char *request)
{
	struct ipc_channel *peer = to_store(world.directory);
	struct buffer *out;

	buffer_truncate(&world.answer, 0);
	out = ipc_begin(peer, IPC_UNDELETE);
	put_u64(out, ++world.asked);
	put_u64(out, ALICE);
	put_slice(out, slice_from(request));
	ipc_end(peer, -1);
}

static slice answer(void)
{
	for (unsigned i = 0; i < WAIT_MS && buffer_bytes(&world.answer).len == 0; i++)
		run_ms(1);
	return buffer_bytes(&world.answer);
}

/* The answer has these words, each. */
static void expect_answer(const char *request, const char *const *words)
{
	slice got;

	ask(request);
	got = answer();
	for (; *words != NULL; words++) {
		if (!has(got, *words))
			fail_msg("%s: no %s in %.*s", request, *words, slice_arg(got));
	}
}

#define EXPECT(request, ...) expect_answer(request, (const char *const[]){ __VA_ARGS__, NULL })

static void expect_no(const char *request, const char *word)
{
	ask(request);
	assert_true(answer().len > 0);
	if (has(answer(), word))
		fail_msg("%s: %s in %.*s", request, word, slice_arg(answer()));
}

#define LIST "{\"command\":\"undelete list\"}"
#define ALL "{\"command\":\"undelete restore\",\"all\":true}"

/* ---- clients ---- */

static void expunge(const char *mailbox, unsigned exists, const char *set)
{
	struct client c;
	char command[64];

	imap_open(&c, ALICE);
	imap_select(&c, mailbox, exists);
	snprintf(command, sizeof command, "STORE %s +FLAGS (\\Deleted \\Flagged)", set);
	say(&c, command, "OK");
	say(&c, "EXPUNGE", "OK");
	imap_logout(&c);
}

static void expect_messages(const char *mailbox, unsigned exists)
{
	struct client c;

	imap_open(&c, ALICE);
	imap_select(&c, mailbox, exists);
	imap_logout(&c);
}

static void comes_back(void **state)
{
	struct client c;

	world_begin(1);
	deliver_all(0, 5, ALICE, 300);
	EXPECT(LIST, "{\"ok\":true,\"rows\":[]}");
	EXPECT(ALL, "there is nothing that can be brought back");
	expunge("INBOX", 5, "2,4");
	EXPECT(LIST, "\"id\":6,\"mailbox\":\"INBOX\",\"mailbox_gone\":false",
	    "\"subject\":\"message 1\"", "\"id\":7,", "\"subject\":\"message 3\"");
	/* Somebody who has the mailbox open is told, as of mail that comes. */
	imap_open(&c, ALICE);
	imap_select(&c, "INBOX", 3);
	EXPECT("{\"command\":\"undelete restore\",\"ids\":[7,7]}", "\"messages\":1,",
	    "{\"mailbox\":\"INBOX\",\"to\":\"INBOX\",\"made\":false,\"messages\":1}");
	expect(&c, "NOOP", "* 4 EXISTS\r\n");
	/* It keeps its flags, but for the one that would take it away again. */
	expect(&c, "FETCH 4 (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])", "message 3");
	expect(&c, "FETCH 4 FLAGS", "\\Flagged");
	assert_false(has(say(&c, "FETCH 4 FLAGS", "OK"), "\\Deleted"));
	imap_logout(&c);
	EXPECT("{\"command\":\"undelete restore\",\"ids\":[6,7]}", "no message 7 can be brought back");
	expect_no(LIST, "\"id\":7");
	EXPECT(LIST, "\"id\":6");
	cut_power();
	expect_messages("INBOX", 4);
	EXPECT(ALL, "\"messages\":1,");
	EXPECT(LIST, "{\"ok\":true,\"rows\":[]}");
	expect_messages("INBOX", 5);
	world_end();
}

static void what_pop3_deletes_too(void **state)
{
	struct client c;

	world_begin(1);
	deliver_all(0, 3, ALICE, 300);
	client_open(&c, ALICE);
	client_until(&c, "+OK");
	client_say(&c, "DELE 1\r\n", "+OK");
	client_say(&c, "DELE 3\r\n", "+OK");
	client_quit(&c);
	EXPECT(LIST, "message 0", "message 2");
	EXPECT(ALL, "\"messages\":2,");
	expect_messages("INBOX", 3);
	world_end();
}

/* To where it was; a mailbox that is gone is made again, with its levels; one of that name
 * that was made since takes them. */
static void to_where_it_was(void **state)
{
	struct client c;

	world_begin(1);
	deliver_all(0, 4, ALICE, 300);
	imap_open(&c, ALICE);
	say(&c, "CREATE work/2026", "OK");
	say(&c, "CREATE old", "OK");
	imap_select(&c, "INBOX", 4);
	say(&c, "MOVE 1:2 work/2026", "OK");
	say(&c, "MOVE 1 old", "OK");
	say(&c, "DELETE work/2026", "OK");
	say(&c, "DELETE work", "OK");
	say(&c, "DELETE old", "OK");
	say(&c, "CREATE old", "OK");
	imap_logout(&c);
	EXPECT(LIST, "\"mailbox\":\"work/2026\",\"mailbox_gone\":true", "\"mailbox\":\"old\"");
	EXPECT("{\"command\":\"undelete list\",\"mailbox\":\"nowhere\"}", "\"rows\":[]");
	expect_no("{\"command\":\"undelete list\",\"mailbox\":\"old\"}", "work");
	EXPECT("{\"command\":\"undelete restore\",\"all\":true,\"mailbox\":\"old\"}",
	    "{\"mailbox\":\"old\",\"to\":\"old\",\"made\":false,\"messages\":1}");
	EXPECT(ALL, "{\"mailbox\":\"work/2026\",\"to\":\"work/2026\",\"made\":true,\"messages\":2}");
	expect_messages("work/2026", 2);
	expect_messages("old", 1);
	expect_messages("INBOX", 1);
	world_end();
}

static void a_long_list_comes_in_parts(void **state)
{
	unsigned n = 0, parts = 0;
	char request[100] = LIST;
	const char *more = "";

	world_begin(1);
	deliver_all(0, 100, ALICE, 300);
	expunge("INBOX", 100, "1:100");
	while (more != NULL) {
		slice got;

		ask(request);
		got = answer();
		for (size_t at = 0; at < got.len; at++)
			n += slice_starts(slice_drop(got, at), slice_lit("\"id\":"));
		more = strstr(slice_cstr(&world.arena, got), "\"more\":");
		if (more != NULL)
			snprintf(request, sizeof request, "{\"command\":\"undelete list\",\"after\":"
			    "%.*s}", (int)strcspn(more + 7, "}"), more + 7);
		parts++;
	}
	assert_int_equal(n, 100);
	assert_int_equal(parts, 100 / STORE_UNDELETE_ROWS + 1);
	EXPECT(ALL, "\"messages\":100,");
	expect_messages("INBOX", 100);
	world_end();
}

static void bad_requests_are_told(void **state)
{
	world_begin(1);
	EXPECT("{\"command\":\"undelete all\"}", "no such command of undelete");
	EXPECT("rubbish", "no such command of undelete");
	EXPECT("{\"command\":\"undelete restore\"}", "it takes numbers of messages, or all");
	EXPECT("{\"command\":\"undelete restore\",\"ids\":[1]}", "no message 1 can be brought back");
	EXPECT("{\"command\":\"undelete restore\",\"ids\":[-1]}", "no message -1 ");
	EXPECT("{\"command\":\"undelete restore\",\"ids\":[4294967296]}", "no message 4294967296 ");
	EXPECT("{\"command\":\"undelete restore\",\"ids\":[\"x\"]}", "no message 0 ");
	EXPECT("{\"command\":\"undelete list\",\"since\":-1}", "nothing is kept for so long");
	EXPECT("{\"command\":\"undelete list\",\"after\":\"4294967295\"}", "no message has that");
	world_end();
	world_begin_as(1, "domains = here.example\nmock = yes\nrelay = no\n");
	EXPECT(LIST, "a mock keeps nothing");
	world_end();
}

/* ---- it goes for good ---- */

enum { DAY_MS = 24 * 3600 * 1000 };

static void goes_after_its_time(void **state)
{
	world_begin_as(1, "mailbox.undelete = 3d\n");
	world.received_us = 1;
	deliver_all(0, 6, ALICE, 300);
	expunge("INBOX", 6, "1:2");
	run_ms(2 * DAY_MS);
	expunge("INBOX", 4, "1:2");
	EXPECT(LIST, "message 0", "message 1", "message 2", "message 3");
	EXPECT("{\"command\":\"undelete list\",\"since\":86400}", "message 2", "message 3");
	expect_no("{\"command\":\"undelete list\",\"since\":86400}", "message 0");
	run_ms(2 * DAY_MS);
	expect_no(LIST, "message 1");
	EXPECT(LIST, "message 2", "message 3");
	cut_power();
	run_ms(2 * DAY_MS);
	EXPECT(LIST, "{\"ok\":true,\"rows\":[]}");
	expect_messages("INBOX", 2);
	world_end();
}

static void goes_at_once_when_nothing_is_kept(void **state)
{
	world_begin_as(1, "mailbox.undelete = 0\n");
	deliver_all(0, 3, ALICE, 300);
	expunge("INBOX", 3, "1");
	EXPECT(LIST, "{\"ok\":true,\"rows\":[]}");
	expect_messages("INBOX", 2);
	world_end();
}

/* ---- failures ---- */

/* Messages that are there, and those that can be brought back. */
static uint64_t count(void)
{
	struct client c;
	slice got;
	uint64_t n;

	imap_open(&c, ALICE);
	got = say(&c, "STATUS INBOX (MESSAGES)", "OK");
	got = slice_drop(got, slice_find(got, slice_lit("(MESSAGES ")) + strlen("(MESSAGES "));
	assert_true(slice_to_u64(slice_head(got, slice_find_byte(got, ')')), 1000, &n));
	imap_logout(&c);
	ask(LIST);
	got = answer();
	for (size_t at = 0; at < got.len; at++)
		n += slice_starts(slice_drop(got, at), slice_lit("\"id\":"));
	return n;
}

/* A restoring in which the n-th disk call fails, and then the power. */
static bool restore_with_failure(unsigned n, bool new_life, bool all_after)
{
	struct os_faulty faulty;
	bool fired, ok;

	world_begin(1);
	deliver_all(0, 4, ALICE, 300);
	expunge("INBOX", 4, "1:3");
	if (new_life)
		kill_store();
	os_faulty_wrap(&faulty, store_os());
	os_faulty_arm(&faulty, FAULT_ANY, n, n % 3 == 0 ? -ENOSPC : -EIO);
	faulty.all_after = all_after;
	ask("{\"command\":\"undelete restore\",\"ids\":[5,7]}");
	ok = has(answer(), "\"ok\":true");
	if (!ok)
		assert_true(has(answer(), "{\"error\":"));
	fired = os_faulty_fired(&faulty);
	os_faulty_unwrap(&faulty);
	run_ms(STORE_RETRY_MAX_MS + 1000);
	if (n % 5 == 0)
		cut_power();
	/* Each is there once, here or there. */
	assert_int_equal(count(), 4);
	if (ok)
		expect_messages("INBOX", 3);
	world_end();
	return fired;
}

static void each_disk_call_may_fail(void **state)
{
	unsigned calls[2] = { 0 };

	for (int new_life = 0; new_life < 2; new_life++) {
		while (restore_with_failure(calls[new_life] + 1, new_life, false))
			calls[new_life]++;
		for (unsigned n = 1; restore_with_failure(n, new_life, true); n += 3)
			;
	}
	assert_true(calls[0] >= 2);
	assert_true(calls[1] > 20);
}

/* A sweep in which the n-th fails: the next one does it. */
static bool sweep_with_failure(unsigned n)
{
	struct os_faulty faulty;
	bool fired;

	world_begin_as(1, "mailbox.undelete = 1d\n");
	world.received_us = 1;
	deliver_all(0, 4, ALICE, 300);
	expunge("INBOX", 4, "1:3");
	os_faulty_wrap(&faulty, store_os());
	os_faulty_arm(&faulty, FAULT_ANY, n, -EIO);
	run_ms(DAY_MS + 8 * 3600 * 1000);
	fired = os_faulty_fired(&faulty);
	os_faulty_unwrap(&faulty);
	run_ms(8 * 3600 * 1000);
	assert_int_equal(count(), 1);
	world_end();
	return fired;
}

static void disk_calls_of_a_sweep_may_fail(void **state)
{
	unsigned n = 1;

	while (sweep_with_failure(n))
		n += 2;
	assert_true(n > 10);
}

UNIT_TESTS(cmocka_unit_test(comes_back), cmocka_unit_test(what_pop3_deletes_too),
    cmocka_unit_test(to_where_it_was), cmocka_unit_test(a_long_list_comes_in_parts),
    cmocka_unit_test(bad_requests_are_told), cmocka_unit_test(goes_after_its_time),
    cmocka_unit_test(goes_at_once_when_nothing_is_kept),
    cmocka_unit_test(each_disk_call_may_fail),
    cmocka_unit_test(disk_calls_of_a_sweep_may_fail))
