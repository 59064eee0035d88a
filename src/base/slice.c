/* base/slice.c - borrowed strings. */
#include "base/slice.h"

slice slice_from(const char *text)
{
	return slice_of(text, text ? strlen(text) : 0);
}

slice slice_sub(slice s, size_t from, size_t n)
{
	return slice_head(slice_drop(s, from), n);
}

bool slice_equal(slice a, slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool slice_equal_ascii(slice a, slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
			return false;
	}
	return true;
}

bool slice_starts(slice s, slice prefix)
{
	return s.len >= prefix.len && slice_equal(slice_head(s, prefix.len), prefix);
}

bool slice_starts_ascii(slice s, slice prefix)
{
	return s.len >= prefix.len &&
	    slice_equal_ascii(slice_head(s, prefix.len), prefix);
}

bool slice_ends(slice s, slice suffix)
{
	return s.len >= suffix.len &&
	    slice_equal(slice_drop(s, s.len - suffix.len), suffix);
}

bool slice_is_ascii(slice s)
{
	unsigned char all = 0;

	for (size_t i = 0; i < s.len; i++)
		all |= s.ptr[i];
	return all < 128;
}

int slice_compare(slice a, slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.ptr, b.ptr, n) : 0;

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

size_t slice_find_last_byte(slice s, unsigned char c)
{
	const unsigned char *at = s.len ? memrchr(s.ptr, c, s.len) : NULL;

	return at ? (size_t)(at - s.ptr) : s.len;
}

size_t slice_find(slice s, slice needle)
{
	const unsigned char *at;

	if (needle.len == 0)
		return 0;
	at = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
	return at ? (size_t)(at - s.ptr) : s.len;
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

slice slice_trim(slice s)
{
	while (s.len > 0 && is_blank(s.ptr[0]))
		s = slice_drop(s, 1);
	while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

slice slice_cut(slice *rest, unsigned char c)
{
	size_t at = slice_find_byte(*rest, c);
	slice before = slice_head(*rest, at);

	*rest = slice_drop(*rest, at < rest->len ? at + 1 : at);
	return before;
}

bool slice_to_u64(slice s, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)s.ptr[i] - '0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value > max)
		return false;
	*ret_value = value;
	return true;
}
