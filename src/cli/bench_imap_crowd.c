/* cli/bench_imap_crowd.c - many sessions: login, SELECT, FETCH, LOGOUT, again and again. */
#include "base/check.h"
#include "base/limits.h"
#include "cli/bench_imap.h"

static const char *const commands[] = {
	("SELECT " BENCH_IMAP_FEW_BOX), "FETCH 1:20 (UID FLAGS ENVELOPE)", "LOGOUT",
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

struct visitor {
	struct bench_imap_peer peer;
	unsigned said;                  /* of the commands */
	uint64_t began_us;
};

struct bench_imap_crowd {
	struct visitor *visitors;
	unsigned long next;             /* sessions that were begun */
	unsigned long active;
};

static bool come(struct visitor *v)
{
	struct bench_imap *b = v->peer.bench;

	if (b->crowd->next == b->plan.logins)
		return false;
	b->crowd->next++;
	v->said = 0;
	v->began_us = os_now_us(b->os);
	bench_imap_open(&v->peer);
	return true;
}

static void say_next(struct visitor *v)
{
	bench_imap_command(&v->peer, commands[v->said++]);
}

static void on_ready(struct bench_imap_peer *peer)
{
	say_next((struct visitor *)peer);
}

static void on_event(struct bench_imap_peer *peer, const struct imap_client_event *event)
{
	struct visitor *v = (struct visitor *)peer;
	struct bench_imap *b = peer->bench;

	if (event->kind != IMAP_CLIENT_EVENT_DONE)
		return;
	if (event->status != IMAP_CLIENT_OK) {
		bench_imap_fault_event(b, commands[v->said - 1], event);
		bench_imap_close(peer);
	} else if (v->said < COMMANDS) {
		say_next(v);
	} else {
		bench_imap_add_latency(&b->latencies, os_now_us(b->os) - v->began_us);
		bench_imap_close(peer);
	}
}

static void on_down(struct bench_imap_peer *peer)
{
	struct visitor *v = (struct visitor *)peer;
	struct bench_imap *b = peer->bench;

	if (come(v))
		return;
	if (--b->crowd->active > 0)
		return;
	heap_free(os_heap(b->os), b->crowd->visitors);
	heap_free(os_heap(b->os), b->crowd);
	b->crowd = NULL;
	if (!b->over)
		bench_imap_crowd_done(b);
}

static const struct bench_imap_handler handler = {
	.ready = on_ready, .event = on_event, .down = on_down,
};

void bench_imap_crowd_start(struct bench_imap *b)
{
	struct bench_imap_crowd *crowd = heap_new(os_heap(b->os), struct bench_imap_crowd);

	/* The first connection waits as long as the others take. */
	link_patience(&b->peer.link, UINT32_MAX);
	b->crowd = crowd;
	crowd->visitors = heap_alloc(os_heap(b->os), b->plan.sessions * sizeof *crowd->visitors);
	crowd->active = b->plan.sessions;
	for (unsigned long i = 0; i < b->plan.sessions; i++) {
		crowd->visitors[i].peer = (struct bench_imap_peer){ .bench = b, .handler = &handler };
		come(&crowd->visitors[i]);
	}
}
