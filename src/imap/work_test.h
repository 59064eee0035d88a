/* imap/work_test.h - for tests: a FETCH or SEARCH as it is written, done with one message. */
#ifndef IMAP_WORK_TEST_H
#define IMAP_WORK_TEST_H

#include "base/check.h"
#include "base/limits.h"
#include "imap/work.h"

/* One with nothing odd about it, number 3 of its mailbox. */
static inline struct imap_work_item work_item(slice text)
{
	return (struct imap_work_item){
		.sequence = 3,
		.message = { .uid = 7, .flags = IMAP_SEEN, .modseq = 12, .size = text.len,
			/* 17-Jul-1996 02:44:25 +0000, and a day later */
			.received_us = 837571465000000, .saved_s = 837571465 + 86400,
			.email_high = 0x0123456789abcdef, .email_low = 0xfedcba9876543210 },
	};
}

/* Keywords of every test. */
static inline void work_keywords(struct imap_work *w)
{
	w->keywords = heap_alloc(w->heap, IMAP_FLAG_BITS * sizeof *w->keywords);
	w->keywords[IMAP_KEYWORD_BIT] = slice_lit("$Forwarded");
	w->keywords[IMAP_KEYWORD_BIT + 2] = slice_lit("todo");
}

static inline int work_keyword_bit(void *context, slice name)
{
	return slice_equal_ascii(name, slice_lit("$Forwarded")) ? IMAP_KEYWORD_BIT :
	    slice_equal_ascii(name, slice_lit("todo")) ? IMAP_KEYWORD_BIT + 2 : -1;
}

#endif
