/* http/route.c - from path and method to the function that answers. */
#include "http/route.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

static bool is_name(slice segment)
{
	return segment.len > 2 && segment.ptr[0] == '{' && segment.ptr[segment.len - 1] == '}';
}

/* How many names the path has, when it fits; -1: it does not. */
static int fit(const char *path, const struct http_target *target, slice ret_arguments[])
{
	slice rest = slice_from(path);
	size_t at = 0;
	int names = 0;
	bool more = true;

	check(rest.len > 0 && rest.ptr[0] == '/');
	rest = slice_drop(rest, 1);
	for (; more; at++) {
		size_t n = slice_find_byte(rest, '/');
		slice want = slice_head(rest, n);

		more = n < rest.len;
		rest = slice_drop(rest, more ? n + 1 : n);
		if (at == target->n_segments)
			return -1;
		if (is_name(want) && target->segments[at].len > 0) {
			check(names < HTTP_ARGUMENTS_MAX);
			ret_arguments[names++] = target->segments[at];
		} else if (!slice_equal(want, target->segments[at])) {
			return -1;
		}
	}
	return at == target->n_segments ? names : -1;
}

static bool answers(const char *route, slice method)
{
	return slice_equal(slice_from(route), method) ||
	    (strcmp(route, "GET") == 0 && slice_equal(method, slice_lit("HEAD")));
}

static void allow(char text[HTTP_ALLOW_TEXT], const char *method)
{
	size_t n = strlen(text);
	int more = snprintf(text + n, HTTP_ALLOW_TEXT - n, "%s%s", n > 0 ? ", " : "",
	    strcmp(method, "GET") == 0 ? "GET, HEAD" : method);

	check(more > 0 && (size_t)more < HTTP_ALLOW_TEXT - n);  /* a method stands twice */
}

void http_route_find(const struct http_route *routes, size_t n, slice method,
    const struct http_target *target, struct http_match *ret_match)
{
	slice arguments[HTTP_ARGUMENTS_MAX];
	struct http_match match = { 0 };
	int fewest = HTTP_ARGUMENTS_MAX + 1;

	for (size_t i = 0; i < n; i++) {
		int names = fit(routes[i].path, target, arguments);

		if (names < 0 || names > fewest)
			continue;
		if (names < fewest)
			match = (struct http_match){ 0 };
		fewest = names;
		allow(match.allow, routes[i].method);
		if (!answers(routes[i].method, method))
			continue;
		match.route = &routes[i];
		match.n_arguments = (size_t)names;
		memcpy(match.arguments, arguments, (size_t)names * sizeof *arguments);
	}
	*ret_match = match;
}
