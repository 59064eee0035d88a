/* ipc/channel.c - one end of a channel: batching, credits, the rules applied.
 *
 *   open -> lost -> closed (the handler was told) -> destroyed
 *
 * (1) `out` holds whole messages, oldest first; `fds` their descriptors, same
 *     order. A packet is the longest head of `out` within the limits of one.
 * (2) unacknowledged = bytes of messages queued or sent, less what the peer
 *     credited. HELLO and CREDIT themselves are not counted, on either side.
 * (3) Handlers run from the loop only: what fails inside a call of the owner
 *     is told at the end of the turn.
 * (4) A channel destroyed by a handler of its own is freed when that returns. */
#include "ipc/channel.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"

struct ipc_channel {
	struct os *os;
	int fd;                         /* -1 from closed on */
	enum role_kind self, peer;
	unsigned peer_index;
	const struct ipc_handler *handler;
	void *owner;
	void (*room)(struct ipc_channel *channel);      /* who waits for room, or NULL */

	struct os_watch watch;
	struct os_defer turn;           /* end of turn: flush, tell of loss and room */
	int events;                     /* what watch waits for */
	bool greeted;                   /* the peer's HELLO came */
	bool mute;                      /* the peer takes no more; it may have said why */
	bool reset;
	int error;                      /* of ours: a packet could not be taken, or sent */
	bool lost, broken, closed, destroyed;
	unsigned busy;                  /* handlers of ours on the stack */

	struct buffer out;
	struct buffer fds;              /* u32 each */
	bool open_message;
	size_t open_at;                 /* where it starts in out */
	const struct ipc_rule *open_rule;
	uint64_t unacknowledged;
	uint32_t handled;               /* bytes to give back as credit */
};

static_assert(IPC_WINDOW >= IPC_CREDIT_AFTER + 2 * IPC_PACKET_MAX,
    "room for a packet must come back before the sender runs dry");

static bool is_counted(enum ipc_type type)
{
	return type != IPC_HELLO && type != IPC_CREDIT;
}

static void wait_for(struct ipc_channel *c, int events)
{
	if (c->events == events)
		return;
	c->events = events;
	os_watch_start(c->os, &c->watch, c->fd, events);
}

/* ---- loss and end ---- */

/* The channel ends; the handler is told at the end of the turn. */
static void lose(struct ipc_channel *c, bool broken)
{
	if (c->lost)
		return;
	c->lost = true;
	c->broken = broken;
	os_defer(c->os, &c->turn);
}

static bool is_the_end(ssize_t error)
{
	return error == 0 || error == -EPIPE || error == -ECONNRESET;
}

static void drop_queue(struct ipc_channel *c)
{
	struct bytes left = bytes_init(buffer_bytes(&c->fds));

	while (left.rest.len > 0)
		os_close(c->os, (int)get_u32(&left));
	buffer_free(&c->fds);
	buffer_free(&c->out);
}

static void close_fd(struct ipc_channel *c)
{
	if (c->fd < 0)
		return;
	os_watch_stop(c->os, &c->watch);
	os_close(c->os, c->fd);
	c->fd = -1;
	drop_queue(c);
}

static void free_if_destroyed(struct ipc_channel *c)
{
	if (c->destroyed && c->busy == 0)
		heap_free(os_heap(c->os), c);
}

void ipc_channel_destroy(struct ipc_channel *c)
{
	if (c == NULL || c->destroyed)
		return;
	c->destroyed = true;
	c->lost = true;
	close_fd(c);
	os_defer_cancel(c->os, &c->turn);
	free_if_destroyed(c);
}

/* ---- sending ---- */

/* The longest head of the queue that fits in one packet. */
static slice next_packet(const struct ipc_channel *c, size_t *ret_n_fds)
{
	slice queued = buffer_bytes(&c->out);
	struct bytes at = bytes_init(queued);
	size_t len = 0, n_fds = 0;

	while (at.rest.len > 0) {
		uint32_t body = get_u32(&at);
		unsigned n;

		get_u8(&at);
		n = get_u8(&at);
		get_raw(&at, body);
		check(bytes_ok(&at));
		if (len + IPC_HEADER + body > IPC_PACKET_MAX || n_fds + n > IPC_FDS_MAX)
			break;
		len += IPC_HEADER + body;
		n_fds += n;
	}
	check(len > 0 || queued.len == 0);
	*ret_n_fds = n_fds;
	return slice_head(queued, len);
}

static void sent(struct ipc_channel *c, size_t len, const int *fds, size_t n_fds)
{
	for (size_t i = 0; i < n_fds; i++)
		os_close(c->os, fds[i]);
	buffer_consume(&c->fds, 4 * n_fds);
	buffer_consume(&c->out, len);
}

