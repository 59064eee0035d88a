/* pop3/pop3_client_test.c - sessions as transcripts: what the server says, what
 * we say to that; and our client against our server. */
#include "unit.h"

#include "base/limits.h"
#include "pop3/client.h"
#include "pop3/server_drive.h"

enum { SECURE = 1, STLS = 2, CLEAR = 4 };

struct caller {
	struct heap *heap;
	struct pop3_client_config config;
	struct pop3_client *c;
	struct buffer in, out, events;
	const enum pop3_command *commands;      /* ends with POP3_QUIT */
	bool stls_wanted;
};

static void caller_start(struct caller *d, unsigned how, const enum pop3_command *commands)
{
	d->heap = heap_create(SIZE_MAX);
	d->in = buffer_init(d->heap, SIZE_MAX);
	d->out = buffer_init(d->heap, SIZE_MAX);
	d->events = buffer_init(d->heap, SIZE_MAX);
	d->commands = commands;
	d->config = (struct pop3_client_config){ .stls = how & STLS, .clear_login = how & CLEAR,
		.login = slice_lit("alice"), .secret = slice_lit("secret") };
	d->c = pop3_client_create(d->heap, &d->config, how & SECURE);
}

static void caller_stop(struct caller *d)
{
	pop3_client_destroy(d->c);
	heap_drop(d->heap);
}

static void next_command(struct caller *d)
{
	enum pop3_command command = *d->commands++;

	pop3_client_command(d->c, command, 1, 0);
}

static void caller_event(struct caller *d, const struct pop3_client_event *e)
{
	static const char *const names[] = { "stls", "ready", "item", "body", "done", "failed",
		"closed" };

	/* Parts of a body come as they are cut: put them together. */
	if (e->kind == POP3_CLIENT_EVENT_BODY) {
		buffer_add(&d->events, e->text);
		return;
	}
	buffer_printf(&d->events, "%s%s %u %llu %.*s\n", names[e->kind],
	    e->kind != POP3_CLIENT_EVENT_DONE ? "" : e->ok ? " ok" : " err", e->number,
	    (unsigned long long)e->size, slice_arg(e->text));
	if (e->kind == POP3_CLIENT_EVENT_STLS)
		d->stls_wanted = true;
	else if (e->kind == POP3_CLIENT_EVENT_READY ||
	    (e->kind == POP3_CLIENT_EVENT_DONE && d->commands[-1] != POP3_QUIT))
		next_command(d);
}

static void caller_run(struct caller *d)
{
	bool moved = true;

	while (moved) {
		struct pop3_client_event event;
		slice out = pop3_client_output(d->c);
		size_t used;

		buffer_add(&d->out, out);
		pop3_client_sent(d->c, out.len);
		used = pop3_client_feed(d->c, buffer_bytes(&d->in));
		moved = used > 0 || out.len > 0;
		while (pop3_client_next(d->c, &event)) {
			caller_event(d, &event);
			moved = true;
		}
		buffer_consume(&d->in, used);
	}
}

#define HELLO { "+OK hi\r\n", "CAPA\r\n" }
#define LOGIN { "+OK hi\r\n", "CAPA\r\n" }, { "+OK\r\nTOP\r\n.\r\n", "USER alice\r\n" }, \
	{ "+OK\r\n", "PASS secret\r\n" }

