/* os/os_uv_world.c - a process: its loop, the roles that live on it, its log.
 *
 * A role beside others ends in three steps: os_stop or os_kill marks it, which
 * stops all calls into it; its pool work ends; then, between two turns, its
 * heap is dropped, its descriptors are closed and its parent hears of it.
 * The first os ends by leaving os_uv_run(), and with the process. */
#include "os/os_uv_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/limits.h"
#include "mail/charset.h"
#include "os/confine.h"
#include "os/os_memory.h"

static void stop(struct os *os, int status)
{
	struct os_uv *self = os_uv_of(os);

	self->status = status;
	if (self == self->world->first)
		uv_stop(&self->world->loop);
	else
		self->stopped = true;
}

static void set_root(struct os_uv *os, int fd)
{
	if (os->root_fd >= 0)
		files_close(&os->os, os->root_fd);
	os->root_fd = fd;
	files_give(os->world, fd, os);
}

/* In one process the root is kept, and nothing else: the confinement of the
 * sandbox is for processes. */
static int confine(struct os *os, const struct os_confinement *may, int root, int64_t uid,
    int64_t gid, const char **ret_step)
{
	struct os_uv *self = os_uv_of(os);
	int error = 0;

	*ret_step = NULL;
	/* Kept open: what is converted later finds them. */
	if (!self->world->options.one_process && may->charsets)
		charsets_load(charsets_create(os_heap(os)));
	if (!self->world->options.one_process)
		error = confine_process(may, root, uid, gid, ret_step);
	if (error < 0)
		return error;
	if (*ret_step != NULL)
		os_log(os, OS_WARN, "this kernel has no %s: the sandbox has one wall less",
		    *ret_step);
	self->confined = !self->world->options.one_process;
	if (root >= 0 && !may->files) {
		files_close(os, root);
		root = OS_ROOT;
	}
	set_root(self, root >= 0 ? root : NO_ROOT);
	return 0;
}

/* ---- log ---- */

/* Without waiting: a line that does not enter the pipe whole is dropped. */
static void write_line(int fd, slice line)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	if (poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT)) {
		ssize_t wrote = write(fd, line.ptr, line.len);

		(void)wrote;            /* there is nobody to tell */
	}
}

static void flush_events(struct os_uv *os)
{
	slice lines = buffer_bytes(&os->event_lines);

	if (lines.len > 0) {
		ssize_t wrote = write(os->event_fd, lines.ptr, lines.len);

		(void)wrote;            /* there is nobody to tell */
	}
	buffer_free(&os->event_lines);
}

static void event_line(struct os *os, slice line)
{
	struct os_uv *self = os_uv_of(os);

	if (line.len > buffer_room(&self->event_lines))
		flush_events(self);
	if (line.len <= buffer_room(&self->event_lines))
		buffer_add(&self->event_lines, line);
}

static void event_to(struct os *os, int fd)
{
	struct os_uv *self = os_uv_of(os);
	int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_APPEND);
	flush_events(self);
	os_close(os, self->event_fd);
	self->event_fd = fd;
}

void world_log_flush(struct os_uv *os)
{
	slice lines = buffer_bytes(&os->log_lines);

	if (lines.len > 0) {
		ssize_t wrote = write(os->log_fd, lines.ptr, lines.len);

		(void)wrote;            /* there is nobody to tell */
	}
	buffer_free(&os->log_lines);
	flush_events(os);
}

/* A file takes all at once; what is wrong must be in it even if we die of it. */
static void gather_line(struct os_uv *os, enum os_level level, slice line)
{
	if (line.len > buffer_room(&os->log_lines))
		world_log_flush(os);
	buffer_add(&os->log_lines, line);
	if (level >= OS_WARN)
		world_log_flush(os);
}

static void log_line(struct os *os, enum os_level level, slice line)
{
	struct os_uv *self = os_uv_of(os);
	const struct os_uv_options *options = &self->world->options;

	if (level < options->log_from)
		return;
	if (self->log_fd >= 0 && self->log_gathers)
		gather_line(self, level, line);
	else if (self->log_fd >= 0)
		write_line(self->log_fd, line);
	if (options->log_stderr || self->log_fd < 0)
		write_line(STDERR_FILENO, line);
}

