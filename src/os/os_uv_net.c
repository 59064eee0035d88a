/* os/os_uv_net.c - TCP, UDP and Unix sockets of this host; nothing here waits. */
#include "os/os_uv_impl.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"

union any_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

static const uint8_t v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* A relative path is below OS_ROOT: through /proc, which also lets the folder's
 * own path be longer than a socket's name may be. */
static bool local_path(struct os_uv *os, const char *path, char *ret_path, size_t size)
{
	int n;

	if (path[0] == '/' || os->root_fd < 0)
		n = snprintf(ret_path, size, "%s", path);
	else
		n = snprintf(ret_path, size, "/proc/self/fd/%d/%s", os->root_fd, path);
	return n > 0 && (size_t)n < size;
}

/* 0 when it can't be an address of this host. */
static socklen_t to_kernel(struct os_uv *os, const struct os_address *from,
    union any_address *ret_to)
{
	*ret_to = (union any_address){ 0 };
	if (from->path[0] != 0) {
		ret_to->any.sa_family = AF_UNIX;
		return local_path(os, from->path, ret_to->local.sun_path,
		    sizeof ret_to->local.sun_path) ? sizeof ret_to->local : 0;
	}
	if (memcmp(from->ip, v4_prefix, sizeof v4_prefix) == 0) {
		ret_to->any.sa_family = AF_INET;
		ret_to->v4.sin_port = htons(from->port);
		memcpy(&ret_to->v4.sin_addr, from->ip + sizeof v4_prefix, 4);
		return sizeof ret_to->v4;
	}
	ret_to->any.sa_family = AF_INET6;
	ret_to->v6.sin6_port = htons(from->port);
	memcpy(&ret_to->v6.sin6_addr, from->ip, 16);
	return sizeof ret_to->v6;
}

/* A Unix peer has no name of its own: its path stays empty, as does its port. */
static void from_kernel(const union any_address *from, struct os_address *ret_to)
{
	*ret_to = (struct os_address){ 0 };
	if (!os_address_from(&from->any, ret_to) && from->any.sa_family == AF_UNIX) {
		snprintf(ret_to->path, sizeof ret_to->path, "%.*s",
		    (int)sizeof from->local.sun_path, from->local.sun_path);
	}
}

