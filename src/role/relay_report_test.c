/* role/relay_report_test.c - whoever sent what failed, or is late, hears of it once,
 * whatever dies meanwhile. See relay_world_test.h. */
#include "role/relay_strike_test.h"

static const char nobody[] = "550 5.1.1 nobody", later[] = "450 4.2.1 later";

static void one_of_two_is_refused(void **state)
{
	world_begin_plain(1, "");
	world.hosts[0]->rules[0] = (struct rule){ "r0.1@", nobody };
	deliver("x.example x.example");
	wait_for(world.n_reports == 1, MINUTE_MS);
	run_ms(1000);
	assert_int_equal(world.messages[0].got[0], 1);
	assert_int_equal(world.messages[0].got[1], 0);
	assert_int_equal(world.messages[0].failures[0], 0);
	assert_int_equal(world.messages[0].failures[1], 1);
	assert_true(answered(0));
	assert_true(has(report(0), "\r\nTo: <from@here.example>\r\n"));
	assert_true(has(report(0), "\r\nReporting-MTA: dns; mx.here.example\r\n"));
	assert_true(has(report(0), "\r\nFinal-Recipient: rfc822; r0.1@x.example\r\n"
	    "Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 nobody\r\n"));
	assert_true(has(report(0), "\r\nReceived: from there by here; today\r\n"
	    "Subject: message 0\r\n"));
	assert_false(has(report(0), "and more"));
	assert_false(has(report(0), "r0.0@"));
	assert_true(queue_is_empty());
	run_ms(HOUR_MS);
	assert_int_equal(world.n_reports, 1);
	world_end();
}

/* Every report is looked at for what MAIL must declare (take_report()): ASCII goes anywhere. */
static void eight_bits_are_declared(void **state)
{
	world_begin_plain(1, "");
	world.hosts[0]->rules[0] = (struct rule){ "r0.0@", nobody };
	world.hosts[0]->rules[1] = (struct rule){ "r1.0@", nobody };
	deliver("x.example");
	wait_for(world.n_reports == 1, MINUTE_MS);
	assert_true(slice_is_ascii(report(0)));
	world.sender = "gr\xc3\xbc\xc3\x9f" "e@here.example";
	deliver("x.example");
	wait_for(world.n_reports == 2, MINUTE_MS);
	assert_false(slice_is_ascii(report(1)));
	world_end();
}

static void what_expires_is_returned(void **state)
{
	world_begin_plain(1, "relay.retry = 10m\nrelay.retry_max = 20m\nrelay.expire = 2h\n"
	    "relay.warn = 0\n");
	world.hosts[0]->rules[0] = (struct rule){ "r0.1@", later };
	deliver("x.example x.example");
	run_ms(100 * MINUTE_MS);
	assert_int_equal(world.n_reports, 0);
	wait_for(world.n_reports == 1, HOUR_MS);
	assert_true(has(report(0), "4.4.7"));
	assert_true(has(report(0), later));
	assert_int_equal(world.messages[0].failures[1], 1);
	run_ms(3 * HOUR_MS);
	assert_int_equal(world.n_reports, 1);
	assert_int_equal(world.messages[0].got[0], 1);
	assert_true(queue_is_empty());
	world_end();
}

static void a_delay_is_told_once(void **state)
{
	world_begin_plain(1, "relay.retry = 10m\nrelay.retry_max = 20m\nrelay.warn = 1h\n"
	    "relay.expire = 6h\n");
	world.hosts[0]->rules[0] = (struct rule){ "r0.1@", later };
	deliver("x.example x.example");
	run_ms(50 * MINUTE_MS);
	assert_int_equal(world.n_reports, 0);
	wait_for(world.n_reports == 1, HOUR_MS);
	assert_int_equal(world.messages[0].delays[1], 1);
	assert_true(has(report(0), "Will-Retry-Until:"));
	assert_true(has(report(0), "Action: delayed\r\nStatus: 4.2.1\r\n"));
	kill_role("relay");
	run_ms(HOUR_MS);
	cut_power();
	run_ms(HOUR_MS);
	assert_int_equal(world.n_reports, 1);
	wait_for(world.n_reports == 2, 4 * HOUR_MS);
	assert_int_equal(world.messages[0].failures[1], 1);
	world_end();
}

static void nobody_hears_of_the_null_sender(void **state)
{
	world_begin_plain(1, "relay.retry = 10m\nrelay.retry_max = 20m\nrelay.warn = 1h\n"
	    "relay.expire = 2h\n");
	world.hosts[0]->rules[0] = (struct rule){ "r0.0@", nobody };
	world.hosts[0]->rules[1] = (struct rule){ "r0.1@", later };
	world.sender = "";
	deliver("x.example x.example");
	run_ms(3 * HOUR_MS);
	assert_int_equal(world.n_reports, 0);
	assert_int_equal(world.n_judged, 0);
	assert_true(answered(0));
	assert_true(queue_is_empty());
	world_end();
}

