/* role/keeper_test.c - the keeper and the frame, with small roles of our own in
 * a simulated world: mesh, order, restart, watch, reload, drain. */
#include "unit.h"

#include <stdio.h>

#include "base/limits.h"
#include "os/os_sim.h"
#include "role/frame.h"
#include "role/keeper.h"
#include "role/role.h"

enum { SILENCE_MS = 120 * 1000 };       /* watch.silence by default */
enum { STORES = 2, EDGES = 2, ROLES = 4 + STORES + EDGES, EVENTS = 4096 };     /* without the web */

/* How the roles of one kind behave. */
struct manner {
	bool fatal;                     /* says so at START */
	bool dies;                      /* at START, without a word */
	bool never_drains;
	bool deaf;                      /* answers no PING */
};

struct fake {
	struct frame frame;
	struct ipc_channel *raw;        /* of a deaf one */
	unsigned joined, left, reloads, listeners, unlistens, certificates;
};

/* What the start functions find: they are given nothing else. */
static struct world {
	struct sim *sim;
	struct sim_host *host;
	struct os *os;
	struct keeper *keeper;
	struct keeper_inputs inputs;
	struct heap *heap;
	struct arena arena;
	struct config config;
	struct manner manners[ROLE_KINDS];
	struct fake *fakes[ROLE_KINDS][STORES];
	unsigned starts[ROLE_KINDS][STORES];
	char events[EVENTS];            /* "directory " of READYs and drains, in order */
	unsigned ready, ended;
	char failure[200];
} world;

static void note(const char *word, enum role_kind kind)
{
	size_t len = strlen(world.events);

	snprintf(world.events + len, sizeof world.events - len, "%s%s ", word,
	    role_kind_name(kind));
}

/* ---- the small roles ---- */

static struct manner *manner_of(const struct frame *f)
{
	return &world.manners[f->kind];
}

static void on_start(struct frame *f)
{
	world.starts[f->kind][f->index]++;
	if (manner_of(f)->fatal) {
		frame_fatal(f, "no %s here", "disk");
	} else if (manner_of(f)->dies) {
		os_stop(f->os, 3);
	} else {
		note("", f->kind);
		frame_ready(f);
	}
}

static void on_reload(struct frame *f)
{
	((struct fake *)f->owner)->reloads++;
}

static void on_drain(struct frame *f, uint32_t grace_ms)
{
	note("-", f->kind);
	if (!manner_of(f)->never_drains)
		frame_drained(f);
}

static void on_joined(struct frame *f, struct ipc_channel *peer)
{
	((struct fake *)f->owner)->joined++;
	assert_true(f->started);
	assert_ptr_equal(frame_peer(f, ipc_peer_kind(peer), ipc_peer_index(peer)), peer);
}

static void on_left(struct frame *f, struct ipc_channel *peer)
{
	((struct fake *)f->owner)->left++;
	assert_null(frame_peer(f, ipc_peer_kind(peer), ipc_peer_index(peer)));
}

static bool on_peer_message(struct frame *f, struct ipc_channel *peer, struct ipc_message *m)
{
	return false;                   /* nobody should speak here */
}

static bool on_keeper(struct frame *f, struct ipc_message *m)
{
	struct fake *fake = f->owner;

	fake->listeners += m->type == IPC_LISTENER;
	fake->unlistens += m->type == IPC_UNLISTEN;
	fake->certificates += m->type == IPC_CERTIFICATE;
	return true;
}

static const struct frame_handler handler = { on_keeper, on_start, on_reload, on_drain,
	on_joined, on_left, on_peer_message };

static bool deaf_message(struct ipc_channel *channel, struct ipc_message *message)
{
	if (message->type == IPC_START)
		ipc_send(channel, IPC_READY);
	return true;
}

static void deaf_closed(struct ipc_channel *channel, bool broken)
{
}

static const struct ipc_handler deaf_handler = { deaf_message, deaf_closed };

static void start_fake(struct os *os, enum role_kind kind, int channel, unsigned index)
{
	struct fake *fake = heap_new(os_heap(os), struct fake);

	world.fakes[kind][index] = fake;
	if (world.manners[kind].deaf) {
		world.starts[kind][index]++;
		fake->raw = ipc_channel_create(os, channel, kind, index, ROLE_KEEPER, 0,
		    &deaf_handler, fake);
	} else {
		frame_init(&fake->frame, os, kind, index, channel, &handler, fake);
	}
}

