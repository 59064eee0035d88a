/* pop3/server.c - the engine's frame: lines in, verbs found, events and output
 * out. The states and invariants stand in server_impl.h. */
#include "pop3/server.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/limits.h"
#include "pop3/server_impl.h"

static_assert(POP3_LINE_MAX <= SASL_LOGIN_MAX && POP3_LINE_MAX <= SASL_SECRET_MAX,
    "USER and PASS keep what fits in a line");
static_assert(POP3_WORDS_MAX + 64 <= 512, "RFC 2449 s4");

static void on_noop(struct pop3_server *s, const struct pop3_command *command)
{
	pop3_reply_ok(s, "nothing done");
}

enum { IN_AUTH = POP3_AUTHORIZATION, IN_MAIL = POP3_TRANSACTION, IN_BOTH = IN_AUTH | IN_MAIL };

static const struct pop3_verb verbs[] = {
	/* verb    legal in  arguments               handler      */
	{ "STAT",  IN_MAIL,  POP3_ARGS_NONE,         pop3_on_stat },
	{ "LIST",  IN_MAIL,  POP3_ARGS_MAYBE_NUMBER, pop3_on_list },
	{ "RETR",  IN_MAIL,  POP3_ARGS_NUMBER,       pop3_on_retr },
	{ "DELE",  IN_MAIL,  POP3_ARGS_NUMBER,       pop3_on_dele },
	{ "NOOP",  IN_MAIL,  POP3_ARGS_NONE,         on_noop      },
	{ "RSET",  IN_MAIL,  POP3_ARGS_NONE,         pop3_on_rset },
	{ "TOP",   IN_MAIL,  POP3_ARGS_NUMBER_LINES, pop3_on_top  },
	{ "UIDL",  IN_MAIL,  POP3_ARGS_MAYBE_NUMBER, pop3_on_uidl },
	{ "USER",  IN_AUTH,  POP3_ARGS_TEXT,         pop3_on_user },
	{ "PASS",  IN_AUTH,  POP3_ARGS_TEXT,         pop3_on_pass },
	{ "AUTH",  IN_AUTH,  POP3_ARGS_MAYBE_TEXT,   pop3_on_auth },
	{ "STLS",  IN_AUTH,  POP3_ARGS_NONE,         pop3_on_stls },
	{ "UTF8",  IN_AUTH,  POP3_ARGS_NONE,         pop3_on_utf8 },
	{ "CAPA",  IN_BOTH,  POP3_ARGS_NONE,         pop3_on_capa },
	{ "QUIT",  IN_BOTH,  POP3_ARGS_NONE,         pop3_on_quit },
};

/* ---- life ---- */

struct pop3_server *pop3_server_create(struct heap *heap,
    const struct pop3_server_config *config, bool secure, bool loopback)
{
	struct pop3_server *s = heap_new(heap, struct pop3_server);

	s->heap = heap;
	s->config = config;
	s->state = POP3_AUTHORIZATION;
	s->secure = secure;
	s->loopback = loopback;
	s->out = buffer_init(heap, POP3_OUTPUT_MAX);
	s->login = buffer_init(heap, SASL_LOGIN_MAX);
	s->secret = buffer_init(heap, SASL_SECRET_MAX);
	return s;
}

void pop3_server_destroy(struct pop3_server *s)
{
	if (s == NULL)
		return;
	pop3_forget_login(s);
	buffer_free(&s->out);
	heap_free(s->heap, s);
}

void pop3_server_greet(struct pop3_server *s)
{
	/* Without "<...>": that would announce APOP (RFC 1939 s7). */
	pop3_reply_ok(s, "%.*s POP3 ready", slice_arg(s->config->hostname));
}

void pop3_server_refuse(struct pop3_server *s, slice words)
{
	pop3_reply_no(s, words);
	pop3_end(s);
}

void pop3_server_timeout(struct pop3_server *s)
{
	if (s->state != POP3_OVER)
		pop3_end(s);
}

bool pop3_server_utf8(const struct pop3_server *s)
{
	return s->utf8;
}

