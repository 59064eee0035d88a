/* role/relay_peers_test.h - small stand-ins for those whom a relay talks to. For tests,
 * which see them through role/relay_world_test.h.
 *
 *   router:    hands over what deliver() says, keeps its answers; gives segments and
 *              reads the reports in them back, as a router would
 *   directory: seals senders, or says world.verdict; passes commands on
 *   resolver:  answers what name() says, after world.dns_ms
 *   hosts:     role/relay_host_test.h */
#ifndef ROLE_RELAY_PEERS_TEST_H
#define ROLE_RELAY_PEERS_TEST_H

#include <errno.h>
#include <zstd.h>

#include "account/survey.h"
#include "base/checksum.h"
#include "base/limits.h"
#include "directory/seal.h"
#include "directory/verdict.h"
#include "dns/dns_record.h"
#include "journal/delivery.h"
#include "journal/verify.h"
#include "os/os_faulty.h"
#include "role/frame.h"
#include "role/keeper.h"
#include "role/relay_host_test.h"
#include "role/role.h"

enum { MESSAGES_MAX = 20000, TARGETS = 10, HOSTS_MAX = 8, NAMES_MAX = 64, SEGMENTS_MAX = 512,
	REPORTS_MAX = 1024, SEGMENT_SIZE = 1024 * 1024, NO_RESULT = 99,
	SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS };

struct message {
	size_t size;                    /* of its body */
	const char *fields, *words;     /* more of its header, and of each line; NULL: no more */
	char domains[TARGETS][64];
	uint16_t n_targets, flags;
	int64_t received_us;
	unsigned got[TARGETS];          /* by a next host */
	unsigned answers[TARGETS];      /* of the relay, to this router */
	uint8_t results[TARGETS];       /* the last one */
	bool durable[TARGETS];          /* was said, to any router */
	unsigned failures[TARGETS], delays[TARGETS];    /* reports */
};

struct name {
	const char *name;
	uint64_t late_ms;               /* its answers, besides world.dns_ms */
	unsigned type, status;
	unsigned char data[64];
	size_t len;
};

struct segment {
	uint64_t generation;
	unsigned n_read;                /* records */
	uint32_t cut;
	bool over, earlier;             /* earlier: its relay or router is gone */
	struct buffer reported;         /* u64 each, while `earlier` */
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
	struct frame *router, *directory, *resolver;    /* NULL while they are down */
	struct message *messages;
	uint32_t n_messages;
	const char *sender;
	struct next_host *hosts[HOSTS_MAX];
	struct name names[NAMES_MAX];
	unsigned n_names, n_asked, n_asking, asking_max, n_askers;
	uint64_t dns_ms;
	unsigned verdict, n_judged;
	struct segment segments[SEGMENTS_MAX];
	unsigned n_segments, n_wanted;
	bool no_segments;
	struct buffer reports[REPORTS_MAX];
	unsigned n_reports;
	struct buffer queue_answer;
	bool told;                      /* the relay is there, LIVE was told ... */
	void (*on_told)(void);          /* ... just now; NULL: nobody hears of it */
} world;

static void run_ms(uint64_t ms)
{
	sim_run_until(world.sim, sim_now_us(world.sim) + ms * 1000);
}

#define wait_for(condition, ms)                                                 \
	do {                                                                    \
		for (uint64_t i_ = 0; i_ < (ms) && !(condition); i_ += 5)       \
			run_ms(5);                                              \
		assert_true(condition);                                         \
	} while (0)

/* ---- what a message looks like ---- */

static const char trace[] = "Received: from there by here; today\r\n";

static slice body_text(uint32_t n, size_t size)
{
	struct buffer b = buffer_init(world.heap, SIZE_MAX / 2);
	const struct message *m = &world.messages[n];
	uint64_t x = n + 1;

	buffer_printf(&b, "Subject: message %u\r\n%s\r\n", n, m->fields ? m->fields : "");
	while (buffer_bytes(&b).len < size) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		buffer_printf(&b, "%s%016llx and more%s\r\n", x >> 62 == 0 ? "." : "",
		    (unsigned long long)x, m->words ? m->words : "");
	}
	return buffer_bytes(&b);
}

