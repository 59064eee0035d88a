/* http/target_fuzz.c - any bytes as a request target, and a method, for a table of routes.
 *
 * For: http/target.c http/route.c
 *
 * Holds: no path is taken that does not begin with "/"; nothing decoded is longer than the
 * input, and all of it together neither; a target without "%" and "+" says again what was
 * read; a route that is found has the path's segments and the method, and is among those that
 * are allowed.
 *
 * Input: the method, a NUL, the target. */
#include "fuzz.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "http/route.h"

enum { MEMORY = 1 << 20, INPUT_MAX = 4096 };

static void nothing(struct http_call *call)
{
}

static const struct http_route routes[] = {
	{ "GET", "/a/{x}", nothing }, { "POST", "/a/{x}", nothing }, { "GET", "/a/b", nothing },
	{ "DELETE", "/{x}/{y}/c", nothing }, { "GET", "/", nothing },
};

static void check_again(slice text, const struct http_target *t, struct heap *heap)
{
	struct buffer out = buffer_init(heap, 2 * INPUT_MAX);
	size_t at = slice_find_byte(text, '/');

	if (slice_find_byte(text, '%') < text.len || slice_find_byte(text, '+') < text.len || at > 0)
		return;
	for (size_t i = 0; i < t->n_segments; i++) {
		put_u8(&out, '/');
		buffer_add(&out, t->segments[i]);
	}
	check(slice_equal(buffer_bytes(&out), slice_cut(&text, '?')));
}

static void check_match(const struct http_match *match, slice method,
    const struct http_target *target)
{
	if (match->route == NULL) {
		check(match->n_arguments == 0);
		return;
	}
	check(strstr(match->allow, match->route->method) != NULL);
	check(slice_equal(method, slice_from(match->route->method)) ||
	    (slice_equal(method, slice_lit("HEAD")) && strcmp(match->route->method, "GET") == 0));
	for (size_t i = 0; i < match->n_arguments; i++) {
		bool found = false;

		for (size_t j = 0; j < target->n_segments; j++)
			found = found || slice_equal(target->segments[j], match->arguments[i]);
		check(found && match->arguments[i].len > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, MEMORY);
	slice text = fuzz_copy(slice_of(data, len < INPUT_MAX ? len : INPUT_MAX));
	slice target_text = text, method = slice_cut(&target_text, 0);
	struct http_target target;
	struct http_match match;
	size_t sum = 0;

	if (http_target_parse(target_text, &arena, &target)) {
		check(target.n_segments >= 1 && target.n_segments <= HTTP_SEGMENTS_MAX);
		for (size_t i = 0; i < target.n_segments; i++)
			sum += target.segments[i].len + 1;
		for (size_t i = 0; i < target.n_parameters; i++)
			sum += target.parameters[i].name.len + target.parameters[i].value.len + 1;
		check(sum <= target_text.len);
		check_again(target_text, &target, heap);
		http_route_find(routes, sizeof routes / sizeof *routes, method, &target, &match);
		check_match(&match, method, &target);
	}
	free((void *)(uintptr_t)text.ptr);
	heap_drop(heap);
	return 0;
}
