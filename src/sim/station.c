/* sim/station.c - lay out a host, start the keeper, and start it again.
 *
 *   laid out -> starting -> serving -> (keeper gone) -> starting ...
 */
#include "sim/station.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "config/config.h"
#include "directory/directory.h"
#include "directory/password.h"
#include "role/keeper.h"

enum { WATCH_US = 100 * 1000, RESTART_US = 500 * 1000, BACKLOG = 64, DRAIN_MS = 3000 };

struct station {
	struct sim *sim;
	struct sim_host *host;
	struct station_plan plan;
	char domain[64];
	struct arena arena;
	struct config configs[2];       /* a reload goes from one to the other */
	unsigned config;                /* which of them */
	unsigned char seal_key[32];
	uint64_t ids[STATION_ACCOUNTS_MAX];
	struct os *process;             /* the keeper's */
	struct keeper *keeper;          /* in it, while it lives */
	struct os_signal hangup, end;
	bool serving;
	unsigned starts, failed_starts;
	char complaint[256];
};

/* ---- the disk and the accounts, before anything breaks ---- */

static void make_config(struct station *s, unsigned errors_max, struct config *ret)
{
	const uint8_t *ip = s->plan.ipv4;
	struct config_error error;
	slice text = arena_printf(&s->arena,
	    "hostname = mx.%s\ndomains = %s\nedges = %u\nstores = %u\n"
	    "listen.smtp = %u.%u.%u.%u:%d\nlisten.pop3 = %u.%u.%u.%u:%d\n"
	    "listen.submission = none\nlisten.submissions = none\nlisten.pop3s = none\n"
	    "listen.imap = %u.%u.%u.%u:%d\nlisten.imaps = none\n"
	    "password.memory = 8K\nsmtp.greeting_delay = 10ms\nsmtp.timeout = 60s\n"
	    "pop3.timeout = 60s\njournal.size = %s\njournal.segment = 4M\n"
	    "limit.errors = %u\nrelay.port = %d\nrelay.retry = 1s\nrelay.retry_max = 8s\n"
	    "relay.warn = 12s\nrelay.expire = 40s\n",
	    s->domain, s->domain, s->plan.edges, s->plan.stores, ip[0], ip[1], ip[2], ip[3],
	    STATION_SMTP_PORT, ip[0], ip[1], ip[2], ip[3], STATION_POP3_PORT, ip[0], ip[1],
	    ip[2], ip[3], STATION_IMAP_PORT,
	    s->plan.small_journal ? "16M" : "32M", errors_max,
	    STATION_SMTP_PORT);
	size_t faults = config_parse(text, &s->arena, ret, &error, 1);

	if (faults > 0)
		fprintf(stderr, "simulated posthouse.conf:%u: %s\n", error.line, error.text);
	check(faults == 0);
}

static void add_account(struct station *s, struct directory *directory, unsigned number)
{
	static const unsigned char salt[PASSWORD_SALT_LEN];
	struct directory_error error;
	struct password_hash hash;
	char address[80];
	bool ok;

	snprintf(address, sizeof address, "user%u@%s", number, s->domain);
	ok = password_hash(slice_lit(STATION_PASSWORD), PASSWORD_MEMORY_MIN, salt, &hash) &&
	    directory_account_add(directory, slice_from(address), slice_from(hash.text),
	    &s->ids[number], &error);
	check(ok);
}

static void add_alias(struct station *s, struct directory *directory, const char *name,
    unsigned n)
{
	slice targets[STATION_ACCOUNTS_MAX];
	char texts[STATION_ACCOUNTS_MAX][80], alias[80];
	struct directory_error error;
	bool ok;

	for (unsigned i = 0; i < n; i++) {
		snprintf(texts[i], sizeof texts[i], "user%u@%s", i, s->domain);
		targets[i] = slice_from(texts[i]);
	}
	snprintf(alias, sizeof alias, "%s@%s", name, s->domain);
	ok = directory_alias_add(directory, slice_from(alias), targets, n, &error);
	check(ok);
}

