/* role/store_box.c - open accounts: what each waits for, and its work on the pool.
 *
 *   (load) -> loaded -> (rows) full
 *                '----> (files) writable -> flights
 *
 * box_step() walks what waits, in this order: offers, removal, web, sweep, changes, sessions,
 * upkeep.
 * The first that needs the pool starts a job; job_done() steps again. */
#include <string.h>

#include "account/compact.h"
#include "account/slot.h"
#include "account/tags.h"
#include "base/check.h"
#include "role/store_impl.h"

enum { REOPEN_LOG = 16, REOPEN_PACK = 32 };     /* beside FILES_* */
enum { BAD_RETRY_MS = 5000 };           /* an account that can't be read is tried again */

/* ---- memory and descriptors ---- */

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

static void new_state(struct box *box)
{
	box->heap = heap_create(SIZE_MAX);
	heap_on_drop(box->store->heap, drop_heap, box->heap);
	box->account = heap_new(box->heap, struct account);
	account_init(box->account, box->heap, box->id);
}

static void drop_state(struct box *box)
{
	heap_cancel_on_drop(box->store->heap, drop_heap, box->heap);
	heap_drop(box->heap);
	box->heap = NULL;
	box->store->memory -= box->counted;
	box->counted = 0;
}

void box_count_memory(struct box *box)
{
	size_t now = heap_used(box->heap) + digests_memory(box);

	box->store->memory = box->store->memory - box->counted + now;
	box->counted = now;
}

static size_t count_fds(const struct account_files *files)
{
	size_t n = (files->log >= 0) + (files->pack >= 0);

	for (size_t i = 0; i < ACCOUNT_FOLDERS; i++)
		n += files->folders[i] >= 0;
	return n;
}

static void close_one(struct box *box, int *fd)
{
	if (*fd < 0)
		return;
	os_close(box->store->os, *fd);
	box->store->n_fds--;
	*fd = -1;
}

void box_close_folders(struct box *box)
{
	box->store->n_fds -= count_fds(&box->files);
	account_files_close_folders(box->store->os, &box->files);
	box->store->n_fds += count_fds(&box->files);
}

void box_close_files(struct box *box)
{
	list_remove(&box->opened);
	box->store->n_fds -= count_fds(&box->files);
	account_files_close(box->store->os, &box->files);
}

/* It has descriptors, and was the last to be used. */
static void has_files(struct box *box)
{
	list_remove(&box->opened);
	list_append(&box->store->opened, &box->opened);
}

struct box *box_get(struct store *s, uint64_t id)
{
	struct box *box = table_get(&s->table, table_key(id));

	if (box != NULL) {
		list_remove(&box->link);
		list_append(&s->boxes, &box->link);
		if (!list_empty(&box->opened))
			has_files(box);
		return box;
	}
	box = heap_new(s->heap, struct box);
	box->store = s;
	box->id = id;
	account_files_init(&box->files);
	list_init(&box->offers);
	list_init(&box->pending);
	list_init(&box->pieces);
	list_init(&box->flying_pieces);
	list_init(&box->dirty);
	list_init(&box->opened);
	list_init(&box->starved);
	list_init(&box->next);
	list_init(&box->changes);
	list_init(&box->imap);
	list_init(&box->views);
	new_state(box);
	table_put(&s->table, table_key(box->id), box);
	list_append(&s->boxes, &box->link);
	s->n_boxes++;
	return box;
}

/* Drop the state; what waits goes on with a new load. */
static void unload(struct box *box)
{
	check(!box->busy && !box->flying);
	check(list_empty(&box->pending) && list_empty(&box->pieces));
	list_remove(&box->dirty);
	box_close_files(box);
	drop_state(box);
	new_state(box);
	box->loaded = false;
	box->pack = 0;
	box->pack_first = 0;
	box->pack_over = false;
	box->purged = false;
}

