/* dns/answer.h - an authoritative name server: one query in, one response out.
 *
 * No socket, no clock, no state. What it does (RFC 1034 section 4.3.2, 1035, 2308,
 * 4592, 6891):
 *
 *   in our zones     AA, the records; or none and the SOA: NXDOMAIN, or NOERROR when
 *                    the name has others or has names below it. Wildcards. CNAMEs
 *                    are followed through all our zones, DNS_CHAIN_MAX of them.
 *   below a cut      (an NS that is not the zone's own) NS and addresses, not AA
 *   elsewhere        REFUSED; so are classes other than IN and zone transfers
 *   no query         too short, or a response: nothing. Cannot be read: FORMERR.
 *                    Another opcode: NOTIMP.
 *
 * ANY gets all records of the name. The addresses of hosts that MX, NS and SRV
 * name come along where we know them. What does not fit is left out a whole set
 * at a time, and said by TC when it was the answer. Not done: DNSSEC (no proofs
 * that something is not there), DNAME. */
#ifndef DNS_ANSWER_H
#define DNS_ANSWER_H

#include "base/buffer.h"
#include "dns/zone.h"

/* Append the response to *out, which has room for DNS_MESSAGE_MAX; nothing when
 * there is none to be given. Over UDP it has at most what the client takes and
 * DNS_UDP_MAX bytes. */
void dns_answer(const struct dns_zones *zones, slice query, bool tcp, struct buffer *out);

/* A response as people read it, each text printable and ended by a NUL. */
struct dns_answer_text {
	char name[4 * DNS_NAME_MAX + 2];        /* of the question; "" without one */
	char type[16];                          /* "MX", "TYPE65280" */
	char rcode[16];                         /* "NOERROR" */
	/* "10 mx.alice.example.; A 192.0.2.1": the answer, whose records of another
	 * type than was asked for have theirs before them; or "no such record". */
	char summary[DNS_SUMMARY_MAX];
};

/* False when it can't be read: it is none of ours. */
bool dns_answer_describe(slice response, struct dns_answer_text *ret_text);

#endif
