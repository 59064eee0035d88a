/* api/unsubscribe.c - "<mailto:a@b?subject=x>, <https://b/c>", comments taken out first. */
#include "api/unsubscribe.h"

#include <string.h>

#include "base/text.h"

struct reader {
	struct unsubscribe found;
	unsigned char errors[UNSUBSCRIBE_ERRORS_TEXT];
	size_t n_errors;
	bool has_mail, has_web;
};

/* One more, behind ", "; dropped when there is no room. */
static void complain(struct reader *r, slice about, const char *words)
{
	char shown[120];
	slice parts[] = { slice_lit("\""), slice_from(text_printable(about, shown, sizeof shown)),
		slice_lit("\" "), slice_from(words) };
	size_t need = 2;

	for (size_t i = 0; i < 4; i++)
		need += parts[i].len;
	if (need > sizeof r->errors - r->n_errors)
		return;
	if (r->n_errors > 0) {
		memcpy(r->errors + r->n_errors, ", ", 2);
		r->n_errors += 2;
	}
	for (size_t i = 0; i < 4; i++) {
		memcpy(r->errors + r->n_errors, parts[i].ptr, parts[i].len);
		r->n_errors += parts[i].len;
	}
}

/* Without comments outside of "<...>"; they may lie in each other. */
static slice strip_comments(slice value, struct arena *arena)
{
	unsigned char *out = arena_new(arena, unsigned char, value.len + 1);
	size_t n = 0, depth = 0;
	bool inside = false;

	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = value.ptr[i];

		inside = depth == 0 && (inside ? c != '>' : c == '<');
		if (!inside && c == '(')
			depth++;
		if (depth == 0)
			out[n++] = c;
		if (!inside && c == ')' && depth > 0)
			depth--;
	}
	return slice_trim(slice_of(out, n));
}

static bool has_blank(slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] <= ' ' || s.ptr[i] == 127)
			return true;
	}
	return false;
}

/* Letters or digits, "[" of an address, or "%", behind the scheme. */
static bool has_scheme(slice link, slice scheme)
{
	unsigned char c;

	if (!slice_starts_ascii(link, scheme) || link.len == scheme.len)
		return false;
	c = link.ptr[scheme.len];
	return c >= 0x80 || (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
	    c == '[' || c == '%' || c == '_';
}

/* RFC 3986 s2.1: a percent has two digits behind it. */
static bool parses(slice link)
{
	for (size_t i = 0; i < link.len; i++) {
		if (link.ptr[i] == '%' && (i + 2 >= link.len || strchr("0123456789abcdefABCDEF",
		    link.ptr[i + 1]) == NULL || strchr("0123456789abcdefABCDEF", link.ptr[i + 2]) == NULL))
			return false;
	}
	return true;
}

static void take_link(struct reader *r, slice link, struct arena *arena)
{
	bool mail = has_scheme(link, slice_lit("mailto:"));
	bool web = has_scheme(link, slice_lit("http://")) || has_scheme(link, slice_lit("https://"));
	bool *has = mail ? &r->has_mail : &r->has_web;

	if (has_blank(link))
		complain(r, link, "should not contain spaces");
	else if (!mail && !web)
		complain(r, link, "should start with mailto:, http:// or https://");
	else if (*has)
		complain(r, link, mail ? "should be the only mailto:" : "should be the only http(s)://");
	else if (!parses(link))
		complain(r, link, "is no URL");
	else {
		*has = true;
		r->found.links[r->found.n_links++] = slice_copy(arena, link);
	}
}

/* A comma, perhaps with blanks around it. */
static bool take_comma(slice *rest)
{
	slice s = slice_trim(*rest);

	if (s.len == 0 || s.ptr[0] != ',')
		return false;
	*rest = slice_trim(slice_drop(s, 1));
	return true;
}

struct unsubscribe unsubscribe_read(slice value, struct arena *arena)
{
	struct reader r = { 0 };
	slice all = strip_comments(value, arena), rest = all;

	while (rest.len > 0) {
		size_t end = slice_find_byte(rest, '>');

		if (rest.ptr[0] != '<' || end == rest.len) {
			complain(&r, all, "should be enclosed in <>");
			break;
		}
		take_link(&r, slice_sub(rest, 1, end - 1), arena);
		rest = slice_drop(rest, end + 1);
		if (slice_trim(rest).len == 0)
			break;
		if (!take_comma(&rest)) {
			complain(&r, all, "should have a comma between its <>");
			break;
		}
	}
	r.found.errors = slice_copy(arena, slice_of(r.errors, r.n_errors));
	return r.found;
}
