/* directory/database_test.c - what was acknowledged is there after power cuts,
 * after failed writes and syncs, and in no other case is anything half done. */
#include "directory/command.h"
#include "directory/database.h"

#include <errno.h>
#include <stdio.h>

#include "os/os_faulty.h"
#include "os/os_sim.h"
#include "unit.h"

static const uint8_t ip[4] = { 127, 1, 0, 1 };

enum { ACCOUNTS = 6, DISK = 8 << 20 };

/* What a process was told is done; outlives it. */
struct witness {
	struct os *os;
	struct os_timer timer;
	unsigned added, aliases;
	bool opened, finished;
	char error[DIRECTORY_ERROR_MAX];
};

static struct directory *open_directory(struct os *os, struct directory_error *error)
{
	static const slice domain = slice_lit("alice.example");
	struct directory *directory = directory_open(os, OS_ROOT, "directory.db", error);

	if (directory)
		directory_set_domains(directory, &domain, 1);
	return directory;
}

static void address_of(unsigned i, char ret_address[64])
{
	snprintf(ret_address, 64, "user%u@alice.example", i);
}

static bool is_there(struct directory *directory, struct arena *arena, unsigned i)
{
	struct directory_account account;
	char address[64];

	address_of(i, address);
	return directory_account_find(directory, slice_from(address), arena, &account) ==
	    DIRECTORY_OK;
}

/* Open, check what is acknowledged, add the next ones, each with its alias. */
static void work(struct witness *w)
{
	struct arena arena = arena_init(os_heap(w->os), SIZE_MAX);
	struct directory_error error = { "" };
	struct directory *directory = open_directory(w->os, &error);
	char address[64], alias[64];
	uint64_t id;

	snprintf(w->error, sizeof(w->error), "%s", error.text);
	if (!directory)
		return;
	w->opened = true;
	for (unsigned i = 0; i < w->added; i++) {
		if (!is_there(directory, &arena, i))
			fail_msg("account %u is lost", i);
	}
	for (unsigned i = w->added; i < ACCOUNTS; i++) {
		slice target;

		address_of(i, address);
		snprintf(alias, sizeof(alias), "alias%u@alice.example", i);
		target = slice_from(address);
		/* An attempt that was not acknowledged may have happened, whole. */
		if (!is_there(directory, &arena, i) &&
		    !directory_account_add(directory, slice_from(address), slice_lit("h"), &id,
		        &error))
			return;
		if (!directory_alias_add(directory, slice_from(alias), &target, 1, &error))
			return;
		w->added++;
	}
	directory_close(directory);
	w->finished = true;
}

static void on_timer(struct os_timer *timer)
{
	work(timer->owner);
}

static void run(struct sim *sim, struct sim_host *host, struct witness *w)
{
	w->os = sim_process_create(host, "directory");
	w->opened = w->finished = false;
	w->timer = (struct os_timer){ .fire = on_timer, .owner = w };
	os_timer_start(w->os, &w->timer, 0);
	while (sim_step(sim))
		;
}

/* The power goes at the n-th call of the first life, for all n. */
static void survives_power_cuts(void **state)
{
	unsigned cuts = 0;

	for (unsigned seed = 1; seed <= 3; seed++) {
		for (unsigned n = 1; ; n++) {
			struct sim *sim = sim_create(seed * 1000 + n);
			struct sim_host *host = sim_host_create(sim, "a", ip, DISK);
			struct witness w = { 0 };
			bool cut;

			sim_power_cut_after(host, n);
			run(sim, host, &w);
			cut = sim_power_cuts(host) > 0;
			cuts += cut;
			if (cut) {
				run(sim, host, &w);
				if (!w.opened)
					fail_msg("cut at call %u: %s", n, w.error);
			}
			assert_true(w.finished);
			assert_int_equal(w.added, ACCOUNTS);
			sim_destroy(sim);
			if (!cut)
				break;
		}
	}
	print_message("# %u power cuts\n", cuts);
	assert_true(cuts > 100);
}

/* The role is killed at the n-th call; the disk goes on. */
static void survives_kills(void **state)
{
	for (unsigned n = 1; ; n++) {
		struct sim *sim = sim_create(n);
		struct sim_host *host = sim_host_create(sim, "a", ip, DISK);
		struct witness w = { 0 };
		bool killed;

		w.os = sim_process_create(host, "directory");
		w.timer = (struct os_timer){ .fire = on_timer, .owner = &w };
		os_timer_start(w.os, &w.timer, 0);
		sim_kill_after(w.os, n);
		while (sim_step(sim))
			;
		killed = !w.finished;
		run(sim, host, &w);
		if (!w.finished)
			fail_msg("killed at call %u: %s", n, w.error);
		sim_destroy(sim);
		if (!killed)
			break;
	}
}

