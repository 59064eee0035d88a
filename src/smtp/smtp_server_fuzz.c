/* smtp/smtp_server_fuzz.c - any bytes as an SMTP session.
 *
 * The first bytes choose the service and how the input is cut. Whole and in
 * pieces must give the same replies and events; there are never more replies
 * than lines and a greeting; a body never holds what it must not. */
#include <string.h>

#include "base/check.h"
#include "base/checksum.h"
#include "base/limits.h"
#include "smtp/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct session {
	struct smtp_server *s;
	uint64_t output, events;        /* running checksums */
	size_t replies;
	size_t body;
	unsigned char last;             /* octet of the body */
	bool in_transaction, closed;
};

static void take_output(struct session *t)
{
	slice rest = smtp_server_output(t->s);
	size_t n = rest.len;

	for (size_t i = 0; i < rest.len; i++)
		t->output = t->output * 31 + rest.ptr[i];
	while (rest.len > 0) {
		slice line = slice_cut(&rest, '\n');

		check(line.len >= 4 && line.len < SMTP_REPLY_LINE_MAX);
		check(line.ptr[line.len - 1] == '\r');
		check(line.ptr[0] >= '2' && line.ptr[0] <= '5');
		check(slice_find_byte(line, '\r') == line.len - 1);
		t->replies += line.ptr[3] != '-';
	}
	smtp_server_sent(t->s, n);
}

static void check_body(struct session *t, slice part)
{
	for (size_t i = 0; i < part.len; i++) {
		check(part.ptr[i] != 0);
		check((part.ptr[i] == '\n') == (t->last == '\r'));
		t->last = part.ptr[i];
	}
	t->body += part.len;
}

static void answer(struct session *t, const struct smtp_event *event)
{
	const struct smtp_reply no = { 550, "5.1.1", slice_lit("no") };
	const struct smtp_reply later = { 451, "4.3.0", slice_lit("later\nperhaps") };
	uint64_t choice = checksum64(event->text, 0) % 8;

	smtp_server_answer(t->s, choice == 0 ? &no : choice == 1 ? &later : NULL);
	if (event->kind == SMTP_EVENT_MAIL)
		t->in_transaction = choice > 1;
}

static void take_event(struct session *t, const struct smtp_event *event)
{
	check(!t->closed);
	if (event->kind != SMTP_EVENT_BODY)
		t->events = checksum64(event->text, t->events * 31 + event->kind + event->size);
	switch (event->kind) {
	case SMTP_EVENT_BODY:
		check(t->in_transaction && event->text.len > 0);
		check_body(t, event->text);
		return;
	case SMTP_EVENT_END:
		check(t->in_transaction && event->size == t->body && t->last != '\r');
		t->in_transaction = false;
		break;
	case SMTP_EVENT_RESET:
		check(t->in_transaction);
		t->in_transaction = false;
		return;
	case SMTP_EVENT_DATA:
		t->body = 0;
		t->last = 0;
		break;
	case SMTP_EVENT_STARTTLS:
		smtp_server_secured(t->s);
		return;
	case SMTP_EVENT_QUIT:
		t->closed = true;
		return;
	case SMTP_EVENT_HELLO:
		return;
	case SMTP_EVENT_MAIL:
	case SMTP_EVENT_RCPT:
	case SMTP_EVENT_AUTH:
		check(event->text.len <= SASL_LOGIN_MAX);
		break;
	}
	answer(t, event);
}

static bool pump(struct session *t)
{
	struct smtp_event event;
	bool any = false;

	take_output(t);
	while (smtp_server_next(t->s, &event)) {
		any = true;
		take_event(t, &event);
		take_output(t);
	}
	return any;
}

static struct session run(slice in, const struct smtp_server_config *config, bool loopback,
    size_t step)
{
	struct heap *heap = heap_create(16 << 20);
	struct session t = { .s = smtp_server_create(heap, config, false, loopback) };
	size_t at = 0, to = 0;

	smtp_server_greet(t.s);
	pump(&t);
	while (to < in.len) {
		to = in.len - to > step ? to + step : in.len;
		for (;;) {
			size_t n = smtp_server_feed(t.s, slice_sub(in, at, to - at));

			at += n;
			if (!pump(&t) && n == 0)
				break;
		}
	}
	smtp_server_destroy(t.s);
	heap_drop(heap);
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct smtp_server_config config = { .hostname = slice_lit("mx.example"),
	    .message_size_max = 1000, .recipients_max = 3, .errors_max = 30, .starttls = true };
	slice in = slice_of(data, len);
	struct session whole, cut;
	size_t lines = 0, step;

	if (len < 2)
		return 0;
	config.auth = data[0] & 1;
	config.auth_required = (data[0] & 3) == 3;
	step = 1 + data[1] % 64;
	in = slice_drop(in, 2);
	for (size_t i = 0; i < in.len; i++)
		lines += in.ptr[i] == '\n';
	whole = run(in, &config, data[0] & 4, in.len + 1);
	cut = run(in, &config, data[0] & 4, step);
	check(whole.replies <= lines + 1);
	check(whole.replies == cut.replies && whole.output == cut.output);
	check(whole.events == cut.events && whole.closed == cut.closed);
	return 0;
}
