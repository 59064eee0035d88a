/* role/relay_route.c - where a destination's mail goes (RFC 5321 s5): its MX hosts in
 * order, without MX the domain itself; of each host all addresses.
 *
 *   MX -> hosts -> A and AAAA of each -> places, or a failure for all that waits
 *
 * A failure is for good only when a name is not there, or the domain says that it
 * takes no mail (RFC 7505). */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "journey/event.h"
#include "role/relay_impl.h"

struct question {
	struct list link;               /* relay->questions */
	struct destination *destination;
	uint64_t number;
	unsigned type;
	uint8_t host;                   /* A, AAAA: of the destination's */
};

static void ask(struct destination *d, unsigned type, uint8_t host, slice name)
{
	struct relay *r = d->relay;
	struct ipc_channel *resolver = frame_peer(&r->frame, ROLE_RESOLVER, 0);
	struct question *q = heap_new(r->heap, struct question);
	struct buffer *out = ipc_begin(resolver, IPC_RESOLVE);

	q->destination = d;
	q->number = ++r->request_last;
	q->type = type;
	q->host = host;
	table_put(&r->requests, table_key(q->number), q);
	list_append(&r->questions, &q->link);
	d->asking++;
	put_u64(out, q->number);
	put_u16(out, (uint16_t)type);
	put_slice(out, name);
	ipc_end(resolver, -1);
}

static void forget(struct relay *r, struct question *q)
{
	table_remove(&r->requests, table_key(q->number));
	list_remove(&q->link);
	q->destination->asking--;
	heap_free(r->heap, q);
}

/* ---- the journey ---- */

static void tell_records(struct event *event, unsigned type, struct bytes in)
{
	char text[512];
	size_t at = 0, n = get_u16(&in);

	text[0] = '\0';
	for (size_t i = 0; i < n && bytes_ok(&in) && at + 1 < sizeof text; i++) {
		slice data = get_slice(&in, IPC_BODY_MAX);
		struct dns_mx mx;
		uint8_t ip[16];
		char shown[DNS_NAME_TEXT + 16] = "?";

		if (type == DNS_MX && dns_mx_read(data, &mx))
			snprintf(shown, sizeof shown, "%u %s.", mx.preference, mx.host);
		else if (dns_address_read(type, data, ip))
			os_ip_print(ip, shown, sizeof shown);
		at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i > 0 ? ", " : "",
		    shown);
	}
	event_text(event, "records", slice_from(text));
}

/* For the message that waits for it first. */
static void tell(const struct destination *d, const struct question *q, unsigned status,
    bool secure, slice why, struct bytes in)
{
	static const char *const words[] = { "found", "no such record", "no such name", "failed" };
	struct event event;
	char type[DNS_TYPE_TEXT];

	if (list_empty(&d->ready) || !event_begin(&event, d->relay->os, "looked-up"))
		return;
	event_id(&event, list_item(d->ready.next, struct entry, at)->id);
	event_text(&event, "type", slice_from(dns_type_print(q->type, type)));
	event_text(&event, "name", q->type == DNS_MX ? d->domain :
	    slice_from(d->hosts[q->host].name));
	event_text(&event, "answer", slice_from(words[status]));
	/* What failed is neither; without validation nobody knows. */
	if (d->relay->frame.config->dns_validate && status != OS_DNS_FAILED)
		event_text(&event, "dnssec", secure ? slice_lit("secure") : slice_lit("insecure"));
	if (status == OS_DNS_DATA)
		tell_records(&event, q->type, in);
	else if (why.len > 0)
		event_text(&event, "words", why);
	event_end(&event);
}

/* ---- the end of a look-up ---- */

static void no_route(struct destination *d, bool for_good)
{
	char why[QUEUE_REPLY_MAX];

	snprintf(why, sizeof why, "%s", d->why);
	d->route = ROUTE_NONE;
	if (for_good)
		destination_refuse(d, why);
	else
		destination_defer(d, why);
}

static void finish(struct destination *d)
{
	struct relay *r = d->relay;
	uint32_t ttl = d->ttl_s;

	if (d->n_places == 0) {
		if (!d->failed && d->left_out[0] != '\0')
			snprintf(d->why, sizeof d->why, "%s", d->left_out);
		else if (!d->failed)
			snprintf(d->why, sizeof d->why, "5.4.4 no mail host of %.*s has an "
			    "address", slice_arg(d->domain));
		no_route(d, !d->failed);
		return;
	}
	ttl = ttl < RELAY_ROUTE_MIN_S ? RELAY_ROUTE_MIN_S : ttl;
	ttl = ttl > RELAY_ROUTE_MAX_S ? RELAY_ROUTE_MAX_S : ttl;
	d->route = ROUTE_READY;
	d->route_until_ms = os_now_ms(r->os) + (uint64_t)ttl * 1000;
	destination_pump(d);
}

