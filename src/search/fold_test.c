/* search/fold_test.c - what counts as the same text. */
#include "search/fold.h"

#include "unit.h"

static const struct {
	const char *text, *folded, *words;
} cases[] = {
	{ "", "", "" },
	{ "Plain TEXT", "plain text", "plain text" },
	{ "CAF\xc3\x89 \xc3\x84\xc3\x96\xc3\x9c", "caf\xc3\xa9 \xc3\xa4\xc3\xb6\xc3\xbc",
	    "caf\xc3\xa9 \xc3\xa4\xc3\xb6\xc3\xbc" },
	{ "\xd0\x9f\xd0\x9e\xd0\xa7\xd0\xa2\xd0\x90", "\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0",
	    "\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0" },
	{ "\xff\xc3X", "\xff\xc3x", "\xff\xc3x" },      /* no UTF-8 */
	{ " a\r\n\tB ", " a\r\n\tb ", "a b" },
	{ "The <b>body</b>; 7, \"x\" (y)", "the <b>body</b>; 7, \"x\" (y)", "the b body /b 7 x y" },
	{ "(((", "(((", "" },
};

static void test_fold(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buffer out = buffer_init(heap, 100);
		slice text = guarded_copy(slice_from(cases[i].text));

		assert_true(fold_text(text, &out));
		assert_slice(buffer_bytes(&out), slice_from(cases[i].folded));
		buffer_free(&out);
		assert_true(fold_words(text, &out));
		assert_slice(buffer_bytes(&out), slice_from(cases[i].words));
		buffer_free(&out);
		guarded_free(text);
	}
	heap_drop(heap);
}

/* Longer than one step; and no room for the last character. */
static void test_long(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	unsigned char text[3000], want[3000];

	for (size_t n = 0; n < sizeof text; n++) {
		text[n] = n % 7 == 6 ? ' ' : 'A';
		want[n] = n % 7 == 6 ? ' ' : 'a';
	}
	for (size_t n = 500; n < sizeof text; n += 1 + (n > 530) * 97) {
		size_t words = n - (text[n - 1] == ' ');
		struct buffer out = buffer_init(heap, n);

		assert_true(fold_text(slice_of(text, n), &out));
		assert_slice(buffer_bytes(&out), slice_of(want, n));
		buffer_free(&out);
		assert_true(fold_words(slice_of(text, n), &out));
		assert_slice(buffer_bytes(&out), slice_of(want, words));
		buffer_free(&out);
		out = buffer_init(heap, words - 1);
		assert_false(fold_text(slice_of(text, n), &out));
		buffer_free(&out);
		assert_false(fold_words(slice_of(text, n), &out));
		buffer_free(&out);
	}
	heap_drop(heap);
}

/* Each byte, alone and between letters, and at each place of a step. */
static void test_each_byte(void **state)
{
	static const char gaps[] = " \r\n\t<>\",;()";
	struct heap *heap = heap_create(SIZE_MAX);

	for (unsigned c = 0; c < 128; c++) {
		bool gap = c != 0 && strchr(gaps, (int)c) != NULL;
		unsigned char lower = ascii_lower((unsigned char)c);

		for (size_t before = 0; before < 1100; before += before % 512 > 505 || before % 512 < 4 ? 1 : 50) {
			struct buffer out = buffer_init(heap, 2000);
			unsigned char text[1200], want[1200];

			memset(text, 'X', sizeof text);
			memset(want, 'x', sizeof want);
			text[before] = (unsigned char)c;
			want[before] = gap ? ' ' : lower;
			assert_true(fold_words(slice_of(text, before + 3), &out));
			assert_slice(buffer_bytes(&out), gap && before == 0 ? slice_of(want + 1, 2) :
			    slice_of(want, before + 3));
			buffer_free(&out);
		}
	}
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_fold), cmocka_unit_test(test_long),
    cmocka_unit_test(test_each_byte))
