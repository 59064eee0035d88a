/* smtp/client.c - the client's session: replies in, commands out, up to READY. */
#include "smtp/client.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "smtp/client_impl.h"
#include "smtp/reply.h"

/* ---- life ---- */

struct smtp_client *smtp_client_create(struct heap *heap,
    const struct smtp_client_config *config, bool secure)
{
	struct smtp_client *c = heap_new(heap, struct smtp_client);

	check(config->login.len <= SASL_LOGIN_MAX && config->secret.len <= SASL_SECRET_MAX);
	c->heap = heap;
	c->config = config;
	c->expect = EXPECT_GREETING;
	c->secure = secure;
	c->out = buffer_init(heap, SMTP_CLIENT_OUTPUT_MAX);
	c->text = buffer_init(heap, SMTP_REPLY_TEXT_MAX);
	return c;
}

static void wipe_out(struct smtp_client *c, size_t n)
{
	if (n > 0)
		explicit_bzero(c->out.ptr + c->out.start, n);
}

void smtp_client_destroy(struct smtp_client *c)
{
	if (c == NULL)
		return;
	if (c->out_secret)
		wipe_out(c, smtp_client_output(c).len);
	buffer_free(&c->out);
	buffer_free(&c->text);
	heap_free(c->heap, c);
}

/* ---- events ---- */

void smtp_client_raise(struct smtp_client *c, struct smtp_client_event event)
{
	check(c->n_events < sizeof c->events / sizeof c->events[0]);
	c->events[c->n_events++] = event;
}

bool smtp_client_next(struct smtp_client *c, struct smtp_client_event *ret_event)
{
	if (c->n_events == 0)
		return false;
	*ret_event = c->events[0];
	c->events[0] = c->events[1];
	c->n_events--;
	return true;
}

void smtp_client_fail(struct smtp_client *c, unsigned code, slice text)
{
	c->expect = EXPECT_OVER;
	c->open = c->in_body = c->ready = false;
	smtp_client_raise(c, (struct smtp_client_event){
	    .kind = SMTP_CLIENT_EVENT_FAILED, .code = code, .text = text, .step = c->step });
}

void smtp_client_become_ready(struct smtp_client *c)
{
	c->expect = EXPECT_NOTHING;
	c->step = SMTP_CLIENT_STEP_OTHER;
	c->ready = true;
	smtp_client_raise(c, (struct smtp_client_event){ .kind = SMTP_CLIENT_EVENT_READY });
}

/* The last reply says that it can't go on. */
void smtp_client_fail_reply(struct smtp_client *c)
{
	smtp_client_fail(c, c->code, buffer_bytes(&c->text));
}

/* ---- output ---- */

slice smtp_client_output(const struct smtp_client *c)
{
	return buffer_bytes(&c->out);
}

bool smtp_client_output_secret(const struct smtp_client *c)
{
	return c->out_secret;
}

void smtp_client_sent(struct smtp_client *c, size_t n)
{
	if (c->out_secret)
		wipe_out(c, n);
	buffer_consume(&c->out, n);
	if (smtp_client_output(c).len == 0)
		c->out_secret = false;
	smtp_client_pump(c);
}

void smtp_client_command(struct smtp_client *c, const char *command, enum smtp_expect expect)
{
	buffer_printf(&c->out, "%s\r\n", command);
	c->expect = expect;
}

/* ---- EHLO ---- */

static void say_hello(struct smtp_client *c, const char *verb, enum smtp_expect expect)
{
	c->offers = 0;
	c->size_max = 0;
	buffer_printf(&c->out, "%s %.*s\r\n", verb, slice_arg(c->config->hostname));
	c->expect = expect;
}

static void take_size(struct smtp_client *c, slice words)
{
	if (!slice_to_u64(slice_trim(words), UINT64_MAX, &c->size_max))
		c->size_max = 0;
}

static void take_mechanisms(struct smtp_client *c, slice words)
{
	while (words.len > 0) {
		slice name = slice_cut(&words, ' ');

		if (slice_equal_ascii(name, slice_lit("PLAIN")))
			c->offers |= SMTP_CLIENT_AUTH_PLAIN;
		else if (slice_equal_ascii(name, slice_lit("LOGIN")))
			c->offers |= SMTP_CLIENT_AUTH_LOGIN;
	}
}