void edge_start(struct os *os, int channel, unsigned index)
{
	start_fake(os, ROLE_EDGE, channel, index);
}

void directory_start(struct os *os, int channel, unsigned index)
{
	start_fake(os, ROLE_DIRECTORY, channel, index);
}

void router_start(struct os *os, int channel, unsigned index)
{
	start_fake(os, ROLE_ROUTER, channel, index);
}

void store_start(struct os *os, int channel, unsigned index)
{
	start_fake(os, ROLE_STORE, channel, index);
}

void relay_start(struct os *os, int channel, unsigned index)
{
	start_fake(os, ROLE_RELAY, channel, index);
}

void resolver_start(struct os *os, int channel, unsigned index)
{
	start_fake(os, ROLE_RESOLVER, channel, index);
}

void web_start(struct os *os, int channel, unsigned index)
{
	start_fake(os, ROLE_WEB, channel, index);
}

/* ---- the world around ---- */

static void on_ready(struct keeper *k)
{
	world.ready++;
}

static void on_ended(struct keeper *k, const char *failure)
{
	world.ended++;
	snprintf(world.failure, sizeof world.failure, "%s", failure ? failure : "");
}

static const struct keeper_handler keeper_handler = { on_ready, on_ended, NULL };

static void read_config(const char *text)
{
	struct config_error error;

	if (config_parse(slice_from(text), &world.arena, &world.config, &error, 1) != 0)
		fail_msg("%u: %s", error.line, error.text);
}

static struct keeper_listener listener(const char *text, enum service service)
{
	struct keeper_listener l = { .service = service };

	assert_true(os_address_parse(slice_from(text), &l.address));
	l.fd = os_listen(world.os, &l.address, 10);
	assert_true(l.fd >= 0);
	return l;
}

#define CONFIG "hostname = a.example\nedges = 2\nstores = 2\n"

static void begin(void)
{
	static const uint8_t ip[4] = { 127, 0, 0, 1 };
	static struct keeper_listener listeners[3];

	memset(&world, 0, sizeof world);
	world.heap = heap_create(SIZE_MAX);
	world.arena = arena_init(world.heap, 4 * CONFIG_ARENA_MAX);
	world.sim = sim_create(7);
	world.host = sim_host_create(world.sim, "a", ip, 1 << 20);
	world.os = sim_process_create(world.host, "keeper");
	read_config(CONFIG);
	assert_int_equal(os_mkdir(world.os, OS_ROOT, "root"), 0);
	for (size_t i = 0; i < ROLE_KINDS; i++)
		world.inputs.roots[i] = os_open(world.os, OS_ROOT, "root", OS_FOLDER);
	listeners[0] = listener("127.0.0.1:25", SERVICE_SMTP);
	listeners[1] = listener("127.0.0.1:110", SERVICE_POP3);
	world.inputs.settings = (struct keeper_settings){ &world.config, slice_lit("chain"),
	    slice_lit("key"), listeners, 2 };
	world.inputs.hold = world.inputs.beside = -1;
	world.inputs.uid = world.inputs.gid = -1;
}

static void start(void)
{
	world.keeper = keeper_start(world.os, &world.inputs, &keeper_handler, NULL);
}

static void run_ms(uint64_t ms)
{
	sim_run_until(world.sim, sim_now_us(world.sim) + ms * 1000);
}

static void end(void)
{
	sim_destroy(world.sim);
	heap_drop(world.heap);
}

static size_t count_processes(void)
{
	struct os *list[ROLES + 3];

	return sim_host_processes(world.host, list, ROLES + 3);
}

static void kill_role(enum role_kind kind, unsigned index)
{
	sim_kill(world.fakes[kind][index]->frame.os);
}

