/* search/when.h - a point in time as people write it. */
#ifndef SEARCH_WHEN_H
#define SEARCH_WHEN_H

#include <stdint.h>

#include "search/when_zone.h"

/* ISO 8601 and RFC 3339 (2026-11-22, 2026-11, 20261122, "2026-11-22 15:30",
 * 2026-11-22T15:30:00.25Z, ...+01:00), 2026/11/22, 11/22/2026, "22 Nov 2026",
 * "Nov 22, 2026", months in full as well, each with a time or without; the
 * date-time of RFC 5322; seconds or milliseconds since 1970 (10 or 13 digits).
 * What says no zone is of `zone`. False: it is none. */
bool when_parse(slice text, const struct when_zone *zone, int64_t *ret_wall_us)
    __attribute__((warn_unused_result));

#endif
