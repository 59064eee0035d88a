/* imap/parse.h - the tokens of a command (RFC 9051 s9; RFC 3501 s9).
 *
 *   struct imap_parse p = imap_parse_begin(text, arena);
 *   if (imap_take_atom(&p, &tag) && imap_take_space(&p) && ...) ...
 *   else "BAD", imap_parse_position(&p), p.wanted
 *
 * A command is whole, with its literals where they stand, and without its last CR LF. Each
 * function takes what it names off the front, or says false: then p.rest is at what does not
 * fit, and p.wanted says what should be there. Slices are borrowed from the text, or of the
 * arena, which must have IMAP_PARSE_ARENA_MAX. */
#ifndef IMAP_PARSE_H
#define IMAP_PARSE_H

#include "base/arena.h"

struct imap_parse {
	slice rest;
	const unsigned char *start;
	struct arena *arena;
	const char *wanted;             /* "a space"; what was asked for last and is not there */
};

struct imap_parse imap_parse_begin(slice text, struct arena *arena);

/* Where the rest begins, from 1. */
size_t imap_parse_position(const struct imap_parse *p);

/* Does the rest begin with it? */
bool imap_sees(const struct imap_parse *p, unsigned char c);

bool imap_take(struct imap_parse *p, unsigned char c, const char *wanted);
bool imap_take_space(struct imap_parse *p);
bool imap_take_end(struct imap_parse *p);

/* tag, up to a space or the end; atom; and a word that is written in letters of any case, whole. */
bool imap_take_tag(struct imap_parse *p, slice *ret);
bool imap_take_atom(struct imap_parse *p, slice *ret);
bool imap_take_word(struct imap_parse *p, const char *word);
/* The same, but nothing is wanted: a way that a command may go. */
bool imap_skip_word(struct imap_parse *p, const char *word);

/* number, at most max; nz-number. */
bool imap_take_number(struct imap_parse *p, uint64_t max, uint64_t *ret);
bool imap_take_nz_number(struct imap_parse *p, uint64_t max, uint64_t *ret);

/* string: quoted, or a literal of any kind ({n}, {n+}, ~{n}), of which *ret_binary, if it is
 * not NULL, says whether it is literal8. Octets of 8 bits are taken in quotes, NUL nowhere but in
 * literal8. */
bool imap_take_string(struct imap_parse *p, slice *ret, bool *ret_binary);
bool imap_take_astring(struct imap_parse *p, slice *ret);
bool imap_take_nstring(struct imap_parse *p, slice *ret);        /* NIL: ptr is NULL */

/* mailbox, in UTF-8, INBOX spelt so. utf8: as it stands (RFC 9051 s5.1); else it is modified
 * UTF-7, and what is none is taken as UTF-8 if it is that. Any name: imap_name_judge() judges. */
bool imap_take_mailbox(struct imap_parse *p, bool utf8, slice *ret);
/* list-mailbox, likewise: with "*" and "%". */
bool imap_take_pattern(struct imap_parse *p, bool utf8, slice *ret);

/* sequence-set, or "$" (RFC 5182); for imap_set_read(). */
bool imap_take_set(struct imap_parse *p, slice *ret);

enum imap_flag {
	IMAP_ANSWERED = 1 << 0,
	IMAP_FLAGGED = 1 << 1,
	IMAP_DELETED = 1 << 2,
	IMAP_SEEN = 1 << 3,
	IMAP_DRAFT = 1 << 4,
};

struct imap_flags {
	uint32_t bits;
	slice *keywords;                /* as written; at most IMAP_KEYWORDS_MAX */
	size_t n;
};

/* flag; one that is asked for by its name. "\Recent", which nobody may set, is none. */
bool imap_take_flag(struct imap_parse *p, struct imap_flags *flags);
/* flag-list in parentheses; bare: or flags with spaces between them, as STORE takes them. */
bool imap_take_flags(struct imap_parse *p, bool bare, struct imap_flags *ret);

/* date, in quotes or not, in days since 1970; date-time in seconds. */
bool imap_take_date(struct imap_parse *p, int64_t *ret_days);
bool imap_take_date_time(struct imap_parse *p, int64_t *ret_seconds);

#endif