static bool is_idle(const struct box *box)
{
	return !box->busy && !box->flying && !box_has_sessions(box) && !box->removing &&
	    list_empty(&box->starved) && list_empty(&box->next) &&
	    list_empty(&box->offers) && list_empty(&box->pending) && list_empty(&box->dirty) &&
	    list_empty(&box->changes) && !store_watch_wants(box) && !store_sweep_wants(box);
}

static void forget(struct box *box)
{
	struct store *s = box->store;

	box_close_files(box);
	digests_forget(box);
	drop_state(box);
	table_remove(&s->table, table_key(box->id));
	list_remove(&box->link);
	s->n_boxes--;
	heap_free(s->heap, box);
}

static bool has_open_folder(const struct box *box)
{
	for (size_t i = 0; i < ACCOUNT_FOLDERS; i++) {
		if (box->files.folders[i] >= 0)
			return true;
	}
	return false;
}

/* Three quarters of all descriptors are for sessions, half at most, and for files
 * of accounts, which go when sessions come. The rest is for large bodies and for
 * messages being read: a message whose descriptor finds no place ends the channel. */
static size_t files_max(const struct store *s)
{
	size_t all = os_descriptors_max(s->os), left = all / 4 * 3 - s->n_sessions;

	return left < ACCOUNT_FDS_MAX ? left : ACCOUNT_FDS_MAX;
}

/* The least recently used go first. When others starve, a quarter is freed. */
static void free_idle(struct store *s, size_t fds_max)
{
	list_for(at, &s->boxes) {
		struct box *box = list_item(at, struct box, link);

		if (s->n_boxes <= STORE_BOXES_MAX && s->memory <= STORE_MEMORY_MAX)
			break;
		if (is_idle(box))
			forget(box);
	}
	list_for(at, &s->opened) {
		struct box *box = list_item(at, struct box, opened);

		if (s->n_fds <= fds_max)
			break;
		if (!is_idle(box))
			continue;
		/* Names not yet synced: the next load finds out what is there. */
		if (has_open_folder(box))
			forget(box);
		else
			box_close_files(box);
	}
}

bool boxes_leave_descriptor(struct store *s)
{
	size_t all = os_descriptors_max(s->os);

	if (s->n_sessions >= all / 2)
		return false;
	if (s->n_fds >= files_max(s))
		free_idle(s, files_max(s) - 1);
	return s->n_fds < files_max(s);
}

/* Room for one more job's files, beside those of the jobs that run. */
static bool may_open(const struct store *s)
{
	return s->n_fds + (s->n_jobs + 1) * (ACCOUNT_FOLDERS + 2) <= files_max(s);
}

static void limit_boxes(struct os_defer *defer)
{
	struct store *s = defer->owner;
	size_t fds_max = files_max(s);

	free_idle(s, list_empty(&s->starved) ? fds_max : fds_max / 4 * 3);
	while (!list_empty(&s->starved) && may_open(s))
		box_step(list_item(list_take_first(&s->starved), struct box, starved));
}

void boxes_limit(struct store *s)
{
	if (!list_empty(&s->starved) || s->n_boxes > STORE_BOXES_MAX || s->memory > STORE_MEMORY_MAX ||
	    s->n_fds > files_max(s))
		os_defer(s->os, &s->limit_defer);
}

void boxes_init(struct store *s)
{
	s->table = table_init(s->heap, os_random_u64(s->os));
	list_init(&s->boxes);
	list_init(&s->opened);
	list_init(&s->starved);
	s->limit_defer = (struct os_defer){ .run = limit_boxes, .owner = s };
}

/* ---- work on the pool ---- */

/* On a pool thread: a file of this life, opened again. */
static int reopen(struct box *box, struct account_files *files)
{
	struct os *os = box->store->os;
	char path[ACCOUNT_PATH_MAX];

	if (box->want_files & REOPEN_LOG) {
		account_log_path(box->id, box->account->segment.number, path);
		files->log = os_open(os, OS_ROOT, path, OS_READ | OS_WRITE);
		if (files->log < 0)
			return files->log;
	}
	if (box->want_files & REOPEN_PACK) {
		account_pack_path(box->id, box->pack, path);
		files->pack = os_open(os, OS_ROOT, path, OS_READ | OS_WRITE);
		if (files->pack < 0)
			return files->pack;
	}
	return 0;
}

