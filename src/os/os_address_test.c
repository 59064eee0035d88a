/* os/os_address_test.c - addresses as text, and back. */
#include "os/os.h"

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

UNIT_TESTS(cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
    cmocka_unit_test(test_longest), cmocka_unit_test(test_loopback))
