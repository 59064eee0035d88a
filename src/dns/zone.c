/* dns/zone.c - zones as tables of names. */
#include "dns/zone.h"

#include <ldns/ldns.h>
#include <string.h>

#include "base/check.h"
#include "dns/zone_impl.h"

/* Tables are made of what administrators write, not of what strangers send. */
enum { TABLE_SEED = 1035 };

slice zone_lower(slice name, unsigned char lowered[DNS_NAME_MAX])
{
	check(name.len > 0 && name.len <= DNS_NAME_MAX);
	/* Lengths of labels are below 64, so no letters. */
	for (size_t i = 0; i < name.len; i++)
		lowered[i] = ascii_lower(name.ptr[i]);
	return slice_of(lowered, name.len);
}

bool zone_is_below(slice name, slice top)
{
	while (name.len > top.len)
		name = dns_wire_parent(name);
	return slice_equal(name, top);
}

/* ---- one zone ---- */

struct dns_zone *zone_create(struct heap *heap)
{
	struct dns_zone *zone = heap_new(heap, struct dns_zone);

	zone->arena = arena_init(heap, DNS_ZONE_MEMORY_MAX);
	zone->nodes = table_init(heap, TABLE_SEED);
	return zone;
}

static void free_records(struct dns_zone *zone)
{
	const struct dns_node *node;
	size_t at = 0;

	while ((node = table_next(&zone->nodes, &at)) != NULL) {
		for (struct dns_rrset *set = node->sets; set != NULL; set = set->next) {
			for (struct dns_rr *one = set->first; one != NULL; one = one->next)
				ldns_rr_free(one->rr);
		}
	}
}

void zone_destroy(struct dns_zone *zone)
{
	struct heap *heap = zone->arena.heap;

	free_records(zone);
	table_free(&zone->nodes);
	arena_reset(&zone->arena);
	heap_free(heap, zone);
}

/* The node of this name and those above it, made where they are missing; their
 * names are ends of one copy. NULL: no room. */
static struct dns_node *node_make(struct dns_zone *zone, slice name)
{
	struct dns_node *node = table_get(&zone->nodes, name), *first = node;
	unsigned char *copy;

	if (node != NULL)
		return node;
	copy = arena_try(&zone->arena, name.len, 1);
	if (copy == NULL)
		return NULL;
	memcpy(copy, name.ptr, name.len);
	name.ptr = copy;
	while (node == NULL) {
		node = arena_try(&zone->arena, 1, sizeof *node);
		if (node == NULL)
			return NULL;
		node->name = name;
		table_put(&zone->nodes, name, node);
		first = first != NULL ? first : node;
		if (zone->apex == NULL)
			zone->apex = node;
		if (node == zone->apex)
			break;
		name = dns_wire_parent(name);
		node = table_get(&zone->nodes, name);
	}
	return first;
}

/* What may stand beside a CNAME: what signs it (RFC 4035 s2.5). */
static bool is_beside_cname(uint16_t type)
{
	return type == LDNS_RR_TYPE_RRSIG || type == LDNS_RR_TYPE_NSEC;
}

/* Also with a record of this type. */
static bool cname_stands_alone(const struct dns_node *node, uint16_t type)
{
	if (is_beside_cname(type))
		return true;
	for (const struct dns_rrset *set = node->sets; set != NULL; set = set->next) {
		if (set->type == LDNS_RR_TYPE_CNAME)
			return false;
		if (type == LDNS_RR_TYPE_CNAME && !is_beside_cname(set->type))
			return false;
	}
	return true;
}

/* The TTL does not count. */
static bool has_record(const struct dns_rrset *set, const ldns_rr *rr)
{
	for (const struct dns_rr *at = set != NULL ? set->first : NULL; at != NULL; at = at->next) {
		if (ldns_rr_compare(at->rr, rr) == 0)
			return true;
	}
	return false;
}

