/* cli/sim_run.h - one simulated run in a process of its own.
 *
 * A check() or a sanitizer that ends the child is a failed run like any other,
 * and so is one that does not end in its time. The child sends its verdict
 * through a pipe; it dies with its parent. */
#ifndef CLI_SIM_RUN_H
#define CLI_SIM_RUN_H

#include <stdio.h>
#include <sys/types.h>

#include "sim/plant.h"
#include "sim/world.h"

struct sim_settings {
	struct world_bounds bounds;
	const struct plant *plant;      /* NULL: none */
	bool verbose;                   /* all logs to stdout */
	bool events;                    /* the last events to stdout, whatever the verdict */
	bool silent;                    /* nothing at all to stdout and stderr */
};

struct sim_run {
	pid_t pid;                      /* 0: none */
	int fd;                         /* becomes readable: sim_run_read() */
	unsigned long seed;
	uint64_t since_ms, until_ms;    /* of sim_clock_ms() */
	uint64_t took_ms;               /* when it has ended */
	bool late;                      /* it was ended because its time was over */
	int status;                     /* of waitpid, when it has ended */
	struct world_result result;
	size_t got;                     /* bytes of result */
};

uint64_t sim_clock_ms(void);

/* False: no process; errno says why. */
bool sim_run_start(struct sim_run *run, const struct sim_settings *settings,
    unsigned long seed, uint64_t ms_max);
/* Take what has come. True: it has ended. */
bool sim_run_read(struct sim_run *run);
/* End it now, if it runs. */
void sim_run_kill(struct sim_run *run);
/* The same, when its time is over. True: it has ended. */
bool sim_run_check_time(struct sim_run *run);

/* Did it send its verdict? */
bool sim_run_whole(const struct sim_run *run);
bool sim_run_failed(const struct sim_run *run);
/* What is wrong, in words. */
void sim_run_explain(const struct sim_run *run, char *ret_text, size_t size);
/* The command that repeats it. */
void sim_run_command(const struct sim_settings *settings, unsigned long seed, FILE *out);

#endif
