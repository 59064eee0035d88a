/* api/api_message_test.c - the contract's golden message in full; parts, headers, views; and
 * messages in which something is missing. */
#include "api/message.h"

#include <jansson.h>

#include "api/sample_test.h"
#include "api/unsubscribe.h"

static slice message_of(struct sample_world *w, const struct api_facts *facts)
{
	struct api_tags tags = api_tags_received(&w->mail, facts, &w->more);

	assert_true(api_message_json(&w->mail, facts, &tags, &w->out));
	return sample_take(w);
}

#define HTML "<p>Hi <a href=\"https://example.com/x\">l</a><img src=\"cid:logo1\"></p>"
#define HTML_JSON "\\u003cp\\u003eHi \\u003ca href=\\\"https://example.com/x\\\"\\u003el\\u003c/a" \
	"\\u003e\\u003cimg src=\\\"cid:logo1\\\"\\u003e\\u003c/p\\u003e"

/* Members in the contract's order; attachments level by level (section 17). */
#define GOLDEN "{\"ID\":\"1.2x.1\",\"MessageID\":\"4711@example.com\"," \
	"\"From\":{\"Name\":\"Alice \xC3\x9Cn\xC3\xAF\",\"Address\":\"alice@example.com\"}," \
	"\"To\":[{\"Name\":\"Bob\",\"Address\":\"bob+tagA@example.org\"}," \
	"{\"Name\":\"\",\"Address\":\"carol@example.org\"}]," \
	"\"Cc\":[{\"Name\":\"\",\"Address\":\"dan@example.net\"}]," \
	"\"Bcc\":[{\"Name\":\"\",\"Address\":\"hidden@example.com\"}]," \
	"\"ReplyTo\":[{\"Name\":\"\",\"Address\":\"r@example.com\"}]," \
	"\"ReturnPath\":\"bounce@example.com\"," \
	"\"Subject\":\"caf\xC3\xA9s \\u003c1\\u003e \\u0026 2\"," \
	"\"ListUnsubscribe\":{\"Header\":\"\",\"Links\":[],\"Errors\":\"\",\"HeaderPost\":\"\"}," \
	"\"Date\":\"2025-07-01T10:00:00+02:00\",\"Tags\":[\"one\",\"tagA\",\"two words\"]," \
	"\"Username\":\"\",\"Text\":\"Hello\",\"HTML\":\"" HTML_JSON "\",\"Size\":1930,\"Inline\":[]," \
	"\"Attachments\":[{\"PartID\":\"2\",\"FileName\":\"\xC3\xA9 a.bin\"," \
	"\"ContentType\":\"application/octet-stream\",\"ContentID\":\"\",\"Size\":3,\"Checksums\":{" \
	"\"MD5\":\"900150983cd24fb0d6963f7d28e17f72\"," \
	"\"SHA1\":\"a9993e364706816aba3e25717850c26c9cd0d89d\"," \
	"\"SHA256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}}," \
	"{\"PartID\":\"1.2.2\",\"FileName\":\"l.png\",\"ContentType\":\"image/png\"," \
	"\"ContentID\":\"logo1\",\"Size\":8,\"Checksums\":{" \
	"\"MD5\":\"e9dd2797018cad79186e03e8c5aec8dc\"," \
	"\"SHA1\":\"4caece539b039b16e16206ea2478f8c5ffb2ca05\"," \
	"\"SHA256\":\"4c4b6a3be1314ab86138bef4314dde022e600960d8689a2c8f8631802d20dab6\"}}]}\n"

static void test_golden(void **state)
{
	struct sample_world w = sample_world(slice_lit(sample));
	struct api_facts facts = sample_facts();
	struct buffer small = buffer_init(w.heap, sizeof GOLDEN - 2);
	struct api_tags tags = api_tags_received(&w.mail, &facts, &w.more);

	assert_slice(message_of(&w, &facts), slice_lit(GOLDEN));
	assert_false(api_message_json(&w.mail, &facts, &tags, &small));
	assert_int_equal(buffer_bytes(&small).len, 0);
	sample_end(&w);
}

/* ---- what is missing ---- */

