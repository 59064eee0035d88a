/* role/router_read.c - windows of segments become messages.
 *
 * A window is read on the pool and parsed on the loop, many records at once.
 * Nothing above what its writer announced is looked at while it is open. */
#include "role/router_impl.h"

#include <string.h>

#include "base/check.h"

struct read_job {
	struct os_work work;
	struct segment *segment;
	unsigned char *window;
	uint32_t at, size;
	bool sync, last_try;
	int sync_error, read_error;
	ssize_t got;
};

/* ---- on the pool ---- */

/* The disk refuses a part: take the blocks that it gives; the others are zeros,
 * in which the log finds what is missing. */
static ssize_t read_blocks(struct os *os, struct read_job *job)
{
	uint32_t at = 0;

	while (at < job->size) {
		uint32_t n = LOG_BLOCK - (job->at + at) % LOG_BLOCK;
		ssize_t got;

		if (n > job->size - at)
			n = job->size - at;
		got = os_pread(os, job->segment->fd_read, job->window + at, n, job->at + at);
		if (got < 0)
			memset(job->window + at, 0, n);
		else if ((uint32_t)got < n)
			return at + got;
		at += n;
	}
	return at;
}

static void run(struct os_work *work)
{
	struct read_job *job = work->owner;
	int fd = job->segment->fd_read;

	if (job->sync)
		job->sync_error = os_sync(work->os, fd);
	job->got = os_pread(work->os, fd, job->window, job->size, job->at);
	if (job->got < 0) {
		job->read_error = (int)job->got;
		if (job->last_try)
			job->got = read_blocks(work->os, job);
	}
}

/* ---- on the loop ---- */

static void on_rot(struct segment *s, uint32_t from, uint32_t to)
{
	s->damaged = true;
	os_log(s->router->os, OS_ERROR, "journal file %s/%03u.log is damaged from %u to %u: "
	    "records there are lost, the file is kept", s->pool->folder, s->head.number, from,
	    to);
}

static void on_end(struct segment *s)
{
	struct router *r = s->router;

	if (s->collecting) {
		/* Now known; the next time its records are for delivery. */
		s->collecting = false;
		log_reader_init(&s->reader, &s->head, s->reader.limit);
		r->starting--;
	} else if (s->state == SEGMENT_CLOSED && !s->sync_first && !s->until_edge) {
		s->read_all = true;
		if (!r->loaded)
			r->starting--;
		segment_check(s);
		spools_sweep(r);
		relay_tell(r);
	}
	if (!r->loaded && r->starting == 0)
		router_loaded(r);
}

static void on_record(struct segment *s, const struct log_record *record)
{
	if (s->pool->kind == LOG_DONE)
		done_learn(s->router, record);
	else
		message_take(s, record);
}

/* Take what the window holds. False: the end is reached, for now. */
static bool parse(struct segment *s, slice window, uint32_t at, bool final)
{
	struct log_record record;
	uint32_t from, to;

	while (s->collecting || message_room(s->router, s->pool->kind)) {
		switch (log_next(&s->reader, window, at, final, &record, &from, &to, &s->need)) {
		case LOG_RECORD:
			on_record(s, &record);
			break;
		case LOG_ROT:
			on_rot(s, from, to);
			break;
		case LOG_MORE:
			return true;
		case LOG_END:
			s->need = 0;
			s->ended_at = s->reader.limit;
			return false;
		}
	}
	return true;
}

static void on_reread(struct os_timer *timer)
{
	struct router *r = timer->owner;

	list_for(at, &r->segments) {
		struct segment *s = list_item(at, struct segment, link);

		if (s->waits) {
			s->waits = false;
			segment_wake(s);
		}
	}
}

/* A disk that fails now may work in a minute, and then nothing is lost. */
static void read_later(struct segment *s, int error)
{
	struct router *r = s->router;

	if (s->tries++ == 0)
		os_log(r->os, OS_WARN, "cannot read journal file %s/%03u.log (%s): trying again",
		    s->pool->folder, s->head.number, strerror(-error));
	s->waits = true;
	r->reread.fire = on_reread;
	r->reread.owner = r;
	os_timer_start(r->os, &r->reread, ROUTER_RETRY_MS);
}

static void job_end(struct read_job *job)
{
	struct router *r = job->segment->router;

	job->segment->busy = false;
	r->readers--;
	heap_free(r->heap, job->window);
	heap_free(r->heap, job);
}

static void on_read(struct os_work *work)
{
	struct read_job *job = work->owner;
	struct segment *s = job->segment;
	struct router *r = s->router;
	bool final = (uint32_t)job->got < job->size, more;

	if (job->sync_error != 0)
		os_log(r->os, OS_WARN, "cannot sync journal file %s/%03u.log (%s): what is there "
		    "is delivered", s->pool->folder, s->head.number, strerror(-job->sync_error));
	if (job->read_error != 0 && !job->last_try) {
		read_later(s, job->read_error);
		job_end(job);
		readers_pump(r);
		return;
	}
	s->tries = 0;
	if (job->read_error != 0) {
		s->damaged = true;
		os_log(r->os, OS_ERROR, "cannot read all of journal file %s/%03u.log: %s",
		    s->pool->folder, s->head.number, strerror(-job->read_error));
	}
	more = parse(s, slice_of(job->window, (size_t)job->got), job->at, final);
	messages_settle(r);
	settles_check(r);
	job_end(job);
	if (more)
		segment_wake(s);
	else
		on_end(s);
	/* Announced, closed or retired meanwhile. */
	segment_wake(s);
	readers_pump(r);
}

static bool may_read(const struct segment *s)
{
	if (s->busy || s->waits || s->read_all)
		return false;
	if (s->pool->kind == LOG_PARKED && !s->router->loaded && !s->collecting)
		return false;
	if (s->pool->kind == LOG_JOURNAL && !s->router->loaded)
		return false;
	if (s->state == SEGMENT_CLOSED)
		return !s->until_edge || s->reader.limit > s->ended_at;
	return s->state == SEGMENT_OPEN && s->reader.limit > s->ended_at;
}

void segment_wake(struct segment *s)
{
	struct router *r = s->router;

	if (!may_read(s) || s->reading.next != &s->reading)
		return;
	list_append(&r->readable, &s->reading);
	readers_pump(r);
}

static void read_start(struct segment *s)
{
	struct router *r = s->router;
	struct read_job *job = heap_new(r->heap, struct read_job);
	uint32_t left = s->reader.limit - s->reader.offset, size = ROUTER_WINDOW;

	if (s->reader.offset >= s->reader.limit)
		left = 0;
	if (size < s->need)
		size = s->need;
	if (size > left)
		size = left;
	job->work = (struct os_work){ .run = run, .done = on_read, .owner = job,
	    .brief = size <= OS_BRIEF_BYTES };
	job->segment = s;
	job->at = s->reader.offset;
	job->size = size;
	job->window = heap_alloc(r->heap, size + 1);
	job->sync = s->sync_first;
	job->last_try = s->tries + 1 >= ROUTER_READ_TRIES;
	s->sync_first = false;
	s->busy = true;
	r->readers++;
	os_work_start(r->os, &job->work);
}

/* In turns, so that one large segment does not hold up the others. */
void readers_pump(struct router *r)
{
	list_for(at, &r->readable) {
		struct segment *s = list_item(at, struct segment, reading);

		if (r->readers >= ROUTER_READERS_MAX)
			return;
		if (!may_read(s)) {
			list_remove(&s->reading);
		} else if (s->collecting || message_room(r, s->pool->kind)) {
			list_remove(&s->reading);
			read_start(s);
		}
	}
}
