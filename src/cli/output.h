/* cli/output.h - standard output of a loop that must not wait for its reader.
 *
 * What the reader does not take at once waits, OUTPUT_WAITING_MAX at most; then whole
 * lines are left out, and a line says how many when there is room again. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>

#include "os/os.h"

struct output;

/* To this descriptor, which stays the caller's. */
struct output *output_create(struct os *os, int fd);
/* To write to. fflush() sends what the reader takes; the rest follows on the loop. */
FILE *output_file(struct output *out);
/* Waits for a slow reader, OUTPUT_END_MS at most. NULL is allowed. */
void output_destroy(struct output *out);

#endif