static const struct {
	const char *raw, *member, *want;        /* want: JSON, or text without quotes */
} rows[] = {
	{ "", "Text", "" }, { "", "HTML", "" }, { "", "MessageID", "" }, { "", "ReturnPath", "s@x" },
	{ "", "To", "[]" }, { "", "Attachments", "[]" }, { "", "Inline", "[]" },
	{ "", "From", "{\"Name\":\"\",\"Address\":\"\"}" }, { "", "Date", "2026-11-22T06:15:54.749Z" },
	{ "Date: nonsense\r\n\r\n", "Date", "2026-11-22T06:15:54.749Z" },
	{ "Date: Tue, 1 Jul 2025 10:00:00 GMT\r\n\r\n", "Date", "2025-07-01T10:00:00Z" },
	{ "Return-Path: <>\r\n\r\n", "ReturnPath", "s@x" }, { "Return-Path: a@b\r\n\r\n", "ReturnPath", "a@b" },
	{ "Message-ID: 1@b\r\n\r\n", "MessageID", "1@b" }, { "Message-ID: <1@b\r\n\r\n", "MessageID", "1@b" },
	/* 4.5: several texts, text of HTML */
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--", "Text",
	    "one\n--\ntwo" },
	{ "Content-Type: text/html\r\n\r\n<ul><li>a <a href=\"http://b\">c</a></ul>", "Text",
	    "* a c ( http://b )" },
	/* 4.7: a message that is one attachment */
	{ "Content-Type: application/pdf; name=\"a b.pdf\"\r\n\r\nx", "Attachments", "[{\"PartID\":\"0\","
	  "\"FileName\":\"a b.pdf\",\"ContentType\":\"application/pdf\",\"ContentID\":\"\",\"Size\":1,\"Checksums\":"
	  "{\"MD5\":\"9dd4e461268c8034f5c8564e155c67a6\",\"SHA1\":\"11f6ad8ec52a2984abaafd7c3b516503785c2072\","
	  "\"SHA256\":\"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\"}}]" },
	/* Neither a name nor a Content-ID: not listed. Nor is a calendar without them. */
	{ "Content-Type: application/pdf\r\n\r\nx", "Attachments", "[]" },
	{ "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n--b\r\nContent-Type: text/calendar"
	  "\r\n\r\n--b--", "Inline", "[]" },
	{ "List-Unsubscribe: <mailto:a@b>,\r\n <https://c/d>\r\nList-Unsubscribe-Post: x=y\r\n\r\n",
	    "ListUnsubscribe", "{\"Header\":\"<mailto:a@b>, <https://c/d>\",\"Links\":[\"mailto:a@b\","
	    "\"https://c/d\"],\"Errors\":\"\",\"HeaderPost\":\"x=y\"}" },
};

static void test_missing(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sample_world w = sample_world(slice_from(rows[i].raw));
		struct api_facts facts = { .sender = slice_lit("s@x"), .received_us = sample_us };
		slice json = message_of(&w, &facts);
		json_t *root = json_loadb((const char *)json.ptr, json.len, 0, NULL);
		json_t *member = json_object_get(root, rows[i].member);
		char *text = json_dumps(member, JSON_COMPACT);

		assert_non_null(member);
		if (json_is_string(member) ? strcmp(json_string_value(member), rows[i].want) :
		    strcmp(text, rows[i].want))
			fail_msg("row %zu, %s: %s", i, rows[i].member, text);
		free(text);
		json_decref(root);
		sample_end(&w);
	}
}

/* ---- the header ---- */

static void test_headers(void **state)
{
	struct sample_world w = sample_world(slice_lit(
	    "x-odd: one\r\nmessage-ID: <1@b>\r\nSubject: =?utf-8?q?x?=\r\n \t two\r\n  three  \r\n"
	    "MIME-VERSION:1.0\r\nX-Odd: \xFF\r\nno colon here\r\nodd(name: <v>\r\nempty:\r\n\r\nNot: this\r\n"));

	assert_true(api_headers_json(&w.mail, &w.out));
	assert_slice(sample_take(&w), slice_lit("{\"Empty\":[\"\"],\"Message-Id\":[\"\\u003c1@b\\u003e\"],"
	    "\"Mime-Version\":[\"1.0\"],\"Subject\":[\"=?utf-8?q?x?= two three\"],"
	    "\"X-Odd\":[\"one\",\"\\ufffd\"],\"odd(name\":[\"\\u003cv\\u003e\"]}\n"));
	sample_end(&w);
	w = sample_world(slice_lit(""));
	assert_true(api_headers_json(&w.mail, &w.out));
	assert_slice(sample_take(&w), slice_lit("{}\n"));
	sample_end(&w);
}

