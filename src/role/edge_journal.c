/* role/edge_journal.c - commits: appended to the segment, synced in groups,
 * answered when they are on disk.
 *
 *   edge_commit -> waiting -append-> pending -take, write, sync-> flight -> 250
 *
 * One sync runs at a time; what finishes meanwhile goes into the next batch.
 *
 * (1) No 250 before the sync that covers its record succeeded. A router that
 *     comes after another reads what that one's segments hold, and takes them as
 *     final once the edge has spoken to it: so the edge says nothing to it before
 *     a sync that was under way has ended (`lost`).
 * (2) After a failed write or sync nothing unsynced counts: all of it gets 451,
 *     the router is told, and the segment is never touched again. A segment is
 *     closed before the router hears that it ended: it ends who keeps one.
 * (3) A spool file was synced before edge_commit() (edge_body.c). */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "role/edge_impl.h"
#include "role/mock_user.h"

static void on_synced(struct plan *plan);
static void on_turn(struct os_defer *defer);
static void on_hold(struct os_timer *timer);
static void step(struct journal *j);

void edge_journal_init(struct edge *e)
{
	struct journal *j = &e->journal;

	j->edge = e;
	j->current.fd = j->next.fd = -1;
	list_init(&j->waiting);
	list_init(&j->pending);
	list_init(&j->flight);
	plan_init(&j->plan, on_synced, j);
	j->defer = (struct os_defer){ .run = on_turn, .owner = j };
	j->hold = (struct os_timer){ .fire = on_hold, .owner = j };
}

static struct ipc_channel *router(struct journal *j)
{
	return frame_peer(&j->edge->frame, ROLE_ROUTER, 0);
}

static void say(struct journal *j, enum ipc_type type, uint64_t generation, const uint32_t *offset)
{
	struct ipc_channel *to = router(j);
	struct buffer *out;

	if (to == NULL)
		return;
	out = ipc_begin(to, type);
	put_u64(out, generation);
	if (offset != NULL)
		put_u32(out, *offset);
	ipc_end(to, -1);
}

/* ---- segments ---- */

static void want_segment(struct journal *j)
{
	if (j->wanted || j->lost || j->next.fd >= 0 || router(j) == NULL || j->edge->drained)
		return;
	j->wanted = true;
	ipc_send(router(j), IPC_SEGMENT_WANT);
}

static void close_segment(struct journal *j, struct journal_segment *segment)
{
	if (segment->fd >= 0)
		os_close(j->edge->os, segment->fd);
	segment->fd = -1;
}

static void leave_current(struct journal *j)
{
	close_segment(j, &j->current);
	log_writer_finish(&j->writer);
	j->full = false;
	j->lost = false;
}

static bool open_next(struct journal *j)
{
	if (j->next.fd < 0)
		return false;
	j->current = j->next;
	j->next.fd = -1;
	log_writer_init(&j->writer, j->edge->heap, &j->current.head);
	if (os_planted(j->edge->os, OS_PLANT_OLD_RECORD))
		j->writer.head.generation = 1;
	return true;
}

bool edge_journal_on_segment(struct edge *e, struct ipc_message *message)
{
	struct journal *j = &e->journal;
	struct journal_segment segment = { .head = { .kind = LOG_JOURNAL } };

	segment.head.producer = get_u16(&message->body);
	segment.head.generation = get_u64(&message->body);
	segment.head.size = get_u32(&message->body);
	if (!bytes_end(&message->body) || !j->wanted || segment.head.generation == 0 ||
	    segment.head.size < 2 * LOG_BLOCK || segment.head.size > LOG_SEGMENT_MAX ||
	    segment.head.size % LOG_BLOCK != 0)
		return false;
	segment.fd = ipc_take_fd(message);
	j->wanted = false;
	j->next = segment;
	step(j);
	return true;
}

/* ---- answers ---- */

static void finish(struct list *transactions, const struct smtp_reply *failure)
{
	struct list *at, taken;

	/* An answer may bring the next commit: only those that are here now. */
	list_init(&taken);
	while ((at = list_take_first(transactions)) != NULL)
		list_append(&taken, at);
	while ((at = list_take_first(&taken)) != NULL)
		edge_smtp_committed(list_item(at, struct transaction, link), failure);
}

/* Nothing that was not synced counts (DESIGN section 4, log rule 4). */
static void abandon(struct journal *j)
{
	struct list unsynced, *at;

	list_init(&unsynced);
	while ((at = list_take_first(&j->flight)) != NULL)
		list_append(&unsynced, at);
	while ((at = list_take_first(&j->pending)) != NULL)
		list_append(&unsynced, at);
	log_failed(&j->writer);
	leave_current(j);
	finish(&unsynced, &edge_later);
}

