/* queue/verify.c - logs, then each body that an entry names, then what is lost.
 *
 * Beside a server files change while they are read: what is gone meanwhile was not needed
 * any more; all else that looks wrong for a moment the caller finds by reading again. */
#include "queue/verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account/survey.h"
#include "base/text.h"

static uint64_t place_of(struct pack_place place)
{
	return survey_place(place.number, place.offset);
}

static void tell(struct queue_verify *v, struct finding *finding, const char *path,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static void tell(struct queue_verify *v, struct finding *finding, const char *path,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finder_count(v->finder, &v->damage, finding, path, format, args);
	va_end(args);
}

/* ---- whose message ---- */

enum { SHOWN = 64 };

const char *queue_who(const struct queue_entry *e, char ret_text[QUEUE_WHO])
{
	char sender[SHOWN], to[SHOWN] = "", more[32] = "";
	unsigned n = 0;

	for (size_t i = 0; i < e->n_recipients; i++) {
		if (e->recipients[i].state != QUEUE_WAITING)
			continue;
		if (n++ == 0)
			text_printable(e->recipients[i].address, to, sizeof to);
	}
	if (n > 1)
		snprintf(more, sizeof more, " and %u other%s", n - 1, n == 2 ? "" : "s");
	snprintf(ret_text, QUEUE_WHO, "from <%s>%s%s%s%s", text_printable(e->sender, sender,
	    sizeof sender), n > 0 ? " to <" : "", to, n > 0 ? ">" : "", more);
	return ret_text;
}

/* ---- the logs ---- */

static void add_place(struct queue_verify *v, uint64_t place)
{
	if (v->n_places == v->places_capacity) {
		v->places_capacity = v->places_capacity == 0 ? 256 : 2 * v->places_capacity;
		v->places = heap_resize(v->heap, v->places,
		    v->places_capacity * sizeof *v->places);
	}
	v->places[v->n_places++] = place;
	if (place > v->chain_end)
		v->chain_end = place;
}

static void on_record(void *context, const struct queue_file *file,
    const struct log_record *record)
{
	struct queue_verify *v = context;
	struct queue_entry entry;

	if (file->first != 0 && file->first != v->chain) {
		v->chain = file->first;
		v->chain_whole = false;
		v->chain_end = 0;
	}
	if (record->type == QUEUE_WHOLE)
		v->chain_whole = true;
	if (record->type != QUEUE_ENTRY)
		return;
	arena_reset(&v->scratch);
	if (queue_entry_read(record->payload, &v->scratch, &entry))
		add_place(v, place_of(entry.place));
}

static void lose(struct queue_verify *v, uint64_t after)
{
	if (!v->lost || after < v->lost_after)
		v->lost_after = after;
	v->lost = true;
}

static const struct {
	enum finding_kind kind;
	const char *text;
} damages[] = {
	[QUEUE_DAMAGED_HEAD] = { FINDING_HEAD, "the head of this log of the queue can't be read, "
	    "or is another file's: messages whose entries are in it are lost, unless other logs "
	    "have them" },
	[QUEUE_DAMAGED_BYTES] = { FINDING_ROT, "bytes of the queue's log that were on disk are "
	    "damaged: messages whose entries stood there are lost, unless later records have "
	    "them; others may go out again" },
	[QUEUE_DAMAGED_RECORD] = { FINDING_RECORD, "a record of the queue's log that can't be "
	    "read" },
};

static void on_damage(void *context, const struct queue_file *file, enum queue_damage damage,
    uint32_t from, uint32_t to)
{
	struct queue_verify *v = context;
	struct finding finding = { .kind = damages[damage].kind, .from = from, .to = to };
	char path[QUEUE_PATH];

	queue_log_path(file->number, path);
	lose(v, v->chain_whole ? v->chain_end : 0);
	tell(v, &finding, path, "%s", damages[damage].text);
}

static bool has_file(const struct queue_disk *d, uint64_t number)
{
	for (size_t i = 0; i < d->n_files; i++) {
		if (d->files[i].number == number)
			return true;
	}
	return false;
}

static void judge_file(struct queue_verify *v, const struct queue_file *f)
{
	const struct queue_disk *d = &v->disk;
	struct finding finding = { .kind = FINDING_LEFTOVER };
	char path[QUEUE_PATH];

	queue_log_path(f->number, path);
	if (f->newer) {
		finding.kind = FINDING_NEWER;
		v->newer = true;
		tell(v, &finding, path, "a file of a later Posthouse");
	} else if (f->number < d->first && f->damaged == 0 && !f->gone) {
		tell(v, &finding, path, "an older log of the queue, which the next start "
		    "removes");
	}
}

/* A chain's first file goes last but one when the next chain is whole. */
static void judge_chain(struct queue_verify *v, const struct queue_file *f, uint64_t *last)
{
	struct finding finding = { .kind = FINDING_MISSING };
	char path[QUEUE_PATH];

	if (f->first == 0 || f->first < v->disk.first || f->first == *last ||
	    has_file(&v->disk, f->first))
		return;
	*last = f->first;
	lose(v, 0);
	queue_log_path((uint32_t)f->first, path);
	tell(v, &finding, path, "a log of the queue that the ones after it need is not there: "
	    "messages whose entries are in it are lost, unless later records have them");
}

static void judge_files(struct queue_verify *v)
{
	uint64_t last = 0;

	for (size_t i = 0; i < v->disk.n_files; i++) {
		char path[QUEUE_PATH];

		judge_file(v, &v->disk.files[i]);
		judge_chain(v, &v->disk.files[i], &last);
		queue_log_path(v->disk.files[i].number, path);
		finder_read(v->finder, path, v->disk.files[i].bytes.len);
	}
}

static bool read_logs(struct queue_verify *v)
{
	struct finding finding = { .kind = FINDING_DISK };
	int error;

	v->disk = (struct queue_disk){ .os = v->os, .heap = v->heap, .seed = v->seed,
	    .record = on_record, .damage = on_damage, .context = v };
	error = queue_disk_read(&v->disk);
	if (error == 0 && !v->disk.too_many) {
		judge_files(v);
		return true;
	}
	v->failed = true;
	tell(v, &finding, "", "%s: %s", v->disk.step, error != 0 ? strerror(-error) :
	    "there are too many files");
	return false;
}

/* ---- entries ---- */

static int by_place(const void *a, const void *b)
{
	const struct queue_live *x = a, *y = b;
	uint64_t left = place_of(x->entry.place), right = place_of(y->entry.place);

	if (left != right)
		return left < right ? -1 : 1;
	return x->entry.number < y->entry.number ? -1 : x->entry.number > y->entry.number;
}

static void gather_entries(struct queue_verify *v)
{
	struct queue_word *word;
	size_t at = 0;

	v->live = heap_alloc(v->heap, (v->disk.words.count + 1) * sizeof *v->live);
	while ((word = table_next(&v->disk.words, &at)) != NULL) {
		struct queue_live *live = &v->live[v->n_live];

		if (word->payload.len == 0)
			continue;
		live->word = word;
		if (queue_entry_read(word->payload, &v->arena, &live->entry)) {
			v->n_live++;
			continue;
		}
		word->file->damaged++;
		on_damage(v, word->file, QUEUE_DAMAGED_RECORD, word->offset, word->next);
		/* Which body it names, nobody knows. */
		lose(v, 0);
	}
	qsort(v->live, v->n_live, sizeof *v->live, by_place);
}

/* ---- bodies ---- */

static const char *reason(enum pack_result why)
{
	switch (why) {
	case PACK_DAMAGED:
		return "its bytes are damaged";
	case PACK_NEWER:
		return "a later Posthouse wrote it";
	case PACK_IO:
		return "the disk can't read it";
	case PACK_OK:
	case PACK_END:
		break;
	}
	return "it is another one than its entry says";
}

static bool has_waiting(const struct queue_entry *e)
{
	for (size_t i = 0; i < e->n_recipients; i++) {
		if (e->recipients[i].state == QUEUE_WAITING)
			return true;
	}
	return false;
}

/* With its prefix, if its header can be read. */
static uint64_t length_of(struct queue_verify *v, const struct queue_entry *e, int fd)
{
	struct pack_body body;
	uint64_t len;
	slice prefix;

	if (fd < 0 || pack_look(v->os, v->heap, fd, e->place, &prefix, &body) != PACK_OK)
		return PACK_ENTRY + e->body.stored;
	len = pack_entry_len(prefix, body);
	heap_free(v->heap, (void *)(uintptr_t)prefix.ptr);
	return len;
}

/* Whoever gets a report already gets it without the text. */
static void tell_bad(struct queue_verify *v, struct queue_live *live, const char *path, int fd)
{
	struct finding finding = {
		.kind = live->why == PACK_IO ? FINDING_DISK : live->why == PACK_NEWER ?
		    FINDING_NEWER : FINDING_BODY,
		.from = live->entry.place.offset,
		.to = live->entry.place.offset + length_of(v, &live->entry, fd),
	};
	char who[QUEUE_WHO];

	message_id_print(live->entry.id, finding.message);
	live->bad = true;
	live->due = has_waiting(&live->entry);
	v->n_due += live->due;
	v->newer = v->newer || live->why == PACK_NEWER;
	v->failed = v->failed || live->why == PACK_IO;
	queue_who(&live->entry, who);
	if (live->due || live->why == PACK_IO || live->why == PACK_NEWER) {
		tell(v, &finding, path, "the body of a message that waits can't be read: %s; %s",
		    fd < 0 ? "its pack is not there" : reason(live->why), who);
		return;
	}
	finding.kind = FINDING_LEFTOVER;
	tell(v, &finding, path, "the body of a message that is returned can't be read: its "
	    "sender is told without it; %s", who);
}

/* Every byte. PACK_END: it is whole; PACK_OK: another one is there. */
static enum pack_result read_body(struct queue_verify *v, int fd, const struct queue_entry *e)
{
	struct pack_reader reader;
	enum pack_result result;
	slice piece;

	result = pack_reader_open(&reader, v->os, v->heap, fd, e->place);
	if (result != PACK_OK)
		return result;
	while ((result = pack_reader_next(&reader, &piece)) == PACK_OK)
		;
	if (result == PACK_END && (reader.body.checksum != e->body.checksum ||
	    reader.body.size != e->body.size || reader.body.stored != e->body.stored))
		result = PACK_OK;
	pack_reader_close(&reader);
	return result;
}

/* Does anybody wait for a body of this pack? live[i] is the first in it. */
static bool is_due(const struct queue_verify *v, size_t i)
{
	uint32_t number = v->live[i].entry.place.number;

	while (i < v->n_live && v->live[i].entry.place.number == number) {
		if (has_waiting(&v->live[i++].entry))
			return true;
	}
	return false;
}

/* The pack of live[i]. */
static int open_named(struct queue_verify *v, size_t i, char ret_path[QUEUE_PATH])
{
	struct finding finding = { .kind = FINDING_MISSING };
	int fd;

	queue_pack_path(v->live[i].entry.place.number, ret_path);
	fd = os_open(v->os, OS_ROOT, ret_path, OS_READ);
	if (fd >= 0 || (fd == -ENOENT && !is_due(v, i)))
		return fd;
	if (fd == -ENOENT) {
		tell(v, &finding, ret_path, "a pack with bodies of messages that wait is not "
		    "there");
		return fd;
	}
	finding.kind = FINDING_DISK;
	v->failed = true;
	tell(v, &finding, ret_path, "the disk can't open this file: %s", strerror(-fd));
	return fd;
}

/* The entries of one message share a body. */
static void check_bodies(struct queue_verify *v)
{
	enum pack_result result = PACK_END;
	char path[QUEUE_PATH] = "";
	uint32_t pack = 0;
	int fd = -1;

	for (size_t i = 0; i < v->n_live; i++) {
		struct queue_live *live = &v->live[i];

		if (live->entry.place.number != pack) {
			os_close(v->os, fd);
			pack = live->entry.place.number;
			fd = open_named(v, i, path);
		}
		if (i == 0 || place_of(v->live[i - 1].entry.place) !=
		    place_of(live->entry.place) || memcmp(&v->live[i - 1].entry.body,
		    &live->entry.body, sizeof live->entry.body) != 0) {
			result = fd < 0 ? PACK_DAMAGED : read_body(v, fd, &live->entry);
			finder_read(v->finder, path, live->entry.body.stored);
		}
		live->why = result;
		if (result != PACK_END)
			tell_bad(v, live, path, fd);
	}
	os_close(v->os, fd);
}

/* ---- what no entry names ---- */

static int compare_places(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? -1 : x > y;
}

static bool was_named(const struct queue_verify *v, uint64_t place)
{
	return v->n_places > 0 && bsearch(&place, v->places, v->n_places, sizeof place,
	    compare_places) != NULL;
}

static void judge_entry(struct queue_verify *v, struct pack_place place, slice prefix,
    uint64_t len)
{
	struct finding finding = { .kind = FINDING_UNNAMED, .from = place.offset,
	    .to = place.offset + len };
	struct message_id id;
	bool has_id = survey_message_id(prefix, &id);
	char path[QUEUE_PATH];

	if (place_of(place) < v->lost_after || was_named(v, place_of(place)) ||
	    (has_id && v->pending != NULL && v->pending(v->context, id)))
		return;
	if (v->n_unnamed == SURVEY_UNNAMED_MAX)
		return;
	if (v->n_unnamed == v->unnamed_capacity) {
		v->unnamed_capacity = v->unnamed_capacity == 0 ? 16 : 2 * v->unnamed_capacity;
		v->unnamed = heap_resize(v->heap, v->unnamed,
		    v->unnamed_capacity * sizeof *v->unnamed);
	}
	v->unnamed[v->n_unnamed++] = (struct queue_unnamed){ place, len };
	if (has_id)
		message_id_print(id, finding.message);
	queue_pack_path(place.number, path);
	tell(v, &finding, path, "a message whose entry in the queue's log is lost, unless it went "
	    "out before (`posthouse trace` may say): for whom it was is not known");
}

static void walk_pack(struct queue_verify *v, uint32_t number, int fd)
{
	struct pack_place place = { QUEUE_PACKS, number, 0 };
	int64_t size = os_size(v->os, fd);
	uint64_t at = 0;

	while (size > 0 && at + PACK_ENTRY <= (uint64_t)size && at <= UINT32_MAX) {
		struct pack_body body;
		enum pack_result result;
		slice prefix;

		place.offset = (uint32_t)at;
		result = pack_look(v->os, v->heap, fd, place, &prefix, &body);
		if (result == PACK_OK) {
			uint64_t len = pack_entry_len(prefix, body);

			judge_entry(v, place, prefix, len);
			heap_free(v->heap, (void *)(uintptr_t)prefix.ptr);
			if (len > UINT32_MAX)
				return;
			at += len;
			continue;
		}
		place.offset++;
		if (result == PACK_DAMAGED)
			result = pack_find(v->os, v->heap, fd, (uint64_t)size, &place);
		if (result != PACK_OK)
			return;
		at = place.offset;
	}
}

static bool has_live(const struct queue_verify *v, uint32_t pack)
{
	size_t low = 0, high = v->n_live;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v->live[middle].entry.place.number < pack)
			low = middle + 1;
		else
			high = middle;
	}
	return low < v->n_live && v->live[low].entry.place.number == pack;
}

static void check_pack(struct queue_verify *v, uint32_t number, bool last)
{
	struct finding finding = { .kind = FINDING_LEFTOVER };
	size_t before = v->n_unnamed;
	char path[QUEUE_PATH];
	int fd;

	queue_pack_path(number, path);
	if (v->lost && number >= v->lost_after >> 32) {
		fd = os_open(v->os, OS_ROOT, path, OS_READ);
		if (fd >= 0) {
			walk_pack(v, number, fd);
			os_close(v->os, fd);
		}
	}
	if (!has_live(v, number) && v->n_unnamed == before && !(last && v->beside))
		tell(v, &finding, path, "no message in this pack waits any more: the next start "
		    "removes it");
}

void queue_verify(struct queue_verify *v)
{
	v->arena = arena_init(v->heap, SIZE_MAX);
	v->scratch = arena_init(v->heap, LOG_RECORD_MAX);
	if (!read_logs(v))
		return;
	gather_entries(v);
	check_bodies(v);
	if (v->n_places > 0)
		qsort(v->places, v->n_places, sizeof *v->places, compare_places);
	for (size_t i = 0; i < v->disk.n_packs; i++)
		check_pack(v, v->disk.packs[i], i + 1 == v->disk.n_packs);
}