static void log_to(struct os *os, int fd)
{
	struct os_uv *self = os_uv_of(os);
	int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
	struct stat st;

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_APPEND);
	world_log_flush(self);
	os_close(os, self->log_fd);
	self->log_fd = fd;
	self->log_gathers = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* ---- the roles of a process ---- */

static const struct os_ops ops = {
	.now_ms = loop_now_ms, .now_us = loop_now_us, .wall_us = loop_wall_us,
	.random = loop_random, .timer_start = loop_timer_start, .timer_stop = loop_timer_stop,
	.defer = loop_defer, .defer_cancel = loop_defer_cancel,
	.watch_start = loop_watch_start, .watch_stop = loop_watch_stop,
	.work_start = loop_work_start, .stop = stop,
	.signal_start = loop_signal_start, .signal_stop = loop_signal_stop,
	.open = files_open, .mkdir = files_mkdir, .unlink = files_unlink, .rmdir = files_rmdir,
	.list = files_list, .size = files_size, .pread = files_pread, .pwritev = files_pwritev,
	.sync = files_sync, .sync_folder = files_sync_folder, .sync_system = files_sync_system,
	.free_space = files_free_space, .close = files_close, .duplicate = files_duplicate,
	.has_writer = files_has_writer, .memory_file = files_memory,
	.descriptors_max = files_descriptors_max,
	.listen = net_listen, .local_address = net_local_address, .accept = net_accept,
	.connect = net_connect, .connected = net_connected, .read = net_read,
	.write = net_write, .write_last = net_write_last, .shutdown = net_shutdown,
	.acknowledge = net_acknowledge, .stream_pair = net_stream_pair,
	.datagram_open = net_datagram_open, .datagram_receive = net_datagram_receive,
	.datagram_send = net_datagram_send,
	.channel_pair = channel_pair, .channel_send = channel_send,
	.channel_receive = channel_receive, .peer_uid = net_peer_uid,
	.dns_start = dns_start, .dns_ask = dns_ask, .dns_cancel = dns_cancel,
	.spawn = process_spawn, .kill = process_kill, .confine = confine,
	.log = log_line, .event = event_line, .event_to = event_to,
	.log_to = log_to,
};

struct os_uv *world_add(struct world *world, const char *name)
{
	struct os_uv *os = heap_new(world->heap, struct os_uv);

	os->os.ops = &ops;
	os->os.heap = heap_create(SIZE_MAX);
	snprintf(os->os.name, sizeof os->os.name, "%s", name);
	os->world = world;
	os->root_fd = AT_FDCWD;
	os->log_fd = -1;
	os->log_lines = buffer_init(world->heap, LOG_GATHER_MAX);
	os->event_fd = -1;
	os->event_lines = buffer_init(world->heap, LOG_GATHER_MAX);
	os->channel = -1;
	list_init(&os->timers);
	list_init(&os->watches);
	list_init(&os->works);
	list_init(&os->signals);
	list_init(&os->children);
	list_init(&os->defers);
	list_init(&os->running);
	list_append(&world->roles, &os->link);
	return os;
}

/* The end of a role, when no pool thread works for it. */
static void drop(struct os_uv *os)
{
	check(list_empty(&os->works));
	loop_stop_all(os);
	process_orphan(os);
	world_log_flush(os);
	heap_drop(os->os.heap);
	files_close_all(os);
}

/* Bury the roles that have ended; true when there were any. */
static bool bury(struct world *world)
{
	bool any = false;

	list_for(at, &world->roles) {
		struct os_uv *os = list_item(at, struct os_uv, link);

		if (!os->stopped || os == world->first)
			continue;
		loop_stop_all(os);
		if (!list_empty(&os->works))
			continue;
		drop(os);
		list_remove(&os->link);
		process_ended(os);
		heap_free(world->heap, os);
		any = true;
	}
	return any;
}

static void go_on(uv_idle_t *again)
{
	/* Its being active is all that it is for: the loop does not sleep. */
}

static void before_wait(uv_prepare_t *prepare)
{
	struct world *world = prepare->data;
	bool left = loop_run_defers(world);

	if (bury(world))
		left = true;
	list_for(at, &world->roles)
		world_log_flush(list_item(at, struct os_uv, link));
	if (left)
		uv_idle_start(&world->again, go_on);
	else
		uv_idle_stop(&world->again);
}

