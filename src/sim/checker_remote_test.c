/* sim/checker_remote_test.c - mail for other hosts, and reports: each broken promise
 * is seen, and kept ones are not. */
#include "unit.h"

#include "base/buffer.h"
#include "mail/dsn.h"
#include "sim/checker_failure_test.h"
#include "sim/sim_message.h"

enum { SEED = 42, ALICE = 1, FAR = 2 };       /* bits of accounts */

struct fixture {
	struct sim *sim;
	struct checker *c;
	struct buffer body;
};

static struct fixture fixture(void)
{
	struct fixture f = { .sim = sim_create(SEED) };

	f.c = checker_create(f.sim);
	checker_account_add(f.c, slice_lit("alice@x.example"));
	checker_account_add(f.c, slice_lit("ok@far.example"));
	checker_account_add(f.c, slice_lit("bob@y.example"));
	f.body = buffer_init(sim_heap(f.sim), SIM_MESSAGE_MAX + 1000);
	return f;
}

/* To Alice, who is here, and to one elsewhere. */
static unsigned sent(struct fixture *f, unsigned code)
{
	unsigned m = checker_message_begin(f->c);

	checker_sealed(f->c, m, slice_lit("x@x.example"), ALICE | FAR);
	checker_remote(f->c, m, FAR);
	checker_accepted(f->c, m, ALICE | FAR);
	checker_dot(f->c, m);
	if (code != 0)
		checker_reply(f->c, m, code);
	return m;
}

static void make(struct fixture *f, const char *head, unsigned m)
{
	buffer_free(&f->body);
	buffer_add(&f->body, slice_from(head));
	sim_message_make(SEED, m, &f->body);
	if (!slice_ends(buffer_bytes(&f->body), slice_lit("\r\n")))
		buffer_add(&f->body, slice_lit("\r\n"));
}

static void arrives_far(struct fixture *f, unsigned m)
{
	char sender[40];

	snprintf(sender, sizeof sender, "m%u@" CHECKER_AWAY, m);
	make(f, "Received: from x\r\n\tby y\r\n", m);
	checker_outside(f->c, slice_from(sender), slice_lit("ok@far.example"),
	    buffer_bytes(&f->body));
}

static void arrives_here(struct fixture *f, unsigned m)
{
	char head[80];

	snprintf(head, sizeof head, "Return-Path: <m%u@" CHECKER_AWAY ">\r\n", m);
	make(f, head, m);
	checker_list_begin(f->c, 0);
	checker_listed(f->c, 0, slice_lit("a"));
	checker_list_end(f->c, 0);
	checker_body(f->c, 0, slice_lit("a"), buffer_bytes(&f->body));
}

static void make_report(struct fixture *f, const char *to, const char *about, const char *id,
    bool delayed)
{
	struct dsn_recipient recipient = { slice_from(about), slice_lit("550 5.1.1 No") };
	struct dsn dsn = { .delayed = delayed, .hostname = slice_lit("mx.x.example"),
	    .to = slice_from(to), .id = slice_from(id), .recipients = &recipient,
	    .n_recipients = 1 };

	dsn_write(&dsn, &f->body);
}

/* At the mailbox of a sender who is away. */
static void told(struct fixture *f, unsigned m, const char *about, const char *id, bool delayed)
{
	char to[40];

	snprintf(to, sizeof to, "m%u@" CHECKER_AWAY, m);
	buffer_free(&f->body);
	make_report(f, to, about, id, delayed);
	checker_outside(f->c, (slice){ 0 }, slice_from(to), buffer_bytes(&f->body));
}

/* At Alice's, who sent as alice+mN@x.example. */
static void told_here(struct fixture *f, const char *to, const char *uids, const char *id)
{
	slice rest = slice_from(uids), uid = { 0 };

	checker_list_begin(f->c, 0);
	while (rest.len > 0) {
		uid = slice_cut(&rest, ' ');
		checker_listed(f->c, 0, uid);
	}
	checker_list_end(f->c, 0);
	buffer_free(&f->body);
	buffer_add(&f->body, slice_lit("Return-Path: <>\r\nDelivered-To: alice@x.example\r\n"));
	make_report(f, to, "ok@far.example", id, false);
	checker_body(f->c, 0, uid, buffer_bytes(&f->body));
}

