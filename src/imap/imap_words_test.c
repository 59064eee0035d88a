/* imap/imap_words_test.c - sets, names of mailboxes, dates: by tables. */
#include "imap/mailbox.h"
#include "imap/sequence.h"
#include "imap/time.h"
#include "imap/view.h"

#include <stdio.h>

#include "base/limits.h"
#include "unit.h"

enum { HEAP = 64 << 20, ARENA = 16 << 20 };

static struct heap *heap;

/* ---- sets ---- */

static const struct {
	const char *text;
	uint32_t star;
	const char *want;               /* NULL: BAD */
} sets[] = {
	{ "1", 9, "1" },
	{ "2,4:7,9,12:*", 15, "2,4:7,9,12:15" },
	{ "*:4,5:7", 10, "4:10" },
	{ "*", 9, "9" },
	{ "*", 0, "" },
	{ "5:*", 0, "5" },
	{ "20:*", 9, "9:20" },          /* RFC 9051 s9: *:20 is the same */
	{ "7:3", 9, "3:7" },
	{ "1:2,3:4", 9, "1:4" },
	{ "3,1,2", 9, "1:3" },
	{ "1:4294967295,4294967295", 9, "1:4294967295" },
	{ "4294967295,1", 9, "1,4294967295" },
	{ "", 9, NULL }, { "0", 9, NULL }, { "01", 9, NULL }, { "1,", 9, NULL }, { ",1", 9, NULL },
	{ "1:", 9, NULL }, { ":1", 9, NULL }, { "1:2:3", 9, NULL }, { "1 ", 9, NULL },
	{ "-1", 9, NULL }, { "4294967296", 9, NULL }, { "**", 9, NULL }, { "1;2", 9, NULL },
};

static void test_sets(void **state)
{
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
		struct arena arena = arena_init(heap, ARENA);
		struct buffer out = buffer_init(heap, 1000);
		struct imap_set_writer w = { .out = &out };
		slice text = guarded_copy(slice_from(sets[i].text));
		enum imap_set_result result;
		struct imap_set set;

		result = imap_set_read(text, sets[i].star, &arena, &set);
		if ((result == IMAP_SET_OK) != (sets[i].want != NULL))
			fail_msg("\"%s\": %d", sets[i].text, result);
		for (size_t n = 0; result == IMAP_SET_OK && n < set.n; n++) {
			imap_set_add(&w, set.ranges[n].first, set.ranges[n].last);
			assert_true(imap_set_has(&set, set.ranges[n].first));
			assert_true(imap_set_has(&set, set.ranges[n].last));
			assert_false(imap_set_has(&set, set.ranges[n].first - 1));
			assert_false(imap_set_has(&set, set.ranges[n].last + 1));
		}
		assert_true(imap_set_finish(&w));
		if (sets[i].want != NULL)
			assert_slice(buffer_bytes(&out), slice_from(sets[i].want));
		buffer_free(&out);
		arena_reset(&arena);
		guarded_free(text);
	}
}

static void test_many(void **state)
{
	struct arena arena = arena_init(heap, ARENA);
	struct buffer text = buffer_init(heap, 1 << 20);
	struct imap_set set;

	for (unsigned i = 0; i < IMAP_RANGES_MAX; i++)
		buffer_printf(&text, "%s%u", i > 0 ? "," : "", 2 * i + 1);
	assert_int_equal(imap_set_read(buffer_bytes(&text), 1, &arena, &set), IMAP_SET_OK);
	assert_int_equal(set.n, IMAP_RANGES_MAX);
	buffer_add(&text, slice_lit(",1"));
	assert_int_equal(imap_set_read(buffer_bytes(&text), 1, &arena, &set), IMAP_SET_MANY);
	buffer_free(&text);
	arena_reset(&arena);
}

/* ---- names ---- */

