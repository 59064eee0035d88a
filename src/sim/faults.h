/* sim/faults.h - what breaks, and when, drawn from the seed. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "sim/dark.h"
#include "sim/outside.h"
#include "sim/rot.h"

struct faults;

/* Which kinds may strike in this run: each is drawn, so that some runs have
 * only one kind, and none at all is among them. */
enum {
	FAULT_STREAMS = 1,      /* connections lost, at any byte */
	FAULT_SLOW = 2,         /* disk and network that hang */
	FAULT_KILL_ROLE = 4,    /* a role, at any event or between two calls */
	FAULT_KILL_KEEPER = 8,
	FAULT_POWER = 16,       /* a host, at any event or between two disk calls */
	FAULT_DISK = 32,        /* EIO on write or sync */
	FAULT_FULL = 64,        /* ENOSPC */
	FAULT_CLOCK = 128,      /* the wall clock jumps */
	FAULT_RELOAD = 256,     /* SIGHUP to the keeper */
	FAULT_DRAIN = 512,      /* SIGTERM: an orderly end, then a start */
	FAULT_PARTS = 1024,     /* a host cut off from all others for a while */
	FAULT_VANISH = 2048,    /* one end of a connection, without a word to the other */
	FAULT_FREEZE = 4096,    /* SIGSTOP of a role, SIGCONT up to minutes later */
	FAULT_FILES = 8192,     /* bad sectors: EIO of single files, reading too */
	FAULT_STORM = 16384,    /* power cut in the midst of recovery, again and again */
	FAULT_ROT = 32768,      /* a bit of a message at rest turns */
	FAULT_DNS = 65536,      /* look-ups that are slow or fail, names that change or are gone */
	FAULT_HOSTS = 131072,   /* next hosts that answer 4xx, 5xx, late, nothing, or vanish */
	FAULTS_ALL = 262143,
};

/* At most so many faults, and none but of these kinds. */
struct faults *faults_create(struct sim *sim, struct station **stations, size_t n_stations,
    unsigned faults_max, unsigned kinds_max);
/* A host of clients, which may be cut off as well. At most FAULT_HOSTS_MAX. */
enum { FAULT_HOSTS_MAX = 8 };
void faults_add_host(struct faults *f, struct sim_host *host);
/* What FAULT_ROT strikes with; without it nothing rots. */
void faults_set_rot(struct faults *f, struct rot *rot, struct dark *dark);
/* What FAULT_DNS and FAULT_HOSTS strike. */
void faults_set_outside(struct faults *f, struct outside *outside);
/* Faults come so many times slower. */
void faults_slow_down(struct faults *f, unsigned pace);
unsigned faults_kinds(const struct faults *f);
/* Kinds by their names: "power,disk", "none". */
bool faults_parse(slice text, unsigned *ret_kinds);
void faults_print(unsigned kinds, char *ret_text, size_t size);
unsigned faults_struck(const struct faults *f);
/* From now on nothing breaks. */
void faults_stop(struct faults *f);

#endif
