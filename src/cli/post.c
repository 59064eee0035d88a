/* cli/post.c - one message over our own client engine.
 *
 *   link up -> READY -> send -> RCPT* -> BODY -> SENT -> READY -> QUIT -> CLOSED -> down
 *                ^                                         |
 *                '------- while recipients wait -----------'
 *   link not up -> the next address, if there is one
 */
#include "cli/post.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"
#include "cli/post_report.h"
#include "mail/address.h"
#include "os/os_uv.h"

static const char *const we = "  C: ", *const they = "  S: ", *const note = "  -- ";

/* ---- what people see ---- */

static void show(struct post *p, const char *who, slice bytes)
{
	if (!p->verbose)
		return;
	transcript_add(&p->transcript, who, bytes);
	transcript_print(&p->transcript);
}

static void show_note(struct post *p, const char *text)
{
	char line[300];

	snprintf(line, sizeof line, "%s\n", text);
	show(p, note, slice_from(line));
}

/* The message, line by line, up to some. */
static void show_body(struct post *p, slice bytes)
{
	while (bytes.len > 0) {
		size_t n = slice_find_byte(bytes, '\n');

		if (n < bytes.len)
			n++;
		if (p->shown_lines < POST_SHOWN_LINES)
			show(p, we, slice_head(bytes, n));
		p->shown_lines += bytes.ptr[n - 1] == '\n';
		bytes = slice_drop(bytes, n);
	}
}

static void show_body_end(struct post *p)
{
	char text[80];

	if (!p->body_ended)
		return;
	if (p->shown_lines > POST_SHOWN_LINES) {
		snprintf(text, sizeof text, "%lu more lines, and the dot that ends them",
		    p->shown_lines - POST_SHOWN_LINES - 1);
		show_note(p, text);
	}
	p->shown_lines = 0;
}

static void show_sent(struct post *p, slice out, bool whole)
{
	if (p->in_body || p->body_ended)
		show_body(p, out);
	else if (!smtp_client_output_secret(p->client))
		show(p, we, out);
	else if (whole)
		show(p, we, slice_starts(out, slice_lit("AUTH PLAIN ")) ?
		    slice_lit("AUTH PLAIN ********\r\n") : slice_lit("********\r\n"));
}

static void show_tls(struct post *p)
{
	const struct tls_session *tls = link_tls(&p->link);
	char text[200];

	if (tls == NULL)
		return;
	snprintf(text, sizeof text, "%s, %s; the certificate %s", tls_session_version(tls),
	    tls_session_cipher(tls), p->server->judged ? "is good" : p->server->loopback ?
	        "is not judged on loopback" : "is not judged (--insecure)");
	show_note(p, text);
}

/* ---- what came of it ---- */

/* A reply in one printable line. */
static void one_line(slice text, char *ret_line, size_t size)
{
	char flat[POST_WORDS_MAX];
	size_t n = text.len < sizeof flat ? text.len : sizeof flat;

	for (size_t i = 0; i < n; i++)
		flat[i] = text.ptr[i] == '\n' ? ' ' : (char)text.ptr[i];
	text_printable(slice_of(flat, n), ret_line, size);
}

static void say(struct post *p, enum post_outcome outcome, unsigned code, slice words)
{
	p->outcome = outcome;
	p->code = code;
	one_line(words, p->words, sizeof p->words);
}

/* It is the word for all who have none, and nothing more is sent. */
static void conclude(struct post *p, enum post_outcome outcome, unsigned code, slice words)
{
	p->over = true;
	say(p, outcome, code, words);
}

/* The message may be the server's: the dot left us, and no word on it came. */
static bool is_unsure(const struct post *p)
{
	return p->body_ended && smtp_client_output(p->client).len == 0;
}

/* ---- recipients ---- */

static size_t count(const struct post *p, enum post_fate fate)
{
	size_t n = 0;

	for (size_t i = 0; i < p->message.n_recipients; i++)
		n += p->recipients[p->batch[i]].fate == fate;
	return n;
}

/* Somebody has no word yet. */
static bool has_left(const struct post *p)
{
	return p->n_taken + p->n_refused < p->n_recipients;
}

static void refuse(struct post *p, size_t index)
{
	p->recipients[index].fate = POST_SAID_NO;
	p->n_refused++;
	post_report_refused(p, index);
}

/* 452, and of old 552, is what a server says that takes no more in one transaction
 * (RFC 5321 s4.5.3.1.10); or that has no room, which shows when nobody is taken. */
static bool is_too_many(unsigned code)
{
	return code == 452 || code == 552;
}

