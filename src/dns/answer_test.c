/* dns/answer_test.c - questions and what is answered, in words. */
#include "dns/answer.h"

#include <ldns/ldns.h>
#include <stdio.h>

#include "unit.h"

static const char *const zone_texts[] = {
	"$ORIGIN alice.example.\n"
	"@ SOA ns root 1 2 3 4 50\n"
	"@ NS ns\n"
	"@ MX 10 mx\n"
	"@ MX 20 mx.bob.example.\n"
	"@ TXT \"v=spf1 mx -all\"\n"
	"@ A 192.0.2.1\n"
	"@ AAAA 2001:db8::1\n"
	"ns A 192.0.2.53\n"
	"mx A 192.0.2.2\n"
	"mx AAAA 2001:db8::2\n"
	"www CNAME @\n"
	"far CNAME www.bob.example.\n"
	"out CNAME www.elsewhere.test.\n"
	"gone CNAME nobody.bob.example.\n"
	"none CNAME mx\n"
	"loop1 CNAME loop2\n"
	"loop2 CNAME loop1\n"
	"self CNAME self\n"
	"c0 CNAME c1\nc1 CNAME c2\nc2 CNAME c3\nc3 CNAME c4\nc4 CNAME c5\n"
	"c5 CNAME c6\nc6 CNAME c7\nc7 CNAME c8\nc8 A 192.0.2.8\n"
	"*.wild TXT any\n"
	"*.wild MX 5 mx\n"
	"there.wild A 192.0.2.9\n"
	"*.alias CNAME mx\n"
	"a.b.c TXT deep\n"
	"_smtp._tcp SRV 0 0 25 mx\n"
	"selector._domainkey TXT \"k=rsa; p=\" \"abc\"\n"
	"sub NS ns.sub\n"
	"sub NS ns.elsewhere.test.\n"
	"sub DS 1 8 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
	"ns.sub A 192.0.2.54\n"
	"kid NS ns\n",
	"$ORIGIN bob.example.\n"
	"@ 10 SOA ns.alice.example. root 1 2 3 4 5000\n"
	"www A 192.0.2.20\n"
	"mx A 192.0.2.25\n"
	"back CNAME www.alice.example.\n",
	"$ORIGIN kid.alice.example.\n"
	"@ SOA ns.alice.example. root.alice.example. 1 2 3 4 5\n"
	"@ TXT kid\n",
	"$ORIGIN 2.0.192.in-addr.arpa.\n"
	"@ SOA ns.alice.example. root.alice.example. 1 2 3 4 5\n"
	"2 PTR mx.alice.example.\n",
};

static struct heap *heap;
static struct dns_zones *zones;

static int set_up(void **state)
{
	struct dns_zone_error error;

	heap = heap_create(SIZE_MAX);
	zones = dns_zones_create(heap);
	for (size_t i = 0; i < sizeof zone_texts / sizeof zone_texts[0]; i++) {
		if (!dns_zones_add(zones, slice_from(zone_texts[i]), (slice){ 0 }, 99, &error))
			fail_msg("%zu:%u: %s", i, error.line, error.text);
	}
	return 0;
}

static int tear_down(void **state)
{
	heap_drop(heap);
	return 0;
}

/* ---- a query out, a response in words back ---- */

enum { QUERY_MAX = 400 };

struct query {
	unsigned char bytes[QUERY_MAX];
	size_t len;
};

static void put(struct query *q, const void *bytes, size_t n)
{
	memcpy(q->bytes + q->len, bytes, n);
	q->len += n;
}

static void put_u16(struct query *q, unsigned value)
{
	put(q, (unsigned char[]){ (unsigned char)(value >> 8), (unsigned char)value }, 2);
}

