/* sim/faults.c - one fault after another, at drawn times. */
#include "sim/faults.h"

#include <signal.h>
#include <stdio.h>

#include "base/check.h"

enum { PROCESSES_MAX = 64, SECOND_US = 1000 * 1000 };
enum { FROZEN_MAX_S = 240 };    /* twice what a keeper bears: watch.silence */

struct faults {
	struct sim *sim;
	struct station **stations;
	size_t n_stations;
	struct chance chance;
	unsigned kinds;                 /* as drawn */
	unsigned allowed;               /* others of them are drawn, and do not strike: so the
	                                 * rest of the run stays much the same without them */
	unsigned struck, max;
	unsigned pace;
	struct sim_host *hosts[FAULT_HOSTS_MAX];
	size_t n_hosts;
	struct rot *rot;                /* NULL: none */
	struct dark *dark;
	struct outside *outside;        /* NULL: none */
	bool stopped;
};

static const struct {
	unsigned kind;
	const char *name;
} names[] = {
	{ FAULT_STREAMS, "streams" }, { FAULT_SLOW, "slow" }, { FAULT_KILL_ROLE, "roles" },
	{ FAULT_KILL_KEEPER, "keeper" }, { FAULT_POWER, "power" }, { FAULT_DISK, "disk" },
	{ FAULT_FULL, "full" }, { FAULT_CLOCK, "clock" },
	{ FAULT_RELOAD, "reload" }, { FAULT_DRAIN, "drain" }, { FAULT_PARTS, "parts" },
	{ FAULT_VANISH, "vanish" }, { FAULT_FREEZE, "freeze" }, { FAULT_FILES, "files" },
	{ FAULT_STORM, "storm" }, { FAULT_ROT, "rot" },
	{ FAULT_DNS, "dns" }, { FAULT_HOSTS, "hosts" },
};

enum { KINDS = sizeof names / sizeof *names };

void faults_print(unsigned kinds, char *ret_text, size_t size)
{
	size_t n = 0;

	snprintf(ret_text, size, "none");
	for (size_t i = 0; i < KINDS && n < size; i++) {
		if ((kinds & names[i].kind) != 0)
			n += (size_t)snprintf(ret_text + n, size - n, "%s%s", n > 0 ? "," : "",
			    names[i].name);
	}
}

bool faults_parse(slice text, unsigned *ret_kinds)
{
	bool none = slice_equal(text, slice_lit("none"));
	unsigned kinds = 0;

	while (text.len > 0 && !none) {
		slice word = slice_cut(&text, ',');
		size_t i = 0;

		while (i < KINDS && !slice_equal(word, slice_from(names[i].name)))
			i++;
		if (i == KINDS)
			return false;
		kinds |= names[i].kind;
	}
	*ret_kinds = kinds;
	return none || kinds != 0;
}

static bool allowed(const struct faults *f, unsigned kind)
{
	return (f->kinds & f->allowed & kind) != 0;
}

static void set_odds(struct faults *f, struct sim_faults odds)
{
	if (!allowed(f, FAULT_STREAMS))
		odds.reset = 0;
	if (!allowed(f, FAULT_SLOW))
		odds.slow = 0;
	if (!allowed(f, FAULT_DISK))
		odds.read_error = odds.write_error = odds.sync_error = 0;
	if (!allowed(f, FAULT_FULL))
		odds.write_full = 0;
	sim_set_faults(f->sim, &odds);
}

/* The odds that stand for a while. */
static void draw_odds(struct faults *f)
{
	struct sim_faults odds = { 0 };
	struct chance *c = &f->chance;

	if ((f->kinds & FAULT_STREAMS) != 0)
		odds.reset = (unsigned)chance_between(c, 50, 1000);
	if ((f->kinds & FAULT_SLOW) != 0)
		odds.slow = (unsigned)chance_between(c, 20, 500);
	/* A disk fails for some time, then it does not. */
	if ((f->kinds & FAULT_DISK) != 0 && chance_one_in(c, 3)) {
		odds.read_error = (unsigned)chance_skewed(c, 4, 400);
		odds.write_error = (unsigned)chance_skewed(c, 4, 200);
		odds.sync_error = (unsigned)chance_skewed(c, 4, 200);
	}
	if ((f->kinds & FAULT_FULL) != 0 && chance_one_in(c, 3))
		odds.write_full = (unsigned)chance_skewed(c, 2, 100);
	set_odds(f, odds);
}

/* Likewise, of the DNS. */
static void draw_dns_odds(struct faults *f)
{
	struct sim_dns_weather odds = { 0 };

	if ((f->kinds & FAULT_DNS) != 0 && chance_one_in(&f->chance, 2)) {
		odds.slow_one_in = (unsigned)chance_skewed(&f->chance, 1, 20);
		odds.fails_one_in = (unsigned)chance_skewed(&f->chance, 1, 20);
	}
	if (allowed(f, FAULT_DNS))
		sim_dns_weather(f->sim, odds);
}