static void on_recipient(struct post *p, const struct smtp_client_event *event)
{
	size_t index = p->batch[event->index];
	struct post_recipient *r = &p->recipients[index];
	char words[POST_WORDS_MAX];

	if (event->code / 100 == 2) {
		r->fate = POST_ACCEPTED;
		return;
	}
	one_line(event->text, words, sizeof words);
	r->code = event->code;
	if (!slice_equal(r->words, slice_from(words)))
		r->words = slice_copy(&p->arena, slice_from(words));
	if (is_too_many(event->code))
		r->fate = POST_LATER;
	else
		refuse(p, index);
}

/* The next transaction's, in order; 0: nobody waits. */
static size_t fill_batch(struct post *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_recipients && n < POST_BATCH_MAX; i++) {
		struct post_recipient *r = &p->recipients[i];

		if (r->fate != POST_WAITS && r->fate != POST_LATER)
			continue;
		r->fate = POST_ASKED;
		p->batch[n] = i;
		p->paths[n++] = p->addresses[i];
	}
	return n;
}

/* The word on the message, or that nobody in the transaction is to get it. */
static void on_judged(struct post *p, const struct smtp_client_event *event)
{
	bool taken = event->code / 100 == 2;
	size_t n = count(p, POST_ACCEPTED);
	bool nobody = n == 0 && count(p, POST_ASKED) == 0;

	p->body_ended = false;
	if (!taken && !nobody) {
		conclude(p, POST_REFUSED, event->code, event->text);
		return;
	}
	for (size_t i = 0; i < p->message.n_recipients; i++) {
		struct post_recipient *r = &p->recipients[p->batch[i]];

		if (r->fate == POST_ACCEPTED)
			r->fate = POST_HAS_IT;
		else if (r->fate == POST_LATER && nobody)
			refuse(p, p->batch[i]);
	}
	p->n_taken += n;
	if (taken || p->n_taken == 0)
		say(p, taken ? POST_TAKEN : POST_REFUSED, event->code, event->text);
}

/* ---- events ---- */

static void give_body(struct post *p)
{
	while (p->in_body && p->part < POST_PARTS_MAX) {
		slice rest = slice_drop(p->parts[p->part], p->part_at);

		if (rest.len > 0) {
			size_t n = smtp_client_body(p->client, rest);

			if (n == 0)
				return;         /* again when output has left */
			p->part_at += n;
			continue;
		}
		p->part++;
		p->part_at = 0;
	}
	if (!p->in_body)
		return;
	p->in_body = false;
	p->body_ended = true;
	smtp_client_body_end(p->client);
}

static void on_ready(struct post *p)
{
	size_t n = p->over ? 0 : fill_batch(p);

	if (n == 0) {
		p->over = true;
		smtp_client_quit(p->client);
		return;
	}
	p->part = p->part_at = 0;
	p->in_body = p->body_ended = false;
	p->message.n_recipients = n;
	smtp_client_send(p->client, &p->message);
}

static void on_event(struct post *p, const struct smtp_client_event *event)
{
	switch (event->kind) {
	case SMTP_CLIENT_EVENT_STARTTLS:
		link_secure(&p->link, p->server->tls);
		break;
	case SMTP_CLIENT_EVENT_READY:
		on_ready(p);
		break;
	case SMTP_CLIENT_EVENT_RCPT:
		on_recipient(p, event);
		break;
	case SMTP_CLIENT_EVENT_BODY:
		p->in_body = true;
		give_body(p);
		break;
	case SMTP_CLIENT_EVENT_SENT:
		on_judged(p, event);
		break;
	case SMTP_CLIENT_EVENT_FAILED:
		/* What comes behind the last word takes nothing of it back. A reply that can't
		 * be read may have been a yes. */
		if (has_left(p) && !p->over)
			conclude(p, event->code == 0 && is_unsure(p) ? POST_UNSURE : POST_REFUSED,
			    event->code, event->text);
		link_finish(&p->link, NULL);
		break;
	case SMTP_CLIENT_EVENT_CLOSED:
		link_finish(&p->link, NULL);
		break;
	}
}

/* ---- the link ---- */

static void be_patient(struct post *p)
{
	uint64_t patience_ms = smtp_client_patience_ms(p->client);

	if (!p->greeted)
		patience_ms = POST_GREETING_MS;
	else if (p->over)
		patience_ms = POST_QUIT_MS;
	if (patience_ms > 0)
		link_patience(&p->link, patience_ms);
}

