/* mail/mailbox_test.c - address lists of header fields. */
#include "mail/mailbox.h"

#include "base/buffer.h"
#include "mail/suite_test.h"

static const struct {
	const char *name, *text, *want; /* addresses with "," behind each; "!" where it is bad */
} lists[] = {
	{ "one", "a@b", "a@b," },
	{ "name", "A B <a@b>", "a@b," },
	{ "quoted name", "\"B, A\" <a@b>, c@d", "a@b,c@d," },
	{ "empty members", ",,a@b,,c@d,", "a@b,c@d," },
	{ "group", "G: a@b, N <c@d>;", "a@b,c@d," },
	{ "empty group", "G:;", "" },
	{ "group, then one", "G: a@b;, c@d", "a@b,c@d," },
	{ "group in a group", "G: H: a@b;;", "!" },
	{ "comments", "(x) a (y) @ (z) b (((w)))", "a@b," },
	{ "comment not closed", "a@b (", "!" },
	{ "obsolete dots", "a . b @ c . d", "a.b@c.d," },
	{ "words in quotes", "\"a b\".c@d", "\"a b.c\"@d," },
	{ "quotes that need not be", "\"ab\"@d", "ab@d," },
	{ "route", "<@x,@y:a@b>", "a@b," },
	{ "folded", "A\r\n <a@b>,\r\n\tc@d", "a@b,c@d," },
	{ "no at", "a", "!" }, { "two words", "a b@c", "!" }, { "no comma", "a@b c@d", "!" },
	{ "open angle", "<a@b", "!" }, { "open quote", "\"a@b", "!" },
	{ "second is bad", "a@b, c", "a@b,!" },
	{ "two angles", "<a@b> <c@d>", "!" },
	{ "a name that looks like an address", "\"boss@firm\" <a@b>", "a@b," },
	{ "not UTF-8", "\xff@b", "!" },
	{ "NUL", "\"a\\", "!" },
	{ "obsolete phrase", "J. R. Doe <a@b>", "a@b," },
};

static void collect(slice text, struct arena *arena, struct buffer *out)
{
	struct mailbox_reader r = mailbox_reader_init(text);
	enum mailbox_result result;
	struct mailbox m;

	while ((result = mailbox_next(&r, arena, &m)) == MAILBOX_OK)
		buffer_printf(out, "%.*s,", slice_arg(m.address.whole));
	if (result == MAILBOX_BAD)
		buffer_printf(out, "!");
}

static void test_lists(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		struct arena arena = arena_init(heap, 1 << 16);
		struct buffer out = buffer_init(heap, 1 << 16);
		slice text = guarded_copy(slice_from(lists[i].text));

		collect(text, &arena, &out);
		if (!slice_equal(buffer_bytes(&out), slice_from(lists[i].want)))
			fail_msg("%s: %.*s", lists[i].name, slice_arg(buffer_bytes(&out)));
		buffer_free(&out);
		arena_reset(&arena);
		guarded_free(text);
	}
	heap_drop(heap);
}

static void test_names(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 1 << 16);
	struct mailbox_reader r = mailbox_reader_init(slice_lit(
	    " \"B, A\" <a@b>, Friends: J. Doe <c@d>; e@f"));
	struct mailbox m;

	assert_int_equal(mailbox_next(&r, &arena, &m), MAILBOX_OK);
	assert_slice(m.name, slice_lit("B, A"));
	assert_int_equal(m.group.len, 0);
	assert_int_equal(mailbox_next(&r, &arena, &m), MAILBOX_OK);
	assert_slice(m.name, slice_lit("J. Doe"));
	assert_slice(m.group, slice_lit("Friends"));
	assert_int_equal(mailbox_next(&r, &arena, &m), MAILBOX_OK);
	assert_int_equal(m.name.len + m.group.len, 0);
	assert_int_equal(mailbox_next(&r, &arena, &m), MAILBOX_END);
	heap_drop(heap);
}

/* A comment of any depth is counted, not recursed; a list of any length ends. */
static void test_bounds(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 1 << 24);
	struct buffer text = buffer_init(heap, 1 << 20), out = buffer_init(heap, 1 << 20);

	for (size_t i = 0; i < 100000; i++)
		buffer_add(&text, slice_lit("("));
	collect(buffer_bytes(&text), &arena, &out);
	assert_slice(buffer_bytes(&out), slice_lit("!"));
	buffer_free(&text);
	for (size_t i = 0; i <= MAILBOX_LIST_MAX; i++)
		buffer_add(&text, slice_lit("a@b,"));
	buffer_free(&out);
	collect(buffer_bytes(&text), &arena, &out);
	assert_int_equal(buffer_bytes(&out).len, 4 * MAILBOX_LIST_MAX + 1);
	heap_drop(heap);
}

static void want_addresses(const json_t *list, struct buffer *out)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		const json_t *members = json_object_get(item, "addresses"), *member;
		size_t k;

		json_array_foreach(members, k, member)
			buffer_printf(out, "%.*s,", slice_arg(suite_text(member, "address")));
		if (members == NULL)
			buffer_printf(out, "%.*s,", slice_arg(suite_text(item, "address")));
	}
}

static void test_suite(void **state)
{
	/* Values of List-* fields, whose URIs are no addresses; and a domain with a
	 * blank inside, where the obsolete syntax takes the blank out. */
	static const char *const on_purpose[] = { "address-5897dd4007a6", "address-e861b0b25235",
	    "address-47c60ac49237", "address-68c9c19b8bab", "address-5c2edbcebedc",
	    "address-00fd4c0e7d61", "address-02b6b57a8da7", "address-be3617d2c8e7",
	    "address-7747be0bb2fa" };
	json_t *root, *cases = suite_cases("header-address", &root), *item;
	struct heap *heap = heap_create(SIZE_MAX);
	size_t n = 0, agree = 0, i;

	json_array_foreach(cases, i, item) {
		struct arena arena = arena_init(heap, 1 << 16);
		struct buffer have = buffer_init(heap, 1 << 16), want = buffer_init(heap, 1 << 16);
		json_t *expected = json_object_get(item, "expected");

		collect(suite_text(item, "header"), &arena, &have);
		want_addresses(json_object_get(expected, "List"), &want);
		want_addresses(json_object_get(expected, "Group"), &want);
		n++;
		if (slice_equal(buffer_bytes(&have), buffer_bytes(&want)))
			agree++;
		else if (!suite_listed(on_purpose, sizeof on_purpose / sizeof on_purpose[0],
		    suite_text(item, "id")))
			fail_msg("%s: %.*s", json_string_value(json_object_get(item, "id")),
			    slice_arg(buffer_bytes(&have)));
	}
	print_message("# header-address: %zu cases, %zu agree\n", n, agree);
	json_decref(root);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_lists), cmocka_unit_test(test_names),
    cmocka_unit_test(test_bounds), cmocka_unit_test(test_suite))
