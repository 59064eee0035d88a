/* role/web.c - the web: HTTP on connections that the edges accepted.
 *
 *   create -> START (confined) -> HTTP from edges, answered by the table below -> drain
 *
 * It has no files and no network: what it serves is in the program, or asked of other
 * roles. When it ends, its connections do; edges take no more until it is back. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "role/role.h"
#include "role/web_api.h"
#include "role/web_events.h"
#include "role/web_keep.h"
#include "role/web_listing.h"
#include "role/web_reading.h"
#include "role/web_send.h"
#include "role/web_thumb.h"
#include "role/web_wait.h"

/* ---- answers ---- */

/* Whatever a browser makes of an answer, it runs no script of others and tells nobody
 * where it was. */
static const struct http_field security[] = {
	{ "Content-Security-Policy", slice_lit("default-src 'self'; script-src 'self'; "
	    "style-src 'self'; img-src 'self' data:; font-src 'self' data:; frame-src 'self'; "
	    "connect-src 'self' ws: wss:; object-src 'none'; base-uri 'self'") },
	{ "Referrer-Policy", slice_lit("no-referrer") },
	{ "X-Content-Type-Options", slice_lit("nosniff") },
};

/* What a page of our own may learn of the API. Empty ones are left out. */
static size_t add_cors(const struct web *web, const struct http_request *request,
    struct http_field *fields)
{
	slice first = request->target.segments[0], origin = { 0 };

	if (!request->target_ok || web_is_foreign(web, request) ||
	    (!slice_equal(first, slice_lit("api")) && !slice_equal(first, slice_lit("view"))))
		return 0;
	http_header(request, "Origin", &origin);
	fields[0] = (struct http_field){ "Access-Control-Allow-Origin", origin };
	fields[1] = (struct http_field){ "Access-Control-Allow-Methods",
	    slice_lit("GET, POST, DELETE, PUT, OPTIONS") };
	fields[2] = (struct http_field){ "Access-Control-Allow-Headers", slice_lit("*") };
	return 3;
}

void web_answer_as(struct web *web, struct http_request *request, struct http_answer *a,
    const char *policy)
{
	enum { SECURITY = sizeof security / sizeof *security, CORS = 3, MORE = 4 };
	struct http_field fields[SECURITY + CORS + MORE];
	size_t n = SECURITY;

	check(a->n_fields <= MORE);
	memcpy(fields, security, sizeof security);
	if (policy != NULL)
		fields[0].value = slice_from(policy);
	if (web->index != NULL)
		n += add_cors(web, request, fields + n);
	for (size_t i = 0; i < a->n_fields; i++)
		fields[n++] = a->fields[i];
	a->fields = fields;
	a->n_fields = n;
	web->n_requests++;
	web->n_failed += a->status >= 400;
	web_gzip_answer(web, request, a);
}

void web_answer(struct web *web, struct http_request *request, unsigned status,
    const char *type, struct buffer *body)
{
	web_answer_as(web, request, &(struct http_answer){ .status = status, .type = type,
	    .taken = body }, NULL);
}

void web_answer_text(struct web *web, struct http_request *request, unsigned status,
    const char *text)
{
	web_answer_as(web, request, &(struct http_answer){ .status = status,
	    .type = "text/plain", .body = slice_from(text) }, NULL);
}

static void answer_method(struct http_call *call)
{
	const struct http_field allow = { "Allow", slice_from(call->match.allow) };

	web_answer_as(call->web, call->request, &(struct http_answer){ .status = 405,
	    .type = "text/plain", .fields = &allow, .n_fields = 1,
	    .body = slice_lit("Method Not Allowed") }, NULL);
}

/* ---- who is there ---- */

bool web_is_ready(const struct web *web)
{
	const struct frame *f = &web->frame;
	bool ready = !f->draining && web_hears(web, ROLE_DIRECTORY, 0) &&
	    web_hears(web, ROLE_ROUTER, 0) && (f->config->mock || web_hears(web, ROLE_RELAY, 0));

	for (unsigned i = 0; ready && i < f->config->stores; i++)
		ready = web_hears(web, ROLE_STORE, i);
	for (unsigned i = 0; ready && i < f->config->edges; i++)
		ready = web_hears(web, ROLE_EDGE, i);
	return ready;
}

/* ---- routes ---- */

static void livez(struct http_call *call)
{
	web_answer_text(call->web, call->request, 200, "");
}

static void readyz(struct http_call *call)
{
	web_answer_text(call->web, call->request, web_is_ready(call->web) ? 200 : 503, "");
}

static const struct http_route routes[] = {
	{ "GET", "/livez", livez },
	{ "GET", "/readyz", readyz },
	{ "GET", "/metrics", web_metrics },
	{ "GET", "/", web_page },
	{ "GET", "/search", web_page },
	{ "GET", "/view/{id}", web_page },
	{ "GET", "/assets/{name}", web_asset },
};

void web_dispatch(struct http_call *call)
{
	struct web *web = call->web;
	struct http_request *request = call->request;
	struct http_match *match = &call->match;

	if (web_api(call))
		return;
	if (match->allow[0] == '\0')
		http_route_find(routes, sizeof routes / sizeof *routes, request->method,
		    &request->target, match);
	if (match->route != NULL)
		match->route->answer(call);
	else if (match->allow[0] != '\0')
		answer_method(call);
	else if (slice_equal(request->target.segments[0], slice_lit("api")))
		web_answer_text(web, request, 404, "File not found");
	else
		web_answer_text(web, request, 404, "404 page not found");
}

