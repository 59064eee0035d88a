/* mail/date.c - printing and reading dates, without libc's idea of time zones. */
#include "mail/date.h"

#include <stdio.h>

#include "base/check.h"
#include "mail/cfws.h"

enum { DAY_SECONDS = 24 * 60 * 60 };

static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
    "Sep", "Oct", "Nov", "Dec" };

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

unsigned date_month_days(int64_t year, unsigned month)
{
	static const unsigned char lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return lengths[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01 to the first of January of a year from 1 on. */
static int64_t days_to_year(int64_t year)
{
	int64_t y = year - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

int64_t date_days(int64_t year, unsigned month, unsigned day)
{
	int64_t n = days_to_year(year) + day - 1;

	for (unsigned m = 1; m < month; m++)
		n += date_month_days(year, m);
	return n;
}

size_t date_print(int64_t wall_us, char ret_text[DATE_TEXT])
{
	int64_t seconds = wall_us / 1000000 - (wall_us % 1000000 < 0);
	int64_t day = seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
	int64_t rest = seconds - day * DAY_SECONDS, year = 1970 + day / 366;
	unsigned month = 1, weekday = (unsigned)(((day + 4) % 7 + 7) % 7);
	int n;

	while (days_to_year(year + 1) <= day)
		year++;
	while (days_to_year(year) > day)
		year--;
	check(year >= 1900 && year <= 9999);
	day -= days_to_year(year);
	while (day >= date_month_days(year, month))
		day -= date_month_days(year, month++);
	n = snprintf(ret_text, DATE_TEXT, "%s, %u %s %u %02u:%02u:%02u +0000", days[weekday],
	    (unsigned)day + 1, months[month - 1], (unsigned)year, (unsigned)(rest / 3600),
	    (unsigned)(rest / 60 % 60), (unsigned)(rest % 60));
	check(n > 0 && n < DATE_TEXT);
	return (size_t)n;
}

static bool take_digits(slice *in, size_t min, size_t max, unsigned *ret)
{
	unsigned value = 0;
	size_t n = 0;

	while (n < in->len && in->ptr[n] >= '0' && in->ptr[n] <= '9') {
		if (++n > max)
			return false;
		value = value * 10 + (unsigned)(in->ptr[n - 1] - '0');
	}
	if (n < min)
		return false;
	*ret = value;
	*in = slice_drop(*in, n);
	return true;
}

/* A word of letters; empty when there is none. */
static slice take_letters(slice *in)
{
	size_t n = 0;
	slice word;

	while (n < in->len && ascii_lower(in->ptr[n]) >= 'a' && ascii_lower(in->ptr[n]) <= 'z')
		n++;
	word = slice_head(*in, n);
	*in = slice_drop(*in, n);
	return word;
}

/* 1..n, or 0: the table's word that `word` is. */
static unsigned find_word(slice word, const char (*table)[4], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (slice_equal_ascii(word, slice_of(table[i], 3)))
			return i + 1;
	}
	return 0;
}

/* [ day-name "," ] day month year */
static bool take_date(slice *in, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	size_t before;
	unsigned year;
	slice name;

	if (!cfws_skip(in))
		return false;
	name = take_letters(in);
	if (name.len > 0) {
		if (find_word(name, days, 7) == 0 || !cfws_skip(in))
			return false;
		if (in->len > 0 && in->ptr[0] == ',')
			*in = slice_drop(*in, 1);
	}
	if (!cfws_skip(in) || !take_digits(in, 1, 2, ret_day) || !cfws_skip(in))
		return false;
	*ret_month = find_word(take_letters(in), months, 12);
	if (*ret_month == 0 || !cfws_skip(in))
		return false;
	before = in->len;
	if (!take_digits(in, 2, 4, &year))
		return false;
	/* RFC 5322 s4.3: two digits are 1950 to 2049, three count from 1900. */
	if (before - in->len < 4)
		year += before - in->len == 2 && year < 50 ? 2000 : 1900;
	*ret_year = year;
	return year >= 1900 && *ret_day >= 1 && *ret_day <= date_month_days(year, *ret_month);
}

/* ":" and two digits; false, *in unmoved, when there is no colon. */
static bool take_colon_number(slice *in, unsigned *ret)
{
	slice at = *in;

	if (!cfws_skip(&at) || at.len == 0 || at.ptr[0] != ':')
		return false;
	at = slice_drop(at, 1);
	if (!cfws_skip(&at) || !take_digits(&at, 2, 2, ret))
		return false;
	*in = at;
	return true;
}

/* hour ":" minute [ ":" second ] */
static bool take_time(slice *in, unsigned *ret_seconds)
{
	unsigned hour, minute, second = 0;

	if (!cfws_skip(in) || !take_digits(in, 1, 2, &hour) || !take_colon_number(in, &minute))
		return false;
	take_colon_number(in, &second);
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	*ret_seconds = hour * 3600 + minute * 60 + second;
	return true;
}

/* zone = (FWS ( "+" / "-" ) 4DIGIT) / obs-zone; nothing at all counts as UTC. */
static bool take_zone(slice *in, int *ret_minutes)
{
	static const struct {
		char name[4];
		int hours;
	} named[] = {
		{ "EST", -5 }, { "EDT", -4 }, { "CST", -6 }, { "CDT", -5 },
		{ "MST", -7 }, { "MDT", -6 }, { "PST", -8 }, { "PDT", -7 },
	};
	unsigned value;
	slice name;
	int sign;

	if (!cfws_skip(in))
		return false;
	*ret_minutes = 0;
	if (in->len > 0 && (in->ptr[0] == '+' || in->ptr[0] == '-')) {
		sign = in->ptr[0] == '-' ? -1 : 1;
		*in = slice_drop(*in, 1);
		if (!take_digits(in, 4, 4, &value) || value % 100 > 59)
			return false;
		*ret_minutes = sign * (int)(value / 100 * 60 + value % 100);
		return true;
	}
	name = take_letters(in);
	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
		if (slice_equal_ascii(name, slice_of(named[i].name, 3)))
			*ret_minutes = named[i].hours * 60;
	}
	return true;
}

bool date_parse(slice text, struct date *ret)
{
	unsigned month, day, seconds;
	int64_t year;
	int zone;

	if (!take_date(&text, &year, &month, &day) || !take_time(&text, &seconds) ||
	    !take_zone(&text, &zone) || !cfws_skip(&text) || text.len > 0)
		return false;
	ret->seconds = date_days(year, month, day) * DAY_SECONDS + seconds - zone * 60;
	ret->zone_minutes = zone;
	return true;
}
