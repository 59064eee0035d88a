/* imap/describe.h - what FETCH tells of a message without its text: ENVELOPE, BODY and
 * BODYSTRUCTURE (RFC 9051 s7.5.2; RFC 3501 s7.4.2), of broken messages too.
 *
 * Both are always of the grammar, whatever the message is:
 *
 * - Fields are as they stand, unfolded; encoded words are the reader's to decode. Of several
 *   fields of a name the first counts; the addresses of up to IMAP_ADDRESS_FIELDS_MAX are told.
 * - An address without a domain has "" for one, since NIL means a group; text without an
 *   address is a name with "" for both.
 * - A multipart without parts has one that is empty; one that could not be taken apart
 *   (mail/mime.h) is text/plain, and a message/rfc822 that could not, application/octet-stream.
 *
 * Pure; nothing recurses. */
#ifndef IMAP_DESCRIBE_H
#define IMAP_DESCRIBE_H

#include "base/arena.h"
#include "imap/write.h"
#include "mail/mime.h"

/* The envelope that a header has, "(...)". `heap` is for scratch memory, at most
 * ADDRESS_FIELD_ARENA_MAX, which is given back. */
void imap_put_envelope(struct imap_writer *w, slice header, struct heap *heap);

/* The structure of a message; extended: with what BODYSTRUCTURE says beyond BODY. */
void imap_put_structure(struct imap_writer *w, const struct mime *m, bool extended,
    struct heap *heap);

#endif
