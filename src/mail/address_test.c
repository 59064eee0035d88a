/* mail/address_test.c - paths, limits, normal forms, and the isemail suite. */
#include "mail/address.h"

#include "mail/mailbox.h"
#include "mail/suite_test.h"

static const struct {
	const char *name, *text;
	unsigned allow;
	enum address_result want;
	const char *whole, *rest;
} paths[] = {
	{ "plain", "<a@b.c>", 0, ADDRESS_OK, "a@b.c", "" },
	{ "rest stays", "<a@b.c> SIZE=1", 0, ADDRESS_OK, "a@b.c", " SIZE=1" },
	{ "null", "<>", ADDRESS_ALLOW_NULL, ADDRESS_OK, "", "" },
	{ "null not allowed", "<>", 0, ADDRESS_SYNTAX, NULL, NULL },
	{ "bare", "a@b.c x", ADDRESS_ALLOW_BARE, ADDRESS_OK, "a@b.c", " x" },
	{ "bare not allowed", "a@b.c", 0, ADDRESS_SYNTAX, NULL, NULL },
	{ "bare null", "", ADDRESS_ALLOW_BARE | ADDRESS_ALLOW_NULL, ADDRESS_SYNTAX, NULL, NULL },
	{ "postmaster", "<postMASTER>", ADDRESS_ALLOW_POSTMASTER, ADDRESS_OK, "postMASTER", "" },
	{ "postmaster bare", "Postmaster", ADDRESS_ALLOW_POSTMASTER | ADDRESS_ALLOW_BARE,
	    ADDRESS_OK, "Postmaster", "" },
	{ "postmaster with domain", "<postmaster@b>", ADDRESS_ALLOW_POSTMASTER, ADDRESS_OK,
	    "postmaster@b", "" },
	{ "postmasters", "<postmasters>", ADDRESS_ALLOW_POSTMASTER, ADDRESS_SYNTAX, NULL, NULL },
	{ "route", "<@a,@b.c:d@e>", 0, ADDRESS_OK, "d@e", "" },
	{ "route without colon", "<@a,@b.c>", 0, ADDRESS_SYNTAX, NULL, NULL },
	{ "quoted", "<\"a b\\\"@>\"@c>", 0, ADDRESS_OK, "\"a b\\\"@>\"@c", "" },
	{ "bare quoted", "\"a b\"@c d", ADDRESS_ALLOW_BARE, ADDRESS_OK, "\"a b\"@c", " d" },
	{ "open", "<a@b", 0, ADDRESS_SYNTAX, NULL, NULL },
	{ "no domain", "<a@>", 0, ADDRESS_SYNTAX, NULL, NULL },
	{ "two at", "<a@b@c>", 0, ADDRESS_SYNTAX, NULL, NULL },
	{ "inner blank", "<a @b>", 0, ADDRESS_SYNTAX, NULL, NULL },
	{ "IPv4", "<a@[192.0.2.1]>", 0, ADDRESS_OK, "a@[192.0.2.1]", "" },
	{ "IPv4 wrong", "<a@[192.0.2.256]>", 0, ADDRESS_SYNTAX, NULL, NULL },
	{ "IPv6", "<a@[IPv6:2001:db8::1]>", 0, ADDRESS_OK, "a@[IPv6:2001:db8::1]", "" },
	{ "IPv6 no tag", "<a@[2001:db8::1]>", 0, ADDRESS_SYNTAX, NULL, NULL },
	{ "unknown tag", "<a@[X400:c=de]>", 0, ADDRESS_SYNTAX, NULL, NULL },
	{ "UTF-8", "<j\xc3\xb6rg@b\xc3\xbc.de>", ADDRESS_ALLOW_UTF8, ADDRESS_OK,
	    "j\xc3\xb6rg@b\xc3\xbc.de", "" },
	{ "UTF-8 not allowed", "<j\xc3\xb6rg@b>", 0, ADDRESS_UTF8, NULL, NULL },
	{ "UTF-8 in the domain not allowed", "<j@b\xc3\xb6>", 0, ADDRESS_UTF8, NULL, NULL },
	{ "Latin-1", "<j\xf6rg@b>", ADDRESS_ALLOW_UTF8, ADDRESS_UTF8, NULL, NULL },
	{ "overlong", "<j\xc0\xafrg@b>", ADDRESS_ALLOW_UTF8, ADDRESS_UTF8, NULL, NULL },
	{ "label begins with -", "<a@-b>", 0, ADDRESS_SYNTAX, NULL, NULL },
	{ "label ends with -", "<a@b-.c>", 0, ADDRESS_SYNTAX, NULL, NULL },
};

