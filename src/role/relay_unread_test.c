/* role/relay_unread_test.c - bodies that the journal does not give when the queue asks
 * for them: nothing is called stored that is not, and nobody else waits. See
 * relay_world_test.h. */
#include "role/relay_strike_test.h"

enum { LARGE = 300 * 1000 };

/* Two domains; nobody listens. */
static void begin(uint64_t seed, const char *extra)
{
	world_begin(seed, extra);
	name_mx("x.example", 10, "a.example");
	name_a("a.example", 10);
	name_mx("y.example", 10, "b.example");
	name_a("b.example", 11);
}

/* The n-th read of the relay that lives; and all that follow. */
static void fail_reads(unsigned n, bool all)
{
	os_faulty_wrap(&faulty, process("relay"));
	os_faulty_arm(&faulty, FAULT_READ, n, -EIO);
	faulty.all_after = all;
}

static void listen_all(void)
{
	host_listen(world.hosts[0]);
	host_listen(world.hosts[1]);
}

static void assert_taken_once(void)
{
	for (uint32_t n = 0; n < world.n_messages; n++) {
		for (uint16_t i = 0; i < world.messages[n].n_targets; i++)
			assert_int_equal(world.messages[n].got[i], 1);
	}
	assert_int_equal(world.n_reports, 0);
}

/* A bit of the spool file of what was handed over last; again: back. */
static void turn_spool(void)
{
	unsigned char byte;
	int fd = os_open(world.os, OS_ROOT, "journal/spool", OS_READ | OS_WRITE);

	assert_int_equal(os_pread(world.os, fd, &byte, 1, 5000), 1);
	byte ^= 4;
	assert_int_equal(os_pwrite(world.os, fd, slice_of(&byte, 1), 5000), 0);
	os_close(world.os, fd);
}

static bool is_there(const char *path)
{
	int fd = os_open(world.os, OS_ROOT, path, OS_READ);

	os_close(world.os, fd);
	return fd >= 0;
}

static int64_t size_of_file(const char *path)
{
	int fd = os_open(world.os, OS_ROOT, path, OS_READ);
	int64_t size = os_size(world.os, fd);

	os_close(world.os, fd);
	return size;
}

/* ---- death ---- */

/* One body of two entries, and others beside it, while nothing can be read, or the n-th
 * call of any kind fails. Nobody listens until it is over: no doubles. */
static bool strike(enum how how, unsigned n)
{
	struct os *relay;
	bool struck;

	begin(n, "relay.retry = 1m\nrelay.retry_max = 1m\n");
	fail_reads(1, true);
	if (how == FAIL_DISK)
		os_faulty_arm(&faulty, FAULT_ANY, n, -EIO);
	else
		arm(how, n);
	deliver("x.example");
	deliver_sized("x.example y.example", LARGE);
	deliver("y.example x.example");
	go_on(60);
	struck = has_struck(how);
	os_faulty_unwrap(&faulty);
	sim_power_cut_after(world.host, 0);
	relay = process("relay");
	if (relay != NULL)
		sim_kill_after(relay, 0);
	listen_all();
	go_on(240);
	for (uint32_t m = 0; m < world.n_messages; m++) {
		for (uint16_t i = 0; i < world.messages[m].n_targets; i++) {
			if (world.messages[m].got[i] != 1)
				fail_msg("struck at %u: message %u target %u is there %u times",
				    n, m, i, world.messages[m].got[i]);
		}
	}
	assert_int_equal(world.n_reports, 0);
	assert_true(queue_is_empty());
	world_end();
	return struck;
}

STRIKE_TEST(the_relay_dies_meanwhile, KILL_RELAY)
STRIKE_TEST(power_is_cut_meanwhile, CUT_POWER)
STRIKE_TEST(the_disk_fails_anywhere, FAIL_DISK)

/* ---- neighbours ---- */

