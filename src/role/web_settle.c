/* role/web_settle.c - a request waits until what was answered 250 before it is listed.
 *
 *   request -> SETTLE to the router -> SETTLED -> what stores told by then is listed -> route
 *
 * A test that sends a message and asks for it at once finds it, as with a server that
 * stores it before the reply. Nobody waits for longer than WEB_SETTLE_MS. */
#include "role/web_settle.h"

struct settling {
	struct list link;               /* web->settling, oldest first */
	struct http_call call;
	uint64_t number;
	bool settled;                   /* now for what is being read: */
	uint64_t feed;                  /* the last of these */
	struct os_timer timer;
};

static void go_on(struct settling *s)
{
	struct http_call call = s->call;

	list_remove(&s->link);
	os_timer_stop(call.web->os, &s->timer);
	heap_free(call.web->heap, s);
	if (web_knows_all(call.web))
		call.match.route->answer(&call);
	else
		web_answer_text(call.web, call.request, 503, WEB_AWAY);
}

static void on_timer(struct os_timer *timer)
{
	go_on(timer->owner);
}

void web_settle(struct http_call *call)
{
	struct web *web = call->web;
	struct ipc_channel *router = frame_peer(&web->frame, ROLE_ROUTER, 0);
	struct settling *s;

	if (router == NULL) {
		call->match.route->answer(call);
		return;
	}
	s = heap_new(web->heap, struct settling);
	*s = (struct settling){ .call = *call, .number = ++web->number_last,
	    .timer = { .fire = on_timer, .owner = s } };
	list_append(&web->settling, &s->link);
	put_u64(ipc_begin(router, IPC_SETTLE), s->number);
	ipc_end(router, -1);
	os_timer_start(web->os, &s->timer, WEB_SETTLE_MS);
}

static bool is_listed(const struct web *web, uint64_t feed)
{
	return list_empty(&web->feeds) ||
	    list_item(web->feeds.next, struct web_fetch, order)->serial > feed;
}

void web_settle_check(struct web *web)
{
	list_for (at, &web->settling) {
		struct settling *s = list_item(at, struct settling, link);

		if (s->settled && is_listed(web, s->feed))
			go_on(s);
	}
}

bool web_settled(struct web *web, struct ipc_message *message)
{
	uint64_t number = get_u64(&message->body);

	if (!bytes_end(&message->body))
		return false;
	list_for (at, &web->settling) {
		struct settling *s = list_item(at, struct settling, link);

		if (s->number != number)
			continue;
		s->settled = true;
		s->feed = web->feed_last;
	}
	web_settle_check(web);
	return true;
}

void web_settle_init(struct web *web)
{
	list_init(&web->settling);
}
