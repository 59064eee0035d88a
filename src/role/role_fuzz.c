/* role/role_fuzz.c - one real role in a simulated world, and peers that say whatever
 * the input has: messages of the table with any fields, records in the journal that it
 * hands out, bytes of clients, packets of anything, restarts.
 *
 * The second byte chooses the role, the third how helpful its peers are, and whether a store
 * is a mock's. A number
 * FUZZ_HEARD + i in a field stands for the i-th last number that the role said, so
 * that answers find their questions.
 *
 * For: role/edge_ask.c role/edge_journal.c role/edge_smtp.c role/edge_pop3.c role/edge_imap.c role/edge_handover.c role/router_edge.c role/router_deliver.c role/router_message.c role/store_deliver.c role/store_session.c role/store_pop3.c role/store_imap.c role/store_imap_host.c role/store_queue.c role/store_view.c role/store_change.c role/store_append.c role/store_work.c role/store_zip.c role/store_watch.c role/store_wish.c role/store_tags.c account/tags.c role/directory.c role/directory_login.c role/frame.c
 *
 * Holds: nothing that a peer, a record or a client says ends a role that must serve
 * others (an edge may end itself); whatever it is told, it says only what the table
 * permits. */
#include "fuzz_ipc.h"

#include <stdio.h>

#include "directory/directory.h"
#include "journal/record.h"
#include "log/log.h"
#include "os/os_sim.h"
#include "role/frame.h"
#include "role/role.h"

enum { STEPS_MAX = 40, HEARD = 8, DISK = 64 << 20, SEGMENT = 256 * 1024, CLIENTS = 4 };

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t size, unsigned seed)
{
	return fuzz_ipc_mutate(data, len, size, seed, true);
}

static const uint8_t ip[4] = { 10, 0, 0, 1 };
/* Whom each talks with, as in keeper_give.c. */
static const unsigned mesh[ROLE_KINDS] = {
	[ROLE_EDGE] = 1 << ROLE_DIRECTORY | 1 << ROLE_ROUTER | 1 << ROLE_STORE | 1 << ROLE_WEB,
	[ROLE_DIRECTORY] = 1 << ROLE_EDGE | 1 << ROLE_STORE,
	[ROLE_ROUTER] = 1 << ROLE_EDGE | 1 << ROLE_STORE,
	[ROLE_STORE] = 1 << ROLE_EDGE | 1 << ROLE_DIRECTORY | 1 << ROLE_ROUTER | 1 << ROLE_WEB,
};
static const char config[] = "hostname = mx.x.example\ndomains = x.example\nedges = 1\n"
    "stores = 1\njournal.size = 64M\njournal.segment = 4M\n";
static const char mock[] = "mock = yes\nrelay = no\n";

struct peer {
	struct ipc_channel *channel;    /* NULL: it broke the protocol, or was none */
	int fd;                         /* the channel's */
};

static struct world {
	struct sim *sim;
	struct os *os;                  /* of the keeper and all peers */
	struct os_child child;
	enum role_kind role;
	struct ipc_channel *keeper;
	struct peer peers[ROLE_KINDS];
	bool helpful, ready, over, fatal;
	uint64_t heard[HEARD];
	size_t n_heard;
	int clients[CLIENTS];
	/* The segment that a router gave. */
	int segment;
	struct log_writer writer;
	unsigned files;
} world;

/* ---- what the role says ---- */

static void hear(struct bytes body, enum ipc_type type)
{
	for (const char *f = fuzz_ipc_fields[type]; f != NULL && *f != 0; f++) {
		if (*f == 'q')
			world.heard[world.n_heard++ % HEARD] = get_u64(&body);
		else if (*f == 's')
			get_slice(&body, IPC_BODY_MAX);
		else
			get_raw(&body, *f == 'b' ? 1 : *f == 'w' ? 2 : *f == 'd' ? 4 :
			    *f == 'i' ? 14 : *f == 'I' ? 16 : body.rest.len);
	}
}

static int file(slice bytes)
{
	char name[32];
	int fd;

	snprintf(name, sizeof name, "file%u", world.files++);
	fd = os_open(world.os, OS_ROOT, name, OS_READ | OS_WRITE | OS_CREATE);
	check(fd >= 0 && os_pwrite(world.os, fd, bytes, 0) == 0);
	return fd;
}

