/* cli/repair_directory.c - directory.db made anew from what can be read of it.
 *
 *   directory/repair/directory.db    made, with every row that can be read
 *   directory/repaired.db            the same, whole: it will be the new one
 *   directory/directory.db-wal       goes: it belongs to the old one
 *   directory/directory.db           replaced
 *
 * A crash after the second line is finished by the next run; before it nothing had
 * changed. The old files are copied aside first. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "account/slot.h"
#include "cli/repair.h"
#include "directory/verify.h"
#include "log/aside.h"

#define REPAIRED "repaired.db"

enum { READOPT_TRIES = 20 };            /* messages whose Delivered-To is tried */

static const char *const beside[] = { DIRECTORY_FILE "-wal", DIRECTORY_FILE "-journal",
    DIRECTORY_FILE "-shm" };

/* Put the new one in its place. */
static int put_in_place(struct repair *r)
{
	int folder = r->in.directory;

	for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
		if (unlinkat(folder, beside[i], 0) < 0 && errno != ENOENT)
			return -errno;
	}
	if (fsync(folder) < 0 || renameat(folder, REPAIRED, folder, DIRECTORY_FILE) < 0 ||
	    fsync(folder) < 0)
		return -errno;
	return 0;
}

static int keep_old(struct repair *r)
{
	static const char *const names[] = { DIRECTORY_FILE, DIRECTORY_FILE "-wal" };
	char name[ASIDE_NAME];
	int error = 0;

	inspect_root(&r->in, r->in.directory);
	for (size_t i = 0; i < 2 && error == 0; i++) {
		error = aside_copy(r->in.os, r->aside, names[i], 0, 0, "", name);
		if (error == 0)
			error = aside_note(r->in.os, r->aside, "%s: directory/%s as it was "
			    "before the repair: it holds password hashes", name, names[i]);
		else if (error == -ENOENT)
			error = 0;
	}
	return error;
}

/* ---- accounts whose row is lost ---- */

/* The address that most likely is the account's own: without +detail. */
static slice address_of(struct account_survey *s, const struct account_row *row,
    slice *ret_prefix)
{
	struct pack_place place = { s->account, row->pack, row->offset };
	char path[ACCOUNT_PATH_MAX];
	struct pack_body body;
	slice address = { 0 };
	int fd;

	account_pack_path(s->account, row->pack, path);
	fd = os_open(s->os, OS_ROOT, path, OS_READ);
	*ret_prefix = address;
	if (fd >= 0 && pack_look(s->os, s->heap, fd, place, ret_prefix, &body) == PACK_OK)
		address = survey_delivered_to(*ret_prefix);
	os_close(s->os, fd);
	return address;
}

static bool readopt_as(struct repair *r, struct account_survey *survey,
    const struct account_row *row)
{
	slice prefix, address = address_of(survey, row, &prefix);
	size_t at = slice_find_last_byte(address, '@');
	size_t plus = slice_find_byte(slice_head(address, at), '+');
	char own[FINDING_PATH];

	if (at == 0 || at == address.len || address.len >= sizeof own)
		return false;
	snprintf(own, sizeof own, "%.*s%.*s", (int)plus, (const char *)address.ptr,
	    slice_arg(slice_drop(address, at)));
	if (!directory_readopt(r->in.os, r->new_directory, survey->account, slice_from(own),
	    os_wall_us(r->in.os)))
		return false;
	repair_say(r, "account %s: its row was lost, its mailbox is there; give it a password: "
	    "posthouse account passwd %s", own, own);
	return true;
}

static void readopt(struct inspect *in, uint64_t id)
{
	struct repair *r = (struct repair *)in;
	struct heap *heap = heap_create(SIZE_MAX);
	struct account_survey survey;
	struct sieve sieve;

	sieve_init(&sieve, in, "account/");
	if (inspect_address(in, id) == NULL) {
		inspect_survey(in, id, heap, &sieve, &survey);
		for (size_t i = 0; i < survey.state.n_rows && i < READOPT_TRIES; i++) {
			if (readopt_as(r, &survey, &survey.state.rows[i]))
				break;
		}
	}
	sieve_free(&sieve);
	heap_drop(heap);
}

/* ---- all of it ---- */

/* Each row that can be read of a copy: the old one stays as it is. */
static int salvage(struct repair *r, int folder, struct finder *finder, uint64_t *ret_rows)
{
	int error;

	if (!inspect_scratch_open(&r->in))
		return -EIO;
	error = directory_copy(r->in.os, r->in.directory, r->in.scratch);
	if (error == -ENOENT)
		error = 0;              /* no row, but mailboxes may tell whose they are */
	if (error == 0 && !directory_salvage(r->in.os, r->in.scratch, folder, finder, ret_rows))
		error = -EIO;
	inspect_scratch_drop(&r->in);
	return error;
}

static int make_new(struct repair *r, struct finder *finder, uint64_t *ret_rows)
{
	int parent = r->in.directory, folder, error;

	inspect_root(&r->in, parent);
	/* What an earlier run left half done. */
	unlinkat(parent, "repair/" DIRECTORY_FILE, 0);
	unlinkat(parent, "repair/" DIRECTORY_FILE "-wal", 0);
	error = os_mkdir(r->in.os, OS_ROOT, "repair");
	if (error != 0 && error != -EEXIST)
		return error;
	folder = openat(parent, "repair", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	r->new_directory = folder;
	error = salvage(r, folder, finder, ret_rows);
	if (error == 0) {
		inspect_list(&r->in, folder, finder);
		inspect_marks(&r->in);
		inspect_folders(&r->in, readopt);
		error = renameat(folder, DIRECTORY_FILE, parent, REPAIRED) < 0 ||
		    fsync(parent) < 0 ? -errno : 0;
	}
	unlinkat(folder, DIRECTORY_FILE "-wal", 0);
	close(folder);
	unlinkat(parent, "repair", AT_REMOVEDIR);
	return error;
}

static void replace(struct repair *r, const char *what)
{
	int error = put_in_place(r);

	if (error != 0)
		repair_fault(r, "directory.db can't be replaced: %s; run repair again",
		    strerror(-error));
	else
		repair_say(r, "%s", what);
}

void repair_directory(struct repair *r)
{
	struct sieve sieve;
	uint64_t rows = 0;
	char what[160];
	int error;

	if (faccessat(r->in.directory, REPAIRED, F_OK, 0) == 0 && !r->dry_run) {
		replace(r, "directory.db: the repair before this one is finished");
		if (!inspect_directory(&r->in)) {
			repair_fault(r, "directory.db was not read again; run repair again");
			return;
		}
	}
	if (r->in.directory_sound)
		return;
	if (r->dry_run) {
		repair_say(r, "directory.db: a new one from all rows that can be read");
		return;
	}
	if (repair_aside(r) < 0)
		return;
	sieve_init(&sieve, &r->in, "directory/");
	error = keep_old(r);
	if (error == 0)
		error = make_new(r, &sieve.finder, &rows);
	for (size_t i = 0; i < sieve.n; i++)
		inspect_tell(&r->in, &sieve.list[i]);
	sieve_free(&sieve);
	snprintf(what, sizeof what, "directory.db: made anew, %" PRIu64 " rows could be "
	    "read; look at `posthouse account list` and `alias list`", rows);
	if (error != 0)
		repair_fault(r, "directory.db can't be made anew: %s; nothing was changed",
		    strerror(-error));
	else
		replace(r, what);
}
