/* dns/anchor.h - the keys that validation begins with (RFC 4033 s2, RFC 7958), as a file
 * has them: DS or DNSKEY records, one a line; ";" begins a comment. */
#ifndef DNS_ANCHOR_H
#define DNS_ANCHOR_H

#include "base/buffer.h"

enum { DNS_ANCHOR_FAULT = 200 };

/* Append each record to *out, a line each, as libunbound reads them. Of a file that a
 * resolver keeps (RFC 5011) only keys that it trusts count: valid or missing ones.
 * False: *out is to be thrown away, and ret_why says what is wrong with which line, or
 * that there is no key. */
bool dns_anchors_read(slice text, struct buffer *out, char ret_why[DNS_ANCHOR_FAULT]);

#endif
