/* role/web_send.c - POST /api/v1/send: a message that an edge takes like any other.
 *
 *   body -> message (api/send.h; of a long one on the pool, one after the other) -> SMTP over a
 *   pair of sockets, an edge at the other end -> its reply to DATA -> answer
 *
 * So it is journalled, has an id and a trace, and can be refused, as what comes from outside.
 * Who names a mailbox is logged in with that name; one that the message names goes before it.
 * The user of HTTP Basic is told beside all that, and is who sent it. */
#include "api/send.h"

#include <sodium.h>
#include <stdio.h>

#include "http/credentials.h"
#include "os/stream.h"
#include "role/web_api.h"
#include "role/web_send.h"
#include "role/web_walk.h"
#include "smtp/client.h"

enum { IN_MAX = 16 * 1024, OUT_MAX = 256 * 1024, UNIQUE = 33, SHORT = 256 * 1024 };

struct sending {
	struct web *web;
	struct http_request *request;   /* NULL: answered */
	/* The message is made of these by the pool, with a heap of its own. */
	struct list link;               /* web->sendings, meanwhile */
	struct os_work work;
	struct heap *heap;
	struct arena arena;
	struct buffer text;
	char unique[UNIQUE];
	struct api_send_facts facts;
	struct api_send what;
	struct api_fault fault;
	bool made;                      /* else `fault` */

	struct smtp_client_config config;
	struct smtp_client_message message;
	struct smtp_client *client;
	struct stream *stream;
	slice rest;                     /* of the text, while the engine wants it */
	bool in_body, over;
	struct os_timer timer;
};

/* ---- answers ---- */

static void answer(struct sending *s, unsigned status, struct buffer *out, bool ok)
{
	if (s->request == NULL)
		return;
	if (ok)
		web_answer(s->web, s->request, status, "application/json", out);
	else
		web_answer_text(s->web, s->request, 413, "");
	s->request = NULL;
	buffer_free(out);
}

static void refuse(struct sending *s, const struct api_fault *f)
{
	struct buffer out = buffer_init(s->web->heap, 16 * API_FAULT_TEXT);

	answer(s, f->status, &out, api_fault_json(f, &out));
}

static void failed(struct sending *s, unsigned status, const char *words, slice why)
{
	struct api_fault f;

	(void)api_fault_set(&f, status, "%s%.*s", words, slice_arg(why));
	refuse(s, &f);
}

/* "2.0.0 Ok: queued as 1.abc.2" */
static void accepted(struct sending *s, slice reply)
{
	struct buffer out = buffer_init(s->web->heap, IN_MAX);
	slice before = slice_lit(" queued as ");
	size_t at = slice_find(reply, before);
	slice id = at < reply.len ? slice_drop(reply, at + before.len) : (slice){ 0 };

	answer(s, 200, &out, api_send_answer(id, &out));
}

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

static void finish(struct sending *s)
{
	struct web *web = s->web;

	failed(s, 503, "the server is busy, try again", (slice){ 0 });
	os_timer_stop(web->os, &s->timer);
	stream_destroy(s->stream);
	smtp_client_destroy(s->client);
	heap_cancel_on_drop(web->heap, drop_heap, s->heap);
	heap_drop(s->heap);
	heap_free(web->heap, s);
}

static void on_timer(struct os_timer *timer)
{
	finish(timer->owner);
}

/* ---- the dialogue ---- */

