/* cli/file.h - small whole files, for the commands: configuration, keys, marks.
 *
 * The commands are of the real world only, so these are plain system calls. */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include "base/buffer.h"

/* Append all of `path`, below the folder `dir` (or AT_FDCWD). 0 or -errno; -EFBIG
 * when it is larger than *out has room for. */
int file_read(int dir, const char *path, struct buffer *out);

/* The same of a descriptor, to its end. */
int file_read_fd(int fd, struct buffer *out);

/* The same of a file that somebody named; "-" is standard input. */
int file_read_named(const char *path, struct buffer *out);

/* Make it, 0600, with these bytes, on disk when it returns 0. Replaces what is
 * there only when `replace`; else -EEXIST. When it fails, what was there is as before:
 * the bytes are written to "PATH.new" first. */
int file_write(int dir, const char *path, slice bytes, bool replace);

#endif
