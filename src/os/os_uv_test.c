/* os/os_uv_test.c - the real world: loop, files, sockets, channels, roles. */
#include "os/os_uv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/limits.h"
#include "unit.h"

static struct os *make(bool one_process)
{
	struct os_uv_options options = { .one_process = one_process, .log_from = OS_ERROR };

	return os_uv_create(&options);
}

/* A folder that is OS_ROOT and gone afterwards. */
static char folder[64];

static struct os *make_with_root(void)
{
	struct os *os = make(false);

	snprintf(folder, sizeof folder, "/tmp/os_uv_test.XXXXXX");
	assert_non_null(mkdtemp(folder));
	os_uv_set_root(os, open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	return os;
}

static struct os *make_in_memory(void)
{
	struct os_uv_options options = { .one_process = true, .memory = true,
	    .log_from = OS_ERROR };

	return os_uv_create(&options);
}

/* ---- loop ---- */

struct steps {
	struct os *os;
	char text[64];
	struct os_timer timers[3];
	struct os_defer defers[3];
	struct os_work work;
	int left;
};

static void step(struct steps *s, const char *word)
{
	strncat(s->text, word, sizeof s->text - strlen(s->text) - 1);
}

static void defer_b(struct os_defer *d)
{
	step(d->owner, "b");
}

static void defer_a(struct os_defer *d)
{
	struct steps *s = d->owner;

	step(s, "a");
	os_defer(s->os, &s->defers[1]);
	os_defer_cancel(s->os, &s->defers[2]);
}

static void timer_late(struct os_timer *t)
{
	struct steps *s = t->owner;

	step(s, "3");
	os_stop(s->os, 7);
}

static void timer_early(struct os_timer *t)
{
	struct steps *s = t->owner;

	step(s, "1");
	os_timer_stop(s->os, &s->timers[1]);
	os_defer(s->os, &s->defers[0]);
	os_defer(s->os, &s->defers[0]);
	os_defer(s->os, &s->defers[2]);
	os_timer_start(s->os, &s->timers[2], 2);
}

static void never(struct os_timer *t)
{
	step(t->owner, "!");
}

static void test_loop_order(void **state)
{
	struct os *os = make(false);
	struct steps s = { .os = os };

	s.timers[0] = (struct os_timer){ .fire = timer_early, .owner = &s };
	s.timers[1] = (struct os_timer){ .fire = never, .owner = &s };
	s.timers[2] = (struct os_timer){ .fire = timer_late, .owner = &s };
	s.defers[0] = (struct os_defer){ .run = defer_a, .owner = &s };
	s.defers[1] = (struct os_defer){ .run = defer_b, .owner = &s };
	s.defers[2] = (struct os_defer){ .run = defer_b, .owner = &s };
	os_timer_start(os, &s.timers[0], 1);
	os_timer_start(os, &s.timers[1], 1);
	os_timer_start(os, &s.timers[2], 1000000);
	assert_int_equal(os_uv_run(os), 7);
	assert_string_equal(s.text, "1ab3");
	os_uv_destroy(os);
}

/* A defer that arms itself for ever does not keep the timers from firing. */
static void defer_again(struct os_defer *d)
{
	struct steps *s = d->owner;

	s->left++;
	os_defer(s->os, d);
}

static void test_defer_does_not_starve(void **state)
{
	struct os *os = make(false);
	struct steps s = { .os = os };

	s.timers[0] = (struct os_timer){ .fire = timer_late, .owner = &s };
	s.defers[0] = (struct os_defer){ .run = defer_again, .owner = &s };
	os_timer_start(os, &s.timers[0], 5);
	os_defer(os, &s.defers[0]);
	assert_int_equal(os_uv_run(os), 7);
	assert_true(s.left > DEFER_ROUNDS_MAX);
	os_uv_destroy(os);
}

static void work_run(struct os_work *w)
{
	struct steps *s = w->owner;

	s->left = 42;
}

static void work_done(struct os_work *w)
{
	struct steps *s = w->owner;

	step(s, s->left == 42 ? "done" : "early");
	os_stop(s->os, 0);
}

static void test_work(void **state)
{
	struct os *os = make(false);
	struct steps s = { .os = os };

	s.work = (struct os_work){ .run = work_run, .done = work_done, .owner = &s };
	os_work_start(os, &s.work);
	assert_ptr_equal(s.work.os, os);
	os_uv_run(os);
	assert_string_equal(s.text, "done");
	os_uv_destroy(os);
}

/* Where files are in memory, brief work is run at once, and is done later; other work goes to
 * the pool there, too. */
static void test_brief_work(void **state)
{
	for (int brief = 0; brief < 2; brief++) {
		struct os *os = make_in_memory();
		struct steps s = { .os = os };

		s.work = (struct os_work){ .run = work_run, .done = work_done, .owner = &s,
			.brief = brief };
		os_work_start(os, &s.work);
		if (brief)
			assert_int_equal(s.left, 42);
		assert_string_equal(s.text, "");
		os_uv_run(os);
		assert_string_equal(s.text, "done");
		os_uv_destroy(os);
	}
}

static void caught(struct os_signal *signal)
{
	struct steps *s = signal->owner;

	step(s, "hup");
	os_signal_stop(s->os, signal);
	os_stop(s->os, 0);
}

static void test_signal(void **state)
{
	struct os *os = make(false);
	struct steps s = { .os = os };
	struct os_signal hup = { .caught = caught, .owner = &s };

	os_signal_start(os, &hup, SIGHUP);
	raise(SIGHUP);
	os_uv_run(os);
	assert_string_equal(s.text, "hup");
	os_uv_destroy(os);
}

static void test_clock(void **state)
{
	struct os *os = make(false);
	int64_t wall = os_wall_us(os);
	unsigned char a[300] = { 0 }, b[300] = { 0 };

	assert_true(wall > 1577836800000000);           /* 2020 */
	assert_true(os_wall_us(os) >= wall);
	assert_true(os_now_us(os) > 0);
	os_random(os, a, sizeof a);
	os_random(os, b, sizeof b);
	assert_memory_not_equal(a, b, sizeof a);
	os_uv_destroy(os);
}

/* ---- files ---- */

static bool count_names(void *context, const char *name)
{
	(*(int *)context)++;
	return true;
}

static bool stop_at_first(void *context, const char *name)
{
	(*(int *)context)++;
	return false;
}

static void use_files(struct os *os)
{
	slice parts[OS_VECTOR_MAX * 2 + 3];
	char big[8 * 130 + 1], have[sizeof big];
	uint64_t free_bytes, total;
	int fd, sub, names = 0;

	assert_int_equal(os_mkdir(os, OS_ROOT, "sub"), 0);
	assert_int_equal(os_mkdir(os, OS_ROOT, "sub"), -EEXIST);
	sub = os_open(os, OS_ROOT, "sub", OS_FOLDER);
	assert_true(sub >= 0);
	assert_int_equal(os_open(os, sub, "a", OS_READ), -ENOENT);
	fd = os_open(os, sub, "a", OS_READ | OS_WRITE | OS_CREATE | OS_EXCLUSIVE);
	assert_true(fd >= 0);
	assert_int_equal(os_open(os, sub, "a", OS_WRITE | OS_CREATE | OS_EXCLUSIVE), -EEXIST);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		parts[i] = i % 3 == 0 ? (slice){ 0 } : slice_lit("12345678");
	assert_int_equal(os_pwritev(os, fd, parts, sizeof parts / sizeof *parts, 100), 0);
	assert_int_equal(os_size(os, fd), 100 + 8 * 87);
	assert_int_equal(os_pread(os, fd, have, sizeof have, 100), 8 * 87);
	assert_memory_equal(have + 8 * 86, "12345678", 8);
	assert_int_equal(os_pwrite(os, fd, slice_lit("x"), 0), 0);
	assert_int_equal(os_sync(os, fd), 0);
	assert_int_equal(os_sync_folder(os, sub), 0);
	assert_int_equal(os_sync_system(os, sub), 0);
	assert_int_equal(os_free_space(os, fd, &free_bytes, &total), 0);
	assert_true(free_bytes <= total && total > 0);
	os_close(os, fd);
	assert_int_equal(os_list(os, OS_ROOT, "sub", count_names, &names), 0);
	assert_int_equal(names, 1);
	assert_int_equal(os_rmdir(os, OS_ROOT, "sub"), -ENOTEMPTY);
	assert_int_equal(os_unlink(os, sub, "a"), 0);
	assert_int_equal(os_list(os, sub, ".", stop_at_first, &names), 0);
	assert_int_equal(names, 1);
	os_close(os, sub);
	assert_int_equal(os_rmdir(os, OS_ROOT, "sub"), 0);
	assert_int_equal(os_rmdir(os, OS_ROOT, "sub"), -ENOENT);
}

static void test_files(void **state)
{
	struct os *os = make_with_root();

	use_files(os);
	assert_int_equal(rmdir(folder), 0);
	os_uv_destroy(os);
}

static void test_files_in_memory(void **state)
{
	struct os *os = make_in_memory();

	use_files(os);
	os_uv_destroy(os);
}

static void test_paths_refused(void **state)
{
	static const char *const cases[] = { "", "..", "../x", "a/../b", "a/.." };
	struct os *os = make_with_root();
	char longer[OS_PATH_MAX + 1];
	int fd = os_open(os, OS_ROOT, "real", OS_WRITE | OS_CREATE);
	struct stat st;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(os_open(os, OS_ROOT, cases[i], OS_READ), -EINVAL);
	memset(longer, 'a', sizeof longer - 1);
	longer[OS_PATH_MAX] = 0;
	assert_int_equal(os_open(os, OS_ROOT, longer, OS_READ), -ENAMETOOLONG);
	assert_int_equal(os_mkdir(os, OS_ROOT, ".."), -EINVAL);
	assert_int_equal(os_unlink(os, OS_ROOT, "../x"), -EINVAL);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	os_close(os, fd);
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(symlink("real", "link"), 0);
	assert_int_equal(os_open(os, OS_ROOT, "link", OS_READ), -ELOOP);
	unlink("link");
	unlink("real");
	assert_int_equal(chdir("/"), 0);
	rmdir(folder);
	os_uv_destroy(os);
}

/* ---- sockets ---- */

struct meeting {
	struct os *os;
	int listener, client, server;
	struct os_watch accepting, connecting, reading;
	struct os_address peer;
	char text[16];
	int error;
};

static void on_readable(struct os_watch *w, int events)
{
	struct meeting *m = w->owner;
	ssize_t n = os_read(m->os, m->server, m->text, sizeof m->text - 1);

	assert_true(n > 0);
	os_watch_stop(m->os, w);
	os_stop(m->os, 0);
}

static void on_acceptable(struct os_watch *w, int events)
{
	struct meeting *m = w->owner;

	m->server = os_accept(m->os, m->listener, &m->peer);
	assert_true(m->server >= 0);
	os_watch_stop(m->os, w);
	os_watch_start(m->os, &m->reading, m->server, OS_READABLE);
}

static void on_connected(struct os_watch *w, int events)
{
	struct meeting *m = w->owner;
	slice parts[] = { slice_lit("EH"), slice_lit("LO") };

	m->error = os_connected(m->os, m->client);
	os_watch_stop(m->os, w);
	if (m->error == 0)
		assert_int_equal(os_write(m->os, m->client, parts, 2), 4);
	else
		os_stop(m->os, 0);
}

static void meet(const char *at)
{
	struct os *os = make(false);
	struct os_address address, mine;
	struct meeting m = { .os = os };

	m.accepting = (struct os_watch){ .ready = on_acceptable, .owner = &m };
	m.connecting = (struct os_watch){ .ready = on_connected, .owner = &m };
	m.reading = (struct os_watch){ .ready = on_readable, .owner = &m };
	assert_true(os_address_parse(slice_from(at), &address));
	m.listener = os_listen(os, &address, 16);
	assert_true(m.listener >= 0);
	assert_int_equal(os_local_address(os, m.listener, &address), 0);
	assert_int_equal(os_listen(os, &address, 16), -EADDRINUSE);
	m.client = os_connect(os, &address);
	assert_true(m.client >= 0);
	os_watch_start(os, &m.accepting, m.listener, OS_READABLE);
	os_watch_start(os, &m.connecting, m.client, OS_WRITABLE);
	os_uv_run(os);
	assert_string_equal(m.text, "EHLO");
	assert_int_equal(os_local_address(os, m.client, &mine), 0);
	assert_int_equal(mine.port, m.peer.port);
	assert_memory_equal(mine.ip, m.peer.ip, 16);
	if (address.path[0] != 0)
		assert_int_equal(os_peer_uid(os, m.server), getuid());
	assert_int_equal(os_shutdown(os, m.client), 0);
	assert_int_equal(os_read(os, m.server, m.text, 1), 0);
	assert_int_equal(os_read(os, m.client, m.text, 1), -EAGAIN);
	assert_int_equal(os_write_last(os, m.server, slice_lit("BYE")), 3);
	assert_int_equal(os_shutdown(os, m.server), 0);
	assert_int_equal(os_read(os, m.client, m.text, sizeof m.text), 3);
	assert_memory_equal(m.text, "BYE", 3);
	assert_int_equal(os_read(os, m.client, m.text, 1), 0);
	os_close(os, m.client);
	os_close(os, m.server);
	os_close(os, m.listener);
	if (address.path[0] == 0) {
		m.client = os_connect(os, &address);
		assert_true(m.client >= 0);
		os_watch_start(os, &m.connecting, m.client, OS_WRITABLE);
		os_uv_run(os);
		assert_int_equal(m.error, -ECONNREFUSED);
		os_close(os, m.client);
	}
	os_uv_destroy(os);
}

static void test_tcp4(void **state)
{
	meet("127.0.0.1:0");
}

static void test_tcp6(void **state)
{
	if (access("/proc/net/if_inet6", R_OK) < 0)
		skip();
	meet("[::1]:0");
}

static void test_unix(void **state)
{
	char at[64];

	snprintf(at, sizeof at, "unix:/tmp/os_uv_test.%d", (int)getpid());
	meet(at);
	unlink(at + 5);
}

/* There and back, empty, too long, to nobody. */
static void datagrams(const char *at)
{
	struct os *os = make(false);
	struct os_address address, here[2], peer;
	char buf[8];
	int fds[2];

	assert_true(os_address_parse(slice_from(at), &address));
	for (int i = 0; i < 2; i++) {
		fds[i] = os_datagram_open(os, &address);
		assert_true(fds[i] >= 0);
		assert_int_equal(os_local_address(os, fds[i], &here[i]), 0);
	}
	assert_int_equal(os_datagram_open(os, &here[0]), -EADDRINUSE);
	assert_int_equal(os_datagram_receive(os, fds[0], buf, sizeof buf, &peer), -EAGAIN);
	assert_int_equal(os_datagram_send(os, fds[1], slice_lit("question"), &here[0]), 0);
	assert_int_equal(os_datagram_send(os, fds[1], slice_lit("too long."), &here[0]), 0);
	assert_int_equal(os_datagram_send(os, fds[1], slice_lit(""), &here[0]), 0);
	assert_int_equal(os_datagram_receive(os, fds[0], buf, sizeof buf, &peer), 8);
	assert_memory_equal(buf, "question", 8);
	assert_memory_equal(&peer, &here[1], sizeof peer);
	assert_int_equal(os_datagram_receive(os, fds[0], buf, sizeof buf, &peer), -EMSGSIZE);
	assert_int_equal(os_datagram_receive(os, fds[0], buf, sizeof buf, &peer), 0);
	assert_int_equal(os_datagram_receive(os, fds[0], buf, sizeof buf, &peer), -EAGAIN);
	os_close(os, fds[0]);
	assert_int_equal(os_datagram_send(os, fds[1], slice_lit("x"), &here[0]), 0);
	assert_true(os_address_parse(slice_lit("unix:/tmp/x"), &address));
	assert_int_equal(os_datagram_open(os, &address), -EAFNOSUPPORT);
	assert_int_equal(os_datagram_send(os, fds[1], slice_lit("x"), &address), -EAFNOSUPPORT);
	os_close(os, fds[1]);
	os_uv_destroy(os);
}

static void test_udp4(void **state)
{
	datagrams("127.0.0.1:0");
}

static void test_udp6(void **state)
{
	if (access("/proc/net/if_inet6", R_OK) < 0)
		skip();
	datagrams("[::1]:0");
}

/* Below OS_ROOT, however long the root's own path is. */
static void test_unix_below_root(void **state)
{
	struct os *os = make_with_root();
	struct os_address address;
	int listener, client;

	assert_true(os_address_parse(slice_lit("unix:control"), &address));
	listener = os_listen(os, &address, 1);
	assert_true(listener >= 0);
	client = os_connect(os, &address);
	assert_true(client >= 0);
	os_close(os, client);
	os_close(os, listener);
	assert_int_equal(os_unlink(os, OS_ROOT, "control"), 0);
	assert_int_equal(rmdir(folder), 0);
	os_uv_destroy(os);
}

static void test_channel(void **state)
{
	struct os *os = make(false);
	unsigned char *big = os_scratch(os), *have = heap_alloc(os_heap(os), IPC_PACKET_MAX);
	int pair[2], pipe_fds[2], fds[IPC_FDS_MAX];
	size_t n = 99;
	char byte;

	assert_int_equal(os_channel_pair(os, pair), 0);
	assert_int_equal(os_channel_receive(os, pair[1], have, 10, fds, &n), -EAGAIN);
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	for (int i = 0; i < IPC_FDS_MAX; i++)
		fds[i] = pipe_fds[1];
	assert_int_equal(os_channel_send(os, pair[0], slice_lit("one"), fds, IPC_FDS_MAX), 0);
	assert_int_equal(os_channel_send(os, pair[0], slice_lit("two"), NULL, 0), 0);
	assert_int_equal(os_channel_receive(os, pair[1], have, 10, fds, &n), 3);
	assert_int_equal(n, IPC_FDS_MAX);
	assert_int_equal(fcntl(fds[3], F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(fds[3], "x", 1), 1);
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	for (int i = 0; i < IPC_FDS_MAX; i++)
		os_close(os, fds[i]);
	assert_int_equal(os_channel_receive(os, pair[1], have, 2, fds, &n), -EMSGSIZE);
	os_close(os, pipe_fds[0]);
	os_close(os, pipe_fds[1]);

	big = heap_alloc(os_heap(os), IPC_PACKET_MAX);
	memset(big, 'b', IPC_PACKET_MAX);
	for (int i = 0; i < 3; i++)
		assert_int_equal(os_channel_send(os, pair[0], slice_of(big, IPC_PACKET_MAX),
		    NULL, 0), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(os_channel_receive(os, pair[1], have, IPC_PACKET_MAX, fds, &n),
		    IPC_PACKET_MAX);
	assert_memory_equal(big, have, IPC_PACKET_MAX);
	os_close(os, pair[0]);
	assert_int_equal(os_channel_receive(os, pair[1], have, 10, fds, &n), 0);
	assert_int_equal(os_channel_send(os, pair[1], slice_lit("x"), NULL, 0), -EPIPE);
	os_close(os, pair[1]);
	os_uv_destroy(os);
}

/* A descriptor for writing is seen wherever it is: here, as a copy, in a socket. */
static void ask_for_writers(struct os *os)
{
	char byte[1];
	int pair[2], fds[IPC_FDS_MAX], writer, copy, reader;
	size_t n;

	writer = os_open(os, OS_ROOT, "file", OS_WRITE | OS_CREATE);
	reader = os_open(os, OS_ROOT, "file", OS_READ);
	assert_true(writer >= 0 && reader >= 0);
	assert_int_equal(os_has_writer(os, reader), 1);
	copy = os_duplicate(os, writer);
	os_close(os, writer);
	assert_int_equal(os_has_writer(os, reader), 1);
	assert_int_equal(os_channel_pair(os, pair), 0);
	assert_int_equal(os_channel_send(os, pair[0], slice_lit("x"), &copy, 1), 0);
	os_close(os, copy);
	assert_int_equal(os_has_writer(os, reader), 1);
	assert_int_equal(os_channel_receive(os, pair[1], byte, 1, fds, &n), 1);
	assert_int_equal(os_has_writer(os, reader), 1);
	os_close(os, fds[0]);
	assert_int_equal(os_has_writer(os, reader), 0);
	assert_int_equal(os_has_writer(os, reader), 0);
	/* The question is over: to open it again neither waits nor ends anybody. */
	writer = os_open(os, OS_ROOT, "file", OS_WRITE);
	assert_true(writer >= 0);
	assert_int_equal(os_has_writer(os, reader), 1);
	for (int i = 0; i < 2; i++)
		os_close(os, pair[i]);
	os_close(os, writer);
	os_close(os, reader);
	assert_int_equal(os_unlink(os, OS_ROOT, "file"), 0);
}

static void test_has_writer(void **state)
{
	struct os *os = make_with_root();

	ask_for_writers(os);
	assert_int_equal(rmdir(folder), 0);
	os_uv_destroy(os);
}

static void test_has_writer_in_memory(void **state)
{
	struct os *os = make_in_memory();

	ask_for_writers(os);
	os_uv_destroy(os);
}

/* ---- roles beside their keeper ---- */

static int dropped;             /* how often a role's memory went */

struct echo {
	struct os *os;
	int channel;
	struct os_watch watch;
	struct os_timer timer;
	struct os_work work;
	struct os_defer defer;
};

static void echo_dropped(void *arg)
{
	dropped++;
}

static void echo_ready(struct os_watch *w, int events)
{
	struct echo *e = w->owner;
	char text[16];
	int fds[IPC_FDS_MAX];
	size_t n;
	ssize_t len = os_channel_receive(e->os, e->channel, text, sizeof text, fds, &n);

	if (len <= 0 || text[0] == 'q')
		os_stop(e->os, 5);
	else
		os_channel_send(e->os, e->channel, slice_of(text, (size_t)len), NULL, 0);
}

static void slow_run(struct os_work *w)
{
	struct echo *e = w->owner;
	char byte = 1;

	/* Longer than the role lives: its memory must outlast this. */
	for (int i = 0; i < 100000; i++)
		byte = (char)(byte * 3 + ((volatile struct echo *)e)->channel);
	check(byte != 0 || e->channel >= 0);
}

static void slow_done(struct os_work *w)
{
	struct echo *e = w->owner;

	os_work_start(e->os, w);
}

static void echo_start(struct os *os, int channel, unsigned index)
{
	struct echo *e = heap_new(os_heap(os), struct echo);
	int pair[2];

	heap_on_drop(os_heap(os), echo_dropped, NULL);
	*e = (struct echo){ .os = os, .channel = channel };
	e->watch = (struct os_watch){ .ready = echo_ready, .owner = e };
	e->timer = (struct os_timer){ .fire = never, .owner = e };
	e->work = (struct os_work){ .run = slow_run, .done = slow_done, .owner = e };
	e->defer = (struct os_defer){ .run = defer_again, .owner = e };
	os_watch_start(os, &e->watch, channel, OS_READABLE);
	os_timer_start(os, &e->timer, 1000000);
	os_work_start(os, &e->work);
	assert_int_equal(os_stream_pair(os, pair), 0);  /* left to the end of the role */
}

static const struct os_program echo_program = { "echo", echo_start, { 0 } };

struct keeper {
	struct os *os;
	int channel;
	struct os_watch watch;
	struct os_child child;
	const char *then;
	int status, signo, exits;
};

static void keeper_ready(struct os_watch *w, int events)
{
	struct keeper *k = w->owner;
	char text[16];
	int fds[IPC_FDS_MAX];
	size_t n;
	ssize_t len = os_channel_receive(k->os, k->channel, text, sizeof text, fds, &n);

	if (len <= 0) {
		os_watch_stop(k->os, w);
		return;
	}
	if (strcmp(k->then, "kill") == 0)
		os_kill(k->os, &k->child);
	else
		os_channel_send(k->os, k->channel, slice_lit("quit"), NULL, 0);
}

static void keeper_exited(struct os_child *child, int status, int signo)
{
	struct keeper *k = child->owner;

	assert_null(child->impl);
	k->exits++;
	k->status = status;
	k->signo = signo;
	os_watch_stop(k->os, &k->watch);
	os_close(k->os, k->channel);
	os_stop(k->os, 0);
}

static void spawn_echo(struct keeper *k)
{
	int pair[2];

	assert_int_equal(os_channel_pair(k->os, pair), 0);
	k->channel = pair[0];
	k->watch = (struct os_watch){ .ready = keeper_ready, .owner = k };
	k->child = (struct os_child){ .exited = keeper_exited, .owner = k };
	os_watch_start(k->os, &k->watch, pair[0], OS_READABLE);
	assert_int_equal(os_channel_send(k->os, pair[0], slice_lit("hello"), NULL, 0), 0);
	assert_int_equal(os_spawn(k->os, &k->child, &echo_program, 0, pair[1]), 0);
}

static int open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void live(const char *then, int status, int signo)
{
	struct os *os = make(true);
	struct keeper k = { .os = os, .then = then };
	int before;

	dropped = 0;
	for (int i = 0; i < 3; i++) {
		before = open_descriptors();
		spawn_echo(&k);
		os_uv_run(os);
		assert_int_equal(k.exits, i + 1);
		assert_int_equal(k.status, status);
		assert_int_equal(k.signo, signo);
		assert_int_equal(dropped, i + 1);
		if (i > 0)              /* the first time libuv opens some of its own */
			assert_int_equal(open_descriptors(), before);
	}
	os_uv_destroy(os);
}

static void test_role_stops(void **state)
{
	live("quit", 5, 0);
}

static void test_role_is_killed(void **state)
{
	live("kill", 0, SIGKILL);
}

/* The keeper goes first: the role goes with it, with work in the pool. */
static void test_keeper_goes(void **state)
{
	struct os *os = make(true);
	struct keeper k = { .os = os, .then = "quit" };
	struct steps s = { .os = os };

	dropped = 0;
	s.timers[0] = (struct os_timer){ .fire = timer_late, .owner = &s };
	k.then = "";
	spawn_echo(&k);
	os_watch_stop(os, &k.watch);
	os_timer_start(os, &s.timers[0], 3);
	os_uv_run(os);
	os_uv_destroy(os);
	assert_int_equal(dropped, 1);
	assert_int_equal(k.exits, 0);
}

UNIT_TESTS(cmocka_unit_test(test_loop_order), cmocka_unit_test(test_defer_does_not_starve),
    cmocka_unit_test(test_work), cmocka_unit_test(test_brief_work), cmocka_unit_test(test_signal), cmocka_unit_test(test_clock),
    cmocka_unit_test(test_files), cmocka_unit_test(test_files_in_memory), cmocka_unit_test(test_paths_refused),
    cmocka_unit_test(test_tcp4), cmocka_unit_test(test_tcp6), cmocka_unit_test(test_unix), cmocka_unit_test(test_udp4),
    cmocka_unit_test(test_udp6),
    cmocka_unit_test(test_unix_below_root), cmocka_unit_test(test_channel),
    cmocka_unit_test(test_has_writer), cmocka_unit_test(test_has_writer_in_memory),
    cmocka_unit_test(test_role_stops), cmocka_unit_test(test_role_is_killed),
    cmocka_unit_test(test_keeper_goes))
