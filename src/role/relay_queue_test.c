/* role/relay_queue_test.c - what waits is in the queue, on disk: nothing that was
 * answered is lost, whatever dies or fails; and what the queue costs. See
 * relay_world_test.h. */
#include "role/relay_strike_test.h"

static const char later[] = "450 4.2.1 later";

static void set_up_dead_host(uint64_t seed, const char *extra)
{
	world_begin(seed, extra);
	name_mx("x.example", 10, "a.example");
	name_a("a.example", 10);
}

static void assert_taken_once(void)
{
	for (uint32_t n = 0; n < world.n_messages; n++) {
		for (uint16_t i = 0; i < world.messages[n].n_targets; i++)
			assert_int_equal(world.messages[n].got[i], 1);
	}
}

static void what_waits_survives(void **state)
{
	static const size_t sizes[] = { 30, 70 * 1000, 100 * 1000, BODY_FRAME_RAW, 1000 * 1000 };

	set_up_dead_host(1, "relay.retry = 10m\n");
	for (int i = 0; i < 20; i++)
		deliver_sized("x.example x.example", sizes[i % 5]);
	for (uint32_t n = 0; n < 20; n++)
		wait_for(answered(n), MINUTE_MS);
	kill_role("relay");
	run_ms(SECOND_MS);
	cut_power();
	run_ms(SECOND_MS);
	kill_role("relay");
	host_listen(world.hosts[0]);
	wait_for(world.hosts[0]->taken == 20, HOUR_MS);
	assert_taken_once();
	run_ms(5000);
	assert_true(queue_is_empty());
	assert_in_range(files_in("queue/pack"), 0, 1);
	world_end();
}

/* Redelivery of what is known is answered, and not sent again. */
static void the_router_comes_again(void **state)
{
	world_begin_plain(1, "relay.retry = 10m\n");
	world.hosts[0]->rules[0] = (struct rule){ "r1.", later, .times = 1 };
	world.hosts[0]->steps[AT_DOT].delay_ms = 3000;
	deliver("x.example");
	deliver("x.example");
	wait_for(answered(0) && answered(1), MINUTE_MS);
	deliver("x.example");
	wait_for(world.hosts[0]->mails == 3, MINUTE_MS);
	for (int life = 0; life < 2; life++) {
		kill_role(life == 0 ? "router" : "directory");
		for (uint32_t n = 0; n < 3; n++)
			hand_over(n, true);
		run_ms(1000);
		assert_int_equal(world.messages[0].results[0], DELIVERY_DURABLE);
		assert_int_equal(world.messages[1].results[0], DELIVERY_DURABLE);
	}
	wait_for(world.hosts[0]->taken == 3, HOUR_MS);
	run_ms(1000);
	assert_true(answered(2));
	assert_taken_once();
	assert_true(queue_is_empty());
	world_end();
}

static void hand_over_two(void)
{
	hand_over(0, true);
	deliver("x.example");
}

/* Whatever a router hands over as soon as it may is taken, and judged by what the queue
 * has: it is neither put off nor sent again. */
static void what_comes_at_once_is_taken(void **state)
{
	world_begin_plain(1, "relay.retry = 10m\n");
	world.hosts[0]->rules[0] = (struct rule){ "r0.", later, .times = 1 };
	deliver("x.example");
	wait_for(answered(0), MINUTE_MS);
	world.on_told = hand_over_two;
	kill_role("relay");
	run_ms(1000);
	assert_int_equal(world.messages[0].answers[0], 2);
	assert_int_equal(world.messages[0].results[0], DELIVERY_DURABLE);
	assert_int_equal(world.messages[1].results[0], DELIVERY_DURABLE);
	wait_for(world.hosts[0]->taken == 2, HOUR_MS);
	run_ms(1000);
	assert_taken_once();
	assert_true(queue_is_empty());
	world_end();
}

static void a_drain_stores_what_is_fresh(void **state)
{
	world_begin_plain(1, "relay.retry = 1m\n");
	world.hosts[0]->steps[AT_CONNECT].silent = true;
	for (int i = 0; i < 10; i++)
		deliver_sized("x.example", i % 2 == 0 ? 300 : 100 * 1000);
	run_ms(1000);
	assert_false(answered(0));
	keeper_drain(world.keeper, 1000);
	wait_for(world.ended, MINUTE_MS);
	for (uint32_t n = 0; n < 10; n++)
		assert_true(answered(n));
	sim_kill(world.os);
	world.hosts[0]->steps[AT_CONNECT].silent = false;
	keeper_begin();
	wait_for(world.hosts[0]->taken == 10, HOUR_MS);
	assert_taken_once();
	world_end();
}

