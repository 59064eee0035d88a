/* sim/world.c - make hosts and clients from the seed, let them live, judge. */
#include "sim/world.h"

#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "sim/faults.h"
#include "sim/pop3_actor.h"
#include "sim/smtp_actor.h"
#include "sim/sound.h"
#include "sim/station.h"

enum {
	STATIONS_MAX = 2, SENDERS_MAX = 5, RECIPIENTS_MAX = 12,
	READERS_MAX = STATIONS_MAX * STATION_ACCOUNTS_MAX,
};

/* Times of the simulated world. */
enum {
	SECOND_US = 1000 * 1000,
	START_S = 60,           /* a healthy start takes less */
	WEATHER_MIN_S = 5, WEATHER_MAX_S = 40,
	CALM_S = 900,           /* all must have come by then: tries again after pauses */
	QUIET_S = 15,           /* then nothing more may come */
};

enum { SOUND_EVERY = 4 };

/* More events than that: something turns in circles. */
enum { EVENTS_MAX = 20 * 1000 * 1000 };

const struct world_bounds world_unbounded = { UINT_MAX, UINT_MAX, UINT_MAX, FAULTS_ALL };

struct world {
	struct sim *sim;
	struct world_bounds bounds;
	struct chance chance;
	struct arena arena;
	struct checker *checker;
	struct faults *faults;
	struct station *stations[STATIONS_MAX];
	size_t n_stations;
	struct smtp_actor_recipient recipients[STATIONS_MAX][RECIPIENTS_MAX];
	size_t n_recipients[STATIONS_MAX];
	struct smtp_actor *senders[SENDERS_MAX];
	size_t n_senders;
	unsigned messages;              /* of all senders */
	struct pop3_actor *readers[READERS_MAX];
	unsigned sessions[READERS_MAX]; /* a mark, to wait for further ones */
	size_t n_readers;
};

/* ---- making ---- */

static void add_recipient(struct world *w, size_t station, const char *name, uint32_t accounts)
{
	size_t n = w->n_recipients[station]++;
	slice domain = station_domain(w->stations[station]);

	check(n < RECIPIENTS_MAX);
	w->recipients[station][n] = (struct smtp_actor_recipient){
		arena_printf(&w->arena, "%s@%.*s", name, slice_arg(domain)), accounts
	};
}

static struct os_address address_of(const struct station *s, uint16_t port)
{
	struct os_address address = { .port = port };

	memset(address.ip + 10, 0xff, 2);
	memcpy(address.ip + 12, station_plan(s)->ipv4, 4);
	return address;
}

static void add_reader(struct world *w, struct station *s, struct sim_host *away, slice login,
    unsigned account)
{
	struct pop3_actor_plan plan = {
		.checker = w->checker,
		.server = address_of(s, STATION_POP3_PORT),
		.account = account,
		.login = login,
		.secret = slice_lit(STATION_PASSWORD),
		.seed = sim_seed(w->sim),
	};

	w->readers[w->n_readers++] = pop3_actor_create(sim_process_create(away, "reader"), &plan);
}

static void make_station(struct world *w, struct sim_host *away)
{
	static const char *const names[STATIONS_MAX] = { "alice", "bob" };
	size_t i = w->n_stations++;
	struct station_plan plan = {
		.name = names[i],
		.ipv4 = { 127, 1, 0, (uint8_t)(i + 1) },
		.edges = (unsigned)chance_between(&w->chance, 1, 2),
		.stores = (unsigned)chance_between(&w->chance, 1, 2),
		.accounts = (unsigned)chance_between(&w->chance, 1, 4),
	};
	struct station *s = w->stations[i] = station_create(w->sim, &plan);
	uint32_t all = 0, team = 0;
	char name[32];

	for (unsigned n = 0; n < plan.accounts; n++) {
		slice login = arena_printf(&w->arena, "user%u@%.*s", n,
		    slice_arg(station_domain(s)));
		unsigned account = checker_account_add(w->checker, login);

		all |= 1u << account;
		team |= n < 2 ? 1u << account : 0;
		add_reader(w, s, away, login, account);
		snprintf(name, sizeof name, n % 2 ? "User%u+news" : "user%u", n);
		add_recipient(w, i, name, 1u << account);
	}
	add_recipient(w, i, "all", all);
	if (plan.accounts > 1)
		add_recipient(w, i, "team", team);
	add_recipient(w, i, "nobody", 0);
}

static void make_senders(struct world *w, struct sim_host *away)
{
	size_t n = chance_between(&w->chance, 1, SENDERS_MAX);

	for (size_t i = 0; i < n; i++) {
		size_t to = chance_below(&w->chance, w->n_stations);
		unsigned messages = (unsigned)chance_skewed(&w->chance, 1, 20);
		unsigned left = w->bounds.messages - w->messages;
		struct smtp_actor_plan plan = {
			.checker = w->checker,
			.server = address_of(w->stations[to], STATION_SMTP_PORT),
			.recipients = w->recipients[to],
			.n_recipients = w->n_recipients[to],
			.messages = messages < left ? messages : left,
			.seed = sim_seed(w->sim),
			.number = (unsigned)i,
		};

		w->messages += plan.messages;
		w->senders[w->n_senders++] =
		    smtp_actor_create(sim_process_create(away, "sender"), &plan);
	}
}

