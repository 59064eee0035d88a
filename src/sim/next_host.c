/* sim/next_host.c - drives smtp/server.h, one engine a connection.
 *
 *   question -> mood -> answer now | later | never, or gone
 *
 * (1) A caller is destroyed from `leave`, a deferred call, never inside one of its
 *     stream's handlers. */
#include "sim/next_host.h"

#include <stdio.h>

#include "base/check.h"
#include "base/list.h"
#include "os/stream.h"
#include "sim/sim_message.h"
#include "smtp/server.h"

enum {
	PORT_BACKLOG = 64, IN_MAX = 64 * 1024, OUT_MAX = 64 * 1024, RECIPIENTS_MAX = 8,
	ADDRESS_MAX = 100, BODY_MAX = SIM_MESSAGE_MAX + 64 * 1024, SILENCE_MS = 90 * 1000,
	SLOW_MIN_MS = 200, SLOW_MAX_MS = 60 * 1000,
};

struct next_host {
	struct os *os;
	struct checker *checker;
	struct chance chance;
	struct smtp_server_config config;
	struct os_watch watch;
	int fd;
	enum next_mood mood;
};

struct caller {
	struct next_host *host;
	struct stream *stream;
	struct smtp_server *server;
	struct os_defer leave;
	struct os_timer later, silence;
	struct smtp_reply reply;        /* for later */
	bool asked, leaving;
	char sender[ADDRESS_MAX];
	char recipients[RECIPIENTS_MAX][ADDRESS_MAX];
	size_t n_recipients;
	struct buffer body;
};

static const struct smtp_reply
    ok = { 250, "2.0.0", slice_lit("Ok") },
    busy = { 451, "4.3.2", slice_lit("Not now") },
    refused = { 554, "5.7.1", slice_lit("Not here") },
    no_mailbox = { 550, "5.1.1", slice_lit("No such mailbox") },
    busy_mailbox = { 450, "4.2.1", slice_lit("Mailbox busy") },
    too_many = { 452, "4.5.3", slice_lit("Too many recipients") };

/* ---- the end of a connection ---- */

static void on_leave(struct os_defer *defer)
{
	struct caller *c = defer->owner;

	os_timer_stop(c->host->os, &c->later);
	os_timer_stop(c->host->os, &c->silence);
	stream_destroy(c->stream);
	smtp_server_destroy(c->server);
	buffer_free(&c->body);
	heap_free(os_heap(c->host->os), c);
}

static void leave(struct caller *c)
{
	c->leaving = true;
	os_defer(c->host->os, &c->leave);
}

static void on_silence(struct os_timer *timer)
{
	leave(timer->owner);
}

/* ---- one message ---- */

static void forget(struct caller *c)
{
	c->n_recipients = 0;
	buffer_free(&c->body);
	c->body = buffer_init(os_heap(c->host->os), BODY_MAX);
}

static void take_message(struct caller *c)
{
	for (size_t i = 0; i < c->n_recipients; i++)
		checker_outside(c->host->checker, slice_from(c->sender),
		    slice_from(c->recipients[i]), buffer_bytes(&c->body));
}

/* Refused for good: a sender whose report that was hears nothing. */
static void no_report(struct caller *c, slice recipient)
{
	unsigned number = checker_sender_number(c->host->checker, recipient);

	if (c->sender[0] == '\0' && number != 0)
		checker_nobody_hears(c->host->checker, number);
}

static void no_reports(struct caller *c)
{
	for (size_t i = 0; i < c->n_recipients; i++)
		no_report(c, slice_from(c->recipients[i]));
}

/* In a good mood. */
static const struct smtp_reply *judge(struct caller *c, const struct smtp_event *event)
{
	switch (event->kind) {
	case SMTP_EVENT_MAIL:
		forget(c);
		snprintf(c->sender, sizeof c->sender, "%.*s", slice_arg(event->text));
		return NULL;
	case SMTP_EVENT_RCPT:
		if (slice_starts(event->text, slice_lit("nobody")) ||
		    slice_starts(event->text, slice_lit("g"))) {
			no_report(c, event->text);
			return &no_mailbox;
		}
		if (slice_starts(event->text, slice_lit("busy")))
			return &busy_mailbox;
		if (c->n_recipients == RECIPIENTS_MAX)
			return &too_many;
		snprintf(c->recipients[c->n_recipients++], ADDRESS_MAX, "%.*s",
		    slice_arg(event->text));
		return NULL;
	case SMTP_EVENT_END:
		take_message(c);
		return &ok;
	default:
		return NULL;
	}
}

static void answer(struct caller *c, const struct smtp_reply *reply)
{
	c->asked = false;
	smtp_server_answer(c->server, reply);
}

static void refuse(struct caller *c, const struct smtp_event *event)
{
	if (event->kind == SMTP_EVENT_MAIL && event->text.len == 0) {
		/* Whom it is for is not known yet. */
		answer(c, judge(c, event));
		return;
	}
	if (event->kind == SMTP_EVENT_MAIL)
		forget(c);              /* the transaction before is over */
	if (event->kind == SMTP_EVENT_RCPT)
		no_report(c, event->text);
	no_reports(c);
	answer(c, &refused);
}

static void answer_later(struct caller *c, const struct smtp_reply *reply)
{
	c->reply = reply != NULL ? *reply : (struct smtp_reply){ 0 };
	os_timer_start(c->host->os, &c->later,
	    chance_skewed(&c->host->chance, SLOW_MIN_MS, SLOW_MAX_MS));
}

