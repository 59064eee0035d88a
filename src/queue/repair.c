/* queue/repair.c - see the header for the steps. */
#include "queue/repair.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "account/survey.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/text.h"
#include "log/aside.h"
#include "queue/repair_impl.h"

#define LOST_REPLY "5.3.0 the message was damaged on our disk and can't be sent"

/* ---- 1: set aside ---- */

static int keep_logs(struct queue_repair *r)
{
	const struct queue_disk *d = &r->verify->disk;
	char path[QUEUE_PATH], name[ASIDE_NAME];
	int error = 0;

	r->step = "set a log aside";
	for (size_t i = 0; i < d->n_files && error == 0; i++) {
		queue_log_path(d->files[i].number, path);
		error = aside_copy(r->verify->os, r->aside, path, 0, 0, "", name);
		if (error == -ENOENT)
			error = 0;
		else if (error == 0)
			error = aside_note(r->verify->os, r->aside, "%s: the log queue/%s as it "
			    "was before the repair%s", name, path, d->files[i].damaged > 0 ?
			    ", damaged" : "");
	}
	return error;
}

/* The message as far as it can be read. */
static int keep_readable(struct queue_repair *r, int fd, struct pack_place place,
    const char *path, const char *why, bool *ret_whole)
{
	struct os *os = r->verify->os;
	struct pack_reader reader;
	enum pack_result result = PACK_END;
	char name[ASIDE_NAME], suffix[32];
	uint64_t at = 0, size;
	int out, error;
	slice piece;

	/* Wrong bytes may make sense all the same: only the checksum knows. */
	*ret_whole = pack_reader_open(&reader, os, r->verify->heap, fd, place) == PACK_OK;
	if (!*ret_whole &&
	    pack_reader_open_damaged(&reader, os, r->verify->heap, fd, place) != PACK_OK)
		return 0;
	snprintf(suffix, sizeof suffix, "-%" PRIu32 ".eml", place.offset);
	size = pack_reader_size(&reader);
	out = aside_create(os, r->aside, path, suffix, name);
	error = out < 0 ? out : 0;
	while (error == 0 && (result = pack_reader_next(&reader, &piece)) == PACK_OK) {
		error = os_pwrite(os, out, piece, at);
		at += piece.len;
	}
	*ret_whole = *ret_whole && error == 0 && result == PACK_END;
	pack_reader_close(&reader);
	if (error == 0)
		error = os_sync(os, out);
	os_close(os, out);
	if (error == 0)
		error = aside_note(os, r->aside, "%s: what could be read of the message at "
		    "%" PRIu32 " of queue/%s, %" PRIu64 " of %" PRIu64 " bytes%s%s",
		    name, place.offset, path, at, size, *ret_whole ? "" :
		    "; some may be wrong", why);
	return error;
}

static int keep_bytes(struct queue_repair *r, struct pack_place place, uint64_t len,
    const char *path)
{
	char name[ASIDE_NAME], suffix[32];
	int error;

	snprintf(suffix, sizeof suffix, "-%" PRIu32, place.offset);
	error = aside_copy(r->verify->os, r->aside, path, place.offset, place.offset + len,
	    suffix, name);
	if (error == 0)
		error = aside_note(r->verify->os, r->aside, "%s: the bytes of the message at "
		    "%" PRIu32 " of queue/%s", name, place.offset, path);
	return error;
}

/* bytes: those, too, as they are. */
static int keep_message(struct queue_repair *r, struct pack_place place, uint64_t len, bool bytes,
    const char *why)
{
	char path[QUEUE_PATH];
	bool whole = false;
	int fd, error;

	queue_pack_path(place.number, path);
	fd = os_open(r->verify->os, OS_ROOT, path, OS_READ);
	if (fd < 0)
		return fd;
	error = keep_readable(r, fd, place, path, why, &whole);
	os_close(r->verify->os, fd);
	if (error == 0 && (bytes || !whole))
		error = keep_bytes(r, place, len, path);
	return error;
}

