/* journal/delivery.h - what the router hands to a store or to the relay: one message,
 * its recipients there (body of IPC_DELIVER). */
#ifndef JOURNAL_DELIVERY_H
#define JOURNAL_DELIVERY_H

#include "base/arena.h"
#include "base/bytes.h"
#include "journal/message_id.h"
#include "journal/record.h"

/* One effect on one account. (message id, recipient) is the key that makes a
 * delivery exactly once; `recipient` counts all targets of all recipients of
 * the record, in order, so it never depends on the number of stores. */
struct delivery_target {
	uint16_t recipient;
	uint64_t account;               /* 0: for the relay */
	slice delivered_to;             /* then: where to */
};

struct delivery {
	struct message_id id;
	int64_t received_us;
	uint16_t flags;                 /* JOURNAL_* of the record */
	slice sender;
	slice trace;
	uint16_t n_targets;
	struct delivery_target *targets;
	/* body.frames holds the frames up to DELIVERY_INLINE_MAX; otherwise they
	 * are in a file, from body_offset on. source 0: in the descriptor that came
	 * along, for this message alone. Else in that of the source, which came along
	 * with the first message of that source, and is good until IPC_SOURCE_OVER. */
	struct journal_body body;
	uint64_t source;
	uint64_t body_offset;
};

void delivery_write(const struct delivery *d, struct buffer *out);
bool delivery_read(struct bytes *in, struct arena *arena, struct delivery *ret);

/* How a target ended; in IPC_DELIVERED. */
enum delivery_result {
	DELIVERY_DURABLE,       /* on disk in the account, now or before */
	DELIVERY_NO_ACCOUNT,    /* removed meanwhile: for good */
	DELIVERY_LATER,         /* the store can't now (disk): hand it over again later */
};

#endif
