/* dns/zone_read.c - from the text of a zone file to a zone. ldns reads the records. */
#include <ldns/ldns.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "dns/zone_impl.h"
#include "dns/zone_text.h"

/* What ldns takes for "no TTL here": above what one can be (RFC 2181 s8). */
static const uint32_t no_ttl = UINT32_MAX, ttl_max = INT32_MAX;

/* Stands for an origin that nobody named: no file has this name by chance. */
static const char *const no_origin = "\\000.no.origin.invalid.";

enum { QUOTED_TEXT = 100, WORD_TEXT = 64 };

struct reader {
	struct dns_zones *zones;
	struct dns_zone *zone;
	ldns_rdf *origin;
	ldns_rdf *owner;                /* of the record before; NULL: none yet */
	ldns_rdf *no_origin;
	uint32_t ttl;                   /* of records that say nothing */
	bool ttl_set;                   /* by $TTL; else the last one stated counts */
	unsigned line, soa_line;
	char entry[DNS_ENTRY_MAX + 1];
	struct dns_zone_error *error;
};

/* Always false. */
__attribute__((format(printf, 2, 3)))
static bool fail(struct reader *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error->text, sizeof r->error->text, format, args);
	va_end(args);
	r->error->line = r->line;
	return false;
}

/* The same with the entry behind it. */
static bool fail_entry(struct reader *r, const char *words)
{
	char shown[QUOTED_TEXT];

	return fail(r, "%s: \"%s\"", words,
	    text_printable(slice_from(r->entry), shown, sizeof shown));
}

static slice rdf_bytes(const ldns_rdf *name)
{
	return slice_of(ldns_rdf_data(name), ldns_rdf_size(name));
}

/* ---- directives ---- */

/* A name as it is written, made absolute by `origin`; NULL when it is none. */
static ldns_rdf *read_name(slice word, const ldns_rdf *origin)
{
	char text[4 * DNS_NAME_MAX + 1];
	ldns_rdf *name;

	/* All of it escaped. */
	if (word.len == 0 || word.len >= sizeof text || slice_find_byte(word, 0) < word.len)
		return NULL;
	snprintf(text, sizeof text, "%.*s", slice_arg(word));
	name = ldns_dname_new_frm_str(text);
	if (name != NULL && !ldns_dname_str_absolute(text) &&
	    ldns_dname_cat(name, origin) != LDNS_STATUS_OK) {
		ldns_rdf_deep_free(name);
		name = NULL;
	}
	if (name != NULL && ldns_rdf_size(name) > DNS_NAME_MAX) {
		ldns_rdf_deep_free(name);
		name = NULL;
	}
	return name;
}

static bool set_origin(struct reader *r, slice word)
{
	ldns_rdf *name = read_name(word, r->origin);

	if (name == NULL)
		return fail_entry(r, "this is no name");
	ldns_rdf_deep_free(r->origin);
	r->origin = name;
	if (ldns_dname_is_subdomain(name, r->no_origin))
		return fail_entry(r, "the first $ORIGIN must end in a dot");
	return true;
}

static bool set_ttl(struct reader *r, slice word)
{
	const char *end = (const char *)word.ptr;
	uint32_t ttl;

	if (word.len == 0 || word.ptr[0] < '0' || word.ptr[0] > '9')
		return fail_entry(r, "$TTL wants seconds, or a time such as 1h30m");
	ttl = ldns_str2period(end, &end);
	if (end != (const char *)word.ptr + word.len || ttl > ttl_max)
		return fail_entry(r, "$TTL wants seconds, or a time such as 1h30m");
	r->ttl = ttl;
	r->ttl_set = true;
	return true;
}

static bool take_directive(struct reader *r)
{
	slice value = slice_from(r->entry);
	slice name = slice_cut(&value, ' ');

	if (slice_find_byte(value, ' ') < value.len)
		return fail_entry(r, slice_equal_ascii(name, slice_lit("$INCLUDE")) ?
		    "$INCLUDE is not known here: put the records into this file" :
		    "one value is wanted here");
	if (slice_equal_ascii(name, slice_lit("$ORIGIN")))
		return set_origin(r, value);
	if (slice_equal_ascii(name, slice_lit("$TTL")))
		return set_ttl(r, value);
	if (slice_equal_ascii(name, slice_lit("$INCLUDE")))
		return fail_entry(r, "$INCLUDE is not known here: put the records into this file");
	return fail_entry(r, "only $ORIGIN and $TTL are known here");
}

/* ---- records ---- */

static bool is_number(slice word)
{
	return word.len > 0 && word.ptr[0] >= '0' && word.ptr[0] <= '9';
}

static bool is_class(slice word)
{
	char text[WORD_TEXT];

	if (word.len == 0 || word.len >= sizeof text)
		return false;
	snprintf(text, sizeof text, "%.*s", slice_arg(word));
	return ldns_get_rr_class_by_name(text) != 0;
}

