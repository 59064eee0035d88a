/* role/web_fetch.c - messages read from their stores, and expunged there.
 *
 *   web_fetch() ------------------> FETCH -> BODY ... -> done
 *   web_feed() -> waits its turn ----^        (and web_fed() frees it)
 *   web_expunge() -> EXPUNGE for each mailbox, piece by piece -> EXPUNGED ... -> done
 *
 * A store that leaves ends what was asked of it: done(false). */
#include <stdlib.h>
#include <string.h>

#include "account/slot.h"
#include "base/check.h"
#include "role/web_settle.h"

enum { EXPUNGE_PIECE = 16 * 1024 };     /* UIDs of one message: 64 KB */

static unsigned store_of(const struct web *web, uint64_t account)
{
	return account_store(account, web->frame.config->stores);
}

void web_fetch_init(struct web *web)
{
	web->fetches = table_init(web->heap, os_random_u64(web->os));
	list_init(&web->feed);
	list_init(&web->feeds);
	list_init(&web->expunges);
}

/* ---- reading ---- */

static struct web_fetch *new_fetch(struct web *web, struct web_entry *entry,
    void (*done)(struct web_fetch *fetch, bool ok), void *owner)
{
	struct web_fetch *fetch = heap_new(web->heap, struct web_fetch);

	fetch->web = web;
	fetch->entry = entry;
	fetch->raw = buffer_init(web->heap, WEB_RAW_MAX);
	fetch->done = done;
	fetch->owner = owner;
	list_init(&fetch->link);
	list_init(&fetch->order);
	index_hold(entry);
	return fetch;
}

static void feed_more(struct web *web);

static void fetch_free(struct web_fetch *fetch)
{
	struct web *web = fetch->web;

	list_remove(&fetch->order);
	buffer_free(&fetch->raw);
	index_release(web->index, fetch->entry);
	heap_free(web->heap, fetch);
}

/* It was read, or never will be. */
static void end(struct web_fetch *fetch, bool ok)
{
	struct web *web = fetch->web;
	bool feeds = fetch->feeds;

	if (table_get(&web->fetches, table_key(fetch->number)) == fetch)
		table_remove(&web->fetches, table_key(fetch->number));
	list_remove(&fetch->link);
	fetch->done(fetch, ok);
	if (!feeds)
		fetch_free(fetch);
}

void web_fed(struct web_fetch *fetch)
{
	struct web *web = fetch->web;

	check(fetch->feeds);
	if (fetch->number != 0) {
		web->n_feeding--;
		web->feeding_bytes -= (size_t)fetch->entry->size;
	}
	fetch_free(fetch);
	feed_more(web);
	web_settle_check(web);
}

static void ask(struct web_fetch *fetch)
{
	struct web *web = fetch->web;
	const struct web_entry *entry = fetch->entry;
	struct ipc_channel *store = frame_peer(&web->frame, ROLE_STORE,
	    store_of(web, entry->account));
	struct buffer *out;

	fetch->number = ++web->number_last;
	if (store == NULL) {
		end(fetch, false);
		return;
	}
	table_put(&web->fetches, table_key(fetch->number), fetch);
	out = ipc_begin(store, IPC_FETCH);
	put_u64(out, fetch->number);
	put_u64(out, entry->account);
	put_u32(out, entry->uid);
	put_u32(out, entry->pack);
	put_u32(out, entry->offset);
	ipc_end(store, -1);
}

void web_fetch(struct web *web, struct web_entry *entry,
    void (*done)(struct web_fetch *fetch, bool ok), void *owner)
{
	ask(new_fetch(web, entry, done, owner));
}

