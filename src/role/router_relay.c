/* role/router_relay.c - the relay, seen from the router: it takes messages like a
 * store, and writes a journal like an edge.
 *
 * It speaks first, once it has read its queue: nothing is handed to it before.
 *
 * Its reports must be made exactly once. A relay that died may have committed one
 * and not written that down. So a new relay hears which transactions its earlier
 * lives committed (IPC_REPORTED). What they wrote is delivered, but not forgotten
 * before it has written down that it knows (IPC_REPORTED_OVER); then it asks for a
 * segment. While it lives it ends one only when it has written down all that it
 * reported there. */
#include "role/router_impl.h"

#include "base/check.h"
#include "ipc/message.h"

enum { TOLD_MAX = 8192 };       /* transactions in one message */

bool pool_is_of_relay(const struct pool *pool)
{
	return pool->kind == LOG_JOURNAL && pool->producer == ORIGIN_RELAY + 1;
}

void segment_note_reported(struct segment *s, uint64_t transaction)
{
	put_u64(&s->reported, transaction);
}

/* ---- what earlier lives reported ---- */

static bool all_was_read(const struct router *r)
{
	list_for(at, &r->segments) {
		const struct segment *s = list_item(at, struct segment, link);

		if (pool_is_of_relay(s->pool) && s->until_relay && !s->read_all)
			return false;
	}
	return r->loaded;
}

static void tell(struct ipc_channel *channel, struct buffer *list)
{
	while (buffer_bytes(list).len > 0) {
		size_t n = buffer_bytes(list).len / 8;
		struct buffer *out = ipc_begin(channel, IPC_REPORTED);

		n = n < TOLD_MAX ? n : TOLD_MAX;
		put_u32(out, (uint32_t)n);
		buffer_add(out, slice_head(buffer_bytes(list), n * 8));
		ipc_end(channel, -1);
		buffer_consume(list, n * 8);
	}
}

void relay_tell(struct router *r)
{
	struct ipc_channel *channel = r->edges[ORIGIN_RELAY].channel;
	struct buffer list = buffer_init(r->heap, SIZE_MAX / 2);

	if (channel == NULL || !r->relay_asks || r->relay_told || !all_was_read(r))
		return;
	list_for(at, &r->segments) {
		const struct segment *s = list_item(at, struct segment, link);

		if (pool_is_of_relay(s->pool) && s->until_relay)
			buffer_add(&list, buffer_bytes(&s->reported));
	}
	tell(channel, &list);
	put_u32(ipc_begin(channel, IPC_REPORTED), 0);
	ipc_end(channel, -1);
	buffer_free(&list);
	r->relay_told = true;
}

/* ---- it comes, speaks, and goes ---- */

void relay_joined(struct router *r, struct ipc_channel *channel)
{
	r->relay_asks = r->relay_told = false;
	edge_joined(r, channel, ORIGIN_RELAY);
	store_joined(r, channel, OUTLET_RELAY);
}

void relay_left(struct router *r)
{
	list_for(at, &r->segments) {
		struct segment *s = list_item(at, struct segment, link);

		if (pool_is_of_relay(s->pool) && (s->state == SEGMENT_OPEN || s->state == SEGMENT_CLOSED))
			s->until_relay = true;
	}
	edge_left(r, ORIGIN_RELAY);
	store_left(r, OUTLET_RELAY);
}

/* All that was reported is written down. */
static void settled(struct router *r)
{
	list_for(at, &r->segments) {
		struct segment *s = list_item(at, struct segment, link);

		if (!pool_is_of_relay(s->pool) || !s->until_relay)
			continue;
		s->until_relay = false;
		buffer_free(&s->reported);
		segment_check(s);
	}
}

bool relay_message(struct router *r, struct ipc_channel *channel, struct ipc_message *message)
{
	if (message->type == IPC_DELIVERED) {
		done_soon(r);
		return store_message(r, OUTLET_RELAY, message);
	}
	if (message->type == IPC_REPORTED_WANT) {
		if (!bytes_end(&message->body) || r->relay_asks)
			return false;
		r->relay_asks = true;
		edge_spoke(r, ORIGIN_RELAY);
		stores_tell(r);
		relay_tell(r);
		return true;
	}
	if (!r->relay_told || message->type == IPC_SPOOL_WANT ||
	    message->type == IPC_SPOOL_DROP)
		return false;
	if (message->type == IPC_REPORTED_OVER) {
		if (!bytes_end(&message->body))
			return false;
		settled(r);
		return true;
	}
	return edge_message(r, ORIGIN_RELAY, message);
}
