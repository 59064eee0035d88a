/* dns/zone_impl.h - what the files of zones share. For zone*.c only. */
#ifndef DNS_ZONE_IMPL_H
#define DNS_ZONE_IMPL_H

#include "base/arena.h"
#include "base/table.h"
#include "dns/zone.h"

struct dns_zones {
	struct heap *heap;
	struct table zones;             /* by name, lowered */
};

struct dns_zone {
	struct arena arena;             /* all but the records themselves */
	struct table nodes;             /* by name, lowered */
	struct dns_node *apex;          /* NULL until the SOA was read */
	const struct dns_rrset *soa;
};

enum zone_put {
	ZONE_PUT_OK,
	ZONE_PUT_TWICE,                 /* the same record is there */
	ZONE_PUT_CNAME,                 /* beside a CNAME there is nothing (RFC 1034 s3.6.2) */
	ZONE_PUT_MANY,                  /* over DNS_RRSET_MAX */
	ZONE_PUT_TYPES,                 /* over DNS_TYPES_MAX */
	ZONE_PUT_FULL,                  /* over DNS_ZONE_MEMORY_MAX */
};

struct dns_zone *zone_create(struct heap *heap);
void zone_destroy(struct dns_zone *zone);       /* frees its records */

/* Put a record into the zone, whose first one is its SOA. Takes rr on ZONE_PUT_OK
 * only. The owner is inside of the zone. */
enum zone_put zone_put(struct dns_zone *zone, struct ldns_struct_rr *rr);

/* Is `name` this zone's, or below it? Both lowered. */
bool zone_is_below(slice name, slice top);
/* Fills lowered[] and returns it as a slice. */
slice zone_lower(slice name, unsigned char lowered[DNS_NAME_MAX]);

#endif
