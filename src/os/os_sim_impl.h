/* os/os_sim_impl.h - what the files of the simulator share. For os_sim_*.c only.
 *
 *   os_sim_world.c     event queue, world calls, trace
 *   os_sim_loop.c      clock, timers, watches, deferred calls, work, signals
 *   os_sim_process.c   hosts, processes, descriptors, spawn and kill, log
 *   os_sim_disk.c      what a disk keeps: inodes, names, power cuts
 *   os_sim_pages.c     the bytes of a file
 *   os_sim_file.c      the file calls of os.h
 *   os_sim_stream.c    streams
 *   os_sim_break.c     what breaks when told to
 *   os_sim_connect.c   listeners and connections
 *   os_sim_channel.c   channels
 *   os_sim_dns.c       names
 *
 * (1) All of it lives in the world's heap. What a process owns (struct os_timer
 *     and the like) is pointed at only while that process lives.
 * (2) A handler runs between sim_enter() and sim_leave(), never inside another.
 * (3) Nothing depends on addresses: lists are in the order of creation.
 */
#ifndef OS_OS_SIM_IMPL_H
#define OS_OS_SIM_IMPL_H

#include "base/buffer.h"
#include "base/limits.h"
#include "os/os_impl.h"
#include "os/os_sim.h"

/* ---- events ---- */

/* Embedded; zeroed: not scheduled. */
struct sim_event {
	uint64_t at_us;
	uint64_t sequence;
	size_t place;                   /* in the queue, from 1; 0: not in it */
	void (*fire)(struct sim_event *event);
};

/* Scheduling a scheduled event is our bug. */
void sim_schedule(struct sim *sim, struct sim_event *event, uint64_t delay_us);
void sim_unschedule(struct sim *sim, struct sim_event *event);

enum sim_kind {
	SIM_TIMER, SIM_READY, SIM_RUN, SIM_DONE, SIM_TURN, SIM_SIGNAL, SIM_START, SIM_END,
	SIM_EXITED, SIM_ARRIVE, SIM_CONNECT, SIM_RESET, SIM_SEND, SIM_RECEIVE, SIM_WRITE,
	SIM_READ, SIM_SYNC, SIM_NAME, SIM_FAULT, SIM_CUT, SIM_NOTE, SIM_LOG,
	SIM_KINDS
};

struct sim_trace {
	uint64_t at_us;
	unsigned process;               /* number; 0: none */
	enum sim_kind kind;
	uint64_t a, b;
	char text[SIM_TRACE_TEXT];
};

struct sim {
	struct heap *heap;
	uint64_t seed;
	uint64_t now_us;
	uint64_t sequence;
	uint64_t n_events;
	uint64_t hash;
	struct sim_event **queue;       /* binary heap; queue[0] is unused */
	size_t n_queue, queue_size;
	struct chance loop, net, fault;
	struct sim_faults faults;
	enum os_plant plant;
	struct list hosts, processes, objects;
	unsigned n_hosts, n_processes, n_objects;
	uint64_t deaths;                /* by a signal or a power cut */
	uint64_t ends;                  /* those, and orderly ones */
	void (*tap)(void *arg, struct os *from, slice packet);
	void *tap_arg;
	struct {
		void (*fn)(void *arg, struct os *from, slice line);
		void *arg;
	} listeners[SIM_LISTENERS_MAX];         /* of logs */
	size_t n_listeners;
	struct list dns;                /* os_sim_dns.c */
	struct sim_dns_weather dns_weather;
	struct sim_process *current;    /* whose handler runs */
	struct sim_trace *ring;         /* SIM_TRACE_LINES */
	uint64_t ring_next;
	FILE *echo;
};

void sim_trace(struct sim *sim, const struct sim_process *process, enum sim_kind kind,
    uint64_t a, uint64_t b, slice text);

/* ---- hosts and processes ---- */

