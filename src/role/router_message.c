/* role/router_message.c - messages, their targets, their end.
 *
 *   record -> opened seals -> targets by store -> parts -> all done -> tracker
 *
 * A record that does not parse, or a seal that the directory did not make, is
 * an edge that lies: nothing of the record is delivered, and the edge ends. */
#include "role/router_impl.h"

#include <string.h>

#include "account/slot.h"
#include "base/check.h"

enum { ARENA_MAX = 64 * 1024 * 1024 };  /* 60,000 targets of the longest addresses */

static struct budget *budget_of(struct router *r, enum log_kind kind)
{
	return kind == LOG_PARKED ? &r->parked : &r->journal;
}

bool message_room(struct router *r, enum log_kind kind)
{
	const struct budget *b = budget_of(r, kind);

	return kind == LOG_DONE ||
	    (b->n < ROUTER_MESSAGES_MAX && b->bytes < ROUTER_ENVELOPES_MAX);
}

/* ---- the end ---- */

static void message_free(struct message *m)
{
	struct router *r = m->segment->router;
	struct budget *b = budget_of(r, m->segment->pool->kind);

	for (uint32_t i = 0; i < m->n_parts; i++)
		part_detach(&m->parts[i]);
	message_drop_frames(m);
	list_remove(&m->fresh);
	list_remove(&m->link);
	b->n--;
	b->bytes -= m->bytes;
	m->segment->n_messages--;
	arena_reset(&m->arena);
	heap_free(r->heap, m);
}

void message_done(struct message *m)
{
	tracker_done(&m->segment->tracker, m->sequence);
	m->segment->done_dirty = true;
}

void message_end(struct message *m)
{
	struct segment *s = m->segment;
	struct router *r = s->router;

	message_done(m);
	if (m->spool != NULL) {
		spool_finished(r, m->spool);
		s->spooled = true;
	}
	message_free(m);
	segment_check(s);
	readers_pump(r);
	settles_check(r);
}

/* ---- targets and parts ---- */

static void add_part(struct message *m, uint32_t first, uint32_t n, unsigned store)
{
	struct router *r = m->segment->router;
	struct part *part = &m->parts[m->n_parts++];
	struct buffer key = buffer_init(r->heap, sizeof part->key);

	*part = (struct part){ .message = m, .store = &r->stores[store], .first = first, .n = n,
	    .state = PART_LATER };
	put_message_id(&key, m->id);
	memcpy(part->key, buffer_bytes(&key).ptr, sizeof part->key);
	buffer_free(&key);
	list_init(&part->link);
}

static unsigned outlet_of(const struct router *r, const struct target *t)
{
	return t->account == 0 ? OUTLET_RELAY :
	    account_store(t->account, r->frame.config->stores);
}

/* Group targets by store, in their order, DELIVERY_TARGETS_MAX a part. */
static void make_parts(struct message *m)
{
	const struct router *r = m->segment->router;
	uint32_t counts[OUTLETS_MAX] = { 0 }, at[OUTLETS_MAX], sum = 0, n_parts = 0;
	struct target *sorted = arena_new(&m->arena, struct target, m->n_targets);

	check(r->frame.config->stores > 0 && r->frame.config->stores <= STORES_MAX);
	for (uint32_t i = 0; i < m->n_targets; i++)
		counts[outlet_of(r, &m->targets[i])]++;
	for (unsigned i = 0; i < OUTLETS_MAX; i++) {
		at[i] = sum;
		sum += counts[i];
		n_parts += (counts[i] + DELIVERY_TARGETS_MAX - 1) / DELIVERY_TARGETS_MAX;
	}
	for (uint32_t i = 0; i < m->n_targets; i++)
		sorted[at[outlet_of(r, &m->targets[i])]++] = m->targets[i];
	m->targets = sorted;
	m->parts = arena_new(&m->arena, struct part, n_parts);
	for (unsigned i = 0; i < OUTLETS_MAX; i++) {
		uint32_t first = at[i] - counts[i];

		while (first < at[i]) {
			uint32_t n = at[i] - first;

			if (n > DELIVERY_TARGETS_MAX)
				n = DELIVERY_TARGETS_MAX;
			add_part(m, first, n, i);
			first += n;
		}
	}
	check(m->n_parts == n_parts);
	m->parts_left = n_parts;
}

void message_start(struct message *m)
{
	for (uint32_t i = 0; i < m->n_parts; i++)
		part_queue(&m->parts[i]);
}