/* The n-th write or sync fails: that change is refused, the database says that it
 * is broken, and a new opening has all that was acknowledged. */
static void survives_a_failing_disk(void **state)
{
	static const int errors[] = { -EIO, -ENOSPC };
	unsigned failures = 0;

	for (unsigned e = 0; e < 2; e++) {
		for (unsigned n = 1; ; n++) {
			struct sim *sim = sim_create(n);
			struct sim_host *host = sim_host_create(sim, "a", ip, DISK);
			struct witness w = { .os = sim_process_create(host, "directory") };
			struct os_faulty faulty;
			bool fired;

			os_faulty_wrap(&faulty, w.os);
			os_faulty_arm(&faulty, FAULT_WRITE | FAULT_SYNC | FAULT_REMOVE, n,
			    errors[e]);
			work(&w);
			fired = os_faulty_fired(&faulty);
			os_faulty_unwrap(&faulty);
			failures += fired;
			sim_kill(w.os);
			run(sim, host, &w);
			if (!w.finished)
				fail_msg("failure %u: %s", n, w.error);
			sim_destroy(sim);
			if (!fired)
				break;
		}
	}
	print_message("# %u failures of the disk\n", failures);
	assert_true(failures > 50);
}

/* A bad disk for a while, lives that end at its faults, then no power: what a
 * failed sync dropped must not be what later changes stand on. */
static void survives_faults_then_a_power_cut(void **state)
{
	static const struct sim_faults bad = { .write_error = 100, .write_full = 100,
		.sync_error = 12 };
	static const struct sim_faults good;
	unsigned lives = 0, lost = 0;

	for (unsigned seed = 1; seed <= 200; seed++) {
		struct sim *sim = sim_create(seed);
		struct sim_host *host = sim_host_create(sim, "a", ip, DISK);
		struct witness w = { 0 };

		sim_set_faults(sim, &bad);
		for (unsigned life = 0; life < 12 && !w.finished; life++, lives++) {
			run(sim, host, &w);
			if (sim_process_alive(w.os))
				sim_kill(w.os);
		}
		lost += !w.finished;
		sim_power_cut(host);
		sim_set_faults(sim, &good);
		run(sim, host, &w);
		if (!w.finished)
			fail_msg("seed %u: %s", seed, w.error);
		sim_destroy(sim);
	}
	print_message("# %u lives on bad disks, %u of 200 worlds were cut short\n", lives, lost);
	assert_true(lives > 400 && lost < 150);
}

static void says_that_it_is_broken(void **state)
{
	struct sim *sim = sim_create(1);
	struct sim_host *host = sim_host_create(sim, "a", ip, DISK);
	struct os *os = sim_process_create(host, "directory");
	struct directory_error error;
	struct directory *directory = open_directory(os, &error);
	struct os_faulty faulty;
	uint64_t id;

	assert_false(directory_broken(directory));
	os_faulty_wrap(&faulty, os);
	os_faulty_arm(&faulty, FAULT_SYNC, 1, -EIO);
	assert_false(directory_account_add(directory, slice_lit("a@alice.example"), slice_lit("h"),
	    &id, &error));
	assert_true(directory_broken(directory));
	/* Nothing more is written: what the failed sync left may be gone. */
	assert_false(directory_account_add(directory, slice_lit("b@alice.example"), slice_lit("h"),
	    &id, &error));
	directory_close(directory);
	os_faulty_unwrap(&faulty);
	directory = open_directory(os, &error);
	assert_non_null(directory);
	assert_true(directory_account_add(directory, slice_lit("b@alice.example"), slice_lit("h"),
	    &id, &error));
	directory_close(directory);
	sim_destroy(sim);
}

static bool count_account(void *context, const struct directory_account *account)
{
	++*(unsigned *)context;
	return true;
}

/* What could not be read is no list without accounts. */
static void lists_all_or_fails(void **state)
{
	struct sim *sim = sim_create(1);
	struct sim_host *host = sim_host_create(sim, "a", ip, DISK);
	struct os *os = sim_process_create(host, "directory");
	struct directory_error error;
	struct directory *directory = open_directory(os, &error);
	struct command_effect effect;
	struct os_faulty faulty;
	struct buffer answer = buffer_init(os_heap(os), 4096);
	unsigned n = 0;
	uint64_t id;

	assert_true(directory_account_add(directory, slice_lit("a@alice.example"), slice_lit("h"),
	    &id, &error));
	directory_close(directory);
	directory = open_directory(os, &error);
	os_faulty_wrap(&faulty, os);
	os_faulty_arm(&faulty, FAULT_READ, 1, -EIO);
	faulty.all_after = true;
	directory_accounts(directory, slice_lit(""), count_account, &n);
	assert_int_equal(n, 0);
	assert_false(directory_list_whole(directory, &error));
	directory_command(directory, slice_lit("{\"command\":\"account list\"}"), &answer, &effect);
	assert_true(slice_starts(buffer_bytes(&answer), slice_lit("{\"error\"")));
	os_faulty_unwrap(&faulty);
	directory_accounts(directory, slice_lit(""), count_account, &n);
	assert_int_equal(n, 1);
	assert_true(directory_list_whole(directory, &error));
	buffer_free(&answer);
	directory_close(directory);
	sim_destroy(sim);
}

