/* imap/server_append.c - APPEND (RFC 9051 s6.3.12), of several messages (RFC 3502), with
 * literal8 (RFC 3516 s4.4) and "UTF8 (~{n}" (RFC 6855 s4).
 *
 *   A1 APPEND INBOX (\Seen) {310}  ->  APPEND event  ->  "+", 310 octets as TEXT events
 *    (\Draft) {26}                 ->  the same
 *   CR LF                          ->  COMMIT event  ->  OK [APPENDUID ...]
 *
 * (1) All messages or none: what the host got is forgotten when anything goes wrong.
 * (2) A message that is refused is refused before it is sent, when the client waits; else it
 *     is read and passed over. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "imap/server_impl.h"

/* What was given is forgotten, and the next line is a command again. */
static void stop(struct imap_server *s)
{
	struct imap_appending *append = &s->append;
	bool given = append->n > 0;

	*append = (struct imap_appending){ 0 };
	s->reading = IMAP_READ_COMMAND;
	s->literal_message = false;
	buffer_free(&s->text);
	if (given)
		imap_raise(s, (struct imap_event){ .kind = IMAP_EVENT_DROP });
}

static void finish_refused(struct imap_server *s)
{
	enum imap_result result = s->append.result;

	stop(s);
	imap_finish_result(s, result, true);
}

void imap_append_over(struct imap_server *s)
{
	if (s->append.refused) {
		finish_refused(s);
		return;
	}
	stop(s);
	imap_finish(s, "BAD", NULL, "that is not what comes between the messages of an APPEND");
}

/* ---- lines between messages ---- */

/* [flag-list SP] [date-time SP] and the literal's beginning, which is not looked at. */
static bool take_options(struct imap_parse *p, struct imap_appending *append)
{
	struct imap_append *m = &append->message;

	m->flags = (struct imap_flags){ 0 };
	m->dated = false;
	append->utf8 = false;
	if (imap_sees(p, '(') && (!imap_take_flags(p, false, &m->flags) || !imap_take_space(p)))
		return false;
	if (imap_sees(p, '"')) {
		m->dated = true;
		if (!imap_take_date_time(p, &m->received_s) || !imap_take_space(p))
			return false;
	}
	if (imap_skip_word(p, "UTF8")) {
		append->utf8 = true;
		if (!imap_take_space(p) || !imap_take(p, '(', "the message in parentheses"))
			return false;
	}
	if (imap_sees(p, '~'))
		imap_take(p, '~', "");
	/* "{n}" is all that is left: that was seen, or is what is wrong. */
	p->wanted = "a message as a literal";
	return imap_sees(p, '{') && slice_find_byte(p->rest, '}') == p->rest.len - 1;
}

static void refuse(struct imap_server *s, enum imap_result result, uint64_t size, bool waits)
{
	s->append.refused = true;
	s->append.result = result;
	if (waits) {
		finish_refused(s);
		return;
	}
	s->skipping = true;             /* what follows comes unasked */
	s->tail_len = 0;
	s->literal_left = size;
}

static void begin_message(struct imap_server *s, uint64_t size, bool waits)
{
	struct imap_appending *append = &s->append;

	/* RFC 3502: it "can be used to cancel the append". */
	if (size == 0) {
		refuse(s, IMAP_EMPTY, size, waits);
		return;
	}
	if (size > s->config->append_max) {
		refuse(s, IMAP_TOO_BIG, size, waits);
		return;
	}
	if (append->n >= IMAP_APPENDS_MAX) {
		refuse(s, IMAP_LIMIT, size, waits);
		return;
	}
	append->message.name = append->name;
	append->message.size = size;
	append->message.number = append->n;
	append->waits = waits;
	imap_ask(s, IMAP_WAIT_APPEND, (struct imap_event){
	    .kind = IMAP_EVENT_APPEND, .append = &append->message });
}

void imap_server_append_ready(struct imap_server *s, enum imap_result result)
{
	struct imap_appending *append = &s->append;

	if (!imap_answered(s, IMAP_WAIT_APPEND))
		return;
	if (result != IMAP_DONE) {
		refuse(s, result, append->message.size, append->waits);
		imap_go_on(s);
		return;
	}
	if (append->waits)
		buffer_add(&s->out, slice_lit("+ the message, please\r\n"));
	append->n++;
	s->literal_message = true;
	s->literal_left = append->message.size;
	/* Only the tag and the name are needed from here on. */
	buffer_truncate(&s->command, 0);
	s->scanned = 0;
	s->reading = IMAP_READ_APPEND;
}

