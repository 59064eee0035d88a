/* smtp/smtp_server_test.c - transcripts of the SMTP server, run whole, byte by byte
 * and cut in two at every place.
 *
 * A transcript (transcripts/NAME.txt) has one thing a line:
 *
 *   # words                 a comment
 *   @ service=submission    a setting; see `settings`
 *   C: bytes                the client sends this and CRLF; \r \n \0 \xNN \\ are
 *                           escapes, \c at the end means: without CRLF
 *   S: line                 the server says this
 *   E: event                the engine reports this; an end with the names of departures
 *   B: line                 a line of the body, before its E: end; escapes as above
 *   A: 550 5.1.1 words      the answer to the next question that has none; "ok"
 *   X: action               drain, timeout, secured, early, hang-up: once all before was fed
 *
 * C and X in order are the script; S, E and B in order are what must come out. */
#include "smtp/server.h"

#include <dirent.h>
#include <stdio.h>

#include "base/limits.h"
#include "mail/departure.h"
#include "unit.h"

enum { STEPS_MAX = 64, ANSWERS_MAX = 64 };

struct step {
	size_t from, to;                /* of the input; equal for an action */
	char action[16];
};

struct transcript {
	struct heap *heap;
	struct smtp_server_config config;
	bool secure, loopback;
	struct buffer input, want;
	struct step steps[STEPS_MAX];
	size_t n_steps;
	char answers[ANSWERS_MAX][160];
	size_t n_answers;
};

struct run {
	const struct transcript *t;
	struct smtp_server *s;
	struct buffer got, body;
	size_t answered;
	bool closed;
};

/* ---- reading a transcript ---- */

static void add_escaped(struct buffer *out, slice text, bool crlf)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.ptr[i];
		unsigned value;

		if (c == '\\' && i + 1 < text.len) {
			c = text.ptr[++i];
			if (c == 'c')
				return;
			if (c == 'x' && i + 2 < text.len &&
			    sscanf((const char *)text.ptr + i + 1, "%2x", &value) == 1) {
				c = (unsigned char)value;
				i += 2;
			} else {
				c = c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? '\0' : c;
			}
		}
		buffer_add(out, slice_of(&c, 1));
	}
	if (crlf)
		buffer_add(out, slice_lit("\r\n"));
}

static void set(struct transcript *t, slice setting)
{
	slice value = setting, name = slice_cut(&value, '=');
	uint64_t number = 0;

	slice_to_u64(value, UINT64_MAX, &number);
	if (slice_equal(name, slice_lit("submission"))) {
		t->config.service = SMTP_SUBMISSION;
		t->config.auth = t->config.auth_required = true;
	} else if (slice_equal(name, slice_lit("no-starttls"))) {
		t->config.starttls = false;
	} else if (slice_equal(name, slice_lit("secure"))) {
		t->secure = true;
	} else if (slice_equal(name, slice_lit("lenient"))) {
		t->config.lenient = true;
	} else if (slice_equal(name, slice_lit("loopback"))) {
		t->loopback = true;
	} else if (slice_equal(name, slice_lit("size"))) {
		t->config.message_size_max = number;
	} else if (slice_equal(name, slice_lit("recipients"))) {
		t->config.recipients_max = (unsigned)number;
	} else if (slice_equal(name, slice_lit("errors"))) {
		t->config.errors_max = (unsigned)number;
	} else {
		fail_msg("setting \"%.*s\"", slice_arg(setting));
	}
}

static struct step *last_step(struct transcript *t, bool action)
{
	if (t->n_steps == 0 || action || t->steps[t->n_steps - 1].action[0] != '\0') {
		assert_true(t->n_steps < STEPS_MAX);
		t->steps[t->n_steps++].from = buffer_bytes(&t->input).len;
	}
	return &t->steps[t->n_steps - 1];
}

static void read_line(struct transcript *t, slice line)
{
	slice text = line.len > 3 ? slice_drop(line, 3) : slice_of(line.ptr, 0);
	struct step *step;

	switch (line.len > 1 ? line.ptr[0] : '#') {
	case '#':
		return;
	case '@':
		set(t, slice_trim(slice_drop(line, 1)));
		return;
	case 'C':
		step = last_step(t, false);
		add_escaped(&t->input, text, true);
		step->to = buffer_bytes(&t->input).len;
		return;
	case 'X':
		step = last_step(t, true);
		step->to = step->from;
		snprintf(step->action, sizeof step->action, "%.*s", slice_arg(text));
		return;
	case 'A':
		assert_true(t->n_answers < ANSWERS_MAX);
		snprintf(t->answers[t->n_answers++], sizeof t->answers[0], "%.*s", slice_arg(text));
		return;
	default:
		buffer_add(&t->want, line);
		buffer_add(&t->want, slice_lit("\n"));
	}
}