static void test_paths(void **state)
{
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		slice copy = guarded_copy(slice_from(paths[i].text)), in = copy;
		struct address address = { 0 };
		enum address_result have = address_take_path(&in, paths[i].allow, &address);

		if (have != paths[i].want)
			fail_msg("%s: %d, not %d", paths[i].name, have, paths[i].want);
		if (have == ADDRESS_OK) {
			assert_slice(address.whole, slice_from(paths[i].whole));
			assert_slice(in, slice_from(paths[i].rest));
		} else {
			assert_ptr_equal(in.ptr, copy.ptr);
		}
		guarded_free(copy);
	}
}

/* n times c. */
static slice many(struct arena *arena, char c, size_t n)
{
	char *text = arena_new(arena, char, n);

	memset(text, c, n);
	return slice_of(text, n);
}

static enum address_result judge(struct arena *arena, size_t local, size_t labels, size_t last)
{
	slice l = many(arena, 'a', local), d = slice_lit(""), text;
	struct address address;

	for (size_t i = 0; i < labels; i++)
		d = arena_printf(arena, "%.*s%.*s.", slice_arg(d), slice_arg(many(arena, 'd', 63)));
	text = arena_printf(arena, "%.*s@%.*s%.*s", slice_arg(l), slice_arg(d),
	    slice_arg(many(arena, 'e', last)));
	return address_parse(text, 0, &address);
}

static void test_limits(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 1 << 20);

	assert_int_equal(judge(&arena, 64, 0, 10), ADDRESS_OK);
	assert_int_equal(judge(&arena, 65, 0, 10), ADDRESS_LOCAL_LONG);
	assert_int_equal(judge(&arena, 1, 0, 63), ADDRESS_OK);
	assert_int_equal(judge(&arena, 1, 0, 64), ADDRESS_DOMAIN_LONG);
	assert_int_equal(judge(&arena, 1, 3, 60), ADDRESS_OK);          /* 254 */
	assert_int_equal(judge(&arena, 2, 3, 60), ADDRESS_LONG);        /* 255 */
	assert_int_equal(judge(&arena, 1, 3, 63), ADDRESS_LONG);        /* domain of 255 */
	assert_int_equal(judge(&arena, 1, 4, 1), ADDRESS_DOMAIN_LONG);  /* domain of 257 */
	heap_drop(heap);
}

static const struct {
	const char *text, *want;        /* NULL: not a domain */
} domains[] = {
	{ "Example.ORG", "example.org" },
	{ "[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]" },
	{ "B\xc3\x9c" "cher.Example", "xn--bcher-kva.example" },
	{ "b\xc3\xbc" "cher\xe3\x80\x82" "example", "xn--bcher-kva.example" },
	{ "xn--BCHER-kva.example", "xn--bcher-kva.example" },
	{ "a\xe2\x80\xae.example", NULL },
	{ "a b", NULL }, { "", NULL }, { ".", NULL }, { "a.", NULL }, { "[1.2.3]", NULL },
	{ "a\xc3", NULL }, { "\xe3\x80\x82", NULL }, { "\xf3\xa0\x86\x88[IPv6:::1]", NULL },
};

static void test_domain_normal(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 1 << 20);

	for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++) {
		slice have;
		bool ok = domain_normal(&arena, slice_from(domains[i].text), &have);

		if (ok != (domains[i].want != NULL))
			fail_msg("%s", domains[i].text);
		if (ok)
			assert_slice(have, slice_from(domains[i].want));
	}
	heap_drop(heap);
}

static const struct {
	const char *text, *normal, *folded;
} normals[] = {
	{ "Joe@Example.ORG", "Joe@example.org", "joe" },
	{ "\"Joe\"@x", "Joe@x", "joe" },
	{ "\"J\\o\\e\"@x", "Joe@x", "joe" },
	{ "\"a b\"@x", "\"a b\"@x", "a b" },
	{ "\"a\\\\\\\"b\"@x", "\"a\\\\\\\"b\"@x", "a\\\"b" },
	{ "\"\"@x", "\"\"@x", "" },
	{ "\"a..b\"@x", "\"a..b\"@x", "a..b" },
	{ "J\xc3\x96rg@B\xc3\xbc" "cher.example", "J\xc3\x96rg@xn--bcher-kva.example",
	    "j\xc3\x96rg" },
};