/* Does the entry say a type that is one? */
static bool has_type(const char *entry)
{
	slice rest = slice_from(entry), word;
	char text[WORD_TEXT];

	slice_cut(&rest, ' ');
	word = slice_cut(&rest, ' ');
	if (is_number(word))
		word = slice_cut(&rest, ' ');
	if (is_class(word))
		word = slice_cut(&rest, ' ');
	snprintf(text, sizeof text, "%.*s", slice_arg(word));
	return word.len < sizeof text && ldns_get_rr_type_by_name(text) != 0;
}

static const char *words_of(ldns_status status, const char *entry)
{
	switch (status) {
	case LDNS_STATUS_SYNTAX_MISSING_VALUE_ERR:
		return "a value is missing";
	case LDNS_STATUS_SYNTAX_SUPERFLUOUS_TEXT_ERR:
		return "there is more here than this type of record takes";
	case LDNS_STATUS_SYNTAX_RDATA_ERR:
	case LDNS_STATUS_PACKET_OVERFLOW:
		return has_type(entry) ? "a record of this type can't have this value" :
		    "there is no such type of record";
	case LDNS_STATUS_SYNTAX_TTL_ERR:
	case LDNS_STATUS_SYNTAX_CLASS_ERR:
	case LDNS_STATUS_SYNTAX_TYPE_ERR:
		return "a record wants a name, a type and a value";
	default:
		return "this is no record";
	}
}

/* Names that end where no origin was: false after fail(). */
static bool judge_names(struct reader *r, const ldns_rr *rr)
{
	bool ok = !ldns_dname_is_subdomain(ldns_rr_owner(rr), r->no_origin);

	if (ldns_rdf_size(ldns_rr_owner(rr)) > DNS_NAME_MAX)
		return fail_entry(r, "the name is too long");
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *name = ldns_rr_rdf(rr, i);

		if (ldns_rdf_get_type(name) != LDNS_RDF_TYPE_DNAME)
			continue;
		if (ldns_rdf_size(name) > DNS_NAME_MAX)
			return fail_entry(r, "the name is too long");
		ok = ok && !ldns_dname_is_subdomain(name, r->no_origin) &&
		    ldns_dname_compare(name, r->no_origin) != 0;
	}
	if (ok && ldns_dname_compare(ldns_rr_owner(rr), r->no_origin) != 0)
		return true;
	return fail_entry(r, "this name does not end in a dot, and there is no $ORIGIN before it");
}

/* RFC 6895 s3.1: what only questions and packets have. ldns takes numbers that are none. */
static bool is_meta(unsigned type)
{
	return type == 0 || type > UINT16_MAX || type == LDNS_RR_TYPE_OPT ||
	    (type >= 128 && type <= 255);
}

static bool judge_ttl(struct reader *r, ldns_rr *rr)
{
	if (ldns_rr_ttl(rr) == no_ttl)
		ldns_rr_set_ttl(rr, r->ttl);
	else if (ldns_rr_ttl(rr) > ttl_max)
		return fail_entry(r, "a TTL has at most 2147483647 seconds");
	else if (!r->ttl_set)
		r->ttl = ldns_rr_ttl(rr);
	return true;
}

/* The SOA is first, is the only one, and is above all others. */
static bool judge_place(struct reader *r, const ldns_rr *rr)
{
	bool is_soa = ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA;
	unsigned char lowered[DNS_NAME_MAX];
	slice owner = zone_lower(rdf_bytes(ldns_rr_owner(rr)), lowered);

	if (r->zone->apex == NULL) {
		if (!is_soa)
			return fail_entry(r, "the first record must be the SOA");
		r->soa_line = r->line;
		if (table_get(&r->zones->zones, owner) != NULL)
			return fail_entry(r, "this zone is there already");
		return true;
	}
	/* A zone transfer that somebody saved ends as it began. */
	if (is_soa && ldns_rr_compare(r->zone->soa->first->rr, rr) != 0)
		return fail(r, "a second SOA; the first is in line %u", r->soa_line);
	if (!zone_is_below(owner, r->zone->apex->name))
		return fail_entry(r, "this name is outside of the zone");
	return true;
}

static bool judge(struct reader *r, ldns_rr *rr)
{
	if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
		return fail_entry(r, "only the class IN is known here");
	/* RFC 6672: each name below it would want a CNAME that is made for it. */
	if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_DNAME)
		return fail_entry(r, "DNAME is not known here: give each name a CNAME");
	if (is_meta(ldns_rr_get_type(rr)))
		return fail_entry(r, "a zone has no records of this type");
	return judge_names(r, rr) && judge_ttl(r, rr) && judge_place(r, rr);
}

