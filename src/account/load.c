/* account/load.c - an account from its files.
 *
 *   newest file down to the first with a HEAD -> narrow state, kept changes
 *   then, for the rows, the chain that HEAD names -> full state
 *
 * A newest file without a HEAD is what a crash left of a segment that was never
 * synced, or a damaged one; likewise what stands behind the last whole record. We
 * can't tell, so no UID is given out that it may have held. */
#include "account/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "account/slot.h"
#include "base/check.h"

void account_note(struct account_notes *notes, const char *format, ...)
{
	va_list args;

	if (notes->n < ACCOUNT_NOTES_MAX) {
		va_start(args, format);
		vsnprintf(notes->lines[notes->n].text, sizeof notes->lines[0].text, format, args);
		va_end(args);
	}
	notes->n++;
}

/* A record that waits for a mark that calls it synced. */
struct held {
	uint8_t type;
	uint32_t offset;
	slice payload;                  /* owned */
};

struct load {
	struct os *os;
	struct account *account;
	struct account_notes *notes;
	struct segment_reader reader;
	uint32_t number;
	struct held *held;
	size_t n_held, held_capacity;
	uint64_t lost;                  /* UIDs that damage may have used up */
	bool hurt;                      /* the head of a file is damaged, not missing */
	bool based;                     /* there is a base: the account is not new */
	uint32_t keys;
};

static void note_damage(struct load *l, uint32_t from, uint32_t to)
{
	char path[ACCOUNT_PATH_MAX];

	account_log_path(l->account->state.head.account, l->number, path);
	account_note(l->notes, "%s: bytes %u to %u are damaged and set aside", path, from, to);
	l->account->state.head.damaged = true;
	l->lost += (to - from) / RECORD_DELIVERED_MIN + 1;
}

static void hold(struct load *l, const struct log_record *record)
{
	struct heap *heap = l->account->heap;
	unsigned char *copy = heap_alloc(heap, record->payload.len + 1);

	if (l->n_held == l->held_capacity) {
		l->held_capacity = l->held_capacity == 0 ? 16 : l->held_capacity * 2;
		l->held = heap_resize(heap, l->held, l->held_capacity * sizeof *l->held);
	}
	if (record->payload.len > 0)
		memcpy(copy, record->payload.ptr, record->payload.len);
	l->held[l->n_held++] = (struct held){
		record->type, record->offset, slice_of(copy, record->payload.len),
	};
}

static void drop_held(struct load *l, size_t n)
{
	for (size_t i = 0; i < n; i++)
		heap_free(l->account->heap, (void *)(uintptr_t)l->held[i].payload.ptr);
	l->n_held -= n;
	if (l->n_held > 0)
		memmove(l->held, l->held + n, l->n_held * sizeof *l->held);
}

static enum account_load_result apply(struct load *l, struct account_state *state, uint8_t type,
    slice payload, uint32_t offset)
{
	char path[ACCOUNT_PATH_MAX];

	switch (account_state_apply(state, type, payload)) {
	case RECORD_OK:
		if (type == RECORD_DELIVERED || type == RECORD_COPIED)
			l->lost = 0;    /* its uid stands above what was lost before */
		return ACCOUNT_LOADED;
	case RECORD_NEWER:
		return ACCOUNT_NEWER;
	case RECORD_BAD:
		break;
	}
	account_log_path(state->head.account, l->number, path);
	account_note(l->notes, "%s: the record at %u does not fit what stands before it", path,
	    offset);
	l->account->state.head.damaged = true;
	return ACCOUNT_LOADED;
}

/* Apply what the marks read so far call synced. */
static enum account_load_result apply_synced(struct load *l)
{
	enum account_load_result result = ACCOUNT_LOADED;
	size_t n = 0;

	for (; n < l->n_held && l->held[n].offset < l->reader.log.synced_to &&
	    result == ACCOUNT_LOADED; n++)
		result = apply(l, &l->account->state, l->held[n].type, l->held[n].payload,
		    l->held[n].offset);
	l->account->tail_records += (uint32_t)n;
	drop_held(l, n);
	return result;
}

/* A file whose head can't be read: one that was being made when all went dark, or
 * damaged? */
