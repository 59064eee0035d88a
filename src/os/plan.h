/* os/plan.h - a list of disk operations, run in order on the pool as one work. What is
 * written and copied to one place after another goes out as one write.
 *
 * Engines produce bytes and offsets; the role turns them into a plan and learns
 * later whether all of it happened. The plan stops at the first failure; what
 * came before it stands. Bytes are borrowed until `done`. */
#ifndef OS_PLAN_H
#define OS_PLAN_H

#include "os/os.h"

enum plan_verb {
	PLAN_WRITE,             /* fd, offset, bytes */
	PLAN_COPY,              /* fd, offset, from, from_offset, length, checksum: in bounded
	                         * pieces. When `from` can't be read, ends early or is not
	                         * what the checksum says, the step is marked `unreadable`,
	                         * and what is written there may be anything; the plan
	                         * goes on */
	PLAN_SYNC,              /* fd */
	PLAN_SYNC_FOLDER,       /* fd of a folder */
	PLAN_SYNC_SYSTEM,       /* any fd of the file system */
	PLAN_UNLINK,            /* path below OS_ROOT */
};

struct plan_step {
	enum plan_verb verb;
	int fd;
	uint64_t offset;
	slice bytes;
	const char *path;
	int from;
	uint64_t from_offset, length;
	uint64_t checksum;      /* XXH3 of what is copied */
	bool unreadable;
	int read_error;         /* why: it could not be read, or ended early (-EIO); 0: it is
	                         * not what the checksum says */
};

struct plan {
	struct os_work work;
	struct plan_step *steps;
	size_t n, capacity;
	int error;              /* 0, or -errno of the step that failed */
	bool unreadable;        /* so is some step */
	void (*done)(struct plan *plan);        /* on the loop */
	void *owner;
};

void plan_init(struct plan *plan, void (*done)(struct plan *plan), void *owner);
void plan_add(struct os *os, struct plan *plan, struct plan_step step);
void plan_start(struct os *os, struct plan *plan);
void plan_reset(struct os *os, struct plan *plan);      /* no steps; reusable after done */

#endif
