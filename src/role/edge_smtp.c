/* role/edge_smtp.c - what SMTP's events mean in an edge.
 *
 *   MAIL  may they send?  -> OWNS (submission)
 *   RCPT  who is it?      -> RECIPIENT: the seal is kept for the record
 *   AUTH  who are they?   -> LOGIN
 *   END   body finished -> authors owned? (submission) -> edge_commit()
 *         in a mock: whose mailbox does it name? (edge_mailbox.c) -> edge_commit()
 *
 * Each message that is accepted or refused leaves one line in the log. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "mail/departure.h"
#include "role/edge_impl.h"

const struct smtp_reply edge_later = { 451, "4.3.0",
    slice_lit("Temporary failure, try again later") };
const struct smtp_reply edge_no_space = { 452, "4.3.1",
    slice_lit("Insufficient storage, try again later") };
static const struct smtp_reply too_many = { 452, "4.5.3",
    slice_lit("Too many recipients for one message") };
/* What the log says; the client gets the engine's own words. */
static const struct smtp_reply bad_body = { 550, "5.6.0",
    slice_lit("too large, or a bare CR, a bare LF or a NUL in it") };

/* ---- transactions ---- */

static void transaction_begin(struct session *s, slice sender, unsigned flags)
{
	struct edge *e = s->edge;
	struct transaction *t = heap_new(e->heap, struct transaction);

	check(s->transaction == NULL);
	t->edge = e;
	t->session = s;
	t->share = shares_hold(s->shares.network);
	list_init(&t->link);
	list_init(&t->spool_link);
	t->arena = arena_init(e->heap, EDGE_TRANSACTION_MAX);
	t->id = ++e->transaction_last;
	t->sender = slice_copy(&t->arena, sender);
	t->flags = (flags & SMTP_UTF8 ? JOURNAL_SMTPUTF8 : 0) |
	    (flags & SMTP_BODY_8BITMIME ? JOURNAL_8BITMIME : 0) |
	    (edge_is_submission(s) ? JOURNAL_SUBMISSION : 0);
	t->sealed = buffer_init(e->heap, EDGE_SEALED_MAX);
	t->addresses = buffer_init(e->heap, EDGE_SEALED_MAX);
	os_ip_print(s->ip, t->peer, sizeof t->peer);
	edge_body_init(t);
	s->transaction = t;
}

void edge_transaction_drop(struct transaction *t)
{
	struct edge *e = t->edge;

	if (t->session != NULL)
		t->session->transaction = NULL;
	t->session = NULL;
	list_remove(&t->spool_link);
	t->dropped = true;
	if (t->body.writing)
		return;                 /* the plan's end comes here again */
	list_remove(&t->link);
	edge_body_free(t);
	buffer_free(&t->sealed);
	buffer_free(&t->addresses);
	heap_free(e->heap, t->submission);
	arena_reset(&t->arena);
	shares_drop(&e->shares, t->share);
	heap_free(e->heap, t);
}

/* The session has no use for it any more. What is appended to the journal goes
 * its way; everything else is forgotten. */
static void forget(struct session *s)
{
	struct transaction *t = s->transaction;

	s->transaction = NULL;
	if (t == NULL)
		return;
	t->session = NULL;
	if (list_empty(&t->link) || edge_journal_cancel(t))
		edge_transaction_drop(t);
}

static void log_message(struct transaction *t, const struct smtp_reply *failure)
{
	slice words = failure != NULL ? failure->text : slice_lit("");
	char id[MESSAGE_ID_TEXT] = "-";

	edge_tell_message(t, failure);
	if (failure == NULL)
		message_id_print(t->message, id);
	os_log(t->edge->os, OS_INFO, "%s id=%s from=<%.*s> recipients=%u size=%llu peer=%s%s%.*s",
	    failure == NULL ? "accepted" : "refused", id, slice_arg(t->sender), t->n_recipients,
	    (unsigned long long)t->body.size, t->peer, failure ? ": " : "", slice_arg(words));
}

/* ---- MAIL ---- */

static void on_sender(struct session *s, const struct answer *answer)
{
	struct smtp_reply reply = edge_verdict_reply(answer);

	if (answer->verdict == DIRECTORY_OK) {
		smtp_server_answer(s->smtp, NULL);
		return;
	}
	forget(s);
	smtp_server_answer(s->smtp, &reply);
}

/* RFC 5321 s4.3.1: what cannot be kept is not taken. */
static bool has_space(const struct session *s)
{
	const struct edge *e = s->edge;

	return !e->router_full && shares_body_room(s->shares.network, e->body_bytes);
}

