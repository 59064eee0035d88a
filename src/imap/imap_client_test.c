/* imap/imap_client_test.c - sessions as transcripts: what the server says, cut at each place,
 * and what we say to that; and our client against our server. */
#include "imap/client.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "imap/server_drive.h"
#include "unit.h"

enum { LITERAL_MAX = 8 };

struct caller {
	struct heap *heap;
	struct imap_client *c;
	struct buffer in, out, events;
	const char *const *commands;    /* ends with NULL; ">" begins what CONTINUE asks for */
	bool over;
};

static void caller_start(struct caller *d, const char *const *commands)
{
	d->heap = heap_create(SIZE_MAX);
	d->in = buffer_init(d->heap, SIZE_MAX);
	d->out = buffer_init(d->heap, SIZE_MAX);
	d->events = buffer_init(d->heap, SIZE_MAX);
	d->commands = commands;
	d->c = imap_client_create(d->heap, LITERAL_MAX);
}

static void caller_stop(struct caller *d)
{
	imap_client_destroy(d->c);
	heap_drop(d->heap);
}

static void caller_next(struct caller *d)
{
	const char *text = *d->commands;

	if (text == NULL)
		return;
	d->commands++;
	if (text[0] == '>')
		imap_client_say(d->c, slice_from(text + 1));
	else
		imap_client_command(d->c, slice_from(text));
	/* "&" begins one that does not wait for the answer. */
	while (*d->commands != NULL && **d->commands == '&')
		imap_client_command(d->c, slice_from(*d->commands++ + 1));
}

static void caller_event(struct caller *d, const struct imap_client_event *e)
{
	static const char *const names[] = { "greeting", "response", "continue", "done", "failed" };
	static const char *const states[] = { "-", "OK", "NO", "BAD", "PREAUTH", "BYE" };

	assert_false(d->over);
	buffer_printf(&d->events, "%s %s %u %llu [%.*s] %.*s\n", names[e->kind], states[e->status],
	    e->number, (unsigned long long)e->left_out, slice_arg(e->name), slice_arg(e->text));
	d->over = e->kind == IMAP_CLIENT_EVENT_FAILED;
	if (e->kind == IMAP_CLIENT_EVENT_CONTINUE || e->kind == IMAP_CLIENT_EVENT_GREETING ||
	    (e->kind == IMAP_CLIENT_EVENT_DONE && imap_client_in_flight(d->c) == 0))
		caller_next(d);
}

static void caller_run(struct caller *d)
{
	bool moved = true;

	while (moved) {
		struct imap_client_event event;
		slice out = imap_client_output(d->c);
		size_t used;

		buffer_add(&d->out, out);
		imap_client_sent(d->c, out.len);
		used = imap_client_feed(d->c, buffer_bytes(&d->in));
		moved = used > 0 || out.len > 0;
		while (imap_client_next(d->c, &event)) {
			caller_event(d, &event);
			moved = true;
		}
		buffer_consume(&d->in, used);
	}
}

/* ---- transcripts ---- */

#define HELLO "* OK [CAPABILITY IMAP4rev1] hi\r\n"
#define HEARD "greeting OK 0 0 [OK] [CAPABILITY IMAP4rev1] hi\n"

