/* role/store_tags.c - the tags that people put on a mock's messages, kept for its web.
 *
 *   WATCH -> loaded (pool) before the account's rows are told -> TAGS behind each that has some
 *   TAG -> in its turn (store_queue.c): what of it is there -> rows -> file (pool) -> TAGGED
 *   a message is gone -> its row is, and the file is written anew
 *
 * (1) All sets of an account are in memory, and in one file (account/tags.h). While that is
 *     written what comes gathers for the next one.
 * (2) What can't be read isn't written over: then no tags are kept in this life. */
#include <string.h>

#include "account/slot.h"
#include "account/tags.h"
#include "base/check.h"
#include "role/store_impl.h"

/* An account's tags. */
struct account_tags {
	struct store *store;
	uint64_t account;
	struct tagged *rows;            /* by uid; names are owned */
	size_t n;
	uint64_t bytes;                 /* of a file of them */
	uint32_t number;                /* no file has this number or a higher one */
	bool loaded, bad;               /* bad: it can't be read */
	bool stale;                     /* the file says something else */
	bool writing, over;             /* over: nobody wants it any more */
	struct os_work work;
	struct buffer file;             /* being written */
	int error;
	struct list waiting, flying;    /* struct tagging, for the next file and for this one */
};

/* A TAG, until it is answered. */
struct tagging {
	struct box_change change;
	struct list link;               /* waiting or flying, once it is made */
	struct list all;                /* store->taggings */
	uint64_t request;
	bool over;                      /* the web that asked is gone */
	struct account_tags *tags;      /* where it was put, or NULL */
	uint32_t n;
	struct tagged *rows;            /* names in `bytes` */
	struct buffer bytes;
};

enum { HEAD_LEN = 8 + 8 + 4 + 8, ROW_LEN = 4 + 14 + 4 };

static struct account_tags *find(const struct store *s, uint64_t account)
{
	return table_get(&s->tags, table_key(account));
}

static struct account_tags *get(struct store *s, uint64_t account)
{
	struct account_tags *t = find(s, account);

	if (t != NULL)
		return t;
	t = heap_new(s->heap, struct account_tags);
	t->store = s;
	t->account = account;
	t->bytes = HEAD_LEN;
	t->file = buffer_init(s->heap, TAGS_FILE_MAX);
	list_init(&t->waiting);
	list_init(&t->flying);
	table_put(&s->tags, table_key(t->account), t);
	return t;
}

static void drop_row(struct account_tags *t, const struct tagged *row)
{
	t->bytes -= ROW_LEN + row->names.len;
	heap_free(t->store->heap, (void *)(uintptr_t)row->names.ptr);
}

static struct tagged keep_row(struct account_tags *t, struct tagged row)
{
	unsigned char *names = heap_alloc(t->store->heap, row.names.len + 1);

	memcpy(names, row.names.ptr, row.names.len);
	t->bytes += ROW_LEN + row.names.len;
	row.names.ptr = names;
	return row;
}

static void free_tags(struct account_tags *t)
{
	for (size_t i = 0; i < t->n; i++)
		drop_row(t, &t->rows[i]);
	heap_free(t->store->heap, t->rows);
	buffer_free(&t->file);
	heap_free(t->store->heap, t);
}

/* ---- answers ---- */

static void answer(struct store *s, struct tagging *w, bool ok)
{
	struct ipc_channel *web = frame_peer(&s->frame, ROLE_WEB, 0);
	struct buffer *out;

	if (!w->over && web != NULL) {
		out = ipc_begin(web, IPC_TAGGED);
		put_u64(out, w->request);
		put_u8(out, ok);
		ipc_end(web, -1);
	}
	list_remove(&w->link);
	list_remove(&w->all);
	buffer_free(&w->bytes);
	heap_free(s->heap, w->rows);
	heap_free(s->heap, w);
	s->n_wishes--;
}

static void answer_all(struct store *s, struct list *taggings, bool ok)
{
	list_for(at, taggings)
		answer(s, list_item(at, struct tagging, link), ok);
}

/* ---- the file ---- */

/* On a pool thread. */
static void run_save(struct os_work *work)
{
	struct account_tags *t = work->owner;

	t->error = tags_save(work->os, t->account, t->number, buffer_bytes(&t->file));
}

static void save(struct account_tags *t);

