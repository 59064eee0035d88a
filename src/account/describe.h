/* account/describe.h - an account's log in words, for people and for repair.
 *
 * Reads the segments as they lie there, also those that nothing names any more,
 * and says of each record what it does. Changes nothing; blocking. */
#ifndef ACCOUNT_DESCRIBE_H
#define ACCOUNT_DESCRIBE_H

#include "account/load.h"

/* One line without its end, borrowed; begins with the segment and the offset in
 * it, 14 characters. Returns false to stop. */
typedef bool account_line(void *context, const char *text);

enum account_described {
	DESCRIBED,
	DESCRIBED_NONE,         /* there is no log */
	DESCRIBED_NEWER,        /* some of it was written by a later Posthouse */
	DESCRIBED_IO,           /* *ret_error says why */
};

/* All segments, the lowest number first; OS_ROOT is the folder `account`. */
enum account_described account_describe(struct os *os, uint64_t account, account_line *line,
    void *context, int *ret_error);

/* The lines of one record; for that, and for fuzzing. */
struct describer {
	account_line *line;
	void *context;
	uint32_t segment, offset;
	bool newer, stopped;
};
void account_describe_record(struct describer *d, uint8_t type, slice payload);

#endif
