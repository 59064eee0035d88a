/* dns/answer.c - what a name server says (RFC 1034 s4.3.2). */
#include "dns/answer.h"

#include <ldns/ldns.h>

#include "base/check.h"
#include "base/limits.h"
#include "dns/answer_write.h"
#include "dns/zone_impl.h"

enum {
	FLAG_QR = 0x8000, FLAG_AA = 0x0400, FLAG_TC = 0x0200, FLAG_RD = 0x0100, FLAG_CD = 0x0010,
	OPCODE = 0x7800,
	LABEL_MAX = 63,
	BADVERS = 16,                   /* RFC 6891 s9 */
};

struct question {
	uint16_t id, flags;
	slice name;                     /* within the query; its case is kept */
	uint16_t type, class;
	bool edns, dnssec_ok;
	uint8_t edns_version;
	uint16_t udp_size;              /* what the client takes */
};

struct reply {
	const struct dns_zones *zones;
	const struct question *q;
	struct answer_writer w;
	unsigned rcode;
	bool authoritative, cut;
	/* Owners that are ours alone: what wildcards stand for. */
	ldns_rdf *name;
	/* Hosts named in what was put. */
	const ldns_rdf *hosts[DNS_EXTRA_MAX];
	size_t n_hosts;
};

/* ---- reading a query ---- */

