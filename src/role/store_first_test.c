/* role/store_first_test.c - the mailboxes that an account begins with: once, all or none, and never
 * in the way of a session. */
#include "role/store_imap_world_test.h"

static const char *const begins_with[] = { "\\Archive) \"/\" \"Archive\"\r\n",
	"\\Drafts) \"/\" \"Drafts\"\r\n", "\\Junk) \"/\" \"Junk\"\r\n",
	"\\Sent) \"/\" \"Sent\"\r\n", "\\Trash) \"/\" \"Trash\"\r\n" };

/* How many of them a client sees. */
static unsigned count_first(struct client *c)
{
	slice list = say(c, "LIST (SPECIAL-USE) \"\" *", "OK");
	unsigned n = 0;

	for (size_t i = 0; i < sizeof begins_with / sizeof *begins_with; i++)
		n += has(list, begins_with[i]);
	return n;
}

/* An account begins with some mailboxes, once; one that has others, or where nobody wants
 * them, with none. */
static void first_mailboxes(void **state)
{
	struct client one, two;

	world_begin_as(1, "mailbox.special_use = yes\n");
	deliver_all(1, 3, 7, 1000);
	adopt_as(&one, SERVICE_IMAP, "a", "");
	adopt_as(&two, SERVICE_IMAP, "a", "");
	login(one.nonce, 7);
	login(two.nonce, 7);
	client_until(&one, "a OK [CAPABILITY ");
	client_until(&one, "\r\n");
	client_until(&two, "a OK [CAPABILITY ");
	client_until(&two, "\r\n");
	assert_int_equal(count_first(&one), 5);
	assert_int_equal(count_first(&two), 5);
	expect(&one, "LSUB \"\" *", "Trash");
	imap_select(&one, "INBOX", 3);
	say(&one, "DELETE Trash", "OK");
	assert_int_equal(count_first(&two), 4);
	imap_logout(&one);
	imap_logout(&two);
	kill_store();
	imap_open(&one, 7);
	assert_int_equal(count_first(&one), 4);
	imap_logout(&one);
	imap_open(&one, 8);
	assert_int_equal(count_first(&one), 5);
	imap_logout(&one);
	world_end();
}

/* All or none, whenever the power goes; and the next session has them all the same. */
static void first_mailboxes_and_power(void **state)
{
	for (unsigned ms = 0; ms < 30; ms++) {
		struct client c;

		world_begin_as(1 + ms, "mailbox.special_use = yes\n");
		adopt_as(&c, SERVICE_IMAP, "a", "");
		login(c.nonce, 7);
		run_ms(ms);
		cut_power();
		buffer_free(&c.got);    /* the stream went with the power */
		wait_for_store();
		imap_open(&c, 7);
		assert_int_equal(count_first(&c), 5);
		imap_logout(&c);
		world_end();
	}
}

/* A disk that fails keeps nobody out. */
static void first_mailboxes_and_a_disk_that_fails(void **state)
{
	struct sim_faults faults = { .sync_error = 1 }, none = { 0 };
	struct client c;

	world_begin_as(1, "mailbox.special_use = yes\n");
	deliver_all(1, 3, 7, 1000);
	sim_set_faults(world.sim, &faults);
	imap_open(&c, 7);
	assert_int_equal(count_first(&c), 0);
	imap_select(&c, "INBOX", 3);
	imap_logout(&c);
	sim_set_faults(world.sim, &none);
	run_ms(STORE_RETRY_MAX_MS + 1000);
	imap_open(&c, 7);
	say(&c, "CREATE Sent (USE (\\Sent))", "OK");
	assert_int_equal(count_first(&c), 1);
	imap_logout(&c);
	imap_open(&c, 8);
	assert_int_equal(count_first(&c), 5);
	imap_logout(&c);
	world_end();
}

UNIT_TESTS(cmocka_unit_test(first_mailboxes), cmocka_unit_test(first_mailboxes_and_power),
    cmocka_unit_test(first_mailboxes_and_a_disk_that_fails))
