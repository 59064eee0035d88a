/* imap/imap_stream_test.c - FETCH and SEARCH of many messages: several works, the order of the
 * answers, what may be unsent, and sessions that end in the middle. */
#include <assert.h>
#include <stdio.h>

#include "base/limits.h"
#include "imap/server_drive.h"
#include "imap/server_impl.h"
#include "unit.h"

enum { LETTER = 40 * 1024 };

static_assert(LETTER * DRIVE_MESSAGES > IMAP_WORK_AHEAD + 2 * IMAP_WORK_OCTETS, "too little");
static_assert((int)DRIVE_MESSAGES > (int)IMAP_WORK_MESSAGES, "too few");

/* As many as there may be, each third one seen, each fifth with a word in it. */
static void setup(struct drive *d, size_t send_max)
{
	static char text[LETTER + 1];
	char head[100];

	*d = (struct drive){ 0 };
	drive_start(d);
	d->send_max = send_max;
	for (unsigned i = 1; i <= DRIVE_MESSAGES; i++) {
		int n = snprintf(head, sizeof head, "Subject: number %03u\r\n\r\n%s\r\n", i,
		    i % 5 == 0 ? "needle" : "hay");

		memset(text, 'x', LETTER);
		memcpy(text, head, (size_t)n);
		drive_add(d, 0, slice_of(text, LETTER), i % 3 == 0 ? IMAP_SEEN : 0, 1000000000);
	}
	drive_open(d, 0, true);
	imap_server_resume(d->sessions[0].s, &d->sessions[0].host, slice_lit("a0"), slice_lit("alice"));
	drive_feed(d, 0, slice_lit("a1 SELECT INBOX\r\n"));
	d->send_max = SIZE_MAX;
	drive_run(d);
	buffer_consume(&d->sessions[0].out, buffer_bytes(&d->sessions[0].out).len);
	d->send_max = send_max;
}

static slice said(struct drive *d)
{
	return buffer_bytes(&d->sessions[0].out);
}

static void take(slice *out, const char *want)
{
	if (!slice_starts(*out, slice_from(want)))
		fail_msg("have \"%.*s\", want \"%s\"", (int)(out->len < 100 ? out->len : 100),
		    (const char *)out->ptr, want);
	*out = slice_drop(*out, strlen(want));
}

/* All letters, in their order; \Seen is told of those that were not. */
static void expect_letters(slice out, const char *last)
{
	char line[100];

	for (unsigned i = 1; i <= DRIVE_MESSAGES; i++) {
		slice letter;

		snprintf(line, sizeof line, "* %u FETCH (BODY[] {%d}\r\n", i, LETTER);
		take(&out, line);
		assert_true(out.len > LETTER);
		letter = slice_head(out, LETTER);
		snprintf(line, sizeof line, "Subject: number %03u\r\n\r\n%s\r\nxxx", i,
		    i % 5 == 0 ? "needle" : "hay");
		take(&letter, line);
		out = slice_drop(out, LETTER);
		take(&out, i % 3 == 0 ? ")\r\n" : " FLAGS (\\Recent \\Seen))\r\n");
	}
	assert_slice(out, slice_from(last));
}

static void test_order(void **state)
{
	static const size_t ways[] = { SIZE_MAX, 10000, 777 };

	for (size_t way = 0; way < sizeof ways / sizeof ways[0]; way++) {
		struct drive d;

		setup(&d, ways[way]);
		drive_feed(&d, 0, slice_lit("a2 FETCH 1:* BODY[]\r\na3 NOOP\r\n"));
		expect_letters(said(&d), "a2 OK FETCH done\r\na3 OK NOOP done\r\n");
		assert_null(d.sessions[0].s->spare);
		drive_stop(&d);
	}
}

/* Who does not read is not read for. */
static void test_slow(void **state)
{
	struct imap_server *s;
	struct drive d;
	size_t unsent;

	setup(&d, 0);
	s = d.sessions[0].s;
	drive_feed(&d, 0, slice_lit("a2 FETCH 1:* BODY[]\r\na3 NOOP\r\n"));
	assert_non_null(s->ready);
	unsent = imap_work_unsent(s->ready) + imap_work_unsent(s->held);
	assert_in_range(unsent, IMAP_WORK_OCTETS, IMAP_WORK_AHEAD + 2 * IMAP_WORK_OCTETS);
	assert_int_equal(s->wait, IMAP_WAIT_NOTHING);
	d.send_max = SIZE_MAX;
	drive_run(&d);
	expect_letters(said(&d), "a2 OK FETCH done\r\na3 OK NOOP done\r\n");
	drive_stop(&d);
}

