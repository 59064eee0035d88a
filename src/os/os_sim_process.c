/* os/os_sim_process.c - hosts, processes, descriptors, spawn and kill, log.
 *
 *   created -> started -> (doomed | stopping) -> dead
 *
 * A dead process keeps its struct, so that late calls of drop hooks and the
 * world's own pointers find one that does nothing. */
#include "os/os_sim_impl.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"

/* ---- objects and descriptors ---- */

void sim_object_init(struct sim *sim, struct sim_object *object, enum sim_object_kind kind)
{
	object->sim = sim;
	object->kind = kind;
	object->number = ++sim->n_objects;
	object->refs = 1;
	list_init(&object->watches);
	list_append(&sim->objects, &object->link);
}

void sim_object_unref(struct sim_object *object)
{
	check(object->refs > 0);
	if (--object->refs > 0)
		return;
	list_remove(&object->link);
	switch (object->kind) {
	case SIM_FILE:
		sim_file_close((struct sim_file *)object);
		break;
	case SIM_LISTENER:
		sim_listener_close(object);
		break;
	case SIM_STREAM:
		sim_stream_close(object);
		break;
	case SIM_CHANNEL:
		sim_channel_close(object);
		break;
	}
}

int sim_object_ready(const struct sim_object *object)
{
	switch (object->kind) {
	case SIM_LISTENER:
		return sim_listener_ready(object);
	case SIM_STREAM:
		return sim_stream_ready(object);
	case SIM_CHANNEL:
		return sim_channel_ready(object);
	case SIM_FILE:
		break;
	}
	return 0;
}

/* The lowest free number, as a kernel does: a stale number finds a stranger. */
int sim_fd_add(struct sim_process *process, struct sim_object *object)
{
	size_t fd = 3, size = process->n_fds;

	while (fd < size && process->fds[fd] != NULL)
		fd++;
	check(fd < SIM_FDS_MAX);
	if (fd >= size) {
		size = size ? size * 2 : 16;
		process->fds = heap_resize(process->sim->heap, process->fds,
		    size * sizeof(*process->fds));
		process->fd_watches = heap_resize(process->sim->heap, process->fd_watches,
		    size * sizeof(*process->fd_watches));
		for (size_t i = process->n_fds; i < size; i++) {
			process->fds[i] = NULL;
			process->fd_watches[i] = NULL;
		}
		process->n_fds = size;
	}
	process->fds[fd] = object;
	return (int)fd;
}

struct sim_object *sim_fd_get(struct sim_process *process, int fd)
{
	if (process->dead || fd < 0 || (size_t)fd >= process->n_fds)
		return NULL;
	return process->fds[fd];
}

void sim_fd_close(struct sim_process *process, int fd)
{
	struct sim_object *object = sim_fd_get(process, fd);

	check(object != NULL);                  /* a second close hits a stranger */
	check(process->fd_watches[fd] == NULL); /* "stop before closing" */
	process->fds[fd] = NULL;
	sim_object_unref(object);
}

static void os_sim_close(struct os *os, int fd)
{
	struct sim_process *process = sim_process_of(os);

	if (fd != OS_ROOT && !process->dead)
		sim_fd_close(process, fd);
}

static int os_sim_duplicate(struct os *os, int fd)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_object *object = sim_fd_get(process, fd);

	if (object == NULL)
		return -EBADF;
	object->refs++;
	return sim_fd_add(process, object);
}

static size_t sim_os_descriptors_max(struct os *os)
{
	return SIM_FDS_MAX;
}

uint64_t sim_deaths(const struct sim *sim)
{
	return sim->deaths;
}

uint64_t sim_ends(const struct sim *sim)
{
	return sim->ends;
}

size_t sim_descriptors(const struct os *os)
{
	const struct sim_process *process = (const struct sim_process *)os;
	size_t n = 0;

	for (size_t fd = 0; fd < process->n_fds; fd++)
		n += process->fds[fd] != NULL;
	return n;
}

size_t sim_descriptors_to_write(const struct os *os, const struct sim_disk_file *file)
{
	const struct sim_process *process = (const struct sim_process *)os;
	size_t n = 0;

	for (size_t fd = 0; fd < process->n_fds; fd++) {
		const struct sim_object *object = process->fds[fd];
		const struct sim_file *open = (const struct sim_file *)object;

		n += object != NULL && object->kind == SIM_FILE && open->inode == file->inode &&
		    (open->flags & OS_WRITE) != 0;
	}
	return n;
}

/* ---- hosts ---- */

