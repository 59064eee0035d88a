/* os/os_uv_impl.h - what the files of the real world share. For os_uv_*.c only.
 *
 *   os_uv_loop.c      timers, defers, watches, pool work, signals, clock
 *   os_uv_files.c     the calls under "files" (also on pool threads)
 *   os_memory.c       the names of a process that keeps its files in memory
 *   os_uv_net.c       streams, datagrams;   os_uv_channel.c  channels
 *   os_uv_dns.c       DNS, by libunbound
 *   os_uv_world.c     create, run, destroy; the end of a role; the log
 *   os_uv_process.c   children: processes, or roles beside their parent
 *
 * (1) What libuv points at (handles, requests) lives in the world's heap and
 *     outlives the role that asked for it. The role's heap holds only what
 *     embeds os.h's structs; their `impl` is NULL while they do not run.
 * (2) A stopped role gets no call any more. Its heap goes at the end of a turn,
 *     when no pool work of it is left.
 * (3) In one process each descriptor has an owner, which may close it, and for
 *     which it is closed.
 */
#ifndef OS_OS_UV_IMPL_H
#define OS_OS_UV_IMPL_H

#include <uv.h>

#include "base/buffer.h"
#include "os/os_impl.h"
#include "os/os_uv.h"

struct os_uv;
struct watch;

/* One a process. */
struct world {
	uv_loop_t loop;
	uv_prepare_t prepare;           /* before each wait: defers, then the dead */
	uv_idle_t again;                /* runs while defers are left: do not wait */
	uv_timer_t trim;                /* what malloc keeps goes back after work */
	int64_t cpu_seen_ms, cpu_trimmed_ms;    /* CPU time at its last tick; when it did */
	struct heap *heap;
	struct list roles;              /* struct os_uv */
	struct list spare_timers;       /* stopped, still initialised */
	struct watch **watches;         /* by descriptor: in use, or spare; else NULL */
	size_t n_watches;
	struct os_uv *first;            /* whose os_stop ends os_uv_run */
	struct os_uv_options options;
	uv_mutex_t owners_lock;         /* pool threads open and close, too */
	struct os_uv **owners;          /* by descriptor; NULL unless one_process */
	size_t n_owners;
	size_t descriptors_max;         /* RLIMIT_NOFILE */
	struct memory *memory;          /* os_memory.h; NULL: files are the file system's */
};

struct os_uv {
	struct os os;                   /* first: os.h's pointer is ours */
	struct world *world;
	struct list link;               /* in world->roles */
	struct list timers, watches, works, signals, children;
	struct list defers;             /* armed */
	struct list running;            /* of this round; handlers may cancel them */
	bool stopped;                   /* never set for world->first while it may run */
	bool confined;
	int status, signo;              /* how it ended */
	int root_fd;                    /* OS_ROOT; AT_FDCWD, or NO_ROOT */
	int log_fd;                     /* -1: none */
	bool log_gathers;               /* a file: the lines of a turn are one write */
	struct buffer log_lines;
	int event_fd;                   /* of the journey; -1: none */
	struct buffer event_lines;
	int64_t wall_last_us;
	struct child *as_child;         /* in one process; NULL when nobody waits for it */
	struct dns *dns;                /* os_uv_dns.c; NULL: not started */
	struct os_defer start;
	const struct os_program *program;
	unsigned index;
	int channel;
};

enum { NO_ROOT = -2 };                  /* confined to an empty folder */

/* A child of a role: a process, or a role beside it. */
struct child {
	uv_process_t process;
	struct list link;               /* in the parent's children */
	struct os_child *child;         /* NULL when the parent is gone */
	struct os_uv *role;             /* NULL: a process */
};

static inline struct os_uv *os_uv_of(struct os *os)
{
	return (struct os_uv *)(void *)os;
}

/* For close callbacks: the role may be gone by then. */
static inline struct world *world_of(const uv_handle_t *handle)
{
	return handle->loop->data;
}

/* ---- os_uv_loop.c ---- */

uint64_t loop_now_ms(struct os *os);
uint64_t loop_now_us(struct os *os);
int64_t loop_wall_us(struct os *os);
void loop_random(struct os *os, void *buf, size_t n);
void loop_timer_start(struct os *os, struct os_timer *timer, uint64_t delay_ms);
void loop_timer_stop(struct os *os, struct os_timer *timer);
void loop_defer(struct os *os, struct os_defer *defer);
void loop_defer_cancel(struct os *os, struct os_defer *defer);
void loop_watch_start(struct os *os, struct os_watch *watch, int fd, int events);
void loop_watch_stop(struct os *os, struct os_watch *watch);
void loop_work_start(struct os *os, struct os_work *work);
void loop_signal_start(struct os *os, struct os_signal *signal, int signo);
void loop_signal_stop(struct os *os, struct os_signal *signal);

