/* role/edge_impl.h - the inside of the edge role, for edge*.c only.
 *
 *   edge.c           the role: listeners, limits, certificate, reload, drain
 *   edge_shares.c    who may have how much of it
 *   edge_session.c   one connection: stream, engine, timeouts, closing
 *   edge_ask.c       questions to the directory and their answers
 *   edge_smtp.c      what SMTP's events mean
 *   edge_body.c      a body: gathered, compressed, spooled
 *   edge_mailbox.c   the mailbox that a message names itself, in a mock
 *   edge_user.c      who sends, in a mock
 *   edge_journal.c   commits: appended, synced in groups, answered
 *   edge_journey.c   what is written down for `posthouse trace`
 *   edge_pop3.c      POP3 until login
 *   edge_imap.c      IMAP until login
 *   edge_handover.c  then: to the store, the TLS pump
 *   edge_http.c      HTTP's connections: counted, and handed to the web
 *
 * (1) A session has at most one question open; its number is the session's.
 * (2) A transaction belongs to its session until edge_commit(), then to the
 *     journal, which calls edge_smtp_committed() exactly once. A session that
 *     goes meanwhile leaves it behind without a session.
 * (3) Descriptors: sessions are taken while three quarters suffice, an eighth is
 *     for the other ends of sessions under TLS that a store has, a sixteenth for spool
 *     files. So there is always one for the next segment: a message whose
 *     descriptor finds no place ends the channel.
 * (4) Nothing is freed inside a callback of what is freed: sessions go to the
 *     dead list and are buried before the loop next waits.
 */
#ifndef ROLE_EDGE_IMPL_H
#define ROLE_EDGE_IMPL_H

#include <zstd.h>

#include "base/arena.h"
#include "base/checksum.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/table.h"
#include "directory/verdict.h"
#include "imap/server.h"
#include "journal/record.h"
#include "log/log.h"
#include "mail/received.h"
#include "mail/submit.h"
#include "os/plan.h"
#include "os/stream.h"
#include "pop3/server.h"
#include "role/edge_shares.h"
#include "role/frame.h"
#include "smtp/server.h"

struct edge;
struct session;

/* ---- questions ---- */

struct answer {
	unsigned verdict;               /* enum directory_verdict */
	slice words;                    /* all slices borrowed for the call */
	slice sealed;                   /* RECIPIENT */
	uint64_t account;               /* LOGIN */
	slice address;
	unsigned store;
	uint64_t nonce;
	enum sasl_ask ask;              /* LOGIN: which of the three was answered */
	uint32_t iterations;            /* SALT */
	slice salt, random;
	slice signature;                /* PROOF */
};

typedef void edge_answered(struct session *s, const struct answer *answer);

/* ---- bodies ---- */

enum body_place {
	BODY_IN_MEMORY,
	BODY_WANTS_SPOOL,               /* asked the router for a file */
	BODY_IN_SPOOL,
};

struct body {
	struct buffer raw;              /* not yet compressed */
	struct buffer frames;           /* compressed: all of them in memory, or the one
	                                 * that is being written */
	uint64_t size, stored;          /* of what was compressed */
	uint64_t checksum;              /* when finished */
	struct checksum_stream *stream; /* of a spooled body */
	enum body_place place;
	uint64_t request;               /* for the spool file */
	uint64_t spool;
	int spool_fd;
	unsigned router_life;           /* that gave the file */
	bool ending, finished;
	bool writing;                   /* a plan runs: the transaction must stay */
	struct plan plan;
};

/* ---- transactions ---- */

struct transaction {
	struct edge *edge;
	struct session *session;        /* NULL: it went */
	struct share *share;            /* of its network, held; NULL: none */
	struct list link;               /* journal: waiting, pending or in flight */
	struct list spool_link;         /* while the body waits for a file */
	struct arena arena;
	uint64_t id;
	slice sender;
	unsigned flags;                 /* JOURNAL_* */
	struct buffer sealed;           /* put_slice of each */
	unsigned n_recipients;
	unsigned char first_recipient[ADDRESS_PATH_MAX];
	slice recipient;                /* that one, for Received */
	slice asked;                    /* the one that the directory is asked about */
	/* edge_mailbox.c */
	struct buffer addresses;        /* put_slice of each recipient, where they may be asked
	                                 * about again */
	struct bytes addresses_left;    /* those that are still to be */
	slice mailbox;                  /* the name in the header; empty: none */
	uint64_t account;               /* whose that is */
	const struct smtp_reply *fault; /* refuse it with this at the end */
	struct body body;
	bool head_done, blank_line;     /* the trace must end with a blank line */
	struct submission *submission;  /* once the head is done */
	size_t authors_asked;
	uint32_t departures;            /* departure_bit(), where the edge is lenient */
	struct received received;       /* once committed; and who sent it, edge_user.c */
	slice user;
	char peer[OS_IP_TEXT];
	struct message_id message;
	bool dropped;                   /* free it when the plan is through */
};

