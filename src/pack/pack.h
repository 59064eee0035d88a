/* pack/pack.h - the bodies of an account's messages, one after the other.
 *
 *   | header prefix frames | header prefix frames | ...
 *
 * An entry is a header of 64 bytes, the trace prefix (Return-Path, Delivered-To,
 * Received ...: text with CRLF, not compressed), and the zstd frames of the body
 * as they came from the journal: nothing is compressed twice. The prefix stands
 * here and not in the account's log: a base would have to copy every prefix, and
 * a read would need two files.
 *
 * A message as read is the prefix and then the decompressed body.
 *
 * (1) Append-only. An account's log says which entries count; a pack that saw a
 *     failed write or sync gets no more entries, nor does one of an earlier life.
 * (2) The header's checksum covers header and prefix, with owner, pack number
 *     and offset: an entry at another place is damage. The body's checksum is
 *     the one that travelled with the body since it was accepted.
 * (3) Reading judges all of an entry before it gives out the first byte, and what
 *     it must read again before it gives out the last.
 *
 * The writers are pure. The reader reads with os.h, blocking: for the pool. */
#ifndef PACK_PACK_H
#define PACK_PACK_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/checksum.h"
#include "os/os.h"
#include "pack/unzip.h"

enum { PACK_ENTRY = 64, PACK_VERSION = 1 };

enum pack_result {
	PACK_OK,
	PACK_END,               /* all was given out */
	PACK_DAMAGED,           /* a checksum, a length or a frame is wrong, or bytes lack */
	PACK_NEWER,             /* written by a later Posthouse */
	PACK_IO,                /* the disk failed */
};

/* Where an entry is. */
struct pack_place {
	uint64_t owner;                 /* the account */
	uint32_t number;                /* NNN of the file */
	uint32_t offset;
};

struct pack_body {
	uint64_t size;                  /* decompressed, all frames */
	uint64_t stored;                /* bytes of all frames */
	uint64_t checksum;              /* checksum64 of the stored bytes, seed 0 */
};

/* Append header and prefix of an entry; body.stored bytes of frames must follow.
 * prefix is at most PACK_PREFIX_MAX. */
void pack_entry_write(struct buffer *out, struct pack_place place, slice prefix,
    struct pack_body body);
/* The entry at the front of bytes in memory, which go on to the end of the pack.
 * Judges header and prefix, and that there is room for the body. Borrowed. */
enum pack_result pack_entry_parse(slice bytes, struct pack_place place, slice *ret_prefix,
    struct pack_body *ret_body);
/* Bytes of the whole entry. */
uint64_t pack_entry_len(slice prefix, struct pack_body body);

/* ---- reader ---- */

struct pack_reader {
	struct os *os;
	struct heap *heap;
	int fd;
	struct pack_unzip *unzip;       /* borrowed; may be set once it is open */
	slice ahead;                    /* while it is opened: from ahead_at on */
	uint64_t ahead_at;
	slice prefix;                   /* owned */
	struct pack_body body;
	uint64_t frames_at;             /* offset of the first frame */
	uint64_t read;                  /* stored bytes that are, or were, in the window */
	uint64_t given;                 /* of the body */
	bool prefix_given;
	unsigned char *stored;          /* a window on the frames */
	size_t stored_from, stored_to;  /* what is in it, not yet decompressed */
	size_t stored_room;             /* BODY_FRAME_STORED_MAX, or the body if shorter */
	unsigned char *raw;
	size_t raw_room;                /* BODY_FRAME_RAW, or the body if shorter */
	bool judges_again;              /* the window can't hold all that was judged */
	struct checksum_stream again;
};

/* Read and check the entry at `place` of the file fd (borrowed). Memory comes
 * from heap, which nobody else may use meanwhile. The reader stays where it is
 * until it is closed. Unless it returns PACK_OK there
 * is nothing to close. */
enum pack_result pack_reader_open(struct pack_reader *r, struct os *os, struct heap *heap,
    int fd, struct pack_place place);
void pack_reader_close(struct pack_reader *r);

/* The same for a body that stands alone, its first frame at frames_at: in a
 * journal's record or a spool file. No prefix. */
enum pack_result pack_reader_open_body(struct pack_reader *r, struct os *os, struct heap *heap,
    int fd, uint64_t frames_at, struct pack_body body);

/* Bytes of the message: prefix and body. */
uint64_t pack_reader_size(const struct pack_reader *r);

/* The next piece: the prefix, then one frame at a time, at most BODY_FRAME_RAW
 * bytes; never empty with PACK_OK. Borrowed until the next call. PACK_DAMAGED after
 * some pieces: bits turned since it was opened, and those may be wrong too. */
enum pack_result pack_reader_next(struct pack_reader *r, slice *ret_piece);

/* ---- for those who check packs ---- */

/* Header and prefix of the entry at `place`, without its body. The prefix is the
 * caller's, to be freed. */
enum pack_result pack_look(struct os *os, struct heap *heap, int fd, struct pack_place place,
    slice *ret_prefix, struct pack_body *ret_body);

/* Open an entry whose body does not fit its checksum, to save what is left of it:
 * frames come until one is damaged, and what comes may be wrong. */
enum pack_result pack_reader_open_damaged(struct pack_reader *r, struct os *os,
    struct heap *heap, int fd, struct pack_place place);

/* Copy the entry of `in` at `from`, with that prefix and body (pack_look), to `to`, of the file `out`.
 * Returns 0 or -errno; *ret_checksum is that of the body's bytes as they were read: where it
 * is not body.checksum, they are damaged in both places. */
int pack_copy(struct os *os, struct heap *heap, int in, struct pack_place from, int out,
    struct pack_place to, slice prefix, struct pack_body body, uint64_t *ret_checksum);

/* Move place->offset to the first entry from there on and below `end` whose header
 * and prefix are whole: behind damage nobody knows where the next one begins.
 * PACK_END: there is none. */
enum pack_result pack_find(struct os *os, struct heap *heap, int fd, uint64_t end,
    struct pack_place *place);

#endif
