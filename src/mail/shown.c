/* mail/shown.c - control characters by their bytes in UTF-8. */
#include "mail/shown.h"

#include <string.h>

#include "mail/utf8.h"

enum shown shown_as(slice character)
{
	const unsigned char *c = character.ptr;

	if (character.len == 1)
		return c[0] < ' ' || c[0] == 127 ? SHOWN_BLANK : SHOWN_SO;
	if (character.len == 2 && c[0] == 0xC2)
		return c[1] < 0xA0 ? SHOWN_BLANK : SHOWN_SO;
	if (character.len == 2)
		return c[0] == 0xD8 && c[1] == 0x9C ? SHOWN_NOT : SHOWN_SO;
	if (character.len != 3 || c[0] != 0xE2)
		return SHOWN_SO;
	if (c[1] == 0x80 && (c[2] == 0xA8 || c[2] == 0xA9))
		return SHOWN_BLANK;
	if (c[1] == 0x80)
		return c[2] == 0x8E || c[2] == 0x8F || (c[2] >= 0xAA && c[2] <= 0xAE) ? SHOWN_NOT :
		    SHOWN_SO;
	return c[1] == 0x81 && c[2] >= 0xA6 && c[2] <= 0xA9 ? SHOWN_NOT : SHOWN_SO;
}

/* The character that text, which is not empty, begins with, or the byte. */
static slice first(slice text)
{
	size_t n = text.ptr[0] < 0x80 ? 1 : utf8_length(text);

	return slice_head(text, n > 0 ? n : 1);
}

size_t shown_line(unsigned char *text, size_t len)
{
	slice rest = slice_of(text, len);
	size_t n = 0;

	while (rest.len > 0) {
		slice character = first(rest);
		enum shown how = shown_as(character);

		if (how == SHOWN_BLANK) {
			text[n++] = ' ';
		} else if (how == SHOWN_SO) {
			memmove(text + n, character.ptr, character.len);
			n += character.len;
		}
		rest = slice_drop(rest, character.len);
	}
	return n;
}

bool shown_is_plain(slice text)
{
	while (text.len > 0) {
		slice character = first(text);

		if (shown_as(character) != SHOWN_SO)
			return false;
		text = slice_drop(text, character.len);
	}
	return true;
}
