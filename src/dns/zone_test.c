/* dns/zone_test.c - zone files that can be read, and what is said of those that can't. */
#include "dns/zone.h"

#include <ldns/ldns.h>
#include <stdio.h>

#include "base/buffer.h"
#include "dns/zone_text.h"
#include "unit.h"

#define SOA "@ SOA ns.alice.example. root.alice.example. 1 2 3 4 5\n"
#define HEAD "$ORIGIN alice.example.\n" SOA

/* ---- entries ---- */

static const struct {
	const char *name, *text, *entries;      /* "LINE entry|", then how it ended */
} texts[] = {
	{ "empty", "", "end" },
	{ "blank lines", "\n  \n\t\r\n; x\n ; y", "end" },
	{ "one", "a A 1", "1 a A 1|end" },
	{ "blanks", "a\t  A \t 1  \r\n  B 2 ; c\n", "1 a A 1|2  B 2|end" },
	{ "parentheses", "a SOA b c (\n 1 ; one\n\n2 )\n  d", "1 a SOA b c 1 2|5  d|end" },
	{ "begins late", "\n\n ( a\n b )", "3  a b|end" },
	{ "comment", "a;b\nc ;(\"\nd", "1 a|2 c|3 d|end" },
	{ "quotes", "a \"b  ;( c\" d", "1 a \"b  ;( c\" d|end" },
	{ "escapes", "a\\;b \\\"c \\( \\032 \\\\", "1 a\\;b \\\"c \\( \\032 \\\\|end" },
	{ "escaped quote", "a \"b\\\" c\"", "1 a \"b\\\" c\"|end" },
	{ "UTF-8", "a \xc3\xa4", "1 a \xc3\xa4|end" },
	{ "open quote", "a\nb \"c\nd\"", "1 a|2 quote" },
	{ "open quote at the end", "a\n\"", "1 a|2 quote" },
	{ "open parenthesis", "a\nb (\nc\n", "1 a|2 parenthesis" },
	{ "closed twice", "a\n\nb ( ) )\nc", "1 a|3 parenthesis" },
	{ "opened twice", "a (\n(\n))", "2 parenthesis" },
	{ "control", "a\n\x01", "1 a|2 control" },
	{ "delete", "\x7f", "1 control" },
	{ "escaped end", "a\nb\\", "1 a|2 control" },
	{ "escaped line end", "b\\\nc", "1 control" },
};

static void test_entries(void **state)
{
	static const char *const ends[] = { [ZONE_END] = "end", [ZONE_OPEN_QUOTE] = "quote",
		[ZONE_PARENTHESIS] = "parenthesis", [ZONE_CONTROL] = "control",
		[ZONE_LONG] = "long" };
	char entry[DNS_ENTRY_MAX + 1];

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		slice in = guarded_copy(slice_from(texts[i].text));
		struct zone_text text = { in, 1 };
		enum zone_entry result;
		char have[400] = "";
		unsigned line;

		while ((result = zone_text_next(&text, entry, &line)) == ZONE_ENTRY)
			snprintf(have + strlen(have), sizeof have - strlen(have), "%u %s|", line,
			    entry);
		if (result != ZONE_END)
			snprintf(have + strlen(have), sizeof have - strlen(have), "%u ", line);
		strncat(have, ends[result], sizeof have - strlen(have) - 1);
		if (strcmp(have, texts[i].entries) != 0)
			fail_msg("%s: %s", texts[i].name, have);
		assert_int_equal(zone_text_next(&text, entry, &line), ZONE_END);
		guarded_free(in);
	}
}

static void test_long_entries(void **state)
{
	char entry[DNS_ENTRY_MAX + 1], *text = malloc(2 * DNS_ENTRY_MAX);
	struct zone_text at;
	unsigned line;

	memset(text, 'a', 2 * DNS_ENTRY_MAX);
	at = (struct zone_text){ slice_of(text, DNS_ENTRY_MAX), 1 };
	assert_int_equal(zone_text_next(&at, entry, &line), ZONE_ENTRY);
	assert_int_equal(strlen(entry), DNS_ENTRY_MAX);
	at = (struct zone_text){ slice_of(text, DNS_ENTRY_MAX + 1), 1 };
	assert_int_equal(zone_text_next(&at, entry, &line), ZONE_LONG);
	memset(text, '\\', 2 * DNS_ENTRY_MAX);
	text[0] = 'a';
	at = (struct zone_text){ slice_of(text, DNS_ENTRY_MAX + 1), 1 };
	assert_int_equal(zone_text_next(&at, entry, &line), ZONE_LONG);
	/* Comments and blanks do not count. */
	memset(text, ' ', 2 * DNS_ENTRY_MAX);
	text[0] = text[2 * DNS_ENTRY_MAX - 1] = 'a';
	at = (struct zone_text){ slice_of(text, 2 * DNS_ENTRY_MAX), 1 };
	assert_int_equal(zone_text_next(&at, entry, &line), ZONE_ENTRY);
	assert_string_equal(entry, "a a");
	free(text);
}

