/* role/router_log.c - the logs that the router itself writes: done marks and
 * parked messages. One write and sync at a time, on the pool. */
#include "role/router_impl.h"

#include <string.h>

#include "base/check.h"

void own_log_init(struct router *r, struct own_log *log, struct pool *pool,
    void (*done)(struct plan *plan))
{
	log->pool = pool;
	plan_init(&log->plan, done, r);
}

bool own_log_ready(struct own_log *log)
{
	struct router *r = log->pool->router;

	if (log->busy)
		return false;
	if (log->segment != NULL)
		return true;
	pool_fill(log->pool);
	log->segment = pool_take(log->pool);
	if (log->segment == NULL)
		return false;
	log_writer_init(&log->writer, r->heap, &log->segment->head);
	return true;
}

void own_log_write(struct own_log *log)
{
	struct router *r = log->pool->router;
	int fd = log->segment->fd_write;
	uint32_t offset;
	slice bytes = log_take(&log->writer, true, &offset);

	check(!log->busy);
	plan_reset(r->os, &log->plan);
	plan_add(r->os, &log->plan, (struct plan_step){ .verb = PLAN_WRITE, .fd = fd,
	    .offset = offset, .bytes = bytes });
	plan_add(r->os, &log->plan, (struct plan_step){ .verb = PLAN_SYNC, .fd = fd });
	log->busy = true;
	plan_start(r->os, &log->plan);
}

bool own_log_written(struct own_log *log)
{
	struct router *r = log->pool->router;
	struct segment *s = log->segment;

	log->busy = false;
	log_taken_done(&log->writer);
	if (log->plan.error == 0) {
		log_synced(&log->writer, log->writer.taken_to);
		s->reader.limit = s->reader.synced_to = log->writer.synced_to;
		return true;
	}
	os_log(r->os, OS_ERROR, "cannot write the journal file %s/%03u.log: %s",
	    s->pool->folder, s->head.number, strerror(-log->plan.error));
	log_failed(&log->writer);
	own_log_close(log);
	log->pool->retry_ms = os_now_ms(r->os) + ROUTER_RETRY_MS;
	return false;
}

void own_log_close(struct own_log *log)
{
	struct segment *s = log->segment;

	log_writer_finish(&log->writer);
	log->segment = NULL;
	/* What the done log says is known here already. */
	s->read_all = s->pool->kind == LOG_DONE;
	router_segment_close(s);
}