static bool is_hurt(struct load *l)
{
	unsigned char block[LOG_BLOCK];
	char path[ACCOUNT_PATH_MAX];
	bool synced = false;
	ssize_t n = 0;
	int fd;

	account_log_path(l->account->state.head.account, l->number, path);
	fd = os_open(l->os, OS_ROOT, path, OS_READ);
	if (fd < 0)
		return false;
	for (uint64_t at = 2 * LOG_BLOCK; !synced && at < LOG_SEGMENT_MAX; at += LOG_BLOCK) {
		n = os_pread(l->os, fd, block, sizeof block, at);
		if (n <= 0)
			break;
		synced = log_says_synced(slice_of(block, (size_t)n), (uint32_t)at);
	}
	os_close(l->os, fd);
	return synced;
}

/* HEAD and KEYS, which stand first. False: the segment never became whole. */
static bool read_beginning(struct load *l, enum account_load_result *ret_result)
{
	struct account *a = l->account;
	uint32_t from, to;
	struct log_record record;

	*ret_result = ACCOUNT_LOADED;
	do {
		uint8_t want = a->state.head.uidvalidity == 0 ? RECORD_HEAD : RECORD_KEYS;

		switch (segment_next(&l->reader, &record, &from, &to)) {
		case SEGMENT_RECORD:
			break;
		case SEGMENT_END:
			return false;
		case SEGMENT_ROT:
			note_damage(l, from, to);
			*ret_result = ACCOUNT_DAMAGED;
			return true;
		case SEGMENT_FAILED:
			*ret_result = ACCOUNT_IO;
			return true;
		}
		/* A base counts only when a HEAD names it. */
		l->based = l->based || record.type == RECORD_BASE ||
		    record.type == RECORD_VANISHED;
		if (record.type != want)
			return false;
		*ret_result = apply(l, &a->state, record.type, record.payload, record.offset);
	} while (*ret_result == ACCOUNT_LOADED && a->state.head.uidvalidity != 0 &&
	    a->state.keys.n < a->state.head.n_keys);
	if (a->state.head.uidvalidity == 0)
		*ret_result = ACCOUNT_DAMAGED;
	return true;
}

static enum account_load_result read_tail(struct load *l)
{
	enum account_load_result result = ACCOUNT_LOADED;
	struct log_record record;
	uint32_t from, to;

	while (result == ACCOUNT_LOADED) {
		switch (segment_next(&l->reader, &record, &from, &to)) {
		case SEGMENT_RECORD:
			hold(l, &record);
			result = apply_synced(l);
			break;
		case SEGMENT_ROT:
			result = apply_synced(l);
			note_damage(l, from, to);
			break;
		case SEGMENT_FAILED:
			return ACCOUNT_IO;
		case SEGMENT_END:
			return apply_synced(l);
		}
	}
	return result;
}

/* The newest segment was read: what is durable of it, and what is kept. */
static void finish_head(struct load *l)
{
	struct account *a = l->account;
	struct log_reader *log = &l->reader.log;
	struct account_head *head = &a->state.head;

	a->segment = (struct account_segment){ l->number, log->head.generation, log->synced_to };
	a->tail_bytes = log->synced_to;
	a->uid_next = head->uid_next > head->uid_floor ? head->uid_next : head->uid_floor;
	a->modseq = head->modseq;
	a->removed = head->removed;
	for (size_t i = 0; i < l->n_held; i++)
		account_keep(a, l->held[i].type, l->held[i].payload);
	drop_held(l, l->n_held);
	if (head->uidvalidity_next > a->uidvalidity_next)
		a->uidvalidity_next = head->uidvalidity_next;
	a->modseq += l->lost;
	/* A copy of all messages is a short record. */
	if (l->lost > 0)
		l->lost += head->rows;
	if (l->lost < UINT32_MAX - a->uid_next)
		a->uid_next += (uint32_t)l->lost;
	else
		a->uid_next = UINT32_MAX;
}

/* How many UIDs what stands behind the last whole record may hold: a torn record that
 * nobody was told of, or a damaged one; zeros fill a batch up. */
