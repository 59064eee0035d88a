/* role/frame_test.c - a role and a keeper that may lie: what the frame takes. */
#include "unit.h"

#include "base/limits.h"
#include "os/os_sim.h"
#include "role/frame.h"
#include "role/role.h"

#define CONFIG "hostname = a.example\nedges = 1\nstores = 1\n"

/* The roles of the table are not run here. */
void edge_start(struct os *os, int channel, unsigned index) { }
void directory_start(struct os *os, int channel, unsigned index) { }
void router_start(struct os *os, int channel, unsigned index) { }
void store_start(struct os *os, int channel, unsigned index) { }
void relay_start(struct os *os, int channel, unsigned index) { }
void resolver_start(struct os *os, int channel, unsigned index) { }

struct stage {
	struct sim *sim;
	struct os *keeper_os, *os;
	struct ipc_channel *keeper;     /* our end */
	struct frame frame;
	unsigned started, reloads, drains, joined, left, closed, got[IPC_TYPES];
	bool broken;
	bool fails;                     /* it can't start */
	bool late;                      /* a test says when it is ready */
};

static void on_start(struct frame *f)
{
	struct stage *s = f->owner;

	s->started++;
	assert_non_null(f->config);
	if (s->fails)
		frame_fatal(f, "no disk");
	else if (!s->late)
		frame_ready(f);
}

static void on_reload(struct frame *f) { ((struct stage *)f->owner)->reloads++; }

static void on_drain(struct frame *f, uint32_t grace_ms)
{
	((struct stage *)f->owner)->drains++;
	frame_drained(f);
}

static void on_joined(struct frame *f, struct ipc_channel *peer)
{
	((struct stage *)f->owner)->joined++;
}

static void on_left(struct frame *f, struct ipc_channel *peer)
{
	((struct stage *)f->owner)->left++;
}

static bool on_peer(struct frame *f, struct ipc_channel *peer, struct ipc_message *m)
{
	return true;
}

static void on_count(struct frame *f, uint64_t values[COUNTERS])
{
}

static const struct frame_handler handler = { NULL, on_start, on_reload, on_drain, on_joined,
	on_left, on_peer, on_count };

static bool on_message(struct ipc_channel *channel, struct ipc_message *message)
{
	((struct stage *)ipc_owner(channel))->got[message->type]++;
	return true;
}

static void on_closed(struct ipc_channel *channel, bool broken)
{
	((struct stage *)ipc_owner(channel))->closed++;
}

static const struct ipc_handler keeper_handler = { on_message, on_closed };

static void start_store(struct os *os, int channel, unsigned index);
static const struct os_program program = { "store", start_store, { .files = true } };
static struct stage *staged;            /* start functions are given no owner */

static void start_store(struct os *os, int channel, unsigned index)
{
	staged->os = os;
	frame_init(&staged->frame, os, ROLE_STORE, index, channel, &handler, staged);
}

static void on_exited(struct os_child *child, int status, int signo)
{
}

static void begin(struct stage *s, struct os_child *child)
{
	static const uint8_t ip[4] = { 127, 0, 0, 1 };
	int fds[2];

	memset(s, 0, sizeof *s);
	staged = s;
	s->sim = sim_create(3);
	s->keeper_os = sim_process_create(sim_host_create(s->sim, "a", ip, 1 << 20), "keeper");
	assert_int_equal(os_channel_pair(s->keeper_os, fds), 0);
	s->keeper = ipc_channel_create(s->keeper_os, fds[0], ROLE_KEEPER, 0, ROLE_STORE, 0,
	    &keeper_handler, s);
	*child = (struct os_child){ .exited = on_exited };
	assert_int_equal(os_spawn(s->keeper_os, child, &program, 0, fds[1]), 0);
}

static void run(struct stage *s)
{
	sim_run_until(s->sim, sim_now_us(s->sim) + 1000 * 1000);
}

static int any_fd(struct stage *s)
{
	int fds[2];

	assert_int_equal(os_channel_pair(s->keeper_os, fds), 0);
	return fds[0];
}

/* ---- what a keeper says ---- */

static void say_config(struct stage *s, const char *text, bool root)
{
	put_slice(ipc_begin(s->keeper, IPC_CONFIG), slice_from(text));
	ipc_end(s->keeper, root ? os_open(s->keeper_os, OS_ROOT, "r", OS_WRITE | OS_CREATE) : -1);
}

static void say_good_config(struct stage *s) { say_config(s, CONFIG, false); }
static void say_other_config(struct stage *s) { say_config(s, CONFIG "domains = b.c\n", false); }
static void say_bad_config(struct stage *s) { say_config(s, "nonsense\n", false); }
static void say_root(struct stage *s) { say_config(s, CONFIG, true); }

