/* mail/content_decode.c - base64 and quoted-printable, as they come. */
#include "mail/content_decode.h"

#include <string.h>

#include "mail/base64.h"

struct decoded {
	unsigned char *out;
	size_t size, n;
};

static void put(struct decoded *d, unsigned char c)
{
	if (d->n < d->size)
		d->out[d->n] = c;
	d->n++;
}

/* The first n digits, 2 to 4, of a group. */
static void put_group(struct decoded *d, uint32_t group, unsigned n)
{
	group <<= 6 * (4 - n);
	for (unsigned i = 0; i + 1 < n; i++)
		put(d, (unsigned char)(group >> (16 - 8 * i)));
}

/* Whole groups off the front, as many as there are without anything between them. */
static size_t take_groups(struct decoded *d, const unsigned char *text, size_t len)
{
	const unsigned char *v = base64_values;
	size_t i = 0;

	for (; len - i >= 4; i += 4) {
		const unsigned char *t = text + i;
		uint32_t group;

		if (v[t[0]] == 0 || v[t[1]] == 0 || v[t[2]] == 0 || v[t[3]] == 0)
			break;
		group = (v[t[0]] - 1u) << 18 | (v[t[1]] - 1u) << 12 | (v[t[2]] - 1u) << 6 | (v[t[3]] - 1u);
		if (d->size > d->n)
			put_group(d, group, 4);
		else
			d->n += 3;
	}
	return i;
}

static bool decode_base64(struct decoded *d, slice text)
{
	bool good = true, padded = false;
	uint32_t group = 0;
	unsigned n = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c;
		unsigned value;

		if (n == 0 && !padded)
			i += take_groups(d, text.ptr + i, text.len - i);
		if (i == text.len)
			break;
		c = text.ptr[i];
		value = base64_digit(c);
		if (value < 64) {
			good = good && !padded;
			group = group << 6 | value;
			if (++n == 4) {
				put_group(d, group, n);
				n = 0;
			}
		} else if (c == '=') {
			good = good && (n >= 2 || padded);
			if (n >= 2)
				put_group(d, group, n);
			padded = padded || n >= 2;
			n = 0;
		} else {
			good = good && (c == '\r' || c == '\n' || c == ' ' || c == '\t');
		}
	}
	if (n >= 2)
		put_group(d, group, n);
	return good && n == 0;
}

unsigned hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 16;
}

/* The octet that "=XX" at i means. */
static bool take_hex(slice text, size_t i, unsigned char *ret)
{
	unsigned high, low;

	if (text.len - i < 3)
		return false;
	high = hex_value(text.ptr[i + 1]);
	low = hex_value(text.ptr[i + 2]);
	if (high > 15 || low > 15)
		return false;
	*ret = (unsigned char)(high << 4 | low);
	return true;
}

/* Length of the soft line break at i: "=", blanks, line end; 0: it is none. */
static size_t soft_break(slice text, size_t i)
{
	size_t at = i + 1;

	while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\t'))
		at++;
	if (at == text.len)
		return at - i;
	if (text.ptr[at] == '\r' && at + 1 < text.len)
		at++;
	return text.ptr[at] == '\n' ? at + 1 - i : 0;
}

static bool ends_line(slice text, size_t i)
{
	return text.ptr[i] == '\n' ||
	    (text.ptr[i] == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n');
}

static bool decode_quoted(struct decoded *d, slice text)
{
	size_t solid = 0, i = 0, skip;  /* solid: what came out, without blanks at the end */
	bool good = true;

	while (i < text.len) {
		unsigned char c = text.ptr[i];

		if (c == '=' && take_hex(text, i, &c)) {
			put(d, c);
			solid = d->n;
			i += 3;
			continue;
		}
		if (c == '=' && (skip = soft_break(text, i)) > 0) {
			solid = d->n;
			i += skip;
			continue;
		}
		good = good && text.ptr[i] != '=' && text.ptr[i] < 127;
		if (ends_line(text, i))
			d->n = solid;
		put(d, text.ptr[i]);
		if (text.ptr[i] != ' ' && text.ptr[i] != '\t')
			solid = d->n;
		i++;
	}
	d->n = solid;
	return good;
}

size_t content_decode(enum content_encoding encoding, slice text, unsigned char *out,
    size_t size, bool *ret_bad)
{
	struct decoded d = { .out = out, .size = size };

	*ret_bad = false;
	switch (encoding) {
	case CONTENT_BASE64:
		*ret_bad = !decode_base64(&d, text);
		return d.n;
	case CONTENT_QUOTED_PRINTABLE:
		*ret_bad = !decode_quoted(&d, text);
		return d.n;
	default:
		if (size > 0 && text.len > 0)
			memcpy(out, text.ptr, text.len < size ? text.len : size);
		return text.len;
	}
}

size_t content_decode_q(slice text, unsigned char *out, size_t size)
{
	struct decoded d = { .out = out, .size = size };

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.ptr[i];

		if (c == '=' && take_hex(text, i, &c))
			i += 2;
		else if (c == '_')
			c = ' ';
		put(&d, c);
	}
	return d.n;
}
