/* role/edge_pop3.c - POP3 until login; edge_handover.c goes on. */
#include <stdio.h>

#include "role/edge_impl.h"

/* ---- login ---- */

static void on_login(struct session *s, const struct answer *answer)
{
	char words[256], text[160];
	const struct directory_verdict_row *row = edge_handover_answer(s, answer, text,
	    sizeof text);

	struct edge_bindings room;
	struct sasl_salt salt;

	if (row == NULL) {              /* a password's: pop3_events() hands over */
		if (answer->ask == SASL_ASK_SALT) {
			salt = edge_salt(s, answer, &room);
			pop3_server_salted(s->pop3, &salt);
		} else if (answer->ask == SASL_ASK_PROOF) {
			pop3_server_proved(s->pop3, answer->signature);
		}
		return;
	}
	snprintf(words, sizeof words, "%s%s", row->pop3_code, text);
	pop3_server_login_refused(s->pop3, slice_from(words));
}

static void pop3_unavailable(struct session *s, slice why)
{
	char words[256];

	snprintf(words, sizeof words, "[SYS/TEMP] %.*s", slice_arg(why));
	pop3_server_login_refused(s->pop3, slice_from(words));
}

static struct session_passport pop3_passport(struct session *s)
{
	return (struct session_passport){ .flags = pop3_server_utf8(s->pop3) ? ADOPT_UTF8 : 0 };
}

/* ---- the protocol ---- */

static size_t pop3_feed(struct session *s, slice in)
{
	return in.len > 0 && !s->granted && !s->grant.armed ? pop3_server_feed(s->pop3, in) : 0;
}

static bool pop3_waits(struct session *s)
{
	return s->request != 0 || s->granted || s->grant.armed;
}

static bool pop3_events(struct session *s)
{
	struct pop3_event event;
	bool any = false;

	while (!s->dead && !s->ending && !pop3_waits(s) &&
	    pop3_server_next(s->pop3, &event)) {
		any = true;
		if (event.kind == POP3_EVENT_LOGIN)
			edge_ask_login(s, event.ask, event.text, event.secret, on_login);
		else if (event.kind == POP3_EVENT_LOGGED_IN)
			edge_handover_grant(s);
		else if (event.kind == POP3_EVENT_STLS)
			edge_session_secure(s);
		else
			edge_session_end(s);
	}
	edge_handover_try(s);
	return any;
}

static bool pop3_lives(struct session *s, size_t n)
{
	return !edge_session_fruitless(s);
}

static slice pop3_output(struct session *s)
{
	return pop3_server_output(s->pop3);
}

static void pop3_sent(struct session *s, size_t n)
{
	pop3_server_sent(s->pop3, n);
}

static void pop3_greet(struct session *s)
{
	pop3_server_greet(s->pop3);
}

static void pop3_secured(struct session *s)
{
	pop3_server_secured(s->pop3);
}

static void pop3_timeout(struct session *s)
{
	pop3_server_timeout(s->pop3);
}

static void pop3_drain(struct session *s)
{
	if (!pop3_waits(s))
		pop3_server_refuse(s->pop3, slice_lit("[SYS/TEMP] going down for a moment"));
}

static void pop3_closed(struct session *s)
{
	pop3_server_destroy(s->pop3);
	s->pop3 = NULL;
}

const struct session_protocol edge_pop3_protocol = {
	.feed = pop3_feed, .events = pop3_events, .waits = pop3_waits,
	.lives = pop3_lives, .clock = CLOCK_POP3,
	.output = pop3_output, .sent = pop3_sent, .greet = pop3_greet,
	.secured = pop3_secured, .timeout = pop3_timeout, .drain = pop3_drain,
	.closed = pop3_closed, .unavailable = pop3_unavailable, .passport = pop3_passport,
};

void edge_pop3_open(struct session *s, bool secure)
{
	s->pop3 = pop3_server_create(s->edge->heap, &s->edge->pop3, secure, s->loopback);
}
