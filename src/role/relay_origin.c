/* role/relay_origin.c - the journal that reports go into: like an edge's
 * (role/edge_journal.c), but that a segment is ended only when the queue's log says
 * of each report in it that it is made. */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "role/relay_impl.h"

static void on_synced(struct plan *plan);

void origin_init(struct relay *r)
{
	struct origin *o = &r->origin;

	o->fd = o->next_fd = -1;
	list_init(&o->waiting);
	list_init(&o->flight);
	plan_init(&o->plan, on_synced, r);
}

static struct ipc_channel *router(struct relay *r)
{
	return frame_peer(&r->frame, ROLE_ROUTER, 0);
}

static void say(struct relay *r, enum ipc_type type, uint64_t generation, const uint32_t *offset)
{
	struct buffer *out;

	if (router(r) == NULL)
		return;
	out = ipc_begin(router(r), type);
	put_u64(out, generation);
	if (offset != NULL)
		put_u32(out, *offset);
	ipc_end(router(r), -1);
}

static void finish(struct list *reports, bool ok)
{
	struct list taken, *at;

	list_init(&taken);
	while ((at = list_take_first(reports)) != NULL)
		list_append(&taken, at);
	while ((at = list_take_first(&taken)) != NULL)
		report_committed(list_item(at, struct report, link), ok);
}

/* ---- segments ---- */

static void close_fd(struct relay *r, int *fd)
{
	if (*fd >= 0)
		os_close(r->os, *fd);
	*fd = -1;
}

static void leave_segment(struct relay *r)
{
	struct origin *o = &r->origin;

	close_fd(r, &o->fd);
	log_writer_finish(&o->writer);
	o->full = o->lost = false;
}

static bool open_next(struct relay *r)
{
	struct origin *o = &r->origin;

	if (o->fd >= 0 || o->next_fd < 0)
		return false;
	o->fd = o->next_fd;
	o->head = o->next;
	o->next_fd = -1;
	log_writer_init(&o->writer, r->heap, &o->head);
	return true;
}

static void want_segment(struct relay *r)
{
	struct origin *o = &r->origin;

	if (o->wanted || o->next_fd >= 0 || !o->over || o->unsettled > 0 ||
	    router(r) == NULL || o->lost || r->frame.draining)
		return;
	o->wanted = true;
	ipc_send(router(r), IPC_SEGMENT_WANT);
}

static bool on_segment(struct relay *r, struct ipc_message *message)
{
	struct origin *o = &r->origin;
	struct log_head head = { .kind = LOG_JOURNAL };

	head.producer = get_u16(&message->body);
	head.generation = get_u64(&message->body);
	head.size = get_u32(&message->body);
	if (!bytes_end(&message->body) || !o->wanted || head.generation == 0 ||
	    head.size < 2 * LOG_BLOCK || head.size > LOG_SEGMENT_MAX ||
	    head.size % LOG_BLOCK != 0)
		return false;
	o->next_fd = ipc_take_fd(message);
	o->next = head;
	o->wanted = false;
	origin_step(r);
	return true;
}

/* ---- what earlier lives reported ---- */

static bool on_reported(struct relay *r, struct bytes *in)
{
	uint32_t n = get_u32(in), left = n;

	if (!r->origin.asked)
		return false;
	for (; left > 0 && bytes_ok(in); left--) {
		uint64_t *transaction = heap_new(r->heap, uint64_t);

		*transaction = get_u64(in);
		/* After its own restart a router tells what we know ourselves, too. */
		if (table_get(&r->reported, table_key(*transaction)) != NULL)
			heap_free(r->heap, transaction);
		else
			table_put(&r->reported, table_key(*transaction), transaction);
	}
	if (!bytes_end(in) || r->origin.told)
		return false;
	if (n == 0) {
		r->origin.told = true;
		reports_compare(r);
		reports_step(r);
		origin_step(r);
	}
	return true;
}

bool origin_message(struct relay *r, struct ipc_message *message)
{
	switch (message->type) {
	case IPC_SEGMENT:
		return on_segment(r, message);
	case IPC_REPORTED:
		return on_reported(r, &message->body);
	case IPC_SPACE:
		get_u8(&message->body);         /* reports are few: they use the reserve */
		return bytes_end(&message->body);
	default:
		return false;
	}
}

