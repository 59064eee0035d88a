/* role/store_pop3.c - the POP3 engine of a session, between its stream and box.
 *
 * UIDL is "UIDVALIDITY.UID", in decimal: unique and the same for ever, because
 * neither is ever used again. */
#include <stdio.h>

#include "base/check.h"
#include "role/store_session.h"

enum {
	UIDL_SIZE = 24,                 /* two numbers of 32 bits, a dot, a NUL */
	STREAM_IN_MAX = 4096,           /* lines; what the engine can't take yet waits there */
	STREAM_OUT_MAX = 4 * POP3_OUTPUT_MAX,
};

static void pump(struct session *session);

/* ---- the snapshot ---- */

static void take_snapshot(struct session *session)
{
	const struct account_state *state = &session->box->account->state;
	struct heap *heap = session->store->heap;
	size_t n = (size_t)state->mailboxes[0].messages, at = 0;

	session->n = (uint32_t)n;
	session->messages = heap_alloc(heap, (n + 1) * sizeof *session->messages);
	session->rows = heap_alloc(heap, (n + 1) * sizeof *session->rows);
	session->uidls = heap_alloc(heap, (n + 1) * UIDL_SIZE);
	for (size_t i = 0; i < state->n_rows && at < n; i++) {
		const struct account_row *row = &state->rows[i];
		char *uidl = session->uidls + at * UIDL_SIZE;
		bool counted = os_planted(session->store->os, OS_PLANT_COUNTED_UIDL);
		int len;

		if (row->mailbox != ACCOUNT_INBOX)
			continue;
		len = snprintf(uidl, UIDL_SIZE, "%u.%u", state->head.uidvalidity,
		    counted ? (unsigned)at + 1 : row->uid);
		session->messages[at].size = row->size;
		session->messages[at].uidl = slice_of(uidl, (size_t)len);
		session->rows[at++] = (struct session_row){ row->uid, row->pack, row->offset };
	}
}

void pop3_moved(struct session *session, const struct account_compaction *c)
{
	if (session == NULL || session->rows == NULL)
		return;
	for (uint32_t i = 0; i < session->n; i++) {
		struct session_row *row = &session->rows[i];
		const struct account_move *move = account_moved(c, row->pack, row->offset);

		if (move != NULL)
			*row = (struct session_row){ row->uid, move->pack, move->offset };
	}
}

/* ---- what QUIT deletes ---- */

struct quit {
	struct box_change change;
	struct session *session;        /* NULL: it is over */
	uint32_t n;
	uint32_t uids[];
};

static bool make_quit(struct box *box, struct box_change *change)
{
	const struct quit *quit = list_item(change, struct quit, change);

	store_tell_deleted(box, quit->uids, quit->n);
	return account_expunge(box->account, ACCOUNT_INBOX, quit->uids, quit->n,
	    store_bury_s(box)) > 0;
}

static void committed(struct session *session, bool all)
{
	session->state = SESSION_OPEN;
	pop3_server_committed(session->engine, all);
	pump(session);
}

static void quit_landed(struct box *box, struct box_change *change, bool ok)
{
	struct quit *quit = list_item(change, struct quit, change);
	struct session *session = quit->session;

	heap_free(box->store->heap, quit);
	if (session == NULL)
		return;
	session->quit = NULL;
	committed(session, ok);
}

static const struct change_kind quitting = { .make = make_quit, .landed = quit_landed };

static void commit(struct session *session)
{
	struct quit *quit = heap_alloc(session->store->heap,
	    sizeof *quit + session->n * sizeof *quit->uids);

	for (uint32_t i = 0; i < session->n; i++) {
		if (session->messages[i].deleted)
			quit->uids[quit->n++] = session->rows[i].uid;
	}
	if (quit->n == 0) {
		heap_free(session->store->heap, quit);
		pop3_server_committed(session->engine, true);
		return;
	}
	session->state = SESSION_COMMIT;
	quit->session = session;
	session->quit = quit;
	box_change(session->box, &quit->change, &quitting);
	box_step(session->box);
}

/* What is made stays made. */
static void leave(struct session *session)
{
	struct quit *quit = session->quit;

	session->quit = NULL;
	/* Its turn to read must not come any more. */
	list_remove(&session->reading.link);
	if (quit == NULL)
		return;
	quit->session = NULL;
	if (quit->change.made)
		return;
	list_remove(&quit->change.link);
	heap_free(session->store->heap, quit);
}

/* ---- bytes and events ---- */

static bool send_output(struct session *session)
{
	slice out = pop3_server_output(session->engine);
	size_t room = stream_room(session->stream);

	if (out.len > room)
		out = slice_head(out, room);
	if (out.len == 0)
		return false;
	stream_write(session->stream, out);
	pop3_server_sent(session->engine, out.len);
	return true;
}

