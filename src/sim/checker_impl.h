/* sim/checker_impl.h - what the files of the checker share.
 *
 *   checker.c           accounts, what senders know, what must be so at the end
 *   checker_arrival.c   a message or a report came to a mailbox: may it?
 *   checker_reader.c    what readers see, and delete
 *   checker_imap.c      what IMAP clients do beside them
 *   checker_rot.c       what rot excuses */
#ifndef SIM_CHECKER_IMPL_H
#define SIM_CHECKER_IMPL_H

#include "base/list.h"
#include "journal/message_id.h"
#include "sim/checker.h"

enum copy_state {
	COPY_PRESENT,
	COPY_DELETING,          /* marked in a session that said QUIT */
	COPY_DOUBTFUL,          /* that QUIT got no answer, or -ERR */
	COPY_GONE,
};

struct copy {
	struct list link;
	char uid[CHECKER_UID_MAX + 1];
	unsigned message;               /* from 1; 0: body not compared yet, or ... */
	struct report *report;          /* ... it is one */
	uint64_t hash;                  /* of the report's bytes */
	enum copy_state state;
	bool asked;                     /* was COPY_DELETING once: may still go ... */
	uint64_t ends;                  /* ... once more have ended than when the list that it
	                                 * was last in was asked for: whoever answered lived */
	bool removing;                  /* an IMAP client asked for it to go; ... */
	uint64_t removed_at;            /* ... and heard that it is gone (sim_events()) */
	bool unreadable;                /* when it was last tried */
	bool shaken;                    /* rot hit its record in the account's log */
	bool returns;                   /* ... or the one that says it was deleted: it may be
	                                 * back, once */
	bool listed;
	size_t place;
};

struct message {
	uint64_t accounts;              /* of accepted recipients */
	uint64_t copies;                /* accounts that have or had one */
	uint64_t sealed, moving;        /* decided by the directory; for CHECKER_MOVING */
	uint64_t rotten;                /* accounts whose copy rot hit, ... */
	uint64_t named;                 /* ... and a store said so */
	uint64_t lost;                  /* accounts for which rot hit its only record, ... */
	uint64_t lost_named;            /* ... and somebody said so */
	uint64_t shaken;                /* accounts whose log lost that they have it */
	uint64_t untold;                /* a report on these was lost */
	bool retold;                    /* the queue may have lost that its sender was told */
	uint64_t ends;                  /* of processes, when it began */
	bool dot;
	unsigned code;                  /* after the dot; 0: none came */
	uint64_t remote;                /* accounts that are elsewhere */
	uint64_t failed, late;          /* its sender was told so of these */
	bool deaf, null;                /* nobody can be told; the reverse-path was null */
	char id[MESSAGE_ID_TEXT];       /* as the server said when it took it; or empty */
	uint64_t given_up;              /* a relay said so of these */
};

/* What a relay said of a message, maybe before its sender heard the id. */
struct given_up {
	struct list link;
	char id[MESSAGE_ID_TEXT];
	uint64_t accounts;
};

/* That some recipients of a message failed, or are late. */
struct report {
	struct list link;
	char id[80];                    /* Message-ID */
	unsigned message;
	bool shaken;                    /* as that of a copy */
};

struct account {
	slice address;
	struct list copies;
	size_t n_listed;
	uint64_t ends;                  /* of processes, when it was last asked for its list */
	uint64_t visited_at;            /* when the reader connected (sim_events()) */
	unsigned epoch;
	bool shaken;                    /* its log lost changes */
	bool redelivers;                /* done marks are lost, too: it may stand beside itself */
	bool repaired;
};

struct checker {
	struct sim *sim;
	struct heap *heap;
	struct account accounts[CHECKER_ACCOUNTS_MAX];
	unsigned n_accounts;
	struct message *messages;       /* from 1 */
	unsigned n_messages, size;
	struct list reports;
	struct list given_up;
	unsigned remote, doubles;
	bool no_excuse;
	char failure[512];
};

/* ---- checker.c ---- */
struct message *checker_message(const struct checker *c, unsigned number);
/* May it be in a mailbox at all? */
bool checker_may_come(const struct checker *c, const struct message *m);

/* ---- checker_arrival.c ---- */
/* The length of what delivery put on top: only these fields, each whole. */
size_t checker_trace_len(slice bytes);
/* Which message with the null sender is it? Its own header says so. 0: none. */
unsigned checker_number_inside(const struct checker *c, slice bytes);
bool checker_same_body(const struct checker *c, unsigned number, slice bytes);
/* Another copy of a message came into an account. */
void checker_arrived(struct checker *c, unsigned number, unsigned account, slice bytes,
    const char *uid);
struct report *checker_report(struct checker *c, slice id);     /* NULL: none */
void checker_read_report(struct checker *c, struct copy *copy, slice address, slice bytes);

/* ---- checker_reader.c ---- */
struct copy *checker_copy(const struct checker *c, unsigned account, slice uid);

/* ---- checker_imap.c ---- */
/* Such a message no sender sent. */
bool checker_is_appended(slice bytes);

#endif
