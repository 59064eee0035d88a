/* mail/content_type_test.c - by table: what is read, and what is not clear enough. */
#include "mail/content_type.h"

#include "unit.h"

static const struct {
	const char *value, *type, *subtype, *boundary;
} types[] = {
	{ "", "", "", "" },
	{ " text/plain\r\n", "text", "plain", "" },
	{ " Text/HTML; charset=utf-8", "Text", "HTML", "" },
	{ " (a) text (b) / (c) plain (d)", "text", "plain", "" },
	{ "text", "", "", "" },
	{ "text/", "", "", "" },
	{ "/plain", "", "", "" },
	{ "(open text/plain", "", "", "" },
	{ "text/plain charset=x; boundary=b", "text", "plain", "b" },
	{ "multipart/mixed; boundary=abc", "multipart", "mixed", "abc" },
	{ "multipart/mixed;\r\n\tBOUNDARY = \"a b c\" ; x=y\r\n", "multipart", "mixed", "a b c" },
	{ "multipart/mixed; x=\"; boundary=no\"; boundary=yes", "multipart", "mixed", "yes" },
	{ "multipart/mixed; x=\"\\\"; boundary=no\"; boundary=yes", "multipart", "mixed", "yes" },
	{ "multipart/mixed; (a;comment) boundary=b", "multipart", "mixed", "" },
	{ "multipart/mixed; (a comment) boundary=b", "multipart", "mixed", "b" },
	{ "multipart/mixed; boundary=----=_Part_1/2:3", "multipart", "mixed", "----=_Part_1/2:3" },
	{ "multipart/mixed; boundaryless=b", "multipart", "mixed", "" },
	{ "multipart/mixed; boundaryless=a; boundary=b", "multipart", "mixed", "b" },
	/* Read differently by different programs. */
	{ "multipart/mixed; boundary=a; boundary=b", "multipart", "mixed", "" },
	{ "multipart/mixed; boundary=a b", "multipart", "mixed", "" },
	{ "multipart/mixed; boundary=a (b)", "multipart", "mixed", "" },
	{ "multipart/mixed; boundary=\"a\\b\"", "multipart", "mixed", "" },
	{ "multipart/mixed; boundary=\"a", "multipart", "mixed", "" },
	{ "multipart/mixed; boundary=\"a \"", "multipart", "mixed", "" },
	{ "multipart/mixed; boundary=\"\"", "multipart", "mixed", "" },
	{ "multipart/mixed; boundary=", "multipart", "mixed", "" },
	{ "multipart/mixed; boundary", "multipart", "mixed", "" },
	{ "multipart/mixed; boundary=\"a\xc3\xa4\"", "multipart", "mixed", "" },
	{ "multipart/mixed; boundary*=us-ascii''b", "multipart", "mixed", "" },
	{ "multipart/mixed; boundary*0=a; boundary*1=b", "multipart", "mixed", "" },
	{ "multipart/mixed; boundary=a; boundary*=b", "multipart", "mixed", "" },
};

static void test_types(void **state)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		slice value = guarded_copy(slice_from(types[i].value));
		struct content_type t = content_type_read(value);

		print_message("# %s\n", types[i].value);
		assert_slice(t.type, slice_from(types[i].type));
		assert_slice(t.subtype, slice_from(types[i].subtype));
		assert_slice(t.boundary, slice_from(types[i].boundary));
		guarded_free(value);
	}
}

static const struct {
	const char *value;
	enum content_encoding want;
} encodings[] = {
	{ "", CONTENT_7BIT },
	{ " \r\n", CONTENT_7BIT },
	{ " 7bit\r\n", CONTENT_7BIT },
	{ "8BIT", CONTENT_8BIT },
	{ " (c) 8bit (d) ", CONTENT_8BIT },
	{ "binary;", CONTENT_BINARY },
	{ "Quoted-Printable", CONTENT_QUOTED_PRINTABLE },
	{ "base64", CONTENT_BASE64 },
	{ "x-uuencode", CONTENT_UNKNOWN },
	{ "8 bit", CONTENT_UNKNOWN },
	{ "8bit, base64", CONTENT_UNKNOWN },
	{ "(open", CONTENT_UNKNOWN },
	{ "\"8bit\"", CONTENT_UNKNOWN },
};

static void test_encodings(void **state)
{
	for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++) {
		slice value = guarded_copy(slice_from(encodings[i].value));

		print_message("# %s\n", encodings[i].value);
		assert_int_equal(content_encoding_read(value), encodings[i].want);
		guarded_free(value);
	}
}

static void test_delimiters(void **state)
{
	static const struct {
		const char *line, *boundary;
		bool is, last;
	} lines[] = {
		{ "--b", "b", true, false }, { "--b \t ", "b", true, false }, { "--b--", "b", true, true },
		{ "--b-- \t", "b", true, true }, { "--b--", "b--", true, false },
		{ "--a b", "a b", true, false }, { "--bX", "b", false, false }, { "--b x", "b", false, false },
		{ "--b-", "b", false, false }, { "--b --", "b", false, false }, { "--b--x", "b", false, false },
		{ "--B", "b", false, false }, { "-b", "b", false, false }, { "--", "b", false, false },
		{ "", "b", false, false }, { " --b", "b", false, false },
	};

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		slice line = guarded_copy(slice_from(lines[i].line));
		bool last = false;

		print_message("# %s\n", lines[i].line);
		assert_int_equal(content_type_delimiter(line, slice_from(lines[i].boundary), &last),
		    lines[i].is);
		assert_int_equal(last, lines[i].last);
		guarded_free(line);
	}
}

UNIT_TESTS(cmocka_unit_test(test_types), cmocka_unit_test(test_encodings),
    cmocka_unit_test(test_delimiters))