static struct transcript *transcript_new(void)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct transcript *t = heap_new(heap, struct transcript);

	t->heap = heap;
	t->input = buffer_init(heap, 1 << 20);
	t->want = buffer_init(heap, 1 << 20);
	t->config = (struct smtp_server_config){ .service = SMTP_RELAY_IN,
	    .hostname = slice_lit("mx.example"), .message_size_max = 10000,
	    .recipients_max = 100, .errors_max = 20, .starttls = true };
	return t;
}

static struct transcript *transcript_read(const char *path)
{
	struct transcript *t = transcript_new();
	char line[4096];
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		read_line(t, slice_from(line));
	}
	fclose(file);
	return t;
}

/* ---- running it ---- */

/* These departures depend on how the input was cut. */
static const uint32_t by_timing = (uint32_t)1 << DEPARTURE_COMMAND_EARLY |
    (uint32_t)1 << DEPARTURE_DATA_EARLY;

static void show_output(struct run *r)
{
	slice rest = smtp_server_output(r->s);
	size_t n = rest.len;

	while (rest.len > 0) {
		slice line = slice_cut(&rest, '\n');

		assert_true(line.len > 0 && line.ptr[line.len - 1] == '\r');
		assert_true(line.len < SMTP_REPLY_LINE_MAX);
		buffer_printf(&r->got, "S: %.*s\n", (int)line.len - 1, (const char *)line.ptr);
	}
	smtp_server_sent(r->s, n);
}

static void show_body(struct run *r)
{
	slice body = buffer_bytes(&r->body);

	while (body.len > 0) {
		size_t end = slice_find(body, slice_lit("\r\n"));

		buffer_printf(&r->got, "B: ");
		for (size_t i = 0; i < end; i++) {
			if (body.ptr[i] > ' ' && body.ptr[i] < 127 && body.ptr[i] != '\\')
				buffer_add(&r->got, slice_sub(body, i, 1));
			else
				buffer_printf(&r->got, body.ptr[i] == ' ' ? " " : "\\x%02x",
				    body.ptr[i]);
		}
		buffer_printf(&r->got, end < body.len ? "\n" : "\\c\n");
		body = slice_drop(body, end < body.len ? end + 2 : end);
	}
	buffer_free(&r->body);
}

static void answer(struct run *r)
{
	const char *text = "ok";
	struct smtp_reply reply = { 0 };
	char enhanced[16];
	unsigned code;
	int n;

	if (r->answered < r->t->n_answers)
		text = r->t->answers[r->answered++];
	if (strcmp(text, "ok") == 0) {
		smtp_server_answer(r->s, NULL);
		return;
	}
	assert_int_equal(sscanf(text, "%u %15s %n", &code, enhanced, &n), 2);
	reply = (struct smtp_reply){ code, enhanced, slice_from(text + n) };
	smtp_server_answer(r->s, &reply);
}

static void show_event(struct run *r, const struct smtp_event *e)
{
	switch (e->kind) {
	case SMTP_EVENT_HELLO:
		buffer_printf(&r->got, "E: %s %.*s\n",
		    e->flags & SMTP_HELLO_EXTENDED ? "ehlo" : "helo", slice_arg(e->text));
		return;
	case SMTP_EVENT_MAIL:
		buffer_printf(&r->got, "E: mail <%.*s>%s%s", slice_arg(e->text),
		    e->flags & SMTP_BODY_8BITMIME ? " 8bit" : "",
		    e->flags & SMTP_UTF8 ? " utf8" : "");
		if (e->size > 0)
			buffer_printf(&r->got, " size=%llu", (unsigned long long)e->size);
		buffer_printf(&r->got, "\n");
		break;
	case SMTP_EVENT_RCPT:
		buffer_printf(&r->got, "E: rcpt <%.*s>\n", slice_arg(e->text));
		break;
	case SMTP_EVENT_AUTH:
		buffer_printf(&r->got, "E: auth %.*s %.*s\n", slice_arg(e->text),
		    slice_arg(e->secret));
		break;
	case SMTP_EVENT_DATA:
		buffer_printf(&r->got, "E: data\n");
		break;
	case SMTP_EVENT_BODY:
		assert_true(e->text.len > 0);
		buffer_add(&r->body, e->text);
		return;
	case SMTP_EVENT_END:
		assert_int_equal(e->size, buffer_bytes(&r->body).len);
		show_body(r);
		buffer_printf(&r->got, "E: end");
		for (unsigned i = 0; i < DEPARTURES; i++) {
			if (e->departures & departure_bit((enum departure)i) & ~by_timing)
				buffer_printf(&r->got, " %s",
				    departure_row((enum departure)i)->name);
		}
		buffer_printf(&r->got, "\n");
		break;
	case SMTP_EVENT_RESET:
		buffer_free(&r->body);
		buffer_printf(&r->got, "E: reset\n");
		return;
	case SMTP_EVENT_STARTTLS:
		buffer_printf(&r->got, "E: starttls\n");
		return;
	case SMTP_EVENT_QUIT:
		buffer_printf(&r->got, "E: quit\n");
		r->closed = true;
		return;
	}
	answer(r);
}

