/* journal/repair.c - the new file first, then the old ones go. */
#include "journal/repair.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "log/aside.h"

struct parking {
	struct journal_repair *repair;
	struct os *os;
	struct heap *heap;
	struct arena arena;
	struct log_writer writer;
	bool begun;
	const char *folder;             /* of the new file ... */
	uint32_t number;                /* ... and its number */
	int fd;
	uint32_t end;                   /* of what was written */
	int error;
};

/* ---- the new file ---- */

static uint32_t next_number(const struct journal_verify *v, const char *folder)
{
	uint32_t next = 1;

	for (size_t i = 0; i < v->n_files; i++) {
		if (strcmp(v->files[i].folder, folder) == 0 && v->files[i].number >= next)
			next = v->files[i].number + 1;
	}
	return next;
}

static void begin(struct parking *p, const char *folder, enum log_kind kind)
{
	struct os *os = p->os;
	char path[FINDING_PATH];
	struct log_head head = { .kind = kind, .size = LOG_SEGMENT_MAX };

	p->folder = folder;
	p->number = head.number = next_number(p->repair->found, folder);
	while (head.generation == 0)
		head.generation = os_random_u64(os);
	log_writer_init(&p->writer, p->heap, &head);
	p->begun = true;
	p->error = os_mkdir(os, OS_ROOT, folder);
	if (p->error == -EEXIST)
		p->error = 0;
	snprintf(path, sizeof path, "%s/%03" PRIu32 ".log", folder, p->number);
	p->fd = p->error != 0 ? -1 : os_open(os, OS_ROOT, path, OS_WRITE | OS_CREATE |
	    OS_EXCLUSIVE);
	if (p->fd < 0 && p->error == 0)
		p->error = p->fd;
}

static void write_out(struct parking *p)
{
	uint32_t offset;
	slice bytes = log_take(&p->writer, true, &offset);

	if (p->error == 0 && bytes.len > 0)
		p->error = os_pwrite(p->os, p->fd, bytes, offset);
	p->end = offset + (uint32_t)bytes.len;
	log_taken_done(&p->writer);
}

static int sync_name(struct os *os, const char *path)
{
	int folder = os_open(os, OS_ROOT, path, OS_READ | OS_FOLDER), error;

	if (folder < 0)
		return folder;
	error = os_sync_folder(os, folder);
	os_close(os, folder);
	return error;
}

/* The head comes last: until it is there the file is nothing. An empty last block
 * makes a mark that calls the rest synced. */
static void finish(struct parking *p)
{
	struct os *os = p->os;
	unsigned char block[LOG_BLOCK];
	struct log_head head = p->writer.head;

	if (!p->begun)
		return;
	if (p->error == 0)
		p->error = os_sync(os, p->fd);
	head.size = (p->end + LOG_BLOCK - 1) / LOG_BLOCK * LOG_BLOCK;
	if (head.size < 2 * LOG_BLOCK)
		head.size = 2 * LOG_BLOCK;
	log_head_write(&head, block);
	if (p->error == 0)
		p->error = os_pwrite(os, p->fd, slice_of(block, sizeof block), 0);
	if (p->error == 0)
		p->error = os_sync(os, p->fd);
	if (p->error == 0)
		p->error = sync_name(os, p->folder);
	if (p->error == 0)
		p->error = sync_name(os, ".");
	os_close(os, p->fd);
	log_writer_finish(&p->writer);
}

/* ---- records ---- */

/* Append one with these targets, whatever their number. */
static void park(struct parking *p, struct delivery *d, struct delivery_target *targets,
    size_t n, slice frames)
{
	uint32_t sequence, offset;

	d->body.frames = (slice){ 0 };
	for (size_t at = 0; at < n && p->error == 0; at += d->n_targets) {
		struct buffer envelope = buffer_init(p->heap, IPC_PACKET_MAX);
		slice parts[2];

		d->targets = targets + at;
		d->n_targets = (uint16_t)(n - at < DELIVERY_TARGETS_MAX ? n - at :
		    DELIVERY_TARGETS_MAX);
		parked_write(d, &envelope);
		parts[0] = buffer_bytes(&envelope);
		parts[1] = frames;
		if (!log_append(&p->writer, PARKED_DELIVERY, parts, 2, &sequence, &offset))
			p->error = -EFBIG;
		else
			write_out(p);
		buffer_free(&envelope);
	}
	p->repair->records += p->error == 0;
}

static void park_commit(struct parking *p, const struct journal_file *file,
    const struct log_record *record)
{
	struct journal_commit commit;
	struct delivery_target *targets;
	struct delivery d = { 0 };
	size_t n = 0;

	if (!journal_commit_read(record->payload, &p->arena, &commit))
		return;
	targets = heap_alloc(p->heap, JOURNAL_REPAIR_TARGETS * sizeof *targets);
	/* What the directory did not seal is delivered to nobody, as ever. */
	if (!p->repair->targets(p->repair->context, &commit, &p->arena, targets, &n)) {
		p->repair->unreadable++;
		heap_free(p->heap, targets);
		return;
	}
	d.id = (struct message_id){ file->head.producer, record->sequence,
	    file->head.generation };
	d.received_us = commit.received_us;
	d.sender = commit.sender;
	d.trace = commit.trace;
	d.body = commit.body;
	park(p, &d, targets, n, commit.body.frames);
	heap_free(p->heap, targets);
}

/* Its body can't be read as a whole. One in a file of its own is kept as it is: a
 * router removes what no record names. */