/* Nobody is there to hear the answers: the next router hands over again. */
static void a_drain_does_not_wait_for_a_router(void **state)
{
	uint64_t from_us;

	world_begin_plain(1, "relay.retry = 1m\n");
	world.hosts[0]->steps[AT_CONNECT].silent = true;
	deliver("x.example");
	run_ms(1000);
	sim_kill(process("router"));
	from_us = sim_now_us(world.sim);
	keeper_drain(world.keeper, 1000);
	wait_for(world.ended, 5 * MINUTE_MS);
	assert_true(sim_now_us(world.sim) - from_us < 5 * 1000 * 1000);
	sim_kill(world.os);
	world.hosts[0]->steps[AT_CONNECT].silent = false;
	keeper_begin();
	hand_over(0, true);
	wait_for(world.hosts[0]->taken == 1, HOUR_MS);
	run_ms(1000);
	assert_true(answered(0));
	assert_taken_once();
	world_end();
}

/* More than may be on its way is for later. */
static void there_is_a_bound(void **state)
{
	unsigned n_later = 0;

	world_begin_plain(1, "");
	world.hosts[0]->steps[AT_CONNECT].silent = true;
	for (int i = 0; i < RELAY_FRESH_MAX + 100; i++)
		deliver_sized("x.example", 30);
	run_ms(5000);
	for (uint32_t n = 0; n < world.n_messages; n++)
		n_later += world.messages[n].results[0] == DELIVERY_LATER;
	assert_int_equal(n_later, 100);
	world.hosts[0]->steps[AT_CONNECT].silent = false;
	go_on(10 * 60);
	run_ms(HOUR_MS);
	assert_taken_once();
	world_end();
}

/* ---- what goes wrong ---- */

/* Messages that share a body, are late, and are large; the n-th call fails. */
static bool strike(enum how how, unsigned n)
{
	bool struck;

	world_begin_plain(n, "relay.retry = 1m\nrelay.retry_max = 1m\n");
	name_mx("y.example", 10, "b.example");
	name_a("b.example", 11);
	world.hosts[0]->rules[0] = (struct rule){ "r2.0@", later, .times = 2 };
	arm(how, n);
	deliver("x.example y.example");
	deliver_sized("y.example x.example y.example", 100 * 1000);
	deliver_sized("x.example", 300 * 1000);
	go_on(60);
	host_listen(world.hosts[1]);
	go_on(240);
	struck = has_struck(how);
	for (uint32_t m = 0; m < world.n_messages; m++) {
		assert_true(answered(m));
		for (uint16_t i = 0; i < world.messages[m].n_targets; i++) {
			unsigned got = world.messages[m].got[i];

			/* Without a crash no doubles. */
			if (got < 1 || got > 1 + (how <= CUT_POWER))
				fail_msg("struck at %u: message %u target %u is there %u times",
				    n, m, i, got);
		}
	}
	assert_int_equal(world.n_reports, 0);
	assert_true(queue_is_empty());
	if (how == FAIL_DISK)
		os_faulty_unwrap(&faulty);
	world_end();
	return struck;
}

STRIKE_TEST(the_relay_dies_anywhere, KILL_RELAY)
STRIKE_TEST(power_is_cut_anywhere, CUT_POWER)
STRIKE_TEST(the_disk_fails_anywhere, FAIL_DISK)
STRIKE_TEST(the_router_dies_anywhere, KILL_ROUTER)

/* While it lasts nothing is promised; then all is as it was. */
static void a_disk_that_is_dead_for_a_while(void **state)
{
	set_up_dead_host(1, "relay.retry = 10m\n");
	for (int i = 0; i < 5; i++)
		deliver("x.example");
	for (uint32_t n = 0; n < 5; n++)
		wait_for(answered(n), MINUTE_MS);
	os_faulty_wrap(&faulty, process("relay"));
	os_faulty_arm(&faulty, FAULT_ANY, 1, -ENOSPC);
	faulty.all_after = true;
	for (int i = 0; i < 20; i++)
		deliver_sized("x.example", i % 2 == 0 ? 300 : 100 * 1000);
	run_ms(5 * MINUTE_MS);
	for (uint32_t n = 5; n < 25; n++)
		assert_false(answered(n));
	os_faulty_unwrap(&faulty);
	run_ms(RELAY_RETRY_MS + 5000);
	for (uint32_t n = 5; n < 25; n++)
		assert_true(answered(n));
	cut_power();
	host_listen(world.hosts[0]);
	wait_for(world.hosts[0]->taken == 25, HOUR_MS);
	assert_taken_once();
	world_end();
}

