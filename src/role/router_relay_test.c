/* role/router_relay_test.c - the relay, seen from the router: a new one hears what
 * earlier ones reported, whoever of the two is new; what is for other hosts it gets when
 * it has spoken. See router_world_test.h. */
#define OWN_RELAY_TEST
#include "role/router_world_test.h"

enum { HANDED_MAX = RELAY_WINDOW + 100 };

static struct relay_stand_in {
	struct frame *frame;            /* NULL while it is down */
	uint64_t heard[64];             /* transactions */
	unsigned n_heard;
	bool heard_all;
	struct log_head head;
	int fd;
	bool told_live;
	struct { struct message_id id; uint16_t recipient; } handed[HANDED_MAX];
	unsigned n_handed;
} relay;

static bool relay_is_late;              /* it does not speak by itself */

static bool relay_was_handed(struct ipc_message *m)
{
	struct arena arena = arena_init(world.heap, 1 << 20);
	struct delivery d;

	assert_true(relay.told_live);
	assert_true(delivery_read(&m->body, &arena, &d));
	assert_true(relay.n_handed < HANDED_MAX);
	assert_int_equal(d.n_targets, 1);
	assert_int_equal(d.targets[0].account, 0);
	relay.handed[relay.n_handed].id = d.id;
	relay.handed[relay.n_handed++].recipient = d.targets[0].recipient;
	arena_reset(&arena);
	return bytes_end(&m->body);
}

static bool relay_message_came(struct frame *f, struct ipc_channel *peer, struct ipc_message *m)
{
	uint32_t n;

	switch (m->type) {
	case IPC_REPORTED:
		assert_false(relay.heard_all);
		n = get_u32(&m->body);
		relay.heard_all = n == 0;
		for (uint32_t i = 0; i < n; i++)
			relay.heard[relay.n_heard++] = get_u64(&m->body);
		return bytes_end(&m->body);
	case IPC_SEGMENT:
		relay.head = (struct log_head){ .kind = LOG_JOURNAL };
		relay.head.producer = get_u16(&m->body);
		relay.head.generation = get_u64(&m->body);
		relay.head.size = get_u32(&m->body);
		relay.fd = ipc_take_fd(m);
		return bytes_end(&m->body);
	case IPC_LIVE:
		relay.told_live = true;
		return true;
	case IPC_DELIVER:
		return relay_was_handed(m);
	default:
		return m->type == IPC_RETIRED || m->type == IPC_SPACE;
	}
}

/* It speaks as soon as it can: the router may not have looked at its files yet. */
static void relay_router_came(struct frame *f, struct ipc_channel *peer)
{
	if (ipc_peer_kind(peer) != ROLE_ROUTER)
		return;
	relay.heard_all = relay.told_live = false;
	relay.n_heard = 0;
	relay.fd = -1;
	if (!relay_is_late)
		ipc_send(peer, IPC_REPORTED_WANT);
}

static const struct frame_handler relay_handler = { .start = frame_ready, .drain = on_drain,
    .peer_joined = relay_router_came, .peer_left = bystander_left,
    .peer_message = relay_message_came };

static void relay_gone(void *arg)
{
	relay.frame = NULL;
}

void relay_start(struct os *os, int channel, unsigned index)
{
	struct frame *f = heap_new(os_heap(os), struct frame);

	relay = (struct relay_stand_in){ .frame = f, .fd = -1 };
	heap_on_drop(os_heap(os), relay_gone, f);
	frame_init(f, os, ROLE_RELAY, index, channel, &relay_handler, f);
}

static void wait_for_words(void)
{
	for (int i = 0; i < 3000 && !(relay.frame != NULL && relay.heard_all); i++)
		run_ms(10);
	assert_true(relay.frame != NULL && relay.heard_all);
}

/* A message to one target; account 0: at another host. */
static void append(struct log_writer *writer, uint64_t transaction, uint64_t account)
{
	slice sealed = seal_for(transaction, account, false), body = slice_lit("body"), payload;
	struct journal_commit commit = { .transaction = transaction, .n_recipients = 1,
	    .sender = slice_lit("sender@there.example"), .sealed = &sealed,
	    .body = { 8, body.len, checksum64(body, 0), 0, body } };
	struct buffer record = buffer_init(world.heap, LOG_RECORD_MAX);
	uint32_t sequence, offset;

	journal_commit_write(&commit, &record);
	payload = buffer_bytes(&record);
	assert_true(log_append(writer, JOURNAL_COMMIT, &payload, 1, &sequence, &offset));
	buffer_free(&record);
}