/* Several at a time, so that none waits for the way there and back. */
static void feed_more(struct web *web)
{
	if (web->feeding)
		return;                 /* whoever ends one, from within */
	web->feeding = true;
	while (!list_empty(&web->feed) && web->n_feeding < WEB_FEED_MAX) {
		struct web_fetch *fetch = list_item(web->feed.next, struct web_fetch, link);
		size_t size = (size_t)fetch->entry->size;

		if (web->n_feeding > 0 && web->feeding_bytes + size > WEB_FEED_BYTES)
			break;
		list_remove(&fetch->link);
		if (fetch->entry->gone) {
			end(fetch, false);
			continue;
		}
		web->n_feeding++;
		web->feeding_bytes += size;
		ask(fetch);
	}
	web->feeding = false;
}

void web_feed(struct web *web, struct web_entry *entry,
    void (*done)(struct web_fetch *fetch, bool ok))
{
	struct web_fetch *fetch = new_fetch(web, entry, done, NULL);

	fetch->feeds = true;
	fetch->raw.size_max = WEB_GIST_RAW_MAX;
	fetch->serial = ++web->feed_last;
	list_append(&web->feeds, &fetch->order);
	list_append(&web->feed, &fetch->link);
	feed_more(web);
}

bool web_fetch_body(struct web *web, struct ipc_channel *store, struct ipc_message *message)
{
	uint64_t number = get_u64(&message->body);
	uint8_t state = get_u8(&message->body);
	slice piece = get_slice(&message->body, IPC_BODY_MAX);
	struct web_fetch *fetch = table_get(&web->fetches, table_key(number));

	if (!bytes_end(&message->body) || state > BODY_FAILED || fetch == NULL ||
	    store_of(web, fetch->entry->account) != ipc_peer_index(store))
		return false;
	if (piece.len > buffer_room(&fetch->raw))
		piece = slice_head(piece, buffer_room(&fetch->raw));
	buffer_add(&fetch->raw, piece);
	if (state != BODY_MORE)
		end(fetch, state == BODY_END);
	return true;
}

/* ---- expunging ---- */

struct web_expunge {
	struct list link;               /* web->expunges */
	unsigned waiting;               /* for so many answers, and one of our own */
	bool ok;
	void (*done)(void *owner, bool ok);
	void *owner;
	struct list pieces;             /* struct piece */
};

struct piece {
	struct list link;
	uint64_t number;
	unsigned store;
};

static void expunge_answered(struct web *web, struct web_expunge *e, bool ok)
{
	e->ok = e->ok && ok;
	if (--e->waiting > 0)
		return;
	list_remove(&e->link);
	e->done(e->owner, e->ok);
	heap_free(web->heap, e);
}

/* The fields of one message but for its number of UIDs. NULL: that store is away. */
static struct buffer *begin_piece(struct web *web, struct web_expunge *e, uint64_t account,
    struct ipc_channel **ret_store)
{
	unsigned index = store_of(web, account);
	struct ipc_channel *store = frame_peer(&web->frame, ROLE_STORE, index);
	struct piece *piece;
	struct buffer *out;

	e->waiting++;
	if (store == NULL) {
		expunge_answered(web, e, false);
		return NULL;
	}
	piece = heap_new(web->heap, struct piece);
	*piece = (struct piece){ .number = ++web->number_last, .store = index };
	list_append(&e->pieces, &piece->link);
	out = ipc_begin(store, IPC_EXPUNGE);
	put_u64(out, piece->number);
	put_u64(out, account);
	*ret_store = store;
	return out;
}

static void expunge_all(struct web *web, struct web_expunge *e, uint64_t account)
{
	for (const struct web_mailbox *m = web->mailboxes; m != NULL; m = m->next) {
		struct ipc_channel *store;
		struct buffer *out;

		if (account != 0 && m->account != account)
			continue;
		out = begin_piece(web, e, m->account, &store);
		if (out == NULL)
			continue;
		put_u32(out, 0);
		ipc_end(store, -1);
	}
}

static int by_place(const void *a, const void *b)
{
	const struct web_entry *left = *(struct web_entry *const *)a;
	const struct web_entry *right = *(struct web_entry *const *)b;

	if (left->account != right->account)
		return left->account < right->account ? -1 : 1;
	return left->uid < right->uid ? -1 : left->uid > right->uid;
}

