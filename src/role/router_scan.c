/* role/router_scan.c - start: what lies in the journal's folders.
 *
 *   N/NNN.log        of edge N - 1        router/NNN.log   done marks
 *   parked/NNN.log   what takes long      spool/ID         large bodies
 *
 * One work lists, opens and reads heads. Then the done marks are read, and which
 * generations are parked; then the router is loaded: it can tell the stores what
 * is live, and starts to deliver. Nothing here decides that a record is lost:
 * files that can't be understood are named and left alone. */
#include "role/router_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { FOLDERS_MAX = EDGES_MAX * 4 };   /* also those of edges that are no longer */

enum finding {
	FOUND_HEAD, FOUND_NOTHING, FOUND_DAMAGED, FOUND_UNREADABLE, FOUND_NEWER, FOUND_ERROR,
};

struct entry {
	uint16_t folder;
	uint32_t number;
	enum finding finding;
	int fd;
	int error;
	uint32_t size;
	struct log_head head;
};

struct scan {
	struct os_work work;
	struct os_timer again;
	unsigned tries;                 /* so far */
	struct router *router;
	char folders[FOLDERS_MAX][16];
	size_t n_folders, n_entries, n_spools;
	bool too_many;
	int error;
	const char *step;
	uint16_t folder;                /* being listed */
	struct entry *entries;          /* ROUTER_FILES_MAX */
	uint64_t *spools;               /* ROUTER_SPOOLS_MAX */
};

/* ---- names ---- */

static bool is_edge_folder(slice name, uint64_t *ret_producer)
{
	return name.len < 6 && name.ptr[0] != '0' &&
	    slice_to_u64(name, UINT16_MAX, ret_producer);
}

static bool on_folder(void *context, const char *name)
{
	struct scan *scan = context;
	uint64_t producer;

	if (strcmp(name, "parked") != 0 && strcmp(name, "router") != 0 &&
	    !is_edge_folder(slice_from(name), &producer))
		return true;
	if (scan->n_folders == FOLDERS_MAX) {
		scan->too_many = true;
		return false;
	}
	check(strlen(name) < sizeof scan->folders[0]);
	memcpy(scan->folders[scan->n_folders++], name, strlen(name) + 1);
	return true;
}

static bool on_file(void *context, const char *name)
{
	struct scan *scan = context;
	slice text = slice_from(name);
	uint64_t number;

	if (!slice_ends(text, slice_lit(".log")) ||
	    !slice_to_u64(slice_head(text, text.len - 4), UINT32_MAX - 1, &number))
		return true;
	if (scan->n_entries == ROUTER_FILES_MAX) {
		scan->too_many = true;
		return false;
	}
	scan->entries[scan->n_entries++] = (struct entry){ .folder = scan->folder,
	    .number = (uint32_t)number, .fd = -1 };
	return true;
}

static bool on_spool(void *context, const char *name)
{
	struct scan *scan = context;
	char *end;
	uint64_t id = strtoull(name, &end, 16);

	if (strlen(name) != 16 || *end != '\0')
		return true;
	if (scan->n_spools == ROUTER_SPOOLS_MAX) {
		scan->too_many = true;
		return false;
	}
	scan->spools[scan->n_spools++] = id;
	return true;
}

/* ---- on the pool ---- */

/* Without a head: was it being made when all went dark? Zeros, or less. */
static enum finding look_for_zeros(struct os *os, int fd)
{
	unsigned char piece[16 * 1024];
	uint64_t at = 0;

	for (;;) {
		ssize_t n = os_pread(os, fd, piece, sizeof piece, at);

		if (n < 0)
			return FOUND_UNREADABLE;
		for (ssize_t i = 0; i < n; i++) {
			if (piece[i] != 0)
				return FOUND_DAMAGED;
		}
		if ((size_t)n < sizeof piece)
			return FOUND_NOTHING;
		at += sizeof piece;
	}
}

static enum finding look(struct os *os, struct entry *entry)
{
	unsigned char block[LOG_BLOCK];
	int64_t size = os_size(os, entry->fd);
	ssize_t n = os_pread(os, entry->fd, block, sizeof block, 0);

	if (size < 0 || (n < 0 && n != -EIO)) {
		entry->error = size < 0 ? (int)size : (int)n;
		return FOUND_ERROR;
	}
	entry->size = size > LOG_SEGMENT_MAX ? LOG_SEGMENT_MAX : (uint32_t)size;
	if (n < 0)
		return FOUND_UNREADABLE;
	switch (log_head_read(slice_of(block, (size_t)n), &entry->head)) {
	case LOG_HEAD_OK:
		return FOUND_HEAD;
	case LOG_HEAD_NEWER:
		return FOUND_NEWER;
	case LOG_HEAD_DAMAGED:
		break;
	}
	return look_for_zeros(os, entry->fd);
}

