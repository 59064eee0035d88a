/* journal/tracker.h - which records of one segment are done.
 *
 * Records end in any order; the segment is free when all that were read are
 * done. What is known is also written into the router's done log: facts that
 * only grow, so that reading any of them in any order gives a truth, and
 * losing some only means to hand something over again. */
#ifndef JOURNAL_TRACKER_H
#define JOURNAL_TRACKER_H

#include "base/bytes.h"

struct tracker {
	struct heap *heap;
	uint32_t done_to;               /* this sequence and all before it are done */
	uint32_t seen;                  /* the highest that was read */
	uint64_t *words;                /* bit i: done_base + i is done */
	uint32_t base;                  /* a multiple of 64, <= done_to */
	uint32_t n_words;
};

void tracker_init(struct tracker *t, struct heap *heap);
void tracker_finish(struct tracker *t);

/* The record was read. Those between it and the last one seen are lost: nobody
 * can deliver them, they count as done. Sequences rise. */
void tracker_seen(struct tracker *t, uint32_t sequence);
void tracker_done(struct tracker *t, uint32_t sequence);
bool tracker_is_done(const struct tracker *t, uint32_t sequence);
/* Nothing that was read is left to do. */
bool tracker_all_done(const struct tracker *t);

/* ---- the done log (LOG_DONE) ---- */

enum done_type {
	DONE_RECORDS = 1,       /* u64 generation, u32 done_to, u32 n, n * u32 done above it */
	DONE_CUT = 2,           /* u64 generation, u32 offset: nothing from there on counts */
};

enum { DONE_ABOVE_MAX = 16 * 1024 };

/* Append DONE_RECORDS: at most DONE_ABOVE_MAX of those above. */
void tracker_write(const struct tracker *t, uint64_t generation, struct buffer *out);

struct done_fact {
	enum done_type type;
	uint64_t generation;
	uint32_t done_to;
	uint32_t offset;
	slice above;            /* u32 each */
};

/* False: not one that we know. Borrowed from `payload`. */
bool done_fact_read(uint8_t type, slice payload, struct done_fact *ret_fact);
/* Add what DONE_RECORDS says. Sequences above `sequence_max` are not believed. */
void tracker_learn(struct tracker *t, const struct done_fact *fact, uint32_t sequence_max);

#endif
