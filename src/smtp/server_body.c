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

static const struct smtp_reply fault_replies[] = {
	[BODY_BARE] = { 550, "5.6.11", slice_lit("A CR or LF stands alone in the message") },
	[BODY_NUL] = { 550, "5.6.0", slice_lit("A NUL octet stands in the message") },
	[BODY_LARGE] = { 552, "5.3.4", slice_lit("Message is too large") },
};

/* The message is lost: the first fault names the reply at the end, and what
 * was kept of it can go at once. */
static void set_fault(struct smtp_server *s, enum smtp_body_fault fault)
{
	if (s->fault != BODY_FINE)
		return;
	s->fault = fault;
	smtp_push(s, (struct smtp_event){ .kind = SMTP_EVENT_RESET });
}

static void end_of_data(struct smtp_server *s)
{
	const struct smtp_reply *reply = &fault_replies[s->fault];

	s->phase = PHASE_COMMAND;
	if (s->fault == BODY_FINE) {
		smtp_push(s, (struct smtp_event){ .kind = SMTP_EVENT_END, .size = s->body_size });
		return;
	}
	smtp_forget(s);
	smtp_error(s, reply->code, reply->enhanced, (const char *)reply->text.ptr);
}

/* A dot at the start of a line: the end, or stuffing to undo (s4.5.2). */
static size_t take_dot(struct smtp_server *s, slice in)
{
	const slice end = slice_lit(".\r\n");

	if (slice_starts(in, end)) {
		end_of_data(s);
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
			set_fault(s, BODY_BARE);
		at += cr;
		if (cr + 1 >= rest.len)
			break;
		if (rest.ptr[cr + 1] != '\n') {
			set_fault(s, BODY_BARE);
			at++;
			continue;
		}
		at += 2;
		if (at < in.len && in.ptr[at] == '.')
			break;
	}
	return at;
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
		set_fault(s, BODY_NUL);
	s->body_size += n;
	if (s->body_size > s->config->message_size_max)
		set_fault(s, BODY_LARGE);
	if (s->fault == BODY_FINE)
		smtp_push(s, (struct smtp_event){ .kind = SMTP_EVENT_BODY, .text = run });
	return n;
}
