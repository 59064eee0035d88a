/* search/when_zone_fuzz.c - any bytes as a zone file, and as a rule.
 *
 * For: search/when_zone.c search/when_rule.c
 *
 * Holds: clocks are never further from UTC than a file may say, whatever the time. */
#include "fuzz.h"

#include "search/when_zone.h"

enum { FAR = 26 * 3600 };

static void ask(const struct when_zone *zone)
{
	static const int64_t times[] = { INT64_MIN / 2, -62135596800, -1, 0, 951782400, 1795305600,
		1798761599, 4102444800, 253402300799, INT64_MAX / 2 };

	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		int32_t east = when_zone_at(zone, times[i]), local = when_zone_local(zone, times[i]);

		check(east >= -FAR && east <= FAR && local >= -FAR && local <= FAR);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct when_zone zone;

	(void)when_zone_is_name(slice_of(data, size));
	if (when_zone_read(slice_of(data, size), &zone))
		ask(&zone);
	zone = (struct when_zone){ .n = 0 };
	if (when_rule_read(slice_of(data, size), &zone.rule))
		ask(&zone);
	return 0;
}
