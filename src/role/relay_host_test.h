/* role/relay_host_test.h - next hosts of a simulated world: SMTP servers that do what
 * a test wrote down, and keep what they were given. For tests of the relay.
 *
 *   steps[AT_MAIL] = { "451 not now" }           always this reply
 *   steps[AT_MAIL] = { "451 not now", .times = 1 }       to the first MAIL only
 *   steps[AT_DOT]  = { .close = true }           no reply: the connection is gone
 *   rules[0]       = { "r0.1@", "550 nobody" }   to RCPTs that begin like this */
#ifndef ROLE_RELAY_HOST_TEST_H
#define ROLE_RELAY_HOST_TEST_H

#include <stdio.h>

#include "base/buffer.h"
#include "os/os_sim.h"
#include "os/stream.h"
#include "unit.h"

enum step {
	AT_CONNECT, AT_EHLO, AT_STARTTLS, AT_AUTH, AT_MAIL, AT_RCPT, AT_DATA,
	IN_BODY, AT_DOT, AT_RSET, AT_QUIT, STEPS
};

enum { HOST_LINE_MAX = 4096, HOST_CONNECTIONS_MAX = 4096, HOST_RECIPIENTS_MAX = 200 };

struct script {
	const char *reply;              /* NULL: what a server says that is content */
	unsigned times;                 /* 0: always */
	bool close, silent;
	uint64_t delay_ms;
};

struct rule {
	const char *begins, *reply;
	unsigned times;
};

struct next_host {
	struct sim_host *host;
	struct os *os;
	struct heap *heap;
	int fd;
	struct os_watch watch;
	struct script steps[STEPS];
	struct rule rules[4];
	slice banner;                   /* instead of all replies */
	uint64_t drip_ms;               /* between bytes of the greeting; 0: at once */
	slice chain, key;               /* PEM: for STARTTLS, or ... */
	bool implicit;                  /* ... from the first byte */
	struct tls_context *tls;
	unsigned logins, clear_logins;  /* AUTH, of them without TLS */
	char login[1024];               /* its lines, the last one's */
	unsigned connections, open, open_max, mails, taken;
	uint64_t connected_us[HOST_CONNECTIONS_MAX];
	/* A message was taken: 250 was said, or would have been. */
	void (*took)(struct next_host *h, slice from, const slice *to, size_t n, slice text);
};

struct visit {
	struct next_host *host;
	struct stream *stream;
	struct os_timer timer;
	bool busy, in_body, ended;
	bool mailing;                   /* MAIL was taken */
	bool authing;                   /* 334 was said */
	enum step step;                 /* what the timer answers */
	const char *reply;
	size_t dripped;
	slice from, to[HOST_RECIPIENTS_MAX];
	size_t n_to;
	struct buffer text;
};

static const char *const content[STEPS] = {
	[AT_CONNECT] = "220 next ESMTP", [AT_EHLO] = "250-next\r\n250-PIPELINING\r\n250 SIZE",
	[AT_STARTTLS] = "220 2.0.0 go", [AT_AUTH] = "235 2.7.0 welcome",
	[AT_MAIL] = "250 2.1.0 ok", [AT_RCPT] = "250 2.1.5 ok", [AT_DATA] = "354 go on",
	[AT_DOT] = "250 2.0.0 taken", [AT_RSET] = "250 2.0.0 ok", [AT_QUIT] = "221 2.0.0 bye",
};

static void visit_end(struct visit *v, bool politely)
{
	if (v->ended)
		return;
	v->ended = true;
	v->busy = true;
	v->host->open--;
	os_timer_stop(v->host->os, &v->timer);
	if (politely)
		stream_end(v->stream);
	else
		stream_destroy(v->stream);
}

static void visit_forget(struct visit *v)
{
	v->n_to = 0;
	v->from = (slice){ 0 };
	buffer_truncate(&v->text, 0);
}

static void visit_reply(struct visit *v, enum step step, const char *reply)
{
	struct next_host *h = v->host;

	if (step == AT_DOT) {
		if (reply[0] == '2' && h->took != NULL)
			h->took(h, v->from, v->to, v->n_to, buffer_bytes(&v->text));
		h->taken += reply[0] == '2';
		visit_forget(v);
	}
	if (step == AT_RCPT && reply[0] != '2')
		v->n_to--;
	if (step == AT_MAIL)
		v->mailing = reply[0] == '2';
	v->in_body = step == AT_DATA && reply[0] == '3';
	v->authing = step == AT_AUTH && reply[0] == '3';
	stream_write(v->stream, slice_from(reply));
	stream_write(v->stream, slice_lit("\r\n"));
	if (step == AT_STARTTLS && reply[0] == '2')
		stream_secure(v->stream, h->tls, NULL);
	if (step == AT_QUIT)
		visit_end(v, true);
}

