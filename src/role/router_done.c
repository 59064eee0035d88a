/* role/router_done.c - what is done, lazily on disk (journal/tracker.h).
 *
 * Once a tick, and soon after another host took something, for each segment that
 * knows something new, one fact. A new file begins with the facts of all segments;
 * then the old one is retired. Losing facts only means that something is handed over
 * again; cuts go out at once. */
#include "role/router_impl.h"

#include "base/check.h"

void done_learn(struct router *r, const struct log_record *record)
{
	struct done_fact fact;
	struct segment *s;

	if (!done_fact_read(record->type, record->payload, &fact)) {
		os_log(r->os, OS_WARN, "a done mark of unknown form is ignored");
		return;
	}
	s = segment_by_generation(r, fact.generation);
	if (s == NULL || s->pool->kind == LOG_DONE)
		return;
	if (fact.type == DONE_RECORDS) {
		tracker_learn(&s->tracker, &fact, s->head.size / LOG_RECORD_MIN);
	} else if (fact.offset >= LOG_BLOCK && fact.offset < s->reader.limit) {
		s->cut = fact.offset;
		s->reader.limit = s->reader.synced_to = fact.offset;
	}
}

static bool append(struct router *r, uint8_t type)
{
	slice part = buffer_bytes(&r->done_bytes);
	uint32_t sequence, offset;
	bool ok = log_append(&r->done_log.writer, type, &part, 1, &sequence, &offset);

	buffer_free(&r->done_bytes);
	return ok;
}

/* False: the file is full. */
static bool append_facts(struct router *r, struct segment *s)
{
	if (s->cut != 0) {
		put_u64(&r->done_bytes, s->head.generation);
		put_u32(&r->done_bytes, s->cut);
		if (!append(r, DONE_CUT))
			return false;
	}
	tracker_write(&s->tracker, s->head.generation, &r->done_bytes);
	return append(r, DONE_RECORDS);
}

/* Also one that is being retired: until that is on disk a next life reads it again,
 * and what was spooled for it is gone already. */
static bool has_facts(const struct segment *s)
{
	return s->pool->kind != LOG_DONE && (s->state == SEGMENT_OPEN ||
	    s->state == SEGMENT_CLOSED || s->state == SEGMENT_ASIDE ||
	    (s->state == SEGMENT_MAKING && s->read_all));
}

bool done_is_clean(const struct router *r)
{
	list_for(at, &r->segments) {
		const struct segment *s = list_item(at, struct segment, link);

		if (has_facts(s) && s->done_dirty)
			return false;
		/* An older file waits for its successor. */
		if (s->pool->kind == LOG_DONE && s->state == SEGMENT_CLOSED)
			return false;
	}
	return !r->done_log.busy && list_empty(&r->spools_done);
}

static void all_dirty(struct router *r)
{
	list_for(at, &r->segments) {
		struct segment *s = list_item(at, struct segment, link);

		if (has_facts(s))
			s->done_dirty = true;
	}
}

/* False: not all found room. */
static bool append_all(struct router *r)
{
	list_for(at, &r->segments) {
		struct segment *s = list_item(at, struct segment, link);

		if (!has_facts(s) || !s->done_dirty)
			continue;
		if (!append_facts(r, s))
			return false;
		s->done_dirty = false;
	}
	return true;
}

void done_flush(struct router *r)
{
	bool fresh = r->done_log.segment == NULL, all;

	if (!r->loaded || done_is_clean(r) || !own_log_ready(&r->done_log))
		return;
	if (fresh)
		all_dirty(r);
	all = append_all(r);
	if (!all && !fresh) {
		/* Full: at the next tick another file says all of it again. */
		own_log_close(&r->done_log);
		return;
	}
	/* Marks of spool files count only when every fact is in. */
	if (all)
		spools_mark(r);
	own_log_write(&r->done_log);
}

static void on_soon(struct os_timer *timer)
{
	struct router *r = timer->owner;

	r->done_waits = false;
	if (r->done_log.busy)
		done_soon(r);
	else
		done_flush(r);
}

void done_soon(struct router *r)
{
	if (r->done_waits)
		return;
	r->done_waits = true;
	os_timer_start(r->os, &r->done_soon, ROUTER_DONE_SOON_MS);
}

/* Older files said nothing that this one does not. */
static void retire_older(struct router *r)
{
	list_for(at, &r->segments) {
		struct segment *s = list_item(at, struct segment, link);

		if (s->pool->kind == LOG_DONE && s->state == SEGMENT_CLOSED)
			s->done_dirty = true;
		segment_check(s);
	}
}

static void on_written(struct plan *plan)
{
	struct router *r = plan->owner;
	bool ok = own_log_written(&r->done_log);

	spools_marked(r, ok);
	if (ok)
		retire_older(r);
	else
		all_dirty(r);
	router_drain_check(r);
}

void done_init(struct router *r)
{
	r->done_soon = (struct os_timer){ .fire = on_soon, .owner = r };
	own_log_init(r, &r->done_log,
	    pool_get(r, "router", LOG_DONE, 0, ROUTER_DONE_SEGMENT), on_written);
}
