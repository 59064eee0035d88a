/* os/confine_child_test.h - a child that confines itself and then tries
 * something: what confine_test.c and role/edge_inside_test.c share. */
#ifndef OS_CONFINE_CHILD_TEST_H
#define OS_CONFINE_CHILD_TEST_H

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/os.h"
#include "unit.h"

enum { NOBODY = 65534 };

/* Inside a child: say which line, and end. */
#define expect(condition)                                                              \
	((condition) ? (void)0 : (dprintf(2, "# line %d: " #condition " (errno %d)\n", \
	    __LINE__, errno), _exit(99)))

/* Become an ordinary user now, or (as_root) leave that to os_confine. */
static inline void child_user(bool as_root)
{
	if (!as_root && geteuid() == 0)
		expect(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

/* Behind the walls of `may` when this returns. root: a folder or OS_ROOT. */
static inline void child_confine(struct os *os, const struct os_confinement *may, int root,
    bool as_root)
{
	const char *step = "none";
	int64_t uid = as_root ? NOBODY : -1;
	int error;

	child_user(as_root);
	/* A bare death of SIGSYS, without a sanitizer's report. */
	signal(SIGSYS, SIG_DFL);
	error = os_confine(os, may, root, uid, uid, &step);
	if (error != 0)
		dprintf(2, "# %s: %s\n", step, strerror(-error));
	expect(error == 0);
	expect(geteuid() != 0);
}

/* Wait status of a child that was forked. */
static inline int child_status(pid_t child)
{
	int status;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

#endif