void imap_append_text(struct imap_server *s, slice text)
{
	buffer_free(&s->text);
	buffer_add(&s->text, text);
	imap_raise(s, (struct imap_event){ .kind = IMAP_EVENT_TEXT, .text = buffer_bytes(&s->text) });
}

void imap_append_text_end(struct imap_server *s)
{
	s->literal_message = false;
}

static void commit(struct imap_server *s)
{
	imap_ask(s, IMAP_WAIT_COMMIT, (struct imap_event){ .kind = IMAP_EVENT_COMMIT });
}

static void line_bad(struct imap_server *s, const struct imap_parse *p, bool literal, uint64_t size,
    bool waits)
{
	if (literal && !waits) {
		s->skipping = true;
		s->tail_len = 0;
		s->literal_left = size;
		return;                 /* imap_append_over() follows */
	}
	stop(s);
	imap_finish_bad(s, p);
}

void imap_append_line(struct imap_server *s, slice line, bool literal, uint64_t size, bool waits)
{
	struct imap_parse p = imap_parse_begin(line, &s->arena);

	if (s->append.utf8 && !imap_take(&p, ')', "the end of the parentheses"))
		line_bad(s, &p, literal, size, waits);
	else if (!literal && imap_take_end(&p))
		commit(s);
	else if (!literal || !imap_take_space(&p) || !take_options(&p, &s->append))
		line_bad(s, &p, literal, size, waits);
	else
		begin_message(s, size, waits);
}

/* ---- the command's first line ---- */

/* What stands before the message, so far as it is a name: "tag APPEND INBOX ". */
static bool take_begin(struct imap_server *s, struct imap_parse *p, slice *ret_tag)
{
	return imap_take_tag(p, ret_tag) && imap_take_space(p) && imap_skip_word(p, "APPEND") &&
	    imap_take_space(p);
}

bool imap_append_literal(struct imap_server *s, slice line, uint64_t size, bool waits)
{
	struct imap_parse p = imap_parse_begin(line, &s->arena);
	slice tag, name;

	if (!take_begin(s, &p, &tag))
		return false;
	/* The name itself may be a literal, and is not here yet. */
	if (!imap_take_mailbox(&p, s->utf8 || s->rev2, &name))
		return false;
	s->tag = slice_copy(&s->arena, tag);
	s->append = (struct imap_appending){ .on = true, .name = slice_copy(&s->arena, name) };
	imap_append_row(s);
	if (!imap_take_space(&p) || !take_options(&p, &s->append))
		line_bad(s, &p, true, size, waits);
	else
		begin_message(s, size, waits);
	return true;
}

/* Without any message, or with something that is no literal in its place. */
void imap_on_append(struct imap_server *s, struct imap_parse *p)
{
	struct imap_appending options;
	slice name;

	if (imap_take_space(p) && imap_take_mailbox(p, s->utf8 || s->rev2, &name)) {
		if (p->rest.len > 0 && imap_take_space(p))
			(void)take_options(p, &options);
		else
			p->wanted = "a message as a literal";
	}
	imap_finish_bad(s, p);
}

void imap_server_appended(struct imap_server *s, enum imap_result result, uint32_t uidvalidity,
    uint32_t uid_first, uint32_t n)
{
	char code[64];

	if (!imap_answered(s, IMAP_WAIT_COMMIT))
		return;
	s->append.n = 0;                /* the host has forgotten them */
	stop(s);
	if (result != IMAP_DONE) {
		imap_finish_result(s, result, true);
	} else {
		if (n == 1)
			snprintf(code, sizeof code, "APPENDUID %u %u", uidvalidity, uid_first);
		else
			snprintf(code, sizeof code, "APPENDUID %u %u:%u", uidvalidity, uid_first,
			    uid_first + n - 1);
		imap_finish(s, "OK", code, "APPEND done");
	}
	imap_go_on(s);
}
