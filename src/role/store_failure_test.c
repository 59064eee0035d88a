/* role/store_failure_test.c - what was answered is there, once, whatever fails, is damaged or
 * dies meanwhile. See store_world_test.h. */
#include "os/os_faulty.h"
#include "role/store_world_test.h"

static void flip(uint64_t account, const char *folder, uint64_t at)
{
	char path[ACCOUNT_PATH_MAX + 16];
	unsigned char byte;
	int fd;

	account_pack_path(account, 1, path + 8);
	memcpy(path, folder, 8);
	fd = os_open(world.os, OS_ROOT, path, OS_READ | OS_WRITE);
	assert_true(fd >= 0);
	assert_int_equal(os_pread(world.os, fd, &byte, 1, at), 1);
	byte ^= 4;
	assert_int_equal(os_pwrite(world.os, fd, slice_of(&byte, 1), at), 0);
	os_close(world.os, fd);
}

static void a_damaged_message_says_so(void **state)
{
	struct client c;

	world_begin(1);
	for (uint32_t i = 0; i < 3; i++) {
		deliver(i, 7, 300);
		assert_int_equal(wait_result(i), DELIVERY_DURABLE);
	}
	flip(7, "account/", 100);
	client_open(&c, 7);
	client_until(&c, "+OK");
	client_say(&c, "RETR 1\r\n", "-ERR [SYS/PERM]");
	expect_message(&c, 2, 1, 300);
	client_say(&c, "TOP 1 0\r\n", "-ERR [SYS/PERM]");
	client_say(&c, "DELE 1\r\n", "+OK");
	client_quit(&c);
	client_open(&c, 7);
	client_until(&c, "+OK");
	client_say(&c, "STAT\r\n", "+OK 2 ");
	client_quit(&c);
	world_end();
}

static void set_faults(unsigned sync_error, unsigned write_error, unsigned write_full)
{
	struct sim_faults faults = { .sync_error = sync_error, .write_error = write_error,
	    .write_full = write_full };

	sim_set_faults(world.sim, &faults);
}

static void a_full_disk_makes_it_wait(void **state)
{
	struct client c;

	world_begin(1);
	deliver(0, 7, 300);
	assert_int_equal(wait_result(0), DELIVERY_DURABLE);
	set_faults(0, 0, 1);
	for (uint32_t i = 1; i < 5; i++) {
		deliver(i, 7, 300);
		assert_int_equal(wait_result(i), DELIVERY_LATER);
	}
	/* One can still read, but not delete. */
	client_open(&c, 7);
	client_until(&c, "+OK");
	expect_message(&c, 1, 0, 300);
	client_say(&c, "DELE 1\r\n", "+OK");
	client_say(&c, "QUIT\r\n", "-ERR");
	client_close(&c);
	set_faults(0, 0, 0);
	run_ms(STORE_RETRY_MAX_MS + 1000);
	memset(world.results, NO_RESULT, sizeof world.results);
	for (uint32_t i = 1; i < 5; i++) {
		deliver(i, 7, 300);
		assert_int_equal(wait_result(i), DELIVERY_DURABLE);
	}
	client_open(&c, 7);
	client_until(&c, "+OK");
	client_say(&c, "STAT\r\n", "+OK 5 ");
	client_quit(&c);
	world_end();
}

/* A QUIT that was refused deletes nothing that is shown afterwards, though its record
 * is in a file: not in this life and not in the next. */
static void a_refused_deletion_stays_refused(void **state)
{
	struct client c;

	for (uint64_t seed = 1; seed <= 10; seed++) {
		world_begin(seed);
		deliver(0, 7, 300);
		assert_int_equal(wait_result(0), DELIVERY_DURABLE);
		client_open(&c, 7);
		client_until(&c, "+OK");
		client_say(&c, "DELE 1\r\n", "+OK");
		set_faults(1, 0, 0);
		client_say(&c, "QUIT\r\n", "-ERR");
		client_close(&c);
		set_faults(0, 0, 0);
		for (int life = 0; life < 3; life++) {
			client_open(&c, 7);
			client_until(&c, "+OK");
			client_say(&c, "STAT\r\n", "+OK 1 ");
			client_quit(&c);
			if (life == 0 && seed % 2 == 0)
				kill_store();
			else
				cut_power();
		}
		world_end();
	}
}

/* A day in the life of an account, while the n-th disk call fails, or all from
 * it on do until the end. Returns whether one failed. */
