/* cli/serve.h - what the files of `posthouse serve` share. */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include "base/limits.h"
#include "cli/data.h"
#include "cli/secrets.h"
#include "cli/setting.h"
#include "role/keeper.h"

enum { DEMO_ACCOUNTS = 2 };

struct demo_account {
	const char *address;
	char password[64];
};

struct serve {
	const struct cli_args *args;
	bool demo, json, one_process;
	bool mock, memory;              /* memory: there is no data folder; data.fd is -1 */
	const char *preset;             /* the demo's or the mock's configuration, or NULL */
	struct complaint to;            /* stderr at start, the log once it runs */

	struct os *os;
	struct arena life;              /* what no reload changes: the data folder's path */
	struct arena arena;             /* of setting and certificate */
	struct setting setting;
	struct data_folder data;
	struct certificate certificate;
	struct relay_secrets relay;     /* until the keeper has them */
	slice dns_anchors;              /* in `life` */
	int64_t uid, gid;               /* whom roles become, or -1 */
	const char *demo_host;          /* "bob": of a lab, with one account; or NULL */
	size_t n_accounts;
	struct demo_account accounts[DEMO_ACCOUNTS];

	struct keeper *keeper;
	struct keeper_listener listeners[CONFIG_LISTENERS_MAX + 1];
	size_t n_listeners;
	struct os_address bound[SERVICES];      /* the first of each; port 0: none */
	struct os_signal terminate, interrupt, hangup;
	struct os_timer log_check, journey_check;
	uint64_t journey_look_ms;       /* when all files of the journeys are looked at again */
	/* What the caller of serve_run wants to do once all is up; may be NULL. */
	void (*ready)(struct serve *serve);
	int status;
};

/* The whole life of a server; returns the exit status. */
int serve_run(struct serve *serve);
/* Begin to end it, as SIGTERM does. */
void serve_end(struct serve *serve);

/* Whether it is a mock where it should be, and only there. False after a line. */
bool serve_judge_mock(const struct serve *serve, const struct setting *setting,
    struct arena *arena);

/* serve_listen.c: fill serve->listeners from the configuration, without those
 * that the keeper has open. False after a line; nothing stays open then. */
bool serve_listen(struct serve *serve, const struct setting *setting);
/* Bind and let go: could it? False after a line. */
bool serve_try_listener(struct serve *serve, const struct setting *setting,
    const struct config_listener *listener);

/* serve_user.c: judge `user`, and give the folders to it. */
bool serve_user(struct serve *serve);
/* Only the name: for check. */
bool serve_user_find(const struct setting *setting, bool demo, struct arena *arena,
    const struct complaint *to, int64_t *ret_uid, int64_t *ret_gid);

/* serve_demo.c */
const char *serve_demo_config(struct arena *arena, unsigned port_base, const char *host);
bool serve_demo_accounts(struct serve *serve);
/* One line of JSON, or words, on stdout: what came up, and where. */
void serve_announce(const struct serve *serve);

/* Name servers of the system, when the configuration wants them; none: the root. */
void serve_dns(struct config *config, struct arena *arena);
/* What dns.trust_anchor holds (dns/anchor.h), or nothing without it or dns.validate.
 * False after a line. */
bool serve_dns_anchors(const struct setting *setting, struct arena *arena,
    const struct complaint *to, slice *ret_anchors);

/* serve_log.c */
int serve_log_open(struct serve *serve, enum role_kind kind, unsigned index);
void serve_log_start(struct serve *serve);

/* serve_journey.c */
int serve_journey_open(struct serve *serve, enum role_kind kind, unsigned index);
/* Let roles read it, where their web does. */
void serve_journey_share(const struct serve *serve, int fd, mode_t mode);
void serve_journey_start(struct serve *serve);

#endif
