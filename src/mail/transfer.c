/* mail/transfer.c - quoted-printable and base 64, as the content comes. */
#include "mail/transfer.h"

#include "mail/base64.h"
#include "mail/quoted_printable.h"

/* ---- quoted-printable ---- */

/* At the start of a line: what others would take for something else. When too little
 * of the text is there to tell, it is. */
static bool is_risky(slice text, bool last)
{
	slice words[] = { slice_lit("."), slice_lit("--"), slice_lit("From ") };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (slice_starts(text, words[i]) || (!last && slice_starts(words[i], text)))
			return true;
	}
	return false;
}

/* The character that text begins with; a soft line break before it if there is no
 * room for it and for the "=" of such a break. */
static void put(struct transfer_writer *w, slice text, bool literal, bool last,
    struct buffer *out)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char c = text.ptr[0];
	unsigned char code[] = { '=', (unsigned char)digits[c >> 4],
	    (unsigned char)digits[c & 15] };

	if (w->column + (literal ? 1 : 3) > QUOTED_PRINTABLE_LINE - 1) {
		buffer_add(out, slice_lit("=\r\n"));
		w->column = 0;
	}
	if (w->column == 0 && is_risky(text, last))
		literal = false;
	buffer_add(out, literal ? slice_head(text, 1) : slice_of(code, 3));
	w->column += literal ? 1 : 3;
}

static void put_blank(struct transfer_writer *w, bool literal, struct buffer *out)
{
	if (w->blank != 0)
		put(w, slice_of(&w->blank, 1), literal, true, out);
	w->blank = 0;
}

static void quoted_text(struct transfer_writer *w, slice text, bool last, struct buffer *out)
{
	if (w->newline) {
		buffer_add(out, slice_lit("\r\n"));
		w->column = 0;
	}
	for (; text.len > 0; text = slice_drop(text, 1)) {
		unsigned char c = text.ptr[0];

		put_blank(w, true, out);
		if (c == ' ' || c == '\t')
			w->blank = c;
		else
			put(w, text, c > ' ' && c < 127 && c != '=', last, out);
	}
}

/* ---- base 64 ---- */

static void put_group(struct transfer_writer *w, struct buffer *out)
{
	if (w->n == 0)
		return;
	base64_encode(slice_of(w->group, w->n), out);
	buffer_add(out, slice_lit("\r\n"));
	w->n = 0;
}

static void base64_text(struct transfer_writer *w, slice text, struct buffer *out)
{
	for (size_t i = 0; i < text.len; i++) {
		w->group[w->n++] = text.ptr[i];
		if (w->n == TRANSFER_GROUP)
			put_group(w, out);
	}
}

/* ---- both ---- */

size_t transfer_room(size_t len)
{
	/* Three for one; a soft break in each line, which has 24 characters at least; and
	 * what was held back. */
	return 3 * len + (len / 24 + 2) * 3 + QUOTED_PRINTABLE_LINE + 2;
}

void transfer_text(struct transfer_writer *w, slice text, bool last, struct buffer *out)
{
	if (w->kind == TRANSFER_QUOTED_PRINTABLE) {
		quoted_text(w, text, last, out);
	} else {
		if (w->newline)
			base64_text(w, slice_lit("\r\n"), out);
		base64_text(w, text, out);
	}
	w->newline = false;
}

void transfer_newline(struct transfer_writer *w, struct buffer *out)
{
	if (w->kind == TRANSFER_QUOTED_PRINTABLE)
		put_blank(w, false, out);
	w->newline = true;
}

void transfer_end(struct transfer_writer *w, bool delimiter, struct buffer *out)
{
	if (w->kind == TRANSFER_QUOTED_PRINTABLE) {
		put_blank(w, false, out);
		if (w->newline)
			buffer_add(out, slice_lit("\r\n"));
	} else {
		if (w->newline && !delimiter)
			base64_text(w, slice_lit("\r\n"), out);
		put_group(w, out);
	}
	w->newline = false;
	w->column = 0;
}
