/* os/os_sim_test.c - the simulated world keeps its own promises. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "os/os_sim.h"

static const uint8_t ip_a[4] = { 127, 1, 0, 1 }, ip_b[4] = { 127, 1, 0, 2 };

enum { MANY_SEEDS = 64, DISK = 1024 * 1024 };

static slice sector(char c, unsigned char ret_bytes[SIM_SECTOR])
{
	memset(ret_bytes, c, SIM_SECTOR);
	return slice_of(ret_bytes, SIM_SECTOR);
}

/* ---- one world that uses everything, for determinism ---- */

struct echo {
	struct os *os;
	struct os_watch watch;
	struct os_timer timer;
	struct os_work work;
	struct os_address address;
	int listener, fd, file;
	size_t received, sent;
};

static void echo_write(struct os_work *work)
{
	struct echo *e = work->owner;
	unsigned char bytes[SIM_SECTOR];

	(void)os_pwrite(e->os, e->file, sector((char)e->received, bytes), e->received);
	(void)os_sync(e->os, e->file);
}

static void echo_written(struct os_work *work)
{
	(void)work;
}

static void echo_ready(struct os_watch *watch, int events)
{
	struct echo *e = watch->owner;
	unsigned char bytes[100];
	ssize_t n = os_read(e->os, e->fd, bytes, sizeof bytes);
	slice out = slice_of(bytes, n > 0 ? (size_t)n : 0);

	(void)events;
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		os_watch_stop(e->os, &e->watch);
		return;
	}
	e->received += (size_t)n;
	(void)os_write(e->os, e->fd, &out, 1);
	if (e->work.impl == NULL)
		os_work_start(e->os, &e->work);
}

static void echo_accept(struct os_watch *watch, int events)
{
	struct echo *e = watch->owner;

	(void)events;
	e->fd = os_accept(e->os, e->listener, NULL);
	if (e->fd < 0)
		return;
	os_watch_stop(e->os, watch);
	watch->ready = echo_ready;
	os_watch_start(e->os, watch, e->fd, OS_READABLE);
}

static struct echo *echo_create(struct os *os, const char *address)
{
	struct echo *e = heap_new(os_heap(os), struct echo);

	e->os = os;
	assert_true(os_address_parse(slice_from(address), &e->address));
	e->watch = (struct os_watch){ .ready = echo_accept, .owner = e };
	e->work = (struct os_work){ .run = echo_write, .done = echo_written, .owner = e };
	e->file = os_open(os, OS_ROOT, "echo", OS_CREATE | OS_READ | OS_WRITE);
	return e;
}

static void talk(struct os_timer *timer)
{
	struct echo *e = timer->owner;
	char text[40];
	int n = snprintf(text, sizeof text, "%llu", (unsigned long long)os_random_u64(e->os));
	slice out = slice_of(text, (size_t)n);
	ssize_t sent = os_write(e->os, e->fd, &out, 1);

	if (sent > 0)
		e->sent += (size_t)sent;
	os_log(e->os, OS_INFO, "sent %zu received %zu", e->sent, e->received);
	os_timer_start(e->os, timer, 20);
}

static uint64_t echo_world(uint64_t seed, size_t *ret_received)
{
	struct sim *sim = sim_create(seed);
	struct sim_host *a = sim_host_create(sim, "a", ip_a, DISK);
	struct sim_host *b = sim_host_create(sim, "b", ip_b, DISK);
	struct echo *server = echo_create(sim_process_create(a, "server"), "127.1.0.1:7");
	struct echo *client = echo_create(sim_process_create(b, "client"), "127.1.0.1:7");
	uint64_t hash;

	server->listener = os_listen(server->os, &server->address, 10);
	os_watch_start(server->os, &server->watch, server->listener, OS_READABLE);
	client->fd = os_connect(client->os, &client->address);
	client->watch.ready = echo_ready;
	os_watch_start(client->os, &client->watch, client->fd, OS_READABLE);
	client->timer = (struct os_timer){ .fire = talk, .owner = client };
	os_timer_start(client->os, &client->timer, 1);
	sim_run_until(sim, 1000 * 1000);
	sim_lose_stream(sim);
	sim_power_cut(a);
	sim_run_until(sim, 1500 * 1000);
	*ret_received = client->received;
	hash = sim_hash(sim);
	sim_destroy(sim);
	return hash;
}

static void test_same_seed_same_hash(void **state)
{
	size_t received, again;
	uint64_t hash = echo_world(7, &received);

	(void)state;
	assert_true(received > 100);
	assert_true(hash == echo_world(7, &again));
	assert_int_equal(received, again);
	assert_true(hash != echo_world(8, &again));
}