static void finish(struct fixture *f, const char *failure)
{
	expect_failure(f->c, failure);
	sim_destroy(f->sim);
}

static const char far[] = "ok@far.example";

static void test_delivered(void **state)
{
	struct fixture f = fixture();
	unsigned m = sent(&f, 250);

	(void)state;
	arrives_here(&f, m);
	assert_false(checker_settled(f.c));
	arrives_far(&f, m);
	assert_true(checker_settled(f.c));
	assert_int_equal(checker_count(f.c).doubles, 0);
	arrives_far(&f, m);
	assert_int_equal(checker_count(f.c).doubles, 1);
	finish(&f, NULL);
}

static void test_told(void **state)
{
	struct fixture f = fixture();
	unsigned m = sent(&f, 250);

	(void)state;
	arrives_here(&f, m);
	told(&f, m, far, "1@x", true);
	assert_false(checker_settled(f.c));
	told(&f, m, far, "2@x", false);
	assert_true(checker_settled(f.c));
	/* The same once more: mail of another host may. */
	told(&f, m, far, "2@x", false);
	assert_int_equal(checker_count(f.c).doubles, 1);
	assert_int_equal(checker_count(f.c).reports, 1);
	assert_int_equal(checker_count(f.c).late, 1);
	finish(&f, NULL);
}

static void test_silence(void **state)
{
	struct fixture f = fixture();
	unsigned m = sent(&f, 250);

	(void)state;
	arrives_here(&f, m);
	checker_settle(f.c);
	finish(&f, "its sender heard of 0");

	/* That it is late is not the last word, also of one that got no answer. */
	f = fixture();
	m = sent(&f, 0);
	assert_true(checker_settled(f.c));
	told(&f, m, far, "1@x", true);
	checker_settle(f.c);
	finish(&f, "its sender heard of 0");

	f = fixture();
	m = sent(&f, 250);
	arrives_here(&f, m);
	checker_nobody_hears(f.c, m);
	checker_settle(f.c);
	finish(&f, NULL);
}

static void test_told_wrongly(void **state)
{
	struct fixture f = fixture();
	unsigned m = sent(&f, 250);

	(void)state;
	told(&f, m, far, "1@x", false);
	told(&f, m, far, "2@x", false);
	finish(&f, "is told twice that <ok@far.example> failed");

	f = fixture();
	m = sent(&f, 250);
	told(&f, m, far, "1@x", true);
	told(&f, m, far, "2@x", true);
	finish(&f, "is told twice that <ok@far.example> is late");

	f = fixture();
	m = sent(&f, 550);
	told(&f, m, far, "1@x", false);
	finish(&f, "got a report on m1, which was refused");

	f = fixture();
	m = sent(&f, 250);
	told(&f, m, "alice@x.example", "1@x", false);
	finish(&f, "who was no recipient of it elsewhere");

	f = fixture();
	m = sent(&f, 250);
	told(&f, m, "bob@y.example", "1@x", false);
	finish(&f, "who was no recipient of it elsewhere");
}

static void test_told_here(void **state)
{
	struct fixture f = fixture();

	(void)state;
	sent(&f, 250);
	told_here(&f, "alice+m1@x.example", "a", "1@x");
	told_here(&f, "alice+m1@x.example", "a", "1@x");        /* read again */
	finish(&f, NULL);

	f = fixture();
	sent(&f, 250);
	told_here(&f, "alice+m1@x.example", "a", "1@x");
	told_here(&f, "alice+m1@x.example", "a b", "1@x");
	finish(&f, "got the report 1@x@mx.x.example on m1 twice");

	/* A report on mail of the null sender has nobody to go to. */
	f = fixture();
	sent(&f, 250);
	told_here(&f, "postmaster@x.example", "a", "1@x");
	finish(&f, "who sent nothing");
}

