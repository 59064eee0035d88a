/* account/state_change.c - messages change, multiply and go: FLAGS, COPIED, EXPUNGED_FROM. */
#include <string.h>

#include "account/state.h"
#include "base/check.h"

/* Ascending ranges, in memory of the state's heap; NULL: they are not. */
static struct uid_range *read_ranges(struct account_state *s, struct bytes *in, uint32_t n)
{
	struct uid_range *ranges = heap_alloc(s->heap, n * sizeof *ranges);
	uint32_t before = 0;

	for (uint32_t i = 0; i < n; i++) {
		ranges[i] = get_uid_range(in);
		if (ranges[i].first <= before || ranges[i].last < ranges[i].first) {
			heap_free(s->heap, ranges);
			return NULL;
		}
		before = ranges[i].last;
	}
	return ranges;
}

/* Walks rows of a mailbox that lie in ranges, both ascending. */
struct walk {
	struct account_state *state;
	const struct uid_range *ranges;
	uint32_t n, r;
	uint16_t mailbox;
	size_t i, end;                  /* the next row; where the walk ends */
};

static struct walk walk_init(struct account_state *s, uint16_t mailbox,
    const struct uid_range *ranges, uint32_t n)
{
	return (struct walk){ .state = s, .ranges = ranges, .n = n, .mailbox = mailbox,
		.i = account_state_lower(s, ranges[0].first), .end = s->n_rows };
}

/* Is the row of a walk meant? Asked of ascending rows. */
static bool is_meant(struct walk *w, const struct account_row *row)
{
	while (w->r < w->n && w->ranges[w->r].last < row->uid)
		w->r++;
	return w->r < w->n && w->ranges[w->r].first <= row->uid && row->mailbox == w->mailbox;
}

/* The index of the next one, below `end`; `end`: there is no more. */
static size_t walk_next(struct walk *w)
{
	while (w->i < w->end && w->r < w->n) {
		if (is_meant(w, &w->state->rows[w->i]))
			return w->i++;
		w->i++;
	}
	return w->end;
}

static void raise_modseq(struct account_state *s, uint64_t modseq)
{
	if (modseq > s->head.modseq)
		s->head.modseq = modseq;
}

/* A mailbox has changed; a graveyard's changes are nobody's business. */
static void touch(struct account_state *s, uint16_t mailbox, uint64_t modseq)
{
	struct account_mailbox *m = account_mailbox(s, mailbox);

	if (m != NULL && !is_graveyard(mailbox) && modseq > m->highest_modseq)
		m->highest_modseq = modseq;
}

/* ---- flags ---- */

static uint64_t flags_after(const struct account_flagged *f, uint64_t flags)
{
	switch (f->op) {
	case FLAGS_ADD:
		return flags | f->bits;
	case FLAGS_REMOVE:
		return flags & ~f->bits;
	case FLAGS_SET:
	case FLAG_OPS:
		break;
	}
	return f->bits;
}

enum record_result state_apply_flags(struct account_state *s, slice payload)
{
	struct bytes in = bytes_init(payload);
	struct account_flagged f;
	struct uid_range *ranges;
	struct walk w;
	size_t i;

	if (!record_flags_begin(&in, &f) || is_graveyard(f.mailbox))
		return RECORD_BAD;
	ranges = read_ranges(s, &in, f.n);
	if (ranges == NULL)
		return RECORD_BAD;
	raise_modseq(s, f.modseq);
	if (s->full) {
		w = walk_init(s, f.mailbox, ranges, f.n);
		while ((i = walk_next(&w)) < w.end) {
			struct account_row *row = &s->rows[i];
			uint64_t after = flags_after(&f, row->flags);

			if (row->flags == after)
				continue;
			state_uncount_row(s, row);
			row->flags = after & ACCOUNT_FLAGS;
			row->modseq = f.modseq;
			state_count_row(s, row);
		}
	}
	heap_free(s->heap, ranges);
	return RECORD_OK;
}

/* ---- what goes ---- */

/* One pass over the rows from the first range on, up to `end`; what stands behind moves
 * up. Counts are taken. */
static void drop_rows(struct account_state *s, uint16_t mailbox, const struct uid_range *ranges,
    uint32_t n, size_t end)
{
	struct walk w = walk_init(s, mailbox, ranges, n);
	size_t kept = w.i;

	for (size_t i = w.i; i < end; i++) {
		if (is_meant(&w, &s->rows[i]))
			state_uncount_row(s, &s->rows[i]);
		else
			s->rows[kept++] = s->rows[i];
	}
	if (end < s->n_rows)
		memmove(s->rows + kept, s->rows + end, (s->n_rows - end) * sizeof *s->rows);
	s->n_rows -= end - kept;
}

