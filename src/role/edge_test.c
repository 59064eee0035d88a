/* role/edge_test.c - the edge role: what it commits, refuses and hands over. */
#include "role/edge_world_test.h"

static void test_relay_in(void **state)
{
	char id[MESSAGE_ID_TEXT];
	struct client c;
	const struct committed *m = &world.messages[0];

	world_begin("");
	client_open(&c, "10.0.0.1:25");
	say_mail(&c);
	client_say(&c, TEXT "..dot\r\n.\r\n", "250 2.0.0 Ok: queued as ");
	message_id_print(m->id, id);
	client_expect(&c, id);
	assert_int_equal(world.n_messages, 1);
	assert_slice(m->body, slice_lit(TEXT ".dot\r\n"));
	assert_slice(m->sender, slice_lit("x@there.example"));
	assert_slice(m->sealed, slice_lit("seal:bob@here.example"));
	assert_int_equal(m->flags, 0);
	assert_true(slice_starts(m->trace, slice_lit("Received: from c.example ([10.0.0.2])\r\n"
	    "\tby mx.here.example (Posthouse) with ESMTP id ")));
	assert_true(slice_find(m->trace, slice_from(id)) < m->trace.len);
	assert_true(slice_find(m->trace, slice_lit("\tfor <bob@here.example>; ")) < m->trace.len);
	client_say(&c, "RSET\r\nQUIT\r\n", "221 2.0.0 Bye\r\n");
	client_expect_closed(&c);
	client_close(&c);
	world_end();
}

/* A client that says all at once and shuts its side down, as nc -N does. */
static void test_half_close(void **state)
{
	struct client c;

	world_begin("");
	client_open(&c, "10.0.0.1:25");
	client_expect(&c, "220 ");
	client_send(&c, slice_lit(MAIL_TO_DATA TEXT ".\r\nQUIT\r\n"));
	run_ms(0);
	assert_int_equal(stream_unsent(c.stream), 0);
	assert_int_equal(os_shutdown(world.client_os, c.fd), 0);
	client_expect(&c, "250 2.0.0 Ok: queued as ");
	client_expect(&c, "221 2.0.0 Bye\r\n");
	client_expect_closed(&c);
	assert_int_equal(world.n_messages, 1);
	client_close(&c);
	world_end();
}

/* What breaks the rules is taken by a mock, and by nobody else. */
static void test_lenient(void **state)
{
	static const char broken[] = "HELO\nMAIL FROM: x@there.example\nRCPT to bob@here.example\n"
	    "DATA\nSubject: s\n\ntext\n.\n";
	struct client c;

	for (int strict = 0; strict < 2; strict++) {
		world_begin(strict ? A_MOCK "mock.strict = yes\n" : A_MOCK);
		client_open(&c, "10.0.0.1:25");
		client_expect(&c, "220 ");
		client_say(&c, broken, strict ? "500 5.5.2 " : "250 2.0.0 Ok: queued as ");
		assert_int_equal(world.n_messages, !strict);
		if (!strict)
			assert_slice(world.messages[0].body,
			    slice_lit("Subject: s\r\n\r\ntext\r\n"));
		client_close(&c);
		world_end();
	}
}

static void test_refusals(void **state)
{
	struct client c;

	world_begin("");
	client_open(&c, "10.0.0.1:25");
	client_expect(&c, "220 ");
	client_say(&c, "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<x@there.example>\r\n",
	    "550 5.7.1 relaying denied\r\n");
	client_say(&c, "RCPT TO:<bob@here.example>\r\nDATA\r\n", "354 ");
	client_say(&c, "a\nb\r\n.\r\n", "550 5.6.11 ");
	client_say(&c, "MAIL FROM:<>\r\nRCPT TO:<bob@here.example>\r\n", "250 2.1.5 Ok\r\n");
	world.silent = true;
	client_send(&c, slice_lit("RCPT TO:<alice@here.example>\r\n"));
	run_ms(100);
	sim_kill(world.directory->os);
	client_expect(&c, "451 4.3.0 ");
	world.silent = false;
	run_ms(2000);
	client_say(&c, "RCPT TO:<alice@here.example>\r\nDATA\r\n", "354 ");
	client_say(&c, ".\r\n", "250 2.0.0 Ok");
	assert_int_equal(world.n_messages, 1);
	assert_int_equal(world.messages[0].n_recipients, 2);
	assert_int_equal(body_of(0).len, 0);
	client_close(&c);
	world_end();
}

