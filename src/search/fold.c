/* search/fold.c - lower case, character by character; ASCII without a table. */
#include "search/fold.h"

#include <utf8proc.h>

#include "mail/utf8.h"

enum { CHARACTER_MAX = 4, STEP = 512 };

/* Lower a character that is no ASCII; returns the length of what was written. */
static size_t lower_wide(slice character, unsigned char ret[CHARACTER_MAX])
{
	utf8proc_int32_t code;

	utf8proc_iterate(character.ptr, (utf8proc_ssize_t)character.len, &code);
	return (size_t)utf8proc_encode_char(utf8proc_tolower(code), ret);
}

/* Of each byte: what it is in lower case, or: between words, or of a wide character. */
enum { GAP_BYTE = 0x80, WIDE_BYTE = 0x81 };

#define EIGHT(c) (c), (c) + 1, (c) + 2, (c) + 3, (c) + 4, (c) + 5, (c) + 6, (c) + 7
static const unsigned char in_words[256] = {
	EIGHT(0), 8, GAP_BYTE, GAP_BYTE, 11, 12, GAP_BYTE, 14, 15, EIGHT(16), EIGHT(24),
	GAP_BYTE, '!', GAP_BYTE, '#', '$', '%', '&', '\'',
	GAP_BYTE, GAP_BYTE, '*', '+', GAP_BYTE, '-', '.', '/',
	EIGHT('0'), '8', '9', ':', GAP_BYTE, GAP_BYTE, '=', GAP_BYTE, '?',
	'@', 'a', 'b', 'c', 'd', 'e', 'f', 'g', EIGHT('h'), EIGHT('p'), 'x', 'y', 'z', '[', '\\', ']', '^', '_',
	EIGHT('`'), EIGHT('h'), EIGHT('p'), EIGHT('x'),
	[0x80 ... 0xFF] = WIDE_BYTE,
};
#undef EIGHT

struct folding {
	struct buffer *out;
	unsigned char bytes[STEP + CHARACTER_MAX];
	size_t n;
};

static bool flush(struct folding *f)
{
	bool ok = buffer_append(f->out, slice_of(f->bytes, f->n));

	f->n = 0;
	return ok;
}

/* The next character of *in, which is not empty. */
static void take(struct folding *f, slice *in)
{
	unsigned char c = in->ptr[0];
	size_t n = c < 0x80 ? 0 : utf8_length(*in);

	if (n < 2) {
		f->bytes[f->n++] = ascii_lower(c);
		*in = slice_drop(*in, 1);
	} else {
		f->n += lower_wide(slice_head(*in, n), f->bytes + f->n);
		*in = slice_drop(*in, n);
	}
}

bool fold_text(slice text, struct buffer *out)
{
	struct folding f = { .out = out };

	while (text.len > 0) {
		take(&f, &text);
		if (f.n >= STEP && !flush(&f))
			return false;
	}
	return flush(&f);
}

/* Where a text stands: nothing came yet, in a word, behind one. */
enum place { BEGIN, WORD, GAP };

/* Take what stands before a wide character, as far as there is room. True: that one is next.
 * What changes is in registers: bytes may alias whatever is in memory. */
static bool take_plain(struct folding *f, slice *text, enum place *place)
{
	const unsigned char *at = text->ptr, *end = at + text->len, *stop;
	unsigned char *to = f->bytes + f->n, *full = f->bytes + STEP - 1, byte = GAP_BYTE;
	enum place now = *place;

	while (at < end && to < full) {
		byte = in_words[*at];
		if (byte == GAP_BYTE) {
			now = now == BEGIN ? BEGIN : GAP;
			at++;
			continue;
		}
		if (now == GAP)
			*to++ = ' ';
		now = WORD;
		if (byte == WIDE_BYTE)
			break;
		stop = end - at < full - to ? end : at + (full - to);
		do {
			*to++ = byte;
			at++;
		} while (at < stop && (byte = in_words[*at]) < GAP_BYTE);
	}
	*text = slice_drop(*text, (size_t)(at - text->ptr));
	*place = now;
	f->n = (size_t)(to - f->bytes);
	return at < end && byte == WIDE_BYTE;
}

bool fold_words(slice text, struct buffer *out)
{
	struct folding f = { .out = out };
	enum place place = BEGIN;

	buffer_expect(out, text.len);
	while (text.len > 0) {
		if (take_plain(&f, &text, &place))
			take(&f, &text);
		if (f.n >= STEP - 1 && !flush(&f))
			return false;
	}
	return flush(&f);
}
