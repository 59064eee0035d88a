/* os/stream_turn.c - what a stream does on the loop: see stream_impl.h.
 *
 * All work is done in advance(), at the end of a turn in which something was
 * asked for, or when the socket is ready. */
#include "os/stream_impl.h"

#include <errno.h>

#include "base/check.h"
#include "base/limits.h"

void stream_need_turn(struct stream *s)
{
	os_defer(s->os, &s->turn);
}

void stream_fail(struct stream *s, int error)
{
	if (s->failed)
		return;
	s->failed = true;
	s->error = error;
	stream_need_turn(s);
}

/* Nobody reads what we write. True: what came before may still be read. */
static bool went_away(struct stream *s, int error)
{
	if (!s->hears_out)
		return false;
	if (!s->reset)
		s->error = error;
	s->reset = true;
	buffer_consume(&s->out, buffer_bytes(&s->out).len);
	return true;
}

/* May the owner have more input? */
static bool may_offer(const struct stream *s)
{
	return !s->paused && !s->ending && !s->failed && !s->closed &&
	    (s->reads_always || buffer_bytes(&s->out).len <= s->out.size_max / 2);
}

static bool may_read(const struct stream *s)
{
	if (s->input_ended || s->failed || s->closed)
		return false;
	/* At the end input is dropped, so that it does not reset our last bytes. */
	if (s->ending && !stream_in_handshake(s))
		return true;
	if (s->secure != NULL && buffer_bytes(&s->secure->raw).len > 0)
		return false;
	return (may_offer(s) || stream_in_handshake(s)) && buffer_room(&s->in) > 0;
}

/* Can TLS go on, with what it was given before? */
static bool may_feed(const struct stream *s)
{
	return s->hungry && !s->failed && (may_offer(s) || stream_in_handshake(s)) &&
	    buffer_room(&s->in) > 0 && buffer_room(&s->out) > 0;
}

/* Does the end of output follow, once all is written? */
static bool is_last(const struct stream *s)
{
	return s->ending && (s->secure == NULL || s->secure->notified);
}

void stream_flush(struct stream *s)
{
	while (!s->failed) {
		slice bytes = buffer_bytes(&s->out);
		ssize_t n;

		if (bytes.len == 0)
			return;
		if (s->reset) {
			buffer_consume(&s->out, bytes.len);
			return;
		}
		n = is_last(s) ? os_write_last(s->os, s->fd, bytes) :
		    os_write(s->os, s->fd, &bytes, 1);
		if (n == -EAGAIN)
			return;
		if (n >= 0) {
			buffer_consume(&s->out, (size_t)n);
			/* Before the first input nothing is delayed, after the end
			 * nothing is awaited. */
			if (s->hears_out && s->heard && !s->ending)
				os_acknowledge(s->os, s->fd);
		} else if (!went_away(s, (int)n)) {
			stream_fail(s, (int)n);
		}
	}
}

/* ---- up: to the owner ---- */

/* Offer bytes; returns how many are done with. */
static size_t offer(struct stream *s, slice bytes)
{
	bool was_plain = s->secure == NULL;
	size_t n;

	s->offering = true;
	n = s->handler->data(s, bytes);
	s->offering = false;
	check(n <= bytes.len);
	/* What came in the clear behind STARTTLS is an injection, whoever sent it. */
	return was_plain && s->secure != NULL ? bytes.len : n;
}

static void offer_buffered(struct stream *s)
{
	size_t n;

	s->fresh = false;
	n = offer(s, buffer_bytes(&s->in));
	if (!stream_gone(s))
		buffer_consume(&s->in, n);
}

static void take_plain(struct stream *s, slice bytes)
{
	if (buffer_bytes(&s->in).len == 0) {
		bytes = slice_drop(bytes, offer(s, bytes));
		if (!stream_gone(s))
			buffer_add(&s->in, bytes);
	} else {
		buffer_add(&s->in, bytes);
		offer_buffered(s);
	}
}

/* Let TLS take what it can; says how much. */
static size_t feed(struct stream *s, slice bytes)
{
	size_t before = buffer_bytes(&s->in).len;
	size_t n = tls_session_feed(s->secure->session, bytes, &s->in, &s->out);

	if (buffer_bytes(&s->in).len > before)
		s->fresh = true;
	s->hungry = n < bytes.len || buffer_room(&s->in) == 0 || buffer_room(&s->out) == 0;
	return n;
}

/* The owner hears of the handshake's end, and of TLS's. */
static void after_feed(struct stream *s)
{
	enum tls_state state = tls_session_state(s->secure->session);

	if (state == TLS_HANDSHAKE)
		return;
	if (!s->secure->reported) {
		s->secure->reported = true;
		if (s->handler->secured != NULL && !s->ending)
			s->handler->secured(s);
		if (stream_gone(s))
			return;
	}
	if (state == TLS_FAILED) {
		stream_flush(s);               /* the alert */
		stream_fail(s, -EPROTO);
	}
	if (state == TLS_CLOSED)
		s->input_ended = true;
}

static void take_wire(struct stream *s, slice bytes)
{
	buffer_add(&s->secure->raw, slice_drop(bytes, feed(s, bytes)));
	after_feed(s);
}

