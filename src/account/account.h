/* account/account.h - one open account: what is durable, and what waits to be.
 *
 * Segments of the log follow each other in a chain:
 *
 *   base        VANISHED BASE BASE ...           rows of all messages; never grows
 *   segment     HEAD KEYS... DELIVERED EXPUNGED ...
 *   segment     HEAD KEYS... DELIVERED ...       <- the newest: the account's head
 *
 * HEAD names the segments before it and how much of each counts, so it is also
 * what makes a base valid. A cold delivery reads the newest segment only; a
 * session reads the chain.
 *
 *   account_deliver, _expunge, _remove     a change, not durable, not visible
 *   account_take   --write, sync-->  account_settled      now it is
 *                                '-> account_failed       it never was
 *   account_withdraw                 what was not taken yet never was
 *
 * (1) `state` is durable. Nobody sees a change before it is settled.
 * (2) No segment is written to that another life of the process opened, nor one
 *     that saw a failed write or sync: the next take begins a new one.
 * (3) What an earlier life wrote and no mark calls synced is written again, as
 *     changes that are `kept`: it may be only in the page cache, and may have
 *     been acknowledged. A failure does not drop those.
 * (4) UIDs that a failure took back are not used again.
 * (5) What a failure took back may be in the file all the same, and a next life
 *     would keep it, until a HEAD says how much of that file counts. So that HEAD
 *     is written before the state is shown: account_take() without changes.
 *
 * Pure: the caller writes what account_take gives. All memory is in one heap,
 * which belongs to the loop or to one pool work, never to both. */
#ifndef ACCOUNT_ACCOUNT_H
#define ACCOUNT_ACCOUNT_H

#include "account/state.h"
#include "log/log.h"

/* A record that is not durable. */
struct account_change {
	uint8_t type;
	bool kept;                      /* of an earlier life */
	slice payload;                  /* owned */
};

struct account {
	struct heap *heap;
	struct account_state state;
	uint32_t uid_next;              /* after the changes */
	uint64_t modseq;
	bool removed;                   /* with the changes */

	struct account_change *changes; /* kept ones first */
	size_t n_changes, changes_capacity;
	size_t n_taken;                 /* of them, in the log's bytes */
	struct key_set pending;         /* their keys */

	struct account_segment segment; /* the newest; number 0: none */
	struct log_writer log;          /* of `segment`, when open */
	bool open;
	bool torn;                      /* what failed may be in `segment`: see (5) */
	unsigned char *head_block;      /* to be written with the first take */
	uint32_t log_next;              /* no file has this number or a higher one */
	uint32_t tail_records, tail_bytes;      /* behind the base, durable */
	uint32_t strays;                /* log files that nothing needs any more */
};

void account_init(struct account *a, struct heap *heap, uint64_t id);

/* ---- changes ---- */

enum account_deliver {
	ACCOUNT_ADDED,          /* a change now */
	ACCOUNT_KNOWN,          /* its key is durable */
	ACCOUNT_PENDING,        /* its key is that of a change */
	ACCOUNT_REMOVED,
	ACCOUNT_FULL,           /* of messages or keys, until some go */
};

/* Would this key be added? Never ACCOUNT_ADDED for one that is there. */
enum account_deliver account_judge(const struct account *a, struct account_key key);

/* Add a message; account_judge() said ADDED. row->uid and modseq are set here. */
void account_deliver(struct account *a, struct account_row *row);

/* Expunge those of n ascending uids that are durable. Full state, no other
 * expunge pending. Returns the number of messages. */
uint64_t account_expunge(struct account *a, const uint32_t *uids, size_t n);

/* Expunge the oldest, counted with all changes: as many as leave `keep` (0: none for
 * that), and those at the front that were received before before_us. Full state. Returns
 * the number of messages. */
uint64_t account_trim(struct account *a, uint64_t keep, int64_t before_us);
/* For account/trim.c: the change that expunges a range, in which so many messages are
 * when it is made. */
void account_expunge_range(struct account *a, struct uid_range uids, uint64_t count,
    uint64_t bytes);

void account_remove(struct account *a);

/* Keep a record of an earlier life. For account/load.c. */
void account_keep(struct account *a, uint8_t type, slice payload);

/* ---- writing ---- */

/* Begin a segment in the new file `number`. The account's first takes
 * uidvalidity (not 0) and created_us. account_wants_base() was judged before. */
void account_begin(struct account *a, uint32_t number, uint64_t generation,
    uint32_t uidvalidity, int64_t created_us);

struct account_write {
	uint32_t offset;
	slice bytes;
};

/* What makes the first n changes durable once it is written and synced; up to two
 * writes, borrowed until settled or failed. An open segment only. Returns how
 * many; 0: the segment is full, take it as failed. */
size_t account_take(struct account *a, size_t n, struct account_write ret_writes[2]);
void account_settled(struct account *a);
void account_failed(struct account *a);
/* The changes are not made, but for the kept ones. Nothing was taken; the segment
 * goes on. */
void account_withdraw(struct account *a);

/* It is time for a new base; it must be, before account_begin. */
bool account_wants_base(const struct account *a);
bool account_must_base(const struct account *a);

/* Files of earlier lives lie about: account_collect_logs(), once settled. */
bool account_wants_collect(const struct account *a);

/* For account/base.c, which writes all at once: take kept changes into the state
 * (there are no others, the state is full); and let what begins next follow the
 * base, or nothing if the account is removed. */
void account_absorb(struct account *a);
void account_based(struct account *a, const struct account_segment *base);

#endif
