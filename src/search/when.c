/* search/when.c - dates by their shape: three numbers, or two and the name of a month. */
#include "search/when.h"

#include "mail/date.h"

struct moment {
	unsigned year, month, day, hour, minute, second, us;
	bool zoned;
	int zone_minutes;
};

/* ---- pieces; each moves *in only when it is there ---- */

static bool take_number(slice *in, size_t min, size_t max, unsigned *ret)
{
	unsigned value = 0;
	size_t n = 0;

	while (n < in->len && n <= max && in->ptr[n] >= '0' && in->ptr[n] <= '9')
		value = value * 10 + (unsigned)(in->ptr[n++] - '0');
	if (n < min || n > max)
		return false;
	*ret = value;
	*in = slice_drop(*in, n);
	return true;
}

static bool take_char(slice *in, unsigned char c)
{
	if (in->len == 0 || in->ptr[0] != c)
		return false;
	*in = slice_drop(*in, 1);
	return true;
}

static void skip_spaces(slice *in)
{
	while (take_char(in, ' '))
		;
}

static bool take_month(slice *in, unsigned *ret)
{
	static const char *const names[12] = { "january", "february", "march", "april", "may",
		"june", "july", "august", "september", "october", "november", "december" };
	size_t n = 0;

	while (n < in->len && ascii_lower(in->ptr[n]) >= 'a' && ascii_lower(in->ptr[n]) <= 'z')
		n++;
	for (unsigned i = 0; i < 12 && n >= 3; i++) {
		slice name = slice_from(names[i]);

		if (n > name.len || !slice_equal_ascii(slice_head(*in, n), slice_head(name, n)) ||
		    (n != 3 && n != name.len && !(i == 8 && n == 4)))
			continue;
		*ret = i + 1;
		*in = slice_drop(*in, n);
		(void)take_char(in, '.');
		return true;
	}
	return false;
}

/* ---- dates ---- */

/* 2026-11-22, 2026/11/22, 2026-11, 2026 */
static bool take_year_first(slice *in, struct moment *m)
{
	slice at = *in;
	unsigned char mark;

	if (!take_number(&at, 4, 4, &m->year))
		return false;
	m->month = m->day = 1;
	mark = at.len > 0 ? at.ptr[0] : 0;
	if (mark == '-' || mark == '/' || mark == '.') {
		at = slice_drop(at, 1);
		if (!take_number(&at, 1, 2, &m->month))
			return false;
		if (take_char(&at, mark) && !take_number(&at, 1, 2, &m->day))
			return false;
	}
	*in = at;
	return true;
}

/* 20261122 */
static bool take_compact(slice *in, struct moment *m)
{
	slice at = *in;
	unsigned number;

	if (!take_number(&at, 8, 8, &number))
		return false;
	m->year = number / 10000;
	m->month = number / 100 % 100;
	m->day = number % 100;
	*in = at;
	return true;
}

/* 11/22/2026 */
static bool take_month_first(slice *in, struct moment *m)
{
	slice at = *in;

	if (!take_number(&at, 1, 2, &m->month) || !take_char(&at, '/') ||
	    !take_number(&at, 1, 2, &m->day) || !take_char(&at, '/') ||
	    !take_number(&at, 4, 4, &m->year))
		return false;
	*in = at;
	return true;
}

/* 22 Nov 2026, 22-Nov-2026; 22.11.2026 */
static bool take_day_first(slice *in, struct moment *m)
{
	slice at = *in;
	bool dots;

	if (!take_number(&at, 1, 2, &m->day))
		return false;
	dots = take_char(&at, '.');
	if (!dots && !take_char(&at, '-'))
		skip_spaces(&at);
	skip_spaces(&at);
	if (!take_month(&at, &m->month) && !(dots && take_number(&at, 1, 2, &m->month) &&
	    take_char(&at, '.')))
		return false;
	if (!take_char(&at, '-'))
		(void)take_char(&at, ',');
	skip_spaces(&at);
	if (!take_number(&at, 4, 4, &m->year))
		return false;
	*in = at;
	return true;
}

/* Nov 22, 2026 */
static bool take_name_first(slice *in, struct moment *m)
{
	slice at = *in;

	if (!take_month(&at, &m->month))
		return false;
	skip_spaces(&at);
	if (!take_number(&at, 1, 2, &m->day))
		return false;
	(void)take_char(&at, ',');
	skip_spaces(&at);
	if (!take_number(&at, 4, 4, &m->year))
		return false;
	*in = at;
	return true;
}

/* ---- times ---- */

