/* role/store_expunge.c - a mock's web has messages expunged.
 *
 *   EXPUNGE -> box->expunges -> a change (one at a time) -> its flight -> EXPUNGED
 *
 * (1) No other expunge of the box is a change meanwhile: each is made of what is durable,
 *     and would count a message twice. */
#include "account/slot.h"
#include "base/check.h"
#include "role/store_impl.h"

struct expunge {
	struct list link;               /* box->expunges */
	uint64_t request;
	bool over;                      /* the web that asked is gone */
	bool made, flies;
	uint32_t n;                     /* 0: all */
	uint32_t uids[];
};

static struct expunge *first_of(const struct box *box)
{
	return list_empty(&box->expunges) ? NULL :
	    list_item(box->expunges.next, struct expunge, link);
}

static void answer(struct box *box, struct expunge *e, bool ok)
{
	struct ipc_channel *web = frame_peer(&box->store->frame, ROLE_WEB, 0);
	struct buffer *out;

	if (!e->over && web != NULL) {
		out = ipc_begin(web, IPC_EXPUNGED);
		put_u64(out, e->request);
		put_u8(out, ok);
		ipc_end(web, -1);
	}
	list_remove(&e->link);
	heap_free(box->store->heap, e);
	box->store->n_expunges--;
}

bool box_expunges(const struct box *box)
{
	const struct expunge *e = first_of(box);

	return e != NULL && e->made;
}

static uint64_t make(struct box *box, const struct expunge *e)
{
	const struct account_state *state = &box->account->state;
	uint64_t n;
	size_t messages = 0;
	uint32_t *uids;

	if (e->n > 0) {
		store_tell_deleted(box, e->uids, e->n);
		return account_expunge(box->account, ACCOUNT_INBOX, e->uids, e->n, 0);
	}
	uids = heap_alloc(box->store->heap, (state->n_rows + 1) * sizeof *uids);
	for (size_t i = 0; i < state->n_rows; i++) {
		if (state->rows[i].mailbox == ACCOUNT_INBOX)
			uids[messages++] = state->rows[i].uid;
	}
	store_tell_deleted(box, uids, messages);
	n = account_expunge(box->account, ACCOUNT_INBOX, uids, messages, 0);
	heap_free(box->store->heap, uids);
	return n;
}

bool store_expunge_step(struct box *box)
{
	struct expunge *e;

	while ((e = first_of(box)) != NULL && !e->made) {
		if (box->session != NULL && session_expunges(box->session))
			return false;           /* it steps again when that is done */
		if (box->account->removed || store_stopped(box->store)) {
			answer(box, e, false);
			continue;
		}
		if (!box->account->state.full) {
			box_start_rows(box);
			return true;
		}
		if (!box_writable(box, false))
			return true;
		e->made = make(box, e) > 0;
		if (e->made)
			box_dirty(box, true);
		else
			answer(box, e, true);
	}
	return false;
}

void store_expunge_boards(struct box *box)
{
	struct expunge *e = first_of(box);

	if (e != NULL && e->made)
		e->flies = true;
}

void store_expunge_landed(struct box *box, bool ok)
{
	struct expunge *e = first_of(box);

	/* What failed took along what was made after the flight began. */
	if (e != NULL && (e->flies || (!ok && e->made)))
		answer(box, e, ok);
}

void store_expunges_bad(struct box *box)
{
	while (!list_empty(&box->expunges))
		answer(box, first_of(box), false);
}

bool store_expunge(struct store *s, struct ipc_message *message)
{
	struct bytes *in = &message->body;
	uint64_t request = get_u64(in), account = get_u64(in);
	uint32_t n = get_u32(in), last = 0;
	struct expunge *e;
	struct box *box;

	if (!s->watch.on || !s->frame.config->mock || n > IPC_BODY_MAX / sizeof(uint32_t) ||
	    s->n_expunges >= STORE_EXPUNGES_MAX ||
	    account_store(account, s->frame.config->stores) != s->frame.index)
		return false;
	e = heap_alloc(s->heap, sizeof *e + n * sizeof(uint32_t));
	e->request = request;
	e->n = n;
	for (uint32_t i = 0; i < n; i++) {
		e->uids[i] = get_u32(in);
		in->failed = in->failed || e->uids[i] <= last;
		last = e->uids[i];
	}
	if (!bytes_end(in)) {
		heap_free(s->heap, e);
		return false;
	}
	box = box_get(s, account);
	list_append(&box->expunges, &e->link);
	s->n_expunges++;
	box_step(box);
	return true;
}

void store_expunges_over(struct store *s)
{
	list_for(at, &s->boxes) {
		struct box *box = list_item(at, struct box, link);

		list_for(of, &box->expunges)
			list_item(of, struct expunge, link)->over = true;
	}
}
