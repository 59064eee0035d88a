/* imap/work.h - what a command does with the text of messages, away from the loop.
 *
 *   engine: WORK event -> host: for each message, on a pool thread, its text
 *     imap_work_message(w, i, text)      -> back on the loop: imap_server_worked(s, w)
 *
 * A work has its own heap and shares nothing: the thread that runs it needs no lock. It is a
 * batch: some messages of a FETCH, answered in its `out`, or of a SEARCH, whose `hits` say
 * which fit. */
#ifndef IMAP_WORK_H
#define IMAP_WORK_H

#include "base/buffer.h"
#include "imap/fetch.h"
#include "imap/host.h"
#include "imap/search.h"

enum imap_work_need {
	IMAP_NEED_HEADER,               /* up to the blank line, or more */
	IMAP_NEED_ALL,
};

enum imap_text_result {
	IMAP_TEXT_OK,
	IMAP_TEXT_GONE,                 /* it was expunged, and its text is not there any more */
	IMAP_TEXT_DAMAGED,
	IMAP_TEXT_IO,                   /* the disk failed */
};

struct imap_work_item {
	uint32_t sequence;
	struct imap_message message;
	bool flags_too;                 /* its FLAGS changed with this command: tell them */
	bool hit;                       /* SEARCH: it fits */
	enum imap_text_result result;
};

struct imap_work {
	struct heap *heap;              /* of all here; the host may use it, too */
	enum imap_work_need need;
	struct imap_work_item *items;
	size_t n;
	slice *keywords;                /* by bit: IMAP_FLAG_BITS of them */

	const struct imap_fetch *fetch; /* of the heap; NULL: a search */
	bool uid;                       /* UID FETCH: UID is told */
	bool modseq;                    /* MODSEQ goes with FLAGS (RFC 7162) */
	bool utf8;                      /* RFC 6855, RFC 9051: strings may have UTF-8 */
	struct buffer out;              /* the responses */

	const struct imap_search *search;
	uint32_t star_sequence, star_uid;       /* "*" of its sets */
	int64_t now_s;
};

/* One message with its text, on the thread that has the work. In their order. */
void imap_work_message(struct imap_work *w, size_t i, enum imap_text_result result, slice text);

void imap_work_free(struct imap_work *w);       /* NULL is allowed */

#endif