static void on_question(struct caller *c, const struct smtp_event *event)
{
	struct next_host *h = c->host;
	enum next_mood mood = chance_one_in(&h->chance, 2) ? h->mood : MOOD_GOOD;

	c->asked = true;
	switch (mood) {
	case MOOD_BUSY:
		answer(c, &busy);
		break;
	case MOOD_REFUSING:
		refuse(c, event);
		break;
	case MOOD_MUTE:
		break;
	case MOOD_VANISHING:
		if (chance_one_in(&h->chance, 2))
			judge(c, event);
		leave(c);
		break;
	case MOOD_SLOW:
		answer_later(c, judge(c, event));
		break;
	default:
		answer(c, judge(c, event));
		break;
	}
}

static void on_event(struct caller *c, const struct smtp_event *event)
{
	switch (event->kind) {
	case SMTP_EVENT_MAIL:
	case SMTP_EVENT_RCPT:
	case SMTP_EVENT_DATA:
	case SMTP_EVENT_END:
		on_question(c, event);
		break;
	case SMTP_EVENT_AUTH:
		smtp_server_answer(c->server, &refused);
		break;
	case SMTP_EVENT_BODY:
		if (!buffer_append(&c->body, event->text))
			checker_fail(c->host->checker, "another host got more than was sent");
		break;
	case SMTP_EVENT_RESET:
		forget(c);
		break;
	case SMTP_EVENT_QUIT:
		stream_end(c->stream);
		break;
	case SMTP_EVENT_HELLO:
	case SMTP_EVENT_STARTTLS:
		break;
	}
}

/* ---- the stream ---- */

static void send_output(struct caller *c)
{
	slice out = smtp_server_output(c->server);

	check(out.len <= stream_room(c->stream));
	if (out.len > 0) {
		stream_write(c->stream, out);
		smtp_server_sent(c->server, out.len);
	}
}

static size_t on_data(struct stream *stream, slice in)
{
	struct caller *c = stream_owner(stream);
	struct smtp_event event;
	size_t taken = 0, n;
	bool moved = true;

	os_timer_start(c->host->os, &c->silence, SILENCE_MS);
	while (moved && !c->leaving) {
		n = c->asked ? 0 : smtp_server_feed(c->server, slice_drop(in, taken));
		taken += n;
		moved = n > 0;
		while (!c->leaving && smtp_server_next(c->server, &event)) {
			on_event(c, &event);
			moved = true;
		}
		if (!c->leaving)
			send_output(c);
	}
	return taken;
}

static void on_closed(struct stream *stream, int error)
{
	leave(stream_owner(stream));
}

static const struct stream_handler stream_handler = { .data = on_data, .closed = on_closed };

static void on_later(struct os_timer *timer)
{
	struct caller *c = timer->owner;

	if (c->leaving)
		return;
	if (!c->asked)
		smtp_server_greet(c->server);
	else
		answer(c, c->reply.code != 0 ? &c->reply : NULL);
	send_output(c);
	stream_resume(c->stream);
}

/* ---- callers ---- */

static void open_caller(struct next_host *h, int fd)
{
	struct caller *c = heap_new(os_heap(h->os), struct caller);

	c->host = h;
	c->server = smtp_server_create(os_heap(h->os), &h->config, false, false);
	c->leave = (struct os_defer){ .run = on_leave, .owner = c };
	c->later = (struct os_timer){ .fire = on_later, .owner = c };
	c->silence = (struct os_timer){ .fire = on_silence, .owner = c };
	c->body = buffer_init(os_heap(h->os), BODY_MAX);
	c->stream = stream_create(h->os, fd, IN_MAX, OUT_MAX, &stream_handler, c);
	os_timer_start(h->os, &c->silence, SILENCE_MS);
	if (h->mood == MOOD_SLOW && chance_one_in(&h->chance, 2)) {
		answer_later(c, NULL);
	} else if (h->mood != MOOD_MUTE || chance_one_in(&h->chance, 2)) {
		smtp_server_greet(c->server);
		send_output(c);
	}
}

static void on_ready(struct os_watch *watch, int events)
{
	struct next_host *h = watch->owner;
	struct os_address peer;
	int fd;

	while ((fd = os_accept(h->os, h->fd, &peer)) >= 0) {
		if (h->mood == MOOD_AWAY)
			os_close(h->os, fd);
		else
			open_caller(h, fd);
	}
}

struct next_host *next_host_create(struct os *os, struct checker *checker,
    const struct os_address *address, uint64_t seed, unsigned number)
{
	struct next_host *h = heap_new(os_heap(os), struct next_host);

	h->os = os;
	h->checker = checker;
	h->chance = chance_init(seed, "next", number);
	h->config = (struct smtp_server_config){ .service = SMTP_RELAY_IN,
	    .hostname = slice_lit("next.example"), .message_size_max = BODY_MAX,
	    .recipients_max = 100, .errors_max = 50 };
	h->fd = os_listen(os, address, PORT_BACKLOG);
	check(h->fd >= 0);
	h->watch = (struct os_watch){ .ready = on_ready, .owner = h };
	os_watch_start(os, &h->watch, h->fd, OS_READABLE);
	return h;
}

void next_host_set_mood(struct next_host *host, enum next_mood mood)
{
	host->mood = mood;
}
