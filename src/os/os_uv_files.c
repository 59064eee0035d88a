/* os/os_uv_files.c - files of this host, relative to a folder's descriptor.
 *
 * Blocking; safe on pool threads: nothing here touches a heap. Reads and writes
 * are whole: an interrupted or short one goes on. */
#include "os/os_uv_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/limits.h"
#include "os/os_memory.h"

/* ---- who owns which descriptor ---- */

int files_own(struct os_uv *os, int fd)
{
	if (fd < 0)
		return -errno;
	if (os->world->owners != NULL) {
		if ((size_t)fd >= os->world->n_owners) {
			close(fd);
			return -EMFILE;
		}
		files_give(os->world, fd, os);
	}
	return fd;
}

void files_give(struct world *world, int fd, struct os_uv *os)
{
	if (world->owners == NULL || fd < 0 || (size_t)fd >= world->n_owners)
		return;
	uv_mutex_lock(&world->owners_lock);
	world->owners[fd] = os;
	uv_mutex_unlock(&world->owners_lock);
}

void files_close_all(struct os_uv *os)
{
	struct world *world = os->world;

	if (world->owners == NULL)
		return;
	uv_mutex_lock(&world->owners_lock);
	for (size_t fd = 0; fd < world->n_owners; fd++) {
		if (world->owners[fd] == os) {
			world->owners[fd] = NULL;
			close((int)fd);
		}
	}
	uv_mutex_unlock(&world->owners_lock);
}

void files_close(struct os *os, int fd)
{
	struct world *world = os_uv_of(os)->world;

	if (world->owners != NULL && (size_t)fd < world->n_owners) {
		uv_mutex_lock(&world->owners_lock);
		/* A role that closes another's descriptor has closed its own twice. */
		check(world->owners[fd] == os_uv_of(os) || world->owners[fd] == NULL);
		world->owners[fd] = NULL;
		uv_mutex_unlock(&world->owners_lock);
	}
	close(fd);
}

