/* os/os_sim_break_test.c - what a simulated world breaks when it is told to. */
#include "unit.h"

#include <errno.h>

#include "base/limits.h"
#include "os/os_sim.h"

enum { DISK = 1024 * 1024, SECOND_US = 1000 * 1000 };

struct fixture {
	struct sim *sim;
	struct sim_host *a, *b;
	struct os *server, *client;
	int listener, fds[2];           /* the client's end, the server's */
};

static void connect_both(struct fixture *f)
{
	struct os_address address;

	assert_true(os_address_parse(slice_lit("127.1.0.1:25"), &address));
	f->listener = os_listen(f->server, &address, 8);
	f->fds[0] = os_connect(f->client, &address);
	sim_run_until(f->sim, sim_now_us(f->sim) + SECOND_US);
	f->fds[1] = os_accept(f->server, f->listener, NULL);
	assert_true(f->fds[1] >= 0);
}

static struct fixture fixture(void)
{
	static const uint8_t ip_a[4] = { 127, 1, 0, 1 }, ip_b[4] = { 127, 1, 0, 2 };
	struct fixture f = { .sim = sim_create(7) };

	f.a = sim_host_create(f.sim, "a", ip_a, DISK);
	f.b = sim_host_create(f.sim, "b", ip_b, DISK);
	f.server = sim_process_create(f.a, "server");
	f.client = sim_process_create(f.b, "client");
	return f;
}

static ssize_t say(struct os *os, int fd)
{
	slice word = slice_lit("word");

	return os_write(os, fd, &word, 1);
}

static ssize_t hear(struct fixture *f, struct os *os, int fd, unsigned seconds)
{
	char text[8];

	sim_run_until(f->sim, sim_now_us(f->sim) + (uint64_t)seconds * SECOND_US);
	return os_read(os, fd, text, sizeof text);
}

static void test_sides(void **state)
{
	struct fixture f = fixture();

	(void)state;
	connect_both(&f);
	sim_host_side(f.b, 1);
	assert_true(say(f.client, f.fds[0]) > 0);
	assert_int_equal(hear(&f, f.server, f.fds[1], 100), -EAGAIN);
	os_close(f.client, f.fds[0]);
	assert_int_equal(hear(&f, f.server, f.fds[1], 100), -EAGAIN);
	sim_host_side(f.b, 0);
	assert_true(hear(&f, f.server, f.fds[1], 10) > 0);
	while (hear(&f, f.server, f.fds[1], 1) > 0)
		continue;
	assert_int_equal(hear(&f, f.server, f.fds[1], 1), 0);
	sim_destroy(f.sim);
}

static void test_no_connection_across(void **state)
{
	struct fixture f = fixture();
	struct os_address address;
	int fd;

	(void)state;
	assert_true(os_address_parse(slice_lit("127.1.0.1:25"), &address));
	f.listener = os_listen(f.server, &address, 8);
	sim_host_side(f.a, 3);
	fd = os_connect(f.client, &address);
	sim_run_until(f.sim, 60 * SECOND_US);
	assert_int_equal(os_connected(f.client, fd), -EINPROGRESS);
	sim_host_side(f.a, 0);
	sim_run_until(f.sim, 70 * SECOND_US);
	assert_int_equal(os_connected(f.client, fd), 0);
	sim_destroy(f.sim);
}

static void test_vanished_peer(void **state)
{
	struct fixture f = fixture();
	struct os *left = f.server;
	int fd;
	size_t n = 0;
	ssize_t put;

	(void)state;
	connect_both(&f);
	sim_vanish_stream(f.sim);
	/* One end hears of it at once, the other long after. */
	sim_run_until(f.sim, 10 * SECOND_US);
	if (say(f.server, f.fds[1]) == -ECONNRESET)
		left = f.client;
	else
		assert_int_equal(say(f.client, f.fds[0]), -ECONNRESET);
	fd = f.fds[left == f.client ? 0 : 1];
	while ((put = say(left, fd)) > 0)
		n += (size_t)put;
	assert_int_equal(put, -EAGAIN);
	assert_in_range(n, SIM_STREAM_BUFFER - 8, SIM_STREAM_BUFFER);
	assert_int_equal(hear(&f, left, fd, 600), -EAGAIN);
	assert_int_equal(hear(&f, left, fd, 400), -ECONNRESET);
	sim_destroy(f.sim);
}

