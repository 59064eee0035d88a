/* smtp/reply_test.c - replies out and in. */
#include "smtp/reply.h"

#include "base/limits.h"
#include "unit.h"

static const struct {
	const char *name;
	unsigned code;
	const char *enhanced, *text, *want;
} writes[] = {
	{ "plain", 250, "2.0.0", "Ok", "250 2.0.0 Ok\r\n" },
	{ "no enhanced code", 220, NULL, "mx ready", "220 mx ready\r\n" },
	{ "no words", 334, NULL, "", "334 \r\n" },
	{ "no words, enhanced", 250, "2.0.0", "", "250 2.0.0\r\n" },
	{ "lines", 250, NULL, "a\nb\nc", "250-a\r\n250-b\r\n250 c\r\n" },
	{ "lines, enhanced", 550, "5.7.1", "a\nb", "550-5.7.1 a\r\n550 5.7.1 b\r\n" },
	{ "CR and controls", 550, NULL, "a\r250 b\x01", "550 a?250 b?\r\n" },
	{ "UTF-8 stays", 550, NULL, "<j\xc3\xb6rg>", "550 <j\xc3\xb6rg>\r\n" },
	{ "not UTF-8", 550, NULL, "<j\xf6rg>", "550 <j?rg>\r\n" },
};

static void test_write(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
		struct buffer out = buffer_init(heap, SMTP_OUTPUT_MAX);
		slice text = guarded_copy(slice_from(writes[i].text));
		struct smtp_reply reply = { writes[i].code, writes[i].enhanced, text };

		smtp_reply_write(&reply, &out);
		if (!slice_equal(buffer_bytes(&out), slice_from(writes[i].want)))
			fail_msg("%s: %.*s", writes[i].name, slice_arg(buffer_bytes(&out)));
		buffer_free(&out);
		guarded_free(text);
	}
	heap_drop(heap);
}

/* RFC 5321 s4.5.3.1.5: 512 octets with CRLF; never half a character. */
static void test_long(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, SMTP_OUTPUT_MAX), text = buffer_init(heap, 1 << 16);

	for (size_t i = 0; i < 1000; i++)
		buffer_add(&text, slice_lit("\xc3\xb6"));
	struct smtp_reply reply = { 550, "5.1.1", buffer_bytes(&text) };

	smtp_reply_write(&reply, &out);
	assert_in_range(buffer_bytes(&out).len, SMTP_REPLY_LINE_MAX - 1, SMTP_REPLY_LINE_MAX);
	assert_true(slice_ends(buffer_bytes(&out), slice_lit("\xc3\xb6\r\n")));
	heap_drop(heap);
}

static const struct {
	const char *name, *in;
	enum smtp_reply_parse want;
	unsigned code;
	const char *text, *rest;
} takes[] = {
	{ "one line", "250 Ok\r\n", SMTP_REPLY_DONE, 250, "Ok", "" },
	{ "two replies", "250 Ok\r\n354 go\r\n", SMTP_REPLY_DONE, 250, "Ok", "354 go\r\n" },
	{ "lines", "250-a\r\n250-b\r\n250 c\r\n", SMTP_REPLY_DONE, 250, "a\nb\nc", "" },
	{ "code only", "250\r\n", SMTP_REPLY_DONE, 250, "", "" },
	{ "bare LF", "250 Ok\n", SMTP_REPLY_DONE, 250, "Ok", "" },
	{ "empty words", "334 \r\n", SMTP_REPLY_DONE, 334, "", "" },
	{ "nothing", "", SMTP_REPLY_MORE, 0, NULL, NULL },
	{ "half", "250 O", SMTP_REPLY_MORE, 0, NULL, NULL },
	{ "last line missing", "250-a\r\n", SMTP_REPLY_MORE, 0, NULL, NULL },
	{ "codes differ", "250-a\r\n550 b\r\n", SMTP_REPLY_BAD, 0, NULL, NULL },
	{ "no code", "hello\r\n", SMTP_REPLY_BAD, 0, NULL, NULL },
	{ "two digits", "25 a\r\n", SMTP_REPLY_BAD, 0, NULL, NULL },
	{ "first digit", "150 a\r\n", SMTP_REPLY_BAD, 0, NULL, NULL },
	{ "separator", "250:a\r\n", SMTP_REPLY_BAD, 0, NULL, NULL },
};

static void test_take(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t i = 0; i < sizeof takes / sizeof takes[0]; i++) {
		struct buffer text = buffer_init(heap, 100);
		slice copy = guarded_copy(slice_from(takes[i].in)), in = copy;
		unsigned code = 0;
		enum smtp_reply_parse have = smtp_reply_take(&in, &code, &text);

		if (have != takes[i].want)
			fail_msg("%s: %d", takes[i].name, have);
		if (have == SMTP_REPLY_DONE) {
			assert_int_equal(code, takes[i].code);
			assert_slice(buffer_bytes(&text), slice_from(takes[i].text));
			assert_slice(in, slice_from(takes[i].rest));
		} else {
			assert_ptr_equal(in.ptr, copy.ptr);
			assert_int_equal(buffer_bytes(&text).len, 0);
		}
		buffer_free(&text);
		guarded_free(copy);
	}
	heap_drop(heap);
}

/* A server that never ends its reply is given up; words are cut, not the code. */
static void test_bounds(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer in = buffer_init(heap, 1 << 20), text = buffer_init(heap, 4);
	slice rest;
	unsigned code;

	while (buffer_bytes(&in).len <= SMTP_REPLY_TAKE_MAX)
		buffer_add(&in, slice_lit("250-words\r\n"));
	rest = buffer_bytes(&in);
	assert_int_equal(smtp_reply_take(&rest, &code, &text), SMTP_REPLY_BAD);
	rest = slice_lit("250-words\r\n250 more\r\n");
	assert_int_equal(smtp_reply_take(&rest, &code, &text), SMTP_REPLY_DONE);
	assert_int_equal(code, 250);
	assert_slice(buffer_bytes(&text), slice_lit("word"));
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_write), cmocka_unit_test(test_long),
    cmocka_unit_test(test_take), cmocka_unit_test(test_bounds))
