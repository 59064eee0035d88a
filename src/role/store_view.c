/* role/store_view.c - mailboxes that IMAP sessions have selected.
 *
 * Each has its UIDs once for all sessions (imap/view.h), made by one look at all rows, and
 * kept up by what settles: the records of a flight say what came and what went.
 *
 * Which messages changed is asked by each session after each change: the last few changes
 * are noted, so that nobody looks through a large mailbox for one flag.
 *
 * \Recent (RFC 3501 s2.3.2) is claimed by the first session that may write and is told of a
 * message; and written once nobody has the mailbox open: a crash in between makes a message
 * \Recent twice. */
#include "base/check.h"
#include "role/store_imap.h"

enum { NO_MAILBOX = UINT16_MAX };       /* no message is ever in one of that number */

/* ---- life ---- */

static struct box_view *find(const struct box *box, unsigned number)
{
	list_for(at, &box->views) {
		struct box_view *v = list_item(at, struct box_view, link);

		if (v->number == number)
			return v;
	}
	return NULL;
}

const struct account_mailbox *view_mailbox(const struct box_view *v)
{
	const struct account_mailbox *m = account_mailbox(&v->box->account->state, v->number);

	return account_mailbox_exists(m) && m->created_modseq == v->created_modseq ? m : NULL;
}

static struct box_view *open_view(struct box *box, const struct account_mailbox *m)
{
	const struct account_state *state = &box->account->state;
	struct heap *heap = box->store->heap;
	struct box_view *v = heap_new(heap, struct box_view);

	v->box = box;
	v->number = m->number;
	v->created_modseq = m->created_modseq;
	v->recent_from = m->recent_from;
	v->floor = state->head.modseq;
	v->view = imap_view_create(heap, (uint32_t)m->messages);
	list_init(&v->sessions);
	list_append(&box->views, &v->link);
	for (size_t i = 0; i < state->n_rows && v->view->n < m->messages; i++) {
		if (state->rows[i].mailbox == m->number)
			imap_view_add(v->view, state->rows[i].uid);
	}
	return v;
}

static void free_view(struct box_view *v)
{
	imap_view_unref(v->view);
	list_remove(&v->link);
	heap_free(v->box->store->heap, v);
}

void view_select(struct imap_session *im, uint16_t number)
{
	struct box *box = im->session->box;
	const struct account_mailbox *m = account_mailbox(&box->account->state, number);
	struct box_view *v = find(box, number);

	check(im->view == NULL);
	if (!account_mailbox_exists(m))
		return;                 /* the engine asks next, and is told that it is gone */
	/* Of a mailbox that had the number before: those who still have it find it gone. */
	if (v != NULL && v->created_modseq != m->created_modseq) {
		v->number = NO_MAILBOX;
		v = NULL;
	}
	if (v == NULL)
		v = open_view(box, m);
	im->view = v;
	list_append(&v->sessions, &im->selected);
}

/* ---- \Recent ---- */

struct recent {
	struct box_change change;
	struct box_view *view;
};

static bool make_recent(struct box *box, struct box_change *change)
{
	const struct box_view *v = list_item(change, struct recent, change)->view;
	const struct account_mailbox *m = view_mailbox(v);

	return m != NULL && v->recent_from > m->recent_from &&
	    account_recent(box->account, v->number, v->recent_from) == ACCOUNT_CHANGED;
}

static void recent_landed(struct box *box, struct box_change *change, bool ok)
{
	struct recent *r = list_item(change, struct recent, change);
	struct box_view *v = r->view;

	v->recent = NULL;
	heap_free(box->store->heap, r);
	if (list_empty(&v->sessions))
		free_view(v);
}

static const struct change_kind recent = { .cold = true, .make = make_recent,
    .landed = recent_landed };

uint32_t view_recent(struct imap_session *im, uint32_t before)
{
	struct box_view *v = im->view;
	const struct account_mailbox *m = v != NULL ? view_mailbox(v) : NULL;
	uint32_t from = m != NULL ? view_recent_from(v->box, m) : UINT32_MAX;

	if (m != NULL && before > from)
		v->recent_from = before;
	return from;
}

uint32_t view_recent_from(const struct box *box, const struct account_mailbox *m)
{
	const struct box_view *v = find(box, m->number);

	return v != NULL && v->created_modseq == m->created_modseq &&
	    v->recent_from > m->recent_from ? v->recent_from : m->recent_from;
}

void view_unselect(struct imap_session *im)
{
	struct box_view *v = im->view;
	const struct account_mailbox *m;

	if (v == NULL)
		return;
	im->view = NULL;
	list_remove(&im->selected);
	if (!list_empty(&v->sessions) || v->recent != NULL)
		return;
	m = box_is_readable(v->box) ? view_mailbox(v) : NULL;
	if (m == NULL || v->recent_from <= m->recent_from) {
		free_view(v);
		return;
	}
	v->recent = heap_new(v->box->store->heap, struct recent);
	v->recent->view = v;
	box_change(v->box, &v->recent->change, &recent);
}

/* ---- what changed ---- */

static void note(struct box_view *v, uint64_t modseq, uint32_t first, uint32_t last)
{
	struct view_note *newest = v->n_notes > 0 ? &v->notes[v->n_notes - 1] : NULL;

	v->touched = true;
	/* Messages that come one after the other. */
	if (newest != NULL && first > newest->last && first - newest->last <= STORE_VIEW_NOTES) {
		newest->last = last;
		newest->modseq = modseq;
		return;
	}
	if (v->n_notes == STORE_VIEW_NOTES) {
		v->floor = v->notes[0].modseq;
		for (unsigned i = 1; i < v->n_notes; i++)
			v->notes[i - 1] = v->notes[i];
		v->n_notes--;
	}
	v->notes[v->n_notes++] = (struct view_note){ modseq, first, last };
}

