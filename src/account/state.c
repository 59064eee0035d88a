/* account/state.c - records are applied to a state, one by one. */
#include "account/state.h"

#include <string.h>

#include "base/check.h"

enum { ROWS_FIRST = 16 };

void account_state_init(struct account_state *s, struct heap *heap, uint64_t account)
{
	*s = (struct account_state){
		.heap = heap,
		.head = { .account = account, .uid_next = 1, .pack_next = 1 },
		.keys = key_set_init(heap),
	};
	state_mailboxes_init(s);
}

void account_state_free(struct account_state *s)
{
	key_set_free(&s->keys);
	heap_free(s->heap, s->rows);
	heap_free(s->heap, s->vanished);
	state_mailboxes_free(s);
	account_state_init(s, s->heap, s->head.account);
}

void *account_state_grow(struct heap *heap, void *array, size_t n, size_t *capacity, size_t size)
{
	if (n < *capacity)
		return array;
	*capacity = *capacity == 0 ? ROWS_FIRST : *capacity * 2;
	return heap_resize(heap, array, *capacity * size);
}

void state_add_row(struct account_state *s, struct account_row row)
{
	size_t before = s->rows_capacity;

	s->rows = account_state_grow(s->heap, s->rows, s->n_rows, &s->rows_capacity,
	    sizeof *s->rows);
	if (s->rows_capacity > before && s->rows_capacity * sizeof *s->rows >= ACCOUNT_HUGE_FROM)
		heap_use_huge_pages(s->rows);
	s->rows[s->n_rows++] = row;
	state_count_row(s, &row);
}

void state_add_vanished(struct account_state *s, struct account_vanished v)
{
	if (s->n_vanished == ACCOUNT_VANISHED_MAX) {
		/* Half at once, so that this is rare. */
		size_t drop = ACCOUNT_VANISHED_MAX / 2;

		s->horizon = s->vanished[drop - 1].modseq;
		s->n_vanished -= drop;
		memmove(s->vanished, s->vanished + drop, s->n_vanished * sizeof *s->vanished);
	}
	s->vanished = account_state_grow(s->heap, s->vanished, s->n_vanished,
	    &s->vanished_capacity, sizeof *s->vanished);
	s->vanished[s->n_vanished++] = v;
}

static enum record_result apply_head(struct account_state *s, slice payload)
{
	struct account_head head;
	enum record_result result = record_head_read(payload, &head);

	if (result != RECORD_OK)
		return result;
	if (head.account != s->head.account)
		return RECORD_BAD;
	s->head = head;
	account_state_born(s);
	return RECORD_OK;
}

static enum record_result apply_keys(struct account_state *s, slice payload)
{
	struct bytes in = bytes_init(payload);
	uint32_t n;

	if (!record_list_begin(&in, RECORD_KEY_LEN, &n) || s->keys.n + n > ACCOUNT_KEYS_MAX)
		return RECORD_BAD;
	for (uint32_t i = 0; i < n; i++)
		key_set_add(&s->keys, get_account_key(&in));
	return RECORD_OK;
}

/* The first record of a base. */
static enum record_result apply_vanished(struct account_state *s, slice payload)
{
	struct bytes in = bytes_init(payload);
	struct account_mailbox *inbox;
	uint64_t account, horizon, rows;
	uint16_t version;
	uint32_t n;
	enum record_result result = record_vanished_begin(&in, &account, &horizon, &rows, &n,
	    &version);

	if (result != RECORD_OK)
		return result;
	if (!s->full || account != s->head.account || s->n_rows > 0)
		return RECORD_BAD;
	s->horizon = horizon;
	s->n_vanished = 0;
	inbox = account_mailbox(s, ACCOUNT_INBOX);
	if (version == 1 && horizon > inbox->highest_modseq)
		inbox->highest_modseq = horizon;
	for (uint32_t i = 0; i < n; i++) {
		struct account_vanished v = get_account_vanished(&in, version);

		state_add_vanished(s, v);
		/* In version 1 nothing else says what INBOX had. */
		if (version == 1 && v.uids.last >= inbox->uid_next && v.uids.last < UINT32_MAX)
			inbox->uid_next = v.uids.last + 1;
		if (version == 1 && v.modseq > inbox->highest_modseq)
			inbox->highest_modseq = v.modseq;
	}
	return RECORD_OK;
}

/* Rows that come with a base or with a delivery: uids and modseqs ascend. */
static enum record_result apply_rows(struct account_state *s, slice payload, bool delivered)
{
	struct bytes in = bytes_init(payload), again;
	uint32_t n, uid_next = s->head.uid_next;
	size_t room = ACCOUNT_MESSAGES_MAX - (s->full ? s->n_rows : 0);