static void add_forward(struct station *s, struct directory *directory,
    const struct station_forward *forward)
{
	struct directory_error error;
	char alias[80];
	bool ok;

	snprintf(alias, sizeof alias, "%s@%s", forward->name, s->domain);
	ok = directory_alias_add(directory, slice_from(alias), forward->targets, forward->n,
	    &error);
	check(ok);
}

static void fill_directory(struct station *s, struct os *os)
{
	struct directory_error error;
	int folder = os_open(os, OS_ROOT, "directory", OS_READ | OS_FOLDER);
	struct directory *directory = directory_open(os, folder, "directory.db", &error);
	slice domain = slice_from(s->domain);

	check(directory != NULL);
	directory_set_domains(directory, &domain, 1);
	directory_set_relay(directory, true);
	for (unsigned i = 0; i < s->plan.accounts; i++)
		add_account(s, directory, i);
	add_alias(s, directory, "all", s->plan.accounts);
	if (s->plan.accounts > 1)
		add_alias(s, directory, "team", 2);
	add_alias(s, directory, "postmaster", 1);
	for (size_t i = 0; i < s->plan.n_forwards; i++)
		add_forward(s, directory, &s->plan.forwards[i]);
	directory_close(directory);
	os_close(os, folder);
}

static void lay_out(struct station *s)
{
	static const char *const folders[] = { "journal", "account", "directory", "queue",
		"empty" };
	struct os *os = sim_process_create(s->host, "setup");

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		int error = os_mkdir(os, OS_ROOT, folders[i]);

		check(error == 0);
	}
	fill_directory(s, os);
	os_random(os, s->seal_key, sizeof s->seal_key);
	sim_disk_settle(s->host);
	sim_kill(os);
}

/* ---- the keeper ---- */

static void on_ready(struct keeper *keeper)
{
	struct station *s = keeper_owner(keeper);

	s->serving = true;
	s->failed_starts = 0;
}

static void on_ended(struct keeper *keeper, const char *failure)
{
	struct station *s = keeper_owner(keeper);

	snprintf(s->complaint, sizeof s->complaint, "%s", failure != NULL ? failure : "");
	os_stop(keeper_os(keeper), failure != NULL ? 1 : 0);
}

/* Where the directory hears commands: a Unix socket elsewhere, a port here, so
 * that commands come over a network that breaks. */
static struct keeper_listener control_listener(const struct station *s)
{
	struct keeper_listener l = { .service = SERVICE_CONTROL, .fd = -1 };

	memset(l.address.ip + 10, 0xff, 2);
	memcpy(l.address.ip + 12, s->plan.ipv4, 4);
	l.address.port = STATION_CONTROL_PORT;
	return l;
}

static void on_hangup(struct os_signal *signal)
{
	struct station *s = signal->owner;
	const struct config *config = &s->configs[s->config ^= 1];
	struct keeper_listener listeners[SERVICES];
	struct keeper_settings settings = { .config = config, .listeners = listeners,
	    .n_listeners = config->n_listeners + 1 };

	for (size_t i = 0; i < config->n_listeners; i++)
		listeners[i] = (struct keeper_listener){ config->listeners[i].service,
		    config->listeners[i].address, -1 };
	listeners[config->n_listeners] = control_listener(s);
	keeper_reload(s->keeper, &settings);
}

static void on_end(struct os_signal *signal)
{
	struct station *s = signal->owner;

	keeper_drain(s->keeper, DRAIN_MS);
}

static void catch_signals(struct station *s, struct os *os)
{
	s->hangup = (struct os_signal){ .caught = on_hangup, .owner = s };
	s->end = (struct os_signal){ .caught = on_end, .owner = s };
	os_signal_start(os, &s->hangup, SIGHUP);
	os_signal_start(os, &s->end, SIGTERM);
}

static const struct keeper_handler handler = { .ready = on_ready, .ended = on_ended };

/* False: a port is still held by what an earlier keeper left. */
static bool open_listeners(struct station *s, struct os *os, struct keeper_listener *ret)
{
	const struct config *config = &s->configs[s->config];

	for (size_t i = 0; i <= config->n_listeners; i++) {
		if (i < config->n_listeners)
			ret[i] = (struct keeper_listener){ config->listeners[i].service,
			    config->listeners[i].address, -1 };
		else
			ret[i] = control_listener(s);
		ret[i].fd = os_listen(os, &ret[i].address, BACKLOG);
		if (ret[i].fd < 0)
			return false;
	}
	return true;
}

