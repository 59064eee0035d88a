/* mail/parameter.c - quoted, or in pieces: filename*0*=UTF-8''Gr%C3%BC; filename*1*=... */
#include "mail/parameter.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "mail/utf8.h"

/* Of a value: what leaves room for the parameter's name in a line of FIELD_LINE. */
enum { PIECE = 48, NAME = 24 };

static void write_quoted(struct field *f, const char *name, slice value)
{
	field_space(f, strlen(name) + value.len + 3);
	field_glue(f, slice_from(name));
	field_glue(f, slice_lit("=\""));
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '"' || value.ptr[i] == '\\')
			field_glue(f, slice_lit("\\"));
		field_glue(f, slice_sub(value, i, 1));
	}
	field_glue(f, slice_lit("\""));
}

/* attribute-char of RFC 2231 s7. */
static bool is_plain(unsigned char c)
{
	return c > ' ' && c < 127 && strchr("()<>@,;:\\\"/[]?=*'%", c) == NULL;
}

/* Whole characters off the front of *value, as many as a piece holds; the length
 * of what was put at `out`. */
static size_t take_piece(slice *value, char out[PIECE + 1])
{
	size_t n = 0;

	while (value->len > 0) {
		size_t character = utf8_length(*value), need = 3 * character;

		check(character > 0);
		if (character == 1 && is_plain(value->ptr[0]))
			need = 1;
		if (n + need > PIECE)
			break;
		for (size_t i = 0; i < character; i++)
			n += (size_t)snprintf(out + n, PIECE + 1 - n,
			    need == 1 ? "%c" : "%%%02X", value->ptr[i]);
		*value = slice_drop(*value, character);
	}
	return n;
}

/* RFC 2231 s4.1: the character set stands in the first piece only. */
static void write_extended(struct field *f, const char *name, slice value)
{
	char piece[PIECE + 1], head[NAME + 32];

	for (unsigned number = 0; value.len > 0; number++) {
		const char *charset = number == 0 ? "UTF-8''" : "";
		size_t n = take_piece(&value, piece);

		if (number == 0 && value.len == 0)
			snprintf(head, sizeof head, "%s*=%s", name, charset);
		else
			snprintf(head, sizeof head, "%s*%u*=%s", name, number, charset);
		field_space(f, strlen(head) + n);
		field_glue(f, slice_from(head));
		field_glue(f, slice_of(piece, n));
		if (value.len > 0)
			field_glue(f, slice_lit(";"));
	}
}

void parameter_write(struct field *f, const char *name, slice value)
{
	check(strlen(name) <= NAME);
	field_glue(f, slice_lit(";"));
	if (slice_is_ascii(value) && value.len <= PIECE)
		write_quoted(f, name, value);
	else
		write_extended(f, name, value);
}
