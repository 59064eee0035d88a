/* dns/zone_fuzz.c - any bytes as a zone file.
 *
 * For: dns/zone_text.c dns/zone_read.c dns/zone.c
 *
 * Holds: a file is refused in words, with a line that it has, and leaves no zone; or
 * it is a zone with one SOA, whose names are all below its own, have a node for each
 * name above, no set that is empty, too large or mixed, and no CNAME beside others;
 * each of its names is found by what it is called in capitals. */
#include "fuzz.h"

#include <ldns/ldns.h>

#include "base/limits.h"
#include "dns/zone.h"
#include "dns/zone_impl.h"

static void check_set(const struct dns_rrset *set, const struct dns_node *node)
{
	size_t n = 0;

	for (const struct dns_rr *at = set->first; at != NULL; at = at->next) {
		check(ldns_rr_get_type(at->rr) == set->type);
		check(ldns_rr_ttl(at->rr) >= set->ttl);
		check(ldns_rdf_size(ldns_rr_owner(at->rr)) == node->name.len);
		n++;
	}
	check(n == set->count && n > 0 && n <= DNS_RRSET_MAX);
	for (const struct dns_rrset *other = set->next; other != NULL; other = other->next)
		check(other->type != set->type);
	if (set->type == LDNS_RR_TYPE_CNAME)
		check(n == 1);
}

static void check_node(const struct dns_zone *zone, const struct dns_node *node)
{
	unsigned char capitals[DNS_NAME_MAX];

	check(node->name.len <= DNS_NAME_MAX);
	check(zone_is_below(node->name, zone->apex->name));
	for (size_t i = 0; i < node->name.len; i++) {
		unsigned char c = node->name.ptr[i];

		check(c < 'A' || c > 'Z');
		capitals[i] = c >= 'a' && c <= 'z' ? c - 32 : c;
	}
	check(dns_zone_node(zone, slice_of(capitals, node->name.len)) == node);
	if (node != zone->apex)
		check(dns_zone_node(zone, dns_wire_parent(node->name)) != NULL);
	for (const struct dns_rrset *set = node->sets; set != NULL; set = set->next)
		check_set(set, node);
	check((dns_node_set(node, LDNS_RR_TYPE_SOA) != NULL) == (node == zone->apex));
}

static void check_zone(const struct dns_zones *zones)
{
	const struct dns_zone *zone;
	const struct dns_node *node;
	size_t at = 0;

	check(dns_zones_count(zones) == 1);
	zone = table_next(&zones->zones, &at);
	check(dns_zones_find(zones, zone->apex->name) == zone);
	check(zone->soa->count == 1 && zone->soa->type == LDNS_RR_TYPE_SOA);
	for (at = 0; (node = table_next(&zone->nodes, &at)) != NULL;)
		check_node(zone, node);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct heap *heap = heap_create(256 << 20);
	struct dns_zones *zones = dns_zones_create(heap);
	struct dns_zone_error error = { 0 };
	slice in = fuzz_copy(slice_of(data, len));
	unsigned lines = 1;

	for (size_t i = 0; i < len; i++)
		lines += data[i] == '\n';
	if (dns_zones_add(zones, in, slice_lit("a.example"), 60, &error)) {
		check_zone(zones);
	} else {
		check(dns_zones_count(zones) == 0);
		check(error.text[0] != 0 && strlen(error.text) < sizeof error.text);
		check(error.line <= lines);
	}
	fuzz_free(in);
	heap_drop(heap);
	return 0;
}
