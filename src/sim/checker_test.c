/* sim/checker_test.c - each broken promise is seen, and kept ones are not. */
#include "unit.h"

#include "base/buffer.h"
#include "sim/checker_failure_test.h"
#include "sim/sim_message.h"

enum { SEED = 42, ALICE = 0, BOB = 1, BOTH = 3 };

struct fixture {
	struct sim *sim;
	struct checker *c;
	struct buffer body;
};

static struct fixture fixture(void)
{
	struct fixture f = { .sim = sim_create(SEED) };

	f.c = checker_create(f.sim);
	assert_int_equal(checker_account_add(f.c, slice_lit("alice@x.example")), ALICE);
	assert_int_equal(checker_account_add(f.c, slice_lit("bob@x.example")), BOB);
	f.body = buffer_init(sim_heap(f.sim), SIM_MESSAGE_MAX + 1000);
	return f;
}

static unsigned sent(struct fixture *f, uint64_t accounts, unsigned code)
{
	unsigned m = checker_message_begin(f->c);

	checker_sealed(f->c, m, slice_lit("x@x.example"), accounts);
	checker_accepted(f->c, m, accounts);
	checker_dot(f->c, m);
	if (code != 0)
		checker_reply(f->c, m, code);
	return m;
}

static void list(struct fixture *f, unsigned account, const char *uids)
{
	slice rest = slice_from(uids);

	checker_list_begin(f->c, account);
	while (rest.len > 0)
		checker_listed(f->c, account, slice_cut(&rest, ' '));
	checker_list_end(f->c, account);
}

/* As delivery would have it: trace, then what was sent. */
static void read_as(struct fixture *f, unsigned account, const char *uid, unsigned message,
    const char *trace, const char *more)
{
	buffer_free(&f->body);
	buffer_printf(&f->body, "Return-Path: <m%u@away.example>\r\n%s", message, trace);
	sim_message_make(SEED, message, &f->body);
	if (!slice_ends(buffer_bytes(&f->body), slice_lit("\r\n")))
		buffer_add(&f->body, slice_lit("\r\n"));
	buffer_add(&f->body, slice_from(more));
	checker_body(f->c, account, slice_from(uid), buffer_bytes(&f->body));
}

/* Some process of the world. */
static void die(struct fixture *f)
{
	static const uint8_t ip[4] = { 127, 0, 0, 1 };

	sim_kill(sim_process_create(sim_host_create(f->sim, "x", ip, 0), "x"));
}

static const char trace[] = "Delivered-To: x\r\nReceived: from y\r\n\tby z\r\n";

static void finish(struct fixture *f, const char *failure)
{
	expect_failure(f->c, failure);
	sim_destroy(f->sim);
}

static void test_all_is_well(void **state)
{
	struct fixture f = fixture();
	unsigned m = sent(&f, BOTH, 250), doubtful = sent(&f, 1u << BOB, 0);

	(void)state;
	assert_false(checker_settled(f.c));
	list(&f, ALICE, "a1");
	read_as(&f, ALICE, "a1", m, trace, "");
	list(&f, BOB, "b1 b2");
	read_as(&f, BOB, "b1", m, trace, "");
	read_as(&f, BOB, "b2", doubtful, trace, "");
	assert_true(checker_settled(f.c));
	checker_deleting(f.c, BOB, slice_lit("b1"));
	checker_quit(f.c, BOB, true, true);
	list(&f, BOB, "b2");
	checker_settle(f.c);
	finish(&f, NULL);
}

static void test_lost(void **state)
{
	struct fixture f = fixture();

	(void)state;
	sent(&f, BOTH, 250);
	checker_settle(f.c);
	finish(&f, "was acknowledged for accounts 3 (elsewhere 0), came to 0");
}

static void test_half_delivered(void **state)
{
	struct fixture f = fixture();
	unsigned m = sent(&f, BOTH, 0);

	(void)state;
	list(&f, ALICE, "a1");
	read_as(&f, ALICE, "a1", m, trace, "");
	checker_settle(f.c);
	finish(&f, "came to 1");
}

