/* role/store_work.c - texts of messages for IMAP's FETCH and SEARCH, read on the pool.
 *
 *   WORK -> places looked up -> store->works -> read and worked on (pool) -> the engine's again
 *
 * (1) Few run at once, so that mail finds a thread to be synced on. Others wait in their
 *     order, one of each session and what is beside it, and each is a batch that the engine
 *     made short: so nobody waits for another's whole mailbox.
 * (2) A work and its memory belong to the pool while it runs; a session that ends meanwhile
 *     waits for it. */
#include <errno.h>

#include "account/slot.h"
#include "base/check.h"
#include "pack/batch.h"
#include "role/store_imap.h"

enum { GONE = UINT32_MAX };             /* instead of a pack: the message is not there */

/* What a work keeps from batch to batch. */
struct kept {
	struct pack_batch batch;
	struct digest_reader reader;
	bool begun;
	struct pack_want *wants;        /* work->n_max */
};

struct working {
	struct os_work pool;
	struct list link;               /* store->works, while it waits */
	struct imap_session *im;
	struct store *store;
	uint64_t account;
	struct imap_work *work;
	struct kept *kept;              /* of the work's heap */
	struct working *lead;           /* that of im->working: itself, or that which this is beside */
	struct working *beside;         /* of a lead; NULL: none, or it is done */
	unsigned left;                  /* of a lead: not done, of both */
	bool begun;                     /* of a lead: one of them runs or ran */
	struct box_digests *digests;    /* while it runs, if it may use them */
	bool done;
	bool trims;                     /* a mock: packs may go meanwhile */
	unsigned failed;                /* messages that could not be read */
	uint32_t failed_uid;            /* the first of them */
	bool io;
};

/* ---- on the pool ---- */

static int open_pack(void *context, uint32_t number)
{
	const struct working *w = context;
	char path[ACCOUNT_PATH_MAX];

	account_pack_path(w->account, number, path);
	return os_open(w->store->os, OS_ROOT, path, OS_READ);
}

static enum imap_text_result judge(struct working *w, enum pack_result result, size_t i)
{
	if (result == PACK_OK)
		return IMAP_TEXT_OK;
	if (w->trims && result != PACK_IO)
		return IMAP_TEXT_GONE;
	if (w->failed++ == 0)
		w->failed_uid = w->work->items[i].message.uid;
	w->io = w->io || result == PACK_IO;
	return result == PACK_IO ? IMAP_TEXT_IO : IMAP_TEXT_DAMAGED;
}

static int open_digest(void *context, uint32_t number, int flags)
{
	const struct working *w = context;
	char path[ACCOUNT_PATH_MAX];

	account_digest_path(w->account, number, path);
	return os_open(w->store->os, OS_ROOT, path, flags);
}

/* It was read before, and enough is remembered of it. */
static bool is_remembered(struct working *w, size_t i)
{
	struct imap_work *work = w->work;
	struct imap_digest digest;
	slice record;

	return digest_reader_look(&w->kept->reader, w->kept->wants, work->n, i, &record) &&
	    imap_digest_read(record, &digest) && imap_work_digest(work, i, &digest);
}

static void run_one(struct working *w, size_t i)
{
	struct imap_work *work = w->work;
	struct kept *kept = w->kept;
	enum imap_text_result result;
	slice text = { 0 };

	if (kept->wants[i].number == GONE) {
		imap_work_message(work, i, IMAP_TEXT_GONE, text);
		return;
	}
	if (w->digests != NULL && is_remembered(w, i))
		return;
	result = judge(w, pack_batch_read(&kept->batch, kept->wants, work->n, i,
	    work->need == IMAP_NEED_HEADER, &text), i);
	imap_work_message(work, i, result, text);
	if (w->digests != NULL && buffer_bytes(&work->digest).len > 0)
		digest_reader_keep(&kept->reader, &kept->wants[i], buffer_bytes(&work->digest));
}

static void run(struct os_work *pool)
{
	struct working *w = pool->owner;
	struct imap_work *work = w->work;
	struct kept *kept = w->kept;

	if (!kept->begun) {
		pack_batch_init(&kept->batch, w->store->os, work->heap, w->account, open_pack, w);
		digest_reader_init(&kept->reader, w->store->os, work->heap);
	}
	kept->begun = true;
	kept->batch.context = w;
	work->remembers = w->digests != NULL;
	if (w->digests != NULL)
		digest_reader_begin(&kept->reader, &w->digests->index, open_digest, w);
	for (size_t i = 0; i < work->n; i++)
		run_one(w, i);
	if (w->digests != NULL)
		digest_reader_end(&kept->reader);
	pack_batch_rest(&kept->batch);
}

