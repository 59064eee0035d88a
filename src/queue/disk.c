/* queue/disk.c - folders listed, files read: which chains there are, which of them count,
 * what those say. */
#include "queue/disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void queue_log_path(uint32_t number, char ret_path[QUEUE_PATH])
{
	snprintf(ret_path, QUEUE_PATH, "%03u.log", number);
}

void queue_pack_path(uint32_t number, char ret_path[QUEUE_PATH])
{
	snprintf(ret_path, QUEUE_PATH, "pack/%03u.pack", number);
}

/* ---- names ---- */

static bool number_of(const char *name, const char *suffix, uint32_t *ret_number)
{
	slice text = slice_from(name), end = slice_from(suffix);
	uint64_t number;

	if (!slice_ends(text, end) ||
	    !slice_to_u64(slice_head(text, text.len - end.len), UINT32_MAX - 1, &number))
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

static bool on_log(void *context, const char *name)
{
	struct queue_disk *d = context;
	uint32_t number;

	if (!number_of(name, ".log", &number))
		return true;
	if (d->n_files == QUEUE_FILES_MAX) {
		d->too_many = true;
		return false;
	}
	d->files[d->n_files++].number = number;
	return true;
}

static bool on_pack(void *context, const char *name)
{
	struct queue_disk *d = context;
	uint32_t number;

	if (!number_of(name, ".pack", &number))
		return true;
	if (d->n_packs == QUEUE_FILES_MAX) {
		d->too_many = true;
		return false;
	}
	d->packs[d->n_packs++] = number;
	return true;
}

static int by_number(const void *a, const void *b)
{
	const struct queue_file *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int ascending(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* ---- a file ---- */

static int read_file(struct queue_disk *d, struct queue_file *f)
{
	char path[QUEUE_PATH];
	unsigned char *bytes;
	int64_t size;
	ssize_t got;
	int fd;

	queue_log_path(f->number, path);
	fd = os_open(d->os, OS_ROOT, path, OS_READ);
	/* One that is gone meanwhile was not needed any more. */
	f->gone = fd == -ENOENT;
	if (fd < 0)
		return f->gone ? 0 : fd;
	size = os_size(d->os, fd);
	if (size > QUEUE_FILE_SIZE)
		size = QUEUE_FILE_SIZE;
	if (size < 0) {
		os_close(d->os, fd);
		return (int)size;
	}
	bytes = heap_alloc(d->heap, (size_t)size + 1);
	got = os_pread(d->os, fd, bytes, (size_t)size, 0);
	os_close(d->os, fd);
	if (got < 0)
		return (int)got;
	f->bytes = slice_of(bytes, (size_t)got);
	return 0;
}

/* d is NULL the second time: it was told. */
static void note_damage(struct queue_disk *d, struct queue_file *f, enum queue_damage damage,
    uint32_t from, uint32_t to)
{
	if (d == NULL)
		return;
	f->damaged++;
	if (d->damage != NULL)
		d->damage(d->context, f, damage, from, to);
}

/* Its records, in order; false: none that we could know of. A file whose maker died
 * has no head yet, and nothing behind it. */
static bool begin(struct queue_disk *d, struct queue_file *f, struct log_reader *reader)
{
	enum log_head_result result = f->bytes.len < LOG_BLOCK ? LOG_HEAD_DAMAGED :
	    log_head_read(slice_head(f->bytes, LOG_BLOCK), &f->head);

	f->newer = result == LOG_HEAD_NEWER;
	if (f->newer)
		return false;
	if (result != LOG_HEAD_OK || f->head.kind != LOG_QUEUE ||
	    f->head.number != f->number || f->head.size > QUEUE_FILE_SIZE) {
		if (f->bytes.len > LOG_BLOCK)
			note_damage(d, f, QUEUE_DAMAGED_HEAD, 0, LOG_BLOCK);
		return false;
	}
	log_reader_init(reader, &f->head, f->head.size);
	if (f->closed)
		reader->synced_to = (uint32_t)f->bytes.len;
	return true;
}

static bool next(struct queue_disk *d, struct queue_file *f, struct log_reader *reader,
    struct log_record *ret)
{
	uint32_t from, to, need;

	for (;;) {
		size_t at = reader->offset < f->bytes.len ? reader->offset : f->bytes.len;

		switch (log_next(reader, slice_drop(f->bytes, at), (uint32_t)at, true, ret,
		    &from, &to, &need)) {
		case LOG_RECORD:
			return true;
		case LOG_ROT:
			note_damage(d, f, QUEUE_DAMAGED_BYTES, from, to);
			break;
		case LOG_MORE:
			/* After rot it starts over; at the end there is no more. */
			if (reader->offset >= f->bytes.len)
				return false;
			break;
		case LOG_END:
			return false;
		}
	}
}

/* ---- which files count ---- */

/* Of an entry its number is enough here. */
static bool is_understood(const struct queue_file *f, const struct log_record *record)
{
	uint64_t number;

	switch (record->type) {
	case QUEUE_BEGIN:
		return queue_number_read(record->payload, &number) && number > 0 &&
		    number <= f->number;
	case QUEUE_GONE:
		return queue_number_read(record->payload, &number);
	case QUEUE_ENTRY:
		return record->payload.len > 9;
	case QUEUE_KNOWN:
		return record->payload.len % QUEUE_KEY == 0;
	default:
		return record->type == QUEUE_WHOLE;
	}
}

/* Its chain stands in its first record. */
static void look_for_chain(struct queue_file *f)
{
	struct log_reader reader;
	struct log_record record;

	if (!f->gone && begin(NULL, f, &reader) && next(NULL, f, &reader, &record) &&
	    record.type == QUEUE_BEGIN && is_understood(f, &record))
		queue_number_read(record.payload, &f->first);
}

/* The next file of a chain is made when all of the one before is synced. */
static void look_for_ends(struct queue_disk *d)
{
	for (size_t i = 1; i < d->n_files; i++)
		d->files[i - 1].closed = d->files[i].first != 0 &&
		    d->files[i].first == d->files[i - 1].first;
}

static void look_at(struct queue_disk *d, struct queue_file *f)
{
	struct log_reader reader;
	struct log_record record;

	if (f->gone || !begin(d, f, &reader))
		return;
	while (next(d, f, &reader, &record)) {
		if (!is_understood(f, &record)) {
			note_damage(d, f, QUEUE_DAMAGED_RECORD, record.offset, record.next);
			continue;
		}
		f->whole = f->whole || record.type == QUEUE_WHOLE;
		if (d->record != NULL)
			d->record(d->context, f, &record);
	}
}

static uint64_t first_that_counts(const struct queue_disk *d)
{
	uint64_t first = 0;

	for (size_t i = 0; i < d->n_files; i++) {
		if (d->files[i].whole && d->files[i].first > first)
			first = d->files[i].first;
	}
	return first;
}

/* ---- what they say ---- */

static void hear(struct queue_disk *d, struct queue_file *f, uint64_t number,
    const struct log_record *record)
{
	struct queue_word *word = table_get(&d->words, table_key(number));

	if (word == NULL) {
		word = heap_new(d->heap, struct queue_word);
		word->number = number;
		table_put(&d->words, table_key(word->number), word);
	}
	word->file = f;
	word->offset = record->offset;
	word->next = record->next;
	word->payload = record->type == QUEUE_GONE ? (slice){ 0 } : record->payload;
}

static void replay(struct queue_disk *d, struct queue_file *f)
{
	struct log_reader reader;
	struct log_record record;
	uint64_t number;

	if (f->gone || !begin(NULL, f, &reader))
		return;
	while (next(NULL, f, &reader, &record)) {
		if (!is_understood(f, &record))
			continue;
		if (record.type == QUEUE_GONE && queue_number_read(record.payload, &number))
			hear(d, f, number, &record);
		else if (record.type == QUEUE_ENTRY)
			hear(d, f, load_u64(record.payload.ptr + 1), &record);
		else if (record.type == QUEUE_KNOWN)
			buffer_add(&d->known, record.payload);
	}
}

int queue_disk_read(struct queue_disk *d)
{
	int error;

	d->files = heap_alloc(d->heap, QUEUE_FILES_MAX * sizeof *d->files);
	d->packs = heap_alloc(d->heap, QUEUE_FILES_MAX * sizeof *d->packs);
	d->words = table_init(d->heap, d->seed);
	d->known = buffer_init(d->heap, SIZE_MAX / 2);
	d->step = "the folder queue/pack can't be read";
	error = os_list(d->os, OS_ROOT, "pack", on_pack, d);
	if (error == -ENOENT)
		error = 0;              /* before the first start */
	if (error == 0) {
		d->step = "the folder queue can't be read";
		error = os_list(d->os, OS_ROOT, ".", on_log, d);
	}
	qsort(d->files, d->n_files, sizeof *d->files, by_number);
	qsort(d->packs, d->n_packs, sizeof *d->packs, ascending);
	for (size_t i = 0; i < d->n_files && error == 0; i++) {
		d->step = "a log of the queue can't be read";
		error = read_file(d, &d->files[i]);
		if (error == 0)
			look_for_chain(&d->files[i]);
	}
	look_for_ends(d);
	for (size_t i = 0; i < d->n_files && error == 0; i++)
		look_at(d, &d->files[i]);
	d->first = first_that_counts(d);
	for (size_t i = 0; i < d->n_files && error == 0; i++) {
		if (d->files[i].number >= d->first)
			replay(d, &d->files[i]);
	}
	return error;
}
