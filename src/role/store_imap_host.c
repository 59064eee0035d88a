/* role/store_imap_host.c - what the IMAP engine asks of an account, answered from its rows
 * and mailboxes as they are on disk (imap/host.h). */
#include "base/check.h"
#include "imap/parse.h"
#include "role/store_imap.h"

_Static_assert((int)IMAP_KEYWORD_BIT == (int)ACCOUNT_KEYWORD_FIRST, "flags are the same bits");
_Static_assert((int)IMAP_SEEN == (int)ACCOUNT_SEEN && (int)IMAP_DELETED == (int)ACCOUNT_DELETED &&
    (int)IMAP_ANSWERED == (int)ACCOUNT_ANSWERED && (int)IMAP_FLAGGED == (int)ACCOUNT_FLAGGED &&
    (int)IMAP_DRAFT == (int)ACCOUNT_DRAFT, "flags are the same bits");
_Static_assert((int)IMAP_USE_ALL == (int)USE_ALL && (int)IMAP_USE_TRASH == (int)USE_TRASH &&
    (int)IMAP_USE_SENT == (int)USE_SENT && (int)IMAP_USE_JUNK == (int)USE_JUNK,
    "special uses are the same numbers");

static const struct account_state *state_of(const struct imap_session *im)
{
	return &im->session->box->account->state;
}

/* ---- mailboxes ---- */

/* Messages from a uid on. The last ones are \Recent, mostly few. */
static uint32_t count_from(const struct account_state *state, const struct account_mailbox *m,
    uint32_t uid)
{
	uint64_t n = 0;

	if (uid <= 1)
		return (uint32_t)m->messages;
	if (uid >= m->uid_next)
		return 0;
	for (size_t i = account_state_lower(state, uid); i < state->n_rows &&
	     state->rows[i].uid < m->uid_next && n < m->messages; i++)
		n += state->rows[i].mailbox == m->number;
	return (uint32_t)n;
}

static struct imap_mailbox describe(const struct imap_session *im, const struct account_mailbox *m)
{
	return (struct imap_mailbox){
		.number = m->number,
		.name = m->name,
		.exists = (m->state & MAILBOX_EXISTS) != 0,
		.subscribed = (m->state & MAILBOX_SUBSCRIBED) != 0,
		.use = m->use < IMAP_USES ? (enum imap_use)m->use : IMAP_USE_NONE,
		.uidvalidity = m->uidvalidity,
		.uid_next = m->uid_next > 0 ? m->uid_next : 1,
		.highest_modseq = m->highest_modseq > 0 ? m->highest_modseq : 1,
		.messages = (uint32_t)m->messages,
		.unseen = (uint32_t)m->unseen,
		.deleted = (uint32_t)m->deleted,
		.recent_from = view_recent_from(im->session->box, m),
		.bytes = m->bytes,
		.deleted_bytes = m->deleted_bytes,
	};
}

static bool give(const struct imap_session *im, const struct account_mailbox *m,
    struct imap_mailbox *ret)
{
	if (m == NULL || (m->state & (MAILBOX_EXISTS | MAILBOX_SUBSCRIBED)) == 0)
		return false;
	*ret = describe(im, m);
	ret->recent = count_from(state_of(im), m, ret->recent_from);
	return true;
}

static bool mailbox(void *context, size_t i, struct imap_mailbox *ret)
{
	struct imap_session *im = context;
	const struct account_state *state = state_of(im);
	size_t at = 0, n = 0;

	if (i > 0 && i == im->mailbox_i + 1) {
		n = i;
		at = im->mailbox_at + 1;
	}
	for (; at < state->n_mailboxes; at++) {
		if ((state->mailboxes[at].state & (MAILBOX_EXISTS | MAILBOX_SUBSCRIBED)) == 0)
			continue;
		if (n++ < i)
			continue;
		im->mailbox_i = i;
		im->mailbox_at = at;
		return give(im, &state->mailboxes[at], ret);
	}
	return false;
}

static bool find(void *context, slice name, struct imap_mailbox *ret)
{
	struct imap_session *im = context;

	return give(im, account_mailbox_find(state_of(im), name), ret);
}

/* ---- the selected one ---- */

static void select_mailbox(void *context, uint32_t number)
{
	view_select(context, (uint16_t)number);
}

static void unselect(void *context)
{
	view_unselect(context);
}

