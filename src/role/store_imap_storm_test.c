/* role/store_imap_storm_test.c - a store's IMAP sessions and chance: disks that fail, power that
 * goes, a store that dies. What was answered OK is there, as a whole. */
#include "os/os_faulty.h"
#include "role/store_imap_world_test.h"

/* OK, or NO: what the disk allows. */
static bool try_say(struct client *c, const char *command)
{
	char text[256];
	slice reply;
	bool ok;

	snprintf(text, sizeof text, "T7 %s\r\n", command);
	stream_write(c->stream, slice_from(text));
	client_until(c, "T7 ");
	reply = client_until(c, "\r\n");
	ok = slice_starts(reply, slice_lit("OK"));
	/* BAD: there is no such message. */
	if (!ok && !slice_starts(reply, slice_lit("NO")) &&
	    !slice_starts(reply, slice_lit("BAD there is no message")))
		fail_msg("%s: %.*s", command, slice_arg(reply));
	return ok;
}

static bool try_append(struct client *c, const char *to)
{
	bool ok;

	append(c, to, "", 300, "T7 ");
	ok = slice_find(slice_head(buffer_bytes(&c->got), c->seen), slice_lit("T7 OK [APPENDUID")) <
	    c->seen;
	c->seen = buffer_bytes(&c->got).len;
	return ok;
}

/* All that a mailbox has, in the words of a session. */
static slice listing(struct client *c)
{
	say(c, "NOOP", "OK");
	return say(c, "FETCH 1:* (UID FLAGS RFC822.SIZE)", "OK");
}

static void open_rev2(struct client *c, const char *name)
{
	char command[64];

	imap_open(c, 7);
	say(c, "ENABLE IMAP4rev2", "OK");
	snprintf(command, sizeof command, "SELECT %s", name);
	say(c, command, "OK");
}

static uint64_t chance(uint64_t *x)
{
	*x = *x * 6364136223846793005u + 1442695040888963407u;
	return *x >> 33;
}

static void random_command(struct client *c, uint64_t *x, const char *other)
{
	static const char *const commands[] = { "STORE 1:%u +FLAGS (\\Seen)",
	    "STORE 1:%u -FLAGS (\\Seen \\Deleted)", "STORE %u +FLAGS.SILENT (\\Deleted k%u)", "EXPUNGE",
	    "COPY %u:* %s", "MOVE %u %s", "UID STORE %u:* FLAGS (\\Answered)", "NOOP",
	    "FETCH %u:* (ENVELOPE BODYSTRUCTURE)", "SEARCH SUBJECT %u" };
	size_t i = chance(x) % (sizeof commands / sizeof *commands);
	unsigned n = 1 + (unsigned)(chance(x) % 3);
	char command[128];

	if (i == 4 || i == 5)
		snprintf(command, sizeof command, commands[i], n, other);
	else
		snprintf(command, sizeof command, commands[i], n, n);
	(void)try_say(c, command);
}

/* Sessions of one account change it, mail comes, the disk fails now and then: at the end all
 * of them see the same, and so does the next life. */
static void a_storm(void **state)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct client c[4];
		uint64_t x = seed;
		struct buffer seen[2];

		world_begin(seed);
		deliver_all(0, 8, 7, 300);
		imap_open(&c[0], 7);
		say(&c[0], "CREATE Other", "OK");
		client_close(&c[0]);
		for (int i = 0; i < 4; i++)
			open_rev2(&c[i], i % 2 == 0 ? "INBOX" : "Other");
		for (uint32_t step = 0; step < 60; step++) {
			struct sim_faults faults = { .sync_error = chance(&x) % 8 == 0 ? 2 : 0 };
			int i = (int)(chance(&x) % 4);

			sim_set_faults(world.sim, &faults);
			if (chance(&x) % 4 == 0)
				deliver(8 + step, 7, 300);
			if (chance(&x) % 8 == 0)
				(void)try_append(&c[i], i % 2 == 0 ? "Other" : "INBOX");
			random_command(&c[i], &x, i % 2 == 0 ? "Other" : "INBOX");
			if (faults.sync_error != 0)
				run_ms(chance(&x) % 2 == 0 ? 3000 : STORE_RETRY_MAX_MS);
		}
		sim_set_faults(world.sim, &(struct sim_faults){ 0 });
		run_ms(STORE_RETRY_MAX_MS + 5000);
		for (int i = 0; i < 4; i++) {
			slice text = listing(&c[i]);

			if (i < 2) {
				seen[i] = buffer_init(world.heap, SIZE_MAX / 2);
				buffer_add(&seen[i], text);
			} else if (!slice_equal(text, buffer_bytes(&seen[i % 2]))) {
				fail_msg("seed %u: session %d sees %.*s, not %.*s", (unsigned)seed, i,
				    slice_arg(text), slice_arg(buffer_bytes(&seen[i % 2])));
			}
		}
		for (int i = 0; i < 4; i++)
			client_close(&c[i]);
		if (seed % 2 == 0)
			kill_store();
		else
			cut_power();
		for (int i = 0; i < 2; i++) {
			slice text;

			open_rev2(&c[i], i % 2 == 0 ? "INBOX" : "Other");
			text = listing(&c[i]);
			if (!slice_equal(text, buffer_bytes(&seen[i])))
				fail_msg("seed %u: the next life has %.*s, not %.*s", (unsigned)seed,
				    slice_arg(text), slice_arg(buffer_bytes(&seen[i])));
			imap_logout(&c[i]);
			buffer_free(&seen[i]);
		}
		world_end();
	}
}

