/* cli/nameserver.c - posthouse nameserver: zone files, served on loopback. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/lab_dns.h"
#include "cli/output.h"
#include "cli/zone_files.h"
#include "os/os_uv.h"

static const char *const default_address = "127.0.0.1:5300";

struct nameserver {
	struct os *os;
	struct dns_zones *zones;
	struct lab_dns *dns;
	struct output *output;
	struct os_signal interrupt, terminate;
};

/* ---- its life ---- */

static void on_answered(void *owner, const struct lab_dns_event *event)
{
	const struct nameserver *n = owner;
	char client[OS_ADDRESS_TEXT];

	os_address_print(event->client, client, sizeof client);
	fprintf(output_file(n->output), "%s %s %s %s %s%s%s\n", client, event->tcp ? "TCP" : "UDP",
	    event->text->name[0] ? event->text->name : "-",
	    event->text->type[0] ? event->text->type : "-", event->text->rcode,
	    event->text->summary[0] ? " " : "", event->text->summary);
	fflush(output_file(n->output));
}

static void on_signal(struct os_signal *signal)
{
	struct nameserver *n = signal->owner;

	os_stop(n->os, 0);
}

static int serve(struct nameserver *n, const struct os_address *address, bool verbose)
{
	size_t count = dns_zones_count(n->zones);
	char text[OS_ADDRESS_TEXT];
	int error;

	n->dns = lab_dns_start(n->os, n->zones, address, verbose ? on_answered : NULL, n, &error);
	if (n->dns == NULL) {
		os_address_print(address, text, sizeof text);
		return cli_fail("cannot listen on %s: %s", text, strerror(-error));
	}
	n->interrupt = (struct os_signal){ .caught = on_signal, .owner = n };
	n->terminate = n->interrupt;
	os_signal_start(n->os, &n->interrupt, SIGINT);
	os_signal_start(n->os, &n->terminate, SIGTERM);
	os_address_print(lab_dns_address(n->dns), text, sizeof text);
	fprintf(output_file(n->output), "serving %zu zone%s on %s\n", count, count == 1 ? "" : "s",
	    text);
	fflush(output_file(n->output));
	os_uv_run(n->os);
	os_signal_stop(n->os, &n->interrupt);
	os_signal_stop(n->os, &n->terminate);
	lab_dns_stop(n->dns);
	return CLI_OK;
}

static bool take_address(const struct cli_args *args, struct os_address *ret)
{
	const char *value = cli_value(args, "--listen");
	char shown[64];

	if (!os_address_parse(slice_from(value != NULL ? value : default_address), ret) ||
	    ret->path[0] != 0) {
		cli_misuse("nameserver: --listen wants ADDR:PORT, not \"%s\"",
		    text_printable(slice_from(value), shown, sizeof shown));
		return false;
	}
	if (os_ip_is_loopback(ret->ip))
		return true;
	cli_misuse("nameserver: it serves this host alone: --listen 127.0.0.1:%u", ret->port);
	return false;
}

static int run(const struct cli_args *args)
{
	const struct os_uv_options options = { .name = "nameserver", .log_from = OS_ERROR };
	struct nameserver n = { 0 };
	struct os_address address;
	int status;

	if (cli_value(args, "--zone") == NULL)
		return cli_misuse("nameserver: which zones? --zone FILE");
	if (!take_address(args, &address))
		return CLI_USAGE;
	n.os = os_uv_create(&options);
	n.output = output_create(n.os, STDOUT_FILENO);
	n.zones = dns_zones_create(os_heap(n.os));
	status = zone_files_add(n.zones, args);
	if (status == CLI_OK)
		status = serve(&n, &address, cli_flag(args, "--verbose"));
	output_destroy(n.output);
	os_uv_destroy(n.os);
	return status;
}

const struct cli_command cli_nameserver = {
	.name = "nameserver",
	.words = "",
	.summary = "an authoritative name server for zone files, for labs",
	.details =
	    "Answers for the zones it was given, over UDP and TCP, on loopback, until Ctrl-C:\n"
	    "    posthouse nameserver --zone alice.example=alice.zone --verbose &\n"
	    "    dig @127.0.0.1 -p 5300 alice.example MX\n"
	    "A zone file (RFC 1035) begins with its SOA record. Where names in it do not end\n"
	    "in a dot, it says $ORIGIN first, or the zone's name stands before it: NAME=FILE.\n"
	    "Reverse zones are zones like others. Other names get REFUSED; nothing is looked\n"
	    "up elsewhere. Files are read once.\n",
	.options = {
		{ "--zone", "FILE", "Serve this zone: FILE or NAME=FILE; may be repeated." },
		{ "--listen", "ADDR:PORT", "An address of this host (127.0.0.1:5300)." },
		{ "--verbose", NULL, "Print a line for each question and its answer." },
	},
	.run = run,
};
