/* os/os_test.c - what all implementations share: the log's line. */
#include "os/os.h"

#include "base/limits.h"
#include "os/os_impl.h"
#include "unit.h"

/* An os that has a clock and a log, and nothing else. */
struct logger {
	struct os os;
	int64_t now_us;
	char line[2 * OS_LOG_MAX];
	enum os_level level;
};

static int64_t wall_us(struct os *os)
{
	return ((struct logger *)(void *)os)->now_us;
}

static void keep_line(struct os *os, enum os_level level, slice line)
{
	struct logger *l = (struct logger *)(void *)os;

	assert_true(line.len < sizeof l->line);
	memcpy(l->line, line.ptr, line.len);
	l->line[line.len] = 0;
	l->level = level;
}

static const struct os_ops ops = { .wall_us = wall_us, .log = keep_line };

static void test_time(void **state)
{
	static const struct { int64_t second; const char *want; } cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 951782399, "2000-02-28T23:59:59.000Z" },
		{ 951782400, "2000-02-29T00:00:00.000Z" },
		{ 951868800, "2000-03-01T00:00:00.000Z" },
		{ 1709164800, "2024-02-29T00:00:00.000Z" },
		{ 1735689599, "2024-12-31T23:59:59.000Z" },
		{ 1735689600, "2025-01-01T00:00:00.000Z" },
		{ 4107542400, "2100-03-01T00:00:00.000Z" },
		{ -5, "1970-01-01T00:00:00.000Z" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct logger l = { .os.ops = &ops, .now_us = cases[i].second * 1000000 };

		os_log(&l.os, OS_INFO, "x");
		l.line[strlen(cases[i].want)] = 0;
		assert_string_equal(l.line, cases[i].want);
	}
}

static void test_line(void **state)
{
	struct logger l = { .os = { .ops = &ops, .name = "edge.0" }, .now_us = 1234567 };

	os_log(&l.os, OS_WARN, "peer %s said \"%s\"", "192.0.2.1", "a\r\nb\x1b\xc3\xa4");
	assert_string_equal(l.line, "1970-01-01T00:00:01.234Z edge.0 warning peer 192.0.2.1 said "
	    "\"a\\x0d\\x0ab\\x1b\\xc3\\xa4\"\n");
	assert_int_equal(l.level, OS_WARN);
	l.os.name[0] = 0;
	os_log(&l.os, OS_ERROR, "x");
	assert_string_equal(l.line, "1970-01-01T00:00:01.234Z posthouse error x\n");
}

static void test_cut(void **state)
{
	struct logger l = { .os = { .ops = &ops, .name = "0123456789012345678901234567890" } };
	char text[5000];

	memset(text, '\n', sizeof text);
	text[sizeof text - 1] = 0;
	os_log(&l.os, OS_DEBUG, "%s", text);
	assert_true(strlen(l.line) < OS_LOG_MAX + 80);
	assert_string_equal(l.line + strlen(l.line) - 4, "...\n");
	memset(text, 'x', sizeof text - 1);
	os_log(&l.os, OS_DEBUG, "%s", text);
	assert_true(strlen(l.line) < OS_LOG_MAX + 80);
	assert_string_equal(l.line + strlen(l.line) - 5, "x...\n");
}

UNIT_TESTS(cmocka_unit_test(test_time), cmocka_unit_test(test_line), cmocka_unit_test(test_cut))
