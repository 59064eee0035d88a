/* account/slot.h - where an account lives: its slot, its store, its files.
 *
 *   SLOT/ID/NNN.log            two and sixteen hex digits, below the folder `account`
 *   SLOT/ID/NNN.tags           of a mock: what people put on messages (account/tags.h)
 *   SLOT/ID/pack/NNN.pack      NNN has three digits, more when they are needed
 *   SLOT/ID/pack/NNN.digest    what is remembered of it (pack/digest.h)
 *
 * A slot belongs to exactly one store process, so an account does too. */
#ifndef ACCOUNT_SLOT_H
#define ACCOUNT_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum { ACCOUNT_SLOTS = 256, ACCOUNT_PATH_MAX = 64 };

/* checksum64 of the id's eight bytes, little-endian, seed 0; the low byte. */
unsigned account_slot(uint64_t account);

/* The index of the store that owns the account, of `stores` >= 1. */
unsigned account_store(uint64_t account, unsigned stores);

/* "3f", "3f/000000000000002a" and "3f/000000000000002a/pack". */
void account_slot_path(uint64_t account, char ret_path[ACCOUNT_PATH_MAX]);
void account_folder_path(uint64_t account, char ret_path[ACCOUNT_PATH_MAX]);
void account_packs_path(uint64_t account, char ret_path[ACCOUNT_PATH_MAX]);

/* The same with a file behind it: ".../007.log", ".../pack/012.pack". */
void account_log_path(uint64_t account, uint32_t number, char ret_path[ACCOUNT_PATH_MAX]);
void account_pack_path(uint64_t account, uint32_t number, char ret_path[ACCOUNT_PATH_MAX]);
void account_digest_path(uint64_t account, uint32_t number, char ret_path[ACCOUNT_PATH_MAX]);

/* The number in "007.log" with suffix ".log"; false for any other name. */
bool account_file_number(const char *name, const char *suffix, uint32_t *ret_number);

#endif