static void log_in(struct client *c)
{
	client_expect(c, "220 ");
	client_say(c, "EHLO c\r\n", "STARTTLS\r\n");
	client_say(c, "MAIL FROM:<alice@here.example>\r\n", "530 5.7.0 ");
	client_say(c, "AUTH PLAIN AGEAYg==\r\n", "538 5.7.11 ");
	client_say(c, "STARTTLS\r\n", "220 2.0.0 Ready to start TLS\r\n");
	client_secure(c);
	client_say(c, "EHLO c\r\n", "AUTH PLAIN LOGIN SCRAM-SHA-256");
	client_say(c, "AUTH PLAIN AGFsaWNlQGhlcmUuZXhhbXBsZQB3cm9uZw==\r\n", "535 5.7.8 ");
	client_say(c, "AUTH PLAIN AGFsaWNlQGhlcmUuZXhhbXBsZQBzZWNyZXQ=\r\n", "235 2.7.0 ");
}

#define SUBMIT "MAIL FROM:<alice@here.example>\r\nRCPT TO:<bob@here.example>\r\nDATA\r\n"

static void test_submission(void **state)
{
	struct client c;
	slice trace;

	world_begin("");
	client_open(&c, "10.0.0.1:587");
	log_in(&c);
	client_say(&c, "MAIL FROM:<bob@here.example>\r\n", "550 5.7.1 ");
	client_say(&c, SUBMIT, "354 ");
	client_say(&c, "From: bob@here.example\r\n\r\nx\r\n.\r\n", "550 5.7.1 ");
	client_say(&c, SUBMIT, "354 ");
	client_say(&c, "From: alice@here.example\r\nSender: bob@here.example\r\n\r\nx\r\n.\r\n",
	    "550 5.7.1 ");
	client_say(&c, SUBMIT, "354 ");
	client_say(&c, "From: a, b\r\n\r\nx\r\n.\r\n", "550 5.6.0 ");
	client_say(&c, SUBMIT, "354 ");
	client_say(&c, "From: alice@here.example\r\nx\r\nFrom: bob@here.example\r\n\r\n.\r\n",
	    "550 5.6.0 A line of the header is no field");
	assert_int_equal(world.n_messages, 0);
	client_say(&c, SUBMIT, "354 ");
	client_say(&c, "Bcc: carol@x\r\nFrom: A <alice@here.example>\r\n\r\nx\r\n.\r\n",
	    "250 2.0.0 ");
	assert_slice(body_of(0), slice_lit("From: A <alice@here.example>\r\n\r\nx\r\n"));
	trace = world.messages[0].trace;
	assert_true(slice_find(trace, slice_lit("\r\nDate: ")) < trace.len);
	assert_true(slice_find(trace, slice_lit("\r\nMessage-ID: <1.")) < trace.len);
	assert_true(slice_find(trace, slice_lit(" with ESMTPSA id ")) < trace.len);
	assert_true(slice_find(trace, slice_lit("\t(using TLSv1.")) < trace.len);
	assert_int_equal(world.messages[0].flags, JOURNAL_SUBMISSION);
	client_close(&c);
	world_end();
}

/* A mock shows what was sent: a header is neither refused nor mended. */
static void test_lenient_submission(void **state)
{
	static const char text[] = "Bcc: carol@x\r\nFrom: a, b\r\nx\r\n\r\nx\r\n";
	struct client c;

	world_begin(A_MOCK);
	client_open(&c, "10.0.0.1:587");
	say_mail(&c);                   /* without a login */
	client_send(&c, slice_from(text));
	client_say(&c, ".\r\n", "250 2.0.0 ");
	assert_slice(world.messages[0].body, slice_from(text));
	client_close(&c);
	world_end();
}

