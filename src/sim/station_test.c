/* sim/station_test.c - a simulated host comes up, and comes up again, whatever
 * ends: the keeper with roles that do nothing but live. */
#include "unit.h"

#include <limits.h>

#include "role/frame.h"
#include "role/role.h"
#include "sim/faults.h"
#include "sim/station.h"

static bool take_any(struct frame *frame, struct ipc_message *message)
{
	(void)frame;
	(void)message;
	return true;
}

static void on_start(struct frame *frame)
{
	frame_ready(frame);
}

static void on_drain(struct frame *frame, uint32_t grace_ms)
{
	(void)grace_ms;
	frame_drained(frame);
}

static void on_peer_left(struct frame *frame, struct ipc_channel *peer)
{
	(void)frame;
	(void)peer;
}

static bool on_peer_message(struct frame *frame, struct ipc_channel *peer,
    struct ipc_message *message)
{
	(void)frame;
	(void)peer;
	(void)message;
	return true;
}

static const struct frame_handler idle_handler = {
	.keeper = take_any,
	.start = on_start,
	.drain = on_drain,
	.peer_left = on_peer_left,
	.peer_message = on_peer_message,
};

static void idle_start(struct os *os, int channel, unsigned index, enum role_kind kind)
{
	struct frame *frame = heap_new(os_heap(os), struct frame);

	frame_init(frame, os, kind, index, channel, &idle_handler, NULL);
}

void edge_start(struct os *os, int channel, unsigned index)
{
	idle_start(os, channel, index, ROLE_EDGE);
}

void directory_start(struct os *os, int channel, unsigned index)
{
	idle_start(os, channel, index, ROLE_DIRECTORY);
}

void router_start(struct os *os, int channel, unsigned index)
{
	idle_start(os, channel, index, ROLE_ROUTER);
}

void store_start(struct os *os, int channel, unsigned index)
{
	idle_start(os, channel, index, ROLE_STORE);
}

void relay_start(struct os *os, int channel, unsigned index)
{
	idle_start(os, channel, index, ROLE_RELAY);
}

void resolver_start(struct os *os, int channel, unsigned index)
{
	idle_start(os, channel, index, ROLE_RESOLVER);
}

enum { SECOND_US = 1000 * 1000, SEEDS = 30 };

static void wait_for(struct sim *sim, const struct station *s)
{
	for (uint64_t end = sim_now_us(sim) + 60 * SECOND_US; sim_now_us(sim) < end;) {
		sim_run_until(sim, sim_now_us(sim) + SECOND_US);
		if (station_serves(s))
			return;
	}
	sim_print_tail(sim, stderr, 100);
	fail_msg("seed %llu does not come up: %s", (unsigned long long)sim_seed(sim),
	    station_complaint(s));
}

static uint64_t live(uint64_t seed)
{
	const struct station_plan plan = { .name = "alice", .ipv4 = { 127, 1, 0, 1 },
	    .edges = 2, .stores = 2, .accounts = 3 };
	struct sim *sim = sim_create(seed);
	struct station *s = station_create(sim, &plan);
	struct faults *faults;
	uint64_t hash;

	wait_for(sim, s);
	faults = faults_create(sim, &s, 1, UINT_MAX, FAULTS_ALL);
	sim_run_until(sim, sim_now_us(sim) + 30 * SECOND_US);
	faults_stop(faults);
	wait_for(sim, s);
	hash = sim_hash(sim);
	sim_destroy(sim);
	return hash;
}

static void test_comes_up_again(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		live(seed);
}

static void test_repeats(void **state)
{
	(void)state;
	assert_true(live(5) == live(5));
	assert_true(live(6) != live(7));
}

UNIT_TESTS(cmocka_unit_test(test_comes_up_again), cmocka_unit_test(test_repeats))
