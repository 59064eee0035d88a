/* os/os_address.c - addresses of listeners and peers as text and back.
 *
 * Numbers only: no name is ever looked up here. An IPv4 address is kept as
 * ::ffff:a.b.c.d, and printed without that prefix. */
#include "os/os.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"

enum { V4_BITS = 96 };                  /* of the prefix of an IPv4 address */

static const uint8_t v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_v4(const uint8_t ip[16])
{
	return memcmp(ip, v4_prefix, sizeof v4_prefix) == 0;
}

bool os_ip_parse(slice text, uint8_t ret_ip[16])
{
	char name[OS_IP_TEXT];
	uint8_t ip[16];

	if (text.len == 0 || text.len >= sizeof name || slice_find_byte(text, 0) != text.len)
		return false;
	memcpy(name, text.ptr, text.len);
	name[text.len] = 0;
	if (inet_pton(AF_INET, name, ip + sizeof v4_prefix) == 1)
		memcpy(ip, v4_prefix, sizeof v4_prefix);
	else if (inet_pton(AF_INET6, name, ip) != 1)
		return false;
	memcpy(ret_ip, ip, sizeof ip);
	return true;
}

static bool parse_path(slice path, struct os_address *ret_address)
{
	if (path.len == 0 || path.len >= sizeof ret_address->path ||
	    slice_find_byte(path, 0) != path.len)
		return false;
	*ret_address = (struct os_address){ 0 };
	memcpy(ret_address->path, path.ptr, path.len);
	return true;
}

bool os_address_parse(slice text, struct os_address *ret_address)
{
	struct os_address address = { 0 };
	size_t colon = slice_find_last_byte(text, ':');
	slice host, port;
	uint64_t number;
	bool bracketed;

	if (slice_starts(text, slice_lit("unix:")))
		return parse_path(slice_drop(text, 5), ret_address);
	if (colon == text.len)
		return false;
	host = slice_head(text, colon);
	port = slice_drop(text, colon + 1);
	bracketed = slice_starts(host, slice_lit("[")) && slice_ends(host, slice_lit("]"));
	if (bracketed)
		host = slice_sub(host, 1, host.len - 2);
	/* Brackets are IPv6's, and without them its last group would be the port. */
	if (bracketed != (slice_find_byte(host, ':') < host.len))
		return false;
	if (!slice_to_u64(port, UINT16_MAX, &number) || !os_ip_parse(host, address.ip))
		return false;
	address.port = (uint16_t)number;
	*ret_address = address;
	return true;
}

bool os_address_from(const struct sockaddr *from, struct os_address *ret_address)
{
	struct os_address address = { 0 };
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	/* Copied: nobody says that it is aligned for more than its first field. */
	if (from->sa_family == AF_INET) {
		memcpy(&in, from, sizeof in);
		memcpy(address.ip, v4_prefix, sizeof v4_prefix);
		memcpy(address.ip + sizeof v4_prefix, &in.sin_addr, 4);
		address.port = ntohs(in.sin_port);
	} else if (from->sa_family == AF_INET6) {
		memcpy(&in6, from, sizeof in6);
		memcpy(address.ip, &in6.sin6_addr, 16);
		address.port = ntohs(in6.sin6_port);
	} else {
		return false;
	}
	*ret_address = address;
	return true;
}

size_t os_ip_print(const uint8_t ip[16], char *ret_text, size_t size)
{
	bool v4 = is_v4(ip);
	const char *text;

	check(size >= OS_IP_TEXT);
	text = inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip + sizeof v4_prefix : ip, ret_text,
	    (socklen_t)size);
	check(text != NULL);
	return strlen(ret_text);
}

size_t os_address_print(const struct os_address *address, char *ret_text, size_t size)
{
	char ip[OS_IP_TEXT];
	int n;

	check(size >= OS_ADDRESS_TEXT);
	if (address->path[0] != 0) {
		n = snprintf(ret_text, size, "unix:%s", address->path);
	} else {
		os_ip_print(address->ip, ip, sizeof ip);
		n = snprintf(ret_text, size, strchr(ip, ':') ? "[%s]:%u" : "%s:%u", ip,
		    address->port);
	}
	check(n > 0 && (size_t)n < size);
	return (size_t)n;
}

bool os_ip_is_loopback(const uint8_t ip[16])
{
	static const uint8_t v6[16] = { [15] = 1 };

	if (is_v4(ip))
		return ip[12] == 127;
	return memcmp(ip, v6, sizeof v6) == 0;
}

slice os_ip_peer(const uint8_t ip[16])
{
	return slice_of(ip, is_v4(ip) ? 16 : 8);
}

slice os_ip_network(const uint8_t ip[16])
{
	return slice_of(ip, is_v4(ip) ? 15 : 6);
}

/* ---- prefixes ---- */

static bool same_bits(const uint8_t a[16], const uint8_t b[16], unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) & (0xff << (8 - rest)) & 0xff) == 0;
}

bool os_prefix_parse(slice text, struct os_prefix *ret_prefix)
{
	struct os_prefix prefix = { .bits = 128 };
	uint8_t masked[16] = { 0 };
	bool slash = slice_find_byte(text, '/') < text.len;
	slice host = slice_cut(&text, '/');
	uint64_t bits;

	if (!os_ip_parse(host, prefix.ip))
		return false;
	if (slash) {
		/* "::ffff:192.0.2.0/120" is written in the 128 bits. */
		bool short_form = slice_find_byte(host, ':') == host.len;

		if (!slice_to_u64(text, short_form ? 32 : 128, &bits))
			return false;
		prefix.bits = (unsigned)bits + (short_form ? V4_BITS : 0);
	}
	memcpy(masked, prefix.ip, prefix.bits / 8);
	if (prefix.bits % 8 != 0)
		masked[prefix.bits / 8] = prefix.ip[prefix.bits / 8] &
		    (uint8_t)(0xff << (8 - prefix.bits % 8));
	if (memcmp(masked, prefix.ip, sizeof masked) != 0)
		return false;
	*ret_prefix = prefix;
	return true;
}

size_t os_prefix_print(const struct os_prefix *prefix, char *ret_text, size_t size)
{
	size_t n = os_ip_print(prefix->ip, ret_text, size);
	bool v4 = is_v4(prefix->ip) && prefix->bits >= V4_BITS;

	check(size >= OS_PREFIX_TEXT);
	if (prefix->bits == 128)
		return n;
	return n + (size_t)snprintf(ret_text + n, size - n, "/%u",
	    v4 ? prefix->bits - V4_BITS : prefix->bits);
}

bool os_prefix_has(const struct os_prefix *prefix, const uint8_t ip[16])
{
	return same_bits(prefix->ip, ip, prefix->bits);
}
