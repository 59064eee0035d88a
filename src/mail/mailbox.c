/* mail/mailbox.c - address-list = (address *("," address)) / obs-addr-list.
 *
 * Each member begins with words. What stands behind them says what they were:
 * "<" a display-name, ":" a group's name, anything else an addr-spec, which is
 * then read again from its start. So each byte is read at most twice. */
#include "mail/mailbox.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "mail/cfws.h"
#include "mail/utf8.h"

struct mailbox_reader mailbox_reader_init(slice value)
{
	return (struct mailbox_reader){ .rest = value };
}

/* RFC 5322 s3.2.3, with UTF-8 (RFC 6532 s3.2). */
static bool is_atext(unsigned char c)
{
	return c > 127 || (c > ' ' && c != 127 && strchr("()<>[]:;@\\,.\"", c) == NULL);
}

static unsigned char first(slice in)
{
	return in.len > 0 ? in.ptr[0] : 0;
}

static bool take_atom(slice *in, slice *ret_atom)
{
	size_t n = 0;

	while (n < in->len && is_atext(in->ptr[n]))
		n++;
	if (n == 0)
		return false;
	*ret_atom = slice_head(*in, n);
	*in = slice_drop(*in, n);
	return true;
}

/* What stands between `close` and its opening partner, backslashes kept. */
static bool take_enclosed(slice *in, unsigned char close, slice *ret_inner)
{
	for (size_t i = 1; i < in->len; i++) {
		if (in->ptr[i] == '\\') {
			i++;
		} else if (in->ptr[i] == close) {
			*ret_inner = slice_sub(*in, 1, i - 1);
			*in = slice_drop(*in, i + 1);
			return true;
		} else if (in->ptr[i] == 0) {
			return false;
		}
	}
	return false;
}

/* word = atom / quoted-string */
static bool take_word(slice *in, slice *ret_word, bool *ret_quoted)
{
	*ret_quoted = first(*in) == '"';
	return *ret_quoted ? take_enclosed(in, '"', ret_word) : take_atom(in, ret_word);
}

/* One side of an address, as it is put together. */
struct part {
	unsigned char bytes[MAILBOX_PART_MAX];
	size_t n;
};

/* Append what a word, or what stood in brackets, means: backslashes undone,
 * folds taken out (a fold's own blanks stay, as in unfolding). */
static bool append_plain(struct part *out, slice inner)
{
	if (inner.len > sizeof out->bytes - out->n)
		return false;
	for (size_t i = 0; i < inner.len; i++) {
		if (inner.ptr[i] == '\\' && i + 1 < inner.len)
			i++;
		else if (inner.ptr[i] == '\r' || inner.ptr[i] == '\n')
			continue;
		out->bytes[out->n++] = inner.ptr[i];
	}
	return true;
}

/* A dot off the front of *in, and onto the part. */
static bool take_dot(slice *in, struct part *out)
{
	*in = slice_drop(*in, 1);
	return append_plain(out, slice_lit("."));
}

/* local-part = dot-atom / quoted-string / obs-local-part, where obs-local-part =
 * word *("." word). Gives what it means, without quotes. */
static bool take_local(slice *in, struct part *ret_plain)
{
	bool quoted;
	slice word;

	ret_plain->n = 0;
	while (cfws_skip(in) && take_word(in, &word, &quoted)) {
		if (!append_plain(ret_plain, word) || !cfws_skip(in))
			return false;
		if (first(*in) != '.')
			return true;
		if (!take_dot(in, ret_plain))
			return false;
	}
	return false;
}

/* domain = dot-atom / domain-literal / obs-domain, where obs-domain = atom
 * *("." atom) */
static bool take_domain(slice *in, struct part *ret_domain)
{
	slice word;

	ret_domain->n = 0;
	if (!cfws_skip(in))
		return false;
	if (first(*in) == '[') {
		return take_enclosed(in, ']', &word) && append_plain(ret_domain, slice_lit("[")) &&
		    append_plain(ret_domain, word) && append_plain(ret_domain, slice_lit("]")) &&
		    cfws_skip(in);
	}
	while (cfws_skip(in) && take_atom(in, &word)) {
		if (!append_plain(ret_domain, word) || !cfws_skip(in))
			return false;
		if (first(*in) != '.')
			return true;
		if (!take_dot(in, ret_domain))
			return false;
	}
	return false;
}

