/* journal/tracker_fuzz.c - what is done of a segment, against a plain array.
 *
 * A step is three bytes: read on, one is done, a fact of the done log is learned,
 * or the tracker is written and read by another.
 *
 * For: journal/tracker.c
 *
 * Holds: it says of every record what an array of flags says; what one writes,
 * another learns, and never more; memory stays that of the records in flight. */
#include "fuzz_steps.h"

#include "journal/tracker.h"

enum { STEP = 3, RECORDS = 1500 };
FUZZ_STEPS_MUTATORS(0, STEP)

struct model {
	bool done[RECORDS + 1];
	uint32_t seen;
};

static void compare(const struct tracker *t, const struct model *m)
{
	bool all = true;

	check(t->seen == m->seen);
	for (uint32_t i = 1; i <= RECORDS; i++) {
		check(tracker_is_done(t, i) == m->done[i]);
		all = all && (i > m->seen || m->done[i]);
	}
	check(tracker_all_done(t) == all);
	check(t->base <= t->done_to && t->n_words <= 2 * RECORDS / 64);
}

static void learn(struct tracker *t, struct model *m, uint32_t done_to, uint32_t above,
    struct heap *heap)
{
	struct buffer out = buffer_init(heap, SIZE_MAX / 2);
	struct done_fact fact;
	uint32_t max = RECORDS - above % 7;

	put_u64(&out, 5);
	put_u32(&out, done_to);
	put_u32(&out, 2);
	put_u32(&out, above);
	put_u32(&out, above * 3);
	check(done_fact_read(DONE_RECORDS, buffer_bytes(&out), &fact));
	tracker_learn(t, &fact, max);
	for (uint32_t i = 1; i <= max; i++)
		m->done[i] = m->done[i] || i == above || i == above * 3 ||
		    (done_to <= max && i <= done_to);
	buffer_free(&out);
}

/* Another one learns all of it, as a router does that starts anew. */
static void hand_over(const struct tracker *t, const struct model *m, struct heap *heap)
{
	struct buffer out = buffer_init(heap, SIZE_MAX / 2);
	struct done_fact fact;
	struct tracker next;

	tracker_init(&next, heap);
	tracker_write(t, 5, &out);
	check(done_fact_read(DONE_RECORDS, buffer_bytes(&out), &fact) && fact.generation == 5);
	tracker_learn(&next, &fact, RECORDS);
	for (uint32_t i = 1; i <= RECORDS; i++)
		check(tracker_is_done(&next, i) == m->done[i]);
	tracker_finish(&next);
	buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct model m;
	struct heap *heap;
	struct tracker t;

	if (len > 300 * STEP)
		return 0;
	heap = heap_create(SIZE_MAX);
	memset(&m, 0, sizeof m);
	tracker_init(&t, heap);
	for (size_t at = 0; at + STEP <= len; at += STEP) {
		uint32_t n = 1 + (data[at + 1] << 8 | data[at + 2]) % (RECORDS - 1);

		switch (data[at] % 8) {
		case 0: case 1: case 2:
			n = m.seen + 1 + n % 5;
			if (n > RECORDS)
				break;
			for (uint32_t lost = m.seen + 1; lost < n; lost++)
				m.done[lost] = true;
			m.seen = n;
			tracker_seen(&t, n);
			break;
		case 3: case 4: case 5:
			n = m.seen > 0 ? 1 + n % m.seen : n;
			m.done[n] = true;
			tracker_done(&t, n);
			break;
		case 6:
			learn(&t, &m, n, data[at + 2] * 16u, heap);
			break;
		default:
			hand_over(&t, &m, heap);
		}
	}
	compare(&t, &m);
	hand_over(&t, &m, heap);
	tracker_finish(&t);
	heap_drop(heap);
	return 0;
}
