/* role/relay_load.c - the queue as it is found at a start.
 *
 * All log files are read; what the last WHOLE began, and what came after it, counts:
 * of an entry the last record. Then all of it is synced, since a write that nobody
 * waited for may be seen and not be on disk, and a chain of our own begins. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "role/relay_impl.h"

struct file {
	uint32_t number;
	uint64_t first;                 /* of its chain; 0: it has no beginning */
	bool whole, newer;
	unsigned damaged;               /* places */
	slice bytes;
	struct log_head head;
};

/* The last word on an entry. */
struct word {
	uint64_t number;
	struct file *file;              /* that has it */
	slice payload;                  /* empty: gone */
};

struct loading {
	struct os_work work;
	struct relay *relay;
	struct heap *heap;              /* of the pool's work, until it is done */
	struct file files[QUEUE_FILES_MAX];
	size_t n_files;
	uint32_t packs[QUEUE_FILES_MAX];
	size_t n_packs;
	bool too_many;
	struct table words;
	struct buffer known;            /* keys of recipients that are over */
	int error;
	const char *step;
};

/* ---- on the pool ---- */

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
	struct loading *l = context;
	uint32_t number;

	if (!number_of(name, ".log", &number))
		return true;
	if (l->n_files == QUEUE_FILES_MAX) {
		l->too_many = true;
		return false;
	}
	l->files[l->n_files++].number = number;
	return true;
}

static bool on_pack(void *context, const char *name)
{
	struct loading *l = context;
	uint32_t number;

	if (!number_of(name, ".pack", &number))
		return true;
	if (l->n_packs == QUEUE_FILES_MAX) {
		l->too_many = true;
		return false;
	}
	l->packs[l->n_packs++] = number;
	return true;
}