/* Replies so long that a few thousand records fill a file of the log. */
static void set_long_replies(void)
{
	static char reply[420];

	memset(reply, 'x', sizeof reply - 1);
	memcpy(reply, later, strlen(later));
	world.hosts[0]->steps[AT_RCPT].reply = reply;
}

static const char ten[] = "x.example x.example x.example x.example x.example x.example "
    "x.example x.example x.example x.example";

static bool flip_a_byte(void *context, const char *name)
{
	char path[64];
	unsigned char byte;
	int fd;

	snprintf(path, sizeof path, "queue/pack/%s", name);
	fd = os_open(world.os, OS_ROOT, path, OS_READ | OS_WRITE);
	assert_int_equal(os_pread(world.os, fd, &byte, 1, 200), 1);
	byte ^= 4;
	assert_int_equal(os_pwrite(world.os, fd, slice_of(&byte, 1), 200), 0);
	os_close(world.os, fd);
	return true;
}

/* Not a byte of it is sent; the others are; in the end its sender hears of it. */
static void a_damaged_body(void **state)
{
	set_up_dead_host(1, "relay.retry = 10m\nrelay.retry_max = 10m\nrelay.expire = 1h\n");
	deliver("x.example");
	run_ms(1000);
	deliver_sized("x.example", 100 * 1000);
	run_ms(SECOND_MS);
	os_list(world.os, OS_ROOT, "queue/pack", flip_a_byte, NULL);
	host_listen(world.hosts[0]);
	wait_for(world.messages[1].got[0] == 1, HOUR_MS);
	assert_int_equal(world.messages[0].got[0], 0);
	wait_for(world.n_reports == 1, 2 * HOUR_MS);
	assert_int_equal(world.messages[0].failures[0], 1);
	assert_true(has(report(0), "4.3.0"));
	run_ms(1000);
	assert_true(queue_is_empty());
	world_end();
}

static bool remove_pack(void *context, const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "queue/pack/%s", name);
	assert_int_equal(os_unlink(world.os, OS_ROOT, path), 0);
	return false;
}

/* A pack of its name and another message at its place must not come: that one would go
 * to whom this one was for. */
static void a_pack_that_is_not_there(void **state)
{
	set_up_dead_host(1, "relay.retry = 10m\nrelay.retry_max = 10m\nrelay.expire = 1h\n");
	deliver("x.example");
	wait_for(answered(0), HOUR_MS);
	os_list(world.os, OS_ROOT, "queue/pack", remove_pack, NULL);
	kill_role("relay");
	run_ms(SECOND_MS);
	deliver("x.example");
	wait_for(answered(1), HOUR_MS);
	host_listen(world.hosts[0]);
	wait_for(world.messages[1].got[0] == 1 && world.n_reports == 1, 2 * HOUR_MS);
	assert_int_equal(world.hosts[0]->taken, 1);
	assert_int_equal(world.messages[0].failures[0], 1);
	assert_true(has(report(0), "4.3.0"));
	world_end();
}

