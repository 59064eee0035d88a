/* imap/view.h - the UIDs of a mailbox, shared by all sessions that have it selected.
 *
 *   the message with sequence number n in a session  =  imap_view_uid(view, n - 1),
 *   n <= what the session knows of it
 *
 * (1) UIDs ascend and are only ever appended: what a session counted stays where it is.
 * (2) When messages go, the mailbox gets another view; sessions keep the old one until they
 *     may be told (RFC 9051 s7.5.1), and compare. */
#ifndef IMAP_VIEW_H
#define IMAP_VIEW_H

#include <stdint.h>

#include "base/heap.h"

enum { IMAP_VIEW_RUN = 256 };

/* UIDs that stand beside each other, as most do, take no room. */
struct imap_view_run {
	uint32_t *uids;                 /* IMAP_VIEW_RUN; NULL: first, first + 1, ... */
	uint32_t first;
};

struct imap_view {
	struct heap *heap;
	unsigned refs;
	struct imap_view_run *runs;     /* all but the last are full */
	uint32_t n, capacity;           /* of UIDs */
};

/* With one reference, and room for so many. */
struct imap_view *imap_view_create(struct heap *heap, uint32_t capacity);
struct imap_view *imap_view_ref(struct imap_view *view);
void imap_view_unref(struct imap_view *view);           /* NULL is allowed */

void imap_view_add(struct imap_view *view, uint32_t uid);       /* above all that are there */

static inline uint32_t imap_view_uid(const struct imap_view *view, uint32_t index)
{
	const struct imap_view_run *run = &view->runs[index / IMAP_VIEW_RUN];
	uint32_t at = index % IMAP_VIEW_RUN;

	return run->uids != NULL ? run->uids[at] : run->first + at;
}

/* How many of the first n are below uid. */
uint32_t imap_view_below(const struct imap_view *view, uint32_t n, uint32_t uid);
/* Sequence number of a uid among the first n, or 0. */
uint32_t imap_view_find(const struct imap_view *view, uint32_t n, uint32_t uid);
/* The same for who asks in the order of UIDs: behind *last, a number that it returned, or 0. */
uint32_t imap_view_find_next(const struct imap_view *view, uint32_t n, uint32_t uid,
    uint32_t *last);

#endif
