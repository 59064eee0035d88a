/* sim/plant.c - the mistakes, by name. */
#include "sim/plant.h"

const struct plant plants[PLANTS] = {
	{ "early-250", OS_PLANT_EARLY_250,
	    "the edge answers 250 when the record is written, before the sync" },
	{ "early-done", OS_PLANT_EARLY_DONE,
	    "the router calls a record done when a store has it, before its checkpoint" },
	{ "old-record", OS_PLANT_OLD_RECORD,
	    "checksums leave out the generation: a recycled segment's old records count" },
	{ "sync-again", OS_PLANT_SYNC_AGAIN,
	    "a sync that failed is tried again, and what the second says is believed" },
	{ "counted-uidl", OS_PLANT_COUNTED_UIDL,
	    "UIDLs come from a counter in memory, not from the records" },
	{ "null-bounce", OS_PLANT_NULL_BOUNCE,
	    "a report on a message with the null sender goes to the postmaster" },
	{ "early-queued", OS_PLANT_EARLY_QUEUED,
	    "the router hears that mail is in the queue before the queue's log is synced" },
	{ "quiet-store", OS_PLANT_QUIET_STORE,
	    "a STORE gives the modseq of the change before it to its messages" },
	{ "vanished-less", OS_PLANT_VANISHED_LESS,
	    "VANISHED (EARLIER) leaves out the last UID of each range" },
	{ "uid-again", OS_PLANT_UID_AGAIN,
	    "UIDs go on behind the last message that is there, not the last UID given" },
	{ "copyuid", OS_PLANT_COPYUID,
	    "COPYUID counts from the mailbox's UIDNEXT; UIDs count through the account" },
	{ "unheard", OS_PLANT_UNHEARD,
	    "the sessions that have the mailbox selected are not told of another's STORE" },
	{ "flags-unsynced", OS_PLANT_FLAGS_UNSYNCED,
	    "an account's log is not synced when only flags change" },
};

const struct plant *plant_find(slice name)
{
	for (size_t i = 0; i < PLANTS; i++) {
		if (slice_equal(name, slice_from(plants[i].name)))
			return &plants[i];
	}
	return NULL;
}
