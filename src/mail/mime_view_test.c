/* mail/mime_view_test.c - what messages look like to who reads them, by table. */
#include "mail/mime_view.h"

#include "base/limits.h"
#include "unit.h"

#define PART(fields, body) "--b\r\n" fields "\r\n" body "\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define ALTERNATIVE "Content-Type: multipart/alternative; boundary=b\r\n\r\n"
#define HTML "Content-Type: text/html\r\n"

/* uses: a letter or a few a part, "-" for none: T(ext), H(tml), A(ttachment), I(nline),
 * O(ther). */
static const struct {
	const char *message, *uses, *text, *html, *snippet;
} rows[] = {
	{ "", "T", "", NULL, "" },
	{ "\r\nHello,\r\n\r\n  world\r\n", "T", "Hello,\r\n\r\n  world\r\n", NULL, "Hello, world" },
	{ HTML "\r\n<p>Hello<p>world", "H", "Hello\n\nworld", "<p>Hello<p>world", "Hello world" },
	{ MIXED PART("", "one") PART("", "two") "--b--", "- T T", "one\n--\ntwo", NULL, "one -- two" },
	{ ALTERNATIVE PART("", "text") PART(HTML, "<b>html</b>") PART(HTML, "second") PART("", "other")
	  PART("Content-Type: text/calendar\r\n", "x") "--b--", "- T H O O O", "text", "<b>html</b>", "html" },
	{ MIXED PART("Content-Disposition: attachment\r\n", "one")
	  PART("Content-Disposition: x-what; filename=a\r\n" HTML, "two")
	  PART("Content-Disposition: inline; filename=a.txt\r\n", "three")
	  PART("Content-Type: image/png\r\nContent-ID: <x>\r\n", "four")
	  PART("Content-Type: image/png; name=n\r\nContent-Disposition: INLINE\r\n", "five")
	  PART("Content-Type: image/png\r\nContent-Disposition: inline\r\n", "six")
	  PART("Content-Type: application/octet-stream\r\n", "seven")
	  PART("Content-Type: application/pdf; name=x.pdf\r\n", "eight") "--b--",
	    "- A A TI I I O A I", "three", NULL, "three" },
	{ MIXED PART("Content-Type: message/rfc822\r\n", HTML "\r\nin")
	  PART("Content-Type: message/rfc822; name=m.eml\r\n", "\r\nin") "--b--", "- O - I -", "", NULL, "" },
	{ "Content-Type: image/png\r\n\r\nx", "A", "", NULL, "" },
	{ "Content-Type: multipart/mixed\r\n\r\nlost", "T", "lost", NULL, "lost" },
	{ MIXED "lost", "T", "lost", NULL, "lost" },
	{ "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64\r\n\r\n6Q==",
	    "T", "\xc3\xa9", NULL, "\xc3\xa9" },
	{ "\r\n<b> & &amp;", "T", "<b> & &amp;", NULL, "<b> & &amp;" },
};

static void describe_uses(const struct mime *m, const uint8_t *uses, struct buffer *out)
{
	static const char letters[] = "THAIO";

	for (size_t i = 0; i < m->n; i++) {
		buffer_printf(out, "%s%s", i > 0 ? " " : "", uses[i] == 0 ? "-" : "");
		for (int k = 0; k < 5; k++) {
			if (uses[i] & 1 << k)
				buffer_printf(out, "%c", letters[k]);
		}
	}
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct arena arena = arena_init(heap, 2 * MIME_ARENA_MAX);
		struct charsets *c = charsets_create(heap);
		struct buffer shown = buffer_init(heap, 100), text = buffer_init(heap, 100);
		struct buffer html = buffer_init(heap, 100), snippet = buffer_init(heap, 100);
		slice message = guarded_copy(slice_from(rows[i].message));
		struct mime m = mime_parse(message, &arena);
		const uint8_t *uses = mime_uses(&m, c, &arena);

		print_message("# %zu\n", i);
		describe_uses(&m, uses, &shown);
		assert_slice(buffer_bytes(&shown), slice_from(rows[i].uses));
		mime_text(&m, uses, c, &text);
		assert_slice(buffer_bytes(&text), slice_from(rows[i].text));
		assert_int_equal(mime_html(&m, uses, c, &html), rows[i].html != NULL);
		assert_slice(buffer_bytes(&html), slice_from(rows[i].html));
		mime_snippet(&m, uses, c, &snippet);
		assert_slice(buffer_bytes(&snippet), slice_from(rows[i].snippet));
		guarded_free(message);
		heap_drop(heap);
	}
}

