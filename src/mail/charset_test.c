/* mail/charset_test.c - labels and bytes, by table; wrong labels, cut texts, each cut of
 * the room. */
#include "mail/charset.h"

#include "mail/utf8.h"
#include "unit.h"

static const struct {
	const char *label, *text, *want;
	unsigned faults;
} rows[] = {
	{ "", "", "", 0 },
	{ "", "plain", "plain", 0 },
	{ "us-ascii", "plain", "plain", 0 },
	{ "UTF-8", "Gr\xc3\xbc\xc3\x9f", "Gr\xc3\xbc\xc3\x9f", 0 },
	{ "utf8", "\xef\xbb\xbfmark", "mark", 0 },
	{ "utf-8", "a\xff" "b\xc3", "a\xef\xbf\xbd" "b\xef\xbf\xbd", CHARSET_BAD },
	{ "ISO-8859-1", "Gr\xfc\xdf", "Gr\xc3\xbc\xc3\x9f", 0 },
	{ "iso-8859-1", "\x80 \x93q\x94 \x81", "\xe2\x82\xac \xe2\x80\x9cq\xe2\x80\x9d \xc2\x81", 0 },
	{ "windows-1252", "\x9f", "\xc5\xb8", 0 },
	{ "ISO-8859-15", "\xa4", "\xe2\x82\xac", 0 },
	{ "iso-8859-2", "\xb1", "\xc4\x85", 0 },
	{ "windows-1251", "\xcf\xf0\xe8", "\xd0\x9f\xd1\x80\xd0\xb8", 0 },
	{ "windows-1253", "\xe1\xff", "\xce\xb1\xef\xbf\xbd", CHARSET_BAD },
	{ "koi8-r", "\xf0\xd2\xc9", "\xd0\x9f\xd1\x80\xd0\xb8", 0 },
	{ "GB2312", "\xba\xba\xd7\xd6", "\xe6\xb1\x89\xe5\xad\x97", 0 },
	{ "big5", "\xba\x7e\xa6\x72", "\xe6\xbc\xa2\xe5\xad\x97", 0 },
	{ "ks_c_5601-1987", "\xc7\xd1", "\xed\x95\x9c", 0 },
	{ "EUC-KR", "\xc7", "\xef\xbf\xbd", CHARSET_BAD },
	{ "Shift_JIS", "\x93\xfa\x96\x7b", "\xe6\x97\xa5\xe6\x9c\xac", 0 },
	{ "euc-jp", "\xc6\xfc\xcb\xdc", "\xe6\x97\xa5\xe6\x9c\xac", 0 },
	{ "iso-2022-jp", "\x1b$BF|K\\\x1b(B!", "\xe6\x97\xa5\xe6\x9c\xac!", 0 },
	{ "", "\x1b$BF|K\\\x1b(B!", "\xe6\x97\xa5\xe6\x9c\xac!", CHARSET_UNKNOWN },
	{ "utf-7", "Hi +AGE-", "Hi a", 0 },
	/* Unknown or wrong. */
	{ "", "Gr\xfc\xdf", "Gr\xc3\xbc\xc3\x9f", CHARSET_UNKNOWN },
	{ "", "Gr\xc3\xbc\xc3\x9f", "Gr\xc3\xbc\xc3\x9f", CHARSET_UNKNOWN },
	{ "us-ascii", "\xe9", "\xc3\xa9", CHARSET_UNKNOWN },
	{ "no-such-thing", "x\xe9", "x\xc3\xa9", CHARSET_UNKNOWN },
	{ "no-such-thing", "x", "x", CHARSET_UNKNOWN },
	{ "../../etc/passwd", "\xe9", "\xc3\xa9", CHARSET_UNKNOWN },
	{ "UTF-8//TRANSLIT", "\xe9", "\xc3\xa9", CHARSET_UNKNOWN },
	{ "IBM1364", "\xe9", "\xc3\xa9", CHARSET_UNKNOWN },
	/* Four characters may be chance, eight are not. */
	{ "windows-1252", "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f",
	    "\xc3\x83\xc2\xa4\xc3\x83\xc2\xb6\xc3\x83\xc2\xbc\xc3\x83\xc5\xb8", 0 },
	{ "windows-1251", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xd0\xbc\xd0\xb8",
	    "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xd0\xbc\xd0\xb8", CHARSET_UNKNOWN },
};

