/* os/os_uv_http_test.c - HTTP over real sockets, server and clients on one loop. */
#include "os/http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "os/os_impl.h"
#include "os/os_uv.h"
#include "unit.h"

enum { CLIENTS = 4, LARGE = 2 * HTTP_BODY_MAX };

static const uint8_t loopback[16] = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 };

/* What the role below does with requests by their path:
 *   /echo   method, query x, header X-Test, body
 *   /later  keeps it until the test answers
 *   /big    a body that is taken over
 *   /other  another protocol, in which it says what it hears
 *   /large  its body may be longer, and it answers for itself when it is too long */
struct world {
	struct os *os;
	struct http_server *server;
	struct http_request *kept[CLIENTS];
	size_t n_kept, n_requests, n_closed, n_drained;
	/* The other protocol. */
	size_t n_begun, n_lost;
	struct http_upgrade *upgrade;
	int fd;
	char unread[64];
	size_t last_closed;
	struct os_timer turn;
};

static struct world w;
static char names[8192];                /* clients: the n-th byte */

static void answer_echo(struct http_request *r)
{
	struct buffer text = buffer_init(os_heap(w.os), 2 * HTTP_BODY_MAX);
	const struct http_field fields[] = {
		{ "X-Yes", slice_lit("1") }, { "X-Split", slice_lit("a\r\nb: c") },
		{ "X-Empty", { 0 } },
	};
	slice value = slice_lit("-"), x = slice_lit("-");

	http_header(r, "x-test", &value);
	http_target_get(&r->target, "x", &x);
	buffer_printf(&text, "%.*s %.*s %.*s ", slice_arg(r->method), slice_arg(x),
	    slice_arg(value));
	buffer_add(&text, r->body);
	http_answer(r, &(struct http_answer){ .status = 200, .type = "text/plain",
	    .fields = fields, .n_fields = 3, .body = buffer_bytes(&text) });
	buffer_free(&text);
}

static void answer_big(struct http_request *r)
{
	struct buffer text = buffer_init(os_heap(w.os), HTTP_BODY_MAX);

	while (buffer_room(&text) >= 1024)
		buffer_add(&text, slice_of((char[1024]){ "big" }, 1024));
	http_answer(r, &(struct http_answer){ .status = 200, .taken = &text });
	assert_int_equal(buffer_bytes(&text).len, 0);
}

static void begin_other(void *context, struct http_upgrade *upgrade, int fd, slice unread)
{
	assert_ptr_equal(context, &w);
	w.n_begun++;
	w.n_lost += fd < 0;
	w.upgrade = upgrade;
	w.fd = fd;
	assert_true(unread.len < sizeof w.unread);
	memcpy(w.unread, unread.len > 0 ? unread.ptr : (const void *)"", unread.len);
	w.unread[unread.len] = 0;
}

static void answer_other(struct http_request *r)
{
	http_upgrade(r, (const struct http_field[]){ { "Upgrade", slice_lit("other") },
	    { "X-Yes", slice_lit("1") } }, 2, begin_other, &w);
}

static void on_request(struct http_server *server, struct http_request *r)
{
	slice path = r->target_ok ? r->target.segments[0] : (slice){ 0 };

	assert_memory_equal(r->ip, loopback, 16);
	w.n_requests++;
	if (slice_equal(path, slice_lit("echo"))) {
		answer_echo(r);
	} else if (slice_equal(path, slice_lit("big"))) {
		answer_big(r);
	} else if (slice_equal(path, slice_lit("other"))) {
		answer_other(r);
	} else if (slice_equal(path, slice_lit("large"))) {
		assert_int_equal(r->body.len, LARGE);
		http_answer(r, &(struct http_answer){ .status = 200 });
	} else if (slice_equal(path, slice_lit("later"))) {
		w.kept[w.n_kept++] = r;
	} else {
		http_answer(r, &(struct http_answer){ .status = r->target_ok ? 404 : 400 });
	}
}

static void on_closed(struct http_server *server, void *client)
{
	w.n_closed++;
	w.last_closed = (size_t)((char *)client - names);
}

static void on_drained(struct http_server *server)
{
	w.n_drained++;
}

static bool is_large(const struct http_request *r)
{
	return r->target_ok && slice_equal(r->target.segments[0], slice_lit("large"));
}