struct sim_host *sim_host_create(struct sim *sim, const char *name, const uint8_t ipv4[4],
    uint64_t disk_size)
{
	struct sim_host *host = heap_new(sim->heap, struct sim_host);

	host->sim = sim;
	host->number = ++sim->n_hosts;
	snprintf(host->name, sizeof host->name, "%s", name);
	memset(host->ip + 10, 0xff, 2);
	memcpy(host->ip + 12, ipv4, 4);
	host->chance = chance_init(sim->seed, "disk", host->number);
	host->port_next = (uint16_t)chance_between(&host->chance, 32768, 60999);
	/* 2026, plus up to a year. */
	host->wall_base_us = (1767225600 + (int64_t)chance_below(&host->chance, 31536000)) *
	    1000000;
	list_init(&host->inodes);
	host->disk_size = disk_size;
	host->disk = sim_inode_create(host, true);
	list_append(&sim->hosts, &host->link);
	return host;
}

const char *sim_host_name(const struct sim_host *host)
{
	return host->name;
}

uint64_t sim_power_cuts(const struct sim_host *host)
{
	return host->power_cuts;
}

void sim_wall_jump(struct sim_host *host, int64_t by_us)
{
	host->wall_base_us += by_us;
}

void sim_power_cut(struct sim_host *host)
{
	struct sim *sim = host->sim;

	check(sim->current == NULL);
	host->power_cuts++;
	host->cut_after = 0;
	host->cut_pending = false;
	host->cutting = true;
	sim_trace(sim, NULL, SIM_CUT, host->number, 0, slice_from(host->name));
	list_for(at, &sim->processes) {
		struct sim_process *process = list_item(at, struct sim_process, link);

		if (process->host == host) {
			process->parent = NULL;
			sim_process_end(process, -9);
		}
	}
	sim_disk_cut(host);
	host->cutting = false;
}

void sim_power_cut_after(struct sim_host *host, uint64_t n_calls)
{
	host->cut_after = n_calls;
}

/* ---- processes ---- */

static struct sim_process *process_create(struct sim_host *host, const char *name)
{
	struct sim *sim = host->sim;
	struct sim_process *process = heap_new(sim->heap, struct sim_process);

	process->os = (struct os){ .ops = &sim_ops, .heap = heap_create(SIZE_MAX) };
	snprintf(process->os.name, sizeof process->os.name, "%s", name);
	process->sim = sim;
	process->host = host;
	process->number = ++sim->n_processes;
	process->event_fd = -1;
	snprintf(process->name, sizeof process->name, "%s", name);
	process->chance = chance_init(sim->seed, "process", process->number);
	process->root = host->disk;
	host->disk->refs++;
	list_init(&process->asked);
	list_init(&process->timers);
	list_init(&process->watches);
	list_init(&process->works);
	list_init(&process->defers);
	list_init(&process->signals);
	list_append(&sim->processes, &process->link);
	return process;
}

struct os *sim_process_create(struct sim_host *host, const char *name)
{
	struct sim_process *process = process_create(host, name);

	process->started = true;
	sim_trace(host->sim, process, SIM_START, 0, 0, slice_from(name));
	return &process->os;
}

bool sim_process_alive(const struct os *os)
{
	return !((const struct sim_process *)os)->dead;
}

int sim_process_status(const struct os *os)
{
	return ((const struct sim_process *)os)->status;
}

const char *sim_process_name(const struct os *os)
{
	return ((const struct sim_process *)os)->name;
}

struct sim_host *sim_process_host(const struct os *os)
{
	return ((const struct sim_process *)os)->host;
}

size_t sim_host_processes(struct sim_host *host, struct os **list, size_t size)
{
	size_t n = 0;

	list_for(at, &host->sim->processes) {
		struct sim_process *process = list_item(at, struct sim_process, link);

		if (process->host == host && !process->dead) {
			if (n < size)
				list[n] = &process->os;
			n++;
		}
	}
	return n;
}

struct os *sim_host_process(struct sim_host *host, const char *name)
{
	list_for(at, &host->sim->processes) {
		struct sim_process *process = list_item(at, struct sim_process, link);

		if (process->host == host && !process->dead &&
		    strncmp(sim_process_name(&process->os), name, strlen(name)) == 0)
			return &process->os;
	}
	return NULL;
}

/* ---- calls, and the points where one may be the last ---- */

static void doom(struct sim_process *process)
{
	process->doomed = true;
	sim_trace(process->sim, process, SIM_FAULT, process->number, 0,
	    slice_from("killed between two calls"));
}

bool sim_call(struct sim_process *process)
{
	if (process->dead || process->doomed)
		return false;
	if (process->doom_after > 0 && process->sim->current == process &&
	    --process->doom_after == 0)
		doom(process);
	return !process->doomed;
}

