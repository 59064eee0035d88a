/* role/relay_test.c - where the relay's mail goes: routes, sessions, replies, time.
 * What the queue keeps is in relay_queue_test.c, reports in relay_report_test.c. */
#include "role/relay_world_test.h"

/* ---- what goes well ---- */

static void delivered_and_answered(void **state)
{
	static const size_t sizes[] = { 10, 5000, 100 * 1000, BODY_FRAME_RAW, 3 * 1000 * 1000 };

	world_begin_plain(1, "");
	for (uint32_t i = 0; i < 5; i++) {
		uint32_t n = deliver_sized("x.example", sizes[i]);

		wait_for(answered(n), MINUTE_MS);
		assert_int_equal(world.messages[n].got[0], 1);
		assert_int_equal(world.messages[n].answers[0], 1);
	}
	assert_int_equal(world.hosts[0]->connections, 1);
	assert_true(queue_is_empty());
	assert_int_equal(world.n_reports, 0);
	assert_int_equal(files_in("queue/pack"), 0);
	world_end();
}

/* Nothing is promised before the next host's 250, or our own disk has it. */
static void no_answer_before_the_word(void **state)
{
	uint32_t n;

	world_begin_plain(1, "");
	world.hosts[0]->steps[AT_DOT].delay_ms = RELAY_FRESH_MS - 5000;
	n = deliver("x.example");
	wait_for(world.hosts[0]->mails == 1, 5000);
	for (int i = 0; i < 100; i++) {
		run_ms(100);
		assert_false(answered(n));
	}
	wait_for(answered(n), 10000);
	assert_int_equal(world.messages[n].got[0], 1);
	assert_int_equal(files_in("queue/pack"), 0);
	/* One that is slower goes into the queue meanwhile, and out of it again. */
	world.hosts[0]->steps[AT_DOT].delay_ms = RELAY_FRESH_MS + 10 * SECOND_MS;
	n = deliver("x.example");
	wait_for(answered(n), RELAY_FRESH_MS + 2000);
	assert_int_equal(world.messages[n].got[0], 0);
	assert_false(queue_is_empty());
	wait_for(world.messages[n].got[0] == 1, 20 * SECOND_MS);
	run_ms(1000);
	assert_true(queue_is_empty());
	world_end();
}

