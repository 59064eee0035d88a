/* cli/serve_dns.c - what the resolver wants of files, which it can't read when it is
 * confined: whom /etc/resolv.conf names (dns.servers = system), and dns.trust_anchor. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "cli/file.h"
#include "cli/serve.h"
#include "dns/anchor.h"

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

bool serve_dns_anchors(const struct setting *setting, struct arena *arena,
    const struct complaint *to, slice *ret_anchors)
{
	const struct config *config = setting->config;
	const char *path = slice_cstr(arena, config->dns_trust_anchor);
	struct buffer text, anchors;
	char why[DNS_ANCHOR_FAULT];
	int result;

	*ret_anchors = (slice){ 0 };
	if (!config->dns_validate || config->dns_trust_anchor.len == 0)
		return true;
	text = buffer_init(arena->heap, FILE_MAX);
	anchors = buffer_init(arena->heap, DNS_ANCHORS_MAX);
	result = file_read(AT_FDCWD, path, &text);
	if (result < 0)
		snprintf(why, sizeof why, "%s", result == -EFBIG ? "it is too large for some keys" :
		    strerror(-result));
	else if (!dns_anchors_read(buffer_bytes(&text), &anchors, why))
		result = -EINVAL;
	if (result == 0)
		*ret_anchors = slice_copy(arena, buffer_bytes(&anchors));
	else
		complain(to, "cannot use %s%s: %s", path, setting_where(setting, arena,
		    "dns.trust_anchor", config_line(config, "dns.trust_anchor")), why);
	buffer_free(&text);
	buffer_free(&anchors);
	return result == 0;
}

void serve_dns(struct config *config, struct arena *arena)
{
	struct buffer text = buffer_init(arena->heap, FILE_MAX);
	struct config_servers *servers = &config->dns_servers;
	slice rest;

	if (!servers->system)
		return;
	servers->list = arena_new(arena, struct os_address, CONFIG_SERVERS_MAX);
	if (file_read(AT_FDCWD, "/etc/resolv.conf", &text) == 0) {
		rest = buffer_bytes(&text);
		while (rest.len > 0 && servers->n < CONFIG_SERVERS_MAX) {
			slice line = slice_cut(&rest, '\n');

			if (read_line(line, &servers->list[servers->n]))
				servers->n++;
		}
	}
	buffer_free(&text);
	servers->system = false;
}
