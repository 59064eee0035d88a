/* mail/utf8.c - well-formed UTF-8: the table of RFC 3629 section 4. */
#include "mail/utf8.h"

#include <stdint.h>
#include <string.h>

/* First octet first..last: the second must be in low..high, others 80..BF. */
static const struct {
	unsigned char first, last, low, high;
	unsigned char len;
} rows[] = {
	{ 0x00, 0x7F, 0x00, 0x00, 1 },
	{ 0xC2, 0xDF, 0x80, 0xBF, 2 },
	{ 0xE0, 0xE0, 0xA0, 0xBF, 3 },
	{ 0xE1, 0xEC, 0x80, 0xBF, 3 },
	{ 0xED, 0xED, 0x80, 0x9F, 3 },
	{ 0xEE, 0xEF, 0x80, 0xBF, 3 },
	{ 0xF0, 0xF0, 0x90, 0xBF, 4 },
	{ 0xF1, 0xF3, 0x80, 0xBF, 4 },
	{ 0xF4, 0xF4, 0x80, 0x8F, 4 },
};

size_t utf8_length(slice s)
{
	size_t i;

	if (s.len == 0)
		return 0;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (s.ptr[0] >= rows[i].first && s.ptr[0] <= rows[i].last)
			break;
	}
	if (i == sizeof rows / sizeof rows[0] || s.len < rows[i].len)
		return 0;
	if (rows[i].len > 1 && (s.ptr[1] < rows[i].low || s.ptr[1] > rows[i].high))
		return 0;
	for (size_t k = 2; k < rows[i].len; k++) {
		if ((s.ptr[k] & 0xC0) != 0x80)
			return 0;
	}
	return rows[i].len;
}

/* Mostly all of it, so eight at a time. */
static size_t ascii_run(slice s)
{
	size_t n = 0;
	uint64_t eight;

	for (; n + sizeof eight <= s.len; n += sizeof eight) {
		memcpy(&eight, s.ptr + n, sizeof eight);
		if (eight & 0x8080808080808080)
			break;
	}
	while (n < s.len && s.ptr[n] < 0x80)
		n++;
	return n;
}

size_t utf8_run(slice s)
{
	size_t at = ascii_run(s), n;

	while ((n = utf8_length(slice_drop(s, at))) > 0) {
		at += n;
		at += ascii_run(slice_drop(s, at));
	}
	return at;
}

bool utf8_valid(slice s)
{
	return utf8_run(s) == s.len;
}
