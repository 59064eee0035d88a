/* role/relay_world_test.h - the relay under the real keeper in a simulated world: what
 * it is given, and what is seen of its queue. For tests. */
#ifndef ROLE_RELAY_WORLD_TEST_H
#define ROLE_RELAY_WORLD_TEST_H

#include "role/relay_peers_test.h"

/* ---- the world ---- */

static void on_ready(struct keeper *k)
{
	world.ready = true;
}

static void on_ended(struct keeper *k, const char *failure)
{
	world.ended = true;
}

/* With all of its peers. */
static bool relay_is_there(void)
{
	return world.ready && world.told && world.router != NULL && world.directory != NULL &&
	    world.resolver != NULL && frame_peer(world.router, ROLE_RELAY, 0) != NULL &&
	    frame_peer(world.directory, ROLE_RELAY, 0) != NULL &&
	    frame_peer(world.resolver, ROLE_RELAY, 0) != NULL;
}

static void keeper_begin(void)
{
	static const struct keeper_handler handler = { on_ready, on_ended, NULL };

	world.ready = world.ended = world.told = false;
	world.os = sim_process_create(world.host, "keeper");
	for (size_t i = 0; i < ROLE_KINDS; i++)
		world.inputs.roots[i] = os_open(world.os, OS_ROOT, i == ROLE_RELAY ? "queue" :
		    i == ROLE_ROUTER ? "journal" : "other", OS_READ | OS_FOLDER);
	world.keeper = keeper_start(world.os, &world.inputs, &handler, NULL);
	wait_for(relay_is_there(), MINUTE_MS);
}

static void make_folders(void)
{
	struct os *os = sim_process_create(world.host, "maker");
	int root;

	assert_int_equal(os_mkdir(os, OS_ROOT, "queue"), 0);
	assert_int_equal(os_mkdir(os, OS_ROOT, "journal"), 0);
	assert_int_equal(os_mkdir(os, OS_ROOT, "other"), 0);
	root = os_open(os, OS_ROOT, ".", OS_READ | OS_FOLDER);
	assert_int_equal(os_sync_folder(os, root), 0);
	sim_kill(os);
}

/* extra: lines of configuration. Host i has the address 10.0.0.(10 + i). */
static void world_begin(uint64_t seed, const char *extra)
{
	static const uint8_t here[4] = { 10, 0, 0, 1 };
	static const char *const names[HOSTS_MAX] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	struct config_error error;
	slice text;

	memset(&world, 0, sizeof world);
	world.heap = heap_create(SIZE_MAX);
	world.arena = arena_init(world.heap, SIZE_MAX / 2);
	world.messages = heap_alloc(world.heap, MESSAGES_MAX * sizeof *world.messages);
	world.queue_answer = buffer_init(world.heap, SIZE_MAX / 2);
	world.sender = "from@here.example";
	world.sim = sim_create(seed);
	if (getenv("RELAY_TEST_LOG") != NULL)
		sim_echo(world.sim, stderr);
	world.host = sim_host_create(world.sim, "here", here, 1 << 30);
	for (uint8_t i = 0; i < HOSTS_MAX; i++) {
		world.hosts[i] = host_create(world.sim, world.heap, names[i], 10 + i);
		world.hosts[i]->took = count_taken;
	}
	text = arena_printf(&world.arena, "hostname = mx.here.example\nstores = 1\nedges = 1\n%s",
	    extra);
	if (config_parse(text, &world.arena, &world.config, &error, 1) != 0)
		fail_msg("%u: %s", error.line, error.text);
	make_folders();
	world.inputs.settings.config = &world.config;
	world.inputs.settings.chain = slice_lit("-");
	world.inputs.settings.key = slice_lit("-");
	world.inputs.hold = -1;
	world.inputs.uid = world.inputs.gid = -1;
	keeper_begin();
}

/* One domain, one host that listens. */
static inline void world_begin_plain(uint64_t seed, const char *extra)
{
	world_begin(seed, extra);
	name_mx("x.example", 10, "a.example");
	name_a("a.example", 10);
	host_listen(world.hosts[0]);
}

