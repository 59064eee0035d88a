/* imap/digest.h - what is remembered of a message that was read: enough for what clients ask of
 * all messages, when they list a mailbox or search by its headers.
 *
 *   record  u32 header  u32 envelope  u32 structure     lengths; UINT32_MAX: not known
 *           header envelope structure
 *
 * An answer made of it is the same, octet by octet, as one that is made of the message. */
#ifndef IMAP_DIGEST_H
#define IMAP_DIGEST_H

#include "base/buffer.h"
#include "base/slice.h"

/* Raise it with each change to what ENVELOPE or BODYSTRUCTURE of any message are, or to where a
 * header ends: what was remembered before is forgotten. */
enum { IMAP_DIGEST_VERSION = 1 };

enum { IMAP_DIGEST_LENGTHS = 12 };      /* octets in front */

enum {                                  /* bits */
	IMAP_DIGEST_HEADER = 1,
	IMAP_DIGEST_ENVELOPE = 2,
	IMAP_DIGEST_STRUCTURE = 4,
};

struct imap_digest {
	unsigned has;                   /* these of it */
	slice header;                   /* mime_header() */
	slice envelope, structure;      /* as FETCH tells them */
};

/* Append it as a record. */
void imap_digest_write(const struct imap_digest *digest, struct buffer *out);
/* False: it is none. Borrowed. */
bool imap_digest_read(slice record, struct imap_digest *ret);

#endif
