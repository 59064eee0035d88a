/* pop3/server.h - POP3 server engine (RFC 1939 without APOP, 2449, 2595, 5034,
 * 6856, 3206). Bytes in; events and reply bytes out. No socket, clock or disk.
 *
 * One engine, two lives: in the edge until login (AUTHORIZATION), in the store
 * from then on (TRANSACTION, UPDATE); the edge's ends with POP3_EVENT_LOGIN
 * granted, the store's begins with pop3_server_resume(). */
#ifndef POP3_SERVER_H
#define POP3_SERVER_H

#include "auth/sasl.h"
#include "base/arena.h"
#include "base/buffer.h"

struct pop3_server_config {             /* lives at least as long as the engine */
	slice hostname;
	bool stls;                      /* offer it while not secure */
	bool scram;                     /* offer SCRAM */
	unsigned errors_max;            /* then -ERR and close */
};

struct pop3_server;

enum pop3_event_kind {
	/* AUTHORIZATION (edge) */
	POP3_EVENT_LOGIN,       /* question: text = login, secret = password, ask; also answered by
	                         * _salted() or _proved() */
	POP3_EVENT_LOGGED_IN,   /* question: what was proved stands; answered as LOGIN is */
	POP3_EVENT_STLS,        /* note: after the output, switch to TLS, call _secured() */
	/* TRANSACTION (store); number counts from 1 and is valid and not deleted */
	POP3_EVENT_RETR,        /* question: number; lines = UINT32_MAX: all, else TOP's n.
	                         * Answer with pop3_server_body*, or _fail */
	POP3_EVENT_COMMIT,      /* question: QUIT; expunge the marked ones, then answer */
	POP3_EVENT_QUIT,        /* note: close once the output is sent */
};

struct pop3_event {
	enum pop3_event_kind kind;
	slice text, secret;     /* LOGIN; secret is wiped when answered */
	enum sasl_ask ask;
	uint32_t number;
	uint32_t lines;
	bool utf8;              /* the client said UTF8 (RFC 6856) */
};

struct pop3_server *pop3_server_create(struct heap *heap,
    const struct pop3_server_config *config, bool secure, bool loopback);
void pop3_server_destroy(struct pop3_server *s);
void pop3_server_greet(struct pop3_server *s);
void pop3_server_refuse(struct pop3_server *s, slice words);    /* -ERR, QUIT event */

/* Offer input. Returns how much was consumed; stops early when an event is ready
 * or the output is full. Offer the rest again, longer, or after the events were
 * handled or output was sent. */
size_t pop3_server_feed(struct pop3_server *s, slice in);
bool pop3_server_next(struct pop3_server *s, struct pop3_event *ret_event);

/* Edge: the login was refused; words begin with a RESP-CODE such as "[AUTH] ".
 * A granted login is answered by the store. */
void pop3_server_login_refused(struct pop3_server *s, slice words);
void pop3_server_salted(struct pop3_server *s, const struct sasl_salt *salt);  /* SASL_ASK_SALT */
void pop3_server_proved(struct pop3_server *s, slice signature);        /* SASL_ASK_PROOF */
/* What the edge must tell the store so that it can go on as the same session. */
bool pop3_server_utf8(const struct pop3_server *s);

/* Store: one row a message, uidl unique and stable (1..70 of 0x21..0x7E). The
 * array is borrowed and must stay as it is until destroy. Queues the +OK that
 * answers the login. */
struct pop3_message {
	uint64_t size;          /* octets as sent by RETR, without dot-stuffing; with the
	                         * CRLF that a last line without one gets */
	slice uidl;
	bool deleted;           /* set by the engine */
};
void pop3_server_resume(struct pop3_server *s, struct pop3_message *messages, uint32_t n,
    bool utf8);

/* Answers to RETR and TOP: begin, then parts of the message as they come from
 * disk (the engine cuts TOP's lines and dot-stuffs), then end. The output is
 * bounded: body() returns how much of part was taken, 0 when it is full; send
 * output, then offer the rest. room() is how much it would take now. Once TOP
 * has enough, body_wants() is false, room() is 0 and body() takes no more. */
void pop3_server_body_begin(struct pop3_server *s);
size_t pop3_server_body(struct pop3_server *s, slice part) __attribute__((warn_unused_result));
size_t pop3_server_body_room(const struct pop3_server *s);
bool pop3_server_body_wants(const struct pop3_server *s);
void pop3_server_body_end(struct pop3_server *s);
/* Instead of begin: -ERR with words such as "[SYS/TEMP] ..." or "[UTF8] ...".
 * After begin: the session ends in the middle (QUIT event), so that the client
 * does not take half a message for the whole. */
void pop3_server_fail(struct pop3_server *s, slice words);
/* Answer to COMMIT: all marked are gone, or not. QUIT event follows. */
void pop3_server_committed(struct pop3_server *s, bool all);

void pop3_server_secured(struct pop3_server *s);
/* RFC 1939 s3: no UPDATE and no reply, a QUIT event. An answer that comes to a
 * question asked before is ignored. */
void pop3_server_timeout(struct pop3_server *s);

/* Pending output, at most POP3_OUTPUT_MAX bytes; long lists come piece by piece as
 * it is sent, so ask again after each sent(). */
slice pop3_server_output(const struct pop3_server *s);
void pop3_server_sent(struct pop3_server *s, size_t n);

#endif
