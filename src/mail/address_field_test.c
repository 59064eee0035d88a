/* mail/address_field_test.c - fields of addresses, by table: "Name|local@domain", "{Name" and
 * "}" of a group, "?words" of what holds no address. */
#include "mail/address_field.h"

#include "base/limits.h"
#include "mail/suite_test.h"

static const struct {
	const char *value, *want;
} rows[] = {
	{ "", "" },
	{ " , ,", "" },
	{ "a@b.example", "|a@b.example" },
	{ "Alice <a@b>, \"Doe, John\" <j@d>", "Alice|a@b Doe, John|j@d" },
	{ "\"Joe \\\"Q\\\" Public\" <j@d>", "Joe \"Q\" Public|j@d" },
	{ "a@b (Bob \\(x\\) Smith) (no)", "Bob (x) Smith|a@b" },
	{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete|pete@silly.test" },
	{ "A Group(Some people):Chris Jones <c@public.example>,\r\n joe@example.org;",
	    "{A Group Chris Jones|c@public.example |joe@example.org }" },
	{ "undisclosed-recipients:;", "{undisclosed-recipients }" },
	{ "(none)undisclosed: ;, a@b", "{undisclosed } |a@b" },
	{ "=?iso-8859-1?Q?Andr=E9?= Pirard <p@v>", "Andr\xc3\xa9 Pirard|p@v" },
	{ "\"=?utf-8?Q?=C3=A9?=\" <p@v>", "\xc3\xa9|p@v" },
	{ "\xe9t\xe9 <p@v>", "\xc3\xa9t\xc3\xa9|p@v" },
	{ "\xc3\xa9@\xc3\xa9.example", "|\xc3\xa9@\xc3\xa9.example" },
	{ "<@r.example:a@b>", "|a@b" },
	{ "\"a b\"@c", "|\"a b\"@c" },
	{ "a@[127.0.0.1]", "|a@[127.0.0.1]" },
	/* Comments, brackets and quotes in one another. */
	{ "Bob <b@x> (a<b), c@d", "Bob|b@x |c@d" },
	{ "Bob (x <y) <b@x>", "Bob|b@x" },
	{ "\"a(b\"@x (Bob)", "Bob|\"a(b\"@x" },
	{ "a(no)@(no)x (Bob) (no)", "Bob|a@x" },
	{ "(no) a@x", "|a@x" },
	{ "<a@x> (Bob (of x))", "Bob (of x)|a@x" },
	{ "a@b (x, y) (z", "?a@b  (z" },
	/* What does more than stand there. */
	{ "a\xc2\x9b\xe2\x80\xae" "b <a@b>, x\xe2\x80\xae@\xe2\x80\xa8y", "a b|a@b |x@ y" },
	{ "\"a\x1b" "b\"@c", "|\"a b\"@c" },
	/* Broken. */
	{ "abel, bianchi", "?abel ?bianchi" },
	{ "Nat <nsb>, c@d", "Nat|nsb |c@d" },
	{ "Nat <nsb@>", "Nat|nsb@" },
	{ "a@b; c@d", "|a@b |c@d" },
	{ "Two Words a@b", "Two Words|a@b" },
	{ "John Q. Public, Jr. <j@p>", "?John Q. Public Jr.|j@p" },
	{ "Bob <b@c, d@e", "Bob|b@c |d@e" },
	{ "\"Bob <b@c>, d@e", "\"Bob|b@c |d@e" },
	{ "Bob (x <b@c>, d@e", "Bob (x|b@c |d@e" },
	{ "Bob [x <b@c>, d@e", "Bob [x|b@c |d@e" },
	{ "Bob <b@c> junk, d@e", "Bob|b@c |d@e" },
	{ "mailto:a@b", "{mailto |a@b }" },
	{ "just some words", "?just some words" },
	{ "g: a@b", "{g |a@b }" },
};

static void describe(const struct address_field *f, struct buffer *out)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct address_member *m = &f->members[i];

		static const char *const marks[] = { [ADDRESS_MAILBOX] = "",
			[ADDRESS_UNREADABLE] = "?", [ADDRESS_GROUP] = "{", [ADDRESS_GROUP_END] = "}" };

		buffer_printf(out, "%s%s", i > 0 ? " " : "", marks[m->kind]);
		buffer_add(out, m->name);
		if (m->kind == ADDRESS_MAILBOX) {
			buffer_add(out, slice_lit("|"));
			buffer_add(out, m->address);
			assert_true(m->local.len + m->domain.len <= m->address.len);
			assert_true(m->domain.len == 0 || m->address.ptr[m->local.len] == '@');
		}
	}
}

