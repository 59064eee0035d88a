/* role/web_listing.c - lists of messages, written by turns.
 *
 *   walk -> (waiting) -> writing, WEB_WALK_US a turn -> answered
 *
 * (1) What is deleted while a list is written is left out of it; "count" counts it. */
#include "role/web_listing.h"

#include "api/list.h"
#include "base/check.h"

struct listing {
	struct list link;               /* web->listings; the first is being written */
	struct web *web;
	struct http_request *request;
	struct web_entry **entries;     /* held */
	size_t n, next;
	struct api_list_head head;
	struct arena arena;             /* of the head */
	struct buffer out;
	struct api_json json;
	struct os_timer timer;
};

static void take_tags(struct listing *l)
{
	size_t n = 0;
	slice *tags;

	for (const struct web_tag *tag = l->web->index->tags; tag != NULL; tag = tag->next)
		n++;
	tags = arena_new(&l->arena, slice, n + 1);
	n = 0;
	for (const struct web_tag *tag = l->web->index->tags; tag != NULL; tag = tag->next)
		tags[n++] = web_tag_name(tag);
	l->head.tags = tags;
	l->head.n_tags = n;
}

static void begin(struct listing *l)
{
	take_tags(l);
	l->json = api_json_begin(&l->out);
	api_list_begin(&l->json, &l->head);
}

/* False: there is more, in another turn. */
static bool write_some(struct listing *l)
{
	struct arena arena = arena_init(l->web->heap, API_SUMMARY_ARENA_MAX);
	uint64_t until_us = os_now_us(l->web->os) + WEB_WALK_US;

	for (size_t n = 1; l->next < l->n && !l->json.full; n++) {
		struct web_entry *entry = l->entries[l->next++];
		struct api_summary summary;

		if (!entry->gone) {
			web_summary(l->web, entry, &arena, &summary);
			api_list_add(&l->json, &summary);
			arena_reset(&arena);
		}
		if (n % WEB_WALK_LOOK == 0 && os_now_us(l->web->os) >= until_us)
			break;
	}
	return l->next == l->n || l->json.full;
}

static void finish(struct listing *l)
{
	if (api_list_end(&l->json))
		web_answer(l->web, l->request, 200, "application/json", &l->out);
	else
		web_answer_text(l->web, l->request, 413,
		    "These are too many messages: name a limit");
}

static void drop(struct listing *l)
{
	struct web *web = l->web;

	for (size_t i = 0; i < l->n; i++)
		index_release(web->index, l->entries[i]);
	heap_free(web->heap, l->entries);
	buffer_free(&l->out);
	arena_reset(&l->arena);
	heap_free(web->heap, l);
}

static void on_timer(struct os_timer *timer)
{
	struct listing *l = timer->owner;
	struct web *web = l->web;

	if (l->next == 0)
		begin(l);
	if (!write_some(l)) {
		os_timer_start(web->os, timer, 0);
		return;
	}
	finish(l);
	list_remove(&l->link);
	web->n_listings--;
	drop(l);
	if (!list_empty(&web->listings))
		os_timer_start(web->os, &list_item(web->listings.next, struct listing,
		    link)->timer, 0);
}

/* Among the long ones. */
static void queue(struct listing *l)
{
	struct web *web = l->web;

	if (web->n_listings >= WEB_LISTINGS_WAITING ||
	    http_server_answers(web->http) > HTTP_ANSWERS_MAX) {
		web_answer_text(web, l->request, 503, "Too many long lists, try again later");
		drop(l);
		return;
	}
	list_append(&web->listings, &l->link);
	if (web->n_listings++ == 0)
		os_timer_start(web->os, &l->timer, 0);
}

void web_listing(struct web_walk *walk)
{
	struct web *web = walk->web;
	struct listing *l;

	if (walk->bad) {
		web_answer_text(web, walk->owner, 400, "Error: the search is too long");
		return;
	}
	l = heap_new(web->heap, struct listing);
	*l = (struct listing){ .web = web, .request = walk->owner, .entries = walk->kept,
	    .n = walk->n_kept, .arena = arena_init(web->heap, WEB_TAGS_ARENA_MAX),
	    .out = buffer_init(web->heap, WEB_ANSWER_MAX),
	    .timer = { .fire = on_timer, .owner = l } };
	l->head = (struct api_list_head){ .total = walk->total, .unread = walk->unread,
	    .matches = walk->found, .matches_unread = walk->found_unread,
	    .start = walk->start, .count = walk->n_kept };
	walk->kept = NULL;
	walk->n_kept = walk->capacity = 0;
	if (l->n > WEB_LISTING_LONG) {
		queue(l);
		return;
	}
	begin(l);
	while (!write_some(l))
		;
	finish(l);
	drop(l);
}

void web_listing_init(struct web *web)
{
	list_init(&web->listings);
}