/* A body without a header must not turn into one below the trace. */
static void test_no_header(void **state)
{
	struct client c;

	world_begin("");
	client_open(&c, "10.0.0.1:25");
	say_mail(&c);
	client_say(&c, "no header here\r\n.\r\n", "250 2.0.0 ");
	assert_true(slice_ends(world.messages[0].trace, slice_lit("\r\n\r\n")));
	assert_slice(body_of(0), slice_lit("no header here\r\n"));
	client_close(&c);
	world_end();
}

/* As many servers as the RFC wants may have had it, no more. */
static void test_loop(void **state)
{
	for (unsigned hops = EDGE_HOPS_MAX; hops <= EDGE_HOPS_MAX + 1; hops++) {
		struct client c;

		world_begin("");
		client_open(&c, "10.0.0.1:25");
		say_mail(&c);
		client_expect(&c, "\r\n");
		for (unsigned i = 0; i < hops; i++)
			client_send(&c, slice_lit("Received: from a\r\n\tby b; then\r\n"));
		client_send(&c, slice_lit("Subject: x\r\n\r\nbody\r\n.\r\n"));
		client_expect(&c, hops > EDGE_HOPS_MAX ? "554 5.4.6 Too many Received" :
		    "250 2.0.0 Ok: queued");
		client_close(&c);
		world_end();
	}
}

static void test_limits(void **state)
{
	struct client c[4];

	world_begin("limit.sessions_per_address = 3\nsmtp.greeting_delay = 500ms\n"
	    "smtp.timeout = 30s\n");
	for (unsigned i = 0; i < 4; i++)
		client_open(&c[i], "10.0.0.1:25");
	client_expect(&c[3], "421 4.7.0 Too many connections from your address");
	client_expect_closed(&c[3]);
	client_say(&c[0], "EHLO early\r\n", "554 5.5.0 ");
	client_expect_closed(&c[0]);
	client_expect(&c[1], "220 ");
	client_expect(&c[2], "220 ");
	client_say(&c[1], "HELO c\r\n", "250 ");
	client_expect(&c[2], "421 4.4.2 ");
	for (unsigned i = 0; i < 4; i++)
		client_close(&c[i]);
	world_end();
}

/* Clients from now on come from there. */
static void come_from(uint8_t network, uint8_t address)
{
	const uint8_t ip[4] = { 10, 0, network, address };

	world.client_os = sim_process_create(sim_host_create(world.sim, "other", ip, 1 << 20),
	    "client");
}

static void refused_at(const char *where, const char *words)
{
	struct os *os = world.client_os;
	struct client c;

	client_open(&c, where);
	client_expect(&c, words);
	client_expect_closed(&c);
	assert_ptr_equal(world.client_os, os);
	client_close(&c);
}

static void test_shares_of_sessions(void **state)
{
	struct client c[2], other;

	world_begin("limit.sessions_per_address = 2\nlimit.network_factor = 1\n");
	for (unsigned i = 0; i < 2; i++) {
		client_open(&c[i], "10.0.0.1:25");
		client_expect(&c[i], "220 ");
	}
	refused_at("10.0.0.1:587", "421 4.7.0 Too many connections from your address\r\n");
	refused_at("10.0.0.1:110", "-ERR [SYS/TEMP] Too many connections from your address\r\n");
	refused_at("10.0.0.1:143", "* BYE [UNAVAILABLE] Too many connections from your address\r\n");
	come_from(0, 3);
	refused_at("10.0.0.1:25", "421 4.7.0 Too many connections from your network\r\n");
	refused_at("10.0.0.1:110", "-ERR [SYS/TEMP] Too many connections from your network\r\n");
	client_close(&c[0]);
	client_open(&other, "10.0.0.1:25");
	client_expect(&other, "220 ");
	come_from(1, 2);
	client_open(&c[0], "10.0.0.1:25");
	client_expect(&c[0], "220 ");
	client_close(&other);
	client_close(&c[0]);
	client_close(&c[1]);
	world_end();
}