static void test_rows(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		slice value = guarded_copy(slice_from(rows[i].value));
		struct arena arena = arena_init(heap, ADDRESS_FIELD_ARENA_MAX);
		struct buffer out = buffer_init(heap, 4096);
		struct address_field f = address_field_read(value, c, (slice){ 0 }, &arena);

		print_message("# %s\n", rows[i].value);
		describe(&f, &out);
		assert_slice(buffer_bytes(&out), slice_from(rows[i].want));
		buffer_free(&out);
		arena_reset(&arena);
		guarded_free(value);
	}
	heap_drop(heap);
}

/* Long fields of what has no end; each within its memory, in little time. */
static void test_hostile(void **state)
{
	static const char *const words[] = { "a@b,", "\"", "(", "<", "[", "x:", ";", "a <b,", "\\", "<a@b",
		"\"(<[,", "=?koi8-r?Q?=F0=F0=F0?=,", "\xe9\x80," };
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		struct arena arena = arena_init(heap, ADDRESS_FIELD_ARENA_MAX);
		struct buffer text = buffer_init(heap, 2 * ADDRESS_FIELD_MAX);

		while (buffer_bytes(&text).len < ADDRESS_FIELD_MAX + 10)
			buffer_add(&text, slice_from(words[i]));
		assert_true(address_field_read(buffer_bytes(&text), c, (slice){ 0 }, &arena).n <=
		    MAILBOX_LIST_MAX);
		buffer_free(&text);
		arena_reset(&arena);
	}
	heap_drop(heap);
}

static void want_list(const json_t *list, struct buffer *out)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		slice address = suite_text(one, "address");

		buffer_printf(out, "%s%s%.*s%s%.*s", buffer_bytes(out).len > 0 ? " " : "",
		    address.len > 0 ? "" : "?", slice_arg(suite_text(one, "name")),
		    address.len > 0 ? "|" : "", slice_arg(address));
	}
}

static void want_groups(const json_t *groups, struct buffer *out)
{
	const json_t *group;
	size_t i;

	json_array_foreach(groups, i, group) {
		bool named = json_is_string(json_object_get(group, "name"));

		if (named)
			buffer_printf(out, "%s{%.*s", buffer_bytes(out).len > 0 ? " " : "",
			    slice_arg(suite_text(group, "name")));
		want_list(json_object_get(group, "addresses"), out);
		if (named)
			buffer_add(out, slice_lit(" }"));
	}
}

/* ../shared/suites/header-address: fields and their members. */
static void test_suite(void **state)
{
	static const char *const differ[] = {
		/* Comments are no part of a name, blanks none of a domain. */
		"address-ea3040388932", "address-be3617d2c8e7", "address-57411198bf4a",
		/* No blanks at the ends. */
		"address-4be8871809e1",
		/* What is no address, of fields like List-Post. */
		"address-e861b0b25235", "address-5c2edbcebedc", "address-00fd4c0e7d61",
	};
	json_t *root, *cases = suite_cases("header-address", &root), *item;
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);
	size_t i, bad = 0;

	json_array_foreach(cases, i, item) {
		struct arena arena = arena_init(heap, ADDRESS_FIELD_ARENA_MAX);
		struct buffer have = buffer_init(heap, 1 << 16), want = buffer_init(heap, 1 << 16);
		const json_t *expected = json_object_get(item, "expected");
		struct address_field f = address_field_read(suite_text(item, "header"), c, (slice){ 0 },
		    &arena);

		describe(&f, &have);
		want_list(json_object_get(expected, "List"), &want);
		want_groups(json_object_get(expected, "Group"), &want);
		if (slice_equal(buffer_bytes(&have), buffer_bytes(&want)) ==
		    suite_listed(differ, sizeof differ / sizeof differ[0], suite_text(item, "id"))) {
			print_message("# %s\n#   want %.*s\n#   have %.*s\n",
			    json_string_value(json_object_get(item, "id")), slice_arg(buffer_bytes(&want)),
			    slice_arg(buffer_bytes(&have)));
			bad++;
		}
		buffer_free(&have);
		buffer_free(&want);
		arena_reset(&arena);
	}
	assert_int_equal(bad, 0);
	json_decref(root);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_rows), cmocka_unit_test(test_hostile), cmocka_unit_test(test_suite))
