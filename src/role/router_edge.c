/* role/router_edge.c - what an edge may ask of the journal, and tell of it.
 *
 * An edge may be captured: it is believed about the one segment that it holds,
 * within its bounds, and about nothing else. */
#include "role/router_impl.h"

#include <errno.h>
#include <stdio.h>

#include "base/check.h"

static bool edge_holds(const struct router *r, unsigned index, const struct segment *s)
{
	return s != NULL && s->state == SEGMENT_OPEN && s->pool->kind == LOG_JOURNAL &&
	    s->pool == r->edges[index].pool;
}

static void tell_space(struct edge_peer *edge, bool full)
{
	put_u8(ipc_begin(edge->channel, IPC_SPACE), full);
	ipc_end(edge->channel, -1);
}

void edge_joined(struct router *r, struct ipc_channel *channel, unsigned index)
{
	struct edge_peer *edge = &r->edges[index];
	char folder[16];

	snprintf(folder, sizeof folder, "%u", index + 1);
	edge->channel = channel;
	edge->pool = pool_get(r, folder, LOG_JOURNAL, (uint16_t)(index + 1),
	    r->frame.config->segment_size);
	edge->wants = 0;
	pool_fill(edge->pool);
	if (r->full)
		tell_space(edge, true);
}

/* It knows now that the router before this one is gone: it answers no more 250
 * for what it wrote for that one. What it did answer is there to be read. */
void edge_spoke(struct router *r, unsigned index)
{
	r->edges[index].spoke = true;
	list_for(at, &r->segments) {
		struct segment *s = list_item(at, struct segment, link);

		if (s->pool != r->edges[index].pool || !s->until_edge)
			continue;
		s->until_edge = false;
		s->sync_first = true;
		segment_wake(s);
	}
}

/* What it wrote may have been acknowledged, announced or not: all of it is read. */
void edge_left(struct router *r, unsigned index)
{
	struct edge_peer *edge = &r->edges[index];

	edge->channel = NULL;
	edge->wants = 0;
	list_for(at, &r->segments) {
		struct segment *s = list_item(at, struct segment, link);

		if (!edge_holds(r, index, s))
			continue;
		s->reader.synced_to = s->reader.limit;
		s->reader.limit = s->head.size;
		s->sync_first = s->unsure = true;
		router_segment_close(s);
	}
	edge_spoke(r, index);
	spools_edge_left(r, index);
	router_drain_check(r);
}

static void hand_out(struct edge_peer *edge, struct segment *s)
{
	struct buffer *out = ipc_begin(edge->channel, IPC_SEGMENT);
	int fd = s->fd_write;

	put_u16(out, s->head.producer);
	put_u64(out, s->head.generation);
	put_u32(out, s->head.size);
	s->fd_write = -1;
	ipc_end(edge->channel, fd);
}

void edges_serve(struct router *r)
{
	for (size_t i = 0; i < ORIGINS_MAX && r->loaded; i++) {
		struct edge_peer *edge = &r->edges[i];
		struct segment *s;

		while (edge->channel != NULL && edge->wants > 0 &&
		    (s = pool_take(edge->pool)) != NULL) {
			edge->wants--;
			hand_out(edge, s);
		}
	}
}

static bool on_want(struct router *r, unsigned index, struct ipc_message *message)
{
	struct edge_peer *edge = &r->edges[index];

	if (!bytes_end(&message->body) || edge->wants >= ROUTER_WANTS_MAX)
		return false;
	edge->wants++;
	edges_serve(r);
	router_full_update(r);
	return true;
}

static bool on_synced(struct router *r, unsigned index, struct ipc_message *message)
{
	uint64_t generation = get_u64(&message->body);
	uint32_t offset = get_u32(&message->body);
	struct segment *s;

	if (!bytes_end(&message->body))
		return false;
	s = segment_by_generation(r, generation);
	if (!edge_holds(r, index, s) || offset < s->reader.limit || offset > s->head.size)
		return false;
	s->reader.limit = s->reader.synced_to = offset;
	segment_wake(s);
	router_full_update(r);
	return true;
}

/* A segment is finished when nobody can write to it any more: an edge that says so
 * and keeps a descriptor is captured. False: end it, upon which edge_left() takes
 * care of its segments. */
