/* os/confine_test.c - what a confined process can do and can't, from inside.
 *
 * Each case runs in a child of its own, once as an ordinary user and, when the
 * test is root, once as root that becomes nobody. An attempt that must be
 * answered by the end of the process ends it with SIGSYS. */
#include "os/confine.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "os/confine_child_test.h"
#include "os/confine_impl.h"
#include "os/os_uv.h"
#include "os/tls.h"

struct place {
	struct os *os;
	char path[64];          /* of the root folder */
	int root;
	int write_only;         /* a file in it with "secret" inside */
	int listener;           /* and what listens */
	struct os_address address;
	int client;             /* connected to it before */
};

static const struct os_confinement nothing = { 0 };
static const struct os_confinement accepts = { .network_accept = true };
static const struct os_confinement connects = { .network_connect = true };
static const struct os_confinement reads = { .files = true };
static const struct os_confinement beside = { .files = true, .memory_files = true };
static const struct os_confinement writes = { .files = true, .files_write = true };

/* ---- attempts ---- */

static void no_files(struct place *p)
{
	struct stat st;
	char link[64];

	expect(open("/etc/passwd", O_RDONLY) < 0);
	expect(open("/proc/self/exe", O_RDONLY) < 0);
	expect(openat(p->root, "secret", O_RDONLY) < 0);
	expect(openat(p->root, "new", O_WRONLY | O_CREAT, 0600) < 0);
	expect(open("/tmp/confine_test.new", O_WRONLY | O_CREAT, 0600) < 0);
	expect(open(".", O_RDONLY) < 0);
	expect(mkdirat(p->root, "folder", 0700) < 0);
	expect(unlinkat(p->root, "secret", 0) < 0);
	expect(access("/etc/passwd", R_OK) < 0);
	expect(readlink("/proc/self/exe", link, sizeof link) < 0);
	expect(syscall(SYS_statx, AT_FDCWD, "/etc/passwd", 0, 0, &st) < 0);
	expect(os_open(p->os, OS_ROOT, "secret", OS_READ) < 0);
	expect(os_memory_file(p->os) == -EPERM);
}

static void no_reading_back(struct place *p)
{
	char path[64], text[8];

	expect(read(p->write_only, text, 1) < 0 && errno == EBADF);
	expect(pread(p->write_only, text, 1, 0) < 0 && errno == EBADF);
	snprintf(path, sizeof path, "/proc/self/fd/%d", p->write_only);
	expect(open(path, O_RDONLY) < 0);
	expect(mmap(NULL, 4096, PROT_READ, MAP_SHARED, p->write_only, 0) == MAP_FAILED);
	expect(fcntl(p->write_only, F_SETFL, O_RDWR) == 0);     /* ignored by the kernel */
	expect(read(p->write_only, text, 1) < 0 && errno == EBADF);
	/* What it is for still works. */
	expect(os_pwrite(p->os, p->write_only, slice_lit("mine"), 0) == 0);
	expect(os_sync(p->os, p->write_only) == 0);
	expect(os_size(p->os, p->write_only) == 6);
}

static void no_network(struct place *p)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(25) };
	int pair[2];

	expect(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EACCES);
	expect(socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EACCES);
	expect(socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == EACCES);
	expect(os_connect(p->os, &p->address) == -EACCES);
	/* An open socket is no way out either. */
	expect(connect(p->client, (struct sockaddr *)&to, sizeof to) < 0 && errno == EACCES);
	expect(bind(p->client, (struct sockaddr *)&to, sizeof to) < 0 && errno == EACCES);
	expect(listen(p->client, 1) < 0 && errno == EACCES);
	expect(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0 && errno == EACCES);
}

static void no_accept(struct place *p)
{
	struct os_address peer;

	expect(os_accept(p->os, p->listener, &peer) == -EACCES);
}

static void no_fast_open(struct place *p)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(25) };

	sendto(p->client, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof to);
}

static void no_code(struct place *p)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	expect(page != MAP_FAILED);
	expect(mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0 && errno == EPERM);
	expect(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	    MAP_FAILED && errno == EPERM);
}

