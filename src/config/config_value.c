/* config/config_value.c - the types of values: how each is read and written.
 *
 * What a value's row says of range and default is checked here; what several
 * keys must hold together, in config.c. */
#include "config/config_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include "mail/address.h"

struct suffix {
	const char *text;
	uint64_t factor;
};

/* Largest first: printing takes the first that divides. */
static const struct suffix plain[] = { { "", 1 }, { NULL, 0 } };
static const struct suffix sizes[] = {
	{ "G", 1u << 30 }, { "M", 1u << 20 }, { "K", 1u << 10 }, { "", 1 }, { NULL, 0 },
};
static const struct suffix times[] = {
	{ "d", 24 * 3600 * 1000 }, { "h", 3600 * 1000 }, { "m", 60 * 1000 }, { "s", 1000 },
	{ "ms", 1 }, { NULL, 0 },
};

static void *field(const struct config_key *key, struct config *config)
{
	return (char *)config + key->offset;
}

static void fault(struct config_error *ret, const char *words, slice value)
{
	char shown[64];

	snprintf(ret->text, sizeof ret->text, "\"%s\" %s",
	    text_printable(value, shown, sizeof shown), words);
}

/* ---- numbers ---- */

static void put_number(const struct config_key *key, struct config *config, uint64_t value)
{
	if (key->width == sizeof(uint64_t)) {
		memcpy(field(key, config), &value, sizeof value);
	} else {
		unsigned narrow = (unsigned)value;

		check(key->width == sizeof narrow && narrow == value);
		memcpy(field(key, config), &narrow, sizeof narrow);
	}
}

static uint64_t number_of(const struct config_key *key, const struct config *config)
{
	const char *at = (const char *)config + key->offset;
	uint64_t wide;
	unsigned narrow;

	if (key->width == sizeof wide) {
		memcpy(&wide, at, sizeof wide);
		return wide;
	}
	memcpy(&narrow, at, sizeof narrow);
	return narrow;
}

/* number [suffix]; "0" needs none. */
static bool take_suffixed(slice value, const struct suffix *suffixes, uint64_t *ret)
{
	size_t digits = 0;
	uint64_t number;
	slice unit;

	while (digits < value.len && value.ptr[digits] >= '0' && value.ptr[digits] <= '9')
		digits++;
	if (!slice_to_u64(slice_head(value, digits), UINT32_MAX * (uint64_t)1024, &number))
		return false;
	unit = slice_trim(slice_drop(value, digits));
	if (number == 0 && unit.len == 0) {
		*ret = 0;
		return true;
	}
	for (const struct suffix *s = suffixes; s->text != NULL; s++) {
		if (!slice_equal_ascii(unit, slice_from(s->text)))
			continue;
		if (number > UINT64_MAX / s->factor)
			return false;
		*ret = number * s->factor;
		return true;
	}
	return false;
}

enum { NUMBER_TEXT = CONFIG_SIZE_TEXT };

bool config_size_read(slice text, uint64_t *ret_bytes)
{
	return take_suffixed(text, sizes, ret_bytes);
}

static const char *print_suffixed(uint64_t value, const struct suffix *suffixes,
    char ret_text[NUMBER_TEXT])
{
	const struct suffix *s = suffixes;

	while (s[1].text != NULL && (value == 0 || value % s->factor != 0))
		s++;
	snprintf(ret_text, NUMBER_TEXT, "%" PRIu64 "%s", value / s->factor, s->text);
	return ret_text;
}

const char *config_size_print(uint64_t bytes, char ret_text[CONFIG_SIZE_TEXT])
{
	return print_suffixed(bytes, sizes, ret_text);
}

/* What was written, judged by the row; `stored` is in the row's own unit. */
static bool keep_number(const struct config_key *key, slice value, uint64_t stored,
    const struct suffix *suffixes, uint64_t unit, struct config *config,
    struct config_error *ret_fault)
{
	char words[96], from[NUMBER_TEXT], to[NUMBER_TEXT];

