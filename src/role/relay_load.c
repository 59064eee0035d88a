/* role/relay_load.c - the queue as it is found at a start (queue/disk.h).
 *
 * All of it is synced, since a write that nobody waited for may be seen and not be on
 * disk; then a chain of our own begins. */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "queue/disk.h"
#include "role/relay_impl.h"

struct loading {
	struct os_work work;
	struct relay *relay;
	struct heap *heap;              /* of the pool's work, until it is done */
	struct queue_disk disk;
	int error;
	const char *step;
};

/* ---- on the pool ---- */

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

	l->step = "the folder queue/pack can't be made";
	l->error = os_mkdir(os, OS_ROOT, "pack");
	if (l->error == -EEXIST)
		l->error = 0;
	if (l->error == 0) {
		l->error = queue_disk_read(&l->disk);
		l->step = l->disk.step;
	}
	if (l->error == 0) {
		l->step = "the queue can't be synced";
		l->error = sync_all(os);
	}
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
	slice addresses[QUEUE_RECIPIENTS_MAX];
	struct entry *e;

	for (size_t i = 0; i < record->n_recipients; i++)
		addresses[i] = record->recipients[i].address;
	e = entry_new(r, body_of(r, record), record->sender, addresses, record->n_recipients);
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

		to->index = from->index;
		to->state = from->state;
		to->answered = true;
		entry_set_words(e, to, from->reply);
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
	struct queue_word *word;
	size_t at = 0;

	while ((word = table_next(&l->disk.words, &at)) != NULL) {
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
	slice rest = buffer_bytes(&l->disk.known);

	for (; rest.len > 0; rest = slice_drop(rest, QUEUE_KEY))
		take_over(l->relay, slice_head(rest, QUEUE_KEY));
}

static bool tell_damage(struct loading *l)
{
	const struct queue_disk *d = &l->disk;
	bool found = false;

	for (size_t i = 0; i < d->n_files; i++) {
		if (d->files[i].damaged == 0)
			continue;
		found = true;
		os_log(l->relay->os, OS_ERROR, "queue/%03u.log is damaged in %u places: what "
		    "changed there is lost. It is kept, and so are bodies of messages that "
		    "nothing else names: `posthouse verify` says more, `posthouse repair` sets "
		    "them aside", d->files[i].number, d->files[i].damaged);
	}
	return found;
}

/* A pack that is not there, and that an entry names, must not come again: another
 * message would be in that place. */
static void note_pack(struct queue_log *q, uint32_t number)
{
	if (number >= q->pack_next && number < UINT32_MAX)
		q->pack_next = number + 1;
}

static void note_files(struct loading *l, bool damaged)
{
	struct queue_log *q = &l->relay->log;
	const struct queue_disk *d = &l->disk;
	struct pack_use *use;
	size_t at = 0;

	for (size_t i = 0; i < d->n_files; i++) {
		if (d->files[i].number >= q->number_next)
			q->number_next = d->files[i].number + 1;
		if (d->files[i].damaged == 0)           /* that one is kept */
			put_u32(&q->old, d->files[i].number);
	}
	while ((use = table_next(&q->packs, &at)) != NULL)
		note_pack(q, use->number);
	for (size_t i = 0; i < d->n_packs; i++) {
		uint32_t number = d->packs[i];

		note_pack(q, number);
		/* It stays when all that we know of has left it, too. */
		if (damaged)
			queue_pack_used(l->relay, number);
		if (damaged || table_get(&q->packs, table_key(number)) != NULL)
			continue;
		put_u8(&q->trash, true);
		put_u32(&q->trash, number);
	}
}

static const char *why_not(const struct queue_disk *d)
{
	if (d->too_many)
		return "there are too many files";
	for (size_t i = 0; i < d->n_files; i++) {
		if (d->files[i].newer)
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
	const char *why = why_not(&l->disk);

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
	l->disk = (struct queue_disk){ .os = r->os, .heap = heap, .seed = os_random_u64(r->os) };
	l->work = (struct os_work){ .run = run, .done = done, .owner = l };
	os_work_start(r->os, &l->work);
}
