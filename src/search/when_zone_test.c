/* search/when_zone_test.c - zone files made by hand, and the machine's beside what libc says. */
#include "search/when_zone.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "unit.h"

enum { HOUR = 3600 };

/* ---- names ---- */

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool ok;
	} cases[] = {
		{ "UTC", true }, { "Europe/Berlin", true }, { "America/Argentina/Buenos_Aires", true },
		{ "Etc/GMT+1", true }, { "America/Port-au-Prince", true }, { "EST5EDT", true },
		{ "", false }, { "/", false }, { "/etc/passwd", false }, { "Europe/", false },
		{ "..", false }, { "Europe/../../passwd", false }, { "Europe//Berlin", false },
		{ "tzdata.zi", false }, { "Europe Berlin", false }, { "Europe\\Berlin", false },
		{ "\xc3\xbc", false },
		{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (when_zone_is_name(slice_from(cases[i].name)) != cases[i].ok)
			fail_msg("%s", cases[i].name);
	}
	assert_false(when_zone_is_name(slice_lit("Europe\0Berlin")));
}

/* ---- rules ---- */

static void test_rules(void **state)
{
	static const struct {
		const char *rule;
		int64_t at;
		int32_t east;
	} cases[] = {
		{ "UTC0", 0, 0 },
		{ "<+0545>-5:45", 1795305600, 5 * HOUR + 45 * 60 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1774745999, HOUR },           /* 2026-03-29 00:59:59 */
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, 2 * HOUR },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1792889999, 2 * HOUR },       /* 2026-10-25 00:59:59 */
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1792890000, HOUR },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", 1767225600, 11 * HOUR },    /* 2026-01-01 */
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", 1782864000, 10 * HOUR },    /* 2026-07-01 */
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", 1767225600, 0 },
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", 1782864000, HOUR },
		{ "EST5EDT", 1782864000, -4 * HOUR },
		{ "XXX3YYY2:30,J60/0,J61/0", 1772334000, -(2 * HOUR + 1800) },  /* 2026-03-01 03:00 */
		{ "XXX3YYY2:30,J60/0,J61/0", 1772333999, -3 * HOUR },
		{ "XXX0YYY,0/0,J365/25", 1767225600, HOUR },
		{ "XXX0YYY,59/0,60/0", 1709164800, HOUR },                    /* 2024-02-29 */
		{ "XXX0YYY,59/0,60/0", INT64_MIN, 0 }, { "XXX0YYY,59/0,60/0", INT64_MAX, 0 },
	};
	static const char *const bad[] = { "", "U", "UTC", "UTC25", "U1C0", "<UTC0", "UTC0x", "UTC0XXX,",
	    "UTC0XXX,1", "UTC0XXX,M3.5.0", "UTC0XXX,M13.1.0,M1.1.0", "UTC0XXX,M1.6.0,M1.1.0",
	    "UTC0XXX,M1.1.7,M1.1.0", "UTC0XXX,J0,J1", "UTC0XXX,366,1", "UTC0XXX,1,1/168", "UTC0XXX,1,1,",
	    "UTC0:60", "UTC0XXX,1/,1" };
	struct when_rule rule;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int32_t east;

		assert_true(when_rule_read(slice_from(cases[i].rule), &rule));
		east = when_rule_at(&rule, cases[i].at);
		if (east != cases[i].east)
			fail_msg("%s at %lld: %d", cases[i].rule, (long long)cases[i].at, east);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		slice text = guarded_copy(slice_from(bad[i]));

		if (when_rule_read(text, &rule))
			fail_msg("%s", bad[i]);
		guarded_free(text);
	}
}

/* ---- files ---- */

#define HEAD(version, times, kinds) "TZif" version "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
	"\0\0\0\0" "\0\0\0\0" "\0\0\0\0" "\0\0\0" times "\0\0\0" kinds "\0\0\0\x04"
#define KINDS "\0\0\x0E\x10\0\0" "\0\0\x1C\x20\1\0" "A\0B\0"        /* one hour, two hours */
#define TIMES4 "\0\0\0\x64" "\0\0\0\xC8" "\1\0"
#define TIMES8 "\0\0\0\0\0\0\0\x64" "\0\0\0\0\0\0\0\xC8" "\1\0"
#define OLD HEAD("\0", "\2", "\2") TIMES4 KINDS
#define NEW HEAD("2", "\0", "\1") "\0\0\0\0\0\0" "A\0B\0" HEAD("2", "\2", "\2") TIMES8 KINDS

static void assert_east(slice file, int64_t at, int32_t east)
{
	struct when_zone zone;

	assert_true(when_zone_read(file, &zone));
	assert_int_equal(when_zone_at(&zone, at), east);
}

