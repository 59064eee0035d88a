/* role/store_read.c - one message from its pack to the engine.
 *
 * On the pool: open, judge all of it, then one piece after the other. On the
 * loop: the engine takes of each piece what its output holds. The reader and
 * its memory belong to the pool while `busy`. */
#include <errno.h>

#include "account/slot.h"
#include "base/check.h"
#include "journey/event.h"
#include "role/store_session.h"

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

static enum pack_result open_message(struct store *s, struct reading *r)
{
	struct os *os = s->os;
	struct pack_place place = { r->account, r->row.pack, r->row.offset };
	char path[ACCOUNT_PATH_MAX];
	enum pack_result result;
	int fd;

	account_pack_path(r->account, r->row.pack, path);
	fd = os_open(os, OS_ROOT, path, OS_READ);
	if (fd < 0)
		return fd == -ENOENT ? PACK_DAMAGED : PACK_IO;
	result = pack_reader_open(&r->reader, os, r->heap, fd, place);
	if (result != PACK_OK) {
		os_close(os, fd);
		return result;
	}
	r->reader.unzip = &s->unzip;
	r->open = true;
	return PACK_OK;
}

/* On a pool thread. */
static void read_piece(struct os_work *work)
{
	struct session *session = work->owner;
	struct reading *r = &session->reading;

	r->result = PACK_OK;
	if (!r->open)
		r->result = open_message(session->store, r);
	if (r->result == PACK_OK)
		r->result = pack_reader_next(&r->reader, &r->piece);
}

static void piece_read(struct os_work *work)
{
	struct session *session = work->owner;

	session->reading.busy = false;
	if (session->state == SESSION_OVER)
		session_over(session);
	else
		session->kind->pump(session);
}

static void next_piece(struct session *session)
{
	struct reading *r = &session->reading;

	r->busy = true;
	r->piece = (slice){ 0 };
	r->work = (struct os_work){ .run = read_piece, .done = piece_read, .owner = session };
	os_work_start(session->store->os, &r->work);
}

static void begin(struct session *session)
{
	struct store *s = session->store;
	struct reading *r = &session->reading;

	s->n_reading++;
	r->heap = heap_create(SIZE_MAX);
	heap_on_drop(s->heap, drop_heap, r->heap);
	next_piece(session);
}

void reading_start(struct session *session, uint32_t number)
{
	struct store *s = session->store;
	struct reading *r = &session->reading;

	r->account = session->box->id;
	r->row = session->rows[number - 1];
	if (s->n_reading < STORE_READS_MAX)
		begin(session);
	else
		list_append(&s->readers, &r->link);
}

void reading_stop(struct session *session)
{
	struct store *s = session->store;
	struct reading *r = &session->reading;

	check(!r->busy);
	list_remove(&r->link);
	if (r->heap == NULL)
		return;
	if (r->open) {
		os_close(s->os, r->reader.fd);
		pack_reader_close(&r->reader);
	}
	heap_cancel_on_drop(s->heap, drop_heap, r->heap);
	heap_drop(r->heap);
	*r = (struct reading){ 0 };
	list_init(&r->link);
	s->n_reading--;
	if (!list_empty(&s->readers))
		begin(list_item(list_take_first(&s->readers), struct session, reading.link));
}

/* The message can't be read, or not on: -ERR, or the session ends in its middle,
 * so that nobody takes half for the whole. */
static void fail(struct session *session)
{
	struct reading *r = &session->reading;
	const struct box *box = session->box;
	const struct account_state *state = &box->account->state;
	bool changing = box->busy && (box->job == JOB_LOAD || box->job == JOB_ROWS);
	const char *words = r->result == PACK_IO ?
	    "[SYS/TEMP] The message can't be read now; try again" :
	    "[SYS/PERM] The message is damaged; tell the postmaster";

	/* In a mock, newer ones may have taken its place since the session began. */
	if (store_mock_trims(session->store) && !changing && state->full &&
	    account_state_find(state, r->row.uid) == NULL) {
		pop3_server_fail(session->engine, slice_lit("The message is gone"));
		return;
	}
	os_log(session->store->os, OS_ERROR,
	    "account %016llx: uid %u at %u of pack/%03u.pack: %s",
	    (unsigned long long)r->account, r->row.uid, r->row.offset, r->row.pack,
	    r->result == PACK_IO ? "the disk failed" :
	    r->result == PACK_NEWER ? "written by a later version" : "damaged");
	pop3_server_fail(session->engine, slice_from(words));
}

static void tell_read(const struct session *session)
{
	struct event event;

	if (!event_begin(&event, session->store->os, "read"))
		return;
	event_name(&event, "account", session->reading.account);
	event_number(&event, "uid", session->reading.row.uid);
	event_end(&event);
}

static void finish(struct session *session)
{
	reading_stop(session);
	session->state = SESSION_OPEN;
}

bool reading_pump(struct session *session)
{
	struct reading *r = &session->reading;
	size_t taken;

	if (r->busy || r->heap == NULL)
		return false;
	if (r->result != PACK_OK && r->result != PACK_END) {
		fail(session);
		finish(session);
		return true;
	}
	if (!r->begun) {
		r->begun = true;
		pop3_server_body_begin(session->engine);
	}
	if (r->result == PACK_END && r->row.uid != 0)
		tell_read(session);
	if (r->result == PACK_END || !pop3_server_body_wants(session->engine)) {
		pop3_server_body_end(session->engine);
		finish(session);
		return true;
	}
	taken = pop3_server_body(session->engine, r->piece);
	r->piece = slice_drop(r->piece, taken);
	if (r->piece.len == 0)
		next_piece(session);
	return taken > 0;
}
