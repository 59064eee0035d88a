/* account/record.h - the records in an account's log, and their bytes.
 *
 * A segment of an account's log begins with HEAD (then KEYS), or is a base
 * (VANISHED, then BASE); see account/account.h for how they follow each other.
 * Types that are not listed were written by a later Posthouse: such an account
 * is left alone. All integers are little-endian.
 *
 *   HEAD       u16 version  u64 account  u8 flags  u32 uidvalidity  u32 uid_next
 *              u32 uid_floor  u64 modseq  u64 count  u64 bytes  u32 pack_next  i64 created
 *              u32 keys  u32 n  n * (u32 number  u64 generation  u32 end)
 *   KEYS       u32 n  n * (message id  u16 recipient)
 *   VANISHED   u16 version  u64 account  u64 horizon  u64 rows
 *              u32 n  n * (u32 first  u32 last  u64 modseq)
 *   BASE       u32 n  n * row
 *   DELIVERED  u32 n  n * row                   one message, its rows: 1 for now
 *   EXPUNGED   u64 modseq  u64 count  u64 bytes  u32 n  n * (u32 first  u32 last)
 *   REMOVED    u64 modseq                       the account is gone, for good
 *
 *   row        u32 uid  u64 modseq  message id  u16 recipient  u32 flags
 *              i64 received  u64 size  u32 pack  u32 offset  u64 stored */
#ifndef ACCOUNT_RECORD_H
#define ACCOUNT_RECORD_H

#include "account/key.h"
#include "base/bytes.h"
#include "base/limits.h"

enum { ACCOUNT_VERSION = 1 };

enum account_record {
	RECORD_HEAD = 1,
	RECORD_KEYS = 2,
	RECORD_VANISHED = 3,
	RECORD_BASE = 4,
	RECORD_DELIVERED = 5,
	RECORD_EXPUNGED = 6,
	RECORD_REMOVED = 7,
};

/* A segment of the chain, and how much of it counts. */
struct account_segment {
	uint32_t number;
	uint64_t generation;
	uint32_t end;                   /* offset; what lies above was never durable */
};

/* All that a delivery needs to know. */
struct account_head {
	uint64_t account;
	bool removed;
	bool damaged;                   /* something was lost: old files are kept for repair */
	uint32_t uidvalidity;           /* 0: nothing was ever written */
	uint32_t uid_next;              /* after the last message */
	uint32_t uid_floor;             /* no uid below is given out: failures use some up */
	uint64_t modseq;                /* of the last change */
	uint64_t count;                 /* messages */
	uint64_t bytes;                 /* the sum of their sizes: quota */
	uint32_t pack_next;             /* no pack of this number or above is named */
	int64_t created_us;
	uint32_t n_keys;                /* in the KEYS records behind it */
	uint32_t n_chain;               /* the segments before this one, oldest first */
	struct account_segment chain[ACCOUNT_CHAIN_MAX];
};

/* One message. */
struct account_row {
	uint32_t uid;
	uint32_t flags;                 /* 0; IMAP's will be here */
	uint64_t modseq;
	struct account_key key;
	int64_t received_us;            /* INTERNALDATE; wall clock */
	uint64_t size;                  /* as read: prefix and body */
	uint64_t stored;                /* bytes of the pack's entry */
	uint32_t pack;
	uint32_t offset;
};

struct uid_range {
	uint32_t first, last;
};

struct account_vanished {
	struct uid_range uids;
	uint64_t modseq;
};

struct account_expunged {
	uint64_t modseq;
	uint64_t count, bytes;          /* of the messages that went */
	const struct uid_range *ranges; /* ascending, apart */
	uint32_t n;
};

/* Append the payload. n is at most ACCOUNT_CHUNK_*. */
void record_head_write(const struct account_head *head, struct buffer *out);
void record_keys_write(const struct account_key *keys, uint32_t n, struct buffer *out);
void record_vanished_write(uint64_t account, uint64_t horizon, uint64_t rows,
    const struct account_vanished *vanished, uint32_t n, struct buffer *out);
void record_rows_write(const struct account_row *rows, uint32_t n, struct buffer *out);
void record_expunged_write(const struct account_expunged *expunged, struct buffer *out);
void record_removed_write(uint64_t modseq, struct buffer *out);

enum record_result {
	RECORD_OK,
	RECORD_BAD,             /* not what we write */
	RECORD_NEWER,           /* written by a later Posthouse */
};

enum record_result record_head_read(slice payload, struct account_head *ret_head);
/* Lists are read one by one: begin gives n, then n times next. */
enum record_result record_vanished_begin(struct bytes *in, uint64_t *ret_account,
    uint64_t *ret_horizon, uint64_t *ret_rows, uint32_t *ret_n);
bool record_list_begin(struct bytes *in, size_t item_len, uint32_t *ret_n);
bool record_expunged_begin(struct bytes *in, struct account_expunged *ret);

enum { RECORD_KEY_LEN = 16, RECORD_ROW_LEN = 64, RECORD_RANGE_LEN = 8, RECORD_VANISHED_LEN = 16,
       /* No DELIVERED takes less of a log than this: how many UIDs a damaged
        * stretch of it may have used up. */
       RECORD_DELIVERED_MIN = RECORD_ROW_LEN };

struct account_key get_account_key(struct bytes *in);
struct account_row get_account_row(struct bytes *in);
struct uid_range get_uid_range(struct bytes *in);
struct account_vanished get_account_vanished(struct bytes *in);

/* "delivered"; NULL for a type that is not ours. */
const char *record_name(uint8_t type);

#endif
