/* os/os_sim.h - the simulated world under os.h: hosts with disks, processes,
 * a network, one clock, and chance from one seed.
 *
 * Nothing runs but events, in the order of their times; sim_step() runs the
 * next. The same seed and the same calls give the same events, and the same
 * sim_hash(). Time passes between events only.
 *
 *   - A process is an `os` with a heap of its own. When it is killed the heap is
 *     dropped (hooks run, destructors do not), its descriptors are closed as a
 *     kernel would, its timers and work are gone.
 *   - A host has a disk with two layers (os_sim_disk.c), a wall clock and an
 *     address. A power cut drops all its processes and what no sync had kept.
 *   - A frozen process's events wait, in their order, until it goes on.
 *   - "After n calls": counted over calls that reach outside the process. From
 *     the n-th on none has any effect; the process is dropped when its handler
 *     returns. So a crash may strike between any two of them.
 */
#ifndef OS_OS_SIM_H
#define OS_OS_SIM_H

#include <stdio.h>

#include "os/os.h"
#include "os/os_sim_chance.h"

struct sim;
struct sim_host;

/* How often chance strikes: once in n times; 0 never. */
struct sim_faults {
	unsigned read_error;            /* EIO */
	unsigned write_error;           /* EIO: any part of the range may have changed */
	unsigned write_full;            /* ENOSPC, likewise */
	unsigned sync_error;            /* EIO: unsynced data may never reach the disk */
	unsigned reset;                 /* a stream between hosts, per arrival of bytes */
	unsigned slow;                  /* work and arrivals that take SIM_SLOW_US */
};

struct sim *sim_create(uint64_t seed);
void sim_destroy(struct sim *sim);

uint64_t sim_seed(const struct sim *sim);
uint64_t sim_now_us(const struct sim *sim);     /* since the world began */
uint64_t sim_hash(const struct sim *sim);       /* of all events so far */
uint64_t sim_events(const struct sim *sim);
struct heap *sim_heap(struct sim *sim);
void sim_set_faults(struct sim *sim, const struct sim_faults *faults);

/* Plant a mistake (os.h); before the first event. */
void sim_plant(struct sim *sim, enum os_plant plant);

/* Run the next event; false when there is none. */
bool sim_step(struct sim *sim);
void sim_run_until(struct sim *sim, uint64_t now_us);

/* The world's own event, outside of all processes. */
void sim_at(struct sim *sim, uint64_t delay_us, void (*fn)(void *arg), void *arg);
/* Put what a checker or client saw into the trace. */
void sim_note(struct sim *sim, const char *what, slice detail);
/* See each packet that goes into a channel between roles. */
void sim_tap(struct sim *sim, void (*fn)(void *arg, struct os *from, slice packet), void *arg);
/* See each line that a role logs; at most SIM_LISTENERS_MAX do. */
enum { SIM_LISTENERS_MAX = 4 };
void sim_listen_log(struct sim *sim, void (*fn)(void *arg, struct os *from, slice line),
    void *arg);
/* ---- the DNS, the same for all hosts ---- */

/* A record: its data in wire form, at most 512 bytes (dns/dns_record.h). A type of 0
 * removes all of the name. */
void sim_dns_add(struct sim *sim, const char *name, unsigned type, slice data);
void sim_dns_remove(struct sim *sim, const char *name, unsigned type);

struct sim_dns_weather {
	unsigned slow_one_in;           /* answers that take up to 20 s; 0: none */
	unsigned fails_one_in;
};

void sim_dns_weather(struct sim *sim, struct sim_dns_weather weather);

/* The last events and log lines, oldest first, at most n. */
void sim_print_tail(const struct sim *sim, FILE *out, size_t n);
/* Print each log line as it comes; NULL: do not. */
void sim_echo(struct sim *sim, FILE *out);

/* ---- hosts ---- */

struct sim_host *sim_host_create(struct sim *sim, const char *name, const uint8_t ipv4[4],
    uint64_t disk_size);
const char *sim_host_name(const struct sim_host *host);
/* At once, or after n more disk calls of the host's processes. */
void sim_power_cut(struct sim_host *host);
void sim_power_cut_after(struct sim_host *host, uint64_t n_calls);
uint64_t sim_power_cuts(const struct sim_host *host);
void sim_wall_jump(struct sim_host *host, int64_t by_us);
/* Hosts on different sides hear nothing from each other; what was sent arrives
 * when they are on one side again, if both ends still wait. All begin on 0. */
void sim_host_side(struct sim_host *host, unsigned side);
/* Lose one stream between hosts, if there is one: both ends hear of it. */
void sim_lose_stream(struct sim *sim);
/* One end of a stream is lost; the other hears nothing more, and its writes go
 * nowhere, until it gives up. */
void sim_vanish_stream(struct sim *sim);
/* Let every byte on the disk be what a sync would have made it. */
void sim_disk_settle(struct sim_host *host);
/* A file of a host, drawn, has bad sectors: EIO, until all are mended. */
enum { SIM_BREAK_READ = 1, SIM_BREAK_WRITE = 2, SIM_BREAK_SYNC = 4 };
void sim_break_file(struct sim_host *host, unsigned how);
void sim_mend_files(struct sim_host *host);

struct sim_disk_file {
	char path[200];                 /* below the root of the disk */
	uint64_t size;
	struct sim_inode *inode;
};

/* Each file as processes see it. Nothing may be made or removed meanwhile. */
void sim_disk_each(struct sim_host *host, void (*visit)(void *context,
    const struct sim_disk_file *file), void *context);
/* As a process would read it; [offset, offset + n) is within the file. */
void sim_disk_read(const struct sim_disk_file *file, void *buf, size_t n, uint64_t offset);
/* Rot: turn bits of a byte at rest. False when that byte is not at rest: it was
 * not synced, or was never anything but zero. */
bool sim_disk_rot(const struct sim_disk_file *file, uint64_t offset, unsigned char mask);

/* ---- processes ---- */

/* A process without a parent: arm handlers on its os. Valid, if not alive,
 * until sim_destroy(). */
struct os *sim_process_create(struct sim_host *host, const char *name);
bool sim_process_alive(const struct os *os);
int sim_process_status(const struct os *os);    /* after its end: of os_stop(), or -signal */
const char *sim_process_name(const struct os *os);
/* Fill up to `size` of a host's living processes; returns how many there are. */
size_t sim_host_processes(struct sim_host *host, struct os **ret_list, size_t size);
/* The first living one whose name begins so, or NULL. */
struct os *sim_host_process(struct sim_host *host, const char *name);

void sim_kill(struct os *os);
/* SIGSTOP, and SIGCONT so much later: nothing of it runs meanwhile. */
void sim_freeze(struct os *os, uint64_t for_us);
void sim_kill_after(struct os *os, uint64_t n_calls);
void sim_signal(struct os *os, int signo);      /* caught by os_signal_start, or ends it */
/* How many processes of the world were killed so far, by whatever. */
uint64_t sim_deaths(const struct sim *sim);
uint64_t sim_ends(const struct sim *sim);       /* or ended by themselves */
size_t sim_descriptors(const struct os *os);    /* how many are open */
/* How many of them may write to this file. */
size_t sim_descriptors_to_write(const struct os *os, const struct sim_disk_file *file);
struct sim_host *sim_process_host(const struct os *os);

#endif
