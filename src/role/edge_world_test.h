/* role/edge_world_test.h - an edge among small stand-ins for directory, router
 * and store, in a simulated world, and clients that talk to it. For tests.
 *
 *   directory: alice@here.example (account 7, password "secret") and
 *              bob@here.example exist; alice owns alice@*; in a mock whoever logs in
 *              has account 100 and the length of the name, "full" none; an account's
 *              seals name it
 *   router:    gives segments and spool files, reads what is announced
 *   store 0:   adopts sessions: says "+OK adopted", or "TAG OK adopted", then sends all back */
#ifndef ROLE_EDGE_WORLD_TEST_H
#define ROLE_EDGE_WORLD_TEST_H

#include <errno.h>
#include <stdio.h>
#include <zstd.h>

#include "base/checksum.h"
#include "base/limits.h"
#include "directory/verdict.h"
#include "journal/record.h"
#include "log/log.h"
#include "os/os_faulty.h"
#include "os/os_sim.h"
#include "os/stream.h"
#include "role/bystander_test.h"
#include "role/frame.h"
#include "role/keeper.h"
#include "role/role.h"
#include "unit.h"

enum { MESSAGES_MAX = 128, SEGMENTS_MAX = 32, WAIT_MS = 60 * 1000 };

/* A message that the router read below an announced offset. */
struct committed {
	struct message_id id;
	slice sender, trace, body;
	unsigned n_recipients, flags;
	slice sealed, last_sealed;      /* of the first recipient, and the last */
	bool spooled;
};

static struct world {
	struct sim *sim;
	struct sim_host *host;
	struct os *os, *client_os;
	struct heap *heap;
	struct arena arena;
	struct config config;
	struct keeper_inputs inputs;
	struct keeper *keeper;
	bool ready, ended;
	struct frame *directory, *router, *store, *edge;

	/* router */
	uint64_t generation, spool;     /* the last given */
	struct segment {
		struct log_head head;
		int fd;
		struct log_reader reader;
	} segments[SEGMENTS_MAX];       /* by generation */
	int spool_fd;
	struct committed messages[MESSAGES_MAX];
	unsigned n_messages, ends, aborts, drops, wants;
	bool no_segments, no_spools;
	unsigned segment_size;
	/* directory */
	bool silent, too_fast;
	unsigned asked_flags;           /* of the last IPC_RECIPIENT */
	uint64_t asked_account;
	slice asked_login;              /* of the last IPC_LOGIN */
	unsigned n_logins;
	uint8_t asked_ip[16];
	/* store */
	struct stream *adopted;
	unsigned login_store;           /* what the directory answers */
	uint8_t adopted_service, adopted_flags;
	slice adopted_unread;
} world;

/* ---- directory ---- */

static void on_recipient(struct ipc_channel *peer, struct bytes *in)
{
	uint64_t request = get_u64(in);
	slice recipient, sealed;
	struct buffer *out;
	bool ok;

	get_u64(in);
	world.asked_flags = get_u8(in);
	memcpy(world.asked_ip, get_raw(in, 16).ptr, 16);
	world.asked_account = get_u64(in);
	get_slice(in, IPC_TEXT_MAX);
	recipient = get_slice(in, IPC_TEXT_MAX);
	ok = slice_ends(recipient, slice_lit("@here.example"));
	sealed = !ok ? (slice){ 0 } : world.asked_account == 0 ?
	    arena_printf(&world.arena, "seal:%.*s", slice_arg(recipient)) :
	    arena_printf(&world.arena, "seal:%u:%.*s", (unsigned)world.asked_account,
	    slice_arg(recipient));
	out = ipc_begin(peer, IPC_RECIPIENT_IS);
	put_u64(out, request);
	put_u8(out, world.too_fast ? DIRECTORY_TOO_FAST : ok ? DIRECTORY_OK :
	    DIRECTORY_RELAYING_DENIED);
	put_slice(out, world.too_fast ? slice_lit("too many messages") : (slice){ 0 });
	put_slice(out, world.too_fast ? (slice){ 0 } : sealed);
	ipc_end(peer, -1);
}