/* ---- output ---- */

void pop3_reply_ok(struct pop3_server *s, const char *format, ...)
{
	char words[POP3_WORDS_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	buffer_printf(&s->out, "+OK %s\r\n", words);
}

/* "-ERR words tail", with nothing in it that is not printable ASCII. */
static void write_error(struct pop3_server *s, slice words, const char *tail)
{
	buffer_add(&s->out, slice_lit("-ERR "));
	for (size_t i = 0; i < words.len && i < POP3_WORDS_MAX; i++) {
		unsigned char c = words.ptr[i];

		if (c < ' ' || c > '~')
			c = '?';
		buffer_add(&s->out, slice_of(&c, 1));
	}
	buffer_printf(&s->out, "%s\r\n", tail);
}

void pop3_reply_no(struct pop3_server *s, slice words)
{
	write_error(s, words, "");
}

void pop3_reply_error(struct pop3_server *s, slice words)
{
	if (++s->errors < s->config->errors_max) {
		write_error(s, words, "");
		return;
	}
	write_error(s, words, "; too many errors, closing");
	pop3_end(s);
}

slice pop3_server_output(const struct pop3_server *s)
{
	return buffer_bytes(&s->out);
}

void pop3_server_sent(struct pop3_server *s, size_t n)
{
	buffer_consume(&s->out, n);
	pop3_list_more(s);
}

/* ---- events ---- */

void pop3_raise(struct pop3_server *s, struct pop3_event event)
{
	event.utf8 = s->utf8;
	s->event = event;
	s->event_ready = true;
}

void pop3_end(struct pop3_server *s)
{
	pop3_forget_login(s);
	s->state = POP3_OVER;
	s->wait = POP3_WAIT_NOTHING;
	s->list_row = NULL;
	pop3_raise(s, (struct pop3_event){ .kind = POP3_EVENT_QUIT });
}

bool pop3_server_next(struct pop3_server *s, struct pop3_event *ret_event)
{
	if (!s->event_ready)
		return false;
	s->event_ready = false;
	*ret_event = s->event;
	return true;
}

bool pop3_answered(struct pop3_server *s, enum pop3_wait wait)
{
	if (s->state == POP3_OVER)
		return false;           /* the session timed out meanwhile */
	check(s->wait == wait && !s->event_ready);
	s->wait = POP3_WAIT_NOTHING;
	return true;
}

/* ---- lines ---- */

/* Take a number off the front of *text, with the blanks behind it. */
static bool take_number(slice *text, uint32_t max, uint32_t *ret_number)
{
	slice rest = *text, digits = slice_cut(&rest, ' ');
	uint64_t number;

	if (!slice_to_u64(digits, max, &number))
		return false;
	*ret_number = (uint32_t)number;
	*text = slice_trim(rest);
	return true;
}

static bool take_message(struct pop3_server *s, slice *text, uint32_t *ret_number)
{
	uint32_t number;
	char words[64];

	if (!take_number(text, UINT32_MAX, &number)) {
		pop3_reply_error(s, slice_lit("give the number of a message"));
		return false;
	}
	if (number == 0 || number > s->n_messages) {
		snprintf(words, sizeof words, "no such message, there are %u", s->n_messages);
		pop3_reply_no(s, slice_from(words));
		return false;
	}
	if (s->messages[number - 1].deleted) {
		snprintf(words, sizeof words, "message %u is marked as deleted", number);
		pop3_reply_no(s, slice_from(words));
		return false;
	}
	*ret_number = number;
	return true;
}

/* Parse what the row asks for; false when a reply was queued instead. */
static bool take_arguments(struct pop3_server *s, const struct pop3_verb *verb, slice rest,
    struct pop3_command *ret_command)
{
	struct pop3_command command = { .text = rest };
	slice text = slice_trim(rest);

	switch (verb->arguments) {
	case POP3_ARGS_MAYBE_TEXT:
		*ret_command = command;
		return true;
	case POP3_ARGS_TEXT:
		if (rest.len == 0) {
			pop3_reply_error(s, slice_lit("argument missing"));
			return false;
		}
		*ret_command = command;
		return true;
	case POP3_ARGS_NONE:
		break;
	case POP3_ARGS_MAYBE_NUMBER:
		if (text.len > 0 && !take_message(s, &text, &command.number))
			return false;
		break;
	case POP3_ARGS_NUMBER:
		if (!take_message(s, &text, &command.number))
			return false;
		break;
	case POP3_ARGS_NUMBER_LINES:
		if (!take_message(s, &text, &command.number))
			return false;
		/* UINT32_MAX means all: a larger number of lines is no error. */
		if (!take_number(&text, UINT32_MAX - 1, &command.lines)) {
			pop3_reply_error(s, slice_lit("give a number of lines"));
			return false;
		}
		break;
	}
	if (text.len > 0) {
		pop3_reply_error(s, slice_lit("too many arguments"));
		return false;
	}
	*ret_command = command;
	return true;
}

static bool has_control(slice line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (line.ptr[i] < ' ' || line.ptr[i] == 0x7f)
			return true;
	}
	return false;
}

