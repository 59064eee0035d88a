/* ipc/channel_test.c - two ends in a simulated world, and a liar at one of them. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "ipc/channel.h"
#include "os/os_faulty.h"
#include "os/os_sim.h"

static const uint8_t ip[4] = { 127, 0, 0, 1 };

enum { SEEN_MAX = 8192 };

/* One end, and what came to it. */
struct end {
	struct ipc_channel *channel;
	size_t n;
	uint64_t cookies[SEEN_MAX];
	size_t bytes;
	int fd;                         /* the last one that came */
	bool refuse, destroy, take;
	unsigned closed, rooms;
	bool broken;
};

struct pair {
	struct sim *sim;
	struct os *os;
	int fds[2];
	struct end keeper, edge;
};

static bool on_message(struct ipc_channel *channel, struct ipc_message *message)
{
	struct end *e = ipc_owner(channel);

	e->bytes += IPC_HEADER + message->body.rest.len;
	if (message->type == IPC_PING)
		e->cookies[e->n] = get_u64(&message->body);
	e->n++;
	if (e->take)
		e->fd = ipc_take_fd(message);
	if (e->destroy) {
		e->channel = NULL;
		ipc_channel_destroy(channel);
	}
	return !e->refuse;
}

static void on_closed(struct ipc_channel *channel, bool broken)
{
	struct end *e = ipc_owner(channel);

	e->closed++;
	e->broken = broken;
}

static void on_room(struct ipc_channel *channel)
{
	((struct end *)ipc_owner(channel))->rooms++;
}

static const struct ipc_handler handler = { on_message, on_closed };

static struct pair pair_create(void)
{
	struct pair p = { .sim = sim_create(1) };

	p.os = sim_process_create(sim_host_create(p.sim, "a", ip, 1 << 20), "test");
	assert_int_equal(os_channel_pair(p.os, p.fds), 0);
	p.keeper.fd = p.edge.fd = -1;
	return p;
}

static void pair_open(struct pair *p, bool edge_is_raw)
{
	p->keeper.channel = ipc_channel_create(p->os, p->fds[0], ROLE_KEEPER, 0, ROLE_EDGE, 3,
	    &handler, &p->keeper);
	if (!edge_is_raw)
		p->edge.channel = ipc_channel_create(p->os, p->fds[1], ROLE_EDGE, 3,
		    ROLE_KEEPER, 0, &handler, &p->edge);
}

static void pair_run(struct pair *p)
{
	sim_run_until(p->sim, sim_now_us(p->sim) + 1000 * 1000);
}

static void pair_destroy(struct pair *p)
{
	ipc_channel_destroy(p->keeper.channel);
	ipc_channel_destroy(p->edge.channel);
	sim_destroy(p->sim);
}

static void ping(struct ipc_channel *channel, uint64_t cookie)
{
	put_u64(ipc_begin(channel, IPC_PING), cookie);
	ipc_end(channel, -1);
}

static void test_in_order(void **state)
{
	struct pair p = pair_create();

	pair_open(&p, false);
	for (uint64_t i = 0; i < 1000; i++)
		ping(p.keeper.channel, i);
	pair_run(&p);
	assert_int_equal(p.edge.n, 1000);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(p.edge.cookies[i], i);
	assert_int_equal(p.edge.closed, 0);
	pair_destroy(&p);
}

/* All of one turn leaves in one packet, when it fits. */
static void test_batch(void **state)
{
	struct pair p = pair_create();
	unsigned char packet[IPC_PACKET_MAX];
	int fds[IPC_FDS_MAX];
	size_t n_fds;

	pair_open(&p, true);
	for (uint64_t i = 0; i < 100; i++)
		ping(p.keeper.channel, i);
	pair_run(&p);
	assert_int_equal(os_channel_receive(p.os, p.fds[1], packet, sizeof packet, fds, &n_fds),
	    IPC_HEADER + 5 + 100 * (IPC_HEADER + 8));
	assert_int_equal(os_channel_receive(p.os, p.fds[1], packet, sizeof packet, fds, &n_fds),
	    -EAGAIN);
	pair_destroy(&p);
}

/* Descriptors arrive with their message, also when there are more than a packet
 * takes; those that nobody takes are closed. */
static void test_descriptors(void **state)
{
	struct pair p = pair_create();
	size_t open_before;

	pair_open(&p, false);
	open_before = sim_descriptors(p.os);
	for (unsigned i = 0; i < 3 * IPC_FDS_MAX + 1; i++) {
		ipc_begin(p.keeper.channel, IPC_LOG);
		ipc_end(p.keeper.channel, os_open(p.os, OS_ROOT, "log", OS_WRITE | OS_CREATE));
	}
	pair_run(&p);
	assert_int_equal(p.edge.n, 3 * IPC_FDS_MAX + 1);
	assert_int_equal(sim_descriptors(p.os), open_before);
	p.edge.take = true;
	ipc_begin(p.keeper.channel, IPC_LOG);
	ipc_end(p.keeper.channel, os_open(p.os, OS_ROOT, "log", OS_WRITE));
	pair_run(&p);
	assert_true(p.edge.fd >= 0);
	assert_int_equal(os_pwrite(p.os, p.edge.fd, slice_lit("x"), 0), 0);
	assert_int_equal(sim_descriptors(p.os), open_before + 1);
	pair_destroy(&p);
}

