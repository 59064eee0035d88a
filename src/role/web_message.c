/* role/web_message.c - routes of one message: found, read from its store, shown.
 *
 *   a route -> its message (latest: a walk) -> its journey (web_journey.c), where the route
 *     wants that -> its bytes (web_fetch.c) -> taken apart (web_reading.c) -> show() -> answer */
#include <stdio.h>
#include <string.h>

#include "api/journey.h"
#include "api/message.h"
#include "api/posthouse.h"
#include "role/web_api.h"
#include "role/web_events.h"
#include "role/web_journey.h"
#include "role/web_keep.h"
#include "role/web_reading.h"
#include "role/web_thumb.h"
#include "role/web_walk.h"

/* What comes from strangers runs nothing, has no origin and loads nothing. */
#define OF_STRANGERS "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
static const char policy_part[] = OF_STRANGERS "style-src 'unsafe-inline'; img-src data:";

/* A call on its way to one message. */
struct asking {
	struct web *web;
	struct http_request *request;
	struct web_entry *entry;        /* held, once it is found */
	slice part, id;                 /* of the request */
	const char *unknown;            /* what a 404 says */
	void (*show)(struct asking *a, const struct web_mail *mail, slice raw);
	void (*tell)(struct asking *a, const struct api_journey *journey);
	bool reads;                     /* who sees it has read it */
	bool wants_journey;
	struct web_journey *journey;
	size_t size;                    /* of web->reading_bytes */
	slice made;                     /* of its reading */
};

static void show_thumb(struct asking *a, const struct web_mail *mail, slice raw);

static void over(struct asking *a)
{
	if (a->entry != NULL)
		index_release(a->web->index, a->entry);
	web_journey_free(a->journey);
	a->web->reading_bytes -= a->size;
	heap_free(a->web->heap, a);
}

static void unknown(struct asking *a)
{
	/* Of a thumbnail Mailpit says it so. */
	web_answer_text(a->web, a->request, a->show == show_thumb ? 400 : 404, a->unknown);
	over(a);
}

static bool make_message(const struct web_reading *r, struct buffer *out)
{
	return api_message_json(&r->mail.mail, &r->mail.facts, &r->tags, out);
}

static void show_message(struct asking *a, const struct web_mail *mail, slice raw);

static void on_read(struct web_reading *r)
{
	struct asking *a = r->owner;

	a->made = buffer_bytes(&r->made);
	a->show(a, &r->mail, r->raw);
	over(a);
}

static void on_fetched(struct web_fetch *fetch, bool ok)
{
	struct asking *a = fetch->owner;
	struct web *web = a->web;

	if (!ok && a->entry->gone) {
		unknown(a);
		return;
	}
	if (!ok) {
		web_answer_text(web, a->request, 503, "The message can't be read now, try again");
		over(a);
		return;
	}
	if (a->reads && !a->entry->gone && !a->entry->read) {
		index_set_read(web->index, a->entry, true);
		web_keep(web, a->entry, KEEP_READ);
		web_tell_read(web, a->entry);
		web_changed(web);
	}
	web_read(web, a->entry, &fetch->raw, a->show == show_message ? make_message : NULL,
	    on_read, a);
}

/* What many ask for at once is held for each. */
static bool has_room(const struct web *web, const struct web_entry *entry)
{
	return entry->size <= WEB_FEED_BYTES || web->reading_bytes +
	    http_server_answers(web->http) + entry->size <= HTTP_ANSWERS_MAX;
}

/* hosts: places for the names of our own and of others. */
static struct api_journey journey_of(const struct asking *a, slice *hosts,
    char name[WEB_NAME_TEXT], char id[MESSAGE_ID_TEXT])
{
	struct api_journey journey = { .hosts = hosts };

	journey.n_hosts = web_journey_hosts(a->web, hosts);
	journey.name = slice_of(name, web_entry_name(a->entry, name));
	journey.id = slice_of(id, message_id_print(a->entry->id, id));
	journey.found = journey_search_found(a->journey->search, &journey.n);
	journey.followed = journey_search_followed(a->journey->search);
	return journey;
}