/* ---- frames ---- */

void message_drop_frames(struct message *m)
{
	struct router *r = m->segment->router;

	if (m->frames_kept) {
		r->frames_kept -= m->body.frames.len;
		heap_free(r->heap, (void *)(uintptr_t)m->body.frames.ptr);
	}
	m->frames_kept = false;
	m->body.frames = (slice){ 0 };
}

static bool is_waiting(const struct message *m)
{
	for (uint32_t i = 0; i < m->n_parts; i++) {
		if (m->parts[i].state == PART_QUEUED)
			return true;
	}
	return false;
}

void message_frames_used(struct message *m)
{
	if (m->frames_kept && !is_waiting(m))
		message_drop_frames(m);
}

/* A copy for a store that is there but has no room now; otherwise it is handed
 * over as a descriptor when its time comes. */
static void settle(struct router *r, struct message *m)
{
	slice frames = m->body.frames;
	unsigned char *copy;

	m->body.frames = (slice){ 0 };
	if (frames.len == 0 || frames.len > DELIVERY_INLINE_MAX || !is_waiting(m) ||
	    r->frames_kept + frames.len > ROUTER_FRAMES_MAX)
		return;
	copy = heap_alloc(r->heap, frames.len);
	memcpy(copy, frames.ptr, frames.len);
	m->body.frames = slice_of(copy, frames.len);
	m->frames_kept = true;
	r->frames_kept += frames.len;
}

void messages_settle(struct router *r)
{
	struct list *at;

	while ((at = list_take_first(&r->fresh)) != NULL)
		settle(r, list_item(at, struct message, fresh));
}

/* ---- records ---- */

static struct message *message_new(struct segment *s, const struct log_record *record)
{
	struct router *r = s->router;
	struct message *m = heap_new(r->heap, struct message);

	m->segment = s;
	m->sequence = record->sequence;
	m->arena = arena_init(r->heap, ARENA_MAX);
	m->since_ms = os_now_ms(r->os);
	m->serial = ++r->serial_last;
	list_init(&m->fresh);
	list_append(&r->messages, &m->link);
	budget_of(r, s->pool->kind)->n++;
	s->n_messages++;
	return m;
}

/* The body's place; its frames are in the window until messages_settle(). */
static void take_body(struct message *m, const struct journal_body *body,
    const struct log_record *record)
{
	struct router *r = m->segment->router;

	m->body = *body;
	if (body->frames.len > 0) {
		size_t before = (size_t)(body->frames.ptr - record->payload.ptr);

		m->frames_at = record->offset + LOG_RECORD_MIN + (uint32_t)before;
		list_append(&r->fresh, &m->fresh);
	}
}

/* Who wrote it lies, or something between us is broken: out with it. */
static void refuse(struct segment *s, const struct log_record *record, const char *why)
{
	struct router *r = s->router;
	unsigned index = s->head.producer - 1u;
	struct message_id id = { s->head.producer, record->sequence, s->head.generation };
	char text[MESSAGE_ID_TEXT];

	message_id_print(id, text);
	os_log(r->os, OS_ERROR, "record %s in journal file %s/%03u.log is refused: %s; it is "
	    "delivered to nobody and the file is kept", text, s->pool->folder, s->head.number,
	    why);
	tracker_done(&s->tracker, record->sequence);
	s->done_dirty = true;
	s->damaged = true;
	if (s->state == SEGMENT_OPEN && s->pool->kind == LOG_JOURNAL &&
	    r->edges[index].channel != NULL)
		frame_end_peer(&r->frame, r->edges[index].channel);
}

/* Open the seals of a record. NULL, or why it is refused. Seals are opened into
 * the scratch arena first: the message's own is made only when all are good. */
static const char *open_seals(struct router *r, const struct journal_commit *commit,
    struct sealed_recipient *ret_opened, uint32_t *ret_n)
{
	uint32_t n = 0;

	for (size_t i = 0; i < commit->n_recipients; i++) {
		struct sealed_recipient *to = &ret_opened[i];

		if (!seal_open(&r->key, commit->sealed[i], &r->scratch, to))
			return "a recipient is not sealed by the directory";
		if (to->transaction != commit->transaction ||
		    !slice_equal(to->sender, commit->sender))
			return "a recipient was sealed for another transaction";
		n += to->n_targets;
	}
	*ret_n = n;
	return NULL;
}

