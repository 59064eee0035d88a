/* imap/search.h - what SEARCH asks for (RFC 9051 s6.4.4, s9 search-key; RFC 3501 s6.4.4;
 * RFC 5032 WITHIN, RFC 7162 MODSEQ, RFC 8474 OBJECTID, RFC 8514 SAVEDATE).
 *
 * A flat list of keys, each before what it is made of, so that nothing recurses: keys[0] is
 * the IMAP_KEY_AND of all. What a message needs to be looked at for is looked at last, and only
 * while the answer hangs on it. */
#ifndef IMAP_SEARCH_H
#define IMAP_SEARCH_H

#include "base/limits.h"
#include "imap/parse.h"
#include "imap/sequence.h"

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
	uint32_t parent;                /* what it is in */
	uint32_t children;              /* how many it is made of */
	bool without;
	uint32_t bits, mask;            /* of enum imap_flag */
	slice name, text;
	int64_t days;
	uint64_t number;
	struct imap_set set;            /* of NUMBERS and UIDS, once it is prepared */
};

struct imap_search {
	struct imap_key *keys;          /* of the arena */
	size_t n;
	slice charset;                  /* empty: none was said */
	/* RETURN (...), RFC 9051 s6.4.4; `returns`: it was there. Without options it is ALL. */
	bool returns, min, max, all, count, save;
	bool modseq;                    /* a key asks for mod-sequences */
	unsigned n_fields;              /* keys that look into the header */
};

/* What follows SEARCH or UID SEARCH and its space. */
bool imap_take_search(struct imap_parse *p, struct imap_search *ret);

/* What it takes to judge a key that is made of no others. */
enum imap_key_cost {
	IMAP_COST_NONE,
	IMAP_COST_HEADER,
	IMAP_COST_ALL,
};

enum imap_key_cost imap_key_cost(const struct imap_key *key);

enum imap_answer { IMAP_UNKNOWN, IMAP_NO, IMAP_YES };

/* What is known of one message and a key. */
struct imap_key_state {
	enum imap_answer answer;
	uint32_t left;                  /* of its children, those that it hangs on */
};

/* Of no key anything is known: states[n]. */
void imap_search_begin(const struct imap_search *search, struct imap_key_state *states);

/* Ask for keys that cost at most so much, as long as the answer, which is returned, hangs on
 * them: `match` says whether the message fits one. */
enum imap_answer imap_search_go(const struct imap_search *search, enum imap_key_cost most,
    bool (*match)(void *context, const struct imap_key *key), void *context,
    struct imap_key_state *states);

#endif
