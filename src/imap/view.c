/* imap/view.c - an array of UIDs that grows at its end. */
#include "imap/view.h"

#include "base/check.h"

enum { FIRST = 16 };

struct imap_view *imap_view_create(struct heap *heap, uint32_t capacity)
{
	struct imap_view *view = heap_new(heap, struct imap_view);

	view->heap = heap;
	view->refs = 1;
	view->capacity = capacity;
	if (capacity > 0)
		view->uids = heap_alloc(heap, capacity * sizeof *view->uids);
	return view;
}

struct imap_view *imap_view_ref(struct imap_view *view)
{
	view->refs++;
	return view;
}

void imap_view_unref(struct imap_view *view)
{
	if (view == NULL || --view->refs > 0)
		return;
	heap_free(view->heap, view->uids);
	heap_free(view->heap, view);
}

void imap_view_add(struct imap_view *view, uint32_t uid)
{
	check(uid > 0 && (view->n == 0 || uid > view->uids[view->n - 1]));
	if (view->n == view->capacity) {
		view->capacity = view->capacity == 0 ? FIRST : view->capacity * 2;
		view->uids = heap_resize(view->heap, view->uids,
		    view->capacity * sizeof *view->uids);
	}
	view->uids[view->n++] = uid;
}

uint32_t imap_view_below(const struct imap_view *view, uint32_t n, uint32_t uid)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (view->uids[middle] < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t imap_view_find(const struct imap_view *view, uint32_t n, uint32_t uid)
{
	uint32_t at = imap_view_below(view, n, uid);

	return at < n && view->uids[at] == uid ? at + 1 : 0;
}

uint32_t imap_view_find_next(const struct imap_view *view, uint32_t n, uint32_t uid,
    uint32_t *last)
{
	if (*last < n && view->uids[*last] == uid)
		return ++*last;
	*last = imap_view_find(view, n, uid);
	return *last;
}
