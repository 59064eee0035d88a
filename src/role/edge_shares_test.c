/* role/edge_shares_test.c - who gets in, by tables; floods, and who they keep out. */
#include "role/edge_shares.h"

#include <stdio.h>

#include "base/limits.h"
#include "unit.h"

enum { SESSIONS = 1000 };

static struct test {
	struct heap *heap;
	struct shares shares;
	struct config config;
	struct os_prefix trusted;
	struct session_shares held[SESSIONS];
	size_t n;
	uint64_t now_ms;
} test;

static void begin(unsigned sessions_max, unsigned per_address, unsigned connections)
{
	static const unsigned char secret[16] = { 1, 2, 3 };

	memset(&test, 0, sizeof test);
	test.heap = heap_create(SIZE_MAX);
	test.now_ms = 1000;
	assert_true(os_prefix_parse(slice_lit("127.0.0.0/8"), &test.trusted));
	test.config = (struct config){ .sessions_max = sessions_max,
	    .sessions_per_address = per_address, .connections_per_address = connections,
	    .network_factor = 4, .trusted = { 1, &test.trusted } };
	shares_init(&test.shares, test.heap, 1, secret);
}

static void end(void)
{
	heap_drop(test.heap);
}

static enum shares_answer open_ip(const uint8_t ip[16])
{
	enum shares_answer answer = shares_open(&test.shares, &test.config,
	    test.config.sessions_max - test.n, ip, test.now_ms, &test.held[test.n]);

	test.n += answer == SHARES_OK;
	return answer;
}

static enum shares_answer open_from(const char *from)
{
	uint8_t ip[16];

	assert_true(os_ip_parse(slice_from(from), ip));
	return open_ip(ip);
}

static unsigned open_many(const char *from, unsigned n)
{
	unsigned opened = 0;

	for (unsigned i = 0; i < n; i++)
		opened += open_from(from) == SHARES_OK;
	return opened;
}

/* i of the addresses of an IPv4 /8. */
static void numbered(uint8_t ip[16], uint8_t first, unsigned i)
{
	memset(ip, 0, 16);
	ip[10] = ip[11] = 0xff;
	ip[12] = first;
	ip[13] = (uint8_t)(i >> 16);
	ip[14] = (uint8_t)(i >> 8);
	ip[15] = (uint8_t)i;
}

static void test_sessions(void **state)
{
	static const struct { const char *from; unsigned n, opened; enum shares_answer then; } cases[] = {
		{ "192.0.2.1", 5, 3, SHARES_PEER },
		{ "::ffff:192.0.2.1", 1, 0, SHARES_PEER },      /* the same */
		{ "192.0.2.2", 3, 3, SHARES_PEER },
		{ "192.0.2.3", 3, 3, SHARES_PEER },
		{ "192.0.2.4", 3, 3, SHARES_PEER },
		{ "192.0.2.5", 3, 0, SHARES_NETWORK },
		{ "192.0.3.5", 3, 3, SHARES_PEER },             /* another network */
		{ "2001:db8:0:1::1", 3, 3, SHARES_PEER },
		{ "2001:db8:0:1:ff::9", 1, 0, SHARES_PEER },    /* the same /64 */
		{ "2001:db8:0:2::1", 3, 3, SHARES_PEER },
		{ "2001:db8:0:3::1", 3, 3, SHARES_PEER },
		{ "2001:db8:0:4::1", 3, 3, SHARES_PEER },
		{ "2001:db8:0:5::1", 1, 0, SHARES_NETWORK },
		{ "2001:db8:1::1", 3, 3, SHARES_PEER },
		{ "127.0.0.1", 100, 100, SHARES_OK },           /* trusted */
	};

	begin(SESSIONS, 3, 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		unsigned opened = open_many(cases[i].from, cases[i].n);

		if (opened != cases[i].opened)
			fail_msg("%s: %u", cases[i].from, opened);
		assert_int_equal(open_from(cases[i].from), cases[i].then);
	}
	while (test.n > 0)
		shares_close(&test.shares, &test.held[--test.n]);
	assert_int_equal(test.shares.live.count, 0);
	assert_int_equal(open_many("192.0.2.1", 5), 3);
	end();
}

/* Networks that take all they can get leave places; who comes new gets one. */
static void test_reserve(void **state)
{
	uint8_t ip[16];
	unsigned in_one = 0, left;

	begin(SESSIONS, 1000, 0);
	for (unsigned i = 0; i < 20; i++) {
		for (unsigned n = 0; n < SESSIONS; n++) {
			numbered(ip, 10, i << 8);
			in_one += open_ip(ip) == SHARES_OK && i == 0;
		}
	}
	left = SESSIONS - (unsigned)test.n;
	print_message("# 20 networks: the first holds %u, %u places are left\n", in_one, left);
	assert_true(in_one == SESSIONS / 9 && left > 0);
	for (unsigned i = 0; i < left; i++) {
		numbered(ip, 11, i << 8);
		assert_int_equal(open_ip(ip), SHARES_OK);
		numbered(ip, 10, 0);
		assert_int_not_equal(open_ip(ip), SHARES_OK);
	}
	numbered(ip, 12, 0);
	assert_int_equal(open_ip(ip), SHARES_FULL);
	assert_int_equal(open_from("127.0.0.1"), SHARES_FULL);
	end();
}

static void close_last(void)
{
	shares_close(&test.shares, &test.held[--test.n]);
}