static const struct {
	const char *utf7, *utf8;        /* utf8 NULL: it is none */
} utf7[] = {
	{ "INBOX", "INBOX" }, { "", "" }, { "a&-b", "a&b" }, { "&-&-", "&&" },
	/* RFC 3501 s5.1.3. */
	{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語" },
	{ "Entw&APw-rfe", "Entwürfe" }, { "&AOQ-&-&APY-", "ä&ö" },
	{ "&2D3eAA-", "😀" }, { "&2D3eANg93gA-", "😀😀" }, { "&AAk-", "\t" },
	{ "&", NULL }, { "&AOQ", NULL }, { "&U,BTFw-&ZeVnLIqe-", NULL },     /* RFC 3501: two beside */
	{ "&Jjo!", NULL }, { "&AGE-", NULL }, { "&AOR-", NULL }, { "&AOQA-", NULL },
	{ "&2D0-", NULL }, { "&3gA-", NULL }, { "&2D0A5A-", NULL }, { "&A-", NULL },
	{ "\xc3\xa4", NULL }, { "a\x01", NULL }, { "a\x7f", NULL }, { "&AO/-", NULL },
};

static void test_utf7(void **state)
{
	for (size_t i = 0; i < sizeof utf7 / sizeof utf7[0]; i++) {
		struct buffer out = buffer_init(heap, 200), back = buffer_init(heap, 200);
		slice text = guarded_copy(slice_from(utf7[i].utf7));
		bool ok = imap_utf7_read(text, &out);

		if (ok != (utf7[i].utf8 != NULL))
			fail_msg("%s: %d", utf7[i].utf7, ok);
		assert_slice(buffer_bytes(&out), slice_from(utf7[i].utf8));
		if (ok) {
			assert_true(imap_utf7_write(buffer_bytes(&out), &back));
			assert_slice(buffer_bytes(&back), slice_from(utf7[i].utf7));
		}
		for (size_t room = 0; ok && room < text.len; room++) {
			struct buffer small = buffer_init(heap, room);

			assert_false(imap_utf7_write(slice_from(utf7[i].utf8), &small));
			buffer_free(&small);
		}
		buffer_free(&out);
		buffer_free(&back);
		guarded_free(text);
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		enum imap_name_result want;
	} names[] = {
		{ "INBOX", IMAP_NAME_OK }, { "a/b/c", IMAP_NAME_OK }, { "Entwürfe 😀", IMAP_NAME_OK },
		{ "", IMAP_NAME_EMPTY }, { "/a", IMAP_NAME_EMPTY }, { "a/", IMAP_NAME_EMPTY },
		{ "a//b", IMAP_NAME_EMPTY }, { "a\nb", IMAP_NAME_CHARACTER },
		{ "a\x7f", IMAP_NAME_CHARACTER }, { "\xc2\x80", IMAP_NAME_CHARACTER },
		{ "\xe2\x80\xa8", IMAP_NAME_CHARACTER }, { "\xff", IMAP_NAME_CHARACTER },
	};
	char deep[2 * IMAP_LEVELS_MAX + 2], longest[IMAP_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (imap_name_judge(slice_from(names[i].name)) != names[i].want)
			fail_msg("%s", names[i].name);
	}
	for (size_t i = 0; i < sizeof deep; i++)
		deep[i] = i % 2 == 0 ? 'a' : '/';
	assert_int_equal(imap_name_judge(slice_of(deep, 2 * IMAP_LEVELS_MAX - 1)), IMAP_NAME_OK);
	assert_int_equal(imap_name_judge(slice_of(deep, 2 * IMAP_LEVELS_MAX + 1)), IMAP_NAME_LONG);
	memset(longest, 'a', sizeof longest);
	assert_int_equal(imap_name_judge(slice_of(longest, IMAP_NAME_MAX)), IMAP_NAME_OK);
	assert_int_equal(imap_name_judge(slice_of(longest, IMAP_NAME_MAX + 1)), IMAP_NAME_LONG);
}

static const struct {
	const char *name, *pattern;
	bool fits;
} patterns[] = {
	{ "INBOX", "*", true }, { "INBOX", "%", true }, { "INBOX", "inbox", true },
	{ "INBOX", "in%", true }, { "a", "A", false }, { "a/b", "%", false }, { "a/b", "*", true },
	{ "a/b", "a/%", true }, { "a/b/c", "a/%", false }, { "a/b/c", "a/*", true },
	{ "a/b/c", "%/c", false }, { "a/b/c", "%/%/c", true }, { "a/b/c", "*c", true },
	{ "a/b/c", "*%c", true }, { "a/b/c", "%*", true }, { "ab/ab", "*b", true },
	{ "ab/ab", "%b", false }, { "abab", "%b", true }, { "", "", true }, { "", "*", true },
	{ "", "%", true }, { "a", "", false }, { "a/xb", "a*%b", true }, { "foo/bar/baz", "%o/*z", true },
	{ "foo/bar/baz", "%o/%z", false }, { "a/b", "a%b", false }, { "x/y/z", "*/%/z", true },
	{ "INBOX/a", "inbox/%", true }, { "INBOX/a", "In*/a", true }, { "INBOX/a", "inbox/A", false },
	{ "INBOXES/a", "inboxes/a", false }, { "a/INBOX", "a/inbox", false }, { "INBOX/a", "%", false },
};

static void test_inbox(void **state)
{
	static const struct {
		const char *name, *spelt;       /* it is its own */
		bool is, in;
	} rows[] = {
		{ "inbox", "INBOX", true, true }, { "inBox/a/inbox", "INBOX/a/inbox", false, true },
		{ "INBOX/A", "INBOX/A", false, true }, { "inboxes/a", "inboxes/a", false, false },
		{ "a/inbox", "a/inbox", false, false }, { "inbo", "inbo", false, false },
		{ "", "", false, false }, { "/inbox", "/inbox", false, false },
	};
	unsigned char room[IMAP_NAME_MAX], longer[IMAP_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		slice name = guarded_copy(slice_from(rows[i].name));

		assert_int_equal(imap_name_is_inbox(name), rows[i].is);
		assert_int_equal(imap_name_in_inbox(name), rows[i].in);
		assert_slice(imap_name_spelt(name, room), slice_from(rows[i].spelt));
		for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
			assert_int_equal(imap_name_same(name, slice_from(rows[k].name)), i == k);
		assert_true(imap_name_same(name, slice_from(rows[i].spelt)));
		guarded_free(name);
	}
	assert_false(imap_name_same(slice_lit("inbox/a"), slice_lit("inbox/A")));
	memset(longer, 'a', sizeof longer);
	memcpy(longer, "inbox/", 6);
	assert_ptr_equal(imap_name_spelt(slice_of(longer, sizeof longer), room).ptr, longer);
	assert_ptr_equal(imap_name_spelt(slice_of(longer, IMAP_NAME_MAX), room).ptr, room);
}

static void test_patterns(void **state)
{
	char name[1000], pattern[1000];

	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
		slice a = guarded_copy(slice_from(patterns[i].name));
		slice b = guarded_copy(slice_from(patterns[i].pattern));

		if (imap_name_fits(a, b) != patterns[i].fits)
			fail_msg("%s %s", patterns[i].name, patterns[i].pattern);
		guarded_free(a);
		guarded_free(b);
	}
	/* One that takes 2^n steps if each wildcard is tried again. */
	memset(name, 'a', sizeof name);
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = i % 3 == 0 ? '*' : i % 3 == 1 ? '%' : 'a';
	pattern[sizeof pattern - 1] = 'b';
	assert_false(imap_name_fits(slice_of(name, sizeof name), slice_of(pattern, sizeof pattern)));
}

