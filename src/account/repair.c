/* account/repair.c - see the header for the steps. */
#include "account/repair.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "account/slot.h"
#include "base/check.h"
#include "log/aside.h"
#include "mail/date.h"

enum { BROUGHT_BACK = UINT16_MAX };

/* ---- 1: set aside ---- */

static int keep_logs(struct account_repair *r)
{
	struct account_survey *s = r->survey;
	char path[ACCOUNT_PATH_MAX], name[ASIDE_NAME];
	int error = 0;

	r->step = "set a log aside";
	for (size_t i = 0; i < s->n_logs && error == 0; i++) {
		account_log_path(s->account, s->logs[i], path);
		error = aside_copy(s->os, r->aside, path, 0, 0, "", name);
		if (error == -ENOENT)
			error = 0;
		else if (error == 0)
			error = aside_note(s->os, r->aside, "%s: the log account/%s as it was "
			    "before the repair (`posthouse account log` tells what logs say)",
			    name, path);
	}
	return error;
}

/* The message as far as it can be read. */
static int keep_readable(struct account_repair *r, const struct account_row *row, int fd,
    const char *path, const char *suffix)
{
	struct account_survey *s = r->survey;
	struct pack_place place = { s->account, row->pack, row->offset };
	struct pack_reader reader;
	char name[ASIDE_NAME];
	uint64_t at = 0;
	int out, error = 0;
	slice piece;

	if (pack_reader_open_damaged(&reader, s->os, s->heap, fd, place) != PACK_OK)
		return 0;
	out = aside_create(s->os, r->aside, path, suffix, name);
	error = out < 0 ? out : 0;
	while (error == 0 && pack_reader_next(&reader, &piece) == PACK_OK) {
		error = os_pwrite(s->os, out, piece, at);
		at += piece.len;
	}
	pack_reader_close(&reader);
	if (error == 0)
		error = os_sync(s->os, out);
	os_close(s->os, out);
	if (error == 0)
		error = aside_note(s->os, r->aside, "%s: what could be read of that message, "
		    "%" PRIu64 " of %" PRIu32 " bytes; some of it may be wrong", name, at,
		    row->size);
	return error;
}

static int keep_message(struct account_repair *r, const struct account_row *row)
{
	struct account_survey *s = r->survey;
	char path[ACCOUNT_PATH_MAX], suffix[32], name[ASIDE_NAME], id[MESSAGE_ID_TEXT];
	int fd, error;

	r->step = "set a damaged message aside";
	account_pack_path(s->account, row->pack, path);
	message_id_print(account_key_id(row->key), id);
	fd = os_open(s->os, OS_ROOT, path, OS_READ);
	if (fd == -ENOENT)
		return aside_note(s->os, r->aside, "UID %" PRIu32 " of account %016" PRIx64
		    " (message %s) was in account/%s, which is not there", row->uid, s->account,
		    id, path);
	if (fd < 0)
		return fd;
	snprintf(suffix, sizeof suffix, "-uid-%" PRIu32, row->uid);
	error = aside_copy(s->os, r->aside, path, row->offset, row->offset + (uint64_t)row->stored,
	    suffix, name);
	if (error == 0)
		error = aside_note(s->os, r->aside, "%s: the bytes of UID %" PRIu32
		    " of account %016" PRIx64 " (message %s), from account/%s at %" PRIu32,
		    name, row->uid, s->account, id, path, row->offset);
	snprintf(suffix, sizeof suffix, "-uid-%" PRIu32 ".eml", row->uid);
	if (error == 0)
		error = keep_readable(r, row, fd, path, suffix);
	os_close(s->os, fd);
	return error;
}

static int keep_messages(struct account_repair *r)
{
	struct account_survey *s = r->survey;
	int error = 0;

	for (size_t i = 0; i < s->n_bad && error == 0; i++) {
		const struct account_row *row = account_state_find(&s->state, s->bad[i].uid);

		if (row != NULL)
			error = keep_message(r, row);
	}
	return error;
}

/* ---- messages that can't be read vanish ---- */

/* Apply one record to the state, as the log would. */
static void apply(struct account_survey *s, uint8_t type, struct buffer *payload)
{
	enum record_result result = account_state_apply(&s->state, type, buffer_bytes(payload));

	check(result == RECORD_OK);
	buffer_free(payload);
}

