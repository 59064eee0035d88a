/* config/config.c - reads posthouse.conf line by line.
 *
 * All faults are gathered, not only the first: who edits a file wants to see
 * them together. A fault's text begins with the key where it has one. */
#include "config/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include "config/config_table.h"
#include "mail/utf8.h"

struct reading {
	struct arena *arena;
	struct config *config;
	struct config_error *errors;
	size_t size, n;
	unsigned line;
};

static void fail(struct reading *r, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct reading *r, unsigned line, const char *format, ...)
{
	va_list args;

	if (r->n < r->size) {
		struct config_error *e = &r->errors[r->n];

		e->line = line;
		va_start(args, format);
		vsnprintf(e->text, sizeof e->text, format, args);
		va_end(args);
	}
	r->n++;
}

static const struct config_key *find_key(slice name)
{
	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		if (slice_equal(name, slice_from(config_keys[i].name)))
			return &config_keys[i];
	}
	return NULL;
}

static void fail_unknown(struct reading *r, slice name)
{
	const char *names[CONFIG_KEYS], *nearest;
	char shown[64];

	for (size_t i = 0; i < CONFIG_KEYS; i++)
		names[i] = config_keys[i].name;
	nearest = text_nearest(name, names, CONFIG_KEYS);
	text_printable(name, shown, sizeof shown);
	if (nearest != NULL)
		fail(r, r->line, "unknown key \"%s\"; did you mean \"%s\"?", shown, nearest);
	else
		fail(r, r->line, "unknown key \"%s\"; `posthouse help config` lists all", shown);
}

/* The line without comment and blanks: # at its start or after a blank. */
static slice without_comment(slice line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (line.ptr[i] == '#' &&
		    (i == 0 || line.ptr[i - 1] == ' ' || line.ptr[i - 1] == '\t'))
			return slice_trim(slice_head(line, i));
	}
	return slice_trim(line);
}

static bool is_text(slice line)
{
	for (size_t i = 0; i < line.len; i++) {
		if ((line.ptr[i] < 0x20 && line.ptr[i] != '\t') || line.ptr[i] == 0x7f)
			return false;
	}
	return utf8_valid(line);
}

static void take_value(struct reading *r, const struct config_key *key, slice value)
{
	unsigned *line = &r->config->lines[key - config_keys];
	struct config_error why;

	if (*line != 0) {
		fail(r, r->line, "%s is already set in line %u", key->name, *line);
		return;
	}
	*line = r->line;
	if (value.len == 0)
		fail(r, r->line, "%s has no value", key->name);
	else if (!config_value_take(key, value, r->line, r->arena, r->config, &why))
		fail(r, r->line, "%s: %s", key->name, why.text);
}

static void take_line(struct reading *r, slice line)
{
	slice text, name;
	const struct config_key *key;

	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line = slice_head(line, line.len - 1);
	if (!is_text(line)) {
		fail(r, r->line, "holds bytes that are not text in UTF-8");
		return;
	}
	text = without_comment(line);
	if (text.len == 0)
		return;
	if (slice_find_byte(text, '=') == text.len) {
		char shown[64];

		fail(r, r->line, "expected \"key = value\", found \"%s\"",
		    text_printable(text, shown, sizeof shown));
		return;
	}
	name = slice_trim(slice_cut(&text, '='));
	key = find_key(name);
	if (key == NULL)
		fail_unknown(r, name);
	else
		take_value(r, key, slice_trim(text));
}

static void take_defaults(struct reading *r)
{
	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		const struct config_key *key = &config_keys[i];
		struct config_error why;

		if (r->config->lines[i] != 0)
			continue;
		if (key->flags & CONFIG_REQUIRED) {
			fail(r, 0, "%s is not set; write a line \"%s = mail.example.org\"",
			    key->name, key->name);
		} else {
			bool taken = config_value_take(key, slice_from(key->preset), 0,
			    r->arena, r->config, &why);

			check(taken || r->config->n_listeners == CONFIG_LISTENERS_MAX);
		}
	}
}

static bool same_address(const struct os_address *a, const struct os_address *b)
{
	return memcmp(a->ip, b->ip, sizeof a->ip) == 0 && a->port == b->port;
}

/* Where only the other key was set, the default gives way. */
static void judge_relay(struct reading *r)
{
	struct config *c = r->config;
	unsigned retry = config_line(c, "relay.retry"), warn = config_line(c, "relay.warn");

	if (c->relay_retry_s > c->relay_retry_max_s && retry != 0)
		fail(r, retry, "relay.retry: the first wait (%us) is longer than relay.retry_max, "
		    "the longest (%us)", c->relay_retry_s, c->relay_retry_max_s);
	else if (c->relay_retry_s > c->relay_retry_max_s)
		c->relay_retry_s = c->relay_retry_max_s;
	if (c->relay_warn_s >= c->relay_expire_s && warn != 0)
		fail(r, warn, "relay.warn: there is no delay of %us to tell of: a message goes back "
		    "after relay.expire (%us); 0: never", c->relay_warn_s, c->relay_expire_s);
	else if (c->relay_warn_s >= c->relay_expire_s)
		c->relay_warn_s = 0;
}