static bool count_tail(struct load *l)
{
	unsigned char piece[LOG_BLOCK];
	int64_t size = os_size(l->os, l->reader.fd);
	uint64_t from = l->reader.log.offset, end = from;

	for (uint64_t at = from; size > 0 && at < (uint64_t)size;) {
		ssize_t got = os_pread(l->os, l->reader.fd, piece, sizeof piece, at);

		if (got < 0)
			return false;
		if (got == 0)
			break;
		for (ssize_t i = 0; i < got; i++) {
			if (piece[i] != 0)
				end = at + (uint64_t)i + 1;
		}
		at += (uint64_t)got;
	}
	if (size < 0)
		return false;
	if (end > from)
		l->lost += (end - from) / RECORD_DELIVERED_MIN + 1;
	return true;
}

/* Read l->number as the head. False: it is none; try the one before. */
static bool try_head(struct load *l, enum account_load_result *ret_result)
{
	struct account *a = l->account;
	uint64_t id = a->state.head.account;
	int64_t size;
	bool whole;

	switch (segment_open(&l->reader, l->os, a->heap, id, l->number)) {
	case SEGMENT_OPEN:
		break;
	case SEGMENT_NONE:
	case SEGMENT_DAMAGED:
		l->lost += LOG_BLOCK;   /* more than one batch of it holds */
		l->hurt = l->hurt || is_hurt(l);
		return false;
	case SEGMENT_NEWER:
		*ret_result = ACCOUNT_NEWER;
		return true;
	case SEGMENT_IO:
		*ret_result = ACCOUNT_IO;
		return true;
	}
	whole = read_beginning(l, ret_result);
	if (whole && *ret_result == ACCOUNT_LOADED)
		*ret_result = read_tail(l);
	if (whole && *ret_result == ACCOUNT_LOADED && !count_tail(l))
		*ret_result = ACCOUNT_IO;
	if (whole && *ret_result == ACCOUNT_LOADED)
		finish_head(l);
	size = os_size(l->os, l->reader.fd);
	segment_close(&l->reader);
	if (!whole) {
		l->lost += size > 0 ? (uint64_t)size / RECORD_DELIVERED_MIN : 0;
		account_state_free(&a->state);
	}
	return whole;
}

enum account_load_result account_load(struct os *os, struct account *a, bool full,
    struct account_notes *notes)
{
	struct load l = { .os = os, .account = a, .notes = notes };
	enum account_load_result result = ACCOUNT_DAMAGED;
	char folder[ACCOUNT_PATH_MAX];
	uint32_t *numbers;
	size_t n;
	bool found = false;

	account_folder_path(a->state.head.account, folder);
	if (account_list(os, a->heap, folder, ".log", &numbers, &n) < 0)
		return ACCOUNT_IO;
	a->log_next = n > 0 ? numbers[n - 1] + 1 : 1;
	for (size_t i = n; i > 0 && !found; i--) {
		l.number = numbers[i - 1];
		found = try_head(&l, &result);
	}
	/* All but those of the next HEAD's chain. */
	if (n > a->state.head.n_chain + (a->segment.end > LOG_BLOCK ? 1 : 0))
		a->strays = (uint32_t)n - a->state.head.n_chain -
		    (a->segment.end > LOG_BLOCK ? 1 : 0);
	heap_free(a->heap, numbers);
	heap_free(a->heap, l.held);
	if (found && result == ACCOUNT_LOADED && l.hurt) {
		account_note(notes, "account %016llx: the head of its newest log is damaged: it is "
		    "shown as it was before", (unsigned long long)a->state.head.account);
		a->state.head.damaged = true;
	}
	if (!found && (l.hurt || l.based)) {
		result = ACCOUNT_DAMAGED;
	} else if (!found) {
		/* Nothing ever became durable: an account that is new. */
		result = ACCOUNT_LOADED;
		a->uid_next += (uint32_t)(l.lost < UINT32_MAX / 2 ? l.lost : UINT32_MAX / 2);
	}
	if (result == ACCOUNT_LOADED && full)
		result = account_load_rows(os, a, notes);
	return result;
}

/* ---- rows ---- */

static enum account_load_result read_rows(struct load *l, struct account_state *state)
{
	enum account_load_result result = ACCOUNT_LOADED;
	struct log_record record;
	uint32_t from, to;

