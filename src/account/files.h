/* account/files.h - make, rewrite and clear away an account's files. Blocking:
 * for the pool. Paths and descriptors only; what goes in comes from elsewhere. */
#ifndef ACCOUNT_FILES_H
#define ACCOUNT_FILES_H

#include "account/load.h"

enum { ACCOUNT_FOLDERS = 4 };

/* New files, empty, open for writing, and the folders whose entries must be on
 * disk before anything in the files counts. -1: not opened. */
struct account_files {
	int log, pack;
	uint32_t log_number, pack_number;
	int folders[ACCOUNT_FOLDERS];   /* packs, the account's, the slot's, the root */
};

enum { FILES_LOG = 1, FILES_PACK = 2, FILES_FIRST = 4 };

/* Make the next log or pack or both (FILES_*), with numbers from those given on:
 * one that a crash left is never touched. FIRST: nothing of the account is known
 * to be on disk, so the folders above need a sync too. Returns 0 or -errno, then
 * nothing is open. */
int account_files_create(struct os *os, uint64_t account, unsigned what, uint32_t log_number,
    uint32_t pack_number, struct account_files *ret);

void account_files_init(struct account_files *files);
void account_files_close_folders(struct os *os, struct account_files *files);
void account_files_close(struct os *os, struct account_files *files);

/* What a new segment's head needs and the pool can't make. */
struct account_birth {
	uint64_t base_generation, generation;
	uint32_t uidvalidity;           /* of an account that has none yet; not 0 */
	int64_t created_us;
};

/* Write the full state, with kept changes if there are, as a base and a segment
 * behind it; sync both, read the base back, then clear away what they replace:
 * logs, and packs below pack_number that hold no message. Changes of this life
 * are not pending. The segment's descriptor is *ret_log, for further writes.
 * 0 or -errno (-EIO also when the base does not read back): then the account in
 * memory is no longer what is on disk and must be loaded again. */
int account_rebase(struct os *os, struct account *a, const struct account_birth *birth,
    uint32_t pack_number, int *ret_log);

/* Unlink the logs that neither the chain nor the current segment needs; those
 * that can't be read stay, for repair, and all do when the account is damaged. */
void account_collect_logs(struct os *os, struct account *a);

/* Unlink the packs below pack_number that hold no message. Full state. */
void account_collect_packs(struct os *os, struct account *a, uint32_t pack_number);

#endif
