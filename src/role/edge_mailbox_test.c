/* role/edge_mailbox_test.c - X-Posthouse-Mailbox, as an edge hears it. */
#include "role/edge_world_test.h"

#define MOCK "domains = here.example\nmock = yes\nrelay = no\nmock.mailboxes = login\n"
#define TO_DATA "MAIL FROM:<x@there.example>\r\nRCPT TO:<bob@here.example>\r\n" \
    "RCPT TO:<carol@here.example>\r\nDATA\r\n"
#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

static void begin(struct client *c, const char *config)
{
	world_begin(config);
	client_open(c, "10.0.0.1:25");
	client_expect(c, "220 ");
	client_say(c, "EHLO c\r\n", "STARTTLS\r\n");
}

static void end(struct client *c)
{
	client_send(c, slice_lit("QUIT\r\n"));
	client_expect_closed(c);
	client_close(c);
	world_end();
}

static void send(struct client *c, const char *text, const char *reply)
{
	client_say(c, TO_DATA, "354 ");
	client_send(c, slice_from(text));
	client_say(c, ".\r\n", reply);
}

static struct committed *last(void)
{
	assert_true(world.n_messages > 0);
	return &world.messages[world.n_messages - 1];
}

/* Both recipients, of account 100 and the length of the name, or nobody's. */
static void assert_sealed_for(size_t name)
{
	char of[8] = "", text[64];

	if (name > 0)
		snprintf(of, sizeof of, "%zu:", 100 + name);
	snprintf(text, sizeof text, "seal:%sbob@here.example", of);
	assert_slice(last()->sealed, slice_from(text));
	snprintf(text, sizeof text, "seal:%scarol@here.example", of);
	assert_slice(last()->last_sealed, slice_from(text));
	assert_int_equal(last()->n_recipients, 2);
}

static void test_names(void **state)
{
	static const struct {
		const char *text, *name;        /* NULL: none */
	} cases[] = {
		{ "X-Posthouse-Mailbox: suite-a\r\nSubject: s\r\n\r\nx\r\n", "suite-a" },
		{ "Subject: s\r\nx-posthouse-MAILBOX :\tsuite a  \r\n\r\n", "suite a" },
		{ "X-Posthouse-Mailbox:\r\n  suite-\r\n a\r\n\r\n", "suite- a" },
		{ "X-Posthouse-Mailbox: a\r\nX-Posthouse-Mailbox: b\r\n\r\n", "a" },
		{ "A: b\nX-Posthouse-Mailbox: lf\n\nx\n", "lf" },
		{ "X-Posthouse-Mailbox: \xc3\xbc\x01\xff\r\n\r\n", "\xc3\xbc\x01\xff" },
		{ "X-Posthouse-Mailbox: " FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY "\r\n\r\n",
		    FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY TEN TEN },
		{ "X-Posthouse-Mailbox: the-end\r\n", "the-end" },
		{ "Subject: s\r\n\r\nX-Posthouse-Mailbox: of the text\r\n", NULL },
		{ "no field\r\nX-Posthouse-Mailbox: of the text\r\n", NULL },
		{ "X-Posthouse-Mailbox:\r\n\r\n", NULL },
		{ "X-Posthouse-Mailbox: \r\n \r\n\r\n", NULL },
		{ "X-Posthouse-Mailboxes: a\r\n\r\n", NULL },
		{ "", NULL },
	};
	struct client c;
	unsigned logins = 0;

	begin(&c, MOCK);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *name = cases[i].name;

		send(&c, cases[i].text, "250 2.0.0 ");
		assert_int_equal(world.n_messages, i + 1);
		logins += name != NULL;
		if (world.n_logins != logins)
			fail_msg("%s: %u questions", cases[i].text, world.n_logins);
		if (name != NULL)
			assert_slice(world.asked_login, slice_from(name));
		assert_sealed_for(name != NULL ? strlen(name) : 0);
	}
	end(&c);
}

/* What stands on top of the last message's trace. */
static void assert_user(const char *name)
{
	slice field = slice_lit("X-Posthouse-Login: "), trace = last()->trace, line = { 0 };

	if (slice_starts(trace, field)) {
		line = slice_drop(slice_cut(&trace, '\r'), field.len);
		trace = slice_drop(trace, 1);
	}
	assert_slice(line, slice_from(name));
	assert_true(slice_starts(trace, slice_lit("Received: from c ")));
}

/* It is before a login; and what is before it stays as it was. */
static void test_login(void **state)
{
	struct client c;

	begin(&c, MOCK);
	send(&c, "Subject: s\r\n\r\n", "250 2.0.0 ");
	assert_user("");
	client_say(&c, "STARTTLS\r\n", "220 ");
	client_secure(&c);
	client_say(&c, "EHLO c\r\nAUTH PLAIN AGFsaWNlAHg=\r\n", "235 ");
	send(&c, "Subject: s\r\n\r\n", "250 2.0.0 ");
	assert_sealed_for(5);
	send(&c, "X-Posthouse-Mailbox: b\r\n\r\n", "250 2.0.0 ");
	assert_sealed_for(1);
	assert_user("alice");
	send(&c, "Subject: s\r\n\r\n", "250 2.0.0 ");
	assert_sealed_for(5);
	assert_user("alice");
	end(&c);
}

