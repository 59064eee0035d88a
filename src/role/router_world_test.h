/* role/router_world_test.h - a router among small stand-ins for edge, directory
 * and stores, in a simulated world, under the real keeper. For tests.
 *
 *   edge 0:    writes what the test tells it, with true or forged seals
 *   edge 1:    likewise, after edges_swap(), where `extra` says "edges = 2"
 *   stores:    take deliveries, check every byte against what was written, and
 *              answer as the test says; what they called durable survives them */
#ifndef ROLE_ROUTER_WORLD_TEST_H
#define ROLE_ROUTER_WORLD_TEST_H

#include <errno.h>
#include <stdio.h>

#include "account/slot.h"
#include "base/checksum.h"
#include "base/limits.h"
#include "directory/seal.h"
#include "journal/delivery.h"
#include "log/log.h"
#include "os/os_faulty.h"
#include "os/os_sim.h"
#include "role/bystander_test.h"
#include "role/frame.h"
#include "role/keeper.h"
#include "role/role.h"
#include "unit.h"

enum { STORES = 2, SENT_MAX = 20000, TARGETS = 3, HELD_MAX = 8192, LIVE_MAX = 256 };

enum answer { ANSWER_DURABLE, ANSWER_LATER, ANSWER_HOLD };

struct sent {
	struct message_id id;
	uint64_t body_seed;
	uint32_t body_len;
	uint64_t spool;
	uint64_t accounts[TARGETS];
	bool acknowledged;              /* the edge would have said 250 */
	bool given_up;                  /* aborted: 451 */
	unsigned handed[TARGETS];       /* how often */
	bool durable[TARGETS];
};

struct edge_stand_in {
	struct frame frame;
	struct log_writer writer;
	struct log_head head;
	int fd;                         /* of the segment, or -1 */
	struct { struct log_head head; int fd; } next;
	unsigned wanted, full;
	int spool_fd;
	uint64_t spool;
	bool spool_answered;
	size_t first_unsynced;          /* of world.sent */
};

struct store_stand_in {
	struct frame frame;
	enum answer answer;
	struct { struct message_id id; uint16_t recipient; } held[HELD_MAX];
	unsigned n_held;
	uint64_t live[LIVE_MAX];
	unsigned n_live, n_retired;
	bool told;
	struct { uint64_t number; int fd; } sources[ROUTER_SOURCES_MAX];
	unsigned n_sources;
};

static struct world {
	struct sim *sim;
	struct sim_host *host;
	struct os *os;
	struct heap *heap;
	struct arena arena;
	struct config config;
	struct keeper_inputs inputs;
	struct keeper *keeper;
	bool ready, ended;
	char failure[256];
	int root;
	struct edge_stand_in *edge;     /* NULL while it is down */
	struct edge_stand_in *other;    /* the second one, or NULL */
	struct store_stand_in *stores[STORES];
	struct sent *sent;
	size_t n_sent;
	enum answer answer;             /* of new stores */
	unsigned deliveries, descriptors;       /* of one message each */
	unsigned sources;               /* that stores got */
	uint64_t generations[4096];     /* all that were ever handed out */
	unsigned n_generations;
	struct os_faulty faulty;        /* around the next router's disk */
	bool want_faulty;
	unsigned router_lives;
	bool expect_end;
	unsigned *strangers;            /* counts messages that are not in `sent`; NULL: fail */
	bool swapped;                   /* `edge` is edge 1 */
} world;

/* ---- stores ---- */

static void body_fill(uint64_t seed, unsigned char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (i % 8 == 0)
			seed = seed * 6364136223846793005u + 1442695040888963407u;
		at[i] = (unsigned char)(seed >> (8 + i % 8 * 6));
	}
}

static struct sent *sent_by_id(struct message_id id)
{
	for (size_t i = world.n_sent; i > 0; i--) {
		if (message_id_equal(world.sent[i - 1].id, id))
			return &world.sent[i - 1];
	}
	return NULL;
}

