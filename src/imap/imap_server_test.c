/* imap/imap_server_test.c - transcripts of the IMAP server: run whole, byte by byte, and with
 * an output that leaves byte by byte.
 *
 * A transcript (transcripts/NAME.txt) has one thing a line; "2" may follow the letter: another
 * session.
 *
 *   # words                 a comment
 *   C: line                 the client sends this and CRLF
 *   c: bytes                the client sends this, without
 *   S: line                 the server says this
 *   X: action               in (logged in already), open, secured, poke, timeout, broken, mended,
 *                           boundless (no quota), full (it is used up), scram (offer it)
 *
 * All mailboxes begin with what setup() puts there. With TRANSCRIPT_RECORD=1 in the
 * environment, what comes out is printed as S lines instead of being compared. */
#include "imap/server.h"

#include <dirent.h>
#include <stdio.h>

#include "base/limits.h"
#include "imap/server_drive.h"
#include "unit.h"

struct way {
	size_t feed_max, send_max;      /* bytes at once */
};

static const char *const messages[] = {
	("Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\nFrom: Fred Foobar <foobar@Blurdybloop.example>\r\n"
	"Subject: afternoon meeting\r\nTo: mooch@owatagu.siam.edu.example\r\n"
	"Message-Id: <B27397-0100000@Blurdybloop.example>\r\nMIME-Version: 1.0\r\n"
	"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\nHello Joe, do you think we can meet at 3:30 tomorrow?\r\n"),
	("From: Terry Gray <gray@cac.washington.edu>\r\nSubject: IMAP4rev2 WG mtg summary and minutes\r\n"
	"Date: Wed, 17 Jul 1996 02:23:25 -0700\r\n\r\nfirst line\r\nsecond line\r\n"),
	("Subject: only a header\r\n\r\n"),
};

static void setup(struct drive *d, const struct way *way)
{
	drive_start(d);
	d->send_max = way->send_max;
	drive_add(d, 0, slice_from(messages[0]), IMAP_SEEN, 760686745);
	drive_add(d, 0, slice_from(messages[1]), IMAP_SEEN | IMAP_DELETED, 837595405);
	drive_add(d, 0, slice_from(messages[2]), 0, 1000000000);
	d->boxes[0].info.recent_from = 3;
	drive_make_box(d, slice_lit("Sent"));
	d->boxes[1].info.use = IMAP_USE_SENT;
	drive_make_box(d, slice_lit("work/plans/2026"));
	drive_make_box(d, slice_lit("Entw\xc3\xbcrfe"));
	d->boxes[3].info.subscribed = true;
}

static void log_in(struct drive *d, size_t i)
{
	struct drive_session *session = &d->sessions[i];

	imap_server_resume(session->s, &session->host, slice_lit("a0"), slice_lit("alice@a.test"));
	drive_run(d);
	buffer_consume(&session->out, buffer_bytes(&session->out).len);
}

static void act(struct drive *d, size_t i, const char *action)
{
	if (strcmp(action, "in") == 0) {
		drive_open(d, i, true);
		log_in(d, i);
	} else if (strcmp(action, "open") == 0 || strcmp(action, "open secure") == 0) {
		drive_open(d, i, action[4] != '\0');
		imap_server_greet(d->sessions[i].s);
	} else if (strcmp(action, "secured") == 0) {
		assert_true(d->sessions[i].tls_wanted);
		drive_secure(d, i);
	} else if (strcmp(action, "scram") == 0) {
		d->config.scram = true;
	} else if (strcmp(action, "boundless") == 0) {
		d->boundless = true;
	} else if (strcmp(action, "full") == 0) {
		d->full = true;
	} else if (strcmp(action, "timeout") == 0) {
		imap_server_timeout(d->sessions[i].s);
	} else if (strcmp(action, "broken") == 0 || strcmp(action, "mended") == 0) {
		d->fail_changes = d->fail_text = action[0] == 'b';
	} else {
		fail_msg("unknown action %s", action);
	}
	drive_run(d);
}

static void feed(struct drive *d, const struct way *way, size_t i, slice bytes)
{
	while (bytes.len > 0) {
		size_t n = bytes.len < way->feed_max ? bytes.len : way->feed_max;

		drive_feed(d, i, slice_head(bytes, n));
		bytes = slice_drop(bytes, n);
	}
}

static bool recording(void)
{
	return getenv("TRANSCRIPT_RECORD") != NULL;
}

static void record(struct drive *d)
{
	for (size_t i = 0; i < DRIVE_SESSIONS; i++) {
		slice rest = buffer_bytes(&d->sessions[i].out);

		while (d->sessions[i].s != NULL && rest.len > 0) {
			slice line = slice_cut(&rest, '\n');

			printf("S%s: %.*s\n", i == 0 ? "" : i == 1 ? "2" : "3", (int)line.len - 1,
			    (const char *)line.ptr);
		}
		if (d->sessions[i].s != NULL)
			buffer_consume(&d->sessions[i].out, buffer_bytes(&d->sessions[i].out).len);
	}
}

static void expect(struct drive_session *session, const char *path, unsigned number, slice want)
{
	slice out = buffer_bytes(&session->out), rest = out, line = slice_cut(&rest, '\n');

	if (line.len == 0 || line.ptr[line.len - 1] != '\r' ||
	    !slice_equal(slice_head(line, line.len - 1), want))
		fail_msg("%s:%u: have \"%.*s\", want \"%.*s\"", path, number, slice_arg(line),
		    slice_arg(want));
	buffer_consume(&session->out, line.len + 1);
}