static void on_request(struct http_server *server, struct http_request *request)
{
	struct http_call call = { .web = http_server_owner(server), .request = request };

	if (request->target_ok)
		web_guard(&call);
	else
		web_answer_text(call.web, request, 400, "Bad Request");
}

static size_t on_body(struct http_server *server, const struct http_request *request)
{
	return web_send_body_max(http_server_owner(server), request);
}

static void on_refused(struct http_server *server, struct http_request *request, unsigned status)
{
	(void)web_send_refused(http_server_owner(server), request, status);
}

/* ---- connections ---- */

static void tell_edge(struct web *web, const struct visit *visit, unsigned state)
{
	struct ipc_channel *edge = frame_peer(&web->frame, ROLE_EDGE, visit->edge);
	struct buffer *out;

	if (edge == NULL)
		return;
	out = ipc_begin(edge, IPC_HTTP_IS);
	put_u64(out, visit->number);
	put_u8(out, (uint8_t)state);
	ipc_end(edge, -1);
}

static void on_closed(struct http_server *server, void *client)
{
	struct web *web = http_server_owner(server);
	struct visit *visit = client;

	tell_edge(web, visit, HTTP_CLOSED);
	heap_free(web->heap, visit);
}

static bool on_http(struct web *web, struct ipc_channel *edge, struct ipc_message *message)
{
	uint64_t number = get_u64(&message->body);
	slice ip = get_raw(&message->body, 16);
	struct visit *visit;

	if (!bytes_end(&message->body))
		return false;
	visit = heap_new(web->heap, struct visit);
	*visit = (struct visit){ ipc_peer_index(edge), number };
	tell_edge(web, visit, HTTP_TAKEN);
	http_server_adopt(web->http, ipc_take_fd(message), ip.ptr, visit);
	return true;
}

/* ---- drain ---- */

/* Marks go to the stores, which are asked to end later. */
void web_drain_check(struct web *web)
{
	if (!web->http_over || web->drained || !web_keep_is_idle(web))
		return;
	web->drained = true;
	frame_drained(&web->frame);
}

static void http_over(struct web *web)
{
	web->http_over = true;
	os_timer_stop(web->os, &web->grace);
	web_drain_check(web);
}

static void on_http_drained(struct http_server *server)
{
	http_over(http_server_owner(server));
}

static void on_grace(struct os_timer *timer)
{
	http_over(timer->owner);
}

static void on_drain(struct frame *frame, uint32_t grace_ms)
{
	struct web *web = frame->owner;

	os_timer_start(web->os, &web->grace, grace_ms < WEB_DRAIN_MS ? grace_ms : WEB_DRAIN_MS);
	if (web->index != NULL) {
		web_waits_end(web);
		web_events_drain(web);
	}
	http_server_drain(web->http);
}

/* ---- the role ---- */

static const struct http_handler http_handler = { .request = on_request, .closed = on_closed,
    .drained = on_http_drained, .body_max = on_body, .refused = on_refused };

static void on_start(struct frame *frame)
{
	struct web *web = frame->owner;

	web_guard_init(web);
	if (web->library != NULL)
		web->http = http_server_create(web->os, web->library, &http_handler, web);
	if (web->library == NULL || !web_watch_start(web))
		frame_fatal(frame, "cannot serve HTTP (listen.http): %s", web->error);
	else if (web->http == NULL)
		frame_fatal(frame, "cannot serve HTTP: no memory, or no descriptor left");
	else if (web->index == NULL)
		frame_ready(frame);     /* in a mock: once it knows what is there */
}

static void on_joined(struct frame *frame, struct ipc_channel *peer)
{
	web_watch_joined(frame->owner, peer);
}

static void on_left(struct frame *frame, struct ipc_channel *peer)
{
	web_forget_counters(frame->owner, peer);
	web_watch_left(frame->owner, peer);
}

static bool on_message(struct frame *frame, struct ipc_channel *peer, struct ipc_message *message)
{
	switch (message->type) {
	case IPC_MESSAGE:
	case IPC_GONE:
	case IPC_WATCHED:
	case IPC_BODY:
	case IPC_EXPUNGED:
	case IPC_SEEN:
	case IPC_MARKED:
	case IPC_TAGGED:
	case IPC_TAGS:
	case IPC_MAILBOX:
	case IPC_SETTLED:
		return web_watch_message(frame->owner, peer, message);
	case IPC_REFUSED:
		return web_refused(frame->owner, message);
	case IPC_HTTP:
		return on_http(frame->owner, peer, message);
	case IPC_COUNTERS:
		return web_on_counters(frame->owner, peer, message);
	default:
		return false;
	}
}

static const struct frame_handler handler = {
	.start = on_start, .drain = on_drain, .peer_joined = on_joined, .peer_left = on_left,
	.peer_message = on_message,
};

void web_start(struct os *os, int channel, unsigned index)
{
	struct web *web = heap_new(os_heap(os), struct web);

	web->os = os;
	web->heap = os_heap(os);
	web->start_us = os_wall_us(os);
	web->library = http_library_load(os, web->error, sizeof web->error);
	list_init(&web->reports);
	web_listing_init(web);
	web_thumb_init(web);
	web_reading_init(web);
	web_send_init(web);
	web_zone_init(web);
	web->grace = (struct os_timer){ .fire = on_grace, .owner = web };
	frame_init(&web->frame, os, ROLE_WEB, index, channel, &handler, web);
}
