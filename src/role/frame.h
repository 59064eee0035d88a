/* role/frame.h - what every role does alike: takes its configuration, root
 * folder, peers and log from the keeper, confines itself, answers pings,
 * reloads, drains.
 *
 *   CONFIG -> (KEY, CERTIFICATE, LISTENER, LOG, PEER)* -> START -> serving -> DRAIN -> end
 *
 * A role's start function makes its struct on os_heap(os), with a struct frame
 * inside, calls frame_init() and returns; everything else is handlers.
 *
 * On START the role is confined, its first peers' channels open, start() runs
 * and then peer_joined() for each of them. No message of a peer comes before.
 * The role ends when the keeper closes its channel, whatever else it does; and when
 * its own end of a peer's channel fails, for want of descriptors say: the peer lives,
 * so nobody else would mend it. */
#ifndef ROLE_FRAME_H
#define ROLE_FRAME_H

#include "config/config.h"
#include "ipc/channel.h"
#include "os/os.h"
#include "role/counters.h"

struct frame;

enum { PEERS_MAX = STORES_MAX + EDGES_MAX + ROLE_KINDS };

struct frame_handler {
	/* Keeper's messages that only some roles know: KEY, CERTIFICATE, LISTENER,
	 * UNLISTEN. NULL: none. False ends the role. */
	bool (*keeper)(struct frame *frame, struct ipc_message *message);
	/* Confined, all first peers are there: open files, serve, call
	 * frame_ready() (now or later). */
	void (*start)(struct frame *frame);
	/* frame->config was replaced (SIGHUP). The one before stays readable: what
	 * runs may go on with it. NULL: nothing to do. */
	void (*reload)(struct frame *frame);
	/* Accept nothing new, finish, then call frame_drained(). */
	void (*drain)(struct frame *frame, uint32_t grace_ms);

	void (*peer_joined)(struct frame *frame, struct ipc_channel *peer);     /* NULL: ignore */
	/* The channel is gone after this returns. What was asked of it is lost:
	 * a role that comes back is a new peer. */
	void (*peer_left)(struct frame *frame, struct ipc_channel *peer);
	bool (*peer_message)(struct frame *frame, struct ipc_channel *peer,
	    struct ipc_message *message);
	/* The web is there, and this role is ready: fill in what it counts. Every COUNTERS_MS,
	 * and from the first on it counts as there. NULL: it says nothing to the web. */
	void (*count)(struct frame *frame, uint64_t values[COUNTERS]);
};

/* A peer, or one that waits for START. */
struct frame_pending {
	enum role_kind kind;
	unsigned index;
	int fd;
};

struct frame {
	struct os *os;
	enum role_kind kind;
	unsigned index;
	const struct config *config;    /* never NULL from start() on */
	struct ipc_channel *keeper;
	struct ipc_channel *peers[PEERS_MAX];
	size_t n_peers;
	struct frame_pending *pending;  /* PEERS_MAX of them, until START */
	size_t n_pending;
	bool started, ready, draining;
	bool over;                      /* after frame_fatal(): nothing more is heard */
	int root;                       /* descriptor, until confined */
	int hold;                       /* the data folder's lock, or -1 */
	int beside;                     /* journeys of another host, a folder, or -1 */
	struct os_timer counting;       /* runs while it is ready and the web is a peer */
	const struct frame_handler *handler;
	void *owner;                    /* the role */
	struct arena config_arena;      /* every configuration it was given */
	slice config_text;              /* of the last one */
};

void frame_init(struct frame *frame, struct os *os, enum role_kind kind, unsigned index,
    int channel, const struct frame_handler *handler, void *owner);

/* The peer of that kind and number, or NULL while it is down. */
struct ipc_channel *frame_peer(const struct frame *frame, enum role_kind kind, unsigned index);

/* End a peer that was found to lie, as if it had broken the protocol: the
 * channel closes, peer_left() runs, the keeper is told. Not from a handler of
 * this peer's own message: return false there. */
void frame_end_peer(struct frame *frame, struct ipc_channel *peer);

void frame_ready(struct frame *frame);
void frame_drained(struct frame *frame);
/* Tell the keeper why this role can't go on (one line for people) and stop. What has
 * arrived by then is not heard any more. */
void frame_fatal(struct frame *frame, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