static void on_mail(struct session *s, const struct smtp_event *event)
{
	forget(s);
	if (!has_space(s)) {
		smtp_server_answer(s->smtp, &edge_no_space);
		return;
	}
	transaction_begin(s, event->text, event->flags);
	/* A null reverse-path is nobody's: the header's From is judged later. */
	if (!edge_is_submission(s) || event->text.len == 0)
		smtp_server_answer(s->smtp, NULL);
	else
		edge_ask_owns(s, s->transaction->sender, on_sender);
}

/* ---- RCPT ---- */

static void log_recipient(struct session *s, const struct answer *answer)
{
	char peer[OS_IP_TEXT];
	struct smtp_reply reply = edge_verdict_reply(answer);

	os_ip_print(s->ip, peer, sizeof peer);
	os_log(s->edge->os, OS_INFO, "refused recipient: %.*s (%s) from=<%.*s> peer=%s",
	    slice_arg(reply.text), directory_verdict_row(answer->verdict)->name,
	    slice_arg(s->transaction->sender), peer);
}

static void on_recipient(struct session *s, const struct answer *answer)
{
	struct transaction *t = s->transaction;
	struct smtp_reply reply = edge_verdict_reply(answer);

	edge_tell_recipient(s, t->asked, answer);
	if (answer->verdict != DIRECTORY_OK) {
		s->edge->n_refused += reply.code >= 500;
		if (answer->verdict != DIRECTORY_TOO_FAST)      /* the directory says it */
			log_recipient(s, answer);
		smtp_server_answer(s->smtp, &reply);
		return;
	}
	if (buffer_room(&t->sealed) < sizeof(uint32_t) + answer->sealed.len ||
	    !edge_mailbox_keep(t, t->asked)) {
		smtp_server_answer(s->smtp, &too_many);
		return;
	}
	put_slice(&t->sealed, answer->sealed);
	t->n_recipients++;
	smtp_server_answer(s->smtp, NULL);
}

static void on_rcpt(struct session *s, const struct smtp_event *event)
{
	struct transaction *t = s->transaction;

	check(event->text.len <= sizeof t->first_recipient);
	t->asked = event->text;         /* the engine's, until it is answered */
	if (t->n_recipients == 0) {
		memcpy(t->first_recipient, event->text.ptr, event->text.len);
		t->recipient = slice_of(t->first_recipient, event->text.len);
	}
	edge_ask_recipient(s, s->account, event->text, on_recipient);
}

/* ---- AUTH ---- */

static void on_login(struct session *s, const struct answer *answer)
{
	struct smtp_reply reply = edge_verdict_reply(answer);

	if (answer->verdict == DIRECTORY_OK && answer->ask == SASL_ASK_SALT) {
		struct edge_bindings room;
		struct sasl_salt salt = edge_salt(s, answer, &room);

		smtp_server_salted(s->smtp, &salt);
		return;
	}
	edge_tell_login(s, answer);
	if (answer->verdict == DIRECTORY_OK) {
		s->account = answer->account;
		if (answer->ask == SASL_ASK_PROOF)
			smtp_server_proved(s->smtp, answer->signature);
		else
			smtp_server_answer(s->smtp, NULL);
	} else {
		edge_log_login(s, answer->verdict);
		edge_user_keep(s, (slice){ 0 });
		smtp_server_answer(s->smtp, &reply);
	}
}

/* ---- the body and its end ---- */

void edge_smtp_go_on(struct transaction *t)
{
	if (t->session != NULL)
		edge_session_wake(t->session);
}

void edge_smtp_refuse(struct transaction *t, const struct smtp_reply *reply)
{
	struct session *s = t->session;

	log_message(t, reply);
	t->edge->n_refused += reply->code >= 500;
	edge_transaction_drop(t);
	if (s == NULL)
		return;
	smtp_server_answer(s->smtp, reply);
	edge_session_wake(s);
}

static void copy_received(struct transaction *t)
{
	struct session *s = t->session;
	const struct tls_session *tls = stream_tls(s->stream);
	struct received *r = &t->received;

	r->helo = slice_copy(&t->arena, s->helo);
	t->user = slice_copy(&t->arena, s->user);
	r->extended = s->extended;
	r->utf8 = (t->flags & JOURNAL_SMTPUTF8) != 0;
	r->tls = tls != NULL;
	r->auth = s->account != 0;
	r->peer_ip = slice_from(t->peer);
	r->by = t->edge->frame.config->hostname;
	if (tls != NULL) {
		r->tls_version = slice_copy(&t->arena, slice_from(tls_session_version(tls)));
		r->tls_cipher = slice_copy(&t->arena, slice_from(tls_session_cipher(tls)));
	}
	if (t->n_recipients == 1)
		r->recipient = t->recipient;
	r->wall_us = os_wall_us(t->edge->os);
}