static void test_normal(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 1 << 20);

	for (size_t i = 0; i < sizeof normals / sizeof normals[0]; i++) {
		struct address address, normal;

		assert_int_equal(address_parse(slice_from(normals[i].text), ADDRESS_ALLOW_UTF8,
		    &address), ADDRESS_OK);
		assert_true(address_normal(&arena, &address, &normal));
		assert_slice(normal.whole, slice_from(normals[i].normal));
		assert_slice(local_folded(&arena, address.local), slice_from(normals[i].folded));
		assert_int_equal(normal.local.len + 1 + normal.domain.len, normal.whole.len);
	}
	heap_drop(heap);
}

/* As it is written it is no longer than an address may be; in A-labels it may be. */
static void test_normal_too_long(void **state)
{
	enum { LABELS = 23 };
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 1 << 20);
	slice domain = slice_lit("example"), local = slice_lit("");

	for (int i = 0; i < LABELS; i++)
		domain = arena_printf(&arena, "\xc3\xbc.%.*s", slice_arg(domain));
	for (size_t len = 1; len <= ADDRESS_LOCAL_MAX; len++) {
		size_t ascii = len + strlen("@example") + LABELS * strlen("xn--tda.");
		struct address address, normal;
		slice whole;

		local = arena_printf(&arena, "%.*su", slice_arg(local));
		whole = arena_printf(&arena, "%.*s@%.*s", slice_arg(local), slice_arg(domain));
		assert_int_equal(address_parse(whole, ADDRESS_ALLOW_UTF8, &address), ADDRESS_OK);
		assert_int_equal(address_normal(&arena, &address, &normal),
		    ascii <= ADDRESS_PATH_MAX - 2);
	}
	heap_drop(heap);
}

/* What the suite calls valid for SMTP is a Mailbox; what it calls valid for a
 * header field is one for mailbox_next(); errors are neither. */
static bool suite_smtp(slice category)
{
	return slice_equal(category, slice_lit("ISEMAIL_VALID_CATEGORY")) ||
	    slice_equal(category, slice_lit("ISEMAIL_DNSWARN")) ||
	    slice_equal(category, slice_lit("ISEMAIL_RFC5321"));
}

static void test_isemail(void **state)
{
	/* A header field is unfolded by others, so CR and LF are blanks here; and
	 * RFC 6532 s3.1 lets UTF-8 be quoted, RFC 5322 a label begin with "-". */
	static const char *const on_purpose[] = { "ISEMAIL_ERR_CR_NO_LF",
	    "ISEMAIL_ERR_FWS_CRLF_END", "ISEMAIL_ERR_EXPECTING_CTEXT",
	    "ISEMAIL_ERR_EXPECTING_QPAIR", "ISEMAIL_ERR_DOMAINHYPHENSTART",
	    "ISEMAIL_ERR_DOMAINHYPHENEND" };
	json_t *root, *cases = suite_cases("addr-isemail", &root), *item;
	struct heap *heap = heap_create(SIZE_MAX);
	size_t n = 0, differ = 0, header_differ = 0, i;

	json_array_foreach(cases, i, item) {
		struct arena arena = arena_init(heap, 1 << 16);
		slice text = guarded_copy(suite_text(item, "address"));
		slice category = suite_text(item, "category");
		bool valid = !slice_equal(category, slice_lit("ISEMAIL_ERR"));
		struct mailbox_reader r = mailbox_reader_init(text);
		struct address address;
		struct mailbox mailbox;
		bool smtp, header;

		smtp = address_parse(text, 0, &address) == ADDRESS_OK;
		header = mailbox_next(&r, &arena, &mailbox) == MAILBOX_OK &&
		    mailbox_next(&r, &arena, &mailbox) == MAILBOX_END;
		if (smtp != suite_smtp(category)) {
			print_message("# smtp %d: %s\n", smtp, json_dumps(item, 0));
			differ++;
		}
		if (header != valid &&
		    !suite_listed(on_purpose, 6, suite_text(item, "diagnosis")) &&
		    !slice_equal(text, slice_lit("test@iana.org\n"))) {
			print_message("# header %d: %s\n", header, json_dumps(item, 0));
			header_differ++;
		}
		n++;
		arena_reset(&arena);
		guarded_free(text);
	}
	print_message("# addr-isemail: %zu cases, SMTP differs in %zu, headers in %zu\n", n, differ,
	    header_differ);
	assert_int_equal(differ, 0);
	assert_int_equal(header_differ, 0);
	json_decref(root);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_paths), cmocka_unit_test(test_limits),
    cmocka_unit_test(test_domain_normal), cmocka_unit_test(test_normal),
    cmocka_unit_test(test_normal_too_long),
    cmocka_unit_test(test_isemail))
