/* mail/date.h - date-time of RFC 5322 s3.3 and s4.3. */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include <stdint.h>

#include "base/slice.h"

enum { DATE_TEXT = 40 };

/* The civil calendar: days of a month, 1 to 12; and from 1970-01-01 to a day that there is.
 * Years from 1 on. */
unsigned date_month_days(int64_t year, unsigned month);
int64_t date_days(int64_t year, unsigned month, unsigned day);

/* "Sun, 22 Nov 2026 15:30:00 +0000", in UTC, from microseconds since 1970;
 * for the years 1900 to 9999 (others are our bug). Returns the length. */
size_t date_print(int64_t wall_us, char ret_text[DATE_TEXT]);

struct date {
	int64_t seconds;        /* since 1970, UTC */
	int zone_minutes;       /* east of UTC, as written; unknown names are 0 */
};

/* A whole date-time with comments and folds, obsolete forms too: years of two
 * and three digits, named zones, no seconds. The day of the week is not
 * compared with the date. */
bool date_parse(slice text, struct date *ret) __attribute__((warn_unused_result));

#endif
