/* mail/parameter_read_test.c - values as RFC 2045, RFC 2231 and broken programs write them. */
#include "mail/parameter_read.h"

#include "base/limits.h"
#include "mail/mime.h"
#include "mail/suite_test.h"

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
	{ "; charset=utf-8 format=flowed", "format", "flowed" },
	{ "; a=\"b\" (;)\r\n c=d; e=f", "c", NULL },
	{ "; a=\"b\" (x)\r\n c=d; e=f", "c", "d" },
	{ "; a=\"b\" (x)\r\n c=d; e=f", "e", "f" },
	{ "; a=b junk; c=d", "c", "d" },
	{ "; =x a=b", "a", "b" },
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

/* ../shared/suites/header-content_type: Content-Types and their parameters. */
static void test_suite(void **state)
{
	static const char *const differ[] = {
		/* Languages are not told. */
		"content_type-39098a69df53", "content_type-2a4d0049a1c6",
		/* No blanks between encoded words, nor at the ends. */
		"content_type-d4d3e7a5081a", "content_type-08152b3f45a1", "content_type-286821793452",
	};
	json_t *root, *cases = suite_cases("header-content_type", &root), *item, *one;
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);
	size_t i, k, bad = 0;

	json_array_foreach(cases, i, item) {
		struct arena arena = arena_init(heap, MIME_ARENA_MAX);
		slice text = arena_printf(&arena, "Content-Type:%.*s\n", slice_arg(suite_text(item, "header")));
		struct mime m = mime_parse(text, &arena);
		const json_t *list = json_object_get(json_object_get(item, "expected"), "attributes");
		bool same = true;

		json_array_foreach(list, k, one) {
			const char *name = json_string_value(json_array_get(one, 0));
			const char *want = json_string_value(json_array_get(one, 1));
			slice have = parameter_text(m.parts[0].parameters, slice_from(name), c, &arena);

			if (slice_equal(have, slice_from(want)))
				continue;
			same = false;
			print_message("# %s %s\n#   want %s\n#   have %.*s\n",
			    json_string_value(json_object_get(item, "id")), name, want, slice_arg(have));
		}
		bad += same == suite_listed(differ, sizeof differ / sizeof differ[0], suite_text(item, "id"));
		arena_reset(&arena);
	}
	assert_int_equal(bad, 0);
	json_decref(root);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_rows), cmocka_unit_test(test_bounds), cmocka_unit_test(test_suite))
