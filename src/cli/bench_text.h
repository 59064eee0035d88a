/* cli/bench_text.h - text for the bodies of bench: like mail, not like a pattern.
 *
 * A server that compresses gets what letters give it: zstd at level 1 makes 10 KiB
 * of this 2.4 times smaller, which is between prose and HTML. The same on each run. */
#ifndef CLI_BENCH_TEXT_H
#define CLI_BENCH_TEXT_H

#include "base/arena.h"

/* Enough lines for bodies of up to size_max bytes, in `arena`. */
slice bench_text_make(struct arena *arena, size_t size_max);

/* `size` bytes for message `number`, of a text made for as many: ends with CRLF
 * (unless shorter), begins anywhere in a line, differs from its neighbours. */
slice bench_text_body(slice text, unsigned long number, size_t size);

#endif
