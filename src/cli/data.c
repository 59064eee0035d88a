/* cli/data.c - the data folder. */
#include "cli/data.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fts.h>

#include "base/check.h"
#include "base/slice.h"
#include "cli/file.h"

enum {
	MARK_MAX = 64,                  /* a version, a process id */
	LOCK_WAIT_MS = 15 * 1000,       /* roles of a killed keeper end within that */
	LOCK_STEP_MS = 20,
};

/* Folders of roles are theirs; the others are the keeper's. */
static const struct {
	const char *name;
	bool of_a_role;
} folders[] = {
	{ "journal", true },
	{ "account", true },
	{ "directory", true },
	{ "queue", true },
	{ "empty", false },
	{ "log", false },
	{ "journey", false },
	{ "tls", false },
};

enum { FOLDERS = sizeof folders / sizeof *folders };

/* A number in a file; false when there is no file or no number. */
static bool read_mark(int dir, const char *name, uint64_t *ret_value)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer text = buffer_init(heap, MARK_MAX);
	bool ok = file_read(dir, name, &text) == 0;
	slice rest = buffer_bytes(&text), line = slice_cut(&rest, '\n');

	ok = ok && slice_to_u64(line, INT32_MAX, ret_value);
	heap_drop(heap);
	return ok;
}

/* ---- opening ---- */

static bool judge_version(const struct data_folder *d, bool make, const struct complaint *to)
{
	char text[MARK_MAX];
	uint64_t version;
	int n, result;

	if (read_mark(d->fd, "version", &version)) {
		if (version == DATA_VERSION)
			return true;
		complain(to, "data folder %s was written by %s posthouse (version %u; this one "
		    "knows %d)", d->path, version > DATA_VERSION ? "a newer" : "an older",
		    (unsigned)version, DATA_VERSION);
		return false;
	}
	if (!make) {
		complain(to, "%s is no data folder of posthouse: it has no readable file "
		    "\"version\"", d->path);
		return false;
	}
	n = snprintf(text, sizeof text, "%d\n", DATA_VERSION);
	/* An empty one is what a power cut left of the first start. */
	result = file_write(d->fd, "version", slice_of(text, (size_t)n), true);
	if (result < 0)
		complain(to, "cannot write to the data folder %s: %s", d->path,
		    strerror(-result));
	return result == 0;
}

static bool make_folders(const struct data_folder *d, const struct complaint *to)
{
	for (size_t i = 0; i < FOLDERS; i++) {
		if (mkdirat(d->fd, folders[i].name, 0700) == 0 || errno == EEXIST)
			continue;
		complain(to, "cannot make %s/%s: %s", d->path, folders[i].name,
		    strerror(errno));
		return false;
	}
	return true;
}

bool data_open(const char *path, bool make, const struct complaint *to,
    struct data_folder *ret_data)
{
	struct data_folder d = { .path = path, .lock = -1 };

	if (make && mkdir(path, 0700) < 0 && errno != EEXIST) {
		complain(to, "cannot make the data folder %s: %s", path, strerror(errno));
		return false;
	}
	d.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d.fd < 0) {
		complain(to, "cannot read the data folder %s: %s", path, strerror(errno));
		return false;
	}
	if (!judge_version(&d, make, to) || (make && !make_folders(&d, to))) {
		close(d.fd);
		return false;
	}
	*ret_data = d;
	return true;
}

void data_close(struct data_folder *d)
{
	if (d->lock >= 0)
		close(d->lock);
	close(d->fd);
}

/* ---- the lock ---- */

int data_holder(const struct data_folder *d)
{
	int fd = openat(d->fd, "lock", O_RDWR | O_CLOEXEC), pid = 0;
	uint64_t value;

	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && read_mark(d->fd, "lock", &value))
		pid = (int)value;
	close(fd);
	return pid;
}

/* Somebody has it: true when that is only what a killed keeper left behind,
 * which ends by itself. */
static bool is_ending(const struct data_folder *d, uint64_t *ret_pid)
{
	return read_mark(d->fd, "lock", ret_pid) && kill((pid_t)*ret_pid, 0) < 0 &&
	    errno == ESRCH;
}

static bool take_lock(const struct data_folder *d, int fd, const struct complaint *to)
{
	const struct timespec step = { .tv_nsec = LOCK_STEP_MS * 1000000L };
	uint64_t pid = 0;

	for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited += LOCK_STEP_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			complain(to, "cannot lock %s/lock: %s", d->path, strerror(errno));
			return false;
		}
		if (waited >= LOCK_WAIT_MS || !is_ending(d, &pid)) {
			complain(to, "already running on %s (pid %u)", d->path,
			    (unsigned)pid);
			return false;
		}
		nanosleep(&step, NULL);
	}
	return true;
}

/* Say in the file who holds it. */
static bool write_lock(const struct data_folder *d)
{
	int fd = openat(d->fd, "lock", O_WRONLY | O_CLOEXEC);
	char text[MARK_MAX];
	ssize_t n = snprintf(text, sizeof text, "%d\n", (int)getpid());
	bool ok;

	if (fd < 0)
		return false;
	ok = ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n;
	close(fd);
	return ok;
}

/* Read-only: every role holds a copy of this descriptor. */
bool data_lock(struct data_folder *d, const struct complaint *to)
{
	int fd = openat(d->fd, "lock", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		complain(to, "cannot open %s/lock: %s", d->path, strerror(errno));
		return false;
	}
	if (!take_lock(d, fd, to)) {
		close(fd);
		return false;
	}
	if (!write_lock(d)) {
		complain(to, "cannot write %s/lock: %s", d->path, strerror(errno));
		close(fd);
		return false;
	}
	d->lock = fd;
	return true;
}

/* ---- whose it is ---- */

/* One file or folder of a walk. A role that was captured may have left links
 * there: never follow one, and never touch what has another name elsewhere. */
static bool give_entry(const FTSENT *entry, unsigned uid, unsigned gid)
{
	const struct stat *s = entry->fts_statp;
	bool file = S_ISREG(s->st_mode) && s->st_nlink == 1;

	if (entry->fts_info == FTS_DP || (s->st_uid == uid && s->st_gid == gid))
		return true;
	if (!file && !S_ISDIR(s->st_mode))
		return true;
	return lchown(entry->fts_accpath, uid, gid) == 0;
}

static bool give_tree(char *path, unsigned uid, unsigned gid, const struct complaint *to)
{
	char *const paths[] = { path, NULL };
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	FTSENT *entry;
	bool ok = walk != NULL;

	while (ok && (entry = fts_read(walk)) != NULL)
		ok = give_entry(entry, uid, gid);
	if (!ok)
		complain(to, "cannot give %s to user %u: %s", path, uid, strerror(errno));
	if (walk != NULL)
		fts_close(walk);
	return ok;
}

bool data_give(const struct data_folder *d, unsigned uid, unsigned gid,
    const struct complaint *to)
{
	for (size_t i = 0; i < FOLDERS; i++) {
		struct stat s;
		char *path;
		bool ok;

		if (!folders[i].of_a_role || fstatat(d->fd, folders[i].name, &s, 0) < 0)
			continue;
		/* A tree of many accounts is walked only when it changes hands; the
		 * directory's few files may be new from a command that ran as root. */
		if (s.st_uid == uid && strcmp(folders[i].name, "directory") != 0)
			continue;
		if (asprintf(&path, "%s/%s", d->path, folders[i].name) < 0)
			return false;
		ok = give_tree(path, uid, gid, to);
		free(path);
		if (!ok)
			return false;
	}
	return true;
}
