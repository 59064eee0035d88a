/* smtp/server_lenient.c - what the SMTP server takes where it is lenient: for a mock,
 * which keeps what programs send and says what is wrong with it.
 *
 * Commands. A line ends at a CR or LF; a LF behind its CR belongs to it, also when it
 * comes later, so that nobody waits for a byte that a client never sends.
 *
 * Bodies. Runs that are as they should be pass as they are. Else a byte decides:
 *
 *   LINE_START --"."--> DOT --CR--> DOT_CR --LF, or what follows--> the end
 *       ^  |             '--LF--> the end
 *       |  '--other--> WITHIN --CR--> CR --LF--> LINE_START
 *       '-------------LF-'
 *
 * (1) Any number of CRs and a LF are one line end (CR CR LF is what text files make of
 *     CR LF); CRs without a LF are one each.
 * (2) A lone dot is the end whichever way its line and the one before it end. Behind a
 *     bare CR in the same transaction its CR is the end at once; else the next byte, or
 *     the end of input, decides.
 * (3) Each line end leaves as CRLF, and NUL does not leave.
 * (4) What was left out of a transaction is asked for as if it had been said; such a
 *     question has no reply of its own, unless it is refused. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "smtp/server_impl.h"

static const slice crlf = slice_lit("\r\n");

void smtp_note(struct smtp_server *s, enum departure d)
{
	if (s->config->lenient)
		s->noted |= departure_bit(d);
}

/* ---- command lines ---- */

static size_t find_line_end(slice in)
{
	size_t n = 0;

	while (n < in.len && in.ptr[n] != '\r' && in.ptr[n] != '\n')
		n++;
	return n;
}

/* What belongs to the end of the last line: how much of `in`, up to all of it. */
size_t smtp_lenient_line_end(struct smtp_server *s, slice in)
{
	size_t n = 0;

	while (n < in.len && in.ptr[n] == '\r')
		n++;
	if (n > 0)
		smtp_note(s, DEPARTURE_COMMAND_LINE_END);
	if (n == in.len)
		return n;
	s->after_cr = false;
	if (in.ptr[n] == '\n')
		return n + 1;
	smtp_note(s, DEPARTURE_COMMAND_LINE_END);
	s->bare_cr = true;
	return n;
}

/* C programs that send sizeof "QUIT\r\n" octets send a NUL with each line. */
static slice without_nul(slice line)
{
	while (line.len > 0 && line.ptr[0] == 0)
		line = slice_drop(line, 1);
	while (line.len > 0 && line.ptr[line.len - 1] == 0)
		line.len--;
	return line;
}

/* Behind STARTTLS all is TLS: a LF that comes late would be taken for that. So such a line,
 * which is `in` up to its CR, has to have its end; but it is not waited for through more
 * CRs than can stand before a LF. */
static bool waits_for_lf(const struct smtp_server *s, slice in, size_t end)
{
	slice rest = slice_trim(without_nul(slice_head(in, end)));
	size_t crs = end;

	if (s->phase != PHASE_COMMAND || !s->config->starttls || s->secure ||
	    !slice_equal_ascii(slice_cut(&rest, ' '), slice_lit("STARTTLS")))
		return false;
	while (crs < in.len && in.ptr[crs] == '\r')
		crs++;
	return crs > end && crs == in.len && crs - end <= SMTP_CR_RUN_MAX;
}

size_t smtp_lenient_line(struct smtp_server *s, slice in)
{
	slice line = in.len > SMTP_AUTH_LINE_MAX ? slice_head(in, SMTP_AUTH_LINE_MAX) : in;
	size_t end = find_line_end(line), taken;

	if (end == line.len) {
		if (in.len < SMTP_AUTH_LINE_MAX)
			return 0;
		s->phase = PHASE_SKIP;
		return line.len;
	}
	line = slice_head(line, end);
	if (waits_for_lf(s, in, end))
		return 0;
	s->after_cr = in.ptr[end] == '\r';
	if (!s->after_cr)
		smtp_note(s, DEPARTURE_COMMAND_LINE_END);
	taken = end + 1;
	if (s->after_cr && end + 1 < in.len && in.ptr[end + 1] == '\n') {
		s->after_cr = false;
		taken++;
	}
	if (buffer_bytes(&s->out).len > 0 && !s->pipelining)
		smtp_note(s, DEPARTURE_COMMAND_EARLY);
	if (s->phase == PHASE_COMMAND && end + 2 > SMTP_COMMAND_MAX &&
	    !slice_starts_ascii(line, slice_lit("AUTH ")))
		smtp_note(s, DEPARTURE_COMMAND_LONG);
	if (without_nul(line).len < line.len)
		smtp_note(s, DEPARTURE_COMMAND_NUL);
	line = without_nul(line);
	if (s->phase == PHASE_COMMAND && slice_trim(line).len == 0)
		smtp_note(s, DEPARTURE_COMMAND_BLANK);
	else
		smtp_line(s, line);
	return taken;
}

