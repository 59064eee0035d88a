/* api/summary_test.c - the contract's golden message; messages that are odd; packed. */
#include "api/summary.h"

#include <string.h>

#include "api/list.h"
#include "api/sample_test.h"

static slice json_of(struct sample_world *w, const struct api_summary *s)
{
	struct api_json j = api_json_begin(&w->out);

	api_summary_json(&j, NULL, s);
	assert_true(api_json_end(&j, false));
	return sample_take(w);
}

static slice words_of(struct sample_world *w, const struct api_facts *facts, size_t max)
{
	struct arena arena = arena_init(w->heap, API_SUMMARY_ARENA_MAX);
	struct buffer out = buffer_init(w->heap, max);
	struct api_summary s;
	slice words;

	api_summary_make(&w->mail, facts, &arena, &s);
	api_words(&w->mail, &s, &out);
	words = slice_copy(&w->more, buffer_bytes(&out));
	arena_reset(&arena);
	buffer_free(&out);
	return words;
}

#define GOLDEN "{\"ID\":\"1.2x.1\",\"MessageID\":\"4711@example.com\",\"Read\":false," \
	"\"From\":{\"Name\":\"Alice \xC3\x9Cn\xC3\xAF\",\"Address\":\"alice@example.com\"}," \
	"\"To\":[{\"Name\":\"Bob\",\"Address\":\"bob+tagA@example.org\"}," \
	"{\"Name\":\"\",\"Address\":\"carol@example.org\"}]," \
	"\"Cc\":[{\"Name\":\"\",\"Address\":\"dan@example.net\"}]," \
	"\"Bcc\":[{\"Name\":\"\",\"Address\":\"hidden@example.com\"}]," \
	"\"ReplyTo\":[{\"Name\":\"\",\"Address\":\"r@example.com\"}]," \
	"\"Subject\":\"caf\xC3\xA9s \\u003c1\\u003e \\u0026 2\"," \
	"\"Created\":\"2026-11-22T06:15:54.749Z\",\"Username\":\"\"," \
	"\"Tags\":[\"one\",\"tagA\",\"two words\"],\"Size\":1930,\"Attachments\":2," \
	"\"Snippet\":\"Hi l\"}"

static void test_golden(void **state)
{
	struct sample_world w = sample_world(slice_lit(sample));
	struct api_facts facts = sample_facts();
	struct api_summary s, again;
	slice packed;

	api_summary_make(&w.mail, &facts, &w.more, &s);
	assert_slice(json_of(&w, &s), slice_lit(GOLDEN));
	assert_int_equal(s.n_inline, 0);
	assert_true(api_summary_pack(&s, &w.out));
	packed = sample_take(&w);
	assert_true(api_summary_unpack(packed, &w.more, &again));
	assert_slice(json_of(&w, &again), slice_lit(GOLDEN));
	assert_slice(again.mailbox, slice_lit("all"));
	sample_end(&w);
}

static void test_words(void **state)
{
	struct sample_world w = sample_world(slice_lit(sample));
	struct api_facts facts = sample_facts();

	assert_slice(words_of(&w, &facts, API_WORDS_MAX), slice_lit("alice \xC3\xBCn\xC3\xAF alice@example.com "
	    "caf\xC3\xA9s 1 & 2 bob bob+taga@example.org carol@example.org dan@example.net "
	    "hidden@example.com r@example.com bounce@example.com l.png \xC3\xA9 a.bin "
	    "hi l https://example.com/x"));
	assert_slice(words_of(&w, &facts, 0), (slice){ 0 });
	assert_true(words_of(&w, &facts, 30).len <= 30);
	sample_end(&w);
}

