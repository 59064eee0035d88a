/* account/state.h - what an account's records add up to.
 *
 * A state is made of records by applying them in order, and of nothing else. It
 * has two widths:
 *
 *   narrow   head and keys: enough for a delivery, from HEAD and what follows it
 *   full     also the rows, the mailboxes and what vanished: from the base and all
 *            that follows
 *
 * UIDs are of one space: they ascend in each mailbox because they ascend in the account.
 * So rows are one array, and what is about a mailbox says so with its number.
 *
 * (1) uid_next, modseq never go down; rows ascend by uid; no uid comes twice.
 * (2) A record that does not fit its state changes nothing.
 * (3) INBOX is always there, the first of the mailboxes. */
#ifndef ACCOUNT_STATE_H
#define ACCOUNT_STATE_H

#include "account/record.h"

/* What is known of a mailbox. Only those with MAILBOX_EXISTS are mailboxes to a client. */
struct account_mailbox {
	uint16_t number;
	uint8_t state;                  /* enum account_mailbox_state, bits */
	uint8_t use;                    /* enum account_use */
	bool doubtful;                  /* damage: a UID may name another message than it did */
	uint32_t uidvalidity;
	uint32_t uid_next;              /* after the last it ever had (RFC 3501 s2.3.1.1) */
	uint32_t recent_from;
	uint64_t created_modseq;        /* with the number: which mailbox this is */
	uint64_t highest_modseq;        /* of the last change to its messages */
	/* Counted at each record: */
	uint64_t messages;
	uint64_t unseen;                /* without ACCOUNT_SEEN */
	uint64_t deleted;               /* with ACCOUNT_DELETED */
	uint64_t bytes;
	uint64_t deleted_bytes;         /* of those */
	uint64_t buried;                /* messages in its graveyard */
	slice name;                     /* owned */
};

struct account_state {
	struct heap *heap;
	struct account_head head;       /* n_keys and the chain are the writer's business */
	struct key_set keys;
	bool full;
	struct account_row *rows;       /* only when full */
	size_t n_rows, rows_capacity;
	struct account_vanished *vanished;      /* ascending by modseq */
	size_t n_vanished, vanished_capacity;
	uint64_t horizon;               /* what vanished up to this modseq is not all known */
	struct account_mailbox *mailboxes;      /* ascending by number; INBOX when not full */
	size_t n_mailboxes, mailboxes_capacity;
	slice keywords[ACCOUNT_KEYWORDS_MAX];   /* owned; empty: none has this number */
};

/* Empty, of an account that was never written. */
void account_state_init(struct account_state *s, struct heap *heap, uint64_t account);
void account_state_free(struct account_state *s);

/* HEAD sets the head, KEYS adds keys; so a narrow state begins. The others
 * change it. */
enum record_result account_state_apply(struct account_state *s, uint8_t type, slice payload);

/* The row of a uid, in any mailbox, or NULL. Full only. */
const struct account_row *account_state_find(const struct account_state *s, uint32_t uid);
/* Index of the first row with a uid of at least `uid`; n_rows: none. */
size_t account_state_lower(const struct account_state *s, uint32_t uid);
/* The same two for who asks in the order of UIDs: *at is where they look first, and becomes
 * what the second returns. */
const struct account_row *account_state_find_near(const struct account_state *s, uint32_t uid,
    size_t *at);
size_t account_state_lower_near(const struct account_state *s, uint32_t uid, size_t *at);

/* Of n ascending uids those that are in that mailbox, as ranges in which it has no
 * others. ret_ranges has n places; returns how many were filled. Full only. */
size_t account_state_ranges(const struct account_state *s, uint16_t mailbox,
    const uint32_t *uids, size_t n, struct uid_range *ret_ranges);

/* Messages and bytes of a mailbox in one range. Full only. */
void account_state_measure(const struct account_state *s, uint16_t mailbox,
    struct uid_range range, uint64_t *ret_count, uint64_t *ret_bytes);

/* ---- mailboxes (state_mailbox.c); full, but for INBOX ---- */

/* An entry, whatever its state; NULL: none has that number. A graveyard's number finds its
 * mailbox. Pointers last until the next record is applied. */
struct account_mailbox *account_mailbox(const struct account_state *s, unsigned number);
/* The entry with MAILBOX_EXISTS or _SUBSCRIBED of that name; INBOX in letters of any case. */
const struct account_mailbox *account_mailbox_find(const struct account_state *s, slice name);
static inline bool account_mailbox_exists(const struct account_mailbox *m)
{
	return m != NULL && (m->state & MAILBOX_EXISTS) != 0;
}

/* As its record tells it; name: borrowed. */
struct mailbox_entry account_mailbox_entry(const struct account_mailbox *m);

/* Its number, 0 up; -1: no message has it, or only changes name it. ASCII in any case. */
int account_state_keyword(const struct account_state *s, slice name);

/* Once head.uidvalidity is known: INBOX has it. */
void account_state_born(struct account_state *s);

/* After damage: what messages are in exists, under a name that tells. Returns how many
 * mailboxes had to be made. */
size_t account_state_adopt(struct account_state *s);

/* ---- for state*.c ---- */

void *account_state_grow(struct heap *heap, void *array, size_t n, size_t *capacity, size_t size);
enum record_result state_apply_mailbox(struct account_state *s, slice payload);
enum record_result state_apply_keyword(struct account_state *s, slice payload);
enum record_result state_apply_flags(struct account_state *s, slice payload);
enum record_result state_apply_copied(struct account_state *s, slice payload);
enum record_result state_apply_expunged(struct account_state *s, uint8_t type, slice payload);

void state_mailboxes_init(struct account_state *s);
void state_mailboxes_free(struct account_state *s);
/* An entry of that number, made when there is none. */
struct account_mailbox *state_mailbox_at(struct account_state *s, unsigned number);
/* Counters of the row's mailbox; where it is not there it is made. */
void state_count_row(struct account_state *s, const struct account_row *row);
void state_uncount_row(struct account_state *s, const struct account_row *row);
/* Entries that nothing needs any more go. */
void state_mailboxes_sweep(struct account_state *s);
void state_add_row(struct account_state *s, struct account_row row);
void state_add_vanished(struct account_state *s, struct account_vanished v);

#endif
