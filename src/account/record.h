/* account/record.h - the records in an account's log, and their bytes.
 *
 * A segment of an account's log begins with HEAD (then KEYS), or is a base
 * (VANISHED, MAILBOX, KEYWORD, then BASE); see account/account.h for how they follow
 * each other. Types that are not listed were written by a later Posthouse: such an
 * account is left alone. All integers are little-endian.
 *
 *   HEAD       u16 version  u64 account  u8 flags  u32 uidvalidity  u32 uid_next
 *              u32 uid_floor  u64 modseq  u64 count  u64 bytes  u32 pack_next  i64 created
 *              u32 keys  u32 n  n * (u32 number  u64 generation  u32 end)
 *              u32 uidvalidity_next  u64 rows
 *   KEYS       u32 n  n * (message id  u16 recipient)
 *   VANISHED   u16 version  u64 account  u64 horizon  u64 rows
 *              u32 n  n * (u32 first  u32 last  u64 modseq  u16 mailbox)
 *   BASE       u32 n  n * row
 *   DELIVERED  u32 n  n * row                   messages that come together, or not at all
 *   EXPUNGED   u64 modseq  u64 count  u64 bytes  u32 n  n * (u32 first  u32 last)
 *              of INBOX; version 1 wrote it, EXPUNGED_FROM is what is written now
 *   REMOVED    u64 modseq                       the account is gone, for good
 *   MAILBOX    u64 modseq  u32 n  n * (u16 number  u8 state  u8 use  u32 uidvalidity
 *              u32 uid_next  u32 recent_from  u64 created_modseq  u64 highest_modseq
 *              u32 len  name)                   each takes the place of what had its number;
 *                                               modseq 0: of a base
 *   KEYWORD    u32 n  n * (u8 number  u32 len  name)    added; never changed
 *   FLAGS      u64 modseq  u16 mailbox  u8 op  u64 bits  u32 n  n * (u32 first  u32 last)
 *   COPIED     u64 modseq  u16 from  u16 to  u8 move  u32 uid_first  u32 saved  u64 count
 *              u64 bytes  u32 n  n * (u32 first  u32 last)
 *   EXPUNGED_FROM  u64 modseq  u16 mailbox  u64 count  u64 bytes
 *              u32 n  n * (u32 first  u32 last)
 *
 *   row        u32 uid  u64 modseq  message id  u16 recipient  u32 flags (low)
 *              i64 received  u32 size  u16 flags (high)  u16 mailbox
 *              u32 pack  u32 offset  u32 stored  u32 saved
 *
 * Version 1 knew one mailbox and no flags: what it wrote of HEAD and VANISHED ends
 * sooner, and its rows had zeros where the new fields are. Ranges are of UIDs, ascending
 * and apart; what lies in one and is of another mailbox is not meant. */
#ifndef ACCOUNT_RECORD_H
#define ACCOUNT_RECORD_H

#include "account/key.h"
#include "base/bytes.h"
#include "base/limits.h"

enum { ACCOUNT_VERSION = 2 };

enum account_record {
	RECORD_HEAD = 1,
	RECORD_KEYS = 2,
	RECORD_VANISHED = 3,
	RECORD_BASE = 4,
	RECORD_DELIVERED = 5,
	RECORD_EXPUNGED = 6,            /* of version 1 */
	RECORD_REMOVED = 7,
	RECORD_MAILBOX = 8,
	RECORD_KEYWORD = 9,
	RECORD_FLAGS = 10,
	RECORD_COPIED = 11,
	RECORD_EXPUNGED_FROM = 12,
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
	uint32_t uidvalidity;           /* of INBOX; 0: nothing was ever written */
	uint32_t uidvalidity_next;      /* above all that a mailbox was ever given */
	uint32_t uid_next;              /* after the last message */
	uint32_t uid_floor;             /* no uid below is given out: failures use some up */
	uint64_t modseq;                /* of the last change */
	uint64_t count;                 /* messages that are in a mailbox, in no graveyard */
	uint64_t bytes;                 /* the sum of their sizes: quota */
	uint64_t rows;                  /* messages, also those in graveyards */
	uint32_t pack_next;             /* no pack of this number or above is named */
	int64_t created_us;
	uint32_t n_keys;                /* in the KEYS records behind it */
	uint32_t n_chain;               /* the segments before this one, oldest first */
	struct account_segment chain[ACCOUNT_CHAIN_MAX];
};

