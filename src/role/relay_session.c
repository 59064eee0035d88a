/* role/relay_session.c - one connection to a next host, and what goes over it.
 *
 *   places in order -> connect -> greeting, EHLO, STARTTLS -> READY -> message ... QUIT
 *
 * (1) Before READY a failure leads to the next place; after all of them, or when the
 *     destination has other sessions, to the end.
 * (2) A message that is under way when the connection ends is deferred. What may have
 *     been taken (the dot was sent, no reply came) is sent again: RFC 5321 s6.1 has
 *     doubles rather than losses.
 * (3) TLS is opportunistic: certificates are not judged, and a host whose STARTTLS
 *     fails is spoken to in the clear (RFC 7435). A smart host's may have to be more. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "journey/event.h"
#include "role/relay_impl.h"

static void dial(struct session *s);

/* ---- the journey ---- */

static bool listens(const struct session *s)
{
	return os_event_wanted(s->relay->os) && s->relay->frame.config->journey_dialogue;
}

static void add_lines(struct session *s, const char *who, slice bytes)
{
	if (!listens(s))
		return;
	if (s->dialogue.heap == NULL)
		s->dialogue = buffer_init(s->relay->heap, JOURNEY_DIALOGUE_MAX);
	while (bytes.len > 0) {
		slice line = slice_cut(&bytes, '\n');

		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (buffer_room(&s->dialogue) < line.len + 4)
			return;
		buffer_add(&s->dialogue, slice_from(who));
		buffer_add(&s->dialogue, line);
		buffer_add(&s->dialogue, slice_lit("\n"));
	}
}

void session_tell(struct session *s, const char *why)
{
	struct event event;

	if (!event_begin(&event, s->relay->os, "attempt"))
		return;
	event_id(&event, s->entry->id);
	event_name(&event, "q", s->entry->number);
	event_text(&event, "host", slice_from(s->host));
	event_text(&event, "address", slice_from(s->address));
	event_text(&event, "domain", s->destination->domain);
	event_number(&event, "took", os_now_us(s->relay->os) - s->began_us);
	if (link_tls(&s->conn) != NULL)
		event_text(&event, "tls", slice_from(tls_session_version(link_tls(&s->conn))));
	if (why != NULL)
		event_text(&event, "words", slice_from(why));
	if (s->dialogue.heap != NULL) {
		event_text(&event, "dialogue", buffer_bytes(&s->dialogue));
		buffer_free(&s->dialogue);
	}
	event_end(&event);
}

/* ---- the end ---- */

void sessions_bury(struct relay *r)
{
	struct list *at;

	while ((at = list_take_first(&r->closing)) != NULL) {
		struct session *s = list_item(at, struct session, link);
		struct destination *d = s->destination;

		os_timer_stop(r->os, &s->idle);
		smtp_client_destroy(s->client);
		buffer_free(&s->dialogue);
		heap_free(r->heap, s->recipients);
		heap_free(r->heap, s->of);
		heap_free(r->heap, s);
		destination_lost_session(d);
	}
	relay_drain_check(r);
}

static void on_bury(struct os_defer *defer)
{
	sessions_bury(defer->owner);
}

static void over(struct session *s)
{
	struct relay *r = s->relay;

	if (s->over)
		return;
	s->over = true;
	s->at_rest = false;
	list_remove(&s->link);
	list_append(&r->closing, &s->link);
	r->bury_defer.run = on_bury;
	r->bury_defer.owner = r;
	os_defer(r->os, &r->bury_defer);
}

static void stop_reading(struct session *s)
{
	body_read_stop(s->reading);
	s->reading = NULL;
	s->piece = (slice){ 0 };
}

/* ---- a message ---- */

void session_body_lost(struct session *s)
{
	char name[14];

	entry_name(s->entry, name);
	os_log(s->relay->os, OS_ERROR, "queue entry %s: its body can't be read", name);
	link_finish(&s->conn, "4.3.0 the message can't be read from our disk");
}

