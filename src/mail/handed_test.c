/* mail/handed_test.c - names without a domain, lists, and what programs hand over. */
#include "mail/handed.h"

#include "base/limits.h"
#include "mail/qualify.h"
#include "unit.h"

/* ---- qualify ---- */

static const struct {
	const char *value, *want;
} qualified[] = {
	{ "", "" },
	{ " root", " root@h.example" },
	{ " root (Cron Daemon)", " root@h.example (Cron Daemon)" },
	{ " (a (b) \\) c) root", " (a (b) \\) c) root@h.example" },
	{ " root, alice@x, bob", " root@h.example, alice@x, bob@h.example" },
	{ " <root>", " <root@h.example>" },
	{ " < root >", " < root@h.example >" },
	{ " Charlie Root <root>", " Charlie Root <root@h.example>" },
	{ " a@b <root>", " a@b <root@h.example>" },
	{ " \"Root, the\" <root> (x)", " \"Root, the\" <root@h.example> (x)" },
	{ " \"a b\"", " \"a b\"@h.example" },
	{ " a.b", " a.b@h.example" },
	{ " two words", " two words" },
	{ " <>", " <>" },
	{ " <root@x>", " <root@x>" },
	{ " group: a, b@x;", " group: a@h.example, b@x;" },
	{ " undisclosed-recipients:;", " undisclosed-recipients:;" },
	{ " a@[1:2],b", " a@[1:2],b@h.example" },
	{ " <root", " <root" },
	{ " \"never closed", " \"never closed@h.example" },
	{ " root\r\n (x),\r\n\tbob", " root@h.example\r\n (x),\r\n\tbob@h.example" },
	{ ",,;", ",,;" },
};

static void test_qualify(void **state)
{
	for (size_t i = 0; i < sizeof qualified / sizeof qualified[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		slice value = guarded_copy(slice_from(qualified[i].value));
		size_t whole = strlen(qualified[i].want);
		struct buffer out = buffer_init(heap, whole);

		assert_true(qualify_mailboxes(value, slice_lit("h.example"), &out));
		assert_slice(buffer_bytes(&out), slice_from(qualified[i].want));
		for (size_t room = 0; room < whole; room++) {
			buffer_free(&out);
			out.size_max = room;
			assert_false(qualify_mailboxes(value, slice_lit("h.example"), &out));
		}
		guarded_free(value);
		heap_drop(heap);
	}
}

/* ---- lists ---- */

enum { ITEMS = 4 };

static const struct {
	const char *text, *domain;
	enum address_list_result result;
	const char *want;               /* "name|address " for each */
} lists[] = {
	{ "a@x", "", ADDRESS_LIST_OK, "|a@x " },
	{ "Alice <a@X.Example>, b@x", "", ADDRESS_LIST_OK, "Alice|a@x.example |b@x " },
	{ "\"Doe, \\\"J\\\"\" <a@x>", "", ADDRESS_LIST_OK, "Doe, \"J\"|a@x " },
	{ "J\xc3\xb6rg <a@b\xc3\xbc" "cher.example>", "", ADDRESS_LIST_OK,
	    "J\xc3\xb6rg|a@xn--bcher-kva.example " },
	{ "j\xc3\xb6rg@x", "", ADDRESS_LIST_OK, "|j\xc3\xb6rg@x " },
	{ "a@x, a@x, A@x", "", ADDRESS_LIST_OK, "|a@x |A@x " },
	{ "root, <bob>", "h", ADDRESS_LIST_OK, "|root@h |bob@h " },
	{ "g: a@x, b@x;", "", ADDRESS_LIST_OK, "|a@x |b@x " },
	{ "", "", ADDRESS_LIST_OK, "" },
	{ "root", "", ADDRESS_LIST_BAD, "" },
	{ "a@x, b b", "h", ADDRESS_LIST_BAD, "|a@x " },
	{ "a@-x-", "", ADDRESS_LIST_BAD, "" },
	{ "<a@x", "", ADDRESS_LIST_BAD, "" },
	{ "a@x,b@x,c@x,d@x,a@x", "", ADDRESS_LIST_OK, "|a@x |b@x |c@x |d@x " },
	{ "a@x,b@x,c@x,d@x,e@x", "", ADDRESS_LIST_MANY, "|a@x |b@x |c@x |d@x " },
};

static void test_lists(void **state)
{
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct arena arena = arena_init(heap, 65536);
		struct address_list list = address_list_init(&arena, ITEMS);
		struct buffer have = buffer_init(heap, 4096);

		print_message("# %s\n", lists[i].text);
		assert_int_equal(address_list_add(&list, slice_from(lists[i].text),
		    slice_from(lists[i].domain)), lists[i].result);
		for (size_t j = 0; j < list.n; j++)
			buffer_printf(&have, "%.*s|%.*s ", slice_arg(list.items[j].name),
			    slice_arg(list.items[j].address));
		assert_slice(buffer_bytes(&have), slice_from(lists[i].want));
		heap_drop(heap);
	}
}