static void put_name(struct query *q, const char *name)
{
	ldns_rdf *rdf = ldns_dname_new_frm_str(name);

	assert_non_null(rdf);
	put(q, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
	ldns_rdf_deep_free(rdf);
}

static struct query make(unsigned flags, const char *name, unsigned type)
{
	struct query q = { 0 };

	put_u16(&q, 0xbeef);
	put_u16(&q, flags);
	put(&q, "\0\1\0\0\0\0\0\0", 8);
	put_name(&q, name);
	put_u16(&q, type);
	put_u16(&q, LDNS_RR_CLASS_IN);
	return q;
}

static void add_opt(struct query *q, unsigned size, unsigned version, unsigned flags)
{
	q->bytes[11]++;
	put(q, "\0\0\x29", 3);
	put_u16(q, size);
	put_u16(q, version);
	put_u16(q, flags);
	put_u16(q, 0);
}

static struct buffer ask_bytes(const struct query *q, bool tcp)
{
	struct buffer out = buffer_init(heap, DNS_MESSAGE_MAX);
	slice bytes = guarded_copy(slice_of(q->bytes, q->len));

	dns_answer(zones, bytes, tcp, &out);
	guarded_free(bytes);
	return out;
}

static ldns_pkt *ask(const struct query *q, bool tcp, size_t *ret_len)
{
	struct buffer out = ask_bytes(q, tcp);
	slice bytes = buffer_bytes(&out);
	ldns_pkt *packet;

	*ret_len = bytes.len;
	assert_int_equal(ldns_wire2pkt(&packet, bytes.ptr, bytes.len), LDNS_STATUS_OK);
	buffer_free(&out);
	assert_int_equal(ldns_pkt_id(packet), 0xbeef);
	assert_true(ldns_pkt_qr(packet));
	assert_false(ldns_pkt_ra(packet));
	assert_false(ldns_pkt_ad(packet));
	return packet;
}

/* ldns's text, with one SP for a tab, without IN and "alice.example." */
static void print_records(const ldns_rr_list *list, const char *section, char *ret, size_t size)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		char *text = ldns_rr2str(ldns_rr_list_rr(list, i)), *at;

		while ((at = strchr(text, '\t')) != NULL)
			*at = ' ';
		while ((at = strstr(text, " IN ")) != NULL)
			memmove(at, at + 3, strlen(at + 3) + 1);
		while ((at = strstr(text, "alice.example.")) != NULL)
			memmove(at, at + 13, strlen(at + 13) + 1);
		text[strcspn(text, "\n")] = 0;
		snprintf(ret + strlen(ret), size - strlen(ret), "%s%s%s", i > 0 ? ", " : "",
		    i > 0 ? "" : section, text);
		free(text);
	}
}

static void print(const ldns_pkt *packet, char *ret, size_t size)
{
	char *rcode = ldns_pkt_rcode2str(ldns_pkt_get_rcode(packet));

	snprintf(ret, size, "%s%s%s%s", rcode, ldns_pkt_aa(packet) ? " aa" : "",
	    ldns_pkt_tc(packet) ? " tc" : "", ldns_pkt_rd(packet) ? " rd" : "");
	print_records(ldns_pkt_answer(packet), " | ", ret, size);
	print_records(ldns_pkt_authority(packet), " AUTHORITY ", ret, size);
	print_records(ldns_pkt_additional(packet), " EXTRA ", ret, size);
	free(rcode);
}

#define NO " AUTHORITY . 50 SOA ns.. root.. 1 2 3 4 50"