/* The directory can't say yet; then that there is no such sender. */
static void the_directory_decides(void **state)
{
	world_begin_plain(1, "");
	world.hosts[0]->steps[AT_RCPT].reply = nobody;
	world.verdict = DIRECTORY_TEMPORARY;
	deliver("x.example");
	run_ms(MINUTE_MS);
	assert_true(answered(0));
	assert_in_range(world.n_judged, 2, 60);
	assert_false(queue_is_empty());
	world.verdict = DIRECTORY_OK;
	wait_for(world.n_reports == 1, MINUTE_MS);
	world.verdict = DIRECTORY_NO_SUCH_USER;
	deliver("x.example");
	run_ms(MINUTE_MS);
	assert_true(answered(1));
	assert_true(queue_is_empty());
	assert_int_equal(world.n_reports, 1);
	world_end();
}

/* Segments are filled one after the other. */
static void many_reports(void **state)
{
	enum { MANY = 600 };

	world_begin_plain(1, "");
	world.hosts[0]->steps[AT_RCPT].reply = nobody;
	for (uint32_t n = 0; n < MANY; n++) {
		deliver_sized("x.example", 12 * 1000);
		run_ms(10);
	}
	for (uint32_t n = 0; n < MANY; n++)
		wait_for(world.messages[n].failures[0] == 1, 5 * MINUTE_MS);
	run_ms(MINUTE_MS);
	assert_int_equal(world.n_reports, MANY);
	assert_true(world.n_segments > 1);
	assert_true(queue_is_empty());
	world_end();
}

/* As long as replies and addresses may be, and as many. */
static void the_longest_report(void **state)
{
	static char reply[1000];
	char domains[TARGETS * 64], domain[64];
	int len = 0;

	memset(reply, 'x', sizeof reply - 1);
	memcpy(reply, "550 5.1.1 \\\"", 12);
	world_begin(1, "");
	memset(domain, 'd', 63);
	memcpy(domain + 50, ".example", 9);
	for (int i = 0; i < TARGETS; i++)
		len += snprintf(domains + len, sizeof domains - (size_t)len, "%s%s",
		    i > 0 ? " " : "", domain);
	name_mx(domain, 10, "a.example");
	name_a("a.example", 10);
	host_listen(world.hosts[0]);
	world.hosts[0]->steps[AT_RCPT].reply = reply;
	deliver_sized(domains, 200 * 1000);
	wait_for(world.n_reports == 1, MINUTE_MS);
	for (int i = 0; i < TARGETS; i++)
		assert_int_equal(world.messages[0].failures[i], 1);
	world_end();
}

/* The message arrives while the report that it is late waits for a segment. */
static void late_but_there_before_the_report(void **state)
{
	world_begin_plain(1, "relay.retry = 20m\nrelay.retry_max = 20m\nrelay.warn = 10m\n");
	world.hosts[0]->rules[0] = (struct rule){ "r0.0@", later, .times = 2 };
	world.no_segments = true;
	deliver("x.example");
	wait_for(world.n_wanted == 1, 2 * HOUR_MS);
	wait_for(world.messages[0].got[0] == 1, 2 * HOUR_MS);
	run_ms(MINUTE_MS);
	give_wanted();
	run_ms(MINUTE_MS);
	assert_int_equal(world.n_reports, 0);
	assert_true(queue_is_empty());
	/* And the next one that fails is told of. */
	world.hosts[0]->rules[0] = (struct rule){ "r1.0@", nobody };
	deliver("x.example");
	wait_for(world.n_reports == 1, MINUTE_MS);
	assert_int_equal(world.messages[1].failures[0], 1);
	world_end();
}

/* That it arrived is written down meanwhile, too: the next life sends it no more. */
static void late_but_there_and_a_restart(void **state)
{
	world_begin_plain(1, "relay.retry = 20m\nrelay.retry_max = 20m\nrelay.warn = 10m\n");
	world.hosts[0]->rules[0] = (struct rule){ "r0.0@", later, .times = 2 };
	world.no_segments = true;
	deliver("x.example");
	wait_for(world.n_wanted == 1, 2 * HOUR_MS);
	wait_for(world.messages[0].got[0] == 1, 2 * HOUR_MS);
	run_ms(1000);
	queue_say("{\"command\":\"queue release\",\"id\":\"all\"}");
	run_ms(1000);
	keeper_drain(world.keeper, 1000);
	wait_for(world.ended, 5 * MINUTE_MS);
	sim_kill(world.os);
	world.no_segments = false;
	keeper_begin();
	run_ms(2 * HOUR_MS);
	assert_int_equal(world.messages[0].got[0], 1);
	assert_int_equal(world.n_reports, 0);
	assert_true(queue_is_empty());
	world_end();
}