static void serves(struct place *p)
{
	struct os_address peer;
	char text[8];
	int stream = os_accept(p->os, p->listener, &peer), pair[2], fds[4];
	slice hello = slice_lit("hello");
	size_t n;

	expect(stream >= 0);
	expect(os_write(p->os, stream, &hello, 1) == 5);
	expect(os_read(p->os, p->client, text, sizeof text) == 5);
	expect(os_shutdown(p->os, stream) == 0);
	expect(os_channel_pair(p->os, pair) == 0);
	expect(os_channel_send(p->os, pair[0], hello, &stream, 1) == 0);
	expect(os_channel_receive(p->os, pair[1], text, sizeof text, fds, &n) == 5 && n == 1);
	expect(os_stream_pair(p->os, pair) == 0);
}

static void connects_out(struct place *p)
{
	int fd = os_connect(p->os, &p->address);
	struct sockaddr_in any = { .sin_family = AF_INET };

	expect(fd >= 0);
	expect(os_connected(p->os, fd) == 0);
	expect(bind(fd, (struct sockaddr *)&any, sizeof any) < 0 && errno == EACCES);
}

static bool name_seen(void *context, const char *name)
{
	(*(int *)context)++;
	return true;
}

static void reads_below(struct place *p)
{
	char text[8];
	int fd = os_open(p->os, OS_ROOT, "secret", OS_READ), names = 0;

	expect(fd >= 0);
	expect(os_pread(p->os, fd, text, 6, 0) == 6);
	expect(os_list(p->os, OS_ROOT, ".", name_seen, &names) == 0 && names == 3);
	expect(os_open(p->os, OS_ROOT, "secret", OS_WRITE) == -EACCES);
	expect(os_open(p->os, OS_ROOT, "secret", OS_READ | OS_WRITE) == -EACCES);
	expect(os_open(p->os, OS_ROOT, "new", OS_READ | OS_CREATE) == -EACCES);
	expect(openat(p->root, "secret", O_RDONLY | O_TRUNC) < 0 && errno == EACCES);
	expect(os_unlink(p->os, OS_ROOT, "secret") == -EACCES);
	expect(os_mkdir(p->os, OS_ROOT, "new") == -EACCES);
}

/* Its root is another folder; in_child() has the rest. */
static void reads_beside(struct place *p)
{
	char text[8];
	int fd = os_open(p->os, p->root, "secret", OS_READ), names = 0;

	expect(fd >= 0);
	expect(os_pread(p->os, fd, text, 6, 0) == 6);
	expect(os_list(p->os, p->root, ".", name_seen, &names) == 0 && names == 3);
	expect(os_open(p->os, p->root, "secret", OS_WRITE) == -EACCES);
	expect(os_open(p->os, p->root, "new", OS_READ | OS_CREATE) == -EACCES);
	expect(os_unlink(p->os, p->root, "secret") == -EACCES);
	expect(open("/etc/passwd", O_RDONLY) < 0);
	expect(openat(p->root, "link", O_RDONLY) < 0);
	fd = os_memory_file(p->os);
	expect(fd >= 0);
	expect(os_pwrite(p->os, fd, slice_lit("mine"), 0) == 0);
	expect(os_pread(p->os, fd, text, 4, 0) == 4);
}

static void nothing_beside(struct place *p)
{
	/* As root it is chroot that answers, else Landlock. */
	expect(open("/etc/passwd", O_RDONLY) < 0);
	expect(openat(p->root, "../../etc/passwd", O_RDONLY) < 0);
	expect(openat(p->root, "link", O_RDONLY) < 0);
	expect(openat(p->root, "..", O_RDONLY | O_DIRECTORY) < 0 || geteuid() == NOBODY);
	expect(open("/proc/self/maps", O_RDONLY) < 0);
	expect(open("/dev/null", O_RDWR) < 0);
}