/* ---- on the loop ---- */

static void working_free(struct working *w)
{
	list_remove(&w->link);
	heap_free(w->store->heap, w);
}

static void start_more(struct store *s);

/* The session goes on when both halves are done. */
static void half_done(struct working *w)
{
	struct working *lead = w->lead;
	struct session *session = lead->im->session;

	if (w != lead) {
		lead->beside = NULL;
		working_free(w);
	}
	if (--lead->left > 0)
		return;
	lead->done = true;
	if (session->state == SESSION_OVER)
		session_over(session);
	else
		session->kind->pump(session);
}

static void done(struct os_work *pool)
{
	struct working *w = pool->owner;
	struct store *s = w->store;
	struct session *session = w->im->session;

	s->n_works--;
	if (w->digests != NULL)
		digests_give_back(w->digests);
	/* Without a box: the account was removed, and its packs with it. */
	if (w->failed > 0 && session->box != NULL)
		os_log(s->os, OS_ERROR, "account %016llx: %u messages can't be read (%s), uid %u first",
		    (unsigned long long)w->account, w->failed, w->io ? "the disk failed" : "damaged",
		    w->failed_uid);
	half_done(w);
	start_more(s);
}

/* A mock's messages go as they come, and its files are in memory. */
static bool wants_digests(const struct working *w)
{
	return w->work->digest_parts != 0 && !w->trims;
}

/* The first that need not wait for another of its account. */
static struct working *next_work(const struct store *s)
{
	list_for(at, &s->works) {
		struct working *w = list_item(at, struct working, link);

		if (!wants_digests(w) || !digests_are_taken(w->im->session->box))
			return w;
	}
	return NULL;
}

static void start_more(struct store *s)
{
	struct working *w;

	while (s->n_works < STORE_WORKS_RUNNING && (w = next_work(s)) != NULL) {
		list_remove(&w->link);
		if (wants_digests(w))
			w->digests = digests_take(w->im->session->box);
		s->n_works++;
		w->lead->begun = true;
		w->pool = (struct os_work){ .run = run, .done = done, .owner = w };
		os_work_start(s->os, &w->pool);
	}
}

static struct kept *kept_of(struct imap_work *work)
{
	struct kept *kept = work->kept;

	if (kept == NULL) {
		kept = heap_new(work->heap, struct kept);
		kept->wants = heap_alloc(work->heap, work->n_max * sizeof *kept->wants);
		work->kept = kept;
	}
	return kept;
}

static struct working *make_working(struct imap_session *im, struct imap_work *work)
{
	struct store *s = im->session->store;
	struct box *box = im->session->box;
	struct working *w = heap_new(s->heap, struct working);
	size_t at = 0;

	w->im = im;
	w->store = s;
	w->account = box->id;
	w->work = work;
	w->trims = store_mock_trims(s);
	w->kept = kept_of(work);
	for (size_t i = 0; i < work->n; i++) {
		const struct account_row *row = account_state_find_near(&box->account->state,
		    work->items[i].message.uid, &at);

		if (row == NULL)
			w->kept->wants[i].number = GONE;
		else
			w->kept->wants[i] = (struct pack_want){ row->pack, row->offset,
				row->stored };
	}
	list_append(&s->works, &w->link);
	return w;
}

void work_ask(struct imap_session *im, struct imap_work *work)
{
	struct working *lead;

	check(im->working == NULL);
	im->working = lead = make_working(im, work);
	lead->lead = lead;
	lead->left = 1;
	if (work->beside != NULL && work->beside->n > 0) {
		lead->beside = make_working(im, work->beside);
		lead->beside->lead = lead;
		lead->left++;
	}
	start_more(im->session->store);
}

/* From when the first half begins until both are done. */
bool work_runs(const struct imap_session *im)
{
	return im->working != NULL && im->working->begun && !im->working->done;
}

bool work_pump(struct imap_session *im)
{
	struct working *w = im->working;
	struct imap_work *work;

	if (w == NULL || !w->done)
		return false;
	work = w->work;
	im->working = NULL;
	working_free(w);
	imap_server_worked(im->engine, work);
	return true;
}

void work_leave(struct imap_session *im)
{
	struct working *w = im->working;

	if (w == NULL || work_runs(im))
		return;
	im->working = NULL;
	imap_work_free(w->work);
	if (w->beside != NULL)
		working_free(w->beside);
	working_free(w);
}