static void on_event(struct sending *s, const struct smtp_client_event *event)
{
	switch (event->kind) {
	case SMTP_CLIENT_EVENT_READY:
		if (s->request != NULL)
			smtp_client_send(s->client, &s->message);
		else
			smtp_client_quit(s->client);
		break;
	case SMTP_CLIENT_EVENT_BODY:
		s->in_body = true;
		s->rest = buffer_bytes(&s->text);
		break;
	case SMTP_CLIENT_EVENT_RCPT:
		if (event->code >= 400)
			failed(s, 400, "SMTP error: ", event->text);
		break;
	case SMTP_CLIENT_EVENT_SENT:
		if (event->code < 400)
			accepted(s, event->text);
		else
			failed(s, 400, "SMTP error: ", event->text);
		break;
	case SMTP_CLIENT_EVENT_FAILED:
		failed(s, event->code >= 500 ? 400 : 503, "SMTP error: ", event->text);
		s->over = true;
		break;
	case SMTP_CLIENT_EVENT_CLOSED:
	case SMTP_CLIENT_EVENT_STARTTLS:
		s->over = true;
		break;
	}
}

static bool write_some(struct sending *s)
{
	slice out = smtp_client_output(s->client);
	size_t room = stream_room(s->stream);

	if (out.len > room)
		out = slice_head(out, room);
	if (out.len == 0)
		return false;
	stream_write(s->stream, out);
	smtp_client_sent(s->client, out.len);
	return true;
}

static bool give_body(struct sending *s)
{
	size_t taken;

	if (!s->in_body)
		return false;
	taken = smtp_client_body(s->client, s->rest);
	s->rest = slice_drop(s->rest, taken);
	if (s->rest.len > 0)
		return taken > 0;
	s->in_body = false;
	smtp_client_body_end(s->client);
	return true;
}

static void pump(struct sending *s)
{
	struct smtp_client_event event;
	bool moved = true;

	while (moved && !s->over) {
		moved = write_some(s);
		moved = give_body(s) || moved;
		while (!s->over && smtp_client_next(s->client, &event)) {
			on_event(s, &event);
			moved = true;
		}
	}
}

static size_t on_data(struct stream *stream, slice in)
{
	struct sending *s = stream_owner(stream);
	size_t used = 0, n = 1;

	while (n > 0 && !s->over) {
		n = smtp_client_feed(s->client, slice_drop(in, used));
		used += n;
		pump(s);
	}
	if (s->over)
		os_timer_start(s->web->os, &s->timer, 0);
	return s->over ? in.len : used;
}

static void on_drained(struct stream *stream)
{
	struct sending *s = stream_owner(stream);

	if (!s->over)
		pump(s);
}

static void on_closed(struct stream *stream, int error)
{
	finish(stream_owner(stream));
}

static const struct stream_handler handler = { .data = on_data, .drained = on_drained,
    .closed = on_closed };

/* ---- the beginning ---- */

/* Whether a password is asked for or not. */
static void put_user(const struct sending *s, struct buffer *out)
{
	struct credentials given;
	slice field;
	bool known = http_header(s->request, "Authorization", &field) &&
	    credentials_read(field, &given) && given.user.len <= SASL_LOGIN_MAX;

	put_slice(out, known ? given.user : (slice){ 0 });
	sodium_memzero(&given, sizeof given);
}

static bool begin(struct sending *s)
{
	struct web *web = s->web;
	struct ipc_channel *edge = frame_peer(&web->frame, ROLE_EDGE, 0);
	struct buffer *out;
	int fds[2];

	if (edge == NULL || os_stream_pair(web->os, fds) != 0)
		return false;
	s->client = smtp_client_create(web->heap, &s->config, false);
	s->stream = stream_create(web->os, fds[0], IN_MAX, OUT_MAX, &handler, s);
	out = ipc_begin(edge, IPC_SMTP);
	buffer_add(out, slice_of(s->request->ip, sizeof s->request->ip));
	put_user(s, out);
	ipc_end(edge, fds[1]);
	os_timer_start(web->os, &s->timer, WEB_SEND_MS);
	return true;
}

static void take_login(struct sending *s)
{
	slice mailbox;

	if (s->web->frame.config->mock_mailboxes != CONFIG_MAILBOXES_LOGIN ||
	    !web_names_mailbox(s->request, &mailbox) || mailbox.len == 0 ||
	    mailbox.len > SASL_LOGIN_MAX)
		return;
	s->config.login = slice_copy(&s->arena, mailbox);
	s->config.secret = slice_lit("any");
	s->config.clear_auth = true;
}