static void test_rows(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		slice text = guarded_copy(slice_from(rows[i].text));
		slice want = slice_from(rows[i].want);

		print_message("# %s %zu\n", rows[i].label, i);
		for (size_t max = 0; max <= want.len + 3; max++) {
			struct buffer out = buffer_init(heap, max);
			unsigned faults = charset_decode(c, slice_from(rows[i].label), text, &out);

			assert_true(slice_starts(want, buffer_bytes(&out)) || max < want.len + 3);
			assert_true(utf8_valid(buffer_bytes(&out)));
			if (max == want.len + 3) {
				assert_slice(buffer_bytes(&out), want);
				assert_int_equal(faults, rows[i].faults);
			}
			buffer_free(&out);
		}
		guarded_free(text);
	}
	heap_drop(heap);
}

static void test_wide(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);
	struct buffer out = buffer_init(heap, 100);

	charsets_load(c);
	assert_int_equal(charset_decode(c, slice_lit("utf-16le"), slice_lit("\xff\xfe" "a\0b\0"), &out), 0);
	assert_int_equal(charset_decode(c, slice_lit("UTF-16"), slice_lit("\xfe\xff\0c\0d"), &out), 0);
	assert_int_equal(charset_decode(c, slice_lit("utf-16be"), slice_lit("\0e\xd8"), &out), CHARSET_BAD);
	assert_slice(buffer_bytes(&out), slice_lit("abcde\xef\xbf\xbd"));
	heap_drop(heap);
}

/* A long text goes through iconv in pieces; its faults are few or many. */
static void test_long(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);
	size_t n = 1 << 18;
	unsigned char *text = heap_alloc(heap, n);
	struct buffer out = buffer_init(heap, 3 * n);

	memset(text, 0xe1, n);
	for (size_t i = 0; i < n; i += 7)
		text[i] = 0xff;         /* means nothing in windows-1253 */
	assert_int_equal(charset_decode(c, slice_lit("windows-1253"), slice_of(text, n), &out),
	    CHARSET_BAD);
	assert_int_equal(buffer_bytes(&out).len, (n + 6) / 7 * 3 + (n - (n + 6) / 7) * 2);
	assert_true(utf8_valid(buffer_bytes(&out)));
	heap_drop(heap);
}

/* Where only the beginning of a text is looked at, it is cut between characters: what has
 * no label is still seen to be UTF-8. */
static void test_beginning(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);
	struct buffer text = buffer_init(heap, 1 << 20);

	for (int i = 0; i < 5000; i++)
		buffer_add(&text, i % 3 == 0 ? slice_lit("\xc3\xa9") : slice_lit("\xe2\x82\xac"));
	for (size_t room = 0; room < 40; room++) {
		struct buffer out = buffer_init(heap, room);

		assert_true(charset_enough(room) < buffer_bytes(&text).len);
		assert_int_equal(charset_decode(c, (slice){ 0 }, buffer_bytes(&text), &out),
		    CHARSET_UNKNOWN | CHARSET_CUT);
		assert_true(slice_starts(buffer_bytes(&text), buffer_bytes(&out)));
		assert_true(buffer_bytes(&out).len + 3 > room);
		buffer_free(&out);
	}
	heap_drop(heap);
}

/* Whole characters at the beginning, wherever the others stand in steps of eight. */
static void test_run(void **state)
{
	unsigned char text[40];

	for (size_t at = 0; at < sizeof text - 1; at++) {
		memset(text, 'a', sizeof text);
		text[at] = 0xC3;
		assert_int_equal(utf8_run(slice_of(text, sizeof text)), at);
		assert_int_equal(utf8_run(slice_of(text, at + 1)), at);
		assert_false(utf8_valid(slice_of(text, sizeof text)));
		text[at + 1] = 0xA9;
		assert_int_equal(utf8_run(slice_of(text, sizeof text)), sizeof text);
		assert_true(utf8_valid(slice_of(text, sizeof text)));
	}
}

UNIT_TESTS(cmocka_unit_test(test_run), cmocka_unit_test(test_rows), cmocka_unit_test(test_wide), cmocka_unit_test(test_long),
    cmocka_unit_test(test_beginning))
