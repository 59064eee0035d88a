/* role/store_wish.c - what a mock's web wants done with messages: expunged, marked.
 *
 *   EXPUNGE, MARK -> a change of the box's (store_queue.c) -> EXPUNGED, MARKED
 *
 * Messages that are not there are passed over. */
#include "account/slot.h"
#include "role/store_impl.h"

struct wish {
	struct box_change change;
	struct list link;               /* store->wishes */
	enum ipc_type answer;
	uint64_t request;
	bool over;                      /* the web that asked is gone */
	bool seen;                      /* of a mark */
	uint32_t n;                     /* 0: all; of an EXPUNGE */
	uint32_t uids[];
};

static bool expunge(struct box *box, struct box_change *change)
{
	const struct account_state *state = &box->account->state;
	struct wish *w = list_item(change, struct wish, change);
	size_t messages = 0;
	uint32_t *uids;
	uint64_t n;

	if (w->n > 0) {
		store_tell_deleted(box, w->uids, w->n);
		return account_expunge(box->account, ACCOUNT_INBOX, w->uids, w->n, 0) > 0;
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

static bool mark(struct box *box, struct box_change *change)
{
	const struct wish *w = list_item(change, struct wish, change);

	return account_flag(box->account, ACCOUNT_INBOX, w->seen ? FLAGS_ADD : FLAGS_REMOVE,
	    ACCOUNT_SEEN, w->uids, w->n) > 0;
}

static void landed(struct box *box, struct box_change *change, bool ok)
{
	struct wish *w = list_item(change, struct wish, change);
	struct ipc_channel *web = frame_peer(&box->store->frame, ROLE_WEB, 0);
	struct buffer *out;

	if (!w->over && web != NULL) {
		out = ipc_begin(web, w->answer);
		put_u64(out, w->request);
		put_u8(out, ok);
		ipc_end(web, -1);
	}
	list_remove(&w->link);
	heap_free(box->store->heap, w);
	box->store->n_wishes--;
}

static const struct change_kind expunging = { .make = expunge, .landed = landed };
static const struct change_kind marking = { .make = mark, .landed = landed };

/* The uids that follow, in a wish; NULL: it breaks the protocol. */
static struct wish *get_wish(struct store *s, struct bytes *in, uint64_t account)
{
	uint32_t n = get_u32(in), last = 0;
	struct wish *w;

	if (!s->watch.on || !s->frame.config->mock || n > IPC_BODY_MAX / sizeof(uint32_t) ||
	    s->n_wishes >= STORE_WISHES_MAX ||
	    account_store(account, s->frame.config->stores) != s->frame.index)
		return NULL;
	w = heap_alloc(s->heap, sizeof *w + n * sizeof(uint32_t));
	w->over = w->seen = false;
	w->n = n;
	for (uint32_t i = 0; i < n; i++) {
		w->uids[i] = get_u32(in);
		in->failed = in->failed || w->uids[i] <= last;
		last = w->uids[i];
	}
	if (bytes_end(in))
		return w;
	heap_free(s->heap, w);
	return NULL;
}

static void begin(struct store *s, struct wish *w, uint64_t account,
    const struct change_kind *kind)
{
	struct box *box = box_get(s, account);

	box_change(box, &w->change, kind);
	list_append(&s->wishes, &w->link);
	s->n_wishes++;
	box_step(box);
}

bool store_expunge(struct store *s, struct ipc_message *message)
{
	struct bytes *in = &message->body;
	uint64_t request = get_u64(in), account = get_u64(in);
	struct wish *w = get_wish(s, in, account);

	if (w == NULL)
		return false;
	w->answer = IPC_EXPUNGED;
	w->request = request;
	begin(s, w, account, &expunging);
	return true;
}

bool store_mark(struct store *s, struct ipc_message *message)
{
	struct bytes *in = &message->body;
	uint64_t request = get_u64(in), account = get_u64(in);
	uint8_t seen = get_u8(in);
	struct wish *w = get_wish(s, in, account);
	struct buffer *out;

	if (w == NULL)
		return false;
	if (seen > 1 || w->n == 0) {
		heap_free(s->heap, w);
		return false;
	}
	w->answer = IPC_MARKED;
	w->request = request;
	w->seen = seen == 1;
	if (store_watch_told(s, account)) {
		begin(s, w, account, &marking);
		return true;
	}
	/* It knows no message there: nothing is made for a name that it thought of. */
	heap_free(s->heap, w);
	out = ipc_begin(frame_peer(&s->frame, ROLE_WEB, 0), IPC_MARKED);
	put_u64(out, request);
	put_u8(out, 1);
	ipc_end(frame_peer(&s->frame, ROLE_WEB, 0), -1);
	return true;
}

void store_wishes_over(struct store *s)
{
	list_for(at, &s->wishes)
		list_item(at, struct wish, link)->over = true;
}
