/* sim/log_look.h - a log on a simulated disk, taken apart: what stands where, and what
 * is lost with a byte of it.
 *
 * By the format alone (log/log.h), not by what a reader makes of damage. */
#ifndef SIM_LOG_LOOK_H
#define SIM_LOG_LOOK_H

#include "base/heap.h"
#include "log/log.h"
#include "os/os_sim.h"

enum { LOG_LOOK_HEAD = -1, LOG_LOOK_MARK = 0 };

struct log_item {
	int type;                       /* of a record; or one of the above */
	uint32_t offset, next;
	uint32_t synced_to;             /* of a mark */
	slice payload;
};

struct log_look {
	char path[200];
	slice bytes;
	struct log_head head;
	struct log_item *items;         /* the head first, then by offset */
	size_t n, capacity;
	struct heap *heap;
};

/* False: it has no head that can be read, or is free, or holds nothing. Memory is of
 * the heap. */
bool log_look(const struct sim_disk_file *file, struct heap *heap, struct log_look *ret);

/* Does a later mark say that what stands here was synced? Otherwise damage can't be told
 * from a torn tail, and takes all that follows. `end`: all below is known to be. */
bool log_look_sure(const struct log_look *look, size_t item, uint32_t end);

/* Is item `i` lost with item `hit`? */
bool log_look_lost(const struct log_look *look, size_t hit, uint32_t end, size_t i);

#endif