static void go_on(struct sending *s)
{
	if (!s->made) {
		refuse(s, &s->fault);
		finish(s);
		return;
	}
	take_login(s);
	s->message = (struct smtp_client_message){ .from = s->what.sender,
	    .recipients = s->what.recipients, .n_recipients = s->what.n_recipients,
	    .size = buffer_bytes(&s->text).len,
	    .needs = s->what.utf8 ? SMTP_CLIENT_SMTPUTF8 | SMTP_CLIENT_8BITMIME : 0 };
	if (!begin(s))
		finish(s);
}

static void run(struct os_work *work)
{
	struct sending *s = work->owner;

	s->made = api_send_read(s->request->body, &s->facts, &s->arena, &s->text, &s->what, &s->fault);
}

static void on_made(struct os_work *work)
{
	struct sending *s = work->owner;
	struct web *web = s->web;

	list_remove(&s->link);
	if (!list_empty(&web->sendings))
		os_work_start(web->os, &list_item(web->sendings.next, struct sending, link)->work);
	go_on(s);
}

static struct sending *create(struct http_call *call)
{
	struct web *web = call->web;
	const struct config *config = web->frame.config;
	struct sending *s = heap_new(web->heap, struct sending);

	*s = (struct sending){ .web = web, .request = call->request, .heap = heap_create(SIZE_MAX),
	    .work = { .run = run, .done = on_made, .owner = s },
	    .timer = { .fire = on_timer, .owner = s }, .config.hostname = config->hostname,
	    .facts = { .wall_us = os_wall_us(web->os), .hostname = config->hostname } };
	heap_on_drop(web->heap, drop_heap, s->heap);
	s->arena = arena_init(s->heap, API_SEND_ARENA_MAX + SASL_LOGIN_MAX);
	s->text = buffer_init(s->heap, (size_t)config->message_size_max);
	snprintf(s->unique, sizeof s->unique, "%016llx%016llx",
	    (unsigned long long)os_random_u64(web->os), (unsigned long long)os_random_u64(web->os));
	s->facts.unique = slice_from(s->unique);
	return s;
}

void web_send(struct http_call *call)
{
	struct web *web = call->web;
	struct sending *s = create(call);

	if (call->request->body.len <= SHORT) {
		run(&s->work);
		go_on(s);
		return;
	}
	list_append(&web->sendings, &s->link);
	if (web->sendings.next == &s->link)
		os_work_start(web->os, &s->work);
}

/* ---- how long ---- */

/* Below whatever path all is. */
static bool sends(const struct web *web, const struct http_request *request)
{
	const struct http_target *t = &request->target;
	size_t n = t->n_segments;

	return web->frame.config->mock && request->target_ok && n >= 3 &&
	    slice_equal(request->method, slice_lit("POST")) &&
	    slice_equal(t->segments[n - 3], slice_lit("api")) &&
	    slice_equal(t->segments[n - 2], slice_lit("v1")) &&
	    slice_equal(t->segments[n - 1], slice_lit("send"));
}

size_t web_send_body_max(const struct web *web, const struct http_request *request)
{
	return sends(web, request) ? (size_t)web->frame.config->message_size_max + HTTP_BODY_MAX :
	    HTTP_BODY_MAX;
}

bool web_send_refused(struct web *web, struct http_request *request, unsigned status)
{
	struct sending s = { .web = web, .request = request };

	if (!sends(web, request))
		return false;
	if (status == 413)
		(void)api_fault_set(&s.fault, 413, "message is too large: %llu bytes are allowed",
		    (unsigned long long)web->frame.config->message_size_max);
	else
		(void)api_fault_set(&s.fault, status, "the server is busy, try again");
	refuse(&s, &s.fault);
	return true;
}

void web_send_init(struct web *web)
{
	list_init(&web->sendings);
}