/* On a pool thread. Either log or pack may be made anew, the other opened. */
static int open_files(struct box *box)
{
	struct os *os = box->store->os;
	struct account *a = box->account;
	struct account_files made, opened;
	int error = 0;

	account_files_init(&made);
	account_files_init(&opened);
	if (box->want_files & (FILES_LOG | FILES_PACK))
		error = account_files_create(os, box->id, box->want_files, a->log_next,
		    a->state.head.pack_next > box->pack ? a->state.head.pack_next :
		    box->pack + 1, &made);
	if (error == 0)
		error = reopen(box, &opened);
	if (error != 0) {
		account_files_close(os, &made);
		account_files_close(os, &opened);
		return error;
	}
	if (box->want_files & REOPEN_LOG)
		made.log = opened.log;
	if (box->want_files & REOPEN_PACK)
		made.pack = opened.pack;
	box->new_files = made;
	return 0;
}

static void run_job(struct os_work *work)
{
	struct box *box = work->owner;
	struct os *os = box->store->os;

	switch (box->job) {
	case JOB_LOAD:
		box->loading = account_load(os, box->account, box->want_full, &box->notes);
		break;
	case JOB_ROWS:
		box->loading = account_load_rows(os, box->account, &box->notes);
		break;
	case JOB_FILES:
		box->error = open_files(box);
		break;
	case JOB_REBASE:
		if (box->moves != NULL)
			account_move(box->account, box->moves);
		box->error = account_rebase(os, box->account, &box->birth, box->packs_unused,
		    &box->new_files.log);
		break;
	case JOB_COLLECT:
		account_collect_logs(os, box->account);
		break;
	case JOB_PACKS:
		account_collect_packs(os, box->account, box->pack);
		break;
	case JOB_TAGS:
		box->error = tags_load(os, box->heap, box->id, &box->tags, &box->tags_next);
		break;
	case JOB_NONE:
		check(!"a job");
	}
}

static void job_done(struct os_work *work);

static void start_job(struct box *box, enum job job)
{
	check(!box->busy && !box->flying);
	box->busy = true;
	box->job = job;
	box->error = 0;
	box->notes.n = 0;
	account_files_init(&box->new_files);
	box->store->n_jobs++;
	box->work = (struct os_work){ .run = run_job, .done = job_done, .owner = box,
	    .brief = job == JOB_TAGS };
	os_work_start(box->store->os, &box->work);
}

/* It can't be used now; what waits is told so, what comes in a while tries again. */
static void became_bad(struct box *box, enum account_load_result why)
{
	struct store *s = box->store;
	static const char *const words[] = {
		[ACCOUNT_LOADED] = "",
		[ACCOUNT_DAMAGED] = "its log is damaged; see `posthouse account log`",
		[ACCOUNT_NEWER] = "it was written by a later version of Posthouse",
		[ACCOUNT_IO] = "the disk failed",
	};

	os_log(s->os, OS_ERROR, "account %016llx can't be read: %s",
	    (unsigned long long)box->id, words[why]);
	box->bad = why;
	box->bad_until_ms = os_now_ms(s->os) + BAD_RETRY_MS;
	if (box->removing)
		store_retry(s, BAD_RETRY_MS);
	offers_answer(box, &box->offers, SIZE_MAX, DELIVERY_LATER);
	if (list_empty(&box->pending))
		unload(box);
	store_sweep_bad(box);
	store_watch_bad(box);
	box_changes_fail(box);
	sessions_refuse(box, why == ACCOUNT_IO ? REFUSE_LATER : REFUSE_DAMAGED, false);
}

