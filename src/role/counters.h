/* role/counters.h - what roles count for the web, which shows it at /metrics in
 * Prometheus' text format: one row a figure, which is the role's own since its start. */
#ifndef ROLE_COUNTERS_H
#define ROLE_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/message.h"

enum counter {
	COUNTER_EDGE_SESSIONS,
	COUNTER_EDGE_CONNECTIONS,
	COUNTER_EDGE_TURNED_AWAY,
	COUNTER_EDGE_ACCEPTED,
	COUNTER_EDGE_ACCEPTED_BYTES,
	COUNTER_EDGE_REJECTED,
	COUNTER_ROUTER_JOURNAL_BYTES,
	COUNTER_ROUTER_JOURNAL_FULL,
	COUNTER_STORE_DELIVERED,
	COUNTER_STORE_SESSIONS,
	COUNTER_RELAY_QUEUED,
	COUNTER_RELAY_SENT,
	COUNTERS
};

struct counter_row {
	enum role_kind kind;            /* who counts it */
	bool gauge;                     /* it falls, too; else only a restart begins anew */
	const char *name;
	const char *means;              /* a sentence */
};

const struct counter_row *counter_row(enum counter counter);
/* How many rows that role has: what an IPC_COUNTERS of it holds, in their order. */
size_t counters_of(enum role_kind kind);

#endif
