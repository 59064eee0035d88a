/* directory/vfs.c - SQLite's VFS over os.h (sqlite.org/vfs.html, version 1).
 *
 * Version 1 of the file methods has no shared memory, so a WAL is possible
 * only with locking_mode=EXCLUSIVE, where its index is in the heap.
 *
 * (1) A file that was made here has its name synced with its first bytes.
 * (2) After one failed write or sync all later ones fail: the owner must close
 *     the database and open it again.
 * (3) A WAL that is found is written once more, as it reads, and synced before
 *     SQLite sees it: of what a failed sync left, a power cut could otherwise
 *     keep a part, under pages of the database that already have the rest.
 * (4) After directory_vfs_cut() no method touches the disk. */
#include "directory/vfs.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"

enum { SECTOR = 4096, REWRITE_PART = 64 * 1024 };

struct directory_vfs {
	sqlite3_vfs base;
	struct os *os;
	int dir;
	bool cut, failed;
	char name[32];
};

struct file {
	sqlite3_file base;
	struct directory_vfs *vfs;
	int fd;
	bool name_unsynced;             /* made by us, folder not synced since */
	char name[OS_PATH_MAX];
};

static int sync_names(struct directory_vfs *vfs)
{
	int fd = vfs->dir, error;

	if (vfs->dir == OS_ROOT)
		fd = os_open(vfs->os, OS_ROOT, ".", OS_READ | OS_FOLDER);
	if (fd < 0)
		return fd;
	error = os_sync_folder(vfs->os, fd);
	if (vfs->dir == OS_ROOT)
		os_close(vfs->os, fd);
	return error;
}

/* An error of a write or sync, as SQLite says it. */
static int failure(struct directory_vfs *vfs, int error, int otherwise)
{
	vfs->failed = true;
	return error == -ENOSPC || error == -EDQUOT ? SQLITE_FULL : otherwise;
}

static int file_close(sqlite3_file *base)
{
	struct file *file = (struct file *)base;

	if (!file->vfs->cut)            /* whoever killed the role closes what it had open */
		os_close(file->vfs->os, file->fd);
	return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *buf, int n, sqlite3_int64 offset)
{
	struct file *file = (struct file *)base;
	ssize_t got;

	if (file->vfs->cut)
		return SQLITE_IOERR_READ;
	got = os_pread(file->vfs->os, file->fd, buf, (size_t)n, (uint64_t)offset);
	if (got < 0)
		return SQLITE_IOERR_READ;
	if (got == n)
		return SQLITE_OK;
	memset((char *)buf + got, 0, (size_t)(n - got));
	return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *base, const void *buf, int n, sqlite3_int64 offset)
{
	struct file *file = (struct file *)base;
	struct directory_vfs *vfs = file->vfs;
	int error;

	if (vfs->cut || vfs->failed)
		return SQLITE_IOERR_WRITE;
	error = os_pwrite(vfs->os, file->fd, slice_of(buf, (size_t)n), (uint64_t)offset);
	return error < 0 ? failure(vfs, error, SQLITE_IOERR_WRITE) : SQLITE_OK;
}

/* To nothing: a new file of that name. To less: left as it is, SQLite knows the
 * size of a database from its header and the end of a WAL from its salts. */
static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct file *file = (struct file *)base;
	struct directory_vfs *vfs = file->vfs;
	int fd, error;

	if (vfs->cut || vfs->failed)
		return SQLITE_IOERR_TRUNCATE;
	if (size > 0 || os_size(vfs->os, file->fd) == 0)
		return SQLITE_OK;
	error = os_unlink(vfs->os, vfs->dir, file->name);
	if (error < 0)
		return failure(vfs, error, SQLITE_IOERR_TRUNCATE);
	fd = os_open(vfs->os, vfs->dir, file->name, OS_READ | OS_WRITE | OS_CREATE | OS_EXCLUSIVE);
	if (fd < 0)
		return failure(vfs, fd, SQLITE_IOERR_TRUNCATE);
	os_close(vfs->os, file->fd);
	file->fd = fd;
	file->name_unsynced = true;
	return SQLITE_OK;
}

