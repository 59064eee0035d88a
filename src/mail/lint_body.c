/* mail/lint_body.c - does the body hold what its header says? */
#include <string.h>

#include "mail/content_type.h"
#include "mail/header.h"
#include "mail/lint_impl.h"

/* ---- character sets ---- */

/* How names of those begin that mail programs know. */
static const char *const charsets[] = { "us-ascii", "ascii", "utf-8", "utf8", "utf-7", "utf-16",
	"utf-32", "iso-8859-", "iso8859-", "latin", "windows-", "cp1", "cp4", "cp8", "cp9", "ibm",
	"koi8-", "gb2312", "gbk", "gb18030", "hz-gb", "big5", "euc-", "shift_jis", "shift-jis",
	"sjis", "iso-2022-", "ks_c_5601", "tis-620", "macintosh", "viscii", "tcvn", "unknown-8bit" };

/* The charset of a Content-Type; ptr NULL: it says none. */
static slice charset_of(slice value)
{
	const slice name = slice_lit("charset");

	while (value.len > 0) {
		slice parameter = slice_cut(&value, ';');

		while (parameter.len > 0 && parameter.ptr[0] <= ' ')
			parameter = slice_drop(parameter, 1);
		if (!slice_starts_ascii(parameter, name))
			continue;
		parameter = slice_trim(slice_drop(parameter, name.len));
		if (parameter.len == 0 || parameter.ptr[0] != '=')
			continue;
		parameter = slice_trim(slice_drop(parameter, 1));
		while (parameter.len > 0 && parameter.ptr[parameter.len - 1] <= ' ')
			parameter.len--;
		if (parameter.len >= 2 && parameter.ptr[0] == '"')
			parameter = slice_sub(parameter, 1, parameter.len - 2);
		return parameter;
	}
	return (slice){ 0 };
}

static bool is_known_charset(slice name)
{
	for (size_t i = 0; i < sizeof charsets / sizeof charsets[0]; i++) {
		if (slice_starts_ascii(name, slice_from(charsets[i])))
			return true;
	}
	return false;
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

static bool is_hex(unsigned char c)
{
	return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
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
		if (i + 2 >= body.len || !is_hex(body.ptr[i + 1]) || !is_hex(body.ptr[i + 2]))
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
	slice charset = charset_of(value);

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
	if (charset.ptr != NULL && !is_known_charset(charset))
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