/* "r12.3@domain": message 12, its fourth target. */
static void count_taken(struct next_host *h, slice from, const slice *to, size_t n, slice text)
{
	for (size_t i = 0; i < n; i++) {
		char address[SEALED_ADDRESS_MAX + 1];
		unsigned number, target;
		slice body;

		snprintf(address, sizeof address, "%.*s", slice_arg(to[i]));
		assert_int_equal(sscanf(address, "r%u.%u@", &number, &target), 2);
		assert_true(number < world.n_messages && target < TARGETS);
		world.messages[number].got[target]++;
		assert_true(slice_starts(text, slice_from(trace)));
		body = body_text(number, world.messages[number].size);
		assert_true(slice_equal(slice_drop(text, strlen(trace)), body));
		heap_free(world.heap, (void *)(uintptr_t)body.ptr);
	}
}

/* ---- the router: answers ---- */

static bool on_delivered(struct ipc_message *m)
{
	uint32_t n = get_u32(&m->body);

	for (uint32_t i = 0; i < n; i++) {
		struct message_id id = get_message_id(&m->body);
		uint16_t target = get_u16(&m->body);
		struct message *message = &world.messages[id.sequence - 1];
		uint8_t result = get_u8(&m->body);

		assert_true(id.sequence <= world.n_messages);
		if (target >= TARGETS)
			continue;       /* of a message that a test made by itself */
		message->results[target] = result;
		message->answers[target]++;
		if (message->results[target] == DELIVERY_DURABLE)
			message->durable[target] = true;
	}
	return bytes_end(&m->body);
}

static void tell_live(struct ipc_channel *peer)
{
	struct buffer *out = ipc_begin(peer, IPC_LIVE);

	put_u32(out, 4);
	for (uint64_t i = 0; i < 4; i++)
		put_u64(out, 1000 + i);
	ipc_end(peer, -1);
	world.told = true;
	if (world.on_told != NULL)
		world.on_told();
}

/* ---- the router: reports ---- */

static void segment_path(const struct segment *s, char ret_path[40])
{
	snprintf(ret_path, 40, "journal/%llx", (unsigned long long)s->generation);
}

static void count_report(slice text)
{
	slice fields = slice_drop(text, slice_find(text, slice_lit("Reporting-MTA:")));
	bool delay = slice_find(fields, slice_lit("Action: delayed")) < fields.len;
	size_t at;

	while ((at = slice_find(fields, slice_lit("Final-Recipient: rfc822; r"))) < fields.len) {
		char number[32];
		unsigned n, target;

		fields = slice_drop(fields, at + 25);
		snprintf(number, sizeof number, "%.*s", 31, (const char *)fields.ptr);
		if (sscanf(number, "r%u.%u@", &n, &target) != 2)
			continue;
		assert_true(n < world.n_messages && target < TARGETS);
		if (delay)
			world.messages[n].delays[target]++;
		else
			world.messages[n].failures[target]++;
	}
}

struct reading_back {
	struct segment *segment;
	unsigned n;
};

/* By its trace, `posthouse verify` knows that it is still to be delivered. */
static void check_trace(const struct segment *s, const struct log_record *record, slice lines)
{
	struct message_id id;

	assert_true(survey_message_id(lines, &id));
	assert_true(message_id_equal(id, (struct message_id){ ORIGIN_RELAY + 1, record->sequence,
	    s->generation }));
}

