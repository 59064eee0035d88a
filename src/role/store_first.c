/* role/store_first.c - the mailboxes that an account begins with (mailbox.special_use).
 *
 * They are made when its first IMAP session comes, before that is spoken to, and never again:
 * who deletes one is rid of it. An account in which somebody made a mailbox gets none, nor, so
 * that nobody waits, does one whose disk fails just then. */
#include "role/store_impl.h"

static const struct account_first first[] = {     /* RFC 6154 */
	{ slice_lit("Archive"), USE_ARCHIVE }, { slice_lit("Drafts"), USE_DRAFTS },
	{ slice_lit("Junk"), USE_JUNK }, { slice_lit("Sent"), USE_SENT },
	{ slice_lit("Trash"), USE_TRASH },
};

/* Each mailbox takes a UIDVALIDITY of its own, also one that the disk refused, and INBOX had
 * the first. */
static bool had_others(const struct account *a)
{
	return a->uidvalidity_next != a->state.head.uidvalidity + 1;
}

static bool make(struct box *box, struct box_change *change)
{
	return !had_others(box->account) && account_create_first(box->account, first,
	    sizeof first / sizeof *first) == ACCOUNT_CHANGED;
}

static void landed(struct box *box, struct box_change *change, bool ok)
{
	box->first_waits = false;
}

bool store_first_step(struct box *box)
{
	static const struct change_kind kind = { .make = make, .landed = landed };

	if (box->first_waits)
		return true;
	if (!box->store->frame.config->special_use || list_empty(&box->imap) ||
	    box->account->state.head.uidvalidity == 0 || had_others(box->account))
		return false;
	box->first_waits = true;
	box_change(box, &box->first, &kind);
	(void)box_changes_step(box);
	return box->first_waits;
}
