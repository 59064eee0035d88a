/* mail/received.h - the Received line that each hop adds (RFC 5321 s4.4). */
#ifndef MAIL_RECEIVED_H
#define MAIL_RECEIVED_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"

struct received {
	slice helo;             /* as the client said it; what is no name shows as "?" */
	bool extended;          /* EHLO */
	bool utf8, tls, auth;   /* what `with` says: UTF8SMTPSA and the like */
	slice peer_ip;          /* "192.0.2.1", "2001:db8::1"; empty: nobody sent it, it is our
	                         * own, and there is neither `from` nor `with` (RFC 5322 s3.6.7) */
	slice by;               /* our host name */
	slice tls_version, tls_cipher;  /* empty without TLS */
	slice id;
	slice recipient;        /* only when there is one (s7.2); empty: not said */
	int64_t wall_us;
};

/* "SMTP", "ESMTPSA", "UTF8SMTPS" (RFC 3848, RFC 6531 s4.3). */
const char *received_protocol(const struct received *r);

/* Append the field, folded, with CRLF; at most RECEIVED_MAX bytes. */
void received_write(const struct received *r, struct buffer *out);

#endif
