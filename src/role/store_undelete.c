/* role/store_undelete.c - posthouse undelete: what was expunged is listed, and brought back.
 *
 *   UNDELETE -> a change of the box's (store_queue.c) -> list: headers read (pool) -> UNDELETE_IS
 *                                                    '-> restore: has landed ------^
 *
 * {"command": "undelete list", "address": A, "mailbox": M, "since": S, "after": UID}
 * {"ok": true, "rows": [{"id": UID, "mailbox": ...}], "more": "UID"}
 * {"command": "undelete restore", "address": A, "all": true | "ids": [UID...], ...}
 * {"ok": true, "messages": N, "mailboxes": [{"mailbox": M, "to": T, "made": false, ...}]}
 *
 * mailbox and since (seconds: expunged within them) leave out the others. The id of a message is its UID in
 * the graveyard, which no other message of the account ever has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "account/slot.h"
#include "base/check.h"
#include "base/text.h"
#include "imap/mailbox.h"
#include "journey/event.h"
#include "mail/header.h"
#include "mail/header_text.h"
#include "pack/batch.h"
#include "role/store_imap.h"

/* Bytes of rows after which an answer ends: with one row more it still fits in a message. */
enum { LIST_BYTES_MAX = 64 * 1024 };

/* A buried message that was asked for. */
struct pick {
	uint16_t mailbox;               /* the one that it was in */
	uint32_t uid;
};

/* One that is listed. */
struct found {
	struct pick pick;
	slice mailbox;                  /* its name */
	bool gone;                      /* the mailbox is no more */
	uint32_t expunged_s;
	int64_t received_us;
	uint64_t size;
	slice from, subject;            /* of its header */
};

struct undelete {
	struct box_change change;
	struct os_work work;
	struct list link;               /* store->undeletes */
	struct store *store;
	struct heap *heap;              /* of its own: the pool has it for a while */
	struct arena arena;
	uint64_t account, request;
	bool over;                      /* the directory that asked is gone */
	bool restores;
	json_t *asked;
	slice mailbox;                  /* NULL: any */
	uint32_t since_s, after;        /* 0: any */
	json_t *answer;
	size_t n;
	bool more;
	struct found found[STORE_UNDELETE_ROWS];
	struct pack_want wants[STORE_UNDELETE_ROWS];
};

uint32_t store_bury_s(const struct box *box)
{
	const struct config *config = box->store->frame.config;

	if (config->mock || config->undelete_s == 0 ||
	    box->account->state.head.rows > STORE_BURY_MESSAGES_MAX)
		return 0;
	return (uint32_t)(os_wall_us(box->store->os) / 1000000);
}

