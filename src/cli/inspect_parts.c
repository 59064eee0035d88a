/* cli/inspect_parts.c - each part of the data folder, read until it is sure. */
#include "cli/inspect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <dirent.h>
#include <fcntl.h>

#include "account/folders.h"
#include "account/slot.h"
#include "base/limits.h"
#include "directory/verify.h"

enum {
	ROUNDS = 4,                     /* what is the same in all of them is damage */
	ROUND_MS = 300,                 /* times the number of the round: a checkpoint is
	                                 * over by then, and so is a tick of the router */
};

/* ---- again, beside a server ---- */

static bool same(const struct finding *a, const struct finding *b)
{
	return a->kind == b->kind && a->from == b->from && a->uid == b->uid &&
	    strcmp(a->path, b->path) == 0;
}

/* Keep of `sure` what `again` found too. */
static void intersect(struct sieve *sure, const struct sieve *again)
{
	size_t kept = 0;

	for (size_t i = 0; i < sure->n; i++) {
		bool found = false;

		for (size_t j = 0; j < again->n && !found; j++)
			found = same(&sure->list[i], &again->list[j]);
		if (found)
			sure->list[kept++] = sure->list[i];
	}
	sure->n = kept;
}

static void print_all(struct inspect *in, const struct sieve *sieve)
{
	for (size_t i = 0; i < sieve->n; i++)
		inspect_tell(in, &sieve->list[i]);
	in->findings += sieve->dropped;
}

static void wait_for_round(unsigned round)
{
	const struct timespec pause = { .tv_nsec = round * ROUND_MS * 1000000L };

	nanosleep(&pause, NULL);
}

typedef void read_part(struct inspect *in, struct sieve *sieve, uint64_t id);

/* Read a part; again while something looks wrong and a server could be why. */
static void read_sure(struct inspect *in, const char *folder, read_part *read, uint64_t id)
{
	struct sieve sure, again;

	sieve_init(&sure, in, folder);
	read(in, &sure, id);
	/* A server that started meanwhile counts as well. */
	if (sure.n > 0 && !in->alone && !in->beside)
		in->beside = data_holder(&in->data) != 0;
	for (unsigned round = 1; round < ROUNDS && sure.n > 0 && in->beside; round++) {
		wait_for_round(round);
		inspect_marks(in);
		sieve_init(&again, in, folder);
		read(in, &again, id);
		intersect(&sure, &again);
		sieve_free(&again);
	}
	print_all(in, &sure);
	sieve_free(&sure);
}

/* ---- the folder ---- */

static void tell_mode(struct inspect *in, const char *path, unsigned mode)
{
	struct finding finding = { .kind = FINDING_MODE };

	snprintf(finding.path, sizeof finding.path, "%s", path);
	snprintf(finding.text, sizeof finding.text, "others may read or change it (mode %03o)",
	    mode & 0777);
	inspect_tell(in, &finding);
}

static void check_mode(struct inspect *in, const char *path, bool needed)
{
	struct finding finding = { .kind = FINDING_MISSING };
	struct stat s;

	if (fstatat(in->data.fd, path, &s, AT_SYMLINK_NOFOLLOW) == 0) {
		if ((s.st_mode & 077) != 0)
			tell_mode(in, path[0] == '.' ? "" : path, s.st_mode);
	} else if (needed) {
		snprintf(finding.path, sizeof finding.path, "%s", path);
		snprintf(finding.text, sizeof finding.text, "it is not there: %s",
		    strerror(errno));
		inspect_tell(in, &finding);
	}
}

void inspect_folder(struct inspect *in)
{
	int tls = openat(in->data.fd, "tls", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = tls >= 0 ? fdopendir(tls) : NULL;
	struct dirent *entry;
	char path[FINDING_PATH];

	check_mode(in, ".", true);
	check_mode(in, "seal.key", false);
	check_mode(in, "tls", false);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (strstr(entry->d_name, "key") == NULL)
			continue;
		snprintf(path, sizeof path, "tls/%.100s", entry->d_name);
		check_mode(in, path, false);
	}
	if (folder != NULL)
		closedir(folder);
}

/* ---- the directory ---- */

