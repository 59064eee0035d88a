/* role/store_world_test.h - a store among small stand-ins for directory, router
 * and edge, in a simulated world. For tests.
 *
 *   router:    tells LIVE, hands over what deliver() says, counts the answers
 *   directory: says what login() says
 *   edge:      adopt() gives a connection away and keeps the other end: a client */
#ifndef ROLE_STORE_WORLD_TEST_H
#define ROLE_STORE_WORLD_TEST_H

#include <errno.h>
#include <stdio.h>
#include <zstd.h>

#include "account/slot.h"
#include "base/checksum.h"
#include "base/limits.h"
#include "journal/delivery.h"
#include "os/os_sim.h"
#include "os/stream.h"
#include "role/bystander_test.h"
#include "role/frame.h"
#include "role/keeper.h"
#include "role/role.h"
#include "unit.h"

enum { MESSAGES_MAX = 4096, WAIT_MS = 90 * 1000, NO_RESULT = 99 };

static struct world {
	struct sim *sim;
	struct sim_host *host;
	struct os *os;
	struct heap *heap;
	struct arena arena;
	struct config config;
	struct keeper_inputs inputs;
	bool ready, ended, drained;
	unsigned char peer_ip[16];      /* of clients; zeros: an administrator */
	bool with_web;                  /* whoever includes this has a web_start() */
	struct keeper *keeper;
	struct frame *directory, *router, *edge;
	uint64_t nonce;
	uint64_t live[8];               /* what the router says in LIVE */
	uint32_t n_live;
	bool joined;                    /* the store is there, LIVE was told */
	int64_t received_us;            /* when messages came; 0: number n in its millisecond n */
	uint64_t source;                /* where every other body lies; 0: none yet */
	uint64_t segment_end;           /* of that file */
	uint64_t segment_skip;          /* so far behind its end the next one should be */
	bool segment_rots;              /* a bit of the next one turns */
	uint8_t results[MESSAGES_MAX];  /* of message n: its last answer */
	unsigned answers[MESSAGES_MAX];
	uint64_t asked;                 /* the last UNDELETE's number */
	struct buffer answer;           /* to it; empty: none yet */
	uint64_t full;                  /* bits of accounts that the store calls full */
	unsigned n_full;                /* how often it said something of one */
} world;

static void run_ms(uint64_t ms)
{
	sim_run_until(world.sim, sim_now_us(world.sim) + ms * 1000);
}

/* ---- stand-ins ---- */

static bool on_message(struct frame *f, struct ipc_channel *peer, struct ipc_message *m)
{
	uint32_t n;

	if (f == world.directory && m->type == IPC_FULL) {
		n = (uint32_t)get_u64(&m->body);
		assert_true(n < 64);
		world.full &= ~(UINT64_C(1) << n);
		world.full |= (uint64_t)get_u8(&m->body) << n;
		world.n_full++;
		return bytes_end(&m->body);
	}
	if (f == world.directory && (m->type == IPC_UNDELETE_IS || m->type == IPC_HELD_IS)) {
		assert_int_equal(get_u64(&m->body), world.asked);
		buffer_add(&world.answer, get_slice(&m->body, CONTROL_ANSWER_MAX));
		return bytes_end(&m->body);
	}
	if (f != world.router || m->type != IPC_DELIVERED)
		return false;
	n = get_u32(&m->body);
	for (uint32_t i = 0; i < n; i++) {
		struct message_id id = get_message_id(&m->body);

		get_u16(&m->body);
		assert_true(id.sequence < MESSAGES_MAX);
		world.results[id.sequence] = get_u8(&m->body);
		world.answers[id.sequence]++;
	}
	return bytes_end(&m->body);
}

static void on_joined(struct frame *f, struct ipc_channel *peer)
{
	struct buffer *out;

	if (f != world.router || ipc_peer_kind(peer) != ROLE_STORE)
		return;
	out = ipc_begin(peer, IPC_LIVE);
	put_u32(out, world.n_live);
	for (uint32_t i = 0; i < world.n_live; i++)
		put_u64(out, world.live[i]);
	ipc_end(peer, -1);
	world.joined = true;
	world.source = 0;
}