/* ---- life of the process ---- */

/* One arena: threads of the pool allocate little, and each would have its own. */
static void tune_malloc(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TRIM_THRESHOLD, MALLOC_KEEP);
	mallopt(M_MMAP_THRESHOLD, MALLOC_MAP_FROM);
}

static int64_t cpu_used_ms(void)
{
	struct timespec used = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

/* After work, when it is quiet, and when it is worth it: each hole takes a call and
 * an interrupt of the other cores, and under load its pages are needed again at once. */
static void on_trim(uv_timer_t *timer)
{
	struct world *world = timer->data;
	int64_t now = cpu_used_ms(), lately = now - world->cpu_seen_ms;

	world->cpu_seen_ms = now;
	if (lately > MALLOC_TRIM_MS / 16 || now - world->cpu_trimmed_ms < MALLOC_WORKED_MS ||
	    mallinfo2().fordblks < MALLOC_SPARE_MAX)
		return;
	malloc_trim(0);
	world->cpu_trimmed_ms = cpu_used_ms();
}

/* As many descriptors as we are allowed: a shell's 1,024 are few sessions. */
static size_t raise_descriptors(void)
{
	struct rlimit limit = { 0 };

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

static void track_owners(struct world *world, size_t n)
{
	world->n_owners = n < DESCRIPTORS_MAX ? n : DESCRIPTORS_MAX;
	world->owners = heap_alloc(world->heap, world->n_owners * sizeof *world->owners);
}

struct os *os_uv_create(const struct os_uv_options *options)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct world *world = heap_new(heap, struct world);
	int error;

	signal(SIGPIPE, SIG_IGN);
	/* Somebody opens what os_has_writer() just asks about: no reason to end. */
	signal(SIGIO, SIG_IGN);
	umask(077);
	tune_malloc();
	world->heap = heap;
	world->options = *options;
	world->descriptors_max = raise_descriptors();
	list_init(&world->roles);
	list_init(&world->spare_timers);
	error = uv_loop_init(&world->loop);
	check(error == 0);
	error = uv_mutex_init(&world->owners_lock);
	check(error == 0);
	world->loop.data = world;
	uv_prepare_init(&world->loop, &world->prepare);
	world->prepare.data = world;
	uv_prepare_start(&world->prepare, before_wait);
	uv_idle_init(&world->loop, &world->again);
	uv_timer_init(&world->loop, &world->trim);
	world->trim.data = world;
	uv_timer_start(&world->trim, on_trim, MALLOC_TRIM_MS, MALLOC_TRIM_MS);
	uv_unref((uv_handle_t *)&world->trim);
	if (options->one_process)
		track_owners(world, world->descriptors_max);
	if (options->memory) {
		check(options->one_process);
		world->memory = memory_create();
	}
	world->first = world_add(world, options->name != NULL ? options->name : "");
	return &world->first->os;
}

int os_uv_run(struct os *os)
{
	struct os_uv *self = os_uv_of(os);

	check(self == self->world->first);
	uv_run(&self->world->loop, UV_RUN_DEFAULT);
	world_log_flush(self);
	return self->status;
}

static void close_handle(uv_handle_t *handle, void *context)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void os_uv_destroy(struct os *os)
{
	struct os_uv *first = os_uv_of(os);
	struct world *world = first->world;

	check(first == world->first);
	list_for(at, &world->roles) {
		struct os_uv *role = list_item(at, struct os_uv, link);

		role->stopped = true;
		process_orphan(role);
	}
	loop_stop_all(first);
	while (!list_empty(&first->works) || world->roles.next != world->roles.prev)
		uv_run(&world->loop, UV_RUN_ONCE);
	drop(first);
	if (world->owners == NULL) {
		os_close(os, first->root_fd);
		os_close(os, first->log_fd);
		os_close(os, first->event_fd);
	}
	uv_walk(&world->loop, close_handle, NULL);
	while (uv_loop_close(&world->loop) == UV_EBUSY)
		uv_run(&world->loop, UV_RUN_DEFAULT);
	uv_mutex_destroy(&world->owners_lock);
	memory_destroy(world->memory);
	heap_drop(world->heap);
}

void os_uv_set_root(struct os *os, int fd)
{
	check(fd >= 0);
	set_root(os_uv_of(os), fd);
}
