/* ipc/channel_fuzz.c - one end of a channel, and a peer that sends packets of
 * anything, with descriptors, as a captured role may.
 *
 * Three bytes choose who is who and what the handler does; the frames behind them
 * leave in packets of one or several, the first one after a HELLO, or not.
 *
 * For: ipc/channel.c ipc/message.c
 *
 * Holds: no message before HELLO, none that the table does not permit, none after the
 * end; the end is told once, as broken when the peer broke the protocol; what is sent
 * back keeps to the table; no descriptor is left open, whoever did not take it. */
#include "fuzz_ipc.h"

#include "ipc/channel.h"
#include "os/os_sim.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t size, unsigned seed)
{
	return fuzz_ipc_mutate(data, len, size, seed, false);
}

static const uint8_t ip[4] = { 127, 0, 0, 1 };

static struct world {
	struct sim *sim;
	struct os *os;                  /* both ends are in one process */
	enum role_kind from, to;
	uint8_t habits;
	bool greeted, over, broken;
	unsigned messages;
} world;

static bool on_message(struct ipc_channel *c, struct ipc_message *m)
{
	const struct ipc_rule *rule = ipc_rule(m->type);
	unsigned n = ++world.messages;

	check(world.greeted && !world.over && rule != NULL);
	check(ipc_rule_permits(rule, world.from, world.to) && m->body.rest.len <= rule->body_max);
	check(m->n_fds >= rule->fds_min && m->n_fds <= rule->fds_max);
	if (m->n_fds > 0 && (world.habits & 1))
		os_close(world.os, ipc_take_fd(m));
	check(m->n_fds > 0 || ipc_take_fd(m) == -1);
	/* Some owners end it in the middle, some find a fault in a message. */
	if ((world.habits & 2) && n % 5 == 4) {
		world.over = true;
		ipc_channel_destroy(c);
		return world.habits & 4;
	}
	if ((world.habits & 8) && n % 7 == 6)
		return false;
	return true;
}

static void on_closed(struct ipc_channel *c, bool broken)
{
	check(!world.over);
	world.over = true;
	world.broken = broken;
	ipc_channel_destroy(c);
}

static const struct ipc_handler handler = { on_message, on_closed };

/* What comes back is whole messages of the table. */
static void drain(int fd)
{
	unsigned char packet[IPC_PACKET_MAX];
	int fds[IPC_FDS_MAX];
	const struct ipc_rule *rule;
	size_t n_fds = 0, n;
	ssize_t len;
	slice body;

	while ((len = os_channel_receive(world.os, fd, packet, sizeof packet, fds, &n_fds)) > 0) {
		struct bytes in = bytes_init(slice_of(packet, (size_t)len));
		enum ipc_next next;

		while ((next = ipc_next(&in, n_fds, world.to, world.from, &rule, &body, &n)) ==
		    IPC_NEXT_MESSAGE)
			check(rule->type == IPC_HELLO || rule->type == IPC_CREDIT);
		check(next == IPC_NEXT_END);
	}
}

static void send_packet(int fd, slice packet, size_t n_fds)
{
	int fds[IPC_FDS_MAX];

	for (size_t i = 0; i < n_fds; i++)
		fds[i] = os_open(world.os, OS_ROOT, "file", OS_READ | OS_CREATE);
	if (packet.len > 0 && packet.len <= IPC_PACKET_MAX)
		(void)os_channel_send(world.os, fd, packet, fds, n_fds);
	for (size_t i = 0; i < n_fds; i++)
		os_close(world.os, fds[i]);
	sim_run_until(world.sim, sim_now_us(world.sim) + 2000);
	drain(fd);
}

static void greet(int fd, struct heap *heap)
{
	struct buffer hello = buffer_init(heap, 64);

	put_u32(&hello, 5);
	put_u8(&hello, IPC_HELLO);
	put_u8(&hello, 0);
	put_u16(&hello, IPC_VERSION);
	put_u8(&hello, (uint8_t)world.from);
	put_u16(&hello, 0);
	world.greeted = true;
	send_packet(fd, buffer_bytes(&hello), 0);
	buffer_free(&hello);
}

/* Frames, one or more a packet, with as many descriptors as they claim, or not. */
static void send_all(int fd, slice in)
{
	while (in.len > 0) {
		size_t n = 0, fds = 0, frames = 1 + (world.habits >> 4) % 3u;

		for (; frames > 0 && n < in.len; frames--) {
			fds += in.len - n > 5 ? in.ptr[n + 5] % 3u : 0;
			/* A HELLO of the input's own may be the right one. */
			world.greeted |= in.len - n > 4 && in.ptr[n + 4] == IPC_HELLO;
			n += fuzz_ipc_frame_len(in.ptr, in.len, n);
		}
		fds = fds > IPC_FDS_MAX ? IPC_FDS_MAX : fds;
		send_packet(fd, slice_head(in, n), world.habits & 128 ? fds / 2 : fds);
		in = slice_drop(in, n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ipc_channel *channel;
	int fds[2];
	size_t open;

	if (len < FUZZ_IPC_HEAD)
		return 0;
	world = (struct world){ .sim = sim_create(1), .habits = data[2],
		.from = (enum role_kind)(data[0] % ROLE_KINDS),
		.to = (enum role_kind)(data[1] % ROLE_KINDS) };
	world.os = sim_process_create(sim_host_create(world.sim, "a", ip, 1 << 20), "test");
	open = sim_descriptors(world.os);
	check(os_channel_pair(world.os, fds) == 0);
	channel = ipc_channel_create(world.os, fds[0], world.to, 0, world.from, 0, &handler, NULL);
	if (!(data[2] & 64))
		greet(fds[1], os_heap(world.os));
	send_all(fds[1], slice_of(data + FUZZ_IPC_HEAD, len - FUZZ_IPC_HEAD));
	os_close(world.os, fds[1]);
	sim_run_until(world.sim, sim_now_us(world.sim) + 1000 * 1000);
	if (!world.over)
		ipc_channel_destroy(channel);
	check(sim_descriptors(world.os) == open);
	check(world.over);
	sim_destroy(world.sim);
	return 0;
}