static void on_owns(struct ipc_channel *peer, struct bytes *in)
{
	uint64_t request = get_u64(in), account = get_u64(in);
	slice address = get_slice(in, IPC_TEXT_MAX);
	struct buffer *out = ipc_begin(peer, IPC_OWNS_IS);

	put_u64(out, request);
	put_u8(out, account == 7 && slice_starts(address, slice_lit("alice@")) ? DIRECTORY_OK :
	    DIRECTORY_NOT_OWNER);
	put_slice(out, (slice){ 0 });
	ipc_end(peer, -1);
}

static void on_login(struct ipc_channel *peer, struct bytes *in)
{
	uint64_t request = get_u64(in);
	struct buffer *out;
	slice login, secret;
	bool ok;

	get_u8(in);
	get_raw(in, 16);
	login = get_slice(in, IPC_TEXT_MAX);
	secret = get_slice(in, IPC_TEXT_MAX);
	world.asked_login = slice_copy(&world.arena, login);
	world.n_logins++;
	ok = world.config.mock ? !slice_equal(login, slice_lit("full")) :
	    slice_equal(login, slice_lit("alice@here.example")) &&
	    slice_equal(secret, slice_lit("secret"));
	out = ipc_begin(peer, IPC_LOGIN_IS);
	put_u64(out, request);
	put_u8(out, ok ? DIRECTORY_OK : world.config.mock ? DIRECTORY_TEMPORARY :
	    DIRECTORY_BAD_CREDENTIALS);
	put_slice(out, (slice){ 0 });
	put_u64(out, !ok ? 0 : world.config.mock ? 100 + login.len : 7);
	put_slice(out, login);
	put_u16(out, (uint16_t)world.login_store);
	put_u64(out, 99);
	ipc_end(peer, -1);
}

/* ---- router ---- */

static void give_segment(struct ipc_channel *peer)
{
	struct os *os = world.router->os;
	struct segment *segment = &world.segments[++world.generation];
	struct buffer *out;
	char path[32];

	assert_true(world.generation < SEGMENTS_MAX);
	snprintf(path, sizeof path, "%llu.log", (unsigned long long)world.generation);
	segment->fd = os_open(os, OS_ROOT, path, OS_READ | OS_WRITE | OS_CREATE);
	assert_true(segment->fd >= 0);
	segment->head = (struct log_head){ .kind = LOG_JOURNAL, .producer = 1,
	    .generation = world.generation, .size = world.segment_size };
	log_reader_init(&segment->reader, &segment->head, 0);
	out = ipc_begin(peer, IPC_SEGMENT);
	put_u16(out, segment->head.producer);
	put_u64(out, segment->head.generation);
	put_u32(out, segment->head.size);
	ipc_end(peer, os_open(os, OS_ROOT, path, OS_WRITE));
}

static slice read_body(const struct journal_body *body)
{
	unsigned char *raw = arena_take(&world.arena, body->size + 1, 1), *frames;
	slice at = body->frames;
	size_t n = 0;

	if (body->spool != 0) {
		frames = arena_take(&world.arena, body->stored, 1);
		assert_int_equal(os_pread(world.router->os, world.spool_fd, frames,
		    body->stored, 0), body->stored);
		at = slice_of(frames, body->stored);
	}
	assert_int_equal(at.len, body->stored);
	assert_int_equal(checksum64(at, 0), body->checksum);
	while (at.len > 0) {
		size_t frame = ZSTD_findFrameCompressedSize(at.ptr, at.len), len;

		assert_false(ZSTD_isError(frame));
		len = ZSTD_decompress(raw + n, body->size - n, at.ptr, frame);
		assert_false(ZSTD_isError(len));
		assert_true(len <= BODY_FRAME_RAW);
		n += len;
		at = slice_drop(at, frame);
	}
	assert_int_equal(n, body->size);
	return slice_of(raw, n);
}

static void read_record(uint64_t generation, const struct log_record *record)
{
	struct committed *m = &world.messages[world.n_messages++];
	struct journal_commit commit;

	assert_true(world.n_messages <= MESSAGES_MAX);
	assert_int_equal(record->type, JOURNAL_COMMIT);
	assert_true(journal_commit_read(slice_copy(&world.arena, record->payload), &world.arena,
	    &commit));
	*m = (struct committed){ .id = { 1, record->sequence, generation },
	    .sender = commit.sender, .trace = commit.trace, .n_recipients = commit.n_recipients,
	    .flags = commit.flags, .sealed = commit.sealed[0],
	    .last_sealed = commit.sealed[commit.n_recipients - 1],
	    .spooled = commit.body.spool != 0 };
	m->body = read_body(&commit.body);
}

