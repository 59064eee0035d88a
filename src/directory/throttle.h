/* directory/throttle.h - guessing passwords gets slower with each failure.
 *
 * Failed logins are counted per peer (an IPv4 address, an IPv6 /64) and per login
 * name. Within THROTTLE_WINDOW_MS `failures_max` of them are free; then
 * each doubles the wait, from one second to THROTTLE_WAIT_MAX_MS.
 *
 * Time is an argument. Memory is fixed: who need not wait makes room first, the
 * oldest of them; then whose wait ends first. */
#ifndef DIRECTORY_THROTTLE_H
#define DIRECTORY_THROTTLE_H

#include "base/heap.h"
#include "base/slice.h"

struct throttle;

/* key: 16 random bytes, so that nobody can aim at a place of the table. */
struct throttle *throttle_create(struct heap *heap, const unsigned char key[16],
    unsigned failures_max);
void throttle_destroy(struct throttle *throttle);
void throttle_set_max(struct throttle *throttle, unsigned failures_max);

/* How long until the peer or the name may try again; 0: now. `pending`:
 * tries of that name that are under way, counted as if they had failed. */
uint64_t throttle_peer_wait_ms(struct throttle *throttle, const uint8_t ip[16], uint64_t now_ms);
uint64_t throttle_name_wait_ms(struct throttle *throttle, slice name, unsigned pending,
    uint64_t now_ms);

/* ip NULL: a peer that speaks for many (limit.trusted), so only the name counts. */
void throttle_failed(struct throttle *throttle, const uint8_t ip[16], slice name,
    uint64_t now_ms);
/* The right password: the name starts anew; the peer does not, or a guesser
 * could clear it with an account of his own. */
void throttle_succeeded(struct throttle *throttle, slice name);

#endif
