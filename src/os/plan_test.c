/* os/plan_test.c - operations in order, and each of them failing in turn. */
#include "os/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/checksum.h"
#include "base/limits.h"
#include "os/os_faulty.h"
#include "os/os_uv.h"
#include "unit.h"

static void stop_loop(struct plan *plan)
{
	os_stop(plan->owner, 0);
}

static struct os *make(char *ret_folder, size_t size)
{
	struct os_uv_options options = { .log_from = OS_ERROR };
	struct os *os = os_uv_create(&options);

	snprintf(ret_folder, size, "/tmp/plan_test.XXXXXX");
	assert_non_null(mkdtemp(ret_folder));
	os_uv_set_root(os, open(ret_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	return os;
}

/* Write, sync, write again, remove another file, sync the names. */
static void fill(struct os *os, struct plan *plan, int fd, int dir)
{
	plan_add(os, plan, (struct plan_step){ .verb = PLAN_WRITE, .fd = fd,
	    .bytes = slice_lit("abcdef") });
	plan_add(os, plan, (struct plan_step){ .verb = PLAN_SYNC, .fd = fd });
	plan_add(os, plan, (struct plan_step){ .verb = PLAN_WRITE, .fd = fd,
	    .bytes = slice_lit("ghij"), .offset = 6 });
	plan_add(os, plan, (struct plan_step){ .verb = PLAN_SYNC_SYSTEM, .fd = fd });
	plan_add(os, plan, (struct plan_step){ .verb = PLAN_UNLINK, .path = "old" });
	plan_add(os, plan, (struct plan_step){ .verb = PLAN_SYNC_FOLDER, .fd = dir });
}

static void test_each_step_fails(void **state)
{
	static const struct { const char *bytes; bool old_there; } after[] = {
		/* how far it came when step n failed; a failed write leaves half */
		{ "abcdefghij", false }, { "abc", true }, { "abcdef", true }, { "abcdefgh", true },
		{ "abcdefghij", true }, { "abcdefghij", true }, { "abcdefghij", false },
	};
	char folder[64], have[16];
	struct os *os = make(folder, sizeof folder);
	struct os_faulty faulty;
	struct plan plan;

	os_faulty_wrap(&faulty, os);
	plan_init(&plan, stop_loop, os);
	for (unsigned n = 0; n < sizeof after / sizeof *after; n++) {
		int fd = os_open(os, OS_ROOT, "new", OS_READ | OS_WRITE | OS_CREATE);
		int dir = os_open(os, OS_ROOT, ".", OS_FOLDER);
		bool old_there;

		os_close(os, os_open(os, OS_ROOT, "old", OS_WRITE | OS_CREATE));
		fill(os, &plan, fd, dir);
		os_faulty_arm(&faulty, FAULT_ANY, n, -ENOSPC);
		plan_start(os, &plan);
		os_uv_run(os);
		assert_int_equal(os_faulty_fired(&faulty), n > 0);
		assert_int_equal(plan.error, n > 0 ? -ENOSPC : 0);
		os_faulty_arm(&faulty, 0, 0, -EIO);
		old_there = os_unlink(os, OS_ROOT, "old") == 0;
		assert_int_equal(old_there, after[n].old_there);
		assert_int_equal(os_pread(os, fd, have, sizeof have, 0), strlen(after[n].bytes));
		assert_memory_equal(have, after[n].bytes, strlen(after[n].bytes));
		plan_reset(os, &plan);
		os_close(os, fd);
		os_close(os, dir);
		assert_int_equal(os_unlink(os, OS_ROOT, "new"), 0);
	}
	os_faulty_unwrap(&faulty);
	os_uv_destroy(os);
	assert_int_equal(rmdir(folder), 0);
}

static void test_disk_stays_dead(void **state)
{
	char folder[64];
	struct os *os = make(folder, sizeof folder);
	struct os_faulty faulty;

	os_faulty_wrap(&faulty, os);
	os_faulty_arm(&faulty, FAULT_OPEN, 2, -EIO);
	faulty.all_after = true;
	assert_int_equal(os_mkdir(os, OS_ROOT, "a"), 0);
	assert_false(os_faulty_fired(&faulty));
	assert_int_equal(os_mkdir(os, OS_ROOT, "b"), -EIO);
	assert_int_equal(os_mkdir(os, OS_ROOT, "c"), -EIO);
	assert_true(os_faulty_fired(&faulty));
	assert_int_equal(os_rmdir(os, OS_ROOT, "a"), 0);
	os_faulty_unwrap(&faulty);
	os_uv_destroy(os);
	assert_int_equal(rmdir(folder), 0);
}

/* And what follows it goes out with it. */
static void test_copy(void **state)
{
	static const struct {
		uint64_t length;
		unsigned fail;
		int error;
		bool turned, unreadable;
		int read_error;
	} cases[] = {
		{ 0, 0, 0, false, false },
		{ 1, 0, 0, false, false },
		{ PLAN_COPY_PIECE, 0, 0, false, false },
		{ PLAN_COPY_PIECE + 1, 0, 0, false, false },
		{ 3 * PLAN_COPY_PIECE + 7, 0, 0, false, false },
		{ 3 * PLAN_COPY_PIECE + 7, 0, 0, true, true },  /* not what the checksum says */
		{ 3 * PLAN_COPY_PIECE + 8, 0, 0, false, true, -EIO },   /* one more than there is */
		{ 2 * PLAN_COPY_PIECE, 1, 0, false, true, -ENOSPC },    /* a read fails */
		{ 2 * PLAN_COPY_PIECE, 4, -ENOSPC, false, false },      /* a write */
	};
	enum { BEFORE = 5, AT = 11, LEN = 3 * PLAN_COPY_PIECE + 7, TAIL = 3 };
	char folder[64];
	struct os *os = make(folder, sizeof folder);
	unsigned char *bytes = heap_alloc(os_heap(os), LEN + 1);
	unsigned char *have = heap_alloc(os_heap(os), LEN + TAIL + 1);
	struct os_faulty faulty;
	struct plan plan;
	int from = os_open(os, OS_ROOT, "from", OS_READ | OS_WRITE | OS_CREATE);

	os_random(os, bytes, LEN + 1);
	assert_int_equal(os_pwrite(os, from, slice_of(bytes, LEN), BEFORE), 0);
	os_faulty_wrap(&faulty, os);
	plan_init(&plan, stop_loop, os);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int fd = os_open(os, OS_ROOT, "to", OS_READ | OS_WRITE | OS_CREATE);
		size_t n = (size_t)cases[i].length;

		plan_add(os, &plan, (struct plan_step){ .verb = PLAN_COPY, .fd = fd, .offset = AT,
		    .from = from, .from_offset = BEFORE, .length = n,
		    .checksum = checksum64(slice_of(bytes, n), 0) ^ cases[i].turned });
		plan_add(os, &plan, (struct plan_step){ .verb = PLAN_WRITE, .fd = fd,
		    .offset = AT + n, .bytes = slice_lit("end") });
		os_faulty_arm(&faulty, FAULT_READ | FAULT_WRITE, cases[i].fail, -ENOSPC);
		plan_start(os, &plan);
		os_uv_run(os);
		assert_int_equal(plan.error, cases[i].error);
		assert_int_equal(plan.unreadable, cases[i].unreadable);
		assert_int_equal(plan.steps[0].unreadable, cases[i].unreadable);
		assert_int_equal(plan.steps[0].read_error, cases[i].read_error);
		os_faulty_arm(&faulty, 0, 0, -EIO);
		if (plan.error == 0) {
			assert_int_equal(os_pread(os, fd, have, n + TAIL, AT), n + TAIL);
			assert_memory_equal(have + n, "end", TAIL);
		}
		if (plan.error == 0 && !cases[i].unreadable)
			assert_memory_equal(have, bytes, n);
		plan_reset(os, &plan);
		os_close(os, fd);
		assert_int_equal(os_unlink(os, OS_ROOT, "to"), 0);
	}
	os_faulty_unwrap(&faulty);
	os_close(os, from);
	assert_int_equal(os_unlink(os, OS_ROOT, "from"), 0);
	os_uv_destroy(os);
	assert_int_equal(rmdir(folder), 0);
}

/* A plan of nothing is done, too. */
static void test_empty(void **state)
{
	char folder[64];
	struct os *os = make(folder, sizeof folder);
	struct plan plan;

	plan_init(&plan, stop_loop, os);
	plan_start(os, &plan);
	os_uv_run(os);
	assert_int_equal(plan.error, 0);
	os_uv_destroy(os);
	assert_int_equal(rmdir(folder), 0);
}

UNIT_TESTS(cmocka_unit_test(test_each_step_fails), cmocka_unit_test(test_disk_stays_dead),
    cmocka_unit_test(test_copy), cmocka_unit_test(test_empty))