/* Also where the reader of mailboxes stops. */
static void test_a_thousand(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 1024 * 1024);
	struct address_list list = address_list_init(&arena, 2 * MAILBOX_LIST_MAX);
	struct buffer text = buffer_init(heap, 65536);

	for (int i = 0; i < MAILBOX_LIST_MAX; i++)
		buffer_printf(&text, "%da@x,", i);
	assert_int_equal(address_list_add(&list, buffer_bytes(&text), (slice){ 0 }), ADDRESS_LIST_OK);
	assert_int_equal(list.n, MAILBOX_LIST_MAX);
	buffer_printf(&text, "b@x");
	assert_int_equal(address_list_add(&list, buffer_bytes(&text), (slice){ 0 }), ADDRESS_LIST_MANY);
	heap_drop(heap);
}

static void test_put_all(void **state)
{
	const struct compose_mailbox three[] = { { .address = slice_lit("a@x") },
		{ .address = slice_lit("b@x") }, { .address = slice_lit("a@x") } };
	const struct address_list more = { .items = (struct compose_mailbox *)three, .n = 3 };
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 65536);
	struct address_list list = address_list_init(&arena, 2);
	struct address_list small = address_list_init(&arena, 1);

	assert_true(address_list_put_all(&list, &more));
	assert_int_equal(list.n, 2);
	assert_false(address_list_put_all(&small, &more));
	heap_drop(heap);
}

static void test_put(void **state)
{
	static const char *const addresses[] = { "a@x", "b@x", "c@x", "d@x", "e@x" };
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 65536);
	struct address_list list = address_list_init(&arena, ITEMS);

	for (size_t i = 0; i < 5; i++) {
		struct compose_mailbox m = { .address = slice_from(addresses[i]) };

		assert_int_equal(address_list_put(&list, &m), i < ITEMS);
		assert_int_equal(address_list_put(&list, &m), i < ITEMS);
	}
	assert_int_equal(list.n, ITEMS);
	heap_drop(heap);
}

/* ---- lines ---- */

static const struct {
	const char *name, *in, *want;
	bool dot_ends, ended;
} texts[] = {
	{ "LF", "a\nb\n", "a\r\nb\r\n", true, false },
	{ "CRLF", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n", true, false },
	{ "no last end", "a\nb", "a\r\nb\r\n", true, false },
	{ "ends in CR", "a\r\n\nb\r", "a\r\n\r\nb\r\n", true, false },
	{ "bare CR", "A: b\rC: d\r\r\nE\r: f\n\na\rb\n",
	    "A: b C: d \r\nE : f\r\n\r\na\rb\r\n", true, false },
	{ "bare CR, no body", "A: b\rC: d", "A: b C: d\r\n", true, false },
	{ "dot", "a\n.\nb\n", "a\r\n", true, true },
	{ "dot, CRLF", "a\r\n.\r\nb\r\n", "a\r\n", true, true },
	{ "dot first", ".\nb\n", "", true, true },
	{ "dot with -i", "a\n.\nb\n", "a\r\n.\r\nb\r\n", false, false },
	{ "no lone dot", "..\n. \n.a\na.\n", "..\r\n. \r\n.a\r\na.\r\n", true, false },
	{ "dot without an end", "a\n.", "a\r\n", true, true },
};

static void test_texts(void **state)
{
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		slice whole = slice_from(texts[i].in);

		for (size_t step = 1; step <= whole.len; step++) {
			struct heap *heap = heap_create(SIZE_MAX);
			struct buffer out = buffer_init(heap, 4096);
			struct handed_text t = { .dot_ends = texts[i].dot_ends };

			for (slice rest = whole; rest.len > 0;) {
				size_t n = step < rest.len ? step : rest.len;

				assert_true(handed_text_take(&t, slice_head(rest, n), &out));
				rest = slice_drop(rest, n);
			}
			assert_true(handed_text_end(&t, &out));
			if (t.ended != texts[i].ended)
				fail_msg("%s", texts[i].name);
			assert_slice(buffer_bytes(&out), slice_from(texts[i].want));
			heap_drop(heap);
		}
	}
}

