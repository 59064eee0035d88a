/* smtp/server.h - SMTP server engine (RFC 5321, 1870, 2034, 2920, 3207, 4954,
 * 6152, 6531). Bytes in; events and reply bytes out. No socket, clock or disk.
 *
 *   feed -> next -> answer ... -> output/sent
 *
 * A question leaves as an event and holds the session until its answer. Input
 * that is not a command yet, or that follows a question, stays unconsumed.
 * Each command and each end of data queues exactly one reply. */
#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include "auth/sasl.h"
#include "base/buffer.h"
#include "base/heap.h"
#include "smtp/reply.h"

enum smtp_service { SMTP_RELAY_IN, SMTP_SUBMISSION, SMTP_SUBMISSIONS };

struct smtp_server_config {             /* lives at least as long as the engine */
	enum smtp_service service;
	slice hostname;                 /* ours, in greeting and EHLO */
	uint64_t message_size_max;      /* bytes; SIZE announces it */
	unsigned recipients_max;
	unsigned errors_max;            /* then 421 */
	bool starttls;                  /* offer it while not secure */
	bool auth;                      /* offer it; only when secure or loopback */
	bool scram;                     /* with SCRAM */
	bool auth_required;             /* 530 without (submission) */
	/* Take what breaks the rules, as far as it can be understood, and note it. A text
	 * ends at a lone dot whichever way lines end; what is left out (EHLO, MAIL, RCPT)
	 * is implied; errors never end the session. What an END gives has CRLF. */
	bool lenient;
};

struct smtp_server;

enum smtp_event_kind {
	SMTP_EVENT_HELLO,       /* note: text = name as given, flag = extended (EHLO) */
	SMTP_EVENT_MAIL,        /* question: text = reverse-path, no brackets; size; flags */
	SMTP_EVENT_RCPT,        /* question: text = forward-path */
	SMTP_EVENT_AUTH,        /* question: text = login, secret = password, ask; also answered
	                         * by smtp_server_salted() or smtp_server_proved() */
	SMTP_EVENT_DATA,        /* question: may the body come? OK answers 354 */
	SMTP_EVENT_BODY,        /* note: text = next bytes of the body, dot-unstuffed */
	SMTP_EVENT_END,         /* question: all of the body came; commit it. departures */
	SMTP_EVENT_RESET,       /* note: the transaction is gone (RSET, EHLO, failed body):
	                         * forget it; the engine queues the reply. A failed body's comes
	                         * with its true end: go on feeding */
	SMTP_EVENT_STARTTLS,    /* note: after the output is sent, switch to TLS, then call
	                         * smtp_server_secured() */
	SMTP_EVENT_QUIT,        /* note: close once the output is sent (QUIT, 421). An open
	                         * transaction is gone with it */
};

enum { SMTP_BODY_8BITMIME = 1, SMTP_UTF8 = 2, SMTP_HELLO_EXTENDED = 4 };

struct smtp_event {
	enum smtp_event_kind kind;
	slice text;             /* BODY: borrowed from the input, until the next feed; HELLO:
	                         * the engine's, until the next feed; questions: until answered */
	slice secret;           /* AUTH only; wiped when answered */
	enum sasl_ask ask;
	uint64_t size;          /* MAIL: SIZE=, or 0 */
	unsigned flags;         /* MAIL: SMTP_BODY_8BITMIME | SMTP_UTF8; HELLO:
	                         * SMTP_HELLO_EXTENDED */
	uint32_t departures;    /* END: departure_bit() of what was lenient (mail/departure.h),
	                         * in the transaction and before the first */
};

/* secure: TLS from the first byte (465). loopback: AUTH is allowed in the clear. */
struct smtp_server *smtp_server_create(struct heap *heap,
    const struct smtp_server_config *config, bool secure, bool loopback);
void smtp_server_destroy(struct smtp_server *s);

/* Queue the 220; before it no input is taken. Or a refusal, after which the
 * QUIT event follows; also later, when a session must end. */
void smtp_server_greet(struct smtp_server *s);
void smtp_server_refuse(struct smtp_server *s, const struct smtp_reply *reply);
/* The client spoke before the 220: 554 5.5.0, QUIT event follows. */
void smtp_server_early(struct smtp_server *s);

/* Offer input. Returns how much was consumed; stops early when an event is
 * ready, a question open, or over SMTP_OUTPUT_HIGH of output unsent. Offer what
 * was not consumed again after that is handled. A line is consumed whole, so
 * the caller must be able to offer SMTP_AUTH_LINE_MAX bytes. */
size_t smtp_server_feed(struct smtp_server *s, slice in);
bool smtp_server_next(struct smtp_server *s, struct smtp_event *ret_event);

/* Answer the question of the last event. reply NULL: the engine's own positive
 * reply (END and others need more words: give one). A code of 4xx or 5xx refuses;
 * a refused END ends the transaction, a refused DATA does not. Does nothing when
 * the session closed over the question. */
void smtp_server_answer(struct smtp_server *s, const struct smtp_reply *reply);

/* Answers to AUTH with ask = SASL_ASK_SALT, and to a right SASL_ASK_PROOF: the exchange goes on. */
void smtp_server_salted(struct smtp_server *s, const struct sasl_salt *salt);
void smtp_server_proved(struct smtp_server *s, slice signature);

/* TLS is up: state as after connecting, without another greeting (RFC 3207 s4.2). */
void smtp_server_secured(struct smtp_server *s);
/* The edge drains: 421 at the next command boundary outside a transaction. */
void smtp_server_drain(struct smtp_server *s);
/* 421 4.4.2, then QUIT event. Lenient, within a body: as hang_up. */
void smtp_server_timeout(struct smtp_server *s);
/* No more input will come, and all that came was offered; not while a question is open.
 * Lenient, within a body: the END event follows with what came of it, and QUIT once that
 * is answered. Else the QUIT event. */
void smtp_server_hang_up(struct smtp_server *s);

/* True while no transaction and no question is open: safe to end it. */
bool smtp_server_idle(const struct smtp_server *s);
bool smtp_server_in_data(const struct smtp_server *s);
/* The next line is one of an AUTH exchange: a secret. */
bool smtp_server_in_auth(const struct smtp_server *s);

/* Pending output; say how much was written. */
slice smtp_server_output(const struct smtp_server *s);
void smtp_server_sent(struct smtp_server *s, size_t n);

#endif