void ipc_flush(struct ipc_channel *c)
{
	check(!c->open_message);
	while (!c->lost && !c->mute && buffer_bytes(&c->out).len > 0) {
		struct bytes queued = bytes_init(buffer_bytes(&c->fds));
		int fds[IPC_FDS_MAX], result;
		size_t n_fds;
		slice packet = next_packet(c, &n_fds);

		for (size_t i = 0; i < n_fds; i++)
			fds[i] = (int)get_u32(&queued);
		result = os_channel_send(c->os, c->fd, packet, fds, n_fds);
		if (result == -EAGAIN) {
			wait_for(c, OS_READABLE | OS_WRITABLE);
			return;
		}
		if (!is_the_end(result)) {
			c->error = result;
			lose(c, false);
			return;
		}
		if (result < 0) {
			/* It is gone, but its last words may still wait to be
			 * read: reading goes on to the end. */
			c->mute = true;
			drop_queue(c);
			break;
		}
		sent(c, packet.len, fds, n_fds);
	}
	if (!c->lost)
		wait_for(c, OS_READABLE);
}

struct buffer *ipc_begin(struct ipc_channel *c, enum ipc_type type)
{
	const struct ipc_rule *rule = ipc_rule(type);

	check(!c->open_message && rule != NULL);
	check(ipc_rule_permits(rule, c->self, c->peer));
	c->open_message = true;
	c->open_rule = rule;
	c->open_at = buffer_bytes(&c->out).len;
	put_u32(&c->out, 0);
	put_u8(&c->out, (uint8_t)type);
	put_u8(&c->out, 0);
	return &c->out;
}

void ipc_end(struct ipc_channel *c, int fd)
{
	slice all = buffer_bytes(&c->out);
	size_t body = all.len - c->open_at - IPC_HEADER;
	unsigned char *header = c->out.ptr + c->out.start + c->open_at;
	unsigned n_fds = fd >= 0;

	check(c->open_message && body <= c->open_rule->body_max);
	check(n_fds >= c->open_rule->fds_min && n_fds <= c->open_rule->fds_max);
	c->open_message = false;
	if (c->lost || c->mute) {
		buffer_truncate(&c->out, c->open_at);
		os_close(c->os, fd);
		return;
	}
	store_u32(header, (uint32_t)body);
	header[5] = (unsigned char)n_fds;
	if (fd >= 0)
		put_u32(&c->fds, (uint32_t)fd);
	if (is_counted(c->open_rule->type))
		c->unacknowledged += IPC_HEADER + body;
	if (all.len > IPC_QUEUE_MAX || buffer_bytes(&c->fds).len > 4 * IPC_QUEUE_FDS_MAX)
		lose(c, true);
	os_defer(c->os, &c->turn);
}

void ipc_send(struct ipc_channel *c, enum ipc_type type)
{
	ipc_begin(c, type);
	ipc_end(c, -1);
}

size_t ipc_room(const struct ipc_channel *c)
{
	if (c->lost || c->mute || c->unacknowledged >= IPC_WINDOW)
		return 0;
	return IPC_WINDOW - (size_t)c->unacknowledged;
}

void ipc_on_room(struct ipc_channel *c, void (*room)(struct ipc_channel *channel))
{
	c->room = room;
	if (!c->lost)
		os_defer(c->os, &c->turn);
}

/* ---- receiving ---- */

static bool on_hello(struct ipc_channel *c, struct bytes *body)
{
	uint16_t version = get_u16(body);
	uint8_t kind = get_u8(body);
	uint16_t index = get_u16(body);

	if (!bytes_end(body) || c->greeted)
		return false;
	c->greeted = true;
	return version == IPC_VERSION && kind == c->peer && index == c->peer_index;
}

static bool on_credit(struct ipc_channel *c, struct bytes *body)
{
	uint32_t n = get_u32(body);

	if (!bytes_end(body) || n > c->unacknowledged)
		return false;
	c->unacknowledged -= n;
	if (c->room != NULL)
		os_defer(c->os, &c->turn);
	return true;
}

static bool dispatch(struct ipc_channel *c, struct ipc_message *message)
{
	if (message->type == IPC_HELLO)
		return on_hello(c, &message->body);
	if (!c->greeted)
		return false;
	if (message->type == IPC_CREDIT)
		return on_credit(c, &message->body);
	c->handled += IPC_HEADER + (uint32_t)message->body.rest.len;
	return c->handler->message(c, message);
}

static void close_fds(struct ipc_channel *c, const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		os_close(c->os, fds[i]);
}