static void assert_peers(enum role_kind kind, unsigned index)
{
	static const bool talks[ROLE_KINDS][ROLE_KINDS] = {
		[ROLE_EDGE] = { [ROLE_DIRECTORY] = true, [ROLE_ROUTER] = true,
		    [ROLE_STORE] = true, [ROLE_WEB] = true },
		[ROLE_DIRECTORY] = { [ROLE_EDGE] = true, [ROLE_STORE] = true,
		    [ROLE_RELAY] = true, [ROLE_WEB] = true },
		[ROLE_ROUTER] = { [ROLE_EDGE] = true, [ROLE_STORE] = true, [ROLE_RELAY] = true,
		    [ROLE_WEB] = true },
		[ROLE_RELAY] = { [ROLE_DIRECTORY] = true, [ROLE_ROUTER] = true,
		    [ROLE_RESOLVER] = true, [ROLE_WEB] = true },
		[ROLE_RESOLVER] = { [ROLE_RELAY] = true },
		[ROLE_STORE] = { [ROLE_EDGE] = true, [ROLE_DIRECTORY] = true,
		    [ROLE_ROUTER] = true, [ROLE_WEB] = true },
		[ROLE_WEB] = { [ROLE_EDGE] = true, [ROLE_DIRECTORY] = true, [ROLE_ROUTER] = true,
		    [ROLE_STORE] = true, [ROLE_RELAY] = true },
	};
	const unsigned counts[ROLE_KINDS] = { 0, EDGES, 1, 1, STORES, 1, 1,
	    world.starts[ROLE_WEB][0] > 0 };
	const struct frame *f = &world.fakes[kind][index]->frame;
	size_t n = 0;

	for (unsigned k = ROLE_EDGE; k < ROLE_KINDS; k++) {
		for (unsigned i = 0; talks[kind][k] && i < counts[k]; i++) {
			if (frame_peer(f, (enum role_kind)k, i) == NULL)
				fail_msg("%s %u has no %s %u", role_kind_name(kind), index,
				    role_kind_name((enum role_kind)k), i);
			n++;
		}
	}
	assert_int_equal(f->n_peers, n);
}

static void assert_mesh(void)
{
	assert_peers(ROLE_DIRECTORY, 0);
	assert_peers(ROLE_ROUTER, 0);
	assert_peers(ROLE_RELAY, 0);
	assert_peers(ROLE_RESOLVER, 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_peers(ROLE_STORE, i);
		assert_peers(ROLE_EDGE, i);
	}
	if (world.starts[ROLE_WEB][0] > 0)
		assert_peers(ROLE_WEB, 0);
}

/* ---- tests ---- */

static void test_start(void **state)
{
	begin();
	start();
	run_ms(1000);
	assert_int_equal(world.ready, 1);
	assert_int_equal(count_processes(), ROLES + 1);
	assert_mesh();
	/* Edges last, when all behind them are ready. */
	assert_non_null(strstr(world.events, "edge edge "));
	assert_int_equal(strlen(strstr(world.events, "edge")), strlen("edge edge "));
	assert_int_equal(world.fakes[ROLE_EDGE][1]->listeners, 2);
	assert_int_equal(world.fakes[ROLE_EDGE][1]->certificates, 1);
	assert_int_equal(world.fakes[ROLE_DIRECTORY][0]->listeners, 0);
	assert_slice(world.fakes[ROLE_STORE][1]->frame.config->hostname,
	    slice_lit("a.example"));
	end();
}

/* Nobody who could reach another host. */
static void test_mock(void **state)
{
	begin();
	read_config(CONFIG "domains = a.example\nrelay = no\nmock = yes\n");
	start();
	run_ms(1000);
	assert_int_equal(world.ready, 1);
	assert_int_equal(count_processes(), ROLES - 2 + 1);
	assert_int_equal(world.starts[ROLE_RELAY][0], 0);
	assert_int_equal(world.starts[ROLE_RESOLVER][0], 0);
	keeper_drain(world.keeper, 0);
	run_ms(1000);
	assert_int_equal(world.ended, 1);
	assert_string_equal(world.failure, "");
	end();
}