/* ---- appending ---- */

static void write_trace(struct transaction *t, struct buffer *trace)
{
	struct edge *e = t->edge;
	char id[MESSAGE_ID_TEXT];

	t->received.id = slice_of(id, message_id_print(t->message, id));
	if (t->user.len > 0)
		mock_user_write(t->user, trace);
	received_write(&t->received, trace);
	if (t->submission != NULL)
		submit_add_fields(t->submission, t->received.wall_us, t->received.id,
		    e->frame.config->hostname, trace);
	if (t->blank_line)
		buffer_add(trace, slice_lit("\r\n"));
	t->received.id = (slice){ 0 };
}

static void read_sealed(struct transaction *t, slice *ret_sealed)
{
	struct bytes in = bytes_init(buffer_bytes(&t->sealed));

	for (unsigned i = 0; i < t->n_recipients; i++)
		ret_sealed[i] = get_slice(&in, SEALED_MAX);
	check(bytes_end(&in));
}

/* The payload of the COMMIT record. The id in Received is the record's place,
 * which is known before the record is. */
static void make_record(struct transaction *t, struct buffer *out)
{
	struct edge *e = t->edge;
	struct buffer trace = buffer_init(e->heap, EDGE_TRACE_MAX);
	struct journal_commit commit = { .transaction = t->id, .sender = t->sender,
	    .received_us = t->received.wall_us, .flags = (uint16_t)t->flags,
	    .n_recipients = (uint16_t)t->n_recipients };

	write_trace(t, &trace);
	commit.trace = buffer_bytes(&trace);
	commit.sealed = heap_alloc(e->heap, t->n_recipients * sizeof *commit.sealed);
	read_sealed(t, commit.sealed);
	commit.body = (struct journal_body){ .size = t->body.size, .stored = t->body.stored,
	    .checksum = t->body.checksum, .spool = t->body.spool };
	if (t->body.spool == 0)
		commit.body.frames = buffer_bytes(&t->body.frames);
	journal_commit_write(&commit, out);
	heap_free(e->heap, commit.sealed);
	buffer_free(&trace);
}

enum append { APPENDED, APPEND_FULL, APPEND_NEVER };

static enum append append(struct journal *j, struct transaction *t)
{
	struct buffer record = buffer_init(j->edge->heap, LOG_RECORD_MAX);
	uint32_t sequence, offset;
	slice payload;
	bool fits;

	t->message = (struct message_id){ j->current.head.producer, j->writer.sequence,
	    j->current.head.generation };
	make_record(t, &record);
	payload = buffer_bytes(&record);
	fits = log_append(&j->writer, JOURNAL_COMMIT, &payload, 1, &sequence, &offset);
	buffer_free(&record);
	if (!fits)
		return j->writer.sequence == 1 ? APPEND_NEVER : APPEND_FULL;
	check(sequence == t->message.sequence);
	edge_body_release(t);
	return APPENDED;
}

/* As many of those that wait as the segment takes. */
static void append_waiting(struct journal *j)
{
	while (!list_empty(&j->waiting) && !j->full) {
		struct transaction *t = list_item(j->waiting.next, struct transaction, link);

		if (t->body.spool != 0 && t->body.router_life != j->edge->router_life) {
			list_remove(&t->link);
			edge_smtp_committed(t, &edge_later);
			continue;
		}
		switch (append(j, t)) {
		case APPENDED:
			list_remove(&t->link);
			list_append(&j->pending, &t->link);
			break;
		case APPEND_FULL:
			j->full = true;
			break;
		case APPEND_NEVER:
			os_log(j->edge->os, OS_ERROR, "a message does not fit into a journal "
			    "segment of %u bytes", j->current.head.size);
			list_remove(&t->link);
			edge_smtp_committed(t, &edge_later);
			break;
		}
	}
}

static void start_sync(struct journal *j)
{
	struct os *os = j->edge->os;
	uint32_t offset;
	slice bytes = log_take(&j->writer, true, &offset);
	struct list *at;

	check(bytes.len > 0 && list_empty(&j->flight));
	while ((at = list_take_first(&j->pending)) != NULL)
		list_append(&j->flight, at);
	j->sync_to = offset + (uint32_t)bytes.len;
	j->syncing = true;
	plan_add(os, &j->plan, (struct plan_step){ .verb = PLAN_WRITE, .fd = j->current.fd,
	    .offset = offset, .bytes = bytes });
	plan_add(os, &j->plan, (struct plan_step){ .verb = PLAN_SYNC, .fd = j->current.fd });
	plan_start(os, &j->plan);
	if (os_planted(os, OS_PLANT_EARLY_250))
		finish(&j->flight, NULL);
}

