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

static const bool between_words[256] = {
	[' '] = true, ['\r'] = true, ['\n'] = true, ['\t'] = true, ['<'] = true, ['>'] = true,
	['"'] = true, [','] = true, [';'] = true, ['('] = true, [')'] = true,
};

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

/* Take what stands before a character of 8 bits, as far as there is room. True: that one is
 * next. What changes is in registers: bytes may alias whatever is in memory. */
static bool take_plain(struct folding *f, slice *text, enum place *place)
{
	const unsigned char *at = text->ptr, *end = at + text->len;
	enum place now = *place;
	size_t n = f->n;

	for (; at < end && n < STEP - 1; at++) {
		unsigned char c = *at;

		if (between_words[c]) {
			now = now == BEGIN ? BEGIN : GAP;
			continue;
		}
		if (now == GAP)
			f->bytes[n++] = ' ';
		now = WORD;
		if (c >= 0x80)
			break;
		f->bytes[n++] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
	}
	*text = slice_drop(*text, (size_t)(at - text->ptr));
	*place = now;
	f->n = n;
	return at < end && *at >= 0x80 && now == WORD;
}

bool fold_words(slice text, struct buffer *out)
{
	struct folding f = { .out = out };
	enum place place = BEGIN;

	while (text.len > 0) {
		if (take_plain(&f, &text, &place))
			take(&f, &text);
		if (f.n >= STEP - 1 && !flush(&f))
			return false;
	}
	return flush(&f);
}