static void test_restart(void **state)
{
	static const struct {
		enum role_kind kind;
		unsigned index;
	} deaths[] = { { ROLE_EDGE, 1 }, { ROLE_ROUTER, 0 }, { ROLE_STORE, 0 },
		{ ROLE_DIRECTORY, 0 }, { ROLE_EDGE, 1 } };

	begin();
	start();
	run_ms(1000);
	for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
		unsigned before = world.starts[deaths[i].kind][deaths[i].index];

		kill_role(deaths[i].kind, deaths[i].index);
		run_ms(1000);
		assert_int_equal(world.starts[deaths[i].kind][deaths[i].index], before + 1);
		assert_mesh();
		assert_int_equal(count_processes(), ROLES + 1);
	}
	/* Store 1 never died: it saw edge 1 go twice, router and directory once. */
	assert_int_equal(world.starts[ROLE_STORE][1], 1);
	assert_int_equal(world.fakes[ROLE_STORE][1]->left, 4);
	assert_int_equal(world.fakes[ROLE_STORE][1]->joined, 4 + 4);
	assert_int_equal(world.ready, 1);
	end();
}

/* A role that dies whenever it starts is tried ever more slowly, and comes back
 * when it can. */
static void test_restart_slows(void **state)
{
	unsigned starts;

	begin();
	start();
	run_ms(1000);
	world.manners[ROLE_STORE].dies = true;
	kill_role(ROLE_STORE, 0);
	run_ms(600 * 1000);
	starts = world.starts[ROLE_STORE][0];
	assert_in_range(starts, 20, 45);
	assert_int_equal(world.starts[ROLE_STORE][1], 1);
	world.manners[ROLE_STORE].dies = false;
	run_ms(KEEPER_RESTART_MAX_MS + 1000);
	assert_int_equal(world.starts[ROLE_STORE][0], starts + 1);
	assert_mesh();
	end();
}

static void test_fatal_start(void **state)
{
	begin();
	world.manners[ROLE_DIRECTORY].fatal = true;
	start();
	run_ms(20 * 1000);
	assert_int_equal(world.ready, 0);
	assert_int_equal(world.ended, 1);
	assert_string_equal(world.failure, "directory: no disk here");
	assert_int_equal(count_processes(), 1);
	end();
}

/* Later it is the keeper's business to go on. */
static void test_fatal_later(void **state)
{
	begin();
	start();
	run_ms(1000);
	frame_fatal(&world.fakes[ROLE_ROUTER][0]->frame, "lost %s", "patience");
	run_ms(1000);
	assert_int_equal(world.ended, 0);
	assert_int_equal(world.starts[ROLE_ROUTER][0], 2);
	assert_mesh();
	end();
}

static void test_drain(void **state)
{
	begin();
	start();
	run_ms(1000);
	world.events[0] = 0;
	keeper_drain(world.keeper, 5000);
	run_ms(2000);
	assert_string_equal(world.events, "-edge -edge -relay -router -store -store -directory -resolver ");
	assert_int_equal(world.ended, 1);
	assert_string_equal(world.failure, "");
	assert_int_equal(count_processes(), 1);
	end();
}

static void test_drain_too_slow(void **state)
{
	begin();
	start();
	run_ms(1000);
	world.manners[ROLE_EDGE].never_drains = true;
	world.events[0] = 0;
	keeper_drain(world.keeper, 5000);
	run_ms(5000 + KEEPER_STAGE_MS - 1000);
	assert_string_equal(world.events, "-edge -edge ");
	assert_int_equal(world.ended, 0);
	run_ms(3000);
	assert_string_equal(world.events, "-edge -edge -relay -router -store -store -directory -resolver ");
	assert_int_equal(world.ended, 1);
	end();
}

/* A role that dies while others drain stays away. */
static void test_drain_and_death(void **state)
{
	begin();
	start();
	run_ms(1000);
	world.manners[ROLE_EDGE].never_drains = true;
	keeper_drain(world.keeper, 5000);
	run_ms(100);
	kill_role(ROLE_STORE, 0);
	run_ms(1000);
	assert_int_equal(world.starts[ROLE_STORE][0], 1);
	kill_role(ROLE_EDGE, 0);
	kill_role(ROLE_EDGE, 1);
	run_ms(1000);
	assert_int_equal(world.ended, 1);
	end();
}

