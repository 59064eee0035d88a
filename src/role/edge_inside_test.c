/* role/edge_inside_test.c - what a captured edge can reach, tried from inside.
 *
 * A real router, a process of its own, hands out segments and a spool file. Each
 * attempt then runs in a child that holds exactly what an edge holds (listener,
 * session, channel, segment, spool file) and is confined as the keeper confines
 * an edge: once as an ordinary user and, when the test is root, once as root that
 * becomes nobody. All files belong to that same user: only the walls are tried.
 *
 * Where an attempt works without walls, that is tested too: it is no test that
 * fails for another reason. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "base/checksum.h"
#include "directory/seal.h"
#include "ipc/channel.h"
#include "journal/record.h"
#include "log/log.h"
#include "os/confine_child_test.h"
#include "os/os_uv.h"
#include "role/role.h"

static const char config[] = "hostname = mx.here.example\nedges = 1\nstores = 1\n"
    "journal.size = 64M\njournal.segment = 4M\n";

struct inside {
	struct os *os;
	char path[64];                  /* of the data folder */
	char finished[96];              /* of a segment that the edge has ended */
	char held[96];                  /* of the one that it holds */
	char sink[96];                  /* a Unix socket that takes datagrams */
	int folder, empty, sink_fd;
	pid_t router;
	struct ipc_channel *keeper;     /* we are it, and the edge, towards the router */
	struct ipc_channel *journal;
	struct heap *heap;
	struct log_head head;           /* of the segment that came last */
	struct os_address address;      /* of the listener */
	/* What the edge holds. */
	int listener, session, channel, segment, spool;
	int client, waiting;            /* the other side of `session`, and of the next one */
};

/* ---- attempts: a file ---- */

static long open_passwd(struct inside *p) { return open("/etc/passwd", O_RDONLY); }
static long open_folder(struct inside *p) { return open(p->path, O_RDONLY | O_DIRECTORY); }
static long open_here(struct inside *p) { return open(".", O_RDONLY | O_DIRECTORY); }
static long open_finished(struct inside *p) { return open(p->finished, O_RDONLY); }
static long write_finished(struct inside *p) { return open(p->finished, O_WRONLY); }
static long open_held(struct inside *p) { return open(p->held, O_RDWR); }
static long cut_finished(struct inside *p) { return truncate(p->finished, 4 << 20); }
static long chmod_finished(struct inside *p) { return chmod(p->finished, 0600); }
static long unlink_finished(struct inside *p) { return unlink(p->finished); }
static long make_temporary(struct inside *p) { return open("/tmp", O_TMPFILE | O_RDWR, 0600); }

static long name_seen(struct inside *p)
{
	struct stat st;

	return stat(p->finished, &st);
}

static long open_how(struct inside *p)
{
	struct open_how how = { .flags = O_RDONLY };

	return syscall(SYS_openat2, AT_FDCWD, p->finished, &how, sizeof how);
}

static long reopen_segment(struct inside *p)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", p->segment);
	return open(path, O_RDONLY);
}

static long handle_of_segment(struct inside *p)
{
	struct { struct file_handle head; unsigned char room[MAX_HANDLE_SZ]; } handle = {
		.head.handle_bytes = MAX_HANDLE_SZ };
	int mount;

	return name_to_handle_at(p->segment, "", &handle.head, &mount, AT_EMPTY_PATH);
}

static long open_handle(struct inside *p)
{
	struct file_handle handle = { 0 };

	return open_by_handle_at(p->segment, &handle, O_RDONLY);
}

/* ---- attempts: its journal, read back ---- */

static long read_back(struct inside *p)
{
	char byte;

	return lseek(p->segment, 0, SEEK_SET) == 0 && read(p->segment, &byte, 1) == 1 ? 1 : -1;
}

static long pread_back(struct inside *p)
{
	char byte;

	return pread(p->segment, &byte, 1, 0);
}

static long preadv_back(struct inside *p)
{
	char byte;
	struct iovec part = { &byte, 1 };

	return preadv2(p->segment, &part, 1, 0, 0);
}

static long pread_spool(struct inside *p)
{
	char byte;

	return pread(p->spool, &byte, 1, 0);
}

