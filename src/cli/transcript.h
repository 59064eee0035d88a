/* cli/transcript.h - a dialogue for people: each line begins with who says it. */
#ifndef CLI_TRANSCRIPT_H
#define CLI_TRANSCRIPT_H

#include "base/buffer.h"

struct transcript {
	struct buffer text;             /* what was not printed yet */
	const char *who;                /* whose line is not ended; NULL: none is */
};

/* Holds up to size_max; what is more is cut. */
struct transcript transcript_init(struct heap *heap, size_t size_max);
void transcript_free(struct transcript *t);

/* Bytes of one side, "  C: " or "  S: ", in any pieces. What a terminal would obey
 * shows as "?". */
void transcript_add(struct transcript *t, const char *who, slice bytes);

/* To stdout, at once; then it is empty. */
void transcript_print(struct transcript *t);

#endif
