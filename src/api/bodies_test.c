/* api/bodies_test.c - small bodies: what is read, what is refused and how. */
#include "api/bodies.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "unit.h"

static slice joined(const struct api_texts *t, struct arena *arena)
{
	slice text = { 0 };

	for (size_t i = 0; i < t->n; i++)
		text = arena_printf(arena, "%.*s%s%.*s", slice_arg(text), i > 0 ? "," : "",
		    slice_arg(t->texts[i]));
	return text;
}

/* fault NULL: read, with that. */
static const struct {
	const char *body, *fault;
	bool read;
	const char *ids, *search;
} reads[] = {
	{ "", "EOF" }, { " \n", "EOF" }, { "{\"Read\":true", "unexpected EOF" },
	{ "{}", NULL, false, "", "" }, { "{} x", NULL, false, "", "" },
	{ "{\"Read\":true,\"IDs\":[\"a\",\"b\"]}", NULL, true, "a,b", "" },
	{ "{\"READ\":true,\"ids\":[\"a\"],\"Unknown\":{}}", NULL, true, "a", "" },
	{ "{\"Read\":true,\"read\":false,\"search\":\"is:unread\"}", NULL, false, "", "is:unread" },
	{ "{\"Read\":null,\"IDs\":null,\"Search\":null}", NULL, false, "", "" },
	{ "{\"IDs\":[],\"Search\":\"x\"}", NULL, false, "", "x" },
	{ "{\"IDs\":[\"a\"],\"Search\":\"x\"}", "You may specify either IDs or a search query, not both" },
	{ "{\"Read\":1}", "JSON: Read must be true or false" },
	{ "{\"IDs\":\"a\"}", "JSON: IDs must be an array" },
	{ "{\"IDs\":[1]}", "JSON: IDs must be an array of strings" },
	{ "{\"Search\":[]}", "JSON: Search must be a string" },
	{ "null", "JSON: an object was expected" }, { "\"x\"", "JSON: an object was expected" },
};

static void test_read(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
		struct arena arena = arena_init(heap, API_BODY_ARENA_MAX);
		slice body = guarded_copy(slice_from(reads[i].body));
		struct api_read_body read;
		struct api_fault fault = { 0 };
		bool ok = api_read_body(body, &arena, &read, &fault);

		guarded_free(body);
		if (ok != (reads[i].fault == NULL) || (!ok && strcmp(fault.text, reads[i].fault) != 0))
			fail_msg("%s: %s", reads[i].body, fault.text);
		if (ok) {
			assert_int_equal(read.read, reads[i].read);
			assert_slice(joined(&read.ids, &arena), slice_from(reads[i].ids));
			assert_slice(read.search, slice_from(reads[i].search));
		} else {
			assert_int_equal(fault.status, 400);
		}
		arena_reset(&arena);
	}
	heap_drop(heap);
}

/* Nothing, or blanks, means all; what is no JSON does not. */
static void test_ids(void **state)
{
	static const struct {
		const char *body;
		int n;                  /* -1: refused */
	} rows[] = {
		{ "", 0 }, { " \r\n\t", 0 }, { "{}", 0 }, { "{\"IDs\":[]}", 0 }, { "{\"IDs\":[\"a\",null]}", 2 },
		{ "null", -1 }, { "IDs=a", -1 }, { "{\"IDs\":[\"a\"", -1 }, { "{\"IDs\":{}}", -1 },
		{ "\xFF", -1 }, { "{\"IDs\":[\"\xFF\"]}", -1 },
	};
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena arena = arena_init(heap, API_BODY_ARENA_MAX);
		struct api_texts ids = { 0 };
		struct api_fault fault;
		bool ok = api_ids_body(slice_from(rows[i].body), &arena, &ids, &fault);

		if (ok != (rows[i].n >= 0) || (ok && ids.n != (size_t)rows[i].n))
			fail_msg("%s", rows[i].body);
		arena_reset(&arena);
	}
	heap_drop(heap);
}