static void vanish(struct account_state *s, uint16_t mailbox, const struct uid_range *ranges,
    uint32_t n, uint64_t modseq)
{
	if (is_graveyard(mailbox))
		return;         /* they did when they came there */
	for (uint32_t i = 0; i < n; i++)
		state_add_vanished(s, (struct account_vanished){ ranges[i], modseq, mailbox });
	touch(s, mailbox, modseq);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* More than there is: what a record names was in one that is damaged. */
static void count_down(uint64_t *counter, uint64_t by)
{
	*counter -= least(by, *counter);
}

enum record_result state_apply_expunged(struct account_state *s, uint8_t type, slice payload)
{
	struct bytes in = bytes_init(payload);
	struct account_expunged expunged;
	struct uid_range *ranges;

	if (!record_expunged_begin(type, &in, &expunged))
		return RECORD_BAD;
	ranges = read_ranges(s, &in, expunged.n);
	if (ranges == NULL)
		return RECORD_BAD;
	if (!is_graveyard(expunged.mailbox)) {
		count_down(&s->head.count, expunged.count);
		count_down(&s->head.bytes, expunged.bytes);
	}
	count_down(&s->head.rows, expunged.count);
	raise_modseq(s, expunged.modseq);
	if (s->full) {
		drop_rows(s, expunged.mailbox, ranges, expunged.n, s->n_rows);
		vanish(s, expunged.mailbox, ranges, expunged.n, expunged.modseq);
		state_mailboxes_sweep(s);
	}
	heap_free(s->heap, ranges);
	return RECORD_OK;
}

/* ---- copies ---- */

/* Does it fit what is there? A graveyard takes what its own mailbox loses. */
static bool fits(const struct account_state *s, const struct account_copied *c)
{
	uint64_t more = c->move ? 0 : c->count;

	if (is_graveyard(c->to) && (!c->move || c->to != (c->from | ACCOUNT_GRAVEYARD) ||
	    is_graveyard(c->from)))
		return false;
	return c->uid_first >= s->head.uid_next && more <= ACCOUNT_MESSAGES_MAX &&
	    s->head.rows + more <= ACCOUNT_MESSAGES_MAX &&
	    (!s->full || s->n_rows + more <= ACCOUNT_MESSAGES_MAX);
}

static void count_copied(struct account_head *head, const struct account_copied *c)
{
	bool gone = c->move && !is_graveyard(c->from);

	head->uid_next = c->uid_first + (uint32_t)c->count;
	if (!c->move)
		head->rows += c->count;
	if (gone) {
		count_down(&head->count, c->count);
		count_down(&head->bytes, c->bytes);
	}
	if (!is_graveyard(c->to)) {
		head->count += c->count;
		head->bytes += c->bytes;
	}
}

/* The copies stand behind all rows before the old ones go: no second array is needed. */
static void copy_rows(struct account_state *s, const struct account_copied *c,
    const struct uid_range *ranges)
{
	size_t before = s->n_rows, i;
	struct walk w = walk_init(s, c->from, ranges, c->n);

	while ((i = walk_next(&w)) < w.end && s->n_rows - before < c->count) {
		struct account_row row = s->rows[i];

		row.uid = c->uid_first + (uint32_t)(s->n_rows - before);
		row.modseq = c->modseq;
		row.mailbox = c->to;
		row.saved_s = c->saved_s;
		/* Or a client's next EXPUNGE would take what was just brought back. */
		if (is_graveyard(c->from))
			row.flags &= ~ACCOUNT_DELETED;
		state_add_row(s, row);
	}
	/* Damage took some: which of the UIDs were theirs is not known. */
	if (s->n_rows - before < c->count && account_mailbox(s, c->to) != NULL)
		account_mailbox(s, c->to)->doubtful = true;
	if (c->move) {
		drop_rows(s, c->from, ranges, c->n, before);
		vanish(s, c->from, ranges, c->n, c->modseq);
	}
	touch(s, c->to, c->modseq);
	state_mailboxes_sweep(s);
}

enum record_result state_apply_copied(struct account_state *s, slice payload)
{
	struct bytes in = bytes_init(payload);
	struct account_copied c;
	struct uid_range *ranges;

	if (!record_copied_begin(&in, &c) || !fits(s, &c))
		return RECORD_BAD;
	ranges = read_ranges(s, &in, c.n);
	if (ranges == NULL)
		return RECORD_BAD;
	count_copied(&s->head, &c);
	raise_modseq(s, c.modseq);
	if (s->full)
		copy_rows(s, &c, ranges);
	heap_free(s->heap, ranges);
	return RECORD_OK;
}
