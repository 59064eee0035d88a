/* os/stream_test.c - streams over pairs of real sockets.
 *
 * The peer is a bare descriptor, or another stream. spin() lets the loop turn
 * until nothing can happen any more; timers are a thousand times as fast, so
 * that no test waits for a limit in seconds. */
#include "os/stream.h"

#include <errno.h>
#include <stdio.h>
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

/* For tests that wait for a limit in time: from here on a second is a millisecond. */
static void hurry(struct world *w)
{
	w->os->ops = &w->ops;
}

/* Until a limit in time has passed: at most 30 fast milliseconds. */
static void spin_until_closed(struct world *w, struct seen *s)
{
	for (unsigned i = 0; i < 10000 && s->closed == 0; i++) {
		w->real->timer_start(w->os, &w->pace, 1);
		os_uv_run(w->os);
	}
	assert_int_equal(s->closed, 1);
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

/* The peer becomes a stream, too. */
static void begin_two(struct world *w, enum mode mode, enum mode peer_mode)
{
	begin(w, mode);
	w->b = see(w, peer_mode);
	w->b.stream = stream_create(w->os, w->peer, IN_MAX, OUT_MAX, &handler, &w->b);
	w->peer = -1;
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

/* ---- plain ---- */

static void test_every_split(void **state)
{
	const slice text = slice_lit("one\ntwo\n\nthree and more\nrest");

	for (size_t cut = 0; cut <= text.len; cut++) {
		struct world w;

		begin(&w, LINES);
		if (cut > 0)
			peer_says(&w, slice_head(text, cut));
		spin(&w);
		if (cut < text.len)
			peer_says(&w, slice_drop(text, cut));
		spin(&w);
		assert_slice(seen_data(&w.a), slice_head(text, text.len - 4));
		peer_says(&w, slice_lit("\n"));
		spin(&w);
		assert_int_equal(w.a.offered, 5);
		assert_slice(slice_drop(seen_data(&w.a), text.len - 4), slice_lit("rest\n"));
		finish(&w);
	}
}

static void test_writes_leave_together(void **state)
{
	struct world w;
	char buf[64];

	begin(&w, ALL);
	for (int i = 0; i < 5; i++)
		stream_write(w.a.stream, slice_lit("250 ok\r\n"));
	assert_int_equal(stream_unsent(w.a.stream), 40);
	assert_int_equal(stream_room(w.a.stream), OUT_MAX - 40);
	assert_int_equal(peer_hears(&w, buf, sizeof buf).len, 0);
	spin(&w);
	assert_int_equal(peer_hears(&w, buf, sizeof buf).len, 40);
	assert_int_equal(w.a.drained, 1);
	assert_int_equal(stream_room(w.a.stream), OUT_MAX);
	finish(&w);
}

/* Input stops at in_max, and goes on after resume. */
static void test_input_is_bounded(void **state)
{
	struct world w;
	char big[3 * IN_MAX];

	memset(big, 'x', sizeof big);
	begin(&w, NONE);
	peer_says(&w, slice_of(big, sizeof big));
	spin(&w);
	assert_int_equal(w.a.offered, IN_MAX);
	assert_int_equal(w.a.offers, 1);
	stream_resume(w.a.stream);
	spin(&w);
	assert_int_equal(w.a.offers, 2);        /* again, but no more room */
	w.a.mode = ALL;
	stream_resume(w.a.stream);
	spin(&w);
	assert_int_equal(seen_data(&w.a).len, sizeof big);
	finish(&w);
}

static void test_pause(void **state)
{
	struct world w;

	begin(&w, LINES);
	peer_says(&w, slice_lit("a\nb"));
	spin(&w);
	stream_pause(w.a.stream);
	peer_says(&w, slice_lit("c\n"));
	spin(&w);
	assert_slice(seen_data(&w.a), slice_lit("a\n"));
	os_close(w.os, w.peer);
	w.peer = -1;
	spin(&w);
	assert_int_equal(w.a.closed, 0);        /* not before what came before it */
	stream_resume(w.a.stream);
	spin(&w);
	assert_slice(seen_data(&w.a), slice_lit("a\nbc\n"));
	assert_int_equal(w.a.closed, 1);
	assert_int_equal(w.a.error, 0);
	finish(&w);
}

/* Who sends and never reads is not answered without end, and loses nothing. */
static void test_echo_to_the_deaf(void **state)
{
	struct world w;
	char big[IN_MAX], buf[OUT_MAX];
	size_t sent = 0, heard = 0, total = 4 << 20;
	slice more = { 0 };

	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (char)(i * 31);
	begin(&w, ECHO);
	for (unsigned quiet = 0; quiet < 3;) {
		ssize_t n;

		more = slice_of(big, sizeof big);
		n = os_write(w.os, w.peer, &more, 1);
		quiet = n > 0 ? 0 : quiet + 1;
		sent += n > 0 ? (size_t)n : 0;
		assert_true(sent < total);
		spin_for(&w, 3);
		assert_true(stream_unsent(w.a.stream) <= OUT_MAX / 2 + IN_MAX);
	}
	assert_int_equal(w.a.closed, 0);
	for (unsigned quiet = 0; quiet < 3;) {
		slice got = peer_hears(&w, buf, sizeof buf);

		quiet = got.len > 0 ? 0 : quiet + 1;
		heard += got.len;
		spin_for(&w, 3);
	}
	assert_int_equal(heard, seen_data(&w.a).len);
	finish(&w);
}

static void test_overflow(void **state)
{
	struct world w;
	char big[OUT_MAX];

	memset(big, 'x', sizeof big);
	begin(&w, ALL);
	stream_write(w.a.stream, slice_of(big, sizeof big));
	assert_int_equal(stream_room(w.a.stream), 0);
	stream_write(w.a.stream, slice_lit("x"));
	assert_int_equal(w.a.closed, 0);        /* not from inside the call */
	spin(&w);
	assert_int_equal(w.a.closed, 1);
	assert_int_equal(w.a.error, -ENOBUFS);
	stream_write(w.a.stream, slice_lit("x"));
	stream_end(w.a.stream);
	stream_resume(w.a.stream);
	spin(&w);
	assert_int_equal(w.a.closed, 1);
	finish(&w);
}

static void test_end_of_input(void **state)
{
	struct world w;

	begin(&w, LINES);
	peer_says(&w, slice_lit("last\npart"));
	os_close(w.os, w.peer);
	w.peer = -1;
	spin(&w);
	assert_slice(seen_data(&w.a), slice_lit("last\n"));
	assert_int_equal(w.a.closed, 1);
	assert_int_equal(w.a.error, 0);
	finish(&w);
}

/* Closed with input unread: a reset. */
static void test_reset(void **state)
{
	struct world w;

	begin(&w, ALL);
	stream_write(w.a.stream, slice_lit("unread"));
	spin(&w);
	os_close(w.os, w.peer);
	w.peer = -1;
	spin(&w);
	assert_int_equal(w.a.closed, 1);
	assert_int_equal(w.a.error, -ECONNRESET);
	finish(&w);
}

/* What came before a reset is lost, or not, also when writing finds it first. */
static void test_hear_out(void **state)
{
	for (int i = 0; i < 8; i++) {
		bool hears = i & 1, writes = i & 2, holds = i & 4;
		struct world w;

		begin(&w, LINES);
		if (hears)
			stream_hear_out(w.a.stream);
		stream_write(w.a.stream, slice_lit("unread"));
		spin(&w);
		stream_pause(w.a.stream);
		peer_says(&w, slice_lit("one\ntwo\n"));
		os_close(w.os, w.peer);
		w.peer = -1;
		if (writes)
			stream_write(w.a.stream, slice_lit("more"));
		spin(&w);
		assert_int_equal(w.a.closed, writes && !hears);
		w.a.mode = holds ? NONE : LINES;
		stream_resume(w.a.stream);
		if (holds)
			stream_hold(w.a.stream);
		spin(&w);
		if (holds && hears) {           /* it waits for an answer, and gets one */
			assert_int_equal(w.a.closed, 0);
			w.a.mode = LINES;
			stream_write(w.a.stream, slice_lit("still"));
			stream_resume(w.a.stream);
			spin(&w);
		}
		assert_slice(seen_data(&w.a), hears ? slice_lit("one\ntwo\n") :
		    writes || holds ? slice_lit("") : slice_lit("one\ntwo\n"));
		assert_int_equal(w.a.closed, 1);
		assert_true(w.a.error == -ECONNRESET || w.a.error == -EPIPE);
		finish(&w);
	}
}

static void test_destroy_anywhere(void **state)
{
	static const char where[] = "drc";

	for (size_t i = 0; i < sizeof where - 1; i++) {
		struct world w;

		begin(&w, ECHO);
		w.a.destroy_in = where[i];
		if (where[i] == 'd')
			w.a.mode = ALL;
		peer_says(&w, slice_lit("hello\n"));
		if (where[i] == 'c')
			assert_int_equal(os_shutdown(w.os, w.peer), 0);
		spin(&w);
		assert_null(w.a.stream);
		assert_int_equal(w.a.closed, where[i] == 'c');
		finish(&w);
	}
}

/* ---- the end ---- */

static void test_end_sends_all(void **state)
{
	struct world w;
	char big[OUT_MAX], buf[OUT_MAX + 1];
	size_t heard = 0;
	slice got;

	memset(big, 'x', sizeof big);
	begin(&w, ALL);
	stream_write(w.a.stream, slice_of(big, sizeof big));
	stream_end(w.a.stream);
	stream_write(w.a.stream, slice_lit("too late"));
	peer_says(&w, slice_lit("dropped"));
	for (int i = 0; i < 20; i++) {
		spin_for(&w, 1);
		got = peer_hears(&w, buf, sizeof buf);
		heard += got.len;
	}
	assert_int_equal(heard, OUT_MAX);
	assert_int_equal(os_read(w.os, w.peer, buf, 1), 0);     /* shut down */
	assert_int_equal(w.a.offers, 0);
	peer_says(&w, slice_lit("dropped, too: no reset"));
	os_close(w.os, w.peer);
	w.peer = -1;
	spin_until_closed(&w, &w.a);
	assert_int_equal(w.a.error, 0);
	finish(&w);
}

/* A peer that stays costs STREAM_LINGER_MS, not for ever. */
static void test_linger_is_bounded(void **state)
{
	struct world w;

	begin(&w, ALL);
	hurry(&w);
	stream_write(w.a.stream, slice_lit("221 bye\r\n"));
	stream_end(w.a.stream);
	spin_until_closed(&w, &w.a);
	assert_int_equal(w.a.error, 0);
	finish(&w);
}

static void test_end_to_the_deaf(void **state)
{
	struct world w;
	char big[OUT_MAX];

	memset(big, 'x', sizeof big);
	begin(&w, ALL);
	while (stream_room(w.a.stream) == OUT_MAX) {
		stream_write(w.a.stream, slice_of(big, sizeof big));
		spin(&w);
	}
	hurry(&w);
	stream_end(w.a.stream);
	spin_until_closed(&w, &w.a);
	assert_int_equal(w.a.error, -ETIMEDOUT);
	finish(&w);
}

/* ---- giving away ---- */

static void test_release(void **state)
{
	struct world w;
	slice unread;
	char buf[16];
	int fd;

	begin(&w, LINES);
	peer_says(&w, slice_lit("PASS\nQUI"));
	spin(&w);
	stream_write(w.a.stream, slice_lit("+OK\n"));
	fd = stream_release(w.a.stream, &unread);
	assert_true(fd >= 0);
	assert_slice(unread, slice_lit("QUI"));
	assert_slice(peer_hears(&w, buf, sizeof buf), slice_lit("+OK\n"));
	peer_says(&w, slice_lit("T\n"));
	spin(&w);
	assert_slice(seen_data(&w.a), slice_lit("PASS\n"));
	assert_int_equal(os_read(w.os, fd, buf, sizeof buf), 2);
	stream_destroy(w.a.stream);
	w.a.stream = NULL;
	spin(&w);
	peer_says(&w, slice_lit("still open"));
	os_close(w.os, fd);
	assert_int_equal(w.a.closed, 0);
	finish(&w);
}

static void test_release_waits(void **state)
{
	struct world w;
	char big[OUT_MAX];
	slice unread;

	memset(big, 'x', sizeof big);
	begin(&w, ALL);
	while (stream_room(w.a.stream) == OUT_MAX) {
		stream_write(w.a.stream, slice_of(big, sizeof big));
		spin(&w);
	}
	assert_int_equal(stream_release(w.a.stream, &unread), -EAGAIN);
	os_close(w.os, w.peer);
	w.peer = -1;
	assert_true(stream_release(w.a.stream, &unread) < 0);
	spin(&w);
	assert_int_equal(w.a.closed, 1);
	finish(&w);
}

/* ---- TLS ---- */

struct contexts {
	struct tls_context *server, *client;
};

static struct contexts make_contexts(struct world *w)
{
	struct heap *heap = os_heap(w->os);
	struct buffer chain = buffer_init(heap, 8192), key = buffer_init(heap, 8192);
	char error[TLS_ERROR_TEXT];
	struct contexts c;

	assert_true(tls_self_signed(slice_lit("alice.example"), &chain, &key));
	c.server = tls_server_context(heap, buffer_bytes(&chain), buffer_bytes(&key), error,
	    sizeof error);
	c.client = tls_client_context(heap, buffer_bytes(&chain), error, sizeof error);
	assert_non_null(c.server);
	assert_non_null(c.client);
	return c;
}

static void test_tls(void **state)
{
	struct world w;
	struct contexts c;

	begin_two(&w, ECHO, ALL);
	c = make_contexts(&w);
	stream_secure(w.a.stream, c.server, NULL);
	stream_secure(w.b.stream, c.client, "alice.example");
	/* Written before the handshake is through: leaves after it, in order. */
	stream_write(w.b.stream, slice_lit("EHLO "));
	stream_write(w.b.stream, slice_lit("x\r\n"));
	spin(&w);
	stream_write(w.b.stream, slice_lit("QUIT\r\n"));
	spin(&w);
	assert_int_equal(w.a.secured, 1);
	assert_int_equal(w.b.secured, 1);
	assert_int_equal(tls_session_state(stream_tls(w.a.stream)), TLS_OPEN);
	assert_slice(seen_data(&w.b), slice_lit("EHLO x\r\nQUIT\r\n"));
	stream_end(w.b.stream);
	spin(&w);
	assert_int_equal(w.a.closed, 1);
	assert_int_equal(w.a.error, 0);
	stream_destroy(w.a.stream);
	w.a.stream = NULL;
	spin(&w);
	assert_int_equal(w.b.closed, 1);
	assert_int_equal(w.b.error, 0);
	finish(&w);
}

/* Four megabytes each way at once, through small buffers. */
static void pour(struct seen *s, const unsigned char *bytes, size_t total, size_t *sent)
{
	size_t n = stream_room(s->stream);

	if (n > total - *sent)
		n = total - *sent;
	stream_write(s->stream, slice_of(bytes + *sent, n));
	*sent += n;
}

static void test_bulk(void **state)
{
	const size_t total = 4 << 20;

	for (int tls = 0; tls < 2; tls++) {
		struct world w;
		unsigned char *bytes;
		size_t sent_a = 0, sent_b = 0;
		unsigned turns = 0;

		begin_two(&w, ALL, ALL);
		stream_read_always(w.b.stream);         /* else both wait for the other */
		bytes = heap_alloc(os_heap(w.os), total);
		os_random(w.os, bytes, total);
		if (tls) {
			struct contexts c = make_contexts(&w);

			stream_secure(w.a.stream, c.server, NULL);
			stream_secure(w.b.stream, c.client, "alice.example");
		}
		while (seen_data(&w.a).len < total || seen_data(&w.b).len < total) {
			pour(&w.a, bytes, total, &sent_a);
			pour(&w.b, bytes, total, &sent_b);
			spin_for(&w, 1);
			assert_true(++turns < 20000);
		}
		assert_memory_equal(seen_data(&w.a).ptr, bytes, total);
		assert_memory_equal(seen_data(&w.b).ptr, bytes, total);
		assert_int_equal(w.a.closed + w.b.closed, 0);
		finish(&w);
	}
}

/* CVE-2011-0411: what is pipelined behind STARTTLS never counts, wherever the
 * cut between two reads is. */
static void test_starttls_injection(void **state)
{
	const slice text = slice_lit("NOOP\nSTARTTLS\nEVIL\nEVIL");

	for (size_t cut = 0; cut <= text.len; cut++) {
		struct world w;
		char buf[64];

		begin(&w, LINES);
		w.a.context = make_contexts(&w).server;
		if (cut > 0)
			peer_says(&w, slice_head(text, cut));
		if (cut < 14)
			spin(&w);
		if (cut < text.len)
			peer_says(&w, slice_drop(text, cut));
		spin(&w);
		assert_slice(seen_data(&w.a), slice_lit("NOOP\nSTARTTLS\n"));
		assert_slice(slice_head(peer_hears(&w, buf, sizeof buf), 4), slice_lit("220\n"));
		finish(&w);
	}
}

static void test_starttls(void **state)
{
	struct world w;
	struct contexts c;

	begin_two(&w, LINES, LINES);
	c = make_contexts(&w);
	w.a.context = c.server;
	stream_write(w.b.stream, slice_lit("STARTTLS\n"));
	spin(&w);
	assert_slice(seen_data(&w.b), slice_lit("220\n"));
	stream_secure(w.b.stream, c.client, "alice.example");
	spin(&w);
	stream_write(w.b.stream, slice_lit("after\n"));
	spin(&w);
	assert_slice(seen_data(&w.a), slice_lit("STARTTLS\nafter\n"));
	finish(&w);
}

static void test_tls_fails(void **state)
{
	struct world w;
	char buf[64];
	slice heard;

	begin(&w, ALL);
	stream_secure(w.a.stream, make_contexts(&w).server, NULL);
	stream_write(w.a.stream, slice_lit("220 never sent in the clear\r\n"));
	peer_says(&w, slice_lit("EHLO x\r\n"));
	spin(&w);
	assert_int_equal(w.a.secured, 1);
	assert_int_equal(w.a.closed, 1);
	assert_int_equal(w.a.error, -EPROTO);
	assert_string_equal(tls_session_error(stream_tls(w.a.stream)), "what came is not TLS");
	heard = peer_hears(&w, buf, sizeof buf);
	assert_int_equal(slice_find(heard, slice_lit("220")), heard.len);
	finish(&w);
}

/* Who fails tells the other why, before it closes. */
static void test_alert_arrives(void **state)
{
	struct world w;
	struct contexts c;

	begin_two(&w, ALL, ALL);
	c = make_contexts(&w);
	stream_secure(w.a.stream, c.server, NULL);
	stream_secure(w.b.stream, c.client, "bob.example");
	spin(&w);
	assert_int_equal(w.b.error, -EPROTO);
	assert_string_equal(tls_session_error(stream_tls(w.b.stream)), "hostname mismatch");
	assert_int_equal(w.a.error, -EPROTO);
	assert_string_equal(tls_session_error(stream_tls(w.a.stream)),
	    "the peer refuses our certificate");
	assert_int_equal(w.a.closed + w.b.closed, 2);
	finish(&w);
}

static void test_destroy_when_secured(void **state)
{
	struct world w;
	struct contexts c;

	begin_two(&w, ALL, ALL);
	c = make_contexts(&w);
	w.a.destroy_in = 's';
	stream_secure(w.a.stream, c.server, NULL);
	stream_secure(w.b.stream, c.client, "alice.example");
	spin(&w);
	assert_null(w.a.stream);
	assert_int_equal(w.b.closed, 1);
	finish(&w);
}

/* The end under TLS: a last line written before the handshake still arrives. */
static void test_end_before_handshake(void **state)
{
	struct world w;
	struct contexts c;

	begin_two(&w, ALL, ALL);
	c = make_contexts(&w);
	stream_secure(w.a.stream, c.server, NULL);
	stream_write(w.a.stream, slice_lit("421 too many\r\n"));
	stream_end(w.a.stream);
	stream_secure(w.b.stream, c.client, "alice.example");
	spin(&w);
	assert_slice(seen_data(&w.b), slice_lit("421 too many\r\n"));
	assert_int_equal(w.b.closed, 1);
	assert_int_equal(w.b.error, 0);
	finish(&w);
}

/* Killed: the heap goes, nobody destroys anything. */
static void test_dropped(void **state)
{
	struct world w;
	struct contexts c;

	begin_two(&w, ECHO, ALL);
	c = make_contexts(&w);
	stream_secure(w.a.stream, c.server, NULL);
	stream_secure(w.b.stream, c.client, "alice.example");
	spin(&w);
	w.os->ops = w.real;
	os_uv_destroy(w.os);
}

static void test_idle_is_small(void **state)
{
	enum { N = 100, IDLE_MAX = 500 };
	struct world w;
	int pairs[N][2];
	struct stream *streams[N], *own_stream;
	size_t before, each;

	begin(&w, ALL);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(os_stream_pair(w.os, pairs[i]), 0);
	os_scratch(w.os);
	before = heap_used(os_heap(w.os));
	for (size_t i = 0; i < N; i++) {
		slice hello = slice_lit("hello");

		streams[i] = stream_create(w.os, pairs[i][0], IN_MAX, OUT_MAX, &handler, &w.a);
		stream_write(streams[i], slice_lit("220 hello\r\n"));
		assert_int_equal(os_write(w.os, pairs[i][1], &hello, 1), 5);
	}
	own_stream = w.a.stream;
	w.a.stream = NULL;              /* on_data() is asked about all of them */
	spin(&w);
	assert_int_equal(w.a.offers, N);
	each = (heap_used(os_heap(w.os)) - before) / N;
	print_message("# an idle plain stream holds %zu bytes\n", each);
	assert_true(each < IDLE_MAX);
	w.a.stream = own_stream;
	for (size_t i = 0; i < N; i++) {
		stream_destroy(streams[i]);
		os_close(w.os, pairs[i][1]);
	}
	finish(&w);
}

UNIT_TESTS(cmocka_unit_test(test_every_split), cmocka_unit_test(test_writes_leave_together),
    cmocka_unit_test(test_input_is_bounded), cmocka_unit_test(test_pause),
    cmocka_unit_test(test_echo_to_the_deaf), cmocka_unit_test(test_overflow),
    cmocka_unit_test(test_end_of_input), cmocka_unit_test(test_reset),
    cmocka_unit_test(test_hear_out),
    cmocka_unit_test(test_hear_out),
    cmocka_unit_test(test_destroy_anywhere), cmocka_unit_test(test_end_sends_all),
    cmocka_unit_test(test_linger_is_bounded), cmocka_unit_test(test_end_to_the_deaf),
    cmocka_unit_test(test_release), cmocka_unit_test(test_release_waits),
    cmocka_unit_test(test_tls), cmocka_unit_test(test_bulk),
    cmocka_unit_test(test_starttls_injection), cmocka_unit_test(test_starttls),
    cmocka_unit_test(test_tls_fails), cmocka_unit_test(test_alert_arrives),
    cmocka_unit_test(test_destroy_when_secured),
    cmocka_unit_test(test_end_before_handshake), cmocka_unit_test(test_dropped),
    cmocka_unit_test(test_idle_is_small))
