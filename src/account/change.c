/* account/change.c - changes to messages: their flags, copies of them, and that they go. */
#include <stdlib.h>

#include "account/account.h"
#include "base/check.h"

/* The ranges of n uids of a mailbox, in memory of the account's heap. */
static struct uid_range *ranges_of(struct account *a, uint16_t mailbox, const uint32_t *uids,
    size_t n, size_t *ret_n)
{
	struct uid_range *ranges = heap_alloc(a->heap, (n + 1) * sizeof *ranges);

	check(a->state.full);
	*ret_n = account_state_ranges(&a->state, mailbox, uids, n, ranges);
	return ranges;
}

static void measure(const struct account *a, uint16_t mailbox, const struct uid_range *ranges,
    size_t n, uint64_t *ret_count, uint64_t *ret_bytes)
{
	*ret_count = *ret_bytes = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t count, bytes;

		account_state_measure(&a->state, mailbox, ranges[i], &count, &bytes);
		*ret_count += count;
		*ret_bytes += bytes;
	}
}

static struct buffer payload_buffer(struct account *a)
{
	return buffer_init(a->heap, LOG_RECORD_MAX);
}

/* ---- what goes ---- */

uint64_t account_expunge_ranges(struct account *a, uint16_t mailbox,
    const struct uid_range *ranges, uint32_t n, uint64_t count, uint64_t bytes, uint32_t saved_s)
{
	struct buffer payload = payload_buffer(a);

	/* Without room for its UIDs a graveyard gets nothing more. */
	if (saved_s != 0 && !is_graveyard(mailbox) && count < UINT32_MAX - a->uid_next) {
		struct account_copied copied = { .modseq = ++a->modseq, .from = mailbox,
			.to = mailbox | ACCOUNT_GRAVEYARD, .move = true,
			.uid_first = a->uid_next, .saved_s = saved_s, .count = count,
			.bytes = bytes, .ranges = ranges, .n = n };

		a->uid_next += (uint32_t)count;
		record_copied_write(&copied, &payload);
		account_add_change(a, RECORD_COPIED, &payload);
	} else {
		struct account_expunged expunged = { .modseq = ++a->modseq, .mailbox = mailbox,
			.count = count, .bytes = bytes, .ranges = ranges, .n = n };

		record_expunged_write(&expunged, &payload);
		account_add_change(a, RECORD_EXPUNGED_FROM, &payload);
	}
	return count;
}

uint64_t account_expunge(struct account *a, uint16_t mailbox, const uint32_t *uids, size_t n,
    uint32_t saved_s)
{
	uint64_t messages = 0;
	size_t n_ranges;
	struct uid_range *ranges = ranges_of(a, mailbox, uids, n, &n_ranges);

	for (size_t at = 0; at < n_ranges;) {
		size_t left = n_ranges - at;
		uint32_t some = left < ACCOUNT_CHUNK_RANGES ? (uint32_t)left :
		    ACCOUNT_CHUNK_RANGES;
		uint64_t count, bytes;

		measure(a, mailbox, ranges + at, some, &count, &bytes);
		messages += account_expunge_ranges(a, mailbox, ranges + at, some, count, bytes,
		    saved_s);
		at += some;
	}
	heap_free(a->heap, ranges);
	return messages;
}

/* A message to purge. */
struct buried {
	uint16_t mailbox;
	uint32_t uid;
};

