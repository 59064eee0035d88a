/* cli/expect.h - what a call of posthouse expect asks for, and what came of it.
 *
 *   expect.c       asks the mock
 *   expect_read.c  the options
 *   expect_tell.c  what is printed, and the report */
#ifndef CLI_EXPECT_H
#define CLI_EXPECT_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "cli/cli.h"
#include "cli/expect_http.h"

struct expect {
	const struct cli_args *args;
	struct heap *heap;
	struct arena arena;
	slice url;                      /* without a slash at its end */
	struct buffer query;
	slice mailbox;                  /* empty: any */
	const char *within;             /* as it was given */
	uint64_t within_ms;
	unsigned long count;
	struct expect_http *http;
	struct buffer answer;
	/* What came of it. */
	int status;
	slice words;                    /* why not */
	json_t *messages;               /* that match; NULL: none is known */
	json_t *newest;                 /* when none does: of all that are there */
	uint64_t there;                 /* so many */
	double seconds;
};

/* What is asked for. CLI_USAGE after a line. */
int expect_read(struct expect *e);

/* Says what came of it, in words or JSON, and in the file of --junit. Returns the status. */
int expect_report(const struct expect *e);

#endif
