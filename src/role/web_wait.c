/* role/web_wait.c - requests that wait for a message.
 *
 *   walk through what is there --found--> answered
 *        '-> each new one is looked at, until one matches or time is up
 *
 * (1) With `count` that is so many: those that the walk found, and each that came since. */
#include "role/web_wait.h"

#include "api/list.h"
#include "api/posthouse.h"
#include "role/web_walk.h"

struct web_wait {
	struct list link;               /* web->waits */
	struct web *web;
	struct http_request *request;
	struct arena arena;
	struct search_query query;
	bool one_mailbox;
	slice mailbox;                  /* which may not be there yet */
	uint64_t left;                  /* so many are still wanted */
	bool looking;                   /* the walk is under way */
	struct web_entry *came;         /* meanwhile; held */
	struct os_timer timer;
	bool late;                      /* time was up during the walk */
};

static void over(struct web_wait *w)
{
	struct web *web = w->web;

	os_timer_stop(web->os, &w->timer);
	if (w->came != NULL)
		index_release(web->index, w->came);
	arena_reset(&w->arena);
	list_remove(&w->link);
	web->n_waits--;
	heap_free(web->heap, w);
}

static void found(struct web_wait *w, struct web_entry *entry)
{
	struct web *web = w->web;
	struct arena arena = arena_init(web->heap, API_SUMMARY_ARENA_MAX);
	struct buffer out = buffer_init(web->heap, API_SUMMARY_JSON_MAX + 2);
	struct api_json j = api_json_begin(&out);
	struct api_summary summary;

	web_summary(web, entry, &arena, &summary);
	api_summary_json(&j, NULL, &summary);
	if (api_json_end(&j, true))
		web_answer(web, w->request, 200, "application/json", &out);
	else
		web_answer_text(web, w->request, 413, "The message is too large to be shown so");
	buffer_free(&out);
	arena_reset(&arena);
	over(w);
}

static void time_is_up(struct web_wait *w)
{
	web_answer_text(w->web, w->request, 404, "Message not found");
	over(w);
}

static void on_timer(struct os_timer *timer)
{
	struct web_wait *w = timer->owner;

	if (w->looking)
		w->late = true;
	else
		time_is_up(w);
}

static bool is_of_mailbox(const struct web_wait *w, const struct web_entry *entry)
{
	const struct web_mailbox *m;

	if (!w->one_mailbox)
		return true;
	m = web_mailbox_named(w->web, w->mailbox);
	return m != NULL && m->account == entry->account;
}

void web_waits_see(struct web *web, struct web_entry *entry)
{
	list_for (at, &web->waits) {
		struct web_wait *w = list_item(at, struct web_wait, link);

		if (!is_of_mailbox(w, entry) || !web_matches(web, entry, &w->query))
			continue;
		w->left -= w->left > 0;
		if (!w->looking && w->left == 0) {
			found(w, entry);
		} else if (w->looking && w->came == NULL) {
			w->came = entry;
			index_hold(entry);
		}
	}
}

static void on_walked(struct web_walk *walk)
{
	struct web_wait *w = walk->owner;

	w->looking = false;
	w->left -= walk->found < w->left ? walk->found : w->left;
	if (w->left == 0)
		found(w, w->came != NULL ? w->came : walk->kept[0]);
	else if (w->late)
		time_is_up(w);
}

void web_wait(struct http_call *call)
{
	struct web *web = call->web;
	slice query = { 0 }, timeout = slice_lit("30s"), number = slice_lit("1");
	struct web_walk *walk;
	struct web_wait *w;
	uint64_t ms, count;

	http_target_get(&call->request->target, "query", &query);
	http_target_get(&call->request->target, "count", &number);
	http_target_get(&call->request->target, "timeout", &timeout);
	if (!api_wait_read(timeout, &ms)) {
		web_answer_text(web, call->request, 400, "timeout wants a time: 30s, 500ms or 2m");
		return;
	}
	if (ms > WEB_WAIT_MAX_MS)
		ms = WEB_WAIT_MAX_MS;
	if (!slice_to_u64(number, ACCOUNT_MESSAGES_MAX, &count) || count == 0) {
		web_answer_text(web, call->request, 400, "count wants a number of messages");
		return;
	}
	if (web->n_waits >= WEB_WAITS_MAX) {
		web_answer_text(web, call->request, 503, "Too many wait already, try again later");
		return;
	}
	w = heap_new(web->heap, struct web_wait);
	*w = (struct web_wait){ .web = web, .request = call->request, .looking = true,
	    .left = count,
	    .arena = arena_init(web->heap, WEB_QUERY_ARENA_MAX),
	    .timer = { .fire = on_timer, .owner = w } };
	list_append(&web->waits, &w->link);
	web->n_waits++;
	w->one_mailbox = web_names_mailbox(call->request, &w->mailbox);
	if (!search_parse(query, web_zone(web, call->request), &w->arena, &w->query)) {
		web_answer_text(web, call->request, 400, "Error: the search is too long");
		over(w);
		return;
	}
	walk = web_walk_new(web, call->request, query);
	walk->limit = 1;
	walk->first_only = count == 1;
	os_timer_start(web->os, &w->timer, ms);
	web_walk_start(walk, on_walked, w);
}

void web_waits_end(struct web *web)
{
	list_for (at, &web->waits) {
		struct web_wait *w = list_item(at, struct web_wait, link);

		w->late = true;
		if (!w->looking)
			time_is_up(w);
	}
}

void web_wait_init(struct web *web)
{
	list_init(&web->waits);
}
