/* role/edge_shares.c - counts of what is there, by key; rates of what came.
 *
 * Keys of peers and of networks differ in length, so one table holds both. */
#include "role/edge_shares.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"

enum { KIND_CONNECTION = 'c', KIND_NOTE = 'n' };

void shares_init(struct shares *shares, struct heap *heap, uint64_t seed,
    const unsigned char secret[16])
{
	shares->heap = heap;
	shares->live = table_init(heap, seed);
	shares->rates = rates_create(heap, secret);
}

static unsigned sessions_of(const struct shares *shares, slice key)
{
	const struct share *share = table_get(&shares->live, key);

	return share != NULL ? share->sessions : 0;
}

static struct share *count(struct shares *shares, slice key)
{
	struct share *share = table_get(&shares->live, key);

	if (share == NULL) {
		share = heap_new(shares->heap, struct share);
		memcpy(share->key, key.ptr, key.len);
		share->key_len = key.len;
		table_put(&shares->live, slice_of(share->key, key.len), share);
	}
	share->sessions++;
	share->holders++;
	return share;
}

struct share *shares_hold(struct share *network)
{
	if (network != NULL)
		network->holders++;
	return network;
}

void shares_drop(struct shares *shares, struct share *share)
{
	if (share == NULL)
		return;
	check(share->holders > 0);
	if (--share->holders > 0)
		return;
	check(share->sessions == 0 && share->body_bytes == 0);
	table_remove(&shares->live, slice_of(share->key, share->key_len));
	heap_free(shares->heap, share);
}

static struct rate connections(const struct config *config, unsigned factor)
{
	uint64_t n = (uint64_t)config->connections_per_address * factor;

	return (struct rate){ n < UINT32_MAX ? (unsigned)n : UINT32_MAX, 60 };
}

/* Both or neither is counted. */
static bool seldom(struct shares *shares, const struct config *config, slice peer,
    slice network, uint64_t now_ms)
{
	uint64_t peer_key = rates_key(shares->rates, KIND_CONNECTION, peer);
	uint64_t network_key = rates_key(shares->rates, KIND_CONNECTION, network);
	struct rate of_peer = connections(config, 1);
	struct rate of_network = connections(config, config->network_factor);

	if (!rates_allow(shares->rates, network_key, of_network, now_ms) ||
	    !rates_take(shares->rates, peer_key, of_peer, now_ms))
		return false;
	rates_count(shares->rates, network_key, of_network, now_ms);
	return true;
}

enum shares_answer shares_open(struct shares *shares, const struct config *config,
    size_t free, const uint8_t ip[16], uint64_t now_ms, struct session_shares *ret_shares)
{
	slice peer = os_ip_peer(ip), network = os_ip_network(ip);
	unsigned in_network;

	if (free == 0)
		return SHARES_FULL;
	if (config_trusts(config, ip)) {
		*ret_shares = (struct session_shares){ 0 };
		return SHARES_OK;
	}
	if (sessions_of(shares, peer) >= config->sessions_per_address)
		return SHARES_PEER;
	in_network = sessions_of(shares, network);
	if (in_network >= (uint64_t)config->sessions_per_address * config->network_factor ||
	    (in_network > 0 && in_network >= free / SHARES_FREE_DIVISOR))
		return SHARES_NETWORK;
	if (!seldom(shares, config, peer, network, now_ms))
		return SHARES_OFTEN;
	*ret_shares = (struct session_shares){ count(shares, peer), count(shares, network) };
	return SHARES_OK;
}

static void uncount(struct shares *shares, struct share *share)
{
	check(share->sessions > 0);
	share->sessions--;
	shares_drop(shares, share);
}

void shares_close(struct shares *shares, struct session_shares *session)
{
	if (session->peer == NULL)
		return;
	uncount(shares, session->peer);
	uncount(shares, session->network);
	*session = (struct session_shares){ 0 };
}

bool shares_note(struct shares *shares, enum shares_answer answer, const uint8_t ip[16],
    uint64_t now_ms)
{
	static const struct rate once_a_minute = { 1, 60 };
	slice who = answer == SHARES_PEER ? os_ip_peer(ip) :
	    answer == SHARES_FULL ? (slice){ 0 } : os_ip_network(ip);

	return rates_take(shares->rates, rates_key(shares->rates, KIND_NOTE, who), once_a_minute,
	    now_ms);
}

bool shares_body_room(const struct share *network, size_t used)
{
	return used < EDGE_BODIES_MAX ||
	    (network != NULL && network->body_bytes < EDGE_BODIES_SHARE);
}

bool shares_body_crowded(const struct share *network, size_t used)
{
	size_t fair = used < EDGE_BODIES_MAX ? (EDGE_BODIES_MAX - used) / SHARES_FREE_DIVISOR : 0;

	if (network == NULL)
		return used > EDGE_BODIES_MAX;
	return network->body_bytes > (fair > EDGE_BODIES_SHARE ? fair : EDGE_BODIES_SHARE);
}
