/* role/store_test.c - deliveries are durable when they are answered, there once, and read
 * back as they were; sessions, and what they cost. See store_world_test.h. */
#include "role/store_world_test.h"

static void delivered_and_read(void **state)
{
	static const size_t sizes[] = { 10, 5000, 100 * 1000, BODY_FRAME_RAW, 3 * 1000 * 1000 };
	struct client c;

	world_begin(1);
	for (uint32_t i = 0; i < 5; i++) {
		deliver(i, 7, sizes[i]);
		assert_int_equal(wait_result(i), DELIVERY_DURABLE);
	}
	client_open(&c, 7);
	client_until(&c, "+OK");
	client_say(&c, "STAT\r\n", "+OK 5 ");
	for (uint32_t i = 0; i < 5; i++)
		expect_message(&c, i + 1, i, sizes[i]);
	client_say(&c, "TOP 5 3\r\n", "+OK");
	assert_true(client_until(&c, "\r\n.\r\n").len < 300);
	client_quit(&c);
	/* Nothing for another account. */
	client_open(&c, 8);
	client_until(&c, "+OK");
	client_say(&c, "STAT\r\n", "+OK 0 0\r\n");
	client_quit(&c);
	world_end();
}

/* The router says that a source is over when all of it was answered, or goes away. */
static void sources(void **state)
{
	struct client c;

	world_begin(1);
	for (uint32_t n = 0; n < 40; n++) {
		deliver(n, 7 + n % 3, n % 7 == 1 ? 300 * 1000 : 3000);
		if (n % 8 == 7) {
			for (uint32_t i = n - 7; i <= n; i++)
				assert_int_equal(wait_result(i), DELIVERY_DURABLE);
			source_is_over();
		}
	}
	/* What it has waits for the disk, not for the router. */
	for (uint32_t n = 40; n < 44; n++)
		deliver(n, 7, 3000);
	run_ms(1);
	source_is_over();
	for (uint32_t n = 40; n < 44; n++)
		assert_int_equal(wait_result(n), DELIVERY_DURABLE);
	client_open(&c, 7);
	client_until(&c, "+OK");
	client_say(&c, "STAT\r\n", "+OK 18 ");
	for (uint32_t i = 0; i < 14; i++)
		expect_message(&c, i + 1, 3 * i, 3 * i % 7 == 1 ? 300 * 1000 : 3000);
	for (uint32_t i = 0; i < 4; i++)
		expect_message(&c, 15 + i, 40 + i, 3000);
	client_quit(&c);
	world_end();
}

/* One body can't be read, or is another: others of the same flight go on, and later its
 * account. However often it comes again, it costs nothing that stays. */
static void a_source_that_does_not_hold(void **state)
{
	enum { BAD = 5, TRIES = 12 };
	unsigned files[2];
	struct client c;

	for (int rots = 0; rots < 2; rots++) {
		world_begin(1);
		for (unsigned tries = 0; tries < TRIES; tries++) {
			memset(world.results, NO_RESULT, sizeof world.results);
			for (uint32_t n = 1; n < 12; n += 2) {
				world.segment_skip = n == BAD && !rots ? 100 * 1000 : 0;
				world.segment_rots = n == BAD && rots;
				deliver(n, 7 + n / 2, 3000);
			}
			world.segment_rots = false;
			for (uint32_t n = 1; n < 12; n += 2)
				assert_int_equal(wait_result(n), n == BAD ? DELIVERY_LATER :
				    DELIVERY_DURABLE);
		}
		count_files(files);
		assert_int_equal(files[0], 6);
		assert_int_equal(files[1], 6);
		deliver(21, 7 + BAD / 2, 3000);
		assert_int_equal(wait_result(21), DELIVERY_DURABLE);
		world.results[BAD] = NO_RESULT;
		deliver(BAD, 7 + BAD / 2, 3000);
		assert_int_equal(wait_result(BAD), DELIVERY_DURABLE);
		client_open(&c, 7 + BAD / 2);
		client_until(&c, "+OK");
		client_say(&c, "STAT\r\n", "+OK 2 ");
		expect_message(&c, 1, 21, 3000);
		expect_message(&c, 2, BAD, 3000);
		client_quit(&c);
		world_end();
	}
}

/* Whoever looks into a mailbox that never got anything leaves nothing open. */
static void a_session_of_a_new_account(void **state)
{
	struct client c;
	unsigned files[2];
	size_t before;

	world_begin(1);
	before = sim_descriptors(store_os());
	for (int i = 0; i < 3; i++) {
		client_open(&c, 7);
		client_until(&c, "+OK");
		client_say(&c, "STAT\r\n", "+OK 0 0\r\n");
		client_quit(&c);
	}
	run_ms(1000);
	assert_int_equal(sim_descriptors(store_os()), before);
	count_files(files);
	assert_int_equal(files[0], 0);
	deliver(0, 7, 300);
	assert_int_equal(wait_result(0), DELIVERY_DURABLE);
	client_open(&c, 7);
	client_until(&c, "+OK");
	expect_message(&c, 1, 0, 300);
	client_quit(&c);
	world_end();
}