/* Who has to know of it. A line each: there may be a hundred. */
static int note_people(struct queue_repair *r, const struct queue_live *live)
{
	const struct queue_entry *e = &live->entry;
	struct os *os = r->verify->os;
	char id[MESSAGE_ID_TEXT], text[SEALED_ADDRESS_MAX + 1], path[QUEUE_PATH];
	int error;

	message_id_print(e->id, id);
	queue_pack_path(e->place.number, path);
	error = aside_note(os, r->aside, "message %s, at %" PRIu32 " of queue/%s, from <%s>: %s",
	    id, e->place.offset, path, text_printable(e->sender, text, sizeof text),
	    live->bare ? "its text is whole; it goes on without its Received lines" :
	    e->sender.len > 0 ? "its sender is told when the server starts" :
	    "it has no sender, so nobody is told");
	for (size_t i = 0; i < e->n_recipients && error == 0 && !live->bare; i++) {
		if (e->recipients[i].state == QUEUE_WAITING)
			error = aside_note(os, r->aside, "message %s was not delivered to <%s>",
			    id, text_printable(e->recipients[i].address, text, sizeof text));
	}
	return error;
}

/* How long an entry of a pack may be whose header can't be read: up to the next one. */
static uint64_t length_of(const struct queue_verify *v, const struct queue_entry *e)
{
	uint64_t at = survey_place(e->place.number, e->place.offset);
	uint64_t len = PACK_ENTRY + PACK_PREFIX_MAX + e->body.stored;
	size_t low = 0, high = v->n_places;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v->places[middle] <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low < v->n_places && v->places[low] - at < len ? v->places[low] - at : len;
}

/* The first entry of each body that can't be read. */
static bool is_first(const struct queue_verify *v, size_t i)
{
	return i == 0 || !v->live[i - 1].due || memcmp(&v->live[i - 1].entry.place,
	    &v->live[i].entry.place, sizeof v->live[i].entry.place) != 0;
}

static int keep_messages(struct queue_repair *r)
{
	struct queue_verify *v = r->verify;
	uint32_t missing = 0;
	int error = 0;

	r->step = "set a damaged message aside";
	for (size_t i = 0; i < v->n_live && error == 0; i++) {
		const struct queue_live *live = &v->live[i];
		uint32_t pack = live->entry.place.number;

		if (!live->due)
			continue;
		if (is_first(v, i) && pack != missing)
			error = keep_message(r, live->entry.place, length_of(v, &live->entry),
			    true, "");
		if (error == -ENOENT) {
			missing = pack;
			error = aside_note(v->os, r->aside, "queue/pack/%03" PRIu32 ".pack is not "
			    "there, and what was in it is lost", pack);
		}
		if (error == 0)
			error = note_people(r, live);
	}
	r->step = "set a message without an entry aside";
	for (size_t i = 0; i < v->n_unnamed && error == 0; i++)
		error = keep_message(r, v->unnamed[i].place, v->unnamed[i].len, false,
		    "; the queue's log, which was damaged, has no entry for it: it went out "
		    "before (`posthouse trace` may say), or nobody has it yet, and for whom it "
		    "was only its own lines say");
	return error;
}

/* ---- 3: the new chain ---- */

/* With only the recipients in this state. */
static struct queue_entry part_of(struct queue_repair *r, const struct queue_entry *e,
    enum queue_state state)
{
	struct queue_entry part = *e;

	part.n_recipients = 0;
	part.recipients = heap_alloc(r->verify->heap, e->n_recipients * sizeof *part.recipients);
	for (size_t i = 0; i < e->n_recipients; i++) {
		if (e->recipients[i].state == state)
			part.recipients[part.n_recipients++] = e->recipients[i];
	}
	return part;
}

static uint64_t other_name(uint64_t number)
{
	uint64_t of[2] = { number, 0x6c6f7374 }, name = checksum64(slice_of(of, sizeof of), 0);

	return name != 0 ? name : 1;
}