/* ---- disk ---- */

struct disk_world {
	struct sim *sim;
	struct sim_host *host;
	struct os *os;
};

static struct disk_world disk_world(uint64_t seed)
{
	struct disk_world w = { .sim = sim_create(seed) };

	w.host = sim_host_create(w.sim, "a", ip_a, DISK);
	w.os = sim_process_create(w.host, "writer");
	return w;
}

static void cut_and_return(struct disk_world *w)
{
	sim_power_cut(w->host);
	assert_false(sim_process_alive(w->os));
	w->os = sim_process_create(w->host, "again");
}

static int create(struct disk_world *w, const char *name, bool durable)
{
	int fd = os_open(w->os, OS_ROOT, name, OS_CREATE | OS_READ | OS_WRITE), dir;

	assert_true(fd >= 0);
	dir = os_open(w->os, OS_ROOT, ".", OS_READ | OS_FOLDER);
	assert_true(dir >= 0);
	if (durable)
		assert_int_equal(os_sync_folder(w->os, dir), 0);
	os_close(w->os, dir);
	return fd;
}

static char first_byte(struct disk_world *w, const char *name, uint64_t offset)
{
	int fd = os_open(w->os, OS_ROOT, name, OS_READ);
	unsigned char got[SIM_SECTOR];

	assert_true(fd >= 0);
	if (os_pread(w->os, fd, got, sizeof got, offset) != (ssize_t)sizeof got)
		return 0;
	os_close(w->os, fd);
	/* Sectors are whole. */
	for (size_t i = 1; i < sizeof got; i++)
		assert_int_equal(got[i], got[0]);
	return (char)got[0];
}

static void test_power_cut(void **state)
{
	unsigned char bytes[SIM_SECTOR];
	unsigned kept = 0, reordered = 0, names = 0;

	(void)state;
	for (uint64_t seed = 0; seed < MANY_SEEDS; seed++) {
		struct disk_world w = disk_world(seed);
		int fd = create(&w, "synced", true), other;
		char first, second;

		assert_int_equal(os_pwrite(w.os, fd, sector('a', bytes), 0), 0);
		assert_int_equal(os_pwrite(w.os, fd, sector('a', bytes), SIM_SECTOR), 0);
		assert_int_equal(os_sync(w.os, fd), 0);
		assert_int_equal(os_pwrite(w.os, fd, sector('b', bytes), 0), 0);
		assert_int_equal(os_pwrite(w.os, fd, sector('b', bytes), SIM_SECTOR), 0);
		other = create(&w, "new", false);
		assert_int_equal(os_sync(w.os, other), 0);
		assert_int_equal(first_byte(&w, "synced", 0), 'b');
		cut_and_return(&w);
		first = first_byte(&w, "synced", 0);
		second = first_byte(&w, "synced", SIM_SECTOR);
		assert_true(first == 'a' || first == 'b');
		assert_true(second == 'a' || second == 'b');
		kept += first == 'b';
		reordered += first == 'a' && second == 'b';
		names += os_open(w.os, OS_ROOT, "new", OS_READ) >= 0;
		sim_destroy(w.sim);
	}
	assert_in_range(kept, 1, MANY_SEEDS - 1);
	assert_in_range(reordered, 1, MANY_SEEDS - 1);
	assert_in_range(names, 1, MANY_SEEDS - 1);
}

/* Made, removed and made again: a cut leaves one of the states in between. */
static void test_names(void **state)
{
	unsigned old = 0, none = 0, new = 0;

	(void)state;
	for (uint64_t seed = 0; seed < MANY_SEEDS; seed++) {
		struct disk_world w = disk_world(seed);
		unsigned char bytes[SIM_SECTOR];
		int fd = create(&w, "x", true);

		assert_int_equal(os_pwrite(w.os, fd, sector('1', bytes), 0), 0);
		assert_int_equal(os_sync(w.os, fd), 0);
		assert_int_equal(os_unlink(w.os, OS_ROOT, "x"), 0);
		assert_int_equal(os_open(w.os, OS_ROOT, "x", OS_READ), -ENOENT);
		fd = create(&w, "x", false);
		assert_int_equal(os_pwrite(w.os, fd, sector('2', bytes), 0), 0);
		assert_int_equal(os_sync(w.os, fd), 0);
		cut_and_return(&w);
		fd = os_open(w.os, OS_ROOT, "x", OS_READ);
		if (fd < 0)
			none++;
		else if (first_byte(&w, "x", 0) == '1')
			old++;
		else
			new++;
		sim_destroy(w.sim);
	}
	assert_true(old > 0 && none > 0 && new > 0);
}