static void test_headers_bounded(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer raw = buffer_init(heap, SIZE_MAX / 2);
	struct sample_world w;
	json_t *root;
	slice json;

	for (size_t i = 0; i < API_FIELDS_MAX + 5; i++)
		buffer_printf(&raw, "A%zu: \r\n", i);
	w = sample_world(buffer_bytes(&raw));
	assert_true(api_headers_json(&w.mail, &w.out));
	json = sample_take(&w);
	root = json_loadb((const char *)json.ptr, json.len, 0, NULL);
	assert_int_equal(json_object_size(root), API_FIELDS_MAX);
	json_decref(root);
	sample_end(&w);
	heap_drop(heap);
}

/* ---- parts ---- */

static void test_parts(void **state)
{
	static const struct {
		const char *id, *type, *disposition, *content;
	} wanted[] = {
		{ "2", "application/octet-stream", "inline; filename=\"%C3%A9%20a.bin\"", "abc" },
		{ "1.2.2", "image/png", "inline; filename=\"l.png\"", "\x89PNG\r\n\x1A\n" },
	};
	static const char *const absent[] = { "", "0", "1", "1.1", "1.2", "1.2.1", "3", "2.1", "02", "1.2.2.", "x" };
	struct sample_world w = sample_world(slice_lit(sample));
	struct api_part part;

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		assert_true(api_part_find(&w.mail, slice_from(wanted[i].id), &w.more, &part));
		assert_slice(part.type, slice_from(wanted[i].type));
		assert_slice(part.disposition, slice_from(wanted[i].disposition));
		assert_int_equal(part.size, strlen(wanted[i].content));
		assert_true(api_part_content(&part, &w.out));
		assert_slice(sample_take(&w), slice_from(wanted[i].content));
	}
	for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
		assert_false(api_part_find(&w.mail, slice_from(absent[i]), &w.more, &part));
	sample_end(&w);
}

/* A type that would say more in a header than it may. */
static void test_part_type(void **state)
{
	static const struct {
		const char *field, *type;
	} types[] = {
		{ "IMAGE/Svg+XML; name=x", "image/svg+xml" }, { "image/a\"b; name=x", NULL },
		{ "a\x01/b; name=x", NULL }, { "image; name=x", NULL },
	};

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer raw = buffer_init(heap, 1000);
		struct sample_world w;
		struct api_part part;

		buffer_printf(&raw, "Content-Type: %s\r\nContent-Disposition: attachment\r\n\r\n", types[i].field);
		w = sample_world(buffer_bytes(&raw));
		assert_true(api_part_find(&w.mail, slice_lit("0"), &w.more, &part));
		if (types[i].type != NULL)
			assert_slice(part.type, slice_from(types[i].type));
		for (size_t at = 0; at < part.type.len; at++)
			assert_in_range(part.type.ptr[at], '!', '~');
		sample_end(&w);
		heap_drop(heap);
	}
}

/* Inside of an attached message there is nothing that has a number. */
static void test_attached_message(void **state)
{
	struct sample_world w = sample_world(slice_lit("Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	    "--b\r\n\r\nx\r\n--b\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment;"
	    " filename=m.eml\r\n\r\nContent-Type: image/png; name=in.png\r\n\r\nyy\r\n--b--\r\n"));
	struct api_facts facts = sample_facts();
	struct api_part part;

	assert_true(api_part_find(&w.mail, slice_lit("2"), &w.more, &part));
	assert_slice(part.type, slice_lit("message/rfc822"));
	assert_false(api_part_find(&w.mail, slice_lit("2.1"), &w.more, &part));
	assert_int_equal(slice_find(message_of(&w, &facts), slice_lit("in.png")),
	    message_of(&w, &facts).len);
	sample_end(&w);
}

/* ---- views ---- */

#define PAGE(html) "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n" \
	html "\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <a&b%c>\r\n\r\n" \
	"\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <x@y>\r\n\r\n\r\n--b--"
#define AT "/mp/api/v1/message/ID/part/"
#define OPENS " target=\"_blank\" rel=\"noreferrer noopener\""
#define HEAD "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>"

