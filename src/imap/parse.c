/* imap/parse.c - from the front of what is left. */
#include "imap/parse.h"

#include <string.h>

#include "base/limits.h"
#include "imap/mailbox.h"
#include "imap/time.h"
#include "mail/utf8.h"

struct imap_parse imap_parse_begin(slice text, struct arena *arena)
{
	return (struct imap_parse){ .rest = text, .start = text.ptr, .arena = arena, .wanted = "" };
}

size_t imap_parse_position(const struct imap_parse *p)
{
	return (size_t)(p->rest.ptr - p->start) + 1;
}

static bool fail(struct imap_parse *p, const char *wanted)
{
	p->wanted = wanted;
	return false;
}

bool imap_sees(const struct imap_parse *p, unsigned char c)
{
	return p->rest.len > 0 && p->rest.ptr[0] == c;
}

bool imap_take(struct imap_parse *p, unsigned char c, const char *wanted)
{
	if (!imap_sees(p, c))
		return fail(p, wanted);
	p->rest = slice_drop(p->rest, 1);
	return true;
}

bool imap_take_space(struct imap_parse *p)
{
	return imap_take(p, ' ', "a space");
}

bool imap_take_end(struct imap_parse *p)
{
	return p->rest.len == 0 || fail(p, "the end of the command");
}

/* ---- words ---- */

/* atom-specials but "]", which ends no atom: CHAR without CTL, and not these. */
static bool is_atom(unsigned char c)
{
	return c > ' ' && c < 0x7f && strchr("(){%*\"\\]", c) == NULL;
}

static bool is_astring(unsigned char c)
{
	return is_atom(c) || c == ']';
}

static bool is_tag(unsigned char c)
{
	return is_astring(c) && c != '+';
}

static bool is_pattern(unsigned char c)
{
	return is_astring(c) || c == '%' || c == '*';
}

static bool is_set(unsigned char c)
{
	return (c >= '0' && c <= '9') || c == ',' || c == ':' || c == '*';
}

static bool take_while(struct imap_parse *p, bool (*is)(unsigned char), const char *wanted,
    slice *ret)
{
	size_t n = 0;

	while (n < p->rest.len && is(p->rest.ptr[n]))
		n++;
	if (n == 0)
		return fail(p, wanted);
	*ret = slice_head(p->rest, n);
	p->rest = slice_drop(p->rest, n);
	return true;
}

bool imap_take_tag(struct imap_parse *p, slice *ret)
{
	struct imap_parse before = *p;
	slice tag;

	if (!take_while(p, is_tag, "a tag, such as A1", &tag))
		return false;
	/* Half of one is none: the reply would go to another command. */
	if (p->rest.len > 0 && !imap_sees(p, ' '))
		return fail(p, "a character that a tag may have, or a space");
	if (tag.len > IMAP_TAG_MAX) {
		p->rest = before.rest;
		return fail(p, "a shorter tag");
	}
	*ret = tag;
	return true;
}

bool imap_take_atom(struct imap_parse *p, slice *ret)
{
	return take_while(p, is_atom, "an atom", ret);
}

bool imap_skip_word(struct imap_parse *p, const char *word)
{
	slice wanted = slice_from(word);

	if (!slice_starts_ascii(p->rest, wanted) ||
	    (p->rest.len > wanted.len && is_atom(p->rest.ptr[wanted.len]) &&
	    is_atom(wanted.ptr[wanted.len - 1])))
		return false;
	p->rest = slice_drop(p->rest, wanted.len);
	return true;
}

bool imap_take_word(struct imap_parse *p, const char *word)
{
	return imap_skip_word(p, word) || fail(p, word);
}

/* ---- numbers ---- */

static bool take_digits(struct imap_parse *p, uint64_t max, const char *wanted, uint64_t *ret)
{
	size_t n = 0;

	while (n < p->rest.len && p->rest.ptr[n] >= '0' && p->rest.ptr[n] <= '9')
		n++;
	if (n == 0)
		return fail(p, wanted);
	if (!slice_to_u64(slice_head(p->rest, n), max, ret))
		return fail(p, "a smaller number");
	p->rest = slice_drop(p->rest, n);
	return true;
}

bool imap_take_number(struct imap_parse *p, uint64_t max, uint64_t *ret)
{
	return take_digits(p, max, "a number", ret);
}