/* Ask early: the next segment should lie here before this one is full. */
static void ask_early(struct journal *j)
{
	size_t used = j->writer.pending_at + buffer_bytes(&j->writer.pending).len;

	if (j->current.fd < 0 || used > j->current.head.size / 2)
		want_segment(j);
}

static void hold_waiting(struct journal *j)
{
	bool hold = !list_empty(&j->waiting) && j->current.fd < 0;

	if (hold && !j->holding)
		os_timer_start(j->edge->os, &j->hold, EDGE_SEGMENT_WAIT_MS);
	else if (!hold && j->holding)
		os_timer_stop(j->edge->os, &j->hold);
	j->holding = hold;
}

/* Move on as far as possible. */
static void step(struct journal *j)
{
	if (j->current.fd < 0 && !j->syncing)
		open_next(j);
	if (j->current.fd >= 0 && !j->lost)
		append_waiting(j);
	if (!j->syncing && j->full && list_empty(&j->pending)) {
		leave_current(j);
		say(j, IPC_SEGMENT_END, j->current.head.generation, NULL);
		if (open_next(j))
			append_waiting(j);
	}
	if (!j->syncing && !list_empty(&j->pending))
		start_sync(j);
	ask_early(j);
	hold_waiting(j);
}

static void on_turn(struct os_defer *defer)
{
	step(defer->owner);
}

static void on_synced(struct plan *plan)
{
	struct journal *j = plan->owner;
	int error = plan->error;

	plan_reset(j->edge->os, plan);
	j->syncing = false;
	log_taken_done(&j->writer);
	if (error != 0) {
		os_log(j->edge->os, OS_ERROR, "journal: %s", strerror(-error));
		close_segment(j, &j->current);
		if (!j->lost)
			say(j, IPC_ABORTED, j->current.head.generation, &j->writer.synced_to);
		abandon(j);
	} else {
		log_synced(&j->writer, j->sync_to);
		if (!j->lost)
			say(j, IPC_SYNCED, j->current.head.generation, &j->sync_to);
		finish(&j->flight, NULL);
		if (j->lost)
			abandon(j);
	}
	step(j);
	edge_check_drained(j->edge);
}

static void on_hold(struct os_timer *timer)
{
	struct journal *j = timer->owner;

	j->holding = false;
	os_log(j->edge->os, OS_WARN, "no journal segment for %u s", EDGE_SEGMENT_WAIT_MS / 1000);
	finish(&j->waiting, &edge_no_space);
}

/* ---- for the role ---- */

void edge_commit(struct transaction *t)
{
	struct journal *j = &t->edge->journal;

	list_append(&j->waiting, &t->link);
	os_defer(t->edge->os, &j->defer);
}

bool edge_journal_cancel(struct transaction *t)
{
	list_for (at, &t->edge->journal.waiting) {
		if (at == &t->link) {
			list_remove(at);
			return true;
		}
	}
	return false;
}

void edge_journal_router_came(struct edge *e)
{
	e->router_life++;
	e->router_full = false;
	e->journal.wanted = false;
	step(&e->journal);
}

/* Its segments are finished. What is being written now counts if the sync does:
 * the next router waits for us to speak. What was only appended was never there. */
void edge_journal_router_left(struct edge *e)
{
	struct journal *j = &e->journal;

	j->wanted = false;
	close_segment(j, &j->next);
	edge_spools_lost(e);
	if (j->current.fd < 0)
		return;
	if (j->syncing)
		j->lost = true;
	else
		abandon(j);
}

bool edge_journal_idle(const struct edge *e)
{
	const struct journal *j = &e->journal;

	return !j->syncing && list_empty(&j->waiting) && list_empty(&j->pending) &&
	    list_empty(&j->flight);
}

void edge_journal_end(struct edge *e)
{
	struct journal *j = &e->journal;

	check(edge_journal_idle(e));
	if (j->current.fd >= 0) {
		leave_current(j);
		say(j, IPC_SEGMENT_END, j->current.head.generation, NULL);
	}
	if (j->next.fd >= 0) {
		close_segment(j, &j->next);
		say(j, IPC_SEGMENT_END, j->next.head.generation, NULL);
	}
}