static void drop_ranges(struct account_repair *r, uint16_t mailbox,
    const struct uid_range *ranges, size_t n)
{
	struct account_survey *s = r->survey;

	for (size_t at = 0; at < n;) {
		struct account_expunged expunged = {
			.modseq = ++s->modseq,
			.mailbox = mailbox,
			.ranges = ranges + at,
			.n = n - at < ACCOUNT_CHUNK_RANGES ? (uint32_t)(n - at) :
			    ACCOUNT_CHUNK_RANGES,
		};
		struct buffer payload = buffer_init(s->heap, LOG_RECORD_MAX);

		for (uint32_t i = 0; i < expunged.n; i++) {
			uint64_t count, bytes;

			account_state_measure(&s->state, mailbox, expunged.ranges[i], &count,
			    &bytes);
			expunged.count += count;
			expunged.bytes += bytes;
		}
		record_expunged_write(&expunged, &payload);
		apply(s, RECORD_EXPUNGED_FROM, &payload);
		r->dropped += expunged.count;
		at += expunged.n;
	}
}

/* One mailbox after the other: those of the first bad message that is left go. */
static void drop_bad(struct account_repair *r)
{
	struct account_survey *s = r->survey;
	struct uid_range *ranges = heap_alloc(s->heap, (s->n_bad + 1) * sizeof *ranges);
	uint32_t *uids = heap_alloc(s->heap, (s->n_bad + 1) * sizeof *uids);

	for (size_t i = 0; i < s->n_bad; i++)
		uids[i] = s->bad[i].uid;
	for (size_t i = 0; i < s->n_bad; i++) {
		const struct account_row *row = account_state_find(&s->state, uids[i]);
		uint16_t mailbox;

		if (row == NULL)
			continue;
		mailbox = (uint16_t)row->mailbox;
		drop_ranges(r, mailbox, ranges,
		    account_state_ranges(&s->state, mailbox, uids, s->n_bad, ranges));
	}
	heap_free(s->heap, uids);
	heap_free(s->heap, ranges);
}

/* ---- 2: messages without a record ---- */

struct bring {
	struct account_repair *repair;
	struct account_files files;     /* the pack being written */
	uint64_t end;
	uint32_t pack_next;
};

static int close_pack(struct bring *b)
{
	struct os *os = b->repair->survey->os;
	int error = 0;

	if (b->files.pack < 0)
		return 0;
	error = os_sync(os, b->files.pack);
	for (size_t i = 0; i < ACCOUNT_FOLDERS && error == 0; i++) {
		if (b->files.folders[i] >= 0)
			error = os_sync_folder(os, b->files.folders[i]);
	}
	account_files_close(os, &b->files);
	return error;
}

static int open_pack(struct bring *b)
{
	struct account_survey *s = b->repair->survey;
	int error;

	if (b->files.pack >= 0 && b->end < PACK_MAX)
		return 0;
	error = close_pack(b);
	if (error == 0)
		error = account_files_create(s->os, s->account, FILES_PACK, 0, b->pack_next,
		    &b->files);
	if (error != 0) {
		account_files_init(&b->files);
		return error;
	}
	b->pack_next = b->files.pack_number + 1;
	b->end = 0;
	return 0;
}

/* When it was received, as its topmost Received line says. */
static int64_t received_us(const struct account_repair *r, slice prefix)
{
	slice rest = slice_drop(prefix, slice_find(prefix, slice_lit("Received: ")));
	struct date date;

	slice_cut(&rest, ';');
	if (date_parse(slice_head(rest, slice_find(rest, slice_lit("\r\n"))), &date))
		return date.seconds * 1000000;
	return r->birth.created_us;
}

static int copy_entry(struct bring *b, int in, const struct survey_unnamed *unnamed,
    slice prefix, struct pack_body body)
{
	struct account_survey *s = b->repair->survey;
	struct pack_place place = { s->account, b->files.pack_number, (uint32_t)b->end };
	uint64_t checksum;              /* the survey judged it */

	return pack_copy(s->os, s->heap, in, unnamed->place, b->files.pack, place, prefix, body,
	    &checksum);
}

static void add_row(struct bring *b, slice prefix, struct pack_body body)
{
	struct account_survey *s = b->repair->survey;
	struct buffer payload = buffer_init(s->heap, LOG_RECORD_MAX);
	struct message_id id;
	struct account_row row = {
		.uid = s->uid_next++,
		.modseq = ++s->modseq,
		.key.recipient = BROUGHT_BACK,
		.received_us = account_received(received_us(b->repair, prefix)),
		.saved_s = (uint32_t)(b->repair->birth.created_us / 1000000),
		.size = (uint32_t)(prefix.len + body.size),
		.stored = (uint32_t)pack_entry_len(prefix, body),
		.pack = b->files.pack_number,
		.offset = (uint32_t)b->end,
	};

	if (survey_message_id(prefix, &id))
		row.key = account_key_of(id, BROUGHT_BACK);
	record_rows_write(&row, 1, &payload);
	apply(s, RECORD_DELIVERED, &payload);
	b->end += row.stored;
	b->repair->brought_back++;
}

