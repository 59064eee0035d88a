/* role/relay_strike_test.h - something dies or fails at the n-th call, for all small n
 * and some of the others. For tests of the relay. */
#ifndef ROLE_RELAY_STRIKE_TEST_H
#define ROLE_RELAY_STRIKE_TEST_H

#include "role/relay_world_test.h"

enum how { KILL_RELAY, CUT_POWER, FAIL_DISK, KILL_ROUTER, KILL_DIRECTORY };

static struct os_faulty faulty;

static inline void arm(enum how how, unsigned n)
{
	switch (how) {
	case KILL_RELAY:
		sim_kill_after(process("relay"), n);
		break;
	case CUT_POWER:
		sim_power_cut_after(world.host, n);
		break;
	case FAIL_DISK:
		os_faulty_wrap(&faulty, process("relay"));
		os_faulty_arm(&faulty, FAULT_ANY & ~FAULT_READ, n, -EIO);
		break;
	case KILL_ROUTER:
		sim_kill_after(process("router"), n);
		break;
	case KILL_DIRECTORY:
		sim_kill_after(process("directory"), n);
		break;
	}
}

static inline bool has_struck(enum how how)
{
	if (how == FAIL_DISK)
		return os_faulty_fired(&faulty);
	return how == CUT_POWER ? sim_power_cuts(world.host) > 0 : sim_deaths(world.sim) > 1;
}

/* Hand over again what is not durable, as a router does. */
static inline void go_on(unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i += 5) {
		if (!sim_process_alive(world.os))
			keeper_begin();
		for (uint32_t n = 0; n < world.n_messages && relay_is_there(); n++) {
			if (!answered(n))
				hand_over(n, false);
		}
		run_ms(5000);
	}
}

/* For the first 40 n, then for fewer; once(how, n) says whether it came to that. */
static inline void strike_all(bool (*once)(enum how how, unsigned n), enum how how)
{
	unsigned n = 1, last = 0;

	for (; n < 2000 && once(how, n); n += 1 + n / 40)
		last = n;
	assert_true(last >= 5);
}

/* A test of the file's own strike(). */
#define STRIKE_TEST(name, how)                                                  \
	static void name(void **state)                                          \
	{                                                                       \
		strike_all(strike, how);                                        \
	}

#endif
