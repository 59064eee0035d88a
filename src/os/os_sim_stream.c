/* os/os_sim_stream.c - streams of the simulated network.
 *
 * A stream is two ends, each with what is on its way to it: `in`, of which the
 * first `visible` bytes have arrived. Bytes arrive in order, after a delay, in
 * pieces that chance cuts. After them comes the end (the peer shut down or
 * closed), or at any time a reset.
 *
 *   CONNECTING -> open -> end_seen | error
 *
 * (1) Closing an end with unread bytes resets the peer, which may then lose
 *     what it had not read: as TCP does (RFC 9293 s3.10.4, RFC 1122 s4.2.2.13).
 * (2) Writing to a peer that is gone succeeds until the news arrives.
 */
#include "os/os_sim_impl.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/checksum.h"

uint64_t sim_net_delay(struct sim *sim, bool remote)
{
	if (remote && chance_one_in(&sim->fault, sim->faults.slow))
		return chance_between(&sim->fault, SIM_SLOW_US / 10, SIM_SLOW_US);
	return remote ? chance_skewed(&sim->net, 50, 30000) : chance_skewed(&sim->net, 2, 500);
}

/* ---- streams ---- */

struct sim_stream *sim_stream_create(struct sim_host *host, struct sim_host *far)
{
	struct sim *sim = host->sim;
	struct sim_stream *s = heap_new(sim->heap, struct sim_stream);

	sim_object_init(sim, &s->object, SIM_STREAM);
	s->host = host;
	s->far = far;
	s->remote = host != far;
	s->arrive.fire = sim_stream_arrive;
	s->in = buffer_init(sim->heap, SIM_STREAM_BUFFER);
	list_init(&s->queue_link);
	return s;
}

void sim_stream_join(struct sim_stream *a, struct sim_stream *b)
{
	a->peer = b;
	b->peer = a;
}

static void arrive_soon(struct sim_stream *s)
{
	if (s->arrive.place == 0)
		sim_schedule(s->object.sim, &s->arrive, sim_net_delay(s->object.sim, s->remote));
}

static size_t pending(const struct sim_stream *s)
{
	return buffer_bytes(&s->in).len - s->visible;
}

static void stream_fail(struct sim_stream *s, int error)
{
	s->error = error;
	s->connecting = false;
	/* What had arrived may be lost with it. */
	if (chance_one_in(&s->object.sim->net, 2)) {
		buffer_free(&s->in);
		s->visible = 0;
	} else {
		buffer_truncate(&s->in, s->visible);
	}
	sim_trace(s->object.sim, NULL, SIM_RESET, s->object.number, s->visible, (slice){ 0 });
	sim_object_wake(&s->object);
}

void sim_stream_lose(struct sim_stream *s)
{
	struct sim_stream *peer = s->peer;

	s->reset_coming = true;
	s->peer = NULL;
	arrive_soon(s);
	if (peer != NULL) {
		peer->peer = NULL;
		peer->reset_coming = true;
		arrive_soon(peer);
	}
}

void sim_stream_silence(struct sim_stream *s)
{
	struct sim *sim = s->object.sim;

	sim_trace(sim, NULL, SIM_FAULT, s->object.number, 0, slice_lit("the peer vanished"));
	s->peer = NULL;
	s->silent = true;
	s->reset_coming = true;
	buffer_truncate(&s->in, s->visible);
	sim_unschedule(sim, &s->arrive);
	sim_schedule(sim, &s->arrive, SIM_SILENT_US);
}

/* TCP tries again, less and less often. */
void sim_stream_later(struct sim_stream *s)
{
	struct sim *sim = s->object.sim;

	sim_schedule(sim, &s->arrive, chance_between(&sim->net, 200 * 1000, 3000 * 1000));
}

void sim_stream_arrive(struct sim_event *event)
{
	struct sim_stream *s = list_item(event, struct sim_stream, arrive);
	struct sim *sim = s->object.sim;
	size_t n = pending(s);

	if (sim_parted(s)) {
		sim_stream_later(s);
		return;
	}
	if (s->reset_coming) {
		if (s->error == 0)
			stream_fail(s, -ECONNRESET);
		return;
	}
	if (s->remote && s->peer != NULL && chance_one_in(&sim->fault, sim->faults.reset)) {
		sim_stream_lose(s);
		return;
	}
	if (n > 0 && chance_one_in(&sim->net, 3))
		n = chance_between(&sim->net, 1, n);
	s->visible += n;
	sim_trace(sim, NULL, SIM_ARRIVE, s->object.number, n, (slice){ 0 });
	if (pending(s) > 0)
		arrive_soon(s);
	else if (s->end_coming)
		s->end_seen = true;
	sim_object_wake(&s->object);
}

int sim_stream_ready(const struct sim_object *object)
{
	const struct sim_stream *s = (const struct sim_stream *)object;
	int events = 0;

	if (s->error != 0)
		return OS_READABLE | OS_WRITABLE;
	if (s->connecting)
		return 0;
	if (s->visible > 0 || s->end_seen)
		events |= OS_READABLE;
	if (s->silent ? s->unheard < SIM_STREAM_BUFFER :
	    s->peer == NULL || buffer_room(&s->peer->in) > 0)
		events |= OS_WRITABLE;
	return events;
}