/* ---- credit ---- */

static void config(struct ipc_channel *channel, size_t len)
{
	static const unsigned char zeros[IPC_BODY_MAX];

	buffer_add(ipc_begin(channel, IPC_CONFIG), slice_of(zeros, len));
	ipc_end(channel, -1);
}

static void test_credit(void **state)
{
	struct pair p = pair_create();
	size_t sent = 0;

	pair_open(&p, false);
	assert_int_equal(ipc_room(p.keeper.channel), IPC_WINDOW);
	while (ipc_room(p.keeper.channel) > 0) {
		config(p.keeper.channel, 60 * 1000);
		sent++;
	}
	assert_int_equal(sent, IPC_WINDOW / (60 * 1000 + IPC_HEADER) + 1);
	ipc_on_room(p.keeper.channel, on_room);
	assert_int_equal(p.keeper.rooms, 0);    /* never from inside the call */
	pair_run(&p);
	assert_int_equal(p.edge.n, sent);
	assert_int_equal(p.keeper.rooms, 1);
	assert_true(ipc_room(p.keeper.channel) >= IPC_WINDOW - IPC_CREDIT_AFTER);
	ipc_on_room(p.keeper.channel, on_room); /* there is room: soon */
	pair_run(&p);
	assert_int_equal(p.keeper.rooms, 2);
	pair_destroy(&p);
}

/* A peer that takes nothing is ended, before it costs more than the limit. */
static void test_queue_limit(void **state)
{
	struct pair p = pair_create();

	pair_open(&p, true);
	for (size_t i = 0; i < IPC_QUEUE_MAX / (100 * 1000) + 40; i++) {
		config(p.keeper.channel, 100 * 1000);
		if (i % 10 == 0)
			pair_run(&p);
	}
	assert_true(heap_used(os_heap(p.os)) < 3 * (size_t)IPC_QUEUE_MAX);
	pair_run(&p);
	assert_int_equal(p.keeper.closed, 1);
	assert_true(p.keeper.broken);
	assert_int_equal(ipc_room(p.keeper.channel), 0);
	config(p.keeper.channel, 10);           /* goes nowhere, and does no harm */
	pair_run(&p);
	assert_int_equal(p.keeper.closed, 1);
	pair_destroy(&p);
}

/* ---- ends ---- */

static void test_last_words(void **state)
{
	struct pair p = pair_create();

	pair_open(&p, false);
	pair_run(&p);
	put_slice(ipc_begin(p.edge.channel, IPC_FATAL), slice_lit("no disk"));
	ipc_end(p.edge.channel, -1);
	ipc_flush(p.edge.channel);
	ipc_channel_destroy(p.edge.channel);
	p.edge.channel = NULL;
	ping(p.keeper.channel, 1);              /* fails: nobody is there */
	pair_run(&p);
	assert_int_equal(p.keeper.n, 1);
	assert_int_equal(p.keeper.closed, 1);
	assert_false(p.keeper.broken);
	pair_destroy(&p);
}

/* No descriptor is left to send with, or to take with: the end that it befell knows. */
static void test_lost_here(void **state)
{
	for (unsigned n = 1; n <= 2; n++) {
		struct pair p = pair_create();
		struct os_faulty faulty;

		pair_open(&p, false);
		pair_run(&p);
		os_faulty_wrap(&faulty, p.os);
		os_faulty_arm(&faulty, FAULT_CHANNEL, n, -EMFILE);
		ping(p.keeper.channel, 1);
		pair_run(&p);
		assert_int_equal(p.edge.n, 0);
		assert_int_equal(p.keeper.closed + p.edge.closed, 2);
		assert_false(p.keeper.broken || p.edge.broken);
		assert_int_equal(ipc_error(p.keeper.channel), n == 1 ? -EMFILE : 0);
		assert_int_equal(ipc_error(p.edge.channel), n == 2 ? -EMFILE : 0);
		os_faulty_unwrap(&faulty);
		pair_destroy(&p);
	}
}

static void test_destroy_in_handler(void **state)
{
	struct pair p = pair_create();

	pair_open(&p, false);
	p.edge.destroy = true;
	for (uint64_t i = 0; i < 10; i++)
		ping(p.keeper.channel, i);
	pair_run(&p);
	assert_int_equal(p.edge.n, 1);
	assert_int_equal(p.edge.closed, 0);     /* it did it itself */
	assert_int_equal(p.keeper.closed, 1);
	pair_destroy(&p);
}

static void test_refused(void **state)
{
	struct pair p = pair_create();

	pair_open(&p, false);
	p.edge.refuse = true;
	ping(p.keeper.channel, 1);
	ping(p.keeper.channel, 2);
	pair_run(&p);
	assert_int_equal(p.edge.n, 1);
	assert_int_equal(p.edge.closed, 1);
	assert_true(p.edge.broken);
	assert_int_equal(p.keeper.closed, 1);
	assert_false(p.keeper.broken);
	pair_destroy(&p);
}