static void take_report(const struct journal_commit *commit)
{
	struct buffer *text = &world.reports[world.n_reports++];
	struct sealed_recipient who;
	struct seal_key key;
	unsigned char *raw = heap_alloc(world.heap, commit->body.size + 1);

	assert_true(world.n_reports < REPORTS_MAX);
	memcpy(key.bytes, world.inputs.seal_key, SEAL_KEY_LEN);
	assert_int_equal(commit->sender.len, 0);
	assert_int_equal(commit->n_recipients, 1);
	assert_true(seal_open(&key, commit->sealed[0], &world.arena, &who));
	assert_true(who.transaction == commit->transaction && who.sender.len == 0);
	assert_true(commit->body.checksum == checksum64(commit->body.frames, 0));
	assert_int_equal(ZSTD_decompress(raw, commit->body.size, commit->body.frames.ptr,
	    commit->body.frames.len), commit->body.size);
	*text = buffer_init(world.heap, SIZE_MAX / 2);
	buffer_add(text, slice_of(raw, commit->body.size));
	heap_free(world.heap, raw);
	assert_int_equal(commit->flags, slice_is_ascii(buffer_bytes(text)) ? 0 : JOURNAL_8BITMIME);
	count_report(buffer_bytes(text));
}

static void on_record(void *context, const struct log_record *record)
{
	struct reading_back *back = context;
	struct arena arena = arena_init(world.heap, 1 << 20);
	struct journal_commit commit;

	assert_int_equal(record->type, JOURNAL_COMMIT);
	assert_true(journal_commit_read(record->payload, &arena, &commit));
	if (back->n++ == back->segment->n_read) {
		back->segment->n_read++;
		check_trace(back->segment, record, commit.trace);
		take_report(&commit);
	}
	put_u64(&back->segment->reported, commit.transaction);
	arena_reset(&arena);
}

static void on_rot(void *context, uint32_t from, uint32_t to)
{
	fail_msg("a journal of reports is damaged");
}

/* Up to an offset, or all of it. */
static void segment_read(struct segment *s, uint32_t to)
{
	struct log_head head = { .kind = LOG_JOURNAL, .producer = ORIGIN_RELAY + 1,
	    .generation = s->generation, .size = SEGMENT_SIZE };
	struct reading_back back = { s, 0 };
	const struct journal_reading reading = { on_record, on_rot, &back };
	char path[40];
	int fd;

	segment_path(s, path);
	fd = os_open(world.os, OS_ROOT, path, OS_READ);
	if (fd < 0)
		return;                 /* power was cut while it was made */
	if (s->cut != 0 && (to == 0 || to > s->cut))
		to = s->cut;
	buffer_free(&s->reported);
	assert_true(journal_read_file(world.os, world.heap, fd, &head, to, &reading));
	os_close(world.os, fd);
}

static struct segment *segment_of(uint64_t generation)
{
	for (unsigned i = 0; i < world.n_segments; i++) {
		if (world.segments[i].generation == generation)
			return &world.segments[i];
	}
	fail_msg("nobody gave that segment");
	return NULL;
}

static void give_segment(void)
{
	struct ipc_channel *relay = frame_peer(world.router, ROLE_RELAY, 0);
	struct segment *s = &world.segments[world.n_segments++];
	struct log_head head = { .kind = LOG_JOURNAL, .producer = ORIGIN_RELAY + 1,
	    .size = SEGMENT_SIZE };
	unsigned char block[LOG_BLOCK];
	struct buffer *out;
	char path[40];
	int fd;

	assert_true(world.n_segments < SEGMENTS_MAX);
	*s = (struct segment){ .generation = os_random_u64(world.os) | 1 };
	s->reported = buffer_init(world.heap, SIZE_MAX / 2);
	head.generation = s->generation;
	log_head_write(&head, block);
	segment_path(s, path);
	fd = os_open(world.os, OS_ROOT, path, OS_READ | OS_WRITE | OS_CREATE);
	os_pwrite(world.os, fd, slice_of(block, sizeof block), 0);
	os_sync(world.os, fd);
	os_close(world.os, fd);
	fd = os_open(world.os, OS_ROOT, "journal", OS_READ | OS_FOLDER);
	os_sync_folder(world.os, fd);
	os_close(world.os, fd);
	/* As a descriptor of the router's, unless one of them dies right now. */
	fd = os_open(world.router->os, OS_ROOT, path + 8, OS_WRITE);
	if (fd < 0)
		return;
	out = ipc_begin(relay, IPC_SEGMENT);
	put_u16(out, head.producer);
	put_u64(out, head.generation);
	put_u32(out, head.size);
	ipc_end(relay, fd);
}

