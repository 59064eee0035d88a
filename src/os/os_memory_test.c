/* os/os_memory_test.c - the tree of names: what its descriptors are, and what ends. */
#include "os/os_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "os/os.h"
#include "unit.h"

static struct memory *tree;

static int set_up(void **state)
{
	tree = memory_create();
	return 0;
}

static int tear_down(void **state)
{
	memory_destroy(tree);
	return 0;
}

static int make(int dir, const char *path)
{
	int fd = memory_open(tree, dir, path, OS_READ | OS_WRITE | OS_CREATE | OS_EXCLUSIVE);

	assert_true(fd >= 0);
	return fd;
}

static void test_paths(void **state)
{
	static const struct {
		const char *path;
		int flags, want;
	} cases[] = {
		{ "a/b/c", OS_READ, 0 },
		{ "./a//b/./c", OS_READ, 0 },
		{ "a/b", OS_FOLDER, 0 },
		{ "a/b/", OS_READ, 0 },
		{ ".", OS_FOLDER, 0 },
		{ "a/x", OS_READ, -ENOENT },
		{ "x/c", OS_READ | OS_WRITE | OS_CREATE, -ENOENT },
		{ "a/b/c/d", OS_READ, -ENOTDIR },
		{ "a/b/c", OS_FOLDER, -ENOTDIR },
		{ "a/b", OS_WRITE, -EISDIR },
		{ "a/b", OS_WRITE | OS_CREATE, -EISDIR },
		{ "a/b/c", OS_WRITE | OS_CREATE | OS_EXCLUSIVE, -EEXIST },
	};

	assert_int_equal(memory_mkdir(tree, AT_FDCWD, "a"), 0);
	assert_int_equal(memory_mkdir(tree, AT_FDCWD, "a/b"), 0);
	close(make(AT_FDCWD, "a/b/c"));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int fd = memory_open(tree, AT_FDCWD, cases[i].path, cases[i].flags);

		if ((fd < 0 ? fd : 0) != cases[i].want)
			fail_msg("%s: %d", cases[i].path, fd);
		if (fd >= 0)
			close(fd);
	}
	assert_int_equal(memory_mkdir(tree, AT_FDCWD, "."), -EEXIST);
	assert_int_equal(memory_mkdir(tree, AT_FDCWD, "a/b/c"), -EEXIST);
	assert_int_equal(memory_remove(tree, AT_FDCWD, "a", false), -EISDIR);
	assert_int_equal(memory_remove(tree, AT_FDCWD, "a/b/c", true), -ENOTDIR);
	assert_int_equal(memory_remove(tree, AT_FDCWD, "a", true), -ENOTEMPTY);
	assert_int_equal(memory_remove(tree, AT_FDCWD, ".", true), -EBUSY);
}

/* Any duplicate of a folder's descriptor is the folder, and none when it is removed, also
 * when another one has its name. */
static void test_folder(void **state)
{
	int folder, copy;

	assert_int_equal(memory_mkdir(tree, AT_FDCWD, "a"), 0);
	folder = memory_open(tree, AT_FDCWD, "a", OS_FOLDER);
	copy = fcntl(folder, F_DUPFD_CLOEXEC, 3);
	close(folder);
	close(make(copy, "x"));
	assert_int_equal(memory_remove(tree, AT_FDCWD, "a/x", false), 0);
	assert_int_equal(memory_remove(tree, AT_FDCWD, "a", true), 0);
	assert_int_equal(memory_open(tree, copy, "x", OS_WRITE | OS_CREATE), -ENOENT);
	assert_int_equal(memory_mkdir(tree, AT_FDCWD, "a"), 0);
	assert_int_equal(memory_open(tree, copy, "x", OS_WRITE | OS_CREATE), -ENOENT);
	close(copy);
}

/* A file without a name is there for who has it open; what is open for reading is not
 * written to; two who open it see the same. */