/* Neighbours of one mailbox, sorted; the same one may be there twice. */
static size_t expunge_some(struct web *web, struct web_expunge *e,
    struct web_entry *const *entries, size_t n)
{
	uint64_t account = entries[0]->account;
	size_t used = 0, count = 0;
	struct ipc_channel *store;
	struct buffer *out;
	uint32_t last = 0;

	while (used < n && entries[used]->account == account && count < EXPUNGE_PIECE) {
		count += used == 0 || entries[used]->uid != entries[used - 1]->uid;
		used++;
	}
	out = begin_piece(web, e, account, &store);
	if (out == NULL)
		return used;
	put_u32(out, (uint32_t)count);
	for (size_t i = 0; i < used; i++) {
		if (entries[i]->uid != last)
			put_u32(out, entries[i]->uid);
		last = entries[i]->uid;
	}
	ipc_end(store, -1);
	return used;
}

void web_expunge(struct web *web, struct web_entry *const *entries, size_t n, bool all,
    uint64_t account, void (*done)(void *owner, bool ok), void *owner)
{
	struct web_expunge *e = heap_new(web->heap, struct web_expunge);
	struct web_entry **sorted;

	*e = (struct web_expunge){ .waiting = 1, .ok = true, .done = done, .owner = owner };
	list_init(&e->pieces);
	list_append(&web->expunges, &e->link);
	if (all)
		expunge_all(web, e, account);
	if (!all && n > 0) {
		sorted = heap_alloc(web->heap, n * sizeof *sorted);
		memcpy(sorted, entries, n * sizeof *sorted);
		qsort(sorted, n, sizeof *sorted, by_place);
		for (size_t at = 0; at < n;)
			at += expunge_some(web, e, sorted + at, n - at);
		heap_free(web->heap, sorted);
	}
	expunge_answered(web, e, true);
}

static struct piece *find_piece(const struct web_expunge *e, uint64_t number)
{
	list_for (at, &e->pieces) {
		struct piece *piece = list_item(at, struct piece, link);

		if (piece->number == number)
			return piece;
	}
	return NULL;
}

static void piece_over(struct web *web, struct web_expunge *e, struct piece *piece, bool ok)
{
	list_remove(&piece->link);
	heap_free(web->heap, piece);
	expunge_answered(web, e, ok);
}

bool web_expunged(struct web *web, struct ipc_channel *store, struct ipc_message *message)
{
	uint64_t number = get_u64(&message->body);
	uint8_t ok = get_u8(&message->body);

	if (!bytes_end(&message->body) || ok > 1)
		return false;
	list_for (at, &web->expunges) {
		struct web_expunge *e = list_item(at, struct web_expunge, link);
		struct piece *piece = find_piece(e, number);

		if (piece == NULL)
			continue;
		if (piece->store != ipc_peer_index(store))
			return false;
		piece_over(web, e, piece, ok);
		return true;
	}
	return false;
}

/* ---- a store leaves ---- */

static struct web_fetch *fetch_of(const struct web *web, unsigned store)
{
	struct web_fetch *fetch;
	size_t at = 0;

	while ((fetch = table_next(&web->fetches, &at)) != NULL) {
		if (store_of(web, fetch->entry->account) == store)
			return fetch;
	}
	return NULL;
}

static bool end_a_piece(struct web *web, unsigned store)
{
	list_for (at, &web->expunges) {
		struct web_expunge *e = list_item(at, struct web_expunge, link);

		list_for (of, &e->pieces) {
			struct piece *piece = list_item(of, struct piece, link);

			if (piece->store != store)
				continue;
			piece_over(web, e, piece, false);
			return true;
		}
	}
	return false;
}

void web_fetch_left(struct web *web, unsigned store)
{
	struct web_fetch *fetch;

	while ((fetch = fetch_of(web, store)) != NULL)
		end(fetch, false);
	while (end_a_piece(web, store))
		;
}
