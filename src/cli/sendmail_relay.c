/* cli/sendmail_relay.c - sendmail -bs: SMTP on stdin and stdout is the server's own.
 *
 * stdin --> server, until stdin ends; server --> stdout, until the server closes,
 * which ends it. Each way has one buffer, so that neither waits for the other. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/sendmail.h"

enum {
	BYTES = 16 * 1024,
	/* PIPE_BUF: after POLLOUT so much goes into a pipe without waiting. */
	WRITE_MAX = 4096,
};

struct way {
	int from, to;
	unsigned char bytes[BYTES];
	size_t start, end;
	bool ended;                     /* nothing more comes */
};

static bool again(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static void take(struct way *w)
{
	ssize_t n = read(w->from, w->bytes, sizeof w->bytes);

	if (n > 0) {
		w->start = 0;
		w->end = (size_t)n;
	} else if (n == 0 || !again()) {
		w->ended = true;
	}
}

/* False when the other side is gone. */
static bool give(struct way *w)
{
	size_t n = w->end - w->start;
	ssize_t written = write(w->to, w->bytes + w->start, n < WRITE_MAX ? n : WRITE_MAX);

	if (written < 0)
		return again();
	w->start += (size_t)written;
	return true;
}

/* Watch the side that can do something: an empty buffer reads, a full one writes. */
static struct pollfd watch(const struct way *w)
{
	if (w->start < w->end)
		return (struct pollfd){ .fd = w->to, .events = POLLOUT };
	return (struct pollfd){ .fd = w->ended ? -1 : w->from, .events = POLLIN };
}

static bool move(struct way *w, const struct pollfd *seen)
{
	if (seen->fd < 0 || seen->revents == 0)
		return true;
	if (seen->events == POLLOUT)
		return give(w);
	take(w);
	return true;
}

static int carry(struct os *os, int fd)
{
	struct way out = { .from = STDIN_FILENO, .to = fd };
	struct way in = { .from = fd, .to = STDOUT_FILENO };
	bool shut = false;

	while (!in.ended || in.start < in.end) {
		struct pollfd seen[2] = { watch(&out), watch(&in) };

		if (poll(seen, 2, -1) < 0 && errno != EINTR)
			return sendmail_fail(EX_OSERR, "poll: %s", strerror(errno));
		if (!move(&in, &seen[1]))
			return EX_IOERR;        /* nobody reads what we say */
		/* The server closed its side, say: what it said is still to be read. */
		if (!move(&out, &seen[0])) {
			out.start = out.end;
			out.ended = true;
		}
		if (out.ended && out.start == out.end && !shut) {
			os_shutdown(os, fd);
			shut = true;
		}
	}
	return EX_OK;
}

static int wait_connected(struct os *os, int fd)
{
	struct pollfd seen = { .fd = fd, .events = POLLOUT };
	int n;

	do
		n = poll(&seen, 1, POST_CONNECT_MS);
	while (n < 0 && errno == EINTR);
	return n == 0 ? -ETIMEDOUT : n < 0 ? -errno : os_connected(os, fd);
}

int sendmail_relay(struct os *os, const struct os_address *server)
{
	int fd = os_connect(os, server), status, result;
	char text[OS_ADDRESS_TEXT];

	result = fd < 0 ? fd : wait_connected(os, fd);
	if (result == 0) {
		status = carry(os, fd);
	} else {
		os_address_print(server, text, sizeof text);
		printf("421 4.3.2 No mail server at %s\r\n", text);
		fflush(stdout);
		status = sendmail_fail(EX_TEMPFAIL, "%s: can't connect: %s", text,
		    strerror(-result));
	}
	if (fd >= 0)
		os_close(os, fd);
	return status;
}
