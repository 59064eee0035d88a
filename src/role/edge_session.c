/* role/edge_session.c - one connection of an edge: its stream, its engine, its
 * time, its end.
 *
 *   open -> (greeting delay | TLS handshake) -> pump ... -> ending -> dead -> buried
 *
 * session_pump() moves input into the engine, its events to their handlers and
 * its output to the stream until nothing moves. An answer that comes later
 * calls edge_session_wake(), which pumps again. */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "role/edge_impl.h"

/* ---- time: sessions of one clock wait equally long, so each list is in order ----
 *
 * A client gets more time for each command or piece of a body that it completes,
 * not for each byte: one byte now and then would hold a session for ever. */

static void on_tick(struct os_timer *timer);
static void on_greeting(struct os_timer *timer);

void edge_clocks_init(struct edge *e)
{
	for (size_t i = 0; i < CLOCKS; i++)
		list_init(&e->clocks[i].sessions);
	e->tick = (struct os_timer){ .fire = on_tick, .owner = e };
	e->greeting = (struct os_timer){ .fire = on_greeting, .owner = e };
}

void edge_session_still(struct session *s)
{
	list_remove(&s->clock_link);
}

void edge_session_touch(struct session *s, enum edge_clock_kind kind)
{
	struct edge *e = s->edge;
	struct edge_clock *clock = &e->clocks[kind];

	list_remove(&s->clock_link);
	s->clock = kind;
	s->deadline_ms = os_now_ms(e->os) + clock->duration_ms;
	if (kind == CLOCK_GREETING && list_empty(&clock->sessions))
		os_timer_start(e->os, &e->greeting, clock->duration_ms);
	list_append(&clock->sessions, &s->clock_link);
	if (!e->ticking)
		os_timer_start(e->os, &e->tick, EDGE_TICK_MS);
	e->ticking = true;
}

/* The first session of the clock, if its time has come. */
static struct session *overdue(struct edge *e, enum edge_clock_kind kind)
{
	struct list *sessions = &e->clocks[kind].sessions;
	struct session *s;

	if (list_empty(sessions))
		return NULL;
	s = list_item(sessions->next, struct session, clock_link);
	if (s->deadline_ms > os_now_ms(e->os))
		return NULL;
	list_remove(&s->clock_link);
	return s;
}

static void on_tick(struct os_timer *timer)
{
	struct edge *e = timer->owner;
	struct session *s;

	e->ticking = false;
	for (unsigned kind = CLOCK_SMTP; kind < CLOCKS; kind++) {
		while ((s = overdue(e, (enum edge_clock_kind)kind)) != NULL) {
			if (s->ending || !s->greeted) {
				edge_session_kill(s);        /* it does not take the last words */
				continue;
			}
			s->protocol->timeout(s);
			edge_session_wake(s);
		}
		if (!list_empty(&e->clocks[kind].sessions) && !e->ticking) {
			os_timer_start(e->os, &e->tick, EDGE_TICK_MS);
			e->ticking = true;
		}
	}
}

bool edge_session_fruitless(const struct session *s)
{
	const struct edge *e = s->edge;

	return os_now_ms(e->os) - s->fruit_ms >= e->fruitless_ms;
}

void edge_session_lives(struct session *s, size_t n)
{
	if (n > 0 && !list_empty(&s->clock_link) && s->protocol->lives(s, n))
		edge_session_touch(s, s->protocol->clock);
}

/* ---- moving ---- */

/* False: nothing was there, or no room for it. */
static bool flush(struct session *s)
{
	slice out = s->protocol->output(s);
	size_t room = stream_room(s->stream);

	if (out.len > room)
		out = slice_head(out, room);
	if (out.len == 0)
		return false;
	edge_say(s, out);
	stream_write(s->stream, out);
	if (!s->dead)
		s->protocol->sent(s, out.len);
	return true;
}

/* Returns how much of `in` the engine took. */
static size_t session_pump(struct session *s, slice in)
{
	size_t used = 0;
	bool moved = true;

	check(!s->pumping);
	s->pumping = true;
	while (moved && !s->dead && !s->ending) {
		size_t n = s->protocol->feed(s, slice_drop(in, used));

		used += n;
		moved = s->protocol->events(s) || n > 0;
		/* The replies to a pipelined group leave together (RFC 2920 s3.2): while
		 * a question is open, more comes with its answer. Room for output may be
		 * what the engine waits for. */
		if (!moved && !s->dead && !s->ending && s->request == 0)
			moved = flush(s);
	}
	s->pumping = false;
	if (s->ending || s->dead)
		return in.len;
	/* A client that has said all and shut its side down still gets its replies.
	 * edge_session_wake() resumes. */
	if (s->protocol->waits(s))
		stream_hold(s->stream);
	return used;
}

void edge_session_wake(struct session *s)
{
	if (s->pumping || s->dead || s->ending || !s->greeted)
		return;
	session_pump(s, (slice){ 0 });
	if (s->dead || s->ending)
		return;
	if (s->protocol->waits(s))
		return;
	if (list_empty(&s->clock_link))
		edge_session_touch(s, s->protocol->clock);
	stream_resume(s->stream);
}

void edge_session_end(struct session *s)
{
	if (s->ending || s->dead)
		return;
	flush(s);
	s->ending = true;
	edge_forget_question(s);
	if (s->gone)
		edge_session_died(s);
	if (s->dead)
		return;
	edge_session_touch(s, s->protocol->clock);
	stream_end(s->stream);
}

void edge_session_died(struct session *s)
{
	if (s->dead)
		return;
	s->dead = true;
	os_defer_cancel(s->edge->os, &s->grant);
	edge_tell_closed(s);
	list_remove(&s->clock_link);
	list_remove(&s->link);
	edge_forget_question(s);
	s->protocol->closed(s);
	list_append(&s->edge->dead, &s->link);
	os_defer(s->edge->os, &s->edge->bury);
}

