/* smtp/server.c - SMTP server engine: feeding, events, answers, output.
 *
 *            greet            EHLO          MAIL          RCPT         DATA
 *   SILENT ---------> START --------> READY ------> MAIL -------> RCPT ------> body
 *                       ^               ^            |             |            |
 *                       |               '------------+-------------+------------'
 *                       |                  RSET, EHLO, end of data answered
 *                       '--- STARTTLS, when the handshake is through
 *
 * Verbs are in server_verbs.c, AUTH in server_auth.c, the body in server_body.c.
 *
 * (1) Each command, and each end of data, queues exactly one reply; a refused
 *     session queues one 421 or 554 and closes.
 * (2) While an event waits or a question is open no input is taken.
 * (3) The engine buffers no input: a line is taken whole or not at all.
 */
#include "smtp/server.h"

#include <string.h>

#include "base/check.h"
#include "smtp/server_impl.h"

struct smtp_server *smtp_server_create(struct heap *heap,
    const struct smtp_server_config *config, bool secure, bool loopback)
{
	struct smtp_server *s = heap_new(heap, struct smtp_server);

	check(config->recipients_max > 0 && config->errors_max > 0);
	s->heap = heap;
	s->config = config;
	s->out = buffer_init(heap, SMTP_OUTPUT_MAX);
	s->phase = PHASE_SILENT;
	s->state = IN_START;
	s->secure = secure;
	s->loopback = loopback;
	return s;
}

void smtp_server_destroy(struct smtp_server *s)
{
	if (s == NULL)
		return;
	smtp_auth_end(s);
	buffer_free(&s->out);
	heap_free(s->heap, s);
}

/* ---- for the other files of the engine ---- */

void smtp_say(struct smtp_server *s, unsigned code, const char *enhanced, const char *text)
{
	struct smtp_reply reply = { code, enhanced, slice_from(text) };

	smtp_reply_write(&reply, &s->out);
}

void smtp_push(struct smtp_server *s, struct smtp_event event)
{
	check(s->n_events < SMTP_EVENTS_MAX);
	s->events[s->n_events++] = event;
}

slice smtp_keep(struct smtp_server *s, slice text)
{
	check(text.len <= sizeof s->text);
	if (text.len > 0)
		memmove(s->text, text.ptr, text.len);
	return slice_of(s->text, text.len);
}

void smtp_close(struct smtp_server *s)
{
	s->phase = PHASE_CLOSED;
	s->asked = false;
	s->n_events = 0;
	s->n_follow = 0;
	smtp_auth_end(s);
	smtp_push(s, (struct smtp_event){ .kind = SMTP_EVENT_QUIT });
}

/* Count a refusal. True when it was one too many and the session ends. */
static bool count_error(struct smtp_server *s)
{
	if (s->config->lenient || ++s->errors <= s->config->errors_max)
		return false;
	smtp_say(s, 421, "4.7.0", "Too many errors, closing");
	smtp_close(s);
	return true;
}

void smtp_error(struct smtp_server *s, unsigned code, const char *enhanced, const char *text)
{
	if (!count_error(s))
		smtp_say(s, code, enhanced, text);
}

void smtp_forget(struct smtp_server *s)
{
	if (s->state != IN_START)
		s->state = IN_READY;
	s->recipients = 0;
	s->refused = 0;
	s->utf8 = false;
	s->in_transaction = 0;
	s->bare_cr = false;
}

/* ---- opening and closing ---- */

void smtp_server_greet(struct smtp_server *s)
{
	check(s->phase == PHASE_SILENT);
	s->phase = PHASE_COMMAND;
	buffer_add(&s->out, slice_lit("220 "));
	buffer_add(&s->out, s->config->hostname);
	buffer_add(&s->out, slice_lit(" ESMTP Posthouse\r\n"));
}

void smtp_server_refuse(struct smtp_server *s, const struct smtp_reply *reply)
{
	smtp_reply_write(reply, &s->out);
	smtp_close(s);
}

void smtp_server_early(struct smtp_server *s)
{
	check(s->phase == PHASE_SILENT);
	smtp_say(s, 554, "5.5.0", "You spoke before the greeting");
	smtp_close(s);
}

void smtp_server_timeout(struct smtp_server *s)
{
	if (s->phase == PHASE_CLOSED || smtp_lenient_cut(s))
		return;
	smtp_say(s, 421, "4.4.2", "Timeout, closing");
	smtp_close(s);
}

