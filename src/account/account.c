/* account/account.c - changes to an account, and the segment they go to. */
#include "account/account.h"

#include <string.h>

#include "base/check.h"

enum { CHANGES_FIRST = 8 };

static struct buffer payload_buffer(struct account *a)
{
	return buffer_init(a->heap, LOG_RECORD_MAX);
}

void account_init(struct account *a, struct heap *heap, uint64_t id)
{
	*a = (struct account){
		.heap = heap,
		.pending = key_set_init(heap),
		.uid_next = 1,
		.log_next = 1,
	};
	account_state_init(&a->state, heap, id);
}

/* ---- changes ---- */

/* Rows that a change adds, but for the first of a delivery: that is counted as a change. */
static uint64_t rows_of(uint8_t type, slice payload)
{
	struct bytes in = bytes_init(payload);
	struct account_copied copied;
	uint32_t n;

	if (type == RECORD_DELIVERED)
		return record_list_begin(&in, RECORD_ROW_LEN, &n) && n > 1 ? n - 1 : 0;
	return type == RECORD_COPIED && record_copied_begin(&in, &copied) && !copied.move ?
	    copied.count : 0;
}

/* Bytes that a change adds to head.bytes; what others take off counts once it is durable. */
static uint64_t bytes_of(uint8_t type, slice payload)
{
	struct bytes in = bytes_init(payload);
	struct account_copied copied;
	uint64_t bytes = 0;
	uint32_t n;

	if (type == RECORD_COPIED && record_copied_begin(&in, &copied))
		return !is_graveyard(copied.to) && (!copied.move || is_graveyard(copied.from)) ?
		    copied.bytes : 0;
	if (type != RECORD_DELIVERED || !record_list_begin(&in, RECORD_ROW_LEN, &n))
		return 0;
	for (uint32_t i = 0; i < n; i++)
		bytes += get_account_row(&in).size;
	return bytes;
}

/* Takes the memory of `payload`. */
static void add_change(struct account *a, uint8_t type, bool kept, struct buffer *payload)
{
	a->rows_more += rows_of(type, buffer_bytes(payload));
	a->bytes_more += bytes_of(type, buffer_bytes(payload));
	if (a->n_changes == a->changes_capacity) {
		a->changes_capacity = a->changes_capacity == 0 ? CHANGES_FIRST :
		    a->changes_capacity * 2;
		a->changes = heap_resize(a->heap, a->changes,
		    a->changes_capacity * sizeof *a->changes);
	}
	a->changes[a->n_changes++] = (struct account_change){
		.type = type, .kept = kept, .payload = buffer_bytes(payload),
	};
}

void account_add_change(struct account *a, uint8_t type, struct buffer *payload)
{
	add_change(a, type, false, payload);
}

enum account_deliver account_judge(const struct account *a, struct account_key key)
{
	if (a->removed)
		return ACCOUNT_REMOVED;
	if (key_set_has(&a->state.keys, key))
		return ACCOUNT_KNOWN;
	if (key_set_has(&a->pending, key))
		return ACCOUNT_PENDING;
	if (a->state.head.rows + a->rows_more + a->n_changes >= ACCOUNT_MESSAGES_MAX ||
	    a->state.keys.n + a->pending.n >= ACCOUNT_KEYS_MAX ||
	    a->uid_next == UINT32_MAX)
		return ACCOUNT_FULL;
	return ACCOUNT_ADDED;
}

void account_deliver(struct account *a, struct account_row *row)
{
	account_deliver_all(a, row, 1);
}

void account_deliver_all(struct account *a, struct account_row *rows, uint32_t n)
{
	struct buffer payload = payload_buffer(a);

	for (uint32_t i = 0; i < n; i++) {
		check(account_judge(a, rows[i].key) == ACCOUNT_ADDED);
		check(a->uid_next > 0 && !is_graveyard(rows[i].mailbox));
		rows[i].uid = a->uid_next++;
		rows[i].modseq = ++a->modseq;
		key_set_add(&a->pending, rows[i].key);
	}
	record_rows_write(rows, n, &payload);
	add_change(a, RECORD_DELIVERED, false, &payload);
}

void account_remove(struct account *a)
{
	struct buffer payload = payload_buffer(a);

	check(!a->removed);
	record_removed_write(++a->modseq, &payload);
	add_change(a, RECORD_REMOVED, false, &payload);
	a->removed = true;
}

static void raise_modseq(struct account *a, uint64_t modseq)
{
	if (modseq > a->modseq)
		a->modseq = modseq;
}

static void count_kept_rows(struct account *a, struct bytes in)
{
	uint32_t n;

	if (!record_list_begin(&in, RECORD_ROW_LEN, &n))
		return;
	for (uint32_t i = 0; i < n; i++) {
		struct account_row row = get_account_row(&in);

		if (row.uid >= a->uid_next && row.uid < UINT32_MAX)
			a->uid_next = row.uid + 1;
		raise_modseq(a, row.modseq);
		key_set_add(&a->pending, row.key);
	}
}