struct sim_host {
	struct list link;
	struct sim *sim;
	unsigned number;
	char name[32];
	uint8_t ip[16];
	uint16_t port_next;             /* for connections out */
	int64_t wall_base_us;
	unsigned side;                  /* of a parted network */
	uint64_t power_cuts;
	uint64_t cut_after;             /* disk calls; 0: no cut is armed */
	bool cut_pending, cutting;
	struct sim_inode *disk;         /* its root folder */
	struct list inodes;
	uint64_t disk_size;
	struct chance chance;           /* of the disk */
};

struct sim_process {
	struct os os;                   /* first: what the role holds */
	struct list link;
	struct sim *sim;
	struct sim_host *host;
	unsigned number;
	char name[32];
	struct chance chance;           /* os_random */
	bool started;
	bool doomed;                    /* nothing it does has any effect */
	bool stopping;                  /* os_stop was called */
	bool dead;
	int status;
	int64_t wall_us;                /* the last that it was told */
	uint64_t doom_after;            /* calls; 0: not armed */
	uint64_t frozen_until;

	struct sim_object **fds;
	struct sim_watch **fd_watches;
	size_t n_fds;
	struct list timers, watches, works, defers, signals;
	struct list asked;              /* questions to the DNS */
	struct sim_event turn;          /* runs defers that were armed outside of a turn */

	struct sim_process *parent;
	struct os_child *child;         /* the parent's; NULL when nobody waits */
	struct sim_event life;          /* start, later the parent's exited */
	const struct os_program *program;
	unsigned index;
	int channel;

	int event_fd;                   /* of the journey, or -1 */
	bool confined;
	struct os_confinement may;
	struct sim_inode *root;
};

static inline struct sim_process *sim_process_of(struct os *os)
{
	return (struct sim_process *)os;
}

/* An event of a frozen process: put off until it goes on. */
bool sim_frozen(struct sim_process *process, struct sim_event *event);
void sim_enter(struct sim_process *process);
void sim_leave(struct sim_process *process);
/* A turn without a handler: for what was armed from outside of a turn. */
void sim_turn_soon(struct sim_process *process);

/* A call that reaches outside: false when it must have no effect. */
bool sim_call(struct sim_process *process);
bool sim_disk_call(struct sim_process *process);

void sim_process_end(struct sim_process *process, int status);
void sim_loop_drop(struct sim_process *process);        /* timers, watches, works ... */

/* ---- objects behind descriptors ---- */

enum sim_object_kind { SIM_FILE, SIM_LISTENER, SIM_STREAM, SIM_CHANNEL };

struct sim_object {
	struct list link;
	struct sim *sim;
	enum sim_object_kind kind;
	unsigned number;
	unsigned refs;                  /* descriptors, and messages on their way */
	struct list watches;
};

void sim_object_init(struct sim *sim, struct sim_object *object, enum sim_object_kind kind);
void sim_object_unref(struct sim_object *object);
/* Something changed: watches that may now fire are scheduled. */
void sim_object_wake(struct sim_object *object);
int sim_object_ready(const struct sim_object *object);  /* OS_READABLE | OS_WRITABLE */

int sim_fd_add(struct sim_process *process, struct sim_object *object); /* takes the ref */
struct sim_object *sim_fd_get(struct sim_process *process, int fd);     /* NULL: none */
void sim_fd_close(struct sim_process *process, int fd);

struct sim_watch {
	struct sim_event event;
	struct list process_link, object_link;
	struct sim_process *process;
	struct sim_object *object;
	struct os_watch *watch;
	int fd, events;
};

/* ---- disk ---- */

struct sim_page {
	unsigned char *cached, *durable;        /* of SIM_PAGE bytes; NULL: zeros */
	uint8_t dirty;                          /* a bit per sector */
};

struct sim_inode {
	struct list link;
	struct sim_host *host;
	unsigned refs;                  /* names of either layer, changes, descriptors */
	unsigned users;                 /* names as processes see them, and descriptors */
	unsigned writers;               /* descriptors that may write, on their way too */
	bool folder;
	unsigned broken;                /* SIM_BREAK_* */
	/* A file: os_sim_pages.c. Zero beyond its size. */
	struct sim_page *pages;
	size_t n_pages, dirty_from, dirty_to;
	size_t size, durable_size;
	/* A folder: struct sim_name in each. */
	struct list names, durable_names, changes;
};

