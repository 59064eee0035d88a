/* role/store_checkpoint.c - changes go to disk, many accounts at a time.
 *
 *   dirty --(somebody waits: now; else a quiet moment, some time, many bytes)--> flight
 *   flight: packs and folders, sync; logs, sync --> settled, or taken back
 *
 * A flight syncs file by file when they are few, or else the whole file system
 * (syncfs) if that lately cost less. One flight at a time: what comes meanwhile
 * gathers for the next. */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "role/store_impl.h"

enum {
	SYNC_FILE_US = 2000,            /* before anything was measured */
	SYNC_SYSTEM_US = 20000,
};

static void plan_step_add(struct store *s, struct plan_step step)
{
	plan_add(s->os, &s->flight.plan, step);
}

/* ---- the two halves ---- */

static bool has_folders(const struct box *box)
{
	for (size_t i = 0; i < ACCOUNT_FOLDERS; i++) {
		if (box->files.folders[i] >= 0)
			return true;
	}
	return false;
}

static void write_pieces(struct store *s, struct box *box)
{
	list_for(at, &box->flying_pieces) {
		struct piece *piece = list_item(at, struct piece, link);

		plan_step_add(s, (struct plan_step){ .verb = PLAN_WRITE, .fd = box->files.pack,
		    .offset = piece->offset, .bytes = slice_of(piece->bytes, piece->len) });
		if (buffer_bytes(&piece->frames).len > 0)
			plan_step_add(s, (struct plan_step){ .verb = PLAN_WRITE,
			    .fd = box->files.pack, .offset = piece->offset + piece->len,
			    .bytes = buffer_bytes(&piece->frames) });
		if (piece->from >= 0)
			plan_step_add(s, (struct plan_step){ .verb = PLAN_COPY,
			    .fd = box->files.pack, .offset = piece->offset + piece->len,
			    .from = piece->from, .from_offset = piece->from_offset,
			    .length = piece->from_len, .checksum = piece->checksum });
	}
}

static size_t pack_syncs(const struct box *box)
{
	size_t n = !list_empty(&box->flying_pieces);

	for (size_t i = 0; i < ACCOUNT_FOLDERS; i++)
		n += box->files.folders[i] >= 0;
	return n;
}

static void sync_pack(struct store *s, struct box *box)
{
	if (!list_empty(&box->flying_pieces))
		plan_step_add(s, (struct plan_step){ .verb = PLAN_SYNC, .fd = box->files.pack });
	for (size_t i = 0; i < ACCOUNT_FOLDERS; i++) {
		if (box->files.folders[i] >= 0)
			plan_step_add(s, (struct plan_step){ .verb = PLAN_SYNC_FOLDER,
			    .fd = box->files.folders[i] });
	}
}

/* The head block comes last, when all else is on disk: it makes this segment the
 * account's newest, and what it repeats of an earlier one counts there no more. */
static void write_log(struct store *s, struct flying *flying)
{
	for (size_t i = 0; i < flying->n_writes; i++) {
		if (i > 0)
			plan_step_add(s, (struct plan_step){ .verb = PLAN_SYNC,
			    .fd = flying->box->files.log });
		plan_step_add(s, (struct plan_step){ .verb = PLAN_WRITE,
		    .fd = flying->box->files.log, .offset = flying->writes[i].offset,
		    .bytes = flying->writes[i].bytes });
	}
}

static bool prefer_system(const struct store *s, size_t n_files)
{
	return n_files > STORE_SYNC_FILES && !s->no_sync_system &&
	    n_files * s->sync_file_us > s->sync_system_us;
}

/* Only os_planted() asks. */
static bool only_flags(const struct account *a)
{
	for (size_t i = 0; i < a->n_taken; i++) {
		if (a->changes[i].type != RECORD_FLAGS)
			return false;
	}
	return true;
}

