/* log/log.h - checksummed records in segments (DESIGN section 4, log rules).
 *
 * A segment is one file. Its first 4 KiB are the head: which use of the file
 * this is (a fresh random generation), what it holds, how large it is. Records
 * follow in batches. A batch starts on 4 KiB, with a mark that says up to
 * which offset everything was synced before; a record's checksum covers
 * generation, offset and sequence, so what an earlier use left behind never
 * counts.
 *
 *   0        4096                 8192
 *   | head   | mark rec rec rec 0 | mark rec ...            | zeros or old bytes
 *
 * Nothing here does I/O: the writer turns records into bytes for an offset, the
 * reader takes bytes and gives records. Whoever holds the descriptor writes,
 * syncs and reads, in pool work.
 *
 *   writer: log_append* -> log_take -> (pwrite, sync) -> log_synced
 *                                                   '--> log_failed: finished
 *
 * (1) No process appends to a segment that an earlier life opened.
 * (2) A record never crosses the end of its segment.
 * (3) Damage below the highest synced_to of any later mark is LOG_ROT: reading
 *     goes on behind it. Above it is a torn tail: LOG_END.
 * (4) A mark names the sequence of the record before it, so a reader tells
 *     padding (nothing is missing) from records that were lost.
 * (5) A reader gives sequences that rise, each below its offset: what counts
 *     them in an array stays bounded, whoever wrote them.
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/heap.h"
#include "base/slice.h"

enum {
	LOG_BLOCK = 4096,               /* head, and alignment of batches */
	LOG_VERSION = 1,
	LOG_RECORD_MAX = 1024 * 1024,   /* payload */
	LOG_SEGMENT_MAX = 1 << 30,      /* offsets fit in 32 bits */
	LOG_RECORD_MIN = 24,            /* bytes that the shortest record takes */
};

enum log_kind { LOG_JOURNAL = 1, LOG_ACCOUNT = 2, LOG_QUEUE = 3, LOG_DONE = 4, LOG_PARKED = 5 };

struct log_head {
	enum log_kind kind;
	uint16_t producer;              /* who writes it; 0 where that means nothing */
	uint64_t generation;            /* 0: the segment is free */
	uint64_t owner;                 /* account, or 0 */
	uint32_t number;                /* NNN of the file name, against mix-ups */
	uint32_t size;                  /* bytes that the file may have */
};

enum log_head_result { LOG_HEAD_OK, LOG_HEAD_DAMAGED, LOG_HEAD_NEWER };

/* LOG_BLOCK bytes into ret_block: two equal copies, each within one sector, so
 * that neither a torn write nor one bad sector makes a head unreadable. */
void log_head_write(const struct log_head *head, unsigned char *ret_block);
/* NEWER: written by a later Posthouse; refuse to touch it. */
enum log_head_result log_head_read(slice block, struct log_head *ret_head);

/* Does this block, at `offset` of a file that is never recycled, begin with a mark that
 * says that a batch before it was synced? Then so was the head, even if it can't be
 * read. */
bool log_says_synced(slice block, uint32_t offset);

/* ---- writer ---- */

struct log_writer {
	struct heap *heap;
	struct log_head head;
	struct buffer pending;          /* appended, not taken */
	struct buffer taken;            /* given out, until log_taken_done */
	uint32_t pending_at;            /* offset of its first byte */
	uint32_t taken_to;              /* end of what log_take gave out */
	uint32_t synced_to;             /* all below is on disk */
	uint32_t sequence;              /* of the next record, from 1 */
	bool in_batch;                  /* the current batch may still grow */
	bool mark_pending;              /* pending begins with a mark to be filled in */
	bool failed;
};

/* Starts behind the head of a fresh segment, which the caller has written or
 * will write and sync before or with the first batch. */
void log_writer_init(struct log_writer *w, struct heap *heap, const struct log_head *head);
void log_writer_finish(struct log_writer *w);

/* Bytes of payload that still fit, as one record in a new batch. */
uint32_t log_writer_room(const struct log_writer *w);

/* Append one record of the concatenated parts. type is the user's, 1..255.
 * Returns false when it does not fit (or the writer failed): take a new
 * segment. The record's sequence and offset are what a reader will see. */
bool log_append(struct log_writer *w, uint8_t type, const slice *parts, size_t n,
    uint32_t *ret_sequence, uint32_t *ret_offset) __attribute__((warn_unused_result));

/* What must be written at *ret_offset. Borrowed; valid until log_taken_done,
 * which must come before the next take; appends may go on meanwhile.
 * After a take the next append starts a new batch only if `close` is true: a
 * log that syncs rarely (a cold account) lets a batch grow between syncs. With
 * close the bytes end on LOG_BLOCK (zeros). Empty when there is nothing. */
slice log_take(struct log_writer *w, bool close, uint32_t *ret_offset);
/* The taken bytes were written: forget them. */
void log_taken_done(struct log_writer *w);

/* A sync that began after everything below `offset` was written succeeded. A
 * batch that is on disk as a whole grows no more: nothing rewrites its blocks. */
void log_synced(struct log_writer *w, uint32_t offset);
/* A write or sync failed: nothing above synced_to counts, nothing more goes in. */
void log_failed(struct log_writer *w);

/* ---- reader ---- */

struct log_record {
	uint8_t type;
	uint32_t sequence;
	uint32_t offset;                /* where it starts in the segment */
	uint32_t next;                  /* where reading goes on; in a cut file it may lie
	                                 * some bytes of padding behind the end */
	slice payload;                  /* borrowed from the window */
};

enum log_read {
	LOG_RECORD,             /* *ret_record is one */
	LOG_MORE,               /* the window ends first, or (after LOG_ROT) starts too
	                         * late: give one that starts at r->offset and has at
	                         * least *ret_need bytes, or to the file's end */
	LOG_END,                /* nothing committed follows: end, or torn tail */
	LOG_ROT,                /* [*ret_from, *ret_to) is damaged and was once synced;
	                         * call again to go on behind it */
};

struct log_reader {
	struct log_head head;
	uint32_t offset;                /* the next record, or mark, or padding */
	uint32_t sequence;              /* of the last record */
	uint32_t synced_to;             /* highest seen in a mark; who knows more may raise it */
	uint32_t limit;                 /* never read at or above; head.size for all; may grow */
	/* Looking behind damage: */
	bool scanning;
	uint32_t damage_from;           /* the first byte that nobody understands */
	uint32_t zeros_to;              /* behind the zeros there, in the same block */
	uint32_t found;                 /* where reading can go on, or 0 */
	uint32_t found_sequence;
	uint64_t salvage_left;          /* bytes of checksums still spent on single records */
};

void log_reader_init(struct log_reader *r, const struct log_head *head, uint32_t limit);
/* Go on from a record's `next` that an earlier reader reported. */
void log_reader_resume(struct log_reader *r, uint32_t next, uint32_t sequence);

/* window holds the file from window_at on. `final` says that the window ends
 * where the file does (or at r->limit). LOG_END is not for ever: raise limit and
 * call again. Two readers of the same bytes see the same, whatever the windows. */
enum log_read log_next(struct log_reader *r, slice window, uint32_t window_at, bool final,
    struct log_record *ret_record, uint32_t *ret_from, uint32_t *ret_to, uint32_t *ret_need);

#endif