/* Whoever wrote it is gone: it may have been more than was told. */
static void segments_end(void)
{
	for (unsigned i = 0; i < world.n_segments; i++) {
		if (!world.segments[i].over)
			world.segments[i].earlier = true;
	}
}

static void tell_reported(struct ipc_channel *relay)
{
	struct buffer *out;

	for (unsigned i = 0; i < world.n_segments; i++) {
		struct segment *s = &world.segments[i];
		slice list;

		if (!s->earlier)
			continue;
		segment_read(s, 0);
		list = buffer_bytes(&s->reported);
		if (list.len == 0)
			continue;
		out = ipc_begin(relay, IPC_REPORTED);
		put_u32(out, (uint32_t)(list.len / 8));
		buffer_add(out, list);
		ipc_end(relay, -1);
	}
	put_u32(ipc_begin(relay, IPC_REPORTED), 0);
	ipc_end(relay, -1);
}

static void earlier_are_over(void)
{
	for (unsigned i = 0; i < world.n_segments; i++) {
		if (world.segments[i].earlier)
			world.segments[i].over = true;
		world.segments[i].earlier = false;
	}
}

static void on_segment_want(void)
{
	earlier_are_over();
	if (world.no_segments)
		world.n_wanted++;
	else
		give_segment();
}

static inline void give_wanted(void)
{
	world.no_segments = false;
	for (; world.n_wanted > 0; world.n_wanted--)
		give_segment();
}

static bool router_message(struct frame *f, struct ipc_channel *peer, struct ipc_message *m)
{
	uint64_t generation;
	uint32_t offset = 0;

	switch (m->type) {
	case IPC_DELIVERED:
		return on_delivered(m);
	case IPC_REPORTED_WANT:
		tell_live(peer);
		tell_reported(peer);
		return bytes_end(&m->body);
	case IPC_REPORTED_OVER:
		earlier_are_over();
		return bytes_end(&m->body);
	case IPC_SEGMENT_WANT:
		on_segment_want();
		return bytes_end(&m->body);
	case IPC_SYNCED:
	case IPC_ABORTED:
	case IPC_SEGMENT_END:
		generation = get_u64(&m->body);
		if (m->type != IPC_SEGMENT_END)
			offset = get_u32(&m->body);
		if (m->type == IPC_ABORTED)
			segment_of(generation)->cut = offset > 0 ? offset : LOG_BLOCK;
		if (m->type == IPC_SYNCED)
			segment_read(segment_of(generation), offset);
		else
			segment_of(generation)->over = true;
		return bytes_end(&m->body);
	default:
		return false;
	}
}

/* ---- directory and resolver ---- */

static void judge(struct ipc_channel *peer, uint64_t request, uint64_t transaction, slice who)
{
	struct buffer sealed = buffer_init(world.heap, SEALED_MAX);
	struct seal_target target = { 77, who };
	struct sealed_recipient what = { transaction, (slice){ 0 }, who, 1, &target };
	struct buffer *out = ipc_begin(peer, IPC_RECIPIENT_IS);
	struct seal_key key;

	memcpy(key.bytes, world.inputs.seal_key, SEAL_KEY_LEN);
	put_u64(out, request);
	put_u8(out, (uint8_t)world.verdict);
	put_slice(out, (slice){ 0 });
	if (world.verdict == DIRECTORY_OK)
		seal_recipient(&key, &what, &sealed);
	put_slice(out, buffer_bytes(&sealed));
	ipc_end(peer, -1);
	buffer_free(&sealed);
}