/* ---- sessions ---- */

enum edge_clock_kind {
	CLOCK_GREETING, CLOCK_SMTP, CLOCK_POP3, CLOCK_IMAP, CLOCK_POP3_PUMP, CLOCK_IMAP_PUMP, CLOCKS
};

/* What a store is told of a session beside what all have. */
struct session_passport {
	uint8_t flags;                  /* ADOPT_* */
	slice greeting;                 /* of IPC_ADOPT; borrowed */
};

struct session_protocol {
	size_t (*feed)(struct session *s, slice in);
	/* Handle what the engine reports; false when there was nothing. */
	bool (*events)(struct session *s);
	bool (*waits)(struct session *s);       /* for an answer, not for the client */
	/* n bytes of the client's were taken: is it fast enough to get more time? */
	bool (*lives)(struct session *s, size_t n);
	enum edge_clock_kind clock;
	slice (*output)(struct session *s);
	void (*sent)(struct session *s, size_t n);
	void (*greet)(struct session *s);
	void (*secured)(struct session *s);
	void (*timeout)(struct session *s);
	void (*drain)(struct session *s);
	void (*drained)(struct session *s);     /* all output left; may be NULL */
	/* The client is gone, all that it said was fed. True: something of it is to be kept,
	 * and the session ends itself. May be NULL. */
	bool (*hung_up)(struct session *s);
	void (*closed)(struct session *s);      /* the engine and all it holds go */
	/* Who is logged in goes to a store (edge_handover.c); NULL where nobody does. */
	void (*unavailable)(struct session *s, slice words);    /* it can't: refuse the login */
	struct session_passport (*passport)(struct session *s);
};

struct session {
	struct edge *edge;
	const struct session_protocol *protocol;
	struct stream *stream;
	struct list link;               /* edge: sessions, or the dead */
	struct list clock_link;
	uint64_t deadline_ms;
	enum edge_clock_kind clock;
	uint64_t fruit_ms;              /* when it began, or its last message was taken */
	enum service service;
	uint8_t ip[16];
	struct session_shares shares;
	bool loopback, secure;
	bool greeted;
	uint64_t number;                /* its name in the journey */
	uint64_t begin_ms;
	struct buffer dialogue;         /* SMTP's lines since the last that were written down */
	size_t said_ahead;              /* bytes of the output are in it that did not leave yet */
	bool secret_rest, rest;         /* the line that is not whole yet: it is a secret; a
	                                 * part of it was heard */
	unsigned maybe_secret;          /* lines, behind an AUTH that may have been refused */
	bool pumping;                   /* in session_pump(): don't enter again */
	bool ending;                    /* nothing more is read */
	bool gone;                      /* its stream is closed: nobody is there */
	bool quit;                      /* SMTP: it ended in the way that is meant */
	bool left;                      /* and it was the client who went: no failure of ours */
	bool reset;                     /* it went without reading all that we said */
	bool dead;

	uint64_t request;               /* the open question, or 0 */
	edge_answered *answered;
	enum ipc_type asked;

	union {
		struct smtp_server *smtp;
		struct pop3_server *pop3;
		struct imap_server *imap;
	};
	/* SMTP */
	struct transaction *transaction;
	slice helo;                     /* from the heap */
	bool extended;
	uint64_t account;               /* logged in, or 0 */
	slice user;                     /* from the heap: in a mock, who is; may be empty */
	bool user_told;                 /* and it is the web that said so */
	uint64_t body_ms, body_bytes;   /* when the body began; what came of it */
	/* POP3, IMAP */
	bool granted;                   /* to be handed over once all output left */
	struct os_defer grant;          /* likewise, from the next turn on */
	unsigned store;
	uint64_t nonce;
	struct stream *inner;           /* to the store, when we carry its TLS */
	bool inner_closed;
};

/* ---- the journal ---- */

struct journal_segment {
	struct log_head head;
	int fd;                         /* -1: none */
};

struct journal {
	struct edge *edge;
	struct journal_segment current, next;
	struct log_writer writer;       /* of current */
	bool wanted;                    /* asked for a segment */
	bool full;                      /* current takes no more */
	bool syncing;
	bool lost;                      /* current's router died during a sync */
	uint32_t sync_to;
	struct list waiting, pending, flight;   /* transactions */
	struct plan plan;
	struct os_defer defer;
	struct os_timer hold;
	bool holding;
};

