/* os/os_faulty.h - a disk, or channels, that fail when told, for tests: wraps the table of
 * an os in place.
 *
 *   struct os_faulty faulty;
 *   os_faulty_wrap(&faulty, os);
 *   for (unsigned n = 1; ; n++) {
 *           os_faulty_arm(&faulty, FAULT_WRITE | FAULT_SYNC, n, -ENOSPC);
 *           ... run on os ...
 *           if (!os_faulty_fired(&faulty))
 *                   break;
 *   }
 *   os_faulty_unwrap(&faulty);
 */
#ifndef OS_OS_FAULTY_H
#define OS_OS_FAULTY_H

#include <stdatomic.h>

#include "os/os_impl.h"

enum {
	FAULT_OPEN = 1,                 /* open, mkdir */
	FAULT_WRITE = 2,                /* half of the first part is written */
	FAULT_SYNC = 4,                 /* sync, sync_folder, sync_system */
	FAULT_REMOVE = 8,               /* unlink, rmdir */
	FAULT_READ = 16,                /* pread, list, size */
	FAULT_ANY = 31,
	FAULT_CHANNEL = 32,             /* a packet that comes is lost, or one is not sent */
};

struct os_faulty {
	struct os_ops ops;              /* what os->ops points to while wrapped */
	const struct os_ops *real;
	struct os *os;
	unsigned kinds;
	unsigned n;                     /* which operation fails; 0: none */
	int error;
	bool all_after;                 /* and all that follow: a disk that died */
	atomic_uint count;              /* operations of the kinds since arming */
};

void os_faulty_wrap(struct os_faulty *faulty, struct os *os);
void os_faulty_unwrap(struct os_faulty *faulty);

/* The n-th operation from now (1: the next) of one of `kinds` fails with
 * `error` (-EIO); 0: none does. Set all_after behind it. */
void os_faulty_arm(struct os_faulty *faulty, unsigned kinds, unsigned n, int error);
bool os_faulty_fired(const struct os_faulty *faulty);

#endif