void edge_smtp_go_commit(struct transaction *t)
{
	copy_received(t);
	edge_commit(t);
}

static void on_author(struct session *s, const struct answer *answer);

/* Ask for the next author; commit when all are the account's. */
static void ask_author(struct transaction *t)
{
	struct submission *submission = t->submission;

	if (submission != NULL && t->authors_asked < submission->n_authors) {
		edge_ask_owns(t->session, submission->authors[t->authors_asked], on_author);
		return;
	}
	edge_smtp_go_commit(t);
}

static void on_author(struct session *s, const struct answer *answer)
{
	struct transaction *t = s->transaction;
	struct smtp_reply reply = edge_verdict_reply(answer);

	if (answer->verdict != DIRECTORY_OK) {
		edge_smtp_refuse(t, &reply);
		return;
	}
	t->authors_asked++;
	ask_author(t);
}

void edge_smtp_body_finished(struct transaction *t)
{
	if (t->session == NULL) {
		edge_transaction_drop(t);
		return;
	}
	if (t->fault != NULL)
		edge_smtp_refuse(t, t->fault);
	else if (!edge_mailbox_ask(t))
		ask_author(t);
}

void edge_smtp_committed(struct transaction *t, const struct smtp_reply *failure)
{
	struct session *s = t->session;
	char words[MESSAGE_ID_TEXT + 32], id[MESSAGE_ID_TEXT];
	struct smtp_reply reply = { 250, "2.0.0", { 0 } };

	if (failure != NULL) {
		edge_smtp_refuse(t, failure);
		return;
	}
	message_id_print(t->message, id);
	snprintf(words, sizeof words, "Ok: queued as %s", id);
	reply.text = slice_from(words);
	if (s != NULL) {
		smtp_server_answer(s->smtp, &reply);
		edge_say_ahead(s, smtp_server_output(s->smtp));
	}
	log_message(t, NULL);
	t->edge->n_accepted++;
	t->edge->accepted_bytes += t->body.size;
	t->body.spool = 0;              /* the router's from now on */
	edge_transaction_drop(t);
	if (s == NULL)
		return;
	s->fruit_ms = os_now_ms(s->edge->os);
	edge_session_wake(s);
}

/* ---- events ---- */

static void on_hello(struct session *s, const struct smtp_event *event)
{
	unsigned char *copy = heap_alloc(s->edge->heap, event->text.len);

	memcpy(copy, event->text.ptr, event->text.len);
	heap_free(s->edge->heap, (void *)(uintptr_t)s->helo.ptr);
	s->helo = slice_of(copy, event->text.len);
	s->extended = (event->flags & SMTP_HELLO_EXTENDED) != 0;
}

static void on_event(struct session *s, const struct smtp_event *event)
{
	switch (event->kind) {
	case SMTP_EVENT_HELLO:
		on_hello(s, event);
		return;
	case SMTP_EVENT_MAIL:
		on_mail(s, event);
		return;
	case SMTP_EVENT_RCPT:
		on_rcpt(s, event);
		return;
	case SMTP_EVENT_AUTH:
		edge_user_keep(s, event->text);
		edge_ask_login(s, event->ask, event->text, event->secret, on_login);
		return;
	case SMTP_EVENT_DATA:
		s->body_ms = os_now_ms(s->edge->os);
		s->body_bytes = 0;
		smtp_server_answer(s->smtp, NULL);
		return;
	case SMTP_EVENT_BODY:
		edge_body_add(s->transaction, event->text);
		return;
	case SMTP_EVENT_END:
		edge_session_still(s);
		s->transaction->departures = event->departures;
		if (!(event->departures & departure_bit(DEPARTURE_DATA_CUT)))
			edge_hear(s, slice_lit(".\n"), false);
		edge_body_finish(s->transaction);
		return;
	case SMTP_EVENT_RESET:
		if (smtp_server_in_data(s->smtp))
			log_message(s->transaction, &bad_body);
		forget(s);
		return;
	case SMTP_EVENT_STARTTLS:
		s->account = 0;
		edge_session_secure(s);
		return;
	case SMTP_EVENT_QUIT:
		s->quit = !s->gone;
		forget(s);
		edge_session_end(s);
		return;
	}
}

static bool body_busy(const struct session *s)
{
	return s->transaction != NULL && edge_body_busy(s->transaction);
}