static bool day_with_failure(unsigned n, bool all_after)
{
	struct os_faulty faulty;
	struct client c;
	bool fired, kept;

	world_begin(1);
	world.live[world.n_live++] = 1000;
	deliver_until_durable(0, 1, 7, 300);
	kill_store();
	os_faulty_wrap(&faulty, store_os());
	os_faulty_arm(&faulty, FAULT_ANY, n, n % 2 ? -EIO : -ENOSPC);
	faulty.all_after = all_after;
	for (uint32_t i = 2; i < 5; i++) {
		deliver(i, 7, i == 3 ? 200 * 1000 : 300);
		wait_result(i);
	}
	client_open(&c, 7);
	stream_write(c.stream, slice_lit("RETR 1\r\nDELE 1\r\nQUIT\r\n"));
	for (int i = 0; i < 5000 && !c.closed; i++)
		run_ms(1);
	client_close(&c);
	fired = os_faulty_fired(&faulty);
	os_faulty_unwrap(&faulty);
	run_ms(STORE_RETRY_MAX_MS);
	for (uint32_t i = 2; i < 5; i++)
		deliver_until_durable(i, i, 7, i == 3 ? 200 * 1000 : 300);
	cut_power();
	client_open(&c, 7);
	client_until(&c, "+OK");
	/* Number 1 went, or did not; nothing else did, nothing came twice. */
	client_say(&c, "STAT\r\n", "+OK ");
	kept = slice_starts(client_rest(&c), slice_lit("5 "));
	assert_true(kept || slice_starts(client_rest(&c), slice_lit("4 ")));
	client_until(&c, "\r\n");
	for (uint32_t i = 1; i < 5; i++) {
		slice text = retrieve(&c, i + kept);

		assert_true(slice_find(text, slice_lit("message ")) < text.len);
	}
	client_quit(&c);
	world_end();
	return fired;
}

static void each_disk_call_may_fail(void **state)
{
	unsigned calls = 0;

	for (unsigned n = 1; day_with_failure(n, false); n++)
		calls++;
	print_message("# %u calls failed, one at a time\n", calls);
	assert_true(calls > 40);
	for (unsigned n = 1; day_with_failure(n, true); n += 3)
		;
}

/* A kernel or file system without syncfs: file by file then. */
/* The n-th packet can't be taken, or sent, since the system has no descriptor left: the
 * store ends, and the next one has all its channels. */
static bool day_with_lost_packet(unsigned n)
{
	struct os_faulty faulty;
	struct client c;
	bool fired;

	world_begin(1);
	world.live[world.n_live++] = 1000;
	os_faulty_wrap(&faulty, store_os());
	os_faulty_arm(&faulty, FAULT_CHANNEL, n, -EMFILE);
	for (uint32_t i = 0; i < 4; i++) {
		wait_for_store();
		deliver(i, 7, i % 2 == 1 ? 200 * 1000 : 300);
		run_ms(1000);
	}
	wait_for_store();
	fired = os_faulty_fired(&faulty);
	if (!fired)
		os_faulty_unwrap(&faulty);
	for (uint32_t i = 0; i < 4; i++)
		deliver_until_durable(i, i, 7, i % 2 == 1 ? 200 * 1000 : 300);
	client_open(&c, 7);
	client_until(&c, "+OK");
	client_say(&c, "STAT\r\n", "+OK 4 ");
	client_until(&c, "\r\n");
	client_quit(&c);
	world_end();
	return fired;
}

static void each_packet_may_be_lost(void **state)
{
	unsigned packets = 0;

	for (unsigned n = 1; day_with_lost_packet(n); n++)
		packets++;
	print_message("# %u packets lost, one at a time\n", packets);
	assert_true(packets > 6);
}

static void no_syncfs(void **state)
{
	enum { ACCOUNTS = 60 };

	/* Of the bodies; of the records. */
	for (unsigned n = 1; n <= 2; n++) {
		struct os_faulty faulty;

		world_begin(1);
		os_faulty_wrap(&faulty, store_os());
		os_faulty_arm(&faulty, FAULT_SYNC, n, -ENOSYS);
		for (uint32_t i = 0; i < ACCOUNTS; i++)
			deliver(i, 100 + i, 300);
		for (uint32_t i = 0; i < ACCOUNTS; i++)
			wait_result(i);
		assert_true(os_faulty_fired(&faulty));
		os_faulty_unwrap(&faulty);
		for (uint32_t i = 0; i < ACCOUNTS; i++)
			assert_int_equal(world.results[i], DELIVERY_DURABLE);
		world_end();
	}
}

/* ---- chance ---- */

enum { STORM_MESSAGES = 60, STORM_ACCOUNTS = 3 };

static void offer_all(void)
{
	for (uint32_t n = 0; n < STORM_MESSAGES; n++) {
		if (world.results[n] == DELIVERY_DURABLE || !world.joined)
			continue;
		world.results[n] = NO_RESULT;
		deliver(n, 7 + n % STORM_ACCOUNTS, n % 7 == 0 ? 200 * 1000 : 500);
		if (n % 5 == 0)
			run_ms(n % 11);
	}
}

