/* os/stream.c - connections: see stream.h.
 *
 * All work is done in advance(), at the end of a turn in which something was
 * asked for, or when the socket is ready: bytes go up (TLS, owner), then down.
 *
 *   socket -> scratch -> [raw -> TLS] -> in -> data()
 *   socket <- out <- [TLS <- early] <- stream_write()
 *
 * (1) `raw` holds what TLS did not yet take; nothing is read while it does.
 * (2) `early` holds output from before the handshake's end, in order.
 * (3) After each call of a handler the stream may be gone(): look first.
 * (4) A destroyed stream is freed in its next turn, so that slices which are
 *     in use further up the stack stay readable. */
#include "os/stream.h"

#include <errno.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/limits.h"

struct secure {
	struct tls_session *session;
	struct buffer raw;
	struct buffer early;
	bool reported;                  /* `secured` was called */
	bool notified;                  /* close_notify is in out */
};

struct stream {
	struct os *os;
	const struct stream_handler *handler;
	void *owner;
	struct os_watch watch;
	struct os_defer turn;
	struct os_timer timer;          /* of an ending */
	struct buffer in;
	struct buffer out;
	struct secure *secure;          /* NULL: plain */
	int fd;                         /* -1: released, or destroyed */
	int error;                      /* what `closed` will say */
	unsigned char watched;          /* OS_READABLE, OS_WRITABLE */
	bool paused : 1;
	bool reads_always : 1;
	bool offering : 1;              /* inside data() */
	bool fresh : 1;                 /* in `in` is what data() has not judged */
	bool hungry : 1;                /* TLS may have more for us */
	bool wrote : 1;                 /* `drained` is owed */
	bool input_ended : 1;
	bool ending : 1;
	bool shut : 1;                  /* our side is, the rest is lingering */
	bool failed : 1;
	bool closed : 1;                /* said so */
	bool dead : 1;
};

static bool gone(const struct stream *s)
{
	return s->dead || s->fd < 0;
}

static void need_turn(struct stream *s)
{
	os_defer(s->os, &s->turn);
}

static void fail(struct stream *s, int error)
{
	if (s->failed)
		return;
	s->failed = true;
	s->error = error;
	need_turn(s);
}

static bool in_handshake(const struct stream *s)
{
	return s->secure != NULL && tls_session_state(s->secure->session) == TLS_HANDSHAKE;
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
	if (s->ending && !in_handshake(s))
		return true;
	if (s->secure != NULL && buffer_bytes(&s->secure->raw).len > 0)
		return false;
	return (may_offer(s) || in_handshake(s)) && buffer_room(&s->in) > 0;
}

/* Can TLS go on, with what it was given before? */
static bool may_feed(const struct stream *s)
{
	return s->hungry && !s->failed && (may_offer(s) || in_handshake(s)) &&
	    buffer_room(&s->in) > 0 && buffer_room(&s->out) > 0;
}