/* A role of a station's keeper; not the keeper itself. */
static struct os *draw_role(struct faults *f, struct station *s)
{
	struct os *list[PROCESSES_MAX], *keeper = station_keeper(s);
	size_t n = sim_host_processes(station_host(s), list, PROCESSES_MAX);
	struct os *chosen;

	if (n == 0)
		return NULL;
	chosen = list[chance_below(&f->chance, n < PROCESSES_MAX ? n : PROCESSES_MAX)];
	return chosen != keeper ? chosen : NULL;
}

static void kill_soon(struct faults *f, struct os *os)
{
	if (os == NULL || !sim_process_alive(os))
		return;
	if (chance_one_in(&f->chance, 3))
		sim_kill(os);
	else
		sim_kill_after(os, chance_skewed(&f->chance, 1, 500));
}

/* ---- what passes again ---- */

/* A fault that ends by itself, or goes on: one of a host. */
struct spell {
	struct faults *f;
	struct station *station;
	struct sim_host *host;
	unsigned left;
	uint64_t cuts;
};

static void begin(struct faults *f, const struct spell *spell, uint64_t delay_us,
    void (*fn)(void *arg))
{
	struct spell *s = heap_new(sim_heap(f->sim), struct spell);

	*s = *spell;
	s->f = f;
	sim_at(f->sim, delay_us, fn, s);
}

static void end(struct spell *s)
{
	heap_free(sim_heap(s->f->sim), s);
}

static void join_again(void *arg)
{
	struct spell *s = arg;

	sim_host_side(s->host, 0);
	end(s);
}

/* Some client's host, or the station's. */
static void part(struct faults *f, struct station *s)
{
	uint64_t n = chance_below(&f->chance, f->n_hosts + 1);
	struct spell spell = { .host = n < f->n_hosts ? f->hosts[n] : station_host(s) };

	sim_host_side(spell.host, (unsigned)chance_between(&f->chance, 1, 2));
	begin(f, &spell, chance_skewed(&f->chance, SECOND_US / 10, 120 * SECOND_US), join_again);
}

static void mend(void *arg)
{
	struct spell *s = arg;

	sim_mend_files(s->host);
	end(s);
}

static void break_files(struct faults *f, struct station *s)
{
	struct spell spell = { .host = station_host(s) };

	for (uint64_t n = chance_skewed(&f->chance, 1, 8); n > 0; n--)
		sim_break_file(spell.host, (unsigned)chance_between(&f->chance, 1, 7));
	begin(f, &spell, chance_skewed(&f->chance, SECOND_US / 10, 30 * SECOND_US), mend);
}

/* Cut again, some calls after each start; a host that is down waits its turn. */
static void cut_again(void *arg)
{
	struct spell *s = arg;

	if (s->f->stopped || s->left == 0) {
		end(s);
		return;
	}
	if (sim_power_cuts(s->host) > s->cuts && sim_process_alive(station_keeper(s->station))) {
		s->cuts = sim_power_cuts(s->host);
		s->left--;
		sim_power_cut_after(s->host, chance_skewed(&s->f->chance, 1, 400));
	}
	sim_at(s->f->sim, SECOND_US / 20, cut_again, s);
}

static void storm(struct faults *f, struct station *s)
{
	struct spell spell = { .station = s, .host = station_host(s),
	    .left = (unsigned)chance_between(&f->chance, 2, 10),
	    .cuts = sim_power_cuts(station_host(s)) };

	sim_power_cut(spell.host);
	begin(f, &spell, SECOND_US / 20, cut_again);
}

/* Up to where the keeper ends it, and some above. */
static void freeze(struct faults *f, struct os *os)
{
	if (os != NULL)
		sim_freeze(os, chance_skewed(&f->chance, SECOND_US / 100,
		    (uint64_t)FROZEN_MAX_S * SECOND_US));
}

/* Mostly minutes to hours, now and then days: a dead battery, a wrong zone. */
static int64_t draw_jump(struct chance *c)
{
	int64_t by = (int64_t)chance_skewed(c, SECOND_US, (uint64_t)30 * 24 * 3600 * SECOND_US);

	return chance_one_in(c, 2) ? by : -by;
}

/* Some draws meet bytes that are not at rest, or nobody's. */
static void rot(struct faults *f, struct station *s)
{
	if (f->rot != NULL && chance_one_in(&f->chance, 2) &&
	    dark_strike(f->dark, s, &f->chance))
		return;
	for (int tries = 0; tries < 8 && f->rot != NULL; tries++) {
		if (rot_strike(f->rot, s, &f->chance))
			return;
	}
}