static void make_world(struct world *w, uint64_t seed, const struct world_options *options)
{
	static const uint8_t away_ip[4] = { 127, 2, 0, 1 };
	struct sim_host *away;

	check(options->bounds.hosts > 0);
	w->sim = sim_create(seed);
	w->bounds = options->bounds;
	sim_plant(w->sim, options->plant);
	sim_echo(w->sim, options->log);
	w->arena = arena_init(sim_heap(w->sim), 64 * 1024);
	w->chance = chance_init(seed, "world", 0);
	w->checker = checker_create(w->sim);
	away = sim_host_create(w->sim, "away", away_ip, 0);
	make_station(w, away);
	if (chance_one_in(&w->chance, 5) && w->bounds.hosts > 1)
		make_station(w, away);
	make_senders(w, away);
}

/* ---- living ---- */

static bool all_serve(struct world *w)
{
	for (size_t i = 0; i < w->n_stations; i++) {
		if (!station_serves(w->stations[i]))
			return false;
	}
	return true;
}

static bool senders_finished(struct world *w)
{
	for (size_t i = 0; i < w->n_senders; i++) {
		if (!smtp_actor_finished(w->senders[i]))
			return false;
	}
	return true;
}

static void mark_sessions(struct world *w)
{
	for (size_t i = 0; i < w->n_readers; i++)
		w->sessions[i] = pop3_actor_sessions(w->readers[i]);
}

/* Each reader has begun and ended a session since the mark: of two ends after
 * it, the second is of one that began after it. */
static bool all_read(struct world *w)
{
	for (size_t i = 0; i < w->n_readers; i++) {
		if (pop3_actor_sessions(w->readers[i]) < w->sessions[i] + 2)
			return false;
	}
	return true;
}

/* Run until done(), or for so many seconds. False: not done by then. */
static bool live(struct world *w, uint64_t seconds, bool (*done)(struct world *w))
{
	uint64_t end_us = sim_now_us(w->sim) + seconds * SECOND_US;

	while (sim_now_us(w->sim) < end_us && checker_failure(w->checker) == NULL) {
		if (done != NULL && done(w))
			return true;
		if (!sim_step(w->sim))
			break;
		if (sim_events(w->sim) > EVENTS_MAX)
			checker_fail(w->checker, "more than %d events: something turns in circles",
			    (int)EVENTS_MAX);
	}
	return done == NULL || done(w);
}

static bool calm_over(struct world *w)
{
	return senders_finished(w) && checker_settled(w->checker) && all_read(w);
}

static void explain_calm(struct world *w)
{
	for (size_t i = 0; i < w->n_stations; i++) {
		if (!station_serves(w->stations[i]))
			checker_fail(w->checker, "%s does not come up again: %s",
			    sim_host_name(station_host(w->stations[i])),
			    station_complaint(w->stations[i]));
	}
	checker_settle(w->checker);
	for (size_t i = 0; i < w->n_senders; i++) {
		if (!smtp_actor_finished(w->senders[i]))
			checker_fail(w->checker, "sender %zu can't get its mail accepted", i);
	}
	for (size_t i = 0; i < w->n_readers; i++) {
		if (pop3_actor_sessions(w->readers[i]) < w->sessions[i] + 2)
			checker_fail(w->checker, "reader %zu can't read its mail", i);
	}
}

static void weather(struct world *w)
{
	uint64_t seconds = chance_between(&w->chance, WEATHER_MIN_S, WEATHER_MAX_S);

	if (!live(w, START_S, all_serve))
		checker_fail(w->checker, "not all hosts serve %d s after the first start: %s",
		    START_S, station_complaint(w->stations[0]));
	w->faults = faults_create(w->sim, w->stations, w->n_stations, w->bounds.faults,
	    w->bounds.kinds);
	live(w, WEATHER_MIN_S, NULL);
	live(w, seconds, senders_finished);
	faults_stop(w->faults);
}

static void calm(struct world *w)
{
	for (size_t i = 0; i < w->n_senders; i++)
		smtp_actor_behave(w->senders[i]);
	for (size_t i = 0; i < w->n_readers; i++)
		pop3_actor_behave(w->readers[i]);
	mark_sessions(w);
	if (!live(w, CALM_S, calm_over))
		explain_calm(w);
	live(w, QUIET_S, NULL);
	mark_sessions(w);
	if (!live(w, CALM_S, calm_over))
		explain_calm(w);
}

void world_run(uint64_t seed, const struct world_options *options,
    struct world_result *ret_result)
{
	struct world_result result = { .seed = seed };
	struct world w = { 0 };

	make_world(&w, seed, options);
	weather(&w);
	calm(&w);
	result.hash = sim_hash(w.sim);
	result.events = sim_events(w.sim);
	result.now_us = sim_now_us(w.sim);
	/* Reading all of a disk takes longer than the run: not each time. */
	for (size_t i = 0; i < w.n_stations && (seed % SOUND_EVERY) == 1 &&
	    checker_failure(w.checker) == NULL; i++)
		sound_check(w.stations[i], w.checker);
	result.kinds = faults_kinds(w.faults);
	result.struck = faults_struck(w.faults);
	result.hosts = (unsigned)w.n_stations;
	result.messages = w.messages;
	for (size_t i = 0; i < w.n_stations; i++)
		result.starts += station_starts(w.stations[i]);
	result.counts = checker_count(w.checker);
	result.failed = checker_failure(w.checker) != NULL;
	if (result.failed)
		snprintf(result.failure, sizeof result.failure, "%s",
		    checker_failure(w.checker));
	if (options->events != NULL)
		sim_print_tail(w.sim, options->events, options->n_events);
	sim_destroy(w.sim);
	*ret_result = result;
}