static size_t body_max(struct http_server *server, const struct http_request *r)
{
	assert_true(r->method.len > 0);
	return is_large(r) ? LARGE : HTTP_BODY_MAX;
}

static void on_refused(struct http_server *server, struct http_request *r, unsigned status)
{
	if (is_large(r))
		http_answer(r, &(struct http_answer){ .status = status, .body = slice_lit("mine") });
}

static const struct http_handler handler = { .request = on_request, .closed = on_closed,
    .drained = on_drained, .body_max = body_max, .refused = on_refused };

static void begin(bool one_process)
{
	const struct os_uv_options options = { .one_process = one_process, .log_from = OS_ERROR };
	struct http_library *library;
	char error[256];

	w = (struct world){ .os = os_uv_create(&options) };
	library = http_library_load(w.os, error, sizeof error);
	if (library == NULL)
		fail_msg("%s", error);
	w.server = http_server_create(w.os, library, &handler, &w);
	assert_non_null(w.server);
	assert_ptr_equal(http_server_owner(w.server), &w);
}

static void end(void)
{
	os_uv_destroy(w.os);
}

static void stop_turn(struct os_timer *timer)
{
	os_stop(w.os, 0);
}

/* Let the loop run for a millisecond. */
static void turn(void)
{
	w.turn = (struct os_timer){ .fire = stop_turn };
	os_timer_start(w.os, &w.turn, 1);
	os_uv_run(w.os);
}

/* ---- clients ---- */

static int join(size_t number)
{
	int fds[2];

	assert_int_equal(os_stream_pair(w.os, fds), 0);
	http_server_adopt(w.server, fds[1], loopback, names + number);
	return fds[0];
}

static void say(int fd, slice text)
{
	while (text.len > 0) {
		ssize_t n = os_write(w.os, fd, &text, 1);

		if (n == -EPIPE)
			return;
		assert_true(n > 0 || n == -EAGAIN);
		if (n > 0)
			text = slice_drop(text, (size_t)n);
		else
			turn();
	}
}

/* Read to the end of the stream, or until n bytes are there. */
static slice hear(int fd, struct buffer *in, size_t n)
{
	char piece[65536];

	for (unsigned turns = 0; buffer_bytes(in).len < n; turns++) {
		ssize_t got = os_read(w.os, fd, piece, sizeof piece);

		if (got == 0 || got == -ECONNRESET)
			break;
		assert_true(got > 0 || got == -EAGAIN);
		assert_true(turns < 20000);
		if (got > 0)
			buffer_add(in, slice_of(piece, (size_t)got));
		else
			turn();
	}
	return buffer_bytes(in);
}

static void settle(const size_t *count, size_t want)
{
	for (unsigned turns = 0; *count < want; turns++) {
		assert_true(turns < 20000);
		turn();
	}
	assert_int_equal(*count, want);
}

static bool has(slice text, const char *part)
{
	return slice_find(text, slice_from(part)) < text.len;
}

static slice body_of(slice text)
{
	size_t at = slice_find(text, slice_lit("\r\n\r\n"));

	return at < text.len ? slice_drop(text, at + 4) : (slice){ 0 };
}

/* One connection that says all of it, in two pieces, and hears all. */
static void dialogue(slice text, size_t split, struct buffer *in)
{
	int fd = join(1);

	say(fd, slice_head(text, split));
	turn();
	say(fd, slice_drop(text, split));
	hear(fd, in, SIZE_MAX);
	os_close(w.os, fd);
}

/* ---- time ---- */

static uint64_t ahead_ms;
static struct os_ops quick;
static const struct os_ops *real;

static uint64_t later(struct os *os)
{
	return real->now_ms(os) + ahead_ms;
}

static void soon(struct os *os, struct os_timer *timer, uint64_t delay_ms)
{
	real->timer_start(os, timer, delay_ms / 100);
}

static void hurry(void)
{
	real = w.os->ops;
	quick = *real;
	quick.now_ms = later;
	quick.timer_start = soon;
	ahead_ms = 0;
	w.os->ops = &quick;
}

/* ---- tests ---- */