/* ---- zones ---- */

static slice wire(const char *name)
{
	static unsigned char bytes[2][DNS_NAME_MAX];
	static int turn;
	ldns_rdf *rdf = ldns_dname_new_frm_str(name);
	unsigned char *to = bytes[turn++ & 1];
	size_t len = ldns_rdf_size(rdf);

	memcpy(to, ldns_rdf_data(rdf), len);
	ldns_rdf_deep_free(rdf);
	return slice_of(to, len);
}

/* All of a name, in the file's order. */
static void print_node(const struct dns_zones *zones, const char *name, char *ret, size_t size)
{
	const struct dns_zone *zone = dns_zones_find(zones, wire(name));
	const struct dns_node *node = zone ? dns_zone_node(zone, wire(name)) : NULL;

	snprintf(ret, size, "%s", zone == NULL ? "no zone" : node == NULL ? "no node" :
	    node->sets == NULL ? "nothing" : "");
	for (const struct dns_rrset *set = node ? node->sets : NULL; set; set = set->next) {
		for (const struct dns_rr *at = set->first; at; at = at->next) {
			char *type = ldns_rr_type2str(set->type);
			char *value = ldns_rdf2str(ldns_rr_rdf(at->rr, ldns_rr_rd_count(at->rr) - 1));

			snprintf(ret + strlen(ret), size - strlen(ret), "%s%s %u %s",
			    ret[0] ? "; " : "", type, set->ttl, value);
			free(type);
			free(value);
		}
	}
}

static const struct {
	const char *name, *text, *asked, *want;
} records[] = {
	{ "plain", HEAD "www A 192.0.2.1\n", "www.alice.example.", "A 99 192.0.2.1" },
	{ "absolute", HEAD "www.alice.example. A 192.0.2.1", "www.alice.example.",
		"A 99 192.0.2.1" },
	{ "name of the line before", HEAD "www A 192.0.2.1\n TXT x\n\n\tAAAA ::1", "www.alice.example.",
		"A 99 192.0.2.1; TXT 99 \"x\"; AAAA 99 ::1" },
	{ "two of a type", HEAD "@ MX 10 a\n@ TXT x\n@ MX 20 b\n", "alice.example.",
		"SOA 99 5; MX 99 a.alice.example.; MX 99 b.alice.example.; TXT 99 \"x\"" },
	{ "twice the same", HEAD "a A 192.0.2.1\nA 50 IN A 192.0.2.1", "a.alice.example.",
		"A 99 192.0.2.1" },
	{ "class and time, either way", HEAD "a IN 1h A 192.0.2.1\nb 1m IN A 192.0.2.1",
		"b.alice.example.", "A 60 192.0.2.1" },
	{ "class, then time", HEAD "a in 2h A 192.0.2.1", "a.alice.example.", "A 7200 192.0.2.1" },
	{ "the same, no name", HEAD "a TXT x\n IN 5 A 192.0.2.1", "a.alice.example.",
		"TXT 99 \"x\"; A 5 192.0.2.1" },
	{ "a class as a name", HEAD "in 5 A 192.0.2.1", "in.alice.example.", "A 5 192.0.2.1" },
	{ "$TTL", HEAD "$TTL 1h30m\na A 192.0.2.1\n", "a.alice.example.", "A 5400 192.0.2.1" },
	{ "$TTL 0", HEAD "$TTL 0\na A 192.0.2.1\n", "a.alice.example.", "A 0 192.0.2.1" },
	{ "$TTL stays", HEAD "$TTL 7\na 8 A 192.0.2.1\nb A 192.0.2.2", "b.alice.example.",
		"A 7 192.0.2.2" },
	{ "the last time stated", HEAD "a 8 A 192.0.2.1\nb A 192.0.2.2", "b.alice.example.",
		"A 8 192.0.2.2" },
	{ "the lowest time of a set", HEAD "a 9 A 192.0.2.1\na 8 A 192.0.2.2\na 10 A 192.0.2.3",
		"a.alice.example.", "A 8 192.0.2.1; A 8 192.0.2.2; A 8 192.0.2.3" },
	{ "relative $ORIGIN", HEAD "$ORIGIN sub\na CNAME b", "a.sub.alice.example.",
		"CNAME 99 b.sub.alice.example." },
	{ "lower case directive", HEAD "$ttl 5\n$origin sub\na TXT x", "a.sub.alice.example.",
		"TXT 5 \"x\"" },
	{ "above a name", HEAD "a.b.c A 192.0.2.1", "c.alice.example.", "nothing" },
	{ "any case", HEAD "WwW A 192.0.2.1", "wWw.Alice.eXample.", "A 99 192.0.2.1" },
	{ "unknown type", HEAD "a TYPE65280 \\# 2 0a0b", "a.alice.example.",
		"TYPE65280 99 \\# 2 0a0b" },
	{ "quoted text", HEAD "a TXT \"v=spf1 ; (\" b", "a.alice.example.", "TXT 99 \"b\"" },
	{ "beside a CNAME", HEAD "a CNAME b\na NSEC c.alice.example. CNAME", "a.alice.example.",
		"CNAME 99 b.alice.example.; NSEC 99 CNAME " },
	{ "over lines", "$ORIGIN alice.example.\n@ IN SOA ns root (\n 1 ; serial\n 2 3\n4 5 )\n",
		"alice.example.", "SOA 99 5" },
	{ "another name", HEAD "a A 192.0.2.1", "b.alice.example.", "no node" },
	{ "another zone", HEAD "a A 192.0.2.1", "example.", "no zone" },
	{ "reverse", "$ORIGIN 2.0.192.in-addr.arpa.\n" SOA "1 PTR www.alice.example.",
		"1.2.0.192.in-addr.arpa.", "PTR 99 www.alice.example." },
	{ "the root", "$ORIGIN .\n" SOA "a A 192.0.2.1", "a.", "A 99 192.0.2.1" },
	{ "no $ORIGIN wanted", "a.example. SOA a.example. a.example. 1 2 3 4 5\nb.a.example. A 192.0.2.1",
		"b.a.example.", "A 99 192.0.2.1" },
};

