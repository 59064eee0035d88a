/* cli/bench_pop3.c - how many messages are in the mailboxes: one after the other,
 * a connection each (a POP3 session does not see what comes later); round after
 * round while something is missing. */
#include "base/check.h"
#include "base/limits.h"
#include "cli/bench.h"

struct bench_poll {
	struct bench *bench;
	struct link link;
	struct pop3_client *client;
	struct pop3_client_config config;
	enum pop3_command command;
	struct os_timer again;
	size_t at;                      /* the mailbox that is asked */
	bool got;                       /* its answer */
	bool stopped;
	uint64_t progress_ms;           /* when something new was seen last */
};

static struct bench_mailbox *mailbox(struct bench_poll *p)
{
	return &p->bench->plan.mailboxes[p->at];
}

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

/* The next mailbox of this round that misses something; false: the round is over. */
static bool ask_next(struct bench_poll *p)
{
	struct bench *b = p->bench;

	while (p->at < b->plan.n_mailboxes && b->waiting && complete(mailbox(p)))
		p->at++;
	if (p->at == b->plan.n_mailboxes)
		return false;
	p->got = false;
	p->config = (struct pop3_client_config){ .clear_login = os_ip_is_loopback(b->plan.pop3.ip),
		.login = mailbox(p)->login, .secret = mailbox(p)->secret };
	link_open(&p->link, &b->plan.pop3, NULL, BENCH_PATIENCE_MS);
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

static void go_on(struct bench_poll *p)
{
	struct bench *b = p->bench;

	if (p->stopped) {
		end(p, false);
	} else if (ask_next(p)) {
		return;
	} else if (!b->waiting || all_complete(b)) {
		end(p, true);
	} else if (os_now_ms(b->os) - p->progress_ms > BENCH_STALL_MS) {
		bench_fault(b, slice_lit("messages are missing from the mailboxes"));
		end(p, false);
	} else {
		os_timer_start(b->os, &p->again, BENCH_POLL_MS);
	}
}

static void on_again(struct os_timer *timer)
{
	struct bench_poll *p = timer->owner;

	p->at = 0;
	go_on(p);
}

/* ---- one mailbox ---- */

static void on_count(struct bench_poll *p, uint64_t count)
{
	struct bench_mailbox *m = mailbox(p);
	struct bench *b = p->bench;

	p->got = true;
	if (!b->waiting) {
		m->before = m->now = count;
		return;
	}
	if (count <= m->now)
		return;
	b->result.delivered += count - m->now;
	b->result.delivered_us = os_now_us(b->os);
	m->now = count;
	p->progress_ms = os_now_ms(b->os);
}

static void on_done(struct bench_poll *p, const struct pop3_client_event *event)
{
	if (p->command != POP3_STAT)
		return;
	if (event->ok)
		on_count(p, event->number);
	p->command = POP3_QUIT;
	pop3_client_command(p->client, POP3_QUIT, 0, 0);
}

static void on_event(struct bench_poll *p, const struct pop3_client_event *event)
{
	switch (event->kind) {
	case POP3_CLIENT_EVENT_READY:
		p->command = POP3_STAT;
		pop3_client_command(p->client, POP3_STAT, 0, 0);
		break;
	case POP3_CLIENT_EVENT_DONE:
		on_done(p, event);
		break;
	case POP3_CLIENT_EVENT_FAILED:
		bench_fault(p->bench, event->text);
		link_finish(&p->link, NULL);
		break;
	case POP3_CLIENT_EVENT_CLOSED:
		link_finish(&p->link, NULL);
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
	struct bench_poll *p = link->owner;

	p->client = pop3_client_create(os_heap(link->os), &p->config, false);
}

static size_t on_data(struct link *link, slice in)
{
	struct bench_poll *p = link->owner;
	size_t used = pop3_client_feed(p->client, in);
	struct pop3_client_event event;

	while (!link->finishing && pop3_client_next(p->client, &event))
		on_event(p, &event);
	return used;
}

static slice on_output(struct link *link)
{
	struct bench_poll *p = link->owner;

	return pop3_client_output(p->client);
}

static void on_sent(struct link *link, size_t n)
{
	struct bench_poll *p = link->owner;

	pop3_client_sent(p->client, n);
}

static void on_down(struct link *link, const char *why)
{
	struct bench_poll *p = link->owner;

	pop3_client_destroy(p->client);
	p->client = NULL;
	if (why != NULL)
		bench_fault(p->bench, slice_from(why));
	/* Without a baseline there is nothing to compare with. */
	if (!p->got && !p->bench->waiting) {
		end(p, false);
		return;
	}
	p->at++;
	go_on(p);
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
	link_init(&p->link, b->os, &handler, p);
	go_on(p);
}

void bench_pop3_stop(struct bench *b)
{
	struct bench_poll *p = b->poll;

	if (p == NULL)
		return;
	p->stopped = true;
	if (p->link.open)
		link_finish(&p->link, NULL);
	else
		end(p, false);
}
