/* mail/quoted_printable_test.c - by table, and back again at every line length. */
#include "mail/quoted_printable.h"

#include "unit.h"

#define X10 "xxxxxxxxxx"
#define X70 X10 X10 X10 X10 X10 X10 X10

static const struct {
	const char *name, *text, *want;
} rows[] = {
	{ "empty", "", "" },
	{ "RFC 2045 s6.7, the example", "Now's the time for all folk to come to the aid of "
	    "their country, and to do it now.",
	    "Now's the time for all folk to come to the aid of their country, and to do =\r\n"
	    "it now." },
	{ "LF", "a\nb\n", "a\r\nb\r\n" },
	{ "CRLF", "a\r\n\r\nb", "a\r\n\r\nb" },
	{ "bare CR", "a\rb\r", "a=0Db=0D" },
	{ "CR CR LF", "a\r\r\n", "a=0D\r\n" },
	{ "equals sign", "1+1=2", "1+1=3D2" },
	{ "UTF-8", "Gr\xc3\xbc\xc3\x9f" "e", "Gr=C3=BC=C3=9Fe" },
	{ "controls", "\x01\x7f\x1b", "=01=7F=1B" },
	{ "blanks within", "a b\tc", "a b\tc" },
	{ "blanks at the end of a line", "a \nb\t\r\nc ", "a=20\r\nb=09\r\nc=20" },
	{ "several blanks", "a  \n", "a =20\r\n" },
	{ "75 characters", X70 "12345", X70 "12345" },
	{ "76 characters", X70 "123456", X70 "12345=\r\n6" },
	{ "not within a triplet", X70 "123\xc3\xbc", X70 "123=\r\n=C3=BC" },
	{ "a triplet that fits", X70 "12\xc3", X70 "12=C3" },
	{ "a blank before a soft break", X70 "1234 x", X70 "1234 =\r\nx" },
	{ "a dot", ".\n..\n", ".\r\n..\r\n" },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer out = buffer_init(heap, 4096);
		slice text = guarded_copy(slice_from(rows[i].text));

		print_message("# %s\n", rows[i].name);
		assert_true(quoted_printable_write(text, &out));
		assert_slice(buffer_bytes(&out), slice_from(rows[i].want));
		guarded_free(text);
		heap_drop(heap);
	}
}

static unsigned hex(unsigned char c)
{
	return c <= '9' ? c - '0' + 0u : c - 'A' + 10u;
}

static void decode(slice in, struct buffer *out)
{
	for (size_t i = 0; i < in.len; i++) {
		unsigned char c = in.ptr[i];

		if (c == '=' && in.ptr[i + 1] == '\r') {
			i += 2;
			continue;
		}
		if (c == '=') {
			c = (unsigned char)(hex(in.ptr[i + 1]) << 4 | hex(in.ptr[i + 2]));
			i += 2;
		}
		buffer_add(out, slice_of(&c, 1));
	}
}

/* All bytes at all places: it comes back, in short lines of printable ASCII that end
 * with no blank. */
static void test_round_trip(void **state)
{
	for (size_t n = 0; n < 600; n++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer text = buffer_init(heap, 4096), out = buffer_init(heap, 8192);
		struct buffer back = buffer_init(heap, 4096);
		slice rest;

		for (size_t i = 0; i < n; i++) {
			unsigned char c = (unsigned char)(i * 31 + n * 7);

			buffer_add(&text, c == '\n' ? slice_lit("\r\n") : slice_of(&c, 1));
		}
		assert_true(quoted_printable_write(buffer_bytes(&text), &out));
		decode(buffer_bytes(&out), &back);
		assert_slice(buffer_bytes(&back), buffer_bytes(&text));
		for (rest = buffer_bytes(&out); rest.len > 0;) {
			slice line = slice_cut(&rest, '\n');

			if (rest.len > 0)
				line.len--;
			assert_true(line.len <= QUOTED_PRINTABLE_LINE);
			assert_int_equal(slice_trim(line).len,
			    line.len - (line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t')));
		}
		heap_drop(heap);
	}
}

static void test_no_room(void **state)
{
	slice text = slice_lit(X70 "12345678\r\nb");
	size_t whole = text.len + 3;

	for (size_t room = 0; room <= whole; room++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer out = buffer_init(heap, room);

		assert_int_equal(quoted_printable_write(text, &out), room == whole);
		heap_drop(heap);
	}
}

UNIT_TESTS(cmocka_unit_test(test_rows), cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_no_room))
