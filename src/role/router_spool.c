/* role/router_spool.c - bodies in files of their own: spool/ID.
 *
 *   wanted -> handed out -> named by a record -> done -> marked -> unlinked
 *                  '-> dropped, or orphaned by its edge's end -> unlinked
 *
 * (1) A file's name is on disk before an edge gets it: a record may rely on it.
 * (2) It is unlinked only after a done mark for its record is on disk, so a named
 *     file that is missing means damage, not history.
 * (3) An orphan goes when every segment that could name it was read. While one
 *     lies aside unread, none goes that was there at the start. */
#include "role/router_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

enum job_verb { SPOOL_MAKE, SPOOL_READ, SPOOL_REMOVE };

struct spool_job {
	struct os_work work;
	struct os_timer again;          /* REMOVE, after it failed */
	bool failed;
	struct router *router;
	enum job_verb verb;
	struct spool *spool;            /* NULL for REMOVE */
	struct message *message;        /* READ */
	unsigned edge;                  /* MAKE */
	struct ipc_channel *channel;    /* MAKE: who asked; compared, not used, when gone */
	uint64_t request;
	char path[ROUTER_PATH];
	int fd_read, fd_write;
	int64_t size;
	int error;
};

static void spool_path(uint64_t id, char ret_path[ROUTER_PATH])
{
	snprintf(ret_path, ROUTER_PATH, "spool/%016" PRIx64, id);
}

/* ---- on the pool ---- */

static int make(struct spool_job *job)
{
	struct os *os = job->work.os;

	job->fd_write = os_open(os, OS_ROOT, job->path, OS_WRITE | OS_CREATE | OS_EXCLUSIVE);
	if (job->fd_write < 0)
		return job->fd_write;
	job->fd_read = os_open(os, OS_ROOT, job->path, OS_READ);
	return job->fd_read < 0 ? job->fd_read : os_sync_folder_at(os, OS_ROOT, "spool");
}

static int open_to_read(struct spool_job *job)
{
	struct os *os = job->work.os;

	job->fd_read = os_open(os, OS_ROOT, job->path, OS_READ);
	if (job->fd_read < 0)
		return job->fd_read;
	job->size = os_size(os, job->fd_read);
	return job->size < 0 ? (int)job->size : 0;
}

static void run_job(struct os_work *work)
{
	struct spool_job *job = work->owner;

	switch (job->verb) {
	case SPOOL_MAKE:
		job->error = make(job);
		break;
	case SPOOL_READ:
		job->error = open_to_read(job);
		break;
	case SPOOL_REMOVE:
		job->error = os_unlink(work->os, OS_ROOT, job->path);
		break;
	}
}

/* ---- on the loop ---- */

static struct spool_job *job_new(struct router *r, enum job_verb verb, uint64_t id,
    void (*done)(struct os_work *work))
{
	struct spool_job *job = heap_new(r->heap, struct spool_job);

	job->work = (struct os_work){ .run = run_job, .done = done, .owner = job };
	job->router = r;
	job->verb = verb;
	job->fd_read = job->fd_write = -1;
	spool_path(id, job->path);
	return job;
}

static struct spool *spool_new(struct router *r, uint64_t id, uint16_t producer, int fd,
    struct list *list)
{
	struct spool *spool = heap_new(r->heap, struct spool);

	spool->id = id;
	spool->producer = producer;
	spool->fd = fd;
	table_put(&r->spools, table_key(spool->id), spool);
	r->n_spools++;
	list_append(list, &spool->link);
	return spool;
}

static void on_again(struct os_timer *timer)
{
	struct spool_job *job = timer->owner;

	os_work_start(job->router->os, &job->work);
}

/* A disk that fails, or is full where that takes space, does not stay so. */
static void on_removed(struct os_work *work)
{
	struct spool_job *job = work->owner;
	struct router *r = job->router;

	if (job->error == 0 || job->error == -ENOENT) {
		heap_free(r->heap, job);
		return;
	}
	if (!job->failed)
		os_log(r->os, OS_WARN, "cannot remove %s: %s; trying again", job->path,
		    strerror(-job->error));
	job->failed = true;
	job->again = (struct os_timer){ .fire = on_again, .owner = job };
	os_timer_start(r->os, &job->again, ROUTER_RETRY_MS);
}

static void remove_file(struct router *r, uint64_t id)
{
	struct spool_job *job = job_new(r, SPOOL_REMOVE, id, on_removed);

	os_work_start(r->os, &job->work);
}

static void spool_remove(struct router *r, struct spool *spool)
{
	uint64_t id = spool->id;

	table_remove(&r->spools, table_key(spool->id));
	list_remove(&spool->link);
	os_close(r->os, spool->fd);
	r->spooled -= spool->stored;
	r->n_spools--;
	heap_free(r->heap, spool);
	remove_file(r, id);
}

/* ---- handing out ---- */

static void answer(struct ipc_channel *channel, uint64_t request, uint64_t id, int fd)
{
	struct buffer *out = ipc_begin(channel, IPC_SPOOL);

	put_u64(out, request);
	put_u64(out, id);
	ipc_end(channel, fd);
}

static void on_made(struct os_work *work)
{
	struct spool_job *job = work->owner;
	struct router *r = job->router;
	struct edge_peer *edge = &r->edges[job->edge];
	struct spool *spool = job->spool;
	bool there = edge->channel == job->channel;

	if (job->error != 0) {
		os_log(r->os, OS_ERROR, "cannot make %s: %s", job->path, strerror(-job->error));
		os_close(r->os, job->fd_read);
		os_close(r->os, job->fd_write);
		if (there)
			answer(edge->channel, job->request, 0, -1);
		if (job->fd_write >= 0)
			remove_file(r, spool->id);
		table_remove(&r->spools, table_key(spool->id));
		list_remove(&spool->link);
		r->n_spools--;
		heap_free(r->heap, spool);
	} else {
		spool->fd = job->fd_read;
		if (there) {
			list_remove(&spool->link);
			list_append(&edge->spools, &spool->link);
			answer(edge->channel, job->request, spool->id, job->fd_write);
		} else {
			os_close(r->os, job->fd_write);
			spool_remove(r, spool);
		}
	}
	heap_free(r->heap, job);
}

