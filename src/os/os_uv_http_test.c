/* os/os_uv_http_test.c - HTTP over real sockets, server and clients on one loop. */
#include "os/os_uv_http_world_test.h"

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
    cmocka_unit_test(test_keep_alive), cmocka_unit_test(test_later), cmocka_unit_test(test_gone),
    cmocka_unit_test(test_encoded), cmocka_unit_test(test_too_much),
    cmocka_unit_test(test_bodies), cmocka_unit_test(test_taken), cmocka_unit_test(test_garbage),
    cmocka_unit_test(test_full), cmocka_unit_test(test_patience), cmocka_unit_test(test_drain),
    cmocka_unit_test(test_drain_idle), cmocka_unit_test(test_dropped),
    cmocka_unit_test(test_untaken))
