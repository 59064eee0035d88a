/* mail/encoded_word.c - "=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=". */
#include "mail/encoded_word.h"

#include <assert.h>

#include "base/check.h"
#include "mail/base64.h"
#include "mail/utf8.h"

/* "=?UTF-8?Q?" and "?=" around the rest. */
enum { AROUND = 12, REST_MAX = ENCODED_WORD_MAX - AROUND };

/* A word in a line of its own, with a blank and a comma, keeps within s2. */
static_assert(FIELD_LINE - 2 <= ENCODED_WORD_MAX, "an encoded word may be too long");

/* s5 (3): what may stand for itself in a display-name, too. */
static bool is_plain(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    c == '!' || c == '*' || c == '+' || c == '-' || c == '/';
}

bool encoded_word_needed(slice text)
{
	size_t word = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.ptr[i];

		word = c == ' ' || c == '\t' ? 0 : word + 1;
		if (c > 126 || word >= FIELD_LINE)
			return true;
	}
	return slice_find(text, slice_lit("=?")) < text.len;
}

/* ---- Q ---- */

static size_t q_length(slice text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += is_plain(text.ptr[i]) || text.ptr[i] == ' ' ? 1 : 3;
	return n;
}

static size_t write_q(slice text, char *at)
{
	static const char digits[] = "0123456789ABCDEF";
	char *start = at;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.ptr[i];

		if (is_plain(c) || c == ' ') {
			*at++ = c == ' ' ? '_' : (char)c;
			continue;
		}
		*at++ = '=';
		*at++ = digits[c >> 4];
		*at++ = digits[c & 15];
	}
	return (size_t)(at - start);
}

/* ---- B ---- */

static size_t b_length(slice text)
{
	return base64_length(text.len);
}

/* ---- both ---- */

/* How much of text, in whole characters, takes at most `room`. */
static size_t take(slice text, size_t room, size_t (*length)(slice text))
{
	size_t n = 0;

	while (n < text.len) {
		size_t character = utf8_length(slice_drop(text, n));

		check(character > 0);
		if (length(slice_head(text, n + character)) > room)
			break;
		n += character;
	}
	return n;
}

static void write_word(struct field *f, slice part, bool q)
{
	char rest[REST_MAX];
	size_t n = q ? q_length(part) : b_length(part);

	check(n <= sizeof rest);
	field_space(f, AROUND + n);
	field_glue(f, q ? slice_lit("=?UTF-8?Q?") : slice_lit("=?UTF-8?B?"));
	if (q) {
		write_q(part, rest);
		field_glue(f, slice_of(rest, n));
	} else if (f->fits && buffer_room(f->out) >= n) {
		base64_encode(part, f->out);
		f->column += n;
	} else {
		f->fits = false;
	}
	field_glue(f, slice_lit("?="));
}

void encoded_word_write(struct field *f, slice text)
{
	/* Q can be read as it stands; B is shorter where little of it would stay. */
	bool q = q_length(text) <= 2 * text.len;
	size_t (*length)(slice text) = q ? q_length : b_length;

	while (text.len > 0) {
		/* A blank before the word, and a comma that may be glued behind it. */
		size_t used = f->column + 1 + AROUND + 1;
		size_t room = used < FIELD_LINE ? FIELD_LINE - used : 0, n;

		n = take(text, room, length);
		if (n == 0) {
			check(f->column > 0);
			field_fold(f);
			continue;
		}
		write_word(f, slice_head(text, n), q);
		text = slice_drop(text, n);
	}
}