static void on_synced(uint64_t generation, uint32_t offset)
{
	struct segment *segment = &world.segments[generation];
	unsigned char *bytes = heap_alloc(world.heap, offset);
	struct log_record record;
	uint32_t from, to, need;

	assert_true(generation > 0 && generation <= world.generation);
	assert_int_equal(os_pread(world.router->os, segment->fd, bytes, offset, 0), offset);
	segment->reader.limit = offset;
	while (log_next(&segment->reader, slice_of(bytes, offset), 0, true, &record, &from, &to,
	    &need) == LOG_RECORD)
		read_record(generation, &record);
	heap_free(world.heap, bytes);
}

static void on_spool_want(struct ipc_channel *peer, uint64_t request)
{
	struct buffer *out;
	char path[32];

	snprintf(path, sizeof path, "spool%llu", (unsigned long long)++world.spool);
	out = ipc_begin(peer, IPC_SPOOL);
	put_u64(out, request);
	put_u64(out, world.no_spools ? 0 : world.spool);
	if (!world.no_spools)
		world.spool_fd = os_open(world.router->os, OS_ROOT, path, OS_READ | OS_WRITE |
		    OS_CREATE);
	ipc_end(peer, world.no_spools ? -1 : os_open(world.router->os, OS_ROOT, path, OS_WRITE));
}

/* ---- store ---- */

static size_t adopted_data(struct stream *stream, slice in)
{
	stream_write(stream, in);
	return in.len;
}

static void adopted_closed(struct stream *stream, int error)
{
	stream_destroy(stream);
	world.adopted = NULL;
}

static void on_adopt(struct ipc_message *m)
{
	static const struct stream_handler handler = { adopted_data, NULL, NULL, adopted_closed };
	slice tag, unread;

	assert_int_equal(get_u64(&m->body), 99);
	world.adopted_service = get_u8(&m->body);
	world.adopted_flags = get_u8(&m->body);
	get_raw(&m->body, 16);
	tag = get_slice(&m->body, IMAP_TAG_MAX);
	unread = get_slice(&m->body, SESSION_UNREAD_MAX);
	assert_true(bytes_end(&m->body));
	world.adopted = stream_create(world.store->os, ipc_take_fd(m), 4096, 65536, &handler, NULL);
	world.adopted_unread = slice_copy(&world.arena, unread);
	stream_write(world.adopted, tag.len == 0 ? slice_lit("+OK adopted\r\n") :
	    arena_printf(&world.arena, "%.*s OK adopted\r\n", slice_arg(tag)));
	stream_write(world.adopted, unread);
}

/* ---- the frame of all three ---- */

static bool on_message(struct frame *f, struct ipc_channel *peer, struct ipc_message *m)
{
	uint64_t number = 0;

	if (world.silent && f == world.directory)
		return true;
	switch (m->type) {
	case IPC_RECIPIENT:
		on_recipient(peer, &m->body);
		break;
	case IPC_OWNS:
		on_owns(peer, &m->body);
		break;
	case IPC_LOGIN:
		on_login(peer, &m->body);
		break;
	case IPC_SEGMENT_WANT:
		world.wants++;
		if (!world.no_segments)
			give_segment(peer);
		break;
	case IPC_SYNCED:
		number = get_u64(&m->body);
		on_synced(number, get_u32(&m->body));
		break;
	case IPC_ABORTED:
		world.aborts++;
		return true;
	case IPC_SEGMENT_END:
		world.ends++;
		return true;
	case IPC_SPOOL_WANT:
		on_spool_want(peer, get_u64(&m->body));
		break;
	case IPC_SPOOL_DROP:
		world.drops++;
		return true;
	case IPC_ADOPT:
		on_adopt(m);
		break;
	default:
		return false;
	}
	return bytes_end(&m->body);
}

static bool on_keeper(struct frame *f, struct ipc_message *m)
{
	return true;
}

static void on_drain(struct frame *f, uint32_t grace_ms)
{
	frame_drained(f);
}

