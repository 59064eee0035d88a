/* os/os.h - one role's view of the world: clock, loop, files, sockets, chance.
 *
 * Everything a role does to the outside goes through here, so that the same
 * role runs as a process (os_uv.c), beside others in one process (os_uv.c
 * again), or in a simulated world of many hosts (os_sim.c).
 *
 * Conventions: a function that can fail returns 0 or a count, or a negative
 * errno (-ENOSPC). Descriptors are small integers >= 0, owned by the role that
 * got them until os_close(). Handlers run on the loop, one at a time, never
 * from inside the call that armed them.
 *
 * Threads: only the functions under "files" may be called from os_work's run.
 */
#ifndef OS_OS_H
#define OS_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/slice.h"

struct os;

/* The role's memory. Dropped with the role. */
struct heap *os_heap(struct os *os);

/* OS_SCRATCH_SIZE bytes that all readers of a role share, so that an idle one
 * holds none. What is in it is gone when the handler returns; a handler that
 * was given bytes (stream.h) may find them here: it must not take it again. */
void *os_scratch(struct os *os);

/* ---- clock and chance ---- */

uint64_t os_now_ms(struct os *os);      /* monotonic, of this turn of the loop */
uint64_t os_now_us(struct os *os);      /* monotonic, fresh: for measuring */
int64_t os_wall_us(struct os *os);      /* since 1970, never steps back in a role */
void os_random(struct os *os, void *buf, size_t n);     /* cryptographic in os_uv */
uint64_t os_random_u64(struct os *os);

/* ---- loop ---- */

/* All of these are embedded by the user, zeroed before first use, and must be
 * stopped before they are freed. The handler finds its owner in `owner`. */

struct os_timer {
	void (*fire)(struct os_timer *timer);
	void *owner;
	void *impl;
};

/* Fire once, after delay_ms. Starting a running timer moves it. */
void os_timer_start(struct os *os, struct os_timer *timer, uint64_t delay_ms);
void os_timer_stop(struct os *os, struct os_timer *timer);

/* Run once before the loop next waits: to gather what one turn produced. */
struct os_defer {
	void (*run)(struct os_defer *defer);
	void *owner;
	struct list link;
	bool armed;
};

void os_defer(struct os *os, struct os_defer *defer);   /* no-op when armed */
void os_defer_cancel(struct os *os, struct os_defer *defer);

enum { OS_READABLE = 1, OS_WRITABLE = 2 };

struct os_watch {
	void (*ready)(struct os_watch *watch, int events);
	void *owner;
	void *impl;
};

/* Call ready while fd can be read or written (level-triggered; an error or a
 * hang-up counts as both). Again with other events to change them. One watch
 * a descriptor. Stop before closing fd. */
void os_watch_start(struct os *os, struct os_watch *watch, int fd, int events);
void os_watch_stop(struct os *os, struct os_watch *watch);

/* Work that blocks or computes for long: run on the pool, then done on the
 * loop. `run` touches only what the struct around it owns. Work can't be
 * cancelled; the owner waits for done. */
struct os_work {
	void (*run)(struct os_work *work);
	void (*done)(struct os_work *work);
	/* It does no more than a few calls for files, of at most OS_BRIEF_BYTES: where files are
	 * in memory these don't block, and a thread costs more than they do. Then run comes before
	 * os_work_start() returns, and done at the end of the turn. */
	bool brief;
	struct os_defer after;          /* for os_uv_loop.c */
	struct os *os;                  /* set by os_work_start */
	void *owner;
	void *impl;
};

void os_work_start(struct os *os, struct os_work *work);

/* End the loop of this role; os_uv's process exits with `status`. */
void os_stop(struct os *os, int status);

/* SIGTERM, SIGINT, SIGHUP, SIGUSR1 on the loop. Only the keeper and command-line tools
 * ask for them. */
struct os_signal {
	void (*caught)(struct os_signal *signal);
	void *owner;
	void *impl;
};

void os_signal_start(struct os *os, struct os_signal *signal, int signo);
void os_signal_stop(struct os *os, struct os_signal *signal);

/* ---- files: blocking, safe on the pool ---- */

/* Paths are relative to `dir`: a folder's descriptor, or OS_ROOT, the folder
 * the role was confined to. Less than OS_PATH_MAX bytes, no ".."; symbolic
 * links are not followed at the end. An absolute path is one that an
 * administrator named: up to OS_ABSOLUTE_MAX, links are followed; a confined
 * role gets nowhere with it. Others: -EINVAL, -ENAMETOOLONG. */