static void test_shares_of_connections(void **state)
{
	struct client c;

	world_begin("limit.connections_per_address = 2\nsmtp.greeting_delay = 0\n");
	for (unsigned i = 0; i < 2; i++) {
		client_open(&c, "10.0.0.1:25");
		client_expect(&c, "220 ");
		client_close(&c);
	}
	refused_at("10.0.0.1:25", "421 4.7.0 Too many new connections, try again later\r\n");
	refused_at("10.0.0.1:110", "-ERR [SYS/TEMP] Too many new connections, try again later\r\n");
	run_ms(30000);
	client_open(&c, "10.0.0.1:25");
	client_expect(&c, "220 ");
	client_close(&c);
	world_end();
}

static void test_no_shares(void **state)
{
	struct client c[5];

	world_begin("limit.trusted = 10.0.0.2\nlimit.sessions_per_address = 1\n"
	    "limit.connections_per_address = 1\n");
	for (unsigned i = 0; i < 5; i++) {
		client_open(&c[i], "10.0.0.1:25");
		client_expect(&c[i], "220 ");
	}
	for (unsigned i = 0; i < 5; i++)
		client_close(&c[i]);
	world_end();
}

/* What the directory is told to count by, and what a client hears of it. */
static void test_shares_of_recipients(void **state)
{
	static const uint8_t there[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 2 };
	struct client c;

	world_begin("");
	client_open(&c, "10.0.0.1:25");
	client_expect(&c, "220 ");
	world.too_fast = true;
	client_say(&c, "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<bob@here.example>\r\n",
	    "450 4.7.1 too many messages\r\n");
	assert_int_equal(world.asked_flags, RECIPIENT_FIRST);
	assert_memory_equal(world.asked_ip, there, 16);
	assert_int_equal(world.asked_account, 0);
	client_say(&c, "DATA\r\n", "554 5.5.1 ");
	world.too_fast = false;
	client_say(&c, "RCPT TO:<bob@here.example>\r\n", "250 2.1.5 ");
	assert_int_equal(world.asked_flags, RECIPIENT_FIRST);
	client_say(&c, "RCPT TO:<alice@here.example>\r\n", "250 2.1.5 ");
	assert_int_equal(world.asked_flags, 0);
	client_close(&c);
	client_open(&c, "10.0.0.1:587");
	log_in(&c);
	client_say(&c, SUBMIT, "354 ");
	assert_int_equal(world.asked_flags, RECIPIENT_SUBMISSION | RECIPIENT_FIRST);
	assert_int_equal(world.asked_account, 7);
	client_close(&c);
	world_end();
}

/* Who is slow is not silent: time is given for what is done. */
static void test_slow(void **state)
{
	enum { BYTE, NOTHING, BODY, POP3, STEADY, N };
	static const struct {
		const char *where, *first, *reply, *then;
		unsigned from_s, to_s;          /* when it ends; 0: it does not */
	} rows[N] = {
		[BYTE] = { "10.0.0.1:25", "HELO c\r\n", "250 ", "N", 30, 40 },
		[NOTHING] = { "10.0.0.1:25", "HELO c\r\n", "250 ", "NOOP\r\n", 120, 160 },
		[BODY] = { "10.0.0.1:25", MAIL_TO_DATA, "354 ", "x\r\n", 30, 80 },
		[POP3] = { "10.0.0.1:110", "CAPA\r\n", "\r\n.\r\n", "CAPA\r\n", 120, 170 },
		[STEADY] = { "10.0.0.1:25", MAIL_TO_DATA, "354 ", NULL, 0, 0 },
	};
	unsigned char piece[10 * EDGE_BODY_RATE_MIN];
	unsigned ended_s[N] = { 0 };
	struct client c[N];

	memset(piece, 'x', sizeof piece);
	memcpy(piece + sizeof piece - 2, "\r\n", 2);
	world_begin("limit.fruitless = 2m\nsmtp.timeout = 30s\npop3.timeout = 40s\n");
	for (unsigned i = 0; i < N; i++) {
		client_open(&c[i], rows[i].where);
		client_expect(&c[i], "\r\n");
		client_say(&c[i], rows[i].first, rows[i].reply);
	}
	for (unsigned s = 0; s <= 200; s += 10) {
		for (unsigned i = 0; i < N; i++) {
			if (c[i].closed && ended_s[i] == 0)
				ended_s[i] = s;
			if (!c[i].closed)
				client_send(&c[i], rows[i].then != NULL ? slice_from(rows[i].then) :
				    slice_of(piece, sizeof piece));
		}
		run_ms(10 * 1000);
	}
	client_say(&c[STEADY], ".\r\n", "250 2.0.0 Ok");
	for (unsigned i = 0; i < N; i++) {
		if (ended_s[i] < rows[i].from_s || ended_s[i] > rows[i].to_s)
			fail_msg("client %u ended after %u s", i, ended_s[i]);
		client_close(&c[i]);
	}
	world_end();
}

