/* cli/bench_smtp.c - the sending sessions.
 *
 *   each: (open -> READY -> message... -> QUIT -> down)*, until no message is left
 *
 * (1) A message belongs to the session that took its number; it is counted once,
 *     as accepted or as failed, and not tried again.
 * (2) A session ends when no message is left, or after BENCH_RETRIES_MAX
 *     connections in a row that never got READY. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "cli/bench.h"
#include "cli/bench_text.h"

enum { PARTS = 3 };

struct bench_session {
	struct bench *bench;
	struct link link;
	struct os_timer retry;
	struct smtp_client *client;
	unsigned failures;              /* connections in a row that never got READY */
	bool was_ready;                 /* this connection */
	bool used;                      /* a message went over this connection */

	bool sending;                   /* a message is ours and not counted yet */
	uint64_t began_us;
	struct smtp_client_message message;
	slice recipients[BENCH_PER_MESSAGE_MAX];
	size_t first_recipient;         /* into the plan's */
	unsigned long refused;          /* recipients of this message */
	uint8_t taken[BENCH_PER_MESSAGE_MAX];
	char header[BENCH_HEADER_MAX];
	slice parts[PARTS];             /* of the message still to give */
	size_t part;
	bool in_body;
};

/* ---- a message ---- */

static const struct bench_recipient *recipient(const struct bench_session *s, size_t i)
{
	const struct bench_plan *p = &s->bench->plan;

	return &p->recipients[(s->first_recipient + i) % p->n_recipients];
}

/* Header and text, of the size that was asked for if the header leaves room. */
static void make_message(struct bench_session *s, unsigned long number)
{
	struct bench *b = s->bench;
	const struct bench_plan *p = &b->plan;
	slice from = p->from, to = recipient(s, 0)->address;
	int n = snprintf(s->header, sizeof s->header,
	    "Date: %s\r\nFrom: <%.*s>\r\nTo: <%.*s>\r\nSubject: bench %lu\r\n"
	    "Message-ID: <%s.%lu@bench.invalid>\r\n\r\n", b->date,
	    slice_arg(from), slice_arg(to), number, b->run, number);
	size_t header = (size_t)n, rest = p->size > header ? p->size - header : 0;
	slice tail = bench_text_body(b->text, number, rest);

	check(n > 0 && header < sizeof s->header);
	s->parts[0] = slice_of(s->header, header);
	s->parts[1] = (slice){ 0 };
	/* The tail may begin between CR and LF: no lone LF goes out. */
	if (tail.len > 0 && tail.ptr[0] == '\n') {
		s->parts[1] = tail.len > 2 ? slice_lit("x") : (slice){ 0 };
		tail = tail.len > 2 ? slice_drop(tail, 1) : (slice){ 0 };
	}
	s->parts[2] = tail;
	s->part = 0;
	s->message.size = header + s->parts[1].len + tail.len;
}

static void give_body(struct bench_session *s)
{
	while (s->in_body && s->part < PARTS) {
		slice *part = &s->parts[s->part];
		size_t n = part->len > 0 ? smtp_client_body(s->client, *part) : 0;

		*part = slice_drop(*part, n);
		if (part->len > 0)
			return;         /* again when output has left */
		s->part++;
	}
	if (!s->in_body)
		return;
	s->in_body = false;
	smtp_client_body_end(s->client);
}

static bool work_left(const struct bench *b)
{
	return b->next < b->plan.messages && !b->result.interrupted;
}

static void begin_message(struct bench_session *s)
{
	struct bench *b = s->bench;
	const struct bench_plan *p = &b->plan;
	unsigned long number = b->next++;

	s->first_recipient = number * p->per_message % p->n_recipients;
	for (size_t i = 0; i < p->per_message; i++)
		s->recipients[i] = recipient(s, i)->address;
	memset(s->taken, 0, p->per_message);
	s->refused = 0;
	make_message(s, number);
	s->message.from = p->from;
	s->message.recipients = s->recipients;
	s->message.n_recipients = p->per_message;
	s->sending = s->used = true;
	s->began_us = os_now_us(b->os);
	link_patience(&s->link, BENCH_PATIENCE_MS);
	smtp_client_send(s->client, &s->message);
}

static void count_accepted(struct bench_session *s)
{
	struct bench *b = s->bench;
	uint64_t now = os_now_us(b->os), took = now - s->began_us;

	b->result.latency_us[b->result.accepted++] = took < UINT32_MAX ? (uint32_t)took :
	    UINT32_MAX;
	b->result.accepted_us = now;
	b->result.recipients_refused += s->refused;
	for (size_t i = 0; i < b->plan.per_message; i++) {
		struct bench_mailbox *mailbox = recipient(s, i)->mailbox;

		if (s->taken[i] && mailbox != NULL)
			mailbox->expected++;
	}
}

static void count_failed(struct bench_session *s, unsigned code)
{
	s->bench->result.failed++;
	s->bench->result.codes[code < BENCH_CODES ? code : 0]++;
}

static void on_verdict(struct bench_session *s, const struct smtp_client_event *event)
{
	if (event->code / 100 == 2) {
		count_accepted(s);
	} else {
		char words[160];

		snprintf(words, sizeof words, "%u %.*s", event->code, slice_arg(event->text));
		bench_fault(s->bench, slice_from(words));
		count_failed(s, event->code);
	}
	s->sending = false;
}

/* ---- events ---- */

