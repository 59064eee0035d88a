/* imap/search.h - what SEARCH asks for (RFC 9051 s6.4.4, s9 search-key; RFC 3501 s6.4.4;
 * RFC 5032 WITHIN, RFC 7162 MODSEQ, RFC 8474 OBJECTID, RFC 8514 SAVEDATE).
 *
 * A flat list of keys, each before what it is made of, so that nothing recurses: keys[0] is
 * the IMAP_KEY_AND of all. The answer for a message is found from the last key to the first. */
#ifndef IMAP_SEARCH_H
#define IMAP_SEARCH_H

#include "base/limits.h"
#include "imap/parse.h"

enum imap_key_kind {
	IMAP_KEY_AND,                   /* all keys up to `end`, at least one */
	IMAP_KEY_OR,                    /* of two */
	IMAP_KEY_NOT,                   /* of one */
	IMAP_KEY_ALL,
	IMAP_KEY_FLAGS,                 /* has these `bits` of `mask` */
	IMAP_KEY_KEYWORD,               /* has it, or when `without`, has not */
	IMAP_KEY_RECENT,                /* \Recent; when `without`, not */
	IMAP_KEY_NEW,                   /* recent and not seen */
	IMAP_KEY_NUMBERS, IMAP_KEY_UIDS,        /* text: a set, or "$" */
	IMAP_KEY_HEADER,                /* the field `name` has `text`; empty: is there */
	IMAP_KEY_BODY, IMAP_KEY_TEXT,   /* text */
	IMAP_KEY_BEFORE, IMAP_KEY_ON, IMAP_KEY_SINCE,           /* days: INTERNALDATE */
	IMAP_KEY_SENT_BEFORE, IMAP_KEY_SENT_ON, IMAP_KEY_SENT_SINCE,    /* days: Date */
	IMAP_KEY_SAVED_BEFORE, IMAP_KEY_SAVED_ON, IMAP_KEY_SAVED_SINCE,
	IMAP_KEY_SAVEDATE_SUPPORTED,
	IMAP_KEY_LARGER, IMAP_KEY_SMALLER,      /* number: octets */
	IMAP_KEY_OLDER, IMAP_KEY_YOUNGER,       /* number: seconds */
	IMAP_KEY_MODSEQ,                /* number: this or a later one */
	IMAP_KEY_EMAILID, IMAP_KEY_THREADID,    /* text */
};

struct imap_key {
	enum imap_key_kind kind;
	uint32_t end;                   /* what it is made of: the keys up to this one, without it */
	bool without;
	uint32_t bits, mask;            /* of enum imap_flag */
	slice name, text;
	int64_t days;
	uint64_t number;
};

struct imap_search {
	struct imap_key *keys;          /* of the arena */
	size_t n;
	slice charset;                  /* empty: none was said */
	/* RETURN (...), RFC 9051 s6.4.4; `returns`: it was there. Without options it is ALL. */
	bool returns, min, max, all, count, save;
	bool modseq;                    /* a key asks for mod-sequences */
};

/* What follows SEARCH or UID SEARCH and its space. */
bool imap_take_search(struct imap_parse *p, struct imap_search *ret);

/* The answer for one message: `match` says it of a key that is made of no others. */
bool imap_search_fits(const struct imap_search *search,
    bool (*match)(void *context, const struct imap_key *key), void *context, bool *scratch);

#endif