static int by_number(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int read_file(struct os *os, struct loading *l, struct file *f)
{
	char path[32];
	int fd;
	int64_t size;
	ssize_t got;
	unsigned char *bytes;

	snprintf(path, sizeof path, "%03u.log", f->number);
	fd = os_open(os, OS_ROOT, path, OS_READ);
	if (fd < 0)
		return fd;
	size = os_size(os, fd);
	if (size > QUEUE_FILE_SIZE)
		size = QUEUE_FILE_SIZE;
	if (size < 0) {
		os_close(os, fd);
		return (int)size;
	}
	bytes = heap_alloc(l->heap, (size_t)size + 1);
	got = os_pread(os, fd, bytes, (size_t)size, 0);
	os_close(os, fd);
	if (got < 0)
		return (int)got;
	f->bytes = slice_of(bytes, (size_t)got);
	return 0;
}

/* Its records, in order; false: none that we could know of. A file whose maker died
 * has no head yet, and nothing behind it. */
static bool begin(struct file *f, struct log_reader *reader)
{
	enum log_head_result result = f->bytes.len < LOG_BLOCK ? LOG_HEAD_DAMAGED :
	    log_head_read(slice_head(f->bytes, LOG_BLOCK), &f->head);

	f->newer = result == LOG_HEAD_NEWER;
	if (f->newer)
		return false;
	if (result != LOG_HEAD_OK || f->head.kind != LOG_QUEUE ||
	    f->head.number != f->number || f->head.size > QUEUE_FILE_SIZE) {
		f->damaged += f->bytes.len > LOG_BLOCK;
		return false;
	}
	log_reader_init(reader, &f->head, f->head.size);
	return true;
}

static bool next(struct file *f, struct log_reader *reader, struct log_record *ret)
{
	uint32_t from, to, need;

	for (;;) {
		size_t at = reader->offset < f->bytes.len ? reader->offset : f->bytes.len;

		switch (log_next(reader, slice_drop(f->bytes, at), (uint32_t)at, true, ret,
		    &from, &to, &need)) {
		case LOG_RECORD:
			return true;
		case LOG_ROT:
			f->damaged++;
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

static void look_at(struct file *f)
{
	struct log_reader reader;
	struct log_record record;

	if (!begin(f, &reader))
		return;
	while (next(f, &reader, &record)) {
		if (record.type == QUEUE_BEGIN && f->first == 0)
			queue_number_read(record.payload, &f->first);
		f->whole = f->whole || record.type == QUEUE_WHOLE;
	}
}

static uint64_t first_that_counts(const struct loading *l)
{
	uint64_t first = 0;

	for (size_t i = 0; i < l->n_files; i++) {
		if (l->files[i].whole && l->files[i].first > first)
			first = l->files[i].first;
	}
	return first;
}

static void hear(struct loading *l, struct file *f, uint64_t number, slice payload)
{
	struct word *word = table_get(&l->words, table_key(number));

	if (word == NULL) {
		word = heap_new(l->heap, struct word);
		word->number = number;
		table_put(&l->words, table_key(word->number), word);
	}
	word->file = f;
	word->payload = payload;
}

static void replay(struct loading *l, struct file *f)
{
	struct log_reader reader;
	struct log_record record;
	uint64_t number;

	f->damaged = 0;
	if (!begin(f, &reader))
		return;
	while (next(f, &reader, &record)) {
		if (record.type == QUEUE_GONE && queue_number_read(record.payload, &number))
			hear(l, f, number, (slice){ 0 });
		else if (record.type == QUEUE_ENTRY && record.payload.len > 9)
			hear(l, f, load_u64(record.payload.ptr + 1), record.payload);
		else if (record.type == QUEUE_KNOWN && record.payload.len % QUEUE_KEY == 0)
			buffer_add(&l->known, record.payload);
	}
}

static int sync_all(struct os *os)
{
	int fd = os_open(os, OS_ROOT, ".", OS_READ | OS_FOLDER), error;

	if (fd < 0)
		return fd;
	error = os_sync_system(os, fd);
	os_close(os, fd);
	return error;
}

static void run(struct os_work *work)
{
	struct loading *l = work->owner;
	struct os *os = work->os;
	uint64_t first;

	l->step = "the folder queue/pack can't be made or read";
	l->error = os_mkdir(os, OS_ROOT, "pack");
	if (l->error == -EEXIST)
		l->error = 0;
	if (l->error == 0)
		l->error = os_list(os, OS_ROOT, "pack", on_pack, l);
	if (l->error == 0)
		l->error = os_list(os, OS_ROOT, ".", on_log, l);
	l->step = "a log of the queue can't be read";
	qsort(l->files, l->n_files, sizeof *l->files, by_number);
	for (size_t i = 0; i < l->n_files && l->error == 0; i++) {
		l->error = read_file(os, l, &l->files[i]);
		if (l->error == 0)
			look_at(&l->files[i]);
	}
	first = first_that_counts(l);
	for (size_t i = 0; i < l->n_files && l->error == 0; i++) {
		if (l->files[i].number >= first)
			replay(l, &l->files[i]);
	}
	l->step = "the queue can't be synced";
	if (l->error == 0)
		l->error = sync_all(os);
}

/* ---- on the loop ---- */

static struct body *body_of(struct relay *r, const struct queue_entry *record)
{
	struct body *body = body_new(r);

	body->what = record->body;
	body->place = record->place;
	body->durable = true;
	queue_pack_used(r, record->place.number);
	return body;
}

static void take_entry(struct relay *r, const struct queue_entry *record)
{
	slice address = record->recipients[0].address;
	size_t at = slice_find_last_byte(address, '@');
	struct entry *e = entry_new(r, body_of(r, record), slice_drop(address,
	    at < address.len ? at + 1 : address.len), record->sender, record->n_recipients);

	table_remove(&r->numbers, table_key(e->number));
	e->number = record->number;
	table_put(&r->numbers, table_key(e->number), e);
	e->id = record->id;
	e->received_us = record->received_us;
	e->next_us = record->next_us;
	e->tries = record->tries;
	e->reports = record->reports;
	e->needs = record->needs;
	e->stored = e->logged = true;
	e->held = (record->flags & QUEUE_HELD) != 0;
	e->warned = (record->flags & QUEUE_WARNED) != 0;
	for (size_t i = 0; i < record->n_recipients; i++) {
		const struct queue_recipient *from = &record->recipients[i];
		struct recipient *to = &e->recipients[i];

		*to = (struct recipient){ .index = from->index, .state = from->state,
		    .answered = true };
		to->address = entry_copy(r, from->address);
		to->reply = entry_copy(r, from->reply);
		take_known(r, e->id, to->index);
	}
	entry_clamp(e);
	e->state = ENTRY_REPORTING;
	if (entry_waiting(e) > 0)
		entry_wait(e);
	report_loaded(e);
}

static void take_words(struct loading *l)
{
	struct relay *r = l->relay;
	struct arena arena = arena_init(r->heap, 1024 * 1024);
	struct word *word;
	size_t at = 0;

	while ((word = table_next(&l->words, &at)) != NULL) {
		struct queue_entry record;

		if (word->payload.len == 0)
			continue;
		if (queue_entry_read(word->payload, &arena, &record))
			take_entry(r, &record);
		else
			word->file->damaged++;
		arena_reset(&arena);
	}
}

static void take_keys(struct loading *l)
{
	slice rest = buffer_bytes(&l->known);

	for (; rest.len > 0; rest = slice_drop(rest, QUEUE_KEY))
		take_over(l->relay, slice_head(rest, QUEUE_KEY));
	take_loaded(l->relay);
}

static bool tell_damage(struct loading *l)
{
	bool found = false;

	for (size_t i = 0; i < l->n_files; i++) {
		if (l->files[i].damaged == 0)
			continue;
		found = true;
		os_log(l->relay->os, OS_ERROR, "queue/%03u.log is damaged in %u places: what "
		    "changed there is lost. It is kept, and so are bodies of messages that "
		    "nothing else names, until you move it away", l->files[i].number,
		    l->files[i].damaged);
	}
	return found;
}

static void note_files(struct loading *l, bool damaged)
{
	struct queue_log *q = &l->relay->log;

	for (size_t i = 0; i < l->n_files; i++) {
		if (l->files[i].number >= q->number_next)
			q->number_next = l->files[i].number + 1;
		if (l->files[i].damaged == 0)           /* that one is kept */
			put_u32(&q->old, l->files[i].number);
	}
	for (size_t i = 0; i < l->n_packs; i++) {
		uint32_t number = l->packs[i];

		if (number >= q->pack_next)
			q->pack_next = number + 1;
		if (damaged || table_get(&q->packs, table_key(number)) != NULL)
			continue;
		put_u8(&q->trash, true);
		put_u32(&q->trash, number);
	}
}

static const char *why_not(const struct loading *l)
{
	if (l->too_many)
		return "there are too many files";
	for (size_t i = 0; i < l->n_files; i++) {
		if (l->files[i].newer)
			return "a newer Posthouse wrote it: start that one";
	}
	return NULL;
}

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

static void done(struct os_work *work)
{
	struct loading *l = work->owner;
	struct relay *r = l->relay;
	const char *why = why_not(l);

	if (l->error != 0) {
		frame_fatal(&r->frame, "%s: %s", l->step, strerror(-l->error));
	} else if (why != NULL) {
		frame_fatal(&r->frame, "the folder queue can't be used: %s", why);
	} else {
		take_words(l);
		take_keys(l);
		note_files(l, tell_damage(l));
		queue_start(r);
	}
	heap_cancel_on_drop(r->heap, drop_heap, l->heap);
	heap_drop(l->heap);
}

void queue_load(struct relay *r)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct loading *l = heap_new(heap, struct loading);

	heap_on_drop(r->heap, drop_heap, heap);
	l->relay = r;
	l->heap = heap;
	l->words = table_init(heap, os_random_u64(r->os));
	l->known = buffer_init(heap, SIZE_MAX / 2);
	l->work = (struct os_work){ .run = run, .done = done, .owner = l };
	os_work_start(r->os, &l->work);
}