static const struct transcript {
	const char *name;
	unsigned how;
	enum pop3_command commands[4];
	struct {
		const char *server, *client;
	} flights[10];
	const char *events;
} transcripts[] = {
	{ "stat", CLEAR, { POP3_STAT, POP3_QUIT }, {
	    LOGIN, { "+OK in\r\n", "STAT\r\n" }, { "+OK 2 320 more\r\n", "QUIT\r\n" },
	    { "+OK bye\r\n", "" } },
	  "ready 0 0 \ndone ok 2 320 2 320 more\ndone ok 0 0 bye\nclosed 0 0 \n" },
	{ "no CAPA", CLEAR, { POP3_QUIT }, {
	    HELLO, { "-ERR what\r\n", "USER alice\r\n" }, { "+OK\r\n", "PASS secret\r\n" },
	    { "+OK\r\n", "QUIT\r\n" }, { "-ERR not all\r\n", "" } },
	  "ready 0 0 \ndone err 0 0 not all\nclosed 0 0 \n" },
	{ "lists", CLEAR, { POP3_LIST, POP3_UIDL, POP3_CAPA, POP3_QUIT }, {
	    LOGIN, { "+OK in\r\n", "LIST\r\n" },
	    { "+OK 2\r\n1 120\r\n2 200 x\r\n.\r\n", "UIDL\r\n" },
	    { "+OK\r\n1 a\r\n2 b c\r\n.\r\n", "CAPA\r\n" },
	    { "+OK\r\nSASL PLAIN\r\n.\r\n", "QUIT\r\n" } },
	  "ready 0 0 \nitem 1 120 \nitem 2 200 \ndone ok 0 0 2\nitem 1 0 a\nitem 2 0 b c\n"
	  "done ok 0 0 \nitem 0 0 SASL PLAIN\ndone ok 0 0 \n" },
	{ "bodies", CLEAR, { POP3_RETR, POP3_TOP, POP3_DELE, POP3_QUIT }, {
	    LOGIN, { "+OK in\r\n", "RETR 1\r\n" },
	    { "+OK 9\r\na\r\n..b\r\n\r\n.\r\n", "TOP 1 0\r\n" },
	    { "-ERR no TOP\r\n", "DELE 1\r\n" }, { "+OK gone\r\n", "QUIT\r\n" } },
	  "ready 0 0 \na\r\n.b\r\n\r\ndone ok 0 0 9\ndone err 0 0 no TOP\ndone ok 0 0 gone\n" },
	{ "empty body", CLEAR, { POP3_RETR, POP3_RSET, POP3_NOOP, POP3_QUIT }, {
	    LOGIN, { "+OK in\r\n", "RETR 1\r\n" }, { "+OK\r\n.\r\n", "RSET\r\n" },
	    { "+OK\r\n", "NOOP\r\n" }, { "+OK\r\n", "QUIT\r\n" } },
	  "ready 0 0 \ndone ok 0 0 \ndone ok 0 0 \ndone ok 0 0 \n" },
	{ "stls", STLS, { POP3_QUIT }, {
	    HELLO, { "+OK\r\nSTLS\r\nUSER\r\n.\r\n", "STLS\r\n" },
	    { "+OK go\r\n-ERR injected\r\n", "USER alice\r\n" }, { "+OK\r\n", "PASS secret\r\n" },
	    { "+OK\r\n", "QUIT\r\n" } }, "stls 0 0 \nready 0 0 \n" },
	{ "stls missing", STLS, { POP3_QUIT }, { HELLO, { "+OK\r\nUSER\r\n.\r\n", "" } },
	  "failed 0 0 the server does not offer STLS\n" },
	{ "stls refused", STLS, { POP3_QUIT }, {
	    HELLO, { "+OK\r\nSTLS\r\n.\r\n", "STLS\r\n" }, { "-ERR no\r\n", "" } },
	  "failed 0 0 no\n" },
	{ "secure already", STLS | SECURE, { POP3_QUIT }, {
	    HELLO, { "+OK\r\nUSER\r\n.\r\n", "USER alice\r\n" } }, "" },
	{ "not in the clear", 0, { POP3_QUIT }, { HELLO, { "+OK\r\n.\r\n", "" } },
	  "failed 0 0 no TLS: the password is not sent in the clear\n" },
	{ "login refused", CLEAR, { POP3_QUIT }, { LOGIN, { "-ERR [AUTH] no\r\n", "" } },
	  "failed 0 0 [AUTH] no\n" },
	{ "not welcome", CLEAR, { POP3_QUIT }, { { "-ERR busy\r\n", "" } }, "failed 0 0 busy\n" },
	{ "not POP3", CLEAR, { POP3_QUIT }, { { "220 mx\r\n", "" } },
	  "failed 0 0 the server does not speak POP3\n" },
	{ "a row that is none", CLEAR, { POP3_LIST, POP3_QUIT }, {
	    LOGIN, { "+OK in\r\n", "LIST\r\n" }, { "+OK\r\nx\r\n", "" } },
	  "ready 0 0 \nfailed 0 0 a row of the server's list is none\n" },
	{ "stat that is none", CLEAR, { POP3_STAT, POP3_QUIT }, {
	    LOGIN, { "+OK in\r\n", "STAT\r\n" }, { "+OK many\r\n", "QUIT\r\n" } },
	  "ready 0 0 \ndone err 0 0 many\n" },
};

