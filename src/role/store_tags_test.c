/* role/store_tags_test.c - tags that people put on a mock's messages. */
#include "role/store_web_world_test.h"

/* names: "a,b" */
static void tag_with(unsigned request, uint64_t account, const uint32_t *uids, uint32_t n, const char *names)
{
	struct buffer *out = ipc_begin(to_store(web.frame), IPC_TAG);
	struct buffer packed = buffer_init(world.heap, 1000);
	slice rest = slice_from(names);

	while (rest.len > 0) {
		slice name = slice_cut(&rest, ',');

		put_u8(&packed, (uint8_t)name.len);
		buffer_add(&packed, name);
	}
	put_u64(out, request);
	put_u64(out, account);
	put_u32(out, n);
	for (uint32_t i = 0; i < n; i++) {
		put_u32(out, uids[i]);
		put_slice(out, buffer_bytes(&packed));
	}
	ipc_end(to_store(web.frame), -1);
	buffer_free(&packed);
}

static void tag(unsigned request, uint64_t account, uint32_t uid, const char *names)
{
	tag_with(request, account, &uid, 1, names);
}

static void kept(unsigned request)
{
	assert_int_equal(wait_state(request), 1);
}

static void again(bool power)
{
	unsigned before = web.n_watched;

	world.live[0] = 1000;
	world.n_live = 1;
	if (power)
		cut_power();
	else
		kill_store();
	wait_watched(before + 1);
}

static void expect_tags(uint64_t account, uint32_t uid, const char *names)
{
	assert_string_equal(find(account, uid)->tags, names);
}

static void count_tags(void *context, const struct sim_disk_file *file)
{
	slice path = slice_from(file->path);

	if (slice_ends(path, slice_lit(".tags")))
		*(unsigned *)context += 1;
}

static unsigned files_of_tags(void)
{
	unsigned n = 0;

	sim_disk_each(world.host, count_tags, &n);
	return n;
}

/* Over both ends, the last ones; of others and of nobody nothing. */
static void they_stay(void **state)
{
	static const uint32_t some[] = { 2, 3, 99 };

	begin(MOCK);
	for (uint32_t i = 0; i < 4; i++)
		deliver(i, 7, 100);
	deliver(4, 8, 100);
	wait_until(7, 4);
	wait_until(8, 1);
	assert_int_equal(files_of_tags(), 0);
	tag(0, 7, 1, "a,b c");
	tag_with(1, 7, some, 3, "x");
	tag(2, 7, 3, "");
	tag(3, 7, 77, "y");
	tag(4, 4711, 1, "y");
	for (unsigned i = 0; i < 5; i++)
		kept(i);
	assert_int_equal(files_of_tags(), 1);
	for (unsigned i = 0; i < 2; i++) {
		again(i == 0);
		expect_tags(7, 1, "a,b c,");
		expect_tags(7, 2, "x,");
		expect_tags(7, 3, "none");
		assert_string_equal(find(7, 4)->tags, "");      /* nobody put any on it */
		assert_string_equal(find(8, 1)->tags, "");
	}
	tag(5, 7, 1, "new");
	tag(6, 8, 1, "eight");
	kept(5);
	kept(6);
	assert_int_equal(files_of_tags(), 2);
	again(true);
	expect_tags(7, 1, "new,");
	expect_tags(7, 2, "x,");
	expect_tags(8, 1, "eight,");
	world_end();
}

/* With the message; its successors have no part in them. */
static void they_go(void **state)
{
	static const uint32_t one[] = { 1 };

	begin(MOCK "mock.messages = 2\n");
	deliver(0, 7, 100);
	deliver(1, 7, 100);
	wait_until(7, 2);
	tag(0, 7, 1, "first");
	tag(1, 7, 2, "second");
	kept(0);
	kept(1);
	expunge(2, 7, one, 1);
	kept(2);
	deliver(2, 7, 100);
	wait_until(7, 2);
	tag(3, 7, 1, "first");          /* it is not there */
	kept(3);
	again(true);
	assert_int_equal(count(7), 2);
	expect_tags(7, 2, "second,");
	assert_string_equal(find(7, 3)->tags, "");
	deliver(3, 7, 100);             /* one too many */
	deliver(4, 7, 100);
	wait_until(7, 2);
	run_ms(100);
	again(false);
	for (size_t i = 0; i < web.n; i++)
		assert_string_equal(web.known[i].tags, "");
	world_end();
}