static bool open_roots(struct os *os, int roots[ROLE_KINDS])
{
	static const struct {
		enum role_kind kind;
		const char *folder;
	} folders[] = {
		{ ROLE_EDGE, "empty" }, { ROLE_ROUTER, "journal" },
		{ ROLE_STORE, "account" }, { ROLE_DIRECTORY, "directory" },
		{ ROLE_RELAY, "queue" }, { ROLE_RESOLVER, "empty" },
	};

	for (size_t i = 0; i < ROLE_KINDS; i++)
		roots[i] = -1;
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		int fd = os_open(os, OS_ROOT, folders[i].folder, OS_READ | OS_FOLDER);

		if (fd < 0)
			return false;
		roots[folders[i].kind] = fd;
	}
	return true;
}

static void start(struct station *s)
{
	struct keeper_listener listeners[SERVICES];
	struct keeper_inputs inputs = { .hold = -1, .beside = -1, .uid = -1, .gid = -1, .watch = true };
	struct os *os = sim_process_create(s->host, "keeper");

	check(s->configs[s->config].n_listeners < SERVICES);
	s->process = os;
	s->serving = false;
	s->starts++;
	s->failed_starts++;
	if (!open_listeners(s, os, listeners) || !open_roots(os, inputs.roots)) {
		snprintf(s->complaint, sizeof s->complaint, "a port or a folder");
		sim_kill(os);
		return;
	}
	inputs.settings.config = &s->configs[s->config];
	inputs.settings.listeners = listeners;
	inputs.settings.n_listeners = inputs.settings.config->n_listeners + 1;
	memcpy(inputs.seal_key, s->seal_key, sizeof s->seal_key);
	s->keeper = keeper_start(os, &inputs, &handler, s);
	catch_signals(s, os);
}

/* The init system: look now and then, start what has ended. */
static void restart(void *arg);

static void watch(void *arg)
{
	struct station *s = arg;
	bool alive = sim_process_alive(s->process);

	s->serving = s->serving && alive;
	sim_at(s->sim, alive ? WATCH_US : RESTART_US, alive ? watch : restart, s);
}

static void restart(void *arg)
{
	struct station *s = arg;

	start(s);
	sim_at(s->sim, WATCH_US, watch, s);
}

struct station *station_create(struct sim *sim, const struct station_plan *plan)
{
	struct station *s = heap_new(sim_heap(sim), struct station);

	check(plan->accounts >= 1 && plan->accounts <= STATION_ACCOUNTS_MAX);
	s->sim = sim;
	s->plan = *plan;
	s->arena = arena_init(sim_heap(sim), 1024 * 1024);
	snprintf(s->domain, sizeof s->domain, "%s.example", plan->name);
	s->host = sim_host_create(sim, plan->name, plan->ipv4, 256 * 1024 * 1024);
	make_config(s, 10, &s->configs[0]);
	make_config(s, 5, &s->configs[1]);
	lay_out(s);
	start(s);
	sim_at(sim, WATCH_US, watch, s);
	return s;
}

struct sim_host *station_host(const struct station *s)
{
	return s->host;
}

const struct station_plan *station_plan(const struct station *s)
{
	return &s->plan;
}

slice station_domain(const struct station *s)
{
	return slice_from(s->domain);
}

uint64_t station_account_id(const struct station *s, unsigned number)
{
	check(number < s->plan.accounts);
	return s->ids[number];
}

const unsigned char *station_seal_key(const struct station *s)
{
	return s->seal_key;
}

bool station_serves(const struct station *s)
{
	return s->serving && sim_process_alive(s->process);
}

unsigned station_starts(const struct station *s)
{
	return s->starts;
}

unsigned station_failed_starts(const struct station *s)
{
	return s->failed_starts;
}

const char *station_complaint(const struct station *s)
{
	return s->complaint;
}

struct os *station_keeper(const struct station *s)
{
	return s->process;
}