/* ---- commits ---- */

static void append_waiting(struct relay *r)
{
	struct origin *o = &r->origin;

	while (!list_empty(&o->waiting) && !o->full) {
		struct report *report = list_item(o->waiting.next, struct report, link);
		struct buffer payload = buffer_init(r->heap, LOG_RECORD_MAX);
		struct message_id id = { o->head.producer, o->writer.sequence,
			o->head.generation };
		uint32_t sequence, offset;
		slice part;

		if (report_is_moot(report)) {
			report_forgo(report);
			continue;
		}
		report_write(report, id, &payload);
		part = buffer_bytes(&payload);
		o->full = !log_append(&o->writer, JOURNAL_COMMIT, &part, 1, &sequence, &offset);
		buffer_free(&payload);
		if (o->full)
			return;
		list_remove(&report->link);
		list_append(&o->flight, &report->link);
	}
}

static void start_sync(struct relay *r)
{
	struct origin *o = &r->origin;
	uint32_t offset;
	slice bytes = log_take(&o->writer, true, &offset);

	o->sync_to = offset + (uint32_t)bytes.len;
	o->syncing = true;
	plan_add(r->os, &o->plan, (struct plan_step){ .verb = PLAN_WRITE, .fd = o->fd,
	    .offset = offset, .bytes = bytes });
	plan_add(r->os, &o->plan, (struct plan_step){ .verb = PLAN_SYNC, .fd = o->fd });
	plan_start(r->os, &o->plan);
}

static void on_synced(struct plan *plan)
{
	struct relay *r = plan->owner;
	struct origin *o = &r->origin;
	int error = plan->error;
	bool lost = o->lost;

	plan_reset(r->os, plan);
	o->syncing = false;
	log_taken_done(&o->writer);
	if (error != 0) {
		os_log(r->os, OS_ERROR, "journal of reports: %s", strerror(-error));
		close_fd(r, &o->fd);
		if (!lost)
			say(r, IPC_ABORTED, o->head.generation, &o->writer.synced_to);
		log_failed(&o->writer);
		leave_segment(r);
		finish(&o->flight, false);
	} else {
		log_synced(&o->writer, o->sync_to);
		if (!lost)
			say(r, IPC_SYNCED, o->head.generation, &o->sync_to);
		else
			leave_segment(r);
		finish(&o->flight, true);
	}
	origin_step(r);
	relay_drain_check(r);
}

void origin_commit(struct report *report)
{
	struct relay *r = report->relay;

	list_append(&r->origin.waiting, &report->link);
	origin_step(r);
}

void origin_step(struct relay *r)
{
	struct origin *o = &r->origin;

	if (o->syncing)
		return;
	if (!o->told && !o->asked && r->loaded && router(r) != NULL) {
		o->asked = true;
		ipc_send(router(r), IPC_REPORTED_WANT);
	}
	if (o->told && o->unsettled == 0 && !o->over && router(r) != NULL) {
		o->over = true;
		ipc_send(router(r), IPC_REPORTED_OVER);
	}
	open_next(r);
	if (o->fd >= 0)
		append_waiting(r);
	if (!list_empty(&o->flight)) {
		start_sync(r);
	} else if (o->full && o->unsettled == 0) {
		uint64_t generation = o->head.generation;

		leave_segment(r);
		say(r, IPC_SEGMENT_END, generation, NULL);
		if (open_next(r))
			origin_step(r);
	}
	if (!list_empty(&o->waiting) && (o->fd < 0 || o->full))
		want_segment(r);
}

bool origin_idle(const struct relay *r)
{
	const struct origin *o = &r->origin;

	/* What waits for a segment is in the queue's log. */
	return !o->syncing && list_empty(&o->flight);
}

/* ---- the router ---- */

void origin_router_came(struct relay *r)
{
	r->origin.told = r->origin.asked = r->origin.wanted = r->origin.over = false;
	origin_step(r);
}

/* What is being written counts if its sync succeeds: the next router waits for us. */
void origin_router_left(struct relay *r)
{
	struct origin *o = &r->origin;

	o->told = o->wanted = false;
	close_fd(r, &o->next_fd);
	if (o->fd < 0)
		return;
	if (o->syncing)
		o->lost = true;
	else
		leave_segment(r);
}
