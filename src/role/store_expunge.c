/* role/store_expunge.c - a mock's web has messages expunged.
 *
 *   EXPUNGE -> a change of the box's (store_queue.c) -> EXPUNGED */
#include "account/slot.h"
#include "role/store_impl.h"

struct expunge {
	struct box_change change;
	struct list link;               /* store->expunges */
	uint64_t request;
	bool over;                      /* the web that asked is gone */
	uint32_t n;                     /* 0: all */
	uint32_t uids[];
};

static bool make(struct box *box, struct box_change *change)
{
	const struct account_state *state = &box->account->state;
	struct expunge *e = list_item(change, struct expunge, change);
	size_t messages = 0;
	uint32_t *uids;
	uint64_t n;

	if (e->n > 0) {
		store_tell_deleted(box, e->uids, e->n);
		return account_expunge(box->account, ACCOUNT_INBOX, e->uids, e->n, 0) > 0;
	}
	uids = heap_alloc(box->store->heap, (state->n_rows + 1) * sizeof *uids);
	for (size_t i = 0; i < state->n_rows; i++) {
		if (state->rows[i].mailbox == ACCOUNT_INBOX)
			uids[messages++] = state->rows[i].uid;
	}
	store_tell_deleted(box, uids, messages);
	n = account_expunge(box->account, ACCOUNT_INBOX, uids, messages, 0);
	heap_free(box->store->heap, uids);
	return n > 0;
}

static void landed(struct box *box, struct box_change *change, bool ok)
{
	struct expunge *e = list_item(change, struct expunge, change);
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

static const struct change_kind expunging = { .make = make, .landed = landed };

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
	box_change(box, &e->change, &expunging);
	list_append(&s->expunges, &e->link);
	s->n_expunges++;
	box_step(box);
	return true;
}

void store_expunges_over(struct store *s)
{
	list_for(at, &s->expunges)
		list_item(at, struct expunge, link)->over = true;
}
