/* cli/demo_dialogue.c - SMTP, then POP3, again until the message is there.
 *
 *   SMTP --SENT 2xx, CLOSED--> POP3 --ours--> QUIT --> done(true)
 *                               ^  '--not yet, nothing printed--'
 */
#include "cli/demo_dialogue.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include "mail/date.h"

enum { POLL_MS = 100 };

static void open_pop3(struct demo_dialogue *d);

/* ---- what people see ---- */

static void print_shown(struct demo_dialogue *d, const char *protocol,
    const struct os_address *address)
{
	char text[OS_ADDRESS_TEXT];

	os_address_print(address, text, sizeof text);
	printf("\n%s at %s\n\n", protocol, text);
	transcript_print(&d->shown);
}

/* ---- the end ---- */

static void finish(struct demo_dialogue *d, bool ok)
{
	check(!d->over);
	d->over = true;
	d->ok = ok;
	os_timer_stop(d->os, &d->again);
	os_timer_stop(d->os, &d->deadline);
	smtp_client_destroy(d->smtp_client);
	pop3_client_destroy(d->pop3_client);
	d->smtp_client = NULL;
	d->pop3_client = NULL;
	buffer_free(&d->text);
	transcript_free(&d->shown);
	buffer_free(&d->read_back);
	d->done(d, ok);
}

static void complain(struct demo_dialogue *d, const char *protocol, slice why)
{
	char text[200];

	fprintf(stderr, "posthouse: demonstration, %s: %s\n", protocol,
	    text_printable(why, text, sizeof text));
}

static void on_deadline(struct os_timer *timer)
{
	struct demo_dialogue *d = timer->owner;

	if (d->link.open) {
		link_finish(&d->link, "the message did not come in time");
	} else {
		complain(d, "POP3", slice_lit("the message did not come in time"));
		finish(d, false);
	}
}

/* ---- SMTP ---- */

static void smtp_send_body(struct demo_dialogue *d)
{
	slice rest = slice_drop(buffer_bytes(&d->text), d->text_at);

	if (!d->in_body)
		return;
	d->text_at += smtp_client_body(d->smtp_client, rest);
	if (d->text_at < buffer_bytes(&d->text).len)
		return;
	d->in_body = false;
	smtp_client_body_end(d->smtp_client);
}

static void smtp_event(struct demo_dialogue *d, const struct smtp_client_event *event)
{
	switch (event->kind) {
	case SMTP_CLIENT_EVENT_READY:
		if (d->ok)
			smtp_client_quit(d->smtp_client);
		else
			smtp_client_send(d->smtp_client, &d->message);
		break;
	case SMTP_CLIENT_EVENT_BODY:
		d->in_body = true;
		smtp_send_body(d);
		break;
	case SMTP_CLIENT_EVENT_SENT:
		d->ok = event->code / 100 == 2;
		if (!d->ok)
			link_finish(&d->link, "the server refused the message");
		break;
	case SMTP_CLIENT_EVENT_FAILED:
		link_finish(&d->link, "the server refused the session");
		break;
	case SMTP_CLIENT_EVENT_CLOSED:
		link_finish(&d->link, NULL);
		break;
	case SMTP_CLIENT_EVENT_RCPT:            /* SENT says it all: there is one */
	case SMTP_CLIENT_EVENT_STARTTLS:        /* not asked for */
		break;
	}
}

static void smtp_up(struct link *link)
{
	struct demo_dialogue *d = link->owner;

	d->smtp_client = smtp_client_create(os_heap(d->os), &d->smtp_config, false);
}

static size_t smtp_data(struct link *link, slice in)
{
	struct demo_dialogue *d = link->owner;
	size_t used = smtp_client_feed(d->smtp_client, in);
	struct smtp_client_event event;

	transcript_add(&d->shown, "  S: ", slice_head(in, used));
	while (!link->finishing && smtp_client_next(d->smtp_client, &event))
		smtp_event(d, &event);
	return used;
}

static slice smtp_output(struct link *link)
{
	struct demo_dialogue *d = link->owner;

	return smtp_client_output(d->smtp_client);
}

static void smtp_sent(struct link *link, size_t n)
{
	struct demo_dialogue *d = link->owner;

	transcript_add(&d->shown, "  C: ", slice_head(smtp_client_output(d->smtp_client), n));
	smtp_client_sent(d->smtp_client, n);
	smtp_send_body(d);
}

static void smtp_down(struct link *link, const char *why)
{
	struct demo_dialogue *d = link->owner;

	print_shown(d, "SMTP", &d->smtp);
	smtp_client_destroy(d->smtp_client);
	d->smtp_client = NULL;
	if (why != NULL) {
		complain(d, "SMTP", slice_from(why));
		finish(d, false);
		return;
	}
	d->ok = false;
	open_pop3(d);
}

static const struct link_handler smtp_handler = {
	.up = smtp_up, .data = smtp_data, .output = smtp_output, .sent = smtp_sent,
	.down = smtp_down,
};

/* ---- POP3 ---- */

static void pop3_done(struct demo_dialogue *d, const struct pop3_client_event *event)
{
	slice back = buffer_bytes(&d->read_back);

	if (d->pop3_command == POP3_STAT && event->ok && event->number > 0) {
		d->pop3_command = POP3_RETR;
		pop3_client_command(d->pop3_client, POP3_RETR, event->number, 0);
		return;
	}
	if (d->pop3_command == POP3_RETR)
		d->ok = event->ok && slice_find(back, slice_from(d->id)) < back.len;
	if (d->pop3_command != POP3_QUIT) {
		d->pop3_command = POP3_QUIT;
		pop3_client_command(d->pop3_client, POP3_QUIT, 0, 0);
	}
}

