/* queue/entry.h - a message that waits for another host, as it stands in the queue's
 * log (LOG_QUEUE).
 *
 * One entry is one message for the recipients of one domain. Each record of an
 * entry says all of it: the last one counts. Its trace and body are an entry of a
 * pack (pack/pack.h; owner QUEUE_PACKS).
 *
 *   BEGIN first in each file: the first file of its chain
 *   ENTRY, GONE
 *   KNOWN recipients that are over, but that the journal may still hold: 16 bytes of
 *         each, its message id and index. They must not be taken anew
 *   WHOLE all that is to be known stands between the chain's begin and here: files
 *         before it are not needed */
#ifndef QUEUE_ENTRY_H
#define QUEUE_ENTRY_H

#include "base/arena.h"
#include "base/bytes.h"
#include "journal/message_id.h"
#include "pack/pack.h"

enum queue_record { QUEUE_BEGIN = 1, QUEUE_ENTRY = 2, QUEUE_GONE = 3, QUEUE_WHOLE = 4,
	QUEUE_KNOWN = 5 };

enum { QUEUE_KEY = 16 };

enum { QUEUE_PACKS = 1 };               /* owner of the packs' entries */

enum queue_state {
	QUEUE_WAITING,
	QUEUE_FAILED,                   /* for good: its sender has to be told */
};

struct queue_recipient {
	uint16_t index;                 /* of the message's targets: the key, with its id */
	uint8_t state;                  /* enum queue_state */
	slice address;                  /* at most SEALED_ADDRESS_MAX */
	slice reply;                    /* the last word on it, for people and reports; at most
	                                 * QUEUE_REPLY_MAX, printable */
};

struct queue_entry {
	uint64_t number;                /* its name; random, never 0 */
	struct message_id id;
	int64_t received_us;            /* wall clock: when the message was accepted */
	int64_t next_us;                /* wall clock: not before */
	uint16_t tries;
	uint16_t reports;               /* DSNs made so far */
	uint8_t flags;                  /* QUEUE_* */
	uint16_t needs;                 /* JOURNAL_SMTPUTF8, JOURNAL_8BITMIME */
	slice sender;                   /* empty: <> */
	struct pack_place place;
	struct pack_body body;
	uint16_t n_recipients;          /* 1 .. QUEUE_RECIPIENTS_MAX */
	struct queue_recipient *recipients;
};

enum { QUEUE_HELD = 1, QUEUE_WARNED = 2 };

void queue_entry_write(const struct queue_entry *entry, struct buffer *out);
/* Borrowed from `payload`; the list comes from `arena`. False: not one that we know. */
bool queue_entry_read(slice payload, struct arena *arena, struct queue_entry *ret);

/* GONE: the number of the entry; BEGIN: that of a file. */
void queue_number_write(uint64_t number, struct buffer *out);
bool queue_number_read(slice payload, uint64_t *ret_number);

#endif
