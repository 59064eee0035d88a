/* bench/floor.c - what this machine allows: the least that a durable SMTP server does.
 *
 *   floor PORT FILE        on 127.0.0.1, until SIGTERM
 *
 *   does                                        does not
 *   one epoll loop, one thread that syncs       queue, deliver, keep mailboxes, restart
 *   HELO EHLO MAIL RCPT DATA RSET NOOP QUIT     look at addresses, sizes, order of commands
 *   append each message, as it came, to FILE    compress, checksum, index, log, un-stuff dots
 *   250 after an fdatasync that covers it       answer before, whatever the load
 *   share that fdatasync among all who wait     time out, limit, authenticate, TLS
 *
 * A yardstick for bench/compare: a mail server that does more can't be faster.
 *
 * (1) The loop fills `gathering`; the thread owns `syncing` from its hand-over to
 *     the event that says it is done. Only the loop swaps them.
 * (2) A session that waits for a sync is not freed and takes no input. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BACKLOG = 1024,
	EVENTS = 256,                   /* of one epoll_wait */
	READ_MIN = 16 * 1024,           /* room for one read */
	MESSAGE_MAX = 64 * 1024 * 1024,
};

struct bytes {
	char *at;
	size_t len, cap;
};

struct session {
	int fd;
	bool in_data;
	bool waits;                     /* for the sync of its message */
	bool gone;                      /* close it when nothing waits */
	size_t searched;                /* of the data, for its end */
	struct bytes in;                /* not consumed yet */
};

struct batch {
	struct bytes messages;
	struct session **sessions;
	size_t n, cap;
};

struct floor {
	int epoll, listener, file;
	int synced;                     /* an eventfd: the thread says "done" */
	struct batch *gathering, *syncing;
	bool thread_busy;               /* the loop's view */
	pthread_mutex_t lock;
	pthread_cond_t handed;
	struct batch *to_sync;          /* under the lock */
};

static void fail(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void need(struct bytes *b, size_t room)
{
	if (b->cap - b->len >= room)
		return;
	b->cap = (b->len + room) * 2;
	b->at = realloc(b->at, b->cap);
	if (b->at == NULL)
		fail("memory");
}

static void append(struct bytes *b, const char *from, size_t n)
{
	need(b, n);
	memcpy(b->at + b->len, from, n);
	b->len += n;
}

/* ---- the thread that syncs ---- */

static void write_all(int file, const struct bytes *b)
{
	for (size_t done = 0; done < b->len;) {
		ssize_t n = write(file, b->at + done, b->len - done);

		if (n < 0)
			fail("write");
		done += (size_t)n;
	}
}

static void *sync_batches(void *context)
{
	struct floor *f = context;

	for (;;) {
		const struct batch *batch;

		pthread_mutex_lock(&f->lock);
		while (f->to_sync == NULL)
			pthread_cond_wait(&f->handed, &f->lock);
		batch = f->to_sync;
		f->to_sync = NULL;
		pthread_mutex_unlock(&f->lock);
		write_all(f->file, &batch->messages);
		if (fdatasync(f->file) < 0)
			fail("fdatasync");
		if (eventfd_write(f->synced, 1) < 0)
			fail("eventfd");
	}
	return NULL;
}

/* Hand over what has gathered, if the thread is free. */
static void hand_over(struct floor *f)
{
	struct batch *batch = f->gathering;

	if (f->thread_busy || batch->n == 0)
		return;
	f->gathering = f->syncing;
	f->syncing = batch;
	f->thread_busy = true;
	pthread_mutex_lock(&f->lock);
	f->to_sync = batch;
	pthread_cond_signal(&f->handed);
	pthread_mutex_unlock(&f->lock);
}

static void gather(struct floor *f, struct session *s, size_t len)
{
	struct batch *b = f->gathering;

	append(&b->messages, s->in.at, len);
	if (b->n == b->cap) {
		b->cap = b->cap * 2 + 64;
		b->sessions = realloc(b->sessions, b->cap * sizeof *b->sessions);
		if (b->sessions == NULL)
			fail("memory");
	}
	b->sessions[b->n++] = s;
	s->waits = true;
}

/* ---- a session ---- */

static void say(struct session *s, const char *words)
{
	size_t n = strlen(words);

	/* Our few words fit into any socket's buffer. */
	if (send(s->fd, words, n, MSG_NOSIGNAL) != (ssize_t)n)
		s->gone = true;
}

static void command(struct session *s, const char *line)
{
	static const struct {
		const char *verb, *reply;
	} verbs[] = {
		{ "EHLO", "250-floor\r\n250-PIPELINING\r\n250-SIZE\r\n250 8BITMIME\r\n" },
		{ "HELO", "250 floor\r\n" },
		{ "MAIL", "250 2.1.0 Ok\r\n" },
		{ "RCPT", "250 2.1.5 Ok\r\n" },
		{ "DATA", "354 Go on\r\n" },
		{ "RSET", "250 2.0.0 Ok\r\n" },
		{ "NOOP", "250 2.0.0 Ok\r\n" },
		{ "QUIT", "221 2.0.0 Bye\r\n" },
	};

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (strncasecmp(line, verbs[i].verb, 4) != 0)
			continue;
		say(s, verbs[i].reply);
		s->in_data = verbs[i].verb[0] == 'D';
		s->gone |= verbs[i].verb[0] == 'Q';
		return;
	}
	say(s, "500 5.5.1 What?\r\n");
}