/* Nor is what could not be read "not there". */
static void a_disk_that_can_not_read_denies_nothing(void **state)
{
	static const char *const commands[] = {
		"{\"command\":\"alias remove\",\"address\":\"x@alice.example\",\"targets\":[]}",
		"{\"command\":\"alias add\",\"address\":\"y@alice.example\",\"targets\":"
		    "[\"a@alice.example\"]}",
		"{\"command\":\"account remove\",\"address\":\"a@alice.example\"}",
		"{\"command\":\"domain remove\",\"domain\":\"other.example\"}",
	};

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		struct sim *sim = sim_create(1);
		struct sim_host *host = sim_host_create(sim, "a", ip, DISK);
		struct os *os = sim_process_create(host, "directory");
		struct directory_error error;
		struct directory *directory = open_directory(os, &error);
		struct buffer answer = buffer_init(os_heap(os), 4096);
		slice target = slice_lit("a@alice.example");
		struct command_effect effect;
		struct os_faulty faulty;
		uint64_t id;

		assert_true(directory_account_add(directory, target, slice_lit("h"), &id, &error));
		assert_true(directory_alias_add(directory, slice_lit("x@alice.example"), &target,
		    1, &error));
		directory_close(directory);
		directory = open_directory(os, &error);
		os_faulty_wrap(&faulty, os);
		os_faulty_arm(&faulty, FAULT_READ, 1, -EIO);
		faulty.all_after = true;
		directory_command(directory, slice_from(commands[i]), &answer, &effect);
		if (!slice_starts(buffer_bytes(&answer), slice_lit("{\"error\":\"directory.db: ")))
			fail_msg("%s: %.*s", commands[i], slice_arg(buffer_bytes(&answer)));
		os_faulty_unwrap(&faulty);
		buffer_free(&answer);
		directory_close(directory);
		sim_destroy(sim);
	}
}

/* A look-up that failed once found nothing; what has to be there, or must not be,
 * is not known then. Each read of the command fails in turn. */
static void a_disk_that_can_not_read_allows_nothing(void **state)
{
	static const char *const commands[] = {
		"{\"command\":\"alias add\",\"address\":\"y@alice.example\",\"targets\":"
		    "[\"nobody@alice.example\"]}",
		"{\"command\":\"alias add\",\"address\":\"a@alice.example\",\"targets\":"
		    "[\"b@alice.example\"]}",
	};

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		unsigned faults = 0;
		bool fired = true;

		for (unsigned n = 1; fired; n++) {
			struct sim *sim = sim_create(1);
			struct sim_host *host = sim_host_create(sim, "a", ip, DISK);
			struct os *os = sim_process_create(host, "directory");
			struct directory_error error;
			struct directory *directory = open_directory(os, &error);
			struct buffer answer = buffer_init(os_heap(os), 4096);
			struct command_effect effect;
			struct os_faulty faulty;
			uint64_t id;

			assert_true(directory_account_add(directory, slice_lit("a@alice.example"),
			    slice_lit("h"), &id, &error));
			assert_true(directory_account_add(directory, slice_lit("b@alice.example"),
			    slice_lit("h"), &id, &error));
			directory_close(directory);
			directory = open_directory(os, &error);
			os_faulty_wrap(&faulty, os);
			os_faulty_arm(&faulty, FAULT_READ, n, -EIO);
			directory_command(directory, slice_from(commands[i]), &answer, &effect);
			if (!slice_starts(buffer_bytes(&answer), slice_lit("{\"error\":")))
				fail_msg("%s, read %u: %.*s", commands[i], n,
				    slice_arg(buffer_bytes(&answer)));
			fired = os_faulty_fired(&faulty);
			faults += fired;
			os_faulty_unwrap(&faulty);
			buffer_free(&answer);
			directory_close(directory);
			sim_destroy(sim);
		}
		assert_true(faults > 0);
	}
}

