/* os/os_sim_channel.c - channels: whole messages in order, with descriptors.
 *
 * As SEQPACKET sockets do: a full queue says -EAGAIN, a message on its way holds
 * its descriptors, a closed end shows as the end after what was sent. */
#include "os/os_sim_impl.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/checksum.h"

struct packet {
	struct list link;
	size_t len, n_fds;
	struct sim_object *fds[IPC_FDS_MAX];
	unsigned char bytes[];
};

struct sim_channel {
	struct sim_object object;
	struct sim_channel *peer;       /* NULL: closed */
	struct sim_event arrive;
	struct list queue;              /* to this end */
	size_t n_queue, n_visible;
	bool end_seen;
};

static void arrive(struct sim_event *event);

static struct sim_channel *channel_create(struct sim *sim)
{
	struct sim_channel *c = heap_new(sim->heap, struct sim_channel);

	sim_object_init(sim, &c->object, SIM_CHANNEL);
	c->arrive.fire = arrive;
	list_init(&c->queue);
	return c;
}

int sim_os_channel_pair(struct os *os, int ret_fds[2])
{
	struct sim_process *process = sim_process_of(os);
	struct sim_channel *a = channel_create(process->sim), *b = channel_create(process->sim);

	a->peer = b;
	b->peer = a;
	ret_fds[0] = sim_fd_add(process, &a->object);
	ret_fds[1] = sim_fd_add(process, &b->object);
	return 0;
}

static void arrive_soon(struct sim_channel *c)
{
	if (c->arrive.place == 0)
		sim_schedule(c->object.sim, &c->arrive, sim_net_delay(c->object.sim, false));
}

static void arrive(struct sim_event *event)
{
	struct sim_channel *c = list_item(event, struct sim_channel, arrive);
	size_t n = c->n_queue - c->n_visible;

	if (n > 1)
		n = chance_between(&c->object.sim->net, 1, n);
	c->n_visible += n;
	sim_trace(c->object.sim, NULL, SIM_ARRIVE, c->object.number, n, (slice){ 0 });
	if (c->n_visible < c->n_queue)
		arrive_soon(c);
	else if (c->peer == NULL)
		c->end_seen = true;
	sim_object_wake(&c->object);
}

int sim_channel_ready(const struct sim_object *object)
{
	const struct sim_channel *c = (const struct sim_channel *)object;
	int events = 0;

	if (c->n_visible > 0 || c->end_seen)
		events |= OS_READABLE;
	if (c->peer == NULL ? c->end_seen : c->peer->n_queue < SIM_CHANNEL_PACKETS)
		events |= OS_WRITABLE;
	return events;
}

static void packet_free(struct sim *sim, struct packet *packet)
{
	for (size_t i = 0; i < packet->n_fds; i++)
		sim_object_unref(packet->fds[i]);
	heap_free(sim->heap, packet);
}

void sim_channel_close(struct sim_object *object)
{
	struct sim_channel *c = (struct sim_channel *)object;
	struct sim *sim = object->sim;

	sim_unschedule(sim, &c->arrive);
	if (c->peer != NULL) {
		c->peer->peer = NULL;
		arrive_soon(c->peer);
		c->peer = NULL;
	}
	while (!list_empty(&c->queue))
		packet_free(sim, list_item(list_take_first(&c->queue), struct packet, link));
	heap_free(sim->heap, c);
}

static struct sim_channel *channel_of(struct sim_process *process, int fd)
{
	struct sim_object *object = sim_fd_get(process, fd);

	return object != NULL && object->kind == SIM_CHANNEL ? (struct sim_channel *)object : NULL;
}

int sim_os_channel_send(struct os *os, int fd, slice message, const int *fds, size_t n_fds)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_channel *c = channel_of(process, fd);
	struct packet *packet;

	if (c == NULL)
		return -EBADF;
	check(message.len > 0 && message.len <= IPC_PACKET_MAX);
	check(n_fds <= IPC_FDS_MAX);
	if (!sim_call(process))
		return -EAGAIN;
	if (c->peer == NULL)
		return -EPIPE;
	if (c->peer->n_queue >= SIM_CHANNEL_PACKETS)
		return -EAGAIN;
	if (process->sim->tap != NULL)
		process->sim->tap(process->sim->tap_arg, os, message);
	packet = heap_alloc(process->sim->heap, sizeof *packet + message.len);
	memcpy(packet->bytes, message.ptr, message.len);
	packet->len = message.len;
	for (size_t i = 0; i < n_fds; i++) {
		struct sim_object *object = sim_fd_get(process, fds[i]);

		check(object != NULL);
		object->refs++;
		packet->fds[packet->n_fds++] = object;
	}
	list_append(&c->peer->queue, &packet->link);
	c->peer->n_queue++;
	arrive_soon(c->peer);
	sim_trace(process->sim, process, SIM_SEND, c->object.number,
	    checksum64(message, message.len), (slice){ 0 });
	return 0;
}

ssize_t sim_os_channel_receive(struct os *os, int fd, void *buf, size_t size, int ret_fds[],
    size_t *ret_n_fds)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_channel *c = channel_of(process, fd);
	struct packet *packet;
	ssize_t len;

	if (c == NULL)
		return -EBADF;
	if (!sim_call(process))
		return -EAGAIN;
	*ret_n_fds = 0;
	if (c->n_visible == 0)
		return c->end_seen ? 0 : -EAGAIN;
	packet = list_item(list_take_first(&c->queue), struct packet, link);
	c->n_queue--;
	c->n_visible--;
	check(packet->len <= size);
	memcpy(buf, packet->bytes, packet->len);
	len = (ssize_t)packet->len;
	for (size_t i = 0; i < packet->n_fds; i++)
		ret_fds[i] = sim_fd_add(process, packet->fds[i]);
	*ret_n_fds = packet->n_fds;
	sim_trace(process->sim, process, SIM_RECEIVE, c->object.number, packet->len, (slice){ 0 });
	heap_free(process->sim->heap, packet);
	if (c->peer != NULL)
		sim_object_wake(&c->peer->object);
	return len;
}