static void writes_below(struct place *p)
{
	int fd = os_open(p->os, OS_ROOT, "new", OS_READ | OS_WRITE | OS_CREATE);

	expect(fd >= 0);
	expect(os_pwrite(p->os, fd, slice_lit("bytes"), 0) == 0);
	expect(ftruncate(fd, 2) == 0);
	expect(os_sync(p->os, fd) == 0);
	expect(os_sync_system(p->os, fd) == 0);
	expect(os_mkdir(p->os, OS_ROOT, "folder") == 0);
	expect(os_rmdir(p->os, OS_ROOT, "folder") == 0);
	expect(os_unlink(p->os, OS_ROOT, "new") == 0);
	nothing_beside(p);
	expect(openat(p->root, "../confine_test.new", O_WRONLY | O_CREAT | O_EXCL, 0600) < 0 ||
	    unlinkat(p->root, "confine_test.new", 0) == 0);  /* chroot: ".." is the root */
	expect(open("/tmp/confine_test.new", O_WRONLY | O_CREAT, 0600) < 0);
}

/* A pool thread is born behind the wall, and stands behind it. */
struct pool {
	struct os_work work;
	int opened;
};

static void pool_run(struct os_work *work)
{
	struct pool *pool = work->owner;
	int fd = os_open(work->os, OS_ROOT, "new", OS_WRITE | OS_CREATE);

	expect(fd >= 0);
	expect(os_pwrite(work->os, fd, slice_lit("x"), 0) == 0);
	expect(os_sync(work->os, fd) == 0);
	expect(os_unlink(work->os, OS_ROOT, "new") == 0);
	pool->opened = open("/etc/passwd", O_RDONLY);
}

static void pool_done(struct os_work *work)
{
	struct pool *pool = work->owner;

	expect(pool->opened < 0);
	os_stop(work->os, 5);
}

static void pool_works(struct place *p)
{
	struct pool pool = { .work = { .run = pool_run, .done = pool_done, .owner = &pool } };

	os_work_start(p->os, &pool.work);
	expect(os_uv_run(p->os) == 5);
}

/* What libraries do every day. */
static void libraries_work(struct place *p)
{
	struct heap *heap = os_heap(p->os);
	struct buffer chain = buffer_init(heap, 8192), key = buffer_init(heap, 8192);
	struct buffer plain = buffer_init(heap, 65536), wire = buffer_init(heap, 65536);
	char error[TLS_ERROR_TEXT] = "";
	struct tls_context *context;
	struct tls_session *session;
	struct rlimit core;
	time_t now = time(NULL);
	struct tm tm;

	expect(gmtime_r(&now, &tm) != NULL && localtime_r(&now, &tm) != NULL);
	for (size_t n = 1; n < (1 << 26); n *= 4) {
		void *block = heap_alloc(heap, n);

		memset(block, 1, n);
		heap_free(heap, heap_resize(heap, block, n * 2));
	}
	expect(os_random_u64(p->os) != os_random_u64(p->os));
	expect(tls_self_signed(slice_lit("alice.example"), &chain, &key));
	context = tls_server_context(heap, buffer_bytes(&chain), buffer_bytes(&key), error,
	    sizeof error);
	expect(context != NULL);
	session = tls_session_create(heap, context, NULL);
	tls_session_feed(session, slice_lit("EHLO x\r\n"), &plain, &wire);
	expect(tls_session_state(session) == TLS_FAILED);
	expect(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
	os_log(p->os, OS_DEBUG, "still here");
}

static void aborts(struct place *p)
{
	signal(SIGABRT, SIG_DFL);
	abort();
}

/* Calls that no role has any honest use for. */
static void call_execve(struct place *p) { syscall(SYS_execve, "/bin/true", NULL, NULL); }
static void call_fork(struct place *p) { syscall(SYS_fork); }
static void call_clone(struct place *p) { syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL); }
static void call_kill(struct place *p) { kill(getppid(), 0); }
static void call_kill_self(struct place *p) { kill(getpid(), 0); }
static void call_tgkill(struct place *p) { syscall(SYS_tgkill, getppid(), getppid(), 0); }
static void call_ptrace(struct place *p) { ptrace(PTRACE_ATTACH, getppid(), NULL, NULL); }
static void call_peek(struct place *p) { syscall(SYS_process_vm_readv, getppid(), 0, 0, 0, 0, 0); }
static void call_io_uring(struct place *p) { syscall(SYS_io_uring_setup, 1, NULL); }
static void call_bpf(struct place *p) { syscall(SYS_bpf, 0, NULL, 0); }
static void call_userfaultfd(struct place *p) { syscall(SYS_userfaultfd, 0); }
static void call_mount(struct place *p) { syscall(SYS_mount, NULL, "/", NULL, 0, NULL); }
static void call_unshare(struct place *p) { syscall(SYS_unshare, 0); }
static void call_setuid(struct place *p) { syscall(SYS_setuid, 0); }
static void call_chroot(struct place *p) { syscall(SYS_chroot, "/"); }
static void call_rename(struct place *p) { syscall(SYS_rename, "a", "b"); }
static void call_link(struct place *p) { syscall(SYS_linkat, p->write_only, "", AT_FDCWD, "b",
	    AT_EMPTY_PATH); }