	if (stored >= key->min && stored <= key->max) {
		put_number(key, config, stored);
		return true;
	}
	snprintf(words, sizeof words, "is out of range; it may be from %s to %s",
	    print_suffixed(key->min * unit, suffixes, from),
	    print_suffixed(key->max * unit, suffixes, to));
	fault(ret_fault, words, value);
	return false;
}

static bool take_count(const struct config_key *key, slice value, unsigned line,
    struct arena *arena, struct config *config, struct config_error *ret_fault)
{
	uint64_t number;

	if (!slice_to_u64(value, UINT64_MAX, &number)) {
		fault(ret_fault, "is not a number", value);
		return false;
	}
	return keep_number(key, value, number, plain, 1, config, ret_fault);
}

static void print_count(const struct config_key *key, const struct config *config,
    struct buffer *out)
{
	buffer_printf(out, "%" PRIu64, number_of(key, config));
}

static bool take_size(const struct config_key *key, slice value, unsigned line,
    struct arena *arena, struct config *config, struct config_error *ret_fault)
{
	uint64_t number;

	if (!take_suffixed(value, sizes, &number)) {
		fault(ret_fault, "is not a size; write bytes, or a number with K, M or G", value);
		return false;
	}
	return keep_number(key, value, number, sizes, 1, config, ret_fault);
}

static void print_size(const struct config_key *key, const struct config *config,
    struct buffer *out)
{
	char text[NUMBER_TEXT];

	buffer_printf(out, "%s", print_suffixed(number_of(key, config), sizes, text));
}

static bool take_time(const struct config_key *key, slice value, unsigned line,
    struct arena *arena, struct config *config, struct config_error *ret_fault)
{
	uint64_t ms;

	if (!take_suffixed(value, times, &ms)) {
		fault(ret_fault, "is not a time; write a number with ms, s, m, h or d", value);
		return false;
	}
	if (ms % key->unit_ms != 0) {
		fault(ret_fault, "is finer than a second", value);
		return false;
	}
	return keep_number(key, value, ms / key->unit_ms, times, key->unit_ms, config,
	    ret_fault);
}

static void print_time(const struct config_key *key, const struct config *config,
    struct buffer *out)
{
	char text[NUMBER_TEXT];

	buffer_printf(out, "%s",
	    print_suffixed(number_of(key, config) * key->unit_ms, times, text));
}

/* ---- names and words ---- */

static bool is_none(slice value)
{
	return slice_equal(value, slice_lit("none"));
}

static bool take_domain(slice value, struct arena *arena, slice *ret,
    struct config_error *ret_fault)
{
	if (value.len > 0 && value.ptr[0] != '[' && value.len <= ADDRESS_DOMAIN_MAX &&
	    domain_normal(arena, value, ret))
		return true;
	fault(ret_fault, "is not a domain name; write one such as mail.example.org", value);
	return false;
}

static bool take_name(const struct config_key *key, slice value, unsigned line,
    struct arena *arena, struct config *config, struct config_error *ret_fault)
{
	return take_domain(value, arena, field(key, config), ret_fault);
}

static bool take_word(const struct config_key *key, slice value, unsigned line,
    struct arena *arena, struct config *config, struct config_error *ret_fault)
{
	slice *at = field(key, config);

	if (value.len > CONFIG_VALUE_MAX) {
		fault(ret_fault, "is too long", value);
		return false;
	}
	*at = is_none(value) ? (slice){ 0 } : slice_copy(arena, value);
	return true;
}

static void print_word(const struct config_key *key, const struct config *config,
    struct buffer *out)
{
	slice value;

	memcpy(&value, (const char *)config + key->offset, sizeof value);
	buffer_add(out, value.len > 0 ? value : slice_lit("none"));
}

/* ---- lists ---- */

/* The next of a list with commas; an empty part is a fault of the caller's. */
static slice next_part(slice *rest)
{
	return slice_trim(slice_cut(rest, ','));
}

static bool take_names(const struct config_key *key, slice value, unsigned line,
    struct arena *arena, struct config *config, struct config_error *ret_fault)
{
	bool more = !is_none(value);

