/* os/os_address.c - addresses of listeners and peers as text and back.
 *
 * Numbers only: no name is ever looked up here. An IPv4 address is kept as
 * ::ffff:a.b.c.d, and printed without that prefix. */
#include "os/os.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

static const uint8_t v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

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

size_t os_ip_print(const uint8_t ip[16], char *ret_text, size_t size)
{
	bool v4 = memcmp(ip, v4_prefix, sizeof v4_prefix) == 0;
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

	if (memcmp(ip, v4_prefix, sizeof v4_prefix) == 0)
		return ip[12] == 127;
	return memcmp(ip, v6, sizeof v6) == 0;
}