static int bring_one(struct bring *b, const struct survey_unnamed *unnamed)
{
	struct account_survey *s = b->repair->survey;
	char path[ACCOUNT_PATH_MAX];
	struct pack_body body;
	slice prefix;
	int in, error;

	if (s->uid_next >= UINT32_MAX - 1 || s->state.n_rows >= ACCOUNT_MESSAGES_MAX)
		return -ENOSPC;
	account_pack_path(s->account, unnamed->place.number, path);
	in = os_open(s->os, OS_ROOT, path, OS_READ);
	if (in < 0)
		return in;
	error = pack_look(s->os, s->heap, in, unnamed->place, &prefix, &body) == PACK_OK ?
	    open_pack(b) : -EIO;
	if (error == 0) {
		error = copy_entry(b, in, unnamed, prefix, body);
		if (error == 0)
			add_row(b, prefix, body);
		heap_free(s->heap, (void *)(uintptr_t)prefix.ptr);
	}
	os_close(s->os, in);
	return error;
}

static int bring_back(struct account_repair *r)
{
	struct account_survey *s = r->survey;
	struct bring b = { .repair = r, .pack_next = s->state.head.pack_next };
	int error = 0, end;

	r->step = "copy messages without a record into a new pack";
	account_files_init(&b.files);
	if (s->n_packs > 0 && s->packs[s->n_packs - 1] >= b.pack_next)
		b.pack_next = s->packs[s->n_packs - 1] + 1;
	for (size_t i = 0; i < s->n_unnamed && error == 0; i++)
		error = bring_one(&b, &s->unnamed[i]);
	end = close_pack(&b);
	s->state.head.pack_next = b.pack_next;
	return error != 0 ? error : end;
}

/* ---- 3, 4: the new log ---- */

/* Where a UID may name another message than it did, clients must not trust what they
 * remember. */
static void renumber_doubtful(struct account_state *s)
{
	account_state_adopt(s);
	for (size_t i = 1; i < s->n_mailboxes; i++) {
		if (!s->mailboxes[i].doubtful)
			continue;
		s->mailboxes[i].uidvalidity = s->head.uidvalidity_next;
		if (s->head.uidvalidity_next < UINT32_MAX)
			s->head.uidvalidity_next++;
		s->mailboxes[i].doubtful = false;
	}
}

static int write_log(struct account_repair *r)
{
	struct account_survey *s = r->survey;
	struct account a;
	int log, error;

	r->step = "write a new log";
	account_init(&a, s->heap, s->account);
	a.state = s->state;
	account_born(&a, r->birth.uidvalidity, r->birth.created_us);
	renumber_doubtful(&a.state);
	a.state.head.damaged = false;
	a.state.head.n_chain = 0;
	if (s->bad_vanished) {
		a.state.n_vanished = 0;
		a.state.horizon = s->modseq;
	}
	if (a.state.head.modseq < s->modseq)
		a.state.head.modseq = s->modseq;
	a.modseq = a.state.head.modseq;
	a.uid_next = s->uid_next > a.state.head.uid_next ? s->uid_next : a.state.head.uid_next;
	a.removed = a.state.head.removed;
	a.uidvalidity_next = a.state.head.uidvalidity_next;
	a.log_next = s->n_logs > 0 ? s->logs[s->n_logs - 1] + 1 : 1;
	/* No pack goes: pack 0 is below all. */
	error = account_rebase(s->os, &a, &r->birth, 0, &log);
	if (error == 0)
		os_close(s->os, log);
	return error;
}

static int remove_logs(struct account_repair *r)
{
	struct account_survey *s = r->survey;
	char path[ACCOUNT_PATH_MAX];
	int error = 0, folder;

	r->step = "clear away the old logs";
	for (size_t i = 0; i < s->n_logs && error == 0; i++) {
		account_log_path(s->account, s->logs[i], path);
		error = os_unlink(s->os, OS_ROOT, path);
		if (error == -ENOENT)
			error = 0;
	}
	if (error != 0)
		return error;
	account_folder_path(s->account, path);
	folder = os_open(s->os, OS_ROOT, path, OS_READ | OS_FOLDER);
	if (folder < 0)
		return folder;
	error = os_sync_folder(s->os, folder);
	os_close(s->os, folder);
	return error;
}

int account_repair(struct account_repair *r)
{
	int error = keep_logs(r);

	check(!r->survey->newer && !r->survey->failed);
	if (error == 0)
		error = keep_messages(r);
	if (error == 0) {
		drop_bad(r);
		error = bring_back(r);
	}
	if (error == 0)
		error = write_log(r);
	if (error == 0)
		error = remove_logs(r);
	return error;
}
