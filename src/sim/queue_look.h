/* sim/queue_look.h - how much waits in the queue of a station's relay, as its disk
 * says. */
#ifndef SIM_QUEUE_LOOK_H
#define SIM_QUEUE_LOOK_H

#include "os/os_sim.h"

size_t queue_look(struct sim_host *host);

#endif
