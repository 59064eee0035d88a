/* sim/outside.c - names and next hosts. */
#include "sim/outside.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "dns/dns_record.h"
#include "sim/next_host.h"

enum { NAMES_MAX = 4 + 24, SECOND_US = 1000 * 1000 };

/* A domain, as it is when nothing is wrong. */
struct name {
	char domain[64];
	char mx[2][80];                 /* in this order; "": none */
	uint8_t ipv4[2][4];             /* of them, or of the domain itself */
	bool no_mail;
};

struct outside {
	struct sim *sim;
	struct checker *checker;
	struct sim_host *hosts[OUTSIDE_HOSTS];
	struct next_host *next[OUTSIDE_HOSTS];
	struct name names[NAMES_MAX];
	size_t n_names;
};

static const char *const good[] = { "ok1@far.example", "ok2@far.example",
    "ok@plain.example" };
static const char *const bad[] = { "nobody@far.example", "busy@far.example",
    "x@nomail.example", "x@nowhere.example" };

/* ---- the DNS ---- */

static void add_address(struct sim *sim, const char *name, const uint8_t ipv4[4])
{
	sim_dns_remove(sim, name, 0);
	sim_dns_add(sim, name, DNS_A, slice_of(ipv4, 4));
}

static void add_mx(struct sim *sim, const char *domain, const char *host, uint16_t preference)
{
	unsigned char data[2 + DNS_NAME_TEXT];
	size_t n = dns_name_write(slice_from(host), data + 2);

	check(n > 0);
	data[0] = (unsigned char)(preference >> 8);
	data[1] = (unsigned char)preference;
	sim_dns_add(sim, domain, DNS_MX, slice_of(data, 2 + n));
}

static void write_name(struct outside *o, const struct name *name)
{
	sim_dns_remove(o->sim, name->domain, 0);
	if (name->no_mail)
		add_mx(o->sim, name->domain, "", 0);
	else if (name->mx[0][0] == '\0')
		add_address(o->sim, name->domain, name->ipv4[0]);
	for (size_t i = 0; i < 2 && name->mx[i][0] != '\0'; i++) {
		add_mx(o->sim, name->domain, name->mx[i], (uint16_t)(10 * (i + 1)));
		add_address(o->sim, name->mx[i], name->ipv4[i]);
	}
}

static void add_name(struct outside *o, struct name name)
{
	check(o->n_names < NAMES_MAX);
	o->names[o->n_names++] = name;
	write_name(o, &name);
}

/* ---- what is given up ---- */

/* A relay says that it gave up a message: "... ID: to=<recipient> relay=... status=expired
 * (...)". If that was a report there is nobody to tell then (RFC 5321 s4.5.5). */
static void on_log(void *arg, struct os *from, slice line)
{
	struct outside *o = arg;
	static const slice before = slice_lit(": to=<");
	size_t at = slice_find(line, before);
	slice id = slice_head(line, at), recipient;
	unsigned number;

	if (at == line.len || (slice_find(line, slice_lit(" status=expired")) == line.len &&
	    slice_find(line, slice_lit(" status=bounced")) == line.len))
		return;
	id = slice_drop(id, slice_find_last_byte(id, ' ') < id.len ?
	    slice_find_last_byte(id, ' ') + 1 : 0);
	recipient = slice_drop(line, at + before.len);
	recipient = slice_head(recipient, slice_find_byte(recipient, '>'));
	number = checker_sender_number(o->checker, recipient);
	if (number != 0)
		checker_nobody_hears(o->checker, number);
	else
		checker_given_up(o->checker, id, recipient);
}

/* ---- made ---- */

static void make_host(struct outside *o, unsigned i, uint8_t ret_ipv4[4])
{
	const uint8_t ip[4] = { 127, 3, 0, (uint8_t)(i + 1) };
	struct os_address address = { .port = STATION_SMTP_PORT };
	char text[16];

	memset(address.ip + 10, 0xff, 2);
	memcpy(address.ip + 12, ip, 4);
	memcpy(ret_ipv4, ip, 4);
	snprintf(text, sizeof text, "next%u", i);
	o->hosts[i] = sim_host_create(o->sim, text, ip, 0);
	o->next[i] = next_host_create(sim_process_create(o->hosts[i], "next"), o->checker,
	    &address, sim_seed(o->sim), i);
}

