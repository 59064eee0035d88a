/* role/web_keep.c - what people do with messages, on its way to the stores.
 *
 *   web_keep() -> later --(the round before is over)--> now, sorted -> a run of one mailbox's
 *                   ^                                            -> MARK, TAG -> MARKED, TAGGED
 *                   '------------ it could not be kept: all that is left, in a while --'
 *
 * (1) What is shown is changed before, at once. A message gathers here once, however often it
 *     is changed, and tells what it is when its turn comes.
 * (2) One IPC message is under way at a time: "all are read" is a few of them.
 * (3) Who was promised an answer gets it with the round that has what was there then. */
#include "role/web_keep.h"

#include <stdlib.h>
#include <string.h>

#include "account/slot.h"
#include "account/tags.h"
#include "base/check.h"

/* Where an entry is: not here (or its run has begun), or in one of the two lists. */
enum place { NOWHERE, NOW, LATER };

struct waiting {
	struct list link;               /* web->keep.waits */
	struct http_request *request;
	uint64_t round;                 /* to be over */
};

static unsigned store_of(const struct web *web, uint64_t account)
{
	return account_store(account, web->frame.config->stores);
}

bool web_keeps(const struct web_entry *entry, unsigned what)
{
	return ((entry->unkept | entry->due | entry->asked) & what) != 0;
}

static bool is_empty(const struct web_keep *keep)
{
	return keep->at == keep->n_now && keep->n_later == 0;
}

bool web_keep_is_idle(const struct web *web)
{
	return web->index == NULL || web->keep.paused || is_empty(&web->keep);
}

/* ---- who waits ---- */

static void answer(struct web *web, struct http_request *request, bool ok)
{
	if (ok)
		web_answer_text(web, request, 200, "ok");
	else
		web_answer_text(web, request, 503, "It is shown, and can't be kept now: the disk "
		    "failed");
}

void web_keep_answer(struct web *web, struct http_request *request)
{
	struct web_keep *keep = &web->keep;
	struct waiting *w;

	if (is_empty(keep) || keep->paused) {
		answer(web, request, !keep->paused || is_empty(keep));
		return;
	}
	w = heap_new(web->heap, struct waiting);
	w->request = request;
	w->round = keep->round + (keep->n_later > 0);
	list_append(&keep->waits, &w->link);
}

/* Those who wait for no later round; a failure is all's. */
static void answer_waits(struct web *web, bool ok)
{
	list_for (at, &web->keep.waits) {
		struct waiting *w = list_item(at, struct waiting, link);

		if (ok && w->round > web->keep.round)
			continue;
		list_remove(&w->link);
		answer(web, w->request, ok);
		heap_free(web->heap, w);
	}
}

/* ---- the two lists ---- */

/* Takes over a hold of it. */
static void put_later(struct web *web, struct web_entry *entry)
{
	struct web_keep *keep = &web->keep;

	if (keep->n_later == keep->capacity) {
		keep->capacity = keep->capacity == 0 ? 64 : keep->capacity * 2;
		keep->later = heap_resize(web->heap, keep->later,
		    keep->capacity * sizeof *keep->later);
	}
	keep->later[keep->n_later++] = entry;
	entry->kept_in = LATER;
}

void web_keep(struct web *web, struct web_entry *entry, unsigned what)
{
	if (!web->frame.config->mock)
		return;
	entry->unkept |= what & (KEEP_READ | KEEP_TAGS);
	if (entry->kept_in != NOWHERE)
		return;
	index_hold(entry);
	put_later(web, entry);
	os_defer(web->os, &web->keep.more);
}

static int by_place(const void *a, const void *b)
{
	const struct web_entry *left = *(struct web_entry *const *)a;
	const struct web_entry *right = *(struct web_entry *const *)b;

	if (left->account != right->account)
		return left->account < right->account ? -1 : 1;
	return left->uid < right->uid ? -1 : left->uid > right->uid;
}

