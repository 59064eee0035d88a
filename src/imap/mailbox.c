/* imap/mailbox.c - "Entw&APw-rfe" is "Entwürfe". */
#include "imap/mailbox.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "mail/utf8.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* ---- modified UTF-7 to UTF-8 ---- */

static int digit_value(unsigned char c)
{
	size_t i = slice_find_byte(slice_lit(digits), c);

	return i < sizeof digits - 1 ? (int)i : -1;
}

static size_t put_utf8(uint32_t c, unsigned char out[4])
{
	if (c < 0x80) {
		out[0] = (unsigned char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (unsigned char)(0xc0 | c >> 6);
		out[1] = (unsigned char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (unsigned char)(0xe0 | c >> 12);
		out[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (unsigned char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (unsigned char)(0xf0 | c >> 18);
	out[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (unsigned char)(0x80 | (c & 0x3f));
	return 4;
}

/* A unit of UTF-16 behind what came; *high is the half of a pair that waits, or 0. False: it
 * does not go there, or is better written as itself. */
static bool take_unit(uint32_t unit, uint32_t *high, struct buffer *out)
{
	unsigned char text[4];
	uint32_t c = unit;

	if (unit >= 0xdc00 && unit < 0xe000) {
		if (*high == 0)
			return false;
		c = 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00);
		*high = 0;
	} else if (*high != 0) {
		return false;
	} else if (unit >= 0xd800 && unit < 0xdc00) {
		*high = unit;
		return true;
	} else if (unit >= ' ' && unit <= '~') {
		return false;
	}
	return buffer_append(out, slice_of(text, put_utf8(c, text)));
}

/* What stands between "&" and "-". */
static bool take_shifted(slice in, struct buffer *out)
{
	uint32_t bits = 0, high = 0;
	unsigned n = 0;

	for (size_t i = 0; i < in.len; i++) {
		int value = digit_value(in.ptr[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		n += 6;
		if (n < 16)
			continue;
		n -= 16;
		if (!take_unit(bits >> n & 0xffff, &high, out))
			return false;
		bits &= (1u << n) - 1;
	}
	/* What is left is less than a digit, and 0. */
	return high == 0 && n < 6 && bits == 0;
}

static bool read_utf7(slice text, struct buffer *out)
{
	bool shifted = false;

	while (text.len > 0) {
		slice one = slice_head(text, 1);

		text = slice_drop(text, 1);
		if (one.ptr[0] != '&') {
			if (one.ptr[0] < ' ' || one.ptr[0] > '~' || !buffer_append(out, one))
				return false;
			shifted = false;
			continue;
		}
		if (slice_find_byte(text, '-') == text.len)
			return false;
		one = slice_cut(&text, '-');
		if (one.len == 0) {
			shifted = false;
			if (!buffer_append(out, slice_lit("&")))
				return false;
			continue;
		}
		/* Two beside each other should have been one. */
		if (shifted || !take_shifted(one, out))
			return false;
		shifted = true;
	}
	return true;
}

bool imap_utf7_read(slice text, struct buffer *out)
{
	size_t before = buffer_bytes(out).len;

	if (read_utf7(text, out))
		return true;
	buffer_truncate(out, before);
	return false;
}

/* ---- UTF-8 to modified UTF-7 ---- */

struct shift {
	struct buffer *out;
	uint32_t bits;
	unsigned n;
	bool on, full;
};

static void put(struct shift *s, unsigned char c)
{
	s->full = s->full || !buffer_append(s->out, slice_of(&c, 1));
}

static void put_unit(struct shift *s, uint32_t unit)
{
	if (!s->on)
		put(s, '&');
	s->on = true;
	s->bits = s->bits << 16 | unit;
	for (s->n += 16; s->n >= 6; s->n -= 6)
		put(s, (unsigned char)digits[s->bits >> (s->n - 6) & 0x3f]);
	s->bits &= (1u << s->n) - 1;
}

static void shift_back(struct shift *s)
{
	if (!s->on)
		return;
	if (s->n > 0)
		put(s, (unsigned char)digits[s->bits << (6 - s->n) & 0x3f]);
	put(s, '-');
	s->on = false;
	s->bits = s->n = 0;
}

static uint32_t character_of(slice one)
{
	static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = one.ptr[0] & masks[one.len];

	for (size_t i = 1; i < one.len; i++)
		c = c << 6 | (one.ptr[i] & 0x3f);
	return c;
}

bool imap_utf7_write(slice name, struct buffer *out)
{
	struct shift s = { .out = out };

	while (name.len > 0) {
		size_t n = utf8_length(name);
		uint32_t c;

		check(n > 0);
		c = character_of(slice_head(name, n));
		name = slice_drop(name, n);
		if (c >= ' ' && c <= '~') {
			shift_back(&s);
			put(&s, (unsigned char)c);
			if (c == '&')
				put(&s, '-');
		} else if (c < 0x10000) {
			put_unit(&s, c);
		} else {
			put_unit(&s, 0xd800 + ((c - 0x10000) >> 10));
			put_unit(&s, 0xdc00 + ((c - 0x10000) & 0x3ff));
		}
	}
	shift_back(&s);
	return !s.full;
}

/* ---- names ---- */

static bool is_forbidden(slice one)
{
	uint32_t c = character_of(one);

	return c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

enum imap_name_result imap_name_judge(slice name)
{
	unsigned levels = 1;
	size_t level = 0;

	if (name.len > IMAP_NAME_MAX)
		return IMAP_NAME_LONG;
	while (name.len > 0) {
		size_t n = utf8_length(name);

		if (n == 0 || is_forbidden(slice_head(name, n)))
			return IMAP_NAME_CHARACTER;
		if (name.ptr[0] == IMAP_DELIMITER) {
			if (level == 0)
				return IMAP_NAME_EMPTY;
			level = 0;
			levels++;
		} else {
			level += n;
		}
		name = slice_drop(name, n);
	}
	if (level == 0)
		return IMAP_NAME_EMPTY;
	return levels > IMAP_LEVELS_MAX ? IMAP_NAME_LONG : IMAP_NAME_OK;
}

bool imap_name_is_inbox(slice name)
{
	return slice_equal_ascii(name, slice_lit("INBOX"));
}

enum { INBOX_LEN = 5 };

bool imap_name_in_inbox(slice name)
{
	return imap_name_is_inbox(slice_head(name, slice_find_byte(name, IMAP_DELIMITER)));
}

bool imap_name_same(slice a, slice b)
{
	return slice_equal(a, b) || (imap_name_in_inbox(a) && imap_name_in_inbox(b) &&
	    slice_equal(slice_drop(a, INBOX_LEN), slice_drop(b, INBOX_LEN)));
}

slice imap_name_spelt(slice name, unsigned char room[IMAP_NAME_MAX])
{
	if (name.len > IMAP_NAME_MAX || !imap_name_in_inbox(name))
		return name;
	memcpy(room, name.ptr, name.len);
	memcpy(room, "INBOX", INBOX_LEN);
	return slice_of(room, name.len);
}

static bool is_wildcard(unsigned char c)
{
	return c == '*' || c == '%';
}

/* What fits nothing at all fits in front of what comes. */
static void skip_wildcards(slice pattern, bool *fits)
{
	for (size_t p = 0; p < pattern.len; p++) {
		if (fits[p] && is_wildcard(pattern.ptr[p]))
			fits[p + 1] = true;
	}
}

bool imap_name_fits(slice name, slice pattern)
{
	/* fits[p]: the name so far fits the first p octets of the pattern. */
	bool fits[IMAP_PATTERN_MAX + 1] = { true };
	size_t any_case = imap_name_in_inbox(name) ? INBOX_LEN : 0;

	check(pattern.len <= IMAP_PATTERN_MAX);
	skip_wildcards(pattern, fits);
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = name.ptr[i];

		for (size_t p = pattern.len + 1; p-- > 0;) {
			unsigned char before = p > 0 ? pattern.ptr[p - 1] : 0;
			bool one = p > 0 && fits[p - 1] && !is_wildcard(before) && (before == c ||
			    (i < any_case && ascii_lower(before) == ascii_lower(c)));
			/* A wildcard that is begun takes one more. */
			bool more = p > 0 && fits[p] && (before == '*' || (before == '%' && c != IMAP_DELIMITER));

			fits[p] = one || more;
		}
		skip_wildcards(pattern, fits);
	}
	return fits[pattern.len];
}
