/* cli/sim_shrink.h - the least of a world that still fails.
 *
 * The same seed again with fewer kinds of faults, hosts, messages, faults: what
 * still fails, whatever the failure, is where the next try starts from. */
#ifndef CLI_SIM_SHRINK_H
#define CLI_SIM_SHRINK_H

#include "cli/sim_run.h"

/* Try while that helps, for some dozens of tries and two minutes (longer when runs
 * take long, a quarter of an hour at most), or until stop_fd becomes readable. `run` failed with `settings`; both become those of
 * the smallest run that did. Returns how many were tried. */
unsigned sim_shrink(struct sim_settings *settings, struct sim_run *run, int stop_fd);

#endif
