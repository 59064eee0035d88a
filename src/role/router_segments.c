/* role/router_segments.c - files of segments: make, hand out, retire.
 *
 * A file is filled with zeros once. Each later use overwrites its head with a
 * fresh generation: that retires the last use and prepares the next in one
 * write and sync. A file that somebody may still be writing to is removed. All
 * of it runs on the pool. */
#include "role/router_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

enum job_verb { JOB_CREATE, JOB_HEAD, JOB_REMOVE };

struct segment_job {
	struct os_work work;
	struct segment *segment;
	enum job_verb verb;
	char folder[16];
	char path[ROUTER_PATH];
	uint32_t size;
	int fd_old;                     /* the segment's, to read; -1 when it is new */
	int fd_read, fd_write;
	bool tells_writers;
	int error;
	unsigned char head[LOG_BLOCK];
};

void segment_path(const struct pool *pool, uint32_t number, char ret_path[ROUTER_PATH])
{
	snprintf(ret_path, ROUTER_PATH, "%s/%03u.log", pool->folder, number);
}

/* ---- on the pool ---- */

static int write_zeros(struct os *os, int fd, uint32_t size)
{
	static const unsigned char zeros[64 * 1024];
	int error = 0;

	for (uint32_t at = 0; at < size && error == 0; at += sizeof zeros) {
		uint32_t n = size - at < sizeof zeros ? size - at : sizeof zeros;

		error = os_pwrite(os, fd, slice_of(zeros, n), at);
	}
	return error;
}

/* A folder that is there may have been made by a life that ended before its
 * sync: its name is synced all the same. */
static int make_folder(struct os *os, const char *path)
{
	int error = os_mkdir(os, OS_ROOT, path);

	return error != 0 && error != -EEXIST ? error : os_sync_folder_at(os, OS_ROOT, ".");
}

static int write_head(struct segment_job *job)
{
	struct os *os = job->work.os;
	int error = os_pwrite(os, job->fd_write, slice_of(job->head, LOG_BLOCK), 0);

	return error != 0 ? error : os_sync(os, job->fd_write);
}

static int open_again(struct segment_job *job, int flags, int *ret_fd)
{
	*ret_fd = os_open(job->work.os, OS_ROOT, job->path, flags);
	return *ret_fd < 0 ? *ret_fd : 0;
}

/* Nobody but us knows of the file yet: who sees a writer now can't tell. */
static int open_both(struct segment_job *job)
{
	int error;

	os_close(job->work.os, job->fd_write);
	job->fd_write = -1;
	error = open_again(job, OS_READ, &job->fd_read);
	if (error != 0)
		return error;
	job->tells_writers = os_has_writer(job->work.os, job->fd_read) == 0;
	return open_again(job, OS_WRITE, &job->fd_write);
}

static int create(struct segment_job *job)
{
	struct os *os = job->work.os;
	int error = make_folder(os, job->folder);

	if (error != 0)
		return error;
	error = open_again(job, OS_WRITE | OS_CREATE | OS_EXCLUSIVE, &job->fd_write);
	if (error != 0)
		return error;
	error = write_zeros(os, job->fd_write, job->size);
	if (error == 0)
		error = os_sync(os, job->fd_write);
	if (error == 0)
		error = write_head(job);
	if (error == 0)
		error = os_sync_folder_at(os, OS_ROOT, job->folder);
	if (error == 0)
		error = open_both(job);
	if (error != 0)
		os_unlink(os, OS_ROOT, job->path);
	return error;
}

static int renew(struct segment_job *job)
{
	struct os *os = job->work.os;
	int error;

	job->tells_writers = os_has_writer(os, job->fd_old) == 0;
	error = open_again(job, OS_WRITE, &job->fd_write);
	if (error != 0)
		return error;
	error = write_head(job);
	/* It may have been made by a life that ended before this. */
	return error != 0 ? error : os_sync_folder_at(os, OS_ROOT, job->folder);
}

static void run_job(struct os_work *work)
{
	struct segment_job *job = work->owner;

	switch (job->verb) {
	case JOB_CREATE:
		job->error = create(job);
		break;
	case JOB_HEAD:
		job->error = renew(job);
		break;
	case JOB_REMOVE:
		/* Its keys are forgotten next: it must not come back. */
		job->error = os_unlink(work->os, OS_ROOT, job->path);
		/* An earlier try got so far. */
		if (job->error == 0 || job->error == -ENOENT)
			job->error = os_sync_folder_at(work->os, OS_ROOT, job->folder);
		break;
	}
}

