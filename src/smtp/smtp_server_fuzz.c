/* smtp/smtp_server_fuzz.c - any bytes as an SMTP session; mutated by the line.
 *
 * Four bytes choose the service, what is judged how, and the pieces.
 *
 * For: smtp/server.c smtp/server_verbs.c smtp/server_body.c smtp/server_auth.c smtp/server_lenient.c
 *
 * Holds: whole, and in any pieces with a client that reads slowly, the replies,
 * events and bodies are the same; one greeting and at most one reply a line; a
 * body is what the plain rules of RFC 5321 s4.5.2 make of the input, its size is
 * said right, and it has no bare CR, bare LF or NUL; events come in an order that
 * makes sense, none after the end; drain, time-out and hang-up end a session once.
 * Lenient: the same, but that a body has CRLF and no NUL whatever came. */
#include "fuzz_lines.h"

#include "base/limits.h"
#include "mail/departure.h"
#include "smtp/server.h"

enum { HEAD = 4 };

static const char *const texts[] = {
	"EHLO a.example\r\n", "HELO a.example\r\n", "EHLO [192.0.2.1]\r\n",
	"MAIL FROM:<a@b.example>\r\n", "MAIL FROM:<>\r\n", "RCPT TO:<c@d.example>\r\n",
	"MAIL FROM:<a@b.example> SIZE=900 BODY=8BITMIME\r\n",
	"MAIL FROM:<a@b.example> SMTPUTF8\r\n", "MAIL FROM:<\xc3\xa4@b.example> SMTPUTF8\r\n",
	"MAIL FROM:<a@b.example> SIZE=1001\r\n", "MAIL FROM:<a@b.example> AUTH=<>\r\n",
	"RCPT TO:<@x.example,@y.example:c@d.example>\r\n", "RCPT TO:<postmaster>\r\n",
	"RCPT TO:<\"q\\\"uoted\"@d.example>\r\n", "mail from: a@b.example\r\n",
	"DATA\r\n", ".\r\n", "..\r\n", "...\r\n", ".x\r\n", ".\r", ".\n", "\r\n", "\n", "\r",
	"RSET\r\n", "NOOP\r\n", "NOOP x\r\n", "VRFY a\r\n", "EXPN a\r\n", "HELP\r\n", "QUIT\r\n",
	"STARTTLS\r\n", "AUTH PLAIN AGEAYg==\r\n", "AUTH PLAIN\r\n", "AGEAYg==\r\n",
	"AUTH LOGIN\r\n", "AUTH LOGIN YQ==\r\n", "YQ==\r\n", "=\r\n", "*\r\n",
	"GET / HTTP/1.1\r\n", "BDAT 3 LAST\r\n", "Subject: s\r\n", "text\r\n",
	"EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n",
	"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nS: s\r\n\r\n..x\r\n.\r\n",
	"DATA\r\nx\r\n.\nMAIL FROM:<e@vil.example>\r\n.\r\n", "DATA\r\nx\n.\r\n\r\n.\r\n",
	"DATA\r\nx\r.\r\nRCPT TO:<e@vil.example>\r\n.\r\n",
	"EHLO a\r\nAUTH PLAIN AGEAYg==\r\nMAIL FROM:<a@b.example>\r\n",
	"EHLO a\r\nSTARTTLS\r\nEHLO a\r\n",
	"DATA\nx\n.\n", "DATA\rx\r.\r", "\r\r\n", "MAIL from a@b.example\n", "RCPT TO:<c\n",
	"RCPT TO: C <c@d.example>, e@f.example\n", "MAIL FROM:<a@b.example> X=y\n",
};
static const struct fuzz_lines lines = { HEAD, texts, sizeof texts / sizeof texts[0] };
FUZZ_LINES_MUTATORS(lines)

struct session {
	struct heap *heap;
	struct smtp_server *s;
	slice in;
	size_t consumed;
	struct fuzz_chance *chance;     /* NULL: all output leaves at once */
	uint8_t judge;
	bool auth, loopback, secure, lenient;
	struct buffer out, body;        /* all replies; the body that is coming */
	uint64_t events;                /* a running checksum, bodies with them */
	size_t body_from;
	bool in_transaction, in_body, closed;
};

/* What stands between DATA's line and the lone dot, by the book: lines that end
 * with CRLF, one dot less where a line begins with one. */
