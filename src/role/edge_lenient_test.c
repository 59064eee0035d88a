/* role/edge_lenient_test.c - the edge of a mock, while it writes down all that is said: where
 * STARTTLS ends. */
#define OWN_JOURNEY_TEST
#include "role/edge_world_test.h"

#define MOCK "domains = here.example\nmock = yes\nrelay = no\n"

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
		assert_true(sim_process_alive(edge_os()));
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

UNIT_TESTS(cmocka_unit_test(test_starttls), cmocka_unit_test(test_injected))
