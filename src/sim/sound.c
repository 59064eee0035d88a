/* sim/sound.c - verify's readers, and repair, on a simulated disk. */
#include "sim/sound.h"

#include <errno.h>
#include <string.h>

#include "account/folders.h"
#include "account/repair.h"
#include "directory/seal_targets.h"
#include "directory/verify.h"
#include "journal/repair.h"
#include "queue/repair.h"

struct sound {
	struct finder finder;
	struct station *station;
	struct checker *checker;
	struct heap *heap;
	struct journal_verify journal;
	struct os *accounts;            /* the process that reads them */
	const struct sound_look *look;
	/* sound_repair(): */
	bool ok;
	int aside;
	void (*account)(void *context, uint64_t id, bool log);
	void *context;
};

static void tell(struct finder *finder, const struct finding *finding)
{
	struct sound *sound = (struct sound *)finder;

	if (!finding_is_note(finding->kind))
		sound->look->tell(sound->look->context, finding);
}

static void on_record(void *context, const struct journal_file *file,
    const struct log_record *record, bool whole)
{
	struct sound *sound = context;

	(void)whole;
	sound->look->record(sound->look->context, sound->journal.os, file, record);
}

struct os *sound_reader(struct station *s, struct checker *checker, const char *folder)
{
	struct os *os = sim_process_create(station_host(s), "verify");
	const struct os_confinement may = { .files = true, .files_write = true };
	int fd = os_open(os, OS_ROOT, folder, OS_READ | OS_FOLDER);
	const char *step = NULL;