static void recipients_of_one_domain_share_a_transaction(void **state)
{
	uint32_t n;

	world_begin_plain(1, "");
	name_mx("y.example", 10, "b.example");
	name_a("b.example", 11);
	host_listen(world.hosts[1]);
	n = deliver("x.example y.example X.Example x.example");
	wait_for(answered(n), MINUTE_MS);
	assert_int_equal(world.hosts[0]->mails, 1);
	assert_int_equal(world.hosts[1]->mails, 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(world.messages[n].got[i], 1);
	world_end();
}

static void many_messages_over_few_connections(void **state)
{
	world_begin_plain(1, "relay.sessions_per_host = 1\n");
	for (int i = 0; i < 250; i++)
		deliver("x.example");
	wait_for(world.hosts[0]->taken == 250, 10 * MINUTE_MS);
	run_ms(100);
	for (uint32_t n = 0; n < 250; n++) {
		assert_true(answered(n));
		assert_int_equal(world.messages[n].got[0], 1);
	}
	/* RELAY_SESSION_MESSAGES each. */
	assert_int_equal(world.hosts[0]->connections, 3);
	assert_int_equal(world.hosts[0]->open_max, 1);
	run_ms(2 * RELAY_IDLE_MS + 1000);
	assert_int_equal(world.hosts[0]->open, 0);
	world_end();
}

/* Few at first, more as it goes well, fewer when it does not. */
static void sessions_adapt(void **state)
{
	world_begin_plain(1, "relay.sessions_per_host = 10\nrelay.retry = 1m\n");
	world.hosts[0]->steps[AT_DOT].delay_ms = 2000;
	for (int i = 0; i < 100; i++)
		deliver("x.example");
	run_ms(1500);
	assert_int_equal(world.hosts[0]->open_max, RELAY_SESSIONS_FIRST);
	wait_for(world.hosts[0]->taken == 100, 10 * MINUTE_MS);
	assert_int_equal(world.hosts[0]->open_max, 10);
	run_ms(MINUTE_MS);
	world.hosts[0]->steps[AT_DOT] = (struct script){ .reply = "451 4.3.2 busy", .times = 8 };
	for (int i = 0; i < 8; i++)
		deliver("x.example");
	run_ms(10 * SECOND_MS);
	world.hosts[0]->steps[AT_DOT].delay_ms = 2000;
	world.hosts[0]->open_max = world.hosts[0]->open;
	for (int i = 0; i < 20; i++)
		deliver("x.example");
	run_ms(1500);
	assert_in_range(world.hosts[0]->open_max, 1, 3);
	wait_for(world.hosts[0]->taken == 128, 20 * MINUTE_MS);
	world_end();
}

/* ---- replies ---- */

struct reply_case {
	const char *name;
	enum step step;
	struct script script;
	bool fails;                     /* for good: a report; otherwise it is there later */
	unsigned got;                   /* how often it is taken in the end */
	const char *words;              /* in the report, or in the queue meanwhile */
};

static const struct reply_case reply_cases[] = {
	{ "421 greeting", AT_CONNECT, { "421 4.3.2 go away", .times = 1 }, false, 1, "421 4.3.2" },
	{ "554 greeting", AT_CONNECT, { "554 5.3.2 no mail", .times = 1 }, false, 1, "554 5.3.2" },
	{ "closes at once", AT_CONNECT, { .close = true, .times = 1 }, false, 1, "closed" },
	{ "never greets", AT_CONNECT, { .silent = true, .times = 1 }, false, 1, "too long" },
	{ "no SMTP", AT_CONNECT, { "SSH-2.0-OpenSSH", .times = 1 }, false, 1, "not speak SMTP" },
	{ "code 999", AT_CONNECT, { "999 hello", .times = 1 }, false, 1, "not speak SMTP" },
	{ "421 to EHLO", AT_EHLO, { "421 4.3.2 busy", .times = 1 }, false, 1, "421 4.3.2 busy" },
	{ "550 to MAIL", AT_MAIL, { "550 5.7.1 not you", .times = 1 }, true, 0, "550 5.7.1 not you" },
	{ "451 to MAIL", AT_MAIL, { "451 4.7.1 grey", .times = 1 }, false, 1, "451 4.7.1 grey" },
	{ "550 to RCPT", AT_RCPT, { "550 5.1.1 nobody", .times = 1 }, true, 0, "550 5.1.1 nobody" },
	{ "552 to RCPT", AT_RCPT, { "552 too many", .times = 1 }, false, 1, "552 too many" },
	{ "450 to RCPT", AT_RCPT, { "450 4.2.1 full", .times = 1 }, false, 1, "450 4.2.1 full" },
	{ "354 to RCPT", AT_RCPT, { "354 what", .times = 1 }, false, 1, "does not fit" },
	{ "554 to DATA", AT_DATA, { "554 5.5.1 no", .times = 1 }, true, 0, "554 5.5.1 no" },
	{ "250 to DATA", AT_DATA, { "250 yes", .times = 1 }, false, 1, "does not fit" },
	{ "451 after the dot", AT_DOT, { "451 4.3.0 disk", .times = 1 }, false, 1, "451 4.3.0" },
	{ "554 after the dot", AT_DOT, { "554 5.6.0 junk", .times = 1 }, true, 0, "554 5.6.0" },
	{ "421 after the dot", AT_DOT, { "421 4.3.0 end", .times = 1 }, false, 1, "421 4.3.0" },
	{ "closed at MAIL", AT_MAIL, { .close = true, .times = 1 }, false, 1, "closed" },
	{ "closed at DATA", AT_DATA, { .close = true, .times = 1 }, false, 1, "closed" },
	{ "closed in the body", IN_BODY, { .close = true, .times = 1 }, false, 1, "4.4.2" },
	{ "closed after the dot", AT_DOT, { .close = true, .times = 1 }, false, 2, "closed" },
	{ "silent after the dot", AT_DOT, { .silent = true, .times = 1 }, false, 1, "too long" },
	{ "silent at RCPT", AT_RCPT, { .silent = true, .times = 1 }, false, 1, "too long" },
	{ "words of many kinds", AT_MAIL, { "451-a \"b\"\r\n451-\x01\x80\r\n451 \xff c\\",
	    .times = 1 }, false, 1, "\\\\x01" },
};

static void reply_case(const struct reply_case *c)
{
	struct next_host *h;
	uint32_t n;

	world_begin_plain(1, "relay.retry = 20m\nrelay.retry_max = 20m\n");
	h = world.hosts[0];
	h->steps[c->step] = c->script;
	n = deliver("x.example");
	wait_for(answered(n), 15 * MINUTE_MS);
	if (c->fails) {
		wait_for(world.n_reports == 1, MINUTE_MS);
		assert_int_equal(world.messages[n].failures[0], 1);
		assert_true(has(report(0), c->words));
		run_ms(1000);
	} else {
		wait_for_queue("\"waiting\"", 15 * MINUTE_MS);
		if (!has(buffer_bytes(&world.queue_answer), c->words))
			fail_msg("%s: %.*s", c->name, slice_arg(buffer_bytes(&world.queue_answer)));
		assert_true(has(buffer_bytes(&world.queue_answer), "\"tries\":1"));
		run_ms(30 * MINUTE_MS);
		assert_int_equal(world.n_reports, 0);
	}
	if (world.messages[n].got[0] != c->got)
		fail_msg("%s: taken %u times", c->name, world.messages[n].got[0]);
	assert_true(queue_is_empty());
	world_end();
}

static void replies(void **state)
{
	for (size_t i = 0; i < sizeof reply_cases / sizeof *reply_cases; i++) {
		if (getenv("RELAY_TEST_LOG") != NULL)
			fprintf(stderr, "---- %s\n", reply_cases[i].name);
		reply_case(&reply_cases[i]);
	}
}

/* A banner without end, and one that comes a byte at a time. */
static void banners_that_do_not_end(void **state)
{
	char *line;
	uint32_t n;

	world_begin_plain(1, "relay.retry = 20m\n");
	line = heap_alloc(world.heap, 1 << 20);
	memset(line, 'a', 1 << 20);
	memcpy(line, "220 ", 4);
	world.hosts[0]->banner = slice_of(line, 1 << 20);
	n = deliver("x.example");
	wait_for_queue("\"tries\":1", MINUTE_MS);
	assert_true(answered(n));
	world.hosts[0]->banner = (slice){ 0 };
	wait_for(world.messages[n].got[0] == 1, HOUR_MS);
	run_ms(MINUTE_MS);
	world.hosts[0]->drip_ms = MINUTE_MS;
	n = deliver("x.example");
	wait_for_queue("\"tries\":1", 10 * MINUTE_MS);
	world.hosts[0]->drip_ms = 0;
	wait_for(world.messages[n].got[0] == 1, HOUR_MS);
	world_end();
}

/* As slow as RFC 5321 s4.5.3.2 lets a server be, with the second message as with the
 * first. */
static void a_slow_server_has_its_time(void **state)
{
	world_begin_plain(1, "relay.sessions_per_host = 1\n");
	world.hosts[0]->steps[AT_CONNECT].delay_ms = 4 * MINUTE_MS;
	world.hosts[0]->steps[AT_EHLO].delay_ms = 4 * MINUTE_MS;
	world.hosts[0]->steps[AT_MAIL].delay_ms = 4 * MINUTE_MS;
	world.hosts[0]->steps[AT_RCPT].delay_ms = 4 * MINUTE_MS;
	world.hosts[0]->steps[AT_DATA].delay_ms = MINUTE_MS;
	world.hosts[0]->steps[AT_DOT].delay_ms = 9 * MINUTE_MS;
	deliver("x.example");
	wait_for(world.messages[0].got[0] == 1, HOUR_MS);
	run_ms(RELAY_IDLE_MS - 1000);
	deliver("x.example");
	wait_for(world.messages[1].got[0] == 1, HOUR_MS);
	run_ms(1000);
	assert_true(queue_is_empty());
	assert_int_equal(world.hosts[0]->connections, 1);
	assert_int_equal(world.hosts[0]->mails, 2);
	world_end();
}

/* ---- time ---- */

static unsigned minutes_between(unsigned a, unsigned b)
{
	const struct next_host *h = world.hosts[0];

	return (unsigned)((h->connected_us[b] - h->connected_us[a]) / 1000 / MINUTE_MS);
}

/* Twice as long each time, a fifth more or less, up to the longest. */
static void tried_again_at_the_right_times(void **state)
{
	static const unsigned waits[] = { 10, 20, 40, 60, 60 };

	world_begin_plain(1, "relay.retry = 10m\nrelay.retry_max = 1h\n");
	world.hosts[0]->steps[AT_RCPT] = (struct script){ "450 4.2.1 later", .times = 6 };
	deliver("x.example");
	wait_for(world.messages[0].got[0] == 1, 10 * HOUR_MS);
	assert_int_equal(world.hosts[0]->connections, 7);
	for (unsigned i = 0; i < 5; i++)
		assert_in_range(minutes_between(i, i + 1), waits[i] * 8 / 10,
		    waits[i] * 12 / 10 + 1);
	world_end();
}

/* One attempt for all that is due, and they do not come back together. */
static void a_dead_destination_costs_one_attempt(void **state)
{
	world_begin(1, "relay.retry = 10m\n");
	name_mx("x.example", 10, "a.example");
	name_a("a.example", 10);
	host_listen(world.hosts[0]);
	world.hosts[0]->steps[AT_CONNECT].silent = true;
	for (int i = 0; i < 100; i++)
		deliver("x.example");
	for (uint32_t n = 0; n < 100; n++)
		wait_for(answered(n), 10 * MINUTE_MS);
	run_ms(5 * MINUTE_MS);
	assert_true(world.hosts[0]->connections <= RELAY_SESSIONS_FIRST);
	world.hosts[0]->steps[AT_CONNECT].silent = false;
	wait_for(world.hosts[0]->taken == 100, HOUR_MS);
	for (uint32_t n = 0; n < 100; n++)
		assert_int_equal(world.messages[n].got[0], 1);
	world_end();
}

/* ---- routes ---- */

static void the_next_address_and_the_next_host(void **state)
{
	world_begin(1, "");
	name_mx("x.example", 20, "c.example");
	name_mx("x.example", 10, "a.example");
	name_a("a.example", 10);
	name_a("a.example", 11);
	name_a("c.example", 12);
	host_listen(world.hosts[1]);
	host_listen(world.hosts[2]);
	/* Of a.example one address refuses; c.example is not asked. */
	deliver("x.example");
	wait_for(world.messages[0].got[0] == 1, MINUTE_MS);
	assert_int_equal(world.hosts[1]->taken, 1);
	assert_int_equal(world.hosts[2]->connections, 0);
	run_ms(MINUTE_MS);
	/* One more of it says 421: c.example has it. */
	world.hosts[1]->steps[AT_CONNECT].reply = "421 4.3.2 no";
	deliver("x.example");
	wait_for(world.messages[1].got[0] == 1, MINUTE_MS);
	assert_int_equal(world.hosts[2]->taken, 1);
	run_ms(2 * MINUTE_MS);
	/* Nobody is there: it waits, in the queue. */
	host_die(world.hosts[1]);
	host_die(world.hosts[2]);
	deliver("x.example");
	wait_for(answered(2), MINUTE_MS);
	assert_true(has(queue_say("{\"command\":\"queue list\"}"), "refused"));
	host_listen(world.hosts[0]);
	wait_for(world.messages[2].got[0] == 1, HOUR_MS);
	assert_int_equal(world.hosts[0]->taken, 1);
	world_end();
}

struct route_case {
	const char *name, *domain, *words;
	bool fails;
	uint8_t host;                   /* who takes it, 1: hosts[0] */
};

static const struct route_case route_cases[] = {
	{ "null MX", "null.example", "5.1.10", true, 0 },
	{ "no such domain", "nowhere.example", "5.1.2", true, 0 },
	{ "no MX, but an address", "plain.example", "", false, 1 },
	{ "an MX without an address", "lost.example", "5.4.4", true, 0 },
	{ "no MX and no address", "text.example", "5.4.4", true, 0 },
	{ "we are its MX", "us.example", "5.4.6", true, 0 },
	{ "we are one of the best", "us3.example", "5.4.6", true, 0 },
	{ "we are its second MX", "us2.example", "", false, 1 },
	{ "MX can't be looked up", "fail.example", "SERVFAIL", false, 0 },
	{ "the address can't be looked up", "fail2.example", "SERVFAIL", false, 0 },
	{ "an address literal", "[10.0.0.10]", "", false, 1 },
	{ "an IPv6 literal", "[IPv6:::ffff:10.0.0.10]", "", false, 1 },
	{ "a literal that is none", "[nonsense]", "5.4.4", true, 0 },
	{ "a name that is an address", "10.0.0.10", "5.1.2", true, 0 },
	{ "a mad MX record", "mad.example", "4.4.3", false, 0 },
	{ "no mail, and another record", "two.example", "5.4.4", true, 0 },
	{ "we are it, without MX", "mx.here.example", "5.4.6", true, 0 },
};

static void make_names(void)
{
	name_mx("null.example", 0, "");
	name_a("plain.example", 10);
	name_mx("lost.example", 10, "gone.example");
	name_add("text.example", DNS_TXT, OS_DNS_DATA);
	name_mx("two.example", 0, "");
	name_add("two.example", DNS_MX, OS_DNS_DATA);
	name_a("mx.here.example", 10);
	name_mx("us.example", 10, "mx.here.example");
	name_mx("us.example", 20, "a.example");
	name_mx("us2.example", 10, "a.example");
	name_mx("us2.example", 20, "MX.here.example");
	name_mx("us2.example", 30, "b.example");
	name_mx("us3.example", 10, "b.example");
	name_mx("us3.example", 10, "mx.here.example");
	name_a("a.example", 10);
	name_a("b.example", 11);
	name_add("fail.example", DNS_MX, OS_DNS_FAILED);
	name_mx("fail2.example", 10, "half.example");
	name_add("half.example", DNS_A, OS_DNS_FAILED);
	name_add("mad.example", DNS_MX, OS_DNS_DATA)->len = 1;
}

static void routes(void **state)
{
	world_begin(1, "");
	make_names();
	for (int i = 0; i < 2; i++)
		host_listen(world.hosts[i]);
	for (size_t i = 0; i < sizeof route_cases / sizeof *route_cases; i++) {
		const struct route_case *c = &route_cases[i];
		uint32_t n;
		unsigned reports = world.n_reports;

		world.dns_ms = i % 3 * 700;
		n = deliver(c->domain);
		wait_for(answered(n), MINUTE_MS);
		run_ms(5000);
		if ((c->host != 0) != (world.messages[n].got[0] == 1) ||
		    c->fails != (world.messages[n].failures[0] == 1))
			fail_msg("%s: taken %u, failed %u", c->name, world.messages[n].got[0],
			    world.messages[n].failures[0]);
		if (c->fails) {
			assert_int_equal(world.n_reports, reports + 1);
			if (!has(report(reports), c->words))
				fail_msg("%s: %.*s", c->name, slice_arg(report(reports)));
		} else if (c->host == 0) {
			assert_true(has(queue_say("{\"command\":\"queue list\"}"), c->words));
			queue_say("{\"command\":\"queue drop\",\"id\":\"all\"}");
			run_ms(1000);
		}
		assert_true(queue_is_empty());
	}
	assert_int_equal(world.hosts[1]->connections, 0);
	world_end();
}

static void a_smart_host_takes_it_all(void **state)
{
	static const char *const lines[] = { "relay.host = a.example\n",
		"relay.host = 10.0.0.10\n", "relay.host = 10.0.0.10:25\nrelay.port = 2525\n" };

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		world_begin(1, lines[i]);
		/* MX records of a smart host are not asked for. */
		name_mx("a.example", 10, "b.example");
		name_a("a.example", 10);
		name_a("b.example", 11);
		host_listen(world.hosts[0]);
		deliver("x.example y.example [10.0.0.11] nowhere.example");
		wait_for(answered(0), MINUTE_MS);
		assert_int_equal(world.hosts[0]->taken, 4);
		assert_int_equal(world.hosts[1]->connections, 0);
		for (int k = 0; k < 4; k++)
			assert_int_equal(world.messages[0].got[k], 1);
		world_end();
	}
}