/* Of a stored domain, since nothing of that is in memory. */
static struct directory *open_stored(struct os *os)
{
	struct directory_error error;
	struct directory *directory = directory_open(os, OS_ROOT, "directory.db", &error);

	assert_non_null(directory);
	return directory;
}

/* Nobody is "no such user" because a read failed: each in turn. */
static void a_disk_that_can_not_read_knows_nobody_less(void **state)
{
	unsigned faults = 0;
	bool fired = true;

	for (unsigned n = 1; fired; n++) {
		struct sim *sim = sim_create(1);
		struct sim_host *host = sim_host_create(sim, "a", ip, DISK);
		struct os *os = sim_process_create(host, "directory");
		struct arena arena = arena_init(os_heap(os), SIZE_MAX);
		struct directory *directory = open_stored(os);
		struct directory_error error;
		enum directory_verdict verdict;
		struct seal_target *targets;
		struct os_faulty faulty;
		slice hash = { 0 };
		uint64_t id;
		size_t n_targets;

		assert_true(directory_domain_add(directory, slice_lit("alice.example"), &error));
		assert_true(directory_account_add(directory, slice_lit("postmaster@alice.example"),
		    slice_lit("h"), &id, &error));
		directory_close(directory);
		directory = open_stored(os);
		os_faulty_wrap(&faulty, os);
		os_faulty_arm(&faulty, FAULT_READ, n, -EIO);
		verdict = directory_recipient(directory, slice_lit("Postmaster"), false, &arena,
		    &targets, &n_targets);
		assert_int_equal(verdict, os_faulty_fired(&faulty) ? DIRECTORY_TEMPORARY :
		    DIRECTORY_OK);
		fired = os_faulty_fired(&faulty);
		verdict = directory_password_hash(directory, id, &arena, &hash);
		assert_int_equal(verdict, !fired && os_faulty_fired(&faulty) ?
		    DIRECTORY_TEMPORARY : DIRECTORY_OK);
		assert_true(verdict == DIRECTORY_TEMPORARY || slice_equal(hash, slice_lit("h")));
		fired = os_faulty_fired(&faulty);
		faults += fired;
		os_faulty_unwrap(&faulty);
		arena_reset(&arena);
		directory_close(directory);
		sim_destroy(sim);
	}
	assert_true(faults > 3);
}

static void refuses_other_files(void **state)
{
	struct sim *sim = sim_create(1);
	struct sim_host *host = sim_host_create(sim, "a", ip, DISK);
	struct os *os = sim_process_create(host, "directory");
	struct directory_error error;
	struct database *database;
	sqlite3 *handle;
	int fd;

	database = database_open(os, OS_ROOT, "directory.db", &error);
	assert_non_null(database);
	handle = sqlite3_db_handle(database_query(database, QUERY_DOMAINS));
	assert_int_equal(sqlite3_exec(handle, "PRAGMA user_version = 99", NULL, NULL, NULL),
	    SQLITE_OK);
	database_close(database);
	assert_null(open_directory(os, &error));
	assert_string_equal(error.text, "was written by a newer Posthouse (its version is 99, this"
	    " program knows 2); use that one");

	database = database_open(os, OS_ROOT, "damaged.db", &error);
	assert_non_null(database);
	handle = sqlite3_db_handle(database_query(database, QUERY_DOMAINS));
	assert_int_equal(sqlite3_exec(handle, "PRAGMA user_version = -3", NULL, NULL, NULL),
	    SQLITE_OK);
	database_close(database);
	assert_null(directory_open(os, OS_ROOT, "damaged.db", &error));
	assert_string_equal(error.text, "is damaged, or no directory of Posthouse: its version is"
	    " -3");

	fd = os_open(os, OS_ROOT, "other.db", OS_WRITE | OS_CREATE);
	assert_int_equal(os_pwrite(os, fd, slice_lit("this is no database, it is a letter"), 0), 0);
	os_close(os, fd);
	assert_null(directory_open(os, OS_ROOT, "other.db", &error));
	assert_string_equal(error.text, "file is not a database");
	sim_destroy(sim);
}

UNIT_TESTS(cmocka_unit_test(survives_power_cuts), cmocka_unit_test(survives_kills),
    cmocka_unit_test(survives_a_failing_disk),
    cmocka_unit_test(survives_faults_then_a_power_cut), cmocka_unit_test(says_that_it_is_broken),
    cmocka_unit_test(lists_all_or_fails),
    cmocka_unit_test(a_disk_that_can_not_read_denies_nothing),
    cmocka_unit_test(a_disk_that_can_not_read_allows_nothing),
    cmocka_unit_test(a_disk_that_can_not_read_knows_nobody_less),
    cmocka_unit_test(refuses_other_files))
