/* sim/dark_hit.c - which byte turns, and what is lost with it. */
#include "sim/dark_impl.h"

#include <stdio.h>
#include <string.h>

#include "account/slot.h"
#include "account/survey.h"
#include "base/check.h"
#include "queue/entry.h"
#include "sim/sound.h"

enum { LOGS_MAX = 64 };

/* A record that is not done, or an entry of the queue: what it is of. */
struct owed {
	char path[200];
	uint32_t offset;
	slice bytes;                    /* its message, from its Return-Path on */
};

struct strike {
	struct dark *dark;
	struct station *station;
	struct chance *chance;
	struct heap *heap;              /* of this strike */
	enum dark_kind kind;
	struct log_look logs[LOGS_MAX];
	uint32_t ends[LOGS_MAX];        /* known to be synced, whatever marks say */
	size_t n_logs;
	struct owed owed[DARK_LOST_MAX];
	size_t n_owed;
	struct arena arena;
	/* DARK_ACCOUNT: */
	unsigned account;
	uint64_t id;
	struct os *os;
	const struct account_survey *survey;
};

/* ---- which logs there are ---- */

static bool is_wanted(const struct strike *s, slice path)
{
	size_t at;

	if (!slice_ends(path, slice_lit(".log")))
		return false;
	if (s->kind == DARK_QUEUE)
		return slice_starts(path, slice_lit("queue/"));
	if (s->kind == DARK_JOURNAL)
		return slice_starts(path, slice_lit("journal/"));
	if (!slice_starts(path, slice_lit("account/")))
		return false;
	at = path.len > 8 + 20 ? 8 : path.len;
	for (uint32_t i = 0; i <= s->survey->state.head.n_chain; i++) {
		char name[ACCOUNT_PATH_MAX];

		account_log_path(s->id, i < s->survey->state.head.n_chain ?
		    s->survey->state.head.chain[i].number : s->survey->head_number, name);
		if (slice_equal(slice_drop(path, at), slice_from(name)))
			return true;
	}
	return false;
}

/* One place a file: what is behind damage can't be told. */
static bool is_hit(const struct strike *s, const char *path)
{
	for (size_t i = 0; i < s->dark->n_hits; i++) {
		const struct hit *hit = &s->dark->hits[i];

		if (hit->station == s->station && !hit->repaired && (s->kind == DARK_ACCOUNT ?
		    hit->id == s->id : strcmp(hit->path, path) == 0))
			return true;
	}
	return false;
}

static void take_log(void *context, const struct sim_disk_file *file)
{
	struct strike *s = context;

	if (s->n_logs == LOGS_MAX || !is_wanted(s, slice_from(file->path)) ||
	    is_hit(s, file->path) ||
	    !log_look(file, s->heap, &s->logs[s->n_logs]))
		return;
	s->ends[s->n_logs] = 0;
	for (uint32_t i = 0; s->kind == DARK_ACCOUNT && i < s->survey->state.head.n_chain; i++) {
		if (s->survey->state.head.chain[i].number == s->logs[s->n_logs].head.number)
			s->ends[s->n_logs] = s->survey->state.head.chain[i].end;
	}
	s->n_logs++;
}

/* ---- what messages are in them ---- */

static void on_record(void *context, struct os *os, const struct journal_file *file,
    const struct log_record *record)
{
	struct strike *s = context;
	struct owed *owed = &s->owed[s->n_owed];
	char path[FINDING_PATH];
	struct journal_commit commit;
	uint64_t at = record->offset + LOG_RECORD_MIN;

	if (s->n_owed == DARK_LOST_MAX)
		return;
	arena_reset(&s->arena);
	if (!dark_read_record(file, record, &s->arena, &commit))
		return;
	journal_file_path(file, path);
	snprintf(owed->path, sizeof owed->path, "journal/%s", path);
	owed->offset = record->offset;
	if (commit.body.spool != 0) {
		at = 0;
		snprintf(path, sizeof path, "spool/%016llx",
		    (unsigned long long)commit.body.spool);
	} else if (commit.body.frames.len > 0) {
		at += (uint64_t)(commit.body.frames.ptr - record->payload.ptr);
	}
	owed->bytes = dark_read_body(os, s->heap, path, at, &commit.body, commit.sender);
	s->n_owed++;
}

