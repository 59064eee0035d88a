/* smtp/smtp_client_test.c - sessions as transcripts: what the server says, what
 * we say to that. Each server's part is fed whole, byte by byte and at every
 * split in two. */
#include "unit.h"

#include "base/limits.h"
#include "smtp/client_drive.h"

enum { SECURE = 1, CLEAR_AUTH = 2, TLS_OFFERED = 4, TLS_REQUIRED = 8, AUTH = 16 };

static const slice one[] = { slice_lit("b@y") };
static const slice three[] = { slice_lit("b@y"), slice_lit("c@y"), slice_lit("\"d e\"@y") };

#define TO(list) .recipients = list, .n_recipients = sizeof list / sizeof list[0]

static const struct smtp_client_message simple[] = { { .from = slice_lit("a@x"), TO(one) } };
static const struct smtp_client_message twice[] = {
	{ .from = slice_lit("a@x"), TO(one) }, { .from = slice_lit(""), TO(one) },
};
static const struct smtp_client_message many[] = { { .from = slice_lit("a@x"), TO(three) } };
static const struct smtp_client_message sized[] = {
	{ .from = slice_lit("a@x"), TO(one), .size = 1000, .needs = SMTP_CLIENT_8BITMIME },
};
static const slice utf8_path[] = { slice_lit("\xc3\xa9@y") };
static const struct smtp_client_message utf8[] = { { .from = slice_lit("a@x"), TO(utf8_path) } };
static const slice evil_path[] = { slice_lit("b@y>\r\nDATA") };
static const struct smtp_client_message evil[] = {
	{ .from = slice_lit("a@x"), TO(evil_path) }, { .from = slice_lit("a@x\n"), TO(one) },
};

#define HELLO "EHLO me.test\r\n"
#define PIPELINED { "220 mx\r\n", HELLO }, \
	{ "250-mx\r\n250 PIPELINING\r\n", "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n" }
#define PIPELINED_MANY { "220 mx\r\n", HELLO }, \
	{ "250-mx\r\n250 PIPELINING\r\n", "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nRCPT TO:<c@y>\r\n" \
	  "RCPT TO:<\"d e\"@y>\r\nDATA\r\n" }