/* ---- hosts ---- */

/* relay.networks; a host that is left out is why there may be no route. */
static bool may_go_to(struct destination *d, const struct place *place)
{
	char text[OS_IP_TEXT];

	if (config_relays_to(d->relay->frame.config, place->ip))
		return true;
	os_ip_print(place->ip, text, sizeof text);
	snprintf(d->left_out, sizeof d->left_out, "5.7.1 this server (relay.networks) sends no "
	    "mail to %s[%s]", d->hosts[place->host].name, text);
	return false;
}

static void ask_addresses(struct destination *d)
{
	uint8_t ip[16];

	d->asking++;
	for (size_t i = 0; i < d->n_hosts; i++) {
		slice name = slice_from(d->hosts[i].name);

		/* relay.host may be an address. */
		if (os_ip_parse(name, ip) && d->n_places < RELAY_ADDRESSES_MAX) {
			struct place place = { .host = (uint8_t)i };

			memcpy(place.ip, ip, 16);
			if (may_go_to(d, &place))
				d->places[d->n_places++] = place;
			continue;
		}
		ask(d, DNS_AAAA, (uint8_t)i, name);
		ask(d, DNS_A, (uint8_t)i, name);
	}
	if (--d->asking == 0)
		finish(d);
}

static void add_host(struct destination *d, slice name, uint16_t preference)
{
	struct host *host = &d->hosts[d->n_hosts];

	if (d->n_hosts == RELAY_HOSTS_MAX || name.len >= sizeof host->name)
		return;
	snprintf(host->name, sizeof host->name, "%.*s", slice_arg(name));
	host->preference = preference;
	d->n_hosts++;
}

static uint64_t draw(void *context)
{
	return os_random_u64(context);
}

/* We are one of them: hosts that are no better than we lead nowhere but back to us
 * (RFC 5321 s5.1). How many are before us? */
static size_t before_us(const struct destination *d, const struct dns_mx *list, size_t n)
{
	slice us = d->relay->frame.config->hostname;

	for (size_t i = 0; i < n; i++) {
		if (!slice_equal_ascii(slice_from(list[i].host), us))
			continue;
		while (i > 0 && list[i - 1].preference == list[i].preference)
			i--;
		return i;
	}
	return n;
}

static void leads_back(struct destination *d)
{
	snprintf(d->why, sizeof d->why, "5.4.6 the mail hosts of %.*s lead back to this "
	    "server, which does not serve that domain", slice_arg(d->domain));
	no_route(d, true);
}

/* n of them can be read. */
static void on_hosts(struct destination *d, struct dns_mx *list, size_t n, size_t records)
{
	size_t usable;

	if (records == 1 && list[0].host[0] == '\0') {
		snprintf(d->why, sizeof d->why, "5.1.10 %.*s says that it takes no mail (null MX, "
		    "RFC 7505)", slice_arg(d->domain));
		no_route(d, true);
		return;
	}
	dns_mx_sort(list, n, draw, d->relay->os);
	usable = before_us(d, list, n);
	if (usable == 0) {
		leads_back(d);
		return;
	}
	for (size_t i = 0; i < usable; i++) {
		if (list[i].host[0] != '\0')
			add_host(d, slice_from(list[i].host), list[i].preference);
	}
	ask_addresses(d);
}

/* ---- answers ---- */

static void on_mx(struct destination *d, unsigned status, slice why, struct bytes *in)
{
	struct dns_mx list[DNS_ANSWERS_MAX];
	size_t n = get_u16(in), read = 0;

	switch (status) {
	case OS_DNS_NO_NAME:
		snprintf(d->why, sizeof d->why, "5.1.2 there is no domain %.*s",
		    slice_arg(d->domain));
		no_route(d, true);
		return;
	case OS_DNS_NO_DATA:
		if (slice_equal_ascii(d->domain, d->relay->frame.config->hostname)) {
			leads_back(d);
			return;
		}
		add_host(d, d->domain, 0);
		ask_addresses(d);
		return;
	case OS_DNS_DATA:
		break;
	default:
		snprintf(d->why, sizeof d->why, "4.4.3 the MX records of %.*s can't be looked up: "
		    "%.*s", slice_arg(d->domain), slice_arg(why));
		no_route(d, false);
		return;
	}
	for (size_t i = 0; i < n && i < DNS_ANSWERS_MAX; i++)
		read += dns_mx_read(get_slice(in, IPC_BODY_MAX), &list[read]);
	if (read == 0) {
		snprintf(d->why, sizeof d->why, "4.4.3 no MX record of %.*s can be read",
		    slice_arg(d->domain));
		no_route(d, false);
		return;
	}
	on_hosts(d, list, read, n);
}