/* ---- on the loop ---- */

static void job_done(struct os_work *work);

static void job_start(struct segment *s, enum job_verb verb)
{
	struct router *r = s->router;
	struct segment_job *job = heap_new(r->heap, struct segment_job);

	job->work = (struct os_work){ .run = run_job, .done = job_done, .owner = job };
	job->segment = s;
	job->verb = verb;
	job->fd_read = job->fd_write = -1;
	job->fd_old = s->fd_read;
	job->size = s->head.size;
	memcpy(job->folder, s->pool->folder, sizeof job->folder);
	segment_path(s->pool, s->head.number, job->path);
	if (verb != JOB_REMOVE) {
		struct log_head head = s->head;

		/* Not yet in s->head: until it is synced the old one counts. */
		do
			head.generation = os_random_u64(r->os);
		while (head.generation == 0);
		log_head_write(&head, job->head);
	}
	s->state = SEGMENT_MAKING;
	s->pool->n_making++;
	os_work_start(r->os, &job->work);
}

static void segment_free(struct segment *s)
{
	struct router *r = s->router;

	check(s->n_messages == 0 && !s->busy && !s->held);
	segment_source_over(s);
	os_close(r->os, s->fd_read);
	os_close(r->os, s->fd_write);
	tracker_finish(&s->tracker);
	buffer_free(&s->parked);
	list_remove(&s->reading);
	list_remove(&s->link);
	heap_free(r->heap, s);
}

static struct segment *segment_new(struct pool *pool)
{
	struct segment *s = heap_new(pool->router->heap, struct segment);

	s->router = pool->router;
	s->pool = pool;
	s->fd_read = s->fd_write = -1;
	s->parked = buffer_init(pool->router->heap, 8 * PARK_GENERATIONS_MAX);
	s->reported = buffer_init(pool->router->heap, 8 * (LOG_SEGMENT_MAX / LOG_RECORD_MIN));
	tracker_init(&s->tracker, pool->router->heap);
	list_init(&s->reading);
	list_append(&pool->router->segments, &s->link);
	return s;
}

/* Nobody remembers the last use any more. */
static void forget_use(struct segment *s)
{
	struct bytes parked = bytes_init(buffer_bytes(&s->parked));

	segment_source_over(s);
	buffer_free(&s->reported);
	if (s->held)
		generation_drop(s->router, s->head.generation);
	s->held = false;
	while (parked.rest.len > 0)
		generation_drop(s->router, get_u64(&parked));
	buffer_free(&s->parked);
	tracker_finish(&s->tracker);
	s->read_all = s->sync_first = s->done_dirty = s->spooled = false;
	s->cut = 0;
	s->need = 0;
}

static void become_spare(struct segment *s, struct segment_job *job)
{
	struct log_head head;
	enum log_head_result result = log_head_read(slice_of(job->head, LOG_BLOCK), &head);

	check(result == LOG_HEAD_OK);
	forget_use(s);
	s->head = head;
	if (job->fd_read >= 0)
		s->fd_read = job->fd_read;
	s->fd_write = job->fd_write;
	s->tells_writers = job->tells_writers;
	s->state = SEGMENT_SPARE;
	s->pool->n_spare++;
}

/* Does anybody write there still? An edge may be gone from the configuration. */
static bool has_writer(const struct pool *pool)
{
	return pool->kind != LOG_JOURNAL || pool_is_of_relay(pool) ||
	    pool->producer <= pool->router->frame.config->edges;
}

/* A pool of an edge that is no more keeps nothing, nor does the relay's while there
 * is nothing to report. */
static unsigned spares_max(const struct pool *pool)
{
	if (!has_writer(pool) || (pool_is_of_relay(pool) &&
	    pool->router->edges[ORIGIN_RELAY].wants == 0))
		return 0;
	return pool->kind == LOG_JOURNAL ? ROUTER_SPARES_MAX : ROUTER_SPARES;
}

