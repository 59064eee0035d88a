/* role/store_watch_test.c - what a mock's web is told, given and may expunge. */
#include "role/store_web_world_test.h"

/* What is there first, then what comes; each once. */
static void hears_of_all(void **state)
{
	begin(MOCK);
	wait_watched(1);
	for (uint32_t i = 0; i < 10; i++)
		deliver(i, 7 + i % 3, 100);
	wait_until(7, 4);
	wait_until(8, 3);
	wait_until(9, 3);
	/* At once, not with some later checkpoint. */
	deliver(10, 7, 100);
	assert_int_equal(wait_result(10), DELIVERY_DURABLE);
	wait_until(7, 5);
	world.live[world.n_live++] = 1000;
	kill_store();
	wait_watched(2);
	assert_int_equal(count(7), 5);
	assert_int_equal(count(9), 3);
	cut_power();
	wait_watched(3);
	assert_int_equal(count(7), 5);
	deliver(11, 9, 100);
	wait_until(9, 4);
	world_end();
}

/* More than a channel takes at once. */
static void hears_of_many(void **state)
{
	begin(MOCK "mock.messages = 0\n");
	for (uint32_t i = 0; i < MESSAGES_MAX; i++)
		deliver(i, 7, 50);
	wait_until(7, MESSAGES_MAX);
	for (uint32_t i = 0; i < 41; i++)
		world.live[world.n_live < 8 ? world.n_live++ : 7] = 1000 + i;
	kill_store();
	wait_watched(2);
	assert_int_equal(count(7), MESSAGES_MAX);
	world_end();
}

static void reads_them(void **state)
{
	begin(MOCK);
	deliver(0, 7, 100);
	deliver(1, 7, 900 * 1000);
	deliver(2, 7, 40 * 1000);
	wait_until(7, 3);
	for (unsigned i = 0; i < 3; i++)
		fetch(i, &web.known[i]);
	for (uint32_t i = 0; i < 3; i++)
		expect_body(i, i);
	assert_true(buffer_bytes(&web.bodies[1]).len > 900 * 1000);
	/* Where there is none. */
	fetch(3, &(struct known){ .account = 7, .uid = 1, .pack = web.known[0].pack, .offset = 7 });
	assert_int_equal(wait_state(3), BODY_FAILED);
	fetch(4, &(struct known){ .account = 8, .uid = 1, .pack = 1 });
	assert_int_equal(wait_state(4), BODY_FAILED);
	fetch(5, &(struct known){ .account = 7, .uid = 1, .pack = UINT32_MAX, .offset = UINT32_MAX });
	assert_int_equal(wait_state(5), BODY_FAILED);
	world_end();
}

static void expunges(void **state)
{
	static const uint32_t some[] = { 2, 3, 99 };
	struct client c;

	begin(MOCK);
	for (uint32_t i = 0; i < 6; i++)
		deliver(i, 7, 100);
	wait_until(7, 6);
	expunge(0, 7, some, 3);
	assert_int_equal(wait_state(0), 1);
	wait_until(7, 4);
	assert_true(find(7, 2)->gone && find(7, 3)->gone && !find(7, 4)->gone);
	expunge(1, 7, some, 2);         /* they are gone already */
	expunge(2, 8, some, 2);         /* of an account that has nothing */
	assert_int_equal(wait_state(1), 1);
	assert_int_equal(wait_state(2), 1);
	client_open(&c, 7);
	client_until(&c, "+OK");
	client_say(&c, "STAT\r\n", "+OK 4 ");
	expunge(3, 7, NULL, 0);         /* all, beside a session that sees them */
	assert_int_equal(wait_state(3), 1);
	assert_int_equal(count(7), 0);
	client_say(&c, "DELE 1\r\n", "+OK");
	client_quit(&c);
	deliver(6, 7, 100);
	wait_until(7, 1);
	world.live[world.n_live++] = 1000;
	cut_power();
	wait_watched(2);
	assert_int_equal(count(7), 1);
	world_end();
}

/* Whoever expunges: POP3, or the number that a mailbox holds. */
static void hears_what_goes(void **state)
{
	struct client c;

	begin(MOCK "mock.messages = 3\n");
	for (uint32_t i = 0; i < 20; i++)
		deliver(i, 7, 100);
	for (unsigned i = 0; i < WAIT_MS && (find(7, 20) == NULL || count(7) != 3); i++)
		run_ms(1);
	assert_int_equal(count(7), 3);
	client_open(&c, 7);
	client_until(&c, "+OK");
	client_say(&c, "DELE 2\r\n", "+OK");
	client_quit(&c);
	wait_until(7, 2);
	assert_true(find(7, 19)->gone);
	world_end();
}