static void on_journey(struct web_journey *j)
{
	struct asking *a = j->owner;
	char name[WEB_NAME_TEXT], id[MESSAGE_ID_TEXT];
	slice hosts[JOURNEY_FOLDERS_MAX];
	struct api_journey journey;

	if (a->tell == NULL) {
		web_fetch(a->web, a->entry, on_fetched, a);
		return;
	}
	journey = journey_of(a, hosts, name, id);
	a->tell(a, &journey);
	over(a);
}

static void fetch(struct asking *a, struct web_entry *entry)
{
	if (!has_room(a->web, entry)) {
		web_answer_text(a->web, a->request, 503, "Too much is being read, try again");
		over(a);
		return;
	}
	a->size = (size_t)entry->size;
	a->web->reading_bytes += a->size;
	a->entry = entry;
	index_hold(entry);
	if (!a->wants_journey) {
		web_fetch(a->web, entry, on_fetched, a);
		return;
	}
	a->journey = web_journey_read(a->web, entry, on_journey, a);
	if (a->journey == NULL) {
		web_answer_text(a->web, a->request, 503, "Too many ask for journeys, try again");
		over(a);
	}
}

static void on_latest(struct web_walk *walk)
{
	struct asking *a = walk->owner;

	if (walk->n_kept > 0)
		fetch(a, walk->kept[0]);
	else
		unknown(a);
}

static void find_latest(struct asking *a)
{
	slice query = { 0 };
	struct web_walk *walk;

	http_target_get(&a->request->target, "query", &query);
	walk = web_walk_new(a->web, a->request, query);
	walk->limit = 1;
	walk->first_only = true;
	a->unknown = "Message not found";
	web_walk_start(walk, on_latest, a);
}

static void find_as(struct http_call *call, const struct asking *how, slice id)
{
	struct asking *a = heap_new(call->web->heap, struct asking);
	struct web_entry *entry;

	*a = *how;
	a->web = call->web;
	a->request = call->request;
	a->id = id;
	if (call->match.n_arguments > 1)
		a->part = call->match.arguments[1];
	if (slice_equal(id, slice_lit("latest"))) {
		find_latest(a);
		return;
	}
	entry = index_find_name(a->web->index, id);
	if (entry != NULL && entry->listed)
		fetch(a, entry);
	else
		unknown(a);
}

static void find(struct http_call *call, slice id, const char *words, bool reads,
    void (*show)(struct asking *a, const struct web_mail *mail, slice raw))
{
	find_as(call, &(struct asking){ .unknown = words, .show = show, .reads = reads }, id);
}

static void find_id(struct http_call *call, bool reads,
    void (*show)(struct asking *a, const struct web_mail *mail, slice raw))
{
	find(call, call->match.arguments[0], "404 page not found", reads, show);
}

static void find_journey(struct http_call *call,
    void (*show)(struct asking *a, const struct web_mail *mail, slice raw),
    void (*tell)(struct asking *a, const struct api_journey *journey))
{
	find_as(call, &(struct asking){ .unknown = "404 page not found", .show = show,
	    .tell = tell, .wants_journey = true }, call->match.arguments[0]);
}

/* ---- as JSON ---- */

static void answer_json(struct asking *a, struct buffer *out, bool ok)
{
	if (ok)
		web_answer(a->web, a->request, 200, "application/json", out);
	else
		web_answer_text(a->web, a->request, 413, "The message is too large to be shown so");
	buffer_free(out);
}

static void show_message(struct asking *a, const struct web_mail *mail, slice raw)
{
	struct buffer out = buffer_init(a->web->heap, API_MESSAGE_JSON_MAX);

	buffer_add(&out, a->made);
	answer_json(a, &out, a->made.len > 0);
}

static void show_headers(struct asking *a, const struct web_mail *mail, slice raw)
{
	struct buffer out = buffer_init(a->web->heap, API_MESSAGE_JSON_MAX);

	answer_json(a, &out, api_headers_json(&mail->mail, &out));
}

/* How it was sent is lint, too. */
static void show_lint(struct asking *a, const struct web_mail *mail, slice raw)
{
	struct buffer out = buffer_init(a->web->heap, API_MESSAGE_JSON_MAX);
	char name[WEB_NAME_TEXT], id[MESSAGE_ID_TEXT];
	slice hosts[JOURNEY_FOLDERS_MAX];
	struct api_journey journey = journey_of(a, hosts, name, id);
	struct api_facts facts = mail->facts;

	facts.departures = api_journey_departures(&journey);
	answer_json(a, &out, api_mail_lint_json(&mail->mail, &facts,
	    os_wall_us(a->web->os) / 1000000, &out));
}

