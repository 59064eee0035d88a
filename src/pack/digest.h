/* pack/digest.h - what is remembered of a pack's messages, so that they need not be read again:
 * the file NNN.digest beside NNN.pack.
 *
 *   | head rows records | head rows records | ...        a block: one for each batch
 *
 *   head  u32 magic  u32 version  u64 owner  u32 pack  u32 n  u32 first  u32 last  u32 len
 *         u32 0  u64 at  u64 checksum of the rows  u64 checksum of the head before it
 *   row   u32 offset  u32 stored  u32 len  u32 0  u64 checksum of the record
 *
 * What a record says is its maker's business, who changes `version` with it. `offset` and `stored`
 * are those of the message's entry in the pack: an entry never changes, so nor does what is true of it.
 *
 * (1) It is a cache: never synced, and made again when it is deleted, torn, damaged, or another version's.
 *     Nothing of it is believed without its checksum, which holds for one place of one file.
 * (2) Blocks are only appended. Of two records for a message the later one counts.
 * (3) In memory are the heads, 24 bytes for each batch that was ever read, not for each message.
 *
 * Formats are pure; the reader reads and appends with os.h, blocking: for the pool. One at a
 * time for an owner. */
#ifndef PACK_DIGEST_H
#define PACK_DIGEST_H

#include "base/buffer.h"
#include "pack/batch.h"

enum { DIGEST_HEAD = 64, DIGEST_ROW = 24 };

/* Whose, and written by whom. */
struct digest_place {
	uint64_t owner;
	uint32_t version, number;       /* of the pack */
};

struct digest_block {
	uint64_t at;                    /* of the file */
	uint32_t first, last;           /* offsets of entries, both inside */
	uint32_t n, len;                /* messages; bytes, all in all */
};

struct digest_row {
	uint32_t offset, stored;
	uint32_t len;                   /* of its record */
	uint64_t at;                    /* likewise: of the file */
	uint64_t checksum;
};

/* ---- pure ---- */

/* A block whose head stands there; false: none, or not ours. */
bool digest_head_read(slice head, struct digest_place place, uint64_t at, struct digest_block *ret);
/* Its rows, block->n of them; bytes: from the head to the first record. */
bool digest_rows_read(slice bytes, const struct digest_block *block, struct digest_row *ret_rows);

struct digest_writer {
	struct buffer rows, records;
	uint32_t first, last, n;
};

struct digest_writer digest_writer_init(struct heap *heap);
/* False: it is full, or a record is too long to be remembered. */
bool digest_writer_add(struct digest_writer *w, uint32_t offset, uint32_t stored, slice record);
/* All of it as a block to be written at `at`; then it is empty again. */
void digest_writer_finish(struct digest_writer *w, struct digest_place place, uint64_t at,
    struct buffer *out, struct digest_block *ret);

/* ---- in memory, of one owner ---- */

struct digest_pack {
	uint32_t number;
	bool closed;                    /* nothing more is appended in this life */
	uint64_t end;                   /* where the next block goes */
	struct digest_block *blocks;    /* in their order */
	size_t n, capacity;
};

struct digests {
	struct heap *heap;
	uint64_t owner;
	uint32_t version;
	struct digest_pack *packs;      /* those that were asked for */
	size_t n, capacity;
};

void digests_init(struct digests *d, struct heap *heap, uint64_t owner, uint32_t version);

/* ---- with files ---- */

struct digest_reader {
	struct os *os;
	struct heap *heap;              /* of what follows; the index has its own */
	struct digests *of;
	/* Opens the file of a pack with OS_* flags: a descriptor, or -errno. */
	int (*open)(void *context, uint32_t number, int flags);
	void *context;
	struct digest_pack *pack;       /* NULL: none is open */
	uint32_t number;                /* of it */
	int fd;
	struct digest_row *rows;        /* ascending by offset; of several for one, by age */
	size_t n_rows, rows_room;
	size_t row;                     /* of the last that was found */
	unsigned char *window;
	size_t window_len;
	uint64_t window_at;
	struct digest_writer writer;
	struct buffer block;
};

void digest_reader_init(struct digest_reader *r, struct os *os, struct heap *heap);
/* For one batch of messages. */
void digest_reader_begin(struct digest_reader *r, struct digests *of,
    int (*open)(void *context, uint32_t number, int flags), void *context);
/* The record of wants[i]; false: there is none. What comes behind i may be read ahead.
 * Borrowed until the next call. */
bool digest_reader_look(struct digest_reader *r, const struct pack_want *wants, size_t n, size_t i,
    slice *ret_record);
/* Remember a record for wants[i], which was looked for just now. */
void digest_reader_keep(struct digest_reader *r, const struct pack_want *want, slice record);
/* Write what is to be remembered, and close the file. */
void digest_reader_end(struct digest_reader *r);

#endif
