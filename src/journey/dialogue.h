/* journey/dialogue.h - the dialogue of an event, a line at a time. Pure.
 *
 *   "0 S: 220 mx.example ESMTP\n12 C: EHLO client\n12 S: 250 mx.example\n"
 *
 * Before who says it stand the milliseconds since the session began; the relay writes none.
 * A secret is "(secret)". */
#ifndef JOURNEY_DIALOGUE_H
#define JOURNEY_DIALOGUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct dialogue_line {
	int64_t ms;                     /* -1: not known */
	bool server;                    /* who says it; else the client */
	bool masked;                    /* the text stands for a secret */
	slice text;
};

/* The next line of *rest; false: there is none. */
bool dialogue_next(slice *rest, struct dialogue_line *ret_line);

#endif