static void test_twice(void **state)
{
	struct fixture f = fixture();
	unsigned m = sent(&f, BOTH, 250);

	(void)state;
	list(&f, ALICE, "a1 a2");
	read_as(&f, ALICE, "a1", m, trace, "");
	read_as(&f, ALICE, "a2", m, trace, "");
	finish(&f, "came twice");
}

/* Unwanted arrivals: { what is wrong, the code after the dot, for whom }. */
static void test_unwanted(void **state)
{
	static const struct {
		const char *name;
		unsigned code;
		uint64_t accounts;
	} rows[] = {
		{ "which was refused", 554, BOTH },
		{ "which was refused", 451, BOTH },
		{ "which was for others", 250, 1u << BOB },
	};
	struct fixture f;
	unsigned m;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		f = fixture();
		m = sent(&f, rows[i].accounts, rows[i].code);
		list(&f, ALICE, "a1");
		read_as(&f, ALICE, "a1", m, trace, "");
		finish(&f, rows[i].name);
	}
	f = fixture();
	m = checker_message_begin(f.c);
	checker_sealed(f.c, m, slice_lit("x@x.example"), BOTH);
	checker_accepted(f.c, m, BOTH);
	list(&f, ALICE, "a1");
	read_as(&f, ALICE, "a1", m, trace, "");
	finish(&f, "never finished");
	f = fixture();
	sent(&f, BOTH, 250);
	list(&f, ALICE, "a1");
	read_as(&f, ALICE, "a1", 7, trace, "");
	finish(&f, "nobody's message");
}

