/* account/compact.h - packs that hold bytes of messages that are gone are written again without.
 *
 *   account_places_of()   where messages are                             on the loop
 *   account_compact()     what is left of a pack goes into a new one     on the pool; the account lives on
 *   account_move()        rows name the new places ...                   where the account is
 *   account_rebase()      ... durably, and now the old packs are unused
 *
 * (1) Nothing that was there is changed: until the new base counts, all is as it was, and a crash
 *     leaves packs that no row names, which account_collect_packs() clears away.
 * (2) An entry is judged, all of it, on its way. A pack with one that is not whole stays as
 *     it is, for repair. */
#ifndef ACCOUNT_COMPACT_H
#define ACCOUNT_COMPACT_H

#include "account/account.h"
#include "os/os.h"

/* An entry of a pack that at least one row names. */
struct account_place {
	uint32_t pack, offset, stored;
};

struct account_move {
	struct account_place from;
	uint32_t pack, offset;          /* where the same bytes are now */
};

struct account_compaction {
	uint64_t account;
	struct heap *heap;              /* of all that follows; nobody else uses it meanwhile */
	struct account_place *places;   /* each once, ascending, after account_compact() */
	size_t n_places;
	/* What to do. */
	uint32_t open_pack;             /* not this one; 0: none is open */
	uint32_t pack_next;             /* no new pack has a lower number */
	unsigned dead_divisor;          /* packs of which this part is dead; 0: any byte */
	uint64_t bytes_max;             /* then no further pack is begun */
	/* What was done. */
	struct account_move *moves;     /* ascending by `from` */
	size_t n_moves, moves_capacity;
	unsigned packs;                 /* that are there anew */
	uint64_t freed;                 /* bytes, once the old ones are unlinked */
	bool more;                      /* bytes_max was reached */
	bool unused;                    /* packs below pack_next that no row names */
	uint32_t damaged;               /* a pack that stayed for that; 0: none */
	int error;                      /* -errno: nothing was moved */
};

/* Where all messages are, buried ones too; full state. In no order, some twice. */
void account_places_of(const struct account *a, struct account_compaction *c);
/* Blocking. Without moves nothing is left of what it made. */
void account_compact(struct os *os, struct account_compaction *c);
/* Rows that name what was moved name its new place. Full state; a rebase follows, or the
 * account is loaded again. */
void account_move(struct account *a, const struct account_compaction *c);
/* The move of that place, or NULL. */
const struct account_move *account_moved(const struct account_compaction *c, uint32_t pack,
    uint32_t offset);

#endif