/* While mail never stops coming: how long the first waits. */
static uint64_t first_waits_ms(unsigned accounts)
{
	uint64_t waited;

	world_begin(1);
	for (waited = 0; world.results[0] == NO_RESULT && waited < 2 * STORE_CHECKPOINT_FEW_MS;
	    waited += STORE_QUIET_MS / 2) {
		uint32_t n = (uint32_t)(waited / (STORE_QUIET_MS / 2));

		deliver(n, 7 + n % accounts, 100);
		run_ms(STORE_QUIET_MS / 2);
	}
	assert_int_equal(world.results[0], DELIVERY_DURABLE);
	world_end();
	return waited;
}

static void few_messages_wait_for_more(void **state)
{
	assert_in_range(first_waits_ms(2), STORE_CHECKPOINT_MS, STORE_CHECKPOINT_MS + 500);
	assert_in_range(first_waits_ms(200), STORE_CHECKPOINT_FEW_MS,
	    STORE_CHECKPOINT_FEW_MS + 1000);
}

static void exactly_once(void **state)
{
	struct client c;
	uint64_t both[2] = { 7, 9 };

	world_begin(1);
	deliver(0, 7, 100);
	deliver(0, 7, 100);
	run_ms(1500);
	assert_int_equal(world.answers[0], 2);
	assert_int_equal(world.results[0], DELIVERY_DURABLE);
	deliver(0, 7, 100);
	run_ms(1500);
	assert_int_equal(world.answers[0], 3);
	/* The same after a new life, for which the key is in the log. */
	world.live[world.n_live++] = 1000;
	kill_store();
	deliver(0, 7, 100);
	deliver_to(1, both, 2, 100);
	run_ms(1500);
	assert_int_equal(world.answers[0], 4);
	assert_int_equal(world.answers[1], 2);
	for (int i = 0; i < 2; i++) {
		client_open(&c, both[i]);
		client_until(&c, "+OK");
		client_say(&c, "STAT\r\n", i == 0 ? "+OK 2 " : "+OK 1 ");
		client_quit(&c);
	}
	world_end();
}

static void deleted_at_quit_only(void **state)
{
	struct client c;
	slice before, after;

	world_begin(1);
	for (uint32_t i = 0; i < 4; i++)
		deliver(i, 7, 100);
	run_ms(1500);
	client_open(&c, 7);
	client_until(&c, "+OK");
	client_say(&c, "DELE 2\r\n", "+OK");
	client_close(&c);
	client_open(&c, 7);
	client_until(&c, "+OK");
	client_say(&c, "UIDL\r\n", "+OK");
	before = client_until(&c, "\r\n.\r\n");
	before = slice_drop(before, slice_find(before, slice_lit("\r\n4 ")) + 4);
	client_say(&c, "DELE 1\r\nDELE 3\r\n", "+OK");
	client_quit(&c);
	for (int life = 0; life < 2; life++) {
		struct client d;

		client_open(&d, 7);
		client_until(&d, "+OK");
		client_say(&d, "STAT\r\n", "+OK 2 ");
		expect_message(&d, 1, 1, 100);
		expect_message(&d, 2, 3, 100);
		client_say(&d, "UIDL\r\n", "+OK");
		after = client_until(&d, "\r\n.\r\n");
		after = slice_drop(after, slice_find(after, slice_lit("\r\n2 ")) + 4);
		assert_int_equal(after.len, slice_find(after, slice_lit(".")) + 2);
		assert_int_equal(after.ptr[after.len - 1], '4');
		client_quit(&d);
		if (life == 0)
			kill_store();
	}
	(void)before;
	world_end();
}

static void one_session_at_a_time(void **state)
{
	struct client a, b;

	world_begin(1);
	client_open(&a, 7);
	client_until(&a, "+OK");
	client_open(&b, 7);
	client_until(&b, "-ERR [IN-USE]");
	for (int i = 0; i < 1000 && !b.closed; i++)
		run_ms(10);
	assert_true(b.closed);
	client_close(&b);
	/* One that comes while the first is on its way out waits for that. */
	client_open(&b, 7);
	run_ms(100);
	client_quit(&a);
	client_until(&b, "+OK");
	client_quit(&b);
	client_open(&a, 7);
	client_until(&a, "+OK");
	/* What comes during a session is for the next, and is durable soon. */
	deliver(0, 7, 100);
	run_ms(500);
	assert_int_equal(world.results[0], DELIVERY_DURABLE);
	client_say(&a, "STAT\r\n", "+OK 0 0\r\n");
	client_quit(&a);
	client_open(&a, 7);
	client_until(&a, "+OK");
	client_say(&a, "STAT\r\n", "+OK 1 ");
	/* A connection that is lost lets the next one in. */
	client_close(&a);
	client_open(&a, 7);
	client_until(&a, "+OK");
	client_quit(&a);
	world_end();
}