struct outside *outside_create(struct sim *sim, struct checker *checker)
{
	struct outside *o = heap_new(sim_heap(sim), struct outside);
	struct name away = { CHECKER_AWAY, { "mx." CHECKER_AWAY }, { { 0 } }, false };
	struct name far = { "far.example", { "a.far.example", "b.far.example" }, { { 0 } },
	    false };
	struct name plain = { .domain = "plain.example" }, nomail = { .domain = "nomail.example",
	    .no_mail = true };

	o->sim = sim;
	o->checker = checker;
	sim_listen_log(sim, on_log, o);
	make_host(o, 0, away.ipv4[0]);
	make_host(o, 1, far.ipv4[0]);
	make_host(o, 2, plain.ipv4[0]);
	memcpy(far.ipv4[1], away.ipv4[0], sizeof far.ipv4[1]);
	add_name(o, away);
	add_name(o, far);
	add_name(o, plain);
	add_name(o, nomail);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		checker_account_add(checker, slice_from(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		checker_account_add(checker, slice_from(bad[i]));
	return o;
}

void outside_add_station(struct outside *o, const struct station *station)
{
	const struct station_plan *plan = station_plan(station);
	struct name name = { .no_mail = false };

	snprintf(name.domain, sizeof name.domain, "%.*s", slice_arg(station_domain(station)));
	snprintf(name.mx[0], sizeof name.mx[0], "mx.%s", name.domain);
	memcpy(name.ipv4[0], plan->ipv4, 4);
	add_name(o, name);
}

slice outside_draw(struct outside *o, struct chance *chance)
{
	if (chance_one_in(chance, 4))
		return slice_from(bad[chance_below(chance, sizeof bad / sizeof *bad)]);
	return slice_from(good[chance_below(chance, sizeof good / sizeof *good)]);
}

struct sim_host *outside_host(struct outside *o, unsigned number)
{
	check(number < OUTSIDE_HOSTS);
	return o->hosts[number];
}

/* ---- what goes wrong ---- */

struct spell {
	struct outside *outside;
	struct next_host *host;         /* or a ... */
	const struct name *name;
};

static void over(void *arg)
{
	struct spell *s = arg;

	if (s->host != NULL)
		next_host_set_mood(s->host, MOOD_GOOD);
	else
		write_name(s->outside, s->name);
	heap_free(sim_heap(s->outside->sim), s);
}

static void begin(struct outside *o, struct chance *chance, struct next_host *host,
    const struct name *name)
{
	struct spell *s = heap_new(sim_heap(o->sim), struct spell);

	*s = (struct spell){ o, host, name };
	sim_at(o->sim, chance_skewed(chance, SECOND_US, 120 * SECOND_US), over, s);
}

void outside_strike_host(struct outside *o, struct chance *chance)
{
	struct next_host *host = o->next[chance_below(chance, OUTSIDE_HOSTS)];

	next_host_set_mood(host, (enum next_mood)chance_between(chance, 1, MOODS - 1));
	begin(o, chance, host, NULL);
}

/* Gone; or its first host is another that does not answer, or that is not there. */
void outside_strike_dns(struct outside *o, struct chance *chance)
{
	static const uint8_t nobody[4] = { 127, 3, 0, 99 };
	const struct name *name = &o->names[chance_below(chance, o->n_names)];

	switch (chance_below(chance, 4)) {
	case 0:
		sim_dns_remove(o->sim, name->domain, 0);
		break;
	case 1:
		add_mx(o->sim, name->domain, "gone.example", 5);
		break;
	case 2:
		if (name->mx[0][0] != '\0')
			add_address(o->sim, name->mx[0], nobody);
		break;
	default:
		if (name->mx[0][0] != '\0')
			sim_dns_remove(o->sim, name->mx[0], 0);
		break;
	}
	begin(o, chance, NULL, name);
}

void outside_calm(struct outside *o)
{
	const struct sim_dns_weather none = { 0 };

	sim_dns_weather(o->sim, none);
	for (size_t i = 0; i < OUTSIDE_HOSTS; i++)
		next_host_set_mood(o->next[i], MOOD_GOOD);
	for (size_t i = 0; i < o->n_names; i++)
		write_name(o, &o->names[i]);
}
