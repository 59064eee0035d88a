/* mail/shown_test.c - each character that does more than stand there, and its neighbours. */
#include "mail/shown.h"

#include "unit.h"

static const struct {
	const char *text, *want;
} rows[] = {
	{ "", "" },
	{ "a b~", "a b~" },
	{ "a\x01\t\r\n\x1f\x7f" "b", "a      b" },
	{ "\xc2\x80|\xc2\x85|\xc2\x9b|\xc2\x9f|\xc2\xa0", " | | | |\xc2\xa0" },
	{ "\xd8\x9b\xd8\x9c\xd8\x9d", "\xd8\x9b\xd8\x9d" },
	{ "\xe2\x80\x8d|\xe2\x80\x8e|\xe2\x80\x8f|\xe2\x80\x90", "\xe2\x80\x8d|||\xe2\x80\x90" },
	{ "\xe2\x80\xa7|\xe2\x80\xa8|\xe2\x80\xa9|\xe2\x80\xaa|\xe2\x80\xae|\xe2\x80\xaf",
	    "\xe2\x80\xa7| | |||\xe2\x80\xaf" },
	{ "\xe2\x81\xa5|\xe2\x81\xa6|\xe2\x81\xa9|\xe2\x81\xaa", "\xe2\x81\xa5|||\xe2\x81\xaa" },
	{ "\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80" },
	{ "\xc2|\x9b|\xe2\x80", "\xc2|\x9b|\xe2\x80" },        /* no UTF-8: as it is */
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		slice text = slice_from(rows[i].text), want = slice_from(rows[i].want);
		slice copy = guarded_copy(text);
		size_t n;

		print_message("# %zu\n", i);
		assert_int_equal(shown_is_plain(copy), slice_equal(text, want));
		n = shown_line((unsigned char *)(uintptr_t)copy.ptr, copy.len);
		assert_slice(slice_head(copy, n), want);
		guarded_free(copy);
	}
}

UNIT_TESTS(cmocka_unit_test(test_rows))
