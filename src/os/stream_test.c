/* os/stream_test.c - streams in the clear: input, output, their bounds, the end, giving away. */
#include "os/stream_world_test.h"

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

static unsigned acknowledged;

static void count_acknowledged(struct os *os, int fd)
{
	acknowledged++;
}

/* What waits for an answer is, if that was asked for; an answer is one itself. */
static void test_acknowledged_at_once(void **state)
{
	static const struct {
		bool asked;
		enum mode mode;
		unsigned want;
	} cases[] = { { false, ALL, 0 }, { true, ALL, 2 }, { true, NONE, 2 }, { true, ECHO, 0 } };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct world w;

		begin(&w, cases[i].mode);
		w.ops.acknowledge = count_acknowledged;
		w.os->ops = &w.ops;
		acknowledged = 0;
		stream_acknowledge(w.a.stream, cases[i].asked);
		peer_says(&w, slice_lit("a1 APPEND x {3+}\r\nabc"));
		spin(&w);
		peer_says(&w, slice_lit("\r\n"));
		spin(&w);
		assert_int_equal(acknowledged, cases[i].want);
		w.os->ops = w.real;
		finish(&w);
	}
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
    cmocka_unit_test(test_acknowledged_at_once),
    cmocka_unit_test(test_input_is_bounded), cmocka_unit_test(test_pause),
    cmocka_unit_test(test_echo_to_the_deaf), cmocka_unit_test(test_overflow),
    cmocka_unit_test(test_end_of_input), cmocka_unit_test(test_reset),
    cmocka_unit_test(test_hear_out), cmocka_unit_test(test_destroy_anywhere),
    cmocka_unit_test(test_end_sends_all), cmocka_unit_test(test_linger_is_bounded),
    cmocka_unit_test(test_end_to_the_deaf), cmocka_unit_test(test_release),
    cmocka_unit_test(test_release_waits), cmocka_unit_test(test_idle_is_small))