static void give_segment(struct ipc_channel *edge)
{
	struct buffer *out = ipc_begin(edge, IPC_SEGMENT);

	put_u16(out, 1);
	put_u64(out, 1000 + world.files);
	put_u32(out, SEGMENT);
	ipc_end(edge, file(slice_lit("")));
}

/* The edge's questions, answered as an honest directory or router does. */
static void help_edge(struct ipc_channel *c, struct ipc_message *m)
{
	uint64_t request = m->body.rest.len >= 8 ? get_u64(&m->body) : 0;
	struct buffer *out;

	if (m->type == IPC_SEGMENT_WANT) {
		give_segment(c);
	} else if (m->type == IPC_SPOOL_WANT) {
		out = ipc_begin(c, IPC_SPOOL);
		put_u64(out, request);
		put_u64(out, 5 + world.files);
		ipc_end(c, file(slice_lit("")));
	} else if (m->type == IPC_RECIPIENT || m->type == IPC_OWNS) {
		out = ipc_begin(c, m->type == IPC_OWNS ? IPC_OWNS_IS : IPC_RECIPIENT_IS);
		put_u64(out, request);
		put_u8(out, DIRECTORY_OK);
		put_slice(out, (slice){ 0 });
		if (m->type == IPC_RECIPIENT)
			put_slice(out, slice_lit("sealed"));
		ipc_end(c, -1);
	} else if (m->type == IPC_LOGIN) {
		out = ipc_begin(c, IPC_LOGIN_IS);
		put_u64(out, request);
		put_u8(out, DIRECTORY_OK);
		put_slice(out, (slice){ 0 });
		put_u64(out, 1);
		put_slice(out, slice_lit("a@x.example"));
		put_u16(out, 0);
		put_u64(out, 99);
		ipc_end(c, -1);
	}
}

static bool on_message(struct ipc_channel *c, struct ipc_message *m)
{
	hear(m->body, m->type);
	if (m->type == IPC_READY)
		world.ready = true;
	else if (m->type == IPC_FATAL)
		world.fatal = true;
	else if (m->type == IPC_SEGMENT && world.segment < 0) {
		uint16_t producer = get_u16(&m->body);
		struct log_head head = { LOG_JOURNAL, producer, get_u64(&m->body), 0, 0,
			get_u32(&m->body) };

		world.segment = ipc_take_fd(m);
		log_writer_init(&world.writer, os_heap(world.os), &head);
	} else if (world.helpful && world.role == ROLE_EDGE)
		help_edge(c, m);
	return true;
}

static void on_closed(struct ipc_channel *c, bool broken)
{
	struct peer *peer = ipc_owner(c);

	check(!broken);                 /* the role keeps to the table */
	if (peer != NULL)
		*peer = (struct peer){ NULL, -1 };
	else
		world.keeper = NULL;
	ipc_channel_destroy(c);
}

static const struct ipc_handler handler = { on_message, on_closed };

static void on_exit_of(struct os_child *child, int status, int signo)
{
	world.over = true;
}

/* ---- the beginning ---- */

static void run_ms(uint64_t ms)
{
	sim_run_until(world.sim, sim_now_us(world.sim) + ms * 1000);
}

static void join(enum role_kind kind)
{
	struct peer *peer = &world.peers[kind];
	struct buffer *out;
	int fds[2];

	if (world.keeper == NULL || (mesh[world.role] & 1u << kind) == 0)
		return;
	ipc_channel_destroy(peer->channel);
	check(os_channel_pair(world.os, fds) == 0);
	out = ipc_begin(world.keeper, IPC_PEER);
	put_u8(out, (uint8_t)kind);
	put_u16(out, 0);
	ipc_end(world.keeper, fds[0]);
	peer->fd = fds[1];
	peer->channel = ipc_channel_create(world.os, fds[1], kind, 0, world.role, 0, &handler, peer);
}

static void give_listener(enum service service, const char *text)
{
	struct os_address address;
	struct buffer *out;
	int fd;

	check(os_address_parse(slice_from(text), &address));
	fd = os_listen(world.os, &address, 16);
	check(fd >= 0);
	out = ipc_begin(world.keeper, IPC_LISTENER);
	put_u8(out, (uint8_t)service);
	put_slice(out, slice_from(text));
	ipc_end(world.keeper, fd);
}