static const struct {
	const char *name;
	ldns_rr_type type;
	const char *want;               /* "alice.example." is taken out of it */
} questions[] = {
	{ "alice.example.", LDNS_RR_TYPE_A, "NOERROR aa | . 99 A 192.0.2.1" },
	{ "alice.example.", LDNS_RR_TYPE_MX, "NOERROR aa | . 99 MX 10 mx.., . 99 MX 20 "
		"mx.bob.example. EXTRA mx.. 99 A 192.0.2.2, mx.. 99 AAAA 2001:db8::2, "
		"mx.bob.example. 10 A 192.0.2.25" },
	{ "alice.example.", LDNS_RR_TYPE_NS, "NOERROR aa | . 99 NS ns.. EXTRA ns.. 99 A 192.0.2.53" },
	{ "alice.example.", LDNS_RR_TYPE_SOA, "NOERROR aa | . 99 SOA ns.. root.. 1 2 3 4 50" },
	{ "alice.example.", LDNS_RR_TYPE_ANY, "NOERROR aa | . 99 SOA ns.. root.. 1 2 3 4 50, "
		". 99 NS ns.., . 99 MX 10 mx.., . 99 MX 20 mx.bob.example., "
		". 99 TXT \"v=spf1 mx -all\", . 99 A 192.0.2.1, . 99 AAAA 2001:db8::1 "
		"EXTRA ns.. 99 A 192.0.2.53, mx.. 99 A 192.0.2.2, mx.. 99 AAAA 2001:db8::2, "
		"mx.bob.example. 10 A 192.0.2.25" },
	{ "alice.example.", LDNS_RR_TYPE_SRV, "NOERROR aa" NO },
	{ "aLiCe.eXample.", LDNS_RR_TYPE_A, "NOERROR aa | aLiCe.eXample. 99 A 192.0.2.1" },
	{ "nobody.alice.example.", LDNS_RR_TYPE_A, "NXDOMAIN aa" NO },
	{ "nobody.alice.example.", LDNS_RR_TYPE_ANY, "NXDOMAIN aa" NO },
	{ "b.c.alice.example.", LDNS_RR_TYPE_A, "NOERROR aa" NO },
	{ "c.alice.example.", LDNS_RR_TYPE_ANY, "NOERROR aa" NO },
	{ "x.b.c.alice.example.", LDNS_RR_TYPE_A, "NXDOMAIN aa" NO },
	{ "a.b.c.alice.example.", LDNS_RR_TYPE_TXT, "NOERROR aa | a.b.c.. 99 TXT \"deep\"" },
	{ "selector._domainkey.alice.example.", LDNS_RR_TYPE_TXT, "NOERROR aa | "
		"selector._domainkey.. 99 TXT \"k=rsa; p=\" \"abc\"" },
	{ "_smtp._tcp.alice.example.", LDNS_RR_TYPE_SRV, "NOERROR aa | _smtp._tcp.. 99 SRV 0 0 25 "
		"mx.. EXTRA mx.. 99 A 192.0.2.2, mx.. 99 AAAA 2001:db8::2" },
	/* The lower of TTL and minimum; a zone without NS. */
	{ "nobody.bob.example.", LDNS_RR_TYPE_A, "NXDOMAIN aa AUTHORITY bob.example. 10 SOA ns.. "
		"root.bob.example. 1 2 3 4 5000" },
	/* Not ours. */
	{ "example.", LDNS_RR_TYPE_A, "REFUSED" },
	{ ".", LDNS_RR_TYPE_NS, "REFUSED" },
	{ "malice.example.", LDNS_RR_TYPE_A, "REFUSED" },
	{ "alice.example.", LDNS_RR_TYPE_AXFR, "REFUSED" },
	{ "alice.example.", LDNS_RR_TYPE_IXFR, "REFUSED" },
	/* CNAME. */
	{ "www.alice.example.", LDNS_RR_TYPE_A, "NOERROR aa | www.. 99 CNAME ., . 99 A 192.0.2.1" },
	{ "www.alice.example.", LDNS_RR_TYPE_CNAME, "NOERROR aa | www.. 99 CNAME ." },
	{ "www.alice.example.", LDNS_RR_TYPE_ANY, "NOERROR aa | www.. 99 CNAME ." },
	{ "far.alice.example.", LDNS_RR_TYPE_A, "NOERROR aa | far.. 99 CNAME www.bob.example., "
		"www.bob.example. 10 A 192.0.2.20" },
	{ "back.bob.example.", LDNS_RR_TYPE_A, "NOERROR aa | back.bob.example. 10 CNAME www.., "
		"www.. 99 CNAME ., . 99 A 192.0.2.1" },
	{ "out.alice.example.", LDNS_RR_TYPE_A, "NOERROR aa | out.. 99 CNAME www.elsewhere.test." },
	{ "gone.alice.example.", LDNS_RR_TYPE_A, "NXDOMAIN aa | gone.. 99 CNAME nobody.bob.example. "
		"AUTHORITY bob.example. 10 SOA ns.. root.bob.example. 1 2 3 4 5000" },
	{ "none.alice.example.", LDNS_RR_TYPE_TXT, "NOERROR aa | none.. 99 CNAME mx.." NO },
	{ "loop1.alice.example.", LDNS_RR_TYPE_A, "NOERROR aa | loop1.. 99 CNAME loop2.., "
		"loop2.. 99 CNAME loop1.." },
	{ "self.alice.example.", LDNS_RR_TYPE_A, "NOERROR aa | self.. 99 CNAME self.." },
	{ "c1.alice.example.", LDNS_RR_TYPE_A, "NOERROR aa | c1.. 99 CNAME c2.., c2.. 99 CNAME c3.., "
		"c3.. 99 CNAME c4.., c4.. 99 CNAME c5.., c5.. 99 CNAME c6.., c6.. 99 CNAME c7.., "
		"c7.. 99 CNAME c8.., c8.. 99 A 192.0.2.8" },
	{ "c0.alice.example.", LDNS_RR_TYPE_A, "NOERROR aa | c0.. 99 CNAME c1.., c1.. 99 CNAME c2.., "
		"c2.. 99 CNAME c3.., c3.. 99 CNAME c4.., c4.. 99 CNAME c5.., c5.. 99 CNAME c6.., "
		"c6.. 99 CNAME c7.., c7.. 99 CNAME c8.." },
	/* Wildcards: RFC 4592 s2.2.1. */
	{ "x.wild.alice.example.", LDNS_RR_TYPE_TXT, "NOERROR aa | x.wild.. 99 TXT \"any\"" },
	{ "X.Y.wild.alice.example.", LDNS_RR_TYPE_TXT, "NOERROR aa | X.Y.wild.. 99 TXT \"any\"" },
	{ "*.wild.alice.example.", LDNS_RR_TYPE_TXT, "NOERROR aa | *.wild.. 99 TXT \"any\"" },
	{ "x.wild.alice.example.", LDNS_RR_TYPE_MX, "NOERROR aa | x.wild.. 99 MX 5 mx.. EXTRA "
		"mx.. 99 A 192.0.2.2, mx.. 99 AAAA 2001:db8::2" },
	{ "x.wild.alice.example.", LDNS_RR_TYPE_A, "NOERROR aa" NO },
	{ "wild.alice.example.", LDNS_RR_TYPE_TXT, "NOERROR aa" NO },
	{ "there.wild.alice.example.", LDNS_RR_TYPE_TXT, "NOERROR aa" NO },
	{ "x.there.wild.alice.example.", LDNS_RR_TYPE_TXT, "NXDOMAIN aa" NO },
	{ "x.alias.alice.example.", LDNS_RR_TYPE_A, "NOERROR aa | x.alias.. 99 CNAME mx.., "
		"mx.. 99 A 192.0.2.2" },
	/* Cuts. */
	{ "sub.alice.example.", LDNS_RR_TYPE_NS, "NOERROR AUTHORITY sub.. 99 NS ns.sub.., "
		"sub.. 99 NS ns.elsewhere.test. EXTRA ns.sub.. 99 A 192.0.2.54" },
	{ "x.y.sub.alice.example.", LDNS_RR_TYPE_A, "NOERROR AUTHORITY sub.. 99 NS ns.sub.., "
		"sub.. 99 NS ns.elsewhere.test. EXTRA ns.sub.. 99 A 192.0.2.54" },
	{ "ns.sub.alice.example.", LDNS_RR_TYPE_A, "NOERROR AUTHORITY sub.. 99 NS ns.sub.., "
		"sub.. 99 NS ns.elsewhere.test. EXTRA ns.sub.. 99 A 192.0.2.54" },
	{ "sub.alice.example.", LDNS_RR_TYPE_DS, "NOERROR aa | sub.. 99 DS 1 8 2 "
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff" },
	{ "kid.alice.example.", LDNS_RR_TYPE_TXT, "NOERROR aa | kid.. 99 TXT \"kid\"" },
	{ "kid.alice.example.", LDNS_RR_TYPE_DS, "NOERROR aa" NO },
	{ "bob.example.", LDNS_RR_TYPE_DS, "NOERROR aa AUTHORITY bob.example. 10 SOA ns.. "
		"root.bob.example. 1 2 3 4 5000" },
	/* Reverse. */
	{ "2.2.0.192.in-addr.arpa.", LDNS_RR_TYPE_PTR, "NOERROR aa | 2.2.0.192.in-addr.arpa. 99 PTR "
		"mx.." },
};

/* "1.. 99" for "1.alice.example. 99"; the zone's own name is ".". */
static void test_questions(void **state)
{
	for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
		struct query q = make(0x0100, questions[i].name, questions[i].type);
		char have[2000], want[2000];
		const char *rest = questions[i].want + strcspn(questions[i].want, " ");
		bool aa = strncmp(rest, " aa", 3) == 0;

		/* RD is copied always; the table need not say so. */
		snprintf(want, sizeof want, "%.*s%s rd%s", (int)(rest - questions[i].want),
		    questions[i].want, aa ? " aa" : "", rest + (aa ? 3 : 0));
		for (int tcp = 0; tcp < 2; tcp++) {
			size_t len;
			ldns_pkt *packet = ask(&q, tcp, &len);

			print(packet, have, sizeof have);
			if (strcmp(have, want) != 0)
				fail_msg("%s %d:\nhave %s\nwant %s", questions[i].name,
				    questions[i].type, have, want);
			ldns_pkt_free(packet);
		}
	}
}

