/* role/store_mark_test.c - what a mock's web marks stays marked, whoever looks. */
#include "role/store_web_world_test.h"

static void wait_seen(uint64_t account, uint32_t uid, bool seen)
{
	for (unsigned i = 0; i < WAIT_MS && find(account, uid)->seen != seen; i++)
		run_ms(1);
	assert_int_equal(find(account, uid)->seen, seen);
}

static void again(unsigned times)
{
	world.live[0] = 1000;
	world.n_live = 1;
	if (times % 2 == 0)
		cut_power();
	else
		kill_store();
	wait_watched(times);
}

/* Over a power cut, once it is answered; IMAP sees it, the uids that are not there do nothing. */
static void marks_stay(void **state)
{
	static const uint32_t some[] = { 1, 3, 99 }, first[] = { 1 };
	struct client c;

	begin(MOCK);
	for (uint32_t i = 0; i < 4; i++)
		deliver(i, 7, 100);
	wait_until(7, 4);
	assert_false(find(7, 1)->seen);
	mark(0, 7, true, some, 3);
	assert_int_equal(wait_state(0), 1);
	again(2);
	assert_true(find(7, 1)->seen && !find(7, 2)->seen && find(7, 3)->seen && !find(7, 4)->seen);
	imap_open(&c, 7);
	imap_select(&c, "INBOX", 4);
	expect(&c, "SEARCH SEEN", "* SEARCH 1 3\r\n");
	mark(1, 7, false, first, 1);
	assert_int_equal(wait_state(1), 1);
	expect(&c, "NOOP", "* 1 FETCH (");
	expect(&c, "SEARCH SEEN", "* SEARCH 3\r\n");
	/* Again, and an account that nobody has: nothing, and no folder for it. */
	mark(2, 7, false, first, 1);
	mark(3, 4711, true, first, 1);
	assert_int_equal(wait_state(2), 1);
	assert_int_equal(wait_state(3), 1);
	imap_logout(&c);
	again(3);
	assert_true(!find(7, 1)->seen && find(7, 3)->seen);
	assert_int_equal(web.n, 4);
	world_end();
}

/* Whoever else marks: the web hears of it, as far as it concerns INBOX. */
static void hears_of_marks(void **state)
{
	struct client c;
	unsigned before;

	begin(MOCK);
	deliver_all(0, 5, 7, 100);
	wait_until(7, 5);
	imap_open(&c, 7);
	imap_select(&c, "INBOX", 5);
	say(&c, "STORE 2:4 +FLAGS (\\Seen \\Flagged)", "OK");
	wait_seen(7, 4, true);
	assert_true(!find(7, 1)->seen && find(7, 2)->seen && find(7, 3)->seen && !find(7, 5)->seen);
	say(&c, "STORE 3 FLAGS (\\Answered)", "OK");
	wait_seen(7, 3, false);
	say(&c, "STORE 2 -FLAGS (\\Seen)", "OK");
	wait_seen(7, 2, false);
	say(&c, "STORE 1 FLAGS (\\Seen k)", "OK");
	wait_seen(7, 1, true);
	before = web.n_seen;
	say(&c, "STORE 1:5 +FLAGS (\\Flagged)", "OK");
	say(&c, "STORE 4 -FLAGS (k)", "OK");
	say(&c, "CREATE other", "OK");
	say(&c, "COPY 1:5 other", "OK");
	imap_select(&c, "other", 5);
	say(&c, "STORE 1:* FLAGS (\\Seen)", "OK");
	assert_int_equal(web.n_seen, before);
	/* What comes back is another message, as it was marked. */
	say(&c, "MOVE 1 INBOX", "OK");
	wait_until(7, 6);
	assert_true(web.known[web.n - 1].seen);
	append(&c, "INBOX", "(\\Seen) ", 100, "T7 OK");
	wait_until(7, 7);
	assert_true(web.known[web.n - 1].seen);
	imap_logout(&c);
	world_end();
}

/* More ranges than one message tells, each once. */
static void many_ranges(void **state)
{
	enum { MESSAGES = 2 * STORE_SEEN_RANGES + 400 };
	uint32_t *uids;

	begin(MOCK "mock.messages = 0\n");
	for (uint32_t i = 0; i < MESSAGES; i++)
		deliver(i, 7, 50);
	wait_until(7, MESSAGES);
	uids = heap_alloc(world.heap, MESSAGES * sizeof *uids);
	for (uint32_t i = 0; i < MESSAGES / 2; i++)
		uids[i] = 2 * i + 1;
	mark(0, 7, true, uids, MESSAGES / 2);
	assert_int_equal(wait_state(0), 1);
	assert_int_equal(web.n_seen, 2);
	for (uint32_t uid = 1; uid <= MESSAGES; uid++)
		assert_int_equal(find(7, uid)->seen, uid % 2);
	world_end();
}

/* The disk fails: what is answered 1 stays. Returns whether a call failed. */
static bool mark_with_failure(unsigned n)
{
	static const uint32_t some[] = { 1, 2 };
	struct os_faulty faulty;
	bool fired, ok;

	begin(MOCK);
	for (uint32_t i = 0; i < 3; i++)
		deliver(i, 7, 100);
	wait_until(7, 3);
	run_ms(100);
	os_faulty_wrap(&faulty, store_os());
	os_faulty_arm(&faulty, FAULT_ANY, n, -EIO);
	mark(0, 7, true, some, 2);
	ok = wait_state(0) == 1;
	assert_int_equal(find(7, 1)->seen, ok);
	fired = os_faulty_fired(&faulty);
	os_faulty_unwrap(&faulty);
	run_ms(STORE_RETRY_MAX_MS);
	mark(1, 7, true, some, 2);
	assert_int_equal(wait_state(1), 1);
	again(2);
	assert_true(find(7, 1)->seen && find(7, 2)->seen && !find(7, 3)->seen);
	world_end();
	return fired;
}

static void a_disk_that_fails(void **state)
{
	unsigned n = 1;

	while (mark_with_failure(n))
		n++;
	assert_true(n > 2);
}

/* What it may not: the store ends it, and goes on. */
static void breaks_the_protocol(void **state)
{
	static const uint32_t wrong[] = { 3, 2 }, right[] = { 2, 3 };

	for (unsigned i = 0; i < 4; i++) {
		begin(i == 0 ? "domains = here.example\nlab = yes\n" : MOCK);
		run_ms(20);
		if (i == 0)
			mark(0, 7, true, right, 2);
		else if (i == 1)
			mark(0, 7, true, wrong, 2);
		else if (i == 2)
			mark(0, 7, 2, right, 2);
		else
			mark(0, 7, true, right, 0);
		deliver(0, 7, 100);
		assert_int_equal(wait_result(0), DELIVERY_DURABLE);
		assert_true(store_is_there());
		assert_int_equal(web.states[0], NO_RESULT);
		assert_int_equal(web.n_joined, 2);
		world_end();
	}
}

UNIT_TESTS(cmocka_unit_test(marks_stay), cmocka_unit_test(hears_of_marks),
    cmocka_unit_test(many_ranges), cmocka_unit_test(a_disk_that_fails),
    cmocka_unit_test(breaks_the_protocol))
