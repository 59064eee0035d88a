/* imap/view.h - the UIDs of a mailbox, shared by all sessions that have it selected.
 *
 *   sequence number n of a session  =  view->uids[n - 1],  n <= what the session knows of it
 *
 * (1) UIDs ascend and are only ever appended: what a session counted stays where it is.
 * (2) When messages go, the mailbox gets another view; sessions keep the old one until they
 *     may be told (RFC 9051 s7.5.1), and compare. */
#ifndef IMAP_VIEW_H
#define IMAP_VIEW_H

#include <stdint.h>

#include "base/heap.h"

struct imap_view {
	struct heap *heap;
	unsigned refs;
	uint32_t *uids;
	uint32_t n, capacity;
};

/* With one reference, and room for so many. */
struct imap_view *imap_view_create(struct heap *heap, uint32_t capacity);
struct imap_view *imap_view_ref(struct imap_view *view);
void imap_view_unref(struct imap_view *view);           /* NULL is allowed */

void imap_view_add(struct imap_view *view, uint32_t uid);       /* above all that are there */

/* How many of the first n are below uid. */
uint32_t imap_view_below(const struct imap_view *view, uint32_t n, uint32_t uid);
/* Sequence number of a uid among the first n, or 0. */
uint32_t imap_view_find(const struct imap_view *view, uint32_t n, uint32_t uid);
/* The same for who asks in the order of UIDs: behind *last, a number that it returned, or 0. */
uint32_t imap_view_find_next(const struct imap_view *view, uint32_t n, uint32_t uid,
    uint32_t *last);

#endif