static void check_body(struct store_stand_in *s, const struct delivery *d, struct sent *sent,
    int fd)
{
	unsigned char *want = heap_alloc(world.heap, sent->body_len + 1);
	unsigned char *have = heap_alloc(world.heap, sent->body_len + 1);
	slice frames = d->body.frames;

	body_fill(sent->body_seed, want, sent->body_len);
	assert_int_equal(d->body.stored, sent->body_len);
	assert_int_equal(d->body.size, sent->body_len * 2);
	if (fd >= 0) {
		assert_int_equal(os_pread(s->frame.os, fd, have, sent->body_len, d->body_offset),
		    sent->body_len);
		frames = slice_of(have, sent->body_len);
		world.descriptors += d->source == 0;
	}
	assert_int_equal(frames.len, sent->body_len);
	assert_memory_equal(frames.ptr, want, sent->body_len);
	heap_free(world.heap, want);
	heap_free(world.heap, have);
}

static void say_result(struct store_stand_in *s, struct message_id id, uint16_t recipient,
    enum delivery_result result)
{
	struct ipc_channel *router = frame_peer(&s->frame, ROLE_ROUTER, 0);
	struct buffer *out;

	if (router == NULL)
		return;
	out = ipc_begin(router, IPC_DELIVERED);
	put_u32(out, 1);
	put_message_id(out, id);
	put_u16(out, recipient);
	put_u8(out, (uint8_t)result);
	ipc_end(router, -1);
}

static void take_target(struct store_stand_in *s, struct sent *sent, struct message_id id,
    uint16_t recipient)
{
	sent->handed[recipient]++;
	if (s->answer == ANSWER_HOLD) {
		assert_true(s->n_held < HELD_MAX);
		s->held[s->n_held].id = id;
		s->held[s->n_held++].recipient = recipient;
		return;
	}
	if (s->answer == ANSWER_DURABLE)
		sent->durable[recipient] = true;
	say_result(s, id, recipient, s->answer == ANSWER_LATER ? DELIVERY_LATER :
	    DELIVERY_DURABLE);
}

static inline void store_release(struct store_stand_in *s)
{
	for (unsigned i = 0; i < s->n_held; i++) {
		struct sent *sent = sent_by_id(s->held[i].id);

		sent->durable[s->held[i].recipient] = true;
		say_result(s, s->held[i].id, s->held[i].recipient, DELIVERY_DURABLE);
	}
	s->n_held = 0;
}

/* That of a source comes once, and is kept until the source is over. */
static int source_fd(struct store_stand_in *s, uint64_t number, int fd)
{
	for (unsigned i = 0; i < s->n_sources; i++) {
		if (s->sources[i].number != number)
			continue;
		assert_int_equal(fd, -1);
		return s->sources[i].fd;
	}
	assert_true(fd >= 0 && s->n_sources < ROUTER_SOURCES_MAX);
	s->sources[s->n_sources].number = number;
	s->sources[s->n_sources++].fd = fd;
	world.sources++;
	return fd;
}

static bool on_source_over(struct store_stand_in *s, struct ipc_message *m)
{
	uint64_t number = get_u64(&m->body);

	for (unsigned i = 0; i < s->n_sources; i++) {
		if (s->sources[i].number != number)
			continue;
		os_close(s->frame.os, s->sources[i].fd);
		s->sources[i] = s->sources[--s->n_sources];
		return bytes_end(&m->body);
	}
	fail_msg("source %llu is over, and was none", (unsigned long long)number);
	return false;
}

static bool on_deliver(struct store_stand_in *s, struct ipc_message *m)
{
	struct arena arena = arena_init(world.heap, 1 << 20);
	struct delivery d;
	struct sent *sent;
	int fd = ipc_take_fd(m);

	assert_true(s->told);
	assert_true(delivery_read(&m->body, &arena, &d));
	assert_true(bytes_end(&m->body));
	if (d.source != 0)
		fd = source_fd(s, d.source, fd);
	assert_true((fd >= 0) == (d.body.frames.len == 0 && d.body.stored > 0));
	sent = sent_by_id(d.id);
	if (sent == NULL && world.strangers == NULL)
		fail_msg("a message that nobody sent is delivered");
	if (sent == NULL) {
		++*world.strangers;
		return true;
	}
	assert_slice(d.sender, slice_lit("sender@there.example"));
	assert_slice(d.trace, slice_lit("Received: here\r\n"));
	check_body(s, &d, sent, fd);
	for (size_t i = 0; i < d.n_targets; i++) {
		uint16_t recipient = d.targets[i].recipient;

		assert_true(recipient < TARGETS);
		assert_int_equal(d.targets[i].account, sent->accounts[recipient]);
		assert_int_equal(account_store(d.targets[i].account, STORES), s->frame.index);
		take_target(s, sent, d.id, recipient);
	}
	world.deliveries++;
	if (d.source == 0)
		os_close(s->frame.os, fd);
	arena_reset(&arena);
	return true;
}