static void run(const struct transcript *t, size_t flight, size_t cut)
{
	struct caller d = { 0 };

	caller_start(&d, t->how, t->commands);
	for (size_t i = 0; t->flights[i].server != NULL; i++) {
		slice all = slice_from(t->flights[i].server);
		size_t at = 0;

		while (at < all.len) {
			size_t n = i != flight ? all.len : cut > all.len ? 1 :
			    at < cut ? cut : all.len - at;

			buffer_add(&d.in, slice_sub(all, at, n));
			caller_run(&d);
			at += n;
		}
		if (d.stls_wanted) {
			d.stls_wanted = false;
			pop3_client_secured(d.c);
			caller_run(&d);
		}
		assert_slice(buffer_bytes(&d.out), slice_from(t->flights[i].client));
		buffer_free(&d.out);
	}
	assert_slice(buffer_bytes(&d.events), slice_from(t->events));
	caller_stop(&d);
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

static void test_long_line(void **state)
{
	static const enum pop3_command commands[] = { POP3_QUIT };
	struct caller d = { 0 };

	caller_start(&d, CLEAR, commands);
	for (size_t i = 0; i < POP3_CLIENT_LINE_MAX + 10; i++) {
		buffer_add(&d.in, slice_lit("x"));
		caller_run(&d);
	}
	assert_slice(buffer_bytes(&d.events),
	    slice_lit("failed 0 0 the server's line is too long\n"));
	assert_int_equal(buffer_bytes(&d.in).len, 0);
	caller_stop(&d);
}

/* Both engines, mouth to ear: what the mailbox holds is what arrives. */
static void test_with_server(void **state)
{
	static const enum pop3_command commands[] = {
		POP3_STAT, POP3_RETR, POP3_DELE, POP3_UIDL, POP3_QUIT };
	struct drive server = { .loopback = true, .send_max = 7, .part_max = 5 };
	struct caller client = { 0 };
	bool moved = true;

	drive_start(&server);
	caller_start(&client, CLEAR, commands);
	pop3_server_greet(server.s);
	while (moved) {
		slice out;

		drive_run(&server);
		out = buffer_bytes(&server.out);
		moved = out.len > 0;
		buffer_add(&client.in, out);
		buffer_free(&server.out);
		caller_run(&client);
		out = buffer_bytes(&client.out);
		moved |= out.len > 0;
		drive_feed(&server, out);
		buffer_free(&client.out);
	}
	assert_slice(buffer_bytes(&client.events), slice_lit(
	    "ready 0 0 \ndone ok 4 102 4 102\n"
	    "Subject: one\r\n\r\nfirst\r\n.second\r\n\r\nfourth\r\ndone ok 0 0 42 octets\n"
	    "done ok 0 0 message 1 marked\n"
	    "item 2 0 u2\nitem 3 0 u3\nitem 4 0 u~4!\ndone ok 0 0 3 messages\n"
	    "done ok 0 0 goodbye\nclosed 0 0 \n"));
	assert_slice(buffer_bytes(&server.events),
	    slice_lit("login alice secret\nretr 1\ncommit 1\nquit\n"));
	caller_stop(&client);
	drive_stop(&server);
}

UNIT_TESTS(cmocka_unit_test(test_transcripts), cmocka_unit_test(test_long_line),
    cmocka_unit_test(test_with_server))