static void test_records(void **state)
{
	for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct dns_zones *zones = dns_zones_create(heap);
		slice text = guarded_copy(slice_from(records[i].text));
		struct dns_zone_error error;
		char have[400];

		if (!dns_zones_add(zones, text, (slice){ 0 }, 99, &error))
			fail_msg("%s: %u: %s", records[i].name, error.line, error.text);
		guarded_free(text);
		print_node(zones, records[i].asked, have, sizeof have);
		if (strcmp(have, records[i].want) != 0)
			fail_msg("%s: %s", records[i].name, have);
		heap_drop(heap);
	}
}

static const struct {
	const char *text;
	unsigned line;
	const char *want;               /* how it begins */
} errors[] = {
	{ "", 0, "no record in this file" },
	{ "; only words\n", 0, "no record in this file" },
	{ "$TTL 5\n", 0, "no record in this file" },
	{ "a A 192.0.2.1\n", 1, "this name does not end in a dot, and there is no $ORIGIN before it: \"a A" },
	{ "@ SOA a b 1 2 3 4 5\n", 1, "this name does not end in a dot" },
	{ "a. SOA a b. 1 2 3 4 5\n", 1, "this name does not end in a dot" },
	{ "a. SOA @ b. 1 2 3 4 5\n", 1, "this name does not end in a dot" },
	{ "$ORIGIN a\n", 1, "the first $ORIGIN must end in a dot: \"$ORIGIN a\"" },
	{ "$ORIGIN a..\n", 1, "this is no name" },
	{ "$ORIGIN\n", 1, "this is no name" },
	{ "$ORIGIN a. b.\n", 1, "one value is wanted here" },
	{ "$TTL\n", 1, "$TTL wants seconds" },
	{ "$TTL x\n", 1, "$TTL wants seconds" },
	{ "$TTL 5x\n", 1, "$TTL wants seconds" },
	{ "$TTL 2147483648\n", 1, "$TTL wants seconds" },
	{ "\n\n$INCLUDE other.zone\n", 3, "$INCLUDE is not known here" },
	{ "$INCLUDE other.zone a.\n", 1, "$INCLUDE is not known here" },
	{ "$GENERATE 1-2 a A 192.0.2.$\n", 1, "one value is wanted here" },
	{ "$X 1\n", 1, "only $ORIGIN and $TTL are known here" },
	{ "$ORIGIN a.\nb A 192.0.2.1\n", 2, "the first record must be the SOA: \"b A 192.0.2.1\"" },
	{ " A 192.0.2.1\n", 1, "the first record wants a name" },
	{ HEAD SOA, 0, NULL },
	{ HEAD "b SOA a b 1 2 3 4 5\n", 3, "a second SOA; the first is in line 2" },
	{ HEAD "b.example. A 192.0.2.1", 3, "this name is outside of the zone: \"b.example. A" },
	{ HEAD "xalice.example. A 192.0.2.1", 3, "this name is outside of the zone" },
	{ HEAD "a DNAME b", 3, "DNAME is not known here: give each name a CNAME: \"a DNAME b\"" },
	{ HEAD "a CH TXT x", 3, "only the class IN is known here" },
	{ HEAD "a A 192.0.2.300", 3, "a record of this type can't have this value" },
	{ HEAD "\n\na A (\n192.0.2.300 )", 5, "a record of this type can't have this value" },
	{ HEAD "a FOO x", 3, "there is no such type of record: \"a FOO x\"" },
	{ HEAD "a 5 IN FOO x", 3, "there is no such type of record" },
	{ HEAD "a A", 3, "a value is missing: \"a A\"" },
	{ HEAD "a A 192.0.2.1 x", 3, "there is more here than this type of record takes" },
	{ HEAD "a MX mx", 3, "a record of this type can't have this value" },
	{ HEAD "a", 3, "a record wants a name, a type and a value" },
	{ HEAD "a IN", 3, "a record wants a name, a type and a value" },
	{ HEAD "a..b A 192.0.2.1", 3, "this is no record" },
	{ HEAD "a 4294967294 A 192.0.2.1", 3, "a TTL has at most 2147483647 seconds" },
	{ HEAD "a TYPE41 \\# 0", 3, "a zone has no records of this type" },
	{ HEAD "a TYPE65536 \\# 0", 3, "a zone has no records of this type" },
	{ HEAD "a TYPE252 \\# 0", 3, "a zone has no records of this type" },
	{ HEAD "a CNAME b\na A 192.0.2.1", 4, "beside a CNAME its name can have no other record" },
	{ HEAD "a A 192.0.2.1\na CNAME b", 4, "beside a CNAME its name can have no other record" },
	{ HEAD "a CNAME b\na CNAME c", 4, "beside a CNAME its name can have no other record" },
	{ HEAD "a TXT \"x\n", 3, "a quote is open at the end of the line" },
	{ HEAD "a TXT ( x\nb A 192.0.2.1\n", 3, "a parenthesis without the other one" },
	{ HEAD "a TXT x)", 3, "a parenthesis without the other one" },
	{ HEAD "a TXT \001", 3, "a byte that is no text" },
	{ HEAD "a TXT \x1b[31m", 3, "a byte that is no text" },
};

