/* smtp/client_mail.c - one message: MAIL, RCPT..., DATA, the body, the verdict.
 *
 *   send --> MAIL --> RCPT... --> DATA --> BODY --> end --> SENT --> READY
 *             '--------'-----------'--refused--> SENT, then what is still due:
 *                  replies to what was sent already, an empty body if the server
 *                  wants one nevertheless, RSET; then READY
 *
 * With PIPELINING all of them are sent at once, as there is room (RFC 2920). */
#include "base/check.h"
#include "base/limits.h"
#include "smtp/client_impl.h"

static bool taken(const struct smtp_client *c)
{
	return c->code >= 200 && c->code < 300;
}

static bool refused(const struct smtp_client *c)
{
	return c->code >= 400;
}

/* ---- before anything is sent ---- */

static bool path_ok(slice path, bool *ret_utf8)
{
	if (path.len > SMTP_CLIENT_PATH_MAX)
		return false;
	for (size_t i = 0; i < path.len; i++) {
		if (path.ptr[i] < ' ' || path.ptr[i] == 0x7f)
			return false;
		if (path.ptr[i] > 0x7f)
			*ret_utf8 = true;
	}
	return true;
}

static void refuse_local(struct smtp_client *c, unsigned code, slice text)
{
	smtp_client_raise(c, (struct smtp_client_event){
	    .kind = SMTP_CLIENT_EVENT_SENT, .code = code, .text = text, .local = true });
	smtp_client_become_ready(c);
}

/* False, and SENT, when the message can't be sent to this server. */
static bool judge_local(struct smtp_client *c, const struct smtp_client_message *m)
{
	bool utf8 = (m->needs & SMTP_CLIENT_SMTPUTF8) != 0;
	bool paths = path_ok(m->from, &utf8);

	for (size_t i = 0; i < m->n_recipients; i++)
		paths = path_ok(m->recipients[i], &utf8) && paths;
	if (!paths) {
		refuse_local(c, 553, slice_lit("5.1.3 an address is too long or no address"));
	} else if (utf8 && !(c->offers & SMTP_CLIENT_SMTPUTF8)) {
		refuse_local(c, 553, slice_lit("5.6.7 the server does not offer SMTPUTF8"));
	} else if ((m->needs & SMTP_CLIENT_8BITMIME) && !(c->offers & SMTP_CLIENT_8BITMIME)) {
		refuse_local(c, 554, slice_lit("5.6.3 the server does not offer 8BITMIME"));
	} else if (c->size_max != 0 && m->size > c->size_max) {
		refuse_local(c, 552, slice_lit("5.3.4 larger than the server takes"));
	} else {
		if (utf8)
			c->message.needs |= SMTP_CLIENT_SMTPUTF8;
		return true;
	}
	return false;
}

void smtp_client_send(struct smtp_client *c, const struct smtp_client_message *message)
{
	check(c->ready && c->n_events == 0 && message->n_recipients > 0);
	c->ready = false;
	c->message = *message;
	if (!judge_local(c, message))
		return;
	c->open = true;
	c->mail_taken = c->judged = c->data_sent = c->data_due = false;
	c->rcpt_sent = c->rcpt_answered = c->rcpt_taken = 0;
	buffer_printf(&c->out, "MAIL FROM:<%.*s>", slice_arg(message->from));
	if (message->size > 0 && (c->offers & SMTP_CLIENT_SIZE))
		buffer_printf(&c->out, " SIZE=%llu", (unsigned long long)message->size);
	if (c->message.needs & SMTP_CLIENT_8BITMIME)
		buffer_add(&c->out, slice_lit(" BODY=8BITMIME"));
	if (c->message.needs & SMTP_CLIENT_SMTPUTF8)
		buffer_add(&c->out, slice_lit(" SMTPUTF8"));
	buffer_add(&c->out, slice_lit("\r\n"));
	c->expect = EXPECT_MAIL;
	smtp_client_pump(c);
}

/* ---- sending ---- */