/* The rest of a line that is too long. */
size_t smtp_lenient_skip(struct smtp_server *s, slice in)
{
	size_t end = find_line_end(in);

	if (end == in.len)
		return in.len;
	s->after_cr = in.ptr[end] == '\r';
	smtp_note(s, DEPARTURE_COMMAND_LONG);
	smtp_long_line(s);
	return end + 1;
}

/* ---- paths ---- */

/* The part between the last "<" and its ">", or the first word with an "@" in it, or
 * all of it. */
static slice likely_path(slice arg)
{
	size_t open = slice_find_last_byte(arg, '<');
	slice rest = arg;

	if (open < arg.len) {
		rest = slice_drop(arg, open + 1);
		return slice_trim(slice_cut(&rest, '>'));
	}
	while (rest.len > 0) {
		slice word = slice_cut(&rest, ' ');

		if (slice_find_byte(word, '@') < word.len)
			return slice_head(word, slice_find_byte(word, '>'));
	}
	return slice_head(arg, slice_find_byte(arg, '>'));
}

bool smtp_mend_path(struct smtp_server *s, slice arg, struct address *ret)
{
	slice path = likely_path(arg), host = s->config->hostname;

	if (path.len == 0)
		return false;
	if (slice_find_byte(path, '@') == path.len) {
		size_t room = sizeof s->text;

		if (path.len + 1 + host.len > room)
			return false;
		memcpy(s->text, path.ptr, path.len);
		s->text[path.len] = '@';
		memcpy(s->text + path.len + 1, host.ptr, host.len);
		path = slice_of(s->text, path.len + 1 + host.len);
	}
	return address_parse(path, ADDRESS_ALLOW_UTF8, ret) == ADDRESS_OK;
}

/* ---- what was left out ---- */

void smtp_ask(struct smtp_server *s, struct smtp_event event)
{
	struct smtp_event chain[SMTP_FOLLOW_MAX + 1];
	unsigned n = 0;

	check(s->n_follow == 0);
	if (s->state == IN_START) {
		s->in_session |= departure_bit(DEPARTURE_HELLO_MISSING);
		smtp_push(s, (struct smtp_event){ .kind = SMTP_EVENT_HELLO,
		    .text = slice_lit("unknown") });
		s->state = IN_READY;
	}
	if (event.kind != SMTP_EVENT_MAIL && s->state == IN_READY) {
		smtp_note(s, DEPARTURE_MAIL_MISSING);
		chain[n++] = (struct smtp_event){ .kind = SMTP_EVENT_MAIL };
	}
	if (event.kind == SMTP_EVENT_DATA && s->state != IN_RCPT) {
		smtp_note(s, DEPARTURE_RCPT_MISSING);
		chain[n++] = (struct smtp_event){ .kind = SMTP_EVENT_RCPT,
		    .text = slice_lit("postmaster") };
	}
	check(n == 0 || s->config->lenient);
	chain[n++] = event;
	smtp_push(s, chain[0]);
	s->n_follow = n - 1;
	memcpy(s->follow, chain + 1, s->n_follow * sizeof chain[0]);
}

/* ---- the body ---- */

void smtp_lenient_body_begin(struct smtp_server *s)
{
	s->at = BODY_LINE_START;
	s->crs = 0;
	s->crlf = true;
}

/* Bytes that may pass as they are: whole CRLFs, no NUL, up to a dot that begins a
 * line. */
static size_t clean_length(slice in)
{
	size_t n = 0;

	while (n < in.len) {
		unsigned char c = in.ptr[n];

		if (c > '\r' || (c != '\r' && c != '\n' && c != 0)) {
			n++;
		} else if (c == '\r' && n + 1 < in.len && in.ptr[n + 1] == '\n') {
			n += 2;
			if (n < in.len && in.ptr[n] == '.')
				break;
		} else {
			break;
		}
	}
	return n;
}