bool imap_take_nz_number(struct imap_parse *p, uint64_t max, uint64_t *ret)
{
	if (imap_sees(p, '0'))
		return fail(p, "a number that begins with no 0");
	return take_digits(p, max, "a number", ret);
}

/* ---- strings ---- */

/* How long what stands in quotes is, up to the quote or what may not stand there;
 * *ret_escaped: with backslashes in it. */
static size_t quoted_length(slice in, bool *ret_escaped)
{
	size_t i = 0;

	*ret_escaped = false;
	for (; i < in.len && in.ptr[i] != '"'; i++) {
		unsigned char c = in.ptr[i];

		if (c == 0 || c == '\r' || c == '\n')
			break;
		if (c != '\\')
			continue;
		if (i + 1 == in.len || (in.ptr[i + 1] != '"' && in.ptr[i + 1] != '\\'))
			break;
		*ret_escaped = true;
		i++;
	}
	return i;
}

/* quoted = DQUOTE *QUOTED-CHAR DQUOTE */
static bool take_quoted(struct imap_parse *p, slice *ret)
{
	slice in = slice_drop(p->rest, 1), text;
	unsigned char *plain;
	bool escaped;
	size_t n = 0;

	text = slice_head(in, quoted_length(in, &escaped));
	if (text.len == in.len || in.ptr[text.len] != '"') {
		p->rest = slice_drop(in, text.len);
		return fail(p, text.len == in.len ? "the quote that ends the string" :
		    "a character that may stand in quotes");
	}
	p->rest = slice_drop(in, text.len + 1);
	*ret = text;
	if (!escaped)
		return true;
	plain = arena_new(p->arena, unsigned char, text.len);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\\')
			i++;
		plain[n++] = text.ptr[i];
	}
	*ret = slice_of(plain, n);
	return true;
}

/* literal = "{" number64 ["+"] "}" CRLF *CHAR8; literal8 has a "~" before it. */
static bool take_literal(struct imap_parse *p, slice *ret, bool *ret_binary)
{
	struct imap_parse q = *p;
	bool binary = imap_sees(&q, '~');
	uint64_t len = 0;

	if (binary)
		q.rest = slice_drop(q.rest, 1);
	if (!imap_take(&q, '{', "a string") || !imap_take_number(&q, SIZE_MAX, &len) ||
	    (imap_sees(&q, '+') && !imap_take(&q, '+', "")) || !imap_take(&q, '}', "}") ||
	    !imap_take(&q, '\r', "a line end") || !imap_take(&q, '\n', "a line end")) {
		p->rest = q.rest;
		return fail(p, q.wanted);
	}
	if (len > q.rest.len) {
		p->rest = q.rest;
		return fail(p, "as much as was announced");
	}
	if (!binary && slice_find_byte(slice_head(q.rest, len), 0) < len)
		return fail(p, "a literal without NUL");
	*ret = slice_head(q.rest, len);
	p->rest = slice_drop(q.rest, len);
	if (ret_binary != NULL)
		*ret_binary = binary;
	return true;
}

bool imap_take_string(struct imap_parse *p, slice *ret, bool *ret_binary)
{
	if (ret_binary != NULL)
		*ret_binary = false;
	if (imap_sees(p, '"'))
		return take_quoted(p, ret);
	if (imap_sees(p, '{') || imap_sees(p, '~'))
		return take_literal(p, ret, ret_binary);
	return fail(p, "a string");
}

static bool is_string(const struct imap_parse *p)
{
	return imap_sees(p, '"') || imap_sees(p, '{');
}

bool imap_take_astring(struct imap_parse *p, slice *ret)
{
	return is_string(p) ? imap_take_string(p, ret, NULL) :
	    take_while(p, is_astring, "an atom or a string", ret);
}

bool imap_take_nstring(struct imap_parse *p, slice *ret)
{
	if (imap_skip_word(p, "NIL")) {
		*ret = (slice){ 0 };
		return true;
	}
	return imap_take_string(p, ret, NULL) || fail(p, "a string or NIL");
}

/* ---- mailboxes ---- */

/* As UTF-8; patterns too, since neither "*" nor "%" is a digit of base 64. */
static bool read_name(struct imap_parse *p, bool utf8, slice *name)
{
	struct buffer out;
	bool ok;

	if (imap_name_is_inbox(*name)) {
		*name = slice_lit("INBOX");
		return true;
	}
	if (!utf8 && slice_find_byte(*name, '&') < name->len && slice_is_ascii(*name)) {
		out = buffer_init(p->arena->heap, name->len);
		ok = imap_utf7_read(*name, &out);
		if (ok)
			*name = slice_copy(p->arena, buffer_bytes(&out));
		buffer_free(&out);
		return ok || fail(p, "a name in modified UTF-7");
	}
	return utf8_valid(*name) || fail(p, "a name in UTF-8");
}

