/* dns/answer_write.h - a response as it grows: names compressed (RFC 1035 s4.1.4),
 * sets of records whole or not at all. For answer*.c only. */
#ifndef DNS_ANSWER_WRITE_H
#define DNS_ANSWER_WRITE_H

#include <ldns/ldns.h>

#include "base/buffer.h"
#include "dns/zone.h"

enum answer_section { ANSWER_QUESTION, ANSWER_ANSWER, ANSWER_AUTHORITY, ANSWER_EXTRA };

enum {
	ANSWER_HEADER = 12,
	ANSWER_OPT = 11,                /* an OPT record without options */
	ANSWER_SETS_MAX = 64,           /* that are remembered, so that none comes twice */
};

struct answer_writer {
	ldns_buffer *bytes;
	ldns_rbtree_t *names;           /* where they are; of ldns */
	size_t size_max;
	uint16_t counts[4];             /* of each section */
	bool full;                      /* a set was left out; nothing goes in any more */
	const struct dns_rrset *sets[ANSWER_SETS_MAX];
	const ldns_rdf *owners[ANSWER_SETS_MAX];
	size_t n_sets;
};

/* Begins with room for the header. size_max: of the whole, at most DNS_MESSAGE_MAX. */
void answer_writer_init(struct answer_writer *w, size_t size_max);
void answer_writer_free(struct answer_writer *w);

void answer_put_question(struct answer_writer *w, const ldns_rdf *name, uint16_t type,
    uint16_t class);

/* Put a set under `owner` (that of its records, or what a wildcard stands for; it
 * must live as long as the writer). False when it does not fit, or nothing fits any
 * more. What is there already is not put again. */
bool answer_put_set(struct answer_writer *w, enum answer_section section, const ldns_rdf *owner,
    const struct dns_rrset *set, uint32_t ttl);

/* There is always room for it: keep ANSWER_OPT below size_max. */
void answer_put_opt(struct answer_writer *w, uint8_t rcode_high, bool dnssec_ok);

/* Fill the header and append all to *out. */
void answer_finish(struct answer_writer *w, uint16_t id, uint16_t flags, struct buffer *out);

#endif
