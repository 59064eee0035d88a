/* cli/bench_imap_peer.c - a connection of bench imap: opened, logged in, and its events. */
#include <stdio.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/bench_imap.h"

void bench_imap_fault(struct bench_imap *b, slice words)
{
	if (b->first_fault[0] == 0)
		text_printable(words, b->first_fault, sizeof b->first_fault);
}

void bench_imap_fault_event(struct bench_imap *b, const char *what,
    const struct imap_client_event *event)
{
	char words[200];

	snprintf(words, sizeof words, "%.60s: %.*s %.*s", what, (int)(event->name.len < 20 ?
	    event->name.len : 20), (const char *)event->name.ptr, (int)(event->text.len < 100 ?
	    event->text.len : 100), (const char *)event->text.ptr);
	bench_imap_fault(b, slice_from(words));
}

void bench_imap_command(struct bench_imap_peer *peer, const char *text)
{
	imap_client_command(peer->client, slice_from(text));
}

/* ---- the login ---- */

static void log_in(struct bench_imap_peer *peer)
{
	struct bench_imap *b = peer->bench;
	struct buffer line = buffer_init(os_heap(b->os), 4 * (SASL_LOGIN_MAX + SASL_SECRET_MAX));

	buffer_add(&line, slice_lit("LOGIN "));
	/* The plan's were judged. */
	check(imap_client_quote(&line, b->plan.login));
	buffer_add(&line, slice_lit(" "));
	check(imap_client_quote(&line, b->plan.secret));
	imap_client_command(peer->client, buffer_bytes(&line));
	buffer_free(&line);
}

static void before_ready(struct bench_imap_peer *peer, const struct imap_client_event *event)
{
	if (event->kind == IMAP_CLIENT_EVENT_GREETING && event->status == IMAP_CLIENT_OK) {
		log_in(peer);
	} else if (event->kind == IMAP_CLIENT_EVENT_DONE && event->status == IMAP_CLIENT_OK) {
		peer->is_ready = true;
		peer->handler->ready(peer);
	} else if (event->kind != IMAP_CLIENT_EVENT_RESPONSE) {
		bench_imap_fault_event(peer->bench, "login", event);
		link_finish(&peer->link, NULL);
	}
}

static void on_event(struct bench_imap_peer *peer, const struct imap_client_event *event)
{
	if (event->kind == IMAP_CLIENT_EVENT_FAILED) {
		bench_imap_fault(peer->bench, event->text);
		link_finish(&peer->link, NULL);
	} else if (peer->is_ready) {
		peer->handler->event(peer, event);
	} else {
		before_ready(peer, event);
	}
}

/* ---- the link ---- */

static void on_up(struct link *link)
{
	struct bench_imap_peer *peer = link->owner;

	/* Literals are counted, not looked at. */
	peer->client = imap_client_create(os_heap(link->os), 0);
}

static size_t on_data(struct link *link, slice in)
{
	struct bench_imap_peer *peer = link->owner;
	struct imap_client_event event;
	size_t used = 0, n = 1;

	link_patience(link, BENCH_IMAP_PATIENCE_MS);
	while (n > 0 && !link->finishing) {
		n = imap_client_feed(peer->client, slice_drop(in, used));
		used += n;
		peer->bytes += n;
		while (!link->finishing && imap_client_next(peer->client, &event))
			on_event(peer, &event);
	}
	return used;
}

static slice on_output(struct link *link)
{
	struct bench_imap_peer *peer = link->owner;

	return imap_client_output(peer->client);
}

static void on_sent(struct link *link, size_t n)
{
	struct bench_imap_peer *peer = link->owner;

	imap_client_sent(peer->client, n);
	if (peer->handler->sent != NULL && peer->is_ready)
		peer->handler->sent(peer);
}

static void on_down(struct link *link, const char *why)
{
	struct bench_imap_peer *peer = link->owner;

	imap_client_destroy(peer->client);
	peer->client = NULL;
	if (why != NULL)
		bench_imap_fault(peer->bench, slice_from(why));
	peer->handler->down(peer);
}

static const struct link_handler handler = {
	.up = on_up, .data = on_data, .output = on_output, .sent = on_sent, .down = on_down,
};

void bench_imap_open(struct bench_imap_peer *peer)
{
	struct bench_imap *b = peer->bench;

	peer->is_ready = false;
	link_init(&peer->link, b->os, &handler, peer);
	link_open(&peer->link, &b->plan.server, b->plan.tls ? b->tls : NULL, BENCH_IMAP_PATIENCE_MS);
}

void bench_imap_close(struct bench_imap_peer *peer)
{
	if (peer->link.open)
		link_finish(&peer->link, NULL);
}
