/* dns/anchor_test.c - files of trust anchors, as Debian and unbound write them. */
#include "unit.h"

#include <string.h>

#include "base/limits.h"
#include "dns/anchor.h"

#define DIGEST "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
#define KEY "AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3"

static void files_are_read(void **state)
{
	static const struct {
		const char *text;
		unsigned keys;
		const char *fault;      /* what it has in it; NULL: it is read */
	} table[] = {
		{ ". IN DS 20326 8 2 " DIGEST "\n", 1, NULL },
		{ ". IN DS 20326 8 2 " DIGEST, 1, NULL },
		{ ". IN DS 20326 8 2 " DIGEST "\r\n", 1, NULL },
		{ ".\t172800\tIN\tDNSKEY\t257 3 8 " KEY " ;{id = 20326 (ksk), size = 2048b}\n", 1, NULL },
		{ "; the root\n\n. IN DS 20326 8 2 " DIGEST "\nexample. IN DS 1 13 2 " DIGEST "\n", 2,
		    NULL },
		/* What a resolver keeps: only what it trusts. */
		{ "; autotrust trust anchor file\n;;id: . 1\n"
		    ". 86400 IN DNSKEY 257 3 8 " KEY " ;{id = 1 (ksk)} ;;state=2 [  VALID  ] ;;count=0\n"
		    ". 86400 IN DNSKEY 257 3 8 " KEY " ;{id = 2 (ksk)} ;;state=1 [ ADDPEND ] ;;count=3\n"
		    ". 86400 IN DNSKEY 385 3 8 " KEY " ;{id = 3 (ksk)} ;;state=4 [ REVOKED ] ;;count=0\n"
		    ". 86400 IN DNSKEY 257 3 8 " KEY " ;{id = 4 (ksk)} ;;state=3 [ MISSING ] ;;count=0\n",
		    2, NULL },
		{ ". 86400 IN DNSKEY 257 3 8 " KEY " ;;state=1 [ ADDPEND ]\n", 0, "there is no key" },
		{ "", 0, "there is no key" },
		{ "; nothing\n", 0, "there is no key" },
		{ "\n. IN A 127.0.0.1\n", 0, "line 2: only DS and DNSKEY" },
		{ ". CH DS 20326 8 2 " DIGEST "\n", 0, "line 1: only DS and DNSKEY" },
		{ ". IN DS 20326 8 2\n", 0, "line 1: it is no record" },
		{ ". IN DNSKEY 257 3 8 (\n" KEY " )\n", 0, "line 1: it is no record" },
		{ "-----BEGIN CERTIFICATE-----\n", 0, "line 1: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer out = buffer_init(heap, DNS_ANCHORS_MAX);
		char why[DNS_ANCHOR_FAULT] = "";
		bool read = dns_anchors_read(slice_from(table[i].text), &out, why);
		slice lines = buffer_bytes(&out);
		unsigned n = 0;

		if (read != (table[i].fault == NULL) ||
		    (!read && strstr(why, table[i].fault) == NULL))
			fail_msg("row %zu: %d %s", i, read, why);
		for (; read && lines.len > 0; n++)
			assert_true(slice_cut(&lines, '\n').len > 0);
		assert_int_equal(n, table[i].keys);
		heap_drop(heap);
	}
}

static void too_many_are_refused(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer text = buffer_init(heap, 4 * DNS_ANCHORS_MAX);
	struct buffer out = buffer_init(heap, DNS_ANCHORS_MAX);
	char why[DNS_ANCHOR_FAULT] = "";

	(void)state;
	while (buffer_bytes(&text).len < 2 * DNS_ANCHORS_MAX)
		buffer_add(&text, slice_lit(". IN DS 20326 8 2 " DIGEST "\n"));
	assert_false(dns_anchors_read(buffer_bytes(&text), &out, why));
	assert_non_null(strstr(why, "too many keys"));
	buffer_consume(&text, buffer_bytes(&text).len);
	while (buffer_bytes(&text).len < 5000)
		buffer_add(&text, slice_lit(". IN DS 20326 8 2 " DIGEST " "));
	assert_false(dns_anchors_read(buffer_bytes(&text), &out, why));
	assert_non_null(strstr(why, "line 1: it is too long"));
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(files_are_read), cmocka_unit_test(too_many_are_refused))
