/* journal/verify.c - heads, then done marks, then what is not done.
 *
 * Beside a server files change while they are read. A segment that was recycled
 * meanwhile is no damage: its head is looked at again before anything is told.
 * All else that looks wrong for a moment the caller finds by reading again. */
#include "journal/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "pack/pack.h"

enum { FOLDERS_MAX = EDGES_MAX * 4, SCRATCH_MAX = 1024 * 1024, SPOOL_PATH = 32 };

struct names {
	struct journal_verify *v;
	char folders[FOLDERS_MAX][JOURNAL_FOLDER_MAX];
	size_t n_folders;
	const char *folder;             /* being listed */
};

/* A file that is being read. */
struct reading {
	struct journal_verify *v;
	struct journal_file *file;
	int fd;
	bool marks_only, gone;
};

void journal_file_path(const struct journal_file *file, char *ret_path)
{
	snprintf(ret_path, FINDING_PATH, "%s/%03" PRIu32 ".log", file->folder, file->number);
}

static void tell(struct journal_verify *v, struct finding *finding, const char *path,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static void tell(struct journal_verify *v, struct finding *finding, const char *path,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finder_count(v->finder, &v->damage, finding, path, format, args);
	va_end(args);
}

static void tell_file(struct journal_verify *v, struct journal_file *file,
    enum finding_kind kind, uint64_t from, uint64_t to, const char *text)
{
	struct finding finding = { .kind = kind, .from = from, .to = to };
	char path[FINDING_PATH];

	journal_file_path(file, path);
	file->damaged = true;
	tell(v, &finding, path, "%s", text);
}

/* ---- names ---- */

static bool is_edge_folder(slice name)
{
	uint64_t producer;

	return name.len < 6 && name.ptr[0] != '0' && slice_to_u64(name, UINT16_MAX, &producer);
}

static bool on_folder(void *context, const char *name)
{
	struct names *names = context;

	if (strcmp(name, "parked") != 0 && strcmp(name, "router") != 0 &&
	    !is_edge_folder(slice_from(name)))
		return true;
	if (names->n_folders == FOLDERS_MAX)
		return false;
	snprintf(names->folders[names->n_folders++], JOURNAL_FOLDER_MAX, "%s", name);
	return true;
}

static bool on_file(void *context, const char *name)
{
	struct names *names = context;
	struct journal_verify *v = names->v;
	slice text = slice_from(name);
	struct journal_file *file;
	uint64_t number;

	if (!slice_ends(text, slice_lit(".log")) ||
	    !slice_to_u64(slice_head(text, text.len - 4), UINT32_MAX - 1, &number))
		return true;
	if (v->n_files == ROUTER_FILES_MAX)
		return false;
	file = &v->files[v->n_files++];
	*file = (struct journal_file){ .number = (uint32_t)number };
	snprintf(file->folder, sizeof file->folder, "%s", names->folder);
	tracker_init(&file->done, v->heap);
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct journal_file *x = a, *y = b;
	int order = strcmp(x->folder, y->folder);

	if (order != 0)
		return order;
	return x->number < y->number ? -1 : x->number > y->number;
}

static void list_all(struct journal_verify *v)
{
	struct names *names = heap_new(v->heap, struct names);
	struct finding finding = { .kind = FINDING_DISK };
	int error;

	names->v = v;
	v->files = heap_alloc(v->heap, ROUTER_FILES_MAX * sizeof *v->files);
	error = os_list(v->os, OS_ROOT, ".", on_folder, names);
	for (size_t i = 0; i < names->n_folders && (error == 0 || error == -ENOENT); i++) {
		names->folder = names->folders[i];
		error = os_list(v->os, OS_ROOT, names->folder, on_file, names);
	}
	if (error != 0 && error != -ENOENT) {
		v->failed = true;
		tell(v, &finding, "", "the folder can't be read: %s", strerror(-error));
	}
	qsort(v->files, v->n_files, sizeof *v->files, by_name);
	heap_free(v->heap, names);
}

/* ---- heads ---- */

static enum log_kind kind_of(const struct journal_file *file)
{
	if (strcmp(file->folder, "parked") == 0)
		return LOG_PARKED;
	return strcmp(file->folder, "router") == 0 ? LOG_DONE : LOG_JOURNAL;
}

static bool is_zeros(const unsigned char *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (at[i] != 0)
			return false;
	}
	return true;
}

