/* role/store_sweep.c - what was expunged long ago (mailbox.undelete) goes for good.
 *
 *   timer -> folders of accounts (pool) -> one account after the other, a moment between them:
 *   its head read -> something is buried: its rows -> older ones purged, with a cold flight
 *   -> their bytes, too (store_compact.c)
 *
 * Each STORE_SWEEP_DIVISOR-th time an account is looked at as a whole, whatever its head says.
 *
 * (1) Nothing of it is kept over a restart: accounts are gone through again, and what is purged
 *     is in their logs.
 * (2) One account at a time, so mail goes on; what fails is left for the next time. */
#include <string.h>

#include "account/folders.h"
#include "account/slot.h"
#include "base/check.h"
#include "role/store_impl.h"

/* The folders of accounts, listed on the pool. */
struct sweep_scan {
	struct os_work work;
	struct store *store;
	struct heap *heap;              /* the work's own; the list stays in it */
	uint64_t *accounts;
	size_t n, capacity;
	int error;
};

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

static uint64_t interval_ms(const struct store *s)
{
	uint64_t part = (uint64_t)s->frame.config->undelete_s * 1000 / STORE_SWEEP_DIVISOR;

	if (part == 0)
		return STORE_SWEEP_NONE_MS;
	if (part < STORE_SWEEP_MIN_MS)
		return STORE_SWEEP_MIN_MS;
	return part < STORE_SWEEP_MAX_MS ? part : STORE_SWEEP_MAX_MS;
}

/* ---- one account ---- */

static bool is_turn(const struct store *s, uint64_t account)
{
	return s->sweep.waits && s->sweep.accounts[s->sweep.at] == account;
}

bool store_sweep_wants(const struct box *box)
{
	return is_turn(box->store, box->id);
}

void store_sweep_next(struct box *box)
{
	struct store *s = box->store;

	s->sweep.waits = false;
	s->sweep.at++;
	store_compact_over(s);
	if (box->packs_kept_until_ms == UINT64_MAX)
		box->packs_kept_until_ms = 0;
	/* One that was read for this goes first when memory is short. */
	if (!s->sweep.was_there) {
		list_remove(&box->link);
		list_append(s->boxes.next, &box->link);
	}
	os_timer_start(s->os, &s->sweep.timer, STORE_SWEEP_STEP_MS);
}

void store_sweep_again(struct store *s, uint64_t account)
{
	struct sweep *sweep = &s->sweep;

	sweep->accounts = heap_resize(sweep->heap, sweep->accounts,
	    (sweep->n + 1) * sizeof *sweep->accounts);
	sweep->accounts[sweep->n++] = account;
}

/* What came into a graveyard before that second is too old. */
static uint32_t horizon_s(const struct store *s)
{
	int64_t now_s = os_wall_us(s->os) / 1000000, keep_s = s->frame.config->undelete_s;

	if (keep_s == 0)
		return UINT32_MAX;
	return now_s > keep_s ? (uint32_t)(now_s - keep_s) : 0;
}

static bool make(struct box *box, struct box_change *change)
{
	uint64_t n = account_purge(box->account, horizon_s(box->store));

	if (n > 0)
		os_log(box->store->os, OS_INFO, "account %016llx: %llu messages that were expunged "
		    "are gone for good", (unsigned long long)box->id, (unsigned long long)n);
	return n > 0;
}

static void landed(struct box *box, struct box_change *change, bool ok)
{
	/* Nobody steps the box when there was nothing to purge any more. */
	box->store->sweep.phase = SWEEP_PURGED;
	os_timer_start(box->store->os, &box->store->sweep.timer, 0);
}

static const struct change_kind purging = { .cold = true, .make = make, .landed = landed };

static bool has_old(const struct box *box)
{
	const struct account_state *state = &box->account->state;
	uint32_t horizon = horizon_s(box->store);

	for (size_t i = 0; i < state->n_rows; i++) {
		if (is_graveyard(state->rows[i].mailbox) && state->rows[i].saved_s < horizon)
			return true;
	}
	return false;
}

/* Is it looked at as a whole, or is it enough to look whether something is buried? */
static bool is_thorough(const struct store *s, uint64_t account)
{
	return s->sweep.at >= s->sweep.n_first ||
	    (s->sweep.turn + account) % STORE_SWEEP_DIVISOR == 0;
}

