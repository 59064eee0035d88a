/* sim/world_make.c - the hosts and clients of a world, drawn from its seed. */
#include "sim/world_impl.h"

#include <string.h>

#include "base/check.h"

/* A plan of all that depends on the size of a world. */
struct scale {
	unsigned stations;
	unsigned edges, stores, accounts, senders, messages;    /* at most */
};

static struct scale draw_scale(struct world *w)
{
	static const struct scale small = { 1, 2, 2, 4, 5, 20 }, dozens = { 0, 1, 1, 2, 0, 6 };
	struct chance *c = &w->chance;
	struct scale scale = small;

	w->pace = 1;
	w->weather_s = (unsigned)chance_between(c, 5, 40);
	if (chance_one_in(c, 40)) {
		scale = dozens;
		scale.stations = (unsigned)chance_between(c, 12, STATIONS_MAX);
		scale.senders = scale.stations + scale.stations / 2;
	} else if (chance_one_in(c, 5)) {
		scale.stations = 2;
	}
	if (chance_one_in(c, 12)) {
		w->pace = (unsigned)chance_between(c, 30, 200);
		w->weather_s = (unsigned)chance_between(c, 1800, 4 * 3600);
	}
	if (scale.stations > w->bounds.hosts)
		scale.stations = w->bounds.hosts;
	return scale;
}

static struct sim_host *draw_away(struct world *w)
{
	return w->away[chance_below(&w->chance, w->n_away)];
}

static void make_away(struct world *w)
{
	size_t n = chance_between(&w->chance, 1, AWAY_MAX);

	for (size_t i = 0; i < n; i++) {
		const uint8_t ip[4] = { 127, 2, 0, (uint8_t)(i + 1) };
		char name[16];

		snprintf(name, sizeof name, "away%zu", i);
		w->away[w->n_away++] = sim_host_create(w->sim, name, ip, 0);
	}
}

/* ---- stations and readers ---- */

static void add_recipient(struct world *w, size_t station, const char *name, uint64_t accounts)
{
	size_t n = w->n_recipients[station]++;
	slice domain = station_domain(w->stations[station]);

	check(n < RECIPIENTS_MAX);
	w->recipients[station][n] = (struct smtp_actor_recipient){
		arena_printf(&w->arena, "%s@%.*s", name, slice_arg(domain)), accounts, 0, false
	};
}

static struct os_address address_of(const struct station *s, uint16_t port)
{
	struct os_address address = { .port = port };

	memset(address.ip + 10, 0xff, 2);
	memcpy(address.ip + 12, station_plan(s)->ipv4, 4);
	return address;
}

static void add_reader(struct world *w, struct station *s, slice login, unsigned account)
{
	struct pop3_actor_plan plan = {
		.checker = w->checker,
		.server = address_of(s, STATION_POP3_PORT),
		.account = account,
		.login = login,
		.secret = slice_lit(STATION_PASSWORD),
		.pace = w->pace,
		.seed = sim_seed(w->sim),
	};

	check(w->n_readers < READERS_MAX);
	w->readers[w->n_readers++] =
	    pop3_actor_create(sim_process_create(draw_away(w), "reader"), &plan);
}

/* Two devices of one account. */
static void add_devices(struct world *w, struct station *s, slice login, unsigned account)
{
	/* Of its own: all else is drawn alike with them and without. */
	struct chance c = chance_init(sim_seed(w->sim), "devices", account);
	struct imap_book *book = imap_book_create(w->sim, w->checker, account);

	for (unsigned i = 0; i < IMAP_DEVICES; i++) {
		struct imap_actor_plan plan = {
			.sim = w->sim,
			.checker = w->checker,
			.book = book,
			.server = address_of(s, STATION_IMAP_PORT),
			.account = account,
			.device = i,
			.login = login,
			.secret = slice_lit(STATION_PASSWORD),
			.pace = w->pace,
			.seed = sim_seed(w->sim),
		};
		struct sim_host *host = w->away[chance_below(&c, w->n_away)];

		check(w->n_devices < DEVICES_MAX);
		w->devices[w->n_devices++] =
		    imap_actor_create(sim_process_create(host, "device"), &plan);
	}
}