/* Show what stands, until the engine has nothing more to say. */
static bool show(struct run *r)
{
	struct smtp_event event;
	bool any = false;

	show_output(r);
	while (smtp_server_next(r->s, &event)) {
		any = true;
		show_event(r, &event);
		show_output(r);
	}
	return any;
}

/* Offer input up to `to`; what is not consumed stays. */
static size_t feed(struct run *r, size_t from, size_t to)
{
	while (from < to) {
		slice in = slice_sub(buffer_bytes(&r->t->input), from, to - from);
		slice copy = guarded_copy(in);
		size_t n = smtp_server_feed(r->s, copy);
		bool any;

		assert_true(n <= in.len);
		any = show(r);
		guarded_free(copy);
		from += n;
		if (n == 0 && !any)
			break;
	}
	return from;
}

static void act(struct run *r, const char *action)
{
	if (strcmp(action, "drain") == 0)
		smtp_server_drain(r->s);
	else if (strcmp(action, "timeout") == 0)
		smtp_server_timeout(r->s);
	else if (strcmp(action, "secured") == 0)
		smtp_server_secured(r->s);
	else if (strcmp(action, "hang-up") == 0)
		smtp_server_hang_up(r->s);
	else
		fail_msg("action \"%s\"", action);
	show(r);
}

/* chunk: bytes a step; or, with chunk 0, everything but one cut at `cut`. */
static void run_transcript(const struct transcript *t, const char *name, size_t chunk, size_t cut)
{
	struct run r = { .t = t };
	size_t from = 0;
	slice got, want = buffer_bytes(&t->want);

	r.got = buffer_init(t->heap, 1 << 20);
	r.body = buffer_init(t->heap, 1 << 20);
	r.s = smtp_server_create(t->heap, &t->config, t->secure, t->loopback);
	if (t->n_steps > 0 && strcmp(t->steps[0].action, "early") == 0)
		smtp_server_early(r.s);
	else
		smtp_server_greet(r.s);
	show(&r);
	for (size_t i = 0; i < t->n_steps; i++) {
		const struct step *step = &t->steps[i];

		for (size_t to = step->from; chunk > 0 && to < step->to; to += chunk)
			from = feed(&r, from, to);
		if (chunk == 0 && cut > from && cut < step->to)
			from = feed(&r, from, cut);
		from = feed(&r, from, step->to);
		if (step->action[0] != '\0' && strcmp(step->action, "early") != 0)
			act(&r, step->action);
	}
	got = buffer_bytes(&r.got);
	if (!slice_equal(got, want)) {
		fprintf(stderr, "%s: got\n%.*swant\n%.*s", name, slice_arg(got), slice_arg(want));
		fail_msg("%s, chunk %zu, cut %zu", name, chunk, cut);
	}
	assert_int_equal(from, buffer_bytes(&t->input).len);
	assert_int_equal(r.answered, t->n_answers);
	smtp_server_destroy(r.s);
	buffer_free(&r.got);
	buffer_free(&r.body);
}

/* Whole, byte by byte, in threes, and with one cut at every place. */
static size_t run_every_way(const struct transcript *t, const char *name)
{
	size_t len = buffer_bytes(&t->input).len;

	run_transcript(t, name, 0, 0);
	run_transcript(t, name, 1, 0);
	run_transcript(t, name, 3, 0);
	for (size_t cut = 1; cut < len; cut++)
		run_transcript(t, name, 0, cut);
	return len + 2;
}

