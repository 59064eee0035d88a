/* sim/imap_reply_test.c - what a simulated client understands, and what it does not. */
#include "unit.h"

#include "sim/imap_reply.h"

enum { NEXT_DEVICE = IMAP_REPLY_DEVICE << 1 };

static void test_fetch(void **state)
{
	static const struct {
		const char *text;
		struct imap_sight sight;        /* email: 1 for any */
	} cases[] = {
		{ "(UID 7)", { .uid = 7 } },
		{ "(uid 4294967295)", { .uid = UINT32_MAX } },
		{ "(FLAGS ())", { .has_flags = true } },
		{ "(FLAGS (\\Recent))", { .has_flags = true } },
		{ "(UID 1 FLAGS (\\Seen \\deleted))",
		    { .uid = 1, .has_flags = true, .flags = IMAP_REPLY_SEEN | IMAP_REPLY_DELETED } },
		{ "(FLAGS (\\Answered \\Flagged device0 device1) MODSEQ (12))",
		    { .has_flags = true, .modseq = 12, .flags = IMAP_REPLY_ANSWERED |
		        IMAP_REPLY_FLAGGED | IMAP_REPLY_DEVICE | NEXT_DEVICE } },
		{ "(FLAGS (device2))", { .has_flags = true, .flags = IMAP_REPLY_OTHER } },
		{ "(MODSEQ (9) RFC822.SIZE 0 EMAILID (E1))", { .modseq = 9, .email = 1 } },
		{ "(RFC822.SIZE 100 UID 2)", { .uid = 2, .size = 100 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct imap_sight got;

		if (!imap_reply_fetch(slice_from(cases[i].text), &got))
			fail_msg("\"%s\" is not understood", cases[i].text);
		assert_int_equal(got.uid, cases[i].sight.uid);
		assert_int_equal(got.has_flags, cases[i].sight.has_flags);
		assert_int_equal(got.flags, cases[i].sight.flags);
		assert_int_equal(got.modseq, cases[i].sight.modseq);
		assert_int_equal(got.size, cases[i].sight.size);
		assert_int_equal(got.email != 0, cases[i].sight.email != 0);
	}
}

static void test_not_fetch(void **state)
{
	static const char *const cases[] = {
		"", "(", "()", "UID 7", "(UID 7", "(UID 7) ", "(UID 0)", "(UID 4294967296)", "(UID x)", "(UID)",
		"(UID  7)", "(FLAGS \\Seen)", "(FLAGS (\\Seen)", "(FLAGS ((\\Seen)))", "(MODSEQ 7)", "(MODSEQ (0))",
		"(MODSEQ (7)", "(EMAILID E1)", "(RFC822.SIZE -1)", "(ENVELOPE NIL)", "(UID 7 )",
	};
	static const char whole[] = "(UID 7 FLAGS (\\Seen) MODSEQ (3) EMAILID (E1))";
	struct imap_sight got;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (imap_reply_fetch(slice_from(cases[i]), &got))
			fail_msg("\"%s\" is understood", cases[i]);
	}
	for (size_t n = 0; n < sizeof whole - 1; n++)
		assert_false(imap_reply_fetch(slice_of(whole, n), &got));
}

static void test_email_is_one(void **state)
{
	struct imap_sight a, b, c;

	(void)state;
	assert_true(imap_reply_fetch(slice_lit("(EMAILID (E1))"), &a));
	assert_true(imap_reply_fetch(slice_lit("(EMAILID (E1))"), &b));
	assert_true(imap_reply_fetch(slice_lit("(EMAILID (E2))"), &c));
	assert_true(a.email == b.email && a.email != c.email);
}

static void test_codes(void **state)
{
	slice arguments;

	(void)state;
	assert_true(imap_reply_code(slice_lit("[UIDNEXT 12] next"), "UIDNEXT", &arguments));
	assert_int_equal(imap_reply_number(arguments), 12);
	assert_true(imap_reply_code(slice_lit("[copyuid 5 1:2 7:8] done"), "COPYUID", &arguments));
	assert_true(slice_equal(arguments, slice_lit("5 1:2 7:8")));
	assert_true(imap_reply_code(slice_lit("[READ-WRITE]"), "READ-WRITE", &arguments));
	assert_int_equal(arguments.len, 0);
	assert_false(imap_reply_code(slice_lit("[UIDNEXTS 12]"), "UIDNEXT", &arguments));
	assert_false(imap_reply_code(slice_lit("UIDNEXT 12"), "UIDNEXT", &arguments));
	assert_false(imap_reply_code(slice_lit(""), "UIDNEXT", &arguments));
	assert_int_equal(imap_reply_number(slice_lit("x")), 0);
	assert_int_equal(imap_reply_number(slice_lit("")), 0);
}

static void test_sets(void **state)
{
	struct imap_uids uids = { .set = slice_lit("1,3:5,9") };
	static const uint32_t want[] = { 1, 3, 4, 5, 9, 0, 0 };
	slice list = slice_lit("4 6"), broken = slice_lit("1,x");
	uint32_t first, last;

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		assert_int_equal(imap_reply_uid(&uids), want[i]);
	for (uint32_t uid = 0; uid < 12; uid++)
		assert_int_equal(imap_reply_set_has(slice_lit("1,3:5,9"), uid),
		    uid == 1 || (uid >= 3 && uid <= 5) || uid == 9);
	assert_true(imap_reply_range(&list, &first, &last) && first == 4 && last == 4);
	assert_true(imap_reply_range(&list, &first, &last) && first == 6 && last == 6);
	assert_false(imap_reply_range(&list, &first, &last));
	assert_true(imap_reply_range(&broken, &first, &last));
	assert_false(imap_reply_range(&broken, &first, &last));
}

UNIT_TESTS(cmocka_unit_test(test_fetch), cmocka_unit_test(test_not_fetch), cmocka_unit_test(test_email_is_one),
    cmocka_unit_test(test_codes), cmocka_unit_test(test_sets))
