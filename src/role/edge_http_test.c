/* role/edge_http_test.c - the edge and HTTP: it hands connections to the web, counts
 * them as long as they last, and waits while there is no web or it is slow. */
#define OWN_WEB_TEST
#include "role/edge_world_test.h"

enum { VISITS = 256 };

/* A web that keeps what it gets, and says what a test wants. */
static struct {
	struct frame *frame;
	bool mute;                      /* never says that it took one */
	size_t n;
	struct {
		uint64_t number;
		uint8_t ip[16];
		int fd;
	} visits[VISITS];
	uint64_t counted[COUNTERS];
	unsigned reports;
} web;

static void say_is(uint64_t number, unsigned state)
{
	struct buffer *out = ipc_begin(frame_peer(web.frame, ROLE_EDGE, 0), IPC_HTTP_IS);

	put_u64(out, number);
	put_u8(out, (uint8_t)state);
	ipc_end(frame_peer(web.frame, ROLE_EDGE, 0), -1);
	run_ms(10);
}

static bool on_http(struct ipc_message *message)
{
	uint64_t number = get_u64(&message->body);
	slice ip = get_raw(&message->body, 16);
	struct buffer *out;

	assert_true(bytes_end(&message->body) && web.n < VISITS);
	web.visits[web.n].number = number;
	memcpy(web.visits[web.n].ip, ip.ptr, 16);
	web.visits[web.n++].fd = ipc_take_fd(message);
	if (web.mute)
		return true;
	out = ipc_begin(frame_peer(web.frame, ROLE_EDGE, 0), IPC_HTTP_IS);
	put_u64(out, number);
	put_u8(out, HTTP_TAKEN);
	ipc_end(frame_peer(web.frame, ROLE_EDGE, 0), -1);
	return true;
}

static bool web_message(struct frame *f, struct ipc_channel *peer, struct ipc_message *message)
{
	if (message->type == IPC_HTTP)
		return on_http(message);
	assert_int_equal(message->type, IPC_COUNTERS);
	if (ipc_peer_kind(peer) != ROLE_EDGE)
		return true;
	for (unsigned i = 0; i < COUNTERS; i++) {
		if (counter_row((enum counter)i)->kind == ROLE_EDGE)
			web.counted[i] = get_u64(&message->body);
	}
	web.reports++;
	return bytes_end(&message->body);
}

static const struct frame_handler web_handler = { .start = frame_ready,
    .drain = bystander_drain, .peer_left = bystander_left, .peer_message = web_message };

void web_start(struct os *os, int channel, unsigned index)
{
	struct frame *f = heap_new(os_heap(os), struct frame);

	web.frame = f;
	web.n = 0;                      /* with its process its descriptors went */
	frame_init(f, os, ROLE_WEB, index, channel, &web_handler, f);
}

static void begin(const char *extra)
{
	memset(&web, 0, sizeof web);
	world_begin(extra);
	assert_non_null(web.frame);
}

#define MANY "limit.trusted = none\nlimit.sessions_per_address = 3\n"

static void test_hand_over(void **state)
{
	static const uint8_t there[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 2 };
	struct client c;
	struct stream *s;

	begin("");
	client_open(&c, "10.0.0.1:80");
	client_send(&c, slice_lit("GET / HTTP/1.1\r\n"));
	run_ms(100);
	assert_int_equal(web.n, 1);
	assert_memory_equal(web.visits[0].ip, there, 16);
	/* Whole and unread; what the web writes arrives; its end is the client's. */
	s = stream_create(web.frame->os, web.visits[0].fd, 1000, 1000, &client_handler,
	    &(struct client){ .got = buffer_init(world.heap, 1000) });
	run_ms(100);
	stream_write(s, slice_lit("HTTP/1.1 200 OK\r\n"));
	client_expect(&c, "HTTP/1.1 200 OK\r\n");
	stream_destroy(s);
	client_expect_closed(&c);
	client_close(&c);
	world_end();
}

