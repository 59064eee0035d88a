/* sim/directory_power_test.c - the directory on a disk that loses power between
 * any two calls: it always opens again, and a change that was answered is there. */
#include "unit.h"

#include <stdio.h>

#include "directory/directory.h"
#include "os/os_sim.h"

enum { SEEDS = 200, LIVES = 8, CHANGES = 12, NAMES = 10 };

enum state { ABSENT, PRESENT, EITHER };

struct directory_world {
	struct sim *sim;
	struct sim_host *host;
	struct os *os;
	struct os_defer defer;
	struct chance chance;
	uint64_t seed;
	enum state accounts[NAMES];
	unsigned answered, opened;
};

static slice address_of(size_t i, char text[40])
{
	return slice_of(text, (size_t)snprintf(text, 40, "user%zu@a.example", i));
}

static struct directory *open_directory(struct directory_world *w)
{
	struct directory_error error;
	struct directory *d = directory_open(w->os, OS_ROOT, "directory.db", &error);
	slice domain = slice_lit("a.example");

	if (d != NULL)
		directory_set_domains(d, &domain, 1);
	return d;
}

static void compare(struct directory_world *w, struct directory *d)
{
	struct arena arena = arena_init(os_heap(w->os), 64 * 1024);

	for (size_t i = 0; i < NAMES; i++) {
		struct directory_account account;
		char text[40];
		enum directory_verdict verdict = directory_account_find(d, address_of(i, text),
		    &arena, &account);
		enum state have = verdict == DIRECTORY_OK ? PRESENT : ABSENT;

		if (!sim_process_alive(w->os) || verdict == DIRECTORY_TEMPORARY)
			break;
		if (w->accounts[i] != EITHER && w->accounts[i] != have)
			fail_msg("seed %llu: account %zu is %d, not %d",
			    (unsigned long long)w->seed, i, have, w->accounts[i]);
		w->accounts[i] = have;
	}
	arena_reset(&arena);
}

static void change(struct directory_world *w, struct directory *d)
{
	size_t i = chance_below(&w->chance, NAMES);
	bool add = w->accounts[i] == ABSENT, ok;
	struct directory_error error;
	unsigned aliases;
	uint64_t id;
	char text[40];

	if (w->accounts[i] == EITHER)
		return;
	if (add)
		ok = directory_account_add(d, address_of(i, text), slice_lit("$6$x$y"), &id,
		    &error);
	else
		ok = directory_account_remove(d, address_of(i, text), &id, &aliases, &error);
	w->answered += ok;
	w->accounts[i] = ok ? (add ? PRESENT : ABSENT) : EITHER;
}

static void live(struct os_defer *defer)
{
	struct directory_world *w = defer->owner;
	struct directory *d = open_directory(w);

	if (d == NULL)
		return;
	w->opened++;
	compare(w, d);
	for (size_t i = 0; i < CHANGES; i++)
		change(w, d);
	directory_close(d);
}

static void run_seed(uint64_t seed, struct directory_world *w)
{
	static const uint8_t ip[4] = { 127, 0, 0, 1 };

	*w = (struct directory_world){ .sim = sim_create(seed), .seed = seed };
	w->chance = chance_init(seed, "test", 0);
	w->host = sim_host_create(w->sim, "a", ip, 8 * 1024 * 1024);
	w->defer = (struct os_defer){ .run = live, .owner = w };
	for (size_t i = 0; i < LIVES; i++) {
		bool last = i + 1 == LIVES;

		w->os = sim_process_create(w->host, "directory");
		if (!last)
			sim_power_cut_after(w->host, chance_skewed(&w->chance, 1, 400));
		w->opened = 0;
		os_defer(w->os, &w->defer);
		sim_run_until(w->sim, sim_now_us(w->sim) + 1);
		if (sim_process_alive(w->os)) {
			assert_int_equal(w->opened, 1);
			sim_power_cut(w->host);
		}
		if (last)
			assert_int_equal(w->opened, 1);
	}
}

static void test_power_cuts(void **state)
{
	struct directory_world w;
	unsigned answered = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		run_seed(seed, &w);
		answered += w.answered;
		sim_destroy(w.sim);
	}
	assert_true(answered > SEEDS * CHANGES / 2);
}

UNIT_TESTS(cmocka_unit_test(test_power_cuts))
