/* os/confine_impl.h - the two walls inside the kernel. For confine*.c only. */
#ifndef OS_CONFINE_IMPL_H
#define OS_CONFINE_IMPL_H

#include "os/os.h"

/* No file but below root (and none without may->files), no TCP but on what was
 * handed. -ENOSYS or -EOPNOTSUPP: this kernel has no Landlock. */
int confine_landlock(const struct os_confinement *may, int root);

/* Only the system calls of the duty. */
int confine_seccomp(const struct os_confinement *may);

#endif