/* A login that was refused is nobody's; and the field is a mock's only. */
static void test_user(void **state)
{
	static const char *const configs[] = { MOCK, "domains = here.example\nmock = yes\nrelay = no\n",
	    "" };
	struct client c;

	for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
		world_begin(configs[i]);
		client_open(&c, "10.0.0.1:587");
		client_say(&c, "EHLO c\r\nSTARTTLS\r\n", "220 2.0.0 ");
		client_secure(&c);
		client_say(&c, "EHLO c\r\n", "AUTH PLAIN");
		if (i == 0) {
			client_say(&c, "AUTH PLAIN AGZ1bGwAeA==\r\n", "451 4.3.0 ");
			send(&c, "Subject: s\r\n\r\n", "250 2.0.0 ");
			assert_user("");
		}
		client_say(&c, "AUTH PLAIN AGFsaWNlQGhlcmUuZXhhbXBsZQBzZWNyZXQ=\r\n", "235 2.7.0 ");
		client_say(&c, "MAIL FROM:<alice@here.example>\r\nRCPT TO:<bob@here.example>\r\n"
		    "DATA\r\n", "354 ");
		client_say(&c, "From: alice@here.example\r\n\r\n.\r\n", "250 2.0.0 ");
		assert_user(i < 2 ? "alice@here.example" : "");
		end(&c);
	}
}

static void test_others(void **state)
{
	static const char *const configs[] = { "", "domains = here.example\nmock = yes\nrelay = no\n" };
	struct client c;

	for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
		begin(&c, configs[i]);
		send(&c, "X-Posthouse-Mailbox: suite-a\r\n\r\n", "250 2.0.0 ");
		assert_int_equal(world.n_logins, 0);
		assert_sealed_for(0);
		end(&c);
	}
}

/* A header that is longer than memory has no more; a body that is, has. */
static void test_large(void **state)
{
	static const slice field = slice_lit("X-Posthouse-Mailbox: large\r\n");
	struct client c;

	begin(&c, MOCK);
	for (unsigned i = 0; i < 2; i++) {
		struct buffer text = buffer_init(world.heap, 1 << 20);

		if (i == 0)
			buffer_add(&text, field);
		while (buffer_bytes(&text).len < EDGE_BODY_RAW_MAX)
			buffer_add(&text, slice_lit("X: " FIFTY "\r\n"));
		if (i == 1)
			buffer_add(&text, field);
		buffer_add(&text, slice_lit("\r\n"));
		client_say(&c, TO_DATA, "354 ");
		client_send(&c, buffer_bytes(&text));
		client_say(&c, ".\r\n", "250 2.0.0 ");
		assert_true(last()->spooled);
		assert_sealed_for(i == 0 ? 5 : 0);
	}
	end(&c);
}

/* Never with others' mail. */
static void test_no_mailbox(void **state)
{
	struct client c;

	begin(&c, MOCK);
	send(&c, "X-Posthouse-Mailbox: full\r\n\r\n", "451 4.3.0 ");
	client_say(&c, TO_DATA, "354 ");
	client_send(&c, slice_lit("X-Posthouse-Mailbox: a\r\n\r\n"));
	run_ms(100);
	world.silent = true;
	client_send(&c, slice_lit(".\r\n"));
	run_ms(100);
	sim_kill(world.directory->os);
	client_expect(&c, "451 4.3.0 ");
	assert_int_equal(world.n_messages, 0);
	world.silent = false;
	run_ms(2000);
	send(&c, "X-Posthouse-Mailbox: a\r\n\r\n", "250 2.0.0 ");
	assert_sealed_for(1);
	assert_true(sim_process_alive(edge_os()));
	end(&c);
}

/* Who is gone after the last byte is heard out. */
static void test_gone(void **state)
{
	struct client c;

	begin(&c, MOCK);
	client_say(&c, TO_DATA, "354 ");
	client_send(&c, slice_lit("X-Posthouse-Mailbox: gone\r\n\r\nx\r\n.\r\n"));
	while (stream_unsent(c.stream) > 0)
		run_ms(1);
	client_close(&c);
	run_ms(5000);
	assert_int_equal(world.n_messages, 1);
	assert_sealed_for(4);
	world_end();
}

UNIT_TESTS(cmocka_unit_test(test_names), cmocka_unit_test(test_login), cmocka_unit_test(test_user),
    cmocka_unit_test(test_others), cmocka_unit_test(test_large),
    cmocka_unit_test(test_no_mailbox), cmocka_unit_test(test_gone))