static void nonces(void **state)
{
	struct client c, d;

	world_begin(1);
	/* The login first; bytes that the edge had read; a pipeline. */
	login(world.nonce + 1, 7);
	run_ms(100);
	adopt(&c, "STAT\r\nNOOP\r\nQU");
	client_until(&c, "+OK");
	client_until(&c, "+OK 0 0\r\n");
	client_until(&c, "+OK");
	client_say(&c, "IT\r\n", "+OK");
	client_close(&c);
	/* A connection without a login, and one whose login is used up. */
	adopt(&c, "");
	world.nonce -= 1;
	run_ms(STORE_NONCE_MS / 2);
	assert_false(c.closed);
	run_ms(STORE_NONCE_MS);
	assert_true(c.closed);
	client_close(&c);
	login(500, 7);
	world.nonce = 499;
	adopt(&c, "");
	client_until(&c, "+OK");
	world.nonce = 499;
	adopt(&d, "");
	run_ms(2 * STORE_NONCE_MS);
	assert_true(d.closed);
	assert_int_equal(client_rest(&d).len, 0);
	client_quit(&c);
	client_close(&d);
	world_end();
}

static void a_login_that_nobody_uses_expires(void **state)
{
	struct client c;

	world_begin(1);
	login(world.nonce + 1, 7);
	run_ms(2 * STORE_NONCE_MS);
	adopt(&c, "");
	run_ms(2 * STORE_NONCE_MS);
	assert_true(c.closed);
	client_close(&c);
	world_end();
}

static void an_idle_session_ends(void **state)
{
	struct client c;

	world_begin(1);
	deliver(0, 7, 100);
	wait_result(0);
	client_open(&c, 7);
	client_until(&c, "+OK");
	client_say(&c, "DELE 1\r\n", "+OK");
	run_ms(world.config.pop3_timeout_s * 1000ULL - 5000);
	assert_false(c.closed);
	run_ms(60 * 1000);
	assert_true(c.closed);
	client_close(&c);
	client_open(&c, 7);
	client_until(&c, "+OK");
	client_say(&c, "STAT\r\n", "+OK 1 ");
	client_quit(&c);
	world_end();
}

static void removed(void **state)
{
	unsigned files[2];
	struct client c;

	world_begin(1);
	deliver(0, 7, 100 * 1000);
	wait_result(0);
	client_open(&c, 7);
	client_until(&c, "+OK");
	remove_account(7);
	run_ms(1000);
	assert_true(c.closed);
	client_close(&c);
	count_files(files);
	assert_int_equal(files[1], 0);
	world.live[world.n_live++] = 1000;
	for (uint32_t life = 0; life < 3; life++) {
		deliver(1 + life, 7, 100);
		assert_int_equal(wait_result(1 + life), DELIVERY_NO_ACCOUNT);
		if (life == 0)
			kill_store();
		else
			cut_power();
	}
	client_open(&c, 7);
	client_until(&c, "-ERR");
	client_close(&c);
	world_end();
}

/* An account that never had mail is removed for good as well. */
static void removed_before_its_first_message(void **state)
{
	world_begin(1);
	remove_account(7);
	deliver(0, 7, 100);
	assert_int_equal(wait_result(0), DELIVERY_NO_ACCOUNT);
	run_ms(2000);
	cut_power();
	deliver(1, 7, 100);
	assert_int_equal(wait_result(1), DELIVERY_NO_ACCOUNT);
	world_end();
}

static void many_accounts(void **state)
{
	enum { ACCOUNTS = 500 };
	struct client c;

	world_begin(1);
	for (uint32_t i = 0; i < 2 * ACCOUNTS; i++)
		deliver(i, 100 + i % ACCOUNTS, 300);
	for (uint32_t i = 0; i < 2 * ACCOUNTS; i++)
		assert_int_equal(wait_result(i), DELIVERY_DURABLE);
	cut_power();
	for (uint32_t i = 0; i < ACCOUNTS; i += 17) {
		client_open(&c, 100 + i);
		client_until(&c, "+OK");
		client_say(&c, "STAT\r\n", "+OK 2 ");
		expect_message(&c, 2, ACCOUNTS + i, 300);
		client_quit(&c);
	}
	world_end();
}

/* ---- many at once ---- */