static void mute(void *context, const struct finding *finding)
{
	(void)context;
	(void)finding;
}

/* ---- what a hit takes ---- */

void dark_lose(struct hit *hit, unsigned message, uint64_t accounts)
{
	for (size_t i = 0; i < hit->n_lost; i++) {
		if (hit->lost[i].message == message) {
			hit->lost[i].accounts |= accounts;
			return;
		}
	}
	if (message == 0 || hit->n_lost == DARK_LOST_MAX)
		return;
	hit->lost[hit->n_lost].message = message;
	hit->lost[hit->n_lost++].accounts = accounts;
}

static void lose_commit(struct strike *s, struct hit *hit, const struct log_look *log,
    const struct log_item *item)
{
	for (size_t i = 0; i < s->n_owed; i++) {
		if (s->owed[i].offset == item->offset && strcmp(s->owed[i].path, log->path) == 0)
			dark_lose(hit, checker_lost(s->dark->checker, UINT64_MAX,
			    s->owed[i].bytes), UINT64_MAX);
	}
}

/* The relay forgets what the router has marked as done: that is handed to it again. */
static void lose_facts(struct strike *s)
{
	unsigned first = dark_first(s->dark, s->station);

	checker_all_retold(s->dark->checker);
	for (unsigned n = 0; n < station_plan(s->station)->accounts; n++)
		checker_redelivers(s->dark->checker, first + n);
}

static void lose_rows(struct strike *s, struct hit *hit, const struct log_item *item)
{
	struct bytes in = bytes_init(item->payload);
	uint64_t bit = UINT64_C(1) << s->account;
	uint32_t n;

	if (!record_list_begin(&in, RECORD_ROW_LEN, &n))
		return;
	for (uint32_t i = 0; i < n; i++) {
		struct account_row row = get_account_row(&in);
		const struct pack_place place = { s->id, row.pack, row.offset };
		char uid[32], path[ACCOUNT_PATH_MAX];

		snprintf(uid, sizeof uid, "%u.%u", s->survey->state.head.uidvalidity, row.uid);
		account_pack_path(s->id, row.pack, path);
		dark_lose(hit, checker_row_lost(s->dark->checker, s->account, slice_from(uid),
		    dark_read_entry(s->os, s->heap, path, place, (slice){ 0 },
		    true)), bit);
		rot_row_lost(s->dark->rot, s->station, place);
	}
}

static void lose_change(struct strike *s, struct hit *hit, const struct log_item *item)
{
	switch (item->type) {
	case RECORD_BASE:
	case RECORD_DELIVERED:
		lose_rows(s, hit, item);
		break;
	case RECORD_HEAD:
	case LOG_LOOK_HEAD:
		/* UIDVALIDITY, and which files count. */
		hit->renumbers = true;
		/* fall through */
	case RECORD_KEYS:
		/* What the journal still has of them may be delivered again. */
		hit->grave = true;
		checker_redelivers(s->dark->checker, s->account);
		checker_shaken(s->dark->checker, s->account);
		break;
	case RECORD_EXPUNGED:
	case RECORD_EXPUNGED_FROM:
	case RECORD_COPIED:
	case RECORD_FLAGS:
	case RECORD_MAILBOX:
		checker_shaken(s->dark->checker, s->account);
		break;
	default:
		break;
	}
}

static bool read_entry(struct strike *s, const struct log_item *item, struct queue_entry *ret)
{
	arena_reset(&s->arena);
	return item->type == QUEUE_ENTRY && queue_entry_read(item->payload, &s->arena, ret);
}