static void test_sync_system_keeps_all(void **state)
{
	unsigned char bytes[SIM_SECTOR];

	(void)state;
	for (uint64_t seed = 0; seed < MANY_SEEDS; seed++) {
		struct disk_world w = disk_world(seed);
		int fd;

		assert_int_equal(os_mkdir(w.os, OS_ROOT, "d"), 0);
		fd = create(&w, "d/x", false);
		assert_int_equal(os_pwrite(w.os, fd, sector('z', bytes), 0), 0);
		assert_int_equal(os_sync_system(w.os, fd), 0);
		cut_and_return(&w);
		assert_int_equal(first_byte(&w, "d/x", 0), 'z');
		sim_destroy(w.sim);
	}
}

/* A failed sync, then one that succeeds: the disk may still have the old. */
static void test_failed_sync(void **state)
{
	const struct sim_faults failing = { .sync_error = 1 }, none = { 0 };
	unsigned char bytes[SIM_SECTOR];
	unsigned lost = 0;

	(void)state;
	for (uint64_t seed = 0; seed < MANY_SEEDS; seed++) {
		struct disk_world w = disk_world(seed);
		int fd = create(&w, "x", true);

		assert_int_equal(os_pwrite(w.os, fd, sector('a', bytes), 0), 0);
		assert_int_equal(os_sync(w.os, fd), 0);
		assert_int_equal(os_pwrite(w.os, fd, sector('b', bytes), 0), 0);
		sim_set_faults(w.sim, &failing);
		assert_int_equal(os_sync(w.os, fd), -EIO);
		sim_set_faults(w.sim, &none);
		assert_int_equal(os_sync(w.os, fd), 0);
		assert_int_equal(first_byte(&w, "x", 0), 'b');
		cut_and_return(&w);
		lost += first_byte(&w, "x", 0) == 'a';
		sim_destroy(w.sim);
	}
	assert_in_range(lost, 1, MANY_SEEDS - 1);
}

static void test_disk_full(void **state)
{
	struct disk_world w = disk_world(1);
	unsigned char bytes[SIM_SECTOR];
	int fd = create(&w, "x", true), error = 0;
	uint64_t at = 0, left, total;

	(void)state;
	for (; at < 2 * DISK && error == 0; at += SIM_SECTOR)
		error = os_pwrite(w.os, fd, sector('x', bytes), at);
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(at, DISK + SIM_SECTOR);
	assert_int_equal(os_free_space(w.os, fd, &left, &total), 0);
	assert_int_equal(total, DISK);
	os_close(w.os, fd);
	assert_int_equal(os_unlink(w.os, OS_ROOT, "x"), 0);
	assert_int_equal(os_free_space(w.os, OS_ROOT, &left, &total), 0);
	assert_int_equal(left, DISK);
	sim_destroy(w.sim);
}

/* ---- work, and processes that end in it ---- */

struct writer {
	struct os *os;
	struct os_work work;
	int fd;
	unsigned wrote, done;
};

static void write_ten(struct os_work *work)
{
	struct writer *w = work->owner;
	unsigned char bytes[SIM_SECTOR];

	for (unsigned i = 0; i < 10; i++) {
		if (os_pwrite(w->os, w->fd, sector('w', bytes), i * SIM_SECTOR) == 0)
			w->wrote++;
	}
}

static void count_done(struct os_work *work)
{
	((struct writer *)work->owner)->done++;
}

static void start_writer(struct disk_world *w, struct writer *writer)
{
	*writer = (struct writer){ .os = w->os };
	writer->work = (struct os_work){ .run = write_ten, .done = count_done,
	    .owner = writer };
	writer->fd = create(w, "x", true);
	os_work_start(w->os, &writer->work);
}

static void test_kill_in_work(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= 12; n++) {
		struct disk_world w = disk_world(n);
		struct writer writer;
		int fd;

		start_writer(&w, &writer);
		sim_kill_after(w.os, n);
		sim_run_until(w.sim, 1000 * 1000);
		assert_int_equal(writer.wrote, n <= 10 ? n - 1 : 10);
		assert_int_equal(writer.done, n <= 10 ? 0 : 1);
		assert_int_equal(sim_process_alive(w.os), n > 10);
		if (n <= 10) {
			/* The page cache outlives a process. */
			assert_int_equal(sim_process_status(w.os), -9);
			w.os = sim_process_create(w.host, "again");
			fd = os_open(w.os, OS_ROOT, "x", OS_READ);
			assert_int_equal(os_size(w.os, fd), (n - 1) * SIM_SECTOR);
		}
		sim_destroy(w.sim);
	}
}

