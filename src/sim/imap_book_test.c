/* sim/imap_book_test.c - each broken promise of IMAP is seen, and kept ones are not. */
#include "unit.h"

#include <string.h>

#include "sim/checker_failure_test.h"
#include "sim/imap_book.h"

enum { SEED = 42, VALIDITY = 77 };

/* Tells of the mailbox "Other": the INBOX has other readers besides. */
struct fixture {
	struct sim *sim;
	struct checker *checker;
	struct imap_book *book;
};

static struct fixture fixture(void)
{
	struct fixture f = { .sim = sim_create(SEED) };

	f.checker = checker_create(f.sim);
	f.book = imap_book_create(f.sim, f.checker,
	    checker_account_add(f.checker, slice_lit("alice@x.example")));
	return f;
}

static void nothing(void *arg)
{
	(void)arg;
}

/* Time goes on; returns when. */
static uint64_t now(struct fixture *f)
{
	sim_at(f->sim, 1, nothing, NULL);
	assert_true(sim_step(f->sim));
	return sim_events(f->sim);
}

static void finish(struct fixture *f, const char *failure)
{
	expect_failure(f->checker, failure);
	sim_destroy(f->sim);
}

static void selected(struct fixture *f, uint64_t asked, uint32_t uid_next, uint64_t modseq)
{
	imap_book_selected(f->book, IMAP_OTHER, asked, VALIDITY, uid_next, modseq);
	now(f);
}

static void saw(struct fixture *f, uint64_t asked, struct imap_sight sight)
{
	imap_book_saw(f->book, IMAP_OTHER, asked, &sight);
	now(f);
}

static void listed(struct fixture *f, uint64_t asked, size_t n, uint32_t uid_next)
{
	static const uint32_t uids[] = { 4, 5 };

	imap_book_saw_all(f->book, IMAP_OTHER, asked, uids, n, uid_next);
	now(f);
}

/* Two messages were told, 4 and 5. */
static struct fixture with_two(void)
{
	struct fixture f = fixture();
	uint64_t asked = now(&f);

	selected(&f, asked, 6, 20);
	saw(&f, asked, (struct imap_sight){ .uid = 4, .modseq = 10, .size = 100, .email = 9 });
	saw(&f, asked, (struct imap_sight){ .uid = 5, .modseq = 20 });
	return f;
}

static void test_all_is_well(void **state)
{
	struct fixture f = with_two();
	uint64_t asked = now(&f);

	(void)state;
	listed(&f, asked, 2, 6);
	imap_book_kept(f.book, IMAP_OTHER, 4, 1);
	imap_book_removing(f.book, IMAP_OTHER, 5, true);
	asked = now(&f);
	saw(&f, asked, (struct imap_sight){ .uid = 4, .modseq = 21, .has_flags = true,
	    .flags = IMAP_REPLY_DEVICE << 1 });
	imap_book_gone(f.book, IMAP_OTHER, 5);
	imap_book_added(f.book, IMAP_OTHER, VALIDITY, 6, 50, 0);
	asked = now(&f);
	listed(&f, 0, 1, 7);
	selected(&f, asked, 7, 23);
	assert_int_equal(imap_book_count(f.book).messages, 3);
	assert_int_equal(imap_book_count(f.book).gone, 1);
	assert_int_equal(imap_book_count(f.book).kept, 1);
	assert_int_equal(imap_book_count(f.book).added, 1);
	finish(&f, NULL);
}

static void test_select(void **state)
{
	struct fixture f = fixture();

	(void)state;
	selected(&f, now(&f), 0, 1);
	finish(&f, "SELECT tells UIDVALIDITY 77, UIDNEXT 0");
	f = with_two();
	imap_book_selected(f.book, IMAP_OTHER, now(&f), VALIDITY + 1, 6, 20);
	finish(&f, "UIDVALIDITY was 77 and is now 78");
	f = with_two();
	imap_book_added(f.book, IMAP_OTHER, VALIDITY + 1, 6, 0, 0);
	finish(&f, "UIDVALIDITY was 77 and is now 78");
	f = with_two();
	selected(&f, now(&f), 5, 20);
	finish(&f, "UIDNEXT fell from 6 to 5");
	f = with_two();
	selected(&f, now(&f), 6, 19);
	finish(&f, "HIGHESTMODSEQ fell from 20 to 19");
	f = with_two();
	selected(&f, 0, 5, 19);         /* asked before the others were answered */
	finish(&f, NULL);
}

