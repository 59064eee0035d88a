/* mail/utf8.c - well-formed UTF-8: the table of RFC 3629 section 4. */
#include "mail/utf8.h"

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

bool utf8_valid(slice s)
{
	size_t at = 0;

	while (at < s.len) {
		size_t n = s.ptr[at] < 128 ? 1 : utf8_length(slice_drop(s, at));

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}