/* Run what is armed, in rounds; true when some is left for the next turn. */
bool loop_run_defers(struct world *world);
/* Stop everything of a role but its pool work, of which it cancels what has
 * not begun. */
void loop_stop_all(struct os_uv *os);

/* ---- os_uv_files.c ---- */

int files_open(struct os *os, int dir, const char *path, int flags);
int files_mkdir(struct os *os, int dir, const char *path);
int files_unlink(struct os *os, int dir, const char *path);
int files_rmdir(struct os *os, int dir, const char *path);
int files_list(struct os *os, int dir, const char *path, bool (*visit)(void *, const char *),
    void *context);
int64_t files_size(struct os *os, int fd);
ssize_t files_pread(struct os *os, int fd, void *buf, size_t n, uint64_t offset);
int files_pwritev(struct os *os, int fd, const slice *parts, size_t n, uint64_t offset);
int files_sync(struct os *os, int fd);
int files_sync_folder(struct os *os, int fd);
int files_sync_system(struct os *os, int fd);
int files_free_space(struct os *os, int fd, uint64_t *ret_free, uint64_t *ret_total);
void files_close(struct os *os, int fd);
int files_duplicate(struct os *os, int fd);
int files_has_writer(struct os *os, int fd);
int files_memory(struct os *os);
size_t files_descriptors_max(struct os *os);

/* A new descriptor of os, or the negative errno that fd is. */
int files_own(struct os_uv *os, int fd);
/* From whoever had it to os; NULL: to nobody (given to libuv, or to a child). */
void files_give(struct world *world, int fd, struct os_uv *os);
void files_close_all(struct os_uv *os);         /* of one role, in one process */

/* ---- os_uv_net.c ---- */

int net_listen(struct os *os, const struct os_address *address, int backlog);
int net_local_address(struct os *os, int fd, struct os_address *ret_address);
int net_accept(struct os *os, int fd, struct os_address *ret_peer);
int net_connect(struct os *os, const struct os_address *address);
int net_connected(struct os *os, int fd);
ssize_t net_read(struct os *os, int fd, void *buf, size_t n);
ssize_t net_write(struct os *os, int fd, const slice *parts, size_t n);
int net_shutdown(struct os *os, int fd);
ssize_t net_write_last(struct os *os, int fd, slice bytes);
void net_acknowledge(struct os *os, int fd);
int net_stream_pair(struct os *os, int ret_fds[2]);
int64_t net_peer_uid(struct os *os, int fd);
int net_datagram_open(struct os *os, const struct os_address *address);
ssize_t net_datagram_receive(struct os *os, int fd, void *buf, size_t n,
    struct os_address *ret_peer);
int net_datagram_send(struct os *os, int fd, slice bytes, const struct os_address *to);

/* ---- os_uv_channel.c ---- */

int channel_pair(struct os *os, int ret_fds[2]);
int channel_send(struct os *os, int fd, slice message, const int *fds, size_t n_fds);
ssize_t channel_receive(struct os *os, int fd, void *buf, size_t size, int ret_fds[],
    size_t *ret_n_fds);

/* ---- os_uv_dns.c ---- */

int dns_start(struct os *os, const struct os_dns_options *options);
void dns_ask(struct os *os, struct os_dns_query *query, const char *name, unsigned type);
void dns_cancel(struct os *os, struct os_dns_query *query);
/* The role ends: nothing is answered any more. */
void dns_stop(struct os_uv *os);

/* ---- os_uv_world.c ---- */

struct os_uv *world_add(struct world *world, const char *name);
/* Before the process or the role ends: what it said last. */
void world_log_flush(struct os_uv *os);

/* ---- os_uv_process.c ---- */

int process_spawn(struct os *os, struct os_child *child, const struct os_program *program,
    unsigned index, int channel);
void process_kill(struct os *os, struct os_child *child);
/* In one process: this role is gone; tell its parent. */
void process_ended(struct os_uv *os);
/* The parent is gone: nobody waits for its children any more. */
void process_orphan(struct os_uv *os);

#endif
