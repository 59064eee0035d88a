/* cli/serve_dns.c - whom /etc/resolv.conf names, for dns.servers = system: a confined
 * role can't read it. */
#include <errno.h>
#include <fcntl.h>

#include "base/limits.h"
#include "cli/file.h"
#include "cli/serve.h"

enum { FILE_MAX = 64 * 1024, DNS_PORT = 53 };

/* "nameserver 192.0.2.1"; a scoped address ("fe80::1%eth0") is none of ours. */
static bool read_line(slice line, struct os_address *ret)
{
	static const slice key = slice_lit("nameserver");

	line = slice_trim(line);
	if (!slice_starts(line, key) || line.len == key.len ||
	    (line.ptr[key.len] != ' ' && line.ptr[key.len] != '\t'))
		return false;
	*ret = (struct os_address){ .port = DNS_PORT };
	return os_ip_parse(slice_trim(slice_drop(line, key.len)), ret->ip);
}

void serve_dns(struct config *config, struct arena *arena)
{
	struct buffer text = buffer_init(arena->heap, FILE_MAX);
	slice rest;

	if (!config->dns_system)
		return;
	config->dns_servers = arena_new(arena, struct os_address, CONFIG_SERVERS_MAX);
	if (file_read(AT_FDCWD, "/etc/resolv.conf", &text) == 0) {
		rest = buffer_bytes(&text);
		while (rest.len > 0 && config->n_dns_servers < CONFIG_SERVERS_MAX) {
			slice line = slice_cut(&rest, '\n');

			if (read_line(line, &config->dns_servers[config->n_dns_servers]))
				config->n_dns_servers++;
		}
	}
	buffer_free(&text);
	config->dns_system = false;
}
