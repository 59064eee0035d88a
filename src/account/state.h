/* account/state.h - what an account's records add up to.
 *
 * A state is made of records by applying them in order, and of nothing else. It
 * has two widths:
 *
 *   narrow   head and keys: enough for a delivery, from HEAD and what follows it
 *   full     also the rows and what vanished: from the base and all that follows
 *
 * (1) uid_next, modseq never go down; rows ascend by uid; no uid comes twice.
 * (2) A record that does not fit its state changes nothing. */
#ifndef ACCOUNT_STATE_H
#define ACCOUNT_STATE_H

#include "account/record.h"

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
};

/* Empty, of an account that was never written. */
void account_state_init(struct account_state *s, struct heap *heap, uint64_t account);
void account_state_free(struct account_state *s);

/* HEAD sets the head, KEYS adds keys; so a narrow state begins. The others
 * change it. */
enum record_result account_state_apply(struct account_state *s, uint8_t type, slice payload);

/* The row of a uid, or NULL. Full only. */
const struct account_row *account_state_find(const struct account_state *s, uint32_t uid);

/* Of n ascending uids that are there: how many messages and bytes, as ranges.
 * ret_ranges has n places; returns how many were filled. Full only. */
size_t account_state_ranges(const struct account_state *s, const uint32_t *uids, size_t n,
    struct uid_range *ret_ranges);

/* Messages and bytes in one range. Full only. */
void account_state_measure(const struct account_state *s, struct uid_range range,
    uint64_t *ret_count, uint64_t *ret_bytes);

#endif