/* A share is held until the web says that it is over. */
static void test_shares(void **state)
{
	struct client c[3], more;

	begin(MANY);
	for (unsigned i = 0; i < 3; i++)
		client_open(&c[i], "10.0.0.1:80");
	client_open(&more, "10.0.0.1:80");
	client_expect(&more, "HTTP/1.1 503 Service Unavailable\r\n");
	client_expect_closed(&more);
	client_close(&more);
	client_open(&more, "10.0.0.1:25");
	client_expect(&more, "421 4.7.0 Too many connections from your address");
	client_close(&more);
	assert_int_equal(web.n, 3);
	say_is(web.visits[1].number, HTTP_CLOSED);
	say_is(web.visits[1].number, HTTP_CLOSED);      /* means nothing any more */
	client_open(&more, "10.0.0.1:25");
	client_expect(&more, "220 ");
	client_say(&more, "QUIT\r\n", "221 ");
	client_close(&more);
	run_ms(5000);
	assert_true(web.reports >= 2);
	assert_int_equal(web.counted[COUNTER_EDGE_CONNECTIONS], 6);
	assert_int_equal(web.counted[COUNTER_EDGE_TURNED_AWAY], 2);
	assert_int_equal(web.counted[COUNTER_EDGE_SESSIONS], 0);
	world_end();
}

/* Connections that it has not taken wait in the kernel; others do not wait. */
static void test_slow(void **state)
{
	static struct client c[EDGE_OFFERS_MAX + 8];
	struct client mail;

	begin("");
	web.mute = true;
	for (unsigned i = 0; i < EDGE_OFFERS_MAX + 8; i++)
		client_open(&c[i], "10.0.0.1:80");
	run_ms(1000);
	assert_int_equal(web.n, EDGE_OFFERS_MAX);
	client_open(&mail, "10.0.0.1:465");
	client_secure(&mail);
	client_expect(&mail, "220 ");
	say_is(web.visits[0].number, HTTP_TAKEN);
	say_is(web.visits[0].number, HTTP_TAKEN);       /* counts once */
	run_ms(100);
	assert_int_equal(web.n, EDGE_OFFERS_MAX + 1);
	say_is(web.visits[1].number, HTTP_CLOSED);
	run_ms(100);
	assert_int_equal(web.n, EDGE_OFFERS_MAX + 2);
	say_is(web.visits[0].number, HTTP_CLOSED);      /* was no offer any more */
	run_ms(100);
	assert_int_equal(web.n, EDGE_OFFERS_MAX + 2);
	world_end();
}

/* It dies with what it had; who comes meanwhile is served by the next. */
static void test_restart(void **state)
{
	struct client c[3], more;

	begin(MANY);
	for (unsigned i = 0; i < 3; i++)
		client_open(&c[i], "10.0.0.1:80");
	run_ms(100);
	sim_kill(web.frame->os);
	run_ms(1);
	client_open(&more, "10.0.0.1:80");
	client_expect_closed(&c[0]);
	run_ms(2000);
	assert_int_equal(web.n, 1);
	assert_false(more.closed);
	say_is(web.visits[0].number - 1, HTTP_CLOSED);  /* of the life before */
	assert_false(more.closed);
	world_end();
}

/* A web that breaks the protocol is heard no more; the edge, which may not accuse it, goes
 * on with mail. */
static void test_captured(void **state)
{
	struct client c;
	struct os *os;

	begin("");
	os = edge_os();
	say_is(1, HTTP_CLOSED + 1);
	run_ms(2000);
	assert_ptr_equal(edge_os(), os);
	assert_true(sim_process_alive(web.frame->os));
	client_open(&c, "10.0.0.1:25");
	client_expect(&c, "220 ");
	client_close(&c);
	world_end();
}

static void test_drain(void **state)
{
	struct client c;

	begin("");
	client_open(&c, "10.0.0.1:80");
	run_ms(100);
	keeper_drain(world.keeper, 60 * 1000);
	run_ms(1000);
	assert_true(world.ended);
	world_end();
}

UNIT_TESTS(cmocka_unit_test(test_hand_over), cmocka_unit_test(test_shares),
    cmocka_unit_test(test_slow), cmocka_unit_test(test_restart),
    cmocka_unit_test(test_captured), cmocka_unit_test(test_drain))
