/* role/edge_lenient_test.c - the edge of a mock, while it writes down all that is said: where
 * STARTTLS ends, and who is told to have gone without QUIT. */
#define OWN_JOURNEY_TEST
#include "role/edge_world_test.h"

#define MOCK "domains = here.example\nmock = yes\nrelay = no\nsmtp.timeout = 30s\n"

/* ---- STARTTLS ---- */

/* Whatever of the line's end comes late, the handshake begins behind it. */
static void test_starttls(void **state)
{
	static const slice cases[][2] = {
		{ slice_lit("STARTTLS\r\n") },
		{ slice_lit("STARTTLS\n") },
		{ slice_lit("STARTTLS\r"), slice_lit("\n") },
		{ slice_lit("STARTTLS x\r"), slice_lit("\n") },
		{ slice_lit("\0STARTTLS\0\r"), slice_lit("\n") },
		{ slice_lit("STARTTLS\r\r"), slice_lit("\r\n") },
		{ slice_lit("STARTTLS\r"), slice_lit("\r\n") },
	};
	struct client c;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		world_begin(MOCK);
		client_open(&c, "10.0.0.1:25");
		client_expect(&c, "220 ");
		client_say(&c, "EHLO c\r\n", "STARTTLS\r\n");
		client_send(&c, cases[i][0]);
		run_ms(100);
		if (cases[i][1].len > 0)
			client_send(&c, cases[i][1]);
		client_expect(&c, "220 2.0.0 Ready to start TLS\r\n");
		client_secure(&c);
		client_say(&c, "MAIL FROM:<>\r\n", "250 2.1.0 Ok\r\n");
		client_close(&c);
		world_end();
	}
}

/* What is said in the clear behind STARTTLS is forgotten, or is no handshake and the end;
 * never is it a command. */
static void test_injected(void **state)
{
	static const slice cases[][2] = {
		{ slice_lit("STARTTLS\rMAIL FROM:<x@there.example>\r") },
		{ slice_lit("STARTTLS\nMAIL FROM:<x@there.example>\n") },
		{ slice_lit("STARTTLS\r\r\nMAIL FROM:<x@there.example>\r\n") },
		{ slice_lit("\0STARTTLS x\r"), slice_lit("\nMAIL FROM:<x@there.example>\r\n") },
		{ slice_lit("STARTTLS\r"), slice_lit("MAIL FROM:<x@there.example>\r\n") },
	};
	struct client c;
	char error[TLS_ERROR_TEXT];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		world_begin(MOCK);
		client_open(&c, "10.0.0.1:25");
		client_expect(&c, "220 ");
		client_say(&c, "EHLO c\r\n", "STARTTLS\r\n");
		client_send(&c, cases[i][0]);
		run_ms(100);
		client_send(&c, cases[i][1]);
		client_expect(&c, "220 2.0.0 Ready to start TLS\r\n");
		c.tls = tls_client_context(os_heap(world.client_os), (slice){ 0 }, error,
		    sizeof error);
		if (!c.closed)
			stream_secure(c.stream, c.tls, "mx.here.example");
		run_ms(1000);
		if (c.secured && !c.closed)
			client_say(&c, "RSET\r\n", "250 2.0.0 Ok\r\n");
		assert_true(slice_find(buffer_bytes(&c.got), slice_lit("250 2.1.0")) ==
		    buffer_bytes(&c.got).len);
		client_close(&c);
		world_end();
	}
}

/* ---- who went ---- */

static size_t count_events(const char *name)
{
	static char text[64 * 1024];
	int fd = os_open(world.os, OS_ROOT, "events", OS_READ);
	ssize_t len = os_pread(world.os, fd, text, sizeof text, 0);
	slice rest = slice_of(text, (size_t)len);
	size_t n = 0;

	assert_true(sim_process_alive(edge_os()));
	assert_true(fd >= 0 && len > 0);
	os_close(world.os, fd);
	while (rest.len > 0) {
		slice line = slice_cut(&rest, '\n');

		n += slice_find(line, slice_from(name)) < line.len;
	}
	return n;
}

static void goes(struct client *c)
{
	client_close(c);
}

static void shuts(struct client *c)
{
	assert_int_equal(os_shutdown(world.client_os, c->fd), 0);
	client_expect_closed(c);
	client_close(c);
}

static void quits(struct client *c)
{
	client_say(c, "QUIT\r\n", "221 ");
	client_expect_closed(c);
	client_close(c);
}

static void says_nothing(struct client *c)
{
	client_expect(c, "421 4.4.2 Timeout");
	client_expect_closed(c);
	client_close(c);
}

static void stops_in_a_message(struct client *c)
{
	client_say(c, "MAIL FROM:<>\r\nRCPT TO:<bob@here.example>\r\nDATA\r\n", "354 ");
	client_send(c, slice_lit("Subject: s\r\n\r\nthe la"));
	client_expect(c, "250 2.0.0 Ok: queued");
	client_expect_closed(c);
	client_close(c);
}

static void fails_to_secure(struct client *c)
{
	client_say(c, "STARTTLS\r\n", "220 2.0.0 Ready to start TLS\r\n");
	client_send(c, slice_lit("EHLO c\r\n"));
	client_expect_closed(c);
	client_close(c);
}

static void test_quit_missing(void **state)
{
	static const struct {
		const char *name;
		void (*how)(struct client *client);
		size_t missing;
	} cases[] = {
		{ "goes", goes, 1 }, { "shuts", shuts, 1 }, { "quits", quits, 0 },
		{ "says nothing", says_nothing, 0 },
		{ "stops in a message", stops_in_a_message, 0 },
		{ "fails to secure", fails_to_secure, 0 },
	};
	struct client c;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		world_begin(MOCK);
		client_open(&c, "10.0.0.1:25");
		client_expect(&c, "220 ");
		client_say(&c, "EHLO c\r\n", "STARTTLS\r\n");
		cases[i].how(&c);
		run_ms(60 * 1000);
		assert_int_equal(count_events("\"closed\""), 1);
		if (count_events("\"quit-missing\"") != cases[i].missing)
			fail_msg("%s", cases[i].name);
		world_end();
	}
}

UNIT_TESTS(cmocka_unit_test(test_starttls), cmocka_unit_test(test_injected),
    cmocka_unit_test(test_quit_missing))