static const struct transcript {
	const char *name;
	const char *commands[8];
	const char *server;             /* all of it; nothing in it waits for us */
	const char *client, *events;
} transcripts[] = {
	{ "responses", { "NOOP", "SELECT INBOX" },
	  HELLO "c1 OK done\r\n* 3 EXISTS\r\n* FLAGS (\\Seen)\r\n* OK [UNSEEN 2]\r\n* SEARCH\r\n"
	  "* BYE now\r\nc2 NO\r\n",
	  "c1 NOOP\r\nc2 SELECT INBOX\r\n",
	  HEARD "done OK 1 0 [OK] done\nresponse - 3 0 [EXISTS] \nresponse - 0 0 [FLAGS] (\\Seen)\n"
	  "response OK 0 0 [OK] [UNSEEN 2]\nresponse - 0 0 [SEARCH] \nresponse BYE 0 0 [BYE] now\n"
	  "done NO 2 0 [NO] \n" },
	{ "literals, kept and left out", { "FETCH 1 X" },
	  HELLO "* 1 FETCH (A {0}\r\n B {8}\r\n1\n4}{7}\n C {9}\r\n123456789 D \"{5}\" E ~{10}\r\n"
	  "{5}\r\nabc\r\n)\r\n* 2 FETCH (B {10}\r\n1234567890)\r\nc1 BAD {5}\r\n* OK {5}\r\n",
	  "c1 FETCH 1 X\r\n",
	  HEARD "response - 1 19 [FETCH] (A {0}\r\n B {8}\r\n1\n4}{7}\n C {9} D \"{5}\" E ~{10})\n"
	  "response - 2 10 [FETCH] (B {10})\ndone BAD 1 0 [BAD] {5}\nresponse OK 0 0 [OK] {5}\n" },
	{ "lines that end in LF only", { "NOOP" }, "* OK hi\n* 1 FETCH (A {3}\nabc)\nc1 OK\n",
	  "c1 NOOP\r\n",
	  "greeting OK 0 0 [OK] hi\nresponse - 1 0 [FETCH] (A {3}\r\nabc)\ndone OK 1 0 [OK] \n" },
	{ "what is asked for", { "APPEND x {3}", ">abc\r\n", "IDLE", ">DONE\r\n" },
	  "* PREAUTH\r\n+ go\r\nc1 OK\r\n* 4 EXISTS\r\n+\r\n* 5 EXISTS\r\nc2 OK\r\n",
	  "c1 APPEND x {3}\r\nabc\r\nc2 IDLE\r\nDONE\r\n",
	  "greeting PREAUTH 0 0 [PREAUTH] \ncontinue - 0 0 [] go\ndone OK 1 0 [OK] \n"
	  "response - 4 0 [EXISTS] \ncontinue - 0 0 [] \nresponse - 5 0 [EXISTS] \ndone OK 2 0 [OK] \n" },
	{ "many at once", { "A", "&B", "&C", "D" },
	  HELLO "c3 OK\r\nc1 OK\r\nc2 NO\r\nc4 OK\r\n", "c1 A\r\nc2 B\r\nc3 C\r\nc4 D\r\n",
	  HEARD "done OK 3 0 [OK] \ndone OK 1 0 [OK] \ndone NO 2 0 [NO] \ndone OK 4 0 [OK] \n" },
	{ "answered twice", { "A", "&B" }, HELLO "c1 OK\r\nc1 OK\r\nc2 OK\r\n", "c1 A\r\nc2 B\r\n",
	  HEARD "done OK 1 0 [OK] \nfailed - 0 0 [] the server answers what was not asked\n" },
	{ "another's tag", { "A" }, HELLO "c2 OK\r\n", "c1 A\r\n",
	  HEARD "failed - 0 0 [] the server answers what was not asked\n" },
	{ "no result", { "A" }, HELLO "c1 BYE\r\n", "c1 A\r\n",
	  HEARD "failed - 0 0 [] the server's answer has no result\n" },
	{ "nothing to continue", { NULL }, HELLO "+ go\r\n", "",
	  HEARD "failed - 0 0 [] the server waits for a command that there is not\n" },
	{ "not welcome", { NULL }, "* BYE busy\r\n", "", "greeting BYE 0 0 [BYE] busy\n" },
	{ "POP3", { "A" }, "+OK hi\r\n", "", "failed - 0 0 [] the server does not speak IMAP\n" },
	{ "SMTP", { "A" }, "220 hi\r\n", "", "failed - 0 0 [] the server does not speak IMAP\n" },
	{ "no greeting", { "A" }, "* 1 EXISTS\r\n", "",
	  "failed - 0 0 [] the server does not speak IMAP\n" },
	{ "numbers too large", { "A" }, HELLO "* 4294967296 EXISTS\r\n* 1 FETCH {9223372036854775808}\r\n"
	  "c1 OK\r\n", "c1 A\r\n", HEARD "response - 0 0 [4294967296] EXISTS\n"
	  "response - 1 0 [FETCH] {9223372036854775808}\ndone OK 1 0 [OK] \n" },
};

static void run(const struct transcript *t, size_t cut, size_t piece)
{
	struct caller d = { 0 };
	slice all = slice_from(t->server);

	caller_start(&d, t->commands);
	for (size_t at = 0; at < all.len && !d.over;) {
		size_t n = at < cut ? cut : piece;

		n = n < all.len - at ? n : all.len - at;
		buffer_add(&d.in, slice_sub(all, at, n));
		caller_run(&d);
		/* Without an event nothing is left over. */
		assert_int_equal(buffer_bytes(&d.in).len, 0);
		at += n;
	}
	assert_slice(buffer_bytes(&d.events), slice_from(t->events));
	assert_slice(buffer_bytes(&d.out), slice_from(t->client));
	caller_stop(&d);
}

static void test_transcripts(void **state)
{
	for (size_t i = 0; i < sizeof transcripts / sizeof transcripts[0]; i++) {
		const struct transcript *t = &transcripts[i];

		print_message("# %s\n", t->name);
		for (size_t cut = 0; cut <= strlen(t->server); cut++)
			run(t, cut, SIZE_MAX);
		run(t, 0, 1);
	}
}

/* ---- bounds ---- */

static void feed_much(struct caller *d, const char *text, size_t len, size_t times)
{
	for (size_t i = 0; i < times && !d->over; i++) {
		buffer_add(&d->in, slice_of(text, len));
		caller_run(d);
	}
}

