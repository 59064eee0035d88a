/* dns/zone.h - zones in memory, read from zone files (RFC 1035 section 5).
 *
 * A zone's name is that of its SOA, which must be the first record. Of the class
 * IN only. $ORIGIN and $TTL (RFC 2308 section 4) are known; $INCLUDE is not: what
 * a zone holds comes from the one text. Signed zones are kept as they are, their
 * signatures are records like others.
 *
 * Names here are in wire form, without pointers, at most DNS_NAME_MAX bytes; keys
 * have A-Z lowered. (1) Each name of a zone has a node, and so has each name above
 * it up to the zone's own, maybe without records (RFC 4592 s2.2.2). (2) Zones do
 * not change while somebody reads them: add all, then answer. */
#ifndef DNS_ZONE_H
#define DNS_ZONE_H

#include "base/heap.h"
#include "base/limits.h"
#include "base/slice.h"

struct ldns_struct_rr;
struct dns_zones;

enum { DNS_ZONE_ERROR_TEXT = 240 };

/* What is wrong, in words that end without a full stop, and the line; 0 when it is
 * none in particular. */
struct dns_zone_error {
	unsigned line;
	char text[DNS_ZONE_ERROR_TEXT];
};

/* Lives on `heap`, with all zones; what ldns allocated is freed at heap_drop(). */
struct dns_zones *dns_zones_create(struct heap *heap);

/* Read a zone file of at most DNS_ZONE_TEXT_MAX bytes; nothing of `text` is kept.
 * `origin` ("alice.example", may be empty) is what relative names end in before
 * the first $ORIGIN, ttl (seconds) what records have that say nothing. DNAME records
 * are refused: what they would answer for is not made here. On failure no zone was
 * added. */
bool dns_zones_add(struct dns_zones *zones, slice text, slice origin, uint32_t ttl,
    struct dns_zone_error *ret_error) __attribute__((warn_unused_result));
size_t dns_zones_count(const struct dns_zones *zones);

/* ---- looking up; everything is borrowed from the zones ---- */

struct dns_rr {
	struct dns_rr *next;
	struct ldns_struct_rr *rr;      /* an ldns_rr, with its owner as it was written */
};

/* Records of one name and type, in the file's order, none twice; at most
 * DNS_RRSET_MAX. */
struct dns_rrset {
	struct dns_rrset *next;
	uint16_t type;
	uint32_t ttl;                   /* the lowest of all (RFC 2181 s5.2) */
	size_t count;
	struct dns_rr *first;
};

struct dns_node {
	slice name;                     /* lowered */
	struct dns_rrset *sets;         /* DNS_TYPES_MAX at most */
};

struct dns_zone;

/* The zone nearest above `name` (any case), or NULL. */
const struct dns_zone *dns_zones_find(const struct dns_zones *zones, slice name);

const struct dns_node *dns_zone_apex(const struct dns_zone *zone);
const struct dns_rrset *dns_zone_soa(const struct dns_zone *zone);
/* The node of exactly this name (any case), or NULL. */
const struct dns_node *dns_zone_node(const struct dns_zone *zone, slice name);
const struct dns_rrset *dns_node_set(const struct dns_node *node, uint16_t type);

/* The name above: without the first label. Not of the root. */
static inline slice dns_wire_parent(slice name)
{
	return slice_drop(name, 1 + (size_t)name.ptr[0]);
}

#endif