static void test_tags(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, API_BODY_ARENA_MAX);
	struct api_texts ids, tags;
	struct api_fault fault;
	slice name;

	assert_true(api_tags_body(slice_lit("{\"IDs\":[\"a\"],\"Tags\":[\"x\",\"y z\"]}"), &arena, &ids, &tags,
	    &fault));
	assert_slice(joined(&ids, &arena), slice_lit("a"));
	assert_slice(joined(&tags, &arena), slice_lit("x,y z"));
	assert_false(api_tags_body(slice_lit(""), &arena, &ids, &tags, &fault));
	assert_string_equal(fault.text, "EOF");
	assert_true(api_name_body(slice_lit("{\"name\":\" a\\u0000/b \"}"), &arena, &name, &fault));
	assert_slice(name, slice_lit("a b"));
	assert_false(api_name_body(slice_lit("{}"), &arena, &name, &fault));
	assert_string_equal(fault.text, "invalid tag name: ");
	assert_false(api_name_body(slice_lit("{\"Name\":\"\xC3\xA9\\n\"}"), &arena, &name, &fault));
	assert_string_equal(fault.text, "invalid tag name: \xC3\xA9?");
	arena_reset(&arena);
	heap_drop(heap);
}

/* ---- bounds ---- */

static bool reads_well(struct heap *heap, const char *lead, const char *unit, size_t n,
    const char *end)
{
	struct arena arena = arena_init(heap, API_BODY_ARENA_MAX);
	struct buffer body = buffer_init(heap, HTTP_BODY_MAX);
	struct api_texts ids;
	struct api_fault fault;
	bool ok;

	buffer_add(&body, slice_from(lead));
	for (size_t i = 0; i < n; i++)
		buffer_add(&body, slice_from(unit));
	buffer_add(&body, slice_from(end));
	ok = api_ids_body(buffer_bytes(&body), &arena, &ids, &fault);
	buffer_free(&body);
	arena_reset(&arena);
	return ok;
}

static void test_bounds(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);

	/* As many as an index has. Brackets and commas in text are no values. */
	assert_true(reads_well(heap, "{\"IDs\":[\"\"", ",\"12345678901234567890\"", 100 * 1000, "]}"));
	assert_true(reads_well(heap, "{\"x\":\"", "[{,", 1000 * 1000, "\"}"));
	assert_true(reads_well(heap, "{\"x\":\"", "\\\"[", 1000 * 1000, "\"}"));
	assert_true(reads_well(heap, "{\"x\":[", "[],", API_JSON_VALUES_MAX / 2 - 2, "0]}"));
	assert_false(reads_well(heap, "{\"x\":[", "[],", API_JSON_VALUES_MAX / 2, "0]}"));
	assert_false(reads_well(heap, "{\"x\":", "[", API_JSON_DEPTH_MAX, ""));
	assert_false(reads_well(heap, "{\"x\":", "[", 5 * 1000 * 1000, ""));
	heap_drop(heap);
}

static void test_depth(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);

	for (int n = API_JSON_DEPTH_MAX - 1; n <= API_JSON_DEPTH_MAX; n++) {
		struct arena arena = arena_init(heap, API_BODY_ARENA_MAX);
		char body[200] = "{\"x\":";
		struct api_texts ids;
		struct api_fault fault;

		memset(body + 5, '[', (size_t)n);
		memset(body + 5 + n, ']', (size_t)n);
		body[5 + 2 * n] = '}';
		body[6 + 2 * n] = 0;
		assert_int_equal(api_ids_body(slice_from(body), &arena, &ids, &fault),
		    n < API_JSON_DEPTH_MAX);
		arena_reset(&arena);
	}
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_read), cmocka_unit_test(test_ids), cmocka_unit_test(test_tags),
    cmocka_unit_test(test_bounds), cmocka_unit_test(test_depth))