/* While the n-th disk call fails: a day of an account. What was answered OK is there in the
 * next life, what was not may be; returns whether one failed. */
static bool day_with_failure(unsigned n)
{
	struct os_faulty faulty;
	bool appended, moved, fired;
	struct client c;

	world_begin(1);
	deliver_until_durable(0, 2, 7, 300);
	kill_store();
	imap_open(&c, 7);
	say(&c, "CREATE Other", "OK");
	say(&c, "SELECT INBOX", "OK");
	os_faulty_wrap(&faulty, store_os());
	os_faulty_arm(&faulty, FAULT_ANY, n, n % 2 ? -EIO : -ENOSPC);
	appended = try_append(&c, "INBOX");
	moved = try_say(&c, "MOVE 1 Other");
	(void)try_say(&c, "FETCH 1:* BODY.PEEK[]");
	(void)try_say(&c, "FETCH 1:* ENVELOPE");
	(void)try_say(&c, "FETCH 1:* (ENVELOPE BODYSTRUCTURE)");
	fired = os_faulty_fired(&faulty);
	os_faulty_unwrap(&faulty);
	run_ms(STORE_RETRY_MAX_MS);
	imap_logout(&c);
	cut_power();
	imap_open(&c, 7);
	imap_select(&c, "INBOX", 3u + appended - moved);
	expect(&c, "FETCH 1:* BODY.PEEK[TEXT]", "more");
	expect(&c, "FETCH 1:* (ENVELOPE BODYSTRUCTURE)", "BODYSTRUCTURE (");
	imap_select(&c, "Other", moved);
	imap_logout(&c);
	world_end();
	return fired;
}

static void each_disk_call_may_fail(void **state)
{
	unsigned calls = 0;

	while (day_with_failure(calls + 1))
		calls++;
	print_message("# %u calls failed, one at a time\n", calls);
	assert_true(calls > 8);
}

/* It dies with a text half sent, and one being read. */
static void the_store_is_killed(void **state)
{
	struct client c[3];

	world_begin(1);
	deliver_all(0, 20, 7, 200 * 1000);
	for (unsigned wait = 0; wait < 6; wait++) {
		for (int i = 0; i < 3; i++) {
			imap_open(&c[i], 7);
			imap_select(&c[i], "INBOX", 20);
			stream_pause(c[i].stream);
			stream_write(c[i].stream, slice_lit("T7 FETCH 1:* BODY.PEEK[]\r\n"));
		}
		run_ms(wait);
		kill_store();
		for (int i = 0; i < 3; i++)
			client_close(&c[i]);
	}
	world_end();
}

/* An APPEND of several messages is all or none, whenever the power goes (RFC 3502). */
static void some_come_together_or_not(void **state)
{
	unsigned whole = 0;

	for (unsigned us = 0; us < 40; us++) {
		struct client c;
		slice got;

		world_begin(1 + us);
		imap_open(&c, 7);
		imap_select(&c, "INBOX", 0);
		stream_write(c.stream, slice_lit("T7 APPEND INBOX {3+}\r\nabc {4+}\r\ndefg {5+}\r\nhijkl\r\n"));
		sim_run_until(world.sim, sim_now_us(world.sim) + us * 250);
		cut_power();
		buffer_free(&c.got);    /* the stream went with the power */
		wait_for_store();
		imap_open(&c, 7);
		got = say(&c, "STATUS INBOX (MESSAGES)", "OK");
		assert_true(has(got, "(MESSAGES 0)") || has(got, "(MESSAGES 3)"));
		whole += has(got, "(MESSAGES 3)");
		imap_logout(&c);
		world_end();
	}
	assert_in_range(whole, 1, 39);
}

UNIT_TESTS(cmocka_unit_test(a_storm), cmocka_unit_test(each_disk_call_may_fail),
    cmocka_unit_test(the_store_is_killed), cmocka_unit_test(some_come_together_or_not))
