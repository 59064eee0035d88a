/* cli/bench_process.h - what a process and all that came from it use, as /proc tells. */
#ifndef CLI_BENCH_PROCESS_H
#define CLI_BENCH_PROCESS_H

#include <stdbool.h>

#include "base/heap.h"

struct bench_process_use {
	double cpu_s;                   /* ended children included, in steps of a clock tick */
	double memory_kb;               /* shared pages counted once (PSS); 0 unless asked for */
	unsigned processes;
};

/* False: there is no such process, or no /proc. */
bool bench_process_look(struct heap *heap, unsigned long pid, bool memory,
    struct bench_process_use *ret_use);

#endif