static void test_text_no_room(void **state)
{
	for (size_t room = 0; room < 4; room++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer out = buffer_init(heap, room);
		struct handed_text t = { 0 };

		assert_int_equal(handed_text_take(&t, slice_lit("a"), &out), room >= 1);
		assert_int_equal(handed_text_end(&t, &out), room == 0 || room >= 3);
		heap_drop(heap);
	}
}

/* ---- headers ---- */

#define ADDED "Date: Sun, 22 Nov 2026 15:30:00 +0000\r\nMessage-ID: <u1@h.example>\r\n"
#define ALL "From: Root <root@h.example>\r\n" ADDED
#define OWN "From: a@x\r\nDate: d\r\nMessage-ID: <m>\r\n"

static const struct {
	const char *name, *text, *header, *body, *recipients;
	enum handed_result result;
} headers[] = {
	{ "all is there", OWN "To: b@x\r\n\r\nbody\r\n", OWN "To: b@x\r\n\r\n", "body\r\n", "b@x ",
	    HANDED_OK },
	{ "nothing", "", ALL "\r\n", "", "", HANDED_OK },
	{ "no header", "hello\r\nworld\r\n", ALL "\r\n", "hello\r\nworld\r\n", "", HANDED_OK },
	{ "blank line first", "\r\nTo: b@x\r\n", ALL "\r\n", "To: b@x\r\n", "", HANDED_OK },
	{ "cron", "From: root (Cron Daemon)\r\nTo: root\r\nSubject: x\r\n\r\nout\r\n",
	    ADDED "From: root@h.example (Cron Daemon)\r\nTo: root@h.example\r\nSubject: x\r\n\r\n",
	    "out\r\n", "root@h.example ", HANDED_OK },
	{ "Bcc", OWN "To: b@x\r\nBCC: c@x,\r\n d@x\r\nX: y\r\nBcc: e@x\r\n\r\nb",
	    OWN "To: b@x\r\nX: y\r\n\r\n", "b", "b@x c@x d@x e@x ", HANDED_OK },
	{ "Resent", OWN "To: b@x\r\nResent-To: c\r\nResent-Bcc: d@x\r\n\r\n",
	    OWN "To: b@x\r\nResent-To: c@h.example\r\n\r\n", "", "c@h.example d@x ", HANDED_OK },
	{ "body without a blank line", OWN "To: b@x\r\nhello there\r\n",
	    OWN "To: b@x\r\n\r\n", "hello there\r\n", "b@x ", HANDED_OK },
	{ "ends in the header", OWN "To: b@x", OWN "To: b@x\r\n\r\n", "", "b@x ", HANDED_OK },
	{ "ends in another field", OWN "X: y", OWN "X: y\r\n\r\n", "", "", HANDED_OK },
	{ "mbox line", "From root Thu Nov 26 14:17:27 2026\r\n" OWN "\r\n", OWN "\r\n", "", "",
	    HANDED_OK },
	{ "body without a blank line, and a field", OWN "To: b@x\r\nhello there\r\nX: y\r\n\r\nCc: z\r\n",
	    OWN "To: b@x\r\n\r\n", "hello there\r\nX: y\r\n\r\nCc: z\r\n", "b@x ", HANDED_OK },
	{ "no field between recipients", OWN "To: b@x\r\nno field\r\nX: y\r\nBcc: c@x\r\n\r\n", NULL,
	    "no field\r\nX: y\r\nBcc: c@x\r\n\r\n", "b@x ", HANDED_NO_FIELD },
	{ "no field first", "no field\r\nTo: b@x\r\n\r\n", ALL "\r\n",
	    "no field\r\nTo: b@x\r\n\r\n", "", HANDED_OK },
	{ "older Resent behind another field", "Resent-From: r\r\nResent-To: c@x\r\n"
	    "Received: by x\r\nResent-To: d@x\r\nResent-Bcc: e@x\r\n" OWN "To: b@x\r\n\r\n",
	    "Resent-From: r@h.example\r\nResent-To: c@x\r\nReceived: by x\r\nResent-To: d@x\r\n"
	    OWN "To: b@x\r\n\r\n", "", "c@x ", HANDED_OK },
	{ "older Resent behind the newest", OWN "Resent-Date: d\r\nResent-To: c@x\r\nResent-Cc: d@x\r\n"
	    "Resent-Sender: s\r\nResent-Reply-To: t\r\nResent-X: y\r\nResent-Bcc: e@x\r\n"
	    "Resent-Date: d\r\nResent-To: f@x\r\nResent-Cc: g@x\r\n\r\n",
	    OWN "Resent-Date: d\r\nResent-To: c@x\r\nResent-Cc: d@x\r\n"
	    "Resent-Sender: s@h.example\r\nResent-Reply-To: t@h.example\r\nResent-X: y\r\n"
	    "Resent-Date: d\r\nResent-To: f@x\r\nResent-Cc: g@x\r\n\r\n", "", "c@x d@x e@x ",
	    HANDED_OK },
	{ "empty From", "From: \r\n\t\r\nTo: b@x\r\n\r\n", ALL "To: b@x\r\n\r\n", "", "b@x ",
	    HANDED_OK },
	{ "empty From, and another", "FROM:\r\n" OWN "To: b@x\r\n\r\n", OWN "To: b@x\r\n\r\n", "",
	    "b@x ", HANDED_OK },
	{ "no address", OWN "To: b@x\r\nCc: two words\r\n\r\n", NULL, " two words", "b@x ",
	    HANDED_BAD },
	{ "many", OWN "To: a@x,b@x,c@x\r\nCc: d@x,e@x\r\n\r\n", NULL, NULL, "a@x b@x c@x d@x ",
	    HANDED_MANY },
};

