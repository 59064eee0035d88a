/* role/store_quota.c - how much an account may hold (RFC 9208), and which are full.
 *
 *   directory: QUOTAS, all that there are, then each that changes -> limits
 *   an account is read, or a flight has landed, or its limit changes -> is it full? -> FULL
 *
 * What is full is refused by IMAP here (box_has_quota()), and at RCPT by the directory. What was taken is
 * delivered whatever it holds.
 *
 * (1) A directory that comes knows nothing of who is full, and its limits are those of now: it tells
 *     them, then hears of all that are full. Until then nobody has a limit.
 * (2) What is on its way counts as well, what is about to go not before it is gone. */
#include <stdio.h>

#include "account/slot.h"
#include "role/store_impl.h"

/* An account that has a limit of its own, or was full once. */
struct quota {
	uint64_t account;
	uint64_t own;                   /* 0: none of its own */
	uint64_t bytes;                 /* as far as it was read; 0: who knows */
	bool full;                      /* so the directory was told */
};

static struct quota *find(const struct store *s, uint64_t account)
{
	return table_get(&s->quotas, table_key(account));
}

static struct quota *get(struct store *s, uint64_t account)
{
	struct quota *q = find(s, account);

	if (q != NULL)
		return q;
	q = heap_new(s->heap, struct quota);
	q->account = account;
	table_put(&s->quotas, table_key(q->account), q);
	return q;
}

static uint64_t limit_of(const struct store *s, const struct quota *q)
{
	if (!s->told_quotas)
		return 0;
	if (q == NULL || q->own == 0)
		return s->frame.config->quota;
	return q->own <= QUOTA_MAX ? q->own : 0;
}

uint64_t box_quota(const struct box *box)
{
	return limit_of(box->store, find(box->store, box->id));
}

static uint64_t held_by(const struct box *box)
{
	return box->account->state.head.bytes + box->account->bytes_more;
}

bool box_has_quota(const struct box *box, uint64_t more)
{
	uint64_t limit = box_quota(box), held = held_by(box);

	return limit == 0 || (held <= limit && more <= limit - held);
}

/* ---- who is full ---- */

static void tell(struct store *s, const struct quota *q)
{
	struct ipc_channel *directory = frame_peer(&s->frame, ROLE_DIRECTORY, 0);
	struct buffer *out;

	if (directory == NULL)
		return;
	out = ipc_begin(directory, IPC_FULL);
	put_u64(out, q->account);
	put_u8(out, q->full);
	ipc_end(directory, -1);
}

static void judge(struct store *s, struct quota *q)
{
	uint64_t limit = limit_of(s, q);
	bool full = limit > 0 && q->bytes >= limit;

	if (full == q->full)
		return;
	q->full = full;
	tell(s, q);
}

void box_judge_quota(struct box *box)
{
	struct store *s = box->store;
	uint64_t limit = box_quota(box), bytes = held_by(box);
	struct quota *q = find(s, box->id);

	if (!box->loaded || (q == NULL && (limit == 0 || bytes < limit)))
		return;
	q = get(s, box->id);
	q->bytes = bytes;
	judge(s, q);
	if (box->account->state.head.removed) {
		table_remove(&s->quotas, table_key(box->id));
		heap_free(s->heap, q);
	}
}

static void judge_all(struct store *s)
{
	struct quota *q;
	size_t at = 0;

	while ((q = table_next(&s->quotas, &at)) != NULL)
		judge(s, q);
	list_for(of, &s->boxes) {
		struct box *box = list_item(of, struct box, link);

		/* One that is read, or written anew, is judged when that is done. */
		if (!box->busy)
			box_judge_quota(box);
	}
}

/* ---- limits ---- */

static void take_limit(struct store *s, uint64_t account, uint64_t own)
{
	struct box *box = table_get(&s->table, table_key(account));
	struct quota *q = get(s, account);

	q->own = own;
	if (box != NULL && !box->busy)
		box_judge_quota(box);
	else
		judge(s, q);
}

bool store_quotas(struct store *s, struct ipc_message *message)
{
	uint32_t n = get_u32(&message->body);

	if (n == 0) {
		s->told_quotas = true;
		judge_all(s);
	}
	for (uint32_t i = 0; i < n; i++) {
		uint64_t account = get_u64(&message->body), own = get_u64(&message->body);

		if (!bytes_ok(&message->body) ||
		    account_store(account, s->frame.config->stores) != s->frame.index)
			return false;
		take_limit(s, account, own);
	}
	return bytes_end(&message->body);
}

void store_quotas_forget(struct store *s)
{
	struct quota *q;
	size_t at = 0;

	s->told_quotas = false;
	s->quotas_epoch++;
	while ((q = table_next(&s->quotas, &at)) != NULL) {
		q->own = 0;
		q->full = false;
	}
}

void store_quotas_reload(struct store *s)
{
	if (s->told_quotas)
		judge_all(s);
}

void store_quotas_init(struct store *s)
{
	s->quotas = table_init(s->heap, os_random_u64(s->os));
}

/* ---- what is held, for an administrator ---- */

struct holding {
	struct box_change change;
	uint64_t request;
	unsigned epoch;                 /* of the directory that asked */
};

static void answer(struct store *s, const struct holding *h, const char *text)
{
	struct ipc_channel *directory = frame_peer(&s->frame, ROLE_DIRECTORY, 0);
	struct buffer *out;

	if (directory == NULL || h->epoch != s->quotas_epoch)
		return;
	out = ipc_begin(directory, IPC_HELD_IS);
	put_u64(out, h->request);
	put_slice(out, slice_from(text));
	ipc_end(directory, -1);
}

/* What an earlier life wrote, or somebody changes now, is made durable first. */
static bool make(struct box *box, struct box_change *change)
{
	return box->account->n_changes > 0;
}

static void landed(struct box *box, struct box_change *change, bool ok)
{
	struct holding *h = list_item(change, struct holding, change);
	const struct account_head *head = &box->account->state.head;
	char text[128];

	if (ok)
		snprintf(text, sizeof text, "{\"ok\":true,\"bytes\":%llu,\"messages\":%llu}",
		    (unsigned long long)head->bytes, (unsigned long long)head->count);
	else
		snprintf(text, sizeof text, "{\"error\":\"the account can't be read now; see the "
		    "server's log, and try again\"}");
	answer(box->store, h, text);
	heap_free(box->store->heap, h);
}

static const struct change_kind looking = { .looks = true, .make = make, .landed = landed };

bool store_held(struct store *s, struct ipc_message *message)
{
	uint64_t request = get_u64(&message->body), account = get_u64(&message->body);
	struct holding *h;
	struct box *box;

	if (!bytes_end(&message->body) ||
	    account_store(account, s->frame.config->stores) != s->frame.index)
		return false;
	h = heap_new(s->heap, struct holding);
	h->request = request;
	h->epoch = s->quotas_epoch;
	box = box_get(s, account);
	box_change(box, &h->change, &looking);
	box_step(box);
	boxes_limit(s);
	return true;
}