struct ticker {
	struct os *os;
	struct os_timer timer;
	unsigned ticks;
};

static void tick(struct os_timer *timer)
{
	struct ticker *t = timer->owner;

	t->ticks++;
	os_timer_start(t->os, timer, 1000);
}

static void test_frozen(void **state)
{
	struct fixture f = fixture();
	struct ticker t = { .os = f.server };

	(void)state;
	t.timer = (struct os_timer){ .fire = tick, .owner = &t };
	os_timer_start(t.os, &t.timer, 1000);
	sim_run_until(f.sim, 10 * SECOND_US + SECOND_US / 2);
	assert_in_range(t.ticks, 9, 10);
	t.ticks = 0;
	sim_freeze(f.server, 100 * SECOND_US);
	sim_run_until(f.sim, 110 * SECOND_US);
	assert_int_equal(t.ticks, 0);
	sim_run_until(f.sim, 115 * SECOND_US);
	assert_in_range(t.ticks, 4, 6);
	sim_freeze(f.server, 100 * SECOND_US);
	sim_kill(f.server);
	assert_false(sim_process_alive(f.server));
	sim_destroy(f.sim);
}

static void test_bad_file(void **state)
{
	struct fixture f = fixture();
	int fd = os_open(f.server, OS_ROOT, "x", OS_CREATE | OS_READ | OS_WRITE);
	char c;

	(void)state;
	assert_int_equal(os_pwrite(f.server, fd, slice_lit("abc"), 0), 0);
	sim_break_file(f.a, SIM_BREAK_READ);
	assert_int_equal(os_pread(f.server, fd, &c, 1, 0), -EIO);
	assert_int_equal(os_pwrite(f.server, fd, slice_lit("abc"), 0), 0);
	sim_break_file(f.a, SIM_BREAK_WRITE | SIM_BREAK_SYNC);
	assert_int_equal(os_pwrite(f.server, fd, slice_lit("abc"), 0), -EIO);
	assert_int_equal(os_sync(f.server, fd), -EIO);
	assert_int_equal(os_sync_system(f.server, fd), -EIO);
	sim_mend_files(f.a);
	assert_int_equal(os_pwrite(f.server, fd, slice_lit("abc"), 0), 0);
	assert_int_equal(os_sync_system(f.server, fd), 0);
	assert_int_equal(os_pread(f.server, fd, &c, 1, 0), 1);
	sim_destroy(f.sim);
}

static void see_file(void *context, const struct sim_disk_file *file)
{
	struct sim_disk_file *found = context;

	*found = *file;
}

static void test_rot(void **state)
{
	struct fixture f = fixture();
	struct sim_disk_file file = { .path = "" };
	int fd;
	char c;

	(void)state;
	assert_int_equal(os_mkdir(f.server, OS_ROOT, "d"), 0);
	assert_int_equal(os_mkdir(f.server, OS_ROOT, "d/e"), 0);
	fd = os_open(f.server, OS_ROOT, "d/e/x", OS_CREATE | OS_READ | OS_WRITE);
	assert_int_equal(os_pwrite(f.server, fd, slice_lit("abc"), 0), 0);
	sim_disk_each(f.a, see_file, &file);
	assert_string_equal(file.path, "d/e/x");
	assert_int_equal(file.size, 3);
	assert_false(sim_disk_rot(&file, 1, 1));        /* not at rest yet */
	sim_disk_settle(f.a);
	assert_true(sim_disk_rot(&file, 1, 1));
	assert_false(sim_disk_rot(&file, 3, 1));        /* behind its end */
	sim_disk_read(&file, &c, 1, 1);
	assert_int_equal(c, 'b' ^ 1);
	sim_power_cut(f.a);
	sim_disk_each(f.a, see_file, &file);
	sim_disk_read(&file, &c, 1, 1);
	assert_int_equal(c, 'b' ^ 1);
	sim_destroy(f.sim);
}

UNIT_TESTS(cmocka_unit_test(test_sides), cmocka_unit_test(test_no_connection_across),
    cmocka_unit_test(test_vanished_peer), cmocka_unit_test(test_frozen),
    cmocka_unit_test(test_bad_file), cmocka_unit_test(test_rot))