/* Many at once, and while a file is written. */
static void many(void **state)
{
	enum { MESSAGES = 2000, TIMES = 40 };
	uint32_t *uids;
	char name[16];

	begin(MOCK "mock.messages = 0\n");
	for (uint32_t i = 0; i < MESSAGES; i++)
		deliver(i, 7, 50);
	wait_until(7, MESSAGES);
	uids = heap_alloc(world.heap, MESSAGES * sizeof *uids);
	for (uint32_t i = 0; i < MESSAGES; i++)
		uids[i] = i + 1;
	tag_with(0, 7, uids, MESSAGES, "all");
	for (unsigned i = 1; i < TIMES; i++) {
		snprintf(name, sizeof name, "n%u", i);
		tag(i, 7, i * 7, name);
	}
	for (unsigned i = 0; i < TIMES; i++)
		kept(i);
	assert_int_equal(files_of_tags(), 1);
	again(true);
	for (uint32_t uid = 1; uid <= MESSAGES; uid++) {
		snprintf(name, sizeof name, uid % 7 == 0 && uid < 7 * TIMES ? "n%u," : "all,", uid / 7);
		expect_tags(7, uid, name);
	}
	world_end();
}

/* Each disk call fails, one after the other, while tags are written, and read: what was
 * answered 1 is there in the end. Returns whether a call failed. */
static bool with_failure(unsigned n, bool reads, bool *ret_kept)
{
	struct os_faulty faulty;
	bool fired;

	begin(MOCK);
	deliver(0, 7, 100);
	deliver(1, 7, 100);
	wait_until(7, 2);
	tag(0, 7, 1, "old");
	kept(0);
	if (reads)
		again(true);
	run_ms(100);
	os_faulty_wrap(&faulty, store_os());
	os_faulty_arm(&faulty, FAULT_ANY, n, -EIO);
	if (reads) {
		/* The web goes, and asks anew. */
		sim_kill(web.frame->os);
		for (unsigned i = 0; i < WAIT_MS && web.n_watched < 3; i++)
			run_ms(1);
		tag(1, 7, 2, "new");
		*ret_kept = wait_state(1) == 1;
	} else {
		tag(1, 7, 1, "new");
		*ret_kept = wait_state(1) == 1;
	}
	fired = os_faulty_fired(&faulty);
	os_faulty_unwrap(&faulty);
	again(true);
	if (reads)
		expect_tags(7, 1, "old,");
	else if (*ret_kept)
		expect_tags(7, 1, "new,");
	tag(2, 7, 2, "last");
	kept(2);
	assert_int_equal(files_of_tags(), 1);
	again(true);
	expect_tags(7, 2, "last,");
	assert_string_not_equal(find(7, 1)->tags, "");
	world_end();
	return fired;
}

static void a_disk_that_fails(void **state)
{
	for (unsigned reads = 0; reads < 2; reads++) {
		unsigned n = 1, n_refused = 0;
		bool is_kept;

		for (; with_failure(n, reads == 1, &is_kept); n++)
			n_refused += !is_kept;
		print_message("# %u calls failed, one at a time; %u refused\n", n - 1, n_refused);
		assert_true(n > 4 && n_refused > 2);
	}
}

/* The power goes at any time: the old ones or the new ones, and the new ones once it was said. */
static void the_power_goes(void **state)
{
	unsigned n_old = 0, n_new = 0;

	for (unsigned us = 0; us < 12000; us += 400) {
		bool said;

		begin(MOCK);
		deliver(0, 7, 100);
		wait_until(7, 1);
		tag(0, 7, 1, "old");
		kept(0);
		tag(1, 7, 1, "new");
		sim_run_until(world.sim, sim_now_us(world.sim) + us);
		said = web.states[1] == 1;
		again(true);
		if (strcmp(find(7, 1)->tags, "new,") == 0) {
			n_new++;
		} else {
			assert_false(said);
			expect_tags(7, 1, "old,");
			n_old++;
		}
		world_end();
	}
	assert_true(n_old > 0 && n_new > 0);
}

/* What it may not: the store ends it, and goes on. */
static void breaks_the_protocol(void **state)
{
	static const uint32_t wrong[] = { 3, 2 }, right[] = { 1, 2 };

	for (unsigned i = 0; i < 4; i++) {
		begin(i == 0 ? "domains = here.example\nlab = yes\n" : MOCK);
		run_ms(20);
		if (i == 0)
			tag(0, 7, 1, "a");
		else if (i == 1)
			tag_with(0, 7, wrong, 2, "a");
		else if (i == 2)
			tag_with(0, 7, right, 2, "a,,b");
		else
			tag_with(0, 7, right, 0, "a");
		deliver(0, 7, 100);
		assert_int_equal(wait_result(0), DELIVERY_DURABLE);
		assert_true(store_is_there());
		assert_int_equal(web.n_joined, 2);
		world_end();
	}
}

UNIT_TESTS(cmocka_unit_test(they_stay), cmocka_unit_test(they_go), cmocka_unit_test(many),
    cmocka_unit_test(a_disk_that_fails), cmocka_unit_test(the_power_goes),
    cmocka_unit_test(breaks_the_protocol))
