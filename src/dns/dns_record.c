/* dns/dns_record.c - names, MX and addresses out of wire form, MX in order. */
#include "dns/dns_record.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_MAX = 63, WIRE_MAX = 255 };

static bool is_label_byte(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '.';
}

bool dns_name_read(slice *rest, char ret_text[DNS_NAME_TEXT])
{
	slice in = *rest;
	size_t n = 0;

	for (;;) {
		size_t len = in.len > 0 ? in.ptr[0] : LABEL_MAX + 1;

		if (len > LABEL_MAX || in.len < 1 + len || n + len + 2 > WIRE_MAX)
			return false;
		if (len == 0)
			break;
		if (n > 0)
			ret_text[n++] = '.';
		for (size_t i = 1; i <= len; i++) {
			if (!is_label_byte(in.ptr[i]))
				return false;
			ret_text[n++] = (char)ascii_lower(in.ptr[i]);
		}
		in = slice_drop(in, 1 + len);
	}
	ret_text[n] = '\0';
	*rest = slice_drop(in, 1);
	return true;
}

size_t dns_name_write(slice text, unsigned char ret_wire[DNS_NAME_TEXT])
{
	size_t n = 0;

	while (text.len > 0) {
		slice label = slice_cut(&text, '.');

		if (label.len == 0 || label.len > LABEL_MAX || n + label.len + 2 > WIRE_MAX)
			return 0;
		ret_wire[n++] = (unsigned char)label.len;
		memcpy(ret_wire + n, label.ptr, label.len);
		n += label.len;
	}
	ret_wire[n] = 0;
	return n + 1;
}

bool dns_mx_read(slice data, struct dns_mx *ret_mx)
{
	slice rest;

	if (data.len < 2)
		return false;
	ret_mx->preference = (uint16_t)(data.ptr[0] << 8 | data.ptr[1]);
	rest = slice_drop(data, 2);
	return dns_name_read(&rest, ret_mx->host) && rest.len == 0;
}

/* Insertion: few records, and equal ones have been shuffled before. */
static void sort(struct dns_mx *list, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct dns_mx mx = list[i];
		size_t at = i;

		for (; at > 0 && list[at - 1].preference > mx.preference; at--)
			list[at] = list[at - 1];
		list[at] = mx;
	}
}

void dns_mx_sort(struct dns_mx *list, size_t n, uint64_t (*random)(void *context),
    void *context)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)(random(context) % i);
		struct dns_mx mx = list[i - 1];

		list[i - 1] = list[j];
		list[j] = mx;
	}
	sort(list, n);
}

bool dns_address_read(unsigned type, slice data, uint8_t ret_ip[16])
{
	static const uint8_t v4[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (type == DNS_AAAA && data.len == 16) {
		memcpy(ret_ip, data.ptr, 16);
		return true;
	}
	if (type != DNS_A || data.len != 4)
		return false;
	memcpy(ret_ip, v4, sizeof v4);
	memcpy(ret_ip + sizeof v4, data.ptr, 4);
	return true;
}

const char *dns_type_print(unsigned type, char ret_text[DNS_TYPE_TEXT])
{
	static const struct {
		enum dns_type type;
		const char *name;
	} names[] = {
		{ DNS_A, "A" }, { DNS_NS, "NS" }, { DNS_CNAME, "CNAME" }, { DNS_SOA, "SOA" },
		{ DNS_PTR, "PTR" }, { DNS_MX, "MX" }, { DNS_TXT, "TXT" }, { DNS_AAAA, "AAAA" },
		{ DNS_TLSA, "TLSA" }, { DNS_ANY, "ANY" },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (names[i].type == type)
			return names[i].name;
	}
	snprintf(ret_text, DNS_TYPE_TEXT, "TYPE%u", type & 0xffff);
	return ret_text;
}
