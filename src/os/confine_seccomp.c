/* os/confine_seccomp.c - which system calls a role may make.
 *
 * Three answers, so that a captured role gets nowhere and an honest library
 * that merely asks goes on:
 *
 *   allowed    what libc, libuv, OpenSSL and SQLite need for the role's duty
 *   an errno   what libraries try and can live without: as if there were no
 *              files (ENOENT), no network (EACCES), no such call (ENOSYS)
 *   killed     everything else: no honest path leads there, in any build
 *
 * Pool threads start after this: clone() for threads only, and clone3(), whose
 * flags a filter can't see, does not exist, upon which glibc takes clone(). */
#include "os/confine_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum duty { ALWAYS, NEVER, FILES, WRITE, MEMORY, ACCEPT, CONNECT, DATAGRAMS };

/* Who may make a call with any arguments, and what the others get (0: killed).
 * Calls that depend on their arguments have rows in `by_argument`. */
static const struct {
	int number;
	enum duty duty;
	int otherwise;
} calls[] = {
	/* memory */
	{ SCMP_SYS(munmap), ALWAYS, 0 }, { SCMP_SYS(mremap), ALWAYS, 0 },
	{ SCMP_SYS(madvise), ALWAYS, 0 }, { SCMP_SYS(brk), ALWAYS, 0 },
	{ SCMP_SYS(mincore), ALWAYS, 0 }, { SCMP_SYS(mlock), NEVER, EPERM },
	{ SCMP_SYS(mlock2), NEVER, EPERM }, { SCMP_SYS(munlock), NEVER, EPERM },
	{ SCMP_SYS(memfd_create), MEMORY, EPERM }, { SCMP_SYS(get_mempolicy), NEVER, ENOSYS },
	/* descriptors that one has */
	{ SCMP_SYS(read), ALWAYS, 0 }, { SCMP_SYS(write), ALWAYS, 0 },
	{ SCMP_SYS(readv), ALWAYS, 0 }, { SCMP_SYS(writev), ALWAYS, 0 },
	{ SCMP_SYS(pread64), ALWAYS, 0 }, { SCMP_SYS(pwrite64), ALWAYS, 0 },
	{ SCMP_SYS(preadv), ALWAYS, 0 }, { SCMP_SYS(pwritev), ALWAYS, 0 },
	{ SCMP_SYS(preadv2), ALWAYS, 0 }, { SCMP_SYS(pwritev2), ALWAYS, 0 },
	{ SCMP_SYS(lseek), ALWAYS, 0 }, { SCMP_SYS(close), ALWAYS, 0 },
	{ SCMP_SYS(fstat), ALWAYS, 0 }, { SCMP_SYS(fstatfs), ALWAYS, 0 },
	{ SCMP_SYS(newfstatat), ALWAYS, 0 },    /* glibc's fstat() */
	{ SCMP_SYS(dup), ALWAYS, 0 }, { SCMP_SYS(dup2), ALWAYS, 0 },
	{ SCMP_SYS(dup3), ALWAYS, 0 }, { SCMP_SYS(pipe2), ALWAYS, 0 },
	{ SCMP_SYS(fsync), ALWAYS, 0 }, { SCMP_SYS(fdatasync), ALWAYS, 0 },
	{ SCMP_SYS(syncfs), ALWAYS, 0 }, { SCMP_SYS(ftruncate), ALWAYS, 0 },
	{ SCMP_SYS(fallocate), ALWAYS, 0 }, { SCMP_SYS(fadvise64), ALWAYS, 0 },
	/* waiting */
	{ SCMP_SYS(poll), ALWAYS, 0 }, { SCMP_SYS(ppoll), ALWAYS, 0 },
	{ SCMP_SYS(epoll_create1), ALWAYS, 0 }, { SCMP_SYS(epoll_ctl), ALWAYS, 0 },
	{ SCMP_SYS(epoll_wait), ALWAYS, 0 }, { SCMP_SYS(epoll_pwait), ALWAYS, 0 },
	{ SCMP_SYS(eventfd2), ALWAYS, 0 }, { SCMP_SYS(clock_nanosleep), ALWAYS, 0 },
	{ SCMP_SYS(nanosleep), ALWAYS, 0 },
	/* clock, chance, oneself */
	{ SCMP_SYS(clock_gettime), ALWAYS, 0 }, { SCMP_SYS(clock_getres), ALWAYS, 0 },
	{ SCMP_SYS(gettimeofday), ALWAYS, 0 }, { SCMP_SYS(time), ALWAYS, 0 },
	{ SCMP_SYS(getrandom), ALWAYS, 0 }, { SCMP_SYS(getpid), ALWAYS, 0 },
	{ SCMP_SYS(gettid), ALWAYS, 0 }, { SCMP_SYS(getppid), ALWAYS, 0 },
	{ SCMP_SYS(getuid), ALWAYS, 0 }, { SCMP_SYS(geteuid), ALWAYS, 0 },
	{ SCMP_SYS(getgid), ALWAYS, 0 }, { SCMP_SYS(getegid), ALWAYS, 0 },
	{ SCMP_SYS(uname), ALWAYS, 0 }, { SCMP_SYS(getrusage), ALWAYS, 0 },
	{ SCMP_SYS(sysinfo), ALWAYS, 0 }, { SCMP_SYS(getcpu), ALWAYS, 0 },
	{ SCMP_SYS(times), ALWAYS, 0 }, { SCMP_SYS(personality), NEVER, EPERM },
	/* threads and signals */
	{ SCMP_SYS(futex), ALWAYS, 0 }, { SCMP_SYS(set_robust_list), ALWAYS, 0 },
	{ SCMP_SYS(rseq), ALWAYS, 0 }, { SCMP_SYS(sched_yield), ALWAYS, 0 },
	{ SCMP_SYS(sched_getaffinity), ALWAYS, 0 }, { SCMP_SYS(sched_setaffinity), NEVER, EPERM },
	{ SCMP_SYS(rt_sigaction), ALWAYS, 0 }, { SCMP_SYS(rt_sigprocmask), ALWAYS, 0 },
	{ SCMP_SYS(rt_sigreturn), ALWAYS, 0 }, { SCMP_SYS(sigaltstack), ALWAYS, 0 },
	{ SCMP_SYS(restart_syscall), ALWAYS, 0 }, { SCMP_SYS(exit), ALWAYS, 0 },
	{ SCMP_SYS(exit_group), ALWAYS, 0 }, { SCMP_SYS(clone3), NEVER, ENOSYS },
	{ SCMP_SYS(membarrier), NEVER, ENOSYS },
	/* sockets that one has, and others */
	{ SCMP_SYS(recvfrom), ALWAYS, 0 }, { SCMP_SYS(recvmsg), ALWAYS, 0 },
	{ SCMP_SYS(getsockopt), ALWAYS, 0 }, { SCMP_SYS(setsockopt), ALWAYS, 0 },
	{ SCMP_SYS(getsockname), ALWAYS, 0 }, { SCMP_SYS(getpeername), ALWAYS, 0 },
	{ SCMP_SYS(shutdown), ALWAYS, 0 },
	{ SCMP_SYS(accept), ACCEPT, EACCES }, { SCMP_SYS(accept4), ACCEPT, EACCES },
	{ SCMP_SYS(socket), CONNECT, EACCES }, { SCMP_SYS(connect), CONNECT, EACCES },
	{ SCMP_SYS(sendmmsg), CONNECT, ENOSYS }, { SCMP_SYS(recvmmsg), CONNECT, ENOSYS },
	{ SCMP_SYS(bind), DATAGRAMS, EACCES }, { SCMP_SYS(listen), NEVER, EACCES },
	/* names of files */
	{ SCMP_SYS(stat), FILES, ENOENT }, { SCMP_SYS(lstat), FILES, ENOENT },
	{ SCMP_SYS(statx), FILES, ENOSYS }, { SCMP_SYS(statfs), FILES, ENOENT },
	{ SCMP_SYS(access), FILES, ENOENT }, { SCMP_SYS(faccessat), FILES, ENOENT },
	{ SCMP_SYS(faccessat2), FILES, ENOSYS }, { SCMP_SYS(readlink), FILES, ENOENT },
	{ SCMP_SYS(readlinkat), FILES, ENOENT }, { SCMP_SYS(getcwd), FILES, ENOENT },
	{ SCMP_SYS(getdents64), FILES, EACCES },
	{ SCMP_SYS(open), WRITE, ENOENT }, { SCMP_SYS(mkdir), WRITE, EACCES },
	{ SCMP_SYS(mkdirat), WRITE, EACCES }, { SCMP_SYS(unlink), WRITE, EACCES },
	{ SCMP_SYS(unlinkat), WRITE, EACCES }, { SCMP_SYS(rmdir), WRITE, EACCES },
	{ SCMP_SYS(fchmod), WRITE, EPERM }, { SCMP_SYS(fchown), WRITE, EPERM },
	{ SCMP_SYS(creat), NEVER, EACCES }, { SCMP_SYS(openat2), NEVER, ENOSYS },
};