static bool on_live(struct store_stand_in *s, struct ipc_message *m)
{
	uint32_t n = get_u32(&m->body);

	assert_true(n < LIVE_MAX);
	s->n_live = n;
	for (uint32_t i = 0; i < n; i++)
		s->live[i] = get_u64(&m->body);
	s->told = true;
	while (s->n_sources > 0)
		os_close(s->frame.os, s->sources[--s->n_sources].fd);
	return bytes_end(&m->body);
}

static bool store_on_message(struct frame *f, struct ipc_channel *peer, struct ipc_message *m)
{
	struct store_stand_in *s = f->owner;

	switch (m->type) {
	case IPC_LIVE:
		return on_live(s, m);
	case IPC_RETIRED:
		get_u64(&m->body);
		s->n_retired++;
		return bytes_end(&m->body);
	case IPC_DELIVER:
		return on_deliver(s, m);
	case IPC_SOURCE_OVER:
		return on_source_over(s, m);
	default:
		return false;
	}
}

/* ---- the edge ---- */

static bool edge_on_segment(struct edge_stand_in *e, struct ipc_message *m)
{
	struct log_head head = { .kind = LOG_JOURNAL };

	head.producer = get_u16(&m->body);
	head.generation = get_u64(&m->body);
	head.size = get_u32(&m->body);
	assert_true(bytes_end(&m->body) && e->wanted > 0 && e->next.fd < 0);
	for (unsigned i = 0; i < world.n_generations; i++)
		assert_true(world.generations[i] != head.generation);
	assert_true(world.n_generations < 4096);
	world.generations[world.n_generations++] = head.generation;
	e->wanted--;
	e->next.head = head;
	e->next.fd = ipc_take_fd(m);
	return true;
}

static bool edge_on_message(struct frame *f, struct ipc_channel *peer, struct ipc_message *m)
{
	struct edge_stand_in *e = f->owner;

	switch (m->type) {
	case IPC_SEGMENT:
		return edge_on_segment(e, m);
	case IPC_SPOOL:
		get_u64(&m->body);
		e->spool = get_u64(&m->body);
		e->spool_fd = ipc_take_fd(m);
		e->spool_answered = true;
		return bytes_end(&m->body);
	case IPC_SPACE:
		e->full = get_u8(&m->body);
		return bytes_end(&m->body);
	default:
		return false;
	}
}

/* From here on the functions below move the other edge. */
static inline void edges_swap(void)
{
	struct edge_stand_in *edge = world.edge;

	world.edge = world.other;
	world.other = edge;
	world.swapped = !world.swapped;
}

static struct ipc_channel *edge_router(void)
{
	return world.edge == NULL ? NULL : frame_peer(&world.edge->frame, ROLE_ROUTER, 0);
}

static void edge_say(enum ipc_type type, uint64_t generation, const uint32_t *offset)
{
	struct buffer *out = ipc_begin(edge_router(), type);

	put_u64(out, generation);
	if (offset != NULL)
		put_u32(out, *offset);
	ipc_end(edge_router(), -1);
}

static void edge_forget(struct edge_stand_in *e)
{
	os_close(e->frame.os, e->fd);
	os_close(e->frame.os, e->next.fd);
	e->fd = e->next.fd = -1;
	e->wanted = 0;
	e->first_unsynced = world.n_sent;
	if (e->head.generation != 0)
		log_writer_finish(&e->writer);
	e->head.generation = 0;
}

static void on_left(struct frame *f, struct ipc_channel *peer)
{
	struct edge_stand_in *e = f->owner;

	if (f->kind == ROLE_EDGE && ipc_peer_kind(peer) == ROLE_ROUTER)
		edge_forget(e);
}

/* ---- the frames ---- */

static bool on_keeper(struct frame *f, struct ipc_message *m)
{
	return true;
}

static void on_drain(struct frame *f, uint32_t grace_ms)
{
	frame_drained(f);
}

static const struct frame_handler edge_handler = { .keeper = on_keeper, .start = frame_ready,
    .drain = on_drain, .peer_left = on_left, .peer_message = edge_on_message };