static void on_left(struct frame *f, struct ipc_channel *peer)
{
	if (f == world.router && ipc_peer_kind(peer) == ROLE_STORE)
		world.joined = false;
}

static bool on_keeper(struct frame *f, struct ipc_message *m)
{
	return true;
}

static void on_drain(struct frame *f, uint32_t grace_ms)
{
	frame_drained(f);
}

static const struct frame_handler stand_in = { .keeper = on_keeper, .start = frame_ready,
    .drain = on_drain, .peer_joined = on_joined, .peer_left = on_left,
    .peer_message = on_message };

static struct frame *start_stand_in(struct os *os, enum role_kind kind, int channel)
{
	struct frame *f = heap_new(os_heap(os), struct frame);

	frame_init(f, os, kind, 0, channel, &stand_in, f);
	return f;
}

void directory_start(struct os *os, int channel, unsigned index)
{
	world.directory = start_stand_in(os, ROLE_DIRECTORY, channel);
}

void router_start(struct os *os, int channel, unsigned index)
{
	world.router = start_stand_in(os, ROLE_ROUTER, channel);
}

void edge_start(struct os *os, int channel, unsigned index)
{
	world.edge = start_stand_in(os, ROLE_EDGE, channel);
}

/* ---- the world ---- */

static void on_ready(struct keeper *k)
{
	world.ready = true;
}

static void on_ended(struct keeper *k, const char *failure)
{
	world.ended = true;
}

static void start_keeper(void)
{
	static const struct keeper_handler handler = { on_ready, on_ended, NULL };

	struct keeper_listener http = { .service = SERVICE_HTTP };

	world.os = sim_process_create(world.host, "keeper");
	if (world.with_web) {
		assert_true(os_address_parse(slice_lit("10.0.0.1:8025"), &http.address));
		http.fd = os_listen(world.os, &http.address, 1);
		assert_true(http.fd >= 0);
		world.inputs.settings.listeners = &http;
		world.inputs.settings.n_listeners = 1;
	}
	world.ready = world.ended = world.joined = false;
	for (size_t i = 0; i < ROLE_KINDS; i++)
		world.inputs.roots[i] = os_open(world.os, OS_ROOT, "account", OS_FOLDER);
	world.keeper = keeper_start(world.os, &world.inputs, &handler, NULL);
	for (unsigned i = 0; i < 10000 && !(world.ready && world.joined); i++)
		run_ms(1);
	assert_true(world.ready && world.joined);
}

static void world_begin_with(uint64_t seed, const char *extra, bool with_web)
{
	static const uint8_t here[4] = { 10, 0, 0, 1 };
	struct config_error error;
	int root;

	memset(&world, 0, sizeof world);
	memset(world.results, NO_RESULT, sizeof world.results);
	world.with_web = with_web;
	world.heap = heap_create(SIZE_MAX);
	world.arena = arena_init(world.heap, SIZE_MAX / 2);
	world.answer = buffer_init(world.heap, SIZE_MAX / 2);
	world.sim = sim_create(seed);
	world.host = sim_host_create(world.sim, "here", here, 1 << 30);
	assert_int_equal(config_parse(arena_printf(&world.arena, "hostname = mx.here.example\n"
	    "edges = 1\nstores = 1\n%s", extra), &world.arena, &world.config, &error, 1), 0);
	world.os = sim_process_create(world.host, "maker");
	assert_int_equal(os_mkdir(world.os, OS_ROOT, "account"), 0);
	root = os_open(world.os, OS_ROOT, ".", OS_READ | OS_FOLDER);
	assert_int_equal(os_sync_folder(world.os, root), 0);
	sim_kill(world.os);
	world.inputs.settings.config = &world.config;
	world.inputs.settings.chain = slice_lit("-");
	world.inputs.settings.key = slice_lit("-");
	world.inputs.hold = -1;
	world.inputs.uid = world.inputs.gid = -1;
	start_keeper();
}

/* extra: lines of configuration. */
static void world_begin_as(uint64_t seed, const char *extra)
{
	world_begin_with(seed, extra, false);
}

static inline void world_begin(uint64_t seed)
{
	world_begin_as(seed, "");
}

