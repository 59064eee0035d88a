/* cli/repair_account.c - one account: surveyed, and repaired when it is damaged. */
#include <inttypes.h>
#include <string.h>

#include "account/repair.h"
#include "cli/repair.h"

static void prepare_birth(struct inspect *in, struct account_birth *birth)
{
	int64_t now = os_wall_us(in->os);
	uint32_t seconds = (uint32_t)(now / 1000000);

	*birth = (struct account_birth){ .uidvalidity = seconds != 0 ? seconds : 1,
	    .created_us = now };
	while (birth->generation == 0)
		birth->generation = os_random_u64(in->os);
	while (birth->base_generation == 0)
		birth->base_generation = os_random_u64(in->os);
}

static void say(struct repair *r, const struct account_survey *s, const char *name,
    uint64_t brought_back, uint64_t dropped)
{
	repair_say(r, "mailbox %s: %zu messages are as they were, %" PRIu64 " come back under new "
	    "UIDs, %" PRIu64 " can't be read and vanish%s%s", name,
	    s->state.n_rows - (r->dry_run ? (size_t)dropped : (size_t)brought_back),
	    brought_back, dropped, s->lost ? "; changes of the damaged log may be undone: what "
	    "was deleted may be there again" : "", s->state.head.uidvalidity == 0 ?
	    "; all UIDs are new" : "");
}

static void repair_one(struct repair *r, struct account_survey *survey, const char *name)
{
	struct account_repair repair = { .survey = survey, .aside = r->aside };
	int error;

	prepare_birth(&r->in, &repair.birth);
	error = account_repair(&repair);
	if (error != 0)
		repair_fault(r, "mailbox %s: cannot %s: %s; nothing is lost, run repair again",
		    name, repair.step, strerror(-error));
	else
		say(r, survey, name, repair.brought_back, repair.dropped);
}

void repair_account(struct inspect *in, uint64_t id)
{
	struct repair *r = (struct repair *)in;
	struct heap *heap = heap_create(SIZE_MAX);
	const char *address = inspect_address(in, id);
	struct account_survey survey;
	struct sieve sieve;
	char name[20];

	snprintf(name, sizeof name, "%016" PRIx64, id);
	if (address == NULL)
		address = name;
	in->read_accounts++;
	sieve_init(&sieve, in, "account/");
	inspect_survey(in, id, heap, &sieve, &survey);
	for (size_t i = 0; i < sieve.n; i++)
		inspect_tell(in, &sieve.list[i]);
	if (survey.damage > 0 && survey.newer)
		repair_fault(r, "mailbox %s: a later Posthouse wrote to it", address);
	else if (survey.damage > 0 && survey.failed)
		repair_fault(r, "mailbox %s: the disk can't read it; copy the data folder to a "
		    "sound one first", address);
	else if (survey.damage > 0 && r->dry_run)
		say(r, &survey, address, survey.n_unnamed, survey.n_bad);
	else if (survey.damage > 0 && repair_aside(r) >= 0)
		repair_one(r, &survey, address);
	sieve_free(&sieve);
	heap_drop(heap);
}