	if (fd < 0 || os_confine(os, &may, fd, -1, -1, &step) != 0)
		checker_fail(checker, "verify can't open the folder %s", folder);
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

/* `beside`: the relay lives. */
static void check_queue(struct sound *sound, bool beside)
{
	struct os *os = sound_reader(sound->station, sound->checker, "queue");
	struct queue_verify verify = { .os = os, .heap = heap_create(SIZE_MAX), .seed = 1,
	    .beside = beside, .finder = &sound->finder, .pending = is_pending,
	    .context = sound };

	sound->finder.folder = "queue/";
	queue_verify(&verify);
	if (beside && verify.disk.n_files == 0)
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
	struct os *os = sound_reader(sound->station, sound->checker, ".");
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

static void begin(struct sound *sound, struct station *s, struct checker *checker,
    const struct sound_look *look)
{
	*sound = (struct sound){ .finder = { tell, NULL, "directory/" }, .station = s,
	    .checker = checker, .heap = heap_create(SIZE_MAX), .look = look };
}

static void read_journal(struct sound *sound)
{
	sound->finder.folder = "journal/";
	sound->journal = (struct journal_verify){
		.os = sound_reader(sound->station, sound->checker, "journal"),
		.heap = sound->heap,
		.finder = &sound->finder,
		.record = sound->look->record != NULL ? on_record : NULL,
		.context = sound,
	};
	journal_verify(&sound->journal, false);
}

static void read_accounts(struct sound *sound, void (*account)(void *context, uint64_t id))
{
	sound->accounts = sound_reader(sound->station, sound->checker, "account");
	account_folders(sound->accounts, account, sound);
	sim_kill(sound->accounts);
}

static void finish(struct sound *sound)
{
	sim_kill(sound->journal.os);
	heap_drop(sound->heap);
}

void sound_look(struct station *s, struct checker *checker, const struct sound_look *look)
{
	struct sound sound;

	begin(&sound, s, checker, look);
	read_journal(&sound);
	check_queue(&sound, false);
	read_accounts(&sound, check_account);
	finish(&sound);
}

/* ---- at the end of a run ---- */

struct final {
	struct station *station;
	struct checker *checker;
	struct rot *rot;
	const struct dark *dark;
};

static void judge(void *context, const struct finding *finding)
{
	struct final *final = context;

	if (finding->kind == FINDING_MESSAGE && rot_found(final->rot, final->station,
	    slice_from(finding->path), finding->from, finding->to))
		return;
	if (dark_was_on_its_way(final->dark, final->station, finding))
		return;
	/* A power cut leaves the same in the directory's log as damage does, and verify
	 * says so. */
	if (!slice_ends(slice_from(finding->path), slice_lit("-wal")))
		checker_fail(final->checker, "verify of %s: %s, bytes %llu to %llu: %s",
		    sim_host_name(station_host(final->station)), finding->path,
		    (unsigned long long)finding->from, (unsigned long long)finding->to,
		    finding->text);
}

void sound_check(struct station *s, struct checker *checker, struct rot *rot,
    const struct dark *dark)
{
	struct final final = { s, checker, rot, dark };
	const struct sound_look look = { .tell = judge, .context = &final };
	struct sound sound;

	begin(&sound, s, checker, &look);
	check_directory(&sound);
	read_journal(&sound);
	check_queue(&sound, true);
	read_accounts(&sound, check_account);
	rot_check_found(rot, s);
	finish(&sound);
}

/* ---- repair ---- */

static void say_nothing(void *context, const struct finding *finding)
{
	(void)context;
	(void)finding;
}

static void failed(struct sound *sound, const char *what, const char *step, int error)
{
	sound->ok = false;
	checker_fail(sound->checker, "%s: repair of %s: cannot %s: error %d",
	    sim_host_name(station_host(sound->station)), what, step, error);
}

/* A process of the host, its root this folder, and where it sets things aside. */
static struct os *repairer(struct sound *sound, const char *folder, int *ret_aside)
{
	struct os *os = sim_process_create(station_host(sound->station), "repair");
	const struct os_confinement may = { .files = true, .files_write = true };
	const char *step = NULL;
	int fd;

	os_mkdir(os, OS_ROOT, "aside");
	*ret_aside = os_open(os, OS_ROOT, "aside", OS_READ | OS_FOLDER);
	fd = os_open(os, OS_ROOT, folder, OS_READ | OS_FOLDER);
	if (fd < 0 || *ret_aside < 0 || os_confine(os, &may, fd, -1, -1, &step) != 0)
		failed(sound, folder, "open it", fd);
	return os;
}

static void repair_journal(struct sound *sound)
{
	struct journal_verify *v = &sound->journal;
	struct journal_repair repair = { .found = v, .targets = seal_targets };
	struct seal_key key;
	int error;

	memcpy(key.bytes, station_seal_key(sound->station), sizeof key.bytes);
	repair.context = &key;
	sound->finder.folder = "journal/";
	*v = (struct journal_verify){ .os = repairer(sound, "journal", &repair.aside),
	    .heap = sound->heap, .finder = &sound->finder };
	journal_verify(v, false);
	error = v->damage == 0 ? 0 : v->newer || v->failed ? -EIO : journal_repair(&repair);
	if (error != 0)
		failed(sound, "the journal", "write it", error);
}

static void repair_queue(struct sound *sound)
{
	struct queue_verify verify = { .heap = heap_create(SIZE_MAX), .seed = 1,
	    .finder = &sound->finder, .pending = is_pending, .context = sound };
	struct queue_repair repair = { .verify = &verify };
	int error;

	sound->finder.folder = "queue/";
	verify.os = repairer(sound, "queue", &repair.aside);
	queue_verify(&verify);
	error = verify.damage == 0 ? 0 : verify.newer || verify.failed ? -EIO :
	    queue_repair(&repair);
	if (error != 0)
		failed(sound, "the queue", repair.step != NULL ? repair.step : "read it", error);
	sim_kill(verify.os);
	heap_drop(verify.heap);
}

static void repair_account(void *context, uint64_t id)
{
	struct sound *sound = context;
	struct heap *heap = heap_create(SIZE_MAX);
	struct account_survey survey = { .os = sound->accounts, .heap = heap,
	    .finder = &sound->finder, .account = id, .pending = is_pending, .context = sound };
	struct account_repair repair = { .survey = &survey, .aside = sound->aside };
	bool log;
	int error;

	account_survey(&survey);
	log = survey.lost || survey.damage > survey.n_bad;
	repair.birth = (struct account_birth){
		.uidvalidity = (uint32_t)(os_wall_us(sound->accounts) / 1000000) | 1,
		.generation = os_random_u64(sound->accounts) | 1,
		.base_generation = os_random_u64(sound->accounts) | 1,
		.created_us = os_wall_us(sound->accounts),
	};
	error = survey.damage == 0 ? 0 : survey.newer || survey.failed ? -EIO :
	    account_repair(&repair);
	if (error != 0)
		failed(sound, "an account", repair.step != NULL ? repair.step : "read it", error);
	else if (survey.damage > 0)
		sound->account(sound->context, id, log);
	heap_drop(heap);
}

bool sound_repair(struct station *s, struct checker *checker,
    void (*account)(void *context, uint64_t id, bool log), void *context)
{
	const struct sound_look look = { .tell = say_nothing };
	struct os *repaired;
	struct sound sound;

	begin(&sound, s, checker, &look);
	sound.ok = true;
	sound.account = account;
	sound.context = context;
	repair_journal(&sound);
	repaired = sound.journal.os;
	/* What may be handed over, as the router will see it. */
	if (sound.ok) {
		read_journal(&sound);
		sim_kill(repaired);
		repair_queue(&sound);
		sound.finder.folder = "account/";
		sound.accounts = repairer(&sound, "account", &sound.aside);
		account_folders(sound.accounts, repair_account, &sound);
		sim_kill(sound.accounts);
	}
	sim_disk_settle(station_host(s));
	finish(&sound);
	return sound.ok;
}