static void on_piece(struct reading *reading, slice piece, bool ok)
{
	struct session *s = reading->owner;

	if (!ok) {
		session_body_lost(s);
		return;
	}
	s->piece = piece;
	link_flush(&s->conn);
}

static void end_body(struct session *s)
{
	enum conversion_result result = conversion_finish(s);

	if (result == CONVERSION_FULL)
		return;
	stop_reading(s);
	if (result == CONVERSION_DONE)
		smtp_client_body_end(s->client);
	else
		session_body_lost(s);
}

/* As much as the engine takes; the next piece is asked for when it took all. */
static void give_body(struct session *s)
{
	if (s->reading == NULL || s->reading->busy)
		return;
	if (s->piece.len > 0)
		s->piece = slice_drop(s->piece, conversion_give(s, s->piece));
	if (s->piece.len > 0)
		return;
	if (body_read_ended(s->reading))
		end_body(s);
	else
		body_read_on(s->reading);
}

static bool list_recipients(struct session *s, const struct entry *e)
{
	size_t n = 0;

	if (s->recipients == NULL) {
		s->recipients = heap_alloc(s->relay->heap,
		    QUEUE_RECIPIENTS_MAX * sizeof *s->recipients);
		s->of = heap_alloc(s->relay->heap, QUEUE_RECIPIENTS_MAX * sizeof *s->of);
	}
	for (size_t i = 0; i < e->n_recipients; i++) {
		const struct recipient *to = &e->recipients[i];

		if (to->state != QUEUE_WAITING || to->delivered)
			continue;
		s->recipients[n] = to->address;
		s->taken[n] = s->answered[n] = false;
		s->of[n++] = (uint16_t)i;
	}
	s->message.n_recipients = n;
	return n > 0;
}

static void send(struct session *s, struct entry *e)
{
	s->entry = e;
	s->messages++;
	s->heard = false;
	s->began_us = os_now_us(s->relay->os);
	check(list_recipients(s, e));
	s->message.from = e->sender;
	s->message.recipients = s->recipients;
	s->message.size = e->body->what.size + e->body->trace.len;
	s->message.needs = (e->needs & JOURNAL_8BITMIME ? SMTP_CLIENT_8BITMIME : 0) |
	    (e->needs & JOURNAL_SMTPUTF8 ? SMTP_CLIENT_SMTPUTF8 : 0);
	s->at_rest = false;
	os_timer_stop(s->relay->os, &s->idle);
	if (!conversion_begin(s))
		smtp_client_send(s->client, &s->message);
}

void session_quit(struct session *s)
{
	if (s->entry != NULL || s->quitting || s->over)
		return;
	s->quitting = true;
	if (s->at_rest) {
		s->at_rest = false;
		smtp_client_quit(s->client);
		link_patience(&s->conn, RELAY_IDLE_MS);
		link_flush(&s->conn);
	} else {
		link_finish(&s->conn, NULL);
	}
}

static void on_idle(struct os_timer *timer)
{
	session_quit(timer->owner);
}

static void run_events(struct session *s);

static void take_next(struct session *s)
{
	struct entry *e = NULL;

	if (s->messages < RELAY_SESSION_MESSAGES)
		e = destination_take(s->destination);
	if (e != NULL) {
		send(s, e);
	} else if (s->messages >= RELAY_SESSION_MESSAGES || s->relay->frame.draining) {
		session_quit(s);
	} else {
		os_timer_start(s->relay->os, &s->idle, RELAY_IDLE_MS);
		link_patience(&s->conn, 2 * RELAY_IDLE_MS);
	}
}

/* ---- events ---- */

static void finish_message(struct session *s, const struct smtp_client_event *event)
{
	stop_reading(s);
	s->mute = false;
	result_message(s, event->code,
	    event->local ? conversion_words(s, event->text) : event->text);
	conversion_end(s);
	check(s->entry == NULL);
}

static void on_failed(struct session *s, const struct smtp_client_event *event)
{
	if (event->step != SMTP_CLIENT_STEP_OTHER)
		smart_failed(s, event);
	else if (event->code != 0)
		snprintf(s->why, sizeof s->why, "%u %.*s", event->code, slice_arg(event->text));
	else
		snprintf(s->why, sizeof s->why, "4.5.0 %.*s", slice_arg(event->text));
	link_finish(&s->conn, s->why);
}