	config->domains = arena_new(arena, slice, CONFIG_DOMAINS_MAX);
	config->n_domains = 0;
	while (more) {
		slice domain;

		more = slice_find_byte(value, ',') < value.len;
		if (!take_domain(next_part(&value), arena, &domain, ret_fault))
			return false;
		for (size_t i = 0; i < config->n_domains; i++) {
			if (slice_equal(config->domains[i], domain)) {
				fault(ret_fault, "is listed twice", domain);
				return false;
			}
		}
		if (config->n_domains == CONFIG_DOMAINS_MAX) {
			fault(ret_fault, "is one too many; `posthouse domain add` takes more",
			    domain);
			return false;
		}
		config->domains[config->n_domains++] = domain;
	}
	return true;
}

static void print_names(const struct config_key *key, const struct config *config,
    struct buffer *out)
{
	for (size_t i = 0; i < config->n_domains; i++)
		buffer_printf(out, "%s%.*s", i ? ", " : "", slice_arg(config->domains[i]));
	if (config->n_domains == 0)
		buffer_add(out, slice_lit("none"));
}

static bool add_listener(const struct config_key *key, const char *prefix, slice text,
    unsigned line, struct config *config, struct config_error *ret_fault)
{
	struct config_listener *l = &config->listeners[config->n_listeners];
	char whole[OS_ADDRESS_TEXT + 16];
	int n = snprintf(whole, sizeof whole, "%s%.*s", prefix, slice_arg(text));

	if (config->n_listeners == CONFIG_LISTENERS_MAX) {
		fault(ret_fault, "is one listener too many", text);
		return false;
	}
	*l = (struct config_listener){ .service = key->service, .line = line };
	if (n < 0 || (size_t)n >= sizeof whole ||
	    !os_address_parse(slice_of(whole, (size_t)n), &l->address) ||
	    l->address.path[0] != 0) {
		fault(ret_fault, "is not an address with a port; write 192.0.2.1:25, "
		    "[2001:db8::1]:25, or 25 for all addresses", text);
		return false;
	}
	config->n_listeners++;
	return true;
}

static bool take_listen(const struct config_key *key, slice value, unsigned line,
    struct arena *arena, struct config *config, struct config_error *ret_fault)
{
	bool more = !is_none(value);

	while (more) {
		slice text;
		uint64_t port;

		more = slice_find_byte(value, ',') < value.len;
		text = next_part(&value);
		if (!slice_to_u64(text, UINT16_MAX, &port)) {
			if (!add_listener(key, "", text, line, config, ret_fault))
				return false;
		} else if (!add_listener(key, "0.0.0.0:", text, line, config, ret_fault) ||
		    !add_listener(key, "[::]:", text, line, config, ret_fault)) {
			return false;
		}
	}
	return true;
}

static void print_listen(const struct config_key *key, const struct config *config,
    struct buffer *out)
{
	const char *separator = "";

	for (size_t i = 0; i < config->n_listeners; i++) {
		char text[OS_ADDRESS_TEXT];

		if (config->listeners[i].service != key->service)
			continue;
		os_address_print(&config->listeners[i].address, text, sizeof text);
		buffer_printf(out, "%s%s", separator, text);
		separator = ", ";
	}
	if (*separator == 0)
		buffer_add(out, slice_lit("none"));
}

static bool take_networks(const struct config_key *key, slice value, unsigned line,
    struct arena *arena, struct config *config, struct config_error *ret_fault)
{
	struct config_networks *networks = field(key, config);
	bool more = !is_none(value);

	networks->list = arena_new(arena, struct os_prefix, CONFIG_NETWORKS_MAX);
	networks->n = 0;
	while (more) {
		slice text;

		more = slice_find_byte(value, ',') < value.len;
		text = next_part(&value);
		if (networks->n == CONFIG_NETWORKS_MAX) {
			fault(ret_fault, "is one network too many", text);
			return false;
		}
		if (!os_prefix_parse(text, &networks->list[networks->n])) {
			fault(ret_fault, "is not an address or a network; write 192.0.2.1, "
			    "192.0.2.0/24 or 2001:db8::/32, with zeros behind the prefix", text);
			return false;
		}
		networks->n++;
	}
	return true;
}

