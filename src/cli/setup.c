/* cli/setup.c - posthouse setup DOMAIN: a first posthouse.conf, the postmaster's
 * account, and the DNS records that make other hosts find us. */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/file.h"
#include "cli/setting.h"
#include "directory/name.h"
#include "mail/utf8.h"
#include "os/os.h"

enum {
	MEMORY = 8 * 1024 * 1024,
	NAME = 256,
	ADDRESSES_MAX = 16,
	TEXT = SETUP_PATH_MAX + 4 * NAME + 2048,
};

struct setup {
	const struct cli_args *args;
	char domain[NAME], hostname[NAME];
	const char *config;
	char data[SETUP_PATH_MAX + 1];  /* absolute: who starts the server may stand elsewhere */
	char addresses[ADDRESSES_MAX][OS_IP_TEXT];
	size_t n_addresses;
};

/* ---- names ---- */

/* Lower-case A-labels: as the DNS has them. False after a line. */
static bool take_name(const char *word, const char *what, char ret_name[NAME])
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, MEMORY);
	char shown[64];
	slice name;
	bool ok = name_domain(&arena, slice_from(word), &name) && name.len < NAME &&
	    slice_find_byte(name, '.') < name.len;

	if (ok)
		snprintf(ret_name, NAME, "%.*s", slice_arg(name));
	else
		cli_misuse("setup: \"%s\" is no %s; write one like example.org",
		    text_printable(slice_from(word), shown, sizeof shown), what);
	heap_drop(heap);
	return ok;
}

/* ---- the data folder ---- */

/* As it stands in posthouse.conf: a "#" there may begin a comment. */
static bool judge_data(const struct setup *s)
{
	size_t len = strlen(s->data);
	char shown[200];
	const char *what = NULL;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s->data[i];

		if (c == '#')
			what = "a \"#\", which begins a comment in posthouse.conf";
		else if (c < ' ' || c == 0x7f)
			what = "a control character";
	}
	if (!utf8_valid(slice_from(s->data)))
		what = "bytes that are no UTF-8";
	if (len > 0 && s->data[len - 1] == ' ')
		what = "a blank at its end";
	if (what == NULL)
		return true;
	text_printable(slice_from(s->data), shown, sizeof shown);
	cli_misuse("setup: the data folder %s has %s in its path; --data DIR names another one",
	    shown, what);
	return false;
}

/* Absolute, without slashes at its end. */
static bool take_data(struct setup *s, const char *path)
{
	char here[PATH_MAX] = "";
	int n;

	if (path[0] != '/' && getcwd(here, sizeof here) == NULL) {
		cli_fail("cannot tell which folder this is: %s; --data /DIR names one",
		    strerror(errno));
		return false;
	}
	while (strncmp(path, "./", 2) == 0)
		path += 1 + strspn(path + 1, "/");
	n = snprintf(s->data, sizeof s->data, "%s%s%s", here, here[0] != '\0' && here[1] != '\0' ?
	    "/" : "", path);
	if (n < 0 || (size_t)n >= sizeof s->data) {
		cli_misuse("setup: the path of the data folder is too long: %d bytes at most",
		    SETUP_PATH_MAX);
		return false;
	}
	while (n > 1 && s->data[n - 1] == '/')
		s->data[--n] = '\0';
	return judge_data(s);
}

/* ---- addresses that others could reach us at ---- */

static bool is_public(const struct os_address *address)
{
	const uint8_t *ip = address->ip;
	struct os_prefix link_local;

	return !os_ip_is_loopback(ip) && os_prefix_parse(slice_lit("fe80::/10"), &link_local) &&
	    !os_prefix_has(&link_local, ip);
}

static void add_address(struct setup *s, const struct sockaddr *from)
{
	struct os_address address;

	if (from == NULL || s->n_addresses == ADDRESSES_MAX || !os_address_from(from, &address))
		return;
	if (is_public(&address))
		os_ip_print(address.ip, s->addresses[s->n_addresses++], OS_IP_TEXT);
}

static void find_addresses(struct setup *s)
{
	struct ifaddrs *list;

	if (getifaddrs(&list) < 0)
		return;
	for (struct ifaddrs *at = list; at != NULL; at = at->ifa_next)
		add_address(s, at->ifa_addr);
	freeifaddrs(list);
}

/* ---- posthouse.conf ---- */

static bool write_config(const struct setup *s)
{
	char text[TEXT];
	int result;

	snprintf(text, sizeof text,
	    "# posthouse.conf, made by `posthouse setup`; `posthouse help config` tells every key.\n"
	    "hostname = %s\n"
	    "domains  = %s\n"
	    "data     = %s\n"
	    "\n"
	    "# Accounts begin with Archive, Drafts, Junk, Sent and Trash: all programs use the same.\n"
	    "mailbox.special_use = yes\n"
	    "\n"
	    "# A certificate that other mail programs trust, for that hostname. Without these two a\n"
	    "# self-signed one is made.\n"
	    "# tls.certificate = /etc/letsencrypt/live/%s/fullchain.pem\n"
	    "# tls.key         = /etc/letsencrypt/live/%s/privkey.pem\n"
	    "\n"
	    "# Networks that many of your people share one address of: no limits per address there.\n"
	    "# limit.trusted = 127.0.0.0/8, ::1, 192.0.2.0/24\n", s->hostname, s->domain, s->data,
	    s->hostname, s->hostname);
	result = file_write(AT_FDCWD, s->config, slice_from(text), false);
	if (result == -EEXIST)
		cli_fail("%s is there already: nothing was changed; --config names another file",
		    s->config);
	else if (result < 0)
		cli_fail("cannot write %s: %s", s->config, strerror(-result));
	return result == 0;
}

/* ---- the postmaster ---- */

