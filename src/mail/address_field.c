/* mail/address_field.c - cut at commas, colons and semicolons; then one by one. */
#include "mail/address_field.h"

#include <string.h>

#include "base/limits.h"
#include "mail/cfws.h"
#include "mail/header_text.h"
#include "mail/mailbox.h"
#include "mail/shown.h"

/* For one mailbox at a time: what mailbox_next() wants. */
enum { SCRATCH = 16 * MAILBOX_PART_MAX };

/* What decodes names, and where they go. */
struct reader {
	struct charsets *charsets;
	slice label;
	struct arena *arena;
	struct arena scratch;
};

struct splitter {
	slice rest;
	bool in_group;
	/* No partner of these is left, so that looking for it again is in vain. */
	bool no_quote, no_comment, no_angle, no_literal;
};

/* Length of the quoted-string, or 0. */
static size_t quoted_length(slice in)
{
	for (size_t i = 1; i < in.len; i++) {
		if (in.ptr[i] == '\\')
			i++;
		else if (in.ptr[i] == '"')
			return i + 1;
	}
	return 0;
}

static size_t up_to(slice in, unsigned char close)
{
	size_t n = slice_find_byte(in, close);

	return n < in.len ? n + 1 : 0;
}

/* How much belongs together from here on: what is enclosed, or a byte. */
static size_t unit(struct splitter *s, slice in)
{
	bool *gone;
	size_t n;

	switch (in.ptr[0]) {
	case '"':
		gone = &s->no_quote;
		n = *gone ? 0 : quoted_length(in);
		break;
	case '(':
		gone = &s->no_comment;
		n = *gone ? 0 : cfws_comment(in);
		break;
	case '<':
		gone = &s->no_angle;
		n = *gone ? 0 : up_to(in, '>');
		break;
	case '[':
		gone = &s->no_literal;
		n = *gone ? 0 : up_to(in, ']');
		break;
	case '\\':
		return in.len > 1 ? 2 : 1;
	default:
		return 1;
	}
	*gone = n == 0;
	return n > 0 ? n : 1;
}

/* The next member, and what ended it: ',', ';', ':' (of a group's name), or 0. */
static slice take_member(struct splitter *s, unsigned char *ret_end)
{
	slice all = s->rest;
	size_t n = 0;

	*ret_end = 0;
	while (n < all.len) {
		unsigned char c = all.ptr[n];

		if (c == ',' || c == ';' || (c == ':' && !s->in_group)) {
			*ret_end = c;
			s->rest = slice_drop(all, n + 1);
			return cfws_trim(slice_head(all, n));
		}
		n += unit(s, slice_drop(all, n));
	}
	s->rest = slice_drop(all, n);
	return cfws_trim(all);
}

/* ---- what a member says ---- */

static size_t without_backslashes(slice text, unsigned char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\\' && i + 1 < text.len)
			i++;
		out[n++] = text.ptr[i];
	}
	return n;
}

/* As it is shown; as it stands, but for folds, when nothing is to be decoded. */
static slice text_of(const struct reader *r, slice text, size_t text_max)
{
	unsigned char *copy;
	size_t n = 0;

	if (r->charsets != NULL)
		return header_text(r->charsets, r->label, text, text_max, r->arena);
	copy = arena_new(r->arena, unsigned char, text.len + 1);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != '\r' && text.ptr[i] != '\n')
			copy[n++] = text.ptr[i];
	}
	return slice_of(copy, n);
}

/* A phrase without quotes, backslashes and comments; what stood in a comment if that is
 * all. */
static slice shown(const struct reader *r, slice phrase)
{
	struct splitter s = { 0 };
	unsigned char *plain = heap_alloc(r->arena->heap, phrase.len + 1);
	slice comment = { 0 }, name;
	size_t n = 0;

	while (phrase.len > 0) {
		size_t length = unit(&s, phrase);
		slice part = slice_head(phrase, length);

		phrase = slice_drop(phrase, length);
		if (length > 1 && part.ptr[0] == '(') {
			if (comment.len == 0)
				comment = part;
			continue;
		}
		if (length > 1 && part.ptr[0] == '"')
			part = slice_sub(part, 1, length - 2);
		n += without_backslashes(part, plain + n);
	}
	name = cfws_trim(slice_of(plain, n));
	if (name.len == 0 && comment.len > 0) {
		n = without_backslashes(slice_sub(comment, 1, comment.len - 2), plain);
		name = slice_of(plain, n);
	}
	name = text_of(r, name, HEADER_TEXT_MAX);
	heap_free(r->arena->heap, plain);
	return name;
}

/* As mail/mailbox.h has it, of an address that can be shown. */
static bool read_strictly(slice text, struct arena *scratch, struct mailbox *ret)
{
	struct mailbox_reader r = mailbox_reader_init(text);
	struct mailbox more;

	return mailbox_next(&r, scratch, ret) == MAILBOX_OK &&
	    mailbox_next(&r, scratch, &more) == MAILBOX_END && shown_is_plain(ret->address.whole);
}

