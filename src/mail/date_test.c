/* mail/date_test.c - dates out and in. */
#include "mail/date.h"

#include <time.h>

#include "mail/suite_test.h"

static const struct {
	int64_t seconds;
	const char *text;
} dates[] = {
	{ 0, "Thu, 1 Jan 1970 00:00:00 +0000" },
	{ -1, "Wed, 31 Dec 1969 23:59:59 +0000" },
	{ 951782400, "Tue, 29 Feb 2000 00:00:00 +0000" },
	{ 951868800, "Wed, 1 Mar 2000 00:00:00 +0000" },
	{ 1795361400, "Sun, 22 Nov 2026 15:30:00 +0000" },
	{ -2208988800, "Mon, 1 Jan 1900 00:00:00 +0000" },
	{ 253402300799, "Fri, 31 Dec 9999 23:59:59 +0000" },
};

static void test_print(void **state)
{
	for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
		char text[DATE_TEXT];
		struct date date;
		size_t n = date_print(dates[i].seconds * 1000000, text);

		assert_slice(slice_of(text, n), slice_from(dates[i].text));
		assert_true(date_parse(slice_of(text, n), &date));
		assert_int_equal(date.seconds, dates[i].seconds);
	}
}

/* Every day of 1900 to 2199, against libc. */
static void test_every_day(void **state)
{
	for (int64_t day = -25567; day < 84000; day++) {
		time_t at = (time_t)(day * 86400 + 12345);
		char have[DATE_TEXT], want[64];
		struct tm tm;

		date_print((int64_t)at * 1000000, have);
		gmtime_r(&at, &tm);
		strftime(want, sizeof want, "%a, %-d %b %Y %H:%M:%S +0000", &tm);
		assert_string_equal(have, want);
	}
}

static const struct {
	const char *name, *text;
	int64_t seconds;                /* INT64_MIN: not a date */
	int zone;
} parses[] = {
	{ "zone east", "22 Nov 2026 16:30:00 +0100", 1795361400, 60 },
	{ "zone west", "22 Nov 2026 10:00:00 -0530", 1795361400, -330 },
	{ "no seconds", "22 Nov 2026 15:30 GMT", 1795361400, 0 },
	{ "EST", "22 Nov 2026 10:30:00 EST", 1795361400, -300 },
	{ "comments", "(a) Sun (b), (c(d)) 22 Nov 2026 15 : 30 : 00 +0000 (UTC)", 1795361400, 0 },
	{ "two digits", "1 Jan 70 00:00:00 +0000", 0, 0 },
	{ "two digits, new", "22 Nov 26 15:30:00 +0000", 1795361400, 0 },
	{ "three digits", "22 Nov 126 15:30:00 +0000", 1795361400, 0 },
	{ "leap second", "1 Jan 1970 23:59:60 +0000", 86400, 0 },
	{ "30 Feb", "30 Feb 2000 00:00:00 +0000", INT64_MIN, 0 },
	{ "29 Feb 1900", "29 Feb 1900 00:00:00 +0000", INT64_MIN, 0 },
	{ "hour 24", "1 Jan 1970 24:00:00 +0000", INT64_MIN, 0 },
	{ "minute 60", "1 Jan 1970 00:60:00 +0000", INT64_MIN, 0 },
	{ "zone 0060", "1 Jan 1970 00:00:00 +0060", INT64_MIN, 0 },
	{ "no month", "1 Jax 1970 00:00:00 +0000", INT64_MIN, 0 },
	{ "tail", "1 Jan 1970 00:00:00 +0000 x", INT64_MIN, 0 },
	{ "empty", "", INT64_MIN, 0 },
	{ "day zero", "0 Jan 1970 00:00:00 +0000", INT64_MIN, 0 },
};

static void test_parse(void **state)
{
	for (size_t i = 0; i < sizeof parses / sizeof parses[0]; i++) {
		slice text = guarded_copy(slice_from(parses[i].text));
		struct date date = { 0 };
		bool ok = date_parse(text, &date);

		if (ok != (parses[i].seconds != INT64_MIN))
			fail_msg("%s", parses[i].name);
		if (ok && (date.seconds != parses[i].seconds ||
		    date.zone_minutes != parses[i].zone))
			fail_msg("%s: %lld %d", parses[i].name, (long long)date.seconds,
			    date.zone_minutes);
		guarded_free(text);
	}
}

static int number(const json_t *object, const char *key)
{
	return (int)json_integer_value(json_object_get(object, key));
}

static void test_suite(void **state)
{
	/* Numbers without a month's name; a whole Received value; and a comment with a
	 * line end inside, which the header scanner would have judged. */
	static const char *const on_purpose[] = { "date-26bb5bcf4314", "date-18fa6a3e2734",
	    "date-1eb438edd6dc" };
	json_t *root, *cases = suite_cases("header-date", &root), *item;
	size_t n = 0, agree = 0, i;

	json_array_foreach(cases, i, item) {
		const json_t *e = json_object_get(item, "expected");
		struct date date;
		bool ok = date_parse(suite_text(item, "header"), &date), same = !ok;

		n++;
		if (ok && json_is_object(e)) {
			struct tm tm = { .tm_year = number(e, "year") - 1900,
			    .tm_mon = number(e, "month") - 1, .tm_mday = number(e, "day"),
			    .tm_hour = number(e, "hour"), .tm_min = number(e, "minute"),
			    .tm_sec = number(e, "second") };
			int zone = number(e, "tz_hour") * 60 + number(e, "tz_minute");

			zone = json_is_true(json_object_get(e, "tz_before_gmt")) ? -zone : zone;
			same = date.seconds == timegm(&tm) - zone * 60 && date.zone_minutes == zone;
		} else if (json_is_object(e) || ok) {
			same = false;
		}
		agree += same;
		if (!same && !suite_listed(on_purpose, 3, suite_text(item, "id")))
			fail_msg("%s", json_string_value(json_object_get(item, "id")));
	}
	print_message("# header-date: %zu cases, %zu agree\n", n, agree);
	json_decref(root);
}

UNIT_TESTS(cmocka_unit_test(test_print), cmocka_unit_test(test_every_day),
    cmocka_unit_test(test_parse), cmocka_unit_test(test_suite))