static void check_body(const struct session *t)
{
	slice rest = slice_drop(t->in, t->body_from), want = buffer_bytes(&t->body);

	for (;;) {
		size_t n = slice_find(rest, slice_lit("\r\n"));
		slice line;

		check(n < rest.len);
		line = slice_head(rest, n + 2);
		rest = slice_drop(rest, n + 2);
		if (slice_equal(line, slice_lit(".\r\n")))
			break;
		if (line.ptr[0] == '.')
			line = slice_drop(line, 1);
		check(slice_starts(want, line));
		want = slice_drop(want, line.len);
		line.len -= 2;
		check(slice_find_byte(line, '\r') == line.len);
		check(slice_find_byte(line, '\n') == line.len);
		check(slice_find_byte(line, 0) == line.len);
	}
	check(want.len == 0 && rest.ptr == t->in.ptr + t->consumed);
}

/* These departures depend on when bytes come. */
static const uint32_t by_timing = (uint32_t)1 << DEPARTURE_COMMAND_EARLY |
    (uint32_t)1 << DEPARTURE_DATA_EARLY;

/* Nothing but whole lines. */
static void check_lines(slice body)
{
	check(slice_find_byte(body, 0) == body.len);
	while (body.len > 0) {
		slice line = slice_cut(&body, '\n');

		check(line.len > 0 && slice_find_byte(line, '\r') == line.len - 1);
	}
}

static void answer(struct session *t, const struct smtp_event *event)
{
	const struct smtp_reply no = { 550, "5.1.1", slice_lit("no") };
	const struct smtp_reply later = { 451, "4.3.0", slice_lit("later\nperhaps") };
	uint64_t choice = checksum64(event->text, t->judge) % 8;

	/* One of four judges is always content. */
	if (t->judge % 4 == 0)
		choice = 7;
	smtp_server_answer(t->s, choice == 0 ? &no : choice == 1 ? &later : NULL);
	if (event->kind == SMTP_EVENT_MAIL)
		t->in_transaction = choice > 1;
	if (event->kind == SMTP_EVENT_DATA && choice > 1) {
		t->in_body = true;
		t->body_from = t->consumed;
		buffer_truncate(&t->body, 0);
	}
}

static void take_event(struct session *t, const struct smtp_event *event)
{
	check(!t->closed);
	if (event->kind != SMTP_EVENT_BODY)
		t->events = checksum64(event->text, t->events * 31 + event->kind + event->size);
	switch (event->kind) {
	case SMTP_EVENT_BODY:
		check(t->in_transaction && t->in_body && event->text.len > 0);
		buffer_add(&t->body, event->text);
		return;
	case SMTP_EVENT_END:
		check(t->in_transaction && t->in_body);
		check(event->size == buffer_bytes(&t->body).len);
		check(t->lenient || event->departures == 0);
		if (t->lenient)
			check_lines(buffer_bytes(&t->body));
		else
			check_body(t);
		t->events += event->departures & ~by_timing;
		t->events = checksum64(buffer_bytes(&t->body), t->events);
		t->in_transaction = t->in_body = false;
		break;
	case SMTP_EVENT_RESET:
		check(t->in_transaction);
		t->in_transaction = t->in_body = false;
		return;
	case SMTP_EVENT_STARTTLS:
		check(!t->secure && !t->in_transaction);
		t->secure = true;
		smtp_server_secured(t->s);
		return;
	case SMTP_EVENT_QUIT:
		t->closed = true;
		return;
	case SMTP_EVENT_HELLO:
		return;
	case SMTP_EVENT_AUTH:
		check(t->auth && (t->secure || t->loopback) && !t->in_transaction);
		check(event->text.len > 0 && event->text.len <= SASL_LOGIN_MAX);
		check(event->ask == SASL_ASK_PASSWORD && event->secret.len > 0 &&
		    event->secret.len <= SASL_SECRET_MAX);
		break;
	case SMTP_EVENT_MAIL:
		check(!t->in_transaction && event->text.len <= ADDRESS_PATH_MAX - 2);
		break;
	case SMTP_EVENT_RCPT:
		check(t->in_transaction && event->text.len > 0);
		check(event->text.len <= ADDRESS_PATH_MAX - 2);
		break;
	case SMTP_EVENT_DATA:
		check(t->in_transaction && !t->in_body);
		break;
	}
	answer(t, event);
}

