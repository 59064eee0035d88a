/* cli/serve.c - posthouse serve: reads and judges everything, binds, starts the
 * keeper; then reloads at SIGHUP and ends at SIGTERM or SIGINT.
 *
 * Whatever is wrong is said in one line before anything is started. */
#include "cli/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "cli/commands.h"
#include "cli/mock.h"
#include "os/os_uv.h"

enum { SERVE_MEMORY = 8 * 1024 * 1024 };        /* configuration, certificates, words */

/* ---- complaints of a running server ---- */

static void say_log(void *context, const char *line)
{
	struct serve *s = context;

	os_log(s->os, OS_ERROR, "%s", line);
}

/* ---- settings ---- */

static unsigned count_cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static unsigned at_most(unsigned n, unsigned max)
{
	return n < max ? n : max;
}

/* An edge for each two cores: what an edge takes in, the router and a store on the
 * other core have to bring on, and the fewer edges, the more messages share a sync. */
static void set_numbers(struct config *config)
{
	unsigned cores = count_cores();

	if (config->edges == 0)
		config->edges = at_most((cores + 1) / 2, EDGES_MAX);
	if (config->stores == 0)
		config->stores = at_most(cores, STORES_MAX);
}

bool serve_judge_mock(const struct serve *s, const struct setting *setting, struct arena *arena)
{
	const char *place = setting_place(setting, arena, config_line(setting->config, "mock"));

	if (setting->config->lab && s->demo_host == NULL) {
		complain(&s->to, "%slab = yes is for `posthouse lab` alone: a server would show all "
		    "mail to whoever asks", setting_place(setting, arena,
		    config_line(setting->config, "lab")));
		return false;
	}
	if (setting->config->mock == s->mock)
		return true;
	if (s->mock)
		complain(&s->to, "%sa mock is one; `posthouse serve` is the server", place);
	else
		complain(&s->to, "%smock = yes is for `posthouse mock` alone: a server would take "
		    "mail for anybody", place);
	return false;
}

static bool read_settings(struct serve *s, struct arena *arena, struct setting *ret)
{
	if (!setting_read(s->args, s->preset, NULL, arena, &s->to, ret) ||
	    !serve_judge_mock(s, ret, arena))
		return false;
	set_numbers(ret->config);
	serve_dns(ret->config, arena);
	return true;
}

/* ---- reload ---- */

static bool prepare_reload(struct serve *s, struct arena *arena, struct setting *setting,
    struct certificate *certificate)
{
	const char *kept[CONFIG_KEYS];
	size_t n;

	if (!read_settings(s, arena, setting))
		return false;
	n = config_keep(s->setting.config, setting->config, arena, kept, CONFIG_KEYS);
	for (size_t i = 0; i < n; i++)
		os_log(s->os, OS_WARN, "%s changed: it takes effect at the next start",
		    kept[i]);
	return secrets_certificate(setting, &s->data, arena, &s->to, certificate) &&
	    secrets_relay(setting, arena, &s->to, &s->relay) && serve_listen(s, setting);
}

static void give_secrets(struct serve *s, struct keeper_settings *settings)
{
	settings->relay_password = slice_of(s->relay.password, s->relay.password_len);
	settings->relay_ca = s->relay.ca;
	settings->dns_anchors = s->dns_anchors;
}

static void wipe_relay_secrets(struct serve *s)
{
	explicit_bzero(s->relay.password, sizeof s->relay.password);
	s->relay.password_len = 0;
	s->relay.ca = (slice){ 0 };
}

static void say_warning(void *context, const char *line)
{
	struct serve *s = context;

	os_log(s->os, OS_WARN, "%s", line);
}

static void reload(struct serve *s)
{
	struct arena arena = arena_init(os_heap(s->os), SERVE_MEMORY);
	struct keeper_settings settings = { .listeners = s->listeners };
	struct certificate certificate;
	struct setting setting;

	if (!prepare_reload(s, &arena, &setting, &certificate)) {
		os_log(s->os, OS_ERROR, "reload: the configuration stays as it was");
		wipe_relay_secrets(s);
		arena_reset(&arena);
		return;
	}
	settings.config = setting.config;
	settings.chain = certificate.chain;
	settings.key = certificate.key;
	settings.n_listeners = s->n_listeners;
	give_secrets(s, &settings);
	keeper_reload(s->keeper, &settings);
	secrets_warn_of_relay(&s->relay, &(struct complaint){ say_warning, s });
	wipe_relay_secrets(s);
	arena_reset(&s->arena);
	s->arena = arena;
	s->setting = setting;
	s->certificate = certificate;
	os_log(s->os, OS_INFO, "reloaded the configuration and the certificate");
}

/* ---- signals and the keeper's words ---- */

void serve_end(struct serve *s)
{
	if (s->setting.config->drain_s > 0)
		os_log(s->os, OS_INFO, "stopping: sessions under way have %u seconds; a second "
		    "signal stops at once", s->setting.config->drain_s);
	keeper_drain(s->keeper, s->setting.config->drain_s * 1000);
}

static void on_end(struct os_signal *signal)
{
	serve_end(signal->owner);
}

