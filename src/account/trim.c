/* account/trim.c - the oldest messages go, those too whose record is still a change.
 *
 * What is there once all changes are made is walked from its oldest: durable rows, then
 * the rows of changes, without those that a change expunges. All that goes is at the
 * front, so it is one range of UIDs. */
#include "account/account.h"

#include "base/check.h"

struct trim {
	const struct account *account;
	size_t expunged_from, expunged_to;      /* EXPUNGED changes are among these: one
	                                         * session makes them, so they are neighbours */
	uint64_t excess;                /* so many go, however young */
	int64_t before_us;              /* and these, however few */
	struct uid_range uids;
	uint64_t count, bytes;
};

static bool is_expunged(const struct trim *t, uint32_t uid)
{
	const struct account *a = t->account;

	for (size_t i = t->expunged_from; i < t->expunged_to; i++) {
		struct bytes in = bytes_init(a->changes[i].payload);
		struct account_expunged expunged;

		if (a->changes[i].type != RECORD_EXPUNGED ||
		    !record_expunged_begin(&in, &expunged))
			continue;
		for (uint32_t n = 0; n < expunged.n; n++) {
			struct uid_range range = get_uid_range(&in);

			if (range.first <= uid && uid <= range.last)
				return true;
		}
	}
	return false;
}

/* Messages that are there after all changes. */
static uint64_t count_all(struct trim *t)
{
	const struct account *a = t->account;
	uint64_t count = a->state.head.count;

	for (size_t i = 0; i < a->n_changes; i++) {
		struct bytes in = bytes_init(a->changes[i].payload);
		struct account_expunged expunged;
		uint32_t n;

		if (a->changes[i].type == RECORD_DELIVERED &&
		    record_list_begin(&in, RECORD_ROW_LEN, &n))
			count += n;
		if (a->changes[i].type != RECORD_EXPUNGED ||
		    !record_expunged_begin(&in, &expunged))
			continue;
		count -= expunged.count < count ? expunged.count : count;
		if (t->expunged_to == 0)
			t->expunged_from = i;
		t->expunged_to = i + 1;
	}
	return count;
}

/* False: this one stays, and all behind it. */
static bool take(struct trim *t, const struct account_row *row)
{
	if (is_expunged(t, row->uid))
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

uint64_t account_trim(struct account *a, uint64_t keep, int64_t before_us)
{
	struct trim t = { .account = a, .before_us = before_us };
	uint64_t count = count_all(&t);

	if (a->removed)
		return 0;
	check(a->state.full);
	t.excess = keep > 0 && count > keep ? count - keep : 0;
	walk(&t);
	if (t.count > 0)
		account_expunge_range(a, t.uids, t.count, t.bytes);
	return t.count;
}
