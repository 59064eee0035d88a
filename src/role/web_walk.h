/* role/web_walk.h - a walk through the index, from the newest message on: a page of it, all
 * that a search finds, or the first of that.
 *
 * A long one goes on in later turns. Messages that come meanwhile are not seen, those that
 * go may have been counted. */
#ifndef ROLE_WEB_WALK_H
#define ROLE_WEB_WALK_H

#include "role/web_impl.h"
#include "search/query.h"

struct web_walk {
	struct list link;               /* web->walks */
	struct web *web;
	struct arena arena;             /* of the query; and for who has the walk */
	struct search_query query;
	bool one_mailbox;               /* only that account's; 0: of none */
	uint64_t account;
	int64_t before_us;              /* only what is older */
	size_t start, limit;            /* of what is found, these are kept; SIZE_MAX: no limit */
	bool first_only;                /* end with the first */
	struct os_timer timer;          /* goes on */
	int64_t at_us;                  /* below this one */
	uint64_t at_serial;

	uint64_t total, unread;         /* of the mailbox */
	uint64_t found, found_unread;
	struct web_entry **kept;        /* held */
	size_t n_kept, capacity;
	bool bad;                       /* what was asked for makes no sense */

	void (*done)(struct web_walk *walk);
	void *owner;
};

void web_walk_init(struct web *web);

/* A walk through all messages of the mailbox that the request names, of none that matches
 * `query`; web_walk_start() follows. */
struct web_walk *web_walk_new(struct web *web, const struct http_request *request, slice query);
/* done() comes once, maybe from within; the walk is freed behind it. */
void web_walk_start(struct web_walk *walk, void (*done)(struct web_walk *walk), void *owner);

/* The mailbox that a request names, in a parameter or a field; borrowed. False: none. */
bool web_names_mailbox(const struct http_request *request, slice *ret_name);
/* The same as an account, 0 for a mailbox that there is not. */
bool web_names_account(const struct web *web, const struct http_request *request,
    uint64_t *ret_account);
/* Does a listed message match? */
bool web_matches(struct web *web, const struct web_entry *entry,
    const struct search_query *query);

#endif
