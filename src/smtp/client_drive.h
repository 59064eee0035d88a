/* smtp/client_drive.h - plays the caller of a client engine, for its test and its
 * fuzz target: sends the given messages, one after the other, then QUIT, and
 * keeps what came out and what was raised, in words. */
#ifndef SMTP_CLIENT_DRIVE_H
#define SMTP_CLIENT_DRIVE_H

#include "base/check.h"
#include "smtp/client.h"

struct drive {
	struct heap *heap;
	struct smtp_client_config config;
	bool secure;
	const struct smtp_client_message *messages;
	size_t n_messages, next;
	slice body;
	struct smtp_client *c;
	struct buffer in, out, events;
	size_t send_max;                /* bytes that leave at once */
	size_t n_sent;                  /* SENT events */
	bool tls_wanted, over;
};

static inline void drive_start(struct drive *d)
{
	d->heap = heap_create(SIZE_MAX);
	d->in = buffer_init(d->heap, SIZE_MAX);
	d->out = buffer_init(d->heap, SIZE_MAX);
	d->events = buffer_init(d->heap, SIZE_MAX);
	d->config.hostname = slice_lit("me.test");
	d->c = smtp_client_create(d->heap, &d->config, d->secure);
}

static inline void drive_stop(struct drive *d)
{
	smtp_client_destroy(d->c);
	heap_drop(d->heap);
}

static inline bool drive_send(struct drive *d)
{
	slice out = smtp_client_output(d->c);

	if (out.len > d->send_max)
		out = slice_head(out, d->send_max);
	if (out.len == 0)
		return false;
	buffer_add(&d->out, out);
	smtp_client_sent(d->c, out.len);
	return true;
}

static inline void drive_body(struct drive *d)
{
	slice rest = d->body;

	while (rest.len > 0) {
		size_t taken = smtp_client_body(d->c, rest);

		check(taken > 0 || drive_send(d));
		rest = slice_drop(rest, taken);
	}
	smtp_client_body_end(d->c);
}

static inline void drive_event(struct drive *d, const struct smtp_client_event *e)
{
	check(!d->over);
	switch (e->kind) {
	case SMTP_CLIENT_EVENT_STARTTLS:
		check(!d->secure);
		buffer_printf(&d->events, "starttls\n");
		d->tls_wanted = true;
		break;
	case SMTP_CLIENT_EVENT_READY:
		buffer_printf(&d->events, "ready\n");
		if (d->next < d->n_messages)
			smtp_client_send(d->c, &d->messages[d->next++]);
		else
			smtp_client_quit(d->c);
		break;
	case SMTP_CLIENT_EVENT_RCPT:
		check(e->index < d->messages[d->next - 1].n_recipients);
		buffer_printf(&d->events, "rcpt %zu %u %.*s\n", e->index, e->code,
		    slice_arg(e->text));
		break;
	case SMTP_CLIENT_EVENT_BODY:
		buffer_printf(&d->events, "body\n");
		drive_body(d);
		break;
	case SMTP_CLIENT_EVENT_SENT:
		d->n_sent++;
		check(d->n_sent == d->next);
		buffer_printf(&d->events, "sent %u%s %.*s\n", e->code,
		    e->local ? " local" : "", slice_arg(e->text));
		break;
	case SMTP_CLIENT_EVENT_FAILED:
		buffer_printf(&d->events, "failed%s %u %.*s\n",
		    e->step == SMTP_CLIENT_STEP_STARTTLS ? " starttls" :
		    e->step == SMTP_CLIENT_STEP_LOGIN ? " login" : "", e->code,
		    slice_arg(e->text));
		d->over = true;
		break;
	case SMTP_CLIENT_EVENT_CLOSED:
		buffer_printf(&d->events, "closed\n");
		d->over = true;
		break;
	}
}

/* Let the engine go as far as it can. */
static inline void drive_run(struct drive *d)
{
	bool moved;

	do {
		struct smtp_client_event event;
		size_t used;

		while (d->send_max > 1 && drive_send(d))
			;
		used = smtp_client_feed(d->c, buffer_bytes(&d->in));
		moved = used > 0;
		buffer_consume(&d->in, used);
		while (smtp_client_next(d->c, &event)) {
			drive_event(d, &event);
			moved = true;
		}
		moved |= drive_send(d);
	} while (moved);
}

static inline void drive_feed(struct drive *d, slice part)
{
	buffer_add(&d->in, part);
	drive_run(d);
}

/* The handshake is through, if one was asked for. */
static inline void drive_secure(struct drive *d)
{
	if (!d->tls_wanted || d->over)
		return;
	d->tls_wanted = false;
	d->secure = true;
	smtp_client_secured(d->c);
	drive_run(d);
}

#endif