/* By values, not by lines: the roles' text has a line for each key. */
static void judge_smart_host(struct reading *r)
{
	const struct config *c = r->config;
	unsigned login = config_line(c, "relay.login"), tls = config_line(c, "relay.tls");

	if (c->relay_login.len > 0 && c->relay_host.name.len == 0)
		fail(r, login, "relay.login wants the relay.host to log in at");
	if (c->relay_login.len > 0 && c->relay_password_file.len == 0)
		fail(r, login, "relay.login wants its relay.password_file");
	if (c->relay_login.len == 0 && c->relay_password_file.len > 0)
		fail(r, config_line(c, "relay.password_file"),
		    "relay.password_file wants its relay.login");
	if (c->relay_login.len > SASL_LOGIN_MAX)
		fail(r, login, "relay.login is longer than %d bytes", SASL_LOGIN_MAX);
	if (c->relay_tls != CONFIG_TLS_AUTO && c->relay_host.name.len == 0)
		fail(r, tls, "relay.tls is for relay.host, which is not set; other hosts get TLS "
		    "when they offer it");
	else if (c->relay_tls == CONFIG_TLS_OPPORTUNISTIC && c->relay_login.len > 0 &&
	    !config_relay_is_loopback(c))
		fail(r, tls, "relay.tls: opportunistic would show relay.login's password to "
		    "anybody on the way; write verify, or required to take any certificate");
	if (config_relay_judges(c) && c->relay_ca.len == 0)
		fail(r, config_line(c, "relay.ca"), "relay.ca: without it no certificate can be "
		    "judged; write the file, or relay.tls = required to take any certificate");
}

/* Nobody logs in there. */
static void judge_lab(struct reading *r)
{
	const struct config *c = r->config;

	if (c->lab && c->mock)
		fail(r, config_line(c, "lab"), "lab: a mock shows its mail as it is; write lab = no");
	for (size_t i = 0; c->lab && i < c->n_listeners; i++) {
		const struct config_listener *l = &c->listeners[i];

		if (l->service == SERVICE_HTTP && !os_ip_is_loopback(l->address.ip))
			fail(r, l->line ? l->line : config_line(c, "lab"),
			    "listen.http: a lab's page shows all mail, so only on loopback");
	}
}

/* What single values can't show. */
static void judge_together(struct reading *r)
{
	const struct config *c = r->config;

	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct config_listener *l = &c->listeners[i];
		char text[OS_ADDRESS_TEXT];

		for (size_t j = 0; j < i; j++) {
			/* Port 0 is another port each time. */
			if (l->address.port == 0 ||
			    !same_address(&l->address, &c->listeners[j].address))
				continue;
			os_address_print(&l->address, text, sizeof text);
			fail(r, l->line ? l->line : c->listeners[j].line,
			    "listen.%s and listen.%s both want %s",
			    service_name(c->listeners[j].service), service_name(l->service),
			    text);
			break;
		}
	}
	if (c->certificate.len > 0 && c->key.len == 0)
		fail(r, config_line(c, "tls.certificate"), "tls.certificate wants its tls.key");
	if (c->key.len > 0 && c->certificate.len == 0)
		fail(r, config_line(c, "tls.key"), "tls.key wants its tls.certificate");
	judge_relay(r);
	judge_smart_host(r);
	judge_lab(r);
	if (c->mock && c->n_domains == 0)
		fail(r, config_line(c, "mock"), "mock: its mailboxes want a domain: set domains");
	if (c->mock && c->relay)
		fail(r, config_line(c, "relay") ? config_line(c, "relay") : config_line(c, "mock"),
		    "relay: a mock sends nothing; write relay = no (a server has no mock = yes)");
	if (c->journal_size < 4 * (uint64_t)c->segment_size)
		fail(r, config_line(c, "journal.segment"),
		    "journal.segment: journal.size must hold at least four segments");
}

size_t config_parse(slice text, struct arena *arena, struct config *ret_config,
    struct config_error *ret_errors, size_t size)
{
	struct reading r = { .arena = arena, .config = ret_config, .errors = ret_errors,
	    .size = size };

	memset(ret_config, 0, sizeof *ret_config);
	if (text.len > CONFIG_TEXT_MAX) {
		fail(&r, 0, "the file is larger than %d bytes", CONFIG_TEXT_MAX);
		return r.n;
	}
	ret_config->listeners = arena_new(arena, struct config_listener,
	    CONFIG_LISTENERS_MAX + 1);
	while (text.len > 0) {
		r.line++;
		take_line(&r, slice_cut(&text, '\n'));
	}
	take_defaults(&r);
	if (r.n == 0)
		judge_together(&r);
	return r.n;
}