/* What stands in the last brackets, or the last word if it has an @ in it. */
static bool find_address(slice text, slice *ret_name, slice *ret_address)
{
	size_t open = slice_find_last_byte(text, '<'), word = text.len;
	slice inside = slice_drop(text, open);

	if (open == text.len) {
		while (word > 0 && !cfws_is_blank(text.ptr[word - 1]))
			word--;
		open = word;
		inside = slice_drop(text, word);
		if (slice_find_byte(inside, '@') == inside.len)
			return false;
	} else {
		inside = slice_drop(inside, 1);
	}
	*ret_name = cfws_trim(slice_head(text, open));
	*ret_address = cfws_trim(slice_head(inside, slice_find_byte(inside, '>')));
	return ret_address->len > 0 && ret_address->len <= MAILBOX_PART_MAX;
}

static void set_address(struct address_member *m, slice address, slice local, slice domain,
    struct arena *arena)
{
	m->address = slice_copy(arena, address);
	m->local = slice_sub(m->address, 0, local.len);
	m->domain = slice_sub(m->address, m->address.len - domain.len, domain.len);
}

/* The display-name in front of the angle brackets; without one, the comment behind the address
 * may be a name (RFC 5322 s3.4, the note). */
static slice name_of(slice text, const struct mailbox *mailbox)
{
	struct splitter s = { 0 };
	slice comment = { 0 };

	for (size_t n = 0, length; n < text.len; n += length) {
		slice rest = slice_drop(text, n);

		length = unit(&s, rest);
		if (mailbox->name.len > 0 && rest.ptr[0] == '<')
			return slice_head(text, n);
		if (rest.ptr[0] != '(' && !cfws_is_blank(rest.ptr[0]))
			comment = (slice){ 0 };
		else if (rest.ptr[0] == '(' && comment.len == 0)
			comment = slice_head(rest, length);
	}
	return comment;
}

static void read_member(struct reader *r, struct address_member *m, slice text)
{
	struct mailbox mailbox;
	slice address;
	size_t at;

	m->kind = ADDRESS_MAILBOX;
	if (read_strictly(text, &r->scratch, &mailbox)) {
		m->written = mailbox.name;
		m->name = shown(r, name_of(text, &mailbox));
		set_address(m, mailbox.address.whole, mailbox.address.local, mailbox.address.domain,
		    r->arena);
	} else if (find_address(text, &m->written, &address)) {
		m->name = shown(r, m->written);
		address = text_of(r, address, 3 * MAILBOX_PART_MAX);
		at = slice_find_last_byte(address, '@');
		set_address(m, address, slice_head(address, at),
		    slice_drop(address, at < address.len ? at + 1 : at), r->arena);
	} else {
		m->kind = ADDRESS_UNREADABLE;
		m->written = text;
		m->name = shown(r, text);
	}
	arena_reset(&r->scratch);
}

/* Nothing but blanks and comments. */
static bool is_empty(slice text)
{
	return cfws_skip(&text) && text.len == 0;
}

static struct address_member *add(struct address_field *f, enum address_kind kind)
{
	struct address_member *m = &f->members[f->n++];

	m->kind = kind;
	return m;
}

/* Members come at least a comma apart. */
static size_t count(slice value)
{
	size_t n = 2;

	for (size_t i = 0; i < value.len; i++)
		n += value.ptr[i] == ',' || value.ptr[i] == ';' || value.ptr[i] == ':' ? 2 : 0;
	return n < MAILBOX_LIST_MAX ? n : MAILBOX_LIST_MAX;
}

struct address_field address_field_read(slice value, struct charsets *charsets, slice label,
    struct arena *arena)
{
	struct reader r = { charsets, label, arena, arena_init(arena->heap, SCRATCH) };
	struct splitter s = { .rest = value };
	struct address_field f = { 0 };
	size_t max;

	if (s.rest.len > ADDRESS_FIELD_MAX)
		s.rest.len = ADDRESS_FIELD_MAX;
	max = count(s.rest);
	f.members = arena_new(arena, struct address_member, max);
	while (s.rest.len > 0 && f.n + 2 <= max) {
		unsigned char end;
		slice text = take_member(&s, &end);

		if (end == ':') {
			struct address_member *m = add(&f, ADDRESS_GROUP);

			m->written = text;
			m->name = shown(&r, text);
			s.in_group = true;
			continue;
		}
		if (!is_empty(text))
			read_member(&r, add(&f, ADDRESS_MAILBOX), text);
		if (s.in_group && (end == ';' || s.rest.len == 0)) {
			add(&f, ADDRESS_GROUP_END);
			s.in_group = false;
		}
	}
	if (s.in_group && f.n < max)
		add(&f, ADDRESS_GROUP_END);
	return f;
}