	while (result == ACCOUNT_LOADED) {
		switch (segment_next(&l->reader, &record, &from, &to)) {
		case SEGMENT_RECORD:
			if (record.type == RECORD_HEAD || record.type == RECORD_KEYS)
				break;
			result = apply(l, state, record.type, record.payload, record.offset);
			break;
		case SEGMENT_ROT:
			note_damage(l, from, to);
			break;
		case SEGMENT_FAILED:
			return ACCOUNT_IO;
		case SEGMENT_END:
			return ACCOUNT_LOADED;
		}
	}
	return result;
}

static enum account_load_result read_link(struct load *l, const struct account_segment *link,
    struct account_state *state)
{
	struct account *a = l->account;
	enum segment_open opened;
	enum account_load_result result;

	l->number = link->number;
	opened = segment_open(&l->reader, l->os, a->heap, state->head.account, link->number);
	if (opened == SEGMENT_IO)
		return ACCOUNT_IO;
	if (opened == SEGMENT_NEWER)
		return ACCOUNT_NEWER;
	if (opened != SEGMENT_OPEN) {
		note_damage(l, 0, link->end);
		return ACCOUNT_LOADED;
	}
	if (l->reader.log.head.generation != link->generation) {
		note_damage(l, 0, link->end);
		result = ACCOUNT_LOADED;
	} else {
		/* All of it was synced once: what is missing is damage, not a tail. */
		l->reader.log.limit = link->end;
		l->reader.log.synced_to = link->end;
		result = read_rows(l, state);
	}
	segment_close(&l->reader);
	return result;
}

/* The rows are the truth; the head may have missed what damage took. */
static void adopt_rows(struct load *l, struct account_state *full)
{
	struct account *a = l->account;
	struct account_state *s = &a->state;
	size_t made;

	if (s->head.count != full->head.count || s->head.bytes != full->head.bytes) {
		account_note(l->notes, "account %016llx: %llu messages are named, %llu are there",
		    (unsigned long long)s->head.account, (unsigned long long)s->head.count,
		    (unsigned long long)full->head.count);
		s->head.damaged = true;
	}
	s->head.count = full->head.count;
	s->head.bytes = full->head.bytes;
	s->head.rows = full->head.rows;
	s->full = true;
	s->rows = full->rows;
	s->n_rows = full->n_rows;
	s->rows_capacity = full->rows_capacity;
	s->vanished = full->vanished;
	s->n_vanished = full->n_vanished;
	s->vanished_capacity = full->vanished_capacity;
	s->horizon = full->horizon;
	state_mailboxes_free(s);
	s->mailboxes = full->mailboxes;
	s->n_mailboxes = full->n_mailboxes;
	s->mailboxes_capacity = full->mailboxes_capacity;
	memcpy(s->keywords, full->keywords, sizeof s->keywords);
	if (full->head.uidvalidity_next > s->head.uidvalidity_next)
		s->head.uidvalidity_next = full->head.uidvalidity_next;
	made = account_state_adopt(s);
	if (made > 0) {
		account_note(l->notes, "account %016llx: the records of %zu mailboxes are lost: "
		    "they are \"Recovered N\" now", (unsigned long long)s->head.account, made);
		s->head.damaged = true;
	}
	if (s->head.uidvalidity_next > a->uidvalidity_next)
		a->uidvalidity_next = s->head.uidvalidity_next;
	key_set_free(&full->keys);
}

enum account_load_result account_load_rows(struct os *os, struct account *a,
    struct account_notes *notes)
{
	struct load l = { .os = os, .account = a, .notes = notes };
	struct account_head *head = &a->state.head;
	enum account_load_result result = ACCOUNT_LOADED;
	struct account_state full;

	check(!a->state.full);
	account_state_init(&full, a->heap, head->account);
	full.full = true;
	for (uint32_t i = 0; i < head->n_chain && result == ACCOUNT_LOADED; i++)
		result = read_link(&l, &head->chain[i], &full);
	if (result == ACCOUNT_LOADED && a->segment.end > LOG_BLOCK)
		result = read_link(&l, &a->segment, &full);
	if (result == ACCOUNT_LOADED)
		adopt_rows(&l, &full);
	else
		account_state_free(&full);
	return result;
}