/* Rows of one call that may meet on the same arguments give the same answer. */
struct by_argument {
	int number;
	struct scmp_arg_cmp argument;
	int error;                      /* 0: allowed */
};

static bool has_duty(const struct os_confinement *may, enum duty duty)
{
	switch (duty) {
	case ALWAYS:
		return true;
	case NEVER:
		return false;
	case FILES:
		return may->files;
	case WRITE:
		return may->files && may->files_write;
	case ACCEPT:
		return may->network_accept;
	case CONNECT:
		return may->network_connect;
	case MEMORY:
		return may->memory_files;
	case DATAGRAMS:
		return may->network_connect && may->network_datagrams;
	}
	return false;
}

static int add_calls(scmp_filter_ctx filter, const struct os_confinement *may)
{
	int error = 0;

	for (size_t i = 0; i < COUNT(calls) && error == 0; i++) {
		if (has_duty(may, calls[i].duty))
			error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i].number, 0);
		else if (calls[i].otherwise != 0)
			error = seccomp_rule_add(filter,
			    SCMP_ACT_ERRNO((unsigned)calls[i].otherwise), calls[i].number, 0);
	}
	return error;
}

static int add_by_argument(scmp_filter_ctx filter, const struct by_argument *rows, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = seccomp_rule_add_array(filter, rows[i].error == 0 ? SCMP_ACT_ALLOW :
		    SCMP_ACT_ERRNO((unsigned)rows[i].error), rows[i].number, 1,
		    &rows[i].argument);
	return error;
}