static void test_errors(void **state)
{
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct dns_zones *zones = dns_zones_create(heap);
		slice text = guarded_copy(slice_from(errors[i].text));
		struct dns_zone_error error = { 7, "" };
		bool ok = dns_zones_add(zones, text, (slice){ 0 }, 99, &error);

		guarded_free(text);
		if (ok != (errors[i].want == NULL))
			fail_msg("%s: taken", errors[i].text);
		assert_int_equal(dns_zones_count(zones), ok);
		if (!ok && (error.line != errors[i].line ||
		    strncmp(error.text, errors[i].want, strlen(errors[i].want)) != 0))
			fail_msg("%s: %u: %s", errors[i].text, error.line, error.text);
		heap_drop(heap);
	}
}

static bool add(struct dns_zones *zones, const char *text, const char *origin, char *ret_error)
{
	struct dns_zone_error error = { 0 };
	bool ok = dns_zones_add(zones, slice_from(text), slice_from(origin), 99, &error);

	if (!ok)
		snprintf(ret_error, sizeof error.text, "%s", error.text);
	return ok;
}

static void test_several(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct dns_zones *zones = dns_zones_create(heap);
	char have[400], error[DNS_ZONE_ERROR_TEXT];

	assert_true(add(zones, SOA "a TXT outer", "example", error));
	assert_true(add(zones, SOA "a TXT inner", "Alice.Example.", error));
	assert_true(add(zones, HEAD "a TXT other", "", error) == false);
	assert_string_equal(error, "this zone is there already: \"@ SOA ns.alice.example. "
	    "root.alice.example. 1 2 3 4 5\"");
	assert_false(add(zones, SOA, "a..b", error));
	assert_string_equal(error, "\"a..b\" is no name");
	assert_false(add(zones, "a FOO\n", "bob.example", error));
	assert_int_equal(dns_zones_count(zones), 2);
	print_node(zones, "a.example.", have, sizeof have);
	assert_string_equal(have, "TXT 99 \"outer\"");
	print_node(zones, "a.alice.example.", have, sizeof have);
	assert_string_equal(have, "TXT 99 \"inner\"");
	print_node(zones, "a.test.", have, sizeof have);
	assert_string_equal(have, "no zone");
	heap_drop(heap);
}