static void consume(struct session *s, size_t n)
{
	s->in.len -= n;
	memmove(s->in.at, s->in.at + n, s->in.len);
	s->searched = 0;
}

/* One command or the end of data; false: more input is needed. */
static bool step(struct floor *f, struct session *s)
{
	static const char end_of_data[] = "\r\n.\r\n";
	enum { END_LEN = sizeof end_of_data - 1 };
	const char *end;

	if (!s->in_data) {
		end = memchr(s->in.at, '\n', s->in.len);
		if (end == NULL)
			return false;
		command(s, s->in.len >= 4 ? s->in.at : "");
		consume(s, (size_t)(end - s->in.at) + 1);
		return true;
	}
	end = memmem(s->in.at + s->searched, s->in.len - s->searched, end_of_data, END_LEN);
	if (end == NULL) {
		s->searched = s->in.len > END_LEN ? s->in.len - END_LEN : 0;
		return false;
	}
	gather(f, s, (size_t)(end - s->in.at) + 2);
	consume(s, (size_t)(end - s->in.at) + END_LEN);
	s->in_data = false;
	return true;
}

static void go_on(struct floor *f, struct session *s)
{
	while (!s->waits && !s->gone && s->in.len > 0 && step(f, s))
		continue;
	if (s->in.len > MESSAGE_MAX)
		s->gone = true;
	if (s->gone && !s->waits) {
		close(s->fd);
		free(s->in.at);
		free(s);
	}
}

static void read_session(struct floor *f, struct session *s)
{
	ssize_t n;

	need(&s->in, READ_MIN);
	n = recv(s->fd, s->in.at + s->in.len, s->in.cap - s->in.len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		s->in.len += (size_t)n;
	else
		s->gone = true;
	/* Level-triggered: one that waits and is gone must not wake us again. */
	if (s->gone && s->waits)
		epoll_ctl(f->epoll, EPOLL_CTL_DEL, s->fd, NULL);
	go_on(f, s);
}

static void answer_synced(struct floor *f)
{
	struct batch *b = f->syncing;
	eventfd_t times;

	if (eventfd_read(f->synced, &times) < 0)
		return;
	f->thread_busy = false;
	for (size_t i = 0; i < b->n; i++) {
		b->sessions[i]->waits = false;
		if (!b->sessions[i]->gone)
			say(b->sessions[i], "250 2.0.0 Ok: on disk\r\n");
		go_on(f, b->sessions[i]);
	}
	b->n = b->messages.len = 0;
}

/* ---- the loop ---- */

static void watch(struct floor *f, int fd, void *owner)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = owner };

	if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		fail("epoll_ctl");
}

static void take_sessions(struct floor *f)
{
	int fd, on = 1;

	while ((fd = accept4(f->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct session *s = calloc(1, sizeof *s);

		if (s == NULL)
			fail("memory");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		s->fd = fd;
		watch(f, fd, s);
		say(s, "220 floor ESMTP\r\n");
	}
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0)
		fail("listen");
	return fd;
}

static void run(struct floor *f)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int n = epoll_wait(f->epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			void *owner = events[i].data.ptr;

			if (owner == &f->listener)
				take_sessions(f);
			else if (owner != &f->synced)
				read_session(f, owner);
		}
		/* Last, since it may free sessions that have events above. */
		if (f->thread_busy)
			answer_synced(f);
		hand_over(f);
	}
}

int main(int argc, char **argv)
{
	static struct batch batches[2];
	struct floor f = { .gathering = &batches[0], .syncing = &batches[1] };
	pthread_t thread;
	long port = argc == 3 ? strtol(argv[1], NULL, 10) : 0;

	if (port < 1 || port > UINT16_MAX) {
		fprintf(stderr, "usage: floor PORT FILE\n");
		return 2;
	}
	f.file = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (f.file < 0)
		fail(argv[2]);
	f.listener = listen_on((uint16_t)port);
	f.epoll = epoll_create1(EPOLL_CLOEXEC);
	f.synced = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (f.epoll < 0 || f.synced < 0)
		fail("epoll");
	watch(&f, f.listener, &f.listener);
	watch(&f, f.synced, &f.synced);
	pthread_mutex_init(&f.lock, NULL);
	pthread_cond_init(&f.handed, NULL);
	errno = pthread_create(&thread, NULL, sync_batches, &f);
	if (errno != 0)
		fail("thread");
	run(&f);
}