/* For all: nothing becomes code, only threads are born, signals stay at home. */
static int add_common(scmp_filter_ctx filter)
{
	const scmp_datum_t thread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
	const struct by_argument rows[] = {
		{ SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0), 0 },
		{ SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC), EPERM },
		{ SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0), 0 },
		{ SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC), EPERM },
		{ SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread), 0 },
		{ SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()), 0 },
		{ SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0), 0 },
		{ SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_NE, 0), EPERM },
		{ SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME), 0 },
		{ SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_NE, PR_SET_NAME), EINVAL },
		{ SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFD), 0 },
		{ SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_SETFD), 0 },
		{ SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFL), 0 },
		{ SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_SETFL), 0 },
		{ SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_DUPFD), 0 },
		{ SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_DUPFD_CLOEXEC), 0 },
		{ SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETLK), 0 },
		{ SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_SETLK), 0 },
		{ SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_SETLKW), 0 },
		{ SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONBIO), 0 },
		{ SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONREAD), 0 },
		{ SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIOCLEX), 0 },
		{ SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, TCGETS), ENOTTY },
	};

	return add_by_argument(filter, rows, COUNT(rows));
}

/* Files to read, or none. O_WRONLY and O_RDWR are values, not bits. */
static int add_open(scmp_filter_ctx filter, const struct os_confinement *may)
{
	const scmp_datum_t changes = O_ACCMODE | O_CREAT | O_TRUNC;
	const struct by_argument read_only[] = {
		{ SCMP_SYS(openat), SCMP_A2(SCMP_CMP_MASKED_EQ, changes, O_RDONLY), 0 },
		{ SCMP_SYS(openat), SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE, O_WRONLY), EACCES },
		{ SCMP_SYS(openat), SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDWR), EACCES },
		{ SCMP_SYS(openat), SCMP_A2(SCMP_CMP_MASKED_EQ, O_CREAT, O_CREAT), EACCES },
		{ SCMP_SYS(openat), SCMP_A2(SCMP_CMP_MASKED_EQ, O_TRUNC, O_TRUNC), EACCES },
	};
	int error;

	if (!may->files)
		return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOENT), SCMP_SYS(openat), 0);
	/* os_has_writer() */
	error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
	    SCMP_A1(SCMP_CMP_EQ, F_SETLEASE));
	if (error != 0)
		return error;
	if (may->files_write)
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 0);
	return add_by_argument(filter, read_only, COUNT(read_only));
}

/* Pairs of connected streams only: a datagram socket could name a receiver, and
 * so could TCP's fast open. */
static int add_sockets(scmp_filter_ctx filter, const struct os_confinement *may)
{
	const scmp_datum_t kind = 0xf;          /* of the type, without its flags */
	const struct by_argument handed[] = {
		{ SCMP_SYS(sendto), SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0), 0 },
		{ SCMP_SYS(sendmsg), SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0), 0 },
		{ SCMP_SYS(socketpair), SCMP_A1(SCMP_CMP_MASKED_EQ, kind, SOCK_STREAM), 0 },
		{ SCMP_SYS(socketpair), SCMP_A1(SCMP_CMP_MASKED_EQ, kind, SOCK_SEQPACKET), 0 },
		{ SCMP_SYS(socketpair), SCMP_A1(SCMP_CMP_MASKED_EQ, kind, SOCK_DGRAM), EACCES },
	};
	int error;

	if (!may->network_connect)
		return add_by_argument(filter, handed, COUNT(handed));
	error = add_by_argument(filter, handed + 2, COUNT(handed) - 2);
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 0);
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 0);
	return error;
}

int confine_seccomp(const struct os_confinement *may)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error;

	if (filter == NULL)
		return -ENOMEM;
	/* A binary tree instead of a list: each call asks this filter. */
	error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (error == 0)
		error = add_calls(filter, may);
	if (error == 0)
		error = add_common(filter);
	if (error == 0)
		error = add_open(filter, may);
	if (error == 0)
		error = add_sockets(filter, may);
	if (error == 0)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}
