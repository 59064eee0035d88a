/* sim/login_actor.c - a POP3 session that ends with its login. */
#include "sim/login_actor.h"

#include <stdio.h>

#include "base/check.h"
#include "pop3/client.h"
#include "sim/visit.h"

enum { IN_MAX = 64 * 1024, OUT_MAX = 64 * 1024 };

struct login_actor {
	struct os *os;
	struct login_actor_plan plan;
	struct chance chance;
	struct visit visit;
	struct pop3_client *client;
	struct pop3_client_config config;
	char login[80];
	slice name;
	uint64_t password, value;       /* given; of the book, as it began */
	uint64_t changes;               /* in the book until then */
	bool sure, paused;
	unsigned judged;
};

slice login_password(uint64_t value)
{
	static const slice passwords[LOGIN_PASSWORDS] = { slice_lit("secret"),
		slice_lit("another secret"), slice_lit("a third one") };

	check(value >= 1 && value <= LOGIN_PASSWORDS);
	return passwords[value - 1];
}

static int64_t rest_ms(void *owner)
{
	struct login_actor *a = owner;

	return a->paused ? VISIT_NEVER :
	    (int64_t)(a->plan.pace * chance_skewed(&a->chance, 50, 4000));
}

static void begin(void *owner)
{
	struct login_actor *a = owner;

	a->name = slice_from(a->plan.names[chance_below(&a->chance, a->plan.n_names)]);
	a->value = book_value(a->plan.book, a->name);
	a->sure = book_sure(a->plan.book, a->name);
	a->changes = book_changes(a->plan.book, a->name);
	a->password = chance_between(&a->chance, 1, LOGIN_PASSWORDS);
	/* Wrong ones make the next wait: mostly the right one. */
	if (a->value != 0 && chance_one_in(&a->chance, 2))
		a->password = a->value;
	snprintf(a->login, sizeof a->login, "%.*s@%.*s", slice_arg(a->name),
	    slice_arg(a->plan.domain));
	a->config = (struct pop3_client_config){ .clear_login = true,
	    .login = slice_from(a->login), .secret = login_password(a->password) };
	a->client = pop3_client_create(os_heap(a->os), &a->config, false);
}

static void end(void *owner)
{
	struct login_actor *a = owner;

	pop3_client_destroy(a->client);
	a->client = NULL;
}

static void judge(struct login_actor *a, bool in)
{
	bool right = a->password == a->value;

	/* Something was changed, or is about to be. */
	if (!a->sure || !book_sure(a->plan.book, a->name) ||
	    book_changes(a->plan.book, a->name) != a->changes)
		return;
	a->judged++;
	if (in && !right)
		checker_fail(a->plan.checker, "%s got in with the password %llu, and has %llu",
		    a->login, (unsigned long long)a->password, (unsigned long long)a->value);
	if (!in && right)
		checker_fail(a->plan.checker, "%s was refused with its password, %llu", a->login,
		    (unsigned long long)a->password);
}

static void on_event(struct login_actor *a, const struct pop3_client_event *event)
{
	switch (event->kind) {
	case POP3_CLIENT_EVENT_READY:
		judge(a, true);
		pop3_client_command(a->client, POP3_QUIT, 0, 0);
		break;
	case POP3_CLIENT_EVENT_FAILED:
		if (slice_find(event->text, slice_lit("[AUTH]")) < event->text.len)
			judge(a, false);
		visit_leave(&a->visit);
		break;
	case POP3_CLIENT_EVENT_ITEM:
	case POP3_CLIENT_EVENT_BODY:
	case POP3_CLIENT_EVENT_DONE:
		break;
	case POP3_CLIENT_EVENT_STLS:
	case POP3_CLIENT_EVENT_CLOSED:
		visit_leave(&a->visit);
		break;
	}
}

/* ---- the stream ---- */

static size_t on_data(struct stream *stream, slice in)
{
	struct login_actor *a = stream_owner(stream);
	struct pop3_client_event event;
	size_t taken = 0, n;
	bool moved;
	slice out;

	visit_moves(&a->visit);
	do {
		moved = false;
		n = visit_leaves(&a->visit) ? 0 : pop3_client_feed(a->client, slice_drop(in, taken));
		taken += n;
		while (!visit_leaves(&a->visit) && pop3_client_next(a->client, &event)) {
			on_event(a, &event);
			moved = true;
		}
	} while ((n > 0 || moved) && !visit_leaves(&a->visit));
	out = visit_leaves(&a->visit) ? (slice){ 0 } : pop3_client_output(a->client);
	if (out.len > 0) {
		stream_write(stream, out);
		pop3_client_sent(a->client, out.len);
	}
	return taken;
}

static void on_closed(struct stream *stream, int error)
{
	struct login_actor *a = stream_owner(stream);

	(void)error;
	visit_leave(&a->visit);
}

static const struct stream_handler stream_handler = { .data = on_data, .closed = on_closed };

static const struct visit_manner manner = { .rest_ms = rest_ms, .begin = begin, .end = end,
    .stream = &stream_handler, .in_max = IN_MAX, .out_max = OUT_MAX };

struct login_actor *login_actor_create(struct os *os, const struct login_actor_plan *plan)
{
	struct login_actor *a = heap_new(os_heap(os), struct login_actor);

	check(plan->n_names > 0);
	a->os = os;
	a->plan = *plan;
	a->chance = chance_init(plan->seed, "login", plan->number);
	visit_init(&a->visit, os, &plan->server, &manner, a);
	visit_rest(&a->visit);
	return a;
}

void login_actor_pause(struct login_actor *actor, bool paused)
{
	actor->paused = paused;
	if (visit_rests(&actor->visit))
		visit_rest(&actor->visit);
}

unsigned login_actor_judged(const struct login_actor *actor)
{
	return actor->judged;
}
