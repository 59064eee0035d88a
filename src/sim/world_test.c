/* sim/world_test.c - a world is decided by its seed, and by nothing else. */
#include "unit.h"

#include <stdio.h>

#include "sim/faults.h"
#include "sim/world.h"

static struct world_result live(uint64_t seed, FILE *log)
{
	struct world_options options = { .bounds = world_unbounded, .log = log };
	struct world_result result;

	world_run(seed, &options, &result);
	if (result.failed)
		fail_msg("seed %llu: %s", (unsigned long long)seed, result.failure);
	return result;
}

static void test_same_again(void **state)
{
	enum { SEEDS = 4 };
	FILE *log = tmpfile();

	(void)state;
	assert_non_null(log);
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct world_result first = live(seed, NULL), again = live(seed, log);

		assert_true(first.hash == again.hash);
		assert_true(first.events == again.events);
		assert_true(first.now_us == again.now_us);
		assert_int_equal(first.struck, again.struck);
	}
	assert_true(ftell(log) > 0);
	fclose(log);
}

static void test_other_seed(void **state)
{
	(void)state;
	assert_true(live(1, NULL).hash != live(2, NULL).hash);
}

/* Rot alone, in some worlds: it hits messages, and nothing else is lost by it. */
static void test_rot(void **state)
{
	enum { SEEDS = 8 };
	struct world_options options = { .bounds = world_unbounded };
	unsigned rotten = 0;

	(void)state;
	options.bounds.kinds = FAULT_ROT;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct world_result result;

		world_run(seed, &options, &result);
		if (result.failed)
			fail_msg("seed %llu: %s", (unsigned long long)seed, result.failure);
		assert_true(result.counts.taken <= result.counts.rotten);
		rotten += result.counts.rotten;
	}
	assert_true(rotten > 0);
}

UNIT_TESTS(cmocka_unit_test(test_same_again), cmocka_unit_test(test_other_seed),
    cmocka_unit_test(test_rot))
