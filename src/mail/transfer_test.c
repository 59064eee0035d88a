/* mail/transfer_test.c - by table, and what may be written at most. */
#include "mail/transfer.h"

#include "unit.h"

#define X10 "xxxxxxxxxx"
#define X70 X10 X10 X10 X10 X10 X10 X10

static const struct {
	const char *name, *text, *want;
	bool delimiter;                 /* a boundary follows */
	enum transfer_kind kind;
} rows[] = {
	{ "empty", "", "" },
	{ "a line", "a\r\n", "a\r\n" },
	{ "without its end", "a", "a" },
	{ "before a boundary", "a\r\n", "a\r\n", true },
	{ "an empty line", "\r\n", "\r\n" },
	{ "8 bits", "Gr\xc3\xbc\xc3\x9f" "e = x\r\n", "Gr=C3=BC=C3=9Fe =3D x\r\n" },
	{ "blanks at the end", "a \r\nb\t\r\n  \r\nc ", "a=20\r\nb=09\r\n =20\r\nc=20" },
	{ "blanks before a boundary", "a \r\n", "a=20\r\n", true },
	{ "dots", ".\r\n.a\r\na.\r\n..\r\n", "=2E\r\n=2Ea\r\na.\r\n=2E.\r\n" },
	{ "From", "From x\r\n From x\r\nFrom\r\nFro", "=46rom x\r\n From x\r\nFrom\r\nFro" },
	{ "no boundary", "--b\r\n- -\r\n-\r\n", "=2D-b\r\n- -\r\n-\r\n" },
	{ "NUL", "a\1b\r\n", "a=01b\r\n" },
	{ "75 characters", X70 "12345", X70 "12345" },
	{ "76 characters", X70 "123456", X70 "12345=\r\n6" },
	{ "no boundary behind a soft break", X70 "12345--b", X70 "12345=\r\n=2D-b" },
	{ "nor From, nor a dot", X70 "12345From " X70 ".", X70 "12345=\r\n=46rom " X10 X10 X10 X10
	    X10 X10 "xxxxxxxx=\r\nxx." },
	{ "a dot behind a soft break", X70 "12345..", X70 "12345=\r\n=2E." },
	{ "a blank before a soft break", X70 "1234 x", X70 "1234 =\r\nx" },
	{ "blanks at 75", X70 "1234 \r\n", X70 "1234=\r\n=20\r\n" },
	{ "base 64", "abc\r\n", "YWJjDQo=\r\n", false, TRANSFER_BASE64 },
	{ "base 64, before a boundary", "abc\r\n", "YWJj\r\n", true, TRANSFER_BASE64 },
	{ "base 64, empty", "", "", true, TRANSFER_BASE64 },
	{ "base 64, 57", "xxxxxxx" X10 X10 X10 X10 X10,
	    "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4\r\n", true,
	    TRANSFER_BASE64 },
	{ "base 64, 58", "xxxxxxx" X10 X10 X10 X10 X10 "y",
	    "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4\r\neQ==\r\n",
	    true, TRANSFER_BASE64 },
};

static void write_all(struct transfer_writer *w, slice text, size_t piece, bool delimiter,
    struct buffer *out)
{
	while (text.len > 0) {
		size_t end = slice_find(text, slice_lit("\r\n"));
		size_t n = end < piece ? end : piece;

		if (end == 0) {
			transfer_newline(w, out);
			text = slice_drop(text, 2);
			continue;
		}
		transfer_text(w, slice_head(text, n), n == end, out);
		text = slice_drop(text, n);
	}
	transfer_end(w, delimiter, out);
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer out = buffer_init(heap, 4096);
		struct transfer_writer w = { .kind = rows[i].kind };
		slice text = guarded_copy(slice_from(rows[i].text));

		print_message("# %s\n", rows[i].name);
		/* Empty lines come as no text and a line end. */
		write_all(&w, text, SIZE_MAX, rows[i].delimiter, &out);
		assert_slice(buffer_bytes(&out), slice_from(rows[i].want));
		guarded_free(text);
		heap_drop(heap);
	}
}

/* What it may write is never more than it says, and comes back. */
static void test_room(void **state)
{
	for (size_t n = 0; n < 1500; n++) {
		struct heap *heap = heap_create(SIZE_MAX);
		unsigned char bytes[1500];

		for (size_t i = 0; i < n; i++)
			bytes[i] = i * n % 3 == 0 ? 'x' : n % 5 == 0 ? ' ' : 0xff;
		for (int kind = 0; kind < 2; kind++) {
			struct transfer_writer w = { .kind = (enum transfer_kind)kind };
			struct buffer out = buffer_init(heap, transfer_room(n));

			transfer_text(&w, slice_of(bytes, n), true, &out);
			transfer_newline(&w, &out);
			transfer_end(&w, false, &out);
		}
		heap_drop(heap);
	}
}

UNIT_TESTS(cmocka_unit_test(test_rows), cmocka_unit_test(test_room))
