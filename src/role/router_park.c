/* role/router_park.c - what takes too long is copied out of its segment.
 *
 *   r->messages -> batch -> frames read -> appended -> synced -> ended
 *                    '--------- back, when anything fails ---'
 *
 * Answers that come for a message in a batch are not heard: its copy is handed
 * over again, and the store knows the key. The copies are read back like any
 * journal (router_read.c), so there is no second queue. */
#include "role/router_impl.h"

#include "base/check.h"
#include "base/checksum.h"

enum { BATCH_BYTES = 8 * 1024 * 1024 };

struct park_item {
	struct message *message;
	unsigned char *frames;          /* body.stored bytes, or NULL */
	bool ok;                        /* read, and what it should be */
	bool appended;
	unsigned copies;                /* records that name its spool file */
};

struct park_batch {
	struct os_work work;
	struct router *router;
	struct park_item items[PARK_BATCH_MAX];
	size_t n;
};

/* ---- choosing ---- */

static bool may_park(const struct message *m)
{
	return m->segment->pool->kind == LOG_JOURNAL &&
	    (m->spool == NULL ? m->body.stored <= LOG_RECORD_MAX : m->spool->fd >= 0);
}

static uint64_t park_age_ms(const struct router *r)
{
	bool room = r->journal.n < ROUTER_MESSAGES_MAX &&
	    r->journal.bytes < ROUTER_ENVELOPES_MAX;

	return room ? PARK_AFTER_MS : PARK_EARLY_MS;
}

static void batch_add(struct park_batch *batch, struct message *m)
{
	struct router *r = batch->router;
	struct park_item *item = &batch->items[batch->n++];

	for (uint32_t i = 0; i < m->n_parts; i++) {
		/* A store may still read the body there: no reuse. */
		if (m->parts[i].state == PART_HANDED && m->parts[i].in_file)
			m->segment->unsure = true;
		part_detach(&m->parts[i]);
		if (m->parts[i].state != PART_DONE)
			m->parts[i].state = PART_LATER;
	}
	message_drop_frames(m);
	list_remove(&m->link);
	item->message = m;
	if (m->spool == NULL && m->body.stored > 0)
		item->frames = heap_alloc(r->heap, (size_t)m->body.stored);
	r->n_parking++;
}

/* Go on as before; it is tried again when it is as old once more. */
static void unpark(struct router *r, struct message *m)
{
	m->since_ms = os_now_ms(r->os);
	list_append(&r->messages, &m->link);
	for (uint32_t i = 0; i < m->n_parts; i++) {
		if (m->parts[i].state != PART_DONE)
			part_queue(&m->parts[i]);
	}
}

/* ---- on the pool ---- */

static void run(struct os_work *work)
{
	struct park_batch *batch = work->owner;

	for (size_t i = 0; i < batch->n; i++) {
		struct park_item *item = &batch->items[i];
		const struct message *m = item->message;
		size_t n = (size_t)m->body.stored;

		item->ok = item->frames == NULL ||
		    (os_pread(work->os, m->segment->fd_read, item->frames, n,
		    m->frames_at) == (ssize_t)n &&
		    checksum64(slice_of(item->frames, n), 0) == m->body.checksum);
	}
}

/* ---- appending ---- */

static uint16_t open_targets(const struct message *m, uint32_t *at,
    struct delivery_target *ret_targets)
{
	uint16_t n = 0;

	for (; *at < m->n_targets && n < DELIVERY_TARGETS_MAX; ++*at) {
		const struct target *t = &m->targets[*at];

		if (!t->done)
			ret_targets[n++] = (struct delivery_target){ t->recipient, t->account,
			    t->delivered_to };
	}
	return n;
}