static void begin_round(struct web_keep *keep)
{
	check(keep->now == NULL && keep->n_later > 0);
	keep->now = keep->later;
	keep->n_now = keep->n_later;
	keep->at = keep->run = 0;
	keep->later = NULL;
	keep->n_later = keep->capacity = 0;
	keep->round++;
	qsort(keep->now, keep->n_now, sizeof *keep->now, by_place);
	for (size_t i = 0; i < keep->n_now; i++)
		keep->now[i]->kept_in = NOW;
}

/* What of it was not kept is in `later`. */
static void end_round(struct web *web)
{
	struct web_keep *keep = &web->keep;
	bool ok = !keep->failed;

	heap_free(web->heap, keep->now);
	keep->now = NULL;
	keep->n_now = keep->at = keep->run = 0;
	keep->failed = false;
	if (!ok) {
		keep->paused = true;
		os_timer_start(web->os, &keep->retry, WEB_KEEP_RETRY_MS);
	}
	answer_waits(web, ok);
}

static void begin_run(struct web_keep *keep)
{
	uint64_t account = keep->now[keep->at]->account;

	while (keep->run < keep->n_now && keep->now[keep->run]->account == account &&
	    keep->run - keep->at < WEB_KEEP_RUN) {
		struct web_entry *entry = keep->now[keep->run++];

		entry->kept_in = NOWHERE;
		entry->due = entry->unkept;
		entry->unkept = 0;
	}
}

static void end_run(struct web *web)
{
	struct web_keep *keep = &web->keep;

	for (; keep->at < keep->run; keep->at++)
		index_release(web->index, keep->now[keep->at]);
	if (keep->at == keep->n_now)
		end_round(web);
}

/* ---- on the way ---- */

static bool is_marked(const struct web_entry *entry, bool read)
{
	return !entry->gone && (entry->due & KEEP_READ) != 0 && entry->read == read;
}

static bool send_marks(struct web *web, struct ipc_channel *store, bool read)
{
	struct web_keep *keep = &web->keep;
	struct buffer *out;
	uint32_t n = 0;

	for (size_t i = keep->at; i < keep->run; i++)
		n += is_marked(keep->now[i], read);
	if (n == 0)
		return false;
	keep->number = ++web->number_last;
	out = ipc_begin(store, IPC_MARK);
	put_u64(out, keep->number);
	put_u64(out, keep->now[keep->at]->account);
	put_u8(out, read);
	put_u32(out, n);
	for (size_t i = keep->at; i < keep->run; i++) {
		struct web_entry *entry = keep->now[i];

		if (!is_marked(entry, read))
			continue;
		put_u32(out, entry->uid);
		entry->due &= (unsigned)~KEEP_READ;
		entry->asked |= KEEP_READ;
	}
	ipc_end(store, -1);
	return true;
}

static bool is_tagged(const struct web_entry *entry)
{
	return !entry->gone && (entry->due & KEEP_TAGS) != 0;
}

/* In a TAG. */
static size_t tagged_len(const struct web_entry *entry)
{
	size_t len = 2 * sizeof(uint32_t);

	for (size_t i = 0; i < entry->n_tags; i++)
		len += 1 + entry->tags[i]->len;
	return len;
}

static void put_tagged(struct buffer *out, const struct web_entry *entry)
{
	put_u32(out, entry->uid);
	put_u32(out, (uint32_t)(tagged_len(entry) - 2 * sizeof(uint32_t)));
	for (size_t i = 0; i < entry->n_tags; i++) {
		put_u8(out, (uint8_t)entry->tags[i]->len);
		buffer_add(out, web_tag_name(entry->tags[i]));
	}
}

