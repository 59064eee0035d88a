/* sim/sound.c - verify's readers on a simulated disk. */
#include "sim/sound.h"

#include "account/folders.h"
#include "account/survey.h"
#include "directory/verify.h"
#include "journal/verify.h"
#include "queue/verify.h"

struct sound {
	struct finder finder;
	struct station *station;
	struct checker *checker;
	struct rot *rot;
	struct heap *heap;
	struct journal_verify journal;
	struct os *accounts;            /* the process that reads them */
};

static void tell(struct finder *finder, const struct finding *finding)
{
	struct sound *sound = (struct sound *)finder;

	if (finding->kind == FINDING_MESSAGE && rot_found(sound->rot, sound->station,
	    slice_from(finding->path), finding->from, finding->to))
		return;
	/* A power cut leaves the same in the directory's log as damage does, and verify
	 * says so. */
	if (!finding_is_note(finding->kind) &&
	    !slice_ends(slice_from(finding->path), slice_lit("-wal")))
		checker_fail(sound->checker, "verify of %s: %s, bytes %llu to %llu: %s",
		    sim_host_name(station_host(sound->station)), finding->path,
		    (unsigned long long)finding->from, (unsigned long long)finding->to,
		    finding->text);
}

/* A process whose root is this folder. */
static struct os *reader(struct sound *sound, const char *folder)
{
	struct os *os = sim_process_create(station_host(sound->station), "verify");
	const struct os_confinement may = { .files = true, .files_write = true };
	int fd = os_open(os, OS_ROOT, folder, OS_READ | OS_FOLDER);
	const char *step = NULL;

	if (fd < 0 || os_confine(os, &may, fd, -1, -1, &step) != 0)
		checker_fail(sound->checker, "verify can't open the folder %s", folder);
	return os;
}

static bool is_pending(void *context, struct message_id id)
{
	const struct sound *sound = context;

	return journal_is_pending(&sound->journal, id);
}

static void check_account(void *context, uint64_t id)
{
	struct sound *sound = context;
	struct heap *heap = heap_create(SIZE_MAX);
	struct account_survey survey = { .os = sound->accounts, .heap = heap,
	    .finder = &sound->finder, .account = id, .pending = is_pending, .context = sound };

	sound->finder.folder = "account/";
	account_survey(&survey);
	heap_drop(heap);
}

static void check_queue(struct sound *sound)
{
	struct os *os = reader(sound, "queue");
	struct queue_verify verify = { .os = os, .heap = heap_create(SIZE_MAX), .seed = 1,
	    .beside = true, .finder = &sound->finder, .pending = is_pending, .context = sound };

	sound->finder.folder = "queue/";
	queue_verify(&verify);
	if (verify.disk.n_files == 0)
		checker_fail(sound->checker, "verify sees no log of the queue");
	heap_drop(verify.heap);
	sim_kill(os);
}

static void count(void *context, uint64_t id, slice address)
{
	unsigned *n = context;

	(void)id;
	(void)address;
	++*n;
}

static void check_directory(struct sound *sound)
{
	struct os *os = reader(sound, ".");
	int from = os_open(os, OS_ROOT, "directory", OS_READ | OS_FOLDER), copy, error;
	unsigned n = 0;

	os_mkdir(os, OS_ROOT, "copy");
	copy = os_open(os, OS_ROOT, "copy", OS_READ | OS_FOLDER);
	error = directory_copy(os, from, copy);
	if (error != 0)
		checker_fail(sound->checker, "verify can't copy the directory: %d", error);
	else if (directory_verify(os, copy, &sound->finder, count, &n) &&
	    n < station_plan(sound->station)->accounts)        /* some come and go */
		checker_fail(sound->checker, "verify sees %u accounts", n);
	sim_kill(os);
}

void sound_check(struct station *s, struct checker *checker, struct rot *rot)
{
	struct sound sound = { .finder = { tell, NULL, "directory/" }, .station = s,
	    .checker = checker, .rot = rot, .heap = heap_create(SIZE_MAX) };
	struct os *journal;

	check_directory(&sound);
	journal = reader(&sound, "journal");
	sound.finder.folder = "journal/";
	sound.journal = (struct journal_verify){ .os = journal, .heap = sound.heap,
	    .finder = &sound.finder };
	journal_verify(&sound.journal, false);
	check_queue(&sound);
	sound.accounts = reader(&sound, "account");
	account_folders(sound.accounts, check_account, &sound);
	rot_check_found(rot, s);
	sim_kill(sound.accounts);
	sim_kill(journal);
	heap_drop(sound.heap);
}
