/* cli/trace_tail.h - what is appended to journeys from now on: each line once, however
 * the files are rotated meanwhile.
 *
 * A file is known by its number and its first bytes, not by its name. */
#ifndef CLI_TRACE_TAIL_H
#define CLI_TRACE_TAIL_H

#include "base/heap.h"
#include "base/slice.h"

struct trace_tail;

/* Of the journeys in these data folders, which may not be there yet; the names must
 * live as long. `back`: also so many bytes before the end of each file. */
struct trace_tail *trace_tail_open(struct heap *heap, const char *const *folders, size_t n,
    size_t back);

/* Visit whole lines that are new, of each file up to TRACE_TURN_BYTES; never waits.
 * True: there is more to read at once. */
bool trace_tail_read(struct trace_tail *tail,
    void (*visit)(void *context, size_t folder, slice line), void *context);

void trace_tail_close(struct trace_tail *tail);        /* NULL is allowed */

#endif