static void start_half(struct store *s)
{
	struct flight *f = &s->flight;

	plan_reset(s->os, &f->plan);
	f->n_files = 0;
	list_for(at, &f->boxes) {
		struct flying *flying = list_item(at, struct flying, link);

		if (f->logs)
			write_log(s, flying);
		else
			write_pieces(s, flying->box);
		f->n_files += f->logs ? 1 : pack_syncs(flying->box);
	}
	f->system = prefer_system(s, f->n_files);
	if (f->system)
		plan_step_add(s, (struct plan_step){ .verb = PLAN_SYNC_SYSTEM, .fd = s->root });
	list_for(at, &f->boxes) {
		struct box *box = list_item(at, struct flying, link)->box;

		if (f->system)
			break;
		if (f->logs && os_planted(s->os, OS_PLANT_FLAGS_UNSYNCED) && only_flags(box->account))
			continue;
		if (f->logs)
			plan_step_add(s, (struct plan_step){ .verb = PLAN_SYNC,
			    .fd = box->files.log });
		else
			sync_pack(s, box);
	}
	f->since_us = os_now_us(s->os);
	plan_start(s->os, &f->plan);
}

/* What a sync costs, so that the cheaper way is taken next time. */
static void learn_cost(struct store *s)
{
	struct flight *f = &s->flight;
	uint64_t took_us = os_now_us(s->os) - f->since_us;

	if (f->system)
		s->sync_system_us = (3 * s->sync_system_us + took_us) / 4;
	else if (f->n_files > 0)
		s->sync_file_us = (3 * s->sync_file_us + took_us / f->n_files) / 4;
}

/* ---- the end of a flight ---- */

/* Only os_planted() has it. */
static void forget_uids(struct account *a)
{
	const struct account_state *state = &a->state;

	if (!state->full || a->n_changes > 0)
		return;
	a->uid_next = state->n_rows > 0 ? state->rows[state->n_rows - 1].uid + 1 : 1;
	a->state.head.uid_next = a->uid_next;
}

static void settle(struct box *box)
{
	store_watch_settling(box);
	views_settling(box);
	account_settled(box->account);
	if (os_planted(box->store->os, OS_PLANT_UID_AGAIN))
		forget_uids(box->account);
	store_watch_settled(box);
	box_judge_quota(box);
	box_close_folders(box);
	pieces_free(box, &box->flying_pieces);
	offers_answer(box, &box->pending, box->n_flying, DELIVERY_DURABLE);
	box->n_flying = 0;
	box_judge_waiting(box);
	if (box->account->n_changes == 0)
		list_remove(&box->dirty);
	box->landed = box->flight;
	box_changes_landed(box, true);
	/* Those who made a change know of it already. */
	views_settled(box);
}

/* Also what came after the flight began: its place in the pack and in the log is
 * behind what is lost. */
static void give_up(struct box *box)
{
	pieces_free(box, &box->flying_pieces);
	pieces_free(box, &box->pieces);
	offers_answer(box, &box->pending, SIZE_MAX, DELIVERY_LATER);
	box->n_flying = 0;
	box->flush_failed = true;
	list_remove(&box->dirty);
	box->hot = false;
	box_judge_quota(box);
	box_changes_landed(box, false);
}

static void take_back(struct box *box)
{
	account_failed(box->account);
	box_close_files(box);
	box->pack_over = true;
	give_up(box);
}

static void land(struct store *s, int error)
{
	struct flight *f = &s->flight;
	struct list boxes, *at;

	if (error != 0)
		store_failed(s, "account: a write or sync failed", error);
	else
		store_recovered(s);
	f->busy = f->logs = false;
	plan_reset(s->os, &f->plan);
	s->last_flight_ms = os_now_ms(s->os);
	/* Steps may begin the next flight. */
	list_init(&boxes);
	while ((at = list_take_first(&f->boxes)) != NULL)
		list_append(&boxes, at);
	while ((at = list_take_first(&boxes)) != NULL) {
		struct flying *flying = list_item(at, struct flying, link);
		struct box *box = flying->box;

		heap_free(s->heap, flying);
		box->flying = false;
		if (error != 0)
			take_back(box);
		else
			settle(box);
		box_count_memory(box);
		box_step(box);
	}
	checkpoint_schedule(s);
	boxes_limit(s);
	store_drain_check(s);
}

