/* ipc/message_test.c - the table, and what a packet may not be. */
#include "unit.h"

#include "base/heap.h"
#include "ipc/message.h"

enum { PACKET = 512 };

static void test_table(void **state)
{
	for (unsigned i = 0; i < IPC_TYPES; i++) {
		const struct ipc_rule *rule = ipc_rule(i);

		assert_int_equal(rule->type, i);
		assert_non_null(rule->name);
		assert_true(rule->from != 0 && rule->to != 0);
		assert_true(rule->body_max <= IPC_BODY_MAX);
		assert_true(rule->fds_min <= rule->fds_max && rule->fds_max <= IPC_FDS_MAX);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(rule->name, ipc_rule(j)->name);
	}
	assert_null(ipc_rule(IPC_TYPES));
	assert_null(ipc_rule(255));
}

/* What a captured edge must not be able to say. */
static void test_edge_may_not(void **state)
{
	static const struct {
		enum ipc_type type;
		enum role_kind to;
	} cases[] = {
		{ IPC_CONFIG, ROLE_DIRECTORY }, { IPC_KEY, ROLE_ROUTER },
		{ IPC_START, ROLE_STORE }, { IPC_PEER, ROLE_ROUTER },
		{ IPC_SESSION, ROLE_STORE }, { IPC_REMOVED, ROLE_STORE },
		{ IPC_DELIVER, ROLE_STORE }, { IPC_LIVE, ROLE_STORE },
		{ IPC_RETIRED, ROLE_STORE }, { IPC_DELIVERED, ROLE_ROUTER },
		{ IPC_SEGMENT, ROLE_ROUTER }, { IPC_BROKEN, ROLE_KEEPER },
		{ IPC_RECIPIENT, ROLE_EDGE }, { IPC_SMART_HOST, ROLE_RELAY },
		{ IPC_LOGIN_IS, ROLE_DIRECTORY }, { IPC_HTTP_IS, ROLE_WEB },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_false(ipc_rule_permits(ipc_rule(cases[i].type), ROLE_EDGE, cases[i].to));
}

/* Nor the web, which reads what strangers send as well. It may answer edges about their
 * connections, and its keeper; of a mock's stores it may want messages, marks and tags on them, and ask its
 * router whether all came. */
static void test_web_may(void **state)
{
	for (unsigned i = IPC_CONFIG; i < IPC_TYPES; i++) {
		for (unsigned to = 0; to < ROLE_KINDS; to++) {
			bool may = (to == ROLE_EDGE && (i == IPC_HTTP_IS || i == IPC_SMTP)) || (to == ROLE_STORE &&
			    (i == IPC_WATCH || i == IPC_FETCH || i == IPC_EXPUNGE || i == IPC_MARK ||
			    i == IPC_TAG)) ||
			    (to == ROLE_ROUTER && i == IPC_SETTLE) || (to == ROLE_KEEPER &&
			    (i == IPC_READY || i == IPC_DRAINED || i == IPC_PONG || i == IPC_FATAL));

			if (ipc_rule_permits(ipc_rule(i), ROLE_WEB, (enum role_kind)to) != may)
				fail_msg("%s to %s", ipc_rule(i)->name,
				    role_kind_name((enum role_kind)to));
		}
	}
}

/* ---- packets ---- */

static struct buffer packet_of(struct heap *heap, uint32_t len, unsigned type, unsigned fds,
    size_t filled)
{
	struct buffer b = buffer_init(heap, IPC_PACKET_MAX);

	put_u32(&b, len);
	put_u8(&b, (uint8_t)type);
	put_u8(&b, (uint8_t)fds);
	for (size_t i = 0; i < filled; i++)
		put_u8(&b, 'x');
	return b;
}

static const struct {
	const char *name;
	uint32_t len;
	unsigned type, fds;             /* as the header says */
	size_t filled, fds_sent;
	enum role_kind from, to;
	enum ipc_next want;
} packets[] = {
	{ "legal", 8, IPC_PING, 0, 8, 0, ROLE_KEEPER, ROLE_EDGE, IPC_NEXT_MESSAGE },
	{ "legal with fd", 3, IPC_PEER, 1, 3, 1, ROLE_KEEPER, ROLE_EDGE, IPC_NEXT_MESSAGE },
	{ "legal without the fd it may have", 4, IPC_SPOOL, 0, 4, 0, ROLE_ROUTER, ROLE_EDGE,
	    IPC_NEXT_MESSAGE },
	{ "wrong sender", 8, IPC_PING, 0, 8, 0, ROLE_STORE, ROLE_EDGE, IPC_NEXT_BROKEN },
	{ "wrong receiver", 32, IPC_KEY, 0, 32, 0, ROLE_KEEPER, ROLE_EDGE, IPC_NEXT_BROKEN },
	{ "own type sent back", 8, IPC_PONG, 0, 8, 0, ROLE_KEEPER, ROLE_EDGE, IPC_NEXT_BROKEN },
	{ "unknown type", 0, IPC_TYPES, 0, 0, 0, ROLE_KEEPER, ROLE_EDGE, IPC_NEXT_BROKEN },
	{ "type 255", 0, 255, 0, 0, 0, ROLE_KEEPER, ROLE_EDGE, IPC_NEXT_BROKEN },
	{ "longer than its row", 9, IPC_PING, 0, 9, 0, ROLE_KEEPER, ROLE_EDGE, IPC_NEXT_BROKEN },
	{ "a body where none is", 1, IPC_READY, 0, 1, 0, ROLE_EDGE, ROLE_KEEPER,
	    IPC_NEXT_BROKEN },
	{ "missing fd", 3, IPC_PEER, 0, 3, 0, ROLE_KEEPER, ROLE_EDGE, IPC_NEXT_BROKEN },
	{ "claims an fd that did not come", 3, IPC_PEER, 1, 3, 0, ROLE_KEEPER, ROLE_EDGE,
	    IPC_NEXT_BROKEN },
	{ "extra fd", 3, IPC_PEER, 2, 3, 2, ROLE_KEEPER, ROLE_EDGE, IPC_NEXT_BROKEN },
	{ "fd for a row without", 8, IPC_PING, 1, 8, 1, ROLE_KEEPER, ROLE_EDGE,
	    IPC_NEXT_BROKEN },
	{ "split", 8, IPC_PING, 0, 7, 0, ROLE_KEEPER, ROLE_EDGE, IPC_NEXT_BROKEN },
	{ "length over all", UINT32_MAX, IPC_CONFIG, 0, 100, 0, ROLE_KEEPER, ROLE_EDGE,
	    IPC_NEXT_BROKEN },
};

static void test_packets(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
		struct buffer b = packet_of(heap, packets[i].len, packets[i].type,
		    packets[i].fds, packets[i].filled);
		slice guarded = guarded_copy(buffer_bytes(&b));
		struct bytes in = bytes_init(guarded);
		const struct ipc_rule *rule = NULL;
		slice body = { 0 };
		size_t n_fds = 99;
		enum ipc_next next = ipc_next(&in, packets[i].fds_sent, packets[i].from,
		    packets[i].to, &rule, &body, &n_fds);

		if (next != packets[i].want)
			fail_msg("%s: %d, not %d", packets[i].name, next, packets[i].want);
		if (next == IPC_NEXT_MESSAGE) {
			assert_int_equal(rule->type, packets[i].type);
			assert_int_equal(body.len, packets[i].len);
			assert_int_equal(n_fds, packets[i].fds);
			assert_int_equal(in.rest.len, 0);
		} else {
			assert_ptr_equal(in.rest.ptr, guarded.ptr);
			assert_int_equal(n_fds, 99);
		}
		guarded_free(guarded);
	}
	heap_drop(heap);
}

/* After the last message neither bytes nor descriptors may be left. */
static void test_end(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer b = packet_of(heap, 8, IPC_PING, 0, 8);
	const struct ipc_rule *rule;
	slice body;
	size_t n;

	for (size_t extra = 0; extra < IPC_HEADER; extra++) {
		struct bytes in = bytes_init(buffer_bytes(&b));

		assert_int_equal(ipc_next(&in, 0, ROLE_KEEPER, ROLE_EDGE, &rule, &body, &n),
		    IPC_NEXT_MESSAGE);
		assert_int_equal(ipc_next(&in, 0, ROLE_KEEPER, ROLE_EDGE, &rule, &body, &n),
		    extra == 0 ? IPC_NEXT_END : IPC_NEXT_BROKEN);
		put_u8(&b, 0);
	}
	assert_int_equal(ipc_next(&(struct bytes){ 0 }, 1, ROLE_KEEPER, ROLE_EDGE, &rule, &body,
	    &n), IPC_NEXT_BROKEN);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_table), cmocka_unit_test(test_edge_may_not),
    cmocka_unit_test(test_web_may),
    cmocka_unit_test(test_packets), cmocka_unit_test(test_end))
