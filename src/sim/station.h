/* sim/station.h - one Posthouse host in the simulated world: its disk is laid
 * out and its accounts are made once; then the real keeper and roles run on it,
 * and are started again after every end, as an init system would. */
#ifndef SIM_STATION_H
#define SIM_STATION_H

#include "os/os_sim.h"

struct station;

/* An alias to others, here and elsewhere. */
enum { STATION_TARGETS_MAX = 3, STATION_FORWARDS_MAX = 3 };

struct station_forward {
	const char *name;
	slice targets[STATION_TARGETS_MAX];
	size_t n;
};

struct station_plan {
	const char *name;               /* of the host; its domain is NAME.example */
	uint8_t ipv4[4];                /* 127.x: clients may log in without TLS */
	unsigned edges, stores;
	bool small_journal;             /* the smallest there may be: it is full now and then */
	unsigned accounts;              /* user0@NAME.example, ... with password "secret" */
	const struct station_forward *forwards; /* live as long as the world */
	size_t n_forwards;
};

enum {
	STATION_ACCOUNTS_MAX = 8,
	STATION_SMTP_PORT = 25,
	STATION_POP3_PORT = 110,
	STATION_IMAP_PORT = 143,
	STATION_CONTROL_PORT = 4000,    /* for the directory's control socket */
	STATION_STARTS_MAX = 20,        /* in a row that fail, while nothing breaks */
};

#define STATION_PASSWORD "secret"

/* Lives in the world. Also makes the aliases all@DOMAIN to all accounts, team@DOMAIN
 * to the first two, postmaster@DOMAIN to the first. */
struct station *station_create(struct sim *sim, const struct station_plan *plan);

struct sim_host *station_host(const struct station *s);
const struct station_plan *station_plan(const struct station *s);
slice station_domain(const struct station *s);
uint64_t station_account_id(const struct station *s, unsigned number);
const unsigned char *station_seal_key(const struct station *s);
/* All roles have been ready since the last start of the keeper, and it runs. */
bool station_serves(const struct station *s);
unsigned station_starts(const struct station *s);       /* of the keeper, so far */
/* Starts of the keeper in a row that never came to be ready. */
unsigned station_failed_starts(const struct station *s);
const char *station_complaint(const struct station *s); /* of the last failed start */
struct os *station_keeper(const struct station *s);     /* its process, alive or not */

#endif