/* ---- dates ---- */

static void test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
		const char *utc;        /* NULL: BAD */
	} times[] = {
		{ "17-Jul-1996 02:44:25 -0700", 837596665, "17-Jul-1996 09:44:25 +0000" },
		{ " 1-jan-1970 00:00:00 +0000", 0, " 1-Jan-1970 00:00:00 +0000" },
		{ "01-Jan-1970 01:00:00 +0100", 0, " 1-Jan-1970 00:00:00 +0000" },
		{ "31-Dec-1969 23:59:59 +0000", -1, "31-Dec-1969 23:59:59 +0000" },
		{ "29-Feb-2024 12:00:00 +0545", 1709187300, "29-Feb-2024 06:15:00 +0000" },
		{ "31-Dec-9999 23:59:59 +0000", 253402300799, "31-Dec-9999 23:59:59 +0000" },
		{ " 1-Jan-0001 00:00:00 +0000", -62135596800, " 1-Jan-0001 00:00:00 +0000" },
		{ "29-Feb-2023 12:00:00 +0000", 0, NULL }, { " 01-Jan-1970 00:00:00 +0000", 0, NULL },
		{ "1-Jan-1970 00:00:00 +0000", 0, " 1-Jan-1970 00:00:00 +0000" },
		{ "001-Jan-1970 00:00:00 +0000", 0, NULL }, { "-Jan-1970 00:00:00 +0000", 0, NULL },
		{ "01-Jan-1970 00:00:00", 0, NULL }, { "01-Jan-1970 24:00:00 +0000", 0, NULL },
		{ "01-Jan-1970 00:00:00 +000", 0, NULL }, { "01-Jan-1970 00:00:00 +00000", 0, NULL },
		{ "01-Foo-1970 00:00:00 +0000", 0, NULL }, { "00-Jan-1970 00:00:00 +0000", 0, NULL },
		{ "01-Jan-0000 00:00:00 +0000", 0, NULL }, { "", 0, NULL },
	};
	char text[IMAP_TIME_TEXT];
	int64_t seconds, days;

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		slice in = guarded_copy(slice_from(times[i].text));

		assert_int_equal(imap_time_read(in, &seconds), times[i].utc != NULL);
		if (times[i].utc != NULL) {
			assert_true(seconds == times[i].seconds);
			imap_time_print(seconds, text);
			assert_string_equal(text, times[i].utc);
		}
		guarded_free(in);
	}
	imap_time_print(INT64_MIN, text);
	assert_string_equal(text, " 1-Jan-0001 00:00:00 +0000");
	imap_time_print(INT64_MAX, text);
	assert_string_equal(text, "31-Dec-9999 23:59:59 +0000");
	assert_true(imap_date_read(slice_lit("1-Feb-1994"), &days) && days == 8797);
	assert_true(imap_date_read(slice_lit("01-FEB-1994"), &days) && days == 8797);
	assert_false(imap_date_read(slice_lit("001-Feb-1994"), &days));
	assert_false(imap_date_read(slice_lit("-Feb-1994"), &days));
	assert_false(imap_date_read(slice_lit("1-Feb-94"), &days));
	assert_false(imap_date_read(slice_lit("1-Feb-1994 "), &days));
	/* What is printed is read as the same. */
	for (days = -700000; days < 2900000; days += 997) {
		imap_time_print(days * 86400 + 86399, text);
		assert_true(imap_time_read(slice_from(text), &seconds) &&
		    seconds == days * 86400 + 86399);
	}
}

