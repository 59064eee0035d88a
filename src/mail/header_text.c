/* mail/header_text.c - "=?ISO-8859-1?Q?Keld_J=F8rn?= Simonsen" */
#include "mail/header_text.h"

#include <string.h>

#include "base/limits.h"
#include "mail/content_decode.h"
#include "mail/shown.h"
#include "mail/utf8.h"

enum { CHARSET_LABEL_MAX = 64 };

struct word {
	slice charset;                  /* without a language (RFC 2231 s5) */
	bool base64;
	slice text;
};

struct decoder {
	struct charsets *charsets;
	slice label;
	struct buffer *out;
	struct buffer bytes;            /* of words side by side, in one character set */
	slice charset;
	bool endless;                   /* no "?=" is left: looking again would find none */
};

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

/* "charset?" of at most CHARSET_LABEL_MAX; moves *in behind it. */
static bool take_label(slice *in, slice *ret_charset)
{
	size_t n = 0;

	while (n < in->len && n <= CHARSET_LABEL_MAX && in->ptr[n] > ' ' && in->ptr[n] < 127 &&
	    in->ptr[n] != '?' && in->ptr[n] != '=')
		n++;
	if (n == 0 || n == in->len || in->ptr[n] != '?')
		return false;
	*ret_charset = slice_head(*in, n);
	ret_charset->len = slice_find_byte(*ret_charset, '*');
	*in = slice_drop(*in, n + 1);
	return true;
}

/* encoded-word = "=?" charset "?" encoding "?" encoded-text "?=" */
static bool take_word(struct decoder *d, slice *in, struct word *ret)
{
	slice at = *in;
	unsigned char encoding;
	size_t n;

	if (d->endless || !slice_starts(at, slice_lit("=?")))
		return false;
	at = slice_drop(at, 2);
	if (!take_label(&at, &ret->charset) || at.len < 2 || at.ptr[1] != '?')
		return false;
	encoding = ascii_lower(at.ptr[0]);
	at = slice_drop(at, 2);
	if (encoding != 'b' && encoding != 'q')
		return false;
	n = slice_find(at, slice_lit("?="));
	d->endless = n == at.len;
	if (d->endless)
		return false;
	ret->base64 = encoding == 'b';
	ret->text = slice_head(at, n);
	*in = slice_drop(at, n + 2);
	return true;
}

static void flush(struct decoder *d)
{
	if (buffer_bytes(&d->bytes).len > 0)
		(void)charset_decode(d->charsets, d->charset, buffer_bytes(&d->bytes), d->out);
	buffer_free(&d->bytes);
}

static void put_word(struct decoder *d, const struct word *w)
{
	unsigned char *at;
	bool bad;

	if (!slice_equal_ascii(w->charset, d->charset))
		flush(d);
	d->charset = w->charset;
	if (w->text.len == 0)
		return;
	at = buffer_reserve(&d->bytes, w->text.len);
	buffer_filled(&d->bytes, w->base64 ?
	    content_decode(CONTENT_BASE64, w->text, at, w->text.len, &bad) :
	    content_decode_q(w->text, at, w->text.len));
}

static void put_plain(struct decoder *d, slice text)
{
	flush(d);
	if (text.len > 0)
		(void)charset_decode(d->charsets, utf8_valid(text) ? (slice){ 0 } : d->label, text,
		    d->out);
}

static void decode_line(struct decoder *d, slice line)
{
	slice plain = slice_head(line, 0);
	bool after_word = false, blank = true;  /* only blanks since then */
	struct word word;

	while (line.len > 0) {
		if (line.ptr[0] == '=' && take_word(d, &line, &word)) {
			if (!after_word || !blank)
				put_plain(d, plain);
			put_word(d, &word);
			plain = slice_head(line, 0);
			after_word = blank = true;
			continue;
		}
		blank = blank && is_blank(line.ptr[0]);
		line = slice_drop(line, 1);
		plain.len++;
	}
	put_plain(d, plain);
}

/* In place; a fold's own blank stays. */
static slice unfold(slice value, unsigned char *line)
{
	size_t n = 0;

	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] != '\r' && value.ptr[i] != '\n')
			line[n++] = value.ptr[i];
	}
	return slice_trim(slice_of(line, n));
}

/* What was put behind `before`, made fit to be shown in a line. */
static void clean(struct buffer *out, size_t before)
{
	slice text = slice_drop(buffer_bytes(out), before);
	unsigned char *at = (unsigned char *)(uintptr_t)text.ptr;

	buffer_truncate(out, before + shown_line(at, text.len));
}

void header_text_decode(struct charsets *charsets, slice label, slice value,
    struct buffer *out)
{
	struct decoder d = { .charsets = charsets, .label = label, .out = out,
		.bytes = buffer_init(out->heap, HEADER_TEXT_MAX) };
	size_t before = buffer_bytes(out).len;
	unsigned char *line;

	if (value.len > HEADER_TEXT_MAX)
		value.len = HEADER_TEXT_MAX;
	if (value.len == 0)
		return;
	line = heap_alloc(out->heap, value.len);
	decode_line(&d, unfold(value, line));
	heap_free(out->heap, line);
	clean(out, before);
}

slice header_text(struct charsets *charsets, slice label, slice value, size_t text_max,
    struct arena *arena)
{
	struct buffer out = buffer_init(arena->heap, text_max);
	slice text;

	header_text_decode(charsets, label, value, &out);
	text = slice_copy(arena, buffer_bytes(&out));
	buffer_free(&out);
	return text;
}
