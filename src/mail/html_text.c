/* mail/html_text.c - tags passed over, text taken, a byte after the other. */
#include "mail/html_text.h"

#include "mail/content_decode.h"
#include "mail/shown.h"
#include "mail/utf8.h"

enum { PIECE = 64 };

struct writer {
	struct buffer *out;
	enum html_text form;
	size_t start;
	unsigned lines;                 /* line ends owed before the next word, at most 2 */
	bool blank;                     /* a blank is owed */
	bool full;
	slice link;                     /* of the a that is open */
};

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

/* What fits of it, in whole characters. */
static void put(struct writer *w, slice text)
{
	size_t n = buffer_room(w->out);

	if (w->full)
		return;
	w->full = n < text.len;
	if (!w->full)
		n = text.len;
	while (w->full && n > 0 && (text.ptr[n] & 0xC0) == 0x80)
		n--;
	buffer_add(w->out, slice_head(text, n));
}

/* What is owed, unless nothing stands there yet. */
static void settle(struct writer *w)
{
	bool begun = buffer_bytes(w->out).len > w->start;

	if (begun && w->lines > 0 && w->form == HTML_TEXT_LINES)
		put(w, slice_head(slice_lit("\n\n"), w->lines));
	else if (begun && (w->blank || w->lines > 0))
		put(w, slice_lit(" "));
	w->lines = 0;
	w->blank = false;
}

static void put_word(struct writer *w, slice word)
{
	settle(w);
	put(w, word);
}

static void owe_lines(struct writer *w, unsigned n)
{
	w->lines = w->lines > n ? w->lines : n;
}

/* ---- words ---- */

/* The character that text, which is not empty, begins with, or the byte. */
static slice first(slice text)
{
	size_t n = text.ptr[0] < 0x80 ? 1 : utf8_length(text);

	return slice_head(text, n > 0 ? n : 1);
}

/* A word, or a piece of it, off the front of *in, which begins with no blank and no markup:
 * both end it, and characters that are not shown. No further is looked than is taken, so
 * that a long one is not read again and again. */
static void take_text(struct writer *w, slice *in, slice markup)
{
	enum shown how = SHOWN_SO;
	slice character = { 0 };
	size_t n = 0;

	while (n < in->len && n < PIECE && !is_blank(in->ptr[n]) &&
	    slice_find_byte(markup, in->ptr[n]) == markup.len) {
		character = first(slice_drop(*in, n));
		how = shown_as(character);
		if (how != SHOWN_SO)
			break;
		n += character.len;
	}
	if (n > 0)
		put_word(w, slice_head(*in, n));
	else if (how == SHOWN_BLANK)
		w->blank = true;
	*in = slice_drop(*in, n > 0 ? n : character.len);
}

/* ---- entities ---- */

/* U+00A0 to U+00FF, in order. */
static const char *const latin_1[96] = {
	"nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy",
	"ordf", "laquo", "not", "shy", "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute",
	"micro", "para", "middot", "cedil", "sup1", "ordm", "raquo", "frac14", "frac12", "frac34",
	"iquest", "Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig", "Ccedil",
	"Egrave", "Eacute", "Ecirc", "Euml", "Igrave", "Iacute", "Icirc", "Iuml", "ETH", "Ntilde",
	"Ograve", "Oacute", "Ocirc", "Otilde", "Ouml", "times", "Oslash", "Ugrave", "Uacute",
	"Ucirc", "Uuml", "Yacute", "THORN", "szlig", "agrave", "aacute", "acirc", "atilde", "auml",
	"aring", "aelig", "ccedil", "egrave", "eacute", "ecirc", "euml", "igrave", "iacute",
	"icirc", "iuml", "eth", "ntilde", "ograve", "oacute", "ocirc", "otilde", "ouml", "divide",
	"oslash", "ugrave", "uacute", "ucirc", "uuml", "yacute", "thorn", "yuml",
};

static const struct {
	const char *name;
	unsigned code;
} others[] = {
	{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' },
	{ "euro", 0x20AC }, { "hellip", 0x2026 }, { "mdash", 0x2014 }, { "ndash", 0x2013 },
	{ "lsquo", 0x2018 }, { "rsquo", 0x2019 }, { "sbquo", 0x201A }, { "ldquo", 0x201C },
	{ "rdquo", 0x201D }, { "bdquo", 0x201E }, { "bull", 0x2022 }, { "trade", 0x2122 },
	{ "larr", 0x2190 }, { "rarr", 0x2192 }, { "zwnj", 0x200C }, { "zwj", 0x200D },
	{ "ensp", 0x2002 }, { "emsp", 0x2003 }, { "thinsp", 0x2009 }, { "OElig", 0x0152 },
	{ "oelig", 0x0153 }, { "Scaron", 0x0160 }, { "scaron", 0x0161 }, { "lsaquo", 0x2039 },
	{ "rsaquo", 0x203A }, { "minus", 0x2212 },
};

static unsigned named(slice name)
{
	for (unsigned i = 0; i < 96; i++) {
		if (slice_equal(name, slice_from(latin_1[i])))
			return 0xA0 + i;
	}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		if (slice_equal(name, slice_from(others[i].name)))
			return others[i].code;
	}
	return 0;
}