static void test_changed(void **state)
{
	static const struct {
		const char *trace, *more;
	} rows[] = {
		{ "Delivered-To: x\r\n", "one line more\r\n" },
		{ "Subject: not ours\r\n", "" },
		{ "", "\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture f = fixture();
		unsigned m = sent(&f, BOTH, 250);

		list(&f, ALICE, "a1");
		read_as(&f, ALICE, "a1", m, rows[i].trace, rows[i].more);
		finish(&f, "not what was sent");
	}
}

static void test_uids(void **state)
{
	struct fixture f = fixture();
	unsigned m, other;

	(void)state;
	list(&f, ALICE, "a1 a1");
	finish(&f, "twice in one list");

	f = fixture();
	list(&f, ALICE, "a1");
	list(&f, ALICE, "");
	finish(&f, "vanished");

	f = fixture();
	m = sent(&f, BOTH, 250);
	other = sent(&f, BOTH, 250);
	list(&f, ALICE, "a1");
	read_as(&f, ALICE, "a1", m, trace, "");
	list(&f, ALICE, "a1");
	read_as(&f, ALICE, "a1", other, trace, "");
	finish(&f, "and is now");
}

static void test_deletion(void **state)
{
	struct fixture f = fixture();

	(void)state;
	list(&f, ALICE, "a1");
	checker_deleting(f.c, ALICE, slice_lit("a1"));
	checker_quit(f.c, ALICE, true, true);
	list(&f, ALICE, "a1");
	finish(&f, "came back from deletion");

	/* Without an answer either may go, but not come back; and what has stayed
	 * goes only by a crash. */
	f = fixture();
	list(&f, ALICE, "a1 a2");
	checker_deleting(f.c, ALICE, slice_lit("a1"));
	checker_deleting(f.c, ALICE, slice_lit("a2"));
	checker_quit(f.c, ALICE, false, false);
	list(&f, ALICE, "a2");
	die(&f);
	list(&f, ALICE, "");
	assert_null(checker_failure(f.c));
	list(&f, ALICE, "a2");
	finish(&f, "came back from deletion");

	f = fixture();
	list(&f, ALICE, "a1");
	checker_deleting(f.c, ALICE, slice_lit("a1"));
	checker_quit(f.c, ALICE, true, false);
	list(&f, ALICE, "a1");
	list(&f, ALICE, "");
	finish(&f, "vanished");
}

/* The list may be long on its way: whoever answered it may be dead when it comes. */
static void test_deletion_and_a_late_list(void **state)
{
	struct fixture f = fixture();

	(void)state;
	list(&f, ALICE, "a1");
	checker_deleting(f.c, ALICE, slice_lit("a1"));
	checker_quit(f.c, ALICE, true, false);
	checker_list_begin(f.c, ALICE);
	die(&f);
	checker_listed(f.c, ALICE, slice_lit("a1"));
	checker_list_end(f.c, ALICE);
	list(&f, ALICE, "");
	finish(&f, NULL);

	/* One that died before it was asked for has not answered it. */
	f = fixture();
	list(&f, ALICE, "a1");
	checker_deleting(f.c, ALICE, slice_lit("a1"));
	checker_quit(f.c, ALICE, true, false);
	die(&f);
	list(&f, ALICE, "a1");
	list(&f, ALICE, "");
	finish(&f, "vanished");

	/* Nor is it an excuse for one that nobody deleted. */
	f = fixture();
	checker_list_begin(f.c, ALICE);
	die(&f);
	checker_listed(f.c, ALICE, slice_lit("a1"));
	checker_list_end(f.c, ALICE);
	list(&f, ALICE, "");
	finish(&f, "vanished");
}

/* Refused for now, on the disk all the same, and a crash later it counts. */
static void test_refused_and_a_crash(void **state)
{
	struct fixture f = fixture();
	unsigned m = sent(&f, BOTH, 451);

	(void)state;
	die(&f);
	list(&f, ALICE, "a1");
	read_as(&f, ALICE, "a1", m, trace, "");
	assert_null(checker_failure(f.c));
	checker_settle(f.c);
	finish(&f, "came to 1");
}

static void test_sealed(void **state)
{
	struct fixture f = fixture();
	unsigned m = checker_message_begin(f.c);

	(void)state;
	checker_sealed(f.c, m, slice_lit("bob@x.example"), 1u << BOB);
	checker_accepted(f.c, m, 1u << BOB);
	assert_null(checker_failure(f.c));
	checker_accepted(f.c, m, 1u << ALICE);
	finish(&f, "nobody decided on");

	f = fixture();
	checker_accepted_moving(f.c, checker_message_begin(f.c));
	finish(&f, "nobody decided on");

	/* Where the last decision led, and nowhere else. */
	f = fixture();
	m = checker_message_begin(f.c);
	checker_sealed(f.c, m, slice_lit("moves@x.example"), 1u << ALICE);
	checker_sealed(f.c, m, slice_lit("moves@x.example"), 1u << BOB);
	checker_accepted_moving(f.c, m);
	checker_dot(f.c, m);
	checker_reply(f.c, m, 250);
	list(&f, BOB, "b1");
	read_as(&f, BOB, "b1", m, trace, "");
	checker_settle(f.c);
	assert_null(checker_failure(f.c));
	list(&f, ALICE, "a1");
	read_as(&f, ALICE, "a1", m, trace, "");
	finish(&f, "which was for others");
}

static void test_rot(void **state)
{
	struct fixture f = fixture();
	unsigned m = sent(&f, BOTH, 250), other;

	(void)state;
	list(&f, ALICE, "a1");
	read_as(&f, ALICE, "a1", m, trace, "");
	checker_rotten(f.c, m, 1u << BOB);
	checker_settle(f.c);
	finish(&f, "no log names");

	f = fixture();
	m = sent(&f, BOTH, 250);
	other = sent(&f, 1u << BOB, 250);
	checker_rotten(f.c, m, 1u << BOB);
	checker_damage_named(f.c, m, 1u << BOB);
	list(&f, ALICE, "a1");
	read_as(&f, ALICE, "a1", m, trace, "");
	list(&f, BOB, "b1 b2");
	checker_no_excuse(f.c);
	checker_unreadable(f.c, BOB, slice_lit("b1"));
	read_as(&f, BOB, "b2", other, trace, "");
	checker_settle(f.c);
	assert_null(checker_failure(f.c));
	checker_unreadable(f.c, BOB, slice_lit("b2"));
	finish(&f, "can't be read");

	/* What it did not hit must come. */
	f = fixture();
	m = sent(&f, BOTH, 250);
	checker_rotten(f.c, m, 1u << BOB);
	checker_damage_named(f.c, m, 1u << BOB);
	checker_settle(f.c);
	finish(&f, "was acknowledged for accounts 3 (elsewhere 0), came to 0");

	/* The damage of another is no word about this one. */
	f = fixture();
	m = sent(&f, 1u << BOB, 250);
	other = sent(&f, 1u << BOB, 250);
	checker_rotten(f.c, m, 1u << BOB);
	checker_rotten(f.c, other, 1u << BOB);
	checker_damage_named(f.c, other, 1u << BOB);
	assert_false(checker_settled(f.c));
	checker_settle(f.c);
	finish(&f, "m1 was taken by rot that no log names");

	/* Nor may it go from the list. */
	f = fixture();
	m = sent(&f, 1u << BOB, 250);
	list(&f, BOB, "b1");
	read_as(&f, BOB, "b1", m, trace, "");
	checker_rotten(f.c, m, 1u << BOB);
	list(&f, BOB, "");
	finish(&f, "vanished");
}

static void delete(struct fixture *f, const char *uid)
{
	checker_deleting(f->c, ALICE, slice_from(uid));
	checker_quit(f->c, ALICE, true, true);
	list(f, ALICE, "");
}

/* What damage in an account's log excuses: that what was deleted before is back, once. */
static void test_returned(void **state)
{
	struct fixture f = fixture();
	unsigned m = sent(&f, 1u << ALICE, 250);

	(void)state;
	list(&f, ALICE, "a1");
	read_as(&f, ALICE, "a1", m, trace, "");
	delete(&f, "a1");
	checker_shaken(f.c, ALICE);
	list(&f, ALICE, "a2");
	read_as(&f, ALICE, "a2", m, trace, "");
	assert_null(checker_failure(f.c));
	delete(&f, "a2");
	list(&f, ALICE, "a3");
	read_as(&f, ALICE, "a3", m, trace, "");
	finish(&f, "message m1 came twice, now as UIDL a3");

	f = fixture();
	m = sent(&f, 1u << ALICE, 250);
	list(&f, ALICE, "a1");
	read_as(&f, ALICE, "a1", m, trace, "");
	delete(&f, "a1");
	checker_shaken(f.c, ALICE);
	list(&f, ALICE, "a1");
	assert_null(checker_failure(f.c));
	delete(&f, "a1");
	list(&f, ALICE, "a1");
	finish(&f, "came back from deletion");

	/* Nor what was there when it was damaged, and is deleted later. */
	f = fixture();
	m = sent(&f, 1u << ALICE, 250);
	list(&f, ALICE, "a1");
	read_as(&f, ALICE, "a1", m, trace, "");
	checker_shaken(f.c, ALICE);
	delete(&f, "a1");
	list(&f, ALICE, "a1");
	finish(&f, "came back from deletion");
}

UNIT_TESTS(cmocka_unit_test(test_returned),
    cmocka_unit_test(test_all_is_well), cmocka_unit_test(test_lost),
    cmocka_unit_test(test_half_delivered), cmocka_unit_test(test_twice),
    cmocka_unit_test(test_unwanted), cmocka_unit_test(test_changed),
    cmocka_unit_test(test_uids), cmocka_unit_test(test_deletion),
    cmocka_unit_test(test_deletion_and_a_late_list),
    cmocka_unit_test(test_refused_and_a_crash), cmocka_unit_test(test_sealed),
    cmocka_unit_test(test_rot))