/* A session's QUIT and the web's wish at once: both are done, none counts twice. */
static void both_at_once(void **state)
{
	static const uint32_t some[] = { 1, 2, 3 };
	struct client c;

	begin(MOCK);
	for (unsigned round = 0; round < 20; round++) {
		uint32_t uids[3], n = 3 * round;

		for (uint32_t i = 0; i < 3; i++) {
			deliver(n + i, 7, 100);
			uids[i] = n + some[i];
		}
		wait_until(7, 3);
		client_open(&c, 7);
		client_until(&c, "+OK");
		client_say(&c, "DELE 1\r\n", "+OK");
		client_say(&c, "DELE 2\r\n", "+OK");
		expunge(round, 7, uids, 3);
		for (unsigned i = 0; i < round; i++)
			run_ms(i % 2);
		client_quit(&c);
		assert_int_equal(wait_state(round), 1);
		assert_int_equal(count(7), 0);
	}
	world.live[world.n_live++] = 1000;
	kill_store();
	wait_watched(2);
	assert_int_equal(count(7), 0);
	world_end();
}

/* The disk fails: nothing is called gone that is there, and later it goes. */
static bool expunge_with_failure(unsigned n)
{
	static const uint32_t some[] = { 1, 2 };
	struct os_faulty faulty;
	bool fired, ok;

	begin(MOCK);
	for (uint32_t i = 0; i < 4; i++)
		deliver(i, 7, 100);
	wait_until(7, 4);
	run_ms(100);
	os_faulty_wrap(&faulty, store_os());
	os_faulty_arm(&faulty, FAULT_ANY, n, -EIO);
	expunge(0, 7, some, 2);
	ok = wait_state(0) == 1;
	assert_int_equal(count(7), ok ? 2 : 4);
	fired = os_faulty_fired(&faulty);
	os_faulty_unwrap(&faulty);
	run_ms(STORE_RETRY_MAX_MS);
	expunge(1, 7, some, 2);
	assert_int_equal(wait_state(1), 1);
	assert_int_equal(count(7), 2);
	world_end();
	return fired;
}

static void a_disk_that_fails(void **state)
{
	unsigned n = 1;

	while (expunge_with_failure(n))
		n++;
	assert_true(n > 2);
}

/* One message, whoever it was for. */
static void one_for_all_recipients(void **state)
{
	static const uint64_t accounts[] = { 7, 8, 7, 7 };
	slice got;

	begin(MOCK);
	deliver_to(0, accounts, 4, 100);
	assert_int_equal(wait_result(0), DELIVERY_DURABLE);
	wait_until(7, 1);
	wait_until(8, 1);
	fetch(0, find(7, 1));
	expect_body(0, 0);
	got = buffer_bytes(&web.bodies[0]);
	assert_true(slice_find(got, slice_lit("\r\nDelivered-To: to@here\r\nDelivered-To: to@here\r\n"
	    "Delivered-To: to@here\r\nReceived: ")) < got.len);
	for (unsigned i = 0; i < WAIT_MS && world.answers[0] < 4; i++)
		run_ms(1);
	assert_int_equal(world.answers[0], 4);
	/* Handed over again, it is still that one. */
	deliver_to(0, accounts + 2, 2, 100);
	for (unsigned i = 0; i < WAIT_MS && world.answers[0] < 6; i++)
		run_ms(1);
	run_ms(100);
	assert_int_equal(count(7), 1);
	world_end();
}

/* What it may not: the store ends it, and goes on. */
static void breaks_the_protocol(void **state)
{
	for (unsigned i = 0; i < 5; i++) {
		static const uint32_t wrong[] = { 3, 2 };

		begin(i == 0 ? "domains = here.example\n" : MOCK);
		web.silent = i == 1 || i == 2;
		run_ms(20);
		if (i == 1 || i == 2)
			kill_store();
		else
			run_ms(20);
		switch (i) {
		case 1:
			fetch(0, &(struct known){ .account = 7 });
			break;
		case 2:
			expunge(0, 7, NULL, 0);
			break;
		case 3:
			expunge(0, 7, wrong, 2);
			break;
		case 4:
			ipc_send(to_store(web.frame), IPC_WATCH);
			break;
		}
		deliver(0, 7, 100);
		assert_int_equal(wait_result(0), DELIVERY_DURABLE);
		assert_true(store_is_there());
		world_end();
	}
}

UNIT_TESTS(cmocka_unit_test(hears_of_all), cmocka_unit_test(hears_of_many),
    cmocka_unit_test(reads_them), cmocka_unit_test(expunges), cmocka_unit_test(hears_what_goes),
    cmocka_unit_test(both_at_once), cmocka_unit_test(a_disk_that_fails),
    cmocka_unit_test(one_for_all_recipients), cmocka_unit_test(breaks_the_protocol))
