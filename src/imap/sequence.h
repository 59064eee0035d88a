/* imap/sequence.h - sets of message numbers or UIDs (RFC 9051 s9, sequence-set), as they are
 * written by clients and told to them.
 *
 *   "4,2:3,*"  ->  ranges ascending and apart:  2:4, last
 *
 * "*" is the largest number in use; a range may be written from either end. */
#ifndef IMAP_SEQUENCE_H
#define IMAP_SEQUENCE_H

#include "base/arena.h"
#include "base/buffer.h"

struct imap_range {
	uint32_t first, last;           /* both in it; first <= last; never 0 */
};

struct imap_set {
	struct imap_range *ranges;      /* of the arena; ascending, with a gap between them */
	size_t n;
};

enum imap_set_result {
	IMAP_SET_OK,
	IMAP_SET_BAD,                   /* none of the grammar */
	IMAP_SET_MANY,                  /* over IMAP_RANGES_MAX as it is written */
};

/* All of text. star: what "*" is; when that is 0 (an empty mailbox) a set with "*" in it has
 * no more than what else it names. The arena needs sizeof(struct imap_range) for each range. */
enum imap_set_result imap_set_read(slice text, uint32_t star, struct arena *arena,
    struct imap_set *ret) __attribute__((warn_unused_result));

bool imap_set_has(const struct imap_set *set, uint32_t number);
bool imap_set_overlaps(const struct imap_set *set, uint32_t first, uint32_t last);

/* Append ranges, ascending and apart, as a set: "2:4,9". A writer begins zeroed but for `out`; the
 * last is written by imap_set_finish(). False: something had no room. */
struct imap_set_writer {
	struct buffer *out;
	struct imap_range open;         /* not yet written; first 0: none */
	bool some, full;
};

void imap_set_add(struct imap_set_writer *w, uint32_t first, uint32_t last);
bool imap_set_finish(struct imap_set_writer *w);

#endif
