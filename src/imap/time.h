/* imap/time.h - INTERNALDATE and the dates of SEARCH (RFC 9051 s9). */
#ifndef IMAP_TIME_H
#define IMAP_TIME_H

#include <stdint.h>

#include "base/slice.h"

enum { IMAP_TIME_TEXT = 27 };           /* of imap_time_print(), with its NUL */

/* date-time without its quotes: "17-Jul-1996 02:44:25 -0700", or with a blank for the first
 * digit of the day. In seconds since 1970. */
bool imap_time_read(slice text, int64_t *ret_seconds) __attribute__((warn_unused_result));

/* Likewise, in UTC; of years that are not from 1 to 9999 the nearest second that is. */
void imap_time_print(int64_t seconds, char ret_text[IMAP_TIME_TEXT]);

/* date-text: "1-Feb-1994". In days since 1970. */
bool imap_date_read(slice text, int64_t *ret_days) __attribute__((warn_unused_result));

#endif