static void test_connections(void **state)
{
	unsigned n = 0;

	begin(SESSIONS, 100, 60);
	for (; n < 1000 && open_from("192.0.2.1") == SHARES_OK; n++)
		close_last();
	assert_int_equal(n, 60);
	assert_int_equal(open_from("192.0.2.1"), SHARES_OFTEN);
	for (; n < 1000; n++) {
		char from[32];

		snprintf(from, sizeof from, "192.0.2.%u", 2 + n % 200);
		if (open_from(from) != SHARES_OK)
			break;
		close_last();
	}
	assert_int_equal(n, 4 * 60);
	assert_int_equal(open_from("192.0.3.1"), SHARES_OK);
	test.now_ms += 999;
	assert_int_equal(open_from("192.0.2.1"), SHARES_OFTEN);
	test.now_ms += 1;
	assert_int_equal(open_from("192.0.2.1"), SHARES_OK);
	assert_int_equal(open_from("192.0.2.1"), SHARES_OFTEN);
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(open_from("127.0.0.1"), SHARES_OK);
	end();
}

/* A million addresses of all networks, a connection each: all get in, memory stays
 * as it is, and who was at a limit still is. */
static void test_million(void **state)
{
	uint8_t ip[16];
	size_t used;

	begin(SESSIONS, 100, 60);
	for (unsigned i = 0; i < 60; i++) {
		assert_int_equal(open_from("192.0.2.1"), SHARES_OK);
		close_last();
	}
	numbered(ip, 10, 0);
	assert_int_equal(open_ip(ip), SHARES_OK);
	close_last();
	used = heap_used(test.heap);
	for (unsigned i = 0; i < 1000 * 1000; i++) {
		numbered(ip, 10, i * 16 + i / 65536);
		assert_int_equal(open_ip(ip), SHARES_OK);
		close_last();
	}
	assert_int_equal(heap_used(test.heap), used);
	assert_int_equal(open_from("192.0.2.1"), SHARES_OFTEN);
	assert_int_equal(open_from("198.51.100.1"), SHARES_OK);
	end();
}

static void test_notes(void **state)
{
	static const struct { enum shares_answer answer; const char *first, *same, *other; } cases[] = {
		{ SHARES_FULL, "192.0.2.1", "203.0.113.1", NULL },
		{ SHARES_PEER, "192.0.2.1", "192.0.2.1", "192.0.2.2" },
		{ SHARES_NETWORK, "192.0.2.1", "192.0.2.9", "192.0.3.1" },
		{ SHARES_OFTEN, "2001:db8::1", "2001:db8:0:9::", "2001:db9::" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t ip[16];

		begin(1, 1, 1);
		assert_true(os_ip_parse(slice_from(cases[i].first), ip));
		assert_true(shares_note(&test.shares, cases[i].answer, ip, 1000));
		assert_true(os_ip_parse(slice_from(cases[i].same), ip));
		assert_false(shares_note(&test.shares, cases[i].answer, ip, 60 * 1000));
		assert_true(shares_note(&test.shares, cases[i].answer, ip, 61 * 1000));
		if (cases[i].other != NULL) {
			assert_true(os_ip_parse(slice_from(cases[i].other), ip));
			assert_true(shares_note(&test.shares, cases[i].answer, ip, 61 * 1000));
		}
		end();
	}
}

static void test_bodies(void **state)
{
	enum { MAX = EDGE_BODIES_MAX, FEW = EDGE_BODIES_SHARE };
	static const struct { size_t mine, used; bool trusted, room, crowded; } cases[] = {
		{ 0, 0, false, true, false },
		{ MAX / 9 + 1, MAX / 9 + 1, false, true, true },
		{ MAX / 9 - 1, MAX / 9 - 1, false, true, false },
		{ FEW, MAX - FEW, false, true, false },
		{ FEW + 1, MAX - FEW, false, true, true },
		{ FEW, MAX, false, false, false },
		{ FEW - 1, 2 * (size_t)MAX, false, true, false },
		{ 0, MAX - 1, true, true, false },
		{ 0, MAX + 1, true, false, true },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct share share = { .body_bytes = cases[i].mine };
		const struct share *mine = cases[i].trusted ? NULL : &share;

		if (shares_body_room(mine, cases[i].used) != cases[i].room ||
		    shares_body_crowded(mine, cases[i].used) != cases[i].crowded)
			fail_msg("case %zu", i);
	}
}

/* A transaction may outlive its session. */
static void test_hold(void **state)
{
	struct share *network;

	begin(SESSIONS, 100, 0);
	assert_int_equal(open_from("192.0.2.1"), SHARES_OK);
	network = shares_hold(test.held[0].network);
	close_last();
	assert_int_equal(test.shares.live.count, 1);
	network->body_bytes = 7;
	assert_int_equal(open_from("192.0.2.2"), SHARES_OK);
	assert_ptr_equal(test.held[0].network, network);
	close_last();
	network->body_bytes = 0;
	shares_drop(&test.shares, network);
	assert_int_equal(test.shares.live.count, 0);
	assert_null(shares_hold(NULL));
	shares_drop(&test.shares, NULL);
	end();
}

UNIT_TESTS(cmocka_unit_test(test_sessions), cmocka_unit_test(test_reserve),
    cmocka_unit_test(test_connections), cmocka_unit_test(test_million),
    cmocka_unit_test(test_notes), cmocka_unit_test(test_bodies), cmocka_unit_test(test_hold))