static void on_event(struct session *s, const struct smtp_client_event *event)
{
	switch (event->kind) {
	case SMTP_CLIENT_EVENT_STARTTLS:
		link_secure(&s->conn, s->tls);
		break;
	case SMTP_CLIENT_EVENT_READY:
		smart_taken(s);
		s->was_ready = s->at_rest = true;
		take_next(s);
		break;
	case SMTP_CLIENT_EVENT_RCPT:
		result_recipient(s, event->index, event->code, event->text);
		break;
	case SMTP_CLIENT_EVENT_BODY:
		s->mute = true;                 /* nothing of the body is written down */
		s->reading = body_read(s->entry->body, on_piece, s);
		break;
	case SMTP_CLIENT_EVENT_SENT:
		finish_message(s, event);
		break;
	case SMTP_CLIENT_EVENT_FAILED:
		on_failed(s, event);
		break;
	case SMTP_CLIENT_EVENT_CLOSED:
		link_finish(&s->conn, NULL);
		break;
	}
}

static void run_events(struct session *s)
{
	struct smtp_client_event event;

	while (!s->conn.finishing && smtp_client_next(s->client, &event))
		on_event(s, &event);
}

/* As long as the engine says, from now on; at rest and in QUIT it is shorter. */
static void be_patient(struct session *s)
{
	if (!s->conn.finishing && !s->quitting && (s->entry != NULL || !s->was_ready))
		link_patience(&s->conn, smtp_client_patience_ms(s->client));
}

void session_go_on(struct session *s)
{
	run_events(s);
	be_patient(s);
	link_flush(&s->conn);
}

void sessions_wake(struct destination *d)
{
	list_for (at, &d->sessions) {
		struct session *s = list_item(at, struct session, link);

		if (d->n_ready == 0)
			return;
		if (!s->at_rest || s->conn.finishing)
			continue;
		take_next(s);
		session_go_on(s);       /* the engine may refuse a message by itself */
	}
}

/* ---- the link ---- */

static void on_up(struct link *link)
{
	struct session *s = link->owner;

	s->secured = s->implicit;
	s->client = smtp_client_create(s->relay->heap, &s->config, s->implicit);
	link_patience(link, smtp_client_patience_ms(s->client));
}

static size_t on_data(struct link *link, slice in)
{
	struct session *s = link->owner;
	size_t used = smtp_client_feed(s->client, in);

	add_lines(s, "S: ", slice_head(in, used));
	s->heard = s->heard || used > 0;
	run_events(s);
	/* A reply that comes a byte at a time is one that does not come. */
	if (used > 0)
		be_patient(s);
	return used;
}

static void on_secured(struct link *link)
{
	struct session *s = link->owner;

	s->secured = true;
	smtp_client_secured(s->client);
}

static slice on_output(struct link *link)
{
	struct session *s = link->owner;

	give_body(s);
	return smtp_client_output(s->client);
}

/* A login is written down without what it is. */
static void tell_sent(struct session *s, slice out, bool whole)
{
	if (s->mute)
		return;
	if (!smtp_client_output_secret(s->client)) {
		add_lines(s, "C: ", out);
		return;
	}
	if (slice_starts(out, slice_lit("AUTH PLAIN ")))
		add_lines(s, "C: ", slice_lit("AUTH PLAIN"));
	if (whole)
		add_lines(s, "C: ", slice_lit("(secret)"));
}

static void on_sent(struct link *link, size_t n)
{
	struct session *s = link->owner;
	slice out = smtp_client_output(s->client);

	tell_sent(s, slice_head(out, n), n == out.len);
	smtp_client_sent(s->client, n);
	give_body(s);
	if (s->entry != NULL)
		be_patient(s);
}

/* ---- the next place ---- */

static void mark_bad(struct session *s)
{
	struct destination *d = s->destination;

	if (s->place < d->n_places)
		d->places[s->place].bad_until_ms = os_now_ms(s->relay->os) + RELAY_HOST_BAD_MS;
}

