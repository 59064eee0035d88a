/* os/os_address_test.c - addresses as text, and back. */
#include "os/os.h"

#include <netinet/in.h>

#include "unit.h"

static void test_round_trip(void **state)
{
	static const struct { const char *in, *want; uint16_t port; } cases[] = {
		{ "127.0.0.1:25", "127.0.0.1:25", 25 },
		{ "0.0.0.0:0", "0.0.0.0:0", 0 },
		{ "[::1]:65535", "[::1]:65535", 65535 },
		{ "[2001:DB8:0:0::1]:110", "[2001:db8::1]:110", 110 },
		{ "[::ffff:192.0.2.1]:25", "192.0.2.1:25", 25 },
		{ "unix:/run/x.socket", "unix:/run/x.socket", 0 },
		{ "unix:control", "unix:control", 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct os_address address;
		char text[OS_ADDRESS_TEXT];
		slice in = guarded_copy(slice_from(cases[i].in));

		assert_true(os_address_parse(in, &address));
		assert_int_equal(address.port, cases[i].port);
		assert_int_equal(os_address_print(&address, text, sizeof text),
		    strlen(cases[i].want));
		assert_string_equal(text, cases[i].want);
		guarded_free(in);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"", ":", ":25", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
		"127.0.0.1: 25", "127.1:25", "localhost:25", "::1:25", "[::1]", "[::1]25",
		"[::1:25",
		"::1]:25", "[]:25", "[127.0.0.1]:25", "[:25", "]:25", "[fe80::1%eth0]:25", "unix:",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]:25",
	};
	struct os_address address;
	char path[128] = "unix:";

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		slice in = guarded_copy(slice_from(cases[i]));

		if (os_address_parse(in, &address))
			fail_msg("accepted \"%s\"", cases[i]);
		guarded_free(in);
	}
	assert_false(os_address_parse(slice_lit("127.0.0.1\0:25"), &address));
	assert_false(os_address_parse(slice_lit("unix:a\0b"), &address));
	memset(path + 5, 'a', 107);
	assert_true(os_address_parse(slice_of(path, 5 + 107), &address));
	path[5 + 107] = 'a';
	assert_false(os_address_parse(slice_of(path, 5 + 108), &address));
}

static void test_longest(void **state)
{
	struct os_address address = { .port = 65535 };
	char text[OS_ADDRESS_TEXT];

	memset(address.ip, 0xff, sizeof address.ip);
	os_address_print(&address, text, sizeof text);
	assert_string_equal(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
	memset(address.path, 'a', sizeof address.path - 1);
	assert_int_equal(os_address_print(&address, text, sizeof text), 5 + 107);
}

static void test_loopback(void **state)
{
	static const struct { const char *ip; bool want; } cases[] = {
		{ "127.0.0.1", true }, { "127.255.255.255", true }, { "128.0.0.1", false },
		{ "126.255.255.255", false }, { "::1", true }, { "::2", false }, { "::", false },
		{ "fe80::1", false },
	};
	uint8_t ip[16];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_true(os_ip_parse(slice_from(cases[i].ip), ip));
		if (os_ip_is_loopback(ip) != cases[i].want)
			fail_msg("%s", cases[i].ip);
	}
}

