/* role/relay_log.c - the queue on disk: NNN.log says which entries there are, their
 * bodies are in pack/NNN.pack.
 *
 *   changed entries -> flight -> bodies to the pack, sync -> records to the log, sync
 *                        '-- bodies that the journal does not give, with their entries:
 *                            left behind, and tried again
 *
 * A chain of log files begins with all entries there are (the base), up to a record
 * WHOLE; then files from before it are removed. A role begins a chain of its own at
 * its start, after a failed write (whatever that left on disk, memory says what
 * holds), and when the chain is long against what it says.
 *
 * (1) One plan at a time; entries that change while theirs is written are written
 *     again.
 * (2) While a base is written, changes go into the same chain: the last record of an
 *     entry counts, wherever it stands.
 * (3) A record names a body only when that is synced in its pack: of what a crash
 *     leaves, each entry's body is there. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "journey/event.h"
#include "role/relay_impl.h"

enum { CHAIN_MIN = 4 * 1024 * 1024, CHAIN_FACTOR = 3, HEADER_ROOM = 128 * 1024,
	KNOWN_MAX = 512 };

/* ---- a flight: first bodies ---- */

static slice keep(struct queue_log *q, struct buffer *bytes)
{
	slice kept = slice_copy(&q->scratch, buffer_bytes(bytes));

	buffer_free(bytes);
	return kept;
}

/* Behind what is in the pack already. */
static void place_body(struct relay *r, struct body *b)
{
	b->place = (struct pack_place){ QUEUE_PACKS, r->log.pack, (uint32_t)r->log.pack_end };
	queue_pack_used(r, r->log.pack);
}

static void displace_body(struct relay *r, struct body *b)
{
	queue_pack_unused(r, b->place.number);
	b->place.number = 0;
}

/* Its entry's flight holds its memory until it is written. */
static void add_body(struct relay *r, struct body *b)
{
	struct queue_log *q = &r->log;
	struct buffer head = buffer_init(r->heap, PACK_ENTRY + PACK_PREFIX_MAX);
	struct plan_step step = { .fd = q->pack_fd, .offset = q->pack_end };

	pack_entry_write(&head, b->place, b->trace, b->what);
	step.verb = PLAN_WRITE;
	step.bytes = keep(q, &head);
	plan_add(r->os, &q->bodies, step);
	step.offset += step.bytes.len;
	if (b->fd >= 0) {
		step.verb = PLAN_COPY;
		step.from = b->fd;
		step.from_offset = b->offset;
		step.length = b->what.stored;
		step.checksum = b->what.checksum;
	} else {
		step.bytes = b->frames;
	}
	if (b->what.stored > 0)
		plan_add(r->os, &q->bodies, step);
	b->step = (uint32_t)q->bodies.n - 1;
	q->pack_end = step.offset + b->what.stored;
	q->scratch_bytes += b->what.stored;
}

static bool lacks_body(const struct entry *e)
{
	return e->state != ENTRY_GONE && e->body->place.number == 0;
}

static bool was_left(const struct entry *e)
{
	return e->state != ENTRY_GONE && !e->body->durable && e->body->unread_until_ms > 0;
}

/* The pack has no room, or is not there. */
static bool needs_pack(const struct queue_log *q)
{
	return q->pack_fd < 0 || q->pack_end >= QUEUE_PACK_MAX;
}

static void answer_all(struct entry *e)
{
	for (size_t i = 0; i < e->n_recipients; i++)
		take_answer(e->relay, e, &e->recipients[i], DELIVERY_DURABLE);
}

