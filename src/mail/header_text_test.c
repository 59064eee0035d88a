/* mail/header_text_test.c - the examples of RFC 2047 s8, what broken programs write, and
 * input that must not take long. */
#include "mail/header_text.h"

#include "base/limits.h"
#include "mail/header.h"
#include "mail/suite_test.h"
#include "mail/utf8.h"

static const struct {
	const char *value, *want;
} rows[] = {
	{ "", "" },
	{ " \r\n ", "" },
	{ " plain \r\n words\r\n", "plain  words" },
	/* RFC 2047 s8. */
	{ "=?ISO-8859-1?Q?a?=", "a" },
	{ "=?ISO-8859-1?Q?a?= b", "a b" },
	{ "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a_b?=", "a b" },
	{ "=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b" },
	{ "=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>" },
	{ "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n"
	  " =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
	    "If you can read this you understand the example." },
	/* RFC 2231 s5. */
	{ "=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore" },
	/* A character in two words. */
	{ "=?utf-8?Q?=C3?= =?UTF-8?Q?=A9?=", "\xc3\xa9" },
	{ "=?utf-8?B?4oI=?= =?utf-8?Q?=AC?=", "\xe2\x82\xac" },
	{ "=?utf-8?Q?=C3?= =?us-ascii?Q?x?=", "\xef\xbf\xbdx" },
	/* Words where none should be. */
	{ "a=?utf-8?Q?=C3=A9?=b", "a\xc3\xa9" "b" },
	{ "=?utf-8?Q?two words?=", "two words" },
	{ "=?utf-8?q?\?=x", "x" },
	{ "=?utf-8?Q?a?b?=", "a?b" },
	{ "\"=?utf-8?Q?=C3=A9?=\"", "\"\xc3\xa9\"" },
	/* None. */
	{ "=?utf-8?X?abc?=", "=?utf-8?X?abc?=" },
	{ "=?utf-8?Q?abc", "=?utf-8?Q?abc" },
	{ "=?utf-8?Q", "=?utf-8?Q" },
	{ "=??Q?abc?=", "=??Q?abc?=" },
	{ "=?", "=?" },
	{ "a = ?b", "a = ?b" },
	/* Unknown, wrong, or nothing said. */
	{ "=?x-none?Q?=E9?=", "\xc3\xa9" },
	{ "\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9" },
	{ "\xcf\xf0", "\xd0\x9f\xd1\x80" },     /* by the label that the test gives */
	{ "\xc3\xa9 =?koi8-r?Q?=F0?= \xcf", "\xc3\xa9 \xd0\x9f \xd0\x9f" },
	/* One line, whatever it says. */
	{ "=?utf-8?Q?a=0D=0AB:_c=00?=", "a  B: c " },
	{ "a\tb\x01", "a b " },
};

static void test_rows(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		slice value = guarded_copy(slice_from(rows[i].value)), want = slice_from(rows[i].want);

		print_message("# %s\n", rows[i].value);
		for (size_t max = 0; max <= want.len; max++) {
			struct arena arena = arena_init(heap, 1024);
			slice have = header_text(c, slice_lit("windows-1251"), value, max, &arena);

			assert_true(have.len <= max && utf8_valid(have));
			if (max == want.len)
				assert_slice(have, want);
			arena_reset(&arena);
		}
		guarded_free(value);
	}
	heap_drop(heap);
}

/* What does more than stand there, plain and encoded. */
static void test_shown(void **state)
{
	static const char *const texts[][2] = {
		{ "a\x1b[1m\x7f=?utf-8?Q?=C2=85=1B=E2=80=A8b_=E2=80=AEc=E2=81=A6?=\xe2\x80\xad.", "a [1m    b c." },
		{ "=?iso-8859-1?Q?=81?= \xd8\x9cx", "  x" },
	};
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);
	struct arena arena = arena_init(heap, 1024);

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_slice(header_text(c, (slice){ 0 }, slice_from(texts[i][0]), 100, &arena),
		    slice_from(texts[i][1]));
	heap_drop(heap);
}

/* Beginnings without ends; looking for each end anew would take hours. */
static void test_hostile(void **state)
{
	static const char *const words[] = { "=?a?B?", "=?a?X?b?=", "=?", "=?a?Q?x?= ", "=?a?Q?x?==?b?Q?y?=" };
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		struct arena arena = arena_init(heap, 4 * HEADER_TEXT_MAX);
		struct buffer text = buffer_init(heap, 2 << 20);

		while (buffer_bytes(&text).len < 1 << 18)
			buffer_add(&text, slice_from(words[i]));
		assert_true(header_text(c, (slice){ 0 }, buffer_bytes(&text), HEADER_TEXT_MAX,
		    &arena).len > 0);
		buffer_free(&text);
		arena_reset(&arena);
	}
	heap_drop(heap);
}

/* ../shared/suites/header-unstructured: values and their text. Some are followed by a
 * field that is not theirs. */
static void test_suite(void **state)
{
	static const char *const differ[] = {
		/* No blanks where none are. */
		"unstructured-1b495d9e8394", "unstructured-e563d057be98", "unstructured-8ca33fdabe51",
		"unstructured-12782c92b48d",
		/* All blanks that are. */
		"unstructured-8a139cbf3daf",
	};
	json_t *root, *cases = suite_cases("header-unstructured", &root), *item;
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);
	size_t i, bad = 0;

	json_array_foreach(cases, i, item) {
		struct arena arena = arena_init(heap, 4 * HEADER_TEXT_MAX);
		slice rest = arena_printf(&arena, "X:%.*s\n", slice_arg(suite_text(item, "header"))), have;
		struct header_field field = { 0 };

		assert_int_equal(header_next(&rest, true, &field), HEADER_FIELD);
		have = header_text(c, (slice){ 0 }, field.value, HEADER_TEXT_MAX, &arena);
		if (slice_equal(have, suite_text(item, "expected")) ==
		    suite_listed(differ, sizeof differ / sizeof differ[0], suite_text(item, "id"))) {
			print_message("# %s have \"%.*s\"\n", json_string_value(json_object_get(item, "id")),
			    slice_arg(have));
			bad++;
		}
		arena_reset(&arena);
	}
	assert_int_equal(bad, 0);
	json_decref(root);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_rows), cmocka_unit_test(test_shown),
    cmocka_unit_test(test_hostile), cmocka_unit_test(test_suite))
