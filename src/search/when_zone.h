/* search/when_zone.h - a time zone: what clocks say there, at any time (RFC 8536). Pure.
 *
 * All of it was written by who made the machine's zone files, and is believed no more than
 * mail is: what is malformed is no zone. */
#ifndef SEARCH_WHEN_ZONE_H
#define SEARCH_WHEN_ZONE_H

#include <stdint.h>

#include "base/slice.h"

/* When a year's summer time begins, or ends: Mm.w.d, Jn or n, and the time of that day. */
struct when_day {
	enum { WHEN_OF_YEAR, WHEN_WITHOUT_LEAP, WHEN_OF_WEEK } kind;
	unsigned month, week, day;
	int32_t second;                 /* of the day; may be of the days around it */
};

/* The rule for what the table does not have: TZ as POSIX has it. */
struct when_rule {
	int32_t usual, summer;          /* seconds east of UTC */
	bool has_summer;
	struct when_day begin, end;
};

/* All zero it is UTC; with rule.usual alone it is always that. */
struct when_zone {
	slice times, types, kinds;      /* of the file: when it changes, to which kind; and those */
	size_t n, n_kinds;              /* 0: the rule holds at any time */
	size_t width;                   /* of a time, 4 or 8 */
	bool ruled;                     /* there is a rule for what comes behind the last */
	struct when_rule rule;
};

/* A name of the database, "Europe/Berlin": no path leads out of it. */
bool when_zone_is_name(slice name);

/* A file of the database, which is borrowed for as long as the zone. */
bool when_zone_read(slice file, struct when_zone *ret) __attribute__((warn_unused_result));
/* "CET-1CEST,M3.5.0,M10.5.0/3" */
bool when_rule_read(slice text, struct when_rule *ret) __attribute__((warn_unused_result));

/* Seconds east of UTC at that time; and when clocks there say that, as seconds since 1970 if
 * it were UTC. What they say twice is one of both, what they never say is near. */
int32_t when_zone_at(const struct when_zone *zone, int64_t seconds);
int32_t when_zone_local(const struct when_zone *zone, int64_t seconds);

/* The same of a rule alone. */
int32_t when_rule_at(const struct when_rule *rule, int64_t seconds);

#endif
