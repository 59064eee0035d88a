/* role/router_settle_test.c - a mock's web asks the router whether all is delivered that was
 * answered 250. See router_world_test.h. */
#include "role/router_world_test.h"

enum { ANSWERS_MAX = 16 };

static const char mock[] = "mock = yes\ndomains = mock.example\nrelay = no\nlisten.http = 10.0.0.1:8025\n"
    "journal.size = 64M\njournal.segment = 4M\n";

/* The web that asks. */
static struct asker {
	struct frame *frame;            /* NULL while it is down */
	uint64_t answers[ANSWERS_MAX];
	bool durable[ANSWERS_MAX];      /* was all of it, when that answer came? */
	size_t n;
} web;

static bool web_message(struct frame *f, struct ipc_channel *peer, struct ipc_message *m)
{
	if (m->type != IPC_SETTLED)
		return true;
	assert_true(web.n < ANSWERS_MAX);
	web.durable[web.n] = all_durable();
	web.answers[web.n++] = get_u64(&m->body);
	return bytes_end(&m->body);
}

static const struct frame_handler web_handler = { .keeper = on_keeper, .start = frame_ready,
    .drain = on_drain, .peer_left = bystander_left, .peer_message = web_message };

static void web_gone(void *arg)
{
	if (web.frame == arg)
		web.frame = NULL;
}

void web_start(struct os *os, int channel, unsigned index)
{
	web.frame = heap_new(os_heap(os), struct frame);
	heap_on_drop(os_heap(os), web_gone, web.frame);
	frame_init(web.frame, os, ROLE_WEB, index, channel, &web_handler, web.frame);
}

static void ask(uint64_t request)
{
	struct ipc_channel *router = frame_peer(web.frame, ROLE_ROUTER, 0);

	put_u64(ipc_begin(router, IPC_SETTLE), request);
	ipc_end(router, -1);
}

static void begin(uint64_t seed)
{
	web = (struct asker){ 0 };
	world_begin(seed, mock);
	assert_non_null(web.frame);
}

static void hold(enum answer answer)
{
	world.answer = answer;
	for (size_t i = 0; i < STORES; i++)
		world.stores[i]->answer = answer;
}

static void test_nothing(void **state)
{
	begin(31);
	ask(7);
	run_ms(100);
	assert_int_equal(web.n, 1);
	assert_int_equal(web.answers[0], 7);
	edge_send(3, 100);
	assert_all_durable(5000);
	ask(8);
	run_ms(100);
	assert_int_equal(web.n, 2);
	world_end();
}

/* Asked before the router has read what was announced. */
static void test_announced(void **state)
{
	begin(32);
	for (uint64_t i = 1; i <= 10; i++) {
		edge_send(5, 3000);
		run_ms(1);              /* the edge's word is on its way first */
		ask(i);
		run_ms(2000);
		assert_int_equal(web.n, i);
		assert_int_equal(web.answers[i - 1], i);
		assert_true(web.durable[i - 1]);
	}
	world_end();
}

/* The first `n` of what a store holds. */
static void release_some(struct store_stand_in *s, unsigned n)
{
	unsigned held = s->n_held;

	s->n_held = n;
	store_release(s);
	for (unsigned i = n; i < held; i++)
		s->held[s->n_held++] = s->held[i];
}

/* It waits for what was there when it was asked, and for nothing that came later. */
static void test_held(void **state)
{
	unsigned first[STORES];

	begin(33);
	hold(ANSWER_HOLD);
	edge_send(2, 100);
	run_ms(1000);
	ask(1);
	ask(2);
	run_ms(5000);
	assert_int_equal(web.n, 0);
	for (size_t i = 0; i < STORES; i++)
		first[i] = world.stores[i]->n_held;
	edge_send(1, 100);
	run_ms(1000);
	ask(3);
	run_ms(1000);
	assert_int_equal(web.n, 0);
	for (size_t i = 0; i < STORES; i++)
		release_some(world.stores[i], first[i]);
	run_ms(1000);
	assert_int_equal(web.n, 2);
	assert_int_equal(web.answers[0], 1);
	assert_int_equal(web.answers[1], 2);
	for (size_t i = 0; i < STORES; i++)
		store_release(world.stores[i]);
	run_ms(1000);
	assert_int_equal(web.n, 3);
	assert_true(web.durable[2]);
	world_end();
}

/* What a web asked that died is nobody's; a router that died has forgotten it, and the next
 * one answers for what it reads again. */
static void test_deaths(void **state)
{
	begin(34);
	hold(ANSWER_HOLD);
	edge_send(2, 100);
	run_ms(1000);
	ask(1);
	run_ms(100);
	sim_kill(process("web"));
	run_ms(5000);
	assert_non_null(web.frame);
	ask(2);
	run_ms(1000);
	assert_int_equal(web.n, 0);
	for (size_t i = 0; i < STORES; i++)
		store_release(world.stores[i]);
	run_ms(1000);
	assert_int_equal(web.n, 1);
	assert_int_equal(web.answers[0], 2);
	edge_send(2, 100);
	run_ms(1000);
	ask(3);
	run_ms(100);
	sim_kill(process("router"));
	hold(ANSWER_DURABLE);
	run_ms(10000);
	assert_int_equal(web.n, 1);
	ask(4);
	run_ms(5000);
	assert_int_equal(web.n, 2);
	assert_int_equal(web.answers[1], 4);
	assert_true(web.durable[1]);
	world_end();
}

UNIT_TESTS(cmocka_unit_test(test_nothing), cmocka_unit_test(test_announced),
    cmocka_unit_test(test_held), cmocka_unit_test(test_deaths))
