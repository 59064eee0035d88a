/* cli/bench_pop3.c - how many messages are in the mailboxes: some at a time, a
 * connection each (a POP3 session does not see what comes later); round after
 * round while something is missing. */
#include "base/check.h"
#include "base/limits.h"
#include "cli/bench.h"

/* One connection after the other. */
struct probe {
	struct bench_poll *poll;
	struct link link;
	struct pop3_client *client;
	struct pop3_client_config config;
	enum pop3_command command;
	struct bench_mailbox *mailbox;  /* that is asked */
	bool got;                       /* its answer */
};

struct bench_poll {
	struct bench *bench;
	struct probe probes[BENCH_PROBES];
	unsigned active;                /* probes with a connection */
	struct os_timer again;
	size_t at;                      /* the next mailbox of this round */
	bool stopped;
	uint64_t progress_ms;           /* when something new was seen last */
};

static bool complete(const struct bench_mailbox *m)
{
	return m->now >= m->before + m->expected;
}

static void end(struct bench_poll *p, bool ok)
{
	struct bench *b = p->bench;

	b->poll = NULL;
	os_timer_stop(b->os, &p->again);
	heap_free(os_heap(b->os), p);
	bench_counted(b, ok);
}

/* The next mailbox of this round that misses something; false: there is none. */
static bool ask_next(struct probe *probe)
{
	struct bench_poll *p = probe->poll;
	struct bench *b = p->bench;
	struct bench_mailbox *m = b->plan.mailboxes;

	while (p->at < b->plan.n_mailboxes && b->waiting && complete(&m[p->at]))
		p->at++;
	if (p->at == b->plan.n_mailboxes || p->stopped)
		return false;
	probe->mailbox = &m[p->at++];
	probe->got = false;
	probe->config = (struct pop3_client_config){
		.clear_login = os_ip_is_loopback(b->plan.pop3.ip),
		.login = probe->mailbox->login, .secret = probe->mailbox->secret };
	p->active++;
	link_open(&probe->link, &b->plan.pop3, NULL, BENCH_PATIENCE_MS);
	return true;
}

static bool all_complete(const struct bench *b)
{
	for (size_t i = 0; i < b->plan.n_mailboxes; i++) {
		if (!complete(&b->plan.mailboxes[i]))
			return false;
	}
	return true;
}

/* Nobody is asked just now. */
static void end_round(struct bench_poll *p)
{
	struct bench *b = p->bench;

	if (p->stopped) {
		end(p, false);
	} else if (!b->waiting || all_complete(b)) {
		end(p, true);
	} else if (os_now_ms(b->os) - p->progress_ms > BENCH_STALL_MS) {
		bench_fault(b, slice_lit("messages are missing from the mailboxes"));
		end(p, false);
	} else {
		os_timer_start(b->os, &p->again, BENCH_POLL_MS);
	}
}

static void begin_round(struct bench_poll *p)
{
	p->at = 0;
	for (size_t i = 0; i < BENCH_PROBES; i++) {
		if (!ask_next(&p->probes[i]))
			break;
	}
	if (p->active == 0)
		end_round(p);
}

static void on_again(struct os_timer *timer)
{
	begin_round(timer->owner);
}

/* ---- one mailbox ---- */

static void on_count(struct probe *probe, uint64_t count)
{
	struct bench_mailbox *m = probe->mailbox;
	struct bench *b = probe->poll->bench;

	probe->got = true;
	if (!b->waiting) {
		m->before = m->now = count;
		return;
	}
	if (count <= m->now)
		return;
	b->result.delivered += count - m->now;
	b->result.delivered_us = os_now_us(b->os);
	m->now = count;
	probe->poll->progress_ms = os_now_ms(b->os);
}

static void on_done(struct probe *probe, const struct pop3_client_event *event)
{
	if (probe->command != POP3_STAT)
		return;
	if (event->ok)
		on_count(probe, event->number);
	probe->command = POP3_QUIT;
	pop3_client_command(probe->client, POP3_QUIT, 0, 0);
}

static void on_event(struct probe *probe, const struct pop3_client_event *event)
{
	switch (event->kind) {
	case POP3_CLIENT_EVENT_READY:
		probe->command = POP3_STAT;
		pop3_client_command(probe->client, POP3_STAT, 0, 0);
		break;
	case POP3_CLIENT_EVENT_DONE:
		on_done(probe, event);
		break;
	case POP3_CLIENT_EVENT_FAILED:
		bench_fault(probe->poll->bench, event->text);
		link_finish(&probe->link, NULL);
		break;
	case POP3_CLIENT_EVENT_CLOSED:
		link_finish(&probe->link, NULL);
		break;
	case POP3_CLIENT_EVENT_STLS:            /* none of these was asked for */
	case POP3_CLIENT_EVENT_ITEM:
	case POP3_CLIENT_EVENT_BODY:
		break;
	}
}

/* ---- the link ---- */

static void on_up(struct link *link)
{
	struct probe *probe = link->owner;

	probe->client = pop3_client_create(os_heap(link->os), &probe->config, false);
}

static size_t on_data(struct link *link, slice in)
{
	struct probe *probe = link->owner;
	size_t used = pop3_client_feed(probe->client, in);
	struct pop3_client_event event;

	while (!link->finishing && pop3_client_next(probe->client, &event))
		on_event(probe, &event);
	return used;
}

static slice on_output(struct link *link)
{
	struct probe *probe = link->owner;

	return pop3_client_output(probe->client);
}

static void on_sent(struct link *link, size_t n)
{
	struct probe *probe = link->owner;

	pop3_client_sent(probe->client, n);
}

static void on_down(struct link *link, const char *why)
{
	struct probe *probe = link->owner;
	struct bench_poll *p = probe->poll;

	pop3_client_destroy(probe->client);
	probe->client = NULL;
	check(p->active > 0);
	p->active--;
	if (why != NULL)
		bench_fault(p->bench, slice_from(why));
	/* Without a baseline there is nothing to compare with. */
	if (!probe->got && !p->bench->waiting)
		p->stopped = true;
	if (!ask_next(probe) && p->active == 0)
		end_round(p);
}

static const struct link_handler handler = {
	.up = on_up, .data = on_data, .output = on_output, .sent = on_sent, .down = on_down,
};

/* ---- start and stop ---- */

void bench_pop3_start(struct bench *b)
{
	struct bench_poll *p = heap_new(os_heap(b->os), struct bench_poll);

	check(b->poll == NULL);
	b->poll = p;
	p->bench = b;
	p->progress_ms = os_now_ms(b->os);
	p->again = (struct os_timer){ .fire = on_again, .owner = p };
	for (size_t i = 0; i < BENCH_PROBES; i++) {
		p->probes[i].poll = p;
		link_init(&p->probes[i].link, b->os, &handler, &p->probes[i]);
	}
	begin_round(p);
}

void bench_pop3_stop(struct bench *b)
{
	struct bench_poll *p = b->poll;

	if (p == NULL)
		return;
	p->stopped = true;
	if (p->active == 0) {
		end(p, false);
		return;
	}
	for (size_t i = 0; i < BENCH_PROBES; i++) {
		if (p->probes[i].link.open)
			link_finish(&p->probes[i].link, NULL);
	}
}