/* Nor may one that is there be taken for it: packs may be put back from elsewhere. */
static void another_body_in_its_place(void **state)
{
	char one[] = "queue/pack/001.pack";
	unsigned char bytes[16 * 1024];
	ssize_t n;
	int fd;

	set_up_dead_host(1, "relay.retry = 10m\nrelay.retry_max = 10m\nrelay.expire = 1h\n");
	deliver("x.example");
	wait_for(answered(0), HOUR_MS);
	fd = os_open(world.os, OS_ROOT, one, OS_READ);
	n = os_pread(world.os, fd, bytes, sizeof bytes, 0);
	assert_in_range(n, 1, sizeof bytes - 1);
	os_close(world.os, fd);
	queue_say("{\"command\":\"queue drop\",\"id\":\"all\"}");
	/* The first life that finds no pack calls its own 001 again. */
	for (unsigned life = 0; life < 2; life++) {
		kill_role("relay");
		run_ms(MINUTE_MS);
		assert_int_equal(files_in("queue/pack"), 0);
	}
	deliver_sized("x.example", 2000);
	wait_for(answered(1), HOUR_MS);
	fd = os_open(world.os, OS_ROOT, one, OS_WRITE);
	assert_true(fd >= 0);
	assert_int_equal(os_pwrite(world.os, fd, slice_of(bytes, (size_t)n), 0), 0);
	os_close(world.os, fd);
	host_listen(world.hosts[0]);
	wait_for(world.n_reports == 1, 2 * HOUR_MS);
	assert_int_equal(world.hosts[0]->taken, 0);
	assert_int_equal(world.messages[1].failures[0], 1);
	world_end();
}

static bool spoil_head(void *context, const char *name)
{
	static const unsigned char block[LOG_BLOCK];
	char path[64];
	int fd;

	if (!slice_ends(slice_from(name), slice_lit(".log")))
		return true;
	snprintf(path, sizeof path, "queue/%s", name);
	fd = os_open(world.os, OS_ROOT, path, OS_READ | OS_WRITE);
	assert_int_equal(os_pwrite(world.os, fd, slice_of(block, sizeof block), 0), 0);
	os_close(world.os, fd);
	return true;
}

/* What can't be read is not thrown away, nor what it alone knows the place of. */
static void a_log_without_a_head(void **state)
{
	set_up_dead_host(1, "relay.retry = 10m\n");
	deliver("x.example");
	wait_for(answered(0), HOUR_MS);
	run_ms(SECOND_MS);
	assert_int_equal(files_in("queue"), 2);
	assert_int_equal(files_in("queue/pack"), 1);
	os_list(world.os, OS_ROOT, "queue", spoil_head, NULL);
	for (unsigned life = 1; life < 4; life++) {
		kill_role("relay");
		run_ms(MINUTE_MS);
		assert_true(queue_is_empty());
		assert_int_equal(files_in("queue"), 3);
		assert_int_equal(files_in("queue/pack"), 1);
	}
	host_listen(world.hosts[0]);
	deliver("x.example");
	wait_for(world.messages[1].got[0] == 1, MINUTE_MS);
	world_end();
}

/* What the journal can't give now is not called stored: it is the only copy. */
static void a_body_that_can_not_be_read_for_a_while(void **state)
{
	set_up_dead_host(1, "relay.retry = 10m\n");
	os_faulty_wrap(&faulty, process("relay"));
	os_faulty_arm(&faulty, FAULT_READ, 1, -EIO);
	faulty.all_after = true;
	deliver_sized("x.example", 300 * 1000);
	run_ms(5 * MINUTE_MS);
	assert_true(os_faulty_fired(&faulty));
	assert_false(answered(0));
	os_faulty_unwrap(&faulty);
	run_ms(RELAY_RETRY_MS + 5000);
	assert_true(answered(0));
	cut_power();
	host_listen(world.hosts[0]);
	wait_for(world.hosts[0]->taken == 1, HOUR_MS);
	assert_taken_once();
	world_end();
}

/* It is tried again and again; no file stays of that. */
static void a_disk_that_is_full(void **state)
{
	set_up_dead_host(1, "relay.retry = 10m\n");
	deliver("x.example");
	wait_for(answered(0), HOUR_MS);
	os_faulty_wrap(&faulty, process("relay"));
	os_faulty_arm(&faulty, FAULT_WRITE, 1, -ENOSPC);
	faulty.all_after = true;
	deliver("x.example");
	run_ms(10 * MINUTE_MS);
	assert_in_range(files_in("queue"), 2, 3);
	os_faulty_unwrap(&faulty);
	run_ms(MINUTE_MS);
	assert_true(answered(1));
	world_end();
}

static bool is_nearly_full(void *context, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "queue/%s", name);
	fd = os_open(world.os, OS_ROOT, path, OS_READ);
	if (fd >= 0 && os_size(world.os, fd) > QUEUE_FILE_SIZE * 3 / 4)
		*(bool *)context = true;
	os_close(world.os, fd);
	return true;
}

/* A file of the log is full while bodies are written, and that write fails: bodies of
 * entries that did not fit any more are written again as well. */
