/* role/counters.c - the rows. */
#include "role/counters.h"

#include "base/check.h"

static const struct counter_row rows[COUNTERS] = {
	[COUNTER_EDGE_SESSIONS] = { ROLE_EDGE, true, "posthouse_sessions",
	    "Sessions of SMTP; of POP3, those that are under TLS or not logged in yet." },
	[COUNTER_EDGE_CONNECTIONS] = { ROLE_EDGE, false, "posthouse_connections_total",
	    "Connections of all protocols." },
	[COUNTER_EDGE_TURNED_AWAY] = { ROLE_EDGE, false, "posthouse_connections_turned_away_total",
	    "Those of them that were over a limit." },
	[COUNTER_EDGE_ACCEPTED] = { ROLE_EDGE, false, "posthouse_messages_accepted_total",
	    "Messages that were stored in the journal, and so got a 250." },
	[COUNTER_EDGE_ACCEPTED_BYTES] = { ROLE_EDGE, false, "posthouse_message_accepted_bytes_total",
	    "The size of their bodies, as they came." },
	[COUNTER_EDGE_REJECTED] = { ROLE_EDGE, false, "posthouse_refused_total",
	    "Recipients and messages that were refused for good." },
	[COUNTER_ROUTER_JOURNAL_BYTES] = { ROLE_ROUTER, true, "posthouse_journal_bytes",
	    "Space in the journal that is used by messages on their way." },
	[COUNTER_ROUTER_JOURNAL_FULL] = { ROLE_ROUTER, true, "posthouse_journal_full",
	    "1 while new messages are told to wait (452): for space, or for a disk." },
	[COUNTER_STORE_DELIVERED] = { ROLE_STORE, false, "posthouse_messages_delivered_total",
	    "Deliveries that are durable: a message counts for each recipient, and again when it "
	    "is handed over again." },
	[COUNTER_STORE_SESSIONS] = { ROLE_STORE, true, "posthouse_mailbox_sessions",
	    "Sessions of POP3 that are logged in." },
	[COUNTER_RELAY_QUEUED] = { ROLE_RELAY, true, "posthouse_queue_entries",
	    "Messages on their way to other hosts, once for each domain." },
	[COUNTER_RELAY_SENT] = { ROLE_RELAY, false, "posthouse_recipients_sent_total",
	    "Recipients that other hosts took mail for." },
};

const struct counter_row *counter_row(enum counter counter)
{
	check((unsigned)counter < COUNTERS);
	return &rows[counter];
}

size_t counters_of(enum role_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < COUNTERS; i++)
		n += rows[i].kind == kind;
	return n;
}