/* What a search asks: of packed bytes, and of flags that changed in place. */
static void test_search(void **state)
{
	static const struct {
		const char *query;
		bool matches;
	} rows[] = {
		{ "from:\"ALICE \xC3\x9C\"", true }, { "to:carol", true }, { "to:hidden", false },
		{ "bcc:hidden", true }, { "addressed:DAN@", true }, { "reply-to:r@", true },
		{ "subject:\"CAF\xC3\x89S <1>\"", true }, { "message-id:4711", true },
		{ "tag:\"TWO WORDS\"", true }, { "tag:two", false }, { "is:tagged", true },
		{ "has:attachment", true }, { "has:inline", false }, { "larger:1929", true },
		{ "smaller:1930", false }, { "after:2026-11-22", true }, { "before:2026-11-22", false },
		{ "is:unread", true }, { "is:read", false },
	};
	static const struct when_zone utc;
	struct sample_world w = sample_world(slice_lit(sample));
	struct api_facts facts = sample_facts();
	struct search_message message;
	struct search_query query;
	slice tags[API_TAGS_MAX], packed;
	struct api_summary s;
	unsigned char *bytes;

	api_summary_make(&w.mail, &facts, &w.more, &s);
	assert_true(api_summary_pack(&s, &w.out));
	packed = sample_take(&w);
	assert_true(api_summary_search(packed, tags, &message));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_true(search_parse(slice_from(rows[i].query), &utc, &w.more, &query));
		if (search_matches(&query, &message) != rows[i].matches)
			fail_msg("%s", rows[i].query);
	}
	bytes = arena_new(&w.more, unsigned char, packed.len);
	memcpy(bytes, packed.ptr, packed.len);
	packed.ptr = bytes;
	assert_false(api_packed_read(packed));
	api_packed_set_read(bytes, true);
	assert_true(api_packed_read(packed));
	assert_true(api_summary_search(packed, tags, &message) && message.read);
	assert_true(api_packed_received_us(packed) == sample_us);
	assert_int_equal(api_packed_size(packed), 1930);
	sample_end(&w);
}

/* Every beginning of it is refused, and every byte turned is refused or within bounds. */
static void test_damaged(void **state)
{
	struct sample_world w = sample_world(slice_lit(sample));
	struct api_facts facts = sample_facts();
	slice tags[API_TAGS_MAX], packed;
	struct search_message message;
	struct api_summary s;

	api_summary_make(&w.mail, &facts, &w.more, &s);
	assert_true(api_summary_pack(&s, &w.out));
	packed = guarded_copy(buffer_bytes(&w.out));
	for (size_t n = 0; n < packed.len; n++) {
		slice head = guarded_copy(slice_head(packed, n));

		arena_reset(&w.more);
		assert_false(api_summary_unpack(head, &w.more, &s));
		(void)!api_summary_search(head, tags, &message);
		guarded_free(head);
	}
	for (size_t i = 0; i < packed.len * 8; i++) {
		unsigned char *at = (unsigned char *)(uintptr_t)packed.ptr + i / 8;

		*at ^= (unsigned char)(1 << i % 8);
		arena_reset(&w.more);
		(void)!api_summary_unpack(packed, &w.more, &s);
		(void)!api_summary_search(packed, tags, &message);
		*at ^= (unsigned char)(1 << i % 8);
	}
	assert_true(api_summary_unpack(packed, &w.more, &s));
	guarded_free(packed);
	sample_end(&w);
}

/* ---- odd messages ---- */