/* A mock has no configuration to read again; its terminal is gone. */
static void on_hangup(struct os_signal *signal)
{
	struct serve *s = signal->owner;

	if (s->mock)
		serve_end(s);
	else
		reload(s);
}

static void on_ready(struct keeper *k)
{
	struct serve *s = keeper_owner(k);

	os_log(s->os, OS_INFO, "serving: %u edges, %u stores", s->setting.config->edges,
	    s->setting.config->stores);
	if (s->json || !s->mock)
		serve_announce(s);
	if (s->ready != NULL)
		s->ready(s);
}

static void on_ended(struct keeper *k, const char *failure)
{
	struct serve *s = keeper_owner(k);

	if (failure != NULL)
		cli_fail("%s", failure);
	else
		os_log(s->os, OS_INFO, "stopped");
	os_stop(s->os, failure != NULL ? CLI_FAILED : s->status);
}

static int on_open_log(struct keeper *k, enum role_kind kind, unsigned index)
{
	return serve_log_open(keeper_owner(k), kind, index);
}

static int on_open_journey(struct keeper *k, enum role_kind kind, unsigned index)
{
	return serve_journey_open(keeper_owner(k), kind, index);
}

static const struct keeper_handler handler = { on_ready, on_ended, on_open_log,
	on_open_journey };