static void print_networks(const struct config_key *key, const struct config *config,
    struct buffer *out)
{
	struct config_networks networks;

	memcpy(&networks, (const char *)config + key->offset, sizeof networks);
	for (size_t i = 0; i < networks.n; i++) {
		char text[OS_PREFIX_TEXT];

		os_prefix_print(&networks.list[i], text, sizeof text);
		buffer_printf(out, "%s%s", i ? ", " : "", text);
	}
	if (networks.n == 0)
		buffer_add(out, slice_lit("none"));
}

/* ---- other hosts ---- */

static bool take_yes(const struct config_key *key, slice value, unsigned line,
    struct arena *arena, struct config *config, struct config_error *ret_fault)
{
	bool yes = slice_equal_ascii(value, slice_lit("yes"));

	if (!yes && !slice_equal_ascii(value, slice_lit("no"))) {
		fault(ret_fault, "is neither yes nor no", value);
		return false;
	}
	memcpy(field(key, config), &yes, sizeof yes);
	return true;
}

static void print_yes(const struct config_key *key, const struct config *config,
    struct buffer *out)
{
	bool yes;

	memcpy(&yes, (const char *)config + key->offset, sizeof yes);
	buffer_add(out, yes ? slice_lit("yes") : slice_lit("no"));
}

static bool take_choice(const struct config_key *key, slice value, unsigned line,
    struct arena *arena, struct config *config, struct config_error *ret_fault)
{
	char words[160] = "is none of: ";
	size_t n = strlen(words);

	for (unsigned i = 0; key->choices[i] != NULL; i++) {
		if (slice_equal_ascii(value, slice_from(key->choices[i]))) {
			put_number(key, config, i);
			return true;
		}
		n += (size_t)snprintf(words + n, sizeof words - n, "%s%s", i > 0 ? ", " : "",
		    key->choices[i]);
		check(n < sizeof words);
	}
	fault(ret_fault, words, value);
	return false;
}

static void print_choice(const struct config_key *key, const struct config *config,
    struct buffer *out)
{
	buffer_add(out, slice_from(key->choices[number_of(key, config)]));
}

/* NAME, NAME:PORT, ADDRESS, ADDRESS:PORT, [IPV6]:PORT */
static bool parse_host(slice value, struct arena *arena, struct config_host *ret)
{
	struct config_error nowhere;
	struct os_address address;
	uint64_t port = 0;
	uint8_t ip[16];
	size_t colon;

	if (os_ip_parse(value, ip)) {
		*ret = (struct config_host){ slice_copy(arena, value), 0 };
		return true;
	}
	colon = slice_find_last_byte(value, ':');
	if (os_address_parse(value, &address) && address.path[0] == '\0') {
		slice host = slice_head(value, colon);

		if (host.ptr[0] == '[')
			host = slice_sub(host, 1, host.len - 2);
		*ret = (struct config_host){ slice_copy(arena, host), address.port };
		return address.port != 0;
	}
	if (colon < value.len && (!slice_to_u64(slice_drop(value, colon + 1), UINT16_MAX, &port) ||
	    port == 0))
		return false;
	ret->port = (uint16_t)port;
	return take_domain(slice_head(value, colon), arena, &ret->name, &nowhere);
}

static bool take_host(const struct config_key *key, slice value, unsigned line,
    struct arena *arena, struct config *config, struct config_error *ret_fault)
{
	struct config_host host = { 0 };

	if (!is_none(value) && !parse_host(value, arena, &host)) {
		fault(ret_fault, "is not a host; write mx.example.org, mx.example.org:587, "
		    "192.0.2.1 or [2001:db8::1]:587", value);
		return false;
	}
	memcpy(field(key, config), &host, sizeof host);
	return true;
}