static unsigned numbered(slice digits)
{
	bool hex = digits.len > 0 && (digits.ptr[0] | 32) == 'x';
	unsigned code = 0;

	if (hex)
		digits = slice_drop(digits, 1);
	for (size_t i = 0; i < digits.len; i++) {
		unsigned value = hex_value(digits.ptr[i]), base = hex ? 16 : 10;

		if (value >= base || code > 0x10FFFF)
			return 0;
		code = code * base + value;
	}
	return code;
}

static size_t encode(unsigned code, unsigned char out[4])
{
	static const struct {
		unsigned below, first;
	} rows[] = { { 0x80, 0 }, { 0x800, 0xC0 }, { 0x10000, 0xE0 }, { 0x110000, 0xF0 } };
	size_t more = 0;

	while (more < 4 && code >= rows[more].below)
		more++;
	if (more == 4)
		return 0;
	out[0] = (unsigned char)(rows[more].first | code >> (6 * more));
	for (size_t i = 1; i <= more; i++)
		out[i] = (unsigned char)(0x80 | (code >> (6 * (more - i)) & 0x3F));
	return utf8_length(slice_of(out, more + 1));
}

/* "&name;" or "&#123;" off the front, else the "&" alone. */
static void take_entity(struct writer *w, slice *in)
{
	slice name = slice_drop(*in, 1), shown;
	unsigned char text[4];
	unsigned code = 0;
	size_t n = 0;

	while (n < name.len && n < 10 && (name.ptr[n] == '#' || (name.ptr[n] >= '0' &&
	    name.ptr[n] <= '9') || ((name.ptr[n] | 32) >= 'a' && (name.ptr[n] | 32) <= 'z')))
		n++;
	name = slice_head(name, n);
	if (n > 0)
		code = name.ptr[0] == '#' ? numbered(slice_drop(name, 1)) : named(name);
	if (code == 0 || encode(code, text) == 0) {
		put_word(w, slice_head(*in, 1));
		*in = slice_drop(*in, 1);
		return;
	}
	*in = slice_drop(*in, n + 1);
	if (in->len > 0 && in->ptr[0] == ';')
		*in = slice_drop(*in, 1);
	shown = slice_of(text, encode(code, text));
	if (code == 0xA0 || shown_as(shown) == SHOWN_BLANK)
		w->blank = true;
	else if (code != 0xAD && code != 0x200C && code != 0x200D && code != 0xFEFF &&
	    shown_as(shown) == SHOWN_SO)
		put_word(w, shown);
}

/* ---- tags ---- */

/* Behind the next of that word, letters of any case; the end when there is none. */
static slice behind(slice in, slice word)
{
	while (in.len > 0) {
		slice at = slice_drop(in, slice_find_byte(in, word.ptr[0]));

		if (slice_starts_ascii(at, word))
			return slice_drop(at, word.len);
		in = at.len > 0 ? slice_drop(at, 1) : at;
	}
	return in;
}

/* All up to the ">" that is not in quotes, which only begin where a value does. */
static slice take_tag(slice *in)
{
	bool value = false;
	unsigned char quote = 0;
	size_t n = 1;

	for (; n < in->len; n++) {
		unsigned char c = in->ptr[n];

		if (quote == 0 && c == '>')
			break;
		if (quote != 0 ? c == quote : (c == '"' || c == '\'') && value)
			quote = quote == 0 ? c : 0;
		value = c == '=' || (value && is_blank(c));
	}
	slice tag = slice_sub(*in, 1, n - 1);

	*in = slice_drop(*in, n < in->len ? n + 1 : n);
	return tag;
}

/* The value of an attribute off the front of *in: in quotes, or up to a blank. */
static slice take_value(slice *in)
{
	slice value = *in;
	size_t n = 0;

	if (value.len > 0 && (value.ptr[0] == '"' || value.ptr[0] == '\'')) {
		unsigned char quote = value.ptr[0];

		*in = slice_drop(value, 1);
		return slice_cut(in, quote);
	}
	while (n < value.len && !is_blank(value.ptr[n]))
		n++;
	*in = slice_drop(value, n);
	return slice_head(value, n);
}

static void skip_blanks(slice *in)
{
	while (in->len > 0 && is_blank(in->ptr[0]))
		*in = slice_drop(*in, 1);
}

/* The address that the first href of a tag says; empty: none. */
static slice find_link(slice tag)
{
	while (tag.len > 0 && !is_blank(tag.ptr[0]) && tag.ptr[0] != '/')
		tag = slice_drop(tag, 1);
	while (tag.len > 0) {
		slice name, value = { 0 };
		size_t n = 0;

		while (n < tag.len && !is_blank(tag.ptr[n]) && tag.ptr[n] != '/' && tag.ptr[n] != '=')
			n++;
		name = slice_head(tag, n);
		tag = slice_drop(tag, n);
		skip_blanks(&tag);
		if (tag.len > 0 && tag.ptr[0] == '=') {
			tag = slice_drop(tag, 1);
			skip_blanks(&tag);
			value = take_value(&tag);
		} else if (tag.len > 0 && tag.ptr[0] == '/') {
			tag = slice_drop(tag, 1);
		}
		if (slice_equal_ascii(name, slice_lit("href")))
			return value;
		skip_blanks(&tag);
	}
	return (slice){ 0 };
}

