/* os/confine.h - give up what a role's process does not need. For os_uv only.
 *
 * What stands after each step, and what for:
 *
 *   as root     chroot into the root, its user and group, no other groups
 *   always      no new privileges, no core dump, no ptrace of us
 *   Landlock    files only below the root, or none; no TCP but what was handed
 *   seccomp     only the system calls that this role's duty needs
 *
 * Call before the first thread of the pool starts: Landlock and seccomp act on
 * the calling thread, and later threads inherit from it. */
#ifndef OS_CONFINE_H
#define OS_CONFINE_H

#include "os/os.h"

/* root: a folder's descriptor, which stays open, or OS_ROOT for an empty one.
 * uid and gid are set when >= 0 (only root can). Returns 0 or -errno, with the
 * step that failed in *ret_step. On success *ret_step says what this kernel
 * lacks ("Landlock"), or is NULL. */
int confine_process(const struct os_confinement *may, int root, int64_t uid, int64_t gid,
    const char **ret_step);

#endif