/* The question comes back byte by byte, in its own case. */
static void test_question_is_copied(void **state)
{
	struct query q = make(0, "wWw.ALICE.example.", LDNS_RR_TYPE_A);
	struct buffer out = ask_bytes(&q, false);
	slice bytes = buffer_bytes(&out);

	assert_memory_equal(bytes.ptr + 12, q.bytes + 12, q.len - 12);
	assert_int_equal(bytes.ptr[2], 0x84);
	buffer_free(&out);
}

/* ---- what is no plain query ---- */

static void expect(const struct query *q, const char *want)
{
	char have[2000];
	size_t len;
	ldns_pkt *packet = ask(q, false, &len);

	print(packet, have, sizeof have);
	assert_string_equal(have, want);
	ldns_pkt_free(packet);
}

static void test_nothing(void **state)
{
	struct query q = make(0x8000, "alice.example.", LDNS_RR_TYPE_A);
	struct buffer out = ask_bytes(&q, false);

	assert_int_equal(buffer_bytes(&out).len, 0);
	q = make(0, "alice.example.", LDNS_RR_TYPE_A);
	for (q.len = 0; q.len < 12; q.len++) {
		out = ask_bytes(&q, false);
		assert_int_equal(buffer_bytes(&out).len, 0);
	}
}

