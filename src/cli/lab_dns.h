/* cli/lab_dns.h - an authoritative name server on loopback, UDP and TCP (RFC 7766).
 *
 * For labs: whoever needs a domain that is not there. dns/answer.h says what it
 * answers. One datagram or one message of a stream is one question; those of a
 * stream may come before the answers to others have left, and are answered in turn.
 *
 * (1) At most LAB_DNS_CLIENTS_MAX streams: a new one ends the one that was silent
 *     longest. One that asks nothing for LAB_DNS_IDLE_MS ends as well.
 * (2) A client that does not read gets no more answers than LAB_DNS_OUTPUT_MAX holds,
 *     and its questions wait. */
#ifndef CLI_LAB_DNS_H
#define CLI_LAB_DNS_H

#include "dns/answer.h"
#include "os/os.h"

struct lab_dns;

/* One question that was answered. Borrowed for the call. */
struct lab_dns_event {
	const struct os_address *client;
	bool tcp;
	const struct dns_answer_text *text;
};

/* Serve `zones`, which stay as they are until lab_dns_stop(), at `address`: an ip
 * of loopback (else -EACCES in *ret_error); port 0 takes one that is free for both.
 * `answered` is called after each answer, on the loop; it may be NULL and must not
 * stop the server. NULL, with -errno in *ret_error, when it can't be. */
struct lab_dns *lab_dns_start(struct os *os, const struct dns_zones *zones,
    const struct os_address *address,
    void (*answered)(void *owner, const struct lab_dns_event *event), void *owner,
    int *ret_error);
const struct os_address *lab_dns_address(const struct lab_dns *dns);
void lab_dns_stop(struct lab_dns *dns);         /* NULL is allowed */

#endif