/* Those that were left behind, or the others; n are on board. */
static size_t board(struct relay *r, bool left, size_t n, bool *ret_want_pack)
{
	struct queue_log *q = &r->log;
	uint64_t now = os_now_ms(r->os);

	list_for (at, &q->dirty) {
		struct entry *e = list_item(at, struct entry, dirty);
		struct body *b = e->body;
		bool lacks = lacks_body(e);

		if (n == RELAY_BATCH_MAX || q->scratch_bytes > RELAY_BATCH_BYTES)
			break;
		if (left != was_left(e) || (left && now < b->unread_until_ms))
			continue;
		if (lacks && needs_pack(q)) {
			*ret_want_pack = true;
			break;
		}
		if (lacks) {
			place_body(r, b);
			add_body(r, b);
		}
		if (os_planted(r->os, OS_PLANT_EARLY_QUEUED))
			answer_all(e);
		list_remove(&e->dirty);
		list_append(&q->flight, &e->dirty);
		e->logged = e->flying = true;
		n++;
	}
	return n;
}

/* What was left behind comes last: if it is left again, its room is the pack's end. */
static void board_dirty(struct relay *r, bool *ret_want_pack)
{
	size_t n = board(r, false, 0, ret_want_pack);

	board(r, true, n, ret_want_pack);
}

static void write_bodies(struct relay *r)
{
	struct queue_log *q = &r->log;

	plan_add(r->os, &q->bodies, (struct plan_step){ .verb = PLAN_SYNC, .fd = q->pack_fd });
	q->busy = true;
	plan_start(r->os, &q->bodies);
}

/* ---- and their records ---- */

/* While a report is on its way, the log calls failed what that one tells of and no
 * more: a life that finds the report made would think that all of it was told. What
 * failed meanwhile is tried again there. */
static uint8_t state_to_write(const struct entry *e, const struct recipient *to)
{
	return e->in_report && !to->in_report ? QUEUE_WAITING : to->state;
}

static void write_entry(const struct entry *e, struct buffer *out)
{
	struct queue_recipient list[QUEUE_RECIPIENTS_MAX];
	struct queue_entry record = { .number = e->number, .id = e->id,
	    .received_us = e->received_us, .next_us = e->next_us, .tries = e->tries,
	    .reports = e->reports, .needs = e->needs, .sender = e->sender,
	    .place = e->body->place, .body = e->body->what, .recipients = list };

	check(e->body->durable);
	record.flags = (uint8_t)((e->held ? QUEUE_HELD : 0) | (e->warned ? QUEUE_WARNED : 0));
	for (size_t i = 0; i < e->n_recipients; i++) {
		const struct recipient *to = &e->recipients[i];

		if (!to->delivered)
			list[record.n_recipients++] = (struct queue_recipient){ to->index,
			    state_to_write(e, to), to->address, to->reply };
	}
	queue_entry_write(&record, out);
}

static bool append(struct relay *r, enum queue_record type, slice payload)
{
	uint32_t sequence, offset;

	r->log.full = !log_append(&r->log.writer, (uint8_t)type, &payload, 1, &sequence, &offset);
	r->log.written += r->log.full ? 0 : payload.len + LOG_RECORD_MIN;
	return !r->log.full;
}

/* Recipients that are over are in no record of the entry any more: after a crash the
 * router may hand them over once more. */
static size_t list_over(struct relay *r, const struct entry *e, struct key **ret_list)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n_recipients; i++) {
		struct key *key = e->recipients[i].delivered ?
		    take_key(r, e->id, e->recipients[i].index) : NULL;

		if (key != NULL && !key->logged)
			ret_list[n++] = key;
	}
	return n;
}

static bool append_over(struct relay *r, struct key *const *list, size_t n)
{
	struct buffer payload = buffer_init(r->heap, QUEUE_RECIPIENTS_MAX * QUEUE_KEY);
	bool done;

	for (size_t i = 0; i < n; i++)
		buffer_add(&payload, slice_of(list[i]->bytes, sizeof list[i]->bytes));
	done = n == 0 || append(r, QUEUE_KNOWN, buffer_bytes(&payload));
	buffer_free(&payload);
	return done;
}

