/* account/tags.h - the tags that people put on messages of a mock's mailbox, in a file beside
 * its log: SLOT/ID/NNN.tags.
 *
 * A file is whole: its successor, with the next number, is synced before it goes. So the newest
 * that can be read counts, and what a crash left half written is passed over. A message is named
 * by its UID and its id: another one that has the UID, whyever, has no part in it.
 *
 *   "PHTAGS1\0"  u64 account  u32 n  n * (u32 uid  message id  slice names)  u64 XXH3 of all that
 *
 * names: u8 length and bytes of each, at most API_TAGS_MAX. */
#ifndef ACCOUNT_TAGS_H
#define ACCOUNT_TAGS_H

#include "base/bytes.h"
#include "base/limits_mail.h"
#include "journal/message_id.h"
#include "os/os.h"

enum { TAG_NAMES_MAX = API_TAGS_MAX * (API_TAG_MAX + 1) };

struct tagged {
	uint32_t uid;
	struct message_id id;
	slice names;                    /* packed; empty: somebody took all away */
};

/* Are these packed names? */
bool tag_names_ok(slice names);
/* The next of them; false: no more. */
bool tag_names_next(slice *names, slice *ret_name);

/* n rows, ascending by uid, as a file. */
void tags_write(uint64_t account, const struct tagged *rows, size_t n, struct buffer *out);
/* A file, row by row: begin gives n, then n times next (names are borrowed). False: it is not
 * whole, or not what we write. */
bool tags_read_begin(slice file, uint64_t account, struct bytes *ret_in, uint32_t *ret_n);
bool tags_read_next(struct bytes *in, struct tagged *ret);

/* ---- blocking, for the pool; OS_ROOT is the folder `account` ---- */

/* The newest file that is whole, in memory of the heap; empty: there is none. And the number
 * that no file has, nor a higher one. 0, or -errno: then nothing is known. */
int tags_load(struct os *os, struct heap *heap, uint64_t account, slice *ret_file,
    uint32_t *ret_next);
/* On disk when it returns 0; those before it are gone then. */
int tags_save(struct os *os, uint64_t account, uint32_t number, slice file);

#endif
