/* api/json_test.c - values and what comes of them, by table; no room; times. */
#include "api/json.h"

#include <string.h>

#include "unit.h"

static const struct {
	const char *text, *json;
} texts[] = {
	{ "", "\"\"" }, { "plain ~", "\"plain ~\"" }, { "a\"b\\c", "\"a\\\"b\\\\c\"" },
	{ "<a&b>", "\"\\u003ca\\u0026b\\u003e\"" }, { "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
	{ "\x01\x1F\x7F", "\"\\u0001\\u001f\x7F\"" }, { "\xC3\xA9\xF0\x9F\x98\x80", "\"\xC3\xA9\xF0\x9F\x98\x80\"" },
	{ "\xE2\x80\xA8|\xE2\x80\xA9|\xE2\x80\xA7|\xE2\x80\xAA", "\"\\u2028|\\u2029|\xE2\x80\xA7|\xE2\x80\xAA\"" },
	{ "\xFF\xC3", "\"\\ufffd\\ufffd\"" }, { "a\xE2\x80", "\"a\\ufffd\\ufffd\"" },
	{ "\xED\xA0\x80", "\"\\ufffd\\ufffd\\ufffd\"" }, { "\xC0\x80z", "\"\\ufffd\\ufffdz\"" },
};

static void test_texts(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		slice text = guarded_copy(slice_from(texts[i].text));
		struct buffer out = buffer_init(heap, 1000);
		struct api_json j = api_json_begin(&out);

		api_json_text(&j, NULL, text);
		assert_true(api_json_end(&j, false));
		assert_slice(buffer_bytes(&out), slice_from(texts[i].json));
		assert_true(buffer_bytes(&out).len <= api_json_length_max(text.len));
		buffer_free(&out);
		guarded_free(text);
	}
	heap_drop(heap);
}

static bool write_all(struct buffer *out)
{
	struct api_json j = api_json_begin(out);

	api_json_open(&j, '{');
	api_json_word(&j, "a", "x");
	api_json_number(&j, "n", INT64_MIN);
	api_json_name(&j, "list");
	api_json_open(&j, '[');
	api_json_open(&j, '[');
	api_json_close(&j, ']');
	api_json_open(&j, '{');
	api_json_close(&j, '}');
	api_json_bool(&j, NULL, true);
	api_json_null(&j, NULL);
	api_json_close(&j, ']');
	api_json_name_of(&j, slice_lit("\"\xFF"));
	api_json_open(&j, '{');
	api_json_bool(&j, "b", false);
	api_json_close(&j, '}');
	api_json_null(&j, "z");
	api_json_close(&j, '}');
	return api_json_end(&j, true);
}

#define ALL "{\"a\":\"x\",\"n\":-9223372036854775808,\"list\":[[],{},true,null]," \
	"\"\\\"\\ufffd\":{\"b\":false},\"z\":null}\n"

/* With any less room there is nothing, and what stood before stays. */
static void test_nesting(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t room = 0; room <= sizeof ALL - 1; room++) {
		struct buffer out = buffer_init(heap, 3 + room);

		buffer_add(&out, slice_lit("old"));
		assert_int_equal(write_all(&out), room == sizeof ALL - 1);
		assert_slice(buffer_bytes(&out), room == sizeof ALL - 1 ? slice_lit("old" ALL) :
		    slice_lit("old"));
		buffer_free(&out);
	}
	heap_drop(heap);
}

static void test_times(void **state)
{
	static const struct {
		int64_t wall_us;
		const char *json;
	} times[] = {
		{ 0, "1970-01-01T00:00:00.000Z" }, { 999, "1970-01-01T00:00:00.000Z" },
		{ -1, "1969-12-31T23:59:59.999Z" }, { 1795328154749000, "2026-11-22T06:15:54.749Z" },
		{ 951782400000000, "2000-02-29T00:00:00.000Z" }, { 951868800000000, "2000-03-01T00:00:00.000Z" },
		{ 4107542399999999, "2100-02-28T23:59:59.999Z" }, { 4107542400000000, "2100-03-01T00:00:00.000Z" },
		{ INT64_MIN, "0001-01-01T00:00:00.224Z" }, { INT64_MAX, "9999-12-31T23:59:59.775Z" },
	};
	static const struct {
		int64_t seconds;
		int zone;
		const char *json;
	} dates[] = {
		{ 1751356800, 120, "2025-07-01T10:00:00+02:00" }, { 1751356800, 0, "2025-07-01T08:00:00Z" },
		{ 1751356800, -570, "2025-06-30T22:30:00-09:30" }, { 1751356800, 1440, "2025-07-01T08:00:00Z" },
		{ 1751356800, -1439, "2025-06-30T08:01:00-23:59" }, { INT64_MAX, 60, "9999-12-31T23:59:59Z" },
		{ INT64_MIN, -60, "0001-01-01T00:00:00Z" },
	};
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, 100);

	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		struct api_json j = api_json_begin(&out);

		api_json_time(&j, NULL, times[i].wall_us);
		assert_true(api_json_end(&j, false));
		assert_slice(slice_sub(buffer_bytes(&out), 1, 24), slice_from(times[i].json));
		buffer_free(&out);
	}
	for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
		struct api_json j = api_json_begin(&out);

		api_json_date(&j, NULL, dates[i].seconds, dates[i].zone);
		assert_true(api_json_end(&j, false));
		assert_slice(slice_sub(buffer_bytes(&out), 1, buffer_bytes(&out).len - 2),
		    slice_from(dates[i].json));
		buffer_free(&out);
	}
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_texts), cmocka_unit_test(test_nesting),
    cmocka_unit_test(test_times))
