/* sim/imap_reply.h - what a simulated IMAP client reads out of responses. */
#ifndef SIM_IMAP_REPLY_H
#define SIM_IMAP_REPLY_H

#include <stdint.h>

#include "base/slice.h"

/* Flags as bits; \Recent is left out. Devices have a keyword each. */
enum {
	IMAP_REPLY_SEEN = 1 << 0,
	IMAP_REPLY_ANSWERED = 1 << 1,
	IMAP_REPLY_FLAGGED = 1 << 2,
	IMAP_REPLY_DELETED = 1 << 3,
	IMAP_REPLY_DEVICE = 1 << 4,     /* of device 0; that of the next is the next bit */
	IMAP_REPLY_OTHER = 1 << 8,      /* one that nobody sets */
};

/* What a FETCH said of a message; 0 and false: it did not say. */
struct imap_sight {
	uint32_t uid;
	bool has_flags;
	unsigned flags;
	uint64_t modseq;
	uint64_t size, email;           /* RFC822.SIZE; EMAILID, hashed */
};

/* The text of a FETCH response, without literals. False: it is not understood. */
bool imap_reply_fetch(slice text, struct imap_sight *ret);

/* The arguments of a response code: "[NAME ARGUMENTS] words". False: it is not this one. */
bool imap_reply_code(slice text, const char *name, slice *ret_arguments);
uint64_t imap_reply_number(slice text);         /* of its first word; 0: none */

/* The next range of a set "1,3:5" or a list "1 3". False: there is none. */
bool imap_reply_range(slice *set, uint32_t *ret_first, uint32_t *ret_last);
bool imap_reply_set_has(slice set, uint32_t uid);

/* One UID after the other; begins zeroed but for the set. */
struct imap_uids {
	slice set;
	uint32_t at, last;
};

uint32_t imap_reply_uid(struct imap_uids *uids);        /* 0: there are no more */

#endif