static void on_left(struct frame *f, struct ipc_channel *peer)
{
}

static const struct frame_handler stand_in = { .keeper = on_keeper, .start = frame_ready,
    .drain = on_drain, .peer_left = on_left, .peer_message = on_message };

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

void store_start(struct os *os, int channel, unsigned index)
{
	world.store = start_stand_in(os, ROLE_STORE, channel);
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
		fail_msg("%s", failure);
}

static void run_ms(uint64_t ms)
{
	sim_run_until(world.sim, sim_now_us(world.sim) + ms * 1000);
}

#ifdef OWN_JOURNEY_TEST                 /* a test that reads what the edge writes down */
static int on_open_journey(struct keeper *k, enum role_kind kind, unsigned index)
{
	return kind == ROLE_EDGE ? os_open(world.os, OS_ROOT, "events", OS_WRITE | OS_CREATE) : -1;
}
#endif

/* extra: lines of configuration. */
static void world_begin(const char *extra)
{
	static const struct { const char *text; enum service service; } wanted[] = {
		{ "10.0.0.1:25", SERVICE_SMTP }, { "10.0.0.1:587", SERVICE_SUBMISSION },
		{ "10.0.0.1:465", SERVICE_SUBMISSIONS }, { "10.0.0.1:110", SERVICE_POP3 },
		{ "10.0.0.1:995", SERVICE_POP3S }, { "10.0.0.1:143", SERVICE_IMAP },
		{ "10.0.0.1:993", SERVICE_IMAPS },
#ifdef OWN_WEB_TEST                     /* a test with a web of its own */
		{ "10.0.0.1:80", SERVICE_HTTP },
#endif
	};
	enum { N = sizeof wanted / sizeof *wanted };
	static const struct keeper_handler handler = { .ready = on_ready, .ended = on_ended,
#ifdef OWN_JOURNEY_TEST
	    .open_journey = on_open_journey,
#endif
	};
	static const uint8_t here[4] = { 10, 0, 0, 1 }, there[4] = { 10, 0, 0, 2 };
	static struct keeper_listener listeners[N];
	struct config_error error;
	struct buffer chain, key;
	slice text;

	memset(&world, 0, sizeof world);
	world.segment_size = 4 << 20;
	world.heap = heap_create(SIZE_MAX);
	world.arena = arena_init(world.heap, SIZE_MAX / 2);
	chain = buffer_init(world.heap, 1 << 16);
	key = buffer_init(world.heap, 1 << 16);
	assert_true(tls_self_signed(slice_lit("mx.here.example"), &chain, &key));
	world.sim = sim_create(1);
	world.host = sim_host_create(world.sim, "here", here, 1 << 30);
	world.os = sim_process_create(world.host, "keeper");
	world.client_os = sim_process_create(sim_host_create(world.sim, "there", there, 1 << 20),
	    "client");
	text = arena_printf(&world.arena, "hostname = mx.here.example\nedges = 1\nstores = 1\n%s",
	    extra);
	if (config_parse(text, &world.arena, &world.config, &error, 1) != 0)
		fail_msg("%u: %s", error.line, error.text);
	assert_int_equal(os_mkdir(world.os, OS_ROOT, "root"), 0);
	for (size_t i = 0; i < ROLE_KINDS; i++)
		world.inputs.roots[i] = os_open(world.os, OS_ROOT, "root", OS_FOLDER);
	for (size_t i = 0; i < N; i++) {
		listeners[i].service = wanted[i].service;
		assert_true(os_address_parse(slice_from(wanted[i].text), &listeners[i].address));
		listeners[i].fd = os_listen(world.os, &listeners[i].address, 10);
		assert_true(listeners[i].fd >= 0);
	}
	world.inputs.settings = (struct keeper_settings){ &world.config, buffer_bytes(&chain),
	    buffer_bytes(&key), listeners, N };
	world.inputs.hold = -1;
	world.inputs.uid = world.inputs.gid = -1;
	world.keeper = keeper_start(world.os, &world.inputs, &handler, NULL);
	run_ms(2000);
	assert_true(world.ready);
}

static void world_end(void)
{
	sim_destroy(world.sim);
	heap_drop(world.heap);
}

