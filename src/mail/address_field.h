/* mail/address_field.h - From, To and the like as they are shown, and as IMAP tells them
 * (RFC 5322 s3.4, RFC 9051 s7.5.2): members, groups, names decoded. Never fails.
 *
 * What mail/mailbox.h reads is read as it reads it, but for an address that mail/shown.h
 * would not show as it is; that, and what is refused, is given in words. */
#ifndef MAIL_ADDRESS_FIELD_H
#define MAIL_ADDRESS_FIELD_H

#include "base/arena.h"
#include "mail/charset.h"

enum address_kind {
	ADDRESS_MAILBOX,
	ADDRESS_UNREADABLE,             /* text that holds no address, as its name */
	ADDRESS_GROUP,                  /* a group begins; its name */
	ADDRESS_GROUP_END,              /* nothing else is set */
};

struct address_member {
	enum address_kind kind;
	slice name;                     /* UTF-8, of the arena: display-name, or a comment
	                                 * behind an address without one */
	slice written;                  /* the display-name as it stands, borrowed */
	slice local, domain;            /* as local_quoted() spells it; empty: none */
	slice address;                  /* local@domain, or a local part alone */
};

struct address_field {
	struct address_member *members;
	size_t n;                       /* at most MAILBOX_LIST_MAX; more are left out */
};

/* value: folded or not, of which ADDRESS_FIELD_MAX bytes are read. label: as header_text()
 * has it. charsets NULL: names are not decoded, but stand there with their
 * encoded words, as IMAP tells them. The arena must have ADDRESS_FIELD_ARENA_MAX. */
struct address_field address_field_read(slice value, struct charsets *charsets, slice label,
    struct arena *arena);

#endif
