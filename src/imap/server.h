/* imap/server.h - IMAP server engine (RFC 9051, RFC 3501, and the extensions of
 * server_commands.c). Bytes in; events and reply bytes out. No socket, clock or disk.
 *
 * One engine, two lives: in the edge until login, in the store from then on; the edge's ends
 * with IMAP_EVENT_LOGIN granted, the store's begins with imap_server_resume().
 *
 *   feed -> [command] -> event -> answer -> output, as often as anything moves */
#ifndef IMAP_SERVER_H
#define IMAP_SERVER_H

#include "auth/sasl.h"
#include "base/buffer.h"
#include "imap/host.h"
#include "imap/parse.h"
#include "imap/work.h"

struct imap_server_config {             /* lives at least as long as the engine */
	slice hostname;
	bool starttls;                  /* offer it while not secure */
	bool scram;                     /* offer SCRAM */
	bool compress;                  /* COMPRESS=DEFLATE (RFC 4978) */
	unsigned errors_max;            /* BADs in a row before login, then BYE */
	uint64_t append_max;            /* octets of a message (RFC 7889) */
};

struct imap_server;

enum imap_result {
	IMAP_DONE,
	IMAP_NO_MAILBOX,                /* [NONEXISTENT], or [TRYCREATE] */
	IMAP_EXISTS,                    /* [ALREADYEXISTS] */
	IMAP_CANNOT,                    /* [CANNOT]: never possible */
	IMAP_LIMIT,                     /* [LIMIT]: too many of something */
	IMAP_OVER_QUOTA,                /* [OVERQUOTA] */
	IMAP_TOO_BIG,                   /* [TOOBIG] */
	IMAP_LATER,                     /* [UNAVAILABLE]: the disk, mostly */
	IMAP_EMPTY,                     /* a message to APPEND of no octets */
};

enum imap_change_kind {
	IMAP_CREATE,            /* name, use */
	IMAP_DELETE,            /* name */
	IMAP_RENAME,            /* name, new_name */
	IMAP_SUBSCRIBE,         /* name */
	IMAP_UNSUBSCRIBE,
	IMAP_FLAGS,             /* uids, op, flags, unchanged_since */
	IMAP_COPY,              /* uids, name */
	IMAP_MOVE,              /* likewise */
	IMAP_EXPUNGE,           /* uids: those of them that are \Deleted when it is made */
};

enum imap_flag_op { IMAP_FLAGS_ADD, IMAP_FLAGS_REMOVE, IMAP_FLAGS_SET };

/* What a command wants to be changed. All but the first five are about the selected
 * mailbox. Borrowed until it is answered. */
struct imap_change {
	enum imap_change_kind kind;
	slice name, new_name;
	enum imap_use use;
	enum imap_flag_op op;
	struct imap_flags flags;        /* keywords that are new become known */
	bool conditional;               /* only what has no modseq above unchanged_since */
	uint64_t unchanged_since;
	uint64_t told;                  /* FLAGS: the client was told of all up to this modseq */

	/* The engine's; the host leaves, at the front and in order, those that were there (and
	 * unchanged) when it was made, and says in n how many. */
	uint32_t *uids;
	size_t n;
	/* Of those, behind them, the ones that were there but had changed: also the host's to say. */
	size_t n_modified;

	/* Answered by the host, when it is DONE: */
	/* Of the change, or 0 when it changed nothing; one of many ranges has several, and they follow
	 * each other. */
	uint64_t modseq_first, modseq;
	bool others;                    /* some had been changed after `told` */
	uint32_t uidvalidity, uid_first;        /* COPY, MOVE: of what came there, uids in a row */
};

/* One message of an APPEND. */
struct imap_append {
	slice name;
	struct imap_flags flags;
	bool dated;
	int64_t received_s;
	uint64_t size;
	size_t number;                  /* of the command's messages, from 0 */
};