/* The first of its messages from `from` to `last` that changed after modseq. */
static uint32_t look_through(struct box_view *v, uint64_t modseq, uint32_t from, uint32_t last)
{
	const struct account_state *state = &v->box->account->state;
	const struct imap_view *view = v->view;
	bool few = view->n < state->n_rows / 16;
	size_t at = 0;

	for (uint32_t i = few ? imap_view_below(view, view->n, from) : view->n;
	     i < view->n && imap_view_uid(view, i) <= last; i++) {
		uint32_t uid = imap_view_uid(view, i);
		const struct account_row *row = account_state_find_near(state, uid, &at);

		if (row != NULL && row->modseq > modseq)
			return row->uid;
	}
	for (size_t i = few ? state->n_rows : account_state_lower_near(state, from, &v->row_at);
	     i < state->n_rows && state->rows[i].uid <= last; i++) {
		if (state->rows[i].modseq > modseq && state->rows[i].mailbox == v->number)
			return state->rows[i].uid;
	}
	return 0;
}

uint32_t view_changed(struct box_view *v, uint64_t modseq, uint32_t after)
{
	uint32_t from = after + 1, uid;

	if (after == UINT32_MAX)
		return 0;
	if (modseq < v->floor)
		return look_through(v, modseq, from, UINT32_MAX);
	for (;;) {
		const struct view_note *next = NULL;

		for (unsigned i = 0; i < v->n_notes; i++) {
			const struct view_note *n = &v->notes[i];

			if (n->modseq > modseq && n->last >= from &&
			    (next == NULL || n->first < next->first))
				next = n;
		}
		if (next == NULL)
			return 0;
		uid = look_through(v, modseq, from > next->first ? from : next->first, next->last);
		if (uid != 0 || next->last == UINT32_MAX)
			return uid;
		from = next->last + 1;
	}
}

/* ---- what settles ---- */

static void came(struct box *box, unsigned number, uint64_t modseq, uint32_t uid)
{
	struct box_view *v = find(box, number);

	if (v == NULL)
		return;
	imap_view_add(v->view, uid);
	note(v, modseq, uid, uid);
}

/* All UIDs in the ranges that `in` goes on with. */
static void went(struct box *box, unsigned number, struct bytes *in, uint32_t n)
{
	struct box_view *v = find(box, number);
	struct uid_range range = { 0, 0 };
	struct imap_view *left;

	if (v == NULL)
		return;
	left = imap_view_create(box->store->heap, v->view->n);
	for (uint32_t i = 0; i < v->view->n; i++) {
		uint32_t uid = imap_view_uid(v->view, i);

		while (range.last < uid && n > 0) {
			range = get_uid_range(in);
			n--;
		}
		if (uid < range.first || uid > range.last)
			imap_view_add(left, uid);
	}
	imap_view_unref(v->view);
	v->view = left;
	v->touched = true;
}

static void follow_delivered(struct box *box, struct bytes in)
{
	uint32_t n;

	if (!record_list_begin(&in, RECORD_ROW_LEN, &n))
		return;
	for (uint32_t i = 0; i < n; i++) {
		struct account_row row = get_account_row(&in);

		came(box, row.mailbox, row.modseq, row.uid);
	}
}

static void follow_flags(struct box *box, struct bytes in)
{
	struct account_flagged flagged;
	struct box_view *v;
	uint32_t first = 0, last = 0;

	if (!record_flags_begin(&in, &flagged) || (v = find(box, flagged.mailbox)) == NULL)
		return;
	for (uint32_t i = 0; i < flagged.n; i++) {
		struct uid_range range = get_uid_range(&in);

		first = i == 0 ? range.first : first;
		last = range.last;
	}
	if (flagged.n > 0 && !os_planted(box->store->os, OS_PLANT_UNHEARD))
		note(v, flagged.modseq, first, last);
}

static void follow_copied(struct box *box, struct bytes in)
{
	struct account_copied copied;

	if (!record_copied_begin(&in, &copied))
		return;
	if (copied.move)
		went(box, copied.from, &in, copied.n);
	for (uint64_t i = 0; i < copied.count; i++)
		came(box, copied.to, copied.modseq, copied.uid_first + (uint32_t)i);
}

static void follow_expunged(struct box *box, uint8_t type, struct bytes in)
{
	struct account_expunged expunged;

	if (record_expunged_begin(type, &in, &expunged))
		went(box, expunged.mailbox, &in, expunged.n);
}

static void follow(struct box *box, const struct account_change *change)
{
	struct bytes in = bytes_init(change->payload);

	switch (change->type) {
	case RECORD_DELIVERED:
		follow_delivered(box, in);
		break;
	case RECORD_FLAGS:
		follow_flags(box, in);
		break;
	case RECORD_COPIED:
		follow_copied(box, in);
		break;
	case RECORD_EXPUNGED:
	case RECORD_EXPUNGED_FROM:
		follow_expunged(box, change->type, in);
		break;
	case RECORD_MAILBOX:
		list_for(at, &box->views)
			list_item(at, struct box_view, link)->touched = true;
		break;
	default:
		break;
	}
}

void views_settling(struct box *box)
{
	const struct account *a = box->account;

	for (size_t i = 0; !list_empty(&box->views) && i < a->n_taken; i++)
		follow(box, &a->changes[i]);
}

void views_settled(struct box *box)
{
	list_for(at, &box->views) {
		struct box_view *v = list_item(at, struct box_view, link);

		if (!v->touched)
			continue;
		v->touched = false;
		list_for(of, &v->sessions) {
			struct imap_session *im = list_item(of, struct imap_session, selected);

			imap_server_poke(im->engine);
			imap_wake(im);
		}
	}
}
