/* http/assets_test.c - the page is in the program, whole, and requests get the form they take. */
#include "http/assets.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static void test_table(void **state)
{
	assert_true(http_assets_n > 20);
	for (size_t i = 0; i < http_assets_n; i++) {
		const struct http_asset *a = &http_assets[i];
		const unsigned char *g = a->gzip.ptr;
		size_t n = a->gzip.len, size;

		assert_ptr_equal(http_asset_find(slice_from(a->name)), a);
		assert_true(a->bytes.len > 0 && n > 18);
		/* Its head, and its end: the length before it was packed. */
		assert_true(g[0] == 0x1f && g[1] == 0x8b && g[2] == 8);
		size = g[n - 4] | (size_t)g[n - 3] << 8 | (size_t)g[n - 2] << 16 |
		    (size_t)g[n - 1] << 24;
		assert_int_equal(size, a->bytes.len);
		assert_memory_equal(a->tag, "W/\"", 3);
		for (size_t j = 0; j < i; j++)
			assert_int_equal(strcmp(http_assets[j].tag, a->tag) == 0,
			    slice_equal(http_assets[j].bytes, a->bytes));
	}
}

static void test_find(void **state)
{
	const struct http_asset *page = http_asset_find(slice_lit("index.html"));

	assert_non_null(page);
	assert_string_equal(page->type, "text/html; charset=utf-8");
	assert_memory_equal(page->bytes.ptr, "<!DOCTYPE html>", 15);
	assert_string_equal(http_asset_find(slice_lit("app.js"))->type,
	    "text/javascript; charset=utf-8");
	assert_string_equal(http_asset_find(slice_lit("icon.svg"))->type, "image/svg+xml");
	assert_null(http_asset_find(slice_lit("")));
	assert_null(http_asset_find(slice_lit("App.js")));
	assert_null(http_asset_find(slice_lit("app.j")));
	assert_null(http_asset_find(slice_lit("embed.py")));
	assert_null(http_asset_find(slice_of("app.js\0", 7)));
}

static void test_gzip(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} cases[] = {
		{ "gzip", true }, { "gzip, deflate, br", true }, { "br , GZIP", true },
		{ "", false }, { "identity", false }, { "xgzip", false }, { "gzipx", false },
		{ "*", true }, { "*;q=0", false }, { "gzip;q=0", false }, { "gzip;q=0.000", false },
		{ "gzip; q=0.5", true }, { "gzip;q=0.001", true }, { "*;q=0, gzip", true },
		{ "gzip;q=0, *", false }, { "gzip ;Q=0", false }, { ",,gzip,", true }, { ";", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (http_accepts_gzip(slice_from(cases[i].text)) != cases[i].want)
			fail_msg("\"%s\"", cases[i].text);
}

static void test_tag(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} cases[] = {
		{ "W/\"ab\"", true }, { "\"ab\"", true }, { "\"x\", W/\"ab\"", true }, { "*", true },
		{ "", false }, { "ab", false }, { "\"abc\"", false }, { "\"x\",\"y\"", false },
		{ " \t\"ab\" ", true }, { "w/\"ab\"", false }, { "W/", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (http_tag_matches(slice_from(cases[i].text), "W/\"ab\"") != cases[i].want)
			fail_msg("\"%s\"", cases[i].text);
}

UNIT_TESTS(cmocka_unit_test(test_table), cmocka_unit_test(test_find),
    cmocka_unit_test(test_gzip), cmocka_unit_test(test_tag))