static bool take_event(struct session *session)
{
	struct pop3_event event;

	if (!pop3_server_next(session->engine, &event))
		return false;
	switch (event.kind) {
	case POP3_EVENT_RETR:
		check(event.number >= 1 && event.number <= session->n);
		session->state = SESSION_READING;
		reading_start(session, event.number);
		break;
	case POP3_EVENT_COMMIT:
		commit(session);
		break;
	case POP3_EVENT_QUIT:
		session->quitting = true;
		break;
	case POP3_EVENT_LOGIN:
	case POP3_EVENT_LOGGED_IN:
	case POP3_EVENT_STLS:
		check(!"an event of TRANSACTION");
	}
	return true;
}

static bool feed_input(struct session *session)
{
	size_t n;

	if (session->state != SESSION_OPEN || buffer_bytes(&session->in).len == 0)
		return false;
	n = pop3_server_feed(session->engine, buffer_bytes(&session->in));
	buffer_consume(&session->in, n);
	return n > 0;
}

static void pump(struct session *session)
{
	bool moved = true;

	/* What it calls may call it again: the inner one does the work. */
	if (session->pumping)
		return;
	session->pumping = true;
	while (moved && session->state != SESSION_OVER) {
		moved = send_output(session);
		moved = take_event(session) || moved;
		if (session->state == SESSION_READING)
			moved = reading_pump(session) || moved;
		moved = feed_input(session) || moved;
	}
	session->pumping = false;
	if (session->state == SESSION_OVER || !session->quitting || session->ended ||
	    pop3_server_output(session->engine).len > 0)
		return;
	session->ended = true;
	stream_end(session->stream);
}

/* ---- the stream ---- */

static size_t on_data(struct stream *stream, slice in)
{
	struct session *session = stream_owner(stream);
	size_t used = 0;

	store_session_touch(session);
	while (used < in.len && session->state != SESSION_OVER) {
		size_t n = buffer_room(&session->in);

		if (n > in.len - used)
			n = in.len - used;
		if (n == 0)
			break;
		buffer_add(&session->in, slice_sub(in, used, n));
		used += n;
		pump(session);
	}
	return used;
}

static void on_drained(struct stream *stream)
{
	struct session *session = stream_owner(stream);

	if (session->state == SESSION_OVER)
		return;
	store_session_touch(session);
	pump(session);
	/* Input that found no room may go in now. */
	if (session->state == SESSION_OPEN && !session->quitting)
		stream_resume(stream);
}

static void on_closed(struct stream *stream, int error)
{
	session_over(stream_owner(stream));
}

static const struct stream_handler handler = {
	.data = on_data,
	.drained = on_drained,
	.closed = on_closed,
};

static void open_stream(struct session *session)
{
	struct store *s = session->store;

	session->engine = pop3_server_create(s->heap, &s->pop3,
	    (session->flags & ADOPT_TLS) != 0, (session->flags & ADOPT_LOOPBACK) != 0);
	session->stream = stream_create(s->os, session->fd, STREAM_IN_MAX, STREAM_OUT_MAX,
	    &handler, session);
	session->fd = -1;
	session->state = SESSION_OPEN;
}

static void speak(struct session *session)
{
	open_stream(session);
	take_snapshot(session);
	pop3_server_resume(session->engine, session->messages, session->n,
	    (session->flags & ADOPT_UTF8) != 0);
	pump(session);
}

static void refuse(struct session *session, enum session_refusal why)
{
	static const char *const words[REFUSALS] = {
		[REFUSE_REMOVED] = "[AUTH] This account was removed",
		/* RFC 2449 s8.1.1 */
		[REFUSE_IN_USE] = "[IN-USE] Another session has this mailbox",
		/* RFC 3206 s4 */
		[REFUSE_MANY] = "[SYS/TEMP] This account has too many sessions; try again later",
		[REFUSE_LATER] = "[SYS/TEMP] The mailbox can't be read now; try again",
		[REFUSE_DAMAGED] = "[SYS/PERM] The mailbox can't be read; tell the postmaster",
	};

	open_stream(session);
	pop3_server_refuse(session->engine, slice_from(words[why]));
	pump(session);
}

static void time_out(struct session *session)
{
	pop3_server_timeout(session->engine);
	pump(session);
}

static bool is_busy(const struct session *session)
{
	return session->reading.busy;
}

static void release(struct session *session)
{
	struct heap *heap = session->store->heap;

	reading_stop(session);
	pop3_server_destroy(session->engine);
	heap_free(heap, session->messages);
	heap_free(heap, session->rows);
	heap_free(heap, session->uidls);
}

const struct session_kind session_pop3 = {
	.speak = speak,
	.refuse = refuse,
	.pump = pump,
	.timeout = time_out,
	.busy = is_busy,
	.leave = leave,
	.free = release,
};
