/* cli/lab_dns.c - sockets around dns/answer.h. */
#include "cli/lab_dns.h"

#include <assert.h>
#include <errno.h>

#include "base/limits.h"
#include "os/stream.h"

enum { LENGTH = 2, BACKLOG = 64 };

static_assert((size_t)OS_SCRATCH_SIZE >= DNS_MESSAGE_MAX, "a datagram fits");
static_assert(LAB_DNS_OUTPUT_MAX / 2 >= LENGTH + DNS_MESSAGE_MAX, "room while data is offered");

struct lab_dns {
	struct os *os;
	const struct dns_zones *zones;
	struct os_address address;
	int datagrams, listener;        /* -1: none */
	struct os_watch asking, accepting;
	struct os_timer again;          /* no descriptor was left: accept later */
	struct list clients;            /* whoever spoke last is the last one */
	size_t n_clients;
	struct buffer answer;           /* empty between two questions */
	void (*answered)(void *owner, const struct lab_dns_event *event);
	void *owner;
};

struct client {
	struct lab_dns *dns;
	struct list link;
	struct stream *stream;
	struct os_timer idle;
	struct os_address peer;
};

/* ---- one question ---- */

/* What is said to it; maybe nothing. Until the next buffer_consume(). */
static slice answer(struct lab_dns *dns, slice query, bool tcp)
{
	dns_answer(dns->zones, query, tcp, &dns->answer);
	return buffer_bytes(&dns->answer);
}

/* It was sent: tell, and forget it. */
static void finish(struct lab_dns *dns, const struct os_address *client, bool tcp)
{
	slice bytes = buffer_bytes(&dns->answer);
	struct dns_answer_text text;

	if (bytes.len > 0 && dns->answered != NULL && dns_answer_describe(bytes, &text)) {
		const struct lab_dns_event event = { client, tcp, &text };

		dns->answered(dns->owner, &event);
	}
	buffer_consume(&dns->answer, bytes.len);
}

static void on_datagrams(struct os_watch *watch, int events)
{
	struct lab_dns *dns = watch->owner;

	for (int i = 0; i < LAB_DNS_PER_TURN; i++) {
		struct os_address peer;
		void *buf = os_scratch(dns->os);
		ssize_t n = os_datagram_receive(dns->os, dns->datagrams, buf, DNS_MESSAGE_MAX, &peer);
		slice bytes;

		if (n == -EAGAIN)
			return;
		if (n < 0)
			continue;       /* what happened to an earlier datagram */
		bytes = answer(dns, slice_of(buf, (size_t)n), false);
		/* What can't be sent is lost, as datagrams are: they ask again. */
		if (bytes.len > 0)
			os_datagram_send(dns->os, dns->datagrams, bytes, &peer);
		finish(dns, &peer, false);
	}
}

/* ---- streams ---- */

static void client_free(struct client *client)
{
	struct lab_dns *dns = client->dns;

	os_timer_stop(dns->os, &client->idle);
	stream_destroy(client->stream);
	list_remove(&client->link);
	dns->n_clients--;
	heap_free(os_heap(dns->os), client);
}

static void on_idle(struct os_timer *timer)
{
	client_free(timer->owner);
}

static void touch(struct client *client)
{
	list_remove(&client->link);
	list_append(&client->dns->clients, &client->link);
	os_timer_start(client->dns->os, &client->idle, LAB_DNS_IDLE_MS);
}

/* A message with its length before it (RFC 1035 s4.2.2). 0: not all of it is here. */
static size_t take_message(slice in, slice *ret_message)
{
	size_t len = in.len < LENGTH ? 0 : (size_t)in.ptr[0] << 8 | in.ptr[1];

	if (in.len < LENGTH || in.len - LENGTH < len)
		return 0;
	*ret_message = slice_sub(in, LENGTH, len);
	return LENGTH + len;
}

static void say(struct client *client, slice bytes)
{
	unsigned char length[LENGTH] = { (unsigned char)(bytes.len >> 8),
		(unsigned char)bytes.len };

	stream_write(client->stream, slice_of(length, LENGTH));
	stream_write(client->stream, bytes);
	/* A client that has said all still gets it. */
	stream_hold(client->stream);
}

static size_t on_data(struct stream *stream, slice in)
{
	struct client *client = stream_owner(stream);
	struct lab_dns *dns = client->dns;
	size_t used = 0;

	while (stream_room(stream) >= LENGTH + DNS_MESSAGE_MAX) {
		slice message, bytes;
		size_t n = take_message(slice_drop(in, used), &message);

		if (n == 0)
			break;
		used += n;
		bytes = answer(dns, message, true);
		if (bytes.len > 0)
			say(client, bytes);
		finish(dns, &client->peer, true);
	}
	if (used > 0)
		touch(client);
	return used;
}

