/* tests/unit.h - what each *_test.c starts with: cmocka with TAP output, and
 * input that ends at an unmapped page. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/slice.h"

/* Define main: UNIT_TESTS(cmocka_unit_test(a), cmocka_unit_test(b)) */
#define UNIT_TESTS(...)                                                        \
	int main(void)                                                         \
	{                                                                      \
		const struct CMUnitTest unit_tests[] = { __VA_ARGS__ };        \
		cmocka_set_message_output(CM_OUTPUT_TAP);                      \
		return cmocka_run_group_tests(unit_tests, NULL, NULL);         \
	}

#define assert_slice(have, want)                                               \
	do {                                                                   \
		slice have_ = (have), want_ = (want);                          \
		if (!slice_equal(have_, want_))                                \
			fail_msg("have \"%.*s\" want \"%.*s\"",                \
			    slice_arg(have_), slice_arg(want_));               \
	} while (0)

/* A copy whose last byte stands before an unmapped page: reading one byte too
 * far faults. Free with guarded_free. */
static inline slice guarded_copy(slice s)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (s.len + page - 1) / page * page + page;
	unsigned char *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *at = map + size - page - s.len;

	assert_true(map != MAP_FAILED);
	if (s.len > 0)
		memcpy(at, s.ptr, s.len);
	assert_int_equal(mprotect(map + size - page, page, PROT_NONE), 0);
	return slice_of(at, s.len);
}

static inline void guarded_free(slice s)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (s.len + page - 1) / page * page + page;
	unsigned char *map = (unsigned char *)(uintptr_t)s.ptr + s.len + page - size;

	munmap(map, size);
}

#endif