static int by_mailbox(const void *a, const void *b)
{
	const struct buried *x = a, *y = b;

	if (x->mailbox != y->mailbox)
		return x->mailbox < y->mailbox ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

uint64_t account_purge(struct account *a, uint32_t before_s)
{
	const struct account_state *s = &a->state;
	struct buried *buried = NULL;
	size_t n = 0, capacity = 0, from;
	uint64_t messages = 0;
	uint32_t *uids;

	check(s->full);
	for (size_t i = 0; i < s->n_rows; i++) {
		if (!is_graveyard(s->rows[i].mailbox) || s->rows[i].saved_s >= before_s)
			continue;
		buried = account_state_grow(a->heap, buried, n, &capacity, sizeof *buried);
		buried[n++] = (struct buried){ s->rows[i].mailbox, s->rows[i].uid };
	}
	if (n == 0)
		return 0;
	qsort(buried, n, sizeof *buried, by_mailbox);
	uids = heap_alloc(a->heap, n * sizeof *uids);
	for (size_t i = 0; i < n; i++)
		uids[i] = buried[i].uid;
	for (from = 0; from < n;) {
		size_t to = from;

		while (to < n && buried[to].mailbox == buried[from].mailbox)
			to++;
		messages += account_expunge(a, buried[from].mailbox, uids + from, to - from, 0);
		from = to;
	}
	heap_free(a->heap, uids);
	heap_free(a->heap, buried);
	return messages;
}

/* ---- flags ---- */

static bool would_change(const struct account_row *row, enum account_flag_op op, uint64_t bits)
{
	return op == FLAGS_ADD ? (row->flags & bits) != bits :
	    op == FLAGS_REMOVE ? (row->flags & bits) != 0 : row->flags != bits;
}

static uint64_t count_changes(const struct account *a, uint16_t mailbox,
    const struct uid_range *range, enum account_flag_op op, uint64_t bits)
{
	const struct account_state *s = &a->state;
	uint64_t n = 0;

	for (size_t i = account_state_lower(s, range->first);
	    i < s->n_rows && s->rows[i].uid <= range->last; i++)
		n += s->rows[i].mailbox == mailbox && would_change(&s->rows[i], op, bits);
	return n;
}

uint64_t account_flag(struct account *a, uint16_t mailbox, enum account_flag_op op,
    uint64_t bits, const uint32_t *uids, size_t n)
{
	size_t n_ranges;
	struct uid_range *ranges = ranges_of(a, mailbox, uids, n, &n_ranges);
	uint64_t changes = 0;

	check((bits & ~ACCOUNT_FLAGS) == 0 && op < FLAG_OPS && !is_graveyard(mailbox));
	for (size_t i = 0; i < n_ranges; i++)
		changes += count_changes(a, mailbox, &ranges[i], op, bits);
	for (size_t at = 0; at < n_ranges && changes > 0;) {
		size_t left = n_ranges - at;
		struct account_flagged flagged = { .modseq = ++a->modseq, .mailbox = mailbox,
			.op = op, .bits = bits, .ranges = ranges + at,
			.n = left < ACCOUNT_CHUNK_RANGES ? (uint32_t)left :
			    ACCOUNT_CHUNK_RANGES };
		struct buffer payload = payload_buffer(a);

		record_flags_write(&flagged, &payload);
		account_add_change(a, RECORD_FLAGS, &payload);
		at += flagged.n;
	}
	heap_free(a->heap, ranges);
	return changes;
}

/* ---- copies ---- */

/* Is there room for so many more rows and UIDs, with what waits? */
static bool has_room(const struct account *a, uint64_t count, bool move)
{
	uint64_t rows = a->state.head.rows + a->rows_more + a->n_changes + (move ? 0 : count);

	return rows <= ACCOUNT_MESSAGES_MAX && count < UINT32_MAX - a->uid_next;
}

enum account_answer account_copy(struct account *a, uint16_t from, uint16_t to,
    const uint32_t *uids, size_t n, bool move, uint32_t saved_s, uint32_t *ret_uid_first,
    uint64_t *ret_count)
{
	struct account_copied copied = { .from = from, .to = to, .move = move,
		.uid_first = a->uid_next, .saved_s = saved_s };
	enum account_answer answer = ACCOUNT_CHANGED;
	struct uid_range *ranges;
	struct buffer payload;
	size_t n_ranges;

	*ret_count = 0;
	*ret_uid_first = 0;
	if (is_graveyard(to) || !account_has_mailbox(a, to))
		return ACCOUNT_MISSING;
	ranges = ranges_of(a, from, uids, n, &n_ranges);
	measure(a, from, ranges, n_ranges, &copied.count, &copied.bytes);
	if (n_ranges == 0)
		answer = ACCOUNT_UNCHANGED;
	else if (n_ranges > ACCOUNT_CHUNK_RANGES)
		answer = ACCOUNT_SCATTERED;
	else if (!has_room(a, copied.count, move))
		answer = ACCOUNT_NO_ROOM;
	if (answer == ACCOUNT_CHANGED) {
		copied.modseq = ++a->modseq;
		copied.ranges = ranges;
		copied.n = (uint32_t)n_ranges;
		a->uid_next += (uint32_t)copied.count;
		payload = payload_buffer(a);
		record_copied_write(&copied, &payload);
		account_add_change(a, RECORD_COPIED, &payload);
		*ret_uid_first = copied.uid_first;
		*ret_count = copied.count;
	}
	heap_free(a->heap, ranges);
	return answer;
}
