/* role/store_digest.c - what is remembered of an account's messages (pack/digest.h), and which
 * work has it.
 *
 * It belongs to the box, and while a work runs, to that: others of the account wait. A box may
 * go meanwhile; then the work has it alone. An account that was removed keeps its packs until
 * nobody can write beside them. */
#include "base/check.h"
#include "imap/digest.h"
#include "role/store_imap.h"

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

static void destroy(struct box_digests *d)
{
	heap_cancel_on_drop(d->store->heap, drop_heap, d->index.heap);
	heap_drop(d->index.heap);
	heap_free(d->store->heap, d);
}

bool digests_are_taken(const struct box *box)
{
	return box->digests != NULL && box->digests->taken;
}

size_t digests_memory(const struct box *box)
{
	return box->digests != NULL ? box->digests->memory : 0;
}

struct box_digests *digests_take(struct box *box)
{
	struct box_digests *d = box->digests;
	struct store *s = box->store;

	if (d == NULL) {
		d = box->digests = heap_new(s->heap, struct box_digests);
		d->box = box;
		d->store = s;
		digests_init(&d->index, heap_create(SIZE_MAX), box->id, IMAP_DIGEST_VERSION);
		heap_on_drop(s->heap, drop_heap, d->index.heap);
	}
	check(!d->taken);
	d->taken = true;
	return d;
}

void digests_give_back(struct box_digests *d)
{
	struct box *box = d->box;

	d->taken = false;
	if (box == NULL) {
		destroy(d);
		return;
	}
	d->memory = heap_used(d->index.heap);
	if (!box->busy)
		box_count_memory(box);
	if (box->removing)
		box_step(box);
}

void digests_forget(struct box *box)
{
	struct box_digests *d = box->digests;

	box->digests = NULL;
	if (d == NULL)
		return;
	d->box = NULL;
	if (!d->taken)
		destroy(d);
}
