/* pop3/client.h - POP3 client engine (RFC 1939, 2449, 2595). Bytes in; events
 * and command bytes out. No socket, clock or disk. For the load generator, the
 * simulator and the demonstration.
 *
 *   (greeting, CAPA, STLS, USER, PASS) -> READY
 *   READY -> pop3_client_command() -> ITEM* or BODY* -> DONE -> READY state again
 *   READY -> POP3_QUIT -> CLOSED
 *
 * One command at a time: each ends in exactly one DONE, or in FAILED. */
#ifndef POP3_CLIENT_H
#define POP3_CLIENT_H

#include "base/buffer.h"

struct pop3_client_config {             /* lives at least as long as the engine */
	bool stls;                      /* demand it unless secure */
	bool clear_login;               /* send the password without TLS: loopback only */
	slice login, secret;            /* at most SASL_LOGIN_MAX, SASL_SECRET_MAX; no CR LF NUL */
};

enum pop3_command {
	POP3_STAT,              /* DONE: number = messages, size = octets */
	POP3_LIST,              /* ITEM: number, size */
	POP3_UIDL,              /* ITEM: number, text = unique id */
	POP3_RETR,              /* number; BODY: text = part of the message, dots undone */
	POP3_TOP,               /* number, lines; BODY */
	POP3_DELE,              /* number */
	POP3_NOOP,
	POP3_RSET,
	POP3_CAPA,              /* ITEM: text = a capability */
	POP3_QUIT,              /* DONE (deletions are done, or not), then CLOSED */
};

enum pop3_client_event_kind {
	POP3_CLIENT_EVENT_STLS,         /* after the output, switch to TLS, call _secured() */
	POP3_CLIENT_EVENT_READY,        /* logged in */
	POP3_CLIENT_EVENT_ITEM,
	POP3_CLIENT_EVENT_BODY,
	POP3_CLIENT_EVENT_DONE,         /* ok, text = the words of the reply */
	POP3_CLIENT_EVENT_FAILED,       /* text: why; login refused or protocol broken; close */
	POP3_CLIENT_EVENT_CLOSED,       /* close */
};

struct pop3_client_event {
	enum pop3_client_event_kind kind;
	bool ok;
	slice text;                     /* borrowed from the input, until the next feed */
	uint32_t number;
	uint64_t size;
};

struct pop3_client;

struct pop3_client *pop3_client_create(struct heap *heap,
    const struct pop3_client_config *config, bool secure);
void pop3_client_destroy(struct pop3_client *c);        /* NULL is allowed */

/* Offer input. Returns how much was consumed; stops early when an event is
 * ready. Offer the rest again, longer or after the events. */
size_t pop3_client_feed(struct pop3_client *c, slice in);
bool pop3_client_next(struct pop3_client *c, struct pop3_client_event *ret_event);

void pop3_client_secured(struct pop3_client *c);        /* TLS is up */

/* Only after READY or DONE. number and lines only where the list above says so. */
void pop3_client_command(struct pop3_client *c, enum pop3_command command, uint32_t number,
    uint32_t lines);

slice pop3_client_output(const struct pop3_client *c);
void pop3_client_sent(struct pop3_client *c, size_t n);

#endif
