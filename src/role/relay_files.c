/* role/relay_files.c - the queue's files: made, closed, removed when nobody needs them.
 *
 * All but closing happens on the pool. What is made is open, and its name synced, before
 * queue_step() goes on. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "role/relay_impl.h"

enum { PATH = 32 };

static void log_path(uint32_t number, char ret_path[PATH])
{
	snprintf(ret_path, PATH, "%03u.log", number);
}

static void pack_path(uint32_t number, char ret_path[PATH])
{
	snprintf(ret_path, PATH, "pack/%03u.pack", number);
}

/* ---- files are made ---- */

struct making {
	struct os_work work;
	struct relay *relay;
	struct log_head head;
	bool want_pack;
	uint32_t pack;
	int fd, pack_fd, error;
};

static int make_log(struct os *os, struct making *m)
{
	unsigned char block[LOG_BLOCK];
	char path[PATH];
	int error;

	log_path(m->head.number, path);
	m->fd = os_open(os, OS_ROOT, path, OS_READ | OS_WRITE | OS_CREATE | OS_EXCLUSIVE);
	if (m->fd < 0)
		return m->fd;
	log_head_write(&m->head, block);
	error = os_pwrite(os, m->fd, slice_of(block, sizeof block), 0);
	if (error == 0)
		error = os_sync(os, m->fd);
	if (error == 0)
		error = os_sync_folder_at(os, OS_ROOT, ".");
	if (error != 0)
		os_unlink(os, OS_ROOT, path);
	return error;
}

static int make_pack(struct os *os, struct making *m)
{
	char path[PATH];

	pack_path(m->pack, path);
	m->pack_fd = os_open(os, OS_ROOT, path, OS_READ | OS_WRITE | OS_CREATE | OS_EXCLUSIVE);
	return m->pack_fd < 0 ? m->pack_fd : os_sync_folder_at(os, OS_ROOT, "pack");
}

/* What can't be made whole is removed: on a full disk this comes again and again. */
static void make_run(struct os_work *work)
{
	struct making *m = work->owner;
	char path[PATH];

	m->error = m->want_pack ? make_pack(work->os, m) : 0;
	if (m->error == 0 && m->head.number > 0)
		m->error = make_log(work->os, m);
	if (m->error == 0)
		return;
	os_close(work->os, m->fd);
	if (m->pack_fd >= 0) {
		os_close(work->os, m->pack_fd);
		pack_path(m->pack, path);
		os_unlink(work->os, OS_ROOT, path);
	}
}

/* The first record of a file. */
static void begin_file(struct relay *r, const struct making *m)
{
	struct queue_log *q = &r->log;
	struct buffer first = buffer_init(r->heap, 64);
	uint32_t sequence, offset;
	bool fits;
	slice part;

	if (q->renew) {
		q->renew = false;
		q->first = m->head.number;
		q->written = q->base = 0;
		q->cursor = r->entries.next;
		q->known = r->keys_old.next;
	}
	q->fd = m->fd;
	q->full = false;
	log_writer_init(&q->writer, r->heap, &m->head);
	queue_number_write(q->first, &first);
	part = buffer_bytes(&first);
	fits = log_append(&q->writer, QUEUE_BEGIN, &part, 1, &sequence, &offset);
	check(fits);
	buffer_free(&first);
}

void queue_trouble(struct relay *r, int error)
{
	os_log(r->os, OS_ERROR, "cannot write the queue: %s; it is tried again in %d s, and "
	    "what is not in it waits in the journal", strerror(-error), RELAY_RETRY_MS / 1000);
	r->log.retry_ms = os_now_ms(r->os) + RELAY_RETRY_MS;
}

static void make_done(struct os_work *work)
{
	struct making *m = work->owner;
	struct relay *r = m->relay;
	struct queue_log *q = &r->log;

	q->busy = false;
	if (m->error != 0) {
		queue_trouble(r, m->error);
	} else {
		if (m->want_pack) {
			q->pack = m->pack;
			q->pack_fd = m->pack_fd;
			q->pack_end = 0;
		}
		if (m->head.number > 0)
			begin_file(r, m);
	}
	heap_free(r->heap, m);
	queue_step(r);
}