/* Elsewhere, or here. */
static slice draw_target(struct world *w, const struct scale *scale, struct chance *c)
{
	size_t to = chance_below(c, scale->stations);

	if (to != w->n_stations && chance_one_in(c, 3))
		return arena_printf(&w->arena, "user0@host%zu.example", to);
	if (to == w->n_stations && chance_one_in(c, 6))
		return arena_printf(&w->arena, "user0@host%zu.example", to);
	return outside_draw(w->outside, c);
}

static bool has_target(const struct station_forward *forward, slice target)
{
	for (size_t i = 0; i < forward->n; i++) {
		if (slice_equal(forward->targets[i], target))
			return true;
	}
	return false;
}

static void draw_forwards(struct world *w, const struct scale *scale, struct station_plan *plan)
{
	static const char *const names[STATION_FORWARDS_MAX] = { "fwd0", "fwd1", "fwd2" };
	/* Of its own: with fewer hosts all else is drawn alike. */
	struct chance c = chance_init(sim_seed(w->sim), "forwards", w->n_stations);
	size_t n = chance_between(&c, 1, STATION_FORWARDS_MAX);
	struct station_forward *list = arena_new(&w->arena, struct station_forward, n);

	for (size_t i = 0; i < n; i++) {
		list[i].name = names[i];
		for (size_t want = chance_skewed(&c, 1, STATION_TARGETS_MAX); want > 0; want--) {
			slice target = draw_target(w, scale, &c);

			if (!has_target(&list[i], target))
				list[i].targets[list[i].n++] = target;
		}
	}
	plan->forwards = list;
	plan->n_forwards = n;
}

/* When all accounts of all stations are known. */
static void add_forwards(struct world *w, size_t station)
{
	const struct station_plan *plan = station_plan(w->stations[station]);

	for (size_t i = 0; i < plan->n_forwards; i++) {
		const struct station_forward *forward = &plan->forwards[i];
		struct smtp_actor_recipient *r;
		uint64_t all = 0, here = 0;

		for (size_t j = 0; j < forward->n; j++) {
			slice domain = station_domain(w->stations[station]), to = forward->targets[j];
			uint64_t bit = checker_account_bit(w->checker, to);

			check(bit != 0);
			all |= bit;
			here |= slice_ends(to, domain) ? bit : 0;
		}
		add_recipient(w, station, forward->name, all);
		r = &w->recipients[station][w->n_recipients[station] - 1];
		r->remote = all & ~here;
	}
}

static struct station *create_station(struct world *w, const struct scale *scale)
{
	size_t i = w->n_stations;
	struct chance *c = &w->chance;
	struct station_plan plan = {
		.name = slice_cstr(&w->arena, arena_printf(&w->arena, "host%zu", i)),
		.ipv4 = { 127, 1, 0, (uint8_t)(i + 1) },
		.edges = (unsigned)chance_between(c, 1, scale->edges),
		.stores = (unsigned)chance_between(c, 1, scale->stores),
		.accounts = (unsigned)chance_between(c, 1, scale->accounts),
		.small_journal = chance_one_in(c, 2),
	};

	draw_forwards(w, scale, &plan);
	w->stations[w->n_stations] = station_create(w->sim, &plan);
	outside_add_station(w->outside, w->stations[w->n_stations]);
	return w->stations[w->n_stations++];
}

/* Somebody who logs in as the accounts of an administrator. */
static void make_login(struct world *w, struct station *s, const struct book *book,
    unsigned number)
{
	struct login_actor_plan plan = {
		.checker = w->checker,
		.book = book,
		.server = address_of(s, STATION_POP3_PORT),
		.domain = station_domain(s),
		.names = control_accounts(),
		.n_names = CONTROL_ACCOUNTS,
		.pace = w->pace,
		.seed = sim_seed(w->sim),
		.number = number,
	};

	w->logins[w->n_controls] =
	    login_actor_create(sim_process_create(draw_away(w), "login"), &plan);
}

/* An administrator of the station, whose alias the senders write to. */
static struct book *make_control(struct world *w, size_t station)
{
	struct station *s = w->stations[station];
	struct book *book = book_create(w->sim, w->checker,
	    sim_host_name(station_host(s)));
	struct control_actor_plan plan = {
		.checker = w->checker,
		.book = book,
		.server = address_of(s, STATION_CONTROL_PORT),
		.domain = station_domain(s),
		.accounts = station_plan(s)->accounts,
		.pace = w->pace,
		.seed = sim_seed(w->sim),
		.number = (unsigned)station,
	};

