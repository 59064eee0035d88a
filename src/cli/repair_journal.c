/* cli/repair_journal.c - what journal/repair.h does, in words. */
#include <inttypes.h>
#include <string.h>

#include "cli/repair.h"
#include "directory/seal_targets.h"
#include "journal/repair.h"

static void repair_files(struct repair *r, const struct journal_verify *first)
{
	struct journal_repair repair = { .found = first, .aside = r->aside,
	    .targets = seal_targets, .context = &r->key };
	int error = journal_repair(&repair);

	if (error != 0 && repair.path[0] == '\0') {
		repair_fault(r, "the journal: what is left of it can't be written: %s",
		    strerror(-error));
		return;
	}
	if (error != 0)
		repair_fault(r, "journal/%s can't be set aside: %s", repair.path,
		    strerror(-error));
	repair_say(r, "journal: %" PRIu64 " damaged files set aside; %" PRIu64 " messages that "
	    "were not delivered yet are kept for delivery, %" PRIu64 " can't be read",
	    repair.files, repair.records, repair.unreadable);
}

void repair_journal(struct repair *r)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct sieve sieve;
	struct journal_verify first = { .os = r->in.os, .heap = heap, .finder = &sieve.finder };

	sieve_init(&sieve, &r->in, "journal/");
	inspect_root(&r->in, r->in.journal);
	journal_verify(&first, false);
	for (size_t i = 0; i < sieve.n; i++)
		inspect_tell(&r->in, &sieve.list[i]);
	if (first.damage > 0 && (first.newer || first.failed))
		repair_fault(r, "the journal: %s", first.newer ? "a later Posthouse wrote to it" :
		    "the disk can't read it; copy the data folder to a sound one first");
	else if (first.damage > 0 && r->dry_run)
		repair_say(r, "journal: damaged files, after messages in them were kept for "
		    "delivery");
	else if (first.damage > 0 && !r->has_key)
		repair_fault(r, "the journal: DATA/seal.key can't be read, and without it nobody "
		    "knows for whom its messages are; put it back from a backup");
	else if (first.damage > 0 && repair_aside(r) >= 0)
		repair_files(r, &first);
	sieve_free(&sieve);
	heap_drop(heap);
}
