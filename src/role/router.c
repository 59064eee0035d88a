/* role/router.c - the router: journals to stores. See router_impl.h for its parts.
 *
 *   start -> scan -> done marks, parked generations -> loaded -> serving -> drain
 *
 * Recovery is not a second path: what a start finds is read, delivered and
 * retired like what edges hand in now. */
#include "role/router_impl.h"

#include <assert.h>
#include <string.h>

#include "base/check.h"
#include "role/role.h"

enum { SCRATCH_MAX = 8 * 1024 * 1024 };

/* Twice, for what is left over at the end of the arena's chunks. */
static_assert(SCRATCH_MAX >= 2 * JOURNAL_RECIPIENTS_MAX * (sizeof(slice) +
    sizeof(struct sealed_recipient) + RECIPIENT_TARGETS_MAX * sizeof(struct seal_target)),
    "one record's seals can be opened");

/* ---- space ---- */

static void space_run(struct os_work *work)
{
	struct router *r = work->owner;
	int fd = os_open(work->os, OS_ROOT, ".", OS_READ | OS_FOLDER);

	r->space_total = 0;
	if (fd < 0)
		return;
	if (os_free_space(work->os, fd, &r->space_free, &r->space_total) != 0)
		r->space_total = 0;
	os_close(work->os, fd);
}

static void space_done(struct os_work *work)
{
	struct router *r = work->owner;

	r->space_busy = false;
	r->disk_free = r->space_free;
	r->disk_total = r->space_total;
	router_full_update(r);
}

static void space_ask(struct router *r)
{
	uint64_t now = os_now_ms(r->os);

	if (r->space_busy || now < r->space_due_ms)
		return;
	r->space_busy = true;
	r->space_due_ms = now + ROUTER_RETRY_MS;
	r->space_work = (struct os_work){ .run = space_run, .done = space_done, .owner = r };
	os_work_start(r->os, &r->space_work);
}

/* ---- time ---- */

static void on_tick(struct os_timer *timer)
{
	struct router *r = timer->owner;

	os_timer_start(r->os, &r->tick, ROUTER_TICK_MS);
	space_ask(r);
	list_for(at, &r->segments)
		segment_check(list_item(at, struct segment, link));
	list_for(at, &r->pools)
		pool_fill(list_item(at, struct pool, link));
	edges_serve(r);
	stores_tick(r);
	park_tick(r);
	done_flush(r);
	router_full_update(r);
	router_drain_check(r);
}

void router_loaded(struct router *r)
{
	check(!r->loaded);
	r->loaded = true;
	stores_tell(r);
	list_for(at, &r->pools)
		pool_fill(list_item(at, struct pool, link));
	list_for(at, &r->segments) {
		struct segment *s = list_item(at, struct segment, link);

		segment_wake(s);
		segment_check(s);
	}
	spools_sweep(r);
	relay_tell(r);
	edges_serve(r);
	os_timer_start(r->os, &r->tick, ROUTER_TICK_MS);
	frame_ready(&r->frame);
	router_drain_check(r);
}

/* ---- drain ---- */

/* What is only for a relay that has gone waits in the journal for the next one. */
static bool is_through(const struct router *r, const struct segment *s)
{
	if (s->n_messages == 0)
		return true;
	if (r->stores[OUTLET_RELAY].channel != NULL)
		return false;
	list_for(at, &r->messages) {
		const struct message *m = list_item(at, struct message, link);

		for (uint32_t i = 0; m->segment == s && i < m->n_parts; i++) {
			if (m->parts[i].state != PART_DONE &&
			    m->parts[i].store != &r->stores[OUTLET_RELAY])
				return false;
		}
	}
	return true;
}

/* All that was committed has been delivered or parked. */
static bool is_empty(const struct router *r)
{
	for (size_t i = 0; i < ORIGINS_MAX; i++) {
		if (r->edges[i].channel != NULL)
			return false;
	}
	list_for(at, &r->segments) {
		const struct segment *s = list_item(at, struct segment, link);

		if (s->pool->kind != LOG_JOURNAL)
			continue;
		if (!is_through(r, s) || (s->state == SEGMENT_CLOSED && !s->read_all &&
		    (!s->until_edge || s->ended_at < s->reader.limit)))
			return false;
	}
	return park_is_idle(r);
}

void router_drain_check(struct router *r)
{
	bool over;

	if (!r->frame.draining || r->drained || !r->loaded)
		return;
	over = os_now_ms(r->os) >= r->drain_end_ms;
	if (!over && !is_empty(r))
		return;
	if (!done_is_clean(r)) {
		done_flush(r);
		/* A done log that can't be written only costs a second handing over. */
		if (!over)
			return;
	}
	r->drained = true;
	frame_drained(&r->frame);
}

