/* account/trim.c - INBOX's oldest messages go, those too whose record is still a change.
 *
 * What is there once all changes are made is walked from its oldest: durable rows, then
 * the rows of changes, without those that a change expunges. All that goes is at the
 * front, so it is one range of UIDs. */
#include "account/account.h"

#include "base/check.h"

struct trim {
	const struct account *account;
	size_t expunged_from, expunged_to;      /* changes that take messages of INBOX are among
	                                         * these: one session makes them, so they are
	                                         * neighbours */
	uint64_t excess;                /* so many go, however young */
	int64_t before_us;              /* and these, however few */
	struct uid_range uids;
	uint64_t count, bytes;
};

/* A change that takes messages out of INBOX: by expunging or by moving them. `in` stands
 * before its ranges then. */
static bool takes(const struct account_change *change, struct bytes *in, uint32_t *ret_ranges,
    uint64_t *ret_count)
{
	struct account_expunged expunged;
	struct account_copied copied;

	*in = bytes_init(change->payload);
	switch (change->type) {
	case RECORD_EXPUNGED:
	case RECORD_EXPUNGED_FROM:
		if (!record_expunged_begin(change->type, in, &expunged) ||
		    expunged.mailbox != ACCOUNT_INBOX)
			return false;
		*ret_ranges = expunged.n;
		*ret_count = expunged.count;
		return true;
	case RECORD_COPIED:
		if (!record_copied_begin(in, &copied) || !copied.move ||
		    copied.from != ACCOUNT_INBOX || copied.to == ACCOUNT_INBOX)
			return false;
		*ret_ranges = copied.n;
		*ret_count = copied.count;
		return true;
	}
	return false;
}

static bool is_expunged(const struct trim *t, uint32_t uid)
{
	const struct account *a = t->account;

	for (size_t i = t->expunged_from; i < t->expunged_to; i++) {
		struct bytes in;
		uint32_t ranges;
		uint64_t count;

		if (!takes(&a->changes[i], &in, &ranges, &count))
			continue;
		for (uint32_t n = 0; n < ranges; n++) {
			struct uid_range range = get_uid_range(&in);

			if (range.first <= uid && uid <= range.last)
				return true;
		}
	}
	return false;
}

/* Messages of INBOX that are there after all changes. */
static uint64_t count_all(struct trim *t)
{
	const struct account *a = t->account;
	uint64_t count = a->state.mailboxes[0].messages;

	for (size_t i = 0; i < a->n_changes; i++) {
		struct bytes in = bytes_init(a->changes[i].payload);
		uint64_t gone;
		uint32_t n;

		if (a->changes[i].type == RECORD_DELIVERED &&
		    record_list_begin(&in, RECORD_ROW_LEN, &n)) {
			for (uint32_t at = 0; at < n; at++)
				count += get_account_row(&in).mailbox == ACCOUNT_INBOX;
		}
		if (!takes(&a->changes[i], &in, &n, &gone))
			continue;
		count -= gone < count ? gone : count;
		if (t->expunged_to == 0)
			t->expunged_from = i;
		t->expunged_to = i + 1;
	}
	return count;
}

/* False: this one stays, and all behind it. */
static bool take(struct trim *t, const struct account_row *row)
{
	if (row->mailbox != ACCOUNT_INBOX || is_expunged(t, row->uid))
		return true;
	if (t->count >= t->excess && row->received_us >= t->before_us)
		return false;
	if (t->count == 0)
		t->uids.first = row->uid;
	t->uids.last = row->uid;
	t->count++;
	t->bytes += row->size;
	return true;
}

static void walk(struct trim *t)
{
	const struct account *a = t->account;

	for (size_t i = 0; i < a->state.n_rows; i++) {
		if (!take(t, &a->state.rows[i]))
			return;
	}
	for (size_t i = 0; i < a->n_changes; i++) {
		struct bytes in = bytes_init(a->changes[i].payload);
		uint32_t n;

		if (a->changes[i].type != RECORD_DELIVERED ||
		    !record_list_begin(&in, RECORD_ROW_LEN, &n))
			continue;
		for (uint32_t at = 0; at < n; at++) {
			struct account_row row = get_account_row(&in);

			if (!take(t, &row))
				return;
		}
	}
}

static void expunge(struct account *a, const struct trim *t)
{
	struct account_expunged expunged = { .modseq = ++a->modseq, .count = t->count,
	    .bytes = t->bytes, .ranges = &t->uids, .n = 1, .mailbox = ACCOUNT_INBOX };
	struct buffer payload = buffer_init(a->heap, LOG_RECORD_MAX);

	record_expunged_write(&expunged, &payload);
	account_add_change(a, RECORD_EXPUNGED_FROM, &payload);
}

uint64_t account_trim(struct account *a, uint64_t keep, int64_t before_us)
{
	struct trim t = { .account = a, .before_us = before_us };
	uint64_t count;

	if (a->removed)
		return 0;
	check(a->state.full);
	count = count_all(&t);
	t.excess = keep > 0 && count > keep ? count - keep : 0;
	walk(&t);
	if (t.count > 0)
		expunge(a, &t);
	return t.count;
}
