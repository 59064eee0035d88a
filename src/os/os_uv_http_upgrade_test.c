/* os/os_uv_http_upgrade_test.c - a connection that HTTP gives away for another protocol. */
#include "os/os_uv_http_world_test.h"

static const char asks[] = "GET /other HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
    "Upgrade: other\r\n\r\n";

/* The stream is the role's with what came already, and ends when that one ends it. */
static void test_upgrade(void **state)
{
	struct buffer in;
	char heard[8];
	slice head;
	int fd;

	begin(false);
	in = buffer_init(os_heap(w.os), 65536);
	fd = join(3);
	say(fd, slice_lit(asks));
	say(fd, slice_lit("early"));
	settle(&w.n_begun, 1);
	assert_true(w.fd >= 0);
	say(fd, slice_lit(" late"));
	for (size_t n = strlen(w.unread); n < 10;) {
		ssize_t got = os_read(w.os, w.fd, w.unread + n, sizeof w.unread - n - 1);

		assert_true(got > 0 || got == -EAGAIN);
		n += got > 0 ? (size_t)got : 0;
		turn();
	}
	assert_string_equal(w.unread, "early late");
	say(w.fd, slice_lit("heard"));
	while (!slice_ends(head = hear(fd, &in, buffer_bytes(&in).len + 1), slice_lit("heard")))
		;
	assert_true(slice_starts(head, slice_lit("HTTP/1.1 101 ")));
	assert_true(has(head, "\r\nUpgrade: other\r\n") && has(head, "\r\nX-Yes: 1\r\n"));
	assert_int_equal(http_server_connections(w.server), 1);
	http_server_drain(w.server);
	turn();
	assert_int_equal(w.n_drained + w.n_closed, 0);
	os_close(w.os, w.fd);
	http_upgrade_end(w.upgrade);
	settle(&w.n_drained, 1);
	settle(&w.n_closed, 1);
	assert_int_equal(w.last_closed, 3);
	assert_int_equal(os_read(w.os, fd, heard, sizeof heard), 0);
	os_close(w.os, fd);
	end();
}

/* Who went before the answer: begin() says so, once, and nothing is left. */
static void test_upgrade_lost(void **state)
{
	int fd;

	begin(false);
	fd = join(0);
	say(fd, slice_lit("GET /later HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
	    "Upgrade: other\r\n\r\n"));
	settle(&w.n_kept, 1);
	os_close(w.os, fd);
	turn();
	answer_other(w.kept[0]);
	settle(&w.n_closed, 1);
	assert_int_equal(w.n_begun, 1);
	assert_int_equal(w.n_lost, 1);
	assert_int_equal(http_server_connections(w.server), 0);
	end();
}

/* The role ends while one has begun, and while one has not. */
static void test_upgrade_dropped(void **state)
{
	int fds[2], first = dup(0);

	close(first);
	begin(false);
	for (unsigned i = 0; i < 2; i++)
		fds[i] = join(i);
	say(fds[0], slice_lit(asks));
	settle(&w.n_begun, 1);
	say(fds[1], slice_lit("GET /later HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
	    "Upgrade: other\r\n\r\n"));
	settle(&w.n_kept, 1);
	answer_other(w.kept[0]);
	for (unsigned i = 0; i < 2; i++)
		os_close(w.os, fds[i]);
	end();
	assert_int_equal(w.n_begun, 1);
	assert_int_equal(dup(0), first);
	close(first);
}

UNIT_TESTS(cmocka_unit_test(test_upgrade), cmocka_unit_test(test_upgrade_lost),
    cmocka_unit_test(test_upgrade_dropped))
