/* os/os_memory.h - a tree of files in memory, for a process that leaves nothing behind.
 *
 * Only names are kept here. A file's bytes are a memfd, a folder's descriptor is one as
 * well, so that both are read, written, handed over and closed like all others; with the
 * last descriptor the pages go, however the process ends. A name holds one descriptor,
 * for reading, so a lease tells as on a disk whether somebody can write (os_uv_files.c).
 *
 * Safe on pool threads. Descriptors are the kernel's own; negative errnos. */
#ifndef OS_OS_MEMORY_H
#define OS_OS_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct memory;

/* An empty tree. */
struct memory *memory_create(void);
void memory_destroy(struct memory *memory);     /* NULL is allowed */

/* As in os.h: paths are judged, flags are OS_*. dir is the descriptor of a folder of this
 * tree, or AT_FDCWD: its root. */
int memory_open(struct memory *memory, int dir, const char *path, int flags);
int memory_mkdir(struct memory *memory, int dir, const char *path);
int memory_remove(struct memory *memory, int dir, const char *path, bool folder);
/* A file, to another name in place of what file has that: 0 or -errno. */
int memory_rename(struct memory *memory, int dir, const char *from, const char *to);
int memory_list(struct memory *memory, int dir, const char *path,
    bool (*visit)(void *, const char *), void *context);

/* Zeros that begin at or behind the end of a file only make it longer: true when these
 * are such, and it is. Others are for pwrite(). */
bool memory_extend(int fd, slice bytes, uint64_t offset);

/* A file of no tree, without a name: a descriptor, or -errno. */
int memory_file(void);

/* What the system says may still be had. 0 or -errno. */
int memory_free_space(uint64_t *ret_free, uint64_t *ret_total);

#endif
