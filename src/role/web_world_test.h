/* role/web_world_test.h - the web role on the real loop: the keeper and its peers are in this
 * process, its clients are real connections. */
#ifndef ROLE_WEB_WORLD_TEST_H
#define ROLE_WEB_WORLD_TEST_H

#include "role/web_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "os/os_uv.h"
#include "role/role.h"
#include "unit.h"

enum { TURNS = 20000 };

static struct world {
	struct os *os;
	struct os_child child;
	struct ipc_channel *keeper;
	struct ipc_channel *edge[2], *directory, *router, *relay, *store[2];
	struct os_timer turn;
	size_t n_ready, n_drained, n_fatal, n_exited, n_taken, n_closed, n_left;
	uint64_t last;                  /* number that the web spoke of */
	struct buffer in;
	/* What a test hears beside; NULL: nothing. */
	bool (*hears)(struct ipc_channel *channel, struct ipc_message *message);
} w;

static void stop_turn(struct os_timer *timer)
{
	os_stop(w.os, 0);
}

static void turn(void)
{
	w.turn = (struct os_timer){ .fire = stop_turn };
	os_timer_start(w.os, &w.turn, 1);
	os_uv_run(w.os);
}

static void settle(const size_t *count, size_t want)
{
	for (unsigned turns = 0; *count < want; turns++) {
		assert_true(turns < TURNS);
		turn();
	}
	assert_int_equal(*count, want);
}

/* ---- keeper and peers ---- */

static bool on_message(struct ipc_channel *channel, struct ipc_message *message)
{
	switch (message->type) {
	case IPC_READY:
		w.n_ready++;
		return true;
	case IPC_DRAINED:
		w.n_drained++;
		return true;
	case IPC_FATAL:
		w.n_fatal++;
		return true;
	case IPC_HTTP_IS:
		w.last = get_u64(&message->body);
		*(get_u8(&message->body) == HTTP_TAKEN ? &w.n_taken : &w.n_closed) += 1;
		return bytes_end(&message->body);
	default:
		return w.hears != NULL && w.hears(channel, message);
	}
}

static void on_channel_closed(struct ipc_channel *channel, bool broken)
{
	assert_false(broken);
	w.n_left++;
}

static const struct ipc_handler handler = { on_message, on_channel_closed };

static void on_exited(struct os_child *child, int status, int signo)
{
	w.n_exited++;
}

static struct ipc_channel *join(enum role_kind kind, unsigned index)
{
	struct ipc_channel *peer;
	struct buffer *out;
	int fds[2];

	assert_int_equal(os_channel_pair(w.os, fds), 0);
	out = ipc_begin(w.keeper, IPC_PEER);
	put_u8(out, (uint8_t)kind);
	put_u16(out, (uint16_t)index);
	ipc_end(w.keeper, fds[1]);
	peer = ipc_channel_create(w.os, fds[0], kind, index, ROLE_WEB, 0, &handler, NULL);
	turn();
	turn();
	return peer;
}

/* Without peers, and not ready yet. */
static void begin_as(const char *config)
{
	const struct os_uv_options options = { .one_process = true, .log_from = OS_ERROR + 1 };
	struct buffer *out;
	int fds[2];

	memset(&w, 0, sizeof w);
	w.os = os_uv_create(&options);
	w.in = buffer_init(os_heap(w.os), 1 << 20);
	w.child = (struct os_child){ .exited = on_exited };
	assert_int_equal(os_channel_pair(w.os, fds), 0);
	assert_int_equal(os_spawn(w.os, &w.child, role_program(ROLE_WEB), 0, fds[1]), 0);
	w.keeper = ipc_channel_create(w.os, fds[0], ROLE_KEEPER, 0, ROLE_WEB, 0, &handler, NULL);
	put_slice(ipc_begin(w.keeper, IPC_CONFIG), slice_from(config));
	ipc_end(w.keeper, -1);
	out = ipc_begin(w.keeper, IPC_START);
	put_u64(out, UINT64_MAX);
	put_u64(out, UINT64_MAX);
	ipc_end(w.keeper, -1);
}

static void end(void)
{
	os_uv_destroy(w.os);
}

/* ---- clients ---- */

static int visit(unsigned edge, uint64_t number)
{
	static const uint8_t ip[16] = { 1 };
	struct buffer *out;
	int fds[2];

	assert_int_equal(os_stream_pair(w.os, fds), 0);
	out = ipc_begin(w.edge[edge], IPC_HTTP);
	put_u64(out, number);
	buffer_add(out, slice_of(ip, 16));
	ipc_end(w.edge[edge], fds[1]);
	return fds[0];
}

static void say(int fd, const char *text)
{
	slice s = slice_from(text);

	assert_int_equal(os_write(w.os, fd, &s, 1), (ssize_t)s.len);
}

static slice hear_all(int fd)
{
	char piece[4096];

	buffer_free(&w.in);
	for (unsigned turns = 0; turns < TURNS; turns++) {
		ssize_t n = os_read(w.os, fd, piece, sizeof piece);

		if (n == 0)
			return buffer_bytes(&w.in);
		if (n > 0)
			buffer_add(&w.in, slice_of(piece, (size_t)n));
		else
			turn();
	}
	fail_msg("no end");
	return (slice){ 0 };
}

static inline slice ask_with(const char *line, const char *body)
{
	char text[512];
	slice answer;
	int fd = visit(0, 1);

	snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	    "Content-Length: %zu\r\n\r\n%s", line, strlen(body), body);
	say(fd, text);
	answer = hear_all(fd);
	os_close(w.os, fd);
	return answer;
}

static inline bool has(slice text, const char *part)
{
	return slice_find(text, slice_from(part)) < text.len;
}

#endif