static const struct {
	const char *name, *text, *status, *body;
} dialogues[] = {
	{ "plain", "GET /echo?x=a+b HTTP/1.1\r\nHost: h\r\nX-Test: t\r\nConnection: close\r\n\r\n",
	    "HTTP/1.1 200 OK\r\n", "GET a b t " },
	{ "1.0", "GET /echo HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "GET - - " },
	{ "HEAD", "HEAD /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	    "HTTP/1.1 200 OK\r\n", "" },
	{ "body", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
	    "abc", "HTTP/1.1 200 OK\r\n", "POST - - abc" },
	{ "chunks", "PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
	    "Connection: close\r\n\r\n2\r\nab\r\n4;x=y\r\ncdef\r\n0\r\n\r\n",
	    "HTTP/1.1 200 OK\r\n", "PUT - - abcdef" },
	{ "encoded slash", "GET /echo%2Fx HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	    "HTTP/1.1 404 Not Found\r\n", "" },
	{ "bad escape", "GET /%zz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	    "HTTP/1.1 400 Bad Request\r\n", "" },
};

static void test_every_split(void **state)
{
	begin(false);
	for (size_t i = 0; i < sizeof dialogues / sizeof *dialogues; i++) {
		slice text = slice_from(dialogues[i].text);

		for (size_t split = 0; split <= text.len; split++) {
			struct buffer in = buffer_init(os_heap(w.os), 65536);

			dialogue(text, split, &in);
			if (!slice_starts(buffer_bytes(&in), slice_from(dialogues[i].status)))
				fail_msg("%s at %zu: %.*s", dialogues[i].name, split,
				    slice_arg(buffer_bytes(&in)));
			assert_slice(body_of(buffer_bytes(&in)), slice_from(dialogues[i].body));
			buffer_free(&in);
		}
	}
	end();
}

static void test_fields(void **state)
{
	struct buffer in;

	begin(false);
	in = buffer_init(os_heap(w.os), 65536);
	dialogue(slice_from(dialogues[0].text), 10, &in);
	assert_true(has(buffer_bytes(&in), "\r\nContent-Type: text/plain\r\n"));
	assert_true(has(buffer_bytes(&in), "\r\nX-Yes: 1\r\n"));
	assert_true(has(buffer_bytes(&in), "\r\nContent-Length: 10\r\n"));
	assert_false(has(buffer_bytes(&in), "X-Split"));
	assert_false(has(buffer_bytes(&in), "X-Empty"));
	end();
}

static void test_keep_alive(void **state)
{
	struct buffer text, in;
	size_t one;
	int fd;

	begin(false);
	text = buffer_init(os_heap(w.os), 1 << 20);
	in = buffer_init(os_heap(w.os), 1 << 20);
	fd = join(7);
	say(fd, slice_lit("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n"));
	hear(fd, &in, 1);
	one = buffer_bytes(&in).len;
	for (unsigned i = 0; i < 1000; i++)
		buffer_printf(&text, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
	say(fd, buffer_bytes(&text));
	hear(fd, &in, one + 1000 * (one + 1));  /* POST is longer than GET by one */
	assert_int_equal(w.n_requests, 1001);
	assert_int_equal(http_server_connections(w.server), 1);
	os_close(w.os, fd);
	settle(&w.n_closed, 1);
	assert_int_equal(w.last_closed, 7);
	end();
}

/* Two clients wait; they are answered in the other order, from within and from outside of
 * the library. */
static void test_later(void **state)
{
	static const char text[] = "GET /later HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
	int fds[2];

	begin(false);
	for (unsigned i = 0; i < 2; i++) {
		fds[i] = join(i);
		say(fds[i], slice_from(text));
		settle(&w.n_kept, i + 1);
	}
	for (unsigned i = 2; i-- > 0;) {
		struct buffer in = buffer_init(os_heap(w.os), 65536);

		assert_int_equal(os_read(w.os, fds[i], &(char){ 0 }, 1), -EAGAIN);
		http_answer(w.kept[i], &(struct http_answer){ .status = 200,
		    .body = slice_lit("late") });
		assert_slice(body_of(hear(fds[i], &in, SIZE_MAX)), slice_lit("late"));
	}
	settle(&w.n_closed, 2);
	end();
}

/* The client goes while it waits: the answer finds nobody. */
static void test_gone(void **state)
{
	int fd;

	begin(false);
	fd = join(3);
	say(fd, slice_lit("GET /later HTTP/1.1\r\nHost: h\r\n\r\n"));
	settle(&w.n_kept, 1);
	os_close(w.os, fd);
	for (unsigned i = 0; i < 10; i++)
		turn();
	assert_int_equal(w.n_closed, 0);
	http_answer(w.kept[0], &(struct http_answer){ .status = 200 });
	settle(&w.n_closed, 1);
	end();
}

static void fill(struct buffer *b, const char *begin_with, size_t n, const char *end_with)
{
	buffer_add(b, slice_from(begin_with));
	for (size_t i = 0; i < n; i++)
		put_u8(b, 'x');
	buffer_add(b, slice_from(end_with));
}

static void assert_refused(const struct buffer *text, const char *status, size_t requests)
{
	struct buffer in = buffer_init(os_heap(w.os), 65536);

	w.n_requests = 0;
	dialogue(buffer_bytes(text), buffer_bytes(text).len, &in);
	if (!slice_starts(buffer_bytes(&in), slice_from(status)))
		fail_msg("%s: %.*s", status, slice_arg(buffer_bytes(&in)));
	assert_int_equal(w.n_requests, requests);
}

/* Targets as long as they can be, with all to be decoded. */
static void test_encoded(void **state)
{
	unsigned served = 0;

	begin(false);
	for (size_t n = HTTP_POOL_SIZE - 200; n < HTTP_POOL_SIZE; n += 4) {
		struct buffer text = buffer_init(os_heap(w.os), HTTP_POOL_SIZE + 100);
		struct buffer in = buffer_init(os_heap(w.os), 65536);

		buffer_add(&text, slice_lit("GET /"));
		for (unsigned i = 1; i < HTTP_SEGMENTS_MAX; i++)
			buffer_add(&text, slice_lit("%41aaaaaaaaaaaaaa/"));
		fill(&text, "%41", n - buffer_bytes(&text).len, " HTTP/1.0\r\n\r\n");
		dialogue(buffer_bytes(&text), buffer_bytes(&text).len, &in);
		served += slice_starts(buffer_bytes(&in), slice_lit("HTTP/1.0 404 ")) ||
		    slice_starts(buffer_bytes(&in), slice_lit("HTTP/1.1 404 "));
		buffer_free(&text);
		buffer_free(&in);
	}
	assert_true(served > 10);
	end();
}

static void test_too_much(void **state)
{
	enum { SIZE = 3 * HTTP_BODY_MAX };
	struct buffer text, in;

	begin(false);
	text = buffer_init(os_heap(w.os), SIZE);
	fill(&text, "GET /", HTTP_POOL_SIZE, " HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_refused(&text, "HTTP/1.1 414 ", 0);
	buffer_free(&text);
	fill(&text, "GET / HTTP/1.1\r\nHost: h\r\nX: ", HTTP_POOL_SIZE, "\r\n\r\n");
	assert_refused(&text, "HTTP/1.1 431 ", 0);
	buffer_free(&text);
	buffer_printf(&text, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n",
	    HTTP_BODY_MAX + 1);
	assert_refused(&text, "HTTP/1.1 413 ", 0);
	buffer_free(&text);
	buffer_printf(&text, "POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n%x\r\n", HTTP_BODY_MAX + 1);
	fill(&text, "", HTTP_BODY_MAX + 1, "\r\n0\r\n\r\n");
	assert_refused(&text, "HTTP/1.1 413 ", 0);
	buffer_free(&text);
	buffer_printf(&text, "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
	    "Content-Length: %d\r\n\r\n", HTTP_BODY_MAX);
	fill(&text, "", HTTP_BODY_MAX, "");
	assert_refused(&text, "HTTP/1.1 404 ", 1);
	for (int over = 1; over >= 0; over--) {
		buffer_free(&text);
		buffer_printf(&text, "POST /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n%x\r\n", LARGE + over);
		fill(&text, "", (size_t)(LARGE + over), "\r\n0\r\n\r\n");
		assert_refused(&text, over ? "HTTP/1.1 413 " : "HTTP/1.1 200 ", !over);
	}
	/* What says that it is, is heard out as well, unless it asked before. */
	buffer_free(&text);
	buffer_printf(&text, "POST /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
	    "Content-Length: %d\r\n\r\n", LARGE + 1);
	fill(&text, "", LARGE + 1, "");
	assert_refused(&text, "HTTP/1.1 413 ", 0);
	in = buffer_init(os_heap(w.os), 65536);
	dialogue(slice_lit("POST /large HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
	    "Content-Length: 10485761\r\n\r\n"), 9, &in);
	assert_true(slice_starts(buffer_bytes(&in), slice_lit("HTTP/1.1 413 ")));
	buffer_free(&in);
	dialogue(slice_lit("POST /large HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\n\r\n"), 9, &in);
	assert_true(slice_starts(buffer_bytes(&in), slice_lit("HTTP/1.1 413 ")));
	assert_slice(body_of(buffer_bytes(&in)), slice_lit("mine"));
	end();
}

/* All bodies together. Whoever waits with his holds what he holds. */
static void test_bodies(void **state)
{
	enum { BODY = 5000000, N = HTTP_BODIES_MAX / BODY };
	struct http_request *kept[N];
	struct buffer text, in, large;
	int fds[N + 1];

	begin(false);
	text = buffer_init(os_heap(w.os), 2 * HTTP_BODY_MAX);
	in = buffer_init(os_heap(w.os), 65536);
	buffer_printf(&text, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", BODY);
	fill(&text, "", BODY, "");
	for (unsigned i = 0; i <= N; i++) {
		fds[i] = join(i);
		say(fds[i], buffer_bytes(&text));
		w.n_kept = 0;
		if (i == N)
			break;
		settle(&w.n_kept, 1);
		kept[i] = w.kept[0];
	}
	assert_true(slice_starts(hear(fds[N], &in, 12), slice_lit("HTTP/1.1 503")));
	/* Large ones have a sum of their own. */
	buffer_free(&in);
	large = buffer_init(os_heap(w.os), LARGE + 100);
	buffer_printf(&large, "POST /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
	    "Content-Length: %d\r\n\r\n", LARGE);
	fill(&large, "", LARGE, "");
	dialogue(buffer_bytes(&large), 9, &in);
	assert_true(slice_starts(buffer_bytes(&in), slice_lit("HTTP/1.1 200")));
	http_answer(kept[0], &(struct http_answer){ .status = 200 });
	buffer_free(&in);
	hear(fds[0], &in, 12);
	say(fds[0], buffer_bytes(&text));
	settle(&w.n_kept, 1);
	end();
}

static void test_taken(void **state)
{
	struct buffer in;
	size_t before;

	begin(false);
	in = buffer_init(os_heap(w.os), 2 * HTTP_BODY_MAX);
	before = heap_used(os_heap(w.os));
	dialogue(slice_lit("GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), 4, &in);
	assert_int_equal(body_of(buffer_bytes(&in)).len, HTTP_BODY_MAX);
	buffer_free(&in);
	settle(&w.n_closed, 1);
	assert_int_equal(heap_used(os_heap(w.os)), before);
	end();
}

/* What is no request: an error, or nothing, and none comes of it. The library does not see
 * the end behind empty lines, but time is up for them. */
static void test_garbage(void **state)
{
	static const char *const texts[] = {
		"\r\n\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/3.0\r\n\r\n", "\x16\x03\x01\x02",
		"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost\r\n\r\n",
		"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc",
		"EHLO mail.example\r\n",
	};

	begin(false);
	hurry();
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct buffer in = buffer_init(os_heap(w.os), 65536);
		int fd = join(i);

		say(fd, slice_from(texts[i]));
		os_shutdown(w.os, fd);
		turn();
		ahead_ms += 2 * HTTP_PATIENCE_MS;
		hear(fd, &in, SIZE_MAX);
		os_close(w.os, fd);
		assert_false(has(buffer_bytes(&in), "HTTP/1.1 500"));
		settle(&w.n_closed, i + 1);
		buffer_free(&in);
	}
	assert_int_equal(w.n_requests, 0);
	end();
}

static void test_full(void **state)
{
	static int fds[HTTP_CONNECTIONS_MAX];
	struct buffer in;

	begin(false);
	in = buffer_init(os_heap(w.os), 65536);
	if (os_descriptors_max(w.os) < 4 * HTTP_CONNECTIONS_MAX)
		skip();
	for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
		fds[i] = join(i);
	assert_int_equal(w.n_closed, 0);
	assert_int_equal(hear(join(4711), &in, SIZE_MAX).len, 0);
	assert_int_equal(w.n_closed, 1);
	assert_int_equal(w.last_closed, 4711);
	os_close(w.os, fds[0]);
	settle(&w.n_closed, 2);
	dialogue(slice_from(dialogues[0].text), 0, &in);
	assert_int_equal(w.n_requests, 1);
	end();
}

/* Who says nothing, or a byte now and then, or takes nothing: closed when time is up.
 * Who waits for the role: not. */
static void test_patience(void **state)
{
	static const char *const texts[] = { "", "GE", "GET /echo HTTP/1.1\r\nHost: h\r\nX",
		"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc",
		"GET /big HTTP/1.1\r\nHost: h\r\n\r\n" };
	enum { N = sizeof texts / sizeof *texts };
	int fds[N], waiting;

	begin(false);
	hurry();
	waiting = join(99);
	say(waiting, slice_lit("GET /later HTTP/1.1\r\nHost: h\r\n\r\n"));
	settle(&w.n_kept, 1);
	for (size_t i = 0; i < N; i++) {
		fds[i] = join(i);
		say(fds[i], slice_from(texts[i]));
	}
	settle(&w.n_requests, 2);
	for (unsigned i = 0; i < 10; i++) {
		ahead_ms += HTTP_PATIENCE_MS / 10 - 100;
		for (size_t j = 0; j < 3; j++)
			say(fds[j], slice_lit("x"));
		turn();
	}
	assert_int_equal(w.n_closed, 0);
	ahead_ms += 1000;
	settle(&w.n_closed, N - 1);
	ahead_ms += (uint64_t)HTTP_BODY_MAX * 1000 / HTTP_BYTES_PER_S;
	settle(&w.n_closed, N);         /* it could have taken the body by now */
	http_answer(w.kept[0], &(struct http_answer){ .status = 200 });
	turn();
	assert_int_equal(http_server_connections(w.server), 1);
	end();
}

/* ---- ends ---- */

static void test_drain(void **state)
{
	struct buffer in;
	int idle, fd;

	begin(false);
	in = buffer_init(os_heap(w.os), 65536);
	idle = join(1);
	fd = join(2);
	say(fd, slice_lit("GET /later HTTP/1.1\r\nHost: h\r\n\r\n"));
	settle(&w.n_kept, 1);
	http_server_drain(w.server);
	assert_int_equal(w.n_drained, 0);
	http_answer(w.kept[0], &(struct http_answer){ .status = 200 });
	assert_true(has(hear(fd, &in, SIZE_MAX), "\r\nConnection: close\r\n"));
	settle(&w.n_drained, 1);
	os_close(w.os, idle);
	settle(&w.n_closed, 2);
	assert_int_equal(w.n_drained, 1);
	end();
}

static void test_drain_idle(void **state)
{
	begin(false);
	http_server_drain(w.server);
	assert_int_equal(w.n_drained, 1);
	end();
}

/* ---- another protocol ---- */

static const char asks[] = "GET /other HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
    "Upgrade: other\r\n\r\n";

/* The stream is the role's with what came already, and ends when that one ends it. */
static void test_upgrade(void **state)
{
	struct buffer in;
	char heard[8];
	slice head;
	int fd;

	begin(false);
	in = buffer_init(os_heap(w.os), 65536);
	fd = join(3);
	say(fd, slice_lit(asks));
	say(fd, slice_lit("early"));
	settle(&w.n_begun, 1);
	assert_true(w.fd >= 0);
	say(fd, slice_lit(" late"));
	for (size_t n = strlen(w.unread); n < 10;) {
		ssize_t got = os_read(w.os, w.fd, w.unread + n, sizeof w.unread - n - 1);

		assert_true(got > 0 || got == -EAGAIN);
		n += got > 0 ? (size_t)got : 0;
		turn();
	}
	assert_string_equal(w.unread, "early late");
	say(w.fd, slice_lit("heard"));
	while (!slice_ends(head = hear(fd, &in, buffer_bytes(&in).len + 1), slice_lit("heard")))
		;
	assert_true(slice_starts(head, slice_lit("HTTP/1.1 101 ")));
	assert_true(has(head, "\r\nUpgrade: other\r\n") && has(head, "\r\nX-Yes: 1\r\n"));
	assert_int_equal(http_server_connections(w.server), 1);
	http_server_drain(w.server);
	turn();
	assert_int_equal(w.n_drained + w.n_closed, 0);
	os_close(w.os, w.fd);
	http_upgrade_end(w.upgrade);
	settle(&w.n_drained, 1);
	settle(&w.n_closed, 1);
	assert_int_equal(w.last_closed, 3);
	assert_int_equal(os_read(w.os, fd, heard, sizeof heard), 0);
	os_close(w.os, fd);
	end();
}

/* Who went before the answer: begin() says so, once, and nothing is left. */
static void test_upgrade_lost(void **state)
{
	int fd;

	begin(false);
	fd = join(0);
	say(fd, slice_lit("GET /later HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
	    "Upgrade: other\r\n\r\n"));
	settle(&w.n_kept, 1);
	os_close(w.os, fd);
	turn();
	answer_other(w.kept[0]);
	settle(&w.n_closed, 1);
	assert_int_equal(w.n_begun, 1);
	assert_int_equal(w.n_lost, 1);
	assert_int_equal(http_server_connections(w.server), 0);
	end();
}

/* The role ends while one has begun, and while one has not. */
static void test_upgrade_dropped(void **state)
{
	int fds[2], first = dup(0);

	close(first);
	begin(false);
	for (unsigned i = 0; i < 2; i++)
		fds[i] = join(i);
	say(fds[0], slice_lit(asks));
	settle(&w.n_begun, 1);
	say(fds[1], slice_lit("GET /later HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
	    "Upgrade: other\r\n\r\n"));
	settle(&w.n_kept, 1);
	answer_other(w.kept[0]);
	for (unsigned i = 0; i < 2; i++)
		os_close(w.os, fds[i]);
	end();
	assert_int_equal(w.n_begun, 1);
	assert_int_equal(dup(0), first);
	close(first);
}

/* What clients have not taken is counted, and no longer once they went. */
static void test_untaken(void **state)
{
	int fd;

	begin(false);
	fd = join(0);
	say(fd, slice_lit("GET /big HTTP/1.1\r\nHost: h\r\n\r\n"));
	settle(&w.n_requests, 1);
	assert_int_equal(http_server_answers(w.server), HTTP_BODY_MAX);
	os_close(w.os, fd);
	settle(&w.n_closed, 1);
	assert_int_equal(http_server_answers(w.server), 0);
	end();
}

/* The role ends in the middle of everything: what it had is freed and closed, and it is
 * told nothing. Leaks and descriptors show. */
static void test_dropped(void **state)
{
	static const char *const texts[] = { "", "GET /ec", "GET /later HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /later HTTP/1.1\r\nHost: h\r\n\r\n", "GET /big HTTP/1.1\r\nHost: h\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc" };
	enum { N = sizeof texts / sizeof *texts };
	int fds[N], first = dup(0);

	close(first);
	for (int one = 0; one < 2; one++) {
		begin(one != 0);
		for (size_t i = 0; i < N; i++) {
			fds[i] = join(i);
			say(fds[i], slice_from(texts[i]));
		}
		settle(&w.n_requests, 3);
		/* Answered, and not yet the library's again. */
		http_answer(w.kept[0], &(struct http_answer){ .status = 200 });
		for (size_t i = 0; i < N && !one; i++)
			os_close(w.os, fds[i]);
		end();
		assert_int_equal(w.n_closed, 0);
		assert_int_equal(dup(0), first);
		close(first);
	}
}

UNIT_TESTS(cmocka_unit_test(test_every_split), cmocka_unit_test(test_fields),
    cmocka_unit_test(test_keep_alive), cmocka_unit_test(test_later),
    cmocka_unit_test(test_gone), cmocka_unit_test(test_encoded), cmocka_unit_test(test_too_much),
    cmocka_unit_test(test_bodies), cmocka_unit_test(test_taken),
    cmocka_unit_test(test_garbage), cmocka_unit_test(test_full),
    cmocka_unit_test(test_patience), cmocka_unit_test(test_drain),
    cmocka_unit_test(test_drain_idle), cmocka_unit_test(test_dropped),
    cmocka_unit_test(test_upgrade), cmocka_unit_test(test_upgrade_lost),
    cmocka_unit_test(test_upgrade_dropped), cmocka_unit_test(test_untaken))