/* RFC 5321 s4.5.1: there must be one. As `posthouse account add` does it. */
static int add_postmaster(const struct setup *s)
{
	char address[NAME + 16];
	const char *words[6] = { "add", address, "--config", s->config };
	int n = 4;
	struct cli_args args;

	snprintf(address, sizeof address, "postmaster@%s", s->domain);
	if (cli_flag(s->args, "--password-stdin"))
		words[n++] = "--password-stdin";
	else if (cli_flag(s->args, "--generate") || !isatty(STDIN_FILENO))
		words[n++] = "--generate";
	if (!cli_parse(&cli_account, n, (char **)(uintptr_t)words, &args))
		return CLI_USAGE;
	return cli_account.run(&args);
}

/* ---- what to publish ---- */

static void print_records(const struct setup *s)
{
	printf("\nPublish these records (the zone of %s):\n\n", s->domain);
	printf("  %s.  IN MX 10 %s.\n", s->domain, s->hostname);
	for (size_t i = 0; i < s->n_addresses; i++)
		printf("  %s.  IN %s %s\n", s->hostname,
		    strchr(s->addresses[i], ':') != NULL ? "AAAA" : "A", s->addresses[i]);
	if (s->n_addresses == 0)
		printf("  %s.  IN A     (the address that others reach this machine at)\n",
		    s->hostname);
	printf("  %s.  IN TXT \"v=spf1 mx -all\"\n", s->domain);
	printf("  _dmarc.%s.  IN TXT \"v=DMARC1; p=none; rua=mailto:postmaster@%s\"\n", s->domain,
	    s->domain);
	printf("\nand, at who gave you the address, its PTR record: %s\n", s->hostname);
	if (s->n_addresses > 0)
		printf("(Addresses are those of this machine; behind a NAT publish the outer one.)\n");
}

static void print_next(const struct setup *s)
{
	printf("\nThen:\n");
	if (geteuid() == 0 && getpwnam("posthouse") == NULL)
		printf("  useradd --system posthouse     # whom the processes become\n");
	printf("  %s check --config %s\n"
	    "  %s account add NAME@%s --config %s\n"
	    "  %s serve --config %s\n"
	    "The records again: %s setup --records %s --config %s\n", cli_program(), s->config,
	    cli_program(), s->domain, s->config, cli_program(), s->config, cli_program(),
	    s->domain, s->config);
}

/* What setup printed at its end, for the host that the configuration is of. */
static int records_of_config(struct setup *s)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, MEMORY);
	struct setting setting;
	int status = CLI_FAILED;

	if (setting_read(s->args, NULL, NULL, &arena, &complain_stderr, &setting)) {
		snprintf(s->hostname, sizeof s->hostname, "%.*s",
		    slice_arg(setting.config->hostname));
		find_addresses(s);
		print_records(s);
		status = CLI_OK;
	}
	heap_drop(heap);
	return status;
}

static int run(const struct cli_args *args)
{
	struct setup s = { .args = args, .config = cli_value(args, "--config") };
	const char *hostname = cli_value(args, "--hostname"), *data = cli_value(args, "--data");
	char made[NAME + 8];
	int status;

	if (s.config == NULL)
		s.config = "posthouse.conf";
	if (data == NULL)
		data = geteuid() == 0 ? "/var/lib/posthouse" : "posthouse.data";
	if (!take_name(args->words[0], "domain", s.domain))
		return CLI_USAGE;
	if (strlen("<postmaster@>") + strlen(s.domain) > ADDRESS_PATH_MAX)
		return cli_misuse("setup: %s is too long: postmaster@ has no room before it in an "
		    "address", s.domain);
	if (cli_flag(args, "--records") && hostname == NULL)
		return records_of_config(&s);
	/* There is room for it: it is shorter than postmaster@. */
	snprintf(made, sizeof made, "mail.%s", s.domain);
	if (!take_name(hostname != NULL ? hostname : made, "host name", s.hostname))
		return CLI_USAGE;
	find_addresses(&s);
	if (cli_flag(args, "--records")) {
		print_records(&s);
		return CLI_OK;
	}
	if (!take_data(&s, data))
		return CLI_USAGE;
	if (!write_config(&s))
		return CLI_FAILED;
	printf("%s is written: %s serves %s, with its data in %s\n", s.config, s.hostname,
	    s.domain, s.data);
	fflush(stdout);
	status = add_postmaster(&s);
	if (status != CLI_OK) {
		cli_fail("%s stays; add the account with `posthouse account add postmaster@%s "
		    "--config %s`", s.config, s.domain, s.config);
		return status;
	}
	print_records(&s);
	print_next(&s);
	return CLI_OK;
}

const struct cli_command cli_setup = {
	.name = "setup",
	.words = "DOMAIN",
	.words_min = 1,
	.words_max = 1,
	.summary = "write a first posthouse.conf, make the postmaster's account, print DNS records",
	.details =
	    "Overwrites nothing. Asks for the postmaster's password; without a terminal one is\n"
	    "made and printed. --records prints the DNS records again, those of a further domain\n"
	    "as well, and does nothing else; the host is the one of posthouse.conf.\n",
	.options = {
		{ "--hostname", "NAME", "The name of this host; otherwise mail.DOMAIN." },
		{ "--config", "FILE", "Write this file; otherwise ./posthouse.conf." },
		{ "--data", "DIR", "The data folder; otherwise /var/lib/posthouse, or, for who is "
		    "not\n                         root, ./posthouse.data." },
		{ "--password-stdin", NULL, "Read the postmaster's password from a line of stdin." },
		{ "--generate", NULL, "Make a password and print it." },
		{ "--records", NULL, "Only print the DNS records of DOMAIN." },
	},
	.run = run,
};