/* A query that is cut anywhere behind its header. */
static void test_cut_queries(void **state)
{
	struct query q = make(0, "alice.example.", LDNS_RR_TYPE_A);
	size_t len;

	add_opt(&q, 4096, 0, 0);
	len = q.len;
	for (q.len = 12; q.len < len; q.len++)
		expect(&q, "FORMERR");
	q.len = len;
	expect(&q, "NOERROR aa | . 99 A 192.0.2.1");
	put(&q, "", 1);
	expect(&q, "FORMERR");
}

static void test_malformed(void **state)
{
	struct query q = make(0, "alice.example.", LDNS_RR_TYPE_A);

	q.bytes[5] = 0;
	expect(&q, "FORMERR");
	q.bytes[5] = 2;
	expect(&q, "FORMERR");
	/* A pointer, which a first name has nothing to point to; a label of no kind. */
	q = make(0, "alice.example.", LDNS_RR_TYPE_A);
	q.bytes[12] = 0xc0;
	expect(&q, "FORMERR");
	q.bytes[12] = 0x40;
	expect(&q, "FORMERR");
	/* 255 bytes are a name, 256 are none. */
	q = make(0, "alice.example.", LDNS_RR_TYPE_A);
	q.len = 12;
	for (int i = 0; i < 127; i++)
		put(&q, "\1a", 2);
	put(&q, "\0\0\1\0\1", 5);
	expect(&q, "REFUSED");
	q.len = 12;
	put(&q, "\2ab", 3);
	for (int i = 0; i < 126; i++)
		put(&q, "\1a", 2);
	put(&q, "\0\0\1\0\1", 5);
	expect(&q, "FORMERR");
	/* Two OPTs; one that is not at the root; one among the answers. */
	q = make(0, "alice.example.", LDNS_RR_TYPE_A);
	add_opt(&q, 4096, 0, 0);
	add_opt(&q, 4096, 0, 0);
	expect(&q, "FORMERR");
	q = make(0, "alice.example.", LDNS_RR_TYPE_A);
	q.bytes[11] = 1;
	put(&q, "\1a\0\0\x29\x10\0\0\0\0\0\0\0", 13);
	expect(&q, "FORMERR");
	q = make(0, "alice.example.", LDNS_RR_TYPE_A);
	add_opt(&q, 4096, 0, 0);
	q.bytes[11] = 0;
	q.bytes[7] = 1;
	expect(&q, "FORMERR");
}

static void test_opcodes_and_classes(void **state)
{
	struct query q;

	for (unsigned opcode = 1; opcode < 16; opcode++) {
		q = make(opcode << 11, "alice.example.", LDNS_RR_TYPE_SOA);
		expect(&q, "NOTIMPL");
		q.len = 12;
		expect(&q, "NOTIMPL");
	}
	q = make(0, "alice.example.", LDNS_RR_TYPE_A);
	q.bytes[q.len - 1] = 3;
	expect(&q, "REFUSED");
	q.bytes[q.len - 1] = 255;
	expect(&q, "NOERROR aa | . 99 A 192.0.2.1");
	/* AD, Z and RA of a query are not copied, CD is. */
	q = make(0x07ff & ~0x000fu, "alice.example.", LDNS_RR_TYPE_A);
	expect(&q, "NOERROR aa rd | . 99 A 192.0.2.1");
	/* Records that do not matter, names with pointers among them. */
	q = make(0, "alice.example.", LDNS_RR_TYPE_A);
	q.bytes[9] = 1;
	put(&q, "\xc0\x0c\0\6\0\1\0\0\0\0\0\2ab", 14);
	add_opt(&q, 4096, 0, 0);
	expect(&q, "NOERROR aa | . 99 A 192.0.2.1");
}

