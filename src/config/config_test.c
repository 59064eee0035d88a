/* config/config_test.c - posthouse.conf: what is taken, and what is said of the
 * rest. */
#include "unit.h"

#include <stdio.h>

#include "base/limits.h"
#include "config/config_table.h"

enum { ERRORS = 8 };

struct parsed {
	struct heap *heap;
	struct arena arena;
	struct config config;
	struct config_error errors[ERRORS];
	size_t n;
};

static struct parsed parse(slice text)
{
	struct parsed p = { .heap = heap_create(SIZE_MAX) };
	slice guarded = guarded_copy(text);

	p.arena = arena_init(p.heap, CONFIG_ARENA_MAX);
	p.n = config_parse(guarded, &p.arena, &p.config, p.errors, ERRORS);
	guarded_free(guarded);
	return p;
}

#define HOST "hostname = mail.example.org\n"

#define LOGIN "relay.login = a\nrelay.password_file = /p\n"

static const struct {
	const char *text;
	unsigned line;
	const char *want;               /* the first fault */
} faults[] = {
	{ "", 0, "hostname is not set; write a line \"hostname = mail.example.org\"" },
	{ "\n\nhostnam = a.example\n", 3,
	    "unknown key \"hostnam\"; did you mean \"hostname\"?" },
	{ HOST "listen.pop = 110", 2, "unknown key \"listen.pop\"; did you mean \"listen.pop3\"?" },
	{ HOST "frobnicate = 1\n", 2, "unknown key \"frobnicate\"; `posthouse help config` "
	    "lists all" },
	{ HOST "# hostname = x\nhostname = b.example\n", 3,
	    "hostname is already set in line 1" },
	{ "hostname\n", 1, "expected \"key = value\", found \"hostname\"" },
	{ "hostname =\n", 1, "hostname has no value" },
	{ "hostname = # here\n", 1, "hostname has no value" },
	{ "hostname = a b\n", 1, "hostname: \"a b\" is not a domain name; write one such as "
	    "mail.example.org" },
	{ "hostname = [192.0.2.1]\n", 1, "hostname: \"[192.0.2.1]\" is not a domain name; write "
	    "one such as mail.example.org" },
	{ HOST "domains = a.example, , b.example\n", 2, "domains: \"\" is not a domain name; "
	    "write one such as mail.example.org" },
	{ HOST "domains = a.example, A.EXAMPLE\n", 2, "domains: \"a.example\" is listed twice" },
	{ HOST "lab = yes\nlisten.http = 127.0.0.1:8025, 192.0.2.1:8025\n", 3,
	    "listen.http: a lab's page shows all mail, so only on loopback" },
	{ HOST "lab = yes\nlisten.http = 8025\n", 3,
	    "listen.http: a lab's page shows all mail, so only on loopback" },
	{ HOST "domains = a.example\nrelay = no\nmock = yes\nlab = yes\n", 5,
	    "lab: a mock shows its mail as it is; write lab = no" },
	{ HOST "limit.errors = 0\n", 2,
	    "limit.errors: \"0\" is out of range; it may be from 1 to 1000" },
	{ HOST "limit.errors = many\n", 2, "limit.errors: \"many\" is not a number" },
	{ HOST "limit.errors = -1\n", 2, "limit.errors: \"-1\" is not a number" },
	{ HOST "limit.errors = 99999999999999999999\n", 2,
	    "limit.errors: \"99999999999999999999\" is not a number" },
	{ HOST "limit.errors = 4294967297\n", 2,
	    "limit.errors: \"4294967297\" is out of range; it may be from 1 to 1000" },
	{ HOST "limit.message_size = 35MB\n", 2, "limit.message_size: \"35MB\" is not a size; "
	    "write bytes, or a number with K, M or G" },
	{ HOST "limit.message_size = 1\n", 2, "limit.message_size: \"1\" is out of range; it may "
	    "be from 64K to 1G" },
	{ HOST "limit.message_size = 4398046510080G\n", 2, "limit.message_size: "
	    "\"4398046510080G\" is not a size; write bytes, or a number with K, M or G" },
	{ HOST "smtp.timeout = 5\n", 2, "smtp.timeout: \"5\" is not a time; write a number with "
	    "ms, s, m, h or d" },
	{ HOST "imap.timeout = 29m\n", 2,
	    "imap.timeout: \"29m\" is out of range; it may be from 30m to 1d" },
	{ HOST "smtp.timeout = 1500ms\n", 2, "smtp.timeout: \"1500ms\" is finer than a second" },
	{ HOST "smtp.timeout = 2d\n", 2,
	    "smtp.timeout: \"2d\" is out of range; it may be from 10s to 1h" },
	{ HOST "listen.smtp = localhost:25\n", 2, "listen.smtp: \"localhost:25\" is not an "
	    "address with a port; write 192.0.2.1:25, [2001:db8::1]:25, or 25 for all "
	    "addresses" },
	{ HOST "listen.smtp = 70000\n", 2, "listen.smtp: \"70000\" is not an address with a "
	    "port; write 192.0.2.1:25, [2001:db8::1]:25, or 25 for all addresses" },
	{ HOST "listen.smtp = unix:/tmp/x\n", 2, "listen.smtp: \"unix:/tmp/x\" is not an address "
	    "with a port; write 192.0.2.1:25, [2001:db8::1]:25, or 25 for all addresses" },
	{ HOST "listen.smtp = 127.0.0.1:110\nlisten.pop3 = 127.0.0.1:110\n", 3,
	    "listen.smtp and listen.pop3 both want 127.0.0.1:110" },
	{ HOST "listen.smtp = 110\n", 2, "listen.smtp and listen.pop3 both want 0.0.0.0:110" },
	{ HOST "tls.certificate = /etc/a.pem\n", 2, "tls.certificate wants its tls.key" },
	{ HOST "tls.key = /etc/a.pem\n", 2, "tls.key wants its tls.certificate" },
	{ HOST "journal.size = 16M\njournal.segment = 16M\n", 3,
	    "journal.segment: journal.size must hold at least four segments" },
	{ HOST "limit.trusted = 192.0.2.0/24, 192.0.2.1/24\n", 2, "limit.trusted: "
	    "\"192.0.2.1/24\" is not an address or a network; write 192.0.2.1, 192.0.2.0/24 or "
	    "2001:db8::/32, with zeros behind the prefix" },
	{ HOST "limit.trusted = ::1,\n", 2, "limit.trusted: \"\" is not an address or a network; "
	    "write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32, with zeros behind the prefix" },
	{ HOST "relay.networks = x\n", 2, "relay.networks: \"x\" is not an address or a network; "
	    "write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32, with zeros behind the prefix" },
	{ HOST "relay.retry = 5h\n", 2, "relay.retry: the first wait (18000s) is longer than "
	    "relay.retry_max, the longest (14400s)" },
	{ HOST "relay.warn = 5d\n", 2, "relay.warn: there is no delay of 432000s to tell of: a "
	    "message goes back after relay.expire (432000s); 0: never" },
	{ HOST "limit.network_factor = 0\n", 2,
	    "limit.network_factor: \"0\" is out of range; it may be from 1 to 1000" },
	{ HOST "relay = maybe\n", 2, "relay: \"maybe\" is neither yes nor no" },
	{ HOST "relay.host = mx.example:0\n", 2, "relay.host: \"mx.example:0\" is not a host; "
	    "write mx.example.org, mx.example.org:587, 192.0.2.1 or [2001:db8::1]:587" },
	{ HOST "relay.host = unix:/x\n", 2, "relay.host: \"unix:/x\" is not a host; "
	    "write mx.example.org, mx.example.org:587, 192.0.2.1 or [2001:db8::1]:587" },
	{ HOST "relay.host = mx.example\nrelay.tls = on\n", 3, "relay.tls: \"on\" is none of: "
	    "auto, none, opportunistic, required, verify, implicit" },
	{ HOST "relay.tls = verify\n", 2, "relay.tls is for relay.host, which is not set; other "
	    "hosts get TLS when they offer it" },
	{ HOST "relay.login = a\nrelay.password_file = /p\n", 2,
	    "relay.login wants the relay.host to log in at" },
	{ HOST "relay.host = mx.example\nrelay.login = a\n", 3,
	    "relay.login wants its relay.password_file" },
	{ HOST "relay.host = mx.example\nrelay.password_file = /p\n", 3,
	    "relay.password_file wants its relay.login" },
	{ HOST "relay.host = mx.example\n" LOGIN "relay.tls = opportunistic\n", 5, "relay.tls: "
	    "opportunistic would show relay.login's password to anybody on the way; write "
	    "verify, or required to take any certificate" },
	{ HOST "relay.host = 192.0.2.1\n" LOGIN "relay.tls = opportunistic\n", 5, "relay.tls: "
	    "opportunistic would show relay.login's password to anybody on the way; write "
	    "verify, or required to take any certificate" },
	{ HOST "relay.host = mx.example\n" LOGIN "relay.ca = none\n", 5, "relay.ca: without it no "
	    "certificate can be judged; write the file, or relay.tls = required to take any "
	    "certificate" },
	{ HOST "relay.host = mx.example:465\nrelay.ca = none\n", 3, "relay.ca: without it no "
	    "certificate can be judged; write the file, or relay.tls = required to take any "
	    "certificate" },
	{ HOST "dns.servers = ns.example\n", 2, "dns.servers: \"ns.example\" is not the address "
	    "of a name server; write 192.0.2.1, 192.0.2.1:5353, system or root" },
	{ HOST "dns.servers = none\n", 2, "dns.servers: \"none\" is not the address of a name "
	    "server; write 192.0.2.1, 192.0.2.1:5353, system or root" },
	{ HOST "data = /\xff\n", 2, "holds bytes that are not text in UTF-8" },
	{ HOST "data = /a\x01\n", 2, "holds bytes that are not text in UTF-8" },
};