static bool take_fraction(slice *in, unsigned *ret_us)
{
	unsigned us = 0, unit = 100000;
	size_t n = 0;

	for (; n < in->len && in->ptr[n] >= '0' && in->ptr[n] <= '9'; n++) {
		us += (unsigned)(in->ptr[n] - '0') * unit;
		unit /= 10;
	}
	*in = slice_drop(*in, n);
	*ret_us = us;
	return n > 0;
}

/* AM and PM too. */
static bool take_half(slice *in, unsigned *hour)
{
	slice at = *in;
	bool pm;

	skip_spaces(&at);
	pm = slice_starts_ascii(at, slice_lit("pm"));
	if (!pm && !slice_starts_ascii(at, slice_lit("am")))
		return true;
	if (*hour < 1 || *hour > 12)
		return false;
	*hour = *hour % 12 + (pm ? 12 : 0);
	*in = slice_drop(at, 2);
	return true;
}

static bool take_time(slice *in, struct moment *m)
{
	if (!take_number(in, 1, 2, &m->hour) || !take_char(in, ':') ||
	    !take_number(in, 2, 2, &m->minute))
		return false;
	if (take_char(in, ':')) {
		if (!take_number(in, 2, 2, &m->second))
			return false;
		if (take_char(in, '.') && !take_fraction(in, &m->us))
			return false;
	}
	return take_half(in, &m->hour);
}

/* Two digits, whatever follows. */
static bool take_pair(slice *in, unsigned *ret)
{
	slice pair = slice_head(*in, in->len < 2 ? in->len : 2);

	if (!take_number(&pair, 2, 2, ret))
		return false;
	*in = slice_drop(*in, 2);
	return true;
}

static bool take_zone(slice *in, struct moment *m)
{
	unsigned hours, minutes = 0;
	bool west;

	if (in->len == 0)
		return true;
	m->zoned = true;
	if (slice_equal_ascii(*in, slice_lit("z")) || slice_equal_ascii(*in, slice_lit("utc")) ||
	    slice_equal_ascii(*in, slice_lit("gmt"))) {
		m->zone_minutes = 0;
		*in = slice_drop(*in, in->len);
		return true;
	}
	west = in->ptr[0] == '-';
	if (!west && in->ptr[0] != '+')
		return false;
	*in = slice_drop(*in, 1);
	if (!take_pair(in, &hours))
		return false;
	if ((take_char(in, ':') || in->len > 0) && !take_pair(in, &minutes))
		return false;
	if (hours > 15 || minutes > 59)
		return false;
	m->zone_minutes = (int)(hours * 60 + minutes) * (west ? -1 : 1);
	return true;
}

/* ---- the whole ---- */

/* 24:00 is the end of a day (ISO 8601), and nothing comes after it; 60 is a leap second. */
static bool is_sound(const struct moment *m)
{
	return m->year >= 1 && m->month >= 1 && m->month <= 12 && m->day >= 1 &&
	    m->day <= date_month_days(m->year, m->month) && m->minute <= 59 && m->second <= 60 &&
	    (m->hour <= 23 || (m->hour == 24 && m->minute == 0 && m->second == 0 && m->us == 0));
}

static bool is_epoch(slice text, int64_t *ret_wall_us)
{
	uint64_t number;

	if ((text.len != 10 && text.len != 13) || !slice_to_u64(text, INT64_MAX / 1000000, &number))
		return false;
	*ret_wall_us = (int64_t)number * (text.len == 10 ? 1000000 : 1000);
	return true;
}

bool when_parse(slice text, const struct when_zone *zone, int64_t *ret_wall_us)
{
	struct moment m = { .zoned = false };
	slice in = slice_trim(text);
	struct date date;
	int64_t seconds;

	if (is_epoch(in, ret_wall_us))
		return true;
	if (!take_compact(&in, &m) && !take_year_first(&in, &m) && !take_month_first(&in, &m) &&
	    !take_day_first(&in, &m) && !take_name_first(&in, &m)) {
		if (!date_parse(text, &date))
			return false;
		*ret_wall_us = date.seconds * 1000000;
		return true;
	}
	if (take_char(&in, 'T') || take_char(&in, 't') || take_char(&in, ' ')) {
		skip_spaces(&in);
		if (!take_time(&in, &m))
			return false;
		skip_spaces(&in);
	}
	if (!take_zone(&in, &m) || in.len > 0 || !is_sound(&m))
		return false;
	seconds = ((date_days(m.year, m.month, m.day) * 24 + m.hour) * 60 + m.minute) * 60 + m.second;
	seconds -= m.zoned ? m.zone_minutes * 60 : when_zone_local(zone, seconds);
	*ret_wall_us = seconds * 1000000 + m.us;
	return true;
}
