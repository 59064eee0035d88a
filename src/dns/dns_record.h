/* dns/dns_record.h - records of the DNS as mail needs them (RFC 1035, RFC 3596).
 *
 * Data comes in wire form, without compression, from whoever asked. A name as text
 * is lower case, without the final dot; the root is "". */
#ifndef DNS_DNS_RECORD_H
#define DNS_DNS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_TLSA = 52,
	DNS_ANY = 255,
};

enum { DNS_NAME_TEXT = 256 };           /* with a NUL */

/* Take the name at the front of *rest. False: it is cut short, too long, compressed,
 * or a label holds what no host name does (a dot, a blank, a control, 8 bits). */
bool dns_name_read(slice *rest, char ret_text[DNS_NAME_TEXT]);

/* The other way, for those who make up answers; at most 255 bytes. 0: no name. */
size_t dns_name_write(slice text, unsigned char ret_wire[DNS_NAME_TEXT]);

struct dns_mx {
	uint16_t preference;            /* lower ones first */
	char host[DNS_NAME_TEXT];       /* "": no mail here (RFC 7505) */
};

bool dns_mx_read(slice data, struct dns_mx *ret_mx);

/* By preference; equal ones in an order that `random` draws (RFC 5321 s5.1). */
void dns_mx_sort(struct dns_mx *list, size_t n, uint64_t (*random)(void *context),
    void *context);

/* The data of an A or AAAA, an IPv4 address as ::ffff:a.b.c.d. */
bool dns_address_read(unsigned type, slice data, uint8_t ret_ip[16]);

/* "MX"; "TYPE123" for what has no name here. */
enum { DNS_TYPE_TEXT = 12 };
const char *dns_type_print(unsigned type, char ret_text[DNS_TYPE_TEXT]);

#endif