static void world_end(void)
{
	sim_destroy(world.sim);
	heap_drop(world.heap);
}

static struct os *store_os(void)
{
	return sim_host_process(world.host, "store");
}

/* With all of its peers. */
static bool store_is_there(void)
{
	return world.joined && frame_peer(world.directory, ROLE_STORE, 0) != NULL &&
	    frame_peer(world.edge, ROLE_STORE, 0) != NULL;
}

static void wait_for_store(void)
{
	for (unsigned i = 0; i < WAIT_MS && !store_is_there(); i++)
		run_ms(1);
	assert_true(store_is_there());
}

static void kill_store(void)
{
	sim_kill(store_os());
	world.joined = false;
	wait_for_store();
}

static inline void cut_power(void)
{
	sim_power_cut(world.host);
	start_keeper();
}

static struct ipc_channel *to_store(struct frame *f)
{
	struct ipc_channel *peer = frame_peer(f, ROLE_STORE, 0);

	assert_non_null(peer);
	return peer;
}

/* ---- deliveries ---- */

static slice body_text(uint32_t n, size_t size)
{
	struct buffer b = buffer_init(world.heap, SIZE_MAX / 2);
	uint64_t x = n + 1;

	buffer_printf(&b, "Subject: message %u\r\n\r\n", n);
	while (buffer_bytes(&b).len < size) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		buffer_printf(&b, "%s%016llx and more\r\n", x >> 62 == 0 ? "." : "",
		    (unsigned long long)x);
	}
	return buffer_bytes(&b);
}

static struct buffer make_frames(slice text)
{
	struct buffer out = buffer_init(world.heap, SIZE_MAX / 2);

	while (text.len > 0) {
		size_t n = text.len < BODY_FRAME_RAW ? text.len : BODY_FRAME_RAW;
		unsigned char *at = buffer_reserve(&out, ZSTD_compressBound(n));
		size_t len = ZSTD_compress(at, ZSTD_compressBound(n), text.ptr, n, 1);

		assert_false(ZSTD_isError(len));
		buffer_filled(&out, len);
		text = slice_drop(text, n);
	}
	return out;
}

/* Larger frames go by descriptor, from a file of the router. */
static int spool(slice frames, uint64_t at)
{
	struct os *os = world.router->os;
	int fd, for_store;

	(void)os_unlink(os, OS_ROOT, "spool");
	fd = os_open(os, OS_ROOT, "spool", OS_READ | OS_WRITE | OS_CREATE);
	assert_true(fd >= 0);
	if (os_pwrite(os, fd, frames, at) != 0) {
		os_close(os, fd);
		return -1;
	}
	for_store = os_duplicate(os, fd);
	os_close(os, fd);
	return for_store;
}

/* Others are in a segment, whose descriptor comes with the first of them. False: the
 * disk failed. */
static bool put_in_segment(slice frames, struct delivery *d, int *ret_fd)
{
	static uint64_t last;
	struct os *os = world.router->os;
	int fd;

	if (world.segment_rots)
		((unsigned char *)(uintptr_t)frames.ptr)[frames.len / 2] ^= 1;
	if (world.source == 0) {
		(void)os_unlink(os, OS_ROOT, "segment");
		world.segment_end = 77;
	}
	fd = os_open(os, OS_ROOT, "segment", OS_READ | OS_WRITE | OS_CREATE);
	if (fd < 0 || os_pwrite(os, fd, frames, world.segment_end) != 0) {
		if (fd >= 0)
			os_close(os, fd);
		return false;
	}
	*ret_fd = -1;
	if (world.source == 0) {
		world.source = ++last;
		*ret_fd = os_duplicate(os, fd);
	}
	os_close(os, fd);
	d->source = world.source;
	d->body_offset = world.segment_end + world.segment_skip;
	world.segment_end += frames.len;
	return true;
}

static void count_file(void *context, const struct sim_disk_file *file)
{
	unsigned *n = context;

	n[0] += slice_ends(slice_from(file->path), slice_lit(".log"));
	n[1] += slice_ends(slice_from(file->path), slice_lit(".pack"));
}

/* Logs, and packs, of all accounts. */
static inline void count_files(unsigned ret_n[2])
{
	ret_n[0] = ret_n[1] = 0;
	sim_disk_each(world.host, count_file, ret_n);
}