bool sim_disk_call(struct sim_process *process)
{
	struct sim_host *host = process->host;

	if (!sim_call(process))
		return false;
	if (host->cut_after > 0 && process->sim->current == process && --host->cut_after == 0) {
		host->cut_pending = true;
		doom(process);
		return false;
	}
	return true;
}

/* ---- the end ---- */

static void exited_fire(struct sim_event *event)
{
	struct sim_process *process = list_item(event, struct sim_process, life);
	struct sim_process *parent = process->parent;
	struct os_child *child = process->child;
	int status = process->status;

	if (parent == NULL || parent->dead || sim_frozen(parent, event))
		return;
	child->impl = NULL;
	process->child = NULL;
	sim_trace(process->sim, parent, SIM_EXITED, process->number, (uint64_t)status,
	    (slice){ 0 });
	sim_enter(parent);
	child->exited(child, status < 0 ? 0 : status, status < 0 ? -status : 0);
	sim_leave(parent);
}

static void forget_children(struct sim_process *parent)
{
	list_for(at, &parent->sim->processes) {
		struct sim_process *process = list_item(at, struct sim_process, link);

		if (process->parent == parent) {
			process->parent = NULL;
			process->child = NULL;
			if (process->dead)
				sim_unschedule(process->sim, &process->life);
		}
	}
}

/* The kernel's part: memory, descriptors, the word to the parent. */
void sim_process_end(struct sim_process *process, int status)
{
	struct sim *sim = process->sim;
	struct sim_object **fds = process->fds;
	size_t n_fds = process->n_fds;

	if (process->dead)
		return;
	check(sim->current != process);
	sim_trace(sim, process, SIM_END, (uint64_t)status, 0, slice_from(process->name));
	sim_unschedule(sim, &process->life);
	sim_loop_drop(process);
	sim_dns_process_ends(process);
	process->doomed = true;
	process->dead = true;
	process->status = status;
	sim->deaths += status < 0;
	sim->ends++;
	heap_drop(process->os.heap);
	process->os.heap = NULL;
	process->os.scratch = NULL;
	process->fds = NULL;
	process->n_fds = 0;
	for (size_t fd = 0; fd < n_fds; fd++) {
		if (fds[fd] != NULL)
			sim_object_unref(fds[fd]);
	}
	heap_free(sim->heap, fds);
	heap_free(sim->heap, process->fd_watches);
	sim_inode_unref(process->root);
	forget_children(process);
	if (process->parent != NULL && process->child != NULL) {
		process->life.fire = exited_fire;
		sim_schedule(sim, &process->life, chance_skewed(&sim->loop, 10, 5000));
	}
}

void sim_kill(struct os *os)
{
	struct sim_process *process = sim_process_of(os);

	if (process->sim->current == process)
		doom(process);
	else
		sim_process_end(process, -9);
}

void sim_kill_after(struct os *os, uint64_t n_calls)
{
	sim_process_of(os)->doom_after = n_calls;
}

static void os_sim_stop(struct os *os, int status)
{
	struct sim_process *process = sim_process_of(os);

	process->stopping = true;
	process->status = status;
	if (process->sim->current == NULL)
		sim_turn_soon(process);
}

/* ---- spawn ---- */

static void start_fire(struct sim_event *event)
{
	struct sim_process *process = list_item(event, struct sim_process, life);

	if (sim_frozen(process, event))
		return;
	process->started = true;
	sim_trace(process->sim, process, SIM_START, process->index, 0, slice_from(process->name));
	sim_enter(process);
	process->program->start(&process->os, process->channel, process->index);
	sim_leave(process);
}

static int os_sim_spawn(struct os *os, struct os_child *child, const struct os_program *program,
    unsigned index, int channel)
{
	struct sim_process *parent = sim_process_of(os), *process;
	struct sim_object *object = sim_fd_get(parent, channel);
	char name[OS_NAME_MAX];

	if (object == NULL)
		return -EBADF;
	object->refs++;
	sim_fd_close(parent, channel);
	if (!sim_call(parent)) {
		sim_object_unref(object);
		return -EAGAIN;
	}
	snprintf(name, sizeof name, "%s.%u", program->name, index);
	process = process_create(parent->host, name);
	process->parent = parent;
	process->child = child;
	process->program = program;
	process->index = index;
	process->channel = sim_fd_add(process, object);
	process->life.fire = start_fire;
	child->impl = process;
	sim_schedule(parent->sim, &process->life, chance_skewed(&parent->sim->loop, 100, 20000));
	return 0;
}

static void os_sim_kill(struct os *os, struct os_child *child)
{
	struct sim_process *process = child->impl;

	if (process != NULL && sim_call(sim_process_of(os)))
		sim_process_end(process, -9);
}