static slice read_queued(struct strike *s, const struct queue_entry *entry)
{
	char path[64];

	snprintf(path, sizeof path, "pack/%03u.pack", entry->place.number);
	return dark_read_entry(s->os, s->heap, path, entry->place, entry->sender, false);
}

static void lose_entry(struct strike *s, struct hit *hit, const struct queue_entry *entry)
{
	slice bytes = read_queued(s, entry);
	char id[MESSAGE_ID_TEXT];
	uint64_t accounts = 0;
	unsigned number;

	message_id_print(entry->id, id);
	for (size_t i = 0; i < entry->n_recipients; i++)
		accounts |= checker_account_bit(s->dark->checker, entry->recipients[i].address);
	number = bytes.len > 0 ? checker_lost(s->dark->checker, accounts, bytes) :
	    checker_lost_by_id(s->dark->checker, accounts, slice_from(id));
	if (accounts != 0)              /* otherwise it is a report */
		dark_lose(hit, number, accounts);
}

static void lose_item(struct strike *s, struct hit *hit, const struct log_look *log,
    const struct log_item *item)
{
	struct queue_entry entry;

	switch (s->kind) {
	case DARK_JOURNAL:
		if (log->head.kind == LOG_DONE)
			lose_facts(s);
		lose_commit(s, hit, log, item);
		break;
	case DARK_ACCOUNT:
		lose_change(s, hit, item);
		break;
	case DARK_QUEUE:
		if (item->type == QUEUE_KNOWN || item->type == LOG_LOOK_HEAD)
			checker_all_retold(s->dark->checker);
		if (read_entry(s, item, &entry))
			lose_entry(s, hit, &entry);
		break;
	case DARK_PACK:
	case DARK_SPOOL:
	case DARK_KINDS:
		break;
	}
}

/* ---- the byte ---- */

/* Records that are owed come first: others are missed by nobody. */
static size_t draw_item(struct strike *s, const struct log_look *log)
{
	size_t best = chance_below(s->chance, log->n);

	for (int tries = 0; tries < 16 && s->kind == DARK_JOURNAL; tries++) {
		size_t item = chance_below(s->chance, log->n);

		for (size_t i = 0; i < s->n_owed; i++) {
			if (s->owed[i].offset == log->items[item].offset &&
			    strcmp(s->owed[i].path, log->path) == 0)
				return item;
		}
	}
	return best;
}

static void turn(void *context, const struct sim_disk_file *file)
{
	struct dark_turn *t = context;

	if (strcmp(file->path, t->path) != 0 || t->offset >= file->size)
		return;
	t->turned = sim_disk_rot(file, t->offset, t->mask) &&
	    (!t->both || sim_disk_rot(file, t->offset + LOG_BLOCK / 2, t->mask));
	sim_disk_read(file, &t->now, 1, t->offset);
}

bool dark_turn(struct station *station, struct dark_turn *t)
{
	sim_disk_each(station_host(station), turn, t);
	return t->turned;
}

static bool turn_byte(struct strike *s, const struct log_look *log,
    const struct log_item *item, struct hit *hit)
{
	bool head = item->type == LOG_LOOK_HEAD;
	uint32_t len = item->type == LOG_LOOK_MARK || head ? 40 :
	    LOG_RECORD_MIN + (uint32_t)item->payload.len;
	struct dark_turn t = { .path = log->path, .both = head,
	    .mask = (unsigned char)(1u << chance_below(s->chance, 8)) };

	t.offset = item->offset + (uint32_t)chance_below(s->chance, len);
	if (!dark_turn(s->station, &t))
		return false;
	hit->offset = t.offset;
	hit->turned = t.now;
	return true;
}

