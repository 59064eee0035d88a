/* os/os_uv_process_test.c - roles as processes: this test starts itself again,
 * as "posthouse role" does. */
#include "os/os_uv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "unit.h"

/* ---- the role ---- */

struct role {
	struct os *os;
	int channel;
	unsigned index;
	struct os_watch watch;
	struct os_work work;
};

static void answer(struct role *r, const char *text)
{
	os_channel_send(r->os, r->channel, slice_from(text), NULL, 0);
}

/* "3 4 5": what is open beyond stdin, stdout and stderr and not libuv's, which
 * are never inherited. */
static void report_inherited(struct role *r)
{
	char text[256] = "fds";
	struct stat st;

	for (int fd = 0; fd < 256; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags >= 0 && (flags & FD_CLOEXEC) == 0)
			snprintf(text + strlen(text), sizeof text - strlen(text), " %d", fd);
	}
	if (fstat(0, &st) == 0 && S_ISCHR(st.st_mode))
		strcat(text, " null");
	answer(r, text);
}

static void work_run(struct os_work *work)
{
}

static void work_done(struct os_work *work)
{
	answer(work->owner, "confined");
}

static void confine(struct role *r)
{
	static const struct os_confinement none = { 0 };
	const char *step = "";
	int error = os_confine(r->os, &none, OS_ROOT, -1, -1, &step);

	if (error < 0 || open("/etc/passwd", O_RDONLY) >= 0) {
		answer(r, "not confined");
		return;
	}
	r->work = (struct os_work){ .run = work_run, .done = work_done, .owner = r };
	os_work_start(r->os, &r->work);
}

static void role_ready(struct os_watch *watch, int events)
{
	struct role *r = watch->owner;
	char text[64] = "";
	int fds[IPC_FDS_MAX];
	size_t n;
	ssize_t len = os_channel_receive(r->os, r->channel, text, sizeof text - 1, fds, &n);

	if (len <= 0)
		os_stop(r->os, 3);
	else if (strcmp(text, "index") == 0)
		answer(r, r->index == 7 ? "seven" : "not seven");
	else if (strcmp(text, "fds") == 0)
		report_inherited(r);
	else if (strcmp(text, "confine") == 0)
		confine(r);
	else if (strcmp(text, "term") == 0) {
		raise(SIGTERM);
		raise(SIGINT);
		raise(SIGHUP);
		answer(r, "alive");
	} else if (strcmp(text, "stop") == 0)
		os_stop(r->os, 5);
}

static void role_start(struct os *os, int channel, unsigned index)
{
	struct role *r = heap_new(os_heap(os), struct role);

	*r = (struct role){ .os = os, .channel = channel, .index = index };
	r->watch = (struct os_watch){ .ready = role_ready, .owner = r };
	os_watch_start(os, &r->watch, channel, OS_READABLE);
}

static const struct os_program program = { "echo", role_start, { 0 } };

/* ---- the keeper ---- */

struct keeper {
	struct os *os;
	int channel;
	struct os_watch watch;
	struct os_child child;
	char text[256];
	int exits, status, signo;
};

static void keeper_ready(struct os_watch *watch, int events)
{
	struct keeper *k = watch->owner;
	int fds[IPC_FDS_MAX];
	size_t n;
	ssize_t len = os_channel_receive(k->os, k->channel, k->text, sizeof k->text - 1, fds, &n);

	k->text[len > 0 ? len : 0] = 0;
	if (len <= 0)
		os_watch_stop(k->os, watch);
	else
		os_stop(k->os, 0);
}

static void keeper_exited(struct os_child *child, int status, int signo)
{
	struct keeper *k = child->owner;

	k->exits++;
	k->status = status;
	k->signo = signo;
	os_stop(k->os, 0);
}

