/* mail/mbox_line.c - lines of an mbox, and its own header fields. */
#include "mail/mbox_line.h"

#include "base/limits.h"

bool mbox_line_take(slice *in, bool final, slice *ret_line, bool *ret_ended)
{
	size_t lf = slice_find_byte(*in, '\n'), n = in->len;

	if (lf < in->len) {
		slice line = slice_head(*in, lf);

		if (slice_ends(line, slice_lit("\r")))
			line.len--;
		*in = slice_drop(*in, lf + 1);
		*ret_line = line;
		*ret_ended = true;
		return true;
	}
	if (in->len == 0 || (!final && in->len <= MBOX_LINE_MAX))
		return false;
	/* A CR may be half of a line end. */
	if (!final && in->ptr[n - 1] == '\r')
		n--;
	*ret_line = slice_head(*in, n);
	*ret_ended = false;
	*in = slice_drop(*in, n);
	return true;
}

bool mbox_line_is_from(slice line)
{
	size_t n = 0;

	while (n < line.len && line.ptr[n] == '>')
		n++;
	return slice_starts(slice_drop(line, n), slice_lit("From "));
}

enum mbox_field mbox_line_field(slice line, slice *ret_value)
{
	static const struct {
		slice name;
		enum mbox_field field;
	} fields[] = {
		{ slice_lit("Status"), MBOX_FIELD_STATUS },
		{ slice_lit("X-Status"), MBOX_FIELD_X_STATUS },
		{ slice_lit("X-Keywords"), MBOX_FIELD_KEYWORDS },
		{ slice_lit("X-IMAP"), MBOX_FIELD_IMAP },
		{ slice_lit("X-IMAPbase"), MBOX_FIELD_DROPPED },
		{ slice_lit("X-UID"), MBOX_FIELD_DROPPED },
	};
	slice name = slice_head(line, slice_find_byte(line, ':'));

	if (name.len == line.len)
		return MBOX_FIELD_OTHER;
	*ret_value = slice_drop(line, name.len + 1);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (slice_equal_ascii(name, fields[i].name))
			return fields[i].field;
	}
	return MBOX_FIELD_OTHER;
}
