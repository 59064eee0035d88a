/* role/store_compact_test.c - bytes of messages that are gone leave the disk, and no others. */
#include "os/os_faulty.h"
#include "role/store_imap_world_test.h"

enum { ALICE = 7, HOUR_MS = 3600 * 1000, SIZE = 3000 };

/* So that all accounts are looked at as a whole within a day. */
#define AT_ONCE "mailbox.undelete = 0\n"
enum { LOOKED_AT_MS = (STORE_SWEEP_DIVISOR + 1) * HOUR_MS };

/* ---- what is on the disk ---- */

struct disk {
	uint64_t packs, bytes;
	unsigned found;                 /* of `text` */
	slice text;
};

static void look_at_file(void *context, const struct sim_disk_file *file)
{
	struct disk *disk = context;
	unsigned char *bytes;

	if (!slice_ends(slice_from(file->path), slice_lit(".pack")))
		return;
	disk->packs++;
	disk->bytes += file->size;
	bytes = heap_alloc(world.heap, (size_t)file->size + 1);
	sim_disk_read(file, bytes, (size_t)file->size, 0);
	for (uint64_t at = 0; disk->text.len > 0 && at + disk->text.len <= file->size; at++)
		disk->found += memcmp(bytes + at, disk->text.ptr, disk->text.len) == 0;
	heap_free(world.heap, bytes);
}

/* How often the stored bytes of message n are in packs. */
static struct disk disk_of(uint32_t n)
{
	slice raw = body_text(n, SIZE);
	struct buffer frames = make_frames(raw);
	struct disk disk = { .text = buffer_bytes(&frames) };

	sim_disk_each(world.host, look_at_file, &disk);
	buffer_free(&frames);
	heap_free(world.heap, (void *)(uintptr_t)raw.ptr);
	return disk;
}

static void expect_on_disk(uint32_t n, unsigned times)
{
	unsigned found = disk_of(n).found;

	if (found != times)
		fail_msg("message %u is %u times on the disk, not %u", n, found, times);
}

static void rot_pack(void *context, const struct sim_disk_file *file)
{
	/* In the text of message 1, say. */
	if (slice_ends(slice_from(file->path), slice_lit(".pack")))
		assert_true(sim_disk_rot(file, file->size / 10 + 1000, 1));
}

/* ---- the account ---- */

/* POP3 shows n messages: first, and every `step`-th after it. */
static void expect_all(uint32_t first, uint32_t step, unsigned n)
{
	struct client c;
	char line[32];

	client_open(&c, ALICE);
	client_until(&c, "+OK");
	snprintf(line, sizeof line, "+OK %u ", n);
	client_say(&c, "STAT\r\n", line);
	for (unsigned i = 0; i < n; i++)
		expect_message(&c, i + 1, first + i * step, SIZE);
	client_quit(&c);
}

/* Of 10 messages in a pack that is closed, those with an even number go. */
static void begin(const char *extra)
{
	struct client c;

	world_begin_as(1, extra);
	world.received_us = 1;
	deliver_all(0, 10, ALICE, SIZE);
	kill_store();
	imap_open(&c, ALICE);
	imap_select(&c, "INBOX", 10);
	say(&c, "STORE 1,3,5,7,9 +FLAGS (\\Deleted)", "OK");
	say(&c, "EXPUNGE", "OK");
	imap_logout(&c);
}

static void bytes_go(void **state)
{
	uint64_t before;

	begin(AT_ONCE);
	before = disk_of(0).bytes;
	expect_on_disk(0, 1);
	run_ms(LOOKED_AT_MS);
	for (uint32_t n = 0; n < 10; n++)
		expect_on_disk(n, n % 2);
	assert_true(disk_of(0).bytes < before / 2 + 500);
	expect_all(1, 2, 5);
	cut_power();
	expect_all(1, 2, 5);
	/* And what comes then is beside it. */
	deliver_all(11, 1, ALICE, SIZE);
	kill_store();
	expect_all(1, 2, 6);
	world_end();
}