/* ---- bodies that can't be read ---- */

/* Nothing of it is in the log yet, and no record will name what is in the pack. */
static void withdraw(struct box *box)
{
	struct piece *first = list_item(box->flying_pieces.next, struct piece, link);

	os_log(box->store->os, OS_ERROR, "account %016llx: the journal does not give the body of "
	    "a message for it; it is tried again", (unsigned long long)box->id);
	box->pack_end = first->offset;
	account_withdraw(box->account);
	box_close_folders(box);
	give_up(box);
}

/* The router's word of where a body is does not hold: no fault of our disk. These wait
 * and the others go on. */
static void leave_behind(struct store *s)
{
	const struct plan *plan = &s->flight.plan;
	struct list left, *at;

	list_init(&left);
	for (size_t i = 0; i < plan->n; i++) {
		if (!plan->steps[i].unreadable)
			continue;
		list_for(of, &s->flight.boxes) {
			if (list_item(of, struct flying, link)->box->files.pack != plan->steps[i].fd)
				continue;
			list_remove(of);
			list_append(&left, of);
			break;
		}
	}
	while ((at = list_take_first(&left)) != NULL) {
		struct flying *flying = list_item(at, struct flying, link);
		struct box *box = flying->box;

		heap_free(s->heap, flying);
		box->flying = false;
		withdraw(box);
		box_count_memory(box);
		box_step(box);
	}
}

/* The bodies are on disk: now their records may be. */
static void start_logs(struct store *s)
{
	struct flight *f = &s->flight;

	f->logs = true;
	list_for(at, &f->boxes) {
		struct flying *flying = list_item(at, struct flying, link);
		struct box *box = flying->box;

		flying->n_writes = account_take(box->account, flying->n_changes, flying->writes);
		if (flying->n_writes > 0)
			continue;
		/* The segment is full: as rare as a gigabyte of records. */
		list_remove(&flying->link);
		heap_free(s->heap, flying);
		box->flying = false;
		take_back(box);
		box_step(box);
	}
	start_half(s);
}

static void half_done(struct plan *plan)
{
	struct store *s = plan->owner;
	struct flight *f = &s->flight;

	if (plan->error == -ENOSYS && f->system) {
		s->no_sync_system = true;
		start_half(s);          /* the same bytes at the same places */
		return;
	}
	if (plan->error != 0) {
		land(s, plan->error);
		return;
	}
	learn_cost(s);
	if (plan->unreadable)
		leave_behind(s);
	if (f->logs || list_empty(&f->boxes))
		land(s, 0);
	else
		start_logs(s);
}

/* ---- the start of a flight ---- */

static bool can_fly(const struct box *box)
{
	return !box->busy && !box->flying && box->account->open && box->files.log >= 0;
}

static void board(struct store *s, struct box *box)
{
	struct flying *flying = heap_new(s->heap, struct flying);
	struct list *at;

	list_remove(&box->dirty);
	box->hot = false;
	store_mock_trim(box);
	flying->box = box;
	flying->n_changes = box->account->n_changes;
	box->flying = true;
	box->flight = ++box->boarded;
	box_changes_board(box);
	while ((at = list_take_first(&box->pieces)) != NULL)
		list_append(&box->flying_pieces, at);
	list_for(p, &box->pending)
		box->n_flying++;
	list_append(&s->flight.boxes, &flying->link);
}

