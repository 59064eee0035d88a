/* mail/shown.h - what a character may do to who reads it in a line among others. */
#ifndef MAIL_SHOWN_H
#define MAIL_SHOWN_H

#include "base/slice.h"

enum shown {
	SHOWN_SO,               /* as it is */
	SHOWN_BLANK,            /* a control character of C0 or C1, DEL, or what ends a line or
	                         * a paragraph (U+2028, U+2029): a blank in its place */
	SHOWN_NOT,              /* it turns the direction of text: U+061C, U+200E, U+200F,
	                         * U+202A to U+202E, U+2066 to U+2069 */
};

/* character: one of UTF-8, or a byte that is none. */
enum shown shown_as(slice character);

/* Do that to len bytes of UTF-8 in place; returns how many are left. */
size_t shown_line(unsigned char *text, size_t len);

/* Is all of it shown as it is? */
bool shown_is_plain(slice text);

#endif
