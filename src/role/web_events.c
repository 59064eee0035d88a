/* role/web_events.c - who listens to what happens.
 *
 *   GET /api/events -> 101 -> listening: frames out; pings in, and the end -> gone */
#include "role/web_events.h"

#include <string.h>

#include "api/events.h"
#include "base/check.h"
#include "http/websocket.h"
#include "os/stream.h"
#include "role/web_api.h"
#include "role/web_mail.h"

struct web_listener {
	struct list link;               /* web->listeners */
	struct web *web;
	struct http_upgrade *upgrade;
	struct stream *stream;          /* NULL: not yet */
	struct websocket in;
	bool ending;                    /* its last frame is written */
};

enum { FRAME_HEAD = 10, IN_MAX = 4096 };

/* ---- one listener ---- */

static void gone(struct web_listener *l)
{
	struct web *web = l->web;

	if (l->stream != NULL)
		stream_destroy(l->stream);
	if (l->upgrade != NULL)
		http_upgrade_end(l->upgrade);
	list_remove(&l->link);
	web->n_listeners--;
	heap_free(web->heap, l);
}

static void write_frame(struct web_listener *l, enum websocket_op op, slice payload)
{
	struct buffer out = buffer_init(l->web->heap, payload.len + FRAME_HEAD);

	websocket_write(op, payload, &out);
	stream_write(l->stream, buffer_bytes(&out));
	buffer_free(&out);
}

static void end(struct web_listener *l, unsigned code)
{
	const unsigned char bytes[2] = { (unsigned char)(code >> 8), (unsigned char)code };

	l->ending = true;
	write_frame(l, WEBSOCKET_OP_CLOSE, slice_of(bytes, code != 0 ? 2 : 0));
	stream_end(l->stream);
}

static void on_event(struct web_listener *l, enum websocket_event event)
{
	slice payload = slice_of(l->in.payload, l->in.n_payload);

	switch (event) {
	case WEBSOCKET_PING:
		write_frame(l, WEBSOCKET_OP_PONG, payload);
		break;
	case WEBSOCKET_CLOSE:
		end(l, payload.len >= 2 ? (unsigned)payload.ptr[0] << 8 | payload.ptr[1] : 0);
		break;
	case WEBSOCKET_BAD:
		end(l, l->in.code);
		break;
	case WEBSOCKET_NONE:
	case WEBSOCKET_PONG:
	case WEBSOCKET_MESSAGE:
		break;
	}
}

static size_t on_data(struct stream *stream, slice in)
{
	struct web_listener *l = stream_owner(stream);
	size_t used = 0;

	while (used < in.len && !l->ending) {
		enum websocket_event event;

		used += websocket_feed(&l->in, slice_drop(in, used), &event);
		on_event(l, event);
	}
	return in.len;
}

static void on_closed(struct stream *stream, int error)
{
	gone(stream_owner(stream));
}

static const struct stream_handler handler = { .data = on_data, .closed = on_closed };

static bool has_room(const struct web_listener *l, size_t len)
{
	return l->stream != NULL && !l->ending && stream_room(l->stream) >= len + FRAME_HEAD;
}

/* ---- all of them ---- */

static void say_to(struct web_listener *l, enum websocket_op op, slice payload)
{
	if (l->stream == NULL || l->ending)
		return;
	if (has_room(l, payload.len))
		write_frame(l, op, payload);
	else
		gone(l);
}

static void say(struct web *web, slice payload)
{
	list_for (at, &web->listeners)
		say_to(list_item(at, struct web_listener, link), WEBSOCKET_OP_TEXT, payload);
}

static void say_and_free(struct web *web, struct buffer *out, bool ok)
{
	if (ok)
		say(web, buffer_bytes(out));
	buffer_free(out);
}

static struct buffer event_buffer(struct web *web)
{
	return buffer_init(web->heap, API_EVENT_MAX);
}

static void tell_stats(struct web *web, struct web_listener *only)
{
	struct buffer out = event_buffer(web);

	if (api_event_stats(web->index->n_listed, web->index->n_unread, &out)) {
		if (only != NULL)
			say_to(only, WEBSOCKET_OP_TEXT, buffer_bytes(&out));
		else
			say(web, buffer_bytes(&out));
	}
	buffer_free(&out);
}

/* At once after a quiet time, then now and then. */
static void on_stats(struct os_timer *timer)
{
	struct web *web = timer->owner;

	if (!web->stats_due)
		return;
	web->stats_due = false;
	tell_stats(web, NULL);
	web->stats_soon = true;
	os_timer_start(web->os, &web->stats, WEB_STATS_MS);
}

static void on_stats_over(struct os_timer *timer)
{
	struct web *web = timer->owner;

	web->stats_soon = false;
	on_stats(timer);
}

void web_changed(struct web *web)
{
	if (list_empty(&web->listeners) || web->stats_due)
		return;
	web->stats_due = true;
	if (!web->stats_soon)
		os_timer_start(web->os, &web->stats, 0);
}

void web_tell_new(struct web *web, const struct api_summary *summary)
{
	struct buffer out = event_buffer(web);

	if (!list_empty(&web->listeners))
		say_and_free(web, &out, api_event_new(summary, &out));
	web_changed(web);
}

void web_tell_read(struct web *web, const struct web_entry *entry)
{
	char name[WEB_NAME_TEXT];
	slice id = slice_of(name, web_entry_name(entry, name));
	struct buffer out = event_buffer(web);

	if (!list_empty(&web->listeners))
		say_and_free(web, &out, api_event_read(id, entry->read, &out));
}