static void test_file(void **state)
{
	int writer = make(AT_FDCWD, "x"), reader, other;
	char have[3];

	reader = memory_open(tree, AT_FDCWD, "x", OS_READ);
	assert_int_equal(pwrite(writer, "abc", 3, 0), 3);
	assert_int_equal(pwrite(reader, "abc", 3, 0), -1);
	assert_int_equal(memory_remove(tree, AT_FDCWD, "x", false), 0);
	assert_int_equal(memory_open(tree, AT_FDCWD, "x", OS_READ), -ENOENT);
	assert_int_equal(pread(reader, have, 3, 0), 3);
	assert_memory_equal(have, "abc", 3);
	other = make(AT_FDCWD, "x");
	assert_int_equal(pread(other, have, 3, 0), 0);
	close(writer);
	close(reader);
	close(other);
}

static bool remove_it(void *context, const char *name)
{
	(*(int *)context)++;
	return memory_remove(tree, AT_FDCWD, name, false) == 0;
}

static void test_list_while_it_changes(void **state)
{
	int n = 0;

	close(make(AT_FDCWD, "x"));
	close(make(AT_FDCWD, "y"));
	assert_int_equal(memory_list(tree, AT_FDCWD, ".", remove_it, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(memory_list(tree, AT_FDCWD, ".", remove_it, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(memory_list(tree, AT_FDCWD, "x", remove_it, &n), -ENOENT);
}

static void test_extend(void **state)
{
	static const unsigned char zeros[8192];
	int fd = make(AT_FDCWD, "x");
	unsigned char have[4];
	struct stat st;

	assert_true(memory_extend(fd, slice_of(zeros, sizeof zeros), 0));
	assert_true(memory_extend(fd, slice_of(zeros, sizeof zeros), 1 << 20));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, (1 << 20) + (int)sizeof zeros);
	assert_int_equal(st.st_blocks, 0);
	/* What stands there is not zeros because nothing was written. */
	assert_int_equal(pwrite(fd, "abcd", 4, 100), 4);
	assert_false(memory_extend(fd, slice_of(zeros, 4), 100));
	assert_false(memory_extend(fd, slice_lit("\0\0\1"), 2 << 20));
	assert_false(memory_extend(fd, slice_lit("a"), 2 << 20));
	assert_false(memory_extend(fd, (slice){ 0 }, 2 << 20));
	assert_int_equal(pread(fd, have, 4, 100), 4);
	assert_memory_equal(have, "abcd", 4);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* What had the name goes; who has it open keeps it. */
static void test_rename(void **state)
{
	int a = make(AT_FDCWD, "a"), b = make(AT_FDCWD, "b"), fd;
	char byte = 0;

	assert_int_equal(memory_mkdir(tree, AT_FDCWD, "folder"), 0);
	assert_int_equal(pwrite(a, "a", 1, 0), 1);
	assert_int_equal(pwrite(b, "b", 1, 0), 1);
	assert_int_equal(memory_rename(tree, AT_FDCWD, "a", "a"), 0);
	assert_int_equal(memory_rename(tree, AT_FDCWD, "a", "b"), 0);
	assert_int_equal(memory_open(tree, AT_FDCWD, "a", OS_READ), -ENOENT);
	assert_int_equal(memory_rename(tree, AT_FDCWD, "b", "folder/c"), 0);
	fd = memory_open(tree, AT_FDCWD, "folder/c", OS_READ);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, 0), 1);
	assert_int_equal(byte, 'a');
	assert_int_equal(pread(b, &byte, 1, 0), 1);
	assert_int_equal(byte, 'b');
	assert_int_equal(memory_rename(tree, AT_FDCWD, "b", "a"), -ENOENT);
	assert_int_equal(memory_rename(tree, AT_FDCWD, "folder/c", "folder"), -EISDIR);
	assert_int_equal(memory_rename(tree, AT_FDCWD, "folder", "a"), -EISDIR);
	assert_int_equal(memory_rename(tree, AT_FDCWD, "folder/c", "."), -EISDIR);
	assert_int_equal(memory_rename(tree, AT_FDCWD, "folder/c", "x/c"), -ENOENT);
	close(a);
	close(b);
	close(fd);
}

UNIT_TESTS(TEST(test_paths), TEST(test_folder), TEST(test_file),
    TEST(test_list_while_it_changes), TEST(test_extend), TEST(test_rename))
