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

/* What stands before a character of 8 bits, as far as there is room; *ret_wide: that one is
 * next. */
static size_t take_plain(struct folding *f, slice text, bool *first, bool *gap, bool *ret_wide)
{
	size_t i = 0;

	*ret_wide = false;
	for (; i < text.len && f->n < STEP - 1 && !*ret_wide; i++) {
		unsigned char c = text.ptr[i];

		if (between_words[c]) {
			*gap = !*first;
			continue;
		}
		if (*gap)
			f->bytes[f->n++] = ' ';
		*first = *gap = false;
		if (c >= 0x80)
			*ret_wide = true;
		else
			f->bytes[f->n++] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
	}
	return *ret_wide ? i - 1 : i;
}

bool fold_words(slice text, struct buffer *out)
{
	struct folding f = { .out = out };
	bool first = true, gap = false, wide;

	while (text.len > 0) {
		text = slice_drop(text, take_plain(&f, text, &first, &gap, &wide));
		if (wide)
			take(&f, &text);
		if (f.n >= STEP - 1 && !flush(&f))
			return false;
	}
	return flush(&f);
}