static void take_off(struct store *s, bool hot_only)
{
	struct flight *f = &s->flight;
	bool bodies = false;

	check(!f->busy);
	list_for(at, &s->dirty) {
		struct box *box = list_item(at, struct box, dirty);

		if (hot_only && !box->hot)
			break;
		if (can_fly(box))
			board(s, box);
	}
	if (!hot_only) {
		s->dirty_since_ms = os_now_ms(s->os);
		s->unsaved_bytes = s->unsaved_messages = s->unsaved_boxes = 0;
	}
	if (list_empty(&f->boxes))
		return;
	f->busy = true;
	list_for(at, &f->boxes) {
		struct box *box = list_item(at, struct flying, link)->box;

		bodies = bodies || !list_empty(&box->flying_pieces) || has_folders(box);
	}
	if (bodies)
		start_half(s);
	else
		start_logs(s);
}

/* ---- when ---- */

static bool anybody_waits(const struct store *s)
{
	return !list_empty(&s->dirty) && list_item(s->dirty.next, struct box, dirty)->hot;
}

/* A flight writes and syncs two files of each account, for one message or for many. */
static bool are_few(const struct store *s)
{
	return s->unsaved_messages < STORE_CHECKPOINT_FEW * s->unsaved_boxes;
}

static bool are_enough(const struct store *s)
{
	const struct config *config = s->frame.config;
	uint64_t most = are_few(s) ? STORE_FLUSH_FEW_BYTES : STORE_FLUSH_BYTES;
	uint64_t share = config->journal_size / STORE_FLUSH_DIVISOR / config->stores;

	return s->unsaved_bytes > (most < share ? most : share) ||
	    s->unsaved_messages > STORE_FLUSH_MESSAGES || s->pending_bytes > STORE_FLUSH_BYTES;
}

/* Milliseconds until all that is dirty should fly; 0: now. */
static uint64_t checkpoint_in(const struct store *s)
{
	uint64_t now = os_now_ms(s->os), due = s->dirty_since_ms +
	    (are_few(s) ? STORE_CHECKPOINT_FEW_MS : STORE_CHECKPOINT_MS);
	uint64_t quiet = s->last_offer_ms + STORE_QUIET_MS;
	uint64_t gap = s->last_flight_ms + STORE_GAP_MS;

	if (are_enough(s) || s->frame.draining || !list_empty(&s->starved))
		return 0;
	/* Somebody looks on: at once after a quiet time, and a stream in small flights. */
	if (store_watches(s)) {
		due = s->last_flight_ms + STORE_WATCHED_GAP_MS;
		return due > now ? due - now : 0;
	}
	if (quiet < gap)
		quiet = gap;
	if (quiet < due)
		due = quiet;
	return due > now ? due - now : 0;
}

/* At the end of the turn: all that this turn gathered flies together. */
static void on_turn_end(struct os_defer *defer)
{
	struct store *s = defer->owner;

	if (s->flight.busy || list_empty(&s->dirty))
		return;
	if (checkpoint_in(s) == 0)
		take_off(s, false);
	else if (anybody_waits(s))
		take_off(s, true);
	if (!s->flight.busy && !list_empty(&s->dirty)) {
		uint64_t in = checkpoint_in(s);

		os_timer_start(s->os, &s->checkpoint_timer, in > 0 ? in : STORE_QUIET_MS);
	}
}

static void on_timer(struct os_timer *timer)
{
	checkpoint_schedule(timer->owner);
}

void checkpoint_schedule(struct store *s)
{
	if (!s->flight.busy && !list_empty(&s->dirty))
		os_defer(s->os, &s->checkpoint_defer);
}

void checkpoint_init(struct store *s)
{
	list_init(&s->dirty);
	list_init(&s->flight.boxes);
	plan_init(&s->flight.plan, half_done, s);
	s->sync_file_us = SYNC_FILE_US;
	s->sync_system_us = SYNC_SYSTEM_US;
	s->checkpoint_timer = (struct os_timer){ .fire = on_timer, .owner = s };
	s->checkpoint_defer = (struct os_defer){ .run = on_turn_end, .owner = s };
}
