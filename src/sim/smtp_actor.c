/* sim/smtp_actor.c - drives smtp/client.h over one stream after another.
 *
 *   RESTING -> DIALLING -> TALKING -> RESTING ... -> FINISHED
 *
 * (1) A stream is destroyed from `leave`, a deferred call, never inside one of
 *     its own handlers.
 * (2) `message` is the transaction that runs, or 0; its fate is told to the
 *     checker once. */
#include "sim/smtp_actor.h"

#include <stdio.h>

#include "base/check.h"
#include "sim/sim_message.h"
#include "sim/visit.h"
#include "smtp/client.h"

enum { RECIPIENTS_MAX = 4, IN_MAX = 64 * 1024, OUT_MAX = 256 * 1024 };

struct smtp_actor {
	struct os *os;
	struct smtp_actor_plan plan;
	struct chance chance;
	struct visit visit;
	struct smtp_client *client;
	struct smtp_client_config config;
	unsigned left;                  /* messages still to be acknowledged */
	bool behaves;

	unsigned message;
	const struct smtp_actor_recipient *to[RECIPIENTS_MAX];
	slice addresses[RECIPIENTS_MAX];
	size_t n_to;
	char from[80];
	struct smtp_client_message envelope;
	struct buffer body;
	size_t body_at;
	size_t vanish_at;               /* in the body; SIZE_MAX: not */
	bool in_body;
	bool vanish_after;              /* the dot */
};

static int64_t rest_ms(void *owner)
{
	struct smtp_actor *a = owner;

	return a->left > 0 ? (int64_t)(a->plan.pace * chance_skewed(&a->chance, 5, 3000)) :
	    VISIT_NEVER;
}

static void end(void *owner)
{
	struct smtp_actor *a = owner;

	smtp_client_destroy(a->client);
	buffer_free(&a->body);
	a->client = NULL;
	a->message = 0;
	a->in_body = false;
}

/* ---- one message ---- */

static bool disjoint(const struct smtp_actor *a, const struct smtp_actor_recipient *r)
{
	for (size_t i = 0; i < a->n_to; i++) {
		if (a->to[i] == r || a->to[i]->moves || r->moves || (a->to[i]->accounts & r->accounts) != 0)
			return false;
	}
	return true;
}

static void draw_recipients(struct smtp_actor *a)
{
	size_t want = chance_skewed(&a->chance, 1, RECIPIENTS_MAX);

	a->n_to = 0;
	for (size_t tries = 0; tries < 20 && a->n_to < want; tries++) {
		const struct smtp_actor_recipient *r =
		    &a->plan.recipients[chance_below(&a->chance, a->plan.n_recipients)];

		if (!disjoint(a, r))
			continue;
		a->addresses[a->n_to] = r->address;
		a->to[a->n_to++] = r;
	}
}

static bool to_moving(const struct smtp_actor *a)
{
	return a->n_to == 1 && a->to[0]->moves;
}

/* The reverse-path: of a mailbox elsewhere, here or nowhere, or null. */
static size_t draw_sender(struct smtp_actor *a)
{
	enum sim_shape shape = sim_message_shape(a->plan.seed, a->message);

	a->from[0] = '\0';
	switch (chance_below(&a->chance, 8)) {
	case 0:
		/* Its content must say which message it is; seals do not. */
		if (shape != SHAPE_EMPTY && shape != SHAPE_BLANK_LINES && !to_moving(a)) {
			checker_null_sender(a->plan.checker, a->message);
			return 0;
		}
		break;
	case 1:
		checker_nobody_hears(a->plan.checker, a->message);
		return (size_t)snprintf(a->from, sizeof a->from, "g%u@" CHECKER_AWAY, a->message);
	case 2:
	case 3:
	case 4:
		return (size_t)snprintf(a->from, sizeof a->from, "user0+m%u@%.*s", a->message,
		    slice_arg(a->plan.home));
	default:
		break;
	}
	return (size_t)snprintf(a->from, sizeof a->from, "m%u@" CHECKER_AWAY, a->message);
}

