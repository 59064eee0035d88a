/* mail/compose_piece.c - fields, lines, base 64 and delimiters. */
#include "mail/compose_piece.h"

#include "mail/base64.h"
#include "mail/encoded_word.h"
#include "mail/field.h"

enum { BASE64_LINE = 57 };              /* bytes: 76 characters, RFC 2045 s6.8 */

bool piece_line(struct buffer *out, const char *name, slice value)
{
	struct field f = field_begin(out, name);

	field_word(&f, value);
	return field_end(&f);
}

bool piece_text(struct buffer *out, const char *name, slice text)
{
	struct field f = field_begin(out, name);

	if (encoded_word_needed(text))
		encoded_word_write(&f, text);
	else
		field_text(&f, text);
	return field_end(&f);
}

bool piece_message_id(struct buffer *out, slice unique, slice hostname)
{
	struct field f = field_begin(out, "Message-ID");

	field_space(&f, unique.len + hostname.len + 3);
	field_glue(&f, slice_lit("<"));
	field_glue(&f, unique);
	field_glue(&f, slice_lit("@"));
	field_glue(&f, hostname);
	field_glue(&f, slice_lit(">"));
	return field_end(&f);
}

bool piece_encoding(struct buffer *out, const char *name)
{
	return piece_line(out, "Content-Transfer-Encoding", slice_from(name)) &&
	    buffer_append(out, slice_lit("\r\n"));
}

bool piece_lines(struct buffer *out, slice text)
{
	while (text.len > 0) {
		bool ended = slice_find_byte(text, '\n') < text.len;
		slice line = slice_cut(&text, '\n');

		if (ended && line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (!buffer_append(out, line) || (ended && !buffer_append(out, slice_lit("\r\n"))))
			return false;
	}
	return true;
}

bool piece_base64(struct buffer *out, slice bytes)
{
	while (bytes.len > 0) {
		slice line = slice_head(bytes, bytes.len < BASE64_LINE ? bytes.len : BASE64_LINE);

		if (buffer_room(out) < base64_length(line.len) + 2)
			return false;
		base64_encode(line, out);
		buffer_add(out, slice_lit("\r\n"));
		bytes = slice_drop(bytes, line.len);
	}
	return true;
}

bool piece_boundary(struct buffer *out, slice boundary, const char *end)
{
	return buffer_append(out, slice_lit("\r\n--")) && buffer_append(out, boundary) &&
	    buffer_append(out, slice_from(end)) && buffer_append(out, slice_lit("\r\n"));
}
