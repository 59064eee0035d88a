/* role/edge_journey.c - what an edge writes down for `posthouse trace`: sessions,
 * logins, recipients and why, messages and their dialogue, secrets masked. */
#include <stdio.h>

#include "journey/event.h"
#include "mail/departure.h"
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

	s->begin_ms = os_now_ms(s->edge->os);
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

void edge_tell_mailbox(const struct session *s, slice name, const struct answer *answer)
{
	struct event event;

	if (!begin(&event, s, "mailbox"))
		return;
	event_name(&event, "x", s->transaction->id);
	event_text(&event, "name", name);
	event_text(&event, "verdict", slice_from(directory_verdict_row(answer->verdict)->name));
	event_text(&event, "account", answer->address);
	event_end(&event);
}

/* ---- the dialogue ---- */

bool edge_listens(const struct session *s)
{
	return os_event_wanted(s->edge->os) && s->edge->frame.config->journey_dialogue &&
	    s->protocol == &edge_smtp_protocol;
}

/* "12 C: QUIT": milliseconds since the session began, who, what. */
static void add_line(struct session *s, const char *who, slice line)
{
	char head[32];
	size_t n = (size_t)snprintf(head, sizeof head, "%llu %s",
	    (unsigned long long)(os_now_ms(s->edge->os) - s->begin_ms), who);

	if (s->dialogue.heap == NULL)
		s->dialogue = buffer_init(s->edge->heap, JOURNEY_DIALOGUE_MAX);
	if (buffer_room(&s->dialogue) < n + line.len + 1)
		return;
	buffer_add(&s->dialogue, slice_of(head, n));
	buffer_add(&s->dialogue, line);
	buffer_add(&s->dialogue, slice_lit("\n"));
}

static slice without_end(slice line)
{
	while (line.len > 0 && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == '\n'))
		line.len--;
	return line;
}

/* A login that follows an AUTH which was refused, or unknown: no command is one word
 * but these. */
static bool looks_secret(slice line)
{
	static const char *const words[] = { "DATA", "RSET", "NOOP", "QUIT", "STARTTLS", "EHLO",
		"HELO", "HELP", "." };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (slice_equal_ascii(line, slice_from(words[i])))
			return false;
	}
	return line.len > 0 && slice_find_byte(line, ' ') == line.len;
}

