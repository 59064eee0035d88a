/* role/store_change.c - what IMAP's commands change: each is a change of the box's
 * (store_queue.c), made of what is durable then, and answered when it has landed. */
#include "base/check.h"
#include "journey/event.h"
#include "role/store_imap.h"

struct client_change {
	struct box_change change;
	struct imap_session *im;        /* NULL: it is over */
	struct imap_change *what;       /* its engine's */
	uint16_t number;                /* of the selected mailbox */
	enum imap_result result;
};

enum imap_result change_result(enum account_answer answer)
{
	switch (answer) {
	case ACCOUNT_CHANGED:
	case ACCOUNT_UNCHANGED:
		return IMAP_DONE;
	case ACCOUNT_MISSING:
		return IMAP_NO_MAILBOX;
	case ACCOUNT_EXISTS:
		return IMAP_EXISTS;
	case ACCOUNT_NAME:
		return IMAP_CANNOT;
	case ACCOUNT_NO_ROOM:
	case ACCOUNT_SCATTERED:
		return IMAP_LIMIT;
	}
	return IMAP_LATER;
}

static uint32_t now_s(const struct box *box)
{
	return (uint32_t)(os_wall_us(box->store->os) / 1000000);
}

bool change_bits(struct account *a, const struct imap_flags *flags, bool add, uint64_t *ret_bits)
{
	*ret_bits = flags->bits;
	for (size_t i = 0; i < flags->n; i++) {
		int number = add ? account_keyword_add(a, flags->keywords[i]) :
		    account_keyword(a, flags->keywords[i]);

		if (number < 0 && add)
			return false;
		if (number >= 0)
			*ret_bits |= account_keyword_bit(number);
	}
	return true;
}

/* ---- messages ---- */

/* Of the uids those that are there come first, then those that had changed meanwhile. Flags
 * that all of them must have, or 0. */
static void sort_out(const struct box *box, struct client_change *c, uint64_t flags)
{
	const struct account_state *state = &box->account->state;
	struct imap_change *what = c->what;
	uint32_t *modified = heap_alloc(box->store->heap, (what->n + 1) * sizeof *modified);
	size_t n = 0, n_modified = 0, at = 0;

	for (size_t i = 0; i < what->n; i++) {
		const struct account_row *row = account_state_find_near(state, what->uids[i], &at);

		if (row == NULL || row->mailbox != c->number || (row->flags & flags) != flags)
			continue;
		if (what->conditional && row->modseq > what->unchanged_since)
			modified[n_modified++] = row->uid;
		else
			what->uids[n++] = row->uid;
		what->others = what->others || row->modseq > what->told;
	}
	for (size_t i = 0; i < n_modified; i++)
		what->uids[n + i] = modified[i];
	what->n = n;
	what->n_modified = n_modified;
	heap_free(box->store->heap, modified);
}

/* before: the account's modseq. */
static bool made(struct box *box, struct client_change *c, uint64_t before)
{
	c->what->modseq_first = before + 1;
	c->what->modseq = box->account->modseq;
	return true;
}

static bool make_flags(struct box *box, struct client_change *c)
{
	static const enum account_flag_op ops[] = {
		[IMAP_FLAGS_ADD] = FLAGS_ADD,
		[IMAP_FLAGS_REMOVE] = FLAGS_REMOVE,
		[IMAP_FLAGS_SET] = FLAGS_SET,
	};
	struct imap_change *what = c->what;
	uint64_t bits, before;

	sort_out(box, c, 0);
	if (what->n == 0)
		return false;
	if (!change_bits(box->account, &what->flags, what->op != IMAP_FLAGS_REMOVE, &bits)) {
		c->result = IMAP_LIMIT;
		return false;
	}
	if (os_planted(box->store->os, OS_PLANT_QUIET_STORE) && box->account->modseq > 1)
		box->account->modseq--;
	before = box->account->modseq;
	return account_flag(box->account, c->number, ops[what->op], bits, what->uids, what->n) > 0 &&
	    made(box, c, before);
}

static void tell_moved(const struct box *box, const struct client_change *c, uint16_t to)
{
	struct event event;

	if (c->what->kind != IMAP_MOVE || !event_begin(&event, box->store->os, "moved"))
		return;
	event_name(&event, "account", box->id);
	event_number(&event, "messages", c->what->n);
	event_number(&event, "from", c->number);
	event_number(&event, "mailbox", to);
	event_number(&event, "uid", c->what->uid_first);
	event_end(&event);
}

static uint64_t size_of(const struct box *box, const struct imap_change *what)
{
	uint64_t size = 0;
	size_t at = 0;

	for (size_t i = 0; i < what->n; i++)
		size += account_state_find_near(&box->account->state, what->uids[i], &at)->size;
	return size;
}

static bool make_copy(struct box *box, struct client_change *c)
{
	const struct account_mailbox *to = account_mailbox_find(&box->account->state, c->what->name);
	struct imap_change *what = c->what;
	uint64_t count = 0, before = box->account->modseq;
	enum account_answer answer;

	if (!account_mailbox_exists(to)) {
		c->result = IMAP_NO_MAILBOX;
		return false;
	}
	sort_out(box, c, 0);
	if (what->n == 0)
		return false;
	if (what->kind == IMAP_COPY && !box_has_quota(box, size_of(box, what))) {
		c->result = IMAP_OVER_QUOTA;
		return false;
	}
	what->uidvalidity = to->uidvalidity;
	answer = account_copy(box->account, c->number, to->number, what->uids, what->n,
	    what->kind == IMAP_MOVE, now_s(box), &what->uid_first, &count);
	c->result = change_result(answer);
	if (answer != ACCOUNT_CHANGED)
		return false;
	check(count == what->n);
	if (os_planted(box->store->os, OS_PLANT_COPYUID))
		what->uid_first = to->uid_next > 0 ? to->uid_next : 1;
	tell_moved(box, c, to->number);
	return made(box, c, before);
}