/* ---- EDNS and sizes ---- */

static void test_edns(void **state)
{
	struct query q = make(0, "alice.example.", LDNS_RR_TYPE_A);
	ldns_pkt *packet;
	size_t len;

	packet = ask(&q, false, &len);
	assert_false(ldns_pkt_edns(packet));
	ldns_pkt_free(packet);
	add_opt(&q, 4096, 0, 0x8000);
	packet = ask(&q, false, &len);
	assert_true(ldns_pkt_edns(packet));
	assert_int_equal(ldns_pkt_edns_udp_size(packet), DNS_UDP_MAX);
	assert_int_equal(ldns_pkt_edns_version(packet), 0);
	assert_true(ldns_pkt_edns_do(packet));
	ldns_pkt_free(packet);
	/* BADVERS: 16. */
	q = make(0, "alice.example.", LDNS_RR_TYPE_A);
	add_opt(&q, 4096, 1, 0);
	packet = ask(&q, false, &len);
	assert_int_equal(ldns_pkt_get_rcode(packet), 0);
	assert_int_equal(ldns_pkt_edns_extended_rcode(packet), 1);
	assert_int_equal(ldns_pkt_ancount(packet), 0);
	assert_int_equal(ldns_pkt_qdcount(packet), 1);
	ldns_pkt_free(packet);
	/* Also when we refuse. */
	q = make(0, "example.", LDNS_RR_TYPE_A);
	add_opt(&q, 4096, 0, 0);
	packet = ask(&q, false, &len);
	assert_true(ldns_pkt_edns(packet));
	ldns_pkt_free(packet);
}

/* Also what is refused says that EDNS is known here; to those who asked for it only. */
static void test_refusals_and_edns(void **state)
{
	for (int i = 0; i < 4; i++) {
		struct query q = make(i % 2 == 0 ? 0x2800 : 0, "alice.example.", LDNS_RR_TYPE_A);
		ldns_pkt *packet;
		size_t len;

		if (i < 2)
			add_opt(&q, 4096, 0, 0x8000);
		put(&q, "", 1);
		packet = ask(&q, false, &len);
		assert_int_equal(ldns_pkt_get_rcode(packet), i % 2 == 0 ? LDNS_RCODE_NOTIMPL :
		    LDNS_RCODE_FORMERR);
		assert_int_equal(ldns_pkt_edns(packet), i < 2);
		assert_int_equal(len, i < 2 ? 12 + 11 : 12);
		ldns_pkt_free(packet);
	}
}

/* Zones with sets of n TXT records of 100 bytes, "t.N.example.". */
static void add_sizes(void)
{
	static const unsigned sizes[] = { 3, 4, 5, 10, 11, 12, 100, 499 };
	struct buffer text = buffer_init(heap, DNS_ZONE_TEXT_MAX);
	struct dns_zone_error error;

	buffer_printf(&text, "$ORIGIN sizes.\n@ SOA a b 1 2 3 4 5\n");
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (unsigned j = 0; j < sizes[i]; j++)
			buffer_printf(&text, "t%u TXT \"%087u\"\n", sizes[i], j);
	}
	for (unsigned i = 0; i < 40; i++)
		buffer_printf(&text, "many MX %u host%u\nhost%u A 192.0.2.%u\n", i, i, i, i);
	/* A cut with servers below it, and one with servers elsewhere in the zone. */
	for (unsigned i = 0; i < 100; i++)
		buffer_printf(&text, "below NS ns%u.below\nns%u.below A 192.0.2.%u\n"
		    "ns%u.below AAAA 2001:db8::%u\nbeside NS ns%u.other\nns%u.other A 192.0.2.%u\n",
		    i, i, i, i, i, i, i, i);
	for (unsigned i = 0; i < 20; i++)
		buffer_printf(&text, "few NS n%u.few\nn%u.few A 192.0.2.%u\n"
		    "near NS n%u.other\nn%u.other A 192.0.2.%u\n", i, i, i, i, i, i);
	for (unsigned i = 0; i < 499; i++)
		buffer_printf(&text, "huge NS a-name-so-long-that-sixteen-kilobytes-are-passed-%u."
		    "and-more-of-it.x%u\n", i, i % 7);
	/* Ten strings of 250 bytes: 300 of them pass what TCP can carry. */
	for (unsigned i = 0; i < 30; i++) {
		buffer_printf(&text, "vast TXT");
		for (int j = 0; j < 10; j++)
			buffer_printf(&text, " \"%0250u\"", i);
		buffer_printf(&text, "\n");
	}
	if (!dns_zones_add(zones, buffer_bytes(&text), (slice){ 0 }, 99, &error))
		fail_msg("%u: %s", error.line, error.text);
	buffer_free(&text);
}

