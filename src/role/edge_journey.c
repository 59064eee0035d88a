/* role/edge_journey.c - what an edge writes down for `posthouse trace`: sessions,
 * logins, recipients and why, messages and their dialogue, secrets masked. */
#include "journey/event.h"
#include "role/edge_impl.h"

static bool begin(struct event *event, const struct session *s, const char *kind)
{
	if (!event_begin(event, s->edge->os, kind))
		return false;
	event_name(event, "s", s->number);
	return true;
}

void edge_tell_open(struct session *s, const struct os_address *peer)
{
	struct event event;

	if (!begin(&event, s, "connection"))
		return;
	event_ip(&event, "peer", peer->ip);
	event_number(&event, "port", peer->port);
	event_text(&event, "service", slice_from(service_name(s->service)));
	event_end(&event);
}

void edge_tell_secured(const struct session *s)
{
	const struct tls_session *tls = stream_tls(s->stream);
	struct event event;

	if (!begin(&event, s, "tls"))
		return;
	event_text(&event, "version", slice_from(tls_session_version(tls)));
	event_text(&event, "cipher", slice_from(tls_session_cipher(tls)));
	event_end(&event);
}

void edge_tell_login(const struct session *s, const struct answer *answer)
{
	struct event event;

	if (!begin(&event, s, "login"))
		return;
	event_text(&event, "verdict", slice_from(directory_verdict_row(answer->verdict)->name));
	event_text(&event, "account", answer->address);
	event_end(&event);
}

void edge_tell_recipient(const struct session *s, slice recipient, const struct answer *answer)
{
	struct event event;

	if (!begin(&event, s, "recipient"))
		return;
	event_name(&event, "x", s->transaction->id);
	event_text(&event, "to", recipient);
	event_text(&event, "verdict", slice_from(directory_verdict_row(answer->verdict)->name));
	event_text(&event, "words", answer->words);
	event_end(&event);
}

/* ---- the dialogue ---- */

static bool listens(const struct session *s)
{
	return os_event_wanted(s->edge->os) && s->edge->frame.config->journey_dialogue &&
	    s->protocol == &edge_smtp_protocol;
}

static void add_line(struct session *s, const char *who, slice line)
{
	if (s->dialogue.heap == NULL)
		s->dialogue = buffer_init(s->edge->heap, JOURNEY_DIALOGUE_MAX);
	if (buffer_room(&s->dialogue) < line.len + 4)
		return;
	buffer_add(&s->dialogue, slice_from(who));
	buffer_add(&s->dialogue, line);
	buffer_add(&s->dialogue, slice_lit("\n"));
}

static slice without_end(slice line)
{
	while (line.len > 0 && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == '\n'))
		line.len--;
	return line;
}

/* AUTH's words after the mechanism, and what follows its 334, are secrets. */
static void hear_line(struct session *s, slice line)
{
	static const slice auth = slice_lit("AUTH ");
	slice rest;

	if (s->secret_next) {
		add_line(s, "C: ", slice_lit("(secret)"));
	} else if (slice_starts_ascii(line, auth)) {
		rest = slice_drop(line, auth.len);
		rest = slice_cut(&rest, ' ');
		add_line(s, "C: ", slice_head(line, auth.len + rest.len));
		if (auth.len + rest.len < line.len)
			add_line(s, "C: ", slice_lit("(secret)"));
	} else {
		add_line(s, "C: ", line);
	}
	s->secret_next = false;
}

void edge_hear(struct session *s, slice in, bool body)
{
	if (in.len == 0 || body || !listens(s))
		return;
	while (in.len > 0) {
		size_t end = slice_find_byte(in, '\n');
		size_t len = end < in.len ? end + 1 : in.len;

		hear_line(s, without_end(slice_head(in, len)));
		in = slice_drop(in, len);
		/* Behind DATA's line comes the body, once it was asked for. */
		if (smtp_server_in_data(s->smtp))
			return;
	}
}

void edge_say(struct session *s, slice out)
{
	if (!listens(s))
		return;
	while (out.len > 0) {
		slice line = without_end(slice_cut(&out, '\n'));

		s->secret_next = slice_starts(line, slice_lit("334"));
		add_line(s, "S: ", line);
	}
}

static void end_dialogue(struct event *event, struct session *s)
{
	if (s == NULL || buffer_bytes(&s->dialogue).len == 0)
		return;
	event_text(event, "dialogue", buffer_bytes(&s->dialogue));
	buffer_truncate(&s->dialogue, 0);
}

/* ---- messages ---- */

void edge_tell_message(struct transaction *t, const struct smtp_reply *failure)
{
	struct event event;

	if (!event_begin(&event, t->edge->os, failure == NULL ? "accepted" : "refused"))
		return;
	if (t->session != NULL)
		event_name(&event, "s", t->session->number);
	event_name(&event, "x", t->id);
	if (failure == NULL)
		event_id(&event, t->message);
	else
		event_text(&event, "words", failure->text);
	event_text(&event, "from", t->sender);
	event_number(&event, "recipients", t->n_recipients);
	event_number(&event, "size", t->body.size);
	event_number(&event, "stored", t->body.stored);
	end_dialogue(&event, t->session);
	event_end(&event);
}

void edge_tell_closed(struct session *s)
{
	struct event event;

	if (!begin(&event, s, "closed"))
		return;
	end_dialogue(&event, s);
	event_end(&event);
}