static void count_kept_mailboxes(struct account *a, struct bytes in)
{
	struct mailbox_entry entry;
	uint64_t modseq;
	uint32_t n;

	if (!record_mailbox_begin(&in, &modseq, &n))
		return;
	raise_modseq(a, modseq);
	for (uint32_t i = 0; i < n && get_mailbox_entry(&in, &entry); i++) {
		if (entry.uidvalidity >= a->uidvalidity_next && entry.uidvalidity < UINT32_MAX)
			a->uidvalidity_next = entry.uidvalidity + 1;
	}
}

/* What a kept record takes up: the counters stay above it. */
static void count_kept(struct account *a, uint8_t type, slice payload)
{
	struct bytes in = bytes_init(payload);
	struct account_expunged expunged;
	struct account_flagged flagged;
	struct account_copied copied;

	switch (type) {
	case RECORD_DELIVERED:
		count_kept_rows(a, in);
		break;
	case RECORD_EXPUNGED:
	case RECORD_EXPUNGED_FROM:
		if (record_expunged_begin(type, &in, &expunged))
			raise_modseq(a, expunged.modseq);
		break;
	case RECORD_FLAGS:
		if (record_flags_begin(&in, &flagged))
			raise_modseq(a, flagged.modseq);
		break;
	case RECORD_COPIED:
		if (!record_copied_begin(&in, &copied))
			break;
		raise_modseq(a, copied.modseq);
		if (copied.uid_first + (uint32_t)copied.count > a->uid_next)
			a->uid_next = copied.uid_first + (uint32_t)copied.count;
		break;
	case RECORD_MAILBOX:
		count_kept_mailboxes(a, in);
		break;
	case RECORD_REMOVED:
		a->removed = true;
		a->modseq++;
		break;
	}
}

void account_keep(struct account *a, uint8_t type, slice payload)
{
	struct buffer copy = payload_buffer(a);

	check(a->n_changes == 0 || a->changes[a->n_changes - 1].kept);
	buffer_add(&copy, payload);
	count_kept(a, type, payload);
	add_change(a, type, true, &copy);
}

/* ---- writing ---- */

static void append(struct account *a, uint8_t type, slice payload, bool *ok)
{
	uint32_t sequence, offset;

	*ok = *ok && log_append(&a->log, type, &payload, 1, &sequence, &offset);
}

/* HEAD and KEYS of the durable state: what a narrow state begins with. */
static void append_head(struct account *a)
{
	struct key_set *keys = &a->state.keys;
	struct buffer payload = payload_buffer(a);
	bool ok = true;

	a->state.head.n_keys = (uint32_t)keys->n;
	a->state.head.uid_floor = a->uid_next;          /* (4) */
	if (a->uidvalidity_next > a->state.head.uidvalidity_next)
		a->state.head.uidvalidity_next = a->uidvalidity_next;
	record_head_write(&a->state.head, &payload);
	append(a, RECORD_HEAD, buffer_bytes(&payload), &ok);
	for (size_t at = 0; at < keys->n;) {
		size_t left = keys->n - at;
		uint32_t n = left < ACCOUNT_CHUNK_KEYS ? (uint32_t)left : ACCOUNT_CHUNK_KEYS;

		buffer_free(&payload);
		record_keys_write(keys->keys + at, n, &payload);
		append(a, RECORD_KEYS, buffer_bytes(&payload), &ok);
		at += n;
	}
	buffer_free(&payload);
	check(ok);              /* ACCOUNT_KEYS_MAX of them are far below a segment */
}

void account_born(struct account *a, uint32_t uidvalidity, int64_t created_us)
{
	struct account_head *head = &a->state.head;

	if (head->uidvalidity != 0)
		return;
	check(uidvalidity != 0);
	head->uidvalidity = uidvalidity;
	head->created_us = created_us;
	account_state_born(&a->state);
	if (head->uidvalidity_next > a->uidvalidity_next)
		a->uidvalidity_next = head->uidvalidity_next;
}

void account_begin(struct account *a, uint32_t number, uint64_t generation,
    uint32_t uidvalidity, int64_t created_us)
{
	struct account_head *head = &a->state.head;
	struct log_head log = {
		.kind = LOG_ACCOUNT,
		.generation = generation,
		.owner = head->account,
		.number = number,
		.size = LOG_SEGMENT_MAX,
	};

	check(!a->open && !account_must_base(a));
	check(number > a->segment.number && number >= a->log_next);
	if (a->segment.end > LOG_BLOCK)
		head->chain[head->n_chain++] = a->segment;
	account_born(a, uidvalidity, created_us);
	a->segment = (struct account_segment){ .number = number, .generation = generation };
	a->log_next = number + 1;
	a->open = true;
	a->n_taken = 0;
	log_writer_init(&a->log, a->heap, &log);
	a->head_block = heap_alloc(a->heap, LOG_BLOCK);
	log_head_write(&log, a->head_block);
	append_head(a);
}

