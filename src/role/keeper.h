/* role/keeper.h - starts the roles, joins them by channels, watches over them,
 * restarts, reloads and drains them.
 *
 *   starting -> serving -> draining -> ended
 *
 * The keeper is code on struct os like any role, so one process, many processes
 * and the simulator share it. It opens no file by name and resolves nothing:
 * whoever calls it (cli/serve.c, sim/) brings everything prepared. */
#ifndef ROLE_KEEPER_H
#define ROLE_KEEPER_H

#include "config/config.h"
#include "os/os.h"

struct keeper;

struct keeper_listener {
	enum service service;           /* SERVICE_CONTROL goes to the directory */
	struct os_address address;      /* its identity at a reload */
	int fd;                         /* bound and listening */
};

/* What a reload may bring anew. Bytes are copied. */
struct keeper_settings {
	const struct config *config;    /* edges and stores are resolved: not 0 */
	slice chain, key;               /* PEM */
	const struct keeper_listener *listeners;        /* their fds are given to the keeper */
	size_t n_listeners;
	slice relay_password, relay_ca; /* of relay.host; empty: none */
	slice dns_anchors;              /* dns.trust_anchor; empty: built in */
};

struct keeper_inputs {
	struct keeper_settings settings;
	unsigned char seal_key[32];
	/* Folders that become each role's OS_ROOT, by kind; descriptors given to the
	 * keeper, which duplicates them for each life of a role. */
	int roots[ROLE_KINDS];
	/* What every role holds open as long as it lives: the data folder's lock;
	 * given to the keeper. -1: nothing. */
	int hold;
	int beside;                     /* journeys of another host, for the web of a lab; given
	                                 * likewise; 0, -1: none */
	int64_t uid, gid;               /* whom roles become; -1: who we are */
	bool watch;                     /* kill a role that answers no PING (watch.silence):
	                                 * only for processes */
};

struct keeper_handler {
	/* All roles are ready, for the first time. */
	void (*ready)(struct keeper *keeper);
	/* All roles have ended. failure: NULL after a drain or stop that was asked
	 * for, otherwise why the start failed, one line for people. */
	void (*ended)(struct keeper *keeper, const char *failure);
	/* A descriptor that the role's log is to be appended to, or -1. May be NULL. */
	int (*open_log)(struct keeper *keeper, enum role_kind kind, unsigned index);
	int (*open_journey)(struct keeper *keeper, enum role_kind kind, unsigned index);
};

/* Spawn all roles; handlers are called from the loop. Lives on os_heap(os). */
struct keeper *keeper_start(struct os *os, const struct keeper_inputs *inputs,
    const struct keeper_handler *handler, void *owner);
void *keeper_owner(const struct keeper *keeper);
struct os *keeper_os(const struct keeper *keeper);

/* Take over new settings. Of the listeners, those with an address that is open
 * already are dropped in favour of the open one; those not named are closed. */
void keeper_reload(struct keeper *keeper, const struct keeper_settings *settings);
/* The listener that is open for this service and address. */
bool keeper_listens(const struct keeper *keeper, enum service service,
    const struct os_address *address);

/* Edges first, then router, stores, directory; what is not through after grace_ms
 * is stopped. Then ended(). Again, or keeper_stop(): at once. */
void keeper_drain(struct keeper *keeper, uint32_t grace_ms);
void keeper_stop(struct keeper *keeper);

/* Give each role a fresh log descriptor: after a rotation. */
void keeper_reopen_logs(struct keeper *keeper);

#endif