static void test_kill_before_work(void **state)
{
	struct disk_world w = disk_world(3);
	struct writer writer;

	(void)state;
	start_writer(&w, &writer);
	sim_kill(w.os);
	sim_run_until(w.sim, 1000 * 1000);
	assert_int_equal(writer.wrote, 0);
	assert_int_equal(writer.done, 0);
	sim_destroy(w.sim);
}

static void test_power_cut_in_work(void **state)
{
	struct disk_world w = disk_world(4);
	struct os *bystander = sim_process_create(w.host, "bystander");
	struct writer writer;

	(void)state;
	start_writer(&w, &writer);
	sim_power_cut_after(w.host, 5);
	sim_run_until(w.sim, 1000 * 1000);
	assert_int_equal(writer.wrote, 4);
	assert_int_equal(writer.done, 0);
	assert_false(sim_process_alive(bystander));
	assert_int_equal(sim_power_cuts(w.host), 1);
	sim_destroy(w.sim);
}

/* ---- channels and children ---- */

static void test_passing_descriptors(void **state)
{
	struct disk_world w = disk_world(5);
	unsigned char bytes[SIM_SECTOR], buf[100];
	int ends[2], fds[IPC_FDS_MAX], file, only_write, only_read;
	size_t n_fds;

	(void)state;
	assert_int_equal(os_channel_pair(w.os, ends), 0);
	file = create(&w, "x", true);
	os_close(w.os, file);
	only_write = os_open(w.os, OS_ROOT, "x", OS_WRITE);
	assert_int_equal(os_pread(w.os, only_write, buf, sizeof buf, 0), -EBADF);
	assert_int_equal(os_channel_send(w.os, ends[0], slice_lit("one"), &only_write, 1), 0);
	assert_int_equal(os_channel_send(w.os, ends[0], slice_lit("two"), NULL, 0), 0);
	os_close(w.os, only_write);
	only_read = os_open(w.os, OS_ROOT, "x", OS_READ);
	assert_int_equal(os_has_writer(w.os, only_read), 1);    /* on its way */
	os_close(w.os, ends[0]);
	assert_int_equal(os_channel_receive(w.os, ends[1], buf, sizeof buf, fds, &n_fds),
	    -EAGAIN);
	sim_run_until(w.sim, 1000 * 1000);
	assert_int_equal(os_channel_receive(w.os, ends[1], buf, sizeof buf, fds, &n_fds), 3);
	assert_memory_equal(buf, "one", 3);
	assert_int_equal(n_fds, 1);
	assert_int_equal(os_pwrite(w.os, fds[0], sector('p', bytes), 0), 0);
	assert_int_equal(os_pread(w.os, fds[0], buf, sizeof buf, 0), -EBADF);
	assert_int_equal(os_has_writer(w.os, only_read), 1);
	os_close(w.os, fds[0]);
	assert_int_equal(os_has_writer(w.os, only_read), 0);
	os_close(w.os, only_read);
	assert_int_equal(os_channel_receive(w.os, ends[1], buf, sizeof buf, fds, &n_fds), 3);
	assert_int_equal(n_fds, 0);
	assert_int_equal(os_channel_receive(w.os, ends[1], buf, sizeof buf, fds, &n_fds), 0);
	assert_int_equal(sim_descriptors(w.os), 1);
	sim_destroy(w.sim);
}

static void test_channel_is_bounded(void **state)
{
	struct disk_world w = disk_world(6);
	int ends[2], sent = 0;

	(void)state;
	assert_int_equal(os_channel_pair(w.os, ends), 0);
	while (sent < 1000 && os_channel_send(w.os, ends[0], slice_lit("x"), NULL, 0) == 0)
		sent++;
	assert_int_equal(sent, SIM_CHANNEL_PACKETS);
	assert_int_equal(os_channel_send(w.os, ends[0], slice_lit("x"), NULL, 0), -EAGAIN);
	sim_destroy(w.sim);
}

struct parent {
	struct os_child child;
	int status, signo, exits;
};

static void on_exited(struct os_child *child, int status, int signo)
{
	struct parent *parent = child->owner;

	parent->status = status;
	parent->signo = signo;
	parent->exits++;
}

