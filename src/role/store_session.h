/* role/store_session.h - a session of a store, for store_session.c, store_pop3.c
 * and store_read.c.
 *
 *   LOGIN (waits for its login) -> BOX (for the account) -> OPEN
 *     '-> QUEUE (another session has the account) -^
 *   POP3: OPEN <-> READING (RETR, TOP)
 *         OPEN -> COMMIT (its expunge is a change of the box's) -> OPEN (QUIT event)
 *   any -> OVER
 *
 * (1) The snapshot is taken once, when the box is ready; what is delivered later
 *     belongs to the next session (RFC 1939 s8).
 * (2) A work on the pool outlives its session: session_free() waits for it. */
#ifndef ROLE_STORE_SESSION_H
#define ROLE_STORE_SESSION_H

#include "account/compact.h"
#include "role/store_impl.h"

enum session_state {
	SESSION_LOGIN,
	SESSION_QUEUE,
	SESSION_BOX,
	SESSION_OPEN,
	SESSION_READING,
	SESSION_COMMIT,
	SESSION_OVER,
};

/* What a session speaks. */
struct session_kind {
	void (*create)(struct session *session);        /* may be NULL */
	/* Speak: with the account that the box has, or only to refuse. */
	void (*speak)(struct session *session);
	void (*refuse)(struct session *session, enum session_refusal why);
	/* Move bytes and events until nothing moves. */
	void (*pump)(struct session *session);
	/* The client said nothing for too long. */
	void (*timeout)(struct session *session);
	/* A work of the pool has some of its memory, and says session_over() again. */
	bool (*busy)(const struct session *session);
	void (*leave)(struct session *session); /* it is about to lose its box */
	void (*free)(struct session *session);
};

extern const struct session_kind session_pop3, session_imap;

/* Messages of the account are in other places now. NULL: there is no session. */
void pop3_moved(struct session *session, const struct account_compaction *c);

struct session_row {
	uint32_t uid, pack, offset;
};

/* One RETR or TOP. */
struct reading {
	struct list link;               /* store->readers, while it waits */
	struct os_work work;
	struct heap *heap;              /* NULL: none runs */
	struct pack_reader reader;
	uint64_t account;
	struct session_row row;
	bool open, busy, begun;
	enum pack_result result;        /* of the last work */
	slice piece;                    /* not yet with the engine */
};

struct session {
	struct list link;               /* store->sessions */
	struct store *store;
	struct box *box;
	const struct session_kind *kind;
	struct list queue;              /* POP3: box->next */
	unsigned flight;                /* the box's that has all it is to be shown */
	struct nonce *nonce;            /* while it waits for a login */
	enum session_state state;
	int fd;                         /* until there is a stream */
	uint8_t flags;                  /* ADOPT_* */
	bool trusted;                   /* meets no limit of its account */
	struct buffer tag;              /* IMAP's, that waits for its OK; judged by its engine */
	struct buffer login;            /* the account's address, once it is known */
	struct buffer in;               /* unread, then what the engine left */
	struct stream *stream;
	struct os_timer timer;
	struct os_defer end;
	bool quitting;                  /* the engine has said its last words */
	bool ended;                     /* and they are with the stream */
	bool pumping;

	struct list in_box;             /* IMAP: box->imap */
	struct imap_session *imap;

	/* POP3 */
	struct pop3_server *engine;
	struct pop3_message *messages;
	struct session_row *rows;
	char *uidls;
	uint32_t n;
	struct quit *quit;              /* its expunge waits, or flies */
	struct reading reading;
};

/* ---- store_session.c ---- */
void store_session_touch(struct session *session);    /* the client is alive */

/* ---- store_read.c ---- */
void reading_start(struct session *session, uint32_t number);
/* Give the engine what there is; true when something moved. */
bool reading_pump(struct session *session);
void reading_stop(struct session *session);     /* not busy */

#endif
