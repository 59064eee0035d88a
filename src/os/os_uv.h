/* os/os_uv.h - the real world for a process: libuv, Linux, this host.
 *
 *   tool, keeper:   os_uv_create -> start -> os_uv_run -> os_uv_destroy
 *   role:           os_uv_role, which does all four
 *
 * With one_process, os_spawn starts each role on an `os` of its own upon the
 * same loop and pool; its heap is dropped when it ends, as in the simulator.
 *
 * How many threads the pool has is libuv's UV_THREADPOOL_SIZE in the
 * environment, before the first os_work_start() of the process. */
#ifndef OS_OS_UV_H
#define OS_OS_UV_H

#include "os/os.h"

struct os_uv_options {
	const char *name;       /* who speaks in the log; NULL: "posthouse" */
	bool one_process;
	/* Files are in memory, gone with the process: OS_ROOT is the root of an empty tree.
	 * Absolute paths are the file system's. With one_process only. */
	bool memory;
	bool log_stderr;        /* else stderr is used only while there is no os_log_to() */
	enum os_level log_from; /* lesser lines are dropped */
};

/* Process-wide, once: ignores SIGPIPE and SIGIO, sets the umask to 077, raises the
 * limit of descriptors to what the system allows, says what malloc keeps (limits.h). */
struct os *os_uv_create(const struct os_uv_options *options);

/* Let handlers run until os_stop(); returns its status. May be called again. */
int os_uv_run(struct os *os);

/* Ends all roles of the process, waits for pool work, frees everything. Child
 * processes live on: a role ends when its channel does. */
void os_uv_destroy(struct os *os);

/* fd, a folder, becomes OS_ROOT and the os's own. Until then OS_ROOT is the
 * working folder. */
void os_uv_set_root(struct os *os, int fd);

/* A file below OS_ROOT gets another name, in place of what had that: 0 or -errno. For what
 * is rotated, not for what must last: nothing is synced. */
int os_uv_rename(struct os *os, const char *from, const char *to);

/* The life of "posthouse role NAME INDEX": descriptor 3 is the channel to the
 * keeper, other inherited ones are closed. Returns the process's exit status;
 * a confined role does not return but exits, without destructors: LeakSanitizer
 * would need ptrace. Leaks show with one_process. */
int os_uv_role(const struct os_program *program, unsigned index);

#endif