static void tell_expunged(const struct box *box, const struct imap_change *what)
{
	struct event event;

	for (size_t i = 0; i < what->n && event_begin(&event, box->store->os, "expunged"); i++) {
		event_name(&event, "account", box->id);
		event_number(&event, "uid", what->uids[i]);
		event_end(&event);
	}
}

static bool make_expunge(struct box *box, struct client_change *c)
{
	uint64_t before = box->account->modseq;

	sort_out(box, c, ACCOUNT_DELETED);
	if (c->what->n == 0)
		return false;
	tell_expunged(box, c->what);
	return account_expunge(box->account, c->number, c->what->uids, c->what->n,
	    store_bury_s(box)) > 0 && made(box, c, before);
}

/* ---- mailboxes ---- */

/* The levels above a name, as far as they are not there (RFC 9051 s6.3.4). */
enum account_answer change_superiors(struct box *box, slice name)
{
	for (size_t i = 1; i < name.len; i++) {
		enum account_answer answer;
		uint16_t number;

		if (name.ptr[i] != '/')
			continue;
		answer = account_create(box->account, slice_head(name, i), USE_NONE, &number);
		if (answer != ACCOUNT_CHANGED && answer != ACCOUNT_EXISTS)
			return answer;
	}
	return ACCOUNT_CHANGED;
}

static enum account_answer create(struct box *box, const struct imap_change *what)
{
	enum account_answer answer;
	uint16_t number;

	if (account_mailbox_exists(account_mailbox_find(&box->account->state, what->name)))
		return ACCOUNT_EXISTS;
	answer = change_superiors(box, what->name);
	if (answer != ACCOUNT_CHANGED)
		return answer;
	return account_create(box->account, what->name, (enum account_use)what->use, &number);
}

static enum account_answer rename_or_delete(struct box *box, const struct imap_change *what)
{
	const struct account_state *state = &box->account->state;
	const struct account_mailbox *m = account_mailbox_find(state, what->name);
	enum account_answer answer;

	if (!account_mailbox_exists(m))
		return ACCOUNT_MISSING;
	if (what->kind == IMAP_DELETE)
		return account_delete(box->account, m->number, store_bury_s(box));
	if (account_mailbox_exists(account_mailbox_find(state, what->new_name)))
		return ACCOUNT_EXISTS;
	answer = change_superiors(box, what->new_name);
	if (answer != ACCOUNT_CHANGED)
		return answer;
	return account_rename(box->account, m->number, what->new_name, now_s(box));
}

static bool make_mailbox(struct box *box, struct client_change *c)
{
	const struct imap_change *what = c->what;
	size_t before = box->account->n_changes;
	enum account_answer answer;

	switch (what->kind) {
	case IMAP_CREATE:
		answer = create(box, what);
		break;
	case IMAP_DELETE:
	case IMAP_RENAME:
		answer = rename_or_delete(box, what);
		break;
	default:
		answer = account_subscribe(box->account, what->name, what->kind == IMAP_SUBSCRIBE);
	}
	c->result = change_result(answer);
	/* Superiors may have been made for a name that can't be. */
	return box->account->n_changes > before;
}

/* ---- its way ---- */

static bool make(struct box *box, struct box_change *change)
{
	struct client_change *c = list_item(change, struct client_change, change);

	c->result = IMAP_DONE;
	switch (c->what->kind) {
	case IMAP_FLAGS:
		return make_flags(box, c);
	case IMAP_COPY:
	case IMAP_MOVE:
		return make_copy(box, c);
	case IMAP_EXPUNGE:
		return make_expunge(box, c);
	case IMAP_CREATE:
	case IMAP_DELETE:
	case IMAP_RENAME:
	case IMAP_SUBSCRIBE:
	case IMAP_UNSUBSCRIBE:
		return make_mailbox(box, c);
	}
	return false;
}

static void landed(struct box *box, struct box_change *change, bool ok)
{
	struct client_change *c = list_item(change, struct client_change, change);
	struct imap_session *im = c->im;
	enum imap_result result = ok ? c->result : IMAP_LATER;

	heap_free(box->store->heap, c);
	if (im == NULL)
		return;
	im->change = NULL;
	imap_server_changed(im->engine, result);
	imap_wake(im);
}

static const struct change_kind changing = { .make = make, .landed = landed };

void change_ask(struct imap_session *im, struct imap_change *what)
{
	struct box *box = im->session->box;
	struct client_change *c = heap_new(box->store->heap, struct client_change);

	c->im = im;
	c->what = what;
	c->number = im->view != NULL ? im->view->number : 0;
	im->change = c;
	box_change(box, &c->change, &changing);
	box_step(box);
}

/* What is made stays made. */
void change_leave(struct imap_session *im)
{
	struct client_change *c = im->change;

	im->change = NULL;
	if (c == NULL)
		return;
	c->im = NULL;
	if (c->change.made)
		return;
	list_remove(&c->change.link);
	heap_free(im->session->store->heap, c);
}