/* NULL: no room; *ret_many: for another type. */
static struct dns_rrset *set_make(struct dns_zone *zone, struct dns_node *node,
    const ldns_rr *rr, bool *ret_many)
{
	struct dns_rrset **at = &node->sets;
	unsigned n = 0;

	while (*at != NULL && (*at)->type != ldns_rr_get_type(rr)) {
		at = &(*at)->next;
		n++;
	}
	*ret_many = *at == NULL && n == DNS_TYPES_MAX;
	if (*ret_many)
		return NULL;
	if (*at == NULL) {
		*at = arena_try(&zone->arena, 1, sizeof **at);
		if (*at != NULL) {
			(*at)->type = (uint16_t)ldns_rr_get_type(rr);
			(*at)->ttl = ldns_rr_ttl(rr);
		}
	}
	return *at;
}

enum zone_put zone_put(struct dns_zone *zone, ldns_rr *rr)
{
	unsigned char lowered[DNS_NAME_MAX];
	slice owner = zone_lower(slice_of(ldns_rdf_data(ldns_rr_owner(rr)),
	    ldns_rdf_size(ldns_rr_owner(rr))), lowered);
	struct dns_node *node = node_make(zone, owner);
	uint16_t type = (uint16_t)ldns_rr_get_type(rr);
	struct dns_rrset *set;
	struct dns_rr **at;
	bool many;

	if (node == NULL)
		return ZONE_PUT_FULL;
	if (has_record(dns_node_set(node, type), rr))
		return ZONE_PUT_TWICE;
	if (!cname_stands_alone(node, type))
		return ZONE_PUT_CNAME;
	set = set_make(zone, node, rr, &many);
	if (set == NULL)
		return many ? ZONE_PUT_TYPES : ZONE_PUT_FULL;
	if (set->count == DNS_RRSET_MAX)
		return ZONE_PUT_MANY;
	for (at = &set->first; *at != NULL;)
		at = &(*at)->next;
	*at = arena_try(&zone->arena, 1, sizeof **at);
	if (*at == NULL)
		return ZONE_PUT_FULL;
	(*at)->rr = rr;
	set->count++;
	if (ldns_rr_ttl(rr) < set->ttl)
		set->ttl = ldns_rr_ttl(rr);
	if (zone->soa == NULL)
		zone->soa = set;
	return ZONE_PUT_OK;
}

/* ---- all of them ---- */

static void drop_zones(void *arg)
{
	struct dns_zones *zones = arg;
	struct dns_zone *zone;
	size_t at = 0;

	while ((zone = table_next(&zones->zones, &at)) != NULL)
		free_records(zone);
}

struct dns_zones *dns_zones_create(struct heap *heap)
{
	struct dns_zones *zones = heap_new(heap, struct dns_zones);

	zones->heap = heap;
	zones->zones = table_init(heap, TABLE_SEED);
	heap_on_drop(heap, drop_zones, zones);
	return zones;
}

size_t dns_zones_count(const struct dns_zones *zones)
{
	return zones->zones.count;
}

const struct dns_zone *dns_zones_find(const struct dns_zones *zones, slice name)
{
	unsigned char lowered[DNS_NAME_MAX];
	const struct dns_zone *zone;

	for (name = zone_lower(name, lowered);; name = dns_wire_parent(name)) {
		zone = table_get(&zones->zones, name);
		if (zone != NULL || name.ptr[0] == 0)
			return zone;
	}
}

const struct dns_node *dns_zone_apex(const struct dns_zone *zone)
{
	return zone->apex;
}

const struct dns_rrset *dns_zone_soa(const struct dns_zone *zone)
{
	return zone->soa;
}

const struct dns_node *dns_zone_node(const struct dns_zone *zone, slice name)
{
	unsigned char lowered[DNS_NAME_MAX];

	return table_get(&zone->nodes, zone_lower(name, lowered));
}

const struct dns_rrset *dns_node_set(const struct dns_node *node, uint16_t type)
{
	const struct dns_rrset *set = node->sets;

	while (set != NULL && set->type != type)
		set = set->next;
	return set;
}