	if (!record_list_begin(&in, RECORD_ROW_LEN, &n) || n > ACCOUNT_CHUNK_ROWS || n > room)
		return RECORD_BAD;
	again = in;
	for (uint32_t i = 0; i < n; i++) {
		struct account_row row = get_account_row(&again);

		if (row.uid < uid_next || row.uid == UINT32_MAX ||
		    (delivered && is_graveyard(row.mailbox)))
			return RECORD_BAD;
		uid_next = row.uid + 1;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct account_row row = get_account_row(&in);

		if (s->full)
			state_add_row(s, row);
		if (delivered)
			key_set_add(&s->keys, row.key);
		s->head.rows++;
		if (!is_graveyard(row.mailbox)) {
			s->head.count++;
			s->head.bytes += row.size;
		}
		if (row.modseq > s->head.modseq)
			s->head.modseq = row.modseq;
		if (row.pack >= s->head.pack_next)
			s->head.pack_next = row.pack + 1;
	}
	s->head.uid_next = uid_next;
	return RECORD_OK;
}

size_t account_state_lower(const struct account_state *s, uint32_t uid)
{
	size_t low = 0, high = s->n_rows;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->rows[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum record_result apply_removed(struct account_state *s, slice payload)
{
	struct bytes in = bytes_init(payload);
	uint64_t modseq = get_modseq(&in);

	if (!bytes_end(&in))
		return RECORD_BAD;
	s->head.removed = true;
	s->head.count = 0;
	s->head.bytes = 0;
	s->head.rows = 0;
	if (modseq > s->head.modseq)
		s->head.modseq = modseq;
	s->n_rows = 0;
	key_set_free(&s->keys);
	state_mailboxes_free(s);
	state_mailboxes_init(s);
	account_state_born(s);
	return RECORD_OK;
}

enum record_result account_state_apply(struct account_state *s, uint8_t type, slice payload)
{
	if (s->head.removed && type != RECORD_HEAD)
		return RECORD_BAD;
	switch (type) {
	case RECORD_HEAD:
		return apply_head(s, payload);
	case RECORD_KEYS:
		return apply_keys(s, payload);
	case RECORD_VANISHED:
		return apply_vanished(s, payload);
	case RECORD_BASE:
		return apply_rows(s, payload, false);
	case RECORD_DELIVERED:
		return apply_rows(s, payload, true);
	case RECORD_EXPUNGED:
	case RECORD_EXPUNGED_FROM:
		return state_apply_expunged(s, type, payload);
	case RECORD_REMOVED:
		return apply_removed(s, payload);
	case RECORD_MAILBOX:
		return state_apply_mailbox(s, payload);
	case RECORD_KEYWORD:
		return state_apply_keyword(s, payload);
	case RECORD_FLAGS:
		return state_apply_flags(s, payload);
	case RECORD_COPIED:
		return state_apply_copied(s, payload);
	}
	return RECORD_NEWER;
}

const struct account_row *account_state_find(const struct account_state *s, uint32_t uid)
{
	size_t at = account_state_lower(s, uid);

	check(s->full);
	return at < s->n_rows && s->rows[at].uid == uid ? &s->rows[at] : NULL;
}

size_t account_state_lower_near(const struct account_state *s, uint32_t uid, size_t *at)
{
	for (size_t i = *at; i < s->n_rows && i - *at < 2; i++) {
		if (s->rows[i].uid >= uid && (i == 0 || s->rows[i - 1].uid < uid))
			return *at = i;
	}
	return *at = account_state_lower(s, uid);
}

const struct account_row *account_state_find_near(const struct account_state *s, uint32_t uid,
    size_t *at)
{
	size_t i = account_state_lower_near(s, uid, at);

	check(s->full);
	return i < s->n_rows && s->rows[i].uid == uid ? &s->rows[i] : NULL;
}

/* Does the mailbox have none of the rows [from, to)? */
static bool has_none(const struct account_state *s, uint16_t mailbox, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (s->rows[i].mailbox == mailbox)
			return false;
	}
	return true;
}

size_t account_state_ranges(const struct account_state *s, uint16_t mailbox,
    const uint32_t *uids, size_t n, struct uid_range *ret_ranges)
{
	size_t ranges = 0, at = 0;

	check(s->full);
	for (size_t i = 0; i < n; i++) {
		size_t found = at;
		const struct account_row *row = account_state_find_near(s, uids[i], &found);

		if (row == NULL || row->mailbox != mailbox || (ranges > 0 && found <= at))
			continue;
		/* A range may span uids that nobody has, or other mailboxes. */
		if (ranges > 0 && has_none(s, mailbox, at + 1, found))
			ret_ranges[ranges - 1].last = uids[i];
		else
			ret_ranges[ranges++] = (struct uid_range){ uids[i], uids[i] };
		at = found;
	}
	return ranges;
}

void account_state_measure(const struct account_state *s, uint16_t mailbox,
    struct uid_range range, uint64_t *ret_count, uint64_t *ret_bytes)
{
	uint64_t count = 0, bytes = 0;

	check(s->full);
	for (size_t i = account_state_lower(s, range.first);
	    i < s->n_rows && s->rows[i].uid <= range.last; i++) {
		if (s->rows[i].mailbox != mailbox)
			continue;
		count++;
		bytes += s->rows[i].size;
	}
	*ret_count = count;
	*ret_bytes = bytes;
}
