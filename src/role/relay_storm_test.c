/* role/relay_storm_test.c - everything dies, at random, again and again: what was
 * handed over is delivered, or told of once. See relay_world_test.h. */
#include "role/relay_strike_test.h"

enum { STEPS_MAX = 60 };

static const char *const domains[] = { "x.example", "y.example", "z.example" };

static void storm_begin(uint64_t seed)
{
	world_begin(seed, "relay.retry = 1m\nrelay.retry_max = 4m\nrelay.warn = 0\n"
	    "relay.sessions_per_host = 3\n");
	name_mx("x.example", 10, "a.example");
	name_mx("x.example", 20, "b.example");
	name_mx("y.example", 10, "b.example");
	name_a("z.example", 12);
	name_a("a.example", 10);
	name_a("b.example", 11);
	for (int i = 0; i < 3; i++)
		host_listen(world.hosts[i]);
}

/* All first targets of every fourth message are unknown, at any host. */
static void set_rules(void)
{
	static char begins[10][8];

	for (int i = 0; i < 3; i++)
		world.hosts[i]->rules[0] = (struct rule){ "r3.0@", "550 5.1.1 nobody" };
	for (int i = 0; i < 3; i++) {
		snprintf(begins[i], sizeof begins[i], "r%d.0@", 7 + 4 * i);
		for (int h = 0; h < 3; h++)
			world.hosts[h]->rules[1 + i] = (struct rule){ begins[i],
			    "550 5.1.1 nobody" };
	}
}

static bool is_refused(uint32_t n, uint16_t target)
{
	return target == 0 && n % 4 == 3 && n <= 15;
}

static void send_some(struct chance *chance)
{
	char to[64];
	unsigned n = 1 + (unsigned)chance_below(chance, 3);
	int len = 0;

	for (unsigned i = 0; i < n; i++)
		len += snprintf(to + len, sizeof to - (size_t)len, "%s%s", i > 0 ? " " : "",
		    domains[chance_below(chance, 3)]);
	deliver_sized(to, chance_below(chance, 4) == 0 ? 100 * 1000 : 300);
}

static void strike_somewhere(struct chance *chance)
{
	static const char *const roles[] = { "relay", "router", "directory", "resolver", "relay" };
	struct os *os = process(roles[chance_below(chance, 5)]);
	struct next_host *h = world.hosts[chance_below(chance, 3)];

	switch (chance_below(chance, 8)) {
	case 0:
	case 1:
		if (os != NULL)
			sim_kill_after(os, 1 + chance_below(chance, 60));
		break;
	case 2:
		sim_power_cut_after(world.host, 1 + chance_below(chance, 40));
		break;
	case 3:
		sim_lose_stream(world.sim);
		break;
	case 4:
		sim_vanish_stream(world.sim);
		break;
	case 5:
		if (h->os != NULL)
			host_die(h);
		else
			host_listen(h);
		break;
	case 6:
		h->steps[AT_DOT] = (struct script){ .close = true, .times = 2 };
		break;
	default:
		world.dns_ms = chance_below(chance, 3) * 2000;
		break;
	}
}

static void hand_over_again(void)
{
	if (!sim_process_alive(world.os))
		keeper_begin();
	for (uint32_t n = 0; n < world.n_messages && relay_is_there(); n++) {
		if (!answered(n))
			hand_over(n, false);
	}
}

static bool is_over(void)
{
	for (uint32_t n = 0; n < world.n_messages; n++) {
		for (uint16_t i = 0; i < world.messages[n].n_targets; i++) {
			if (world.messages[n].got[i] + world.messages[n].failures[i] == 0)
				return false;
		}
	}
	return true;
}

static void judge_all(uint64_t seed)
{
	for (uint32_t n = 0; n < world.n_messages; n++) {
		for (uint16_t i = 0; i < world.messages[n].n_targets; i++) {
			unsigned got = world.messages[n].got[i];
			unsigned told = world.messages[n].failures[i];

			if (is_refused(n, i) ? got != 0 || told != 1 : got == 0 || told != 0)
				fail_msg("seed %llu: message %u target %u: taken %u times, told "
				    "of %u times", (unsigned long long)seed, n, i, got, told);
		}
	}
}

static void storm(uint64_t seed)
{
	struct chance chance = chance_init(seed, "storm", 0);

	storm_begin(seed);
	set_rules();
	for (int i = 0; i < STEPS_MAX; i++) {
		if (i % 2 == 0 && relay_is_there())
			send_some(&chance);
		if (chance_below(&chance, 3) == 0)
			strike_somewhere(&chance);
		run_ms(chance_below(&chance, 4) == 0 ? 20000 : 1 + chance_below(&chance, 3000));
		hand_over_again();
	}
	for (int i = 0; i < 3; i++) {
		if (world.hosts[i]->os == NULL)
			host_listen(world.hosts[i]);
	}
	/* A stream that vanished is waited for, as long as a server may take. */
	for (int i = 0; i < 400 && !is_over(); i++) {
		run_ms(10 * SECOND_MS);
		hand_over_again();
	}
	sim_power_cut_after(world.host, 0);
	for (int i = 0; i < 20; i++) {
		run_ms(MINUTE_MS);
		hand_over_again();
	}
	judge_all(seed);
	assert_true(queue_is_empty());
	world_end();
}

static void storms(void **state)
{
	for (uint64_t seed = 1; seed <= 40; seed++)
		storm(seed);
}

UNIT_TESTS(cmocka_unit_test(storms))