/* They are stored at once, in the same pack and the same chain, and stay. */
static void others_do_not_wait(void **state)
{
	begin(1, "relay.retry = 10m\n");
	fail_reads(1, false);
	deliver_sized("x.example y.example", LARGE);
	deliver_sized("x.example", LARGE);
	for (int i = 0; i < 3; i++)
		deliver("x.example y.example");
	wait_for(os_faulty_fired(&faulty), MINUTE_MS);
	run_ms(RELAY_RETRY_MS / 2);
	assert_false(world.messages[0].durable[0] || world.messages[0].durable[1]);
	for (uint32_t n = 1; n < 5; n++)
		assert_true(answered(n));
	os_faulty_unwrap(&faulty);
	run_ms(RELAY_RETRY_MS);
	assert_true(answered(0));
	assert_true(is_there("queue/001.log") && is_there("queue/pack/001.pack"));
	assert_int_equal(files_in("queue"), 2);
	assert_int_equal(files_in("queue/pack"), 1);
	cut_power();
	listen_all();
	wait_for(world.hosts[0]->taken + world.hosts[1]->taken == 9, HOUR_MS);
	run_ms(SECOND_MS);
	assert_taken_once();
	assert_true(queue_is_empty());
	world_end();
}

/* However long it takes; and what is left behind again and again takes no room. */
static void a_file_that_stays_bad(void **state)
{
	begin(1, "relay.retry = 10m\n");
	fail_reads(1, true);
	deliver_sized("x.example", LARGE);
	for (uint32_t n = 1; n <= 60; n++) {
		deliver("x.example");
		run_ms(10 * SECOND_MS);
		assert_true(answered(n));
		assert_false(answered(0));
	}
	assert_int_equal(files_in("queue/pack"), 1);
	assert_in_range(size_of_file("queue/pack/001.pack"), 1, LARGE);
	os_faulty_unwrap(&faulty);
	run_ms(RELAY_RETRY_MS + SECOND_MS);
	assert_true(answered(0));
	assert_in_range(size_of_file("queue/pack/001.pack"), LARGE / 2, 2 * LARGE);
	kill_role("relay");
	listen_all();
	wait_for(world.hosts[0]->taken == 61, HOUR_MS);
	assert_taken_once();
	world_end();
}

/* ---- not what the checksum says ---- */

/* A disk that gave other bytes once. */
static void a_bit_that_turns_back(void **state)
{
	begin(1, "relay.retry = 10m\n");
	deliver_sized("x.example y.example", LARGE);
	turn_spool();
	run_ms(RELAY_RETRY_MS / 2);
	assert_false(world.messages[0].durable[0] || world.messages[0].durable[1]);
	assert_int_equal(files_in("queue/pack"), 1);
	turn_spool();
	run_ms(RELAY_RETRY_MS);
	assert_true(answered(0));
	kill_role("relay");
	listen_all();
	wait_for(world.hosts[0]->taken + world.hosts[1]->taken == 2, HOUR_MS);
	run_ms(SECOND_MS);
	assert_taken_once();
	assert_true(queue_is_empty());
	world_end();
}

/* It is as lost there as here: the journal is not kept for it, and its sender hears. */
static void a_body_that_rotted(void **state)
{
	begin(1, "relay.retry = 10m\nrelay.retry_max = 10m\nrelay.expire = 1h\n");
	deliver_sized("x.example y.example", LARGE);
	turn_spool();
	run_ms(RELAY_RETRY_MS / 2);
	assert_false(world.messages[0].durable[0] || world.messages[0].durable[1]);
	run_ms(RELAY_RETRY_MS);
	assert_true(answered(0));
	deliver_sized("x.example", LARGE);
	run_ms(SECOND_MS);
	assert_true(answered(1));
	kill_role("relay");
	listen_all();
	wait_for(world.messages[1].got[0] == 1, HOUR_MS);
	wait_for(world.n_reports == 2, 2 * HOUR_MS);
	for (uint16_t i = 0; i < 2; i++) {
		assert_int_equal(world.messages[0].got[i], 0);
		assert_int_equal(world.messages[0].failures[i], 1);
	}
	assert_true(has(report(0), "4.3.0"));
	run_ms(SECOND_MS);
	assert_true(queue_is_empty());
	world_end();
}

/* ---- what comes meanwhile ---- */