static void next_message(struct smtp_actor *a)
{
	size_t n;

	if (a->left == 0 || chance_one_in(&a->chance, 4)) {
		smtp_client_quit(a->client);
		return;
	}
	draw_recipients(a);
	a->message = checker_message_begin(a->plan.checker);
	n = draw_sender(a);
	a->body = buffer_init(os_heap(a->os), SIM_MESSAGE_MAX);
	sim_message_make(a->plan.seed, a->message, &a->body);
	a->body_at = 0;
	a->vanish_at = SIZE_MAX;
	if (!a->behaves && chance_one_in(&a->chance, 12))
		a->vanish_at = chance_below(&a->chance, buffer_bytes(&a->body).len + 1);
	a->vanish_after = !a->behaves && chance_one_in(&a->chance, 12);
	a->envelope = (struct smtp_client_message){
		.from = slice_of(a->from, n),
		.recipients = a->addresses,
		.n_recipients = a->n_to,
		.size = chance_one_in(&a->chance, 2) ? buffer_bytes(&a->body).len : 0,
		.needs = SMTP_CLIENT_8BITMIME,
	};
	smtp_client_send(a->client, &a->envelope);
}

static void on_recipient(struct smtp_actor *a, const struct smtp_client_event *event)
{
	const struct smtp_actor_recipient *r = a->to[event->index];

	if (r->moves) {
		if (event->code / 100 == 2)
			checker_accepted_moving(a->plan.checker, a->message);
	} else if (event->code / 100 == 2 && r->accounts == 0)
		checker_fail(a->plan.checker, "unknown recipient %.*s was accepted",
		    slice_arg(r->address));
	else if (event->code / 100 == 5 && r->accounts != 0)
		checker_fail(a->plan.checker, "recipient %.*s was refused: %u %.*s",
		    slice_arg(r->address), event->code, slice_arg(event->text));
	else if (event->code / 100 == 2) {
		checker_remote(a->plan.checker, a->message, r->remote);
		checker_accepted(a->plan.checker, a->message, r->accounts);
	}
}

/* Give the engine what it takes; vanish where that was drawn. */
static void send_body(struct smtp_actor *a)
{
	slice rest = slice_drop(buffer_bytes(&a->body), a->body_at);
	size_t n;

	if (a->vanish_at <= a->body_at) {
		visit_leave(&a->visit);
		return;
	}
	if (rest.len > a->vanish_at - a->body_at)
		rest = slice_head(rest, a->vanish_at - a->body_at);
	n = rest.len > 0 ? smtp_client_body(a->client, rest) : 0;
	a->body_at += n;
	if (a->body_at < buffer_bytes(&a->body).len)
		return;
	a->in_body = false;
	checker_dot(a->plan.checker, a->message);
	smtp_client_body_end(a->client);
}

/* "2.0.0 Ok: queued as ID" */
static void hear_id(struct smtp_actor *a, slice text)
{
	static const slice before = slice_lit("queued as ");
	size_t at = slice_find(text, before);

	if (at < text.len)
		checker_queued_as(a->plan.checker, a->message, slice_drop(text, at + before.len));
}

static void on_sent(struct smtp_actor *a, const struct smtp_client_event *event)
{
	if (!event->local && event->code == 250)
		hear_id(a, event->text);
	if (!event->local)
		checker_reply(a->plan.checker, a->message, event->code);
	/* A message whose recipients were all refused is through as well. */
	if (event->code / 100 == 2 || event->code / 100 == 5)
		a->left -= a->left > 0;
	buffer_free(&a->body);
	a->message = 0;
	a->in_body = false;
}

static void on_event(struct smtp_actor *a, const struct smtp_client_event *event)
{
	switch (event->kind) {
	case SMTP_CLIENT_EVENT_READY:
		next_message(a);
		break;
	case SMTP_CLIENT_EVENT_RCPT:
		on_recipient(a, event);
		break;
	case SMTP_CLIENT_EVENT_BODY:
		a->in_body = true;
		break;
	case SMTP_CLIENT_EVENT_SENT:
		on_sent(a, event);
		break;
	case SMTP_CLIENT_EVENT_STARTTLS:
	case SMTP_CLIENT_EVENT_FAILED:
	case SMTP_CLIENT_EVENT_CLOSED:
		visit_leave(&a->visit);
		break;
	}
}

