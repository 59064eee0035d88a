/* http/access.c - names in Host and Origin. */
#include "http/access.h"

#include <arpa/inet.h>
#include <string.h>

slice http_list_next(slice *rest)
{
	slice word;
	size_t n = 0;

	while (rest->len > 0 && strchr(", \t\r\n", rest->ptr[0]) != NULL && rest->ptr[0] != 0)
		*rest = slice_drop(*rest, 1);
	while (n < rest->len && (strchr(", \t\r\n", rest->ptr[n]) == NULL || rest->ptr[n] == 0))
		n++;
	word = slice_head(*rest, n);
	*rest = slice_drop(*rest, n);
	return word;
}

slice http_host_name(slice host)
{
	size_t end;

	if (host.len > 0 && host.ptr[0] == '[') {
		end = slice_find_byte(host, ']');
		return end < host.len ? slice_sub(host, 1, end - 1) : (slice){ 0 };
	}
	host = slice_head(host, slice_find_byte(host, ':'));
	if (host.len > 1 && host.ptr[host.len - 1] == '.')
		host.len--;
	return host;
}

/* 127.0.0.0/8, RFC 1122 s3.2.1.3; ::1, RFC 4291 s2.5.3; the first written as the second. */
static bool is_loopback(slice name)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char ip[16];

	if (name.len == 0 || name.len >= sizeof text || slice_find_byte(name, 0) < name.len)
		return false;
	memcpy(text, name.ptr, name.len);
	text[name.len] = 0;
	if (inet_pton(AF_INET, text, ip) == 1)
		return ip[0] == 127;
	if (inet_pton(AF_INET6, text, ip) != 1)
		return false;
	if (IN6_IS_ADDR_V4MAPPED((struct in6_addr *)ip))
		return ip[12] == 127;
	return IN6_IS_ADDR_LOOPBACK((struct in6_addr *)ip);
}

bool http_host_is_local(slice host)
{
	slice name = http_host_name(host), below = slice_lit(".localhost");

	if (slice_equal_ascii(name, slice_lit("localhost")))
		return true;
	if (name.len > below.len &&
	    slice_equal_ascii(slice_drop(name, name.len - below.len), below))
		return true;
	return is_loopback(name);
}

bool http_host_is_listed(slice host, slice list)
{
	slice name = http_host_name(host), word;

	while ((word = http_list_next(&list)).len > 0) {
		if (slice_equal(word, slice_lit("*")) ||
		    (name.len > 0 && slice_equal_ascii(http_host_name(word), name)))
			return true;
	}
	return false;
}

/* What is behind "://". Empty: nothing. */
static slice authority(slice origin)
{
	slice before = slice_lit("://");
	size_t at = slice_find(origin, before);

	return at < origin.len ? slice_drop(origin, at + before.len) : (slice){ 0 };
}

bool http_origin_is_own(slice origin, slice host)
{
	slice asked = authority(origin);

	return asked.len > 0 && slice_equal_ascii(asked, host);
}

bool http_origin_is_listed(slice origin, slice list)
{
	slice asked = authority(origin), word;

	while ((word = http_list_next(&list)).len > 0) {
		if (slice_ends(word, slice_lit("/")))
			word.len--;
		if (slice_equal(word, slice_lit("*")) || slice_equal_ascii(word, origin))
			return true;
		if (asked.len > 0 && (slice_equal_ascii(word, asked) ||
		    slice_equal_ascii(word, http_host_name(asked))))
			return true;
	}
	return false;
}
