/* log/aside.h - what repair takes away is kept: in a folder of its own, with a
 * text that says of each file what it is and where it came from.
 *
 * A copy is on disk before what it was made from may change or go, so a crash in
 * the middle leaves one copy too many and nothing too few. Blocking. */
#ifndef LOG_ASIDE_H
#define LOG_ASIDE_H

#include "os/os.h"

#define ASIDE_TEXT "WHAT.txt"

enum { ASIDE_NAME = 160 };

/* Copy the bytes from..to (0: to the end) of a file, `path` below OS_ROOT, into a
 * new file of the folder `aside`, a descriptor; what the disk can't read becomes
 * zeros. The name is made of `path` with '-' for '/', and of `suffix`; ret_name, if
 * not NULL, has ASIDE_NAME places. 0 or -errno. -ENOENT: there is no such file. */
int aside_copy(struct os *os, int aside, const char *path, uint64_t from, uint64_t to,
    const char *suffix, char *ret_name);

/* A new, empty file named likewise, open for writing, or -errno. */
int aside_create(struct os *os, int aside, const char *path, const char *suffix,
    char ret_name[ASIDE_NAME]);

/* Append a line to the text. 0 or -errno. */
int aside_note(struct os *os, int aside, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