static long pread_copy(struct inside *p)
{
	char byte;

	return pread(dup(p->segment), &byte, 1, 0);
}

static long pread_with_flags(struct inside *p)
{
	fcntl(p->segment, F_SETFL, O_RDWR);
	return pread_back(p);
}

static long map_with(struct inside *p, int protection, int flags)
{
	return mmap(NULL, 4096, protection, flags, p->segment, 0) == MAP_FAILED ? -1 : 0;
}

static long map_shared(struct inside *p) { return map_with(p, PROT_READ, MAP_SHARED); }
static long map_private(struct inside *p) { return map_with(p, PROT_READ, MAP_PRIVATE); }
static long map_write(struct inside *p) { return map_with(p, PROT_WRITE, MAP_SHARED); }
static long send_file(struct inside *p) { return sendfile(p->session, p->segment, NULL, 1); }

static long copy_range(struct inside *p)
{
	loff_t from = 0, to = 0;

	return copy_file_range(p->segment, &from, p->spool, &to, 1, 0);
}

static long splice_out(struct inside *p)
{
	loff_t from = 0;
	int pipes[2];

	return pipe2(pipes, 0) < 0 ? -1 : splice(p->segment, &from, pipes[1], NULL, 1, 0);
}

/* ---- attempts: out ---- */

static struct sockaddr_in there(const struct inside *p)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(p->address.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static long connect_out(struct inside *p)
{
	struct sockaddr_in to = there(p);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&to, sizeof to);
}

static long connect_session(struct inside *p)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct sockaddr_in to = there(p);

	fcntl(p->session, F_SETFL, 0);
	connect(p->session, &none, sizeof none);
	return connect(p->session, (struct sockaddr *)&to, sizeof to);
}

static struct sockaddr_un sink(const struct inside *p)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	snprintf(to.sun_path, sizeof to.sun_path, "%s", p->sink);
	return to;
}

static long datagram_pair(struct inside *p)
{
	struct sockaddr_un to = sink(p);
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
		return -1;
	return sendto(pair[0], "x", 1, 0, (struct sockaddr *)&to, sizeof to);
}

static long datagram(struct inside *p)
{
	struct sockaddr_un to = sink(p);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	return fd < 0 ? -1 : sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to);
}

static long listen_anew(struct inside *p)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? -1 : listen(fd, 1);
}

static long fast_open(struct inside *p)
{
	struct sockaddr_in to = there(p);

	return sendto(p->session, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof to);
}

static long many_messages(struct inside *p)
{
	struct mmsghdr message = { 0 };

	return sendmmsg(p->session, &message, 1, 0);
}

/* ---- attempts: other processes, other powers ---- */

static long run_program(struct inside *p)
{
	char *const words[] = { (char[]){ "true" }, NULL };

	return execve("/bin/true", words, NULL);        /* its end counts as success */
}

static long run_memory(struct inside *p)
{
	return syscall(SYS_execveat, p->spool, "", NULL, NULL, AT_EMPTY_PATH);
}

static long memory_file(struct inside *p) { return memfd_create("x", 0); }