/* addr-spec = local-part "@" domain */
static bool take_addr_spec(slice *in, struct arena *arena, struct address *ret)
{
	struct part local, domain;

	if (!take_local(in, &local) || first(*in) != '@')
		return false;
	*in = slice_drop(*in, 1);
	if (!take_domain(in, &domain))
		return false;
	*ret = address_join(arena, local_quoted(arena, slice_of(local.bytes, local.n)),
	    slice_of(domain.bytes, domain.n));
	return utf8_valid(ret->whole);
}

/* obs-route = obs-domain-list ":", where obs-domain-list = *(CFWS / ",") "@"
 * domain *("," [CFWS] ["@" domain]) */
static bool skip_route(slice *in)
{
	struct part ignored;

	if (!cfws_skip(in))
		return false;
	if (first(*in) != '@' && first(*in) != ',')
		return true;
	while (first(*in) == '@' || first(*in) == ',') {
		bool at = first(*in) == '@';

		*in = slice_drop(*in, 1);
		if (at ? !take_domain(in, &ignored) : !cfws_skip(in))
			return false;
	}
	if (first(*in) != ':')
		return false;
	*in = slice_drop(*in, 1);
	return true;
}

/* angle-addr = [CFWS] "<" [obs-route] addr-spec ">" [CFWS] */
static bool take_angle(slice *in, struct arena *arena, struct address *ret)
{
	*in = slice_drop(*in, 1);
	if (!skip_route(in) || !take_addr_spec(in, arena, ret) || first(*in) != '>')
		return false;
	*in = slice_drop(*in, 1);
	return cfws_skip(in);
}

/* phrase = 1*word / obs-phrase, which has dots too: everything up to what says
 * what it was. False when it is none of the three. */
static bool skip_phrase(slice *in)
{
	slice word;
	bool quoted;

	for (;;) {
		if (!cfws_skip(in))
			return false;
		if (first(*in) == '.')
			*in = slice_drop(*in, 1);
		else if (!take_word(in, &word, &quoted))
			return !quoted;
	}
}

/* The trimmed phrase, without its quotes if it is one quoted-string. */
static slice phrase_shown(slice phrase)
{
	slice rest, inner;

	while (phrase.len > 0 && phrase.ptr[phrase.len - 1] <= ' ')
		phrase.len--;
	rest = phrase;
	if (first(phrase) == '"' && take_enclosed(&rest, '"', &inner) && rest.len == 0)
		return inner;
	return phrase;
}

/* Pass over commas and group ends. False when a comment is broken. */
static bool skip_separators(struct mailbox_reader *r)
{
	for (;;) {
		if (!cfws_skip(&r->rest))
			return false;
		if (first(r->rest) == ';' && r->in_group) {
			r->in_group = false;
			r->group = (slice){ 0 };
		} else if (first(r->rest) != ',') {
			return true;
		}
		r->rest = slice_drop(r->rest, 1);
	}
}

/* What follows a mailbox must end it. */
static bool at_separator(const struct mailbox_reader *r)
{
	return r->rest.len == 0 || first(r->rest) == ',' || first(r->rest) == ';';
}

enum mailbox_result mailbox_next(struct mailbox_reader *r, struct arena *arena,
    struct mailbox *ret)
{
	for (;;) {
		struct mailbox m = { 0 };
		slice start, phrase;
		bool ok;

		if (!skip_separators(r))
			return MAILBOX_BAD;
		if (r->rest.len == 0)
			return MAILBOX_END;
		start = r->rest;
		if (r->n >= MAILBOX_LIST_MAX || !skip_phrase(&r->rest))
			return MAILBOX_BAD;
		phrase = phrase_shown(slice_head(start, start.len - r->rest.len));
		if (first(r->rest) == ':' && !r->in_group && phrase.len > 0) {
			r->rest = slice_drop(r->rest, 1);
			r->in_group = true;
			r->group = phrase;
			continue;
		}
		if (first(r->rest) == '<') {
			m.name = phrase;
			ok = take_angle(&r->rest, arena, &m.address);
		} else {
			r->rest = start;
			ok = take_addr_spec(&r->rest, arena, &m.address);
		}
		if (!ok || !at_separator(r))
			return MAILBOX_BAD;
		m.group = r->group;
		r->n++;
		*ret = m;
		return MAILBOX_OK;
	}
}