static void say_start(struct stage *s)
{
	struct buffer *out = ipc_begin(s->keeper, IPC_START);

	put_u64(out, UINT64_MAX);
	put_u64(out, UINT64_MAX);
	ipc_end(s->keeper, -1);
}

static void say_empty_start(struct stage *s)
{
	ipc_send(s->keeper, IPC_START);
}

static void give_peer(struct stage *s, unsigned kind, unsigned index, int fd)
{
	struct buffer *out = ipc_begin(s->keeper, IPC_PEER);

	put_u8(out, (uint8_t)kind);
	put_u16(out, (uint16_t)index);
	ipc_end(s->keeper, fd);
}

static void say_peer(struct stage *s, unsigned kind, unsigned index)
{
	give_peer(s, kind, index, any_fd(s));
}

static void say_edge(struct stage *s) { say_peer(s, ROLE_EDGE, EDGES_MAX - 1); }
static void say_edge_too_many(struct stage *s) { say_peer(s, ROLE_EDGE, EDGES_MAX); }
static void say_second_router(struct stage *s) { say_peer(s, ROLE_ROUTER, 1); }
static void say_keeper_as_peer(struct stage *s) { say_peer(s, ROLE_KEEPER, 0); }
static void say_no_such_kind(struct stage *s) { say_peer(s, ROLE_KINDS, 0); }

static void say_hold(struct stage *s)
{
	ipc_begin(s->keeper, IPC_HOLD);
	ipc_end(s->keeper, any_fd(s));
}

static void say_drain(struct stage *s)
{
	put_u32(ipc_begin(s->keeper, IPC_DRAIN), 1000);
	ipc_end(s->keeper, -1);
}

static void say_ping(struct stage *s)
{
	put_u64(ipc_begin(s->keeper, IPC_PING), 7);
	ipc_end(s->keeper, -1);
}

typedef void said(struct stage *s);

static const struct {
	const char *name;
	said *words[6];
	bool ends;                      /* the role ends itself */
	unsigned ready, drained, pongs, fatal, reloads, joined, left;
} cases[] = {
	{ "start", { say_good_config, say_start }, .ready = 1 },
	{ "start with peers", { say_good_config, say_edge, say_start }, .ready = 1,
	    .joined = 1 },
	{ "a peer that is replaced before", { say_good_config, say_edge, say_edge, say_start },
	    .ready = 1, .joined = 1 },
	{ "a peer that is replaced after", { say_good_config, say_edge, say_start, say_edge },
	    .ready = 1, .joined = 2, .left = 1 },
	{ "ping before and after", { say_ping, say_good_config, say_start, say_ping },
	    .ready = 1, .pongs = 2 },
	{ "the same configuration", { say_good_config, say_start, say_good_config },
	    .ready = 1 },
	{ "another configuration", { say_good_config, say_start, say_other_config },
	    .ready = 1, .reloads = 1 },
	{ "another before start", { say_good_config, say_other_config, say_start },
	    .ready = 1 },
	{ "drain", { say_good_config, say_start, say_drain, say_drain }, .ready = 1,
	    .drained = 1 },
	{ "drain before start", { say_good_config, say_drain }, .drained = 1 },
	{ "start without configuration", { say_start }, .ends = true },
	{ "start without users", { say_good_config, say_empty_start }, .ends = true },
	{ "start twice", { say_good_config, say_start, say_start }, .ends = true, .ready = 1 },
	{ "configuration with a fault", { say_bad_config, say_start }, .ends = true,
	    .fatal = 1 },
	{ "a root after start", { say_good_config, say_start, say_root }, .ends = true,
	    .ready = 1 },
	{ "an edge too many", { say_edge_too_many }, .ends = true },
	{ "a second router", { say_second_router }, .ends = true },
	{ "the keeper as a peer", { say_keeper_as_peer }, .ends = true },
	{ "no such kind", { say_no_such_kind }, .ends = true },
	{ "hold", { say_hold, say_good_config, say_start }, .ready = 1 },
	{ "hold twice", { say_hold, say_hold }, .ends = true },
};

static void test_keeper_says(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct os_child child;
		struct stage s;
		bool as_wanted;

		begin(&s, &child);
		for (size_t j = 0; j < 6 && cases[i].words[j] != NULL; j++) {
			cases[i].words[j](&s);
			run(&s);
		}
		as_wanted = sim_process_alive(s.os) == !cases[i].ends &&
		    s.got[IPC_READY] == cases[i].ready && s.started == cases[i].ready &&
		    s.got[IPC_DRAINED] == cases[i].drained &&
		    s.got[IPC_PONG] == cases[i].pongs &&
		    s.got[IPC_FATAL] == cases[i].fatal && s.reloads == cases[i].reloads &&
		    s.joined == cases[i].joined && s.left == cases[i].left;
		if (!as_wanted)
			fail_msg("%s: alive %d, ready %u, drained %u, pongs %u, fatal %u, reloads "
			    "%u, joined %u, left %u", cases[i].name, sim_process_alive(s.os),
			    s.got[IPC_READY], s.got[IPC_DRAINED], s.got[IPC_PONG],
			    s.got[IPC_FATAL], s.reloads, s.joined, s.left);
		sim_destroy(s.sim);
	}
}