static long new_code(struct inside *p)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static long be_two(struct inside *p)
{
	long pid = syscall(SYS_fork);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long signal_router(struct inside *p) { return kill(p->router, 0); }
static long signal_all(struct inside *p) { return kill(-1, 0); }
static long thread_signal(struct inside *p) { return tgkill(p->router, p->router, 0); }
static long trace(struct inside *p) { return ptrace(PTRACE_ATTACH, p->router, NULL, NULL); }
static long trace_me(struct inside *p) { return ptrace(PTRACE_TRACEME, 0, NULL, NULL); }

static long peek(struct inside *p)
{
	return syscall(SYS_process_vm_readv, p->router, NULL, 0, NULL, 0, 0);
}

static long process_handle(struct inside *p) { return syscall(SYS_pidfd_open, p->router, 0); }
static long take_descriptor(struct inside *p) { return syscall(SYS_pidfd_getfd, 5, 3, 0); }
static long ring(struct inside *p) { return syscall(SYS_io_uring_setup, 1, NULL); }
static long enter_ring(struct inside *p) { return syscall(SYS_io_uring_enter, 3, 1, 0, 0, 0, 0); }
static long new_space(struct inside *p) { return syscall(SYS_unshare, 0x10000000); }
static long old_space(struct inside *p) { return syscall(SYS_setns, p->channel, 0); }
static long be_root(struct inside *p) { return syscall(SYS_setuid, 0); }
static long new_root(struct inside *p) { return syscall(SYS_chroot, "/"); }
static long leave_root(struct inside *p) { return syscall(SYS_fchdir, p->channel); }
static long dump(struct inside *p) { return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }
static long own_filter(struct inside *p) { return syscall(SYS_seccomp, 0, 0, NULL); }
static long shared_memory(struct inside *p) { return syscall(SYS_shmget, 0, 4096, 0600); }
static long hear_of_files(struct inside *p) { return syscall(SYS_inotify_init1, 0); }
static long unlock_data(struct inside *p) { return syscall(SYS_flock, p->segment, 8); }

static long core_limit(struct inside *p)
{
	struct rlimit limit = { 1, 1 };

	return setrlimit(RLIMIT_CORE, &limit);
}

enum { FREE = 1,        /* works where there are no walls */
       CHROOT = 2 };    /* only chroot keeps it back: not tried as an ordinary user */

static const struct {
	const char *name;
	long (*attempt)(struct inside *p);      /* >= 0: it got through */
	int flags;
} attempts[] = {
	{ "open /etc/passwd", open_passwd, FREE },
	{ "open the data folder", open_folder, FREE },
	{ "open its own folder", open_here, 0 },
	{ "open a finished segment", open_finished, FREE },
	{ "open a finished segment to write", write_finished, FREE },
	{ "open the held segment by its name", open_held, FREE },
	{ "cut a finished segment", cut_finished, FREE },
	{ "change a finished segment's mode", chmod_finished, FREE },
	{ "remove a finished segment", unlink_finished, 0 },
	{ "see a name", name_seen, FREE | CHROOT },
	{ "make a file without a name", make_temporary, 0 },
	{ "openat2", open_how, FREE },
	{ "open the held segment through /proc", reopen_segment, FREE },
	{ "a handle of the held segment", handle_of_segment, 0 },
	{ "open a handle", open_handle, 0 },
	{ "read the segment", read_back, 0 },
	{ "pread the segment", pread_back, 0 },
	{ "preadv2 the segment", preadv_back, 0 },
	{ "pread the spool file", pread_spool, 0 },
	{ "pread a copy of the descriptor", pread_copy, 0 },
	{ "pread after F_SETFL", pread_with_flags, 0 },
	{ "map the segment", map_shared, 0 },
	{ "map the segment for itself", map_private, 0 },
	{ "map the segment to write", map_write, 0 },
	{ "sendfile from the segment", send_file, 0 },
	{ "copy_file_range from the segment", copy_range, 0 },
	{ "splice from the segment", splice_out, 0 },
	{ "connect", connect_out, FREE },
	{ "connect a session elsewhere", connect_session, FREE },
	{ "a datagram to a Unix socket", datagram, FREE },
	{ "a datagram by half of a pair", datagram_pair, FREE },
	{ "listen", listen_anew, FREE },
	{ "TCP fast open", fast_open, 0 },
	{ "sendmmsg", many_messages, 0 },
	{ "execve", run_program, FREE },
	{ "execveat", run_memory, 0 },
	{ "memfd_create", memory_file, FREE },
	{ "memory that runs", new_code, FREE },
	{ "fork", be_two, FREE },
	{ "kill the router", signal_router, FREE },
	{ "kill all", signal_all, 0 },
	{ "tgkill the router", thread_signal, FREE },
	{ "ptrace the router", trace, 0 },
	{ "be traced", trace_me, 0 },
	{ "process_vm_readv", peek, 0 },
	{ "pidfd_open", process_handle, FREE },
	{ "pidfd_getfd", take_descriptor, 0 },
	{ "io_uring_setup", ring, 0 },
	{ "io_uring_enter", enter_ring, 0 },
	{ "unshare", new_space, 0 },
	{ "setns", old_space, 0 },
	{ "setuid", be_root, 0 },
	{ "chroot", new_root, 0 },
	{ "fchdir", leave_root, 0 },
	{ "be dumpable", dump, FREE },
	{ "raise the core limit", core_limit, 0 },
	{ "seccomp", own_filter, 0 },
	{ "shmget", shared_memory, 0 },
	{ "inotify", hear_of_files, FREE },
	{ "unlock the data folder", unlock_data, FREE },
};

enum { N_ATTEMPTS = sizeof attempts / sizeof *attempts };

/* ---- its duty ---- */

static long do_duty(struct inside *p)
{
	struct os_address peer;
	char text[8];
	slice hello = slice_lit("220 x");

	expect(os_write(p->os, p->session, &hello, 1) == 5);
	expect(os_read(p->os, p->session, text, sizeof text) == 4);
	expect(os_accept(p->os, p->listener, &peer) >= 0);
	expect(os_pwrite(p->os, p->segment, slice_lit("record"), 4096) == 0);
	expect(fdatasync(p->segment) == 0);
	expect(os_pwrite(p->os, p->spool, slice_lit("body"), 0) == 0);
	expect(fdatasync(p->spool) == 0);
	expect(os_channel_send(p->os, p->channel, hello, NULL, 0) == 0);
	return 0;
}

/* ---- keeper and edge, towards the router ---- */

static bool on_message(struct ipc_channel *channel, struct ipc_message *message)
{
	struct inside *p = ipc_owner(channel);

	switch (message->type) {
	case IPC_SEGMENT:
		p->head = (struct log_head){ .kind = LOG_JOURNAL };
		p->head.producer = get_u16(&message->body);
		p->head.generation = get_u64(&message->body);
		p->head.size = get_u32(&message->body);
		p->segment = ipc_take_fd(message);
		break;
	case IPC_SPOOL:
		p->spool = ipc_take_fd(message);
		break;
	case IPC_READY:
		break;
	default:
		return false;
	}
	os_stop(p->os, 0);
	return true;
}

static void on_closed(struct ipc_channel *channel, bool broken)
{
	struct inside *p = ipc_owner(channel);

	os_stop(p->os, 1);
}

static const struct ipc_handler handler = { on_message, on_closed };

static void await(struct inside *p, enum ipc_type question)
{
	struct ipc_channel *to = question == IPC_START ? p->keeper : p->journal;
	struct buffer *out = ipc_begin(to, question);

	if (question == IPC_START) {
		put_u64(out, geteuid() == 0 ? NOBODY : UINT64_MAX);
		put_u64(out, geteuid() == 0 ? NOBODY : UINT64_MAX);
	} else if (question == IPC_SPOOL_WANT) {
		put_u64(out, 1);
	}
	ipc_end(to, -1);
	assert_int_equal(os_uv_run(p->os), 0);
}

/* A process that lives like the keeper's router; `channel` is its end. */
static pid_t start_router(int channel)
{
	pid_t pid = fork();

	if (pid == 0) {
		dup2(channel, 3);
		_exit(os_uv_role(role_program(ROLE_ROUTER), 0));
	}
	assert_true(pid > 0);
	return pid;
}

static void tell_router(struct inside *p, const struct seal_key *key, int edge)
{
	struct buffer *out;

	put_slice(ipc_begin(p->keeper, IPC_CONFIG), slice_from(config));
	ipc_end(p->keeper, openat(p->folder, "journal", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	buffer_add(ipc_begin(p->keeper, IPC_KEY), slice_of(key->bytes, SEAL_KEY_LEN));
	ipc_end(p->keeper, -1);
	out = ipc_begin(p->keeper, IPC_PEER);
	put_u8(out, ROLE_EDGE);
	put_u16(out, 0);
	ipc_end(p->keeper, edge);
}

/* A message to an account whose store is down: the router keeps its segment. */
static void finish_segment(struct inside *p, const struct seal_key *key)
{
	struct seal_target target = { 1, slice_lit("bob@here.example") };
	const struct sealed_recipient bob = { 5, slice_lit("sender@there.example"),
	    slice_lit("bob@here.example"), 1, &target };
	struct buffer sealed = buffer_init(p->heap, 4096), record = buffer_init(p->heap, 4096);
	struct journal_commit commit = { .transaction = 5, .sender = bob.sender,
	    .n_recipients = 1, .body = { 5, 5, checksum64(slice_lit("bytes"), 0), 0,
	    slice_lit("bytes") } };
	struct log_writer writer;
	struct buffer *out;
	uint32_t sequence, offset;
	slice bytes;

	seal_recipient(key, &bob, &sealed);
	commit.sealed = &(slice){ buffer_bytes(&sealed).ptr, buffer_bytes(&sealed).len };
	journal_commit_write(&commit, &record);
	log_writer_init(&writer, p->heap, &p->head);
	bytes = buffer_bytes(&record);
	assert_true(log_append(&writer, JOURNAL_COMMIT, &bytes, 1, &sequence, &offset));
	bytes = log_take(&writer, true, &offset);
	assert_int_equal(os_pwrite(p->os, p->segment, bytes, offset), 0);
	assert_int_equal(os_sync(p->os, p->segment), 0);
	os_close(p->os, p->segment);
	out = ipc_begin(p->journal, IPC_SYNCED);
	put_u64(out, p->head.generation);
	put_u32(out, writer.taken_to);
	ipc_end(p->journal, -1);
	put_u64(ipc_begin(p->journal, IPC_SEGMENT_END), p->head.generation);
	ipc_end(p->journal, -1);
	log_taken_done(&writer);
	log_writer_finish(&writer);
}

/* ---- the place ---- */

static void make_folders(struct inside *p)
{
	const char *const names[] = { "journal", "empty", "account" };

	snprintf(p->path, sizeof p->path, "/tmp/edge_inside_test.XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->folder = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		assert_int_equal(mkdirat(p->folder, names[i], 0700), 0);
		if (geteuid() == 0)
			assert_int_equal(fchownat(p->folder, names[i], NOBODY, NOBODY, 0), 0);
	}
	p->empty = openat(p->folder, "empty", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(p->finished, sizeof p->finished, "%s/journal/1/000.log", p->path);
	snprintf(p->held, sizeof p->held, "%s/journal/1/001.log", p->path);
	snprintf(p->sink, sizeof p->sink, "%s/sink", p->path);
}

static void make_sockets(struct inside *p)
{
	struct os_address peer;
	struct sockaddr_un name = sink(p);

	p->sink_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->sink_fd, (struct sockaddr *)&name, sizeof name), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(p->sink, NOBODY, NOBODY), 0);
		assert_int_equal(fchown(p->folder, NOBODY, NOBODY), 0);
	}
	assert_true(os_address_parse(slice_lit("127.0.0.1:0"), &p->address));
	p->listener = os_listen(p->os, &p->address, 100);
	assert_true(p->listener >= 0);
	assert_int_equal(os_local_address(p->os, p->listener, &p->address), 0);
	p->client = os_connect(p->os, &p->address);
	assert_true(p->client >= 0);
	p->session = os_accept(p->os, p->listener, &peer);
	assert_true(p->session >= 0);
	assert_true(send(p->client, "QUIT", 4, 0) == 4);
	p->waiting = os_connect(p->os, &p->address);
	assert_true(p->waiting >= 0);
}

static void make_place(struct inside *p)
{
	const struct os_uv_options options = { .log_from = OS_ERROR };
	const struct seal_key key = { "32 bytes that the keeper drew." };
	int keeper[2], edge[2];

	*p = (struct inside){ .segment = -1, .spool = -1 };
	make_folders(p);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    keeper), 0);
	p->router = start_router(keeper[1]);
	close(keeper[1]);
	p->os = os_uv_create(&options);
	p->heap = os_heap(p->os);
	assert_int_equal(os_channel_pair(p->os, edge), 0);
	p->channel = dup(edge[0]);
	p->keeper = ipc_channel_create(p->os, keeper[0], ROLE_KEEPER, 0, ROLE_ROUTER, 0, &handler, p);
	p->journal = ipc_channel_create(p->os, edge[0], ROLE_EDGE, 0, ROLE_ROUTER, 0, &handler, p);
	tell_router(p, &key, edge[1]);
	await(p, IPC_START);
	await(p, IPC_SEGMENT_WANT);
	finish_segment(p, &key);
	await(p, IPC_SEGMENT_WANT);
	await(p, IPC_SPOOL_WANT);
	make_sockets(p);
}