static void print_host(const struct config_key *key, const struct config *config,
    struct buffer *out)
{
	struct config_host host;
	bool bare;

	memcpy(&host, (const char *)config + key->offset, sizeof host);
	if (host.name.len == 0) {
		buffer_add(out, slice_lit("none"));
		return;
	}
	bare = host.port == 0 || slice_find_byte(host.name, ':') == host.name.len;
	buffer_printf(out, "%s%.*s%s", bare ? "" : "[", slice_arg(host.name), bare ? "" : "]");
	if (host.port != 0)
		buffer_printf(out, ":%u", host.port);
}

static bool take_server(slice text, struct os_address *ret)
{
	*ret = (struct os_address){ .port = 53 };
	return os_ip_parse(text, ret->ip) ||
	    (os_address_parse(text, ret) && ret->path[0] == '\0' && ret->port != 0);
}

static bool take_servers(const struct config_key *key, slice value, unsigned line,
    struct arena *arena, struct config *config, struct config_error *ret_fault)
{
	struct config_servers servers = { .system = slice_equal_ascii(value, slice_lit("system")) };
	bool more = !servers.system && !slice_equal_ascii(value, slice_lit("root"));

	servers.list = arena_new(arena, struct os_address, CONFIG_SERVERS_MAX);
	while (more) {
		slice text;

		more = slice_find_byte(value, ',') < value.len;
		text = next_part(&value);
		if (servers.n == CONFIG_SERVERS_MAX) {
			fault(ret_fault, "is one server too many", text);
			return false;
		}
		if (!take_server(text, &servers.list[servers.n])) {
			fault(ret_fault, "is not the address of a name server; write 192.0.2.1, "
			    "192.0.2.1:5353, system or root", text);
			return false;
		}
		servers.n++;
	}
	memcpy(field(key, config), &servers, sizeof servers);
	return true;
}

static void print_servers(const struct config_key *key, const struct config *config,
    struct buffer *out)
{
	struct config_servers servers;

	memcpy(&servers, (const char *)config + key->offset, sizeof servers);
	for (size_t i = 0; i < servers.n; i++) {
		char text[OS_ADDRESS_TEXT];

		os_address_print(&servers.list[i], text, sizeof text);
		buffer_printf(out, "%s%s", i ? ", " : "", text);
	}
	if (servers.n == 0)
		buffer_add(out, servers.system ? slice_lit("system") : slice_lit("root"));
}

/* ---- by type ---- */

static const struct {
	enum config_type type;
	bool (*take)(const struct config_key *key, slice value, unsigned line,
	    struct arena *arena, struct config *config, struct config_error *ret_fault);
	void (*print)(const struct config_key *key, const struct config *config,
	    struct buffer *out);
} types[] = {
	{ CONFIG_NAME, take_name, print_word },
	{ CONFIG_NAMES, take_names, print_names },
	{ CONFIG_WORD, take_word, print_word },
	{ CONFIG_LISTEN, take_listen, print_listen },
	{ CONFIG_NETWORKS, take_networks, print_networks },
	{ CONFIG_HOST, take_host, print_host },
	{ CONFIG_SERVERS, take_servers, print_servers },
	{ CONFIG_YES, take_yes, print_yes },
	{ CONFIG_CHOICE, take_choice, print_choice },
	{ CONFIG_COUNT, take_count, print_count },
	{ CONFIG_SIZE, take_size, print_size },
	{ CONFIG_TIME, take_time, print_time },
};

static size_t type_row(enum config_type type)
{
	size_t i = 0;

	while (types[i].type != type)
		check(++i < sizeof types / sizeof *types);
	return i;
}

bool config_value_take(const struct config_key *key, slice value, unsigned line,
    struct arena *arena, struct config *config, struct config_error *ret_fault)
{
	return types[type_row(key->type)].take(key, value, line, arena, config, ret_fault);
}

void config_value_print(const struct config_key *key, const struct config *config,
    struct buffer *out)
{
	types[type_row(key->type)].print(key, config, out);
}