/* What waited for the old smart host, for its address or for a place in its sessions,
 * goes the new way. */
static void a_reload_to_another_way(void **state)
{
	static const char *const ways[] = { "", "relay.host = 10.0.0.11\n" };

	for (size_t i = 0; i < 4; i++) {
		world_begin(1, "relay.host = a.example\nrelay.sessions_per_host = 1\n");
		name_a("a.example", 10);
		name_mx("x.example", 10, "b.example");
		name_a("b.example", 11);
		host_listen(world.hosts[1]);
		if (i / 2 == 0)
			world.dns_ms = 5000;    /* the question is open */
		else
			host_listen(world.hosts[0]);
		world.hosts[0]->steps[AT_CONNECT].silent = true;
		for (int k = 0; k < 20; k++)
			deliver("x.example");
		run_ms(1000);
		world_reload(ways[i % 2]);
		wait_for(world.hosts[1]->taken == 20, 2 * MINUTE_MS);
		assert_int_equal(world.hosts[0]->taken, 0);
		run_ms(MINUTE_MS);
		assert_int_equal(world.n_reports, 0);
		world_end();
	}
}

/* A host that closes what rests, just when it is used again. */
static void a_session_that_rested_too_long(void **state)
{
	uint32_t n;

	world_begin_plain(1, "");
	deliver("x.example");
	wait_for(answered(0), MINUTE_MS);
	world.hosts[0]->steps[AT_MAIL] = (struct script){ .close = true, .times = 1 };
	n = deliver("x.example");
	wait_for(answered(n), SECOND_MS);
	assert_int_equal(world.messages[n].got[0], 1);
	assert_int_equal(world.hosts[0]->connections, 2);
	/* A new one that is closed is a failure. */
	run_ms(2 * RELAY_IDLE_MS);
	world.hosts[0]->steps[AT_MAIL] = (struct script){ .close = true, .times = 1 };
	n = deliver("x.example");
	wait_for_queue("\"waiting\"", MINUTE_MS);
	assert_int_equal(world.messages[n].got[0], 0);
	world_end();
}