size_t account_take(struct account *a, size_t n_changes, struct account_write ret_writes[2])
{
	size_t n = 0;
	bool ok = true;

	check(a->open && n_changes <= a->n_changes);
	for (; a->n_taken < n_changes && ok; a->n_taken++)
		append(a, a->changes[a->n_taken].type, a->changes[a->n_taken].payload, &ok);
	if (!ok)
		return 0;
	ret_writes[0].bytes = log_take(&a->log, true, &ret_writes[0].offset);
	n++;
	if (a->head_block != NULL)
		ret_writes[n++] = (struct account_write){
			.bytes = slice_of(a->head_block, LOG_BLOCK),
		};
	return n;
}

/* A change that is made, or never will be. */
static void free_payload(struct account *a, struct account_change *change)
{
	a->rows_more -= rows_of(change->type, change->payload);
	a->bytes_more -= bytes_of(change->type, change->payload);
	heap_free(a->heap, (void *)(uintptr_t)change->payload.ptr);
}

static void forget_key(struct account *a, const struct account_change *change)
{
	struct bytes in = bytes_init(change->payload);
	uint32_t n;

	if (change->type != RECORD_DELIVERED || !record_list_begin(&in, RECORD_ROW_LEN, &n))
		return;
	for (uint32_t i = 0; i < n; i++)
		key_set_remove(&a->pending, get_account_row(&in).key);
}

/* The first n changes become part of the state. */
static void apply_changes(struct account *a, size_t n)
{
	struct account_state *s = &a->state;

	for (size_t i = 0; i < n; i++) {
		struct account_change *change = &a->changes[i];
		enum record_result result = account_state_apply(s, change->type, change->payload);

		/* A kept record may follow one that was damaged. */
		check(result == RECORD_OK || change->kept);
		/* What has messages and no record of its own is made up. */
		if (change->kept && s->full)
			account_state_adopt(s);
		forget_key(a, change);
		free_payload(a, change);
	}
	a->n_changes -= n;
	if (a->n_changes > 0)
		memmove(a->changes, a->changes + n, a->n_changes * sizeof *a->changes);
	check(s->head.uid_next <= a->uid_next && s->head.modseq <= a->modseq);
	if (s->head.uidvalidity_next > a->uidvalidity_next)
		a->uidvalidity_next = s->head.uidvalidity_next;
}

void account_settled(struct account *a)
{

	check(a->open);
	log_synced(&a->log, a->log.taken_to);
	log_taken_done(&a->log);
	heap_free(a->heap, a->head_block);
	a->head_block = NULL;
	a->torn = false;
	a->tail_bytes += a->log.synced_to - (a->segment.end > 0 ? a->segment.end : LOG_BLOCK);
	a->segment.end = a->log.synced_to;
	apply_changes(a, a->n_taken);
	a->tail_records += (uint32_t)a->n_taken;
	a->n_taken = 0;
}

static void drop_changes(struct account *a)
{
	size_t kept = 0;

	while (kept < a->n_changes && a->changes[kept].kept)
		kept++;
	a->removed = a->state.head.removed;
	for (size_t i = 0; i < kept; i++)
		a->removed = a->removed || a->changes[i].type == RECORD_REMOVED;
	for (size_t i = kept; i < a->n_changes; i++) {
		forget_key(a, &a->changes[i]);
		free_payload(a, &a->changes[i]);
	}
	a->n_changes = kept;
	a->n_taken = 0;
}

void account_failed(struct account *a)
{
	if (a->open) {
		a->torn = true;
		log_failed(&a->log);
		log_taken_done(&a->log);
		log_writer_finish(&a->log);
	}
	a->open = false;
	heap_free(a->heap, a->head_block);
	a->head_block = NULL;
	drop_changes(a);
}

void account_withdraw(struct account *a)
{
	check(a->n_taken == 0);
	drop_changes(a);
}

/* Segments that the next HEAD would name. */
static uint32_t chain_next(const struct account *a)
{
	return a->state.head.n_chain + (a->segment.end > LOG_BLOCK ? 1 : 0);
}

bool account_must_base(const struct account *a)
{
	return chain_next(a) > ACCOUNT_CHAIN_MAX;
}

bool account_wants_base(const struct account *a)
{
	return account_must_base(a) || chain_next(a) == ACCOUNT_CHAIN_MAX ||
	    a->tail_records > ACCOUNT_TAIL_RECORDS || a->tail_bytes > ACCOUNT_TAIL_BYTES;
}

bool account_wants_collect(const struct account *a)
{
	return a->open && a->segment.end > LOG_BLOCK && a->strays >= ACCOUNT_STRAYS_MAX;
}

void account_absorb(struct account *a)
{
	check((a->state.full || a->state.head.removed) && a->n_taken == 0);
	check(a->n_changes == 0 || a->changes[a->n_changes - 1].kept);
	apply_changes(a, a->n_changes);
}

void account_based(struct account *a, const struct account_segment *base)
{
	check(a->n_changes == 0);
	if (a->open)
		log_writer_finish(&a->log);
	a->open = false;
	a->state.head.chain[0] = *base;
	a->state.head.n_chain = base->end > 0 ? 1 : 0;
	a->segment = (struct account_segment){ 0 };
	if (base->number >= a->log_next)
		a->log_next = base->number + 1;
	a->tail_records = 0;
	a->tail_bytes = 0;
}
