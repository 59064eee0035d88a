/* imap/time.c - days, months, zones. */
#include "imap/time.h"

#include <stdio.h>

#include "mail/date.h"

enum { DAY = 24 * 60 * 60 };

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
	"Oct", "Nov", "Dec" };

static bool take_digits(slice *in, size_t n, unsigned *ret)
{
	uint64_t value;

	if (in->len < n || !slice_to_u64(slice_head(*in, n), 9999, &value))
		return false;
	*ret = (unsigned)value;
	*in = slice_drop(*in, n);
	return true;
}

static bool take_byte(slice *in, unsigned char c)
{
	if (in->len == 0 || in->ptr[0] != c)
		return false;
	*in = slice_drop(*in, 1);
	return true;
}

/* "-" date-month "-" date-year, behind the day. */
static bool take_month_and_year(slice *in, unsigned day, int64_t *ret_days)
{
	unsigned month = 0, year;

	if (!take_byte(in, '-') || in->len < 3)
		return false;
	while (month < 12 && !slice_equal_ascii(slice_head(*in, 3), slice_from(months[month])))
		month++;
	*in = slice_drop(*in, 3);
	if (month == 12 || !take_byte(in, '-') || !take_digits(in, 4, &year) || year == 0 ||
	    day == 0 || day > date_month_days(year, month + 1))
		return false;
	*ret_days = date_days(year, month + 1, day);
	return true;
}

bool imap_date_read(slice text, int64_t *ret_days)
{
	size_t n = slice_find_byte(text, '-');
	unsigned day;

	return n >= 1 && n <= 2 && take_digits(&text, n, &day) &&
	    take_month_and_year(&text, day, ret_days) && text.len == 0;
}

/* SP time SP zone */
static bool take_clock(slice *in, int64_t *ret_seconds)
{
	unsigned hour, minute, second, zone_hour, zone_minute;
	int64_t zone;
	bool west;

	if (!take_byte(in, ' ') || !take_digits(in, 2, &hour) || !take_byte(in, ':') ||
	    !take_digits(in, 2, &minute) || !take_byte(in, ':') || !take_digits(in, 2, &second) ||
	    !take_byte(in, ' '))
		return false;
	west = take_byte(in, '-');
	if ((!west && !take_byte(in, '+')) || !take_digits(in, 2, &zone_hour) ||
	    !take_digits(in, 2, &zone_minute))
		return false;
	/* 60: a leap second, which is told as the next one. */
	if (hour > 23 || minute > 59 || second > 60 || zone_minute > 59)
		return false;
	zone = (int64_t)(zone_hour * 60 + zone_minute) * (west ? -60 : 60);
	*ret_seconds = (int64_t)(hour * 60 + minute) * 60 + second - zone;
	return true;
}

bool imap_time_read(slice text, int64_t *ret_seconds)
{
	bool padded = take_byte(&text, ' ');
	size_t n = slice_find_byte(text, '-');
	int64_t days, seconds;
	unsigned day;

	/* date-day-fixed = (SP DIGIT) / 2DIGIT, but npm's imap writes DIGIT. */
	if (n < 1 || n > (padded ? 1 : 2) || !take_digits(&text, n, &day) ||
	    !take_month_and_year(&text, day, &days) || !take_clock(&text, &seconds) || text.len > 0)
		return false;
	*ret_seconds = days * DAY + seconds;
	return true;
}

/* The civil date of a day: the year and month that begin last before it. */
static void civil_of(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	int64_t year = 1970 + days / 366;

	year = year < 1 ? 1 : year;
	while (year > 1 && date_days(year, 1, 1) > days)
		year--;
	while (year < 9999 && date_days(year + 1, 1, 1) <= days)
		year++;
	*ret_month = 1;
	while (*ret_month < 12 && date_days(year, *ret_month + 1, 1) <= days)
		(*ret_month)++;
	*ret_year = year;
	*ret_day = (unsigned)(days - date_days(year, *ret_month, 1)) + 1;
}

void imap_time_print(int64_t seconds, char ret_text[IMAP_TIME_TEXT])
{
	int64_t first = date_days(1, 1, 1) * DAY, last = (date_days(9999, 12, 31) + 1) * DAY - 1;
	int64_t days, year;
	unsigned month, day, of_day;

	seconds = seconds < first ? first : seconds > last ? last : seconds;
	days = seconds / DAY - (seconds % DAY < 0);
	of_day = (unsigned)(seconds - days * DAY);
	civil_of(days, &year, &month, &day);
	snprintf(ret_text, IMAP_TIME_TEXT, "%2u-%s-%04u %02u:%02u:%02u +0000", day,
	    months[month - 1], (unsigned)year, of_day / 3600, of_day / 60 % 60, of_day % 60);
}