static void a_full_log_and_a_failed_write(void **state)
{
	for (unsigned n = 1; n <= 2; n++) {
		bool nearly_full = false;

		world_begin_plain(n, "relay.retry = 1h\nrelay.retry_max = 1h\n");
		set_long_replies();
		/* A base that is not small: no new chain is begun too soon. */
		for (int i = 0; i < 450; i++)
			deliver_sized(ten, 30);
		run_ms(MINUTE_MS);
		kill_role("relay");
		run_ms(1000);
		/* While the disk is dead, more gathers than a file holds. */
		os_faulty_wrap(&faulty, process("relay"));
		os_faulty_arm(&faulty, FAULT_ANY, 1, -ENOSPC);
		faulty.all_after = true;
		for (int i = 0; i < RELAY_FRESH_MAX; i++) {
			deliver_sized(ten, 30);
			if (i % 100 == 99)
				run_ms(1000);
		}
		run_ms(2 * MINUTE_MS);
		os_faulty_arm(&faulty, FAULT_ANY, 0, -EIO);
		faulty.all_after = false;
		for (int i = 0; i < 100000 && !nearly_full; i++) {
			sim_step(world.sim);
			os_list(world.os, OS_ROOT, "queue", is_nearly_full, &nearly_full);
		}
		assert_true(nearly_full);
		os_faulty_arm(&faulty, FAULT_SYNC, n, -EIO);
		run_ms(60 * SECOND_MS);
		os_faulty_unwrap(&faulty);
		world.hosts[0]->steps[AT_RCPT].reply = NULL;
		for (uint32_t i = 0; i < world.n_messages; i++)
			assert_true(answered(i));
		cut_power();
		run_ms(2 * HOUR_MS);
		assert_taken_once();
		world_end();
	}
}

/* ---- what it costs ---- */

/* Chains of the log are written anew when they are long; files that nobody needs go. */
static void long_chains_are_compacted(void **state)
{
	world_begin_plain(1, "relay.retry = 1m\nrelay.retry_max = 1m\nrelay.warn = 0\n");
	set_long_replies();
	for (int i = 0; i < 300; i++)
		deliver(ten);
	for (int i = 0; i < 60; i++) {
		run_ms(MINUTE_MS);
		assert_in_range(files_in("queue"), 2, 6);
		if (i % 20 == 19)
			kill_role("relay");
	}
	world.hosts[0]->steps[AT_RCPT].reply = NULL;
	run_ms(10 * MINUTE_MS);
	assert_taken_once();
	assert_true(queue_is_empty());
	assert_in_range(files_in("queue/pack"), 0, 1);
	kill_role("relay");
	run_ms(5000);
	assert_int_equal(files_in("queue/pack"), 0);
	assert_int_equal(files_in("queue"), 2);
	world_end();
}

static void ten_thousand_wait(void **state)
{
	enum { MANY = 10000, EACH_MAX = 640 };
	size_t before;

	set_up_dead_host(1, "relay.retry = 2h\n");
	run_ms(2000);
	before = heap_used(os_heap(process("relay")));
	for (int i = 0; i < MANY; i++) {
		deliver_sized("x.example", 30);
		if (i % 500 == 499)
			run_ms(3000);
	}
	run_ms(30 * SECOND_MS);
	for (uint32_t n = 0; n < MANY; n++)
		assert_true(answered(n));
	assert_in_range((heap_used(os_heap(process("relay"))) - before) / MANY, 0, EACH_MAX);
	for (int life = 0; life < 2; life++) {
		kill_role("relay");
		run_ms(2000);
		assert_in_range(heap_used(os_heap(process("relay"))) / MANY, 0, EACH_MAX);
	}
	host_listen(world.hosts[0]);
	run_ms(3 * HOUR_MS);
	assert_taken_once();
	assert_true(queue_is_empty());
	world_end();
}

/* ---- posthouse queue ---- */

static void say(const char *command, const char *id, const char *want)
{
	char text[200];

	snprintf(text, sizeof text, "{\"command\":\"queue %s\",\"id\":\"%s\"}", command, id);
	if (!has(queue_say(text), want))
		fail_msg("queue %s %s: %.*s", command, id,
		    slice_arg(buffer_bytes(&world.queue_answer)));
}

