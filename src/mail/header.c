/* mail/header.c - scanning fields, line by line. */
#include "mail/header.h"

/* Length of the line, its end included; 0 when its end is not there. */
static size_t line_length(slice in)
{
	size_t at = slice_find_byte(in, '\n');

	return at < in.len ? at + 1 : 0;
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

/* field-name = 1*ftext, then blanks (s4.5.8), then ":". */
size_t header_name_length(slice line)
{
	size_t n = 0, end;

	while (n < line.len && line.ptr[n] > ' ' && line.ptr[n] < 127 && line.ptr[n] != ':')
		n++;
	end = n;
	while (end < line.len && is_blank(line.ptr[end]))
		end++;
	return n > 0 && end < line.len && line.ptr[end] == ':' ? n : 0;
}

slice header_without_end(slice line)
{
	if (line.len > 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* How long the field is that `in` begins with, folded lines included; 0 when
 * the next line is needed to tell. */
static size_t field_length(slice in, bool final)
{
	size_t at = 0;

	for (;;) {
		size_t line = line_length(slice_drop(in, at));

		if (line == 0)
			return final ? in.len : 0;
		at += line;
		if (at == in.len)
			return final ? at : 0;
		if (!is_blank(in.ptr[at]))
			return at;
	}
}

enum header_result header_next(slice *in, bool final, struct header_field *ret)
{
	size_t first = line_length(*in), name, length;
	slice line;

	if (first == 0 && !final)
		return HEADER_MORE;
	if (in->len == 0)
		return HEADER_END;
	line = header_without_end(slice_head(*in, first ? first : in->len));
	if (line.len == 0) {
		*in = slice_drop(*in, first);
		return HEADER_END;
	}
	name = header_name_length(line);
	if (name == 0)
		return HEADER_BODY;
	length = field_length(*in, final);
	if (length == 0)
		return HEADER_MORE;
	ret->whole = slice_head(*in, length);
	ret->name = slice_head(line, name);
	ret->value = header_without_end(slice_drop(ret->whole,
	    name + slice_find_byte(slice_drop(line, name), ':') + 1));
	*in = slice_drop(*in, length);
	return HEADER_FIELD;
}

slice header_find(slice header, slice name)
{
	struct header_field field;

	while (header_next(&header, true, &field) == HEADER_FIELD) {
		if (slice_equal_ascii(field.name, name))
			return field.value;
	}
	return (slice){ 0 };
}