/* As the engine finds a verb: behind blanks, and in a mock behind NULs. */
static slice from_verb(slice line)
{
	while (line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t' || line.ptr[0] == 0))
		line = slice_drop(line, 1);
	return line;
}

/* Of AUTH the mechanism is shown. */
static void hear_auth(struct session *s, slice line)
{
	slice rest = slice_drop(line, 4);
	size_t shown = 4;

	if (rest.len > 0 && rest.ptr[0] == ' ') {
		rest = slice_drop(rest, 1);
		shown += 1 + slice_cut(&rest, ' ').len;
	}
	add_line(s, "C: ", slice_head(line, shown));
	if (shown < line.len)
		add_line(s, "C: ", slice_lit("(secret)"));
	s->maybe_secret = 2;
}

void edge_hear(struct session *s, slice in, bool secret)
{
	bool lenient = edge_lenient(s->edge), rest = s->rest, whole;
	slice line = without_end(in);

	if (!edge_listens(s))
		return;
	/* A line may end with CR, and its LF come later. */
	if (in.len == 0 || (lenient && line.len == 0))
		return;
	whole = in.ptr[in.len - 1] == '\n' || (lenient && in.ptr[in.len - 1] == '\r');
	s->rest = !whole;
	if (rest)
		secret = s->secret_rest;
	else if (s->maybe_secret > 0)
		secret = secret || looks_secret(line);
	s->maybe_secret -= !rest && s->maybe_secret > 0;
	if (secret) {
		if (!rest)
			add_line(s, "C: ", slice_lit("(secret)"));
	} else if (!rest && slice_starts_ascii(from_verb(line), slice_lit("AUTH"))) {
		hear_auth(s, from_verb(line));
		secret = true;
	} else {
		add_line(s, "C: ", line);
	}
	s->secret_rest = secret;
}

/* ---- for who watches a mock ---- */

static bool is_refusal(const struct session *s, slice line)
{
	if (service_is_imap(s->service)) {
		slice_cut(&line, ' ');  /* the tag, or "*" */
		return slice_starts(line, slice_lit("NO ")) || slice_starts(line, slice_lit("BAD "));
	}
	if (service_is_pop3(s->service))
		return slice_starts(line, slice_lit("-ERR"));
	return line.len > 3 && (line.ptr[0] == '4' || line.ptr[0] == '5') && line.ptr[3] != '-';
}

/* Not more than anybody reads. */
static bool may_tell(struct edge *e)
{
	uint64_t now_ms = os_now_ms(e->os);

	if (now_ms - e->refusals_ms >= 1000) {
		e->refusals_ms = now_ms;
		e->n_refusals = 0;
	}
	return e->n_refusals++ < EDGE_REFUSALS_MAX;
}

static void tell_refusals(struct session *s, slice out)
{
	struct ipc_channel *web = frame_peer(&s->edge->frame, ROLE_WEB, 0);

	if (web == NULL || !s->edge->frame.config->mock)
		return;
	while (out.len > 0) {
		slice line = without_end(slice_cut(&out, '\n'));
		struct buffer *to;

		if (!is_refusal(s, line) || !may_tell(s->edge))
			continue;
		to = ipc_begin(web, IPC_REFUSED);
		put_u8(to, (uint8_t)s->service);
		buffer_add(to, slice_of(s->ip, sizeof s->ip));
		put_slice(to, slice_head(line, line.len < EDGE_REFUSAL_TEXT ? line.len :
		    EDGE_REFUSAL_TEXT));
		ipc_end(web, -1);
	}
}

/* ---- what the server says ---- */

static void say(struct session *s, slice out)
{
	while (out.len > 0)
		add_line(s, "S: ", without_end(slice_cut(&out, '\n')));
}

void edge_say(struct session *s, slice out)
{
	size_t known = s->said_ahead < out.len ? s->said_ahead : out.len;

	tell_refusals(s, out);
	s->said_ahead -= known;
	if (edge_listens(s))
		say(s, slice_drop(out, known));
}

void edge_say_ahead(struct session *s, slice out)
{
	if (!edge_listens(s))
		return;
	say(s, slice_drop(out, s->said_ahead));
	s->said_ahead = out.len;
}

static void end_dialogue(struct event *event, struct session *s)
{
	if (s == NULL || buffer_bytes(&s->dialogue).len == 0)
		return;
	event_text(event, "dialogue", buffer_bytes(&s->dialogue));
	buffer_truncate(&s->dialogue, 0);
}

/* ---- messages ---- */

/* One event each, of the session, or of a transaction of it. */
static void tell_departures(const struct session *s, const struct transaction *t,
    bool accepted, uint32_t set)
{
	for (unsigned i = 0; i < DEPARTURES; i++) {
		const struct departure_row *row = departure_row((enum departure)i);
		struct event event;

		if (!(set & departure_bit((enum departure)i)) || s == NULL)
			continue;
		if (!begin(&event, s, "departure"))
			return;
		if (t != NULL)
			event_name(&event, "x", t->id);
		if (accepted)
			event_id(&event, t->message);
		event_text(&event, "name", slice_from(row->name));
		event_text(&event, "clause", slice_from(row->clause));
		event_text(&event, "words", slice_from(row->words));
		event_text(&event, "answer", slice_from(row->answer != NULL ?
		    "a real server would refuse" : "a real server takes it, too"));
		event_text(&event, "remedy", slice_from(row->remedy));
		event_end(&event);
	}
}

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
	tell_departures(t->session, t, failure == NULL, t->departures);
}

void edge_tell_closed(struct session *s)
{
	struct event event;

	if (edge_lenient(s->edge) && s->protocol == &edge_smtp_protocol && s->left)
		tell_departures(s, NULL, false, (s->quit ? 0 : departure_bit(DEPARTURE_QUIT_MISSING)) |
		    (s->reset ? departure_bit(DEPARTURE_REPLIES_UNREAD) : 0));
	if (!begin(&event, s, "closed"))
		return;
	end_dialogue(&event, s);
	event_end(&event);
}
