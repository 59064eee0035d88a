/* os/stream_world_test.h - streams over pairs of real sockets, and what their owners saw.
 * For tests.
 *
 * The peer is a bare descriptor, or another stream. spin() lets the loop turn
 * until nothing can happen any more; timers are a thousand times as fast, so
 * that no test waits for a limit in seconds. */
#ifndef OS_STREAM_WORLD_TEST_H
#define OS_STREAM_WORLD_TEST_H

#include "os/stream.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "os/os_impl.h"
#include "os/os_uv.h"
#include "unit.h"

enum { IN_MAX = 4096, OUT_MAX = 32 * 1024 };

enum mode { ALL, LINES, NONE, ECHO };

/* The owner of a stream, and what it saw. */
struct seen {
	struct os *os;
	struct stream *stream;
	enum mode mode;
	struct buffer data;             /* consumed, in order */
	size_t offered;                 /* length of the last offer */
	unsigned offers, drained, secured, closed;
	int error;
	struct tls_context *context;    /* LINES: for a line "STARTTLS" */
	char destroy_in;                /* 'd'ata, 'r' drained, 's'ecured, 'c'losed */
};

static void maybe_destroy(struct seen *s, char where)
{
	if (s->destroy_in != where || s->stream == NULL)
		return;
	stream_destroy(s->stream);
	s->stream = NULL;
}

static size_t take_lines(struct seen *s, slice in)
{
	size_t end = slice_find_byte(in, '\n'), taken = 0;

	while (end < in.len) {
		slice line = slice_head(in, end + 1);

		buffer_add(&s->data, line);
		taken += line.len;
		in = slice_drop(in, line.len);
		if (s->context != NULL && slice_equal(line, slice_lit("STARTTLS\n"))) {
			stream_write(s->stream, slice_lit("220\n"));
			stream_secure(s->stream, s->context, NULL);
			return taken;
		}
		end = slice_find_byte(in, '\n');
	}
	return taken;
}

static size_t on_data(struct stream *stream, slice in)
{
	struct seen *s = stream_owner(stream);

	assert_true(s->stream == stream || s->stream == NULL);
	assert_true(in.len > 0);
	s->offers++;
	s->offered = in.len;
	maybe_destroy(s, 'd');
	switch (s->mode) {
	case LINES:
		return take_lines(s, in);
	case NONE:
		return 0;
	case ECHO:
		stream_write(stream, in);
		break;
	case ALL:
		break;
	}
	buffer_add(&s->data, in);
	return in.len;
}

static void on_drained(struct stream *stream)
{
	struct seen *s = stream_owner(stream);

	s->drained++;
	maybe_destroy(s, 'r');
}

static void on_secured(struct stream *stream)
{
	struct seen *s = stream_owner(stream);

	s->secured++;
	maybe_destroy(s, 's');
}

static void on_closed(struct stream *stream, int error)
{
	struct seen *s = stream_owner(stream);

	s->closed++;
	s->error = error;
	maybe_destroy(s, 'c');
}

static const struct stream_handler handler = { on_data, on_drained, on_secured, on_closed };

/* ---- the world ---- */

struct world {
	struct os_ops ops;              /* with fast timers */
	const struct os_ops *real;
	struct os *os;
	struct os_timer pace;
	struct seen a, b;
	int peer;                       /* the bare end, when b is not used */
};

static void fast_timer(struct os *os, struct os_timer *timer, uint64_t delay_ms)
{
	struct world *w = list_item(os->ops, struct world, ops);

	w->real->timer_start(os, timer, delay_ms / 1000);
}

static void stop_now(struct os_timer *timer)
{
	os_stop(timer->owner, 0);
}

/* Turns of the loop: each does all that is ready. */
static void spin_for(struct world *w, unsigned turns)
{
	for (unsigned i = 0; i < turns; i++) {
		w->real->timer_start(w->os, &w->pace, 0);
		os_uv_run(w->os);
	}
}

static void spin(struct world *w)
{
	spin_for(w, 12);
}

static struct seen see(struct world *w, enum mode mode)
{
	return (struct seen){ .os = w->os, .mode = mode,
		.data = buffer_init(os_heap(w->os), 64 << 20) };
}

static void begin(struct world *w, enum mode mode)
{
	struct os_uv_options options = { .log_from = OS_ERROR };
	int pair[2];

	*w = (struct world){ .os = os_uv_create(&options) };
	w->real = w->os->ops;
	w->ops = *w->os->ops;
	w->ops.timer_start = fast_timer;
	w->pace = (struct os_timer){ .fire = stop_now, .owner = w->os };
	assert_int_equal(os_stream_pair(w->os, pair), 0);
	w->peer = pair[1];
	w->a = see(w, mode);
	w->a.stream = stream_create(w->os, pair[0], IN_MAX, OUT_MAX, &handler, &w->a);
}

static void finish(struct world *w)
{
	stream_destroy(w->a.stream);
	stream_destroy(w->b.stream);
	os_close(w->os, w->peer);
	spin_for(w, 2);
	w->os->ops = w->real;
	os_uv_destroy(w->os);
}

static void peer_says(struct world *w, slice text)
{
	assert_int_equal(os_write(w->os, w->peer, &text, 1), text.len);
}

/* Everything that the peer has been sent. */
static slice peer_hears(struct world *w, char *buf, size_t size)
{
	ssize_t n = os_read(w->os, w->peer, buf, size);

	return slice_of(buf, n > 0 ? (size_t)n : 0);
}

static slice seen_data(const struct seen *s)
{
	return buffer_bytes(&s->data);
}

#endif
