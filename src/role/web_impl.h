/* role/web_impl.h - the inside of the web role, for web*.c only.
 *
 *   web.c            the role: connections from the edges, routes, drain
 *   web_guard.c      who may ask: by which name, from which page, with which password
 *   web_gzip.c       answers made smaller
 *   web_metrics.c    what roles count, as text
 *   web_page.c       the page's files
 *   web_watch.c      a mock's messages, as stores tell of them -> web_index.h
 *   web_fetch.c      the same: read, expunged
 *   web_keep.c       the same: marked and tagged
 *   web_gist.c       the same: taken apart for the index, on the pool
 *   web_journey.c    what roles wrote down of one
 *   web_walk.c       through the index: pages, searches
 *   web_list.c       routes of many messages
 *   web_listing.c    a list of many messages, written by turns
 *   web_message.c    routes of one
 *   web_reading.c    a message taken apart for them
 *   web_thumb.c      a picture made small
 *   web_zone.c       time zones
 *   web_send.c       a route that sends one
 *   web_tagged.c     routes of tags
 *   web_about.c      routes about the mock itself
 *   web_settle.c     requests wait for what came before them
 *   web_wait.c       a request that waits for a message
 *   web_events.c     who listens to what happens (WebSocket)
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
#include "api/summary.h"
#include "role/frame.h"
#include "role/web_index.h"

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

/* A mailbox of a mock. */
struct web_mailbox {
	struct web_mailbox *next;
	uint64_t account;
	slice name;                     /* as people log in */
	uint64_t n, n_unread;           /* while somebody counts */
};

/* A message on its way from its store. */
struct web_fetch {
	struct list link;               /* web->feed while it waits; web->read, web_gist.c */
	uint64_t number;                /* in web->fetches, once it was asked for */
	struct web *web;
	struct web_entry *entry;        /* held */
	struct buffer raw;              /* at most WEB_RAW_MAX of it */
	bool feeds;                     /* for the index: */
	struct list order;              /* web->feeds */
	uint64_t serial;                /* counts up */
	/* Once. `raw` is the fetch's, which is freed afterwards; one that feeds, by web_fed(). */
	void (*done)(struct web_fetch *fetch, bool ok);
	void *owner;
};

/* What people did and stores have not on disk, web_keep.c. */
struct web_keep {
	struct web_entry **now, **later;        /* held */
	size_t n_now, n_later, capacity;        /* of later */
	size_t at, run;                 /* now[at] ... now[run - 1] are told, those before are kept */
	uint64_t round;
	uint64_t number;                /* of the message that is under way; 0: none */
	bool failed;                    /* something of the round was not kept */
	bool paused;                    /* until the disk, or a store, may be back */
	struct os_defer more;
	struct os_timer retry;
	struct list waits;              /* struct waiting */
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
	struct web_guard *guard;
	size_t n_packing;               /* answers, web_gzip.c */
	bool http_over, drained;

	/* In a mock. */
	struct web_index *index;        /* NULL: this is none */
	struct charsets *charsets;
	struct web_zone *local, *asked; /* web_zone.c */
	struct web_mailbox *mailboxes;  /* sorted by name */
	struct table accounts;          /* the same, by account */
	bool listed[STORES_MAX];        /* that store has told all that was there */
	bool ready;                     /* they all had, once */
	struct table fetches;           /* by number */
	struct list feed;               /* struct web_fetch: new messages, not yet asked for */
	struct list feeds;              /* those and the ones under way, in their order */
	uint64_t feed_last;             /* serial of the last */
	struct list settling;           /* requests, web_settle.c */
	size_t n_feeding, feeding_bytes;        /* those that were asked for and are not listed */
	bool feeding;
	struct list read;               /* struct web_fetch: those that no gatherer has yet */
	struct list gatherers;          /* struct web_gatherer: at work, in their order */
	struct os_defer gather_defer;
	struct os_timer calm;
	struct list idle;               /* others */
	uint64_t number_last;           /* of fetches and expunges */
	struct list expunges;           /* struct web_expunge */
	struct web_keep keep;
	bool truncating;                /* one of all messages is under way */
	struct list journeys;           /* struct web_journey */
	struct list walks;              /* struct web_walk */
	struct list waits;              /* struct web_wait */
	size_t n_waits;
	struct list listings;           /* web_listing.c: the first is being written */
	size_t n_listings;
	struct list thumbs;             /* web_thumb.c: the first is being made */
	size_t n_thumbs;
	struct list sendings;           /* web_send.c: the first is being made */
	struct list readings;           /* web_reading.c: the first is under way */
	size_t reading_bytes;           /* of all messages that are asked for */
	struct list listeners;          /* struct web_listener */
	size_t n_listeners;
	struct os_timer ping, stats;
	struct os_defer prune;
	bool stats_due, stats_soon;
	uint64_t n_deleted;
};