/* ---- the frame ---- */

static bool on_keeper(struct frame *frame, struct ipc_message *message)
{
	struct router *r = frame->owner;
	slice key;

	if (message->type != IPC_KEY)
		return false;
	key = get_raw(&message->body, SEAL_KEY_LEN);
	if (!bytes_end(&message->body))
		return false;
	memcpy(r->key.bytes, key.ptr, SEAL_KEY_LEN);
	r->has_key = true;
	return true;
}

static void on_start(struct frame *frame)
{
	struct router *r = frame->owner;

	if (!r->has_key) {
		frame_fatal(frame, "the router was started without the seal key");
		return;
	}
	done_init(r);
	park_init(r);
	router_scan(r);
	space_ask(r);
}

static void on_drain(struct frame *frame, uint32_t grace_ms)
{
	struct router *r = frame->owner;

	r->drain_end_ms = os_now_ms(r->os) + grace_ms;
	if (!r->loaded) {
		/* Nothing was touched yet. */
		r->drained = true;
		frame_drained(frame);
		return;
	}
	router_drain_check(r);
}

static void on_peer_joined(struct frame *frame, struct ipc_channel *peer)
{
	struct router *r = frame->owner;

	if (ipc_peer_kind(peer) == ROLE_EDGE)
		edge_joined(r, peer, ipc_peer_index(peer));
	else if (ipc_peer_kind(peer) == ROLE_STORE)
		store_joined(r, peer, ipc_peer_index(peer));
	else if (ipc_peer_kind(peer) == ROLE_RELAY)
		relay_joined(r, peer);
}

static void on_peer_left(struct frame *frame, struct ipc_channel *peer)
{
	struct router *r = frame->owner;

	if (ipc_peer_kind(peer) == ROLE_EDGE)
		edge_left(r, ipc_peer_index(peer));
	else if (ipc_peer_kind(peer) == ROLE_STORE)
		store_left(r, ipc_peer_index(peer));
	else if (ipc_peer_kind(peer) == ROLE_RELAY)
		relay_left(r);
	else if (ipc_peer_kind(peer) == ROLE_WEB)
		settles_forget(r);
}

static bool on_peer_message(struct frame *frame, struct ipc_channel *peer,
    struct ipc_message *message)
{
	struct router *r = frame->owner;

	switch (ipc_peer_kind(peer)) {
	case ROLE_EDGE:
		return edge_message(r, ipc_peer_index(peer), message);
	case ROLE_STORE:
		return store_message(r, ipc_peer_index(peer), message);
	case ROLE_RELAY:
		return relay_message(r, peer, message);
	case ROLE_WEB:
		return settle_message(r, message);
	default:
		return false;
	}
}

static void count(struct frame *frame, uint64_t values[COUNTERS])
{
	const struct router *r = frame->owner;

	values[COUNTER_ROUTER_JOURNAL_BYTES] = segments_used(r);
	values[COUNTER_ROUTER_JOURNAL_FULL] = r->full;
}

static const struct frame_handler handler = {
	.count = count,
	.keeper = on_keeper,
	.start = on_start,
	.drain = on_drain,
	.peer_joined = on_peer_joined,
	.peer_left = on_peer_left,
	.peer_message = on_peer_message,
};

static void init_lists(struct router *r)
{
	list_init(&r->pools);
	list_init(&r->segments);
	list_init(&r->readable);
	list_init(&r->spools_named);
	list_init(&r->spools_orphan);
	list_init(&r->spools_done);
	list_init(&r->spools_marked);
	list_init(&r->messages);
	list_init(&r->fresh);
	list_init(&r->later);
	for (size_t i = 0; i < ORIGINS_MAX; i++)
		list_init(&r->edges[i].spools);
	for (size_t i = 0; i < OUTLETS_MAX; i++) {
		list_init(&r->stores[i].queue);
		list_init(&r->stores[i].handed);
	}
}

void router_start(struct os *os, int channel, unsigned index)
{
	struct router *r = heap_new(os_heap(os), struct router);

	r->os = os;
	r->heap = os_heap(os);
	init_lists(r);
	r->generations = table_init(r->heap, os_random_u64(os));
	r->spools = table_init(r->heap, os_random_u64(os));
	r->handed = table_init(r->heap, os_random_u64(os));
	r->scratch = arena_init(r->heap, SCRATCH_MAX);
	r->done_bytes = buffer_init(r->heap, 128 * 1024);
	settles_init(r);
	r->tick = (struct os_timer){ .fire = on_tick, .owner = r };
	frame_init(&r->frame, os, ROLE_ROUTER, index, channel, &handler, r);
}