static void begin(enum role_kind role, bool helpful, bool mocks)
{
	static const uint8_t key[32] = { 1, 2, 3 };
	char text[sizeof config + sizeof mock];
	struct buffer *out;
	int fds[2];

	memset(&world, 0, sizeof world);
	world.sim = sim_create(1);
	if (getenv("FUZZ_LOG") != NULL)
		sim_echo(world.sim, stderr);
	world.role = role;
	world.helpful = helpful;
	world.segment = -1;
	for (unsigned i = 0; i < CLIENTS; i++)
		world.clients[i] = -1;
	world.os = sim_process_create(sim_host_create(world.sim, "here", ip, DISK), "world");
	check(os_mkdir(world.os, OS_ROOT, "root") == 0);
	check(os_channel_pair(world.os, fds) == 0);
	world.child.exited = on_exit_of;
	world.keeper = ipc_channel_create(world.os, fds[0], ROLE_KEEPER, 0, role, 0, &handler, NULL);
	check(os_spawn(world.os, &world.child, role_program(role), 0, fds[1]) == 0);
	snprintf(text, sizeof text, "%s%s", config, mocks ? mock : "");
	put_slice(ipc_begin(world.keeper, IPC_CONFIG), slice_from(text));
	ipc_end(world.keeper, os_open(world.os, OS_ROOT, "root", OS_READ | OS_FOLDER));
	if (role == ROLE_DIRECTORY || role == ROLE_ROUTER) {
		buffer_add(ipc_begin(world.keeper, IPC_KEY), slice_of(key, sizeof key));
		ipc_end(world.keeper, -1);
	}
	if (role == ROLE_EDGE) {
		give_listener(SERVICE_SMTP, "10.0.0.1:25");
		give_listener(SERVICE_POP3, "127.0.0.1:110");
		give_listener(SERVICE_IMAP, "127.0.0.1:143");
		give_listener(SERVICE_HTTP, "127.0.0.1:80");
	}
	for (unsigned kind = 0; kind < ROLE_KINDS; kind++)
		join((enum role_kind)kind);
	out = ipc_begin(world.keeper, IPC_START);
	put_u64(out, UINT64_MAX);
	put_u64(out, UINT64_MAX);
	ipc_end(world.keeper, -1);
	/* A router wants to know what its edges and stores hold. */
	run_ms(2000);
	check(world.ready);
}

/* ---- what the input says ---- */

static int descriptor_for(enum ipc_type type)
{
	int fds[2];

	if (type != IPC_ADOPT)
		return file(slice_lit("\x28\xb5\x2f\xfd\x20\x0b\x59\0\0S: s\r\n\r\nx\r\n"));
	check(os_stream_pair(world.os, fds) == 0);
	if (world.clients[0] >= 0)
		os_close(world.os, world.clients[0]);
	world.clients[0] = fds[0];
	return fds[1];
}

/* Numbers that the role said, in the place of their names. */
static void put_heard(unsigned char *body, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i++) {
		uint64_t value = load_u64(body + i), which = value - FUZZ_HEARD;

		if (which < HEARD && world.n_heard > which)
			store_u64(body + i, world.heard[(world.n_heard - 1 - which) % HEARD]);
	}
}

static void send(uint8_t type, uint8_t n_fds, slice body)
{
	const struct ipc_rule *rule = ipc_rule(type);
	unsigned char *copy;

	if (rule == NULL || body.len > rule->body_max || type == IPC_HELLO || type == IPC_CREDIT)
		return;
	n_fds = n_fds % 4 < rule->fds_min ? rule->fds_min : n_fds % 4 > rule->fds_max ?
	    rule->fds_max : n_fds % 4;
	for (unsigned kind = 1; kind < ROLE_KINDS; kind++) {
		struct ipc_channel *c = world.peers[kind].channel;

		if (c == NULL || !ipc_rule_permits(rule, (enum role_kind)kind, world.role))
			continue;
		copy = heap_alloc(os_heap(world.os), body.len + 1);
		memcpy(copy, body.ptr, body.len);
		put_heard(copy, body.len);
		buffer_add(ipc_begin(c, rule->type), slice_of(copy, body.len));
		ipc_end(c, n_fds > 0 ? descriptor_for(rule->type) : -1);
		heap_free(os_heap(world.os), copy);
		return;
	}
}