/* One request, towards a function of the table. */
struct http_call {
	struct web *web;
	struct http_request *request;
	struct http_match match;
};

/* web.c */
/* What its path and method say, once somebody may ask. */
void web_dispatch(struct http_call *call);
/* Answer, with security headers and, where a page of another origin may ask, those of CORS.
 * `body` is taken over, and empty afterwards. */
void web_answer(struct web *web, struct http_request *request, unsigned status,
    const char *type, struct buffer *body);
void web_answer_text(struct web *web, struct http_request *request, unsigned status,
    const char *text);
/* The same with up to four fields of one's own, which are borrowed; policy: what a browser
 * may do with it, another than ours (Content-Security-Policy), or NULL. */
void web_answer_as(struct web *web, struct http_request *request, struct http_answer *answer,
    const char *policy);
/* All whom mail needs are there and ready, and nobody drains. */
bool web_is_ready(const struct web *web);
/* While it drains: is all that it had to do done? */
void web_drain_check(struct web *web);

/* web_guard.c: web_dispatch() now or later, or an answer that says why not. */
void web_guard_init(struct web *web);
void web_guard(struct http_call *call);
/* Of a page of another origin, which may not ask? */
bool web_is_foreign(const struct web *web, const struct http_request *request);
/* "/", or the path that all others are below, "/mail/". */
slice web_root(const struct web *web);

/* web_gzip.c: http_answer(), smaller when that pays and the client takes it. */
void web_gzip_answer(struct web *web, struct http_request *request,
    const struct http_answer *answer);

/* web_metrics.c */
bool web_on_counters(struct web *web, struct ipc_channel *peer, struct ipc_message *message);
/* That peer is there, and said so since it was ready; a channel alone may lead to one that
 * has not begun yet. */
bool web_hears(const struct web *web, enum role_kind kind, unsigned index);
void web_forget_counters(struct web *web, struct ipc_channel *peer);
void web_metrics(struct http_call *call);
/* The sum of what roles count. */
uint64_t web_counter(const struct web *web, enum counter counter);

/* web_watch.c: what stores and the directory tell of a mock */
bool web_watch_start(struct web *web);          /* false: *web->error */
void web_watch_joined(struct web *web, struct ipc_channel *peer);
void web_watch_left(struct web *web, struct ipc_channel *peer);
/* False: it broke the protocol. */
bool web_watch_message(struct web *web, struct ipc_channel *peer, struct ipc_message *message);
/* Does the index have all that there is? */
bool web_knows_all(const struct web *web);
struct web_mailbox *web_mailbox_of(const struct web *web, uint64_t account);    /* or NULL */
struct web_mailbox *web_mailbox_named(const struct web *web, slice name);
slice web_mailbox_name(const struct web *web, uint64_t account);
/* What the index says of a message; texts are of the arena (API_SUMMARY_ARENA_MAX) or borrowed
 * from the index until its next call. */
void web_summary(struct web *web, struct web_entry *entry, struct arena *arena,
    struct api_summary *ret);

/* web_fetch.c */
void web_fetch_init(struct web *web);
/* Have a message read; `done` comes later, or before it returns. */
void web_fetch(struct web *web, struct web_entry *entry,
    void (*done)(struct web_fetch *fetch, bool ok), void *owner);
/* For the index, in turn; `done` sees to it that web_fed() follows, maybe later. */
void web_feed(struct web *web, struct web_entry *entry,
    void (*done)(struct web_fetch *fetch, bool ok));
void web_fed(struct web_fetch *fetch);
bool web_fetch_body(struct web *web, struct ipc_channel *store, struct ipc_message *message);
void web_fetch_left(struct web *web, unsigned store);
/* Have them expunged, in any order; account 0 with n 0: all there are. `done` once. */
void web_expunge(struct web *web, struct web_entry *const *entries, size_t n, bool all,
    uint64_t account, void (*done)(void *owner, bool ok), void *owner);
bool web_expunged(struct web *web, struct ipc_channel *store, struct ipc_message *message);

/* web_about.c */
enum { WEB_HOSTS_MAX = 8 };
/* A host of a lab and its page. */
struct web_host {
	slice name, address;            /* "bob.example", "127.0.0.2:8025" */
	bool here;
};
/* As lab.hosts names them; returns how many. */
size_t web_lab_hosts(const struct web *web, struct web_host ret_hosts[WEB_HOSTS_MAX]);

/* web_zone.c: the zone in which a request means dates that say none: that of `tz`, or the
 * server's. Until the next call. */
void web_zone_init(struct web *web);
const struct when_zone *web_zone(struct web *web, const struct http_request *request);

/* web_page.c */
void web_page(struct http_call *call);  /* whatever its address, it is one page */
void web_asset(struct http_call *call); /* /assets/{name} */

#endif
