/* account/key.h - which deliveries an account already has.
 *
 * (message id, recipient) is the key that makes a delivery exactly once. A key
 * is kept while the router may still hand the record over again: until the
 * generation of its journal segment is retired.
 *
 * A sorted array: deliveries come in nearly sorted, so adding is an append. */
#ifndef ACCOUNT_KEY_H
#define ACCOUNT_KEY_H

#include "base/heap.h"
#include "journal/message_id.h"

/* Message id and recipient, without the holes that a struct of structs has: there are
 * millions of them. */
struct account_key {
	uint64_t generation;
	uint32_t sequence;
	uint16_t producer;
	uint16_t recipient;
};

static inline struct account_key account_key_of(struct message_id id, uint16_t recipient)
{
	return (struct account_key){ id.generation, id.sequence, id.producer, recipient };
}

static inline struct message_id account_key_id(struct account_key key)
{
	return (struct message_id){ key.producer, key.sequence, key.generation };
}

struct key_set {
	struct heap *heap;
	struct account_key *keys;       /* by generation, sequence, producer, recipient */
	size_t n, capacity;
};

struct key_set key_set_init(struct heap *heap);
void key_set_free(struct key_set *set);                 /* empty and usable again */

bool key_set_has(const struct key_set *set, struct account_key key);
void key_set_add(struct key_set *set, struct account_key key);          /* no-op when there */
void key_set_remove(struct key_set *set, struct account_key key);       /* likewise */

/* Forget the keys of one generation; of all but n sorted ones. */
void key_set_retire(struct key_set *set, uint64_t generation);
void key_set_keep(struct key_set *set, const uint64_t *live, size_t n);

/* Is it among n sorted ones? */
bool generation_among(uint64_t generation, const uint64_t *live, size_t n);

#endif