bool store_sweep_step(struct box *box)
{
	struct store *s = box->store;
	const struct account *a = box->account;
	bool thorough;

	if (!store_sweep_wants(box) || !list_empty(&s->sweep.change.link) ||
	    s->sweep.phase == SWEEP_COPIES)
		return false;
	thorough = is_thorough(s, box->id);
	/* HEAD alone says whether anything is buried. */
	if (a->removed || box->removing || s->frame.draining || store_stopped(s) ||
	    (s->sweep.phase == SWEEP_BEGINS && !thorough &&
	    a->state.head.rows <= a->state.head.count)) {
		store_sweep_next(box);
		return false;
	}
	if (!a->state.full) {
		box_start_rows(box);
		return true;
	}
	if (s->sweep.phase == SWEEP_SWAPS)
		return store_compact_swap(box);
	if (s->sweep.phase == SWEEP_BEGINS && has_old(box))
		box_change(box, &s->sweep.change, &purging);
	else if (s->frame.config->lab)
		store_sweep_next(box);  /* its page knows where messages are */
	else
		store_compact_start(box, thorough);
	return false;
}

bool store_sweep_copies(const struct box *box)
{
	return store_sweep_wants(box) && box->store->sweep.phase == SWEEP_COPIES;
}

void store_sweep_bad(struct box *box)
{
	if (store_sweep_wants(box) && list_empty(&box->store->sweep.change.link) &&
	    box->store->sweep.phase != SWEEP_COPIES)
		store_sweep_next(box);
}

/* ---- all of them ---- */

static void forget_list(struct store *s)
{
	struct heap *heap = s->sweep.heap;

	s->sweep.heap = NULL;
	s->sweep.accounts = NULL;
	s->sweep.n = s->sweep.at = 0;
	heap_cancel_on_drop(s->heap, drop_heap, heap);
	heap_drop(heap);
}

/* On a pool thread. */
static void visit(void *context, uint64_t account)
{
	struct sweep_scan *scan = context;
	const struct config *config = scan->store->frame.config;

	if (account_store(account, config->stores) != scan->store->frame.index)
		return;
	if (scan->n == scan->capacity) {
		scan->capacity = scan->capacity == 0 ? 64 : scan->capacity * 2;
		scan->accounts = heap_resize(scan->heap, scan->accounts,
		    scan->capacity * sizeof *scan->accounts);
	}
	scan->accounts[scan->n++] = account;
}

static void run_scan(struct os_work *work)
{
	struct sweep_scan *scan = work->owner;

	scan->error = account_folders(work->os, visit, scan);
}

static void scan_done(struct os_work *work)
{
	struct sweep_scan *scan = work->owner;
	struct store *s = scan->store;

	if (scan->error != 0)
		os_log(s->os, OS_ERROR, "not all accounts can be listed: %s", strerror(-scan->error));
	s->sweep.scan = NULL;
	s->sweep.accounts = scan->accounts;
	s->sweep.n = s->sweep.n_first = scan->n;
	s->sweep.at = 0;
	s->sweep.turn = (uint64_t)os_wall_us(s->os) / 1000 / interval_ms(s);
	s->n_jobs--;
	if (s->frame.draining)
		forget_list(s);
	else
		os_timer_start(s->os, &s->sweep.timer, 0);
	store_drain_check(s);
}

static void start_scan(struct store *s)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct sweep_scan *scan = heap_new(heap, struct sweep_scan);

	heap_on_drop(s->heap, drop_heap, heap);
	scan->store = s;
	scan->heap = heap;
	scan->work = (struct os_work){ .run = run_scan, .done = scan_done, .owner = scan };
	s->sweep.scan = scan;
	s->sweep.heap = heap;
	s->n_jobs++;
	os_work_start(s->os, &scan->work);
}

static void on_timer(struct os_timer *timer)
{
	struct store *s = timer->owner;
	struct sweep *sweep = &s->sweep;
	uint64_t account, now_ms = os_now_ms(s->os);
	struct box *box;

	if (s->frame.draining || sweep->scan != NULL)
		return;
	if (sweep->waits) {
		box_step(box_get(s, sweep->accounts[sweep->at]));
		return;
	}
	if (sweep->heap == NULL) {
		start_scan(s);
		return;
	}
	if (sweep->at == sweep->n) {
		forget_list(s);
		os_timer_start(s->os, &sweep->timer, interval_ms(s));
		return;
	}
	account = sweep->accounts[sweep->at];
	box = table_get(&s->table, table_key(account));
	if (box != NULL && box->packs_kept_until_ms > now_ms) {
		os_timer_start(s->os, &sweep->timer, box->packs_kept_until_ms - now_ms);
		return;
	}
	sweep->was_there = box != NULL;
	sweep->waits = true;
	sweep->phase = SWEEP_BEGINS;
	box_step(box_get(s, account));
	boxes_limit(s);
}

void store_sweep_init(struct store *s)
{
	list_init(&s->sweep.change.link);
	s->sweep.timer = (struct os_timer){ .fire = on_timer, .owner = s };
}

void store_sweep_start(struct store *s)
{
	if (!s->frame.config->mock && s->sweep.heap == NULL)
		os_timer_start(s->os, &s->sweep.timer, STORE_SWEEP_FIRST_MS);
}
