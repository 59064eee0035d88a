/* role/web_index_test.c - order, names, tags and files of the index. */
#include "role/web_index.h"

#include <stdio.h>

#include "os/os_uv.h"
#include "unit.h"

static struct {
	struct os *os;
	struct web_index index;
	size_t n_removed;
} t;

static void begin(void)
{
	const struct os_uv_options options = { .log_from = OS_ERROR };

	memset(&t, 0, sizeof t);
	t.os = os_uv_create(&options);
	assert_int_equal(index_init(&t.index, t.os), 0);
}

static void end(void)
{
	os_uv_destroy(t.os);
}

static struct web_entry *add(uint64_t account, uint32_t uid, uint32_t number, int64_t received_us)
{
	const struct web_entry what = { .account = account, .uid = uid, .received_us = received_us,
	    .id = { 1, number, 77 }, .size = 10 };

	return index_add(&t.index, &what);
}

/* One that says "head N" and "words N ...". */
static struct web_entry *list(uint64_t account, uint32_t uid, uint32_t number, int64_t received_us)
{
	struct web_entry *entry = add(account, uid, number, received_us);
	char head[32], words[256];

	assert_non_null(entry);
	snprintf(head, sizeof head, "head %u", number);
	memset(words, 'w', sizeof words);
	snprintf(words, sizeof words, "words %u", number);
	assert_true(index_list(&t.index, entry, slice_from(head), slice_of(words, sizeof words)));
	return entry;
}

static void expect(const struct web_entry *entry, uint32_t number)
{
	char want[32];

	snprintf(want, sizeof want, "head %u", number);
	assert_int_equal(entry->id.sequence, number);
	assert_true(slice_equal(index_head(&t.index, entry), slice_from(want)));
	snprintf(want, sizeof want, "words %u", number);
	assert_true(slice_starts(index_words(&t.index, entry), slice_of(want, strlen(want) + 1)));
}

static void order(void **state)
{
	static const uint32_t want[] = { 3, 5, 4, 1, 2 };
	struct web_entry *entries[6];

	begin();
	entries[1] = list(7, 1, 1, 100);
	entries[2] = list(7, 2, 2, 50);         /* told late */
	entries[3] = list(8, 1, 3, 300);
	entries[4] = list(7, 3, 4, 200);
	entries[5] = list(7, 4, 5, 200);        /* of one time the later is newer */
	assert_int_equal(t.index.n_listed, 5);
	for (size_t i = 0; i < 5; i++) {
		struct web_entry *entry = index_at(&t.index, i);

		expect(entry, want[i]);
		assert_int_equal(index_rank(&t.index, entry), i);
		assert_int_equal(index_rank_below(&t.index, entry->received_us, entry->serial), i + 1);
	}
	assert_int_equal(index_rank_below(&t.index, INT64_MAX, UINT64_MAX), 0);
	assert_int_equal(index_rank_below(&t.index, 0, 0), 5);
	index_remove(&t.index, entries[4]);
	index_remove(&t.index, entries[2]);
	index_remove(&t.index, entries[3]);
	assert_int_equal(t.index.n_listed, 2);
	assert_ptr_equal(index_at(&t.index, 0), entries[5]);
	assert_ptr_equal(index_at(&t.index, 1), entries[1]);
	end();
}

static struct web_entry *named(const char *name)
{
	return index_find_name(&t.index, slice_from(name));
}

