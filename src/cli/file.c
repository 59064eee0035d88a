/* cli/file.c - small whole files. */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
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

/* The name is on disk, too. */
static int sync_parent(int dir)
{
	int folder = dir == AT_FDCWD ? open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : dir;
	int result;

	if (folder < 0)
		return -errno;
	result = fsync(folder) < 0 ? -errno : 0;
	if (dir == AT_FDCWD)
		close(folder);
	return result;
}

int file_write(int dir, const char *path, slice bytes, bool replace)
{
	int how = O_WRONLY | O_CREAT | O_CLOEXEC | (replace ? O_TRUNC : O_EXCL), result;
	int fd = openat(dir, path, how, 0600);

	if (fd < 0)
		return -errno;
	result = write_all(fd, bytes);
	close(fd);
	return result < 0 ? result : sync_parent(dir);
}
