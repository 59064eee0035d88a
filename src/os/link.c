/* os/link.c - one connection of a client engine. */
#include "os/link.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"

static struct link *link_of(struct stream *stream)
{
	return stream_owner(stream);
}

/* ---- the stream ---- */

void link_flush(struct link *link)
{
	while (link->is_up && !link->finishing) {
		slice out = link->handler->output(link);
		size_t room = stream_room(link->stream);

		if (out.len > room)
			out = slice_head(out, room);
		if (out.len == 0)
			return;
		stream_write(link->stream, out);
		link->handler->sent(link, out.len);
	}
}

static size_t on_data(struct stream *stream, slice in)
{
	struct link *link = link_of(stream);
	size_t used = 0;

	if (!link->is_up || link->finishing)
		return in.len;
	while (!link->finishing && used < in.len) {
		size_t n = link->handler->data(link, slice_drop(in, used));

		if (n == 0)
			break;
		used += n;
	}
	link_flush(link);
	return link->finishing ? in.len : used;
}

static void on_drained(struct stream *stream)
{
	link_flush(link_of(stream));
}

static void on_secured(struct stream *stream)
{
	struct link *link = link_of(stream);

	if (link->finishing || tls_session_state(stream_tls(stream)) != TLS_OPEN)
		return;                 /* closed() follows */
	if (link->is_up) {
		link->handler->secured(link);
	} else {
		link->is_up = true;
		link->handler->up(link);
	}
	link_flush(link);
}

static void on_closed(struct stream *stream, int error)
{
	struct link *link = link_of(stream);
	const struct tls_session *tls = stream_tls(stream);

	if (tls != NULL && tls_session_state(tls) == TLS_FAILED) {
		snprintf(link->words, sizeof link->words, "TLS: %s", tls_session_error(tls));
		link->distrusts = tls_session_distrusts(tls);
		link_finish(link, link->words);
	} else if (error != 0) {
		snprintf(link->words, sizeof link->words, "connection lost: %s",
		    strerror(-error));
		link_finish(link, link->words);
	} else {
		link_finish(link, "the server closed the connection");
	}
}

static const struct stream_handler stream_handler = {
	.data = on_data, .drained = on_drained, .secured = on_secured, .closed = on_closed,
};

static void start_stream(struct link *link, int fd)
{
	link->stream = stream_create(link->os, fd, LINK_INPUT_MAX, LINK_OUTPUT_MAX,
	    &stream_handler, link);
	stream_read_always(link->stream);
	if (link->tls != NULL) {
		stream_secure(link->stream, link->tls, link->server_name);
		return;
	}
	link->is_up = true;
	link->handler->up(link);
	link_flush(link);
}

static void on_dialled(struct dial *dial, int fd)
{
	struct link *link = dial->owner;

	if (fd >= 0 && link->finishing) {
		os_close(link->os, fd);
		return;
	}
	if (fd >= 0) {
		start_stream(link, fd);
		return;
	}
	snprintf(link->words, sizeof link->words, "can't connect: %s", strerror(-fd));
	link_finish(link, link->words);
}

/* ---- what may not happen inside a handler of the stream ---- */

static void tear_down(struct link *link)
{
	const char *why = link->why;

	dial_stop(&link->dial);
	os_timer_stop(link->os, &link->clock);
	stream_destroy(link->stream);
	link->stream = NULL;
	link->open = link->is_up = link->finishing = link->securing = false;
	link->why = NULL;
	link->handler->down(link, why);
}

static void on_later(struct os_defer *defer)
{
	struct link *link = defer->owner;

	if (link->finishing) {
		tear_down(link);
	} else if (link->securing) {
		link->securing = false;
		stream_secure(link->stream, link->tls, link->server_name);
	}
}

static void on_clock(struct os_timer *timer)
{
	link_finish(timer->owner, "the server took too long");
}

/* ---- what the owner calls ---- */

void link_init(struct link *link, struct os *os, const struct link_handler *handler,
    void *owner)
{
	*link = (struct link){ .os = os, .handler = handler, .owner = owner,
	    .server_name = "localhost" };
	dial_init(&link->dial, os, on_dialled, link);
	link->clock = (struct os_timer){ .fire = on_clock, .owner = link };
	link->later = (struct os_defer){ .run = on_later, .owner = link };
}

void link_open(struct link *link, const struct os_address *address, struct tls_context *tls,
    uint64_t patience_ms)
{
	check(!link->open);
	link->open = true;
	link->distrusts = false;
	link->tls = tls;
	link_patience(link, patience_ms);
	if (!dial_start(&link->dial, address))
		link_finish(link, "can't connect: no sockets left, or no such address");
}

void link_secure(struct link *link, struct tls_context *tls)
{
	link->tls = tls;
	link->securing = true;
	os_defer(link->os, &link->later);
}

const struct tls_session *link_tls(const struct link *link)
{
	return link->is_up ? stream_tls(link->stream) : NULL;
}

void link_patience(struct link *link, uint64_t patience_ms)
{
	os_timer_start(link->os, &link->clock, patience_ms);
}

void link_finish(struct link *link, const char *why)
{
	if (!link->open || link->finishing)
		return;
	link->finishing = true;
	link->why = why;
	os_defer(link->os, &link->later);
}