static bool is_ignored(int signo)
{
	struct sigaction now;

	return sigaction(signo, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

/* A mock that was started by nohup outlives its terminal; a server reloads all the same. */
static void catch_signals(struct serve *s)
{
	s->terminate = (struct os_signal){ .caught = on_end, .owner = s };
	s->interrupt = (struct os_signal){ .caught = on_end, .owner = s };
	s->hangup = (struct os_signal){ .caught = on_hangup, .owner = s };
	os_signal_start(s->os, &s->terminate, SIGTERM);
	os_signal_start(s->os, &s->interrupt, SIGINT);
	if (!s->mock || !is_ignored(SIGHUP))
		os_signal_start(s->os, &s->hangup, SIGHUP);
}

/* ---- start ---- */

/* The keeper keeps what restart and reload need; the rest it gives up. */
static void harden(const struct serve *s)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!s->one_process)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static bool enough_descriptors(struct serve *s)
{
	size_t max = os_descriptors_max(s->os);

	if (max >= DESCRIPTORS_MIN)
		return true;
	cli_fail("%zu open files are too few for a server, %d are the least: raise the limit "
	    "(ulimit -Hn, LimitNOFILE=)", max, DESCRIPTORS_MIN);
	return false;
}

/* Each folder becomes the root of its role. Where the web shows mail, it reads journeys. */
static bool open_roots(struct serve *s, int ret_roots[ROLE_KINDS])
{
	static const char *const names[ROLE_KINDS] = {
		[ROLE_EDGE] = "empty", [ROLE_DIRECTORY] = "directory",
		[ROLE_ROUTER] = "journal", [ROLE_STORE] = "account",
		[ROLE_RELAY] = "queue", [ROLE_RESOLVER] = "empty", [ROLE_WEB] = "empty",
	};

	for (unsigned i = 0; i < ROLE_KINDS; i++) {
		const char *name = names[i];

		ret_roots[i] = -1;
		if (name == NULL)
			continue;
		if (i == ROLE_WEB && config_shows_mail(s->setting.config))
			name = "journey";
		ret_roots[i] = os_open(s->os, OS_ROOT, name, OS_FOLDER);
		if (ret_roots[i] < 0) {
			complain(&s->to, "cannot open %s/%s: %s", s->data.path, name,
			    strerror(-ret_roots[i]));
			return false;
		}
		if (i == ROLE_WEB)
			serve_journey_share(s, ret_roots[i], 0750);
	}
	return true;
}

/* What is not there is not shown. */
static int open_beside(const struct serve *s)
{
	const struct config *config = s->setting.config;
	struct arena arena = arena_init(os_heap(s->os), SERVE_MEMORY);
	int fd = -1;

	if (config->lab && config->lab_beside.len > 0)
		fd = open(slice_cstr(&arena, config->lab_beside), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	arena_reset(&arena);
	return fd;
}

static bool prepare(struct serve *s, struct keeper_inputs *inputs)
{
	const struct setting *setting = &s->setting;

	inputs->beside = open_beside(s);

	if (s->memory)
		return mock_prepare(s, inputs->seal_key) && open_roots(s, inputs->roots) &&
		    serve_listen(s, setting);
	if (!data_open(slice_cstr(&s->life, setting->config->data), true, &s->to, &s->data))
		return false;
	if (!data_lock(&s->data, &s->to))
		return false;
	os_uv_set_root(s->os, fcntl(s->data.fd, F_DUPFD_CLOEXEC, 3));
	if (!secrets_seal_key(&s->data, &s->to, inputs->seal_key) ||
	    !secrets_certificate(setting, &s->data, &s->arena, &s->to, &s->certificate) ||
	    !secrets_relay(setting, &s->arena, &s->to, &s->relay) ||
	    !serve_dns_anchors(setting, &s->life, &s->to, &s->dns_anchors))
		return false;
	secrets_warn_of_relay(&s->relay, &s->to);
	if (s->certificate.made && !s->mock)
		fprintf(stderr, "posthouse: made a self-signed certificate, %s: other hosts and "
		    "mail programs will not trust it; set tls.certificate and tls.key for one "
		    "that they do\n", s->certificate.file);
	return (!s->demo || serve_demo_accounts(s)) && serve_user(s) &&
	    open_roots(s, inputs->roots) && serve_listen(s, setting);
}

static void start(struct serve *s, struct keeper_inputs *inputs)
{
	inputs->settings = (struct keeper_settings){ .config = s->setting.config,
	    .chain = s->certificate.chain, .key = s->certificate.key,
	    .listeners = s->listeners, .n_listeners = s->n_listeners };
	give_secrets(s, &inputs->settings);
	inputs->uid = s->uid;
	inputs->gid = s->gid;
	inputs->hold = s->one_process ? -1 : os_duplicate(s->os, s->data.lock);
	inputs->watch = !s->one_process;
	if (!s->memory)
		serve_log_start(s);
	serve_journey_start(s);
	harden(s);
	catch_signals(s);
	s->keeper = keeper_start(s->os, inputs, &handler, s);
	explicit_bzero(inputs->seal_key, sizeof inputs->seal_key);
	wipe_relay_secrets(s);
	s->to = (struct complaint){ say_log, s };
}

int serve_run(struct serve *s)
{
	/* Who starts a mock reads what it says, not each step of it; its folder has that. */
	const struct os_uv_options options = { .name = "keeper", .log_stderr = !s->mock,
	    .one_process = s->one_process, .memory = s->memory,
	    .log_from = s->memory ? OS_WARN : OS_INFO };
	struct keeper_inputs inputs = { 0 };
	int status = CLI_FAILED;

	s->os = os_uv_create(&options);
	s->life = arena_init(os_heap(s->os), SERVE_MEMORY);
	s->arena = arena_init(os_heap(s->os), SERVE_MEMORY);
	s->to = complain_stderr;
	s->data = (struct data_folder){ .fd = -1, .lock = -1 };
	s->uid = s->gid = -1;
	if (enough_descriptors(s) && read_settings(s, &s->arena, &s->setting) && prepare(s, &inputs)) {
		start(s, &inputs);
		status = os_uv_run(s->os);
		/* Not dumpable, we could not be looked at for leaks either: end here.
		 * In one process all of it is freed, and counted. */
		if (!s->one_process) {
			fflush(stdout);
			_exit(status);
		}
	}
	os_uv_destroy(s->os);
	if (s->data.fd >= 0)
		data_close(&s->data);
	return status;
}

static bool is_host(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz");

	return n > 0 && n < 32 && name[n] == '\0';
}

static int run(const struct cli_args *args)
{
	struct serve serve = { .args = args, .demo = cli_flag(args, "--demo"),
	    .json = cli_flag(args, "--json"), .one_process = cli_flag(args, "--one-process") };
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena words = arena_init(heap, SERVE_MEMORY);
	unsigned long port_base;
	int status;

	if (!cli_number(args, "--port-base", 1, UINT16_MAX - 6, 0, &port_base)) {
		heap_drop(heap);
		return CLI_USAGE;
	}
	serve.demo_host = cli_value(args, "--demo-host");
	if (serve.demo)
		serve.preset = serve_demo_config(&words, (unsigned)port_base, serve.demo_host);
	if (serve.demo && cli_value(args, "--config") != NULL)
		status = cli_misuse("serve: --demo brings its own configuration; leave out "
		    "--config, or --demo");
	else if (serve.demo_host != NULL && (!serve.demo || !is_host(serve.demo_host)))
		status = cli_misuse("serve: --demo-host wants --demo, and a name of a-z, such as "
		    "\"bob\"");
	else if (!serve.demo && port_base != 0)
		status = cli_misuse("serve: --port-base is for --demo; write listen.* into "
		    "posthouse.conf");
	else
		status = serve_run(&serve);
	heap_drop(heap);
	return status;
}

const struct cli_command cli_serve = {
	.name = "serve",
	.words = "",
	.summary = "run the server",
	.details =
	    "Runs in the foreground until SIGTERM or Ctrl-C, then lets sessions finish.\n"
	    "SIGHUP reads configuration and certificates again. With --demo: two accounts,\n"
	    "alice and bob at alice.example, on loopback, data in ./posthouse.data.\n",
	.options = {
		SETTING_OPTIONS,
		{ "--demo", NULL, "Serve two accounts on loopback, to try it." },
		{ "--json", NULL, "Say where it listens as one line of JSON." },
		{ "--port-base", "N", "With --demo: smtp, submission, submissions, pop3, pop3s, "
		    "imap,\n                         imaps on N, N+1, ..." },
		{ "--demo-host", "NAME", "With --demo: the host of NAME.example, which may send to\n"
		    "                         other hosts: for labs." },
		{ "--one-process", NULL, "All roles in one process: for looking inside." },
	},
	.run = run,
};