/* Every message once, as it was. */
static void check_mailbox(uint64_t account)
{
	struct client c;
	unsigned seen[STORM_MESSAGES] = { 0 }, count = 0;
	char line[64];

	client_open(&c, account);
	client_until(&c, "+OK");
	for (uint32_t n = (uint32_t)account - 7; n < STORM_MESSAGES; n += STORM_ACCOUNTS)
		count++;
	snprintf(line, sizeof line, "+OK %u ", count);
	client_say(&c, "STAT\r\n", line);
	for (uint32_t i = 1; i <= count; i++) {
		slice text = retrieve(&c, i);
		slice rest = slice_drop(text, slice_find(text, slice_lit("message ")) + 8);
		uint64_t n;
		struct buffer want;

		assert_true(slice_to_u64(slice_cut(&rest, '\r'), STORM_MESSAGES - 1, &n));
		assert_int_equal(seen[n]++, 0);
		want = wanted((uint32_t)n, n % 7 == 0 ? 200 * 1000 : 500);
		assert_true(slice_equal(text, buffer_bytes(&want)));
		buffer_free(&want);
	}
	client_quit(&c);
}

static void storm(uint64_t seed)
{
	uint64_t chance = seed * 0x9e3779b97f4a7c15ULL;

	world_begin(seed);
	world.live[world.n_live++] = 1000;
	for (int round = 0; round < 8; round++) {
		chance = chance * 6364136223846793005ULL + 1442695040888963407ULL;
		set_faults(chance >> 60 < 4 ? 30 : 0, chance >> 60 == 5 ? 50 : 0,
		    chance >> 60 == 6 ? 50 : 0);
		if (chance >> 58 & 1)
			sim_kill_after(store_os(), 1 + (chance >> 30) % 200);
		offer_all();
		run_ms((chance >> 20) % 3000);
		set_faults(0, 0, 0);
		if ((chance >> 56 & 3) == 0)
			cut_power();
		wait_for_store();
	}
	for (int i = 0; i < 100; i++) {
		offer_all();
		run_ms(2000);
		wait_for_store();
	}
	for (uint32_t n = 0; n < STORM_MESSAGES; n++)
		assert_int_equal(world.results[n], DELIVERY_DURABLE);
	kill_store();           /* one that is not to be killed */
	for (uint64_t account = 7; account < 7 + STORM_ACCOUNTS; account++)
		check_mailbox(account);
	cut_power();
	for (uint64_t account = 7; account < 7 + STORM_ACCOUNTS; account++)
		check_mailbox(account);
	world_end();
}

static void storms(void **state)
{
	const char *seed = getenv("STORM_SEED");

	if (seed != NULL) {
		storm(strtoull(seed, NULL, 10));
		return;
	}
	for (uint64_t i = 1; i <= 15; i++) {
		print_message("# storm %u\n", (unsigned)i);
		storm(i);
	}
}

/* What was durable stays so while the next life writes its first segment, which
 * repeats what no mark called synced: the power goes after each of its disk calls,
 * and keeps what it likes. */
static void a_new_life_loses_nothing(void **state)
{
	enum { BEFORE = 40, CALLS = 24, SEEDS = 25 };
	unsigned cuts = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		for (uint64_t call = 1; call <= CALLS; call++) {
			struct client c;
			slice stat;
			uint64_t n = 0;

			world_begin(seed * 100 + call);
			for (uint32_t i = 0; i < BEFORE; i++)
				deliver(i, 7, 100);
			for (uint32_t i = 0; i < BEFORE; i++)
				assert_int_equal(wait_result(i), DELIVERY_DURABLE);
			kill_store();
			sim_power_cut_after(world.host, call);
			deliver(BEFORE, 7, 100);
			for (int ms = 0; ms < 2000 && sim_power_cuts(world.host) == 0; ms++)
				run_ms(1);
			cuts += sim_power_cuts(world.host) > 0;
			cut_power();
			client_open(&c, 7);
			client_until(&c, "\r\n");
			client_say(&c, "STAT\r\n", "+OK ");
			stat = client_until(&c, "\r\n");
			assert_true(slice_to_u64(slice_cut(&stat, ' '), BEFORE + 1, &n));
			assert_true(n >= BEFORE);
			client_quit(&c);
			world_end();
		}
	}
	assert_true(cuts > SEEDS * CALLS / 4);
}

UNIT_TESTS(cmocka_unit_test(a_damaged_message_says_so),
    cmocka_unit_test(a_full_disk_makes_it_wait),
    cmocka_unit_test(a_refused_deletion_stays_refused), cmocka_unit_test(each_disk_call_may_fail),
    cmocka_unit_test(each_packet_may_be_lost), cmocka_unit_test(no_syncfs),
    cmocka_unit_test(a_new_life_loses_nothing), cmocka_unit_test(storms))
