/* sim/book_test.c - what was answered must be seen, and what was not may be. */
#include "unit.h"

#include "sim/book.h"

static struct sim *sim;
static struct checker *checker;
static struct book *book;

static const slice x = slice_lit("x"), y = slice_lit("y");

static void begin(void)
{
	sim = sim_create(1);
	checker = checker_create(sim);
	book = book_create(sim, checker, "host");
	book_add(book, "x");
	book_add(book, "y");
}

static void finish(const char *failure)
{
	const char *have = checker_failure(checker);

	if (failure == NULL && have != NULL)
		fail_msg("unexpected: %s", have);
	if (failure != NULL && (have == NULL || strstr(have, failure) == NULL))
		fail_msg("have \"%s\" want \"%s\"", have != NULL ? have : "nothing", failure);
	sim_destroy(sim);
}

static void test_answered(void **state)
{
	(void)state;
	begin();
	book_try(book, x, 1);
	assert_false(book_sure(book, x));
	book_done(book, x, 1);
	assert_true(book_sure(book, x));
	book_seen(book, x, 1);
	book_seen_there(book, x, true);
	book_seen_there(book, y, false);
	finish(NULL);

	begin();
	book_try(book, x, 1);
	book_done(book, x, 1);
	book_seen_there(book, x, false);
	finish("gone though it was added");

	begin();
	book_try(book, x, 1);
	book_done(book, x, 1);
	book_try(book, x, 0);
	book_done(book, x, 0);
	book_seen_there(book, x, true);
	finish("there though it was removed");

	begin();
	book_try(book, x, 3);
	book_done(book, x, 3);
	book_seen(book, x, 1);
	finish("x is 1 and must be 3");

	begin();
	book_try(book, x, 3);
	book_refused(book, x, 3);
	book_seen(book, x, 3);
	finish("x is 3 and must be 0");
}

static void test_not_answered(void **state)
{
	(void)state;
	begin();
	book_try(book, x, 1);
	/* It may come late: seen once says nothing yet. */
	book_seen(book, x, 0);
	book_seen_there(book, x, false);
	book_seen(book, x, 1);
	book_unsure(book, x);
	book_seen(book, x, 1);
	assert_true(book_sure(book, x));
	book_seen(book, x, 0);
	finish("x is 0 and must be 1");

	begin();
	book_try(book, x, 1);
	book_unsure(book, x);
	book_seen_there(book, x, false);
	assert_true(book_sure(book, x));
	assert_int_equal(book_value(book, x), 0);
	finish(NULL);
}

UNIT_TESTS(cmocka_unit_test(test_answered), cmocka_unit_test(test_not_answered))
