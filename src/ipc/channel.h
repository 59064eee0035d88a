/* ipc/channel.h - one end of a channel to another role.
 *
 * Messages written during one turn of the loop leave together, in as few
 * packets as they fit in. A send never waits and never fails: what the other
 * side has not yet taken queues here, and ipc_room() says how much more bulk
 * (deliveries) one should give it; questions and answers are bounded by the
 * sessions that ask. A peer that lets the queue pass IPC_QUEUE_MAX is ended.
 *
 * Receiving checks each message against its row (message.h). A message that
 * breaks it, or whose handler returns false, closes the channel and calls
 * `closed` with broken = true: the keeper ends such a role. */
#ifndef IPC_CHANNEL_H
#define IPC_CHANNEL_H

#include "base/bytes.h"
#include "ipc/message.h"
#include "os/os.h"

struct ipc_channel;

struct ipc_message {
	enum ipc_type type;
	struct bytes body;              /* read with get_*; ends before the next */
	int fds[IPC_FDS_MAX];           /* take with ipc_take_fd(); the rest are closed */
	size_t n_fds;
};

struct ipc_handler {
	/* False: it broke the protocol. Check bytes_end() first. */
	bool (*message)(struct ipc_channel *channel, struct ipc_message *message);
	/* The other side is gone or was ended. The channel is destroyed by its
	 * owner, now or later. */
	void (*closed)(struct ipc_channel *channel, bool broken);
};

/* Takes fd. self and peer decide what may be sent and received. */
struct ipc_channel *ipc_channel_create(struct os *os, int fd,
    enum role_kind self, unsigned self_index, enum role_kind peer, unsigned peer_index,
    const struct ipc_handler *handler, void *owner);
void ipc_channel_destroy(struct ipc_channel *channel);  /* NULL is allowed */

void *ipc_owner(const struct ipc_channel *channel);
enum role_kind ipc_peer_kind(const struct ipc_channel *channel);
unsigned ipc_peer_index(const struct ipc_channel *channel);
/* Of a channel that closed: 0, or the -errno by which this end lost something of it, for
 * want of descriptors (-EMFILE) or memory. The peer is well then, and knows nothing. */
int ipc_error(const struct ipc_channel *channel);

/* Begin a message, add its fields with put_*, end it. Fields of at most the
 * row's body_max. fd -1: none; otherwise it is given away (closed here once it
 * is sent). */
struct buffer *ipc_begin(struct ipc_channel *channel, enum ipc_type type);
void ipc_end(struct ipc_channel *channel, int fd);
/* For a message without fields. */
void ipc_send(struct ipc_channel *channel, enum ipc_type type);

/* Send what is queued now, as far as it goes, not at the end of the turn: for
 * last words before os_stop(). */
void ipc_flush(struct ipc_channel *channel);

/* Bytes of bulk that may still be sent before the peer must catch up; 0 once the
 * channel is closed. `room` is called once, from the loop, when there is room
 * for IPC_PACKET_MAX bytes (soon, if there is now). */
size_t ipc_room(const struct ipc_channel *channel);
void ipc_on_room(struct ipc_channel *channel, void (*room)(struct ipc_channel *channel));

/* The next descriptor of a message, owned by the caller now; -1 if none. */
int ipc_take_fd(struct ipc_message *message);

#endif