static void begin(struct keeper *k)
{
	struct os_uv_options options = { .log_from = OS_ERROR };
	int pair[2];

	*k = (struct keeper){ .os = os_uv_create(&options) };
	k->watch = (struct os_watch){ .ready = keeper_ready, .owner = k };
	k->child = (struct os_child){ .exited = keeper_exited, .owner = k };
	assert_int_equal(os_channel_pair(k->os, pair), 0);
	k->channel = pair[0];
	os_watch_start(k->os, &k->watch, pair[0], OS_READABLE);
	assert_int_equal(os_spawn(k->os, &k->child, &program, 7, pair[1]), 0);
	assert_int_equal(fcntl(pair[1], F_GETFD), -1);          /* given away */
}

static const char *ask(struct keeper *k, const char *text)
{
	assert_int_equal(os_channel_send(k->os, k->channel, slice_from(text), NULL, 0), 0);
	os_uv_run(k->os);
	return k->text;
}

static void wait_exit(struct keeper *k, int status, int signo)
{
	while (k->exits == 0)
		os_uv_run(k->os);
	assert_int_equal(k->exits, 1);
	assert_int_equal(k->status, status);
	assert_int_equal(k->signo, signo);
	os_watch_stop(k->os, &k->watch);
	os_close(k->os, k->channel);
	os_uv_destroy(k->os);
}

static void test_role_stops(void **state)
{
	struct keeper k;

	begin(&k);
	assert_string_equal(ask(&k, "index"), "seven");
	assert_int_equal(os_channel_send(k.os, k.channel, slice_lit("stop"), NULL, 0), 0);
	wait_exit(&k, 5, 0);
}

static void test_role_is_killed(void **state)
{
	struct keeper k;

	begin(&k);
	assert_string_equal(ask(&k, "index"), "seven");
	os_kill(k.os, &k.child);
	wait_exit(&k, 0, SIGKILL);
}

/* Its channel ends when the keeper does: the role hears of it. */
static void test_keeper_goes(void **state)
{
	struct keeper k;

	begin(&k);
	assert_string_equal(ask(&k, "index"), "seven");
	os_watch_stop(k.os, &k.watch);
	os_close(k.os, k.channel);
	k.channel = -1;
	wait_exit(&k, 3, 0);
}

static void test_nothing_is_inherited(void **state)
{
	struct keeper k;
	int leak = open("/dev/null", O_RDONLY), high = fcntl(leak, F_DUPFD, 200);

	begin(&k);
	assert_string_equal(ask(&k, "fds"), "fds 0 1 2 null");
	close(leak);
	close(high);
	os_kill(k.os, &k.child);
	wait_exit(&k, 0, SIGKILL);
}

/* The group's signals are the keeper's affair. */
static void test_signals(void **state)
{
	struct keeper k;

	begin(&k);
	assert_string_equal(ask(&k, "term"), "alive");
	os_kill(k.os, &k.child);
	wait_exit(&k, 0, SIGKILL);
}

/* A confined role starts its pool, and ends with its status. */
static void test_confined_role(void **state)
{
	struct keeper k;

	begin(&k);
	assert_string_equal(ask(&k, "confine"), "confined");
	assert_int_equal(os_channel_send(k.os, k.channel, slice_lit("stop"), NULL, 0), 0);
	wait_exit(&k, 5, 0);
}

/* By hand it is refused, in words. */
static void test_by_hand(void **state)
{
	char line[256];
	FILE *out;

	snprintf(line, sizeof line, "/proc/%d/exe role echo 0 2>&1 3</dev/null", (int)getpid());
	out = popen(line, "r");
	assert_non_null(out);
	assert_non_null(fgets(line, sizeof line, out));
	assert_non_null(strstr(line, "try \"posthouse serve\""));
	assert_int_equal(WEXITSTATUS(pclose(out)), 2);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_role_stops), cmocka_unit_test(test_role_is_killed),
		cmocka_unit_test(test_keeper_goes), cmocka_unit_test(test_nothing_is_inherited),
		cmocka_unit_test(test_signals), cmocka_unit_test(test_confined_role),
		cmocka_unit_test(test_by_hand),
	};

	if (argc == 4 && strcmp(argv[1], "role") == 0)
		return os_uv_role(&program, (unsigned)atoi(argv[3]));
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
