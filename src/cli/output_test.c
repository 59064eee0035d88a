/* cli/output_test.c - nobody waits for a reader; what he misses is said. */
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "cli/output.h"
#include "os/os_uv.h"

enum { LINES = 40 * 1000, LINE = 100 };

static void test_no_reader(void **state)
{
	const struct os_uv_options options = { .name = "test" };
	struct os *os = os_uv_create(&options);
	struct output *out;
	struct buffer read_all = buffer_init(os_heap(os), 2 * LINES * LINE);
	char end[128];
	size_t lines = 0, left_out = 0;
	int fds[2];
	slice rest;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	out = output_create(os, fds[1]);
	for (int i = 0; i < LINES; i++)
		fprintf(output_file(out), "%*d\n", LINE - 1, i);
	fflush(output_file(out));
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	for (bool more = true; more;) {
		unsigned char *at = buffer_reserve(&read_all, 4096);
		ssize_t n = read(fds[0], at, 4096);

		more = n == 4096;
		buffer_filled(&read_all, n > 0 ? (size_t)n : 0);
		if (!more)
			break;
		fprintf(output_file(out), "x\n");
		fflush(output_file(out));       /* what waits moves up */
	}
	output_destroy(out);
	close(fds[1]);
	for (ssize_t n = 1; n > 0; buffer_filled(&read_all, n > 0 ? (size_t)n : 0))
		n = read(fds[0], buffer_reserve(&read_all, 4096), 4096);
	close(fds[0]);
	rest = buffer_bytes(&read_all);
	while (rest.len > 0) {
		slice line = slice_cut(&rest, '\n');
		unsigned long long n;

		if (line.len == LINE - 1) {
			snprintf(end, sizeof end, "%*zu", LINE - 1, lines);
			assert_slice(line, slice_from(end));
			lines++;
		} else if (line.ptr[0] == '(') {
			snprintf(end, sizeof end, "%.*s", slice_arg(line));
			assert_int_equal(sscanf(end, "(%llu lines were left out", &n), 1);
			left_out += n;
		}
	}
	assert_true(lines > OUTPUT_WAITING_MAX / LINE / 2);
	assert_true(left_out >= LINES - lines - 1);
	os_uv_destroy(os);
}

/* Whoever reads is gone: that is no reason to end, nor to wait. */
static void test_reader_gone(void **state)
{
	const struct os_uv_options options = { .name = "test" };
	struct os *os = os_uv_create(&options);
	struct output *out;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	out = output_create(os, fds[1]);
	for (int i = 0; i < LINES; i++)
		fprintf(output_file(out), "%*d\n", LINE - 1, i);
	output_destroy(out);
	close(fds[1]);
	os_uv_destroy(os);
}

UNIT_TESTS(cmocka_unit_test(test_no_reader), cmocka_unit_test(test_reader_gone))
