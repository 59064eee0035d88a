/* os/http.h - HTTP/1.1 (RFC 9110, 9112) on connections that somebody else accepted.
 *
 * libmicrohttpd reads requests and writes answers; nobody but os_uv_http.c sees it. It
 * has no thread and no listener: its descriptors are watched by the role's loop.
 * Real descriptors only: a role of a simulated world can't have a server.
 *
 *   http_server_adopt(fd) -> request() -> http_answer(), now or later -> request() ...
 *        '-> closed()                                                        '-> closed()
 *
 * Limits (base/limits.h): HTTP_CONNECTIONS_MAX connections; HTTP_POOL_SIZE for a
 * request's line and header; HTTP_BODY_MAX for a body, HTTP_BODIES_MAX for all of them
 * (each is held in a buffer that may be twice as large as what is in it, but not above
 * what it may be, until its request is answered); HTTP_LARGE_BODY_MAX and ..._BODIES_MAX for
 * those of which the role takes more; HTTP_PATIENCE_MS, and a second for each
 * HTTP_BYTES_PER_S, to say a request and to take an answer. What passes them, or is no
 * HTTP, gets 400, 413, 414, 431 or 503 here, or a closed connection; no request() comes of
 * it. How long an answer takes is the role's: nothing is heard of a client meanwhile, not
 * even that it went. */
#ifndef OS_HTTP_H
#define OS_HTTP_H

#include "http/target.h"
#include "os/os.h"

struct http_library;
struct http_server;

/* Find and load the library: before os_confine(), since it is a file. On os_heap(os).
 * NULL: *ret_error has a line for people. */
struct http_library *http_library_load(struct os *os, char *ret_error, size_t size);

/* Whole, its body included. All of it is borrowed until it is answered. */
struct http_request {
	slice method;                   /* "GET", as it came */
	bool target_ok;                 /* else `target` is empty: answer 400 */
	struct http_target target;
	slice body;                     /* without its chunks; may be empty */
	uint8_t ip[16];                 /* who asks, as http_server_adopt() was told */
	void *owner;                    /* the role's, NULL at first */
};

struct http_field {
	const char *name;
	slice value;
};

/* Date, Content-Length, Connection and Transfer-Encoding are added. */
struct http_answer {
	unsigned status;                /* 200 to 599 */
	const char *type;               /* Content-Type; NULL: none */
	const struct http_field *fields;
	size_t n_fields;
	slice body;                     /* copied; not sent to HEAD */
	struct buffer *taken;           /* not NULL: the body instead, without a copy; it
	                                 * is empty afterwards. Of os_heap(os) */
};

struct http_handler {
	/* Answer it once, from here or later. */
	void (*request)(struct http_server *server, struct http_request *request);
	/* An adopted connection is over; also when it could not be taken at all. */
	void (*closed)(struct http_server *server, void *client);
	/* Once, after http_server_drain(): no request is under way. May come from within. */
	void (*drained)(struct http_server *server);
	/* How long a body may be, once the header is here; what is over HTTP_LARGE_BODY_MAX
	 * counts as that. NULL: HTTP_BODY_MAX. */
	size_t (*body_max)(struct http_server *server, const struct http_request *request);
	/* It is longer (413), or all of them are (503), and there is no request(). It may answer
	 * before it returns; else the words are ours. May be NULL. */
	void (*refused)(struct http_server *server, struct http_request *request, unsigned status);
};

/* On os_heap(os), and ended with it: what the library holds as well. NULL: no memory or
 * no descriptor. Handlers run on the loop; none when the role ends. */
struct http_server *http_server_create(struct os *os, const struct http_library *library,
    const struct http_handler *handler, void *owner);
void *http_server_owner(const struct http_server *server);

/* Serve a stream that is connected, of whatever kind. Takes fd. `client` is the caller's,
 * for closed(). */
void http_server_adopt(struct http_server *server, int fd, const uint8_t ip[16],
    void *client);
size_t http_server_connections(const struct http_server *server);
/* Bytes of bodies that clients have not yet taken, of answers with `taken`. */
size_t http_server_answers(const struct http_server *server);

/* No connection serves another request from now on; then drained(). */
void http_server_drain(struct http_server *server);

/* The value of a header field, the first if there are several; false: it is not there.
 * Borrowed until the request is answered. Names have no case. */
bool http_header(const struct http_request *request, const char *name, slice *ret_value);

/* The request, and all that was borrowed of it, is gone when this returns. A field with
 * CR, LF or NUL in its value, or of more than HTTP_FIELD_MAX bytes, is left out. */
void http_answer(struct http_request *request, const struct http_answer *answer);

/* ---- another protocol (RFC 9110 s7.8) ---- */

struct http_upgrade;

/* Answer 101 with these fields, Upgrade among them; Connection is added. Then begin() is
 * called once, from the loop: fd is the stream, the caller's, with `unread` bytes that came
 * already (borrowed); -1: the connection was lost before. The server counts it as a
 * connection, with no patience, until http_upgrade_end(), which follows the closing of fd;
 * it does not drain before. */
void http_upgrade(struct http_request *request, const struct http_field *fields, size_t n,
    void (*begin)(void *context, struct http_upgrade *upgrade, int fd, slice unread),
    void *context);
void http_upgrade_end(struct http_upgrade *upgrade);

#endif