static const struct {
	const char *name;
	ldns_rr_type type;
	unsigned client_size;           /* 0: without EDNS */
	bool tcp;
	bool cut;
	unsigned answers, extra;
} sizes[] = {
	{ "t3.sizes.", LDNS_RR_TYPE_TXT, 0, false, false, 3, 0 },
	{ "t4.sizes.", LDNS_RR_TYPE_TXT, 0, false, false, 4, 0 },
	{ "t5.sizes.", LDNS_RR_TYPE_TXT, 0, false, true, 0, 0 },
	{ "t5.sizes.", LDNS_RR_TYPE_TXT, 100, false, true, 0, 0 },
	{ "t5.sizes.", LDNS_RR_TYPE_TXT, 600, false, false, 5, 0 },
	{ "t5.sizes.", LDNS_RR_TYPE_TXT, 0, true, false, 5, 0 },
	{ "t11.sizes.", LDNS_RR_TYPE_TXT, 4096, false, false, 11, 0 },
	{ "t12.sizes.", LDNS_RR_TYPE_TXT, 4096, false, true, 0, 0 },
	{ "t12.sizes.", LDNS_RR_TYPE_TXT, 65535, false, true, 0, 0 },
	{ "t12.sizes.", LDNS_RR_TYPE_TXT, 4096, true, false, 12, 0 },
	{ "t100.sizes.", LDNS_RR_TYPE_TXT, 0, true, false, 100, 0 },
	{ "t499.sizes.", LDNS_RR_TYPE_TXT, 0, true, false, 499, 0 },
	{ "vast.sizes.", LDNS_RR_TYPE_TXT, 0, true, true, 0, 0 },
	{ "vast.sizes.", LDNS_RR_TYPE_TXT, 4096, false, true, 0, 0 },
	{ "huge.sizes.", LDNS_RR_TYPE_NS, 4096, true, false, 0, 0 },
	/* Those of a cut are all there, or TC is (RFC 9471). */
	{ "x.below.sizes.", LDNS_RR_TYPE_A, 4096, true, false, 0, 200 },
	{ "x.few.sizes.", LDNS_RR_TYPE_A, 4096, false, false, 0, 20 },
	{ "x.few.sizes.", LDNS_RR_TYPE_A, 600, false, true, 0, 13 },
	{ "x.near.sizes.", LDNS_RR_TYPE_A, 600, false, false, 0, 12 },
	{ "x.beside.sizes.", LDNS_RR_TYPE_A, 4096, true, false, 0, 64 },
	/* Addresses that do not fit are left out without a word. */
	{ "many.sizes.", LDNS_RR_TYPE_MX, 4096, true, false, 40, 40 },
	{ "many.sizes.", LDNS_RR_TYPE_MX, 4096, false, false, 40, 17 },
	{ "many.sizes.", LDNS_RR_TYPE_MX, 0, false, true, 0, 0 },
};

static void test_sizes(void **state)
{
	add_sizes();
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct query q = make(0, sizes[i].name, sizes[i].type);
		size_t len, max = DNS_UDP_PLAIN_MAX;
		ldns_pkt *packet;

		if (sizes[i].client_size > 0)
			add_opt(&q, sizes[i].client_size, 0, 0);
		if (sizes[i].client_size > max)
			max = sizes[i].client_size < DNS_UDP_MAX ? sizes[i].client_size : DNS_UDP_MAX;
		packet = ask(&q, sizes[i].tcp, &len);
		if (ldns_pkt_tc(packet) != sizes[i].cut ||
		    ldns_pkt_ancount(packet) != sizes[i].answers ||
		    ldns_rr_list_rr_count(ldns_pkt_additional(packet)) != sizes[i].extra ||
		    ldns_pkt_edns(packet) != (sizes[i].client_size > 0) ||
		    (!sizes[i].tcp && len > max))
			fail_msg("row %zu, %s: tc %d, %u answers, %zu extra, %zu bytes", i,
			    sizes[i].name, ldns_pkt_tc(packet), ldns_pkt_ancount(packet),
			    ldns_rr_list_rr_count(ldns_pkt_additional(packet)), len);
		ldns_pkt_free(packet);
	}
}