static const char *transcript_folder(void)
{
	const char *root = getenv("POSTHOUSE_SOURCE");
	static char path[512];

	snprintf(path, sizeof path, "%s/src/smtp/transcripts", root ? root : ".");
	return path;
}

static void test_transcripts(void **state)
{
	DIR *folder = opendir(transcript_folder());
	size_t n = 0, runs = 0;

	assert_non_null(folder);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		char path[1024];
		struct transcript *t;

		if (strstr(entry->d_name, ".txt") == NULL)
			continue;
		snprintf(path, sizeof path, "%s/%s", transcript_folder(), entry->d_name);
		t = transcript_read(path);
		runs += run_every_way(t, entry->d_name);
		n++;
		heap_drop(t->heap);
	}
	closedir(folder);
	print_message("# %zu transcripts, %zu runs\n", n, runs);
	assert_true(n >= 10);
}

/* What some server somewhere took for the end of data (SMTP smuggling). Each is
 * followed by commands, then by the true end: all of it is one message, which is
 * refused once. */
static const struct {
	const char *name;
	slice bytes;
	const char *reply;
} false_ends[] = {
	{ "LF.LF", slice_lit("\n.\n"), "550 5.6.11" },
	{ "LF.CRLF", slice_lit("\n.\r\n"), "550 5.6.11" },
	{ "CR.CR", slice_lit("\r.\r"), "550 5.6.11" },
	{ "CRLF.CR", slice_lit("\r\n.\r"), "550 5.6.11" },
	{ "CR.CRLF", slice_lit("\r.\r\n"), "550 5.6.11" },
	{ "CRLF.LF", slice_lit("\r\n.\n"), "550 5.6.11" },
	{ "LF.CR", slice_lit("\n.\r"), "550 5.6.11" },
	{ "CR.LF", slice_lit("\r.\n"), "550 5.6.11" },
	{ "CRLF NUL.CRLF", slice_lit("\r\n\0.\r\n"), "550 5.6.0" },
	{ "CRLF.NUL CRLF", slice_lit("\r\n.\0\r\n"), "550 5.6.0" },
	{ "CRLF.CR NUL LF", slice_lit("\r\n.\r\0\n"), "550 5.6.11" },
	{ "LF NUL.CRLF", slice_lit("\n\0.\r\n"), "550 5.6.11" },
	{ "CR NUL.CRLF", slice_lit("\r\0.\r\n"), "550 5.6.11" },
	{ "CRLF.CRCRLF", slice_lit("\r\n.\r\r\n"), "550 5.6.11" },
	{ "CRLFCR.CRLF", slice_lit("\r\n\r.\r\n"), "550 5.6.11" },
	{ "LFLF.LFLF", slice_lit("\n\n.\n\n"), "550 5.6.11" },
};

static void test_false_ends(void **state)
{
	for (size_t i = 0; i < sizeof false_ends / sizeof false_ends[0]; i++) {
		struct transcript *t = transcript_new();

		add_escaped(&t->input, slice_lit("HELO c\\r\\nMAIL FROM:<a@b>\\r\\n"
		    "RCPT TO:<c@d>\\r\\nDATA\\r\\ntext"), false);
		buffer_add(&t->input, false_ends[i].bytes);
		add_escaped(&t->input, slice_lit("MAIL FROM:<x@y>\\r\\nRCPT TO:<z@y>\\r\\n"
		    "DATA\\r\\nsmuggled\\r\\n.\\r\\nNOOP"), true);
		t->steps[t->n_steps++] = (struct step){ 0, buffer_bytes(&t->input).len, "" };
		buffer_printf(&t->want, "S: 220 mx.example ESMTP Posthouse\nS: 250 mx.example\n"
		    "E: helo c\nE: mail <a@b>\nS: 250 2.1.0 Ok\nE: rcpt <c@d>\nS: 250 2.1.5 Ok\n"
		    "E: data\nS: 354 End data with <CR><LF>.<CR><LF>\nE: reset\nS: %s %s\n"
		    "S: 250 2.0.0 Ok\n", false_ends[i].reply,
		    strcmp(false_ends[i].reply, "550 5.6.0") == 0 ?
		    "A NUL octet stands in the message" : "A CR or LF stands alone in the message");
		run_every_way(t, false_ends[i].name);
		heap_drop(t->heap);
	}
}

UNIT_TESTS(cmocka_unit_test(test_transcripts), cmocka_unit_test(test_false_ends))