static void saved(struct os_work *work)
{
	struct account_tags *t = work->owner;
	struct store *s = t->store;

	s->n_jobs--;
	t->writing = false;
	t->number++;
	buffer_free(&t->file);
	if (t->error != 0)
		os_log(s->os, OS_ERROR, "account %016llx: its tags can't be kept: %s",
		    (unsigned long long)t->account, strerror(-t->error));
	answer_all(s, &t->flying, t->error == 0);
	if (t->over) {
		answer_all(s, &t->waiting, false);
		free_tags(t);
	} else if (!list_empty(&t->waiting) || (t->stale && t->error == 0)) {
		save(t);
	}
	store_drain_check(s);
}

static void save(struct account_tags *t)
{
	struct list *at;

	if (t->writing)
		return;
	t->writing = true;
	t->stale = false;
	while ((at = list_take_first(&t->waiting)) != NULL)
		list_append(&t->flying, at);
	tags_write(t->account, t->rows, t->n, &t->file);
	t->work = (struct os_work){ .run = run_save, .done = saved, .owner = t,
	    .brief = buffer_bytes(&t->file).len <= OS_BRIEF_BYTES };
	t->store->n_jobs++;
	os_work_start(t->store->os, &t->work);
}

/* ---- what is there ---- */

bool store_tags_want(const struct box *box)
{
	const struct store *s = box->store;
	const struct account_tags *t = find(s, box->id);

	return s->watch.on && s->frame.config->mock && (t == NULL || (!t->loaded && !t->bad));
}

/* All of it: what an earlier life wrote last may not be among the rows yet. */
static void take_file(struct account_tags *t, slice file)
{
	struct tagged row;
	struct bytes in;
	uint32_t n;

	if (!tags_read_begin(file, t->account, &in, &n))
		return;
	t->rows = heap_alloc(t->store->heap, (n + (size_t)1) * sizeof *t->rows);
	for (uint32_t i = 0; i < n && tags_read_next(&in, &row); i++)
		t->rows[t->n++] = keep_row(t, row);
}

void store_tags_loaded(struct box *box, int error, slice file, uint32_t next)
{
	struct store *s = box->store;
	struct account_tags *t;

	if (!s->watch.on)
		return;
	t = get(s, box->id);
	check(!t->loaded);
	t->bad = error != 0;
	t->loaded = error == 0;
	t->number = next;
	if (t->bad)
		os_log(s->os, OS_ERROR, "account %016llx: its tags can't be read, and none are kept "
		    "before the next start: %s", (unsigned long long)box->id, strerror(-error));
	else
		take_file(t, file);
}

/* Is that the message that was meant? */
static bool is_of(const struct tagged *tagged, const struct account_row *row)
{
	return row != NULL && row->uid == tagged->uid && row->mailbox == ACCOUNT_INBOX &&
	    message_id_equal(account_key_id(row->key), tagged->id);
}

/* The first from `uid` on; n: none. */
static size_t place_of(const struct account_tags *t, uint32_t uid)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->rows[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void store_tags_tell(const struct store *s, struct ipc_channel *web, uint64_t account,
    const struct account_row *row)
{
	const struct account_tags *t = find(s, account);
	struct buffer *out;
	size_t i;

	if (t == NULL || t->n == 0)
		return;
	i = place_of(t, row->uid);
	if (i == t->n || !is_of(&t->rows[i], row))
		return;
	out = ipc_begin(web, IPC_TAGS);
	put_u64(out, account);
	put_u32(out, row->uid);
	put_slice(out, t->rows[i].names);
	ipc_end(web, -1);
}

void store_tags_gone(struct store *s, uint64_t account, uint32_t first, uint32_t last)
{
	struct account_tags *t = find(s, account);
	size_t from, to;

	if (t == NULL || t->n == 0)
		return;
	from = to = place_of(t, first);
	while (to < t->n && t->rows[to].uid <= last)
		drop_row(t, &t->rows[to++]);
	if (to == from)
		return;
	memmove(t->rows + from, t->rows + to, (t->n - to) * sizeof *t->rows);
	t->n -= to - from;
	t->stale = true;
	save(t);
}

/* ---- what comes ---- */

/* Of messages that went when nobody looked. */
static void drop_strangers(struct account_tags *t, const struct account *a)
{
	size_t n = 0, near = 0;

	if (a->n_changes > 0 && a->changes[0].kept)
		return;                 /* its rows come later */
	for (size_t i = 0; i < t->n; i++) {
		if (is_of(&t->rows[i], account_state_find_near(&a->state, t->rows[i].uid, &near)))
			t->rows[n++] = t->rows[i];
		else
			drop_row(t, &t->rows[i]);
	}
	t->n = n;
}

/* Those of them that are there take the place of what was. */
static void merge(struct account_tags *t, struct tagging *w)
{
	struct tagged *rows = heap_alloc(t->store->heap, (t->n + w->n + 1) * sizeof *rows);
	size_t n = 0, k = 0;

	for (uint32_t i = 0; i < w->n; i++) {
		while (k < t->n && t->rows[k].uid < w->rows[i].uid)
			rows[n++] = t->rows[k++];
		if (k < t->n && t->rows[k].uid == w->rows[i].uid)
			drop_row(t, &t->rows[k++]);
		rows[n++] = keep_row(t, w->rows[i]);
	}
	while (k < t->n)
		rows[n++] = t->rows[k++];
	heap_free(t->store->heap, t->rows);
	t->rows = rows;
	t->n = n;
}

/* It changes nothing in the account: in its turn, with all rows there. */
static bool make(struct box *box, struct box_change *change)
{
	struct tagging *w = list_item(change, struct tagging, change);
	struct account_tags *t = box->store->watch.on ? find(box->store, box->id) : NULL;
	uint32_t n = 0;
	size_t near = 0;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < w->n; i++) {
		const struct account_row *row = account_state_find_near(&box->account->state,
		    w->rows[i].uid, &near);

		if (row == NULL || row->mailbox != ACCOUNT_INBOX)
			continue;
		w->rows[n] = w->rows[i];
		w->rows[n].id = account_key_id(row->key);
		bytes += ROW_LEN + w->rows[n++].names.len;
	}
	w->n = n;
	if (n > 0 && t != NULL && t->loaded)
		drop_strangers(t, box->account);
	if (n > 0 && t != NULL && t->loaded && t->bytes + bytes <= TAGS_FILE_MAX) {
		merge(t, w);
		w->tags = t;
	}
	return false;
}

