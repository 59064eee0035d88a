/* os/os_uv_channel.c - whole messages with descriptors, over SEQPACKET pairs. */
#include "os/os_uv_impl.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/limits.h"

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
};

/* Room for CHANNEL_PACKETS of the largest packets in flight. The kernel bounds
 * an ordinary user to its wmem_max, which on Debian still holds three. */
static void make_roomy(int fd)
{
	int size = CHANNEL_PACKETS * IPC_PACKET_MAX;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

int channel_pair(struct os *os, int ret_fds[2])
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	make_roomy(fds[0]);
	make_roomy(fds[1]);
	ret_fds[0] = files_own(os_uv_of(os), fds[0]);
	ret_fds[1] = files_own(os_uv_of(os), fds[1]);
	if (ret_fds[0] >= 0 && ret_fds[1] >= 0)
		return 0;
	os_close(os, ret_fds[0]);
	os_close(os, ret_fds[1]);
	return -EMFILE;
}

int channel_send(struct os *os, int fd, slice message, const int *fds, size_t n_fds)
{
	union control control = { 0 };
	struct iovec vector = { (void *)(uintptr_t)message.ptr, message.len };
	struct msghdr header = { .msg_iov = &vector, .msg_iovlen = 1 };
	ssize_t sent;

	if (n_fds > 0) {
		struct cmsghdr *c = &control.align;

		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	do {
		sent = sendmsg(fd, &header, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	check((size_t)sent == message.len);             /* SEQPACKET: all or nothing */
	return 0;
}

/* Own what came; false when a descriptor was lost on the way. */
static bool take_descriptors(struct os_uv *os, struct msghdr *header, int ret_fds[],
    size_t *ret_n_fds)
{
	bool whole = (header->msg_flags & MSG_CTRUNC) == 0;
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		size_t len = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		check(n + len <= IPC_FDS_MAX);          /* the size of our buffer */
		for (size_t i = 0; i < len; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			fd = files_own(os, fd);
			if (fd >= 0)
				ret_fds[n++] = fd;
			else
				whole = false;
		}
	}
	*ret_n_fds = n;
	return whole;
}

ssize_t channel_receive(struct os *os, int fd, void *buf, size_t size, int ret_fds[],
    size_t *ret_n_fds)
{
	union control control = { 0 };
	struct iovec vector = { buf, size };
	struct msghdr header = {
		.msg_iov = &vector, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof control.bytes,
	};
	int fds[IPC_FDS_MAX];
	size_t n = 0;
	ssize_t got;
	bool whole;

	do {
		got = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	whole = take_descriptors(os_uv_of(os), &header, fds, &n);
	if (whole && (header.msg_flags & MSG_TRUNC) == 0) {
		memcpy(ret_fds, fds, n * sizeof *fds);
		*ret_n_fds = n;
		return got;
	}
	for (size_t i = 0; i < n; i++)
		files_close(os, fds[i]);
	return whole ? -EMSGSIZE : -EMFILE;
}