static const struct pop3_verb *find_verb(slice name)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (slice_equal_ascii(name, slice_from(verbs[i].name)))
			return &verbs[i];
	}
	return NULL;
}

static void on_line(struct pop3_server *s, slice line)
{
	slice rest = line, name = slice_cut(&rest, ' ');
	const struct pop3_verb *verb = find_verb(name);
	struct pop3_command command;

	if (has_control(line))
		pop3_reply_error(s, slice_lit("control character in the command"));
	else if (verb == NULL)
		pop3_reply_error(s, slice_lit("unknown command"));
	else if ((verb->states & s->state) == 0)
		pop3_reply_error(s, s->state == POP3_AUTHORIZATION ? slice_lit("log in first") :
		    slice_lit("you are logged in already"));
	else if (take_arguments(s, verb, rest, &command))
		verb->run(s, &command);
}

/* How long the line at the front of `in` may be, CRLF included. */
static size_t line_max(const struct pop3_server *s, slice in)
{
	if (s->sasl_running || slice_starts_ascii(in, slice_lit("AUTH ")))
		return POP3_AUTH_LINE_MAX;
	return POP3_LINE_MAX;
}

static void on_long_line(struct pop3_server *s)
{
	pop3_forget_login(s);           /* an AUTH that runs is over */
	pop3_reply_error(s, slice_lit("line too long"));
}

/* Handle a line at the front of `in`; returns how much was used, 0 for "not all
 * of it is here yet". */
static size_t take_line(struct pop3_server *s, slice in)
{
	size_t lf = slice_find_byte(in, '\n');
	size_t max = line_max(s, in);
	slice line;

	if (lf == in.len) {
		if (!s->skipping && in.len < max)
			return 0;
		s->skipping = true;
		return in.len;
	}
	if (s->skipping || lf + 1 > max) {
		s->skipping = false;
		on_long_line(s);
		return lf + 1;
	}
	line = slice_head(in, lf);
	if (slice_ends(line, slice_lit("\r")))
		line.len--;
	if (s->sasl_running)
		pop3_on_auth_line(s, line);
	else
		on_line(s, line);
	return lf + 1;
}

static bool may_start(const struct pop3_server *s)
{
	return !s->event_ready && s->wait == POP3_WAIT_NOTHING && s->list_row == NULL &&
	    buffer_room(&s->out) >= POP3_REPLY_ROOM;
}

size_t pop3_server_feed(struct pop3_server *s, slice in)
{
	size_t used = 0;

	while (used < in.len) {
		size_t n;

		/* RFC 2595 s4: what came behind STLS in the clear is worth nothing. */
		if (s->state == POP3_OVER || s->wait == POP3_WAIT_TLS)
			return in.len;
		if (!may_start(s))
			break;
		n = take_line(s, slice_drop(in, used));
		if (n == 0)
			break;
		used += n;
	}
	return used;
}
