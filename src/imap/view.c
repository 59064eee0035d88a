/* imap/view.c - runs of UIDs, of one length, that grow at the end. */
#include "imap/view.h"

#include "base/check.h"

static void make_room(struct imap_view *view, uint32_t uids)
{
	size_t runs = ((size_t)uids + IMAP_VIEW_RUN - 1) / IMAP_VIEW_RUN;

	view->runs = heap_resize(view->heap, view->runs, runs * sizeof *view->runs);
	view->capacity = (uint32_t)(runs * IMAP_VIEW_RUN);
}

struct imap_view *imap_view_create(struct heap *heap, uint32_t capacity)
{
	struct imap_view *view = heap_new(heap, struct imap_view);

	view->heap = heap;
	view->refs = 1;
	if (capacity > 0)
		make_room(view, capacity);
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
	for (uint32_t i = 0; i * IMAP_VIEW_RUN < view->n; i++)
		heap_free(view->heap, view->runs[i].uids);
	heap_free(view->heap, view->runs);
	heap_free(view->heap, view);
}

/* The first n of them. */
static void spell_out(struct imap_view *view, struct imap_view_run *run, uint32_t n)
{
	run->uids = heap_alloc(view->heap, IMAP_VIEW_RUN * sizeof *run->uids);
	for (uint32_t i = 0; i < n; i++)
		run->uids[i] = run->first + i;
}

void imap_view_add(struct imap_view *view, uint32_t uid)
{
	uint32_t at = view->n % IMAP_VIEW_RUN;
	struct imap_view_run *run;

	check(uid > 0 && (view->n == 0 || uid > imap_view_uid(view, view->n - 1)));
	if (view->n == view->capacity)
		make_room(view, view->n * 2 + 1);
	run = &view->runs[view->n / IMAP_VIEW_RUN];
	if (at == 0)
		*run = (struct imap_view_run){ .first = uid };
	if (run->uids == NULL && uid != run->first + at)
		spell_out(view, run, at);
	if (run->uids != NULL)
		run->uids[at] = uid;
	view->n++;
}

uint32_t imap_view_below(const struct imap_view *view, uint32_t n, uint32_t uid)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (imap_view_uid(view, middle) < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t imap_view_find(const struct imap_view *view, uint32_t n, uint32_t uid)
{
	uint32_t at = imap_view_below(view, n, uid);

	return at < n && imap_view_uid(view, at) == uid ? at + 1 : 0;
}

uint32_t imap_view_find_next(const struct imap_view *view, uint32_t n, uint32_t uid,
    uint32_t *last)
{
	if (*last < n && imap_view_uid(view, *last) == uid)
		return ++*last;
	*last = imap_view_find(view, n, uid);
	return *last;
}
