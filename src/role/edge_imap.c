/* role/edge_imap.c - IMAP until login; edge_handover.c goes on. The store says that the login
 * went well: with its capabilities, to the tag that goes along. */
#include "role/edge_impl.h"

/* ---- login ---- */

static void on_login(struct session *s, const struct answer *answer)
{
	char words[160];
	const struct directory_verdict_row *row = edge_handover_answer(s, answer, words,
	    sizeof words);
	struct edge_bindings room;
	struct sasl_salt salt;

	if (row == NULL && answer->ask == SASL_ASK_SALT) {
		salt = edge_salt(s, answer, &room);
		imap_server_salted(s->imap, &salt);
	} else if (row == NULL && answer->ask == SASL_ASK_PROOF) {
		imap_server_proved(s->imap, answer->signature);
	} else if (row != NULL)                /* otherwise imap_events() hands over */
		imap_server_login_refused(s->imap, row->imap_code, slice_from(words));
}

static void imap_unavailable(struct session *s, slice why)
{
	imap_server_login_refused(s->imap, "UNAVAILABLE", why);
}

static struct session_passport imap_passport(struct session *s)
{
	return (struct session_passport){ .greeting = imap_server_tag(s->imap) };
}

/* ---- the protocol ---- */

static size_t imap_feed(struct session *s, slice in)
{
	return in.len > 0 && !s->granted && !s->grant.armed ? imap_server_feed(s->imap, in) : 0;
}

static bool imap_waits(struct session *s)
{
	return s->request != 0 || s->granted || s->grant.armed;
}

static bool imap_events(struct session *s)
{
	struct imap_event event;
	bool any = false;

	while (!s->dead && !s->ending && !imap_waits(s) &&
	    imap_server_next(s->imap, &event)) {
		any = true;
		if (event.kind == IMAP_EVENT_LOGIN)
			edge_ask_login(s, event.ask, event.login, event.secret, on_login);
		else if (event.kind == IMAP_EVENT_LOGGED_IN)
			edge_handover_grant(s);
		else if (event.kind == IMAP_EVENT_STARTTLS)
			edge_session_secure(s);
		else
			edge_session_end(s);
	}
	edge_handover_try(s);
	return any;
}

static bool imap_lives(struct session *s, size_t n)
{
	return !edge_session_fruitless(s);
}

static slice imap_output(struct session *s)
{
	return imap_server_output(s->imap);
}

static void imap_sent(struct session *s, size_t n)
{
	imap_server_sent(s->imap, n);
}

static void imap_greet(struct session *s)
{
	imap_server_greet(s->imap);
}

static void imap_secured(struct session *s)
{
	imap_server_secured(s->imap);
}

static void imap_timeout(struct session *s)
{
	imap_server_timeout(s->imap);
}

static void imap_drain(struct session *s)
{
	if (!imap_waits(s))
		imap_server_refuse(s->imap, "UNAVAILABLE",
		    slice_lit("going down for a moment"));
}

static void imap_closed(struct session *s)
{
	imap_server_destroy(s->imap);
	s->imap = NULL;
}

const struct session_protocol edge_imap_protocol = {
	.feed = imap_feed, .events = imap_events, .waits = imap_waits,
	.lives = imap_lives, .clock = CLOCK_IMAP,
	.output = imap_output, .sent = imap_sent, .greet = imap_greet,
	.secured = imap_secured, .timeout = imap_timeout, .drain = imap_drain,
	.closed = imap_closed, .unavailable = imap_unavailable, .passport = imap_passport,
};

void edge_imap_open(struct session *s, bool secure)
{
	s->imap = imap_server_create(s->edge->heap, &s->edge->imap, secure, s->loopback);
}