void edge_session_kill(struct session *s)
{
	edge_session_died(s);
}

void edge_bury(struct os_defer *defer)
{
	struct edge *e = defer->owner;
	struct list *at;

	while ((at = list_take_first(&e->dead)) != NULL) {
		struct session *s = list_item(at, struct session, link);

		if (s->inner != NULL)
			stream_destroy(s->inner);
		stream_destroy(s->stream);
		edge_session_gone(e, s);
		buffer_free(&s->dialogue);
		heap_free(e->heap, (void *)(uintptr_t)s->helo.ptr);
		heap_free(e->heap, (void *)(uintptr_t)s->user.ptr);
		heap_free(e->heap, s);
	}
	edge_check_drained(e);
}

/* ---- the stream's handlers ---- */

static void greet(struct session *s)
{
	s->greeted = true;
	s->protocol->greet(s);
	edge_session_touch(s, s->protocol->clock);
	edge_session_wake(s);
}

static size_t on_data(struct stream *stream, slice in)
{
	struct session *s = stream_owner(stream);
	size_t used;

	if (s->ending || s->dead)
		return in.len;
	if (s->pumping || s->protocol->waits(s))
		return 0;
	if (!s->greeted && s->clock != CLOCK_GREETING)
		return 0;
	if (!s->greeted) {              /* RFC 5321 s4.3.1: the server speaks first */
		s->greeted = true;
		os_log(s->edge->os, OS_INFO, "%s: spoke before the greeting",
		    service_name(s->service));
		smtp_server_early(s->smtp);
		session_pump(s, (slice){ 0 });
		return in.len;
	}
	used = session_pump(s, in);
	if (!s->ending && !s->dead)
		edge_session_lives(s, used);
	return used;
}

static void on_drained(struct stream *stream)
{
	struct session *s = stream_owner(stream);

	if (s->dead || s->ending)
		return;
	if (s->protocol->drained != NULL)
		s->protocol->drained(s);
	edge_session_wake(s);
}

static void on_secured(struct stream *stream)
{
	struct session *s = stream_owner(stream);

	if (s->dead || s->ending || tls_session_state(stream_tls(stream)) != TLS_OPEN)
		return;
	edge_tell_secured(s);
	if (!s->secure) {
		s->secure = true;
		s->protocol->secured(s);
		edge_session_wake(s);
	} else {
		greet(s);
	}
}

static void on_closed(struct stream *stream, int error)
{
	struct session *s = stream_owner(stream);

	if (s->dead)
		return;
	s->gone = true;
	s->reset = error == -ECONNRESET || error == -EPIPE || error == -ENOTCONN;
	s->left = error == 0 || s->reset;
	if (!s->ending && s->greeted && s->protocol->hung_up != NULL && s->protocol->hung_up(s))
		edge_session_wake(s);
	else
		edge_session_died(s);
}

static const struct stream_handler stream_handler = { on_data, on_drained, on_secured, on_closed };

void edge_session_secure(struct session *s)
{
	flush(s);
	if (!s->dead)
		stream_secure(s->stream, s->edge->tls, NULL);
}

/* ---- opening ---- */

static void on_greeting(struct os_timer *timer)
{
	struct edge *e = timer->owner;
	struct list *sessions = &e->clocks[CLOCK_GREETING].sessions;
	struct session *s;

	while ((s = overdue(e, CLOCK_GREETING)) != NULL)
		greet(s);
	if (!list_empty(sessions)) {
		uint64_t now = os_now_ms(e->os);

		s = list_item(sessions->next, struct session, clock_link);
		os_timer_start(e->os, timer, s->deadline_ms > now ? s->deadline_ms - now : 1);
	}
}

struct session *edge_session_open(struct edge *e, int fd, const struct os_address *peer,
    enum service service, struct session_shares shares)
{
	bool pop3 = service_is_pop3(service), imap = service_is_imap(service);
	bool secure = service == SERVICE_SUBMISSIONS || service == SERVICE_POP3S ||
	    service == SERVICE_IMAPS;
	struct session *s = heap_new(e->heap, struct session);

	s->edge = e;
	s->service = service;
	memcpy(s->ip, peer->ip, sizeof s->ip);
	s->shares = shares;
	s->loopback = os_ip_is_loopback(peer->ip);
	s->secure = secure;
	s->fruit_ms = os_now_ms(e->os);
	s->number = ++e->session_last;
	edge_tell_open(s, peer);
	list_init(&s->clock_link);
	list_append(&e->sessions, &s->link);
	s->protocol = pop3 ? &edge_pop3_protocol : imap ? &edge_imap_protocol :
	    &edge_smtp_protocol;
	if (pop3)
		edge_pop3_open(s, secure);
	else if (imap)
		edge_imap_open(s, secure);
	else
		edge_smtp_open(s, secure);
	/* What goes to a store takes along what it has said already. */
	s->stream = stream_create(e->os, fd, pop3 || imap ? SESSION_UNREAD_MAX : EDGE_INPUT_MAX,
	    EDGE_OUTPUT_MAX, &stream_handler, s);
	if (s->protocol == &edge_smtp_protocol && edge_lenient(e))
		stream_hear_out(s->stream);
	if (secure) {
		edge_session_touch(s, s->protocol->clock);
		stream_secure(s->stream, e->tls, NULL);
	} else if (service == SERVICE_SMTP && !s->loopback &&
	    e->clocks[CLOCK_GREETING].duration_ms > 0) {
		edge_session_touch(s, CLOCK_GREETING);
	} else {
		greet(s);
	}
	return s;
}
