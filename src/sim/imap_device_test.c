/* sim/imap_device_test.c - what a device remembers, beside a table; and how two differ. */
#include "unit.h"

#include <string.h>

#include "sim/imap_device.h"

enum { UIDS = 60, TURNS = 2000 };

static void test_beside_a_table(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct imap_device d = { .heap = heap };
	bool there[UIDS] = { false };
	uint32_t random = 5;

	(void)state;
	for (unsigned i = 0; i < TURNS; i++) {
		uint32_t uid, n = 0;

		random = random * 1664525u + 1013904223u;
		uid = 1 + (random >> 8) % (UIDS - 1);
		if ((random >> 31) != 0) {
			struct imap_known *known = imap_device_put(&d, uid);

			assert_int_equal(known->modseq, there[uid] ? 100 + uid : 0);
			known->modseq = 100 + uid;
			there[uid] = true;
		} else {
			imap_device_remove(&d, uid);
			there[uid] = false;
		}
		for (uid = 1; uid < UIDS; uid++) {
			const struct imap_known *known = imap_device_find(&d, uid);

			assert_int_equal(known != NULL, there[uid]);
			assert_int_equal(known != NULL ? known->modseq : 100 + uid, 100 + uid);
			n += there[uid];
		}
		assert_int_equal(d.n, n);
	}
	imap_device_forget(&d);
	assert_int_equal(d.n, 0);
	heap_drop(heap);
}

static void test_print(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct imap_device d = { .heap = heap };
	struct buffer out = buffer_init(heap, 1000);

	(void)state;
	imap_device_put(&d, 9);
	imap_device_put(&d, 2);
	imap_device_put(&d, 3);
	imap_device_print(&d, &out);
	assert_true(slice_equal(buffer_bytes(&out), slice_lit("2:3,9")));
	heap_drop(heap);
}

/* Of 1 and 4, with UIDVALIDITY 7. */
static struct imap_device make(struct heap *heap)
{
	struct imap_device d = { .heap = heap, .uidvalidity = 7 };

	imap_device_put(&d, 1)->modseq = 5;
	imap_device_put(&d, 4)->flags = IMAP_REPLY_SEEN;
	return d;
}

static void differs(const struct imap_device *a, const struct imap_device *b, const char *want)
{
	char text[200];
	const char *got = imap_device_compare(a, b, text, sizeof text);

	if (want == NULL && got != NULL)
		fail_msg("they differ: %s", got);
	if (want != NULL && (got == NULL || strstr(got, want) == NULL))
		fail_msg("have \"%s\" want \"%s\"", got != NULL ? got : "nothing", want);
}

static void test_compare(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct imap_device a = make(heap), b = make(heap), none = { .heap = heap, .uidvalidity = 7 };

	(void)state;
	differs(&none, &none, NULL);
	differs(&a, &b, NULL);
	differs(&a, &none, "2 messages and 0");
	differs(&none, &a, "0 messages and 2");
	b.uidvalidity = 8;
	differs(&a, &b, "UIDVALIDITY 7 and 8");
	b.uidvalidity = 7;
	imap_device_find(&b, 4)->flags = 0;
	differs(&a, &b, "UID 4 has flags 1");
	imap_device_find(&b, 4)->flags = IMAP_REPLY_SEEN;
	imap_device_find(&b, 1)->modseq = 6;
	differs(&a, &b, "UID 1 has flags 0, MODSEQ 5, and flags 0, MODSEQ 6");
	imap_device_find(&b, 1)->modseq = 5;
	imap_device_put(&b, 9);
	differs(&a, &b, "2 messages and 3, up to UID 0 and 9 there");
	imap_device_remove(&b, 9);
	imap_device_remove(&b, 4);
	imap_device_put(&b, 5);
	differs(&a, &b, "up to UID 4 and 5");
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_beside_a_table), cmocka_unit_test(test_print), cmocka_unit_test(test_compare))