void smtp_client_pump(struct smtp_client *c)
{
	bool ahead = (c->offers & SMTP_CLIENT_PIPELINING) != 0;
	size_t n = c->message.n_recipients;

	if (!c->open || c->judged || c->in_body || (!ahead && !c->mail_taken))
		return;
	while (c->rcpt_sent < n && (ahead || c->rcpt_sent == c->rcpt_answered) &&
	    buffer_room(&c->out) > SMTP_CLIENT_COMMAND_ROOM) {
		slice path = c->message.recipients[c->rcpt_sent++];

		buffer_printf(&c->out, "RCPT TO:<%.*s>\r\n", slice_arg(path));
	}
	if (c->rcpt_sent == n && !c->data_sent && (ahead || c->rcpt_answered == n) &&
	    buffer_room(&c->out) > SMTP_CLIENT_COMMAND_ROOM) {
		buffer_add(&c->out, slice_lit("DATA\r\n"));
		c->data_sent = c->data_due = true;
	}
}

/* The word on the message is there. */
static void judge(struct smtp_client *c)
{
	c->judged = true;
	smtp_client_raise(c, (struct smtp_client_event){ .kind = SMTP_CLIENT_EVENT_SENT,
	    .code = c->code, .text = buffer_bytes(&c->text) });
}

static void broken(struct smtp_client *c)
{
	smtp_client_fail(c, 0, slice_lit("the server's reply does not fit the command"));
}

/* What the next reply answers, after one of MAIL, RCPT or DATA. */
static void go_on(struct smtp_client *c)
{
	smtp_client_pump(c);
	if (c->rcpt_answered < c->rcpt_sent) {
		c->expect = EXPECT_RCPT;
	} else if (c->data_due) {
		c->expect = EXPECT_DATA;
	} else if (!c->judged) {
		broken(c);              /* it answered what did not even leave us */
	} else {
		c->open = false;
		if (c->mail_taken)
			smtp_client_command(c, "RSET", EXPECT_RSET);
		else
			smtp_client_become_ready(c);
	}
}

/* ---- replies ---- */

void smtp_client_on_mail(struct smtp_client *c)
{
	if (!taken(c) && !refused(c)) {
		broken(c);
		return;
	}
	c->mail_taken = taken(c);
	if (!c->mail_taken)
		judge(c);
	go_on(c);
}

void smtp_client_on_rcpt(struct smtp_client *c)
{
	size_t index = c->rcpt_answered++;

	if (!taken(c) && !refused(c)) {
		broken(c);
		return;
	}
	if (!c->judged) {
		c->rcpt_taken += taken(c);
		smtp_client_raise(c, (struct smtp_client_event){
		    .kind = SMTP_CLIENT_EVENT_RCPT, .index = index, .code = c->code,
		    .text = buffer_bytes(&c->text) });
		if (c->rcpt_answered == c->message.n_recipients && c->rcpt_taken == 0)
			judge(c);
	}
	go_on(c);
}

void smtp_client_on_data(struct smtp_client *c)
{
	c->data_due = false;
	if (c->code == 354) {
		c->expect = EXPECT_NOTHING;
		if (c->judged) {
			/* RFC 2920 s3.1: nobody gets it, so send nothing. */
			smtp_client_command(c, ".", EXPECT_EMPTY_END);
			return;
		}
		c->in_body = true;
		c->dots = (struct dots_writer){ .mend = true };
		smtp_client_raise(c, (struct smtp_client_event){
		    .kind = SMTP_CLIENT_EVENT_BODY });
	} else if (!refused(c)) {
		broken(c);
	} else {
		if (!c->judged)
			judge(c);
		go_on(c);
	}
}

void smtp_client_on_end(struct smtp_client *c)
{
	if (!taken(c) && !refused(c)) {
		broken(c);
		return;
	}
	c->open = false;
	judge(c);
	smtp_client_become_ready(c);
}

void smtp_client_on_empty_end(struct smtp_client *c)
{
	c->open = false;
	smtp_client_become_ready(c);
}

void smtp_client_on_rset(struct smtp_client *c)
{
	if (taken(c))
		smtp_client_become_ready(c);
	else
		broken(c);
}

/* ---- the body ---- */

size_t smtp_client_body(struct smtp_client *c, slice part)
{
	size_t room = dots_write_max(&c->out);

	check(c->in_body || c->expect == EXPECT_OVER);
	if (!c->in_body)
		return part.len;        /* FAILED came in the middle of it */
	if (part.len > room)
		part = slice_head(part, room);
	if (part.len > 0)
		dots_write(&c->dots, part, &c->out);
	return part.len;
}

void smtp_client_body_end(struct smtp_client *c)
{
	check(c->in_body || c->expect == EXPECT_OVER);
	if (!c->in_body)
		return;
	dots_write_end(&c->dots, &c->out);
	c->in_body = false;
	c->expect = EXPECT_END;
}
