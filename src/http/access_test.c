/* http/access_test.c - who is asked, from where, and with which password. */
#include "http/access.h"

#include <stdio.h>
#include <string.h>

#include "http/credentials.h"
#include "unit.h"

static void test_local(void **state)
{
	static const char *const local[] = { "localhost", "LOCALHOST:8025", "a.b.localhost:1",
		"localhost.", "127.0.0.1:8025", "127.9.9.9", "[::1]:8025", "[::1]",
		"[::ffff:127.0.0.1]:80" };
	static const char *const strange[] = { "", ":8025", "evil.example:8025", "localhost.evil.example",
		"evillocalhost", ".localhost", "127.0.0.1.evil.example", "0.0.0.0:8025", "10.0.0.1",
		"[::2]", "[::1", "2130706433", "127.1", "evil.example:127.0.0.1", "[", "]" };

	for (size_t i = 0; i < sizeof local / sizeof *local; i++)
		assert_true(http_host_is_local(slice_from(local[i])));
	for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
		assert_false(http_host_is_local(slice_from(strange[i])));
	assert_false(http_host_is_local(slice_of("localhost\0", 10)));
}

static void test_listed(void **state)
{
	slice list = slice_lit("mail.example, Other.Example.:80  10.0.0.1");

	assert_true(http_host_is_listed(slice_lit("MAIL.example.:8025"), list));
	assert_true(http_host_is_listed(slice_lit("other.example"), list));
	assert_true(http_host_is_listed(slice_lit("10.0.0.1:1"), list));
	assert_false(http_host_is_listed(slice_lit("a.mail.example"), list));
	assert_false(http_host_is_listed(slice_lit(""), list));
	assert_false(http_host_is_listed(slice_lit("any"), slice_lit("")));
	assert_false(http_host_is_listed(slice_lit("any"), slice_lit(" , ,")));
	assert_true(http_host_is_listed(slice_lit("any"), slice_lit("a, *")));
}

static void test_origins(void **state)
{
	slice list = slice_lit("http://app.example:3000/, tool.example");

	assert_true(http_origin_is_own(slice_lit("http://HERE:1"), slice_lit("here:1")));
	assert_false(http_origin_is_own(slice_lit("http://here:2"), slice_lit("here:1")));
	assert_false(http_origin_is_own(slice_lit("null"), slice_lit("")));
	assert_true(http_origin_is_listed(slice_lit("http://app.example:3000"), list));
	assert_false(http_origin_is_listed(slice_lit("https://app.example:3000"), list));
	assert_false(http_origin_is_listed(slice_lit("http://app.example"), list));
	assert_true(http_origin_is_listed(slice_lit("https://tool.example:9"), list));
	assert_false(http_origin_is_listed(slice_lit("null"), list));
	assert_true(http_origin_is_listed(slice_lit("null"), slice_lit("*")));
}

static void test_passwords(void **state)
{
	slice list = slice_lit("ann:$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n"
	    "sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ= md5:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/ "
	    "long:$apr1$abcdefgh$CWmSdRXg6.q2WlUC6/oKv1 dan:sec,ret dan:other "
	    "six:$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ"
	    "/1GM/O6IND4WQhG.");
	static const struct {
		const char *user, *password;
		bool right;
	} rows[] = {
		{ "ann", "secret", true }, { "ann", "Secret", false }, { "ann", "", false },
		{ "sha", "secret", true }, { "sha", "secre", false },
		{ "md5", "secret", true }, { "md5", "", false },
		{ "long", "a much longer password than sixteen", true }, { "long", "a", false },
		{ "six", "secret", true }, { "six", "x", false },
		{ "dan", "sec,ret", true }, { "dan", "other", true }, { "dan", "sec", false },
		{ "", "", false }, { "nobody", "secret", false }, { "an", "secret", false },
	};

	assert_true(credentials_are_rows(list));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (credentials_match(list, slice_from(rows[i].user),
		    slice_from(rows[i].password)) != rows[i].right)
			fail_msg("%s:%s", rows[i].user, rows[i].password);
	}
	assert_false(credentials_are_rows(slice_lit("")));
	assert_false(credentials_are_rows(slice_lit("a:b c")));
	assert_false(credentials_are_rows(slice_lit(":b")));
	assert_false(credentials_are_rows(slice_lit("a:")));
	/* What only looks like a hash matches nothing. */
	assert_false(credentials_match(slice_lit("a:$2y$99$x"), slice_lit("a"), slice_lit("*0")));
	assert_false(credentials_match(slice_lit("a:{SHA}"), slice_lit("a"), slice_lit("")));
	assert_false(credentials_match(slice_lit("a:$apr1$"), slice_lit("a"), slice_lit("")));
	assert_false(credentials_match(slice_lit(""), slice_lit("a"), slice_lit("")));
}

static void test_field(void **state)
{
	struct credentials c;

	assert_true(credentials_read(slice_lit("basic YW5uOmE6Yg=="), &c));
	assert_true(slice_equal(c.user, slice_lit("ann")));
	assert_true(slice_equal(c.password, slice_lit("a:b")));
	assert_true(credentials_read(slice_lit("Basic Og=="), &c));
	assert_int_equal(c.user.len + c.password.len, 0);
	assert_false(credentials_read(slice_lit("Basic YW5u"), &c));
	assert_false(credentials_read(slice_lit("Basic *"), &c));
	assert_false(credentials_read(slice_lit("Basic "), &c));
	assert_false(credentials_read(slice_lit("Bearer YW5uOmE6Yg=="), &c));
	assert_false(credentials_read(slice_lit("Basic YQA6Yg=="), &c));     /* a NUL */
}

UNIT_TESTS(cmocka_unit_test(test_local), cmocka_unit_test(test_listed),
    cmocka_unit_test(test_origins), cmocka_unit_test(test_passwords), cmocka_unit_test(test_field))
