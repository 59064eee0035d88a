/* smtp/client.h - SMTP client engine (RFC 5321, 1870, 2920, 3207, 4954, 6152,
 * 6531). Bytes in; events and command bytes out. No socket, clock or disk.
 *
 *   feed -> next ... -> output/sent
 *
 *   (greeting, EHLO or HELO, STARTTLS, EHLO, AUTH) -> READY
 *   READY -> smtp_client_send() -> RCPT* -> BODY -> smtp_client_body()... ->
 *   smtp_client_body_end() -> SENT -> (RSET when needed) -> READY
 *   READY -> smtp_client_quit() -> CLOSED
 *
 * (1) Each smtp_client_send() ends in exactly one SENT, or in FAILED. After
 *     FAILED, or a lost connection, the message was not taken; only when
 *     smtp_client_body_end() came before may it have been.
 * (2) No bare CR or LF leaves the engine: they become CRLF.
 * (3) Replies over SMTP_REPLY_TAKE_MAX bytes, or that are none, are FAILED. */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include "base/buffer.h"

enum smtp_client_tls {
	SMTP_CLIENT_TLS_NONE,
	SMTP_CLIENT_TLS_OFFERED,        /* STARTTLS when it is offered */
	SMTP_CLIENT_TLS_REQUIRED,       /* FAILED when it is not */
};

struct smtp_client_config {             /* lives at least as long as the engine */
	slice hostname;                 /* ours, for EHLO */
	enum smtp_client_tls starttls;
	slice login, secret;            /* AUTH, unless login is empty; at most
	                                 * SASL_LOGIN_MAX and SASL_SECRET_MAX */
	bool clear_auth;                /* also without TLS: loopback and tests only */
};

/* Borrowed until SENT or FAILED. */
struct smtp_client_message {
	slice from;                     /* reverse-path without brackets; empty: <> */
	const slice *recipients;        /* forward-paths without brackets */
	size_t n_recipients;            /* at least 1 */
	uint64_t size;                  /* octets, for SIZE=; 0: not known */
	unsigned needs;                 /* SMTP_CLIENT_8BITMIME | SMTP_CLIENT_SMTPUTF8 */
};

/* What the server offers. */
enum {
	SMTP_CLIENT_PIPELINING = 1,
	SMTP_CLIENT_8BITMIME = 2,
	SMTP_CLIENT_SMTPUTF8 = 4,
	SMTP_CLIENT_SIZE = 8,
	SMTP_CLIENT_STARTTLS = 16,
	SMTP_CLIENT_AUTH_PLAIN = 32,
	SMTP_CLIENT_AUTH_LOGIN = 64,
};

enum smtp_client_event_kind {
	SMTP_CLIENT_EVENT_STARTTLS,     /* after the output, switch to TLS, call _secured() */
	SMTP_CLIENT_EVENT_READY,        /* now smtp_client_send() or smtp_client_quit() */
	SMTP_CLIENT_EVENT_RCPT,         /* index, code, text: the word on one recipient */
	SMTP_CLIENT_EVENT_BODY,         /* give the message */
	SMTP_CLIENT_EVENT_SENT,         /* code, text: the word on the message. 2xx: the server
	                                 * has it for each recipient that got 2xx */
	SMTP_CLIENT_EVENT_FAILED,       /* code, text: no use going on; close. code is 0 when
	                                 * the server broke the protocol, or offers too little */
	SMTP_CLIENT_EVENT_CLOSED,       /* QUIT was answered; close */
};

/* What was being done when it FAILED. */
enum smtp_client_step {
	SMTP_CLIENT_STEP_OTHER,
	SMTP_CLIENT_STEP_STARTTLS,      /* it is required, and not to be had */
	SMTP_CLIENT_STEP_LOGIN,
};

struct smtp_client_event {
	enum smtp_client_event_kind kind;
	size_t index;                   /* RCPT: into recipients */
	unsigned code;
	slice text;                     /* printable or not: as the server sent it, lines
	                                 * joined with LF; borrowed until the next feed */
	enum smtp_client_step step;     /* FAILED */
	bool local;                     /* SENT: we refused it ourselves: the server does not
	                                 * offer what the message needs; code is 5xx */
};

struct smtp_client;

/* secure: TLS from the first byte. The first output follows the greeting. */
struct smtp_client *smtp_client_create(struct heap *heap,
    const struct smtp_client_config *config, bool secure);
void smtp_client_destroy(struct smtp_client *c);        /* NULL is allowed */

/* Offer input. Returns how much was consumed: whole replies only, and none while
 * an event waits. Offer the rest again, longer or after the events. */
size_t smtp_client_feed(struct smtp_client *c, slice in);
bool smtp_client_next(struct smtp_client *c, struct smtp_client_event *ret_event);

/* TLS is up. */
void smtp_client_secured(struct smtp_client *c);

/* Only after READY. A path that holds a control character, or more than
 * SMTP_CLIENT_PATH_MAX bytes, refuses the whole message with a local 553. */
void smtp_client_send(struct smtp_client *c, const struct smtp_client_message *message);
void smtp_client_quit(struct smtp_client *c);

/* Only after BODY. Returns how much of part was taken: 0 while the output is
 * full. The engine dot-stuffs. end() adds the last CRLF if there is none. */
size_t smtp_client_body(struct smtp_client *c, slice part) __attribute__((warn_unused_result));
void smtp_client_body_end(struct smtp_client *c);

unsigned smtp_client_offers(const struct smtp_client *c);
uint64_t smtp_client_size_max(const struct smtp_client *c);     /* 0: not said */

/* How long to wait for the server now (RFC 5321 s4.5.3.2), in ms. */
uint64_t smtp_client_patience_ms(const struct smtp_client *c);

/* Pending output; say how much was written. */
slice smtp_client_output(const struct smtp_client *c);
void smtp_client_sent(struct smtp_client *c, size_t n);
/* The pending output is a login or a password: not for people to see. */
bool smtp_client_output_secret(const struct smtp_client *c);

#endif
