/* dns/answer_write.c - records into a message; ldns compresses the names. */
#include "dns/answer_write.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/limits.h"

/* Memory that ran out is the only way to get here, and ends the process as in
 * base/heap.h. */
static void put_ok(const struct answer_writer *w)
{
	check(ldns_buffer_status(w->bytes) == LDNS_STATUS_OK);
}

static void reserve(struct answer_writer *w, size_t n)
{
	check(ldns_buffer_reserve(w->bytes, n));
}

void answer_writer_init(struct answer_writer *w, size_t size_max)
{
	check(size_max >= DNS_UDP_PLAIN_MAX && size_max <= DNS_MESSAGE_MAX);
	*w = (struct answer_writer){ .bytes = ldns_buffer_new(DNS_UDP_PLAIN_MAX),
	    .names = ldns_rbtree_create(ldns_dname_compare_v), .size_max = size_max };
	check(w->bytes != NULL && w->names != NULL);
	reserve(w, ANSWER_HEADER);
	ldns_buffer_skip(w->bytes, ANSWER_HEADER);
}

static void free_name(ldns_rbnode_t *node, void *context)
{
	ldns_rdf_deep_free((ldns_rdf *)(uintptr_t)node->key);
	free(node);
}

void answer_writer_free(struct answer_writer *w)
{
	ldns_traverse_postorder(w->names, free_name, NULL);
	ldns_rbtree_free(w->names);
	ldns_buffer_free(w->bytes);
}

static void put_u16(struct answer_writer *w, uint16_t value)
{
	reserve(w, 2);
	ldns_buffer_write_u16(w->bytes, value);
}

static void put_u32(struct answer_writer *w, uint32_t value)
{
	reserve(w, 4);
	ldns_buffer_write_u32(w->bytes, value);
}

void answer_put_question(struct answer_writer *w, const ldns_rdf *name, uint16_t type,
    uint16_t class)
{
	ldns_dname2buffer_wire_compress(w->bytes, name, w->names);
	put_ok(w);
	put_u16(w, type);
	put_u16(w, class);
	w->counts[ANSWER_QUESTION]++;
}

static void put_record(struct answer_writer *w, const ldns_rdf *owner, const ldns_rr *rr,
    uint32_t ttl)
{
	const ldns_rr_descriptor *type = ldns_rr_descript((uint16_t)ldns_rr_get_type(rr));
	size_t length_at;

	ldns_dname2buffer_wire_compress(w->bytes, owner, w->names);
	put_ok(w);
	put_u16(w, (uint16_t)ldns_rr_get_type(rr));
	put_u16(w, LDNS_RR_CLASS_IN);
	put_u32(w, ttl);
	length_at = ldns_buffer_position(w->bytes);
	put_u16(w, 0);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		/* RFC 3597 s4: only in types that are older than that rule. */
		if (type->_compress == LDNS_RR_COMPRESS)
			ldns_rdf2buffer_wire_compress(w->bytes, ldns_rr_rdf(rr, i), w->names);
		else
			ldns_rdf2buffer_wire(w->bytes, ldns_rr_rdf(rr, i));
		put_ok(w);
	}
	ldns_buffer_write_u16_at(w->bytes, length_at,
	    (uint16_t)(ldns_buffer_position(w->bytes) - length_at - 2));
}

static bool is_there(const struct answer_writer *w, const ldns_rdf *owner,
    const struct dns_rrset *set)
{
	for (size_t i = 0; i < w->n_sets; i++) {
		if (w->sets[i] == set && ldns_dname_compare(w->owners[i], owner) == 0)
			return true;
	}
	return false;
}

bool answer_put_set(struct answer_writer *w, enum answer_section section, const ldns_rdf *owner,
    const struct dns_rrset *set, uint32_t ttl)
{
	size_t before = ldns_buffer_position(w->bytes);

	if (w->full)
		return false;
	if (is_there(w, owner, set))
		return true;
	for (const struct dns_rr *at = set->first; at != NULL && !w->full; at = at->next) {
		put_record(w, owner, at->rr, ttl);
		w->full = ldns_buffer_position(w->bytes) > w->size_max;
	}
	if (w->full) {
		/* Names that were in it are known to `names`: so nothing comes after. */
		ldns_buffer_set_position(w->bytes, before);
		return false;
	}
	w->counts[section] += (uint16_t)set->count;
	if (w->n_sets < ANSWER_SETS_MAX) {
		w->sets[w->n_sets] = set;
		w->owners[w->n_sets++] = owner;
	}
	return true;
}

void answer_put_opt(struct answer_writer *w, uint8_t rcode_high, bool dnssec_ok)
{
	/* RFC 6891 s6.1.2: the root, the type, our size, three fields in a TTL, nothing. */
	reserve(w, ANSWER_OPT);
	ldns_buffer_write_u8(w->bytes, 0);
	put_u16(w, LDNS_RR_TYPE_OPT);
	put_u16(w, DNS_UDP_MAX);
	put_u32(w, (uint32_t)rcode_high << 24 | (dnssec_ok ? 0x8000 : 0));
	put_u16(w, 0);
	w->counts[ANSWER_EXTRA]++;
}

void answer_finish(struct answer_writer *w, uint16_t id, uint16_t flags, struct buffer *out)
{
	ldns_buffer_write_u16_at(w->bytes, 0, id);
	ldns_buffer_write_u16_at(w->bytes, 2, flags);
	for (size_t i = 0; i < 4; i++)
		ldns_buffer_write_u16_at(w->bytes, 4 + 2 * i, w->counts[i]);
	put_ok(w);
	buffer_add(out, slice_of(ldns_buffer_begin(w->bytes), ldns_buffer_position(w->bytes)));
}
