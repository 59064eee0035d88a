/* mail/parameter_read_test.c - values as RFC 2045, RFC 2231 and broken programs write them. */
#include "mail/parameter_read.h"

#include "base/limits.h"
#include "unit.h"

static const struct {
	const char *parameters, *name, *want;   /* NULL: there is none */
} rows[] = {
	{ "", "a", NULL },
	{ "; a=b", "a", "b" },
	{ ";a=b;a=c", "a", "b" },
	{ "; A = \"b c\" ; d=e", "a", "b c" },
	{ "; ab=c", "a", NULL },
	{ "; a=", "a", "" },
	{ "; a=\"\"", "a", "" },
	{ "; a=\"b", "a", "b" },
	{ "; a=\"x;y\\\"z\\\\\"; b=c", "a", "x;y\"z\\" },
	{ "; a=\"x;y\\\"z\\\\\"; b=c", "b", "c" },
	{ "; filename=\"C:\\dir\\f.txt\"", "filename", "C:\\dir\\f.txt" },
	{ "; charset=utf-8 (or so)", "charset", "utf-8" },
	{ "; (say) charset=(what) utf-8", "charset", "utf-8" },
	{ "; charset=utf-8 format=flowed", "charset", "utf-8" },
	{ "; filename=my file (1).pdf", "filename", "my file (1).pdf" },
	{ "; a=\"b\r\n c\"", "a", "b c" },
	{ " charset=x", "charset", "x" },
	{ "; ; =; x; a=b", "a", "b" },
	{ "; (open a=b; a=c", "a", "c" },
	/* RFC 2231 s3, s4, s4.1. */
	{ "; URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu/pub\"", "url", "ftp://cs.utk.edu/pub" },
	{ "; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "title", "This is ***fun***" },
	{ "; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20;"
	  " title*2=\"isn't it!\"", "title", "This is even more ***fun*** isn't it!" },
	{ "; a*1=c; a*0=b", "a", "bc" },
	{ "; a*0=b; a*2=d", "a", "b" },
	{ "; a*1=b; a*2=c", "a", "bc" },
	{ "; a=plain; a*=utf-8''ext", "a", "ext" },
	{ "; a=plain; a*0=pieces", "a", "pieces" },
	{ "; a*=iso-8859-1''%E9", "a", "\xc3\xa9" },
	{ "; a*0*=utf-8''%C3; a*1*=%A9", "a", "\xc3\xa9" },
	{ "; a*=\"utf-8''quoted%21\"", "a", "quoted!" },
	{ "; a*=no quotes%21", "a", "no" },
	{ "; a*=''%C3%A9", "a", "\xc3\xa9" },
	{ "; a*=x'y%41", "a", "x'yA" },
	{ "; a*=utf-8''100%", "a", "100%" },
	{ "; a*x=1; a*99999999999=2; a**=3; a*-1=4", "a", NULL },
	/* What should not be, and is. */
	{ "; filename=\"=?iso-8859-1?Q?=E9.txt?=\"", "filename", "\xc3\xa9.txt" },
	{ "; filename*0=\"=?utf-8?B?w6\"; filename*1=\"kudHh0?=\"", "filename", "\xc3\xa9.txt" },
	{ "; filename=\xc3\xa9.txt", "filename", "\xc3\xa9.txt" },
	{ "; filename=\xe9.txt", "filename", "\xc3\xa9.txt" },
};

static void test_rows(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		slice parameters = guarded_copy(slice_from(rows[i].parameters));
		struct arena arena = arena_init(heap, PARAMETER_MAX + 16);
		slice have = parameter_text(parameters, slice_from(rows[i].name), c, &arena);

		print_message("# %s\n", rows[i].parameters);
		assert_int_equal(have.ptr == NULL, rows[i].want == NULL);
		assert_slice(have, slice_from(rows[i].want));
		arena_reset(&arena);
		guarded_free(parameters);
	}
	heap_drop(heap);
}

/* More pieces than there may be, and longer ones. */
static void test_bounds(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);
	struct arena arena = arena_init(heap, 2 * PARAMETER_MAX);
	struct buffer text = buffer_init(heap, 1 << 20);
	slice have;

	for (int i = 0; i < 100; i++)
		buffer_printf(&text, ";a*%d=x", i);
	have = parameter_text(buffer_bytes(&text), slice_lit("a"), c, &arena);
	assert_int_equal(have.len, PARAMETER_PIECES_MAX);
	buffer_truncate(&text, 0);
	buffer_add(&text, slice_lit(";a="));
	memset(buffer_reserve(&text, 100000), 0xe9, 100000);
	buffer_filled(&text, 100000);
	have = parameter_text(buffer_bytes(&text), slice_lit("a"), c, &arena);
	assert_int_equal(have.len, PARAMETER_MAX);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_rows), cmocka_unit_test(test_bounds))
