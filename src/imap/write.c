/* imap/write.c - quoted strings and literals. */
#include "imap/write.h"

#include "base/limits.h"

void imap_put(struct imap_writer *w, slice text)
{
	w->full = w->full || !buffer_append(w->out, text);
}

void imap_put_number(struct imap_writer *w, uint64_t number)
{
	unsigned char text[20];
	size_t at = sizeof text;

	do {
		text[--at] = (unsigned char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	imap_put(w, slice_of(text + at, sizeof text - at));
}

static bool is_fold(unsigned char c)
{
	return c == '\r' || c == '\n';
}

/* How many octets it will have; *ret_plain: it may be quoted. */
static size_t measure(slice text, bool *ret_plain)
{
	size_t n = 0;

	*ret_plain = true;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.ptr[i];

		if (is_fold(c))
			continue;
		n++;
		if (c < ' ' || c > '~')
			*ret_plain = false;
	}
	*ret_plain = *ret_plain && n <= IMAP_QUOTED_MAX;
	return n;
}

static void put_quoted(struct imap_writer *w, slice text)
{
	unsigned char quoted[2 * IMAP_QUOTED_MAX + 2];
	size_t n = 0;

	quoted[n++] = '"';
	for (size_t i = 0; i < text.len; i++) {
		if (is_fold(text.ptr[i]))
			continue;
		if (text.ptr[i] == '"' || text.ptr[i] == '\\')
			quoted[n++] = '\\';
		quoted[n++] = text.ptr[i];
	}
	quoted[n++] = '"';
	imap_put(w, slice_of(quoted, n));
}

static void put_literal(struct imap_writer *w, slice text, size_t len)
{
	unsigned char *at;
	size_t n = 0;

	imap_put(w, slice_lit("{"));
	imap_put_number(w, len);
	imap_put(w, slice_lit("}\r\n"));
	w->full = w->full || buffer_room(w->out) < len;
	if (w->full)
		return;
	at = buffer_reserve(w->out, len);
	for (size_t i = 0; i < text.len; i++) {
		if (!is_fold(text.ptr[i]))
			at[n++] = text.ptr[i] == 0 ? '?' : text.ptr[i];
	}
	buffer_filled(w->out, n);
}

void imap_put_string(struct imap_writer *w, slice text)
{
	bool plain;
	size_t len = measure(text, &plain);

	if (plain)
		put_quoted(w, text);
	else
		put_literal(w, text, len);
}

void imap_put_nstring(struct imap_writer *w, slice text)
{
	if (text.ptr == NULL)
		imap_put(w, slice_lit("NIL"));
	else
		imap_put_string(w, text);
}