enum { READERS = STORE_READS_MAX + 12 };

/* Sessions on accounts of their own that all want to read at once. */
static void start_readers(struct client c[READERS])
{
	for (uint32_t i = 0; i < READERS; i++)
		deliver(i, 100 + i, 400 * 1000);
	for (uint32_t i = 0; i < READERS; i++) {
		wait_result(i);
		deliver_until_durable(i, i, 100 + i, 400 * 1000);
	}
	for (uint32_t i = 0; i < READERS; i++) {
		client_open(&c[i], 100 + i);
		client_until(&c[i], "+OK");
		client_until(&c[i], "\r\n");
	}
	for (uint32_t i = 0; i < READERS; i++) {
		stream_pause(c[i].stream);      /* what is read stays with the store */
		stream_write(c[i].stream, slice_lit("RETR 1\r\n"));
		run_ms(5);              /* so that they come in this order */
	}
}

/* More readers than may read at once; some leave, others come to their turn. */
static void readers_take_turns(void **state)
{
	static struct client c[READERS];

	world_begin(1);
	start_readers(c);
	run_ms(2000);
	for (uint32_t i = 0; i < READERS; i++) {
		if (i % 9 != 0) {
			stream_resume(c[i].stream);
			continue;
		}
		stream_destroy(c[i].stream);
		buffer_free(&c[i].got);
	}
	for (uint32_t i = 0; i < READERS; i++) {
		if (i % 9 == 0)
			continue;
		client_until(&c[i], "message ");
		client_until(&c[i], "\r\n.\r\n");
		client_quit(&c[i]);
	}
	world_end();
}

/* One that reads and one that waits for its place end in the same turn. */
static void readers_end_together(void **state)
{
	static struct client c[READERS];

	world_begin(1);
	start_readers(c);
	run_ms(2000);
	remove_account(100);
	remove_account(100 + STORE_READS_MAX);
	for (uint32_t n = 1; n < READERS; n++)
		stream_resume(c[n].stream);
	for (uint32_t n = 1; n < READERS; n++) {
		if (n != STORE_READS_MAX)
			client_until(&c[n], "\r\n.\r\n");
		client_close(&c[n]);
	}
	world_end();
}

static void packs_roll_over(void **state)
{
	enum { MESSAGES = 30, SIZE = 8 * 1000 * 1000 };
	char path[ACCOUNT_PATH_MAX + 8] = "account/";
	struct client c;

	world_begin(1);
	for (uint32_t i = 0; i < MESSAGES; i++)
		deliver_until_durable(i, i, 7, SIZE);
	account_pack_path(7, 2, path + 8);
	assert_true(os_open(world.os, OS_ROOT, path, OS_READ) >= 0);
	account_pack_path(7, 3, path + 8);
	assert_true(os_open(world.os, OS_ROOT, path, OS_READ) < 0);
	cut_power();
	client_open(&c, 7);
	client_until(&c, "+OK");
	client_say(&c, "STAT\r\n", "+OK 30 ");
	expect_message(&c, 1, 0, SIZE);
	expect_message(&c, MESSAGES, MESSAGES - 1, SIZE);
	client_quit(&c);
	world_end();
}

static void drains(void **state)
{
	struct client c;

	world_begin(1);
	deliver(0, 7, 300);
	client_open(&c, 7);
	client_until(&c, "+OK");
	deliver(1, 8, 300);
	run_ms(1);
	keeper_drain(world.keeper, 5000);
	for (int i = 0; i < 20000 && !world.ended; i++)
		run_ms(1);
	assert_true(world.ended);
	buffer_free(&c.got);    /* the stream went with the edge */
	/* What it had taken is on disk, answered or not. */
	cut_power();
	client_open(&c, 8);
	client_until(&c, "+OK");
	client_say(&c, "STAT\r\n", "+OK 1 ");
	client_quit(&c);
	world_end();
}

UNIT_TESTS(cmocka_unit_test(delivered_and_read), cmocka_unit_test(sources),
    cmocka_unit_test(a_source_that_does_not_hold), cmocka_unit_test(few_messages_wait_for_more),
    cmocka_unit_test(a_session_of_a_new_account), cmocka_unit_test(exactly_once),
    cmocka_unit_test(deleted_at_quit_only), cmocka_unit_test(one_session_at_a_time),
    cmocka_unit_test(nonces), cmocka_unit_test(a_login_that_nobody_uses_expires),
    cmocka_unit_test(an_idle_session_ends), cmocka_unit_test(removed),
    cmocka_unit_test(removed_before_its_first_message), cmocka_unit_test(many_accounts),
    cmocka_unit_test(readers_take_turns), cmocka_unit_test(readers_end_together),
    cmocka_unit_test(packs_roll_over), cmocka_unit_test(drains))
