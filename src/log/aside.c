/* log/aside.c - copies that are synced, and the text beside them. */
#include "log/aside.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 64 * 1024, BLOCK = 4096, TRIES = 1000, LINE = 1024 };

int aside_create(struct os *os, int aside, const char *path, const char *suffix,
    char ret_name[ASIDE_NAME])
{
	char name[ASIDE_NAME];
	int fd = -EEXIST;

	for (int i = 0; i < TRIES && fd == -EEXIST; i++) {
		if (i == 0)
			snprintf(name, sizeof name, "%.120s%s", path, suffix);
		else
			snprintf(name, sizeof name, "%.120s.%d%s", path, i, suffix);
		for (char *at = name; *at != '\0'; at++) {
			if (*at == '/')
				*at = '-';
		}
		fd = os_open(os, aside, name, OS_WRITE | OS_CREATE | OS_EXCLUSIVE);
	}
	memcpy(ret_name, name, sizeof name);
	return fd;
}

/* As much as the disk gives: block by block where it refuses more. */
static ssize_t read_some(struct os *os, int fd, unsigned char *piece, size_t n, uint64_t at)
{
	ssize_t got = os_pread(os, fd, piece, n, at);

	if (got >= 0)
		return got;
	for (size_t i = 0; i < n; i += BLOCK) {
		size_t len = n - i < BLOCK ? n - i : BLOCK;

		got = os_pread(os, fd, piece + i, len, at + i);
		if (got < 0)
			memset(piece + i, 0, len);
		else if ((size_t)got < len)
			return (ssize_t)i + got;
	}
	return (ssize_t)n;
}

static int copy_bytes(struct os *os, int in, int out, uint64_t from, uint64_t to)
{
	unsigned char *piece = heap_alloc(os_heap(os), PIECE);
	uint64_t at = from;
	int error = 0;

	while (at < to && error == 0) {
		size_t n = to - at < PIECE ? (size_t)(to - at) : PIECE;
		ssize_t got = read_some(os, in, piece, n, at);

		if (got <= 0)
			break;
		error = os_pwrite(os, out, slice_of(piece, (size_t)got), at - from);
		at += (uint64_t)got;
	}
	heap_free(os_heap(os), piece);
	return error;
}

int aside_copy(struct os *os, int aside, const char *path, uint64_t from, uint64_t to,
    const char *suffix, char *ret_name)
{
	int in = os_open(os, OS_ROOT, path, OS_READ), out, error = 0;
	char name[ASIDE_NAME];
	int64_t size;

	if (in < 0)
		return in;
	size = os_size(os, in);
	out = aside_create(os, aside, path, suffix, name);
	error = size < 0 ? (int)size : out < 0 ? out : 0;
	if (error == 0 && (to == 0 || to > (uint64_t)size))
		to = (uint64_t)size;
	if (error == 0)
		error = copy_bytes(os, in, out, from, to);
	if (error == 0)
		error = os_sync(os, out);
	if (error == 0)
		error = os_sync_folder(os, aside);
	os_close(os, in);
	os_close(os, out);
	if (error == 0 && ret_name != NULL)
		memcpy(ret_name, name, sizeof name);
	return error;
}

int aside_note(struct os *os, int aside, const char *format, ...)
{
	int fd = os_open(os, aside, ASIDE_TEXT, OS_READ | OS_WRITE | OS_CREATE), error = 0;
	char line[LINE];
	va_list args;
	int64_t size;
	int n;

	if (fd < 0)
		return fd;
	va_start(args, format);
	n = vsnprintf(line, sizeof line - 1, format, args);
	va_end(args);
	if (n > (int)sizeof line - 2)
		n = (int)sizeof line - 2;
	line[n] = '\n';
	size = os_size(os, fd);
	error = size < 0 ? (int)size : os_pwrite(os, fd, slice_of(line, (size_t)n + 1),
	    (uint64_t)size);
	if (error == 0)
		error = os_sync(os, fd);
	if (error == 0)
		error = os_sync_folder(os, aside);
	os_close(os, fd);
	return error;
}