static void they_stay_as_long_as_they_can_come_back(void **state)
{
	begin("mailbox.undelete = 2d\n");
	run_ms(40 * HOUR_MS);
	expect_on_disk(0, 1);
	expect_on_disk(8, 1);
	run_ms(30 * HOUR_MS);
	expect_on_disk(0, 0);
	expect_on_disk(8, 0);
	expect_all(1, 2, 5);
	world_end();
}

/* All of a pack is gone: it goes as it is. */
static void an_unused_pack_goes(void **state)
{
	struct client c;

	begin(AT_ONCE);
	imap_open(&c, ALICE);
	imap_select(&c, "INBOX", 5);
	say(&c, "STORE 1:* +FLAGS (\\Deleted)", "OK");
	say(&c, "EXPUNGE", "OK");
	imap_logout(&c);
	run_ms(LOOKED_AT_MS);
	assert_int_equal(disk_of(0).packs, 0);
	expect_all(0, 0, 0);
	world_end();
}

static void copies_keep_their_bytes(void **state)
{
	struct client c;

	begin(AT_ONCE);
	imap_open(&c, ALICE);
	say(&c, "CREATE work", "OK");
	imap_select(&c, "INBOX", 5);
	say(&c, "COPY 1:2 work", "OK");
	say(&c, "STORE 1 +FLAGS (\\Deleted)", "OK");
	say(&c, "EXPUNGE", "OK");
	imap_logout(&c);
	run_ms(LOOKED_AT_MS);
	expect_on_disk(0, 0);
	expect_on_disk(1, 1);
	expect_on_disk(3, 1);
	imap_open(&c, ALICE);
	imap_select(&c, "work", 2);
	expect(&c, "FETCH 1 BODY[]", "message 1\r\n");
	expect(&c, "FETCH 2 BODY[]", "message 3\r\n");
	imap_logout(&c);
	expect_all(3, 2, 4);
	world_end();
}

/* Sessions that were there before read on, of what they know. */
static void sessions_go_on(void **state)
{
	struct client pop, imap;

	begin(AT_ONCE "pop3.timeout = 24h\nimap.timeout = 24h\n");
	client_open(&pop, ALICE);
	client_until(&pop, "+OK");
	imap_open(&imap, ALICE);
	imap_select(&imap, "INBOX", 5);
	run_ms(LOOKED_AT_MS);
	expect_on_disk(0, 0);
	for (unsigned i = 0; i < 5; i++)
		expect_message(&pop, i + 1, 1 + 2 * i, SIZE);
	expect(&imap, "FETCH 5 BODY[]", "message 9\r\n");
	/* Mail that comes has a pack of its own, and nothing is in the way of a change. */
	deliver_all(11, 1, ALICE, SIZE);
	expect(&imap, "NOOP", "* 6 EXISTS\r\n");
	expect(&imap, "STORE 1 +FLAGS (\\Seen)", "\\Seen");
	client_say(&pop, "DELE 1\r\n", "+OK");
	client_quit(&pop);
	expect(&imap, "NOOP", "* 1 EXPUNGE\r\n");
	imap_logout(&imap);
	expect_all(3, 2, 5);
	world_end();
}

/* The pack that mail goes to is left for another one, and has its turn later. */
static void the_open_pack_too(void **state)
{
	struct client c;

	world_begin_as(1, AT_ONCE "imap.timeout = 24h\n");
	world.received_us = 1;
	deliver_all(0, 4, ALICE, SIZE);
	imap_open(&c, ALICE);
	imap_select(&c, "INBOX", 4);
	say(&c, "STORE 1 +FLAGS (\\Deleted)", "OK");
	say(&c, "EXPUNGE", "OK");
	run_ms(LOOKED_AT_MS);
	expect_on_disk(0, 1);
	deliver_all(4, 1, ALICE, SIZE);
	say(&c, "NOOP", "OK");
	run_ms(LOOKED_AT_MS);
	expect_on_disk(0, 0);
	say(&c, "NOOP", "OK");
	imap_logout(&c);
	expect_all(1, 1, 4);
	world_end();
}

/* A message that can't be read: its pack is left for repair. */
static void damage_stays_for_repair(void **state)
{
	begin(AT_ONCE);
	cut_power();
	sim_disk_each(world.host, rot_pack, NULL);
	run_ms(LOOKED_AT_MS);
	expect_on_disk(0, 1);
	expect_on_disk(2, 1);
	world_end();
}