static bool view(void *context, struct imap_view **ret_view, struct imap_mailbox *ret)
{
	struct imap_session *im = context;
	const struct account_mailbox *m = im->view != NULL ? view_mailbox(im->view) : NULL;

	if (m == NULL)
		return false;
	*ret_view = im->view->view;
	*ret = describe(im, m);
	ret->recent = im->view->view->n -
	    imap_view_below(im->view->view, im->view->view->n, ret->recent_from);
	return true;
}

static uint32_t recent(void *context, uint32_t before)
{
	return view_recent(context, before);
}

static bool message(void *context, uint32_t uid, struct imap_message *ret)
{
	struct imap_session *im = context;
	const struct account_row *row = account_state_find_near(state_of(im), uid, &im->row_at);

	if (row == NULL || im->view == NULL || row->mailbox != im->view->number)
		return false;
	*ret = (struct imap_message){
		.uid = row->uid,
		.flags = row->flags,
		.modseq = row->modseq,
		.received_us = row->received_us,
		.saved_s = row->saved_s,
		.size = row->size,
		.email_high = row->key.generation,
		.email_low = (uint64_t)row->key.sequence << 32 | (uint64_t)row->key.producer << 16 |
		    row->key.recipient,
	};
	return true;
}

static uint32_t changed(void *context, uint64_t modseq, uint32_t after)
{
	struct imap_session *im = context;

	return im->view != NULL ? view_changed(im->view, modseq, after) : 0;
}

static bool vanished(void *context, uint64_t modseq, size_t i, uint32_t *ret_first,
    uint32_t *ret_last, bool *ret_all)
{
	struct imap_session *im = context;
	const struct account_state *state = state_of(im);
	size_t at = 0, n = 0;

	*ret_all = modseq < state->horizon;
	if (*ret_all || im->view == NULL)
		return *ret_all && i == 0;
	if (i > 0 && i == im->vanished_i + 1) {
		n = i;
		at = im->vanished_at + 1;
	}
	for (; at < state->n_vanished; at++) {
		const struct account_vanished *v = &state->vanished[at];

		if (v->modseq <= modseq || v->mailbox != im->view->number || n++ < i)
			continue;
		im->vanished_i = i;
		im->vanished_at = at;
		*ret_first = v->uids.first;
		*ret_last = v->uids.last;
		if (os_planted(im->session->store->os, OS_PLANT_VANISHED_LESS) &&
		    *ret_first < *ret_last)
			--*ret_last;
		return true;
	}
	return false;
}

/* ---- keywords and the rest ---- */

static slice keyword(void *context, unsigned bit)
{
	const struct account_state *state = state_of(context);

	if (bit < IMAP_KEYWORD_BIT || bit >= IMAP_KEYWORD_BIT + ACCOUNT_KEYWORDS_MAX ||
	    state->keywords[bit - IMAP_KEYWORD_BIT].len == 0)
		return (slice){ 0 };
	return state->keywords[bit - IMAP_KEYWORD_BIT];
}

static int keyword_bit(void *context, slice name)
{
	int number = account_state_keyword(state_of(context), name);

	return number < 0 ? -1 : IMAP_KEYWORD_BIT + number;
}

static bool keywords_full(void *context)
{
	const struct account_state *state = state_of(context);

	for (size_t i = 0; i < ACCOUNT_KEYWORDS_MAX; i++) {
		if (state->keywords[i].len == 0)
			return false;
	}
	return true;
}

static void quota(void *context, struct imap_quota *ret)
{
	const struct imap_session *im = context;

	*ret = (struct imap_quota){ .bytes = state_of(im)->head.bytes,
		.bytes_max = box_quota(im->session->box) };
}

static int64_t now_s(void *context)
{
	struct imap_session *im = context;

	return os_wall_us(im->session->store->os) / 1000000;
}

void imap_host_init(struct imap_session *im)
{
	im->host = (struct imap_host){
		.context = im,
		.mailbox = mailbox,
		.find = find,
		.select = select_mailbox,
		.unselect = unselect,
		.view = view,
		.recent = recent,
		.message = message,
		.changed = changed,
		.vanished = vanished,
		.keyword = keyword,
		.keyword_bit = keyword_bit,
		.keywords_full = keywords_full,
		.quota = quota,
		.now_s = now_s,
	};
}
