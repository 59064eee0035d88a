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

static bool is_between_words(unsigned char c)
{
	return c == ' ' || c == '\r' || c == '\n' || c == '\t' || c == '<' || c == '>' ||
	    c == '"' || c == ',' || c == ';' || c == '(' || c == ')';
}

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

bool fold_words(slice text, struct buffer *out)
{
	struct folding f = { .out = out };
	bool first = true, gap = false;

	while (text.len > 0) {
		if (is_between_words(text.ptr[0])) {
			gap = !first;
			text = slice_drop(text, 1);
			continue;
		}
		if (gap)
			f.bytes[f.n++] = ' ';
		first = gap = false;
		take(&f, &text);
		if (f.n >= STEP - 1 && !flush(&f))
			return false;
	}
	return flush(&f);
}
