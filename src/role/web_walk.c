/* role/web_walk.c - a walk through the index, some messages a turn.
 *
 * (1) Its place is a time and a serial number: what comes and goes meanwhile moves nothing. */
#include "role/web_walk.h"

#include <string.h>

#include "base/check.h"


bool web_names_mailbox(const struct http_request *request, slice *ret_name)
{
	return http_target_get(&request->target, "mailbox", ret_name) ||
	    http_header(request, "X-Posthouse-Mailbox", ret_name);
}

bool web_names_account(const struct web *web, const struct http_request *request,
    uint64_t *ret_account)
{
	const struct web_mailbox *mailbox;
	slice name;

	if (!web_names_mailbox(request, &name))
		return false;
	mailbox = web_mailbox_named(web, name);
	*ret_account = mailbox != NULL ? mailbox->account : 0;
	return true;
}

/* Then its fields need not be read. */
static bool is_of_words(const struct search_query *query)
{
	for (size_t i = 0; i < query->n; i++) {
		if (query->terms[i].key != SEARCH_WORDS)
			return false;
	}
	return true;
}

bool web_matches(struct web *web, const struct web_entry *entry,
    const struct search_query *query)
{
	struct search_message message = { 0 };
	slice tags[API_TAGS_MAX];

	if (query->n == 0)
		return true;
	if (is_of_words(query))
		return search_matches_words(query, index_words(web->index, entry));
	if (!api_summary_search(index_head(web->index, entry), tags, &message))
		return false;
	for (size_t i = 0; i < entry->n_tags; i++)
		tags[i] = web_tag_name(entry->tags[i]);
	message.n_tags = entry->n_tags;
	message.tags = tags;
	message.read = entry->read;
	if (!search_matches(query, &message))
		return false;
	return !query->words || search_matches_words(query, index_words(web->index, entry));
}

static void keep(struct web_walk *walk, struct web_entry *entry)
{
	if (walk->n_kept == walk->capacity) {
		walk->capacity = walk->capacity == 0 ? 64 : walk->capacity * 2;
		walk->kept = heap_resize(walk->web->heap, walk->kept,
		    walk->capacity * sizeof *walk->kept);
	}
	index_hold(entry);
	walk->kept[walk->n_kept++] = entry;
}

static void look(struct web_walk *walk, struct web_entry *entry)
{
	uint64_t place;

	if (walk->one_mailbox && entry->account != walk->account)
		return;
	walk->total++;
	walk->unread += !entry->read;
	if (entry->received_us >= walk->before_us || !web_matches(walk->web, entry, &walk->query))
		return;
	place = walk->found++;
	walk->found_unread += !entry->read;
	if (place >= walk->start && place - walk->start < walk->limit)
		keep(walk, entry);
}

static void finish(struct web_walk *walk)
{
	struct web *web = walk->web;

	list_remove(&walk->link);
	os_timer_stop(web->os, &walk->timer);
	walk->done(walk);
	for (size_t i = 0; i < walk->n_kept; i++)
		index_release(web->index, walk->kept[i]);
	heap_free(web->heap, walk->kept);
	arena_reset(&walk->arena);
	heap_free(web->heap, walk);
}

/* Entries lie all over the heap: what comes soon is on its way from memory meanwhile. */
static void look_ahead(const struct web_index *index, size_t i)
{
	const char *entry;

	if (i + WEB_WALK_AHEAD >= index->n_listed)
		return;
	entry = (const char *)index_at(index, i + WEB_WALK_AHEAD);
	for (size_t at = 0; at < sizeof(struct web_entry); at += 64)
		__builtin_prefetch(entry + at);
}

/* False: there is more, in another turn. */
static bool walk_on(struct web_walk *walk)
{
	struct web_index *index = walk->web->index;
	uint64_t until_us = os_now_us(walk->web->os) + WEB_WALK_US;
	size_t i = index_rank_below(index, walk->at_us, walk->at_serial);

	for (size_t n = 1; i < index->n_listed; i++, n++) {
		struct web_entry *entry = index_at(index, i);

		look_ahead(index, i);
		look(walk, entry);
		if (walk->first_only && walk->found > 0)
			return true;
		walk->at_us = entry->received_us;
		walk->at_serial = entry->serial;
		if (n % WEB_WALK_LOOK == 0 && os_now_us(walk->web->os) >= until_us)
			return false;
	}
	return true;
}

static void step(struct web_walk *walk)
{
	if (walk_on(walk))
		finish(walk);
	else
		os_timer_start(walk->web->os, &walk->timer, 0);
}

static void on_timer(struct os_timer *timer)
{
	step(timer->owner);
}

/* All of it, or a page without a question: nothing has to be looked at. */
static bool is_plain(const struct web_walk *walk)
{
	return walk->query.n == 0 && !walk->one_mailbox && walk->before_us == INT64_MAX;
}

static void take_page(struct web_walk *walk)
{
	const struct web_index *index = walk->web->index;

	walk->total = walk->found = index->n_listed;
	walk->unread = walk->found_unread = index->n_unread;
	for (size_t i = walk->start; i < index->n_listed && walk->n_kept < walk->limit; i++)
		keep(walk, index_at(index, i));
}

struct web_walk *web_walk_new(struct web *web, const struct http_request *request, slice query)
{
	struct web_walk *walk = heap_new(web->heap, struct web_walk);

	walk->web = web;
	walk->arena = arena_init(web->heap, WEB_QUERY_ARENA_MAX);
	walk->before_us = INT64_MAX;
	walk->limit = SIZE_MAX;
	walk->timer = (struct os_timer){ .fire = on_timer, .owner = walk };
	walk->at_us = INT64_MAX;
	walk->at_serial = UINT64_MAX;
	walk->one_mailbox = web_names_account(web, request, &walk->account);
	walk->bad = !search_parse(query, web_zone(web, request), &walk->arena, &walk->query);
	list_append(&web->walks, &walk->link);
	return walk;
}

void web_walk_start(struct web_walk *walk, void (*done)(struct web_walk *walk), void *owner)
{
	walk->done = done;
	walk->owner = owner;
	if (walk->bad) {
		finish(walk);
	} else if (is_plain(walk)) {
		take_page(walk);
		finish(walk);
	} else {
		step(walk);
	}
}

void web_walk_init(struct web *web)
{
	list_init(&web->walks);
}
