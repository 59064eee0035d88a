/* os/stream.c - connections: what their owners call.
 *
 * They note what is wanted and ask for a turn of the loop (stream_turn.c); no
 * handler is called from here. */
#include "os/stream_impl.h"

#include <errno.h>

#include "base/check.h"
#include "base/limits.h"

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
	s->watch = (struct os_watch){ .ready = stream_ready, .owner = s };
	s->turn = (struct os_defer){ .run = stream_turn, .owner = s };
	s->timer = (struct os_timer){ .fire = stream_time_out, .owner = s };
	s->in = buffer_init(os_heap(os), in_max);
	s->out = buffer_init(os_heap(os), out_max);
	stream_settle(s);
	return s;
}

void stream_hear_out(struct stream *stream)
{
	stream->hears_out = true;
}

void stream_acknowledge(struct stream *stream, bool at_once)
{
	stream->acknowledges = at_once;
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
	stream_need_turn(stream);
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

	if (stream_gone(stream) || stream->ending || stream->failed || stream->closed || bytes.len == 0)
		return;
	if (secure == NULL)
		fits = buffer_append(&stream->out, bytes);
	else if (stream_in_handshake(stream) || buffer_bytes(&secure->early).len > 0)
		fits = buffer_append(&secure->early, bytes);
	else
		fits = tls_session_write(secure->session, bytes, &stream->out) == bytes.len;
	if (!fits)
		stream_fail(stream, -ENOBUFS);
	stream->wrote = true;
	stream_need_turn(stream);
}

size_t stream_room(const struct stream *stream)
{
	const struct secure *secure = stream->secure;

	if (secure == NULL)
		return buffer_room(&stream->out);
	if (stream_in_handshake(stream) || buffer_bytes(&secure->early).len > 0)
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
	if (!stream_gone(stream))
		stream_settle(stream);
}

void stream_hold(struct stream *stream)
{
	stream->held = true;
}

void stream_resume(struct stream *stream)
{
	if (stream_gone(stream) || stream->closed)
		return;
	stream->paused = false;
	stream->held = false;
	stream->fresh = buffer_bytes(&stream->in).len > 0;
	stream_need_turn(stream);
}

void stream_read_always(struct stream *stream)
{
	stream->reads_always = true;
}

void stream_end(struct stream *stream)
{
	if (stream_gone(stream) || stream->ending || stream->closed)
		return;
	stream->ending = true;
	os_timer_start(stream->os, &stream->timer, STREAM_END_MS);
	stream_need_turn(stream);
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
	stream_need_turn(s);
}

const struct tls_session *stream_tls(const struct stream *stream)
{
	return stream->secure != NULL ? stream->secure->session : NULL;
}

int stream_release(struct stream *stream, slice *ret_unread)
{
	check(!stream->offering && stream->fd >= 0 && stream->secure == NULL);
	stream_flush(stream);
	if (stream->failed)
		return stream->error;
	if (stream_unsent(stream) > 0)
		return -EAGAIN;
	*ret_unread = buffer_bytes(&stream->in);
	return detach(stream);
}
