/* http/route_test.c - paths and methods find their rows. */
#include "http/route.h"

#include <stdio.h>

#include "unit.h"

static void a(struct http_call *call) { }
static void b(struct http_call *call) { }
static void c(struct http_call *call) { }
static void d(struct http_call *call) { }
static void e(struct http_call *call) { }

/* The more general first: the order says nothing. */
static const struct http_route routes[] = {
	{ "GET", "/message/{id}/part/{part}", d },
	{ "GET", "/message/{id}", a },
	{ "DELETE", "/message/{id}", b },
	{ "GET", "/message/latest", c },
	{ "PUT", "/tags", b },
	{ "POST", "/tags", e },
	{ "GET", "/", e },
	{ "GET", "/tie/{x}", a },
	{ "PUT", "/{y}/knot", b },
};

static const char *name_of(const struct http_route *route)
{
	return route == NULL ? "none" : route->answer == a ? "a" : route->answer == b ? "b" :
	    route->answer == c ? "c" : route->answer == d ? "d" : "e";
}

static void test_find(void **state)
{
	static const struct {
		const char *method, *target, *want;     /* row, arguments, allow */
	} cases[] = {
		{ "GET", "/", "e [] GET, HEAD" },
		{ "HEAD", "/", "e [] GET, HEAD" },
		{ "POST", "/", "none [] GET, HEAD" },
		{ "GET", "/message/x", "a [x] GET, HEAD, DELETE" },
		{ "HEAD", "/message/x", "a [x] GET, HEAD, DELETE" },
		{ "DELETE", "/message/x", "b [x] GET, HEAD, DELETE" },
		{ "PUT", "/message/x", "none [] GET, HEAD, DELETE" },
		{ "get", "/message/x", "none [] GET, HEAD, DELETE" },
		{ "GET", "/message/latest", "c [] GET, HEAD" },
		{ "DELETE", "/message/latest", "none [] GET, HEAD" },
		{ "GET", "/message/a%2Fb", "a [a/b] GET, HEAD, DELETE" },
		{ "GET", "/message/", "none [] " },
		{ "GET", "/message", "none [] " },
		{ "GET", "/message/x/", "none [] " },
		{ "GET", "/message/x/part/2?y=1", "d [x,2] GET, HEAD" },
		{ "GET", "/Message/x", "none [] " },
		{ "HEAD", "/tags", "none [] PUT, POST" },
		{ "GET", "/tie/knot", "a [knot] GET, HEAD, PUT" },
		{ "PUT", "/tie/knot", "b [tie] GET, HEAD, PUT" },
		{ "PUT", "/tie/x", "none [] GET, HEAD" },
		{ "GET", "/nowhere", "none [] " },
		{ "", "/tags", "none [] PUT, POST" },
	};
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 10000);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct http_target target;
		struct http_match match;
		char have[128];
		size_t n;

		assert_true(http_target_parse(slice_from(cases[i].target), &arena, &target));
		http_route_find(routes, sizeof routes / sizeof *routes,
		    slice_from(cases[i].method), &target, &match);
		n = (size_t)snprintf(have, sizeof have, "%s [", name_of(match.route));
		for (size_t j = 0; j < match.n_arguments; j++)
			n += (size_t)snprintf(have + n, sizeof have - n, "%s%.*s",
			    j > 0 ? "," : "", slice_arg(match.arguments[j]));
		snprintf(have + n, sizeof have - n, "] %s", match.allow);
		if (strcmp(have, cases[i].want) != 0)
			fail_msg("%s %s: have \"%s\", want \"%s\"", cases[i].method,
			    cases[i].target, have, cases[i].want);
	}
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_find))