/* Those of two destinations when there is one session for all. */
static void they_take_turns(void **state)
{
	world_begin_plain(1, "relay.sessions = 1\n");
	name_mx("y.example", 10, "b.example");
	name_a("b.example", 11);
	host_listen(world.hosts[1]);
	world.hosts[0]->steps[AT_DOT].delay_ms = 100;
	for (int i = 0; i < 3 * RELAY_SESSION_MESSAGES; i++)
		deliver("x.example");
	run_ms(1000);
	deliver("y.example");
	wait_for(world.hosts[1]->taken == 1, HOUR_MS);
	assert_in_range(world.hosts[0]->taken, 1, RELAY_SESSION_MESSAGES);
	wait_for(world.hosts[0]->taken == 3 * RELAY_SESSION_MESSAGES, HOUR_MS);
	world_end();
}

/* A second MX of many addresses answers first. */
static void the_best_addresses_stay(void **state)
{
	world_begin_plain(1, "");
	name_mx("x.example", 20, "b.example");
	world.names[1].late_ms = 5000;          /* a.example */
	for (uint8_t i = 0; i < RELAY_ADDRESSES_MAX; i++)
		name_a("b.example", 100 + i);
	deliver("x.example");
	wait_for(answered(0), MINUTE_MS);
	assert_int_equal(world.messages[0].got[0], 1);
	world_end();
}