static void first_id(char ret_id[16])
{
	slice list = queue_say("{\"command\":\"queue list\"}");
	size_t at = slice_find(list, slice_lit("\"id\":\""));

	assert_true(at < list.len);
	list = slice_drop(list, at + 6);
	snprintf(ret_id, 16, "%.*s", (int)slice_find_byte(list, '"'), (const char *)list.ptr);
}

static void queue_commands(void **state)
{
	char id[16];

	world_begin_plain(1, "relay.retry = 30m\n");
	world.hosts[0]->steps[AT_RCPT].reply = later;
	deliver("x.example x.example");
	run_ms(5000);
	first_id(id);
	say("show", id, "\"reply\":\"450 4.2.1 later\"");
	say("show", id, "\"state\":\"waiting\"");
	say("show", "nonsense", "there is no entry");
	say("show", "", "there is no entry");
	say("burn", id, "no such command");
	assert_true(has(queue_say("{]"), "no JSON"));
	assert_true(has(queue_say("[]"), "no such command"));
	/* Now, not in half an hour. */
	say("retry", id, "\"ok\":true");
	run_ms(5000);
	say("show", id, "\"tries\":2");
	say("hold", id, "\"ok\":true");
	say("show", id, "\"held\"");
	world.hosts[0]->steps[AT_RCPT].reply = NULL;
	run_ms(5 * HOUR_MS);
	say("retry", "all", "\"ok\":true");
	run_ms(5000);
	kill_role("relay");
	run_ms(5 * HOUR_MS);
	assert_int_equal(world.hosts[0]->taken, 0);
	say("release", id, "\"ok\":true");
	wait_for(world.hosts[0]->taken == 1, MINUTE_MS);
	run_ms(1000);
	assert_true(queue_is_empty());
	/* Dropped: nobody hears of it. */
	world.hosts[0]->steps[AT_RCPT].reply = later;
	for (int i = 0; i < 3; i++)
		deliver("x.example");
	run_ms(5000);
	first_id(id);
	say("drop", id, "\"entries\":1");
	say("drop", id, "there is no entry");
	run_ms(1000);
	say("drop", "all", "\"entries\":2");
	assert_true(queue_is_empty());
	cut_power();
	run_ms(1000);
	assert_true(queue_is_empty());
	assert_int_equal(world.n_reports, 0);
	world_end();
}

/* What is on its way for the first time can be held and dropped as well. */
/* As they were said, however often they are read again; each recipient its own, though
 * equal ones are one in memory. */
static void words_of_hosts(void **state)
{
	static const char backslash[] = "450 4.2.1 a\\b";
	static const char want[] = "\"reply\":\"450 4.2.1 a\\\\x5cb\"";
	char id[16];

	world_begin_plain(1, "relay.retry = 30m\n");
	world.hosts[0]->steps[AT_RCPT].reply = backslash;
	deliver("x.example x.example");
	run_ms(5000);
	first_id(id);
	for (int life = 0; life < 3; life++) {
		slice shown;

		say("show", id, want);
		shown = buffer_bytes(&world.queue_answer);
		shown = slice_drop(shown, slice_find(shown, slice_from(want)) + 1);
		assert_true(has(shown, want));
		kill_role("relay");
		run_ms(1000);
	}
	world.hosts[0]->steps[AT_RCPT].reply = NULL;
	world.hosts[0]->rules[0] = (struct rule){ "r0.0@", backslash, .times = 1 };
	world.hosts[0]->rules[1] = (struct rule){ "r0.1@", "450 4.2.1 another", .times = 1 };
	say("retry", id, "\"ok\":true");
	run_ms(5000);
	say("show", id, want);
	say("show", id, "450 4.2.1 another");
	say("retry", id, "\"ok\":true");
	wait_for(world.hosts[0]->taken == 1, HOUR_MS);
	run_ms(1000);
	assert_true(queue_is_empty());
	world_end();
}

static void what_is_fresh_is_commanded(void **state)
{
	world_begin_plain(1, "relay.sessions_per_host = 1\n");
	world.hosts[0]->steps[AT_DOT].delay_ms = 10000;
	for (int i = 0; i < 30; i++)
		deliver("x.example");
	run_ms(2000);
	say("hold", "all", "\"ok\":true");
	run_ms(2 * MINUTE_MS);
	assert_in_range(world.hosts[0]->taken, 1, 2);   /* those that were under way */
	say("drop", "all", "\"ok\":true");
	run_ms(1000);
	for (uint32_t n = 0; n < 30; n++)
		assert_true(answered(n));
	assert_true(queue_is_empty());
	world_end();
}