static void judge_head(struct journal_verify *v, struct journal_file *file,
    const struct log_head *head, int64_t size)
{
	enum log_kind kind = kind_of(file);
	uint64_t producer = 0;

	if (kind == LOG_JOURNAL)
		slice_to_u64(slice_from(file->folder), UINT16_MAX, &producer);
	if (head->kind != kind || head->number != file->number || head->producer != producer) {
		file->headless = true;
		tell_file(v, file, FINDING_HEAD, 0, LOG_BLOCK, "this file belongs elsewhere: "
		    "nothing in it is read");
		return;
	}
	file->head = *head;
	if (size < head->size)
		tell_file(v, file, FINDING_SHORT, (uint64_t)size, head->size,
		    "the file was cut off: what stood there is lost");
}

static void read_head(struct journal_verify *v, struct journal_file *file, int fd)
{
	unsigned char block[LOG_BLOCK];
	ssize_t n = os_pread(v->os, fd, block, sizeof block, 0);
	int64_t size = os_size(v->os, fd);
	struct log_head head;

	if (n < 0 || size < 0) {
		v->failed = true;
		file->headless = true;
		tell_file(v, file, FINDING_DISK, 0, 0, "the disk can't read the head of this file");
		return;
	}
	if (is_zeros(block, (size_t)n))
		return;         /* on its way when all went dark, or right now */
	switch (n < LOG_BLOCK ? LOG_HEAD_DAMAGED :
	    log_head_read(slice_of(block, sizeof block), &head)) {
	case LOG_HEAD_OK:
		judge_head(v, file, &head, size);
		break;
	case LOG_HEAD_NEWER:
		v->newer = true;
		tell_file(v, file, FINDING_NEWER, 0, 0, "a file of a later Posthouse");
		break;
	case LOG_HEAD_DAMAGED:
		file->headless = true;
		tell_file(v, file, FINDING_HEAD, 0, LOG_BLOCK, "the head of this file can't be "
		    "read: nothing in it is delivered");
		break;
	}
}

static int open_file(struct journal_verify *v, struct journal_file *file)
{
	char path[FINDING_PATH];
	int fd;

	journal_file_path(file, path);
	fd = os_open(v->os, OS_ROOT, path, OS_READ);
	/* One that is gone meanwhile was finished. */
	if (fd < 0 && fd != -ENOENT) {
		v->failed = true;
		tell_file(v, file, FINDING_DISK, 0, 0, "the disk can't open this file");
	}
	return fd;
}

static void read_heads(struct journal_verify *v)
{
	for (size_t i = 0; i < v->n_files; i++) {
		int fd = open_file(v, &v->files[i]);

		if (fd < 0)
			continue;
		read_head(v, &v->files[i], fd);
		os_close(v->os, fd);
	}
}

/* ---- what may be handed over ---- */

