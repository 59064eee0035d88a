/* journal/record.h - the COMMIT record: one message on its way.
 *
 * Written by whoever originates a message (edge), read by the router. A 250
 * means that this record is on disk. */
#ifndef JOURNAL_RECORD_H
#define JOURNAL_RECORD_H

#include "base/arena.h"
#include "base/bytes.h"
#include "journal/message_id.h"

enum journal_type {
	JOURNAL_COMMIT = 1,
};

/* The body: zstd frames of at most BODY_FRAME_RAW bytes each, every one complete
 * in itself, in order; inside the record, or in a spool file from offset 0. */
struct journal_body {
	uint64_t size;                  /* decompressed, all frames */
	uint64_t stored;                /* bytes of all frames */
	uint64_t checksum;              /* checksum64 of the stored bytes, seed 0 */
	uint64_t spool;                 /* id, or 0: the frames are in `frames` */
	slice frames;
};

struct journal_commit {
	uint64_t transaction;           /* what the seals name */
	int64_t received_us;            /* wall clock */
	slice sender;                   /* reverse-path without brackets; empty for <> */
	slice trace;                    /* header lines that go on top of the body: Received,
	                                 * and what a submission lacked; CRLF at its end */
	uint16_t flags;                 /* JOURNAL_* */
	uint16_t n_recipients;
	slice *sealed;                  /* n_recipients, each from the directory */
	struct journal_body body;
};

enum { JOURNAL_SMTPUTF8 = 1, JOURNAL_8BITMIME = 2, JOURNAL_SUBMISSION = 4 };

/* Append the payload to *out; frames last. */
void journal_commit_write(const struct journal_commit *commit, struct buffer *out);
/* False: not a COMMIT of a version we know. Borrowed from `payload`; the list
 * comes from `arena`. */
bool journal_commit_read(slice payload, struct arena *arena, struct journal_commit *ret);

#endif