static const struct {
	const char *name, *raw, *from_name, *from_address, *to, *bcc, *subject, *snippet, *tags;
	unsigned attachments, inlines;
} rows[] = {
	/* from the contract, section 2: an unparsable From is the name, a missing one nothing */
	{ "empty", "", "", "", "", "e@x.example", "", "", "", 0, 0 },
	{ "no address", "From: nobody at all\r\n\r\nx", "nobody at all", "", "", "e@x.example", "", "x", "", 0, 0 },
	{ "no header", "just text, no colon\r\n", "", "", "", "e@x.example", "", "just text, no colon", "", 0, 0 },
	{ "bare LF", "From: a@b\nTo: E@X.example\n\nhi\n", "", "a@b", "|E@X.example", "", "", "hi", "", 0, 0 },
	{ "two From", "From: A <a@b>\r\nFrom: C <c@d>\r\n\r\n", "A", "a@b", "", "e@x.example", "", "", "", 0, 0 },
	{ "two To", "To: a@b\r\nSubject: s\r\nTo: C <e@x.example>\r\n\r\n", "", "", "|a@b C|e@x.example", "",
	    "s", "", "", 0, 0 },
	{ "group", "To: Us: a@b, C <c@d>;\r\nBcc: z@z\r\n\r\n", "", "", "|a@b C|c@d", "|z@z |e@x.example", "",
	    "", "", 0, 0 },
	{ "no words", "To: undisclosed-recipients:;\r\n\r\n", "", "", "", "e@x.example", "", "", "", 0, 0 },
	{ "unreadable", "To: who knows, e@x.example\r\n\r\n", "", "", "who knows| |e@x.example", "", "", "", "",
	    0, 0 },
	{ "Bcc and hidden", "Bcc: B <b@c>\r\n\r\n", "", "", "", "B|b@c |e@x.example", "", "", "", 0, 0 },
	{ "Latin-1", "Subject: caf\xE9\r\n\r\ncaf\xE9", "", "", "", "e@x.example", "caf\xC3\xA9", "caf\xC3\xA9", "",
	    0, 0 },
	{ "tags", "To: a+x+Y@d, b+y@d\r\nFrom: f+q/1@d\r\nX-Tags: Y, ,(a)  b;,\r\n\r\n", "", "f+q/1@d",
	    "|a+x+Y@d |b+y@d", "e@x.example", "", "", "a b,q 1,x,Y", 0, 0 },
	{ "an attachment", "Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA",
	    "", "", "", "e@x.example", "", "", "", 1, 0 },
	{ "inline", "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
	  "<style>x</style>yes\r\n--b\r\nContent-Type: image/gif\r\nContent-ID: <i>\r\n\r\n", "", "", "",
	    "e@x.example", "", "yes", "", 0, 1 },
};

static slice joined(const struct api_addresses *a, struct arena *arena)
{
	slice text = { 0 };

	for (size_t i = 0; i < a->n; i++)
		text = arena_printf(arena, "%.*s%s%.*s|%.*s", slice_arg(text), i > 0 ? " " : "",
		    slice_arg(a->list[i].name), slice_arg(a->list[i].address));
	return text;
}

static slice listed(const struct api_tags *tags, struct arena *arena)
{
	slice text = { 0 };

	for (size_t i = 0; i < tags->n; i++)
		text = arena_printf(arena, "%.*s%s%.*s", slice_arg(text), i > 0 ? "," : "",
		    slice_arg(tags->names[i]));
	return text;
}

static void test_odd(void **state)
{
	static const slice recipient = { (const unsigned char *)"e@x.example", 11 };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sample_world w = sample_world(slice_from(rows[i].raw));
		struct api_facts facts = { .recipients = &recipient, .n_recipients = 1 };
		slice bcc = slice_from(rows[i].bcc);
		struct api_summary s;

		api_summary_make(&w.mail, &facts, &w.more, &s);
		if (!slice_equal(s.from.name, slice_from(rows[i].from_name)) ||
		    !slice_equal(s.from.address, slice_from(rows[i].from_address)) ||
		    !slice_equal(joined(&s.to, &w.more), slice_from(rows[i].to)) ||
		    !slice_equal(s.subject, slice_from(rows[i].subject)) ||
		    !slice_equal(s.snippet, slice_from(rows[i].snippet)) ||
		    s.n_attachments != rows[i].attachments || s.n_inline != rows[i].inlines)
			fail_msg("%s: From %.*s|%.*s To %.*s Subject %.*s: %.*s; %u %u", rows[i].name,
			    slice_arg(s.from.name), slice_arg(s.from.address), slice_arg(joined(&s.to, &w.more)),
			    slice_arg(s.subject), slice_arg(s.snippet), s.n_attachments, s.n_inline);
		if (slice_equal(bcc, recipient))
			bcc = slice_lit("|e@x.example");
		assert_slice(joined(&s.bcc, &w.more), bcc);
		assert_slice(listed(&s.tags, &w.more), slice_from(rows[i].tags));
		assert_true(api_summary_pack(&s, &w.out));
		sample_end(&w);
	}
}

/* ---- bounds ---- */

/* A field of n addresses, each as long as it may be. */
static void add_many(struct buffer *out, const char *field, unsigned n)
{
	buffer_printf(out, "%s: ", field);
	for (unsigned i = 0; i < n; i++)
		buffer_printf(out, "%s\"\xC8\xBA%0200u\" <a%u@b.example>", i > 0 ? ",\r\n " : "", i, i);
	buffer_add(out, slice_lit("\r\n"));
}