static void drop_place(struct inside *p)
{
	char *const words[] = { (char[]){ "rm" }, (char[]){ "-r" }, p->path, NULL };
	const int fds[] = { p->folder, p->empty, p->sink_fd, p->listener, p->session,
	                    p->client, p->waiting, p->channel, p->segment, p->spool };
	pid_t child;

	ipc_channel_destroy(p->journal);
	ipc_channel_destroy(p->keeper);
	/* Without its keeper it ends by itself. */
	assert_int_equal(child_status(p->router), 0);
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		os_close(p->os, fds[i]);
	os_uv_destroy(p->os);
	child = fork();
	if (child == 0) {
		execv("/bin/rm", words);
		_exit(99);
	}
	assert_int_equal(child_status(child), 0);
}

/* ---- the children ---- */

/* What an edge has, and no more. */
static void keep_what_is_ours(const struct inside *p)
{
	for (int fd = 3; fd < 1024; fd++) {
		if (fd != p->listener && fd != p->session && fd != p->channel &&
		    fd != p->segment && fd != p->spool)
			close(fd);
	}
}

enum how { UNCONFINED, AS_USER, AS_ROOT };

/* Exit status 0: it got through; 1: it did not. */
static int outcome(struct inside *p, long (*attempt)(struct inside *p), enum how how)
{
	pid_t child = fork();

	if (child == 0) {
		long result;

		if (how == UNCONFINED)
			child_user(false);
		else
			child_confine(p->os, &role_program(ROLE_EDGE)->may, p->empty,
			    how == AS_ROOT);
		keep_what_is_ours(p);
		result = attempt(p);
		_exit(result >= 0 ? 0 : 1);
	}
	return child_status(child);
}