enum imap_event_kind {
	/* edge */
	IMAP_EVENT_LOGIN,       /* question: login, secret, ask; answer with _login_refused(), hand
	                         * over, or go on with _salted(), _proved() */
	IMAP_EVENT_LOGGED_IN,   /* question: what was proved stands; hand over, or _login_refused() */
	IMAP_EVENT_STARTTLS,    /* note: after the output, switch to TLS, call _secured() */
	/* store */
	IMAP_EVENT_CHANGE,      /* question: change; answer with _changed() */
	IMAP_EVENT_APPEND,      /* question: append; answer with _append_ready() */
	IMAP_EVENT_TEXT,        /* note: the next octets of it, valid until the next call */
	IMAP_EVENT_COMMIT,      /* question: all messages of the command; answer with _appended() */
	IMAP_EVENT_DROP,        /* note: forget them */
	IMAP_EVENT_WORK,        /* question: give each message's text to it (work.h), then
	                         * _worked(); it is the host's until then */
	IMAP_EVENT_COMPRESS,    /* note: once the output of now is sent, both directions are
	                         * raw DEFLATE (RFC 4978) */
	IMAP_EVENT_BYE,         /* note: close once the output is sent */
};

struct imap_event {
	enum imap_event_kind kind;
	slice login, secret;
	enum sasl_ask ask;
	struct imap_change *change;
	const struct imap_append *append;
	slice text;
	struct imap_work *work;
};

struct imap_server *imap_server_create(struct heap *heap,
    const struct imap_server_config *config, bool secure, bool loopback);
void imap_server_destroy(struct imap_server *s);
void imap_server_greet(struct imap_server *s);
/* "* BYE [code] words" and the event; code may be NULL. Unless something else ended it. */
void imap_server_refuse(struct imap_server *s, const char *code, slice words);
/* Instead of imap_server_resume(): NO to the login's tag, and goodbye. */
void imap_server_deny(struct imap_server *s, slice tag, const char *code, slice words);

/* Offer input. Returns how much was consumed; stops early when an event is ready, something
 * is not answered or the output is full. Offer the rest again afterwards. */
size_t imap_server_feed(struct imap_server *s, slice in);
bool imap_server_next(struct imap_server *s, struct imap_event *ret_event);
/* A turn of the loop begins: what runs, and commands that are offered, may take a few
 * milliseconds of it. */
void imap_server_turn(struct imap_server *s);
/* Goes on with what runs. True: its turn is over, and it wants another, though nothing moved. */
bool imap_server_run(struct imap_server *s);

/* ---- edge ---- */
void imap_server_login_refused(struct imap_server *s, const char *code, slice words);
void imap_server_salted(struct imap_server *s, const struct sasl_salt *salt);  /* SASL_ASK_SALT */
void imap_server_proved(struct imap_server *s, slice signature);        /* SASL_ASK_PROOF */
void imap_server_secured(struct imap_server *s);
/* What the store must be told to go on as the same session: the tag that waits for its OK. */
slice imap_server_tag(const struct imap_server *s);

/* ---- store ---- */
/* login: the account's address, for people. The tag is of imap_server_tag(); it is judged,
 * and a bad one becomes "*". The host stays until destroy. */
void imap_server_resume(struct imap_server *s, const struct imap_host *host, slice tag,
    slice login);
void imap_server_changed(struct imap_server *s, enum imap_result result);
void imap_server_append_ready(struct imap_server *s, enum imap_result result);
void imap_server_appended(struct imap_server *s, enum imap_result result, uint32_t uidvalidity,
    uint32_t uid_first, uint32_t n);
void imap_server_worked(struct imap_server *s, struct imap_work *work);
/* Something in the selected mailbox is not as it was. */
void imap_server_poke(struct imap_server *s);
/* Is it in IDLE, or between commands? Then silence is not a fault of anybody. */
bool imap_server_idles(const struct imap_server *s);

/* Too long silent: "* BYE" and the event. Answers to questions asked before are ignored. */
void imap_server_timeout(struct imap_server *s);

/* Pending output; more comes as it is sent, so ask again after each sent(). */
slice imap_server_output(const struct imap_server *s);
void imap_server_sent(struct imap_server *s, size_t n);

#endif