static bool smtp_events(struct session *s)
{
	struct smtp_event event;
	bool any = false;

	/* Where a message was cut, its end comes at once behind the last bytes. */
	while (!s->dead && !s->ending && !(edge_lenient(s->edge) && body_busy(s)) &&
	    smtp_server_next(s->smtp, &event)) {
		on_event(s, &event);
		any = true;
	}
	return any;
}

/* A line ends at a CR, too. More of them, and what stands behind them, go with it: a LF
 * belongs to it, and any other byte says that there is none. */
static size_t lenient_end(slice in)
{
	size_t n = 0;

	while (n < in.len && in.ptr[n] != '\r' && in.ptr[n] != '\n')
		n++;
	while (n < in.len && in.ptr[n] == '\r')
		n++;
	return n;
}

static size_t smtp_feed(struct session *s, slice in)
{
	bool body = smtp_server_in_data(s->smtp), secret;
	size_t used, end;

	if (in.len == 0 || body_busy(s))
		return 0;
	if (body || !edge_listens(s)) {
		used = smtp_server_feed(s->smtp, in);
		stream_acknowledge(s->stream, smtp_server_in_data(s->smtp));
		return used;
	}
	/* A line at a time: only the engine knows which of them is a secret. */
	secret = smtp_server_in_auth(s->smtp);
	end = slice_find_byte(in, '\n');
	if (edge_lenient(s->edge))
		end = lenient_end(in);
	used = smtp_server_feed(s->smtp, slice_head(in, end < in.len ? end + 1 : in.len));
	edge_hear(s, slice_head(in, used), secret);
	return used;
}

static bool smtp_waits(struct session *s)
{
	const struct transaction *t = s->transaction;

	return s->request != 0 || (t != NULL && (edge_body_busy(t) || t->body.ending));
}

/* A body as a whole must not take longer than the timeout and its bytes at
 * EDGE_BODY_RATE_MIN. */
static bool smtp_lives(struct session *s, size_t n)
{
	uint64_t took_ms = os_now_ms(s->edge->os) - s->body_ms;
	uint64_t timeout_ms = s->edge->clocks[CLOCK_SMTP].duration_ms;

	if (!smtp_server_in_data(s->smtp))
		return !edge_session_fruitless(s);
	s->body_bytes += n;
	return took_ms <= timeout_ms ||
	    s->body_bytes / EDGE_BODY_RATE_MIN >= (took_ms - timeout_ms) / 1000;
}

static slice smtp_output(struct session *s)
{
	return smtp_server_output(s->smtp);
}

static void smtp_sent(struct session *s, size_t n)
{
	smtp_server_sent(s->smtp, n);
}

static void smtp_greet(struct session *s)
{
	smtp_server_greet(s->smtp);
}

static void smtp_secured(struct session *s)
{
	smtp_server_secured(s->smtp);
}

static void smtp_timeout(struct session *s)
{
	if (edge_lenient(s->edge) && smtp_waits(s))
		edge_session_touch(s, CLOCK_SMTP);      /* what came is kept, once it can be */
	else
		smtp_server_timeout(s->smtp);
}

static void smtp_drain(struct session *s)
{
	smtp_server_drain(s->smtp);
}

static bool smtp_hung_up(struct session *s)
{
	if (!edge_lenient(s->edge) || smtp_waits(s))
		return false;
	smtp_server_hang_up(s->smtp);
	return true;
}

static void smtp_closed(struct session *s)
{
	forget(s);
	smtp_server_destroy(s->smtp);
	s->smtp = NULL;
}

const struct session_protocol edge_smtp_protocol = {
	.feed = smtp_feed, .events = smtp_events, .waits = smtp_waits,
	.lives = smtp_lives, .clock = CLOCK_SMTP,
	.output = smtp_output, .sent = smtp_sent, .greet = smtp_greet,
	.secured = smtp_secured, .timeout = smtp_timeout, .drain = smtp_drain,
	.hung_up = smtp_hung_up, .closed = smtp_closed,
};

void edge_smtp_open(struct session *s, bool secure)
{
	static const enum smtp_service services[SERVICES] = {
		[SERVICE_SMTP] = SMTP_RELAY_IN,
		[SERVICE_SUBMISSION] = SMTP_SUBMISSION,
		[SERVICE_SUBMISSIONS] = SMTP_SUBMISSIONS,
	};

	enum smtp_service as = edge_is_submission(s) ? services[s->service] : SMTP_RELAY_IN;

	s->smtp = smtp_server_create(s->edge->heap, &s->edge->smtp[as], secure, s->loopback);
}