/* Takes rr. */
static bool keep(struct reader *r, ldns_rr *rr)
{
	enum zone_put put = zone_put(r->zone, rr);

	if (put == ZONE_PUT_OK)
		return true;
	ldns_rr_free(rr);
	switch (put) {
	case ZONE_PUT_TWICE:
		return true;            /* RFC 2181 s5: one of them is enough */
	case ZONE_PUT_CNAME:
		return fail_entry(r, "beside a CNAME its name can have no other record");
	case ZONE_PUT_MANY:
		return fail(r, "more than %d records of one name and type", DNS_RRSET_MAX);
	case ZONE_PUT_TYPES:
		return fail(r, "more than %d types of records of one name", DNS_TYPES_MAX);
	default:
		return fail(r, "the zone is too large");
	}
}

/* "[class] [TTL]" becomes "[TTL] [class]": RFC 1035 s5.1 allows both, ldns one. */
static void order_fields(char *entry)
{
	slice rest = slice_from(entry), class, ttl;
	char text[WORD_TEXT];
	char *at;

	slice_cut(&rest, ' ');          /* the name, maybe empty */
	class = slice_cut(&rest, ' ');
	ttl = slice_cut(&rest, ' ');
	if (!is_number(ttl) || !is_class(class))
		return;
	snprintf(text, sizeof text, "%.*s", slice_arg(class));
	at = entry + ((const char *)class.ptr - entry);
	memmove(at, ttl.ptr, ttl.len);
	at[ttl.len] = ' ';
	memcpy(at + ttl.len + 1, text, class.len);
}

static bool take_record(struct reader *r)
{
	ldns_rr *rr = NULL;
	ldns_status status;

	if (r->entry[0] == ' ' && r->owner == NULL)
		return fail_entry(r, "the first record wants a name");
	order_fields(r->entry);
	status = ldns_rr_new_frm_str(&rr, r->entry, no_ttl, r->origin, &r->owner);
	if (status != LDNS_STATUS_OK)
		return fail_entry(r, words_of(status, r->entry));
	if (judge(r, rr))
		return keep(r, rr);
	ldns_rr_free(rr);
	return false;
}

/* ---- the whole text ---- */

static bool read_entries(struct reader *r, slice text)
{
	static const char *const faults[] = {
		[ZONE_OPEN_QUOTE] = "a quote is open at the end of the line",
		[ZONE_PARENTHESIS] = "a parenthesis without the other one",
		[ZONE_CONTROL] = "a byte that is no text",
	};
	struct zone_text entries = { text, 1 };
	enum zone_entry entry;
	bool ok = true;

	do {
		entry = zone_text_next(&entries, r->entry, &r->line);
		if (entry == ZONE_LONG)
			return fail(r, "over %d bytes in one record", DNS_ENTRY_MAX);
		if (entry != ZONE_ENTRY && entry != ZONE_END)
			return fail(r, "%s", faults[entry]);
		if (entry == ZONE_ENTRY)
			ok = r->entry[0] == '$' ? take_directive(r) : take_record(r);
	} while (ok && entry == ZONE_ENTRY);
	r->line = ok ? 0 : r->line;
	return ok;
}

static bool read_zone(struct reader *r, slice text, slice origin)
{
	if (text.len > DNS_ZONE_TEXT_MAX)
		return fail(r, "a zone file has at most %d bytes", DNS_ZONE_TEXT_MAX);
	if (dns_zones_count(r->zones) == DNS_ZONES_MAX)
		return fail(r, "more than %d zones", DNS_ZONES_MAX);
	if (origin.len > 0) {
		ldns_rdf *root = ldns_dname_new_frm_str(".");

		r->origin = read_name(origin, root);
		ldns_rdf_deep_free(root);
		if (r->origin == NULL) {
			char shown[WORD_TEXT];

			return fail(r, "\"%s\" is no name",
			    text_printable(origin, shown, sizeof shown));
		}
	} else {
		r->origin = ldns_rdf_clone(r->no_origin);
	}
	if (!read_entries(r, text))
		return false;
	if (r->zone->apex == NULL)
		return fail(r, "no record in this file");
	return true;
}

bool dns_zones_add(struct dns_zones *zones, slice text, slice origin, uint32_t ttl,
    struct dns_zone_error *ret_error)
{
	struct reader *r = heap_new(zones->heap, struct reader);
	bool ok;

	check(ttl <= ttl_max);
	*r = (struct reader){ .zones = zones, .zone = zone_create(zones->heap), .ttl = ttl,
	    .error = ret_error, .no_origin = ldns_dname_new_frm_str(no_origin) };
	check(r->no_origin != NULL);
	ok = read_zone(r, text, origin);
	if (ok)
		table_put(&zones->zones, r->zone->apex->name, r->zone);
	else
		zone_destroy(r->zone);
	ldns_rdf_deep_free(r->origin);
	ldns_rdf_deep_free(r->owner);
	ldns_rdf_deep_free(r->no_origin);
	heap_free(zones->heap, r);
	return ok;
}