static struct handed_plan plan(bool recipients)
{
	return (struct handed_plan){ .recipients = recipients, .domain = slice_lit("h.example"),
		.sender = { slice_lit("Root"), slice_lit("root@h.example") },
		.wall_us = 1795361400000000, .unique = slice_lit("u1"),
		.hostname = slice_lit("h.example") };
}

static void test_headers(void **state)
{
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct arena arena = arena_init(heap, 65536);
		struct address_list list = address_list_init(&arena, ITEMS);
		struct buffer out = buffer_init(heap, 4096), found = buffer_init(heap, 4096);
		struct handed_plan p = plan(true);
		slice text = guarded_copy(slice_from(headers[i].text)), body = { 0 };

		print_message("# %s\n", headers[i].name);
		assert_int_equal(handed_header(text, &p, &list, &out, &body), headers[i].result);
		if (headers[i].header != NULL)
			assert_slice(buffer_bytes(&out), slice_from(headers[i].header));
		assert_slice(body, slice_from(headers[i].body));
		for (size_t j = 0; j < list.n; j++)
			buffer_printf(&found, "%.*s ", slice_arg(list.items[j].address));
		assert_slice(buffer_bytes(&found), slice_from(headers[i].recipients));
		guarded_free(text);
		heap_drop(heap);
	}
}

/* Without -t nothing is taken from the header; Bcc goes in any case. */
static void test_no_recipients(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 65536);
	struct address_list list = address_list_init(&arena, ITEMS);
	struct buffer out = buffer_init(heap, 4096);
	struct handed_plan p = plan(false);
	slice body;

	assert_int_equal(handed_header(slice_lit(OWN "To: not this one\r\nBcc: c@x\r\n\r\n"), &p,
	    &list, &out, &body), HANDED_OK);
	assert_int_equal(list.n, 0);
	assert_slice(buffer_bytes(&out), slice_lit(OWN "To: not this one\r\n\r\n"));
	heap_drop(heap);
}

static void test_header_no_room(void **state)
{
	slice text = slice_lit("To: root\r\nX: y\r\n\r\n");
	size_t whole = strlen(ALL) + text.len + strlen("@h.example");

	/* add_missing() asks for some more than it writes. */
	for (size_t room = 0; room < whole + 100; room++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct arena arena = arena_init(heap, 65536);
		struct address_list list = address_list_init(&arena, ITEMS);
		struct buffer out = buffer_init(heap, room);
		struct handed_plan p = plan(true);
		slice body;

		if (handed_header(text, &p, &list, &out, &body) == HANDED_OK)
			assert_int_equal(buffer_bytes(&out).len, whole);
		else
			assert_true(room < whole + 64);
		heap_drop(heap);
	}
}

UNIT_TESTS(cmocka_unit_test(test_qualify), cmocka_unit_test(test_lists),
    cmocka_unit_test(test_put), cmocka_unit_test(test_put_all),
    cmocka_unit_test(test_a_thousand), cmocka_unit_test(test_texts),
    cmocka_unit_test(test_text_no_room), cmocka_unit_test(test_headers),
    cmocka_unit_test(test_no_recipients), cmocka_unit_test(test_header_no_room))
