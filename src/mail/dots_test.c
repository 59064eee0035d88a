/* mail/dots_test.c - dots doubled and undone: tables, at every split in two and
 * byte by byte. */
#include "unit.h"

#include "base/heap.h"
#include "base/limits.h"
#include "mail/dots.h"

static const struct {
	const char *name, *text, *want, *mended;        /* mended NULL: as want */
} cases[] = {
	{ "empty", "", ".\r\n", NULL },
	{ "one line", "abc\r\n", "abc\r\n.\r\n", NULL },
	{ "no last CRLF", "abc", "abc\r\n.\r\n", NULL },
	{ "a dot", ".", "..\r\n.\r\n", NULL },
	{ "a dot on a line", ".\r\n", "..\r\n.\r\n", NULL },
	{ "dots everywhere", ".a.\r\n..\r\n.\r\nb.\r\n.c", 
	  "..a.\r\n...\r\n..\r\nb.\r\n..c\r\n.\r\n", NULL },
	{ "only empty lines", "\r\n\r\n\r\n", "\r\n\r\n\r\n.\r\n", NULL },
	{ "LF dot LF", "a\n.\nb\r\n", "a\n.\nb\r\n.\r\n", "a\r\n..\r\nb\r\n.\r\n" },
	{ "LF dot CRLF", "a\n.\r\nb\r\n", "a\n.\r\nb\r\n.\r\n", "a\r\n..\r\nb\r\n.\r\n" },
	{ "CR dot CR", "a\r.\rb\r\n", "a\r.\rb\r\n.\r\n", "a\r\n..\r\nb\r\n.\r\n" },
	{ "CR CRLF", "a\r\r\n.b\r\n", "a\r\r\n..b\r\n.\r\n", "a\r\n\r\n..b\r\n.\r\n" },
	{ "last CR", "a\r", "a\r\r\n.\r\n", "a\r\n.\r\n" },
	{ "last LF", "a\n", "a\n\r\n.\r\n", "a\r\n.\r\n" },
	{ "LF CR", "a\n\rb", "a\n\rb\r\n.\r\n", "a\r\n\r\nb\r\n.\r\n" },
	{ "first CR", "\r.\r\n", "\r.\r\n.\r\n", "\r\n..\r\n.\r\n" },
	{ "8 bits", ".\xc3\xa9\r\n\xff", "..\xc3\xa9\r\n\xff\r\n.\r\n", NULL },
};

static void write_part(struct dots_writer *w, slice part, struct buffer *out)
{
	slice in = guarded_copy(part);

	dots_write(w, in, out);
	guarded_free(in);
}

static void assert_written(bool mend, const char *text, const char *want)
{
	slice all = slice_from(text);
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, 256);

	for (size_t cut = 0; cut <= all.len + 1; cut++) {
		struct dots_writer w = { .mend = mend };

		if (cut <= all.len) {
			write_part(&w, slice_head(all, cut), &out);
			write_part(&w, slice_drop(all, cut), &out);
		} else {
			for (size_t i = 0; i < all.len; i++)
				write_part(&w, slice_sub(all, i, 1), &out);
		}
		dots_write_end(&w, &out);
		assert_slice(buffer_bytes(&out), slice_from(want));
		buffer_free(&out);
	}
	heap_drop(heap);
}

static void test_write(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("# %s\n", cases[i].name);
		assert_written(false, cases[i].text, cases[i].want);
		assert_written(true, cases[i].text,
		    cases[i].mended ? cases[i].mended : cases[i].want);
	}
}

/* The worst texts fill a buffer of any size and never pass it. */
static void test_room(void **state)
{
	static const char *const worst[] = { ".", "\r", "\n", ".\r\n", "\n.", "\r." };
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t i = 0; i < sizeof worst / sizeof worst[0]; i++) {
		slice piece = slice_from(worst[i]);

		for (size_t size = 0; size < 64; size++) {
			struct buffer out = buffer_init(heap, size);
			struct dots_writer w = { .mend = true };
			size_t at = 0;

			while (dots_write_max(&out) > 0) {
				write_part(&w, slice_sub(piece, at, 1), &out);
				at = (at + 1) % piece.len;
			}
			if (size >= DOTS_END_MAX)
				dots_write_end(&w, &out);
			buffer_free(&out);
		}
	}
	heap_drop(heap);
}

/* Read what `part` brings; returns whether the end came. */
static bool read_part(struct dots_reader *r, slice part, struct buffer *text, struct buffer *rest)
{
	slice in = guarded_copy(part), at = in, piece;

	for (;;) {
		switch (dots_read(r, &at, &piece)) {
		case DOTS_PART:
			assert_true(piece.len > 0);
			buffer_add(text, piece);
			continue;
		case DOTS_MORE:
			assert_int_equal(at.len, 0);
			guarded_free(in);
			return false;
		case DOTS_END:
			buffer_add(rest, at);
			guarded_free(in);
			return true;
		}
	}
}

static void assert_read(slice wire, slice want)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer text = buffer_init(heap, 256), rest = buffer_init(heap, 256);

	for (size_t cut = 0; cut <= wire.len + 1; cut++) {
		struct dots_reader r = { 0 };
		size_t at = 0;
		bool end = false;

		while (!end && at < wire.len) {
			size_t n = cut > wire.len ? 1 : at == 0 && cut > 0 ? cut : wire.len - at;

			end = read_part(&r, slice_sub(wire, at, n), &text, &rest);
			at += n;
		}
		assert_true(end);
		assert_slice(buffer_bytes(&text), want);
		buffer_add(&rest, slice_drop(wire, at));
		assert_slice(buffer_bytes(&rest), slice_lit("+OK .\r\n"));
		buffer_free(&text);
		buffer_free(&rest);
	}
	heap_drop(heap);
}

static void test_read(void **state)
{
	static const struct {
		const char *name, *wire, *want;
	} more[] = {
		{ "dot, text", ".a\r\n.\r\n", "a\r\n" },
		{ "dot, CR, text", ".\ra\r\n.\r\n", "\ra\r\n" },
		{ "dot, CR, CR, LF", ".\r\r\n.\r\n", "\r\r\n" },
		{ "dot, CR, dot", ".\r.\r\n.\r\n", "\r.\r\n" },
		{ "dot, LF", ".\n.\r\n.\r\n", "\n.\r\n" },
		{ "LF dot CRLF", "a\n.\r\n.\r\n", "a\n.\r\n" },
		{ "CR dot CRLF", "a\r.\r\n.\r\n", "a\r.\r\n" },
	};
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
		struct buffer wire = buffer_init(heap, 256);

		print_message("# %s\n", more[i].name);
		buffer_printf(&wire, "%s+OK .\r\n", more[i].wire);
		assert_read(buffer_bytes(&wire), slice_from(more[i].want));
		buffer_free(&wire);
	}
	/* What was written reads back, but for the last CRLF that was added. */
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buffer wire = buffer_init(heap, 256), want = buffer_init(heap, 256);
		slice text = slice_from(cases[i].text);

		print_message("# %s\n", cases[i].name);
		buffer_printf(&wire, "%s+OK .\r\n", cases[i].want);
		buffer_add(&want, text);
		if (text.len > 0 && !slice_ends(text, slice_lit("\r\n")))
			buffer_add(&want, slice_lit("\r\n"));
		assert_read(buffer_bytes(&wire), buffer_bytes(&want));
		buffer_free(&wire);
		buffer_free(&want);
	}
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_write), cmocka_unit_test(test_room),
    cmocka_unit_test(test_read))