static void receive(struct stream *s)
{
	for (unsigned i = 0; i < STREAM_TURN_READS && !stream_gone(s) && may_read(s); i++) {
		unsigned char *scratch = os_scratch(s->os);
		size_t room = OS_SCRATCH_SIZE;
		ssize_t n;

		if (s->secure == NULL && !s->ending && room > buffer_room(&s->in))
			room = buffer_room(&s->in);
		n = os_read(s->os, s->fd, scratch, room);
		if (n == -EAGAIN)
			return;
		if (n < 0 && !went_away(s, (int)n)) {
			stream_fail(s, (int)n);
			return;
		}
		if (n <= 0) {
			s->input_ended = true;
			return;
		}
		s->heard = true;
		if (s->secure != NULL && (!s->ending || stream_in_handshake(s)))
			take_wire(s, slice_of(scratch, (size_t)n));
		else if (!s->ending)
			take_plain(s, slice_of(scratch, (size_t)n));
		if (s->acknowledges && !stream_gone(s) && buffer_bytes(&s->out).len == 0)
			os_acknowledge(s->os, s->fd);
		if ((size_t)n < room)
			return;
	}
}

/* ---- down: to the socket ---- */

static void send_early(struct stream *s)
{
	struct secure *secure = s->secure;

	if (secure == NULL || buffer_bytes(&secure->early).len == 0)
		return;
	buffer_consume(&secure->early, tls_session_write(secure->session,
	    buffer_bytes(&secure->early), &s->out));
}

/* All is sent: say so in TLS, then in TCP. */
static void end_output(struct stream *s)
{
	int error;

	if (s->secure != NULL && !s->secure->notified) {
		s->secure->notified = true;
		tls_session_close(s->secure->session, &s->out);
		stream_flush(s);
		if (stream_unsent(s) > 0)
			return;
	}
	error = os_shutdown(s->os, s->fd);
	if (error < 0) {
		s->input_ended = true;          /* no connection is left to wait for */
		(void)went_away(s, error);
	}
	s->shut = true;
	os_timer_start(s->os, &s->timer, STREAM_LINGER_MS);
}

/* ---- a turn ---- */

static void say_closed(struct stream *s)
{
	s->closed = true;
	os_timer_stop(s->os, &s->timer);
	s->handler->closed(s, s->failed || s->reset ? s->error : 0);
}

/* Watch for what we can use now. */
void stream_settle(struct stream *s)
{
	int events = 0;

	if (may_read(s))
		events |= OS_READABLE;
	if (buffer_bytes(&s->out).len > 0 && !s->failed && !s->closed)
		events |= OS_WRITABLE;
	if (events == s->watched)
		return;
	s->watched = (unsigned char)events;
	if (events != 0)
		os_watch_start(s->os, &s->watch, s->fd, events);
	else
		os_watch_stop(s->os, &s->watch);
}

static void upwards(struct stream *s)
{
	if (may_feed(s)) {
		buffer_consume(&s->secure->raw, feed(s, buffer_bytes(&s->secure->raw)));
		after_feed(s);
	}
	if (!stream_gone(s) && s->fresh && may_offer(s))
		offer_buffered(s);
}

static void downwards(struct stream *s)
{
	stream_flush(s);
	send_early(s);
	stream_flush(s);
	if (s->failed || stream_unsent(s) > 0)
		return;
	if (s->wrote) {
		s->wrote = false;
		if (s->handler->drained != NULL && !s->ending)
			s->handler->drained(s);
		if (stream_gone(s) || stream_unsent(s) > 0)
			return;
	}
	if (s->ending && !s->shut)
		end_output(s);
}

static bool is_over(const struct stream *s)
{
	if (s->failed)
		return true;
	if (s->ending)
		return s->shut && s->input_ended;
	return s->input_ended && !s->held && !s->fresh && !s->hungry && may_offer(s);
}

static void advance(struct stream *s)
{
	if (s->closed)
		return;
	upwards(s);
	if (!stream_gone(s))
		downwards(s);
	/* What left, or was consumed, may have opened the way for what waits. */
	if (!stream_gone(s) && (may_feed(s) || (s->fresh && may_offer(s))))
		stream_need_turn(s);
	if (!stream_gone(s) && is_over(s))
		say_closed(s);
	if (!stream_gone(s))
		stream_settle(s);
}

void stream_ready(struct os_watch *watch, int events)
{
	struct stream *s = watch->owner;

	if (events & OS_READABLE)
		receive(s);
	if (!stream_gone(s))
		advance(s);
}

void stream_time_out(struct os_timer *timer)
{
	struct stream *s = timer->owner;

	if (s->shut)
		s->input_ended = true;
	else
		stream_fail(s, -ETIMEDOUT);
	stream_need_turn(s);
}

static void bury(struct stream *s)
{
	struct heap *heap = os_heap(s->os);

	buffer_free(&s->in);
	buffer_free(&s->out);
	if (s->secure != NULL) {
		buffer_free(&s->secure->raw);
		buffer_free(&s->secure->early);
		tls_session_destroy(s->secure->session);
		heap_free(heap, s->secure);
	}
	heap_free(heap, s);
}

void stream_turn(struct os_defer *turn)
{
	struct stream *s = turn->owner;

	if (s->dead)
		bury(s);
	else if (s->fd >= 0)
		advance(s);
}
