/* http/target.c - path and query of a request target. */
#include "http/target.h"

static int digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* pct-encoded = "%" HEXDIG HEXDIG, RFC 3986 s2.1; in a query "+" is a blank, as HTML
 * forms have it. False: a "%" without its digits; or the arena is full. */
static bool decode(slice text, bool form, struct arena *arena, slice *ret)
{
	bool plain = slice_find_byte(text, '%') == text.len &&
	    (!form || slice_find_byte(text, '+') == text.len);
	unsigned char *out;
	size_t n = 0;

	if (plain) {
		*ret = text;
		return true;
	}
	out = arena_try(arena, text.len, 1);
	if (out == NULL)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.ptr[i];

		if (c == '%') {
			int high = i + 2 < text.len ? digit(text.ptr[i + 1]) : -1;
			int low = i + 2 < text.len ? digit(text.ptr[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (unsigned char)(high << 4 | low);
			i += 2;
		} else if (form && c == '+') {
			c = ' ';
		}
		out[n++] = c;
	}
	*ret = slice_of(out, n);
	return true;
}

/* absolute-form, RFC 9112 s3.2.2: without scheme and host an origin-form is left. */
static slice origin_form(slice text)
{
	if (slice_starts_ascii(text, slice_lit("http://")))
		text = slice_drop(text, 7);
	else if (slice_starts_ascii(text, slice_lit("https://")))
		text = slice_drop(text, 8);
	else
		return text;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '/')
			return slice_drop(text, i);
		if (text.ptr[i] == '?')
			break;
	}
	return (slice){ 0 };
}

static bool take_path(slice path, struct arena *arena, struct http_target *t)
{
	bool more = true;

	if (path.len == 0 || path.ptr[0] != '/')
		return false;
	path = slice_drop(path, 1);
	while (more) {
		size_t n = slice_find_byte(path, '/');

		if (t->n_segments == HTTP_SEGMENTS_MAX ||
		    !decode(slice_head(path, n), false, arena, &t->segments[t->n_segments]))
			return false;
		t->n_segments++;
		more = n < path.len;
		path = slice_drop(path, more ? n + 1 : n);
	}
	return true;
}

static bool take_query(slice query, struct arena *arena, struct http_target *t)
{
	for (size_t n = 0; query.len > 0;) {
		slice value = slice_cut(&query, '&'), name;
		struct http_parameter *p = &t->parameters[t->n_parameters];

		if (value.len == 0)
			continue;
		if (n++ == HTTP_PARAMETERS_MAX)
			return false;   /* those that say nothing as well */
		name = slice_cut(&value, '=');
		if (decode(name, true, arena, &p->name) && decode(value, true, arena, &p->value))
			t->n_parameters++;
	}
	return true;
}

bool http_target_parse(slice text, struct arena *arena, struct http_target *ret_target)
{
	slice query = origin_form(text), path = slice_cut(&query, '?');
	struct http_target t = { 0 };

	if (!take_path(path, arena, &t) || !take_query(query, arena, &t))
		return false;
	*ret_target = t;
	return true;
}

bool http_target_get(const struct http_target *t, const char *name, slice *ret_value)
{
	for (size_t i = 0; i < t->n_parameters; i++) {
		if (slice_equal(t->parameters[i].name, slice_from(name))) {
			*ret_value = t->parameters[i].value;
			return true;
		}
	}
	return false;
}