/* Flags of a message. The first five are enum imap_flag's (imap/parse.h); keyword n of
 * the account is bit ACCOUNT_KEYWORD_FIRST + n. */
enum account_flag {
	ACCOUNT_ANSWERED = 1 << 0,
	ACCOUNT_FLAGGED = 1 << 1,
	ACCOUNT_DELETED = 1 << 2,
	ACCOUNT_SEEN = 1 << 3,
	ACCOUNT_DRAFT = 1 << 4,
	ACCOUNT_KEYWORD_FIRST = 5,
};
#define ACCOUNT_FLAGS ((UINT64_C(1) << 48) - 1)
/* Above this, what a record says is not what we write. A row has room for one life more. */
#define ACCOUNT_MODSEQ_MAX (UINT64_C(1) << 47)

static inline uint64_t account_keyword_bit(int number)
{
	return UINT64_C(1) << (ACCOUNT_KEYWORD_FIRST + number);
}

/* Numbers of mailboxes. What is expunged from mailbox n lies in its graveyard for a while,
 * n | ACCOUNT_GRAVEYARD, where nobody sees it and nothing counts it as mail. */
enum {
	ACCOUNT_INBOX = 0,
	ACCOUNT_GRAVEYARD = 0x8000,
};

static inline bool is_graveyard(unsigned mailbox)
{
	return (mailbox & ACCOUNT_GRAVEYARD) != 0;
}

/* One message in one mailbox. */
struct __attribute__((packed, aligned(4))) account_row {
	uint32_t uid;                   /* of one space for all mailboxes */
	uint32_t size;                  /* as read: prefix and body */
	uint32_t stored;                /* bytes of the pack's entry; copies share it */
	uint32_t saved_s;               /* when it came into this mailbox; seconds since 1970,
	                                 * 0: not known */
	struct account_key key;
	uint64_t flags : 48;
	uint64_t mailbox : 16;
	uint64_t modseq : 48;
	uint64_t pack : 24;
	uint64_t offset : 28;
	int64_t received_us : 60;       /* INTERNALDATE; wall clock; of account_received() */
};
_Static_assert(sizeof(struct account_row) == 60, "there are millions of rows");
_Static_assert(PACK_MAX <= 1 << 28, "entries begin below");
_Static_assert(ACCOUNT_PACKS_MAX <= 1 << 24, "a row has a pack's number");

/* What a row holds of a time: up to 18,000 years from 1970. */
static inline int64_t account_received(int64_t us)
{
	int64_t end = INT64_C(1) << 59;

	return us >= end ? end - 1 : us < -end ? -end : us;
}

/* A mailbox as its record tells it. */
enum account_mailbox_state {
	MAILBOX_EXISTS = 1,
	MAILBOX_SUBSCRIBED = 2,         /* also without EXISTS: the name is */
};

/* Special use (RFC 6154); 0: none. */
enum account_use {
	USE_NONE,
	USE_ALL,
	USE_ARCHIVE,
	USE_DRAFTS,
	USE_FLAGGED,
	USE_JUNK,
	USE_SENT,
	USE_TRASH,
	USE_IMPORTANT,
	USES,
};

struct mailbox_entry {
	uint16_t number;
	uint8_t state;                  /* bits; none: gone, what its graveyard holds is not */
	uint8_t use;
	uint32_t uidvalidity;
	uint32_t uid_next;
	uint32_t recent_from;           /* UIDs from here on are \Recent for the next session */
	uint64_t created_modseq;
	uint64_t highest_modseq;
	slice name;                     /* UTF-8, "/" between levels */
};