void smtp_server_hang_up(struct smtp_server *s)
{
	check(!s->asked);
	if (s->phase != PHASE_CLOSED && !smtp_lenient_cut(s))
		smtp_close(s);
}

static void close_if_drained(struct smtp_server *s)
{
	if (!s->draining || s->phase == PHASE_CLOSED || !smtp_server_idle(s))
		return;
	smtp_say(s, 421, "4.3.2", "Going down for a moment, try again");
	smtp_close(s);
}

void smtp_server_drain(struct smtp_server *s)
{
	s->draining = true;
	close_if_drained(s);
}

void smtp_server_secured(struct smtp_server *s)
{
	check(s->phase == PHASE_TLS);
	s->phase = PHASE_COMMAND;
	s->state = IN_START;
	s->secure = true;
	s->authenticated = false;
	s->extended = s->pipelining = s->after_cr = false;
	s->in_session = s->noted = 0;
	smtp_forget(s);
	close_if_drained(s);
}

/* ---- input ---- */

/* RFC 5321 s2.3.8: lines end with CRLF and nothing else. A line that ends with
 * a bare LF, or holds a bare CR or a NUL, is answered but not obeyed: what we
 * took as one command, another server may take as two. */
static void whole_line(struct smtp_server *s, slice line)
{
	bool crlf = line.len > 0 && line.ptr[line.len - 1] == '\r';

	if (crlf)
		line.len--;
	if (!crlf || slice_find_byte(line, '\r') < line.len) {
		if (s->phase == PHASE_AUTH)
			s->phase = PHASE_COMMAND;
		smtp_auth_end(s);
		smtp_error(s, 500, "5.5.2", "Lines end with CR LF, both and in pairs");
	} else {
		smtp_line(s, line);
	}
}

void smtp_line(struct smtp_server *s, slice line)
{
	if (s->phase == PHASE_AUTH)
		s->phase = PHASE_COMMAND;
	if (slice_find_byte(line, 0) < line.len) {
		smtp_auth_end(s);
		smtp_error(s, 500, "5.5.2", "NUL in a command");
	} else if (s->sasl != NULL) {
		smtp_auth_line(s, line);
	} else {
		smtp_command(s, line);
	}
}

/* How long the line that `in` begins with may be, its end included. */
static size_t line_max(const struct smtp_server *s, slice in)
{
	return s->phase == PHASE_AUTH || slice_starts_ascii(in, slice_lit("AUTH ")) ?
	    SMTP_AUTH_LINE_MAX : SMTP_COMMAND_MAX;
}

static size_t feed_line(struct smtp_server *s, slice in)
{
	size_t max = line_max(s, in), end;

	end = slice_find_byte(in.len > max ? slice_head(in, max) : in, '\n');
	if (end < in.len && end < max) {
		whole_line(s, slice_head(in, end));
		return end + 1;
	}
	if (in.len < max)
		return 0;
	s->phase = PHASE_SKIP;
	return max;
}

static size_t feed_skip(struct smtp_server *s, slice in)
{
	size_t end = slice_find_byte(in, '\n');

	if (end == in.len)
		return in.len;
	smtp_long_line(s);
	return end + 1;
}

void smtp_long_line(struct smtp_server *s)
{
	s->phase = PHASE_COMMAND;
	if (s->sasl != NULL)
		smtp_auth_long(s);
	else
		smtp_error(s, 500, "5.5.2", "Line too long");
}

static size_t feed_phase(struct smtp_server *s, slice in)
{
	bool lenient = s->config->lenient;

	switch (s->phase) {
	case PHASE_SILENT:
		return 0;
	case PHASE_COMMAND:
	case PHASE_AUTH:
		return lenient ? smtp_lenient_line(s, in) : feed_line(s, in);
	case PHASE_SKIP:
		return lenient ? smtp_lenient_skip(s, in) : feed_skip(s, in);
	case PHASE_BODY:
		return lenient ? smtp_lenient_body(s, in) : smtp_body_feed(s, in);
	case PHASE_TLS:         /* CVE-2011-0411: sent before the handshake */
	case PHASE_CLOSED:
		break;
	}
	return in.len;
}

size_t smtp_server_feed(struct smtp_server *s, slice in)
{
	size_t offered = in.len;

	while (in.len > 0 && s->n_events == 0 && !s->asked &&
	    buffer_bytes(&s->out).len <= SMTP_OUTPUT_HIGH) {
		size_t n = s->after_cr ? smtp_lenient_line_end(s, in) : 0;

		if (n == 0)
			n = feed_phase(s, in);
		if (n == 0)
			break;
		in = slice_drop(in, n);
		close_if_drained(s);
	}
	return offered - in.len;
}