static void test_files(void **state)
{
	static const slice files[] = { slice_lit(OLD), slice_lit(NEW "\n\n"), slice_lit(NEW "\nXXX-3\n") };
	struct when_zone zone;

	for (size_t i = 0; i < 3; i++) {
		assert_east(files[i], INT64_MIN, HOUR);
		assert_east(files[i], 99, HOUR);
		assert_east(files[i], 100, 2 * HOUR);
		assert_east(files[i], 199, 2 * HOUR);
		assert_east(files[i], 200, i == 2 ? 3 * HOUR : HOUR);
		assert_east(files[i], INT64_MAX, i == 2 ? 3 * HOUR : HOUR);
		/* Each beginning of it, and each byte of it turned, is read or not: no more. */
		for (size_t n = 0; n < files[i].len; n++) {
			slice cut = guarded_copy(slice_head(files[i], n));

			if (when_zone_read(cut, &zone) && n < files[i].len - 2 && i != 2)
				fail_msg("file %zu, %zu bytes", i, n);
			guarded_free(cut);
		}
	}
	assert_false(when_zone_read(slice_lit("TZi"), &zone));
	assert_false(when_zone_read(slice_lit(HEAD("\0", "\0", "\0")), &zone));
	/* A kind that there is not; times that go back; a day too far. */
	assert_false(when_zone_read(slice_lit(HEAD("\0", "\1", "\1") "\0\0\0\x64" "\1"
	    "\0\0\0\0\0\0" "A\0B\0"), &zone));
	assert_false(when_zone_read(slice_lit(HEAD("\0", "\2", "\1") "\0\0\0\x64" "\0\0\0\x64" "\0\0"
	    "\0\0\0\0\0\0" "A\0B\0"), &zone));
	assert_false(when_zone_read(slice_lit(HEAD("\0", "\0", "\1") "\x7F\0\0\0\0\0" "A\0B\0"), &zone));
}

static void test_local(void **state)
{
	struct when_zone zone = { .rule.usual = 0 };

	assert_int_equal(when_zone_local(&zone, 1795305600), 0);
	assert_true(when_rule_read(slice_lit("CET-1CEST,M3.5.0,M10.5.0/3"), &zone.rule));
	/* 02:30 of the night in which it is not there, and of the one in which it comes twice. */
	assert_int_equal(when_zone_local(&zone, 1774749600 - 1800 - HOUR), HOUR);
	assert_int_equal(when_zone_local(&zone, 1774749600 + 2 * HOUR), 2 * HOUR);
	assert_int_equal(when_zone_local(&zone, 1792893600 - 2 * HOUR), 2 * HOUR);
	assert_int_equal(when_zone_local(&zone, 1792893600 + 3 * HOUR), HOUR);
}

/* ---- the machine's ---- */

static slice read_file(const char *name, unsigned char *bytes)
{
	char path[ZONE_NAME_MAX + 32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, bytes, ZONE_FILE_MAX) : 0;
	if (fd >= 0)
		close(fd);
	return slice_of(bytes, n > 0 ? (size_t)n : 0);
}

/* What libc says of the same zone. */
static void assert_as_libc(const char *name, const struct when_zone *zone)
{
	setenv("TZ", name, 1);
	tzset();
	for (time_t t = -2200000000; t < 4200000000; t += 400009) {
		struct tm tm;

		localtime_r(&t, &tm);
		if (when_zone_at(zone, t) != tm.tm_gmtoff)
			fail_msg("%s at %lld: %d, not %ld", name, (long long)t, when_zone_at(zone, t),
			    tm.tm_gmtoff);
	}
	unsetenv("TZ");
	tzset();
}

static void test_machine(void **state)
{
	static const char *const names[] = { "Europe/Berlin", "Europe/Dublin", "America/New_York",
		"America/Nuuk", "America/Sao_Paulo", "Asia/Kathmandu", "Asia/Gaza", "Africa/Casablanca",
		"Australia/Lord_Howe", "Pacific/Apia", "Antarctica/Troll", "Etc/GMT+12", "UTC" };
	static unsigned char bytes[ZONE_FILE_MAX];
	size_t n = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		slice file = read_file(names[i], bytes);
		struct when_zone zone;

		if (file.len == 0)
			continue;
		assert_true(when_zone_read(file, &zone));
		assert_as_libc(names[i], &zone);
		n++;
	}
	if (n == 0)
		skip();                 /* no tzdata */
}

UNIT_TESTS(cmocka_unit_test(test_names), cmocka_unit_test(test_rules), cmocka_unit_test(test_files),
    cmocka_unit_test(test_local), cmocka_unit_test(test_machine))
