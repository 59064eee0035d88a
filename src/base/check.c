/* base/check.c - the end of a process that found itself wrong. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "posthouse: bug: %s:%d: check(%s) failed\n", file, line,
	    condition);
	abort();
}