void queue_make(struct relay *r, bool log, bool pack)
{
	struct queue_log *q = &r->log;
	struct making *m = heap_new(r->heap, struct making);

	m->relay = r;
	m->fd = m->pack_fd = -1;
	m->want_pack = pack;
	m->pack = q->pack_next;
	q->pack_next += pack;
	if (log) {
		m->head = (struct log_head){ .kind = LOG_QUEUE, .number = q->number_next++,
		    .size = QUEUE_FILE_SIZE, .generation = os_random_u64(r->os) | 1 };
	}
	m->work = (struct os_work){ .run = make_run, .done = make_done, .owner = m };
	q->busy = true;
	os_work_start(r->os, &m->work);
}

/* ---- files go ---- */

void queue_pack_used(struct relay *r, uint32_t number)
{
	struct pack_use *use = table_get(&r->log.packs, table_key(number));

	if (use == NULL) {
		use = heap_new(r->heap, struct pack_use);
		use->number = number;
		table_put(&r->log.packs, table_key(use->number), use);
	}
	use->users++;
}

void queue_throw_away(struct relay *r, bool pack, uint32_t number)
{
	put_u8(&r->log.trash, pack);
	put_u32(&r->log.trash, number);
}

void queue_pack_unused(struct relay *r, uint32_t number)
{
	struct pack_use *use = table_get(&r->log.packs, table_key(number));

	check(use != NULL && use->users > 0);
	if (--use->users > 0 || number == r->log.pack)
		return;
	table_remove(&r->log.packs, table_key(number));
	heap_free(r->heap, use);
	queue_throw_away(r, true, number);
}

void queue_close_pack(struct relay *r)
{
	struct queue_log *q = &r->log;
	struct pack_use *use;

	if (q->pack_fd < 0)
		return;
	os_close(r->os, q->pack_fd);
	q->pack_fd = -1;
	use = table_get(&q->packs, table_key(q->pack));
	if (use != NULL && use->users == 0) {
		table_remove(&q->packs, table_key(q->pack));
		heap_free(r->heap, use);
	}
	if (use == NULL || table_get(&q->packs, table_key(q->pack)) == NULL)
		queue_throw_away(r, true, q->pack);
	q->pack = 0;
}

void queue_close_log(struct relay *r)
{
	struct queue_log *q = &r->log;

	if (q->fd < 0)
		return;
	os_close(r->os, q->fd);
	q->fd = -1;
	log_writer_finish(&q->writer);
}

struct sweep {
	struct relay *relay;
	struct bytes list;
	unsigned char bytes[];
};

static void sweep_run(struct os_work *work)
{
	struct sweep *sweep = work->owner;
	struct bytes in = sweep->list;
	char path[PATH];

	while (in.rest.len > 0) {
		bool pack = get_u8(&in) != 0;
		uint32_t number = get_u32(&in);

		if (pack)
			pack_path(number, path);
		else
			log_path(number, path);
		os_unlink(work->os, OS_ROOT, path);     /* one that stays goes at the next start */
	}
}

static void sweep_done(struct os_work *work)
{
	struct sweep *sweep = work->owner;
	struct relay *r = sweep->relay;

	r->log.sweeping = false;
	heap_free(r->heap, sweep);
	relay_drain_check(r);
}

void queue_sweep(struct relay *r)
{
	struct queue_log *q = &r->log;
	slice list = buffer_bytes(&q->trash);
	struct sweep *sweep;

	if (q->sweeping || list.len == 0)
		return;
	sweep = heap_alloc(r->heap, sizeof *sweep + list.len);
	sweep->relay = r;
	memcpy(sweep->bytes, list.ptr, list.len);
	sweep->list = bytes_init(slice_of(sweep->bytes, list.len));
	buffer_free(&q->trash);
	q->sweeping = true;
	q->sweep = (struct os_work){ .run = sweep_run, .done = sweep_done, .owner = sweep };
	os_work_start(r->os, &q->sweep);
}