static void test_prefixes(void **state)
{
	static const struct { const char *text, *print, *in, *out; } cases[] = {
		{ "192.0.2.0/24", NULL, "192.0.2.255", "192.0.3.0" },
		{ "192.0.2.128/25", NULL, "192.0.2.128", "192.0.2.127" },
		{ "192.0.2.1", NULL, "192.0.2.1", "192.0.2.0" },
		{ "192.0.2.1/32", "192.0.2.1", "192.0.2.1", "192.0.2.0" },
		{ "::ffff:192.0.2.0/120", "192.0.2.0/24", "192.0.2.255", "192.0.3.0" },
		{ "127.0.0.0/8", NULL, "127.255.0.1", "128.0.0.0" },
		{ "0.0.0.0/0", NULL, "255.255.255.255", "::1" },
		{ "::/0", NULL, "192.0.2.1", NULL },
		{ "2001:db8::/32", NULL, "2001:db8:ffff::1", "2001:db9::" },
		{ "2001:db8::/45", NULL, "2001:db8:7::1", "2001:db8:8::1" },
		{ "::1", NULL, "::1", "127.0.0.1" },
		{ "::1/128", "::1", "::1", "::2" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		slice in = guarded_copy(slice_from(cases[i].text));
		const char *print = cases[i].print ? cases[i].print : cases[i].text;
		struct os_prefix prefix;
		char text[OS_PREFIX_TEXT];
		uint8_t ip[16];

		assert_true(os_prefix_parse(in, &prefix));
		assert_int_equal(os_prefix_print(&prefix, text, sizeof text), strlen(print));
		assert_string_equal(text, print);
		assert_true(os_ip_parse(slice_from(cases[i].in), ip));
		if (!os_prefix_has(&prefix, ip))
			fail_msg("%s lacks %s", cases[i].text, cases[i].in);
		if (cases[i].out != NULL) {
			assert_true(os_ip_parse(slice_from(cases[i].out), ip));
			if (os_prefix_has(&prefix, ip))
				fail_msg("%s has %s", cases[i].text, cases[i].out);
		}
		guarded_free(in);
	}
}

static void test_prefixes_refused(void **state)
{
	static const char *const cases[] = {
		"", "/", "/8", "192.0.2.0/", "192.0.2.0/33", "192.0.2.1/24", "192.0.2.0/-1",
		"192.0.2.0/ 24", "192.0.2.0/24/24", "192.0.2/24", "::/129", "2001:db8::1/32",
		"::ffff:192.0.2.0/24", "::ffff:0:0/95", "[::1]", "[::1]/128", "localhost", "::1%lo",
	};
	struct os_prefix prefix;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		slice in = guarded_copy(slice_from(cases[i]));

		if (os_prefix_parse(in, &prefix))
			fail_msg("accepted \"%s\"", cases[i]);
		guarded_free(in);
	}
}

static void test_peers(void **state)
{
	static const struct { const char *a, *b; bool same_peer, same_network; } cases[] = {
		{ "192.0.2.1", "192.0.2.1", true, true },
		{ "192.0.2.1", "::ffff:192.0.2.1", true, true },
		{ "192.0.2.1", "192.0.2.2", false, true },
		{ "192.0.2.1", "192.0.3.1", false, false },
		{ "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true, true },
		{ "2001:db8:0:1::1", "2001:db8:0:2::1", false, true },
		{ "2001:db8:1::", "2001:db8:2::", false, false },
		{ "::", "0.0.0.0", false, false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t a[16], b[16];

		assert_true(os_ip_parse(slice_from(cases[i].a), a));
		assert_true(os_ip_parse(slice_from(cases[i].b), b));
		assert_int_equal(slice_equal(os_ip_peer(a), os_ip_peer(b)), cases[i].same_peer);
		assert_int_equal(slice_equal(os_ip_network(a), os_ip_network(b)),
		    cases[i].same_network);
	}
}

static void test_from_kernel(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(25),
		.sin_addr = { htonl(0xc0000201) } };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(587) };
	struct sockaddr other = { .sa_family = AF_UNIX };
	struct os_address address = { 0 };
	char text[OS_ADDRESS_TEXT];

	in6.sin6_addr.s6_addr[15] = 1;
	assert_true(os_address_from((const struct sockaddr *)&in, &address));
	os_address_print(&address, text, sizeof text);
	assert_string_equal(text, "192.0.2.1:25");
	assert_true(os_address_from((const struct sockaddr *)&in6, &address));
	os_address_print(&address, text, sizeof text);
	assert_string_equal(text, "[::1]:587");
	assert_false(os_address_from(&other, &address));
}

UNIT_TESTS(cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
    cmocka_unit_test(test_longest), cmocka_unit_test(test_loopback),
    cmocka_unit_test(test_prefixes), cmocka_unit_test(test_prefixes_refused),
    cmocka_unit_test(test_peers), cmocka_unit_test(test_from_kernel))