/* What is read here is told to the stores as true: it must not be in the page
 * cache only. A head that an earlier life failed to sync looks well there, and
 * another sync would say so, too (log rule 4): so it is written once more. */
static int write_again(struct os *os, const char *path)
{
	unsigned char block[LOG_BLOCK];
	int fd = os_open(os, OS_ROOT, path, OS_READ | OS_WRITE), error;
	ssize_t n;

	if (fd < 0)
		return fd;
	n = os_pread(os, fd, block, sizeof block, 0);
	error = n < 0 ? (int)n : os_pwrite(os, fd, slice_of(block, (size_t)n), 0);
	if (error == 0)
		error = os_sync(os, fd);
	os_close(os, fd);
	return error;
}

static void open_entry(struct os *os, struct scan *scan, struct entry *entry)
{
	struct pool named = { 0 };
	char path[ROUTER_PATH];

	memcpy(named.folder, scan->folders[entry->folder], sizeof named.folder);
	segment_path(&named, entry->number, path);
	entry->fd = os_open(os, OS_ROOT, path, OS_READ);
	if (entry->fd < 0) {
		entry->finding = FOUND_ERROR;
		entry->error = entry->fd;
		return;
	}
	entry->finding = look(os, entry);
	if (entry->finding == FOUND_HEAD)
		entry->error = write_again(os, path);
	if (entry->error != 0)
		entry->finding = FOUND_ERROR;
	if (entry->finding == FOUND_NOTHING)
		os_unlink(os, OS_ROOT, path);
	if (entry->finding != FOUND_HEAD) {
		os_close(os, entry->fd);
		entry->fd = -1;
	}
}

static int make_spool_folder(struct os *os)
{
	int error = os_mkdir(os, OS_ROOT, "spool");

	return error == 0 || error == -EEXIST ? os_sync_folder_at(os, OS_ROOT, ".") : error;
}

static void run(struct os_work *work)
{
	struct scan *scan = work->owner;
	struct os *os = work->os;

	scan->tries++;
	scan->step = "spool";
	scan->error = make_spool_folder(os);
	if (scan->error == 0)
		scan->error = os_list(os, OS_ROOT, "spool", on_spool, scan);
	if (scan->error == 0) {
		scan->step = ".";
		scan->error = os_list(os, OS_ROOT, ".", on_folder, scan);
	}
	for (size_t i = 0; i < scan->n_folders && scan->error == 0; i++) {
		scan->folder = (uint16_t)i;
		scan->step = scan->folders[i];
		scan->error = os_sync_folder_at(os, OS_ROOT, scan->folders[i]);
		if (scan->error == 0)
			scan->error = os_list(os, OS_ROOT, scan->folders[i], on_file, scan);
	}
	for (size_t i = 0; i < scan->n_entries && scan->error == 0; i++)
		open_entry(os, scan, &scan->entries[i]);
}

static void run_again(struct os_work *work)
{
	struct scan *scan = work->owner;

	scan->tries++;
	for (size_t i = 0; i < scan->n_entries; i++) {
		if (scan->entries[i].finding == FOUND_UNREADABLE)
			open_entry(work->os, scan, &scan->entries[i]);
	}
}

/* ---- on the loop ---- */

static struct pool *pool_of(struct router *r, const char *folder)
{
	uint64_t producer;

	if (strcmp(folder, "parked") == 0)
		return r->park_log.pool;
	if (strcmp(folder, "router") == 0)
		return r->done_log.pool;
	if (!is_edge_folder(slice_from(folder), &producer))
		check(!"a folder that on_folder let through");
	return pool_get(r, folder, LOG_JOURNAL, (uint16_t)producer, r->frame.config->segment_size);
}

static void found_head(struct router *r, struct pool *pool, struct entry *entry)
{
	const struct log_head *head = &entry->head;
	struct segment *s;

	if (head->kind != pool->kind || head->producer != pool->producer ||
	    head->number != entry->number || head->size < 2 * LOG_BLOCK ||
	    (head->generation != 0 && segment_by_generation(r, head->generation) != NULL)) {
		os_log(r->os, OS_ERROR, "journal file %s/%03u.log belongs elsewhere: it is left "
		    "alone", pool->folder, entry->number);
		os_close(r->os, entry->fd);
		segment_found_damaged(pool, entry->number, entry->size);
		return;
	}
	s = segment_found(pool, head, entry->fd);
	if (head->generation == 0 || pool->kind == LOG_JOURNAL)
		return;
	s->collecting = pool->kind == LOG_PARKED;
	r->starting++;
}

