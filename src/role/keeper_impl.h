/* role/keeper_impl.h - what the files of the keeper share. */
#ifndef ROLE_KEEPER_IMPL_H
#define ROLE_KEEPER_IMPL_H

#include "base/limits.h"
#include "ipc/channel.h"
#include "role/keeper.h"

enum keeper_state {
	KEEPER_STARTING,        /* a FATAL now is the administrator's to mend: give up */
	KEEPER_SERVING,
	KEEPER_DRAINING,        /* stage by stage; nobody is restarted */
	KEEPER_STOPPING,        /* all were killed */
	KEEPER_ENDED,
};

/* One place for a process; who fills it comes and goes.
 *
 *   down -> (spawn) -> up -> [started -> ready -> draining] -> leaving -> down
 *
 * It is down when its process has exited and its channel has been read to the
 * end: last words count. */
struct keeper_role {
	struct keeper *keeper;
	enum role_kind kind;
	unsigned index;

	struct os_child child;
	struct ipc_channel *channel;
	bool running;                   /* the process; channel may end before or after */
	bool started, ready, draining;
	bool asked_to_end;              /* its end is no news */

	struct os_timer timer;          /* down: restart; leaving: then kill it */
	unsigned deaths;                /* in a row, each within KEEPER_LIVES_MS */
	uint64_t spawned_ms;

	uint64_t ping;                  /* cookie of the last PING */
	unsigned unanswered;            /* times it was due since */
};

struct keeper {
	struct os *os;
	const struct keeper_handler *handler;
	void *owner;
	enum keeper_state state;
	struct os_defer turn;           /* judges the whole after what one turn brought */
	struct os_timer watch;
	uint64_t silence_ms;            /* of a role, before it is ended */
	struct os_timer stage_end;

	unsigned char seal_key[32];
	int roots[ROLE_KINDS];
	int hold, beside;
	int64_t uid, gid;
	slice config_text, chain, key;  /* own copies */
	slice relay_host, relay_login, relay_password, relay_ca;        /* likewise */
	slice dns_anchors;              /* likewise */
	struct keeper_listener listeners[CONFIG_LISTENERS_MAX + 1];
	size_t n_listeners;

	bool open;                      /* edges may start: all behind them is ready */
	size_t stage;                   /* of the drain */
	uint32_t grace_ms;
	char failure[600];              /* of the start; "" when there is none */
	struct keeper_role *roles;
	size_t n_roles;
};

/* keeper_role.c */
void keeper_role_init(struct keeper *k, struct keeper_role *r, enum role_kind kind,
    unsigned index);
void keeper_role_spawn(struct keeper_role *r);
/* Confine yourself and serve. */
void keeper_role_go(struct keeper_role *r);
void keeper_role_kill(struct keeper_role *r);
/* Close its channel, so that it ends; kill it if it does not. */
void keeper_role_dismiss(struct keeper_role *r);
bool keeper_role_is_down(const struct keeper_role *r);
void keeper_role_name(const struct keeper_role *r, char ret_name[32]);

/* keeper_give.c: what roles are told */
void keeper_give_all(struct keeper_role *r);            /* a fresh one, up to START */
void keeper_give_config(struct keeper_role *r, bool with_root);
void keeper_give_certificate(struct keeper_role *r);
void keeper_give_smart_host(struct keeper_role *r);     /* after its CONFIG */
void keeper_give_listener(struct keeper_role *r, const struct keeper_listener *l);
void keeper_take_listener(struct keeper_role *r, const struct keeper_listener *l);
void keeper_give_log(struct keeper_role *r);

/* keeper_drain.c */
void keeper_drain_turn(struct keeper *k);

/* keeper.c */
void keeper_fail(struct keeper *k, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
