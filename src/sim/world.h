/* sim/world.h - one simulated run, from a seed to a verdict.
 *
 *   start -> weather (senders, readers, faults) -> calm (nothing breaks; all that
 *   was acknowledged must come) -> verdict
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdio.h>

#include "sim/checker.h"

/* A run has at most so many of these; the seed draws as it would without bounds.
 * So a run that failed can be tried with less of everything. */
struct world_bounds {
	unsigned hosts, messages, faults;       /* UINT_MAX: no bound */
	unsigned kinds;                         /* of faults, FAULT_* */
};

extern const struct world_bounds world_unbounded;

struct world_options {
	struct world_bounds bounds;
	enum os_plant plant;
	FILE *log;                      /* each log line as it comes; NULL: not */
	FILE *events;                   /* the last events, at the end; NULL: not */
	size_t n_events;                /* how many of them */
};

struct world_result {
	uint64_t seed, hash, events, now_us;
	unsigned kinds;                 /* of faults, FAULT_* */
	unsigned struck, starts;        /* faults; starts of keepers */
	unsigned hosts, messages;       /* that there were; that were to be sent */
	struct checker_counts counts;
	bool failed;
	char failure[512];
};

/* check() of the code under test ends the calling process. */
void world_run(uint64_t seed, const struct world_options *options,
    struct world_result *ret_result);

#endif
