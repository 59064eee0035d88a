/* directory/salvage_test.c - a copy of the directory is checked; of a damaged one
 * every row that can be read goes into a new one. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "directory/directory.h"
#include "directory/verify.h"
#include "os/os_sim.h"

enum { DISK = 32 << 20, ACCOUNTS = 300, LATE = 3, PAGE = 4096 };

struct world {
	struct sim *sim;
	struct os *os;
	struct directory *directory;    /* the server's: its last changes are in the WAL */
	int dir, copy, fresh;           /* the server's, a copy, a new one */
	unsigned told, rows;
};

struct listener {
	struct finder finder;
	struct world *world;
};

static const uint8_t ip[4] = { 127, 1, 0, 1 };

static int folder(struct world *w, const char *name)
{
	assert_int_equal(os_mkdir(w->os, OS_ROOT, name), 0);
	return os_open(w->os, OS_ROOT, name, OS_READ | OS_FOLDER);
}

static void world_init(struct world *w)
{
	static const slice domain = slice_lit("alice.example");
	struct directory_error error;
	struct directory *directory;
	char address[64];
	uint64_t id;

	*w = (struct world){ .sim = sim_create(1) };
	w->os = sim_process_create(sim_host_create(w->sim, "host", ip, DISK), "test");
	w->dir = folder(w, "directory");
	w->copy = folder(w, "copy");
	w->fresh = folder(w, "fresh");
	directory = directory_open(w->os, w->dir, DIRECTORY_FILE, &error);
	assert_non_null(directory);
	directory_set_domains(directory, &domain, 1);
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		/* All so far goes from the WAL into the database. */
		if (i == ACCOUNTS - LATE) {
			directory_close(directory);
			directory = directory_open(w->os, w->dir, DIRECTORY_FILE, &error);
			assert_non_null(directory);
			directory_set_domains(directory, &domain, 1);
		}
		snprintf(address, sizeof address, "user%u@alice.example", i);
		assert_true(directory_account_add(directory, slice_from(address),
		    slice_lit("$6$salt$hash"), &id, &error));
	}
	w->directory = directory;
}

static void world_finish(struct world *w)
{
	sim_destroy(w->sim);
}

static void tell(struct finder *finder, const struct finding *finding)
{
	(void)finding;
	((struct listener *)finder)->world->told++;
}

static void count(void *context, uint64_t id, slice address)
{
	struct world *w = context;

	assert_true(id != 0 && slice_ends(address, slice_lit("@alice.example")));
	w->rows++;
}

static bool verify(struct world *w, int dir)
{
	struct listener listener = { { tell, NULL, "directory/" }, w };

	w->told = w->rows = 0;
	return directory_verify(w->os, dir, &listener.finder, count, w);
}

static void a_copy_is_sound(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(directory_copy(w.os, w.dir, w.copy), 0);
	assert_true(verify(&w, w.copy));
	assert_int_equal(w.told, 0);
	assert_int_equal(w.rows, ACCOUNTS);
	assert_int_equal(directory_copy(w.os, w.fresh, w.copy), -ENOENT);
	world_finish(&w);
}

/* The middle of the WAL is hit: SQLite would not say a word. Its end: a change that
 * was broken off. */
static void a_damaged_wal_is_told(void **state)
{
	static const char name[] = DIRECTORY_FILE "-wal";

	(void)state;
	for (unsigned part = 0; part < 4; part++) {
		unsigned char byte;
		struct world w;
		int64_t size;
		int fd;

		world_init(&w);
		fd = os_open(w.os, w.dir, name, OS_READ | OS_WRITE);
		assert_true(fd >= 0);
		size = os_size(w.os, fd);
		assert_true(size > 3 * PAGE);
		if (part > 0) {
			uint64_t at = (uint64_t)(part * (size - 1)) / 4;

			assert_int_equal(os_pread(w.os, fd, &byte, 1, at), 1);
			byte ^= 4;
			assert_int_equal(os_pwrite(w.os, fd, slice_of(&byte, 1), at), 0);
		}
		os_close(w.os, fd);
		assert_int_equal(directory_copy(w.os, w.dir, w.copy), 0);
		assert_true(verify(&w, w.copy));
		assert_int_equal(w.told, part > 0);
		assert_int_equal(w.rows == ACCOUNTS, part == 0);
		world_finish(&w);
	}
}

/* A page is overwritten: found, unless nothing was on it; the rest is saved. */
static void a_damaged_page_costs_its_rows(void **state)
{
	static const unsigned char garbage[PAGE] = { 0xff, 0x5a, 0xff };
	unsigned pages = 2, found = 0;

	(void)state;
	for (unsigned page = 1; page < pages; page++) {
		struct listener listener = { { tell, NULL, "" }, NULL };
		struct world w;
		uint64_t rows;
		int fd;

		world_init(&w);
		directory_close(w.directory);
		listener.world = &w;
		fd = os_open(w.os, w.dir, DIRECTORY_FILE, OS_READ | OS_WRITE);
		pages = (unsigned)(os_size(w.os, fd) / PAGE);
		assert_int_equal(os_pwrite(w.os, fd, slice_of(garbage, PAGE), page * PAGE), 0);
		os_close(w.os, fd);
		assert_int_equal(directory_copy(w.os, w.dir, w.copy), 0);
		verify(&w, w.copy);
		found += w.told > 0;
		assert_true(directory_salvage(w.os, w.copy, w.fresh, &listener.finder, &rows));
		assert_true(verify(&w, w.fresh));
		/* A root page takes all below it along; a leaf some 40 rows. */
		if (w.rows + 60 >= ACCOUNTS)
			found += 1000;
		world_finish(&w);
	}
	assert_int_equal(found % 1000, pages - 1);
	assert_true(found / 1000 > (pages - 1) / 2);
}

static void a_lost_row_comes_back_without_a_password(void **state)
{
	struct listener listener = { { tell, NULL, "" }, NULL };
	struct world w;
	uint64_t rows;

	(void)state;
	world_init(&w);
	listener.world = &w;
	/* Nothing can be read of what is not there. */
	assert_true(directory_salvage(w.os, w.copy, w.fresh, &listener.finder, &rows));
	assert_int_equal(rows, 0);
	assert_true(directory_readopt(w.os, w.fresh, 77, slice_lit("x@alice.example"), 5));
	assert_false(directory_readopt(w.os, w.fresh, 78, slice_lit("x@alice.example"), 5));
	assert_false(directory_readopt(w.os, w.fresh, 79, slice_lit("nobody"), 5));
	assert_true(verify(&w, w.fresh));
	assert_int_equal(w.rows, 1);
	assert_int_equal(w.told, 1);    /* a note: no password */
	world_finish(&w);
}

UNIT_TESTS(
    cmocka_unit_test(a_copy_is_sound),
    cmocka_unit_test(a_damaged_wal_is_told),
    cmocka_unit_test(a_damaged_page_costs_its_rows),
    cmocka_unit_test(a_lost_row_comes_back_without_a_password))