/* Each limit, and that what came before it still stands. */
static void test_limits(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct dns_zones *zones = dns_zones_create(heap);
	struct buffer text = buffer_init(heap, DNS_ZONE_TEXT_MAX + 1);
	struct dns_zone_error error = { 0 };
	char name[64];

	buffer_printf(&text, HEAD);
	for (int i = 0; i < DNS_RRSET_MAX; i++)
		buffer_printf(&text, "a A 10.0.%d.%d\n", i / 250, i % 250);
	assert_true(dns_zones_add(zones, buffer_bytes(&text), (slice){ 0 }, 99, &error));
	buffer_printf(&text, "a A 10.1.0.0\n");
	assert_false(dns_zones_add(zones, buffer_bytes(&text), slice_lit("x"), 99, &error));
	assert_string_equal(error.text, "this zone is there already: \"@ SOA ns.alice.example. "
	    "root.alice.example. 1 2 3 4 5\"");
	buffer_consume(&text, strlen("$ORIGIN alice.example.\n"));
	assert_false(dns_zones_add(zones, buffer_bytes(&text), slice_lit("x"), 99, &error));
	assert_string_equal(error.text, "more than 500 records of one name and type");
	assert_int_equal(error.line, 502);
	while (buffer_room(&text) > 0)
		buffer_add(&text, slice_lit(";"));
	assert_false(dns_zones_add(zones, buffer_bytes(&text), slice_lit("x"), 99, &error));
	assert_string_equal(error.text, "a zone file has at most 4194304 bytes");
	for (int i = 1; i < DNS_ZONES_MAX; i++) {
		int n = snprintf(name, sizeof name, "z%d", i);

		assert_true(dns_zones_add(zones, slice_lit(SOA), slice_of(name, (size_t)n), 99,
		    &error));
	}
	assert_false(dns_zones_add(zones, slice_lit(SOA), slice_lit("y"), 99, &error));
	assert_string_equal(error.text, "more than 1000 zones");
	heap_drop(heap);
}

static void test_types_of_a_name(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct dns_zones *zones = dns_zones_create(heap);
	struct buffer text = buffer_init(heap, DNS_ZONE_TEXT_MAX);
	struct dns_zone_error error;

	buffer_printf(&text, HEAD);
	for (int i = 0; i < DNS_TYPES_MAX; i++)
		buffer_printf(&text, "a TYPE%d \\# 1 00\n", 60000 + i);
	buffer_printf(&text, "a TYPE60000 \\# 1 01\n");
	assert_true(dns_zones_add(zones, buffer_bytes(&text), (slice){ 0 }, 99, &error));
	buffer_printf(&text, "a TYPE61000 \\# 1 00\n");
	buffer_consume(&text, strlen("$ORIGIN alice.example.\n"));
	assert_false(dns_zones_add(zones, buffer_bytes(&text), slice_lit("x"), 99, &error));
	assert_string_equal(error.text, "more than 100 types of records of one name");
	heap_drop(heap);
}

/* As deep as names go, and one byte more. */
static void test_long_names(void **state)
{
	char label[65], text[600], error[DNS_ZONE_ERROR_TEXT], have[100];
	struct heap *heap = heap_create(SIZE_MAX);
	struct dns_zones *zones = dns_zones_create(heap);

	memset(label, 'a', 63);
	label[63] = 0;
	snprintf(text, sizeof text, SOA "%s.%s.%s TXT x", label, label, label + 12);
	assert_true(add(zones, text, label, error));
	snprintf(text, sizeof text, "%s.%s.%s.%s.", label, label, label + 12, label);
	print_node(zones, text, have, sizeof have);
	assert_string_equal(have, "TXT 99 \"x\"");
	snprintf(text, sizeof text, SOA "%s.%s.%s.%s TXT x", label, label, label + 2, label + 61);
	assert_false(add(zones, text, label + 1, error));
	snprintf(text, sizeof text, SOA "a CNAME %s.%s.%s.%s", label, label, label, label + 2);
	assert_false(add(zones, text, label + 1, error));
	snprintf(text, sizeof text, "$ORIGIN %s.%s.%s.%s.\n" SOA, label, label, label, label);
	assert_false(add(zones, text, "", error));
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_entries), cmocka_unit_test(test_long_entries),
    cmocka_unit_test(test_records), cmocka_unit_test(test_errors),
    cmocka_unit_test(test_several), cmocka_unit_test(test_limits),
    cmocka_unit_test(test_types_of_a_name), cmocka_unit_test(test_long_names))
