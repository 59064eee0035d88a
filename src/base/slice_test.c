/* base/slice_test.c - slices, numbers and small texts. */
#include "base/slice.h"

#include "base/text.h"
#include "unit.h"

static void find_and_cut(void **state)
{
	static const struct {
		const char *text, *needle;
		size_t at;
	} rows[] = {
		{ "", "x", 0 },         { "abc", "", 0 },      { "abc", "c", 2 },
		{ "abc", "abcd", 3 },   { "aab", "ab", 1 },    { "abc", "x", 3 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		slice s = guarded_copy(slice_from(rows[i].text));

		assert_int_equal(slice_find(s, slice_from(rows[i].needle)), rows[i].at);
		guarded_free(s);
	}
	slice rest = slice_lit("a,b,");
	assert_slice(slice_cut(&rest, ','), slice_lit("a"));
	assert_slice(slice_cut(&rest, ','), slice_lit("b"));
	assert_slice(slice_cut(&rest, ','), slice_lit(""));
	assert_int_equal(rest.len, 0);
	assert_slice(slice_trim(slice_lit(" \t a b \t")), slice_lit("a b"));
	assert_slice(slice_trim(slice_lit(" \t ")), slice_lit(""));
}

static void order_and_case(void **state)
{
	assert_true(slice_equal_ascii(slice_lit("Post\xC4"), slice_lit("pOST\xC4")));
	assert_false(slice_equal_ascii(slice_lit("\xC4"), slice_lit("\xE4")));
	assert_true(slice_compare(slice_lit("a"), slice_lit("b")) < 0);
	assert_true(slice_compare(slice_lit("ab"), slice_lit("a")) > 0);
	assert_int_equal(slice_compare(slice_lit("a"), slice_lit("a")), 0);
	assert_true(slice_compare(slice_lit("\xff"), slice_lit("a")) > 0);
	assert_true(slice_starts_ascii(slice_lit("RCPT TO"), slice_lit("rcpt")));
	assert_false(slice_starts(slice_lit("RC"), slice_lit("RCPT")));
	assert_true(slice_ends(slice_lit("a.log"), slice_lit(".log")));
}

static void decimal(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool good;
		uint64_t value;
	} rows[] = {
		{ "0", 9, true, 0 },
		{ "0010", 10, true, 10 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "99999999999999999999", UINT64_MAX, false, 0 },
		{ "11", 10, false, 0 },
		{ "", 10, false, 0 },
		{ "-1", 10, false, 0 },
		{ "+1", 10, false, 0 },
		{ "1 ", 10, false, 0 },
		{ "1x", 10, false, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		slice s = guarded_copy(slice_from(rows[i].text));
		uint64_t value = 77;

		if (slice_to_u64(s, rows[i].max, &value) != rows[i].good)
			fail_msg("%s", rows[i].text);
		assert_int_equal(value, rows[i].good ? rows[i].value : 77);
		guarded_free(s);
	}
}

static void ascii(void **state)
{
	assert_true(slice_is_ascii((slice){ 0 }));
	assert_true(slice_is_ascii(slice_of("\0 ~\x7f", 4)));
	assert_false(slice_is_ascii(slice_lit("\x80" "abc")));
	assert_false(slice_is_ascii(slice_lit("abc\xff")));
	assert_false(slice_is_ascii(slice_lit("Gr\xc3\xbc\xc3\x9f" "e")));
}

static void base32(void **state)
{
	static const uint64_t values[] = { 0, 1, 31, 32, 0xdeadbeef, UINT64_MAX };
	uint64_t back;
	char text[14];

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		size_t n = text_from_u64(values[i], text);

		assert_int_equal(strlen(text), n);
		assert_true(text_to_u64(slice_from(text), &back));
		assert_int_equal(back, values[i]);
	}
	assert_true(text_to_u64(slice_lit("1Z"), &back));
	assert_int_equal(back, 63);
	assert_false(text_to_u64(slice_lit(""), &back));
	assert_false(text_to_u64(slice_lit("l"), &back));
	assert_false(text_to_u64(slice_lit("g000000000000"), &back));
	assert_false(text_to_u64(slice_lit("00000000000000"), &back));
}

static void nearest_word(void **state)
{
	static const char *const names[] = { "hostname", "data", "user" };

	assert_string_equal(text_nearest(slice_lit("hostnam"), names, 3), "hostname");
	assert_string_equal(text_nearest(slice_lit("usr"), names, 3), "user");
	assert_null(text_nearest(slice_lit("listen"), names, 3));
	assert_null(text_nearest(slice_lit("x"), names, 3));
	assert_int_equal(text_distance(slice_lit("abc"), slice_lit("acb"), 9), 2);
}

static void printable(void **state)
{
	char text[16];

	assert_string_equal(text_printable(slice_lit("a\r\\"), text, sizeof text), "a\\x0d\\x5c");
	assert_string_equal(text_printable(slice_lit("0123456789abcdefgh"), text, sizeof text),
	    "0123456789ab...");
}

UNIT_TESTS(cmocka_unit_test(find_and_cut), cmocka_unit_test(order_and_case),
    cmocka_unit_test(decimal), cmocka_unit_test(ascii), cmocka_unit_test(base32),
    cmocka_unit_test(nearest_word), cmocka_unit_test(printable))