static void test_bounds(void **state)
{
	static const char *const fields[] = { "From", "To", "Cc", "Bcc", "Reply-To", "Subject" };
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer raw = buffer_init(heap, SIZE_MAX / 2), small = buffer_init(heap, 1000);
	struct api_facts facts = sample_facts();
	struct sample_world w;
	struct api_summary s;

	for (size_t i = 0; i < 6; i++)
		add_many(&raw, fields[i], 400);
	buffer_add(&raw, slice_lit("X-Tags: "));
	for (unsigned i = 0; i < 500; i++)
		buffer_printf(&raw, "%0100u,", i);
	w = sample_world(buffer_bytes(&raw));
	api_summary_make(&w.mail, &facts, &w.more, &s);
	/* Texts of 202 and 12 to 14. The last one goes to Bcc, if at all. */
	assert_in_range(s.to.n, API_SUMMARY_TEXT_MAX / 216, API_SUMMARY_TEXT_MAX / 214);
	assert_in_range(s.cc.n + s.bcc.n + s.reply_to.n, 0, 1);
	assert_int_equal(s.tags.n, API_TAGS_MAX);
	assert_true(s.subject.len <= API_SUBJECT_MAX);
	assert_false(api_summary_pack(&s, &small));
	assert_int_equal(buffer_bytes(&small).len, 0);
	assert_true(api_summary_pack(&s, &w.out));
	assert_true(buffer_bytes(&w.out).len <= API_PACKED_MAX);
	buffer_free(&w.out);
	assert_true(json_of(&w, &s).len <= API_SUMMARY_JSON_MAX);
	sample_end(&w);
	heap_drop(heap);
}

/* Fields over and over again, and one behind all that is looked at. */
static void test_fields(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer raw = buffer_init(heap, SIZE_MAX / 2);
	struct api_facts facts = sample_facts();
	struct sample_world w;
	struct api_summary s;

	for (size_t i = 0; i < API_SAME_FIELDS_MAX + 5; i++)
		buffer_printf(&raw, "To: a%zu@b\r\n", i);
	while (buffer_bytes(&raw).len <= API_HEADER_MAX)
		buffer_add(&raw, slice_lit("Cc:\r\n"));
	buffer_add(&raw, slice_lit("Subject: s\r\nFrom: a@b\r\n\r\ntext"));
	w = sample_world(buffer_bytes(&raw));
	api_summary_make(&w.mail, &facts, &w.more, &s);
	assert_int_equal(s.to.n, API_SAME_FIELDS_MAX);
	assert_int_equal(s.subject.len + s.from.address.len, 0);
	assert_slice(s.snippet, slice_lit("text"));
	sample_end(&w);
	heap_drop(heap);
}

/* A recipient that a lenient server took: octets that are no UTF-8. */
static void test_recipient_octets(void **state)
{
	static const slice recipient = { (const unsigned char *)"\xE9@x", 3 };
	struct sample_world w = sample_world(slice_lit("To: a@b\r\n\r\n"));
	struct api_facts facts = { .recipients = &recipient, .n_recipients = 1 };
	struct api_summary s;

	api_summary_make(&w.mail, &facts, &w.more, &s);
	assert_slice(joined(&s.bcc, &w.more), slice_lit("|\xC3\xA9@x"));
	sample_end(&w);
}

/* Only the beginning: what begins in it counts. */
static void test_beginning(void **state)
{
	size_t n = slice_find(slice_lit(sample), slice_lit(SAMPLE_PNG));
	struct sample_world w = sample_world(slice_head(slice_lit(sample), n));
	struct api_facts facts = sample_facts();
	struct api_summary s;

	api_summary_make(&w.mail, &facts, &w.more, &s);
	assert_int_equal(s.n_attachments, 1);
	assert_int_equal(s.size, 1930);
	assert_slice(s.snippet, slice_lit("Hi l"));
	sample_end(&w);
}

UNIT_TESTS(cmocka_unit_test(test_golden), cmocka_unit_test(test_words),
    cmocka_unit_test(test_search), cmocka_unit_test(test_damaged), cmocka_unit_test(test_odd),
    cmocka_unit_test(test_bounds), cmocka_unit_test(test_fields),
    cmocka_unit_test(test_recipient_octets),
    cmocka_unit_test(test_beginning))