static void test_drain_twice(void **state)
{
	begin();
	start();
	run_ms(1000);
	world.manners[ROLE_EDGE].never_drains = true;
	keeper_drain(world.keeper, 60 * 1000);
	run_ms(100);
	keeper_drain(world.keeper, 60 * 1000);
	run_ms(1000);
	assert_int_equal(world.ended, 1);
	assert_int_equal(count_processes(), 1);
	end();
}

static void test_watch(void **state)
{
	begin();
	world.inputs.watch = true;
	world.manners[ROLE_ROUTER].deaf = true;
	start();
	run_ms(1000);
	assert_int_equal(world.ready, 1);
	world.manners[ROLE_ROUTER].deaf = false;
	run_ms(SILENCE_MS);
	assert_int_equal(world.starts[ROLE_ROUTER][0], 1);
	run_ms(SILENCE_MS / 4);
	assert_int_equal(world.starts[ROLE_ROUTER][0], 2);
	run_ms(3 * SILENCE_MS);                 /* who answers lives */
	assert_int_equal(world.starts[ROLE_ROUTER][0], 2);
	assert_int_equal(world.starts[ROLE_STORE][0], 1);
	assert_mesh();
	end();
}

/* A message that this store's handler refuses: the edge that sent it goes. */
static void test_broken_edge(void **state)
{
	struct ipc_channel *store;
	int fds[2];

	begin();
	start();
	run_ms(1000);
	store = frame_peer(&world.fakes[ROLE_EDGE][0]->frame, ROLE_STORE, 1);
	assert_int_equal(os_stream_pair(world.fakes[ROLE_EDGE][0]->frame.os, fds), 0);
	ipc_begin(store, IPC_ADOPT);
	ipc_end(store, fds[0]);
	run_ms(1000);
	assert_int_equal(world.starts[ROLE_EDGE][0], 2);
	assert_int_equal(world.starts[ROLE_EDGE][1], 1);
	assert_int_equal(world.starts[ROLE_STORE][1], 1);
	assert_mesh();
	end();
}

/* A peer of an edge misbehaves: the edge may not accuse, it begins anew. */
static void test_broken_peer_of_edge(void **state)
{
	begin();
	start();
	run_ms(1000);
	ipc_send(frame_peer(&world.fakes[ROLE_DIRECTORY][0]->frame, ROLE_EDGE, 0),
	    IPC_LOGIN_IS);
	run_ms(1000);
	assert_int_equal(world.starts[ROLE_EDGE][0], 2);
	assert_int_equal(world.starts[ROLE_DIRECTORY][0], 1);
	assert_mesh();
	end();
}

static void test_reload(void **state)
{
	struct keeper_settings settings;
	struct keeper_listener list[2];
	const struct config *before;

	begin();
	start();
	run_ms(1000);
	before = world.fakes[ROLE_EDGE][0]->frame.config;
	list[0] = world.inputs.settings.listeners[0];           /* is open: stays */
	list[0].fd = -1;
	list[1] = listener("127.0.0.1:587", SERVICE_SUBMISSION);
	settings = (struct keeper_settings){ &world.config, slice_lit("chain 2"),
	    slice_lit("key 2"), list, 2 };
	read_config(CONFIG "limit.errors = 77\n");
	keeper_reload(world.keeper, &settings);
	run_ms(1000);
	for (unsigned i = 0; i < EDGES; i++) {
		const struct fake *edge = world.fakes[ROLE_EDGE][i];

		assert_int_equal(edge->reloads, 1);
		assert_int_equal(edge->certificates, 2);
		assert_int_equal(edge->listeners, 3);
		assert_int_equal(edge->unlistens, 1);
		assert_int_equal(edge->frame.config->errors_max, 77);
		assert_int_equal(world.starts[ROLE_EDGE][i], 1);
	}
	assert_int_equal(before->errors_max, 10);       /* still readable */
	assert_int_equal(world.fakes[ROLE_STORE][0]->reloads, 1);
	assert_true(keeper_listens(world.keeper, SERVICE_SMTP, &list[0].address));
	assert_false(keeper_listens(world.keeper, SERVICE_POP3,
	    &world.inputs.settings.listeners[1].address));

	list[1].fd = -1;
	keeper_reload(world.keeper, &settings);         /* the same: no news */
	run_ms(1000);
	assert_int_equal(world.fakes[ROLE_EDGE][0]->reloads, 1);

	kill_role(ROLE_EDGE, 0);                        /* who comes back has it, too */
	run_ms(1000);
	assert_int_equal(world.fakes[ROLE_EDGE][0]->frame.config->errors_max, 77);
	assert_int_equal(world.fakes[ROLE_EDGE][0]->listeners, 2);
	end();
}

