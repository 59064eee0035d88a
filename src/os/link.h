/* os/link.h - a client engine's connection: dials, carries bytes between stream
 * and engine, switches to TLS, watches the clock.
 *
 *   IDLE --link_open--> DIALLING --> UP --link_finish, or lost--> IDLE, down()
 *
 * (1) Every link_open() ends in exactly one down(), never from inside a call of
 *     the link's own; after it the link may be opened again.
 * (2) No other handler is called between link_finish() and down(). */
#ifndef OS_LINK_H
#define OS_LINK_H

#include "os/stream.h"
#include "os/dial.h"

struct link;

struct link_handler {
	/* Connected, and under TLS if that was asked for: bytes may flow. */
	void (*up)(struct link *link);
	/* Bytes came: give them to the engine, handle its events; returns how many
	 * were consumed. Output is sent afterwards. */
	size_t (*data)(struct link *link, slice in);
	/* TLS that link_secure() asked for is up. */
	void (*secured)(struct link *link);
	/* The engine's output. sent() may make it produce more. */
	slice (*output)(struct link *link);
	void (*sent)(struct link *link, size_t n);
	/* It is over. why: one line, or NULL after link_finish(link, NULL). */
	void (*down)(struct link *link, const char *why);
};

struct link {
	struct os *os;
	const struct link_handler *handler;
	void *owner;
	const char *server_name;        /* for TLS; "localhost" unless set, for who dials an
	                                 * address and judges no certificate */

	/* In down(): TLS failed by the server's certificate. */
	bool distrusts;

	/* The link's own. */
	struct dial dial;
	struct stream *stream;
	struct os_timer clock;
	struct os_defer later;
	struct tls_context *tls;        /* from the first byte, or since link_secure() */
	bool open, is_up, finishing, securing;
	const char *why;
	char words[128];
};

/* Plain data; zeroed or finished before. Nothing is opened yet. */
void link_init(struct link *link, struct os *os, const struct link_handler *handler,
    void *owner);

/* tls: from the first byte; NULL: plain. Borrowed while the link is open. */
void link_open(struct link *link, const struct os_address *address, struct tls_context *tls,
    uint64_t patience_ms);

/* Send what the engine has; call it after anything but the handlers made it
 * produce output. */
void link_flush(struct link *link);

/* When the output is sent, switch to TLS. */
void link_secure(struct link *link, struct tls_context *tls);

/* NULL while the connection is plain, or not up. */
const struct tls_session *link_tls(const struct link *link);

/* Fail in so many ms from now, whatever comes, unless it is set again. */
void link_patience(struct link *link, uint64_t patience_ms);

/* Close; why (borrowed until down(), NULL: all is well) goes to down(). */
void link_finish(struct link *link, const char *why);

#endif