static void job_failed(struct segment *s, struct segment_job *job)
{
	struct router *r = s->router;

	os_close(r->os, job->fd_read);
	os_close(r->os, job->fd_write);
	if (job->verb == JOB_CREATE && job->error == -EEXIST) {
		segment_free(s);
		return;
	}
	os_log(r->os, OS_ERROR, "cannot %s the journal file %s: %s",
	    job->verb == JOB_CREATE ? "make" : job->verb == JOB_HEAD ? "recycle" : "remove",
	    job->path, strerror(-job->error));
	s->pool->retry_ms = os_now_ms(r->os) + ROUTER_RETRY_MS;
	if (job->verb == JOB_CREATE) {
		segment_free(s);
	} else {
		/* Its old head may still stand, so stores keep its keys. What it
		 * holds now nobody knows: on_tick() tries to remove it. */
		s->unsure = s->read_all = true;
		s->state = SEGMENT_CLOSED;
	}
}

static void job_done(struct os_work *work)
{
	struct segment_job *job = work->owner;
	struct segment *s = job->segment;
	struct pool *pool = s->pool;
	struct router *r = s->router;

	pool->n_making--;
	if (job->error != 0) {
		job_failed(s, job);
	} else if (job->verb == JOB_REMOVE) {
		forget_use(s);
		segment_free(s);
	} else {
		become_spare(s, job);
		if (pool->n_spare > spares_max(pool)) {
			pool->n_spare--;
			job_start(s, JOB_REMOVE);
		}
	}
	heap_free(r->heap, job);
	pool_fill(pool);
	edges_serve(r);
	router_full_update(r);
	router_drain_check(r);
}

/* ---- pools ---- */

struct pool *pool_get(struct router *r, const char *folder, enum log_kind kind,
    uint16_t producer, uint32_t size)
{
	struct pool *pool;

	list_for(at, &r->pools) {
		pool = list_item(at, struct pool, link);
		if (strcmp(pool->folder, folder) == 0)
			return pool;
	}
	pool = heap_new(r->heap, struct pool);
	pool->router = r;
	snprintf(pool->folder, sizeof pool->folder, "%s", folder);
	pool->kind = kind;
	pool->producer = producer;
	pool->size = size / LOG_BLOCK * LOG_BLOCK;
	list_append(&r->pools, &pool->link);
	return pool;
}

/* Bytes of all files that share an allowance: one kind's, or the relay's; UINT64_MAX
 * when there are too many files. */
static uint64_t allotted(const struct pool *pool)
{
	const struct router *r = pool->router;
	uint64_t sum = 0;
	unsigned n = 0;

	list_for(at, &r->segments) {
		const struct segment *s = list_item(at, struct segment, link);

		if (s->pool->kind == pool->kind && pool_is_of_relay(s->pool) == pool_is_of_relay(pool))
			sum += s->head.size;
		n++;
	}
	return n < ROUTER_FILES_MAX ? sum : UINT64_MAX;
}

/* The first spare may take the last of the space; the second only what is
 * plenty, so that every producer gets one. The router's own logs are bounded
 * by themselves: what is parked by as much again. The relay's reports have some
 * of their own besides, or edges that hold all there is would keep it waiting. */
static bool may_make(const struct pool *pool)
{
	const struct router *r = pool->router;
	uint64_t size_max = r->frame.config->journal_size;
	uint64_t before = allotted(pool), after;
	unsigned have = pool->n_spare + pool->n_making;

	if (os_now_ms(r->os) < pool->retry_ms || spares_max(pool) == 0)
		return false;
	if (pool_is_of_relay(pool))
		size_max = size_max / ROUTER_RESERVE_DIVISOR > 2 * (uint64_t)pool->size ?
		    size_max / ROUTER_RESERVE_DIVISOR : 2 * (uint64_t)pool->size;
	after = before < size_max ? before + pool->size : UINT64_MAX;
	if (have == 0)
		return pool->kind == LOG_DONE || after <= size_max;
	return have < ROUTER_SPARES && pool->kind == LOG_JOURNAL && after <= size_max / 2;
}

void pool_fill(struct pool *pool)
{
	while (pool->router->loaded && may_make(pool)) {
		struct segment *s = segment_new(pool);

		s->head = (struct log_head){ .kind = pool->kind, .producer = pool->producer,
		    .number = pool->number_next++, .size = pool->size };
		job_start(s, JOB_CREATE);
	}
}

/* From the first record on. */
static void begin_reading(struct segment *s, uint32_t limit)
{
	log_reader_init(&s->reader, &s->head, limit);
	if (os_planted(s->router->os, OS_PLANT_OLD_RECORD) && s->pool->kind == LOG_JOURNAL)
		s->reader.head.generation = 1;
}