static uint16_t load_u16(const unsigned char *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static bool take_u16(slice *in, uint16_t *ret)
{
	if (in->len < 2)
		return false;
	*ret = load_u16(in->ptr);
	*in = slice_drop(*in, 2);
	return true;
}

/* A name; with `pointers` it may end in one, and then is only skipped. */
static bool take_name(slice *in, bool pointers, slice *ret_name)
{
	size_t n = 0;

	while (n < in->len && in->ptr[n] != 0 && in->ptr[n] <= LABEL_MAX)
		n += 1 + (size_t)in->ptr[n];
	if (n >= in->len || n >= DNS_NAME_MAX)
		return false;
	if (in->ptr[n] != 0 && (!pointers || in->ptr[n] < 0xc0 || ++n == in->len))
		return false;
	*ret_name = slice_head(*in, n + 1);
	*in = slice_drop(*in, n + 1);
	return true;
}

/* OPT: RFC 6891 s6.1.1, s6.1.2. One at most, at the root. */
static bool take_opt(slice name, uint16_t size, slice ttl, struct question *q)
{
	if (q->edns || name.len != 1)
		return false;
	q->edns = true;
	q->udp_size = size < DNS_UDP_PLAIN_MAX ? DNS_UDP_PLAIN_MAX : size;
	q->edns_version = ttl.ptr[1];
	q->dnssec_ok = ttl.ptr[2] >> 7;
	return true;
}

/* One record of a query; only OPT means anything to us. */
static bool take_record(slice *in, bool extra, struct question *q)
{
	uint16_t type, class, len;
	slice name, ttl;

	if (!take_name(in, true, &name) || !take_u16(in, &type) || !take_u16(in, &class) ||
	    in->len < 4)
		return false;
	ttl = slice_head(*in, 4);
	*in = slice_drop(*in, 4);
	if (!take_u16(in, &len) || in->len < len)
		return false;
	*in = slice_drop(*in, len);
	return type != LDNS_RR_TYPE_OPT || (extra && take_opt(name, class, ttl, q));
}

/* Behind the header, whose counts are read; q has its flags. False: FORMERR. */
static bool read_question(slice query, struct question *q)
{
	slice in = slice_drop(query, ANSWER_HEADER);
	unsigned middle = load_u16(query.ptr + 6) + load_u16(query.ptr + 8);
	unsigned extra = load_u16(query.ptr + 10);

	q->udp_size = DNS_UDP_PLAIN_MAX;
	if (load_u16(query.ptr + 4) != 1)
		return false;
	if (!take_name(&in, false, &q->name) || !take_u16(&in, &q->type) ||
	    !take_u16(&in, &q->class))
		return false;
	/* Each takes some of the input, so its length bounds the loop. */
	for (unsigned i = 0; i < middle + extra; i++) {
		if (!take_record(&in, i >= middle, q))
			return false;
	}
	return in.len == 0;
}

/* ---- finding ---- */

static slice rdf_bytes(const ldns_rdf *name)
{
	return slice_of(ldns_rdf_data(name), ldns_rdf_size(name));
}

/* The cut that `name` is at or below: the highest node under the apex that has NS. */
static const struct dns_node *find_cut(const struct dns_zone *zone, slice name, uint16_t type)
{
	const struct dns_node *apex = dns_zone_apex(zone), *cut = NULL, *node;

	/* A DS is of the zone above the cut (RFC 4035 s3.1.4.1). */
	if (type == LDNS_RR_TYPE_DS && name.len > apex->name.len)
		name = dns_wire_parent(name);
	for (; name.len > apex->name.len; name = dns_wire_parent(name)) {
		node = dns_zone_node(zone, name);
		if (node != NULL && dns_node_set(node, LDNS_RR_TYPE_NS) != NULL)
			cut = node;
	}
	return cut;
}

/* The node of `name`, or of the wildcard that stands for it (RFC 4592 s3.3.1), or
 * NULL. `name` is of the zone. */
static const struct dns_node *find_node(const struct dns_zone *zone, slice name)
{
	const struct dns_node *node = dns_zone_node(zone, name);
	unsigned char text[DNS_NAME_MAX + 2] = { 1, '*' };
	slice wildcard;

	if (node != NULL)
		return node;
	/* The apex has a node, so this ends there. */
	while (node == NULL) {
		name = dns_wire_parent(name);
		node = dns_zone_node(zone, name);
	}
	for (size_t i = 0; i < name.len; i++)
		text[2 + i] = name.ptr[i];
	wildcard = slice_of(text, 2 + name.len);
	return wildcard.len <= DNS_NAME_MAX ? dns_zone_node(zone, wildcard) : NULL;
}

static const struct dns_zone *find_zone(const struct dns_zones *zones, slice name, uint16_t type)
{
	const struct dns_zone *zone = dns_zones_find(zones, name), *above;

	if (zone == NULL || type != LDNS_RR_TYPE_DS || name.ptr[0] == 0 ||
	    dns_zone_apex(zone)->name.len != name.len)
		return zone;
	above = dns_zones_find(zones, dns_wire_parent(name));
	return above != NULL ? above : zone;
}

/* ---- saying ---- */

/* Which field of a record names a host whose addresses will be asked for next. */
static int host_field(uint16_t type)
{
	switch (type) {
	case LDNS_RR_TYPE_NS:
		return 0;
	case LDNS_RR_TYPE_MX:
		return 1;
	case LDNS_RR_TYPE_SRV:
		return 3;
	default:
		return -1;
	}
}

static void note_hosts(struct reply *r, const struct dns_rrset *set)
{
	int field = host_field(set->type);

	for (const struct dns_rr *at = set->first; field >= 0 && at != NULL; at = at->next) {
		const ldns_rdf *host = ldns_rr_rdf(at->rr, (size_t)field);

		if (host != NULL && ldns_rdf_get_type(host) == LDNS_RDF_TYPE_DNAME &&
		    r->n_hosts < DNS_EXTRA_MAX)
			r->hosts[r->n_hosts++] = host;
	}
}

static void put(struct reply *r, enum answer_section section, const ldns_rdf *owner,
    const struct dns_rrset *set, uint32_t ttl)
{
	if (answer_put_set(&r->w, section, owner, set, ttl))
		note_hosts(r, set);
	else
		r->cut = true;
}

static const ldns_rdf *owner_of(const struct dns_rrset *set)
{
	return ldns_rr_owner(set->first->rr);
}

/* RFC 2308 s3: the SOA, with the time for which "no" holds. */
static void put_soa(struct reply *r, const struct dns_zone *zone)
{
	const struct dns_rrset *soa = dns_zone_soa(zone);
	uint32_t minimum = ldns_rdf2native_int32(ldns_rr_rdf(soa->first->rr, 6));

	put(r, ANSWER_AUTHORITY, owner_of(soa), soa, minimum < soa->ttl ? minimum : soa->ttl);
}

static const uint16_t address_types[] = { LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA };

static bool is_below(const ldns_rdf *host, const struct dns_node *cut)
{
	unsigned char lowered[DNS_NAME_MAX];

	return zone_is_below(zone_lower(rdf_bytes(host), lowered), cut->name);
}

/* The addresses of servers at or below the cut: who has not all of them can't be sure to
 * get there, so they all fit or TC is set (RFC 9471 s3.1). */
static void put_glue(struct reply *r, const struct dns_zone *zone, const struct dns_node *cut,
    const struct dns_rrset *servers)
{
	for (const struct dns_rr *at = servers->first; at != NULL; at = at->next) {
		const ldns_rdf *host = ldns_rr_rdf(at->rr, 0);
		const struct dns_node *node = is_below(host, cut) ?
		    dns_zone_node(zone, rdf_bytes(host)) : NULL;

		for (size_t i = 0; node != NULL && i < 2; i++) {
			const struct dns_rrset *set = dns_node_set(node, address_types[i]);

			if (set != NULL && !answer_put_set(&r->w, ANSWER_EXTRA, owner_of(set), set,
			    set->ttl))
				r->cut = true;
		}
	}
}

static void put_referral(struct reply *r, const struct dns_zone *zone, const struct dns_node *cut)
{
	const struct dns_rrset *servers = dns_node_set(cut, LDNS_RR_TYPE_NS);
	size_t n = r->n_hosts;

	put(r, ANSWER_AUTHORITY, owner_of(servers), servers, servers->ttl);
	if (!r->cut)
		put_glue(r, zone, cut, servers);
	/* The others may be left out. */
	for (size_t i = n; i < r->n_hosts; i++) {
		if (!is_below(r->hosts[i], cut))
			r->hosts[n++] = r->hosts[i];
	}
	r->n_hosts = n;
}

static void put_extra(struct reply *r)
{
	for (size_t i = 0; i < r->n_hosts && !r->w.full; i++) {
		slice name = rdf_bytes(r->hosts[i]);
		const struct dns_zone *zone = dns_zones_find(r->zones, name);
		const struct dns_node *node = zone != NULL ? dns_zone_node(zone, name) : NULL;

		for (size_t j = 0; node != NULL && j < 2; j++) {
			const struct dns_rrset *set = dns_node_set(node, address_types[j]);

			/* Left out, it may be asked for: no TC (RFC 2181 s9). */
			if (set != NULL)
				answer_put_set(&r->w, ANSWER_EXTRA, owner_of(set), set, set->ttl);
		}
	}
}

/* Put what `node` has; the CNAME that has to be followed, or NULL. */
static const struct dns_rrset *put_node(struct reply *r, const struct dns_zone *zone,
    const struct dns_node *node, const ldns_rdf *name)
{
	const struct dns_rrset *set = dns_node_set(node, r->q->type);

	if (r->q->type == LDNS_RR_TYPE_ANY) {
		for (set = node->sets; set != NULL; set = set->next)
			put(r, ANSWER_ANSWER, name, set, set->ttl);
		if (node->sets == NULL)
			put_soa(r, zone);
		return NULL;
	}
	if (set != NULL) {
		put(r, ANSWER_ANSWER, name, set, set->ttl);
		return NULL;
	}
	set = dns_node_set(node, LDNS_RR_TYPE_CNAME);
	if (set == NULL)
		put_soa(r, zone);
	else
		put(r, ANSWER_ANSWER, name, set, set->ttl);
	return set;
}

/* Answer for one name of the chain; the next one, or NULL at its end. */
static const ldns_rdf *answer_name(struct reply *r, const ldns_rdf *name, bool first)
{
	slice bytes = rdf_bytes(name);
	const struct dns_zone *zone = find_zone(r->zones, bytes, r->q->type);
	const struct dns_node *node;
	const struct dns_rrset *cname;

	if (zone == NULL) {
		if (first)
			r->rcode = LDNS_RCODE_REFUSED;
		return NULL;
	}
	node = find_cut(zone, bytes, r->q->type);
	if (node != NULL) {
		put_referral(r, zone, node);
		return NULL;
	}
	/* RFC 1035 s4.1.1: AA is said of the first name. */
	r->authoritative = r->authoritative || first;
	node = find_node(zone, bytes);
	if (node == NULL) {
		r->rcode = LDNS_RCODE_NXDOMAIN;
		put_soa(r, zone);
		return NULL;
	}
	cname = put_node(r, zone, node, name);
	return cname != NULL ? ldns_rr_rdf(cname->first->rr, 0) : NULL;
}

static void answer_chain(struct reply *r)
{
	const ldns_rdf *names[DNS_CHAIN_MAX + 1] = { r->name };

	for (size_t n = 0; n < DNS_CHAIN_MAX && names[n] != NULL && !r->cut; n++) {
		names[n + 1] = answer_name(r, names[n], n == 0);
		/* A loop says what it has, once. */
		for (size_t i = 0; names[n + 1] != NULL && i <= n; i++) {
			if (ldns_dname_compare(names[i], names[n + 1]) == 0)
				return;
		}
	}
}

static void answer_question(struct reply *r)
{
	const struct question *q = r->q;

	answer_put_question(&r->w, r->name, q->type, q->class);
	if (q->edns && q->edns_version > 0)
		r->rcode = BADVERS;
	else if ((q->class != LDNS_RR_CLASS_IN && q->class != LDNS_RR_CLASS_ANY) ||
	    q->type == LDNS_RR_TYPE_AXFR || q->type == LDNS_RR_TYPE_IXFR)
		r->rcode = LDNS_RCODE_REFUSED;
	else
		answer_chain(r);
	if (!r->cut)
		put_extra(r);
}

/* QR, what is copied, and what became of it. RA stays 0: we look nothing up. */
static uint16_t reply_flags(const struct question *q, unsigned rcode)
{
	unsigned copied = q->flags & (OPCODE | FLAG_RD | FLAG_CD);

	return (uint16_t)(FLAG_QR | copied | (rcode & 15));
}

/* A header, and an OPT where there was one (RFC 6891 s6.1.1): nothing else. */
static void refuse(const struct question *q, unsigned rcode, struct buffer *out)
{
	struct answer_writer w;

	answer_writer_init(&w, DNS_UDP_PLAIN_MAX);
	if (q->edns)
		answer_put_opt(&w, 0, q->dnssec_ok);
	answer_finish(&w, q->id, reply_flags(q, rcode), out);
	answer_writer_free(&w);
}

static size_t size_of_reply(const struct question *q, bool tcp)
{
	size_t size = tcp ? DNS_MESSAGE_MAX : q->udp_size;

	if (!tcp && size > DNS_UDP_MAX)
		size = DNS_UDP_MAX;
	return size;
}

void dns_answer(const struct dns_zones *zones, slice query, bool tcp, struct buffer *out)
{
	struct question q = { 0 };
	struct reply r = { .zones = zones, .q = &q };
	bool well_formed;
	uint16_t flags;

	check(buffer_room(out) >= DNS_MESSAGE_MAX);
	if (query.len < ANSWER_HEADER || query.len > DNS_MESSAGE_MAX)
		return;
	q.id = load_u16(query.ptr);
	q.flags = load_u16(query.ptr + 2);
	if (q.flags & FLAG_QR)
		return;
	well_formed = read_question(query, &q);
	if ((q.flags & OPCODE) != 0 || !well_formed) {
		refuse(&q, (q.flags & OPCODE) != 0 ? LDNS_RCODE_NOTIMPL : LDNS_RCODE_FORMERR, out);
		return;
	}
	answer_writer_init(&r.w, size_of_reply(&q, tcp));
	r.w.size_max -= q.edns ? ANSWER_OPT : 0;
	r.name = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, q.name.len, q.name.ptr);
	check(r.name != NULL);
	answer_question(&r);
	if (q.edns)
		answer_put_opt(&r.w, (uint8_t)(r.rcode >> 4), q.dnssec_ok);
	flags = reply_flags(&q, r.rcode);
	flags |= (uint16_t)((r.authoritative ? FLAG_AA : 0) | (r.cut ? FLAG_TC : 0));
	answer_finish(&r.w, q.id, flags, out);
	answer_writer_free(&r.w);
	ldns_rdf_deep_free(r.name);
}
