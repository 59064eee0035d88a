/* role/edge_forbidden_test.c - every message that an edge may not send, sent by one
 * to each of the real roles that it talks with: the role ends the channel and tells
 * the keeper who it was. */
#include <stdio.h>

#include "ipc/channel.h"
#include "os/os_sim.h"
#include "role/role.h"
#include "unit.h"

/* The keeper and a captured edge, towards one role. */
struct rig {
	struct sim *sim;
	struct os *os;
	struct ipc_channel *keeper;
	struct os_child child;
	int edge;                       /* the edge's end, without an ipc_channel to stop it */
	unsigned broken, exits, fatals;
};

static bool on_message(struct ipc_channel *channel, struct ipc_message *message)
{
	struct rig *rig = ipc_owner(channel);

	switch (message->type) {
	case IPC_BROKEN:
		assert_int_equal(get_u8(&message->body), ROLE_EDGE);
		assert_int_equal(get_u16(&message->body), 0);
		rig->broken++;
		return bytes_end(&message->body);
	case IPC_FATAL:
		rig->fatals++;
		return true;
	default:
		return true;
	}
}

static void on_closed(struct ipc_channel *channel, bool broken)
{
}

static void on_exited(struct os_child *child, int status, int signo)
{
	((struct rig *)child->owner)->exits++;
}

static const struct ipc_handler handler = { on_message, on_closed };

static void run(struct rig *rig)
{
	sim_run_until(rig->sim, sim_now_us(rig->sim) + 3000000);
}

static void tell(struct rig *rig, enum role_kind kind, int peer)
{
	static const unsigned char key[32] = { 7 };
	struct buffer *out;
	int root = os_open(rig->os, OS_ROOT, "root", OS_READ | OS_FOLDER);

	put_slice(ipc_begin(rig->keeper, IPC_CONFIG),
	    slice_lit("hostname = mx.here.example\nedges = 1\nstores = 1\n"));
	ipc_end(rig->keeper, root);
	if (kind != ROLE_STORE) {
		buffer_add(ipc_begin(rig->keeper, IPC_KEY), slice_of(key, sizeof key));
		ipc_end(rig->keeper, -1);
	}
	out = ipc_begin(rig->keeper, IPC_PEER);
	put_u8(out, ROLE_EDGE);
	put_u16(out, 0);
	ipc_end(rig->keeper, peer);
	out = ipc_begin(rig->keeper, IPC_START);
	put_u64(out, UINT64_MAX);
	put_u64(out, UINT64_MAX);
	ipc_end(rig->keeper, -1);
}

static void rig_begin(struct rig *rig, enum role_kind kind)
{
	static const uint8_t here[4] = { 10, 0, 0, 1 };
	int channel[2], edge[2];

	*rig = (struct rig){ .sim = sim_create(kind) };
	rig->os = sim_process_create(sim_host_create(rig->sim, "here", here, 1 << 30), "keeper");
	rig->child = (struct os_child){ .exited = on_exited, .owner = rig };
	assert_int_equal(os_mkdir(rig->os, OS_ROOT, "root"), 0);
	assert_int_equal(os_channel_pair(rig->os, channel), 0);
	assert_int_equal(os_channel_pair(rig->os, edge), 0);
	assert_int_equal(os_spawn(rig->os, &rig->child, role_program(kind), 0, channel[1]), 0);
	rig->keeper = ipc_channel_create(rig->os, channel[0], ROLE_KEEPER, 0, kind, 0, &handler,
	    rig);
	rig->edge = edge[0];
	tell(rig, kind, edge[1]);
	run(rig);
	assert_int_equal(rig->exits + rig->fatals + rig->broken, 0);
}

static void put_message(struct buffer *b, unsigned type, unsigned n_fds, slice body)
{
	put_u32(b, (uint32_t)body.len);
	put_u8(b, (uint8_t)type);
	put_u8(b, (uint8_t)n_fds);
	buffer_add(b, body);
}

/* Its true HELLO, then a message of that type; with a descriptor if it takes one. */
static void say(struct rig *rig, const struct ipc_rule *rule)
{
	struct buffer packet = buffer_init(os_heap(rig->os), 4096);
	struct buffer hello = buffer_init(os_heap(rig->os), 64);
	static const unsigned char zeros[64];
	slice body = slice_of(zeros, rule->body_max < 8 ? 0 : 8);
	int fd = os_open(rig->os, OS_ROOT, "file", OS_WRITE | OS_CREATE);

	put_u16(&hello, IPC_VERSION);
	put_u8(&hello, ROLE_EDGE);
	put_u16(&hello, 0);
	put_message(&packet, IPC_HELLO, 0, buffer_bytes(&hello));
	put_message(&packet, rule->type, rule->fds_min, body);
	assert_int_equal(os_channel_send(rig->os, rig->edge, buffer_bytes(&packet), &fd,
	    rule->fds_min), 0);
	os_close(rig->os, fd);
	buffer_free(&hello);
	buffer_free(&packet);
}

/* What the role said until it closed the channel: true when it did. */
static bool is_closed(struct rig *rig)
{
	static unsigned char packet[IPC_PACKET_MAX];
	int fds[IPC_FDS_MAX];
	ssize_t n;

	do {
		size_t n_fds = 0;

		n = os_channel_receive(rig->os, rig->edge, packet, sizeof packet, fds, &n_fds);
		for (size_t i = 0; i < n_fds; i++)
			os_close(rig->os, fds[i]);
	} while (n > 0);
	return n == 0;
}

static void test_forbidden(void **state)
{
	static const enum role_kind roles[] = { ROLE_DIRECTORY, ROLE_ROUTER, ROLE_STORE };
	unsigned tried = 0;

	for (size_t k = 0; k < sizeof roles / sizeof *roles; k++) {
		for (unsigned type = 0; type < IPC_TYPES; type++) {
			const struct ipc_rule *rule = ipc_rule(type);
			struct rig rig;

			if (ipc_rule_permits(rule, ROLE_EDGE, roles[k]))
				continue;
			rig_begin(&rig, roles[k]);
			say(&rig, rule);
			run(&rig);
			if (rig.broken != 1 || !is_closed(&rig) || rig.exits + rig.fatals != 0)
				fail_msg("%s to %s: broken %u, exits %u", rule->name,
				    role_kind_name(roles[k]), rig.broken, rig.exits);
			sim_destroy(rig.sim);
			tried++;
		}
	}
	/* Most of the table: an edge may say ten things, each to one role. */
	assert_true(tried > 2 * IPC_TYPES);
}

/* The same way with what it may say ends nothing. */
static void test_permitted(void **state)
{
	struct rig rig;

	rig_begin(&rig, ROLE_ROUTER);
	say(&rig, ipc_rule(IPC_SEGMENT_WANT));
	run(&rig);
	assert_int_equal(rig.broken, 0);
	assert_false(is_closed(&rig));
	sim_destroy(rig.sim);
}

UNIT_TESTS(cmocka_unit_test(test_forbidden), cmocka_unit_test(test_permitted))