static void add_entry(struct queue_chain *c, const struct queue_entry *e)
{
	struct buffer payload = buffer_init(c->heap, LOG_RECORD_MAX);

	queue_entry_write(e, &payload);
	queue_chain_add(c, QUEUE_ENTRY, buffer_bytes(&payload));
	buffer_free(&payload);
}

/* It is returned, by an entry of its own; what was failing before stays as it is. */
static void add_lost(struct queue_repair *r, struct queue_chain *c, const struct queue_entry *e)
{
	struct queue_entry lost = part_of(r, e, QUEUE_WAITING);
	struct queue_entry failed = part_of(r, e, QUEUE_FAILED);
	struct buffer gone = buffer_init(c->heap, 64);

	lost.number = other_name(e->number);
	lost.reports = 0;
	lost.flags = 0;
	for (size_t i = 0; i < lost.n_recipients; i++) {
		lost.recipients[i].state = QUEUE_FAILED;
		lost.recipients[i].reply = slice_lit(LOST_REPLY);
	}
	add_entry(c, &lost);
	queue_number_write(e->number, &gone);
	if (failed.n_recipients > 0)
		add_entry(c, &failed);
	else
		queue_chain_add(c, QUEUE_GONE, buffer_bytes(&gone));
	buffer_free(&gone);
	r->returned++;
	r->silent += e->sender.len == 0;
}

static void add_known(struct queue_chain *c, slice known)
{
	while (known.len > 0) {
		size_t n = known.len < QUEUE_KNOWN_MAX * QUEUE_KEY ? known.len :
		    QUEUE_KNOWN_MAX * QUEUE_KEY;

		queue_chain_add(c, QUEUE_KNOWN, slice_head(known, n));
		known = slice_drop(known, n);
	}
}

/* What stays as it is comes first: if only part of the chain gets to the disk it says
 * nothing new. */
static int write_chain(struct queue_repair *r)
{
	struct queue_verify *v = r->verify;
	struct queue_chain c;

	r->step = "write a new log";
	queue_chain_begin(&c, v);
	for (size_t i = 0; i < v->n_live; i++) {
		struct queue_entry e = v->live[i].entry;

		if (v->live[i].due && !v->live[i].bare)
			continue;
		if (v->live[i].bare)
			e.place = v->live[i].bare_place;
		add_entry(&c, &e);
		r->kept++;
		r->bare += v->live[i].bare;
	}
	add_known(&c, buffer_bytes(&v->disk.known));
	queue_chain_sync(&c);
	for (size_t i = 0; i < v->n_live; i++) {
		if (v->live[i].due && !v->live[i].bare)
			add_lost(r, &c, &v->live[i].entry);
	}
	queue_chain_add(&c, QUEUE_WHOLE, (slice){ 0 });
	return queue_chain_end(&c);
}

/* ---- 4 ---- */

static int remove_logs(struct queue_repair *r)
{
	const struct queue_disk *d = &r->verify->disk;
	char path[QUEUE_PATH];
	int error = 0;

	r->step = "clear away the old logs";
	for (size_t i = 0; i < d->n_files && error == 0; i++) {
		queue_log_path(d->files[i].number, path);
		error = os_unlink(r->verify->os, OS_ROOT, path);
		if (error == -ENOENT)
			error = 0;
	}
	return error == 0 ? os_sync_folder_at(r->verify->os, OS_ROOT, ".") : error;
}

int queue_repair(struct queue_repair *r)
{
	int error;

	check(!r->verify->newer && !r->verify->failed);
	error = keep_logs(r);
	if (error == 0) {
		r->step = "copy messages into a new pack";
		error = queue_rescue(r->verify);
	}
	if (error == 0)
		error = keep_messages(r);
	if (error == 0)
		error = write_chain(r);
	if (error == 0)
		error = remove_logs(r);
	return error;
}