enum { OS_ROOT = -1 };
enum {
	OS_READ = 1,
	OS_WRITE = 2,
	OS_CREATE = 4,          /* mode 0600; make it if it is not there */
	OS_EXCLUSIVE = 8,       /* with OS_CREATE: -EEXIST if it is there */
	OS_FOLDER = 16,         /* open a folder */
};

int os_open(struct os *os, int dir, const char *path, int flags);
int os_mkdir(struct os *os, int dir, const char *path); /* 0700; -EEXIST */
int os_unlink(struct os *os, int dir, const char *path);
int os_rmdir(struct os *os, int dir, const char *path);

/* Call visit for each name but "." and "..", in no order, until it returns
 * false. Not while unlinking from the folder: gather the names first. */
int os_list(struct os *os, int dir, const char *path,
    bool (*visit)(void *context, const char *name), void *context);

int64_t os_size(struct os *os, int fd);
/* Whole reads: less than n only at the end of the file. */
ssize_t os_pread(struct os *os, int fd, void *buf, size_t n, uint64_t offset);
/* Whole writes, or an error after which the range may hold anything. */
int os_pwrite(struct os *os, int fd, slice bytes, uint64_t offset);
int os_pwritev(struct os *os, int fd, const slice *parts, size_t n, uint64_t offset);

/* On disk when it returns 0. After an error nothing written since the last
 * good sync counts (DESIGN section 4, log rule 4). */
int os_sync(struct os *os, int fd);             /* fdatasync of a file */
int os_sync_folder(struct os *os, int fd);      /* names in it: fsync */
int os_sync_folder_at(struct os *os, int folder, const char *path);
int os_sync_system(struct os *os, int fd);      /* all of the file system: syncfs */

/* An empty file without a name, for reading and writing, in memory: what is in it counts
 * as shared, not as this process's own. Gone when it is closed. The simulator has none:
 * -EOPNOTSUPP. */
int os_memory_file(struct os *os);

int os_free_space(struct os *os, int fd, uint64_t *ret_free, uint64_t *ret_total);
void os_close(struct os *os, int fd);           /* any descriptor; OS_ROOT is ignored */
int os_duplicate(struct os *os, int fd);        /* any descriptor */
/* As many as this process may have open; each new one gets the lowest number that
 * is free, so one that is high says that all below it are taken. */
size_t os_descriptors_max(struct os *os);

/* Whether anybody, in whatever process, can still write through a descriptor of
 * this file: 1, or 0, or -errno where the file system can't tell. fd is open for
 * reading only. Does not block. */
int os_has_writer(struct os *os, int fd);

/* ---- streams and channels: never block, -EAGAIN instead ---- */

struct os_address {
	uint8_t ip[16];         /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
	char path[108];         /* a Unix socket instead, when not empty */
};

/* "127.0.0.1:25", "[::1]:25", or "unix:PATH"; a relative PATH is below OS_ROOT.
 * Numbers only, no names. Printing wants OS_ADDRESS_TEXT bytes (an address) or
 * OS_IP_TEXT (an ip), ends in a NUL and returns the length without it. */
enum { OS_ADDRESS_TEXT = 120, OS_IP_TEXT = 46 };
bool os_address_parse(slice text, struct os_address *ret_address);
/* As the kernel and its resolver have it; false: neither IPv4 nor IPv6. */
struct sockaddr;
bool os_address_from(const struct sockaddr *from, struct os_address *ret_address);
size_t os_address_print(const struct os_address *address, char *ret_text, size_t size);
size_t os_ip_print(const uint8_t ip[16], char *ret_text, size_t size);
bool os_ip_parse(slice text, uint8_t ret_ip[16]);       /* "192.0.2.1", "2001:db8::1" */
bool os_ip_is_loopback(const uint8_t ip[16]);

/* What counts as one peer: an IPv4 address, an IPv6 /64. And the network that it
 * belongs to: a /24, a /48. Keys for tables: borrowed from ip, never the same for
 * two of them. */
slice os_ip_peer(const uint8_t ip[16]);
slice os_ip_network(const uint8_t ip[16]);

