/* base/text.c - numbers and bytes as text. */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

size_t text_from_u64(uint64_t value, char ret_text[14])
{
	char reversed[13];
	size_t n = 0;

	do {
		reversed[n++] = digits[value & 31];
		value >>= 5;
	} while (value != 0);
	for (size_t i = 0; i < n; i++)
		ret_text[i] = reversed[n - 1 - i];
	ret_text[n] = 0;
	return n;
}

bool text_to_u64(slice text, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (text.len == 0 || text.len > 13)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = ascii_lower(text.ptr[i]);
		const char *at = c ? strchr(digits, c) : NULL;

		if (at == NULL || value >> 59 != 0)
			return false;
		value = value << 5 | (uint64_t)(at - digits);
	}
	*ret_value = value;
	return true;
}

enum { WORD_MAX = 64 };

size_t text_distance(slice a, slice b, size_t limit)
{
	size_t row[WORD_MAX + 1];

	if (a.len > WORD_MAX || b.len > WORD_MAX)
		return limit;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t change = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
			size_t least = row[j] < row[j - 1] ? row[j] : row[j - 1];

			diagonal = row[j];
			row[j] = least + 1 < change ? least + 1 : change;
		}
	}
	return row[b.len] < limit ? row[b.len] : limit;
}

const char *text_nearest(slice word, const char *const *names, size_t n)
{
	const char *nearest = NULL;
	size_t best = 3;

	for (size_t i = 0; i < n; i++) {
		size_t distance = text_distance(word, slice_from(names[i]), best);

		if (distance < best && distance < word.len) {
			best = distance;
			nearest = names[i];
		}
	}
	return nearest;
}

char *text_printable(slice s, char *ret_text, size_t size)
{
	size_t at = 0;

	check(size >= 8);
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = s.ptr[i];
		bool plain = c >= 0x20 && c < 0x7f && c != '\\';

		if (at + (plain ? 1 : 4) + 3 >= size) {
			memcpy(ret_text + at, "...", 3);
			at += 3;
			break;
		}
		if (plain)
			ret_text[at++] = (char)c;
		else
			at += (size_t)snprintf(ret_text + at, size - at, "\\x%02x", c);
	}
	ret_text[at] = 0;
	return ret_text;
}
