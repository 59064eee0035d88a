/* role/web_send.c - POST /api/v1/send: a message that an edge takes like any other.
 *
 *   body -> message (api/send.h) -> SMTP over a pair of sockets, an edge at the other end ->
 *   its reply to DATA -> answer
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
#include "role/web_walk.h"
#include "smtp/client.h"

enum { IN_MAX = 16 * 1024, OUT_MAX = 256 * 1024, UNIQUE = 33 };

struct sending {
	struct web *web;
	struct http_request *request;   /* NULL: answered */
	struct arena arena;
	struct buffer text;
	struct api_send what;
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

static void finish(struct sending *s)
{
	struct web *web = s->web;

	failed(s, 503, "the server is busy, try again", (slice){ 0 });
	os_timer_stop(web->os, &s->timer);
	stream_destroy(s->stream);
	smtp_client_destroy(s->client);
	buffer_free(&s->text);
	arena_reset(&s->arena);
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

static bool read_body(struct sending *s, struct api_fault *fault)
{
	const struct config *config = s->web->frame.config;
	char unique[UNIQUE];
	struct api_send_facts facts = { .wall_us = os_wall_us(s->web->os),
	    .hostname = config->hostname };

	snprintf(unique, sizeof unique, "%016llx%016llx",
	    (unsigned long long)os_random_u64(s->web->os),
	    (unsigned long long)os_random_u64(s->web->os));
	facts.unique = slice_from(unique);
	return api_send_read(s->request->body, &facts, &s->arena, &s->text, &s->what, fault);
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

void web_send(struct http_call *call)
{
	struct web *web = call->web;
	struct sending *s = heap_new(web->heap, struct sending);
	struct api_fault fault;

	s->web = web;
	s->request = call->request;
	s->arena = arena_init(web->heap, API_SEND_ARENA_MAX + SASL_LOGIN_MAX);
	s->text = buffer_init(web->heap, (size_t)web->frame.config->message_size_max);
	s->timer = (struct os_timer){ .fire = on_timer, .owner = s };
	s->config.hostname = web->frame.config->hostname;
	if (!read_body(s, &fault)) {
		refuse(s, &fault);
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