static void child_start(struct os *os, int channel, unsigned index)
{
	(void)os_channel_send(os, channel, slice_lit("here"), NULL, 0);
	if (index == 1)
		os_stop(os, 7);
}

static const struct os_program child_program = { .name = "child", .start = child_start };

static void test_children(void **state)
{
	struct disk_world w = disk_world(9);
	struct parent ended = { .child = { .exited = on_exited } };
	struct parent killed = { .child = { .exited = on_exited } };
	unsigned char buf[100];
	int ends[2], fds[IPC_FDS_MAX];
	size_t n_fds;

	(void)state;
	ended.child.owner = &ended;
	killed.child.owner = &killed;
	assert_int_equal(os_channel_pair(w.os, ends), 0);
	assert_int_equal(os_spawn(w.os, &ended.child, &child_program, 1, ends[1]), 0);
	sim_run_until(w.sim, 1000 * 1000);
	assert_int_equal(ended.exits, 1);
	assert_int_equal(ended.status, 7);
	assert_int_equal(ended.signo, 0);
	assert_int_equal(os_channel_receive(w.os, ends[0], buf, sizeof buf, fds, &n_fds), 4);
	assert_int_equal(os_channel_receive(w.os, ends[0], buf, sizeof buf, fds, &n_fds), 0);
	os_close(w.os, ends[0]);

	assert_int_equal(os_channel_pair(w.os, ends), 0);
	assert_int_equal(os_spawn(w.os, &killed.child, &child_program, 2, ends[1]), 0);
	sim_run_until(w.sim, 2000 * 1000);
	assert_int_equal(killed.exits, 0);
	os_kill(w.os, &killed.child);
	sim_run_until(w.sim, 3000 * 1000);
	assert_int_equal(killed.exits, 1);
	assert_int_equal(killed.signo, 9);
	sim_destroy(w.sim);
}

/* ---- streams ---- */

static void test_stream_ends(void **state)
{
	struct disk_world w = disk_world(10);
	slice hello = slice_lit("hello"), more = slice_lit("more");
	unsigned char buf[100];
	size_t got = 0;
	int ends[2];
	ssize_t n;

	(void)state;
	assert_int_equal(os_datagram_open(w.os, &(struct os_address){ 0 }), -EOPNOTSUPP);
	assert_int_equal(os_stream_pair(w.os, ends), 0);
	assert_int_equal(os_read(w.os, ends[1], buf, sizeof buf), -EAGAIN);
	assert_int_equal(os_write(w.os, ends[0], &hello, 1), 5);
	assert_int_equal(os_shutdown(w.os, ends[0]), 0);
	assert_int_equal(os_write(w.os, ends[0], &more, 1), -EPIPE);
	sim_run_until(w.sim, 1000 * 1000);
	while ((n = os_read(w.os, ends[1], buf + got, sizeof buf - got)) > 0)
		got += (size_t)n;
	assert_int_equal(n, 0);
	assert_int_equal(got, 5);
	assert_memory_equal(buf, "hello", 5);
	/* Unread bytes turn a close into a reset. */
	assert_int_equal(os_write(w.os, ends[1], &more, 1), 4);
	sim_run_until(w.sim, 2000 * 1000);
	os_close(w.os, ends[0]);
	sim_run_until(w.sim, 3000 * 1000);
	assert_int_equal(os_read(w.os, ends[1], buf, sizeof buf), -ECONNRESET);
	sim_destroy(w.sim);
}

static void test_refused(void **state)
{
	struct disk_world w = disk_world(11);
	struct os_address address;
	int fd;

	(void)state;
	assert_true(os_address_parse(slice_lit("127.1.0.1:25"), &address));
	fd = os_connect(w.os, &address);
	assert_true(fd >= 0);
	sim_run_until(w.sim, 1000 * 1000);
	assert_int_equal(os_connected(w.os, fd), -ECONNREFUSED);
	sim_destroy(w.sim);
}

UNIT_TESTS(cmocka_unit_test(test_same_seed_same_hash), cmocka_unit_test(test_power_cut),
    cmocka_unit_test(test_names), cmocka_unit_test(test_sync_system_keeps_all),
    cmocka_unit_test(test_failed_sync), cmocka_unit_test(test_disk_full),
    cmocka_unit_test(test_kill_in_work), cmocka_unit_test(test_kill_before_work),
    cmocka_unit_test(test_power_cut_in_work), cmocka_unit_test(test_passing_descriptors),
    cmocka_unit_test(test_channel_is_bounded), cmocka_unit_test(test_children),
    cmocka_unit_test(test_stream_ends), cmocka_unit_test(test_refused))
