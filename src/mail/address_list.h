/* mail/address_list.h - addresses as people type them: "Alice <alice@x>, bob@x",
 * read into names in plain words and addresses in normal form. */
#ifndef MAIL_ADDRESS_LIST_H
#define MAIL_ADDRESS_LIST_H

#include "base/arena.h"
#include "mail/compose.h"

struct address_list {
	struct compose_mailbox *items;  /* each address once */
	size_t n;
	/* Its own. */
	struct arena *arena;
	size_t items_max;
};

enum address_list_result {
	ADDRESS_LIST_OK,
	ADDRESS_LIST_BAD,               /* no list, or holds what is no address */
	ADDRESS_LIST_MANY,              /* over items_max, or MAILBOX_LIST_MAX in one text */
};

/* Items and what they say are of `arena`: ADDRESS_LIST_ITEM_MAX each, and the text
 * that add() gets. */
struct address_list address_list_init(struct arena *arena, size_t items_max);

/* domain: for names that have none (mail/qualify.h); empty: they are BAD. What was
 * good before a fault stays. */
enum address_list_result address_list_add(struct address_list *list, slice text, slice domain)
    __attribute__((warn_unused_result));

/* One more, as it is, borrowed; nothing happens when the address is there. */
bool address_list_put(struct address_list *list, const struct compose_mailbox *mailbox)
    __attribute__((warn_unused_result));
bool address_list_put_all(struct address_list *list, const struct address_list *more)
    __attribute__((warn_unused_result));

#endif