static void call_keyctl(struct place *p) { syscall(SYS_keyctl, 0, 0, 0, 0, 0); }
static void call_perf(struct place *p) { syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0); }
static void call_pidfd(struct place *p) { syscall(SYS_pidfd_open, getppid(), 0); }
static void call_handle(struct place *p) { syscall(SYS_open_by_handle_at, 0, NULL, 0); }
static void call_tiocsti(struct place *p) { syscall(SYS_ioctl, 0, 0x5412, "x"); }

static const struct {
	const char *name;
	const struct os_confinement *may;
	void (*attempt)(struct place *p);
	int signo;              /* how it must end; 0: by itself */
} cases[] = {
	{ "no files", &nothing, no_files, 0 },
	{ "no files beside sockets", &accepts, no_files, 0 },
	{ "no reading back", &accepts, no_reading_back, 0 },
	{ "no network", &nothing, no_network, 0 },
	{ "no network beside files", &writes, no_network, 0 },
	{ "no connecting for who accepts", &accepts, no_network, 0 },
	{ "no accepting", &writes, no_accept, 0 },
	{ "no fast open", &accepts, no_fast_open, SIGSYS },
	{ "no code", &writes, no_code, 0 },
	{ "accepts and serves", &accepts, serves, 0 },
	{ "connects", &connects, connects_out, 0 },
	{ "reads below its root", &reads, reads_below, 0 },
	{ "nothing beside its root", &reads, nothing_beside, 0 },
	{ "reads one folder beside its root", &beside, reads_beside, 0 },
	{ "writes below its root", &writes, writes_below, 0 },
	{ "pool threads", &writes, pool_works, 0 },
	{ "libraries", &accepts, libraries_work, 0 },
	{ "libraries beside files", &writes, libraries_work, 0 },
	{ "abort", &nothing, aborts, SIGABRT },
	{ "execve", &writes, call_execve, SIGSYS }, { "fork", &writes, call_fork, SIGSYS },
	{ "clone", &writes, call_clone, SIGSYS }, { "kill", &writes, call_kill, SIGSYS },
	{ "kill oneself", &writes, call_kill_self, SIGSYS },
	{ "tgkill", &writes, call_tgkill, SIGSYS }, { "ptrace", &writes, call_ptrace, SIGSYS },
	{ "process_vm_readv", &writes, call_peek, SIGSYS },
	{ "io_uring", &connects, call_io_uring, SIGSYS }, { "bpf", &writes, call_bpf, SIGSYS },
	{ "userfaultfd", &writes, call_userfaultfd, SIGSYS },
	{ "mount", &writes, call_mount, SIGSYS }, { "unshare", &writes, call_unshare, SIGSYS },
	{ "setuid", &writes, call_setuid, SIGSYS }, { "chroot", &writes, call_chroot, SIGSYS },
	{ "rename", &writes, call_rename, SIGSYS }, { "linkat", &writes, call_link, SIGSYS },
	{ "keyctl", &writes, call_keyctl, SIGSYS }, { "perf", &writes, call_perf, SIGSYS },
	{ "pidfd", &writes, call_pidfd, SIGSYS },
	{ "open by handle", &writes, call_handle, SIGSYS },
	{ "TIOCSTI", &writes, call_tiocsti, SIGSYS },
};

/* ---- the children ---- */