static bool hit_item(struct strike *s, size_t at, struct hit *ret)
{
	const struct log_look *log = &s->logs[at];
	size_t i = draw_item(s, log);
	const struct log_item *item = &log->items[i];
	struct hit hit = { .station = s->station, .kind = s->kind, .from = item->offset,
	    .to = item->next, .generation = log->head.generation, .account = s->account,
	    .id = s->id, .sure = log_look_sure(log, i, s->ends[at]) };

	snprintf(hit.path, sizeof hit.path, "%s", log->path);
	snprintf(hit.file, sizeof hit.file, "%s", log->path);
	if (!turn_byte(s, log, item, &hit))
		return false;
	for (size_t j = 0; j < log->n; j++) {
		if (log_look_lost(log, i, s->ends[at], j))
			lose_item(s, &hit, log, &log->items[j]);
	}
	for (size_t l = 0; l < s->n_logs && hit.renumbers; l++) {
		for (size_t j = 0; j < s->logs[l].n; j++) {
			int type = s->logs[l].items[j].type;

			if (type == RECORD_BASE || type == RECORD_DELIVERED)
				lose_rows(s, &hit, &s->logs[l].items[j]);
		}
	}
	*ret = hit;
	return true;
}

/* What was over may begin again: its end is lost, or which chain counts. */
static void retell(struct strike *s)
{
	for (size_t i = 0; i < s->n_logs; i++) {
		for (size_t j = 0; j < s->logs[i].n; j++) {
			struct queue_entry entry;

			if (read_entry(s, &s->logs[i].items[j], &entry))
				checker_retold(s->dark->checker, read_queued(s, &entry));
		}
	}
}

static bool draw_log(struct strike *s, struct hit *ret)
{
	bool hit;

	sim_disk_each(station_host(s->station), take_log, s);
	if (s->n_logs == 0)
		return false;
	hit = hit_item(s, chance_below(s->chance, s->n_logs), ret);
	if (hit && s->kind == DARK_QUEUE)
		retell(s);
	return hit;
}

/* ---- by kind ---- */

static void tell_nobody(struct finder *finder, const struct finding *finding)
{
	(void)finder;
	(void)finding;
}

static bool hit_account(struct strike *s, struct hit *ret)
{
	struct finder nobody = { tell_nobody, NULL, "account/" };
	struct account_survey survey = { .heap = s->heap, .finder = &nobody };
	unsigned n = (unsigned)chance_below(s->chance, station_plan(s->station)->accounts);
	bool hit;

	s->account = dark_first(s->dark, s->station) + n;
	s->id = survey.account = station_account_id(s->station, n);
	s->os = survey.os = sound_reader(s->station, s->dark->checker, "account");
	account_survey(&survey);
	s->survey = &survey;
	hit = survey.head_number != 0 && draw_log(s, ret);
	if (hit)
		checker_log_hit(s->dark->checker, s->account);
	sim_kill(s->os);
	return hit;
}

static bool hit_queue(struct strike *s, struct hit *ret)
{
	bool hit;

	s->os = sound_reader(s->station, s->dark->checker, "queue");
	hit = draw_log(s, ret);
	sim_kill(s->os);
	return hit;
}

static bool hit_journal(struct strike *s, struct hit *ret)
{
	const struct sound_look look = { .tell = mute, .record = on_record, .context = s };

	sound_look(s->station, s->dark->checker, &look);
	return draw_log(s, ret);
}

bool dark_hit(struct dark *dark, struct station *station, enum dark_kind kind,
    struct chance *chance, struct hit *ret)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct strike *s = heap_new(heap, struct strike);
	bool hit = false;

	check(kind < DARK_PACK);
	s->dark = dark;
	s->station = station;
	s->chance = chance;
	s->heap = heap;
	s->kind = kind;
	s->arena = arena_init(heap, 1024 * 1024);
	switch (kind) {
	case DARK_JOURNAL:
		hit = hit_journal(s, ret);
		break;
	case DARK_ACCOUNT:
		hit = hit_account(s, ret);
		break;
	case DARK_QUEUE:
		hit = hit_queue(s, ret);
		break;
	case DARK_PACK:
	case DARK_SPOOL:
	case DARK_KINDS:
		break;
	}
	heap_drop(heap);
	return hit;
}