struct sim_name {
	struct list link;
	struct sim_inode *inode;
	bool add;                       /* of a change: made, or removed */
	bool lost;                      /* of a change, while a power cut sorts them */
	char text[64];
};

struct sim_file {
	struct sim_object object;
	struct sim_inode *inode;
	int flags;
};

void sim_pages_free(struct sim_inode *inode);
void sim_pages_read(const struct sim_inode *inode, void *buf, size_t n, uint64_t offset);
void sim_pages_write(struct sim_inode *inode, slice bytes, uint64_t offset);
void sim_pages_sync(struct sim_inode *inode);
/* Each dirty sector reaches the disk, or not, once in `odds`. */
void sim_pages_write_back(struct sim_inode *inode, struct chance *chance, uint64_t odds);
/* Call all clean, though the disk has something else. */
void sim_pages_believe(struct sim_inode *inode);
/* What is on the disk, up to `size`, is what there is. */
void sim_pages_cut(struct sim_inode *inode, uint64_t size);
/* Turn bits of a byte that is the same in both layers; false: it is not. */
bool sim_pages_rot(struct sim_inode *inode, uint64_t offset, unsigned char mask);

struct sim_inode *sim_inode_create(struct sim_host *host, bool folder);
void sim_inode_unref(struct sim_inode *inode);
struct sim_name *sim_folder_find(struct sim_inode *folder, slice name);
void sim_folder_add(struct sim_inode *folder, slice name, struct sim_inode *inode);
void sim_folder_remove(struct sim_inode *folder, struct sim_name *name);
/* Write to the cache. -ENOSPC when the disk is full: nothing is written. */
int sim_inode_write(struct sim_inode *inode, slice bytes, uint64_t offset);
void sim_inode_sync(struct sim_inode *inode);
void sim_inode_sync_fails(struct sim_inode *inode);
void sim_inode_write_back(struct sim_inode *inode);
void sim_folder_sync(struct sim_inode *folder);
bool sim_disk_sync(struct sim_host *host);      /* false: of some file it failed */
void sim_disk_sync_fails(struct sim_host *host);
void sim_disk_cut(struct sim_host *host);
uint64_t sim_disk_used(const struct sim_host *host);
void sim_file_close(struct sim_file *file);

/* ---- network ---- */

struct sim_listener {
	struct sim_object object;
	struct sim_host *host;
	struct os_address address;
	struct list queue;              /* server ends that wait for accept */
	int n_queue, backlog;
};

struct sim_stream {
	struct sim_object object;
	struct sim_stream *peer;        /* NULL: closed or lost */
	struct sim_host *host;          /* that it belongs to */
	struct sim_host *far;           /* of the other end */
	struct sim_event arrive;
	struct list queue_link;         /* in a listener's queue */
	struct buffer in;
	size_t visible;
	bool remote;                    /* between hosts */
	bool connecting;
	bool shut;                      /* by us: we write no more */
	bool end_coming, end_seen;      /* the peer writes no more */
	bool reset_coming;
	bool silent;                    /* the peer vanished: no word from it any more */
	size_t unheard;                 /* bytes that were written since */
	int error;
	struct os_address local, foreign;
};

struct sim_stream *sim_stream_create(struct sim_host *host, struct sim_host *far);
void sim_stream_join(struct sim_stream *a, struct sim_stream *b);
void sim_stream_arrive(struct sim_event *event);
/* Part the two ends: each hears of it in its own time. */
void sim_stream_lose(struct sim_stream *s);
/* s has no peer any more and does not know it, until it gives up by itself. */
void sim_stream_silence(struct sim_stream *s);
/* Nothing gets through now: `arrive` again after a while. */
void sim_stream_later(struct sim_stream *s);
/* The two ends can't hear each other now. */
bool sim_parted(const struct sim_stream *s);
struct sim_stream *sim_stream_of(struct sim_process *process, int fd);  /* NULL: none */