/* Commit these reports in one segment, synced and announced or not. */
static void report(uint64_t first, unsigned n, bool announced)
{
	struct ipc_channel *router = frame_peer(relay.frame, ROLE_ROUTER, 0);
	struct os *os = relay.frame->os;
	struct log_writer writer;
	struct buffer *out;
	uint32_t offset;
	slice bytes;

	ipc_send(router, IPC_REPORTED_OVER);
	ipc_send(router, IPC_SEGMENT_WANT);
	for (int i = 0; i < 1000 && relay.fd < 0; i++)
		run_ms(10);
	assert_true(relay.fd >= 0);
	log_writer_init(&writer, os_heap(os), &relay.head);
	for (unsigned i = 0; i < n; i++)
		append(&writer, first + i, 7);
	bytes = log_take(&writer, true, &offset);
	assert_int_equal(os_pwrite(os, relay.fd, bytes, offset), 0);
	assert_int_equal(os_sync(os, relay.fd), 0);
	offset += (uint32_t)bytes.len;
	log_writer_finish(&writer);
	if (!announced)
		return;
	out = ipc_begin(router, IPC_SYNCED);
	put_u64(out, relay.head.generation);
	put_u32(out, offset);
	ipc_end(router, -1);
	run_ms(100);
}

static void assert_heard(uint64_t first, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		bool found = false;

		for (unsigned k = 0; k < relay.n_heard; k++)
			found = found || relay.heard[k] == first + i;
		assert_true(found);
	}
}

enum new_one { NEW_RELAY, NEW_ROUTER, BOTH_NEW, AFTER_A_CUT, NEW_ONES };

static void restart(enum new_one which)
{
	if (which == AFTER_A_CUT) {
		sim_power_cut(world.host);
		keeper_begin();
		return;
	}
	if (which != NEW_ROUTER)
		sim_kill(process("relay"));
	else
		relay.heard_all = false;
	if (which != NEW_RELAY)
		sim_kill(process("router"));
}

/* It hears of them until it says that it has written them down; then the router that
 * heard so forgets them. */
static void told_until_settled(void **state)
{
	unsigned strangers = 0;

	for (unsigned i = 0; i < 2 * NEW_ONES; i++) {
		world_begin(i + 1, "");
		world.strangers = &strangers;
		wait_for_words();
		assert_int_equal(relay.n_heard, 0);
		report(500, 3, i % 2 == 0);
		for (int life = 0; life < 3; life++) {
			restart(i / 2);
			wait_for_words();
			assert_heard(500, 3);
			assert_int_equal(relay.n_heard, 3);
		}
		report(600, 2, true);
		restart(i / 2);
		wait_for_words();
		assert_heard(600, 2);
		/* A new router knows no better than to tell all that is still there. */
		assert_int_equal(relay.n_heard, i / 2 == NEW_RELAY ? 2 : 5);
		/* They were delivered, too, whether the relay could announce them or not. */
		assert_true(strangers >= 5);
		strangers = 0;
		world_end();
	}
}

/* ---- what is for other hosts ---- */

static void send_away(unsigned n)
{
	assert_true(edge_has_segment(20000));
	for (unsigned i = 0; i < n; i++)
		append(&world.edge->writer, 5000 + i, 0);
	edge_commit();
}

/* The router waits, however long its queue takes to be read. */
static void nothing_comes_before_it_speaks(void **state)
{
	for (enum new_one i = NEW_RELAY; i < NEW_ONES; i++) {
		relay_is_late = true;
		world_begin(i + 1, "");
		send_away(2);
		for (int life = 0; life < 2; life++) {
			run_ms(5000);
			assert_int_equal(relay.n_handed, 0);
			restart(i);
		}
		run_ms(5000);
		assert_int_equal(relay.n_handed, 0);
		ipc_send(frame_peer(relay.frame, ROLE_ROUTER, 0), IPC_REPORTED_WANT);
		run_ms(100);
		assert_int_equal(relay.n_handed, 2);
		relay_is_late = false;
		world_end();
	}
}

static void relay_says(unsigned i, enum delivery_result result)
{
	struct buffer *out = ipc_begin(frame_peer(relay.frame, ROLE_ROUTER, 0), IPC_DELIVERED);

	put_u32(out, 1);
	put_message_id(out, relay.handed[i].id);
	put_u16(out, relay.handed[i].recipient);
	put_u8(out, (uint8_t)result);
	ipc_end(frame_peer(relay.frame, ROLE_ROUTER, 0), -1);
}

/* It has no more than RELAY_WINDOW at once; each answer, whichever, lets one more go. */
static void no_more_than_its_window(void **state)
{
	enum { MORE = 50, LATER = 5 };
	unsigned n = 0;

	world_begin(1, "");
	wait_for_words();
	send_away(RELAY_WINDOW + MORE);
	run_ms(5000);
	assert_int_equal(relay.n_handed, RELAY_WINDOW);
	for (; n < 2 * LATER; n++) {
		relay_says(n, n % 2 == 0 ? DELIVERY_DURABLE : DELIVERY_LATER);
		run_ms(10);
		assert_int_equal(relay.n_handed, RELAY_WINDOW + n + 1);
	}
	for (unsigned i = 0; i < 3; i++) {
		while (n < relay.n_handed) {
			relay_says(n++, DELIVERY_DURABLE);
			run_ms(1);
		}
		run_ms(60 * 1000);
	}
	assert_int_equal(relay.n_handed, RELAY_WINDOW + MORE + LATER);
	world_end();
}

UNIT_TESTS(cmocka_unit_test(told_until_settled),
    cmocka_unit_test(nothing_comes_before_it_speaks), cmocka_unit_test(no_more_than_its_window))