static int os_sim_confine(struct os *os, const struct os_confinement *may, int root,
    int64_t uid, int64_t gid, const char **ret_step)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_object *object = sim_fd_get(process, root);
	struct sim_inode *inode;

	(void)uid;
	(void)gid;
	if (root != OS_ROOT && (object == NULL || object->kind != SIM_FILE)) {
		*ret_step = "root folder";
		return -EBADF;
	}
	if (root == OS_ROOT) {
		inode = sim_inode_create(process->host, true);
	} else {
		inode = ((struct sim_file *)object)->inode;
		inode->refs++;
	}
	sim_inode_unref(process->root);
	process->root = inode;
	process->may = *may;
	process->confined = true;
	return 0;
}

/* ---- log ---- */

static void os_sim_log(struct os *os, enum os_level level, slice line)
{
	struct sim_process *process = sim_process_of(os);
	struct sim *sim = process->sim;

	if (process->doomed)
		return;
	if (slice_ends(line, slice_lit("\n")))
		line.len--;
	/* Without the time of day, which the event has better. */
	slice_cut(&line, ' ');
	sim_trace(sim, process, SIM_LOG, level, line.len, line);
	for (size_t i = 0; i < sim->n_listeners; i++)
		sim->listeners[i].fn(sim->listeners[i].arg, os, line);
	if (sim->echo != NULL)
		fprintf(sim->echo, "%12.6f %s#%u %.*s\n", (double)sim->now_us / 1e6,
		    process->host->name, process->number, slice_arg(line));
}

/* The trace is the log. */
static void os_sim_log_to(struct os *os, int fd)
{
	if (fd >= 0)
		os_sim_close(os, fd);
}

static bool os_sim_planted(struct os *os, enum os_plant plant)
{
	return sim_process_of(os)->sim->plant == plant;
}

static void os_sim_event(struct os *os, slice line)
{
	int fd = sim_process_of(os)->event_fd;
	int64_t end = os_size(os, fd);

	if (end >= 0 && os_pwrite(os, fd, line, (uint64_t)end) < 0)
		return;                 /* there is nobody to tell */
}

static void os_sim_event_to(struct os *os, int fd)
{
	struct sim_process *process = sim_process_of(os);

	os_close(os, process->event_fd);
	process->event_fd = fd;
}

const struct os_ops sim_ops = {
	.now_ms = sim_os_now_ms,
	.now_us = sim_os_now_us,
	.wall_us = sim_os_wall_us,
	.random = sim_os_random,
	.timer_start = sim_os_timer_start,
	.timer_stop = sim_os_timer_stop,
	.defer = sim_os_defer,
	.defer_cancel = sim_os_defer_cancel,
	.watch_start = sim_os_watch_start,
	.watch_stop = sim_os_watch_stop,
	.work_start = sim_os_work_start,
	.stop = os_sim_stop,
	.signal_start = sim_os_signal_start,
	.signal_stop = sim_os_signal_stop,
	.open = sim_os_open,
	.mkdir = sim_os_mkdir,
	.unlink = sim_os_unlink,
	.rmdir = sim_os_rmdir,
	.list = sim_os_list,
	.size = sim_os_size,
	.pread = sim_os_pread,
	.pwritev = sim_os_pwritev,
	.sync = sim_os_sync,
	.sync_folder = sim_os_sync_folder,
	.sync_system = sim_os_sync_system,
	.free_space = sim_os_free_space,
	.close = os_sim_close,
	.duplicate = os_sim_duplicate, .has_writer = sim_os_has_writer,
	.descriptors_max = sim_os_descriptors_max,
	.listen = sim_os_listen,
	.local_address = sim_os_local_address,
	.accept = sim_os_accept,
	.connect = sim_os_connect,
	.connected = sim_os_connected,
	.read = sim_os_read,
	.write = sim_os_write,
	.shutdown = sim_os_shutdown,
	.stream_pair = sim_os_stream_pair,
	.datagram_open = sim_os_datagram_open,
	.datagram_receive = sim_os_datagram_receive,
	.datagram_send = sim_os_datagram_send,
	.channel_pair = sim_os_channel_pair,
	.channel_send = sim_os_channel_send,
	.channel_receive = sim_os_channel_receive,
	.peer_uid = sim_os_peer_uid,
	.dns_start = sim_os_dns_start,
	.dns_ask = sim_os_dns_ask,
	.dns_cancel = sim_os_dns_cancel,
	.spawn = os_sim_spawn,
	.kill = os_sim_kill,
	.confine = os_sim_confine,
	.planted = os_sim_planted,
	.log = os_sim_log,
	.log_to = os_sim_log_to,
	.event = os_sim_event,
	.event_to = os_sim_event_to,
};