/* False: the router can't start. */
static bool take_entry(struct router *r, struct scan *scan, struct entry *entry)
{
	const char *folder = scan->folders[entry->folder];
	struct pool *pool = pool_of(r, folder);

	if (entry->number >= pool->number_next)
		pool->number_next = entry->number + 1;
	switch (entry->finding) {
	case FOUND_HEAD:
		found_head(r, pool, entry);
		return true;
	case FOUND_NOTHING:
		return true;
	case FOUND_DAMAGED:
	case FOUND_UNREADABLE:
		os_log(r->os, OS_ERROR, "journal file %s/%03u.log has no head that can be read: "
		    "it is left alone", folder, entry->number);
		segment_found_damaged(pool, entry->number, entry->size);
		return true;
	case FOUND_NEWER:
		frame_fatal(&r->frame, "journal/%s/%03u.log was written by a newer Posthouse: "
		    "start that one", folder, entry->number);
		return false;
	case FOUND_ERROR:
		frame_fatal(&r->frame, "cannot read journal/%s/%03u.log: %s", folder,
		    entry->number, strerror(-entry->error));
		return false;
	}
	return false;
}

static bool take_all(struct router *r, struct scan *scan)
{
	if (scan->error != 0) {
		frame_fatal(&r->frame, "cannot read the folder journal/%s: %s", scan->step,
		    strerror(-scan->error));
		return false;
	}
	if (scan->too_many) {
		frame_fatal(&r->frame, "there are too many files in the folder journal/: more "
		    "than %d segments or %d spooled bodies", ROUTER_FILES_MAX, ROUTER_SPOOLS_MAX);
		return false;
	}
	for (size_t i = 0; i < scan->n_entries; i++) {
		if (!take_entry(r, scan, &scan->entries[i]))
			return false;
	}
	for (size_t i = 0; i < scan->n_spools; i++)
		spool_found(r, scan->spools[i]);
	return true;
}

static void on_again(struct os_timer *timer)
{
	struct scan *scan = timer->owner;

	scan->work.run = run_again;
	os_work_start(scan->router->os, &scan->work);
}

/* A generation that is not told as live is forgotten by the stores, and what is in
 * the file would come twice once it can be read. A disk that fails now may work in a
 * minute. */
static bool look_later(struct scan *scan)
{
	struct router *r = scan->router;
	const struct entry *unreadable = NULL;

	for (size_t i = 0; i < scan->n_entries && scan->error == 0 && !scan->too_many; i++) {
		const struct entry *entry = &scan->entries[i];

		if (entry->finding == FOUND_ERROR || entry->finding == FOUND_NEWER)
			return false;
		if (entry->finding == FOUND_UNREADABLE)
			unreadable = entry;
	}
	if (unreadable == NULL || scan->tries >= ROUTER_READ_TRIES)
		return false;
	if (scan->tries == 1)
		os_log(r->os, OS_WARN, "cannot read the head of journal file %s/%03u.log: "
		    "trying again before anything is delivered",
		    scan->folders[unreadable->folder], unreadable->number);
	scan->again = (struct os_timer){ .fire = on_again, .owner = scan };
	os_timer_start(r->os, &scan->again, ROUTER_RETRY_MS);
	return true;
}

static void on_scanned(struct os_work *work)
{
	struct scan *scan = work->owner;
	struct router *r = scan->router;
	bool ok;

	if (look_later(scan))
		return;
	ok = take_all(r, scan);

	heap_free(r->heap, scan->entries);
	heap_free(r->heap, scan->spools);
	heap_free(r->heap, scan);
	if (!ok)
		return;
	if (r->starting == 0)
		router_loaded(r);
	list_for(at, &r->segments)
		segment_wake(list_item(at, struct segment, link));
}

void router_scan(struct router *r)
{
	struct scan *scan = heap_new(r->heap, struct scan);

	scan->work = (struct os_work){ .run = run, .done = on_scanned, .owner = scan };
	scan->router = r;
	scan->entries = heap_alloc(r->heap, ROUTER_FILES_MAX * sizeof *scan->entries);
	scan->spools = heap_alloc(r->heap, ROUTER_SPOOLS_MAX * sizeof *scan->spools);
	os_work_start(r->os, &scan->work);
}
