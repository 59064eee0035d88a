/* queue/repair_impl.h - what the files of repair share. */
#ifndef QUEUE_REPAIR_IMPL_H
#define QUEUE_REPAIR_IMPL_H

#include "queue/verify.h"

/* ---- repair_write.c: a chain of log files ---- */

enum { QUEUE_KNOWN_MAX = 512 };         /* keys in a record */

struct queue_chain {
	struct os *os;
	struct heap *heap;
	struct log_writer writer;
	uint32_t first, next;           /* numbers of files */
	int fd;
	uint32_t taken_to;
	int error;                      /* the first one: then nothing else is done */
};

void queue_chain_begin(struct queue_chain *c, const struct queue_verify *v);
void queue_chain_add(struct queue_chain *c, enum queue_record type, slice payload);
/* All of it is on disk. */
void queue_chain_sync(struct queue_chain *c);
/* Likewise, and that was all. 0 or -errno. */
int queue_chain_end(struct queue_chain *c);

/* ---- repair_rescue.c ---- */

/* Copy the bodies that are whole behind a header that is not into a new pack; their
 * entries in v->live become `bare`, with the new place. 0 or -errno. */
int queue_rescue(struct queue_verify *v);

#endif