/* The web is there when somebody listens for HTTP, before the edges; it comes back, and
 * ends behind them. */
static void test_web(void **state)
{
	struct keeper_listener *list;

	begin();
	list = (struct keeper_listener *)(uintptr_t)world.inputs.settings.listeners;
	list[2] = listener("127.0.0.1:8025", SERVICE_HTTP);
	world.inputs.settings.n_listeners = 3;
	start();
	run_ms(1000);
	assert_int_equal(world.ready, 1);
	assert_int_equal(count_processes(), ROLES + 2);
	assert_mesh();
	assert_true(strstr(world.events, "web ") < strstr(world.events, "edge "));
	assert_int_equal(world.fakes[ROLE_EDGE][0]->listeners, 3);
	assert_int_equal(world.fakes[ROLE_WEB][0]->listeners, 0);
	kill_role(ROLE_WEB, 0);
	run_ms(1000);
	assert_int_equal(world.starts[ROLE_WEB][0], 2);
	assert_mesh();
	world.events[0] = 0;
	keeper_drain(world.keeper, 5000);
	run_ms(2000);
	assert_string_equal(world.events,
	    "-edge -edge -web -relay -router -store -store -directory -resolver ");
	assert_int_equal(world.ended, 1);
	end();
}

/* A reload that wants it brings it, once; one that does not leaves it there. */
static void test_web_reload(void **state)
{
	struct keeper_settings settings;
	struct keeper_listener list[2];

	begin();
	start();
	run_ms(1000);
	assert_int_equal(count_processes(), ROLES + 1);
	list[0] = world.inputs.settings.listeners[0];
	list[1] = listener("127.0.0.1:8025", SERVICE_HTTP);
	settings = (struct keeper_settings){ &world.config, slice_lit("chain"), slice_lit("key"),
	    list, 2 };
	for (unsigned i = 0; i < 2; i++) {
		list[0].fd = -1;
		keeper_reload(world.keeper, &settings);
		run_ms(1000);
		assert_int_equal(world.starts[ROLE_WEB][0], 1);
		assert_int_equal(count_processes(), ROLES + 2);
		assert_mesh();
		list[1].fd = -1;
	}
	settings.n_listeners = 1;
	keeper_reload(world.keeper, &settings);
	run_ms(1000);
	assert_int_equal(world.starts[ROLE_WEB][0], 1);
	assert_int_equal(count_processes(), ROLES + 2);
	assert_false(keeper_listens(world.keeper, SERVICE_HTTP, &list[1].address));
	end();
}

/* Nothing is left open by deaths and returns. */
static void test_descriptors(void **state)
{
	size_t open_before;

	begin();
	start();
	run_ms(1000);
	open_before = sim_descriptors(world.os);
	for (unsigned i = 0; i < 20; i++) {
		kill_role((enum role_kind)(ROLE_EDGE + i % 4), 0);
		run_ms(120 * 1000);
	}
	assert_mesh();
	assert_int_equal(sim_descriptors(world.os), open_before);
	end();
}

UNIT_TESTS(cmocka_unit_test(test_start), cmocka_unit_test(test_mock), cmocka_unit_test(test_restart),
    cmocka_unit_test(test_restart_slows), cmocka_unit_test(test_fatal_start),
    cmocka_unit_test(test_fatal_later), cmocka_unit_test(test_drain),
    cmocka_unit_test(test_drain_too_slow), cmocka_unit_test(test_drain_and_death),
    cmocka_unit_test(test_drain_twice), cmocka_unit_test(test_watch),
    cmocka_unit_test(test_broken_edge), cmocka_unit_test(test_broken_peer_of_edge),
    cmocka_unit_test(test_reload), cmocka_unit_test(test_web),
    cmocka_unit_test(test_web_reload), cmocka_unit_test(test_descriptors))