/* Into the segment, synced, announced. */
static void append(slice payload)
{
	struct ipc_channel *router = world.peers[ROLE_EDGE].channel;
	uint32_t sequence, offset;
	struct buffer *out;
	slice bytes;

	if (world.segment < 0 || router == NULL || payload.len > LOG_RECORD_MAX ||
	    !log_append(&world.writer, 1, &payload, 1, &sequence, &offset))
		return;
	bytes = log_take(&world.writer, true, &offset);
	check(os_pwrite(world.os, world.segment, bytes, offset) == 0);
	check(os_sync(world.os, world.segment) == 0);
	log_synced(&world.writer, world.writer.taken_to);
	log_taken_done(&world.writer);
	out = ipc_begin(router, IPC_SYNCED);
	put_u64(out, world.writer.head.generation);
	put_u32(out, world.writer.taken_to);
	ipc_end(router, -1);
}

static void append_commit(uint8_t flags, slice text)
{
	const struct seal_key key = { { 1, 2, 3 } };
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer sealed = buffer_init(heap, SEALED_MAX), out = buffer_init(heap, SIZE_MAX / 2);
	struct seal_target target = { 1 + flags % 3, slice_lit("a@x.example") };
	slice seal;

	seal_recipient(&key, &(struct sealed_recipient){ 7, slice_lit("s@x.example"),
	    slice_lit("a@x.example"), 1, &target }, &sealed);
	seal = buffer_bytes(&sealed);
	journal_commit_write(&(struct journal_commit){ .transaction = 7,
	    .sender = slice_lit("s@x.example"), .trace = slice_lit("Received: x\r\n"),
	    .n_recipients = 1, .sealed = &seal,
	    .body = { text.len, flags & 4 ? 9 : text.len, checksum64(text, 0), flags & 4 ? 3 : 0,
		flags & 4 ? (slice){ 0 } : text } }, &out);
	append(buffer_bytes(&out));
	heap_drop(heap);
}

/* Client 0 speaks SMTP, or is the one that was adopted; 1 speaks POP3, 2 HTTP, 3 IMAP. */
static void client(unsigned which, slice bytes)
{
	static const char *const where[CLIENTS] = { "10.0.0.1:25", "127.0.0.1:110",
		"127.0.0.1:80", "127.0.0.1:143" };
	struct os_address address;
	unsigned char got[512];

	if (world.clients[which] < 0 && world.role == ROLE_EDGE) {
		check(os_address_parse(slice_from(where[which]), &address));
		world.clients[which] = os_connect(world.os, &address);
		run_ms(300);
	}
	if (world.clients[which] < 0)
		return;
	(void)os_write(world.os, world.clients[which], &bytes, 1);
	run_ms(5);
	while (os_read(world.os, world.clients[which], got, sizeof got) > 0)
		;
}

static void restart(enum role_kind kind)
{
	if (kind == ROLE_EDGE && world.segment >= 0) {
		os_close(world.os, world.segment);
		world.segment = -1;
	}
	join(kind);
}

static void step(uint8_t type, uint8_t fds, slice body)
{
	struct bytes in = bytes_init(body);
	unsigned number = get_u16(&in);

	switch (type) {
	case FUZZ_RECORD:
		append(body);
		break;
	case FUZZ_COMMIT:
		append_commit((uint8_t)number, in.rest);
		break;
	case FUZZ_CLIENT:
		client(number % CLIENTS, in.rest);
		break;
	case FUZZ_PACKET:
		if (world.peers[number % ROLE_KINDS].channel != NULL && in.rest.len > 0 &&
		    in.rest.len <= IPC_PACKET_MAX)
			(void)os_channel_send(world.os, world.peers[number % ROLE_KINDS].fd, in.rest,
			    NULL, 0);
		break;
	case FUZZ_TIME:
		run_ms(number % 4 ? number % 3000u : 61 * 1000);
		break;
	case FUZZ_RESTART:
		restart((enum role_kind)(number % ROLE_KINDS));
		break;
	default:
		send(type, fds, body);
	}
	run_ms(fds & 4 ? 0 : 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned steps = 0;

	if (len < FUZZ_IPC_HEAD)
		return 0;
	begin(fuzz_ipc_role(data[1]), data[2] & 1, fuzz_ipc_role(data[1]) == ROLE_STORE && (data[2] & 2));
	for (size_t at = FUZZ_IPC_HEAD, n; at < len && steps < STEPS_MAX; at += n, steps++) {
		n = fuzz_ipc_frame_len(data, len, at);
		if (n < IPC_HEADER)
			break;
		step(data[at + 4], data[at + 5], slice_of(data + at + IPC_HEADER, n - IPC_HEADER));
	}
	run_ms(1500);
	check(world.ready);
	check(world.role == ROLE_EDGE || (!world.fatal && !world.over));
	sim_destroy(world.sim);
	return 0;
}
