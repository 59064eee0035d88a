/* mail/content_decode_test.c - base64 and quoted-printable, whole and broken, by table;
 * each room for what comes out. */
#include "mail/content_decode.h"

#include "unit.h"

static const struct {
	enum content_encoding encoding;
	const char *text, *want;
	bool bad;
} rows[] = {
	{ CONTENT_7BIT, "a=41\r\n", "a=41\r\n", false },
	{ CONTENT_8BIT, "\xe9", "\xe9", false },
	{ CONTENT_UNKNOWN, "YQ==", "YQ==", false },
	{ CONTENT_BASE64, "", "", false },
	{ CONTENT_BASE64, "YWJj", "abc", false },
	{ CONTENT_BASE64, "YWJjZA==\r\n", "abcd", false },
	{ CONTENT_BASE64, "YW\r\nJj\tZGU=", "abcde", false },
	{ CONTENT_BASE64, "YWJjZA", "abcd", true },
	{ CONTENT_BASE64, "YWJjZGU", "abcde", true },
	{ CONTENT_BASE64, "YWJjZ", "abc", true },
	{ CONTENT_BASE64, "YW!Jj", "abc", true },
	{ CONTENT_BASE64, "YQ==YmM=", "abc", true },
	{ CONTENT_BASE64, "====", "", true },
	{ CONTENT_BASE64, "=YWJj", "abc", true },
	{ CONTENT_QUOTED_PRINTABLE, "", "", false },
	{ CONTENT_QUOTED_PRINTABLE, "a=3Db=3d", "a=b=", false },
	{ CONTENT_QUOTED_PRINTABLE, "soft=\r\nly=\nso", "softlyso", false },
	{ CONTENT_QUOTED_PRINTABLE, "soft= \t\r\nly", "softly", false },
	{ CONTENT_QUOTED_PRINTABLE, "blank =\r\nkept", "blank kept", false },
	{ CONTENT_QUOTED_PRINTABLE, "gone \t\r\nb  \nc ", "gone\r\nb\nc", false },
	{ CONTENT_QUOTED_PRINTABLE, "in side", "in side", false },
	{ CONTENT_QUOTED_PRINTABLE, "kept=20\r\n", "kept \r\n", false },
	{ CONTENT_QUOTED_PRINTABLE, "end=", "end", false },
	{ CONTENT_QUOTED_PRINTABLE, "a=zz=4", "a=zz=4", true },
	{ CONTENT_QUOTED_PRINTABLE, "=\rx", "=\rx", true },
	{ CONTENT_QUOTED_PRINTABLE, "\xe9", "\xe9", true },
	{ CONTENT_QUOTED_PRINTABLE, "\xd0=\r\n\x9f", "\xd0\x9f", true },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		slice text = guarded_copy(slice_from(rows[i].text)), want = slice_from(rows[i].want);

		print_message("# %zu %s\n", i, rows[i].text);
		for (size_t size = 0; size <= want.len; size++) {
			slice out = guarded_copy(slice_head(want, size));
			unsigned char *at = (unsigned char *)(uintptr_t)out.ptr;
			bool bad;

			if (size > 0)
				memset(at, 0, size);
			assert_int_equal(content_decode(rows[i].encoding, text, at, size, &bad),
			    want.len);
			assert_int_equal(bad, rows[i].bad);
			if (size == want.len)
				assert_slice(out, want);
			guarded_free(out);
		}
		guarded_free(text);
	}
}

static void test_q(void **state)
{
	static const char *const q[][2] = {
		{ "a_b", "a b" }, { "=5F=5f", "__" }, { "a=b", "a=b" }, { "=", "=" }, { "=4", "=4" },
		{ "=E9=\r\n", "\xe9=\r\n" },
	};

	for (size_t i = 0; i < sizeof q / sizeof q[0]; i++) {
		unsigned char out[16];
		size_t n = content_decode_q(slice_from(q[i][0]), out, sizeof out);

		assert_slice(slice_of(out, n), slice_from(q[i][1]));
	}
}

UNIT_TESTS(cmocka_unit_test(test_rows), cmocka_unit_test(test_q))