static void attach_files(struct box *box)
{
	struct account_files *made = &box->new_files, *files = &box->files;
	struct store *s = box->store;
	struct account *a = box->account;

	s->n_fds += count_fds(made);
	has_files(box);
	if (made->log >= 0) {
		close_one(box, &files->log);
		files->log = made->log;
	}
	if (made->pack >= 0) {
		close_one(box, &files->pack);
		files->pack = made->pack;
	}
	for (size_t i = 0; i < ACCOUNT_FOLDERS; i++) {
		close_one(box, &files->folders[i]);
		files->folders[i] = made->folders[i];
	}
	if (box->want_files & FILES_LOG)
		account_begin(a, made->log_number, box->birth.generation,
		    box->birth.uidvalidity, box->birth.created_us);
	if (box->want_files & FILES_PACK) {
		box->pack = made->pack_number;
		box->pack_end = 0;
		box->pack_over = false;
	}
}

static void files_failed(struct box *box)
{
	store_failed(box->store, "account: no new file", box->error);
	box->flush_failed = true;
	offers_answer(box, &box->offers, SIZE_MAX, DELIVERY_LATER);
	box_changes_fail(box);
}

static void judge_job(struct box *box)
{
	bool moves = box->moves != NULL;

	box->moves = NULL;
	switch (box->job) {
	case JOB_LOAD:
	case JOB_ROWS:
		if (box->loading == ACCOUNT_LOADED)
			box->loaded = true;
		else
			became_bad(box, box->loading);
		box->live_version = box->store->live_version - 1;
		break;
	case JOB_FILES:
		if (box->error == 0)
			attach_files(box);
		else
			files_failed(box);
		break;
	case JOB_REBASE:
		if (box->error == 0) {
			close_one(box, &box->files.log);
			box->files.log = box->new_files.log;
			box->store->n_fds++;
			has_files(box);
			box->purged = box->account->state.head.removed;
			if (box->purged) {
				close_one(box, &box->files.pack);
				box->pack = 0;
			}
			if (moves)
				store_compact_swapped(box, true);
			break;
		}
		store_failed(box->store, "account: no new base", box->error);
		if (moves)
			store_compact_swapped(box, false);
		box->flush_failed = true;
		/* What they were shown may not be what is read again. */
		box_changes_fail(box);
		sessions_refuse(box, REFUSE_LATER, true);
		unload(box);
		break;
	case JOB_PACKS:
		box->pack_first = box->account->state.n_rows > 0 ?
		    box->account->state.rows[0].pack : box->pack;
		break;
	case JOB_TAGS:
		store_tags_loaded(box, box->error, box->tags, box->tags_next);
		heap_free(box->heap, (void *)(uintptr_t)box->tags.ptr);
		break;
	case JOB_COLLECT:
	case JOB_NONE:
		break;
	}
}

void box_start_rows(struct box *box)
{
	start_job(box, JOB_ROWS);
}

void box_start_tags(struct box *box)
{
	start_job(box, JOB_TAGS);
}

static void job_done(struct os_work *work)
{
	struct box *box = work->owner;
	struct store *s = box->store;

	box->busy = false;
	s->n_jobs--;
	for (size_t i = 0; i < box->notes.n && i < ACCOUNT_NOTES_MAX; i++)
		os_log(s->os, OS_WARN, "%s", box->notes.lines[i].text);
	judge_job(box);
	box->job = JOB_NONE;
	box_judge_quota(box);
	box_count_memory(box);
	box_step(box);
	box_wake_sessions(box);
	checkpoint_schedule(s);
	boxes_limit(s);
	store_drain_check(s);
}

/* ---- what a box waits for ---- */

static void prepare_birth(struct box *box)
{
	struct os *os = box->store->os;
	int64_t now = os_wall_us(os);
	uint32_t seconds = (uint32_t)(now / 1000000);

	box->birth = (struct account_birth){
		.uidvalidity = seconds != 0 ? seconds : 1,
		.created_us = now,
	};
	/* A generation is never 0: that is a free segment. */
	while (box->birth.generation == 0)
		box->birth.generation = os_random_u64(os);
	while (box->birth.base_generation == 0)
		box->birth.base_generation = os_random_u64(os);
}

