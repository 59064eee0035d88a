/* mail/mbox_from.c - "From alice@example.org Thu Jan  1 00:00:00 2026", as ctime(3) writes times,
 * and with what others add or leave out: a zone, seconds, the day of the week. */
#include <stdio.h>
#include <time.h>

#include "mail/date.h"
#include "mail/mbox.h"

enum { WORDS_MAX = 16 };

static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
	"Oct", "Nov", "Dec" };
static const char *const weekdays[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

static size_t split(slice text, slice words[WORDS_MAX])
{
	size_t n = 0;

	while (text.len > 0 && n < WORDS_MAX) {
		slice word = slice_trim(slice_cut(&text, ' '));

		if (word.len > 0)
			words[n++] = word;
	}
	return n;
}

/* From 1; 0: it is none. "Thu," is one as well. */
static unsigned find_name(slice word, const char *const *names, unsigned n)
{
	if (slice_ends(word, slice_lit(",")))
		word.len--;
	for (unsigned i = 0; i < n; i++) {
		if (slice_equal_ascii(word, slice_from(names[i])))
			return i + 1;
	}
	return 0;
}

/* "00:00:00" or "00:00" */
static bool read_time(slice word, int64_t *ret_seconds)
{
	uint64_t hour, minute, second = 0;
	slice rest = word;

	if (!slice_to_u64(slice_cut(&rest, ':'), 23, &hour) ||
	    !slice_to_u64(slice_cut(&rest, ':'), 59, &minute) ||
	    (rest.len > 0 && !slice_to_u64(rest, 60, &second)))
		return false;
	*ret_seconds = (int64_t)(hour * 3600 + minute * 60 + second);
	return true;
}

/* "+0200": how far it is before UTC. */
static bool read_zone(slice word, int64_t *ret_seconds)
{
	uint64_t value;

	if (word.len != 5 || (word.ptr[0] != '+' && word.ptr[0] != '-') ||
	    !slice_to_u64(slice_drop(word, 1), 9959, &value))
		return false;
	*ret_seconds = (int64_t)(value / 100 * 3600 + value % 100 * 60);
	if (word.ptr[0] == '-')
		*ret_seconds = -*ret_seconds;
	return true;
}

static bool read_date(const slice *words, size_t n, int64_t *ret_seconds)
{
	uint64_t day = 0, year = 0, number;
	int64_t time = -1, zone = 0;
	unsigned month = 0;

	for (size_t i = 0; i < n; i++) {
		if (month == 0 && (month = find_name(words[i], months, 12)) != 0)
			continue;
		if (time < 0 && read_time(words[i], &time))
			continue;
		if (time >= 0 && zone == 0 && read_zone(words[i], &zone))
			continue;
		if (!slice_to_u64(words[i], 9999, &number))
			continue;
		if (words[i].len == 4 && year == 0)
			year = number;
		else if (words[i].len <= 2 && day == 0)
			day = number;
	}
	if (time < 0 || month == 0 || year < 1900 || day == 0 ||
	    day > date_month_days((int64_t)year, month))
		return false;
	*ret_seconds = 86400 * date_days((int64_t)year, month, (unsigned)day) + time - zone;
	return true;
}

struct mbox_from mbox_from_read(slice text)
{
	struct mbox_from from = { 0 };
	slice words[WORDS_MAX];
	size_t n = split(text, words), first;

	if (n == 0)
		return from;
	/* Without a sender the day of the week is first. */
	first = find_name(words[0], weekdays, 7) != 0 ? 0 : 1;
	if (first == 1)
		from.sender = words[0];
	from.dated = read_date(words + first, n - first, &from.seconds);
	return from;
}

void mbox_from_write(struct buffer *out, slice sender, int64_t seconds)
{
	time_t when = (time_t)seconds;
	bool fits = sender.len > 0 && sender.len < MBOX_FROM_MAX;
	struct tm tm;

	for (size_t i = 0; i < sender.len && fits; i++)
		fits = sender.ptr[i] > ' ' && sender.ptr[i] != 0x7f;
	if (!fits)
		sender = slice_lit("MAILER-DAEMON");
	if (gmtime_r(&when, &tm) == NULL || tm.tm_year < 0 || tm.tm_year > 9999 - 1900) {
		when = 0;
		gmtime_r(&when, &tm);
	}
	buffer_add(out, slice_lit("From "));
	buffer_add(out, sender);
	buffer_printf(out, " %s %s %2d %02d:%02d:%02d %d\n", weekdays[tm.tm_wday],
	    months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_year + 1900);
}