static void landed(struct box *box, struct box_change *change, bool ok)
{
	struct tagging *w = list_item(change, struct tagging, change);

	if (w->tags == NULL) {
		answer(box->store, w, ok && w->n == 0);
		return;
	}
	list_append(&w->tags->waiting, &w->link);
	save(w->tags);
}

static const struct change_kind tagging = { .looks = true, .make = make, .landed = landed };

/* What follows, ascending by uid. False: it breaks the protocol. */
static bool get_rows(struct store *s, struct tagging *w, struct bytes *in)
{
	uint32_t last = 0;
	slice rest;

	w->bytes = buffer_init(s->heap, IPC_BODY_MAX);
	buffer_add(&w->bytes, in->rest);
	rest = buffer_bytes(&w->bytes);
	*in = bytes_init(rest);
	w->rows = heap_alloc(s->heap, (w->n + (size_t)1) * sizeof *w->rows);
	for (uint32_t i = 0; i < w->n; i++) {
		w->rows[i] = (struct tagged){ .uid = get_u32(in) };
		w->rows[i].names = get_slice(in, TAG_NAMES_MAX);
		if (!bytes_ok(in) || w->rows[i].uid <= last || !tag_names_ok(w->rows[i].names))
			return false;
		last = w->rows[i].uid;
	}
	return bytes_end(in) && w->n > 0;
}

bool store_tag(struct store *s, struct ipc_message *message)
{
	struct bytes in = message->body;
	uint64_t request = get_u64(&in), account = get_u64(&in);
	uint32_t n = get_u32(&in);
	struct tagging *w;
	struct box *box;

	if (!s->watch.on || !s->frame.config->mock || n > IPC_BODY_MAX / 8 ||
	    s->n_wishes >= STORE_WISHES_MAX ||
	    account_store(account, s->frame.config->stores) != s->frame.index)
		return false;
	w = heap_new(s->heap, struct tagging);
	w->request = request;
	w->n = n;
	list_init(&w->link);
	list_append(&s->taggings, &w->all);
	s->n_wishes++;
	if (!get_rows(s, w, &in)) {
		w->over = true;
		answer(s, w, false);
		return false;
	}
	if (!store_watch_told(s, account)) {
		answer(s, w, true);     /* of messages that it thought of */
		return true;
	}
	box = box_get(s, account);
	box_change(box, &w->change, &tagging);
	box_step(box);
	return true;
}

/* ---- the web leaves ---- */

void store_tags_over(struct store *s)
{
	struct account_tags *t;
	size_t at = 0;

	list_for(of, &s->taggings)
		list_item(of, struct tagging, all)->over = true;
	while ((t = table_next(&s->tags, &at)) != NULL) {
		t->over = true;
		if (!t->writing)
			free_tags(t);
	}
	table_free(&s->tags);
	s->tags = table_init(s->heap, os_random_u64(s->os));
}

void store_tags_init(struct store *s)
{
	s->tags = table_init(s->heap, os_random_u64(s->os));
	list_init(&s->taggings);
}
