/* mail/parameter_read.c - name=value; name="value"; name*0*=UTF-8''va; name*1=lue */
#include "mail/parameter_read.h"

#include <string.h>

#include "base/limits.h"
#include "mail/cfws.h"
#include "mail/content_decode.h"
#include "mail/content_type.h"
#include "mail/header_text.h"

/* Names of files have blanks and brackets; other values end there, as a comment begins. */
static bool is_file_name(slice name)
{
	return slice_starts_ascii(name, slice_lit("filename")) ||
	    slice_starts_ascii(name, slice_lit("name"));
}

static slice bare_value(slice name, slice rest)
{
	size_t n = 0;

	if (is_file_name(name))
		return cfws_trim(rest);
	while (n < rest.len && !cfws_is_blank(rest.ptr[n]) && rest.ptr[n] != '(')
		n++;
	return slice_head(rest, n);
}

static slice quoted_value(slice rest)
{
	size_t n = 1;

	while (n < rest.len && rest.ptr[n] != '"')
		n += rest.ptr[n] == '\\' && n + 1 < rest.len ? 2 : 1;
	return slice_sub(rest, 1, n - 1);
}

/* attribute "=" value off the front of r->one. False: what is left holds none. */
static bool take_parameter(struct parameter_reader *r, struct parameter *ret)
{
	slice one = r->one;
	size_t equals, end;

	r->one = (slice){ 0 };
	if (!cfws_skip(&one))
		return false;
	equals = slice_find_byte(one, '=');
	if (equals == one.len)
		return false;
	ret->name = cfws_trim(slice_head(one, equals));
	one = slice_drop(one, equals + 1);
	if (!cfws_skip(&one))
		return false;
	ret->quoted = one.len > 0 && one.ptr[0] == '"';
	ret->value = ret->quoted ? quoted_value(one) : bare_value(ret->name, one);
	end = ret->value.len + (ret->quoted ? 2 : 0);
	r->one = slice_drop(one, end < one.len ? end : one.len);
	return true;
}

bool parameter_next(struct parameter_reader *r, struct parameter *ret)
{
	while (r->one.len > 0 || r->rest.len > 0) {
		if (r->one.len == 0)
			r->one = content_type_cut(&r->rest);
		if (take_parameter(r, ret) && ret->name.len > 0)
			return true;
	}
	return false;
}

size_t parameter_plain(const struct parameter *p, unsigned char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < p->value.len; i++) {
		unsigned char c = p->value.ptr[i];

		if (c == '\r' || c == '\n')
			continue;
		if (c == '\\' && p->quoted && i + 1 < p->value.len &&
		    (p->value.ptr[i + 1] == '"' || p->value.ptr[i + 1] == '\\'))
			c = p->value.ptr[++i];
		out[n++] = c;
	}
	return n;
}

/* ---- RFC 2231 ---- */

struct piece {
	struct parameter parameter;
	unsigned number;                /* NONE: name, or name* */
	bool extended;                  /* with percents, and the first with a character set */
};

enum { NONE = PARAMETER_PIECES_MAX };

/* What stands behind the name: "", "*", "*12" or "*12*". */
static bool read_suffix(slice suffix, struct piece *ret)
{
	uint64_t number;

	ret->number = NONE;
	ret->extended = suffix.len > 0 && suffix.ptr[suffix.len - 1] == '*';
	if (ret->extended)
		suffix.len--;
	if (suffix.len == 0)
		return true;
	if (suffix.ptr[0] != '*' ||
	    !slice_to_u64(slice_drop(suffix, 1), PARAMETER_PIECES_MAX - 1, &number))
		return false;
	ret->number = (unsigned)number;
	return true;
}

/* Of each piece the first. */
struct pieces {
	struct parameter plain, whole, numbered[PARAMETER_PIECES_MAX];
	bool has_plain, has_whole;
	bool has[PARAMETER_PIECES_MAX], extended[PARAMETER_PIECES_MAX];
};

