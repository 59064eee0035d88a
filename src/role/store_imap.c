/* role/store_imap.c - the IMAP engine of a session, between its stream and box.
 *
 *   stream -> [inflate ->] engine -> events -> the box's changes, works, APPEND
 *   stream <- [deflate <-] engine */
#include "base/check.h"
#include "role/store_imap.h"

enum {
	STREAM_IN_MAX = 16 * 1024,      /* what the engine can't take yet waits there */
	STREAM_OUT_MAX = 128 * 1024,
};

static bool is_readable(const struct imap_session *im)
{
	const struct session *session = im->session;

	/* Without a box, there are only last words. */
	return session->state != SESSION_OVER && session->stream != NULL &&
	    (session->box == NULL || box_is_readable(session->box));
}

/* ---- bytes ---- */

static bool send_output(struct imap_session *im)
{
	slice out = imap_server_output(im->engine);
	size_t room = stream_room(im->session->stream);

	if (im->zip != NULL && zip_is_on(im->zip))
		return zip_send(im);
	if (out.len == 0) {
		if (im->zip != NULL)
			zip_begin(im);
		return im->zip != NULL;
	}
	if (out.len > room)
		out = slice_head(out, room);
	if (out.len == 0)
		return false;
	stream_write(im->session->stream, out);
	imap_server_sent(im->engine, out.len);
	return true;
}

/* What there is of input: what the edge had read comes first. */
static slice input_of(struct imap_session *im)
{
	slice in = buffer_bytes(&im->session->in);

	return in.len > 0 ? in : im->offered;
}

static void input_used(struct imap_session *im, size_t n)
{
	if (buffer_bytes(&im->session->in).len > 0)
		buffer_consume(&im->session->in, n);
	else
		im->offered = slice_drop(im->offered, n);
}

static bool feed_input(struct imap_session *im)
{
	slice in = input_of(im);
	size_t n;

	if (im->session->quitting) {
		input_used(im, in.len);
		return false;
	}
	if (im->zip != NULL)
		return zip_is_on(im->zip) && zip_feed(im, in, input_used);
	if (in.len == 0)
		return false;
	n = imap_server_feed(im->engine, in);
	input_used(im, n);
	return n > 0;
}

static bool take_event(struct imap_session *im)
{
	struct imap_event event;

	if (!imap_server_next(im->engine, &event))
		return false;
	switch (event.kind) {
	case IMAP_EVENT_CHANGE:
		change_ask(im, event.change);
		break;
	case IMAP_EVENT_APPEND:
		append_begin(im, event.append);
		break;
	case IMAP_EVENT_TEXT:
		append_text(im, event.text);
		break;
	case IMAP_EVENT_COMMIT:
		append_commit(im);
		break;
	case IMAP_EVENT_DROP:
		append_drop(im);
		break;
	case IMAP_EVENT_WORK:
		work_ask(im, event.work);
		break;
	case IMAP_EVENT_COMPRESS:
		zip_ask(im);
		break;
	case IMAP_EVENT_BYE:
		im->session->quitting = true;
		break;
	case IMAP_EVENT_LOGIN:
	case IMAP_EVENT_LOGGED_IN:
	case IMAP_EVENT_STARTTLS:
		check(!"an event of the store");
	}
	return true;
}

/* ---- moving ---- */

static void say_bye(struct imap_session *im, const char *code, slice words)
{
	imap_server_refuse(im->engine, code, words);
}

/* A store that ends waits for nobody who only looks on. */
static bool end_idle(struct imap_session *im)
{
	const struct session *session = im->session;

	if (!session->store->frame.draining || session->quitting || im->offered.len > 0 ||
	    !imap_server_idles(im->engine))
		return false;
	say_bye(im, "UNAVAILABLE", slice_lit("The server ends; please come again"));
	return true;
}

static void pump(struct session *session)
{
	struct imap_session *im = session->imap;
	bool moved = true, again = false;

	/* What it calls may call it again: the inner one does the work. */
	if (session->pumping)
		return;
	session->pumping = true;
	if (im->engine != NULL)
		imap_server_turn(im->engine);
	while (moved && is_readable(im)) {
		again = imap_server_run(im->engine);
		moved = send_output(im);
		moved = work_pump(im) || moved;
		moved = take_event(im) || moved;
		moved = is_readable(im) && (feed_input(im) || moved);
		moved = moved || end_idle(im);
	}
	session->pumping = false;
	/* What it unselected may have something to write. */
	if (session->box != NULL && !list_empty(&session->box->changes))
		box_step(session->box);
	if (session->state == SESSION_OVER || session->stream == NULL)
		return;
	if (again)
		os_timer_start(session->store->os, &im->turn, 0);
	if (session->quitting && !session->ended && !zip_owes(im) &&
	    imap_server_output(im->engine).len == 0) {
		session->ended = true;
		stream_end(session->stream);
	} else if (im->left && !im->offering && !session->ended) {
		im->left = false;
		stream_resume(session->stream);
	}
}

