/* sim/checker_failure_test.h - what a checker has to have said, or nothing. */
#ifndef SIM_CHECKER_FAILURE_TEST_H
#define SIM_CHECKER_FAILURE_TEST_H

#include <string.h>

#include "sim/checker.h"
#include "unit.h"

/* failure: a part of it; NULL: nothing was broken. */
static inline void expect_failure(const struct checker *checker, const char *failure)
{
	const char *have = checker_failure(checker);

	if (failure == NULL && have != NULL)
		fail_msg("unexpected: %s", have);
	if (failure != NULL && (have == NULL || strstr(have, failure) == NULL))
		fail_msg("have \"%s\" want \"%s\"", have != NULL ? have : "nothing", failure);
}

#endif