/* Other lines of configuration, as after SIGHUP. */
static inline void world_reload(const char *extra)
{
	struct config_error error;
	slice text = arena_printf(&world.arena,
	    "hostname = mx.here.example\nstores = 1\nedges = 1\n%s", extra);

	if (config_parse(text, &world.arena, &world.config, &error, 1) != 0)
		fail_msg("%u: %s", error.line, error.text);
	keeper_reload(world.keeper, &world.inputs.settings);
	run_ms(100);
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

static inline void kill_role(const char *name)
{
	sim_kill(process(name));
	if (strcmp(name, "relay") == 0)
		world.told = false;
	wait_for(relay_is_there(), 2 * MINUTE_MS);
}

static inline void cut_power(void)
{
	sim_power_cut(world.host);
	keeper_begin();
}

/* ---- deliveries ---- */

static struct buffer compress(slice text)
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

static int spool(slice frames, uint64_t at)
{
	struct os *os = world.router->os;
	int fd;

	(void)os_unlink(os, OS_ROOT, "spool");
	fd = os_open(os, OS_ROOT, "spool", OS_READ | OS_WRITE | OS_CREATE);
	assert_true(fd >= 0);
	if (os_pwrite(os, fd, frames, at) == 0)
		return fd;
	os_close(os, fd);
	return -1;
}

/* Hand message n over, or again: the targets that have no durable answer, or all. */
static void hand_over(uint32_t n, bool all)
{
	struct ipc_channel *peer = frame_peer(world.router, ROLE_RELAY, 0);
	struct message *m = &world.messages[n];
	struct delivery_target targets[TARGETS];
	struct delivery d = { .id = { 1, n + 1, 1000 + n % 4 }, .received_us = m->received_us,
	    .sender = slice_from(world.sender), .trace = slice_from(trace), .targets = targets,
	    .flags = m->flags };
	slice raw = body_text(n, m->size);
	struct buffer frames = compress(raw);
	int fd = -1;

	for (uint16_t i = 0; i < m->n_targets; i++) {
		if (!all && m->durable[i])
			continue;
		targets[d.n_targets++] = (struct delivery_target){ i, 0,
		    arena_printf(&world.arena, "r%u.%u@%s", n, i, m->domains[i]) };
	}
	d.body = (struct journal_body){ .size = raw.len, .stored = buffer_bytes(&frames).len,
	    .checksum = checksum64(buffer_bytes(&frames), 0) };
	if (d.body.stored <= DELIVERY_INLINE_MAX) {
		d.body.frames = buffer_bytes(&frames);
	} else {
		d.body_offset = 123;
		fd = spool(buffer_bytes(&frames), d.body_offset);
	}
	if (d.n_targets > 0 && (d.body.frames.len > 0 || fd >= 0)) {
		delivery_write(&d, ipc_begin(peer, IPC_DELIVER));
		ipc_end(peer, fd);
	}
	buffer_free(&frames);
	heap_free(world.heap, (void *)(uintptr_t)raw.ptr);
}

/* A new message to one recipient at each of these domains ("x.example y.example"). */
static uint32_t deliver_sized(const char *domains, size_t size)
{
	uint32_t n = world.n_messages++;
	struct message *m = &world.messages[n];
	slice rest = slice_from(domains);

	assert_true(n < MESSAGES_MAX);
	m->size = size;
	m->received_us = os_wall_us(world.os);
	memset(m->results, NO_RESULT, sizeof m->results);
	while (rest.len > 0) {
		slice domain = slice_cut(&rest, ' ');

		assert_true(m->n_targets < TARGETS);
		snprintf(m->domains[m->n_targets++], 64, "%.*s", slice_arg(domain));
	}
	hand_over(n, true);
	return n;
}

static inline uint32_t deliver(const char *domains)
{
	return deliver_sized(domains, 300);
}

static inline bool answered(uint32_t n)
{
	for (uint16_t i = 0; i < world.messages[n].n_targets; i++) {
		if (!world.messages[n].durable[i])
			return false;
	}
	return true;
}

/* ---- the queue, seen from outside ---- */

static inline slice queue_say(const char *request)
{
	buffer_free(&world.queue_answer);
	/* Who should answer may die of it. */
	for (int tries = 0; tries < 2 && buffer_bytes(&world.queue_answer).len == 0; tries++) {
		struct ipc_channel *peer;
		struct buffer *out;

		wait_for(relay_is_there(), MINUTE_MS);
		peer = frame_peer(world.directory, ROLE_RELAY, 0);
		out = ipc_begin(peer, IPC_QUEUE);
		put_u64(out, 5);
		put_slice(out, slice_from(request));
		ipc_end(peer, -1);
		for (int i = 0; i < 2000 && buffer_bytes(&world.queue_answer).len == 0; i++)
			run_ms(5);
	}
	assert_true(buffer_bytes(&world.queue_answer).len > 0);
	return buffer_bytes(&world.queue_answer);
}

static inline bool has(slice text, const char *part)
{
	return slice_find(text, slice_from(part)) < text.len;
}

/* Until the queue's list says so. */
static inline void wait_for_queue(const char *part, uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i += 1000) {
		if (has(queue_say("{\"command\":\"queue list\"}"), part))
			return;
		run_ms(1000);
	}
	fail_msg("waited for \"%s\", have %.*s", part,
	    slice_arg(buffer_bytes(&world.queue_answer)));
}

/* Nothing waits. */
static inline bool queue_is_empty(void)
{
	return has(queue_say("{\"command\":\"queue list\"}"), "\"rows\":[]");
}

static inline slice report(unsigned i)
{
	assert_true(i < world.n_reports);
	return buffer_bytes(&world.reports[i]);
}

static bool count_file(void *context, const char *name)
{
	(*(unsigned *)context)++;
	return true;
}

static inline unsigned files_in(const char *folder)
{
	unsigned n = 0;

	os_list(world.os, OS_ROOT, folder, count_file, &n);
	return n;
}

#endif
