/* pop3/server_mail.c - TRANSACTION and UPDATE (RFC 1939 s5 and s6): the list of
 * messages, marks, and messages going out.
 *
 * (1) n_left and octets_left always count the messages that are not marked.
 * (2) A list is written row by row as the output has room, so that a mailbox of
 *     a million messages takes no more memory than one of ten. */
#include "base/check.h"
#include "base/limits.h"
#include "pop3/server_impl.h"

static const char *plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

static void count_all(struct pop3_server *s)
{
	s->n_left = s->n_messages;
	s->octets_left = 0;
	for (uint32_t i = 0; i < s->n_messages; i++) {
		s->messages[i].deleted = false;
		s->octets_left += s->messages[i].size;
	}
}

void pop3_server_resume(struct pop3_server *s, struct pop3_message *messages, uint32_t n,
    bool utf8)
{
	check(s->state == POP3_AUTHORIZATION && s->wait == POP3_WAIT_NOTHING);
	s->state = POP3_TRANSACTION;
	s->messages = messages;
	s->n_messages = n;
	s->utf8 = utf8;
	count_all(s);
	pop3_reply_ok(s, "logged in, %u message%s (%llu octets)", n, plural(n),
	    (unsigned long long)s->octets_left);
}

void pop3_on_stat(struct pop3_server *s, const struct pop3_command *command)
{
	pop3_reply_ok(s, "%u %llu", s->n_left, (unsigned long long)s->octets_left);
}

/* ---- lists ---- */

static struct pop3_message *message(struct pop3_server *s, uint32_t number)
{
	check(number >= 1 && number <= s->n_messages);
	return &s->messages[number - 1];
}

static void size_row(struct pop3_server *s, uint32_t number)
{
	buffer_printf(&s->out, "%u %llu\r\n", number,
	    (unsigned long long)message(s, number)->size);
}

static void uidl_row(struct pop3_server *s, uint32_t number)
{
	slice uidl = message(s, number)->uidl;

	check(uidl.len >= 1 && uidl.len <= POP3_UIDL_MAX);
	buffer_printf(&s->out, "%u %.*s\r\n", number, slice_arg(uidl));
}

void pop3_list_more(struct pop3_server *s)
{
	while (s->list_row != NULL && buffer_room(&s->out) >= POP3_ROW_ROOM) {
		uint32_t number = s->list_next++;

		if (number > s->n_messages) {
			s->list_row = NULL;
			buffer_add(&s->out, slice_lit(".\r\n"));
		} else if (!message(s, number)->deleted) {
			s->list_row(s, number);
		}
	}
}

static void list(struct pop3_server *s, const struct pop3_command *command,
    void (*row)(struct pop3_server *s, uint32_t number))
{
	if (command->number != 0) {
		buffer_add(&s->out, slice_lit("+OK "));
		row(s, command->number);
		return;
	}
	pop3_reply_ok(s, "%u message%s", s->n_left, plural(s->n_left));
	s->list_row = row;
	s->list_next = 1;
	pop3_list_more(s);
}

void pop3_on_list(struct pop3_server *s, const struct pop3_command *command)
{
	list(s, command, size_row);
}

void pop3_on_uidl(struct pop3_server *s, const struct pop3_command *command)
{
	list(s, command, uidl_row);
}

/* ---- marks ---- */

void pop3_on_dele(struct pop3_server *s, const struct pop3_command *command)
{
	struct pop3_message *m = message(s, command->number);

	check(!m->deleted && s->n_left > 0 && s->octets_left >= m->size);
	m->deleted = true;
	s->n_left--;
	s->octets_left -= m->size;
	pop3_reply_ok(s, "message %u marked", command->number);
}

void pop3_on_rset(struct pop3_server *s, const struct pop3_command *command)
{
	count_all(s);
	pop3_reply_ok(s, "%u message%s (%llu octets)", s->n_left, plural(s->n_left),
	    (unsigned long long)s->octets_left);
}

/* ---- messages ---- */

