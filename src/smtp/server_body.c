/* smtp/server_body.c - the body: from 354 to CRLF . CRLF, dots undone.
 *
 * The common path is memchr over lines that pass through as they are: one event
 * carries everything up to the next line that begins with a dot, borrowed from
 * the input.
 *
 * (1) Only CRLF . CRLF ends the data; CRLF before the dot may be that of DATA.
 * (2) A bare CR or LF, or a NUL, refuses the message, once its true end has
 *     come: whoever reads a false end as the end would take what follows as
 *     commands (SMTP smuggling).
 * (3) A CR is taken only together with what follows it, so that pairs are seen
 *     whole however the input is cut.
 *
 * Lines may be of any length. RFC 5321 s4.5.3.1.6 lets a server stop at 1,000
 * octets, but programs send longer ones, and no line is held here: the message
 * size bounds them.
 */
#include <string.h>

#include "base/check.h"
#include "smtp/server_impl.h"

static const struct {
	unsigned fault;
	unsigned code;
	const char *enhanced, *text;
} fault_replies[] = {
	{ BODY_BARE, 550, "5.6.11", "A CR or LF stands alone in the message" },
	{ BODY_NUL, 550, "5.6.0", "A NUL octet stands in the message" },
	{ BODY_LARGE, 552, "5.3.4", "Message is too large" },
};

/* The message is lost. The reply comes at its end; what was kept of it can go. */
static void add_fault(struct smtp_server *s, unsigned fault)
{
	if (s->faults == 0)
		smtp_push(s, (struct smtp_event){ .kind = SMTP_EVENT_RESET });
	s->faults |= fault;
}

void smtp_body_end(struct smtp_server *s)
{
	s->phase = PHASE_COMMAND;
	if (s->faults == 0) {
		smtp_push(s, (struct smtp_event){ .kind = SMTP_EVENT_END, .size = s->body_size,
		    .departures = s->in_session | s->in_transaction | s->noted });
		s->noted = 0;
		return;
	}
	smtp_forget(s);
	for (size_t i = 0; i < sizeof fault_replies / sizeof fault_replies[0]; i++) {
		if (!(s->faults & fault_replies[i].fault))
			continue;
		smtp_error(s, fault_replies[i].code, fault_replies[i].enhanced,
		    fault_replies[i].text);
		return;
	}
}

/* A dot at the start of a line: the end, or stuffing to undo (s4.5.2). */
static size_t take_dot(struct smtp_server *s, slice in)
{
	const slice end = slice_lit(".\r\n");

	if (slice_starts(in, end)) {
		smtp_body_end(s);
		return end.len;
	}
	if (slice_starts(end, in))
		return 0;               /* "." or ".\r": the next byte decides */
	s->line_start = false;
	return 1;
}

/* How far the input goes on as it is: to a dot that starts a line, to a CR whose
 * partner has not come, or to its end. Notes faults. */
static size_t run_length(struct smtp_server *s, slice in)
{
	size_t at = 0;

	while (at < in.len) {
		slice rest = slice_drop(in, at);
		size_t cr = slice_find_byte(rest, '\r');

		if (slice_find_byte(slice_head(rest, cr), '\n') < cr)
			add_fault(s, BODY_BARE);
		at += cr;
		if (cr + 1 >= rest.len)
			break;
		if (rest.ptr[cr + 1] != '\n') {
			add_fault(s, BODY_BARE);
			at++;
			continue;
		}
		at += 2;
		if (at < in.len && in.ptr[at] == '.')
			break;
	}
	return at;
}

void smtp_body_add(struct smtp_server *s, slice run)
{
	s->body_size += run.len;
	if (s->body_size > s->config->message_size_max)
		add_fault(s, BODY_LARGE);
	if (s->faults == 0)
		smtp_push(s, (struct smtp_event){ .kind = SMTP_EVENT_BODY, .text = run });
}

size_t smtp_body_feed(struct smtp_server *s, slice in)
{
	slice run;
	size_t n;

	if (s->line_start && in.ptr[0] == '.')
		return take_dot(s, in);
	n = run_length(s, in);
	if (n == 0)
		return 0;
	run = slice_head(in, n);
	s->line_start = slice_ends(run, slice_lit("\r\n"));
	if (slice_find_byte(run, 0) < n)
		add_fault(s, BODY_NUL);
	smtp_body_add(s, run);
	return n;
}
