/* account/describe.h - an account's log in words, for people and for repair.
 *
 * Reads the segments as they lie there, also those that nothing names any more,
 * and says of each record what it does. Changes nothing; blocking. */
#ifndef ACCOUNT_DESCRIBE_H
#define ACCOUNT_DESCRIBE_H

#include "account/load.h"

/* One line without its end; borrowed until the function returns. */
typedef void account_line(void *context, const char *text);

/* All segments, the lowest number first; OS_ROOT is the folder `account`. Returns
 * how many there are, or -errno when the folder can't be read. */
int account_describe(struct os *os, struct heap *heap, uint64_t account, account_line *line,
    void *context);

/* What a record does: "delivered uid 3 ...". Text is cut at size. */
void account_describe_record(uint8_t type, slice payload, char *ret_text, size_t size);

#endif