static void ask_body(struct pop3_server *s, uint32_t number, uint32_t lines)
{
	s->body_size = message(s, number)->size;
	s->dots = (struct dots_writer){ 0 };
	s->top = (struct pop3_top){ .header = true, .lines = lines };
	s->wait = POP3_WAIT_BODY;
	pop3_raise(s, (struct pop3_event){
	    .kind = POP3_EVENT_RETR, .number = number, .lines = lines });
}

void pop3_on_retr(struct pop3_server *s, const struct pop3_command *command)
{
	ask_body(s, command->number, UINT32_MAX);
}

void pop3_on_top(struct pop3_server *s, const struct pop3_command *command)
{
	ask_body(s, command->number, command->lines);
}

void pop3_server_body_begin(struct pop3_server *s)
{
	if (!pop3_answered(s, POP3_WAIT_BODY))
		return;
	s->wait = POP3_WAIT_BODY_END;
	if (s->top.lines == UINT32_MAX)
		pop3_reply_ok(s, "%llu octets", (unsigned long long)s->body_size);
	else
		pop3_reply_ok(s, "top of message follows");
}

/* A line ended, CRLF and all; it held `len` bytes. */
static void count_line(struct pop3_top *top, size_t len)
{
	if (!top->header)
		top->lines--;
	else if (len == 2)
		top->header = false;    /* the blank line */
	top->enough = !top->header && top->lines == 0;
}

/* How much of part TOP lets through; counts its lines. */
static size_t take_top(struct pop3_top *top, slice part)
{
	size_t used = 0;

	while (used < part.len && !top->enough) {
		slice rest = slice_drop(part, used);
		size_t lf = slice_find_byte(rest, '\n'), n = lf < rest.len ? lf + 1 : lf;
		bool crlf = lf > 0 ? rest.ptr[lf - 1] == '\r' : top->after_cr;

		used += n;
		top->line_len += n;
		top->after_cr = n == lf && rest.ptr[n - 1] == '\r';
		if (n == lf || !crlf)
			continue;       /* the line goes on */
		count_line(top, top->line_len);
		top->line_len = 0;
	}
	return used;
}

bool pop3_server_body_wants(const struct pop3_server *s)
{
	return s->state != POP3_OVER && s->wait == POP3_WAIT_BODY_END && !s->top.enough;
}

size_t pop3_server_body_room(const struct pop3_server *s)
{
	return pop3_server_body_wants(s) ? dots_write_max(&s->out) : 0;
}

size_t pop3_server_body(struct pop3_server *s, slice part)
{
	size_t room = pop3_server_body_room(s);

	if (part.len > room)
		part = slice_head(part, room);
	if (s->top.lines != UINT32_MAX)
		part = slice_head(part, take_top(&s->top, part));
	if (part.len > 0)
		dots_write(&s->dots, part, &s->out);
	return part.len;
}

void pop3_server_body_end(struct pop3_server *s)
{
	if (pop3_answered(s, POP3_WAIT_BODY_END))
		dots_write_end(&s->dots, &s->out);
}

void pop3_server_fail(struct pop3_server *s, slice words)
{
	if (s->wait == POP3_WAIT_BODY_END)
		pop3_end(s);
	else if (pop3_answered(s, POP3_WAIT_BODY))
		pop3_reply_no(s, words);
}

/* ---- the end ---- */

void pop3_on_quit(struct pop3_server *s, const struct pop3_command *command)
{
	if (s->state == POP3_AUTHORIZATION) {
		pop3_reply_ok(s, "goodbye");
		pop3_end(s);
		return;
	}
	s->wait = POP3_WAIT_COMMIT;
	pop3_raise(s, (struct pop3_event){ .kind = POP3_EVENT_COMMIT });
}

void pop3_server_committed(struct pop3_server *s, bool all)
{
	if (!pop3_answered(s, POP3_WAIT_COMMIT))
		return;
	if (all)
		pop3_reply_ok(s, "goodbye");
	else
		pop3_reply_no(s, slice_lit("[SYS/TEMP] some marked messages are still here"));
	pop3_end(s);
}