static void test_messages(void **state)
{
	struct fixture f = with_two();

	(void)state;
	saw(&f, now(&f), (struct imap_sight){ .uid = 4, .modseq = 9 });
	finish(&f, "the MODSEQ of UID 4 fell from 10 to 9");
	f = with_two();
	saw(&f, 0, (struct imap_sight){ .uid = 4, .modseq = 9 });
	finish(&f, NULL);
	f = with_two();
	saw(&f, now(&f), (struct imap_sight){ .uid = 4, .size = 101 });
	finish(&f, "UID 4 had 100 octets and has now 101");
	f = with_two();
	saw(&f, now(&f), (struct imap_sight){ .uid = 4, .email = 8 });
	finish(&f, "UID 4 is another message now");
	f = with_two();
	listed(&f, now(&f), 2, 6);
	saw(&f, now(&f), (struct imap_sight){ .uid = 3 });
	finish(&f, "UID 3 is new, and UIDNEXT was 6 before");
	f = with_two();
	listed(&f, now(&f), 2, 6);
	saw(&f, now(&f), (struct imap_sight){ .uid = 6 });
	finish(&f, NULL);
}

static void test_gone(void **state)
{
	struct fixture f = with_two();

	(void)state;
	listed(&f, now(&f), 1, 6);
	finish(&f, "UID 5 is not there any more, and nobody removed it");
	f = with_two();
	imap_book_gone(f.book, IMAP_OTHER, 5);
	finish(&f, "UID 5 is told to be gone, and nobody removed it");
	f = with_two();
	imap_book_gone(f.book, IMAP_OTHER, 3);  /* nobody saw it */
	imap_book_removing(f.book, IMAP_OTHER, 5, false);
	now(&f);
	imap_book_gone(f.book, IMAP_OTHER, 5);
	listed(&f, now(&f), 1, 6);
	saw(&f, now(&f), (struct imap_sight){ .uid = 5 });
	finish(&f, "UID 5 is there again");
}

static void test_flags(void **state)
{
	struct imap_sight bare = { .uid = 4, .has_flags = true }, other = bare;
	struct fixture f = with_two();
	uint64_t before;

	(void)state;
	other.flags = IMAP_REPLY_OTHER;
	saw(&f, now(&f), other);
	finish(&f, "UID 4 has a flag that nobody set");
	f = with_two();
	before = now(&f);
	now(&f);
	imap_book_kept(f.book, IMAP_OTHER, 4, 1);
	saw(&f, before, bare);          /* asked before the STORE was answered */
	assert_null(checker_failure(f.checker));
	saw(&f, now(&f), bare);
	finish(&f, "UID 4 has lost the keyword of device 1, whose STORE was answered OK");
	f = with_two();
	imap_book_unchanged(f.book, IMAP_OTHER, now(&f), 4, 10);
	assert_null(checker_failure(f.checker));
	imap_book_unchanged(f.book, IMAP_OTHER, now(&f), 4, 9);
	finish(&f, "STORE changed UID 4, whose MODSEQ was 10 already, UNCHANGEDSINCE 9");
}

/* Of a copy of what is \Deleted nobody asked to go, and it may. */
static void test_copies(void **state)
{
	struct fixture f = with_two();

	(void)state;
	imap_book_removing(f.book, IMAP_OTHER, 4, true);
	imap_book_added(f.book, IMAP_OTHER, VALIDITY, 6, 100, 9);
	imap_book_copied(f.book, IMAP_OTHER, 4, IMAP_OTHER, 6);
	imap_book_gone(f.book, IMAP_OTHER, 6);
	finish(&f, NULL);
	f = with_two();
	imap_book_added(f.book, IMAP_OTHER, VALIDITY, 6, 100, 9);
	imap_book_copied(f.book, IMAP_OTHER, 5, IMAP_OTHER, 6);
	imap_book_gone(f.book, IMAP_OTHER, 6);
	finish(&f, "UID 6 is told to be gone");
}

UNIT_TESTS(cmocka_unit_test(test_all_is_well), cmocka_unit_test(test_select), cmocka_unit_test(test_messages),
    cmocka_unit_test(test_gone), cmocka_unit_test(test_flags), cmocka_unit_test(test_copies))
