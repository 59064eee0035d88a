/* mail/html_text_test.c - HTML, as lines and as words, by table; each room for it. */
#include "mail/html_text.h"

#include "mail/utf8.h"
#include "unit.h"

static const struct {
	const char *html, *lines, *words;
} rows[] = {
	{ "", "", "" },
	{ "a  b\r\n\tc", "a b c", "a b c" },
	{ "<p>a</p><p>b", "a\n\nb", "a b" },
	{ "a<br>b<br/>c<DIV>d</div>", "a\nb\nc\nd", "a b c d" },
	{ "<ul><li>one</li><li>two</li></ul>x", "* one\n* two\nx", "one two x" },
	{ "<a href=\"http://h/?a=1&amp;b\">go</a> on", "go ( http://h/?a=1&b ) on", "go on" },
	{ "<a href='x y'>go</a>", "go ( xy )", "go" },
	{ "<a name=z>here</a><a href=#top>up</a>", "hereup", "hereup" },
	{ "<A HREF=\"u\">go</A> on", "go ( u ) on", "go on" },
	{ "<a\n Href = 'x>y' title=z>go</a>", "go ( x>y )", "go" },
	{ "<a data-href=no title=\"href=no\" href=u href=v>go</a>", "go ( u )", "go" },
	{ "<a/href=u>a</a><a href>b</a><a href=>c</a><a href", "a ( u ) bc", "abc" },
	{ "<a x=\"y\"href=u / >go</a>", "go ( u )", "go" },
	{ "<a href=\"u", "", "" },
	{ "<a href=u>open", "open ( u )", "open" },
	{ "x<b>y</b>z", "xyz", "xyz" },
	{ "&lt;&amp;&gt; &Auml;&euro;&#8364;&#x20AC; &#160;&nbsp;x", "<&> \xc3\x84\xe2\x82\xac\xe2\x82\xac"
	  "\xe2\x82\xac x", "<&> \xc3\x84\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac x" },
	{ "&none; & &#; &#xD800; &#99999999; &amp", "&none; & &#; &#xD800; &#99999999; &",
	    "&none; & &#; &#xD800; &#99999999; &" },
	{ "a\x1b[1m\x7f\xc2\x9bz \xe2\x80\xaexe", "a [1m z xe", "a [1m z xe" },
	{ "a&#27;b&#127;c&#155;d&#8238;e&#8232;f", "a b c de f", "a b c de f" },
	{ "<a href=\"x\x1b\n\xe2\x80\xae&#27;&nbsp;y\">go</a>", "go ( xy )", "go" },
	{ "soft&shy;ly", "softly", "softly" },
	{ "<head><title>no</title><style>p{}</style></head><script>if(a<b)</script>yes", "yes", "yes" },
	{ "<STYLE>no", "", "" },
	{ "a<!-- <p> -->b<!-->c-->d", "abc-->d", "abc-->d" },
	{ "<!DOCTYPE html><?xml?>a", "a", "a" },
	{ "1 < 2 <3", "1 < 2 <3", "1 < 2 <3" },
	{ "<img alt='>'>x<img alt=\"a>b\">y", "xy", "xy" },
	{ "a<p", "a", "a" },
	{ "a<", "a<", "a<" },
	{ "<td>a</td><td>b</td>", "a b", "a b" },
	{ "\xc3\xa9<b>\xe2\x82\xac</b>", "\xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac" },
};

/* Nothing that ends a line or turns text; a blank for a control character. */
static void test_plain(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, 100);

	plain_words(slice_lit("a\x1b[1m<b>\xc2\x85z \xe2\x80\xaexe\xe2\x81\xa6 \xe9."), &out);
	assert_slice(buffer_bytes(&out), slice_lit("a [1m<b> z xe \xe9."));
	heap_drop(heap);
}

static void check_form(slice html, enum html_text form, slice want)
{
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t max = 0; max <= want.len; max++) {
		struct buffer out = buffer_init(heap, max);

		html_text(html, form, &out);
		assert_true(slice_starts(want, buffer_bytes(&out)));
		assert_true(utf8_valid(buffer_bytes(&out)));
		assert_true(buffer_bytes(&out).len + 3 >= max);
		if (max == want.len)
			assert_slice(buffer_bytes(&out), want);
		buffer_free(&out);
	}
	heap_drop(heap);
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		slice html = guarded_copy(slice_from(rows[i].html));

		print_message("# %s\n", rows[i].html);
		check_form(html, HTML_TEXT_LINES, slice_from(rows[i].lines));
		check_form(html, HTML_TEXT_WORDS, slice_from(rows[i].words));
		guarded_free(html);
	}
}

static void test_hostile(void **state)
{
	static const char *const words[] = { "<", "<!--", "<script>", "<a href=\"", "<a href=x>", "&", "&#",
		"<p a=\"", "<li>", "</", "<style" };
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		struct buffer text = buffer_init(heap, 2 << 20), out = buffer_init(heap, 8 << 20);

		while (buffer_bytes(&text).len < 1 << 18)
			buffer_add(&text, slice_from(words[i]));
		html_text(buffer_bytes(&text), HTML_TEXT_LINES, &out);
		assert_true(buffer_bytes(&out).len <= 8 << 20);
		buffer_free(&text);
		buffer_free(&out);
	}
	heap_drop(heap);
}

/* A word of two pages, of which the second can't be read: what fits nowhere is not looked
 * at. So a long word is not read over and over, for each piece that is taken of it. */
static void test_looks_not_ahead(void **state)
{
	enum { ROOM = 1000, AHEAD = 128 };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	slice word = slice_of(map + page - ROOM - AHEAD, page);
	struct heap *heap = heap_create(SIZE_MAX);

	assert_true(map != MAP_FAILED);
	memset(map, 'x', 2 * page);
	assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
	for (int plain = 0; plain < 2; plain++) {
		struct buffer out = buffer_init(heap, ROOM);

		if (plain)
			plain_words(word, &out);
		else
			html_text(word, HTML_TEXT_LINES, &out);
		assert_slice(buffer_bytes(&out), slice_head(word, ROOM));
		buffer_free(&out);
	}
	munmap(map, 2 * page);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_rows), cmocka_unit_test(test_plain), cmocka_unit_test(test_hostile),
    cmocka_unit_test(test_looks_not_ahead))