	make_login(w, s, book, (unsigned)station);
	w->controls[w->n_controls++] =
	    control_actor_create(sim_process_create(draw_away(w), "control"), &plan);
	add_recipient(w, station, CHECKER_MOVING, 0);
	w->recipients[station][w->n_recipients[station] - 1].moves = true;
	return book;
}

static void make_station(struct world *w, const struct scale *scale)
{
	size_t i = w->n_stations;
	struct station *s = create_station(w, scale);
	unsigned n_accounts = station_plan(s)->accounts, first = 0;
	struct book *book = NULL;
	uint64_t all = 0, team = 0;
	char name[32];

	for (unsigned n = 0; n < n_accounts; n++) {
		slice login = arena_printf(&w->arena, "user%u@%.*s", n,
		    slice_arg(station_domain(s)));
		unsigned account = checker_account_add(w->checker, login);

		first = n == 0 ? account : first;
		all |= UINT64_C(1) << account;
		team |= n < 2 ? UINT64_C(1) << account : 0;
		add_reader(w, s, login, account);
		if (n == 0)
			add_devices(w, s, login, account);
		snprintf(name, sizeof name, n % 2 ? "User%u+news" : "user%u", n);
		add_recipient(w, i, name, UINT64_C(1) << account);
	}
	add_recipient(w, i, "all", all);
	if (n_accounts > 1)
		add_recipient(w, i, "team", team);
	add_recipient(w, i, "nobody", 0);
	if (w->n_controls < CONTROLS_MAX && chance_one_in(&w->chance, 2))
		book = make_control(w, i);
	seals_add(w->seals, s, first, book);
	rot_add(w->rot, s, first);
	dark_add(w->dark, s, first);
}

/* ---- those who send ---- */

static void make_senders(struct world *w, const struct scale *scale)
{
	size_t n = chance_between(&w->chance, 1, scale->senders);

	for (size_t i = 0; i < n; i++) {
		size_t to = chance_below(&w->chance, w->n_stations);
		unsigned messages = (unsigned)chance_skewed(&w->chance, 1, scale->messages);
		unsigned left = w->bounds.messages - w->messages;
		struct smtp_actor_plan plan = {
			.checker = w->checker,
			.server = address_of(w->stations[to], STATION_SMTP_PORT),
			.recipients = w->recipients[to],
			.n_recipients = w->n_recipients[to],
			.home = station_domain(w->stations[
			    chance_below(&w->chance, w->n_stations)]),
			.messages = messages < left ? messages : left,
			.pace = w->pace,
			.seed = sim_seed(w->sim),
			.number = (unsigned)i,
		};

		w->messages += plan.messages;
		w->senders[w->n_senders++] =
		    smtp_actor_create(sim_process_create(draw_away(w), "sender"), &plan);
	}
}

static void make_rude(struct world *w)
{
	size_t n = chance_one_in(&w->chance, 4) ? chance_between(&w->chance, 1, RUDE_MAX) : 0;

	for (size_t i = 0; i < n; i++) {
		size_t to = chance_below(&w->chance, w->n_stations);
		struct rude_actor_plan plan = {
			.server = address_of(w->stations[to], chance_one_in(&w->chance, 2) ?
			    STATION_SMTP_PORT : STATION_POP3_PORT),
			.seed = sim_seed(w->sim),
			.number = (unsigned)i,
		};

		w->rude[w->n_rude++] =
		    rude_actor_create(sim_process_create(draw_away(w), "rude"), &plan);
	}
}

void world_make(struct world *w, uint64_t seed, const struct world_options *options)
{
	struct scale scale;

	check(options->bounds.hosts > 0);
	w->sim = sim_create(seed);
	w->bounds = options->bounds;
	sim_plant(w->sim, options->plant);
	sim_echo(w->sim, options->log);
	w->arena = arena_init(sim_heap(w->sim), 256 * 1024);
	w->chance = chance_init(seed, "world", 0);
	w->checker = checker_create(w->sim);
	w->seals = seals_create(w->sim, w->checker);
	w->rot = rot_create(w->sim, w->checker);
	w->dark = dark_create(w->sim, w->checker, w->rot);
	scale = draw_scale(w);
	w->outside = outside_create(w->sim, w->checker);
	make_away(w);
	while (w->n_stations < scale.stations)
		make_station(w, &scale);
	for (size_t i = 0; i < w->n_stations; i++)
		add_forwards(w, i);
	make_senders(w, &scale);
	make_rude(w);
}
