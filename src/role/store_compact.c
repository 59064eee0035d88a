/* role/store_compact.c - bytes of messages that are gone leave the disk: a step of the sweep.
 *
 *   what a pack holds that no row names is found, and packs are written anew without (pool)
 *     -> a rebase: rows name the new places -> a minute later another one: old packs go
 *
 * Mail goes on meanwhile; only the rebase stops the account, as it does anyway at times. Who is
 * about to open an old pack finds it there for STORE_PACK_GRACE_MS. */
#include <string.h>

#include "base/check.h"
#include "role/store_session.h"

struct store_compact {
	struct os_work work;
	struct store *store;
	uint64_t swap_until_ms;
	struct account_compaction c;
};

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

void store_compact_over(struct store *s)
{
	struct store_compact *compact = s->sweep.compact;

	s->sweep.compact = NULL;
	if (compact == NULL)
		return;
	heap_cancel_on_drop(s->heap, drop_heap, compact->c.heap);
	heap_drop(compact->c.heap);
}

/* ---- copies ---- */

/* On a pool thread. */
static void run(struct os_work *work)
{
	struct store_compact *compact = work->owner;

	account_compact(work->os, &compact->c);
}

static void tell(const struct store_compact *compact)
{
	const struct account_compaction *c = &compact->c;

	if (c->error != 0)
		os_log(compact->store->os, OS_ERROR, "account %016llx: no pack can be written anew "
		    "without what is gone: %s", (unsigned long long)c->account, strerror(-c->error));
	if (c->damaged != 0)
		os_log(compact->store->os, OS_ERROR, "account %016llx: pack/%03u.pack has a message "
		    "that is damaged; see `posthouse verify`", (unsigned long long)c->account,
		    c->damaged);
}

static void done(struct os_work *work)
{
	struct store_compact *compact = work->owner;
	struct store *s = compact->store;
	struct box *box = table_get(&s->table, table_key(compact->c.account));

	check(box != NULL);             /* it waits for this */
	s->n_jobs--;
	tell(compact);
	compact->swap_until_ms = os_now_ms(s->os) + STORE_SWAP_MAX_MS;
	if (compact->c.n_moves == 0)
		box->packs_kept_until_ms = 0;
	if (compact->c.n_moves > 0 || compact->c.unused)
		s->sweep.phase = SWEEP_SWAPS;
	else
		store_sweep_next(box);
	box_step(box);
	boxes_limit(s);
	store_drain_check(s);
}

/* Something in the open pack is gone: let another one be opened for what comes, so that it
 * is nobody's next time. */
static void leave_open_pack(struct box *box, const struct account_compaction *c)
{
	uint64_t live = 0;

	if (box->pack == 0 || box->account->n_changes > 0 || !list_empty(&box->pieces) ||
	    box->flying)
		return;
	/* Copies count twice: then it stays until it is full. */
	for (size_t i = 0; i < c->n_places; i++)
		live += c->places[i].pack == box->pack ? c->places[i].stored : 0;
	box->pack_over = box->pack_over || live < box->pack_end;
}

void store_compact_start(struct box *box, bool thorough)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct store_compact *compact = heap_new(heap, struct store_compact);
	struct account_compaction *c = &compact->c;
	uint32_t pack_next = box->account->state.head.pack_next;
	struct store *s = box->store;

	heap_on_drop(s->heap, drop_heap, heap);
	compact->store = s;
	*c = (struct account_compaction){
		.account = box->id,
		.heap = heap,
		.open_pack = box->pack,
		.pack_next = pack_next > box->pack ? pack_next : box->pack + 1,
		.dead_divisor = thorough ? 0 : STORE_COMPACT_DEAD,
		.bytes_max = STORE_COMPACT_BYTES,
	};
	account_places_of(box->account, c);
	if (thorough)
		leave_open_pack(box, c);
	s->sweep.compact = compact;
	s->sweep.phase = SWEEP_COPIES;
	/* Nobody clears away what no row names yet. */
	box->packs_kept_until_ms = UINT64_MAX;
	compact->work = (struct os_work){ .run = run, .done = done, .owner = compact };
	s->n_jobs++;
	os_work_start(s->os, &compact->work);
}

/* ---- rows ---- */

bool store_compact_swap(struct box *box)
{
	struct store_compact *compact = box->store->sweep.compact;
	const struct account *a = box->account;

	if (a->n_changes > 0 && !a->changes[a->n_changes - 1].kept) {
		/* It steps again when they have landed; not for ever, in a stream of them. */
		if (os_now_ms(box->store->os) > compact->swap_until_ms)
			store_sweep_next(box);
		return false;
	}
	box_rebase_for(box, &compact->c);
	return true;
}

void store_compact_swapped(struct box *box, bool ok)
{
	struct store_compact *compact = box->store->sweep.compact;
	const struct account_compaction *c = &compact->c;
	struct store *s = box->store;

	box->packs_kept_until_ms = 0;
	if (ok && c->n_moves > 0) {
		os_log(s->os, OS_INFO, "account %016llx: %u packs are written anew without %llu "
		    "bytes of messages that are gone", (unsigned long long)box->id, c->packs,
		    (unsigned long long)c->freed);
		pop3_moved(box->session, c);
		box->packs_kept_until_ms = os_now_ms(s->os) + STORE_PACK_GRACE_MS;
		store_sweep_again(s, box->id);
	}
	store_sweep_next(box);
}
