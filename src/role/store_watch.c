/* role/store_watch.c - a mock's web is told what is in the mailboxes, and what changes.
 *
 *   WATCH -> folders of accounts (pool) -> each loaded -> its rows told -> WATCHED
 *   flight settled -> GONE for what it expunged, SEEN for what it marked, MESSAGE for what
 *                     it brought
 *
 * (1) Only what is durable is told. UIDs ascend, so one number says what of an account was.
 * (2) Messages are bulk: they wait for room, and stand in the account's rows meanwhile.
 * (3) What the web does wrong ends the web, and nothing else. */
#include <string.h>

#include "account/folders.h"
#include "account/slot.h"
#include "role/store_impl.h"

/* An account, as far as the web knows it. */
struct watched {
	struct list link;               /* watch->untold, while it may have rows to tell */
	uint64_t account;
	uint32_t told;                  /* up to this uid */
};

/* The folders of accounts, listed on the pool. */
struct watch_scan {
	struct os_work work;
	struct store *store;
	struct heap *heap;              /* the work's own, as all here */
	uint64_t *accounts;
	size_t n, capacity;
	int error;
	bool over;                      /* nobody wants it any more */
};

static struct ipc_channel *web_of(const struct store *s)
{
	return frame_peer(&s->frame, ROLE_WEB, 0);
}

bool store_watches(const struct store *s)
{
	return s->watch.on;
}

static struct watched *find(const struct store *s, uint64_t account)
{
	return s->watch.on ? table_get(&s->watch.accounts, table_key(account)) : NULL;
}

bool store_watch_told(const struct store *s, uint64_t account)
{
	const struct watched *w = find(s, account);

	return w != NULL && w->told > 0;
}

static bool waits(const struct watched *w)
{
	return w != NULL && !list_empty(&w->link);
}

bool store_watch_wants(const struct box *box)
{
	return box->store->watch.on && waits(find(box->store, box->id));
}

static void want(struct store *s, uint64_t account)
{
	struct watched *w = find(s, account);

	if (w == NULL) {
		w = heap_new(s->heap, struct watched);
		w->account = account;
		list_init(&w->link);
		table_put(&s->watch.accounts, table_key(w->account), w);
	}
	if (!waits(w))
		list_append(&s->watch.untold, &w->link);
}

static void check_listed(struct store *s)
{
	if (!s->watch.listing || s->watch.scan != NULL || !list_empty(&s->watch.untold))
		return;
	s->watch.listing = false;
	ipc_send(web_of(s), IPC_WATCHED);
}

/* ---- telling ---- */

static void tell(const struct store *s, struct ipc_channel *web, uint64_t account,
    const struct account_row *row)
{
	struct buffer *out = ipc_begin(web, IPC_MESSAGE);

	put_u64(out, account);
	put_u32(out, row->uid);
	put_message_id(out, account_key_id(row->key));
	put_u64(out, (uint64_t)row->received_us);
	put_u64(out, row->size);
	put_u32(out, row->pack);
	put_u32(out, row->offset);
	put_u8(out, (row->flags & ACCOUNT_SEEN) != 0);
	ipc_end(web, -1);
	store_tags_tell(s, web, account, row);
}