/* As many as one message takes; the next ones after its answer. */
static bool send_tags(struct web *web, struct ipc_channel *store)
{
	struct web_keep *keep = &web->keep;
	size_t end = keep->at, len = 0;
	struct buffer *out;
	uint32_t n = 0;

	for (; end < keep->run; end++) {
		const struct web_entry *entry = keep->now[end];

		if (!is_tagged(entry))
			continue;
		if (len + tagged_len(entry) > WEB_KEEP_TAGS_BYTES)
			break;
		len += tagged_len(entry);
		n++;
	}
	if (n == 0)
		return false;
	keep->number = ++web->number_last;
	out = ipc_begin(store, IPC_TAG);
	put_u64(out, keep->number);
	put_u64(out, keep->now[keep->at]->account);
	put_u32(out, n);
	for (size_t i = keep->at; i < end; i++) {
		struct web_entry *entry = keep->now[i];

		if (!is_tagged(entry))
			continue;
		put_tagged(out, entry);
		entry->due &= (unsigned)~KEEP_TAGS;
		entry->asked |= KEEP_TAGS;
	}
	ipc_end(store, -1);
	return true;
}

static void put_run_off(struct web *web)
{
	struct web_keep *keep = &web->keep;

	for (; keep->at < keep->run; keep->at++) {
		struct web_entry *entry = keep->now[keep->at];

		entry->unkept |= entry->due | entry->asked;
		entry->due = entry->asked = 0;
		if (entry->gone || entry->unkept == 0 || entry->kept_in == LATER)
			index_release(web->index, entry);
		else
			put_later(web, entry);
	}
}

/* All that is left of the round comes again in one to come. */
static void put_off(struct web *web)
{
	struct web_keep *keep = &web->keep;

	keep->number = 0;
	keep->failed = true;
	keep->run = keep->n_now;
	put_run_off(web);
	end_round(web);
}

static void step(struct web *web)
{
	struct web_keep *keep = &web->keep;

	while (keep->number == 0 && !keep->paused && !is_empty(keep)) {
		struct ipc_channel *store;
		unsigned index;

		if (keep->now == NULL)
			begin_round(keep);
		if (keep->run == keep->at)
			begin_run(keep);
		index = store_of(web, keep->now[keep->at]->account);
		store = frame_peer(&web->frame, ROLE_STORE, index);
		/* A new one takes nothing before it told what it has. */
		if (store == NULL || !web->listed[index])
			put_off(web);
		else if (!send_marks(web, store, true) && !send_marks(web, store, false) &&
		    !send_tags(web, store))
			end_run(web);
	}
}

static void on_more(struct os_defer *defer)
{
	step(defer->owner);
}

void web_keep_more(struct web *web)
{
	os_timer_stop(web->os, &web->keep.retry);
	web->keep.paused = false;
	step(web);
}

static void on_retry(struct os_timer *timer)
{
	web_keep_more(timer->owner);
}

bool web_kept(struct web *web, struct ipc_channel *store, struct ipc_message *message)
{
	struct web_keep *keep = &web->keep;
	uint64_t number = get_u64(&message->body);
	uint8_t ok = get_u8(&message->body);

	if (!bytes_end(&message->body) || ok > 1)
		return false;
	if (number == 0 || number != keep->number)
		return true;            /* it was put off meanwhile */
	if (store_of(web, keep->now[keep->at]->account) != ipc_peer_index(store))
		return false;
	keep->number = 0;
	for (size_t i = keep->at; ok == 1 && i < keep->run; i++)
		keep->now[i]->asked = 0;
	if (ok == 0) {
		/* Other mailboxes have their turn. */
		put_run_off(web);
		keep->failed = true;
		end_run(web);
	}
	step(web);
	web_drain_check(web);
	return true;
}

/* Its answer will not come; what another was asked may be asked again. */
void web_keep_left(struct web *web)
{
	if (!is_empty(&web->keep))
		put_off(web);
	web_drain_check(web);
}

void web_keep_init(struct web *web)
{
	list_init(&web->keep.waits);
	web->keep.more = (struct os_defer){ .run = on_more, .owner = web };
	web->keep.retry = (struct os_timer){ .fire = on_retry, .owner = web };
}