/* The first that was not tried yet; those that did not answer lately come last. */
static bool choose_place(struct session *s)
{
	const struct destination *d = s->destination;
	uint64_t now = os_now_ms(s->relay->os);

	static_assert(RELAY_ADDRESSES_MAX <= 32, "s->tried has a bit for each");
	if (now - s->since_ms >= RELAY_DIAL_MS)
		return false;
	for (int bad = 0; bad < 2; bad++) {
		for (size_t i = 0; i < d->n_places && d->route == ROUTE_READY; i++) {
			if ((s->tried & 1u << i) != 0 ||
			    (d->places[i].bad_until_ms > now) != (bad == 1))
				continue;
			s->place = i;
			return true;
		}
	}
	return false;
}

/* None of the places took us. */
static void give_up(struct session *s)
{
	struct destination *d = s->destination;
	char why[QUEUE_REPLY_MAX];

	snprintf(why, sizeof why, "%s", s->why);
	over(s);
	destination_went_badly(d);
	if (list_empty(&d->sessions))
		destination_defer(d, why);
}

/* The handshake failed: the same place again, in the clear. */
static bool again_in_the_clear(struct session *s)
{
	struct destination *d = s->destination;

	if (s->conn.tls == NULL || s->secured || s->place >= d->n_places ||
	    s->config.starttls != SMTP_CLIENT_TLS_OFFERED || d->places[s->place].no_tls)
		return false;
	os_log(s->relay->os, OS_WARN, "%s [%s]: TLS failed (%s): it is spoken to in the clear",
	    s->host, s->address, s->why);
	d->places[s->place].no_tls = true;
	return true;
}

static void on_down(struct link *link, const char *why)
{
	struct session *s = link->owner;

	if (why != NULL && why != s->why && !smart_tls_failed(s, why))
		snprintf(s->why, sizeof s->why, "4.4.2 %s [%s]: %s", s->host, s->address, why);
	smtp_client_destroy(s->client);
	s->client = NULL;
	tls_context_unref(s->tls);
	s->tls = NULL;
	stop_reading(s);
	conversion_end(s);
	/* A host may close a session that rested just when it is used again. */
	if (s->entry != NULL && s->messages > 1 && !s->heard)
		result_unheard(s, s->why);
	else if (s->entry != NULL)
		result_lost(s, s->why);
	if (s->was_ready || s->quitting || s->relay->frame.draining) {
		over(s);
		return;
	}
	if (s->refused) {
		give_up(s);
		return;
	}
	if (!again_in_the_clear(s)) {
		mark_bad(s);
		s->tried |= 1u << s->place;
	}
	dial(s);
}

static const struct link_handler handler = {
	.up = on_up, .data = on_data, .secured = on_secured, .output = on_output,
	.sent = on_sent, .down = on_down,
};

static void dial(struct session *s)
{
	struct destination *d = s->destination;
	struct os_address address = { .port = d->port };

	if (!choose_place(s)) {
		give_up(s);
		return;
	}
	snprintf(s->host, sizeof s->host, "%s", d->hosts[d->places[s->place].host].name);
	memcpy(address.ip, d->places[s->place].ip, sizeof address.ip);
	os_ip_print(address.ip, s->address, sizeof s->address);
	s->conn.server_name = s->host;
	s->secured = false;
	if (!smart_choose(s)) {
		give_up(s);
		return;
	}
	link_open(&s->conn, &address, s->implicit ? s->tls : NULL, RELAY_CONNECT_MS);
}

void session_open(struct destination *d)
{
	struct relay *r = d->relay;
	struct session *s = heap_new(r->heap, struct session);

	s->relay = r;
	s->destination = d;
	s->since_ms = os_now_ms(r->os);
	s->idle = (struct os_timer){ .fire = on_idle, .owner = s };
	link_init(&s->conn, r->os, &handler, s);
	list_append(&d->sessions, &s->link);
	d->n_sessions++;
	r->n_sessions++;
	dial(s);
}