void sim_listener_close(struct sim_object *object);
int sim_listener_ready(const struct sim_object *object);
void sim_stream_close(struct sim_object *object);
int sim_stream_ready(const struct sim_object *object);
void sim_channel_close(struct sim_object *object);
int sim_channel_ready(const struct sim_object *object);

uint64_t sim_net_delay(struct sim *sim, bool remote);

/* ---- the calls of os.h, by file ---- */

extern const struct os_ops sim_ops;

uint64_t sim_os_now_ms(struct os *os);
uint64_t sim_os_now_us(struct os *os);
int64_t sim_os_wall_us(struct os *os);
void sim_os_random(struct os *os, void *buf, size_t n);
void sim_os_timer_start(struct os *os, struct os_timer *timer, uint64_t delay_ms);
void sim_os_timer_stop(struct os *os, struct os_timer *timer);
void sim_os_defer(struct os *os, struct os_defer *defer);
void sim_os_defer_cancel(struct os *os, struct os_defer *defer);
void sim_os_watch_start(struct os *os, struct os_watch *watch, int fd, int events);
void sim_os_watch_stop(struct os *os, struct os_watch *watch);
void sim_os_work_start(struct os *os, struct os_work *work);
void sim_os_signal_start(struct os *os, struct os_signal *signal, int signo);
void sim_os_signal_stop(struct os *os, struct os_signal *signal);

int sim_os_open(struct os *os, int dir, const char *path, int flags);
int sim_os_mkdir(struct os *os, int dir, const char *path);
int sim_os_unlink(struct os *os, int dir, const char *path);
int sim_os_rmdir(struct os *os, int dir, const char *path);
int sim_os_list(struct os *os, int dir, const char *path,
    bool (*visit)(void *context, const char *name), void *context);
int64_t sim_os_size(struct os *os, int fd);
int sim_os_has_writer(struct os *os, int fd);
ssize_t sim_os_pread(struct os *os, int fd, void *buf, size_t n, uint64_t offset);
int sim_os_pwritev(struct os *os, int fd, const slice *parts, size_t n, uint64_t offset);
int sim_os_sync(struct os *os, int fd);
int sim_os_sync_folder(struct os *os, int fd);
int sim_os_sync_system(struct os *os, int fd);
int sim_os_free_space(struct os *os, int fd, uint64_t *ret_free, uint64_t *ret_total);

int sim_os_listen(struct os *os, const struct os_address *address, int backlog);
int sim_os_local_address(struct os *os, int fd, struct os_address *ret_address);
int sim_os_accept(struct os *os, int fd, struct os_address *ret_peer);
int sim_os_connect(struct os *os, const struct os_address *address);
int sim_os_connected(struct os *os, int fd);
ssize_t sim_os_read(struct os *os, int fd, void *buf, size_t n);
ssize_t sim_os_write(struct os *os, int fd, const slice *parts, size_t n);
int sim_os_shutdown(struct os *os, int fd);
int sim_os_stream_pair(struct os *os, int ret_fds[2]);
int64_t sim_os_peer_uid(struct os *os, int fd);
int sim_os_datagram_open(struct os *os, const struct os_address *address);
ssize_t sim_os_datagram_receive(struct os *os, int fd, void *buf, size_t n,
    struct os_address *ret_peer);
int sim_os_datagram_send(struct os *os, int fd, slice bytes, const struct os_address *to);

int sim_os_dns_start(struct os *os, const struct os_dns_options *options);
void sim_os_dns_ask(struct os *os, struct os_dns_query *query, const char *name, unsigned type);
void sim_os_dns_cancel(struct os *os, struct os_dns_query *query);
void sim_dns_process_ends(struct sim_process *process);

int sim_os_channel_pair(struct os *os, int ret_fds[2]);
int sim_os_channel_send(struct os *os, int fd, slice message, const int *fds, size_t n_fds);
ssize_t sim_os_channel_receive(struct os *os, int fd, void *buf, size_t size, int ret_fds[],
    size_t *ret_n_fds);

#endif