/* What is over, and what there is nothing left to say of, is gone. */
static bool append_entry(struct relay *r, struct entry *e)
{
	struct key *over[QUEUE_RECIPIENTS_MAX];
	size_t n = list_over(r, e, over);
	struct buffer payload = buffer_init(r->heap, HEADER_ROOM);
	bool gone = entry_is_over(e), done;

	if (gone)
		queue_number_write(e->number, &payload);
	else
		write_entry(e, &payload);
	done = append_over(r, over, n) &&
	    append(r, gone ? QUEUE_GONE : QUEUE_ENTRY, buffer_bytes(&payload));
	buffer_free(&payload);
	/* A file that had room for the keys alone may be left before it is written. */
	for (size_t i = 0; i < n && done; i++)
		over[i]->logged = true;
	return done;
}

static void put_back(struct entry *e)
{
	e->flying = e->again = false;
	list_remove(&e->dirty);
	list_append(&e->relay->log.dirty, &e->dirty);
}

/* As they are now. Those that the file has no room for go into the next. */
static size_t append_flight(struct relay *r)
{
	struct queue_log *q = &r->log;
	size_t n = 0;

	list_for (at, &q->flight) {
		struct entry *e = list_item(at, struct entry, dirty);

		if (q->full || !append_entry(r, e)) {
			put_back(e);
			continue;
		}
		e->again = false;
		n++;
	}
	return n;
}

/* The next record of keys of the base. */
static bool append_known(struct relay *r)
{
	struct queue_log *q = &r->log;
	struct buffer payload = buffer_init(r->heap, KNOWN_MAX * QUEUE_KEY);
	struct list *at = q->known;
	bool done = true;

	for (size_t n = 0; at != &r->keys_old && n < KNOWN_MAX; at = at->next) {
		const struct key *key = list_item(at, struct key, link);

		if (!key->logged)
			continue;
		buffer_add(&payload, slice_of(key->bytes, sizeof key->bytes));
		n++;
	}
	if (buffer_bytes(&payload).len > 0)
		done = append(r, QUEUE_KNOWN, buffer_bytes(&payload));
	if (done)
		q->known = at;
	buffer_free(&payload);
	return done;
}

/* The next entries of the base; those that no log has yet come by themselves. */
static size_t append_base(struct relay *r, size_t n)
{
	struct queue_log *q = &r->log;

	while (q->cursor != NULL && !q->full && n < RELAY_BATCH_MAX) {
		struct entry *e;

		if (q->cursor == &r->entries && q->known != &r->keys_old) {
			if (!append_known(r))
				break;
			n++;
			continue;
		}
		if (q->cursor == &r->entries) {
			if (!append(r, QUEUE_WHOLE, (slice){ 0 }))
				break;
			q->whole_flight = true;
			q->cursor = NULL;
			return n + 1;
		}
		e = list_item(q->cursor, struct entry, link);
		if (e->stored && e->state != ENTRY_GONE && !append_entry(r, e))
			break;
		q->cursor = q->cursor->next;
		n++;
	}
	return n;
}

/* False: there are none, or there is no room. */
static bool write_records(struct relay *r)
{
	struct queue_log *q = &r->log;
	size_t n = append_base(r, append_flight(r));
	uint32_t offset;
	slice bytes;

	if (n == 0)
		return false;
	bytes = log_take(&q->writer, true, &offset);
	plan_add(r->os, &q->records, (struct plan_step){ .verb = PLAN_WRITE, .fd = q->fd,
	    .offset = offset, .bytes = bytes });
	plan_add(r->os, &q->records, (struct plan_step){ .verb = PLAN_SYNC, .fd = q->fd });
	q->taken_to = offset + (uint32_t)bytes.len;
	q->busy = true;
	plan_start(r->os, &q->records);
	return true;
}

/* ---- bodies are on disk, or not ---- */

/* False: the journal did not give it, for this error; 0: not as its checksum says. What
 * is so again is taken like that: if it rotted in the journal it is as lost there as
 * here, and its sender will be told. */