static void on_wake(struct os_defer *defer)
{
	struct imap_session *im = defer->owner;

	pump(im->session);
}

static void on_turn(struct os_timer *timer)
{
	struct imap_session *im = timer->owner;

	pump(im->session);
}

void imap_wake(struct imap_session *im)
{
	os_defer(im->session->store->os, &im->wake);
}

/* ---- the stream ---- */

static size_t on_data(struct stream *stream, slice in)
{
	struct session *session = stream_owner(stream);
	struct imap_session *im = session->imap;
	size_t used;

	im->offered = in;
	im->offering = true;
	pump(session);
	if (session->state == SESSION_OVER)
		return in.len;
	store_session_touch(session);
	used = in.len - im->offered.len;
	im->offering = false;
	im->left = im->offered.len > 0;
	im->offered = (slice){ 0 };
	return used;
}

static void on_drained(struct stream *stream)
{
	struct session *session = stream_owner(stream);

	if (session->state == SESSION_OVER)
		return;
	store_session_touch(session);
	pump(session);
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

/* ---- life ---- */

static void open_stream(struct session *session)
{
	struct store *s = session->store;
	struct imap_session *im = session->imap;

	im->engine = imap_server_create(s->heap, &s->imap, (session->flags & ADOPT_TLS) != 0,
	    (session->flags & ADOPT_LOOPBACK) != 0);
	session->stream = stream_create(s->os, session->fd, STREAM_IN_MAX, STREAM_OUT_MAX,
	    &handler, session);
	/* Under TLS the socket is the edge's. */
	if ((session->flags & ADOPT_TLS) == 0)
		stream_acknowledge(session->stream, true);
	session->fd = -1;
	session->state = SESSION_OPEN;
}

static void create(struct session *session)
{
	struct imap_session *im = heap_new(session->store->heap, struct imap_session);

	session->imap = im;
	im->session = session;
	im->wake = (struct os_defer){ .run = on_wake, .owner = im };
	im->turn = (struct os_timer){ .fire = on_turn, .owner = im };
	im->mailbox_i = im->vanished_i = SIZE_MAX - 1;
	list_init(&im->selected);
	imap_host_init(im);
}

static void speak(struct session *session)
{
	struct imap_session *im = session->imap;

	open_stream(session);
	imap_server_resume(im->engine, &im->host, buffer_bytes(&session->tag),
	    buffer_bytes(&session->login));
	pump(session);
}

static void refuse(struct session *session, enum session_refusal why)
{
	static const struct {
		const char *code, *words;
	} table[REFUSALS] = {
		[REFUSE_REMOVED] = { "EXPIRED", "This account was removed" },
		[REFUSE_IN_USE] = { "INUSE", "Another session has this account" },
		[REFUSE_MANY] = { "LIMIT", "This account has too many sessions; try again later" },
		[REFUSE_LATER] = { "UNAVAILABLE", "The mailboxes can't be read now; try again" },
		[REFUSE_DAMAGED] = { "CONTACTADMIN",
		    "The mailboxes can't be read; tell the postmaster" },
	};

	if (session->stream == NULL)
		open_stream(session);
	/* Who is told to come again later hears it as the login's reply (RFC 5530). */
	if (why == REFUSE_MANY)
		imap_server_deny(session->imap->engine, buffer_bytes(&session->tag), table[why].code,
		    slice_from(table[why].words));
	else
		say_bye(session->imap, table[why].code, slice_from(table[why].words));
	pump(session);
}

static void time_out(struct session *session)
{
	imap_server_timeout(session->imap->engine);
	pump(session);
}

static bool is_busy(const struct session *session)
{
	return work_runs(session->imap);
}

static void leave(struct session *session)
{
	struct imap_session *im = session->imap;

	change_leave(im);
	append_drop(im);
	work_leave(im);
	view_unselect(im);
}

static void release(struct session *session)
{
	struct store *s = session->store;
	struct imap_session *im = session->imap;

	work_leave(im);
	os_defer_cancel(s->os, &im->wake);
	os_timer_stop(s->os, &im->turn);
	imap_server_destroy(im->engine);
	zip_free(im);
	heap_free(s->heap, im);
}

const struct session_kind session_imap = {
	.create = create,
	.speak = speak,
	.refuse = refuse,
	.pump = pump,
	.timeout = time_out,
	.busy = is_busy,
	.leave = leave,
	.free = release,
};