static void start_rebase(struct box *box)
{
	if (!box->account->state.full && !box->account->state.head.removed) {
		start_job(box, JOB_ROWS);
		return;
	}
	prepare_birth(box);
	/* Packs below that are nobody's when no row names them. */
	box->packs_unused = box->pack != 0 ? box->pack : box->account->state.head.pack_next;
	if (os_now_ms(box->store->os) < box->packs_kept_until_ms)
		box->packs_unused = 0;
	start_job(box, JOB_REBASE);
}

void box_rebase_for(struct box *box, const struct account_compaction *moves)
{
	check(box->account->state.full);
	box->moves = moves;
	start_rebase(box);
}

bool box_writable(struct box *box, bool pack)
{
	struct account *a = box->account;
	unsigned want = 0;

	check(box->loaded && !box->busy);
	if (!a->open && account_must_base(a)) {
		check(!box->flying);
		start_rebase(box);
		return false;
	}
	/* A mock's log tells mostly of what is gone. A stream of messages would never leave
	 * a moment for a base: they wait for it. */
	if (pack && a->open && store_mock_trims(box->store) && account_wants_base(a) &&
	    !store_stopped(box->store)) {
		if (!box->flying && (a->n_changes == 0 || a->changes[a->n_changes - 1].kept))
			start_rebase(box);
		return false;
	}
	if (!a->open)
		want |= FILES_LOG;
	else if (box->files.log < 0)
		want |= REOPEN_LOG;
	/* A pack is left only when nothing waits to be written to it. */
	if (pack && (box->pack == 0 || box->pack_over ||
	    (box->pack_end >= store_pack_max(box) && list_empty(&box->pieces))))
		want |= FILES_PACK;
	else if (pack && box->files.pack < 0)
		want |= REOPEN_PACK;
	if (want == 0 || box->flying)
		return want == 0;       /* it steps again when it has landed */
	if (!may_open(box->store)) {
		list_remove(&box->starved);
		list_append(&box->store->starved, &box->starved);
		boxes_limit(box->store);
		checkpoint_schedule(box->store);
		return false;
	}
	if (a->segment.end <= LOG_BLOCK && a->state.head.n_chain == 0)
		want |= FILES_FIRST;
	box->want_files = want;
	prepare_birth(box);
	start_job(box, JOB_FILES);
	return false;
}

bool box_is_readable(const struct box *box)
{
	bool reads = box->job == JOB_FILES || box->job == JOB_COLLECT || box->job == JOB_PACKS ||
	    box->job == JOB_TAGS;

	return box->loaded && box->account->state.full && (!box->busy || reads);
}

void box_dirty(struct box *box, bool hot)
{
	struct store *s = box->store;

	box->hot = box->hot || hot;
	if (list_empty(&box->dirty)) {
		if (list_empty(&s->dirty))
			s->dirty_since_ms = os_now_ms(s->os);
		list_append(&s->dirty, &box->dirty);
		s->unsaved_boxes++;
	}
	if (box->hot) {
		/* To the front, so that nobody looks through the others for it. */
		list_remove(&box->dirty);
		list_append(s->dirty.next, &box->dirty);
	}
	checkpoint_schedule(s);
}

/* Each step returns true when the rest has to wait. */

/* Of a mock: old messages go by a flight, packs without one. Whoever reads a message has
 * its pack open. */
static bool step_mock(struct box *box)
{
	if (box->account->removed || store_stopped(box->store))
		return false;
	if (store_mock_expired(box) && box->account->n_changes == 0) {
		if (!box_writable(box, false))
			return true;
		box_dirty(box, false);
	}
	if (!store_mock_wants_packs(box))
		return false;
	start_job(box, JOB_PACKS);
	return true;
}

