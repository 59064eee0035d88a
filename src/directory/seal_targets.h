/* directory/seal_targets.h - whom a record of the journal is for, as its seals say. */
#ifndef DIRECTORY_SEAL_TARGETS_H
#define DIRECTORY_SEAL_TARGETS_H

#include "directory/seal.h"
#include "journal/delivery.h"

/* At most JOURNAL_RECIPIENTS_MAX * RECIPIENT_TARGETS_MAX, in the order that makes their
 * keys. False: the directory did not seal it, or for another transaction. `key` is a
 * struct seal_key: this is journal_repair's `targets`. */
bool seal_targets(void *key, const struct journal_commit *commit, struct arena *arena,
    struct delivery_target *ret_targets, size_t *ret_n);

#endif
