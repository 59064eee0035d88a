/* mail/content_type.c - type, subtype, and the one parameter that parts depend on. */
#include "mail/content_type.h"

#include <string.h>

#include "mail/cfws.h"

static bool is_token(unsigned char c)
{
	return c > ' ' && c < 127 && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static slice take_token(slice *in)
{
	slice all = *in;
	size_t n = 0;

	while (n < all.len && is_token(all.ptr[n]))
		n++;
	*in = slice_drop(all, n);
	return slice_head(all, n);
}

slice content_type_cut(slice *in)
{
	slice all = *in;
	bool quoted = false;
	size_t n = 0;

	while (n < all.len && (quoted || all.ptr[n] != ';')) {
		if (all.ptr[n] == '"')
			quoted = !quoted;
		else if (all.ptr[n] == '\\' && quoted && n + 1 < all.len)
			n++;
		n++;
	}
	*in = slice_drop(all, n < all.len ? n + 1 : n);
	return slice_head(all, n);
}

/* The characters of a boundary (RFC 2046 s5.1.1, and some more that are seen). */
static bool is_clear(slice boundary, bool quoted)
{
	for (size_t i = 0; i < boundary.len; i++) {
		unsigned char c = boundary.ptr[i];

		if (c < ' ' || c > 126 || c == '"' || c == '\\')
			return false;
		if (!quoted && (c == ' ' || c == '('))
			return false;
	}
	return boundary.len > 0 && boundary.ptr[boundary.len - 1] != ' ';
}

static slice boundary_of(slice value)
{
	bool quoted = value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"';

	if (quoted)
		value = slice_sub(value, 1, value.len - 2);
	return is_clear(value, quoted) ? value : (slice){ 0 };
}

static slice find_boundary(slice parameters)
{
	slice found = { 0 };
	unsigned n = 0;

	while (parameters.len > 0) {
		slice value = content_type_cut(&parameters), name;

		if (!cfws_skip(&value))
			continue;
		name = slice_head(value, slice_find_byte(value, '='));
		value = slice_drop(value, name.len < value.len ? name.len + 1 : name.len);
		name = cfws_trim(name);
		if (!slice_starts_ascii(name, slice_lit("boundary")))
			continue;
		n++;
		if (name.len == sizeof "boundary" - 1)
			found = boundary_of(cfws_trim(value));
		else if (name.ptr[sizeof "boundary" - 1] == '*')
			n++;
		else
			n--;
	}
	return n == 1 ? found : (slice){ 0 };
}

bool content_type_delimiter(slice line, slice boundary, bool *ret_last)
{
	slice rest;

	if (!slice_starts(line, slice_lit("--")) || !slice_starts(slice_drop(line, 2), boundary))
		return false;
	rest = slice_drop(line, 2 + boundary.len);
	while (rest.len > 0 && (rest.ptr[rest.len - 1] == ' ' || rest.ptr[rest.len - 1] == '\t'))
		rest.len--;
	if (rest.len > 0 && !slice_equal(rest, slice_lit("--")))
		return false;
	*ret_last = rest.len > 0;
	return true;
}

/* type "/" subtype *(";" parameter) */
struct content_type content_type_read(slice value)
{
	struct content_type t = { 0 };
	slice type, subtype;

	if (!cfws_skip(&value))
		return t;
	type = take_token(&value);
	if (!cfws_skip(&value) || value.len == 0 || value.ptr[0] != '/')
		return t;
	value = slice_drop(value, 1);
	if (!cfws_skip(&value))
		return t;
	subtype = take_token(&value);
	if (type.len == 0 || subtype.len == 0)
		return t;
	t.type = type;
	t.subtype = subtype;
	(void)content_type_cut(&value);
	t.boundary = find_boundary(value);
	return t;
}

bool content_type_is(const struct content_type *t, const char *type, const char *subtype)
{
	return slice_equal_ascii(t->type, slice_from(type)) &&
	    (subtype == NULL || slice_equal_ascii(t->subtype, slice_from(subtype)));
}

enum content_encoding content_encoding_read(slice value)
{
	static const char *const names[] = {
		[CONTENT_7BIT] = "7bit", [CONTENT_8BIT] = "8bit", [CONTENT_BINARY] = "binary",
		[CONTENT_QUOTED_PRINTABLE] = "quoted-printable", [CONTENT_BASE64] = "base64",
	};
	slice name;

	if (!cfws_skip(&value))
		return CONTENT_UNKNOWN;
	if (value.len == 0)
		return CONTENT_7BIT;
	name = take_token(&value);
	if (!cfws_skip(&value) || (value.len > 0 && value.ptr[0] != ';'))
		return CONTENT_UNKNOWN;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (slice_equal_ascii(name, slice_from(names[i])))
			return (enum content_encoding)i;
	}
	return CONTENT_UNKNOWN;
}