/* ---- the role ---- */

struct edge_listener {
	struct edge *edge;
	struct list link;
	struct os_watch watch;
	int fd;
	enum service service;
	slice address;
	bool watching;
};

struct edge_clock {
	struct list sessions;           /* the next to time out is first */
	uint64_t duration_ms;
};

struct edge {
	struct frame frame;
	struct os *os;
	struct heap *heap;
	struct list listeners, sessions, dead;
	size_t n_sessions;
	struct shares shares;
	struct edge_clock clocks[CLOCKS];
	uint64_t fruitless_ms;          /* no message, no login: no more time is given */
	struct os_timer tick, greeting, grace;
	bool ticking;
	struct os_defer bury;
	struct smtp_server_config smtp[3];      /* by enum smtp_service */
	struct pop3_server_config pop3;
	struct imap_server_config imap;
	struct tls_context *tls;
	bool draining, drained;

	struct table requests;          /* number -> session */
	uint64_t request_last;
	uint64_t session_last;          /* likewise; numbers of the journey */
	uint64_t transaction_last;      /* from a random start: seals name transactions */

	struct journal journal;
	bool router_full;               /* IPC_SPACE */
	unsigned router_life;           /* counts routers that came */
	ZSTD_CCtx *zstd;
	struct list spool_wanted;       /* transactions */
	size_t body_bytes;              /* in memory, all sessions */
	size_t spools_asked, spools_open;       /* files of bodies */
	size_t fds_max;                 /* os_descriptors_max() */

	struct table visits;            /* number -> visit: HTTP's connections, with the web */
	uint64_t visit_last;
	size_t n_offers;                /* of them, those not yet taken */

	/* For the web, of this life. */
	uint64_t n_connections, n_turned_away, n_accepted, accepted_bytes, n_refused;
	uint64_t refusals_ms;           /* a second begins, in which so many were told: */
	unsigned n_refusals;
};

/* Does our own user send? In a mock nobody is judged as one: it takes all mail alike. */
static inline bool edge_is_submission(const struct session *s)
{
	return s->service != SERVICE_SMTP && !s->edge->frame.config->mock;
}

/* edge_user.c: the name of who is logged in, or asks to be, where a mock tells it; empty:
 * nobody. What the web said stays. */
void edge_user_told(struct session *s, slice user);
void edge_user_keep(struct session *s, slice user);

/* A mock takes what a server refuses, and says so. */
static inline bool edge_lenient(const struct edge *e)
{
	return e->frame.config->mock && !e->frame.config->mock_strict;
}

/* edge.c */
void edge_session_gone(struct edge *e, struct session *s);      /* counts; drain */
void edge_check_drained(struct edge *e);

/* edge_session.c */
struct session *edge_session_open(struct edge *e, int fd, const struct os_address *peer,
    enum service service, struct session_shares shares);
/* Let engine, output and input move on; after answers and anything else. */
void edge_session_wake(struct session *s);
void edge_session_end(struct session *s);            /* send what is queued, then close */
void edge_session_kill(struct session *s);           /* at once */
void edge_session_touch(struct session *s, enum edge_clock_kind clock);      /* it lives */
void edge_session_still(struct session *s);          /* no timeout: it waits for us */
void edge_session_lives(struct session *s, size_t n);        /* the client moved n bytes */
bool edge_session_fruitless(const struct session *s);        /* others want its place */
void edge_session_secure(struct session *s);         /* output first, then TLS */
void edge_session_died(struct session *s);           /* to the dead list */
void edge_clocks_init(struct edge *e);
void edge_bury(struct os_defer *defer);
extern const struct session_protocol edge_smtp_protocol, edge_pop3_protocol, edge_imap_protocol;

/* edge_ask.c. The answer may come before the call returns. account: whose mail it is; 0:
 * nobody's. */
void edge_ask_recipient(struct session *s, uint64_t account, slice recipient,
    edge_answered *answered);
void edge_ask_owns(struct session *s, slice address, edge_answered *answered);
/* SASL_ASK_SALT: without a secret. */
void edge_ask_login(struct session *s, enum sasl_ask ask, slice login, slice secret,
    edge_answered *answered);
/* What a SCRAM exchange goes on with; the slices are in *ret_room. */
struct edge_bindings {
	unsigned char exporter[SCRAM_BINDING_MAX], endpoint[SCRAM_BINDING_MAX];
};
struct sasl_salt edge_salt(const struct session *s, const struct answer *answer,
    struct edge_bindings *ret_room);