static const struct {
	const char *keyword;
	unsigned offers;
	void (*parameters)(struct smtp_client *c, slice words);
} extensions[] = {
	{ "PIPELINING", SMTP_CLIENT_PIPELINING, NULL },
	{ "8BITMIME",   SMTP_CLIENT_8BITMIME,   NULL },
	{ "SMTPUTF8",   SMTP_CLIENT_SMTPUTF8,   NULL },
	{ "STARTTLS",   SMTP_CLIENT_STARTTLS,   NULL },
	{ "SIZE",       SMTP_CLIENT_SIZE,       take_size },
	{ "AUTH",       0,                      take_mechanisms },
};

static void take_extensions(struct smtp_client *c)
{
	slice rest = buffer_bytes(&c->text);

	slice_cut(&rest, '\n');         /* the server's name */
	while (rest.len > 0) {
		slice words = slice_cut(&rest, '\n'), keyword = slice_cut(&words, ' ');

		for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
			if (!slice_equal_ascii(keyword, slice_from(extensions[i].keyword)))
				continue;
			c->offers |= extensions[i].offers;
			if (extensions[i].parameters != NULL)
				extensions[i].parameters(c, words);
		}
	}
}

/* ---- greeting to READY ---- */

/* What follows EHLO, once STARTTLS is done or not to be had. */
static void after_tls(struct smtp_client *c)
{
	if (!c->secure && c->config->starttls == SMTP_CLIENT_TLS_REQUIRED) {
		c->step = SMTP_CLIENT_STEP_STARTTLS;
		smtp_client_fail(c, 0, slice_lit("the server does not offer STARTTLS"));
	} else if (c->config->login.len > 0) {
		smtp_client_authenticate(c);
	} else {
		smtp_client_become_ready(c);
	}
}

static void on_greeting(struct smtp_client *c)
{
	if (c->code == 220)
		say_hello(c, "EHLO", EXPECT_EHLO);
	else
		smtp_client_fail_reply(c);
}

static void on_ehlo(struct smtp_client *c)
{
	if (c->code / 100 == 5) {
		say_hello(c, "HELO", EXPECT_HELO);
		return;
	}
	if (c->code != 250) {
		smtp_client_fail_reply(c);
		return;
	}
	take_extensions(c);
	if (!c->secure && c->config->starttls != SMTP_CLIENT_TLS_NONE &&
	    (c->offers & SMTP_CLIENT_STARTTLS))
		smtp_client_command(c, "STARTTLS", EXPECT_STARTTLS);
	else
		after_tls(c);
}

static void on_helo(struct smtp_client *c)
{
	if (c->code == 250)
		after_tls(c);
	else
		smtp_client_fail_reply(c);
}

static void on_starttls(struct smtp_client *c)
{
	if (c->code == 220) {
		c->expect = EXPECT_TLS;
		smtp_client_raise(c, (struct smtp_client_event){
		    .kind = SMTP_CLIENT_EVENT_STARTTLS });
	} else if (c->config->starttls == SMTP_CLIENT_TLS_REQUIRED) {
		c->step = SMTP_CLIENT_STEP_STARTTLS;
		smtp_client_fail_reply(c);
	} else {
		after_tls(c);           /* offered, but not now: opportunistic */
	}
}

void smtp_client_secured(struct smtp_client *c)
{
	check(c->expect == EXPECT_TLS && c->n_events == 0);
	c->secure = true;
	/* RFC 3207 s4.2: what was learned in the clear does not count. */
	say_hello(c, "EHLO", EXPECT_EHLO);
}

/* ---- replies ---- */

static void out_of_turn(struct smtp_client *c)
{
	if (c->code >= 400)
		smtp_client_fail_reply(c);
	else
		smtp_client_fail(c, 0, slice_lit("the server replied out of turn"));
}