/* Behind a client that reads nothing the edge does not see that the store left. */
static void test_pump_stands_still(void **state)
{
	static const unsigned char mail[64 * 1024];
	struct client c;

	world_begin("pop3.timeout = 10s\n");
	client_open(&c, "10.0.0.1:995");
	client_secure(&c);
	client_expect(&c, "\r\n");
	client_say(&c, "USER alice@here.example\r\nPASS secret\r\n", "+OK adopted\r\n");
	stream_pause(c.stream);
	for (unsigned i = 0; i < 16; i++) {
		size_t room = stream_room(world.adopted);

		stream_write(world.adopted, slice_of(mail, room < sizeof mail ? room : sizeof mail));
		run_ms(100);
	}
	run_ms(60 * 1000);
	assert_null(world.adopted);             /* the edge has closed its end of the pair */
	client_close(&c);
	world_end();
}

static void test_pop3(void **state)
{
	struct client c;

	world_begin("");
	client_open(&c, "10.0.0.1:995");
	client_secure(&c);
	client_expect(&c, "\r\n");
	client_say(&c, "USER alice@here.example\r\nPASS wrong\r\n", "-ERR [AUTH] ");
	client_say(&c, "USER alice@here.example\r\nPASS secret\r\nSTAT\r\n",
	    "+OK adopted\r\nSTAT\r\n");
	client_say(&c, "LIST\r\n", "LIST\r\n");
	stream_end(world.adopted);
	client_expect_closed(&c);
	client_close(&c);
	client_open(&c, "10.0.0.1:110");
	client_expect(&c, "\r\n");
	client_say(&c, "USER alice@here.example\r\n", "-ERR ");
	client_say(&c, "STLS\r\n", "+OK");
	client_expect(&c, "\r\n");
	client_secure(&c);
	client_say(&c, "USER alice@here.example\r\nPASS secret\r\n", "+OK adopted\r\n");
	client_close(&c);
	run_ms(1000);
	assert_null(world.adopted);
	world_end();
}

static void test_drain(void **state)
{
	struct client busy, idle;

	world_begin("");
	client_open(&busy, "10.0.0.1:25");
	say_mail(&busy);
	client_open(&idle, "10.0.0.1:25");
	client_expect(&idle, "220 ");
	keeper_drain(world.keeper, 10000);
	client_expect(&idle, "421 4.3.2 ");
	client_expect_closed(&idle);
	client_close(&idle);
	client_say(&busy, TEXT ".\r\n", "250 2.0.0 ");
	client_expect(&busy, "421 4.3.2 ");
	client_close(&busy);
	run_ms(2000);
	assert_true(world.ended);
	assert_int_equal(world.n_messages, 1);
	assert_int_equal(world.ends, 1);
	world_end();
}

UNIT_TESTS(cmocka_unit_test(test_relay_in), cmocka_unit_test(test_half_close),
    cmocka_unit_test(test_lenient), cmocka_unit_test(test_refusals),
    cmocka_unit_test(test_submission), cmocka_unit_test(test_lenient_submission),
    cmocka_unit_test(test_no_header), cmocka_unit_test(test_loop), cmocka_unit_test(test_limits),
    cmocka_unit_test(test_shares_of_sessions), cmocka_unit_test(test_shares_of_connections),
    cmocka_unit_test(test_no_shares), cmocka_unit_test(test_shares_of_recipients),
    cmocka_unit_test(test_pop3), cmocka_unit_test(test_slow),
    cmocka_unit_test(test_pump_stands_still), cmocka_unit_test(test_drain))
