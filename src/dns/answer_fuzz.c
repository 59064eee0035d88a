/* dns/answer_fuzz.c - any bytes as a query to a name server.
 *
 * For: dns/answer.c dns/answer_write.c dns/answer_text.c
 *
 * Holds: what is too short or a response gets nothing, all else one response that
 * ldns can read, with the query's id and opcode, QR, no RA, no AD; a FORMERR or
 * NOTIMP is a header alone, or with an OPT; a question comes back byte by byte; UDP gets at most 512
 * bytes without OPT and 1,232 with it; no record comes twice; the same query gets the
 * same answer; each can be put in words.
 *
 * Input: a byte (TCP or not; any bytes, or a query for a name we have), then those. */
#include "fuzz.h"

#include <ldns/ldns.h>

#include "base/limits.h"
#include "dns/answer.h"

static const char *const zone_texts[] = {
	"$ORIGIN a.\n@ SOA n r 1 2 3 4 5\n@ NS n\n@ MX 10 m\n@ MX 20 m.b.\n@ TXT \"x\" \"y\"\n"
	"n A 192.0.2.1\nm A 192.0.2.2\nm AAAA 2001:db8::2\nc CNAME m\nd CNAME c.b.\n"
	"l CNAME l\nj CNAME k\nk CNAME j\n*.w MX 1 m\n*.v CNAME m.w\n*.u CNAME x.*.u\ns NS n.s\n"
	"s DS 1 8 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
	"n.s A 192.0.2.3\ne.f.g SRV 0 0 25 m\nt TXT 1\nt TXT 2\nt TXT 3\n",
	"$ORIGIN b.\n@ SOA n.a. r.a. 1 2 3 4 5\nm A 192.0.2.4\nc CNAME t.big.\n* CNAME c.a.\n",
};

/* Names worth asking for. */
static const char *const names[] = { "a.", "c.a.", "d.a.", "l.a.", "j.a.", "x.w.a.", "x.v.a.",
	"x.u.a.", "y.s.a.", "s.a.", "f.g.a.", "t.a.", "x.b.", "c.b.", "t.big.", "z." };

static struct heap *zone_heap;

static struct dns_zones *make_zones(void)
{
	static struct dns_zones *zones;
	struct dns_zone_error error;
	struct buffer big;

	if (zones != NULL)
		return zones;
	zone_heap = heap_create(SIZE_MAX);
	zones = dns_zones_create(zone_heap);
	for (size_t i = 0; i < 2; i++)
		check(dns_zones_add(zones, slice_from(zone_texts[i]), (slice){ 0 }, 60, &error));
	big = buffer_init(zone_heap, DNS_ZONE_TEXT_MAX);
	buffer_printf(&big, "$ORIGIN big.\n@ SOA n r 1 2 3 4 5\n");
	for (unsigned i = 0; i < 40; i++)
		buffer_printf(&big, "t TXT %040u\n@ MX 1 m%u\nm%u A 192.0.2.1\n", i, i, i);
	check(dns_zones_add(zones, buffer_bytes(&big), (slice){ 0 }, 60, &error));
	buffer_free(&big);
	return zones;
}

static unsigned u16_at(slice s, size_t at)
{
	return (unsigned)s.ptr[at] << 8 | s.ptr[at + 1];
}

/* A query as clients send it, for one of our names: type and OPT from the input. */
static slice plain_query(slice in, struct buffer *out)
{
	ldns_rdf *name = ldns_dname_new_frm_str(names[in.len > 0 ? in.ptr[0] % 16 : 0]);
	bool edns = in.len > 4;

	check(name != NULL);
	buffer_add(out, slice_lit("id\1\0\0\1\0\0\0\0\0"));
	buffer_add(out, edns ? slice_lit("\1") : slice_lit("\0"));
	buffer_add(out, slice_of(ldns_rdf_data(name), ldns_rdf_size(name)));
	ldns_rdf_deep_free(name);
	buffer_add(out, slice_lit("\0"));
	buffer_add(out, in.len > 1 ? slice_sub(in, 1, 1) : slice_lit("\xff"));
	buffer_add(out, slice_lit("\0\1"));
	if (edns) {
		buffer_add(out, slice_lit("\0\0\x29"));
		buffer_add(out, slice_sub(in, 2, 2));
		buffer_add(out, slice_lit("\0\0\0\0\0\0"));
	}
	return buffer_bytes(out);
}

static void check_twice(const ldns_pkt *packet)
{
	ldns_rr_list *all = ldns_pkt_all_noquestion(packet);

	for (size_t i = 0; i < ldns_rr_list_rr_count(all); i++) {
		for (size_t j = 0; j < i; j++)
			check(ldns_rr_compare(ldns_rr_list_rr(all, i), ldns_rr_list_rr(all, j)) != 0);
	}
	ldns_rr_list_deep_free(all);
}

static void check_response(slice query, bool tcp, slice out)
{
	struct dns_answer_text text;
	unsigned rcode = out.ptr[3] & 15;
	ldns_pkt *packet;

	check(out.len >= 12 && u16_at(out, 0) == u16_at(query, 0));
	check(out.ptr[2] & 0x80 && (out.ptr[2] & 0x78) == (query.ptr[2] & 0x78));
	check((out.ptr[3] & 0xe0) == 0);
	check(tcp || out.len <= DNS_UDP_MAX);
	if (rcode == LDNS_RCODE_FORMERR || rcode == LDNS_RCODE_NOTIMPL) {
		check(out.len == (u16_at(out, 10) == 0 ? 12 : 12 + 11) && u16_at(out, 4) == 0);
	} else {
		size_t n = slice_find_byte(slice_drop(out, 12), 0) + 5;

		check(u16_at(out, 4) == 1 && (query.ptr[2] & 0x78) == 0);
		check(12 + n <= query.len);
		check(slice_equal(slice_sub(out, 12, n), slice_sub(query, 12, n)));
	}
	check(ldns_wire2pkt(&packet, out.ptr, out.len) == LDNS_STATUS_OK);
	check(tcp || ldns_pkt_edns(packet) || out.len <= DNS_UDP_PLAIN_MAX);
	check_twice(packet);
	ldns_pkt_free(packet);
	check(dns_answer_describe(out, &text));
	check(strlen(text.summary) < sizeof text.summary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dns_zones *zones = make_zones();
	struct heap *heap = heap_create(64 << 20);
	struct buffer made = buffer_init(heap, 1024), out = buffer_init(heap, DNS_MESSAGE_MAX);
	struct buffer again = buffer_init(heap, DNS_MESSAGE_MAX);
	unsigned choice = len > 0 ? data[0] : 0;
	slice in = slice_of(data + (len > 0), len - (len > 0));
	bool tcp = choice & 1;
	slice query = fuzz_copy(choice & 2 ? plain_query(in, &made) : in);

	dns_answer(zones, query, tcp, &out);
	dns_answer(zones, query, tcp, &again);
	check(slice_equal(buffer_bytes(&out), buffer_bytes(&again)));
	if (query.len < 12 || query.len > DNS_MESSAGE_MAX || query.ptr[2] & 0x80)
		check(buffer_bytes(&out).len == 0);
	else
		check_response(query, tcp, buffer_bytes(&out));
	fuzz_free(query);
	heap_drop(heap);
	return 0;
}