static size_t first_untold(const struct account_state *state, uint32_t told)
{
	size_t low = 0, high = state->n_rows;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (state->rows[middle].uid <= told)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void tell_untold(struct store *s)
{
	struct list again, *at;

	list_init(&again);
	while ((at = list_take_first(&s->watch.untold)) != NULL)
		list_append(&again, at);
	while ((at = list_take_first(&again)) != NULL) {
		list_append(&s->watch.untold, at);
		box_step(box_get(s, list_item(at, struct watched, link)->account));
	}
	boxes_limit(s);
}

void store_web_room(struct ipc_channel *web)
{
	struct store *s = ((struct frame *)ipc_owner(web))->owner;

	if (!s->watch.on)
		return;
	tell_untold(s);
	store_fetch_room(s);
}

/* False: no room for the rest now. */
static bool tell_rows(struct store *s, struct watched *w, const struct account_state *state)
{
	struct ipc_channel *web = web_of(s);

	for (size_t i = first_untold(state, w->told); i < state->n_rows; i++) {
		if (ipc_room(web) < IPC_PACKET_MAX) {
			ipc_on_room(web, store_web_room);
			return false;
		}
		/* A mock's page shows INBOX. */
		if (state->rows[i].mailbox == ACCOUNT_INBOX)
			tell(s, web, w->account, &state->rows[i]);
		w->told = state->rows[i].uid;
	}
	return true;
}

bool store_watch_step(struct box *box)
{
	struct store *s = box->store;
	struct account *a = box->account;
	struct watched *w = find(s, box->id);

	if (!waits(w))
		return false;
	if (!a->state.full) {
		box_start_rows(box);
		return true;
	}
	if (store_tags_want(box)) {
		box_start_tags(box);
		return true;
	}
	/* What an earlier life may have shown: on disk before anybody sees it again. */
	if (a->n_changes > 0 && a->changes[0].kept && !box->flush_failed && !store_stopped(s)) {
		if (!box_writable(box, false))
			return true;
		box_dirty(box, true);
		return false;
	}
	if (tell_rows(s, w, &a->state)) {
		list_remove(&w->link);
		check_listed(s);
	}
	return false;
}

void store_watch_bad(struct box *box)
{
	struct watched *w = find(box->store, box->id);

	if (!waits(w))
		return;
	list_remove(&w->link);
	check_listed(box->store);
}

/* ---- what a flight changes ---- */

/* The ranges of INBOX that a change takes; 0: none. `in` stands before them. */
static uint32_t ranges_gone(const struct account_change *change, struct bytes *in)
{
	struct account_expunged expunged;
	struct account_copied copied;

	*in = bytes_init(change->payload);
	if (change->type == RECORD_COPIED)
		return record_copied_begin(in, &copied) && copied.move &&
		    copied.from == ACCOUNT_INBOX ? copied.n : 0;
	if (change->type != RECORD_EXPUNGED && change->type != RECORD_EXPUNGED_FROM)
		return 0;
	return record_expunged_begin(change->type, in, &expunged) &&
	    expunged.mailbox == ACCOUNT_INBOX ? expunged.n : 0;
}

static void tell_gone(struct store *s, const struct watched *w,
    const struct account_change *change)
{
	struct bytes in;
	uint32_t n = ranges_gone(change, &in);

	for (uint32_t i = 0; i < n; i++) {
		struct uid_range range = get_uid_range(&in);
		struct buffer *out;

		if (range.first > w->told)
			return;         /* it never knew of them */
		store_tags_gone(s, w->account, range.first, range.last);
		out = ipc_begin(web_of(s), IPC_GONE);
		put_u64(out, w->account);
		put_u32(out, range.first);
		put_u32(out, range.last);
		ipc_end(web_of(s), -1);
	}
}

/* Which way a change turns \Seen in INBOX, whose ranges follow in *in: 1, 0, or -1 when it
 * doesn't. */
static int seen_by(const struct account_change *change, struct bytes *in, uint32_t *ret_n)
{
	struct account_flagged flagged;
	bool seen;

	*in = bytes_init(change->payload);
	if (change->type != RECORD_FLAGS || !record_flags_begin(in, &flagged) ||
	    flagged.mailbox != ACCOUNT_INBOX)
		return -1;
	*ret_n = flagged.n;
	seen = (flagged.bits & ACCOUNT_SEEN) != 0;
	if (flagged.op == FLAGS_SET)
		return seen;
	return seen ? flagged.op == FLAGS_ADD : -1;
}

static void tell_seen(struct store *s, const struct watched *w,
    const struct account_change *change)
{
	struct bytes in;
	uint32_t n = 0;
	int seen = seen_by(change, &in, &n);

	while (seen >= 0 && n > 0) {
		struct uid_range ranges[STORE_SEEN_RANGES];
		uint32_t some = 0;
		struct buffer *out;

		for (; n > 0 && some < STORE_SEEN_RANGES; n--) {
			ranges[some] = get_uid_range(&in);
			if (ranges[some].first > w->told)
				n = 1;          /* it never knew of them */
			else
				some++;
		}
		if (some == 0)
			return;
		out = ipc_begin(web_of(s), IPC_SEEN);
		put_u64(out, w->account);
		put_u8(out, (uint8_t)seen);
		put_u32(out, some);
		for (uint32_t i = 0; i < some; i++) {
			put_u32(out, ranges[i].first);
			put_u32(out, ranges[i].last);
		}
		ipc_end(web_of(s), -1);
	}
}

void store_watch_settling(const struct box *box)
{
	const struct account *a = box->account;
	struct store *s = box->store;
	const struct watched *w = find(s, box->id);

	for (size_t i = 0; w != NULL && i < a->n_taken; i++) {
		tell_gone(s, w, &a->changes[i]);
		tell_seen(s, w, &a->changes[i]);
	}
}

void store_watch_settled(struct box *box)
{
	if (box->store->watch.on)
		want(box->store, box->id);      /* box_step() follows */
}

/* ---- from the beginning ---- */

/* On a pool thread. */
static void visit(void *context, uint64_t account)
{
	struct watch_scan *scan = context;

	if (scan->n == scan->capacity) {
		scan->capacity = scan->capacity == 0 ? 64 : scan->capacity * 2;
		scan->accounts = heap_resize(scan->heap, scan->accounts,
		    scan->capacity * sizeof *scan->accounts);
	}
	scan->accounts[scan->n++] = account;
}

static void run_scan(struct os_work *work)
{
	struct watch_scan *scan = work->owner;

	scan->error = account_folders(work->os, visit, scan);
}

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

static void scan_free(struct store *s, struct watch_scan *scan)
{
	struct heap *heap = scan->heap;

	heap_cancel_on_drop(s->heap, drop_heap, heap);
	heap_drop(heap);
	s->n_jobs--;
	store_drain_check(s);
}

static void scan_done(struct os_work *work)
{
	struct watch_scan *scan = work->owner;
	struct store *s = scan->store;

	if (scan->error != 0)
		os_log(s->os, OS_ERROR, "not all accounts can be listed: %s", strerror(-scan->error));
	if (!scan->over) {
		s->watch.scan = NULL;
		for (size_t i = 0; i < scan->n; i++) {
			if (account_store(scan->accounts[i], s->frame.config->stores) ==
			    s->frame.index)
				want(s, scan->accounts[i]);
		}
		tell_untold(s);
		check_listed(s);
	}
	scan_free(s, scan);
}

static void start_scan(struct store *s)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct watch_scan *scan = heap_new(heap, struct watch_scan);

	heap_on_drop(s->heap, drop_heap, heap);
	scan->store = s;
	scan->heap = heap;
	scan->work = (struct os_work){ .run = run_scan, .done = scan_done, .owner = scan };
	s->watch.scan = scan;
	s->n_jobs++;
	os_work_start(s->os, &scan->work);
}

bool store_watch(struct store *s, struct ipc_message *message)
{
	if (!bytes_end(&message->body) || !config_shows_mail(s->frame.config) || s->watch.on)
		return false;
	s->watch.on = s->watch.listing = true;
	start_scan(s);
	return true;
}

void store_watch_over(struct store *s)
{
	struct watched *w;
	size_t at = 0;

	if (!s->watch.on)
		return;
	s->watch.on = s->watch.listing = false;
	list_init(&s->watch.untold);
	while ((w = table_next(&s->watch.accounts, &at)) != NULL)
		heap_free(s->heap, w);
	table_free(&s->watch.accounts);
	s->watch.accounts = table_init(s->heap, os_random_u64(s->os));
	if (s->watch.scan != NULL)
		s->watch.scan->over = true;
	s->watch.scan = NULL;
	store_fetches_over(s);
	store_wishes_over(s);
	store_tags_over(s);
}

void store_watch_init(struct store *s)
{
	list_init(&s->watch.untold);
	s->watch.accounts = table_init(s->heap, os_random_u64(s->os));
}