bool imap_take_mailbox(struct imap_parse *p, bool utf8, slice *ret)
{
	struct imap_parse before = *p;

	if (!imap_take_astring(p, ret))
		return false;
	if (read_name(p, utf8, ret))
		return true;
	p->rest = before.rest;
	return false;
}

bool imap_take_pattern(struct imap_parse *p, bool utf8, slice *ret)
{
	struct imap_parse before = *p;

	if (!(is_string(p) ? imap_take_string(p, ret, NULL) :
	    take_while(p, is_pattern, "a mailbox or a pattern", ret)))
		return false;
	if (read_name(p, utf8, ret))
		return true;
	p->rest = before.rest;
	return false;
}

bool imap_take_set(struct imap_parse *p, slice *ret)
{
	if (imap_sees(p, '$')) {
		*ret = slice_head(p->rest, 1);
		p->rest = slice_drop(p->rest, 1);
		return true;
	}
	return take_while(p, is_set, "a set of numbers", ret);
}

/* ---- flags ---- */

static bool add_keyword(struct imap_parse *p, slice keyword, struct imap_flags *flags)
{
	if (flags->keywords == NULL)
		flags->keywords = arena_new(p->arena, slice, IMAP_KEYWORDS_MAX);
	for (size_t i = 0; i < flags->n; i++) {
		if (slice_equal_ascii(flags->keywords[i], keyword))
			return true;
	}
	if (flags->n == IMAP_KEYWORDS_MAX)
		return fail(p, "fewer keywords");
	flags->keywords[flags->n++] = keyword;
	return true;
}

bool imap_take_flag(struct imap_parse *p, struct imap_flags *flags)
{
	static const struct {
		const char *name;
		enum imap_flag bit;
	} rows[] = {
		{ "\\Answered", IMAP_ANSWERED }, { "\\Flagged", IMAP_FLAGGED },
		{ "\\Deleted", IMAP_DELETED }, { "\\Seen", IMAP_SEEN }, { "\\Draft", IMAP_DRAFT },
	};
	struct imap_parse before = *p;
	slice keyword;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (imap_skip_word(p, rows[i].name)) {
			flags->bits |= rows[i].bit;
			return true;
		}
	}
	if (imap_sees(p, '\\'))
		return fail(p, "\\Answered, \\Flagged, \\Deleted, \\Seen, \\Draft or a keyword");
	if (!imap_take_atom(p, &keyword))
		return fail(p, "a flag");
	if (keyword.len <= IMAP_KEYWORD_MAX)
		return add_keyword(p, keyword, flags);
	p->rest = before.rest;
	return fail(p, "a shorter keyword");
}

bool imap_take_flags(struct imap_parse *p, bool bare, struct imap_flags *ret)
{
	bool list = imap_sees(p, '(');

	*ret = (struct imap_flags){ 0 };
	if (!list && !bare)
		return fail(p, "(");
	if (list)
		p->rest = slice_drop(p->rest, 1);
	if (list && imap_sees(p, ')'))
		return imap_take(p, ')', ")");
	do {
		if (!imap_take_flag(p, ret))
			return false;
	} while (imap_sees(p, ' ') && imap_take_space(p));
	return !list || imap_take(p, ')', ")");
}

/* ---- dates ---- */

static bool is_date(unsigned char c)
{
	return is_atom(c);
}

bool imap_take_date(struct imap_parse *p, int64_t *ret_days)
{
	struct imap_parse before = *p;
	slice text;

	if ((imap_sees(p, '"') ? take_quoted(p, &text) : take_while(p, is_date, "a date", &text)) &&
	    imap_date_read(text, ret_days))
		return true;
	p->rest = before.rest;
	return fail(p, "a date such as 1-Feb-1994");
}

bool imap_take_date_time(struct imap_parse *p, int64_t *ret_seconds)
{
	struct imap_parse before = *p;
	slice text;

	if (imap_sees(p, '"') && take_quoted(p, &text) && imap_time_read(text, ret_seconds))
		return true;
	p->rest = before.rest;
	return fail(p, "a date and time such as \"17-Jul-1996 02:44:25 -0700\"");
}
