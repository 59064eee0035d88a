/* os/confine.c - the steps into the sandbox, in order; see confine.h.
 *
 * Order matters: chroot and users need root's rights, Landlock and seccomp need
 * "no new privileges", and after seccomp none of the calls here works any more.
 * A kernel without Landlock (before 5.13, or switched off), or a container that
 * forbids chroot, leaves the other walls standing; the caller says so. */
#include "os/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/confine_impl.h"

/* Landlock and seccomp act on the calling thread. */
static bool is_single_thread(void)
{
	struct stat st;

	/* Each thread is a folder of its own, and a link to this one. Without
	 * /proc we have to believe it. */
	return stat("/proc/self/task", &st) < 0 || st.st_nlink <= 3;
}

/* A folder that is nowhere: nothing can be made in it. */
static int open_empty_folder(void)
{
	char run[] = "/run/posthouse.XXXXXX", tmp[] = "/tmp/posthouse.XXXXXX";
	char *path = mkdtemp(run);
	int fd;

	if (path == NULL)
		path = mkdtemp(tmp);
	if (path == NULL)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		fd = -errno;
	rmdir(path);
	return fd;
}

/* 0, 1 when this process may not, or -errno. */
static int change_root(int root)
{
	int fd = root >= 0 ? root : open_empty_folder(), error = 0;

	if (fd < 0)
		return fd;
	if (fchdir(fd) < 0)
		error = -errno;
	else if (chroot(".") < 0)
		error = errno == EPERM ? 1 : -errno;
	if (fd != root)
		close(fd);
	return error;
}

static int change_user(int64_t uid, int64_t gid)
{
	bool root = geteuid() == 0;

	if (root && (uid > 0 || gid > 0) && setgroups(0, NULL) < 0)
		return -errno;
	if (gid >= 0 && setresgid((gid_t)gid, (gid_t)gid, (gid_t)gid) < 0)
		return -errno;
	if (uid >= 0 && setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid) < 0)
		return -errno;
	return 0;
}

/* A role that stays root keeps the name, not the powers. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capset, &head, none) < 0 ? -errno : 0;
}

static int forbid_privileges_and_dumps(void)
{
	struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	return 0;
}

int confine_process(const struct os_confinement *may, int root, int64_t uid, int64_t gid,
    const char **ret_step)
{
	bool no_chroot = false, no_landlock;
	int error = 0;

	tzset();        /* reads its file now: gmtime() in libraries asks later */
	*ret_step = "single thread";
	if (!is_single_thread())
		return -EBUSY;
	*ret_step = "chroot";
	if (geteuid() == 0) {
		error = change_root(root);
		no_chroot = error == 1;
	}
	if (error < 0)
		return error;
	*ret_step = "user and group";
	error = change_user(uid, gid);
	if (error < 0)
		return error;
	*ret_step = "capabilities";
	error = drop_capabilities();
	if (error < 0)
		return error;
	*ret_step = "no new privileges, no dumps";
	error = forbid_privileges_and_dumps();
	if (error < 0)
		return error;
	*ret_step = "Landlock";
	error = confine_landlock(may, root);
	no_landlock = error == -ENOSYS || error == -EOPNOTSUPP;
	if (error < 0 && !no_landlock)
		return error;
	*ret_step = "seccomp";
	error = confine_seccomp(may);
	if (error < 0)
		return error;
	*ret_step = no_chroot && no_landlock ? "chroot and Landlock" :
	    no_chroot ? "chroot" : no_landlock ? "Landlock" : NULL;
	return 0;
}