void edge_forget_question(struct session *s);
bool edge_on_answer(struct edge *e, struct ipc_message *message);
void edge_directory_left(struct edge *e);
struct smtp_reply edge_verdict_reply(const struct answer *answer);
void edge_log_login(const struct session *s, unsigned verdict);      /* a refused one */

/* edge_smtp.c */
void edge_smtp_open(struct session *s, bool secure);
void edge_smtp_body_finished(struct transaction *t);
/* failure NULL: it is on disk. */
void edge_smtp_committed(struct transaction *t, const struct smtp_reply *failure);
void edge_smtp_go_on(struct transaction *t);    /* the body can take more */
void edge_smtp_go_commit(struct transaction *t);        /* its seals are those to keep */
void edge_smtp_refuse(struct transaction *t, const struct smtp_reply *reply);   /* at its end */
/* Give it up, or free what was committed. */
void edge_transaction_drop(struct transaction *t);
extern const struct smtp_reply edge_later, edge_no_space;

/* edge_body.c */
void edge_body_init(struct transaction *t);
void edge_body_add(struct transaction *t, slice bytes);
bool edge_body_busy(const struct transaction *t);    /* it takes nothing now */
void edge_body_finish(struct transaction *t);        /* then edge_smtp_body_finished() */
void edge_body_release(struct transaction *t);       /* memory that a commit no longer needs */
void edge_body_free(struct transaction *t);          /* with its spool file, unless committed */
bool edge_on_spool(struct edge *e, struct ipc_message *message);
void edge_spools_lost(struct edge *e);

/* edge_mailbox.c */
bool edge_mailbox_keep(struct transaction *t, slice recipient);        /* false: no room */
void edge_mailbox_read(struct transaction *t, slice head);
/* At the end: false when the message names none. Else edge_smtp_go_commit() or
 * edge_smtp_refuse() comes. */
bool edge_mailbox_ask(struct transaction *t);

/* edge_journal.c */
void edge_journal_init(struct edge *e);
void edge_commit(struct transaction *t);
bool edge_journal_cancel(struct transaction *t);     /* true: it was not appended, take it back */
void edge_journal_router_came(struct edge *e);
void edge_journal_router_left(struct edge *e);
bool edge_journal_on_segment(struct edge *e, struct ipc_message *message);
bool edge_journal_idle(const struct edge *e);
void edge_journal_end(struct edge *e);               /* drained: nothing more comes */

/* edge_journey.c */
void edge_tell_open(struct session *s, const struct os_address *peer);
void edge_tell_secured(const struct session *s);
void edge_tell_login(const struct session *s, const struct answer *answer);
void edge_tell_recipient(const struct session *s, slice recipient, const struct answer *answer);
void edge_tell_mailbox(const struct session *s, slice name, const struct answer *answer);
void edge_tell_message(struct transaction *t, const struct smtp_reply *failure);
void edge_tell_closed(struct session *s);
/* The dialogue is written down: bytes that SMTP took, one line or a part of it, and
 * whether it was one of an AUTH exchange; and bytes that it says. */
bool edge_listens(const struct session *s);
void edge_hear(struct session *s, slice in, bool secret);
void edge_say(struct session *s, slice out);
/* All of the output that did not leave yet, as the end of what belongs to a message. */
void edge_say_ahead(struct session *s, slice out);

/* edge_http.c */
/* May more be accepted now? */
bool edge_http_room(const struct edge *e);
/* So many of HTTP's may still be had by this edge, of that many places that are free. */
size_t edge_http_places(const struct edge *e, size_t free);
/* The web is there. Takes fd. */
void edge_http_open(struct edge *e, int fd, const struct os_address *peer,
    struct session_shares shares);
bool edge_on_http_is(struct edge *e, struct ipc_message *message);
void edge_web_left(struct edge *e);

/* edge_pop3.c, edge_imap.c */
void edge_pop3_open(struct session *s, bool secure);
void edge_imap_open(struct session *s, bool secure);

/* edge_handover.c */
/* A login is answered: NULL, it is granted, and edge_handover_try() does the rest; or the
 * row that refuses it, and words for the client. */
const struct directory_verdict_row *edge_handover_answer(struct session *s,
    const struct answer *answer, char *ret_words, size_t size);
/* The login that was proved stands: it is granted in the next turn, when what the client said
 * last is taken from its stream. */
void edge_handover_grant(struct session *s);
/* To the store, if it may go there now. May end the session here, or change its protocol. */
void edge_handover_try(struct session *s);

#endif
