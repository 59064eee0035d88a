/* role/web_list.c - routes of many messages: lists, searches, read marks, deletions. */
#include "api/bodies.h"
#include "role/web_api.h"
#include "role/web_events.h"
#include "role/web_keep.h"
#include "role/web_listing.h"
#include "role/web_walk.h"
#include "search/when.h"

enum { LIMIT_PRESET = 50 };

static void fault(struct web *web, struct http_request *request, const struct api_fault *f)
{
	web_answer_text(web, request, f->status, f->text);
}

/* What is no number counts for nothing, as Mailpit has it. */
static size_t number_of(const struct http_request *request, const char *name, size_t preset)
{
	uint64_t number;
	slice text;

	if (!http_target_get(&request->target, name, &text) ||
	    !slice_to_u64(text, SIZE_MAX / 2, &number))
		return preset;
	return (size_t)number;
}

/* ---- lists and searches ---- */

/* Messages of `before`: a date, or nothing. */
static void take_before(struct web_walk *walk, const struct http_request *request)
{
	slice text;

	if (!http_target_get(&request->target, "before", &text) ||
	    !when_parse(text, web_zone(walk->web, request), &walk->before_us))
		walk->before_us = INT64_MAX;
}

void web_list(struct http_call *call)
{
	struct web_walk *walk = web_walk_new(call->web, call->request, (slice){ 0 });

	walk->start = number_of(call->request, "start", 0);
	walk->limit = number_of(call->request, "limit", LIMIT_PRESET);
	take_before(walk, call->request);
	if (walk->limit == 0) {         /* all of them */
		walk->start = 0;
		walk->limit = SIZE_MAX;
	}
	web_walk_start(walk, web_listing, call->request);
}

/* False: it was refused. */
static bool query_of(struct http_call *call, slice *ret_query)
{
	if (http_target_get(&call->request->target, "query", ret_query) &&
	    slice_trim(*ret_query).len > 0)
		return true;
	web_answer_text(call->web, call->request, 400, "Error: no search query");
	return false;
}

void web_search(struct http_call *call)
{
	struct web_walk *walk;
	slice query;

	if (!query_of(call, &query))
		return;
	walk = web_walk_new(call->web, call->request, query);
	walk->start = number_of(call->request, "start", 0);
	walk->limit = number_of(call->request, "limit", LIMIT_PRESET);
	take_before(walk, call->request);
	web_walk_start(walk, web_listing, call->request);
}

/* ---- read or not ---- */

struct marking {
	struct http_request *request;
	bool read, announced;
};

static void mark(struct web *web, struct web_entry *entry, bool read, bool announced)
{
	if (entry->gone || entry->read == read)
		return;
	index_set_read(web->index, entry, read);
	web_keep(web, entry, KEEP_READ);
	if (announced)
		web_tell_read(web, entry);
}

static void mark_found(struct web_walk *walk)
{
	struct marking *marking = walk->owner;
	struct web *web = walk->web;

	for (size_t i = 0; i < walk->n_kept; i++)
		mark(web, walk->kept[i], marking->read, false);
	if (walk->bad)
		web_answer_text(web, marking->request, 400, "Error: the search is too long");
	else
		web_keep_answer(web, marking->request);
	web_changed(web);
	heap_free(web->heap, marking);
}

static bool is_of_mailbox(const struct http_call *call, const struct web_entry *entry)
{
	uint64_t account;

	return !web_names_account(call->web, call->request, &account) ||
	    entry->account == account;
}

void web_set_read(struct http_call *call)
{
	struct web *web = call->web;
	struct arena arena = arena_init(web->heap, API_BODY_ARENA_MAX);
	struct api_read_body body;
	struct marking *marking;
	struct api_fault f;

	if (!api_read_body(call->request->body, &arena, &body, &f)) {
		fault(web, call->request, &f);
	} else if (body.ids.n > 0) {
		for (size_t i = 0; i < body.ids.n; i++) {
			struct web_entry *entry = index_find_name(web->index, body.ids.texts[i]);

			if (entry != NULL && entry->listed && is_of_mailbox(call, entry))
				mark(web, entry, body.read, true);
		}
		web_changed(web);
		web_keep_answer(web, call->request);
	} else {
		marking = heap_new(web->heap, struct marking);
		marking->request = call->request;
		marking->read = body.read;
		web_walk_start(web_walk_new(web, call->request, body.search), mark_found, marking);
	}
	arena_reset(&arena);
}

/* ---- deletions ---- */

struct deleting {
	struct web *web;
	struct http_request *request;
	bool truncates;
};

static void deleted(void *owner, bool ok)
{
	struct deleting *d = owner;

	if (d->truncates) {
		d->web->truncating = false;
		web_tell_truncated(d->web);
	}
	if (ok)
		web_answer_text(d->web, d->request, 200, "ok");
	else
		web_answer_text(d->web, d->request, 503, "Not all could be deleted now, try again");
	heap_free(d->web->heap, d);
}

static struct deleting *new_deleting(struct web *web, struct http_request *request)
{
	struct deleting *d = heap_new(web->heap, struct deleting);

	d->web = web;
	d->request = request;
	return d;
}

/* Everything, of all mailboxes or of one. */
static void delete_all(struct http_call *call)
{
	struct deleting *d = new_deleting(call->web, call->request);
	uint64_t account = 0;

	if (web_names_account(call->web, call->request, &account) && account == 0) {
		deleted(d, true);
		return;
	}
	d->truncates = call->web->truncating = account == 0;
	web_expunge(call->web, NULL, 0, true, account, deleted, d);
}

static void delete_those(struct web *web, struct http_request *request,
    struct web_entry *const *entries, size_t n)
{
	for (size_t i = 0; i < n && n <= WEB_TOLD_SINGLY; i++)
		entries[i]->asked_away = true;
	web_expunge(web, entries, n, false, 0, deleted, new_deleting(web, request));
}

static void delete_named(struct http_call *call, const struct api_texts *ids)
{
	struct web *web = call->web;
	struct web_entry **entries = heap_alloc(web->heap, ids->n * sizeof *entries);
	size_t n = 0;

	for (size_t i = 0; i < ids->n; i++) {
		struct web_entry *entry = index_find_name(web->index, ids->texts[i]);

		if (entry != NULL && entry->listed && is_of_mailbox(call, entry))
			entries[n++] = entry;
	}
	delete_those(web, call->request, entries, n);
	heap_free(web->heap, entries);
}

void web_delete(struct http_call *call)
{
	struct arena arena = arena_init(call->web->heap, API_BODY_ARENA_MAX);
	struct api_texts ids;
	struct api_fault f;

	if (!api_ids_body(call->request->body, &arena, &ids, &f))
		fault(call->web, call->request, &f);
	else if (ids.n == 0)
		delete_all(call);
	else
		delete_named(call, &ids);
	arena_reset(&arena);
}

static void delete_found(struct web_walk *walk)
{
	struct http_request *request = walk->owner;

	if (walk->bad)
		web_answer_text(walk->web, request, 400, "Error: the search is too long");
	else
		delete_those(walk->web, request, walk->kept, walk->n_kept);
}

void web_delete_found(struct http_call *call)
{
	slice query;

	if (!query_of(call, &query))
		return;
	web_walk_start(web_walk_new(call->web, call->request, query), delete_found,
	    call->request);
}
