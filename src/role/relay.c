/* role/relay.c - the relay: mail for other hosts. See relay_impl.h for its parts.
 *
 *   start -> load the queue -> write it anew -> ready -> serving -> drain
 *
 * It connects out, and holds no account. What it can't deliver at once waits in its
 * queue, on disk. */
#include <string.h>

#include "base/check.h"
#include "role/relay_impl.h"
#include "role/role.h"

/* ---- time ---- */

int64_t relay_now_us(const struct relay *r)
{
	return r->wall_us + (int64_t)os_now_us(r->os) - r->since_us;
}

static void on_tick(struct os_timer *timer)
{
	struct relay *r = timer->owner;

	os_timer_start(r->os, &r->tick, RELAY_TICK_MS);
	entries_due(r);
	entries_store_slow(r, r->frame.draining);
	destinations_tick(r);
	queue_step(r);
	reports_step(r);
	origin_step(r);
	relay_drain_check(r);
}

void queue_start(struct relay *r)
{
	r->loaded = true;
	os_timer_start(r->os, &r->tick, RELAY_TICK_MS);
	queue_step(r);
	origin_step(r);
	frame_ready(&r->frame);
}

/* ---- drain ---- */

/* Nothing new is sent, what is under way may end, the rest is in the queue. */
void relay_drain_check(struct relay *r)
{
	if (!r->frame.draining || r->drained || !r->loaded)
		return;
	if (r->n_sessions > 0 || r->n_fresh > 0 || !queue_idle(r) || !origin_idle(r) ||
	    r->n_answers > 0)
		return;
	r->drained = true;
	frame_drained(&r->frame);
}

static void on_drain(struct frame *frame, uint32_t grace_ms)
{
	struct relay *r = frame->owner;

	if (!r->loaded) {
		r->drained = true;
		frame_drained(frame);
		return;
	}
	entries_store_slow(r, true);
	destinations_tick(r);
	relay_drain_check(r);
}

/* ---- the frame ---- */

static void on_start(struct frame *frame)
{
	struct relay *r = frame->owner;
	char why[TLS_ERROR_TEXT];

	r->tls = tls_client_context(r->heap, (slice){ 0 }, why, sizeof why);
	if (r->tls == NULL)
		os_log(r->os, OS_WARN, "no TLS to other hosts: %s", why);
	queue_load(r);
}

static void on_peer_joined(struct frame *frame, struct ipc_channel *peer)
{
	struct relay *r = frame->owner;

	if (ipc_peer_kind(peer) == ROLE_ROUTER)
		origin_router_came(r);
	else
		reports_step(r);
}

static void on_peer_left(struct frame *frame, struct ipc_channel *peer)
{
	struct relay *r = frame->owner;

	switch (ipc_peer_kind(peer)) {
	case ROLE_ROUTER:
		take_router_left(r);
		origin_router_left(r);
		break;
	case ROLE_RESOLVER:
		route_resolver_left(r);
		break;
	case ROLE_DIRECTORY:
		report_directory_left(r);
		break;
	default:
		break;
	}
}

static bool on_peer_message(struct frame *frame, struct ipc_channel *peer,
    struct ipc_message *message)
{
	struct relay *r = frame->owner;

	switch (message->type) {
	case IPC_LIVE:
	case IPC_RETIRED:
	case IPC_DELIVER:
		return take_message(r, message);
	case IPC_RESOLVED:
		return route_answer(r, message);
	case IPC_RECIPIENT_IS:
		return report_answer(r, message);
	case IPC_SEGMENT:
	case IPC_SPACE:
	case IPC_REPORTED:
		return origin_message(r, message);
	case IPC_QUEUE:
		return control_queue(r, message);
	default:
		return false;
	}
}

static void on_reload(struct frame *frame)
{
	struct relay *r = frame->owner;

	smart_config(r);
	destinations_reload(r);
}

static bool on_keeper(struct frame *frame, struct ipc_message *message)
{
	return smart_message(frame->owner, message);
}

static void count(struct frame *frame, uint64_t values[COUNTERS])
{
	const struct relay *r = frame->owner;

	values[COUNTER_RELAY_QUEUED] = r->n_entries;
	values[COUNTER_RELAY_SENT] = r->n_sent;
}

static const struct frame_handler handler = {
	.count = count,
	.keeper = on_keeper,
	.start = on_start,
	.reload = on_reload,
	.drain = on_drain,
	.peer_joined = on_peer_joined,
	.peer_left = on_peer_left,
	.peer_message = on_peer_message,
};

void relay_start(struct os *os, int channel, unsigned index)
{
	struct relay *r = heap_new(os_heap(os), struct relay);

	r->os = os;
	r->heap = os_heap(os);
	r->wall_us = os_wall_us(os);
	r->since_us = (int64_t)os_now_us(os);
	list_init(&r->entries);
	list_init(&r->all_destinations);
	list_init(&r->closing);
	list_init(&r->reporting);
	list_init(&r->questions);
	r->numbers = table_init(r->heap, os_random_u64(os));
	r->destinations = table_init(r->heap, os_random_u64(os));
	r->requests = table_init(r->heap, os_random_u64(os));
	r->words = table_init(r->heap, os_random_u64(os));
	r->tick = (struct os_timer){ .fire = on_tick, .owner = r };
	take_init(r);
	pack_unzip_init(&r->unzip, r->heap);
	queue_init(r);
	report_init(r);
	origin_init(r);
	frame_init(&r->frame, os, ROLE_RELAY, index, channel, &handler, r);
}