static bool networks_have(const struct config_networks *networks, const uint8_t ip[16])
{
	for (size_t i = 0; i < networks->n; i++) {
		if (os_prefix_has(&networks->list[i], ip))
			return true;
	}
	return false;
}

bool config_trusts(const struct config *config, const uint8_t ip[16])
{
	return networks_have(&config->trusted, ip);
}

bool config_relays_to(const struct config *config, const uint8_t ip[16])
{
	return config->relay_networks.n == 0 || networks_have(&config->relay_networks, ip);
}

uint16_t config_relay_host_port(const struct config *config)
{
	return config->relay_host.port != 0 ? config->relay_host.port :
	    (uint16_t)config->relay_port;
}

bool config_relay_is_loopback(const struct config *config)
{
	uint8_t ip[16];

	return os_ip_parse(config->relay_host.name, ip) && os_ip_is_loopback(ip);
}

enum config_tls config_relay_tls(const struct config *config)
{
	bool submits = config->relay_login.len > 0 ||
	    config_relay_host_port(config) == CONFIG_SUBMISSIONS_PORT;

	if (config->relay_tls != CONFIG_TLS_AUTO)
		return (enum config_tls)config->relay_tls;
	return submits && !config_relay_is_loopback(config) ? CONFIG_TLS_VERIFY :
	    CONFIG_TLS_OPPORTUNISTIC;
}

bool config_relay_judges(const struct config *config)
{
	enum config_tls tls = config_relay_tls(config);

	return config->relay_host.name.len > 0 &&
	    (tls == CONFIG_TLS_VERIFY || tls == CONFIG_TLS_IMPLICIT);
}

void config_print(const struct config *config, struct buffer *out)
{
	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		buffer_printf(out, "%s = ", config_keys[i].name);
		config_value_print(&config_keys[i], config, out);
		buffer_add(out, slice_lit("\n"));
	}
}

unsigned config_line(const struct config *config, const char *key)
{
	const struct config_key *row = find_key(slice_from(key));

	check(row != NULL);
	return config->lines[row - config_keys];
}

void config_override(slice text, slice key, slice value, struct buffer *out)
{
	while (text.len > 0) {
		slice line = slice_cut(&text, '\n'), rest = without_comment(line);
		bool pair = slice_find_byte(rest, '=') < rest.len;

		if (pair && slice_equal(slice_trim(slice_cut(&rest, '=')), key))
			line = slice_head(line, 0);     /* the others keep their numbers */
		buffer_add(out, line);
		buffer_add(out, slice_lit("\n"));
	}
	buffer_add(out, key);
	buffer_add(out, slice_lit(" = "));
	buffer_add(out, value);
	buffer_add(out, slice_lit("\n"));
}

/* ---- what a reload does not change ---- */

static bool same_words(const char *a, const char *b)
{
	slice text_a, text_b;

	memcpy(&text_a, a, sizeof text_a);
	memcpy(&text_b, b, sizeof text_b);
	return slice_equal(text_a, text_b);
}

static bool same_servers(const char *at_a, const char *at_b)
{
	struct config_servers a, b;

	memcpy(&a, at_a, sizeof a);
	memcpy(&b, at_b, sizeof b);
	if (a.system != b.system || a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (memcmp(a.list[i].ip, b.list[i].ip, sizeof a.list[i].ip) != 0 ||
		    a.list[i].port != b.list[i].port)
			return false;
	}
	return true;
}

static bool same_value(const struct config_key *key, const struct config *a,
    const struct config *b)
{
	const char *at_a = (const char *)a + key->offset, *at_b = (const char *)b + key->offset;

	check(key->width > 0);
	switch (key->type) {
	case CONFIG_WORD:
		return same_words(at_a, at_b);
	case CONFIG_SERVERS:
		return same_servers(at_a, at_b);
	default:
		return memcmp(at_a, at_b, key->width) == 0;
	}
}

static void copy_value(const struct config_key *key, const struct config *from,
    struct config *to, struct arena *arena)
{
	char *at = (char *)to + key->offset;
	struct config_servers servers;
	struct os_address *list;
	slice text;

	memcpy(at, (const char *)from + key->offset, key->width);
	if (key->type == CONFIG_WORD) {
		memcpy(&text, at, sizeof text);
		text = slice_copy(arena, text);
		memcpy(at, &text, sizeof text);
	}
	if (key->type == CONFIG_SERVERS) {
		memcpy(&servers, at, sizeof servers);
		list = arena_new(arena, struct os_address, CONFIG_SERVERS_MAX);
		memcpy(list, servers.list, servers.n * sizeof *list);
		servers.list = list;
		memcpy(at, &servers, sizeof servers);
	}
}

size_t config_keep(const struct config *old, struct config *config, struct arena *arena,
    const char *ret_names[], size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		const struct config_key *key = &config_keys[i];

		if (!(key->flags & CONFIG_RESTART) || same_value(key, old, config))
			continue;
		copy_value(key, old, config, arena);
		if (n < size)
			ret_names[n] = key->name;
		n++;
	}
	return n;
}
