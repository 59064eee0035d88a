/* search/when_zone.c - the table of a zone file.
 *
 *   header (44) block of 32-bit times, [header block of 64-bit times, "\n" rule "\n"]
 *
 * A block: when it changes, to which kind; the kinds, with their seconds east of UTC; names,
 * leap seconds and how the times were meant, which nobody needs here. */
#include "search/when_zone.h"

#include "base/limits.h"

enum { HEAD = 44, KIND = 6, EAST_MAX = 26 * 3600 };

struct counts {
	uint32_t utc, standard, leaps, times, kinds, letters;
};

bool when_zone_is_name(slice name)
{
	unsigned char before = '/';

	if (name.len > ZONE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = name.ptr[i], lower = ascii_lower(c);

		if (c == '/' ? before == '/' : !((lower >= 'a' && lower <= 'z') ||
		    (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+'))
			return false;
		before = c;
	}
	return before != '/';
}

/* ---- the file ---- */

static uint32_t read_u32(slice in, size_t at)
{
	return (uint32_t)in.ptr[at] << 24 | (uint32_t)in.ptr[at + 1] << 16 |
	    (uint32_t)in.ptr[at + 2] << 8 | in.ptr[at + 3];
}

static bool take(slice *in, uint64_t n, slice *ret)
{
	if (n > in->len)
		return false;
	*ret = slice_head(*in, (size_t)n);
	*in = slice_drop(*in, (size_t)n);
	return true;
}

static bool take_head(slice *in, unsigned char *ret_version, struct counts *ret)
{
	slice head;

	if (!take(in, HEAD, &head) || !slice_starts(head, slice_lit("TZif")))
		return false;
	*ret_version = head.ptr[4];
	*ret = (struct counts){ read_u32(head, 20), read_u32(head, 24), read_u32(head, 28),
	    read_u32(head, 32), read_u32(head, 36), read_u32(head, 40) };
	return true;
}

static bool take_block(slice *in, const struct counts *c, size_t width, struct when_zone *zone)
{
	slice rest;

	zone->n = c->times;
	zone->n_kinds = c->kinds;
	zone->width = width;
	return take(in, (uint64_t)c->times * width, &zone->times) &&
	    take(in, c->times, &zone->types) && take(in, (uint64_t)c->kinds * KIND, &zone->kinds) &&
	    take(in, c->letters, &rest) && take(in, (uint64_t)c->leaps * (width + 4), &rest) &&
	    take(in, c->standard, &rest) && take(in, c->utc, &rest);
}

static int64_t time_of(const struct when_zone *zone, size_t i)
{
	if (zone->width == 4)
		return (int32_t)read_u32(zone->times, i * 4);
	return (int64_t)((uint64_t)read_u32(zone->times, i * 8) << 32 | read_u32(zone->times, i * 8 + 4));
}

static int32_t east_of(const struct when_zone *zone, size_t kind)
{
	return (int32_t)read_u32(zone->kinds, kind * KIND);
}

static bool is_sound(const struct when_zone *zone)
{
	if (zone->n_kinds == 0 || zone->n_kinds > 256)
		return false;
	for (size_t i = 0; i < zone->n_kinds; i++) {
		if (east_of(zone, i) < -EAST_MAX || east_of(zone, i) > EAST_MAX)
			return false;
	}
	for (size_t i = 0; i < zone->n; i++) {
		if (zone->types.ptr[i] >= zone->n_kinds ||
		    (i > 0 && time_of(zone, i) <= time_of(zone, i - 1)))
			return false;
	}
	return true;
}

bool when_zone_read(slice file, struct when_zone *ret)
{
	struct when_zone zone = { .width = 4 };
	struct counts counts;
	unsigned char version;
	slice rule;

	if (!take_head(&file, &version, &counts) || !take_block(&file, &counts, 4, &zone))
		return false;
	if (version >= '2') {
		if (!take_head(&file, &version, &counts) || !take_block(&file, &counts, 8, &zone) ||
		    file.len < 2 || file.ptr[0] != '\n')
			return false;
		file = slice_drop(file, 1);
		rule = slice_head(file, slice_find_byte(file, '\n'));
		zone.ruled = rule.len > 0 && when_rule_read(rule, &zone.rule);
	}
	if (!is_sound(&zone))
		return false;
	*ret = zone;
	return true;
}

/* ---- what clocks say ---- */

int32_t when_zone_at(const struct when_zone *zone, int64_t seconds)
{
	size_t low = 0, high = zone->n;

	if (zone->n_kinds == 0)
		return when_rule_at(&zone->rule, seconds);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (time_of(zone, middle) <= seconds)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == zone->n && zone->ruled)
		return when_rule_at(&zone->rule, seconds);
	return east_of(zone, low > 0 ? zone->types.ptr[low - 1] : 0);
}

int32_t when_zone_local(const struct when_zone *zone, int64_t seconds)
{
	int32_t east = when_zone_at(zone, seconds);

	return when_zone_at(zone, seconds - east);
}