struct uid_range {
	uint32_t first, last;
};

struct account_vanished {
	struct uid_range uids;
	uint64_t modseq;
	uint16_t mailbox;
};

/* EXPUNGED_FROM, and EXPUNGED of version 1. */
struct account_expunged {
	uint64_t modseq;
	uint64_t count, bytes;          /* of the messages that went */
	const struct uid_range *ranges; /* ascending, apart */
	uint32_t n;
	uint16_t mailbox;
};

enum account_flag_op { FLAGS_ADD, FLAGS_REMOVE, FLAGS_SET, FLAG_OPS };

struct account_flagged {
	uint64_t modseq;
	uint16_t mailbox;
	enum account_flag_op op;
	uint64_t bits;
	const struct uid_range *ranges;
	uint32_t n;
};

struct account_copied {
	uint64_t modseq;
	uint16_t from, to;
	bool move;                      /* the old ones vanish (RFC 6851) */
	uint32_t uid_first;             /* of the copies, which follow each other */
	uint32_t saved_s;
	uint64_t count, bytes;
	const struct uid_range *ranges;
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
/* The head of a list; then put_mailbox_entry(), put_keyword_entry() n times. */
void record_mailbox_begin_write(uint64_t modseq, uint32_t n, struct buffer *out);
void record_keyword_begin_write(uint32_t n, struct buffer *out);
void record_flags_write(const struct account_flagged *flagged, struct buffer *out);
void record_copied_write(const struct account_copied *copied, struct buffer *out);

enum record_result {
	RECORD_OK,
	RECORD_BAD,             /* not what we write */
	RECORD_NEWER,           /* written by a later Posthouse */
};

enum record_result record_head_read(slice payload, struct account_head *ret_head);
/* Lists are read one by one: begin gives n, then n times next. For VANISHED the version too,
 * which next wants. */
enum record_result record_vanished_begin(struct bytes *in, uint64_t *ret_account,
    uint64_t *ret_horizon, uint64_t *ret_rows, uint32_t *ret_n, uint16_t *ret_version);
bool record_list_begin(struct bytes *in, size_t item_len, uint32_t *ret_n);
/* Of the two types; their ranges follow. False: not what we write. */
bool record_expunged_begin(uint8_t type, struct bytes *in, struct account_expunged *ret);
bool record_flags_begin(struct bytes *in, struct account_flagged *ret);
bool record_copied_begin(struct bytes *in, struct account_copied *ret);
/* Entries follow, and are read with get_mailbox_entry(), get_keyword_entry(): false where
 * one is not what we write. After the last, bytes_end() tells. */
bool record_mailbox_begin(struct bytes *in, uint64_t *ret_modseq, uint32_t *ret_n);
bool record_keyword_begin(struct bytes *in, uint32_t *ret_n);

enum { RECORD_KEY_LEN = 16, RECORD_ROW_LEN = 64, RECORD_RANGE_LEN = 8,
       /* No DELIVERED takes less of a log than this: how many UIDs a damaged
        * stretch of it may have used up. COPIED may have used up more. */
       RECORD_DELIVERED_MIN = RECORD_ROW_LEN };

struct account_key get_account_key(struct bytes *in);
struct account_row get_account_row(struct bytes *in);    /* uid 0: not what we write */
struct uid_range get_uid_range(struct bytes *in);
uint64_t get_modseq(struct bytes *in);                  /* up to ACCOUNT_MODSEQ_MAX, or it failed */
struct account_vanished get_account_vanished(struct bytes *in, uint16_t version);

void put_mailbox_entry(struct buffer *out, const struct mailbox_entry *entry);
bool get_mailbox_entry(struct bytes *in, struct mailbox_entry *ret);    /* name: borrowed */
void put_keyword_entry(struct buffer *out, uint8_t number, slice name);
bool get_keyword_entry(struct bytes *in, uint8_t *ret_number, slice *ret_name);

/* "delivered"; NULL for a type that is not ours. */
const char *record_name(uint8_t type);

#endif
