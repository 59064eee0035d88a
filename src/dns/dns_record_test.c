/* dns/dns_record_test.c - wire form to text and back; MX in order. */
#include "unit.h"

#include <stdio.h>

#include "dns/dns_record.h"

#define WIRE(text) slice_lit(text)

static void names_are_read(void **state)
{
	static const struct {
		slice wire;
		const char *text;       /* NULL: refused */
	} table[] = {
		{ WIRE("\0"), "" },
		{ WIRE("\5Alice\7EXAMPLE\0"), "alice.example" },
		{ WIRE("\1a\0"), "a" },
		{ WIRE(""), NULL },
		{ WIRE("\1a"), NULL },
		{ WIRE("\5ab\0"), NULL },
		{ WIRE("\xc0\0"), NULL },
		{ WIRE("\3a.b\0"), NULL },
		{ WIRE("\3a b\0"), NULL },
		{ WIRE("\2\xc3\xa4\0"), NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char text[DNS_NAME_TEXT] = "unset";
		slice rest = table[i].wire;
		bool read = dns_name_read(&rest, text);

		if (read != (table[i].text != NULL))
			fail_msg("row %zu: %d", i, read);
		if (read) {
			assert_string_equal(text, table[i].text);
			assert_int_equal(rest.len, 0);
		} else {
			assert_int_equal(rest.len, table[i].wire.len);
		}
	}
}

static void the_longest_name_fits(void **state)
{
	unsigned char wire[DNS_NAME_TEXT], again[DNS_NAME_TEXT];
	char text[DNS_NAME_TEXT];
	slice rest;
	size_t n = 0;

	(void)state;
	/* Three labels of 63 and one of 61: 64 * 3 + 62 + 1 = 255. */
	for (unsigned label = 0; label < 4; label++) {
		unsigned len = label < 3 ? 63 : 61;

		wire[n++] = (unsigned char)len;
		memset(wire + n, 'a' + (int)label, len);
		n += len;
	}
	wire[n++] = 0;
	assert_int_equal(n, 255);
	rest = slice_of(wire, n);
	assert_true(dns_name_read(&rest, text));
	assert_int_equal(strlen(text), 253);
	assert_int_equal(dns_name_write(slice_from(text), again), 255);
	assert_memory_equal(wire, again, 255);
	/* One more byte in the last label. */
	wire[192] = 62;
	wire[254] = 'd';
	wire[255] = 0;
	rest = slice_of(wire, 256);
	assert_false(dns_name_read(&rest, text));
	text[252] = 'd';
	memcpy(text + 253, "d", 2);
	assert_int_equal(dns_name_write(slice_from(text), again), 0);
}

static void names_are_written(void **state)
{
	unsigned char wire[DNS_NAME_TEXT];

	(void)state;
	assert_int_equal(dns_name_write(slice_lit(""), wire), 1);
	assert_int_equal(dns_name_write(slice_lit("alice.example"), wire), 15);
	assert_memory_equal(wire, "\5alice\7example", 15);
	assert_int_equal(dns_name_write(slice_lit("a..b"), wire), 0);
	assert_int_equal(dns_name_write(slice_lit(".a"), wire), 0);
}

static void mx_is_read(void **state)
{
	struct dns_mx mx;

	(void)state;
	assert_true(dns_mx_read(WIRE("\0\12\2mx\1A\0"), &mx));
	assert_int_equal(mx.preference, 10);
	assert_string_equal(mx.host, "mx.a");
	assert_true(dns_mx_read(WIRE("\0\0\0"), &mx));
	assert_string_equal(mx.host, "");
	assert_false(dns_mx_read(WIRE("\0"), &mx));
	assert_false(dns_mx_read(WIRE("\0\1"), &mx));
	assert_false(dns_mx_read(WIRE("\0\1\1a\0x"), &mx));
}

static uint64_t count(void *context)
{
	uint64_t *n = context;

	return (*n)++;
}

/* Always by preference; each of the equal ones comes first now and then. */
static void mx_is_sorted(void **state)
{
	unsigned first[3] = { 0 };

	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct dns_mx list[] = { { 20, "c" }, { 10, "0" }, { 10, "1" }, { 5, "a" },
			{ 10, "2" } };
		uint64_t n = seed;

		dns_mx_sort(list, 5, count, &n);
		assert_string_equal(list[0].host, "a");
		assert_string_equal(list[4].host, "c");
		first[list[1].host[0] - '0']++;
	}
	for (unsigned i = 0; i < 3; i++)
		assert_true(first[i] > 0);
}

static void addresses_are_read(void **state)
{
	uint8_t ip[16];

	(void)state;
	assert_true(dns_address_read(DNS_A, WIRE("\x7f\0\0\1"), ip));
	assert_memory_equal(ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
	assert_true(dns_address_read(DNS_AAAA, WIRE("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"), ip));
	assert_int_equal(ip[15], 1);
	assert_false(dns_address_read(DNS_A, WIRE("\x7f\0\0"), ip));
	assert_false(dns_address_read(DNS_AAAA, WIRE("\x7f\0\0\1"), ip));
	assert_false(dns_address_read(DNS_MX, WIRE("\x7f\0\0\1"), ip));
}

static void types_have_names(void **state)
{
	char text[DNS_TYPE_TEXT];

	(void)state;
	assert_string_equal(dns_type_print(DNS_AAAA, text), "AAAA");
	assert_string_equal(dns_type_print(65280, text), "TYPE65280");
}

UNIT_TESTS(cmocka_unit_test(names_are_read), cmocka_unit_test(the_longest_name_fits),
    cmocka_unit_test(names_are_written), cmocka_unit_test(mx_is_read),
    cmocka_unit_test(mx_is_sorted), cmocka_unit_test(addresses_are_read),
    cmocka_unit_test(types_have_names))