static const struct frame_handler store_handler = { .keeper = on_keeper, .start = frame_ready,
    .drain = on_drain, .peer_left = on_left, .peer_message = store_on_message };

static void edge_gone(void *arg)
{
	if (world.edge == arg)
		world.edge = NULL;
	if (world.other == arg)
		world.other = NULL;
}

static void store_gone(void *arg)
{
	for (size_t i = 0; i < STORES; i++) {
		if (world.stores[i] == arg)
			world.stores[i] = NULL;
	}
}

void edge_start(struct os *os, int channel, unsigned index)
{
	struct edge_stand_in *e = heap_new(os_heap(os), struct edge_stand_in);

	e->fd = e->next.fd = e->spool_fd = -1;
	e->first_unsynced = world.n_sent;
	*(index == world.swapped ? &world.edge : &world.other) = e;
	heap_on_drop(os_heap(os), edge_gone, e);
	frame_init(&e->frame, os, ROLE_EDGE, index, channel, &edge_handler, e);
}

void store_start(struct os *os, int channel, unsigned index)
{
	struct store_stand_in *s = heap_new(os_heap(os), struct store_stand_in);

	s->answer = world.answer;
	world.stores[index] = s;
	heap_on_drop(os_heap(os), store_gone, s);
	frame_init(&s->frame, os, ROLE_STORE, index, channel, &store_handler, s);
}

void directory_start(struct os *os, int channel, unsigned index)
{
	struct frame *f = heap_new(os_heap(os), struct frame);

	frame_init(f, os, ROLE_DIRECTORY, index, channel, &store_handler, f);
}

/* ---- the world ---- */

static void on_ready(struct keeper *k)
{
	world.ready = true;
}

static void on_ended(struct keeper *k, const char *failure)
{
	world.ended = true;
	if (failure != NULL)
		snprintf(world.failure, sizeof world.failure, "%s", failure);
}

static void run_us(uint64_t us)
{
	sim_run_until(world.sim, sim_now_us(world.sim) + us);
}

static void run_ms(uint64_t ms)
{
	run_us(ms * 1000);
}

static void keeper_begin(void)
{
	static const struct keeper_handler handler = { on_ready, on_ended, NULL };

	world.ready = world.ended = false;
	world.failure[0] = '\0';
	world.os = sim_process_create(world.host, "keeper");
	/* Folders that a power cut may have taken are made again. */
	os_mkdir(world.os, OS_ROOT, "journal");
	os_mkdir(world.os, OS_ROOT, "other");
	for (size_t i = 0; i < ROLE_KINDS; i++)
		world.inputs.roots[i] = os_open(world.os, OS_ROOT,
		    i == ROLE_ROUTER ? "journal" : "other", OS_READ | OS_FOLDER);
	world.root = os_open(world.os, OS_ROOT, "journal", OS_READ | OS_FOLDER);
	world.inputs.settings = (struct keeper_settings){ &world.config, slice_lit("x"),
	    slice_lit("y"), NULL, 0 };
	if (world.config.mock) {        /* with a web */
		static struct keeper_listener http = { .service = SERVICE_HTTP };

		assert_true(os_address_parse(slice_lit("10.0.0.1:8025"), &http.address));
		http.fd = os_listen(world.os, &http.address, 10);
		assert_true(http.fd >= 0);
		world.inputs.settings.listeners = &http;
		world.inputs.settings.n_listeners = 1;
	}
	world.inputs.hold = -1;
	world.inputs.uid = world.inputs.gid = -1;
	world.keeper = keeper_start(world.os, &world.inputs, &handler, NULL);
}