/* Who waits for a greeting in the clear on a port with TLS waits in vain. */
static const char *explain(const struct post *p, const char *why, char *ret_text, size_t size)
{
	bool greets = !p->up || p->greeted || p->server->implicit;

	snprintf(ret_text, size, "%s%s%s", why != NULL ? why : "the connection was closed",
	    greets ? "" : ", and did not greet", greets || !p->has_options ? "" :
	    "; if it is one with TLS from the first byte (port 465), say --tls implicit");
	return ret_text;
}

static void open_link(struct post *p)
{
	char text[OS_ADDRESS_TEXT + 32] = "connecting to ";
	size_t n = strlen(text);

	os_address_print(&p->server->addresses[p->address], text + n, sizeof text - n);
	show_note(p, text);
	link_open(&p->link, &p->server->addresses[p->address],
	    p->server->implicit ? p->server->tls : NULL, POST_CONNECT_MS);
}

static void on_up(struct link *link)
{
	struct post *p = link->owner;

	p->up = true;
	show_tls(p);
	p->client = smtp_client_create(os_heap(p->os), &p->config, p->server->implicit);
	be_patient(p);
}

static size_t on_data(struct link *link, slice in)
{
	struct post *p = link->owner;
	size_t used = smtp_client_feed(p->client, in);
	struct smtp_client_event event;

	if (used > 0)
		show_body_end(p);
	p->greeted = p->greeted || used > 0;
	show(p, they, slice_head(in, used));
	while (!link->finishing && smtp_client_next(p->client, &event))
		on_event(p, &event);
	be_patient(p);
	return used;
}

static void on_secured(struct link *link)
{
	struct post *p = link->owner;

	show_tls(p);
	smtp_client_secured(p->client);
}

static slice on_output(struct link *link)
{
	struct post *p = link->owner;

	return smtp_client_output(p->client);
}

static void on_sent(struct link *link, size_t n)
{
	struct post *p = link->owner;
	slice out = smtp_client_output(p->client);

	show_sent(p, slice_head(out, n), n == out.len);
	smtp_client_sent(p->client, n);
	give_body(p);
	be_patient(p);
}

static void on_down(struct link *link, const char *why)
{
	struct post *p = link->owner;
	bool unsure = p->client != NULL && is_unsure(p);
	char text[300];

	smtp_client_destroy(p->client);
	p->client = NULL;
	if (why != NULL)
		show_note(p, why);
	if (!p->up && p->address + 1 < p->server->n_addresses) {
		p->address++;
		open_link(p);
		return;
	}
	if (has_left(p) && !p->over)
		conclude(p, unsure ? POST_UNSURE : POST_UNREACHED, 0,
		    slice_from(explain(p, why, text, sizeof text)));
	os_stop(p->os, 0);
}

static const struct link_handler handler = {
	.up = on_up, .data = on_data, .secured = on_secured, .output = on_output,
	.sent = on_sent, .down = on_down,
};

/* ---- the beginning ---- */

static void fill_message(struct post *p)
{
	struct smtp_client_message *m = &p->message;

	m->from = p->from;
	m->recipients = p->paths;
	for (size_t i = 0; i < POST_PARTS_MAX; i++) {
		m->size += p->parts[i].len;
		if (!slice_is_ascii(p->parts[i]))
			m->needs |= SMTP_CLIENT_8BITMIME;
	}
	/* The header may name all of them, in whosever transaction it goes. */
	for (size_t i = 0; i < p->n_recipients; i++) {
		if (!slice_is_ascii(p->addresses[i]))
			m->needs |= SMTP_CLIENT_SMTPUTF8;
	}
}

void post_run(struct post *p)
{
	check(p->n_recipients > 0 && p->server->n_addresses > 0);
	p->config = (struct smtp_client_config){ .hostname = p->hostname,
		.starttls = p->server->starttls, .login = p->login, .secret = p->secret,
		.clear_auth = p->server->loopback };
	/* Each recipient may get a word in each transaction. */
	p->arena = arena_init(os_heap(p->os), SIZE_MAX);
	p->recipients = arena_new(&p->arena, struct post_recipient, p->n_recipients);
	p->transcript = transcript_init(os_heap(p->os), POST_TRANSCRIPT_MAX);
	fill_message(p);
	link_init(&p->link, p->os, &handler, p);
	p->link.server_name = p->server->name;
	open_link(p);
	os_uv_run(p->os);
	transcript_free(&p->transcript);
}

void post_finish(struct post *p)
{
	arena_reset(&p->arena);
	p->recipients = NULL;
}

slice post_hostname(struct arena *arena)
{
	char name[POST_NAME_MAX] = "";
	slice normal;

	if (gethostname(name, sizeof name - 1) < 0 ||
	    !domain_normal(arena, slice_from(name), &normal))
		return slice_lit("localhost");
	return normal;
}
