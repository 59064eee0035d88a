/* imap/work.h - what a command does with the text of messages, away from the loop.
 *
 *   engine: WORK event -> host: for each message, on a pool thread, its text
 *     imap_work_message(w, i, result, text)  -> back on the loop: imap_server_worked(s, w)
 *
 * A work has its own heap and shares nothing: the thread that runs it needs no lock. It is a
 * batch: some messages of a FETCH, answered in its `out`, or of a SEARCH, whose `hits` say
 * which fit. What needs no text (imap_fetch_needs(), imap_search_judge()) needs no work. */
#ifndef IMAP_WORK_H
#define IMAP_WORK_H

#include "base/arena.h"
#include "base/buffer.h"
#include "imap/digest.h"
#include "imap/fetch.h"
#include "imap/host.h"
#include "imap/search.h"
#include "mail/charset.h"

enum imap_work_need {
	IMAP_NEED_HEADER,               /* up to the blank line, or more */
	IMAP_NEED_ALL,
};

enum imap_text_result {
	IMAP_TEXT_OK,
	IMAP_TEXT_GONE,                 /* it was expunged, and its text is not there any more */
	IMAP_TEXT_DAMAGED,
	IMAP_TEXT_IO,                   /* the disk failed */
	IMAP_TEXT_LIMIT,                /* the work's own: the answer would be too long */
};

struct imap_work_item {
	uint32_t sequence;
	struct imap_message message;
	bool recent;                    /* \Recent in this session */
	bool flags_too;                 /* its FLAGS changed with this command: tell them */
	bool hit;                       /* SEARCH: it fits */
	/* Not OK: what needs its text is left out of its answer, or it is no hit. */
	enum imap_text_result result;
};

struct imap_work {
	struct heap *heap;              /* of all here; the host may use it, too */
	void *kept;                     /* the host's, of the heap: for the next batch as well */
	struct heap *owner;             /* with which it is dropped */
	/* The messages behind those of this, for another thread at the same time, and freed with it;
	 * NULL: none, nor are there when its n is 0. Has none itself. */
	struct imap_work *beside;
	enum imap_work_need need;
	/* The parts of a digest that it can be answered from (imap/digest.h); 0: it needs the text. */
	unsigned digest_parts;
	bool remembers;                 /* make digests: the host's to say */
	size_t n_read;                  /* messages whose text was looked at */
	struct buffer digest;           /* a record of the last of them; empty: it is too long */
	struct imap_work_item *items;
	size_t n, n_max;
	slice *keywords;                /* by bit: IMAP_FLAG_BITS of them; ptr NULL: there is none */

	const struct imap_fetch *fetch; /* of the heap; NULL: a search */
	bool uid;                       /* UID FETCH: UID is told */
	bool modseq;                    /* MODSEQ goes with FLAGS (RFC 7162) */
	bool utf8;                      /* RFC 6855, RFC 9051: strings may have UTF-8 */
	bool unknown_encoding;          /* a BINARY is left out: NO [UNKNOWN-CTE] (RFC 3516) */
	struct buffer out;              /* the responses */

	const struct imap_search *search;       /* prepared; of the heap, without its sets */
	struct imap_key_state *states;          /* of each item, for each key */

	/* While it works. */
	struct arena names;             /* what fetch and search point to */
	struct arena parts;             /* of one message */
	struct buffer scratch, folded;  /* of one value */
	struct buffer texts, folds;     /* of the parts of one message */
	struct charsets *charsets;      /* when first needed */
};

/* Is text needed, and how much? */
bool imap_fetch_needs(const struct imap_fetch *fetch, enum imap_work_need *ret);
bool imap_search_needs(const struct imap_search *search, enum imap_work_need *ret);
/* The parts of a digest that are enough; 0: none are. */
unsigned imap_fetch_parts(const struct imap_fetch *fetch);
unsigned imap_search_parts(const struct imap_search *search);

/* A work of at most n_max messages; what it is about is copied. The keywords are the caller's to
 * say, from its heap. */
struct imap_work *imap_work_fetch(const struct imap_fetch *fetch, size_t n_max);
struct imap_work *imap_work_search(const struct imap_search *search, size_t n_max);
/* It goes when that heap is dropped, unless it is freed before: for who makes it. */
void imap_work_own(struct imap_work *w, struct heap *owner);
void imap_work_free(struct imap_work *w);       /* NULL is allowed */
/* Empty, for another batch of the same command: its memory is there already. */
void imap_work_again(struct imap_work *w);
/* What of its output is next to be sent, then what of that beside it; empty: all was. */
struct buffer *imap_work_output(struct imap_work *w);
size_t imap_work_unsent(const struct imap_work *w);     /* octets, of both */

/* One message more; of a search, with what imap_search_judge() found out. */
void imap_work_add(struct imap_work *w, const struct imap_work_item *item,
    const struct imap_key_state *states);

/* One message with its text, on the thread that has the work. In their order. */
void imap_work_message(struct imap_work *w, size_t i, enum imap_text_result result, slice text);
/* Or without it. False: the digest has too little; nothing was done. */
bool imap_work_digest(struct imap_work *w, size_t i, const struct imap_digest *digest);

/* ---- on the loop, without text ---- */

/* The answer to a FETCH that needs none; `w` says what is asked for and how (it may have no heap). */
void imap_put_fetch(struct imap_writer *out, const struct imap_work *w,
    const struct imap_work_item *item);

/* EMAILID's (RFC 8474), without parentheses. */
enum { IMAP_EMAIL_ID_TEXT = 34 };
size_t imap_email_id(const struct imap_message *message, char ret_text[IMAP_EMAIL_ID_TEXT]);

/* What a search is about. */
struct imap_search_facts {
	const struct imap_host *host;           /* keyword_bit */
	struct heap *heap;                      /* for scratch memory, which is given back */
	uint32_t star_sequence, star_uid;       /* "*", 0: there is no message */
	const struct imap_set *saved;           /* "$": uids (RFC 5182); NULL: none */
	int64_t now_s;
};

enum imap_search_ready {
	IMAP_SEARCH_READY,
	IMAP_SEARCH_CHARSET,            /* NO [BADCHARSET (US-ASCII UTF-8)] */
	IMAP_SEARCH_SET,                /* none of the grammar, or over IMAP_RANGES_MAX */
};

/* Make the keys what they are compared as: texts in UTF-8 and folded, sets read, seconds
 * from now, keywords as bits. What that takes is of the arena, which must have
 * IMAP_SEARCH_ARENA_MAX, and lives as long as the search is used. Once a search. */
enum imap_search_ready imap_search_prepare(struct imap_search *search,
    const struct imap_search_facts *facts, struct arena *arena) __attribute__((warn_unused_result));

/* What can be told of a message without its text; states[search->n] are for the work if that
 * is not enough. */
enum imap_answer imap_search_judge(const struct imap_search *search,
    const struct imap_work_item *item, struct imap_key_state *states);

#endif
