/* directory/seal.h - a recipient decision that an edge cannot forge.
 *
 * The directory decides who a recipient is and seals the decision with a MAC
 * (keyed BLAKE2b, 128 bits, libsodium) over transaction, sender, recipient and
 * accounts. The edge carries the sealed bytes unread into the COMMIT record;
 * the router opens them and delivers to nobody else. The key is made by the
 * keeper at first start (file `seal.key`), and given to directory and router. */
#ifndef DIRECTORY_SEAL_H
#define DIRECTORY_SEAL_H

#include "base/arena.h"
#include "base/bytes.h"

enum { SEAL_KEY_LEN = 32, SEAL_MAC_LEN = 16 };

struct seal_key {
	unsigned char bytes[SEAL_KEY_LEN];
};

struct seal_target {
	uint64_t account;       /* 0: it is for another host ... */
	slice delivered_to;     /* ... at this address; otherwise that for Delivered-To */
};

struct sealed_recipient {
	uint64_t transaction;   /* the edge's random number for the transaction */
	slice sender;           /* reverse-path as in MAIL, without brackets; may be empty */
	slice recipient;        /* forward-path as in RCPT, without brackets */
	uint16_t n_targets;     /* 1..RECIPIENT_TARGETS_MAX */
	struct seal_target *targets;
};

/* Append the sealed bytes to *out (at most SEALED_MAX). */
void seal_recipient(const struct seal_key *key, const struct sealed_recipient *what,
    struct buffer *out);

/* False: not sealed by this key, or damaged. Slices are borrowed from `sealed`,
 * targets come from `arena` (false too when it has no room for them). */
bool seal_open(const struct seal_key *key, slice sealed, struct arena *arena,
    struct sealed_recipient *ret_what);

#endif