static json_t *fault(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

static json_t *text_of(slice text)
{
	char shown[STORE_UNDELETE_TEXT_MAX];
	json_t *as_it_is = json_stringn((const char *)text.ptr, text.len);

	return as_it_is != NULL ? as_it_is : json_string(text_printable(text, shown, sizeof shown));
}

/* ---- its end ---- */

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

static void drop_json(void *owner)
{
	struct undelete *u = owner;

	json_decref(u->answer);
	json_decref(u->asked);
}

static void finish(struct undelete *u)
{
	struct store *s = u->store;
	struct ipc_channel *directory = frame_peer(&s->frame, ROLE_DIRECTORY, 0);
	char *bytes = json_dumps(u->answer, JSON_COMPACT);
	struct buffer *out;

	if (!u->over && directory != NULL) {
		out = ipc_begin(directory, IPC_UNDELETE_IS);
		put_u64(out, u->request);
		put_slice(out, slice_from(bytes));
		ipc_end(directory, -1);
	}
	free(bytes);
	list_remove(&u->link);
	s->n_undeletes--;
	heap_cancel_on_drop(s->heap, drop_heap, u->heap);
	heap_drop(u->heap);
}

static void answer(struct store *s, uint64_t request, const char *error)
{
	struct ipc_channel *directory = frame_peer(&s->frame, ROLE_DIRECTORY, 0);
	struct buffer *out = ipc_begin(directory, IPC_UNDELETE_IS);
	char text[200];

	snprintf(text, sizeof text, "{\"error\":\"%s\"}", error);
	put_u64(out, request);
	put_slice(out, slice_from(text));
	ipc_end(directory, -1);
}

/* ---- which ---- */

static bool fits(const struct undelete *u, const struct account_state *state,
    const struct account_row *row)
{
	const struct account_mailbox *m = account_mailbox(state, row->mailbox);

	if (!is_graveyard(row->mailbox) || m == NULL || row->saved_s < u->since_s)
		return false;
	return u->mailbox.ptr == NULL || imap_name_same(m->name, u->mailbox);
}

static slice name_of(const struct account_mailbox *m)
{
	return m->number == ACCOUNT_INBOX ? slice_lit("INBOX") : m->name;
}

/* ---- list ---- */

static int open_pack(void *context, uint32_t number)
{
	const struct undelete *u = context;
	char path[ACCOUNT_PATH_MAX];

	account_pack_path(u->account, number, path);
	return os_open(u->store->os, OS_ROOT, path, OS_READ);
}

/* On the pool. What can't be read is listed without: `verify` finds out why. */
static void read_headers(struct os_work *work)
{
	struct undelete *u = work->owner;
	struct charsets *charsets = charsets_create(u->heap);
	struct pack_batch batch;
	slice text;

	pack_batch_init(&batch, u->store->os, u->heap, u->account, open_pack, u);
	for (size_t i = 0; i < u->n; i++) {
		struct found *f = &u->found[i];

		if (pack_batch_read(&batch, u->wants, u->n, i, true, &text) != PACK_OK)
			continue;
		f->from = header_text(charsets, (slice){ 0 },
		    header_find(text, slice_lit("From")), STORE_UNDELETE_TEXT_MAX, &u->arena);
		f->subject = header_text(charsets, (slice){ 0 },
		    header_find(text, slice_lit("Subject")), STORE_UNDELETE_TEXT_MAX, &u->arena);
	}
	pack_batch_close(&batch);
}

static json_t *row_of(const struct found *f)
{
	return json_pack("{s:I, s:o, s:b, s:I, s:I, s:I, s:o, s:o}",
	    "id", (json_int_t)f->pick.uid, "mailbox", text_of(f->mailbox),
	    "mailbox_gone", f->gone, "expunged", (json_int_t)f->expunged_s,
	    "received", (json_int_t)(f->received_us / 1000000), "size", (json_int_t)f->size,
	    "from", text_of(f->from), "subject", text_of(f->subject));
}

static void headers_read(struct os_work *work)
{
	struct undelete *u = work->owner;
	struct store *s = u->store;
	json_t *rows = json_array();
	size_t bytes = 0, i;
	char more[16];

	for (i = 0; i < u->n && bytes < LIST_BYTES_MAX; i++) {
		json_t *row = row_of(&u->found[i]);

		bytes += json_dumpb(row, NULL, 0, JSON_COMPACT);
		json_array_append_new(rows, row);
	}
	u->answer = json_pack("{s:b, s:o}", "ok", 1, "rows", rows);
	if (i < u->n || u->more) {
		snprintf(more, sizeof more, "%u", u->found[i - 1].pick.uid);
		json_object_set_new(u->answer, "more", json_string(more));
	}
	finish(u);
	s->n_jobs--;
	store_drain_check(s);
}

static void gather(struct undelete *u, const struct account_state *state)
{
	for (size_t i = account_state_lower(state, u->after + 1); i < state->n_rows; i++) {
		const struct account_row *row = &state->rows[i];
		const struct account_mailbox *m;

		if (!fits(u, state, row))
			continue;
		if (u->n == STORE_UNDELETE_ROWS) {
			u->more = true;
			return;
		}
		m = account_mailbox(state, row->mailbox);
		u->wants[u->n] = (struct pack_want){ row->pack, row->offset, row->stored };
		u->found[u->n++] = (struct found){
			.pick = { m->number, row->uid }, .gone = !account_mailbox_exists(m),
			.mailbox = slice_of(slice_cstr(&u->arena, name_of(m)), name_of(m).len),
			.expunged_s = row->saved_s, .received_us = row->received_us,
			.size = row->size,
		};
	}
}

/* What an earlier life wrote, or somebody changes now, is made durable first. */
static bool make_list(struct box *box, struct box_change *change)
{
	return box->account->n_changes > 0;
}

static void list_landed(struct box *box, struct box_change *change, bool ok)
{
	struct undelete *u = list_item(change, struct undelete, change);

	if (!ok) {
		u->answer = fault("the account can't be read now; see the server's log, and try again");
		finish(u);
		return;
	}
	gather(u, &box->account->state);
	u->store->n_jobs++;
	u->work = (struct os_work){ .run = read_headers, .done = headers_read, .owner = u };
	os_work_start(u->store->os, &u->work);
}

static const struct change_kind listing = { .looks = true, .make = make_list,
    .landed = list_landed };

/* ---- restore ---- */

static int by_mailbox(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;

	if (x->mailbox != y->mailbox)
		return x->mailbox < y->mailbox ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* By number. NULL, and there is an answer: one is not there. */
static struct pick *pick_named(struct undelete *u, const struct account_state *state,
    const json_t *ids, size_t *ret_n)
{
	struct pick *picks = heap_alloc(u->heap, (json_array_size(ids) + 1) * sizeof *picks);
	const json_t *id;
	char text[160];
	size_t i, n = 0;

	json_array_foreach(ids, i, id) {
		json_int_t number = json_integer_value(id);
		const struct account_row *row = number > 0 && number <= UINT32_MAX ?
		    account_state_find(state, (uint32_t)number) : NULL;

		if (row == NULL || !fits(u, state, row)) {
			snprintf(text, sizeof text, "no message %lld can be brought back: it was, "
			    "or is gone for good, or its number is another", (long long)number);
			u->answer = fault(text);
			return NULL;
		}
		picks[n++] = (struct pick){ account_mailbox(state, row->mailbox)->number, row->uid };
	}
	qsort(picks, n, sizeof *picks, by_mailbox);
	*ret_n = 0;
	for (i = 0; i < n; i++) {       /* each once */
		if (i == 0 || picks[i].uid != picks[i - 1].uid)
			picks[(*ret_n)++] = picks[i];
	}
	return picks;
}

static struct pick *pick_all(struct undelete *u, const struct account_state *state, size_t *ret_n)
{
	struct pick *picks = NULL;
	size_t capacity = 0, n = 0;

	for (size_t i = 0; i < state->n_rows; i++) {
		if (!fits(u, state, &state->rows[i]))
			continue;
		picks = account_state_grow(u->heap, picks, n, &capacity, sizeof *picks);
		picks[n++] = (struct pick){ account_mailbox(state, state->rows[i].mailbox)->number,
			state->rows[i].uid };
	}
	if (n > 0)
		qsort(picks, n, sizeof *picks, by_mailbox);
	else
		u->answer = fault("there is nothing that can be brought back");
	*ret_n = n;
	return picks;
}

struct target {
	uint16_t number;
	slice name;                     /* of `arena` */
	bool made;
};

/* Where messages of a mailbox go: there; if it is gone, to the one that has its name now, or
 * that is made; to INBOX when none can be. */
static struct target target_of(struct undelete *u, struct box *box, uint16_t mailbox)
{
	const struct account_mailbox *m = account_mailbox(&box->account->state, mailbox), *now = m;
	slice name = slice_from(slice_cstr(&u->arena, name_of(m)));
	struct target to = { .number = mailbox, .name = name };

	if (!account_mailbox_exists(m)) {
		now = account_mailbox_find(&box->account->state, name);
		if (account_mailbox_exists(now)) {
			to.number = now->number;
		} else if (change_superiors(box, name) == ACCOUNT_CHANGED &&
		    account_create(box->account, name, USE_NONE, &to.number) == ACCOUNT_CHANGED) {
			to.made = true;
		} else {
			to = (struct target){ .number = ACCOUNT_INBOX, .name = slice_lit("INBOX") };
		}
	}
	return to;
}

static void tell_restored(const struct box *box, const struct target *to, size_t n, uint32_t uid)
{
	struct event event;

	os_log(box->store->os, OS_INFO, "account %016llx: %zu messages that were expunged are brought "
	    "back by hand", (unsigned long long)box->id, n);
	if (!event_begin(&event, box->store->os, "restored"))
		return;
	event_name(&event, "account", box->id);
	event_number(&event, "messages", n);
	event_text(&event, "name", to->name);
	event_number(&event, "uid", uid);
	event_end(&event);
}

/* Those of one mailbox. False: no room. */
static bool restore(struct undelete *u, struct box *box, const struct pick *picks, size_t n)
{
	struct target to = target_of(u, box, picks[0].mailbox);
	const struct account_mailbox *m = account_mailbox(&box->account->state, picks[0].mailbox);
	uint32_t *uids = heap_alloc(u->heap, n * sizeof *uids), first = 0, uid;
	uint32_t now_s = (uint32_t)(os_wall_us(box->store->os) / 1000000);
	uint64_t count;
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		uids[i] = picks[i].uid;
	while (at < n) {
		size_t some = n - at < ACCOUNT_CHUNK_RANGES ? n - at : ACCOUNT_CHUNK_RANGES;

		if (account_copy(box->account, m->number | ACCOUNT_GRAVEYARD, to.number, uids + at, some,
		    true, now_s, &uid, &count) != ACCOUNT_CHANGED)
			return false;
		first = at == 0 ? uid : first;
		at += some;
	}
	tell_restored(box, &to, n, first);
	json_array_append_new(json_object_get(u->answer, "mailboxes"),
	    json_pack("{s:o, s:o, s:b, s:I}", "mailbox", text_of(name_of(m)), "to",
	        text_of(to.name), "made", to.made, "messages", (json_int_t)n));
	return true;
}

static bool make_restore(struct box *box, struct box_change *change)
{
	struct undelete *u = list_item(change, struct undelete, change);
	const struct account_state *state = &box->account->state;
	const json_t *ids = json_object_get(u->asked, "ids");
	size_t n = 0, to, before = box->account->n_changes;
	struct pick *picks = ids != NULL ? pick_named(u, state, ids, &n) : pick_all(u, state, &n);

	if (u->answer != NULL)
		return false;
	u->answer = json_pack("{s:b, s:I, s:[]}", "ok", 1, "messages", (json_int_t)n, "mailboxes");
	for (size_t from = 0; from < n; from = to) {
		for (to = from; to < n && picks[to].mailbox == picks[from].mailbox;)
			to++;
		if (restore(u, box, picks + from, to - from))
			continue;
		json_decref(u->answer);
		u->answer = fault("the account has no room for all of them; some may be back");
		break;
	}
	return box->account->n_changes > before;
}

static void restore_landed(struct box *box, struct box_change *change, bool ok)
{
	struct undelete *u = list_item(change, struct undelete, change);

	if (!ok || u->answer == NULL) {
		json_decref(u->answer);
		u->answer = fault("the account can't be changed now; see the server's log, and try "
		    "again");
	}
	finish(u);
}

static const struct change_kind restoring = { .make = make_restore, .landed = restore_landed };

/* ---- what is asked ---- */

/* What is wrong with it, or NULL. */
static const char *judge(struct undelete *u)
{
	const char *command = json_string_value(json_object_get(u->asked, "command"));
	const char *mailbox = json_string_value(json_object_get(u->asked, "mailbox"));
	const char *after = json_string_value(json_object_get(u->asked, "after"));
	const json_t *ids = json_object_get(u->asked, "ids");
	json_int_t since = json_integer_value(json_object_get(u->asked, "since"));
	int64_t now_s = os_wall_us(u->store->os) / 1000000;

	if (command == NULL || (strcmp(command, "undelete list") != 0 &&
	    strcmp(command, "undelete restore") != 0))
		return "no such command of undelete";
	u->restores = strcmp(command, "undelete restore") == 0;
	if (u->restores && ids == NULL && !json_is_true(json_object_get(u->asked, "all")))
		return "it takes numbers of messages, or all";
	if (json_array_size(ids) > STORE_UNDELETE_IDS_MAX)
		return "too many numbers at once";
	if (since < 0 || since > UNDELETE_MAX_S)
		return "nothing is kept for so long";
	if (mailbox != NULL)
		u->mailbox = slice_from(mailbox);
	if (since > 0 && now_s > since)
		u->since_s = (uint32_t)(now_s - since);
	if (after != NULL && after[0] != '\0')
		u->after = (uint32_t)strtoul(after, NULL, 10);
	if (u->after == UINT32_MAX)
		return "no message has that number";
	return NULL;
}

static struct undelete *create(struct store *s, uint64_t request, uint64_t account, json_t *asked)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct undelete *u = heap_new(heap, struct undelete);

	heap_on_drop(heap, drop_json, u);
	heap_on_drop(s->heap, drop_heap, heap);
	u->store = s;
	u->heap = heap;
	u->arena = arena_init(heap, SIZE_MAX / 2);
	u->request = request;
	u->account = account;
	u->asked = asked;
	list_append(&s->undeletes, &u->link);
	s->n_undeletes++;
	return u;
}

bool store_undelete(struct store *s, struct ipc_message *message)
{
	struct bytes *in = &message->body;
	uint64_t request = get_u64(in), account = get_u64(in);
	slice text = get_slice(in, CONTROL_REQUEST_MAX);
	struct undelete *u;
	const char *wrong;
	struct box *box;

	if (!bytes_end(in) || account_store(account, s->frame.config->stores) != s->frame.index)
		return false;
	if (s->frame.config->mock) {
		answer(s, request, "a mock keeps nothing that was deleted");
		return true;
	}
	if (s->frame.draining || s->n_undeletes >= STORE_UNDELETES_MAX) {
		answer(s, request, "the store is too busy; try again");
		return true;
	}
	u = create(s, request, account, json_loadb((const char *)text.ptr, text.len, 0, NULL));
	wrong = judge(u);
	if (wrong != NULL) {
		u->answer = fault(wrong);
		finish(u);
		return true;
	}
	box = box_get(s, account);
	box_change(box, &u->change, u->restores ? &restoring : &listing);
	box_step(box);
	boxes_limit(s);
	return true;
}

void store_undeletes_over(struct store *s)
{
	list_for(at, &s->undeletes)
		list_item(at, struct undelete, link)->over = true;
}

void store_undelete_init(struct store *s)
{
	list_init(&s->undeletes);
}