static void tell_journey(struct asking *a, const struct api_journey *journey)
{
	struct buffer out = buffer_init(a->web->heap, API_MESSAGE_JSON_MAX);

	answer_json(a, &out, api_journey_json(journey, &out));
}

static void tell_transcript(struct asking *a, const struct api_journey *journey)
{
	struct buffer out = buffer_init(a->web->heap, API_MESSAGE_JSON_MAX);

	answer_json(a, &out, api_transcript_json(journey, &out));
}

static void show_envelope(struct asking *a, const struct web_mail *mail, slice raw)
{
	struct buffer out = buffer_init(a->web->heap, API_MESSAGE_JSON_MAX);

	answer_json(a, &out, api_envelope_json(&mail->facts, &out));
}

static void show_parts(struct asking *a, const struct web_mail *mail, slice raw)
{
	struct buffer out = buffer_init(a->web->heap, API_MESSAGE_JSON_MAX);

	answer_json(a, &out, api_parts_json(&mail->mail, mail->facts.id, &out));
}

void web_message(struct http_call *call)
{
	find_id(call, true, show_message);
}

void web_headers(struct http_call *call)
{
	find_id(call, false, show_headers);
}

void web_lint(struct http_call *call)
{
	find_journey(call, show_lint, NULL);
}

void web_journey(struct http_call *call)
{
	find_journey(call, NULL, tell_journey);
}

void web_transcript(struct http_call *call)
{
	find_journey(call, NULL, tell_transcript);
}

void web_envelope(struct http_call *call)
{
	find_id(call, false, show_envelope);
}

void web_parts(struct http_call *call)
{
	find_id(call, false, show_parts);
}

/* ---- as bytes ---- */

static void show_raw(struct asking *a, const struct web_mail *mail, slice raw)
{
	slice name = arena_printf(mail->arena, "attachment; filename=\"%.*s.eml\"",
	    slice_arg(mail->facts.id)), wanted;
	const struct http_field field = { "Content-Disposition", name };
	struct http_answer answer = { .status = 200, .type = "text/plain; charset=utf-8",
	    .fields = &field, .body = raw };

	answer.n_fields = http_target_get(&a->request->target, "dl", &wanted) &&
	    slice_equal(wanted, slice_lit("1"));
	web_answer_as(a->web, a->request, &answer, NULL);
}

void web_raw(struct http_call *call)
{
	find_id(call, false, show_raw);
}

static void show_part(struct asking *a, const struct web_mail *mail, slice raw)
{
	struct buffer out = buffer_init(a->web->heap, WEB_RAW_MAX);
	struct http_field field = { .name = "Content-Disposition" };
	struct http_answer answer = { .status = 200, .fields = &field, .n_fields = 1,
	    .taken = &out };
	struct api_part part;

	if (!api_part_find(&mail->mail, a->part, mail->arena, &part) ||
	    !api_part_content(&part, &out)) {
		web_answer_text(a->web, a->request, 404, "404 page not found");
		buffer_free(&out);
		return;
	}
	answer.type = slice_cstr(mail->arena, part.type);
	field.value = part.disposition;
	web_answer_as(a->web, a->request, &answer, policy_part);
	buffer_free(&out);
}

void web_part(struct http_call *call)
{
	find_id(call, false, show_part);
}

static void show_thumb(struct asking *a, const struct web_mail *mail, slice raw)
{
	struct buffer picture = buffer_init(a->web->heap, WEB_THUMB_BYTES);
	slice is_inline = slice_lit("inline; ");
	struct api_part part;

	if (!api_part_find(&mail->mail, a->part, mail->arena, &part)) {
		web_answer_text(a->web, a->request, 400, "There is no such part");
		return;
	}
	/* What is none, or too large: the thumbnail of nothing, which is white. */
	if (slice_starts(part.type, slice_lit("image/")) && part.size <= WEB_THUMB_BYTES &&
	    !api_part_content(&part, &picture))
		buffer_truncate(&picture, 0);
	if (slice_starts(part.disposition, is_inline))
		part.disposition = slice_drop(part.disposition, is_inline.len);
	web_thumb_answer(a->web, a->request, &picture, part.disposition);
}

