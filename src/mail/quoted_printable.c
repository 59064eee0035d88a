/* mail/quoted_printable.c - quoted-printable, written. */
#include "mail/quoted_printable.h"

struct line {
	struct buffer *out;
	unsigned char bytes[QUOTED_PRINTABLE_LINE];
	size_t n;
};

/* The line so far, and how it ends. */
static bool end_line(struct line *line, slice end)
{
	bool fits = buffer_append(line->out, slice_of(line->bytes, line->n)) &&
	    buffer_append(line->out, end);

	line->n = 0;
	return fits;
}

/* One character of the encoding, with a soft line break before it if there is no
 * room for it and for the "=" of such a break. */
static bool put(struct line *line, unsigned char c, bool literal)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t len = literal ? 1 : 3;

	if (line->n + len > QUOTED_PRINTABLE_LINE - 1 && !end_line(line, slice_lit("=\r\n")))
		return false;
	if (literal) {
		line->bytes[line->n++] = c;
	} else {
		line->bytes[line->n++] = '=';
		line->bytes[line->n++] = (unsigned char)digits[c >> 4];
		line->bytes[line->n++] = (unsigned char)digits[c & 15];
	}
	return true;
}

/* How long the line end is that text begins with; 0: it begins with none. */
static size_t line_end(slice text)
{
	if (text.len > 0 && text.ptr[0] == '\n')
		return 1;
	return slice_starts(text, slice_lit("\r\n")) ? 2 : 0;
}

/* s6.7 (2) and (3): blanks stand for themselves, but not at the end of a line. */
static bool is_literal(slice text)
{
	unsigned char c = text.ptr[0];
	slice rest = slice_drop(text, 1);

	if (c == ' ' || c == '\t')
		return rest.len > 0 && line_end(rest) == 0;
	return c > ' ' && c < 127 && c != '=';
}

bool quoted_printable_write(slice text, struct buffer *out)
{
	struct line line = { .out = out };

	while (text.len > 0) {
		size_t end = line_end(text);
		bool fits = end > 0 ? end_line(&line, slice_lit("\r\n")) :
		    put(&line, text.ptr[0], is_literal(text));

		if (!fits)
			return false;
		text = slice_drop(text, end > 0 ? end : 1);
	}
	return end_line(&line, (slice){ 0 });
}
