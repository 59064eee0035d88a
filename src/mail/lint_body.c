/* mail/lint_body.c - does the body hold what its header says? */
#include "mail/charset.h"
#include "mail/content_decode.h"
#include "mail/content_type.h"
#include "mail/header.h"
#include "mail/lint_impl.h"
#include "mail/parameter_read.h"

/* Does the Content-Type say a character set, in pieces or not (RFC 2231), that is none? */
static bool has_bad_charset(struct linting *l, slice value)
{
	struct buffer label = buffer_init(l->arena->heap, PARAMETER_MAX);
	slice parameters = slice_drop(value, slice_find_byte(value, ';')), charset;
	bool extended, bad;

	bad = parameter_join(parameters, slice_lit("charset"), &label, &charset, &extended) &&
	    !charset_known(slice_trim(buffer_bytes(&label)));
	buffer_free(&label);
	return bad;
}

/* ---- encodings ---- */

static bool is_base64(slice body)
{
	size_t n = 0, padding = 0;

	for (size_t i = 0; i < body.len; i++) {
		unsigned char c = body.ptr[i], low = ascii_lower(c);

		if (c == '\r' || c == '\n' || c == ' ' || c == '\t')
			continue;
		n++;
		if (c == '=')
			padding++;
		else if (padding > 0 || !((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
		    c == '+' || c == '/'))
			return false;
	}
	return n % 4 == 0 && padding <= 2;
}

/* "=" begins two digits or ends its line; all else is printable ASCII. */
static bool is_quoted_printable(slice body)
{
	for (size_t i = 0; i < body.len; i++) {
		slice rest = slice_drop(body, i + 1);

		if (body.ptr[i] > 126)
			return false;
		if (body.ptr[i] != '=')
			continue;
		while (rest.len > 0 && (rest.ptr[0] == ' ' || rest.ptr[0] == '\t'))
			rest = slice_drop(rest, 1);
		if (rest.len == 0 || rest.ptr[0] == '\r' || rest.ptr[0] == '\n') {
			i = body.len - rest.len - 1;
			continue;
		}
		if (i + 2 >= body.len || hex_value(body.ptr[i + 1]) > 15 ||
		    hex_value(body.ptr[i + 2]) > 15)
			return false;
	}
	return true;
}

/* ---- the whole ---- */

static bool has_delimiter(slice body, slice boundary)
{
	while (body.len > 0) {
		slice line = slice_cut(&body, '\n');
		bool last;

		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (content_type_delimiter(line, boundary, &last))
			return true;
	}
	return false;
}

static void look_at_type(struct linting *l, slice value)
{
	const slice name = slice_lit("Content-Type");
	struct content_type type = content_type_read(value);

	if (type.type.len == 0)
		lint_at(l, LINT_TYPE_BAD, name);
	if (content_type_is(&type, "multipart", NULL)) {
		if (type.boundary.len == 0)
			lint_at(l, LINT_BOUNDARY_MISSING, name);
		else if (!has_delimiter(l->body, type.boundary))
			lint_at(l, LINT_BOUNDARY_UNUSED, slice_lit("body"));
	}
	if (content_type_is(&type, "text", "html"))
		lint_at(l, LINT_HTML_ONLY, name);
	if (has_bad_charset(l, value))
		lint_at(l, LINT_CHARSET_UNKNOWN, name);
}

void lint_body(struct linting *l)
{
	slice type = header_find(l->header, slice_lit("Content-Type"));
	slice value = header_find(l->header, slice_lit("Content-Transfer-Encoding"));
	bool mime = header_find(l->header, slice_lit("MIME-Version")).ptr != NULL;
	enum content_encoding encoding = content_encoding_read(value);

	if (type.ptr != NULL)
		look_at_type(l, type);
	if (encoding == CONTENT_UNKNOWN)
		lint_at(l, LINT_ENCODING_UNKNOWN, slice_lit("Content-Transfer-Encoding"));
	if (encoding == CONTENT_BASE64 && !is_base64(l->body))
		lint_at(l, LINT_BASE64_BAD, slice_lit("body"));
	if (encoding == CONTENT_QUOTED_PRINTABLE && !is_quoted_printable(l->body))
		lint_at(l, LINT_QUOTED_PRINTABLE_BAD, slice_lit("body"));
	if (l->body_8bit > 0 &&
	    (!mime || (encoding != CONTENT_8BIT && encoding != CONTENT_BINARY)))
		lint_at_line(l, LINT_BODY_8BIT, l->body_8bit);
}