static void make_place(struct place *p)
{
	struct os_uv_options options = { .log_from = OS_ERROR };
	int secret;

	*p = (struct place){ .os = os_uv_create(&options) };
	snprintf(p->path, sizeof p->path, "/tmp/confine_test.XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->root = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	secret = openat(p->root, "secret", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(secret, "secret", 6), 6);
	p->write_only = secret;
	assert_int_equal(symlinkat("/etc/passwd", p->root, "link"), 0);
	assert_int_equal(mkdirat(p->root, "sub", 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(fchown(p->root, NOBODY, NOBODY), 0);
		assert_int_equal(fchown(secret, NOBODY, NOBODY), 0);
	}
	assert_true(os_address_parse(slice_lit("127.0.0.1:0"), &p->address));
	p->listener = os_listen(p->os, &p->address, 4);
	assert_true(p->listener >= 0);
	assert_int_equal(os_local_address(p->os, p->listener, &p->address), 0);
	p->client = os_connect(p->os, &p->address);
	assert_true(p->client >= 0);
}

static void drop_place(struct place *p)
{
	os_close(p->os, p->client);
	os_close(p->os, p->listener);
	os_close(p->os, p->write_only);
	unlinkat(p->root, "secret", 0);
	unlinkat(p->root, "link", 0);
	unlinkat(p->root, "new", 0);
	unlinkat(p->root, "sub", AT_REMOVEDIR);
	os_close(p->os, p->root);
	os_uv_destroy(p->os);
	assert_int_equal(rmdir(p->path), 0);
}

static void in_child(struct place *p, size_t i, bool as_root)
{
	struct os_confinement may = *cases[i].may;
	int root = may.files ? dup(p->root) : OS_ROOT;

	if (cases[i].may == &beside) {
		may.beside = p->root;
		root = openat(p->root, "sub", O_RDONLY | O_DIRECTORY);
	}
	child_confine(p->os, &may, root, as_root);
	cases[i].attempt(p);
	_exit(0);
}

static void run_case(size_t i, bool as_root)
{
	struct place p;
	int status;
	pid_t child;

	make_place(&p);
	child = fork();
	if (child == 0)
		in_child(&p, i, as_root);
	status = child_status(child);
	drop_place(&p);
	if (cases[i].signo == 0 && status != 0)
		fail_msg("%s%s: status %x", cases[i].name, as_root ? ", as root" : "", status);
	if (cases[i].signo != 0 && (!WIFSIGNALED(status) || WTERMSIG(status) != cases[i].signo))
		fail_msg("%s%s: status %x", cases[i].name, as_root ? ", as root" : "", status);
}

static void test_as_user(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		run_case(i, false);
}

static void test_as_root(void **state)
{
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		run_case(i, true);
}

/* Landlock stands by itself, without seccomp before it. */
static void test_landlock_alone(void **state)
{
	struct place p;
	int status;
	pid_t child;

	make_place(&p);
	child = fork();
	if (child == 0) {
		int error;

		expect(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
		error = confine_landlock(&writes, p.root);
		if (error == -ENOSYS || error == -EOPNOTSUPP)
			_exit(77);
		expect(error == 0);
		expect(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
		expect(openat(p.root, "link", O_RDONLY) < 0 && errno == EACCES);
		expect(openat(p.root, "new", O_WRONLY | O_CREAT, 0600) >= 0);
		_exit(0);
	}
	status = child_status(child);
	drop_place(&p);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void wait_here(struct os_work *work)
{
}

/* A pool thread from before would stand outside of the wall. */
static void test_threads_from_before(void **state)
{
	struct place p;
	int status;
	pid_t child;

	make_place(&p);
	child = fork();
	if (child == 0) {
		struct os_work work = { .run = wait_here, .done = wait_here };
		const char *step = "none";

		os_work_start(p.os, &work);
		expect(os_confine(p.os, &nothing, OS_ROOT, -1, -1, &step) == -EBUSY);
		expect(strcmp(step, "single thread") == 0);
		_exit(0);
	}
	status = child_status(child);
	drop_place(&p);
	assert_int_equal(status, 0);
}

UNIT_TESTS(cmocka_unit_test(test_as_user), cmocka_unit_test(test_as_root),
    cmocka_unit_test(test_landlock_alone), cmocka_unit_test(test_threads_from_before))