void web_tell_tags(struct web *web, const struct web_entry *entry)
{
	char name[WEB_NAME_TEXT];
	slice id = slice_of(name, web_entry_name(entry, name));
	struct arena arena = arena_init(web->heap, WEB_TAGS_ARENA_MAX);
	struct buffer out = event_buffer(web);
	struct api_tags tags;

	if (list_empty(&web->listeners))
		return;
	tags = web_entry_tags(entry, &arena);
	say_and_free(web, &out, api_event_tags(id, &tags, &out));
	arena_reset(&arena);
}

void web_tell_deleted(struct web *web, const struct web_entry *entry)
{
	char name[WEB_NAME_TEXT];
	slice id = slice_of(name, web_entry_name(entry, name));
	struct buffer out = event_buffer(web);

	if (!list_empty(&web->listeners))
		say_and_free(web, &out, api_event_delete(id, &out));
}

static void on_prune(struct os_defer *defer)
{
	struct web *web = defer->owner;
	struct buffer out = event_buffer(web);

	say_and_free(web, &out, api_event_prune(&out));
}

void web_tell_pruned(struct web *web)
{
	if (!list_empty(&web->listeners))
		os_defer(web->os, &web->prune);
	web_changed(web);
}

void web_tell_truncated(struct web *web)
{
	struct buffer out = event_buffer(web);

	if (!list_empty(&web->listeners))
		say_and_free(web, &out, api_event_truncate(&out));
	web_changed(web);
}

bool web_refused(struct web *web, struct ipc_message *message)
{
	uint8_t service = get_u8(&message->body);
	slice ip = get_raw(&message->body, 16);
	slice line = get_slice(&message->body, EDGE_REFUSAL_TEXT);
	struct buffer out = event_buffer(web);
	const char *from;
	char peer[OS_IP_TEXT];

	if (!bytes_end(&message->body) || service >= SERVICES)
		return false;
	from = service_is_pop3(service) ? "pop3" : service_is_imap(service) ? "imap" : "smtpd";
	os_ip_print(ip.ptr, peer, sizeof peer);
	if (web->index != NULL && !list_empty(&web->listeners))
		say_and_free(web, &out, api_event_error(!service_is_imap(service) &&
		    slice_starts(line, slice_lit("4")) ? "warning" : "error", from, slice_from(peer), line, &out));
	return true;
}

/* ---- come and go ---- */

static void begin(void *context, struct http_upgrade *upgrade, int fd, slice unread)
{
	struct web_listener *l = context;
	struct web *web = l->web;

	l->upgrade = upgrade;
	if (fd < 0) {
		gone(l);
		return;
	}
	l->stream = stream_create(web->os, fd, IN_MAX, WEB_LISTENER_BYTES, &handler, l);
	tell_stats(web, l);
	on_data(l->stream, unread);
	if (web->frame.draining && !l->ending)
		end(l, WEBSOCKET_GOING_AWAY);
}

static bool asks_for_websocket(const struct http_request *request, slice *ret_key)
{
	slice upgrade, version;

	return http_header(request, "Upgrade", &upgrade) &&
	    slice_equal_ascii(upgrade, slice_lit("websocket")) &&
	    http_header(request, "Sec-WebSocket-Version", &version) &&
	    slice_equal(version, slice_lit("13")) &&
	    http_header(request, "Sec-WebSocket-Key", ret_key);
}

void web_events(struct http_call *call)
{
	struct web *web = call->web;
	char accept[WEBSOCKET_ACCEPT + 1];
	struct web_listener *l;
	slice key;

	if (!asks_for_websocket(call->request, &key) || !websocket_accept(key, accept)) {
		const struct http_field version = { "Sec-WebSocket-Version", slice_lit("13") };
		struct http_answer answer = { .status = 400, .type = "text/plain",
		    .fields = &version, .n_fields = 1, .body = slice_lit("Bad Request") };

		web_answer_as(web, call->request, &answer, NULL);
		return;
	}
	if (web->n_listeners >= WEB_LISTENERS_MAX) {
		web_answer_text(web, call->request, 503, "Too many listeners, try again later");
		return;
	}
	l = heap_new(web->heap, struct web_listener);
	l->web = web;
	list_append(&web->listeners, &l->link);
	if (web->n_listeners++ == 0)
		os_timer_start(web->os, &web->ping, WEB_PING_MS);
	web->n_requests++;
	http_upgrade(call->request, (const struct http_field[]){
	    { "Upgrade", slice_lit("websocket") },
	    { "Sec-WebSocket-Accept", slice_from(accept) } }, 2, begin, l);
}

static void on_ping(struct os_timer *timer)
{
	struct web *web = timer->owner;

	list_for (at, &web->listeners)
		say_to(list_item(at, struct web_listener, link), WEBSOCKET_OP_PING, (slice){ 0 });
	if (!list_empty(&web->listeners))
		os_timer_start(web->os, timer, WEB_PING_MS);
}

void web_events_drain(struct web *web)
{
	list_for (at, &web->listeners) {
		struct web_listener *l = list_item(at, struct web_listener, link);

		if (l->stream != NULL && !l->ending)
			end(l, WEBSOCKET_GOING_AWAY);
	}
}

void web_events_init(struct web *web)
{
	list_init(&web->listeners);
	web->ping = (struct os_timer){ .fire = on_ping, .owner = web };
	web->stats = (struct os_timer){ .fire = on_stats_over, .owner = web };
	web->prune = (struct os_defer){ .run = on_prune, .owner = web };
}
