/* mail/base64.c - base 64, a group of four characters at a time. */
#include "mail/base64.h"

#include "base/check.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_length(size_t n)
{
	check(n <= SIZE_MAX / 2);
	return (n + 2) / 3 * 4;
}

void base64_encode(slice bytes, struct buffer *out)
{
	size_t len = base64_length(bytes.len);
	unsigned char *at = buffer_reserve(out, len);

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t group = (uint32_t)bytes.ptr[i] << 16;

		if (left > 1)
			group |= (uint32_t)bytes.ptr[i + 1] << 8;
		if (left > 2)
			group |= bytes.ptr[i + 2];
		*at++ = (unsigned char)digits[group >> 18];
		*at++ = (unsigned char)digits[group >> 12 & 63];
		*at++ = left > 1 ? (unsigned char)digits[group >> 6 & 63] : '=';
		*at++ = left > 2 ? (unsigned char)digits[group & 63] : '=';
	}
	buffer_filled(out, len);
}

const unsigned char base64_values[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6,
	['G'] = 7, ['H'] = 8, ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12,
	['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
	['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,
	['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
	['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
	['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,
	['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* One group: n digits (2, 3 or 4), of which n - 1 bytes come. */
static bool decode_group(const unsigned char *text, size_t n, unsigned char *ret_bytes)
{
	uint32_t group = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned value = base64_digit(text[i]);

		if (value == 64)
			return false;
		group |= value << (18 - 6 * i);
	}
	/* RFC 4648 s3.5: the bits that pad the last digit are zero. */
	if ((n == 2 && (group & 0xffff) != 0) || (n == 3 && (group & 0xff) != 0))
		return false;
	for (size_t i = 0; i + 1 < n; i++)
		ret_bytes[i] = (unsigned char)(group >> (16 - 8 * i));
	return true;
}

enum base64_result base64_decode(slice text, unsigned char *ret_bytes, size_t size,
    size_t *ret_len)
{
	size_t pad = 0, len, at = 0;

	if (text.len % 4 != 0)
		return BASE64_BAD;
	while (pad < 2 && pad < text.len && text.ptr[text.len - 1 - pad] == '=')
		pad++;
	len = text.len / 4 * 3 - pad;
	if (len > size)
		return BASE64_LONG;
	for (size_t i = 0; i < text.len; i += 4) {
		size_t n = i + 4 == text.len ? 4 - pad : 4;

		if (!decode_group(text.ptr + i, n, ret_bytes + at))
			return BASE64_BAD;
		at += n - 1;
	}
	check(at == len);
	*ret_len = len;
	return BASE64_OK;
}