/* The edge's process. */
static inline struct os *edge_os(void)
{
	return sim_host_process(world.host, "edge");
}

/* ---- clients ---- */

struct client {
	struct stream *stream;
	struct os_watch connecting;
	struct tls_context *tls;
	int fd;
	bool open, closed, secured;
	struct buffer got;
	size_t seen;                    /* of got, by client_expect */
};

static size_t client_data(struct stream *stream, slice in)
{
	struct client *c = stream_owner(stream);

	buffer_add(&c->got, in);
	return in.len;
}

static void client_secured(struct stream *stream)
{
	((struct client *)stream_owner(stream))->secured = true;
}

static void client_closed(struct stream *stream, int error)
{
	((struct client *)stream_owner(stream))->closed = true;
}

static const struct stream_handler client_handler = { client_data, NULL, client_secured,
    client_closed };

static void client_connected(struct os_watch *watch, int events)
{
	struct client *c = watch->owner;

	os_watch_stop(world.client_os, watch);
	assert_int_equal(os_connected(world.client_os, c->fd), 0);
	c->stream = stream_create(world.client_os, c->fd, 1 << 20, 64 << 20, &client_handler, c);
	c->open = true;
}

static void client_open(struct client *c, const char *where)
{
	struct os_address address;

	memset(c, 0, sizeof *c);
	c->got = buffer_init(world.heap, 1 << 20);
	assert_true(os_address_parse(slice_from(where), &address));
	c->fd = os_connect(world.client_os, &address);
	assert_true(c->fd >= 0);
	c->connecting = (struct os_watch){ .ready = client_connected, .owner = c };
	os_watch_start(world.client_os, &c->connecting, c->fd, OS_WRITABLE);
	for (unsigned i = 0; i < 1000 && !c->open; i++)
		run_ms(1);
	assert_true(c->open);
}

static inline void client_secure(struct client *c)
{
	char error[TLS_ERROR_TEXT];

	c->tls = tls_client_context(os_heap(world.client_os), (slice){ 0 }, error, sizeof error);
	assert_non_null(c->tls);
	stream_secure(c->stream, c->tls, "mx.here.example");
	for (unsigned i = 0; i < 1000 && !c->secured; i++)
		run_ms(1);
	assert_true(c->secured);
}

static void client_send(struct client *c, slice bytes)
{
	stream_write(c->stream, bytes);
}

static slice client_rest(const struct client *c)
{
	return slice_drop(buffer_bytes(&c->got), c->seen);
}

/* Wait for text; what came before it is skipped. */
static void client_expect(struct client *c, const char *text)
{
	for (unsigned i = 0; i < WAIT_MS; i++) {
		size_t at = slice_find(client_rest(c), slice_from(text));

		if (at < client_rest(c).len) {
			c->seen += at + strlen(text);
			return;
		}
		run_ms(i < 1000 ? 1 : 100);
	}
	fail_msg("waited for \"%s\", have \"%.*s\"", text, slice_arg(client_rest(c)));
}

static void client_say(struct client *c, const char *line, const char *reply)
{
	client_send(c, slice_from(line));
	client_expect(c, reply);
	run_ms(20);                     /* what the roles tell each other arrives, too */
}

static void client_expect_closed(struct client *c)
{
	for (unsigned i = 0; i < WAIT_MS && !c->closed; i++)
		run_ms(i < 1000 ? 1 : 100);
	assert_true(c->closed);
}

static void client_close(struct client *c)
{
	stream_destroy(c->stream);
	run_ms(100);
}

/* ---- a message ---- */

#define A_MOCK "domains = here.example\nmock = yes\nrelay = no\n"

#define MAIL_TO_DATA "EHLO c.example\r\nMAIL FROM:<x@there.example>\r\n" \
    "RCPT TO:<bob@here.example>\r\nDATA\r\n"
#define TEXT "Subject: hi\r\n\r\nline\r\n"

static inline void say_mail(struct client *c)
{
	client_expect(c, "220 mx.here.example ESMTP Posthouse\r\n");
	client_say(c, MAIL_TO_DATA, "354 ");
}

static inline slice body_of(unsigned i)
{
	assert_true(i < world.n_messages);
	return world.messages[i].body;
}

/* One message on 25: in the journal, as sent, before the 250. */

#endif