int files_duplicate(struct os *os, int fd)
{
	return files_own(os_uv_of(os), fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

/* The kernel gives nobody a lease for reading while a descriptor for writing
 * exists, also one on its way through a socket. It is given back at once: what it
 * said stays true, for who has no such descriptor can't make one. */
int files_has_writer(struct os *os, int fd)
{
	(void)os;
	if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
		return errno == EAGAIN ? 1 : -errno;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return 0;
}

int files_memory(struct os *os)
{
	int fd = memory_file();

	return fd < 0 ? fd : files_own(os_uv_of(os), fd);
}

size_t files_descriptors_max(struct os *os)
{
	return os_uv_of(os)->world->descriptors_max;
}

/* ---- names ---- */

/* Names of a process that keeps its files in memory; NULL: they are the file system's. An
 * absolute one is an administrator's, and is always. */
static struct memory *memory_of(struct os *os, const char *path)
{
	return path[0] != '/' ? os_uv_of(os)->world->memory : NULL;
}

/* The folder that paths start from, or -EACCES: the role may have no files. */
static int start_of(struct os *os, int dir)
{
	int fd = dir == OS_ROOT ? os_uv_of(os)->root_fd : dir;

	return fd == NO_ROOT ? -EACCES : fd;
}

int files_open(struct os *os, int dir, const char *path, int flags)
{
	int start = start_of(os, dir), how = O_CLOEXEC;

	if (start == -EACCES)
		return -EACCES;
	if (memory_of(os, path) != NULL) {
		int fd = memory_open(memory_of(os, path), start, path, flags);

		return fd < 0 ? fd : files_own(os_uv_of(os), fd);
	}
	if (flags & OS_FOLDER)
		how |= O_RDONLY | O_DIRECTORY;
	else if ((flags & OS_READ) && (flags & OS_WRITE))
		how |= O_RDWR;
	else
		how |= flags & OS_WRITE ? O_WRONLY : O_RDONLY;
	if (flags & OS_CREATE)
		how |= O_CREAT;
	if (flags & OS_EXCLUSIVE)
		how |= O_EXCL;
	if (path[0] != '/')
		how |= O_NOFOLLOW;
	return files_own(os_uv_of(os), openat(start, path, how, 0600));
}

int files_mkdir(struct os *os, int dir, const char *path)
{
	int start = start_of(os, dir);

	if (start == -EACCES)
		return -EACCES;
	if (memory_of(os, path) != NULL)
		return memory_mkdir(memory_of(os, path), start, path);
	return mkdirat(start, path, 0700) < 0 ? -errno : 0;
}

int files_unlink(struct os *os, int dir, const char *path)
{
	int start = start_of(os, dir);

	if (start == -EACCES)
		return -EACCES;
	if (memory_of(os, path) != NULL)
		return memory_remove(memory_of(os, path), start, path, false);
	return unlinkat(start, path, 0) < 0 ? -errno : 0;
}

int files_rmdir(struct os *os, int dir, const char *path)
{
	int start = start_of(os, dir);

	if (start == -EACCES)
		return -EACCES;
	if (memory_of(os, path) != NULL)
		return memory_remove(memory_of(os, path), start, path, true);
	return unlinkat(start, path, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int os_uv_rename(struct os *os, const char *from, const char *to)
{
	int start = start_of(os, OS_ROOT);

	if (start == -EACCES)
		return -EACCES;
	if (memory_of(os, from) != NULL)
		return memory_rename(memory_of(os, from), start, from, to);
	return renameat(start, from, start, to) < 0 ? -errno : 0;
}

int files_list(struct os *os, int dir, const char *path, bool (*visit)(void *, const char *),
    void *context)
{
	int start = start_of(os, dir), fd, error;
	struct dirent *entry;
	DIR *folder;

	if (start == -EACCES)
		return -EACCES;
	if (memory_of(os, path) != NULL)
		return memory_list(memory_of(os, path), start, path, visit, context);
	fd = openat(start, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	folder = fdopendir(fd);
	if (folder == NULL) {
		error = errno;
		close(fd);
		return -error;
	}
	for (;;) {
		errno = 0;
		entry = readdir(folder);
		if (entry == NULL)
			break;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    !visit(context, entry->d_name)) {
			errno = 0;
			break;
		}
	}
	error = errno;
	closedir(folder);
	return -error;
}

/* ---- bytes ---- */

int64_t files_size(struct os *os, int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? -errno : st.st_size;
}

ssize_t files_pread(struct os *os, int fd, void *buf, size_t n, uint64_t offset)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = pread(fd, (char *)buf + done, n - done, (off_t)(offset + done));

		if (got == 0)
			break;
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0)
			done += (size_t)got;
	}
	return (ssize_t)done;
}

/* Write the vector, which is consumed on the way. */
static int write_vector(int fd, struct iovec *at, size_t n, uint64_t offset)
{
	while (n > 0) {
		ssize_t wrote;

		if (at->iov_len == 0) {
			at++;
			n--;
			continue;
		}
		wrote = pwritev(fd, at, (int)n, (off_t)offset);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -errno;
		if (wrote == 0)
			return -EIO;
		offset += (uint64_t)wrote;
		for (size_t rest = (size_t)wrote; rest > 0;) {
			size_t part = rest < at->iov_len ? rest : at->iov_len;

			at->iov_base = (char *)at->iov_base + part;
			at->iov_len -= part;
			rest -= part;
			if (at->iov_len == 0) {
				at++;
				n--;
			}
		}
	}
	return 0;
}

int files_pwritev(struct os *os, int fd, const slice *parts, size_t n, uint64_t offset)
{
	struct iovec vector[OS_VECTOR_MAX];
	int error = 0;

	if (os_uv_of(os)->world->memory != NULL && n == 1 && memory_extend(fd, parts[0], offset))
		return 0;
	while (n > 0 && error == 0) {
		size_t some = n < OS_VECTOR_MAX ? n : OS_VECTOR_MAX;
		uint64_t len = 0;

		for (size_t i = 0; i < some; i++) {
			vector[i].iov_base = (void *)(uintptr_t)parts[i].ptr;
			vector[i].iov_len = parts[i].len;
			len += parts[i].len;
		}
		error = write_vector(fd, vector, some, offset);
		offset += len;
		parts += some;
		n -= some;
	}
	return error;
}

int files_sync(struct os *os, int fd)
{
	if (os_uv_of(os)->world->memory != NULL)
		return 0;               /* memory is as safe as it gets */
	return fdatasync(fd) < 0 ? -errno : 0;
}

int files_sync_folder(struct os *os, int fd)
{
	return fsync(fd) < 0 ? -errno : 0;
}

int files_sync_system(struct os *os, int fd)
{
	return syncfs(fd) < 0 ? -errno : 0;
}

int files_free_space(struct os *os, int fd, uint64_t *ret_free, uint64_t *ret_total)
{
	struct statvfs st;

	if (os_uv_of(os)->world->memory != NULL)
		return memory_free_space(ret_free, ret_total);
	if (fstatvfs(fd, &st) < 0)
		return -errno;
	/* What an ordinary user may still take: root's reserve is not for mail. */
	*ret_free = (uint64_t)st.f_bavail * st.f_frsize;
	*ret_total = (uint64_t)st.f_blocks * st.f_frsize;
	return 0;
}