static void a_removed_account_leaves_nothing(void **state)
{
	for (unsigned ms = 0; ms < 40; ms++) {
		begin(AT_ONCE);
		/* Around the moment when its pack is written anew. */
		run_ms(STORE_SWEEP_FIRST_MS + 12 * HOUR_MS - 20 + ms);
		remove_account(ALICE);
		run_ms(10000);
		assert_int_equal(disk_of(0).packs, 0);
		world_end();
	}
}

/* ---- failures ---- */

/* The n-th disk call of the sweeps fails, and at times the power then. */
static bool day_with_failure(unsigned n, bool all_after, bool power)
{
	struct os_faulty faulty;
	bool fired;

	begin(AT_ONCE);
	os_faulty_wrap(&faulty, store_os());
	os_faulty_arm(&faulty, FAULT_ANY, n, n % 4 == 0 ? -ENOSPC : -EIO);
	faulty.all_after = all_after;
	for (unsigned hour = 0; hour < STORE_SWEEP_DIVISOR + 1 && !os_faulty_fired(&faulty); hour++)
		run_ms(HOUR_MS);
	fired = os_faulty_fired(&faulty);
	os_faulty_unwrap(&faulty);
	run_ms(STORE_RETRY_MAX_MS + 1000);
	if (power)
		cut_power();
	expect_all(1, 2, 5);
	run_ms(LOOKED_AT_MS);
	expect_on_disk(0, 0);
	expect_all(1, 2, 5);
	cut_power();
	expect_all(1, 2, 5);
	world_end();
	return fired;
}

static void disk_calls_may_fail(void **state)
{
	unsigned n = 1;

	/* Every second call, in one of three ways: a day is long. */
	while (day_with_failure(n, n % 3 == 1, n % 3 != 0))
		n += 2;
	assert_true(n > 30);
}

static void count_pack(void *context, const struct sim_disk_file *file)
{
	*(unsigned *)context += slice_ends(slice_from(file->path), slice_lit(".pack"));
}

static unsigned packs(void)
{
	unsigned n = 0;

	sim_disk_each(world.host, count_pack, &n);
	return n;
}

/* From begin() on until the new pack is there, in steps of so many milliseconds. */
static uint64_t wait_for_new_pack(uint64_t from_ms, uint64_t step_ms)
{
	uint64_t ms = from_ms;

	run_ms(from_ms);
	for (; packs() == 1; ms += step_ms) {
		assert_true(ms < LOOKED_AT_MS);
		run_ms(step_ms);
	}
	return ms;
}

/* The power goes at any moment of it. */
static void the_power_may_go(void **state)
{
	uint64_t ms;

	begin(AT_ONCE);
	ms = wait_for_new_pack(0, 60 * 1000);
	world_end();
	begin(AT_ONCE);
	ms = wait_for_new_pack(ms - 60 * 1000, 100);
	world_end();
	begin(AT_ONCE);
	ms = wait_for_new_pack(ms - 100, 1);
	world_end();
	for (unsigned i = 0; i < 40; i++) {
		begin(AT_ONCE);
		run_ms(i < 20 ? ms - 1 : ms + STORE_PACK_GRACE_MS - 20 + 4 * (i - 20));
		if (i < 20)
			sim_run_until(world.sim, sim_now_us(world.sim) + i * 250);
		cut_power();
		expect_all(1, 2, 5);
		world_end();
	}
}

UNIT_TESTS(cmocka_unit_test(bytes_go), cmocka_unit_test(they_stay_as_long_as_they_can_come_back),
    cmocka_unit_test(an_unused_pack_goes), cmocka_unit_test(copies_keep_their_bytes),
    cmocka_unit_test(sessions_go_on), cmocka_unit_test(the_open_pack_too),
    cmocka_unit_test(damage_stays_for_repair), cmocka_unit_test(a_removed_account_leaves_nothing),
    cmocka_unit_test(disk_calls_may_fail), cmocka_unit_test(the_power_may_go))