/* ---- the stream ---- */

static bool send_output(struct smtp_actor *a)
{
	slice out = smtp_client_output(a->client);

	if (out.len > stream_room(a->visit.stream))
		out = slice_head(out, stream_room(a->visit.stream));
	if (out.len == 0)
		return false;
	stream_write(a->visit.stream, out);
	smtp_client_sent(a->client, out.len);
	return true;
}

/* Events, body and output once; true if any of them moved. */
static bool step(struct smtp_actor *a)
{
	struct smtp_client_event event;
	bool moved = false;

	while (!visit_leaves(&a->visit) && smtp_client_next(a->client, &event)) {
		on_event(a, &event);
		moved = true;
	}
	if (a->in_body && !visit_leaves(&a->visit)) {
		size_t before = a->body_at;

		send_body(a);
		moved = moved || a->body_at != before || !a->in_body;
	}
	return (!visit_leaves(&a->visit) && send_output(a)) || moved;
}

/* Until nothing moves. */
static bool pump(struct smtp_actor *a)
{
	bool moved = false;

	while (!visit_leaves(&a->visit) && step(a))
		moved = true;
	if (a->vanish_after && a->message != 0 && !a->in_body &&
	    a->body_at == buffer_bytes(&a->body).len && a->body_at > 0 &&
	    stream_unsent(a->visit.stream) == 0)
		visit_leave(&a->visit);
	return moved;
}

static size_t on_data(struct stream *stream, slice in)
{
	struct smtp_actor *a = stream_owner(stream);
	size_t taken = 0, n;
	bool moved = true;

	visit_moves(&a->visit);
	while (moved && !visit_leaves(&a->visit)) {
		n = smtp_client_feed(a->client, slice_drop(in, taken));
		taken += n;
		moved = pump(a) || n > 0;
	}
	return taken;
}

static void on_drained(struct stream *stream)
{
	struct smtp_actor *a = stream_owner(stream);

	if (!visit_leaves(&a->visit))
		pump(a);
}

static void on_closed(struct stream *stream, int error)
{
	struct smtp_actor *a = stream_owner(stream);

	(void)error;
	visit_leave(&a->visit);
}

static const struct stream_handler stream_handler = {
	.data = on_data,
	.drained = on_drained,
	.closed = on_closed,
};

static void begin(void *owner)
{
	struct smtp_actor *a = owner;

	a->client = smtp_client_create(os_heap(a->os), &a->config, false);
}

static const struct visit_manner manner = { .rest_ms = rest_ms, .begin = begin, .end = end,
    .stream = &stream_handler, .in_max = IN_MAX, .out_max = OUT_MAX };

struct smtp_actor *smtp_actor_create(struct os *os, const struct smtp_actor_plan *plan)
{
	struct smtp_actor *a = heap_new(os_heap(os), struct smtp_actor);

	check(plan->n_recipients > 0);
	a->os = os;
	a->plan = *plan;
	a->chance = chance_init(plan->seed, "sender", plan->number);
	a->left = plan->messages;
	a->config.hostname = slice_lit("client.away.example");
	visit_init(&a->visit, os, &plan->server, &manner, a);
	visit_rest(&a->visit);
	return a;
}

void smtp_actor_more(struct smtp_actor *actor, unsigned messages)
{
	actor->left += messages;
	if (visit_rests(&actor->visit))
		visit_rest(&actor->visit);
}

bool smtp_actor_finished(const struct smtp_actor *actor)
{
	return actor->left == 0 && visit_rests(&actor->visit);
}

void smtp_actor_behave(struct smtp_actor *actor)
{
	actor->behaves = true;
	actor->plan.pace = 1;
	if (visit_rests(&actor->visit))
		visit_rest(&actor->visit);
}