static void test_null_sender(void **state)
{
	struct fixture f = fixture();
	unsigned m;

	(void)state;
	do
		m = checker_message_begin(f.c);
	while (sim_message_shape(SEED, m) == SHAPE_EMPTY ||
	    sim_message_shape(SEED, m) == SHAPE_BLANK_LINES);
	checker_null_sender(f.c, m);
	checker_remote(f.c, m, FAR);
	checker_accepted(f.c, m, FAR);
	checker_dot(f.c, m);
	checker_reply(f.c, m, 250);
	make(&f, "Received: from x\r\n", m);
	checker_outside(f.c, (slice){ 0 }, slice_from(far), buffer_bytes(&f.body));
	assert_int_equal(checker_count(f.c).remote, 1);
	finish(&f, NULL);
}

/* Nobody can be told: then the relay's log says what became of it. */
static void test_given_up(void **state)
{
	struct fixture f = fixture();
	unsigned m = sent(&f, 250);

	(void)state;
	checker_nobody_hears(f.c, m);
	arrives_here(&f, m);
	checker_settle(f.c);                    /* by an id that is not known */
	finish(&f, NULL);

	for (unsigned early = 0; early < 2; early++) {
		f = fixture();
		m = sent(&f, 250);
		checker_nobody_hears(f.c, m);
		if (early)
			checker_given_up(f.c, slice_lit("1.a.1"), slice_from(far));
		checker_queued_as(f.c, m, slice_lit("1.a.1"));
		if (!early)
			checker_given_up(f.c, slice_lit("1.a.1"), slice_from(far));
		arrives_here(&f, m);
		checker_settle(f.c);
		finish(&f, NULL);
	}

	f = fixture();
	m = sent(&f, 250);
	checker_nobody_hears(f.c, m);
	checker_queued_as(f.c, m, slice_lit("1.a.1"));
	checker_given_up(f.c, slice_lit("1.a.2"), slice_from(far));
	checker_given_up(f.c, slice_lit("1.a.1"), slice_lit("bob@y.example"));
	arrives_here(&f, m);
	checker_settle(f.c);
	finish(&f, "acknowledged for accounts 3 (elsewhere 2), came to 1");

	/* Who can be told has to be. */
	f = fixture();
	m = sent(&f, 250);
	checker_queued_as(f.c, m, slice_lit("1.a.1"));
	checker_given_up(f.c, slice_lit("1.a.1"), slice_from(far));
	arrives_here(&f, m);
	checker_settle(f.c);
	finish(&f, "acknowledged for accounts 3 (elsewhere 2), came to 1");
}

/* Rot took its body, and then the record that says for whom it was. */
static void test_lost_by_id(void **state)
{
	(void)state;
	for (unsigned known = 0; known < 2; known++) {
		struct fixture f = fixture();
		unsigned m = sent(&f, 250);
		uint64_t bit = checker_account_bit(f.c, slice_from(far));

		checker_queued_as(f.c, m, slice_lit("1.a.1"));
		assert_int_equal(checker_lost_by_id(f.c, bit, known ? slice_lit("1.a.1") :
		    slice_lit("1.a.2")), known ? m : 0);
		checker_lost_named(f.c, m, bit);
		arrives_here(&f, m);
		checker_settle(f.c);
		finish(&f, known ? NULL : "acknowledged for accounts 3 (elsewhere 2), came to 1");
	}
}

UNIT_TESTS(cmocka_unit_test(test_given_up), cmocka_unit_test(test_lost_by_id), cmocka_unit_test(test_delivered), cmocka_unit_test(test_told),
    cmocka_unit_test(test_silence), cmocka_unit_test(test_told_wrongly),
    cmocka_unit_test(test_told_here), cmocka_unit_test(test_null_sender))