/* "192.0.2.0/24", "2001:db8::/32"; without "/n" one address. */
struct os_prefix {
	uint8_t ip[16];
	unsigned bits;          /* of the 128 */
};
enum { OS_PREFIX_TEXT = OS_IP_TEXT + 4 };
/* False also when bits are set behind the prefix: what was meant is not clear. */
bool os_prefix_parse(slice text, struct os_prefix *ret_prefix);
size_t os_prefix_print(const struct os_prefix *prefix, char *ret_text, size_t size);
bool os_prefix_has(const struct os_prefix *prefix, const uint8_t ip[16]);

int os_listen(struct os *os, const struct os_address *address, int backlog);
int os_local_address(struct os *os, int fd, struct os_address *ret_address);
int os_accept(struct os *os, int fd, struct os_address *ret_peer);
/* Starts; the descriptor becomes writable when it is through, then ask
 * os_connected(): 0 or why not. */
int os_connect(struct os *os, const struct os_address *address);
int os_connected(struct os *os, int fd);

ssize_t os_read(struct os *os, int fd, void *buf, size_t n);    /* 0: end */
ssize_t os_write(struct os *os, int fd, const slice *parts, size_t n);
/* The same for who goes on to os_shutdown() once all is written: both may leave together,
 * which spares a packet, and the peer a wake-up. */
ssize_t os_write_last(struct os *os, int fd, slice bytes);
int os_shutdown(struct os *os, int fd);         /* no more writes */
/* What the peer sends next is acknowledged without delay, until the next write; on a new
 * connection it is, until the first write that answers something. A peer
 * holds small pieces back while one is not acknowledged (Nagle), and when it exits
 * without reading all, its kernel throws away what it held. */
void os_acknowledge(struct os *os, int fd);
int os_stream_pair(struct os *os, int ret_fds[2]);

/* Datagrams (UDP). The simulator has none: -EOPNOTSUPP. Receiving returns the length,
 * maybe 0; what is longer than n is lost: -EMSGSIZE. Sending may lose it as well. */
int os_datagram_open(struct os *os, const struct os_address *address);
ssize_t os_datagram_receive(struct os *os, int fd, void *buf, size_t n,
    struct os_address *ret_peer);
int os_datagram_send(struct os *os, int fd, slice bytes, const struct os_address *to);

/* Whole messages in order, each with up to IPC_FDS_MAX descriptors, which then
 * belong to the receiver (the sender's own stay open). At most IPC_PACKET_MAX. */
int os_channel_pair(struct os *os, int ret_fds[2]);
int os_channel_send(struct os *os, int fd, slice message, const int *fds, size_t n_fds);
/* Returns the length, 0 at the end; *ret_n_fds of IPC_FDS_MAX places filled. */
ssize_t os_channel_receive(struct os *os, int fd, void *buf, size_t size,
    int ret_fds[], size_t *ret_n_fds);

/* Who is at the other end of a Unix stream socket: user id, or -errno. */
int64_t os_peer_uid(struct os *os, int fd);

/* ---- DNS: never blocks ---- */

struct os_dns_options {
	const struct os_address *servers;       /* who resolves for us ... */
	size_t n_servers;               /* ... or 0: ask from the root on */
	bool validate;                  /* DNSSEC, from these keys: */
	slice anchors;                  /* a DS or DNSKEY record a line; none: the root's */
};

enum os_dns_status {
	OS_DNS_DATA,
	OS_DNS_NO_DATA,                 /* the name is there, without such records */
	OS_DNS_NO_NAME,                 /* there is no such name */
	OS_DNS_FAILED,                  /* nobody answered, or not to be believed: try later */
};

struct os_dns_answer {
	enum os_dns_status status;
	bool secure;                    /* validated; false without `validate` */
	uint32_t ttl_s;
	slice canonical;                /* behind CNAMEs, if there were any; as text */
	const slice *data;              /* of each record, in wire form (dns/dns_record.h) */
	size_t n_data;                  /* at most DNS_ANSWERS_MAX */
	slice why;                      /* FAILED: one line */
};

struct os_dns_query {
	/* All of the answer is borrowed for the call. */
	void (*answered)(struct os_dns_query *query, const struct os_dns_answer *answer);
	void *owner;
	void *impl;
};

