/* search/when_rule.c - TZ as POSIX has it, with the names that stand in <> and the hours beyond
 * a day of RFC 8536 s3.3.1.
 *
 *   name offset [name [offset] ["," day ["/" time] "," day ["/" time]]]
 *
 * Its offsets count to the west. */
#include "search/when_zone.h"

#include "mail/date.h"

enum { HOUR = 3600, DAY = 24 * HOUR, HOURS_MAX = 167 };

static bool take_char(slice *in, unsigned char c)
{
	if (in->len == 0 || in->ptr[0] != c)
		return false;
	*in = slice_drop(*in, 1);
	return true;
}

static bool take_number(slice *in, unsigned min, unsigned max, unsigned *ret)
{
	unsigned value = 0;
	size_t n = 0;

	while (n < in->len && n < 4 && in->ptr[n] >= '0' && in->ptr[n] <= '9')
		value = value * 10 + (unsigned)(in->ptr[n++] - '0');
	if (n == 0 || value < min || value > max)
		return false;
	*in = slice_drop(*in, n);
	*ret = value;
	return true;
}

static bool take_name(slice *in)
{
	bool quoted = take_char(in, '<');
	size_t n = 0;

	for (; n < in->len; n++) {
		unsigned char c = ascii_lower(in->ptr[n]);

		if (!((c >= 'a' && c <= 'z') || (quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-'))))
			break;
	}
	*in = slice_drop(*in, n);
	return n >= 3 && (!quoted || take_char(in, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(slice *in, unsigned hours_max, int32_t *ret)
{
	unsigned hours, minutes = 0, seconds = 0;
	bool minus = take_char(in, '-');

	if (!minus)
		(void)take_char(in, '+');
	if (!take_number(in, 0, hours_max, &hours))
		return false;
	if (take_char(in, ':')) {
		if (!take_number(in, 0, 59, &minutes))
			return false;
		if (take_char(in, ':') && !take_number(in, 0, 59, &seconds))
			return false;
	}
	*ret = (int32_t)(hours * HOUR + minutes * 60 + seconds) * (minus ? -1 : 1);
	return true;
}

static bool take_day(slice *in, struct when_day *ret)
{
	struct when_day day = { .kind = WHEN_OF_YEAR, .second = 2 * HOUR };

	if (take_char(in, 'M')) {
		day.kind = WHEN_OF_WEEK;
		if (!take_number(in, 1, 12, &day.month) || !take_char(in, '.') ||
		    !take_number(in, 1, 5, &day.week) || !take_char(in, '.') ||
		    !take_number(in, 0, 6, &day.day))
			return false;
	} else if (take_char(in, 'J')) {
		day.kind = WHEN_WITHOUT_LEAP;
		if (!take_number(in, 1, 365, &day.day))
			return false;
	} else if (!take_number(in, 0, 365, &day.day)) {
		return false;
	}
	if (take_char(in, '/') && !take_time(in, HOURS_MAX, &day.second))
		return false;
	*ret = day;
	return true;
}

bool when_rule_read(slice text, struct when_rule *ret)
{
	struct when_rule rule = { .has_summer = false };

	if (!take_name(&text) || !take_time(&text, 24, &rule.usual))
		return false;
	rule.usual = -rule.usual;
	if (text.len > 0) {
		rule.has_summer = true;
		rule.summer = rule.usual + HOUR;
		if (!take_name(&text))
			return false;
		if (text.len > 0 && text.ptr[0] != ',') {
			if (!take_time(&text, 24, &rule.summer))
				return false;
			rule.summer = -rule.summer;
		}
		/* POSIX leaves open what holds without days; others take those of the USA. */
		if (text.len == 0)
			text = slice_lit(",M3.2.0,M11.1.0");
		if (!take_char(&text, ',') || !take_day(&text, &rule.begin) ||
		    !take_char(&text, ',') || !take_day(&text, &rule.end) || text.len > 0)
			return false;
	}
	*ret = rule;
	return true;
}

/* ---- what it says ---- */

static int64_t divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t year_of(int64_t day)
{
	int64_t year = 1970 + divide(day, day < 0 ? 365 : 366);         /* or a little later */

	while (date_days(year + 1, 1, 1) <= day)
		year++;
	return year;
}

/* Days since 1970. */
static int64_t day_of(const struct when_day *d, int64_t year)
{
	int64_t first = date_days(year, 1, 1), day;
	unsigned length;

	if (d->kind == WHEN_OF_YEAR)
		return first + d->day;
	if (d->kind == WHEN_WITHOUT_LEAP)
		return first + d->day - 1 + (d->day >= 60 && date_month_days(year, 2) == 29);
	first = date_days(year, d->month, 1);
	length = date_month_days(year, d->month);
	/* 1970 began on a Thursday. */
	day = first + (d->day + 7 * 600000 - (first + 4) % 7) % 7;
	day += 7 * (d->week - 1);
	return day >= first + length ? day - 7 : day;
}

int32_t when_rule_at(const struct when_rule *rule, int64_t seconds)
{
	static const int64_t far = (int64_t)9999 * 366 * DAY;
	int64_t year, begin, end;
	bool summer;

	/* Before the first year, and where numbers end, there was no such thing. */
	if (!rule->has_summer || seconds < -(int64_t)1900 * 365 * DAY || seconds > far)
		return rule->usual;
	year = year_of(divide(seconds + rule->usual, DAY));
	begin = day_of(&rule->begin, year) * DAY + rule->begin.second - rule->usual;
	end = day_of(&rule->end, year) * DAY + rule->end.second - rule->summer;
	summer = begin < end ? seconds >= begin && seconds < end : !(seconds >= end && seconds < begin);
	return summer ? rule->summer : rule->usual;
}