static const struct transcript {
	const char *name;
	unsigned how;
	const struct smtp_client_message *messages;
	size_t n_messages;
	struct {
		const char *server, *client;
	} flights[10];                  /* TLS is set up between them when asked for */
	const char *events;
} transcripts[] = {
	{ "one message, step by step", 0, simple, 1, {
	    { "220 mx ESMTP\r\n", HELLO },
	    { "250 mx\r\n", "MAIL FROM:<a@x>\r\n" },
	    { "250 ok\r\n", "RCPT TO:<b@y>\r\n" },
	    { "251 will do\r\n", "DATA\r\n" },
	    { "354 go\r\n", "Subject: x\r\n\r\n..dot\r\nend\r\n.\r\n" },
	    { "250 2.0.0 queued as 1\r\n", "QUIT\r\n" },
	    { "221 bye\r\n", "" } },
	  "ready\nrcpt 0 251 will do\nbody\nsent 250 2.0.0 queued as 1\nready\nclosed\n" },
	{ "pipelined, replies together", 0, simple, 1, {
	    PIPELINED,
	    { "250 ok\r\n250 ok\r\n354 go\r\n", "Subject: x\r\n\r\n..dot\r\nend\r\n.\r\n" },
	    { "250-two\r\n250 lines\r\n", "QUIT\r\n" },
	    { "500 what\r\n", "" } },
	  "ready\nrcpt 0 250 ok\nbody\nsent 250 two\nlines\nready\nclosed\n" },
	{ "two messages", 0, twice, 2, {
	    PIPELINED,
	    { "250 ok\r\n250 ok\r\n354 go\r\n", "Subject: x\r\n\r\n..dot\r\nend\r\n.\r\n" },
	    { "451 later\r\n", "MAIL FROM:<>\r\nRCPT TO:<b@y>\r\nDATA\r\n" },
	    { "250 ok\r\n250 ok\r\n354 go\r\n", "Subject: x\r\n\r\n..dot\r\nend\r\n.\r\n" },
	    { "250 ok\r\n", "QUIT\r\n" } },
	  "ready\nrcpt 0 250 ok\nbody\nsent 451 later\nready\nrcpt 0 250 ok\nbody\nsent 250 ok\n"
	  "ready\n" },
	{ "some recipients refused", 0, many, 1, {
	    PIPELINED_MANY,
	    { "250 ok\r\n550 no\r\n250 ok\r\n450 later\r\n354 go\r\n",
	      "Subject: x\r\n\r\n..dot\r\nend\r\n.\r\n" },
	    { "250 ok\r\n", "QUIT\r\n" } },
	  "ready\nrcpt 0 550 no\nrcpt 1 250 ok\nrcpt 2 450 later\nbody\nsent 250 ok\nready\n" },
	{ "all refused, DATA too", 0, many, 1, {
	    PIPELINED_MANY,
	    { "250 ok\r\n550 no\r\n551 no\r\n552 no\r\n503 no recipients\r\n", "RSET\r\n" },
	    { "250 ok\r\n", "QUIT\r\n" } },
	  "ready\nrcpt 0 550 no\nrcpt 1 551 no\nrcpt 2 552 no\nsent 552 no\nready\n" },
	{ "all refused, DATA taken", 0, simple, 1, {
	    PIPELINED,
	    { "250 ok\r\n550 no\r\n354 go\r\n", ".\r\n" },
	    { "554 no recipients\r\n", "QUIT\r\n" } },
	  "ready\nrcpt 0 550 no\nsent 550 no\nready\n" },
	{ "all refused, step by step", 0, simple, 1, {
	    { "220 mx\r\n", HELLO }, { "250 mx\r\n", "MAIL FROM:<a@x>\r\n" },
	    { "250 ok\r\n", "RCPT TO:<b@y>\r\n" }, { "550 5.1.1 who?\r\n", "RSET\r\n" },
	    { "250 ok\r\n", "QUIT\r\n" } },
	  "ready\nrcpt 0 550 5.1.1 who?\nsent 550 5.1.1 who?\nready\n" },
	{ "MAIL refused, pipelined", 0, many, 1, {
	    PIPELINED_MANY,
	    { "550 not you\r\n503 x\r\n503 x\r\n503 x\r\n503 x\r\n", "QUIT\r\n" } },
	  "ready\nsent 550 not you\nready\n" },
	{ "MAIL refused, step by step, then the next", 0, twice, 2, {
	    { "220 mx\r\n", HELLO }, { "250 mx\r\n", "MAIL FROM:<a@x>\r\n" },
	    { "452 full\r\n", "MAIL FROM:<>\r\n" }, { "552 full\r\n", "QUIT\r\n" } },
	  "ready\nsent 452 full\nready\nsent 552 full\nready\n" },
	{ "DATA refused", 0, simple, 1, {
	    PIPELINED,
	    { "250 ok\r\n250 ok\r\n451 no\r\n", "RSET\r\n" }, { "250 ok\r\n", "QUIT\r\n" } },
	  "ready\nrcpt 0 250 ok\nsent 451 no\nready\n" },

	/* Extensions */
	{ "HELO", 0, simple, 1, {
	    { "220 mx\r\n", HELLO }, { "502 no\r\n", "HELO me.test\r\n" },
	    { "250 mx\r\n", "MAIL FROM:<a@x>\r\n" } }, "ready\n" },
	{ "SIZE and 8BITMIME", 0, sized, 1, {
	    { "220 mx\r\n", HELLO },
	    { "250-mx\r\n250-size 1000\r\n250-8bitmime\r\n250 HELP\r\n",
	      "MAIL FROM:<a@x> SIZE=1000 BODY=8BITMIME\r\n" } }, "ready\n" },
	{ "too large for it", 0, sized, 1, {
	    { "220 mx\r\n", HELLO },
	    { "250-mx\r\n250-SIZE 999\r\n250 8BITMIME\r\n", "QUIT\r\n" } },
	  "ready\nsent 552 local 5.3.4 larger than the server takes\nready\n" },
	{ "SIZE without a number", 0, sized, 1, {
	    { "220 mx\r\n", HELLO },
	    { "250-mx\r\n250-SIZE\r\n250 8BITMIME\r\n",
	      "MAIL FROM:<a@x> SIZE=1000 BODY=8BITMIME\r\n" } }, "ready\n" },
	{ "no 8BITMIME", 0, sized, 1, {
	    { "220 mx\r\n", HELLO }, { "250 mx\r\n", "QUIT\r\n" } },
	  "ready\nsent 554 local 5.6.3 the server does not offer 8BITMIME\nready\n" },
	{ "SMTPUTF8", 0, utf8, 1, {
	    { "220 mx\r\n", HELLO },
	    { "250-mx\r\n250 SMTPUTF8\r\n", "MAIL FROM:<a@x> SMTPUTF8\r\n" },
	    { "250 ok\r\n", "RCPT TO:<\xc3\xa9@y>\r\n" } }, "ready\n" },
	{ "no SMTPUTF8", 0, utf8, 1, {
	    { "220 mx\r\n", HELLO }, { "250 mx\r\n", "QUIT\r\n" } },
	  "ready\nsent 553 local 5.6.7 the server does not offer SMTPUTF8\nready\n" },
	{ "commands in an address", 0, evil, 2, {
	    { "220 mx\r\n", HELLO }, { "250 mx\r\n", "QUIT\r\n" } },
	  "ready\nsent 553 local 5.1.3 an address is too long or no address\nready\n"
	  "sent 553 local 5.1.3 an address is too long or no address\nready\n" },

	/* TLS */
	{ "STARTTLS", TLS_REQUIRED, simple, 1, {
	    { "220 mx\r\n", HELLO },
	    { "250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n", "STARTTLS\r\n" },
	    { "220 go\r\n250 injected\r\n", HELLO },
	    { "250-mx\r\n250 STARTTLS\r\n", "MAIL FROM:<a@x>\r\n" } }, "starttls\nready\n" },
	{ "STARTTLS missing", TLS_REQUIRED, simple, 1, {
	    { "220 mx\r\n", HELLO }, { "250 mx\r\n", "" } },
	  "failed starttls 0 the server does not offer STARTTLS\n" },
	{ "STARTTLS refused", TLS_REQUIRED, simple, 1, {
	    { "220 mx\r\n", HELLO }, { "250-mx\r\n250 STARTTLS\r\n", "STARTTLS\r\n" },
	    { "454 not now\r\n", "" } }, "failed starttls 454 not now\n" },
	{ "STARTTLS refused, not needed", TLS_OFFERED, simple, 1, {
	    { "220 mx\r\n", HELLO }, { "250-mx\r\n250 STARTTLS\r\n", "STARTTLS\r\n" },
	    { "454 not now\r\n", "MAIL FROM:<a@x>\r\n" } }, "ready\n" },
	{ "STARTTLS not offered, not needed", TLS_OFFERED, simple, 1, {
	    { "220 mx\r\n", HELLO }, { "250 mx\r\n", "MAIL FROM:<a@x>\r\n" } }, "ready\n" },
	{ "HELO has no STARTTLS", TLS_REQUIRED, simple, 1, {
	    { "220 mx\r\n", HELLO }, { "500 ?\r\n", "HELO me.test\r\n" }, { "250 mx\r\n", "" } },
	  "failed starttls 0 the server does not offer STARTTLS\n" },

	/* AUTH */
	{ "AUTH PLAIN", AUTH | SECURE, NULL, 0, {
	    { "220 mx\r\n", HELLO },
	    { "250-mx\r\n250 AUTH LOGIN PLAIN\r\n", "AUTH PLAIN AGEAc2VjcmV0\r\n" },
	    { "235 in\r\n", "QUIT\r\n" } }, "ready\n" },
	{ "AUTH LOGIN", AUTH | SECURE, NULL, 0, {
	    { "220 mx\r\n", HELLO },
	    { "250-mx\r\n250 AUTH CRAM-MD5 LOGIN\r\n", "AUTH LOGIN\r\n" },
	    { "334 VXNlcm5hbWU6\r\n", "YQ==\r\n" }, { "334 UGFzc3dvcmQ6\r\n", "c2VjcmV0\r\n" },
	    { "235 in\r\n", "QUIT\r\n" } }, "ready\n" },
	{ "AUTH refused", AUTH | SECURE, NULL, 0, {
	    { "220 mx\r\n", HELLO },
	    { "250-mx\r\n250 AUTH PLAIN\r\n", "AUTH PLAIN AGEAc2VjcmV0\r\n" },
	    { "535 5.7.8 no\r\n", "" } }, "failed login 535 5.7.8 no\n" },
	{ "AUTH not in the clear", AUTH, NULL, 0, {
	    { "220 mx\r\n", HELLO }, { "250-mx\r\n250 AUTH PLAIN\r\n", "" } },
	  "failed login 0 no TLS: the password is not sent in the clear\n" },
	{ "AUTH in the clear, on loopback", AUTH | CLEAR_AUTH, NULL, 0, {
	    { "220 mx\r\n", HELLO },
	    { "250-mx\r\n250 AUTH PLAIN\r\n", "AUTH PLAIN AGEAc2VjcmV0\r\n" } }, "" },
	{ "AUTH missing", AUTH | SECURE, NULL, 0, {
	    { "220 mx\r\n", HELLO }, { "250-mx\r\n250 AUTH CRAM-MD5\r\n", "" } },
	  "failed login 0 the server does not offer AUTH PLAIN or LOGIN\n" },

	/* What is no SMTP, or its end */
	{ "not welcome", 0, simple, 1, { { "554 go away\r\n", "" } }, "failed 554 go away\n" },
	{ "not SMTP", 0, simple, 1, { { "SSH-2.0-OpenSSH\r\n", "" } },
	  "failed 0 the server does not speak SMTP\n" },
	{ "421 between", 0, simple, 1, {
	    PIPELINED, { "250 ok\r\n421 closing\r\n", "" } }, "ready\nfailed 421 closing\n" },
	{ "codes differ within a reply", 0, simple, 1, {
	    { "220 mx\r\n", HELLO }, { "250-mx\r\n550 x\r\n", "" } },
	  "failed 0 the server does not speak SMTP\n" },
	{ "354 to RCPT", 0, simple, 1, {
	    PIPELINED, { "250 ok\r\n354 go\r\n", "" } },
	  "ready\nfailed 0 the server's reply does not fit the command\n" },
	{ "250 to DATA", 0, simple, 1, {
	    PIPELINED, { "250 ok\r\n250 ok\r\n250 ok\r\n", "" } },
	  "ready\nrcpt 0 250 ok\nfailed 0 the server's reply does not fit the command\n" },
	{ "RSET refused", 0, simple, 1, {
	    PIPELINED, { "250 ok\r\n250 ok\r\n451 no\r\n", "RSET\r\n" }, { "500 no\r\n", "" } },
	  "ready\nrcpt 0 250 ok\nsent 451 no\n"
	  "failed 0 the server's reply does not fit the command\n" },
};

