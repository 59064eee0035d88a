/* cli/repair_queue.c - the queue: verified, and repaired when it is damaged. */
#include <inttypes.h>
#include <string.h>

#include "cli/repair.h"
#include "queue/repair.h"

static void say(struct repair *r, const struct queue_verify *v, const struct queue_repair *done)
{
	repair_say(r, "queue: %" PRIu64 " entries wait as they did (%" PRIu64 " of them lose their "
	    "Received lines); %" PRIu64 " whose text can't be read are returned when the server "
	    "starts (%" PRIu64 " of them have no sender who could be told); %zu messages without "
	    "an entry are set aside", done->kept, done->bare, done->returned, done->silent,
	    v->n_unnamed);
}

static void repair_files(struct repair *r, struct queue_verify *v)
{
	struct queue_repair repair = { .verify = v, .aside = r->aside };
	int error = queue_repair(&repair);

	if (error != 0)
		repair_fault(r, "the queue: cannot %s: %s; nothing is lost, run repair again",
		    repair.step, strerror(-error));
	else
		say(r, v, &repair);
}

void repair_queue(struct repair *r)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct sieve sieve;
	struct queue_verify verify;

	sieve_init(&sieve, &r->in, "queue/");
	inspect_waiting(&r->in, heap, &sieve, &verify);
	for (size_t i = 0; i < sieve.n; i++)
		inspect_tell(&r->in, &sieve.list[i]);
	if (verify.damage > 0 && (verify.newer || verify.failed))
		repair_fault(r, "the queue: %s", verify.newer ? "a later Posthouse wrote to it" :
		    "the disk can't read it; copy the data folder to a sound one first");
	else if (verify.damage > 0 && r->dry_run)
		repair_say(r, "queue: damaged files, after what waits in them was written anew; "
		    "up to %zu entries, whose text can't be read, would be returned, %zu "
		    "messages without an entry set aside", verify.n_due, verify.n_unnamed);
	else if (verify.damage > 0 && repair_aside(r) >= 0)
		repair_files(r, &verify);
	sieve_free(&sieve);
	heap_drop(heap);
}