static bool let_go(struct router *r, unsigned index, struct segment *s)
{
	int has = s->tells_writers ? os_has_writer(r->os, s->fd_read) : -ENOTSUP;

	if (has < 0)
		s->unsure = true;
	if (has > 0)
		os_log(r->os, OS_ERROR, "edge %u keeps journal file %s/%03u.log, which it "
		    "called finished: it is ended", index, s->pool->folder, s->head.number);
	return has <= 0;
}

/* What was announced as synced stays so: an edge can't take a 250 back. */
static bool on_aborted(struct router *r, unsigned index, struct ipc_message *message)
{
	uint64_t generation = get_u64(&message->body);
	uint32_t offset = get_u32(&message->body);
	struct segment *s;

	if (!bytes_end(&message->body))
		return false;
	s = segment_by_generation(r, generation);
	if (!edge_holds(r, index, s) || offset < s->reader.limit || offset > s->head.size ||
	    !let_go(r, index, s))
		return false;
	os_log(r->os, OS_WARN, "edge %u gave up journal file %s/%03u.log at %u: a write failed",
	    index, s->pool->folder, s->head.number, offset);
	s->reader.limit = s->reader.synced_to = offset;
	s->cut = offset;
	s->done_dirty = true;
	router_segment_close(s);
	done_flush(r);
	return true;
}

static bool on_end(struct router *r, unsigned index, struct ipc_message *message)
{
	uint64_t generation = get_u64(&message->body);
	struct segment *s;

	if (!bytes_end(&message->body))
		return false;
	s = segment_by_generation(r, generation);
	if (!edge_holds(r, index, s) || !let_go(r, index, s))
		return false;
	router_segment_close(s);
	return true;
}

static bool on_spool_want(struct router *r, unsigned index, struct ipc_message *message)
{
	uint64_t request = get_u64(&message->body);

	if (!bytes_end(&message->body))
		return false;
	spool_want(r, index, request);
	return true;
}

static bool on_spool_drop(struct router *r, unsigned index, struct ipc_message *message)
{
	uint64_t id = get_u64(&message->body);

	return bytes_end(&message->body) && spool_drop(r, index, id);
}

static const struct {
	enum ipc_type type;
	bool (*handle)(struct router *r, unsigned index, struct ipc_message *message);
} messages[] = {
	{ IPC_SEGMENT_WANT, on_want },
	{ IPC_SYNCED, on_synced },
	{ IPC_ABORTED, on_aborted },
	{ IPC_SEGMENT_END, on_end },
	{ IPC_SPOOL_WANT, on_spool_want },
	{ IPC_SPOOL_DROP, on_spool_drop },
};

bool edge_message(struct router *r, unsigned index, struct ipc_message *message)
{
	if (!r->edges[index].spoke)
		edge_spoke(r, index);
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
		if (messages[i].type == message->type)
			return messages[i].handle(r, index, message);
	}
	return false;
}

/* At 80 % of the journal's space, on a disk that is nearly full, or when an edge
 * waits for a segment that can't be made: nothing new until it has passed. */
void router_full_update(struct router *r)
{
	uint64_t size_max = r->frame.config->journal_size;
	uint64_t used = segments_used(r) + r->spooled;
	unsigned percent = r->full ? ROUTER_AGAIN_PERCENT : ROUTER_FULL_PERCENT;
	uint64_t reserve = r->disk_total / ROUTER_FREE_DIVISOR;
	bool full;

	if (reserve > ROUTER_FREE_MAX)
		reserve = ROUTER_FREE_MAX;
	if (r->full)
		reserve += reserve / 4;
	full = used >= size_max / 100 * percent ||
	    (r->disk_total > 0 && r->disk_free < reserve);
	for (size_t i = 0; i < ORIGINS_MAX && r->loaded && !full; i++) {
		const struct edge_peer *edge = &r->edges[i];

		full = edge->channel != NULL && edge->wants > 0 && edge->pool->n_making == 0 &&
		    i != ORIGIN_RELAY;
	}
	if (full == r->full)
		return;
	r->full = full;
	os_log(r->os, full ? OS_WARN : OS_INFO, full ?
	    "no space for new messages: %llu MiB of the journal's %llu in use, %llu MiB of disk "
	    "free" : "space for new messages again: %llu MiB of the journal's %llu in use, "
	    "%llu MiB of disk free", (unsigned long long)(used >> 20),
	    (unsigned long long)(size_max >> 20), (unsigned long long)(r->disk_free >> 20));
	for (size_t i = 0; i < ORIGINS_MAX; i++) {
		if (r->edges[i].channel != NULL)
			tell_space(&r->edges[i], full);
	}
}