static struct drive drive_of(const struct transcript *t)
{
	struct drive d = { .secure = t->how & SECURE, .messages = t->messages,
		.n_messages = t->n_messages, .send_max = SIZE_MAX,
		.body = slice_lit("Subject: x\r\n\r\n.dot\nend") };

	d.config.clear_auth = t->how & CLEAR_AUTH;
	if (t->how & TLS_OFFERED)
		d.config.starttls = SMTP_CLIENT_TLS_OFFERED;
	if (t->how & TLS_REQUIRED)
		d.config.starttls = SMTP_CLIENT_TLS_REQUIRED;
	if (t->how & AUTH) {
		d.config.login = slice_lit("a");
		d.config.secret = slice_lit("secret");
	}
	return d;
}

/* Feed a flight in pieces: cut in two, or byte by byte when cut is past it. */
static void feed_cut(struct drive *d, slice flight, size_t cut)
{
	size_t at = 0;

	while (at < flight.len) {
		size_t n = cut > flight.len ? 1 : at < cut ? cut : flight.len - at;
		slice part = guarded_copy(slice_sub(flight, at, n));

		drive_feed(d, part);
		guarded_free(part);
		at += n;
	}
}

static void run(const struct transcript *t, size_t flight, size_t cut)
{
	struct drive d = drive_of(t);

	drive_start(&d);
	for (size_t i = 0; t->flights[i].server != NULL; i++) {
		feed_cut(&d, slice_from(t->flights[i].server), i == flight ? cut : 0);
		drive_secure(&d);
		assert_slice(buffer_bytes(&d.out), slice_from(t->flights[i].client));
		buffer_free(&d.out);
	}
	assert_slice(buffer_bytes(&d.events), slice_from(t->events));
	drive_stop(&d);
}