/* Cut at a whole character, with dots, from 201 bytes on. */
static void test_snippet(void **state)
{
	for (size_t n = 190; n < 210; n++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct arena arena = arena_init(heap, 2 * MIME_ARENA_MAX);
		struct charsets *c = charsets_create(heap);
		struct buffer text = buffer_init(heap, 1000), snippet = buffer_init(heap, 1000);
		size_t want = n < 200 && n + 3 > 200 ? n : 200;
		struct mime m;

		/* n bytes, a euro (three), more. */
		buffer_add(&text, slice_lit("\r\n"));
		for (size_t i = 0; i < n; i++)
			buffer_add(&text, slice_lit("x"));
		buffer_add(&text, slice_lit("\xe2\x82\xac and more that is said here"));
		m = mime_parse(buffer_bytes(&text), &arena);
		mime_snippet(&m, mime_uses(&m, c, &arena), c, &snippet);
		assert_int_equal(buffer_bytes(&snippet).len, want + 3);
		assert_true(slice_ends(buffer_bytes(&snippet), slice_lit("...")));
		heap_drop(heap);
	}
}

/* Text behind more HTML than is read is not found, whatever room there is. */
static void test_long_html(void **state)
{
	static const char comment[] = "<!-- nothing but a comment that goes on and on and on -->";

	for (int over = 0; over < 2; over++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct arena arena = arena_init(heap, 2 * MIME_ARENA_MAX);
		struct charsets *c = charsets_create(heap);
		struct buffer message = buffer_init(heap, 2 * HTML_SOURCE_MAX), text = buffer_init(heap, 100);
		size_t n = HTML_SOURCE_MAX / (sizeof comment - 1);
		struct mime m;

		buffer_add(&message, slice_lit(HTML "\r\na"));
		for (size_t i = over ? 0 : 1; i <= n; i++)
			buffer_add(&message, slice_of(comment, sizeof comment - 1));
		buffer_add(&message, slice_lit("b"));
		m = mime_parse(buffer_bytes(&message), &arena);
		mime_text(&m, mime_uses(&m, c, &arena), c, &text);
		assert_slice(buffer_bytes(&text), over ? slice_lit("a") : slice_lit("ab"));
		heap_drop(heap);
	}
}

/* Not even a pointer to no message. */
static void test_none(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 2 * MIME_ARENA_MAX);
	struct charsets *c = charsets_create(heap);
	struct buffer out = buffer_init(heap, 100);
	struct mime m = mime_parse((slice){ 0 }, &arena);
	const uint8_t *uses = mime_uses(&m, c, &arena);

	assert_int_equal(m.n, 1);
	mime_text(&m, uses, c, &out);
	mime_snippet(&m, uses, c, &out);
	assert_slice(mime_filename(&m.parts[0], c, &arena), slice_lit(""));
	assert_slice(buffer_bytes(&out), slice_lit(""));
	heap_drop(heap);
}

static void test_charset(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 2 * MIME_ARENA_MAX);
	struct mime m = mime_parse(slice_lit(MIXED PART("Content-Type: x/y; charset=a\r\n", "")
	    PART("", "") PART("Content-Type: text/x; charset=\"koi8-r\"\r\n", "") "--b--"), &arena);

	assert_slice(mime_charset(&m, &arena), slice_lit("koi8-r"));
	m = mime_parse(slice_lit("\r\n"), &arena);
	assert_slice(mime_charset(&m, &arena), slice_lit(""));
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_rows), cmocka_unit_test(test_snippet),
    cmocka_unit_test(test_long_html), cmocka_unit_test(test_none), cmocka_unit_test(test_charset))