static int file_sync(sqlite3_file *base, int flags)
{
	struct file *file = (struct file *)base;
	struct directory_vfs *vfs = file->vfs;
	int error;

	if (vfs->cut || vfs->failed)
		return SQLITE_IOERR_FSYNC;
	error = os_sync(vfs->os, file->fd);
	if (error < 0)
		return failure(vfs, error, SQLITE_IOERR_FSYNC);
	if (!file->name_unsynced)
		return SQLITE_OK;
	error = sync_names(vfs);
	if (error < 0)
		return failure(vfs, error, SQLITE_IOERR_DIR_FSYNC);
	file->name_unsynced = false;
	return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
	struct file *file = (struct file *)base;
	int64_t size = file->vfs->cut ? -EIO : os_size(file->vfs->os, file->fd);

	if (size < 0)
		return SQLITE_IOERR_FSTAT;
	*ret_size = size;
	return SQLITE_OK;
}

static int file_lock(sqlite3_file *base, int level)
{
	return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *base, int *ret_reserved)
{
	*ret_reserved = 0;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *arg)
{
	return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *base)
{
	return SECTOR;
}

static int file_characteristics(sqlite3_file *base)
{
	return SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN;
}

static const sqlite3_io_methods file_methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_lock,
	.xCheckReservedLock = file_check_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_characteristics,
};

static int rewrite(struct directory_vfs *vfs, int fd)
{
	unsigned char *part = heap_alloc(os_heap(vfs->os), REWRITE_PART);
	uint64_t offset = 0;
	ssize_t n;
	int error = 0;

	while ((n = os_pread(vfs->os, fd, part, REWRITE_PART, offset)) > 0 && error == 0) {
		error = os_pwrite(vfs->os, fd, slice_of(part, (size_t)n), offset);
		offset += (uint64_t)n;
	}
	heap_free(os_heap(vfs->os), part);
	if (n < 0)
		return (int)n;
	if (error == 0)
		error = os_sync(vfs->os, fd);
	return error < 0 ? error : sync_names(vfs);
}

static int vfs_open(sqlite3_vfs *base, const char *name, sqlite3_file *ret_file, int flags,
    int *ret_flags)
{
	struct directory_vfs *vfs = (struct directory_vfs *)base;
	struct file *file = (struct file *)ret_file;
	bool made = false;
	int fd;

	file->base.pMethods = NULL;
	/* Without a name it is a temporary file; temp_store=MEMORY has none. */
	if (vfs->cut || name == NULL || strlen(name) >= sizeof(file->name))
		return SQLITE_CANTOPEN;
	fd = os_open(vfs->os, vfs->dir, name, OS_READ | OS_WRITE);
	if (fd == -ENOENT && (flags & SQLITE_OPEN_CREATE)) {
		fd = os_open(vfs->os, vfs->dir, name, OS_READ | OS_WRITE | OS_CREATE);
		made = true;
	}
	if (fd < 0)
		return fd == -ENOSPC ? SQLITE_FULL : SQLITE_CANTOPEN;
	if ((flags & SQLITE_OPEN_WAL) && !made) {
		int error = rewrite(vfs, fd);

		if (error < 0) {
			os_close(vfs->os, fd);
			return failure(vfs, error, SQLITE_IOERR_FSYNC);
		}
	}
	file->vfs = vfs;
	file->fd = fd;
	file->name_unsynced = made;
	memcpy(file->name, name, strlen(name) + 1);
	file->base.pMethods = &file_methods;
	if (ret_flags)
		*ret_flags = flags;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *name, int sync_folder)
{
	struct directory_vfs *vfs = (struct directory_vfs *)base;
	int error;

	if (vfs->cut || vfs->failed)
		return SQLITE_IOERR_DELETE;
	error = os_unlink(vfs->os, vfs->dir, name);
	if (error == -ENOENT)
		return SQLITE_IOERR_DELETE_NOENT;
	if (error == 0 && sync_folder)
		error = sync_names(vfs);
	return error < 0 ? failure(vfs, error, SQLITE_IOERR_DELETE) : SQLITE_OK;
}