static void test_faults(void **state)
{
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		struct parsed p = parse(slice_from(faults[i].text));

		if (p.n < 1 || p.errors[0].line != faults[i].line ||
		    strcmp(p.errors[0].text, faults[i].want) != 0)
			fail_msg("%s: %zu faults, line %u: %s", faults[i].text, p.n,
			    p.errors[0].line, p.errors[0].text);
		heap_drop(p.heap);
	}
}

/* All of them in one go, and no more than there is room for. */
static void test_all_faults(void **state)
{
	static const unsigned lines[] = { 1, 2, 4, 5, 6 };
	struct parsed p = parse(slice_lit("a\nb = 1\nhostname = a.example\nhostname = x\n"
	    "limit.errors = x\nedges = 65\n"));

	assert_int_equal(p.n, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(p.errors[i].line, lines[i]);
	heap_drop(p.heap);
	p = parse(slice_lit("a\na\na\na\na\na\na\na\na\na\na\na\n"));
	assert_int_equal(p.n, 13);
	assert_string_equal(p.errors[ERRORS - 1].text, p.errors[0].text);
	heap_drop(p.heap);
}

static void test_values(void **state)
{
	struct parsed p = parse(slice_lit(
	    "  hostname=MAIL.Example.ORG  # ours\r\n"
	    "\tdomains = Example.org, b\xc3\xbc" "cher.example\n"
	    "data = /srv/mail #1\n"
	    "user = none\n"
	    "listen.smtp = 127.0.0.1:2525, [::1]:2525\n"
	    "listen.pop3 = none\n"
	    "limit.message_size = 35M\n"
	    "limit.errors = 7\n"
	    "smtp.greeting_delay = 0\n"
	    "smtp.timeout = 10m\n"
	    "pop3.timeout = 1h\n"
	    "imap.timeout = 45m"));
	const struct config *c = &p.config;
	char text[OS_ADDRESS_TEXT];

	assert_int_equal(p.n, 0);
	assert_slice(c->hostname, slice_lit("mail.example.org"));
	assert_int_equal(c->n_domains, 2);
	assert_slice(c->domains[0], slice_lit("example.org"));
	assert_slice(c->domains[1], slice_lit("xn--bcher-kva.example"));
	assert_slice(c->data, slice_lit("/srv/mail"));
	assert_int_equal(c->user.len, 0);
	assert_int_equal(c->n_listeners, 2 + 2 + 2 + 2 + 4);    /* no pop3, no http */
	assert_int_equal(c->listeners[0].service, SERVICE_SMTP);
	assert_int_equal(c->listeners[0].line, 5);
	os_address_print(&c->listeners[1].address, text, sizeof text);
	assert_string_equal(text, "[::1]:2525");
	os_address_print(&c->listeners[3].address, text, sizeof text);
	assert_string_equal(text, "[::]:587");
	assert_int_equal(c->listeners[3].line, 0);
	assert_int_equal(c->message_size_max, 35u << 20);
	assert_int_equal(c->errors_max, 7);
	assert_int_equal(c->greeting_delay_ms, 0);
	assert_int_equal(c->session_timeout_s, 600);
	assert_int_equal(c->pop3_timeout_s, 3600);
	assert_int_equal(c->imap_timeout_s, 45 * 60);
	assert_int_equal(config_line(c, "limit.errors"), 8);
	assert_int_equal(config_line(c, "edges"), 0);
	heap_drop(p.heap);
}

/* ---- printing ---- */

static slice print(const struct parsed *p)
{
	struct buffer out = buffer_init(p->heap, CONFIG_TEXT_MAX);

	config_print(&p->config, &out);
	return buffer_bytes(&out);
}

/* What is printed reads as the same, and prints as the same. */
static void assert_round(const struct parsed *p)
{
	slice text = print(p);
	struct parsed again = parse(text);

	assert_int_equal(again.n, 0);
	assert_slice(print(&again), text);
	assert_int_equal(again.config.n_listeners, p->config.n_listeners);
	assert_int_equal(again.config.trusted.n, p->config.trusted.n);
	assert_int_equal(again.config.relay_networks.n, p->config.relay_networks.n);
	assert_slice(again.config.relay_host.name, p->config.relay_host.name);
	assert_int_equal(again.config.relay_host.port, p->config.relay_host.port);
	assert_slice(again.config.relay_login, p->config.relay_login);
	assert_slice(again.config.relay_password_file, p->config.relay_password_file);
	assert_slice(again.config.relay_ca, p->config.relay_ca);
	assert_int_equal(again.config.relay_tls, p->config.relay_tls);
	assert_int_equal(again.config.dns_servers.n, p->config.dns_servers.n);
	assert_int_equal(again.config.message_size_max, p->config.message_size_max);
	assert_true(again.config.quota == p->config.quota);
	assert_int_equal(again.config.greeting_delay_ms, p->config.greeting_delay_ms);
	heap_drop(again.heap);
}

static void test_round(void **state)
{
	static const char *const texts[] = {
		HOST,
		HOST "domains = a.example, b.example\nlisten.smtp = none\nlisten.pop3s = 1, 2\n"
		    "tls.certificate = /a b\ntls.key = /c\nedges = 3\nuser = none\n",
		HOST "limit.trusted = none\n",
		HOST "mailbox.quota = 1536M\n",
		HOST "relay.networks = 127.0.0.0/8, ::1\n",
		HOST "relay.retry_max = 1m\nrelay.expire = 1h\n",
		HOST "limit.trusted = 192.0.2.7,10.0.0.0/8 , 2001:DB8::/32\n"
		    "limit.connections_per_address = 0\n",
		HOST "relay = no\nrelay.host = mx.b\xc3\xbc.example:587\ndns.servers = root\n",
		HOST "relay.host = 192.0.2.1\ndns.servers = 127.0.0.1:5353, ::1\n"
		    "relay.retry = 30s\nrelay.warn = 0\n",
		HOST "relay.host = 192.0.2.1:26\n",
		HOST "relay.host = [2001:db8::1]:587\n",
		HOST "relay.host = 2001:db8::1\n",
		HOST "relay.host = mx.example\nrelay.login = b#b\xc3\xbc\nrelay.tls = Required\n"
		    "relay.password_file = /a b\nrelay.ca = none\n",
		HOST "relay.host = mx.example\nrelay.tls = implicit\nrelay.ca = /c\n",
		HOST "limit.message_size = 65537\nsmtp.greeting_delay = 1501ms\n"
		    "smtp.timeout = 61s\njournal.size = 1025M\n",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct parsed p = parse(slice_from(texts[i]));

		assert_int_equal(p.n, 0);
		assert_round(&p);
		heap_drop(p.heap);
	}
}

/* The largest file there may be: its text for the roles fits in a message. */
static void test_largest(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer text = buffer_init(heap, 2 * CONFIG_FILE_MAX);
	struct parsed p;

	buffer_add(&text, slice_lit(HOST "domains = "));
	for (unsigned i = 0; i < CONFIG_DOMAINS_MAX; i++) {
		char domain[64];
		int n = snprintf(domain, sizeof domain, "%s\xc3\xbc%u.example", i ? "," : "", i);

		if (buffer_bytes(&text).len + (size_t)n < CONFIG_FILE_MAX)
			buffer_add(&text, slice_of(domain, (size_t)n));
	}
	p = parse(buffer_bytes(&text));
	assert_int_equal(p.n, 0);
	assert_int_equal(p.config.n_domains, CONFIG_DOMAINS_MAX);
	assert_round(&p);
	heap_drop(p.heap);
	heap_drop(heap);
}

/* ---- the rest ---- */

static void test_trusted(void **state)
{
	static const struct { const char *text, *ip; bool want; } cases[] = {
		{ HOST, "127.9.9.9", true }, { HOST, "::1", true }, { HOST, "192.0.2.1", false },
		{ HOST "limit.trusted = none", "127.0.0.1", false },
		{ HOST "limit.trusted = 10.0.0.0/8, 192.0.2.1", "192.0.2.1", true },
		{ HOST "limit.trusted = 10.0.0.0/8, 192.0.2.1", "127.0.0.1", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct parsed p = parse(slice_from(cases[i].text));
		uint8_t ip[16];

		assert_int_equal(p.n, 0);
		assert_true(os_ip_parse(slice_from(cases[i].ip), ip));
		if (config_trusts(&p.config, ip) != cases[i].want)
			fail_msg("%s: %s", cases[i].text, cases[i].ip);
		heap_drop(p.heap);
	}
}

/* What relay.tls is when it is "auto", and when a certificate is judged. */
static void test_relay_tls(void **state)
{
	static const struct {
		const char *text;
		enum config_tls want;
		uint16_t port;
		bool judges;
	} cases[] = {
		{ "", CONFIG_TLS_OPPORTUNISTIC, 25, false },
		{ "relay.host = mx.example\n", CONFIG_TLS_OPPORTUNISTIC, 25, false },
		{ "relay.host = mx.example\n" LOGIN, CONFIG_TLS_VERIFY, 25, true },
		{ "relay.host = mx.example:465\n", CONFIG_TLS_VERIFY, 465, true },
		{ "relay.host = mx.example\nrelay.port = 465\n", CONFIG_TLS_VERIFY, 465, true },
		{ "relay.host = 192.0.2.1:587\n" LOGIN, CONFIG_TLS_VERIFY, 587, true },
		{ "relay.host = localhost\n" LOGIN, CONFIG_TLS_VERIFY, 25, true },
		{ "relay.host = 127.0.0.1\n" LOGIN, CONFIG_TLS_OPPORTUNISTIC, 25, false },
		{ "relay.host = [::1]:465\n" LOGIN, CONFIG_TLS_OPPORTUNISTIC, 465, false },
		{ "relay.host = 127.0.0.1\n" LOGIN "relay.tls = verify\n", CONFIG_TLS_VERIFY, 25,
		    true },
		{ "relay.host = 127.0.0.1\n" LOGIN "relay.tls = opportunistic\n",
		    CONFIG_TLS_OPPORTUNISTIC, 25, false },
		{ "relay.host = mx.example\nrelay.tls = implicit\n", CONFIG_TLS_IMPLICIT, 25, true },
		{ "relay.host = mx.example\n" LOGIN "relay.tls = required\nrelay.ca = none\n",
		    CONFIG_TLS_REQUIRED, 25, false },
		{ "relay.host = mx.example\n" LOGIN "relay.tls = none\n", CONFIG_TLS_NONE, 25,
		    false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[300];
		struct parsed p;

		snprintf(text, sizeof text, HOST "%s", cases[i].text);
		p = parse(slice_from(text));
		assert_int_equal(p.n, 0);
		if (config_relay_tls(&p.config) != cases[i].want ||
		    config_relay_judges(&p.config) != cases[i].judges ||
		    config_relay_host_port(&p.config) != cases[i].port)
			fail_msg("%s: %d", cases[i].text, config_relay_tls(&p.config));
		heap_drop(p.heap);
	}
}

static void test_override(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, 1000);

	config_override(slice_lit("a = 1\n# edges = 4\nedges = 2 # two\nb = 3"),
	    slice_lit("edges"), slice_lit("1"), &out);
	assert_slice(buffer_bytes(&out), slice_lit("a = 1\n# edges = 4\n\nb = 3\nedges = 1\n"));
	heap_drop(heap);
}

static void test_keep(void **state)
{
	struct parsed old = parse(slice_lit(HOST "data = /a\nedges = 2\nlimit.errors = 5\n"));
	struct parsed new = parse(slice_lit(HOST "data = /b\nedges = 3\nlimit.errors = 6\n"));
	const char *names[4];

	assert_int_equal(config_keep(&old.config, &new.config, &new.arena, names, 4), 2);
	assert_string_equal(names[0], "data");
	assert_string_equal(names[1], "edges");
	heap_drop(old.heap);
	assert_slice(new.config.data, slice_lit("/a"));
	assert_int_equal(new.config.edges, 2);
	assert_int_equal(new.config.errors_max, 6);
	old = parse(slice_lit(HOST "data = /a\nedges = 2\nlimit.errors = 5\n"));
	assert_int_equal(config_keep(&old.config, &new.config, &new.arena, names, 4), 0);
	heap_drop(new.heap);
	heap_drop(old.heap);
}

/* Whom the resolver asks is the same after its own restart. */
static void test_keep_servers(void **state)
{
	static const char *const lists[] = { "192.0.2.1", "192.0.2.2", "192.0.2.1:5353",
	    "192.0.2.1, 192.0.2.2", "system", "root" };
	enum { LISTS = sizeof lists / sizeof *lists };

	for (size_t i = 0; i < LISTS * LISTS; i++) {
		char before[100], after[100];
		struct parsed old, new;
		const char *name = "";
		slice want;

		snprintf(before, sizeof before, HOST "dns.servers = %s\n", lists[i / LISTS]);
		snprintf(after, sizeof after, HOST "dns.servers = %s\n", lists[i % LISTS]);
		old = parse(slice_from(before));
		new = parse(slice_from(after));
		assert_int_equal(config_keep(&old.config, &new.config, &new.arena, &name, 1),
		    i / LISTS != i % LISTS);
		assert_string_equal(name, i / LISTS != i % LISTS ? "dns.servers" : "");
		want = slice_copy(&new.arena, print(&old));
		heap_drop(old.heap);
		assert_slice(print(&new), want);
		heap_drop(new.heap);
	}
}

static void test_table(void **state)
{
	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		const struct config_key *key = &config_keys[i];

		assert_non_null(key->name);
		assert_non_null(key->means);
		assert_true((key->preset != NULL) == !(key->flags & CONFIG_REQUIRED));
		assert_int_equal(key->means[strlen(key->means) - 1], '.');
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(key->name, config_keys[j].name);
	}
}

UNIT_TESTS(cmocka_unit_test(test_faults), cmocka_unit_test(test_all_faults),
    cmocka_unit_test(test_values), cmocka_unit_test(test_round),
    cmocka_unit_test(test_largest), cmocka_unit_test(test_trusted),
    cmocka_unit_test(test_relay_tls),
    cmocka_unit_test(test_override),
    cmocka_unit_test(test_keep), cmocka_unit_test(test_keep_servers),
    cmocka_unit_test(test_table))
