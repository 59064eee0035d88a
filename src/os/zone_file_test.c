/* os/zone_file_test.c - names that are a path elsewhere, and what TZ may say. */
#include "os/zone_file.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "unit.h"

static bool is_there(const char *name)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, ZONE_FILE_MAX);
	bool ok = zone_file_read(slice_from(name), &out);

	assert_true(ok ? slice_starts(buffer_bytes(&out), slice_lit("TZif")) :
	    buffer_bytes(&out).len == 0);
	heap_drop(heap);
	return ok;
}

static void test_names(void **state)
{
	assert_false(is_there(""));
	assert_false(is_there("../../../etc/passwd"));
	assert_false(is_there("/etc/passwd"));
	assert_false(is_there("Europe"));       /* a folder */
	assert_false(is_there("Nowhere/Nobody"));
	assert_int_equal(is_there("Europe/Berlin"), access("/usr/share/zoneinfo/Europe/Berlin", R_OK) == 0);
}

static void test_local(void **state)
{
	static const struct {
		const char *tz;
		bool ok;
		const char *rule;
	} cases[] = {
		{ "CET-1CEST,M3.5.0,M10.5.0/3", true, "CET-1CEST,M3.5.0,M10.5.0/3" },
		{ ":Nowhere/Nobody", true, "Nowhere/Nobody" }, { "", false, "" }, { ":", false, "" },
		{ "/nowhere/localtime", false, "" }, { "/dev/zero", false, "" },
	};
	struct heap *heap = heap_create(SIZE_MAX);
	slice rule;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buffer out = buffer_init(heap, ZONE_FILE_MAX);

		setenv("TZ", cases[i].tz, 1);
		if (zone_file_local(&out, &rule) != cases[i].ok)
			fail_msg("%s", cases[i].tz);
		assert_slice(rule, slice_from(cases[i].rule));
		assert_int_equal(buffer_bytes(&out).len, 0);
	}
	unsetenv("TZ");
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_names), cmocka_unit_test(test_local))
