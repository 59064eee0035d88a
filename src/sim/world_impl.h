/* sim/world_impl.h - what the files of a simulated run share.
 *
 *   world_make.c    hosts and clients, drawn from the seed
 *   world_idle.c    what must be so once nothing is left to do
 *   world.c         start, weather, calm, verdict
 *
 * Most worlds are small and short, so that many seeds are cheap. Some have dozens
 * of hosts, some go on for hours in which little happens at a time. */
#ifndef SIM_WORLD_IMPL_H
#define SIM_WORLD_IMPL_H

#include "base/arena.h"
#include "sim/control_actor.h"
#include "sim/faults.h"
#include "sim/imap_actor.h"
#include "sim/login_actor.h"
#include "sim/outside.h"
#include "sim/pop3_actor.h"
#include "sim/rude_actor.h"
#include "sim/seals.h"
#include "sim/smtp_actor.h"
#include "sim/station.h"
#include "sim/world.h"

enum {
	STATIONS_MAX = 24, AWAY_MAX = 4, RECIPIENTS_MAX = 12, RUDE_MAX = 4, CONTROLS_MAX = 2,
	SENDERS_MAX = 2 * STATIONS_MAX, READERS_MAX = CHECKER_ACCOUNTS_MAX,
	DEVICES_MAX = IMAP_DEVICES * STATIONS_MAX,
};

enum { SECOND_US = 1000 * 1000 };

struct world {
	struct sim *sim;
	struct world_bounds bounds;
	struct chance chance;
	struct arena arena;
	struct checker *checker;
	struct faults *faults;
	unsigned pace;                  /* how many times slower than a busy world */
	unsigned weather_s;
	struct sim_host *away[AWAY_MAX];        /* of clients */
	size_t n_away;
	struct station *stations[STATIONS_MAX];
	size_t n_stations;
	struct smtp_actor_recipient recipients[STATIONS_MAX][RECIPIENTS_MAX];
	size_t n_recipients[STATIONS_MAX];
	struct smtp_actor *senders[SENDERS_MAX];
	size_t n_senders;
	unsigned messages;              /* of all senders */
	struct pop3_actor *readers[READERS_MAX];
	unsigned sessions[READERS_MAX]; /* a mark, to wait for further ones */
	size_t n_readers;
	struct imap_actor *devices[DEVICES_MAX];        /* IMAP_DEVICES of one account, and so on */
	unsigned device_sessions[DEVICES_MAX];
	size_t n_devices;
	struct rude_actor *rude[RUDE_MAX];
	size_t n_rude;
	struct control_actor *controls[CONTROLS_MAX];
	size_t n_controls;
	struct login_actor *logins[CONTROLS_MAX];      /* one for each of controls */
	struct seals *seals;
	struct rot *rot;
	struct dark *dark;
	struct outside *outside;
	uint64_t queues_us;             /* when they were last looked at, and ... */
	bool queues_empty;
};

void world_make(struct world *w, uint64_t seed, const struct world_options *options);

/* Nothing is left to do: is nothing left over? */
void world_check_journals(struct world *w);

/* No station's relay has a message waiting in its queue. */
bool world_queues_empty(struct world *w);

/* What each living role of the stations holds. */
struct holding {
	const struct os *role;
	size_t bytes, descriptors;
	size_t answered;                /* recipients, if it is a relay */
};

size_t world_weigh(struct world *w, struct holding *ret_list, size_t size);
/* Both taken when nothing was left to do, with the same work done before each. */
void world_compare(struct world *w, const struct holding *before, size_t n_before,
    const struct holding *after, size_t n_after);

#endif