static void test_transcripts(void **state)
{
	for (size_t i = 0; i < sizeof transcripts / sizeof transcripts[0]; i++) {
		const struct transcript *t = &transcripts[i];

		print_message("# %s\n", t->name);
		for (size_t flight = 0; t->flights[flight].server != NULL; flight++) {
			for (size_t cut = 0; cut <= strlen(t->flights[flight].server) + 1; cut++)
				run(t, flight, cut);
		}
	}
}

/* 5,000 recipients do not fit in the output at once; all are asked about. */
static void test_many_recipients(void **state)
{
	enum { N = 5000 };
	static slice recipients[N];
	static const struct smtp_client_message message = {
		.from = slice_lit(""), .recipients = recipients, .n_recipients = N };
	struct drive d = { .messages = &message, .n_messages = 1, .send_max = 500,
		.body = slice_lit("x") };
	size_t asked = 0;

	for (size_t i = 0; i < N; i++)
		recipients[i] = slice_lit("somebody.with.a.long.name@mail.example");
	drive_start(&d);
	drive_feed(&d, slice_lit("220 mx\r\n"));
	drive_feed(&d, slice_lit("250-mx\r\n250 PIPELINING\r\n"));
	assert_true(smtp_client_output(d.c).len <= SMTP_CLIENT_OUTPUT_MAX);
	drive_feed(&d, slice_lit("250 ok\r\n"));
	for (size_t i = 0; i < N; i++)
		drive_feed(&d, slice_lit("250 ok\r\n"));
	drive_feed(&d, slice_lit("354 go\r\n"));
	drive_feed(&d, slice_lit("250 ok\r\n"));
	for (slice rest = buffer_bytes(&d.out); rest.len > 0;)
		asked += slice_starts(slice_cut(&rest, '\n'), slice_lit("RCPT TO:<somebody"));
	assert_int_equal(asked, N);
	assert_int_equal(d.n_sent, 1);
	assert_true(slice_ends(buffer_bytes(&d.out), slice_lit("DATA\r\nx\r\n.\r\nQUIT\r\n")));
	drive_stop(&d);
}

