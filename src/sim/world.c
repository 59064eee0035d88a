/* sim/world.c - let the hosts and clients of a world live, then judge. */
#include "sim/world.h"

#include <limits.h>
#include <string.h>

#include "base/check.h"
#include "sim/sound.h"
#include "sim/world_impl.h"

/* Times of the simulated world. */
enum {
	START_S = 60,           /* a healthy start takes less */
	WEATHER_MIN_S = 5,
	CALM_S = 900,           /* all must have come by then: tries again after pauses */
	QUIET_S = 15,           /* then nothing more may come */
	IDLE_S = 90,            /* longer than any session may be silent */
};

enum { LOAD_MESSAGES = 5, HOLDINGS_MAX = 256, SOUND_EVERY = 4 };

/* More events than that: something turns in circles. */
enum { EVENTS_MAX = 20 * 1000 * 1000 };

const struct world_bounds world_unbounded = { UINT_MAX, UINT_MAX, UINT_MAX, FAULTS_ALL };

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
	for (size_t i = 0; i < w->n_devices; i++)
		w->device_sessions[i] = imap_actor_sessions(w->devices[i]);
}

/* Each reader and device has begun and ended a session since the mark: of two ends after
 * it, the second is of one that began after it. */
static bool all_read(struct world *w)
{
	for (size_t i = 0; i < w->n_readers; i++) {
		if (pop3_actor_sessions(w->readers[i]) < w->sessions[i] + 2)
			return false;
	}
	for (size_t i = 0; i < w->n_devices; i++) {
		if (imap_actor_sessions(w->devices[i]) < w->device_sessions[i] + 2)
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

static bool all_looked(struct world *w)
{
	for (size_t i = 0; i < w->n_controls; i++) {
		if (control_actor_looks(w->controls[i]) == 0)
			return false;
	}
	return true;
}

/* It takes some time to look: once a second will do. */
static bool queues_empty(struct world *w)
{
	if (sim_now_us(w->sim) >= w->queues_us + SECOND_US) {
		w->queues_us = sim_now_us(w->sim);
		w->queues_empty = world_queues_empty(w);
	}
	return w->queues_empty;
}

static bool calm_over(struct world *w)
{
	return senders_finished(w) && checker_settled(w->checker) && all_read(w) &&
	    all_looked(w) && queues_empty(w);
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
	for (size_t i = 0; i < w->n_devices; i++) {
		if (imap_actor_sessions(w->devices[i]) < w->device_sessions[i] + 2)
			checker_fail(w->checker, "device %zu can't read its mail", i);
	}
	for (size_t i = 0; i < w->n_controls; i++) {
		if (control_actor_looks(w->controls[i]) == 0)
			checker_fail(w->checker, "administrator %zu gets no lists", i);
	}
	if (!world_queues_empty(w))
		checker_fail(w->checker, "mail for other hosts still waits in a queue");
}

static void weather(struct world *w)
{
	if (!live(w, START_S, all_serve))
		checker_fail(w->checker, "not all hosts serve %d s after the first start: %s",
		    START_S, station_complaint(w->stations[0]));
	w->faults = faults_create(w->sim, w->stations, w->n_stations, w->bounds.faults,
	    w->bounds.kinds);
	faults_slow_down(w->faults, w->pace);
	faults_set_rot(w->faults, w->rot, w->dark);
	faults_set_outside(w->faults, w->outside);
	for (size_t i = 0; i < w->n_away; i++)
		faults_add_host(w->faults, w->away[i]);
	live(w, WEATHER_MIN_S, NULL);
	live(w, w->weather_s, senders_finished);
	faults_stop(w->faults);
	dark_mend(w->dark);
}

static void calm(struct world *w)
{
	for (size_t i = 0; i < w->n_rude; i++)
		rude_actor_stop(w->rude[i]);
	for (size_t i = 0; i < w->n_senders; i++)
		smtp_actor_behave(w->senders[i]);
	for (size_t i = 0; i < w->n_readers; i++)
		pop3_actor_behave(w->readers[i]);
	for (size_t i = 0; i < w->n_devices; i++)
		imap_actor_behave(w->devices[i]);
	for (size_t i = 0; i < w->n_controls; i++)
		control_actor_behave(w->controls[i]);
	mark_sessions(w);
	if (!live(w, CALM_S, calm_over))
		explain_calm(w);
	live(w, QUIET_S, NULL);
	checker_no_excuse(w->checker);
	mark_sessions(w);
	if (!live(w, CALM_S, calm_over))
		explain_calm(w);
	for (size_t i = 0; i < w->n_devices; i += IMAP_DEVICES)
		imap_actor_compare(w->devices[i], w->devices[i + 1]);
}

static void pause(struct world *w, bool paused)
{
	for (size_t i = 0; i < w->n_readers; i++)
		pop3_actor_pause(w->readers[i], paused);
	for (size_t i = 0; i < w->n_devices; i++)
		imap_actor_pause(w->devices[i], paused);
	for (size_t i = 0; i < w->n_controls; i++)
		control_actor_pause(w->controls[i], paused);
	for (size_t i = 0; i < w->n_controls; i++)
		login_actor_pause(w->logins[i], paused);
}

/* Nothing for longer than any time-out: what peers left behind that vanished is
 * given up, a spool file of theirs, too. */
static void idle(struct world *w)
{
	pause(w, true);
	live(w, IDLE_S, NULL);
	pause(w, false);
}

/* Some messages and sessions. */
static void work_a_little(struct world *w)
{
	for (size_t i = 0; i < w->n_senders; i++)
		smtp_actor_more(w->senders[i], LOAD_MESSAGES);
	mark_sessions(w);
	if (!live(w, CALM_S, calm_over))
		explain_calm(w);
	idle(w);
}

/* The same work twice: what roles hold more after the second time is a leak. */
static void look_for_leaks(struct world *w)
{
	static struct holding before[HOLDINGS_MAX], after[HOLDINGS_MAX];
	size_t n_before, n_after;

	work_a_little(w);
	n_before = world_weigh(w, before, HOLDINGS_MAX);
	work_a_little(w);
	n_after = world_weigh(w, after, HOLDINGS_MAX);
	if (checker_failure(w->checker) == NULL)
		world_compare(w, before, n_before, after, n_after);
}

void world_run(uint64_t seed, const struct world_options *options,
    struct world_result *ret_result)
{
	struct world_result result = { .seed = seed };
	struct world w = { 0 };

	world_make(&w, seed, options);
	weather(&w);
	calm(&w);
	if (chance_one_in(&w.chance, 4))
		look_for_leaks(&w);
	else
		idle(&w);
	world_check_journals(&w);
	result.hash = sim_hash(w.sim);
	result.events = sim_events(w.sim);
	result.now_us = sim_now_us(w.sim);
	/* Reading all of a disk takes longer than the run: not each time. */
	for (size_t i = 0; i < w.n_stations && (seed % SOUND_EVERY) == 1 &&
	    checker_failure(w.checker) == NULL; i++)
		sound_check(w.stations[i], w.checker, w.rot, w.dark);
	result.kinds = faults_kinds(w.faults);
	result.struck = faults_struck(w.faults);
	result.hosts = (unsigned)w.n_stations;
	result.messages = w.messages;
	for (size_t i = 0; i < w.n_stations; i++)
		result.starts += station_starts(w.stations[i]);
	result.counts = checker_count(w.checker);
	if (result.kinds == 0 && result.counts.doubles > 0)
		checker_fail(w.checker, "%u messages came twice, though nothing broke",
		    result.counts.doubles);
	result.failed = checker_failure(w.checker) != NULL;
	if (result.failed)
		snprintf(result.failure, sizeof result.failure, "%s",
		    checker_failure(w.checker));
	if (options->events != NULL)
		sim_print_tail(w.sim, options->events, options->n_events);
	sim_destroy(w.sim);
	*ret_result = result;
}