static bool directory_message(struct frame *f, struct ipc_channel *peer, struct ipc_message *m)
{
	uint64_t request = get_u64(&m->body), transaction;
	slice who;

	if (m->type == IPC_QUEUE_IS) {
		buffer_add(&world.queue_answer, get_slice(&m->body, IPC_BODY_MAX));
		return bytes_end(&m->body);
	}
	if (m->type != IPC_RECIPIENT)
		return false;
	transaction = get_u64(&m->body);
	assert_int_equal(get_u8(&m->body), RECIPIENT_REPORT | RECIPIENT_FIRST);
	get_raw(&m->body, 16);
	get_u64(&m->body);
	assert_int_equal(get_slice(&m->body, SEALED_ADDRESS_MAX).len, 0);
	who = get_slice(&m->body, SEALED_ADDRESS_MAX);
	assert_true(bytes_end(&m->body) && who.len > 0);
	world.n_judged++;
	judge(peer, request, transaction, who);
	return true;
}

struct question {
	struct os_timer timer;
	uint64_t request;
	unsigned type, asker;
	char name[OS_DNS_NAME_MAX];
};

static void resolve(struct os_timer *timer)
{
	struct question *q = timer->owner;
	struct ipc_channel *peer = frame_peer(world.resolver, ROLE_RELAY, 0);
	struct buffer *out;
	unsigned status = OS_DNS_NO_NAME, n = 0;

	if (peer == NULL || q->asker != world.n_askers)
		return;
	world.n_asking--;
	out = ipc_begin(peer, IPC_RESOLVED);
	for (unsigned i = 0; i < world.n_names; i++) {
		const struct name *name = &world.names[i];

		if (strcmp(name->name, q->name) != 0)
			continue;
		if (name->type != q->type) {
			status = status == OS_DNS_NO_NAME ? OS_DNS_NO_DATA : status;
			continue;
		}
		status = name->status;
		n += name->status == OS_DNS_DATA;
	}
	put_u64(out, q->request);
	put_u8(out, (uint8_t)status);
	put_u8(out, 0);
	put_u32(out, 60);
	put_slice(out, (slice){ 0 });
	put_slice(out, status == OS_DNS_FAILED ? slice_lit("SERVFAIL") : (slice){ 0 });
	put_u16(out, (uint16_t)n);
	for (unsigned i = 0; i < world.n_names && n > 0; i++) {
		const struct name *name = &world.names[i];

		if (strcmp(name->name, q->name) == 0 && name->type == q->type)
			put_slice(out, slice_of(name->data, name->len));
	}
	ipc_end(peer, -1);
	heap_free(os_heap(world.resolver->os), q);
}

static bool resolver_message(struct frame *f, struct ipc_channel *peer, struct ipc_message *m)
{
	struct question *q = heap_new(os_heap(f->os), struct question);
	uint64_t late_ms = 0;
	slice name;

	q->request = get_u64(&m->body);
	q->type = get_u16(&m->body);
	q->asker = world.n_askers;
	name = get_slice(&m->body, OS_DNS_NAME_MAX - 1);
	snprintf(q->name, sizeof q->name, "%.*s", slice_arg(name));
	q->timer = (struct os_timer){ .fire = resolve, .owner = q };
	for (unsigned i = 0; i < world.n_names; i++) {
		if (strcmp(world.names[i].name, q->name) == 0)
			late_ms = world.names[i].late_ms;
	}
	os_timer_start(f->os, &q->timer, world.dns_ms + late_ms);
	world.n_asked++;
	world.n_asking++;
	if (world.n_asking > world.asking_max)
		world.asking_max = world.n_asking;
	return bytes_end(&m->body);
}

static struct name *name_add(const char *name, unsigned type, unsigned status)
{
	struct name *n = &world.names[world.n_names++];