static void keep(struct pieces *all, const struct piece *piece)
{
	unsigned i = piece->number;

	if (i == NONE && piece->extended && !all->has_whole) {
		all->whole = piece->parameter;
		all->has_whole = true;
	} else if (i == NONE && !piece->extended && !all->has_plain) {
		all->plain = piece->parameter;
		all->has_plain = true;
	} else if (i != NONE && !all->has[i]) {
		all->numbered[i] = piece->parameter;
		all->extended[i] = piece->extended;
		all->has[i] = true;
	}
}

static void collect(slice parameters, slice name, struct pieces *all)
{
	struct parameter_reader r = { .rest = parameters };
	struct piece piece;

	memset(all, 0, sizeof *all);
	while (parameter_next(&r, &piece.parameter)) {
		if (slice_starts_ascii(piece.parameter.name, name) &&
		    read_suffix(slice_drop(piece.parameter.name, name.len), &piece))
			keep(all, &piece);
	}
}

/* charset'language'rest; without both quotes it is all rest. */
static slice take_charset(struct parameter *p)
{
	slice charset = slice_head(p->value, slice_find_byte(p->value, '\''));
	slice rest = slice_drop(p->value, charset.len);
	size_t second;

	if (rest.len == 0)
		return rest;
	rest = slice_drop(rest, 1);
	second = slice_find_byte(rest, '\'');
	if (second == rest.len)
		return (slice){ 0 };
	p->value = slice_drop(rest, second + 1);
	return cfws_trim(charset);
}

static void append(struct buffer *out, const struct parameter *p, bool percents)
{
	size_t room = buffer_room(out), n, kept = 0;
	struct parameter fits = *p;
	unsigned char *at;

	if (fits.value.len > room)
		fits.value.len = room;
	if (fits.value.len == 0)
		return;
	at = buffer_reserve(out, fits.value.len);
	n = parameter_plain(&fits, at);
	for (size_t i = 0; i < n; i++, kept++) {
		at[kept] = at[i];
		if (percents && at[i] == '%' && n - i > 2 && hex_value(at[i + 1]) < 16 &&
		    hex_value(at[i + 2]) < 16) {
			at[kept] = (unsigned char)(hex_value(at[i + 1]) << 4 | hex_value(at[i + 2]));
			i += 2;
		}
	}
	buffer_filled(out, kept);
}

bool parameter_join(slice parameters, slice name, struct buffer *out, slice *ret_charset,
    bool *ret_extended)
{
	struct pieces all;
	unsigned first;

	collect(parameters, name, &all);
	first = all.has[0] || !all.has[1] ? 0 : 1;
	*ret_charset = (slice){ 0 };
	*ret_extended = all.has_whole || all.has[first];
	if (all.has_whole) {
		*ret_charset = take_charset(&all.whole);
		append(out, &all.whole, true);
		return true;
	}
	if (!all.has[first]) {
		if (all.has_plain)
			append(out, &all.plain, false);
		return all.has_plain;
	}
	if (all.extended[first])
		*ret_charset = take_charset(&all.numbered[first]);
	for (unsigned i = first; i < PARAMETER_PIECES_MAX && all.has[i]; i++)
		append(out, &all.numbered[i], all.extended[i]);
	return true;
}

slice parameter_text(slice parameters, slice name, struct charsets *charsets,
    struct arena *arena)
{
	struct buffer bytes = buffer_init(arena->heap, PARAMETER_MAX);
	struct buffer text = buffer_init(arena->heap, PARAMETER_MAX);
	slice charset, result = { 0 };
	bool extended;

	if (parameter_join(parameters, name, &bytes, &charset, &extended)) {
		if (charset.len > 0)
			(void)charset_decode(charsets, charset, buffer_bytes(&bytes), &text);
		else
			header_text_decode(charsets, (slice){ 0 }, buffer_bytes(&bytes), &text);
		result = slice_copy(arena, buffer_bytes(&text));
		if (result.ptr == NULL)
			result = slice_lit("");
	}
	buffer_free(&bytes);
	buffer_free(&text);
	return result;
}