/* Names that stand behind 16 KiB can't be pointed to, and still are right. */
static void test_compression(void **state)
{
	struct query q = make(0, "huge.sizes.", LDNS_RR_TYPE_NS);
	ldns_pkt *packet;
	size_t len;

	packet = ask(&q, true, &len);
	assert_int_equal(ldns_rr_list_rr_count(ldns_pkt_authority(packet)), 499);
	for (size_t i = 0; i < 499; i++) {
		char *have = ldns_rdf2str(ldns_rr_rdf(ldns_rr_list_rr(ldns_pkt_authority(packet), i),
		    0)), want[200];

		snprintf(want, sizeof want, "a-name-so-long-that-sixteen-kilobytes-are-passed-%zu."
		    "and-more-of-it.x%zu.sizes.", i, i % 7);
		assert_string_equal(have, want);
		free(have);
	}
	assert_true(len > 30000 && len < 60000);
	ldns_pkt_free(packet);
	/* And the others are pointed to. */
	q = make(0, "alice.example.", LDNS_RR_TYPE_MX);
	packet = ask(&q, true, &len);
	assert_int_equal(len, 12 + 19 + 19 + (12 + 2 + 9) + 16 + 28 + 16);
	ldns_pkt_free(packet);
}

/* ---- in words ---- */

static const struct {
	const char *name;
	ldns_rr_type type;
	const char *want;
} words[] = {
	{ "alice.example.", LDNS_RR_TYPE_A, "alice.example. A NOERROR 192.0.2.1" },
	{ "alice.example.", LDNS_RR_TYPE_MX, "alice.example. MX NOERROR 10 mx.alice.example.; "
		"20 mx.bob.example." },
	{ "www.alice.example.", LDNS_RR_TYPE_A, "www.alice.example. A NOERROR CNAME alice.example.; "
		"192.0.2.1" },
	{ "alice.example.", LDNS_RR_TYPE_SRV, "alice.example. SRV NOERROR no such record" },
	{ "x.alice.example.", LDNS_RR_TYPE_A, "x.alice.example. A NXDOMAIN " },
	{ "x\\027[0m.example.", LDNS_RR_TYPE_A, "x\\027[0m.example. A REFUSED " },
	{ "sub.alice.example.", LDNS_RR_TYPE_A, "sub.alice.example. A NOERROR other servers know" },
	{ "t12.sizes.", LDNS_RR_TYPE_TXT, "t12.sizes. TXT NOERROR cut: ask over TCP" },
	{ "alice.example.", (ldns_rr_type)65280, "alice.example. TYPE65280 NOERROR no such record" },
};

static void test_words(void **state)
{
	struct dns_answer_text text;
	char have[2000];

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		struct query q = make(0, words[i].name, words[i].type);
		struct buffer out = ask_bytes(&q, false);

		assert_true(dns_answer_describe(buffer_bytes(&out), &text));
		snprintf(have, sizeof have, "%s %s %s %s", text.name, text.type, text.rcode,
		    text.summary);
		assert_string_equal(have, words[i].want);
		buffer_free(&out);
	}
	assert_false(dns_answer_describe(slice_lit("garbage"), &text));
	/* Without a question; with more than a line holds; BADVERS. */
	for (int i = 0; i < 3; i++) {
		struct query q = make(i == 0 ? 0x2800 : 0, "t100.sizes.", LDNS_RR_TYPE_TXT);
		struct buffer out;

		if (i == 2)
			add_opt(&q, 4096, 9, 0);
		out = ask_bytes(&q, true);
		assert_true(dns_answer_describe(buffer_bytes(&out), &text));
		assert_string_equal(text.rcode, i == 0 ? "NOTIMPL" : i == 1 ? "NOERROR" : "BADVERS");
		assert_string_equal(text.name, i == 0 ? "" : "t100.sizes.");
		if (i == 1)
			assert_int_equal(strlen(text.summary), DNS_SUMMARY_MAX - 1);
		buffer_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions), cmocka_unit_test(test_question_is_copied),
		cmocka_unit_test(test_nothing), cmocka_unit_test(test_cut_queries),
		cmocka_unit_test(test_malformed), cmocka_unit_test(test_opcodes_and_classes),
		cmocka_unit_test(test_edns), cmocka_unit_test(test_refusals_and_edns), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_compression), cmocka_unit_test(test_words),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