static int new_socket(struct os_uv *os, const struct os_address *address, int type,
    union any_address *ret_to, socklen_t *ret_len)
{
	*ret_len = to_kernel(os, address, ret_to);
	if (*ret_len == 0)
		return -ENAMETOOLONG;
	return files_own(os, socket(ret_to->any.sa_family,
	    type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

int net_listen(struct os *os, const struct os_address *address, int backlog)
{
	union any_address to;
	socklen_t len;
	int fd = new_socket(os_uv_of(os), address, SOCK_STREAM, &to, &len), yes = 1, error;

	if (fd < 0)
		return fd;
	/* No SO_REUSEPORT: a second server must not share our ports unseen. */
	if (to.any.sa_family != AF_UNIX &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0)
		goto fail;
	if (to.any.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) < 0)
		goto fail;
	/* Our replies are gathered already. Who is accepted inherits it. */
	if (to.any.sa_family != AF_UNIX &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) < 0)
		goto fail;
	if (bind(fd, &to.any, len) < 0 || listen(fd, backlog) < 0)
		goto fail;
	return fd;
fail:
	error = errno;
	files_close(os, fd);
	return -error;
}

int net_local_address(struct os *os, int fd, struct os_address *ret_address)
{
	union any_address from = { 0 };
	socklen_t len = sizeof from;

	if (getsockname(fd, &from.any, &len) < 0)
		return -errno;
	from_kernel(&from, ret_address);
	return 0;
}

int net_accept(struct os *os, int fd, struct os_address *ret_peer)
{
	union any_address from = { 0 };
	socklen_t len = sizeof from;
	int stream = files_own(os_uv_of(os),
	    accept4(fd, &from.any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK));

	if (stream >= 0)
		from_kernel(&from, ret_peer);
	return stream;
}

int net_connect(struct os *os, const struct os_address *address)
{
	union any_address to;
	socklen_t len;
	int fd = new_socket(os_uv_of(os), address, SOCK_STREAM, &to, &len), yes = 1, error;

	if (fd < 0)
		return fd;
	if (to.any.sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	if (connect(fd, &to.any, len) < 0 && errno != EINPROGRESS && errno != EINTR) {
		error = errno;
		files_close(os, fd);
		return -error;
	}
	return fd;
}

int net_connected(struct os *os, int fd)
{
	union any_address peer;
	socklen_t len = sizeof peer;
	int error = 0;
	socklen_t error_len = sizeof error;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0)
		return -errno;
	if (error == 0 && getpeername(fd, &peer.any, &len) < 0)
		return -errno;
	return -error;
}

ssize_t net_read(struct os *os, int fd, void *buf, size_t n)
{
	ssize_t got;

	do {
		got = recv(fd, buf, n, 0);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

ssize_t net_write(struct os *os, int fd, const slice *parts, size_t n)
{
	struct iovec vector[OS_VECTOR_MAX];
	struct msghdr message = { .msg_iov = vector };
	ssize_t sent;

	/* SIGPIPE is ignored (os_uv_create), and this call is the cheaper one: the
	 * sandbox need not look at its arguments. */
	if (n == 1) {
		do {
			sent = write(fd, parts->ptr, parts->len);
		} while (sent < 0 && errno == EINTR);
		return sent < 0 ? -errno : sent;
	}
	for (size_t i = 0; i < n && i < OS_VECTOR_MAX; i++) {
		vector[i].iov_base = (void *)(uintptr_t)parts[i].ptr;
		vector[i].iov_len = parts[i].len;
		message.msg_iovlen++;
	}
	do {
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

ssize_t net_write_last(struct os *os, int fd, slice bytes)
{
	struct iovec vector = { (void *)(uintptr_t)bytes.ptr, bytes.len };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
	ssize_t sent;

	do {
		sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_MORE);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

void net_acknowledge(struct os *os, int fd)
{
	int yes = 1;

	/* No TCP, or gone: nothing to do. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof yes);
}

int net_shutdown(struct os *os, int fd)
{
	return shutdown(fd, SHUT_WR) < 0 ? -errno : 0;
}

int net_stream_pair(struct os *os, int ret_fds[2])
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	ret_fds[0] = files_own(os_uv_of(os), fds[0]);
	ret_fds[1] = files_own(os_uv_of(os), fds[1]);
	if (ret_fds[0] >= 0 && ret_fds[1] >= 0)
		return 0;
	os_close(os, ret_fds[0]);
	os_close(os, ret_fds[1]);
	return -EMFILE;
}

int64_t net_peer_uid(struct os *os, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	return peer.uid;
}

/* ---- datagrams ---- */

int net_datagram_open(struct os *os, const struct os_address *address)
{
	union any_address to;
	socklen_t len;
	int fd, yes = 1, error;

	if (address->path[0] != 0)
		return -EAFNOSUPPORT;
	fd = new_socket(os_uv_of(os), address, SOCK_DGRAM, &to, &len);
	if (fd < 0)
		return fd;
	/* No SO_REUSEADDR: for UDP it would let two servers have one port. */
	if ((to.any.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) < 0) ||
	    bind(fd, &to.any, len) < 0) {
		error = errno;
		files_close(os, fd);
		return -error;
	}
	return fd;
}

ssize_t net_datagram_receive(struct os *os, int fd, void *buf, size_t n,
    struct os_address *ret_peer)
{
	union any_address from = { 0 };
	socklen_t len;
	ssize_t got;

	do {
		len = sizeof from;
		got = recvfrom(fd, buf, n, MSG_TRUNC, &from.any, &len);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	from_kernel(&from, ret_peer);
	return (size_t)got > n ? -EMSGSIZE : got;
}

int net_datagram_send(struct os *os, int fd, slice bytes, const struct os_address *address)
{
	union any_address to;
	socklen_t len = to_kernel(os_uv_of(os), address, &to);
	ssize_t sent;

	if (len == 0 || to.any.sa_family == AF_UNIX)
		return -EAFNOSUPPORT;
	do {
		sent = sendto(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL, &to.any, len);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}
