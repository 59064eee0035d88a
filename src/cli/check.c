/* cli/check.c - posthouse check: everything that `serve` would refuse, and what
 * an administrator wants to know before, without changing anything. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/serve.h"
#include "os/os_uv.h"
#include "os/tls.h"

enum { CHECK_MEMORY = 8 * 1024 * 1024, DAYS_WARN = 14 };

struct checking {
	struct serve serve;             /* for the parts that it shares */
	unsigned faults;
};

static void say(void *context, const char *line)
{
	struct checking *c = context;

	c->faults++;
	fprintf(stderr, "posthouse: %s\n", line);
}

static void check_certificate(struct checking *c)
{
	struct serve *s = &c->serve;
	struct certificate certificate;
	int days;

	if (s->setting.config->certificate.len == 0) {
		printf("tls.certificate is not set: a self-signed one is used\n");
		return;
	}
	if (!secrets_certificate(&s->setting, &s->data, &s->arena, &s->to, &certificate))
		return;
	if (!secrets_days_left(certificate.chain, &days))
		complain(&s->to, "%s: cannot tell when it expires", certificate.file);
	else if (days < 0)
		complain(&s->to, "%s: expired %d days ago", certificate.file, -days);
	else if (days < DAYS_WARN)
		complain(&s->to, "%s: expires in %d days", certificate.file, days);
}

static void say_only(void *context, const char *line)
{
	fprintf(stderr, "posthouse: %s\n", line);
}

static void check_dns(struct checking *c)
{
	struct serve *s = &c->serve;
	slice anchors;

	serve_dns_anchors(&s->setting, &s->arena, &s->to, &anchors);
}

static void check_relay(struct checking *c)
{
	struct serve *s = &c->serve;

	if (secrets_relay(&s->setting, &s->arena, &s->to, &s->relay))
		secrets_warn_of_relay(&s->relay, &(struct complaint){ say_only, c });
	explicit_bzero(&s->relay, sizeof s->relay);
}

/* True when a server runs on the folder: then its ports are busy, rightly. */
static bool check_data(struct checking *c)
{
	struct serve *s = &c->serve;
	const char *path = slice_cstr(&s->arena, s->setting.config->data);
	int pid;

	if (access(path, F_OK) < 0 && errno == ENOENT) {
		printf("the data folder %s is not there yet: the first start makes it\n", path);
		return false;
	}
	if (!data_open(path, false, &s->to, &s->data))
		return false;
	pid = data_holder(&s->data);
	if (pid != 0)
		printf("posthouse is running on %s (pid %d)\n", path, pid);
	data_close(&s->data);
	s->data.fd = -1;
	return pid != 0;
}

static void check_ports(struct checking *c)
{
	struct serve *s = &c->serve;
	const struct config *config = s->setting.config;

	for (size_t i = 0; i < config->n_listeners; i++)
		serve_try_listener(s, &s->setting, &config->listeners[i]);
}

static void check_all(struct checking *c)
{
	struct serve *s = &c->serve;
	int64_t uid, gid;

	check_certificate(c);
	check_relay(c);
	check_dns(c);
	serve_user_find(&s->setting, false, &s->arena, &s->to, &uid, &gid);
	if (!check_data(c))
		check_ports(c);
}

static int run(const struct cli_args *args)
{
	const struct os_uv_options options = { .log_from = OS_INFO };
	struct checking c = { .serve = { .args = args } };
	struct serve *s = &c.serve;

	s->os = os_uv_create(&options);
	s->arena = arena_init(os_heap(s->os), CHECK_MEMORY);
	s->to = (struct complaint){ say, &c };
	s->data = (struct data_folder){ .fd = -1, .lock = -1 };
	if (setting_read(args, NULL, NULL, &s->arena, &s->to, &s->setting) &&
	    serve_judge_mock(s, &s->setting, &s->arena))
		check_all(&c);
	if (c.faults == 0)
		printf("%s: ok\n", s->setting.path);
	os_uv_destroy(s->os);
	return c.faults == 0 ? CLI_OK : CLI_FAILED;
}

const struct cli_command cli_check = {
	.name = "check",
	.words = "",
	.summary = "judge posthouse.conf, and all that it names, without starting anything",
	.details =
	    "Prints each fault with its position. `posthouse help config` says which keys a\n"
	    "reload (SIGHUP) takes over and which want a restart.\n",
	.options = { SETTING_OPTIONS },
	.run = run,
};
