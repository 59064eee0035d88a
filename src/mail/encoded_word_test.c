/* mail/encoded_word_test.c - what is written, and that it decodes to what it was. */
#include "mail/encoded_word.h"

#include "mail/base64.h"
#include "mail/utf8.h"
#include "unit.h"

static const struct {
	const char *name, *text, *want;         /* want NULL: needs no encoding */
} rows[] = {
	{ "empty", "", NULL },
	{ "ASCII", "Hello, world. 100%?", NULL },
	{ "RFC 2047 s8, a", "Keld J\xc3\xb8rn Simonsen", "=?UTF-8?Q?Keld_J=C3=B8rn_Simonsen?=" },
	{ "RFC 2047 s8, b", "Andr\xc3\xa9", "=?UTF-8?Q?Andr=C3=A9?=" },
	{ "RFC 2047 s8, c", "Olle J\xc3\xa4rnefors", "=?UTF-8?Q?Olle_J=C3=A4rnefors?=" },
	{ "RFC 2047 s8, d", "Patrik F\xc3\xa4ltstr\xc3\xb6m",
	    "=?UTF-8?Q?Patrik_F=C3=A4ltstr=C3=B6m?=" },
	{ "B is shorter", "\xe4\xbd\xa0\xe5\xa5\xbd", "=?UTF-8?B?5L2g5aW9?=" },
	{ "looks like one", "=?UTF-8?Q?x?=", "=?UTF-8?Q?=3D=3FUTF-8=3FQ=3Fx=3F=3D?=" },
	{ "only begins like one", "a=?b", "=?UTF-8?Q?a=3D=3Fb?=" },
	{ "not for a phrase", "a.\xc3\xa9_\"=?", "=?UTF-8?B?YS7DqV8iPT8=?=" },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer out = buffer_init(heap, 4096);
		slice text = guarded_copy(slice_from(rows[i].text));
		struct field f = field_begin(&out, "X");

		if (encoded_word_needed(text) != (rows[i].want != NULL))
			fail_msg("%s", rows[i].name);
		if (rows[i].want != NULL) {
			encoded_word_write(&f, text);
			assert_slice(slice_drop(buffer_bytes(&out), 3), slice_from(rows[i].want));
		}
		guarded_free(text);
		heap_drop(heap);
	}
}

static void test_long_word_needs_it(void **state)
{
	char text[200];

	memset(text, 'x', sizeof text);
	assert_false(encoded_word_needed(slice_of(text, FIELD_LINE - 1)));
	assert_true(encoded_word_needed(slice_of(text, FIELD_LINE)));
	text[60] = ' ';
	text[120] = '\t';
	assert_false(encoded_word_needed(slice_of(text, 180)));
}

/* ---- the way back, for the test only ---- */

static unsigned hex(unsigned char c)
{
	return c <= '9' ? c - '0' + 0u : c - 'A' + 10u;
}

/* Decode one word off *in; false when there is none. */
static bool decode_word(slice *in, struct buffer *out)
{
	slice rest = *in, text;
	bool q = slice_starts(rest, slice_lit("=?UTF-8?Q?"));
	size_t end;

	if (!q && !slice_starts(rest, slice_lit("=?UTF-8?B?")))
		return false;
	rest = slice_drop(rest, 10);
	end = slice_find(rest, slice_lit("?="));
	assert_true(end < rest.len && end + 12 <= ENCODED_WORD_MAX);
	text = slice_head(rest, end);
	*in = slice_drop(rest, end + 2);
	if (!q) {
		unsigned char bytes[ENCODED_WORD_MAX];
		size_t n;

		assert_int_equal(base64_decode(text, bytes, sizeof bytes, &n), BASE64_OK);
		buffer_add(out, slice_of(bytes, n));
		assert_true(utf8_valid(slice_of(bytes, n)));
		return true;
	}
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.ptr[i];

		if (c == '=') {
			c = (unsigned char)(hex(text.ptr[i + 1]) << 4 | hex(text.ptr[i + 2]));
			i += 2;
		} else if (c == '_') {
			c = ' ';
		}
		buffer_add(out, slice_of(&c, 1));
	}
	return true;
}

static void check_lines(slice field)
{
	while (field.len > 0) {
		slice line = slice_cut(&field, '\n');

		assert_true(line.len - 1 <= FIELD_LINE);
		assert_true(slice_trim(slice_head(line, line.len - 1)).len > 0);
	}
}

/* Subjects of each length, of characters of one to four bytes, behind names of
 * each length. */
static void test_round_trip(void **state)
{
	static const char *const characters[] = { "a", " ", "\xc3\xbc", "\xe2\x82\xac",
	    "\xf0\x9f\x93\xae" };

	for (size_t n = 1; n < 400; n++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer text = buffer_init(heap, 4096), out = buffer_init(heap, 16384);
		struct buffer back = buffer_init(heap, 4096);
		char name[64] = "Subject";
		struct field f;
		slice rest;

		memset(name + 7, 'x', n % 40);
		buffer_add(&text, slice_lit("\xc3\xbc"));
		for (size_t i = 0; i < n; i++)
			buffer_add(&text, slice_from(characters[(i * i + n) % 5]));
		f = field_begin(&out, name);
		encoded_word_write(&f, buffer_bytes(&text));
		assert_true(field_end(&f));
		check_lines(buffer_bytes(&out));
		rest = slice_drop(buffer_bytes(&out), strlen(name) + 2);
		while (decode_word(&rest, &back)) {
			if (slice_starts(rest, slice_lit("\r\n ")))
				rest = slice_drop(rest, 3);
			else if (slice_starts(rest, slice_lit(" ")))
				rest = slice_drop(rest, 1);
		}
		assert_slice(rest, slice_lit("\r\n"));
		assert_slice(buffer_bytes(&back), buffer_bytes(&text));
		heap_drop(heap);
	}
}

static void test_no_room(void **state)
{
	for (size_t room = 0; room < 120; room++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer out = buffer_init(heap, room);
		struct field f = field_begin(&out, "Subject");

		encoded_word_write(&f, slice_lit("\xe4\xbd\xa0\xe5\xa5\xbd \xe4\xbd\xa0\xe5\xa5\xbd"));
		assert_int_equal(field_end(&f), room >= 9 + 12 + 20 + 2);
		heap_drop(heap);
	}
}

UNIT_TESTS(cmocka_unit_test(test_rows), cmocka_unit_test(test_long_word_needs_it),
    cmocka_unit_test(test_round_trip), cmocka_unit_test(test_no_room))