static void test_bounds(void **state)
{
	static const char *const commands[] = { "A", NULL };
	static char much[64 * 1024];
	const char *const told = HEARD "failed - 0 0 [] the server's response is too long\n";

	memset(much, 'x', sizeof much);
	for (int way = 0; way < 2; way++) {
		struct caller d = { 0 };

		caller_start(&d, commands);
		buffer_add(&d.in, slice_lit(HELLO));
		if (way == 1) {         /* many literals that are kept */
			buffer_add(&d.in, slice_lit("* 1 FETCH (A {8}\r\n"));
			for (size_t i = 0; i + 13 <= sizeof much; i += 13)
				memcpy(much + i, "1234567 {8}\r\n", 13);
		}
		caller_run(&d);
		feed_much(&d, much, way == 0 ? sizeof much : sizeof much / 13 * 13,
		    IMAP_CLIENT_RESPONSE_MAX / sizeof much + 2);
		assert_slice(buffer_bytes(&d.events), slice_from(told));
		assert_int_equal(buffer_bytes(&d.in).len, 0);
		caller_stop(&d);
	}
}

/* What is left out costs no memory, however much it is. */
static void test_large_literal(void **state)
{
	static const char *const commands[] = { "A", NULL };
	static char much[1024 * 1024];
	struct caller d = { 0 };

	memset(much, '\n', sizeof much);
	caller_start(&d, commands);
	buffer_add(&d.in, slice_lit(HELLO "* 1 FETCH (BODY[] {67108864}\r\n"));
	caller_run(&d);
	feed_much(&d, much, sizeof much, 64);
	buffer_free(&d.in);
	assert_true(heap_used(d.heap) < 16 * 1024);
	buffer_add(&d.in, slice_lit(")\r\n"));
	caller_run(&d);
	assert_slice(buffer_bytes(&d.events),
	    slice_lit(HEARD "response - 1 67108864 [FETCH] (BODY[] {67108864})\n"));
	caller_stop(&d);
}

static void test_quote(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, 12);

	assert_true(imap_client_quote(&out, slice_lit("a \"b\\")));
	assert_slice(buffer_bytes(&out), slice_lit("\"a \\\"b\\\\\""));
	assert_false(imap_client_quote(&out, slice_lit("abc")));
	assert_slice(buffer_bytes(&out), slice_lit("\"a \\\"b\\\\\""));
	buffer_free(&out);
	assert_false(imap_client_quote(&out, slice_lit("a\r\nb")));
	assert_false(imap_client_quote(&out, slice_lit("\xc3\xa4")));
	assert_true(imap_client_quote(&out, slice_lit("")));
	assert_slice(buffer_bytes(&out), slice_lit("\"\""));
	buffer_free(&out);
	heap_drop(heap);
}

/* Both engines, mouth to ear. */
static void test_with_server(void **state)
{
	static const char *const commands[] = { "CREATE box", "APPEND box (\\Seen) {16+}\r\nSubject: s\r\n\r\nhi",
		"SELECT box", "FETCH 1 (FLAGS BODY[])", "SEARCH ALL", "STORE 1 +FLAGS (\\Deleted)",
		"EXPUNGE", "IDLE", ">DONE\r\n", "NOOP", "LOGOUT", NULL };
	struct drive *server = calloc(1, sizeof *server);
	struct drive_session *session = &server->sessions[0];
	struct caller client = { 0 };
	slice events;
	bool moved = true;

	server->send_max = SIZE_MAX;
	drive_start(server);
	drive_open(server, 0, true);
	caller_start(&client, commands);
	buffer_add(&client.in, slice_lit("* OK hi\r\n"));
	imap_server_resume(session->s, &session->host, slice_lit("a0"), slice_lit("alice@a.test"));
	drive_run(server);
	buffer_consume(&session->out, buffer_bytes(&session->out).len);
	while (moved) {
		slice out;

		caller_run(&client);
		out = buffer_bytes(&client.out);
		moved = out.len > 0 || imap_client_output(client.c).len > 0;
		drive_feed(server, 0, out);
		buffer_free(&client.out);
		drive_run(server);
		out = buffer_bytes(&session->out);
		moved |= out.len > 0;
		buffer_add(&client.in, out);
		buffer_consume(&session->out, out.len);
	}
	if (*client.commands != NULL)
		fail_msg("\"%s\" was not said; heard: %.*s", *client.commands, slice_arg(buffer_bytes(&client.events)));
	events = buffer_bytes(&client.events);
	assert_true(slice_find(events, slice_lit("response - 1 0 [EXISTS] \n")) < events.len);
	assert_true(slice_find(events, slice_lit("response - 1 16 [FETCH] (FLAGS (\\Recent \\Seen")) < events.len);
	assert_true(slice_find(events, slice_lit(" BODY[] {16})\n")) < events.len);
	assert_true(slice_find(events, slice_lit("response - 0 0 [SEARCH] 1\n")) < events.len);
	assert_true(slice_find(events, slice_lit("response - 1 0 [EXPUNGE] \n")) < events.len);
	assert_true(slice_find(events, slice_lit("response BYE 0 0 [BYE] ")) < events.len);
	assert_true(slice_find(events, slice_lit("done OK 10 0 [OK] ")) < events.len);
	assert_true(slice_find(events, slice_lit("done NO")) == events.len);
	caller_stop(&client);
	drive_stop(server);
	free(server);
}

UNIT_TESTS(cmocka_unit_test(test_transcripts), cmocka_unit_test(test_bounds),
    cmocka_unit_test(test_large_literal), cmocka_unit_test(test_quote),
    cmocka_unit_test(test_with_server))
