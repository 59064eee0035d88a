/* ipc/ipc_fuzz.c - packets from a captured role. Three bytes choose who sends to whom,
 * and how many descriptors came along.
 *
 * For: ipc/message.c
 *
 * Holds: nothing but whole, permitted messages comes through, within their rows, none
 * of their bytes from elsewhere; a packet ends exactly, with no descriptor left. */
#include "fuzz_ipc.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t size, unsigned seed)
{
	return fuzz_ipc_mutate(data, len, size, seed, false);
}

static void walk(slice packet, size_t fds, enum role_kind from, enum role_kind to)
{
	struct bytes in = bytes_init(packet);
	const struct ipc_rule *rule;
	slice body;
	size_t n, taken = 0;
	enum ipc_next next;

	while ((next = ipc_next(&in, fds, from, to, &rule, &body, &n)) == IPC_NEXT_MESSAGE) {
		check(ipc_rule_permits(rule, from, to) && body.len <= rule->body_max);
		check(n <= fds && n >= rule->fds_min && n <= rule->fds_max);
		check(body.ptr >= packet.ptr && body.len <= packet.len);
		fds -= n;
		taken += IPC_HEADER + body.len;
		check(taken + in.rest.len == packet.len);
	}
	check(next == IPC_NEXT_BROKEN || (taken == packet.len && fds == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	slice packet;

	if (len < FUZZ_IPC_HEAD)
		return 0;
	packet = fuzz_copy(slice_of(data + FUZZ_IPC_HEAD, len - FUZZ_IPC_HEAD));
	walk(packet, data[2] % (IPC_FDS_MAX + 1u), (enum role_kind)(data[0] % ROLE_KINDS),
	    (enum role_kind)(data[1] % ROLE_KINDS));
	fuzz_free(packet);
	return 0;
}