/* Questions that had no room for their answers are offered again. */
static void on_drained(struct stream *stream)
{
	stream_resume(stream);
}

static void on_closed(struct stream *stream, int error)
{
	client_free(stream_owner(stream));
}

static const struct stream_handler client_handler = {
	.data = on_data,
	.drained = on_drained,
	.closed = on_closed,
};

static void serve(struct lab_dns *dns, int fd, const struct os_address *peer)
{
	struct client *client = heap_new(os_heap(dns->os), struct client);

	if (dns->n_clients == LAB_DNS_CLIENTS_MAX)
		client_free(list_item(dns->clients.next, struct client, link));
	client->dns = dns;
	client->peer = *peer;
	client->idle = (struct os_timer){ .fire = on_idle, .owner = client };
	list_init(&client->link);
	dns->n_clients++;
	client->stream = stream_create(dns->os, fd, LENGTH + DNS_MESSAGE_MAX, LAB_DNS_OUTPUT_MAX,
	    &client_handler, client);
	touch(client);
}

static void on_again(struct os_timer *timer)
{
	struct lab_dns *dns = timer->owner;

	os_watch_start(dns->os, &dns->accepting, dns->listener, OS_READABLE);
}

static void on_connections(struct os_watch *watch, int events)
{
	struct lab_dns *dns = watch->owner;

	for (int i = 0; i < LAB_DNS_PER_TURN; i++) {
		struct os_address peer;
		int fd = os_accept(dns->os, dns->listener, &peer);

		if (fd == -EAGAIN)
			return;
		if (fd >= 0) {
			serve(dns, fd, &peer);
		} else if (fd != -ECONNABORTED && fd != -EINTR) {
			os_watch_stop(dns->os, watch);
			os_timer_start(dns->os, &dns->again, LAB_DNS_AGAIN_MS);
			return;
		}
	}
}

/* ---- its life ---- */

static void close_sockets(struct lab_dns *dns)
{
	if (dns->listener >= 0)
		os_close(dns->os, dns->listener);
	if (dns->datagrams >= 0)
		os_close(dns->os, dns->datagrams);
	dns->listener = dns->datagrams = -1;
}

/* Both at one port, whose number TCP chooses when it is 0. 0 or -errno. */
static int open_sockets(struct lab_dns *dns, const struct os_address *address)
{
	int error;

	dns->address = *address;
	dns->listener = os_listen(dns->os, address, BACKLOG);
	error = dns->listener < 0 ? dns->listener :
	    os_local_address(dns->os, dns->listener, &dns->address);
	if (error == 0) {
		dns->datagrams = os_datagram_open(dns->os, &dns->address);
		error = dns->datagrams < 0 ? dns->datagrams : 0;
	}
	if (error != 0)
		close_sockets(dns);
	return error;
}

struct lab_dns *lab_dns_start(struct os *os, const struct dns_zones *zones,
    const struct os_address *address,
    void (*answered)(void *owner, const struct lab_dns_event *event), void *owner,
    int *ret_error)
{
	struct lab_dns *dns;
	int error, tries = address->port == 0 ? LAB_DNS_PORT_TRIES : 1;

	if (address->path[0] != 0 || !os_ip_is_loopback(address->ip)) {
		*ret_error = -EACCES;
		return NULL;
	}
	dns = heap_new(os_heap(os), struct lab_dns);
	*dns = (struct lab_dns){ .os = os, .zones = zones, .listener = -1, .datagrams = -1,
	    .answered = answered, .owner = owner };
	do {
		error = open_sockets(dns, address);
	} while (error == -EADDRINUSE && --tries > 0);
	if (error != 0) {
		heap_free(os_heap(os), dns);
		*ret_error = error;
		return NULL;
	}
	list_init(&dns->clients);
	dns->answer = buffer_init(os_heap(os), DNS_MESSAGE_MAX);
	dns->asking = (struct os_watch){ .ready = on_datagrams, .owner = dns };
	dns->accepting = (struct os_watch){ .ready = on_connections, .owner = dns };
	dns->again = (struct os_timer){ .fire = on_again, .owner = dns };
	os_watch_start(os, &dns->asking, dns->datagrams, OS_READABLE);
	os_watch_start(os, &dns->accepting, dns->listener, OS_READABLE);
	return dns;
}

const struct os_address *lab_dns_address(const struct lab_dns *dns)
{
	return &dns->address;
}

void lab_dns_stop(struct lab_dns *dns)
{
	if (dns == NULL)
		return;
	list_for(at, &dns->clients)
		client_free(list_item(at, struct client, link));
	os_timer_stop(dns->os, &dns->again);
	os_watch_stop(dns->os, &dns->asking);
	os_watch_stop(dns->os, &dns->accepting);
	close_sockets(dns);
	buffer_free(&dns->answer);
	heap_free(os_heap(dns->os), dns);
}