/* What came with the start is not heard by a role that could not make itself. */
static void test_fatal_start(void **state)
{
	struct os_child child;
	struct stage s;

	begin(&s, &child);
	s.fails = true;
	say_good_config(&s);
	say_edge(&s);
	say_start(&s);
	say_other_config(&s);
	say_edge(&s);
	say_drain(&s);
	run(&s);
	assert_int_equal(s.started, 1);
	assert_int_equal(s.got[IPC_FATAL], 1);
	assert_int_equal(s.reloads + s.joined + s.left + s.drains, 0);
	assert_false(sim_process_alive(s.os));
	sim_destroy(s.sim);
}

/* A web that it has a channel to: what comes over it counts in got[]. */
static struct ipc_channel *join_web(struct stage *s)
{
	int fds[2];

	assert_int_equal(os_channel_pair(s->keeper_os, fds), 0);
	give_peer(s, ROLE_WEB, 0, fds[1]);
	return ipc_channel_create(s->keeper_os, fds[0], ROLE_WEB, 0, ROLE_STORE, 0,
	    &keeper_handler, s);
}

/* The web hears of a role when that is ready, not before; and so does the next web. */
static void test_counters(void **state)
{
	struct os_child child;
	struct stage s;
	unsigned heard;

	begin(&s, &child);
	s.late = true;
	say_good_config(&s);
	join_web(&s);
	say_start(&s);
	for (unsigned i = 0; i < 2 * COUNTERS_MS / 1000; i++)
		run(&s);
	assert_int_equal(s.joined, 1);
	assert_int_equal(s.got[IPC_COUNTERS], 0);
	frame_ready(&s.frame);
	run(&s);
	assert_int_equal(s.got[IPC_COUNTERS], 1);
	for (unsigned i = 0; i < 2 * COUNTERS_MS / 1000; i++)
		run(&s);
	heard = s.got[IPC_COUNTERS];
	assert_true(heard > 1);
	join_web(&s);
	run(&s);
	assert_true(s.got[IPC_COUNTERS] > heard);
	sim_destroy(s.sim);
}

/* Without a keeper a role ends. */
static void test_keeper_gone(void **state)
{
	struct os_child child;
	struct stage s;

	begin(&s, &child);
	say_good_config(&s);
	say_start(&s);
	run(&s);
	assert_true(sim_process_alive(s.os));
	ipc_channel_destroy(s.keeper);
	run(&s);
	assert_false(sim_process_alive(s.os));
	assert_int_equal(sim_process_status(s.os), 0);
	sim_destroy(s.sim);
}

/* Every role has a program, of its own name. Who speaks with strangers' servers to
 * find names, or takes connections, opens no file; only two connect out. */
static void test_programs(void **state)
{
	const struct config server = { 0 }, mock = { .mock = true }, lab = { .lab = true };

	assert_null(role_program(ROLE_KEEPER));
	assert_null(role_program_named(slice_lit("keeper")));
	for (unsigned kind = ROLE_EDGE; kind < ROLE_KINDS; kind++) {
		const struct os_program *p = role_program((enum role_kind)kind);

		assert_string_equal(p->name, role_kind_name((enum role_kind)kind));
		assert_ptr_equal(role_program_named(slice_from(p->name)), p);
		assert_int_equal(p->may.network_connect, kind == ROLE_RELAY ||
		    kind == ROLE_RESOLVER);
		assert_int_equal(p->may.network_datagrams, kind == ROLE_RESOLVER);
		assert_int_equal(p->may.files, kind != ROLE_EDGE && kind != ROLE_RESOLVER);
		assert_int_equal(p->may.files_write, p->may.files && kind != ROLE_WEB);
		assert_int_equal(p->may.network_accept, kind == ROLE_EDGE ||
		    kind == ROLE_DIRECTORY);
		/* The web of a server has no files. */
		assert_int_equal(role_may((enum role_kind)kind, &server).files, p->may.files &&
		    kind != ROLE_WEB);
		assert_int_equal(role_may((enum role_kind)kind, &mock).files, p->may.files);
		assert_int_equal(role_may((enum role_kind)kind, &lab).files, p->may.files);
		assert_int_equal(role_may((enum role_kind)kind, &server).memory_files, false);
	}
}

UNIT_TESTS(cmocka_unit_test(test_keeper_says), cmocka_unit_test(test_fatal_start),
    cmocka_unit_test(test_counters), cmocka_unit_test(test_keeper_gone),
    cmocka_unit_test(test_programs))