/* A list comes in parts; each entry once. */
static void a_long_list(void **state)
{
	char request[100] = "{\"command\":\"queue list\"}";
	unsigned rows = 0, parts = 0;

	set_up_dead_host(1, "");
	for (int i = 0; i < 100; i++)
		deliver(ten);
	run_ms(10 * SECOND_MS);
	for (bool more = true; more; parts++) {
		slice answer = queue_say(request), rest = answer;
		size_t at;

		while ((at = slice_find(rest, slice_lit("\"id\":"))) < rest.len) {
			rest = slice_drop(rest, at + 5);
			rows++;
		}
		at = slice_find(answer, slice_lit("\"more\":\""));
		more = at < answer.len;
		rest = slice_drop(answer, more ? at + 8 : answer.len);
		snprintf(request, sizeof request, "{\"command\":\"queue list\",\"after\":\"%.*s\"}",
		    (int)slice_find_byte(rest, '"'), (const char *)rest.ptr);
	}
	assert_int_equal(rows, 100);
	assert_in_range(parts, 2, 10);
	world_end();
}

/* As many recipients as an entry may have, with the longest names and replies. */
static void the_largest_entry_is_shown(void **state)
{
	static char reply[420], address[SEALED_ADDRESS_MAX];
	struct delivery_target targets[DELIVERY_TARGETS_MAX];
	struct delivery d = { .sender = slice_lit("from@here.example"), .targets = targets,
	    .n_targets = DELIVERY_TARGETS_MAX, .body = { .checksum = checksum64((slice){ 0 }, 0) } };
	char id[16];

	memset(reply, '"', sizeof reply - 1);
	memcpy(reply, later, strlen(later));
	memset(address, '"', sizeof address);
	memcpy(address + 290, "@x.example", 10);
	world_begin_plain(1, "");
	world.hosts[0]->steps[AT_RCPT].reply = reply;
	for (uint32_t n = 0; n < 40; n++) {
		d.id = (struct message_id){ 1, ++world.n_messages, 1000 };
		d.received_us = os_wall_us(world.os);
		for (uint16_t i = 0; i < DELIVERY_TARGETS_MAX; i++)
			targets[i] = (struct delivery_target){ TARGETS + i, 0,
			    slice_of(address, 300) };
		delivery_write(&d, ipc_begin(frame_peer(world.router, ROLE_RELAY, 0), IPC_DELIVER));
		ipc_end(frame_peer(world.router, ROLE_RELAY, 0), -1);
		run_ms(500);
	}
	first_id(id);
	assert_true(has(buffer_bytes(&world.queue_answer), "\"more\":"));
	say("show", id, "\"tries\":1");
	assert_true(has(buffer_bytes(&world.queue_answer), "@x.example"));
	world_end();
}

UNIT_TESTS(cmocka_unit_test(what_waits_survives), cmocka_unit_test(the_router_comes_again),
    cmocka_unit_test(what_comes_at_once_is_taken),
    cmocka_unit_test(a_drain_stores_what_is_fresh),
    cmocka_unit_test(a_drain_does_not_wait_for_a_router), cmocka_unit_test(there_is_a_bound),
    cmocka_unit_test(the_relay_dies_anywhere), cmocka_unit_test(power_is_cut_anywhere),
    cmocka_unit_test(the_disk_fails_anywhere), cmocka_unit_test(the_router_dies_anywhere),
    cmocka_unit_test(a_disk_that_is_dead_for_a_while), cmocka_unit_test(a_damaged_body),
    cmocka_unit_test(a_pack_that_is_not_there), cmocka_unit_test(another_body_in_its_place),
    cmocka_unit_test(a_log_without_a_head), cmocka_unit_test(a_body_that_can_not_be_read_for_a_while),
    cmocka_unit_test(a_disk_that_is_full),
    cmocka_unit_test(long_chains_are_compacted), cmocka_unit_test(ten_thousand_wait),
    cmocka_unit_test(queue_commands), cmocka_unit_test(words_of_hosts),
    cmocka_unit_test(what_is_fresh_is_commanded), cmocka_unit_test(a_long_list), cmocka_unit_test(the_largest_entry_is_shown),
    cmocka_unit_test(a_full_log_and_a_failed_write))
