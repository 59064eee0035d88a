/* role/edge_shares.h - fair shares of what an edge has: sessions, connections and
 * memory, per peer (an IPv4 address, an IPv6 /64) and per network (/24, /48).
 *
 *   sessions      limit.sessions_per_address; a network network_factor times that,
 *                 and never more than an eighth of the places that are free:
 *                 the fuller the edge, the fewer one network may hold, and who
 *                 holds none finds a place as long as there is one
 *   connections   limit.connections_per_address in a minute, a network likewise
 *   memory        of bodies: a network that has more than an eighth of what is
 *                 free moves on to its spool files
 *
 * Each edge counts the connections that the kernel gave to it: what is shared out
 * are its own places. What holds for the whole host (messages, recipients,
 * accounts) the directory counts: role/directory_shares.h.
 *
 * Who is in limit.trusted has no share and meets no limit but limit.sessions.
 * Memory is bounded by the sessions that there are, and by base/rates.h. Time is
 * an argument. */
#ifndef ROLE_EDGE_SHARES_H
#define ROLE_EDGE_SHARES_H

#include "base/rates.h"
#include "base/table.h"
#include "config/config.h"

struct share {
	unsigned char key[16];
	size_t key_len;
	unsigned sessions;
	unsigned holders;               /* sessions and transactions */
	size_t body_bytes;              /* of a network */
};

struct shares {
	struct heap *heap;
	struct table live;              /* key -> struct share */
	struct rates *rates;
};

/* Of one session; both NULL: trusted. */
struct session_shares {
	struct share *peer, *network;
};

enum shares_answer {
	SHARES_OK,
	SHARES_FULL,                    /* the edge is */
	SHARES_PEER,                    /* it has its share of sessions */
	SHARES_NETWORK,
	SHARES_OFTEN,                   /* connections in a minute */
};

/* seed and secret: random. */
void shares_init(struct shares *shares, struct heap *heap, uint64_t seed,
    const unsigned char secret[16]);

/* One more connection to an edge that has so many free places? Counted if so. */
enum shares_answer shares_open(struct shares *shares, const struct config *config,
    size_t free, const uint8_t ip[16], uint64_t now_ms,
    struct session_shares *ret_shares) __attribute__((warn_unused_result));
void shares_close(struct shares *shares, struct session_shares *session);

/* A refusal: is it time for a line in the log? Once a minute for each peer, network
 * or edge that is at its limit. */
bool shares_note(struct shares *shares, enum shares_answer answer, const uint8_t ip[16],
    uint64_t now_ms);

/* A transaction holds the share of its network (NULL: none) beyond its session. */
struct share *shares_hold(struct share *network);
void shares_drop(struct shares *shares, struct share *network);

/* Bodies in memory, `used` in all: may the network begin another one? And should it
 * rather write to disk what it has? */
bool shares_body_room(const struct share *network, size_t used);
bool shares_body_crowded(const struct share *network, size_t used);

#endif
