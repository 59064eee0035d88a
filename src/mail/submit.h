/* mail/submit.h - what submission does to a header (RFC 6409 s8, RFC 5322 s3.6):
 * whom it claims to be from, what it lacks, what must not travel.
 *
 * The caller holds the head of the message in memory (up to a bound of its own)
 * and asks again with more of it until the header has ended. */
#ifndef MAIL_SUBMIT_H
#define MAIL_SUBMIT_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/slice.h"

enum submit_result {
	SUBMIT_OK,
	SUBMIT_MORE,            /* the header has not ended */
	SUBMIT_BAD_FROM,        /* From or Sender cannot be read */
	SUBMIT_TWICE,           /* two From, or two Sender: readers differ on which counts */
	SUBMIT_BAD_HEADER,      /* a line behind fields is none: readers differ on whether
	                         * the header goes on behind it */
	SUBMIT_MANY,            /* over SUBMIT_AUTHORS_MAX addresses */
};

struct submission {
	bool has_date, has_message_id;
	/* Every address of From and of Sender, in the form of mailbox.h; the
	 * account must own them all. */
	slice authors[SUBMIT_AUTHORS_MAX];
	size_t n_authors;
	/* Fields that go: Bcc and Resent-Bcc, as [from, to) of the head. */
	struct submit_cut {
		size_t from, to;
	} cuts[SUBMIT_CUTS_MAX];
	size_t n_cuts;
	size_t header_len;      /* with the blank line, if there is one */
};

/* head: the message from its first byte; final: it is all of it. Authors come
 * from `arena`, which must have room for SUBMIT_ARENA_MAX. */
enum submit_result submit_read(slice head, bool final, struct arena *arena,
    struct submission *ret) __attribute__((warn_unused_result));

/* Take the cuts out of `len` bytes at `bytes`, in place; the new length. */
size_t submit_cut(const struct submission *s, unsigned char *bytes, size_t len);

/* Append the fields that are missing. unique: for the Message-ID. */
void submit_add_fields(const struct submission *s, int64_t wall_us, slice unique,
    slice hostname, struct buffer *out);

#endif