struct segment *pool_take(struct pool *pool)
{
	struct router *r = pool->router;
	struct segment *taken = NULL;

	list_for(at, &r->segments) {
		struct segment *s = list_item(at, struct segment, link);

		if (s->pool == pool && s->state == SEGMENT_SPARE) {
			taken = s;
			break;
		}
	}
	if (taken != NULL) {
		pool->n_spare--;
		taken->state = SEGMENT_OPEN;
		begin_reading(taken, LOG_BLOCK);
		taken->ended_at = LOG_BLOCK;
		if (pool->kind == LOG_JOURNAL) {
			generation_hold(r, taken->head.generation);
			taken->held = true;
		}
	}
	pool_fill(pool);
	return taken;
}

/* ---- segments ---- */

struct segment *segment_found(struct pool *pool, const struct log_head *head, int fd_read)
{
	struct segment *s = segment_new(pool);

	s->head = *head;
	s->fd_read = fd_read;
	s->state = SEGMENT_CLOSED;
	s->sync_first = true;
	s->unsure = pool->kind == LOG_JOURNAL;
	/* Its edge may have spoken while we still looked for segments. */
	s->until_edge = pool->kind == LOG_JOURNAL && has_writer(pool) &&
	    !pool->router->edges[pool->producer - 1].spoke;
	s->until_relay = pool_is_of_relay(pool) && head->generation != 0;
	s->read_all = head->generation == 0;
	begin_reading(s, head->size);
	if (pool->kind == LOG_JOURNAL && head->generation != 0) {
		generation_hold(pool->router, head->generation);
		s->held = true;
	}
	return s;
}

void segment_found_damaged(struct pool *pool, uint32_t number, uint32_t size)
{
	struct segment *s = segment_new(pool);

	s->head = (struct log_head){ .kind = pool->kind, .producer = pool->producer,
	    .number = number, .size = size };
	s->state = SEGMENT_ASIDE;
	s->damaged = true;
}

void router_segment_close(struct segment *s)
{
	check(s->state == SEGMENT_OPEN);
	os_close(s->router->os, s->fd_write);
	s->fd_write = -1;
	s->state = SEGMENT_CLOSED;
	segment_wake(s);
}

void segment_check(struct segment *s)
{
	struct router *r = s->router;

	if (s->state != SEGMENT_CLOSED || !s->read_all || s->busy || s->collecting ||
	    s->until_relay || s->n_messages > 0 || !tracker_all_done(&s->tracker))
		return;
	/* The done log's own files go when their successor is on disk. */
	if (!r->loaded || (s->pool->kind == LOG_DONE && !s->done_dirty))
		return;
	if (os_now_ms(r->os) < s->pool->retry_ms)
		return;
	/* Its spool files go with its done marks, so those come first. */
	if (s->spooled && (s->done_dirty || r->done_log.busy)) {
		done_flush(r);
		return;
	}
	if (s->damaged) {
		s->state = SEGMENT_ASIDE;
		os_log(r->os, OS_WARN, "journal file %s/%03u.log is damaged and is kept: what "
		    "could be read of it is delivered", s->pool->folder, s->head.number);
	} else {
		job_start(s, s->unsure ? JOB_REMOVE : JOB_HEAD);
	}
	router_full_update(r);
	router_drain_check(r);
}

struct segment *segment_by_generation(const struct router *r, uint64_t generation)
{
	list_for(at, &r->segments) {
		struct segment *s = list_item(at, struct segment, link);

		if (s->head.generation == generation && (s->state == SEGMENT_OPEN ||
		    s->state == SEGMENT_CLOSED || s->state == SEGMENT_ASIDE))
			return s;
	}
	return NULL;
}

uint64_t segments_used(const struct router *r)
{
	uint64_t sum = 0;

	list_for(at, &r->segments) {
		const struct segment *s = list_item(at, struct segment, link);

		if (s->pool->kind != LOG_JOURNAL || pool_is_of_relay(s->pool))
			continue;
		if (s->state == SEGMENT_OPEN)
			sum += s->reader.limit;
		else if (s->state == SEGMENT_CLOSED || s->state == SEGMENT_ASIDE)
			sum += s->head.size;
	}
	return sum;
}