/* ---- numbers of UIDs ---- */

/* Whatever was asked for last. */
static void test_view(void **state)
{
	struct imap_view *view = imap_view_create(heap, 0);

	for (uint32_t i = 1; i <= 9; i++)
		imap_view_add(view, 3 * i);
	for (uint32_t from = 0; from <= 9; from++) {
		for (uint32_t uid = 0; uid < 30; uid++) {
			uint32_t last = from, want = imap_view_find(view, 8, uid);

			assert_int_equal(imap_view_find_next(view, 8, uid, &last), want);
			assert_int_equal(last, want);
		}
	}
	assert_int_equal(imap_view_find(view, 8, 24), 8);
	assert_int_equal(imap_view_find(view, 8, 27), 0);
	imap_view_unref(view);
}

/* Runs of UIDs and gaps, each view beside the array that it stands for. */
static void test_view_gaps(void **state)
{
	static const unsigned one_in[] = { 1, 2, 100, 1000, 100000 };

	for (size_t g = 0; g < sizeof one_in / sizeof *one_in; g++) {
		struct imap_view *view = imap_view_create(heap, g % 2 == 0 ? 700 : 0);
		uint32_t uids[2000], random = 7, uid = 0;

		for (uint32_t i = 0; i < 2000; i++) {
			random = random * 1664525u + 1013904223u;
			uid += (random >> 8) % one_in[g] == 0 ? 2 + (random >> 28) : 1;
			uids[i] = uid;
			imap_view_add(view, uid);
		}
		assert_int_equal(view->n, 2000);
		for (uint32_t i = 0; i < 2000; i++) {
			assert_int_equal(imap_view_uid(view, i), uids[i]);
			assert_int_equal(imap_view_find(view, 2000, uids[i]), i + 1);
			assert_int_equal(imap_view_find(view, i, uids[i]), 0);
			assert_int_equal(imap_view_below(view, 2000, uids[i] + 1), i + 1);
		}
		imap_view_unref(view);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets), cmocka_unit_test(test_many), cmocka_unit_test(test_utf7),
		cmocka_unit_test(test_names), cmocka_unit_test(test_inbox), cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_times), cmocka_unit_test(test_view),
		cmocka_unit_test(test_view_gaps),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	heap = heap_create(HEAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