	assert_true(world.n_names < NAMES_MAX);
	*n = (struct name){ .name = name, .type = type, .status = status };
	return n;
}

static inline void name_mx(const char *name, unsigned preference, const char *host)
{
	struct name *n = name_add(name, DNS_MX, OS_DNS_DATA);
	unsigned char wire[DNS_NAME_TEXT] = { 0 };

	n->data[1] = (unsigned char)preference;
	n->len = 2 + (host[0] == '\0' ? 1 : dns_name_write(slice_from(host), wire));
	assert_true(n->len > 2 && n->len <= sizeof n->data);
	memcpy(n->data + 2, wire, n->len - 2);
}

/* 10.0.0.last */
static void name_a(const char *name, uint8_t last)
{
	struct name *n = name_add(name, DNS_A, OS_DNS_DATA);

	n->data[0] = 10;
	n->data[3] = last;
	n->len = 4;
}

static inline void names_forget(void)
{
	world.n_names = 0;
}

/* ---- the frames ---- */

static void on_joined(struct frame *f, struct ipc_channel *peer)
{
	world.n_askers += f == world.resolver && ipc_peer_kind(peer) == ROLE_RELAY;
}

static void on_left(struct frame *f, struct ipc_channel *peer)
{
	if (f == world.router && ipc_peer_kind(peer) == ROLE_RELAY) {
		segments_end();
		world.n_wanted = 0;
		world.told = false;
	}
}

static bool on_keeper(struct frame *f, struct ipc_message *m)
{
	return true;
}

static void on_drain(struct frame *f, uint32_t grace_ms)
{
	frame_drained(f);
}

static bool nobody_message(struct frame *f, struct ipc_channel *peer, struct ipc_message *m)
{
	return true;
}

#define STAND_IN(on_message) { .keeper = on_keeper, .start = frame_ready, .drain = on_drain, \
	.peer_joined = on_joined, .peer_left = on_left, .peer_message = on_message }

static const struct frame_handler router_handler = STAND_IN(router_message);
static const struct frame_handler directory_handler = STAND_IN(directory_message);
static const struct frame_handler resolver_handler = STAND_IN(resolver_message);
static const struct frame_handler nobody_handler = STAND_IN(nobody_message);

static void stand_in_gone(void *arg)
{
	if (world.router == arg) {
		segments_end();
		world.n_wanted = 0;
		world.router = NULL;
	}
	if (world.directory == arg)
		world.directory = NULL;
	if (world.resolver == arg)
		world.resolver = NULL;
}

static struct frame *start_stand_in(struct os *os, enum role_kind kind, int channel,
    const struct frame_handler *handler)
{
	struct frame *f = heap_new(os_heap(os), struct frame);

	heap_on_drop(os_heap(os), stand_in_gone, f);
	frame_init(f, os, kind, 0, channel, handler, f);
	return f;
}

void directory_start(struct os *os, int channel, unsigned index)
{
	world.directory = start_stand_in(os, ROLE_DIRECTORY, channel, &directory_handler);
}

void router_start(struct os *os, int channel, unsigned index)
{
	world.router = start_stand_in(os, ROLE_ROUTER, channel, &router_handler);
	world.told = false;
	for (uint32_t n = 0; n < world.n_messages; n++) {
		memset(world.messages[n].answers, 0, sizeof world.messages[n].answers);
		memset(world.messages[n].results, NO_RESULT, TARGETS);
	}
}

void resolver_start(struct os *os, int channel, unsigned index)
{
	world.resolver = start_stand_in(os, ROLE_RESOLVER, channel, &resolver_handler);
}

void store_start(struct os *os, int channel, unsigned index)
{
	start_stand_in(os, ROLE_STORE, channel, &nobody_handler);
}

void edge_start(struct os *os, int channel, unsigned index)
{
	start_stand_in(os, ROLE_EDGE, channel, &nobody_handler);
}

#endif
