/* sim/dark_impl.h - what dark.c (when), dark_hit.c (what of logs), dark_body.c (what of
 * bodies) and dark_read.c (whose) share. */
#ifndef SIM_DARK_IMPL_H
#define SIM_DARK_IMPL_H

#include "journal/record.h"
#include "journal/verify.h"
#include "pack/pack.h"
#include "sim/dark.h"
#include "sim/log_look.h"

enum { DARK_HOSTS_MAX = 64, DARK_HITS_MAX = 16, DARK_LOST_MAX = 64, DARK_STRIKES_MAX = 3 };

enum dark_kind {
	DARK_JOURNAL, DARK_ACCOUNT, DARK_QUEUE,         /* logs */
	DARK_PACK, DARK_SPOOL,                          /* bodies in the queue, in the journal */
	DARK_KINDS
};

/* One place that turned. */
struct hit {
	struct station *station;
	enum dark_kind kind;
	char path[200];                 /* of what verify names */
	char file[200];                 /* that the byte is in */
	uint64_t generation;            /* of a log */
	uint32_t from, to;              /* of path: what the byte is part of */
	uint32_t offset;                /* in the file */
	unsigned char turned;           /* what stands there since */
	bool sure;                      /* verify must find it, and whoever reads it say so */
	bool grave;                     /* the account can't be used until it is repaired */
	bool renumbers;                 /* all messages of the account come back as others */
	bool named, repaired;
	unsigned account;               /* DARK_ACCOUNT: as the checker counts */
	uint64_t id;                    /* ... and in file names */
	struct {
		unsigned message;
		uint64_t accounts;
	} lost[DARK_LOST_MAX];
	size_t n_lost;
};

struct dark {
	struct sim *sim;
	struct checker *checker;
	struct rot *rot;
	struct {
		struct station *station;
		unsigned first;
	} hosts[DARK_HOSTS_MAX];
	size_t n_hosts;
	struct hit hits[DARK_HITS_MAX];
	size_t n_hits;
	unsigned strikes;
};

/* Draw a file of this kind and a byte of it that matters, say what is lost with it, and
 * turn it. False: there is none. */
bool dark_hit(struct dark *dark, struct station *station, enum dark_kind kind,
    struct chance *chance, struct hit *ret);
bool dark_hit_body(struct dark *dark, struct station *station, enum dark_kind kind,
    struct chance *chance, struct hit *ret);
unsigned dark_first(const struct dark *dark, const struct station *station);

/* Turn the bits of the mask; `both`: in both copies of a log's head. False: that byte
 * is not at rest. */
struct dark_turn {
	const char *path;
	uint32_t offset;
	unsigned char mask;
	bool both;
	bool turned;
	unsigned char now;              /* what stands there since */
};
bool dark_turn(struct station *station, struct dark_turn *turn);

/* The message is lost with it, for these accounts; 0: none is. */
void dark_lose(struct hit *hit, unsigned message, uint64_t accounts);

/* The message in a pack, from its Return-Path on; `prefix`: with what stands there, or
 * only that, when the body can't be read. Empty: nothing can be. */
slice dark_read_entry(struct os *os, struct heap *heap, const char *path,
    struct pack_place place, slice sender, bool prefix);
slice dark_read_body(struct os *os, struct heap *heap, const char *path, uint64_t at,
    const struct journal_body *body, slice sender);
/* Sender and body of what is on its way. False: it is another record. */
bool dark_read_record(const struct journal_file *file, const struct log_record *record,
    struct arena *arena, struct journal_commit *ret);

#endif