static void pop3_event(struct demo_dialogue *d, const struct pop3_client_event *event)
{
	switch (event->kind) {
	case POP3_CLIENT_EVENT_READY:
		d->pop3_command = POP3_STAT;
		pop3_client_command(d->pop3_client, POP3_STAT, 0, 0);
		break;
	case POP3_CLIENT_EVENT_BODY:
		/* Another message may be larger than ours can be. */
		(void)!buffer_append(&d->read_back, event->text);
		break;
	case POP3_CLIENT_EVENT_DONE:
		pop3_done(d, event);
		break;
	case POP3_CLIENT_EVENT_FAILED:
		complain(d, "POP3", event->text);
		link_finish(&d->link, "the server refused the session");
		break;
	case POP3_CLIENT_EVENT_CLOSED:
		link_finish(&d->link, NULL);
		break;
	case POP3_CLIENT_EVENT_ITEM:            /* no list was asked for */
	case POP3_CLIENT_EVENT_STLS:            /* nor was this */
		break;
	}
}

static void pop3_up(struct link *link)
{
	struct demo_dialogue *d = link->owner;

	d->pop3_client = pop3_client_create(os_heap(d->os), &d->pop3_config, false);
}

static size_t pop3_data(struct link *link, slice in)
{
	struct demo_dialogue *d = link->owner;
	size_t used = pop3_client_feed(d->pop3_client, in);
	struct pop3_client_event event;

	transcript_add(&d->shown, "  S: ", slice_head(in, used));
	while (!link->finishing && pop3_client_next(d->pop3_client, &event))
		pop3_event(d, &event);
	return used;
}

static slice pop3_output(struct link *link)
{
	struct demo_dialogue *d = link->owner;

	return pop3_client_output(d->pop3_client);
}

static void pop3_sent(struct link *link, size_t n)
{
	struct demo_dialogue *d = link->owner;
	slice out = slice_head(pop3_client_output(d->pop3_client), n);

	if (slice_starts(out, slice_lit("PASS ")))
		out = slice_lit("PASS ********\r\n");
	transcript_add(&d->shown, "  C: ", out);
	pop3_client_sent(d->pop3_client, n);
}

static void pop3_down(struct link *link, const char *why)
{
	struct demo_dialogue *d = link->owner;

	pop3_client_destroy(d->pop3_client);
	d->pop3_client = NULL;
	if (why == NULL && !d->ok) {
		os_timer_start(d->os, &d->again, POLL_MS);      /* not there yet */
		return;
	}
	print_shown(d, "POP3", &d->pop3);
	if (why != NULL)
		complain(d, "POP3", slice_from(why));
	finish(d, why == NULL);
}

static const struct link_handler pop3_handler = {
	.up = pop3_up, .data = pop3_data, .output = pop3_output, .sent = pop3_sent,
	.down = pop3_down,
};

static void open_pop3(struct demo_dialogue *d)
{
	transcript_free(&d->shown);
	buffer_free(&d->read_back);
	link_init(&d->link, d->os, &pop3_handler, d);
	link_open(&d->link, &d->pop3, NULL, DEMO_PATIENCE_MS);
}

static void on_again(struct os_timer *timer)
{
	open_pop3(timer->owner);
}

/* ---- the beginning ---- */

static void write_message(struct demo_dialogue *d)
{
	char date[DATE_TEXT];

	date_print(os_wall_us(d->os), date);
	text_from_u64(os_random_u64(d->os), d->id);
	buffer_printf(&d->text, "Date: %s\r\nFrom: <%.*s>\r\nTo: <%.*s>\r\n", date,
	    slice_arg(d->from), slice_arg(d->to));
	buffer_printf(&d->text, "Subject: The first message\r\n"
	    "Message-ID: <%s@demo.posthouse.example>\r\n\r\n"
	    "It came in by SMTP, was on disk before the 250,\r\n"
	    "and is read by POP3.\r\n", d->id);
	d->message = (struct smtp_client_message){
		.from = d->from, .recipients = &d->to, .n_recipients = 1,
		.size = buffer_bytes(&d->text).len };
}

void demo_dialogue_start(struct os *os, struct demo_dialogue *d)
{
	d->os = os;
	d->text = buffer_init(os_heap(os), DEMO_TEXT_MAX);
	d->shown = transcript_init(os_heap(os), DEMO_TEXT_MAX);
	d->read_back = buffer_init(os_heap(os), DEMO_TEXT_MAX);
	d->smtp_config = (struct smtp_client_config){ .hostname = slice_lit("localhost") };
	d->pop3_config = (struct pop3_client_config){
		.clear_login = true, .login = d->login, .secret = d->password };
	d->again = (struct os_timer){ .fire = on_again, .owner = d };
	d->deadline = (struct os_timer){ .fire = on_deadline, .owner = d };
	write_message(d);
	os_timer_start(os, &d->deadline, DEMO_PATIENCE_MS);
	link_init(&d->link, os, &smtp_handler, d);
	link_open(&d->link, &d->smtp, NULL, DEMO_PATIENCE_MS);
}