static void another_router(void **state)
{
	begin(1, "relay.retry = 10m\n");
	fail_reads(1, true);
	deliver_sized("x.example y.example", LARGE);
	run_ms(2 * RELAY_RETRY_MS);
	kill_role("router");
	hand_over(0, true);
	run_ms(2 * RELAY_RETRY_MS);
	assert_false(world.messages[0].durable[0] || world.messages[0].durable[1]);
	os_faulty_unwrap(&faulty);
	run_ms(RELAY_RETRY_MS + SECOND_MS);
	assert_true(answered(0));
	assert_int_equal(world.messages[0].answers[0], 1);
	cut_power();
	listen_all();
	wait_for(world.hosts[0]->taken + world.hosts[1]->taken == 2, HOUR_MS);
	run_ms(SECOND_MS);
	assert_taken_once();
	world_end();
}

/* A drain ends without it; the next life is handed it again. */
static void a_drain(void **state)
{
	begin(1, "relay.retry = 1m\n");
	fail_reads(1, true);
	deliver_sized("x.example y.example", LARGE);
	deliver("x.example");
	run_ms(RELAY_RETRY_MS);
	keeper_drain(world.keeper, 1000);
	wait_for(world.ended, MINUTE_MS);
	os_faulty_unwrap(&faulty);
	assert_true(answered(1));
	assert_false(world.messages[0].durable[0] || world.messages[0].durable[1]);
	sim_kill(world.os);
	keeper_begin();
	go_on(10);
	assert_true(answered(0));
	listen_all();
	go_on(5 * 60);
	assert_taken_once();
	assert_true(queue_is_empty());
	world_end();
}

/* What nobody wants any more needs no body: it goes, and leaves nothing. */
static void what_is_dropped(void **state)
{
	begin(1, "relay.retry = 10m\n");
	fail_reads(1, true);
	deliver_sized("x.example y.example", LARGE);
	run_ms(RELAY_RETRY_MS / 2);
	assert_true(os_faulty_fired(&faulty));
	assert_true(has(queue_say("{\"command\":\"queue drop\",\"id\":\"all\"}"), "\"entries\":2"));
	run_ms(SECOND_MS);
	assert_true(answered(0));
	assert_true(queue_is_empty());
	/* Nothing is left to be written. */
	keeper_drain(world.keeper, 100 * SECOND_MS);
	wait_for(world.ended, 5 * SECOND_MS);
	os_faulty_unwrap(&faulty);
	sim_kill(world.os);
	keeper_begin();
	hand_over(0, true);
	listen_all();
	run_ms(HOUR_MS);
	assert_int_equal(world.hosts[0]->taken + world.hosts[1]->taken, 0);
	assert_int_equal(world.n_reports, 0);
	assert_true(queue_is_empty());
	world_end();
}

/* The host is there when it is tried again: then it needs no place in the queue. */
static void what_goes_out_meanwhile(void **state)
{
	begin(1, "relay.retry = 1s\nrelay.retry_max = 1s\n");
	fail_reads(1, false);
	deliver_sized("x.example y.example", LARGE);
	wait_for(os_faulty_fired(&faulty), MINUTE_MS);
	listen_all();
	wait_for(world.hosts[0]->taken + world.hosts[1]->taken == 2, MINUTE_MS);
	os_faulty_unwrap(&faulty);
	run_ms(SECOND_MS);
	assert_true(answered(0));
	assert_true(queue_is_empty());
	kill_role("relay");
	hand_over(0, true);
	run_ms(MINUTE_MS);
	assert_taken_once();
	assert_true(queue_is_empty());
	assert_int_equal(files_in("queue/pack"), 0);
	world_end();
}

UNIT_TESTS(cmocka_unit_test(the_relay_dies_meanwhile), cmocka_unit_test(power_is_cut_meanwhile),
    cmocka_unit_test(the_disk_fails_anywhere), cmocka_unit_test(others_do_not_wait),
    cmocka_unit_test(a_file_that_stays_bad), cmocka_unit_test(a_bit_that_turns_back),
    cmocka_unit_test(a_body_that_rotted), cmocka_unit_test(another_router),
    cmocka_unit_test(a_drain), cmocka_unit_test(what_is_dropped),
    cmocka_unit_test(what_goes_out_meanwhile))