static void keep_body(struct parking *p, const struct journal_file *file,
    const struct log_record *record)
{
	struct journal_repair *r = p->repair;
	char path[ASIDE_NAME], name[ASIDE_NAME];
	struct journal_commit commit;
	struct delivery d;
	uint64_t spool = 0;
	int error;

	arena_reset(&p->arena);
	if (file->head.kind == LOG_PARKED && parked_read(record->payload, &p->arena, &d))
		spool = d.body.spool;
	else if (file->head.kind == LOG_JOURNAL &&
	    journal_commit_read(record->payload, &p->arena, &commit))
		spool = commit.body.spool;
	p->repair->unreadable++;
	if (spool == 0)
		return;
	snprintf(path, sizeof path, "spool/%016" PRIx64, spool);
	error = aside_copy(p->os, r->aside, path, 0, 0, "", name);
	if (error == 0)
		error = aside_note(p->os, r->aside, "%s: journal/%s, the body (zstd) of the "
		    "message in record %" PRIu32 " of journal/%s/%03" PRIu32 ".log", name, path,
		    record->sequence, file->folder, file->number);
	if (error != 0 && error != -ENOENT)
		p->error = error;
}

/* First reading: which files are damaged. Second: what is left in those. */
struct second {
	struct parking parking;
	const struct journal_verify *first;
};

static bool was_damaged(const struct journal_verify *v, const struct journal_file *file)
{
	for (size_t i = 0; i < v->n_files; i++) {
		if (v->files[i].number == file->number &&
		    strcmp(v->files[i].folder, file->folder) == 0)
			return v->files[i].damaged;
	}
	return false;
}

static void on_record(void *context, const struct journal_file *file,
    const struct log_record *record, bool whole)
{
	struct second *second = context;
	struct parking *p = &second->parking;
	struct delivery d;

	if (!was_damaged(second->first, file) || p->error != 0)
		return;
	if (!whole) {
		keep_body(p, file, record);
		return;
	}
	if (!p->begun)
		begin(p, "parked", LOG_PARKED);
	arena_reset(&p->arena);
	if (file->head.kind == LOG_JOURNAL) {
		park_commit(p, file, record);
	} else if (parked_read(record->payload, &p->arena, &d)) {
		slice frames = d.body.frames;

		park(p, &d, d.targets, d.n_targets, frames);
	}
}

/* ---- done marks ---- */

static void add_fact(struct parking *p, uint8_t type, struct buffer *fact)
{
	uint32_t sequence, offset;
	slice part = buffer_bytes(fact);

	if (p->error == 0 && !log_append(&p->writer, type, &part, 1, &sequence, &offset))
		p->error = -EFBIG;
	else
		write_out(p);
	buffer_free(fact);
}

/* The marks that can be read say of other files what is done: without them it would be
 * handed over again, and what was spooled for it is gone. */
static void keep_facts(struct parking *p)
{
	const struct journal_verify *v = p->repair->found;
	bool damaged = false;

	for (size_t i = 0; i < v->n_files; i++)
		damaged = damaged || (v->files[i].damaged &&
		    strcmp(v->files[i].folder, "router") == 0);
	if (!damaged)
		return;
	begin(p, "router", LOG_DONE);
	for (size_t i = 0; i < v->n_files; i++) {
		const struct journal_file *file = &v->files[i];
		struct buffer fact = buffer_init(p->heap, LOG_RECORD_MAX);

		if (file->head.generation == 0 || file->head.kind == LOG_DONE)
			continue;
		if (file->cut != 0) {
			put_u64(&fact, file->head.generation);
			put_u32(&fact, file->cut);
			add_fact(p, DONE_CUT, &fact);
		}
		tracker_write(&file->done, file->head.generation, &fact);
		add_fact(p, DONE_RECORDS, &fact);
	}
	finish(p);
}

/* ---- the files ---- */

static int set_aside(struct os *os, int aside, const char *path, const char *what)
{
	char name[ASIDE_NAME];
	int error = aside_copy(os, aside, path, 0, 0, "", name);

	if (error == 0)
		error = aside_note(os, aside, "%s: journal/%s, %s", name, path, what);
	if (error == 0)
		error = os_unlink(os, OS_ROOT, path);
	return error == -ENOENT ? 0 : error;
}

static int remove_damaged(struct journal_repair *r)
{
	const struct journal_verify *v = r->found;
	int result = 0;

	for (size_t i = 0; i < v->n_files; i++) {
		const struct journal_file *file = &v->files[i];
		char path[FINDING_PATH];
		int error;

		if (!file->damaged)
			continue;
		journal_file_path(file, path);
		error = set_aside(v->os, r->aside, path, file->headless ?
		    "whose head can't be read" : "parts of which are damaged");
		if (error == 0)
			error = sync_name(v->os, file->folder);
		r->files += error == 0;
		if (error != 0 && result == 0) {
			result = error;
			snprintf(r->path, sizeof r->path, "%s", path);
		}
	}
	return result;
}

static void mute(struct finder *finder, const struct finding *finding)
{
	(void)finder;
	(void)finding;
}

int journal_repair(struct journal_repair *r)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct finder nobody = { mute, NULL, "" };
	struct second second = { .first = r->found };
	struct parking *p = &second.parking;
	struct journal_verify again = { .os = r->found->os, .heap = heap, .finder = &nobody,
	    .record = on_record, .context = &second };
	int error;

	check(!r->found->newer && !r->found->failed);
	*p = (struct parking){ .repair = r, .os = r->found->os, .heap = heap, .fd = -1,
	    .arena = arena_init(heap, 64 * 1024 * 1024) };
	journal_verify(&again, false);
	finish(p);
	if (p->error == 0)
		keep_facts(p);
	error = p->error != 0 ? p->error : remove_damaged(r);
	heap_drop(heap);
	return error;
}