/* extra: lines of configuration. */
static void world_begin(uint64_t seed, const char *extra)
{
	static const uint8_t here[4] = { 10, 0, 0, 1 };
	struct config_error error;
	struct os *setup;
	slice text;
	int fd;

	memset(&world, 0, sizeof world);
	world.heap = heap_create(SIZE_MAX);
	world.arena = arena_init(world.heap, SIZE_MAX / 2);
	world.sent = heap_alloc(world.heap, SENT_MAX * sizeof *world.sent);
	world.sim = sim_create(seed);
	if (getenv("ROUTER_TEST_LOG") != NULL)
		sim_echo(world.sim, stderr);
	world.host = sim_host_create(world.sim, "here", here, 1 << 30);
	text = arena_printf(&world.arena, "hostname = mx.here.example\nstores = %d\n%s%s",
	    STORES, strstr(extra, "edges = ") == NULL ? "edges = 1\n" : "", extra);
	if (config_parse(text, &world.arena, &world.config, &error, 1) != 0)
		fail_msg("%u: %s", error.line, error.text);
	setup = sim_process_create(world.host, "setup");
	os_mkdir(setup, OS_ROOT, "journal");
	os_mkdir(setup, OS_ROOT, "other");
	fd = os_open(setup, OS_ROOT, ".", OS_READ | OS_FOLDER);
	os_sync_folder(setup, fd);
	sim_kill(setup);
	keeper_begin();
	run_ms(3000);
	assert_true(world.ready || world.expect_end);
}

static void world_end(void)
{
	sim_destroy(world.sim);
	heap_drop(world.heap);
}

static struct os *process(const char *name)
{
	return sim_host_process(world.host, name);
}

/* ---- what the edge is told to do ---- */

static void edge_want(void)
{
	world.edge->wanted++;
	ipc_send(edge_router(), IPC_SEGMENT_WANT);
}

/* A segment to write, waiting for it at most `ms`. */
static bool edge_has_segment(uint64_t ms)
{
	struct edge_stand_in *e = world.edge;

	if (e == NULL || edge_router() == NULL)
		return false;
	if (e->fd >= 0)
		return true;
	if (e->next.fd < 0 && e->wanted == 0)
		edge_want();
	for (uint64_t i = 0; i < ms && world.edge == e && e->next.fd < 0; i += 10)
		run_ms(10);
	if (world.edge != e || e->next.fd < 0)
		return false;
	e->head = e->next.head;
	e->fd = e->next.fd;
	e->next.fd = -1;
	log_writer_init(&e->writer, os_heap(e->frame.os), &e->head);
	return true;
}

static slice seal_for(uint64_t transaction, uint64_t account, bool forged)
{
	struct buffer out = buffer_init(world.heap, SEALED_MAX);
	struct seal_target target = { account, slice_lit("bob@here.example") };
	struct sealed_recipient what = { transaction, slice_lit("sender@there.example"),
	    slice_lit("bob@here.example"), 1, &target };
	struct seal_key key;
	slice sealed;

	memcpy(key.bytes, world.inputs.seal_key, SEAL_KEY_LEN);
	key.bytes[0] ^= forged;
	seal_recipient(&key, &what, &out);
	sealed = slice_copy(&world.arena, buffer_bytes(&out));
	buffer_free(&out);
	return sealed;
}

/* Append one record; not yet written. NULL: there is no room. */
static struct sent *edge_append(uint32_t body_len, uint64_t spool, bool forged)
{
	struct edge_stand_in *e = world.edge;
	struct sent *sent = &world.sent[world.n_sent];
	struct buffer out = buffer_init(world.heap, LOG_RECORD_MAX);
	unsigned char *body = heap_alloc(world.heap, body_len + 1);
	slice sealed[TARGETS], payload;
	struct journal_commit commit = { .transaction = world.n_sent + 5, .received_us = 77,
	    .sender = slice_lit("sender@there.example"), .trace = slice_lit("Received: here\r\n"),
	    .n_recipients = TARGETS, .sealed = sealed };
	uint32_t offset;
	bool ok;

	assert_true(world.n_sent < SENT_MAX);
	memset(sent, 0, sizeof *sent);
	sent->body_seed = world.n_sent * 7 + 1;
	sent->body_len = body_len;
	sent->spool = spool;
	sent->id = (struct message_id){ e->head.producer, 0, e->head.generation };
	for (size_t i = 0; i < TARGETS; i++) {
		sent->accounts[i] = (world.n_sent + i) % 40 + 1;
		sealed[i] = seal_for(commit.transaction, sent->accounts[i],
		    forged && i == TARGETS - 1);
	}
	body_fill(sent->body_seed, body, body_len);
	commit.body = (struct journal_body){ body_len * 2, body_len,
	    checksum64(slice_of(body, body_len), 0), spool,
	    spool != 0 ? (slice){ 0 } : slice_of(body, body_len) };
	journal_commit_write(&commit, &out);
	payload = buffer_bytes(&out);
	ok = log_append(&e->writer, JOURNAL_COMMIT, &payload, 1, &sent->id.sequence, &offset);
	buffer_free(&out);
	heap_free(world.heap, body);
	if (!ok)
		return NULL;
	world.n_sent++;
	return sent;
}