static void all_was_expected(struct drive *d, const char *path, unsigned number)
{
	for (size_t i = 0; i < DRIVE_SESSIONS; i++) {
		if (d->sessions[i].s != NULL && buffer_bytes(&d->sessions[i].out).len > 0)
			fail_msg("%s: before line %u the server also says \"%.*s\"", path, number,
			    slice_arg(buffer_bytes(&d->sessions[i].out)));
	}
}

static void run_line(struct drive *d, const struct way *way, const char *path, unsigned number,
    slice line)
{
	char what = line.len > 0 ? (char)line.ptr[0] : '#';
	size_t colon = slice_find_byte(line, ':'), i = 0;
	slice text = slice_drop(line, colon < line.len ? colon + 1 : line.len);
	char action[32] = "";

	if (what == '#') {
		if (recording())
			printf("%.*s\n", slice_arg(line));
		return;
	}
	if (colon == 2)
		i = (size_t)(line.ptr[1] - '1');
	if (text.len > 0 && text.ptr[0] == ' ')
		text = slice_drop(text, 1);
	if (what == 'S') {
		if (!recording())
			expect(&d->sessions[i], path, number, text);
		return;
	}
	if (recording()) {
		record(d);
		printf("%.*s\n", slice_arg(line));
	} else if (what != 'c') {
		all_was_expected(d, path, number);
	}
	if (what == 'X') {
		memcpy(action, text.ptr, text.len < 31 ? text.len : 31);
		act(d, i, action);
		return;
	}
	assert_true(what == 'C' || what == 'c');
	feed(d, way, i, text);
	if (what == 'C')
		feed(d, way, i, slice_lit("\r\n"));
}

static void run(const char *path, const struct way *way)
{
	FILE *file = fopen(path, "r");
	char line[4096];
	unsigned number = 0;
	struct drive d = { 0 };

	assert_non_null(file);
	setup(&d, way);
	while (fgets(line, sizeof line, file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		run_line(&d, way, path, ++number, slice_from(line));
	}
	fclose(file);
	if (recording())
		record(&d);
	else
		all_was_expected(&d, path, number);
	drive_stop(&d);
}

static void test_transcripts(void **state)
{
	static const struct way ways[] = { { SIZE_MAX, SIZE_MAX }, { 1, SIZE_MAX }, { SIZE_MAX, 1 } };
	const char *source = getenv("POSTHOUSE_SOURCE"), *only = getenv("TRANSCRIPT_RECORD");
	char folder[512], path[1024];
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	snprintf(folder, sizeof folder, "%s/src/imap/transcripts", source != NULL ? source : ".");
	dir = opendir(folder);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (strstr(entry->d_name, ".txt") == NULL)
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		if (only != NULL && strstr(path, only) == NULL)
			continue;
		for (size_t i = 0; i < (recording() ? 1 : 3); i++)
			run(path, &ways[i]);
		n++;
	}
	closedir(dir);
	assert_true(n >= 1);
}

/* A line that is over all limits is passed over, whole or in pieces; what follows it counts. */
static void test_long_line(void **state)
{
	static const size_t pieces[] = { 1, 100, IMAP_LOGIN_COMMAND_MAX - 1, SIZE_MAX };

	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		struct way way = { pieces[i], SIZE_MAX };
		struct drive d = { 0 };
		char line[IMAP_LOGIN_COMMAND_MAX + 100];

		memset(line, 'x', sizeof line);
		memcpy(line, "a1 NOOP ", 8);
		setup(&d, &way);
		drive_open(&d, 0, true);
		feed(&d, &way, 0, slice_of(line, IMAP_LOGIN_COMMAND_MAX - 4 + i));
		feed(&d, &way, 0, slice_lit("{3+}\r\nabc\r\na2 NOOP\r\n"));
		assert_slice(buffer_bytes(&d.sessions[0].out), slice_lit("a1 BAD [TOOBIG] a command has at "
		    "most 3588 octets here, without the messages of APPEND\r\na2 OK NOOP done\r\n"));
		drive_stop(&d);
	}
}

/* What takes several records, and so several modseqs, is told once for each message. */
static void test_long_store(void **state)
{
	enum { MESSAGES = 3 * DRIVE_STORE };
	struct way way = { SIZE_MAX, SIZE_MAX };
	struct drive d = { 0 };
	slice rest;
	size_t n = 0;

	setup(&d, &way);
	while (d.n < MESSAGES)
		drive_add(&d, 0, slice_from(messages[2]), 0, 1000000000);
	drive_open(&d, 0, true);
	log_in(&d, 0);
	feed(&d, &way, 0, slice_lit("a1 SELECT INBOX\r\n"));
	buffer_consume(&d.sessions[0].out, buffer_bytes(&d.sessions[0].out).len);
	feed(&d, &way, 0, slice_lit("a2 STORE 1:* +FLAGS (\\Flagged)\r\n"));
	rest = buffer_bytes(&d.sessions[0].out);
	while (rest.len > 0) {
		slice line = slice_cut(&rest, '\n');

		n += slice_find(line, slice_lit(" FETCH (FLAGS (")) < line.len;
	}
	assert_int_equal(n, MESSAGES);
	drive_stop(&d);
}

UNIT_TESTS(cmocka_unit_test(test_long_store), cmocka_unit_test(test_transcripts), cmocka_unit_test(test_long_line))