static void names(void **state)
{
	char name[WEB_NAME_TEXT], twin[WEB_NAME_TEXT];
	struct web_entry *first, *second, *third;
	size_t len;

	begin();
	first = list(7, 1, 1, 100);
	second = list(8, UINT32_MAX, 1, 100);
	third = list(UINT64_MAX, UINT32_MAX, 1, 100);
	assert_null(add(7, 1, 2, 100));         /* it is known */
	web_entry_name(first, name);
	assert_string_equal(name, "1.2d.1");
	len = web_entry_name(second, twin);
	assert_int_equal(len, strlen(twin));
	assert_ptr_equal(named(name), first);
	assert_ptr_equal(named(twin), second);
	web_entry_name(third, twin);
	assert_ptr_equal(named(twin), third);
	assert_null(named("1.2d.1-"));
	assert_null(named("1.2d.1-0-0"));
	assert_null(named("1.2d.1-7-1"));
	assert_null(named("1.2d.1-8-3zzzzzz-1"));
	assert_null(named(""));
	assert_null(named("-"));
	assert_null(named("1.2d"));
	assert_ptr_equal(index_find_place(&t.index, 8, UINT32_MAX), second);
	assert_null(index_find_place(&t.index, 9, 1));
	index_hold(first);
	index_remove(&t.index, first);
	assert_null(named(name));
	assert_true(first->gone);
	index_release(&t.index, first);
	end();
}

static void count_removed(void *context, struct web_entry *entry)
{
	assert_ptr_equal(context, &t);
	assert_false(entry->gone);
	t.n_removed++;
}

/* Few and many at a time, listed or not. */
static void ranges(void **state)
{
	begin();
	for (uint32_t i = 1; i <= 1000; i++)
		list(7 + i % 2, i, i, i);
	for (uint32_t i = 1001; i <= 1100; i++)
		add(7, i, i, i);
	index_remove_range(&t.index, 8, 1, 9, count_removed, &t);
	assert_int_equal(t.n_removed, 5);
	index_remove_range(&t.index, 7, 1, 1050, count_removed, &t);
	assert_int_equal(t.index.n_listed, 495);
	assert_int_equal(t.index.n_unread, 495);
	assert_null(index_find_place(&t.index, 7, 1050));
	assert_non_null(index_find_place(&t.index, 7, 1051));
	for (size_t i = 0; i < 495; i++)
		expect(index_at(&t.index, i), 999 - 2 * (uint32_t)i);
	index_remove_range(&t.index, 7, 0, UINT32_MAX, count_removed, &t);
	index_remove_range(&t.index, 8, 0, UINT32_MAX, count_removed, &t);
	assert_int_equal(t.index.n_listed + t.index.places.count + t.index.names.count, 0);
	end();
}

/* What is dead does not stay: many go through, few are there. */
static void files(void **state)
{
	uint64_t most = 0;

	begin();
	for (uint32_t i = 1; i <= 40000; i++) {
		list(7, i, i, i);
		if (i > 100)
			index_remove(&t.index, index_find_place(&t.index, 7, i - 100));
		most = t.index.words.end > most ? t.index.words.end : most;
		if (i % 997 == 0) {
			expect(index_at(&t.index, 0), i);
			expect(index_at(&t.index, 99), i - 99);
		}
	}
	for (uint32_t i = 0; i < 100; i++)
		expect(index_at(&t.index, i), 40000 - i);
	assert_in_range(most, WEB_TEXTS_DEAD_MIN, WEB_TEXTS_DEAD_MIN * 2);
	assert_true(t.index.capacity < 1024);
	end();
}

/* Texts longer than the window, in any order. */
static void windows(void **state)
{
	enum { LARGE = 3 * WEB_WINDOW };
	struct web_entry *entries[20];
	unsigned char *text;

	begin();
	text = heap_alloc(os_heap(t.os), LARGE);
	for (uint32_t i = 0; i < 20; i++) {
		entries[i] = add(7, i + 1, i + 1, i);
		memset(text, 'a' + (int)i, LARGE);
		assert_true(index_list(&t.index, entries[i], slice_of(text, i % 3 == 0 ? LARGE : i),
		    (slice){ 0 }));
	}
	for (uint32_t step = 1; step < 20; step += 2) {
		for (uint32_t i = 0; i < 20; i++) {
			uint32_t at = i * step % 20;
			slice head = index_head(&t.index, entries[at]);

			assert_int_equal(head.len, at % 3 == 0 ? LARGE : at);
			if (head.len > 0)
				assert_true(head.ptr[0] == 'a' + at && head.ptr[head.len - 1] == 'a' + at);
		}
	}
	end();
}