static void visit_timer(struct os_timer *timer)
{
	struct visit *v = timer->owner;
	struct next_host *h = v->host;

	if (v->step == AT_CONNECT && h->drip_ms > 0 && v->dripped < strlen(v->reply)) {
		stream_write(v->stream, slice_of(v->reply + v->dripped++, 1));
		os_timer_start(h->os, &v->timer, h->drip_ms);
		return;
	}
	v->busy = false;
	if (v->step == AT_CONNECT && h->drip_ms > 0)
		stream_write(v->stream, slice_lit("\r\n"));
	else
		visit_reply(v, v->step, v->reply);
	if (!v->ended)
		stream_resume(v->stream);
}

static const char *rule_for(struct next_host *h, slice to)
{
	for (size_t i = 0; i < sizeof h->rules / sizeof *h->rules; i++) {
		struct rule *rule = &h->rules[i];

		if (rule->begins == NULL || !slice_starts_ascii(to, slice_from(rule->begins)))
			continue;
		if (rule->times != 0 && --rule->times == 0)
			rule->begins = NULL;
		return rule->reply;
	}
	return NULL;
}

/* Say and do what is written down for a step. */
static void visit_step(struct visit *v, enum step step)
{
	struct next_host *h = v->host;
	struct script *script = &h->steps[step], now = *script;
	const char *reply = now.reply;

	if (now.times != 0 && --script->times == 0)
		*script = (struct script){ 0 };
	if (reply == NULL && step == AT_RCPT)
		reply = rule_for(h, v->to[v->n_to - 1]);
	if (now.silent) {
		v->busy = true;
		return;
	}
	if (now.close && reply == NULL) {
		/* It may have taken the message, and said nothing. */
		if (step == AT_DOT && h->took != NULL)
			h->took(h, v->from, v->to, v->n_to, buffer_bytes(&v->text));
		visit_end(v, false);
		return;
	}
	if (reply == NULL)
		reply = content[step];
	if (now.delay_ms > 0 || (step == AT_CONNECT && h->drip_ms > 0)) {
		v->busy = true;
		v->step = step;
		v->reply = reply;
		os_timer_start(h->os, &v->timer, now.delay_ms + h->drip_ms);
		return;
	}
	if (reply != NULL)
		visit_reply(v, step, reply);
	if (now.close)
		visit_end(v, true);
}

static slice path_of(struct visit *v, slice line)
{
	size_t from = slice_find_byte(line, '<'), to = slice_find_byte(line, '>');
	slice path = slice_sub(line, from + 1, to - from - 1);
	unsigned char *copy = heap_alloc(v->host->heap, path.len + 1);

	assert_true(to < line.len);
	if (path.len > 0)
		memcpy(copy, path.ptr, path.len);
	return slice_of(copy, path.len);
}

static void visit_auth(struct visit *v, slice line, bool first)
{
	struct next_host *h = v->host;
	size_t n = first ? 0 : strlen(h->login);

	h->logins += first;
	h->clear_logins += first && stream_tls(v->stream) == NULL;
	snprintf(h->login + n, sizeof h->login - n, "%.*s", slice_arg(line));
	visit_step(v, AT_AUTH);
}