static void strike(struct faults *f, unsigned kind, struct station *s)
{
	struct chance *c = &f->chance;

	switch (kind) {
	case FAULT_STREAMS:
		sim_lose_stream(f->sim);
		break;
	case FAULT_KILL_ROLE:
		kill_soon(f, draw_role(f, s));
		break;
	case FAULT_KILL_KEEPER:
		kill_soon(f, station_keeper(s));
		break;
	case FAULT_POWER:
		if (chance_one_in(c, 4))
			sim_power_cut(station_host(s));
		else
			sim_power_cut_after(station_host(s), chance_skewed(c, 1, 500));
		break;
	case FAULT_CLOCK:
		sim_wall_jump(station_host(s), draw_jump(c));
		break;
	case FAULT_PARTS:
		part(f, s);
		break;
	case FAULT_VANISH:
		sim_vanish_stream(f->sim);
		break;
	case FAULT_FREEZE:
		freeze(f, draw_role(f, s));
		break;
	case FAULT_FILES:
		break_files(f, s);
		break;
	case FAULT_STORM:
		storm(f, s);
		break;
	case FAULT_ROT:
		rot(f, s);
		break;
	case FAULT_DNS:
		if (f->outside != NULL)
			outside_strike_dns(f->outside, c);
		break;
	case FAULT_HOSTS:
		if (f->outside != NULL)
			outside_strike_host(f->outside, c);
		break;
	case FAULT_RELOAD:
		sim_signal(station_keeper(s), SIGHUP);
		break;
	case FAULT_DRAIN:
		sim_signal(station_keeper(s), SIGTERM);
		break;
	default:
		break;          /* stands in the odds */
	}
}

/* One of those that may strike in this run; 0 when none may. */
static unsigned draw_kind(struct faults *f)
{
	unsigned chosen = 0, n = 0;

	for (size_t i = 0; i < KINDS; i++) {
		if ((f->kinds & names[i].kind) != 0 && chance_one_in(&f->chance, ++n))
			chosen = names[i].kind;
	}
	return chosen;
}

static void on_time(void *arg)
{
	const struct sim_faults none = { 0 };
	struct faults *f = arg;
	unsigned kind;

	if (f->stopped || !allowed(f, FAULTS_ALL))
		return;
	if (f->struck == f->max) {
		sim_set_faults(f->sim, &none);
		sim_dns_weather(f->sim, (struct sim_dns_weather){ 0 });
		return;
	}
	draw_odds(f);
	draw_dns_odds(f);
	kind = draw_kind(f);
	f->struck++;
	strike(f, kind & f->allowed, f->stations[chance_below(&f->chance, f->n_stations)]);
	sim_at(f->sim, f->pace * chance_skewed(&f->chance, SECOND_US / 100, 4 * SECOND_US),
	    on_time, f);
}

struct faults *faults_create(struct sim *sim, struct station **stations, size_t n_stations,
    unsigned faults_max, unsigned kinds_max)
{
	struct faults *f = heap_new(sim_heap(sim), struct faults);

	check(n_stations > 0);
	f->sim = sim;
	f->stations = stations;
	f->n_stations = n_stations;
	f->pace = 1;
	f->chance = chance_init(sim_seed(sim), "faults", 0);
	f->kinds = (unsigned)chance_u64(&f->chance) & FAULTS_ALL;
	/* One run in eight is fair weather: then all must go well at once. */
	if (chance_one_in(&f->chance, 8))
		f->kinds = 0;
	f->allowed = kinds_max;
	f->max = faults_max;
	sim_at(sim, SECOND_US / 2, on_time, f);
	return f;
}

void faults_add_host(struct faults *f, struct sim_host *host)
{
	check(f->n_hosts < FAULT_HOSTS_MAX);
	f->hosts[f->n_hosts++] = host;
}

void faults_set_rot(struct faults *f, struct rot *rot, struct dark *dark)
{
	f->rot = rot;
	f->dark = dark;
}

void faults_set_outside(struct faults *f, struct outside *outside)
{
	f->outside = outside;
	for (unsigned i = 0; i < OUTSIDE_HOSTS; i++)
		faults_add_host(f, outside_host(outside, i));
}

void faults_slow_down(struct faults *f, unsigned pace)
{
	f->pace = pace;
}

unsigned faults_kinds(const struct faults *f)
{
	return f->kinds & f->allowed;
}

unsigned faults_struck(const struct faults *f)
{
	return f->struck;
}

void faults_stop(struct faults *f)
{
	const struct sim_faults none = { 0 };

	f->stopped = true;
	sim_set_faults(f->sim, &none);
	if (f->outside != NULL)
		outside_calm(f->outside);
	for (size_t i = 0; i < f->n_hosts; i++)
		sim_host_side(f->hosts[i], 0);
	for (size_t i = 0; i < f->n_stations; i++) {
		struct os *list[PROCESSES_MAX];
		size_t n = sim_host_processes(station_host(f->stations[i]), list, PROCESSES_MAX);

		sim_power_cut_after(station_host(f->stations[i]), 0);
		sim_mend_files(station_host(f->stations[i]));
		sim_host_side(station_host(f->stations[i]), 0);
		for (size_t j = 0; j < n && j < PROCESSES_MAX; j++)
			sim_kill_after(list[j], 0);
	}
}