static int by_id(const void *a, const void *b)
{
	const struct message_id *x = a, *y = b;

	if (x->generation != y->generation)
		return x->generation < y->generation ? -1 : 1;
	return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static void add_parked(struct journal_verify *v, struct message_id id)
{
	if (v->n_parked == v->parked_capacity) {
		v->parked_capacity = v->parked_capacity == 0 ? 64 : 2 * v->parked_capacity;
		v->parked = heap_resize(v->heap, v->parked,
		    v->parked_capacity * sizeof *v->parked);
	}
	v->parked[v->n_parked++] = id;
}

bool journal_is_pending(const struct journal_verify *v, struct message_id id)
{
	for (size_t i = 0; i < v->n_files; i++) {
		const struct journal_file *file = &v->files[i];

		if (file->head.kind == LOG_JOURNAL && file->head.generation == id.generation)
			return !tracker_is_done(&file->done, id.sequence);
	}
	return v->n_parked > 0 &&
	    bsearch(&id, v->parked, v->n_parked, sizeof id, by_id) != NULL;
}

/* ---- records ---- */

/* The file is another use of itself by now. */
static bool was_recycled(struct reading *r)
{
	unsigned char block[LOG_BLOCK];
	struct log_head head;

	if (r->gone)
		return true;
	if (os_pread(r->v->os, r->fd, block, sizeof block, 0) == LOG_BLOCK &&
	    log_head_read(slice_of(block, sizeof block), &head) == LOG_HEAD_OK)
		r->gone = head.generation != r->file->head.generation;
	return r->gone;
}

static void on_rot(void *context, uint32_t from, uint32_t to)
{
	struct reading *r = context;

	if (!r->marks_only && !was_recycled(r))
		tell_file(r->v, r->file, FINDING_ROT, from, to, "bytes that were on disk are "
		    "damaged: messages whose records stood there are lost, unless they were "
		    "delivered before");
}

static struct message_id id_of(const struct reading *r, const struct log_record *record)
{
	return (struct message_id){ r->file->head.producer, record->sequence,
	    r->file->head.generation };
}

static void tell_body(struct reading *r, const struct log_record *record, struct message_id id,
    enum finding_kind kind, const char *format, ...) __attribute__((format(printf, 5, 6)));

static void tell_body(struct reading *r, const struct log_record *record, struct message_id id,
    enum finding_kind kind, const char *format, ...)
{
	struct finding finding = { .kind = kind, .from = record->offset, .to = record->next };
	char path[FINDING_PATH], text[FINDING_TEXT];
	va_list args;

	if (was_recycled(r))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	journal_file_path(r->file, path);
	message_id_print(id, finding.message);
	r->file->damaged = true;
	tell(r->v, &finding, path, "%s", text);
}

static enum pack_result read_frames(struct reading *r, int fd, uint64_t at,
    const struct journal_body *body)
{
	struct pack_body same = { body->size, body->stored, body->checksum };
	struct pack_reader reader;
	enum pack_result result;
	slice piece;

	result = pack_reader_open_body(&reader, r->v->os, r->v->heap, fd, at, same);
	if (result != PACK_OK)
		return result;
	while ((result = pack_reader_next(&reader, &piece)) == PACK_OK)
		;
	pack_reader_close(&reader);
	return result;
}

static bool check_spool(struct reading *r, const struct log_record *record,
    struct message_id id, const struct journal_body *body)
{
	char path[SPOOL_PATH];
	enum pack_result result;
	int fd;

	snprintf(path, sizeof path, "spool/%016" PRIx64, body->spool);
	fd = os_open(r->v->os, OS_ROOT, path, OS_READ);
	if (fd < 0) {
		tell_body(r, record, id, FINDING_MISSING, "the file with the body of a message on "
		    "its way, %s, is not there: the message can't be delivered", path);
		return false;
	}
	result = read_frames(r, fd, 0, body);
	os_close(r->v->os, fd);
	finder_read(r->v->finder, path, body->stored);
	if (result == PACK_END)
		return true;
	tell_body(r, record, id, result == PACK_IO ? FINDING_DISK : FINDING_BODY, "the file with "
	    "the body of a message on its way, %s, is damaged", path);
	return false;
}

static bool check_body(struct reading *r, const struct log_record *record, struct message_id id,
    const struct journal_body *body)
{
	uint64_t at;

	if (body->spool != 0)
		return check_spool(r, record, id, body);
	at = record->offset + LOG_RECORD_MIN;
	if (body->frames.len > 0)
		at += (uint64_t)(body->frames.ptr - record->payload.ptr);
	if (read_frames(r, r->fd, at, body) == PACK_END)
		return true;
	tell_body(r, record, id, FINDING_BODY, "the body of a message on its way is damaged");
	return false;
}

/* False: not a record that we know. */
static bool read_envelope(struct reading *r, const struct log_record *record,
    struct message_id *ret_id, struct journal_body *ret_body)
{
	struct journal_commit commit;
	struct delivery delivery;

	arena_reset(&r->v->scratch);
	if (r->file->head.kind == LOG_PARKED) {
		if (record->type != PARKED_DELIVERY ||
		    !parked_read(record->payload, &r->v->scratch, &delivery))
			return false;
		*ret_id = delivery.id;
		*ret_body = delivery.body;
		return true;
	}
	if (record->type != JOURNAL_COMMIT ||
	    !journal_commit_read(record->payload, &r->v->scratch, &commit))
		return false;
	*ret_id = id_of(r, record);
	*ret_body = commit.body;
	return true;
}

static void on_record(void *context, const struct log_record *record)
{
	struct reading *r = context;
	struct journal_body body;
	struct message_id id;
	bool whole;

	if (tracker_is_done(&r->file->done, record->sequence) || r->gone)
		return;
	r->file->undone++;
	if (!read_envelope(r, record, &id, &body)) {
		tell_body(r, record, id_of(r, record), FINDING_RECORD, "a record that can't be "
		    "read: it is delivered to nobody");
		return;
	}
	if (r->file->head.kind == LOG_PARKED)
		add_parked(r->v, id);
	if (r->marks_only)
		return;
	whole = check_body(r, record, id, &body);
	if (r->v->record != NULL)
		r->v->record(r->v->context, r->file, record, whole);
}

/* ---- done marks ---- */

static void on_fact(void *context, const struct log_record *record)
{
	struct reading *r = context;
	struct journal_verify *v = r->v;
	struct done_fact fact;

	if (!done_fact_read(record->type, record->payload, &fact)) {
		tell_body(r, record, id_of(r, record), FINDING_RECORD, "a done mark that can't be "
		    "read: messages may be handed over again, accounts know those they have");
		return;
	}
	for (size_t i = 0; i < v->n_files; i++) {
		struct journal_file *file = &v->files[i];

		if (file->head.generation != fact.generation || file->head.kind == LOG_DONE)
			continue;
		if (fact.type == DONE_RECORDS)
			tracker_learn(&file->done, &fact, file->head.size / LOG_RECORD_MIN);
		else if (fact.offset >= LOG_BLOCK && fact.offset < file->head.size)
			file->cut = fact.offset;
	}
}

static void read_one(struct journal_verify *v, struct journal_file *file, bool marks_only)
{
	struct reading r = { .v = v, .file = file, .marks_only = marks_only };
	struct journal_reading reading = { on_record, on_rot, &r };
	char path[FINDING_PATH];

	if (file->head.generation == 0)
		return;
	if (file->head.kind == LOG_DONE)
		reading.record = on_fact;
	r.fd = open_file(v, file);
	if (r.fd < 0)
		return;
	if (!journal_read_file(v->os, v->heap, r.fd, &file->head, file->cut, &reading)) {
		v->failed = true;
		tell_file(v, file, FINDING_DISK, 0, 0, "the disk can't read all of this file");
	}
	os_close(v->os, r.fd);
	journal_file_path(file, path);
	finder_read(v->finder, path, file->head.size);
}

void journal_verify(struct journal_verify *v, bool marks_only)
{
	v->scratch = arena_init(v->heap, SCRATCH_MAX);
	list_all(v);
	read_heads(v);
	for (size_t i = 0; i < v->n_files; i++) {
		if (v->files[i].head.kind == LOG_DONE)
			read_one(v, &v->files[i], marks_only);
	}
	for (size_t i = 0; i < v->n_files; i++) {
		enum log_kind kind = v->files[i].head.kind;

		if (kind == LOG_PARKED || (kind == LOG_JOURNAL && !marks_only))
			read_one(v, &v->files[i], marks_only);
	}
	if (v->n_parked > 0)
		qsort(v->parked, v->n_parked, sizeof *v->parked, by_id);
}
