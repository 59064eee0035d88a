/* sim/pop3_actor.c - drives pop3/client.h over one stream after another.
 *
 *   RESTING -> DIALLING -> (login) -> UIDL -> (RETR | DELE)* -> QUIT -> RESTING
 *
 * (1) A stream is destroyed from `leave`, a deferred call, never inside one of
 *     its own handlers.
 * (2) The checker hears of a QUIT before it leaves, and how it ended. */
#include "sim/pop3_actor.h"

#include "base/check.h"
#include "pop3/client.h"
#include "sim/sim_message.h"
#include "sim/visit.h"

enum {
	IN_MAX = 64 * 1024, OUT_MAX = 64 * 1024,
	MARKED_MAX = 8, BODY_MAX = SIM_MESSAGE_MAX + 64 * 1024,
};

enum step { STEP_LOGIN, STEP_LIST, STEP_READ, STEP_DELETE, STEP_QUIT };

struct pop3_actor {
	struct os *os;
	struct pop3_actor_plan plan;
	struct chance chance;
	struct visit visit;
	struct pop3_client *client;
	struct pop3_client_config config;
	bool behaves, paused;
	unsigned sessions;

	enum step step;
	size_t place;                   /* in the list: message number less one */
	struct buffer body;
	slice marked[MARKED_MAX];       /* UIDLs, the checker's */
	size_t n_marked;
};

static int64_t rest_ms(void *owner)
{
	struct pop3_actor *a = owner;

	return a->paused ? VISIT_NEVER :
	    (int64_t)(a->plan.pace * chance_skewed(&a->chance, 50, 4000));
}

static void end(void *owner)
{
	struct pop3_actor *a = owner;

	if (a->step == STEP_QUIT)
		checker_quit(a->plan.checker, a->plan.account, false, false);
	pop3_client_destroy(a->client);
	buffer_free(&a->body);
	a->client = NULL;
	a->step = STEP_LOGIN;
}

/* ---- one session ---- */

static void quit(struct pop3_actor *a)
{
	a->step = STEP_QUIT;
	for (size_t i = 0; i < a->n_marked; i++)
		checker_deleting(a->plan.checker, a->plan.account, a->marked[i]);
	pop3_client_command(a->client, POP3_QUIT, 0, 0);
}

/* The next that has not been read, or is drawn to be read again. */
static void read_next(struct pop3_actor *a)
{
	struct checker *c = a->plan.checker;
	slice uid;

	for (;; a->place++) {
		uid = checker_list_uid(c, a->plan.account, a->place);
		if (uid.len == 0) {
			quit(a);
			return;
		}
		if (a->behaves || !checker_known(c, a->plan.account, uid) ||
		    chance_one_in(&a->chance, 4))
			break;
	}
	if (!a->behaves && chance_one_in(&a->chance, 60)) {
		visit_leave(&a->visit);
		return;
	}
	a->step = STEP_READ;
	a->body = buffer_init(os_heap(a->os), BODY_MAX);
	pop3_client_command(a->client, POP3_RETR, (uint32_t)a->place + 1, 0);
}

static void was_read(struct pop3_actor *a)
{
	slice uid = checker_list_uid(a->plan.checker, a->plan.account, a->place);

	checker_body(a->plan.checker, a->plan.account, uid, buffer_bytes(&a->body));
	buffer_free(&a->body);
	if (!a->behaves && a->n_marked < MARKED_MAX && chance_one_in(&a->chance, 3)) {
		a->step = STEP_DELETE;
		pop3_client_command(a->client, POP3_DELE, (uint32_t)a->place + 1, 0);
		return;
	}
	a->place++;
	read_next(a);
}