static bool is_given(struct relay *r, const struct entry *e, int *ret_error)
{
	struct body *b = e->body;
	const struct plan_step *step = &r->log.bodies.steps[b->step];
	bool turned = step->unreadable && step->read_error == 0, again = turned && b->turned;
	char id[MESSAGE_ID_TEXT];

	b->turned = b->turned || turned;
	if (again) {
		message_id_print(e->id, id);
		os_log(r->os, OS_ERROR, "%s: its body is damaged in the journal, and now in the "
		    "queue: it can't be sent, and its sender will be told", id);
	}
	if (step->unreadable && !again)
		*ret_error = step->read_error;
	return !step->unreadable || again;
}

static void tell_left(struct relay *r, unsigned n, struct message_id id, int error)
{
	char text[MESSAGE_ID_TEXT], more[32] = "";

	if (n > 1)
		snprintf(more, sizeof more, " (nor those of %u more)", n - 1);
	message_id_print(id, text);
	os_log(r->os, OS_ERROR, "%s: the journal does not give its body%s for the queue: %s; it "
	    "is tried again in %d s, and waits in the journal", text, more, error != 0 ?
	    strerror(-error) : "it is not what its checksum says", RELAY_RETRY_MS / 1000);
}

/* What is in the pack need not be in memory. What is not stays behind, with all its
 * entries; where that is the end of the pack, the next bodies go over it. */
static void leave_unread(struct relay *r)
{
	struct queue_log *q = &r->log;
	uint64_t end = q->pack_end;
	struct message_id id = { 0 };
	unsigned n = 0;
	int error = 0;

	list_for (at, &q->flight) {
		struct entry *e = list_item(at, struct entry, dirty);
		struct body *b = e->body;

		if (b->place.number > 0 && !b->durable && is_given(r, e, &error)) {
			end = q->pack_end;
			b->durable = true;
			body_leave_memory(b);
		} else if (b->place.number > 0 && !b->durable) {
			end = end == q->pack_end ? b->place.offset : end;
			b->unread_until_ms = os_now_ms(r->os) + RELAY_RETRY_MS;
			displace_body(r, b);
			id = e->id;
			n++;
		}
		if (lacks_body(e))
			put_back(e);
	}
	q->pack_end = end;
	if (n > 0)
		tell_left(r, n, id, error);
}

/* No record names what was on its way. */
static void leave_pack(struct relay *r, int error)
{
	struct queue_log *q = &r->log;

	queue_trouble(r, error);
	list_for (at, &q->flight) {
		struct entry *e = list_item(at, struct entry, dirty);

		if (e->body->place.number > 0 && !e->body->durable)
			displace_body(r, e->body);
		put_back(e);
	}
	queue_close_pack(r);
}

static void after_flight(struct relay *r)
{
	reports_step(r);
	queue_step(r);
	relay_drain_check(r);
}

static void on_bodies(struct plan *plan)
{
	struct relay *r = plan->owner;
	struct queue_log *q = &r->log;
	int error = plan->error;

	q->busy = false;
	if (error == 0)
		leave_unread(r);
	else
		leave_pack(r, error);
	plan_reset(r->os, plan);
	arena_reset(&q->scratch);
	q->scratch_bytes = 0;
	if (error != 0 || !write_records(r))
		after_flight(r);
}

/* ---- records are ---- */

static void tell_queued(const struct entry *e)
{
	struct event event;

	if (!event_begin(&event, e->relay->os, "queued"))
		return;
	event_id(&event, e->id);
	event_name(&event, "q", e->number);
	event_number(&event, "next", (uint64_t)(e->next_us > 0 ? e->next_us : 0));
	event_end(&event);
}

static void landed(struct entry *e)
{
	struct relay *r = e->relay;

	e->flying = false;
	if (!e->again) {
		r->origin.unsettled -= e->unsettled;
		e->unsettled = 0;
	}
	if (e->state == ENTRY_GONE && !e->again) {
		entry_free(e);
		return;
	}
	if (!e->stored) {
		e->stored = true;
		tell_queued(e);
		r->n_fresh--;
		r->fresh_bytes -= e->fresh_bytes;
	}
	answer_all(e);
	if (e->again)
		list_append(&r->log.dirty, &e->dirty);
	e->again = false;
}