static inline void source_is_over(void)
{
	if (world.source == 0)
		return;
	put_u64(ipc_begin(to_store(world.router), IPC_SOURCE_OVER), world.source);
	ipc_end(to_store(world.router), -1);
	world.source = 0;
}

static void deliver_to(uint32_t n, const uint64_t *accounts, uint16_t n_accounts, size_t size)
{
	struct ipc_channel *peer = to_store(world.router);
	struct buffer text = { 0 };
	struct delivery_target targets[8];
	struct delivery d = {
		.id = { 1, n, 1000 + n / 100 },
		.received_us = world.received_us != 0 ? world.received_us : 1000 * (int64_t)n,
		.sender = slice_lit("from@there.example"),
		.trace = slice_lit("Received: from there\r\n"),
		.n_targets = n_accounts,
		.targets = targets,
	};
	slice raw = body_text(n, size);
	struct buffer frames = make_frames(raw);
	bool ok = true;
	int fd = -1;

	(void)text;
	for (uint16_t i = 0; i < n_accounts; i++)
		targets[i] = (struct delivery_target){ i, accounts[i], slice_lit("to@here") };
	d.body = (struct journal_body){ .size = raw.len, .stored = buffer_bytes(&frames).len,
	    .checksum = checksum64(buffer_bytes(&frames), 0) };
	if (n % 2 == 1 && put_in_segment(buffer_bytes(&frames), &d, &fd)) {
		/* Nothing is inside. */
	} else if (d.body.stored <= DELIVERY_INLINE_MAX) {
		d.body.frames = buffer_bytes(&frames);
	} else {
		d.body_offset = 123;
		fd = spool(buffer_bytes(&frames), d.body_offset);
		ok = fd >= 0;
	}
	if (ok) {
		delivery_write(&d, ipc_begin(peer, IPC_DELIVER));
		ipc_end(peer, fd);
	}
	buffer_free(&frames);
	heap_free(world.heap, (void *)(uintptr_t)raw.ptr);
}

static void deliver(uint32_t n, uint64_t account, size_t size)
{
	deliver_to(n, &account, 1, size);
}

static uint8_t wait_result(uint32_t n)
{
	for (unsigned i = 0; i < WAIT_MS && world.results[n] == NO_RESULT; i++)
		run_ms(1);
	return world.results[n];
}

static inline void remove_account(uint64_t account)
{
	struct ipc_channel *peer = to_store(world.directory);

	put_u64(ipc_begin(peer, IPC_REMOVED), account);
	ipc_end(peer, -1);
}

/* ---- clients ---- */

struct client {
	struct stream *stream;
	bool closed;
	struct buffer got;
	size_t seen;
	uint64_t nonce;
};

static size_t client_data(struct stream *stream, slice in)
{
	struct client *c = stream_owner(stream);

	buffer_add(&c->got, in);
	return in.len;
}

static void client_closed(struct stream *stream, int error)
{
	((struct client *)stream_owner(stream))->closed = true;
}

static const struct stream_handler client_handler = { client_data, NULL, NULL, client_closed };

static void login(uint64_t nonce, uint64_t account)
{
	struct buffer *out = ipc_begin(to_store(world.directory), IPC_SESSION);

	put_u64(out, nonce);
	put_u64(out, account);
	put_slice(out, slice_lit("to@here.example"));
	ipc_end(to_store(world.directory), -1);
}

static void adopt_with(struct client *c, enum service service, uint8_t flags, const char *tag,
    const char *unread)
{
	struct ipc_channel *peer = to_store(world.edge);
	struct buffer *out;
	int fds[2];

	*c = (struct client){ .nonce = ++world.nonce };
	c->got = buffer_init(world.heap, SIZE_MAX / 2);
	assert_int_equal(os_stream_pair(world.edge->os, fds), 0);
	c->stream = stream_create(world.edge->os, fds[0], 1 << 20, 1 << 20, &client_handler, c);
	stream_read_always(c->stream);
	out = ipc_begin(peer, IPC_ADOPT);
	put_u64(out, c->nonce);
	put_u8(out, (uint8_t)service);
	put_u8(out, flags);
	buffer_add(out, slice_of(world.peer_ip, sizeof world.peer_ip));
	put_slice(out, slice_from(tag));
	put_slice(out, slice_from(unread));
	ipc_end(peer, fds[1]);
}

