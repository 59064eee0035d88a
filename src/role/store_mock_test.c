/* role/store_mock_test.c - a mock keeps what it says, and no more. */
#include "os/os_faulty.h"
#include "role/store_world_test.h"

#define MOCK "domains = here.example\nmock = yes\nrelay = no\n"

/* The mailbox holds so many, the newest. */
static void expect_newest(uint64_t account, uint32_t n, uint32_t newest)
{
	struct client c;
	char line[64];
	slice have;

	client_open(&c, account);
	client_until(&c, "+OK");
	snprintf(line, sizeof line, "+OK %u ", n);
	client_say(&c, "STAT\r\n", line);
	for (uint32_t i = 0; i < n; i += n > 1 ? n - 1 : 1) {
		snprintf(line, sizeof line, "Subject: message %u\r\n", newest - n + 1 + i);
		have = retrieve(&c, i + 1);
		if (slice_find(have, slice_from(line)) == have.len)
			fail_msg("no %s", line);
	}
	client_quit(&c);
}

/* In one flight, and in many; below the number nothing goes. */
static void keeps_the_newest(void **state)
{
	world_begin_as(1, MOCK "mock.messages = 5\n");
	for (uint32_t i = 0; i < 3; i++)
		deliver(i, 7, 100);
	expect_newest(7, 3, 2);
	for (uint32_t i = 3; i < 40; i++)
		deliver(i, 7, 100);
	expect_newest(7, 5, 39);
	for (uint32_t i = 40; i < 50; i++) {
		deliver(i, 7, 100);
		assert_int_equal(wait_result(i), DELIVERY_DURABLE);
		expect_newest(7, 5, i);
	}
	deliver(50, 8, 100);
	expect_newest(8, 1, 50);
	world.live[0] = 1000;
	world.n_live = 1;
	cut_power();
	expect_newest(7, 5, 49);
	/* Nobody gets twice what went. */
	deliver(3, 7, 100);
	expect_newest(7, 5, 49);
	world_end();
}

/* What the last life wrote last is not yet durable when this one opens its first pack. */
static void a_new_life_keeps_them(void **state)
{
	world_begin_as(1, MOCK "mock.messages = 5\n");
	for (uint32_t i = 0; i < 4; i++) {
		deliver(i, 7, 100);
		assert_int_equal(wait_result(i), DELIVERY_DURABLE);
		kill_store();
	}
	expect_newest(7, 4, 3);
	world_end();
}

static void others_keep_all(void **state)
{
	world_begin_as(1, "mock.messages = 5\nmock.age = 1s\n");
	world.received_us = 1;
	for (uint32_t i = 0; i < 20; i++)
		deliver(i, 7, 100);
	expect_newest(7, 20, 19);
	run_ms(60 * 1000);
	expect_newest(7, 20, 19);
	world_end();
}

static void add_size(void *context, const struct sim_disk_file *file)
{
	*(uint64_t *)context += file->size;
}

/* What lies on the disk stays in proportion, whatever went through. */
static void space_comes_back(void **state)
{
	enum { MESSAGES = 3000, KEPT = 20, SIZE = 40 * 1000 };
	uint64_t size, most = 0;
	unsigned files[2];

	world_begin_as(1, MOCK "mock.messages = 20\n");
	for (uint32_t i = 0; i < MESSAGES; i++) {
		deliver(i, 7, SIZE);
		if (i % 50 != 49)
			continue;
		assert_int_equal(wait_result(i), DELIVERY_DURABLE);
		source_is_over();
		run_ms(10);
		size = 0;
		sim_disk_each(world.host, add_size, &size);
		most = size > most ? size : most;
	}
	expect_newest(7, KEPT, MESSAGES - 1);
	count_files(files);
	assert_in_range(files[1], 1, 3);
	assert_in_range(most, KEPT * SIZE / 4, 16 << 20);
	world_end();
}

/* A session that was there before sees the messages go, and is told so. */
static void a_session_sees_them_go(void **state)
{
	struct client c;

	world_begin_as(1, MOCK "mock.messages = 2\n");
	deliver(0, 7, 2000 * 1000);
	deliver(1, 7, 2000 * 1000);
	client_open(&c, 7);
	client_until(&c, "+OK");
	client_say(&c, "STAT\r\n", "+OK 2 ");
	for (uint32_t i = 2; i < 8; i++) {
		deliver(i, 7, 2000 * 1000);
		assert_int_equal(wait_result(i), DELIVERY_DURABLE);
	}
	run_ms(100);
	client_say(&c, "RETR 1\r\n", "-ERR The message is gone\r\n");
	client_say(&c, "DELE 1\r\n", "+OK");
	client_say(&c, "DELE 2\r\n", "+OK");
	client_quit(&c);
	expect_newest(7, 2, 7);
	world_end();
}

static void old_ones_go(void **state)
{
	world_begin_as(1, MOCK "mock.messages = 0\nmock.age = 1h\n");
	world.received_us = os_wall_us(world.os);
	for (uint32_t i = 0; i < 3; i++)
		deliver(i, 7, 100);
	run_ms(1800 * 1000);
	world.received_us = os_wall_us(world.os);
	deliver(3, 7, 100);
	expect_newest(7, 4, 3);
	run_ms(1800 * 1000);
	expect_newest(7, 1, 3);
	/* Who was not there when it happened does not see them either. */
	kill_store();
	run_ms(1790 * 1000);
	expect_newest(7, 1, 3);
	kill_store();
	run_ms(20 * 1000);
	expect_newest(7, 0, 0);
	world_end();
}

/* Messages come while the n-th disk call fails: in the end there are as many as there
 * should be, and they can be read. Returns whether one failed. */
static bool stream_with_failure(unsigned n)
{
	struct os_faulty faulty;
	struct client c;
	bool fired;

	world_begin_as(1, MOCK "mock.messages = 3\n");
	world.live[world.n_live++] = 1000;
	for (uint32_t i = 0; i < 4; i++)
		deliver_until_durable(i, i, 7, 300);
	kill_store();
	os_faulty_wrap(&faulty, store_os());
	os_faulty_arm(&faulty, FAULT_ANY, n, n % 2 ? -EIO : -ENOSPC);
	for (uint32_t i = 4; i < 10; i++) {
		deliver(i, 7, 300);
		wait_result(i);
	}
	fired = os_faulty_fired(&faulty);
	os_faulty_unwrap(&faulty);
	run_ms(STORE_RETRY_MAX_MS);
	for (uint32_t i = 4; i < 10; i++)
		deliver_until_durable(i, i, 7, 300);
	for (int life = 0; life < 2; life++) {
		client_open(&c, 7);
		client_until(&c, "+OK");
		client_say(&c, "STAT\r\n", "+OK 3 ");
		for (uint32_t i = 1; i <= 3; i++)
			assert_true(retrieve(&c, i).len > 300);
		client_quit(&c);
		cut_power();
	}
	world_end();
	return fired;
}

static void each_disk_call_may_fail(void **state)
{
	unsigned calls = 0;

	for (unsigned n = 1; stream_with_failure(n); n++)
		calls++;
	print_message("# %u calls failed, one at a time\n", calls);
	assert_true(calls > 20);
}

UNIT_TESTS(cmocka_unit_test(each_disk_call_may_fail), cmocka_unit_test(keeps_the_newest), cmocka_unit_test(a_new_life_keeps_them),
    cmocka_unit_test(others_keep_all),
    cmocka_unit_test(space_comes_back), cmocka_unit_test(a_session_sees_them_go),
    cmocka_unit_test(old_ones_go))