void web_thumb(struct http_call *call)
{
	find_id(call, false, show_thumb);
}

/* ---- as a page ---- */

static void show_text(struct asking *a, const struct web_mail *mail, slice raw)
{
	struct buffer out = buffer_init(a->web->heap, API_TEXT_MAX);

	api_view_text(&mail->mail, &out);
	web_answer(a->web, a->request, 200, "text/plain; charset=utf-8", &out);
	buffer_free(&out);
}

static bool asks_for(const struct asking *a, const char *name)
{
	slice value;

	return http_target_get(&a->request->target, name, &value) &&
	    (slice_equal(value, slice_lit("1")) || slice_equal(value, slice_lit("true")));
}

/* What the HTML may load: parts of its own message; anything, when somebody asked for
 * that. Its scripts never run: only ours has the nonce. */
static const char *policy_of(const struct asking *a, struct arena *arena, slice nonce)
{
	bool remote = asks_for(a, "remote");
	const char *from = remote ? "*" : "'self'";

	return slice_cstr(arena, arena_printf(arena, "sandbox allow-popups "
	    "allow-popups-to-escape-sandbox%s; default-src 'none'; style-src %s 'unsafe-inline'; "
	    "img-src %s data:; font-src %s data:; media-src %s%s%.*s%s", nonce.len > 0 ?
	    " allow-scripts" : "", from, from, from, from, nonce.len > 0 ?
	    "; script-src 'nonce-" : "", slice_arg(nonce), nonce.len > 0 ? "'" : ""));
}

static void show_html(struct asking *a, const struct web_mail *mail, slice raw)
{
	struct arena *arena = mail->arena;
	struct buffer out = buffer_init(a->web->heap, API_VIEW_MAX);
	struct api_view view = { .webroot = web_root(a->web), .id = mail->facts.id,
	    .embed = asks_for(a, "embed") };
	struct http_answer answer = { .status = 200, .type = "text/html; charset=utf-8",
	    .taken = &out };

	if (view.embed)
		view.nonce = arena_printf(arena, "%016llx%016llx",
		    (unsigned long long)os_random_u64(a->web->os),
		    (unsigned long long)os_random_u64(a->web->os));
	if (api_view_html(&mail->mail, &view, &out))
		web_answer_as(a->web, a->request, &answer, policy_of(a, arena, view.nonce));
	else
		web_answer_text(a->web, a->request, 404,
		    "This message does not contain a HTML part");
	buffer_free(&out);
}

/* The newest message's own address, or the list's. */
static void on_latest_view(struct web_walk *walk)
{
	struct arena arena = arena_init(walk->web->heap, CONFIG_VALUE_MAX + 256);
	struct http_field field = { .name = "Location", .value = web_root(walk->web) };
	char name[WEB_NAME_TEXT];

	if (walk->n_kept > 0) {
		size_t len = web_entry_name(walk->kept[0], name);

		field.value = arena_printf(&arena, "%.*sview/%.*s", slice_arg(field.value),
		    (int)len, name);
	}
	web_answer_as(walk->web, walk->owner, &(struct http_answer){ .status = 302,
	    .fields = &field, .n_fields = 1 }, NULL);
	arena_reset(&arena);
}

static void view_latest(struct http_call *call)
{
	slice query = { 0 };
	struct web_walk *walk;

	http_target_get(&call->request->target, "query", &query);
	walk = web_walk_new(call->web, call->request, query);
	walk->limit = 1;
	walk->first_only = true;
	web_walk_start(walk, on_latest_view, call->request);
}

void web_view(struct http_call *call)
{
	slice name = call->match.arguments[0], html = slice_lit(".html"), txt = slice_lit(".txt");

	if (slice_ends(name, html))
		find(call, slice_head(name, name.len - html.len), "Message not found", true,
		    show_html);
	else if (slice_ends(name, txt))
		find(call, slice_head(name, name.len - txt.len), "Message not found", true,
		    show_text);
	else
		view_latest(call);
}