/* An end's last descriptor is gone. */
void sim_stream_close(struct sim_object *object)
{
	struct sim_stream *s = (struct sim_stream *)object, *peer = s->peer;
	struct sim *sim = object->sim;

	list_remove(&s->queue_link);
	sim_unschedule(sim, &s->arrive);
	if (peer != NULL) {
		peer->peer = NULL;
		if (s->host->cutting && s->remote && chance_one_in(&sim->net, 4)) {
			sim_stream_silence(peer);
		} else if (s->host->cutting && s->remote) {
			/* No word from a host without power: a time-out, or a reset
			 * when it is back and does not know the connection. */
			peer->reset_coming = true;
			sim_unschedule(sim, &peer->arrive);
			sim_schedule(sim, &peer->arrive,
			    chance_between(&sim->net, 50 * 1000, 3000 * 1000));
		} else {
			if (buffer_bytes(&s->in).len > 0)
				peer->reset_coming = true;
			else
				peer->end_coming = true;
			arrive_soon(peer);
		}
		sim_object_wake(&peer->object);
	}
	buffer_free(&s->in);
	heap_free(sim->heap, s);
}

struct sim_stream *sim_stream_of(struct sim_process *process, int fd)
{
	struct sim_object *object = sim_fd_get(process, fd);

	return object != NULL && object->kind == SIM_STREAM ? (struct sim_stream *)object : NULL;
}

ssize_t sim_os_read(struct os *os, int fd, void *buf, size_t n)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_stream *s = sim_stream_of(process, fd);

	if (s == NULL)
		return -EBADF;
	if (!sim_call(process) || s->connecting)
		return -EAGAIN;
	if (s->visible == 0)
		return s->error != 0 ? s->error : s->end_seen ? 0 : -EAGAIN;
	if (n > s->visible)
		n = s->visible;
	if (n > 1 && chance_one_in(&process->sim->net, 8))
		n = chance_between(&process->sim->net, 1, n);
	if (n == 0)
		return 0;
	memcpy(buf, buffer_bytes(&s->in).ptr, n);
	sim_trace(process->sim, process, SIM_READ, s->object.number,
	    checksum64(slice_of(buf, n), n), (slice){ 0 });
	buffer_consume(&s->in, n);
	s->visible -= n;
	if (s->peer != NULL)
		sim_object_wake(&s->peer->object);
	return (ssize_t)n;
}

/* To a peer that vanished: as much as a send buffer takes. */
static ssize_t silent_put(struct sim_stream *s, const slice *parts, size_t n_parts)
{
	size_t room = SIM_STREAM_BUFFER - s->unheard, n = 0;

	for (size_t i = 0; i < n_parts; i++)
		n += parts[i].len;
	if (n > room)
		n = room;
	s->unheard += n;
	return n > 0 ? (ssize_t)n : -EAGAIN;
}

static ssize_t stream_put(struct sim_stream *peer, const slice *parts, size_t n_parts)
{
	struct sim *sim = peer->object.sim;
	size_t room = buffer_room(&peer->in), n = 0;

	if (room == 0)
		return -EAGAIN;
	if (chance_one_in(&sim->net, 16))
		room = chance_between(&sim->net, 1, room);
	for (size_t i = 0; i < n_parts && n < room; i++) {
		size_t part = parts[i].len < room - n ? parts[i].len : room - n;

		buffer_add(&peer->in, slice_head(parts[i], part));
		n += part;
	}
	if (n > 0)
		arrive_soon(peer);
	return (ssize_t)n;
}

ssize_t sim_os_write(struct os *os, int fd, const slice *parts, size_t n_parts)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_stream *s = sim_stream_of(process, fd);
	ssize_t n = 0;

	if (s == NULL)
		return -EBADF;
	if (!sim_call(process) || s->connecting)
		return -EAGAIN;
	if (s->error != 0 || s->shut)
		return s->error != 0 ? s->error : -EPIPE;
	if (s->peer == NULL && s->end_seen)
		return -EPIPE;
	if (s->silent) {
		n = silent_put(s, parts, n_parts);
	} else if (s->peer != NULL) {
		n = stream_put(s->peer, parts, n_parts);
	} else {
		for (size_t i = 0; i < n_parts; i++)
			n += (ssize_t)parts[i].len;
		if (!s->reset_coming) {
			s->reset_coming = true;
			arrive_soon(s);
		}
	}
	sim_trace(process->sim, process, SIM_SEND, s->object.number,
	    checksum64_of(parts, n_parts, (uint64_t)n), (slice){ 0 });
	return n;
}

int sim_os_shutdown(struct os *os, int fd)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_stream *s = sim_stream_of(process, fd);

	if (s == NULL)
		return -EBADF;
	if (!sim_call(process))
		return 0;
	if (s->error != 0 || s->connecting)
		return -ENOTCONN;
	s->shut = true;
	if (s->peer != NULL && !s->peer->end_coming) {
		s->peer->end_coming = true;
		arrive_soon(s->peer);
	}
	return 0;
}

int sim_os_stream_pair(struct os *os, int ret_fds[2])
{
	struct sim_process *process = sim_process_of(os);
	struct sim_stream *a = sim_stream_create(process->host, process->host);
	struct sim_stream *b = sim_stream_create(process->host, process->host);

	sim_stream_join(a, b);
	ret_fds[0] = sim_fd_add(process, &a->object);
	ret_fds[1] = sim_fd_add(process, &b->object);
	return 0;
}

int64_t sim_os_peer_uid(struct os *os, int fd)
{
	return sim_stream_of(sim_process_of(os), fd) != NULL ? 0 : -EBADF;
}

/* ---- datagrams: no simulated role has any ---- */

int sim_os_datagram_open(struct os *os, const struct os_address *address)
{
	return -EOPNOTSUPP;
}

ssize_t sim_os_datagram_receive(struct os *os, int fd, void *buf, size_t n,
    struct os_address *ret_peer)
{
	return -EOPNOTSUPP;
}

int sim_os_datagram_send(struct os *os, int fd, slice bytes, const struct os_address *to)
{
	return -EOPNOTSUPP;
}