static void remove_old(struct relay *r)
{
	struct bytes old = bytes_init(buffer_bytes(&r->log.old));

	while (old.rest.len > 0)
		queue_throw_away(r, false, get_u32(&old));
	buffer_free(&r->log.old);
}

static void on_good(struct relay *r)
{
	struct queue_log *q = &r->log;
	struct list *at;

	log_synced(&q->writer, q->taken_to);
	while ((at = list_take_first(&q->flight)) != NULL)
		landed(list_item(at, struct entry, dirty));
	if (!q->whole_flight)
		return;
	q->whole_flight = false;
	q->base = q->written;
	remove_old(r);
}

/* All files of the chain that ends are removed when the next is whole. */
static void begin_chain(struct relay *r)
{
	struct queue_log *q = &r->log;

	for (uint32_t n = q->first; n < q->number_next && q->first > 0; n++)
		put_u32(&q->old, n);
	queue_close_log(r);
	q->renew = true;
	q->cursor = NULL;
}

/* Their bodies are where they are. */
static void on_bad(struct relay *r, int error)
{
	struct queue_log *q = &r->log;

	queue_trouble(r, error);
	log_failed(&q->writer);
	list_for (at, &q->flight)
		put_back(list_item(at, struct entry, dirty));
	q->whole_flight = false;
	begin_chain(r);
}

static void on_records(struct plan *plan)
{
	struct relay *r = plan->owner;
	struct queue_log *q = &r->log;
	int error = plan->error;

	plan_reset(r->os, plan);
	q->busy = false;
	log_taken_done(&q->writer);
	if (error == 0)
		on_good(r);
	else
		on_bad(r, error);
	after_flight(r);
}

/* ---- moving on ---- */

static bool chain_is_long(const struct queue_log *q)
{
	return q->cursor == NULL && q->base > 0 &&
	    q->written > CHAIN_MIN + CHAIN_FACTOR * q->base;
}

void queue_step(struct relay *r)
{
	struct queue_log *q = &r->log;
	bool want_pack = false;

	if (!r->loaded || q->busy || os_now_ms(r->os) < q->retry_ms)
		return;
	queue_sweep(r);
	if (chain_is_long(q))
		begin_chain(r);
	if (q->full && q->fd >= 0)
		queue_close_log(r);
	if (q->fd < 0) {
		queue_make(r, true, false);
		return;
	}
	board_dirty(r, &want_pack);
	if (q->bodies.n > 0) {
		write_bodies(r);
	} else if (write_records(r)) {
		return;
	} else if (want_pack) {
		queue_close_pack(r);
		queue_make(r, false, true);
	} else if (q->full) {
		queue_step(r);
	}
}

bool queue_idle(const struct relay *r)
{
	const struct queue_log *q = &r->log;

	return !q->busy && !q->sweeping && list_empty(&q->dirty) && list_empty(&q->flight) &&
	    q->cursor == NULL;
}

void queue_forget(struct entry *e)
{
	if (e->relay->log.cursor == &e->link)
		e->relay->log.cursor = e->link.next;
}

void queue_init(struct relay *r)
{
	struct queue_log *q = &r->log;

	q->fd = q->pack_fd = -1;
	q->number_next = q->pack_next = 1;
	q->renew = true;
	q->scratch = arena_init(r->heap, SIZE_MAX);
	q->old = buffer_init(r->heap, SIZE_MAX / 2);
	q->trash = buffer_init(r->heap, SIZE_MAX / 2);
	q->packs = table_init(r->heap, os_random_u64(r->os));
	list_init(&q->dirty);
	list_init(&q->flight);
	plan_init(&q->bodies, on_bodies, r);
	plan_init(&q->records, on_records, r);
}
