/* imap/sequence.c - read, sorted, joined. */
#include "imap/sequence.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/limits.h"

/* seq-number = nz-number / "*"; *ret is 0 for a "*" that is none. */
static bool read_number(slice text, uint32_t star, uint32_t *ret)
{
	uint64_t value;

	if (slice_equal(text, slice_lit("*"))) {
		*ret = star;
		return true;
	}
	/* nz-number = digit-nz *DIGIT */
	if (text.len == 0 || text.ptr[0] == '0' || !slice_to_u64(text, UINT32_MAX, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

/* Of an empty mailbox, "5:*" names what 5 names. */
static struct imap_range range_of(uint32_t a, uint32_t b)
{
	if (a == 0 || b == 0)
		a = b = a > b ? a : b;
	return a < b ? (struct imap_range){ a, b } : (struct imap_range){ b, a };
}

static int by_first(const void *a, const void *b)
{
	const struct imap_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* In place; those that touch become one. */
static size_t join(struct imap_range *ranges, size_t n)
{
	size_t kept = 0;

	qsort(ranges, n, sizeof *ranges, by_first);
	for (size_t i = 0; i < n; i++) {
		struct imap_range *last = kept > 0 ? &ranges[kept - 1] : NULL;

		if (last != NULL && (last->last == UINT32_MAX || ranges[i].first <= last->last + 1)) {
			if (ranges[i].last > last->last)
				last->last = ranges[i].last;
		} else {
			ranges[kept++] = ranges[i];
		}
	}
	return kept;
}

static size_t count(slice text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.ptr[i] == ',';
	return n;
}

enum imap_set_result imap_set_read(slice text, uint32_t star, struct arena *arena,
    struct imap_set *ret)
{
	size_t max = count(text), n = 0;
	struct imap_range *ranges;
	slice rest = text;

	if (max > IMAP_RANGES_MAX)
		return IMAP_SET_MANY;
	ranges = arena_new(arena, struct imap_range, max);
	for (size_t i = 0; i < max; i++) {
		slice one = slice_cut(&rest, ','), high = one, low = slice_cut(&high, ':');
		uint32_t a, b;

		if (!read_number(low, star, &a))
			return IMAP_SET_BAD;
		b = a;
		if (low.len < one.len && !read_number(high, star, &b))
			return IMAP_SET_BAD;
		ranges[n] = range_of(a, b);
		n += ranges[n].first > 0;
	}
	*ret = (struct imap_set){ ranges, join(ranges, n) };
	return IMAP_SET_OK;
}

bool imap_set_overlaps(const struct imap_set *set, uint32_t first, uint32_t last)
{
	size_t low = 0, high = set->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->ranges[middle].last < first)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->n && set->ranges[low].first <= last;
}

bool imap_set_has(const struct imap_set *set, uint32_t number)
{
	return imap_set_overlaps(set, number, number);
}

/* ---- writing ---- */

static void put(struct imap_set_writer *w)
{
	char text[32];
	int len;

	if (w->open.first == 0)
		return;
	if (w->open.first == w->open.last)
		len = snprintf(text, sizeof text, "%s%u", w->some ? "," : "", w->open.first);
	else
		len = snprintf(text, sizeof text, "%s%u:%u", w->some ? "," : "", w->open.first,
		    w->open.last);
	w->full = w->full || !buffer_append(w->out, slice_of(text, (size_t)len));
	w->some = true;
	w->open = (struct imap_range){ 0 };
}

void imap_set_add(struct imap_set_writer *w, uint32_t first, uint32_t last)
{
	check(first > 0 && first <= last && w->open.last < first);
	if (w->open.first > 0 && w->open.last + 1 == first) {
		w->open.last = last;
		return;
	}
	put(w);
	w->open = (struct imap_range){ first, last };
}

bool imap_set_finish(struct imap_set_writer *w)
{
	put(w);
	return !w->full;
}
