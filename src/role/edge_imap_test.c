/* role/edge_imap_test.c - IMAP until login, and how a session gets to its store. */
#include "role/edge_world_test.h"

#define LOGIN(tag, secret) tag " LOGIN alice@here.example " secret "\r\n"

/* Clients from now on come from this host's loopback. */
static void come_from_loopback(void)
{
	static const uint8_t ip[4] = { 127, 0, 0, 5 };

	world.client_os = sim_process_create(sim_host_create(world.sim, "inside", ip, 1 << 20),
	    "client");
}

static void open_secure(struct client *c)
{
	client_open(c, "10.0.0.1:993");
	client_secure(c);
	client_expect(c, "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 ");
	client_expect(c, "\r\n");
}

/* From elsewhere no password is taken in the clear; after STARTTLS it is. */
static void test_starttls(void **state)
{
	struct client c;

	world_begin("");
	client_open(&c, "10.0.0.1:143");
	client_expect(&c, "* OK [CAPABILITY ");
	client_expect(&c, " STARTTLS");
	client_expect(&c, " LOGINDISABLED");
	client_say(&c, LOGIN("a1", "secret"), "a1 NO [PRIVACYREQUIRED] ");
	client_say(&c, "a2 AUTHENTICATE PLAIN\r\n", "a2 NO [PRIVACYREQUIRED] ");
	assert_int_equal(world.n_logins, 0);
	client_say(&c, "a3 STARTTLS\r\n", "a3 OK ");
	client_expect(&c, "\r\n");
	client_secure(&c);
	client_say(&c, LOGIN("a4", "secret"), "a4 OK adopted\r\n");
	assert_int_equal(world.adopted_service, SERVICE_IMAP);
	assert_int_equal(world.adopted_flags, ADOPT_TLS);
	client_say(&c, "a5 NOOP\r\n", "a5 NOOP\r\n");
	client_close(&c);
	run_ms(1000);
	assert_null(world.adopted);
	world_end();
}

static void test_tls(void **state)
{
	struct client c;

	world_begin("");
	open_secure(&c);
	client_say(&c, LOGIN("a1", "wrong"), "a1 NO [AUTHENTICATIONFAILED] ");
	client_say(&c, "a2 NOOP\r\n" LOGIN("\"", "x") LOGIN("A.3", "secret") "a4 NOOP\r\n",
	    "a2 OK ");
	client_expect(&c, "* BAD ");
	/* Behind the login all is the store's. */
	client_expect(&c, "A.3 OK adopted\r\na4 NOOP\r\n");
	assert_int_equal(world.adopted_service, SERVICE_IMAPS);
	stream_end(world.adopted);
	client_expect_closed(&c);
	client_close(&c);
	open_secure(&c);
	client_say(&c, "a1 AUTHENTICATE PLAIN AGFsaWNlQGhlcmUuZXhhbXBsZQBzZWNyZXQ=\r\n",
	    "a1 OK adopted\r\n");
	client_close(&c);
	world_end();
}

/* The socket goes, with what was read of it. */
static void test_plain(void **state)
{
	struct client c;

	world_begin("");
	come_from_loopback();
	client_open(&c, "10.0.0.1:143");
	client_expect(&c, "* OK [CAPABILITY ");
	client_say(&c, "a1 LOGIN {18}\r\n", "+ ");
	client_say(&c, "alice@here.example {6+}\r\nsecret\r\na2 IDLE\r\nDO", "a1 OK adopted\r\n");
	client_expect(&c, "a2 IDLE\r\nDO");
	assert_slice(world.adopted_unread, slice_lit("a2 IDLE\r\nDO"));
	assert_int_equal(world.adopted_flags, ADOPT_LOOPBACK);
	client_say(&c, "NE\r\n", "NE\r\n");
	client_close(&c);
	world_end();
}

static void test_refusals(void **state)
{
	static unsigned char tag[IMAP_TAG_MAX + 1];
	struct client c;

	world_begin("limit.errors = 3\n");
	memset(tag, 'x', sizeof tag);
	open_secure(&c);
	client_send(&c, slice_of(tag, sizeof tag));
	client_say(&c, LOGIN("", "secret"), "* BAD ");
	assert_int_equal(world.n_logins, 0);
	world.login_store = 1;                  /* is not there */
	client_say(&c, LOGIN("a1", "secret"), "a1 NO [UNAVAILABLE] ");
	world.login_store = STORES_MAX;
	client_say(&c, LOGIN("a2", "secret"), "a2 NO");
	world.login_store = 0;
	client_send(&c, slice_drop(slice_of(tag, sizeof tag), 1));
	client_say(&c, LOGIN("", "secret"), "x OK adopted\r\n");
	client_close(&c);
	open_secure(&c);
	client_say(&c, "x\r\nx\r\nx\r\nx\r\n", "* BYE ");
	client_expect_closed(&c);
	client_close(&c);
	open_secure(&c);
	client_say(&c, "a1 LOGOUT\r\n", "* BYE ");
	client_expect(&c, "a1 OK ");
	client_expect_closed(&c);
	client_close(&c);
	world_end();
}

/* Before the login five minutes, then as long as the store likes: IDLE. */
static void test_time(void **state)
{
	struct client idle, in;

	world_begin("imap.timeout = 30m\npop3.timeout = 1m\n");
	open_secure(&idle);
	open_secure(&in);
	client_say(&in, LOGIN("a1", "secret"), "a1 OK adopted\r\n");
	run_ms(EDGE_IMAP_LOGIN_MS - 5000);
	assert_false(idle.closed);
	client_expect(&idle, "* BYE ");
	client_expect_closed(&idle);
	run_ms(54 * 60 * 1000);
	client_say(&in, "a2 NOOP\r\n", "a2 NOOP\r\n");
	/* That the store left is not seen behind a client that reads nothing. */
	stream_pause(in.stream);
	for (unsigned i = 0; i < 16; i++) {
		static const unsigned char mail[64 * 1024];
		size_t room = stream_room(world.adopted);

		stream_write(world.adopted, slice_of(mail, room < sizeof mail ? room : sizeof mail));
		run_ms(100);
	}
	run_ms(50 * 60 * 1000);
	assert_non_null(world.adopted);
	run_ms(20 * 60 * 1000);
	assert_null(world.adopted);             /* the edge has closed its end of the pair */
	client_close(&in);
	client_close(&idle);
	world_end();
}

static void test_drain(void **state)
{
	struct client idle, in;

	world_begin("");
	open_secure(&idle);
	open_secure(&in);
	client_say(&in, LOGIN("a1", "secret"), "a1 OK adopted\r\n");
	keeper_drain(world.keeper, 10000);
	client_expect(&idle, "* BYE [UNAVAILABLE] ");
	client_expect_closed(&idle);
	client_close(&idle);
	client_close(&in);
	run_ms(12000);
	assert_true(world.ended);
	world_end();
}

UNIT_TESTS(cmocka_unit_test(test_starttls), cmocka_unit_test(test_tls),
    cmocka_unit_test(test_plain), cmocka_unit_test(test_refusals),
    cmocka_unit_test(test_time), cmocka_unit_test(test_drain))
