/* search/when_test.c - points in time, as people write them. */
#include "search/when.h"

#include "unit.h"

enum { HOUR = 3600, DAY = 24 * HOUR };
#define NOV_22 1795305600       /* 2026-11-22T00:00:00Z */

static const struct {
	const char *text;
	int zone_minutes;
	bool ok;
	int64_t seconds;
} cases[] = {
	{ "2026-11-22", 0, true, NOV_22 },
	{ " 2026-11-22 ", 0, true, NOV_22 },
	{ "2026-11-22", 60, true, NOV_22 - HOUR },
	{ "2026-11-22", -330, true, NOV_22 + 5 * HOUR + HOUR / 2 },
	{ "2026-11-22Z", 60, true, NOV_22 },
	{ "20261122", 0, true, NOV_22 },
	{ "2026/11/22", 0, true, NOV_22 },
	{ "11/22/2026", 0, true, NOV_22 },
	{ "22 Nov 2026", 0, true, NOV_22 },
	{ "22-Nov-2026", 0, true, NOV_22 },
	{ "22. November 2026", 0, true, NOV_22 },
	{ "22.11.2026", 0, true, NOV_22 },
	{ "Nov 22, 2026", 0, true, NOV_22 },
	{ "november 22 2026", 0, true, NOV_22 },
	{ "2026-11", 0, true, NOV_22 - 21 * DAY },
	{ "2026", 0, true, NOV_22 - (21 + 304) * DAY },
	{ "2024-02-29", 0, true, 1709164800 },
	{ "2000-02-29", 0, true, 951782400 },
	{ "2026-11-22 24:00", 0, true, NOV_22 + DAY },
	{ "Sept 1 2026", 0, true, NOV_22 - 82 * DAY },
	{ "2026-11-22 15:30", 0, true, NOV_22 + 15 * HOUR + 1800 },
	{ "2026-11-22T15:30:05Z", 60, true, NOV_22 + 15 * HOUR + 1805 },
	{ "2026-11-22T15:30:05+01:00", 0, true, NOV_22 + 14 * HOUR + 1805 },
	{ "2026-11-22T15:30:05-0130", 0, true, NOV_22 + 17 * HOUR + 5 },
	{ "2026-11-22T15:30+01", 0, true, NOV_22 + 14 * HOUR + 1800 },
	{ "2026-11-22 15:30 UTC", 60, true, NOV_22 + 15 * HOUR + 1800 },
	{ "22 Nov 2026 3:30 PM", 0, true, NOV_22 + 15 * HOUR + 1800 },
	{ "22 Nov 2026 12:00 am", 0, true, NOV_22 },
	{ "Sun, 22 Nov 2026 15:30:00 +0000", 60, true, NOV_22 + 15 * HOUR + 1800 },
	{ "1795305600", 60, true, NOV_22 },
	{ "1795305600000", 60, true, NOV_22 },
	{ "1969-12-31", 0, true, -DAY },
	{ "", 0, false, 0 },
	{ "yesterday", 0, false, 0 },
	{ "2026-13-01", 0, false, 0 },
	{ "2026-00-01", 0, false, 0 },
	{ "2026-11-32", 0, false, 0 },
	{ "2026-11-31", 0, false, 0 },
	{ "2026-02-29", 0, false, 0 },
	{ "2024-02-30", 0, false, 0 },
	{ "1900-02-29", 0, false, 0 },
	{ "2026-11-22 24:59", 0, false, 0 },
	{ "2026-11-22 24:00:01", 0, false, 0 },
	{ "2026-11-22 24:00:00.5", 0, false, 0 },
	{ "2026-11-22T", 0, false, 0 },
	{ "2026-11-22T1", 0, false, 0 },
	{ "2026-11-22T15:3", 0, false, 0 },
	{ "2026-11-22 25:00", 0, false, 0 },
	{ "2026-11-22 15:60", 0, false, 0 },
	{ "2026-11-22 15:30+1", 0, false, 0 },
	{ "2026-11-22 15:30+01:", 0, false, 0 },
	{ "2026-11-22 15:30+01:000", 0, false, 0 },
	{ "2026-11-22 15:30+99:00", 0, false, 0 },
	{ "2026-11-22 15:30 13 pm", 0, false, 0 },
	{ "22 Nox 2026", 0, false, 0 },
	{ "22 No 2026", 0, false, 0 },
	{ "123456789", 0, false, 0 },
	{ "99999999999999999999", 0, false, 0 },
};

static void test_when(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		slice text = guarded_copy(slice_from(cases[i].text));
		struct when_zone zone = { .rule.usual = cases[i].zone_minutes * 60 };
		int64_t wall_us = 0;
		bool ok = when_parse(text, &zone, &wall_us);

		if (ok != cases[i].ok || wall_us != cases[i].seconds * 1000000)
			fail_msg("\"%s\": %d, %lld s", cases[i].text, ok,
			    (long long)wall_us / 1000000);
		guarded_free(text);
	}
}

static void test_fraction(void **state)
{
	static const struct when_zone utc;
	int64_t wall_us;

	assert_true(when_parse(slice_lit("2026-11-22T00:00:00.749Z"), &utc, &wall_us));
	assert_int_equal(wall_us, NOV_22 * (int64_t)1000000 + 749000);
	assert_true(when_parse(slice_lit("2026-11-22T00:00:00.1234567890Z"), &utc, &wall_us));
	assert_int_equal(wall_us, NOV_22 * (int64_t)1000000 + 123456);
	assert_false(when_parse(slice_lit("2026-11-22T00:00:00.Z"), &utc, &wall_us));
}

UNIT_TESTS(cmocka_unit_test(test_when), cmocka_unit_test(test_fraction))