/* What waits for a segment is in the queue's log: nobody waits for it. */
static void a_drain_does_not_wait_for_a_segment(void **state)
{
	uint64_t from_us;

	world_begin_plain(1, "");
	world.hosts[0]->steps[AT_RCPT].reply = nobody;
	world.no_segments = true;
	deliver("x.example");
	wait_for(world.n_wanted == 1, MINUTE_MS);
	from_us = sim_now_us(world.sim);
	keeper_drain(world.keeper, 1000);
	wait_for(world.ended, 5 * MINUTE_MS);
	assert_true(sim_now_us(world.sim) - from_us < 5 * 1000 * 1000);
	sim_kill(world.os);
	world.no_segments = false;
	keeper_begin();
	wait_for(world.n_reports == 1, MINUTE_MS);
	run_ms(MINUTE_MS);
	assert_int_equal(world.messages[0].failures[0], 1);
	world_end();
}

/* ---- once, whatever dies ---- */

/* A second recipient fails while the report of the first is on its way, and the relay
 * dies when that is in the journal and nowhere else. */
static void one_fails_while_the_other_is_reported(void **state)
{
	for (uint64_t calls = 1; calls < 40; calls++) {
		world_begin_plain(1, "relay.retry = 1m\nrelay.retry_max = 1m\n");
		world.hosts[0]->rules[0] = (struct rule){ "r0.0@", nobody };
		world.hosts[0]->rules[1] = (struct rule){ "r0.1@", later, .times = 1 };
		world.hosts[0]->rules[2] = (struct rule){ "r0.1@", "550 5.1.1 nobody either" };
		world.no_segments = true;
		deliver("x.example x.example");
		wait_for(world.n_wanted == 1, MINUTE_MS);
		wait_for(world.hosts[0]->mails == 2, 5 * MINUTE_MS);
		run_ms(5000);
		sim_kill_after(process("relay"), calls);
		give_wanted();
		for (int i = 0; i < 600 && world.messages[0].failures[1] == 0; i++)
			run_ms(1000);
		run_ms(5 * MINUTE_MS);
		assert_int_equal(world.messages[0].failures[0], 1);
		assert_int_equal(world.messages[0].failures[1], 1);
		assert_true(queue_is_empty());
		world_end();
	}
}

/* The n-th call of something fails. False: it did not come to that. */
static bool strike(enum how how, unsigned n)
{
	bool struck;

	world_begin_plain(n, "relay.retry = 1m\nrelay.retry_max = 1m\n");
	world.hosts[0]->rules[0] = (struct rule){ "r0.1@", nobody };
	world.hosts[0]->rules[1] = (struct rule){ "r0.2@", later, .times = 1 };
	world.hosts[0]->rules[2] = (struct rule){ "r1.", nobody };
	arm(how, n);
	deliver("x.example x.example x.example");
	deliver_sized("x.example x.example", 100 * 1000);
	deliver("x.example");
	go_on(180);
	struck = has_struck(how);
	/* Without a crash of the relay no doubles. */
	for (int i = 0; i < 3; i += 2)
		assert_in_range(world.messages[0].got[i], 1, 1 + (how <= CUT_POWER));
	assert_in_range(world.messages[2].got[0], 1, 1 + (how <= CUT_POWER));
	assert_int_equal(world.messages[0].failures[0], 0);
	if (world.messages[0].failures[1] != 1 || world.messages[1].failures[0] != 1 ||
	    world.messages[1].failures[1] != 1)
		fail_msg("struck at %u: reports %u, %u, %u", n, world.messages[0].failures[1],
		    world.messages[1].failures[0], world.messages[1].failures[1]);
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
STRIKE_TEST(the_directory_dies_anywhere, KILL_DIRECTORY)

UNIT_TESTS(cmocka_unit_test(one_of_two_is_refused), cmocka_unit_test(eight_bits_are_declared), cmocka_unit_test(what_expires_is_returned),
    cmocka_unit_test(a_delay_is_told_once), cmocka_unit_test(nobody_hears_of_the_null_sender),
    cmocka_unit_test(the_directory_decides), cmocka_unit_test(many_reports),
    cmocka_unit_test(the_longest_report), cmocka_unit_test(the_relay_dies_anywhere),
    cmocka_unit_test(power_is_cut_anywhere), cmocka_unit_test(the_disk_fails_anywhere),
    cmocka_unit_test(the_router_dies_anywhere), cmocka_unit_test(the_directory_dies_anywhere),
    cmocka_unit_test(a_drain_does_not_wait_for_a_segment),
    cmocka_unit_test(one_fails_while_the_other_is_reported),
    cmocka_unit_test(late_but_there_before_the_report),
    cmocka_unit_test(late_but_there_and_a_restart))