static void expect_tags(const struct web_entry *entry, const char *want)
{
	char have[256] = "";

	for (size_t i = 0; i < entry->n_tags; i++)
		snprintf(have + strlen(have), sizeof have - strlen(have), "%.*s,",
		    slice_arg(web_tag_name(entry->tags[i])));
	assert_string_equal(have, want);
}

static void count_change(void *context, struct web_entry *entry)
{
	*(size_t *)context += 1;
}

static void tags(void **state)
{
	size_t n = 0;
	const slice some[] = { slice_lit("b"), slice_lit("A"), slice_lit("B"), slice_lit("c") };
	const slice others[] = { slice_lit("a"), slice_lit("d") };
	struct web_entry *one, *two;

	begin();
	one = list(7, 1, 1, 1);
	two = list(7, 2, 2, 2);
	index_set_tags(&t.index, one, some, 4);
	expect_tags(one, "A,b,c,");
	index_set_tags(&t.index, two, others, 2);
	expect_tags(two, "A,d,");               /* as it was first written */
	assert_int_equal(index_tag(&t.index, slice_lit("a"))->refs, 2);
	index_rename_tag(&t.index, index_tag(&t.index, slice_lit("a")), slice_lit("z"), count_change, &n);
	expect_tags(one, "b,c,z,");
	expect_tags(two, "d,z,");
	index_rename_tag(&t.index, index_tag(&t.index, slice_lit("z")), slice_lit("Z"), count_change, &n);
	index_rename_tag(&t.index, index_tag(&t.index, slice_lit("d")), (slice){ 0 }, count_change, &n);
	assert_null(index_tag(&t.index, slice_lit("d")));
	assert_int_equal(n, 5);
	index_remove(&t.index, two);
	assert_int_equal(index_tag(&t.index, slice_lit("z"))->refs, 1);
	index_set_tags(&t.index, one, NULL, 0);
	assert_null(t.index.tags);
	end();
}

static void read_or_not(void **state)
{
	struct web_entry *entry;

	begin();
	entry = list(7, 1, 1, 1);
	list(7, 2, 2, 2);
	assert_int_equal(t.index.n_unread, 2);
	index_set_read(&t.index, entry, true);
	index_set_read(&t.index, entry, true);
	assert_int_equal(t.index.n_unread, 1);
	index_set_read(&t.index, entry, false);
	assert_int_equal(t.index.n_unread, 2);
	index_set_read(&t.index, entry, true);
	index_remove(&t.index, entry);
	assert_int_equal(t.index.n_unread, 1);
	end();
}

static void count_one(void *context, struct web_entry *entry)
{
	*(uint64_t *)context += UINT64_C(1) << entry->uid;
}

/* Narrow or wide, each of that account once. */
static void each_of(void **state)
{
	static const struct {
		struct web_range ranges[3];
		size_t n;
		uint64_t want;
	} cases[] = {
		{ { { 1, 1 }, { 3, 4 } }, 2, 1 << 1 | 1 << 3 | 1 << 4 },
		{ { { 2, UINT32_MAX } }, 1, 0x3c },
		{ { { 1, 2 }, { 4, 4 }, { 6, UINT32_MAX } }, 3, 1 << 1 | 1 << 2 | 1 << 4 },
		{ { { 9, 9 } }, 1, 0 },
		{ { { 0, 0 } }, 0, 0 },
	};

	begin();
	for (uint32_t uid = 1; uid <= 5; uid++) {
		list(7, uid, uid, uid);
		list(8, uid, 100 + uid, uid);
	}
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t got = 0;

		index_each(&t.index, 7, cases[i].ranges, cases[i].n, count_one, &got);
		assert_int_equal(got, cases[i].want);
	}
	end();
}

UNIT_TESTS(cmocka_unit_test(each_of), cmocka_unit_test(order), cmocka_unit_test(names), cmocka_unit_test(ranges),
    cmocka_unit_test(files), cmocka_unit_test(windows), cmocka_unit_test(tags),
    cmocka_unit_test(read_or_not))
