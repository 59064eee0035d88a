/* mail/dsn.h - the report that a message failed or is delayed (RFC 3461, RFC 3462, RFC 3464). */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

struct dsn_recipient {
	slice address;
	slice reply;            /* "550 5.1.1 nobody", or our own words: "4.4.7 ..." */
};

struct dsn {
	bool delayed;           /* it is tried further; otherwise it failed */
	slice hostname;         /* ours: the reporting MTA */
	slice to;               /* the message's sender: never empty */
	slice id;               /* unique: for Message-ID and boundary */
	slice envelope_id;      /* what our 250 said: "queued as" */
	int64_t now_us, arrival_us, until_us;   /* until: the last attempt, when delayed */
	const struct dsn_recipient *recipients;
	size_t n_recipients;
	slice head;             /* the message's header, or the beginning of it; CRLF */
};

/* Append the whole message, CRLF. */
void dsn_write(const struct dsn *dsn, struct buffer *out);

/* The enhanced status that words begin with, "5.1.1", if its class is `class` ('4', '5')
 * and it is written as RFC 3463 s2 and RFC 3464 s2.3.4 say; else an empty slice. */
slice dsn_enhanced(slice words, unsigned char class);

/* "5.1.1" out of a reply; without one, "5.0.0" or "4.0.0" by its code. */
enum { DSN_STATUS_TEXT = 12 };
const char *dsn_status(slice reply, bool delayed, char ret_text[DSN_STATUS_TEXT]);

#endif
