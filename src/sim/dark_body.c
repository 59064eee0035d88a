/* sim/dark_body.c - a byte of a message that waits in the queue, or of one in a spool
 * file, and what is lost with it.
 *
 * In the queue that is nothing: the message goes on without its trace, when only that
 * was hit, or its sender is told. Unless it is a report itself: nobody tells of those. */
#include "sim/dark_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "queue/verify.h"
#include "sim/sound.h"

/* A body that can be hit. */
struct held {
	char path[200], file[200];      /* as in struct hit */
	uint32_t from;                  /* in path */
	uint64_t at, len;               /* in file */
	slice bytes;                    /* its message, if that can be lost; or empty */
	const struct queue_entry *entry;        /* DARK_PACK */
};

struct draw {
	struct dark *dark;
	struct station *station;
	struct heap *heap;              /* of this draw */
	struct arena arena;
	struct held held[DARK_LOST_MAX];
	size_t n;
};

/* One place a file, as of logs. */
static bool is_hit(const struct draw *d, const char *file)
{
	for (size_t i = 0; i < d->dark->n_hits; i++) {
		const struct hit *hit = &d->dark->hits[i];

		if (hit->station == d->station && !hit->repaired && strcmp(hit->file, file) == 0)
			return true;
	}
	return false;
}

/* ---- the queue ---- */

static bool has_waiting(const struct queue_entry *e)
{
	for (size_t i = 0; i < e->n_recipients; i++) {
		if (e->recipients[i].state == QUEUE_WAITING)
			return true;
	}
	return false;
}

/* Entries whose sender is told anyway get by without the body. */
static void hold_entry(struct draw *d, struct os *os, const struct queue_live *live)
{
	const struct queue_entry *e = &live->entry;
	struct held *held = &d->held[d->n];
	char path[QUEUE_PATH];
	struct pack_body body;
	slice prefix;
	int fd;

	queue_pack_path(e->place.number, path);
	snprintf(held->file, sizeof held->file, "queue/%s", path);
	if (d->n == DARK_LOST_MAX || live->bad || !has_waiting(e) || is_hit(d, held->file))
		return;
	fd = os_open(os, OS_ROOT, path, OS_READ);
	if (pack_look(os, d->heap, fd, e->place, &prefix, &body) == PACK_OK) {
		memcpy(held->path, held->file, sizeof held->path);
		held->from = e->place.offset;
		held->at = e->place.offset;
		held->len = pack_entry_len(prefix, body);
		held->entry = e;
		held->bytes = e->sender.len > 0 ? (slice){ 0 } :
		    dark_read_entry(os, d->heap, path, e->place, e->sender, false);
		d->n++;
	}
	os_close(os, fd);
}

static void mute_finder(struct finder *finder, const struct finding *finding)
{
	(void)finder;
	(void)finding;
}

static void look_at_queue(struct draw *d)
{
	struct finder finder = { mute_finder, NULL, "queue/" };
	struct queue_verify verify = { .heap = d->heap, .seed = 1, .finder = &finder };
	struct os *os = sound_reader(d->station, d->dark->checker, "queue");

	verify.os = os;
	queue_verify(&verify);
	for (size_t i = 0; i < verify.n_live; i++)
		hold_entry(d, os, &verify.live[i]);
	sim_kill(os);
}

/* ---- the journal ---- */

static void on_record(void *context, struct os *os, const struct journal_file *file,
    const struct log_record *record)
{
	struct draw *d = context;
	struct held *held = &d->held[d->n];
	struct journal_commit commit;
	char path[FINDING_PATH];

	arena_reset(&d->arena);
	if (d->n == DARK_LOST_MAX || !dark_read_record(file, record, &d->arena, &commit) ||
	    commit.body.spool == 0)
		return;
	snprintf(path, sizeof path, "spool/%016" PRIx64, commit.body.spool);
	snprintf(held->file, sizeof held->file, "journal/%s", path);
	if (is_hit(d, held->file))
		return;
	held->bytes = dark_read_body(os, d->heap, path, 0, &commit.body, commit.sender);
	held->from = record->offset;
	held->at = 0;
	held->len = commit.body.stored;
	journal_file_path(file, path);
	snprintf(held->path, sizeof held->path, "journal/%s", path);
	d->n++;
}

static void mute(void *context, const struct finding *finding)
{
	(void)context;
	(void)finding;
}

/* ---- the byte ---- */

/* When nobody can be told: repair may give it up, and no log of the relay says so. */
static void give_up(struct checker *checker, const struct queue_entry *e)
{
	char id[MESSAGE_ID_TEXT];

	message_id_print(e->id, id);
	for (size_t i = 0; i < e->n_recipients; i++)
		checker_given_up(checker, slice_from(id), e->recipients[i].address);
}

static bool hit_one(struct draw *d, enum dark_kind kind, struct chance *chance, struct hit *ret)
{
	const struct held *held = &d->held[chance_below(chance, d->n)];
	struct dark_turn t = { .path = held->file,
	    .mask = (unsigned char)(1u << chance_below(chance, 8)) };
	struct hit hit = { .station = d->station, .kind = kind, .from = held->from, .sure = true };

	t.offset = (uint32_t)(held->at + chance_below(chance, held->len));
	if (!dark_turn(d->station, &t))
		return false;
	memcpy(hit.path, held->path, sizeof hit.path);
	memcpy(hit.file, held->file, sizeof hit.file);
	hit.offset = t.offset;
	hit.turned = t.now;
	/* Some entries and records share a body. */
	for (size_t i = 0; i < d->n; i++) {
		uint64_t accounts = kind == DARK_SPOOL ? UINT64_MAX : 0;

		if (strcmp(d->held[i].file, held->file) != 0 || d->held[i].at != held->at)
			continue;
		dark_lose(&hit, checker_lost(d->dark->checker, accounts, d->held[i].bytes),
		    accounts);
		if (kind == DARK_PACK)
			give_up(d->dark->checker, d->held[i].entry);
	}
	*ret = hit;
	return true;
}

bool dark_hit_body(struct dark *dark, struct station *station, enum dark_kind kind,
    struct chance *chance, struct hit *ret)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct draw *d = heap_new(heap, struct draw);
	const struct sound_look look = { .tell = mute, .record = on_record, .context = d };
	bool hit;

	check(kind == DARK_PACK || kind == DARK_SPOOL);
	d->dark = dark;
	d->station = station;
	d->heap = heap;
	d->arena = arena_init(heap, 1024 * 1024);
	if (kind == DARK_PACK)
		look_at_queue(d);
	else
		sound_look(station, dark->checker, &look);
	hit = d->n > 0 && hit_one(d, kind, chance, ret);
	heap_drop(heap);
	return hit;
}
