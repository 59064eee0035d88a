/* cli/lab_zones.c - what a newcomer would ask for with dig. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cli/lab.h"

enum { ZONE_TEXT = 4096 };

static void add(struct dns_zones *zones, const char *text)
{
	struct dns_zone_error fault;
	bool ok = dns_zones_add(zones, slice_from(text), (slice){ 0 }, 300, &fault);

	check(ok);
}

static void add_domain(struct dns_zones *zones, const struct lab_host *host)
{
	char text[ZONE_TEXT];

	snprintf(text, sizeof text,
	    "$ORIGIN %s.example.\n$TTL 300\n"
	    "@ IN SOA ns hostmaster 1 3600 600 86400 60\n"
	    "@ IN NS ns\n"
	    "@ IN MX 10 mail\n"
	    "@ IN TXT \"v=spf1 mx -all\"\n"
	    "@ IN A %s\n"
	    "ns IN A 127.0.0.1\n"
	    "mail IN A %s\n"
	    "www IN CNAME @\n"
	    "smtp IN CNAME mail\n"
	    "pop3 IN CNAME mail\n"
	    "imap IN CNAME mail\n", host->name, host->address, host->address);
	add(zones, text);
}

/* 127.0.0.2 is 2.0.0.127.in-addr.arpa. */
static void add_reverse(struct dns_zones *zones, const struct lab_host *hosts, size_t n)
{
	char text[ZONE_TEXT];
	int at = snprintf(text, sizeof text,
	    "$ORIGIN 127.in-addr.arpa.\n$TTL 300\n"
	    "@ IN SOA ns.bob.example. hostmaster.bob.example. 1 3600 600 86400 60\n"
	    "@ IN NS ns.bob.example.\n"
	    "1.0.0 IN PTR localhost.\n");

	for (size_t i = 0; i < n; i++)
		at += snprintf(text + at, sizeof text - (size_t)at, "%s.0.0 IN PTR mail.%s.example.\n",
		    strrchr(hosts[i].address, '.') + 1, hosts[i].name);
	add(zones, text);
}

void lab_zones_add(struct dns_zones *zones, const struct lab_host *hosts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_domain(zones, &hosts[i]);
	add_reverse(zones, hosts, n);
}

void lab_zones_close(struct dns_zones *zones)
{
	if (dns_zones_find(zones, slice_of("", 1)) != NULL)
		return;
	add(zones, "$ORIGIN .\n$TTL 300\n"
	    "@ IN SOA ns.bob.example. hostmaster.bob.example. 1 3600 600 86400 60\n"
	    "@ IN NS ns.bob.example.\n");
}