/* Once, after os_confine(). 0 or -errno. */
int os_dns_start(struct os *os, const struct os_dns_options *options);
/* `type` as in dns/dns_record.h; the name as text, less than OS_DNS_NAME_MAX bytes. It
 * may take minutes: whoever is in a hurry cancels. */
enum { OS_DNS_NAME_MAX = 256 };
void os_dns_ask(struct os *os, struct os_dns_query *query, const char *name, unsigned type);
void os_dns_cancel(struct os *os, struct os_dns_query *query);

/* ---- processes ---- */

/* What a role may still do once it runs (os/confine.c turns it into chroot,
 * Landlock and seccomp; nothing in one process and in the simulator). */
struct os_confinement {
	bool files;             /* open, create and unlink below its root */
	bool files_write;
	bool memory_files;      /* os_memory_file() */
	int beside;             /* with files: one more folder, to read only; 0: none */
	bool network_accept;    /* accept on listeners it was given */
	bool network_connect;
	bool network_datagrams; /* send them, from a port of its own: DNS */
	bool charsets;          /* convert text: iconv reads a file for each character set, before */
};

struct os_program {
	const char *name;       /* of the role: "edge" */
	/* Create the role; it lives on `os` until os_stop. channel leads to the
	 * keeper. Called in the new process, or in this one. */
	void (*start)(struct os *os, int channel, unsigned index);
	struct os_confinement may;
};

struct os_child {
	void (*exited)(struct os_child *child, int status, int signo);
	void *owner;
	void *impl;
};

/* Start a role with its end of `channel` (given away, also on failure). os_uv runs
 * this program again as "posthouse role NAME INDEX", or, in one process, calls
 * start on an `os` of its own; os_sim likewise on the same host. */
int os_spawn(struct os *os, struct os_child *child, const struct os_program *program,
    unsigned index, int channel);
void os_kill(struct os *os, struct os_child *child);    /* at once; exited follows */

/* Give up what `may` does not list. `root` (a folder's descriptor or OS_ROOT
 * for an empty one) becomes OS_ROOT; user and group are set when >= 0.
 * Returns 0, or -errno with a word on what failed in *ret_step. A wall that this
 * kernel does not have (Landlock) is a warning in the log, no failure. Before
 * the first os_work_start() of the process. */
int os_confine(struct os *os, const struct os_confinement *may, int root,
    int64_t uid, int64_t gid, const char **ret_step);

/* ---- bugs on purpose ---- */

/* Mistakes that `posthouse sim --plant` makes in a simulated world, one at a time,
 * to show that its checkers find them (sim/plant.h says what each is). */
enum os_plant {
	OS_PLANT_NONE,
	OS_PLANT_EARLY_250,
	OS_PLANT_EARLY_DONE,
	OS_PLANT_OLD_RECORD,
	OS_PLANT_SYNC_AGAIN,
	OS_PLANT_COUNTED_UIDL,
	OS_PLANT_NULL_BOUNCE,
	OS_PLANT_EARLY_QUEUED,
	OS_PLANT_QUIET_STORE,
	OS_PLANT_VANISHED_LESS,
	OS_PLANT_UID_AGAIN,
	OS_PLANT_COPYUID,
	OS_PLANT_UNHEARD,
	OS_PLANT_FLAGS_UNSYNCED,
};

/* Is this one made? Never outside of a simulated world. Safe on the pool. */
bool os_planted(struct os *os, enum os_plant plant);

/* ---- log ---- */

enum os_level { OS_DEBUG, OS_INFO, OS_WARN, OS_ERROR };

/* One line "time role level text" to the role's log (os_log_to) and, for the
 * keeper and in one process, to stderr. Never waits, never fails; text over
 * OS_LOG_MAX bytes is cut, what is not printable shows as \xNN (UTF-8 too: the
 * text may come from outside). No passwords, keys or bodies. In a file, a line
 * below OS_WARN is there at the end of the turn. */
void os_log(struct os *os, enum os_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void os_log_to(struct os *os, int fd);          /* takes fd; -1: none */

/* ---- journey ---- */

/* What happened to which message, for `posthouse trace` (journey/event.h): whole lines
 * for a file of its own. Never waits, never fails; there at the end of the turn. */
bool os_event_wanted(const struct os *os);
void os_event(struct os *os, slice line);
void os_event_to(struct os *os, int fd);        /* takes fd; -1: none */
const char *os_name(const struct os *os);       /* who speaks in logs: "edge.0" */

#endif