static void visit_command(struct visit *v, slice line)
{
	if (v->authing) {
		visit_auth(v, line, false);
	} else if (slice_starts_ascii(line, slice_lit("AUTH"))) {
		visit_auth(v, line, true);
	} else if (slice_starts_ascii(line, slice_lit("STARTTLS"))) {
		visit_step(v, AT_STARTTLS);
	} else if (slice_starts_ascii(line, slice_lit("EHLO")) ||
	    slice_starts_ascii(line, slice_lit("HELO"))) {
		visit_step(v, AT_EHLO);
	} else if (slice_starts_ascii(line, slice_lit("MAIL"))) {
		visit_forget(v);
		v->host->mails++;
		v->from = path_of(v, line);
		visit_step(v, AT_MAIL);
	} else if (slice_starts_ascii(line, slice_lit("RCPT"))) {
		assert_true(v->n_to < HOST_RECIPIENTS_MAX);
		if (!v->mailing) {
			visit_reply(v, AT_RSET, "503 5.5.1 MAIL first");
			return;
		}
		v->to[v->n_to++] = path_of(v, line);
		visit_step(v, AT_RCPT);
	} else if (slice_starts_ascii(line, slice_lit("DATA"))) {
		if (v->n_to == 0)
			visit_reply(v, AT_RSET, "503 5.5.1 nobody to send to");
		else
			visit_step(v, AT_DATA);
	} else if (slice_starts_ascii(line, slice_lit("RSET"))) {
		visit_step(v, AT_RSET);
	} else {
		assert_true(slice_starts_ascii(line, slice_lit("QUIT")));
		visit_step(v, AT_QUIT);
	}
}

static void visit_line(struct visit *v, slice line)
{
	if (!v->in_body) {
		visit_command(v, line);
		return;
	}
	if (slice_equal(line, slice_lit(".\r\n"))) {
		v->in_body = false;
		visit_step(v, AT_DOT);
		return;
	}
	buffer_add(&v->text, slice_drop(line, line.ptr[0] == '.'));
	if (v->host->steps[IN_BODY].close)
		visit_step(v, IN_BODY);
}

static size_t visit_data(struct stream *stream, slice in)
{
	struct visit *v = stream_owner(stream);
	size_t used = 0;

	while (!v->busy && used < in.len) {
		slice rest = slice_drop(in, used);
		size_t end = slice_find(rest, slice_lit("\r\n"));

		if (end >= rest.len)
			break;
		used += end + 2;
		visit_line(v, slice_head(rest, end + 2));
	}
	return used;
}

static void visit_closed(struct stream *stream, int error)
{
	struct visit *v = stream_owner(stream);

	if (!v->ended)
		visit_end(v, false);
	else
		stream_destroy(stream);
}

static const struct stream_handler visit_handler = { visit_data, NULL, NULL,
	visit_closed };

static void host_accept(struct os_watch *watch, int events)
{
	struct next_host *h = watch->owner;
	struct os_address peer;
	int fd;

	while ((fd = os_accept(h->os, h->fd, &peer)) >= 0) {
		struct visit *v = heap_new(h->heap, struct visit);

		assert_true(h->connections < HOST_CONNECTIONS_MAX);
		h->connected_us[h->connections++] = os_now_us(h->os);
		h->open++;
		h->open_max = h->open > h->open_max ? h->open : h->open_max;
		v->host = h;
		v->text = buffer_init(h->heap, SIZE_MAX / 2);
		v->timer = (struct os_timer){ .fire = visit_timer, .owner = v };
		v->stream = stream_create(h->os, fd, 1 << 20, 4 << 20, &visit_handler, v);
		if (h->implicit)
			stream_secure(v->stream, h->tls, NULL);
		if (h->banner.len > 0)
			stream_write(v->stream, h->banner);
		else
			visit_step(v, AT_CONNECT);
	}
}

/* It has an address and no server yet: connections are refused. */
static struct next_host *host_create(struct sim *sim, struct heap *heap, const char *name,
    uint8_t last)
{
	struct next_host *h = heap_new(heap, struct next_host);
	const uint8_t ip[4] = { 10, 0, 0, last };

	h->heap = heap;
	h->fd = -1;
	h->host = sim_host_create(sim, name, ip, 1 << 20);
	return h;
}

static void host_listen(struct next_host *h)
{
	struct os_address address;

	char why[TLS_ERROR_TEXT];

	h->os = sim_process_create(h->host, "next");
	if (h->chain.len > 0) {
		h->tls = tls_server_context(os_heap(h->os), h->chain, h->key, why, sizeof why);
		assert_non_null(h->tls);
	}
	assert_true(os_address_parse(slice_lit("0.0.0.0:25"), &address));
	h->fd = os_listen(h->os, &address, 1000);
	assert_true(h->fd >= 0);
	h->watch = (struct os_watch){ .ready = host_accept, .owner = h };
	os_watch_start(h->os, &h->watch, h->fd, OS_READABLE);
}

static inline void host_die(struct next_host *h)
{
	sim_kill(h->os);
	h->open = 0;
	h->os = NULL;
	h->fd = -1;
}

#endif