static void on_ready(struct bench_session *s)
{
	s->was_ready = true;
	s->failures = 0;
	if (work_left(s->bench) && !(s->bench->plan.renew && s->used))
		begin_message(s);
	else
		smtp_client_quit(s->client);
}

static void on_failed(struct bench_session *s, const struct smtp_client_event *event)
{
	char words[160];

	snprintf(words, sizeof words, "%u %.*s", event->code, slice_arg(event->text));
	bench_fault(s->bench, slice_from(event->code != 0 ? words : words + 2));
	if (s->sending)
		count_failed(s, event->code);
	s->sending = false;
	link_finish(&s->link, NULL);
}

static void on_event(struct bench_session *s, const struct smtp_client_event *event)
{
	switch (event->kind) {
	case SMTP_CLIENT_EVENT_STARTTLS:
		link_secure(&s->link, s->bench->tls);
		break;
	case SMTP_CLIENT_EVENT_READY:
		on_ready(s);
		break;
	case SMTP_CLIENT_EVENT_RCPT:
		s->taken[event->index] = event->code / 100 == 2;
		s->refused += event->code / 100 != 2;
		break;
	case SMTP_CLIENT_EVENT_BODY:
		s->in_body = true;
		give_body(s);
		break;
	case SMTP_CLIENT_EVENT_SENT:
		on_verdict(s, event);
		break;
	case SMTP_CLIENT_EVENT_FAILED:
		on_failed(s, event);
		break;
	case SMTP_CLIENT_EVENT_CLOSED:
		link_finish(&s->link, NULL);
		break;
	}
}

/* ---- the link ---- */

static void open_link(struct bench_session *s)
{
	struct bench *b = s->bench;

	s->was_ready = s->used = s->in_body = false;
	link_open(&s->link, &b->plan.to, b->plan.tls == BENCH_TLS_IMPLICIT ? b->tls : NULL,
	    BENCH_PATIENCE_MS);
}

static void on_up(struct link *link)
{
	struct bench_session *s = link->owner;

	s->client = smtp_client_create(os_heap(link->os), &s->bench->smtp_config,
	    s->bench->plan.tls == BENCH_TLS_IMPLICIT);
}

static size_t on_data(struct link *link, slice in)
{
	struct bench_session *s = link->owner;
	size_t used = smtp_client_feed(s->client, in);
	struct smtp_client_event event;

	while (!link->finishing && smtp_client_next(s->client, &event))
		on_event(s, &event);
	return used;
}

static void on_secured(struct link *link)
{
	struct bench_session *s = link->owner;

	smtp_client_secured(s->client);
}

static slice on_output(struct link *link)
{
	struct bench_session *s = link->owner;

	return smtp_client_output(s->client);
}

static void on_sent(struct link *link, size_t n)
{
	struct bench_session *s = link->owner;

	smtp_client_sent(s->client, n);
	give_body(s);
}

static void end_session(struct bench_session *s)
{
	struct bench *b = s->bench;

	check(b->active > 0);
	if (--b->active == 0)
		bench_sent(b);
}

static void on_down(struct link *link, const char *why)
{
	struct bench_session *s = link->owner;

	smtp_client_destroy(s->client);
	s->client = NULL;
	if (why != NULL && !s->bench->result.interrupted)
		bench_fault(s->bench, slice_from(why));
	if (s->sending && !s->bench->result.interrupted)
		count_failed(s, 0);
	s->sending = false;
	if (!s->was_ready) {
		s->failures++;
		s->bench->result.refused_sessions++;
	}
	if (!work_left(s->bench) || s->failures >= BENCH_RETRIES_MAX)
		end_session(s);
	else if (s->failures == 0)
		open_link(s);
	else
		os_timer_start(s->bench->os, &s->retry, BENCH_RETRY_MS * s->failures);
}

static const struct link_handler handler = {
	.up = on_up, .data = on_data, .secured = on_secured, .output = on_output,
	.sent = on_sent, .down = on_down,
};

static void on_retry(struct os_timer *timer)
{
	struct bench_session *s = timer->owner;

	if (work_left(s->bench))
		open_link(s);
	else
		end_session(s);
}

/* ---- start and stop ---- */

void bench_smtp_start(struct bench *b)
{
	const struct bench_plan *p = &b->plan;

	b->smtp_config = (struct smtp_client_config){ .hostname = slice_lit("client.example"),
		.starttls = p->tls == BENCH_TLS_STARTTLS ? SMTP_CLIENT_TLS_REQUIRED :
		    SMTP_CLIENT_TLS_NONE,
		.login = p->login, .secret = p->secret,
		.clear_auth = os_ip_is_loopback(p->to.ip) };
	b->sessions = heap_alloc(os_heap(b->os), p->sessions * sizeof *b->sessions);
	b->active = p->sessions;
	b->result.started_us = os_now_us(b->os);
	for (unsigned long i = 0; i < p->sessions; i++) {
		struct bench_session *s = &b->sessions[i];

		s->bench = b;
		s->retry = (struct os_timer){ .fire = on_retry, .owner = s };
		link_init(&s->link, b->os, &handler, s);
		open_link(s);
	}
}

void bench_smtp_stop(struct bench *b)
{
	unsigned long n = b->plan.sessions;

	for (unsigned long i = 0; i < n; i++) {
		struct bench_session *s = &b->sessions[i];

		/* Those that rest between two connections end with their timer. */
		link_finish(&s->link, NULL);
	}
}
