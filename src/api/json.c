/* api/json.c - text escaped in pieces, commas where they belong. */
#include "api/json.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "mail/utf8.h"

static void put(struct api_json *j, slice text)
{
	j->full = j->full || !buffer_append(j->out, text);
}

struct api_json api_json_begin(struct buffer *out)
{
	return (struct api_json){ .out = out, .start = buffer_bytes(out).len };
}

bool api_json_end(struct api_json *j, bool line)
{
	if (line)
		put(j, slice_lit("\n"));
	if (j->full)
		buffer_truncate(j->out, j->start);
	return !j->full;
}

void api_json_open(struct api_json *j, char bracket)
{
	check(bracket == '{' || bracket == '[');
	if (j->comma)
		put(j, slice_lit(","));
	put(j, slice_of(&bracket, 1));
	j->comma = false;
}

void api_json_close(struct api_json *j, char bracket)
{
	check(bracket == '}' || bracket == ']');
	put(j, slice_of(&bracket, 1));
	j->comma = true;
}

/* ---- text ---- */

enum { ESCAPE_MAX = 6 };

/* How the character that text begins with is written, if not as it stands: its escape in
 * `ret`, else 0. *ret_n: how many bytes of text it is. */
static size_t escape(slice text, char ret[ESCAPE_MAX + 1], size_t *ret_n)
{
	static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	unsigned char c = text.ptr[0];

	*ret_n = 1;
	if (c >= 0x80) {
		*ret_n = utf8_length(text);
		if (*ret_n == 0) {
			*ret_n = 1;
			return (size_t)snprintf(ret, ESCAPE_MAX + 1, "\\ufffd");
		}
		if (*ret_n == 3 && c == 0xE2 && text.ptr[1] == 0x80 && (text.ptr[2] | 1) == 0xA9)
			return (size_t)snprintf(ret, ESCAPE_MAX + 1, "\\u202%d", text.ptr[2] & 1 ? 9 : 8);
		return 0;
	}
	for (size_t i = 0; i + 1 < sizeof short_forms; i += 2) {
		if (c == (unsigned char)short_forms[i])
			return (size_t)snprintf(ret, ESCAPE_MAX + 1, "\\%c", short_forms[i + 1]);
	}
	if (c < ' ' || c == '<' || c == '>' || c == '&')
		return (size_t)snprintf(ret, ESCAPE_MAX + 1, "\\u%04x", c);
	return 0;
}

/* ASCII that stands as it is. */
static bool is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static void put_string(struct api_json *j, slice text)
{
	size_t done = 0, at = 0;

	put(j, slice_lit("\""));
	while (at < text.len && !j->full) {
		char escaped[ESCAPE_MAX + 1];
		size_t n, length;

		if (is_plain(text.ptr[at])) {
			at++;
			continue;
		}
		length = escape(slice_drop(text, at), escaped, &n);
		if (length > 0) {
			put(j, slice_sub(text, done, at - done));
			put(j, slice_of(escaped, length));
			done = at + n;
		}
		at += n;
	}
	put(j, slice_sub(text, done, at - done));
	put(j, slice_lit("\""));
}

size_t api_json_length_max(size_t text_len)
{
	return ESCAPE_MAX * text_len + 2;
}

/* ---- members ---- */

void api_json_name_of(struct api_json *j, slice name)
{
	if (j->comma)
		put(j, slice_lit(","));
	put_string(j, name);
	put(j, slice_lit(":"));
	j->comma = false;
}

void api_json_name(struct api_json *j, const char *name)
{
	api_json_name_of(j, slice_from(name));
}

/* What comes before a value. */
static void lead(struct api_json *j, const char *name)
{
	if (name != NULL)
		api_json_name(j, name);
	else if (j->comma)
		put(j, slice_lit(","));
	j->comma = true;
}

void api_json_text(struct api_json *j, const char *name, slice value)
{
	lead(j, name);
	put_string(j, value);
}

void api_json_word(struct api_json *j, const char *name, const char *value)
{
	api_json_text(j, name, slice_from(value));
}

static void put_plain(struct api_json *j, const char *name, const char *value)
{
	lead(j, name);
	put(j, slice_from(value));
}

void api_json_number(struct api_json *j, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)value);
	put_plain(j, name, text);
}

void api_json_bool(struct api_json *j, const char *name, bool value)
{
	put_plain(j, name, value ? "true" : "false");
}

void api_json_null(struct api_json *j, const char *name)
{
	put_plain(j, name, "null");
}

/* ---- times ---- */

enum { SECONDS_A_DAY = 24 * 60 * 60, DATE_TIME_TEXT = 80 };

/* 0001-01-01 and the last second of 9999, in UTC. */
static const int64_t first_second = -62135596800, last_second = 253402300799;

/* The Gregorian date of a day since 1970, from 0001 on: by cycles of 400 years that begin
 * on the first of March. */
static void civil(int64_t day, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t shifted = day + 719468, era = shifted / 146097, of_era = shifted % 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;

	*ret_day = (int)(of_year - (153 * month + 2) / 5 + 1);
	*ret_month = (int)(month < 10 ? month + 3 : month - 9);
	*ret_year = (int)(year + era * 400 + (*ret_month <= 2));
}

/* "2026-11-22T06:15:54" */
static size_t print_time(int64_t seconds, char ret[DATE_TIME_TEXT])
{
	int64_t day, rest;
	int year, month, of_month;

	if (seconds < first_second)
		seconds = first_second;
	if (seconds > last_second)
		seconds = last_second;
	day = seconds / SECONDS_A_DAY - (seconds % SECONDS_A_DAY < 0);
	rest = seconds - day * SECONDS_A_DAY;
	civil(day, &year, &month, &of_month);
	return (size_t)snprintf(ret, DATE_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d", year, month,
	    of_month, (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}

void api_json_time(struct api_json *j, const char *name, int64_t wall_us)
{
	int64_t rest = wall_us % 1000000, seconds = wall_us / 1000000 - (rest < 0);
	char text[DATE_TIME_TEXT];
	size_t n = print_time(seconds, text);

	snprintf(text + n, sizeof text - n, ".%03dZ", (int)((rest < 0 ? rest + 1000000 : rest) / 1000));
	api_json_word(j, name, text);
}

void api_json_date(struct api_json *j, const char *name, int64_t seconds, int zone_minutes)
{
	char text[DATE_TIME_TEXT];
	int zone = zone_minutes < 0 ? -zone_minutes : zone_minutes;
	size_t n;

	/* RFC 3339 s5.6: hours of an offset are 00 to 23. */
	if (zone >= 24 * 60 || seconds < first_second || seconds > last_second)
		zone = zone_minutes = 0;
	n = print_time(seconds + zone_minutes * 60, text);
	if (zone == 0)
		snprintf(text + n, sizeof text - n, "Z");
	else
		snprintf(text + n, sizeof text - n, "%c%02d:%02d", zone_minutes < 0 ? '-' : '+', zone / 60,
		    zone % 60);
	api_json_word(j, name, text);
}