/* No more at once than the resolver can have under way. */
static void many_questions(void **state)
{
	enum { MANY = RELAY_QUESTIONS_MAX + 20 };
	static char domains[MANY][20];

	world_begin(1, "");
	world.dns_ms = 1000;
	for (int i = 0; i < MANY; i++) {
		snprintf(domains[i], sizeof domains[i], "d%d.example", i);
		deliver(domains[i]);
	}
	wait_for(world.n_reports == MANY, 10 * MINUTE_MS);
	assert_int_equal(world.asking_max, RELAY_QUESTIONS_MAX);
	world_end();
}

/* ---- others of us die ---- */

static void the_resolver_dies(void **state)
{
	world_begin_plain(1, "relay.retry = 1m\n");
	world.dns_ms = 3000;
	for (int i = 0; i < 10; i++)
		deliver("x.example");
	run_ms(1000);
	kill_role("resolver");
	wait_for(world.hosts[0]->taken == 10, 10 * MINUTE_MS);
	for (uint32_t n = 0; n < 10; n++)
		assert_int_equal(world.messages[n].got[0], 1);
	world_end();
}

UNIT_TESTS(cmocka_unit_test(delivered_and_answered),
    cmocka_unit_test(no_answer_before_the_word),
    cmocka_unit_test(recipients_of_one_domain_share_a_transaction),
    cmocka_unit_test(many_messages_over_few_connections), cmocka_unit_test(sessions_adapt),
    cmocka_unit_test(replies), cmocka_unit_test(banners_that_do_not_end),
    cmocka_unit_test(a_slow_server_has_its_time),
    cmocka_unit_test(tried_again_at_the_right_times),
    cmocka_unit_test(a_dead_destination_costs_one_attempt),
    cmocka_unit_test(the_next_address_and_the_next_host), cmocka_unit_test(routes),
    cmocka_unit_test(a_smart_host_takes_it_all), cmocka_unit_test(a_reload_to_another_way),
    cmocka_unit_test(a_session_that_rested_too_long), cmocka_unit_test(they_take_turns),
    cmocka_unit_test(the_best_addresses_stay), cmocka_unit_test(many_questions),
    cmocka_unit_test(the_resolver_dies))