static void on_quit(struct smtp_client *c)
{
	c->expect = EXPECT_OVER;
	smtp_client_raise(c, (struct smtp_client_event){ .kind = SMTP_CLIENT_EVENT_CLOSED });
}

enum { MINUTE_MS = 60 * 1000 };

/* What a reply means, and how long to wait for it (RFC 5321 s4.5.3.2). */
static const struct {
	void (*on)(struct smtp_client *c);
	uint64_t patience_ms;
} steps[EXPECT_KINDS] = {
	[EXPECT_NOTHING]      = { out_of_turn,                  3 * MINUTE_MS },
	[EXPECT_GREETING]     = { on_greeting,                  5 * MINUTE_MS },
	[EXPECT_EHLO]         = { on_ehlo,                      5 * MINUTE_MS },
	[EXPECT_HELO]         = { on_helo,                      5 * MINUTE_MS },
	[EXPECT_STARTTLS]     = { on_starttls,                  2 * MINUTE_MS },
	[EXPECT_TLS]          = { NULL,                         2 * MINUTE_MS },
	[EXPECT_AUTH_MESSAGE] = { smtp_client_on_auth_message,  5 * MINUTE_MS },
	[EXPECT_AUTH_SECRET]  = { smtp_client_on_auth_secret,   5 * MINUTE_MS },
	[EXPECT_AUTH]         = { smtp_client_on_auth,          5 * MINUTE_MS },
	[EXPECT_MAIL]         = { smtp_client_on_mail,          5 * MINUTE_MS },
	[EXPECT_RCPT]         = { smtp_client_on_rcpt,          5 * MINUTE_MS },
	[EXPECT_DATA]         = { smtp_client_on_data,          2 * MINUTE_MS },
	[EXPECT_END]          = { smtp_client_on_end,          10 * MINUTE_MS },
	[EXPECT_EMPTY_END]    = { smtp_client_on_empty_end,    10 * MINUTE_MS },
	[EXPECT_RSET]         = { smtp_client_on_rset,          5 * MINUTE_MS },
	[EXPECT_QUIT]         = { on_quit,                      2 * MINUTE_MS },
	[EXPECT_OVER]         = { NULL,                        0              },
};

uint64_t smtp_client_patience_ms(const struct smtp_client *c)
{
	return steps[c->expect].patience_ms;
}

unsigned smtp_client_offers(const struct smtp_client *c)
{
	return c->offers;
}

uint64_t smtp_client_size_max(const struct smtp_client *c)
{
	return c->size_max;
}

/* A reply to what has not left us is none. Within a transaction that is counted. */
static bool too_early(const struct smtp_client *c)
{
	return smtp_client_output(c).len > 0 && c->expect != EXPECT_MAIL &&
	    c->expect != EXPECT_RCPT && c->expect != EXPECT_DATA;
}

static void on_reply(struct smtp_client *c)
{
	/* RFC 5321 s3.8: 421 may come instead of any reply, and ends the session. */
	if (c->code == 421 && c->expect != EXPECT_QUIT)
		smtp_client_fail_reply(c);
	else if (too_early(c))
		out_of_turn(c);
	else
		steps[c->expect].on(c);
}

size_t smtp_client_feed(struct smtp_client *c, slice in)
{
	slice rest = in;

	while (rest.len > 0 && c->n_events == 0) {
		/* Replies behind STARTTLS's in the clear are not the server's. */
		if (c->expect == EXPECT_TLS || c->expect == EXPECT_OVER)
			return in.len;
		buffer_truncate(&c->text, 0);
		switch (smtp_reply_take(&rest, &c->code, &c->text)) {
		case SMTP_REPLY_DONE:
			on_reply(c);
			break;
		case SMTP_REPLY_MORE:
			return in.len - rest.len;
		case SMTP_REPLY_BAD:
			smtp_client_fail(c, 0, slice_lit("the server does not speak SMTP"));
			return in.len;
		}
	}
	return in.len - rest.len;
}

void smtp_client_quit(struct smtp_client *c)
{
	check(c->ready && c->n_events == 0);
	c->ready = false;
	smtp_client_command(c, "QUIT", EXPECT_QUIT);
}
