/* cli/file.c - small whole files. */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read_fd(int fd, struct buffer *out)
{
	for (;;) {
		unsigned char chunk[4096];
		ssize_t n = read(fd, chunk, sizeof chunk);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		if (!buffer_append(out, slice_of(chunk, (size_t)n)))
			return -EFBIG;
	}
}

int file_read_named(const char *path, struct buffer *out)
{
	return strcmp(path, "-") == 0 ? file_read_fd(STDIN_FILENO, out) :
	    file_read(AT_FDCWD, path, out);
}

int file_read(int dir, const char *path, struct buffer *out)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC), result;

	if (fd < 0)
		return -errno;
	result = file_read_fd(fd, out);
	close(fd);
	return result;
}

static int write_all(int fd, slice bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes = slice_drop(bytes, (size_t)n);
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* The name is on disk, too: of a path below `dir`. */
static int sync_parent(int dir, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *parent = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int folder = parent != NULL ? openat(dir, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int result = folder < 0 ? -errno : 0;

	if (folder >= 0 && fsync(folder) < 0)
		result = -errno;
	if (folder >= 0)
		close(folder);
	free(parent);
	return result;
}

static int give_name(int dir, const char *from, const char *to, bool replace)
{
	if (replace)
		return renameat(dir, from, dir, to) < 0 ? -errno : 0;
	if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* Some file systems can't; then they know links. */
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (linkat(dir, from, dir, to, 0) < 0)
		return -errno;
	unlinkat(dir, from, 0);
	return 0;
}

/* Half a file never has the name that others look for. */
int file_write(int dir, const char *path, slice bytes, bool replace)
{
	char *name;
	int fd, result;

	if (asprintf(&name, "%s.new", path) < 0)
		return -ENOMEM;
	unlinkat(dir, name, 0);         /* what an earlier one left */
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	result = fd < 0 ? -errno : write_all(fd, bytes);
	if (fd >= 0 && close(fd) < 0 && result == 0)
		result = -errno;
	if (result == 0)
		result = give_name(dir, name, path, replace);
	if (result < 0 && fd >= 0)
		unlinkat(dir, name, 0);
	free(name);
	return result < 0 ? result : sync_parent(dir, path);
}