/* All of it goes into one segment, or nothing counts: false. */
static bool append_item(struct router *r, struct park_item *item)
{
	struct delivery_target targets[DELIVERY_TARGETS_MAX];
	const struct message *m = item->message;
	struct segment *s = r->park_log.segment;
	struct delivery d = { .id = m->id, .received_us = m->received_us, .flags = m->flags,
	    .sender = m->sender, .trace = m->trace, .targets = targets, .body = m->body };
	uint32_t at = 0, sequence, offset;
	bool ok = true;

	if (buffer_room(&s->parked) < 8)
		return false;
	segment_note_parked(s, m->id.generation);
	while (ok && (d.n_targets = open_targets(m, &at, targets)) > 0) {
		struct buffer envelope = buffer_init(r->heap, IPC_PACKET_MAX);
		slice parts[2];

		parked_write(&d, &envelope);
		parts[0] = buffer_bytes(&envelope);
		parts[1] = item->frames == NULL ? (slice){ 0 } :
		    slice_of(item->frames, (size_t)m->body.stored);
		ok = log_append(&r->park_log.writer, PARKED_DELIVERY, parts, 2, &sequence,
		    &offset);
		item->copies += ok;
		buffer_free(&envelope);
	}
	return ok;
}


static void batch_end(struct router *r, struct park_batch *batch, bool ok)
{
	for (size_t i = 0; i < batch->n; i++) {
		struct park_item *item = &batch->items[i];
		struct message *m = item->message;

		heap_free(r->heap, item->frames);
		r->n_parking--;
		if (!ok || !item->appended) {
			unpark(r, m);
			continue;
		}
		/* Its copies name the spool file now. */
		if (m->spool != NULL)
			spool_promise(m->spool, item->copies);
		m->spool = NULL;
		message_end(m);
	}
	heap_free(r->heap, batch);
}

static void on_frames(struct os_work *work)
{
	struct park_batch *batch = work->owner;
	struct router *r = batch->router;
	bool any = false, full = false;

	for (size_t i = 0; i < batch->n && !full; i++) {
		struct park_item *item = &batch->items[i];

		if (!item->ok) {
			os_log(r->os, OS_ERROR, "cannot park a message of journal file "
			    "%s/%03u.log: its body can't be read",
			    item->message->segment->pool->folder,
			    item->message->segment->head.number);
			continue;
		}
		item->appended = append_item(r, item);
		any = any || item->appended;
		full = !item->appended;
	}
	if (!any) {
		own_log_close(&r->park_log);
		batch_end(r, batch, false);
		return;
	}
	r->park_log.plan.owner = batch;
	own_log_write(&r->park_log);
}

static void on_written(struct plan *plan)
{
	struct park_batch *batch = plan->owner;
	struct router *r = batch->router;
	struct segment *s = r->park_log.segment;
	bool ok = own_log_written(&r->park_log);

	if (ok)
		os_log(r->os, OS_WARN, "%zu messages are parked: they could not be delivered "
		    "for a while, and are tried further", batch->n);
	batch_end(r, batch, ok);
	segment_wake(s);
	router_drain_check(r);
}

/* ---- the tick ---- */

bool park_is_idle(const struct router *r)
{
	return r->n_parking == 0;
}

/* An open file whose records are all done would keep generations alive. */
static void close_when_done(struct router *r)
{
	const struct segment *s = r->park_log.segment;

	if (s != NULL && !r->park_log.busy && r->park_log.writer.sequence > 1 && !s->busy &&
	    s->n_messages == 0 && s->ended_at == s->reader.limit && tracker_all_done(&s->tracker))
		own_log_close(&r->park_log);
}

void park_tick(struct router *r)
{
	uint64_t now = os_now_ms(r->os), age = park_age_ms(r), bytes = 0;
	struct park_batch *batch = NULL;

	if (!r->loaded || r->n_parking > 0)
		return;
	close_when_done(r);
	if (r->generations.count >= ROUTER_GENERATIONS_MAX)
		return;
	list_for(at, &r->messages) {
		struct message *m = list_item(at, struct message, link);

		if (now - m->since_ms < age || bytes > BATCH_BYTES)
			break;
		if (!may_park(m))
			continue;
		if (batch == NULL) {
			if (!own_log_ready(&r->park_log))
				return;
			batch = heap_new(r->heap, struct park_batch);
			batch->router = r;
			batch->work = (struct os_work){ .run = run, .done = on_frames,
			    .owner = batch };
		}
		batch_add(batch, m);
		bytes += m->spool == NULL ? m->body.stored : 0;
		if (batch->n == PARK_BATCH_MAX)
			break;
	}
	if (batch != NULL)
		os_work_start(r->os, &batch->work);
}

void park_init(struct router *r)
{
	own_log_init(r, &r->park_log,
	    pool_get(r, "parked", LOG_PARKED, 0, r->frame.config->segment_size), on_written);
}