static void on_done(struct pop3_actor *a, const struct pop3_client_event *event)
{
	switch (a->step) {
	case STEP_LOGIN:
		break;
	case STEP_LIST:
		if (!event->ok) {
			visit_leave(&a->visit);
			return;
		}
		checker_list_end(a->plan.checker, a->plan.account);
		a->place = 0;
		read_next(a);
		break;
	case STEP_READ:
		if (event->ok) {
			was_read(a);
		} else {
			buffer_free(&a->body);
			checker_unreadable(a->plan.checker, a->plan.account, checker_list_uid(
			    a->plan.checker, a->plan.account, a->place));
			a->place++;
			read_next(a);
		}
		break;
	case STEP_DELETE:
		if (event->ok)
			a->marked[a->n_marked++] = checker_list_uid(a->plan.checker,
			    a->plan.account, a->place);
		a->place++;
		read_next(a);
		break;
	case STEP_QUIT:
		checker_quit(a->plan.checker, a->plan.account, true, event->ok);
		a->step = STEP_LOGIN;
		a->sessions += event->ok;
		break;
	}
}

static void on_event(struct pop3_actor *a, const struct pop3_client_event *event)
{
	switch (event->kind) {
	case POP3_CLIENT_EVENT_READY:
		a->step = STEP_LIST;
		a->n_marked = 0;
		checker_list_begin(a->plan.checker, a->plan.account);
		pop3_client_command(a->client, POP3_UIDL, 0, 0);
		break;
	case POP3_CLIENT_EVENT_ITEM:
		checker_listed(a->plan.checker, a->plan.account, event->text);
		break;
	case POP3_CLIENT_EVENT_BODY:
		if (!buffer_append(&a->body, event->text))
			checker_fail(a->plan.checker, "a message longer than any that was sent");
		break;
	case POP3_CLIENT_EVENT_DONE:
		on_done(a, event);
		break;
	case POP3_CLIENT_EVENT_STLS:
	case POP3_CLIENT_EVENT_FAILED:
	case POP3_CLIENT_EVENT_CLOSED:
		visit_leave(&a->visit);
		break;
	}
}

/* ---- the stream ---- */

static void send_output(struct pop3_actor *a)
{
	slice out = pop3_client_output(a->client);

	check(out.len <= stream_room(a->visit.stream));
	if (out.len > 0) {
		stream_write(a->visit.stream, out);
		pop3_client_sent(a->client, out.len);
	}
}

static size_t on_data(struct stream *stream, slice in)
{
	struct pop3_actor *a = stream_owner(stream);
	struct pop3_client_event event;
	size_t taken = 0, n;
	bool moved;

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
	if (!visit_leaves(&a->visit))
		send_output(a);
	return taken;
}

static void on_closed(struct stream *stream, int error)
{
	struct pop3_actor *a = stream_owner(stream);

	(void)error;
	visit_leave(&a->visit);
}

static const struct stream_handler stream_handler = { .data = on_data, .closed = on_closed };

static void begin(void *owner)
{
	struct pop3_actor *a = owner;

	checker_visit(a->plan.checker, a->plan.account);
	a->client = pop3_client_create(os_heap(a->os), &a->config, false);
}

static const struct visit_manner manner = { .rest_ms = rest_ms, .begin = begin, .end = end,
    .stream = &stream_handler, .in_max = IN_MAX, .out_max = OUT_MAX };

struct pop3_actor *pop3_actor_create(struct os *os, const struct pop3_actor_plan *plan)
{
	struct pop3_actor *a = heap_new(os_heap(os), struct pop3_actor);

	a->os = os;
	a->plan = *plan;
	a->chance = chance_init(plan->seed, "reader", plan->account);
	a->config.clear_login = true;
	a->config.login = plan->login;
	a->config.secret = plan->secret;
	visit_init(&a->visit, os, &plan->server, &manner, a);
	visit_in(&a->visit, chance_skewed(&a->chance, 10, 3000));
	return a;
}

void pop3_actor_behave(struct pop3_actor *actor)
{
	actor->behaves = true;
	actor->plan.pace = 1;
	if (visit_rests(&actor->visit))
		visit_rest(&actor->visit);
}

void pop3_actor_pause(struct pop3_actor *actor, bool paused)
{
	actor->paused = paused;
	if (visit_rests(&actor->visit))
		visit_rest(&actor->visit);
}

unsigned pop3_actor_sessions(const struct pop3_actor *actor)
{
	return actor->sessions;
}