static bool better(const struct destination *d, const struct place *a, const struct place *b)
{
	return d->hosts[a->host].preference < d->hosts[b->host].preference ||
	    (d->hosts[a->host].preference == d->hosts[b->host].preference && a->host < b->host);
}

static void add_place(struct destination *d, struct place place)
{
	size_t at = d->n_places;

	if (!may_go_to(d, &place))
		return;
	if (at == RELAY_ADDRESSES_MAX) {
		/* The best stay, in whatever order the answers come. */
		if (!better(d, &place, &d->places[at - 1]))
			return;
		at = --d->n_places;
	}
	for (; at > 0 && better(d, &place, &d->places[at - 1]); at--)
		d->places[at] = d->places[at - 1];
	d->places[at] = place;
	d->n_places++;
}

static void on_addresses(struct destination *d, const struct question *q, unsigned status,
    slice why, struct bytes *in)
{
	size_t n = get_u16(in);

	if (status == OS_DNS_FAILED && !d->failed) {
		d->failed = true;
		snprintf(d->why, sizeof d->why, "4.4.3 the address of %s can't be looked up: "
		    "%.*s", d->hosts[q->host].name, slice_arg(why));
	}
	for (size_t i = 0; status == OS_DNS_DATA && i < n && bytes_ok(in); i++) {
		struct place place = { .host = q->host };

		if (dns_address_read(q->type, get_slice(in, IPC_BODY_MAX), place.ip))
			add_place(d, place);
	}
}

bool route_answer(struct relay *r, struct ipc_message *message)
{
	struct bytes *in = &message->body;
	uint64_t number = get_u64(in);
	unsigned status = get_u8(in);
	bool secure = get_u8(in) != 0;
	uint32_t ttl = get_u32(in);
	struct destination *d;
	struct question *q, copy;
	slice why;

	get_slice(in, OS_DNS_NAME_MAX);
	why = get_slice(in, IPC_TEXT_MAX);
	if (!bytes_ok(in) || status > OS_DNS_FAILED)
		return false;
	q = table_get(&r->requests, table_key(number));
	if (q == NULL)
		return true;
	copy = *q;
	d = q->destination;
	forget(r, q);
	tell(d, &copy, status, secure, why, *in);
	if (status == OS_DNS_DATA && ttl < d->ttl_s)
		d->ttl_s = ttl;
	if (copy.type == DNS_MX) {
		on_mx(d, status, why, in);
		return true;
	}
	on_addresses(d, &copy, status, why, in);
	if (d->asking == 0)
		finish(d);
	return true;
}

void route_resolver_left(struct relay *r)
{
	struct list *at;

	while ((at = list_take_first(&r->questions)) != NULL) {
		struct question *q = list_item(at, struct question, link);
		struct destination *d = q->destination;

		forget(r, q);
		if (d->asking > 0 || d->route != ROUTE_ASKING)
			continue;
		snprintf(d->why, sizeof d->why, "4.3.0 our resolver is not there; try later");
		no_route(d, false);
	}
}

/* What was asked for is looked up anew. */
void route_forget_questions(struct relay *r)
{
	while (!list_empty(&r->questions)) {
		struct question *q = list_item(r->questions.next, struct question, link);

		q->destination->route = ROUTE_NONE;
		forget(r, q);
	}
}

/* ---- begin ---- */

void route_find(struct destination *d)
{
	struct relay *r = d->relay;
	const struct config *config = r->frame.config;
	const struct config_host *host = &config->relay_host;

	if (frame_peer(&r->frame, ROLE_RESOLVER, 0) == NULL ||
	    r->requests.count >= RELAY_QUESTIONS_MAX)
		return;                 /* a tick tries again */
	if (d->places == NULL)
		d->places = heap_alloc(r->heap, RELAY_ADDRESSES_MAX * sizeof *d->places);
	d->route = ROUTE_ASKING;
	d->route_reload = r->reloads;
	d->port = config_relay_host_port(config);
	d->n_hosts = d->n_places = 0;
	d->failed = false;
	d->why[0] = d->left_out[0] = '\0';
	d->ttl_s = RELAY_ROUTE_MAX_S;
	if (host->name.len > 0) {
		add_host(d, host->name, 0);
		ask_addresses(d);
		return;
	}
	/* An address literal names its host (RFC 5321 s4.1.3). */
	if (d->domain.len > 2 && d->domain.ptr[0] == '[') {
		slice ip = slice_sub(d->domain, 1, d->domain.len - 2);

		add_host(d, slice_starts_ascii(ip, slice_lit("IPv6:")) ? slice_drop(ip, 5) : ip, 0);
		ask_addresses(d);
		return;
	}
	ask(d, DNS_MX, 0, d->domain);
}
