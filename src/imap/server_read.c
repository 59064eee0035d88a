/* imap/server_read.c - lines and literals become commands (RFC 9051 s2.2, s4.3; LITERAL+ of
 * RFC 7888).
 *
 *   line -> ends in {n}: "+" and n octets, on with the line -> command; BAD at once if there is none
 *                        of that name, or not now
 *        -> ends in {n+}: likewise, without asking
 *        -> too long: passed over, with the literals that come unasked; then BAD
 *
 * A line may end with LF alone; what is kept has CR LF. */
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "imap/server_impl.h"

/* "{n}" or "{n+}" at the end of a line. */
static bool ends_in_literal(slice line, uint64_t *ret_size, bool *ret_waits)
{
	size_t open = slice_find_last_byte(line, '{');
	slice digits;

	if (line.len == 0 || open == line.len || line.ptr[line.len - 1] != '}')
		return false;
	digits = slice_sub(line, open + 1, line.len - open - 2);
	*ret_waits = !slice_ends(digits, slice_lit("+"));
	if (!*ret_waits)
		digits = slice_head(digits, digits.len - 1);
	return slice_to_u64(digits, UINT64_MAX / 2, ret_size);
}

/* The tag at the front of what came, for the reply to what can't be read. */
static void find_tag(struct imap_server *s)
{
	struct imap_parse p = imap_parse_begin(buffer_bytes(&s->command), &s->arena);

	if (!imap_take_tag(&p, &s->tag))
		s->tag = slice_lit("*");
}

/* ---- passing over ---- */

static void keep_tail(struct imap_server *s, slice part)
{
	size_t room = sizeof s->tail;

	if (part.len > room)
		part = slice_drop(part, part.len - room);
	if (s->tail_len + part.len > room) {
		size_t drop = s->tail_len + part.len - room;

		memmove(s->tail, s->tail + drop, s->tail_len - drop);
		s->tail_len -= drop;
	}
	if (part.len > 0)
		memcpy(s->tail + s->tail_len, part.ptr, part.len);
	s->tail_len += part.len;
}

/* What came of the line so far may hold half of a literal's beginning. */
static void skip(struct imap_server *s)
{
	s->skipping = true;
	s->tail_len = 0;
	keep_tail(s, buffer_bytes(&s->command));
	find_tag(s);
}

static void skipped(struct imap_server *s)
{
	s->skipping = false;
	if (s->append.on) {
		imap_append_over(s);
		return;
	}
	s->reading = IMAP_READ_COMMAND;
	imap_finish(s, "BAD", "TOOBIG", "a command has at most %zu octets here, without "
	    "the messages of APPEND", s->command.size_max);
}

static slice without_line_end(slice line)
{
	if (slice_ends(line, slice_lit("\n")))
		line.len--;
	if (slice_ends(line, slice_lit("\r")))
		line.len--;
	return line;
}

static size_t pass_over(struct imap_server *s, slice in)
{
	size_t lf = slice_find_byte(in, '\n');
	bool waits;

	if (lf == in.len) {
		keep_tail(s, in);
		return in.len;
	}
	keep_tail(s, slice_head(in, lf + 1));
	if (!ends_in_literal(without_line_end(slice_of(s->tail, s->tail_len)), &s->literal_left,
	    &waits) || waits) {
		s->literal_left = 0;
		skipped(s);
	}
	s->tail_len = 0;
	return lf + 1;
}

/* ---- literals ---- */

static size_t read_literal(struct imap_server *s, slice in)
{
	size_t n = in.len;

	if (n > s->literal_left)
		n = (size_t)s->literal_left;
	if (s->literal_message && !s->skipping) {
		if (n > IMAP_TEXT_PIECE)
			n = IMAP_TEXT_PIECE;
		s->literal_left -= n;
		imap_append_text(s, slice_head(in, n));
		if (s->literal_left == 0)
			imap_append_text_end(s);
		return n;
	}
	if (!s->skipping) {
		buffer_add(&s->command, slice_head(in, n));
		s->scanned = buffer_bytes(&s->command).len;
	}
	s->literal_left -= n;
	return n;
}

static void begin_literal(struct imap_server *s, uint64_t size, bool waits)
{
	/* With its line end, and another for what follows. */
	bool fits = size + 4 <= buffer_room(&s->command);

	s->literal_message = false;
	if (fits && waits)
		buffer_add(&s->out, slice_lit("+ go on\r\n"));
	if (fits) {
		s->literal_left = size;
		return;
	}
	find_tag(s);
	if (waits) {                    /* it will not be sent */
		skipped(s);
		return;
	}
	skip(s);
	s->tail_len = 0;
	s->literal_left = size;
}

/* ---- lines ---- */

static void on_line(struct imap_server *s, slice line)
{
	uint64_t size;
	bool waits;

	switch (s->reading) {
	case IMAP_READ_SASL:
		imap_on_sasl_line(s, line);
		break;
	case IMAP_READ_IDLE:
		imap_on_idle_line(s, line);
		break;
	case IMAP_READ_APPEND:
		if (ends_in_literal(slice_drop(line, s->scanned), &size, &waits))
			imap_append_line(s, line, true, size, waits);
		else
			imap_append_line(s, line, false, 0, false);
		break;
	case IMAP_READ_COMMAND:
		if (!ends_in_literal(slice_drop(line, s->scanned), &size, &waits)) {
			imap_dispatch(s, line);
			break;
		}
		if (s->state != IMAP_NOT_AUTHENTICATED && imap_append_literal(s, line, size, waits))
			break;
		/* Who has lost the thread must not send what would be taken for a literal. */
		if (waits && s->scanned == 0 && imap_refuse(s, line))
			break;
		buffer_add(&s->command, slice_lit("\r\n"));
		s->scanned = buffer_bytes(&s->command).len;
		begin_literal(s, size, waits);
		break;
	}
}

/* One line, or a piece of one. */
static size_t read_line(struct imap_server *s, slice in)
{
	size_t lf = slice_find_byte(in, '\n');
	slice piece = slice_head(in, lf < in.len ? lf : in.len), all;
	size_t fits;

	if (s->reading == IMAP_READ_SASL || s->reading == IMAP_READ_IDLE) {
		/* These stand alone: the command's own text is over. */
		if (lf == in.len && in.len < IMAP_LOGIN_COMMAND_MAX)
			return 0;
		on_line(s, without_line_end(piece));
		return lf < in.len ? lf + 1 : in.len;
	}
	/* Two more octets are for the line end. */
	fits = buffer_room(&s->command) - 2;
	if (piece.len > fits) {
		buffer_add(&s->command, slice_head(piece, fits));
		skip(s);
		return pass_over(s, in);
	}
	buffer_add(&s->command, piece);
	if (lf == in.len)
		return in.len;
	all = buffer_bytes(&s->command);
	if (slice_ends(all, slice_lit("\r")) && all.len > s->scanned)
		buffer_truncate(&s->command, all.len - 1);
	on_line(s, buffer_bytes(&s->command));
	return lf + 1;
}

size_t imap_read(struct imap_server *s, slice in)
{
	if (s->literal_left > 0)
		return read_literal(s, in);
	if (s->skipping)
		return pass_over(s, in);
	return read_line(s, in);
}