static void adopt_as(struct client *c, enum service service, const char *tag, const char *unread)
{
	adopt_with(c, service, ADOPT_LOOPBACK, tag, unread);
}

static void adopt(struct client *c, const char *unread)
{
	adopt_as(c, SERVICE_POP3, "", unread);
}

static inline void client_open(struct client *c, uint64_t account)
{
	adopt(c, "");
	login(c->nonce, account);
}

static slice client_rest(const struct client *c)
{
	return slice_drop(buffer_bytes(&c->got), c->seen);
}

/* Wait for text; returns what stands before it. */
static slice client_until(struct client *c, const char *text)
{
	for (unsigned i = 0; i < WAIT_MS; i++) {
		size_t at = slice_find(client_rest(c), slice_from(text));

		if (at < client_rest(c).len) {
			slice before = slice_head(client_rest(c), at);

			c->seen += at + strlen(text);
			return before;
		}
		run_ms(1);
	}
	fail_msg("waited for \"%s\", have \"%.*s\"", text, slice_arg(client_rest(c)));
	return (slice){ 0 };
}

static slice client_say(struct client *c, const char *line, const char *reply)
{
	stream_write(c->stream, slice_from(line));
	return client_until(c, reply);
}

static void client_close(struct client *c)
{
	stream_destroy(c->stream);
	buffer_free(&c->got);
	run_ms(50);
}

static inline void client_quit(struct client *c)
{
	client_say(c, "QUIT\r\n", "+OK");
	for (unsigned i = 0; i < WAIT_MS && !c->closed; i++)
		run_ms(1);
	assert_true(c->closed);
	client_close(c);
}

/* "QUIT" first and last, so that nothing is expunged: what RETR gives. */
static slice retrieve(struct client *c, uint32_t number)
{
	char line[32];

	snprintf(line, sizeof line, "RETR %u\r\n", number);
	client_say(c, line, " octets\r\n");
	return client_until(c, "\r\n.\r\n");
}

/* Message n as it must be read back, dot-stuffed, without its last CRLF. */
static inline struct buffer wanted(uint32_t n, size_t size)
{
	struct buffer b = buffer_init(world.heap, SIZE_MAX / 2);
	slice rest = body_text(n, size), all = rest;

	buffer_add(&b, slice_lit("Return-Path: <from@there.example>\r\nDelivered-To: to@here\r\n"
	    "Received: from there\r\n"));
	while (rest.len > 0) {
		size_t n_line = slice_find(rest, slice_lit("\r\n")) + 2;

		if (rest.ptr[0] == '.')
			buffer_add(&b, slice_lit("."));
		buffer_add(&b, slice_head(rest, n_line));
		rest = slice_drop(rest, n_line);
	}
	buffer_truncate(&b, buffer_bytes(&b).len - 2);
	heap_free(world.heap, (void *)(uintptr_t)all.ptr);
	return b;
}

/* ---- what is there ---- */

static inline void expect_message(struct client *c, uint32_t number, uint32_t n, size_t size)
{
	struct buffer want = wanted(n, size);
	slice have = retrieve(c, number);

	if (!slice_equal(have, buffer_bytes(&want)))
		fail_msg("message %u differs: %zu bytes, not %zu: %.*s", n, have.len,
		    buffer_bytes(&want).len, 200, (const char *)have.ptr);
	buffer_free(&want);
}

/* Deliver what is not durable yet, until all of first..last is. */
static inline void deliver_until_durable(uint32_t first, uint32_t last, uint64_t account,
    size_t size)
{
	for (int tries = 0; tries < 200; tries++) {
		bool all = true;

		for (uint32_t n = first; n <= last; n++) {
			if (world.results[n] == DELIVERY_DURABLE)
				continue;
			all = false;
			world.results[n] = NO_RESULT;
			deliver(n, account, size);
		}
		if (all)
			return;
		run_ms(2000);
	}
	fail_msg("not all durable");
}

#endif
