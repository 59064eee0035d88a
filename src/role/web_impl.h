/* role/web_impl.h - the inside of the web role, for web*.c only.
 *
 *   web.c            the role: connections from the edges, routes, drain
 *   web_metrics.c    what roles count, as text
 *   web_page.c       the page's files
 *
 * (1) A function of the routing table answers its call, now or later, exactly once.
 * (2) Nothing that comes over HTTP is believed, and nothing ends in a 500: what can't be
 *     had now is a 503. */
#ifndef ROLE_WEB_IMPL_H
#define ROLE_WEB_IMPL_H

#include "base/limits.h"
#include "base/list.h"
#include "http/route.h"
#include "os/http.h"
#include "role/frame.h"

/* A connection that an edge handed over. */
struct visit {
	unsigned edge;
	uint64_t number;                /* the edge's */
};

/* What a peer counted, as it said last. */
struct report {
	struct list link;
	enum role_kind kind;
	unsigned index;
	uint64_t values[COUNTERS];      /* those of its kind */
};

struct web {
	struct frame frame;
	struct os *os;
	struct heap *heap;
	struct http_library *library;   /* NULL: `error` says why */
	char error[256];
	struct http_server *http;
	struct os_timer grace;
	struct list reports;
	int64_t start_us;               /* the wall's */
	uint64_t n_requests, n_failed;  /* answered; with 400 or more */
	bool drained;
};

/* One request, towards a function of the table. */
struct http_call {
	struct web *web;
	struct http_request *request;
	struct http_match match;
};

/* web.c */
/* Answer, with security headers. `body` is taken over, and empty afterwards. */
void web_answer(struct web *web, struct http_request *request, unsigned status,
    const char *type, struct buffer *body);
void web_answer_text(struct web *web, struct http_request *request, unsigned status,
    const char *text);
/* All whom mail needs are there and ready, and nobody drains. */
bool web_is_ready(const struct web *web);

/* web_metrics.c */
bool web_on_counters(struct web *web, struct ipc_channel *peer, struct ipc_message *message);
/* That peer is there, and said so since it was ready; a channel alone may lead to one that
 * has not begun yet. */
bool web_hears(const struct web *web, enum role_kind kind, unsigned index);
void web_forget_counters(struct web *web, struct ipc_channel *peer);
void web_metrics(struct http_call *call);

/* web_page.c */
void web_page(struct http_call *call);  /* whatever its address, it is one page */
void web_asset(struct http_call *call); /* /assets/{name} */

#endif