/* Some of the output leaves; true when any did. */
static bool send(struct session *t)
{
	slice out = smtp_server_output(t->s);

	check(out.len <= SMTP_OUTPUT_MAX);
	if (out.len == 0)
		return false;
	if (t->chance != NULL)
		out = slice_head(out, fuzz_piece(t->chance, out.len));
	buffer_add(&t->out, out);
	smtp_server_sent(t->s, out.len);
	return true;
}

/* Offer what is there, until nothing moves. The engine sees a copy. */
static void offer(struct session *t, size_t to)
{
	bool moved;

	do {
		slice part = fuzz_copy(slice_sub(t->in, t->consumed, to - t->consumed));
		size_t n = smtp_server_feed(t->s, part);
		struct smtp_event event;

		check(n <= part.len);
		moved = n > 0;
		t->consumed += n;
		while (smtp_server_next(t->s, &event)) {
			take_event(t, &event);
			moved = true;
		}
		fuzz_free(part);
		moved |= send(t);
	} while (moved);
}

static void start(struct session *t, const struct smtp_server_config *config, slice in,
    const uint8_t *choices, struct fuzz_chance *chance)
{
	*t = (struct session){ .heap = heap_create(64 << 20), .in = in, .chance = chance,
		.judge = choices[1], .auth = config->auth, .loopback = choices[0] & 4,
		.secure = choices[0] & 8, .lenient = config->lenient };
	t->s = smtp_server_create(t->heap, config, t->secure, t->loopback);
	t->out = buffer_init(t->heap, SIZE_MAX);
	t->body = buffer_init(t->heap, SIZE_MAX);
	smtp_server_greet(t->s);
}

static void finish(struct session *t)
{
	smtp_server_destroy(t->s);
	heap_drop(t->heap);
}

static size_t count_replies(slice out)
{
	size_t n = 0;

	while (out.len > 0) {
		slice line = slice_cut(&out, '\n');

		check(line.len >= 4 && line.len < SMTP_REPLY_LINE_MAX);
		check(line.ptr[0] >= '2' && line.ptr[0] <= '5');
		check(slice_find_byte(line, '\r') == line.len - 1);
		n += line.ptr[3] != '-';
	}
	return n;
}

/* The world interferes: no run is like another, but each ends well. */
static void disturb(const struct smtp_server_config *config, slice in, const uint8_t *choices)
{
	struct fuzz_chance chance = { choices[3] };
	size_t when = fuzz_below(&chance, in.len + 1);
	struct session t;

	start(&t, config, in, choices, &chance);
	offer(&t, when);
	if (choices[3] & 1)
		smtp_server_drain(t.s);
	else if (choices[3] & 2)
		smtp_server_hang_up(t.s);
	else if (!t.closed)
		smtp_server_timeout(t.s);
	offer(&t, when);
	check(t.closed || ((choices[3] & 1) && !smtp_server_idle(t.s)));
	offer(&t, in.len);
	finish(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct smtp_server_config config = { .hostname = slice_lit("mx.example"),
	    .message_size_max = 1000, .recipients_max = 3, .errors_max = 30, .starttls = true };
	struct session whole, cut;
	struct fuzz_chance chance;
	size_t n_lines = 0;
	slice in;

	if (len < HEAD)
		return 0;
	config.auth = data[0] & 1;
	config.auth_required = (data[0] & 3) == 3;
	config.lenient = data[3] & 4;
	config.service = (enum smtp_service)((data[0] >> 4) % 3);
	chance = (struct fuzz_chance){ data[2] };
	in = slice_of(data + HEAD, len - HEAD);
	for (size_t i = 0; i < in.len; i++)
		n_lines += in.ptr[i] == '\n' || (config.lenient && in.ptr[i] == '\r');
	start(&whole, &config, in, data, NULL);
	offer(&whole, in.len);
	start(&cut, &config, in, data, &chance);
	for (size_t to = 0; to < in.len;) {
		to += fuzz_piece(&chance, in.len - to);
		offer(&cut, to);
	}
	offer(&cut, in.len);
	check(slice_equal(buffer_bytes(&whole.out), buffer_bytes(&cut.out)));
	check(whole.events == cut.events && whole.closed == cut.closed);
	check(whole.consumed == cut.consumed);
	check(count_replies(buffer_bytes(&whole.out)) <= n_lines + 1);
	finish(&whole);
	finish(&cut);
	disturb(&config, in, data);
	return 0;
}