static void edge_write(void)
{
	struct edge_stand_in *e = world.edge;
	uint32_t offset;
	slice bytes = log_take(&e->writer, true, &offset);

	assert_int_equal(os_pwrite(e->frame.os, e->fd, bytes, offset), 0);
	log_taken_done(&e->writer);
}

/* Write, sync, announce: from here on a 250 was said. */
static void edge_commit(void)
{
	struct edge_stand_in *e = world.edge;

	edge_write();
	assert_int_equal(os_sync(e->frame.os, e->fd), 0);
	log_synced(&e->writer, e->writer.taken_to);
	edge_say(IPC_SYNCED, e->head.generation, &e->writer.synced_to);
	for (size_t i = e->first_unsynced; i < world.n_sent; i++)
		world.sent[i].acknowledged = true;
	e->first_unsynced = world.n_sent;
}

static void edge_end_segment(void)
{
	struct edge_stand_in *e = world.edge;

	os_close(e->frame.os, e->fd);
	edge_say(IPC_SEGMENT_END, e->head.generation, NULL);
	log_writer_finish(&e->writer);
	e->head.generation = 0;
	e->fd = -1;
}

/* n records of one size in one batch, in the present segment. */
static inline void edge_send(unsigned n, uint32_t body_len)
{
	for (unsigned i = 0; i < n; i++) {
		assert_true(edge_has_segment(20000));
		if (edge_append(body_len, 0, false) == NULL) {
			edge_commit();
			edge_end_segment();
			assert_true(edge_has_segment(20000));
			assert_non_null(edge_append(body_len, 0, false));
		}
	}
	edge_commit();
}

/* ---- what must hold ---- */

static bool all_durable(void)
{
	for (size_t i = 0; i < world.n_sent; i++) {
		const struct sent *sent = &world.sent[i];

		for (size_t k = 0; k < TARGETS && sent->acknowledged; k++) {
			if (!sent->durable[k])
				return false;
		}
	}
	return true;
}

static inline void assert_all_durable(uint64_t within_ms)
{
	for (uint64_t i = 0; i < within_ms && !all_durable(); i += 50)
		run_ms(50);
	if (!all_durable())
		fail_msg("an acknowledged message did not arrive");
}

static inline unsigned handed_most(void)
{
	unsigned most = 0;

	for (size_t i = 0; i < world.n_sent; i++) {
		for (size_t k = 0; k < TARGETS; k++)
			most = world.sent[i].handed[k] > most ? world.sent[i].handed[k] : most;
	}
	return most;
}

static bool count_name(void *context, const char *name)
{
	(*(unsigned *)context)++;
	return true;
}

static inline unsigned files_in(const char *folder)
{
	unsigned n = 0;

	os_list(world.os, world.root, folder, count_name, &n);
	return n;
}

/* ---- small journals, large bodies ---- */

static const char small[] = "journal.size = 64M\njournal.segment = 4M\n";

/* A spool file with its body, synced: its id; 0 when something died meanwhile. */
static inline uint64_t edge_try_spool(uint32_t len, uint64_t seed)
{
	struct edge_stand_in *e = world.edge;
	unsigned char *body;

	e->spool_answered = false;
	put_u64(ipc_begin(edge_router(), IPC_SPOOL_WANT), 9);
	ipc_end(edge_router(), -1);
	for (unsigned i = 0; i < 100 && world.edge == e && !e->spool_answered; i++)
		run_ms(10);
	if (world.edge != e || !e->spool_answered || e->spool == 0)
		return 0;
	body = heap_alloc(world.heap, len);
	body_fill(seed, body, len);
	assert_int_equal(os_pwrite(e->frame.os, e->spool_fd, slice_of(body, len), 0), 0);
	assert_int_equal(os_sync(e->frame.os, e->spool_fd), 0);
	os_close(e->frame.os, e->spool_fd);
	heap_free(world.heap, body);
	return e->spool;
}

static inline uint64_t edge_spool(uint32_t len, uint64_t seed)
{
	uint64_t id = edge_try_spool(len, seed);

	assert_true(id != 0);
	return id;
}

#endif