static void run_all(enum how how)
{
	struct inside p;

	if (how == AS_ROOT && geteuid() != 0)
		skip();
	make_place(&p);
	for (size_t i = 0; i < N_ATTEMPTS; i++) {
		int status;

		if (how == AS_USER && (attempts[i].flags & CHROOT))
			continue;
		status = outcome(&p, attempts[i].attempt, how);
		if (status != 1 << 8 && (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS))
			fail_msg("%s: status %x", attempts[i].name, status);
	}
	/* The router saw nothing of it, and the duty is possible. */
	assert_int_equal(kill(p.router, 0), 0);
	assert_int_equal(outcome(&p, do_duty, how), 0);
	drop_place(&p);
}

static void test_as_user(void **state)
{
	run_all(AS_USER);
}

static void test_as_root(void **state)
{
	run_all(AS_ROOT);
}

static void test_without_walls(void **state)
{
	for (size_t i = 0; i < N_ATTEMPTS; i++) {
		struct inside p;

		if (!(attempts[i].flags & FREE))
			continue;
		make_place(&p);
		if (outcome(&p, attempts[i].attempt, UNCONFINED) != 0)
			fail_msg("%s fails without walls too", attempts[i].name);
		drop_place(&p);
	}
}

/* Of a segment that it called finished it can keep nothing: the router, confined as
 * ever, hangs up on an edge that still can write to it. */
static void test_keeps_finished(void **state)
{
	struct inside p;

	make_place(&p);
	put_u64(ipc_begin(p.journal, IPC_SEGMENT_END), p.head.generation);
	ipc_end(p.journal, -1);
	assert_int_equal(os_uv_run(p.os), 1);
	assert_int_equal(kill(p.router, 0), 0);
	drop_place(&p);
}

UNIT_TESTS(cmocka_unit_test(test_as_user), cmocka_unit_test(test_as_root),
    cmocka_unit_test(test_without_walls), cmocka_unit_test(test_keeps_finished))
