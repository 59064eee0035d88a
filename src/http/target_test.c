/* http/target_test.c - request targets: cut, decoded, bounded. */
#include "http/target.h"

#include <stdio.h>

#include "base/buffer.h"
#include "unit.h"

/* "a|b?name=value&name=value", or "bad". */
static void print(slice text, char *ret, size_t size)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 1 << 20);
	slice guarded = guarded_copy(text);
	struct http_target t;
	size_t n = 0;

	if (!http_target_parse(guarded, &arena, &t)) {
		snprintf(ret, size, "bad");
	} else {
		for (size_t i = 0; i < t.n_segments; i++)
			n += (size_t)snprintf(ret + n, size - n, "%s%.*s", i > 0 ? "|" : "",
			    slice_arg(t.segments[i]));
		for (size_t i = 0; i < t.n_parameters; i++)
			n += (size_t)snprintf(ret + n, size - n, "%s%.*s=%.*s", i > 0 ? "&" : "?",
			    slice_arg(t.parameters[i].name), slice_arg(t.parameters[i].value));
	}
	guarded_free(guarded);
	heap_drop(heap);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "/", "" },
		{ "/livez", "livez" },
		{ "/livez/", "livez|" },
		{ "//livez", "|livez" },
		{ "/a/b/c", "a|b|c" },
		{ "/a%2Fb/c%2f", "a/b|c/" },
		{ "/a+b", "a+b" },
		{ "/caf%C3%a9", "caf\xc3\xa9" },
		{ "/a?", "a" },
		{ "/a?x", "a?x=" },
		{ "/a?x=1", "a?x=1" },
		{ "/a?x=1&y=2&x=3", "a?x=1&y=2&x=3" },
		{ "/a?&&x=1&", "a?x=1" },
		{ "/a?x=y+z%2B", "a?x=y z+" },
		{ "/a?x=b=c", "a?x=b=c" },
		{ "/a?%78=%3D%26", "a?x==&" },
		{ "/a?x=%zz&y=1", "a?y=1" },
		{ "/a?x%=1&y=1", "a?y=1" },
		{ "/a?x=%4", "a" },
		{ "/a?b?c=/d", "a?b?c=/d" },
		{ "http://h/a/b?x=1", "a|b?x=1" },
		{ "HTTPS://h:8025/a", "a" },
		{ "http://h", "bad" },
		{ "http://h?x=/", "bad" },
		{ "", "bad" },
		{ "*", "bad" },
		{ "a", "bad" },
		{ "?x=1", "bad" },
		{ "ftp://h/a", "bad" },
		{ "/%", "bad" },
		{ "/a%4", "bad" },
		{ "/a%4g", "bad" },
		{ "/%%41", "bad" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char have[256] = "";

		print(slice_from(cases[i].text), have, sizeof have);
		if (strcmp(have, cases[i].want) != 0)
			fail_msg("%s: have \"%s\", want \"%s\"", cases[i].text, have, cases[i].want);
	}
}

static void test_nul(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 1000);
	struct http_target t;

	assert_true(http_target_parse(slice_lit("/a%00b"), &arena, &t));
	assert_slice(t.segments[0], slice_of("a\0b", 3));
	heap_drop(heap);
}

static bool takes(const char *begin, const char *piece, size_t n)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer text = buffer_init(heap, 4096);
	struct arena arena = arena_init(heap, 4096);
	struct http_target t;
	bool ok;

	buffer_add(&text, slice_from(begin));
	for (size_t i = 0; i < n; i++)
		buffer_add(&text, slice_from(piece));
	ok = http_target_parse(buffer_bytes(&text), &arena, &t);
	heap_drop(heap);
	return ok;
}

static void test_limits(void **state)
{
	assert_true(takes("", "/a", HTTP_SEGMENTS_MAX));
	assert_false(takes("", "/a", HTTP_SEGMENTS_MAX + 1));
	assert_true(takes("/?", "x&", HTTP_PARAMETERS_MAX));
	assert_false(takes("/?", "x&", HTTP_PARAMETERS_MAX + 1));
	assert_false(takes("/?", "%&", HTTP_PARAMETERS_MAX + 1));       /* not decoded, but there */
}

/* What is decoded needs memory: less of it is a refusal. */
static void test_no_room(void **state)
{
	for (size_t size = 0; size < 200; size++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct arena arena = arena_init(heap, size);
		struct http_target t;

		assert_int_equal(http_target_parse(slice_lit("/%41/%41bcdefghijklmnopqrs/c"), &arena,
		    &t), size >= 16 + 32);
		heap_drop(heap);
	}
}

static void test_get(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 1000);
	slice value = slice_lit("untouched");
	struct http_target t;

	assert_true(http_target_parse(slice_lit("/?a=1&A=2&a=3&b"), &arena, &t));
	assert_false(http_target_get(&t, "c", &value));
	assert_slice(value, slice_lit("untouched"));
	assert_true(http_target_get(&t, "a", &value));
	assert_slice(value, slice_lit("1"));
	assert_true(http_target_get(&t, "A", &value));
	assert_slice(value, slice_lit("2"));
	assert_true(http_target_get(&t, "b", &value));
	assert_slice(value, slice_lit(""));
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_parse), cmocka_unit_test(test_nul),
    cmocka_unit_test(test_limits), cmocka_unit_test(test_no_room), cmocka_unit_test(test_get))