static void end_line(struct smtp_server *s, bool is_crlf)
{
	if (!is_crlf)
		smtp_note(s, DEPARTURE_DATA_LINE_END);
	smtp_body_add(s, crlf);
	s->at = BODY_LINE_START;
	s->crlf = is_crlf;
}

static size_t end_body(struct smtp_server *s, bool is_crlf, size_t taken)
{
	if (!is_crlf || !s->crlf)
		smtp_note(s, DEPARTURE_DATA_END);
	smtp_body_end(s);
	return taken;
}

static size_t within(struct smtp_server *s, slice in)
{
	size_t n = clean_length(in);

	if (n > 0) {
		slice run = slice_head(in, n);

		s->at = slice_ends(run, crlf) ? BODY_LINE_START : BODY_WITHIN;
		s->crlf = true;
		smtp_body_add(s, run);
		return n;
	}
	if (in.ptr[0] == '\r') {
		s->at = BODY_CR;
		s->crs = 1;
	} else if (in.ptr[0] == '\n') {
		end_line(s, false);
	} else {
		smtp_note(s, DEPARTURE_DATA_NUL);
	}
	return 1;
}

static size_t after_cr(struct smtp_server *s, unsigned char c)
{
	if (c == '\r' && s->crs < SMTP_CR_RUN_MAX) {
		s->crs++;
		return 1;
	}
	if (c == '\r') {                /* the first of them is a line end, whatever follows */
		s->bare_cr = true;
		end_line(s, false);
		s->at = BODY_CR;
		return 1;
	}
	if (c == '\n') {
		end_line(s, s->crs == 1);
		return 1;
	}
	s->bare_cr = true;
	s->crs--;
	end_line(s, false);
	if (s->crs > 0)
		s->at = BODY_CR;        /* the next, as often as it takes */
	return 0;
}

static size_t after_dot(struct smtp_server *s, unsigned char c)
{
	if (c == '\n')
		return end_body(s, false, 1);
	if (c == '\r' && s->bare_cr) {
		s->after_cr = true;
		return end_body(s, false, 1);
	}
	if (c == '\r') {
		s->at = BODY_DOT_CR;
	} else if (c == 0) {
		smtp_note(s, DEPARTURE_DATA_NUL);
	} else {
		if (c != '.')
			smtp_note(s, DEPARTURE_DATA_DOT);
		s->at = BODY_WITHIN;
		return 0;
	}
	return 1;
}

static size_t after_dot_cr(struct smtp_server *s, unsigned char c)
{
	if (c == '\n')
		return end_body(s, true, 1);
	if (c != '\r')
		return end_body(s, false, 0);
	s->crlf = false;
	return 1;
}

static size_t take(struct smtp_server *s, slice in)
{
	switch (s->at) {
	case BODY_CR:
		return after_cr(s, in.ptr[0]);
	case BODY_DOT:
		return after_dot(s, in.ptr[0]);
	case BODY_DOT_CR:
		return after_dot_cr(s, in.ptr[0]);
	case BODY_LINE_START:
		if (in.ptr[0] == '.') {
			s->at = BODY_DOT;
			return 1;
		}
		break;
	case BODY_WITHIN:
		break;
	}
	return within(s, in);
}

size_t smtp_lenient_body(struct smtp_server *s, slice in)
{
	size_t n = 0;

	/* The 354 has not left: it can't have been read. */
	if (buffer_bytes(&s->out).len > 0)
		smtp_note(s, DEPARTURE_DATA_EARLY);
	/* A byte that was only looked at comes again, in its new place. */
	while (n < in.len && s->n_events == 0 && s->phase == PHASE_BODY)
		n += take(s, slice_drop(in, n));
	return n;
}

bool smtp_lenient_cut(struct smtp_server *s)
{
	if (!s->config->lenient || s->phase != PHASE_BODY)
		return false;
	check(s->n_events == 0);
	if (s->at == BODY_DOT || s->at == BODY_DOT_CR) {
		smtp_note(s, DEPARTURE_DATA_END);
	} else if (s->body_size == 0 && s->at == BODY_LINE_START) {
		return false;           /* nothing came */
	} else {
		smtp_note(s, DEPARTURE_DATA_CUT);
		if (s->at != BODY_LINE_START)
			smtp_body_add(s, crlf);
	}
	if (s->faults != 0)
		return false;
	s->hung_up = true;
	smtp_body_end(s);
	return true;
}
