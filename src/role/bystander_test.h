/* role/bystander_test.h - a relay and a resolver that are there and do nothing, for
 * tests of other roles under a real keeper. */
#ifndef ROLE_BYSTANDER_TEST_H
#define ROLE_BYSTANDER_TEST_H

#include "role/frame.h"
#include "role/role.h"

static void bystander_drain(struct frame *f, uint32_t grace_ms)
{
	frame_drained(f);
}

static void bystander_left(struct frame *f, struct ipc_channel *peer)
{
}

static bool bystander_message(struct frame *f, struct ipc_channel *peer,
    struct ipc_message *message)
{
	return true;
}

static const struct frame_handler bystander = { .start = frame_ready,
    .drain = bystander_drain, .peer_left = bystander_left,
    .peer_message = bystander_message };

#ifndef OWN_RELAY_TEST                  /* a test with a relay of its own */
void relay_start(struct os *os, int channel, unsigned index)
{
	struct frame *f = heap_new(os_heap(os), struct frame);

	frame_init(f, os, ROLE_RELAY, index, channel, &bystander, f);
}
#endif

void resolver_start(struct os *os, int channel, unsigned index)
{
	struct frame *f = heap_new(os_heap(os), struct frame);

	frame_init(f, os, ROLE_RESOLVER, index, channel, &bystander, f);
}

#endif
