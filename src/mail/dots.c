/* mail/dots.c - dot-stuffing and its undoing.
 *
 * Writing. A CR is held back (DOTS_CR) until the next byte says what it was:
 *
 *   LINE_START --other--> MIDDLE --CR--> CR --LF--> LINE_START
 *       '--------------CR------------------^
 *
 * Reading. A dot at the start of a line is held back until the next byte; so is
 * the CR behind it:
 *
 *   AT_START --"."--> AFTER_DOT --CR--> AFTER_DOT_CR --LF--> the end */
#include "mail/dots.h"

#include "base/check.h"
#include "base/limits.h"

size_t dots_write_max(const struct buffer *out)
{
	size_t room = buffer_room(out);

	/* A byte becomes two at most: a dot, or a bare CR or LF to be mended. */
	return room > DOTS_END_MAX ? (room - DOTS_END_MAX) / 2 : 0;
}

/* What stands before the next CR or LF. */
static slice take_run(slice *rest)
{
	slice run = *rest;
	size_t n = 0;

	while (n < rest->len && rest->ptr[n] != '\r' && rest->ptr[n] != '\n')
		n++;
	*rest = slice_drop(run, n);
	return slice_head(run, n);
}

/* The byte after a CR that was held back. */
static void after_cr(struct dots_writer *w, slice *rest, struct buffer *out)
{
	if (rest->ptr[0] == '\n') {
		*rest = slice_drop(*rest, 1);
		w->at = DOTS_LINE_START;
		buffer_add(out, slice_lit("\r\n"));
	} else if (w->mend) {
		w->at = DOTS_LINE_START;
		buffer_add(out, slice_lit("\r\n"));
	} else {
		w->at = DOTS_MIDDLE;
		buffer_add(out, slice_lit("\r"));
	}
}

/* At a CR or LF that no CR stands before. */
static void at_line_break(struct dots_writer *w, slice *rest, struct buffer *out)
{
	if (rest->ptr[0] == '\r') {
		w->at = DOTS_CR;
	} else if (w->mend) {
		w->at = DOTS_LINE_START;
		buffer_add(out, slice_lit("\r\n"));
	} else {
		w->at = DOTS_MIDDLE;
		buffer_add(out, slice_lit("\n"));
	}
	*rest = slice_drop(*rest, 1);
}

void dots_write(struct dots_writer *w, slice part, struct buffer *out)
{
	slice rest = part;

	check(part.len <= dots_write_max(out));
	(void)buffer_reserve(out, part.len);    /* grow once, not line by line */
	while (rest.len > 0) {
		slice run;

		if (w->at == DOTS_CR) {
			after_cr(w, &rest, out);
			continue;
		}
		run = take_run(&rest);
		if (run.len > 0) {
			if (w->at == DOTS_LINE_START && run.ptr[0] == '.')
				buffer_add(out, slice_lit("."));
			buffer_add(out, run);
			w->at = DOTS_MIDDLE;
		}
		if (rest.len > 0)
			at_line_break(w, &rest, out);
	}
}

void dots_write_end(struct dots_writer *w, struct buffer *out)
{
	if (w->at == DOTS_CR && !w->mend)
		buffer_add(out, slice_lit("\r"));
	if (w->at != DOTS_LINE_START)
		buffer_add(out, slice_lit("\r\n"));
	buffer_add(out, slice_lit(".\r\n"));
	w->at = DOTS_LINE_START;
}

/* The text from *in up to a line that starts with a dot, or all of it. */
static slice take_lines(struct dots_reader *r, slice *in)
{
	slice all = *in;
	bool after_cr = r->at == DOTS_AFTER_CR;
	size_t n = 0;

	for (;;) {
		size_t lf = n + slice_find_byte(slice_drop(all, n), '\n');

		if (lf == all.len) {
			n = all.len;
			r->at = all.ptr[n - 1] == '\r' ? DOTS_AFTER_CR : DOTS_WITHIN;
			break;
		}
		n = lf + 1;
		r->at = DOTS_WITHIN;
		if (lf > 0 ? all.ptr[lf - 1] == '\r' : after_cr)
			r->at = DOTS_AT_START;
		if (n == all.len || (r->at == DOTS_AT_START && all.ptr[n] == '.'))
			break;
	}
	*in = slice_drop(all, n);
	return slice_head(all, n);
}

enum dots_result dots_read(struct dots_reader *r, slice *in, slice *ret_part)
{
	while (in->len > 0) {
		unsigned char c = in->ptr[0];

		if (r->at == DOTS_AT_START && c == '.') {
			r->at = DOTS_AFTER_DOT;
			*in = slice_drop(*in, 1);
		} else if (r->at == DOTS_AFTER_DOT && c == '\r') {
			r->at = DOTS_AFTER_DOT_CR;
			*in = slice_drop(*in, 1);
		} else if (r->at == DOTS_AFTER_DOT_CR && c == '\n') {
			r->at = DOTS_AT_START;
			*in = slice_drop(*in, 1);
			return DOTS_END;
		} else if (r->at == DOTS_AFTER_DOT_CR) {
			/* ".", CR, and no LF: the CR was part of the line. */
			r->at = DOTS_AFTER_CR;
			*ret_part = slice_lit("\r");
			return DOTS_PART;
		} else {
			*ret_part = take_lines(r, in);
			return DOTS_PART;
		}
	}
	return DOTS_MORE;
}