static void flush(struct stream *s)
{
	while (!s->failed) {
		slice bytes = buffer_bytes(&s->out);
		ssize_t n;

		if (bytes.len == 0)
			return;
		n = os_write(s->os, s->fd, &bytes, 1);
		if (n == -EAGAIN)
			return;
		if (n < 0)
			fail(s, (int)n);
		else
			buffer_consume(&s->out, (size_t)n);
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
	if (!gone(s))
		buffer_consume(&s->in, n);
}

static void take_plain(struct stream *s, slice bytes)
{
	if (buffer_bytes(&s->in).len == 0) {
		bytes = slice_drop(bytes, offer(s, bytes));
		if (!gone(s))
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
		if (gone(s))
			return;
	}
	if (state == TLS_FAILED) {
		flush(s);               /* the alert */
		fail(s, -EPROTO);
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
	for (unsigned i = 0; i < STREAM_TURN_READS && !gone(s) && may_read(s); i++) {
		unsigned char *scratch = os_scratch(s->os);
		size_t room = OS_SCRATCH_SIZE;
		ssize_t n;

		if (s->secure == NULL && !s->ending && room > buffer_room(&s->in))
			room = buffer_room(&s->in);
		n = os_read(s->os, s->fd, scratch, room);
		if (n == -EAGAIN)
			return;
		if (n < 0) {
			fail(s, (int)n);
			return;
		}
		if (n == 0) {
			s->input_ended = true;
			return;
		}
		if (s->secure != NULL && (!s->ending || in_handshake(s)))
			take_wire(s, slice_of(scratch, (size_t)n));
		else if (!s->ending)
			take_plain(s, slice_of(scratch, (size_t)n));
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
	if (s->secure != NULL && !s->secure->notified) {
		s->secure->notified = true;
		tls_session_close(s->secure->session, &s->out);
		flush(s);
		if (stream_unsent(s) > 0)
			return;
	}
	if (os_shutdown(s->os, s->fd) < 0)
		s->input_ended = true;          /* no connection is left to wait for */
	s->shut = true;
	os_timer_start(s->os, &s->timer, STREAM_LINGER_MS);
}

/* ---- a turn ---- */

static void say_closed(struct stream *s)
{
	s->closed = true;
	os_timer_stop(s->os, &s->timer);
	s->handler->closed(s, s->failed ? s->error : 0);
}

/* Watch for what we can use now. */
static void settle(struct stream *s)
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
	if (!gone(s) && s->fresh && may_offer(s))
		offer_buffered(s);
}

static void downwards(struct stream *s)
{
	flush(s);
	send_early(s);
	flush(s);
	if (s->failed || stream_unsent(s) > 0)
		return;
	if (s->wrote) {
		s->wrote = false;
		if (s->handler->drained != NULL && !s->ending)
			s->handler->drained(s);
		if (gone(s) || stream_unsent(s) > 0)
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
	return s->input_ended && !s->fresh && !s->hungry && may_offer(s);
}

static void advance(struct stream *s)
{
	if (s->closed)
		return;
	upwards(s);
	if (!gone(s))
		downwards(s);
	/* What left, or was consumed, may have opened the way for what waits. */
	if (!gone(s) && (may_feed(s) || (s->fresh && may_offer(s))))
		need_turn(s);
	if (!gone(s) && is_over(s))
		say_closed(s);
	if (!gone(s))
		settle(s);
}

static void on_ready(struct os_watch *watch, int events)
{
	struct stream *s = watch->owner;

	if (events & OS_READABLE)
		receive(s);
	if (!gone(s))
		advance(s);
}

static void on_timer(struct os_timer *timer)
{
	struct stream *s = timer->owner;

	if (s->shut)
		s->input_ended = true;
	else
		fail(s, -ETIMEDOUT);
	need_turn(s);
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

static void on_turn(struct os_defer *turn)
{
	struct stream *s = turn->owner;

	if (s->dead)
		bury(s);
	else if (s->fd >= 0)
		advance(s);
}

/* ---- what owners call ---- */

struct stream *stream_create(struct os *os, int fd, size_t in_max, size_t out_max,
    const struct stream_handler *handler, void *owner)
{
	struct stream *s = heap_new(os_heap(os), struct stream);

	check(handler->data != NULL && handler->closed != NULL);
	check(in_max > 0 && out_max > 0);
	s->os = os;
	s->fd = fd;
	s->handler = handler;
	s->owner = owner;
	s->watch = (struct os_watch){ .ready = on_ready, .owner = s };
	s->turn = (struct os_defer){ .run = on_turn, .owner = s };
	s->timer = (struct os_timer){ .fire = on_timer, .owner = s };
	s->in = buffer_init(os_heap(os), in_max);
	s->out = buffer_init(os_heap(os), out_max);
	settle(s);
	return s;
}

/* No more events: what is left is the memory. */
static int detach(struct stream *s)
{
	int fd = s->fd;

	os_watch_stop(s->os, &s->watch);
	os_timer_stop(s->os, &s->timer);
	s->watched = 0;
	s->fd = -1;
	return fd;
}

void stream_destroy(struct stream *stream)
{
	if (stream == NULL)
		return;
	check(!stream->dead);
	stream->dead = true;
	os_close(stream->os, detach(stream));
	need_turn(stream);
}

void *stream_owner(const struct stream *stream)
{
	return stream->owner;
}

struct os *stream_os(const struct stream *stream)
{
	return stream->os;
}

void stream_write(struct stream *stream, slice bytes)
{
	struct secure *secure = stream->secure;
	bool fits;

	if (gone(stream) || stream->ending || stream->failed || stream->closed || bytes.len == 0)
		return;
	if (secure == NULL)
		fits = buffer_append(&stream->out, bytes);
	else if (in_handshake(stream) || buffer_bytes(&secure->early).len > 0)
		fits = buffer_append(&secure->early, bytes);
	else
		fits = tls_session_write(secure->session, bytes, &stream->out) == bytes.len;
	if (!fits)
		fail(stream, -ENOBUFS);
	stream->wrote = true;
	need_turn(stream);
}

size_t stream_room(const struct stream *stream)
{
	const struct secure *secure = stream->secure;

	if (secure == NULL)
		return buffer_room(&stream->out);
	if (in_handshake(stream) || buffer_bytes(&secure->early).len > 0)
		return buffer_room(&secure->early);
	return tls_plain_room(buffer_room(&stream->out));
}

size_t stream_unsent(const struct stream *stream)
{
	size_t n = buffer_bytes(&stream->out).len;

	if (stream->secure != NULL)
		n += buffer_bytes(&stream->secure->early).len;
	return n;
}

void stream_pause(struct stream *stream)
{
	stream->paused = true;
	if (!gone(stream))
		settle(stream);
}

void stream_resume(struct stream *stream)
{
	if (gone(stream) || stream->closed)
		return;
	stream->paused = false;
	stream->fresh = buffer_bytes(&stream->in).len > 0;
	need_turn(stream);
}

void stream_read_always(struct stream *stream)
{
	stream->reads_always = true;
}

void stream_end(struct stream *stream)
{
	if (gone(stream) || stream->ending || stream->closed)
		return;
	stream->ending = true;
	os_timer_start(stream->os, &stream->timer, STREAM_END_MS);
	need_turn(stream);
}

void stream_secure(struct stream *stream, struct tls_context *context, const char *server_name)
{
	struct stream *s = stream;
	struct heap *heap = os_heap(s->os);

	check(s->secure == NULL && s->fd >= 0);
	s->secure = heap_new(heap, struct secure);
	s->secure->session = tls_session_create(heap, context, server_name);
	s->secure->raw = buffer_init(heap, OS_SCRATCH_SIZE);
	s->secure->early = buffer_init(heap, s->out.size_max);
	if (!s->offering)
		buffer_free(&s->in);            /* else its reader drops it: offer() */
	s->fresh = false;
	s->hungry = true;                       /* a client speaks first */
	need_turn(s);
}

const struct tls_session *stream_tls(const struct stream *stream)
{
	return stream->secure != NULL ? stream->secure->session : NULL;
}

int stream_release(struct stream *stream, slice *ret_unread)
{
	check(!stream->offering && stream->fd >= 0 && stream->secure == NULL);
	flush(stream);
	if (stream->failed)
		return stream->error;
	if (stream_unsent(stream) > 0)
		return -EAGAIN;
	*ret_unread = buffer_bytes(&stream->in);
	return detach(stream);
}