/* ---- a liar ---- */

static void say(struct buffer *b, unsigned type, size_t len, slice body)
{
	put_u32(b, (uint32_t)len);
	put_u8(b, (uint8_t)type);
	put_u8(b, 0);
	buffer_add(b, body);
}

static void hello(struct buffer *b, unsigned version, unsigned kind, unsigned index)
{
	say(b, IPC_HELLO, 5, (slice){ 0 });
	put_u16(b, (uint16_t)version);
	put_u8(b, (uint8_t)kind);
	put_u16(b, (uint16_t)index);
}

static void lie_without_hello(struct buffer *b) { say(b, IPC_READY, 0, (slice){ 0 }); }
static void lie_version(struct buffer *b) { hello(b, IPC_VERSION + 1, ROLE_EDGE, 3); }
static void lie_kind(struct buffer *b) { hello(b, IPC_VERSION, ROLE_STORE, 3); }
static void lie_index(struct buffer *b) { hello(b, IPC_VERSION, ROLE_EDGE, 2); }

static void lie_hello_twice(struct buffer *b)
{
	hello(b, IPC_VERSION, ROLE_EDGE, 3);
	hello(b, IPC_VERSION, ROLE_EDGE, 3);
}

static void lie_short_hello(struct buffer *b)
{
	say(b, IPC_HELLO, 4, slice_lit("\1\0\1\3"));
}

static void lie_credit(struct buffer *b)
{
	hello(b, IPC_VERSION, ROLE_EDGE, 3);
	say(b, IPC_CREDIT, 4, slice_lit("\1\0\0\0"));   /* of nothing that was sent */
}

static void lie_type(struct buffer *b)
{
	hello(b, IPC_VERSION, ROLE_EDGE, 3);
	say(b, IPC_BROKEN, 3, slice_lit("\3\0\0"));
}

static void lie_split(struct buffer *b)
{
	hello(b, IPC_VERSION, ROLE_EDGE, 3);
	say(b, IPC_PONG, 8, slice_lit("1234"));
}

static void no_lie(struct buffer *b)
{
	hello(b, IPC_VERSION, ROLE_EDGE, 3);
	say(b, IPC_PONG, 8, slice_lit("12345678"));
}

static const struct {
	const char *name;
	void (*say)(struct buffer *b);
	bool broken;
} lies[] = {
	{ "no lie", no_lie, false },
	{ "no hello", lie_without_hello, true },
	{ "another version", lie_version, true },
	{ "another role", lie_kind, true },
	{ "another number", lie_index, true },
	{ "hello twice", lie_hello_twice, true },
	{ "short hello", lie_short_hello, true },
	{ "credit for nothing", lie_credit, true },
	{ "what it may not say", lie_type, true },
	{ "split over packets", lie_split, true },
};

static void test_lies(void **state)
{
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		struct pair p = pair_create();
		struct buffer b = buffer_init(os_heap(p.os), IPC_PACKET_MAX);

		pair_open(&p, true);
		lies[i].say(&b);
		assert_int_equal(os_channel_send(p.os, p.fds[1], buffer_bytes(&b), NULL, 0), 0);
		pair_run(&p);
		if (p.keeper.closed != lies[i].broken || p.keeper.broken != lies[i].broken)
			fail_msg("%s: closed %u, broken %d", lies[i].name, p.keeper.closed,
			    p.keeper.broken);
		assert_int_equal(p.keeper.n, !lies[i].broken);
		buffer_free(&b);
		pair_destroy(&p);
	}
}

/* A descriptor that no message claims breaks the rule, and is closed. */
static void test_stray_descriptor(void **state)
{
	struct pair p = pair_create();
	struct buffer b = buffer_init(os_heap(p.os), IPC_PACKET_MAX);
	size_t open_before;
	int fd;

	pair_open(&p, true);
	open_before = sim_descriptors(p.os);
	fd = os_open(p.os, OS_ROOT, "file", OS_WRITE | OS_CREATE);
	no_lie(&b);
	assert_int_equal(os_channel_send(p.os, p.fds[1], buffer_bytes(&b), &fd, 1), 0);
	os_close(p.os, fd);
	pair_run(&p);
	assert_true(p.keeper.broken);
	assert_int_equal(sim_descriptors(p.os), open_before - 1);       /* its own end, too */
	pair_destroy(&p);
}

UNIT_TESTS(cmocka_unit_test(test_in_order), cmocka_unit_test(test_batch),
    cmocka_unit_test(test_descriptors), cmocka_unit_test(test_credit),
    cmocka_unit_test(test_queue_limit), cmocka_unit_test(test_last_words),
    cmocka_unit_test(test_lost_here), cmocka_unit_test(test_destroy_in_handler), cmocka_unit_test(test_refused),
    cmocka_unit_test(test_lies), cmocka_unit_test(test_stray_descriptor))
