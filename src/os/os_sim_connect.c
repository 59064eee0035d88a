/* os/os_sim_connect.c - listeners, accept and connect in the simulated network. */
#include "os/os_sim_impl.h"

#include <errno.h>
#include <string.h>

static const uint8_t ip_any[16], ip4_any[16] = { [10] = 0xff, [11] = 0xff };

static bool same_ip(const uint8_t bound[16], const uint8_t wanted[16])
{
	return memcmp(bound, wanted, 16) == 0 || memcmp(bound, ip_any, 16) == 0 ||
	    memcmp(bound, ip4_any, 16) == 0;
}

static bool matches(const struct sim_listener *l, const struct os_address *address)
{
	if (address->path[0] != '\0')
		return strcmp(l->address.path, address->path) == 0;
	return l->address.path[0] == '\0' && l->address.port == address->port &&
	    same_ip(l->address.ip, address->ip);
}

static struct sim_listener *find_listener(struct sim_host *host, const struct os_address *address)
{
	list_for(at, &host->sim->objects) {
		struct sim_object *object = list_item(at, struct sim_object, link);
		struct sim_listener *l = (struct sim_listener *)object;

		if (object->kind == SIM_LISTENER && l->host == host && matches(l, address))
			return l;
	}
	return NULL;
}

int sim_os_listen(struct os *os, const struct os_address *address, int backlog)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_listener *l;

	if (process->confined && !process->may.files)
		return -EACCES;
	if (!sim_call(process) || find_listener(process->host, address) != NULL)
		return -EADDRINUSE;
	l = heap_new(process->sim->heap, struct sim_listener);
	sim_object_init(process->sim, &l->object, SIM_LISTENER);
	l->host = process->host;
	l->address = *address;
	if (address->path[0] == '\0' && address->port == 0)
		l->address.port = process->host->port_next++;
	l->backlog = backlog;
	list_init(&l->queue);
	return sim_fd_add(process, &l->object);
}

int sim_listener_ready(const struct sim_object *object)
{
	return list_empty(&((const struct sim_listener *)object)->queue) ? 0 : OS_READABLE;
}

void sim_listener_close(struct sim_object *object)
{
	struct sim_listener *l = (struct sim_listener *)object;

	while (!list_empty(&l->queue)) {
		struct list *first = list_take_first(&l->queue);
		struct sim_stream *s = list_item(first, struct sim_stream, queue_link);

		if (s->peer != NULL)
			sim_stream_lose(s);
		sim_object_unref(&s->object);
	}
	heap_free(object->sim->heap, l);
}

int sim_os_local_address(struct os *os, int fd, struct os_address *ret_address)
{
	struct sim_object *object = sim_fd_get(sim_process_of(os), fd);

	if (object != NULL && object->kind == SIM_LISTENER)
		*ret_address = ((struct sim_listener *)object)->address;
	else if (object != NULL && object->kind == SIM_STREAM)
		*ret_address = ((struct sim_stream *)object)->local;
	else
		return -EBADF;
	return 0;
}

int sim_os_accept(struct os *os, int fd, struct os_address *ret_peer)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_object *object = sim_fd_get(process, fd);
	struct sim_listener *l = (struct sim_listener *)object;
	struct sim_stream *s;

	if (object == NULL || object->kind != SIM_LISTENER)
		return -EBADF;
	if (process->confined && !process->may.network_accept)
		return -EACCES;
	if (!sim_call(process) || list_empty(&l->queue))
		return -EAGAIN;
	s = list_item(list_take_first(&l->queue), struct sim_stream, queue_link);
	l->n_queue--;
	if (ret_peer != NULL)
		*ret_peer = s->foreign;
	return sim_fd_add(process, &s->object);
}

/* ---- connect ---- */

/* The client's end, when its request has travelled: `arrive` of a connecting
 * stream. The server's end is made here. */
static void connect_fire(struct sim_event *event)
{
	struct sim_stream *s = list_item(event, struct sim_stream, arrive);
	struct sim_listener *l = find_listener(s->far, &s->foreign);
	struct sim_stream *server;

	if (sim_parted(s)) {
		sim_stream_later(s);
		return;
	}
	s->arrive.fire = sim_stream_arrive;
	s->connecting = false;
	sim_trace(s->object.sim, NULL, SIM_CONNECT, s->object.number, l != NULL, (slice){ 0 });
	if (l == NULL || l->n_queue >= l->backlog) {
		s->error = -ECONNREFUSED;
		sim_object_wake(&s->object);
		return;
	}
	server = sim_stream_create(s->far, s->host);
	server->local = s->foreign;
	server->foreign = s->local;
	sim_stream_join(s, server);
	list_append(&l->queue, &server->queue_link);
	l->n_queue++;
	sim_object_wake(&l->object);
	sim_object_wake(&s->object);
}

static struct sim_host *host_at(struct sim_process *process, const struct os_address *address)
{
	if (address->path[0] != '\0')
		return process->host;
	list_for(at, &process->sim->hosts) {
		struct sim_host *host = list_item(at, struct sim_host, link);

		if (memcmp(host->ip, address->ip, sizeof host->ip) == 0)
			return host;
	}
	return NULL;
}

int sim_os_connect(struct os *os, const struct os_address *address)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_host *far = host_at(process, address);
	struct sim_stream *s;

	if (process->confined && !process->may.network_connect)
		return -EACCES;
	if (!sim_call(process) || far == NULL)
		return -ENETUNREACH;
	s = sim_stream_create(process->host, far);
	s->connecting = true;
	s->foreign = *address;
	memcpy(s->local.ip, process->host->ip, sizeof s->local.ip);
	s->local.port = process->host->port_next++;
	s->arrive.fire = connect_fire;
	sim_schedule(process->sim, &s->arrive, sim_net_delay(process->sim, s->remote));
	return sim_fd_add(process, &s->object);
}

int sim_os_connected(struct os *os, int fd)
{
	struct sim_stream *s = sim_stream_of(sim_process_of(os), fd);

	if (s == NULL)
		return -EBADF;
	return s->connecting ? -EINPROGRESS : s->error;
}
