/* mail/mailbox.h - the mailboxes of From, Sender, To and the like (RFC 5322
 * s3.4 with the obsolete forms of s4.4; RFC 6532 for UTF-8).
 *
 *   struct mailbox_reader r = mailbox_reader_init(value);
 *   while (mailbox_next(&r, arena, &m) == MAILBOX_OK) ...
 *
 * Comments, folds, source routes and empty list members are passed over;
 * groups are opened, their members given one by one. Nothing recurses. */
#ifndef MAIL_MAILBOX_H
#define MAIL_MAILBOX_H

#include "base/arena.h"
#include "mail/address.h"

struct mailbox {
	slice name;             /* display-name as written, borrowed; empty: none */
	slice group;            /* the group's name as written, borrowed; empty: none */
	/* From the arena: its local part as local_quoted() spells it. It is what
	 * RFC 5322 allows, which is more than address_parse() takes. */
	struct address address;
};

enum mailbox_result {
	MAILBOX_OK,
	MAILBOX_END,            /* nothing is left */
	MAILBOX_BAD,            /* what follows is no address-list, or over a limit */
};

struct mailbox_reader {
	slice rest;
	slice group;
	bool in_group;
	unsigned n;
};

/* value: the field's value, folded or not; borrowed. */
struct mailbox_reader mailbox_reader_init(slice value);

/* The arena must have room for 8 * MAILBOX_PART_MAX bytes a mailbox. */
enum mailbox_result mailbox_next(struct mailbox_reader *r, struct arena *arena,
    struct mailbox *ret) __attribute__((warn_unused_result));

#endif