/* False: the peer broke the protocol. */
static bool handle_packet(struct ipc_channel *c, slice packet, const int *fds, size_t n_fds)
{
	struct bytes at = bytes_init(packet);
	bool ok = true;

	while (ok && !c->lost) {
		struct ipc_message message = { 0 };
		const struct ipc_rule *rule;
		slice body;
		size_t n;
		enum ipc_next next = ipc_next(&at, n_fds, c->peer, c->self, &rule, &body, &n);

		if (next != IPC_NEXT_MESSAGE) {
			ok = next == IPC_NEXT_END;
			break;
		}
		message.type = rule->type;
		message.body = bytes_init(body);
		message.n_fds = n;
		memcpy(message.fds, fds, n * sizeof *fds);
		fds += n;
		n_fds -= n;
		ok = dispatch(c, &message);
		close_fds(c, message.fds, message.n_fds);
	}
	close_fds(c, fds, n_fds);
	return ok;
}

/* Receive and handle one packet; false when there is none now. */
static bool receive(struct ipc_channel *c)
{
	unsigned char packet[IPC_PACKET_MAX];
	int fds[IPC_FDS_MAX];
	size_t n_fds = 0;
	ssize_t n = os_channel_receive(c->os, c->fd, packet, sizeof packet, fds, &n_fds);

	if (n == -EAGAIN)
		return false;
	/* A peer that closed with something of ours unread is reported as a
	 * reset, once, before what it had sent: its last words come after. */
	if (n == -ECONNRESET && !c->reset) {
		c->reset = true;
		c->mute = true;
		drop_queue(c);
		return true;
	}
	if (n <= 0) {
		if (!is_the_end(n) && n != -EMSGSIZE)
			c->error = (int)n;
		lose(c, n == -EMSGSIZE);
		return false;
	}
	if (!handle_packet(c, slice_of(packet, (size_t)n), fds, n_fds))
		lose(c, true);
	return true;
}

static void give_credit(struct ipc_channel *c)
{
	if (c->lost || c->handled < IPC_CREDIT_AFTER)
		return;
	put_u32(ipc_begin(c, IPC_CREDIT), c->handled);
	ipc_end(c, -1);
	c->handled = 0;
}

static void on_ready(struct os_watch *watch, int events)
{
	struct ipc_channel *c = watch->owner;

	c->busy++;
	if (events & OS_READABLE) {
		for (unsigned i = 0; i < IPC_PACKETS_PER_TURN && !c->lost; i++) {
			if (!receive(c))
				break;
		}
		give_credit(c);
	}
	if (events & OS_WRITABLE && !c->lost)
		ipc_flush(c);
	c->busy--;
	free_if_destroyed(c);
}

/* ---- the end of a turn ---- */

static void on_turn(struct os_defer *defer)
{
	struct ipc_channel *c = defer->owner;

	c->busy++;
	if (!c->lost)
		ipc_flush(c);
	if (c->room != NULL && ipc_room(c) >= IPC_PACKET_MAX) {
		void (*room)(struct ipc_channel *) = c->room;

		c->room = NULL;
		room(c);
	}
	if (c->lost && !c->closed && !c->destroyed) {
		c->closed = true;
		close_fd(c);
		c->handler->closed(c, c->broken);
	}
	c->busy--;
	free_if_destroyed(c);
}

/* ---- life ---- */

struct ipc_channel *ipc_channel_create(struct os *os, int fd, enum role_kind self,
    unsigned self_index, enum role_kind peer, unsigned peer_index,
    const struct ipc_handler *handler, void *owner)
{
	struct ipc_channel *c = heap_new(os_heap(os), struct ipc_channel);
	struct buffer *hello;

	c->os = os;
	c->fd = fd;
	c->self = self;
	c->peer = peer;
	c->peer_index = peer_index;
	c->handler = handler;
	c->owner = owner;
	/* One message more than the limit, so that any may be begun. */
	c->out = buffer_init(os_heap(os), (size_t)IPC_QUEUE_MAX + IPC_PACKET_MAX);
	c->fds = buffer_init(os_heap(os), 4 * (IPC_QUEUE_FDS_MAX + 1));
	c->watch = (struct os_watch){ .ready = on_ready, .owner = c };
	c->turn = (struct os_defer){ .run = on_turn, .owner = c };
	wait_for(c, OS_READABLE);

	hello = ipc_begin(c, IPC_HELLO);
	put_u16(hello, IPC_VERSION);
	put_u8(hello, (uint8_t)self);
	put_u16(hello, (uint16_t)self_index);
	ipc_end(c, -1);
	return c;
}

void *ipc_owner(const struct ipc_channel *c)
{
	return c->owner;
}

enum role_kind ipc_peer_kind(const struct ipc_channel *c)
{
	return c->peer;
}

unsigned ipc_peer_index(const struct ipc_channel *c)
{
	return c->peer_index;
}

int ipc_error(const struct ipc_channel *c)
{
	return c->error;
}

int ipc_take_fd(struct ipc_message *message)
{
	int fd;

	if (message->n_fds == 0)
		return -1;
	fd = message->fds[0];
	message->n_fds--;
	memmove(message->fds, message->fds + 1, message->n_fds * sizeof *message->fds);
	return fd;
}
