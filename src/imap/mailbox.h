/* imap/mailbox.h - names of mailboxes: modified UTF-7 (RFC 3501 s5.1.3), the hierarchy, and
 * what LIST's patterns fit (RFC 9051 s6.3.9).
 *
 * Here names are UTF-8 with "/" between their levels, and INBOX is always spelt so; clients
 * of IMAP4rev1 are told and tell them in modified UTF-7. */
#ifndef IMAP_MAILBOX_H
#define IMAP_MAILBOX_H

#include "base/buffer.h"
#include "base/limits.h"

#define IMAP_DELIMITER '/'

/* Append the name in UTF-8. False, and nothing is appended: it is no modified UTF-7 as
 * RFC 3501 wants it (no way to write a character but the shortest), or there is no room. */
bool imap_utf7_read(slice text, struct buffer *out);
/* Append UTF-8 as modified UTF-7; at most 3 octets become 8. False: no room. */
bool imap_utf7_write(slice name, struct buffer *out);

enum imap_name_result {
	IMAP_NAME_OK,
	IMAP_NAME_EMPTY,                /* nothing, or nothing on some level: "/a", "a//b", "a/" */
	IMAP_NAME_CHARACTER,            /* a control character, U+2028, U+2029, or no UTF-8 */
	IMAP_NAME_LONG,                 /* over IMAP_NAME_MAX octets or IMAP_LEVELS_MAX levels */
};

/* May a mailbox have that name? */
enum imap_name_result imap_name_judge(slice name);

/* Is it INBOX, in letters of any case? */
bool imap_name_is_inbox(slice name);
/* Is its first level that? "inbox/a" is below INBOX (RFC 9051 s5.1). */
bool imap_name_in_inbox(slice name);
/* Do they name one mailbox? All levels but that one go by their octets. */
bool imap_name_same(slice a, slice b);
/* The name as it is kept, with that level spelt INBOX: itself, or of `room`. One that is
 * too long for any mailbox is left as it is. */
slice imap_name_spelt(slice name, unsigned char room[IMAP_NAME_MAX]);

/* Does "*" (any octets) and "%" (any but the delimiter) make the pattern fit all of the name?
 * INBOX, and what is below it, fits in letters of any case there. Takes time name * pattern, at
 * most. */
bool imap_name_fits(slice name, slice pattern);

#endif