static void put_link(struct writer *w)
{
	slice link = w->link;

	w->link = (slice){ 0 };
	if (w->form != HTML_TEXT_LINES || link.len == 0 || link.ptr[0] == '#')
		return;
	w->blank = true;
	put_word(w, slice_lit("( "));
	while (link.len > 0 && !w->full) {
		if (is_blank(link.ptr[0]))
			link = slice_drop(link, 1);
		else if (link.ptr[0] == '&')
			take_entity(w, &link);
		else
			take_text(w, &link, slice_lit("&"));
		w->blank = false;       /* there are none in an address */
	}
	put(w, slice_lit(" )"));
	w->blank = true;
}

/* What elements do to lines. */
static const struct {
	const char *name;
	unsigned lines;
} blocks[] = {
	{ "br", 1 }, { "p", 2 }, { "div", 1 }, { "tr", 1 }, { "table", 1 }, { "li", 1 }, { "ul", 1 },
	{ "ol", 1 }, { "h1", 2 }, { "h2", 2 }, { "h3", 2 }, { "h4", 2 }, { "h5", 2 }, { "h6", 2 },
	{ "blockquote", 1 }, { "pre", 1 }, { "hr", 1 }, { "section", 1 }, { "article", 1 },
	{ "header", 1 }, { "footer", 1 }, { "dt", 1 }, { "dd", 1 }, { "body", 1 },
};

static bool is_hidden(slice name, slice *ret_end)
{
	if (slice_equal_ascii(name, slice_lit("script")))
		*ret_end = slice_lit("</script");
	else if (slice_equal_ascii(name, slice_lit("style")))
		*ret_end = slice_lit("</style");
	else if (slice_equal_ascii(name, slice_lit("title")))
		*ret_end = slice_lit("</title");
	else
		return false;
	return true;
}

static void obey_tag(struct writer *w, slice name, bool closes, slice tag)
{
	for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
		if (slice_equal_ascii(name, slice_from(blocks[i].name)))
			owe_lines(w, blocks[i].lines);
	}
	if (slice_equal_ascii(name, slice_lit("td")) || slice_equal_ascii(name, slice_lit("th")))
		w->blank = true;
	if (slice_equal_ascii(name, slice_lit("li")) && !closes && w->form == HTML_TEXT_LINES) {
		put_word(w, slice_lit("*"));
		w->blank = true;
	}
	if (slice_equal_ascii(name, slice_lit("a"))) {
		put_link(w);
		if (!closes)
			w->link = find_link(tag);
	}
}

/* What "<" begins; a "<" that begins no tag is text. */
static void take_markup(struct writer *w, slice *in)
{
	slice name, end, tag, rest = *in;
	bool closes;
	size_t n = 0;

	if (slice_starts(*in, slice_lit("<!--"))) {
		*in = behind(slice_drop(*in, 2), slice_lit("-->"));
		return;
	}
	tag = in->len > 1 ? slice_sub(*in, 1, 1) : (slice){ 0 };
	if (tag.len == 0 || (tag.ptr[0] != '/' && tag.ptr[0] != '!' && tag.ptr[0] != '?' &&
	    ((tag.ptr[0] | 32) < 'a' || (tag.ptr[0] | 32) > 'z'))) {
		put_word(w, slice_head(*in, 1));
		*in = slice_drop(*in, 1);
		return;
	}
	tag = take_tag(&rest);
	*in = rest;
	closes = tag.len > 0 && tag.ptr[0] == '/';
	if (closes)
		tag = slice_drop(tag, 1);
	while (n < tag.len && !is_blank(tag.ptr[n]) && tag.ptr[n] != '/')
		n++;
	name = slice_head(tag, n);
	if (!closes && is_hidden(name, &end)) {
		rest = behind(*in, end);
		*in = slice_drop(rest, slice_find_byte(rest, '>'));
		if (in->len > 0)
			*in = slice_drop(*in, 1);
		return;
	}
	obey_tag(w, name, closes, tag);
}

static void take_all(struct writer *w, slice in, bool markup)
{
	while (in.len > 0 && !w->full) {
		unsigned char c = in.ptr[0];

		if (is_blank(c)) {
			w->blank = true;
			in = slice_drop(in, 1);
		} else if (markup && c == '<') {
			take_markup(w, &in);
		} else if (markup && c == '&') {
			take_entity(w, &in);
		} else {
			take_text(w, &in, markup ? slice_lit("<&") : (slice){ 0 });
		}
	}
	put_link(w);
}

void html_text(slice html, enum html_text form, struct buffer *out)
{
	struct writer w = { .out = out, .form = form, .start = buffer_bytes(out).len };

	take_all(&w, html, true);
}

void plain_words(slice text, struct buffer *out)
{
	struct writer w = { .out = out, .form = HTML_TEXT_WORDS, .start = buffer_bytes(out).len };

	take_all(&w, text, false);
}