static const struct {
	bool embed;
	const char *raw, *want;
} views[] = {
	{ false, PAGE("<img src=\"cid:x@y\">"), "<img src=\"" AT "3\">" },
	{ false, PAGE("<img src=CID:x%40y><td style='b:url(cid:x@y)'>"), "<img src=" AT "3><td style='b:url(" AT
	  "3)'>" },
	{ false, PAGE("<img src='cid:a&amp;b%25c'>"), "<img src='" AT "2'>" },
	{ false, PAGE("<img src='cid:other'> xcid:x@y cid:x@y"), "<img src='cid:other'> xcid:x@y " AT "3" },
	{ false, PAGE("cid:x@y cid:"), "cid:x@y cid:" },
	{ false, PAGE("<a href=x>"), "<a href=x>" },
	{ true, PAGE("<A href=x>l</a><area/><abbr>"), HEAD "<A" OPENS " href=x>l</a><area" OPENS "/><abbr>"
	  "</body></html>" },
	{ true, PAGE("<!-- <a> --><script><a></script><a>"), HEAD "<!-- <a> --><script><a></script><a" OPENS
	  "></body></html>" },
	{ true, PAGE("<HTML lang=x><body><a></BODY></html>"), "<HTML lang=x><body><a" OPENS "></BODY></html>" },
	{ true, PAGE("<!-- <a>"), HEAD "<!-- <a></body></html>" },
	{ true, PAGE("<style>a{b:url(cid:x@y)}</style>"), HEAD "<style>a{b:url(" AT "3)}</style></body></html>" },
	{ true, PAGE("<"), HEAD "<</body></html>" },
};

static void test_views(void **state)
{
	for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
		struct sample_world w = sample_world(slice_from(views[i].raw));
		struct api_view view = { .webroot = slice_lit("/mp/"), .id = slice_lit("ID"),
			.embed = views[i].embed };

		assert_true(api_view_html(&w.mail, &view, &w.out));
		assert_slice(sample_take(&w), slice_from(views[i].want));
		sample_end(&w);
	}
}

static void test_view_script(void **state)
{
	struct sample_world w = sample_world(slice_lit("Content-Type: text/html\r\n\r\n<html><body>x</body>y"));
	struct api_view view = { .webroot = slice_lit("/"), .embed = true, .nonce = slice_lit("N") };
	slice page;

	assert_true(api_view_html(&w.mail, &view, &w.out));
	page = sample_take(&w);
	assert_true(slice_starts(page, slice_lit("<html><body>x<script nonce=\"N\">")));
	assert_true(slice_ends(page, slice_lit("</script></body>y")));
	sample_end(&w);
	w = sample_world(slice_lit("\r\ntext\r\n"));
	assert_false(api_view_html(&w.mail, &view, &w.out));
	api_view_text(&w.mail, &w.out);
	assert_slice(sample_take(&w), slice_lit("text\r\n"));
	sample_end(&w);
}

/* ---- List-Unsubscribe ---- */

static const struct {
	const char *value;
	unsigned links;
	const char *error;              /* some words of it; NULL: none */
} lists[] = {
	{ "", 0, NULL }, { "<mailto:a@b>", 1, NULL }, { "<HTTPS://b/c?d=e>", 1, NULL },
	{ "<mailto:a@b> , <http://c>", 2, NULL }, { "<mailto:a@b>,<http://c>", 2, NULL },
	{ "(Use (this), or) <mailto:a@b> (that) , (x) <http://c/(d)>", 2, NULL },
	{ "mailto:a@b", 0, "enclosed in <>" }, { "<mailto:a@b", 0, "enclosed in <>" },
	{ "<mailto:a@b> <http://c>", 1, "comma" }, { "<mailto:a@b>,", 1, NULL },
	{ "<mailto:a@b>, <mailto:c@d>", 1, "only mailto:" }, { "<http://a>, <https://b>", 1, "only http(s)" },
	{ "<http://a b>", 0, "spaces" }, { "<ftp://a>", 0, "start with" }, { "<http://>", 0, "start with" },
	{ "<http://a/%zz>", 0, "no URL" }, { "<http://a/%2>", 0, "no URL" }, { "<>", 0, "start with" },
	{ "<a>, <b>, <c>", 0, "\"a\" should start with mailto:, http:// or https://, \"b\"" },
	{ "(never closed <mailto:a@b>", 0, NULL },
};

static void test_unsubscribe(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		struct arena arena = arena_init(heap, 4096);
		slice value = guarded_copy(slice_from(lists[i].value));
		struct unsubscribe u = unsubscribe_read(value, &arena);
		bool right = lists[i].error == NULL ? u.errors.len == 0 :
		    slice_find(u.errors, slice_from(lists[i].error)) < u.errors.len;

		if (u.n_links != lists[i].links || !right)
			fail_msg("%s: %zu, %.*s", lists[i].value, u.n_links, slice_arg(u.errors));
		guarded_free(value);
		arena_reset(&arena);
	}
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_golden), cmocka_unit_test(test_missing),
    cmocka_unit_test(test_headers), cmocka_unit_test(test_headers_bounded),
    cmocka_unit_test(test_parts), cmocka_unit_test(test_part_type),
    cmocka_unit_test(test_attached_message), cmocka_unit_test(test_views),
    cmocka_unit_test(test_view_script), cmocka_unit_test(test_unsubscribe))