/* ---- events and answers ---- */

static void mail_accepted(struct smtp_server *s)
{
	s->state = IN_MAIL;
}

static void rcpt_accepted(struct smtp_server *s)
{
	s->state = IN_RCPT;
	s->recipients++;
}

static void rcpt_refused(struct smtp_server *s)
{
	s->refused++;
}

static void auth_accepted(struct smtp_server *s)
{
	s->authenticated = true;
}

static void data_accepted(struct smtp_server *s)
{
	s->phase = PHASE_BODY;
	s->line_start = true;
	s->body_size = 0;
	s->faults = 0;
	smtp_lenient_body_begin(s);
}

static void end_accepted(struct smtp_server *s)
{
	s->errors = 0;
	smtp_forget(s);
}

/* The questions: the reply that says yes, and what each answer changes. */
static const struct answer_row {
	enum smtp_event_kind kind;
	unsigned code;
	const char *enhanced, *text;
	void (*accepted)(struct smtp_server *s);
	void (*refused)(struct smtp_server *s);
} answer_rows[] = {
	{ SMTP_EVENT_MAIL, 250, "2.1.0", "Ok", mail_accepted, NULL },
	{ SMTP_EVENT_RCPT, 250, "2.1.5", "Ok", rcpt_accepted, rcpt_refused },
	{ SMTP_EVENT_AUTH, 235, "2.7.0", "Authentication successful", auth_accepted, NULL },
	{ SMTP_EVENT_DATA, 354, NULL, "End data with <CR><LF>.<CR><LF>", data_accepted, NULL },
	{ SMTP_EVENT_END, 250, "2.0.0", "Ok", end_accepted, smtp_forget },
};

static const struct answer_row *answer_row(enum smtp_event_kind kind)
{
	for (size_t i = 0; i < sizeof answer_rows / sizeof answer_rows[0]; i++) {
		if (answer_rows[i].kind == kind)
			return &answer_rows[i];
	}
	return NULL;
}

bool smtp_server_next(struct smtp_server *s, struct smtp_event *ret_event)
{
	if (s->n_events == 0)
		return false;
	*ret_event = s->events[0];
	s->n_events--;
	memmove(s->events, s->events + 1, s->n_events * sizeof s->events[0]);
	if (answer_row(ret_event->kind) != NULL) {
		check(s->n_events == 0 && !s->asked);
		s->asked = true;
		s->question = ret_event->kind;
	}
	return true;
}

static void ask_next(struct smtp_server *s)
{
	smtp_push(s, s->follow[0]);
	s->n_follow--;
	memmove(s->follow, s->follow + 1, s->n_follow * sizeof s->follow[0]);
}

void smtp_server_answer(struct smtp_server *s, const struct smtp_reply *reply)
{
	const struct answer_row *row;
	bool closed = false;

	if (s->phase == PHASE_CLOSED)
		return;                 /* it timed out over the question */
	check(s->asked);
	row = answer_row(s->question);
	s->asked = false;
	smtp_auth_end(s);
	if (reply == NULL || reply->code < 400) {
		row->accepted(s);
		if (s->n_follow > 0) {  /* nobody waits for a reply to this one */
			ask_next(s);
			return;
		}
	} else {
		s->n_follow = 0;
		if (row->refused != NULL)
			row->refused(s);
		closed = reply->code >= 500 && count_error(s);
	}
	if (closed)
		return;
	if (reply != NULL)
		smtp_reply_write(reply, &s->out);
	else
		smtp_say(s, row->code, row->enhanced, row->text);
	if (s->hung_up)
		smtp_close(s);
	else
		close_if_drained(s);
}

bool smtp_server_idle(const struct smtp_server *s)
{
	return !s->asked && s->n_events == 0 && s->phase != PHASE_BODY &&
	    s->phase != PHASE_TLS && (s->state & (IN_MAIL | IN_RCPT)) == 0;
}

bool smtp_server_in_data(const struct smtp_server *s)
{
	return s->phase == PHASE_BODY;
}

bool smtp_server_in_auth(const struct smtp_server *s)
{
	return s->phase == PHASE_AUTH;
}

slice smtp_server_output(const struct smtp_server *s)
{
	return buffer_bytes(&s->out);
}

void smtp_server_sent(struct smtp_server *s, size_t n)
{
	buffer_consume(&s->out, n);
	if (s->extended && buffer_bytes(&s->out).len == 0)
		s->pipelining = true;
}