void spool_want(struct router *r, unsigned edge, uint64_t request)
{
	struct spool_job *job;
	uint64_t id;

	if (r->n_spools >= ROUTER_SPOOLS_MAX || r->full) {
		answer(r->edges[edge].channel, request, 0, -1);
		return;
	}
	do
		id = os_random_u64(r->os);
	while (id == 0 || table_get(&r->spools, table_key(id)) != NULL);
	job = job_new(r, SPOOL_MAKE, id, on_made);
	/* On no list that is swept until it is made. */
	job->spool = spool_new(r, id, (uint16_t)(edge + 1), -1, &r->spools_named);
	job->edge = edge;
	job->channel = r->edges[edge].channel;
	job->request = request;
	os_work_start(r->os, &job->work);
}

bool spool_drop(struct router *r, unsigned edge, uint64_t id)
{
	struct spool *spool = table_get(&r->spools, table_key(id));

	if (spool == NULL || spool->producer != edge + 1 || spool->fd < 0)
		return false;
	if (!spool->named)
		spool_remove(r, spool);
	return true;
}

void spools_edge_left(struct router *r, unsigned edge)
{
	struct list *at;

	while ((at = list_take_first(&r->edges[edge].spools)) != NULL)
		list_append(&r->spools_orphan, at);
	spools_sweep(r);
}

void spool_found(struct router *r, uint64_t id)
{
	if (id != 0 && table_get(&r->spools, table_key(id)) == NULL)
		spool_new(r, id, 0, -1, &r->spools_orphan);
}

static bool may_still_be_named(const struct router *r, const struct spool *spool)
{
	list_for(at, &r->segments) {
		const struct segment *s = list_item(at, struct segment, link);

		if (s->pool->kind == LOG_DONE)
			continue;
		if (s->state == SEGMENT_CLOSED && !s->read_all &&
		    (spool->producer == 0 || spool->producer == s->head.producer))
			return true;
		/* Without a head that we know it was not read: a later start may. */
		if (s->state == SEGMENT_ASIDE && s->head.generation == 0 && spool->producer == 0)
			return true;
	}
	return false;
}

void spools_sweep(struct router *r)
{
	if (!r->loaded)
		return;
	list_for(at, &r->spools_orphan) {
		struct spool *spool = list_item(at, struct spool, link);

		if (!may_still_be_named(r, spool))
			spool_remove(r, spool);
	}
}

/* ---- named by a record ---- */

struct spool *spool_name(struct router *r, uint64_t id, uint16_t producer, uint64_t stored)
{
	struct spool *spool = table_get(&r->spools, table_key(id));

	if (spool == NULL || (producer != 0 && spool->producer != 0 &&
	    spool->producer != producer))
		return NULL;
	if (!spool->named) {
		spool->named = true;
		spool->stored = stored;
		r->spooled += stored;
	}
	spool->users++;
	if (producer == 0 && spool->promised > 0)
		spool->promised--;
	/* Named again by its parked copy, it is not done yet. */
	list_remove(&spool->link);
	list_append(&r->spools_named, &spool->link);
	return spool;
}

static void on_open(struct os_work *work)
{
	struct spool_job *job = work->owner;
	struct message *m = job->message;
	struct router *r = job->router;

	if (job->error == 0 && (uint64_t)job->size >= m->body.stored) {
		if (m->spool->fd < 0)
			m->spool->fd = job->fd_read;
		else
			os_close(r->os, job->fd_read);
		message_start(m);
	} else {
		char id[MESSAGE_ID_TEXT];

		message_id_print(m->id, id);
		os_log(r->os, OS_ERROR, "the body of message %s can't be read (%s: %s): it is set "
		    "aside", id, job->path, job->error != 0 ? strerror(-job->error) :
		    "shorter than it was");
		os_close(r->os, job->fd_read);
		m->segment->damaged = true;
		message_end(m);
	}
	heap_free(r->heap, job);
}

void spool_open(struct message *m)
{
	struct router *r = m->segment->router;
	struct spool_job *job;

	if (m->spool->fd >= 0) {
		message_start(m);
		return;
	}
	job = job_new(r, SPOOL_READ, m->spool->id, on_open);
	job->message = m;
	os_work_start(r->os, &job->work);
}

/* ---- done ---- */

void spool_promise(struct spool *spool, unsigned copies)
{
	check(spool->users > 0);
	spool->users--;
	spool->promised += copies;
}

void spool_finished(struct router *r, struct spool *spool)
{
	check(spool->users > 0);
	if (--spool->users > 0 || spool->promised > 0)
		return;
	list_remove(&spool->link);
	list_append(&r->spools_done, &spool->link);
}

static void move_all(struct list *from, struct list *to)
{
	struct list *at;

	while ((at = list_take_first(from)) != NULL)
		list_append(to, at);
}

void spools_mark(struct router *r)
{
	move_all(&r->spools_done, &r->spools_marked);
}

void spools_marked(struct router *r, bool ok)
{
	if (!ok)
		move_all(&r->spools_marked, &r->spools_done);
	list_for(at, &r->spools_marked)
		spool_remove(r, list_item(at, struct spool, link));
}