/* What needs no text stands between what does. */
static void test_search(void **state)
{
	static const size_t ways[] = { SIZE_MAX, 1 };
	char want[2000] = "* SEARCH";

	for (unsigned i = 1; i <= DRIVE_MESSAGES; i++) {
		if (i % 3 == 0 || i % 5 == 0)
			snprintf(want + strlen(want), 10, " %u", i);
	}
	strcat(want, "\r\na2 OK SEARCH done\r\n");
	for (size_t way = 0; way < sizeof ways / sizeof ways[0]; way++) {
		struct drive d;

		setup(&d, ways[way]);
		drive_feed(&d, 0, slice_lit("a2 SEARCH OR SEEN BODY NEEDLE\r\n"));
		assert_slice(said(&d), slice_from(want));
		buffer_consume(&d.sessions[0].out, said(&d).len);
		drive_feed(&d, 0, slice_lit("a3 UID SEARCH RETURN (SAVE COUNT ALL) SUBJECT 00 BODY needle\r\n"
		    "a4 FETCH $ UID\r\n"));
		assert_slice(said(&d), slice_lit("* ESEARCH (TAG \"a3\") UID COUNT 3 ALL 5,100,200\r\n"
		    "a3 OK UID SEARCH done\r\n* 5 FETCH (UID 5)\r\n* 100 FETCH (UID 100)\r\n"
		    "* 200 FETCH (UID 200)\r\na4 OK FETCH done\r\n"));
		drive_stop(&d);
	}
}

/* The first work of a command; the engine waits for it. */
static struct imap_work *ask(struct drive *d, const char *command)
{
	struct imap_server *s = d->sessions[0].s;
	struct imap_event event = { .kind = IMAP_EVENT_BYE };

	assert_int_equal(imap_server_feed(s, slice_from(command)), strlen(command));
	while (imap_server_next(s, &event) && event.kind == IMAP_EVENT_CHANGE)
		imap_server_changed(s, IMAP_DONE);
	assert_int_equal(event.kind, IMAP_EVENT_WORK);
	return event.work;
}

/* Many keys that look at everything: fewer messages a work; and one too many. */
static void test_many_keys(void **state)
{
	char command[4000] = "a2 SEARCH";
	struct imap_work *work;
	struct drive d;

	for (int i = 0; i < IMAP_SEARCH_TEXTS_MAX; i++)
		snprintf(command + strlen(command), 20, " BODY x");
	strcat(command, "\r\n");
	setup(&d, SIZE_MAX);
	work = ask(&d, command);
	assert_in_range(work->n, 1, 2);
	imap_server_worked(d.sessions[0].s, work);
	drive_run(&d);
	assert_true(slice_ends(said(&d), slice_lit(" 199 200\r\na2 OK SEARCH done\r\n")));
	buffer_consume(&d.sessions[0].out, said(&d).len);
	strcpy(strstr(command, "\r\n"), " TEXT y\r\n");
	drive_feed(&d, 0, slice_from(command));
	assert_slice(said(&d), slice_lit("a2 NO [LIMIT] at most 100 of BODY and TEXT\r\n"));
	drive_stop(&d);
}

/* As many as may be, and one more; names that no mailbox has. */
static void test_limits(void **state)
{
	static char name[4 * IMAP_NAME_MAX + 1], command[10 * IMAP_NAME_MAX];
	struct drive d;

	memset(name, 'x', sizeof name - 1);
	setup(&d, SIZE_MAX);
	snprintf(command, sizeof command, "a2 GETQUOTAROOT %s\r\n", name);
	drive_feed(&d, 0, slice_from(command));
	assert_true(slice_starts(said(&d), slice_lit("a2 NO [LIMIT] ")));
	buffer_consume(&d.sessions[0].out, said(&d).len);
	snprintf(command, sizeof command, "a3 LIST \"\" %s\r\n", name);
	drive_feed(&d, 0, slice_from(command));
	assert_slice(said(&d), slice_lit("a3 OK LIST done\r\n"));
	buffer_consume(&d.sessions[0].out, said(&d).len);
	snprintf(command, sizeof command, "a4 LIST %.*s (* * * *)\r\n", IMAP_NAME_MAX - 1, name);
	drive_feed(&d, 0, slice_from(command));
	assert_slice(said(&d), slice_lit("a4 OK LIST done\r\n"));
	buffer_consume(&d.sessions[0].out, said(&d).len);
	snprintf(command, sizeof command, "a5 LIST %.*s (* * * *)\r\n", IMAP_NAME_MAX, name);
	drive_feed(&d, 0, slice_from(command));
	assert_true(slice_starts(said(&d), slice_lit("a5 BAD ")));
	assert_true(slice_find(said(&d), slice_lit("shorter patterns")) < said(&d).len);
	drive_stop(&d);
}