/* A server that answers what has not left us yet breaks itself, not us. */
static void test_early_replies(void **state)
{
	static const struct { const char *server, *events; } cases[] = {
		{ "220 mx\r\n250 mx\r\n", "failed 0 the server replied out of turn\n" },
		{ "220 mx\r\n550 no\r\n", "failed 550 no\n" },
		{ "220 mx\r\n421 no\r\n", "failed 421 no\n" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct drive d = { .send_max = 0 };

		drive_start(&d);
		drive_feed(&d, slice_from(cases[i].server));
		assert_slice(buffer_bytes(&d.events), slice_from(cases[i].events));
		drive_stop(&d);
	}
}

/* 421 in the middle of a body: FAILED, and the rest of the body goes nowhere. */
static void test_failure_in_body(void **state)
{
	struct smtp_client_event event;
	struct drive d = { .messages = simple, .n_messages = 1, .send_max = SIZE_MAX };

	drive_start(&d);
	drive_feed(&d, slice_lit("220 mx\r\n"));
	drive_feed(&d, slice_lit("250 mx\r\n"));
	drive_feed(&d, slice_lit("250 ok\r\n"));
	drive_feed(&d, slice_lit("250 ok\r\n"));
	assert_int_equal(smtp_client_feed(d.c, slice_lit("354 go\r\n")), 8);
	assert_true(smtp_client_next(d.c, &event));
	assert_int_equal(event.kind, SMTP_CLIENT_EVENT_BODY);
	assert_int_equal(smtp_client_body(d.c, slice_lit("a\r\n")), 3);
	assert_int_equal(smtp_client_feed(d.c, slice_lit("452 full\r\n")), 10);
	assert_true(smtp_client_next(d.c, &event));
	assert_int_equal(event.kind, SMTP_CLIENT_EVENT_FAILED);
	assert_int_equal(event.code, 452);
	assert_int_equal(smtp_client_body(d.c, slice_lit("b\r\n")), 3);
	smtp_client_body_end(d.c);
	assert_slice(smtp_client_output(d.c), slice_lit("a\r\n"));
	assert_int_equal(smtp_client_feed(d.c, slice_lit("250 ok\r\n")), 8);
	assert_false(smtp_client_next(d.c, &event));
	drive_stop(&d);
}

/* A password too long for AUTH's own line goes on the next. */
static void test_long_password(void **state)
{
	char secret[SASL_SECRET_MAX];
	struct drive d = { .secure = true, .send_max = SIZE_MAX };

	memset(secret, 's', sizeof secret);
	d.config.login = slice_lit("a");
	d.config.secret = slice_of(secret, sizeof secret);
	drive_start(&d);
	drive_feed(&d, slice_lit("220 mx\r\n"));
	buffer_free(&d.out);
	drive_feed(&d, slice_lit("250-mx\r\n250 AUTH PLAIN\r\n"));
	assert_slice(buffer_bytes(&d.out), slice_lit("AUTH PLAIN\r\n"));
	buffer_free(&d.out);
	drive_feed(&d, slice_lit("334 \r\n"));
	assert_true(slice_starts(buffer_bytes(&d.out), slice_lit("AGEAc3Nzc3Nz")));
	assert_int_equal(buffer_bytes(&d.out).len, (SASL_SECRET_MAX + 3 + 2) / 3 * 4 + 2);
	drive_stop(&d);
}

static void test_patience(void **state)
{
	struct drive d = { .send_max = SIZE_MAX };

	drive_start(&d);
	assert_int_equal(smtp_client_patience_ms(d.c), 300000);
	drive_feed(&d, slice_lit("220 mx\r\n"));
	assert_int_equal(smtp_client_patience_ms(d.c), 300000);
	drive_stop(&d);
}

UNIT_TESTS(cmocka_unit_test(test_transcripts), cmocka_unit_test(test_many_recipients),
    cmocka_unit_test(test_early_replies), cmocka_unit_test(test_failure_in_body),
    cmocka_unit_test(test_long_password), cmocka_unit_test(test_patience))