/* Like SQLite's own: an empty file counts as none, so that a journal without
 * bytes is not rolled back. */
static int vfs_access(sqlite3_vfs *base, const char *name, int flags, int *ret_there)
{
	struct directory_vfs *vfs = (struct directory_vfs *)base;
	int fd = vfs->cut ? -EIO : os_open(vfs->os, vfs->dir, name, OS_READ);

	if (fd < 0 && fd != -ENOENT)
		return SQLITE_IOERR_ACCESS;
	*ret_there = fd >= 0 && (flags != SQLITE_ACCESS_EXISTS || os_size(vfs->os, fd) > 0);
	if (fd >= 0)
		os_close(vfs->os, fd);
	return SQLITE_OK;
}

/* Names are relative to the folder and stay so. */
static int vfs_full_path(sqlite3_vfs *base, const char *name, int size, char *ret_path)
{
	size_t len = strlen(name);

	if (len >= (size_t)size)
		return SQLITE_CANTOPEN;
	memcpy(ret_path, name, len + 1);
	return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *base, int n, char *ret_bytes)
{
	os_random(((struct directory_vfs *)base)->os, ret_bytes, (size_t)n);
	return n;
}

/* Only a lock is ever waited for, and there are none. */
static int vfs_sleep(sqlite3_vfs *base, int us)
{
	return 0;
}

/* Milliseconds since the first Julian day. */
static int vfs_time(sqlite3_vfs *base, sqlite3_int64 *ret_ms)
{
	static const sqlite3_int64 unix_epoch = 24405875 * (sqlite3_int64)8640000;

	*ret_ms = unix_epoch + os_wall_us(((struct directory_vfs *)base)->os) / 1000;
	return SQLITE_OK;
}

static int vfs_julian(sqlite3_vfs *base, double *ret_days)
{
	sqlite3_int64 ms;

	vfs_time(base, &ms);
	*ret_days = (double)ms / 86400000.0;
	return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *base, int size, char *ret_text)
{
	return 0;
}

/* SQLite has one generator of random numbers for all of a process, which it
 * seeds from the real system unless told otherwise: then no simulated world
 * would happen twice. It makes the salts of the WAL, which guard against
 * accidents only. */
static void seed_sqlite(struct os *os)
{
	sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED,
	    (int)(os_random_u64(os) & INT32_MAX) | 1, (sqlite3 *)NULL);
	sqlite3_randomness(0, NULL);
}

struct directory_vfs *directory_vfs_create(struct os *os, int dir)
{
	struct directory_vfs *vfs = heap_new(os_heap(os), struct directory_vfs);
	int result;

	vfs->os = os;
	vfs->dir = dir;
	snprintf(vfs->name, sizeof(vfs->name), "posthouse-%p", (void *)vfs);
	vfs->base = (sqlite3_vfs){
		.iVersion = 2,
		.szOsFile = sizeof(struct file),
		.mxPathname = OS_PATH_MAX,
		.zName = vfs->name,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full_path,
		.xRandomness = vfs_random,
		.xSleep = vfs_sleep,
		.xCurrentTime = vfs_julian,
		.xCurrentTimeInt64 = vfs_time,
		.xGetLastError = vfs_last_error,
	};
	result = sqlite3_vfs_register(&vfs->base, 0);
	check(result == SQLITE_OK);
	seed_sqlite(os);
	return vfs;
}

void directory_vfs_destroy(struct directory_vfs *vfs)
{
	if (vfs == NULL)
		return;
	sqlite3_vfs_unregister(&vfs->base);
	heap_free(os_heap(vfs->os), vfs);
}

const char *directory_vfs_name(const struct directory_vfs *vfs)
{
	return vfs->name;
}

void directory_vfs_cut(struct directory_vfs *vfs)
{
	vfs->cut = true;
}

bool directory_vfs_failed(const struct directory_vfs *vfs)
{
	return vfs->failed;
}
