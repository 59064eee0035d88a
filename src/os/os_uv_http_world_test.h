/* os/os_uv_http_world_test.h - an HTTP server and its clients on one loop, for tests. */
#ifndef OS_UV_HTTP_WORLD_TEST_H
#define OS_UV_HTTP_WORLD_TEST_H

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

static inline void answer_echo(struct http_request *r)
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

static inline void answer_big(struct http_request *r)
{
	struct buffer text = buffer_init(os_heap(w.os), HTTP_BODY_MAX);

	while (buffer_room(&text) >= 1024)
		buffer_add(&text, slice_of((char[1024]){ "big" }, 1024));
	http_answer(r, &(struct http_answer){ .status = 200, .taken = &text });
	assert_int_equal(buffer_bytes(&text).len, 0);
}

static inline void begin_other(void *context, struct http_upgrade *upgrade, int fd, slice unread)
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

static inline void answer_other(struct http_request *r)
{
	http_upgrade(r, (const struct http_field[]){ { "Upgrade", slice_lit("other") },
	    { "X-Yes", slice_lit("1") } }, 2, begin_other, &w);
}

static inline void on_request(struct http_server *server, struct http_request *r)
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

static inline void on_closed(struct http_server *server, void *client)
{
	w.n_closed++;
	w.last_closed = (size_t)((char *)client - names);
}

static inline void on_drained(struct http_server *server)
{
	w.n_drained++;
}

static inline bool is_large(const struct http_request *r)
{
	return r->target_ok && slice_equal(r->target.segments[0], slice_lit("large"));
}

static inline size_t body_max(struct http_server *server, const struct http_request *r)
{
	assert_true(r->method.len > 0);
	return is_large(r) ? LARGE : HTTP_BODY_MAX;
}

static inline void on_refused(struct http_server *server, struct http_request *r, unsigned status)
{
	if (is_large(r))
		http_answer(r, &(struct http_answer){ .status = status, .body = slice_lit("mine") });
}

static const struct http_handler handler = { .request = on_request, .closed = on_closed,
    .drained = on_drained, .body_max = body_max, .refused = on_refused };

static inline void begin(bool one_process)
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

static inline void end(void)
{
	os_uv_destroy(w.os);
}

static inline void stop_turn(struct os_timer *timer)
{
	os_stop(w.os, 0);
}

/* Let the loop run for a millisecond. */
static inline void turn(void)
{
	w.turn = (struct os_timer){ .fire = stop_turn };
	os_timer_start(w.os, &w.turn, 1);
	os_uv_run(w.os);
}

/* ---- clients ---- */

static inline int join(size_t number)
{
	int fds[2];

	assert_int_equal(os_stream_pair(w.os, fds), 0);
	http_server_adopt(w.server, fds[1], loopback, names + number);
	return fds[0];
}

static inline void say(int fd, slice text)
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
static inline slice hear(int fd, struct buffer *in, size_t n)
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

static inline void settle(const size_t *count, size_t want)
{
	for (unsigned turns = 0; *count < want; turns++) {
		assert_true(turns < 20000);
		turn();
	}
	assert_int_equal(*count, want);
}

static inline bool has(slice text, const char *part)
{
	return slice_find(text, slice_from(part)) < text.len;
}

static inline slice body_of(slice text)
{
	size_t at = slice_find(text, slice_lit("\r\n\r\n"));

	return at < text.len ? slice_drop(text, at + 4) : (slice){ 0 };
}

/* One connection that says all of it, in two pieces, and hears all. */
static inline void dialogue(slice text, size_t split, struct buffer *in)
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

static inline uint64_t later(struct os *os)
{
	return real->now_ms(os) + ahead_ms;
}

static inline void soon(struct os *os, struct os_timer *timer, uint64_t delay_ms)
{
	real->timer_start(os, timer, delay_ms / 100);
}

static inline void hurry(void)
{
	real = w.os->ops;
	quick = *real;
	quick.now_ms = later;
	quick.timer_start = soon;
	ahead_ms = 0;
	w.os->ops = &quick;
}

#endif