static void copy_targets(struct message *m, const struct sealed_recipient *opened, size_t n)
{
	m->targets = arena_new(&m->arena, struct target, m->n_targets);
	for (size_t i = 0, k = 0; i < n; i++) {
		for (size_t j = 0; j < opened[i].n_targets; j++, k++) {
			m->targets[k] = (struct target){
				.account = opened[i].targets[j].account,
				.delivered_to = slice_copy(&m->arena,
				    opened[i].targets[j].delivered_to),
				.recipient = (uint16_t)k,
			};
		}
	}
}

/* Parts made, memory counted: it is on its way. */
static void message_go(struct message *m)
{
	struct router *r = m->segment->router;

	make_parts(m);
	m->bytes = sizeof *m + m->arena.used;
	budget_of(r, m->segment->pool->kind)->bytes += m->bytes;
	if (m->spool != NULL)
		spool_open(m);
	else
		message_start(m);
}

static void take_commit(struct segment *s, const struct log_record *record)
{
	struct router *r = s->router;
	struct sealed_recipient *opened;
	struct journal_commit commit;
	struct spool *spool = NULL;
	const char *why;
	struct message *m;
	uint32_t n = 0;

	if (record->type != JOURNAL_COMMIT ||
	    !journal_commit_read(record->payload, &r->scratch, &commit)) {
		refuse(s, record, "it is not a record that we know");
		return;
	}
	opened = arena_new(&r->scratch, struct sealed_recipient, commit.n_recipients);
	why = open_seals(r, &commit, opened, &n);
	if (why == NULL && commit.body.spool != 0) {
		spool = spool_name(r, commit.body.spool, s->head.producer, commit.body.stored);
		if (spool == NULL)
			why = "its body's file is not there";
	}
	if (why != NULL) {
		refuse(s, record, why);
		return;
	}
	m = message_new(s, record);
	m->id = (struct message_id){ s->head.producer, record->sequence, s->head.generation };
	m->received_us = commit.received_us;
	m->flags = commit.flags;
	m->sender = slice_copy(&m->arena, commit.sender);
	m->trace = slice_copy(&m->arena, commit.trace);
	m->spool = spool;
	m->n_targets = n;
	copy_targets(m, opened, commit.n_recipients);
	take_body(m, &commit.body, record);
	message_go(m);
}

static void take_parked(struct segment *s, const struct log_record *record)
{
	struct router *r = s->router;
	struct spool *spool = NULL;
	struct delivery d;
	struct message *m;

	if (record->type != PARKED_DELIVERY || !parked_read(record->payload, &r->scratch, &d)) {
		refuse(s, record, "it is not a record that we know");
		return;
	}
	if (s->collecting) {
		segment_note_parked(s, d.id.generation);
		return;
	}
	if (d.body.spool != 0) {
		spool = spool_name(r, d.body.spool, 0, d.body.stored);
		if (spool == NULL) {
			refuse(s, record, "its body's file is not there");
			return;
		}
	}
	m = message_new(s, record);
	m->id = d.id;
	m->received_us = d.received_us;
	m->flags = d.flags;
	m->sender = slice_copy(&m->arena, d.sender);
	m->trace = slice_copy(&m->arena, d.trace);
	m->spool = spool;
	m->n_targets = d.n_targets;
	m->targets = arena_new(&m->arena, struct target, d.n_targets);
	for (size_t i = 0; i < d.n_targets; i++) {
		m->targets[i] = (struct target){
			.account = d.targets[i].account,
			.delivered_to = slice_copy(&m->arena, d.targets[i].delivered_to),
			.recipient = d.targets[i].recipient,
		};
	}
	take_body(m, &d.body, record);
	message_go(m);
}

/* Also of what is done already: the relay may not know that it was committed. */
static void note_reported(struct segment *s, const struct log_record *record)
{
	struct journal_commit commit;

	if (record->type == JOURNAL_COMMIT &&
	    journal_commit_read(record->payload, &s->router->scratch, &commit))
		segment_note_reported(s, commit.transaction);
	arena_reset(&s->router->scratch);
}

void message_take(struct segment *s, const struct log_record *record)
{
	arena_reset(&s->router->scratch);
	if (!s->collecting) {
		tracker_seen(&s->tracker, record->sequence);
		if (pool_is_of_relay(s->pool))
			note_reported(s, record);
		if (tracker_is_done(&s->tracker, record->sequence))
			return;
	}
	if (s->pool->kind == LOG_PARKED)
		take_parked(s, record);
	else
		take_commit(s, record);
}
