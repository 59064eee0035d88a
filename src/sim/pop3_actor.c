/* sim/pop3_actor.c - drives pop3/client.h over one stream after another.
 *
 *   RESTING -> DIALLING -> (login) -> UIDL -> (RETR | DELE)* -> QUIT -> RESTING
 *
 * (1) A stream is destroyed from `leave`, a deferred call, never inside one of
 *     its own handlers.
 * (2) The checker hears of a QUIT before it leaves, and how it ended. */
#include "sim/pop3_actor.h"

#include "base/check.h"
#include "os/stream.h"
#include "pop3/client.h"
#include "sim/dial.h"
#include "sim/sim_message.h"

enum {
	IN_MAX = 64 * 1024, OUT_MAX = 64 * 1024, PATIENCE_MS = 20 * 1000,
	MARKED_MAX = 8, BODY_MAX = SIM_MESSAGE_MAX + 64 * 1024,
};

enum step { STEP_LOGIN, STEP_LIST, STEP_READ, STEP_DELETE, STEP_QUIT };

struct pop3_actor {
	struct os *os;
	struct pop3_actor_plan plan;
	struct chance chance;
	struct dial dial;
	struct os_timer timer;          /* rest, or patience */
	struct os_defer leave;
	struct stream *stream;
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

static void go(struct pop3_actor *a)
{
	os_defer(a->os, &a->leave);
}

static void rest(struct pop3_actor *a)
{
	if (a->paused)
		os_timer_stop(a->os, &a->timer);
	else
		os_timer_start(a->os, &a->timer,
		    a->plan.pace * chance_skewed(&a->chance, 50, 4000));
}

static void on_leave(struct os_defer *defer)
{
	struct pop3_actor *a = defer->owner;

	if (a->step == STEP_QUIT)
		checker_quit(a->plan.checker, a->plan.account, false, false);
	dial_stop(&a->dial);
	stream_destroy(a->stream);
	pop3_client_destroy(a->client);
	buffer_free(&a->body);
	a->stream = NULL;
	a->client = NULL;
	a->step = STEP_LOGIN;
	rest(a);
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
		go(a);
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
			go(a);
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
		go(a);
		break;
	}
}

/* ---- the stream ---- */

static void send_output(struct pop3_actor *a)
{
	slice out = pop3_client_output(a->client);

	check(out.len <= stream_room(a->stream));
	if (out.len > 0) {
		stream_write(a->stream, out);
		pop3_client_sent(a->client, out.len);
	}
}

static size_t on_data(struct stream *stream, slice in)
{
	struct pop3_actor *a = stream_owner(stream);
	struct pop3_client_event event;
	size_t taken = 0, n;
	bool moved;

	os_timer_start(a->os, &a->timer, PATIENCE_MS);
	do {
		moved = false;
		n = a->leave.armed ? 0 : pop3_client_feed(a->client, slice_drop(in, taken));
		taken += n;
		while (!a->leave.armed && pop3_client_next(a->client, &event)) {
			on_event(a, &event);
			moved = true;
		}
	} while ((n > 0 || moved) && !a->leave.armed);
	if (!a->leave.armed)
		send_output(a);
	return taken;
}

static void on_closed(struct stream *stream, int error)
{
	(void)error;
	go(stream_owner(stream));
}

static const struct stream_handler stream_handler = { .data = on_data, .closed = on_closed };

static void on_dialled(struct dial *dial, int fd)
{
	struct pop3_actor *a = dial->owner;

	if (fd < 0) {
		go(a);
		return;
	}
	a->client = pop3_client_create(os_heap(a->os), &a->config, false);
	a->stream = stream_create(a->os, fd, IN_MAX, OUT_MAX, &stream_handler, a);
	stream_read_always(a->stream);
}

static void on_timer(struct os_timer *timer)
{
	struct pop3_actor *a = timer->owner;

	if (a->stream != NULL || a->dial.fd >= 0) {
		go(a);
		return;
	}
	os_timer_start(a->os, timer, PATIENCE_MS);
	if (!dial_start(&a->dial, &a->plan.server))
		go(a);
}

struct pop3_actor *pop3_actor_create(struct os *os, const struct pop3_actor_plan *plan)
{
	struct pop3_actor *a = heap_new(os_heap(os), struct pop3_actor);

	a->os = os;
	a->plan = *plan;
	a->chance = chance_init(plan->seed, "reader", plan->account);
	a->timer.fire = on_timer;
	a->timer.owner = a;
	a->leave.run = on_leave;
	a->leave.owner = a;
	a->config.clear_login = true;
	a->config.login = plan->login;
	a->config.secret = plan->secret;
	dial_init(&a->dial, os, on_dialled, a);
	os_timer_start(os, &a->timer, chance_skewed(&a->chance, 10, 3000));
	return a;
}

void pop3_actor_behave(struct pop3_actor *actor)
{
	actor->behaves = true;
	actor->plan.pace = 1;
	if (actor->stream == NULL && actor->dial.fd < 0)
		rest(actor);
}

void pop3_actor_pause(struct pop3_actor *actor, bool paused)
{
	actor->paused = paused;
	if (actor->stream == NULL && actor->dial.fd < 0)
		rest(actor);
}

unsigned pop3_actor_sessions(const struct pop3_actor *actor)
{
	return actor->sessions;
}