/* Those that look into the header. */
static void test_many_fields(void **state)
{
	static char command[IMAP_SEARCH_FIELDS_MAX * 16 + 100] = "a2 SEARCH";
	struct drive d;

	for (int i = 0; i < IMAP_SEARCH_FIELDS_MAX; i++)
		snprintf(command + strlen(command), 20, " SUBJECT 00");
	setup(&d, SIZE_MAX);
	snprintf(command + strlen(command), 20, "\r\n");
	drive_feed(&d, 0, slice_from(command));
	assert_true(slice_ends(said(&d), slice_lit("a2 OK SEARCH done\r\n")));
	buffer_consume(&d.sessions[0].out, said(&d).len);
	snprintf(strstr(command, "\r\n"), 20, " FROM y\r\n");
	drive_feed(&d, 0, slice_from(command));
	assert_slice(said(&d), slice_lit("a2 NO [LIMIT] at most 256 that look into the header\r\n"));
	drive_stop(&d);
}

/* A session that ends while its SEARCH has told a half says nothing into that line. */
static void test_half_a_line(void **state)
{
	for (unsigned sent = 0; sent < 2; sent++) {
		struct imap_server *s;
		struct drive d;
		slice out;

		setup(&d, SIZE_MAX);
		s = d.sessions[0].s;
		s->budget = 2 * DRIVE_MESSAGES + DRIVE_MESSAGES / 2;    /* looked at, counted, half told */
		assert_true(imap_server_feed(s, slice_lit("a2 SEARCH ALL\r\n")) > 0);
		out = imap_server_output(s);
		assert_true(out.len > 0 && !slice_ends(out, slice_lit("\n")));
		if (sent)
			imap_server_sent(s, out.len);
		imap_server_timeout(s);
		assert_true(slice_find(imap_server_output(s), slice_lit("BYE")) ==
		    imap_server_output(s).len);
		drive_stop(&d);
	}
}

/* Who looked at very many messages at once begins no other command in this turn. */
static void test_turn(void **state)
{
	struct imap_server *s;
	struct drive d;

	setup(&d, SIZE_MAX);
	s = d.sessions[0].s;
	imap_charge(s, 16 * IMAP_TURN_UNITS);
	assert_int_equal(imap_server_feed(s, slice_lit("a2 NOOP\r\n")), 0);
	assert_true(imap_server_run(s));
	imap_server_turn(s);
	assert_false(imap_server_run(s));
	drive_feed(&d, 0, slice_lit("a2 NOOP\r\n"));
	assert_slice(said(&d), slice_lit("a2 OK NOOP done\r\n"));
	drive_stop(&d);
}

/* The session ends while a work is out, or waits; nothing is lost or used again. */
static void test_end(void **state)
{
	static const char *const commands[] = { "a2 FETCH 1:* BODY.PEEK[]\r\n", "a2 SEARCH BODY x\r\n" };

	for (size_t i = 0; i < 4; i++) {
		struct imap_work *work;
		struct drive d;

		setup(&d, SIZE_MAX);
		work = ask(&d, commands[i % 2]);
		assert_in_range(work->n, i % 2 == 0 ? 10 : 20, IMAP_WORK_MESSAGES);
		assert_int_equal(work->beside != NULL, i % 2 == 0);
		if (i < 2) {
			imap_server_timeout(d.sessions[0].s);
			imap_server_worked(d.sessions[0].s, work);
		} else {
			imap_work_free(work);
		}
		drive_stop(&d);
	}
}

UNIT_TESTS(cmocka_unit_test(test_order), cmocka_unit_test(test_slow), cmocka_unit_test(test_search),
    cmocka_unit_test(test_many_keys), cmocka_unit_test(test_many_fields), cmocka_unit_test(test_limits),
    cmocka_unit_test(test_half_a_line), cmocka_unit_test(test_turn), cmocka_unit_test(test_end))
