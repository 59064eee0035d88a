/* account/account.h - one open account: what is durable, and what waits to be.
 *
 * Segments of the log follow each other in a chain:
 *
 *   base        VANISHED MAILBOX KEYWORD BASE ...   rows of all messages; never grows
 *   segment     HEAD KEYS... DELIVERED FLAGS ...
 *   segment     HEAD KEYS... DELIVERED ...       <- the newest: the account's head
 *
 * HEAD names the segments before it and how much of each counts, so it is also
 * what makes a base valid. A cold delivery reads the newest segment only; a
 * session reads the chain.
 *
 *   account_deliver, _expunge, _flag, ...   a change, not durable, not visible
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
	uint32_t uidvalidity_next;      /* above all that a mailbox was given; 0: not known yet */
	bool removed;                   /* with the changes */
	uint64_t rows_more;             /* that COPIED changes add */
	uint64_t bytes_more;            /* of messages that changes add, for a quota */

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

/* Add a message to row->mailbox, with row->flags; account_judge() said ADDED. row->uid and
 * modseq are set here. The mailbox is INBOX, or one that exists and that no change is about
 * to delete. An APPEND's key is its caller's to make. */
void account_deliver(struct account *a, struct account_row *row);
/* Several in one record of the log: all of them, or none, are there after a power cut. */
void account_deliver_all(struct account *a, struct account_row *rows, uint32_t n);

/* The rest of the changes wants a full state, and is judged by what is durable: the caller
 * sees to it that no other such change of the account waits; deliveries may, and keywords.
 * uids ascend; those that are not in the mailbox are passed over. */

/* Expunge messages of a mailbox, or of a graveyard, which is for good. saved_s, the time in
 * seconds: into the graveyard, from where they can be brought back with account_copy();
 * 0: for good. Returns the number of messages. */
uint64_t account_expunge(struct account *a, uint16_t mailbox, const uint32_t *uids, size_t n,
    uint32_t saved_s);
/* Expunge for good what came into a graveyard before that second. Returns how many. */
uint64_t account_purge(struct account *a, uint32_t before_s);

/* bits of ACCOUNT_FLAGS. Returns how many messages change; 0: no change is made. */
uint64_t account_flag(struct account *a, uint16_t mailbox, enum account_flag_op op,
    uint64_t bits, const uint32_t *uids, size_t n);

enum account_answer {
	ACCOUNT_CHANGED,        /* a change now */
	ACCOUNT_UNCHANGED,      /* it is so already; none of the messages is there */
	ACCOUNT_MISSING,        /* no such mailbox */
	ACCOUNT_EXISTS,         /* there is a mailbox of that name */
	ACCOUNT_NAME,           /* no mailbox may have that name, or INBOX that fate */
	ACCOUNT_NO_ROOM,        /* of messages, mailboxes or numbers */
	ACCOUNT_SCATTERED,      /* more than one record holds: it would not be atomic */
};

/* Copy messages to another mailbox (or the same), all or none; `move`: they leave `from`,
 * which may be a graveyard: what comes from there is not \Deleted any more. Copies have the
 * UIDs from uid_first on, in order, and saved_s, the time. UNCHANGED: none of them is there. */
enum account_answer account_copy(struct account *a, uint16_t from, uint16_t to,
    const uint32_t *uids, size_t n, bool move, uint32_t saved_s, uint32_t *ret_uid_first,
    uint64_t *ret_count);

/* An account that was never written has no UIDVALIDITY; it gets one now (not 0), not only
 * with account_begin(): to be shown, or to make a mailbox. No-op for others. */
void account_born(struct account *a, uint32_t uidvalidity, int64_t created_us);

/* What the changes that wait make, counts as there for these (CREATE of "a/b" may make "a"
 * first). Superiors are not made. */
enum account_answer account_create(struct account *a, slice name, enum account_use use,
    uint16_t *ret_number);

/* Several at once, all or none, subscribed to: what an account begins with. No name is below
 * INBOX. */
struct account_first {
	slice name;
	enum account_use use;
};
enum account_answer account_create_first(struct account *a, const struct account_first *first,
    size_t n);
/* With all that is below "name/", and their subscriptions. INBOX: its messages move to a new
 * mailbox, and what is below it stays (RFC 9051 s6.3.6). */
enum account_answer account_rename(struct account *a, uint16_t number, slice name,
    uint32_t saved_s);
/* Its messages too, as account_expunge() does it; what is below it stays. */
enum account_answer account_delete(struct account *a, uint16_t number, uint32_t saved_s);
/* A name without a mailbox may be subscribed to. */
enum account_answer account_subscribe(struct account *a, slice name, bool yes);
/* UIDs below `from` are not \Recent any more. */
enum account_answer account_recent(struct account *a, uint16_t number, uint32_t from);
enum account_answer account_set_use(struct account *a, uint16_t number, enum account_use use);

/* The number of a keyword, also of one that a change adds; -1: none. Its bit is
 * account_keyword_bit(number). */
int account_keyword(const struct account *a, slice name);
/* The same, added when it is new; -1: the table is full. */
int account_keyword_add(struct account *a, slice name);

/* Does a mailbox exist, once all changes are made? */
bool account_has_mailbox(struct account *a, uint16_t number);

/* For account/change.c, mailbox.c and trim.c: a change whose record is `payload`, the
 * memory of which goes over; the change that expunges what is in ranges, to the graveyard
 * where saved_s says so. Returns count. */
void account_add_change(struct account *a, uint8_t type, struct buffer *payload);
uint64_t account_expunge_ranges(struct account *a, uint16_t mailbox,
    const struct uid_range *ranges, uint32_t n, uint64_t count, uint64_t bytes,
    uint32_t saved_s);

/* Expunge INBOX's oldest for good, counted with all changes: as many as leave `keep` (0:
 * none for that), and those at the front that were received before before_us. Full state.
 * Returns the number of messages. */
uint64_t account_trim(struct account *a, uint64_t keep, int64_t before_us);
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