static int by_id(const void *a, const void *b)
{
	const struct inspect_account *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void add_account(void *context, uint64_t id, slice address)
{
	struct inspect *in = context;

	if (address.len > SEALED_ADDRESS_MAX || memchr(address.ptr, 0, address.len) != NULL)
		return;
	if (in->n_accounts == in->accounts_capacity) {
		in->accounts_capacity = in->accounts_capacity == 0 ? 64 :
		    2 * in->accounts_capacity;
		in->accounts = heap_resize(os_heap(in->os), in->accounts,
		    in->accounts_capacity * sizeof *in->accounts);
	}
	in->accounts[in->n_accounts++] = (struct inspect_account){ id,
	    slice_cstr(&in->names, address) };
}

void inspect_list(struct inspect *in, int folder, struct finder *finder)
{
	in->n_accounts = 0;
	arena_reset(&in->names);
	directory_verify(in->os, folder, finder, add_account, in);
	if (in->n_accounts > 0)
		qsort(in->accounts, in->n_accounts, sizeof *in->accounts, by_id);
}

static void read_directory(struct inspect *in, struct sieve *sieve, uint64_t id)
{
	struct finding finding = { .kind = FINDING_DIRECTORY };
	int error = directory_copy(in->os, in->directory, in->scratch);

	/* Before its first start a server has none. */
	if (error == -ENOENT && !in->beside)
		finding.kind = FINDING_MISSING;
	if (error == -EAGAIN)
		finder_tell(&sieve->finder, &finding, DIRECTORY_FILE, "it changes all the time: "
		    "it was not checked");
	else if (error != 0)
		finder_tell(&sieve->finder, &finding, DIRECTORY_FILE, "it can't be read: %s",
		    strerror(-error));
	else
		inspect_list(in, in->scratch, &sieve->finder);
}

bool inspect_directory(struct inspect *in)
{
	uint64_t before = in->findings;

	if (!inspect_scratch_open(in))
		return false;
	read_sure(in, "directory/", read_directory, 0);
	inspect_scratch_drop(in);
	in->directory_sound = in->findings == before;
	return true;
}

/* ---- the journal ---- */

static void mute(struct finder *finder, const struct finding *finding)
{
	(void)finder;
	(void)finding;
}

void inspect_marks(struct inspect *in)
{
	static const struct finder nobody = { mute, NULL, "" };
	struct finder finder = nobody;

	heap_drop(in->marks_heap);
	in->marks_heap = heap_create(SIZE_MAX);
	in->marks = (struct journal_verify){ .os = in->os, .heap = in->marks_heap,
	    .finder = &finder };
	inspect_root(in, in->journal);
	journal_verify(&in->marks, true);
}

static void read_journal(struct inspect *in, struct sieve *sieve, uint64_t id)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct journal_verify verify = { .os = in->os, .heap = heap, .finder = &sieve->finder };

	inspect_root(in, in->journal);
	journal_verify(&verify, false);
	heap_drop(heap);
}

void inspect_journal(struct inspect *in)
{
	read_sure(in, "journal/", read_journal, 0);
}

/* ---- the queue ---- */

static bool is_pending(void *context, struct message_id id)
{
	const struct inspect *in = context;

	return journal_is_pending(&in->marks, id);
}

void inspect_waiting(struct inspect *in, struct heap *heap, struct sieve *sieve,
    struct queue_verify *ret_verify)
{
	*ret_verify = (struct queue_verify){ .os = in->os, .heap = heap,
	    .seed = os_random_u64(in->os), .beside = in->beside, .finder = &sieve->finder,
	    .pending = is_pending, .context = in };
	inspect_root(in, in->queue);
	queue_verify(ret_verify);
}

static void read_queue(struct inspect *in, struct sieve *sieve, uint64_t id)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct queue_verify verify;

	inspect_waiting(in, heap, sieve, &verify);
	in->queued = verify.n_live;
	heap_drop(heap);
}

void inspect_queue(struct inspect *in)
{
	inspect_marks(in);
	read_sure(in, "queue/", read_queue, 0);
}

/* ---- accounts ---- */

void inspect_survey(struct inspect *in, uint64_t id, struct heap *heap, struct sieve *sieve,
    struct account_survey *ret_survey)
{
	*ret_survey = (struct account_survey){ .os = in->os, .heap = heap,
	    .finder = &sieve->finder, .account = id, .pending = is_pending, .context = in };
	inspect_root(in, in->account);
	account_survey(ret_survey);
}

/* A folder without a row: nobody's, unless the row was lost. */
static void tell_leftover(struct sieve *sieve, const struct account_survey *survey)
{
	struct finding finding = { .kind = FINDING_LEFTOVER, .account = survey->account };
	char path[ACCOUNT_PATH_MAX];

	sieve->n = sieve->dropped = 0;
	if (survey->state.head.removed || (survey->n_logs == 0 && survey->n_packs == 0))
		return;
	account_folder_path(survey->account, path);
	finder_tell(&sieve->finder, &finding, path, "no account has this folder, %zu messages are "
	    "in it: the account was removed", survey->state.n_rows);
}

static void read_account(struct inspect *in, struct sieve *sieve, uint64_t id)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct account_survey survey;

	inspect_survey(in, id, heap, sieve, &survey);
	in->messages += survey.state.n_rows;
	if (inspect_address(in, id) == NULL && in->directory_sound)
		tell_leftover(sieve, &survey);
	heap_drop(heap);
}

static void check_account(struct inspect *in, uint64_t id)
{
	in->read_accounts++;
	read_sure(in, "account/", read_account, id);
}

struct visiting {
	struct inspect *in;
	void (*visit)(struct inspect *in, uint64_t id);
};

static void visit_one(void *context, uint64_t id)
{
	struct visiting *visiting = context;

	visiting->visit(visiting->in, id);
}

void inspect_folders(struct inspect *in, void (*visit)(struct inspect *in, uint64_t id))
{
	struct finding finding = { .kind = FINDING_DISK, .path = "account" };
	struct visiting visiting = { in, visit };
	int error;

	inspect_root(in, in->account);
	error = account_folders(in->os, visit_one, &visiting);
	if (error == 0)
		return;
	snprintf(finding.text, sizeof finding.text, "not all folders of accounts can be read: "
	    "%s", strerror(-error));
	inspect_tell(in, &finding);
}

void inspect_accounts(struct inspect *in)
{
	inspect_marks(in);
	if (in->only != NULL)
		check_account(in, in->only->id);
	else
		inspect_folders(in, check_account);
}