static bool step_load(struct box *box)
{
	struct store *s = box->store;

	if (box->loaded)
		return false;
	if (list_empty(&box->offers) && !box_has_sessions(box) && !box->removing &&
	    list_empty(&box->changes) && !store_watch_wants(box) && !store_sweep_wants(box))
		return true;
	if (box->bad != ACCOUNT_LOADED && os_now_ms(s->os) < box->bad_until_ms) {
		offers_answer(box, &box->offers, SIZE_MAX, DELIVERY_LATER);
		store_sweep_bad(box);
		store_watch_bad(box);
		box_changes_fail(box);
		sessions_refuse(box, box->bad == ACCOUNT_IO ? REFUSE_LATER : REFUSE_DAMAGED, false);
		return true;
	}
	box->bad = ACCOUNT_LOADED;
	box->want_full = box_has_sessions(box) || store_mock_trims(s) || store_watches(s);
	start_job(box, JOB_LOAD);
	return true;
}

static void step_keys(struct box *box)
{
	struct store *s = box->store;

	/* What waits here may be of a generation that is retired meanwhile. */
	if (!s->told_live || box->live_version == s->live_version || !list_empty(&box->offers))
		return;
	key_set_keep(&box->account->state.keys, s->live, s->n_live);
	box->live_version = s->live_version;
}

/* A record that says so, and then nothing else. */
static bool step_removing(struct box *box)
{
	struct account *a = box->account;

	if (!box->removing || store_stopped(box->store))
		return false;
	if (!a->removed) {
		if (!box_writable(box, false))
			return true;
		account_remove(a);
		box_dirty(box, true);
		return true;
	}
	if (!a->state.head.removed)
		return true;            /* on its way */
	if (!box->purged) {
		/* Nothing of its mail is to be left: a work may still write beside a pack. */
		if (!digests_are_taken(box) && !store_sweep_copies(box))
			start_rebase(box);
		return true;
	}
	box->removing = false;
	return false;
}

static bool step_sessions(struct box *box)
{
	struct account *a = box->account;

	if (!box_is_awaited(box))
		return false;
	if (a->removed) {
		sessions_refuse(box, REFUSE_REMOVED, false);
		return false;
	}
	if (!a->state.full) {
		start_job(box, JOB_ROWS);
		return true;
	}
	/* Show what was delivered a moment ago, too; and nothing that a deletion which
	 * failed would take away in the next life. */
	if ((a->torn || store_mock_expired(box) || sessions_want_flight(box)) &&
	    !box->flush_failed && !store_stopped(box->store)) {
		if (!box_writable(box, false))
			return true;
		box_dirty(box, true);
		return true;
	}
	/* Without what an earlier life may have shown already, messages would vanish
	 * and come back: to a POP3 client new ones. */
	if (a->n_changes > 0 && a->changes[0].kept) {
		sessions_refuse(box, REFUSE_LATER, false);
		return false;
	}
	if (store_first_step(box))
		return true;
	sessions_ready(box);
	return box->busy;
}

static bool step_upkeep(struct box *box)
{
	struct account *a = box->account;

	if (box->session != NULL || a->n_changes > 0 || !a->open || a->state.head.removed ||
	    store_stopped(box->store))
		return false;
	if (account_wants_base(a)) {
		start_rebase(box);
		return true;
	}
	if (account_wants_collect(a)) {
		start_job(box, JOB_COLLECT);
		return true;
	}
	return false;
}

void box_step(struct box *box)
{
	if (box->busy || step_load(box))
		return;
	if (!box->flying)
		step_keys(box);
	if (!box_take_offers(box) || box->flying)
		return;
	step_keys(box);
	if (step_removing(box) || store_watch_step(box) || store_sweep_step(box) ||
	    box_changes_step(box) ||
	    step_sessions(box) || step_mock(box))
		return;
	(void)step_upkeep(box);
}
